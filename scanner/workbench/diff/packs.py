"""Two packs come in; every change, the step they ask for, and whether the version tells it come out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scanner.workbench.diff import parameters
from scanner.workbench.diff.change import STEPS, UNREAD, VERSION, Change
from scanner.workbench.diff.rules import Differ
from scanner.workbench.diff.version import required, step_of, too_low
from scanner.workbench.pairs import pairs
from scanner.workbench.places import Places
from scanner.workbench.problem import Problem, Report, as_problems
from scanner.workbench.sides import Side

_LEVELS = {"major": "warning", "minor": "info", "patch": "info"}


@dataclass(frozen=True, slots=True)
class Difference:
    """All of it. `step`: "" where nothing changed; `wanted`: the lowest version that tells the changes.

    `not_compared`: rules in files that do not parse; `absent`: the base has no pack.
    """

    pack: str
    base: str
    versions: tuple[str, str]
    changes: tuple[Change, ...]
    step: str
    wanted: str
    too_low: Problem | None
    errors: tuple[Problem, ...]
    not_compared: tuple[str, ...]
    rules: int
    absent: bool = False


def difference(base: Side, head: Side) -> Difference:
    """Everything that differs between two sides."""
    found = pairs(base, head)
    differ = Differ(base, head)
    changes = [*_pack(base, head), *differ.changes(found)]
    ordered = tuple(sorted(changes, key=lambda one: (STEPS.index(one.step), one.rule, one.code, one.what)))
    step = step_of(ordered)
    old, new = base.pack.version, head.pack.version
    wanted = new if base.absent else required(old, step)
    hidden = {pair.rule.id for pair in found if pair.kind == "unread"}
    return Difference(
        pack=head.name,
        base=base.words,
        versions=(old, new),
        changes=ordered,
        step=step,
        wanted=wanted,
        too_low=_too_low(base, head, ordered, wanted) if too_low(new, wanted) else None,
        errors=(
            *(problem for error in base.errors for problem in as_problems(error, "warning")),
            *(problem for error in head.errors for problem in as_problems(error, "error")),
        ),
        not_compared=tuple(sorted(hidden | head.unread_ids)),
        rules=len(found),
        absent=base.absent,
    )


def _pack(base: Side, head: Side) -> Iterator[Change]:
    """What changed about the pack itself."""
    if base.absent:
        return
    old, new, places, before = base.pack, head.pack, Places(head), Places(base)
    for name, one, other in (("id", old.id, new.id), ("prefix", old.prefix, new.prefix)):
        if one != other:
            mark = places.of_main("pack", name)
            yield Change("DIFF020", "", f"pack {name} {one} -> {other}", mark, before.of_main("pack", name))
    if old.requires != new.requires:
        what = f"requires {old.requires or 'any version'} -> {new.requires or 'any version'}"
        yield Change(
            "DIFF021", "", what, places.of_main("pack", "requires"), before.of_main("pack", "requires")
        )
    if old.docs != new.docs:
        yield Change(
            "DIFF017", "", "pack docs", places.of_main("pack", "docs"), before.of_main("pack", "docs")
        )
    yield from parameters.of("", old.parameters, new.parameters, places.of_main("parameters"))


def _too_low(base: Side, head: Side, changes: tuple[Change, ...], wanted: str) -> Problem:
    step = step_of(changes)
    reasons = [one for one in changes if one.step == step]
    shown = [f"{one.rule + ': ' if one.rule else ''}{one.what} ({one.mark})" for one in reasons[:5]]
    more = f"and {len(reasons) - 5} more" if len(reasons) > 5 else ""
    what = (
        f"pack.version {head.pack.version} is lower than {wanted}, which {_because(step)} since {base.pack.version}"
        if step
        else f"pack.version {head.pack.version} is lower than the {wanted} of {base.words}"
    )
    return Problem(
        VERSION,
        "error",
        what,
        Places(head).of_main("pack", "version"),
        f"Write version: {wanted} (or a higher one).",
        detail="\n".join(filter(None, [*shown, more])),
    )


def _because(step: str) -> str:
    return f"{'an' if step[0] in 'aeiou' else 'a'} {step} change asks for"


def report(found: Difference) -> Report:
    """The difference for the writers of annotations and SARIF."""
    problems = [*found.errors, *([found.too_low] if found.too_low else [])]
    for one in found.changes:
        lines = [f"as of {found.base}: {one.old}"] if one.old.file else []
        problems.append(
            Problem(
                one.code,
                _LEVELS[one.step],
                f"{one.rule + ': ' if one.rule else ''}{one.what} ({one.step})",
                one.mark,
                rule=one.rule,
                detail="\n".join([*lines, *([one.detail] if one.detail else [])]),
            )
        )
    problems += [
        Problem(UNREAD, "info", f"{name}: not compared, for its file does not parse on one side", rule=name)
        for name in found.not_compared
    ]
    return Report("diff", tuple(problems), {"rules": found.rules, "changes": len(found.changes)}).sorted()
