"""Template expressions: an expression and the scene it is asked in come in, a JSON value comes out.

Raises `NotRead` where the value hangs on something unread, `EvaluationFailed` where Azure fails the evaluation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from scanner.engine.azure.aliases import Alias, resolve
from scanner.engine.azure.failing import EvaluationFailed, NotRead
from scanner.engine.azure.fields import Asked, incomplete, select
from scanner.engine.azure.functions import PLAIN
from scanner.engine.azure.list_functions import MAX_ITEMS, MISSED, reached
from scanner.engine.azure.time_functions import utc_now
from scanner.engine.case import Case
from scanner.engine.operators.row import kind
from scanner.model import ids
from scanner.model.azure import Access, Call, Policy, Template
from scanner.model.values import ABSENT, Hidden, Unknown

MAX_STEPS = 200_000
"""Functions that one rule may call on one resource; what lies beyond is not decided (limit)."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a condition stands.

    `asked`: the resource that fields are read from; `owner`: the one `field()` reads (they differ in an existence
    condition); `current`: the elements of enclosing counts by name, the innermost last; `aliases`: paths of aliases by
    lower-case name; `steps`: how many more functions may be called (counted down).
    """

    policy: Policy
    case: Case
    asked: Asked
    owner: Asked
    aliases: Mapping[str, str]
    steps: list[int]
    current: tuple[tuple[str, Any], ...] = ()

    def alias(self, text: str, asked: Asked) -> Alias:
        """The alias of a name that was worked out; raises `EvaluationFailed` for an unknown one."""
        found = resolve(text, asked.resource.type, self.aliases)
        if isinstance(found, str):
            raise EvaluationFailed(found)
        return found

    def within(self, name: str, value: Any, asked: Asked | None = None) -> Scene:
        """The scene inside a count that stands at one element."""
        inner = self if asked is None else replace(self, asked=asked)
        if asked is not None and self.owner is self.asked:
            inner = replace(inner, owner=asked)
        return replace(inner, current=(*self.current, (name.casefold(), value)))


def evaluate(template: Template, scene: Scene) -> Any:
    """The value of an expression."""
    found = _value(template, scene)
    if isinstance(found, (Unknown, Hidden)):
        raise NotRead(_why(found))
    return found


def _why(value: Unknown | Hidden) -> str:
    return value.reason if isinstance(value, Unknown) else f"{value.kind}, withheld"


def _value(template: Template, scene: Scene) -> Any:
    if isinstance(template, Access):
        return _access(template, scene)
    if not isinstance(template, Call):
        return template
    scene.steps[0] -= 1
    if scene.steps[0] < 0:
        raise NotRead(f"more than {MAX_STEPS:,} function calls")
    match template.name:
        case "if":
            return _value(template.arguments[1 if _truth(template.arguments[0], scene) else 2], scene)
        case "and" | "or":
            return _logic(template, scene)
        case "coalesce":
            for argument in template.arguments:
                found = _value(argument, scene)
                if found is not None:
                    return found
            return None
        case "parameters":
            return _parameter(_whole(template.arguments[0], scene), scene)
        case "field":
            return _field(_whole(template.arguments[0], scene), scene)
        case "current":
            name = _whole(template.arguments[0], scene) if template.arguments else ""
            return _current(name, scene)
        case "utcnow":
            form = _whole(template.arguments[0], scene) if template.arguments else None
            return utc_now(scene.case.now, form if form is None else str(form))
        case "subscription" | "resourcegroup" | "requestcontext" | "policy":
            return _context(template.name, scene)
    arguments = [_whole(argument, scene) for argument in template.arguments]
    return PLAIN[template.name].call(*arguments)  # type: ignore[misc]


def _whole(template: Template, scene: Scene) -> Any:
    """An argument: a value with nothing unread in it, of bounded size."""
    found = _value(template, scene)
    for reason in incomplete(found):
        raise NotRead(reason)
    if isinstance(found, (list, tuple)) and len(found) > MAX_ITEMS:
        raise EvaluationFailed(f"a function is given more than {MAX_ITEMS:,} elements")
    return found


def _truth(template: Template, scene: Scene) -> bool:
    found = _whole(template, scene)
    if isinstance(found, bool):
        return found
    raise EvaluationFailed(f"a condition in a template must be true or false, not {kind(found)}")


def _logic(call: Call, scene: Scene) -> bool:
    """`and` and `or`: what settles the answer decides, whatever else was not read."""
    settling = call.name == "or"
    pending: NotRead | EvaluationFailed | None = None
    for argument in call.arguments:
        try:
            if _truth(argument, scene) is settling:
                return settling
        except EvaluationFailed as failed:
            pending = failed
        except NotRead as unread:
            pending = pending or unread
    if pending is not None:
        raise pending
    return not settling


def _access(access: Access, scene: Scene) -> Any:
    holder = _value(access.of, scene)
    if isinstance(holder, (Unknown, Hidden)):
        raise NotRead(_why(holder))
    key = _whole(access.key, scene)
    found = reached(holder, key)
    if found is MISSED:
        raise EvaluationFailed(f"{kind(holder)} has no {key!r}")
    return found


def _parameter(name: Any, scene: Scene) -> Any:
    wanted = str(name).casefold()
    for declared, value in scene.case.params.items():
        if declared.casefold() == wanted:
            if value is None:
                raise NotRead(f"parameter {declared} has no value")
            return value
    raise EvaluationFailed(f"the parameter {name!r} is not declared")


def _field(name: Any, scene: Scene) -> Any:
    """`field()`: the value; "" for one that is not there, a list for an alias with [*]."""
    alias = scene.alias(str(name), scene.owner)
    found = select(alias, scene.owner)
    if found.tail:
        raise NotRead(f"list incomplete: {found.tail}")
    if alias.many:
        values = [None if spot.value is ABSENT else spot.value for spot in found.spots]
        for spot in found.spots:
            if isinstance(spot.value, (Unknown, Hidden)):
                raise NotRead(_why(spot.value))
        return values
    value = found.spots[0].value
    return "" if value is ABSENT or value is None else value


def _current(name: Any, scene: Scene) -> Any:
    """`current()`: the element that a count stands at; of an alias below it, the property of that element."""
    if not scene.current:
        raise EvaluationFailed("current() stands outside a count")
    if not name:
        return scene.current[-1][1]
    wanted = str(name).casefold()
    for known, value in reversed(scene.current):
        if known == wanted:
            return value
    if any(wanted.startswith(f"{known}.") for known, _ in scene.current):
        found = select(scene.alias(str(name), scene.owner), scene.owner)
        if found.tail:
            raise NotRead(f"list incomplete: {found.tail}")
        if len(found.spots) == 1:
            value = found.spots[0].value
            return None if value is ABSENT else value
        return [None if spot.value is ABSENT else spot.value for spot in found.spots]
    raise EvaluationFailed(f"current() names {name!r}, which no count around it goes through")


def _context(name: str, scene: Scene) -> dict[str, Any]:
    """What is known of the surroundings; the rest is unread, never made up."""
    resource = scene.owner.resource
    subscription, group = ids.subscription_of(resource.id), ids.resource_group_of(resource.id)
    scope = f"/subscriptions/{subscription}"
    match name:
        case "subscription":
            known = {"id": scope, "subscriptionId": subscription} if subscription else {}
            return {**_unread(name, ("id", "subscriptionId", "tenantId", "displayName", "tags")), **known}
        case "resourcegroup":
            found = f"{scope}/resourceGroups/{group}"
            known = (
                {"id": found, "name": group, "type": "Microsoft.Resources/resourceGroups"} if group else {}
            )
            keys = ("id", "name", "type", "location", "managedBy", "tags", "properties")
            return {**_unread("resourceGroup", keys), **known}
        case "policy":
            names = ("assignmentId", "definitionId", "setDefinitionId", "definitionReferenceId")
            given = {"definitionId": scene.policy.definition} if scene.policy.definition else {}
            return {**_unread("policy", names), **given}
    return _unread("requestContext", ("apiVersion", "identity"))


def _unread(name: str, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: Unknown(f"{name}().{key} is not collected", "not-collected") for key in keys}
