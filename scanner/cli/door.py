"""The one place that knows exit codes: runs a command, turns errors into one clear message and a number.

0 ok · 1 findings at or above --fail-on · 2 usage, config or rule error · 3 evaluation incomplete ·
4 authentication or scope · 5 internal error · 6 a report was refused because the collection is partial ·
130 interrupted. The last line on stderr gives the reason.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field

import click

from scanner.errors import Problems, ScannerError

OK, FINDINGS, USAGE, INCOMPLETE, SCOPE, INTERNAL, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 130
PRECEDENCE = (INTERRUPTED, INTERNAL, SCOPE, USAGE, PARTIAL, FINDINGS, INCOMPLETE, OK)
"""When several reasons hold, the first of these is the exit code."""


@dataclass(slots=True)
class Outcome:
    """What a command ends with: reasons by exit code. An empty outcome is success."""

    reasons: list[tuple[int, str]] = field(default_factory=list)

    def add(self, code: int, reason: str) -> None:
        """Note a reason to leave with a code."""
        self.reasons.append((code, reason))

    @property
    def code(self) -> int:
        """The exit code that wins."""
        codes = {code for code, _ in self.reasons}
        return next((code for code in PRECEDENCE if code in codes), OK)

    def line(self) -> str:
        """All reasons on one line, the winning code's first."""
        ordered = sorted(self.reasons, key=lambda reason: PRECEDENCE.index(reason[0]))
        return f"exit {self.code}: " + "; ".join(text for _, text in ordered)


def run(arguments: Sequence[str]) -> int:
    """Run the command line; never raises."""
    _utf8()
    from scanner.cli.commands import cli  # noqa: PLC0415 - click's groups load when they are asked for

    outcome = Outcome()
    try:
        result = cli.main(args=list(arguments), prog_name="acrscan", standalone_mode=False)
        if isinstance(result, Outcome):
            outcome = result
        elif isinstance(result, int) and result:
            outcome.add(result, "see above")
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return OK
    except click.ClickException as error:
        error.show()
        outcome.add(USAGE, "the command line is wrong")
    except click.Abort:
        outcome.add(INTERRUPTED, "interrupted")
    except KeyboardInterrupt:
        outcome.add(INTERRUPTED, "interrupted")
    except ScannerError as error:
        click.echo(str(error), err=True)
        outcome.add(error.exit_code, _summary(error))
    except BrokenPipeError:
        # The reader went away (`| head`): point stdout at nothing so that the interpreter's last flush is silent.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:  # noqa: BLE001 - the door: an unexpected error must still end in one clear line
        if os.environ.get("ACRSCAN_DEBUG"):
            traceback.print_exc()
        else:
            place = traceback.extract_tb(error.__traceback__)[-1]
            click.echo(
                f"internal error: {type(error).__name__}: {error} (in {place.name}, line {place.lineno})\n"
                "  Please report it; ACRSCAN_DEBUG=1 prints the full traceback.",
                err=True,
            )
        outcome.add(INTERNAL, "internal error")
    if outcome.reasons:
        click.echo(outcome.line(), err=True)
    return outcome.code


def _summary(error: ScannerError) -> str:
    if isinstance(error, Problems):
        number = len(error.errors)
        return f"{number} error{'s' if number != 1 else ''}"
    return error.what.splitlines()[0]


def _utf8() -> None:
    """Print UTF-8 whatever the platform's code page is; what the terminal cannot show becomes a question mark."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
