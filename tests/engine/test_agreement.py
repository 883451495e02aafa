"""Agreement with Azure Policy: the four parts of a row, the counts, the bound, and that rule ACR503 always says the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner import data, pipeline
from scanner.cli.options import inventory_from, pack_from
from scanner.engine import agreement
from scanner.engine.evaluate import Options
from scanner.inventory.record import ListPart
from scanner.model import ids
from scanner.model.condition import Logic
from scanner.model.finding import LETTERS, Verdict
from scanner.model.scan import AgreementTally
from scanner.model.values import Unknown
from scanner.types import built_in
from tests.engine.building import APP, GROUP, NOW, REGISTRIES, SUB, inventory, registry, resource

ASSIGNMENTS = "Microsoft.Authorization/policyAssignments"
EXEMPTIONS = "Microsoft.Authorization/policyExemptions"
SETS = "Microsoft.Authorization/policySetDefinitions"
STATES = "Microsoft.PolicyInsights/policyStates"
TOKENS = f"{REGISTRIES}/tokens"
DEFINITION = "/providers/Microsoft.Authorization/policyDefinitions/"
ADMIN = "dc921057-6b28-4fbe-9b83-f7bec05db6c2"
ADMIN_MODIFY = "79fdfe03-ffcb-4e55-b4d0-b925b8241759"
NETWORK = "d0793b48-0edc-4296-a390-4c75d1bdfd71"
LINK = "e8eef0a8-67cf-4eb4-9386-14b0e78733d4"
LINK_DEPLOY = "d85c6833-7d33-4cf5-a915-aaa2de84405f"
OF_TOKENS = "ff05e24e-195c-447e-b322-5e90c9f9f366"
READ = {ASSIGNMENTS, EXEMPTIONS, SETS, STATES, TOKENS}
PACK = pack_from(None)
RULES = {rule.id: rule for rule in PACK.rules}
BRIEF = replace(PACK, rules=(RULES["ACR101"], RULES["ACR103"], RULES["ACR503"]))


def policy(definition=ADMIN, scope=SUB, name="a", effect="Deny", **more):
    """An assignment of a built-in definition."""
    properties = {
        "policyDefinitionId": DEFINITION + definition,
        "scope": scope,
        "parameters": {"effect": {"value": effect}} if effect else {},
        **more,
    }
    return resource(ASSIGNMENTS, f"{scope}/providers/{ASSIGNMENTS}/{name}", properties=properties)


def exemption(assignment, scope=APP, name="e", **more):
    properties = {"policyAssignmentId": assignment.id, "exemptionCategory": "Waiver", **more}
    return resource(EXEMPTIONS, f"{scope}/providers/{EXEMPTIONS}/{name}", properties=properties)


def state(value, definition=ADMIN, target=APP, number=1, assignment="a", at="2026-11-25T01:00:00Z"):
    """What Policy Insights says of a registry."""
    return resource(
        STATES,
        f"{target}/providers/{STATES}/{number:08d}",
        resourceId=target.lower(),
        policyAssignmentId=f"{SUB}/providers/{ASSIGNMENTS}/{assignment}".lower(),
        policyDefinitionId=DEFINITION.lower() + definition,
        complianceState=value,
        timestamp=at,
    )


def scan(*resources, pack=BRIEF, collected=frozenset(READ), **more):
    return pipeline.scan(
        pack,
        inventory(*resources, collected=collected, **more),
        now=NOW,
        words="test",
        options=Options(check_every=1),
    )


def row(result, definition=ADMIN, target=APP):
    """The row of one registry and definition."""
    (found,) = (
        item for item in result.agreement if item.registry == target and item.definition == definition
    )
    return found


# ---- the map --------------------------------------------------------------------------------------------------------


def test_every_mirror_is_known_to_the_pack():
    """Each definition has a documented name, its rule names it and what mends it, and its condition exists."""
    names = built_in.policies()
    for guid, facts in built_in.mirrors().items():
        named = {
            control.id for control in RULES[facts["rule"]].controls if control.framework == "azure-policy"
        }
        assert {guid, *facts["mended_by"]} == named
        assert {guid, *facts["mended_by"]} <= names.keys()
        assert not facts["condition"] or facts["condition"] in PACK.definitions
    assert list(built_in.mirrors()) == sorted(
        built_in.mirrors(), key=lambda guid: built_in.mirrors()[guid]["rule"]
    )


def test_rule_acr503_compares_the_same_definitions_by_the_same_conditions():
    """Each branch of the rule pairs a definition and a state with the condition that the map names."""
    told = set()
    check: Any = RULES["ACR503"].check
    for branch in check.where.children:
        definition, said, condition = branch.children
        negative = isinstance(condition, Logic)
        name = (condition.children[0] if negative else condition).name
        told.add((definition.operand.removeprefix("*/"), said.operand, negative, name))
    expected = set()
    for guid, facts in built_in.mirrors().items():
        if facts["condition"]:
            expected.add((guid, "Compliant", False, facts["condition"]))
            expected.add((guid, "NonCompliant", True, facts["condition"]))
    assert told == expected


# ---- what Azure says ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("admin", "said", "agrees"),
    [
        (True, "NonCompliant", "agrees"),
        (False, "compliant", "agrees"),
        (True, "Compliant", "differs"),
        (False, "NonCompliant", "differs"),
        (True, "Exempt", "notComparable"),
        (True, "Conflict", "notComparable"),
        (Unknown("403"), "Compliant", "notComparable"),
    ],
)
def test_both_sides_of_a_setting(admin, said, agrees):
    """Azure's state against the definition asked of what was read; a setting that was not read proves nothing."""
    result = scan(registry(adminUserEnabled=admin), policy(), state(said))
    found = row(result)
    assert (found.agrees, found.azure) == (agrees, said)
    assert [one.agrees for one in found.stated] == [agrees]
    assert found.why.startswith(f"Azure says {said}")
    expected = ("fail" if admin else "pass") if isinstance(admin, bool) else "unknown"
    assert found.configured == expected
    counts = {
        "agrees": result.agreed.agrees,
        "differs": result.agreed.differs,
        "notComparable": result.agreed.not_comparable,
    }
    assert counts[agrees] == (1 if agrees != "notComparable" else 10)


def test_our_rule_may_ask_for_something_else():
    """ACR103 does not apply to Basic registries, ACR101 is stricter than nobody: the note stands beside the agreement."""
    basic = replace(
        registry(anonymousPullEnabled=True),
        body={**registry(anonymousPullEnabled=True).body, "sku": {"name": "Basic"}},
    )
    guid = "9f2dea28-e834-476c-99c5-3507b4728395"
    found = row(scan(basic, state("NonCompliant", guid)), guid)
    assert (found.configured, found.agrees) == ("notApplicable", "agrees")
    strict = replace(PACK, rules=(RULES["ACR201"], RULES["ACR503"]))
    wide = registry(networkRuleSet={"defaultAction": "Deny", "ipRules": [{"value": "0.0.0.0/1"}]})
    found = row(scan(wide, state("Compliant", NETWORK), pack=strict), NETWORK)
    assert (found.configured, found.here, found.agrees) == ("fail", "Compliant", "agrees")
    assert "rule ACR201 asks for something else and says fail" in found.why


@pytest.mark.parametrize(
    ("modified", "said", "agrees"),
    [
        ("2026-11-25T01:55:00Z", "2026-11-25T01:56:00Z", "settling"),
        ("2026-11-25T01:30:00Z", "2026-11-25T01:00:00Z", "settling"),
        ("2026-11-25T01:30:00Z", "2026-11-25T01:45:00Z", "differs"),
        ("2026-11-23T00:00:00Z", "2026-11-22T00:00:00Z", "differs"),
        ("2026-11-25T01:30:00Z", "", "differs"),
        (None, "2026-11-25T01:00:00Z", "differs"),
    ],
)
def test_a_difference_may_settle(modified, said, agrees):
    """Right after a change, and for a day where Azure's state is older than the change; then it is a difference."""
    plain = registry(adminUserEnabled=True)
    changed = replace(plain, body={**plain.body, "systemData": {"lastModifiedAt": modified}})
    result = scan(changed, state("Compliant", at=said))
    assert row(result).agrees == agrees
    (finding,) = (item for item in result.findings if item.rule == "ACR503")
    assert finding.qualifier == ("settling" if agrees == "settling" else "")


def test_states_are_told_by_assignment():
    """The newest of each; a difference beats the rest, whatever its age."""
    result = scan(
        registry(adminUserEnabled=True),
        state("Exempt", number=1, at="2026-11-24T00:00:00Z"),
        state("NonCompliant", number=2, at="2026-11-25T01:00:00Z"),
        state("Compliant", number=3, assignment="b", at="2026-11-24T00:00:00Z"),
        state("NonCompliant", number=4, assignment="b", at="2026-11-25T01:00:00Z"),
    )
    found = row(result)
    assert [(one.assignment[-1], one.state, one.agrees) for one in found.stated] == [
        ("b", "Compliant", "differs"),
        ("a", "NonCompliant", "agrees"),
    ]
    assert (found.azure, found.agrees) == ("mixed", "differs")


def test_silence_has_a_reason():
    """No assignment, no state yet, not read: three different things."""
    found = row(scan(registry()))
    assert (found.azure, found.enforced, found.why) == (
        "noAssignment",
        "no",
        "No assignment of this definition covers the registry",
    )
    found = row(scan(registry(), policy(effect="Audit")))
    assert (found.azure, found.enforced) == ("noState", "no")
    found = row(scan(registry(), policy(), collected=READ - {STATES}))
    assert (found.azure, found.enforced) == ("notRead", "yes")
    assert found.why == f"Compliance states were not read: {STATES} not collected"
    found = row(scan(registry(), state("Compliant", NETWORK), problems={STATES: [(SUB, "429")]}))
    assert (found.azure, found.why) == ("notRead", "Compliance states were not read: 429")
    found = row(scan(registry(), state("Compliant"), collected=READ - {ASSIGNMENTS}))
    assert (found.agrees, found.enforced, found.exempt) == ("agrees", "unknown", "unknown")
    found = row(scan(registry(), collected=READ - {ASSIGNMENTS}))
    assert (found.azure, found.why) == (
        "noState",
        f"Azure has no state of the registry, and assignments were not all read: {ASSIGNMENTS} not collected",
    )
    found = row(scan(registry(), policy(OF_TOKENS)), OF_TOKENS)
    assert (found.azure, found.enforced, found.agrees) == ("notRead", "yes", "notComparable")


def test_nothing_read_is_nothing_compared():
    """Without assignments and states there are no rows, and the reason is told; nor are there without details."""
    result = scan(registry(), collected={TOKENS})
    assert result.agreement == ()
    assert result.agreed.rows == 0
    assert "neither" in result.agreed.reason
    counted = pipeline.scan(
        BRIEF,
        inventory(registry(), state("Compliant")),
        now=NOW,
        words="test",
        options=Options(details=False, check_every=0),
    )
    assert (counted.agreement, counted.agreed) == ((), AgreementTally())


# ---- what is enforced, what is exempted -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "definition", "enforced"),
    [
        (policy(), ADMIN, "yes"),
        (policy(effect="deny", enforcementMode="default"), ADMIN, "yes"),
        (policy(effect="Audit"), ADMIN, "no"),
        (policy(effect="Disabled"), ADMIN, "no"),
        (policy(effect=None), ADMIN, "no"),
        (policy(enforcementMode="DoNotEnforce"), ADMIN, "no"),
        (policy(enforcementMode="Enroll"), ADMIN, "no"),
        (policy(notScopes=[GROUP]), ADMIN, "no"),
        (policy(overrides=[{"kind": "policyEffect", "value": "Audit"}]), ADMIN, "no"),
        (policy(overrides=Unknown("403")), ADMIN, "unknown"),
        (policy(enforcementMode=Unknown("403")), ADMIN, "unknown"),
        (
            policy(
                resourceSelectors=[
                    {"name": "s", "selectors": [{"kind": "resourceRolloutPercentage", "in": ["20"]}]}
                ]
            ),
            ADMIN,
            "unknown",
        ),
        (policy(ADMIN_MODIFY, effect=None), ADMIN, "yes"),
        (policy(ADMIN_MODIFY, effect=None), NETWORK, "no"),
        (policy(LINK_DEPLOY, effect=None), LINK, "yes"),
        (policy(effect="Append"), ADMIN, "yes"),
        (policy(definition="", scope=SUB), ADMIN, "no"),
    ],
)
def test_enforcement(given, definition, enforced):
    """Deny, Modify, DeployIfNotExists and Append in mode Default, of the definition or of the one that mends it."""
    result = scan(registry(), given)
    found = row(result, definition)
    assert found.enforced == enforced
    assert result.agreed.enforced == any(item.enforced == "yes" for item in result.agreement)
    for one in found.assigned:
        assert one.assignment == given.id
        assert one.enforces == enforced


def test_an_initiative_that_was_not_read_leaves_enforcement_open():
    """It may bring the definition."""
    given = policy()
    unknown = replace(
        given,
        body={
            "properties": {
                "policyDefinitionId": "/providers/Microsoft.Authorization/policySetDefinitions/baseline"
            }
        },
    )
    found = row(scan(registry(), unknown))
    assert (found.enforced, found.exempt, found.assigned) == ("unknown", "unknown", ())


@pytest.mark.parametrize(
    ("ends", "exempt", "until"),
    [
        (["2026-12-01T00:00:00Z"], "yes", "2026-12-01T00:00:00Z"),
        (["2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"], "yes", "2027-01-01T00:00:00Z"),
        (["2026-12-01T00:00:00Z", None], "yes", ""),
        ([None], "yes", ""),
        (["2026-11-01T00:00:00Z"], "no", ""),
        (["2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"], "yes", "2026-12-01T00:00:00Z"),
        ([Unknown("403")], "unknown", ""),
        ([], "no", ""),
    ],
)
def test_exemptions(ends, exempt, until):
    """Until the last exemption ends; what is over exempts no more. Exempt is not enforced."""
    given = policy()
    rows = [exemption(given, name=f"e{number}", expiresOn=end) for number, end in enumerate(ends)]
    result = scan(registry(), given, *rows)
    found = row(result)
    assert (found.exempt, found.until) == (exempt, until)
    assert found.enforced == {"yes": "no", "no": "yes", "unknown": "unknown"}[exempt]
    assert result.agreed.exempt == (exempt == "yes")


def test_one_of_two_assignments_is_enough():
    """Exempt from one, held by the other; the end is that of the exemption."""
    first, second = policy(name="a"), policy(name="b")
    found = row(scan(registry(), first, second, exemption(first, expiresOn="2026-12-01T00:00:00Z")))
    assert (found.enforced, found.exempt, found.until) == ("yes", "yes", "2026-12-01T00:00:00Z")
    assert [one.assignment[-1] for one in found.assigned] == ["b", "a"]


def test_many_assignments_are_counted():
    """Ten are named, those that act first."""
    given = [policy(name=f"p{number:02d}", effect="Audit") for number in range(12)]
    found = row(scan(registry(), *given, policy(name="z")))
    assert (len(found.assigned), found.more) == (10, 3)
    assert found.assigned[0].assignment.endswith("/z")


# ---- rules on what lies in a registry -------------------------------------------------------------------------------


def test_a_rule_on_tokens_tells_of_the_worst():
    """The verdict of a registry is the worst of its tokens, notApplicable without any, off where nobody asks."""
    tokens = replace(PACK, rules=(replace(RULES["ACR119"], enabled=True),))
    good = resource(TOKENS, f"{APP}/tokens/a", properties={"status": "disabled"})
    bad = resource(TOKENS, f"{APP}/tokens/b", properties={"status": "enabled"})
    assert row(scan(registry(), good, bad, pack=tokens), OF_TOKENS).configured == "fail"
    assert row(scan(registry(), good, pack=tokens), OF_TOKENS).configured == "pass"
    assert row(scan(registry(), pack=tokens), OF_TOKENS).configured == "notApplicable"
    assert row(scan(registry(), good, bad), OF_TOKENS).configured == "off"


def test_a_pack_without_the_conditions_compares_nothing():
    """An own pack need not have them."""
    bare = replace(BRIEF, definitions={}, rules=(RULES["ACR101"],))
    found = row(scan(registry(), state("Compliant"), pack=bare))
    assert (found.agrees, found.azure, found.configured) == ("notComparable", "Compliant", "pass")
    assert "the rules have no condition" in found.why


# ---- the bound ------------------------------------------------------------------------------------------------------


def test_what_differs_is_kept_first(monkeypatch):
    """Seven rows for thirty: the differing ones, then those with an assignment; the counts are of all."""
    monkeypatch.setattr(agreement, "KEPT", 7)
    targets = [f"{APP}{number}" for number in range(3)]
    rows = [registry(target, adminUserEnabled=True) for target in targets]
    result = scan(*rows, state("Compliant", target=targets[2]), policy(scope=targets[1]))
    assert result.agreed.rows == 30
    assert (result.agreed.differs, result.agreed.not_comparable) == (1, 29)
    assert (result.agreed.registries, result.agreed.assigned, result.agreed.enforced) == (3, 2, 1)
    assert len(result.agreement) == 7
    assert row(result, target=targets[2]).agrees == "differs"
    assert row(result, target=targets[1]).enforced == "yes"
    assert [item.registry for item in result.agreement] == sorted(item.registry for item in result.agreement)


# ---- the matrix and the rule ----------------------------------------------------------------------------------------


def contradictions(result):
    """Where rule ACR503 and the rows say different things; nothing, always."""
    told: dict[str, dict[tuple[str, str], str]] = {}
    for item in result.agreement:
        for one in item.stated:
            told.setdefault(item.registry, {})[ids.normalise(one.assignment), item.definition] = one.agrees
    found: dict[str, dict[tuple[str, str], str]] = {}
    for item in result.findings:
        if item.rule == "ACR503" and item.verdict is Verdict.FAIL:
            assignment, _, definition = item.element.partition("|")
            key = ids.normalise(assignment), ids.name_of(definition).lower()
            found.setdefault(item.resource, {})[key] = "settling" if item.qualifier else "differs"
    order = result.header.order[REGISTRIES]
    for line in result.resources:
        if line.type != REGISTRIES:
            continue
        verdict = LETTERS[line.letters[order.index("ACR503")]]
        ours = {
            key: answer for key, answer in told.get(line.id, {}).items() if answer in ("differs", "settling")
        }
        if ours != found.get(line.id, {}):
            yield line.id, verdict, ours, found.get(line.id)
        said = set(told.get(line.id, {}).values())
        if verdict is Verdict.FAIL and not ours:
            yield line.id, verdict, said
        if verdict is Verdict.PASS and said - {"agrees", "notComparable"}:
            yield line.id, verdict, said
        if verdict is Verdict.PASS and "agrees" not in said:
            yield line.id, verdict, said
        if verdict is Verdict.NOT_APPLICABLE and said - {"notComparable"}:
            yield line.id, verdict, said


def sample(pack=BRIEF, states=()):
    """The sample estate, with further states."""
    estate = data.estate()
    given = inventory_from(
        (str(estate / "answers"),), "saved", str(estate / "principals.json"), None, "2026-11-25T02:00:00Z"
    )
    if states:
        rows = [*given.parts[STATES.lower()], *states]
        given = replace(given, parts={**given.parts, STATES.lower(): ListPart(STATES, rows)})
    return given, pipeline.scan(
        pack, given, now="2026-11-25T02:00:00Z", words="test", options=Options(check_every=1)
    )


def test_the_sample_estate_contradicts_nothing():
    """As it is, and with every state of every definition on every registry."""
    given, result = sample(PACK)
    assert list(contradictions(result)) == []
    assert result.agreed.enforced == 4
    assert result.agreed.exempt == 4
    targets = [item.id for item in given.parts[REGISTRIES.lower()]]
    everything = [
        state(value, guid, target, number, assignment, at)
        for target in targets
        for number, (guid, value, assignment, at) in enumerate(
            (guid, value, assignment, at)
            for guid in built_in.mirrors()
            for value, assignment, at in (
                ("Compliant", "a", "2026-11-24T00:00:00Z"),
                ("NonCompliant", "b", "2026-11-25T01:58:00Z"),
                ("Exempt", "c", "2026-11-24T00:00:00Z"),
            )
        )
    ]
    _, result = sample(BRIEF, everything)
    assert list(contradictions(result)) == []
    assert result.agreed.differs > 50
    assert result.agreed.settling > 0
    assert result.agreed.rows == 10 * len(targets)


STATUS = st.sampled_from(["enabled", "disabled", None, Unknown("403")])
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "adminUserEnabled": st.sampled_from([True, False, None, Unknown("403"), "yes"]),
        "anonymousPullEnabled": st.sampled_from([True, False, Unknown("403")]),
        "publicNetworkAccess": st.sampled_from(["Enabled", "Disabled", "disabled", Unknown("403")]),
        "networkRuleSet": st.fixed_dictionaries(
            {"defaultAction": st.sampled_from(["Allow", "Deny", Unknown("403")])}
        ),
        "policies": st.fixed_dictionaries(
            {
                "exportPolicy": st.fixed_dictionaries({"status": STATUS}),
                "azureADAuthenticationAsArmPolicy": st.fixed_dictionaries({"status": STATUS}),
            }
        ),
        "encryption": st.fixed_dictionaries({"status": STATUS}),
        "privateEndpointConnections": st.lists(
            st.sampled_from(["Approved", "Pending", Unknown("403")]).map(
                lambda status: {
                    "id": "/c",
                    "properties": {"privateLinkServiceConnectionState": {"status": status}},
                }
            ),
            max_size=2,
        ),
    },
)
MOMENTS = st.sampled_from(
    ["2026-11-25T01:58:00Z", "2026-11-25T01:00:00Z", "2026-11-24T20:00:00Z", "2026-11-20T00:00:00Z", None]
)
STATED = st.lists(
    st.tuples(
        st.sampled_from(
            ["Compliant", "NonCompliant", "noncompliant", "Exempt", "Conflict", "Unknown", Unknown("429")]
        ),
        st.sampled_from([*built_in.mirrors(), ADMIN, ADMIN, ADMIN_MODIFY]),
        st.sampled_from("abc"),
        MOMENTS,
    ),
    max_size=8,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    properties=PROPERTIES,
    tier=st.sampled_from(["Basic", "Standard", "Premium", Unknown("403")]),
    version=st.sampled_from([None, "2019-05-01", "2025-11-01"]),
    modified=MOMENTS,
    stated=STATED,
    problems=st.sampled_from([{}, {STATES: [(SUB, "429")]}]),
)
def test_the_rows_and_rule_acr503_never_contradict_each_other(
    properties, tier, version, modified, stated, problems
):
    """Whatever the settings, the tier, the API version and what Azure says: the same differences, the same settling."""
    plain = registry(**properties)
    body = {**plain.body, "sku": {"name": tier}, "systemData": {"lastModifiedAt": modified}}
    rows = [
        state(value, guid, APP, number, assignment, at)
        for number, (value, guid, assignment, at) in enumerate(stated)
    ]
    target = replace(plain, body=body, api_version=version)
    assert list(contradictions(scan(target, policy(), *rows, problems=problems))) == []
