"""Waivers mark rows and are counted; what does not count marks nothing and is told."""

from dataclasses import replace

import pytest

from scanner.model.finding import Verdict
from scanner.model.waiver import Coverage
from scanner.waivers.apply import apply
from scanner.waivers.checks import ATTESTATIONS, WAIVERS
from tests.formats.sample import (
    ASSIGNMENT,
    CONTOSODEV,
    CONTOSOEU,
    CONTOSOPROD,
    LINES,
    NOW,
    finding,
    findings,
    fingerprint,
    sample_scan,
)
from tests.waivers.building import attestation, register, waiver


def rows_of(scan, rule="ACR101"):
    return {(row.resource, row.element): row for row in scan.findings if row.rule == rule}


def told(scan):
    """(rule, entry) of what is said of entries."""
    return {(row.rule, row.resource_name) for row in scan.findings if row.rule.startswith("WAV")}


def state_of(scan, name="W-1"):
    return next(line.state for line in scan.waivers if line.waiver.id == name)


def test_an_exact_waiver_marks_one_resource_and_changes_no_verdict():
    """The row stays a failure; beside the counts of failures stands what is waived."""
    plain = sample_scan()
    scan = apply(plain, register(waiver()))
    rows = rows_of(scan)
    assert rows[CONTOSOPROD, ""].waiver == "W-1"
    assert rows[CONTOSODEV, ""].waiver is None
    assert all(row.verdict is Verdict.FAIL for row in rows.values())
    assert scan.tallies.of_rule("ACR101") == plain.tallies.of_rule("ACR101")
    assert scan.tallies.waived == {"critical": 1, "high": 0, "medium": 0, "low": 0, "info": 0}
    assert scan.tallies.waived_evaluations == {"ACR101": {LINES[1].subscription: 1}}
    assert scan.waivers[0].findings == 1
    assert scan.tallies.score() == plain.tallies.score()


@pytest.mark.parametrize(
    ("now", "state", "covered"),
    [
        ("2026-11-30T23:59:59Z", "expires-soon", True),
        ("2026-12-01T00:00:00Z", "expired", False),
        ("2026-11-01T00:00:00Z", "expires-soon", True),
        ("2026-10-31T23:59:59Z", "not-yet", False),
    ],
)
def test_the_last_day_counts_and_the_first_day_too(now, state, covered):
    """Both ends are inclusive, in UTC."""
    scan = apply(sample_scan(now=now), register(waiver(expires="2026-11-30")))
    row = rows_of(scan)[CONTOSOPROD, ""]
    assert state_of(scan) == state
    assert (row.waiver, row.lapsed) == (("W-1", "") if covered else (None, "W-1"))
    assert (("WAV001", "W-1") in told(scan)) == (state == "expired")


@pytest.mark.parametrize("dates", [("2026-11-01", "soon"), ("", ""), ("2026-13-01", "2027-01-01")])
def test_dates_that_cannot_be_read_never_count(dates):
    """A register that did not come from the reader fails closed as well."""
    scan = apply(sample_scan(), register(waiver(created=dates[0], expires=dates[1])))
    assert state_of(scan) == "expired"
    assert rows_of(scan)[CONTOSOPROD, ""].waiver is None


def test_rules_that_may_not_be_waived_and_too_long_waivers_are_refused():
    """Both do not count, and both are findings of high severity."""
    header = sample_scan().header
    cards = tuple(replace(card, waivable=card.id != "ACR101") for card in header.rules)
    scan = apply(
        sample_scan(rules=cards),
        register(waiver(), waiver("W-2", "ACR402", resource=CONTOSODEV, expires="2028-01-01")),
    )
    assert (state_of(scan), state_of(scan, "W-2")) == ("refused", "refused")
    assert {("WAV006", "W-1"), ("WAV006", "W-2")} <= told(scan)
    assert not any(row.waiver for row in scan.findings)


def test_elements_are_waived_one_by_one():
    """One of two offending elements: the evaluation still fails; both: it is accepted altogether."""
    one = waiver(rule="ACR201", element="20.0.0.0/8")
    scan = apply(sample_scan(), register(one))
    rows = rows_of(scan, "ACR201")
    assert rows[CONTOSOPROD, "20.0.0.0/8"].waiver == "W-1"
    assert rows[CONTOSOPROD, "0.0.0.0/1"].waiver is None
    assert scan.tallies.waived_evaluations == {}
    both = apply(sample_scan(), register(one, waiver("W-2", "ACR201", element="0.0.0.0/1")))
    assert both.tallies.waived_evaluations == {"ACR201": {LINES[1].subscription: 1}}


def test_a_glob_stays_within_a_segment_unless_told_otherwise():
    """`*` is a name or part of one, `**` anything; case does not matter, dots are dots."""
    group = CONTOSOPROD.rpartition("/")[0]
    for pattern, hits in [
        (f"{group}/contoso*".upper(), True),
        (f"{group}/contosopr?d", True),
        ("/subscriptions/*/contosoprod", False),
        ("/subscriptions/**/contosoprod", True),
        (f"{group}/contosopro", False),
        (f"{group.replace('Microsoft.', 'Microsoftx')}/*", False),
    ]:
        scan = apply(sample_scan(), register(waiver(glob=pattern)))
        assert bool(rows_of(scan)[CONTOSOPROD, ""].waiver) is hits, pattern


def test_an_inherited_finding_needs_what_covers_all_of_it():
    """One registry of two does not accept the finding for both; the cause, a glob over both or the fingerprint does."""
    row = finding(
        "ACR301", LINES[0], Verdict.FAIL, "Owner", element="e", cause=ASSIGNMENT, affected=(CONTOSOPROD,)
    )
    base = sample_scan(findings=(row,))
    for target, covered in [
        ({"resource": CONTOSOEU}, False),
        ({"resource": CONTOSOPROD}, False),
        ({"resource": ASSIGNMENT}, True),
        ({"glob": f"{CONTOSOEU.rpartition('/')[0]}/*"}, True),
        ({"glob": f"{CONTOSOEU.rpartition('/')[0]}/contosoe*"}, False),
        ({"fingerprint": row.fingerprint}, True),
    ]:
        scan = apply(base, register(waiver(rule="ACR301", **target)))
        assert bool(next(iter(scan.findings)).waiver) is covered, target
        assert sum(scan.tallies.waived_evaluations.get("ACR301", {}).values()) == (2 if covered else 0)


def test_a_rule_that_replaces_another_carries_its_waivers_on():
    """By resource and by the fingerprint that the finding had under the old rule."""
    header = sample_scan().header
    cards = tuple(replace(card, replaces=("ACR001",) if card.id == "ACR101" else ()) for card in header.rules)
    for target in ({"resource": CONTOSOPROD}, {"fingerprint": fingerprint("ACR001", CONTOSOPROD)}):
        scan = apply(sample_scan(rules=cards), register(waiver(rule="ACR001", **target)))
        assert rows_of(scan)[CONTOSOPROD, ""].waiver == "W-1", target
        assert state_of(scan) == "in-force"


def test_unused_is_said_only_where_it_is_known():
    """Nothing covered: a finding. Data missing, rule not asked, subscription elsewhere: not a finding."""
    scan = apply(
        sample_scan(),
        register(
            waiver("idle", "ACR402", resource=CONTOSOEU),
            waiver("unread", "ACR501"),
            waiver("notAsked", "ACR901"),
            waiver("elsewhere", "ACR101", resource=CONTOSOPROD.replace("0001", "0009")),
            waiver("gone", "ACR999"),
        ),
    )
    failed = {
        row.resource_name for row in scan.findings if row.rule == "WAV002" and row.verdict is Verdict.FAIL
    }
    unknown = {
        row.resource_name for row in scan.findings if row.rule == "WAV002" and row.verdict is Verdict.UNKNOWN
    }
    assert (failed, unknown) == ({"idle"}, {"unread"})
    assert state_of(scan, "idle") == "unused"
    letters = {line.name: line.letters[1] for line in scan.resources if line.type == WAIVERS}
    assert letters == {"idle": "F", "unread": "U", "notAsked": "N", "elsewhere": "N", "gone": "N"}


def test_broad_double_and_self_approved_waivers_are_findings():
    """Each is in force all the same: people are told, nothing is hidden."""
    scan = apply(
        sample_scan(),
        register(
            waiver("W-1"),
            waiver("W-2", approver="MIRA"),
            waiver("W-3", "ACR201", glob="**"),
            waiver("W-4", "ACR402", glob=f"{CONTOSODEV.rpartition('/')[0]}/*"),
            broad=2,
        ),
    )
    assert {("WAV004", "W-2"), ("WAV007", "W-2"), ("WAV003", "W-3")} <= told(scan)
    assert ("WAV003", "W-4") not in told(scan)
    assert rows_of(scan)[CONTOSOPROD, ""].waiver == "W-1"


def test_attestations_answer_manual_controls_until_they_end():
    """The verdict stays manual; met, not met and expired are told apart, and the latest word counts."""
    scan = apply(sample_scan(), register(attestation()))
    assert {row.attestation for row in scan.findings if row.verdict is Verdict.MANUAL} == {"A-1"}
    assert scan.tallies.attested_total() == 3
    late = apply(
        sample_scan(), register(attestation(), attestation("A-2", created="2026-11-02", result="not-met"))
    )
    assert late.tallies.attested_total() == 0
    assert ("WAV103", "A-2") in told(late)
    ended = apply(sample_scan(), register(attestation(created="2026-01-01", expires="2026-06-30")))
    assert ended.tallies.attested_total() == 0
    assert {row.lapsed for row in ended.findings if row.verdict is Verdict.MANUAL} == {"A-1"}
    assert ("WAV101", "A-1") in told(ended)
    wrong = apply(sample_scan(), register(attestation(rule="ACR101", covers=Coverage("ACR101", glob="**"))))
    assert ("WAV104", "A-1") in told(wrong)


def test_rows_about_entries_are_counted_like_all_others():
    """Findings, verdicts, resources and letters of the checks fit together, and the score knows nothing of them."""
    scan = apply(sample_scan(), register(waiver(), waiver("W-2", approver="mira"), attestation()))
    rows = [row for row in scan.findings if row.verdict is Verdict.FAIL]
    assert len(rows) == sum(scan.tallies.findings.values())
    lines = [line for line in scan.resources if line.type in (WAIVERS, ATTESTATIONS)]
    assert scan.tallies.resources[WAIVERS] == 2
    assert scan.tallies.resources[ATTESTATIONS] == 1
    for line in lines:
        assert len(line.letters) == len(scan.header.order[line.type])
    letters = "".join(line.letters for line in lines)
    counted = sum(
        sum(scan.tallies.of_rule(card.id).values()) for card in scan.header.rules if card.id.startswith("WAV")
    )
    assert counted == len(letters)
    assert scan.tallies.score() == sample_scan().tallies.score()


def test_applied_again_the_old_marks_go_first():
    """A stored scan that was marked takes another register as if it had had none."""
    plain = sample_scan(findings=tuple(replace(row, waiver=None) for row in findings()))
    once = apply(plain, register(waiver(), attestation()))
    twice = apply(once, register(waiver("W-9", "ACR402", resource=CONTOSODEV)))
    fresh = apply(plain, register(waiver("W-9", "ACR402", resource=CONTOSODEV)))
    assert list(twice.findings) == list(fresh.findings)
    assert list(twice.resources) == list(fresh.resources)
    assert twice.tallies == fresh.tallies
    assert twice.header == fresh.header
    none = apply(once, register())
    assert not any(row.waiver or row.attestation for row in none.findings)


def test_the_clock_is_the_scans_own():
    """The state of a waiver in a stored scan does not depend on when it is rendered."""
    assert state_of(apply(sample_scan(now=NOW), register(waiver()))) == "in-force"
