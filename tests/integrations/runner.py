"""A runner of GitHub Actions, as much of it as a composite action needs: inputs in, what the service would keep out.

Steps run as the service runs them (`bash --noprofile --norc -eo pipefail`), outputs are read from the file as it reads
them, and workflow commands in the log count only where they are not stopped.
Source: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands,
https://github.com/actions/runner/blob/main/src/Runner.Worker/FileCommandManager.cs (output files)
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / "action.yml"
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_COMMAND = re.compile(r"::(?P<name>[a-zA-Z-]+)(?: (?P<properties>.*?))?::(?P<message>.*)")


@dataclass
class Ran:
    """What a run leaves: the code of the last step, outputs, the summary, the log, commands that would be obeyed."""

    code: int
    outputs: dict[str, str]
    summary: str
    log: str
    commands: list[tuple[str, str, str]] = field(default_factory=list)
    uploaded: str = ""

    def annotations(self, level: str) -> list[str]:
        """The messages of a level, decoded."""
        return [decoded(message) for name, _, message in self.commands if name == level]


def decoded(text: str) -> str:
    """What the service shows for the data of a command."""
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def read_outputs(text: str) -> dict[str, str]:
    """The outputs in a file: `name=value` or `name<<delimiter`, lines, delimiter; anything else fails the step."""
    found: dict[str, str] = {}
    lines = text.split("\n")
    while lines:
        line = lines.pop(0)
        if not line:
            continue
        plain, heredoc = line.find("="), line.find("<<")
        if heredoc >= 0 and (plain < 0 or heredoc < plain):
            name, delimiter = line[:heredoc], line[heredoc + 2 :]
            assert name, f"an output without a name: {line!r}"
            assert delimiter, f"an output without a delimiter: {line!r}"
            value: list[str] = []
            while (line := lines.pop(0)) != delimiter:
                value.append(line)
            found[name] = "\n".join(value)
        else:
            assert plain > 0, f"no output: {line!r}"
            found[line[:plain]] = line[plain + 1 :]
    return found


def obeyed(log: str) -> list[tuple[str, str, str]]:
    """The workflow commands that the service would carry out: name, properties, message."""
    found, stopped = [], ""
    for raw in log.split("\n"):
        line = raw.lstrip()
        if stopped:
            stopped = "" if line == f"::{stopped}::" else stopped
            continue
        match = _COMMAND.match(line)
        if match is None:
            assert "##[" not in line
            continue
        if match["name"] == "stop-commands":
            stopped = match["message"]
            continue
        found.append((match["name"], match["properties"] or "", match["message"]))
    assert not stopped, "commands were never switched on again"
    return found


class Runner:
    """A machine with a checkout and an `acrscan` on its PATH."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "work space"  # paths with blanks are normal on self-hosted runners
        self.temporary = folder / "temp"
        self.bin = folder / "bin"
        for one in (self.workspace, self.temporary, self.bin):
            one.mkdir(parents=True)
        self.calls_file = folder / "calls.ndjson"

    def calls(self) -> list[list[str]]:
        """The arguments of each call of the fake."""
        if not self.calls_file.exists():
            return []
        return [json.loads(line) for line in self.calls_file.read_text("utf-8").splitlines()]

    def program(self, text: str, name: str = "acrscan") -> None:
        """Put a Python program on the PATH."""
        path = self.bin / name
        path.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
        path.chmod(0o755)

    def fake(self, **answers: dict[str, Any]) -> None:
        """An `acrscan` that notes its arguments and answers by command (`policy_lint`): code, out, err, files by format."""
        plan = {name.replace("_", " "): answer for name, answer in answers.items()}
        self.program(
            "import json, sys\n"
            "from pathlib import Path\n"
            f"PLAN = json.loads({json.dumps(json.dumps(plan))})\n"
            "given = sys.argv[1:]\n"
            "if given == ['--version']:\n"
            "    print('acrscan 0.0.0')\n"
            "    sys.exit(0)\n"
            f"with open({str(self.calls_file)!r}, 'a', encoding='utf-8') as out:\n"
            "    out.write(json.dumps(given) + '\\n')\n"
            "words = ' '.join(given[:2]) if given[0] != 'scan' else 'scan'\n"
            "answer = PLAN.get(words, {})\n"
            "options = given[:given.index('--')] if '--' in given else given\n"
            "formats = [options[at + 1] for at, one in enumerate(options) if one == '-f']\n"
            "place = options[options.index('-o') + 1] if '-o' in options else None\n"
            "for name in formats:\n"
            "    content = answer.get('files', {}).get(name)\n"
            "    if content is not None:\n"
            "        path = Path(place) / content['name'] if isinstance(content, dict) else Path(place)\n"
            "        path.write_text(content['text'] if isinstance(content, dict) else content, encoding='utf-8')\n"
            "sys.stdout.write(answer.get('out', ''))\n"
            "sys.stderr.write(answer.get('err', ''))\n"
            "sys.exit(answer.get('code', 0))\n"
        )

    def real(self) -> None:
        """Put the acrscan of this checkout on the PATH."""
        self.program(
            f"import sys\nsys.path[:0] = [{str(ROOT)!r}]\nfrom scanner.cli.door import run\nsys.exit(run(sys.argv[1:]))\n"
        )

    def run(
        self,
        action: Path = ACTION,
        *,
        environment: dict[str, str] | None = None,
        fork: bool = False,
        **inputs: str,
    ) -> Ran:
        """Run the action with inputs (`fail_on` for `fail-on`); those not given have their defaults."""
        document = yaml.safe_load(action.read_text("utf-8"))
        known = document["inputs"]
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert set(given) <= set(known), "an input that the action has not"
        values = {name: given.get(name, str(one.get("default", ""))) for name, one in known.items()}
        values["(fork)"] = str(fork).lower()
        outputs: dict[str, str] = {}
        ran = Ran(0, outputs, "", "")
        number = 0
        for step in document["runs"]["steps"]:
            if "uses" in step:
                wanted = "upload-sarif" in step["uses"] and values["upload-sarif"] == "true" and not fork
                if wanted and outputs.get("sarif"):
                    ran.uploaded = self._filled(step["with"]["sarif_file"], values, outputs)
                continue
            number += 1
            files = {
                name: self.temporary / f"{name}-{number}" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
            }
            for path in files.values():
                path.touch()
            script = self.temporary / f"step-{number}.sh"
            script.write_text(step["run"], encoding="utf-8")
            own = {
                name: self._filled(text, values, outputs) for name, text in (step.get("env") or {}).items()
            }
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
                cwd=self.workspace,
                env={
                    "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
                    "HOME": str(self.temporary),
                    "RUNNER_TEMP": str(self.temporary),
                    "GITHUB_ACTIONS": "true",
                    "GITHUB_ACTION_PATH": str(action.parent),
                    **{name: str(path) for name, path in files.items()},
                    **pip_settings(),
                    **(environment or {}),
                    **own,
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
            log = done.stdout.decode("utf-8", "replace")
            ran.log += log
            ran.commands += obeyed(log)
            ran.code = done.returncode
            if step.get("id") == "run":
                outputs.update(read_outputs(files["GITHUB_OUTPUT"].read_text("utf-8")))
            ran.summary += files["GITHUB_STEP_SUMMARY"].read_text("utf-8")
            if done.returncode:
                break
        return ran

    @staticmethod
    def _filled(text: str, inputs: dict[str, str], outputs: dict[str, str]) -> str:
        def value(match: re.Match[str]) -> str:
            words = match[1]
            if words == "github.event.pull_request.head.repo.fork":
                return inputs["(fork)"]
            if words.startswith("inputs."):
                return inputs[words.removeprefix("inputs.")]
            assert words.startswith("steps.run.outputs."), f"an expression that this runner has not: {words}"
            return outputs.get(words.removeprefix("steps.run.outputs."), "")

        return _EXPRESSION.sub(value, str(text))


def pip_settings() -> dict[str, str]:
    """Where packages come from on this machine, for what installs some."""
    return {
        name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))
    }
