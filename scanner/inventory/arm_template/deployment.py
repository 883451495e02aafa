"""Resources of a template: its `resources` come in, one `Instance` per resource that is, may be or is not deployed comes out.

Loops, conditions, children, extension resources and nested or linked deployments are followed here; bodies are worked out
when asked for. Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/resource-declaration
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scanner.inventory.arm_template.evaluation import evaluate
from scanner.inventory.arm_template.home import Home, placed
from scanner.inventory.arm_template.naming import full_type, joined_names, shown, split_type
from scanner.inventory.arm_template.nesting import nested_scope
from scanner.inventory.arm_template.scope import Scope
from scanner.inventory.arm_template.values import Hole, Open, lookup, runtime, unknown_of
from scanner.model.values import ABSENT, Alternatives

DEPLOYMENTS = "microsoft.resources/deployments"
MAX_COPIES = 800
"""Rounds of a resource loop that Resource Manager allows."""


@dataclass(eq=False)
class Instance:
    """One resource of a template. `path`: where it stands; `symbol`: its symbolic name (with `[i]`), or ""; `id`: its id.

    `names`: one value per type segment; `deployed`: False where the condition is false; `optional`: why it may not be
    deployed; `repeated`: it stands for any number of resources.
    """

    scope: Scope
    raw: Mapping[str, Any]
    path: tuple[str, ...]
    symbol: str
    copies: Mapping[str, Any]
    kind: str
    names: list[Any]
    id: str
    existing: bool = False
    deployed: bool = True
    optional: str = ""
    repeated: bool = False
    api_version: str | None = None
    _keys: dict[str, Any] = field(default_factory=dict)
    _nested: Scope | None = None

    @property
    def shown_name(self) -> str:
        """The name as text, `parent/child`; what is not known in it as its expression."""
        return "/".join(shown(name) for name in self.names)

    def value(self, key: str) -> Any:
        """The value of a key of the resource, ABSENT where there is none; worked out once."""
        lowered = key.lower()
        if lowered not in self._keys:
            written = next((name for name in self.raw if name.lower() == lowered), None)
            if written is None:
                return ABSENT
            self._keys[lowered] = runtime(f"{self.symbol or self.shown_name}.{key}")  # while it needs itself
            begun = len(self.scope.run.trail)
            with self.scope.framed((*self.path, written), self.copies):
                self._keys[lowered] = evaluate(self.raw[written], self.scope)
            del self.scope.run.trail[begun:]
        return self._keys[lowered]

    def opened(self, *, full: bool) -> Any:
        """What `reference` gives of it."""
        label = f"reference({self.symbol or self.shown_name})"
        if self.kind.lower() == DEPLOYMENTS:
            return Open(label, self._of_deployment) if not full else Open(label, self._full)
        if full:
            return Open(label, self._full)
        if self.existing:
            return Open(label, lambda _: ABSENT)
        return Open(label, lambda key: _key_of(self.value("properties"), key))

    def _full(self, key: str) -> Any:
        match key.lower():
            case "apiversion":
                return self.api_version
            case "resourceid" | "id":
                return self.id
            case "properties" if self.kind.lower() == DEPLOYMENTS:
                return Open(f"reference({self.symbol}).properties", self._of_deployment)
        return ABSENT if self.existing else self.value(key)

    def _of_deployment(self, key: str) -> Any:
        """`outputs` of a nested deployment are those of its template."""
        nested = self.nested()
        if key.lower() != "outputs" or nested is None:
            return ABSENT
        return Outputs(f"reference({self.symbol or self.shown_name}).outputs", nested)

    def nested(self) -> Scope | None:
        """The scope of the template that a deployment deploys; None where there is none to read."""
        if self._nested is None and self.kind.lower() == DEPLOYMENTS and not self.existing:
            self._nested = nested_scope(self)
        return self._nested


class Outputs(Open):
    """The outputs of a nested deployment, each `{value}`."""

    __slots__ = ("_scope",)

    def __init__(self, label: str, scope: Scope) -> None:
        super().__init__(label, lambda _: ABSENT)
        self._scope = scope

    def at(self, key: str) -> Any:
        """One output, worked out when asked for."""
        return {"value": self._scope.output(key)}


def _key_of(value: Any, key: str) -> Any:
    return lookup(value, key) if isinstance(value, Mapping) else ABSENT


def instances(scope: Scope) -> Iterator[Instance]:
    """The resources of a template, children included, without those of nested deployments."""
    yield from _resources(scope, scope.template.get("resources"), (*scope.path, "resources"), None)


def _resources(scope: Scope, raw: Any, path: tuple[str, ...], parent: Instance | None) -> Iterator[Instance]:
    """`resources`: a list, or an object by symbolic name."""
    if isinstance(raw, Mapping):
        rows = [(name, name, item) for name, item in raw.items()]
    elif isinstance(raw, list):
        rows = [(str(at), "", item) for at, item in enumerate(raw)]
    else:
        if raw is not None:
            scope.run.note(scope.document, path, "`resources` is neither a list nor an object")
        return
    for key, symbol, item in rows:
        if not isinstance(item, Mapping):
            scope.run.note(scope.document, (*path, key), "a resource that is no object")
            continue
        yield from _looped(scope, item, (*path, key), symbol, parent)


def _looped(
    scope: Scope, raw: Mapping[str, Any], path: tuple[str, ...], symbol: str, parent: Instance | None
) -> Iterator[Instance]:
    copies = parent.copies if parent is not None else {}
    loop = lookup(raw, "copy")
    if not isinstance(loop, Mapping):
        yield from _with_children(scope, raw, path, symbol, copies, parent, "", repeated=False)
        return
    name = str(loop.get("name", "copy")).lower()
    with scope.framed((*path, "copy", "count"), copies):
        count = evaluate(loop.get("count"), scope)
    least, most, reason = _rounds(scope, count, (*path, "copy"))
    for index in range(most):
        optional = reason if index >= least else ""
        held = {**copies, name: index, "": index}
        yield from _with_children(
            scope, raw, path, f"{symbol}[{index}]", held, parent, optional, repeated=False
        )
    if reason and not most:
        any_one = Hole(reason, "parameter", "[copyIndex()]")
        held = {**copies, name: any_one, "": any_one}
        yield from _with_children(scope, raw, path, f"{symbol}[*]", held, parent, reason, repeated=True)


def _rounds(scope: Scope, count: Any, path: tuple[str, ...]) -> tuple[int, int, str]:
    """How often a loop runs: at least, at most (0 with a reason: it is not known), and why it is not known."""
    if isinstance(count, Alternatives):
        numbers = [number for number in count.values if type(number) is int and 0 <= number <= MAX_COPIES]
        if len(numbers) == len(count.values):
            return min(numbers), max(numbers), f"how often it is deployed depends on {count.cause}"
        return 0, 0, count.reason
    unknown = unknown_of(count)
    if unknown is not None:
        return 0, 0, f"how often it is deployed is not known: {unknown.reason}"
    if type(count) is float and count.is_integer():
        count = int(count)
    if type(count) is not int or count < 0:
        scope.run.note(scope.document, path, "the count of the loop is no number")
        return 0, 0, "how often it is deployed is not known: the count is no number"
    if count > MAX_COPIES:
        scope.run.note(scope.document, path, f"a loop of {count:,} rounds; Azure allows {MAX_COPIES}")
        return 0, 0, f"a loop of {count:,} rounds was not run"
    return count, count, ""


def _with_children(
    scope: Scope,
    raw: Mapping[str, Any],
    path: tuple[str, ...],
    symbol: str,
    copies: Mapping[str, Any],
    parent: Instance | None,
    optional: str,
    *,
    repeated: bool,
) -> Iterator[Instance]:
    one = _instance(scope, raw, path, symbol, copies, parent, optional, repeated=repeated)
    if one is None:
        return
    scope.run.register(one)
    scope.run.count()
    yield one
    below = lookup(raw, "resources")
    if below is not ABSENT:
        yield from _resources(scope, below, (*path, "resources"), one)


def _instance(
    scope: Scope,
    raw: Mapping[str, Any],
    path: tuple[str, ...],
    symbol: str,
    copies: Mapping[str, Any],
    parent: Instance | None,
    optional: str,
    *,
    repeated: bool,
) -> Instance | None:
    def value(key: str) -> Any:
        written = next((name for name in raw if name.lower() == key), None)
        if written is None:
            return ABSENT
        with scope.framed((*path, written), copies):
            return evaluate(raw[written], scope)

    begun = len(scope.run.trail)
    given_type, version = split_type(value("type"), value("apiversion"))
    if not given_type:
        scope.run.note(scope.document, path, "the type of the resource is not known")
        return None
    kind = full_type(given_type, parent.kind if parent else "")
    own_name = value("name")
    if kind.lower() != given_type.lower() and parent is not None:
        names = joined_names(kind, own_name, parent.names)
    else:
        names = joined_names(kind, own_name, [])
    kind, names, extended = _extension(kind, names)
    condition = value("condition")
    deployed, why = _decided(condition)
    if parent is not None:
        deployed, why = deployed and parent.deployed, why or parent.optional
    given = value("scope")
    at = extended or (placed(scope.target, given) if given is not ABSENT else "")
    if not at and parent is not None and not kind.lower().startswith(parent.kind.lower() + "/"):
        at = parent.id
    elif not at and parent is not None:
        at = parent.id.rpartition("/providers/")[0] if "/providers/" in parent.id else ""
    existing = value("existing") is True
    api = value("apiversion") if version is None else version
    del scope.run.trail[begun:]
    return Instance(
        scope=scope,
        raw=raw,
        path=path,
        symbol=symbol,
        copies=copies,
        kind=kind,
        names=names,
        id=_identifier(scope.target, at, kind, names),
        existing=existing,
        deployed=deployed and not existing,
        optional=optional or why,
        repeated=repeated,
        api_version=api if isinstance(api, str) else None,
    )


def _extension(kind: str, names: list[Any]) -> tuple[str, list[Any], str]:
    """An extension in the old form: type `A/b/providers/locks`, name `{b}/Microsoft.Authorization/{lock}`."""
    base, middle, leaf = kind.partition("/providers/")
    size = base.count("/")
    if not middle or len(names) <= size + 1 or not isinstance(names[size], str):
        return kind, names, ""
    return f"{names[size]}/{leaf}", names[size + 1 :], _tail(base, names[:size])


def _tail(kind: str, names: list[Any]) -> str:
    namespace, *kinds = kind.split("/")
    return f"~/{namespace}" + "".join(f"/{one}/{shown(name)}" for one, name in zip(kinds, names, strict=True))


def _identifier(home: Home, at: str, kind: str, names: list[Any]) -> str:
    base = at or home.id
    if base.startswith("~/"):
        base = f"{home.id}/providers/{base[2:]}"
    namespace, *kinds = kind.split("/")
    if kind.lower() == "microsoft.resources/resourcegroups":
        return f"{home.subscription}/resourceGroups/{shown(names[-1])}"
    tail = "".join(f"/{one}/{shown(name)}" for one, name in zip(kinds, names, strict=True))
    return f"{base.rstrip('/')}/providers/{namespace}{tail}"


def _decided(condition: Any) -> tuple[bool, str]:
    """Whether a condition lets the resource be deployed, and why that is not known."""
    if condition is ABSENT or condition is True:
        return True, ""
    if isinstance(condition, str) and condition.lower() in ("true", "false"):
        return condition.lower() == "true", ""
    if condition is False:
        return False, ""
    if isinstance(condition, Alternatives):
        return True, f"its condition depends on {condition.cause}"
    unknown = unknown_of(condition)
    return True, f"its condition is not known: {unknown.reason if unknown else 'neither true nor false'}"
