"""`scan --from arm` as a person runs it: output, exit codes, and options that do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scanner.cli.door import run
from tests.inventory.arm_template.expanding import registry, template, write

GOOD = template(
    [registry(properties={"adminUserEnabled": "[parameters('admin')]"})],
    parameters={"admin": {"type": "bool"}},
)
VALUES = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
    "parameters": {"admin": {"value": True}},
}


def invoke(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command line."""
    code = run(arguments)
    out = capsys.readouterr()
    return code, out.out, out.err


def test_a_template_with_its_parameter_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The finding names the line of the property and that of the value in the parameter file."""
    write(tmp_path, {"main.json": GOOD, "prod.json": VALUES})
    code, out, _ = invoke(
        capsys, "scan", "--from", "arm", str(tmp_path / "main.json"), "--parameters", str(tmp_path / "prod.json"), "--rule", "ACR101"
    )  # fmt: skip
    assert code == 1
    assert "ACR101" in out
    text = json.dumps(GOOD, indent=2).splitlines()
    line = next(number for number, row in enumerate(text, 1) if "adminUserEnabled" in row)
    assert f"main.json:{line}:" in out
    assert "prod.json:" in out


def test_a_parameter_without_a_value_is_asked_for_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Without values the rule is not decided, and the report says which parameter it needs."""
    write(tmp_path, {"main.json": GOOD})
    code, out, err = invoke(
        capsys, "scan", "--from", "arm", str(tmp_path), "--rule", "ACR101", "--rule", "ACR103"
    )
    assert code == 3
    assert "admin" in out
    assert "ACR101" in out
    assert "exit 3" in err


def test_one_bad_file_does_not_hide_the_findings_of_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The bad file is told with its place and decides the exit code; the findings are there."""
    write(tmp_path, {"bad.json": '{"resources": Microsoft.ContainerRegistry', "main.json": GOOD, "main.parameters.json": VALUES})  # fmt: skip
    code, out, err = invoke(capsys, "scan", "--from", "arm", str(tmp_path), "--rule", "ACR101")
    assert code == 2
    assert "ACR101" in out
    assert "bad.json:1:15: is not valid JSON" in err
    assert "1 file could not be used" in err


def test_a_folder_without_templates_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Nothing evaluated is never clean."""
    write(tmp_path, {"package.json": {"name": "x"}})
    code, _, err = invoke(capsys, "scan", "--from", "arm", str(tmp_path))
    assert code not in (0, 1)
    assert err


def test_a_file_that_speaks_of_registries_and_gives_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """It is an error and no clean scan."""
    outputs = {
        "id": {"type": "string", "value": "[resourceId('Microsoft.ContainerRegistry/registries', 'a')]"}
    }
    write(tmp_path, {"main.json": template([], outputs=outputs)})
    code, _, err = invoke(capsys, "scan", "--from", "arm", str(tmp_path))
    assert code == 2
    assert "main.json: mentions Microsoft.ContainerRegistry but no resource could be evaluated" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "arm"), "--from arm needs a PATH"),
        (("--parameters", "x.json", "."), "are for templates"),
        (("--bicep-cli", "bicep", "--from", "saved", "."), "are for templates"),
        (("--from", "arm", "none-there"), "no such file or folder"),
        (("--from", "arm", ".", "--verify"), "are for Azure itself"),
    ],
)
def test_options_that_do_not_fit(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
):
    """Each contradiction is refused in words, with exit code 2."""
    monkeypatch.chdir(tmp_path)
    code, _, err = invoke(capsys, "scan", *arguments)
    assert code == 2
    assert words in err


def test_reports_of_templates_hold_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """SARIF leads to the line in the template."""
    write(tmp_path, {"main.json": GOOD, "main.parameters.json": VALUES})
    code, out, _ = invoke(
        capsys, "scan", "--from", "arm", str(tmp_path), "--rule", "ACR101", "-f", "sarif", "-o", "-"
    )
    assert code == 1
    result = json.loads(out)["runs"][0]["results"][0]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("main.json")
    assert "adminUserEnabled" in json.dumps(GOOD, indent=2).splitlines()[place["region"]["startLine"] - 1]


def test_what_a_file_describes_is_mended_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The report shows what to write into the template, no command against a registry that may not exist yet."""
    write(tmp_path, {"main.json": GOOD, "main.parameters.json": VALUES})
    _, out, _ = invoke(capsys, "scan", "--from", "arm", str(tmp_path), "--rule", "ACR101")
    assert "adminUserEnabled: false" in out
    assert "az acr" not in out
    _, out, _ = invoke(
        capsys, "scan", "--from", "arm", str(tmp_path), "--rule", "ACR101", "-f", "json", "-o", "-"
    )
    assert [one["commands"] for one in json.loads(out)["findings"] if one["verdict"] == "fail"] == [[]]
