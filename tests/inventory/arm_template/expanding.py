"""What the tests of ARM templates share: small templates come in, resources or the value of one expression come out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scanner.errors import InputError
from scanner.inventory.arm_template.evaluating import Run
from scanner.inventory.arm_template.evaluation import evaluate
from scanner.inventory.arm_template.expansion import Expansion, expand
from scanner.inventory.arm_template.home import home_of
from scanner.inventory.arm_template.positions import Document, parse_document
from scanner.inventory.arm_template.reading import Reading, Wanted, read_arm
from scanner.inventory.arm_template.rows import Rows
from scanner.inventory.arm_template.scope import Scope, Supplied
from scanner.inventory.arm_template.values import outward
from scanner.inventory.tree import Tree
from scanner.model.resource import Resource

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
REGISTRY = "Microsoft.ContainerRegistry/registries"
NOW = "2026-11-26T00:00:00Z"


def template(resources: Any, **more: Any) -> dict[str, Any]:
    """A template with these resources."""
    return {"$schema": SCHEMA, "contentVersion": "1.0.0.0", **more, "resources": resources}


def registry(name: Any = "acr1", **more: Any) -> dict[str, Any]:
    """A registry as a template writes it."""
    return {
        "type": REGISTRY,
        "apiVersion": "2023-07-01",
        "name": name,
        "location": "westeurope",
        "sku": {"name": "Premium"},
        **more,
    }


def nested(resources: Any, *, inner: bool = True, name: str = "nested", **more: Any) -> dict[str, Any]:
    """A nested deployment; `parameters`, `values` and `outputs` go into it, other keys onto the deployment."""
    properties: dict[str, Any] = {"mode": "Incremental", "template": template(resources)}
    if inner:
        properties["expressionEvaluationOptions"] = {"scope": "inner"}
    for key in ("parameters", "variables", "outputs"):
        if key in more:
            properties["template"][key] = more.pop(key)
    if "values" in more:
        properties["parameters"] = {key: {"value": value} for key, value in more.pop("values").items()}
    return {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2022-09-01",
        "name": name,
        "properties": properties,
        **more,
    }


def _refuse(_: Document, relative: str) -> Document:
    raise InputError("is not there", relative)


def expanded(content: Mapping[str, Any] | str, values: Mapping[str, Any] | None = None) -> Expansion:
    """A template evaluated with parameter values (`{"$reference": true}` stands for a Key Vault reference)."""
    text = content if isinstance(content, str) else json.dumps(content, indent=2)
    document = parse_document(text, "main.json")
    parameters = None
    if values is not None:
        given = {
            name: {"reference": {}} if value == {"$reference": True} else {"value": value}
            for name, value in values.items()
        }
        parameters = parse_document(json.dumps({"parameters": given}, indent=2), "main.parameters.json")
    return expand(document, parameters, Rows(document, "arm"), _refuse)


def only(content: Mapping[str, Any] | str, values: Mapping[str, Any] | None = None) -> Resource:
    """The one resource of a template."""
    found = expanded(content, values).resources
    assert len(found) == 1, [resource.id for resource in found]
    return found[0]


def by_name(found: Expansion) -> dict[str, Resource]:
    """Resources by `type leaf/name`."""
    return {f"{one.type.rpartition('/')[2]}/{one.name}": one for one in found.resources}


def value(expression: Any, **given: Any) -> Any:
    """The value of an expression as it stands in a body. Keyword arguments are parameters with these values."""
    notes = worked_out(expression, **given)
    return notes[0]


def worked_out(expression: Any, **given: Any) -> tuple[Any, list[str]]:
    """The value of an expression, and what was wrong in it."""
    content = template([], parameters={name: {"type": "object"} for name in given})
    document = parse_document(json.dumps(content), "main.json")
    run = Run(_refuse)
    supplied = {name.lower(): Supplied(item) for name, item in given.items()}
    scope = Scope(run, document, document.value, (), home_of("main.json", "", SCHEMA), supplied)
    return outward(evaluate(expression, scope)), [note.message for note in run.notes.values()]


def read(folder: Path, **wanted: Any) -> Reading:
    """The templates of a folder."""
    return read_arm(Tree.of([folder]), Wanted(**wanted), now=NOW)


def write(folder: Path, files: Mapping[str, Any]) -> Path:
    """Files with JSON or text as content."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), "utf-8")
    return folder
