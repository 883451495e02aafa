"""Bodies as the specification writes them: any casing and the flattened form of `az` come in, ARM shape goes out.

Secrets are replaced on the way, before anything else sees the body.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanner.inventory import redact
from scanner.model.resource import pointer
from scanner.model.values import ABSENT, Alternatives, Hidden, Partial, Unknown
from scanner.types import ELEMENT, VALUE, Branch, TypeFacts

_NOTHING: Mapping[str, Branch] = {}


class Normaliser:
    """Normalises bodies of one type; `hidden` holds the JSON pointers and kinds of the secrets of the last body."""

    def __init__(self, facts: TypeFacts | None) -> None:
        self._facts = facts
        self.hidden: dict[str, str] = {}

    def body(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """A new body; `raw` stays as it is."""
        self.hidden = {}
        tree = self._facts.tree if self._facts else _NOTHING
        found = self._object(raw, tree, ())
        if self._facts:
            found["type"] = self._facts.type
        return found

    def _object(
        self, raw: Mapping[str, Any], level: Mapping[str, Branch], keys: tuple[str, ...]
    ) -> dict[str, Any]:
        out: dict[str, Any] = {}
        inner = level.get("properties")
        flattened = inner is not None and not any(key.lower() == "properties" for key in raw)
        held: dict[str, Any] = {}
        for key, value in raw.items():
            branch = level.get(key.lower())
            if branch is None and flattened and inner is not None and key.lower() in inner.below:
                held[key] = value
                continue
            name = branch.key if branch else key
            out[name] = self._value(name, value, branch, (*keys, name), raw)
        if held and inner is not None:
            out[inner.key] = self._object(held, inner.below, (*keys, inner.key))
        return out

    def _value(
        self, key: str, value: Any, branch: Branch | None, keys: tuple[str, ...], siblings: Any
    ) -> Any:
        if isinstance(value, (Unknown, Alternatives, Partial)):
            return self._marked(key, value, branch, keys, siblings)
        kind = redact.kind_of(
            key, value, branch.fact if branch else None, siblings if isinstance(siblings, dict) else {}
        )
        if kind:
            self.hidden[pointer(keys)] = kind
            return Hidden(kind)
        below = branch.below if branch else _NOTHING
        if isinstance(value, dict):
            if branch is not None and branch.fact.kind == "map":
                inside = below.get(VALUE)
                return {
                    name: self._value(name, item, below.get(name.lower(), inside), (*keys, name), value)
                    for name, item in value.items()
                }
            return self._object(value, below, keys)
        if isinstance(value, list):
            inside = below.get(ELEMENT)
            return [
                self._value(key if branch is None else "", item, inside, (*keys, str(at)), value)
                for at, item in enumerate(value)
            ]
        return value

    def _marked(
        self, key: str, value: Any, branch: Branch | None, keys: tuple[str, ...], siblings: Any
    ) -> Any:
        """What is not, or only partly, known; no known part of a secret stays readable."""
        if isinstance(value, Alternatives):
            inner = Normaliser(self._facts)
            found = tuple(
                one if one is ABSENT else inner._value(key, one, branch, keys, siblings)
                for one in value.values
            )
            return Alternatives(found, value.reason, value.cause)
        if isinstance(value, Partial):
            text = "".join(part or "" for part in value.parts)
            fact = branch.fact if branch else None
            if redact.kind_of(key, text, fact, siblings if isinstance(siblings, dict) else {}):
                return Unknown(value.reason, "secret")
        return value
