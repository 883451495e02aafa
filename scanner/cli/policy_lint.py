"""`acrscan policy lint`: packs, rule files, waivers and profiles are checked and, where nothing is lost by it, fixed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.cli.door import FINDINGS, USAGE, Outcome
from scanner.errors import OutputError, UsageError
from scanner.workbench.problem import LEVELS, Report, at_least

if TYPE_CHECKING:
    from scanner.errors import ScannerError
    from scanner.workbench.lint.context import Asked, Beside, PackContext
    from scanner.workbench.lint.memory import Memory
    from scanner.workbench.writers import Write

    Read = Callable[[str | None], PackContext]

_ROUNDS = 5
"""Edits that overlap are made one after the other; more rounds than this are never needed."""


@dataclass(frozen=True, slots=True)
class _Request:
    """What is to be checked, and by which checks."""

    paths: tuple[str, ...]
    waivers: tuple[str, ...]
    profiles: tuple[str, ...]
    stored: str | None
    day: date
    only: frozenset[str]
    skip: frozenset[str]

    def words(self) -> tuple[str, ...]:
        """All of it but the files' contents, so that no two requests say the same."""
        parts = (self.paths, self.waivers, self.profiles, sorted(self.only), sorted(self.skip))
        return (
            self.day.isoformat(),
            *(f"{len(part)}" for part in parts),
            *(one for part in parts for one in part),
        )


@click.command("lint")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option(
    "--fail-on",
    "limit",
    type=click.Choice(LEVELS),
    default="error",
    show_default=True,
    help="Mildest level that fails the check. Errors always do.",
)
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    default="info",
    show_default=True,
    help="Mildest level that is shown.",
)
@click.option("--check", "only", multiple=True, metavar="CODE", help="Only these checks. Repeatable.")
@click.option("--skip", multiple=True, metavar="CODE", help="Leave a check out. Repeatable.")
@click.option(
    "--fix", is_flag=True, help="Mend what can be mended without loss: spelling, quotes, order, schema line."
)
@click.option(
    "--waivers",
    "waiver_files",
    multiple=True,
    metavar="FILE",
    help="Check a waiver file with the pack. Repeatable.",
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="NAME|FILE",
    help="Check a profile with the pack. Repeatable, in order.",
)
@click.option(
    "--scan", "stored", metavar="SCAN.NDJSON", help="Stored scan, to find waivers that cover nothing."
)
@click.option("--now", "today", metavar="DATE", help="The day of checks that know dates (default: today).")
@click.option("-f", "--format", "shape", default="text", show_default=True, metavar="FORMAT", help="text, github, sarif, json, junit or markdown.")  # fmt: skip
@click.option(
    "-o", "--output", "target", metavar="FILE", help="Write the report to a file instead of the terminal."
)
@click.option("--no-cache", is_flag=True, help="Check everything again, also what did not change.")
@click.option("--explain", metavar="CODE", help="Print the page of a check and do nothing else.")
def lint(
    paths: tuple[str, ...],
    limit: str,
    level: str,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    fix: bool,
    waiver_files: tuple[str, ...],
    profiles: tuple[str, ...],
    stored: str | None,
    today: str | None,
    shape: str,
    target: str | None,
    no_cache: bool,
    explain: str | None,
) -> Outcome:
    """Check rule files and packs: form, paths, types, logic, metadata, remediations, tests, waivers, profiles.

    PATH is a pack's folder or a rule file (default: the shipped pack). Every problem is shown with file, line, column and
    what to do. Errors end with exit code 2, what else is at or above --fail-on with 1.

    \b
    Examples:
      acrscan policy lint
      acrscan policy lint my-pack/ --fail-on warning -f github
      acrscan policy lint my-pack/ --fix
      acrscan policy lint --waivers acr-waivers.yaml --profile production
      acrscan policy lint my-pack/ -f sarif -o lint.sarif
      acrscan policy lint --explain SEM007
    """
    from scanner.workbench import writers  # noqa: PLC0415

    if explain is not None:
        from scanner.workbench.lint.pages import explained  # noqa: PLC0415

        click.echo(explained(explain), nl=False)
        return Outcome()
    write = writers.get(shape)
    if LEVELS.index(limit) > LEVELS.index(level):
        raise UsageError(
            f"--fail-on {limit} would fail on what --level {level} hides", "", "Give --level as well."
        )
    wanted, unwanted = _known(only, "--check"), _known(skip, "--skip")
    if (waiver_files or profiles or stored) and len(paths) > 1:
        raise UsageError("waivers and profiles are checked with one pack", "", "Name one PATH.")
    if (waiver_files or profiles) and paths and not Path(paths[0]).is_dir():
        raise UsageError(
            "waivers and profiles are checked with a whole pack", paths[0], "Name the folder of the pack."
        )
    if fix and not paths:
        raise UsageError(
            "--fix needs a PATH", "", "The shipped pack is not changed; name the pack or file to mend."
        )
    if stored and not waiver_files:
        raise UsageError(
            "--scan is for waivers that cover nothing", "--scan", "Name the waiver file with --waivers."
        )
    request = _Request(paths, waiver_files, profiles, stored, _day(today), wanted, unwanted)
    again = fix or no_cache or stored is not None
    report = _made(request, fix=fix, used=not no_cache) if again else _unless_unchanged(request)
    shown = at_least(report, level)
    _tell(shown, write, target)
    return _outcome(report, limit, hidden=len(report.problems) - len(shown.problems))


def _made(request: _Request, *, fix: bool = False, used: bool = True) -> Report:
    """The report of checks that run now. `used`: what was found about single rules before is taken from the memory."""
    from scanner.language.pack import collector_paused  # noqa: PLC0415
    from scanner.workbench.lint.run import run  # noqa: PLC0415

    beside, asked = _beside(request), _asked()
    memory = _memory(used=used)

    def read(path: str | None) -> PackContext:
        return _context(path, request.day, asked, beside, memory)

    with collector_paused():
        packs = [read(path) for path in request.paths or (None,)]
        report = run(packs, request.only, request.skip)
        if fix:
            report = _mended(request, packs, report, read)
    memory.keep()
    return report


def _unless_unchanged(request: _Request) -> Report:
    """The report of an earlier run over the same files, or one that is made now."""
    from scanner import data  # noqa: PLC0415
    from scanner.workbench.lint import unchanged  # noqa: PLC0415

    shipped = data.policies()
    packs = [Path(path) for path in request.paths] or [shipped / "acr"]
    others = [shipped / "frameworks", *map(Path, request.waivers), *map(Path, request.profiles)]
    others += [shipped / "profiles" / f"{name}.yaml" for name in request.profiles]
    key = unchanged.key_of(request.words(), packs, others)
    report = unchanged.recall(key) if key is not None else None
    if report is None:
        report = _made(request)
        if key is not None and unchanged.key_of(request.words(), packs, others) == key:
            unchanged.keep(key, report)
    return report


def _known(codes: Iterable[str], option: str) -> frozenset[str]:
    """Ids of checks in any casing."""
    wanted = {code.strip().upper() for code in codes}
    if not wanted:
        return frozenset()
    from scanner.text import nearest  # noqa: PLC0415
    from scanner.workbench.lint.catalogue import catalogue  # noqa: PLC0415

    for code in sorted(wanted - catalogue().keys()):
        advice = nearest(code, catalogue()) or "docs/lint/README.md lists all checks."
        raise UsageError(f"there is no check {code!r}", option, advice)
    return frozenset(wanted)


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise UsageError(f"{text!r} is no date", "--now", "Write it as 2026-11-25.") from error


def _memory(*, used: bool) -> Memory:
    """What earlier runs found in files that are still the same."""
    from scanner.workbench.lint.memory import SHIPPED, Memory, home  # noqa: PLC0415

    folder = home()
    memory = Memory(folder / "lint-rules.json" if folder is not None else None, SHIPPED) if used else Memory()
    memory.load()
    return memory


def _context(path: str | None, today: date, asked: Asked, beside: Beside, memory: Memory) -> PackContext:
    """What one PATH holds, as checks see it; what is wrong with catalogues is told with the pack."""
    from scanner import data  # noqa: PLC0415
    from scanner.cli.options import catalogues  # noqa: PLC0415
    from scanner.errors import Problems  # noqa: PLC0415
    from scanner.language.pack import read_pack, read_rule_file  # noqa: PLC0415
    from scanner.workbench.lint.context import PackContext  # noqa: PLC0415

    place = Path(path) if path is not None else data.policies() / "acr"
    whole = place.is_dir()
    reading = read_pack(place) if whole else read_rule_file(place)
    home = place if whole else next((one for one in place.resolve().parents if (one / "pack.yaml").is_file()), place.parent)  # fmt: skip
    try:
        pack = replace(reading.pack, frameworks=catalogues(home))
    except Problems as problems:
        pack = reading.pack
        reading = replace(reading, errors=(*reading.errors, *problems.errors))
    return PackContext(reading, pack, today, whole, asked, beside, memory)


def _asked() -> Asked:
    """What a live collection reads, and with which api-versions."""
    from scanner.inventory import live  # noqa: PLC0415
    from scanner.inventory.collections import OPT_IN  # noqa: PLC0415
    from scanner.workbench.lint.context import Asked  # noqa: PLC0415

    versions: dict[str, tuple[str, ...]] = {
        kind.lower(): (version,) for kind, version in live.VERSIONS.items()
    }
    versions[live.REGISTRIES.lower()] = (live.STABLE, live.PREVIEW)
    return Asked(versions, frozenset(kind.lower() for kind in (*live.COLLECTED, *OPT_IN)))


def _beside(request: _Request) -> Beside:
    from scanner.cli.options import profile_file  # noqa: PLC0415
    from scanner.workbench.lint.context import Beside  # noqa: PLC0415

    files = tuple(Path(file) for file in request.waivers)
    unused = _unused(files, Path(request.stored)) if request.stored else None
    return Beside(files, tuple(profile_file(name) for name in request.profiles), unused)


def _unused(files: Iterable[Path], stored: Path) -> frozenset[str]:
    """The waivers that cover nothing in a stored scan; a file that cannot be read is told of by the checks."""
    from scanner import stored as reader  # noqa: PLC0415
    from scanner.errors import Problems, ScannerError  # noqa: PLC0415
    from scanner.model.finding import Verdict  # noqa: PLC0415
    from scanner.waivers.apply import apply  # noqa: PLC0415
    from scanner.waivers.read import read  # noqa: PLC0415

    scan = reader.read(stored)
    found: set[str] = set()
    for file in files:
        try:
            marked = apply(scan, read(file))
        except (Problems, ScannerError):
            continue
        found |= {
            row.resource_name
            for row in marked.findings
            if row.rule == "WAV002" and row.verdict is Verdict.FAIL
        }
    return frozenset(found)


def _mended(request: _Request, packs: list[PackContext], report: Report, read: Read) -> Report:
    """The report after everything was mended that can be; says on stderr how many files changed."""
    from scanner.workbench.lint.run import run  # noqa: PLC0415

    mended = set[str]()
    for _ in range(_ROUNDS):
        changed = _mend(packs, request.paths, report)
        if not changed:
            break
        mended |= changed
        packs = [read(path) for path in request.paths]
        report = run(packs, request.only, request.skip)
    click.echo(f"{len(mended)} file{'' if len(mended) == 1 else 's'} mended", err=True)
    return report


def _mend(packs: Iterable[PackContext], paths: Iterable[str], report: Report) -> set[str]:
    """Make the edits in the files that were named; gives the names of those that changed."""
    from scanner.workbench.lint.fixes import fixed, write  # noqa: PLC0415

    named = {Path(path).resolve() for path in paths if not Path(path).is_dir()}
    files = {
        file.source.file: file
        for pack in packs
        for file in pack.reading.files
        if pack.whole or file.path.resolve() in named
    }
    changed = fixed(files, report.problems)
    for name, text in changed.items():
        write(files[name].path, text)
    return set(changed)


def _tell(report: Report, write: Write, target: str | None) -> None:
    if target is None:
        write(report, sys.stdout)
        return
    try:
        with Path(target).open("w", encoding="utf-8", newline="\n") as out:
            write(report, out)
    except OSError as error:
        raise OutputError(
            f"cannot be written: {error.strerror or error}", target, "Name a file in a folder that exists."
        ) from error


def _outcome(report: Report, limit: str, *, hidden: int) -> Outcome:
    outcome = Outcome()
    errors = report.count("error")
    if hidden:
        what = "milder problem is" if hidden == 1 else "milder problems are"
        click.echo(f"{hidden} {what} not shown (--level)", err=True)
    if errors:
        outcome.add(USAGE, f"{errors} error{'' if errors == 1 else 's'} in policy files")
    if not report.counts["rules"]:
        outcome.add(USAGE, "0 rules were checked")
    milder = sum(report.count(level) for level in LEVELS[1 : LEVELS.index(limit) + 1])
    if milder:
        outcome.add(FINDINGS, f"{milder} problem{'' if milder == 1 else 's'} at or above --fail-on {limit}")
    return outcome


def errors_of(folder: Path, name: str) -> list[ScannerError]:
    """What keeps a pack from being passed on: the errors that lint finds in its folder, each at its place.

    `name`: how places are written instead of the folder's own path, for a copy that stands in for another.
    """
    from scanner.cli.options import catalogues  # noqa: PLC0415
    from scanner.errors import RuleError  # noqa: PLC0415
    from scanner.language.pack import read_pack  # noqa: PLC0415
    from scanner.workbench.lint.context import PackContext  # noqa: PLC0415
    from scanner.workbench.lint.run import run  # noqa: PLC0415

    reading = read_pack(folder, name=name)
    pack = replace(reading.pack, frameworks=catalogues(folder))
    # What is looked for in a whole pack (rules that tell the same, what nobody uses) is never an error, and takes longest.
    report = run([PackContext(reading, pack, _day(None), whole=False, asked=_asked())])
    return [
        RuleError(
            one.what if one.rule in one.what else f"{one.rule}: {one.what}",
            str(one.mark),
            one.advice,
            excerpt=one.excerpt,
            code=one.code,
        )
        for one in report.problems
        if one.level == "error"
    ]


COMMANDS = {"lint": lint}
