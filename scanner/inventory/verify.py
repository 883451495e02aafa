"""Verification: ids of resources that fail come in, an inventory comes out in which they were read once more, one by one.

Resource Graph follows changes within minutes at best; what a report calls a failure is first looked up at the provider itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from scanner.inventory import arm, live
from scanner.inventory._azure.client import Client, NotRead
from scanner.inventory.attempt import Tell
from scanner.inventory.azure import Options, added
from scanner.inventory.collecting import AT_ONCE, bounded
from scanner.inventory.making import make
from scanner.inventory.record import digest, stripped
from scanner.inventory.requests import canonical
from scanner.model import ids
from scanner.model.resource import Inventory, Origin, Part, Resource


class Verified(NamedTuple):
    """The new inventory, and how many resources were read, differ, are gone, or could not be read."""

    inventory: Inventory
    read: int
    changed: int
    gone: int
    unread: int


def verify(options: Options, inventory: Inventory, wanted: Iterable[str], tell: Tell) -> Verified:
    """Read resources again. Those of types that cannot be read one by one stay as they are."""
    kinds = {
        identifier: kind
        for identifier in dict.fromkeys(wanted)
        if (kind := _kind(identifier)) in live.VERSIONS and kind.lower() in inventory.parts
    }
    answers = asyncio.run(_read(options, kinds))
    known = {ids.normalise(identifier): answer for identifier, answer in answers.items()}
    renewed = {
        key: Renewed(part, known) for key, part in inventory.parts.items() if part.type in kinds.values()
    }
    counts = [part.differences() for part in renewed.values()]
    changed, gone = sum(count[0] for count in counts), sum(count[1] for count in counts)
    parts: dict[str, Part] = {**inventory.parts, **renewed}
    found = replace(inventory, parts=parts, digest=digest(parts))
    unread = len(kinds) - len(answers)
    tell("verified", read=len(answers), changed=changed, gone=gone, unread=unread)
    return Verified(found, len(answers), changed, gone, unread)


def _kind(identifier: str) -> str:
    return canonical(ids.type_of(identifier))


async def _read(options: Options, kinds: Mapping[str, str]) -> dict[str, Resource | None]:
    """The resource of each id, None where it is gone; ids that could not be read are left out."""
    found: dict[str, Resource | None] = {}
    async with Client(
        options.cloud,
        options.login,
        deadlines=options.deadlines,
        clock=options.clock,
        credential=options.credential,
    ) as client:

        async def one(identifier: str, kind: str) -> None:
            try:
                found[identifier] = await _resource(client, identifier, kind)
            except NotRead as error:
                if error.deleted:
                    found[identifier] = None

        await bounded((one(identifier, kind) for identifier, kind in kinds.items()), AT_ONCE)
    return found


async def _resource(client: Client, identifier: str, kind: str) -> Resource:
    """A resource as its provider writes it; a registry in both api-versions."""
    version, bucket = live.VERSIONS[kind], ids.subscription_of(identifier)
    reply = await arm.one(client, identifier, version, bucket)
    origin = Origin("azure", f"{identifier}?api-version={version} (verified)", collected_at=reply.at)
    resource = make(kind, identifier, reply.body, origin, version)
    if kind == live.REGISTRIES:
        try:
            preview = await arm.one(client, identifier, live.PREVIEW, bucket)
        except NotRead:
            return resource  # without the preview its own keys are unknown, no more
        more = make(kind, identifier, preview.body, origin, live.PREVIEW)
        resource = replace(
            resource,
            body=added(resource.body, more.body),
            hidden={**more.hidden, **resource.hidden},
            api_version=live.PREVIEW,
        )
    return resource


class Renewed:
    """A part in which some resources were read again; the order stays, because ids do."""

    def __init__(self, base: Part, answers: Mapping[str, Resource | None]) -> None:
        self._base = base
        self._answers = answers

    @property
    def type(self) -> str:
        """The ARM type."""
        return self._base.type

    def __iter__(self) -> Iterator[Resource]:
        for resource in self._base:
            found = self._answers.get(ids.normalise(resource.id), resource)
            if found is not None:
                yield replace(found, id=resource.id) if found is not resource else resource

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def differences(self) -> tuple[int, int]:
        """(resources whose properties differ, resources that are gone)."""
        changed = gone = 0
        for resource in self._base:
            key = ids.normalise(resource.id)
            if key in self._answers:
                found = self._answers[key]
                if found is None:
                    gone += 1
                elif stripped(found.body).get("properties") != stripped(resource.body).get("properties"):
                    changed += 1
        return changed, gone
