"""JSON written as it comes: an object's entries and long arrays, each row on a line of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO

from scanner.model.codec import encode


def entry(out: BinaryIO, key: str, value: Any, *, first: bool = False) -> None:
    """One entry of the object that is open."""
    out.write((b"\n" if first else b",\n") + encode(key) + b":" + encode(value))


def array(out: BinaryIO, key: str, values: Iterable[Any], *, empty: bool = True) -> bool:
    """An entry with an array; without a row it is left out where `empty` is False. Gives whether it was written."""
    between = b"\n"
    for value in values:
        if between == b"\n":
            out.write(b",\n" + encode(key) + b":[")
        out.write(between + encode(value))
        between = b",\n"
    if between == b"\n":
        if empty:
            out.write(b",\n" + encode(key) + b":[]")
        return empty
    out.write(b"\n]")
    return True
