"""Values that are one of several: the verdict is what all completions agree on, and places of one cause go together."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import lru_cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner import pipeline
from scanner.cli.options import pack_from
from scanner.engine.case import case_for
from scanner.engine.completions import MOST, completions
from scanner.engine.evaluate import Options
from scanner.engine.judge import judge
from scanner.engine.telling import jsonable, words
from scanner.model.condition import NOWHERE, Leaf, Logic, Path
from scanner.model.finding import Verdict
from scanner.model.resource import Origin, Resource
from scanner.model.values import ABSENT, Alternatives, Partial, Unknown
from tests.engine.building import (
    ANN,
    APP,
    ASSIGNMENTS,
    CONTRIBUTOR,
    NOW,
    PULL,
    READER,
    assignment,
    inventory,
    registry,
    resource,
)
from tests.engine.test_lanes import ELEMENTS, PARAMS, REGISTRY, conditions, rule_of

PREMIUM = Leaf(Path("", ("sku", "name")), "equals", "Premium", ABSENT, False, NOWHERE)
ZONES = Leaf(Path("", ("properties", "zoneRedundancy")), "equals", "Enabled", ABSENT, False, NOWHERE)


@lru_cache
def pack(rule):
    """The shipped pack with one rule."""
    return pack_from(None, rule=(rule,))


def row_of(rule, *resources):
    """The verdict of a shipped rule on the one registry, and its row if it has one."""
    result = pipeline.scan(
        pack(rule),
        inventory(*resources, collected={ASSIGNMENTS}),
        now=NOW,
        words="test",
        options=Options(check_every=1),
    )
    (verdict,) = (kind for kind, number in result.tallies.of_rule(rule).items() if number)
    return verdict, next(iter(result.findings), None)


def one_of(*values, cause="parameter `p`"):
    """A value that is one of several."""
    return Alternatives(values, f"{cause} has no value", cause)


def judged(rule, body):
    """The verdict of a rule on a registry alone."""
    resource = Resource(APP, REGISTRY, "app", body, origin=Origin("arm"))
    case = case_for(resource, lambda _: Unknown("not collected"), ELEMENTS, PARAMS, 0.0)
    return judge(rule, case)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ((True,), Verdict.FAIL),
        ((False, ABSENT), Verdict.PASS),
        ((True, False), Verdict.UNKNOWN),
        ((True, ABSENT), Verdict.UNKNOWN),
        ((Unknown("runtime"), False), Verdict.UNKNOWN),
    ],
)
def test_a_verdict_is_what_every_value_leads_to(values, verdict):
    """FAIL only if every completion fails, PASS only if every one passes; in between it is said which does what."""
    found, row = row_of("ACR101", registry(adminUserEnabled=one_of(*values)))
    assert found is verdict
    if True in values and verdict is Verdict.UNKNOWN:
        other = "not set" if ABSENT in values else "False"
        assert row.message == f"Not decided: fails for parameter `p` True, passes for parameter `p` {other}"
        assert row.reason == "parameter `p` has no value"


def test_places_of_one_cause_go_together():
    """One parameter decides SKU and zones: the mixed cases are not thought up; of two parameters they are."""
    same = rule_of(Logic("anyOf", (Logic("allOf", (PREMIUM, ZONES), NOWHERE), Logic("not", (Logic("anyOf", (PREMIUM, ZONES), NOWHERE),), NOWHERE)), NOWHERE))  # fmt: skip
    body = {
        "sku": {"name": one_of("Basic", "Premium")},
        "properties": {"zoneRedundancy": one_of("Disabled", "Enabled")},
    }
    assert judged(same, body).verdict is Verdict.PASS
    body["sku"] = {"name": one_of("Basic", "Premium", cause="parameter `q`")}
    assert judged(same, body).verdict is Verdict.UNKNOWN


VALUES = st.sampled_from(["Premium", "Basic", True, False, 5, ABSENT, Unknown("runtime")])
OPEN = st.one_of(
    VALUES, st.tuples(VALUES, VALUES, st.sampled_from("pq")).map(lambda row: one_of(*row[:2], cause=row[2]))
)


def filled(value, choice):
    """The value with each alternative replaced by the chosen one, ABSENT left out."""
    if isinstance(value, Alternatives):
        return value.values[choice[value.cause]]
    if isinstance(value, dict):
        parts = {key: filled(inner, choice) for key, inner in value.items()}
        return {key: inner for key, inner in parts.items() if inner is not ABSENT}
    return value


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    check=conditions(),
    when=st.one_of(st.none(), conditions(depth=1)),
    sku=OPEN,
    admin=OPEN,
    access=OPEN,
    zones=OPEN,
)
def test_no_completion_contradicts_a_verdict(check, when, sku, admin, access, zones):
    """Whatever the rule: where the completions agree that is the verdict, and where they do not nothing is claimed."""
    body = {
        "sku": {"name": sku},
        "properties": {"adminUserEnabled": admin, "publicNetworkAccess": access, "zoneRedundancy": zones},
    }
    rule = rule_of(check, when)
    choices = [dict(zip("pq", chosen, strict=True)) for chosen in itertools.product((0, 1), repeat=2)]
    verdicts = {judged(rule, filled(body, choice)).verdict for choice in choices}
    found = judged(rule, body).verdict
    if len(verdicts) == 1:
        assert {found} == verdicts
    else:
        assert found in {Verdict.UNKNOWN, Verdict.ERROR}


ROLES = "/providers/Microsoft.Authorization/roleDefinitions/"
AT_DEPLOYMENT = Unknown("known after deployment only", "runtime")


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({"roleDefinitionId": Partial(("/subscriptions/", None, ROLES + CONTRIBUTOR), "r")}, Verdict.FAIL),
        ({"roleDefinitionId": Partial(("/subscriptions/", None, ROLES + READER), "r")}, Verdict.PASS),
        ({"roleDefinitionId": Partial((ROLES, None), "r")}, Verdict.UNKNOWN),
        ({"roleDefinitionId": Partial((CONTRIBUTOR[:5], None, CONTRIBUTOR[5:]), "r")}, Verdict.UNKNOWN),
        ({"roleDefinitionId": one_of(ROLES + CONTRIBUTOR, ROLES + READER)}, Verdict.UNKNOWN),
        ({"roleDefinitionId": AT_DEPLOYMENT}, Verdict.UNKNOWN),
        ({"principalId": AT_DEPLOYMENT}, Verdict.FAIL),
        ({"principalId": Partial(("a", None), "r")}, Verdict.FAIL),
        ({"principalType": one_of("User", "ServicePrincipal")}, Verdict.UNKNOWN),
        ({"principalType": one_of("ServicePrincipal", "serviceprincipal")}, Verdict.FAIL),
        ({"principalType": AT_DEPLOYMENT}, Verdict.UNKNOWN),
        ({"principalId": None}, Verdict.UNKNOWN),
    ],
)
def test_who_gets_a_role_is_judged_by_what_a_template_says(given, verdict):
    """The role decides even where subscription and principal are known only at deployment."""
    row = assignment(CONTRIBUTOR, APP)
    row.body["properties"].update(given)
    assert row_of("ACR104", registry(), row)[0] is verdict


def test_a_live_assignment_without_its_principal_was_not_read():
    """In an answer of the API, what is missing is unread: nobody's right is made up."""
    row = assignment(CONTRIBUTOR, APP)
    row.body["properties"]["principalId"] = AT_DEPLOYMENT
    live = replace(row, origin=replace(row.origin, source="azure"))
    assert row_of("ACR104", registry(), live)[0] is Verdict.UNKNOWN


def test_many_cases_are_not_tried():
    """Where there are more cases than are tried, nothing is said; with fewer, they are."""
    sure = Logic("anyOf", (PREMIUM, Logic("not", (PREMIUM,), NOWHERE)), NOWHERE)
    for bits in (MOST.bit_length() - 1, MOST.bit_length()):
        rows = [{"value": one_of("1.1.1.1", "2.2.2.2", cause=f"p{number}")} for number in range(bits - 1)]
        body = {
            "sku": {"name": one_of("Basic", "Premium")},
            "properties": {"networkRuleSet": {"ipRules": rows}},
        }
        few = 2**bits <= MOST
        assert judged(rule_of(sure), body).verdict is (Verdict.PASS if few else Verdict.UNKNOWN)
        resource = Resource(APP, REGISTRY, "app", body, origin=Origin("terraform"))
        cases = completions(case_for(resource, lambda _: (), ELEMENTS, PARAMS, 0.0), ())
        assert (None if cases is None else len(cases)) == (2**bits if few else None)


def test_what_the_api_said_is_never_completed():
    """A live answer holds no alternatives; such a marker there is unread."""
    resource = registry(adminUserEnabled=one_of(True, True))
    assert row_of("ACR101", resource)[0] is Verdict.FAIL
    live = replace(resource, origin=replace(resource.origin, source="azure"))
    assert row_of("ACR101", live)[0] is Verdict.UNKNOWN


def test_messages_show_open_values():
    """Alternatives and gaps are readable in messages and evidence."""
    assert words(one_of("a", ABSENT)) == "(a or (not set))"
    assert jsonable({"name": Partial(("acr", None), "r")}) == {"name": "acr…"}


def test_access_of_principals_that_are_not_known_is_listed():
    """Principals made at deployment stand beside others on one registry, in an order that does not depend on them."""
    rows = [assignment(PULL, APP, number=number) for number in range(1, 5)]
    for row, principal in zip(
        rows, (AT_DEPLOYMENT, Partial(("a", None), "r"), ANN, AT_DEPLOYMENT), strict=True
    ):
        row.body["properties"]["principalId"] = principal
    result = pipeline.scan(
        pack("ACR104"),
        inventory(registry(), *rows, collected={ASSIGNMENTS}),
        now=NOW,
        words="test",
        options=Options(),
    )
    assert [line.principal for line in result.access] == ["(not known)", "(not known)", ANN, "a…"]


def test_what_can_hold_a_secret_is_told_to_nobody():
    """An argument that its author calls no secret: the rule reads it, neither message nor evidence show it; nor user names in addresses."""
    kind = "Microsoft.ContainerRegistry/registries/tasks"
    values = [{"name": "PASSWORD", "value": "hunter2XyZ", "isSecret": False}]
    task = resource(kind, f"{APP}/tasks/t", properties={"step": {"type": "FileTask", "values": values}})
    verdict, row = row_of("ACR712", task)
    assert verdict is Verdict.FAIL
    assert "hunter2" not in repr(row)
    assert "hidden" in {item.state for item in row.evidence}
    assert words("clone https://u:hunter2XyZ@github.com/x/y") == "clone https://(hidden)@github.com/x/y"
    assert jsonable(["https://token@github.com/x"]) == ["https://(hidden)@github.com/x"]
