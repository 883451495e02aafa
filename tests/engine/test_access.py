"""Effective access: each step of the algorithm on a small estate, and what is said when something was not read."""

from __future__ import annotations

import pytest

from scanner.engine.access import access_lines
from scanner.engine.conditions_abac import NOT_UNDERSTOOD, limits
from scanner.model.values import Unknown, UnreadTail
from tests.engine.building import (
    ACCESS_ADMIN,
    ANN,
    APP,
    ASSIGNMENTS,
    BOB,
    CATALOG_LISTER,
    CONTRIBUTOR,
    DELETE,
    GROUP,
    OWNER,
    PULL,
    PUSH,
    READER,
    REGISTRIES,
    REPOSITORY_READER,
    REPOSITORY_WRITER,
    SUB,
    TEAM,
    assignment,
    estate,
    person,
    registry,
    related,
    resource,
    role,
)

ABAC = {"roleAssignmentMode": "AbacRepositoryPermissions"}
_R = "Microsoft.ContainerRegistry/registries/"


def can(rows, principal=ANN):
    return {row["can"] for row in rows if isinstance(row, dict) and row["principalId"] == principal}


def tails(rows):
    return [row.reason for row in rows if isinstance(row, UnreadTail)]


@pytest.mark.parametrize(
    ("given", "capabilities"),
    [
        (PULL, {"pull", "catalog"}),
        (PUSH, {"pull", "catalog", "push"}),
        (DELETE, {"delete"}),
        (READER, {"pull", "catalog", "quarantineRead", "softDeleted"}),
        (REPOSITORY_WRITER, set()),
        (CATALOG_LISTER, set()),
    ],
)
def test_legacy_mode(given, capabilities):
    """In legacy mode actions count, Reader's */read pulls, and repository data actions count for nothing."""
    rows = related(estate(registry(), assignment(given, APP)), "access")
    assert can(rows) == capabilities


@pytest.mark.parametrize(
    ("given", "capabilities"),
    [
        (PULL, set()),
        (PUSH, set()),
        (READER, {"softDeleted"}),
        (REPOSITORY_READER, {"pull"}),
        (REPOSITORY_WRITER, {"pull", "push"}),
        (CATALOG_LISTER, {"catalog"}),
    ],
)
def test_abac_mode(given, capabilities):
    """In ABAC mode AcrPull and AcrPush are not honoured; data actions are."""
    rows = related(estate(registry(**ABAC), assignment(given, APP)), "access")
    assert can(rows) == capabilities


def test_owner_and_contributor():
    """Everything, with full control; Contributor cannot grant, both are still administrators."""
    for given, grants in ((OWNER, True), (CONTRIBUTOR, False), (ACCESS_ADMIN, True)):
        rows = related(estate(registry(), assignment(given, SUB)), "access")
        assert ("grant" in can(rows)) is grants
        assert all(row["fullControl"] for row in rows)
    assert "push" in can(related(estate(registry(), assignment(CONTRIBUTOR, SUB)), "access"))
    assert "push" not in can(related(estate(registry(), assignment(ACCESS_ADMIN, SUB)), "access"))


def test_not_actions_take_away_within_their_role_only():
    """A wildcard minus push, beside AcrPush: the union can push."""
    custom = role("custom1", [_R + "*"], [_R + "push/write"])
    narrow = estate(registry(), custom, assignment("custom1", APP))
    assert "push" not in can(related(narrow, "access"))
    both = estate(registry(), custom, assignment("custom1", APP), assignment(PUSH, APP, number=2))
    assert "push" in can(related(both, "access"))
    row = next(row for row in related(narrow, "access") if row["can"] == "delete")
    assert row["via"]["wildcard"] is True
    assert row["via"]["roleType"] == "CustomRole"


def test_minting_needs_both_writes():
    """tokens/write with scopeMaps/write mints; one alone does not."""
    for actions, mints in (
        ([_R + "tokens/write", _R + "scopeMaps/write"], True),
        ([_R + "tokens/write"], False),
        ([_R + "generateCredentials/action"], True),
    ):
        rows = related(estate(registry(), role("m", actions), assignment("m", APP)), "access")
        assert ("mint" in can(rows)) is mints


def test_scopes_compare_by_segments_and_without_case():
    """/registries/app is not /registries/app2, and SUBSCRIPTIONS is subscriptions."""
    other = f"{APP}2"
    built = estate(
        registry(), registry(other), assignment(PUSH, APP.upper()), assignment(PULL, GROUP.upper(), number=2)
    )
    assert can(related(built, "access")) == {"pull", "catalog", "push"}
    assert can(related(built, "access", other)) == {"pull", "catalog"}


def test_management_groups_and_root():
    """A chain that was read carries assignments down; one that was not leaves the list open."""
    group = "/providers/Microsoft.Management/managementGroups/platform"
    chain = resource(
        "Microsoft.Resources/subscriptions",
        SUB,
        managementGroupAncestorsChain=[{"name": "Platform"}, {"name": "root"}],
    )
    above = assignment(PUSH, group)
    row = next(row for row in related(estate(registry(), above, chain), "access") if row["can"] == "push")
    assert (row["via"]["level"], row["via"]["inherited"]) == ("managementGroup", True)
    assert tails(related(estate(registry(), above), "access")) or isinstance(
        related(estate(registry(), above), "access"), Unknown
    )
    everywhere = related(estate(registry(), assignment(PULL, "/")), "access")
    assert everywhere[0]["via"]["level"] == "root"


def test_reading_the_subscription_counts_at_the_subscription_only():
    """Reader on the registry does not read the subscription."""
    for scope, reads in ((APP, False), (GROUP, False), (SUB, True)):
        rows = related(estate(registry(), assignment(READER, scope)), "access")
        assert ("readSubscription" in can(rows)) is reads


CONDITION = (
    "((!(ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/content/write'})) OR "
    "(@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringStartsWithIgnoreCase 'team/' OR "
    "@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringEqualsIgnoreCase 'base'))"
)


def test_conditions_limit_data_actions():
    """Repositories and prefixes are named; a role's control-plane actions are not limited."""
    rows = related(
        estate(registry(**ABAC), assignment(REPOSITORY_WRITER, APP, condition=CONDITION)), "access"
    )
    assert {(tuple(row["repositories"]), tuple(row["prefixes"]), row["conditional"]) for row in rows} == {
        (("team/*", "base"), ("team/",), True)
    }
    plain = related(estate(registry(), assignment(PUSH, APP, condition=CONDITION)), "access")
    assert {row["repositories"] for row in plain} == {"all"}


@pytest.mark.parametrize(
    "text",
    [
        "@Principal[x] StringEquals 'y'",
        "@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringNotEquals 'x'",
        "@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringEquals 'x' AND something else",
        "x" * 9000,
        "true",
    ],
)
def test_conditions_that_are_not_understood_never_widen(text):
    """Anything beyond the documented form is said to be so, never `all`."""
    found = limits(text)
    assert found.understood is False
    assert found.repositories == (NOT_UNDERSTOOD,)


def deny(scope, principals, actions, number=1, **more):
    properties = {
        "scope": scope,
        "principals": [{"id": item} for item in principals],
        "permissions": [{"actions": actions, "notActions": [], "dataActions": [], "notDataActions": []}],
        **more,
    }
    kind = "Microsoft.Authorization/denyAssignments"
    return resource(kind, f"{scope}/providers/{kind}/{number:08d}", properties=properties)


EVERYONE = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("row", "pushes"),
    [
        (deny(SUB, [ANN], [_R + "push/write"]), False),
        (deny(APP, [EVERYONE], [_R + "*"]), False),
        (deny(SUB, [EVERYONE], ["*"], excludePrincipals=[{"id": ANN}]), True),
        (deny(SUB, [ANN], [_R + "push/write"], doNotApplyToChildScopes=True), True),
        (deny(SUB, [ANN], [_R + "delete"]), True),
        (deny(SUB, [TEAM], [_R + "push/write"]), "conditional"),
    ],
)
def test_deny_assignments(row, pushes):
    """Deny wins; spared principals keep their rights; a group we cannot look into leaves it open."""
    rows = related(estate(registry(), assignment(PUSH, APP), row), "access")
    found = [item for item in rows if item["can"] == "push"]
    assert bool(found) is bool(pushes)
    if found:
        assert found[0]["conditional"] is (pushes == "conditional")


def test_denying_one_of_two_actions_is_not_enough():
    """`credentials` comes through list and regenerate; denying one leaves the other."""
    both = role("c", [_R + "listCredentials/action", _R + "regenerateCredential/action"])
    one = deny(SUB, [ANN], [_R + "listCredentials/action"])
    two = deny(SUB, [ANN], [_R + "regenerateCredential/action"], number=2)
    assert "credentials" in can(related(estate(registry(), both, assignment("c", APP), one), "access"))
    assert "credentials" not in can(
        related(estate(registry(), both, assignment("c", APP), one, two), "access")
    )


def test_groups_and_their_members():
    """A group is one row; a principals file adds its members, with the group as their path."""
    given = assignment(PUSH, APP, TEAM, kind="Group")
    assert {row["principalId"] for row in related(estate(registry(), given), "access")} == {TEAM}
    built = estate(
        registry(), given, principals=[person(BOB, "Bob", groups=[TEAM]), person(TEAM, "Team", "Group")]
    )
    rows = related(built, "access")
    assert {(row["principalId"], row["principalType"], row["via"]["group"]) for row in rows} == {
        (TEAM, "Group", None),
        (BOB, "User", TEAM),
    }
    assert {row["principalName"] for row in rows} == {"Bob", "Team"}


def test_eligible_and_temporary():
    """PIM: eligible rows are marked; an activation has an end."""
    eligible = resource(
        "Microsoft.Authorization/roleEligibilityScheduleInstances",
        f"{SUB}/providers/Microsoft.Authorization/roleEligibilityScheduleInstances/1",
        properties={
            "scope": SUB,
            "principalId": BOB,
            "principalType": "User",
            "roleDefinitionId": f"/x/{PUSH}",
        },
    )
    active = assignment(PUSH, APP)
    schedule = resource(
        "Microsoft.Authorization/roleAssignmentScheduleInstances",
        f"{APP}/providers/Microsoft.Authorization/roleAssignmentScheduleInstances/1",
        properties={
            "scope": APP,
            "originRoleAssignmentId": active.id,
            "endDateTime": "2026-11-25T08:00:00Z",
            "assignmentType": "Activated",
        },
    )
    rows = related(estate(registry(), eligible, active, schedule), "access")
    flags = {
        (row["principalId"], row["eligible"], row["temporary"], row["until"])
        for row in rows
        if row["can"] == "push"
    }
    assert flags == {(BOB, True, False, None), (ANN, False, True, "2026-11-25T08:00:00Z")}


def token(status="enabled", expiry=None, name="ci"):
    passwords = [{"name": "password1", **({"expiry": expiry} if expiry else {})}]
    return resource(
        f"{REGISTRIES}/tokens",
        f"{APP}/tokens/{name}",
        properties={
            "status": status,
            "scopeMapId": f"{APP}/scopeMaps/map",
            "credentials": {"passwords": passwords},
        },
    )


MAP = resource(
    f"{REGISTRIES}/scopeMaps",
    f"{APP}/scopeMaps/map",
    properties={"actions": ["repositories/team/app/content/write", "repositories/*/content/read"]},
)


def test_other_doors():
    """The admin user, anonymous pull, and tokens with their scope maps."""
    rows = related(estate(registry(adminUserEnabled=True, anonymousPullEnabled=True), token(), MAP), "access")
    assert {(row["door"], row["can"], str(row["repositories"])) for row in rows} == {
        ("admin", "pull", "all"),
        ("admin", "catalog", "all"),
        ("admin", "push", "all"),
        ("admin", "delete", "all"),
        ("anonymous", "pull", "all"),
        ("token", "pull", "all"),
        ("token", "push", "['team/app']"),
    }


def test_closed_tokens_give_nothing_and_lost_maps_leave_it_open():
    """Disabled or expired: no row. A scope map that is not there: not known."""
    assert related(estate(registry(), token("disabled"), MAP), "access") == []
    assert related(estate(registry(), token(expiry="2026-11-01T00:00:00Z"), MAP), "access") == []
    assert tails(related(estate(registry(), token(expiry="2027-11-01T00:00:00Z")), "access"))


def test_what_was_not_read_is_said():
    """No assignments collected, a page missing, an unknown custom role, an unread mode: each shows."""
    nothing = estate(registry(), collected=())
    del nothing.completeness._runs[ASSIGNMENTS.lower()]
    assert isinstance(related(nothing, "access"), Unknown)
    page = estate(registry(), assignment(PUSH, APP), problems={ASSIGNMENTS: [(SUB, "429")]})
    assert tails(related(page, "access")) == ["429"]
    assert (
        "role definition gone not read"
        in tails(related(estate(registry(), assignment("gone", APP)), "access"))[0]
    )
    unread = registry(roleAssignmentMode=Unknown("403"))
    rows = related(
        estate(unread, assignment(PUSH, APP), assignment(REPOSITORY_WRITER, APP, BOB, 2)), "access"
    )
    assert can(rows) == set()
    assert "roleAssignmentMode not read: 403" in tails(rows)


def test_inherited_rows_are_worked_out_once():
    """Registries that inherit the same share one list."""
    registries = [registry(f"{APP}{number}") for number in range(5)]
    built = estate(*registries, assignment(PULL, SUB), assignment(CONTRIBUTOR, SUB, BOB, 2))
    lists = {id(linked.related("access")) for linked in built.targets(REGISTRIES, frozenset({"access"}))}
    assert len(lists) == 1


def test_lines_for_reports():
    """One line per principal and path, capabilities together."""
    built = estate(registry(), assignment(PUSH, GROUP), principals=[person(ANN, "Ann", "ServicePrincipal")])
    lines = [
        line for linked in built.targets(REGISTRIES, frozenset({"access"})) for line in access_lines(linked)
    ]
    assert [(line.principal_name, line.can, line.role, line.level) for line in lines] == [
        ("Ann", ("catalog", "pull", "push"), "AcrPush", "group")
    ]
