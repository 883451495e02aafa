"""`acrscan waiver list|check|add|prune`: accepted findings are shown, checked, added and removed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click
import orjson

from scanner.cli.door import FINDINGS, Outcome
from scanner.cli.marking import known
from scanner.cli.options import clock, pack_from
from scanner.cli.outputs import whole_file
from scanner.cli.proofs import safe
from scanner.cli.show import say
from scanner.errors import InputError, UsageError
from scanner.model.codec import to_record
from scanner.model.finding import Finding, Verdict
from scanner.model.resource import Inventory
from scanner.model.rule import SEVERITIES
from scanner.model.scan import Scan
from scanner.model.waiver import KINDS, Coverage, Waiver

_SCAN = click.option("--scan", "stored", metavar="SCAN.NDJSON", help="Stored scan to try the entries on.")
_PACK = click.option(
    "--pack", metavar="DIR|FILE", help="Folder or bundle of the pack (default: the shipped ACR pack)."
)
FILE = click.argument("file", metavar="WAIVERS.YAML", type=click.Path())
NOW = click.option(
    "--now", metavar="TIME", help="The clock, RFC 3339 (default: the scan's, else the present)."
)


@click.command("list")
@FILE
@_SCAN
@_PACK
@NOW
@click.option(
    "-f", "--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True
)
def listed(file: str, stored: str | None, pack: str | None, now: str | None, form: str) -> Outcome:
    """Show each waiver and attestation: what it covers, whose it is, and how many days are left.

    \b
    Examples:
      acrscan waiver list acr-waivers.yaml
      acrscan waiver list acr-waivers.yaml --scan reports/acrscan.ndjson -f json
    """
    scan = tried(file, stored, pack, now)
    if form == "json":
        rows = {"waivers": scan.waivers, "attestations": scan.attestations}
        record = {name: [to_record(line) for line in lines] for name, lines in rows.items()}
        click.echo(orjson.dumps(record, option=orjson.OPT_INDENT_2).decode())
        return Outcome()
    for line in scan.waivers:
        entry = line.waiver
        covers = f", covers {line.findings} findings" if stored else ""
        click.echo(f"{entry.id}  {_stand(line.state, line.days_left, line.why, bool(stored))}{covers}")
        click.echo(f"    {entry.covers.rule} on {safe(_target(entry.covers))}")
        click.echo(
            f"    {entry.kind}: {safe(entry.reason)} (owner {safe(entry.owner)}, approved by {safe(entry.approver)})"
        )
    for vouched in scan.attestations:
        word = vouched.attestation
        click.echo(
            f"{word.id}  attested {word.result}, {_stand(vouched.state, vouched.days_left, vouched.why, bool(stored))}"
        )
        click.echo(
            f"    {word.covers.rule} on {safe(_target(word.covers))}: {safe(word.evidence)} ({safe(word.owner)})"
        )
    click.echo(f"{len(scan.waivers)} waivers, {len(scan.attestations)} attestations")
    return Outcome()


def _stand(state: str, days: int, why: str, tried: bool) -> str:
    if state == "unused" and not tried:
        state = "in-force"
    end = f"{days} days left" if days >= 0 else f"ended {-days} days ago"
    return f"{state} ({end}{'; ' + why if why else ''})"


def _target(covers: Coverage) -> str:
    element = f", element {covers.element}" if covers.element else ""
    return f"{covers.resource or covers.glob or covers.fingerprint}{element}"


@click.command("check")
@FILE
@_SCAN
@_PACK
@NOW
@click.option(
    "--fail-on",
    type=click.Choice((*SEVERITIES, "never")),
    default="medium",
    show_default=True,
    help="Lowest severity that fails the check.",
)
def check(file: str, stored: str | None, pack: str | None, now: str | None, fail_on: str) -> Outcome:
    """Check a waiver file: its form, what expired, what is refused; with a stored scan also what covers nothing or too much.

    \b
    Examples:
      acrscan waiver check acr-waivers.yaml
      acrscan waiver check acr-waivers.yaml --scan reports/acrscan.ndjson --fail-on low
    """
    from scanner.waivers.checks import TABLE  # noqa: PLC0415

    scan = tried(file, stored, pack, now)
    needs_scan = {"WAV002", "WAV102"}  # what covers nothing is known only with a scan
    found = [row for row in scan.findings if row.resource_type in TABLE and row.verdict is Verdict.FAIL]
    found = [row for row in found if stored or row.rule not in needs_scan]
    outcome = Outcome()
    for row in found:
        origin = row.origin
        click.echo(
            f"{origin.where}:{origin.line}:{origin.column}: {row.severity} {row.rule} {safe(row.resource_name)}: {safe(row.message)}"
        )
    number = len(scan.waivers) + len(scan.attestations)
    click.echo(
        f"{number} entries, {len(found)} findings" + ("" if stored else " (what covers nothing needs --scan)")
    )
    limit = SEVERITIES.index(fail_on) if fail_on != "never" else -1
    bad = sum(SEVERITIES.index(row.severity) <= limit for row in found)
    if bad:
        outcome.add(FINDINGS, f"{bad} findings about waivers (limit: {fail_on})")
    return outcome


def tried(file: str, stored: str | None, pack: str | None, now: str | None) -> Scan:
    """The register applied to a stored scan, or to a scan without rows."""
    from scanner.waivers.apply import apply  # noqa: PLC0415
    from scanner.waivers.read import read  # noqa: PLC0415

    if stored:
        from scanner import stored as reader  # noqa: PLC0415

        scan = reader.read(Path(stored))
        return apply(scan, read(Path(file), known(scan.header.rules)))
    from scanner import pipeline  # noqa: PLC0415

    rules = pack_from(pack)
    moment = clock(now) or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    nothing = pipeline.scan(rules, Inventory({}, (), "", moment), now=moment, words="")
    return apply(nothing, read(Path(file), known(rules.rules)))


@click.command("add")
@FILE
@click.option("--scan", "stored", metavar="SCAN.NDJSON", required=True, help="Stored scan with the finding.")
@click.option(
    "--finding",
    required=True,
    metavar="FINGERPRINT",
    help="The finding: at least 8 characters of its fingerprint.",
)
@click.option(
    "--by",
    type=click.Choice(("resource", "fingerprint")),
    default="resource",
    show_default=True,
    help="Name its resource and element, or its fingerprint.",
)
@click.option("--kind", type=click.Choice(KINDS), required=True)
@click.option("--reason", required=True)
@click.option("--owner", required=True)
@click.option("--approver", required=True)
@click.option("--ticket", default="")
@click.option("--id", "name", default="", help="Id of the waiver (default: made from rule and fingerprint).")
@click.option("--expires", metavar="YYYY-MM-DD", help="Last day; or --days.")
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="Days from today.")
@click.option("--dry-run", is_flag=True, help="Print the entry and change nothing.")
def add(
    file: str,
    stored: str,
    finding: str,
    by: str,
    kind: str,
    reason: str,
    owner: str,
    approver: str,
    ticket: str,
    name: str,
    expires: str | None,
    days: int,
    dry_run: bool,
) -> None:
    """Accept one finding of a stored scan: an entry is put into the waiver file, which is made where there is none.

    \b
    Example:
      acrscan waiver add acr-waivers.yaml --scan reports/acrscan.ndjson --finding 3f9a1c20 --kind risk-accepted
        --reason "Partner network, reviewed" --owner mira --approver tomas --ticket OPS-12 --days 90
    """
    from scanner import stored as reader  # noqa: PLC0415
    from scanner.waivers import edit  # noqa: PLC0415

    scan = reader.read(Path(stored))
    row = _one(scan, finding)
    today = datetime.now(UTC).date()
    waiver = Waiver(
        id=name or f"W-{row.rule}-{row.fingerprint[:8]}",
        covers=_coverage(row, by),
        kind=kind,
        reason=reason,
        owner=owner,
        ticket=ticket,
        approver=approver,
        created=today.isoformat(),
        expires=day(expires) if expires else (today + timedelta(days=days)).isoformat(),
        place="",
    )
    if dry_run:
        click.echo(edit.block(waiver), nl=False)
        return
    write(Path(file), edit.added(text_of(Path(file)), [waiver], Path(file)))
    say(f"{file}: {waiver.id} accepts {row.rule} on {safe(_target(waiver.covers))} until {waiver.expires}")


def _one(scan: Scan, finding: str) -> Finding:
    wanted = finding.strip().lower()
    if len(wanted) < 8:
        raise UsageError("--finding needs at least 8 characters of the fingerprint")
    hits = [
        row for row in scan.findings if row.verdict is Verdict.FAIL and row.fingerprint.startswith(wanted)
    ]
    if len(hits) != 1:
        number = "no" if not hits else f"{len(hits)}"
        raise UsageError(
            f"{number} failing findings have a fingerprint that begins with {wanted!r}",
            "",
            "Reports show the fingerprint of each.",
        )
    waivable = {card.id: card.waivable for card in scan.header.rules}
    if not waivable.get(hits[0].rule, True):
        raise UsageError(f"{hits[0].rule} may not be waived", "", "Mend the finding.")
    return hits[0]


def _coverage(row: Finding, by: str) -> Coverage:
    if by == "fingerprint":
        return Coverage(row.rule, fingerprint=row.fingerprint)
    return Coverage(row.rule, resource=row.cause or row.resource, element=row.element)


def day(text: str) -> str:
    """A checked day of the command line."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise UsageError(f"--expires {text!r} is no day", "", "Write it as 2027-03-31.") from error


@click.command("prune")
@FILE
@click.option("--scan", "stored", metavar="SCAN.NDJSON", help="Stored scan that tells which cover nothing.")
@_PACK
@NOW
@click.option("--dry-run", is_flag=True, help="Say what would go and change nothing.")
def prune(file: str, stored: str | None, pack: str | None, now: str | None, dry_run: bool) -> None:
    """Remove waivers that expired, and with a stored scan also those that cover nothing. All else in the file stays as it is.

    \b
    Examples:
      acrscan waiver prune acr-waivers.yaml
      acrscan waiver prune acr-waivers.yaml --scan reports/acrscan.ndjson --dry-run
    """
    from scanner.waivers import edit  # noqa: PLC0415

    gone = {
        line.waiver.id: line.state
        for line in tried(file, stored, pack, now).waivers
        if line.state == "expired" or (stored and line.state == "unused")
    }
    for name, state in gone.items():
        click.echo(f"{name}: {state}")
    if gone and not dry_run:
        write(Path(file), edit.pruned(text_of(Path(file)), gone, Path(file)))
    say(f"{len(gone)} waivers {'would be ' if dry_run else ''}removed from {file}")


def text_of(path: Path) -> str:
    """The text of a waiver file; that of an empty one where there is none."""
    from scanner.text import read_text  # noqa: PLC0415
    from scanner.waivers.edit import EMPTY  # noqa: PLC0415

    return read_text(path) if path.exists() else EMPTY


def write(path: Path, text: str) -> None:
    """Put the whole text in the file's place, or leave the file as it was."""
    try:
        with whole_file(path) as out:
            out.write(text.encode())
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", str(path)) from error


COMMANDS = {"list": listed, "check": check, "add": add, "prune": prune}
