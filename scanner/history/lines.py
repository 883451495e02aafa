"""What a period is made of: its nights, controls, gaps, changes and population, as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scanner.history.changes import Change


@dataclass(frozen=True, slots=True)
class ControlLine:
    """A rule (`framework` "") or a framework control over the nights; the four numbers add up to the nights.

    `letters`: E (effective), N (not effective), U (unknown) or - (nothing to evaluate) for each night.
    `why`: reason -> nights, of the unknown ones; a night may have several. `rules`: what the control is decided by;
    `off`: rules about it that were switched off throughout and decide nothing.
    Findings: first opened, opened again, mended and otherwise closed in the period (each time anew, however many
    subscriptions share the cause), and open at its end.
    """

    framework: str
    id: str
    title: str
    severity: str
    rules: tuple[str, ...]
    off: tuple[str, ...]
    effective: int
    not_effective: int
    unknown: int
    nothing: int
    letters: str
    why: Mapping[str, int]
    opened: int = 0
    reopened: int = 0
    mended: int = 0
    otherwise: int = 0
    open_at_end: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Nights one after another, both ends included."""

    first: str
    last: str
    nights: int


@dataclass(frozen=True, slots=True)
class SubscriptionLine:
    """A subscription that was in scope. `since`: the first night of that; `due`: nights on which a scan was expected.

    `scanned`, `whole`: on how many there was one, and one that read it wholly; `missing`: the nights without;
    `reasons`: why it was not read wholly -> nights; `registries`: how many there were at the end.
    `retired`: since when it is gone, and why, or "".
    """

    subscription: str
    name: str
    since: str
    due: int
    scanned: int
    whole: int
    missing: tuple[Stretch, ...]
    reasons: Mapping[str, int]
    registries: int
    retired: str


@dataclass(frozen=True, slots=True)
class RunGap:
    """A run of the period that did not read all it was asked to: what and why, as lines."""

    run: int
    now: str
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegistryLine:
    """A registry of the period. `last`: when it was seen last, "" where it was there at the end.

    `reasons`: why it was not evaluated, with the times of the first scan and the last one that said so; () where it always
    was.
    """

    registry: str
    subscription: str
    first: str
    last: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunRef:
    """A run of the period, so that its digests can be looked up. `digest`: of the header and the counts of the scan."""

    run: int
    now: str
    complete: bool
    pack_digest: str
    profile_digest: str
    waiver_digest: str
    digest: str


@dataclass(frozen=True, slots=True)
class Period:
    """What the runs of a span of nights show together.

    `nights`: those that are over, `pending`: those that are not. `with_runs`: nights with a scan at all; `superseded`:
    runs that another one of the same night replaced. `begins`: the first night that the history knows.
    """

    history: str
    pack: str
    start: str
    end: str
    nights: tuple[str, ...]
    pending: int
    begins: str
    with_runs: int
    superseded: int
    no_run: tuple[Stretch, ...]
    incomplete: tuple[RunGap, ...]
    rules: tuple[ControlLine, ...]
    controls: tuple[ControlLine, ...]
    frameworks: Mapping[str, str]
    """Framework id -> its title, where a catalogue told it."""
    changes: tuple[Change, ...]
    subscriptions: tuple[SubscriptionLine, ...]
    runs: tuple[RunRef, ...]
    registries: int
    evaluated: int
    """Registries that every scan of the period evaluated."""
    population: Iterable[RegistryLine]
