"""Who we are: the way to log in and its options come in, a credential comes out that asynchronous clients can use.

Source: https://learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import orjson
from azure.core.exceptions import ClientAuthenticationError

from scanner.errors import AuthenticationError, UsageError
from scanner.inventory._azure.clouds import Cloud

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

METHODS = (
    "default",
    "environment",
    "managed-identity",
    "workload-identity",
    "cli",
    "client-secret",
    "client-certificate",
    "device-code",
)


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in. Secrets are not options: they come from AZURE_CLIENT_SECRET and AZURE_CLIENT_CERTIFICATE_PASSWORD."""

    method: str = "default"
    tenant: str = ""
    client_id: str = ""
    certificate: str = ""


class Credential:
    """An asynchronous credential over one of azure-identity's synchronous ones (device code has no other form)."""

    def __init__(self, inner: Any, login: Login) -> None:
        self._inner = inner
        self._login = login
        self.lock = asyncio.Lock()

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A token. Raises `AuthenticationError` that says which credentials were tried and why each failed."""
        if self._login.tenant and "tenant_id" not in options and self._login.method in ("default", "cli"):
            options["tenant_id"] = self._login.tenant
        async with self.lock:
            try:
                token: AccessToken = await asyncio.to_thread(self._inner.get_token, *scopes, **options)
            except ClientAuthenticationError as error:
                raise refused(error, self._login.method) from error
        return token

    async def close(self) -> None:
        """Release what the credential holds."""
        self._inner.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()


def refused(error: ClientAuthenticationError, method: str) -> AuthenticationError:
    """What a user reads: the words of azure-identity, one attempt a line, without the links to its guide."""
    lines = [line.strip() for line in str(error.message).splitlines() if line.strip()]
    words = "\n  ".join(line for line in lines if not line.startswith("To mitigate this issue"))
    return AuthenticationError(
        f"no token from Azure ({method}): {words}",
        "",
        "Log in (az login), or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; "
        "`acrscan doctor` shows what was tried.",
    )


def credential_for(login: Login, cloud: Cloud, transport: Any) -> Credential:
    """The credential of a way to log in. Raises `UsageError` for options that are missing."""
    from azure import identity  # noqa: PLC0415 - heavy, and only needed live

    # Its attempts are told once, in the error; its own warnings would print them a second time.
    logging.getLogger("azure").addHandler(logging.NullHandler())

    common: dict[str, Any] = {"authority": cloud.authority, "transport": transport}
    if cloud.authority_host not in _KNOWN:
        common["disable_instance_discovery"] = True
    tenant = login.tenant or os.environ.get("AZURE_TENANT_ID", "")
    client = login.client_id or os.environ.get("AZURE_CLIENT_ID", "")
    try:
        return Credential(_made(identity, login, tenant, client, common), login)
    except (ValueError, OSError) as error:
        raise UsageError(
            f"--auth {login.method}: {error}", "", "Look at its options and variables."
        ) from error


def _made(identity: Any, login: Login, tenant: str, client: str, common: dict[str, Any]) -> Any:
    """The synchronous credential of azure-identity."""
    inner: Any
    match login.method:
        case "default":
            inner = identity.DefaultAzureCredential(
                **common, managed_identity_client_id=client or None, additionally_allowed_tenants=["*"]
            )
        case "environment":
            inner = identity.EnvironmentCredential(**common)
        case "managed-identity":
            inner = identity.ManagedIdentityCredential(
                client_id=client or None, transport=common["transport"]
            )
        case "workload-identity":
            inner = identity.WorkloadIdentityCredential(
                **common, tenant_id=tenant or None, client_id=client or None
            )
        case "cli":
            inner = identity.AzureCliCredential(tenant_id=login.tenant, additionally_allowed_tenants=["*"])
        case "client-secret":
            secret = _needed(os.environ.get("AZURE_CLIENT_SECRET", ""), "AZURE_CLIENT_SECRET", login)
            inner = identity.ClientSecretCredential(
                _needed(tenant, "--tenant", login), _needed(client, "--client-id", login), secret, **common
            )
        case "client-certificate":
            inner = identity.CertificateCredential(
                _needed(tenant, "--tenant", login),
                _needed(client, "--client-id", login),
                login.certificate or os.environ.get("AZURE_CLIENT_CERTIFICATE_PATH") or None,
                password=os.environ.get("AZURE_CLIENT_CERTIFICATE_PASSWORD"),
                **common,
            )
        case "device-code":
            options: dict[str, Any] = {"tenant_id": tenant} if tenant else {}
            inner = identity.DeviceCodeCredential(**common, **options)
        case _:
            raise UsageError(f"no way to log in called {login.method!r}", "", f"Known: {', '.join(METHODS)}.")
    return inner


_KNOWN = frozenset({"login.microsoftonline.com", "login.microsoftonline.us", "login.chinacloudapi.cn"})
"""Authorities that instance discovery knows; others are trusted as given."""


def _needed(value: str, what: str, login: Login) -> str:
    if not value:
        raise UsageError(f"--auth {login.method} needs {what}", "", "Give it, or use another --auth.")
    return value


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token, unchecked: only to show who we are. Empty for a token that is none of Entra's."""
    try:
        payload = token.split(".")[1]
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
