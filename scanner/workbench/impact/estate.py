"""Both packs on one inventory with one clock: two tailored packs come in, the figures of every rule come out.

Rows and lines of both scans are spooled and read side by side, so that memory does not grow with the estate.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from scanner import pipeline
from scanner.compare.against import Baseline, against
from scanner.model import ids
from scanner.model.finding import Finding, Verdict
from scanner.model.resource import Inventory
from scanner.model.rule import SEVERITIES, RulePack
from scanner.model.scan import ResourceLine, Scan
from scanner.model.waiver import PREFIX, Register
from scanner.waivers.apply import apply
from scanner.workbench.impact.figures import TOP, Moved, Named, RuleImpact, Score, WaiverTouch
from scanner.workbench.pairs import Pair

_WAIVED = "was waived by "
"""How a comparison begins to say that a finding had a waiver (`compare.why`)."""
UNDECIDED = (Verdict.UNKNOWN, Verdict.ERROR)


@dataclass(frozen=True, slots=True)
class Scans:
    """The scan of each side; the newer one's rows are marked with what changed."""

    base: Scan
    head: Scan


@dataclass(slots=True)
class _Counts:
    """What is counted of one rule."""

    new: int = 0
    waived: int = 0
    resolved: int = 0
    changed: int = 0
    same: int = 0
    tops: dict[str, list[Named]] = field(default_factory=lambda: defaultdict(list))
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)
    moved_tops: dict[tuple[str, str], list[Named]] = field(default_factory=lambda: defaultdict(list))

    def name(self, change: str, row: Finding) -> None:
        """Keep the first resources of a change, each once."""
        top = self.tops[change]
        if len(top) < TOP and all(one.id != row.resource for one in top):
            top.append(Named(row.resource, row.resource_name, row.message))


def scans(
    base: RulePack,
    head: RulePack,
    inventory: Inventory,
    *,
    now: str,
    words: str,
    registers: tuple[Register | None, Register | None] = (None, None),
) -> Scans:
    """Both scans. `registers`: the waivers of each side, None for none."""
    made = []
    for pack, register in zip((base, head), registers, strict=True):
        scan = pipeline.scan(pack, inventory, now=now, words=words)
        made.append(apply(scan, register) if register is not None else scan)
    return Scans(made[0], against(made[1], Baseline(made[0], "base")))


@dataclass(frozen=True, slots=True)
class Figures:
    """What one reading of both scans gives.

    `rules`: every rule of either side, in the order of ids. `gating`: findings that gate in the newer scan and did not in
    the older one, by their severity now: new ones, and those that lost their waiver or got a higher severity; what is
    waived or still settling does not gate. `waivers`: those that reach another number of findings, stand otherwise, came
    or went.
    """

    rules: tuple[RuleImpact, ...]
    gating: Mapping[str, int]
    waivers: tuple[WaiverTouch, ...]


def figures(found: Scans, pairs: tuple[Pair, ...]) -> Figures:
    """Read the rows and lines of both scans once, side by side."""
    names = {pair.before.id: pair.rule.id for pair in pairs if pair.before is not None}
    counts: dict[str, _Counts] = defaultdict(_Counts)
    gating = dict.fromkeys(SEVERITIES, 0)
    entered: Counter[str] = Counter()
    left: Counter[str] = Counter()
    _count_rows(found, names, counts, gating, (entered, left))
    _count_lines(found, pairs, counts)
    rules = tuple(_impact(group, counts) for group in _grouped(pairs))
    return Figures(rules, gating, _touches(found, entered, left))


def _count_rows(
    found: Scans,
    names: Mapping[str, str],
    counts: dict[str, _Counts],
    gating: dict[str, int],
    waived: tuple[Counter[str], Counter[str]],
) -> None:
    for row in found.head.findings:
        if row.verdict is not Verdict.FAIL or row.rule.startswith(PREFIX):
            continue
        _count_waiver(row, *waived)
        if row.gating and row.severity in gating and row.qualifier != "settling" and _entered(row):
            gating[row.severity] += 1
        count = counts[row.rule]
        if row.change in ("new", "reopened"):
            count.new += 1
            count.waived += bool(row.waiver)
            count.name("new", row)
        elif row.change == "changed":
            count.changed += 1
            count.name("changed", row)
        else:
            count.same += 1
    for row in found.head.earlier:
        if row.change == "resolved" and not row.rule.startswith(PREFIX):
            count = counts[names.get(row.rule, row.rule)]
            count.resolved += 1
            count.name("resolved", row)


def _count_lines(found: Scans, pairs: tuple[Pair, ...], counts: dict[str, _Counts]) -> None:
    """Verdicts that became others, for rules that both sides ask of the same resources."""
    heirs: dict[str, list[str]] = defaultdict(list)
    for pair in pairs:
        if pair.before is not None and pair.after is not None:
            heirs[pair.before.id].append(pair.after.id)
    old_order, new_order = found.base.header.order, found.head.header.order
    plans = {
        kind: [
            (place, [new_order[kind].index(heir) for heir in heirs[rule] if heir in new_order[kind]], rule)
            for place, rule in enumerate(old_order[kind])
            if rule in heirs
        ]
        for kind in old_order
        if kind in new_order
    }
    for old, new in _both(found):
        for place, places, rule in plans.get(old.type, ()):
            if not places:
                continue
            before = old.letters[place]
            after = _together([new.letters[one] for one in places])
            if before != after:
                count = counts[heirs[rule][0]]
                count.moved[before, after] += 1
                top = count.moved_tops[before, after]
                if len(top) < TOP:
                    top.append(Named(new.id, new.name))


def _together(letters: list[str]) -> str:
    """The verdict of several rules that stand for one: the worst of them."""
    return next((letter for letter in "FEUMP" if letter in letters), "N")


def _both(found: Scans) -> Iterator[tuple[ResourceLine, ResourceLine]]:
    """The lines of each resource that both scans evaluated."""
    streams = [
        ((line.type, ids.order_key(line.id), number, line) for line in scan.resources)
        for number, scan in enumerate((found.base, found.head))
    ]
    for _, items in groupby(heapq.merge(*streams, key=itemgetter(0, 1, 2)), key=itemgetter(0, 1)):
        lines = [line for _, _, _, line in items]
        if len(lines) == 2:
            yield lines[0], lines[1]


def _grouped(pairs: tuple[Pair, ...]) -> list[list[Pair]]:
    """Pairs by the rule they are told under, in order."""
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(pair.rule.id, []).append(pair)
    return [groups[name] for name in sorted(groups)]


def _impact(group: list[Pair], counts: Mapping[str, _Counts]) -> RuleImpact:
    rule = group[0].rule
    count = counts.get(rule.id) or _Counts()
    moved = [
        Moved(before, after, number, tuple(count.moved_tops[before, after]))
        for (before, after), number in sorted(count.moved.items())
    ]
    return RuleImpact(
        id=rule.id,
        title=rule.title,
        severity=rule.severity,
        kind=group[0].kind,
        mark=rule.mark,
        was=tuple(pair.old_id for pair in group if pair.old_id),
        enabled=rule.enabled and group[0].after is not None,
        new=count.new,
        waived=count.waived,
        resolved=count.resolved,
        changed=count.changed,
        same=count.same,
        top_new=tuple(count.tops["new"]),
        top_resolved=tuple(count.tops["resolved"]),
        top_changed=tuple(count.tops["changed"]),
        moved=tuple(moved),
    )


def _count_waiver(row: Finding, entered: Counter[str], left: Counter[str]) -> None:
    """Whether a finding came under a waiver, or lost the one it had."""
    if row.change == "changed" and row.why == "waiver":
        if row.waiver:
            entered[row.waiver] += 1
        if row.was.startswith(_WAIVED):
            left[row.was.removeprefix(_WAIVED).partition(";")[0]] += 1
    elif row.waiver and row.change == "new":
        entered[row.waiver] += 1


def _entered(row: Finding) -> bool:
    if row.change in ("new", "reopened"):
        return True
    if row.change != "changed":
        return False
    milder = {f"was {name}" for name in SEVERITIES[SEVERITIES.index(row.severity) + 1 :]}
    return row.was.startswith(_WAIVED) or row.was in milder


def score(scan: Scan) -> Score:
    """The score of a scan, as its two numbers."""
    return Score(*scan.tallies.scored())


def undecided(scan: Scan) -> int:
    """Evaluations of critical and high rules that ended as unknown or error."""
    severe = {card.id for card in scan.header.rules if card.severity in ("critical", "high")}
    counts = [scan.tallies.of_rule(rule) for rule in scan.tallies.verdicts if rule in severe]
    return sum(one[verdict] for one in counts for verdict in UNDECIDED)


def never_failing(scan: Scan) -> tuple[str, ...]:
    """Rules that were asked of something here and fail nothing."""
    return tuple(
        card.id
        for card in scan.header.rules
        if card.enabled
        and not card.not_evaluated
        and not card.manual
        and not card.id.startswith(PREFIX)
        and not scan.tallies.of_rule(card.id)[Verdict.FAIL]
    )


def not_asked(scan: Scan) -> dict[str, str]:
    """Rules that are on and were asked of nothing, with the reason."""
    return {card.id: card.not_evaluated for card in scan.header.rules if card.enabled and card.not_evaluated}


def _touches(found: Scans, entered: Counter[str], left: Counter[str]) -> tuple[WaiverTouch, ...]:
    old = {line.waiver.id: line for line in found.base.waivers}
    new = {line.waiver.id: line for line in found.head.waivers}
    touches = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        line = after or before
        if line is None:
            continue
        touch = WaiverTouch(
            id=name,
            rule=line.waiver.covers.rule,
            before=before.state if before else "",
            after=after.state if after else "",
            covered_before=before.findings if before else 0,
            covered_after=after.findings if after else 0,
            entered=entered[name],
            left=left[name],
            place=line.waiver.place,
        )
        if (
            touch.before != touch.after
            or touch.covered_before != touch.covered_after
            or touch.entered
            or touch.left
        ):
            touches.append(touch)
    return tuple(touches)
