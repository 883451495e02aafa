"""The rows of a scan by subscription: one pass puts them down in a temporary file, then each subscription is read alone.

Filtering all rows again for each of a thousand subscriptions would take hours; only offsets are held here.
"""

from __future__ import annotations

import tempfile
import weakref
from array import array
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

from scanner.model import ids
from scanner.model.codec import decode, encode, from_record, to_record
from scanner.model.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scanner.model.scan import Scan


class Shelves:
    """The rows of a scan and of its baseline, each under every subscription that it is about ("" = none)."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the shelves
        weakref.finalize(self, self._file.close)
        self._findings = self._put(scan.findings)
        self._earlier = self._put(scan.earlier)
        self._file.flush()

    @property
    def homes(self) -> set[str]:
        """The subscriptions that any row is about."""
        return self._findings.keys() | self._earlier.keys()

    def scan(self, home: str) -> Scan:
        """The scan with the rows of one subscription alone."""
        return replace(
            self._scan,
            findings=_Shelf(self._file, self._findings.get(home)),
            earlier=_Shelf(self._file, self._earlier.get(home)),
        )

    def _put(self, rows: Iterable[Finding]) -> dict[str, array[int]]:
        shelves: dict[str, array[int]] = {}
        for row in rows:
            at = self._file.tell()
            self._file.write(encode(to_record(row)) + b"\n")
            for home in {ids.subscription_of(one) for one in row.resources}:
                shelves.setdefault(home, array("Q")).append(at)
        return shelves


@dataclass(frozen=True, slots=True)
class _Shelf:
    """Rows at offsets of a file, in their order; can be read again and again."""

    file: IO[bytes]
    offsets: array[int] | None

    def __iter__(self) -> Iterator[Finding]:
        for at in self.offsets or ():
            self.file.seek(at)
            yield from_record(Finding, decode(self.file.readline()))
