"""The data plane of one registry: its id and limits come in, repositories, tags and manifests come out, to the last page.

What was left out (a limit, a refusal, a network in between) is a problem, so that rules about it are unknown.

Referrers: a registry lists signatures among its manifests, and their contents name their subject; `acr purge` relies on
the same (https://github.com/Azure/acr-cli/pull/188). Listing referrers is the slowest thing a registry does (250 a minute
and identity), so it is asked for the tagged images of a repository only where not every manifest was read. Elsewhere the
first tagged images of the registry are a check of that premise: one referrer that no list names, and all are asked.
Sources: https://learn.microsoft.com/rest/api/containerregistry/ (lists and their raw keys),
https://github.com/opencontainers/distribution-spec/blob/main/spec.md (manifests, referrers),
https://learn.microsoft.com/azure/container-registry/container-registry-skus (limits)
"""

from __future__ import annotations

import asyncio
import re
import shlex
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple
from urllib.parse import quote

from scanner.inventory import artifacts
from scanner.inventory._acr_token import Sender
from scanner.inventory._acr_wire import AT_ONCE, PAGE, Wire
from scanner.inventory._azure.client import NotRead
from scanner.inventory.making import make
from scanner.model.resource import Origin, Problem, Resource

REGISTRIES = "Microsoft.ContainerRegistry/registries"
REPOSITORIES = f"{REGISTRIES}/repositories"
MANIFESTS = f"{REPOSITORIES}/manifests"
TAGS = f"{REPOSITORIES}/tags"
KINDS = (REPOSITORIES, MANIFESTS, TAGS)
VERSION = "2021-07-01"
CATALOG = "registry:catalog:*"
CHECKS = 100
"""Tagged images of a registry whose referrers are asked for although every manifest was read."""
_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.artifact.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ACCEPT = ", ".join(_TYPES)
_DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-zA-Z=_-]{1,256}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What is read of each registry: patterns of repository names, numbers, and seconds for all of it."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    repositories: int = 500
    manifests: int = 2000
    seconds: float = 900.0

    def takes(self, name: str) -> bool:
        """Whether a repository is asked for."""
        lowered = name.lower()
        chosen = not self.include or any(fnmatchcase(lowered, one.lower()) for one in self.include)
        return chosen and not any(fnmatchcase(lowered, one.lower()) for one in self.exclude)


class Target(NamedTuple):
    """The registry: its resource id, login server, and the properties that explain a refusal."""

    id: str
    login_server: str
    properties: Mapping[str, Any]


@dataclass(slots=True)
class Reading:
    """What one repository (or the catalog) gave."""

    resources: list[Resource] = field(default_factory=list)
    problems: list[tuple[str, Problem]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class DataPlane:
    """Reads one registry."""

    def __init__(self, target: Target, sender: Sender, limits: Limits, principal: str = "") -> None:
        self._target = target
        self._limits = limits
        self._principal = principal
        self._wire = Wire(sender, target.login_server, limits.seconds)
        self._host = self._wire.host
        self._checks = CHECKS
        self._leaves_out = False

    async def read(self) -> AsyncIterator[Reading]:
        """The catalog's problems first, then repository by repository; a few are read ahead, no more are held."""
        first = Reading()
        names: list[str] = []
        try:
            async for name, _ in self._wire.rows(f"/acr/v1/_catalog?n={PAGE}", CATALOG, "repositories"):
                names.append(name)
        except NotRead as error:
            first.problems += [(kind, self._problem(kind, self._target.id, error)) for kind in KINDS]
        chosen = [name for name in names if self._limits.takes(name)]
        if len(chosen) < len(names):
            left = len(names) - len(chosen)
            reason = f"{left:,} of {len(names):,} repositories were not asked for (patterns)"
            first.problems.append((REPOSITORIES, Problem(self._target.id, reason, chosen=True)))
        if len(chosen) > self._limits.repositories:
            reason = f"more than {self._limits.repositories:,} repositories: the rest was not read (--max-repositories)"
            first.problems.append((REPOSITORIES, Problem(self._target.id, reason)))
            chosen = chosen[: self._limits.repositories]
        yield first
        ahead: deque[asyncio.Task[Reading]] = deque()
        try:
            for name in chosen:
                ahead.append(asyncio.create_task(self._repository(name)))
                if len(ahead) >= AT_ONCE:
                    yield await ahead.popleft()
            while ahead:
                yield await ahead.popleft()
        finally:
            for task in ahead:
                task.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)

    # -- one repository ------------------------------------------------------------------------------------------

    async def _repository(self, name: str) -> Reading:
        """A repository with its tags and manifests."""
        reading = Reading()
        identifier = f"{self._target.id}/repositories/{quote(name, safe='')}"
        scope = f"repository:{name}:metadata_read,pull"
        path = f"/acr/v1/{quote(name)}"
        try:
            body, at = await self._wire.object(path, scope)
            raw = {"id": identifier, "name": name, "properties": {**body, "imageName": name}}
            reading.resources.append(self._made(REPOSITORIES, identifier, raw, path, at))
        except NotRead as error:
            reading.problems.append((REPOSITORIES, self._problem(REPOSITORIES, identifier, error)))
        try:
            async for row, reply in self._wire.rows(f"{path}/_tags?n={PAGE}", scope, "tags", "name"):
                tag = f"{identifier}/tags/{quote(row['name'], safe='')}"
                raw = {**row, "id": tag, "imageName": name, "registry": self._host}
                reading.resources.append(self._made(TAGS, tag, raw, f"{path}/_tags", reply.at))
        except NotRead as error:
            reading.problems.append((TAGS, self._problem(TAGS, identifier, error)))
        await self._manifests(name, identifier, scope, reading)
        return reading

    async def _manifests(self, name: str, identifier: str, scope: str, reading: Reading) -> None:
        rows: dict[str, dict[str, Any]] = {}
        at, complete = "", True
        path = f"/acr/v1/{quote(name)}/_manifests"
        try:
            async for row, reply in self._wire.rows(f"{path}?n={PAGE}", scope, "manifests", "digest"):
                if len(rows) >= self._limits.manifests:
                    reason = f"more than {self._limits.manifests:,} manifests: the rest was not read (--max-manifests)"
                    reading.problems.append((MANIFESTS, Problem(identifier, reason)))
                    complete = False
                    break
                rows[_digest(row)] = row
                at = reply.at
        except NotRead as error:
            reading.problems.append((MANIFESTS, self._problem(MANIFESTS, identifier, error)))
            complete = False
        contents = await self._contents(name, rows, scope)
        found, trouble = await self._referrers(name, rows, contents, scope, complete=complete)
        if trouble:
            reading.problems.append((MANIFESTS, self._problem(MANIFESTS, identifier, trouble)))
        for known in artifacts.joined(rows, contents, found, complete=complete):
            manifest = f"{identifier}/manifests/{known.row['digest']}"
            raw = {**known.row, "id": manifest, "imageName": name, "registry": self._host}
            resource = self._made(MANIFESTS, manifest, raw, path, at)
            reading.resources.append(artifacts.marked(resource, known.unread))

    async def _contents(
        self, name: str, rows: Iterable[str], scope: str
    ) -> dict[str, dict[str, Any] | NotRead]:
        """The manifest of each digest, or why it was not read."""
        found: dict[str, dict[str, Any] | NotRead] = {}

        async def one(digest: str) -> None:
            try:
                body = (await self._wire.get(f"/v2/{quote(name)}/manifests/{digest}", scope, _ACCEPT)).body
            except NotRead as error:
                found[digest] = error
            else:
                reason = artifacts.unusable(body)
                found[digest] = NotRead(reason) if reason else body

        await _each(rows, one)
        return found

    async def _referrers(
        self,
        name: str,
        rows: Mapping[str, Mapping[str, Any]],
        contents: Mapping[str, dict[str, Any] | NotRead],
        scope: str,
        *,
        complete: bool,
    ) -> tuple[dict[str, list[dict[str, Any]]], NotRead | None]:
        """(what refers to tagged images as the registry says, why that is needed and not known). See the top."""
        found: dict[str, list[dict[str, Any]]] = {}
        failed: list[NotRead] = []
        whole = complete and not any(isinstance(content, NotRead) for content in contents.values())
        tagged = [
            digest
            for digest, row in rows.items()
            if row.get("tags") and _subject(contents[digest]) is None  # what refers to an image is not signed
        ]

        async def one(digest: str) -> None:
            path = f"/v2/{quote(name)}/referrers/{digest}"
            try:
                items = [
                    item async for item, _ in self._wire.rows(path, scope, "manifests", "digest", _TYPES[0])
                ]
            except NotRead as error:
                if error.status != 404:  # the registry has no such call: subjects of manifests must do
                    failed.append(error)
            else:
                found[digest] = [item for item in items if _DIGEST.fullmatch(item["digest"])]

        if whole and not self._leaves_out:
            checked, tagged = tagged[: self._checks], tagged[self._checks :]
            self._checks -= len(checked)
            await _each(checked, one)
            self._leaves_out = any(item["digest"] not in rows for items in found.values() for item in items)
            if not self._leaves_out:
                return found, None
        await _each(tagged, one)
        return found, failed[0] if failed and self._leaves_out else None

    def _made(self, kind: str, identifier: str, raw: Mapping[str, Any], path: str, at: str) -> Resource:
        origin = Origin("azure", f"{self._host}{path}", collected_at=at)
        return make(kind, identifier, raw, origin, VERSION)

    def _problem(self, kind: str, scope: str, error: NotRead) -> Problem:
        """The cause in words that lead somewhere: the network, the firewall, or a missing role.

        Source: https://learn.microsoft.com/azure/container-registry/container-registry-troubleshoot-access
        """
        properties = self._target.properties
        reason = f"data plane of {self._host}: {error.reason}"
        firewall = error.status == 403 and "not allowed access" in error.reason.lower()
        if error.status in (None, 403) and str(properties.get("publicNetworkAccess")).lower() == "disabled":
            reason += " (closed to public networks: run where its private endpoint is reached)"
        elif firewall:
            reason += " (the registry's network rules: run from a network that they allow)"
        if error.status not in (401, 403) or firewall:  # no role opens a firewall
            return Problem(scope, reason, error.status)
        abac = str(properties.get("roleAssignmentMode")).lower() == "abacrepositorypermissions"
        needed = f"{REGISTRIES}/catalog/read" if kind == REPOSITORIES and scope == self._target.id else f"{REPOSITORIES}/metadata/read"  # fmt: skip
        action = needed if abac else f"{REGISTRIES}/pull/read"
        roles = ("Container Registry Repository Reader", "Container Registry Repository Catalog Lister") if abac else ("AcrPull",)  # fmt: skip
        who = self._principal or "<object id of the scanner>"
        fix = " && ".join(
            f'az role assignment create --assignee-object-id {who} --role "{role}" --scope {shlex.quote(self._target.id)}'
            for role in roles
        )
        return Problem(scope, reason, error.status, action, fix)


def _digest(row: Mapping[str, Any]) -> str:
    """The digest of a row, which becomes part of addresses. Raises `NotRead` for what is none."""
    found: str = row["digest"]
    if not _DIGEST.fullmatch(found):
        raise NotRead(f"a manifest's digest is none: {found[:40]!r}")
    return found


def _subject(content: dict[str, Any] | NotRead) -> Any:
    """What a manifest refers to, where that was read."""
    return content.get("subject") if isinstance(content, dict) else None


async def _each(items: Iterable[str], work: Callable[[str], Awaitable[None]]) -> None:
    """Do the work for each item, a few at once; there is never a task per item."""
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            await work(item)

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
