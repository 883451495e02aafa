"""The HTML report of a marked scan: waivers, attestations, drift, trend, scope and frameworks, read as a parser reads it."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import pytest

from scanner.formats import html
from scanner.formats.html import accepted, access, controls, drift, show, standing, trend
from scanner.model.finding import Verdict
from scanner.model.framework import Framework, FrameworkControl
from tests.formats import marked, sample
from tests.formats.test_html import ATTRIBUTES, TAGS, Page, parsed, part, table, written


def text_of(scan: Any, name: str) -> str:
    """The words of one part."""
    page = Page()
    page.feed(part(written(scan), name))
    return page.text


def test_the_parts_stand_in_their_order() -> None:
    """Findings, then what was accepted, what people vouch for, what changed; appendix and integrity last."""
    assert html.PARTS == (
        "scope", "completeness", "summary", "controls", "registries", "access", "agreement",
        "findings", "waivers", "manual", "drift", "appendix", "integrity",
    )  # fmt: skip


def test_title_names_the_organisation_and_the_profile() -> None:
    """Whose report it is stands above everything, with the digest of the profile."""
    head = written(marked.marked_scan()).partition("<main")[0]
    assert "<bdi>Contoso</bdi>" in head
    assert "d" * 64 in head
    assert "Organisation" in written(sample.sample_scan()).partition("<main")[0], "not stated is said"


def test_scope_lists_every_subscription_with_its_reason() -> None:
    """Also one without a registry; those that were not looked at altogether come first."""
    text = text_of(marked.marked_scan(), "scope")
    for wanted in (
        "99999999-0000-0000-0000-000000000009",
        "application 11111111-0000-0000-0000-000000000001",
        "2026-11-23 01:40:00 UTC",
        "its resource group rg-locked may not be read",
        "Contoso far",
        "no registry",
        "azure",
        "Complete 1, Partial 1, Failed 1, Not asked for 1",
    ):
        assert wanted in text
    assert text.index("Contoso development") < text.index("Contoso production") < text.index("Contoso far")
    assert "did not record its scope" in text_of(sample.sample_scan(), "scope")
    assert "did not record its scope" not in text


def test_summary_shows_both_scores_and_what_they_leave_out() -> None:
    """The score after waivers stands beside the score, never alone; waived and attested are parts of fail and manual."""
    text = text_of(marked.marked_scan(), "summary")
    for wanted in (
        "10 passes of 19 evaluations",
        "10 passes and 2 waived failures of the same 19 evaluations",
        "of which waived 2 7.4 %",
        "of which attested 1 3.7 %",
        "Not decided: 3 unknown or error, and 2 that wait for a person",
        "New 2",
        "Reopened 1",
        "Changed 2",
        "Resolved 1",
        "Carried on 2",
    ):
        assert wanted in text
    plain = text_of(sample.sample_scan(), "summary")
    assert "after waivers" not in plain
    assert "was not compared with an earlier one" in plain


def test_checks_of_waivers_are_in_no_score() -> None:
    """They count as evaluations and are said to be left out of the score."""
    scan = marked.marked_scan()
    extra = {"WAV001": {"": {Verdict.PASS: 5, Verdict.FAIL: 1}}}
    scan = replace(scan, tallies=replace(scan.tallies, verdicts={**scan.tallies.verdicts, **extra}))
    text = text_of(scan, "summary")
    assert "10 passes of 19 evaluations" in text
    assert "left out of the score (6 evaluations)" in text
    row = re.search(r"\(outside any subscription\)(.*?)Contoso", text)
    assert row
    assert row[1].strip().endswith("\u2013"), "no score of its own"


def test_trend_is_a_chart_with_words_and_a_table() -> None:
    """Title and description for those who do not see it; the table has every number; what was incomplete is marked."""
    text = part(written(marked.marked_scan()), "summary")
    chart = text[text.index('<figure class="trend">') : text.index("</figure>", text.index('class="trend"'))]
    assert 'aria-labelledby="trend-title trend-desc"' in chart
    assert "Open findings over the last 7 scans" in chart
    assert "From 14 on 2026-11-17 02:00:00 UTC to 8 on 2026-11-23 02:00:00 UTC" in chart
    assert chart.count("<circle") == 7
    assert chart.count('class="partly"') == 1
    assert chart.count('class="rules-line"') == 1
    words = text_of(marked.marked_scan(), "summary")
    assert "2026-11-19 02:00:00 UTC 12 54.5 %" in words
    assert "other rules: cccccccccccc" in words
    assert "There is no trend" in text_of(sample.sample_scan(), "summary")


@pytest.mark.parametrize("top", [0, 1, 4, 5, 17, 99, 12_345])
def test_the_trend_stays_in_its_frame(top: Any) -> None:
    """Whatever the numbers, the marks lie between floor and roof and the grid has round steps."""
    points = tuple(replace(point, open_findings=top * (at % 2)) for at, point in enumerate(marked.trend()))
    chart = trend.draw(marked.marked_scan(trend=points))
    assert chart
    assert all(0 < mark.y <= chart.floor for mark in chart.marks)
    assert chart.ticks[-1][1] >= top
    assert 2 <= len(chart.ticks) <= 6


def test_a_gap_in_scanning_is_a_gap_in_the_chart() -> None:
    """Points stand by their time; dates that would overlap are left out; times that cannot be read are spaced evenly."""
    points = [
        replace(point, now=f"2026-11-{day:02d}T02:00:00Z")
        for point, day in zip(marked.trend(), (1, 2, 3, 4, 11, 20, 21), strict=True)
    ]
    chart = trend.draw(marked.marked_scan(trend=tuple(points)))
    assert chart
    steps = [round(after.x - before.x) for before, after in itertools.pairwise(chart.marks)]
    assert steps == [44, 44, 44, 308, 396, 44]
    named = [mark.x for mark in chart.marks if mark.named]
    assert all(after - before >= 110 for before, after in itertools.pairwise(named))
    assert chart.marks[-1].named
    strange = trend.draw(marked.marked_scan(trend=tuple(replace(point, now="soon") for point in points)))
    assert strange
    assert len({round(after.x - before.x) for before, after in itertools.pairwise(strange.marks)}) == 1


def test_a_long_history_shows_its_end() -> None:
    """Thirty scans are drawn, the older ones counted."""
    points = marked.trend() * 6
    chart = trend.draw(marked.marked_scan(trend=points))
    assert chart
    assert len(chart.marks) == 30
    assert chart.left_out == 12
    assert trend.draw(marked.marked_scan(trend=points[:1])) is None


def test_waivers_tell_who_why_and_until_when() -> None:
    """Each state, those that call for somebody first; expired and refused are marked by word, sign and colour."""
    text = part(written(marked.marked_scan()), "waivers")
    words = text_of(marked.marked_scan(), "waivers")
    for wanted in (
        "Mira Solberg", "Ines Dahl", "PLAT-412", "The label printers need ACR102 until spring.", "6 days over",
        "128 days left", "1 day left", "2027-03-31", "compensating control", "the rule may not be waived",
        "All that match /subscriptions/*/contosodev", sample.POLICY, "0.0.0.0/1", "3 waivers do not count",
    ):  # fmt: skip
        assert wanted in words, wanted
    assert re.findall(r'<td data-label="State"><span class="mark e-([\w-]+)">', text) == [
        "expired", "refused", "not-yet", "expires-soon", "unused", "in-force",
    ]  # fmt: skip
    assert text.count('<tr class="over">') == 2
    assert "No waiver file was given" in text_of(sample.sample_scan(), "waivers")


def test_attestations_tell_their_evidence_and_their_end() -> None:
    """One in force and one expired: that one is back to not reviewed; the rule is still open on two registries."""
    words = text_of(marked.marked_scan(), "manual")
    for wanted in (
        "3 evaluations are manual: 1 attested, 2 not reviewed.", "Tomas Quist", "Jon Vik", marked.PROOF, "minutes-2025.pdf",
        "back to not reviewed", "54 days over", "A-01: Expired, so this is not reviewed any more.", "Show the protocol of the last rehearsal",
    ):  # fmt: skip
        assert wanted in words, wanted
    links = [a["href"] for tag, a in parsed(marked.marked_scan()).elements if tag == "a"]
    assert marked.PROOF in links
    assert "minutes-2025.pdf" not in links


def test_rules_that_are_vouched_for_everywhere_are_not_listed_as_open() -> None:
    """All three evaluations attested: nothing is left to review, and the control is attested, not passed."""
    scan = marked.marked_scan()
    full = {"ACR801": {sample.PROD: 2, sample.DEV: 1}}
    scan = replace(scan, tallies=replace(scan.tallies, attested=full))
    assert "Somebody vouches for every manual evaluation." in text_of(scan, "manual")
    stands = standing.stand(scan)
    (row,) = [row for row in stands.rules if row.card.id == "ACR801"]
    assert row.status == "attested"
    assert accepted.gather(scan, stands).unreviewed == []


def test_drift_names_changes_reasons_and_what_was_carried() -> None:
    """Counts with their reasons, then each list; what is gone and what was carried are rows of the baseline."""
    words = text_of(marked.marked_scan(), "drift")
    for wanted in (
        "reports/week-47.ndjson", "2026-11-16 02:00:00 UTC", "0.9.0", "the rules differ: acr 0.9.0 before, 1.0.0 now",
        "the rule or its parameters changed 1", "a waiver changed 1", "$r.value was '0.0.0.0/0'", "Anonymous pull was on.",
        "Was open a week ago.", "Lies outside the scope now.", "data were or are missing",
    ):  # fmt: skip
        assert wanted in words, wanted
    assert re.findall(r'id="drift-(\w+)"', part(written(marked.marked_scan()), "drift")) == [
        "heading",
        "counts", "new", "reopened", "changed", "resolved", "carried",
    ]  # fmt: skip


def test_long_lists_of_drift_keep_the_worst(monkeypatch: Any) -> None:
    """What is left out is milder and counted."""
    monkeypatch.setattr(drift, "ROWS_SHOWN", 1)
    words = text_of(marked.marked_scan(), "drift")
    assert "1 more finding, no worse than these, is not listed" in words


def test_frameworks_list_every_control_of_the_catalogue() -> None:
    """With rules, by acrscan itself, not touched with the reason, and without either; with source, mapping and note."""
    scan = marked.marked_scan()
    text = text_of(scan, "controls")
    for wanted in (
        "Microsoft cloud security benchmark v1", "5 controls:", "2 with rules that decide", "1 met by acrscan itself",
        "1 that the scanner does not touch", "1 without a rule and without a reason", "The initiative's own groups; the rest is ours.",
        "No initiative names a control for anonymous pull.", "Use centralized identity", "it is about hosts",
        "shown by tests/test_clock.py", "nobody stated why", "Only controls that concern a registry are listed",
        "Fail, waived", "1 failure is waived", "1 evaluation is attested", "carries no catalogue of this framework",
    ):  # fmt: skip
        assert wanted in text, wanted
    views = controls.by_framework(standing.stand(scan).rules, marked.FRAMEWORKS)
    assert [view.id for view in views] == ["mcsb", "acr-faq", "cis-azure"]
    assert [row.id for row in views[0].rows] == ["IM-1", "NS-2", "LT-9", "PV-6", "GS-1"]


def test_a_control_that_the_catalogue_does_not_know_still_shows() -> None:
    """A mapping to an id outside the catalogue is not lost, and manual controls are told apart."""
    bare = Framework("acr-faq", "FAQ", "", "", (FrameworkControl("other", "Another"),))
    views = controls.by_framework(standing.stand(sample.sample_scan()).rules, (bare,))
    assert [row.id for row in views[0].rows] == ["other", "admin-user"]
    only = standing.stand(sample.sample_scan(rules=(sample.CARDS[8],))).rules
    assert controls.by_framework(only)[0].rows[0].share == "manual"


@pytest.mark.parametrize(
    ("counts", "waived", "attested", "expected"),
    [
        ({Verdict.FAIL: 2, Verdict.PASS: 5}, 2, 0, "waived"),
        ({Verdict.FAIL: 2}, 1, 0, "fail"),
        ({Verdict.FAIL: 1, Verdict.UNKNOWN: 1}, 1, 0, "unknown"),
        ({Verdict.MANUAL: 3}, 0, 2, "manual"),
        ({Verdict.MANUAL: 3}, 0, 3, "attested"),
        ({Verdict.MANUAL: 1, Verdict.PASS: 9}, 0, 1, "attested"),
    ],
)
def test_accepted_is_never_pass(counts: Any, waived: Any, attested: Any, expected: Any) -> None:
    """A waived failure and an attested control are told as what they are."""
    full = dict.fromkeys(Verdict, 0) | counts
    assert standing.status_of(sample.CARDS[0], full, waived, attested) == expected


def test_findings_tell_waiver_lapse_attestation_and_change() -> None:
    """In the plain rows, which need no script, and in the data of the table."""
    words = text_of(marked.marked_scan(), "findings")
    for wanted in (
        "9 of them failed (2 of those waived)", "W-12: The label printers need ACR102 until spring. Owner: Mira Solberg; approved by Ines Dahl; until 2027-03-31, 128 days left",
        "W-08: The label printers need ACR101 until spring.", "6 days over", "A-02: The restore was rehearsed", "Changed: the rule or its parameters changed ($r.value was '0.0.0.0/0')",
    ):  # fmt: skip
        assert wanted in words, wanted
    data = table(written(marked.marked_scan()))
    assert data["waivers"]["W-08"]["daysLeft"] == -6
    assert data["waivers"]["W-14"]["state"] == "refused"
    assert data["attestations"]["A-02"]["evidenceLink"] == marked.PROOF
    assert data["attestations"]["A-01"]["evidenceLink"] == ""


def test_integrity_holds_every_digest() -> None:
    """Inventory, pack, profile, waivers, baseline, catalogue, and the table; with how to check them."""
    scan = marked.marked_scan()
    words = text_of(scan, "integrity")
    for digest in (
        scan.header.inventory_digest, scan.header.pack_digest, "d" * 64, "e" * 64, "f" * 64, "1" * 64, marked.DIGEST,
    ):  # fmt: skip
        assert digest in words
    assert "acrscan verify" in words
    assert "no waiver file" in text_of(sample.sample_scan(), "integrity")


@pytest.mark.parametrize("number", range(len(sample.HOSTILE)))
def test_hostile_marks_stay_text(number: Any) -> None:
    """Waivers, attestations, scope, frameworks, baseline and history are data whatever they hold."""
    page = parsed(marked.hostile_marked(sample.HOSTILE[number]))
    assert {tag for tag, _ in page.elements} <= TAGS
    assert {name for _, a in page.elements for name in a if not name.startswith("aria-")} <= ATTRIBUTES | {
        "title"
    }
    assert [tag for tag, _ in page.elements].count("script") == 2
    for target in page.attributes("href"):
        assert target.startswith(
            ("#", "data:image/svg+xml,", "https://learn.microsoft.com/", "https://portal.azure.com/")
        )


def test_evidence_is_linked_only_when_it_is_a_plain_https_address() -> None:
    """Any host may hold evidence, but nothing that only looks like an address of it."""
    link = show.evidence_link
    assert link("https://wiki.contoso.example/a?b=1#c") != ""
    for bad in (
        "http://wiki.contoso.example/", "https://user@wiki.contoso.example/", "https://wiki/", "javascript:alert(1)",
        "https://wiki.contoso.example/\n", "https://wiki.contoso.example/a b", "https://wiki.contoso.example/\u202e", "",
    ):  # fmt: skip
        assert link(bad) == "", bad


def test_access_of_a_large_estate_is_bounded(monkeypatch: Any) -> None:
    """The registries with most ways in stay, the others are counted; who can push stands in the summary line."""
    assert "Push: build-agent (Owner)" in text_of(sample.sample_scan(), "access")
    monkeypatch.setattr(access, "REGISTRIES_SHOWN", 1)
    text = text_of(sample.sample_scan(), "access")
    assert "2 more registries, with fewer ways in, are not listed" in text
    assert "contosoprod" in text
    assert "contosodev" not in text
