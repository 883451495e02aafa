"""Registries: requests for a login server come in, the registry protocol with its token flow comes out.

Entra tokens are exchanged for refresh tokens, these for access tokens of a scope; lists have pages with a Link header; closed
registries refuse everybody. Contents are those of `tests.estate.images`.
"""

from __future__ import annotations

import base64
import time
from typing import Any
from urllib.parse import quote, unquote

import orjson
from aiohttp import web

from tests.estate import build, images
from tests.estate.images import Manifest, Repositories

Json = dict[str, Any]
PAGE = 100
"""Rows of a page when the client asks for no number."""


class Registries:
    """The data planes of all registries. `open`: closed registries that the client may reach all the same."""

    def __init__(self) -> None:
        self.contents: dict[str, Repositories] = {}
        self.open: set[str] = set()
        self.refused: set[str] = set()
        """Registries on which our identity holds no role."""
        self.referrers = True
        self.unlisted = False
        """Whether lists of manifests leave out what refers to others."""
        self.redirect: set[str] = set()
        """Repositories whose manifests lie behind a redirect to another host."""
        self.blobs: dict[str, bytes] = {}
        self.issued: list[tuple[str, str, str]] = []
        """(kind, registry, scope) of every token."""
        self.refresh: dict[str, str] = {}
        """Refresh token -> registry; take one away to have it refused."""
        self.access: dict[str, tuple[str, str, float]] = {}
        self.realm = ""

    def content(self, name: str) -> Repositories:
        """The repositories of a registry."""
        if name not in self.contents:
            self.contents[name] = images.content(name)
        return self.contents[name]


async def handle(request: web.Request, server: Any) -> web.StreamResponse:
    """Answer one request for a registry or for what it redirects to."""
    held: Registries = server.registries
    host = request.host.lower()
    if host.endswith(".blob.core.windows.net"):
        raw = held.blobs.get(request.path)
        if "Authorization" in request.headers:
            server.forbidden.append(f"our header went to {host}")
        return (
            web.Response(body=raw, content_type=images.OCI) if raw is not None else web.Response(status=404)
        )
    name = host.partition(".")[0]
    closed = build.BY_NAME.get(name, {}).get("properties", {}).get("publicNetworkAccess") == "Disabled"
    if closed and name not in held.open:
        return _error(403, "DENIED", "client with IP '203.0.113.99' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.")  # fmt: skip
    if request.method == "POST" and request.path in ("/oauth2/exchange", "/oauth2/token"):
        return await _tokens(request, server, held, name)
    if request.method != "GET":
        server.forbidden.append(f"{request.method} {host}{request.path}")
        return _error(405, "UNSUPPORTED", "not here")
    if request.path == "/v2/":
        return _challenge(held, host, "")
    return _read(request, held, name, host)


def _challenge(held: Registries, host: str, scope: str) -> web.Response:
    realm = held.realm or f"https://{host}/oauth2/token"
    more = f',scope="{scope}",error="invalid_token"' if scope else ""
    header = f'Bearer realm="{realm}",service="{host}"{more}'
    return _error(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": header})


async def _tokens(request: web.Request, server: Any, held: Registries, name: str) -> web.Response:
    form = await request.post()
    if form.get("service") != request.host.lower():
        return _error(400, "BADREQUEST", "service")
    if request.path == "/oauth2/exchange":
        known = server.tokens.get(str(form.get("access_token")), 0.0) > time.monotonic()
        if not known or name in held.refused:
            return _error(401, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization for more information.")  # fmt: skip
        held.issued.append(("refresh", name, ""))
        refresh = _token(f"{name} {len(held.issued)}", 3 * 3600, "refresh")
        held.refresh[refresh] = name
        return _json({"refresh_token": refresh})
    if form.get("grant_type") != "refresh_token" or held.refresh.get(str(form.get("refresh_token"))) != name:
        return _error(401, "UNAUTHORIZED", "authentication required")
    scope = str(form.get("scope"))
    held.issued.append(("access", name, scope))
    token = _token(f"{name} {scope} {len(held.issued)}", 4500, "access")
    held.access[token] = (name, scope, time.monotonic() + 4500)
    return _json({"access_token": token})


def _token(subject: str, seconds: int, kind: str) -> str:
    claims = {"kind": kind, "sub": subject, "exp": int(time.time()) + seconds}
    parts = (orjson.dumps({"alg": "none"}), orjson.dumps(claims), b"test")
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _read(request: web.Request, held: Registries, name: str, host: str) -> web.Response:
    path = unquote(request.path)
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    of, scope, ends = held.access.get(token, ("", "", 0.0))
    needed = _needed(path)
    place, _, action = needed.rpartition(":")
    granted, _, actions = scope.rpartition(":")
    if of != name or ends < time.monotonic() or granted != place or action not in actions.split(","):
        return _challenge(held, host, needed)
    content = held.content(name)
    if path == "/acr/v1/_catalog":
        return _page(request, "repositories", sorted(content))
    repository = _repository(path)
    if repository not in content:
        return _error(404, "NAME_UNKNOWN", "repository name not known to registry")
    manifests = content[repository]
    tail = path.partition(f"/{repository}")[2].strip("/")
    match tail.split("/"):
        case [""]:
            return _json({"registry": host, **_attributes(repository, manifests)})
        case ["_tags"]:
            return _page(request, "tags", _tag_rows(manifests), {"registry": host, "imageName": repository})
        case ["_manifests"]:
            listed = [one for one in manifests if not held.unlisted or "subject" not in one.content]
            rows = sorted((one.row() for one in listed), key=lambda row: str(row["digest"]))
            return _page(request, "manifests", rows, {"registry": host, "imageName": repository})
        case ["manifests", reference]:
            return _manifest(held, manifests, repository, reference, request.headers.get("Accept", ""))
        case ["blobs", digest] if f"/{repository}/{digest}" in held.blobs:
            return web.Response(
                status=307,
                headers={"Location": f"https://store1.blob.core.windows.net/{repository}/{digest}"},
            )
        case ["referrers", digest] if held.referrers:
            return _referrers(manifests, digest)
        case _:
            return _error(404, "NOT_FOUND", path)


def _needed(path: str) -> str:
    """The scope that a path asks for: lists want metadata, contents a pull."""
    if path == "/acr/v1/_catalog":
        return "registry:catalog:*"
    return f"repository:{_repository(path)}:{'pull' if path.startswith('/v2/') else 'metadata_read'}"


def _repository(path: str) -> str:
    for start in ("/acr/v1/", "/v2/"):
        if path.startswith(start):
            path = path.removeprefix(start)
    for leaf in ("/_tags", "/_manifests", "/manifests/", "/blobs/", "/referrers/"):
        path = path.partition(leaf)[0]
    return path


def _attributes(repository: str, manifests: list[Manifest]) -> Json:
    return {
        "imageName": repository,
        "createdTime": images.OLD,
        "lastUpdateTime": images.NEW,
        "manifestCount": len(manifests),
        "tagCount": sum(len(one.tags) for one in manifests),
        "changeableAttributes": {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True, "teleportEnabled": False},
    }  # fmt: skip


def _tag_rows(manifests: list[Manifest]) -> list[Json]:
    rows = [
        {"name": tag, "digest": one.digest, "createdTime": one.changed, "lastUpdateTime": one.changed, "signed": False, "changeableAttributes": one.row()["changeableAttributes"]}
        for one in manifests
        for tag in one.tags
    ]  # fmt: skip
    return sorted(rows, key=lambda row: row["name"])


def _page(request: web.Request, key: str, rows: list[Any], more: Json | None = None) -> web.Response:
    """A page; `last` is the key of the last row that was given."""

    def named(row: Any) -> str:
        return row if isinstance(row, str) else row.get("name") or row["digest"]

    number = int(request.query.get("n", PAGE))
    last = request.query.get("last", "")
    rest = [row for row in rows if named(row) > last]
    headers = {}
    if len(rest) > number:
        place = f"{quote(unquote(request.path))}?last={quote(named(rest[number - 1]), safe='')}&n={number}&orderby="
        headers["Link"] = f'<{place}>; rel="next"'
    return _json({**(more or {}), key: rest[:number] or None}, headers=headers)


def _manifest(
    held: Registries, manifests: list[Manifest], repository: str, reference: str, accept: str
) -> web.Response:
    for one in manifests:
        if reference in (one.digest, *one.tags) and one.content["mediaType"] in accept:
            if repository in held.redirect:
                place = f"/{repository}/{one.digest}"
                held.blobs[place] = one.raw
                return web.Response(
                    status=307, headers={"Location": f"https://store1.blob.core.windows.net{place}"}
                )
            return web.Response(body=one.raw, content_type=one.content["mediaType"], headers={"Docker-Content-Digest": one.digest})  # fmt: skip
    return _error(404, "MANIFEST_UNKNOWN", "manifest unknown")


def _referrers(manifests: list[Manifest], digest: str) -> web.Response:
    rows = [
        {"mediaType": one.content["mediaType"], "digest": one.digest, "size": len(one.raw), "artifactType": one.content.get("artifactType")}
        for one in manifests
        if one.content.get("subject", {}).get("digest") == digest
    ]  # fmt: skip
    return _json({"schemaVersion": 2, "mediaType": images.INDEX, "manifests": rows})


def _json(body: Any, status: int = 200, headers: Json | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(body), status=status, content_type="application/json", headers=headers
    )


def _error(status: int, code: str, message: str, headers: Json | None = None) -> web.Response:
    return _json({"errors": [{"code": code, "message": message}]}, status, headers)
