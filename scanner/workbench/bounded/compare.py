"""Two rules over the bounded domain: which verdicts can become which others, with the smallest example of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scanner.model.rule import Parameter, Rule
from scanner.model.values import ABSENT
from scanner.workbench.bounded.axes import USUAL, Limits, Listed
from scanner.workbench.bounded.build import Domain, domain
from scanner.workbench.bounded.masks import Forced, Masks
from scanner.workbench.bounded.moves import Example, Moves, Side
from scanner.workbench.bounded.oracle import planted, with_parents
from scanner.workbench.bounded.sites import Site
from scanner.workbench.bounded.space import first_row

LETTERS = "PFNU"


def compare(
    before: Side,
    after: Side,
    declared: Mapping[str, Parameter] | None = None,
    *,
    unread: bool = True,
    limits: Limits = USUAL,
) -> Moves:
    """What changes from one rule to another where each keeps its own parameter values. Both have one target."""
    rules, values = [before.rule, after.rule], [before.values, after.values]
    made = domain(rules, values, declared or {}, free=False, unread=unread, limits=limits)
    old, new = (letters(made, at) for at in (0, 1))
    found = {
        (one, other): example(made, first_row(rows), before.values)
        for one in LETTERS
        for other in LETTERS
        if one != other and (rows := old[one] & new[other])
    }
    return Moves(found, made.complete, sampled(made))


def differ(
    rule: Rule,
    mutant: Rule,
    values: Mapping[str, Any],
    mutant_values: Mapping[str, Any],
    declared: Mapping[str, Parameter] | None = None,
    limits: Limits = USUAL,
) -> tuple[Example | None, bool]:
    """The smallest case that two rules decide differently, or None; and whether the whole domain was looked at.

    Parameters vary as `declared` lets them; where the values differ by a number, the second rule reads that other number.
    """
    made = domain([rule, mutant], [values, mutant_values], declared or {}, free=True, limits=limits)
    old, new = (letters(made, at) for at in (0, 1))
    rows = 0
    for letter in "PFN":
        rows |= old[letter] ^ new[letter]
    return (example(made, first_row(rows), values) if rows else None), made.complete


def letters(made: Domain, at: int, forced: Forced | None = None) -> dict[str, int]:
    """The rows of each verdict letter of one rule. U: undecided, unknown or in error."""
    subject = made.subjects[at]
    masks = subject.masks
    full = made.possible
    applies, not_asked = (full, 0) if subject.when is None else _of(masks, subject.when, forced)
    holds, fails = (0, 0) if subject.check is None else _of(masks, subject.check, forced)
    found = {"P": full & applies & holds, "F": full & applies & fails, "N": full & not_asked}
    found["U"] = full & ~(found["P"] | found["F"] | found["N"])
    return found


def _of(masks: Masks, root: Site, forced: Forced | None) -> tuple[int, int]:
    return masks.of(root, forced if forced is not None and root in set(forced.site.path()) else None)


def sampled(made: Domain) -> str:
    """What was only sampled, in words, or ""."""
    if made.complete:
        return ""
    what = f"of {', '.join(made.short)}" if made.short else "of all combinations"
    return f"a sample {what}: {made.space.size:,} cases"


def example(made: Domain, row: int, values: Mapping[str, Any]) -> Example:
    """A row as an inline test would write it. `values`: what parameters have without being set."""
    body: dict[str, Any] = {}
    related: dict[str, Any] = {}
    params: dict[str, Any] = {}
    chosen = made.space.at(row)
    at_depth = sorted(zip(made.space.axes, chosen, strict=True), key=lambda pair: -len(pair[0].keys))
    for axis, value in at_depth:
        rep = axis.reps[value]
        raw = rep.raw if isinstance(rep, Listed) else rep
        match axis.place:
            case "target" if raw is not ABSENT:
                planted(body, axis.keys, raw)
            case "related":
                related[axis.keys[0]] = raw
            case "param" if raw != values.get(axis.keys[0]):
                params[axis.keys[0]] = raw
    for axis in made.space.axes:
        if axis.place == "target":
            with_parents(body, made.scopes.target.variable, axis.keys)
    return Example(body, related, dict(_used(made, params)))


def _used(made: Domain, params: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((name, value) for name, value in params.items() if name in made.scopes.params)
