"""Agreement with Azure Policy: a pack, an estate and the verdicts come in; rows of both sides come out, and their counts.

The built-in definitions that the pack mirrors are asked of the settings that were read as if they were rules, by the
same two lanes. A pass over the registries makes a row of each registry and definition; the number kept is bounded.
Source: https://learn.microsoft.com/azure/container-registry/container-registry-azure-policy
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from scanner.engine.agreeing import NOT_COMPARABLE, RANKS, Answer, Mirror, Seen, by_definition, row_of
from scanner.engine.case import case_for
from scanner.engine.estate import Estate, Linked
from scanner.engine.evaluate import Options, lane_for, letters_of, plan
from scanner.engine.judge import judge
from scanner.engine.relations import POLICY_ASSIGNMENTS, POLICY_STATES, REGISTRIES
from scanner.model import ids
from scanner.model.condition import NOWHERE, Condition, Logic
from scanner.model.finding import LETTERS
from scanner.model.rule import Remediation, Rule, RulePack
from scanner.model.scan import AgreementRow, AgreementTally, ResourceLine
from scanner.types import built_in

KEPT = 20_000
"""Rows that are kept; the rest is counted. Those that differ are kept before all others."""

_RELATIONS = frozenset({"enforcement", "policyStates"})
_QUIET = len(RANKS)
"""The rank of rows about registries that Azure Policy has nothing to do with."""
_WORST_FIRST = "FEUMPN"


def agreement(
    pack: RulePack, estate: Estate, lines: Iterable[ResourceLine], orders: Mapping[str, tuple[str, ...]]
) -> tuple[tuple[AgreementRow, ...], AgreementTally]:
    """The rows that are kept, in the order of the registries, and the counts of all.

    `lines`: the finished lines of the scan, read twice; `orders`: the rules of their letters by target type.
    """
    if not any(estate.completeness.collected(kind) for kind in (POLICY_ASSIGNMENTS, POLICY_STATES)):
        return (), AgreementTally(reason="neither policy assignments nor compliance states were collected")
    asked = _Asked(pack, estate)
    order = orders.get(REGISTRIES, ())
    ours = _Ours(order, _below(lines, orders, {mirror.rule for mirror in asked.mirrors}))
    of_registries = (line for line in lines if line.type == REGISTRIES)
    kept = _Kept()
    for linked in estate.targets(REGISTRIES, _RELATIONS):
        kept.registry(_seen(linked, asked), asked.mirrors, ours, next(of_registries) if order else None)
    return kept.rows(), kept.tally()


@dataclass(frozen=True, slots=True)
class _Ours:
    """What our rules say: their order in the lines of registries, and for rules on children the worst verdict."""

    order: tuple[str, ...]
    below: Mapping[str, Mapping[str, str]]
    """Rule id -> normalised registry id -> letter."""

    def of(self, rule: str, line: ResourceLine | None, registry: str) -> str:
        """The verdict in words, or `off` where the rule was not asked."""
        if line is not None and rule in self.order:
            return LETTERS[line.letters[self.order.index(rule)]].value
        if rule in self.below:
            return LETTERS[self.below[rule].get(ids.normalise(registry), "N")].value
        return "off"


def _below(
    lines: Iterable[ResourceLine], orders: Mapping[str, tuple[str, ...]], rules: set[str]
) -> Mapping[str, Mapping[str, str]]:
    """For rules on what lies in registries: by registry the worst letter, fail first."""
    places = {
        kind: [(rule, number) for number, rule in enumerate(order) if rule in rules]
        for kind, order in orders.items()
        if kind != REGISTRIES
    }
    found: dict[str, dict[str, str]] = {rule: {} for listed in places.values() for rule, _ in listed}
    for line in lines if found else ():
        for rule, number in places.get(line.type, ()):
            registry = ids.normalise(ids.registry_of(line.id) or line.id)
            before = found[rule].get(registry, "N")
            found[rule][registry] = min(before, line.letters[number], key=_WORST_FIRST.index)
    return found


class _Asked:
    """The built-in definitions, and as rules of their own those that judge registries."""

    def __init__(self, pack: RulePack, estate: Estate) -> None:
        self.estate = estate
        self.mirrors: list[Mirror] = []
        names = built_in.policies()
        rules = []
        for guid, facts in built_in.mirrors().items():
            definitions = (guid, *facts["mended_by"])
            name, condition = facts["condition"], pack.definitions.get(facts["condition"])
            self.mirrors.append(Mirror(guid, names[guid]["name"], facts["rule"], definitions, bool(name)))
            if condition is not None:
                rules.append(_rule(guid, condition))
        self.mirrored = frozenset(mirror.guid for mirror in self.mirrors)
        self.acting = frozenset(guid for mirror in self.mirrors for guid in mirror.definitions)
        """The mirrored definitions, and with them those that mend what they audit."""
        self._pack = replace(pack, rules=tuple(rules))
        self._plans = plan(self._pack, estate)

    def answers(self, linked: Linked) -> Mapping[str, Answer]:
        """By GUID what the definitions say of the settings that were read."""
        clock = self.estate.clock
        found = {}
        for planned in self._plans:
            values, lane = lane_for(self._pack, planned, self.estate, linked, clock, Options())
            for rule, letter in zip(planned.rules, letters_of(planned, linked, lane), strict=True):
                if letter != "?":
                    found[rule.id] = Answer(LETTERS[letter], "")
                    continue
                case = case_for(linked.resource, linked.related, planned.elements, values[rule.id], clock)
                judgement = judge(rule, case)
                found[rule.id] = Answer(judgement.verdict, judgement.reason or judgement.message)
        return found


def _rule(guid: str, non_compliant: Condition) -> Rule:
    """A rule that passes where the definition says Compliant."""
    return Rule(
        id=guid,
        name=guid,
        title="",
        severity="info",
        target=REGISTRIES,
        when=None,
        check=Logic("not", (non_compliant,), NOWHERE),
        manual="",
        message=(),
        not_applicable_message=(),
        parameters={},
        rationale="",
        remediation=Remediation(""),
        references=(),
        reviewed="",
        controls=(),
    )


def _seen(linked: Linked, asked: _Asked) -> Seen:
    """A registry as both sides see it; the definitions are asked only where Azure has said something."""
    policies, policies_unread = by_definition(linked.related("enforcement"), asked.acting)
    said, states_unread = by_definition(linked.related("policyStates"), asked.mirrored)
    return Seen(
        resource=linked.resource,
        now=asked.estate.clock,
        policies=policies,
        policies_unread=policies_unread,
        said=said,
        states_unread=states_unread,
        here=asked.answers(linked) if said else {},
    )


class _Kept:
    """Rows by rank, at most `KEPT` of them, and the counts of all rows and registries."""

    def __init__(self) -> None:
        self._free = KEPT
        self._ranks: list[list[tuple[int, AgreementRow]]] = [[] for _ in range(_QUIET + 1)]
        self._counts: Counter[str] = Counter()
        self._number = 0

    def registry(self, seen: Seen, mirrors: list[Mirror], ours: _Ours, line: ResourceLine | None) -> None:
        """Take in all rows of one registry."""
        self._counts["registries"] += 1
        if seen.quiet and not self._takes(_QUIET):
            self._counts[NOT_COMPARABLE] += len(mirrors)
            return
        found: Counter[str] = Counter()
        for mirror in mirrors:
            row = row_of(mirror, seen, ours.of(mirror.rule, line, seen.resource.id))
            self._counts[row.agrees] += 1
            touched = bool(row.assigned or row.stated)
            found += Counter(assigned=touched, enforced=row.enforced == "yes", exempt=row.exempt == "yes")
            self._add(RANKS.index(row.agrees) if touched else _QUIET, row)
        self._counts.update(found.keys())

    def _takes(self, rank: int) -> bool:
        return self._free > 0 or any(self._ranks[rank + 1 :])

    def _add(self, rank: int, row: AgreementRow) -> None:
        """Keep a row, in the place of one of the highest rank below it where all places are taken."""
        if not self._takes(rank):
            return
        if self._free:
            self._free -= 1
        else:
            next(rows for rows in reversed(self._ranks[rank + 1 :]) if rows).pop()
        self._number += 1
        self._ranks[rank].append((self._number, row))

    def rows(self) -> tuple[AgreementRow, ...]:
        """The kept rows in the order they came."""
        numbered = sorted((entry for rank in self._ranks for entry in rank), key=lambda entry: entry[0])
        return tuple(row for _, row in numbered)

    def tally(self) -> AgreementTally:
        """The counts."""
        counts = self._counts
        return AgreementTally(
            rows=sum(counts[name] for name in RANKS),
            agrees=counts["agrees"],
            differs=counts["differs"],
            settling=counts["settling"],
            not_comparable=counts[NOT_COMPARABLE],
            registries=counts["registries"],
            assigned=counts["assigned"],
            enforced=counts["enforced"],
            exempt=counts["exempt"],
        )
