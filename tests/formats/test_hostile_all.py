"""Whatever people and the world write into a scan, every format stays whole, readable and harmless."""

import io
from dataclasses import replace

import pytest
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from trestle.oscal.assessment_results import Model as AssessmentResults

from scanner import formats
from scanner.compare.against import Baseline, against
from scanner.formats._settings import Settings
from scanner.model.framework import Framework, FrameworkControl
from scanner.model.scan import ScopeLine, TrendPoint
from scanner.waivers.apply import apply
from tests.formats.hostile_marks import hostile_marked
from tests.formats.marked import hostile_marked as marked_with
from tests.formats.sample import HOSTILE, hostile_scan, sample_scan
from tests.formats.test_counts import COUNTERS, counts
from tests.waivers.building import attestation, register, waiver

RAW = set("\x00\x01\x07\x08\x1b\x7f\x9b\u202e\u2066\u200b\u2028\ufeff")
"""Characters that command a terminal, reorder a line or hide: no text report may hold one as it is."""
TEXT = ("console", "csv", "gitlab", "junit", "markdown", "html", "sarif", "oscal", "ocsf")
HUGE = "<b>A\u202e=1+1|" * 100_000


def marked(text):
    """A scan in which a text stands wherever a person can write: waivers, frameworks, names, words of a baseline."""
    entries = [
        waiver(
            "W-1", reason=text, owner=text, approver=text, ticket=text, source=text, place=f"{text[:50]}:1:1"
        ),
        waiver("W-2", "ACR402", reason=text, owner=text, approver=text, expires="2026-11-02"),
        attestation(reason=text, owner=text, approver=text, evidence=text),
    ]
    base = sample_scan(
        organisation=text,
        tenant=text,
        identity=text,
        profile=text,
        scope=(ScopeLine("s", text, 1, text),),
        frameworks=(Framework("mcsb", text, text, text, (FrameworkControl("IM-1", text), FrameworkControl("NS-9", text, untouched=text)), version=text, note=text),),
        diagnostics=(text,),
    )  # fmt: skip
    scan = apply(base, replace(register(*entries), words=text[:200]))
    compared = against(scan, Baseline(sample_scan(now="2026-11-22T02:00:00Z"), text, notes=(text,)))
    point = TrendPoint("2026-11-22T02:00:00Z", {"pass": 1, "fail": 1}, 0, 1, True, text)
    return replace(compared, trend=(point, replace(point, now="2026-11-23T02:00:00Z")))


def rendered(name, scan):
    out = io.BytesIO()
    formats.get(name).render(scan, out, Settings())
    return out.getvalue()


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("name", formats.names())
def test_marks_with_hostile_texts(name, text):
    """Read back with the scan's counts, twice the same bytes, and nothing raw in what people look at."""
    scan = marked(text)
    content = rendered(name, scan)
    told = COUNTERS[name](content, scan)
    expected = counts(scan)
    assert told == {key: expected[key] for key in told}
    if name in TEXT:
        assert not set(content.decode("utf-8")) & RAW
    assert content == rendered(name, scan)


@pytest.mark.parametrize("name", formats.names())
def test_a_megabyte_in_every_field(name):
    """Cut with the rest counted, or kept whole where programs read it; never an error."""
    scan = marked(HUGE)
    told = COUNTERS[name](rendered(name, scan), scan)
    expected = counts(scan)
    assert told == {key: expected[key] for key in told}


@pytest.mark.parametrize("name", TEXT)
def test_rows_with_hostile_texts(name):
    """The hostile estate."""
    assert not set(rendered(name, hostile_scan()).decode("utf-8")) & RAW


@pytest.mark.parametrize("name", formats.names())
def test_everything_hostile_at_once(name):
    """Hostile rule cards, catalogues, waivers, rows and comparison in one scan."""
    scan = hostile_marked()
    content = rendered(name, scan)
    told = COUNTERS[name](content, scan)
    expected = counts(scan)
    assert told == {key: expected[key] for key in told}
    if name in TEXT:
        assert not set(content.decode("utf-8")) & RAW
    assert content == rendered(name, scan)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_governance_tools_take_hostile_marks(text):
    """Even where times and dates are hostile texts, what is written is what the published models accept."""
    scan = marked_with(text)
    AssessmentResults.model_validate_json(rendered("oscal", scan))
    for line in rendered("ocsf", scan).splitlines():
        ComplianceFinding.model_validate_json(line)
