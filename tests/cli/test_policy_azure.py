"""`policy import`, `export` and `try` of Azure Policy definitions as a person runs them: output, files, codes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scanner.cli.door import run

REGISTRIES = "Microsoft.ContainerRegistry/registries"
GUID = "dc921057-6b28-4fbe-9b83-f7bec05db6c2"
TYPE = {"field": "type", "equals": REGISTRIES}
ADMIN = {"field": f"{REGISTRIES}/adminUserEnabled", "equals": "true"}
EFFECT = {"effect": {"type": "String", "allowedValues": ["Modify", "Disabled"], "defaultValue": "Modify"}}
ESCAPE = "\x1b]0;owned\x07"


def definition(clause: Any = None, then: Any = None, **more: Any) -> dict[str, Any]:
    """A definition as Azure writes it."""
    operation = {"operation": "addOrReplace", "field": ADMIN["field"], "value": False}
    properties = {
        "displayName": "Admin user off",
        "mode": "Indexed",
        "parameters": EFFECT,
        "policyRule": {
            "if": clause or {"allOf": [TYPE, ADMIN]},
            "then": then or {"effect": "[parameters('effect')]", "details": {"operations": [operation]}},
        },
    }
    return {"name": GUID, "properties": properties | more}


def write(folder, name, value):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return str(folder / name)


def invoke(capsys, *arguments):
    code = run(arguments)
    out = capsys.readouterr()
    return code, out.out, out.err


def resource(folder, **properties):
    body = {"type": REGISTRIES, "sku": {"name": "Premium"}, "properties": properties}
    return write(folder, "resource.json", body)


def test_import_writes_a_pack_that_the_other_commands_take(capsys, tmp_path):
    """What was imported can be listed, linted, exported never, and imported again over itself."""
    write(tmp_path / "in", "a.json", definition())
    out = tmp_path / "pack"
    code, _, err = invoke(capsys, "policy", "import", str(tmp_path / "in"), "--out", str(out))
    assert code == 0
    assert "1 files, 1 definitions: 1 imported" in err
    assert "details.operations is what Azure would change" in err
    first = {path.name: path.read_bytes() for path in out.rglob("*.yaml")}
    assert set(first) == {"pack.yaml", "azure-policy.yaml", "AZP3700559959-admin-user-off.yaml"}
    code, shown, _ = invoke(capsys, "policy", "list", "--pack", str(out))
    assert code == 0
    assert "AZP3700559959" in shown
    assert invoke(capsys, "policy", "lint", str(out))[0] == 0
    code, _, err = invoke(capsys, "policy", "export", "--azure-policy", "--pack", str(out))
    assert code == 2
    assert "no definition of AZP3700559959: it was imported from a definition" in err
    invoke(capsys, "policy", "import", str(tmp_path / "in"), "--out", str(out))
    assert {path.name: path.read_bytes() for path in out.rglob("*.yaml")} == first


def test_import_prints_without_out(capsys, tmp_path):
    """Without a folder the rules are printed, one YAML document each."""
    code, out, _ = invoke(capsys, "policy", "import", write(tmp_path, "a.json", definition()))
    assert code == 0
    assert out.startswith("---\n# Written by")
    assert "semantics: azure" in out


def test_what_was_left_is_told_with_place_and_construct(capsys, tmp_path):
    """Unsupported constructs are named with line and JSON path, in the text and in the report; --strict gates."""
    folder = tmp_path / "in"
    write(folder, "a.json", definition())
    bad = definition({"allOf": [TYPE, {"value": "[frobnicate('x')]", "equals": 1}]}, displayName="B")
    write(folder, "b.json", json.dumps(bad | {"name": "b"}, indent=1))
    write(folder, "c.json", definition(mode="Microsoft.Kubernetes.Data") | {"name": "c"})
    report = tmp_path / "left.json"
    common = ("policy", "import", str(folder), "--out", str(tmp_path / "pack"), "--report", str(report))
    code, _, err = invoke(capsys, *common)
    assert code == 0
    assert "b.json:2" in err or "b.json:3" in err
    assert "frobnicate()" in err
    held = json.loads(report.read_bytes())
    assert (held["files"], held["definitions"], held["imported"]) == (3, 3, 1)
    assert held["leftByConstruct"] == {"frobnicate()": 1, "mode Microsoft.Kubernetes.Data": 1}
    assert held["left"][0]["path"] == "properties.policyRule.if.allOf[1].value"
    assert invoke(capsys, *common, "--strict")[0] == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not valid JSON"),
        ("[]", "holds no policy definition"),
        ('{"a": 1, "a": 2}', "duplicate key"),
        ("[" * 500 + "]" * 500, "deep"),
        (json.dumps(definition(then={"effect": "Explode"})), "unknown effect 'Explode'"),
        (json.dumps(definition(mode="Sometimes")), "unknown mode 'Sometimes'"),
        (json.dumps(definition({"field": f"{REGISTRIES}/adminUserEnabledd", "equals": 1})), "Did you mean"),
        (json.dumps(definition({"allOf": []})), "allOf is empty"),
        (json.dumps(definition({"field": "tags['x']", "exist": True})), "exist"),
    ],
)
def test_nothing_imported_is_code_2(capsys, tmp_path, content, says):
    """Where nothing could be taken the command says why and fails."""
    code, out, err = invoke(capsys, "policy", "import", write(tmp_path, "a.json", content))
    assert (code, out) == (2, "")
    assert says in err
    assert "nothing could be imported" in err


def test_places_that_do_not_exist(capsys, tmp_path):
    """A missing file, an empty folder, and folders that hold something else."""
    assert invoke(capsys, "policy", "import", str(tmp_path / "nope"))[0] == 2
    code, _, err = invoke(capsys, "policy", "import", str(tmp_path))
    assert code == 2
    assert "0 files" in err
    source = write(tmp_path, "a.json", definition())
    for date in ("nope", "2026-02-30", "20261125"):
        code, out, err = invoke(capsys, "policy", "import", source, "--reviewed", date)
        assert (code, out) == (2, "")
        assert "is no date" in err
    write(tmp_path / "other", "pack.yaml", "pack: {prefix: ACME}\n")
    code, _, err = invoke(capsys, "policy", "import", source, "--out", str(tmp_path / "other"))
    assert code != 0
    assert "another prefix" in err
    out = tmp_path / "pack"
    write(out, "AZP3700559959-mine.yaml", "id: AZP3700559959\n")
    code, _, err = invoke(capsys, "policy", "import", source, "--out", str(out))
    assert code != 0
    assert "not overwritten" in err
    assert (out / "AZP3700559959-mine.yaml").read_text() == "id: AZP3700559959\n"


def test_control_characters_do_not_reach_the_terminal(capsys, tmp_path):
    """Names, keys and reasons of a definition are made harmless wherever they are printed."""
    hostile = definition(
        {"allOf": [TYPE, {"field": f"{REGISTRIES}/{ESCAPE}", "equals": 1}]}, displayName=ESCAPE
    )
    source = write(tmp_path, "a.json", hostile)
    named = write(tmp_path, "b.json", definition(displayName=f"x{ESCAPE}", description=ESCAPE))
    body = resource(tmp_path, adminUserEnabled=True)
    for arguments in (
        ("policy", "import", source),
        ("policy", "import", named),
        ("policy", "try", source, "--resource", body),
        ("policy", "try", named, "--resource", body),
        ("policy", "import", named, "--out", str(tmp_path / "pack")),
    ):
        _, out, err = invoke(capsys, *arguments)
        assert "\x1b" not in out + err, arguments
        assert "\x07" not in out + err, arguments


@pytest.mark.parametrize(
    ("properties", "code", "says"),
    [
        ({"adminUserEnabled": True}, 1, "adminUserEnabled = false"),
        ({"adminUserEnabled": "TRUE"}, 1, "Azure changes the request"),
        ({"adminUserEnabled": False}, 0, "effect Modify\n"),
        ({}, 0, "pass"),
        ({"adminUserEnabled": None}, 0, "pass"),
    ],
)
def test_try_prints_verdict_effect_and_proof(capsys, tmp_path, properties, code, says):
    """What Azure would find, and what its effect would do about it."""
    source = write(tmp_path, "a.json", definition())
    found, out, _ = invoke(capsys, "policy", "try", source, "--resource", resource(tmp_path, **properties))
    assert found == code
    assert says in out
    assert "a.json:1:" in out


def test_try_with_the_effect_disabled(capsys, tmp_path):
    """A parameter file in either form: the policy then applies to nothing."""
    source, body = write(tmp_path, "a.json", definition()), resource(tmp_path, adminUserEnabled=True)
    for number, value in enumerate(({"effect": "Disabled"}, {"EFFECT": {"value": "Disabled"}})):
        values = write(tmp_path, f"p{number}.json", value)
        code, out, _ = invoke(capsys, "policy", "try", source, "--resource", body, "--parameters", values)
        assert code == 0
        assert "notApplicable" in out
        assert "the policy is disabled" in out
    for value, says in (({"effect": "Explode"}, "effect"), ({"nope": 1}, "unknown parameter 'nope'")):
        values = write(tmp_path, "p.json", value)
        code, _, err = invoke(capsys, "policy", "try", source, "--resource", body, "--parameters", values)
        assert code == 2
        assert says in err


def test_try_of_a_type_without_facts(capsys, tmp_path):
    """Any resource type: the path is worked out from the alias and the proof says so; JSON carries the notes."""
    clause = {
        "allOf": [
            {"field": "type", "equals": "Contoso.Test/things"},
            {"field": "Contoso.Test/things/a.b", "exists": "false"},
        ]
    }
    source = write(tmp_path, "a.json", definition(clause, {"effect": "audit"}))
    body = write(tmp_path, "r.json", {"type": "contoso.test/THINGS", "properties": {"a": {}}})
    code, out, err = invoke(capsys, "policy", "try", source, "--resource", body)
    assert code == 1
    assert "marks the resource as non-compliant" in out
    assert "worked out from its form" in err
    code, out, _ = invoke(capsys, "policy", "try", source, "--resource", body, "-f", "json")
    held = json.loads(out)
    assert (held["verdict"], held["effect"]) == ("fail", "audit")
    assert "worked out" in held["notes"][0]
    other = write(tmp_path, "o.json", {"type": REGISTRIES, "properties": {}})
    code, _, err = invoke(capsys, "policy", "try", source, "--resource", other)
    assert code == 2
    assert "not Microsoft.ContainerRegistry/registries" in err


def test_try_with_an_existence_condition(capsys, tmp_path):
    """What is not given is unknown; rows may lack their ids; rows that are no objects are an error."""
    kind = f"{REGISTRIES}/webhooks"
    condition = {"field": f"{kind}/status", "equals": "enabled"}
    details = {"type": kind, "existenceCondition": condition}
    source = write(tmp_path, "a.json", definition(TYPE, {"effect": "auditIfNotExists", "details": details}))
    body = resource(tmp_path)
    start = ("policy", "try", source, "--resource", body)
    code, out, _ = invoke(capsys, *start)
    assert code == 3
    assert "not given (--related)" in out
    for rows, want in (
        ([], 1),
        ([{"properties": {"status": "disabled"}}], 1),
        ([{"properties": {"status": "disabled"}}, {"name": "b", "properties": {"status": "Enabled"}}], 0),
    ):
        for name in ("webhooks", kind):
            related = write(tmp_path, "related.json", {name: rows})
            assert invoke(capsys, *start, "--related", related)[0] == want, rows
    for held, says in (({"webhooks": [1]}, "list of objects"), ({"hooks": []}, "unknown relation 'hooks'")):
        code, _, err = invoke(capsys, *start, "--related", write(tmp_path, "related.json", held))
        assert code == 2
        assert says in err
        assert "related.json" in err


def test_try_refuses_what_it_cannot_judge(capsys, tmp_path):
    """An unsupported construct is an error with its place, never a verdict."""
    body = resource(tmp_path, adminUserEnabled=True)
    for clause in (
        {"allOf": [TYPE, {"value": "[dateTimeFromEpoch(1)]", "equals": 1}]},
        {"allOf": [TYPE, {"field": ADMIN["field"], "frob": 1}]},
        {"allOf": [TYPE, {"field": "tags[", "equals": 1}]},
    ):
        code, out, err = invoke(
            capsys, "policy", "try", write(tmp_path, "a.json", definition(clause)), "--resource", body
        )
        assert (code, out) == (2, ""), clause
        assert "a.json:1:" in err


def test_export_writes_definitions_that_import_again(capsys, tmp_path):
    """The shipped pack as definitions: the set is whole, its reasons are complete, and everything reads back."""
    out, left = tmp_path / "out", tmp_path / "left.json"
    code, _, err = invoke(
        capsys, "policy", "export", "--azure-policy", "--out", str(out), "--reasons", str(left),
        "--scope", "/providers/Microsoft.Management/managementGroups/root",
    )  # fmt: skip
    assert code == 0
    files = sorted(path.stem for path in out.iterdir())
    whole = json.loads((out / "initiative.json").read_text())["properties"]
    members = [item["policyDefinitionReferenceId"] for item in whole["policyDefinitions"]]
    assert sorted([*members, *(one for one in files if one.endswith("-modify")), "initiative"]) == files
    assert all(
        item["policyDefinitionId"].startswith("/providers/Microsoft.Management/")
        for item in whole["policyDefinitions"]
    )
    without = {row["rule"] for row in json.loads(left.read_text())}
    having = {one.partition("-")[0] for one in files} - {"initiative"}
    assert not having & without
    assert f"{len(having)} rules as {len(files) - 1} definitions, {len(without)} rules without one" in err
    assert all(row["reason"] for row in json.loads(left.read_text()))
    assert "left as they are" not in err
    one = invoke(capsys, "policy", "export", "--azure-policy", "--rule", "ACR101", "--out", str(out))
    assert "not of this export, left as they are: ACR103-" in one[2]
    code, _, err = invoke(capsys, "policy", "import", str(out), "--out", str(tmp_path / "again"), "--strict")
    assert code == 0
    assert f"{len(files) - 1} imported" in err


def test_export_of_one_rule_is_tried(capsys, tmp_path):
    """One rule without --out is printed; what is printed can be tried at once."""
    code, out, err = invoke(capsys, "policy", "export", "--azure-policy", "--rule", "ACR201")
    assert code == 0
    assert "were not checked" in err
    source = write(tmp_path, "p.json", out)
    open_to_all = resource(tmp_path, publicNetworkAccess="Enabled", networkRuleSet={"defaultAction": "Allow"})
    assert invoke(capsys, "policy", "try", source, "--resource", open_to_all)[0] == 1
    closed = resource(tmp_path, publicNetworkAccess="Disabled")
    assert invoke(capsys, "policy", "try", source, "--resource", closed)[0] == 0


def test_export_with_azures_table_and_a_parameter(capsys, tmp_path):
    """Aliases that Azure does not have leave the rule out, fixed ones its Modify; values of --param become defaults."""
    table = [{"name": f"{REGISTRIES}/publicNetworkAccess", "defaultPath": "properties.publicNetworkAccess"}]
    aliases = write(tmp_path, "aliases.json", {"aliases": table})
    code, _, err = invoke(
        capsys, "policy", "export", "--azure-policy", "--rule", "ACR101", "--aliases", aliases
    )
    assert code == 2
    assert "Azure's table has no alias" in err
    for attributes, files in (("Modifiable", 2), ("None", 1), (None, 2)):
        row: dict[str, Any] = {"name": ADMIN["field"], "defaultPath": "properties.adminUserEnabled"}
        row |= {"defaultMetadata": {"type": "Boolean", "attributes": attributes}} if attributes else {}
        aliases = write(tmp_path, "aliases.json", {"aliases": [row]})
        start = ("policy", "export", "--azure-policy", "--rule", "ACR101", "--aliases", aliases)
        code, _, err = invoke(capsys, *start)
        assert code == 0
        assert f"as {files} definitions" in err
        assert ("no Modify of ACR101" in err) is (files == 1)
    code, out, _ = invoke(
        capsys, "policy", "export", "--azure-policy", "--rule", "ACR201", "--param", "ACR201.minIpPrefix=30"
    )
    assert code == 0
    assert json.loads(out)["properties"]["parameters"]["minIpPrefix"]["defaultValue"] == 30


def test_export_says_what_is_missing(capsys, tmp_path):
    """No form, a folder that is a file, a rule without a definition."""
    assert "--azure-policy" in invoke(capsys, "policy", "export")[2]
    blocked = write(tmp_path, "file", "x")
    code, _, err = invoke(capsys, "policy", "export", "--azure-policy", "--rule", "ACR101", "--out", blocked)
    assert code != 0
    assert "cannot be made" in err
    for scope in (
        "nonsense",
        "/subscriptions/x",
        "/subscriptions/",
        "/providers/Microsoft.Management/managementGroups/a/b",
    ):
        code, out, err = invoke(
            capsys, "policy", "export", "--azure-policy", "--rule", "ACR101", "--scope", scope
        )
        assert (code, out) == (2, "")
        assert "no place for definitions" in err
    code, _, err = invoke(capsys, "policy", "export", "--azure-policy", "--rule", "ACR102")
    assert code == 2
    assert "no rule could be exported" in err
