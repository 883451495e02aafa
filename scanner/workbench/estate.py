"""The estate of a fixture: its resources, or the inventory beside it, come in as if collected; an `Inventory` comes out.

What is not named under `unread` was read completely: a type without resources is an empty list. Opt-in sources (data plane,
probe) count as asked for where the fixture holds something of them or names them under `asked`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from scanner.engine.relations import (
    CHILDREN,
    MANIFESTS,
    PROBED,
    REGISTRIES,
    REPOSITORIES,
    SUBSCRIPTIONS,
    TAGS,
)
from scanner.errors import InputError, Problems, ScannerError
from scanner.inventory import saved, snapshot
from scanner.inventory.making import make
from scanner.inventory.record import ListPart, digest
from scanner.model import ids
from scanner.model.condition import Mark
from scanner.model.resource import Inventory, Origin, Part, Problem, Resource, SourceRun, pointer
from scanner.model.values import Hidden, Unknown, UnreadTail
from scanner.types import all_types, facts_for
from scanner.workbench.fixture import Fixture, Given, Unread
from scanner.workbench.unit import SUBSCRIPTION, with_hidden

SOURCE = "test"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/example"
"""Where resources lie that say neither id nor scope."""
CONNECTIONS = CHILDREN["privateEndpointConnections"]
_DATA_PLANE = (REPOSITORIES, MANIFESTS, TAGS)


def inventory_of(fixture: Fixture) -> Inventory:
    """The inventory of a fixture. Raises `Problems` with every resource that cannot be used, and what reading raises."""
    if fixture.inventory is not None:
        return _beside(fixture)
    errors: list[ScannerError] = []
    rows: dict[str, dict[str, Resource]] = {}
    for given in fixture.resources:
        try:
            resource = _resource(given)
        except InputError as error:
            errors.append(error)
            continue
        held = rows.setdefault(resource.type.lower(), {})
        key = ids.normalise(resource.id)
        if key in held:
            first = held[key].origin
            errors.append(
                InputError(
                    f"{resource.id} stands twice",
                    str(given.mark),
                    f"It stands first in {first.where}:{first.line}.",
                )
            )
        held[key] = resource
    if errors:
        raise Problems(errors)
    _embed(rows)
    parts: dict[str, Part] = {
        key: ListPart(next(iter(held.values())).type, held.values()) for key, held in rows.items()
    }
    return Inventory(
        parts=parts,
        runs=tuple(_runs(fixture, parts)),
        digest=digest(parts),
        collected_at=fixture.now,
        principals={one.id.lower(): one for one in fixture.principals},
    )


def _beside(fixture: Fixture) -> Inventory:
    """The saved answers or the snapshot beside the fixture, with what the fixture adds to it."""
    place = fixture.inventory
    if place is None:
        raise InputError("names no inventory", str(fixture.mark))
    if (place / snapshot.MANIFEST).is_file():
        found = snapshot.collect(place)
    else:
        found = saved.collect([place], now=fixture.now)
    principals = {**found.principals, **{one.id.lower(): one for one in fixture.principals}}
    runs = tuple(_with_unread(run, fixture.unread) for run in found.runs)
    known = {run.collection.lower() for run in runs}
    added = [
        SourceRun(SOURCE, kind, "failed", 0, tuple(_problems(fixture.unread, kind)), fixture.now)
        for kind in sorted({one.type for one in fixture.unread} - {run.collection for run in runs})
        if kind.lower() not in known
    ]
    return replace(found, principals=principals, runs=(*runs, *added))


def _with_unread(run: SourceRun, unread: tuple[Unread, ...]) -> SourceRun:
    problems = tuple(_problems(unread, run.collection))
    if not problems:
        return run
    state = "partial" if run.count else "failed"
    return replace(run, state=state, problems=(*run.problems, *problems))


def _problems(unread: tuple[Unread, ...], kind: str) -> Iterator[Problem]:
    for one in unread:
        if one.type.lower() == kind.lower():
            yield Problem(one.scope, one.reason, action=f"{kind}/read")


def _runs(fixture: Fixture, parts: Mapping[str, Part]) -> Iterator[SourceRun]:
    """One run for each type that could be collected, and for each other type that the fixture holds."""
    asked = (
        {kind.lower() for kind in fixture.asked} | set(parts) | {one.type.lower() for one in fixture.unread}
    )
    names = {kind.lower(): kind for kind in all_types() if kind == PROBED or not _computed(kind)}
    names.update({key: part.type for key, part in parts.items()})
    plane = {kind.lower() for kind in _DATA_PLANE}
    for key, kind in sorted(names.items()):
        if (key in plane and not plane & asked) or (kind == PROBED and key not in asked):
            yield SourceRun(SOURCE, kind, "not-asked")
            continue
        problems = tuple(_problems(fixture.unread, kind))
        count = len(parts[key]) if key in parts else 0
        state = "complete" if not problems else "partial" if count else "failed"
        yield SourceRun(SOURCE, kind, state, count, problems, fixture.now)


def _computed(kind: str) -> bool:
    facts = facts_for(kind)
    return facts is not None and facts.computed


def _resource(given: Given) -> Resource:
    """The resource as a collection would make it; markers stay where they stand and are noted as unread or hidden."""
    body = with_hidden(dict(given.body))
    version = body.pop("apiVersion", None)
    identifier = _identifier(given, body)
    origin = Origin(SOURCE, given.mark.file, given.mark.line, given.mark.column)
    try:
        made = make(given.type, identifier, body, origin, version if isinstance(version, str) else None)
    except ValueError as error:
        raise InputError(str(error), str(given.mark)) from error
    unread, hidden = dict(made.unread), dict(made.hidden)
    _note(made.body, (), unread, hidden)
    return replace(made, unread=unread, hidden=hidden)


def _note(value: Any, keys: tuple[str, ...], unread: dict[str, str], hidden: dict[str, str]) -> None:
    """Write down where markers stand, as stored resources do."""
    match value:
        case Unknown():
            unread[pointer(keys)] = value.reason
        case Hidden():
            hidden[pointer(keys)] = value.kind
        case Mapping():
            for key, item in value.items():
                _note(item, (*keys, key), unread, hidden)
        case list():
            for number, item in enumerate(value):
                if isinstance(item, UnreadTail):
                    unread[pointer((*keys, "-"))] = item.reason
                else:
                    _note(item, (*keys, str(number)), unread, hidden)


def _identifier(given: Given, body: dict[str, Any]) -> str:
    """The id that the fixture gives, or one made up from scope and name."""
    scope = body.pop("scope", None)
    identifier, name = body.get("id"), body.get("name")
    if isinstance(identifier, str):
        if not identifier.startswith("/"):
            raise _wrong(given.mark, f"the id {identifier!r} does not start with /")
        if scope is not None:
            raise _wrong(given.mark, "a resource has an id or a scope, not both")
        return identifier
    if identifier is not None or not isinstance(name, str) or not name:
        raise _wrong(given.mark, "a resource needs an id or a name")
    if scope is not None and (not isinstance(scope, str) or not scope.startswith("/")):
        raise _wrong(given.mark, f"the scope {scope!r} is no id")
    if given.type == SUBSCRIPTIONS:
        return f"/subscriptions/{name}"
    namespace, *kinds = given.type.split("/")
    names = name.split("/")
    if len(names) != len(kinds):
        wanted = "/".join(f"<{kind}>" for kind in kinds)
        raise _wrong(given.mark, f"the name {name!r} of a {given.type} is written {wanted}, or give an id")
    tail = "/".join(part for pair in zip(kinds, names, strict=True) for part in pair)
    return f"{(scope or GROUP).rstrip('/')}/providers/{namespace}/{tail}"


def _wrong(mark: Mark, what: str) -> InputError:
    return InputError(what, str(mark), "Such as name: myregistry, or the whole id as `az` shows it.")


def _embed(rows: dict[str, dict[str, Resource]]) -> None:
    """Private endpoint connections as registries embed them, where the fixture gives none apart; Azure lists them so."""
    if CONNECTIONS.lower() in rows:
        return
    for registry in rows.get(REGISTRIES.lower(), {}).values():
        properties = registry.body.get("properties")
        items = properties.get("privateEndpointConnections") if isinstance(properties, Mapping) else None
        for item in items if isinstance(items, list) else ():
            if isinstance(item, Mapping) and isinstance(item.get("id"), str):
                made = make(CONNECTIONS, item["id"], item, registry.origin, registry.api_version)
                rows.setdefault(CONNECTIONS.lower(), {})[ids.normalise(made.id)] = made
