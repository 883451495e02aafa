"""Bicep: a `.bicep` file comes in, its compiled JSON template comes out: the one beside it, or what an installed CLI makes.

Nothing is ever downloaded: the CLI is told not to restore modules. Source:
https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-cli
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scanner.errors import InputError, ScannerError, UsageError
from scanner.inventory.arm_template.files import Sorted
from scanner.inventory.arm_template.positions import Document, parse_document
from scanner.inventory.tree import File

SECONDS = 120.0
_MODULE = re.compile(r"^\s*(?:module\s+\w+|import\s[^'\n]*from|extends|using)\s+'([^'\n]+)'", re.MULTILINE)
_ADVICE = "Compile it (`bicep build {name}`) and keep the JSON beside it, or name an installed compiler with --bicep-cli PATH."


@dataclass
class Compiled:
    """What Bicep files gave."""

    templates: list[Document] = field(default_factory=list)
    parameters: list[Document] = field(default_factory=list)
    errors: list[ScannerError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def compile_all(found: Sorted, cli: str | None) -> Compiled:
    """Find the compiled template of each Bicep file, or compile it.

    A module that another file of the tree uses is compiled into that file. Raises `UsageError` for a CLI that does not start.
    """
    result = Compiled()
    if cli:
        _check(cli)
    generated = {
        name: one for name, one in ((one.name, one) for one in found.templates) if by_bicep(one.value)
    }
    files = [file for file in found.bicep if file.name.lower().endswith(".bicep")]
    modules = {name for file in files for name in _modules(file)}
    for file in files:
        if file.path.resolve() in modules and not file.given and _sibling(file, generated) is None:
            continue
        _one(file, cli, generated, result)
    for file in found.bicep:
        if file.name.lower().endswith(".bicepparam"):
            _values(file, cli, found.parameters, result)
    return result


def by_bicep(value: Any) -> bool:
    """Whether a template was made by Bicep."""
    metadata = value.get("metadata") if isinstance(value, Mapping) else None
    generator = metadata.get("_generator") if isinstance(metadata, Mapping) else None
    return isinstance(generator, Mapping) and str(generator.get("name", "")).lower() == "bicep"


def _sibling(file: File, generated: Mapping[str, Document]) -> Document | None:
    return generated.get(file.name[: -len(".bicep")] + ".json")


def _one(file: File, cli: str | None, generated: Mapping[str, Document], result: Compiled) -> None:
    beside = _sibling(file, generated)
    path = file.path.with_suffix(".json")
    if beside is None and file.given and path.is_file():
        try:
            document = parse_document(path.read_text("utf-8-sig"), file.name[: -len(".bicep")] + ".json")
        except (InputError, OSError, UnicodeDecodeError) as error:
            result.errors.append(
                error if isinstance(error, InputError) else InputError("cannot be read", file.name)
            )
            return
        if by_bicep(document.value):
            beside = document
            result.templates.append(document)
    if cli:
        _compiled(file, cli, beside, result)
        return
    if beside is None:
        result.errors.append(InputError("is not compiled", file.name, _ADVICE.format(name=file.name)))
    elif _newer(file.path, path):
        result.notes.append(f"{file.name}: newer than {beside.name}, which was evaluated; compile it again")


def _newer(one: Path, other: Path) -> bool:
    try:
        return one.stat().st_mtime > other.stat().st_mtime + 1
    except OSError:
        return False


def _compiled(file: File, cli: str, beside: Document | None, result: Compiled) -> None:
    text = _run([cli, "build", "--stdout", "--no-restore", str(file.path)], file, result)
    if text is None:
        return
    if beside is not None:
        return
    try:
        result.templates.append(parse_document(text, file.name))
    except InputError as error:
        result.errors.append(InputError(f"the compiler's answer {error.what}", file.name))


def _values(file: File, cli: str | None, known: Iterable[Document], result: Compiled) -> None:
    """The parameter file of a `.bicepparam`."""
    stem = file.name[: -len(".bicepparam")]
    if any(one.name.startswith((f"{stem}.parameters.", f"{stem}.json")) for one in known):
        return
    if not cli:
        result.notes.append(
            f"{file.name}: not compiled and left out; `bicep build-params {file.name}` makes a parameter file of it"
        )
        return
    text = _run([cli, "build-params", "--stdout", "--no-restore", str(file.path)], file, result)
    if text is None:
        return
    try:
        answer = json.loads(text)
        document = parse_document(answer["parametersJson"], file.name)
    except (ValueError, KeyError, TypeError, InputError):
        result.errors.append(InputError("the compiler's answer holds no parameters", file.name))
        return
    result.parameters.append(document)


def _run(command: list[str], file: File, result: Compiled) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - the compiler that the user names, without a shell
            command, capture_output=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        result.errors.append(InputError(f"the compiler took more than {SECONDS:.0f} seconds", file.name))
        return None
    except OSError as error:
        raise UsageError(f"--bicep-cli {command[0]} cannot be run: {error.strerror or error}") from error
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        first = next(
            (line for line in words if "error" in line.lower()), words[0] if words else "no reason given"
        )
        result.errors.append(
            InputError(
                f"does not compile: {first[:300]}",
                file.name,
                "Restore its modules (`bicep restore`) if it names some.",
            )
        )
        return None
    return done.stdout.decode("utf-8-sig", "replace")


def _check(cli: str) -> None:
    if not Path(cli).is_file():
        raise UsageError(
            f"--bicep-cli {cli}: no such file", "", "Name the bicep program itself; nothing is downloaded."
        )


def _modules(file: File) -> Iterable[Path]:
    """Files that a Bicep file uses."""
    try:
        text = file.path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return []
    names = [name for name in _MODULE.findall(text) if ":" not in name]
    return [(file.path.parent / name).resolve() for name in names]
