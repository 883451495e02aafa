"""The trend: from the points of the history to the geometry of a small chart; its numbers stand in a table beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from scanner.model.finding import Verdict

if TYPE_CHECKING:
    from scanner.model.scan import Scan, TrendPoint

SHOWN = 30
WIDTH, HEIGHT = 1000, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 56, 18, 30
_LABEL = 110


@dataclass(frozen=True, slots=True)
class Mark:
    """A scan in the chart: where it stands, and what a reader must know of it."""

    x: float
    y: float
    point: TrendPoint
    new_rules: bool
    """The rule pack is not that of the scan before."""
    named: bool
    """Its date stands under the axis."""


@dataclass(frozen=True, slots=True)
class Trend:
    """`line`: the points of the open findings as an SVG path; `ticks`: height and number of each line of the grid."""

    marks: tuple[Mark, ...]
    line: str
    ticks: tuple[tuple[float, int], ...]
    left_out: int
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    floor: int = HEIGHT - _BOTTOM

    @property
    def first(self) -> TrendPoint:
        """The oldest scan shown."""
        return self.marks[0].point

    @property
    def last(self) -> TrendPoint:
        """The newest scan."""
        return self.marks[-1].point


def draw(scan: Scan) -> Trend | None:
    """The last `SHOWN` scans of the history, or None where there is no earlier one to compare with."""
    points = scan.trend[-SHOWN:]
    if len(points) < 2:
        return None
    top = max(1, *(point.open_findings for point in points))
    step = _step(top)
    roof = step * -(-top // step)
    wide = WIDTH - _LEFT - _RIGHT
    high = HEIGHT - _TOP - _BOTTOM

    def y(value: int) -> float:
        return round(HEIGHT - _BOTTOM - high * value / roof, 1)

    places = _places(points)
    marks: list[Mark] = []
    last_named = 2.0 * WIDTH
    for place, point in reversed(list(enumerate(points))):
        before = points[place - 1] if place else point
        x = round(_LEFT + wide * places[place], 1)
        named = last_named - x >= _LABEL
        last_named = x if named else last_named
        new_rules = point.pack_digest != before.pack_digest
        marks.insert(0, Mark(x, y(point.open_findings), point, new_rules, named))
    return Trend(
        marks=tuple(marks),
        line="M" + "L".join(f"{mark.x} {mark.y}" for mark in marks),
        ticks=tuple((y(value), value) for value in range(0, roof + 1, step)),
        left_out=len(scan.trend) - len(points),
    )


def _places(points: Sequence[TrendPoint]) -> list[float]:
    """Where each scan stands between the first (0) and the last (1): by its time, so that a gap in scanning shows as one."""
    even = [place / (len(points) - 1) for place in range(len(points))]
    try:
        times = [datetime.fromisoformat(point.now).timestamp() for point in points]
    except ValueError:
        return even
    if times != sorted(times) or times[0] == times[-1]:
        return even
    return [(time - times[0]) / (times[-1] - times[0]) for time in times]


def _step(top: int) -> int:
    """A round distance between lines of the grid that gives two to five of them."""
    unit = 1
    while True:
        for factor in (1, 2, 5):
            if top <= 4 * factor * unit:
                return factor * unit
        unit *= 10


def scored(point: TrendPoint) -> tuple[int, int]:
    """Passes, and what was decided, of a point."""
    passed = point.verdicts.get(Verdict.PASS.value, 0)
    return passed, passed + point.verdicts.get(Verdict.FAIL.value, 0)
