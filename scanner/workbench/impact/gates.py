"""What makes an impact fail: the figures and the limits of the command line come in, reasons come out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scanner.errors import UsageError
from scanner.model.rule import SEVERITIES
from scanner.text import nearest
from scanner.workbench.impact.figures import Impact

EXCEEDED, WRONG, INCOMPLETE = 1, 2, 3
"""The exit codes of the door: a gate, a rule error, an evaluation that does not decide enough."""


@dataclass(frozen=True, slots=True)
class Gates:
    """Limits. `max_new`: findings that gate now and did not before, by severity; a severity that is not named has none.

    `max_unknown`: how many more evaluations of critical and high rules may be open than before.
    """

    max_new: Mapping[str, int] = field(default_factory=dict)
    no_loosening: bool = False
    max_unknown: int = 0
    allow_empty: bool = False


def limits(given: tuple[str, ...]) -> dict[str, int]:
    """`SEVERITY=N` options as numbers. Raises `UsageError` for anything else."""
    found: dict[str, int] = {}
    for text in given:
        name, equals, number = text.partition("=")
        name = name.strip().lower()
        if name not in SEVERITIES:
            advice = nearest(name, SEVERITIES) or f"One of {', '.join(SEVERITIES)}."
            raise UsageError(f"--max-new {text[:80]!r} names no severity", "", advice)
        if not equals or not number.strip().isdecimal():
            raise UsageError(
                f"--max-new {text[:80]!r} is not SEVERITY=N", "", "Such as --max-new critical=0."
            )
        if name in found:
            raise UsageError(f"--max-new names {name} twice")
        found[name] = int(number)
    return found


def judge(found: Impact, gates: Gates) -> Iterator[tuple[int, str]]:
    """Each reason to fail, with its exit code."""
    wrong = sum(one.level == "error" for one in found.errors)
    if wrong:
        yield WRONG, f"{wrong} error{'s' * (wrong != 1)} in rule files"
    for severity in SEVERITIES:
        if severity in gates.max_new and found.new_by_severity[severity] > gates.max_new[severity]:
            number = found.new_by_severity[severity]
            yield EXCEEDED, f"{number:,} new {severity} findings (limit: {gates.max_new[severity]})"
    if gates.no_loosening and found.proven:
        rules = sorted({one.rule for one in found.proven if one.rule})
        shown = ", ".join(rules[:5]) + (f" and {len(rules) - 5} more" if len(rules) > 5 else "")
        number = len(found.proven)
        yield EXCEEDED, f"{number} loosening{'s' * (number != 1)} ({shown})"
    before, after = found.undecided
    if after - before > gates.max_unknown:
        yield (
            INCOMPLETE,
            f"{after - before:,} more evaluations of critical and high rules undecided (limit: {gates.max_unknown})",
        )
    if not sum(found.estate.resources.values()) and not gates.allow_empty:
        yield INCOMPLETE, "0 resources evaluated (--allow-empty accepts that)"
