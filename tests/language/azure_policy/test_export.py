"""Definitions that we write: read again and asked of many bodies they say what the native rule says, wherever that one decides."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner import data
from scanner.engine.case import case_for
from scanner.engine.evaluate import rule_values
from scanner.engine.judge import judge
from scanner.engine.relations import relations_for
from scanner.language.azure_policy.clauses import ClauseParser
from scanner.language.azure_policy.exporting import export_rule, initiative
from scanner.language.azure_policy.expressing import Expresser, NotExpressible
from scanner.language.azure_policy.initiatives import read_initiative
from scanner.language.conditions import negated
from scanner.language.pack import load_pack
from scanner.model.condition import (
    NOWHERE,
    Condition,
    Count,
    Leaf,
    Logic,
    Param,
    Path,
    Quantifier,
    Ref,
    Related,
)
from scanner.model.rule import Parameter, Remediation, Rule, RulePack
from scanner.model.values import ABSENT, Unknown, UnreadTail
from scanner.workbench.unit import case_of, relations_from, resource_of
from tests.language.azure_policy.asking import NOW, REGISTRIES, reading_of, rule_of

ACR = load_pack(data.policies() / "acr")
PARAMETERS = {
    "words": Parameter("words", ("array", "null"), ("Premium", "disabled"), "words", item_type="string"),
    "word": Parameter("word", ("string",), "Enabled", "a word"),
    "wide": Parameter("wide", ("array",), ("10.0.0.0/6",), "wide ranges", item_type="string"),
    "blank": Parameter("blank", ("string",), "", "nothing"),
    "number": Parameter("number", ("integer",), 7, "a number"),
    "range": Parameter("range", ("string",), "10.0.0.0/9", "a range"),
    "ranges": Parameter("ranges", ("array",), ("10.0.0.0/31", "fe80::/10"), "ranges", item_type="string"),
    "flag": Parameter("flag", ("boolean",), True, "a flag"),
    "undeclared": Parameter("undeclared", ("array", "null"), None, "nobody said"),
}
VALUES = {name: item.default for name, item in PARAMETERS.items()}
PACK = RulePack(
    "test", "TST", "1.2.3", "", "", PARAMETERS, {}, (), "", "", VALUES, dict.fromkeys(VALUES, "pack")
)
PREMIUM = Leaf(Path("", ("sku", "name")), "equals", "Premium", ABSENT, False, NOWHERE)
LOW = Remediation("low")


def rule(check, when=None):
    return Rule(
        id="TST101", name="t", title="T", severity="low", target=REGISTRIES, when=when, check=check, manual="",
        message=("m",), not_applicable_message=(), parameters={}, rationale="Because.", remediation=LOW, references=(),
        reviewed="", controls=(),
    )  # fmt: skip


def letter(one, params, body, related=None):
    """The verdict letter of a rule on a body."""
    target = resource_of(one.target, body, source="arm")
    elements = {row.name: row.element for row in relations_for(one.target)}
    case = case_for(target, relations_from(one, related or {}), elements, params, NOW)
    return judge(one, case).verdict.letter


def read_again(exported):
    """The written definition as a rule, by way of its JSON text."""
    return rule_of(json.loads(json.dumps(exported.content))["properties"])


def leaf(keys, operator, operand, default=ABSENT, var=""):
    return Leaf(Path(var, keys), operator, operand, default, False, NOWHERE)


NAME, ADMIN, PUBLIC = (
    ("sku", "name"),
    ("properties", "adminUserEnabled"),
    ("properties", "publicNetworkAccess"),
)
CREATED = ("properties", "creationDate")
DAYS = ("properties", "policies", "retentionPolicy", "days")
HOSTS = ("properties", "dataEndpointHostNames")
RULES = ("properties", "networkRuleSet", "ipRules")
CONNECTIONS = ("properties", "privateEndpointConnections")
STATE = ("properties", "privateLinkServiceConnectionState", "status")
SCALARS = {
    NAME: st.sampled_from(["Premium", "premium", "Basic", ""]),
    PUBLIC: st.sampled_from(["Enabled", "disabled", ""]),
    ADMIN: st.booleans(),
    DAYS: st.sampled_from([0, 7, 8, -1, 1.5]),
    CREATED: st.sampled_from(
        ["2025-11-10T00:00:00Z", "2025-11-24", "2025-12-24T10:00:00.1+02:00", "0001-01-01T00:00:00Z"]
    ),
    ("location",): st.sampled_from(["East US 2", "eastus2", "westeurope"]),
    ("tags", "owner"): st.sampled_from(["x", "X", ""]),
    ("identity", "type"): st.sampled_from(["None", "SystemAssigned"]),
}
ELEMENTS = {RULES: ("value", "action"), CONNECTIONS: (*STATE,)}
words = st.sampled_from(
    ["Premium", "Enabled", "disabled", "eastus2", "x", "", "[x", "10.0.0.0/8", "10.0.0.1", "fe80::1"]
)
numbers = st.sampled_from([0, 1, 7, 8, 1.5])
scalars = st.one_of(words, numbers, st.booleans())


@st.composite
def leaves(draw, scope):
    path = draw(st.sampled_from(sorted(SCALARS)).map(lambda keys: Path("", keys)))
    if scope and draw(st.booleans()):
        var, of = draw(st.sampled_from(scope))
        keys = (
            STATE
            if of == CONNECTIONS
            else ()
            if of == HOSTS
            else (draw(st.sampled_from(["value", "action"])),)
        )
        path = Path(var, keys)
    operator, operand = draw(
        st.one_of(
            st.tuples(st.just("equals"), st.one_of(scalars, st.none())),
            st.tuples(st.just("equals"), st.sampled_from([Param("word"), Param("blank"), Param("number"), Param("flag")])),
            st.tuples(st.just("equals"), st.sampled_from([Path("", PUBLIC), Path("", NAME)])),
            st.tuples(st.just("in"), st.lists(words, max_size=3).map(tuple)),
            st.tuples(st.just("in"), st.sampled_from([("x", None), (None,), (7, 8), Param("words")])),
            st.tuples(st.sampled_from(["less", "lessOrEquals", "greater", "greaterOrEquals"]), st.one_of(numbers, st.just(Param("number")))),
            st.tuples(st.sampled_from(["exists", "empty"]), st.booleans()),
            st.tuples(st.just("like"), st.sampled_from(["Prem*", "*e", "*", "x", "p*m", "*a*"])),
            st.tuples(st.just("likeAny"), st.sampled_from([("P*", "x"), ("*",)])),
            st.tuples(st.just("contains"), st.sampled_from(["e", "us", "zz"])),
            st.tuples(st.just("cidrWithin"), st.sampled_from(["10.0.0.0/8", ("10.0.0.0/7", "::/0"), ("192.168.0.0/16",), Param("ranges"), Param("range")])),
            st.tuples(st.sampled_from(["olderThanDays", "newerThanDays"]), st.sampled_from([0, 7, -7, Param("number")])),
            st.tuples(st.just("cidrPrefixLess"), st.sampled_from([8, 9, (8, 32), Param("number")])),
        )
    )  # fmt: skip
    default = draw(st.one_of(st.just(ABSENT), st.just(ABSENT), words, st.booleans()))
    return Leaf(path, operator, operand, default, False, NOWHERE)


@st.composite
def conditions(draw, scope=(), depth=3):
    choice = draw(st.integers(0, 9)) if depth else 0
    if choice <= 2:
        return draw(leaves(scope))
    if choice <= 4:
        children = draw(st.lists(conditions(scope, depth - 1), min_size=1, max_size=3))
        return Logic(draw(st.sampled_from(["allOf", "anyOf"])), tuple(children), NOWHERE)
    if choice == 5:
        return Logic("not", (draw(conditions(scope, depth - 1)),), NOWHERE)
    if choice == 6:
        return Ref("isPremium", PREMIUM, NOWHERE)
    of = draw(st.sampled_from([RULES, CONNECTIONS, HOSTS]))
    var = f"x{len(scope)}"
    where = draw(conditions((*scope, (var, of)), depth - 1))
    if choice <= 8:
        kind = draw(st.sampled_from(["none", "some", "every"]))
        empty = draw(st.sampled_from([None, None, "pass", "fail"]))
        return Quantifier(kind, Path("", of), var, where, empty, NOWHERE)
    operator = draw(
        st.sampled_from(["equals", "notEquals", "less", "lessOrEquals", "greater", "greaterOrEquals"])
    )
    return Count(
        Path("", of), var, draw(st.sampled_from([where, None])), operator, draw(st.integers(0, 3)), NOWHERE
    )


STRANGE: st.SearchStrategy[object] = st.sampled_from(
    [None, Unknown("403"), "text", "8", 5, True, [UnreadTail("429")]]
)


def odd(value):
    return st.one_of(*[value] * 9, STRANGE)


def some(fields):
    return st.fixed_dictionaries({}, optional={key: odd(value) for key, value in fields.items()})


def lists(item):
    whole = st.lists(odd(item), max_size=3)
    return st.one_of(whole, whole, whole.map(lambda found: [*found, UnreadTail("429")]))


BODIES = some(
    {
        "sku": some({"name": SCALARS[NAME]}),
        "location": SCALARS["location",],
        "tags": st.dictionaries(st.sampled_from(["owner", "Owner"]), words, max_size=1),
        "identity": some({"type": SCALARS["identity", "type"]}),
        "properties": some(
            {
                "adminUserEnabled": st.booleans(),
                "creationDate": SCALARS[CREATED],
                "publicNetworkAccess": SCALARS[PUBLIC],
                "policies": some({"retentionPolicy": some({"days": SCALARS[DAYS]})}),
                "dataEndpointHostNames": lists(words),
                "networkRuleSet": some({"ipRules": lists(some({"value": words, "action": words}))}),
                "privateEndpointConnections": lists(
                    some({"properties": some({"privateLinkServiceConnectionState": some({"status": words})})})
                ),
            }
        ),
    }
)


def test_written_definitions_say_what_the_rule_says():
    """Where a rule passes, fails or does not apply, Azure says compliant, non-compliant and compliant of its definition."""
    compared = Counter[str]()

    @settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(
        check=conditions(),
        when=st.one_of(st.none(), st.none(), conditions(depth=1)),
        found=st.lists(BODIES, min_size=6, max_size=12),
    )
    def compare(check: Condition, when: Condition | None, found: list[dict[str, object]]) -> None:
        native = rule(check, when)
        written, reason = export_rule(native, PACK)
        if not written:
            assert reason
            return
        azure, params = read_again(written[0])
        text = json.dumps(written[0].content)
        computes = "split(" in text or "ipRangeContains(" in text
        for body in found:
            before = letter(native, VALUES, body)
            after = letter(azure, params, body)
            compared[before] += 1
            if before in "PF" and not (after == "E" and computes):  # Azure fails on text that is no range
                assert after == before, (body, written[0].content["properties"]["policyRule"])
            elif before == "N":
                assert after in "PN", body

    compare()
    assert min(compared["P"], compared["F"]) > 400, compared
    assert compared["N"] > 100, compared


LITERALS = [
    leaf(ADMIN, "equals", False, False),
    leaf(ADMIN, "equals", True),
    leaf(ADMIN, "exists", True),
    leaf(PUBLIC, "equals", "Disabled", "Enabled"),
    leaf(PUBLIC, "equals", ""),
    leaf(PUBLIC, "equals", "", ""),
    leaf(PUBLIC, "equals", None),
    leaf(PUBLIC, "in", ("Disabled", None)),
    leaf(PUBLIC, "in", ("Disabled",), "disabled"),
    leaf(PUBLIC, "in", ()),
    leaf(PUBLIC, "empty", True),
    leaf(PUBLIC, "empty", False, "x"),
    leaf(PUBLIC, "exists", False, "x"),
    leaf(PUBLIC, "like", "dis*", "x"),
    leaf(PUBLIC, "equals", Param("blank")),
    leaf(PUBLIC, "equals", Path("", NAME)),
    leaf(DAYS, "less", 8, 7),
    leaf(DAYS, "greaterOrEquals", Param("number")),
    Quantifier("none", Path("", HOSTS), "h", leaf((), "equals", "", var="h"), "fail", NOWHERE),
    Quantifier("every", Path("", RULES), "r", leaf(("value",), "cidrPrefixLess", 8, var="r"), None, NOWHERE),
    Quantifier("some", Path("", RULES), "r", leaf(("value",), "equals", Path("", PUBLIC), var="r"), "pass", NOWHERE),
    Quantifier("some", Path("", CONNECTIONS), "c", leaf(STATE, "equals", "Approved", var="c"), None, NOWHERE),
    Count(Path("", RULES), "", None, "less", Param("number"), NOWHERE),
    leaf(HOSTS, "empty", True),
    leaf(HOSTS, "contains", "a"),
    leaf(("properties", "policies"), "empty", True),
    Quantifier("none", Path("", RULES), "r", leaf(("value",), "cidrWithin", "10.0.0.0/6", var="r"), None, NOWHERE),
    Quantifier("some", Path("", RULES), "r", leaf(("value",), "cidrWithin", ("::/0", "10.0.0.0/6"), var="r"), None, NOWHERE),
    Quantifier("some", Path("", RULES), "r", leaf(("value",), "cidrWithin", Param("wide"), var="r"), None, NOWHERE),
]  # fmt: skip
TEXTS = ["-", None, "", "Disabled", "disabled", "x"]


@pytest.mark.parametrize("check", LITERALS, ids=str)
def test_every_operator_on_absent_null_and_empty(check):
    """Each operator, its negation, over every combination of absent, null and present values."""
    seen = set()
    for one in (check, negated(check)):
        native = rule(one)
        written, reason = export_rule(native, PACK)
        assert written, reason
        azure, params = read_again(written[0])
        for public, admin, days, hosts in itertools.product(
            TEXTS, ["-", None, True, False], ["-", None, 7, 9], ["-", None, [], [""], ["a"]]
        ):
            properties: dict[str, Any] = {
                "publicNetworkAccess": public, "adminUserEnabled": admin, "dataEndpointHostNames": hosts,
                "policies": {"retentionPolicy": {"days": days}},
                "networkRuleSet": {"ipRules": hosts if hosts in ("-", None) else [{"value": "10.0.0.0/7"}, {}, {"value": None}]},
                "privateEndpointConnections": [{"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}}] if admin is True else [],
            }  # fmt: skip
            body: dict[str, Any] = {
                "sku": {"name": "x"},
                "properties": {k: v for k, v in properties.items() if v != "-"},
            }
            if properties["networkRuleSet"]["ipRules"] == "-":
                body["properties"]["networkRuleSet"] = {}
            before = letter(native, VALUES, body)
            if before in "PF":
                seen.add(before)
                assert letter(azure, params, body) == before, body
    assert seen == {"P", "F"}


@pytest.mark.parametrize("one", [rule for rule in ACR.rules if rule.enabled], ids=lambda rule: rule.id)
def test_the_shipped_rules(one):
    """Each shipped rule has a definition that agrees with it on all its own tests, or a reason for having none."""
    written, reason = export_rule(one, ACR)
    assert bool(written) != bool(reason)
    for definition in written:
        azure, params = rule_of(json.loads(json.dumps(definition.content))["properties"], one.target)
        for test in one.tests:
            case = case_of(ACR, one, test)
            before = judge(one, case).verdict.letter
            given = params | {name: case.params[name] for name in definition.parameters}
            if before in "PF":
                again = case_for(case.resource, case.related, case.element_types, given, case.now)
                after = judge(azure, again).verdict.letter
                assert after == before, test.name


def test_which_shipped_rules_have_a_definition():
    """The list is known; a rule that loses its definition is noticed."""
    have = {one.id for one in ACR.rules if one.enabled and export_rule(one, ACR)[0]}
    assert have == {
        "ACR101", "ACR103", "ACR108", "ACR118", "ACR201", "ACR205", "ACR210", "ACR306", "ACR307", "ACR315", "ACR407", "ACR410", "ACR502",
        "ACR512", "ACR513", "ACR711", "ACR713",
    }  # fmt: skip


def test_a_simple_property_gets_a_modify():
    """The change sets the property to what the rule wants."""
    admin = next(one for one in ACR.rules if one.id == "ACR101")
    audit, modify = export_rule(admin, ACR)[0]
    assert audit.effects == ("Audit", "Deny", "Disabled")
    details = modify.content["properties"]["policyRule"]["then"]["details"]
    assert details["operations"] == [
        {"operation": "addOrReplace", "field": f"{REGISTRIES}/adminUserEnabled", "value": False}
    ]
    assert details["conflictEffect"] == "audit"
    assert modify.name != audit.name
    flipped = export_rule(rule(Logic("not", (leaf(ADMIN, "equals", True),), NOWHERE)), PACK)[0]
    assert (
        flipped[1].content["properties"]["policyRule"]["then"]["details"]["operations"][0]["value"] is False
    )
    assert len(export_rule(rule(leaf(NAME, "equals", "Premium")), PACK)[0]) == 1


REASONS = [
    (Quantifier("none", Related("access"), "g", leaf(("can",), "equals", "x", var="g"), None, NOWHERE), "related.access"),
    (Quantifier("some", Related("locks"), "g", leaf(("name",), "equals", "x", var="g"), None, NOWHERE), "no resource below"),
    (Quantifier("some", Related("tokens"), "g", leaf(NAME, "equals", "x"), None, NOWHERE), "outside the related resource"),
    (leaf(PUBLIC, "matches", "^a"), "no counterpart"),
    (leaf(PUBLIC, "olderThanDays", 1.5), "whole days"),
    (leaf(PUBLIC, "newerThanDays", 3, "2026-01-01"), "clock"),
    (leaf(PUBLIC, "cidrWithin", Path("", NAME)), "between two properties"),
    (leaf(PUBLIC, "cidrWithin", ("10.0.0.0/8",) * 51), "51 ranges"),
    (leaf(PUBLIC, "format", "uuid"), "no counterpart"),
    (Quantifier("none", Path("", RULES), "a", Quantifier("some", Path("", RULES), "b", leaf(("value",), "equals", "x", var="b"), None, NOWHERE), None, NOWHERE), "two elements"),
    (Quantifier("none", Path("", RULES), "a", Ref("r", Count(Path("", RULES), "", None, "greater", 1, NOWHERE), NOWHERE), None, NOWHERE), "two elements"),
    (Quantifier("none", Path("", HOSTS), "a", leaf(HOSTS, "empty", True), None, NOWHERE), "two elements"),
    (Quantifier("none", Path("", HOSTS), "a", leaf(HOSTS, "contains", "x"), None, NOWHERE), "two elements"),
    (Quantifier("none", Path("", ("identity", "userAssignedIdentities")), "a", leaf(("key",), "equals", "x", var="a"), None, NOWHERE), "a map"),
    (leaf(PUBLIC, "like", "*a*"), "one *"),
    (leaf(PUBLIC, "like", "a?"), "gives ? a meaning"),
    (leaf(PUBLIC, "like", Param("word")), "like with a parameter"),
    (leaf(PUBLIC, "in", ("a", 1)), "several kinds"),
    (leaf(PUBLIC, "in", Param("undeclared")), "not declared"),
    (leaf(PUBLIC, "contains", "a*"), "convert"),
    (leaf(ADMIN, "contains", "a"), "convert"),
    (Leaf(Path("", PUBLIC), "equals", "a", ABSENT, True, NOWHERE), "regard to case"),
    (leaf(("identity", "userAssignedIdentities", "x"), "exists", True), "key of a map"),
    (leaf(("tags", "it's"), "exists", True), "cannot be named"),
    (leaf(("properties",), "exists", True), "no alias"),
    (leaf(("properties", "nonsense"), "exists", True), "no alias"),
    (leaf(PUBLIC, "equals", Param("word"), "x"), "varies"),
    (Quantifier("none", Path("", NAME), "g", leaf((), "equals", "x", var="g"), None, NOWHERE), "not known to be a list"),
    (Quantifier("none", Param("words"), "g", leaf((), "equals", "x", var="g"), None, NOWHERE), "no property"),
    (Logic("allOf", tuple(Quantifier("none", Path("", RULES), "g", leaf(("value",), "equals", str(n), var="g"), None, NOWHERE) for n in range(6)), NOWHERE), "more than 5 counts"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "says"), REASONS)
def test_what_has_no_definition_has_a_reason(check, says):
    """Nothing is written that would decide otherwise."""
    written, reason = export_rule(rule(check), PACK)
    assert written == ()
    assert says in reason


def test_rules_that_azure_cannot_see():
    """Manual rules, imported ones and what lies in registries."""
    native = rule(PREMIUM)
    assert "attests" in export_rule(replace(native, check=None), PACK)[1]
    assert "imported" in export_rule(replace(native, semantics="azure"), PACK)[1]
    assert "registries" in export_rule(replace(native, target=f"{REGISTRIES}/repositories"), PACK)[1]
    assert "no resource" in export_rule(replace(native, target="acrscan/endpoints"), PACK)[1]
    with pytest.raises(NotExpressible):
        Expresser("Contoso.Test/things", {}, {}, {})


def test_a_related_resource_becomes_an_existence_condition():
    """`some` over children of the registry is what auditIfNotExists asks."""
    where = leaf(("properties", "status"), "equals", "enabled", var="t")
    native = rule(Quantifier("some", Related("tokens"), "t", where, None, NOWHERE), PREMIUM)
    (written,), _ = export_rule(native, PACK)
    assert written.effects == ("AuditIfNotExists", "Disabled")
    azure, params = read_again(written)
    body = {"sku": {"name": "Premium"}, "properties": {}}
    for rows in (
        [],
        [{"properties": {"status": "enabled"}}],
        [{"properties": {"status": "x"}}],
        [{"properties": {}}, UnreadTail("429")],
        Unknown("403"),
    ):
        related = {"tokens": rows}
        assert letter(azure, params, body, related) == letter(native, VALUES, body, related), rows
    assert letter(azure, params, {"sku": {"name": "Basic"}}, {"tokens": []}) == "N"


def test_only_aliases_that_azure_has():
    """With Azure's table, a property without an alias has no definition."""
    table = {f"{REGISTRIES}/publicNetworkAccess".lower(): "properties.publicNetworkAccess"}
    assert export_rule(rule(leaf(PUBLIC, "equals", "x")), PACK, table)[0]
    assert "has no alias" in export_rule(rule(leaf(ADMIN, "equals", True)), PACK, table)[1]


def test_the_initiative_reads_back():
    """Its members are the definitions that look, each with its parameters passed on."""
    written = tuple(one for item in ACR.rules if item.enabled for one in export_rule(item, ACR)[0])
    whole = initiative(ACR, written, "/subscriptions/5/")
    reading, node, _ = reading_of(json.dumps(whole))
    found = read_initiative(reading, node)
    assert found is not None
    looking = [one for one in written if "Modify" not in one.effects]
    assert [member.definition for member in found.members] == [one.name for one in looking]
    assert found.members[0].values == {"effect": "Audit"}
    ids = [item["policyDefinitionId"] for item in whole["properties"]["policyDefinitions"]]
    assert all(one.startswith("/subscriptions/5/providers/Microsoft.Authorization/") for one in ids)


def test_the_same_pack_gives_the_same_definitions():
    """GUIDs and bytes do not change from run to run, and differ between rules."""
    admin = next(one for one in ACR.rules if one.id == "ACR101")
    first, second = (export_rule(admin, ACR)[0] for _ in range(2))
    assert [one.content for one in first] == [one.content for one in second]


def test_effective_values_are_exported():
    """What a profile sets is the parameter's default value in Azure."""
    network = next(one for one in ACR.rules if one.id == "ACR201")
    pack = replace(ACR, values={**ACR.values, "ACR201.minIpPrefix": 24})
    written = export_rule(network, pack)[0][0]
    assert written.content["properties"]["parameters"]["minIpPrefix"]["defaultValue"] == 24
    assert rule_values(pack, network, pack.values)["minIpPrefix"] == 24


def test_definitions_pass_our_own_reader_without_a_word():
    """Every written condition is read without an error."""
    for item in ACR.rules:
        for one in export_rule(item, ACR)[0] if item.enabled else ():
            properties = one.content["properties"]
            reading, node, _ = reading_of(
                json.dumps(properties["policyRule"]["if"]), properties["parameters"]
            )
            assert ClauseParser(reading, item.target, item.target).parse(node) is not None
            assert reading.form.errors == []
