"""Waivers and attestations as the report lists them: what needs somebody's attention comes first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.model.finding import Verdict
from scanner.model.waiver import IN_FORCE

if TYPE_CHECKING:
    from scanner.formats.html.standing import RuleRow, Standing
    from scanner.model.scan import Scan
    from scanner.model.waiver import AttestationLine, WaiverLine

SHOWN = 1_000
ATTENTION = ("expired", "refused", "not-yet", "expires-soon", "unused", "in-force")
"""The states of an entry, from what a reader must act on to what is well."""


@dataclass(frozen=True, slots=True)
class Review:
    """A manual rule: how many evaluations it has, how many somebody vouches for, and the entries about it."""

    row: RuleRow
    asked: int
    met: int
    entries: tuple[AttestationLine, ...]

    @property
    def open(self) -> int:
        """Evaluations that nobody vouches for."""
        return self.asked - self.met

    @property
    def lapsed(self) -> bool:
        """There was an attestation, and it does not count any more."""
        return any(line.state not in IN_FORCE for line in self.entries)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The lists of both parts, each with how much is left out; `states` counts all waivers by state."""

    waivers: tuple[WaiverLine, ...]
    waivers_left_out: int
    states: tuple[tuple[str, int], ...]
    attestations: tuple[AttestationLine, ...]
    attestations_left_out: int
    reviews: tuple[Review, ...]

    @property
    def calling(self) -> int:
        """Waivers that do not count although somebody wrote them."""
        return sum(number for state, number in self.states if state not in IN_FORCE)

    @property
    def unreviewed(self) -> list[Review]:
        """Manual rules with evaluations that nobody vouches for."""
        return [review for review in self.reviews if review.open]

    @property
    def reviewed(self) -> list[Review]:
        """Manual rules whose every evaluation somebody vouches for."""
        return [review for review in self.reviews if review.asked and not review.open]

    @property
    def unasked(self) -> list[Review]:
        """Manual rules that were asked of nothing."""
        return [review for review in self.reviews if not review.asked]


def gather(scan: Scan, standing: Standing) -> Accepted:
    """Sort both lists and join attestations with the manual rules they are about."""
    waivers = sorted(scan.waivers, key=lambda line: (_rank(line.state), line.days_left, line.waiver.id))
    attestations = sorted(
        scan.attestations, key=lambda line: (_rank(line.state), line.days_left, line.attestation.id)
    )
    states: dict[str, int] = {}
    for line in waivers:
        states[line.state] = states.get(line.state, 0) + 1
    return Accepted(
        tuple(waivers[:SHOWN]),
        max(0, len(waivers) - SHOWN),
        tuple(states.items()),
        tuple(attestations[:SHOWN]),
        max(0, len(attestations) - SHOWN),
        tuple(_review(row, scan.tallies.attested, attestations) for row in standing.manual),
    )


def _review(row: RuleRow, attested: Mapping[str, Mapping[str, int]], lines: list[AttestationLine]) -> Review:
    names = {row.card.id, *row.card.replaces}
    return Review(
        row,
        row.counts[Verdict.MANUAL],
        sum(attested.get(row.card.id, {}).values()),
        tuple(line for line in lines if line.attestation.covers.rule in names),
    )


def _rank(state: str) -> int:
    return ATTENTION.index(state) if state in ATTENTION else len(ATTENTION)
