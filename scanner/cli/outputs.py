"""Writing reports: a scan and format names come in, whole files or none come out."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

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
    scan: Scan, names: Sequence[str], output: str | None, outcome: Outcome, settings: Settings = DEFAULT
) -> list[Path]:
    """Write each format and say where; one that fails is told and does not keep the others from being written.

    Gives the files that were written.

    `output`: a folder, a file name with a suffix (one format), `-` for stdout, or None for `reports/`.
    """
    if output == "-":
        formats.get(names[0]).render(scan, sys.stdout.buffer, settings)
        sys.stdout.buffer.flush()
        return []
    errors: list[ScannerError] = []
    done: list[Path] = []
    for name in names:
        module = formats.get(name)
        path = _path(output, module.EXTENSION, alone=len(names) == 1)
        try:
            for place, writer in _files(module, scan, path, settings):
                with whole_file(place) as out:
                    writer(scan, out)
                say(f"wrote {place}")
                done.append(place)
        except OSError as error:
            errors.append(
                OutputError(f"the {name} report was not written: {error.strerror or error}", str(path))
            )
        except ScannerError as error:
            errors.append(error)
        except Exception as error:  # noqa: BLE001 - the door: one format must not lose the others
            errors.append(
                OutputError(f"the {name} report failed: {type(error).__name__}: {error}", str(path))
            )
    for failed in errors:
        say(str(failed))
        outcome.add(failed.exit_code, f"not written: {failed.what}")
    return done


def _files(
    module: formats.Format, scan: Scan, path: Path, settings: Settings
) -> Iterator[tuple[Path, Writer]]:
    """The files of a report and how each is written."""
    stem = path.name.removesuffix(module.EXTENSION)
    named = replace(settings, stem=stem)
    parts = module.writers(scan, named) if isinstance(module, formats.ManyFiles) else {}
    if not parts:
        yield path, lambda found, out: module.render(found, out, named)
    for suffix, writer in parts.items():
        yield path.with_name(stem + suffix), writer


def _path(output: str | None, extension: str, *, alone: bool) -> Path:
    target = Path(output or "reports")
    if alone and target.suffix and not target.is_dir():
        return target
    return target / f"{BASENAME}{extension}"


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that appears at `path` complete, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise OutputError("is a folder", str(path), "Name a file, or a folder that does not exist yet.")
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
