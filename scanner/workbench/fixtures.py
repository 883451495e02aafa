"""Whole-estate tests: a pack and fixtures come in, what held and what did not comes out, case by case.

A fixture goes through the real flow: its resources become an inventory as collected ones do, the pipeline scans it, waivers
are applied. Each expectation must meet a row, and each row that fails or is undecided must be expected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from scanner.engine.evaluate import Options
from scanner.errors import Problems, RuleError, ScannerError
from scanner.language.tailor import declared_by, select, tailor, values_from
from scanner.model import ids
from scanner.model.finding import LETTERS, Finding, Verdict
from scanner.model.rule import Rule, RulePack
from scanner.model.scan import ResourceLine, Scan
from scanner.pipeline import scan
from scanner.waivers.apply import apply
from scanner.waivers.read import entries
from scanner.workbench.estate import inventory_of
from scanner.workbench.fixture import Expected, Fixture, load
from scanner.workbench.problem import Checked

TELLING = frozenset({Verdict.FAIL, Verdict.UNKNOWN, Verdict.ERROR})
"""Verdicts that must be expected."""
_MOST_UNEXPECTED = 200
"""So many unexpected rows of one fixture are told one by one."""


def run_fixtures(
    pack: RulePack,
    files: Iterable[Path],
    wanted: Callable[[Rule], bool] = lambda _: True,
    profile: Callable[[str], Path] = Path,
    named: Callable[[str], bool] = lambda _: True,
) -> Iterator[Checked]:
    """The cases of all fixtures in files. `wanted`: only these rules; `named`: only fixtures of such a name.

    `profile`: the file of a profile by its name.

    Raises what reading a fixture raises, and `RuleError` for one that asks for what the pack does not have.
    """
    for file in files:
        for fixture in load(file):
            if named(fixture.name):
                yield from run_fixture(pack, fixture, wanted, profile)


def run_fixture(
    pack: RulePack,
    fixture: Fixture,
    wanted: Callable[[Rule], bool] = lambda _: True,
    profile: Callable[[str], Path] = Path,
) -> Iterator[Checked]:
    """The cases of one fixture: one for each expectation, one for what was found beside them."""
    tailored = _tailored(pack, fixture, profile)
    rules = {rule.id for rule in tailored.rules if rule.enabled}
    kept = {rule.id for rule in tailored.rules if rule.enabled and wanted(rule)}
    if not kept:
        return
    expect = [one for one in fixture.expect if one.rule in kept or (one.rule not in rules and kept == rules)]
    if kept != rules:
        tailored = select(tailored, kept)
    seen = _Seen.of(tailored, _scanned(tailored, fixture))
    met: set[tuple[int, str]] = set()
    for one in expect:
        problem, rows = seen.judge(one)
        met |= rows
        yield Checked(fixture.name, one.words, one.mark, problem)
    yield from _others(fixture, seen, met)


def _others(fixture: Fixture, seen: _Seen, met: set[tuple[int, str]]) -> Iterator[Checked]:
    """What was found and not expected, or that there is no such thing."""
    left = [
        (row, resource)
        for number, row in enumerate(seen.rows)
        if row.verdict in TELLING
        for resource in row.resources
        if (number, ids.normalise(resource)) not in met
    ]
    for row, resource in left[:_MOST_UNEXPECTED]:
        element = f" [{row.element}]" if row.element else ""
        yield Checked(
            fixture.name,
            f"unexpected: {row.rule} {row.verdict.value} on {resource}{element}",
            fixture.mark,
            f"not expected: {row.message}",
        )
    if len(left) > _MOST_UNEXPECTED:
        more = len(left) - _MOST_UNEXPECTED
        yield Checked(
            fixture.name, "more unexpected findings", fixture.mark, f"{more:,} more are not expected"
        )
    if not left:
        nothing = (
            "" if seen.lines or seen.rows else "no resource was evaluated: the rules look at other types"
        )
        yield Checked(fixture.name, "nothing else is found", fixture.mark, nothing)


def _tailored(pack: RulePack, fixture: Fixture, profile: Callable[[str], Path]) -> RulePack:
    form = fixture.form
    found = pack
    try:
        if fixture.profile:
            found = tailor(found, [_profile_file(fixture, name, profile) for name in fixture.profile])
        if fixture.rules:
            found = select(found, fixture.rules)
    except Problems:
        raise
    except ScannerError as error:
        raise RuleError(error.what, error.where or str(fixture.mark), error.advice) from error
    values = values_from(form, declared_by(found), fixture.params, "params")
    if form.errors:
        raise Problems(form.errors)
    if values:
        origins = dict.fromkeys(values, f"fixture {fixture.name}")
        found = replace(
            found,
            values={**found.values, **values},
            value_origins={**found.value_origins, **origins},
            merged={},
        )
    return found


def _profile_file(fixture: Fixture, name: str, profile: Callable[[str], Path]) -> Path:
    beside = fixture.file.parent / name
    return beside if beside.is_file() else profile(name)


def _scanned(pack: RulePack, fixture: Fixture) -> Scan:
    found = scan(
        pack,
        inventory_of(fixture),
        now=fixture.now,
        words=f"fixture {fixture.name}",
        options=Options(check_every=1, keep_passes=True),
    )
    if fixture.accepted is None:
        return found
    known = {name for rule in pack.rules for name in (rule.id, *rule.replaces)}
    register = entries(fixture.form, fixture.accepted, known)
    if fixture.form.errors:
        raise Problems(fixture.form.errors)
    return apply(found, replace(register, words=f"fixture {fixture.name}"))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a scan found: every row, every evaluated resource, and the target type of each rule."""

    rows: tuple[Finding, ...]
    lines: tuple[ResourceLine, ...]
    order: Mapping[str, tuple[str, ...]]
    by_rule: Mapping[str, tuple[tuple[int, Finding], ...]]
    enabled: frozenset[str]

    @classmethod
    def of(cls, pack: RulePack, scanned: Scan) -> _Seen:
        """Everything read into memory: a fixture is small."""
        rows = tuple(scanned.findings)
        by_rule: dict[str, list[tuple[int, Finding]]] = {}
        for number, row in enumerate(rows):
            by_rule.setdefault(row.rule, []).append((number, row))
        return cls(
            rows,
            tuple(scanned.resources),
            scanned.header.order,
            {rule: tuple(found) for rule, found in by_rule.items()},
            frozenset(rule.id for rule in pack.rules if rule.enabled),
        )

    def judge(self, one: Expected) -> tuple[str, set[tuple[int, str]]]:
        """Why an expectation is not met, or "", and the (row, resource) pairs that it speaks of."""
        places = self._places(one)
        if not places:
            if one.rule not in self.enabled and one.rule not in self.by_rule:
                return f"{one.rule} is no rule of this scan (unknown, off, or not selected)", set()
            return f"{one.rule} looked at no resource named {one.resource!r}", set()
        if len(places) > 1:
            return f"{one.resource!r} names {len(places)} resources: {', '.join(sorted(places))}", set()
        (place,) = places
        here = [
            (number, row)
            for number, row in self.by_rule.get(one.rule, ())
            if place in map(ids.normalise, row.resources)
        ]
        found = [(number, row) for number, row in here if row.verdict.value == one.verdict]
        if not found:
            return self._other_verdict(one, place, here), set()
        for what, fits in (
            (f"element {one.element!r}", lambda row: one.element is None or row.element == one.element),
            (f"message with {one.message_contains!r}", lambda row: one.message_contains in row.message),
            (
                "row that is waived" if one.waived else "row that is not waived",
                lambda row: one.waived is None or bool(row.waiver) is one.waived,
            ),
        ):
            left = [(number, row) for number, row in found if fits(row)]
            if not left:
                return f"no {what}: {'; '.join(_words(row) for _, row in found[:5])}", set()
            found = left
        if one.findings is not None and len(found) != one.findings:
            return f"expected {one.findings} findings, got {len(found)}", {
                (number, place) for number, _ in found
            }
        return "", {(number, place) for number, _ in found}

    def _other_verdict(self, one: Expected, place: str, here: list[tuple[int, Finding]]) -> str:
        letter = self._letter(one.rule, place)
        found = LETTERS[letter].value if letter else here[0][1].verdict.value if here else "nothing"
        bare = one.element is None and not one.message_contains and one.findings is None and not one.waived
        if found == one.verdict and bare:
            return ""  # a source that nobody asked for: not applicable, said once and not row by row
        message = f" ({here[0][1].message})" if here and here[0][1].message else ""
        return f"expected {one.verdict}, got {found}{message}"

    def _letter(self, rule: str, place: str) -> str:
        for line in self.lines:
            if ids.normalise(line.id) == place and rule in self.order.get(line.type, ()):
                return line.letters[self.order[line.type].index(rule)]
        return ""

    def _places(self, one: Expected) -> set[str]:
        """The normalised ids of the resources that an expectation can mean, among those its rule was asked about."""
        asked = {ids.normalise(line.id) for line in self.lines if one.rule in self.order.get(line.type, ())}
        asked |= {
            ids.normalise(place) for _, row in self.by_rule.get(one.rule, ()) for place in row.resources
        }
        if one.resource.startswith("/"):
            return asked & {ids.normalise(one.resource)}
        wanted = one.resource.casefold()
        return {place for place in asked if wanted in _names(place)}


def _names(place: str) -> tuple[str, ...]:
    """The names by which a resource may be meant: its own, and with those of its parents (`registry/replica`)."""
    parts = (
        place.rpartition("/providers/")[2].split("/")[1:] if "/providers/" in place else place.split("/")[1:]
    )
    names = parts[1::2]
    return (names[-1], "/".join(names)) if names else (place,)


def _words(row: Finding) -> str:
    element = f"[{row.element}] " if row.element else ""
    return f"{element}{row.message}{' (waived)' if row.waiver else ''}"
