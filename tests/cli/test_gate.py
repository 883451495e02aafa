"""The gate: what counts as a finding that fails the run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.cli.gate import Limits, judge
from scanner.model.finding import Verdict
from tests.formats.sample import LINES, finding, sample_scan


def outcome(limits, **changes):
    """The exit code for one critical failure."""
    row = finding("ACR101", LINES[0], Verdict.FAIL, "The admin user is enabled.", **changes)
    scan = replace(sample_scan(findings=(row,)), header=replace(sample_scan().header, runs=()))
    return judge(scan, limits).code


LENIENT = Limits(max_unknown=1000)
SETTLING = Limits(max_unknown=1000, strict_settling=True)
UNKNOWN = Limits(max_unknown=1000, strict_unknown=True)


@pytest.mark.parametrize(
    ("qualifier", "strict", "other"), [("settling", SETTLING, UNKNOWN), ("ifDeployed", UNKNOWN, SETTLING)]
)
def test_a_qualified_finding_counts_only_where_it_is_asked_for(qualifier, strict, other):
    """A finding that may go away by itself, or may never be deployed, is reported and does not fail the run."""
    assert outcome(LENIENT) == 1
    assert outcome(LENIENT, qualifier=qualifier) == 0
    assert outcome(strict, qualifier=qualifier) == 1
    assert outcome(other, qualifier=qualifier) == 0
