"""What was not read never ends as a pass, as complete or as resolved: one property, held against many ways of losing data.

Against the undisturbed estate every failure must still be a failure, or unknown at its resource or at a place above it, and
nothing may pass that did not pass before.
"""

from __future__ import annotations

import asyncio

import pytest

from scanner import pipeline
from scanner.engine.evaluate import Options
from scanner.inventory import azure, collecting
from scanner.inventory import verify as verifying
from scanner.inventory._azure.clouds import cloud_of
from scanner.inventory._azure.deadlines import Deadlines
from scanner.inventory.data_plane import Limits
from scanner.inventory.extras import extras_for
from scanner.inventory.lost import Predecessor
from scanner.model import ids
from scanner.model.finding import Verdict
from tests.azure_server import running
from tests.azure_server.faults import Fault, throttled
from tests.estate import build
from tests.estate.build import DEV, PROD
from tests.inventory.live import LOGIN, Hasty, collect, run_of

NOW = "2026-11-25T02:00:00Z"
R = "microsoft.containerregistry/registries"
ID = {name: one["id"] for name, one in build.BY_NAME.items()}
LIST = rf"{PROD}/providers/Microsoft.ContainerRegistry/registries\?api-version=2025"
NOT_READ = (Verdict.UNKNOWN, Verdict.ERROR)


@pytest.fixture
def good(server, tmp_path, monkeypatch):
    """The undisturbed estate."""
    return collect(server, tmp_path / "good", monkeypatch).inventory


def verdicts(pack, inventory):
    """Verdict -> (rule, resource) of every row, those with an inherited cause on each of their resources."""
    scan = pipeline.scan(pack, inventory, now=NOW, words="t", options=Options(keep_passes=True))
    found: dict[Verdict, set[tuple[str, str]]] = {verdict: set() for verdict in Verdict}
    for row in scan.findings:
        for place in (row.resource, *row.affected):
            found[row.verdict].add((row.rule, ids.normalise(place)))
    return found


def honest(pack, before, after, *, deleted=()):
    """Assert the property. `deleted`: ids that are really gone."""
    was, now = verdicts(pack, before), verdicts(pack, after)
    open_ones = {(rule, place) for verdict in NOT_READ for rule, place in now[verdict]}
    gone = {ids.normalise(one) for one in deleted}

    def told(rule, resource):
        places = (resource, *ids.ancestors(resource), ids.ROOT)
        return (rule, resource) in now[Verdict.FAIL] or any((rule, place) in open_ones for place in places)

    silent = {
        (rule, resource)
        for rule, resource in was[Verdict.FAIL]
        if not any(ids.within(resource, one) for one in gone) and not told(rule, resource)
    }
    assert not silent, sorted(silent)[:5]
    new = now[Verdict.PASS] - was[Verdict.PASS]
    assert not new, sorted(new)[:5]


def without(name):
    return lambda body: {**body, "value": [row for row in body["value"] if row["id"] != ID[name]]}


def test_a_registry_that_only_the_preview_list_names(server, good, tmp_path, monkeypatch, pack):
    server.faults.append(Fault(LIST, "body", times=-1, change=without("harbourlegacy")))
    found = collect(server, tmp_path / "j", monkeypatch).inventory
    honest(pack, good, found)
    assert server.count("harbourlegacy/tokens") > 1, "its children are read"


def test_a_page_of_the_list_that_fails(good, tmp_path, monkeypatch, pack):
    with running(page=3) as server:
        server.faults.append(Fault(f"{LIST}.*skiptoken", "status", times=-1, status=500))
        found = collect(server, tmp_path / "j", monkeypatch).inventory
    honest(pack, good, found)


@pytest.mark.parametrize(
    "body", [{"error": {"code": "SubscriptionNotFound", "message": "x"}}, {"message": "no such host"}]
)
@pytest.mark.parametrize("previous", [False, True])
def test_a_404_that_says_nothing_of_the_resource_is_no_deletion(
    server, good, tmp_path, monkeypatch, pack, body, previous
):
    server.faults.append(Fault(rf"GET.*{DEV}/resourceGroups", "status", times=-1, status=404, body=body))
    earlier = Predecessor.of(good) if previous else None
    found = collect(server, tmp_path / "j", monkeypatch, previous=earlier).inventory
    honest(pack, good, found)


def test_resume_with_more_visible_subscriptions(server, good, tmp_path, monkeypatch, pack):
    server.state.hidden.add(DEV)
    server.faults.append(throttled("1", "harbourcore/scopeMaps", times=-1))
    assert collect(server, tmp_path / "j", monkeypatch).unfinished
    server.faults.clear()
    server.state.hidden.clear()
    found = collect(server, tmp_path / "j", monkeypatch, resume=True).inventory
    honest(pack, good, found)
    assert found.digest == good.digest


def stopped(monkeypatch, name, when):
    """Interrupt the collection inside a step."""
    original = getattr(collecting.Collector, name)

    async def stop(self, *given):
        if when(*given):
            raise asyncio.CancelledError
        return await original(self, *given)

    monkeypatch.setattr(collecting.Collector, name, stop)
    return lambda: monkeypatch.setattr(collecting.Collector, name, original)


def test_resume_with_fewer_visible_subscriptions(server, good, tmp_path, monkeypatch, pack):
    restore = stopped(monkeypatch, "around", lambda subscription: subscription == DEV)
    assert collect(server, tmp_path / "j", monkeypatch).interrupted
    restore()
    server.state.hidden.add(DEV)
    found = collect(server, tmp_path / "j", monkeypatch, resume=True, previous=Predecessor.of(good)).inventory
    honest(pack, good, found)


@pytest.mark.parametrize("how", ["hidden", "gone"])
def test_resume_does_not_forget_what_was_lost(server, good, tmp_path, monkeypatch, pack, how):
    if how == "hidden":
        server.state.hidden.add(DEV)
    else:
        server.state.remove(f"/subscriptions/{DEV}")
    server.faults.append(throttled("1", "harbourcore/scopeMaps", times=-1))
    first = collect(server, tmp_path / "j", monkeypatch, previous=Predecessor.of(good)).inventory
    honest(pack, good, first)
    server.faults.clear()
    again = collect(
        server, tmp_path / "j", monkeypatch, previous=Predecessor.of(first), resume=True
    ).inventory
    honest(pack, good, again)
    assert not [note for note in again.diagnostics if "deleted" in note]


@pytest.mark.parametrize(
    ("match", "code"),
    [("api-version=2026-01-01-preview", "InvalidResourceType"), ("", "SubscriptionNotFound"), ("", "")],
)
def test_verification_does_not_take_every_404_for_a_deletion(
    server, good, monkeypatch, pack, match, code, tmp_path
):
    server.faults.append(
        Fault(
            rf"GET.*registries/harbourlegacy\?.*{match}",
            "status",
            times=-1,
            status=404,
            body={"error": {"code": code, "message": "x"}},
        )
    )
    options = azure.Options(
        folder=tmp_path, login=LOGIN, cloud=cloud_of(), deadlines=Deadlines(call=5), clock=Hasty()
    )
    again = verifying.verify(options, good, [ID["harbourlegacy"]], lambda *_a, **_f: None)
    assert again.gone == 0
    honest(pack, good, again.inventory)


@pytest.mark.parametrize(
    ("match", "change"),
    [
        (
            LIST.replace("2025", "20"),
            lambda row: {**row, "name": 5} if row["name"] == "harbourlegacy" else row,
        ),
        (r"/(tokens|locks|scopeMaps)\?", lambda row: {**row, "id": None}),
        (r"/scopeMaps\?", lambda row: {**row, "type": "Microsoft.ContainerRegistry/registries/webhooks"}),
        ("listUsages", lambda row: {key: value for key, value in row.items() if key != "limit"}),
    ],
)
def test_rows_that_cannot_be_used_are_missing(server, good, tmp_path, monkeypatch, pack, match, change):
    server.faults.append(
        Fault(
            match,
            "body",
            times=-1,
            change=lambda body: {**body, "value": [change(row) for row in body["value"]]},
        )
    )
    server.server.graph.lag.add(ID["harbourlegacy"].lower())
    found = collect(server, tmp_path / "j", monkeypatch).inventory
    honest(pack, good, found)


def test_a_row_of_another_type_makes_the_list_partial(server, tmp_path, monkeypatch):
    change = lambda row: {**row, "type": "Microsoft.ContainerRegistry/registries/webhooks"}  # noqa: E731
    server.faults.append(
        Fault(
            r"/scopeMaps\?",
            "body",
            times=-1,
            change=lambda body: {**body, "value": [change(row) for row in body["value"]]},
        )
    )
    found = collect(server, tmp_path / "j", monkeypatch).inventory
    assert run_of(found, "scopeMaps").state == "failed"


def test_initiatives_of_assignments_that_only_resource_manager_gives_are_asked_for(
    server, tmp_path, monkeypatch
):
    """Resource Graph may keep what stands above; its definition must be looked up all the same."""
    name = "0b1e0000-0000-4000-8000-00000000beef"
    home = "/providers/Microsoft.Management/managementGroups/harbour/providers/Microsoft.Authorization"
    held = {
        "policyDefinitionId": f"{home}/policySetDefinitions/{name}",
        "scope": home.partition("/providers/Microsoft.Authorization")[0],
    }
    assignment = f"{home}/policyAssignments/above"
    server.state.put(
        {
            "id": assignment,
            "name": "above",
            "type": "Microsoft.Authorization/policyAssignments",
            "properties": held,
        }
    )
    server.state.put(
        {
            "id": held["policyDefinitionId"],
            "name": name,
            "type": "Microsoft.Authorization/policySetDefinitions",
            "properties": {"policyDefinitions": []},
        }
    )
    server.server.graph.lag.add(assignment.lower())
    found = collect(server, tmp_path / "j", monkeypatch).inventory
    assert [one.name for one in found.parts["microsoft.authorization/policysetdefinitions"]] == [name]


@pytest.mark.parametrize("resumed", [False, True])
def test_a_role_that_is_assigned_after_resource_graph_was_asked(
    server, good, tmp_path, monkeypatch, pack, resumed
):
    server.state.permissions[PROD] = [
        {"actions": ["Microsoft.ContainerRegistry/registries/read"], "notActions": []}
    ]
    original = collecting.Collector.subscriptions

    async def granted(self):
        server.state.permissions.clear()
        await original(self)

    if resumed:
        restore = stopped(monkeypatch, "subscriptions", lambda: True)
        assert collect(server, tmp_path / "j", monkeypatch).interrupted
        restore()
        server.state.permissions.clear()
    else:
        monkeypatch.setattr(collecting.Collector, "subscriptions", granted)
    honest(pack, good, collect(server, tmp_path / "j", monkeypatch, resume=resumed).inventory)


def test_a_row_twice_does_not_hide_one_that_is_missing(server, good, tmp_path, monkeypatch, pack):
    def twice(body):
        rows = body["data"]
        tasks = bool(rows) and all(row["type"].endswith("/tasks") for row in rows)
        return {**body, "data": [rows[0]] * len(rows)} if tasks else body

    server.faults.append(Fault("POST.*ResourceGraph", "body", times=-1, change=twice))
    found = collect(server, tmp_path / "j", monkeypatch).inventory
    assert run_of(found, "tasks").state == "partial"
    honest(pack, good, found)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"registries": ("harbourcore", "harbourproduction")}, "registry harbourproduction was not found"),
        ({"resource_groups": ("rg-core", "rg-shopp")}, "resource group rg-shopp"),
    ],
)
def test_a_name_that_matches_nothing_is_told(server, tmp_path, monkeypatch, options, words):
    found = collect(server, tmp_path / "j", monkeypatch, **options).inventory
    (problem,) = run_of(found, "registries").problems
    assert words in problem.reason


@pytest.mark.parametrize("known", [False, True])
def test_a_refused_list_leaves_open_what_lies_below(server, good, tmp_path, monkeypatch, pack, known):
    server.state.refuse(
        f"/subscriptions/{DEV}/providers/Microsoft.ContainerRegistry/registries",
        "Microsoft.ContainerRegistry/registries/read",
    )
    if not known:
        server.server.graph.lag.update(one.lower() for one in ID.values() if DEV in one)
    found = collect(server, tmp_path / "j", monkeypatch).inventory
    honest(pack, good, found)


def test_resume_with_other_limits_is_refused(server, tmp_path, monkeypatch):
    narrow, wide = ({"limits": {"include": [name]}} for name in ("nothing-*", "*"))
    extras, opt_in = extras_for(Limits(include=("nothing-*",)), probe=False)
    collect(
        server,
        tmp_path / "j",
        monkeypatch,
        registries=("harbourgeo",),
        extras=extras,
        opt_in=opt_in,
        **narrow,
    )
    with pytest.raises(Exception, match="other scopes or sources"):
        collect(
            server,
            tmp_path / "j",
            monkeypatch,
            registries=("harbourgeo",),
            extras=extras,
            opt_in=opt_in,
            resume=True,
            **wide,
        )


def test_an_expected_subscription_must_be_scanned_and_not_only_visible(server, tmp_path, monkeypatch):
    """Resource Graph does not know yet that it lies below the management group."""
    server.server.graph.lag.add(f"/subscriptions/{DEV}")
    found = collect(
        server, tmp_path / "j", monkeypatch, management_groups=("harbour",), expect=("harbour-dev",)
    ).inventory
    assert any("scopes.expect" in problem.reason for problem in run_of(found, "registries").problems)


def test_an_interruption_keeps_what_was_there_before(server, good, tmp_path, monkeypatch, pack):
    server.state.hidden.add(DEV)
    stopped(monkeypatch, "around", lambda _: True)
    first = collect(server, tmp_path / "j", monkeypatch, previous=Predecessor.of(good))
    assert first.interrupted
    honest(pack, good, first.inventory)


def test_a_lost_subscription_is_not_forgotten_on_the_second_night(tmp_path, monkeypatch):
    with running(disabled=True) as server:
        first = collect(server, tmp_path / "1", monkeypatch).inventory
        empty = next(
            one["subscriptionId"]
            for one in server.state.subscriptions()
            if one["subscriptionId"] not in (PROD, DEV)
        )
        server.state.hidden.add(empty)
        second = collect(server, tmp_path / "2", monkeypatch, previous=Predecessor.of(first)).inventory
        third = collect(server, tmp_path / "3", monkeypatch, previous=Predecessor.of(second)).inventory
    for night in (second, third):
        assert f"/subscriptions/{empty}" in {
            problem.scope for problem in run_of(night, "registries").problems
        }


def test_a_registry_that_was_made_anew_before_a_resume(server, good, tmp_path, monkeypatch, pack):
    victim = ID["harbourtokens"]
    held = dict(server.state.errors)
    for path in (victim, f"{victim}/scopeMaps"):
        server.state.errors[path.lower()] = (404, {"error": {"code": "ResourceNotFound", "message": "x"}})
    server.faults.append(throttled("1", "harbourcore/scopeMaps", times=-1))
    collect(server, tmp_path / "j", monkeypatch)
    server.state.errors = held
    server.faults.clear()
    found = collect(server, tmp_path / "j", monkeypatch, resume=True).inventory
    honest(pack, good, found)
    assert found.digest == good.digest


@pytest.mark.parametrize("leaf", ["tasks", "tokens", "webhooks"])
def test_rows_that_never_reached_the_disk_are_read_anew(server, good, tmp_path, monkeypatch, pack, leaf):
    """A power cut may take rows whose unit was written."""
    server.faults.append(throttled("1", "harbourcore/scopeMaps", times=-1))
    collect(server, tmp_path / "j", monkeypatch)
    server.faults.clear()
    file = tmp_path / "j" / f"Microsoft.ContainerRegistry-registries-{leaf}.rows"
    file.write_bytes(file.read_bytes()[:40])
    found = collect(server, tmp_path / "j", monkeypatch, resume=True).inventory
    honest(pack, good, found)
    assert found.digest == good.digest
