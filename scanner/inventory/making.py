"""One resource: its type, id and raw body as an answer gave them come in, the frozen `Resource` comes out, redacted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from scanner.inventory.normalise import Normaliser
from scanner.model import ids
from scanner.model.resource import Origin, Resource
from scanner.types import TypeFacts, facts_for

REPOSITORIES = "Microsoft.ContainerRegistry/registries/repositories"


@lru_cache(maxsize=256)
def _known(kind: str) -> tuple[str, TypeFacts | None]:
    facts = facts_for(kind)
    return (facts.type if facts else kind), facts


def make(
    kind: str, identifier: str, raw: Mapping[str, Any], origin: Origin, api_version: str | None
) -> Resource:
    """A resource. Raises ValueError for a name that is no text.

    A child may be named `parent/child` in an answer; the last part is its name, in the body and in reports alike. The name
    of a repository may hold slashes, its id has them encoded.
    """
    name_of_type, facts = _known(kind)
    normaliser = Normaliser(facts)
    body = normaliser.body(raw)
    body["id"] = identifier
    given = body.get("name")
    if given is not None and not isinstance(given, str):
        raise ValueError(f"the name of {identifier} is no text")
    whole = given and name_of_type == REPOSITORIES
    name = body["name"] = given if given and whole else ids.name_of(given or identifier)
    location = body.get("location")
    return Resource(
        id=identifier,
        type=name_of_type,
        name=name,
        body=body,
        location=location if isinstance(location, str) else "",
        api_version=api_version,
        hidden=normaliser.hidden,
        origin=origin,
    )
