"""Clouds: a name, and overrides of a user, come in; endpoints and token scopes come out.

Source: https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure (endpoints),
https://learn.microsoft.com/azure/china/resources-developer-guide
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from scanner.errors import UsageError

ACR_SCOPE = "https://containerregistry.azure.net/.default"
"""What a token for the exchange at a registry is asked for, in every cloud.

Source: https://learn.microsoft.com/azure/container-registry/container-registry-authentication-managed-identity
"""


@dataclass(frozen=True, slots=True)
class Cloud:
    """One cloud. URLs without a slash at the end; `scope` is what tokens for Azure Resource Manager are asked for."""

    name: str
    resource_manager: str
    authority: str
    scope: str
    registry_suffix: str

    @property
    def arm_host(self) -> str:
        """The host (with port where it is not 443) of Azure Resource Manager."""
        return urlsplit(self.resource_manager).netloc

    @property
    def authority_host(self) -> str:
        """The host of the authority."""
        return urlsplit(self.authority).netloc


_CLOUDS = (
    Cloud("AzureCloud", "https://management.azure.com", "https://login.microsoftonline.com", "https://management.azure.com/.default", "azurecr.io"),
    Cloud("AzureUSGovernment", "https://management.usgovcloudapi.net", "https://login.microsoftonline.us", "https://management.core.usgovcloudapi.net/.default", "azurecr.us"),
    Cloud("AzureChinaCloud", "https://management.chinacloudapi.cn", "https://login.chinacloudapi.cn", "https://management.core.chinacloudapi.cn/.default", "azurecr.cn"),
)  # fmt: skip
_NAMES = {
    **{cloud.name.lower(): cloud for cloud in _CLOUDS},
    "azure_public_cloud": _CLOUDS[0],
    "azurepubliccloud": _CLOUDS[0],
    "public": _CLOUDS[0],
    "azure_us_government": _CLOUDS[1],
    "usgov": _CLOUDS[1],
    "azure_china_cloud": _CLOUDS[2],
    "china": _CLOUDS[2],
}
CHOICES = tuple(cloud.name for cloud in _CLOUDS)


def cloud_of(name: str = "", authority: str = "", resource_manager: str = "") -> Cloud:
    """The cloud of a name (or of AZURE_CLOUD, or the public one), with overrides (or AZURE_AUTHORITY_HOST).

    Raises `UsageError` for a name nobody knows and for an override that is no https URL.
    """
    given = name or os.environ.get("AZURE_CLOUD", "") or CHOICES[0]
    found = _NAMES.get(given.lower())
    if found is None:
        raise UsageError(f"no cloud {given!r}", "", f"Known: {', '.join(CHOICES)}.")
    authority = authority or os.environ.get("AZURE_AUTHORITY_HOST", "")
    if authority and "://" not in authority:
        authority = f"https://{authority}"
    return Cloud(
        found.name,
        _checked(resource_manager, "--resource-manager") or found.resource_manager,
        _checked(authority, "--authority") or found.authority,
        f"{_checked(resource_manager, '--resource-manager')}/.default" if resource_manager else found.scope,
        found.registry_suffix,
    )


def _checked(url: str, what: str) -> str:
    if not url:
        return ""
    split = urlsplit(url)
    if split.scheme != "https" or not split.netloc or split.query or "@" in split.netloc:
        raise UsageError(
            f"{what} {url!r} is no https address", "", "Write it as https://management.example.com."
        )
    return url.rstrip("/")
