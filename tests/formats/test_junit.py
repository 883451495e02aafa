"""JUnit XML: every evaluation is a test case, read back by another program with the scan's own counts."""

import io
import xml.etree.ElementTree as ET
from collections import Counter

import pytest
from junitparser import JUnitXml

from scanner.cli.demo import sampled
from scanner.formats import junit
from scanner.model.finding import Verdict
from tests.formats.sample import empty_scan, hostile_scan, large_scan, sample_scan

DEMO = sampled()


def made(scan):
    out = io.BytesIO()
    junit.render(scan, out)
    return out.getvalue()


def number(element, name):
    """An attribute that is a number."""
    return int(element.get(name))


def endings(scan):
    """Test cases by ending: passed, failure, error, skipped."""
    root = ET.fromstring(made(scan))
    return Counter(case[0].tag if len(case) else "passed" for case in root.iter("testcase"))


@pytest.mark.parametrize(
    "scan", [sample_scan(), hostile_scan(), DEMO, large_scan(300)], ids=["sample", "hostile", "demo", "large"]
)
def test_every_evaluation_is_a_case(scan):
    """Passes pass, failures fail unless they are waived altogether, undecided ones are errors, the rest is skipped."""
    total = scan.tallies.total()
    found = endings(scan)
    if scan.header.waiver_digest:
        assert found["failure"] == total[Verdict.FAIL] - scan.tallies.accepted()
    assert found["passed"] == total[Verdict.PASS]
    assert found["error"] == total[Verdict.UNKNOWN] + total[Verdict.ERROR]
    assert sum(found.values()) == sum(total.values())


@pytest.mark.parametrize(
    "scan", [sample_scan(), hostile_scan(), empty_scan(), DEMO], ids=["sample", "hostile", "empty", "demo"]
)
def test_the_numbers_in_the_heads_are_those_of_the_cases(scan):
    """Read by a parser of the format, which counts for itself."""
    root = ET.fromstring(made(scan))
    for suite in [root, *root.iter("testsuite")]:
        cases = list(suite.iter("testcase"))
        counted = Counter(case[0].tag for case in cases if len(case))
        assert number(suite, "tests") == len(cases)
        assert number(suite, "failures") == counted["failure"]
        assert number(suite, "errors") == counted["error"]
        assert number(suite, "skipped") == counted["skipped"]
    parsed = JUnitXml.fromstring(made(scan))
    assert parsed.tests == number(root, "tests")


def test_a_case_says_why():
    """Failures with what was observed, waived ones with the waiver, open questions with what is missing."""
    root = ET.fromstring(made(DEMO))
    cases = {case.get("name"): case for case in root.iter("testcase")}
    waived = cases["ACR101 harbourlegacy"][0]
    assert (waived.tag, waived.get("message")) == ("skipped", "waived: W-2026-014")
    failed = cases["ACR103 harbourlegacy"][0]
    assert failed.tag == "failure"
    assert "Anonymous pull is true" in failed.get("message", "")
    attested = {case[0].get("message") for name, case in cases.items() if name and name.startswith("ACR906")}
    assert attested == {"attested: A-2026-02", "not applicable"}


def test_names_are_apart():
    """A tool that tells test cases by class and name sees each once."""
    root = ET.fromstring(made(DEMO))
    names = Counter((case.get("classname"), case.get("name")) for case in root.iter("testcase"))
    assert max(names.values()) == 1


def test_the_same_scan_gives_the_same_bytes():
    """No clock of its own."""
    assert made(DEMO) == made(DEMO)
