"""Writing reports: a scan and format names come in, whole files or none come out."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Self

from scanner import formats
from scanner.cli.door import Outcome
from scanner.cli.show import say
from scanner.errors import OutputError, ScannerError, UsageError
from scanner.formats._settings import DEFAULT, Settings, Writer
from scanner.model.scan import Scan
from scanner.text import nearest

BASENAME = "acrscan"


def check_formats(names: Sequence[str], output: str | None) -> None:
    """Refuse unknown formats, those that lack a package, and outputs that cannot hold them, before any work is done."""
    for name in names:
        if name not in formats.names():
            advice = nearest(name, formats.names()) or f"Formats: {', '.join(formats.names())}."
            raise UsageError(f"unknown format {name!r}", "", advice)
        module = formats.get(name)
        if isinstance(module, formats.NeedsExtra):
            module.available()
    if output == "-" and len(names) != 1:
        raise UsageError("-o - prints one report", "", "Name exactly one format with -f.")
    if output and not names:
        raise UsageError("-o needs a format", "", f"Add -f with one of {', '.join(formats.names())}.")


def write(
    scan: Scan,
    names: Sequence[str],
    output: str | None,
    outcome: Outcome,
    settings: Settings = DEFAULT,
    before: Callable[[], None] = lambda: None,
) -> dict[Path, str]:
    """Write each format and say where; one that fails is told and does not keep the others from being written.

    Gives the files that were written, each with its format. No file is put in its place before every report is ready
    and `before` was called: a scan may read what the reports replace (a baseline, a stored scan).

    `output`: a folder, a file name with a suffix (one format), `-` for stdout, or None for `reports/`.
    """
    if output == "-":
        formats.get(names[0]).render(scan, sys.stdout.buffer, settings)
        sys.stdout.buffer.flush()
        return {}
    errors: list[ScannerError] = []
    done: dict[Path, str] = {}
    with ExitStack() as stack:
        ready: list[tuple[str, list[Part]]] = []
        for name in dict.fromkeys(names):
            main = main_file(name, output, alone=len(set(names)) == 1)
            with _told(name, main, errors):
                parts = []
                for place, writer in files_of(name, scan, main, settings):
                    parts.append(part := stack.enter_context(Part(place)))
                    writer(scan, part.out)
                    part.close()
                ready.append((name, parts))
        before()
        for name, parts in ready:
            for part in parts:
                with _told(name, part.place, errors):
                    part.put()
                    say(f"wrote {part.place}")
                    done[part.place] = name
    for failed in errors:
        say(str(failed))
        outcome.add(failed.exit_code, f"not written: {failed.what}")
    return done


@contextmanager
def _told(name: str, path: Path, errors: list[ScannerError]) -> Iterator[None]:
    """Keep what goes wrong with one format from the others."""
    try:
        yield
    except OSError as error:
        errors.append(OutputError(f"the {name} report was not written: {error.strerror or error}", str(path)))
    except ScannerError as error:
        errors.append(error)
    except Exception as error:  # noqa: BLE001 - the door: one format must not lose the others
        errors.append(OutputError(f"the {name} report failed: {type(error).__name__}: {error}", str(path)))


def files_of(name: str, scan: Scan, main: Path, settings: Settings) -> Iterator[tuple[Path, Writer]]:
    """The files of a report and how each is written; `main`: the place of the first, which gives the others theirs."""
    module = formats.get(name)
    stem = main.name.removesuffix(module.EXTENSION)
    named = replace(settings, stem=stem)
    parts = module.writers(scan, named) if isinstance(module, formats.ManyFiles) else {}
    if not parts:
        yield main, lambda found, out: module.render(found, out, named)
    for suffix, writer in parts.items():
        yield main.with_name(stem + suffix), writer


def main_file(name: str, output: str | None, *, alone: bool) -> Path:
    """Where a report goes; `alone`: it is the only one, so that `output` may name the file itself."""
    target = Path(output or "reports")
    if alone and target.suffix and not target.is_dir():
        return target
    return target / f"{BASENAME}{formats.get(name).EXTENSION}"


class Part:
    """A file that is written beside its place and appears there complete, or not at all."""

    def __init__(self, place: Path) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_dir():
            raise OutputError("is a folder", str(place), "Name a file, or a folder that does not exist yet.")
        self.place = place
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name[:40]}.")
        self._temporary = Path(name)
        self.out: BinaryIO = os.fdopen(handle, "wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self.out.close()
        self._temporary.unlink(missing_ok=True)

    def close(self) -> None:
        """The content is complete: it goes to the disk, which may be full."""
        self.out.flush()
        os.fsync(self.out.fileno())
        self.out.close()

    def put(self) -> None:
        """Put the file in its place, with the permissions of the one it replaces or those that the umask gives."""
        mask = os.umask(0o077)
        os.umask(mask)
        mode = self.place.stat().st_mode & 0o777 if self.place.is_file() else 0o666 & ~mask
        self._temporary.chmod(mode)
        self._temporary.replace(self.place)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that appears at `path` complete, or not at all."""
    with Part(path) as part:
        yield part.out
        part.close()
        part.put()
