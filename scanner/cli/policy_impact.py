"""`acrscan policy impact`: what a change of rules does to an estate, and what it loosens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scanner.cli.comparing import (
    Asked,
    Opened,
    append,
    comparing_options,
    give,
    opened,
    registers,
)
from scanner.cli.door import Outcome
from scanner.errors import InputError

if TYPE_CHECKING:
    from scanner.workbench.impact.assemble import Ground

SAMPLE = "the embedded sample estate"


@dataclass(frozen=True, slots=True)
class Options:
    """The options that the command which gives the same again must repeat."""

    base: str
    pack: str | None
    profile: tuple[str, ...]
    base_profile: tuple[str, ...]
    waivers: str | None
    base_waivers: str | None
    snapshot: str | None
    base_broken: str
    max_new: tuple[str, ...]
    max_unknown: int
    no_loosening: bool
    allow_empty: bool


@click.command("impact")
@comparing_options
@click.option(
    "--profile", multiple=True, metavar="NAME|FILE", help="Profile of both sides. Repeatable, in order."
)
@click.option(
    "--base-profile", multiple=True, metavar="NAME|FILE", help="Profiles of the base, where they differ."
)
@click.option("--waivers", metavar="FILE", help="Waivers; the base has them as they are at REF.")
@click.option("--base-waivers", metavar="FILE", help="Waivers of the base.")
@click.option("--snapshot", metavar="DIR", help="Snapshot of the estate (`acrscan collect`).")
@click.option(
    "--estate",
    type=click.Choice(("snapshot", "synthetic")),
    help="synthetic: use the embedded sample estate where the snapshot is not there, as in a fork.",
)
@click.option(
    "--now",
    metavar="TIME",
    help="The clock of both sides, RFC 3339 (default: when the estate was collected).",
)
@click.option(
    "--max-new", multiple=True, metavar="SEVERITY=N", help="Leave with 1 for more new findings. Repeatable."
)
@click.option("--no-loosening", is_flag=True, help="Leave with 1 where anything got looser.")
@click.option(
    "--max-unknown",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Leave with 3 where more than N more evaluations of critical and high rules are undecided.",
)
@click.option("--allow-empty", is_flag=True, help="An estate without resources is no reason to fail.")
@click.option("--summary", metavar="FILE", help="Append the Markdown to this file (GITHUB_STEP_SUMMARY).")
def impact(
    base: str,
    pack: str | None,
    exact: bool,
    base_broken: str,
    form: str,
    output: str | None,
    profile: tuple[str, ...],
    base_profile: tuple[str, ...],
    waivers: str | None,
    base_waivers: str | None,
    snapshot: str | None,
    estate: str | None,
    now: str | None,
    max_new: tuple[str, ...],
    no_loosening: bool,
    max_unknown: int,
    allow_empty: bool,
    summary: str | None,
) -> Outcome:
    """Evaluate two versions of a pack over one estate with one clock, and tell what differs and what got looser.

    Exit code: 0 no gate was exceeded, 1 a gate was (--max-new, --no-loosening), 2 rule files are wrong, 3 less is
    decided than before, or nothing was evaluated.

    \b
    Examples:
      acrscan policy impact --base main --pack policies/acr --snapshot night/
      acrscan policy impact --base main --pack policies/acr --max-new critical=0 --no-loosening -f markdown
      acrscan policy impact --base ./old-pack --pack ./new-pack --snapshot night/ -f json -o impact.json
    """
    from scanner.workbench.impact import assemble, gates, markdown  # noqa: PLC0415
    from scanner.workbench.sides import Sides  # noqa: PLC0415

    limits = gates.Gates(gates.limits(max_new), no_loosening, max_unknown, allow_empty)
    options = Options(
        base,
        pack,
        profile,
        base_profile,
        waivers,
        base_waivers,
        snapshot,
        base_broken,
        max_new,
        max_unknown,
        no_loosening,
        allow_empty,
    )
    with Sides() as sides:
        found = opened(sides, Asked(base, pack, exact, base_broken == "ok", profile, base_profile))
        books = registers(found, waivers, base_waivers)
        ground = _ground(snapshot, estate, now)
        result = assemble.impact(
            found.base,
            found.head,
            ground,
            registers=books,
            strict=no_loosening,
            command=tuple(_again(options, found, ground)),
        )
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    give(lambda out: _write(form, result, out), output)
    if summary:
        append(markdown.page(result), summary)
    outcome = Outcome()
    for code, reason in gates.judge(result, limits):
        outcome.add(code, reason)
    return outcome


def _write(form: str, result: Any, out: Any) -> None:
    from scanner.workbench.impact import assemble, markdown, record, text  # noqa: PLC0415

    own = {"text": text.write, "markdown": markdown.write, "json": record.write}
    if form in own:
        own[form](result, out)
    else:
        import_module(f"scanner.workbench.writers.{form}").write(assemble.report(result), out)


def _ground(snapshot: str | None, estate: str | None, now: str | None) -> Ground:
    """The inventory of both sides: the snapshot, or the sample where none is at hand and that was asked for."""
    from scanner import data  # noqa: PLC0415
    from scanner.cli.options import clock, inventory_from  # noqa: PLC0415
    from scanner.inventory import snapshot as stored  # noqa: PLC0415
    from scanner.workbench.impact.assemble import Ground  # noqa: PLC0415

    time = clock(now)
    if snapshot is not None:
        place = Path(snapshot)
        there = place.exists() and (not place.is_dir() or any(place.iterdir()))
        if there:
            inventory = stored.collect(place)
            return Ground(inventory, f"snapshot {snapshot}", time or inventory.collected_at)
        if estate != "synthetic":
            raise InputError(
                "there is no snapshot",
                snapshot,
                "Make one with `acrscan collect`; where none can be had (a fork), add --estate synthetic.",
            )
    folder = data.estate()
    sample = inventory_from((str(folder / "answers"),), "saved", str(folder / "principals.json"), None, None)
    return Ground(sample, SAMPLE, time or sample.collected_at, synthetic=True, missing=snapshot or "")


def _again(options: Options, found: Opened, ground: Ground) -> Iterator[str]:
    """The command that gives the same result again, with the commit and the clock as they were."""
    yield from ("acrscan", "policy", "impact", "--base")
    at = found.base.side.at
    yield from (at.commit, "--exact") if at else (options.base,)
    if options.pack:
        yield from ("--pack", options.pack)
    for name, values in (("--profile", options.profile), ("--base-profile", options.base_profile)):
        for value in values:
            yield from (name, value)
    for name, given in (("--waivers", options.waivers), ("--base-waivers", options.base_waivers)):
        if given:
            yield from (name, given)
    yield from ("--estate", "synthetic") if ground.synthetic else ("--snapshot", options.snapshot or "")
    yield from ("--now", ground.now)
    for value in options.max_new:
        yield from ("--max-new", value)
    if options.max_unknown:
        yield from ("--max-unknown", str(options.max_unknown))
    flags = {
        "--no-loosening": options.no_loosening,
        "--allow-empty": options.allow_empty,
    }
    yield from (name for name, given in flags.items() if given)
    if options.base_broken == "ok":
        yield from ("--base-broken", "ok")


COMMANDS = {"impact": impact}
