"""The data plane of one registry: its id and limits come in, repositories, tags and manifests come out, to the last page.

One request per call, eight at once. What was left out (a limit, a refusal, a network in between) is a problem, so that
rules about it are unknown. A redirect to another host is followed once, without our header.
Sources: https://learn.microsoft.com/rest/api/containerregistry/ (lists and their raw keys),
https://github.com/opencontainers/distribution-spec/blob/main/spec.md (manifests, referrers)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from scanner.inventory import artifacts
from scanner.inventory._acr_token import Sender, Tokens
from scanner.inventory._azure.allow import Kind, RefusedError
from scanner.inventory._azure.client import Call, NotRead, Reply
from scanner.inventory.making import make
from scanner.model.resource import Origin, Problem, Resource

REGISTRIES = "Microsoft.ContainerRegistry/registries"
REPOSITORIES = f"{REGISTRIES}/repositories"
MANIFESTS = f"{REPOSITORIES}/manifests"
TAGS = f"{REPOSITORIES}/tags"
KINDS = (REPOSITORIES, MANIFESTS, TAGS)
VERSION = "2021-07-01"
PAGE = 1000
AT_ONCE = 8
CATALOG = "registry:catalog:*"
_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.artifact.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ACCEPT = ", ".join(_TYPES)


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
        self._host = target.login_server.lower()
        self._sender = sender
        self._limits = limits
        self._tokens = Tokens(sender, target.login_server)
        self._principal = principal
        self._ends = sender.clock.monotonic() + limits.seconds
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def read(self) -> AsyncIterator[Reading]:
        """The catalog's problems first, then repository by repository."""
        first = Reading()
        names: list[str] = []
        try:
            names = [name async for name in self._catalog()]
        except NotRead as error:
            first.problems += [(kind, self._problem(self._target.id, error)) for kind in KINDS]
        chosen = [name for name in names if self._limits.takes(name)]
        if len(chosen) < len(names):
            left = len(names) - len(chosen)
            reason = f"{left:,} of {len(names):,} repositories were not asked for (patterns)"
            first.problems.append((REPOSITORIES, Problem(self._target.id, reason)))
        if len(chosen) > self._limits.repositories:
            reason = f"more than {self._limits.repositories:,} repositories: the rest was not read (--max-repositories)"
            first.problems += [(kind, Problem(self._target.id, reason)) for kind in KINDS]
            chosen = chosen[: self._limits.repositories]
        yield first
        for name in chosen:
            yield await self._repository(name)

    # -- requests ------------------------------------------------------------------------------------------------

    async def _get(self, url: str, scope: str, accept: str = "application/json") -> Reply:
        """One GET of the login server, with a token; a refused token is renewed once."""
        if self._sender.clock.monotonic() > self._ends:
            raise NotRead(
                f"the budget of {self._limits.seconds:,.0f} s for this registry is used up", None, "Deadline"
            )
        for attempt in (1, 2):
            headers = {**await self._tokens.headers(scope), "Accept": accept}
            try:
                reply = await self._sender.send(
                    Call("GET", url, Kind.LOGIN, self._host, headers, accept=(200, 301, 302, 303, 307, 308))
                )
            except NotRead as error:
                if error.status != 401 or attempt == 2:
                    raise
                self._tokens.drop(scope)
            else:
                return await self._redirected(reply, accept) if reply.status != 200 else reply
        raise AssertionError  # the second attempt returns or raises

    async def _redirected(self, reply: Reply, accept: str) -> Reply:
        """What a redirect leads to, on whatever host, without our header; only once and only over https."""
        place = urljoin(reply.url, reply.headers.get("location", ""))
        if urlsplit(place).scheme != "https":
            raise NotRead(f"redirected to {place[:60]!r}, not followed", reply.status)
        try:
            return await self._followed(place, accept)
        except RefusedError as error:
            raise NotRead(f"redirected to a place that is not asked: {error}", reply.status) from error

    async def _followed(self, place: str, accept: str) -> Reply:
        return await self._sender.send(
            Call("GET", place, Kind.DATA, urlsplit(place).netloc.lower(), {"Accept": accept})
        )

    async def _pages(self, path: str, scope: str) -> AsyncIterator[Reply]:
        """All pages of a list; each names the next one in its Link header."""
        url = f"https://{self._host}{path}?n={PAGE}"
        seen: set[str] = set()
        while url:
            if url in seen:
                raise NotRead("the list does not end: a page leads back to one that was read", None, "Loop")
            seen.add(url)
            reply = await self._get(url, scope)
            yield reply
            url = self._next(reply)

    def _next(self, reply: Reply) -> str:
        for link in reply.headers.get("link", "").split(","):
            target, _, rest = link.strip().partition(">")
            if 'rel="next"' in rest and target.startswith("<"):
                url = urljoin(f"https://{self._host}/", target[1:])
                if urlsplit(url).netloc.lower() != self._host:
                    raise NotRead(f"the next page is said to be at {urlsplit(url).netloc!r}, not asked for")
                return url
        return ""

    async def _catalog(self) -> AsyncIterator[str]:
        async for reply in self._pages("/acr/v1/_catalog", CATALOG):
            for name in _list(reply, "repositories"):
                if isinstance(name, str) and name:
                    yield name

    # -- one repository ------------------------------------------------------------------------------------------

    async def _repository(self, name: str) -> Reading:
        """A repository with its tags and manifests."""
        reading = Reading()
        identifier = f"{self._target.id}/repositories/{quote(name, safe='')}"
        scope = f"repository:{name}:metadata_read,pull"
        path = f"/acr/v1/{quote(name)}"
        try:
            reply = await self._get(f"https://{self._host}{path}", scope)
            body = reply.body if isinstance(reply.body, dict) else {}
            raw = {"id": identifier, "name": name, "properties": {**body, "imageName": name}}
            reading.resources.append(self._made(REPOSITORIES, identifier, raw, path, reply.at))
        except NotRead as error:
            reading.problems.append((REPOSITORIES, self._problem(identifier, error)))
        try:
            async for reply in self._pages(f"{path}/_tags", scope):
                for row in _list(reply, "tags"):
                    tag = f"{identifier}/tags/{quote(str(row.get('name')), safe='')}"
                    raw = {**row, "id": tag, "imageName": name, "registry": self._host}
                    reading.resources.append(self._made(TAGS, tag, raw, f"{path}/_tags", reply.at))
        except NotRead as error:
            reading.problems.append((TAGS, self._problem(identifier, error)))
        await self._manifests(name, identifier, scope, reading)
        return reading

    async def _manifests(self, name: str, identifier: str, scope: str, reading: Reading) -> None:
        rows: dict[str, dict[str, Any]] = {}
        at, complete = "", True
        path = f"/acr/v1/{quote(name)}/_manifests"
        try:
            async for reply in self._pages(path, scope):
                at = reply.at
                rows.update(
                    {
                        row["digest"]: row
                        for row in _list(reply, "manifests")
                        if isinstance(row.get("digest"), str)
                    }
                )
                if len(rows) > self._limits.manifests:
                    reason = f"more than {self._limits.manifests:,} manifests: the rest was not read (--max-manifests)"
                    reading.problems.append((MANIFESTS, Problem(identifier, reason)))
                    rows = dict(list(rows.items())[: self._limits.manifests])
                    complete = False
                    break
        except NotRead as error:
            reading.problems.append((MANIFESTS, self._problem(identifier, error)))
            complete = False
        contents = await self._contents(name, rows, scope)
        found = await self._referrers(name, rows, contents, scope)
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
            async with self._gate:
                try:
                    url = f"https://{self._host}/v2/{quote(name)}/manifests/{digest}"
                    body = (await self._get(url, scope, _ACCEPT)).body
                    found[digest] = body if isinstance(body, dict) else NotRead("the manifest is no object")
                except NotRead as error:
                    found[digest] = error

        await asyncio.gather(*(one(digest) for digest in rows))
        return found

    async def _referrers(
        self,
        name: str,
        rows: Mapping[str, Mapping[str, Any]],
        contents: Mapping[str, Any],
        scope: str,
    ) -> dict[str, list[dict[str, Any]]]:
        """What refers to each tagged image, as the registry says; a registry without the call says nothing."""
        found: dict[str, list[dict[str, Any]]] = {}
        tagged = [
            digest
            for digest, row in rows.items()
            if row.get("tags") and isinstance(contents[digest], dict) and "subject" not in contents[digest]
        ]

        async def one(digest: str) -> None:
            async with self._gate:
                try:
                    url = f"https://{self._host}/v2/{quote(name)}/referrers/{digest}"
                    reply = await self._get(url, scope, "application/vnd.oci.image.index.v1+json")
                    found[digest] = [item for item in _list(reply, "manifests") if isinstance(item, dict)]
                except NotRead as error:
                    if error.status != 404:
                        found[digest] = []

        await asyncio.gather(*(one(digest) for digest in tagged))
        return found

    def _made(self, kind: str, identifier: str, raw: Mapping[str, Any], path: str, at: str) -> Resource:
        origin = Origin("azure", f"{self._host}{path}", collected_at=at)
        return make(kind, identifier, raw, origin, VERSION)

    def _problem(self, scope: str, error: NotRead) -> Problem:
        """The cause in words that lead somewhere: the network, the firewall, or a missing role."""
        properties = self._target.properties
        reason = f"data plane of {self._host}: {error.reason}"
        if error.status in (None, 403) and str(properties.get("publicNetworkAccess")).lower() == "disabled":
            reason += " (closed to public networks: run where its private endpoint is reached)"
        if error.status not in (401, 403):
            return Problem(scope, reason, error.status)
        abac = str(properties.get("roleAssignmentMode")).lower() == "abacrepositorypermissions"
        action = f"{REPOSITORIES}/metadata/read" if abac else f"{REGISTRIES}/pull/read"
        roles = ("Container Registry Repository Reader", "Container Registry Repository Catalog Lister") if abac else ("AcrPull",)  # fmt: skip
        who = self._principal or "<object id of the scanner>"
        fix = " && ".join(
            f'az role assignment create --assignee-object-id {who} --role "{role}" --scope {self._target.id}'
            for role in roles
        )
        return Problem(scope, reason, error.status, action, fix)


def _list(reply: Reply, key: str) -> list[Any]:
    """The rows of an answer; a repository without tags or manifests may answer null. Raises `NotRead`."""
    body = reply.body
    rows = body.get(key) if isinstance(body, dict) else None
    if rows is None and isinstance(body, dict):
        return []
    if not isinstance(rows, list) or (
        key != "repositories" and not all(isinstance(row, dict) for row in rows)
    ):
        raise NotRead(f"the answer holds no {key}", reply.status)
    return rows
