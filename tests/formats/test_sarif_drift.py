"""SARIF of a scan with waivers and a baseline: suppressions, baseline states, what was carried on; frameworks as taxonomies."""

import hashlib
import json
from dataclasses import replace

import pytest

from scanner.model.finding import Verdict
from scanner.model.framework import Framework, FrameworkControl
from scanner.model.scan import Drift
from scanner.waivers.apply import apply
from tests.formats.sample import CARDS, CONTOSODEV, CONTOSOEU, CONTOSOPROD, HOSTILE, sample_scan
from tests.formats.sarif_tools import (
    EARLIER,
    REGISTER,
    compared_scan,
    earlier_scan,
    matched,
    rendered,
    results,
    run_of,
    schema,
    settings_of,
    waived_scan,
    waiver,
    whole_scan,
)


def of(run, rule, resource):
    """The results of a rule on a resource."""
    return [
        row
        for row in run["results"]
        if row["ruleId"] == rule
        and row["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == resource
    ]


def told(run, number):
    """The configuration notifications of a kind."""
    return [
        one
        for one in run["invocations"][0]["toolConfigurationNotifications"]
        if one["descriptor"]["id"] == number
    ]


def test_a_waiver_in_force_is_an_accepted_suppression():
    """Who, why, until when, by which ticket, and the line of the file."""
    (row,) = of(run_of(waived_scan()), "ACR102", CONTOSOPROD)
    assert (row["kind"], row["level"]) == ("fail", "error")
    (said,) = row["suppressions"]
    assert (said["kind"], said["status"]) == ("external", "accepted")
    assert said["justification"] == (
        "W-1: The old terminal knows nothing else. \\[See\\](https://example.com/why) the ticket; kind risk-accepted; "
        "owner Mira Solberg; approved by Ines Dahl; expires 2027-03-31; ticket PLAT-412."
    )
    place = said["location"]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "policy/acr-waivers.yaml", "uriBaseId": "SRCROOT"}
    assert place["region"] == {"startLine": 5, "startColumn": 5, "endLine": 5, "endColumn": 6}
    assert said["properties"]["acrscan/owner"] == "Mira Solberg"
    assert said["properties"]["acrscan/expires"] == "2027-03-31"
    assert said["properties"]["acrscan/ticket"] == "PLAT-412"


def test_a_lapsed_waiver_is_rejected_and_told():
    """The finding fails as any other, and a notification says why."""
    run = run_of(waived_scan())
    (row,) = of(run, "ACR101", CONTOSODEV)
    assert (row["kind"], row["level"]) == ("fail", "error")
    (said,) = row["suppressions"]
    assert said["status"] == "rejected"
    assert said["justification"].endswith("does not count: expired, ended 3 days ago.")
    assert row["properties"]["acrscan/lapsed"] == "W-2"
    (told_of,) = told(run, "ACRN006")
    assert told_of["message"]["text"] == (
        "'waiver W-2' for rule 'ACR101' does not count: 'expired, ended 3 days ago'. It would cover '1 finding'."
    )
    assert told_of["locations"][0]["physicalLocation"]["region"]["startLine"] == 15


def test_all_results_carry_suppressions_or_none_does():
    """A mixture would be taken for an error; with a waiver file also where it covers nothing."""
    run = run_of(waived_scan())
    assert [len(row["suppressions"]) for row in run["results"]].count(1) == 2
    assert not any("suppressions" in row for row in run_of(whole_scan())["results"])
    nothing = apply(whole_scan(), replace(REGISTER, waivers=()))
    assert all(row["suppressions"] == [] for row in run_of(nothing)["results"])
    marked = run_of(sample_scan())
    (row,) = [row for row in marked["results"] if row["suppressions"]]
    assert row["suppressions"][0]["justification"] == "Waiver 'W-12'."


def test_files_are_artifacts_with_their_digests():
    """The waiver file by its bytes; what stands for a resource in the cloud by the contents that the log itself holds."""
    run = run_of(waived_scan())
    first, *others = run["artifacts"]
    assert first["hashes"] == {"sha-256": REGISTER.digest}
    assert first["location"]["uri"] == "policy/acr-waivers.yaml"
    clouds = [one for one in others if "contents" in one]
    assert clouds
    for one in clouds:
        text = one["contents"]["text"]
        assert one["hashes"] == {"sha-256": hashlib.sha256(text.encode()).hexdigest()}
        assert json.loads(text)["id"].startswith("/")
    assert run["properties"]["acrscan/inventory"]["sha256"] == whole_scan().header.inventory_digest
    for row in run["results"]:
        location = row["locations"][0]["physicalLocation"]["artifactLocation"]
        assert run["artifacts"][location["index"]]["location"]["uri"] == location["uri"]


def test_checks_of_waivers_point_into_their_file():
    """As template findings do: file, line, column, and no hash of a line that the uploader reads itself."""
    for profile in ("generic", "github"):
        (row,) = [
            row for row in run_of(waived_scan(), settings_of(profile))["results"] if row["ruleId"] == "WAV001"
        ]
        place = row["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "policy/acr-waivers.yaml"
        assert (place["region"]["startLine"], place["region"]["startColumn"]) == (15, 5)
        assert "primaryLocationLineHash" not in row["partialFingerprints"]


def test_hostile_waivers_are_harmless():
    """Every text of a waiver is data; the log stays valid."""
    entries = tuple(
        waiver(
            f"W-{at}",
            "ACR101",
            CONTOSOPROD,
            "2020-01-01",
            reason=text,
            owner=text,
            ticket=text,
            approver=text,
        )
        for at, text in enumerate(HOSTILE)
    )
    data = rendered(apply(whole_scan(), replace(REGISTER, waivers=entries, words=HOSTILE[0])))
    assert list(schema().iter_errors(json.loads(data))) == []
    for raw in ("\\u001b", "\u202e", "\x9b"):
        assert raw not in data.decode().replace("\\\\u", "")


def test_changes_become_baseline_states():
    """New, changed, persisting, resolved and carried, each with what it was."""
    run = run_of(compared_scan())
    assert {row["properties"]["acrscan/change"] + ">" + row["baselineState"] for row in run["results"]} == {
        "new>new",
        "changed>updated",
        "persisting>unchanged",
        "resolved>absent",
    }
    (new,) = of(run, "ACR402", CONTOSODEV)
    assert (new["baselineState"], new["properties"]["acrscan/why"]) == ("new", "resource")
    (changed,) = [row for row in of(run, "ACR201", CONTOSOPROD) if row["baselineState"] == "updated"]
    assert changed["properties"]["acrscan/was"] == "$r.value was '0.0.0.0/2'"
    (gone,) = of(run, "ACR401", CONTOSOPROD)
    assert (gone["baselineState"], gone["kind"], gone["level"]) == ("absent", "fail", "note")
    assert gone["message"]["text"].startswith(
        "Resource 'contosoprod' is not found to break the rule any more;"
    )
    assert gone["provenance"] == {"firstDetectionTimeUtc": EARLIER}
    assert run["properties"]["acrscan/drift"]["changes"]["resolved"] == 1


def test_the_official_matcher_of_results_sees_the_same_come_and_go():
    """Only what we carry on is gone for it: it does not know what was not read."""
    scan = compared_scan()
    found = matched(rendered(replace(scan, drift=None, earlier=())), rendered(earlier_scan()))
    ours = {
        state: {
            row["fingerprints"]["acrscan/v1"]
            for row in run_of(scan)["results"]
            if row["baselineState"] == state
        }
        for state in ("new", "absent")
    }
    (carried,) = results(run_of(scan), carriedForward=True)
    # An open question about the same rule and resource has the fingerprint of the failure that is carried on.
    mark = {carried["fingerprints"]["acrscan/v1"]}
    assert found["new"] | mark == ours["new"] | mark
    assert found["absent"] | mark == ours["absent"] | mark


def test_what_could_not_be_looked_at_is_carried_on():
    """In every profile a failure that stays open, and a warning that counts such."""
    for profile in ("generic", "github", "azdo"):
        run = run_of(compared_scan(), settings_of(profile))
        (row,) = results(run, carriedForward=True)
        assert (row["ruleId"], row["kind"], row["level"], row["baselineState"]) == (
            "ACR501", "fail", "warning", "unchanged",
        )  # fmt: skip
        assert row["message"]["text"] == (
            "Resource 'contosoeu' broke the rule when it was last looked at, which was not this time: "
            "'No lock guards it'."
        )
        (said,) = told(run, "ACRN009")
        assert said["level"] == "warning"
        assert said["message"]["text"].startswith("'1' findings of 'last.ndjson' could not be looked at")
        guids = [one["guid"] for one in run["results"]]
        assert len(guids) == len(set(guids))


@pytest.mark.parametrize(("expires", "kept"), [("2027-03-31", False), ("2026-11-20", True)])
def test_an_old_mark_of_a_waiver_counts_only_while_it_is_in_force(expires, kept):
    """A carried finding that was waived: dropped for code scanning today, open once the waiver ended."""
    scan = compared_scan()
    rows = tuple(replace(row, waiver="W-9") if row.change == "persisting" else row for row in scan.earlier)
    (line, *others) = scan.waivers
    state = "in-force" if not kept else "expired"
    entry = replace(line, waiver=waiver("W-9", "ACR501", CONTOSOEU, expires), state=state)
    scan = replace(scan, earlier=rows, waivers=(entry, *others))
    assert len(results(run_of(scan, settings_of("github")), carriedForward=True)) == kept
    (row,) = results(run_of(scan), carriedForward=True)
    assert row["suppressions"][0]["status"] == ("rejected" if kept else "accepted")


def test_baseline_states_are_on_all_results_or_on_none():
    """Without a baseline nothing is said of changes, whatever mark a row has."""
    assert not any("baselineState" in row for row in run_of(sample_scan())["results"])
    assert not any("acrscan/change" in row["properties"] for row in run_of(sample_scan())["results"])
    scan = compared_scan()
    rows = [*scan.findings]
    mixed = replace(scan, findings=(replace(rows[0], change=None), *rows[1:]))
    assert not any("baselineState" in row for row in run_of(mixed)["results"])
    assert results(run_of(mixed), carriedForward=True)


def test_the_baseline_s_run_is_named():
    """By the guid that its own log has."""
    now = whole_scan()
    before = whole_scan(now=EARLIER)
    head = before.header
    drift = Drift(
        "x", head.now, head.inventory_digest, head.pack_version, head.pack_digest, head.profile, {}, {}
    )
    for profile in ("generic", "github"):
        settings = settings_of(profile)
        named = run_of(replace(now, drift=drift), settings)["baselineGuid"]
        assert named == run_of(before, settings)["automationDetails"]["guid"]
    assert "baselineGuid" not in run_of(now)


CATALOGUE = Framework(
    id="mcsb",
    title="Microsoft cloud security benchmark",
    source="https://learn.microsoft.com/security/benchmark/azure/overview",
    mapping="The initiative of the same name",
    controls=(
        FrameworkControl("IM-1", "One place for identities"),
        FrameworkControl("AM-1", "Nobody refers to it"),
    ),
    version="v1",
    note="Several controls are in no initiative",
    digest="ab" * 32,
)


def test_frameworks_become_taxonomies():
    """Title, version, publisher, our short titles, where the mapping comes from; only controls that rules name."""
    run = run_of(whole_scan(frameworks=(CATALOGUE,)))
    assert [one["name"] for one in run["taxonomies"]] == ["mcsb", "acr-faq", "cis-azure"]
    first = run["taxonomies"][0]
    assert first["fullName"] == "Microsoft cloud security benchmark v1"
    assert (first["version"], first["organization"]) == ("v1", "Microsoft")
    assert first["informationUri"] == CATALOGUE.source
    assert first["fullDescription"]["text"] == (
        "The initiative of the same name. Several controls are in no initiative."
    )
    assert first["isComprehensive"] is False
    assert first["properties"]["acrscan/sha256"] == "ab" * 32
    assert first["taxa"] == [
        {"id": "IM-1", "shortDescription": {"text": "One place for identities."}},
        {"id": "NS-2"},
    ]
    assert first["guid"] == run_of(whole_scan())["taxonomies"][2]["guid"]
    (rule,) = [rule for rule in run["tool"]["driver"]["rules"] if rule["id"] == "ACR101"]
    assert [(one["target"]["id"], one["properties"]["acrscan/basis"]) for one in rule["relationships"]] == [
        ("admin-user", CARDS[0].controls[0].basis),
        ("IM-1", "derived"),
    ]
    for one in run["tool"]["driver"]["rules"]:
        for relation in one["relationships"]:
            component = run["taxonomies"][relation["target"]["toolComponent"]["index"]]
            assert component["taxa"][relation["target"]["index"]]["id"] == relation["target"]["id"]
    assert list(schema().iter_errors(json.loads(rendered(whole_scan(frameworks=(CATALOGUE,)))))) == []


def test_a_framework_s_address_is_checked():
    """No other scheme, and no publisher that only looks like one."""
    odd = replace(CATALOGUE, source="https://microsoft.com.evil.example/x")
    assert "organization" not in run_of(whole_scan(frameworks=(odd,)))["taxonomies"][0]
    bad = replace(CATALOGUE, source="javascript:alert(1)")
    assert "informationUri" not in run_of(whole_scan(frameworks=(bad,)))["taxonomies"][0]


def test_the_scan_s_begin_and_first_sights_are_told():
    """Times in their own places."""
    run = run_of(whole_scan(started="2026-11-23T02:00:00Z"))
    assert run["invocations"][0]["startTimeUtc"] == "2026-11-23T02:00:00Z"
    row = replace(
        next(row for row in whole_scan().findings if row.verdict is Verdict.FAIL), first_seen="yesterday"
    )
    (shown,) = run_of(whole_scan(findings=(row,)))["results"]
    assert "provenance" not in shown
