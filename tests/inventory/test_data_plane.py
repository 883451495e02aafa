"""The data plane over the wire: pages to the end, tokens cached, no header on redirects, refusals with their cause."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from datetime import UTC, datetime

import pytest

from scanner import pipeline
from scanner.data import policies
from scanner.engine.estate import Estate
from scanner.engine.evaluate import Options
from scanner.errors import AuthenticationError
from scanner.inventory import data_plane
from scanner.inventory._acr_token import Tokens
from scanner.inventory._azure.client import NotRead, Reply
from scanner.inventory._azure.deadlines import Deadlines
from scanner.inventory._azure.pacing import Clock
from scanner.inventory.data_plane import DataPlane, Limits, Target
from scanner.inventory.extras import extras_for
from scanner.language.pack import load_pack
from scanner.language.tailor import tailor
from scanner.model.finding import Verdict
from scanner.model.values import Unknown
from tests.azure_server.faults import Fault, throttled
from tests.estate import build, images
from tests.inventory.live import collect, run_of

NOW = "2026-11-25T02:00:00Z"
R = "Microsoft.ContainerRegistry/registries"
REPOSITORIES, MANIFESTS, TAGS = (f"{R}/repositories{leaf}".lower() for leaf in ("", "/manifests", "/tags"))


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
        assert (problem.status, problem.action, problem.fix) == (403, "", ""), "no role opens a firewall"


def test_network_rules_that_leave_us_out(server, tmp_path, monkeypatch):
    body = {"errors": [{"code": "DENIED", "message": "client with IP '1.2.3.4' is not allowed access."}]}
    server.faults.append(Fault("azurecr.io", "status", times=-1, status=403, body=body))
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    for kind in ("registries/repositories", "repositories/manifests", "repositories/tags"):
        (problem,) = run_of(found, kind).problems
        assert "1.2.3.4" in problem.reason
        assert "run from a network that they allow" in problem.reason
        assert problem.fix == ""


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
            f"{R}/catalog/read",
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
    (problem,) = run_of(found, "repositories/manifests").problems
    assert problem.action == (f"{R}/repositories/metadata/read" if name == "harbourabac" else action)


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
        (
            "http://store1.blob.core.windows.net/x?sig=SIGNATURE",
            "http://store1.blob.core.windows.net, not followed",
        ),
        ("https://management.azure.com/x?sig=SIGNATURE", "not asked"),
        ("https://[SIGNATURE", "no address"),
        ("https://SIGNATURE@store1.blob.core.windows.net/x", "no address"),
        ("https://a b.example/?sig=SIGNATURE", "no address"),
        ("https://store1.blob.core.windows.net:99999/?sig=SIGNATURE", "no address"),
        ("", "no address"),
    ],
)
def test_redirects_that_are_not_followed(server, tmp_path, monkeypatch, location, words):
    server.faults.append(
        Fault("/manifests/sha256", "status", times=-1, status=307, headers={"Location": location})
    )
    found = read(server, tmp_path, monkeypatch, "harbourgeo", Limits(include=("shop/unsigned",)))
    (item,) = found.parts[MANIFESTS]
    assert words in item.unread["/layers"]
    assert not any("SIGNATURE" in reason for reason in item.unread.values())
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


CATALOG = {"repositories": ["shop/web"]}


def paged(link, times=1, match="_catalog"):
    return Fault(match, "status", times=times, status=200, headers={"Link": link}, body=CATALOG)


def test_pages_that_only_repeat_what_was_read(server, tmp_path, monkeypatch):
    """Each under another address."""
    server.faults.extend(paged(f'</acr/v1/_catalog?last={number}>; rel="next"') for number in range(9))
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    assert "only repeats what was read" in run_of(found, "registries/repositories").problems[0].reason
    assert server.count("_catalog") == 2
    assert names(found, REPOSITORIES) == ["shop/web"], "what came before is kept"


@pytest.mark.parametrize(
    "link",
    [
        "</acr/v1/_catalog?last=shop/a>; rel=next",
        '</acr/v1/_catalog?last=shop/a>; REL="Next"',
        '</acr/v1/_catalog?first>; rel="first", </acr/v1/_catalog?last=shop/a>; title="x"; rel="next"',
        '<https://harbourgeo.azurecr.io:443/acr/v1/_catalog?last=shop/a>; rel="next"',
        '<_catalog?last=shop/a>; rel="next"',
    ],
)
def test_links_are_understood_however_they_are_written(server, tmp_path, monkeypatch, link):
    server.faults.append(paged(link))
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    assert len(names(found, REPOSITORIES)) == 6
    assert run_of(found, "registries/repositories").state == "complete"


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("https://evil.example/acr/v1/_catalog?last=a", "at https://evil.example, not asked"),
        ("http://harbourgeo.azurecr.io/acr/v1/_catalog?last=a", "http://harbourgeo.azurecr.io, not asked"),
        ("//evil.example/acr/v1/_catalog", "at https://evil.example, not asked"),
        ("https://[/acr/v1/_catalog", "no address"),
    ],
)
def test_next_pages_elsewhere_are_not_asked_for(server, tmp_path, monkeypatch, link, words):
    server.faults.append(paged(f'<{link}>; rel="next"'))
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    run = run_of(found, "registries/repositories")
    assert words in run.problems[0].reason
    assert run.state == "partial"
    assert "evil.example" not in server.proxy.hosts


@pytest.mark.parametrize(
    ("match", "kind", "body"),
    [
        ("_catalog", "registries/repositories", {"message": "hello"}),
        ("_catalog", "registries/repositories", {"repositories": [{"name": "a"}]}),
        ("_catalog", "registries/repositories", {"repositories": "shop/web"}),
        ("shop/web/_tags", "repositories/tags", {"message": "hello"}),
        ("shop/web/_tags", "repositories/tags", {"tags": [{"digest": "sha256:aa"}]}),
        ("shop/web/_manifests", "repositories/manifests", []),
        ("shop/web/_manifests", "repositories/manifests", {"manifests": ["sha256:aa"]}),
        ("shop/web/_manifests", "repositories/manifests", {"manifests": [{"digest": "../../x"}]}),
        ("acr/v1/shop/web$", "registries/repositories", ["shop/web"]),
    ],
)
def test_an_answer_of_another_form_is_no_empty_list(server, tmp_path, monkeypatch, match, kind, body):
    server.faults.append(Fault(match, "status", times=-1, status=200, body=body))
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    assert run_of(found, kind).state != "complete"
    assert run_of(found, kind).problems


@pytest.mark.parametrize(
    "body",
    [
        {"schemaVersion": 1, "fsLayers": [{"blobSum": "sha256:aa"}]},
        {"mediaType": images.OCI, "layers": ["sha256:aa"]},
        {"mediaType": images.OCI, "layers": [], "config": "sha256:aa"},
        [],
    ],
)
def test_a_manifest_of_another_form_has_no_known_layers(server, tmp_path, monkeypatch, body):
    server.faults.append(Fault("shop/unsigned/manifests", "status", times=-1, status=200, body=body))
    found = read(server, tmp_path, monkeypatch, "harbourgeo", Limits(include=("shop/unsigned",)))
    (item,) = found.parts[MANIFESTS]
    assert isinstance(item.body["layers"], Unknown)
    assert isinstance(storage(found)["shop/unsigned"]["untaggedBytes"], Unknown)


def storage(found):
    linked = Estate(found, now=NOW).targets(f"{R}/repositories", frozenset({"storage"}))
    return {one.resource.name: one.related("storage")[0] for one in linked}


def test_repositories_that_were_left_out_may_share_layers(server, tmp_path, monkeypatch):
    """The base layer of shop/web is shared with shop/unsigned, which was not asked for."""
    row = storage(read(server, tmp_path, monkeypatch, "harbourgeo", Limits(include=("shop/web",))))[
        "shop/web"
    ]
    assert row["untaggedBytes"] == 50_000_000 + 3 * (1_000_000 + 1000)
    for key in ("uniqueBytes", "sharedBytes", "freeableBytes"):
        assert isinstance(row[key], Unknown)


def test_a_list_that_was_cut_leaves_all_figures_open(server, tmp_path, monkeypatch):
    row = storage(read(server, tmp_path, monkeypatch, "harbourgeo", Limits(manifests=2)))["shop/web"]
    assert all(isinstance(row[key], Unknown) for key in row if key != "repository")


def test_an_image_that_was_not_read_is_nobody_s_index(server, tmp_path, monkeypatch):
    broken = images.content("harbourgeo")["shop/web"][0].digest
    server.faults.append(Fault(f"/manifests/{broken}", "status", times=-1, status=403))
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    assert not any("/referencedBy" in item.unread for item in found.parts[MANIFESTS])


def test_referrers_stand_in_for_a_signature_that_was_not_read(server, tmp_path, monkeypatch):
    signature = images.content("harbourgeo")["shop/web"][1].digest
    server.faults.append(Fault(f"/manifests/{signature}", "status", times=-1, status=403))
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    (item,) = [one for one in found.parts[MANIFESTS] if one.body["digest"] == signature]
    assert isinstance(item.body["layers"], Unknown)
    signed = verdicts(found, "ACR308", {"ACR308.signedRepositories": "[shop/*]"}.items())
    assert signed["shop/web"].verdict is Verdict.PASS


def test_of_a_referrer_that_no_list_names_little_is_known(server, tmp_path, monkeypatch):
    server.server.registries.unlisted = True
    found = read(server, tmp_path, monkeypatch, "harbourgeo", Limits(include=("shop/web",)))
    (item,) = [one for one in found.parts[MANIFESTS] if one.body.get("artifactType") == images.NOTARY]
    assert "imageSize" not in item.body, "a descriptor has the size of the manifest"
    for key in ("layers", "config", "tags", "changeableAttributes", "lastUpdateTime"):
        assert isinstance(item.body[key], Unknown)
    assert verdicts(found, "ACR406")["shop/web"].verdict is Verdict.UNKNOWN


def signed_images(number):
    tagged = [images.Manifest(images.image(f"i{at}"), [f"v{at}"]) for at in range(number)]
    return {"app": [*tagged, *(images.refers(images.NOTARY, one, f"s{at}") for at, one in enumerate(tagged))]}


@pytest.mark.parametrize(("unlisted", "asked"), [(False, 3), (True, 7)])
def test_referrers_are_a_check_unless_lists_leave_them_out(server, tmp_path, monkeypatch, unlisted, asked):
    monkeypatch.setattr(data_plane, "CHECKS", 3)
    server.server.registries.contents["harbourgeo"] = signed_images(7)
    server.server.registries.unlisted = unlisted
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    assert server.count("/referrers/") == asked
    assert len(found.parts[MANIFESTS]) == 14
    signed = verdicts(found, "ACR308", {"ACR308.signedRepositories": "[app]"}.items())
    assert signed["app"].verdict is Verdict.PASS


def test_the_check_of_referrers_is_one_for_all_repositories(server, tmp_path, monkeypatch):
    monkeypatch.setattr(data_plane, "CHECKS", 3)
    (held,) = signed_images(2).values()
    server.server.registries.contents["harbourgeo"] = {f"app{number}": held for number in range(4)}
    read(server, tmp_path, monkeypatch, "harbourgeo")
    assert server.count("/referrers/") == 3


def test_referrers_that_are_needed_and_not_read_are_a_problem(server, tmp_path, monkeypatch):
    monkeypatch.setattr(data_plane, "CHECKS", 3)
    server.server.registries.contents["harbourgeo"] = signed_images(7)
    server.server.registries.unlisted = True
    server.faults.append(Fault("/referrers/", "status", times=-1, skip=5, status=403))
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    assert run_of(found, "repositories/manifests").problems
    signed = verdicts(found, "ACR308", {"ACR308.signedRepositories": "[app]"}.items())
    assert signed["app"].verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault("shop/web/_manifests", "status", times=-1, status=503), 503),
        (throttled("1", "shop/web/_manifests", -1), 429),
    ],
)
def test_faults_that_last_are_told(server, tmp_path, monkeypatch, fault, status):
    server.faults.append(fault)
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    (problem,) = run_of(found, "repositories/manifests").problems
    assert problem.status == status
    assert problem.scope.endswith("/repositories/shop%2Fweb")
    untagged = verdicts(found, "ACR402", {"ACR402.untaggedMax": "5"}.items())
    assert untagged["shop/web"].verdict is Verdict.UNKNOWN
    assert untagged["shop/unsigned"].verdict is Verdict.PASS


@pytest.mark.parametrize("fault", [throttled("1", "azurecr.io", 8), Fault("azurecr.io/acr", "truncated", times=3), Fault("azurecr.io/acr", "status", times=3, status=503)])  # fmt: skip
def test_faults_that_pass(server, tmp_path, monkeypatch, fault):
    server.faults.append(fault)
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    assert fault.hits
    assert len(names(found, REPOSITORIES)) == 6
    assert run_of(found, "repositories/manifests").state == "complete"


def test_access_tokens_that_end_early_are_renewed_without_an_exchange(server, tmp_path, monkeypatch):
    held = server.server.registries
    server.faults.append(Fault("shop/web/_tags", "body", change=lambda body: (held.access.clear(), body)[1]))
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    assert len(names(found, REPOSITORIES)) == 6
    assert run_of(found, "repositories/manifests").state == "complete"
    assert server.count("oauth2/exchange") == 1


def test_a_refresh_token_that_is_refused_is_renewed(server, tmp_path, monkeypatch):
    held = server.server.registries
    server.faults.append(Fault("_catalog", "body", change=lambda body: (held.refresh.clear(), body)[1]))
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    assert len(names(found, REPOSITORIES)) == 6
    assert run_of(found, "repositories/manifests").state == "complete"
    assert server.count("oauth2/exchange") == 2


def test_scopes_that_are_refused_do_not_cost_an_exchange_each(server, tmp_path, monkeypatch):
    server.faults.append(Fault("oauth2/token", "status", times=-1, skip=1, status=401))
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    run = run_of(found, "repositories/tags")
    assert {problem.status for problem in run.problems} == {401}
    assert len(run.problems) == 6
    assert server.count("oauth2/exchange") == 2


def test_a_token_that_is_always_refused_is_sent_twice(server, tmp_path, monkeypatch):
    server.faults.append(Fault("shop/web/_tags", "status", times=-1, status=401))
    found = read(server, tmp_path, monkeypatch, "harbourgeo")
    (problem,) = run_of(found, "repositories/tags").problems
    assert (problem.status, problem.action) == (401, f"{R}/pull/read")
    assert problem.scope.endswith("/repositories/shop%2Fweb")
    assert server.count("shop/web/_tags") == 2


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


class Watch(Clock):
    """A clock that only moves when told."""

    def __init__(self):
        self.at = 0.0
        self.began = time.time()

    def monotonic(self):
        return self.at

    def now(self):
        return datetime.fromtimestamp(self.began + self.at, UTC)

    async def sleep(self, seconds):
        self.at += seconds


class Sender:
    """Answers in this process, `repositories` of one image each; counts what is on its way at once."""

    def __init__(self, repositories=0, seconds=600, entra="ENTRA"):
        self.clock = Watch()
        self.names = [f"r{number:02d}" for number in range(repositories)]
        self.seconds = seconds
        self.entra = entra
        self.calls = []
        self.flying = self.most = 0

    def made(self, kind):
        claims = {"exp": self.clock.now().timestamp() + self.seconds, "jti": f"{kind} {len(self.calls)}"}
        return f"h.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()}.SECRET"

    async def token(self, scope):
        if not self.entra:
            raise AuthenticationError("AADSTS500011: no such resource")
        return self.entra

    async def send(self, call):
        self.calls.append(call)
        self.flying += 1
        self.most = max(self.most, self.flying)
        try:
            await asyncio.sleep(0.001)
            return self.answer(call, call.url.removeprefix("https://r.azurecr.io"))
        finally:
            self.flying -= 1

    def answer(self, call, path):
        headers, body, status = {}, None, 200
        digest = f"sha256:{'a' * 64}"
        if path == "/v2/":
            headers = {"www-authenticate": 'Bearer realm="https://r.azurecr.io/oauth2/token",service="r"'}
            status = 401
        elif path.startswith("/oauth2/"):
            key = "refresh_token" if path.endswith("exchange") else "access_token"
            body = {key: self.made(key)}
        elif "_catalog" in path:
            body = {"repositories": self.names}
        elif "_tags" in path:
            body = {"tags": None}
        elif "_manifests" in path:
            body = {"manifests": [{"digest": digest[:-2] + f"{number:02d}"} for number in range(20)]}
        elif "/manifests/" in path:
            body = {"mediaType": images.OCI, "layers": []}
        else:
            body = {"imageName": path}
        return Reply(status, headers, body, call.url, NOW)

    def count(self, words):
        return sum(words in call.url for call in self.calls)


async def everything(plane):
    return [reading async for reading in plane.read()]


def plane(sender, limits=None):
    return DataPlane(Target("/r", "r.azurecr.io", {}), sender, limits or Limits())


def test_eight_requests_at_once_for_a_registry():
    sender = Sender(repositories=20)
    readings = asyncio.run(everything(plane(sender)))
    assert sender.most == 8
    given = [reading.resources[0].name for reading in readings[1:]]
    assert given == sender.names, "in order, though several are read ahead"
    assert sender.count("/v2/r") == 20 * 20


def test_a_reader_that_stops_leaves_nothing_running():
    async def some():
        sender = Sender(repositories=40)
        readings = plane(sender).read()
        for _ in range(3):
            await anext(readings)
        sent = len(sender.calls)
        await readings.aclose()
        await asyncio.sleep(0.02)
        assert len(asyncio.all_tasks()) == 1
        return len(sender.calls) - sent

    assert asyncio.run(some()) == 0, "what was read ahead is given up, not read to its end"


def test_tokens_are_renewed_before_they_end():
    async def three():
        sender = Sender(seconds=600)
        tokens = Tokens(sender, "R.azurecr.io")
        first = await tokens.headers("a")
        sender.clock.at = 470
        assert await tokens.headers("a") == first
        sender.clock.at = 490
        assert await tokens.headers("a") != first
        return sender

    sender = asyncio.run(three())
    assert (sender.count("/v2/"), sender.count("exchange"), sender.count("oauth2/token")) == (1, 2, 2)


def test_many_who_ask_at_once_share_an_exchange_and_a_token():
    async def many():
        sender = Sender()
        tokens = Tokens(sender, "r.azurecr.io")
        await asyncio.gather(*(tokens.headers("ab"[number % 2]) for number in range(40)))
        return sender

    sender = asyncio.run(many())
    assert (sender.count("exchange"), sender.count("oauth2/token")) == (1, 2)


def test_an_account_without_a_token_for_registries_does_not_end_the_run():
    (first,) = asyncio.run(everything(plane(Sender(entra=""))))
    assert {kind for kind, _ in first.problems} == set(data_plane.KINDS)
    assert all("AADSTS500011" in problem.reason for _, problem in first.problems)


class Refusing(Sender):
    """Refuses every token once it is told to."""

    refuses = False

    def answer(self, call, path):
        if self.refuses:
            return Reply(401, {}, {"errors": [{"code": "UNAUTHORIZED"}]}, call.url, NOW)
        return super().answer(call, path)


def test_tokens_are_never_told():
    async def broken():
        sender = Refusing()
        tokens = Tokens(sender, "r.azurecr.io")
        await tokens.headers("a")
        sender.refuses = True
        tokens.drop("a")
        with pytest.raises(NotRead) as caught:
            await tokens.headers("a")
        return f"{caught.value!r} {caught.value.reason} {tokens!r}"

    told = asyncio.run(broken())
    assert "UNAUTHORIZED" in told
    assert "SECRET" not in told
    assert "ENTRA" not in told
