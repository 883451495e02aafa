"""The allow-list: every operation of the SDK packages is tried; only reads and the named queries reach the transport."""

from __future__ import annotations

import asyncio
import inspect
import re
from importlib import import_module
from pkgutil import iter_modules

import azure.mgmt.containerregistry.operations as registry_operations
import azure.mgmt.policyinsights.operations as policy_operations
import pytest
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest import HttpRequest
from azure.mgmt.core import AsyncARMPipelineClient

from scanner.inventory._azure.allow import KIND, AllowList, AllowListPolicy, Kind, RefusedError

ARM = "https://management.azure.com"
SUB = "11111111-1111-4111-8111-111111111111"
DUMMIES = {
    "subscription_id": SUB,
    "policy_states_resource": "latest",
    "policy_events_resource": "default",
    "policy_tracked_resources_resource": "default",
    "resource_id": f"subscriptions/{SUB}/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r",
    "next_link": f"/subscriptions/{SUB}/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults",
    "management_group_name": "platform",
}
QUERY = re.compile(
    rf"/(subscriptions/{SUB}|providers/Microsoft.Management/managementGroups/\w+)"
    r"/providers/Microsoft.PolicyInsights/policyStates/latest/(queryResults|summarize)"
)
SECRETS = {
    "listCredentials",
    "regenerateCredential",
    "generateCredentials",
    "getCallbackConfig",
    "listEvents",
    "importImage",
    "ping",
    "deactivate",
}


class LeftError(Exception):
    """A request reached the transport."""


class Wire(AsyncHttpTransport):
    """Where requests leave the program; here they are caught."""

    async def send(self, request, **kwargs):
        raise LeftError(request.method)

    async def open(self):
        pass

    async def close(self):
        pass

    async def __aexit__(self, *details):
        pass


def builders():
    """Every function of both packages that builds a request."""
    for package in (registry_operations, policy_operations):
        for module in iter_modules(package.__path__):
            loaded = import_module(f"{package.__name__}.{module.name}")
            for name, function in vars(loaded).items():
                if name.startswith("build_") and inspect.isfunction(function):
                    yield pytest.param(function, id=f"{package.__name__.split('.')[2]}.{module.name}.{name}")


def built(function):
    given = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is not parameter.VAR_KEYWORD and parameter.default is parameter.empty:
            given[name] = DUMMIES.get(name, "abcde")
    return function(**given)


def leaves(request, kind=None):
    """Whether a request reaches the transport of a pipeline with the allow-list."""
    allowed = AllowList("management.azure.com", "login.microsoftonline.com")
    allowed.admit("contoso.azurecr.io")

    async def go():
        client: AsyncARMPipelineClient = AsyncARMPipelineClient(
            base_url=ARM, policies=[AllowListPolicy(allowed)], transport=Wire()
        )
        if not request.url.startswith("http"):
            request.url = client.format_url(request.url)
        options = {KIND: kind} if kind else {}
        try:
            await client.send_request(request, **options)
        except LeftError:
            return True
        except RefusedError:
            return False
        raise AssertionError("neither sent nor refused")

    return asyncio.run(go())


@pytest.mark.parametrize("function", list(builders()))
def test_no_operation_of_the_sdk_writes_or_reveals(function):
    """What leaves is a GET, or one of the two policy queries; nothing with a secret in its answer."""
    request = built(function)
    path = request.url.split("?")[0]
    query = request.method == "POST" and QUERY.fullmatch(path) is not None
    assert leaves(request) is (request.method == "GET" or query)
    assert path.rpartition("/")[2] not in SECRETS or not leaves(built(function))


def test_the_packages_do_hold_what_must_not_leave():
    """The enumeration would be worth nothing if it had missed the operations that return secrets."""
    found = {built(item.values[0]).url.split("?")[0].rpartition("/")[2] for item in builders()}
    assert found >= SECRETS
    methods = {built(item.values[0]).method for item in builders()}
    assert methods == {"GET", "POST", "PUT", "PATCH", "DELETE"}


R = f"{ARM}/subscriptions/{SUB}/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/contoso"


@pytest.mark.parametrize(
    ("kind", "method", "url", "headers", "sent"),
    [
        (Kind.ARM, "POST", f"{ARM}/providers/Microsoft.ResourceGraph/resources?api-version=x", {}, True),
        (Kind.ARM, "POST", f"{ARM}/providers/Microsoft.ResourceGraph/resourcesHistory", {}, False),
        (Kind.ARM, "POST", f"{R}/tasks/build/listDetails", {}, False),
        (Kind.ARM, "POST", f"{R}/runs/1/listLogSasUrl", {}, False),
        (Kind.ARM, "POST", f"{R}/scheduleRun", {}, False),
        (Kind.ARM, "POST", f"{R}/listCredentials/providers/Microsoft.ResourceGraph/resources", {}, False),
        (Kind.ARM, "GET", "https://management.azure.com.evil.example/subscriptions", {}, False),
        (Kind.ARM, "GET", "http://management.azure.com/subscriptions", {}, False),
        (Kind.ARM, "GET", "https://contoso.azurecr.io/v2/", {}, False),
        (Kind.LOGIN, "GET", "https://contoso.azurecr.io/acr/v1/_catalog", {"Authorization": "Bearer x"}, True),
        (Kind.LOGIN, "POST", "https://contoso.azurecr.io/oauth2/token", {}, True),
        (Kind.LOGIN, "POST", "https://contoso.azurecr.io/oauth2/exchange", {}, True),
        (Kind.LOGIN, "DELETE", "https://contoso.azurecr.io/acr/v1/app", {}, False),
        (Kind.LOGIN, "PATCH", "https://contoso.azurecr.io/acr/v1/app", {}, False),
        (Kind.LOGIN, "POST", "https://contoso.azurecr.io/v2/app/blobs/uploads/", {}, False),
        (Kind.LOGIN, "GET", "https://other.azurecr.io/v2/", {}, False),
        (Kind.DATA, "GET", "https://x.blob.core.windows.net/layer", {}, True),
        (Kind.DATA, "GET", "https://x.blob.core.windows.net/layer", {"authorization": "Bearer x"}, False),
        (Kind.DATA, "POST", "https://x.blob.core.windows.net/layer", {}, False),
        (Kind.DATA, "GET", "http://x.blob.core.windows.net/layer", {}, False),
        (Kind.AUTHORITY, "POST", "https://login.microsoftonline.com/t/oauth2/v2.0/token", {}, True),
        (Kind.AUTHORITY, "POST", "https://login.microsoftonline.com/t/oauth2/v2.0/authorize", {}, False),
        (Kind.AUTHORITY, "POST", "https://login.evil.example/t/oauth2/v2.0/token", {}, False),
        (Kind.MACHINE, "GET", "http://169.254.169.254/metadata/identity/oauth2/token?x=y", {}, True),
        (Kind.MACHINE, "GET", "http://169.254.169.254/metadata/instance", {}, False),
    ],
)  # fmt: skip
def test_hosts_methods_paths_and_headers(kind, method, url, headers, sent):
    """Each host class has its own list; anything else raises before it is sent."""
    assert leaves(HttpRequest(method, url, headers=headers), kind) is sent


def test_a_request_without_a_class_counts_as_one_to_resource_manager():
    """The SDK's own operations know nothing of classes."""
    assert leaves(HttpRequest("GET", f"{ARM}/subscriptions"))
    assert not leaves(HttpRequest("GET", "https://contoso.azurecr.io/v2/"))
