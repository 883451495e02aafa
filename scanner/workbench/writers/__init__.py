"""A report of the workbench as text: one module a format, `write(report, out)`; the folder is the list of formats.

Every writer tells `Report.told()`: problems, and cases that did not hold. What is outside text is made harmless for the
format it goes to; paths are written as they were given, with forward slashes.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, TextIO

from scanner.errors import UsageError
from scanner.workbench.problem import Report


class Write(Protocol):
    """What a writer is."""

    def __call__(self, report: Report, out: TextIO) -> None:
        """Write the report to a text stream."""
        ...


def names() -> tuple[str, ...]:
    """The formats there are."""
    return tuple(
        sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
    )


def get(name: str) -> Write:
    """The writer of a format. Raises `UsageError` for a name that no module has."""
    if name not in names():
        from scanner.text import nearest  # noqa: PLC0415 - reading YAML is not needed to write

        raise UsageError(
            f"unknown format {name!r}", "-f", nearest(name, names()) or f"One of {', '.join(names())}."
        )
    write: Write = import_module(f"{__name__}.{name}").write
    return write


def closing(report: Report) -> str:
    """What was looked at and what was found, in a sentence: `96 rules checked, 0 errors, 2 warnings`."""
    told = report.told()
    looked = ", ".join(f"{number:,} {what}" for what, number in report.counts.items())
    found = [counted(sum(one.level == level for one in told), word) for level, word in _WORDS.items()]
    if not any(one.level == "info" for one in told):
        found.pop()
    return ", ".join([f"{looked} checked" if looked else "nothing checked", *found])


_WORDS = {"error": "error", "warning": "warning", "info": "note"}


def counted(number: int, what: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def path_of(file: str) -> str:
    """A file's path as reports write it, on every platform."""
    return file.replace("\\", "/").removeprefix("./")
