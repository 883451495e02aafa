"""Which rule of a pack is which rule of an older one: two sides come in, pairs come out.

`replaces` tells a rename, a split (one rule became several) and a merger (several became one). Rules in files that did not
parse are told as `unread`, whatever the other side has of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scanner.language.digest import shape
from scanner.model.rule import Rule
from scanner.workbench.sides import Side

KINDS = ("same", "renamed", "split", "merged", "new", "removed", "unread")


@dataclass(frozen=True, slots=True)
class Pair:
    """An older rule and a newer one that stands for it; one of them is None where a rule is new or gone.

    `unread`: one side could not be compared because its file does not parse there (the None side).
    """

    kind: str
    before: Rule | None
    after: Rule | None

    @property
    def rule(self) -> Rule:
        """The newer rule, or the older one where there is no newer."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a pair of nothing")
        return found

    @property
    def old_id(self) -> str:
        """The older id where it differs, else ""."""
        return self.before.id if self.before and self.after and self.before.id != self.after.id else ""


def pairs(base: Side, head: Side) -> tuple[Pair, ...]:
    """All pairs, in the order of the newer ids."""
    return tuple(sorted(_pairs(base, head), key=lambda pair: (pair.rule.id, pair.before is None)))


def _pairs(base: Side, head: Side) -> Iterator[Pair]:
    old = {rule.id: rule for rule in base.pack.rules}
    new = {rule.id: rule for rule in head.pack.rules}
    heirs: dict[str, list[Rule]] = {}
    for rule in head.pack.rules:
        for name in rule.replaces:
            if name in old and name not in new:
                heirs.setdefault(name, []).append(rule)
    inherited: set[str] = set()
    for name, rules in heirs.items():
        for rule in rules:
            inherited.add(rule.id)
            several = rule.id in old or sum(one in heirs for one in rule.replaces) > 1
            kind = "split" if len(rules) > 1 else "merged" if several else "renamed"
            yield Pair(kind, old[name], rule)
    for name, rule in old.items():
        if name in new:
            yield Pair("same", rule, new[name])
        elif name not in heirs:
            yield Pair("unread" if _hidden(rule, head) else "removed", rule, None)
    for name, rule in new.items():
        if name not in old and name not in inherited:
            yield Pair("unread" if _hidden(rule, base) else "new", None, rule)


def by_older(found: Iterable[Pair]) -> list[tuple[Rule, tuple[Rule, ...]]]:
    """Each older rule that was compared, with the newer ones that stand for it: none where it is gone."""
    groups: dict[str, tuple[Rule, list[Rule]]] = {}
    for pair in found:
        if pair.before is not None and pair.kind != "unread":
            group = groups.setdefault(pair.before.id, (pair.before, []))
            group[1].extend([pair.after] if pair.after is not None else [])
    return [(before, tuple(afters)) for before, afters in groups.values()]


def _hidden(rule: Rule, other: Side) -> bool:
    """Whether the other side may have the rule, in a file that does not parse there."""
    named = other.unread_ids
    return (
        rule.id in named
        or any(name in named for name in rule.replaces)
        or rule.mark.file in other.unread_files
    )


def alike(rule: Rule, others: Iterable[Rule]) -> Rule | None:
    """A rule among others that has the same name or decides by the same condition: a rename that nobody declared."""
    wanted = decision(rule)
    for other in others:
        if other.name == rule.name or (rule.check is not None and decision(other) == wanted):
            return other
    return None


def decision(rule: Rule) -> object:
    """What a rule decides by, without the values of parameters: equal shapes decide alike with equal values."""
    return [rule.target.lower(), shape(rule.when), shape(rule.check), rule.manual != "", rule.semantics]
