"""A SARIF file of ours as a baseline: what was written comes back, and what is not ours or broken is refused."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from scanner.cli.marking import baseline_of
from scanner.compare.against import Baseline, against
from scanner.errors import InputError
from scanner.model.finding import Verdict
from scanner.model.resource import Origin, Problem, SourceRun
from tests.formats.sample import CARDS, CONTOSOEU, CONTOSOPROD, LINES, REGISTRIES, finding, hostile_scan
from tests.formats.sarif_tools import (
    EARLIER,
    compared_scan,
    rendered,
    results,
    run_of,
    settings_of,
    unmarked,
    waived_scan,
    whole_scan,
)


def saved(tmp_path, scan, profile="generic", **changes):
    """The scan's log in a file."""
    path = tmp_path / "last.sarif"
    path.write_bytes(rendered(scan, settings_of(profile, **changes)))
    return path


def baseline(tmp_path, scan, profile="generic", **changes):
    """The scan's log, read back as `--baseline` does."""
    return baseline_of(str(saved(tmp_path, scan, profile, **changes)))


def old_scan(**changes):
    """A whole scan of a week before."""
    return whole_scan(now=EARLIER, **changes)


def test_rows_come_back_as_far_as_sarif_keeps_them(tmp_path):
    """Everything that a comparison or a carried row needs."""
    scan = waived_scan(old_scan())
    found = baseline(tmp_path, scan)
    assert (found.scan.header.now, found.lines) == (EARLIER, False)
    head = found.scan.header
    assert (head.pack_id, head.pack_digest, head.profile) == (
        scan.header.pack_id, scan.header.pack_digest, scan.header.profile,
    )  # fmt: skip
    assert head.inventory_digest == scan.header.inventory_digest
    wanted = [*scan.findings]
    assert len(wanted) == len(list(found.scan.findings)) == 13
    for row, back in zip(wanted, found.scan.findings, strict=True):
        for name in ("rule", "severity", "verdict", "resource", "resource_type", "resource_name", "subscription",
                     "resource_group", "location", "element", "fingerprint", "affected", "waiver", "cause", "qualifier",
                     "commands", "api_version", "evidence"):  # fmt: skip
            assert getattr(back, name) == getattr(row, name), name
        assert back.message == row.message.rstrip(".")


def test_values_of_parameters_come_back(tmp_path):
    """A changed parameter explains a change of findings."""
    cards = tuple(replace(card, values_digest="ab" * 32) for card in CARDS)
    found = baseline(tmp_path, old_scan(rules=cards))
    assert {card.values_digest for card in found.scan.header.rules} == {"ab" * 32}
    assert {card.digest for card in found.scan.header.rules} == {card.digest for card in CARDS}
    row = finding("ACR301", LINES[0], Verdict.FAIL, "x", cause="/subscriptions/x")
    (shown,) = results(run_of(whole_scan(findings=(row,))), verdict="fail")
    assert shown["properties"]["acrscan/cause"] == "/subscriptions/x"


@pytest.mark.parametrize("profile", ["generic", "github", "azdo"])
def test_against_the_same_scan_nothing_changed(tmp_path, profile):
    """The same in every profile; code scanning's knows failures only."""
    scan = against(whole_scan(), baseline(tmp_path, old_scan(), profile))
    failed = [row for row in scan.findings if row.verdict is Verdict.FAIL]
    assert {row.change for row in failed} == {"persisting"}
    assert {row.first_seen for row in failed} == {EARLIER}
    assert list(scan.earlier) == []


@pytest.mark.parametrize("profile", ["generic", "github"])
def test_changes_against_a_log(tmp_path, profile):
    """New, changed and resolved, as against a stored scan."""
    before = tuple(
        replace(row, evidence=(replace(row.evidence[0], actual="0.0.0.0/2"),))
        if row.element == "0.0.0.0/1"
        else row
        for row in old_scan().findings
        if (row.rule, row.resource) != ("ACR402", CONTOSOPROD)
    )
    now = tuple(row for row in whole_scan().findings if row.rule != "ACR301")
    letters = tuple(replace(line, letters=line.letters[:3] + "P" + line.letters[4:]) for line in LINES)
    lines = tuple(replace(line, letters=line.letters.replace("U", "P").replace("E", "P")) for line in letters)
    scan = against(
        whole_scan(findings=now, resources=lines), baseline(tmp_path, old_scan(findings=before), profile)
    )
    assert scan.drift is not None
    assert scan.drift.changes == {"new": 1, "reopened": 0, "changed": 1, "persisting": 6, "resolved": 1}
    assert [(row.rule, row.change, row.why) for row in scan.earlier] == [("ACR301", "resolved", "resource")]
    (changed,) = [row for row in scan.findings if row.change == "changed"]
    assert (changed.rule, changed.was) == ("ACR201", "$r.value was '0.0.0.0/2'")
    run = run_of(scan, settings_of(profile))
    states = Counter(
        row["baselineState"] for row in run["results"] if row["properties"]["acrscan/verdict"] == "fail"
    )
    absent = {"absent": 1} if profile == "generic" else {}
    assert states == {"new": 1, "updated": 1, "unchanged": 6, **absent}


def test_alerts_survive_nights_without_data(tmp_path):
    """Night after night nothing can be read, log after log: the alert stays, its words and its first sight too."""
    text = "See [the page](https://example.com) of 'x'."
    row = finding("ACR101", LINES[1], Verdict.FAIL, text, commands=(("az", "acr", "update"),))
    scan = old_scan(findings=(row,))
    blind = {
        "findings": (),
        "resources": (),
        "runs": (SourceRun("azure", REGISTRIES, "failed", 0, (Problem("", "HTTP 403"),)),),
    }
    seen = []
    for night in range(1, 5):
        old = baseline(tmp_path, scan, "github")
        scan = against(whole_scan(now=f"2026-11-2{night}T02:00:00Z", **blind), old)
        (shown,) = run_of(scan, settings_of("github"))["results"]
        assert shown["properties"]["acrscan/carriedForward"] is True
        assert shown["fingerprints"]["acrscan/v1"] == row.fingerprint
        assert shown["provenance"]["firstDetectionTimeUtc"] == EARLIER
        assert shown["properties"]["acrscan/commands"] == [["az", "acr", "update"]]
        seen.append(shown["message"]["text"])
    assert len(set(seen)) == 1


def test_a_carried_template_finding_keeps_its_line(tmp_path):
    """File, line and column come back from the log."""
    origin = Origin("arm", "infra/registry.bicep", 12, 3)
    row = finding("ACR101", LINES[1], Verdict.FAIL, "x", origin=origin)
    (back,) = baseline(tmp_path, old_scan(findings=(row,))).scan.findings
    assert back.origin == origin


def test_what_was_resolved_can_be_reopened(tmp_path):
    """Absent results are the baseline's resolved rows; what was carried is open."""
    scan = compared_scan()
    found = baseline(tmp_path, scan)
    assert [(row.rule, row.change) for row in found.scan.earlier] == [("ACR401", "resolved")]
    assert ("ACR501", CONTOSOEU, Verdict.FAIL) in {
        (row.rule, row.resource, row.verdict) for row in found.scan.findings
    }
    again = against(whole_scan(findings=unmarked(), now="2026-11-24T02:00:00Z"), found)
    (row,) = [row for row in again.findings if row.rule == "ACR401"]
    assert row.change == "reopened"


def test_what_a_log_leaves_out_is_said(tmp_path):
    """Waived rows of the profile github, and what its limit cut off."""
    drift = against(whole_scan(), baseline(tmp_path, old_scan(), "github", sarif_limit=4)).drift
    assert drift is not None
    notes = drift.notes
    assert any("leaves waived findings out" in note for note in notes)
    assert any("left 5 findings out" in note for note in notes)
    assert not any("limit" in note for note in baseline(tmp_path, old_scan()).notes)


def test_a_baseline_that_was_partial_itself_is_told(tmp_path):
    """Stored or SARIF: unless it carried on what it did not see."""
    hole = (SourceRun("azure", REGISTRIES, "failed", 0, (Problem("", "HTTP 403"),)),)
    partly = old_scan(runs=hole)
    carrying = against(partly, Baseline(partly, "first.ndjson"))
    for scan, blind in ((old_scan(), False), (partly, True), (carrying, False)):
        for one in (Baseline(scan, "last.ndjson"), baseline(tmp_path, scan)):
            drift = against(whole_scan(), one).drift
            assert drift is not None
            assert any("did not look at everything" in note for note in drift.notes) is blind


def test_hostile_texts_come_back_as_data(tmp_path):
    """As they were made visible; nothing is lost on the way."""
    scan = hostile_scan()
    found = baseline(tmp_path, scan)
    assert Counter(row.fingerprint for row in found.scan.findings) == Counter(
        row.fingerprint for row in scan.findings
    )


def broken(change):
    """A log in which something was changed."""
    log = json.loads(rendered(whole_scan()))
    change(log)
    return json.dumps(log)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (broken(lambda log: log["runs"][0]["tool"]["driver"].update(name="othertool")), "'othertool', not by acrscan"),
        (broken(lambda log: log.update(version="2.2.0")), "no SARIF 2.1.0 file"),
        (broken(lambda log: log.update(runs=[])), "no SARIF 2.1.0 file"),
        (broken(lambda log: log.update(runs=[3])), "not by acrscan"),
        (broken(lambda log: log["runs"][0].pop("invocations")), "lacks what acrscan writes"),
        (broken(lambda log: log["runs"][0].pop("results")), "lacks its results"),
        (broken(lambda log: log["runs"][0].pop("logicalLocations")), "lacks its results"),
        (broken(lambda log: log["runs"][0]["results"][2].pop("fingerprints")), "result 2 is not one"),
        (broken(lambda log: log["runs"][0]["results"][1].pop("locations")), "result 1 is not one"),
        (broken(lambda log: log["runs"][0]["results"][0]["properties"].update({"acrscan/verdict": "ok"})), "result 0"),
        (broken(lambda log: log["runs"][0]["results"][0]["locations"][0]["logicalLocations"][0].update(index=99)), "result 0"),
        ('{"version": "2.1.0", "runs": [', ""),
        ("[]", "no SARIF 2.1.0 file"),
        ("", ""),
        ("\x00\x01", ""),
    ],
)  # fmt: skip
def test_what_is_not_ours_or_broken_is_refused(tmp_path, text, words):
    """With the file's name, and never as a baseline without findings."""
    path = tmp_path / "last.sarif"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        baseline_of(str(path))
    assert words in caught.value.what
    assert str(path) in str(caught.value)
