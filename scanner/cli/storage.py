"""`acrscan storage`: what repositories take, what they share, and what deleting their untagged manifests would free."""

from __future__ import annotations

from typing import Any

import click
import orjson

from scanner.cli.door import INCOMPLETE, Outcome
from scanner.cli.options import inventory_from, inventory_options
from scanner.cli.proofs import safe
from scanner.engine.estate import Estate
from scanner.model import ids
from scanner.model.values import Unknown

REPOSITORIES = "Microsoft.ContainerRegistry/registries/repositories"
_FIGURES = ("uniqueBytes", "sharedBytes", "untaggedBytes", "freeableBytes")


@click.command("storage")
@inventory_options
@click.option("--registry", "only", multiple=True, metavar="NAME", help="Only this registry. Repeatable.")
@click.option(
    "-f", "--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True
)
def storage(
    paths: tuple[str, ...],
    source: str,
    principals: str | None,
    api_version: str | None,
    now: str | None,
    only: tuple[str, ...],
    form: str,
) -> Outcome:
    """Show the storage of each repository, the largest gain first. Needs a snapshot with --data-plane.

    Layers are stored once per registry: deleting a manifest frees only what no other manifest names.

    \b
    Examples:
      acrscan collect --registry contosoprod --data-plane --out night/
      acrscan storage night/ --registry contosoprod
    """
    inventory = inventory_from(paths, source, principals, api_version, now)
    estate = Estate(inventory, now=now or inventory.collected_at)
    outcome = Outcome()
    rows = list(_rows(estate, {name.lower() for name in only}))
    if form == "json":
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
    else:
        _print(rows)
    if not rows:
        why = estate.not_evaluated(REPOSITORIES, {"storage"}) or "no repository in the inventory"
        outcome.add(INCOMPLETE, f"nothing to show: {why}")
    elif any(row["unknown"] for row in rows):
        outcome.add(INCOMPLETE, "some figures are not known: not every manifest was read")
    return outcome


def _rows(estate: Estate, only: set[str]) -> Any:
    """One row per repository, sorted by what a clean-up frees."""
    found = []
    for linked in estate.targets(REPOSITORIES, frozenset({"storage"})):
        registry = ids.name_of(ids.registry_of(linked.resource.id))
        if only and registry.lower() not in only:
            continue
        given = linked.related("storage")
        row = given[0] if isinstance(given, list) else dict.fromkeys(_FIGURES, given)
        why = next((row[key].reason for key in _FIGURES if isinstance(row[key], Unknown)), "")
        figures = {key: None if isinstance(row[key], Unknown) else row[key] for key in _FIGURES}
        found.append({"registry": registry, "repository": linked.resource.name, **figures, "unknown": why})
    return sorted(found, key=lambda row: (-(row["freeableBytes"] or 0), row["registry"], row["repository"]))


def _print(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    click.echo(f"{'unique':>12} {'shared':>12} {'untagged':>12} {'freeable':>12}  repository")
    for row in rows:
        cells = " ".join(f"{_size(row[key]):>12}" for key in _FIGURES)
        words = f"  ({safe(row['unknown'])})" if row["unknown"] else ""
        click.echo(f"{cells}  {safe(row['registry'])}/{safe(row['repository'])}{words}")


def _size(value: int | None) -> str:
    if value is None:
        return "?"
    size = float(value)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} TiB"


COMMANDS = {"storage": storage}
