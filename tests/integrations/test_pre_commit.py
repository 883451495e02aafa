"""The hooks, run by pre-commit itself in a scratch repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cli.test_hook import GOOD
from tests.integrations.runner import ROOT, Runner, pip_settings

HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
SOURCES = (
    "pyproject.toml",
    "README.md",
    ".pre-commit-hooks.yaml",
    "action.yml",
    "integrations",
    "policies",
    "scanner",
    "tests/estate",
)


class Repository:
    """A git repository with a pack, a waiver file and YAML of others."""

    def __init__(self, folder: Path, machine: Runner, config: dict) -> None:
        self.folder = folder
        self.environment = {
            "PATH": f"{machine.bin}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(machine.temporary),
            "PRE_COMMIT_HOME": str(machine.temporary / "pre-commit"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            **{
                f"GIT_{who}_{what}": "t@example.org"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
            **pip_settings(),
        }
        pack = folder / "policies" / "acme"
        pack.mkdir(parents=True)
        (pack / "pack.yaml").write_text(
            "apiVersion: acrscan/v1\npack: {id: acme, prefix: ACME, version: 0.1.0}\n"
        )
        self.rule = pack / "ACME101-tagged.yaml"
        self.rule.write_text(GOOD)
        self.waivers = folder / "acr-waivers.yaml"
        self.waivers.write_text("apiVersion: acrscan/v1\nwaivers: []\n")
        (folder / "values.yaml").write_text("replicas: 1\n")
        (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
        self.run("git", "init", "--quiet", "--initial-branch=main", ".")
        self.run("git", "add", "--all")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program there."""
        return subprocess.run(
            words,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def outcomes(self, told: str) -> dict[str, str]:
        """What pre-commit says of each hook."""
        found = {}
        for hook in HOOKS:
            (line,) = [line for line in told.splitlines() if line.startswith(f"{hook['name']}.")]
            found[hook["id"]] = line.rsplit(".", 1)[1]
        return found


@pytest.fixture
def quick(machine, tmp_path):
    """The hooks with the acrscan of this checkout on the PATH: nothing is installed."""
    machine.real()
    hooks = [{**hook, "language": "system"} for hook in HOOKS]
    folder = tmp_path / "repository"
    folder.mkdir()
    return Repository(folder, machine, {"repos": [{"repo": "local", "hooks": hooks}]})


def test_the_hooks_are_what_was_promised():
    """Three, each installed by pre-commit as a Python package whose command exists."""
    assert [hook["id"] for hook in HOOKS] == ["acrscan-lint", "acrscan-test", "acrscan-waivers"]
    assert {hook["language"] for hook in HOOKS} == {"python"}
    assert all(hook["entry"].startswith("acrscan hook ") for hook in HOOKS)


def test_hooks_of_a_repository_that_is_right(quick):
    """All pass, and all ran."""
    done = quick.run("pre-commit", "run", "--all-files")
    assert quick.outcomes(done.stdout) == dict.fromkeys(
        ("acrscan-lint", "acrscan-test", "acrscan-waivers"), "Passed"
    )
    assert done.returncode == 0


def test_hooks_find_what_is_wrong(quick):
    """A path that does not exist, a test that does not hold, a waiver without an owner: each by its own hook, with its place."""
    quick.rule.write_text(GOOD.replace("expect: unknown", "expect: pass"))
    quick.waivers.write_text("apiVersion: acrscan/v1\nwaivers:\n  - {id: W-1, rule: ACR101}\n")
    done = quick.run("pre-commit", "run", "--all-files")
    assert quick.outcomes(done.stdout) == {
        "acrscan-lint": "Passed", "acrscan-test": "Failed", "acrscan-waivers": "Failed",
    }  # fmt: skip
    assert "policies/acme/ACME101-tagged.yaml:16:5" in done.stdout
    assert "acr-waivers.yaml:3:5" in done.stdout
    quick.rule.write_text(GOOD.replace("tags.owner, exists", "tag.owner, exists"))
    done = quick.run("pre-commit", "run", "--all-files")
    assert quick.outcomes(done.stdout)["acrscan-lint"] == "Failed"
    assert "SEM007" in done.stdout


def test_a_commit_that_breaks_a_rule_does_not_happen(quick):
    """Installed as git's hook; a commit that touches no YAML runs none of them."""
    assert quick.run("pre-commit", "install").returncode == 0
    first = quick.run("git", "commit", "--quiet", "--message", "first")
    assert first.returncode == 0, first.stdout
    quick.rule.write_text(GOOD.replace("expect: unknown", "expect: pass"))
    quick.run("git", "add", "--all")
    assert quick.run("git", "commit", "--quiet", "--message", "broken").returncode == 1
    assert quick.run("git", "rev-list", "--count", "HEAD").stdout.strip() == "1"
    quick.rule.write_text(GOOD)
    (quick.folder / "notes.txt").write_text("no YAML\n")
    quick.run("git", "add", "--all")
    done = quick.run("git", "commit", "--message", "notes")
    assert set(quick.outcomes(done.stdout).values()) == {"(no files to check)Skipped"}


@pytest.mark.slow
def test_hooks_as_pre_commit_installs_them(machine, tmp_path):
    """`language: python` as shipped: the package is built and installed from a repository, and the hooks run from it."""
    source = tmp_path / "source"
    for name in SOURCES:
        place = source / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, place)
    folder = tmp_path / "repository"
    folder.mkdir()
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(source)]
    for words in (["init", "--quiet"], ["add", "--all", "--force"], ["commit", "--quiet", "--message", "x"]):
        subprocess.run([*git, *words], check=True)
    revision = subprocess.run(
        [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    hooks = [{"id": hook["id"]} for hook in HOOKS]
    mine = Repository(folder, machine, {"repos": [{"repo": str(source), "rev": revision, "hooks": hooks}]})
    done = mine.run("pre-commit", "run", "--all-files")
    assert done.returncode == 0, done.stdout
    assert set(mine.outcomes(done.stdout).values()) == {"Passed"}
    mine.rule.write_text(GOOD.replace("expect: unknown", "expect: pass"))
    assert mine.outcomes(mine.run("pre-commit", "run", "--all-files").stdout)["acrscan-test"] == "Failed"
