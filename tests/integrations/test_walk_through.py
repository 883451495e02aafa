"""The walk-through of docs/writing-rules.md, as a stranger follows it: every file written, every command run, in order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess

import pytest
import yaml

from scanner.cli.commands import POLICY, WAIVER
from tests.integrations import templates
from tests.integrations.runner import ROOT

PAGE = (ROOT / "docs" / "writing-rules.md").read_text("utf-8")
TITLE = "## From `policy new` to a green pull request"
GROUPS = {"policy": POLICY, "waiver": WAIVER}


def blocks():
    """Kind and text of each block, and the words in front of it."""
    text = PAGE.split(TITLE)[1].split("\n## ")[0]
    parts = re.split(r"^```(\w*)\n(.*?)^```\n", text, flags=re.MULTILINE | re.DOTALL)
    return [(parts[at + 1], parts[at + 2], parts[at]) for at in range(0, len(parts) - 2, 3)]


@pytest.fixture
def stranger(machine):
    """A repository with one commit on main, and the acrscan of this checkout."""
    machine.real()
    environment = {
        "PATH": f"{machine.bin}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(machine.temporary),
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{
            f"GIT_{who}_{what}": "t@example.org"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }

    def follow(line):
        return subprocess.run(
            shlex.split(line, comments=True),
            cwd=machine.workspace,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    (machine.workspace / "README.md").write_text("# Registries\n")
    for line in (
        "git init --quiet --initial-branch=main",
        "git add README.md",
        "git commit --quiet --message first",
    ):
        assert follow(line).returncode == 0, line

    def must(line):
        done = follow(line)
        assert done.returncode == 0, f"{line}\n{done.stdout}"

    machine.follow, machine.must = follow, must
    return machine


def test_every_command_gives_what_the_page_says(stranger):
    """Exit codes as written (`# exit 1`), else 0; at the end the pack is right and committed."""
    ran = []
    for kind, text, before in blocks():
        if kind in ("yaml", "json"):
            name = re.findall(r"`([\w./-]+\.(?:yaml|json))`", before)[-1]
            (stranger.workspace / name).write_text(text)
            continue
        assert kind == "sh"
        for line in text.splitlines():
            words = shlex.split(line, comments=True)
            expected = int(found[1]) if (found := re.search(r"# exit (\d+)", line)) else 0
            done = stranger.follow(line)
            assert done.returncode == expected, f"{line}\n{done.stdout}"
            ran.append(" ".join(words[:3]))
    assert stranger.follow("git status --porcelain").stdout == "?? registry.json\n"
    assert {
        "acrscan init --pack",
        "acrscan policy new",
        "acrscan policy lint",
        "acrscan policy try",
        "git commit --quiet",
    } <= set(ran)


def opened(stranger):
    """The branch of the page as actions/checkout leaves a pull request: its merge into main, and no branch but origin's."""
    (rule,) = [text for kind, text, _ in blocks() if kind == "yaml"]
    stranger.must("git switch --create acme-rules")
    stranger.must("acrscan init --pack policies/acme --prefix ACME")
    (stranger.workspace / "policies/acme/ACME101-premium-has-a-team.yaml").write_text(rule)
    commit(stranger, "rule")


def commit(stranger, message):
    """Commit all, and check the pull request of this branch out."""
    for line in (
        "git add --all",
        f"git commit --quiet --message {message}",
        "git switch --quiet main",
        "git update-ref refs/remotes/origin/main main",
        "git switch --quiet --detach",
        "git merge --quiet --no-ff --message merged acme-rules",
        "git branch --quiet --delete --force main acme-rules",
    ):
        stranger.must(line)


def merged(stranger):
    """The pull request is merged, and the next branch begins."""
    stranger.must("git branch main HEAD")
    stranger.must("git switch --quiet --create acme-rules")


def inputs(stranger):
    """What the workflow that `init` wrote gives the action on a pull request, but for the acrscan to install."""
    workflow = yaml.safe_load((stranger.workspace / ".github/workflows/acrscan.yml").read_text("utf-8"))
    (given,) = [step["with"] for step in workflow["jobs"]["policies"]["steps"] if "acrscan" in step["uses"]]
    assert set(given) == {"pack", "waivers", "version"}
    return {**given, "version": "installed"}


STRICT = {
    "fail_on": "warning", "min_branch": "100", "min_score": "100", "max_new": "critical=0\nhigh=0", "no_loosening": "true",
}  # fmt: skip


def test_the_pull_request_is_green(stranger):
    """The action as `init` wrote it, with every gate as strict as can be: all checks run, and none has anything to say."""
    opened(stranger)
    ran = stranger.run(**inputs(stranger), **STRICT, environment={"GITHUB_BASE_REF": "main"})
    assert (ran.code, ran.annotations("error"), ran.annotations("warning")) == (0, [], []), ran.log
    assert (ran.outputs["errors"], ran.outputs["warnings"]) == ("0", "0")
    assert ran.uploaded
    assert (ran.outputs["failed"], ran.outputs["fixed"]) == ("0", "0")
    assert int(ran.outputs["new"]) > 0  # on the sample estate
    for check in ("lint", "test", "mutate", "diff", "impact"):
        assert f"::group::policy {check}\n" in ran.log


@pytest.mark.parametrize("host", [templates.azure, templates.gitlab])
def test_the_pull_request_is_green_elsewhere(stranger, host):
    """The same branch with Azure DevOps and GitLab: every check runs, and all reports are there."""
    opened(stranger)
    given = {
        "version": "installed",
        "pack": "policies/acme",
        "waivers": "acr-waivers.yaml",
        "base": "origin/main",
    }
    ran = host(stranger, **given)
    assert ran.code == 0, ran.log
    names = {path.name for path in ran.reports.rglob("*") if path.stat().st_size}
    assert names >= {
        "lint.txt", "lint.sarif", "lint.md", "test.junit.xml", "mutate.md", "diff.md", "impact.md", "waivers.txt",
    }  # fmt: skip


def test_a_pull_request_that_leaves_the_rules_alone_is_green(stranger):
    """The next one, which touches the waiver file: nothing is there to mutate, and that is no failure."""
    opened(stranger)
    merged(stranger)
    path = stranger.workspace / "acr-waivers.yaml"
    path.write_text(path.read_text("utf-8") + "# reviewed\n")
    commit(stranger, "waivers")
    ran = stranger.run(**inputs(stranger), **STRICT, environment={"GITHUB_BASE_REF": "main"})
    assert (ran.code, ran.annotations("error"), ran.annotations("warning")) == (0, [], []), ran.log
    assert (ran.outputs["new"], ran.outputs["fixed"]) == ("0", "0")


def test_a_pull_request_that_loosens_is_red(stranger):
    """The next one, whose rule lets more pass: the gate, the version and the test that is missing are told at the rule."""
    opened(stranger)
    merged(stranger)
    path = stranger.workspace / "policies/acme/ACME101-premium-has-a-team.yaml"
    strict = "assert: {field: tags.team, exists: true}"
    text = path.read_text("utf-8")
    assert strict in text
    looser = "assert: {anyOf: [{field: tags.team, exists: true}, {field: tags.owner, exists: true}]}"
    path.write_text(text.replace(strict, looser))
    commit(stranger, "looser")
    ran = stranger.run(**inputs(stranger), **STRICT, environment={"GITHUB_BASE_REF": "main"})
    assert ran.code == 2  # pack.version is too low, which weighs more than the gates
    assert "pack.version 0.1.0 is lower than" in ran.summary
    assert "exit 1: " in ran.summary
    line = next(at for at, one in enumerate(text.splitlines(), 1) if one == strict)
    places = [properties for _, properties, _ in ran.commands if "file=" in properties]
    assert any(f"file=policies/acme/{path.name},line={line}," in one for one in places), places


def test_the_rule_of_the_page_is_without_blame(stranger):
    """Lint has no word about it, not even a warning, and each of its tests passes."""
    (rule,) = [text for kind, text, _ in blocks() if kind == "yaml"]
    stranger.follow("acrscan init --pack policies/acme --prefix ACME")
    (stranger.workspace / "policies/acme/ACME101-premium-has-a-team.yaml").write_text(rule)
    done = stranger.follow("acrscan policy lint policies/acme")
    assert ", 0 warnings" in done.stdout
    assert done.returncode == 0
    assert "5 tests" in stranger.follow("acrscan policy test policies/acme").stdout
