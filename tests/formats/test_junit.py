"""JUnit: every evaluation is a test case, numbers are right, and any text is valid XML."""

import io
import re
import tracemalloc
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace

import junitparser
import pytest

from scanner.cli.demo import sampled
from scanner.formats import junit
from scanner.formats.junit.cases import ROWS_TOLD
from scanner.model.finding import Verdict
from scanner.model.resource import Origin
from tests.formats.hostile_marks import hostile_marked, marked_scan
from tests.formats.sample import (
    CONTOSODEV,
    CONTOSOPROD,
    HOSTILE,
    LINES,
    PROD,
    REGISTRIES,
    empty_scan,
    finding,
    findings,
    hostile_scan,
    large_scan,
    sample_scan,
)

SCANS = [sample_scan, hostile_scan, marked_scan, hostile_marked, empty_scan, sampled]
ALLOWED = {
    "testsuites": ({"name", "tests", "failures", "errors", "skipped"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "timestamp"},
        {"properties", "testcase"},
    ),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "testcase": ({"name", "classname"}, {"failure", "error", "skipped"}),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "skipped": ({"message"}, set()),
}
"""Element -> (its attributes, its children): the part of the common JUnit schemas that we write."""
INVALID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def rendered(scan):
    out = io.BytesIO()
    junit.render(scan, out)
    return out.getvalue()


def root_of(scan):
    return ET.fromstring(rendered(scan))


def case_of(root, resource, rule):
    for suite in root.iter("testsuite"):
        held = {one.get("name"): one.get("value") for one in suite.iter("property")}
        if held.get("resource") == resource:
            return next(one for one in suite.iter("testcase") if one.get("name").split()[0] == rule)
    raise AssertionError(resource)


@pytest.mark.parametrize("make", SCANS, ids=lambda one: one.__name__)
def test_numbers_are_those_of_the_scan(make):
    """Cases and outcomes of the whole and of each suite; failures are those that are not waived altogether."""
    scan = make()
    root = root_of(scan)
    total = scan.tallies.total()
    assert int(root.get("tests")) == sum(total.values())
    assert int(root.get("errors")) == total[Verdict.UNKNOWN] + total[Verdict.ERROR]
    passed = [one for one in root.iter("testcase") if not len(one)]
    assert len(passed) == total[Verdict.PASS]
    waived = sum("waived by" in one.get("message") for one in root.iter("skipped"))
    assert int(root.get("failures")) == total[Verdict.FAIL] - waived
    assert int(root.get("skipped")) == waived + total[Verdict.NOT_APPLICABLE] + total[Verdict.MANUAL]
    sums: Counter[str] = Counter()
    for suite in root.iter("testsuite"):
        assert int(suite.get("tests")) == len(list(suite.iter("testcase")))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(name)) == len(list(suite.iter(tag)))
        for name in ("tests", "failures", "errors", "skipped"):
            sums[name] += int(suite.get(name))
    assert {name: int(root.get(name)) for name in ("tests", "failures", "errors", "skipped")} == dict(sums)


def test_waived_failures_are_those_of_the_tallies():
    """The sample estate has waivers in force: the evaluations they cover altogether are skipped, no others."""
    scan = sampled()
    waived = [one for one in root_of(scan).iter("skipped") if "waived by" in one.get("message")]
    assert len(waived) == scan.tallies.accepted() > 0
    assert all("until" in one.get("message") for one in waived)


@pytest.mark.parametrize("make", SCANS, ids=lambda one: one.__name__)
def test_the_structure_is_that_of_the_schemas(make):
    """Known elements with known attributes, properties first, each case named once."""
    root = root_of(make())
    assert root.tag == "testsuites"
    for parent in root.iter():
        attributes, children = ALLOWED[parent.tag]
        assert set(parent.attrib) <= attributes
        assert {child.tag for child in parent} <= children
    for suite in root.iter("testsuite"):
        assert [child.tag for child in suite].count("properties") == 1
        assert suite[0].tag == "properties"
    names = Counter((one.get("classname"), one.get("name")) for one in root.iter("testcase"))
    assert not names or max(names.values()) == 1


@pytest.mark.parametrize("make", SCANS, ids=lambda one: one.__name__)
def test_a_reader_of_others_reads_it(make, tmp_path):
    """junitparser finds the same numbers."""
    scan = make()
    path = tmp_path / "report.xml"
    path.write_bytes(rendered(scan))
    read = junitparser.JUnitXml.fromfile(str(path))
    told = (read.tests, read.failures, read.errors, read.skipped)
    read.update_statistics()
    assert (read.tests, read.failures, read.errors, read.skipped) == told
    assert read.tests == sum(scan.tallies.total().values())


@pytest.mark.parametrize("make", [hostile_scan, hostile_marked])
def test_hostile_texts_are_shown_and_nothing_else(make):
    """Characters that XML forbids, markup and terminal sequences come out as visible text."""
    content = rendered(make()).decode("utf-8")
    assert not INVALID.search(content)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x80-\x9f\u2028\u2029]", content)
    root = ET.fromstring(content)
    said = "".join(one.get("message") or "" for one in root.iter())
    assert "</script><!--<script>]]>&amp;&lt;" in said
    assert "nul\\x00tab new line back\\x08bell\\x07" in said
    assert len(HOSTILE) == len({one.get("classname") for one in root.iter("testcase")})


def test_each_verdict_has_its_outcome_and_reason():
    """Failure with what was found, error with why, skipped with the waiver, the condition or what to attest."""
    root = root_of(marked_scan())
    failed = case_of(root, CONTOSOPROD, "ACR101")[0]
    assert (failed.tag, failed.get("type")) == ("failure", "critical")
    assert failed.get("message") == "The admin user is enabled. [new]"
    assert "properties.adminUserEnabled is true, expected equals false" in failed.text
    assert "To mend: az acr update" in failed.text
    waived = case_of(root, CONTOSOPROD, "ACR102")[0]
    assert waived.tag == "skipped"
    assert waived.get("message").startswith("waived by W-12 (owner@contoso.example, until 2026-12-01)")
    assert "Public base images" in waived.text
    several = case_of(root, CONTOSOPROD, "ACR201")[0]
    assert several.get("message").endswith("(and 1 more)")
    assert "20.0.0.0/8" in several.text
    unknown = case_of(root, CONTOSOPROD, "ACR501")[0]
    assert (unknown.tag, unknown.get("type")) == ("error", "unknown")
    assert "data is missing: HTTP 403" in unknown.get("message")
    error = case_of(root, CONTOSOPROD, "ACR601")[0]
    assert (error.tag, error.get("type")) == ("error", "error")
    manual = case_of(root, CONTOSOPROD, "ACR801")[0]
    assert manual.get("message").startswith("attested as met: A-1 (ops@contoso.example, until 2027-11-01)")
    todo = case_of(root, CONTOSODEV, "ACR801")[0]
    assert todo.get("message").startswith("to be attested by a person: ")
    skipped = case_of(root, CONTOSODEV, "ACR201")[0]
    assert (skipped.tag, skipped.get("message")[:26]) == ("skipped", "the rule does not apply: i")
    assert len(case_of(root, CONTOSODEV, "ACR102")) == 0
    lapsed = case_of(root, CONTOSODEV, "ACR101")[0]
    assert lapsed.tag == "failure"
    assert "[W-9 does not count]" in lapsed.get("message")


def test_a_shared_cause_fails_every_resource_it_affects():
    """The row stands at the first; the second fails as well and says where it is told."""
    root = root_of(sample_scan())
    first = case_of(root, LINES[0].id, "ACR301")[0]
    second = case_of(root, CONTOSOPROD, "ACR301")[0]
    assert first.get("message") in second.get("message")
    assert "(told at contosoeu, same cause)" in second.get("message")


def test_a_shared_waiver_skips_only_what_it_covers_altogether():
    """A resource with a waived shared row and an open row of its own still fails."""
    shared, *rest = findings()
    own = finding("ACR301", LINES[1], Verdict.FAIL, "Another owner.", element="b")
    rows = sorted(
        [replace(shared, waiver="W-1"), own, *rest], key=lambda row: (LINES.index(_line(row)), row.rule)
    )
    root = root_of(sample_scan(findings=tuple(rows)))
    assert case_of(root, LINES[0].id, "ACR301")[0].tag == "skipped"
    both = case_of(root, CONTOSOPROD, "ACR301")[0]
    assert both.tag == "failure"
    assert both.get("message").startswith("b: Another owner.")


def test_a_waived_row_does_not_hide_an_open_shared_cause():
    """The resource's only row of its own is waived, but a cause that it shares is not: it fails, and says for what."""
    shared, *rest = findings()
    own = finding("ACR301", LINES[1], Verdict.FAIL, "Another owner.", element="b", waiver="W-1")
    rows = sorted([shared, own, *rest], key=lambda row: (LINES.index(_line(row)), row.rule))
    failed = case_of(root_of(sample_scan(findings=tuple(rows))), CONTOSOPROD, "ACR301")[0]
    assert failed.tag == "failure"
    assert "build-agent is Owner" in failed.get("message")
    assert "[waived: W-1]" in failed.text


def _line(row):
    return next(line for line in LINES if line.id == row.resource)


def test_a_place_that_was_not_read_is_an_error():
    """No resource line stands there, but the evaluations count: rules that do not know, and those not asked."""
    place = finding("ACR901", LINES[1], Verdict.UNKNOWN, "tokens not read", reason="HTTP 403: denied")
    kind = f"{REGISTRIES}/repositories"
    order = {REGISTRIES: sample_scan().header.order[REGISTRIES], kind: ("ACR901", "ACR902")}
    row = replace(
        place,
        resource=f"/subscriptions/{PROD}",
        resource_type=kind,
        resource_name=PROD,
        origin=Origin("azure"),
    )
    root = root_of(sample_scan(findings=(*findings(), row), order=order))
    assert case_of(root, f"/subscriptions/{PROD}", "ACR901")[0].tag == "error"
    assert case_of(root, f"/subscriptions/{PROD}", "ACR902")[0].tag == "skipped"
    assert int(root.get("tests")) == 29


def test_what_has_no_case_is_a_property():
    """Rules not asked, collections not complete, evaluations that the cases do not show."""
    root = root_of(sample_scan())
    held = {one.get("name"): one.get("value") for one in root[0].iter("property")}
    assert root[0].get("tests") == "0"
    assert held["not evaluated: ACR901"] == "data plane not asked for (--data-plane)"
    assert held["partial: Microsoft.Authorization/locks"] == "the caller may not list locks"
    assert held["evaluations"] == "27"
    assert held["score"] == "10 of 19 decided evaluations pass"
    assert "evaluations without a test case" not in held
    bare = root_of(replace(sample_scan(), resources=(), findings=()))
    told = {one.get("name"): one.get("value") for one in bare[0].iter("property")}
    assert told["evaluations without a test case"] == "27"
    assert {one.get("name") for one in root_of(marked_scan())[0].iter("property")} >= {"still open"}


def test_a_rule_with_very_many_findings_counts_what_it_leaves_out():
    """Ten thousand elements are one failure with a few lines and a number."""
    rows = tuple(
        finding("ACR201", LINES[1], Verdict.FAIL, f"range {at}", element=f"{at:06d}") for at in range(10_000)
    )
    failed = case_of(root_of(sample_scan(findings=rows)), CONTOSOPROD, "ACR201")[0]
    assert failed.get("message").endswith("(and 9,999 more)")
    assert f"... and {10_000 - ROWS_TOLD:,} more in the JSON report" in failed.text


def test_a_scan_without_details_still_fails():
    """Letters alone are enough for a failure; nothing turns into a pass."""
    root = root_of(sample_scan(findings=()))
    assert case_of(root, CONTOSOPROD, "ACR101")[0].get("message") == "fails; this scan holds no details"
    assert case_of(root, CONTOSOPROD, "ACR501")[0].tag == "error"


def test_the_same_scan_gives_the_same_bytes():
    """Twice rendered, once equal."""
    assert rendered(hostile_marked()) == rendered(hostile_marked())


def test_memory_does_not_grow_with_the_rows():
    """Ten times as many registries take no more room."""

    class Sink(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            return len(data)

    def peak(number):
        scan = large_scan(number)
        tracemalloc.start()
        junit.render(scan, io.BufferedWriter(Sink()))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(10)
    small = peak(200)
    assert peak(2_000) < small * 1.5 + 200_000


@pytest.mark.slow
def test_fifty_thousand_registries_are_all_there():
    """Every evaluation of a large scan is written."""

    class Count(io.RawIOBase):
        cases = 0

        def writable(self):
            return True

        def write(self, data):
            self.cases += bytes(data).count(b"<testcase ")
            return len(data)

    sink = Count()
    scan = large_scan(50_000)
    with io.BufferedWriter(sink) as out:
        junit.render(scan, out)
    assert sink.cases == sum(scan.tallies.total().values()) == 450_000
