"""Effective access: each step of the algorithm on a small estate, and what is said when something was not read."""

from __future__ import annotations

import pytest

from scanner.engine.access import access_lines
from scanner.engine.capabilities import matches
from scanner.engine.conditions_abac import NOT_UNDERSTOOD, limits
from scanner.model.resource import Origin, Resource
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
        (READER, set()),
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
    assert {row["can"]: (row["repositories"], row["prefixes"], row["conditional"]) for row in rows} == {
        "push": (["team/*", "base"], ["team/"], True),
        "pull": ("all", [], False),
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
    found = limits(text, "microsoft.containerregistry/registries/repositories/content/read")
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


READ = "microsoft.containerregistry/registries/repositories/content/read"
DELETES = "microsoft.containerregistry/registries/repositories/content/delete"
NAME = "@Request[Microsoft.ContainerRegistry/registries/repositories:name]"
GUARD = "!(ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/content/read'})"


@pytest.mark.parametrize(
    ("text", "repositories", "prefixes"),
    [
        (f"{NAME} StringEquals 'team/app'", ("team/app",), ()),
        (f"{NAME} StringStartsWith 'team'", ("team*",), ("team",)),
        (f"{NAME} StringLike 'team/*'", ("team/*",), ("team/",)),
        (f"{NAME} StringLike 't?am/*'", ("t?am/*",), ()),
        (f"{NAME} ForAnyOfAnyValues:StringEqualsIgnoreCase {{'a', 'b'}}", ("a", "b"), ()),
        (f"({NAME} StringEquals 'a') || ({NAME} StringEquals 'b')", ("a", "b"), ()),
        (f"{NAME} StringStartsWith 'a/' AND {NAME} StringStartsWith 'a/b/'", ("a/b/*",), ("a/b/",)),
        (f"{NAME} StringStartsWith 'a/' AND {NAME} StringEquals 'b'", (), ()),
        (f"{NAME} StringEquals 'a' AND @Environment[isPrivateLink] BoolEquals true", ("a",), ()),
        (f"(({GUARD}) OR ({NAME} StringEquals 'a'))", ("a",), ()),
        (f"(({GUARD} AND !(ActionMatches{{'x'}})) OR ({NAME} StringEquals 'a'))", ("a",), ()),
        (f"({GUARD} OR ({NAME} StringEquals 'a')) AND ({GUARD} OR ({NAME} StringEquals 'a'))", ("a",), ()),
        ("ActionMatches{'Microsoft.ContainerRegistry/*/delete'}", (), ()),
    ],
)
def test_conditions_that_are_understood(text, repositories, prefixes):
    """Names, prefixes, lists; OR adds up, AND narrows, what else is demanded only narrows further."""
    found = limits(text, READ)
    assert found.understood
    assert not found.everything
    assert (found.repositories, found.prefixes) == (repositories, prefixes)


@pytest.mark.parametrize(
    "text",
    [
        f"NOT ({NAME} StringEquals 'a')",
        f"{NAME} StringEquals 'a' OR @Environment[isPrivateLink] BoolEquals true",
        f"{NAME} StringEquals 'a' OR {NAME} StringEquals 'b' AND {NAME} StringEquals 'c'",
        f"{NAME} StringNotLike 'a'",
        f"{NAME} ForAllOfAllValues:StringEquals {{'a', 'b'}}",
        "@Resource[Microsoft.Storage/storageAccounts:name] StringEquals 'a'",
        f"Exists {NAME}",
        "(" * 200 + f"{NAME} StringEquals 'a'" + ")" * 200,
        f"{NAME} StringEquals 'a",
        "",
    ],
)
def test_conditions_beyond_the_form(text):
    """Negations, other attributes, ambiguous or broken text: not understood."""
    assert limits(text, READ).understood is False


def test_guards_free_what_they_do_not_name():
    """A condition that guards reading only leaves deleting unlimited: the row says `all`."""
    text = f"(({GUARD}) OR ({NAME} StringStartsWithIgnoreCase 'team/'))"
    assert limits(text, DELETES).everything
    contributor = "2efddaa5-3f1f-4df3-97df-af3f13818f4c"
    rows = related(estate(registry(**ABAC), assignment(contributor, APP, condition=text)), "access")
    assert {row["can"]: (row["repositories"], row["conditional"]) for row in rows} == {
        "pull": (["team/*"], True),
        "push": ("all", False),
        "delete": ("all", False),
    }


def test_a_limit_on_granting_is_no_full_control():
    """Who may grant some roles only is not an administrator; the grant is conditional."""
    text = (
        "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR "
        "(@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] "
        "ForAnyOfAnyValues:GuidEquals {7f951dda-4ed3-4680-a7ca-43fe172d538d}))"
    )
    rows = related(estate(registry(), assignment(ACCESS_ADMIN, SUB, condition=text)), "access")
    grant = next(row for row in rows if row["can"] == "grant")
    assert (grant["conditional"], grant["repositories"], grant["fullControl"]) == (
        True,
        [NOT_UNDERSTOOD],
        False,
    )
    owner = related(estate(registry(), assignment(OWNER, SUB, condition=text)), "access")
    assert all(row["fullControl"] for row in owner)
    unread = related(estate(registry(), assignment(ACCESS_ADMIN, SUB, condition=Unknown("403"))), "access")
    assert not any(row["fullControl"] for row in unread)


def test_full_control_by_actions():
    """All of a registry's actions are full control whatever the role is called; single ones are not."""
    for actions, full in (
        (["*"], True),
        ([_R + "*"], True),
        (["Microsoft.ContainerRegistry/*"], True),
        ([_R + "write", _R + "read"], False),
        (["*/read"], False),
    ):
        rows = related(estate(registry(), role("c", actions), assignment("c", APP)), "access")
        assert {row["fullControl"] for row in rows} == {full}


@pytest.mark.parametrize(
    ("people", "pushes"),
    [
        ([{"id": BOB, "type": "User"}], False),
        ([{"id": TEAM, "type": "Group"}], True),
        ([{"id": TEAM}], True),
    ],
)
def test_a_deny_for_somebody_else_changes_nothing(people, pushes):
    """Only a group that we cannot look into leaves it open whether the principal is meant."""
    row = deny(SUB, [], [_R + "push/write"])
    row.body["properties"]["principals"] = people
    found = related(estate(registry(), assignment(PUSH, APP), row), "access")
    assert {item["conditional"] for item in found if item["can"] == "push"} == {pushes}
    members = [person(BOB, "Bob", groups=[TEAM])]
    found = related(estate(registry(), assignment(PUSH, APP), row, principals=members), "access")
    assert {item["conditional"] for item in found if item["can"] == "push"} == {False}


def test_denies_that_cannot_be_decided():
    """A condition, permissions that were not read, a spared group of unknown members: the grant stays, conditional."""
    for row in (
        deny(SUB, [ANN], [_R + "push/write"], condition="x"),
        deny(SUB, [ANN], [], permissions=Unknown("403")),
        deny(SUB, [EVERYONE], [_R + "push/write"], excludePrincipals=[{"id": TEAM, "type": "Group"}]),
    ):
        found = related(estate(registry(), assignment(PUSH, APP), row), "access")
        assert [item["conditional"] for item in found if item["can"] == "push"] == [True]


def test_half_of_minting_denied():
    """Minting by tokens/write and scopeMaps/write needs both."""
    both = role("m", [_R + "tokens/write", _R + "scopeMaps/write"])
    one = deny(SUB, [ANN], [_R + "scopeMaps/write"])
    assert "mint" not in can(related(estate(registry(), both, assignment("m", APP), one), "access"))


def test_a_deny_on_the_group_spares_the_subscription():
    """Reading the subscription is decided at the subscription."""
    row = deny(GROUP, [EVERYONE], ["*"])
    assert can(related(estate(registry(), assignment(READER, SUB), row), "access")) == {"readSubscription"}
    row = deny(SUB, [EVERYONE], ["*"])
    assert can(related(estate(registry(), assignment(READER, SUB), row), "access")) == set()


def test_denies_at_the_registry_reach_inherited_assignments():
    """And are not remembered for its neighbours."""
    other = f"{APP}2"
    built = estate(registry(), registry(other), assignment(PUSH, SUB), deny(APP, [ANN], [_R + "push/write"]))
    found = {
        linked.resource.id: can(linked.related("access"))
        for linked in built.targets(REGISTRIES, frozenset({"access"}))
    }
    assert found == {APP: {"pull", "catalog"}, other: {"pull", "catalog", "push"}}


def test_an_ended_eligibility_gives_nothing_and_an_activation_without_an_end_is_temporary():
    """PIM rows say when they end; activations are known by their schedule or by what they say."""
    kind = "Microsoft.Authorization/roleEligibilityScheduleInstances"
    given = {"scope": SUB, "principalId": BOB, "principalType": "User", "roleDefinitionId": f"/x/{PUSH}"}
    for end, there in (("2026-11-25T01:00:00Z", False), ("2026-11-26T01:00:00Z", True)):
        row = resource(kind, f"{SUB}/providers/{kind}/1", properties={**given, "endDateTime": end})
        found = related(estate(registry(), row), "access")
        assert [(item["eligible"], item["temporary"], item["until"]) for item in found] == [
            (True, False, end)
        ] * (3 if there else 0)
    active = assignment(PUSH, APP)
    kind = "Microsoft.Authorization/roleAssignmentScheduleInstances"
    schedule = resource(
        kind,
        f"{APP}/providers/{kind}/1",
        properties={**active.body["properties"], "assignmentType": "Activated"},
    )
    found = related(estate(registry(), active, schedule), "access")
    assert {(item["temporary"], item["until"]) for item in found} == {(True, None)}


def test_tokens_in_detail():
    """Wildcards give prefixes; listing the catalog is not among a token's rights; unread parts leave it open."""
    narrow = resource(
        f"{REGISTRIES}/scopeMaps",
        f"{APP}/scopeMaps/map",
        properties={"actions": ["repositories/team/*/content/read", "repositories/x/metadata/read"]},
    )
    (row,) = related(estate(registry(), token(), narrow), "access")
    assert (row["principalId"], row["principalName"], row["principalType"]) == (
        f"{APP}/tokens/ci",
        "ci",
        "Token",
    )
    assert (row["can"], row["repositories"], row["prefixes"]) == ("pull", ["team/*"], ["team/"])
    unread = token()
    unread.body["properties"]["credentials"] = Unknown("403")
    assert tails(related(estate(registry(), unread, narrow), "access"))
    none = token()
    none.body["properties"]["credentials"] = {"passwords": [], "certificates": []}
    assert related(estate(registry(), none, narrow), "access") == []


def test_old_answers_tell_nothing_about_newer_keys():
    """api-version 2017-10-01 has neither modes nor anonymous pull: rows that hold in both modes, and an open list."""
    old = Resource(
        APP,
        REGISTRIES,
        "app",
        registry(adminUserEnabled=False).body,
        api_version="2017-10-01",
        origin=Origin("saved"),
    )
    rows = related(estate(old, assignment(PUSH, APP), assignment(CONTRIBUTOR, SUB, BOB, 2)), "access")
    assert can(rows) == set()
    assert {"configure", "credentials", "tasks"} <= can(rows, BOB)
    assert not {"pull", "push", "softDeleted"} & can(rows, BOB)
    assert isinstance(rows[-1], UnreadTail)
    assert sum(isinstance(row, UnreadTail) for row in rows) == 1


def test_the_tail_says_what_is_known_of_it():
    """What is missing comes through one door, or another; of several tails what they share."""
    held = estate(registry(), assignment(PUSH, APP), problems={f"{REGISTRIES}/tokens": [(APP, "403")]})
    known = dict(related(held, "access")[-1].known)
    assert (known["door"], known["fullControl"], known["via"]["assignmentId"]) == ("token", False, "")
    assert not {"can", "principalId", "repositories"} & known.keys()
    lost = related(estate(registry(), assignment("gone", APP), assignment(PUSH, APP, BOB, 2)), "access")
    assert lost[-1].known == (("door", "role"), ("principalId", ANN))
    both = estate(
        registry(),
        assignment("gone", APP),
        assignment(PUSH, APP, BOB, 2),
        problems={f"{REGISTRIES}/tokens": [(APP, "403")]},
    )
    assert related(both, "access")[-1].known == ()


def test_a_type_that_the_assignment_lacks_is_not_known():
    """Unless the principals file has it."""
    bare = assignment(PULL, APP)
    del bare.body["properties"]["principalType"]
    assert isinstance(related(estate(registry(), bare), "access")[0]["principalType"], Unknown)
    known = estate(registry(), bare, principals=[person(ANN, "Ann", "ServicePrincipal")])
    assert related(known, "access")[0]["principalType"] == "ServicePrincipal"
    assert (
        access_lines(next(estate(registry(), bare).targets(REGISTRIES, frozenset({"access"}))))[
            0
        ].principal_type
        == ""
    )


def test_built_in_definitions_yield_to_collected_ones():
    """A definition of the inventory is used as it is; the documented one only where there is none."""
    changed = role(PULL, [_R + "push/write"], kind="BuiltInRole", name="Changed")
    rows = related(estate(registry(), changed, assignment(PULL, APP)), "access")
    assert {(row["can"], row["via"]["role"], row["via"]["roleType"]) for row in rows} == {
        ("push", "Changed", "BuiltInRole")
    }


@pytest.mark.parametrize(
    ("pattern", "action", "fits"),
    [
        ("*", "a/b/c", True),
        ("*/read", "a/b/read", True),
        ("*/read", "a/b/reader", False),
        ("a/*/c", "a/x/y/c", True),
        ("a/*/*/c", "a/x/c", False),
        ("a/*b*/c", "a/xby/c", True),
        ("a/*b*/c", "a/xy/c", False),
        ("a/*/a", "a/a", False),
        ("a/b", "a/b", True),
        ("a/b", "a/bc", False),
    ],
)
def test_action_patterns(pattern, action, fits):
    """`*` stands for anything, slashes included; the rest must be there in order."""
    assert matches(pattern, action) is fits


def test_definitions_that_cannot_be_read_are_as_good_as_missing():
    """A block that is not as the API writes it gives nothing, and says so."""
    for permissions in (None, "x", [None], [{"actions": "x"}], [{"actions": [1]}]):
        broken = resource(
            "Microsoft.Authorization/roleDefinitions",
            f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/b",
            properties={"roleName": "b", "type": "CustomRole", "permissions": permissions},
        )
        rows = related(estate(registry(), broken, assignment("b", APP)), "access")
        assert tails(rows) == ["role definition b not read"]


def test_memberships_of_a_principal_may_be_known():
    """Who is listed with groups is in no others: a deny for another group is not about them."""
    row = deny(SUB, [TEAM], [_R + "push/write"])
    elsewhere = person(ANN, "Ann", "User", ["aaaaaaaa-0000-4000-8000-0000000000ff"])
    rows = related(estate(registry(), assignment(PUSH, APP), row, principals=[elsewhere]), "access")
    assert {item["conditional"] for item in rows} == {False}
    member = person(ANN, "Ann", "User", [TEAM])
    assert "push" not in can(
        related(estate(registry(), assignment(PUSH, APP), row, principals=[member]), "access")
    )
