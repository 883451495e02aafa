"""The data plane of registries (stand-in until its own contents are there)."""

from __future__ import annotations

from typing import Any

from aiohttp import web


async def handle(request: web.Request, server: Any) -> web.StreamResponse:
    """Nothing yet."""
    return web.json_response({"errors": [{"code": "NOT_FOUND", "message": request.path}]}, status=404)
