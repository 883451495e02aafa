"""Answers: values come in, responses as Azure writes them come out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from tests.azure_server.kinds import action_of, split

CLIENT = "0b1e0000-0000-4000-8000-0000000000aa"
"""The application that logs in."""
SCANNER = "0b1e0000-0000-4000-8000-0000000000ab"
"""The object id of its service principal."""


def raw(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON response of bytes."""
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON response."""
    return raw(orjson.dumps(body), status, headers)


def error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error of Azure Resource Manager."""
    return answer({"error": {"code": code, "message": message}}, status, headers)


def refusal(path: str, action: str = "") -> dict[str, Any]:
    """The body of a 403 for a path: the action and the scope that it is refused on."""
    scope, _, named = split(path.lower())
    owner = path if named else path.rpartition("/")[0]
    if not named and owner.count("/") == scope.count("/") + 2:  # a list of a provider's own types
        owner = path[: len(scope)]
    message = (
        f"The client '{CLIENT}' with object id '{SCANNER}' does not have authorization to perform action "
        f"'{action or action_of(path.lower())}' over scope '{owner or '/'}' or the scope is invalid. If access was "
        "recently granted, please refresh your credentials."
    )
    return {"error": {"code": "AuthorizationFailed", "message": message}}


def gone(path: str) -> web.Response:
    """404 for a resource that is not there."""
    parts = path.split("/")
    if len(parts) > 4 and parts[3].lower() == "resourcegroups":
        place = (
            f"'{'/'.join(path.rpartition('/providers/')[2].split('/'))}' under resource group '{parts[4]}'"
        )
    else:
        place = f"'{path}'"
    return error(
        404,
        "ResourceNotFound",
        f"The Resource {place} was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def expired(login: str, tenant: str) -> web.Response:
    """401: the token is missing or has ended."""
    challenge = f'Bearer authorization_uri="https://{login}/{tenant}", error="invalid_token", error_description="The access token expiry UTC time is earlier than current UTC time."'  # fmt: skip
    return error(401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.", {"WWW-Authenticate": challenge})  # fmt: skip
