"""Folders of definitions, initiatives, and the packs that come out: they load, lint and scan."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest

from scanner.engine.estate import Estate
from scanner.engine.evaluate import Options as Evaluate
from scanner.engine.evaluate import evaluate
from scanner.engine.findings import Caused
from scanner.errors import InputError
from scanner.language.azure_policy.bulk import Bulk, load_initiative
from scanner.language.azure_policy.importing import Options
from scanner.language.azure_policy.initiatives import read_aliases
from scanner.language.azure_policy.writing import catalogue, pack_text
from scanner.language.pack import load_pack
from scanner.model.finding import Finding
from scanner.model.scan import ResourceLine
from tests.engine.building import NOW, inventory, registry
from tests.language.azure_policy.asking import REGISTRIES
from tests.language.azure_policy.test_reading import ADMIN, GUID, TYPE, definition

OTHER = "0fdf0491-d080-4575-b627-ad0e843cba0f"


def write(folder, name, value):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def named(guid, **more):
    whole = definition(**more)
    return whole | {"name": guid, "id": f"/providers/Microsoft.Authorization/policyDefinitions/{guid}"}


def pack_of(folder, results):
    """Write the rules of an import and load them as a pack."""
    folder.mkdir()
    (folder / "pack.yaml").write_text(pack_text())
    made = [one.made for one in results if one.made]
    for one in made:
        (folder / f"{one.id}-{one.name}.yaml").write_text(one.text, encoding="utf-8")
    path = folder / "frameworks" / "azure-policy.yaml"
    path.parent.mkdir()
    path.write_text(catalogue(path, {one.guid: one.title for one in made if one.guid}), encoding="utf-8")
    return load_pack(folder)


def imported(*paths, **more):
    bulk = Bulk(Options("2026-11-26"), **more)
    return bulk, list(bulk.run(paths))


def test_a_written_pack_loads_and_scans(tmp_path):
    """What was imported decides over an inventory like any other rule, in the reference lane."""
    write(tmp_path / "in", "a.json", definition())
    write(tmp_path / "in", "static.json", named(OTHER, policyType="Static"))
    _, results = imported(tmp_path / "in")
    pack = pack_of(tmp_path / "pack", results)
    rules = {rule.id: rule for rule in pack.rules}
    admin = rules["AZP3700559959"]
    assert admin.semantics == "azure"
    assert pack.values["AZP3700559959.effect"] == "Audit"
    estate = Estate(inventory(registry(adminUserEnabled="true")), now=NOW)
    line, *rows = evaluate(pack, estate, NOW, Evaluate())
    assert isinstance(line, ResourceLine)
    assert line.letters == "MF"
    findings = [row.finding for row in rows if isinstance(row, Caused) and isinstance(row.finding, Finding)]
    finding = next(one for one in findings if one.rule == admin.id)
    assert finding.message == "Admin user off: not met (effect Audit)"
    assert finding.evidence[-1].path == "properties.adminUserEnabled"
    assert finding.evidence[-1].rule_place.startswith(admin.mark.file)


def test_a_profile_sets_a_parameter(tmp_path):
    """Parameters of the definition are parameters of the rule: Disabled makes it apply to nothing."""
    write(tmp_path / "in", "a.json", definition())
    pack = pack_of(tmp_path / "pack", imported(tmp_path / "in")[1])
    pack.values["AZP3700559959.effect"] = "Disabled"
    estate = Estate(inventory(registry(adminUserEnabled=True)), now=NOW)
    line = next(iter(evaluate(pack, estate, NOW, Evaluate())))
    assert isinstance(line, ResourceLine)
    assert line.letters == "N"


def test_digests_tell_conditions_apart(tmp_path):
    """The digest changes with the condition, a default or an alias' path, and not with words or places."""
    seen = {}
    changes: dict[str, dict[str, Any]] = {
        "first": {},
        "words": {"displayName": "Another name", "description": "x"},
        "condition": {"clause": {"allOf": [TYPE, {**ADMIN, "equals": False}]}},
        "default": {"parameters": {"effect": {"type": "String", "defaultValue": "Deny"}}},
    }
    for number, (words, more) in enumerate(changes.items()):
        write(tmp_path / f"in{number}", "a.json", definition(**more))
        pack = pack_of(tmp_path / f"pack{number}", imported(tmp_path / f"in{number}")[1])
        seen[words] = pack.rules[0].digest
    assert seen["first"] == seen["words"]
    assert len(set(seen.values())) == 3


def test_same_ids_and_names(tmp_path):
    """A second definition with the same GUID is left and told; one with the same name gets another name."""
    write(tmp_path, "a.json", definition())
    write(tmp_path, "b.json", definition())
    write(tmp_path, "c.json", named(OTHER))
    bulk, results = imported(tmp_path)
    assert bulk.imported == 2
    assert "AZP3700559959" in results[1].left[0].reason
    assert [one.made.name for one in results if one.made] == ["admin-user-off", "admin-user-off-266273937"]
    pack_of(tmp_path / "pack", results)


def test_a_broken_file_does_not_stop_the_rest(tmp_path):
    """Broken JSON, files of something else and huge files are told; the others are imported."""
    write(tmp_path, "a.json", "{")
    write(tmp_path, "b.json", {"hello": 1})
    write(tmp_path, "c.json", definition())
    write(tmp_path, "d.json", '{"policyRule": "' + "x" * 5_100_000 + '"}')
    (tmp_path / "e.json").write_bytes(b'{"a": "\xff"}')
    bulk, results = imported(tmp_path)
    assert (bulk.files, bulk.imported) == (5, 1)
    reasons = " ".join(left.reason for one in results for left in one.left)
    for words in ("not valid JSON", "holds no policy definition", "more than the 5,000,000", "not UTF-8"):
        assert words in reasons
    assert bulk.constructs["file"] == 4


def test_nothing_there(tmp_path):
    """A path that does not exist is an error; an empty folder gives nothing."""
    with pytest.raises(InputError, match="no file or folder"):
        imported(tmp_path / "nope")
    assert imported(tmp_path)[1] == []


INITIATIVE = {
    "properties": {
        "displayName": "Baseline",
        "parameters": {"adminEffect": {"type": "String", "defaultValue": "Deny"}, "open": {"type": "String"}},
        "policyDefinitions": [
            {
                "policyDefinitionId": f"/providers/Microsoft.Authorization/policyDefinitions/{GUID}",
                "policyDefinitionReferenceId": "admin",
                "parameters": {"effect": {"value": "[parameters('adminEffect')]"}},
            },
            {
                "policyDefinitionId": f"/providers/Microsoft.Authorization/policyDefinitions/{GUID.upper()}",
                "policyDefinitionReferenceId": "admin again",
                "parameters": {"effect": {"value": "[concat('Dis', 'abled')]"}},
            },
            {
                "policyDefinitionId": f"/providers/Microsoft.Authorization/policyDefinitions/{uuid.UUID(int=7)}",
                "parameters": {},
            },
        ],
    }
}


def test_an_initiative_gives_its_members_values(tmp_path):
    """Members are imported with the initiative's values, one twice under two ids; a missing one is told."""
    write(tmp_path / "in", "a.json", definition())
    write(tmp_path / "in", "b.json", named(OTHER))
    whole = write(tmp_path, "set.json", INITIATIVE)
    bulk, results = imported(tmp_path / "in", initiative=load_initiative(whole))
    made = [one.made for one in results if one.made]
    assert [one.enabled for one in made] == [True, False]
    assert len({one.id for one in made}) == 2
    assert "defaultValue: Deny" in made[0].text
    assert "is not among the files" in results[-1].left[0].reason
    assert bulk.imported == 2
    pack_of(tmp_path / "pack", results)


def test_a_value_that_the_assignment_must_give_is_told(tmp_path):
    """A member's value that hangs on an open parameter of the initiative stays open."""
    body = json.loads(json.dumps(INITIATIVE).replace("'adminEffect'", "'open'"))
    body["properties"]["policyDefinitions"] = body["properties"]["policyDefinitions"][:1]
    write(tmp_path / "in", "a.json", definition())
    _, results = imported(tmp_path / "in", initiative=load_initiative(write(tmp_path, "set.json", body)))
    assert any("until it is assigned" in one.reason for one in results[0].notes)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"policyDefinitions": []}, "no policyDefinitions"),
        ({"policyDefinitions": [{"parameters": {}}]}, "no policyDefinitionId"),
        ({"policyDefinitions": [{"policyDefinitionId": "/x/y", "parameters": {"a": {}}}]}, "has no value"),
        (
            {
                "policyDefinitions": [
                    {"policyDefinitionId": "/x/y", "parameters": {"a": {"value": "[frob()]"}}}
                ]
            },
            "not supported",
        ),
        (
            {
                "policyDefinitions": [
                    {"policyDefinitionId": "/x/y", "parameters": {"a": {"value": "[int('x')]"}}}
                ]
            },
            "whole number",
        ),
    ],
)
def test_broken_initiatives(tmp_path, change, says):
    """What is wrong with an initiative is said at its place."""
    path = write(tmp_path, "set.json", {"properties": INITIATIVE["properties"] | change})
    with pytest.raises(InputError, match=says):
        load_initiative(path)
    with pytest.raises(InputError, match="holds no initiative"):
        load_initiative(write(tmp_path, "d.json", definition()))


def test_an_initiative_among_the_files_is_told(tmp_path):
    """Without --initiative a set in the folder is named, not silently passed over."""
    write(tmp_path, "set.json", INITIATIVE)
    assert "--initiative" in imported(tmp_path)[1][0].notes[0].reason


def test_a_table_of_aliases(tmp_path):
    """Azure's table gives exact paths, and says which aliases there are."""
    table = {
        "resourceTypes": [
            {
                "resourceType": "registries",
                "aliases": [
                    {"name": f"{REGISTRIES}/adminUserEnabled", "defaultPath": "properties.adminUserEnabled"},
                    {"name": f"{REGISTRIES}/odd", "paths": [{"path": "properties.a.b[*].c"}]},
                ],
            }
        ]
    }
    found = read_aliases(write(tmp_path, "aliases.json", table))
    assert found == {
        f"{REGISTRIES}/adminUserEnabled".lower(): "properties.adminUserEnabled",
        f"{REGISTRIES}/odd".lower(): "properties.a.b[*].c",
    }
    with pytest.raises(InputError, match="no aliases"):
        read_aliases(write(tmp_path, "none.json", {"a": []}))
    odd = definition(clause={"allOf": [TYPE, {"field": f"{REGISTRIES}/odd", "equals": 1}]})
    write(tmp_path / "in", "a.json", odd)
    bulk = Bulk(Options("2026-11-26", aliases=found))
    results = list(bulk.run([tmp_path / "in"]))
    assert results[0].made is not None
    assert "properties.a.b[*].c" in results[0].made.text
    pack_of(tmp_path / "pack", results)


def test_a_type_without_facts_is_imported_and_never_passes_unseen(tmp_path):
    """Nobody collects the type: the pack loads, and a scan says that nothing was looked at."""
    clause = {
        "allOf": [
            {"field": "type", "equals": "Contoso.Test/things"},
            {"field": "Contoso.Test/things/a.b", "equals": 1},
        ]
    }
    write(tmp_path / "in", "a.json", definition(clause=clause))
    _, results = imported(tmp_path / "in")
    assert any("no facts" in one.reason for one in results[0].notes)
    pack = pack_of(tmp_path / "pack", results)
    estate = Estate(inventory(registry()), now=NOW)
    assert list(evaluate(pack, estate, NOW, Evaluate())) == []
    assert estate.not_evaluated("Contoso.Test/things", set()) == "Contoso.Test/things not collected"


def test_five_thousand_definitions(tmp_path):
    """A folder of Azure's whole size is imported in one go, in a bounded time."""
    folder = tmp_path / "in"
    folder.mkdir()
    text = json.dumps(definition())
    for number in range(5_000):
        guid = f"{number:08x}-0000-4000-8000-000000000000"
        (folder / f"{number:05}.json").write_text(
            text.replace(GUID, guid).replace("Admin user off", f"Policy {number}")
        )
    started = time.monotonic()
    bulk = Bulk(Options("2026-11-26"))
    made = sum(one.made is not None for one in bulk.run([folder]))
    assert (bulk.files, made, bulk.imported) == (5_000, 5_000, 5_000)
    assert time.monotonic() - started < 180
