"""OCSF and OSCAL: accepted by the models of others, with the scan's counts, and nothing unread called satisfied."""

import io
import json
import re
import time
from collections import Counter
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from trestle.oscal.assessment_results import Model

from scanner.cli.demo import sampled
from scanner.compare.against import Baseline, against
from scanner.formats import ocsf, oscal
from scanner.formats._text import visible
from scanner.formats.oscal.texts import prose
from scanner.model.finding import Verdict
from scanner.model.resource import Origin
from scanner.model.scan import ScopeLine
from scanner.waivers.apply import apply
from tests.formats.sample import CARDS, HOSTILE, LINES, empty_scan, finding, hostile_scan, sample_scan
from tests.waivers.building import register, waiver

DEMO = sampled()
SCANS = {"sample": sample_scan(), "hostile": hostile_scan(), "empty": empty_scan(), "demo": DEMO}


def events(scan):
    out = io.BytesIO()
    ocsf.render(scan, out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def results(scan):
    out = io.BytesIO()
    oscal.render(scan, out)
    return json.loads(out.getvalue())["assessment-results"]


@pytest.mark.parametrize("name", SCANS)
def test_ocsf_events_are_compliance_findings(name):
    """By the published models, one event a row, with type ids that fit their activity."""
    found = events(SCANS[name])
    for event in found:
        ComplianceFinding.model_validate(event)
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert len(found) == len(list(SCANS[name].findings)) + len(list(SCANS[name].earlier))


def test_ocsf_tells_what_came_went_and_was_accepted():
    """Create, update, close; suppressed with a waiver; resolved rows pass."""
    found = events(DEMO)
    assert DEMO.drift is not None
    drift = DEMO.drift.changes
    fails = [event for event in found if event["unmapped"]["verdict"] == "fail"]
    activities = Counter(event["activity_id"] for event in fails)
    assert activities == {
        1: drift["new"] + drift["reopened"],
        2: drift["changed"] + drift["persisting"],
        3: drift["resolved"],
    }
    assert sum(event["status_id"] == 3 for event in fails) == sum(DEMO.tallies.waived.values())
    closed = [event for event in fails if event["activity_id"] == 3]
    assert closed
    assert all(event["compliance"]["status_id"] == 99 and event["status_id"] == 4 for event in closed)


@pytest.mark.parametrize("name", SCANS)
def test_ocsf_names_what_its_numbers_mean(name):
    """Each caption is the one that the schema gives to the number beside it; nothing empty stands for a value."""
    severities = {1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}
    statuses = {1: "Pass", 2: "Warning", 3: "Fail"}
    states = {1: "New", 3: "Suppressed", 4: "Resolved"}
    uids = set()
    for event in events(SCANS[name]):
        check = event["compliance"]["checks"][0]
        for told, numbers, key in (
            (event, severities, "severity"),
            (event, states, "status"),
            (check, severities, "severity"),
            (check, statuses, "status"),
            (event["compliance"], statuses, "status"),
        ):
            assert told[f"{key}_id"] == 99 or numbers[told[f"{key}_id"]] == told[key]
        for told in (event, event["cloud"], event["finding_info"], event["resources"][0]):
            assert "" not in list(told.values())
        uids.add(event["metadata"]["uid"])
    assert len(uids) == len(events(SCANS[name]))


def test_ocsf_alarms_nobody_about_what_holds():
    """Passes and what does not apply, which are there with --keep-passes, are informational."""
    rows = [finding("ACR101", LINES[0], verdict, "x") for verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE)]
    told = [
        (one["severity"], one["compliance"]["status"]) for one in events(sample_scan(findings=tuple(rows)))
    ]
    assert told == [("Informational", "Pass"), ("Informational", "Not applicable")]


def test_ocsf_calls_a_finding_closed_by_its_rule_no_pass():
    """A rule that was switched off resolves its findings; the registry is no better for it."""
    rows = (finding("ACR101", LINES[1], Verdict.FAIL, "on"),)
    before = sample_scan(findings=rows, now="2026-11-22T02:00:00Z")
    cards = tuple(replace(card, enabled=card.id != "ACR101") for card in CARDS)
    (event,) = events(against(sample_scan(findings=(), rules=cards), Baseline(before, "x")))
    assert (event["activity_name"], event["status"]) == ("Close", "Resolved")
    assert event["compliance"]["status"] == "Not failing any more"
    assert "why it does not any more: rule" in event["compliance"]["status_details"][0]
    assert "last_seen_time" not in event["finding_info"]


def test_ocsf_tells_why_something_is_accepted():
    """The waiver's reason, people and last day."""
    comments = [event["comment"] for event in events(DEMO) if event["status"] == "Suppressed"]
    assert len(comments) == sum(DEMO.tallies.waived.values())
    assert all(
        any(
            f"{line.waiver.id} ({line.waiver.kind}) until {line.waiver.expires}" in text
            for line in DEMO.waivers
        )
        for text in comments
    )


def test_times_without_a_zone_are_utc_and_what_is_no_time_is_left_out(monkeypatch):
    """The same bytes on every machine; no finding was first seen in 1970."""
    row = finding("ACR101", LINES[1], Verdict.FAIL, "on")
    rows = (replace(row, first_seen="2026-11-20T02:00:00"), replace(row, first_seen="last week"))
    monkeypatch.setenv("TZ", "Asia/Jakarta")
    time.tzset()
    try:
        first, second = events(sample_scan(findings=rows))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert first["finding_info"]["first_seen_time"] == 1_795_140_000_000
    assert "first_seen_time" not in second["finding_info"]


def test_commands_quote_what_the_world_wrote():
    """What is copied into a shell stays one command."""
    row = finding(
        "ACR101", LINES[1], Verdict.FAIL, "on", commands=(("az", "acr", "show", "-n", "a; rm -rf ~"),)
    )
    scan = sample_scan(findings=(row,))
    assert "-n 'a; rm -rf ~'" in events(scan)[0]["remediation"]["desc"]
    (risk,) = results(scan)["results"][0]["risks"]
    assert r"-n 'a; rm -rf \~'" in risk["remediations"][0]["description"]


@pytest.mark.parametrize("name", ["sample", "demo"])
def test_ocsf_calls_nothing_unread_a_pass(name):
    """Unknown, error and manual are warnings."""
    for event in events(SCANS[name]):
        if event["unmapped"]["verdict"] in ("unknown", "error", "manual"):
            assert event["compliance"]["status"] == "Warning"
        elif event["activity_id"] != 3:
            assert event["compliance"]["status"] == "Fail"


def test_ocsf_counts_are_the_scans():
    """By severity, the baseline's rows apart."""
    names = {"Informational": "info"}
    told = Counter(
        names.get(event["severity"], event["severity"].lower())
        for event in events(DEMO)
        if event["activity_id"] != 3 and event["unmapped"]["verdict"] == "fail"
    )
    assert told == {key: number for key, number in DEMO.tallies.findings.items() if number}


@pytest.mark.parametrize("name", SCANS)
def test_oscal_documents_are_assessment_results(name):
    """By the published models; ids are unique and every reference leads somewhere."""
    out = io.BytesIO()
    oscal.render(SCANS[name], out)
    Model.model_validate_json(out.getvalue())
    found = json.loads(out.getvalue())["assessment-results"]
    (result,) = found["results"]
    ids = Counter(re.findall(r'"uuid":"([0-9a-f-]{36})"', out.getvalue().decode()))
    assert max(ids.values()) == 1
    observed = {one["uuid"] for one in result.get("observations", ())}
    for row in (*result.get("risks", ()), *result.get("findings", ())):
        assert {one["observation-uuid"] for one in row["related-observations"]} <= observed
    known = {one["uuid"] for one in found["back-matter"]["resources"]}
    for one in result.get("observations", ()):
        assert {evidence["href"][1:] for evidence in one.get("relevant-evidence", ())} <= known
    assert found["import-ap"]["href"][1:] in known
    parties = {one["uuid"] for one in found["metadata"]["parties"]}
    roles = {one["id"] for one in found["metadata"]["roles"]}
    named = [*found["metadata"]["responsible-parties"]]
    named += [party for one in result.get("attestations", ()) for party in one["responsible-parties"]]
    assert all(one["role-id"] in roles and set(one["party-uuids"]) <= parties for one in named)
    tools = {one["uuid"] for one in result["local-definitions"]["assessment-assets"]["components"]}
    for risk in result.get("risks", ()):
        assert risk["characterizations"][0]["origin"]["actors"][0]["actor-uuid"] in tools


@pytest.mark.parametrize("name", ["sample", "empty", "demo"])
def test_oscal_lists_what_was_assessed(name):
    """Every resource with its evaluations, those that hold too; every row points to one of them."""
    (result,) = results(SCANS[name])["results"]
    items = result["local-definitions"].get("inventory-items", [])
    subjects = {one["subject-uuid"] for row in result["observations"] for one in row.get("subjects", ())}
    assert subjects <= {one["uuid"] for one in items}
    told: Counter[str] = Counter()
    for item in items:
        told.update(
            {
                one["name"]: int(one["value"])
                for one in item["props"]
                if one["name"].startswith("evaluations-")
            }
        )
    total = SCANS[name].tallies.total()
    assert told == {f"evaluations-{verdict.value}": number for verdict, number in total.items() if number}


@pytest.mark.parametrize(
    "text", [*HOSTILE, "{{ insert: param, ac-1_prm_1 }}", "1. a", "- a", "# a", "a_b _c_ &lt;"]
)
def test_oscal_markdown_shows_what_the_world_wrote(text):
    """Titles and prose are Markdown: what comes out of it is the text, and no markup."""
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(prose(text))
    assert [one.type for one in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {one.type for one in tokens[1].children or ()} <= {"text", "text_special"}
    assert "".join(one.content for one in tokens[1].children or ()) == visible(text).strip()
    assert "{{ insert" not in prose(text)


def test_oscal_follows_risks_from_scan_to_scan():
    """A risk has one id in all scans, an observation has another in each."""
    row = finding("ACR101", LINES[1], Verdict.FAIL, "on")
    first, second = (
        results(sample_scan(findings=(row,), now=f"2026-11-2{day}T02:00:00Z"))["results"][0] for day in (2, 3)
    )
    assert first["risks"][0]["uuid"] == second["risks"][0]["uuid"]
    assert {one["uuid"] for one in first["findings"]} == {one["uuid"] for one in second["findings"]}
    assert not {one["uuid"] for one in first["observations"]} & {
        one["uuid"] for one in second["observations"]
    }


def carried_over():
    """A scan that could not look at a finding of the baseline."""
    rows = (finding("ACR101", LINES[1], Verdict.FAIL, "on"),)
    before = sample_scan(findings=rows, now="2026-11-22T02:00:00Z")
    lines = (LINES[0], replace(LINES[1], letters="U" + LINES[1].letters[1:]), LINES[2])
    return against(sample_scan(findings=(), resources=lines), Baseline(before, "x"))


def test_oscal_keeps_open_what_was_not_looked_at():
    """The risk of the baseline stays open, marked; the document says how many there are."""
    (result,) = results(carried_over())["results"]
    (risk,) = result["risks"]
    assert risk["status"] == "open"
    assert {"carried": "yes"}.items() <= {one["name"]: one["value"] for one in risk["props"]}.items()
    assert "1 findings of then could not be looked at this time" in result["remarks"]
    assert {"findings-carried": "1"}.items() <= {one["name"]: one["value"] for one in result["props"]}.items()


def test_oscal_says_first_what_is_missing():
    """Collections, rules and subscriptions that were not looked at."""
    said = results(sample_scan(scope=(ScopeLine("s-1", "Far", 0, "no right to read it"),)))["results"][0][
        "remarks"
    ]
    assert said.startswith("3 collections are not complete: Microsoft.Authorization/locks (partial)")
    assert "1 of them not wholly looked at (Far: no right to read it)" in said
    assert "2 rules were not evaluated" in said


@pytest.mark.parametrize(
    ("expires", "created", "status"),
    [("2026-11-02", "2026-11-01", "open"), ("2027-03-31", "2026-12-01", "deviation-requested")],
)
def test_oscal_risks_stay_open_under_waivers_that_do_not_count(expires, created, status):
    """Expired: open. Not yet begun: a deviation that was asked for. Both say why it does not count."""
    scan = apply(sample_scan(), register(waiver(expires=expires, created=created)))
    (risk,) = [one for one in results(scan)["results"][0]["risks"] if one["title"] == "ACR101 contosoprod"]
    (said,) = [one for one in risk["props"] if one["name"] == "lapsed-waiver"]
    assert risk["status"] == status
    assert said["value"] == "W-1"
    assert said["remarks"].startswith("It does not count: ")
    assert "mitigating-factors" not in risk


@pytest.mark.parametrize(
    "when", ["yesterday", "2026-11-23", "2026-11-23T02:00:00", "2026-13-45T02:00:00Z", ""]
)
def test_oscal_takes_no_time_that_is_none(when):
    """What others wrote as a time of collection breaks no document."""
    row = replace(
        finding("ACR101", LINES[1], Verdict.FAIL, "on"), origin=Origin("saved", "x", collected_at=when)
    )
    scan = sample_scan(findings=(row,), started=when)
    out = io.BytesIO()
    oscal.render(scan, out)
    Model.model_validate_json(out.getvalue())


def test_oscal_counts_are_the_scans():
    """A risk for each failing row, accepted ones as deviations with their end."""
    (result,) = results(DEMO)["results"]
    assert len(result["risks"]) == sum(DEMO.tallies.findings.values())
    states = Counter(one["status"] for one in result["risks"])
    assert states["deviation-approved"] + states["closed"] == sum(DEMO.tallies.waived.values())
    accepted = [one for one in result["risks"] if one["status"] == "deviation-approved"]
    assert all("deadline" in one and one["mitigating-factors"] for one in accepted)
    said = {one["name"]: int(one["value"]) for one in result["props"]}
    assert said["evaluations-fail"] == DEMO.tallies.total()[Verdict.FAIL]
    assert len(result["attestations"]) == len(DEMO.attestations)


def standing(letter_rows, **other):
    """The status of control `own C-1`, which ACR101, ACR801 and ACR901 name; `other`: what ACR901 is like."""
    rule = replace(CARDS[0], controls=(replace(CARDS[0].controls[0], framework="own", id="C-1"),))
    more = replace(CARDS[-2], controls=rule.controls, **other)
    manual = replace(next(card for card in CARDS if card.id == "ACR801"), controls=rule.controls)
    lines = tuple(
        replace(line, letters=letter + line.letters[1:-1] + last)
        for line, (letter, last) in zip(LINES, letter_rows, strict=True)
    )
    scan = sample_scan(rules=(rule, manual, more, *CARDS[1:8]), resources=lines, findings=())
    found = [one for one in results(scan)["results"][0]["findings"] if one["title"] == "own C-1"]
    return found[0]["target"]["status"]


@pytest.mark.parametrize(
    ("letters", "state", "words"),
    [
        ("PPP", "satisfied", "3 evaluations hold"),
        ("PNP", "satisfied", "2 evaluations hold"),
        ("PFP", "not-satisfied", "1 evaluations fail"),
        ("PUP", "not-satisfied", "could not be decided"),
        ("PEP", "not-satisfied", "could not be decided"),
        ("NNN", "not-satisfied", "applies to"),
    ],
)
def test_a_control_is_satisfied_only_by_what_was_decided(letters, state, words):
    """Not evaluated is never satisfied."""
    found = standing([(letter, "N") for letter in letters], enabled=False)
    assert found["state"] == state
    assert words in found["remarks"]


@pytest.mark.parametrize(
    ("other", "state", "words"),
    [
        (
            {"not_evaluated": "data plane not asked for"},
            "not-satisfied",
            "1 rules were not asked (ACR901: data plane",
        ),
        ({"not_evaluated": "repositories not collected"}, "not-satisfied", "1 rules were not asked"),
        ({"not_evaluated": "no repositories in the inventory"}, "satisfied", "nothing to ask of: ACR901"),
        ({"enabled": False}, "satisfied", "switched off: ACR901"),
    ],
)
def test_a_control_is_not_satisfied_by_rules_that_were_not_asked(other, state, words):
    """A rule that was switched off on purpose does not count; one that was not asked leaves the control open."""
    found = standing([("P", "N")] * 3, **other)
    assert found["state"] == state
    assert words in found["remarks"]


def test_a_manual_control_needs_its_attestations():
    """Else it is not evaluated."""
    found = standing([("P", "M"), ("P", "N"), ("P", "N")], enabled=False)
    assert found["state"] == "not-satisfied"
    assert "1 manual evaluations are not attested" in found["remarks"]
    demo = {one["title"]: one["target"]["status"] for one in results(DEMO)["results"][0]["findings"]}
    assert demo["iso-27001 A.5.32"]["state"] == "not-satisfied"


def test_carried_rows_stay_open_events():
    """What could not be looked at is updated, not closed."""
    (event,) = events(carried_over())
    assert (event["activity_name"], event["status"], event["compliance"]["status"]) == (
        "Update",
        "New",
        "Fail",
    )


@pytest.mark.parametrize("module", [ocsf, oscal])
def test_the_same_scan_gives_the_same_bytes(module):
    """No clock, no randomness."""
    first, second = io.BytesIO(), io.BytesIO()
    module.render(DEMO, first)
    module.render(DEMO, second)
    assert first.getvalue() == second.getvalue()
