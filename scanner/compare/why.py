"""Why a finding came or went: what each of two scans knew of one rule on one resource.

The order of trust: what could not be looked at explains first (data, scope), then the rule, and only what is left is the
resource. Nobody is told that a resource was mended when it was only not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from scanner.model import ids
from scanner.model.finding import LETTERS, Finding, Verdict
from scanner.model.scan import RuleCard, ScanHeader
from scanner.model.waiver import PREFIX

Unread: TypeAlias = tuple[tuple[str, ...], str]
_NOT_LOOKED = ("not asked for", "not collected")
"""How the engine ends the reason of a rule that was asked of nothing because its data was not read."""
_UNDECIDED = frozenset({Verdict.UNKNOWN, Verdict.ERROR})


@dataclass(frozen=True, slots=True)
class Knew:
    """What one scan can answer for. `letters` of lines are given with each question."""

    header: ScanHeader
    cards: Mapping[str, RuleCard]
    places: Mapping[str, Mapping[str, int]]
    """For each target type: rule id -> place in a line's letters."""
    unread: Mapping[str, tuple[Unread, ...]]
    """For each lower-case target type: where it was not read, and whether that is `data` or (chosen) `scope`."""
    scope: Mapping[str, str]
    """Subscriptions in scope -> why not (wholly) looked at, or ""."""
    lines: bool
    """Whether it has resource lines (a SARIF file has not)."""

    @classmethod
    def of(cls, header: ScanHeader, *, lines: bool = True) -> Knew:
        """What a scan with that header knew."""
        named = {line.subscription: line.reason for line in header.scope}
        return cls(
            header=header,
            cards={card.id: card for card in header.rules},
            places={
                kind: {rule: place for place, rule in enumerate(rules)}
                for kind, rules in header.order.items()
            },
            unread=dict(_unread(header)),
            scope={**dict.fromkeys(header.subscriptions, ""), **named},
            lines=lines,
        )

    def verdict(self, row: Finding, letters: str | None) -> Verdict | None:
        """The verdict on the row's rule in a line's letters; None where the rule or the line is missing."""
        place = self.places.get(row.resource_type, {}).get(row.rule)
        if letters is None or place is None or place >= len(letters):
            return None
        return LETTERS.get(letters[place])

    def blind(self, row: Finding, letters: str | None) -> str:
        """`data` or `scope` where this scan could not look at what the row is about, else ""."""
        card = self.cards.get(row.rule)
        if card is not None and card.enabled and card.not_evaluated.endswith(_NOT_LOOKED):
            return "data"
        verdict = self.verdict(row, letters)
        if verdict in _UNDECIDED:
            return "data"
        if verdict is not None:
            return ""
        subscription = ids.subscription_of(row.resource)
        if subscription and self.scope and (self.scope.get(subscription, "absent") != ""):
            known = self.scope.get(subscription)
            return "data" if known else "scope"
        segments = ids.segments(row.resource)
        for scope, reason in self.unread.get(row.resource_type.lower(), ()):
            if segments[: len(scope)] == scope:
                return reason
        return ""

    def asks(self, rule: str) -> bool:
        """Whether the rule was asked at all."""
        card = self.cards.get(rule)
        return card is not None and card.enabled

    def names(self, rule: str, other: Knew) -> tuple[str, ...]:
        """The ids under which this scan has a rule of another one: its own, else that of what replaces it or it replaces."""
        if rule in self.cards:
            return (rule,)
        heirs = [card.id for card in self.header.rules if rule in card.replaces]
        card = other.cards.get(rule)
        older = [name for name in card.replaces if name in self.cards] if card else []
        return (*heirs, *older)


def _unread(header: ScanHeader) -> Iterator[tuple[str, tuple[Unread, ...]]]:
    for run in header.runs:
        if run.state in ("complete", "not-asked"):
            continue
        places = tuple(
            (ids.segments(problem.scope), "scope" if problem.chosen else "data") for problem in run.problems
        )
        yield run.collection.lower(), places or (((), "data"),)


def rule_changed(before: Knew, after: Knew, rule: str) -> bool:
    """Whether the rule, its parameters or whether it is asked differ; `rule`: its id in either scan.

    A rule that was renamed (`replaces`) is compared with what it was.
    """
    pairs = [(old, new) for old in before.names(rule, after) for new in after.names(rule, before)]
    return not pairs or all(_differs(before.cards[old], after.cards[new]) for old, new in pairs)


def _differs(old: RuleCard, new: RuleCard) -> bool:
    if old.enabled != new.enabled:
        return True
    values = old.values_digest != new.values_digest and bool(old.values_digest and new.values_digest)
    return values or old.digest != new.digest


def why_new(before: Knew, after: Knew, row: Finding, letters: str | None) -> str:
    """Why the older scan did not have the row; `letters`: the older scan's of the row's resource."""
    return _why(before, before.names(row.rule, after), rule_changed(before, after, row.rule), row, letters)


def why_gone(before: Knew, after: Knew, row: Finding, letters: str | None) -> str:
    """Why the newer scan has the row no more; `data` and `scope` mean that it may still be there."""
    return _why(after, after.names(row.rule, before), rule_changed(before, after, row.rule), row, letters)


def _why(lacking: Knew, names: tuple[str, ...], changed: bool, row: Finding, letters: str | None) -> str:
    """Why a scan lacks a row that the other one has; `names`: the ids of the row's rule in it."""
    if row.rule.startswith(PREFIX):
        return "waiver"
    asked = [name for name in names if lacking.asks(name)]
    if not asked:
        return "rule"
    blind = [reason for name in asked if (reason := lacking.blind(replace(row, rule=name), letters))]
    return blind[0] if blind else "rule" if changed else "resource"


def differences(old: Finding, new: Finding, before: Knew, after: Knew) -> tuple[str, str]:
    """What differs between two rows of one finding: the reason and the words, or two empty texts."""
    if (old.waiver or "") != (new.waiver or ""):
        was = f"waived by {old.waiver}" if old.waiver else "not waived"
        lost = f"; {new.lapsed} does not count" if new.lapsed else ""
        return "waiver", f"was {was}{lost}"
    if old.severity != new.severity:
        return "rule", f"was {old.severity}"
    changed = rule_changed(before, after, new.rule)
    seen = _observed(old), _observed(new)
    if seen[0] != seen[1]:
        return _of_values(*seen, changed=changed)
    if changed and _asked(old) != _asked(new):
        return "rule", "the rule asked for something else"
    return "", ""


def _observed(row: Finding) -> dict[str, str]:
    return {item.path: f"{item.state} {item.actual!r}" for item in row.evidence}


def _asked(row: Finding) -> list[tuple[str, str]]:
    return [(item.operator, repr(item.expected)) for item in row.evidence]


def _of_values(old: Mapping[str, str], new: Mapping[str, str], *, changed: bool) -> tuple[str, str]:
    """The first values that differ; another set of paths means that the rule looked elsewhere, or found more."""
    for path in old.keys() & new.keys():
        if old[path] != new[path]:
            return "resource", f"{path} was {old[path].partition(' ')[2][:200]}"
    gone = sorted(old.keys() - new.keys())
    words = ", ".join(gone or sorted(new.keys() - old.keys()))[:200]
    if changed:
        return "rule", f"the rule looks at something else: {words}"
    return "resource", f"{words} is decided differently"
