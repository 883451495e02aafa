"""The sentences that text and Markdown share: figures come in, plain words come out (nothing is escaped here)."""

from __future__ import annotations

from scanner.model.rule import SEVERITIES
from scanner.workbench.impact.assemble import WORDS
from scanner.workbench.impact.figures import Impact, Moved, Score, WaiverTouch


def counted(number: int, what: str) -> str:
    """`1 rule`, `2 rules`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def percent(score: Score) -> str:
    """A share with one decimal, rounded down, and the numbers it is made of."""
    if not score.decided:
        return "- (nothing decided)"
    tenths = score.passed * 1000 // score.decided
    return f"{tenths // 10}.{tenths % 10} % ({score.passed:,} of {score.decided:,})"


def subject(found: Impact) -> str:
    """What was compared with what."""
    if found.absent:
        return (
            f"{found.pack} is new: there is no pack at {found.base.words}, so every rule and finding is new"
        )
    versions = f"{found.base.version} -> {found.head.version}"
    return f"{found.pack} ({versions}) against {found.base.words}"


def ground(found: Impact) -> str:
    """What both were evaluated on."""
    where = found.estate
    total = sum(where.resources.values())
    kinds = ", ".join(
        f"{number:,} {kind.rpartition('/')[2]}" for kind, number in sorted(where.resources.items())[:6]
    )
    more = f", {len(where.resources) - 6} more types" if len(where.resources) > 6 else ""
    return f"{where.words}: {counted(total, 'resource')} ({kinds}{more}), clock {where.now} on both sides"


def caution(found: Impact) -> str:
    """What a reader must know of the estate before believing the numbers, or ""."""
    where = found.estate
    if not where.synthetic:
        return ""
    why = f"The snapshot {where.missing} is not here" if where.missing else "No snapshot was given"
    return (
        f"{why} (a pull request from a fork has no access to it): this ran on the embedded sample estate. "
        "The numbers say nothing about your registries; what got looser does not depend on them."
    )


def moved(one: Moved) -> str:
    """One kind of change of verdicts."""
    mark = " (regression)" if one.regression else ""
    return f"{WORDS[one.before]} -> {WORDS[one.after]} {one.number:,}{mark}"


def severities(found: Impact) -> str:
    """Findings that gate now and did not before."""
    return ", ".join(f"{found.new_by_severity[name]:,} {name}" for name in SEVERITIES)


def waiver(one: WaiverTouch) -> str:
    """What a waiver does now and did before."""
    if not one.before:
        head = f"new, {one.after}"
    elif not one.after:
        head = f"gone, was {one.before}"
    else:
        head = one.after if one.before == one.after else f"{one.before} -> {one.after}"
    parts = [head, f"covers {one.covered_before:,} -> {one.covered_after:,} findings"]
    if one.entered:
        parts.append(f"{one.entered:,} entered it")
    if one.left:
        parts.append(f"{one.left:,} left it and fail unwaived")
    return ", ".join(parts)


def verdict(found: Impact) -> str:
    """The whole in one sentence."""
    differing = len({rule.id for rule, tried in found.rewritten if tried.moves})
    elsewhere = f"{counted(differing, 'rule')} can decide differently" if differing else ""
    if not found.touched and not found.loose and not found.errors:
        quiet = "Nothing on this estate changes, and nothing got looser"
        return f"{quiet}; {elsewhere} on another." if elsewhere else f"{quiet}."
    new = sum(one.new for one in found.rules)
    resolved = sum(one.resolved for one in found.rules)
    changed = sum(one.changed for one in found.rules)
    parts = [
        counted(new, "new finding"),
        f"{resolved:,} resolved",
        f"{changed:,} changed",
        counted(len(found.proven), "loosening"),
    ]
    if elsewhere:
        parts.append(elsewhere)
    regressions = sum(one.regressions for one in found.rules)
    if regressions:
        parts.append(f"{counted(regressions, 'verdict')} no longer decided")
    if found.errors:
        parts.append(counted(len(found.errors), "error") + " in rule files")
    return ", ".join(parts) + "."
