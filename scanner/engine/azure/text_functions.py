"""Template functions on text: arguments come in, a value comes out, or `EvaluationFailed`."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote, unquote, urljoin

from scanner.engine.azure.failing import EvaluationFailed
from scanner.engine.azure.values import spelled
from scanner.engine.operators.row import kind

Table: TypeAlias = Mapping[str, tuple[int, int, Callable[..., Any]]]
MAX_DEPTH = 64
MAX_TEXT = 131_072
"""The longest text that a function may give (Azure's own limit)."""


def text(value: Any, name: str) -> str:
    """An argument that must be text."""
    if isinstance(value, str):
        return value
    raise EvaluationFailed(f"{name}() needs text, not {kind(value)}")


def encoded(value: Any, name: str) -> bytes:
    """The UTF-8 bytes of text; JSON can hold half a character (a lone surrogate), which has none."""
    try:
        return text(value, name).encode()
    except UnicodeEncodeError as error:
        raise EvaluationFailed(f"{name}() needs whole characters") from error


def whole(value: Any, name: str) -> int:
    """An argument that must be a whole number."""
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise EvaluationFailed(f"{name}() needs a whole number, not {kind(value)}")


def bounded(found: str, name: str) -> str:
    """Text of at most Azure's limit."""
    if len(found) > MAX_TEXT:
        raise EvaluationFailed(f"{name}() gives more than {MAX_TEXT:,} characters")
    return found


def as_text(value: Any) -> str:
    """`string()`: text as it is, single values spelled out, lists and objects as JSON."""
    if value is None:
        return ""
    found = spelled(value)
    if isinstance(value, bool):
        return "True" if value else "False"
    return found if found is not None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _split(value: Any, delimiter: Any) -> list[str]:
    marks = delimiter if isinstance(delimiter, (list, tuple)) else [delimiter]
    pattern = "|".join(re.escape(text(mark, "split")) for mark in marks if mark)
    whole_text = text(value, "split")
    return re.split(pattern, whole_text) if pattern else [whole_text]


def _replace(value: Any, old: Any, new: Any) -> str:
    wanted = text(old, "replace")
    if not wanted:
        raise EvaluationFailed("replace() needs something to replace")
    source, other = text(value, "replace"), text(new, "replace")
    if len(source) + source.count(wanted) * max(0, len(other) - len(wanted)) > MAX_TEXT:
        raise EvaluationFailed(f"replace() gives more than {MAX_TEXT:,} characters")
    return source.replace(wanted, other)


def _substring(value: Any, start: Any, length: Any = None) -> str:
    source, first = text(value, "substring"), whole(start, "substring")
    size = len(source) - first if length is None else whole(length, "substring")
    if first < 0 or size < 0 or first + size > len(source):
        raise EvaluationFailed("substring() reaches beyond the text")
    return source[first : first + size]


def _pad_left(value: Any, length: Any, filler: Any = " ") -> str:
    size, char = whole(length, "padLeft"), text(filler, "padLeft")
    source = spelled(value)
    if source is None or len(char) != 1 or size < 0 or size > MAX_TEXT:
        raise EvaluationFailed("padLeft() needs text or a number, a length and one character")
    return source.rjust(size, char)


_SLOT = re.compile(r"\{\{|\}\}|\{(\d{1,3})\}|[{}]")


def _format(pattern: Any, *values: Any) -> str:
    def put(found: re.Match[str]) -> str:
        if found.group() in ("{{", "}}"):
            return found.group()[0]
        if found.group(1) is None or int(found.group(1)) >= len(values):
            raise EvaluationFailed("format() has a place without a value, or a form that is not supported")
        return as_text(values[int(found.group(1))])

    return bounded(_SLOT.sub(put, text(pattern, "format")), "format")


def _join(values: Any, delimiter: Any) -> str:
    if not isinstance(values, (list, tuple)):
        raise EvaluationFailed(f"join() needs a list, not {kind(values)}")
    return bounded(text(delimiter, "join").join(as_text(item) for item in values), "join")


def _from_base64(value: Any, name: str) -> str:
    try:
        return base64.b64decode(text(value, name), validate=True).decode()
    except ValueError as error:
        raise EvaluationFailed(f"{name}() needs base64 of UTF-8 text") from error


def parsed(value: Any, name: str = "json") -> Any:
    """`json()`: the value that a text writes; strict JSON of bounded depth."""
    try:
        found = json.loads(text(value, name), parse_constant=_no_number)
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()  # neither 1e999 nor half a character
    except (ValueError, RecursionError) as error:
        raise EvaluationFailed(f"{name}() needs JSON text") from error
    if _depth(found) > MAX_DEPTH:
        raise EvaluationFailed(f"{name}() gives more than {MAX_DEPTH} levels")
    return found


def _no_number(word: str) -> None:
    raise ValueError(word)


def _depth(value: Any) -> int:
    """How many levels of lists and objects a value has."""
    levels, level = 0, [value]
    while level:
        levels += 1
        level = [
            inner
            for item in level
            if isinstance(item, (list, dict))
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return levels


def _from_data_uri(value: Any) -> str:
    head, comma, body = text(value, "dataUriToString").partition(",")
    if not comma or not head.lower().startswith("data:"):
        raise EvaluationFailed("dataUriToString() needs a data URI")
    return _from_base64(body, "dataUriToString") if head.lower().endswith(";base64") else unquote(body)


def _data_uri(value: Any) -> str:
    body = base64.b64encode(encoded(as_text(value), "dataUri")).decode()
    return bounded(f"data:text/plain;charset=utf8;base64,{body}", "dataUri")


def _uri(base: Any, relative: Any) -> str:
    try:
        return bounded(urljoin(text(base, "uri"), text(relative, "uri")), "uri")
    except ValueError as error:
        raise EvaluationFailed("uri() needs an address") from error


def _boolean(value: Any) -> bool:
    found = value.lower() if isinstance(value, str) else value
    if isinstance(found, bool):
        return found
    if found in ("true", "false"):
        return bool(found == "true")
    if isinstance(found, int):
        return found != 0
    raise EvaluationFailed(f"bool() cannot read {kind(value)}")


def _starts(value: Any, head: Any) -> bool:
    return text(value, "startsWith").casefold().startswith(text(head, "startsWith").casefold())


def _ends(value: Any, tail: Any) -> bool:
    return text(value, "endsWith").casefold().endswith(text(tail, "endsWith").casefold())


TABLE: Table = {
    "base64": (1, 1, lambda a: base64.b64encode(encoded(a, "base64")).decode()),
    "base64tostring": (1, 1, lambda a: _from_base64(a, "base64ToString")),
    "base64tojson": (1, 1, lambda a: parsed(_from_base64(a, "base64ToJson"), "base64ToJson")),
    "bool": (1, 1, _boolean),
    "datauri": (1, 1, _data_uri),
    "datauritostring": (1, 1, _from_data_uri),
    "endswith": (2, 2, _ends),
    "format": (2, 128, _format),
    "join": (2, 2, _join),
    "json": (1, 1, parsed),
    "padleft": (2, 3, _pad_left),
    "replace": (3, 3, _replace),
    "split": (2, 2, _split),
    "startswith": (2, 2, _starts),
    "string": (1, 1, lambda a: bounded(as_text(a), "string")),
    "substring": (2, 3, _substring),
    "tolower": (1, 1, lambda a: text(a, "toLower").lower()),
    "toupper": (1, 1, lambda a: text(a, "toUpper").upper()),
    "trim": (1, 1, lambda a: text(a, "trim").strip()),
    "uri": (2, 2, _uri),
    "uricomponent": (1, 1, lambda a: quote(encoded(a, "uriComponent"), safe="~()*!.'-_")),
    "uricomponenttostring": (1, 1, lambda a: unquote(text(a, "uriComponentToString"))),
}
