"""Values of a scan to JSON records and back: dataclasses become objects with camelCase keys, typed both ways.

The stored scan and the JSON report speak these records. Reading checks every key and type, so a record that was
edited or that another program wrote is refused with the place inside it instead of surprising a report later.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import orjson

from scanner.model.scan import AgreementRow, AgreementTally, Drift, Scan, ScanHeader, Tallies, TrendPoint
from scanner.model.values import ABSENT, Alternatives, Hidden, Partial, Unknown, UnreadTail
from scanner.model.waiver import AttestationLine, WaiverLine

SCHEMA = "acrscan/scan/v1"
"""Name and version of the records. A new optional key keeps the version; everything else raises it."""

T = TypeVar("T")
Encoder = Callable[[Any], Any]
Decoder = Callable[[Any, str], Any]
_PRIMITIVES = {str: "text", int: "a whole number", bool: "true or false"}


class RecordError(ValueError):
    """A record is not what the schema says: `where` (keys from the top, may be empty) and what is wrong there."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}" if where else what)


def to_record(value: Any) -> Any:
    """A dataclass as a dict of JSON values."""
    kind: Any = type(value)
    return _encoder(kind)(value)


def from_record(kind: type[T], record: Any) -> T:
    """A dataclass from a dict; `RecordError` for missing or unknown keys and for wrong types."""
    wanted: Any = kind
    found: T = _decoder(wanted)(record, "")
    return found


def header_record(scan: Scan) -> dict[str, Any]:
    """What a scan has besides its rows, as one record: the header's keys and those of its small tables."""
    head: dict[str, Any] = to_record(scan.header)
    return {
        **head,
        "tallies": to_record(scan.tallies),
        "agreement": [to_record(row) for row in scan.agreement],
        "agreed": to_record(scan.agreed),
        "waivers": [to_record(line) for line in scan.waivers],
        "attestations": [to_record(line) for line in scan.attestations],
        "drift": to_record(scan.drift) if scan.drift else None,
        "trend": [to_record(point) for point in scan.trend],
    }


_ADDED: dict[str, Any] = {"agreed": {}, "waivers": [], "attestations": [], "drift": None, "trend": []}
"""Keys that scans of older versions lack, and what that means."""


def from_header_record(record: dict[str, Any]) -> Scan:
    """The inverse of `header_record`: a scan without its rows. The record is left as it is."""
    rest = dict(record)
    beside = {
        "tallies": rest.pop("tallies", None),
        "agreement": rest.pop("agreement", None),
        **{key: rest.pop(key, absent) for key, absent in _ADDED.items()},
    }
    drift = beside["drift"]
    return Scan(
        header=from_record(ScanHeader, rest),
        tallies=from_record(Tallies, beside["tallies"]),
        findings=(),
        resources=(),
        agreement=_rows(AgreementRow, beside, "agreement"),
        agreed=from_record(AgreementTally, beside["agreed"]),
        waivers=_rows(WaiverLine, beside, "waivers"),
        attestations=_rows(AttestationLine, beside, "attestations"),
        drift=None if drift is None else from_record(Drift, drift),
        trend=_rows(TrendPoint, beside, "trend"),
    )


def _rows(kind: type[T], record: Mapping[str, Any], key: str) -> tuple[T, ...]:
    value = record.get(key)
    if not isinstance(value, list):
        raise RecordError(key, "a list is missing")
    wanted: Any = kind
    rows: tuple[T, ...] = _array(_decoder(wanted))(value, key)
    return rows


def encode(record: Any) -> bytes:
    """A record as one line of JSON without the line's end; never fails on text or numbers of the world."""
    try:
        return orjson.dumps(record, default=_marker, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    except TypeError:
        return orjson.dumps(_tame(record), default=_marker, option=orjson.OPT_PASSTHROUGH_DATACLASS)


def decode(line: bytes) -> Any:
    """The JSON value of a line; `RecordError` where it is none."""
    try:
        return orjson.loads(line)
    except ValueError as error:
        raise RecordError("", f"not JSON: {error}") from error


def _marker(value: object) -> Any:
    match value:
        case Hidden(kind=kind):
            return {"$hidden": kind}
        case Unknown(reason=reason):
            return {"$unknown": reason}
        case UnreadTail(reason=reason):
            return {"$unread": reason}
        case Alternatives(values=values, reason=reason):
            return {"$oneOf": list(values), "$because": reason}
        case Partial(parts=parts, reason=reason):
            return {"$text": list(parts), "$because": reason}
    if value is ABSENT:
        return None
    raise TypeError(f"{type(value).__name__} has no place in a record")


def _tame(value: Any) -> Any:
    """The value with what JSON cannot carry replaced: lone surrogates, integers beyond 64 bits, other keys."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, Mapping):
        return {_tame(str(key)): _tame(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_tame(item) for item in value]
    return value


@lru_cache(maxsize=64)
def _key(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


@lru_cache(maxsize=256)
def _encoder(kind: Any) -> Encoder:
    """How to turn a value of an annotated type into JSON."""
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        fields = [
            (field.name, _key(field.name), _encoder(hints[field.name])) for field in dataclasses.fields(kind)
        ]
        return lambda value: {key: encode_field(getattr(value, name)) for name, key, encode_field in fields}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return lambda value: value.value
    arguments = get_args(kind)
    if get_origin(kind) is tuple and arguments[0] not in _PRIMITIVES:
        item = _encoder(arguments[0])
        return lambda value: [item(one) for one in value]
    if get_origin(kind) is Mapping:
        name, entry = _encoder(arguments[0]), _encoder(arguments[1])
        return lambda value: {name(key): entry(value[key]) for key in sorted(value)}
    return _same


def _same(value: Any) -> Any:
    return value


@lru_cache(maxsize=256)
def _decoder(kind: Any) -> Decoder:
    """How to turn JSON into a value of an annotated type."""
    if kind is Any:
        return lambda value, _: value
    if kind in _PRIMITIVES:
        return _primitive(kind)
    if dataclasses.is_dataclass(kind):
        return _object(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice(kind)
    arguments = get_args(kind)
    origin = get_origin(kind)
    if origin is tuple:
        return _array(_decoder(arguments[0]))
    if origin is Mapping:
        return _mapping(_decoder(arguments[0]), _decoder(arguments[1]))
    if origin in (Union, types.UnionType) and arguments[1:] == (type(None),):
        inner = _decoder(arguments[0])
        return lambda value, where: None if value is None else inner(value, where)
    raise TypeError(f"no record form for {kind}")


def _primitive(kind: type) -> Decoder:
    def read(value: Any, where: str) -> Any:
        if type(value) is not kind:
            raise RecordError(where, f"must be {_PRIMITIVES[kind]}")
        return value

    return read


def _choice(kind: type[Enum]) -> Decoder:
    known = {member.value: member for member in kind}

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, str) or value not in known:
            raise RecordError(where, f"must be one of {', '.join(known)}")
        return known[value]

    return read


def _array(item: Decoder) -> Decoder:
    def read(value: Any, where: str) -> Any:
        if not isinstance(value, list | tuple):
            raise RecordError(where, "must be a list")
        return tuple([item(one, where) for one in value])

    return read


def _mapping(name: Decoder, entry: Decoder) -> Decoder:
    def read(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise RecordError(where, "must be an object")
        return {name(key, where): entry(one, f"{where}.{key}") for key, one in value.items()}

    return read


def _object(kind: Any) -> Decoder:
    hints = get_type_hints(kind)
    fields = {
        _key(field.name): (field.name, _decoder(hints[field.name])) for field in dataclasses.fields(kind)
    }
    required = {
        _key(field.name)
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise RecordError(where, "must be an object")
        if not required <= value.keys():
            raise RecordError(where, f'the key "{min(required - value.keys())}" is missing')
        found = {}
        for key, one in value.items():
            if key not in fields:
                raise RecordError(where, f'the key "{key}" is not known')
            name, field = fields[key]
            found[name] = field(one, f"{where}.{key}" if where else key)
        return kind(**found)

    return read
