"""Saved answers in every shape, and every kind of bad file: one clear error each, nothing lost, nothing guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scanner.errors import InputError, Problems, ScopeError
from scanner.inventory import saved
from scanner.model.values import Hidden, Unknown

SUB = "/subscriptions/11111111-1111-4111-8111-111111111111"
REGISTRIES = "Microsoft.ContainerRegistry/registries"
ONE = f"{SUB}/resourceGroups/rg/providers/{REGISTRIES}/one"
TWO = f"{SUB}/resourceGroups/rg/providers/{REGISTRIES}/two"
NOW = "2026-11-25T02:00:00Z"


def body(identifier=ONE, **properties):
    return {
        "id": identifier,
        "name": identifier.rsplit("/", 1)[-1],
        "type": REGISTRIES,
        "location": "westeurope",
        "sku": {"name": "Premium"},
        "properties": properties,
    }


def exchange(path, data, version="2025-11-01", status=200):
    return {
        "request": {"method": "GET", "uri": f"https://management.azure.com{path}?api-version={version}"},
        "response": {
            "status": {"code": status},
            "headers": {"date": ["Wed, 25 Nov 2026 02:00:00 GMT"]},
            "body": {"data": data},
        },
    }


@pytest.fixture
def read(tmp_path):
    """Write files and read the folder."""

    def go(*contents, **options):
        for number, content in enumerate(contents):
            text = content if isinstance(content, (str, bytes)) else json.dumps(content)
            path = tmp_path / f"{number}.json"
            path.write_bytes(text) if isinstance(text, bytes) else path.write_text(text)
        return saved.collect([tmp_path], now=NOW, **options)

    return go


def registries(inventory):
    return list(inventory.parts[REGISTRIES.lower()])


def run(inventory, kind):
    return next((item for item in inventory.runs if item.collection.lower() == kind.lower()), None)


GRAPH = {"totalRecords": 1, "data": [body(adminUserEnabled=True)]}
TABLE = {
    "data": {
        "columns": [
            {"name": "id"},
            {"name": "name"},
            {"name": "type"},
            {"name": "location"},
            {"name": "sku"},
            {"name": "properties"},
        ],
        "rows": [
            [ONE, "one", REGISTRIES.lower(), "westeurope", {"name": "Premium"}, '{"adminUserEnabled": true}']
        ],
    }
}
FLAT = [
    {
        "id": ONE,
        "name": "one",
        "type": REGISTRIES,
        "location": "westeurope",
        "resourceGroup": "rg",
        "sku": {"name": "Premium"},
        "adminUserEnabled": True,
    }
]
SHAPES = {
    "list": {"value": [body(adminUserEnabled=True)]},
    "object": body(adminUserEnabled=True),
    "array": [body(adminUserEnabled=True)],
    "az": FLAT,
    "graph": GRAPH,
    "table": TABLE,
    "recorded": {
        "interactions": [exchange(f"{SUB}/providers/{REGISTRIES}", {"value": [body(adminUserEnabled=True)]})]
    },
    "casing": {
        "value": [
            {
                "ID": ONE,
                "NAME": "one",
                "TYPE": REGISTRIES.upper(),
                "Location": "westeurope",
                "SKU": {"Name": "Premium"},
                "PROPERTIES": {"ADMINUSERENABLED": True},
            }
        ]
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_resource(read, shape):
    """Lists, objects, arrays, az, Resource Graph, recordings, odd casing: one ARM-shaped body."""
    (found,) = registries(read(SHAPES[shape]))
    assert (found.id, found.type, found.name, found.location) == (ONE, REGISTRIES, "one", "westeurope")
    assert found.body["properties"]["adminUserEnabled"] is True
    assert found.body["sku"]["name"] == "Premium"
    assert found.body["type"] == REGISTRIES


def test_recordings_tell_version_and_time(read):
    """The api-version comes from the address, the time from the Date header."""
    inventory = read(SHAPES["recorded"])
    (found,) = registries(inventory)
    assert (found.api_version, found.origin.collected_at) == ("2025-11-01", "2026-11-25T02:00:00Z")
    assert inventory.collected_at == "2026-11-25T02:00:00Z"


def test_api_version_option(read):
    """For answers that do not tell it."""
    assert registries(read(SHAPES["list"], api_version="2025-04-01"))[0].api_version == "2025-04-01"


def test_flattened_children_of_az(read):
    """Role assignments, tokens and locks as `az` prints them."""
    assignment = {
        "id": f"{ONE}/providers/Microsoft.Authorization/roleAssignments/1",
        "name": "1",
        "type": "Microsoft.Authorization/roleAssignments",
        "principalId": "p",
        "principalType": "User",
        "roleDefinitionId": "/r/x",
        "roleDefinitionName": "AcrPull",
        "scope": ONE,
    }
    role = {
        "id": f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/x",
        "name": "x",
        "type": "Microsoft.Authorization/roleDefinitions",
        "roleName": "Mine",
        "roleType": "CustomRole",
        "permissions": [{"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []}],
    }
    token = {
        "id": f"{ONE}/tokens/t",
        "name": "t",
        "type": f"{REGISTRIES}/tokens",
        "status": "enabled",
        "scopeMapId": f"{ONE}/scopeMaps/m",
        "credentials": {"passwords": [{"name": "password1", "value": "hunter2hunter2"}]},
    }
    inventory = read(FLAT, [assignment], [role], [token])
    (found,) = inventory.parts["microsoft.authorization/roleassignments"]
    assert found.body["properties"]["principalId"] == "p"
    (found,) = inventory.parts["microsoft.authorization/roledefinitions"]
    assert (found.body["properties"]["roleName"], found.body["properties"]["type"]) == ("Mine", "CustomRole")
    (found,) = inventory.parts[f"{REGISTRIES}/tokens".lower()]
    assert found.body["properties"]["credentials"]["passwords"][0]["value"] == Hidden("password")
    assert "hunter2" not in str(found)


def test_usages_belong_to_a_registry(read):
    """By the request, by a wrapper, or because there is only one registry; else an error that says what to do."""
    rows = {"value": [{"name": "Size", "limit": 10, "currentValue": 5, "unit": "Bytes"}]}
    alone = read(SHAPES["list"], rows)
    assert [item.id for item in alone.parts[f"{REGISTRIES}/usages".lower()]] == [f"{ONE}/usages/Size"]
    wrapped = read({"value": [body(), body(TWO)]}, {"id": f"{TWO}/listUsages", **rows})
    assert [item.id for item in wrapped.parts[f"{REGISTRIES}/usages".lower()]] == [f"{TWO}/usages/Size"]
    with pytest.raises(Problems, match="which registry"):
        read({"value": [body(), body(TWO)]}, rows)


def test_what_no_answer_lists_is_not_empty(read):
    """Tokens listed for one registry only: the other's are unread; nobody listed tasks: no run at all."""
    inventory = read(
        {
            "interactions": [
                exchange(f"{SUB}/providers/{REGISTRIES}", {"value": [body(), body(TWO)]}),
                exchange(f"{ONE}/tokens", {"value": []}),
            ]
        }
    )
    tokens = run(inventory, f"{REGISTRIES}/tokens")
    assert tokens.state == "partial"
    assert [problem.scope for problem in tokens.problems] == [TWO]
    assert run(inventory, f"{REGISTRIES}/tasks") is None
    assert run(inventory, f"{REGISTRIES}/repositories").state == "not-asked"
    assert run(inventory, REGISTRIES).state == "complete"


def test_refused_answers_become_problems(read):
    """A saved 403: which scope, why, which action is missing and the command that grants it."""
    error = {"error": {"code": "AuthorizationFailed", "message": "no"}}
    inventory = read(
        {
            "interactions": [
                exchange(f"{SUB}/providers/{REGISTRIES}", {"value": [body()]}),
                exchange(f"{ONE}/tokens", error, status=403),
            ]
        }
    )
    (problem,) = run(inventory, f"{REGISTRIES}/tokens").problems
    assert (problem.scope, problem.status, problem.action) == (ONE, 403, f"{REGISTRIES}/tokens/read")
    assert "AuthorizationFailed" in problem.reason
    assert problem.fix.startswith("az role assignment create --role Reader")


def test_missing_pages(read):
    """A nextLink whose page was not saved leaves the collection partial; with the page it is complete."""
    path = f"{SUB}/providers/{REGISTRIES}"
    more = f"https://management.azure.com{path}?api-version=2025-11-01&$skiptoken=2"
    first = exchange(path, {"value": [body()], "nextLink": more})
    second = exchange(path, {"value": [body(TWO)]})
    second["request"]["uri"] = more
    assert run(read({"interactions": [first]}), REGISTRIES).state == "partial"
    assert run(read({"interactions": [first, second]}), REGISTRIES).state == "complete"
    assert run(read({**GRAPH, "$skipToken": "abc"}), REGISTRIES).state == "partial"


def test_two_answers_for_one_id(read):
    """The same content is one resource; where they differ the property is unknown and both places are named."""
    assert len(registries(read({"value": [body(adminUserEnabled=True)]}, [body(adminUserEnabled=True)]))) == 1
    inventory = read({"value": [body(adminUserEnabled=True)]}, [body(adminUserEnabled=False)])
    (found,) = registries(inventory)
    value = found.body["properties"]["adminUserEnabled"]
    assert isinstance(value, Unknown)
    assert "0.json" in value.reason
    assert "1.json" in value.reason
    assert inventory.diagnostics


def test_private_endpoint_connections_of_bodies(read):
    """Where nobody listed them apart, the registry's own list counts as read."""
    connection = {
        "id": f"{ONE}/privateEndpointConnections/c",
        "name": "c",
        "properties": {"privateLinkServiceConnectionState": {"status": "Approved"}},
    }
    inventory = read({"value": [body(privateEndpointConnections=[connection])]})
    assert run(inventory, f"{REGISTRIES}/privateEndpointConnections").state == "complete"


def test_principals(read, tmp_path):
    """Names and groups by object id; the file itself is no answer."""
    people = tmp_path / "people.json"
    people.write_text(
        json.dumps(
            {
                "value": [
                    {
                        "id": "AA",
                        "displayName": "Ann",
                        "@odata.type": "#microsoft.graph.user",
                        "memberOf": [{"id": "BB"}],
                    }
                ]
            }
        )
    )
    inventory = read(SHAPES["list"], principals=people)
    assert (
        inventory.principals["aa"].name,
        inventory.principals["aa"].type,
        inventory.principals["aa"].groups,
    ) == ("Ann", "user", ("BB",)) or inventory.principals["aa"].type == "User"


BAD = {
    "truncated": ('{"value": [', "not valid JSON"),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\x00", "text"),
    "nul": (b'{"a": "\x00"}', "NUL"),
    "wrong encoding": ('{"a": "é"}'.encode("latin-1"), "UTF-8"),
    "empty": ("", "empty"),
    "duplicate key": ('{"value": [],\n "value": []}', "duplicate key"),
    "not an answer": ('{"hello": 1}', "no answer"),
    "a number": ("5", "neither"),
    "deep": ('{"a":' * 200 + "1" + "}" * 200, "nested deeper"),
    "very deep": ("[" * 5000 + "]" * 5000, "nested deeper"),
    "NaN": ('{"value": [NaN]}', "NaN"),
    "row without id": ('{"value": [{"name": "x"}]}', "neither an id"),
    "row is text": ('{"value": ["x"]}', "no object"),
    "bad recording": ('{"interactions": [{"request": {}}]}', "recorded exchange"),
    "error without request": ('{"error": {"code": "X"}}', "error instead"),
    "ragged table": ('{"data": {"columns": [{"name": "id"}], "rows": [[1, 2]]}}', "cells"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_named(read, name):
    """Each bad file is one error with its name; the good file beside it does not hide it."""
    content, words = BAD[name]
    with pytest.raises(Problems) as caught:
        read(SHAPES["list"], content)
    (error,) = caught.value.errors
    assert isinstance(error, InputError)
    assert "1.json" in error.where
    assert words in error.what


def test_places_in_files(read):
    """Line and column of a syntax error and of a second key."""
    with pytest.raises(Problems) as caught:
        read('{"value": [],\n "value": []}')
    assert caught.value.errors[0].where.endswith("0.json:2:2")


def test_powershell_files(read):
    """UTF-16 with a BOM is what Windows PowerShell writes."""
    assert registries(read(json.dumps(SHAPES["list"]).encode("utf-16")))


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"sku": []}, ("sku",)),
        ({"properties": None}, ("properties",)),
        ({"properties": {"adminUserEnabled": "true"}}, ("properties", "adminUserEnabled")),
    ],
)
def test_odd_values_are_kept(read, change, path):
    """Wrong types reach the engine as they are: it reports them."""
    (found,) = registries(read({"value": [{**body(), **change}]}))
    value, wanted = found.body, change
    for key in path:
        value, wanted = value[key], wanted[key]
    assert value == wanted


def test_nothing_to_scan(tmp_path, read):
    """No file, no resource, no such place: errors that say what to do."""
    with pytest.raises(InputError, match="no such file"):
        saved.collect([tmp_path / "none"], now=NOW)
    with pytest.raises(InputError, match=r"no \.json"):
        saved.collect([tmp_path], now=NOW)
    with pytest.raises(ScopeError, match="no resource"):
        read({"value": []})


def test_links_in_circles_end(tmp_path, read):
    """A folder that links to itself is walked once."""
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert len(registries(read(SHAPES["list"]))) == 1


def test_unknown_types_are_said(read):
    """Resources without facts are counted in a note, not dropped in silence."""
    disk = {
        "id": f"{SUB}/resourceGroups/rg/providers/Microsoft.Compute/disks/d",
        "type": "Microsoft.Compute/disks",
        "name": "d",
    }
    assert any("Microsoft.Compute/disks" in note for note in read(SHAPES["list"], [disk]).diagnostics)


def test_the_digest_knows_no_order_and_no_times(tmp_path):
    """Other file names, other order: the same digest; one other value: another."""
    digests = []
    for number, names in enumerate((("a", "b"), ("z", "c"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / f"{names[0]}.json").write_text(json.dumps([body()]))
        (folder / f"{names[1]}.json").write_text(json.dumps([body(TWO)]))
        digests.append(saved.collect([folder], now=NOW).digest)
    assert digests[0] == digests[1]
    (Path(tmp_path) / "0" / "a.json").write_text(json.dumps([body(adminUserEnabled=True)]))
    assert saved.collect([tmp_path / "0"], now=NOW).digest != digests[0]


def test_the_command_that_mends_a_refusal_quotes_what_a_file_says(read):
    """A path of a saved answer is somebody else's text, and the command may be pasted into a shell."""
    evil = f"{SUB}/resourceGroups/x;touch pwned;/providers/{REGISTRIES}/one"
    denied = {"error": {"code": "AuthorizationFailed", "message": "no"}}
    found = read({"value": [body()]}, {"interactions": [exchange(f"{evil}/tokens", denied, status=403)]})
    fixes = [problem.fix for run in found.runs for problem in run.problems if problem.fix]
    assert fixes
    assert all(f"--scope '{evil}'" in fix for fix in fixes)
