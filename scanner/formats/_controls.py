"""What the rules about a control say of it as a whole: satisfied, or not, and in words why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.model.finding import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scanner.model.scan import RuleCard, Scan, ScanHeader, Tallies

_NOT_THERE = "in the inventory"
"""How the reason of a rule ends that was asked of nothing because its resources were looked for and there are none."""
_NAMED = 12


def by_framework(head: ScanHeader) -> dict[str, dict[str, list[RuleCard]]]:
    """Framework -> control -> the rules that name it, each sorted by id."""
    found: dict[str, dict[str, list[RuleCard]]] = {}
    for card in head.rules:
        for control in card.controls:
            found.setdefault(control.framework, {}).setdefault(control.id, []).append(card)
    return {name: dict(sorted(found[name].items())) for name in sorted(found)}


@dataclass(frozen=True, slots=True)
class Standings:
    """What controls are judged by. `carried`: rule -> open findings of the baseline that were not looked at this time."""

    tallies: Tallies
    carried: Mapping[str, int]

    @classmethod
    def of(cls, scan: Scan) -> Standings:
        """Of a scan; reads the rows of the baseline once."""
        rows = (row.rule for row in scan.earlier if row.change != "resolved" and row.gating)
        return cls(scan.tallies, Counter(rows))

    def of_rules(self, cards: Iterable[RuleCard]) -> tuple[str, str, str]:
        """`satisfied` or `not-satisfied`, OSCAL's reason (pass, fail, other), and the sentence that says why.

        Satisfied is only what was asked, decided and held everywhere, by rule or by attestation. Rules that are switched
        off do not count and are named.
        """
        named = {card.id: card for card in cards}
        total = dict.fromkeys(Verdict, 0)
        for rule in named:
            for verdict, number in self.tallies.of_rule(rule).items():
                total[verdict] += number
        attested = sum(sum(self.tallies.attested.get(rule, {}).values()) for rule in named)
        waived = sum(sum(self.tallies.waived_evaluations.get(rule, {}).values()) for rule in named)
        carried = sum(self.carried.get(rule, 0) for rule in named)
        off = [card.id for card in named.values() if not card.enabled]
        unasked = [card for card in named.values() if card.enabled and card.not_evaluated]
        absent = [card.id for card in unasked if card.not_evaluated.endswith(_NOT_THERE)]
        missing = [card for card in unasked if card.id not in absent]
        aside = _list("switched off", off) + _list("nothing to ask of", absent)
        if total[Verdict.FAIL]:
            accepted = f", {waived} of them accepted by waivers" if waived else ""
            return "not-satisfied", "fail", f"{total[Verdict.FAIL]} evaluations fail{accepted}{aside}."
        gaps = []
        if undecided := total[Verdict.UNKNOWN] + total[Verdict.ERROR]:
            gaps.append(f"{undecided} evaluations could not be decided")
        if total[Verdict.MANUAL] > attested:
            gaps.append(f"{total[Verdict.MANUAL] - attested} manual evaluations are not attested")
        if missing:
            reasons = "; ".join(f"{card.id}: {card.not_evaluated}" for card in missing[:_NAMED])
            more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
            gaps.append(f"{len(missing)} rules were not asked ({reasons}{more})")
        if carried:
            gaps.append(f"{carried} findings of the baseline are still open and were not looked at")
        if not gaps and not total[Verdict.PASS] and not attested:
            gaps.append("no rule was asked of anything that it applies to")
        if gaps:
            return "not-satisfied", "other", f"Not evaluated: {'; '.join(gaps)}{aside}."
        return "satisfied", "pass", f"{total[Verdict.PASS]} evaluations hold, {attested} are attested{aside}."


def _list(words: str, rules: list[str]) -> str:
    more = f" and {len(rules) - _NAMED} more" if len(rules) > _NAMED else ""
    return f"; {words}: {', '.join(rules[:_NAMED])}{more}" if rules else ""
