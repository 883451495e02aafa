"""What an impact is: numbers and a few names for each rule, both scores, waivers, and what the report says around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scanner.model.condition import NOWHERE, Mark
from scanner.workbench.moving import Possible, looked_at
from scanner.workbench.problem import Problem

TOP = 5
"""Resources that are named for each number; all of them are counted."""


@dataclass(frozen=True, slots=True)
class Named:
    """A resource that is named for a number. `words`: the finding's message, or ""."""

    id: str
    name: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """Evaluations of one rule whose verdict became another: letters (P F U E N M), their number, the first resources."""

    before: str
    after: str
    number: int
    top: tuple[Named, ...]

    @property
    def regression(self) -> bool:
        """Whether something that was decided (or did not apply) can no longer be decided."""
        return self.before in "PFN" and self.after in "UE"

    @property
    def looser(self) -> bool:
        """Whether something that failed or was open passes, or is asked no more."""
        return self.before in "FUE" and self.after in "PN"


@dataclass(frozen=True, slots=True)
class Tried:
    """What a changed rule can decide differently on any estate, tried without one.

    `was`: the older rule; `moves`: each verdict that can become another, none where both decide alike in all that was
    tried; `complete`: that was every combination of the values that matter, else a sample, of which `note` says why.
    """

    was: str
    moves: tuple[Possible, ...]
    complete: bool
    note: str
    mark: Mark
    """Where the newer side says what differs."""
    old: Mark

    @property
    def words(self) -> str:
        """The verdicts that can become others."""
        if self.moves:
            return ", ".join(one.words for one in self.moves) + ("" if self.complete else " (sampled)")
        return "decides alike" + ("" if self.complete else " in the cases that were tried")

    @property
    def how(self) -> str:
        """How much was tried."""
        return looked_at(complete=self.complete, note=self.note)


@dataclass(frozen=True, slots=True)
class RuleImpact:
    """One rule. Findings are FAIL rows: `new`, `resolved`, `changed` (severity, waiver or evidence) and `same`.

    `was`: older ids that it stands for. `kind` as in `pairs`. `waived`: how many of the new ones are waived from the start.
    """

    id: str
    title: str
    severity: str
    kind: str
    mark: Mark = NOWHERE
    was: tuple[str, ...] = ()
    enabled: bool = True
    new: int = 0
    waived: int = 0
    resolved: int = 0
    changed: int = 0
    same: int = 0
    top_new: tuple[Named, ...] = ()
    top_resolved: tuple[Named, ...] = ()
    top_changed: tuple[Named, ...] = ()
    moved: tuple[Moved, ...] = ()
    tried: tuple[Tried, ...] = ()
    """For each older rule that it stands for, what can be decided differently; none where the decision is written alike."""

    @property
    def touched(self) -> bool:
        """Whether anything about it differs on this estate, or it is not simply the rule that it was."""
        return bool(
            self.new or self.resolved or self.changed or self.moved or self.kind not in ("same", "unread")
        )

    @property
    def regressions(self) -> int:
        """Evaluations that were decided and no longer are."""
        return sum(one.number for one in self.moved if one.regression)


_KINDS = {
    "same": "",
    "renamed": "renamed from",
    "split": "part of",
    "merged": "stands for",
    "new": "new rule",
    "removed": "rule is gone",
    "unread": "not compared",
}


def origin(rule: RuleImpact) -> str:
    """What became of the rule, where it is not just the same one."""
    words = _KINDS[rule.kind]
    names = f" {', '.join(rule.was)}" if rule.was else ""
    off = "off" if not rule.enabled and rule.kind not in ("removed", "unread") else ""
    return ", ".join(part for part in (f"{words}{names}".strip(), off) if part)


@dataclass(frozen=True, slots=True)
class Score:
    """pass / (pass + fail), as numbers; the share is None when nothing was decided."""

    passed: int
    failed: int

    @property
    def decided(self) -> int:
        """The denominator."""
        return self.passed + self.failed


@dataclass(frozen=True, slots=True)
class WaiverTouch:
    """A waiver whose standing or reach differs. States as in `model.waiver`, "" where the side has no such waiver."""

    id: str
    rule: str
    before: str
    after: str
    covered_before: int
    covered_after: int
    entered: int = 0
    """Findings that were not waived and are now by this one."""
    left: int = 0
    """Findings that it waived, and that fail unwaived now."""
    place: str = ""


@dataclass(frozen=True, slots=True)
class EstateWords:
    """What was looked at. `synthetic`: the embedded sample; `missing`: the snapshot that was asked for and is not there."""

    words: str
    digest: str
    now: str
    resources: Mapping[str, int]
    synthetic: bool = False
    missing: str = ""


@dataclass(frozen=True, slots=True)
class SideWords:
    """One side as reports name it."""

    words: str
    version: str
    digest: str
    rules: int
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Impact:
    """The whole. `new_by_severity`: findings that gate now and did not before, by their severity now.

    `undecided`: evaluations of critical and high rules that are open, before and after. `never`: ids of rules that were
    asked and fail nothing here; `not_asked`: rules that were asked nothing, with the reason. `loose`: what got looser.
    """

    base: SideWords
    head: SideWords
    pack: str
    estate: EstateWords
    rules: tuple[RuleImpact, ...]
    before: Score
    after: Score
    new_by_severity: Mapping[str, int]
    undecided: tuple[int, int]
    never: tuple[str, ...] = ()
    not_asked: Mapping[str, str] = field(default_factory=dict)
    waivers: tuple[WaiverTouch, ...] = ()
    loose: tuple[Problem, ...] = ()
    errors: tuple[Problem, ...] = ()
    """What did not parse, on either side."""
    not_compared: tuple[str, ...] = ()
    """Rules in files that did not parse."""
    absent: bool = False
    """The base has no pack: everything is new."""
    command: tuple[str, ...] = ()
    """The command that gives the same again, word by word."""

    @property
    def touched(self) -> tuple[RuleImpact, ...]:
        """Rules with anything to tell."""
        return tuple(one for one in self.rules if one.touched)

    @property
    def rewritten(self) -> tuple[tuple[RuleImpact, Tried], ...]:
        """Rules that decide by another condition or other values, and what was tried of them."""
        return tuple((rule, one) for rule in self.rules for one in rule.tried)

    @property
    def proven(self) -> tuple[Problem, ...]:
        """Loosenings, without what could only be sampled."""
        return tuple(one for one in self.loose if one.level != "info")

    @property
    def same(self) -> int:
        """Findings that are there before and after, unchanged."""
        return sum(one.same for one in self.rules)
