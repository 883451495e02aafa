"""Loss-free fixes: problems with edits come in, files with the edits made come out; comments, layout and meaning stay.

An edit that would change what a file says is not made: what parsed before must say the same after.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from scanner.errors import OutputError, ScannerError
from scanner.language.conditions import SPELLINGS
from scanner.language.pack import RuleFile
from scanner.language.rules import KEYS, REMEDIATION_KEYS, TEST_KEYS
from scanner.text import load_yaml, plain
from scanner.workbench.lint.context import mappings, scalars
from scanner.workbench.problem import Fix, Problem

_BOM = b"\xef\xbb\xbf"
_CONDITION = ("allOf", "anyOf", "not", "ref", "none", "some", "every", "count", "field", "param")
_WORDS = {
    word.casefold(): word
    for word in (
        *KEYS,
        *REMEDIATION_KEYS,
        *TEST_KEYS,
        *_CONDITION,
        *SPELLINGS,
        *("of", "as", "where", "whenEmpty", "default", "caseSensitive", "fieldRef"),
    )
}


def quoting(file: RuleFile, problem: Problem) -> Fix | None:
    """The quotes for a number or boolean where text was expected."""
    for scalar in (one for node in file.documents for one in scalars(node)):
        if (scalar.start.line + 1, scalar.start.column + 1) == (problem.mark.line, problem.mark.column):
            if scalar.plain and scalar.start.line == scalar.end.line:
                start = scalar.start.index
                return Fix(file.source.file, start, start + len(scalar.text), f'"{scalar.text}"')
            return None
    return None


def spelling(file: RuleFile, problem: Problem) -> Fix | None:
    """The right case of a key or operator that differs from one of the language in nothing else."""
    for mapping in (one for node in file.documents for one in mappings(node)):
        for key, scalar in mapping.keys.items():
            if (scalar.start.line + 1, scalar.start.column + 1) != (problem.mark.line, problem.mark.column):
                continue
            right = _WORDS.get(key.casefold(), key)
            if right != key and right not in mapping.keys and scalar.plain:
                return Fix(file.source.file, scalar.start.index, scalar.start.index + len(key), right)
            return None
    return None


def mended(text: str, fixes: Iterable[Fix]) -> str:
    """The text with edits made, the small ones first; of edits that overlap the larger waits for another run."""
    made: list[Fix] = []
    for fix in sorted(set(fixes), key=lambda one: (one.end - one.start, one.start)):
        if all(fix.end <= other.start or other.end <= fix.start for other in made):
            made.append(fix)
    for fix in sorted(made, key=lambda one: (one.start, one.end), reverse=True):
        text = text[: fix.start] + fix.text + text[fix.end :]
    return text


def fixed(files: Mapping[str, RuleFile], problems: Iterable[Problem]) -> dict[str, str]:
    """File name -> its new text, for every file that changes."""
    problems = tuple(problems)
    changed = {}
    for name, file in files.items():
        given = [(one, one.fix) for one in problems if one.fix is not None and one.fix.file == name]
        words = [fix for one, fix in given if one.code in ("SEM001", "SCH001")]
        quotes = [fix for one, fix in given if one.code == "YAML003" and one.level == "error"]
        rest = [fix for _, fix in given if fix not in words and fix not in quotes]
        text = file.text
        if words or quotes:
            # The rule does not load as it stands; there is no meaning yet that could be lost.
            text = mended(text, (*words, *quotes))
        elif rest and _says(mended(text, rest)) == _says(text) is not None:
            text = mended(text, rest)
        if text != file.text and _says(text) is not None:
            changed[name] = text
    return changed


def _says(text: str) -> object:
    """What a text says as YAML, or None where it does not parse."""
    try:
        documents, _ = load_yaml(text, "", tags=True)
    except ScannerError:
        return None
    return [repr(_sorted(plain(node))) for node in documents]


def _sorted(value: object) -> object:
    """A value in which the order of keys does not count."""
    if isinstance(value, dict):
        return sorted((key, _sorted(item)) for key, item in value.items())
    return [_sorted(item) for item in value] if isinstance(value, list) else (type(value).__name__, value)


def write(path: Path, text: str) -> None:
    """Replace a file in one step, with its byte order mark and permissions. Raises `OutputError`."""
    import shutil  # noqa: PLC0415 - only where something is written
    import tempfile  # noqa: PLC0415 - only where something is written

    real = path.resolve()
    try:
        mark = _BOM if real.read_bytes()[:3] == _BOM else b""
        handle, temporary = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
        with os.fdopen(handle, "wb") as out:
            out.write(mark + text.encode("utf-8"))
        shutil.copymode(real, temporary)
        Path(temporary).replace(real)
    except OSError as error:
        raise OutputError(
            f"cannot be fixed: {error.strerror or error}", str(path), "Check its permissions."
        ) from error
