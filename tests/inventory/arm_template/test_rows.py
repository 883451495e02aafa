"""What template rules look at: each row, with its place, and what must not become one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scanner.inventory.arm_template.rows import HOME, LITERALS, OUTPUTS, PLAIN, READS, VERSIONS
from scanner.model.resource import Resource
from scanner.model.values import UnreadTail
from tests.inventory.arm_template.expanding import REGISTRY, nested, read, registry, template, write

LIST = "listCredentials(resourceId('Microsoft.ContainerRegistry/registries', 'acr1'), '2017-03-01')"
APP = "Microsoft.Web/sites/config"


def _about(folder: Path, content: Any, values: dict[str, Any] | None = None) -> Resource:
    """The resource about the file of a template."""
    files: dict[str, Any] = {"main.json": content}
    if values is not None:
        files["main.parameters.json"] = {
            "$schema": "https://x/deploymentParameters.json#",
            "parameters": {name: {"value": value} for name, value in values.items()},
        }
    found = read(write(folder, files))
    rows = list(found.inventory.parts["acrscan/templatefiles"])
    assert len(rows) == 1
    return rows[0]


def _rows(folder: Path, name: str, content: Any, values: dict[str, Any] | None = None) -> list[Any]:
    found: list[Any] = _about(folder, content, values).body["properties"][name]
    return found


def _settings(value: Any, name: str = "DOCKER_REGISTRY_SERVER_PASSWORD") -> dict[str, Any]:
    return {"type": APP, "apiVersion": "2022-09-01", "name": "app/appsettings", "properties": {name: value}}


def test_reads_of_the_admin_password_anywhere(tmp_path: Path):
    """The call is found in outputs, settings, unused variables and nested templates, with its version and place."""
    content = template(
        [
            registry(),
            _settings(f"[{LIST}.passwords[0].value]"),
            nested([_settings(f"[first({LIST}.passwords).value]")]),
        ],
        variables={"unused": "[concat('x', ListCredentials('acr1', '2023-07-01').username)]"},
        outputs={"p": {"type": "string", "value": f"[{LIST}.username]"}},
    )
    about = _about(tmp_path, content)
    at = {row["at"] for row in about.body["properties"][READS]}
    assert at == {
        "variables.unused",
        "outputs.p.value",
        "resources.1.properties.DOCKER_REGISTRY_SERVER_PASSWORD",
        "resources.2.properties.template.resources.0.properties.DOCKER_REGISTRY_SERVER_PASSWORD",
    }
    text = (tmp_path / "main.json").read_text("utf-8").splitlines()
    for number in range(4):
        place = about.places[f"/properties/{READS}/{number}"][0]
        assert "istCredentials" in text[place.line - 1]
    versions = {(row["apiVersion"], row["at"]) for row in about.body["properties"][VERSIONS]}
    assert ("2017-03-01", "outputs.p.value") in versions
    assert ("2023-07-01", "variables.unused") in versions
    assert ("2023-07-01", "resources.0") in versions


@pytest.mark.parametrize(
    "expression",
    [
        "[listCredentials('/subscriptions/s/providers/Microsoft.Other/things/x', '2020-01-01').x]",
        "[listKeys(resourceId('Microsoft.Storage/storageAccounts', 's'), '2023-01-01').keys[0].value]",
        "listCredentials is only a word here",
        "[[listCredentials('acr1')]",
    ],
)
def test_what_reads_no_admin_password(tmp_path: Path, expression: str):
    """Lists of other resources, plain words and escaped texts are none."""
    assert _rows(tmp_path, READS, template([registry(tags={"t": expression})])) == []


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        (_settings("hunter2"), "DOCKER_REGISTRY_SERVER_PASSWORD"),
        (_settings("[variables('v')]"), "DOCKER_REGISTRY_SERVER_PASSWORD"),
        (_settings("[if(equals(parameters('n'), 'a'), 'hunter2', '')]"), "DOCKER_REGISTRY_SERVER_PASSWORD"),
        (
            {"type": "Microsoft.ContainerInstance/containerGroups", "name": "g", "properties": {"imageRegistryCredentials": [{"server": "s", "password": "hunter2"}]}},
            "password",
        ),
        (
            {"type": "Microsoft.App/containerApps", "name": "a", "properties": {"template": {"containers": [{"env": [{"name": "REGISTRY_TOKEN", "value": "hunter2"}]}]}}},
            "REGISTRY_TOKEN",
        ),
        ({"type": "Microsoft.KeyVault/vaults/secrets", "name": "v/s", "properties": {"value": "hunter2"}}, "value"),
        ({"type": "Microsoft.App/containerApps", "name": "a", "properties": {"configuration": {"secrets": [{"name": "acr-pw", "value": "hunter2"}]}}}, "acr-pw"),
        ({"type": "Microsoft.App/jobs", "name": "j", "properties": {"configuration": {"secrets": [{"name": "p", "value": "hunter2"}]}}}, "p"),
        (
            {"type": "Microsoft.ContainerInstance/containerGroups", "name": "g", "properties": {"containers": [{"properties": {"environmentVariables": [{"name": "X", "secureValue": "hunter2"}]}}]}},
            "X",
        ),
        (
            {"type": "Microsoft.Web/sites", "name": "w", "properties": {"text": "AccountKey=aGVsbG8gd29ybGQ="}},
            "text",
        ),
        (
            {"type": f"{REGISTRY}/connectedRegistries", "name": "acr1/c", "properties": {"parent": {"syncProperties": {"password": "hunter2"}}}},
            "password",
        ),
    ],
)  # fmt: skip
def test_credentials_that_are_written_down(tmp_path: Path, resource: dict[str, Any], name: str):
    """A literal in a place that holds a secret is a row that names it, without its value."""
    content = template([resource], variables={"v": "hunter2"}, parameters={"n": {"type": "string"}})
    rows = _rows(tmp_path, LITERALS, content)
    assert [row["name"] for row in rows] == [name]
    assert "hunter2" not in json.dumps(rows)


@pytest.mark.parametrize(
    "value",
    [
        "",
        None,
        "[parameters('secure')]",
        "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/s)",
        "<password>",
        "[reference('x').y]",
    ],
)
def test_what_is_no_credential_that_is_written_down(tmp_path: Path, value: Any):
    """Secure parameters, references, placeholders and nothing at all are fine."""
    content = template([_settings(value)], parameters={"secure": {"type": "securestring"}})
    about = _about(tmp_path, content).body["properties"]
    assert about[LITERALS] == []
    assert about[PLAIN] == []


def test_secure_parameters_with_values_in_files(tmp_path: Path):
    """A default of a secure parameter and its value in a parameter file are written down, each where it stands."""
    content = template(
        [registry()],
        parameters={
            "a": {"type": "secureString", "defaultValue": "hunter2"},
            "b": {"type": "securestring"},
            "c": {"type": "securestring", "defaultValue": "[newGuid()]"},
            "d": {"type": "securestring", "defaultValue": ""},
            "e": {"type": "secureObject", "defaultValue": {}},
            "f": {"type": "string", "defaultValue": "plain"},
        },
    )
    rows = _rows(tmp_path, LITERALS, content, {"b": "hunter3", "f": "x"})
    assert {row["at"] for row in rows} == {
        "parameters.a.defaultValue",
        "main.parameters.json: parameters.b.value",
    }


@pytest.mark.parametrize(
    ("step", "name"),
    [
        ({"type": "Docker", "contextAccessToken": "hunter2"}, "contextAccessToken"),
        ({"type": "Docker", "arguments": [{"name": "X", "value": "hunter2", "isSecret": True}]}, "value"),
        ({"type": "FileTask", "values": [{"name": "X", "value": "hunter2", "isSecret": True}]}, "value"),
    ],
)
def test_secrets_of_tasks_that_no_rule_on_tasks_speaks_of(tmp_path: Path, step: dict[str, Any], name: str):
    """A literal token of the build context, and a literal that is declared secret: both stand in the template."""
    task = {
        "type": f"{REGISTRY}/tasks",
        "apiVersion": "2019-06-01-preview",
        "name": "acr1/t",
        "properties": {"step": step},
    }
    rows = _rows(tmp_path, LITERALS, template([task]))
    assert [row["name"] for row in rows] == [name]
    assert "hunter2" not in json.dumps(rows)


def test_tasks_and_webhooks_have_rules_of_their_own(tmp_path: Path):
    """What ACR509, ACR705, ACR711 and ACR712 say is not said twice."""
    task = {
        "type": f"{REGISTRY}/tasks",
        "apiVersion": "2019-06-01-preview",
        "name": "acr1/t",
        "properties": {"credentials": {"customRegistries": {"x": {"password": {"value": "hunter2"}}}}},
    }
    assert _rows(tmp_path, LITERALS, template([task])) == []


def test_secrets_through_plain_parameters(tmp_path: Path):
    """A secret from a parameter that is not secure, and one handed to a nested parameter that is not."""
    inner = nested(
        [_settings("[parameters('inner')]")],
        parameters={"inner": {"type": "string"}},
        values={"inner": "[parameters('secure')]"},
    )
    content = template(
        [_settings("[concat(parameters('plain'), '')]"), inner],
        parameters={"plain": {"type": "string"}, "secure": {"type": "securestring"}},
    )
    rows = {row["parameter"]: row for row in _rows(tmp_path, PLAIN, content)}
    assert rows["plain"]["why"] == "a parameter that is not secure"
    assert rows["plain"]["at"] == "resources.0.properties.DOCKER_REGISTRY_SERVER_PASSWORD"
    assert rows["inner"]["at"] == "resources.1.properties.parameters.inner"
    assert "parameter `secure` is secure" in rows["inner"]["why"]
    assert len(rows) == 2


def test_secrets_in_nested_templates_with_outer_scope(tmp_path: Path):
    """Secure parameters and list functions in an outer-scope template stand in clear in the history."""
    outer = nested(
        [_settings("[parameters('secure')]"), _settings(f"[{LIST}.username]", "USER")], inner=False
    )
    content = template([outer], parameters={"secure": {"type": "securestring"}})
    rows = _rows(tmp_path, PLAIN, content)
    assert {row["parameter"] for row in rows} == {"secure", "listCredentials"}
    assert {row["why"] for row in rows} == {"a nested deployment with outer scope"}
    inner = nested(
        [_settings("[parameters('secure')]")],
        parameters={"secure": {"type": "securestring"}},
        values={"secure": "[parameters('secure')]"},
    )
    (tmp_path / "inner").mkdir()
    assert (
        _rows(tmp_path / "inner", PLAIN, template([inner], parameters={"secure": {"type": "securestring"}}))
        == []
    )


@pytest.mark.parametrize(
    ("output", "given"),
    [
        ({"type": "string", "value": f"[{LIST}.passwords[0].value]"}, True),
        ({"type": "string", "value": "[parameters('secure')]"}, True),
        ({"type": "object", "value": {"a": ["[concat('x', parameters('secure'))]"]}}, True),
        ({"type": "string", "value": "[if(parameters('on'), parameters('secure'), 'x')]"}, True),
        ({"type": "array", "copy": {"count": 2, "input": "[parameters('secure')]"}}, True),
        ({"type": "securestring", "value": "[parameters('secure')]"}, False),
        ({"type": "string", "value": "[parameters('plain')]"}, False),
        ({"type": "bool", "value": "[empty(parameters('empty'))]"}, False),
        ({"type": "string", "value": "[parameters('none')]"}, False),
    ],
)
def test_secrets_in_outputs(tmp_path: Path, output: dict[str, Any], given: bool):
    """An output that holds a secret is a row, in the outermost template and in nested ones."""
    parameters = {
        "secure": {"type": "securestring"},
        "plain": {"type": "string"},
        "on": {"type": "bool"},
        "empty": {"type": "securestring", "defaultValue": ""},
    }
    content = template([registry()], parameters=parameters, outputs={"out": output})
    assert [row["name"] for row in _rows(tmp_path, OUTPUTS, content)] == (["out"] if given else [])
    inner = template([nested([], inner=False, outputs={"deep": output}), registry()], parameters=parameters)
    (tmp_path / "inner").mkdir()
    rows = _rows(tmp_path / "inner", OUTPUTS, inner)
    assert [row["at"] for row in rows] == (["resources.0.properties.template.outputs.deep"] if given else [])


def _replication(location: Any, **more: Any) -> dict[str, Any]:
    return {
        "type": f"{REGISTRY}/replications",
        "apiVersion": "2023-07-01",
        "name": "acr1/r",
        "location": location,
        **more,
    }


@pytest.mark.parametrize(
    ("location", "more", "wanted"),
    [
        ("West Europe", {}, ["acr1"]),
        ("westeurope", {"condition": False}, []),
        ("eastus", {}, []),
        ("westeurope", {"condition": "[parameters('on')]"}, None),
        ("[parameters('where')]", {}, None),
    ],
)
def test_replications_at_home(tmp_path: Path, location: str, more: dict[str, Any], wanted: list[str] | None):
    """The registry's own location is a row unless its condition is false; what is not known stays open."""
    content = template(
        [registry(), _replication(location, **more)],
        parameters={"on": {"type": "bool"}, "where": {"type": "string"}},
    )
    rows = _rows(tmp_path, HOME, content)
    if wanted is None:
        assert len(rows) == 1
        assert isinstance(rows[0], UnreadTail)
    else:
        assert [row["registry"] for row in rows] == wanted


def test_a_replication_at_the_same_unknown_location_is_at_home(tmp_path: Path):
    """Registry and replication at `resourceGroup().location` are in one place, wherever that is."""
    here = "[resourceGroup().location]"
    content = template([registry(location=here), _replication(here)])
    assert _rows(tmp_path, HOME, content) == [
        {"registry": "acr1", "location": "the registry's own location", "at": "resources.1"}
    ]


def test_rows_of_several_evaluations_are_one(tmp_path: Path):
    """The same thing at the same place is told once, however many parameter files there are."""
    values = {"$schema": "https://x/deploymentParameters.json#", "parameters": {}}
    files = {
        "main.json": template(
            [registry(), _settings("hunter2")],
            outputs={"p": {"type": "string", "value": f"[{LIST}.username]"}},
        )
    }
    found = read(write(tmp_path, {**files, "main.parameters.json": values, "main.parameters.b.json": values}))
    about = next(iter(found.inventory.parts["acrscan/templatefiles"])).body["properties"]
    assert [len(about[name]) for name in (READS, LITERALS, OUTPUTS)] == [1, 1, 1]


def test_more_rows_than_anybody_reads_leave_the_list_open(tmp_path: Path):
    """Beyond the limit the rest counts as not looked at."""
    content = template([registry(tags={f"t{at}": f"[{LIST}.username]" for at in range(600)})])
    rows = _rows(tmp_path, READS, content)
    assert len(rows) == 501
    assert isinstance(rows[-1], UnreadTail)
