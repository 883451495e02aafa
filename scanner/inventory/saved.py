"""Saved answers of Azure: files and folders come in, an `Inventory` comes out that says what the files do not tell.

Every file is read or named in an error; nothing is dropped silently. A collection is complete only where an answer lists it:
a registry without a saved list of its tokens has unread tokens, not none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from scanner.errors import InputError, Problems, ScannerError, ScopeError
from scanner.inventory.gathering import Gathering
from scanner.inventory.principals import read_principals
from scanner.inventory.record import digest
from scanner.inventory.shapes import answers
from scanner.json_text import read_json
from scanner.model.resource import Inventory

MAX_FILES = 20_000


def collect(
    paths: Sequence[Path], *, principals: Path | None = None, api_version: str | None = None, now: str
) -> Inventory:
    """Read saved answers.

    `api_version` is for resources whose answers do not tell it; `now` (RFC 3339) is the collection time where no answer
    tells one. Raises `Problems` naming every file that cannot be used, `ScopeError` when there is no resource at all.
    """
    gathering = Gathering(api_version)
    errors: list[ScannerError] = []
    count = 0
    for path, shown in _files(paths):
        count += 1
        if principals is not None and path.resolve() == principals.resolve():
            continue
        try:
            for answer in answers(read_json(path), shown):
                gathering.add(answer, shown)
        except InputError as error:
            errors.append(error)
    errors += gathering.finish()
    if errors:
        raise Problems(errors)
    parts = gathering.parts()
    if not parts:
        raise ScopeError(
            f"no resource in {count} file{'s' if count != 1 else ''}",
            ", ".join(str(path) for path in paths),
            "Save at least the answer of `az acr list -o json`.",
        )
    return Inventory(
        parts=parts,
        runs=gathering.runs(),
        digest=digest(parts),
        collected_at=gathering.collected_at or now,
        principals=read_principals(principals) if principals else {},
        diagnostics=tuple(gathering.notes),
    )


def _files(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Every JSON file, with the name that messages and origins show; folders are walked without following links."""
    number = 0
    for path in paths:
        if not path.exists():
            raise InputError("no such file or folder", str(path), "Name a file or folder with saved answers.")
        found = sorted(_below(path)) if path.is_dir() else [path]
        if path.is_dir() and not found:
            raise InputError("the folder holds no .json file", str(path), "Save answers of Azure into it.")
        for file in found:
            number += 1
            if number > MAX_FILES:
                raise InputError(f"more than {MAX_FILES:,} files", str(path))
            yield file, file.relative_to(path).as_posix() if path.is_dir() else file.name


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_symlink() and path.is_dir():
            continue
        if path.is_dir():
            yield from _below(path)
        elif path.suffix.lower() == ".json":
            yield path
