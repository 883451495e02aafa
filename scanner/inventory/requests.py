"""Request paths: the path of a list or GET comes in, what it lists and for which scope comes out."""

from __future__ import annotations

from typing import NamedTuple

from scanner.model import ids
from scanner.types import facts_for

_USAGES = "Microsoft.ContainerRegistry/registries/usages"
_STATES = "Microsoft.PolicyInsights/policyStates"


class Listed(NamedTuple):
    """What a request asks for: a type, and the id below which it lists (or the id of the one resource)."""

    type: str
    scope: str


def listed(path: str) -> Listed | None:
    """What a request path lists, or None where it is none of ARM's."""
    parts = [part for part in path.split("/") if part]
    lowered = [part.lower() for part in parts]
    if lowered[-1:] in (["listusages"], ["usages"]) and "registries" in lowered:
        return Listed(_USAGES, "/" + "/".join(parts[:-1]))
    if "policystates" in lowered and "microsoft.policyinsights" in lowered:
        return Listed(_STATES, "/" + "/".join(parts[: lowered.index("microsoft.policyinsights") - 1]))
    if lowered == ["subscriptions"]:
        return Listed("Microsoft.Resources/subscriptions", ids.ROOT)
    if "providers" not in lowered:
        kind = ids.type_of(path)
        return Listed(kind, path) if kind else None
    at = len(lowered) - 1 - lowered[::-1].index("providers")
    tail = parts[at + 1 :]
    if len(tail) < 2:
        return None
    kind = canonical("/".join([tail[0], *tail[1::2]]))
    if len(tail) % 2:  # ends with a name: one resource
        return Listed(kind, "/" + "/".join(parts))
    return Listed(kind, "/" + "/".join(parts[:at] if len(tail) == 2 else parts[:-1]))


def canonical(kind: str) -> str:
    """A type name as the type facts write it; as given where there are none."""
    facts = facts_for(kind)
    return facts.type if facts else kind
