"""The end that `scan`, `report` and others share: a finished scan is shown, written in every wanted format, and judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import click

from scanner.cli import gate, outputs
from scanner.cli.build_facts import build_facts
from scanner.cli.bundle import bundled
from scanner.cli.door import Outcome
from scanner.cli.sealing import Sealing
from scanner.cli.show import show
from scanner.formats import _settings as settings_of
from scanner.formats._settings import Settings
from scanner.model.codec import to_record
from scanner.model.scan import Scan
from scanner.text import encodable

_OUTPUT = (
    click.option("--csv-bom", is_flag=True, help="Begin CSV with a byte order mark, for spreadsheets that need one."),
    click.option("--markdown-for", "markdown", type=click.Choice(settings_of.MARKDOWN_KINDS), default="summary", show_default=True, help="Whose size limit Markdown keeps: a job summary or a pull-request comment."),
    click.option("--sarif-split", is_flag=True, help="One SARIF file per subscription."),
    click.option("--sarif-limit", type=click.IntRange(1, 25_000), default=5_000, show_default=True, help="Results that the profile github writes at most."),
    click.option("--sarif-profile", type=click.Choice(settings_of.SARIF_PROFILES), default="generic", show_default=True, help="Who reads the SARIF."),
    click.option("--html-mode", type=click.Choice(settings_of.HTML_MODES), default="single", show_default=True, help="One file, or page, style, script and data apart for strict servers."),
    click.option("--organisation", default="", metavar="NAME", help="Whose report it is; printed in front of it."),
    click.option("--language", type=click.Choice(settings_of.LANGUAGES), default="en", show_default=True, help="Language of the HTML report."),
    click.option("-q", "--quiet", is_flag=True, help="No console report; only the last line on stderr."),
    click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True),
    click.option("-o", "--output", metavar="PATH", help="Folder or file for reports, - for stdout [reports/]."),
    click.option("-f", "--format", "formats", multiple=True, metavar="NAME", help="Report to write. Repeatable."),
)  # fmt: skip
_GATE = (
    click.option("--exit-zero", is_flag=True, help="Leave with 0 whatever was found."),
    click.option("--allow-empty", is_flag=True, help="Accept that nothing was evaluated."),
    click.option("--strict-unknown", is_flag=True, help="Count findings on resources that may never be deployed."),
    click.option("--strict-settling", is_flag=True, help="Count findings that may still be settling."),
    click.option("--max-unknown", type=click.IntRange(0), default=0, show_default=True, help="Undecided evaluations of critical and high rules that are tolerated."),
    click.option("--fail-on-new", is_flag=True, help="Count only findings that the baseline or history does not have."),
    click.option("--fail-on", type=click.Choice(gate.CHOICES), default="high", show_default=True, help="Lowest severity that fails the run."),
)  # fmt: skip


_FOUND = frozenset({"pipeline", "stem"})
"""Settings that are found out and not asked for."""


@dataclass(frozen=True, slots=True)
class Output(Settings):
    """What to write and where, as given; the settings of the formats among it."""

    formats: tuple[str, ...] = ()
    output: str | None = None
    color: str = "auto"
    quiet: bool = False
    organisation: str = ""

    def settings(self) -> Settings:
        """The settings, with what the environment tells of the checkout and the build."""
        named = bool({"sarif", "gitlab"} & set(self.formats))
        return replace(self, pipeline=build_facts()) if named else self


def output_options(command: Callable[..., Any]) -> Any:
    """Where reports go and what they are like; they arrive as `out`."""
    names = tuple(name for name in Output.__dataclass_fields__ if name not in _FOUND)
    return bundled(command, _OUTPUT, names, Output, "out")


def gate_options(command: Callable[..., Any]) -> Any:
    """What makes the exit code non-zero; they arrive as `limits`."""
    return bundled(command, _GATE, tuple(gate.Limits.__dataclass_fields__), gate.Limits, "limits")


def conclude(
    result: Scan,
    limits: gate.Limits,
    out: Output,
    sealing: Sealing | None = None,
) -> Outcome:
    """Show a finished scan, write its reports, seal them where it is wanted, and judge it."""
    if out.organisation:
        result = replace(result, header=replace(result.header, organisation=encodable(out.organisation)))
    if not out.quiet and out.output != "-":
        show(result, out.color)
    outcome = Outcome() if limits.exit_zero else gate.judge(result, limits)
    if out.formats:
        settings = out.settings()
        if sealing is None:
            outputs.write(result, out.formats, out.output, outcome, settings)
        else:
            written = outputs.write(result, out.formats, out.output, outcome, settings, sealing.ready)
            sealing.seal(result, written, outcome, _record(settings))
    return outcome


def _record(asked: Settings) -> dict[str, Any]:
    """The settings of the formats alone, as a record."""
    given = {name: value for name, value in asdict(asked).items() if name in Settings.__dataclass_fields__}
    record: dict[str, Any] = to_record(Settings(**given))
    return record
