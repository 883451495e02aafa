"""Rows of a bounded domain as bits: axes come in; for each value of an axis a number comes out whose bits are its rows.

A truth over all rows is one such number, so that a condition over 50,000 rows costs a few operations on integers.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from scanner.workbench.bounded.axes import Axis, pairs


@dataclass(slots=True)
class Space:
    """Rows over axes. `rows` is None for the full product, else the chosen combinations (positions of values)."""

    axes: list[Axis]
    rows: list[tuple[int, ...]] | None = None
    size: int = 1
    full: int = 1
    selected: list[list[int]] = field(default_factory=list)
    """`selected[axis][value]`: the rows in which the axis has that value."""

    @classmethod
    def over(cls, axes: Sequence[Axis], most: int, wanted: Iterable[tuple[int, ...]] = ()) -> Space:
        """Every combination, or where there are more than `most` a sample with every pair of values, as far as it holds them.

        `wanted`: rows that a sample holds in any case.
        """
        space = cls(list(axes))
        for axis in axes:
            space.size *= len(axis.reps)
        if space.size > most:
            choices = [axis.reps for axis in axes]
            space.rows = sorted({*wanted, *itertools.islice(pairs(choices, most // 4, most), most)})
            space.size = len(space.rows)
        space.full = (1 << space.size) - 1
        space.selected = space._sampled() if space.rows is not None else space._regular()
        return space

    @property
    def complete(self) -> bool:
        """Whether every combination is among the rows."""
        return self.rows is None

    def _regular(self) -> list[list[int]]:
        found = []
        stride = 1
        for axis in self.axes:
            radix = len(axis.reps)
            block = (1 << stride) - 1
            period = radix * stride
            repeat = self.full // ((1 << period) - 1)
            found.append([(block << (value * stride)) * repeat for value in range(radix)])
            stride = period
        return found

    def _sampled(self) -> list[list[int]]:
        columns = [[bytearray(self.size) for _ in axis.reps] for axis in self.axes]
        for row, combination in enumerate(self.rows or ()):
            for column, value in zip(columns, combination, strict=True):
                column[value][row] = 1
        return [[_bits(flags) for flags in column] for column in columns]

    def at(self, row: int) -> tuple[int, ...]:
        """The values (by position) of a row."""
        if self.rows is not None:
            return self.rows[row]
        found = []
        for axis in self.axes:
            row, value = divmod(row, len(axis.reps))
            found.append(value)
        return tuple(found)


def _bits(flags: bytearray) -> int:
    """A number whose bit r is flags[r]."""
    return int(bytes(flags[::-1]).translate(_DIGITS), 2) if flags else 0


_DIGITS = bytes(ord("0") + (number & 1) for number in range(256))


def first_row(rows: int) -> int:
    """The lowest row of a set of rows that is not empty."""
    return (rows & -rows).bit_length() - 1
