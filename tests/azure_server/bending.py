"""What faults do: a request and perhaps its right answer come in, the broken answer comes out."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiohttp import web
from multidict import CIMultiDict

from tests.azure_server.answers import answer, refusal
from tests.azure_server.faults import Fault
from tests.azure_server.kinds import split

_WORDS = {
    404: ("ResourceNotFound", "The Resource was not found."),
    408: ("RequestTimeout", "The request timed out."),
    429: ("TooManyRequests", "The request is being throttled."),
    500: ("InternalServerError", "Encountered internal server error."),
    502: ("BadGateway", "The gateway did not receive a response from the provider."),
    503: ("ServiceUnavailable", "The service is unavailable now, please retry."),
    504: ("GatewayTimeout", "The gateway did not receive a response within the specified time period."),
}


def strike(request: web.Request, fault: Fault, tenant: str) -> web.Response:
    """What comes instead of an answer: a status, a page, or a connection that is closed."""
    if fault.kind == "reset":
        if request.transport is not None:
            request.transport.abort()
        return web.Response()  # goes nowhere
    if fault.kind == "html":
        page = "<html><body>Please log in to the proxy</body></html>"
        return web.Response(text=page, content_type="text/html")
    headers = dict(fault.headers)
    if fault.status == 401 and request.host.lower().startswith("management."):
        headers.setdefault("WWW-Authenticate", f'Bearer authorization_uri="https://login.microsoftonline.com/{tenant}", error="invalid_token"')  # fmt: skip
    return answer(_body(request, fault.status) if fault.body is None else fault.body, fault.status, headers)


def _body(request: web.Request, status: int) -> Any:
    """The words of Azure Resource Manager for a status."""
    if status == 403:
        return refusal(request.path)
    if status == 409:
        provider = split(request.path.lower())[1].partition("/")[0]
        words = f"The subscription is not registered to use namespace '{provider}'. See https://aka.ms/rps-not-found for how to register subscriptions."
        return {"error": {"code": "MissingSubscriptionRegistration", "message": words}}
    code, words = _WORDS.get(status, (f"Status{status}", "scripted"))
    return {"error": {"code": code, "message": words}}


async def bend(request: web.Request, response: web.StreamResponse, fault: Fault) -> web.StreamResponse:
    """The right answer, broken."""
    if not isinstance(response, web.Response):
        return response
    body = response.body if isinstance(response.body, bytes) else b""
    kept = CIMultiDict(
        (key, value)
        for key, value in response.headers.items()
        if key.lower() not in ("content-length", "content-type")
    )
    if fault.kind in ("slow", "truncated"):
        return await _held_up(request, response, fault, body, kept)
    kept.update(fault.headers)
    try:
        value = orjson.loads(body) if body else {}
    except ValueError:  # no JSON to break
        value = None
    if not isinstance(value, dict):
        return web.Response(
            body=body, status=response.status, content_type=response.content_type, headers=kept
        )
    return answer(await _changed(request, fault, value), response.status, kept)


async def _held_up(request: web.Request, response: web.Response, fault: Fault, body: bytes, kept: CIMultiDict[str]) -> web.StreamResponse:  # fmt: skip
    """The headers at once; the body late, or only its first half."""
    kept["Content-Type"] = response.headers.get("Content-Type", "application/json")
    kept["Content-Length"] = str(len(body))
    late = web.StreamResponse(status=response.status, headers=kept)
    await late.prepare(request)
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
        await late.write(body)
        await late.write_eof()
        return late
    await late.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return late


async def _changed(request: web.Request, fault: Fault, body: dict[str, Any]) -> Any:
    """The JSON of an answer, broken. Lists of ARM, states of Policy Insights and rows of Resource Graph name the next page each in their way."""
    if fault.kind == "body" and fault.change is not None:
        return fault.change(body)
    graph = "data" in body
    link = "$skipToken" if graph else "@odata.nextLink" if "@odata.count" in body else "nextLink"
    if fault.kind in ("loop", "duplicate"):
        here = f"https://{request.host}{request.path_qs}"
        if graph:
            asked = orjson.loads(await request.read())
            token = (asked.get("options") or {}).get("$skipToken") or "0"
            return {**body, link: token, "resultTruncated": "true"}
        # A client sees a loop by its address; a page that comes twice has another one.
        return {**body, link: here if fault.kind == "loop" else f"{here}&again=1"}
    if fault.kind == "shrink":
        short = {key: value for key, value in body.items() if key != link}
        return (
            {**short, "data": [], "count": 0, "resultTruncated": "false"} if graph else {**short, "value": []}
        )
    return body
