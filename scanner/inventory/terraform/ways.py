"""Ids with several ways: what may lie at one of several places comes in, one id for all of its ways comes out.

A registry whose name or group depends on a value that is not known exists in any case. It is one resource, whose id shows
the ways (`[acrdev|acrprod]`), and so is what lies below it by the same unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

from scanner.model import ids


@dataclass(frozen=True, slots=True)
class Ways:
    """The rendered ids that one thing may have, and what decides."""

    cause: str
    ids: tuple[str, ...]

    @property
    def one(self) -> str:
        """One id for all of them, "" where they are no ids of the same shape."""
        rows = [one.split("/") for one in self.ids]
        if not all(one.startswith("/") for one in self.ids) or len({len(row) for row in rows}) != 1:
            return ""
        found: list[str] = []
        for number, parts in enumerate(zip(*rows, strict=True)):
            names = list(dict.fromkeys(parts))
            if len(names) > 1 and number % 2:
                return ""  # A kind differs, not a name.
            found.append(names[0] if len(names) == 1 else f"[{'|'.join(names)}]")
        return "/".join(found)

    @property
    def groups(self) -> Ways:
        """Their resource groups."""
        return Ways(self.cause, tuple(one.partition("/providers/")[0] for one in self.ids))

    @property
    def above(self) -> Ways:
        """What they lie in, or at."""
        return Ways(self.cause, tuple(_above(one) for one in self.ids))

    def follow(self, lead: Ways) -> bool:
        """Whether each lies at or below the way of `lead` that the same unknown decides."""
        return (
            self.cause == lead.cause
            and len(self.ids) == len(lead.ids)
            and all(ids.within(one, other) for one, other in zip(self.ids, lead.ids, strict=True))
        )

    def moved(self, lead: Ways) -> Ways:
        """The same below the one id of `lead`, which they follow."""
        pairs = zip(self.ids, lead.ids, strict=True)
        return Ways(self.cause, tuple(lead.one + one[len(other) :] for one, other in pairs))


def _above(identifier: str) -> str:
    parent = "/".join(identifier.split("/")[:-2])
    head, _, namespace = parent.rpartition("/providers/")
    return head if head and "/" not in namespace else parent
