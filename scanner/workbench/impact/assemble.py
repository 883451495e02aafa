"""The whole impact: two sides, their waivers and an inventory come in; figures and loosenings come out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from scanner.model.condition import Mark
from scanner.model.resource import Inventory
from scanner.model.rule import RulePack
from scanner.model.scan import RuleCard, Scan
from scanner.model.waiver import Register
from scanner.workbench.impact import estate
from scanner.workbench.impact.accepted import Registers, widened
from scanner.workbench.impact.codes import LOOSE, MOVED, NEW, NOT_COMPARED, POSSIBLE, UNDECIDED, UNPROVEN
from scanner.workbench.impact.figures import EstateWords, Impact, RuleImpact, SideWords, Tried, origin
from scanner.workbench.impact.loosening import Finder, Sided
from scanner.workbench.pairs import Pair, by_older, pairs
from scanner.workbench.problem import Problem, Report, as_problems
from scanner.workbench.sides import Side

_VERDICTS = frozenset({"LOOSE001", "LOOSE002", "LOOSE007", "LOOSE011", "LOOSE012"})
WORDS = {
    "P": "pass",
    "F": "fail",
    "U": "unknown",
    "E": "error",
    "N": "not applicable",
    "M": "manual",
}


@dataclass(frozen=True, slots=True)
class Ground:
    """What both packs are evaluated on. `missing`: the snapshot that was asked for and is not there, or ""."""

    inventory: Inventory
    words: str
    now: str
    synthetic: bool = False
    missing: str = ""


def impact(
    base: Sided,
    head: Sided,
    ground: Ground,
    *,
    registers: tuple[Register | None, Register | None] = (None, None),
    strict: bool = False,
    command: tuple[str, ...] = (),
) -> Impact:
    """Everything that a change does. `strict`: loosenings are errors; `command`: what does the same again."""
    found = pairs(base.side, head.side)
    level = "error" if strict else "warning"
    scans = estate.scans(
        _comparable(base.side.pack, found),
        _comparable(head.side.pack, found),
        ground.inventory,
        now=ground.now,
        words=ground.words,
        registers=registers,
    )
    figures = estate.figures(scans, found)
    finder = Finder(base, head, level)
    rules = _placed(_with_trials(figures.rules, finder, found), base, head, found)
    loose = list(finder.loosenings(found))
    loose = [*_without_doubt(loose, rules), *_seen(loose, rules, finder, found)]
    if registers[1] is not None:
        cards = (_cards(scans.base), _cards(scans.head))
        books = Registers(registers[0] or Register(), registers[1], base.words)
        loose += widened(books, base.side.pack, head.side.pack, ground.now, cards, level=level)
    return Impact(
        base=_side(base.side),
        head=_side(head.side),
        pack=head.side.name,
        estate=EstateWords(
            ground.words,
            ground.inventory.digest,
            ground.now,
            dict(scans.head.tallies.resources),
            ground.synthetic,
            ground.missing,
        ),
        rules=rules,
        before=estate.score(scans.base),
        after=estate.score(scans.head),
        new_by_severity=figures.gating,
        undecided=(estate.undecided(scans.base), estate.undecided(scans.head)),
        never=estate.never_failing(scans.head),
        not_asked=estate.not_asked(scans.head),
        waivers=figures.waivers,
        loose=tuple(sorted(loose, key=lambda one: one.sort_key)),
        errors=tuple(_errors(base.side, "warning")) + tuple(_errors(head.side, "error")),
        not_compared=_not_compared(base.side, head.side, found),
        absent=base.side.absent,
        command=command,
    )


def _comparable(pack: RulePack, found: tuple[Pair, ...]) -> RulePack:
    """The pack without the rules that the other side has in a file that does not parse: they count on neither side."""
    hidden = {pair.rule.id for pair in found if pair.kind == "unread"}
    return (
        replace(pack, rules=tuple(rule for rule in pack.rules if rule.id not in hidden)) if hidden else pack
    )


def _placed(
    rules: tuple[RuleImpact, ...], base: Sided, head: Sided, found: tuple[Pair, ...]
) -> tuple[RuleImpact, ...]:
    """The figures, with the place of the id of each rule that there is something to tell of."""
    named = {pair.rule.id: pair for pair in found}

    def place(one: RuleImpact) -> Mark:
        pair = named[one.id]
        return (head if pair.after else base).places.of_id(pair.rule)

    return tuple(replace(one, mark=place(one)) if one.touched else one for one in rules)


def _with_trials(
    rules: tuple[RuleImpact, ...], finder: Finder, found: tuple[Pair, ...]
) -> tuple[RuleImpact, ...]:
    """The figures, with what each rule can decide differently where this estate does not show it. A split is told once."""
    tried: dict[str, list[Tried]] = {}
    for before, afters in by_older(found):
        one = finder.tried(before, afters)
        if one is not None:
            tried.setdefault(afters[0].id, []).append(one)
    return tuple(replace(rule, tried=tuple(tried.get(rule.id, ()))) for rule in rules)


def _cards(scan: Scan) -> dict[str, RuleCard]:
    return {name: card for card in scan.header.rules for name in (*card.replaces, card.id)}


def _side(side: Side) -> SideWords:
    pack = side.pack
    return SideWords(side.words, pack.version, pack.digest, len(pack.rules), pack.profile)


def _errors(side: Side, level: str) -> Iterator[Problem]:
    """What does not parse; at the base it is told and stops nothing by itself."""
    for error in side.errors:
        yield from as_problems(error, level)


def _not_compared(base: Side, head: Side, found: tuple[Pair, ...]) -> tuple[str, ...]:
    named = {pair.rule.id for pair in found if pair.kind == "unread"}
    return tuple(sorted(named | head.unread_ids | (base.unread_ids - {rule.id for rule in head.pack.rules})))


def _without_doubt(loose: list[Problem], rules: tuple[RuleImpact, ...]) -> Iterator[Problem]:
    """Without "only a sample was tried" where the estate shows that it did get looser."""
    shown = {one.id for one in rules if any(moved.looser for moved in one.moved)}
    return (one for one in loose if not (one.code == UNPROVEN and one.rule in shown))


def _seen(
    loose: list[Problem], rules: tuple[RuleImpact, ...], finder: Finder, found: tuple[Pair, ...]
) -> Iterator[Problem]:
    """Loosenings that only the estate shows: the enumeration did not come across such a case."""
    known = {one.rule for one in loose if one.code in _VERDICTS}
    named = {pair.rule.id: pair for pair in found}
    for rule in rules:
        moved = [one for one in rule.moved if one.looser]
        pair = named[rule.id]
        if not moved or rule.id in known or pair.before is None or pair.after is None:
            continue
        only_less = all(one.after == "N" for one in moved)
        code = "LOOSE002" if only_less else "LOOSE001"
        told = ", ".join(f"{WORDS[one.before]} -> {WORDS[one.after]} {one.number:,} times" for one in moved)
        mark, old = finder.condition(pair.before, pair.after, only_less=only_less)
        lines = [f"as of {finder.base.words}: {old}"]
        lines += [f"on {resource.id}" for one in moved for resource in one.top]
        yield Problem(
            code,
            finder.level,
            f"{rule.id}: {LOOSE[code]}: {told} on this estate",
            mark,
            "If that is meant, say why in the pull request.",
            rule.id,
            detail="\n".join(lines),
        )


def report(found: Impact) -> Report:
    """The impact for the writers of annotations and SARIF: errors, loosenings, new findings, what can be decided otherwise."""
    problems = [*found.errors, *found.loose, *_told(found)]
    counts = {
        "rules": len(found.rules),
        "resources": sum(found.estate.resources.values()),
        "rules with a difference": len(found.touched),
    }
    return Report("impact", tuple(problems), counts).sorted()


def _told(found: Impact) -> Iterator[Problem]:
    for rule in found.rules:
        if rule.was or rule.kind in ("new", "removed"):
            yield Problem(MOVED, "info", f"{rule.id}: {origin(rule)}", rule.mark, rule=rule.id)
        if rule.new:
            waived = f", {rule.waived:,} of them waived" if rule.waived else ""
            yield Problem(
                NEW,
                "warning" if rule.severity in ("critical", "high") else "info",
                f"{rule.id}: {rule.new:,} new {rule.severity} finding{'s' * (rule.new != 1)}{waived}",
                rule.mark,
                rule=rule.id,
                detail="\n".join(f"{one.name}: {one.words}" for one in rule.top_new),
            )
        if rule.regressions:
            top = [named for one in rule.moved if one.regression for named in one.top]
            yield Problem(
                UNDECIDED,
                "warning",
                f"{rule.id}: {rule.regressions:,} verdicts that were decided are unknown or errors now",
                rule.mark,
                rule=rule.id,
                detail="\n".join(named.id for named in top),
            )
    for rule, tried in found.rewritten:
        others = [one for one in tried.moves if not (one.before in "FU" and one.after in "PN")]
        if others:
            yield Problem(
                POSSIBLE,
                "info",
                f"{rule.id}: can decide differently: {', '.join(one.words for one in others)}",
                tried.mark,
                rule=rule.id,
                detail="\n".join([f"as of {found.base.words}: {tried.old}", *others[0].lines, tried.how]),
            )
    for rule in found.rules:
        if rule.kind == "unread" or rule.id in found.not_compared:
            yield Problem(
                NOT_COMPARED,
                "info",
                f"{rule.id}: was not compared, for its file does not parse on one side",
                rule.mark,
                rule=rule.id,
            )
