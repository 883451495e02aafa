"""Live collection from a loopback Azure, with the real SDK: the estate's stories, every fault, and nothing that writes."""

from __future__ import annotations

import pytest

from scanner import pipeline
from scanner.engine.evaluate import Options
from scanner.errors import InputError
from scanner.inventory import saved
from scanner.inventory._azure.deadlines import Deadlines
from scanner.inventory._azure.pacing import Clock
from scanner.model.finding import Verdict
from tests.azure_server import running
from tests.azure_server.faults import Fault, throttled
from tests.estate import build
from tests.inventory.live import ROOT, Hasty, collect, run_of

NOW = "2026-11-25T02:00:00Z"
REGISTRIES = "microsoft.containerregistry/registries"
PREVIEW_RULES = {"ACR213", "ACR512"}


def findings(pack, inventory):
    """(rule, resource, element, verdict, reason) of everything that is neither pass nor not applicable."""
    scan = pipeline.scan(pack, inventory, now=NOW, words="test", options=Options())
    return {
        (item.rule, item.resource, item.element, item.verdict.value, item.reason) for item in scan.findings
    }


def stories(pack, inventory):
    """Without the rules on preview-only keys: the saved estate reads one subscription without them."""
    return {item for item in findings(pack, inventory) if item[0] not in PREVIEW_RULES}


@pytest.fixture(scope="module")
def expected(pack):
    inventory = saved.collect([ROOT / "tests/estate/answers"], now=NOW)
    return {item for item in stories(pack, inventory) if item[3] != "unknown"}


def decided(found):
    return {item for item in found if item[3] != "unknown"}


def test_the_estates_stories(server, tmp_path, monkeypatch, pack, expected):
    """From the wire comes what the saved answers hold; only the refused tokens are unread."""
    found = collect(server, tmp_path / "j", monkeypatch)
    assert decided(stories(pack, found.inventory)) == expected
    short = [run.collection for run in found.inventory.runs if run.state not in ("complete", "not-asked")]
    assert short == ["Microsoft.ContainerRegistry/registries/tokens"]
    (problem,) = run_of(found.inventory, "registries/tokens").problems
    assert problem.status == 403
    assert problem.action == "Microsoft.ContainerRegistry/registries/tokens/read"
    assert problem.fix == (
        "az role assignment create --assignee-object-id 0b1e0000-0000-4000-8000-0000000000ab --role Reader "
        f"--scope {build.BY_NAME['harbourops']['id']}"
    )


def test_a_private_registry_passes_both_network_rules_from_wire_data(server, tmp_path, monkeypatch, pack):
    found = collect(server, tmp_path / "j", monkeypatch, registries=("harbourcore",))
    scan = pipeline.scan(pack, found.inventory, now=NOW, words="test", options=Options(keep_passes=True))
    verdicts = {item.rule: item.verdict for item in scan.findings if item.resource_name == "harbourcore"}
    assert verdicts["ACR201"] is Verdict.PASS
    assert verdicts["ACR205"] is Verdict.PASS
    (registry,) = found.inventory.parts[REGISTRIES]
    connection = registry.body["properties"]["privateEndpointConnections"][0]
    assert connection["properties"]["privateLinkServiceConnectionState"]["status"] == "Approved"


@pytest.mark.parametrize("page", [1, 2, 3])
def test_pages_are_read_to_the_end(tmp_path, monkeypatch, pack, expected, page):
    with running(page=page) as server:
        found = collect(server, tmp_path / "j", monkeypatch)
    assert decided(stories(pack, found.inventory)) == expected


HARMLESS = {
    "429 with seconds": [throttled("7", times=9)],
    "429 without Retry-After": [throttled(None, times=5)],
    "429 for an hour": [throttled("3600", times=3)],
    "429 until a date": [throttled("Wed, 25 Nov 2026 02:00:01 GMT", times=4)],
    "429 of Resource Graph": [throttled(None, "POST management.*ResourceGraph", 4)],
    "429 of Policy Insights": [throttled("2", "POST management.*PolicyInsights", 3)],
    "server errors": [Fault(leaf, "status", times=3, status=code) for leaf, code in (("/tokens", 500), ("/locks", 502), ("/scopeMaps", 503), ("ResourceGraph", 504), ("PolicyInsights", 408))],
    "resets": [Fault("GET management", "reset", times=6), Fault("POST management", "reset", times=2)],
    "cut bodies": [Fault(leaf, "truncated", times=4) for leaf in ("/locks", "ResourceGraph", "/scopeMaps")],
    "pages of a proxy": [Fault("management", "html", times=4)],
    "401 in the middle": [Fault("GET management.*listUsages", "status", times=3, status=401, headers={"WWW-Authenticate": "Bearer error=expired"})],
    "a page twice": [Fault(r"GET management.*/registries\?", "duplicate", times=1)],
    "a slow body": [Fault("GET management.*/scopeMaps", "slow", times=2, seconds=0.3)],
}  # fmt: skip


@pytest.mark.parametrize("name", HARMLESS)
def test_faults_that_pass_change_nothing(server, tmp_path, monkeypatch, pack, expected, name):
    """The same findings, and nothing unread that was not so before."""
    server.faults.extend(HARMLESS[name])
    clock = Hasty()
    found = collect(server, tmp_path / "j", monkeypatch, clock=clock)
    assert sum(fault.hits for fault in HARMLESS[name]) > 0
    assert decided(stories(pack, found.inventory)) == expected
    short = [run.collection for run in found.inventory.runs if run.state not in ("complete", "not-asked")]
    assert short == ["Microsoft.ContainerRegistry/registries/tokens"]


def test_a_retry_after_of_an_hour_is_not_slept_through(server, tmp_path, monkeypatch):
    """The wait is capped; the report says how long throttling took."""
    server.faults.append(throttled("3600", times=2))
    clock = Hasty()
    found = collect(server, tmp_path / "j", monkeypatch, clock=clock)
    assert 0 < found.told.waited <= 200
    assert found.told.throttled == 2


LASTING = {
    "403": (Fault("/scopeMaps", "status", times=-1, status=403), "scopeMaps", "403"),
    "429 for ever": (throttled("1", "/scopeMaps", times=-1), "scopeMaps", "throttled"),
    "500 for ever": (Fault("/scopeMaps", "status", times=-1, status=500), "scopeMaps", "500"),
    "resets for ever": (Fault("/scopeMaps", "reset", times=-1), "scopeMaps", "attempts"),
    "cut for ever": (Fault("/scopeMaps", "truncated", times=-1), "scopeMaps", "attempts"),
    "html for ever": (Fault("/scopeMaps", "html", times=-1), "scopeMaps", "a page instead of JSON"),
    "a loop": (Fault("/scopeMaps", "loop", times=-1), "scopeMaps", "does not end"),
    "no list": (Fault("/scopeMaps", "body", times=-1, change=lambda _: {"value": 5}), "scopeMaps", "no list"),
    "another host": (Fault("/scopeMaps", "body", times=-1, change=lambda body: {**body, "nextLink": "https://evil.example/x"}), "scopeMaps", "evil.example"),
    "a redirect": (Fault("/scopeMaps", "status", times=-1, status=302, headers={"Location": "https://evil.example/"}), "scopeMaps", "not followed"),
    "graph 403": (Fault("POST.*ResourceGraph", "status", times=-1, status=403), "roleAssignments", "403"),
    "graph too many": (Fault("POST.*ResourceGraph", "headers", times=-1, headers={"x-ms-tenant-subscription-limit-hit": "true"}), "roleAssignments", "10,000 subscriptions"),
    "graph short": (Fault("POST.*ResourceGraph", "shrink", times=-1), "roleAssignments", "promised"),
    "states": (Fault("PolicyInsights", "status", times=-1, status=403), "policyStates", "403"),
    "no permissions": (Fault("/permissions", "status", times=-1, status=403), "roleAssignments", "own permissions unknown"),
}  # fmt: skip


@pytest.mark.parametrize("name", LASTING)
def test_faults_that_last_are_unknown_with_their_cause(server, tmp_path, monkeypatch, pack, expected, name):
    """No verdict changes to another one: it stays or becomes unknown, and the cause is in the completeness table."""
    fault, kind, words = LASTING[name]
    server.faults.append(fault)
    found = collect(server, tmp_path / "j", monkeypatch)
    run = run_of(found.inventory, kind)
    assert run.state in ("partial", "failed")
    assert any(words in problem.reason for problem in run.problems), run.problems[:2]
    decided_now = {item[:4] for item in decided(stories(pack, found.inventory))}
    assert decided_now <= {item[:4] for item in expected}


def test_a_child_that_a_tier_cannot_have_is_not_asked_for(server, tmp_path, monkeypatch):
    collect(server, tmp_path / "j", monkeypatch)
    assert server.count("harbourcore/connectedRegistries")
    assert not server.count("harbourdev/connectedRegistries")
    assert not server.count("harbourdev/exportPipelines")


def test_what_resource_graph_leaves_out_without_a_word_is_noticed(server, tmp_path, monkeypatch, pack):
    """An identity without a right on role assignments gets no rows and no error from Graph."""
    server.state.permissions[build.DEV] = [
        {"actions": ["Microsoft.ContainerRegistry/*/read"], "notActions": []}
    ]
    action = "Microsoft.Authorization/roleAssignments/read"
    server.state.refuse(
        f"/subscriptions/{build.DEV}/providers/Microsoft.Authorization/roleAssignments", action
    )
    found = collect(server, tmp_path / "j", monkeypatch)
    problems = run_of(found.inventory, "roleAssignments").problems
    assert {problem.scope for problem in problems} == {f"/subscriptions/{build.DEV}"}
    assert {problem.action for problem in problems} == {action}
    assert any("leaves out what may not be read" in problem.reason for problem in problems)
    open_ones = {
        item[1] for item in findings(pack, found.inventory) if item[0] == "ACR104" and item[3] == "unknown"
    }
    assert build.BY_NAME["harbourdev"]["id"] in open_ones
    assert build.BY_NAME["harbourcore"]["id"] not in open_ones


def test_a_registry_that_resource_graph_does_not_know_yet(server, tmp_path, monkeypatch):
    server.server.graph.lag.add(build.BY_NAME["harbourdev"]["id"].lower())
    found = collect(server, tmp_path / "j", monkeypatch)
    assert "harbourdev" in [item.name for item in found.inventory.parts[REGISTRIES]]


def test_a_registry_that_a_list_leaves_out_is_read_by_itself(server, tmp_path, monkeypatch):
    """A page that shrinks: Resource Graph names what the list lost."""
    server.faults.append(
        Fault(rf"{build.DEV}/providers/Microsoft.ContainerRegistry/registries\?api-version=2025", "shrink")
    )
    found = collect(server, tmp_path / "j", monkeypatch)
    assert len(found.inventory.parts[REGISTRIES]) == 13
    assert any("left out by the list" in note for note in found.inventory.diagnostics)


def test_a_registry_deleted_during_the_run_is_gone_with_all_of_its_rows(server, tmp_path, monkeypatch):
    victim = build.BY_NAME["harbourtokens"]["id"]
    server.state.errors[f"{victim}/scopemaps".lower()] = (
        404,
        {"error": {"code": "ResourceNotFound", "message": "x"}},
    )
    server.state.errors[victim.lower()] = (404, {"error": {"code": "ResourceNotFound", "message": "x"}})
    found = collect(server, tmp_path / "j", monkeypatch)
    for part in found.inventory.parts.values():
        assert not [
            item for item in part if item.id.lower().startswith(f"{victim.lower()}/") or item.id == victim
        ]
    assert any("deleted while it was read" in note for note in found.inventory.diagnostics)


def test_preview_keys_without_the_preview_are_unknown_only_themselves(server, tmp_path, monkeypatch, pack):
    server.faults.append(Fault(r"registries\?api-version=2026-01-01-preview", "status", times=-1, status=400))
    found = collect(server, tmp_path / "j", monkeypatch)
    assert {item.api_version for item in found.inventory.parts[REGISTRIES]} == {"2025-11-01"}
    assert run_of(found.inventory, "registries").state == "complete"
    reasons = {item[4] for item in findings(pack, found.inventory) if item[0] == "ACR512"}
    assert reasons == {"not returned by api-version 2025-11-01 (preview versions only)"}
    assert any("only previews have" in note for note in found.inventory.diagnostics)


def test_an_unregistered_provider_means_no_registry(server, tmp_path, monkeypatch):
    body = {"error": {"code": "MissingSubscriptionRegistration", "message": "not registered"}}
    server.faults.append(
        Fault(
            rf"GET.*{build.DEV}/providers/Microsoft.ContainerRegistry/registries\?",
            "status",
            times=-1,
            status=409,
            body=body,
        )
    )
    server.server.graph.lag.update(item["id"].lower() for item in build.ESTATE)
    found = collect(server, tmp_path / "j", monkeypatch)
    assert run_of(found.inventory, "registries").state == "complete"
    assert any("not registered" in note for note in found.inventory.diagnostics)
    assert not [line for line in server.server.forbidden if "register" in line]


def test_deadlines_end_a_run_that_would_not(server, tmp_path, monkeypatch):
    server.faults.append(Fault("/tokens", "slow", times=-1, seconds=1.0))
    found = collect(server, tmp_path / "j", monkeypatch, deadlines=Deadlines(call=0.1, run=2.0))
    reasons = {problem.reason for problem in run_of(found.inventory, "registries/tokens").problems}
    assert any("no answer within" in reason or "deadline" in reason for reason in reasons)
    assert found.unfinished


def test_a_subscription_that_takes_too_long_does_not_hold_up_the_others(server, tmp_path, monkeypatch):
    server.faults.append(Fault(rf"GET management.*{build.PROD}", "slow", times=-1, seconds=0.3))
    found = collect(
        server, tmp_path / "j", monkeypatch, deadlines=Deadlines(call=5, bucket=1.0), clock=Clock()
    )
    problems = [problem for run in found.inventory.runs for problem in run.problems]
    late = {
        problem.scope.split("/")[2]
        for problem in problems
        if problem.reason.startswith(f"deadline of {build.PROD}")
    }
    assert late == {build.PROD}
    assert not [problem for problem in problems if f"/{build.DEV}" in problem.scope]


# -- what vanishes -----------------------------------------------------------------------------------------------


def test_another_scope_does_not_go_on_with_a_journal(server, tmp_path, monkeypatch):
    collect(server, tmp_path / "j", monkeypatch, subscriptions=("harbour-dev",))
    with pytest.raises(InputError, match="other scopes"):
        collect(server, tmp_path / "j", monkeypatch, subscriptions=("harbour-prod",), resume=True)


def test_an_expected_subscription_that_is_not_visible_makes_everything_there_unknown(
    server, tmp_path, monkeypatch
):
    found = collect(server, tmp_path / "j", monkeypatch, expect=("harbour-prod", "harbour-gone"))
    (problem,) = [
        item
        for item in run_of(found.inventory, "registries").problems
        if item.reason.startswith("scope lost")
    ]
    assert problem.scope == "/subscriptions/harbour-gone"


# -- what inventories of others hold -----------------------------------------------------------------------------


def shouted(resource):
    """A resource whose id is written in another casing."""
    return {
        **resource,
        "id": resource["id"]
        .replace("/subscriptions/", "/SUBSCRIPTIONS/")
        .replace("/resourceGroups/", "/RESOURCEGROUPS/")
        .upper(),
    }


def test_ids_in_odd_casing(server, tmp_path, monkeypatch, pack, expected):
    for resource in list(server.state.resources.values()):
        if "/registries/" in resource["id"] and resource["type"].count("/") == 2:
            server.state.put(shouted(resource))
    found = collect(server, tmp_path / "j", monkeypatch)
    assert {(item[0], item[3]) for item in decided(stories(pack, found.inventory))} == {
        (item[0], item[3]) for item in expected
    }
    assert len(decided(stories(pack, found.inventory))) == len(expected)


def test_a_custom_role_with_two_thousand_actions(server, tmp_path, monkeypatch, pack):
    role = next(
        one
        for one in server.state.of_type("microsoft.authorization/roledefinitions")
        if "custom" in one["properties"]["roleName"]
    )
    actions = [f"Microsoft.Example{number}/things/*/read" for number in range(2000)]
    permission = {
        **role["properties"]["permissions"][0],
        "actions": [*actions, "Microsoft.ContainerRegistry/*"],
    }
    server.state.put({**role, "properties": {**role["properties"], "permissions": [permission]}})
    found = collect(server, tmp_path / "j", monkeypatch)
    assert ("ACR105", "fail") in {(item[0], item[3]) for item in findings(pack, found.inventory)}


def test_role_definitions_that_resource_graph_does_not_give_are_read_one_by_one(
    server, tmp_path, monkeypatch, pack, expected
):
    server.server.graph.lag.update(
        one["id"].lower() for one in server.state.of_type("microsoft.authorization/roledefinitions")
    )
    found = collect(server, tmp_path / "j", monkeypatch)
    assert server.count("GET management.azure.com/subscriptions") > 0
    assert decided(stories(pack, found.inventory)) == expected


def test_what_stands_above_comes_from_resource_manager_too(server, tmp_path, monkeypatch, pack, expected):
    """Resource Graph may keep assignments of management groups from somebody who only reads below."""
    above = [
        one["id"].lower()
        for one in server.state.resources.values()
        if one["id"].startswith("/providers/") and "Authorization" in one["type"]
    ]
    assert above
    server.server.graph.lag.update(above)
    found = collect(server, tmp_path / "j", monkeypatch)
    assert decided(stories(pack, found.inventory)) == expected


def test_a_registry_that_only_resource_graph_sees_has_nothing_below_it_that_was_read(
    server, tmp_path, monkeypatch, pack
):
    """Its subscription's list leaves it out and it may not be read: Graph's row must not pass for a whole registry."""
    victim = build.BY_NAME["harbourlegacy"]["id"]
    server.faults.append(
        Fault(rf"{build.PROD}/providers/Microsoft.ContainerRegistry/registries\?api-version=2025", "shrink")
    )
    server.state.refuse(victim, "Microsoft.ContainerRegistry/registries/read")
    found = collect(server, tmp_path / "j", monkeypatch)
    scopes = {problem.scope for problem in run_of(found.inventory, "registries/tokens").problems}
    assert victim in scopes
    said = {item[0]: item[3] for item in findings(pack, found.inventory) if item[1] == victim}
    assert said["ACR504"] == "unknown"
    assert said["ACR101"] == "fail", "what Graph gave is known"
