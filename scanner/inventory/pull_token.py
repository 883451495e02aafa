"""A login server and a repository come in, an access token comes out that may pull from this repository and do nothing else.

Our Azure login is exchanged for a token to read, never for one to write: whoever pushes logs in to the registry by other means.
"""

from __future__ import annotations

import asyncio

from scanner.errors import AuthenticationError, ScopeError
from scanner.inventory._acr_token import Tokens
from scanner.inventory._azure.client import Client, NotRead
from scanner.inventory._azure.clouds import Cloud
from scanner.inventory._azure.credentials import Login


def is_registry_of(cloud: Cloud, login_server: str) -> bool:
    """Whether a login server lies below the cloud's registry domain, the only place our Azure login may be sent to."""
    return login_server.lower().endswith(f".{cloud.registry_suffix}")


def pull_token(cloud: Cloud, login: Login, login_server: str, repository: str) -> str:
    """The token. Raises `AuthenticationError` where Azure or the registry gives none, `ScopeError` for a foreign host."""
    if not is_registry_of(cloud, login_server):
        raise ScopeError(f"{login_server} is no registry of {cloud.name}", "", "Name the cloud with --cloud.")
    return asyncio.run(_token(cloud, login, login_server, repository))


async def _token(cloud: Cloud, login: Login, login_server: str, repository: str) -> str:
    async with Client(cloud, login) as client:
        client.allowed.admit(login_server)
        try:
            headers = await Tokens(client, login_server).headers(f"repository:{repository}:pull")
        except NotRead as error:
            raise AuthenticationError(
                f"no token to pull: {error.reason}", f"{login_server}/{repository}", "AcrPull on the registry gives the right to pull."
            ) from error  # fmt: skip
    return headers["Authorization"].removeprefix("Bearer ")
