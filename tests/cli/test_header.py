"""What a report says of its own making: who read what, when, in which tenant, and which subscriptions it is about."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest

from scanner.cli.door import run
from scanner.inventory import snapshot
from scanner.inventory.azure import _facts
from scanner.inventory.scopes import Scope, Subscription, Wanted
from tests.azure_server import running
from tests.azure_server.answers import CLIENT
from tests.azure_server.faults import Fault
from tests.estate import build
from tests.inventory.live import command

ESTATE = Path(__file__).resolve().parent.parent / "estate"


@pytest.fixture
def server():
    with running() as found:
        yield found


def head(path):
    return json.loads(path.read_text("utf-8"))["header"]


def test_a_live_scan_says_who_read_what_when(server, tmp_path):
    """And so does a scan of the snapshot that it kept; the one that was left out is named, with its reason."""
    out, night = tmp_path / "live.json", tmp_path / "night"
    done = command(
        server,
        "scan",
        "-q",
        "--exit-zero",
        "--exclude",
        "harbour-dev",
        "--snapshot",
        night,
        "-f",
        "json",
        "-o",
        out,
    )
    assert done.returncode == 0, done.stderr
    live = head(out)
    assert live["tenant"] == build.TENANT
    assert live["identity"] == f"application {CLIENT}"
    assert live["started"] <= live["now"]
    assert live["started"].endswith("Z")
    assert [
        (one["subscription"], one["name"], one["registries"], one["reason"]) for one in live["scope"]
    ] == [
        (build.PROD, "harbour-prod", 8, ""),
        (build.DEV, "harbour-dev", 0, "left out on purpose"),
    ]
    assert (
        run(["scan", str(night), "-q", "--exit-zero", "-f", "json", "-o", str(tmp_path / "again.json")]) == 0
    )
    again = head(tmp_path / "again.json")
    assert {key: again[key] for key in ("tenant", "identity", "started", "scope")} == {
        key: live[key] for key in ("tenant", "identity", "started", "scope")
    }


def test_a_subscription_that_cannot_be_read_is_in_scope_with_its_reason(server, tmp_path):
    """It is not left away; one of which Resource Graph alone told is in scope with its reason and its number."""
    out = tmp_path / "live.json"
    server.faults.append(Fault(f"GET.*{build.DEV}.*ContainerRegistry", "status", times=-1, status=403))
    for registries in (5, 0):
        command(server, "scan", "-q", "--exit-zero", "-f", "json", "-o", out)
        told = {one["subscription"]: one for one in head(out)["scope"]}
        assert (told[build.PROD]["registries"], told[build.PROD]["reason"]) == (8, "")
        assert told[build.DEV]["registries"] == registries
        assert "registries/read" in told[build.DEV]["reason"]
        server.faults.append(Fault("POST.*ResourceGraph", "status", times=-1, status=403))


def test_an_older_snapshot_still_reads(tmp_path):
    """Its manifest lacks the newer keys: the facts are unknown, not wrong."""
    night = tmp_path / "night"
    answers = str(ESTATE / "answers")
    assert run(["collect", answers, "--from", "saved", "--out", str(night), "-q"]) in (0, 3)
    manifest = night / "manifest.json"
    record = orjson.loads(manifest.read_bytes())
    for key in ("tenant", "identity", "excluded"):
        del record[key]
    manifest.write_bytes(orjson.dumps(record))
    facts = snapshot.collect(night).facts
    assert (facts.tenant, facts.identity, dict(facts.excluded)) == ("", "", {})


def test_saved_answers_know_the_tenant_where_all_subscriptions_name_the_same(tmp_path):
    """Nothing says who asked, or when that began; two tenants are no tenant."""
    rows = [
        {
            "id": f"/subscriptions/{one}",
            "type": "Microsoft.Resources/subscriptions",
            "name": one,
            "subscriptionId": one,
            "tenantId": tenant,
        }
        for one, tenant in ((build.PROD, build.TENANT), (build.DEV, build.TENANT.upper()))
    ]
    folder = tmp_path / "answers"
    folder.mkdir()
    registry = {
        "id": f"/subscriptions/{build.PROD}/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/one",
        "name": "one",
        "type": "Microsoft.ContainerRegistry/registries",
        "location": "westeurope",
        "sku": {"name": "Basic"},
        "properties": {},
    }
    (folder / "registries.json").write_text(json.dumps({"value": [registry]}))
    scan = [
        "scan",
        str(folder),
        "--from",
        "saved",
        "--now",
        "2026-11-25T02:00:00Z",
        "-q",
        "--exit-zero",
        "-f",
        "json",
        "-o",
    ]
    (folder / "subscriptions.json").write_text(json.dumps({"value": rows}))
    assert run([*scan, str(tmp_path / "one.json")]) == 0
    told = head(tmp_path / "one.json")
    assert (told["tenant"], told["identity"], told["started"]) == (build.TENANT, "", "")
    assert [(one["subscription"], one["registries"]) for one in told["scope"]] == [
        (build.PROD, 1),
        (build.DEV, 0),
    ]
    rows[1]["tenantId"] = build.DEV
    (folder / "subscriptions.json").write_text(json.dumps({"value": rows}))
    assert run([*scan, str(tmp_path / "two.json")]) == 0
    assert head(tmp_path / "two.json")["tenant"] == ""


@pytest.mark.parametrize(
    ("claims", "identity"),
    [
        ({"appid": "a", "oid": "o", "idtyp": "app"}, "application a"),
        ({"azp": "a", "oid": "o"}, "application a"),
        (
            {
                "appid": "cli",
                "oid": "o",
                "idtyp": "user",
                "upn": "someone@contoso.example",
                "name": "Some One",
            },
            "user o",
        ),
        ({"appid": "cli", "oid": "o", "unique_name": "guest@fabrikam.example"}, "user o"),
        ({"appid": "cli", "oid": "o", "scp": "user_impersonation"}, "user o"),
        ({"appid": "m", "oid": "o", "xms_mirid": "/subscriptions/x/..."}, "managed identity m"),
        ({"oid": ["not", "a", "text"], "scp": "x"}, "user"),
        ({}, ""),
    ],
)
def test_an_identity_is_its_id_never_a_name(claims, identity):
    """Whatever else the token says of a person."""
    scope = Scope(Wanted(), (), (Subscription("s", "", "Enabled", "", {}),), (), (), {})
    facts = _facts({**claims, "tid": "t"}, "2026-11-25T02:00:00Z", scope)
    assert (facts.identity, facts.tenant) == (identity, "t")


@pytest.mark.parametrize(
    "name", ["Contoso <b>", "=HYPERLINK(1)", "\udcff", "\u202eevil", "a\nb", "x" * 100_000]
)
def test_any_name_of_an_organisation_can_be_written(tmp_path, name):
    """Every format either shows it or makes it visible; none fails."""
    formats = [word for one in ("json", "ndjson", "html", "markdown", "csv") for word in ("-f", one)]
    done = run(
        [
            "scan",
            str(ESTATE / "answers"),
            "--from",
            "saved",
            "-q",
            "--exit-zero",
            "--organisation",
            name,
            *formats,
            "-o",
            str(tmp_path),
        ]
    )
    assert done == 0
    assert head(tmp_path / "acrscan.json")["organisation"] == name.replace("\udcff", "?")
