"""`acrscan verify`: a folder of reports is checked against its manifest, and the scan is done again."""

from __future__ import annotations

from pathlib import Path

import click

from scanner.cli.door import FINDINGS, INCOMPLETE, Outcome
from scanner.cli.proofs import safe
from scanner.errors import InputError, UsageError
from scanner.trust.check import FAILED, NOTE, OK, OPEN, Check, examine, page
from scanner.trust.manifest import NAME, read

_GLYPHS = {OK: "ok         ", FAILED: "FAILED     ", OPEN: "not checked", NOTE: "note       "}


@click.command("verify")
@click.argument("place", metavar="DIR|REPORT.HTML", type=click.Path())
@click.option("--snapshot", metavar="DIR", help="The snapshot, where it lies elsewhere by now.")
@click.option(
    "--previous", multiple=True, metavar="DIR|FILE", help="The run before, to check the chain. Repeatable."
)
@click.option("--replay/--no-replay", default=True, show_default=True, help="Do the scan again and compare.")
def verify(place: str, snapshot: str | None, previous: tuple[str, ...], replay: bool) -> Outcome:
    """Check that reports are what their manifest says, and that the same inputs give the same reports again.

    Leaves with 1 when something does not hold, with 3 when something could not be checked. SHA256SUMS can be checked
    without acrscan: sha256sum -c SHA256SUMS.

    \b
    Examples:
      acrscan verify reports/
      acrscan verify reports/ --snapshot archive/night-2026-11-25 --previous archive/reports-2026-11-24
      acrscan verify acrscan.html
    """
    outcome = Outcome()
    try:
        checks = _checks(Path(place), [Path(one) for one in previous], snapshot, replay=replay)
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror or error}", str(error.filename or place)
        ) from error
    _tell(checks, outcome)
    return outcome


def _checks(path: Path, previous: list[Path], snapshot: str | None, *, replay: bool) -> list[Check]:
    if path.is_file():
        return [page(path)]
    if not (path / NAME).is_file():
        raise UsageError(
            f"{path} is neither a report nor a folder with {NAME}", "", "`scan --manifest` writes one."
        )
    checks = list(examine(path, previous))
    if not replay:
        return [*checks, Check("replay", OPEN, "not asked for")]
    if any(check.state == FAILED for check in checks):
        return [*checks, Check("replay", OPEN, "the files are not what they were")]
    from scanner.cli.replaying import compare  # noqa: PLC0415

    return [*checks, *compare(path, read(path / NAME), snapshot)]


def _tell(checks: list[Check], outcome: Outcome) -> None:
    for check in checks:
        click.echo(f"{_GLYPHS[check.state]} {safe(check.what)}: {safe(check.words)}")
    failed = [check.what for check in checks if check.state == FAILED]
    unsure = [check.what for check in checks if check.state == OPEN]
    if failed:
        outcome.add(FINDINGS, f"does not hold: {', '.join(dict.fromkeys(failed))}")
    if unsure:
        outcome.add(INCOMPLETE, f"not checked: {', '.join(dict.fromkeys(unsure))}")


COMMANDS = {"verify": verify}
