"""What counts today: an entry, the rule it names and the clock come in; its state and the reason for it come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from scanner.errors import InputError
from scanner.model.waiver import Attestation, Waiver, WaiverPolicy


class Judged(Protocol):
    """What must be known of a rule: a card of a scan has it, and so has a rule."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def waivable(self) -> bool:
        """Whether waivers of it count."""
        ...

    @property
    def manual(self) -> str:
        """What a person attests, or ""."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """`state`: in-force, expires-soon, expired, not-yet or refused; `why` says what makes it refused, or ""."""

    state: str
    why: str
    days_left: int

    @property
    def counts(self) -> bool:
        """Whether the entry is in force."""
        return self.state in ("in-force", "expires-soon")


def today_of(now: str) -> date:
    """The UTC day of an RFC 3339 time; entries end with the end of a UTC day."""
    try:
        return date.fromisoformat(now[:10])
    except ValueError as error:
        raise InputError(f"the clock {now!r} is no time", "", "Write it as 2026-11-25T02:00:00Z.") from error


def standing(
    entry: Waiver | Attestation, cards: Mapping[str, Judged], policy: WaiverPolicy, today: date
) -> Standing:
    """The standing of an entry. A date that cannot be read makes it expired: what is unclear does not count."""
    try:
        created, expires = date.fromisoformat(entry.created), date.fromisoformat(entry.expires)
    except ValueError:
        return Standing("expired", "its dates cannot be read", -1)
    left = (expires - today).days
    lasts = (expires - created).days
    refusal = _refusal(entry, cards, policy, lasts)
    if left < 0:
        return Standing("expired", "", left)
    if refusal:
        return Standing("refused", refusal, left)
    if created > today:
        return Standing("not-yet", f"it begins on {entry.created}", left)
    return Standing("expires-soon" if left <= policy.soon_days else "in-force", "", left)


def _refusal(
    entry: Waiver | Attestation, cards: Mapping[str, Judged], policy: WaiverPolicy, lasts: int
) -> str:
    card = cards.get(entry.covers.rule)
    if isinstance(entry, Waiver) and card is not None and not card.waivable:
        return f"{card.id} may not be waived"
    if isinstance(entry, Attestation) and card is not None and not card.manual:
        return f"{card.id} is decided by the scanner, not by attestation"
    if lasts > policy.maximum_days:
        return f"it lasts {lasts} days, at most {policy.maximum_days} are allowed"
    return ""
