"""Gathering: answers come in one by one, resources by type with what was listed where come out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from shlex import quote
from typing import Any

from scanner.errors import InputError, ScannerError
from scanner.inventory import collections as table
from scanner.inventory.making import make
from scanner.inventory.record import ListPart, stripped
from scanner.inventory.requests import Listed, canonical, listed
from scanner.inventory.rows import identify
from scanner.inventory.shapes import Answer
from scanner.model import ids
from scanner.model.resource import Origin, Part, Problem, Resource, SourceRun, plant, pointer
from scanner.types import TypeFacts, facts_for

REGISTRIES = "Microsoft.ContainerRegistry/registries"
CONNECTIONS = f"{REGISTRIES}/privateEndpointConnections"
USAGES = f"{REGISTRIES}/usages"
ENDPOINTS = "Microsoft.Network/privateEndpoints"


@dataclass(slots=True)
class _Collection:
    """One type: rows by normalised id, the scopes that were listed, and what went wrong."""

    type: str
    facts: TypeFacts | None
    rows: dict[str, Resource] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)
    everywhere: bool = False
    problems: list[Problem] = field(default_factory=list)
    collected_at: str | None = None


class Gathering:
    """All that the answers hold. `notes`: what the reader should know; `collected_at`: the newest time seen."""

    def __init__(self, api_version: str | None) -> None:
        self._api_version = api_version
        self._collections: dict[str, _Collection] = {}
        self._pages: list[tuple[str, str, str]] = []
        self._seen: set[str] = set()
        self._usages: list[tuple[dict[str, Any], Answer, str]] = []
        self._unknown: dict[str, int] = {}
        self.notes: list[str] = []
        self.collected_at = ""

    def add(self, answer: Answer, file: str) -> None:
        """Take in one answer. Raises `InputError` for rows that cannot be used."""
        if answer.collected_at:
            self.collected_at = max(self.collected_at, answer.collected_at)
        request = listed(answer.path) if answer.path else None
        if answer.asked:
            self._seen.add(answer.asked.lower())
        if answer.error:
            self._failed(answer, request, file)
            return
        kinds: dict[str, set[str]] = {}
        for number, row in enumerate(answer.rows, 1):
            kind, identifier = self._row(row, number, answer, request, file)
            if kind:
                kinds.setdefault(kind, set()).add(identifier)
        self._covered(answer, request, kinds, file)
        if answer.more:
            kind = request.type if request else next(iter(kinds), "")
            self._pages.append((kind, request.scope if request and not answer.graph else "", answer.more))

    def _failed(self, answer: Answer, request: Listed | None, file: str) -> None:
        if request is None:
            raise InputError(
                f"holds an error instead of an answer: {answer.error}", file, "Save the answer again."
            )
        held = self._collection(request.type)
        held.problems.append(
            Problem(
                request.scope,
                f"{answer.error} ({file})",
                answer.status,
                f"{held.type}/read",
                _fix(answer.status, request),
            )
        )

    def _collection(self, kind: str) -> _Collection:
        facts = facts_for(kind)
        name = facts.type if facts else kind
        return self._collections.setdefault(name.lower(), _Collection(name, facts))

    def _row(
        self, row: Any, number: int, answer: Answer, request: Listed | None, file: str
    ) -> tuple[str, str]:
        """Keep one row; gives its type and id ("" for rows that wait or have no facts)."""
        if not isinstance(row, dict):
            raise InputError(f"row {number} is no object", file)
        found = identify(row, request)
        if found is None:
            raise InputError(
                f"row {number} has neither an id nor a known form", file, "Save the whole answer, with ids."
            )
        kind, identifier, raw = found
        if not identifier:
            self._usages.append((raw, answer, file))
            return "", ""
        kind = canonical(kind)
        if facts_for(kind) is None:
            self._unknown[kind] = self._unknown.get(kind, 0) + 1
            return "", ""
        self._keep(kind, identifier, raw, answer, file)
        return kind, identifier

    def _keep(self, kind: str, identifier: str, raw: Mapping[str, Any], answer: Answer, file: str) -> None:
        held = self._collection(kind)
        where = f"{file} {answer.path}".strip() if answer.path else file
        origin = Origin("saved", where, collected_at=answer.collected_at)
        try:
            resource = make(kind, identifier, raw, origin, answer.api_version or self._api_version)
        except ValueError as error:
            raise InputError(str(error), file, "Save the answer again.") from error
        key = ids.normalise(identifier)
        first = held.rows.get(key)
        held.rows[key] = resource if first is None else self._merged(first, resource)
        held.collected_at = max(filter(None, (held.collected_at, answer.collected_at)), default=None)

    def _merged(self, first: Resource, second: Resource) -> Resource:
        """One resource from two answers: the same content is one; where they differ, the property is not known."""
        places = list(_differences(stripped(first.body), stripped(second.body), ()))
        places = [place for place in places if place != ("id",)]
        if not places:
            return first
        reason = f"two different answers for one id: {first.origin.where} and {second.origin.where}"
        self.notes.append(f"{first.id}: {reason}")
        unread = {**first.unread, **{pointer(place): reason for place in places[:50]}}
        body = plant(_copied(first.body), unread, {})
        hidden = {place: kind for place, kind in first.hidden.items() if place not in unread}
        return replace(first, body=body, unread=unread, hidden=hidden)

    def _covered(
        self, answer: Answer, request: Listed | None, kinds: Mapping[str, set[str]], file: str
    ) -> None:
        """Note for which scopes an answer lists its types."""
        if request is not None and not answer.graph:
            held = self._collection(request.type)
            held.listed.add(ids.normalise(request.scope))
            held.collected_at = max(filter(None, (held.collected_at, answer.collected_at)), default=None)
        for kind, identifiers in kinds.items():
            held = self._collection(kind)
            if answer.graph:
                held.everywhere = True
            elif not answer.listing:
                held.listed.update(ids.normalise(identifier) for identifier in identifiers)
            elif request is None or canonical(request.type).lower() != kind.lower():
                held.listed.update(_homes(kind, identifiers))
        if answer.listing and not answer.rows and request is None and not answer.graph:
            self.notes.append(f"{file}: an empty list tells nothing without its request; it was not used")

    def finish(self) -> list[ScannerError]:
        """Settle what could only be settled at the end; gives errors for what could not."""
        errors: list[ScannerError] = []
        registries = self._registries()
        for row, answer, file in self._usages:
            if len(registries) != 1:
                errors.append(
                    InputError(
                        "usage rows do not say which registry they belong to",
                        file,
                        'Save them as {"id": "<registry id>/listUsages", "value": [...]}.',
                    )
                )
                break
            registry = next(iter(registries.values()))
            self._keep(USAGES, f"{registry.id}/usages/{row.get('name')}", row, answer, file)
            self._collection(USAGES).listed.add(ids.normalise(registry.id))
        self._embedded_connections(registries)
        self._missing_pages()
        for held in list(self._collections.values()):
            held.problems += _not_listed(held, self._homes_of(held.type, registries))
        for kind, number in sorted(self._unknown.items()):
            self.notes.append(f"{number} resource{'s' if number != 1 else ''} of type {kind}: not looked at")
        return errors

    def _registries(self) -> dict[str, Resource]:
        held = self._collections.get(REGISTRIES.lower())
        return held.rows if held else {}

    def _homes_of(self, kind: str, registries: Mapping[str, Resource]) -> list[str]:
        """The places at which a collection must have been listed to be complete."""
        level = table.level_of(kind)
        if level == table.REGISTRY:
            return [registry.id for registry in registries.values()]
        if level == table.ENDPOINT:
            held = self._collections.get(ENDPOINTS.lower())
            return [endpoint.id for endpoint in held.rows.values()] if held else []
        if level == table.SUBSCRIPTION:
            return sorted(
                {f"/subscriptions/{ids.subscription_of(registry.id)}" for registry in registries.values()}
            )
        return []

    def _embedded_connections(self, registries: Mapping[str, Resource]) -> None:
        """Private endpoint connections as registries embed them, where nobody listed them apart."""
        if CONNECTIONS.lower() in self._collections:
            return
        for registry in registries.values():
            properties = registry.body.get("properties")
            items = properties.get("privateEndpointConnections") if isinstance(properties, dict) else None
            if not isinstance(items, list):
                continue
            held = self._collection(CONNECTIONS)
            held.listed.add(ids.normalise(registry.id))
            for item in items:
                if isinstance(item, dict) and isinstance(item.get("id"), str):
                    answer = Answer(
                        api_version=registry.api_version, collected_at=registry.origin.collected_at
                    )
                    self._keep(CONNECTIONS, item["id"], item, answer, f"{registry.origin.where} (embedded)")

    def _missing_pages(self) -> None:
        """A problem for each answer that goes on at a page nobody saved."""
        for kind, scope, more in self._pages:
            if kind and more.lower() not in self._seen:
                self._collection(kind).problems.append(
                    Problem(scope, f"page missing: the saved answer goes on at {more[:120]}")
                )

    def parts(self) -> dict[str, Part]:
        """All resources by lower-case type; types without resources have no part."""
        return {
            key: ListPart(held.type, held.rows.values())
            for key, held in self._collections.items()
            if held.rows
        }

    def runs(self) -> tuple[SourceRun, ...]:
        """One run per type that anything was said about, and one per opt-in type that nobody gave."""
        found = [
            SourceRun(
                "saved", held.type, _state(held), len(held.rows), tuple(held.problems), held.collected_at
            )
            for held in self._collections.values()
            if held.facts is not None
        ]
        found += [
            SourceRun("saved", kind, "not-asked")
            for kind in table.OPT_IN
            if kind.lower() not in self._collections
        ]
        return tuple(sorted(found, key=lambda run: run.collection.lower()))


def _state(held: _Collection) -> str:
    if not held.problems:
        return "complete"
    return "partial" if held.rows or held.listed or held.everywhere else "failed"


def _homes(kind: str, identifiers: set[str]) -> set[str]:
    """The places that a list without a request speaks of: the registries or subscriptions of its rows."""
    level = table.level_of(kind)
    if level == table.REGISTRY:
        return {ids.normalise(ids.registry_of(identifier) or identifier) for identifier in identifiers}
    if level == table.ENDPOINT:
        return {ids.normalise(ids.parent_of(identifier)) for identifier in identifiers}
    if level == table.SUBSCRIPTION:
        found = {ids.subscription_of(identifier) for identifier in identifiers} - {""}
        return {f"/subscriptions/{name}" for name in found}
    return {ids.ROOT}


def _not_listed(held: _Collection, homes: list[str]) -> Iterator[Problem]:
    """A problem for each place at which the collection was not listed."""
    if held.everywhere:
        return
    spoken_of = {ids.normalise(problem.scope) for problem in held.problems}
    for home in homes:
        chain = {*ids.ancestors(home), ids.ROOT}
        if not chain & held.listed and not chain & spoken_of:
            leaf = held.type.rpartition("/")[2]
            yield Problem(
                home, f"no saved answer lists the {leaf} of {ids.name_of(home)}", action=f"{held.type}/read"
            )


def _fix(status: int | None, request: Listed) -> str:
    if status not in (401, 403):
        return ""
    return f"az role assignment create --role Reader --assignee <object id of the scanner> --scope {quote(request.scope)}"


def _differences(first: Any, second: Any, keys: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The places at which two bodies differ; inside objects only, a list is one place."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in first.keys() | second.keys():
            if key in first and key in second:
                yield from _differences(first[key], second[key], (*keys, key))
            else:
                yield (*keys, key)
    elif first != second:
        yield keys


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value
