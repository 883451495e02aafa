"""The data plane over the wire: pages to the end, tokens cached, no header on redirects, refusals with their cause."""

from __future__ import annotations

import pytest

from scanner import pipeline
from scanner.data import policies
from scanner.engine.estate import Estate
from scanner.engine.evaluate import Options
from scanner.inventory._azure.client import Deadlines
from scanner.inventory.data_plane import Limits
from scanner.inventory.extras import extras_for
from scanner.language.pack import load_pack
from scanner.language.tailor import tailor
from scanner.model.finding import Verdict
from scanner.model.values import Unknown
from tests.azure_server import running
from tests.azure_server.faults import Fault, throttled
from tests.estate import build, images
from tests.inventory.live import collect, run_of

NOW = "2026-11-25T02:00:00Z"
R = "Microsoft.ContainerRegistry/registries"
REPOSITORIES, MANIFESTS, TAGS = (f"{R}/repositories{leaf}".lower() for leaf in ("", "/manifests", "/tags"))


@pytest.fixture
def server():
    with running() as found:
        yield found
        assert found.server.forbidden == []


def read(server, tmp_path, monkeypatch, name, limits=None, **options):
    extras, opt_in = extras_for(limits or Limits(), probe=False)
    deadlines = options.pop("deadlines", Deadlines(call=5))
    return collect(
        server,
        tmp_path / "j",
        monkeypatch,
        registries=(name,),
        extras=extras,
        opt_in=opt_in,
        deadlines=deadlines,
        **options,
    ).inventory


def names(inventory, kind):
    return [item.name for item in inventory.parts.get(kind, ())]


def verdicts(inventory, rule, params=()):
    pack = load_pack(policies() / "acr")
    if params:
        pack = tailor(pack, [], dict(params))
    scan = pipeline.scan(pack, inventory, now=NOW, words="test", options=Options(keep_passes=True))
    return {item.resource_name: item for item in scan.findings if item.rule == rule}


def test_everything_is_read_past_the_first_pages(server, tmp_path, monkeypatch):
    """2,500 tags, 1,200 manifests, 1,101 repositories: pages hold 1,000."""
    found = read(
        server,
        tmp_path,
        monkeypatch,
        "harbourbuild",
        Limits(repositories=2000, include=("big/*", "small/000*")),
    )
    assert len(names(found, TAGS)) == 2500
    assert len(names(found, MANIFESTS)) == 1200
    assert names(found, REPOSITORIES) == ["big/app", *(f"small/{number:04d}" for number in range(10))]
    assert server.count("_catalog?n=1000") == 1
    assert server.count("_catalog?last=") == 1
    assert run_of(found, "repositories/tags").state == "complete"


def test_one_exchange_per_registry_and_one_token_per_scope(server, tmp_path, monkeypatch):
    read(server, tmp_path, monkeypatch, "harbourgeo")
    issued = server.server.registries.issued
    assert [item[0] for item in issued].count("refresh") == 1
    scopes = [item[2] for item in issued if item[0] == "access"]
    assert len(scopes) == len(set(scopes)) == 1 + len(images.content("harbourgeo"))
    data = [seen for seen in server.requests if "azurecr.io" in seen.host and seen.method == "GET"]
    calls = {(seen.path, seen.query) for seen in data}
    assert len(data) == len(calls), "each call is one request"


def test_raw_keys_are_kept(server, tmp_path, monkeypatch):
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    manifests = {item.body["digest"]: item.body for item in found.parts[MANIFESTS]}
    held = images.content("harbourgeo")
    quarantined = manifests[held["shop/held"][0].digest]
    assert quarantined["changeableAttributes"]["quarantineState"] == "Failed"
    assert quarantined["mediaType"] == images.OCI
    signature = manifests[held["shop/web"][1].digest]
    assert signature["subject"]["digest"] == held["shop/web"][0].digest
    assert signature["artifactType"] == images.NOTARY
    platform = manifests[held["shop/multi"][0].digest]
    assert platform["referencedBy"] == [held["shop/multi"][2].digest]
    assert "tags" not in platform


def test_the_rules_of_the_data_plane_decide(server, tmp_path, monkeypatch):
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    signed = verdicts(found, "ACR308", {"ACR308.signedRepositories": "[shop/*]"}.items())
    assert {name: item.verdict for name, item in signed.items()} == {
        "shop/web": Verdict.PASS,
        "shop/cosigned": Verdict.PASS,
        "shop/unsigned": Verdict.FAIL,
        "shop/multi": Verdict.FAIL,
        "shop/locked": Verdict.FAIL,
        "shop/held": Verdict.FAIL,
    }
    untagged = verdicts(found, "ACR402", {"ACR402.untaggedMax": "2"}.items())
    assert untagged["shop/web"].verdict is Verdict.FAIL
    assert "3 untagged manifests" in untagged["shop/web"].message
    assert untagged["shop/multi"].verdict is Verdict.PASS
    assert verdicts(found, "ACR406")["shop/locked"].verdict is Verdict.FAIL
    freeable = verdicts(found, "ACR412", {"ACR412.freeableMaxBytes": "2000000"}.items())
    assert freeable["shop/web"].verdict is Verdict.FAIL
    assert freeable["shop/multi"].verdict is Verdict.PASS


def test_what_deleting_untagged_manifests_frees(server, tmp_path, monkeypatch):
    """The base layer is shared and stays; each of the three old images frees its own layer and configuration."""
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    estate = Estate(found, now=NOW)
    rows = {
        linked.resource.name: linked.related("storage")[0]
        for linked in estate.targets(f"{R}/repositories", frozenset({"storage"}))
    }
    web = rows["shop/web"]
    assert web["freeableBytes"] == 3 * (1_000_000 + 1000)
    assert web["untaggedBytes"] == 50_000_000 + 3 * (1_000_000 + 1000)
    assert web["sharedBytes"] == 50_000_000
    assert web["uniqueBytes"] == 4_000_000 + 1000 + 512 + 1000 + 3 * (1_000_000 + 1000)
    assert rows["shop/multi"]["freeableBytes"] == 0


def test_a_closed_registry_is_unknown_with_the_cause(server, tmp_path, monkeypatch):
    found = read(server, tmp_path, monkeypatch, "harbourcore")
    for kind in ("repositories", "repositories/manifests", "repositories/tags"):
        run = run_of(found, f"registries/{kind}")
        assert run.state == "failed"
        (problem,) = run.problems
        assert "client with IP '203.0.113.99' is not allowed access" in problem.reason
        assert "run where its private endpoint is reached" in problem.reason


def test_a_closed_registry_from_inside_its_network(server, tmp_path, monkeypatch):
    server.server.registries.open.add("harbourcore")
    found = read(server, tmp_path, monkeypatch, "harbourcore")
    assert verdicts(found, "ACR314")["win/server"].verdict is Verdict.FAIL


def test_a_host_that_cannot_be_reached_is_unknown(server, tmp_path, monkeypatch):
    server.proxy.closed.add("harbourgeo.azurecr.io")
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    (problem,) = run_of(found, "registries/repositories").problems
    assert problem.status is None
    assert "harbourgeo.azurecr.io" in problem.reason
    assert "attempts" in problem.reason


@pytest.mark.parametrize(
    ("name", "role", "action"),
    [
        ("harbourgeo", '--role "AcrPull"', f"{R}/pull/read"),
        (
            "harbourabac",
            '--role "Container Registry Repository Catalog Lister"',
            f"{R}/repositories/metadata/read",
        ),
    ],
)
def test_a_missing_role_is_told_with_the_command(server, tmp_path, monkeypatch, name, role, action):
    server.server.registries.refused.add(name)
    found = read(server, tmp_path, monkeypatch, name)
    (problem,) = run_of(found, "registries/repositories").problems
    assert (problem.status, problem.action) == (401, action)
    assert role in problem.fix
    assert build.BY_NAME[name]["id"] in problem.fix


def test_a_redirect_is_followed_without_our_header(server, tmp_path, monkeypatch):
    server.server.registries.redirect.add("shop/web")
    found = read(server, tmp_path, monkeypatch, "harbourgeo", Limits(include=("shop/web",)))
    moved = [seen for seen in server.requests if seen.host.endswith("blob.core.windows.net")]
    assert len(moved) == 5
    assert not any("Authorization" in seen.headers for seen in moved)
    assert all("layers" in item.body for item in found.parts[MANIFESTS])


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://store1.blob.core.windows.net/x", "not followed"),
        ("https://management.azure.com/x", "not asked"),
    ],
)
def test_redirects_that_are_not_followed(server, tmp_path, monkeypatch, location, words):
    server.faults.append(
        Fault("/manifests/sha256", "status", times=-1, status=307, headers={"Location": location})
    )
    found = read(server, tmp_path, monkeypatch, "harbourgeo", Limits(include=("shop/unsigned",)))
    (item,) = found.parts[MANIFESTS]
    assert words in item.unread["/layers"]
    assert isinstance(item.body["layers"], Unknown)


def test_a_manifest_that_was_not_read_is_unknown_where_it_matters(server, tmp_path, monkeypatch):
    held = images.content("harbourgeo")
    broken = held["shop/web"][0].digest
    server.faults.append(Fault(f"/manifests/{broken}", "status", times=-1, status=500))
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    free = verdicts(found, "ACR412", {"ACR412.freeableMaxBytes": "1"}.items())
    assert free["shop/multi"].verdict is Verdict.UNKNOWN, "a layer of the unread image may be shared"
    assert (
        verdicts(found, "ACR402", {"ACR402.untaggedMax": "0"}.items())["shop/unsigned"].verdict
        is Verdict.PASS
    )


def test_an_index_that_was_not_read_leaves_open_who_is_its_platform(server, tmp_path, monkeypatch):
    held = images.content("harbourgeo")
    server.faults.append(Fault(f"/manifests/{held['shop/multi'][2].digest}", "status", times=-1, status=403))
    found = read(server, tmp_path, monkeypatch, "harbourgeo", Limits(include=("shop/multi",)))
    platform = next(
        item for item in found.parts[MANIFESTS] if item.body["digest"] == held["shop/multi"][0].digest
    )
    assert "/referencedBy" in platform.unread


def test_referrers_that_the_list_leaves_out_are_found(server, tmp_path, monkeypatch):
    server.server.registries.unlisted = True
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    assert (
        verdicts(found, "ACR308", {"ACR308.signedRepositories": "[shop/*]"}.items())["shop/web"].verdict
        is Verdict.PASS
    )


def test_a_registry_without_referrers_still_has_subjects(server, tmp_path, monkeypatch):
    server.server.registries.referrers = False
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    assert (
        verdicts(found, "ACR308", {"ACR308.signedRepositories": "[shop/*]"}.items())["shop/web"].verdict
        is Verdict.PASS
    )


@pytest.mark.parametrize(
    ("limits", "kind", "words"),
    [
        (Limits(manifests=2), "repositories/manifests", "more than 2 manifests"),
        (Limits(repositories=1), "registries/repositories", "more than 1 repositories"),
        (Limits(exclude=("shop/m*",)), "registries/repositories", "1 of 6 repositories were not asked for"),
        (Limits(seconds=0), "registries/repositories", "budget of 0 s"),
    ],
)
def test_what_a_budget_leaves_out_is_told(server, tmp_path, monkeypatch, limits, kind, words):
    found = read(server, tmp_path, monkeypatch, "harbourgeo", limits)
    assert any(words in problem.reason for problem in run_of(found, kind).problems)


def test_pages_that_do_not_end(server, tmp_path, monkeypatch):
    link = {"Link": '</acr/v1/_catalog?n=1000>; rel="next"'}
    body = {"repositories": ["a"]}
    server.faults.append(Fault("_catalog", "status", times=-1, status=200, headers=link, body=body))
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    assert "does not end" in run_of(found, "registries/repositories").problems[0].reason


@pytest.mark.parametrize("fault", [throttled("1", "azurecr.io", 8), Fault("azurecr.io/acr", "truncated", times=3), Fault("azurecr.io/acr", "status", times=3, status=503)])  # fmt: skip
def test_faults_that_pass(server, tmp_path, monkeypatch, fault):
    server.faults.append(fault)
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    assert fault.hits
    assert len(names(found, REPOSITORIES)) == 6
    assert run_of(found, "repositories/manifests").state == "complete"


def test_a_token_that_is_refused_is_renewed_once(server, tmp_path, monkeypatch):
    server.faults.append(Fault("azurecr.io/acr/v1/shop/web", "status", times=1, status=401))
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    assert len(names(found, REPOSITORIES)) == 6


def test_a_registry_that_sends_us_elsewhere_for_tokens(server, tmp_path, monkeypatch):
    server.server.registries.realm = "https://evil.example/oauth2/token"
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    assert "sends us to 'evil.example'" in run_of(found, "registries/repositories").problems[0].reason
    assert "evil.example" not in server.proxy.hosts


def test_a_login_server_that_is_none(server, tmp_path, monkeypatch):
    one = server.state.resources[build.BY_NAME["harbourgeo"]["id"].lower()]
    server.state.put({**one, "properties": {**one["properties"], "loginServer": "evil.example"}})
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    assert "nothing was sent there" in run_of(found, "registries/repositories").problems[0].reason
    assert "evil.example" not in server.proxy.hosts


def test_without_the_option_nothing_is_asked_of_registries(server, tmp_path, monkeypatch):
    found = collect(server, tmp_path / "j", monkeypatch).inventory
    assert not server.count("azurecr.io")
    assert run_of(found, "registries/repositories").state == "not-asked"
