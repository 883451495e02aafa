"""Rows of one kind: they come in one by one and can be read again and again; many of them lie in a temporary file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO, Generic, TypeVar

from scanner.model import codec

IN_MEMORY = 50_000
"""Rows that are held before an anonymous temporary file takes the rest."""

T = TypeVar("T")


class Rows(Generic[T]):
    """A growing list of rows that moves to a temporary file when it gets long; iterable again and again."""

    def __init__(self, kind: type[T], limit: int = IN_MEMORY) -> None:
        self._kind = kind
        self._limit = limit
        self._memory: list[T] = []
        self._file: IO[bytes] | None = None
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, row: T) -> None:
        """Append one row."""
        self._length += 1
        if self._file is None and len(self._memory) < self._limit:
            self._memory.append(row)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the rows
        self._file.write(codec.encode(codec.to_record(row)) + b"\n")

    def __iter__(self) -> Iterator[T]:
        yield from self._memory
        if self._file is None:
            return
        self._file.flush()
        at = 0
        while True:
            self._file.seek(at)
            lines = self._file.readlines(1 << 20)
            if not lines:
                return
            at = self._file.tell()
            for line in lines:
                yield codec.from_record(self._kind, codec.decode(line))
