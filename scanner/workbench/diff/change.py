"""One change between two packs: its kind has a stable id, and asks for a step of the pack's version."""

from __future__ import annotations

from dataclasses import dataclass

from scanner.model.condition import NOWHERE, Mark
from scanner.workbench.moving import Possible

STEPS = ("major", "minor", "patch")
"""From the largest to the smallest."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of change. `group`: where a changelog lists it."""

    code: str
    step: str
    group: str
    meaning: str


KINDS = {
    kind.code: kind
    for kind in (
        Kind("DIFF001", "major", "Removed", "a rule is gone"),
        Kind("DIFF002", "minor", "Added", "a rule is new"),
        Kind("DIFF003", "major", "Changed", "a rule has another id"),
        Kind("DIFF004", "major", "Changed", "a rule asks another type of resource"),
        Kind("DIFF005", "minor", "Changed", "a rule decides differently"),
        Kind("DIFF006", "patch", "Texts", "a condition is written differently and decides alike"),
        Kind(
            "DIFF007", "minor", "Changed", "a condition is written differently; not every case could be tried"
        ),
        Kind("DIFF008", "minor", "Changed", "a severity differs"),
        Kind("DIFF009", "major", "Removed", "a parameter is gone"),
        Kind("DIFF010", "major", "Changed", "a parameter takes fewer values, or other types"),
        Kind("DIFF011", "minor", "Added", "a parameter is new, or takes more values"),
        Kind("DIFF012", "patch", "Changed", "a parameter has another default"),
        Kind("DIFF013", "minor", "Changed", "a rule is on or off by default, and was not"),
        Kind("DIFF014", "minor", "Changed", "failures of a rule count differently (waivable, settles)"),
        Kind("DIFF015", "minor", "Changed", "a rule is decided by a person, or no longer"),
        Kind("DIFF016", "minor", "Changed", "a rule names other controls"),
        Kind("DIFF017", "patch", "Texts", "words about a rule differ"),
        Kind("DIFF018", "patch", "Tests", "tests of a rule differ"),
        Kind("DIFF019", "minor", "Changed", "a rule has another status, or stands for other rules"),
        Kind("DIFF020", "major", "Changed", "the pack has another id or prefix"),
        Kind("DIFF021", "minor", "Changed", "the pack needs another version of acrscan"),
        Kind("DIFF022", "patch", "Texts", "a rule stands in another file"),
    )
}
VERSION = "META006"
"""The version is lower than the changes ask for."""
UNREAD = "DIFF099"
"""A rule that could not be compared."""
MEANINGS = {
    **{code: kind.meaning for code, kind in KINDS.items()},
    VERSION: "the pack's version is lower than its changes ask for",
    UNREAD: "a rule could not be compared, for its file does not parse on one side",
}


@dataclass(frozen=True, slots=True)
class Change:
    """What differs. `what` needs no rule id in front; `mark`: in the newer pack (the older one for what is gone)."""

    code: str
    rule: str
    what: str
    mark: Mark = NOWHERE
    old: Mark = NOWHERE
    detail: str = ""
    moves: tuple[Possible, ...] = ()
    """For verdicts: which can become which others, each with its case."""
    complete: bool | None = None
    """Whether every case was tried; None for what is no matter of verdicts."""

    @property
    def kind(self) -> Kind:
        """The kind that its code names."""
        return KINDS[self.code]

    @property
    def step(self) -> str:
        """The step of the version that it asks for."""
        return self.kind.step
