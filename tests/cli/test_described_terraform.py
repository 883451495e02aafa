"""`scan --from terraform` as a person runs it: output, exit codes, places, and options that do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scanner.cli.door import run
from tests.inventory.terraform.test_plan import VALUES, change, plan
from tests.inventory.terraform.writing import registry, write

OPEN = 'variable "admin" {\n  type = bool\n}\n' + registry("admin_enabled = var.admin")


def invoke(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command line."""
    code = run(arguments)
    out = capsys.readouterr()
    return code, out.out, out.err


def test_a_folder_with_its_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The finding names the line of the argument and that of the value."""
    write(tmp_path, {"main.tf": OPEN, "prod.tfvars": "admin = true\n"})
    code, out, _ = invoke(
        capsys, "scan", "--from", "terraform", str(tmp_path), "--var-file", str(tmp_path / "prod.tfvars"), "--rule", "ACR101"
    )  # fmt: skip
    assert code == 1
    assert "main.tf:10:3" in out
    assert "prod.tfvars:1:1" in out
    code, _, _ = invoke(
        capsys, "scan", "--from", "terraform", str(tmp_path), "--var", "admin=false", "--rule", "ACR101"
    )
    assert code == 0


def test_a_variable_without_a_value_is_asked_for_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Three rules that need one variable are one line, which says how to give it a value."""
    text = 'variable "open" {}\n' + registry(
        "admin_enabled = var.open\n  anonymous_pull_enabled = var.open\n  data_endpoint_enabled = var.open"
    )
    write(tmp_path, {"main.tf": text})
    rules = [word for name in ("ACR101", "ACR103", "ACR210") for word in ("--rule", name)]
    code, out, _ = invoke(capsys, "scan", "--from", "terraform", str(tmp_path), *rules)
    assert code == 3
    assert out.count("variable `open` has no value; pass --var open=VALUE or --var-file FILE") == 1
    (line,) = [line for line in out.splitlines() if "variable `open`" in line]
    assert line.split()[0] in ("2", "3")


def test_a_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A plan gives the same finding, with the place of the file beside it."""
    write(tmp_path, {"main.tf": registry("admin_enabled = true")})
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan(change("azurerm_container_registry", "acr", VALUES))), "utf-8")
    code, out, _ = invoke(capsys, "scan", "--from", "terraform", str(path), "--rule", "ACR101")
    assert code == 1
    assert "main.tf:7:3" in out


def test_sarif_leads_into_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Results have the file, line and column of the argument."""
    write(tmp_path, {"main.tf": registry("admin_enabled = true")})
    out = tmp_path / "out.sarif"
    invoke(
        capsys,
        "scan",
        "--from",
        "terraform",
        str(tmp_path),
        "--rule",
        "ACR101",
        "-f",
        "sarif",
        "-o",
        str(out),
    )
    results = json.loads(out.read_text("utf-8"))["runs"][0]["results"]
    (result,) = [one for one in results if one["ruleId"] == "ACR101"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("main.tf")
    assert (place["region"]["startLine"], place["region"]["startColumn"]) == (7, 3)


def test_a_bad_file_decides_the_exit_code_and_hides_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The other file's finding is there, the bad file is told with its place."""
    write(tmp_path, {"main.tf": registry("admin_enabled = true"), "bad.tf": "locals {\n  a = \n}\n"})
    code, out, err = invoke(capsys, "scan", "--from", "terraform", str(tmp_path), "--rule", "ACR101")
    assert code == 2
    assert "Admin user is true" in out
    assert "bad.tf:2:" in err


def test_nothing_is_silently_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A folder that only mentions registries, and one that holds none, are no success."""
    write(
        tmp_path,
        {"a/main.tf": "# azurerm_container_registry\nlocals {\n  a = 1\n}\n", "b/main.tf": "# nothing\n"},
    )
    code, _, err = invoke(capsys, "scan", "--from", "terraform", str(tmp_path / "a"))
    assert code == 2
    assert "speaks of registries" in err
    code, _, _ = invoke(capsys, "scan", "--from", "terraform", str(tmp_path / "none"))
    assert code == 2


def test_what_may_not_be_deployed_gates_only_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A registry behind an unknown count fails as "if deployed"."""
    write(tmp_path, {"main.tf": 'variable "n" {}\n' + registry("count = var.n\n  admin_enabled = true")})
    command = ["scan", "--from", "terraform", str(tmp_path), "--rule", "ACR101"]
    code, out, _ = invoke(capsys, *command)
    assert code == 0
    assert "ACR101" in out
    code, _, _ = invoke(capsys, *command, "--strict-unknown")
    assert code == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--var", "x"], "NAME=VALUE"),
        (["--var", "nosuch=1"], "no root module declares"),
        (["--var-file", "nosuch.tfvars"], "nosuch.tfvars"),
    ],
)
def test_values_that_do_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
):
    """A misspelt option is a usage error with its words."""
    write(tmp_path, {"main.tf": OPEN})
    code, _, err = invoke(capsys, "scan", "--from", "terraform", str(tmp_path), *arguments)
    assert code == 2
    assert words in err


def test_options_of_terraform_need_terraform(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Saved answers have no variables."""
    code, _, err = invoke(capsys, "scan", str(tmp_path), "--var", "a=b")
    assert code == 2
    assert "--from terraform" in err


def test_check_finds_terraform_in_a_repository(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Roots and plans are found among other files; what does not speak of registries is no error, even broken."""
    monkeypatch.chdir(tmp_path)
    write(
        tmp_path,
        {
            "package.json": "{}",
            "broken/main.tf": "locals {\n  a = \n}\n",
            "live/main.tf": 'module "acr" {\n  source = "../lib"\n}\n',
            "lib/main.tf": registry("admin_enabled = true"),
            "tfplan.json": json.dumps(
                plan(change("azurerm_container_registry", "acr", VALUES | {"name": "acrplan"}))
            ),
        },
    )
    code, out, err = invoke(capsys, "check", "--rule", "ACR101")
    assert code == 1, err
    assert "acrone" in out
    assert "acrplan" in out
    assert out.count("lib/main.tf:7:3") == 1
    write(tmp_path, {"lib/more.tf": "# azurerm_container_registry\nlocals {\n  a = \n}\n"})
    code, out, err = invoke(capsys, "check", "--rule", "ACR101")
    assert code == 2
    assert "lib/more.tf:3:" in err
    assert "acrone" in out


def test_check_without_terraform_says_nothing_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """A repository without Terraform gives no error about it."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"package.json": "{}"})
    _, _, err = invoke(capsys, "check", "--rule", "ACR101", "--kind", "terraform", "--allow-empty")
    assert "terraform" not in err.lower().replace("--kind terraform", "")
