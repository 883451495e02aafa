"""The templates for Azure DevOps and GitLab, filled in and run as their hosts would run the scripts in them."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.integrations.runner import ROOT, Runner, pip_settings

AZURE = ROOT / "integrations" / "azure-devops" / "acrscan.yml"
GITLAB = ROOT / "integrations" / "gitlab" / "acrscan.yml"


@dataclass
class Job:
    """What a run leaves: the code of the job, its log, the folder of reports."""

    code: int
    log: str
    reports: Path


def azure_script() -> str:
    """The script of the step that does the work."""
    return str(next(step["bash"] for step in azure_steps() if step.get("displayName") == "acrscan"))


def azure_steps() -> list[dict[str, Any]]:
    """All steps, those behind a condition too."""
    found: list[dict[str, Any]] = []
    for step in yaml.safe_load(AZURE.read_text("utf-8"))["steps"]:
        inner = [value for key, value in step.items() if key.startswith("${{ if")]
        found += inner[0] if inner else [step]
    return found


def azure(machine: Runner, *, environment: dict[str, str] | None = None, **parameters: str) -> Job:
    """Run the work and the last step with parameters; what the log sets is there for the last step."""
    document = yaml.safe_load(AZURE.read_text("utf-8"))
    known = {one["name"]: one.get("default", "") for one in document["parameters"]}
    assert set(parameters) <= set(known)
    values = {**known, **parameters}
    variables = {
        "System.PullRequest.TargetBranch": "$(System.PullRequest.TargetBranch)",
        **(environment or {}),
    }
    log, code = "", 0
    for step in azure_steps():
        if "bash" not in step:
            continue
        own = {}
        for name, text in (step.get("env") or {}).items():
            filled = re.sub(r"\$\{\{ parameters\.(\w+) \}\}", lambda one: str(values[one[1]]), text)
            filled = re.sub(r"\$\(([\w.]+)\)", lambda one: variables.get(one[1], one[0]), filled)
            if filled:  # the agent leaves out what is mapped to nothing
                own[name] = filled
        build = {name: value for name, value in variables.items() if name.isupper()}
        done = _bash(
            machine, step["bash"], {"AGENT_TEMPDIRECTORY": str(machine.temporary), **build, **own}, "-e"
        )
        log += done.stdout
        variables.update(
            re.findall(r"^##vso\[task\.setvariable variable=([\w.]+)\](.*)$", done.stdout, re.MULTILINE)
        )
        code = done.returncode
        if code:
            break
    return Job(code, log, machine.temporary / "acrscan")


def gitlab_parts() -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs and the job."""
    header, body = yaml.safe_load_all(GITLAB.read_text("utf-8"))
    return header["spec"]["inputs"], body["$[[ inputs.job ]]"]


def gitlab(machine: Runner, *, environment: dict[str, str] | None = None, **inputs: str) -> Job:
    """Run the job with inputs (`fail_on` for `fail-on`); each value replaces its place within one scalar."""
    known, job = gitlab_parts()
    given = {name.replace("_", "-"): value for name, value in inputs.items()}
    assert set(given) <= set(known)
    values = {name: given.get(name, one.get("default", "")) for name, one in known.items()}

    def filled(one: re.Match[str]) -> str:
        value = values[one[1]]
        return str(value).lower() if isinstance(value, bool) else str(value)

    variables = {}
    for name, value in job["variables"].items():
        if isinstance(value, dict):
            assert value["expand"] is False
        text = value["value"] if isinstance(value, dict) else value
        variables[name] = re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", filled, text)
    (script,) = job["script"]
    done = _bash(
        machine,
        script,
        {"CI_PROJECT_DIR": str(machine.workspace), **variables, **(environment or {})},
        "-eo",
        "pipefail",
    )
    return Job(done.returncode, done.stdout, machine.workspace / "acrscan-reports")


def _bash(
    machine: Runner, script: str, environment: dict[str, str], *options: str
) -> subprocess.CompletedProcess[str]:
    path = machine.temporary / "script.sh"
    path.write_text(script, encoding="utf-8")
    return subprocess.run(
        ["bash", "--noprofile", "--norc", *options, str(path)],
        cwd=machine.workspace,
        env={
            "PATH": f"{machine.bin}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(machine.temporary),
            **pip_settings(),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
