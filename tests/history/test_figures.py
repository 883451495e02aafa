"""Ages, times to mend, retention and charts."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import date

import pytest

from scanner import history
from scanner.errors import InputError
from scanner.history import chart
from scanner.model.scan import TrendPoint
from tests.formats.sample import HOSTILE
from tests.history.estate import A, B, scan

ESTATE = {A: ["one", "two"], B: ["three"]}
KEYS = [("ACR101", A, "one"), ("ACR101", A, "two"), ("ACR102", B, "three")]


def record(found, night, fails):
    return found.record(scan(night, ESTATE, fails=fails))


def test_ages(address):
    """Days since a finding opened, in buckets, by every group."""
    with history.open(address) as found:
        record(found, "2026-01-01", KEYS[:1])
        record(found, "2026-06-20", KEYS)
        lines = {(line.group, line.key): line for line in found.ages(now="2026-07-10T02:00:00Z")}
    assert lines["all", ""].buckets == (0, 2, 0, 0, 1)
    assert (lines["all", ""].median, lines["all", ""].oldest) == (20, 190)
    assert lines["rule", "ACR101"].open == 2
    assert lines["subscription", B].buckets == (0, 1, 0, 0, 0)
    assert lines["control", "mcsb IM-1"].open == 3
    assert lines["control", "cis 9"].open == 1
    assert [key for key in lines if key[0] == "severity"] == [("severity", "critical"), ("severity", "high")]


def test_time_to_fix(address):
    """Each opening that ended by mending counts with its days."""
    with history.open(address) as found:
        record(found, "2026-01-01", KEYS)
        record(found, "2026-01-03", KEYS[1:])
        record(found, "2026-01-04", KEYS)
        record(found, "2026-01-11", [])
        lines = {(line.group, line.key): line for line in found.time_to_fix()}
        late = {(line.group, line.key): line for line in found.time_to_fix(since="2026-01-05T00:00:00Z")}
    whole = lines["all", ""]
    assert (whole.fixed, whole.median, whole.ninetieth, whole.longest) == (4, 7.0, 10.0, 10.0)
    assert lines["rule", "ACR101"].fixed == 3
    assert lines["subscription", B].median == 10.0
    assert late["all", ""].fixed == 3


def test_prune_keeps_what_is_open(address):
    """Runs and closed findings go, open ones stay, and the next night goes on as if nothing had happened."""
    with history.open(address) as found:
        record(found, "2026-01-01", KEYS)
        record(found, "2026-01-02", KEYS[:2])
        record(found, "2026-02-01", KEYS[:1])
        record(found, "2026-02-02", KEYS[:1])
        before = (
            found.ages(),
            found.trend(last=2),
            found.period(date(2026, 2, 1), date(2026, 2, 2), today=date(2026, 3, 1)).rules,
        )
        done = found.prune(date(2026, 2, 1))
        assert (done.runs, done.findings, done.kept) == (2, 1, 0)
        after = (
            found.ages(),
            found.trend(last=2),
            found.period(date(2026, 2, 1), date(2026, 2, 2), today=date(2026, 3, 1)).rules,
        )
        assert before == after
        assert len(found.trend()) == 2
        again = record(found, "2026-02-03", KEYS[:1])
        assert (again.new, again.persisting, again.run) == (0, 1, 5)
        assert (
            found.mark(scan("2026-02-03", ESTATE, fails=KEYS[:1])).findings.__iter__().__next__().first_seen
            == "2026-01-01T02:00:00Z"
        )


def test_prune_everything_keeps_the_newest_run(address):
    """The run with which the next scan is compared stays, but is no point of a trend any more."""
    with history.open(address) as found:
        record(found, "2026-01-01", KEYS)
        record(found, "2026-01-02", KEYS[:1])
        done = found.prune(date(2026, 6, 1))
        assert (done.runs, done.findings, done.kept) == (1, 2, 1)
        assert found.trend() == ()
        with pytest.raises(InputError, match="newer scan"):
            record(found, "2026-01-01", KEYS[:2])
        assert record(found, "2026-07-01", KEYS[:1]).persisting == 1
        assert [point.open_findings for point in found.trend()] == [1]


def test_retire_wants_a_known_subscription_and_a_later_night(address):
    """A subscription that is still scanned cannot be gone."""
    with history.open(address) as found:
        record(found, "2026-01-01", KEYS)
        with pytest.raises(InputError, match="holds no scan of the subscription"):
            found.retire("nobody", date(2026, 2, 1), "")
        with pytest.raises(InputError, match="cannot be gone since 2026-01-01"):
            found.retire(B, date(2026, 1, 1), "")


def points(number):
    return [
        TrendPoint(
            f"2026-07-{day:02d}T02:00:00Z", {"pass": 5, "unknown": day % 3}, 0, 1000 - day, day % 4 != 0, ""
        )
        for day in range(1, number + 1)
    ]


@pytest.mark.parametrize("number", [0, 1, 2, 30])
def test_trend_chart_is_a_picture_with_words(number):
    """Well-formed, titled, described, inside its frame, without script or style."""
    root = ET.fromstring(chart.trend(points(number)))
    names = [child.tag.rpartition("}")[2] for child in root]
    assert names[:2] == ["title", "desc"]
    assert "script" not in names
    circles = [one for one in root.iter() if one.tag.endswith("circle")]
    assert len(circles) == 2 * number
    assert all(
        0 <= float(one.attrib["cx"]) <= chart.WIDTH and 0 <= float(one.attrib["cy"]) <= chart.HEIGHT
        for one in circles
    )
    hollow = sum(one.get("fill") == "#ffffff" for one in circles)
    assert hollow == 2 * sum(not point.complete for point in points(number))
    if number:
        assert f"{1000 - number:,} at last" in (root[1].text or "")


def test_bars_of_hostile_names():
    """Names of the world stay text."""
    text = chart.bars("Times", "days", [(name, float(at), name) for at, name in enumerate(HOSTILE)])
    root = ET.fromstring(text)
    assert "<script" not in text
    bars = [one for one in root.iter() if one.tag.endswith("rect")][1:]  # the first is the ground
    assert len(bars) == len(HOSTILE)
    assert max(float(one.attrib["width"]) for one in bars) == float(bars[-1].attrib["width"])
