"""Template functions on texts.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-string
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urljoin

from scanner.inventory.arm_template import checks
from scanner.inventory.arm_template.evaluation import MANY, Function, derived
from scanner.inventory.arm_template.positions import lenient
from scanner.inventory.arm_template.values import (
    Hole,
    Mixed,
    fail,
    first_unknown,
    mixed,
    parts_of,
    render,
    unknown_of,
)

if TYPE_CHECKING:
    from scanner.inventory.arm_template.scope import Scope

_GUIDS = uuid.UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830")
_SLOT = re.compile(r"\{\{|\}\}|\{(\d{1,3})(?:,(-?\d{1,4}))?(?::([^{}]*))?\}|[{}]")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def concat(_: Scope, items: list[Any]) -> Any:
    """Texts, or lists, one after the other."""
    if any(isinstance(item, list) for item in items):
        if not all(isinstance(item, list) for item in items):
            unknown = next((found for item in items if (found := unknown_of(item))), None)
            return derived("concat", items, unknown) if unknown else fail("lists and texts together")
        return checks.counted([one for item in items for one in item])
    if all(isinstance(item, str) for item in items):
        return checks.grown("".join(items))
    if len(items) == 1 and isinstance(items[0], Hole):
        return items[0]
    return mixed([part for item in items for part in parts_of(item)])


def format_text(_: Scope, items: list[Any]) -> Any:
    """Composite formatting: `{0}`, `{0,8}`, `{0:D3}`."""
    pattern = items[0]
    if not isinstance(pattern, str):
        return derived("format", items, unknown_of(pattern) or fail("a text expected"))
    parts: list[Any] = []
    at = 0
    for match in _SLOT.finditer(pattern):
        parts.append(pattern[at : match.start()])
        at = match.end()
        if match[1] is None:
            parts.append({"{{": "{", "}}": "}"}.get(match[0]) or fail("a lone bracket in the format"))
            continue
        number = int(match[1])
        if number + 1 >= len(items):
            fail(f"the format has {{{number}}} but no such argument")
        value = items[number + 1]
        if not match[2] and not match[3]:
            parts += parts_of(string(_, [value]))
        elif unknown := unknown_of(value):
            parts.append(derived("format", [match[0], value], unknown))
        else:
            parts.append(_aligned(_spelled(value, match[3] or ""), match[2]))
    parts.append(pattern[at:])
    found = mixed(parts)
    return checks.grown(found) if isinstance(found, str) else found


def _spelled(value: Any, form: str) -> str:
    if not form:
        return render(value)
    match = re.fullmatch(r"([dDxXnNfF])(\d{0,2})", form)
    if not match or isinstance(value, bool) or not isinstance(value, (int, float)):
        return fail(f"the format {form[:20]!r} is not supported")
    kind, digits = match[1], int(match[2] or 0)
    if kind in "dD":
        number = checks.whole(value)
        return ("-" if number < 0 else "") + str(abs(number)).rjust(digits, "0")
    if kind in "xX":
        spelled = format(checks.whole(value), "X" if kind == "X" else "x")
        return spelled.rjust(digits, "0")
    return format(value, f"{',' if kind in 'nN' else ''}.{digits if match[2] else 2}f")


def _aligned(value: str, width: str | None) -> str:
    if not width:
        return value
    return value.ljust(-int(width)) if width.startswith("-") else value.rjust(int(width))


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def string(_: Scope, items: list[Any]) -> Any:
    """A value as text: JSON for objects and lists."""
    value = items[0]
    if isinstance(value, (dict, list)):
        unknown = first_unknown(value)
        return derived("string", items, unknown) if unknown else checks.grown(_json(value))
    if isinstance(value, (str, Mixed, Hole)):
        return value
    return mixed(parts_of(value))


def _each_part(name: str, work: Any) -> Any:
    """A function that changes characters one by one, so that known parts of a text stay known."""

    def of(_: Scope, items: list[Any]) -> Any:
        value = items[0]
        if isinstance(value, Mixed):
            return mixed(
                [work(part) if isinstance(part, str) else derived(name, [part], part) for part in value.parts]
            )
        unknown = unknown_of(value)
        return derived(name, items, unknown) if unknown else work(checks.text(value))

    return of


def trim(_: Scope, items: list[Any]) -> str:
    """Without white space at both ends."""
    return checks.text(items[0]).strip()


def split(_: Scope, items: list[Any]) -> Any:
    """Parts between separators; in ids with unknown names these hold no separator."""
    value, marks = items
    separators = [marks] if isinstance(marks, str) else [checks.text(mark) for mark in checks.array(marks)]
    pattern = "|".join(re.escape(mark) for mark in sorted(separators, key=len, reverse=True) if mark)
    if isinstance(value, Mixed) and isinstance(value.parts[0], str) and value.parts[0].startswith("/"):
        found: list[list[str | Hole]] = [[]]
        for part in value.parts:
            if isinstance(part, str) and pattern:
                first, *rest = re.split(pattern, part)
                found[-1].append(first)
                found += [[piece] for piece in rest]
            else:
                found[-1].append(part)
        return [mixed(pieces) for pieces in found]
    unknown = unknown_of(value)
    if unknown:
        return derived("split", items, unknown)
    return checks.counted(re.split(pattern, checks.text(value))) if pattern else [checks.text(value)]


def join(_: Scope, items: list[Any]) -> Any:
    """A list as text with a separator."""
    separator = checks.text(items[1])
    parts: list[str | Hole] = []
    for at, item in enumerate(checks.array(items[0])):
        if at:
            parts.append(separator)
        parts += parts_of(item)
    found = mixed(parts)
    return checks.grown(found) if isinstance(found, str) else found


def replace(_: Scope, items: list[Any]) -> str:
    """Every occurrence replaced."""
    value, old, new = (checks.text(item) for item in items)
    if not old:
        fail("nothing to replace")
    if len(value) + value.count(old) * len(new) > 10 * len(value) + 4_000_000:
        checks.grown("x" * 4_000_001)
    return checks.grown(value.replace(old, new))


def substring(_: Scope, items: list[Any]) -> Any:
    """A part of a text; the known beginning of a partly known one is enough where the part lies in it."""
    value = items[0]
    start = checks.whole(items[1])
    if isinstance(value, Mixed):
        head = value.parts[0]
        if (
            isinstance(head, str)
            and len(items) > 2
            and 0 <= start <= start + checks.whole(items[2]) <= len(head)
        ):
            return head[start : start + checks.whole(items[2])]
    unknown = unknown_of(value)
    if unknown:
        return derived("substring", items, unknown)
    whole = checks.text(value)
    length = checks.whole(items[2]) if len(items) > 2 else len(whole) - start
    if start < 0 or length < 0 or start + length > len(whole):
        fail("the part lies outside the text")
    return whole[start : start + length]


def pad_left(_: Scope, items: list[Any]) -> str:
    """Filled up on the left."""
    value, width = render(items[0]), checks.whole(items[1])
    filler = checks.text(items[2]) if len(items) > 2 else " "
    if len(filler) != 1:
        fail("one character expected to fill up with")
    return checks.grown("x" * 4_000_001) if width > 4_000_000 else value.rjust(width, filler)


def ends(at_end: bool) -> Any:
    """`startsWith` and `endsWith`, without regard to case; a partly known text may tell enough."""

    def of(_: Scope, items: list[Any]) -> Any:
        value, wanted = items
        name = "endsWith" if at_end else "startsWith"
        if isinstance(value, Mixed) and isinstance(wanted, str):
            edge = value.parts[-1 if at_end else 0]
            known = edge.casefold() if isinstance(edge, str) else ""
            sought = wanted.casefold()
            size = min(len(known), len(sought))
            same = (
                known[len(known) - size :] == sought[len(sought) - size :]
                if at_end
                else known[:size] == sought[:size]
            )
            if not same:
                return False
            if len(known) >= len(sought):
                return True
        unknown = unknown_of(value) or unknown_of(wanted)
        if unknown:
            return derived(name, items, unknown)
        text, sought = checks.text(value).casefold(), checks.text(wanted).casefold()
        return text.endswith(sought) if at_end else text.startswith(sought)

    return of


def unique_string(_: Scope, items: list[Any]) -> str:
    """13 characters that are the same for the same arguments (not the ones that Azure would give)."""
    digest = hashlib.sha256("-".join(_stable(item) for item in items).encode("utf-8", "replace")).digest()
    return "".join(_ALPHABET[byte % 32] for byte in digest[:13])


def guid(_: Scope, items: list[Any]) -> str:
    """A GUID that is the same for the same arguments."""
    return str(uuid.uuid5(_GUIDS, "-".join(_stable(item) for item in items)))


def _stable(value: Any) -> str:
    if isinstance(value, (dict, list)):
        unknown = first_unknown(value)
        return unknown.reason if unknown else _json(value)
    return render(value)


def json_value(_: Scope, items: list[Any]) -> Any:
    """The value of JSON text, comments and trailing commas allowed."""
    try:
        return lenient(checks.text(items[0]))
    except ValueError as error:
        return fail(f"no JSON text: {type(error).__name__}")


def to_base64(_: Scope, items: list[Any]) -> str:
    """Base64 of a text."""
    return base64.b64encode(checks.text(items[0]).encode("utf-8", "surrogatepass")).decode()


def from_base64(_: Scope, items: list[Any]) -> str:
    """The text of Base64."""
    try:
        return base64.b64decode(checks.text(items[0]), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return fail("no Base64 text")


def base64_json(scope: Scope, items: list[Any]) -> Any:
    """The JSON value in Base64."""
    return json_value(scope, [from_base64(scope, items)])


def data_uri(scope: Scope, items: list[Any]) -> str:
    """A text as data URI."""
    return f"data:text/plain;charset=utf8;base64,{to_base64(scope, [render(items[0])])}"


def from_data_uri(scope: Scope, items: list[Any]) -> str:
    """The text of a data URI."""
    head, comma, body = checks.text(items[0]).partition(",")
    if not head.lower().startswith("data:") or not comma:
        fail("no data URI")
    return from_base64(scope, [body]) if head.lower().endswith(";base64") else unquote(body)


def uri(_: Scope, items: list[Any]) -> Any:
    """A relative address joined to a base. Where the base is not known, the relative one still stands at the end."""
    base, relative = items
    unknown = unknown_of(base) or unknown_of(relative)
    if unknown:
        if not isinstance(relative, str) or "://" in relative or relative.startswith(("/", ".")):
            return derived("uri", items, unknown)
        return mixed([*parts_of(base), f"/{relative}"])
    try:
        return urljoin(checks.text(items[0]), checks.text(items[1]))
    except ValueError:
        return fail("no address")


TABLE = {
    "concat": Function(concat, 1, MANY, aware=True),
    "format": Function(format_text, 1, MANY, aware=True),
    "string": Function(string, aware=True),
    "tolower": Function(_each_part("toLower", str.lower), aware=True),
    "toupper": Function(_each_part("toUpper", str.upper), aware=True),
    "trim": Function(trim),
    "split": Function(split, 2, 2, aware=True),
    "join": Function(join, 2, 2),
    "replace": Function(replace, 3, 3),
    "substring": Function(substring, 2, 3, aware=True),
    "padleft": Function(pad_left, 2, 3),
    "startswith": Function(ends(at_end=False), 2, 2, aware=True),
    "endswith": Function(ends(at_end=True), 2, 2, aware=True),
    "uniquestring": Function(unique_string, 1, MANY, aware=True),
    "guid": Function(guid, 1, MANY, aware=True),
    "json": Function(json_value),
    "base64": Function(to_base64),
    "base64tostring": Function(from_base64),
    "base64tojson": Function(base64_json),
    "datauri": Function(data_uri),
    "datauritostring": Function(from_data_uri),
    "uri": Function(uri, 2, 2, aware=True),
    "uricomponent": Function(lambda _, items: quote(checks.text(items[0]), safe="-_.~")),
    "uricomponenttostring": Function(lambda _, items: unquote(checks.text(items[0]))),
}
