"""`acrscan verify`: a folder of reports is checked against its manifest, and the scan is done again."""

from __future__ import annotations

import io
from pathlib import Path

import click
import orjson

from scanner.cli.door import FINDINGS, INCOMPLETE, Outcome
from scanner.cli.proofs import safe
from scanner.errors import ScannerError, UsageError
from scanner.trust.check import FAILED, OK, OPEN, Check, examine, page
from scanner.trust.manifest import NAME, Manifest, read

_GLYPHS = {OK: "ok         ", FAILED: "FAILED     ", OPEN: "not checked"}
_MARKED = ("firstSeen", "change", "why", "was")
"""Keys of rows that a history writes; without it they cannot be told again."""


@click.command("verify")
@click.argument("place", metavar="DIR|REPORT.HTML", type=click.Path())
@click.option("--snapshot", metavar="DIR", help="The snapshot, where it lies elsewhere by now.")
@click.option("--previous", metavar="DIR|FILE", help="The run before, to check the chain.")
@click.option("--replay/--no-replay", default=True, show_default=True, help="Do the scan again and compare.")
def verify(place: str, snapshot: str | None, previous: str | None, replay: bool) -> Outcome:
    """Check that reports are what their manifest says, and that the same inputs give the same reports again.

    Leaves with 1 when something does not hold, with 3 when something could not be checked. SHA256SUMS can be checked
    without acrscan: sha256sum -c SHA256SUMS.

    \b
    Examples:
      acrscan verify reports/
      acrscan verify reports/ --snapshot archive/night-2026-11-25 --previous archive/reports-2026-11-24
      acrscan verify acrscan.html
    """
    path = Path(place)
    outcome = Outcome()
    if path.is_file():
        _tell([page(path)], outcome)
        return outcome
    if not (path / NAME).is_file():
        raise UsageError(
            f"{place} is neither a report nor a folder with {NAME}", "", "`scan --manifest` writes one."
        )
    checks = list(examine(path, Path(previous) if previous else None))
    broken = any(check.state == FAILED for check in checks)
    if not replay:
        checks.append(Check("replay", OPEN, "not asked for"))
    elif broken:
        checks.append(Check("replay", OPEN, "the files are not what they were"))
    else:
        checks += _replayed(path, read(path / NAME), snapshot)
    _tell(checks, outcome)
    return outcome


def _tell(checks: list[Check], outcome: Outcome) -> None:
    for check in checks:
        click.echo(f"{_GLYPHS[check.state]} {safe(check.what)}: {safe(check.words)}")
    failed = [check.what for check in checks if check.state == FAILED]
    unsure = [check.what for check in checks if check.state == OPEN]
    if failed:
        outcome.add(FINDINGS, f"does not hold: {', '.join(dict.fromkeys(failed))}")
    if unsure:
        outcome.add(INCOMPLETE, f"not checked: {', '.join(dict.fromkeys(unsure))}")


def _replayed(folder: Path, found: Manifest, snapshot: str | None) -> list[Check]:
    """The scan done again, and each report of it that holds everything compared byte by byte."""
    from scanner import __version__  # noqa: PLC0415
    from scanner.cli.replaying import again  # noqa: PLC0415

    names = [
        one.path
        for one in found.outputs
        if one.path.endswith((".ndjson", ".json")) and _whole(folder / one.path)
    ]
    if not names:
        return [Check("replay", OPEN, "the run wrote neither JSON nor a stored scan to compare with")]
    if found.tool_version != __version__:
        return [
            Check(
                "replay", OPEN, f"the run was made with acrscan {found.tool_version}, this is {__version__}"
            )
        ]
    try:
        scan = again(folder, found.replay, snapshot)
    except ScannerError as error:
        return [Check("replay", OPEN, str(error).splitlines()[0])]
    if isinstance(scan, str):
        return [Check("replay", OPEN, scan)]
    checks = []
    if scan.header.inventory_digest != found.inventory_digest:
        checks.append(Check("replay", FAILED, "the inventory is another one: its digest differs"))
    from scanner import formats  # noqa: PLC0415

    for name in names:
        out = io.BytesIO()
        formats.get(name.rpartition(".")[2]).render(scan, out)
        checks.append(
            _compared(name, (folder / name).read_bytes(), out.getvalue(), history=found.replay.history)
        )
    return checks


def _whole(path: Path) -> bool:
    """Whether a file is one of the two reports that hold everything (other formats end in .json too)."""
    with path.open("rb") as file:
        head = file.read(200)
    return b"acrscan/scan/v1" in head


def _compared(name: str, then: bytes, now: bytes, *, history: bool) -> Check:
    if then == now:
        return Check("replay", OK, f"{name} came out the same, byte by byte")
    if history and _bare(then) == _bare(now):
        return Check(
            "replay",
            OPEN,
            f"{name} came out the same but for what the history adds (first seen, changes, trend)",
        )
    return Check("replay", FAILED, f"{name} came out different")


def _bare(content: bytes) -> list[object]:
    """The records without what a history adds and without counts over their own bytes."""
    records = (
        [orjson.loads(line) for line in content.splitlines()]
        if content.startswith(b'{"record"')
        else [orjson.loads(content)]
    )
    for record in records:
        record.pop("sha256", None)
        record.pop("trend", None)
        for row in (record, *record.get("findings", ())) if isinstance(record, dict) else ():
            for key in _MARKED:
                row.pop(key, None)
    return records


COMMANDS = {"verify": verify}
