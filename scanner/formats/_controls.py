"""What the rules about a control say of it as a whole: satisfied, or not, and in words why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.model.finding import Verdict
from scanner.model.summary import not_evaluated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.model.scan import RuleCard, Scan, ScanHeader


def by_framework(head: ScanHeader) -> dict[str, dict[str, list[RuleCard]]]:
    """Framework -> control -> the rules that name it, each sorted by id."""
    found: dict[str, dict[str, list[RuleCard]]] = {}
    for card in head.rules:
        for control in card.controls:
            found.setdefault(control.framework, {}).setdefault(control.id, []).append(card)
    return {name: dict(sorted(found[name].items())) for name in sorted(found)}


def reasons(scan: Scan) -> Mapping[str, str]:
    """Rule id -> why it was not evaluated."""
    return {card.id: reason for card, reason in not_evaluated(scan.header)}


def standing(scan: Scan, cards: list[RuleCard]) -> tuple[str, str, str]:
    """`satisfied` or `not-satisfied`, OSCAL's reason (pass, fail, other), and the sentence that says why.

    Satisfied is only what was decided and held everywhere, by rule or by attestation.
    """
    tallies = scan.tallies
    total = dict.fromkeys(Verdict, 0)
    for card in cards:
        for verdict, number in tallies.of_rule(card.id).items():
            total[verdict] += number
    attested = sum(sum(tallies.attested.get(card.id, {}).values()) for card in cards)
    waived = sum(sum(tallies.waived_evaluations.get(card.id, {}).values()) for card in cards)
    known = reasons(scan)
    skipped = ", ".join(card.id for card in cards if card.id in known)
    undecided = total[Verdict.UNKNOWN] + total[Verdict.ERROR]
    if total[Verdict.FAIL]:
        accepted = f", {waived} of them accepted by waivers" if waived else ""
        return "not-satisfied", "fail", f"{total[Verdict.FAIL]} evaluations fail{accepted}."
    if undecided:
        return "not-satisfied", "other", f"Not evaluated: {undecided} evaluations could not be decided."
    if total[Verdict.MANUAL] > attested:
        left = total[Verdict.MANUAL] - attested
        return "not-satisfied", "other", f"Not evaluated: {left} manual evaluations are not attested."
    if not total[Verdict.PASS] and not attested:
        more = f" ({skipped} not evaluated)" if skipped else ""
        return (
            "not-satisfied",
            "other",
            f"Not evaluated: no rule was asked of anything that it applies to{more}.",
        )
    more = f"; {skipped} not evaluated" if skipped else ""
    return "satisfied", "pass", f"{total[Verdict.PASS]} evaluations hold, {attested} are attested{more}."
