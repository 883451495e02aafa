"""`acrscan scan`: rules over an inventory; a console report, report files, and an exit code."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scanner.cli import outputs
from scanner.cli.described import READERS, Described, described_options, tree_of
from scanner.cli.described import read as read_described
from scanner.cli.described import tell as tell_described
from scanner.cli.door import INCOMPLETE, INTERRUPTED, Outcome
from scanner.cli.gate import Limits
from scanner.cli.hosts import HOST, Hosts, host_options
from scanner.cli.hosts import read as read_hosts
from scanner.cli.live import Live, collected, live_options, options_from
from scanner.cli.marking import Marks, mark_options
from scanner.cli.options import (
    any_inventory_options,
    clock,
    inventory_from,
    is_live,
    kind_of,
    pack_folder,
    pack_from,
    pack_name,
    profile_file,
    rule_options,
    source_words,
)
from scanner.cli.reporting import Output, conclude, gate_options, output_options
from scanner.cli.sealing import Seal, Sources, seal_options
from scanner.cli.show import Progress
from scanner.cli.telling import Teller
from scanner.errors import UsageError
from scanner.model.finding import Verdict
from scanner.model.resource import Inventory
from scanner.model.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scanner.cli.described import Reading

REGISTRIES = "microsoft.containerregistry/registries"


def _sources(command: Callable[..., Any]) -> Callable[..., Any]:
    return any_inventory_options(command, *READERS, HOST)


@click.command("scan")
@_sources
@described_options
@host_options
@live_options
@click.option("--snapshot", "folder", metavar="DIR", help="Keep what was read from Azure as a snapshot.")
@click.option(
    "--verify", is_flag=True, help="Look up what fails a critical or high rule once more at its provider."
)
@rule_options
@mark_options
@output_options
@gate_options
@seal_options
@click.option("--keep-passes", is_flag=True, help="Keep a row for each pass and notApplicable too.")
def scan(
    paths: tuple[str, ...],
    source: str,
    principals: str | None,
    api_version: str | None,
    now: str | None,
    described: Described,
    hosts: Hosts,
    live: Live,
    folder: str | None,
    verify: bool,
    pack: str | None,
    profile: tuple[str, ...],
    param: tuple[str, ...],
    rule: tuple[str, ...],
    skip_rule: tuple[str, ...],
    marks: Marks,
    out: Output,
    limits: Limits,
    how: Seal,
    keep_passes: bool,
) -> Outcome:
    """Evaluate rules over an inventory and report.

    Without PATH, Azure itself is read (nothing is ever changed there). PATH is a snapshot folder, or any mix of files
    and folders with saved Azure answers: ARM lists and objects, recorded exchanges, Resource Graph answers,
    `az ... -o json` output. With --from arm, PATH holds ARM templates and compiled Bicep; with --from terraform, folders
    of .tf files and plans (`terraform show -json`); with --from workload, Dockerfiles, Compose files, Kubernetes manifests,
    ACR task files, pipelines and scripts. With --from host, the Docker host that this runs on is read, or every --root:
    only files, and `docker version`.

    \b
    Examples:
      acrscan scan --management-group platform --snapshot night/ -f sarif -f html
      acrscan scan --subscription prod --registry contosoprod --data-plane --probe
      acrscan scan answers/
      acrscan scan --from saved registries.json roles.json -f sarif -f html -o reports/
      acrscan scan snapshot/ --profile production --fail-on medium -f json -o -
      acrscan scan --from arm infra/ --parameters infra/main.parameters.prod.json
      acrscan scan --from terraform infra/ --var-file infra/prod.tfvars
      acrscan scan --from host
      acrscan scan --from host --root /mnt/agent-disk --root image-rootfs/ --home /home/ci
      acrscan scan --from workload . -f sarif -o reports/
      acrscan scan night/ --waivers acr-waivers.yaml --baseline last.ndjson --fail-on-new -f ndjson
    """
    from scanner import pipeline  # noqa: PLC0415
    from scanner.engine.evaluate import Options  # noqa: PLC0415

    outputs.check_formats(out.formats, out.output)
    sealing = how.begin(
        out.output,
        out.formats,
        Sources(
            pack_folder(pack),
            tuple(profile_file(one, pack) for one in profile),
            marks.waivers,
            marks.baseline,
            principals if paths else None,
        ),
    )
    rules = pack_from(pack, profile, param, rule, skip_rule)
    prepared = marks.prepared(rules.rules)
    asked = is_live(paths, source)
    if not asked and (verify or folder or live.resume or live.data_plane or live.probe or live.named):
        raise UsageError(
            "scopes, --verify, --snapshot, --resume, --data-plane and --probe are for Azure itself, not for files",
            "",
            "Leave out PATH, or these options.",
        )
    if asked and api_version:
        raise UsageError("--api-version is for saved answers; Azure tells its own")

    if described.given and source not in READERS:
        raise UsageError(
            "--parameters, --bicep-cli, --var, --var-file and --allow-outside-root are for templates",
            "",
            "Add --from arm or --from terraform.",
        )
    hosts.check(source, paths)
    reading: Reading | None = None

    def evaluated(inventory: Inventory, words: str) -> Scan:
        progress = Progress(quiet=out.quiet)
        found = pipeline.scan(
            rules,
            inventory,
            now=clock(now) or inventory.collected_at,
            words=words,
            options=Options(keep_passes=keep_passes),
            seen=progress,
        )
        progress.done()
        return found

    with ExitStack() as stack:
        interrupted = False
        if asked:
            teller = Teller(live.log_format, quiet=out.quiet)
            inventory, found, kept = stack.enter_context(collected(live, folder, principals, teller))
            interrupted = found.interrupted
            result = evaluated(inventory, live.words)
            if verify and not interrupted:
                result = _verified(live, inventory, result, teller, evaluated)
        elif source in READERS or source == HOST:
            moment = clock(now) or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            reading = (
                read_hosts(hosts, now=moment)
                if source == HOST
                else read_described((source,), tree_of(paths), described, cloud=live.cloud, now=moment)
            )
            inventory = reading.inventory
            result = evaluated(inventory, source_words(hosts.words if source == HOST else paths, source))
        else:
            inventory = inventory_from(paths, source, principals, api_version, now)
            result = evaluated(inventory, source_words(paths, source))
        if sealing is not None:
            again = (
                ""
                if (asked and (verify or not folder)) or reading is not None
                else "snapshot"
                if asked
                else kind_of(paths, source)
            )
            sealing.run(
                paths if not asked else (str(kept),) if folder else (),
                source=again,
                why=""
                if again
                else f"what --from {source} reads is not kept beside the reports"
                if reading is not None
                else "Azure itself was read; only a scan of a snapshot (without --verify) can be done again",
                now=result.header.now,
                words=result.header.inventory,
                api_version=api_version or "",
                parameters=param,
                rules=rule,
                skipped=skip_rule,
                keep_passes=keep_passes,
                history=bool(marks.history),
                pack_name=pack_name(pack),
            )
        outcome = conclude(prepared.mark(result), limits, out, sealing)
    prepared.tell(outcome)
    if reading is not None:
        tell_described(reading.errors, outcome)
    if asked and REGISTRIES not in inventory.parts and not (limits.allow_empty or limits.exit_zero):
        outcome.add(INCOMPLETE, "no registry was found (--allow-empty accepts that)")
    if interrupted:
        outcome.add(
            INTERRUPTED,
            "interrupted: what was not read is unknown" + (", --resume goes on" if folder else ""),
        )
    return outcome


def _verified(
    live: Live,
    inventory: Inventory,
    result: Scan,
    teller: Teller,
    evaluated: Callable[[Inventory, str], Scan],
) -> Scan:
    """The scan once more over an inventory in which what fails was looked up again."""
    from scanner.inventory.verify import verify  # noqa: PLC0415

    suspects = list(_suspects(result))
    if not suspects:
        return result
    answer = verify(options_from(live, Path(), None), inventory, suspects, teller)
    words = f"{live.words} (verified: {answer.read} of {answer.read + answer.unread} read again, {answer.changed} differ, {answer.gone} gone)"
    return evaluated(answer.inventory, words)


def _suspects(result: Scan) -> Iterable[str]:
    """Resources that fail a critical or high rule, and the assignments that cause it."""
    for finding in result.findings:
        if finding.verdict is Verdict.FAIL and finding.severity in ("critical", "high"):
            yield finding.resource
            for item in finding.evidence:
                if (
                    isinstance(item.actual, str)
                    and "/providers/microsoft.authorization/" in item.actual.lower()
                ):
                    yield item.actual


COMMANDS = {"scan": scan}
