"""What waivers accept more than before: two registers come in; a problem for each entry that was added, widened or lasts longer.

Only entries that count count: one that is expired or refused accepts nothing. Whether a glob covers another one cannot be
told in general, so that a changed target is a wider one unless the old glob matches the new id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scanner.errors import InputError
from scanner.model import ids
from scanner.model.condition import NOWHERE, Mark
from scanner.model.rule import RulePack
from scanner.model.scan import RuleCard
from scanner.model.waiver import Coverage, Register, Waiver
from scanner.waivers.matching import glob
from scanner.waivers.standing import standing, today_of
from scanner.workbench.impact.codes import LOOSE
from scanner.workbench.problem import Problem, mark_of

_CODE = "LOOSE008"


@dataclass(frozen=True, slots=True)
class Registers:
    """The waiver files of both sides. An absent file is an empty register."""

    base: Register
    head: Register
    base_words: str


def widened(
    found: Registers,
    old: RulePack,
    new: RulePack,
    now: str,
    cards: tuple[Mapping[str, RuleCard], Mapping[str, RuleCard]],
    *,
    level: str = "warning",
) -> Iterator[Problem]:
    """What the newer register accepts more, each at the entry's place. `cards`: of both scans, by id and by older ids."""
    names = {name: rule.id for rule in new.rules for name in rule.replaces}
    before = {entry.id.lower(): entry for entry in found.base.waivers}
    same = {_key(entry, names): entry for entry in found.base.waivers}
    today = today_of(now)
    for entry in found.head.waivers:
        stands = standing(entry, cards[1], found.head.policy, today)
        if stands.state in ("expired", "refused"):
            continue
        first = before.get(entry.id.lower()) or same.get(_key(entry, names))
        words = "; ".join(_more(first, entry, names))
        if first is not None and not words:
            was = standing(first, cards[0], found.base.policy, today)
            words = "counts now, and was refused: " + was.why if was.state == "refused" else ""
        if words:
            yield _problem(entry, first, words, found.base_words, level)
    yield from _inherited(found, old, new, level)


def _key(entry: Waiver, names: Mapping[str, str]) -> tuple[str, str]:
    """What tells entries apart that bear other ids: the rule by its newest id, and the target."""
    covers = entry.covers
    target = ids.normalise(covers.resource) if covers.resource else covers.glob.lower() or covers.fingerprint
    return names.get(covers.rule, covers.rule), f"{target}\x1f{covers.element}"


def _more(before: Waiver | None, after: Waiver, names: Mapping[str, str]) -> Iterator[str]:
    """In which ways an entry accepts more than the one it was."""
    if before is None:
        yield f"is new: accepts {target_of(after.covers)} until {after.expires}"
        return
    old, new = before.covers, after.covers
    if names.get(old.rule, old.rule) != names.get(new.rule, new.rule):
        yield f"accepts {new.rule}, was {old.rule}"
    elif not _inside(old, new):
        yield f"accepts {target_of(new)}, was {target_of(old)}"
    if old.element and old.element != new.element:
        yield f"accepts {'every element' if not new.element else 'another element'}, was one"
    if after.expires > before.expires:
        yield f"lasts until {after.expires}, was {before.expires}"
    if after.created < before.created:
        yield f"begins on {after.created}, was {before.created}"


def target_of(covers: Coverage) -> str:
    """What an entry covers, in words."""
    element = f" element {covers.element}" if covers.element else ""
    target = covers.resource or (
        f"all of {covers.glob}" if covers.glob else f"finding {covers.fingerprint[:12]}"
    )
    return f"{covers.rule} on {target}{element}"


def _inside(old: Coverage, new: Coverage) -> bool:
    """Whether the newer target is the older one or provably a part of it."""
    if old.resource and new.resource:
        return ids.normalise(old.resource) == ids.normalise(new.resource)
    if old.fingerprint or new.fingerprint:
        return old.fingerprint == new.fingerprint
    if old.glob and new.glob:
        return old.glob.lower() == new.glob.lower()
    if old.glob and new.resource:
        try:
            return glob(old.glob).fullmatch(ids.normalise(new.resource)) is not None
        except InputError:
            return False
    return False


def _problem(entry: Waiver, first: Waiver | None, words: str, base: str, level: str) -> Problem:
    lines = [f"as of {base}: {first.place}" if first is not None else f"as of {base}: none"]
    lines.append(f"owner {entry.owner}, approver {entry.approver}: {entry.reason}")
    return Problem(
        _CODE,
        level,
        f"waiver {entry.id} {words}",
        mark_of(entry.place),
        "A waiver is a decision: its owner and approver answer for it.",
        entry.covers.rule,
        detail="\n".join(lines),
    )


def _inherited(found: Registers, old: RulePack, new: RulePack, level: str) -> Iterator[Problem]:
    """Rules that were there and now carry on the waivers of others."""
    known = {rule.id: set(rule.replaces) for rule in old.rules}
    for rule in new.rules:
        gained = set(rule.replaces) - known.get(rule.id, set(rule.replaces))
        taken = [entry for entry in found.head.waivers if entry.covers.rule in gained]
        if taken:
            names = ", ".join(entry.id for entry in taken[:5])
            yield Problem(
                _CODE,
                level,
                f"{rule.id} replaces {', '.join(sorted(gained))} now and so is accepted by {names}",
                rule.mark,
                LOOSE[_CODE],
                rule.id,
            )
    if found.head.policy.maximum_days > found.base.policy.maximum_days and found.base.digest:
        yield Problem(
            _CODE,
            level,
            f"waivers may last {found.head.policy.maximum_days} days, were {found.base.policy.maximum_days}",
            Mark(found.head.words, 1, 1) if found.head.words else NOWHERE,
            LOOSE[_CODE],
        )
