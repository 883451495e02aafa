"""Figures as inline SVG: points or bars come in, one `<svg>` element goes out, with a title and a description in words.

No script, no style attribute, no address from outside: the element can stand in a page with a strict policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from scanner.model.scan import TrendPoint

WIDTH, HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 32, 36
_COLOURS = {"open": "#b3261e", "unknown": "#6b6b6b", "bar": "#2f5d8a", "text": "#333333", "grid": "#d0d0d0"}
_UNREAD = "unknown and error evaluations"
_NAMES = {"open": "open findings", "unknown": _UNREAD}


def trend(points: Sequence[TrendPoint]) -> str:
    """Open findings and undecided evaluations over time; a hollow mark is a scan that did not read everything."""
    if not points:
        return _svg(
            "Trend", "There is no scan to show.", [_text(WIDTH // 2, HEIGHT // 2, "no scans", "middle")]
        )
    series = {
        "open": [point.open_findings for point in points],
        "unknown": [point.verdicts.get("unknown", 0) + point.verdicts.get("error", 0) for point in points],
    }
    top = max(1, *series["open"], *series["unknown"])
    parts = _frame(top, points[0].now[:10], points[-1].now[:10])
    for key, values in series.items():
        places = [(_across(at, len(values)), _up(value, top)) for at, value in enumerate(values)]
        dash = ' stroke-dasharray="5 4"' if key == "unknown" else ""
        line = " ".join(f"{x},{y}" for x, y in places)
        parts.append(
            f'<polyline fill="none" stroke="{_COLOURS[key]}" stroke-width="2"{dash} points="{line}"/>'
        )
        for (x, y), point, value in zip(places, points, values, strict=True):
            fill = _COLOURS[key] if point.complete else "#ffffff"
            words = f"{point.now}: {value:,} {_NAMES[key]}" + ("" if point.complete else ", scan incomplete")
            parts.append(
                f'<circle cx="{x}" cy="{y}" r="3" fill="{fill}" stroke="{_COLOURS[key]}">'
                f"<title>{_safe(words)}</title></circle>"
            )
    parts.append(
        _text(_LEFT, 16, "solid: open findings, dashed: undecided evaluations, hollow: scan incomplete")
    )
    first, last = points[0], points[-1]
    hollow = sum(1 for point in points if not point.complete)
    words = (
        f"{len(points)} points from {first.now} to {last.now}. Open findings: {first.open_findings:,} at first, "
        f"{last.open_findings:,} at last, at most {max(series['open']):,}. Undecided evaluations: "
        f"{series['unknown'][0]:,} at first, {series['unknown'][-1]:,} at last. {hollow} scans were incomplete."
    )
    return _svg("Trend of open findings", words, parts)


def bars(title: str, unit: str, rows: Sequence[tuple[str, float, str]]) -> str:
    """Horizontal bars: a name, a number and the words beside it; all of them, from top to bottom."""
    top = max((value for _, value, _ in rows), default=0) or 1
    label = 260
    room = WIDTH - label - 150
    parts = []
    for at, (name, value, words) in enumerate(rows):
        y = _TOP + at * 22
        shown = name if len(name) <= 40 else f"{name[:39]}…"
        width = max(round(room * value / top, 1), 1 if value else 0)
        parts += [
            _text(label - 8, y + 12, shown, "end", name),
            f'<rect x="{label}" y="{y}" width="{width}" height="16" fill="{_COLOURS["bar"]}"/>',
            _text(round(label + width + 6), y + 12, words),
        ]
    most = max(rows, key=lambda row: row[1], default=None)
    told = f"{len(rows)} rows, in {unit}." + (f" The longest bar: {most[0]} with {most[2]}." if most else "")
    return _svg(title, told, parts, height=_TOP * 2 + 22 * max(len(rows), 1))


def strip(letters: str, fills: dict[str, tuple[str, int, int]], words: str) -> str:
    """A row of letters as blocks: letter -> (class, top, height); equal neighbours are one block. The words are its title."""
    parts, at = [], 0
    while at < len(letters):
        end = at
        while end < len(letters) and letters[end] == letters[at]:
            end += 1
        name, top, height = fills[letters[at]]
        parts.append(
            f'<rect class="{name}" x="{at * 3}" y="{top}" width="{(end - at) * 3}" height="{height}"/>'
        )
        at = end
    width = max(len(letters) * 3, 1)
    return (
        f'<svg class="strip" viewBox="0 0 {width} 14" preserveAspectRatio="none" role="img">'
        f"<title>{_safe(words)}</title>{''.join(parts)}</svg>"
    )


def _frame(top: int, first: str, last: str) -> list[str]:
    parts = []
    for share in (0, 0.5, 1):
        y = _up(top * share, top)
        right = WIDTH - _RIGHT
        parts.append(f'<line x1="{_LEFT}" y1="{y}" x2="{right}" y2="{y}" stroke="{_COLOURS["grid"]}"/>')
        parts.append(_text(_LEFT - 6, round(y + 4), f"{round(top * share):,}", "end"))
    parts.append(_text(_LEFT, HEIGHT - 12, first))
    parts.append(_text(WIDTH - _RIGHT, HEIGHT - 12, last, "end"))
    return parts


def _across(at: int, number: int) -> float:
    room = WIDTH - _LEFT - _RIGHT
    return round(_LEFT + (room * at / (number - 1) if number > 1 else room / 2), 1)


def _up(value: float, top: int) -> float:
    return round(HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * value / top, 1)


def _text(x: int, y: int, text: str, anchor: str = "start", title: str = "") -> str:
    inner = f"<title>{_safe(title)}</title>" if title and title != text else ""
    return (
        f'<text x="{x}" y="{y}" font-family="sans-serif" font-size="12" fill="{_COLOURS["text"]}" '
        f'text-anchor="{anchor}">{inner}{_safe(text)}</text>'
    )


def _safe(text: str) -> str:
    """Text for XML: escaped, and without characters that XML forbids."""
    return escape("".join(one if one.isprintable() else "\ufffd" for one in text), {'"': "&quot;"})


def _svg(title: str, words: str, parts: Sequence[str], height: int = HEIGHT) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-labelledby="acrscan-title acrscan-desc"><title id="acrscan-title">{_safe(title)}</title>'
        f'<desc id="acrscan-desc">{_safe(words)}</desc><rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
        f"{''.join(parts)}</svg>\n"
    )
