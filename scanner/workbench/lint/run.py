"""The run of all checks: readings of packs come in, one report comes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from scanner.workbench.lint.catalogue import families
from scanner.workbench.lint.context import PackContext, placed
from scanner.workbench.lint.fixes import quoting, spelling
from scanner.workbench.problem import Checked, Problem, Report, as_problems


def run(
    packs: Iterable[PackContext], only: frozenset[str] = frozenset(), skip: frozenset[str] = frozenset()
) -> Report:
    """Check packs. `only`, `skip`: ids of checks; what keeps a rule from loading is always told.

    Each problem is told once, also where several rules share the place it is about.
    """
    packs = tuple(packs)
    found: dict[object, Problem] = {}
    for pack in packs:
        loading = list(_loading(pack))
        for problem in loading:
            found.setdefault((problem.code, problem.mark, problem.what), problem)
        places = {problem.mark for problem in loading}
        for problem in _checked(pack):
            wanted = problem.code not in skip and (not only or problem.code in only)
            if wanted and not (problem.code == "YAML003" and problem.mark in places):
                found.setdefault((problem.code, problem.mark, problem.what), problem)
    rules = sum(len(pack.pack.rules) for pack in packs)
    cases = tuple(
        Checked(rule.file.source.file, rule.rule.id, rule.rule.mark) for pack in packs for rule in pack.rules
    )
    return Report("lint", tuple(found.values()), {"rules": rules}, cases).sorted()


def _loading(pack: PackContext) -> Iterator[Problem]:
    """What keeps rules from loading, with the end of its region and the fix where there is one."""
    files = {file.source.file: file for file in pack.reading.files}
    for error in pack.reading.errors:
        for problem in as_problems(error):
            file = files.get(problem.mark.file)
            if file is None:
                yield problem
                continue
            made = placed(problem, file.source)
            finder = _FIXES.get(problem.code)
            fix = finder(file, made) if finder is not None else None
            yield replace(made, fix=fix) if fix is not None else made


_FIXES = {"YAML003": quoting, "SEM001": spelling, "SCH001": spelling}


def _checked(pack: PackContext) -> Iterator[Problem]:
    idle = {
        name
        for name, files in (("waivers", pack.beside.waivers), ("profiles", pack.beside.profiles))
        if not files
    }
    for family in families(frozenset(idle)):
        yield from family.check(pack)
