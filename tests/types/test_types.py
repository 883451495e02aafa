"""The facts of the API specification: closed files, true against the SDK and recorded answers, read in any casing."""

from __future__ import annotations

import datetime as dt
import enum
import json
import typing
from pathlib import Path
from typing import Any

import pytest
from azure.mgmt.containerregistry import models

import scanner.types
from scanner.errors import InputError
from scanner.model.values import ABSENT
from scanner.types import ELEMENT, KINDS, VALUE, TypeFacts, absences, all_types, facts_for, version_key

FOLDER = Path(scanner.types.__file__).parent
FILES = sorted(FOLDER.glob("*.json"))
REGISTRIES = "Microsoft.ContainerRegistry/registries"
SECRETS = {"password", "key", "token", "connectionString", "sas", "header", "value"}
PYTHON: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
    "map": dict,
}


def known(name: str) -> TypeFacts:
    """Look up the facts of a type that must exist."""
    facts = facts_for(name)
    assert facts is not None, name
    return facts


# --- the files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_is_named_by_its_type_and_says_where_its_facts_come_from(file):
    """The lookup needs no index because the type's name is the file's name."""
    content = json.loads(file.read_text("utf-8"))
    namespace, _, path = content["type"].lower().partition("/")
    assert file.stem == "-".join([namespace.rpartition(".")[2], *path.split("/")])
    assert content["source"].startswith("https://")
    assert content["properties"]
    ours = content["type"].startswith("acrscan/") and content["type"] not in (
        "acrscan/endpoints",
        "acrscan/hosts",
        "acrscan/imageReferences",
        "acrscan/templateFiles",
        "acrscan/workloadFiles",
    )  # these are collected
    assert bool(content.get("computed")) == ours
    assert known(content["type"]).type == content["type"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_api_versions_are_valid_and_in_order(file):
    """The first one is the oldest: keys without `since` exist from there on."""
    versions = json.loads(file.read_text("utf-8")).get("apiVersions", [])
    assert versions == sorted(set(versions), key=version_key)


def test_every_type_the_packs_touch_has_facts():
    """The list of types is the list of files, sorted, each found in any casing."""
    assert len(all_types()) == len(FILES) == len(set(all_types()))
    assert list(all_types()) == sorted(all_types(), key=str.lower)
    assert all(facts_for(name.upper()) is facts_for(name) for name in all_types())


@pytest.mark.parametrize("name", all_types())
def test_facts_are_sound(name):
    """Kinds, defaults, secrets and element keys of each fact fit each other and their surroundings."""
    facts = known(name)
    for path, fact in facts.facts.items():
        assert fact.kind in KINDS, path
        assert facts.fact(fact.keys) == fact, path
        assert facts.canonical(tuple(key.upper() for key in fact.keys)) == fact.keys
        if fact.default is not ABSENT:
            assert isinstance(fact.default, PYTHON[fact.kind]), path
            assert not fact.enum or fact.default in fact.enum, path
        assert not fact.secret or (fact.secret in SECRETS and fact.kind == "string"), path
        for sibling, value in (fact.secret_when or {}).items():
            beside = facts.fact((*fact.keys[:-1], sibling))
            assert beside is not None, path
            assert isinstance(value, PYTHON[beside.kind]), path
        assert not fact.key or fact.kind == "array", path
        assert all(facts.fact((*fact.keys, ELEMENT, field)) for field in fact.key), path


@pytest.mark.parametrize("name", all_types())
def test_versions_of_facts_belong_to_their_type(name):
    """A key born in a preview says when it became stable or that it never did."""
    facts = known(name)
    for path, fact in facts.facts.items():
        for version in filter(None, (fact.since, fact.stable, fact.until)):
            assert version in facts.api_versions[1:], f"{path}: the oldest version needs no mention"
        assert not (fact.preview and fact.stable), path
        assert not fact.since.endswith("-preview") or fact.preview or fact.stable, path
        if fact.stable:
            assert version_key(fact.since) < version_key(fact.stable), path
            assert not fact.stable.endswith("-preview"), path


@pytest.mark.parametrize("name", all_types())
def test_what_is_required_stands_in_something_required(name):
    """So a missing required node is never below a parent that may be absent, nor inside a list."""
    facts = known(name)
    for fact in facts.facts.values():
        if fact.required:
            assert not {ELEMENT, VALUE} & set(fact.keys)
            for length in range(1, len(fact.keys)):
                above = facts.fact(fact.keys[:length])
                assert above is not None
                assert above.required, f"{fact.path} is required, {above.path} is not"


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        ({"name": {"type": "text"}}, "wrong type"),
        ({"name": {"type": "string", "must": True}}, "must"),
        ({"names": {"type": "array", "items": "texts"}}, "wrong type"),
        ({"properties.name": {"type": "string"}}, "without the property that holds it"),
        (
            {"names": {"type": "string"}, "names[].name": {"type": "string"}},
            "without the property that holds it",
        ),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, monkeypatch, properties, complaint):
    """The format is closed: a typing mistake in a facts file cannot pass as a fact."""
    file = tmp_path / "broken-things.json"
    file.write_text(
        json.dumps({"type": "Test.Broken/things", "source": "https://example.org", "properties": properties})
    )
    monkeypatch.setattr(scanner.types, "_FOLDER", tmp_path)
    with pytest.raises(InputError, match=complaint):
        facts_for("Test.Broken/things")


def test_a_file_with_an_unknown_heading_is_refused(tmp_path, monkeypatch):
    """The head of a file is closed too."""
    (tmp_path / "broken-heads.json").write_text(json.dumps({"type": "Test.Broken/heads", "notes": 1}))
    monkeypatch.setattr(scanner.types, "_FOLDER", tmp_path)
    with pytest.raises(InputError, match="notes"):
        facts_for("Test.Broken/heads")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "registries",
        "Microsoft.ContainerRegistry",
        "Other.ContainerRegistry/registries",
        "a/../../x",
        "Microsoft.ContainerRegistry/registries/nothing",
    ],
)
def test_an_unknown_type_has_no_facts(name):
    """Nothing is guessed from the last part of a namespace, and no name leaves the folder."""
    assert facts_for(name) is None
    assert absences(name, None, "azure") == {}


# --- reading paths -------------------------------------------------------------------------------------------------


def test_paths_are_read_in_any_casing_with_indexes_and_map_keys():
    """`[]` or an index enters an array; `{}` or the key of a value enters a map and keeps its spelling."""
    facts = known(REGISTRIES)
    keys = ("PROPERTIES", "networkruleset", "IPRules", "0", "VALUE")
    assert facts.canonical(keys) == ("properties", "networkRuleSet", "ipRules", "0", "value")
    element = facts.fact(("properties", "networkRuleSet", "ipRules", ELEMENT))
    assert element is not None
    assert element.kind == "object"
    assert facts.canonical(("Tags", "CostCentre")) == ("tags", "CostCentre")
    tag = facts.fact(("tags", "CostCentre"))
    assert tag is not None
    assert tag.kind == "string"
    identity = (
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
    )
    found = facts.fact(("identity", "userassignedidentities", identity, "CLIENTID"))
    assert found is not None
    assert found.path == "identity.userAssignedIdentities{}.clientId"
    assert facts.canonical(("properties", "nonsense", "Deeper")) == ("properties", "nonsense", "Deeper")


def test_a_named_value_of_a_map_wins_over_any_value():
    """The kubelet's identity is spelled out, other identities of the cluster are read as values of the map."""
    facts = known("Microsoft.ContainerService/managedClusters")
    kubelet = facts.fact(("properties", "identityProfile", "kubeletIdentity", "objectId"))
    other = facts.fact(("properties", "identityProfile", "other", "objectId"))
    assert kubelet is not None
    assert kubelet.path == "properties.identityProfile.kubeletidentity.objectId"
    assert other is not None
    assert other.path == "properties.identityProfile{}.objectId"


def test_unknown_paths_are_told_from_open_ones():
    """Below `any` everything is allowed; a key that an object does not list is a mistake."""
    facts = known("Microsoft.Authorization/policyDefinitions")
    assert facts.fact(("properties", "policyRule", "if")) is None
    assert facts.is_open(("properties", "policyRule", "if"))
    assert facts.is_open(("properties", "parameters", "effect", "allowedValues", ELEMENT, "x"))
    assert facts.fact(("properties", "policyRul")) is None
    assert not facts.is_open(("properties", "policyRul"))
    assert not known(REGISTRIES).is_open(("tags", "owner", "deeper"))


def test_the_tree_nests_what_the_facts_list():
    """A reader that walks a body level by level meets each fact under its lower-case key."""
    facts = known(REGISTRIES)
    key, fact, below = facts.tree["properties"].below["networkruleset"]
    assert key == "networkRuleSet"
    assert fact.kind == "object"
    rules = below["iprules"]
    assert rules.fact.key == ("value",)
    assert (
        rules.below[ELEMENT].below["value"].fact is facts.facts["properties.networkRuleSet.ipRules[].value"]
    )
    assert facts.tree["tags"].below[VALUE].fact.kind == "string"


def test_secrets_are_marked():
    """What must be redacted before storage is listed, with its condition where a sibling decides."""
    found = {name: {fact.path: fact for fact in known(name).secrets()} for name in all_types()}
    assert found[f"{REGISTRIES}/tokens"]["properties.credentials.passwords[].value"].secret == "password"
    assert found[f"{REGISTRIES}/webhooks"]["properties.customHeaders{}"].secret == "header"
    tasks = found[f"{REGISTRIES}/tasks"]
    assert tasks["properties.step.contextAccessToken"].secret == "token"
    assert tasks["properties.step.arguments[].value"].secret_when == {"isSecret": True}
    assert tasks["properties.credentials.customRegistries{}.userName.value"].secret_when == {"type": "Opaque"}
    assert tasks["properties.credentials.customRegistries{}.password.value"].secret_when is None


def test_computed_rows_say_what_identifies_them():
    """The key of an `access` row is what the rule language says; all its fields exist."""
    for name in all_types():
        facts = known(name)
        assert bool(facts.key) == facts.computed
        assert all(facts.fact((field,)) for field in facts.key)
    assert known("acrscan/access").key == ("principalId", "can", "at")


# --- what a missing key means ---------------------------------------------------------------------------------------


def test_an_old_version_lacks_newer_keys():
    """Answers of 2017-10-01 tell nothing about policies, but do tell about the admin user."""
    found = absences(REGISTRIES, "2017-10-01", "saved")
    assert found["properties.policies"] == "not returned by api-version 2017-10-01 (since 2019-05-01)"
    assert found["properties.anonymousPullEnabled"] == (
        "not returned by api-version 2017-10-01 (since 2020-11-01-preview, in stable versions since 2025-04-01)"
    )
    assert "properties.adminUserEnabled" not in found
    assert "properties.networkRuleSet.virtualNetworkRules" not in found


def test_the_newest_stable_version_lacks_only_previews_and_what_left():
    """Of 2025-11-01 only preview keys and the network rules that left are unknown when missing."""
    found = absences(REGISTRIES, "2025-11-01", "azure")
    reasons = {path: reason for path, reason in found.items() if "always" not in reason}
    assert (
        reasons["properties.policies.softDeletePolicy"]
        == "not returned by api-version 2025-11-01 (preview versions only)"
    )
    assert (
        reasons["properties.networkRuleSet.virtualNetworkRules"]
        == "not returned by api-version 2025-11-01 (until 2021-09-01)"
    )
    assert "properties.roleAssignmentMode" not in reasons
    assert "properties.policies.softDeletePolicy.status" not in reasons, "only the topmost node is listed"


def test_a_preview_version_has_what_earlier_previews_brought():
    """Previews count from the key's first preview, stable versions from the first stable one."""
    assert "properties.policies.softDeletePolicy" not in absences(REGISTRIES, "2026-01-01-preview", "azure")
    assert "properties.anonymousPullEnabled" not in absences(REGISTRIES, "2020-11-01-preview", "azure")
    assert "properties.anonymousPullEnabled" in absences(REGISTRIES, "2022-12-01", "azure")
    assert "properties.anonymousPullEnabled" not in absences(REGISTRIES, "2025-04-01", "azure")
    assert "properties.endpointProtocol" in absences(REGISTRIES, "2025-09-01-preview", "azure")


def test_an_unknown_version_may_lack_every_key_that_came_or_left():
    """A saved file without an api-version tells nothing about keys that some version lacks."""
    found = absences(REGISTRIES, None, "saved")
    assert (
        found["properties.publicNetworkAccess"]
        == "api-version not known (key is newer than the oldest version)"
    )
    assert found["properties.networkRuleSet.virtualNetworkRules"].startswith("api-version not known")
    assert "properties.adminUserEnabled" not in found


@pytest.mark.parametrize("source", ["arm", "terraform", "host"])
def test_what_a_person_wrote_is_absent_when_missing(source):
    """Templates and plans set what they set, whatever version they name."""
    assert absences(REGISTRIES, "2017-10-01", source) == {}
    assert absences(REGISTRIES, None, source) == {}


def test_tests_know_required_nodes_and_versions_they_name():
    """In a rule's test a missing key is absent, unless the API always returns it or the test names a version."""
    plain = absences(REGISTRIES, None, "test")
    assert set(plain) == {path for path, fact in known(REGISTRIES).facts.items() if fact.required}
    assert plain["properties"] == "always returned by the API, yet missing"
    assert {"sku.name", "properties.loginServer", "properties.provisioningState"} <= set(plain)
    assert "properties.policies" in absences(REGISTRIES, "2017-10-01", "test")


def test_absences_are_read_only_and_cached():
    """Many resources share one mapping."""
    found = absences(REGISTRIES, "2025-11-01", "azure")
    assert absences(REGISTRIES, "2025-11-01", "azure") is found
    with pytest.raises(TypeError):
        found["x"] = "y"  # type: ignore[index]


def test_versions_are_ordered_by_date_then_preview_before_stable():
    """`2025-04-01-preview` comes before `2025-04-01`, both before the next month's preview."""
    ordered = ["2017-03-01", "2025-04-01-preview", "2025-04-01", "2025-05-01-preview"]
    assert sorted(set(ordered), key=version_key) == ordered
    with pytest.raises(InputError, match="latest"):
        version_key("latest")


# --- the truth ------------------------------------------------------------------------------------------------------

SDK = {
    REGISTRIES: models.Registry,
    f"{REGISTRIES}/replications": models.Replication,
    f"{REGISTRIES}/webhooks": models.Webhook,
    f"{REGISTRIES}/tokens": models.Token,
    f"{REGISTRIES}/scopeMaps": models.ScopeMap,
    f"{REGISTRIES}/cacheRules": models.CacheRule,
    f"{REGISTRIES}/credentialSets": models.CredentialSet,
    f"{REGISTRIES}/connectedRegistries": models.ConnectedRegistry,
    f"{REGISTRIES}/privateEndpointConnections": models.PrivateEndpointConnection,
    f"{REGISTRIES}/usages": models.RegistryUsage,
}
SIMPLE = {
    str: "string",
    dt.datetime: "string",
    dt.timedelta: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
}
DESCRIBED = {"properties.type": "the service knows two kinds of scope maps, the SDK says text"}


def fields_of(model: type) -> dict[str, Any]:
    """Map the wire names of an SDK model to their types."""
    hints: dict[str, Any] = {}
    for cls in reversed(model.__mro__[:-1]):
        if cls.__module__.endswith("containerregistry.models._models"):
            hints |= typing.get_type_hints(cls, {**vars(models._models), "_models": models})
    found = {}
    for cls in model.__mro__:
        for name, field in vars(cls).items():
            if hasattr(field, "_rest_name_input"):
                found[field._rest_name_input or name] = hints[name]
    return found


def sdk_paths(model: type, keys: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str, list[str]]]:
    """Every wire path of an SDK model with its kind and its enum's values."""
    found = []
    for name, hint in fields_of(model).items():
        found += _sdk_path((*keys, name), hint)
    return found


def _sdk_path(keys: tuple[str, ...], hint: Any) -> list[tuple[tuple[str, ...], str, list[str]]]:
    options = [each for each in typing.get_args(hint) or (hint,) if each is not type(None)]
    origin = typing.get_origin(hint)
    if origin is typing.Union and len(options) == 1:
        return _sdk_path(keys, options[0])
    if origin is typing.Union:
        return [
            (
                keys,
                "string",
                [value.value for each in options if issubclass(each, enum.Enum) for value in each],
            )
        ]
    if origin in {list, dict}:
        mark = ELEMENT if origin is list else VALUE
        inner = _sdk_path((*keys, mark), options[-1])
        return [(keys, "array" if origin is list else "map", inner[0][2]), *inner]
    if hint in SIMPLE:
        return [(keys, SIMPLE[hint], [])]
    if issubclass(hint, enum.Enum):
        return [(keys, "string", [value.value for value in hint])]
    return [(keys, "object", []), *sdk_paths(hint, keys)]


@pytest.mark.parametrize("name", SDK)
def test_the_facts_agree_with_the_sdk(name):
    """Every property of the SDK's newest models is listed with the same spelling, kind and enum."""
    facts = known(name)
    for keys, kind, values in sdk_paths(SDK[name]):
        fact = facts.fact(keys)
        assert fact is not None, keys
        assert facts.canonical(keys) == keys
        assert fact.kind == kind, keys
        if keys[-1] != ELEMENT and fact.path not in DESCRIBED:
            assert sorted(fact.enum) == sorted(values), keys


def test_the_comparison_reaches_nested_models():
    """The walk through the SDK sees objects in objects, in lists and in maps."""
    paths = {".".join(keys) for keys, _, _ in sdk_paths(models.Registry)}
    assert "properties.encryption.keyVaultProperties.keyRotationEnabled" in paths
    assert (
        "properties.privateEndpointConnections.[].properties.privateLinkServiceConnectionState.status"
        in paths
    )
    assert "identity.userAssignedIdentities.{}.clientId" in paths


RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "recordings"


def recorded() -> dict[str, list[dict[str, Any]]]:
    """Collect the resources of the public recordings, by type, as far as the type has facts."""
    found: dict[str, list[dict[str, Any]]] = {}
    for file in sorted(RECORDINGS.glob("*.json")):
        for call in json.loads(file.read_text("utf-8"))["interactions"]:
            body = call["response"]["body"]
            answer = body.get("data") or json.loads(body.get("string") or "{}")
            for row in answer.get("value", []) if isinstance(answer, dict) else []:
                facts = facts_for(row.get("type") or "")
                if facts is not None:
                    found.setdefault(facts.type, []).append(row)
    return found


def unknown_keys(facts: TypeFacts, value: Any, keys: tuple[str, ...] = ()) -> list[str]:
    """List the paths of a body that no fact allows."""
    if keys and not facts.fact(keys):
        return [] if facts.is_open(keys) else [".".join(keys)]
    if isinstance(value, dict):
        return [path for key, inner in value.items() for path in unknown_keys(facts, inner, (*keys, key))]
    if isinstance(value, list):
        return [path for inner in value for path in unknown_keys(facts, inner, (*keys, ELEMENT))]
    return []


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the public recordings are not here")
def test_recorded_answers_hold_only_known_keys_and_all_required_ones():
    """What Azure really answered has no key that we do not know, and lacks none that we say is always there."""
    answers = recorded()
    assert {REGISTRIES, "Microsoft.Authorization/roleAssignments", "Microsoft.Security/pricings"} <= set(
        answers
    )
    for name, rows in answers.items():
        facts = known(name)
        for row in rows:
            assert unknown_keys(facts, row) == [], name
            for path, fact in facts.facts.items():
                value: Any = row
                for key in fact.keys if fact.required else ():
                    value = value[key]
                assert value is not None, path
