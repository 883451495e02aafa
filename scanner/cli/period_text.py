"""A period as text for a terminal, as JSON and as CSV tables: a `Period` comes in, lines and bytes go out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from scanner.formats._text import visible
from scanner.formats.csv import table as lines_of
from scanner.history.lines import ControlLine, Period, Stretch, SubscriptionLine
from scanner.history.nights import DEFINITION, NO_RUN
from scanner.model import codec

SCHEMA = "acrscan/period/v1"
SHOWN = 12
"""Rows of a table on a terminal; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Lacking:
    """Something that runs did not read, in the same words: by how many, the first and the last."""

    words: str
    runs: int
    first: str
    last: str


def lacking(found: Period) -> list[Lacking]:
    """What was not read, the most frequent first."""
    grouped: dict[str, list[str]] = {}
    for gap in found.incomplete:
        for line in gap.lacks:
            grouped.setdefault(line, []).append(gap.now)
    lines = [Lacking(words, len(times), times[0], times[-1]) for words, times in grouped.items()]
    return sorted(lines, key=lambda line: (-line.runs, line.words))


def alone(found: Period) -> list[tuple[SubscriptionLine, list[Stretch]]]:
    """Subscriptions that were not scanned on nights on which others were, and those stretches."""
    everywhere = set(found.no_run)
    lines = [(line, [one for one in line.missing if one not in everywhere]) for line in found.subscriptions]
    return [(line, missing) for line, missing in lines if missing]


def stretch(found: Stretch) -> str:
    """Nights in words."""
    return found.first if found.nights == 1 else f"{found.first} to {found.last} ({found.nights:,} nights)"


def console(found: Period) -> Iterator[str]:
    """The period for a terminal."""
    pending = f", {found.pending:,} more to come" if found.pending else ""
    yield f"Period {found.start} to {found.end}: {len(found.nights):,} nights{pending}"
    yield f"pack {visible(found.pack)}, history {visible(found.history)}, which begins on {found.begins or 'no night'}"
    yield ""
    yield "Gaps in scanning"
    yield f"  scanned on {found.with_runs:,} of {len(found.nights):,} nights; {len(found.runs):,} runs, {found.superseded:,} replaced by a later one of the same night"
    yield from _some([f"no scan: {stretch(one)}" for one in found.no_run])
    yield from _some(
        [
            f"not scanned: {visible(line.name or line.subscription)}: "
            + ", ".join(stretch(one) for one in missing[:3])
            + (f" and {len(missing) - 3:,} more stretches" if len(missing) > 3 else "")
            for line, missing in alone(found)
        ]
    )
    yield ""
    yield "Gaps in reading"
    gaps = lacking(found)
    yield f"  {len(found.incomplete):,} of {len(found.runs):,} runs did not read everything"
    yield from _some(
        [f"{visible(one.words)} ({one.runs:,} runs, {one.first[:10]} to {one.last[:10]})" for one in gaps]
    )
    yield ""
    yield "Nights of each framework control: effective, not effective, unknown, nothing to evaluate"
    yield from _controls(found.controls)
    yield ""
    yield "Nights of each rule: effective, not effective, unknown, nothing to evaluate"
    yield from _controls(found.rules)
    yield ""
    yield f"Changes of rules, profile, parameters, waivers ({len(found.changes):,})"
    yield from _some(
        [
            visible(
                f"{one.now[:10]} run {one.run}: {one.kind} {one.what}: {one.how}"
                f" ({_short(one.before)} -> {_short(one.after)}, since run {one.since}{_by(one.identity)})"
            )
            for one in found.changes
        ]
    )
    yield ""
    yield f"Population: {found.registries:,} registries in {len(found.subscriptions):,} subscriptions, {found.evaluated:,} evaluated in every scan"
    rest = [line for line in found.population if line.reasons or line.last]
    yield from _some(
        [
            visible(
                f"{line.registry}: "
                + "; ".join([*line.reasons, *([f"gone since {line.last}"] if line.last else [])])
            )
            for line in rest
        ]
    )
    yield ""
    yield DEFINITION


def _controls(lines: Sequence[ControlLine]) -> Iterator[str]:
    if not lines:
        yield "  none"
    width = min(max((len(visible(_name(line))) for line in lines), default=0), 56)
    for line in lines:
        numbers = f"{line.effective:>5,}{line.not_effective:>6,}{line.unknown:>6,}{line.nothing:>6,}"
        why = "; ".join(
            [
                # Nights without a scan are the same for all, and told above.
                *(f"{reason}: {number:,}" for reason, number in line.why.items() if reason != NO_RUN),
                *([f"switched off throughout: {', '.join(line.off)}"] if line.off else []),
            ]
        )
        yield f"  {visible(_name(line)):<{width}} {numbers}  {visible(line.title, 120)}" + (
            f" [{why}]" if why else ""
        )


def _name(line: ControlLine) -> str:
    return f"{line.framework} {line.id}".strip()


def _some(lines: Sequence[str]) -> Iterator[str]:
    for line in lines[:SHOWN]:
        yield f"  {line}"
    if len(lines) > SHOWN:
        yield f"  ... and {len(lines) - SHOWN:,} more (-f json, csv and html have all)"


def _short(text: str) -> str:
    """A value or digest that fits a line."""
    head, mark, digest = text.partition("sha256:")
    if mark:
        return f"{head}sha256:{digest[:12]}"
    return (text[:12] if len(text) == 64 else text[:60]) or "none"


def _by(identity: str) -> str:
    return f", read by {identity}" if identity else ""


def json(found: Period, out: BinaryIO) -> None:
    """The whole period; the population is written line by line."""
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "definition": DEFINITION,
        "history": found.history,
        "pack": found.pack,
        "start": found.start,
        "end": found.end,
        "nights": list(found.nights),
        "pending": found.pending,
        "historyBegins": found.begins,
        "nightsWithRuns": found.with_runs,
        "supersededRuns": found.superseded,
        "nightsWithoutRun": [codec.to_record(one) for one in found.no_run],
        "incompleteRuns": [codec.to_record(one) for one in found.incomplete],
        "frameworks": dict(found.frameworks),
        "controls": [codec.to_record(one) for one in found.controls],
        "rules": [codec.to_record(one) for one in found.rules],
        "changes": [codec.to_record(one) for one in found.changes],
        "runs": [codec.to_record(one) for one in found.runs],
        "subscriptions": [codec.to_record(one) for one in found.subscriptions],
        "registries": found.registries,
        "registriesAlwaysEvaluated": found.evaluated,
    }
    out.write(codec.encode(record)[:-1] + b',"population":[')
    out.writelines(
        (b",\n" if at else b"\n") + codec.encode(codec.to_record(line))
        for at, line in enumerate(found.population)
    )
    out.write(b"\n]}\n")


Table = tuple[Sequence[str], Iterable[Sequence[object]]]


def tables(found: Period) -> dict[str, Table]:
    """The CSV tables by the end of their file's name: heads and rows."""
    control = ("framework", "id", "title", "severity", "rules", "rules switched off")
    numbers = ("effective", "not effective", "unknown", "nothing to evaluate", "nights")
    flow = ("opened", "reopened", "mended", "closed otherwise", "open at end")
    return {
        "-controls.csv": (
            (*control, *numbers, "why unknown", *flow),
            (
                (
                    *(
                        line.framework,
                        line.id,
                        line.title,
                        line.severity,
                        " ".join(line.rules),
                        " ".join(line.off),
                    ),
                    *(line.effective, line.not_effective, line.unknown, line.nothing, len(line.letters)),
                    "; ".join(f"{reason}: {number}" for reason, number in line.why.items()),
                    *(line.opened, line.reopened, line.mended, line.otherwise, line.open_at_end),
                )
                for line in (*found.controls, *found.rules)
            ),
        ),
        "-nights.csv": (
            ("framework", "id", "night", "state"),
            (
                (line.framework, line.id, night, STATES[letter])
                for line in (*found.controls, *found.rules)
                for night, letter in zip(found.nights, line.letters, strict=True)
            ),
        ),
        "-changes.csv": (
            (
                *("kind", "what", "how", "before", "after", "first run with it", "time"),
                *("last run without", "time of that", "read by", "subscriptions"),
            ),
            (
                (
                    *(one.kind, one.what, one.how, one.before, one.after, one.run, one.now),
                    *(one.since, one.since_now, one.identity, one.subscriptions),
                )
                for one in found.changes
            ),
        ),
        "-gaps.csv": (
            ("gap", "what", "first", "last", "nights or runs"),
            (
                *(("no scan", "all subscriptions", one.first, one.last, one.nights) for one in found.no_run),
                *(
                    ("subscription not scanned", line.subscription, one.first, one.last, one.nights)
                    for line in found.subscriptions
                    for one in line.missing
                ),
                *(("not read", one.words, one.first, one.last, one.runs) for one in lacking(found)),
            ),
        ),
        "-population.csv": (
            ("subscription", "registry", "first seen", "last seen", "why not evaluated"),
            (
                (
                    line.subscription,
                    line.registry,
                    line.first,
                    line.last or "there at the end",
                    "; ".join(line.reasons),
                )
                for line in found.population
            ),
        ),
    }


STATES = {"E": "effective", "N": "not effective", "U": "unknown", "-": "nothing to evaluate"}


def write_table(table: Table, out: BinaryIO) -> None:
    """One table as CSV (RFC 4180, UTF-8); cells that a spreadsheet would take for formulas begin with an apostrophe."""
    heads, rows = table
    out.writelines(lines_of(heads, ([visible(str(one), 30_000) for one in row] for row in rows)))
