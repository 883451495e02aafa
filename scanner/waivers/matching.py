"""What covers a row: entries come in and are indexed by rule and target; for a row the entries that cover it come out.

A row that stands for several resources (one inherited cause) is covered only by what covers all of them: by a glob, by
the cause itself (an assignment's or a subscription's id as `resource`), or by its fingerprint.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from scanner.errors import InputError
from scanner.model import ids
from scanner.model.finding import fingerprint
from scanner.model.waiver import Attestation, Waiver

if TYPE_CHECKING:
    from scanner.model.finding import Finding

E = TypeVar("E", Waiver, Attestation)


class Index(Generic[E]):
    """Entries by what they cover. `replaced`: rule id of today -> older ids whose entries it carries on."""

    def __init__(self, entries: Iterable[E], replaced: Mapping[str, tuple[str, ...]]) -> None:
        self._replaced = replaced
        self._exact: dict[tuple[str, str], list[tuple[int, E]]] = {}
        self._prints: dict[tuple[str, str], list[tuple[int, E]]] = {}
        self._globs: dict[str, list[tuple[int, E, Any]]] = {}
        for number, entry in enumerate(entries):
            covers = entry.covers
            if covers.fingerprint:
                self._prints.setdefault((covers.rule, covers.fingerprint), []).append((number, entry))
            elif covers.glob:
                self._globs.setdefault(covers.rule, []).append((number, entry, glob(covers.glob)))
            else:
                place = (covers.rule, ids.normalise(covers.resource))
                self._exact.setdefault(place, []).append((number, entry))
        self._rules = {rule for rule, _ in (*self._exact, *self._prints)} | set(self._globs)

    def covering(self, row: Finding) -> list[E]:
        """The entries that cover a row, in the order of the file."""
        found: list[tuple[int, E]] = []
        for rule in (row.rule, *self._replaced.get(row.rule, ())):
            if rule in self._rules:
                found += self._of_rule(rule, row)
        return [entry for _, entry in sorted(found, key=lambda pair: pair[0])]

    def _of_rule(self, rule: str, row: Finding) -> list[tuple[int, E]]:
        own = row.fingerprint
        if rule != row.rule:
            own = fingerprint(rule, row.cause or row.resource, row.element)
        found = list(self._prints.get((rule, own), ()))
        targets = {ids.normalise(row.cause)} if row.cause else set()
        if not row.affected:
            targets.add(ids.normalise(row.resource))
        for target in targets:
            found += self._exact.get((rule, target), ())
        globs = self._globs.get(rule, ())
        if globs:
            everything = [ids.normalise(resource) for resource in row.resources]
            found += [
                (number, entry)
                for number, entry, pattern in globs
                if all(pattern.fullmatch(resource) for resource in everything)
            ]
        return [pair for pair in found if pair[1].covers.element in ("", row.element)]


def glob(pattern: str) -> Any:
    """A pattern over ids, without regard to case: `*` and `?` stay within a segment, `**` crosses them.

    The engine for it is linear in the text, whatever the pattern.
    """
    import re2  # noqa: PLC0415 - only files with globs need it

    pieces = re.split(r"(\*\*|\*|\?)", pattern.strip().lower())
    wild = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    text = "".join(wild.get(piece) or re2.escape(piece) for piece in pieces)
    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        raise InputError(f"the glob {pattern[:80]!r} cannot be used: {error}") from error


def loose(pattern: str) -> bool:
    """Whether a glob names nothing of its own: no registry, no group, no subscription."""
    words = {"subscriptions", "resourcegroups", "providers", "microsoft.containerregistry", "registries", ""}
    parts = [re.sub(r"[*?]+", "", part) for part in pattern.lower().split("/")]
    return all(part in words for part in parts)
