"""One evaluation of a template file: a document, a parameter file and limits come in, its resources and problems come out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from scanner.inventory.arm_template.body import Around, resource_of
from scanner.inventory.arm_template.declared import declarations, objections
from scanner.inventory.arm_template.deployment import DEPLOYMENTS, Instance
from scanner.inventory.arm_template.evaluating import Load, Run
from scanner.inventory.arm_template.home import home_of
from scanner.inventory.arm_template.joining import connected
from scanner.inventory.arm_template.positions import Document
from scanner.inventory.arm_template.rows import Rows
from scanner.inventory.arm_template.scope import Scope, Supplied, Use
from scanner.inventory.arm_template.syntax import is_expression, unescaped
from scanner.inventory.arm_template.values import LimitError
from scanner.model import ids
from scanner.model.resource import Problem, Resource
from scanner.types import facts_for

REGISTRY = "microsoft.containerregistry/"


@dataclass
class Expansion:
    """What one evaluation gave. `seen`: resources of Container Registry, deployed or not; `notes`: `file:line:col: what`.

    `missing`: what is not known because a linked template is not there; `linked`: the files that were read as linked ones.
    """

    resources: list[Resource] = field(default_factory=list)
    seen: int = 0
    notes: list[str] = field(default_factory=list)
    missing: list[Problem] = field(default_factory=list)
    linked: set[str] = field(default_factory=set)


def expand(
    document: Document,
    parameters: Document | None,
    rows: Rows,
    load: Load,
    *,
    cloud: str = "AzureCloud",
) -> Expansion:
    """Evaluate a template with the values of a parameter file, or with none. `rows` takes in what template rules look at."""
    found = Expansion()
    run = Run(load, cloud=cloud)
    template: Mapping[str, Any] = document.value
    supplied = _values(parameters, template, found) if parameters is not None else {}
    home = home_of(document.name, parameters.name if parameters is not None else "", template.get("$schema"))
    scope = Scope(run, document, template, (), home, supplied)
    names: dict[str, int] = {}
    try:
        for one, around in _walk(scope, Around()):
            _take(one, around, found, rows, names)
        for entered in run.scopes:
            rows.outputs(entered)
        rows.end()
        found.resources = connected(found.resources)
    except LimitError as error:
        found.notes.append(f"{document.name}: {error}; the rest of the template was not looked at")
        found.missing.append(Problem(home.id, f"the template is too large: {error}"))
    for note in run.notes.values():
        found.notes.append(f"{_where(note.document, note.path)}: {note.message}")
    for place, reason, note in run.missing:
        found.missing.append(Problem(place, f"{reason} ({_where(note.document, note.path)})"))
    found.linked = run.linked
    return found


def _where(document: Document, path: tuple[str, ...]) -> str:
    line, column = document.lines.at(document.spot(path).start)
    return f"{document.name}:{line}:{column}"


def _values(parameters: Document, template: Mapping[str, Any], found: Expansion) -> dict[str, Supplied]:
    """The values of a parameter file; what Resource Manager would refuse is noted with its place."""
    given = parameters.value.get("parameters") if isinstance(parameters.value, Mapping) else None
    declared = declarations(template)
    supplied: dict[str, Supplied] = {}
    for name, item in given.items() if isinstance(given, Mapping) else ():
        path = ("parameters", name)
        declaration = declared.get(name.lower())
        if declaration is None:
            found.notes.append(f"{_where(parameters, path)}: the template has no parameter {name[:80]!r}")
            continue
        use = Use(parameters, path, "parameter file")
        if not isinstance(item, Mapping) or not ({"value", "reference"} & item.keys()):
            found.notes.append(f"{_where(parameters, path)}: neither a value nor a reference")
            continue
        if "reference" in item:
            supplied[name.lower()] = Supplied(None, use, secret=True)
            continue
        value = item["value"]
        for words in objections(declaration, value):
            found.notes.append(f"{_where(parameters, (*path, 'value'))}: the value of {name[:80]!r} {words}")
        if isinstance(value, str) and is_expression(value):
            found.notes.append(
                f"{_where(parameters, (*path, 'value'))}: expressions in parameter files are not evaluated"
            )
        supplied[name.lower()] = Supplied(unescaped(value) if isinstance(value, str) else value, use)
    return supplied


def _walk(scope: Scope, around: Around) -> Iterator[tuple[Instance, Around]]:
    """Every resource with the nested deployment that it lies in."""
    scope.run.visited(scope)
    for one in scope.instances:
        yield one, around
        if one.kind.lower() == DEPLOYMENTS and one.deployed:
            nested = one.nested()
            if nested is not None:
                symbol = f"{around.symbol}{one.symbol or one.shown_name}"
                use = Use(scope.document, one.path, f"nested deployment {symbol}")
                yield from _walk(nested, Around(f"{symbol}.", one.optional or around.optional, use))


def _take(one: Instance, around: Around, found: Expansion, rows: Rows, names: dict[str, int]) -> None:
    lowered = one.kind.lower()
    if lowered.startswith(REGISTRY):
        found.seen += 1
        rows.version(one)
    if lowered == DEPLOYMENTS:
        rows.deployment(one)
        return
    if not one.deployed:
        return
    resource = resource_of(one, around)
    rows.resource(one, resource)
    if facts_for(one.kind) is None:
        return
    key = ids.normalise(resource.id)
    names[key] = names.get(key, 0) + 1
    if names[key] > 1:
        line = _where(one.scope.document, one.path)
        found.notes.append(f"{line}: {resource.type} {resource.name[:80]!r} is described more than once")
        resource = _numbered(resource, names[key])
    found.resources.append(resource)


def _numbered(resource: Resource, number: int) -> Resource:
    identifier = f"{resource.id}~{number}"
    return replace(resource, id=identifier, body={**resource.body, "id": identifier})
