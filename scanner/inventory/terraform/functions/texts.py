"""Functions of texts. Patterns are Go's (RE2); they run in RE2 too, so no pattern can hang."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import re2

from scanner.inventory.terraform.functions.numbers import number, tidy, whole
from scanner.inventory.terraform.values import MAX_TEXT, EvaluationError, SetOf

_VERB = re.compile(r"%(?:\[(\d+)\])?([-+ #0]*)(\d+|\*)?(?:\.(\d+))?([a-zA-Z%])")
_QUIET = re2.Options()
_QUIET.log_errors = False


def text(value: Any) -> str:
    """A text; numbers and booleans become one, as Terraform converts them."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(tidy(value)) if isinstance(value, float) else str(value)
    raise EvaluationError("a text is needed")


def items(value: Any) -> list[Any]:
    """The elements of a list or set."""
    if isinstance(value, SetOf):
        return list(value.items)
    if isinstance(value, list):
        return value
    raise EvaluationError("a list is needed")


def _formatted(spec: Any, *arguments: Any) -> str:
    used = [0]

    def one(match: re.Match[str]) -> str:
        position, flags, width, precision, verb = match.groups()
        if verb == "%":
            return "%"
        if position:
            used[0] = int(position) - 1
        if width == "*" or used[0] >= len(arguments):
            raise EvaluationError("format has fewer arguments than verbs")
        value = arguments[used[0]]
        used[0] += 1
        if int(width or 0) > 10_000 or int(precision or 0) > 10_000:
            raise EvaluationError("the width is too large")
        shape = f"%{flags}{width or ''}{'.' + precision if precision else ''}"
        return _verb(shape, verb, value)

    return _VERB.sub(one, text(spec))


def _verb(shape: str, verb: str, value: Any) -> str:
    if verb == "s":
        return (shape + "s") % text(value)
    if verb == "v":
        return (shape + "s") % (text(value) if not isinstance(value, (list, dict, SetOf)) else _json(value))
    if verb == "q":
        return (shape + "s") % _json(text(value))
    if verb in "dxXo":
        return (shape + verb) % whole(value)
    if verb == "b":
        return format(whole(value), "b")
    if verb in "eEfFgG":
        return (shape + verb) % number(value)
    if verb == "t" and isinstance(value, bool):
        return (shape + "s") % text(value)
    raise EvaluationError(f"format does not know the verb %{verb} for this value")


def _json(value: Any) -> str:
    from scanner.inventory.terraform.functions.encoding import json_of  # noqa: PLC0415 - encoding imports this module

    return json_of(value)


def _formatlist(spec: Any, *arguments: Any) -> list[str]:
    lists = [items(value) for value in arguments if isinstance(value, (list, SetOf))]
    length = len(lists[0]) if lists else 1
    if any(len(found) != length for found in lists):
        raise EvaluationError("formatlist needs lists of one length")
    return [
        _formatted(spec, *(items(v)[at] if isinstance(v, (list, SetOf)) else v for v in arguments))
        for at in range(length)
    ]


def compiled(pattern: str) -> Any:
    """A pattern of RE2. Raises `EvaluationError`."""
    try:
        return re2.compile(pattern, _QUIET)
    except re2.error as error:
        raise EvaluationError("the pattern does not compile") from error


def _captured(match: Any, pattern: Any) -> Any:
    if pattern.groupindex:
        return dict(match.groupdict())
    return list(match.groups()) if pattern.groups else match.group(0)


def _regex(pattern: Any, string: Any) -> Any:
    found = compiled(text(pattern))
    match = found.search(text(string))
    if match is None:
        raise EvaluationError("the pattern does not match")
    return _captured(match, found)


def _regexall(pattern: Any, string: Any) -> list[Any]:
    found = compiled(text(pattern))
    return [_captured(match, found) for match in found.finditer(text(string))]


def _replaced(string: Any, old: Any, new: Any) -> str:
    source, wanted, put = text(string), text(old), text(new)
    if len(wanted) > 1 and wanted.startswith("/") and wanted.endswith("/"):
        pattern = compiled(wanted[1:-1])

        def one(match: Any) -> str:
            def group(name: re.Match[str]) -> str:
                key = name[1] or name[2]
                try:
                    return match.group(int(key) if key.isdecimal() else key) or ""
                except (IndexError, KeyError, re2.error):
                    return ""

            return re.sub(r"\$(?:\{(\w+)\}|(\w+))", group, put)

        found: str = pattern.sub(one, source)
        return found
    if wanted and source.count(wanted) * len(put) > MAX_TEXT:
        raise EvaluationError("the text grows too large")
    return source.replace(wanted, put)


def _part(string: Any, offset: Any, length: Any) -> str:
    source, start, size = text(string), whole(offset), whole(length)
    start = len(source) + start if start < 0 else start
    return source[max(start, 0) :] if size < 0 else source[max(start, 0) : max(start, 0) + size]


def _split(separator: Any, string: Any) -> list[str]:
    mark, source = text(separator), text(string)
    if not source:
        return []
    return source.split(mark) if mark else list(source)


def _joined(separator: Any, *lists: Any) -> str:
    return text(separator).join(text(item) for one in lists for item in items(one))


def _indented(spaces: Any, string: Any) -> str:
    count = whole(spaces)
    if not 0 <= count <= 1000:
        raise EvaluationError("the indentation is too large")
    return text(string).replace("\n", "\n" + " " * count)


def _title(string: Any) -> str:
    return re.sub(r"(^|[\s\W])(\w)", lambda m: m[1] + m[2].upper(), text(string))


TABLE: dict[str, Callable[..., Any]] = {
    "chomp": lambda string: text(string).rstrip("\r\n"),
    "endswith": lambda string, end: text(string).endswith(text(end)),
    "format": _formatted,
    "formatlist": _formatlist,
    "indent": _indented,
    "join": _joined,
    "lower": lambda string: text(string).lower(),
    "regex": _regex,
    "regexall": _regexall,
    "replace": _replaced,
    "split": _split,
    "startswith": lambda string, start: text(string).startswith(text(start)),
    "strcontains": lambda string, part: text(part) in text(string),
    "strrev": lambda string: text(string)[::-1],
    "substr": _part,
    "title": _title,
    "trim": lambda string, cut: text(string).strip(text(cut)),
    "trimprefix": lambda string, start: text(string).removeprefix(text(start)),
    "trimspace": lambda string: text(string).strip(),
    "trimsuffix": lambda string, end: text(string).removesuffix(text(end)),
    "upper": lambda string: text(string).upper(),
}
