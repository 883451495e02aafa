"""A run over the same files as before: what is to be checked comes in, the report of that earlier run comes out, or nothing.

Everything that a report depends on is in its key: the code, the day, the options, the working folder (places are told from
there) and the content of every file that is read. A report is kept only where all of that was still the same after the run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from scanner.model.condition import Mark
from scanner.workbench.lint.memory import digest_of_code, home, read, write
from scanner.workbench.problem import LEVELS, Checked, Fix, Problem, Report

ROOM = "lint"
KEPT = 20
"""Reports that are kept; of more the oldest go."""
_MOST_FILES = 2_000
_MOST_BYTES = 20_000_000
_SIZE = 4_000_000
"""A report that takes more is made again instead."""
_PROBLEM = (str, str, str, list, str, str, str, int, str, list, list)


def key_of(options: Iterable[str], packs: Iterable[Path], others: Iterable[Path]) -> str | None:
    """The key of a run. `packs`: folders and rule files; `others`: files and folders of catalogues that are read with them.

    None where something cannot be read, or is so much that making its key saves nothing.
    """
    digest = hashlib.sha256(digest_of_code().encode())
    try:
        for text in (os.getcwd(), *options):  # noqa: PTH109 - its text is all that is wanted
            _add(digest, text.encode("utf-8", "surrogateescape"))
        count = size = 0
        for path in (*_of_packs(packs), *_of_others(others)):
            content = path.read_bytes() if path.is_file() else None
            count, size = count + 1, size + len(content or b"")
            if count > _MOST_FILES or size > _MOST_BYTES:
                return None
            _add(digest, os.fsencode(path))
            _add(digest, content)
    except OSError:
        return None
    return digest.hexdigest()


def _add(digest: hashlib._Hash, content: bytes | None) -> None:
    digest.update(b"-" if content is None else f"{len(content)}:".encode())
    digest.update(content or b"")


def _of_packs(packs: Iterable[Path]) -> Iterator[Path]:
    """Every file that is read with a pack or a rule file, and those whose absence is noticed."""
    for place in packs:
        if place.is_dir():
            yield place / "pack.yaml"
            yield from _yaml(place)
            continue
        yield place
        for folder in place.resolve().parents:
            yield folder / "pack.yaml"
            yield from _yaml(folder / "frameworks")
            if (folder / "pack.yaml").is_file():
                break


def _of_others(others: Iterable[Path]) -> Iterator[Path]:
    for place in others:
        if place.is_dir():
            yield from _yaml(place)
        else:
            yield place


def _yaml(folder: Path) -> list[Path]:
    """The files of a folder and the folders in it that may be read, in one order."""
    found = []
    for below, _, names in os.walk(folder, onerror=_refuse):
        found += [Path(below, name) for name in names if name.endswith((".yaml", ".yml"))]
        if len(found) > _MOST_FILES:
            break
    return sorted(found)


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def recall(key: str) -> Report | None:
    """The report that was kept for a key."""
    folder = home()
    body = read(folder / ROOM / f"{key}.json") if folder is not None else None
    try:
        return _report(body)
    except (TypeError, ValueError):
        return None


def keep(key: str, report: Report) -> None:
    """Keep a report; a folder that cannot be written keeps nothing."""
    folder = home()
    if folder is None:
        return
    text = json.dumps(
        {
            "problems": [_row(one) for one in report.problems],
            "counts": report.counts,
            "cases": [
                (one.suite, one.name, _placed(one.mark), one.problem, one.detail) for one in report.cases
            ],
        }
    )
    if len(text) <= _SIZE and write(folder / ROOM / f"{key}.json", text):
        _prune(folder / ROOM)


def _prune(folder: Path) -> None:
    try:
        old = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]
        for path in old:
            path.unlink()
    except OSError:
        return  # another run is at it


def _placed(mark: Mark) -> tuple[str, int, int]:
    return mark.file, mark.line, mark.column


def _row(one: Problem) -> tuple[Any, ...]:
    fix = (one.fix.file, one.fix.start, one.fix.end, one.fix.text) if one.fix is not None else ()
    return (
        one.code,
        one.level,
        one.what,
        _placed(one.mark),
        one.advice,
        one.rule,
        one.excerpt,
        one.end_column,
        one.detail,
        fix,
        one.units,
    )


def _report(body: Any) -> Report:
    """A kept report. Raises `TypeError` or `ValueError` where it is none."""
    if not isinstance(body, dict):
        raise TypeError("no report")
    counts = body.get("counts")
    if not isinstance(counts, dict) or not all(isinstance(one, int) for one in counts.values()):
        raise TypeError("no counts")
    return Report(
        "lint",
        tuple(_problem(*_fitting(one, _PROBLEM)) for one in _list(body.get("problems"))),
        counts,
        tuple(_case(*_fitting(one, (str, str, list, str, str))) for one in _list(body.get("cases"))),
    )


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return value


def _fitting(value: Any, kinds: tuple[type, ...]) -> list[Any]:
    if not isinstance(value, list) or len(value) != len(kinds) or not all(map(isinstance, value, kinds)):
        raise TypeError("another form")
    return value


def _mark(value: Any) -> Mark:
    return Mark(*_fitting(value, (str, int, int)))


def _problem(
    code: str,
    level: str,
    what: str,
    mark: Any,
    advice: str,
    rule: str,
    excerpt: str,
    end: int,
    detail: str,
    fix: Any,
    units: Any,
) -> Problem:
    if level not in LEVELS:
        raise ValueError(level)
    edit = Fix(*_fitting(fix, (str, int, int, str))) if fix else None
    first, last = _fitting(units, (int, int))
    return Problem(code, level, what, _mark(mark), advice, rule, excerpt, end, detail, edit, (first, last))


def _case(suite: str, name: str, mark: Any, problem: str, detail: str) -> Checked:
    return Checked(suite, name, _mark(mark), problem, detail)
