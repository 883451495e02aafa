"""Related resources: what an existence condition asks for comes in, the rows to look at come out."""

from __future__ import annotations

from typing import Any

from scanner.engine.azure.failing import EvaluationFailed, NotRead
from scanner.engine.azure.fields import Asked, full_name
from scanner.engine.azure.template import Scene, evaluate
from scanner.engine.case import absences
from scanner.model import ids
from scanner.model.azure import Existence
from scanner.model.resource import Resource
from scanner.model.values import Hidden, Unknown, UnreadTail


def candidates(clause: Existence, scene: Scene) -> tuple[list[Asked], str]:
    """The related resources of the wanted type, name and scope, and why there may be more of them."""
    found: Any = scene.case.related(clause.relation or clause.type)
    if isinstance(found, Unknown):
        raise NotRead(found.reason if clause.relation else f"{clause.type} is not collected")
    if not isinstance(found, (list, tuple)) or isinstance(found, Hidden):
        raise NotRead(f"{clause.type} cannot be looked through")
    name = None if clause.name is None else _text(clause.name, scene, "name")
    group = None if clause.group is None else _text(clause.group, scene, "resourceGroupName")
    rows, tail = [], ""
    for row in found:
        if isinstance(row, (UnreadTail, Unknown)):
            tail = tail or row.reason
        elif isinstance(row, Resource) and _wanted(row, clause, scene.owner.resource, name, group):
            rows.append(Asked(row, absences(row)))
    return rows, tail


def _text(template: Any, scene: Scene, what: str) -> str:
    found = evaluate(template, scene)
    if not isinstance(found, str):
        raise EvaluationFailed(f"details.{what} must be text")
    return found


def _wanted(row: Resource, clause: Existence, owner: Resource, name: str | None, group: str | None) -> bool:
    if row.type and row.type.lower() != clause.type.lower():
        return False
    if name is not None and not _named(row, name):
        return False
    if clause.below:
        return ids.within(row.id, owner.id)
    if ids.subscription_of(row.id) != ids.subscription_of(owner.id):
        return False
    if clause.scope == "subscription":
        return True
    wanted = group if group is not None else ids.resource_group_of(owner.id)
    return ids.resource_group_of(row.id).lower() == wanted.lower()


def _named(row: Resource, name: str) -> bool:
    """Whether a row has the wanted name; `?` stands for any last part."""
    full = full_name(row).lower().split("/")
    wanted = name.lower().split("/")
    if len(wanted) == 1:
        full = full[-1:]
    return len(full) == len(wanted) and all(
        part == own or (part == "?" and number == len(wanted) - 1)
        for number, (part, own) in enumerate(zip(wanted, full, strict=True))
    )
