"""Waivers, baseline and history of a scan: files are read before any work is done, marks are set when it is finished."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scanner.cli.bundle import bundled
from scanner.cli.door import Outcome
from scanner.cli.show import say
from scanner.errors import InputError, ScannerError
from scanner.model.rule import Rule
from scanner.model.scan import RuleCard, Scan

if TYPE_CHECKING:
    from scanner.compare.against import Baseline
    from scanner.model.waiver import Register

_OPTIONS = (
    click.option("--history", metavar="FILE|URL", help="Record the scan in this history (SQLite file or postgresql:// URL) and mark what is new."),
    click.option("--baseline", metavar="FILE", help="Earlier scan (stored scan or SARIF) to compare with."),
    click.option("--waivers", metavar="FILE", help="Waivers and attestations (acr-waivers.yaml)."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Marks:
    """What the options say, as given."""

    waivers: str | None = None
    baseline: str | None = None
    history: str | None = None

    def prepared(self, rules: Iterable[Rule | RuleCard]) -> Prepared:
        """Everything read and checked; `rules`: those that waivers may name. Raises what reading raises."""
        register = register_of(self.waivers, rules) if self.waivers else None
        return Prepared(register, baseline_of(self.baseline) if self.baseline else None, self.history)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a scan is marked with. `trouble`: what went wrong with the history, told once the reports are written."""

    register: Register | None
    baseline: Baseline | None
    history: str | None
    trouble: list[ScannerError] = field(default_factory=list)

    def mark(self, scan: Scan) -> Scan:
        """The scan with waivers, then with changes since the baseline, then with what the history knows."""
        if self.register is not None:
            from scanner.waivers.apply import apply  # noqa: PLC0415

            scan = apply(scan, self.register)
        if self.baseline is not None:
            from scanner.compare.against import against  # noqa: PLC0415

            scan = against(scan, self.baseline)
        if self.history:
            from scanner.history import mark_and_record  # noqa: PLC0415

            try:
                scan = mark_and_record(scan, self.history)
            except ScannerError as error:
                self.trouble.append(error)
        return scan

    def tell(self, outcome: Outcome) -> None:
        """Tell what went wrong with the history."""
        for error in self.trouble:
            say(str(error))
            outcome.add(error.exit_code, f"history: {error.what}")


def known(rules: Iterable[Rule | RuleCard]) -> Collection[str]:
    """The ids that a waiver may name: every rule, and what it replaces."""
    return {name for rule in rules for name in (rule.id, *rule.replaces)}


def register_of(path: str, rules: Iterable[Rule | RuleCard], name: str = "") -> Register:
    """The waivers of a file; `name`: how reports write its path, for a copy that stands in for another."""
    from scanner.text import read_text  # noqa: PLC0415 - YAML loads here, not at start-up
    from scanner.waivers.read import parse  # noqa: PLC0415

    return parse(read_text(Path(path)), name or path, known(rules))


def baseline_of(path: str, name: str = "") -> Baseline:
    """The baseline in a stored scan or a SARIF file, told apart by their first bytes; `name` as for waivers."""
    from scanner import stored  # noqa: PLC0415
    from scanner.compare import sarif  # noqa: PLC0415
    from scanner.compare.against import Baseline  # noqa: PLC0415

    file = Path(path)
    try:
        with file.open("rb") as lines:
            first = lines.read(4_096)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path, "Check --baseline.") from error
    if b'"record":"header"' in first.split(b"\n", 1)[0] or file.suffix == ".ndjson":
        return Baseline(stored.read(file), name or path)
    return replace(sarif.baseline_of(file), words=name or path)


def mark_options(command: Callable[..., Any]) -> Any:
    """Waivers, baseline and history; they arrive as `marks`."""
    return bundled(command, _OPTIONS, tuple(Marks.__dataclass_fields__), Marks, "marks")
