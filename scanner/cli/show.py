"""The console report on stdout: colour, width and glyphs are decided here, the text is the console format's."""

from __future__ import annotations

import os
import shutil
import sys

import click

from scanner.model.scan import Scan

EVERY = 1000
"""Resources between two numbers of the progress line."""


def wants_colour(choice: str) -> bool:
    """Whether to colour: `--color`, then NO_COLOR (any value: off), FORCE_COLOR, then whether stdout is a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE"):
        return True
    return sys.stdout.isatty()


def wants_unicode() -> bool:
    """Whether the locale can show more than ASCII."""
    if os.environ.get("ACRSCAN_ASCII"):
        return False
    wanted = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    return "utf" in wanted.lower() or sys.platform in ("darwin", "win32") or not sys.stdout.isatty()


def show(scan: Scan, colour: str) -> None:
    """Print the console report."""
    from scanner.formats import console  # noqa: PLC0415

    width = min(shutil.get_terminal_size((100, 24)).columns, 140)
    console.render_text(scan, sys.stdout, color=wants_colour(colour), unicode=wants_unicode(), width=width)


class Progress:
    """A counter on one line of stderr, for people who wait: only on a terminal, gone when the work is done."""

    def __init__(self, *, quiet: bool) -> None:
        self._on = not quiet and sys.stderr.isatty() and not os.environ.get("CI")
        self._shown = 0

    def __call__(self, number: int) -> None:
        """Show every thousandth number."""
        if self._on and number - self._shown >= EVERY:
            self._shown = number
            click.echo(f"\r{number:,} resources evaluated ...", err=True, nl=False)

    def done(self) -> None:
        """Clear the line."""
        if self._shown:
            click.echo("\r" + " " * 40 + "\r", err=True, nl=False)


def say(text: str) -> None:
    """A line for people, on stderr."""
    click.echo(text, err=True)
