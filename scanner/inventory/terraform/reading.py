"""Functions of files and paths: their arguments come in, what the files hold comes out. Only files inside of the given folders."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import os
from pathlib import Path, PurePosixPath
from typing import Any

from scanner.errors import InputError
from scanner.inventory.terraform.context import Context
from scanner.inventory.terraform.evaluate import evaluate
from scanner.inventory.terraform.functions.texts import text
from scanner.inventory.terraform.parse import parse
from scanner.inventory.terraform.syntax import Expression, Source
from scanner.inventory.terraform.tree import Files
from scanner.inventory.terraform.values import EvaluationError, SetOf, Sym, Text, first_unknown, made_key
from scanner.inventory.terraform.values import text as joined

MAX_TEMPLATES = 8
MAX_LISTED = 5000
_HASHES = {"filemd5": "md5", "filesha1": "sha1", "filesha256": "sha256", "filesha512": "sha512"}
_DIGESTS = {"filebase64sha256": "sha256", "filebase64sha512": "sha512"}


def read(function: str, arguments: list[Any], context: Context, files: Files, folder: Path) -> Any:
    """What a function of files gives. `folder`: the root's, to which relative paths belong. Raises `EvaluationError`."""
    checked = arguments[:1] if function in ("templatefile", "templatestring") else arguments
    unknown = first_unknown(checked)
    if unknown is not None:
        return Sym(unknown.reason, unknown.kind, made_key(function, *arguments))
    if not arguments:
        raise EvaluationError(f"{function}() needs an argument")
    given = text(arguments[0])
    match function:
        case "abspath":
            return Path(os.path.abspath(_path(folder, given))).as_posix()  # noqa: PTH100 - links are not followed
        case "basename":
            return PurePosixPath(given).name
        case "dirname":
            return PurePosixPath(given).parent.as_posix()
        case "pathexpand":
            return (
                given if not given.startswith("~") else Sym("pathexpand() depends on the machine", "runtime")
            )
        case "fileset":
            return _listed(files, _path(folder, given), text(arguments[1]))
        case "templatestring":
            return _rendered(Source("templatestring", given.encode()), arguments, context)
    path = _path(folder, given)
    if function == "fileexists":
        return files.inside(path) and path.is_file()
    try:
        source = files.source(path)
    except InputError as error:
        if not files.inside(path):
            return Sym(f"{function}() leads outside of the given folders", "limit")
        raise EvaluationError(f"{function}(): {error.where} {error.what}") from error
    if function == "file":
        return source.content.decode("utf-8")
    if function == "filebase64":
        return base64.b64encode(source.content).decode()
    if function in _HASHES:
        return hashlib.new(_HASHES[function], source.content, usedforsecurity=False).hexdigest()
    if function in _DIGESTS:
        return base64.b64encode(hashlib.new(_DIGESTS[function], source.content).digest()).decode()
    return _rendered(source, arguments, context)


def _path(folder: Path, given: str) -> Path:
    if "\x00" in given:
        raise EvaluationError("a path holds a NUL")
    return Path(os.path.normpath(folder / given))


def _listed(files: Files, folder: Path, pattern: str) -> Any:
    if not files.inside(folder):
        return Sym("fileset() leads outside of the given folders", "limit")
    found: list[str] = []
    for place, _, names in os.walk(folder):
        for name in names:
            relative = (Path(place) / name).relative_to(folder).as_posix()
            if _fits(relative, pattern):
                found.append(relative)
        if len(found) > MAX_LISTED:
            return Sym(f"fileset() finds more than {MAX_LISTED:,} files", "limit")
    return SetOf(tuple(sorted(found)))


def _fits(relative: str, pattern: str) -> bool:
    if "**" in pattern:
        return fnmatch.fnmatchcase(relative, pattern.replace("**/", "*").replace("**", "*"))
    return relative.count("/") == pattern.count("/") and fnmatch.fnmatchcase(relative, pattern)


def _rendered(source: Source, arguments: list[Any], context: Context) -> Any:
    """A template with its own names."""
    names = arguments[1] if len(arguments) > 1 else {}
    if not isinstance(names, dict):
        unknown = first_unknown([names])
        if unknown is None:
            raise EvaluationError("the variables of a template are no map")
        return Sym(unknown.reason, unknown.kind, made_key("templatefile", *arguments))
    if context.bound.get(_DEPTH, 0) >= MAX_TEMPLATES:
        return Sym("templates lead to one another without end", "limit")
    try:
        template = _template(source)
        bound = {**names, _DEPTH: context.bound.get(_DEPTH, 0) + 1}
        found = evaluate(template, Context(context.names, context.budget, bound, context.trace))
        return found if source.content.endswith(b"\n") else _unended(found)
    except InputError as error:
        raise EvaluationError(f"the template does not parse: {error.what}") from error


def _unended(value: Any) -> Any:
    """A text without the line end that a heredoc adds."""
    if isinstance(value, str):
        return value.removesuffix("\n")
    if isinstance(value, Text) and isinstance(value.parts[-1], str):
        return joined([*value.parts[:-1], value.parts[-1].removesuffix("\n")])
    return value


_DEPTH = "*templates"


def _template(source: Source) -> Expression:
    """A file as one template: it is written as a heredoc, whose end is a word that the file does not hold."""
    mark = b"END"
    while mark in source.content:
        mark += b"X"
    ends = source.content.endswith(b"\n")
    wrapped = b"x = <<" + mark + b"\n" + source.content + (b"" if ends else b"\n") + mark + b"\n"
    return parse(Source(source.file, wrapped)).attributes["x"].expression
