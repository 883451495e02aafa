"""Policy coverage: which assignments act on a registry, with which effect, and what is not known about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.model.values import Unknown, UnreadTail
from tests.engine.building import APP, GROUP, REGISTRIES, SUB, estate, registry, related, resource

ASSIGNMENTS = "Microsoft.Authorization/policyAssignments"
EXEMPTIONS = "Microsoft.Authorization/policyExemptions"
SETS = "Microsoft.Authorization/policySetDefinitions"
STATES = "Microsoft.PolicyInsights/policyStates"
ADMIN = "dc921057-6b28-4fbe-9b83-f7bec05db6c2"
ADMIN_MODIFY = "79fdfe03-ffcb-4e55-b4d0-b925b8241759"
NETWORK = "d0793b48-0edc-4296-a390-4c75d1bdfd71"
DEFINITION = "/providers/Microsoft.Authorization/policyDefinitions/"
ADMIN_POLICY = DEFINITION + ADMIN.upper()
SET = "/providers/Microsoft.Authorization/policySetDefinitions/baseline"
MG = "/providers/Microsoft.Management/managementGroups/platform"


def policy(scope=SUB, definition=ADMIN_POLICY, name="a", effect=None, **more):
    """An assignment of a definition (or set) at a scope."""
    parameters = {"effect": {"value": effect}} if effect else {}
    properties = {"policyDefinitionId": definition, "scope": scope, "parameters": parameters, **more}
    return resource(ASSIGNMENTS, f"{scope}/providers/{ASSIGNMENTS}/{name}", properties=properties)


def exemption(scope=APP, assignment=None, name="e", **more):
    properties = {
        "policyAssignmentId": assignment or policy().id.upper(),
        "exemptionCategory": "Waiver",
        **more,
    }
    return resource(EXEMPTIONS, f"{scope}/providers/{EXEMPTIONS}/{name}", properties=properties)


def initiative(*members, defaults=None):
    """A set: each member (reference, definition, effect parameter)."""
    listed = [
        {
            "policyDefinitionReferenceId": reference,
            "policyDefinitionId": DEFINITION + definition,
            "parameters": {"effect": {"value": effect}} if effect else {},
        }
        for reference, definition, effect in members
    ]
    parameters = {name: {"type": "String", "defaultValue": value} for name, value in (defaults or {}).items()}
    return resource(SETS, SET, properties={"policyDefinitions": listed, "parameters": parameters})


def rows(*resources, target=None, **more):
    collected = {ASSIGNMENTS, EXEMPTIONS, STATES, *more.pop("collected", ())}
    return related(estate(target or registry(), *resources, collected=collected, **more), "enforcement")


def test_a_row_per_definition():
    """The definition's GUID in lower case, its name, its default effect; enforced unless the assignment says otherwise."""
    assert rows(policy()) == [
        {
            "definitionId": ADMIN,
            "definitionName": "Container registries should have local admin account disabled",
            "assignmentId": policy().id,
            "effect": "Audit",
            "scope": SUB,
            "exempt": False,
            "exemptUntil": None,
            "enforcementMode": "Default",
            "complianceState": None,
        }
    ]
    assert rows(policy(enforcementMode="DoNotEnforce"))[0]["enforcementMode"] == "DoNotEnforce"


@pytest.mark.parametrize(
    ("scope", "covers"),
    [(SUB, True), (GROUP.upper(), True), (APP, True), (f"{APP}2", False), (f"{GROUP}2", False), (MG, True)],
)
def test_scopes(scope, covers):
    """At the registry or above it, compared by segments without case; management groups by the chain."""
    chain = resource(
        "Microsoft.Resources/subscriptions", SUB, managementGroupAncestorsChain=[{"name": "Platform"}]
    )
    assert bool(rows(policy(scope), chain)) is covers


def test_management_groups_that_are_not_known_leave_the_list_open():
    """An assignment at a management group, and nobody said whether it is above the subscription."""
    assert isinstance(rows(policy(MG))[-1], UnreadTail)


@pytest.mark.parametrize(
    ("excluded", "covers"),
    [([GROUP.upper()], False), ([APP], False), ([f"{APP}2"], True), ([f"{GROUP}2"], True), ([], True)],
)
def test_not_scopes(excluded, covers):
    """An excluded scope takes out what lies below it, by segments."""
    assert bool(rows(policy(notScopes=excluded))) is covers


def selecting(*selectors):
    return [{"name": "s", "selectors": list(selectors)}]


@pytest.mark.parametrize(
    ("selectors", "answer"),
    [
        (selecting({"kind": "resourceLocation", "in": ["West Europe"]}), True),
        (selecting({"kind": "resourceLocation", "in": ["eastus"]}), False),
        (selecting({"kind": "resourceLocation", "notIn": ["westeurope"]}), False),
        (selecting({"kind": "resourceType", "in": [REGISTRIES.upper()]}), True),
        (selecting({"kind": "resourceType", "in": ["Microsoft.Storage/storageAccounts"]}), False),
        (selecting({"kind": "resourceWithoutLocation", "in": ["subscriptionLevelResources"]}), False),
        (selecting({"kind": "resourceRolloutPercentage", "in": ["20"]}), None),
        (
            selecting(
                {"kind": "resourceLocation", "in": ["eastus"]}, {"kind": "userPrincipalId", "in": ["x"]}
            ),
            False,
        ),
        (
            selecting({"kind": "resourceLocation", "in": ["eastus"]})
            + selecting({"kind": "resourceType", "in": [REGISTRIES]}),
            True,
        ),
        ([], True),
    ],
)
def test_resource_selectors(selectors, answer):
    """All selectors of one entry, any entry; a rollout share leaves open whether the effect acts."""
    target = replace(registry(), location="westeurope")
    found = rows(policy(effect="Deny", resourceSelectors=selectors), target=target)
    if answer is None:
        assert isinstance(found[0]["effect"], Unknown)
    else:
        assert [row["effect"] for row in found] == (["Deny"] if answer else [])


def test_effects_by_parameter_and_override():
    """The parameter beats the definition's default, an override beats the parameter."""
    assert rows(policy(effect="Deny"))[0]["effect"] == "Deny"
    assert rows(policy(definition=DEFINITION + ADMIN_MODIFY))[0]["effect"] == "Modify"
    overrides = [{"kind": "policyEffect", "value": "Disabled"}]
    assert rows(policy(effect="Deny", overrides=overrides))[0]["effect"] == "Disabled"
    assert isinstance(rows(policy(definition=DEFINITION + "0" * 8))[0]["effect"], Unknown)


def test_initiatives_resolve_their_parameters():
    """Assignment, then the set's default, then the definition's; overrides name members by reference."""
    members = initiative(
        ("admin", ADMIN, "[parameters('adminEffect')]"),
        ("modify", ADMIN_MODIFY, "[parameters('other')]"),
        ("network", NETWORK, None),
        ("odd", NETWORK, "[concat('De', 'ny')]"),
        defaults={"adminEffect": "Audit", "other": "Disabled"},
    )
    given = policy(
        definition=SET,
        parameters={"ADMINEFFECT": {"value": "Deny"}},
        overrides=[
            {
                "kind": "policyEffect",
                "value": "Modify",
                "selectors": [{"kind": "policyDefinitionReferenceId", "in": ["MODIFY"]}],
            }
        ],
    )
    found = rows(given, members)
    assert [(row["definitionId"], row["effect"]) for row in found[:3]] == [
        (ADMIN, "Deny"),
        (ADMIN_MODIFY, "Modify"),
        (NETWORK, "Audit"),
    ]
    assert isinstance(found[3]["effect"], Unknown)
    plain = rows(policy(definition=SET), members)
    assert [row["effect"] for row in plain[:2]] == ["Audit", "Disabled"]


def test_selectors_may_name_members():
    """policyDefinitionReferenceId in a resource selector picks members of the initiative."""
    members = initiative(("admin", ADMIN, "Deny"), ("network", NETWORK, "Deny"))
    chosen = selecting({"kind": "policyDefinitionReferenceId", "in": ["admin"]})
    found = rows(policy(definition=SET, resourceSelectors=chosen), members)
    assert [(row["definitionId"], row["effect"]) for row in found] == [(ADMIN, "Deny")]


def test_an_initiative_that_was_not_read_leaves_the_list_open():
    """Its content is not known, so it may bring anything."""
    found = rows(policy(definition=SET), policy(name="b"))
    assert [row["definitionId"] for row in found[:-1]] == [ADMIN]
    assert found[-1] == UnreadTail("initiative of policy assignment a not read")


@pytest.mark.parametrize(
    ("row", "exempt"),
    [
        (exemption(), True),
        (exemption(GROUP), True),
        (exemption(f"{APP}2"), False),
        (exemption(assignment=f"{policy().id}2"), False),
        (exemption(expiresOn="2026-12-01T00:00:00Z"), True),
        (exemption(expiresOn="2026-11-25T02:00:00Z"), False),
        (exemption(policyDefinitionReferenceIds=[]), True),
        (exemption(policyDefinitionReferenceIds=["other"]), False),
        (
            exemption(resourceSelectors=selecting({"kind": "resourceType", "in": ["Microsoft.Web/sites"]})),
            False,
        ),
    ],
)
def test_exemptions(row, exempt):
    """In the chain, of this assignment, not over, for this member."""
    assert rows(policy(), row)[0]["exempt"] is exempt


def test_exemptions_of_members():
    """A reference exempts from one definition of an initiative only."""
    members = initiative(("admin", ADMIN, "Deny"), ("network", NETWORK, "Deny"))
    found = rows(policy(definition=SET), members, exemption(policyDefinitionReferenceIds=["Admin"]))
    assert [row["exempt"] for row in found] == [True, False]


def test_what_was_not_read():
    """Assignments: the list. Exemptions and states: only what they would say."""
    unread = related(estate(registry(), collected={EXEMPTIONS, STATES}), "enforcement")
    assert unread == Unknown(f"{ASSIGNMENTS} not collected", "not-collected")
    partly = rows(policy(), problems={ASSIGNMENTS: [(MG, "403")]})
    assert [type(row) for row in partly] == [dict]
    partly = rows(policy(), problems={ASSIGNMENTS: [(SUB, "429")]})
    assert partly[-1] == UnreadTail("429")
    bare = related(estate(registry(), policy(), collected={ASSIGNMENTS}), "enforcement")[0]
    assert isinstance(bare["exempt"], Unknown)
    assert isinstance(bare["complianceState"], Unknown)
    known = related(
        estate(registry(), policy(), exemption(), problems={EXEMPTIONS: [(SUB, "403")]}), "enforcement"
    )
    assert known[0]["exempt"] is True


def test_states_of_policy_insights():
    """By assignment and definition, in any casing."""
    state = resource(
        STATES,
        "/states/1",
        resourceId=APP.lower(),
        policyAssignmentId=policy().id.lower(),
        policyDefinitionId=DEFINITION.lower() + ADMIN,
        complianceState="NonCompliant",
    )
    assert rows(policy(), state)[0]["complianceState"] == "NonCompliant"


def exempted(*resources, **more):
    return related(estate(registry(), *resources, **more), "exemptedAssignment", exemption().id, EXEMPTIONS)


def test_what_an_exemption_is_about():
    """The assignment with its definitions; [] when it is gone; not known when it, or its initiative, was not read."""
    assert exempted(policy(), exemption()) == [
        {"assignmentId": policy().id, "definitionIds": [ADMIN], "coversAcr": True}
    ]
    members = initiative(("admin", ADMIN, None), ("other", "0" * 8, None))
    partly = exempted(policy(definition=SET), members, exemption(policyDefinitionReferenceIds=["other"]))
    assert partly[0]["coversAcr"] is False
    assert exempted(exemption(), collected={ASSIGNMENTS}) == []
    assert isinstance(exempted(exemption()), Unknown)
    assert isinstance(exempted(policy(definition=SET), exemption())[0]["coversAcr"], Unknown)


@pytest.mark.parametrize("marker", [Unknown("403"), None, "text", 7, [], [Unknown("x")], {}], ids=repr)
@pytest.mark.parametrize(
    "key",
    ["policyDefinitionId", "parameters", "overrides", "notScopes", "resourceSelectors", "enforcementMode"],
)
def test_odd_assignments_never_raise(key, marker):
    """Whatever an assignment, an exemption or a set says, there is an answer."""
    members = initiative(("admin", ADMIN, "[parameters('e')]"))
    odd_sets = [
        resource(SETS, f"{SET}{number}", properties=properties)
        for number, properties in enumerate(
            ({"policyDefinitions": marker}, {"policyDefinitions": [marker]}, marker)
        )
    ]
    assignments = [
        policy(name="x", **{key: marker})
        if key != "policyDefinitionId"
        else policy(name="x", definition=marker),
        *(policy(name=str(number), definition=f"{SET}{number}") for number in range(3)),
        policy(
            name="s",
            definition=SET,
            overrides=[{"kind": "policyEffect", "value": marker, "selectors": [marker]}],
        ),
        policy(name="r", resourceSelectors=[{"selectors": marker}, {"selectors": [marker]}, marker]),
    ]
    exemptions = [
        exemption(name=f"e{number}", **{name: marker})
        for number, name in enumerate(
            ("policyAssignmentId", "expiresOn", "policyDefinitionReferenceIds", "resourceSelectors")
        )
    ]
    found = rows(members, *odd_sets, *assignments, *exemptions, policy())
    assert isinstance(found, list)
    assert any(row["assignmentId"] == policy().id for row in found if isinstance(row, dict))


def test_what_an_exemption_leaves_open():
    """Its end, its members or its selectors not read: not known whether it exempts."""
    for more in (
        {"expiresOn": Unknown("403")},
        {"policyDefinitionReferenceIds": Unknown("403")},
        {"policyDefinitionReferenceIds": ["other", UnreadTail("429")]},
        {"policyAssignmentId": Unknown("403")},
        {"resourceSelectors": selecting({"kind": "resourceRolloutPercentage", "in": ["20"]})},
    ):
        assert isinstance(rows(policy(), exemption(**more))[0]["exempt"], Unknown)


def test_scopes_that_may_be_excluded():
    """A list of excluded scopes that was not read to its end leaves the effect open."""
    for excluded in (Unknown("403"), [f"{GROUP}2", UnreadTail("429")]):
        (row,) = rows(policy(effect="Deny", notScopes=excluded))
        assert isinstance(row["effect"], Unknown)
