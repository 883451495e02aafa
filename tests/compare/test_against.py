"""A scan against an earlier one: what is new, gone, changed, back again or only not looked at, and why."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.compare.against import Baseline, against
from scanner.model.finding import Verdict, fingerprint, order
from scanner.model.resource import Problem, SourceRun
from scanner.model.scan import ScopeLine
from tests.formats.sample import (
    ASSIGNMENT,
    CONTOSODEV,
    CONTOSOEU,
    CONTOSOPROD,
    DEV,
    LINES,
    PROD,
    REGISTRIES,
    finding,
    findings,
    proof,
    sample_scan,
)

EARLIER = "2026-11-22T02:00:00Z"
DONE = (SourceRun("azure", REGISTRIES, "complete", 3),)


def rows(*left_out, marked=False):
    """The sample's rows without the marks it comes with, some left out by (rule, resource)."""
    return tuple(
        row if marked else replace(row, change=None, waiver=None, first_seen=None)
        for row in findings()
        if (row.rule, row.resource) not in left_out
    )


def letters(rule, **changes):
    """The sample's lines with other letters for one rule: name=letter, or name=None for no line."""
    place = sample_scan().header.order[REGISTRIES].index(rule)
    found = []
    for line in LINES:
        letter = changes.get(line.name, line.letters[place])
        if letter is not None:
            found.append(replace(line, letters=line.letters[:place] + letter + line.letters[place + 1 :]))
    return tuple(found)


def scan_of(**changes):
    return sample_scan(**{"findings": rows(), "runs": DONE, **changes})


def compared(now, before, **more):
    return against(now, Baseline(before, "last.ndjson", **more))


def one(scan, rule, resource):
    return next(row for row in scan.findings if (row.rule, row.resource) == (rule, resource))


def gone(scan):
    return [(row.rule, row.resource, row.change, row.why) for row in scan.earlier]


def test_against_itself_everything_persists():
    """And the date of the first scan stays."""
    scan = compared(scan_of(), scan_of(now=EARLIER))
    assert {row.change for row in scan.findings} == {"persisting"}
    assert {row.first_seen for row in scan.findings} == {EARLIER}
    assert scan.drift.changes == {"new": 0, "reopened": 0, "changed": 0, "persisting": 9, "resolved": 0}
    assert list(scan.earlier) == []
    assert "the same inventory" in scan.drift.notes[-1]


LACK = (("ACR101", CONTOSOPROD),)


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ({"resources": letters("ACR101", contosoprod="P")}, "resource"),
        ({"resources": letters("ACR101", contosoprod="U")}, "data"),
        ({"resources": letters("ACR101", contosoprod="N")}, "resource"),
        ({"resources": letters("ACR101", contosoprod=None)}, "resource"),
        (
            {
                "resources": letters("ACR101", contosoprod=None),
                "runs": (
                    SourceRun("azure", REGISTRIES, "partial", 1, (Problem(f"/subscriptions/{PROD}", "403"),)),
                ),
            },
            "data",
        ),
        (
            {
                "resources": letters("ACR101", contosoprod=None, contosoeu=None),
                "scope": (ScopeLine(DEV, "", 1),),
                "subscriptions": {DEV: ""},
            },
            "scope",
        ),
        (
            {
                "resources": letters("ACR101", contosoprod=None, contosoeu=None),
                "scope": (ScopeLine(DEV, "", 1), ScopeLine(PROD, "", 0)),
                "subscriptions": {DEV: ""},
            },
            "resource",
        ),
    ],
)
def test_a_new_finding_says_why(before, why):
    """What the earlier scan could not see is not a change of the resource."""
    scan = compared(scan_of(), scan_of(findings=rows(*LACK), now=EARLIER, **before))
    row = one(scan, "ACR101", CONTOSOPROD)
    assert (row.change, row.why, row.first_seen) == ("new", why, scan.header.now)
    assert scan.drift.reasons == {f"new:{why}": 1}


def cards(**changes):
    """The sample's rule cards with changes to ACR101."""
    return tuple(
        replace(card, **changes) if card.id == "ACR101" else card for card in sample_scan().header.rules
    )


@pytest.mark.parametrize(
    "changes",
    [{"digest": "0" * 64}, {"enabled": False}, {"values_digest": "1" * 64}],
)
def test_a_changed_rule_explains_before_the_resource_does(changes):
    """Its condition, its parameters, or whether it is asked."""
    now = scan_of(rules=cards(values_digest="2" * 64))
    old = {"values_digest": "2" * 64, **changes}
    scan = compared(now, scan_of(findings=rows(*LACK), rules=cards(**old), now=EARLIER))
    assert one(scan, "ACR101", CONTOSOPROD).why == "rule"


@pytest.mark.parametrize(
    ("now", "change", "why"),
    [
        ({"resources": letters("ACR101", contosoprod="P")}, "resolved", "resource"),
        ({"resources": letters("ACR101", contosoprod="N")}, "resolved", "resource"),
        ({"resources": letters("ACR101", contosoprod=None)}, "resolved", "resource"),
        (
            {"resources": letters("ACR101", contosoprod="P"), "rules": cards(digest="0" * 64)},
            "resolved",
            "rule",
        ),
        ({"rules": cards(enabled=False)}, "resolved", "rule"),
        ({"rules": cards(not_evaluated="data plane not asked for")}, "persisting", "data"),
        ({"resources": letters("ACR101", contosoprod="U")}, "persisting", "data"),
        ({"resources": letters("ACR101", contosoprod="E")}, "persisting", "data"),
        (
            {
                "resources": letters("ACR101", contosoprod=None),
                "runs": (SourceRun("azure", REGISTRIES, "failed", 0),),
            },
            "persisting",
            "data",
        ),
        (
            {
                "resources": letters("ACR101", contosoprod=None, contosoeu=None),
                "scope": (ScopeLine(DEV, "", 1), ScopeLine(PROD, "", 0, "left out by --exclude")),
            },
            "persisting",
            "data",
        ),
        (
            {
                "resources": letters("ACR101", contosoprod=None, contosoeu=None),
                "scope": (ScopeLine(DEV, "", 1),),
                "subscriptions": {DEV: ""},
            },
            "persisting",
            "scope",
        ),
    ],
)
def test_a_finding_that_is_not_there_any_more_says_why(now, change, why):
    """Resolved only where it was looked at; what was not read is carried on as open."""
    before = scan_of(
        now=EARLIER,
        findings=tuple(row for row in rows() if row.resource == CONTOSOPROD and row.rule == "ACR101"),
    )
    scan = compared(scan_of(**{"findings": (), **now}), before)
    assert gone(scan) == [("ACR101", CONTOSOPROD, change, why)]
    assert scan.drift.changes["resolved"] == (change == "resolved")
    assert scan.drift.carried == (change == "persisting")
    assert next(iter(scan.earlier)).first_seen == EARLIER


def test_an_open_question_is_not_the_end_of_a_failure():
    """The same rule and resource, now unknown: the failure is carried on beside the question."""
    unknown = replace(one(scan_of(), "ACR101", CONTOSOPROD), verdict=Verdict.UNKNOWN, reason="403")
    now = scan_of(findings=(unknown,), resources=letters("ACR101", contosoprod="U"))
    before = scan_of(now=EARLIER, findings=(one(scan_of(), "ACR101", CONTOSOPROD),))
    scan = compared(now, before)
    assert gone(scan) == [("ACR101", CONTOSOPROD, "persisting", "data")]
    assert next(iter(scan.findings)).change == "new"


def test_what_was_carried_stays_open_until_it_is_looked_at():
    """Two nights without data, then a look: persisting, persisting, and only then resolved or still there."""
    failing = scan_of(now=EARLIER, findings=(one(scan_of(), "ACR101", CONTOSOPROD),))
    blind = scan_of(findings=(), resources=letters("ACR101", contosoprod="U"))
    first = compared(blind, failing)
    second = compared(blind, first)
    assert gone(second) == [("ACR101", CONTOSOPROD, "persisting", "data")]
    assert next(iter(second.earlier)).first_seen == EARLIER
    mended = compared(scan_of(findings=(), resources=letters("ACR101", contosoprod="P")), second)
    assert [row[2] for row in gone(mended)] == ["resolved"]
    still = compared(scan_of(findings=(one(scan_of(), "ACR101", CONTOSOPROD),)), second)
    assert (one(still, "ACR101", CONTOSOPROD).change, one(still, "ACR101", CONTOSOPROD).first_seen) == (
        "persisting",
        EARLIER,
    )


def test_what_was_resolved_and_comes_back_is_reopened():
    """With the date on which it was first seen."""
    failing = scan_of(now=EARLIER, findings=(one(scan_of(), "ACR101", CONTOSOPROD),))
    mended = compared(
        scan_of(findings=(), resources=letters("ACR101", contosoprod="P"), now="2026-11-23T00:00:00Z"),
        failing,
    )
    back = compared(
        scan_of(findings=(one(scan_of(), "ACR101", CONTOSOPROD),), now="2026-11-24T00:00:00Z"), mended
    )
    row = one(back, "ACR101", CONTOSOPROD)
    assert (row.change, row.first_seen) == ("reopened", EARLIER)
    assert back.drift.changes["reopened"] == 1


@pytest.mark.parametrize(
    ("old", "why", "was"),
    [
        ({"severity": "low"}, "rule", "was low"),
        ({"waiver": "W-1"}, "waiver", "was waived by W-1"),
        (
            {"evidence": (proof("properties.adminUserEnabled", "yes", "equals", False),)},
            "resource",
            "properties.adminUserEnabled was 'yes'",
        ),
        ({"message": "said otherwise"}, "", ""),
    ],
)
def test_a_finding_that_changed_says_what_it_was(old, why, was):
    """Severity, waiver, observed value; other words for the same are no change."""
    row = one(scan_of(), "ACR101", CONTOSOPROD)
    scan = compared(scan_of(findings=(row,)), scan_of(findings=(replace(row, **old),), now=EARLIER))
    found = one(scan, "ACR101", CONTOSOPROD)
    assert (found.change, found.why) == ("changed" if why else "persisting", why)
    assert was in found.was


def test_an_inherited_finding_is_the_same_whichever_registry_comes_first():
    """It is known by its cause; the first registry may be another one."""
    print_ = fingerprint("ACR301", ASSIGNMENT, "e")
    here = finding(
        "ACR301", LINES[1], Verdict.FAIL, "Owner", element="e", cause=ASSIGNMENT, fingerprint=print_
    )
    there = replace(here, resource=CONTOSOEU, resource_name="contosoeu", affected=(CONTOSOPROD,))
    scan = compared(scan_of(findings=(here,)), scan_of(findings=(there,), now=EARLIER))
    assert [row.change for row in scan.findings] == ["persisting"]
    assert gone(scan) == []


def test_a_rule_that_replaces_another_goes_on_with_its_findings():
    """Also when one rule was split into two."""
    old = replace(
        one(scan_of(), "ACR101", CONTOSOPROD),
        rule="ACR001",
        fingerprint=fingerprint("ACR001", CONTOSOPROD, ""),
    )
    now = scan_of(rules=cards(replaces=("ACR001",)), findings=(one(scan_of(), "ACR101", CONTOSOPROD),))
    before = scan_of(findings=(old,), rules=cards(id="ACR001"), now=EARLIER)
    scan = compared(now, before)
    row = one(scan, "ACR101", CONTOSOPROD)
    assert (row.change, row.first_seen) == ("persisting", EARLIER)
    assert gone(scan) == []


def test_notes_say_what_makes_scans_hard_to_compare():
    """Another pack, other rules, another profile, an order in time that cannot be."""
    before = scan_of(
        pack_digest="0" * 64, profile="development", now="2027-01-01T00:00:00Z", inventory_digest="1"
    )
    notes = " ".join(compared(scan_of(), before, notes=("read from SARIF",)).drift.notes)
    for words in ("read from SARIF", "the rules differ", "the profile differs", "younger"):
        assert words in notes


FAILS = [row for row in rows() if row.verdict is Verdict.FAIL]
SOME = st.sets(st.sampled_from(range(len(FAILS)))).map(
    lambda chosen: tuple(FAILS[at] for at in sorted(chosen))
)


@given(SOME, SOME)
def test_every_row_of_both_scans_is_told_once(before, after):
    """New plus known are the newer scan's rows; known plus gone are the baseline's; both streams stay in order."""
    scan = compared(scan_of(findings=after), scan_of(findings=before, now=EARLIER))
    told = list(scan.findings)
    assert [row.fingerprint for row in told] == [row.fingerprint for row in after]
    earlier = list(scan.earlier)
    assert earlier == sorted(earlier, key=order)
    known = {row.fingerprint for row in told if row.change != "new"}
    assert known == {row.fingerprint for row in before} & {row.fingerprint for row in after}
    assert {row.fingerprint for row in earlier} == {row.fingerprint for row in before} - {
        row.fingerprint for row in after
    }
    drift = scan.drift
    assert sum(drift.changes.values()) - drift.changes["resolved"] == len(after)
    assert drift.changes["resolved"] + drift.carried == len(earlier)
    assert CONTOSODEV  # both subscriptions are in the sample
