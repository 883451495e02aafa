"""Nested and linked deployments: an instance of Microsoft.Resources/deployments comes in, the scope of its template comes out.

With inner scope a template sees what is handed over to it, with outer scope what the template around it sees. Source:
https://learn.microsoft.com/azure/azure-resource-manager/templates/linked-templates
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scanner.errors import InputError
from scanner.inventory.arm_template.evaluation import evaluate, evaluate_text
from scanner.inventory.arm_template.home import Home, home_for
from scanner.inventory.arm_template.scope import Scope, Supplied, Use
from scanner.inventory.arm_template.values import Mixed, lookup, render
from scanner.model.values import ABSENT

if TYPE_CHECKING:
    from scanner.inventory.arm_template.deployment import Instance

MAX_DEPTH = 16
"""How deep deployments may lie in each other."""


def nested_scope(one: Instance) -> Scope | None:
    """The scope of a deployment's template; None (and a note) where the template cannot be read."""
    scope = one.scope
    properties = lookup(one.raw, "properties")
    if not isinstance(properties, Mapping):
        return None
    path = (*one.path, "properties")
    if scope.depth >= MAX_DEPTH:
        _missing(one, path, f"deployments nested deeper than {MAX_DEPTH}")
        return None
    target = _home_of(one)
    found = _template(one, properties, path)
    if found is None:
        return None
    document, template, at, linked = found
    name = one.names[-1]
    inner = linked or _inner(properties)
    if not inner:
        outer = Scope(
            scope.run,
            document,
            template,
            at,
            scope.home,
            {},
            target=target,
            outer=scope,
            name=scope.deployment_name,
        )
        outer.copies = one.copies
        return outer
    supplied = _supplied(one, properties, path)
    nested = Scope(scope.run, document, template, at, target, supplied, name=name)
    nested.depth = scope.depth + 1
    return nested


def _inner(properties: Mapping[str, Any]) -> bool:
    options = lookup(properties, "expressionEvaluationOptions")
    chosen = lookup(options, "scope") if isinstance(options, Mapping) else ABSENT
    return isinstance(chosen, str) and chosen.lower() == "inner"


def _template(
    one: Instance, properties: Mapping[str, Any], path: tuple[str, ...]
) -> tuple[Any, Mapping[str, Any], tuple[str, ...], bool] | None:
    """(document, template, its path, whether it is a linked one)."""
    raw = lookup(properties, "template")
    scope = one.scope
    written = next((name for name in properties if name.lower() == "template"), "template")
    if isinstance(raw, str):
        with scope.framed((*path, written), one.copies):
            raw = evaluate_text(raw, scope)
        if not isinstance(raw, dict):
            _missing(one, (*path, written), "the template of the deployment is not known")
            return None
    if isinstance(raw, Mapping):
        return scope.document, raw, (*path, written), False
    link = lookup(properties, "templateLink")
    if not isinstance(link, Mapping):
        _missing(one, path, "the deployment has no template")
        return None
    with scope.framed((*path, "templateLink"), one.copies):
        link = evaluate(link, scope)
    relative = _relative(link)
    if not relative:
        what = next(
            (render(link[key]) for key in ("uri", "id") if isinstance(link.get(key), (str, Mixed))), ""
        )
        _missing(
            one,
            (*path, "templateLink"),
            f"the linked template {what[:120] or '(address not known)'} is not in the tree",
        )
        return None
    try:
        document = scope.run.load(scope.document, relative)
    except InputError as error:
        _missing(one, (*path, "templateLink"), f"the linked template {relative[:120]} {error.what}")
        return None
    if not isinstance(document.value, Mapping):
        _missing(one, (*path, "templateLink"), f"the linked template {relative[:120]} is no template")
        return None
    scope.run.linked.add(document.name)
    return document, document.value, (), True


def _relative(link: Any) -> str:
    """The path of a linked template: `relativePath`, or what is known at the end of an address; "" for neither."""
    if not isinstance(link, Mapping):
        return ""
    path = link.get("relativePath")
    if isinstance(path, str):
        return path
    address = link.get("uri")
    if isinstance(address, Mixed):
        last = address.parts[-1]
        if isinstance(last, str) and last.lower().rstrip("/").endswith((".json", ".jsonc")):
            return last.lstrip("/")
    return ""


def _missing(one: Instance, path: tuple[str, ...], reason: str) -> None:
    one.scope.run.miss(_home_of(one).id, reason, one.scope.document, path)


def _supplied(one: Instance, properties: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Supplied]:
    """The values that a deployment hands to its template; they are run in the scope around it."""
    raw = lookup(properties, "parameters")
    found: dict[str, Supplied] = {}
    for name, item in raw.items() if isinstance(raw, Mapping) else ():
        if not isinstance(item, Mapping):
            continue
        at = (*path, "parameters", name)
        if "value" in item:
            use = Use(one.scope.document, (*at, "value"), "nested deployment parameter")
            found[name.lower()] = Supplied(item["value"], use, one.scope, one.copies)
        elif "reference" in item:
            found[name.lower()] = Supplied(
                None, Use(one.scope.document, at, "key vault reference"), secret=True
            )
    return found


def _home_of(one: Instance) -> Home:
    """Where a deployment deploys to."""
    return home_for(
        one.scope.target,
        subscription=one.value("subscriptionId"),
        group=one.value("resourceGroup"),
        scope=one.value("scope"),
    )
