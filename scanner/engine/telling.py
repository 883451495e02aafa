"""Values to words: messages with their placeholders filled in, sentences for what was not decided, evidence rows.

Everything from outside stays as it is here (bounded in length): each format escapes for its own kind of output.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from scanner import types
from scanner.engine import partial, paths
from scanner.engine.case import Bound, Case
from scanner.engine.operators.row import Wrong
from scanner.engine.proof import Proof
from scanner.model import ids
from scanner.model.finding import Evidence
from scanner.model.resource import Resource
from scanner.model.rule import Message, Placeholder
from scanner.model.values import ABSENT, Alternatives, Hidden, Partial, Unknown, UnreadTail

MAX_TEXT = 300
MAX_EVIDENCE = 20
_USER = re.compile(r"(?<=://)[^/?#@\s]+@")
_TIMES = ("time", "timestamp", "date", "createdon", "updatedon", "createdat", "lastmodifiedat")


def fill(message: Message, case: Case, proof: Proof | None, matched: Mapping[str, Any] | None = None) -> str:
    """The text of a message for one case. `matched`: elements by variable, where known better than from the proof."""
    if len(message) == 1 and isinstance(message[0], str):
        return message[0]
    found = matched if matched is not None else proof.matches() if proof else {}
    return "".join(
        part if isinstance(part, str) else _placeholder(part, case, proof, found) for part in message
    )


def _placeholder(part: Placeholder, case: Case, proof: Proof | None, matched: Mapping[str, Any]) -> str:
    match part.kind:
        case "fixed":
            return fixed(case.resource, part.keys[0])
        case "param":
            return words(case.params.get(part.keys[0], ABSENT))
        case "count":
            number = proof.first_count() if proof else None
            return str(number if number is not None else len(_hits(proof)))
        case "matched":
            bound = matched.get(part.keys[0])
            return _at(bound, part.keys[1:]) if isinstance(bound, Bound) else "(none)"
        case _:
            return _at(case.bound[paths.TARGET], part.keys)


def _at(bound: Bound, keys: tuple[str, ...]) -> str:
    """What stands at a path; what can hold a secret is never told."""
    plan = paths.plan(bound.variable, keys)
    value = paths.walk(plan, bound.value, bound.missing)
    return "(hidden)" if paths.secret(plan) and isinstance(value, str) else words(value)


def _hits(proof: Proof | None) -> list[Proof]:
    return [child for child in proof.children if child.var] if proof else []


def fixed(resource: Resource, name: str) -> str:
    """The value of a fixed placeholder."""
    match name:
        case "id":
            return resource.id
        case "name":
            return resource.name
        case "type":
            return resource.type
        case "registry":
            return registry_of(resource)
        case "resourceGroup":
            return ids.resource_group_of(resource.id)
        case "subscriptionId":
            return ids.subscription_of(resource.id)
        case _:
            return resource.location or "(not set)"


def registry_of(resource: Resource) -> str:
    """The name of the registry a resource is or lies in; its own name where there is none."""
    parts = resource.id.split("/")
    for number, part in enumerate(parts[:-1]):
        if part.lower() == "registries":
            return parts[number + 1]
    return resource.name


def words(value: Any) -> str:
    """A value as a message shows it."""
    if isinstance(value, Unknown):
        return "(not read)"
    if isinstance(value, Hidden):
        return "(hidden)"
    if isinstance(value, Alternatives):
        return shorten(f"({' or '.join(words(one) for one in value.values)})")
    if isinstance(value, Partial):
        return shorten(partial.shown(value))
    if value is None or value is ABSENT or isinstance(value, Wrong):
        return "(not set)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return shorten(harmless(value))
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        shown = [words(item) for item in value[:5]]
        more = f" and {len(value) - 5} more" if len(value) > 5 else ""
        return shorten(", ".join(shown) + more) if shown else "(none)"
    if isinstance(value, dict):
        return shorten(json.dumps(jsonable(value), ensure_ascii=False))
    return str(value)


def harmless(text: str) -> str:
    """The text without the user names and passwords of addresses in it."""
    return _USER.sub("(hidden)@", text) if "://" in text else text


def shorten(text: str) -> str:
    """Text of at most `MAX_TEXT` characters."""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def jsonable(value: Any, depth: int = 0) -> Any:
    """A bounded JSON value with markers spelled out, for evidence."""
    if isinstance(value, (Unknown, UnreadTail)):
        return f"(not read: {value.reason})"
    if isinstance(value, Hidden):
        return f"(hidden: {value.kind})"
    if isinstance(value, (Alternatives, Partial)):
        return words(value)
    if isinstance(value, str):
        return shorten(harmless(value))
    if isinstance(value, dict):
        if depth > 3:
            return "{…}"
        return {str(key): jsonable(item, depth + 1) for key, item in list(value.items())[:30]}
    if isinstance(value, (list, tuple)):
        if depth > 3:
            return "[…]"
        shown = [jsonable(item, depth + 1) for item in value[:10]]
        return [*shown, f"… {len(value) - 10} more"] if len(value) > 10 else shown
    if value is ABSENT:
        return None
    return value


def undecided(proof: Proof, wrong: bool) -> tuple[str, str]:
    """(sentence, reason) for a verdict of unknown or error: which values, and why."""
    seen: dict[str, None] = {}
    for leaf in proof.decisive():
        note = leaf.note or "not read"
        seen[f"{leaf.path}: {note}" if leaf.path else note] = None
    reasons = list(seen)
    first = next((leaf.note for leaf in proof.decisive() if leaf.note), "not read")
    shown = "; ".join(reasons[:4]) + (f"; and {len(reasons) - 4} more" if len(reasons) > 4 else "")
    return shorten(f"{'Cannot be judged' if wrong else 'Not decided'}: {shown}"), first


def evidence(proof: Proof, case: Case) -> tuple[Evidence, ...]:
    """The decisive leaves, at most `MAX_EVIDENCE`."""
    found: list[Evidence] = []
    for leaf in proof.decisive():
        if len(found) == MAX_EVIDENCE:
            break
        found.append(
            Evidence(
                path=leaf.path,
                state=leaf.state or "present",
                actual=jsonable(leaf.actual) if leaf.state in ("present", "error") else None,
                operator=leaf.operator,
                expected=jsonable(leaf.expected),
                rule_place=str(leaf.mark),
                source=case.resource.origin.where,
                collected_at=case.resource.origin.collected_at,
                note=leaf.note,
            )
        )
    return tuple(found)


def element_key(bound: Bound, declared: Iterable[str]) -> str:
    """What tells an element from its neighbours: its declared fields, its scalar value, or a digest of its scalars."""
    fields = list(declared)
    if not fields and bound.variable.prefix.endswith(types.ELEMENT):
        facts = types.facts_for(bound.variable.type)
        fact = facts.facts.get(bound.variable.prefix.removesuffix(types.ELEMENT)) if facts else None
        fields = list(fact.key) if fact else []
    if bound.variable.map and isinstance(bound.value, dict):
        return str(bound.value.get("key", ""))
    if fields and isinstance(bound.value, dict):
        found: list[str] = []
        for name in fields:
            value = paths.walk(paths.plan(bound.variable, tuple(name.split("."))), bound.value, bound.missing)
            found.append("" if value is ABSENT else words(value))
        if any(found):
            return "|".join(found)
    if not isinstance(bound.value, (dict, list)):
        return words(bound.value)
    text = json.dumps(_scalars(bound.value), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _scalars(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _scalars(item)
            for key, item in value.items()
            if not any(key.lower().endswith(ending) for ending in _TIMES)
        }
    if isinstance(value, (list, tuple)):
        return [_scalars(item) for item in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else "(marker)"
