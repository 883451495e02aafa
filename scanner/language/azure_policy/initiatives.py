"""Initiatives: a policy set definition comes in, its members with the parameter values it gives them come out.

And Azure's table of aliases, as `az provider show --expand resourceTypes/aliases` prints it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from scanner.engine.azure.failing import EvaluationFailed, NotRead
from scanner.engine.azure.fields import Asked
from scanner.engine.azure.template import Scene, evaluate
from scanner.engine.case import case_for
from scanner.errors import InputError
from scanner.json_text import read_json
from scanner.language.azure_policy.clauses import Reading
from scanner.language.azure_policy.definition import GUID, frozen, read_parameters
from scanner.language.azure_policy.nodes import entry, word
from scanner.model.azure import Group, Policy
from scanner.model.condition import NOWHERE, Mark
from scanner.model.resource import Resource
from scanner.model.values import Unknown
from scanner.text import Mapping as MappingNode
from scanner.text import Node, Sequence


@dataclass(frozen=True, slots=True)
class Member:
    """One definition of an initiative. `values`: parameter values by name; `open`: those the assignment must give."""

    definition: str
    reference: str
    values: dict[str, Any]
    open: tuple[str, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Initiative:
    """An initiative with its members in order."""

    display_name: str
    version: str
    members: tuple[Member, ...]


def read_initiative(reading: Reading, node: Node) -> Initiative | None:
    """The initiative in a node, or None when something is wrong with it (see the reading's errors)."""
    form = reading.form
    body = entry(node, "properties") or node
    held = entry(body, "policyDefinitions")
    if not isinstance(held, Sequence) or not held.items:
        reading.report("an initiative has no policyDefinitions", node.mark, "policyDefinitions")
        return None
    declared = entry(body, "parameters")
    parameters = read_parameters(form, dict(declared.items) if isinstance(declared, MappingNode) else {})
    reading.parameters = tuple(parameters)
    scene = _scene({name: item.default for name, item in parameters.items()})
    members = []
    for item in held.items:
        found = GUID.search(word(entry(item, "policyDefinitionId")))
        name = word(entry(item, "policyDefinitionId")).rpartition("/")[2]
        if not name:
            reading.report("a member has no policyDefinitionId", item.mark, "policyDefinitionId")
            continue
        values, missing = _values(reading, scene, entry(item, "parameters"))
        reference = word(entry(item, "policyDefinitionReferenceId"))
        key = found.group().lower() if found else name.lower()
        members.append(Member(key, reference, values, missing, item.mark))
    version = word(entry(body, "version")) or word(entry(entry(body, "metadata"), "version"))
    return Initiative(word(entry(body, "displayName")).strip(), version, tuple(members))


def _values(reading: Reading, scene: Scene, node: Node | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    found: dict[str, Any] = {}
    missing: list[str] = []
    for name, item in node.items.items() if isinstance(node, MappingNode) else ():
        value = entry(item, "value")
        if value is None:
            reading.report(f"the parameter {name!r} has no value", item.mark, f"parameters.{name}")
            continue
        template = reading.template(value, counting=False)
        try:
            found[name] = frozen(evaluate(template, scene))
        except NotRead:
            missing.append(name)
        except EvaluationFailed as failed:
            reading.report(failed.text, item.mark, f"parameters.{name}")
    return found, tuple(missing)


def _scene(values: dict[str, Any]) -> Scene:
    """A scene without a resource: parameter values can hang on the initiative's own parameters only."""
    nothing = Resource("", "", "", {})
    case = case_for(nothing, lambda _: Unknown("no resource"), {}, values, 0.0)
    asked = Asked(nothing, {})
    return Scene(Policy(Group("allOf", (), NOWHERE), "", (), "", NOWHERE), case, asked, asked, {}, [10_000])


def read_aliases(path: Path) -> dict[str, str]:
    """Property paths by lower-case alias. Raises `InputError` for a file without any."""
    found = {one.name: one.path for one in _aliases(read_json(path))}
    if not found:
        raise InputError(
            "holds no aliases",
            str(path),
            "Save `az provider show --namespace N --expand resourceTypes/aliases`.",
        )
    return found


def fixed_aliases(path: Path) -> frozenset[str]:
    """The aliases, in lower case, of which the table says that a policy cannot change them (`attributes: None`).

    Source: https://learn.microsoft.com/rest/api/resources/providers/get (AliasPathAttributes)
    """
    return frozenset(one.name for one in _aliases(read_json(path)) if one.attributes.lower() == "none")


class _Alias(NamedTuple):
    name: str
    path: str
    attributes: str


def _aliases(value: Any) -> Iterator[_Alias]:
    if isinstance(value, list):
        for item in value:
            yield from _aliases(item)
        return
    if not isinstance(value, dict):
        return
    for key in ("value", "resourceTypes", "aliases", "Aliases"):
        yield from _aliases(value.get(key))
    name, path = value.get("name", value.get("Name")), value.get("defaultPath", value.get("DefaultPath"))
    paths = value.get("paths") or value.get("Paths") or []
    if not isinstance(path, str) and isinstance(paths, list):
        path = next((one.get("path") for one in paths if isinstance(one, dict) and one.get("path")), None)
    if isinstance(name, str) and "/" in name and isinstance(path, str):
        metadata = value.get("defaultMetadata", value.get("DefaultMetadata"))
        attributes = (
            metadata.get("attributes", metadata.get("Attributes")) if isinstance(metadata, dict) else ""
        )
        yield _Alias(name.lower(), path, attributes if isinstance(attributes, str) else "")
