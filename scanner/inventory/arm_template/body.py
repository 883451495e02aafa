"""Bodies: an instance of a template's resource comes in, the model's `Resource` comes out, with the place of every value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from scanner.inventory.arm_template.deployment import Instance
from scanner.inventory.arm_template.evaluation import evaluate_text, loops, rounds
from scanner.inventory.arm_template.naming import shown
from scanner.inventory.arm_template.positions import Document
from scanner.inventory.arm_template.scope import Scope, Use
from scanner.inventory.arm_template.values import LimitError, Mixed, lookup, outward, unknown_of
from scanner.inventory.making import make
from scanner.model.resource import Origin, Place, Resource
from scanner.model.values import Alternatives, Partial, Unknown

_CONTROL = frozenset(
    {"apiversion", "asserts", "comments", "condition", "copy", "dependson", "existing", "extension", "id", "import", "metadata",
     "name", "resources", "scope", "type"}
)  # fmt: skip
"""Keys of a resource that say how it is deployed; all others are its body."""
_MOST_PLACES = 6
_Trace = dict[str, tuple[Document, tuple[str, ...], tuple[Use, ...]]]


@dataclass(frozen=True, slots=True)
class Around:
    """The nested deployment that a resource lies in: its symbolic path with a dot, why it may not happen, where it is written."""

    symbol: str = ""
    optional: str = ""
    use: Use | None = None


class Places(Mapping[str, tuple[Place, ...]]):
    """Where each value of a resource is written, by JSON pointer in any casing; worked out when asked for.

    First the property itself, then what its value was made of (parameter, variable ...), then the nested deployment.
    """

    def __init__(self, trace: _Trace, symbol: str, around: Use | None = None) -> None:
        self._trace = trace
        self._around = around
        self.symbol = symbol
        """The symbolic name with its index, as Bicep writes it, through all nested deployments."""

    def __getitem__(self, pointer: str) -> tuple[Place, ...]:
        document, path, uses = self._trace[pointer.lower()]
        first = document.place(path, "resource" if pointer == "" else "property")
        found = {first: None}
        for use in uses[:_MOST_PLACES]:
            found.setdefault(use.document.place(use.path, use.what))
        kept = list(found)[:_MOST_PLACES]
        if self._around is not None:
            kept.append(self._around.document.place(self._around.path, self._around.what))
        return tuple(kept)

    def __iter__(self) -> Iterator[str]:
        return iter(self._trace)

    def __len__(self) -> int:
        return len(self._trace)

    def trace(self, pointer: str) -> tuple[Document, tuple[str, ...], tuple[Use, ...]]:
        """Where the value at a pointer, or the nearest thing around it, stands, and what it was made of."""
        found = pointer.lower()
        while found not in self._trace:
            found = found.rpartition("/")[0]
        return self._trace[found]


def resource_of(one: Instance, around: Around) -> Resource:
    """The resource of an instance. `around`: the nested deployment that it lies in."""
    trace: _Trace = {"": (one.scope.document, one.path, ())}
    body: dict[str, Any] = {}
    with one.scope.framed(one.path, one.copies):
        for key, raw in one.raw.items():
            if key.lower() in _CONTROL:
                continue
            one.scope.at = (*one.path, key)
            value = _traced(raw, one.scope, f"/{key}", trace)
            if value is not None:
                body[key] = _bounded(value)
    name = one.names[-1] if one.names else ""
    made = make(
        one.kind,
        one.id,
        {**body, "name": shown(name)},
        Origin("arm", one.scope.document.name),
        one.api_version,
    )
    known = name if isinstance(name, str) else _marker(name)
    _show_schemes(made.body, body)
    return replace(
        made,
        body={**made.body, "name": known},
        unread=dict(_unread(made.body, "")),
        places=Places(trace, f"{around.symbol}{one.symbol or one.shown_name}", around.use),
        optional=one.optional or around.optional,
    )


def _bounded(value: Any) -> Any:
    try:
        return outward(value)
    except LimitError as error:
        return Unknown(str(error), "limit")


_WEBHOOKS = "microsoft.containerregistry/registries/webhooks"
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def _show_schemes(made: Mapping[str, Any], written: Mapping[str, Any]) -> None:
    """Of a webhook's address, which may hold a token, the scheme stays readable: rules ask for https."""
    if str(made.get("type", "")).lower() != _WEBHOOKS or not isinstance(made.get("properties"), dict):
        return
    properties = lookup(written, "properties")
    address = lookup(properties, "serviceUri") if isinstance(properties, Mapping) else None
    first = address.parts[0] if isinstance(address, Partial) else address
    scheme = _SCHEME.match(first) if isinstance(first, str) else None
    if scheme is not None:
        made["properties"]["serviceUri"] = Partial((scheme[0], None), "the rest of the address is withheld")


def _marker(name: Any) -> Any:
    """A name that is not, or only partly, known, as a value of the body."""
    if isinstance(name, Alternatives):
        return outward(name)
    if isinstance(name, Mixed):
        parts = tuple(part if isinstance(part, str) else None for part in name.parts)
        return Partial(parts, name.reason)
    found = unknown_of(name)
    return Unknown(found.reason, found.kind) if found is not None else str(name)


def _traced(raw: Any, scope: Scope, pointer: str, trace: _Trace) -> Any:
    """As `evaluate`, noting for each place of the result where it stands and what it was made of."""
    if isinstance(raw, str):
        trail = scope.run.trail
        begun = len(trail)
        value = evaluate_text(raw, scope)
        uses = tuple(dict.fromkeys(trail[begun:])) if len(trail) > begun else ()
        del trail[begun:]
        trace[pointer.lower()] = (scope.document, scope.at, uses)
        return value
    trace[pointer.lower()] = (scope.document, scope.at, ())
    if isinstance(raw, Mapping):
        return _traced_object(raw, scope, pointer, trace)
    if isinstance(raw, list):
        held = scope.at
        found = []
        for at, item in enumerate(raw):
            scope.at = (*held, str(at))
            found.append(_traced(item, scope, f"{pointer}/{at}", trace))
        scope.at = held
        return found
    return raw


def _traced_object(raw: Mapping[str, Any], scope: Scope, pointer: str, trace: _Trace) -> dict[str, Any]:
    held = scope.at
    found: dict[str, Any] = {}
    for key, item in raw.items():
        scope.at = (*held, key)
        if key.lower() == "copy" and loops(item):
            for at, loop in enumerate(item):
                name = str(loop["name"])
                below = f"{pointer}/{_escaped(name)}"
                scope.at = (*held, key, str(at))
                trace[below.lower()] = (scope.document, scope.at, ())
                found[name] = rounds(
                    loop,
                    scope,
                    lambda index, loop=loop, below=below: _traced(  # type: ignore[misc]
                        loop["input"], scope, f"{below}/{index}", trace
                    ),
                )
            continue
        name = evaluate_text(key, scope) if key.startswith("[") else key
        if not isinstance(name, str):
            name = scope.key_of(name)
        found[name] = _traced(item, scope, f"{pointer}/{_escaped(name)}", trace)
    scope.at = held
    return found


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _unread(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """Pointers and reasons of everything that is not known in a body."""
    if isinstance(value, (Unknown, Alternatives, Partial)):
        yield pointer, value.reason
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _unread(item, f"{pointer}/{_escaped(key)}")
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _unread(item, f"{pointer}/{at}")
