"""The loopback Azure itself: the real SDK reads it, Resource Graph pages, and each fault does what it says."""

from __future__ import annotations

import asyncio
import ssl
import time
from email.utils import parsedate_to_datetime

import aiohttp
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity.aio import ClientSecretCredential
from azure.mgmt.containerregistry.aio import ContainerRegistryManagementClient
from azure.mgmt.policyinsights.aio import PolicyInsightsClient
from azure.mgmt.policyinsights.models import QueryOptions

from tests.azure_server import running
from tests.azure_server.answers import CLIENT
from tests.azure_server.entra import SECRET
from tests.azure_server.faults import ALWAYS, NAMED, Fault, date_in
from tests.azure_server.kinds import KINDS
from tests.azure_server.kql import BadQueryError, parse
from tests.azure_server.state import RETIRED, TWIN, State, may
from tests.estate import build
from tests.estate.build import BY_NAME, DEV, PROD, REGISTRIES, TENANT

ARM = "https://management.azure.com"
LIST = f"/subscriptions/{PROD}/providers/{REGISTRIES}?api-version=2025-11-01"
STATES = f"/subscriptions/{PROD}/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults?api-version=2019-10-01"
GRAPH = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
ALL = "resources | where type =~ 'microsoft.containerregistry/registries' | project id | order by id asc"


@pytest.fixture
def azure():
    with running(page=2) as found:
        yield found


class Wire:
    """Bare requests through the proxy, with a token."""

    def __init__(self, azure):
        self.azure = azure
        self.headers = {"Authorization": f"Bearer {azure.server.entra.issue()}"}

    def __call__(self, method, path, *, headers=None, host=ARM, **more):
        """(status, headers, JSON or text)."""
        return asyncio.run(self._send(method, host + path, headers or self.headers, more))

    async def _send(self, method, url, headers, more):
        context = ssl.create_default_context(cafile=self.azure.ca)
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, headers=headers, ssl=context, proxy=self.azure.env["HTTPS_PROXY"], **more) as answer,
        ):  # fmt: skip
            plain = answer.content_type != "application/json"
            return answer.status, answer.headers, await (answer.text() if plain else answer.json())

    def get(self, path, **more):
        return self("GET", path, **more)

    def graph(self, query=ALL, **options):
        top = {"$top": options.pop("top")} if "top" in options else {}
        return self(
            "POST", GRAPH, json={"query": query, **options.pop("body", {}), "options": {**top, **options}}
        )

    def pages(self, path, method="GET"):
        """All pages of a list."""
        found = []
        while path:
            status, _, body = self(method, path)
            assert status == 200, body
            found.append(body["value"])
            path = (body.get("nextLink") or body.get("@odata.nextLink") or "").removeprefix(ARM)
        return found


@pytest.fixture
def wire(azure):
    return Wire(azure)


def names(pages):
    return [row["name"] for page in pages for row in page]


# -- the real SDK ------------------------------------------------------------------------------------------------


async def sdk(azure, work):
    # aiohttp reads SSL_CERT_FILE when it is imported, too early for a test of the same process.
    async with ClientSecretCredential(TENANT, CLIENT, SECRET, connection_verify=str(azure.ca)) as credential:
        return await work(credential)


@pytest.fixture
def through(azure, monkeypatch):
    """The environment of a client."""
    for name, value in azure.env.items():
        monkeypatch.setenv(name, value)
    return azure


def test_the_sdk_lists_registries_and_children(through):
    async def work(credential):
        async with ContainerRegistryManagementClient(
            credential, PROD, connection_verify=str(through.ca)
        ) as client:
            listed = [one.name async for one in client.registries.list()]
            one = await client.registries.get("rg-core", "harbourcore")
            maps = [item.name async for item in client.scope_maps.list("rg-shop", "harbourgeo")]
            with pytest.raises(HttpResponseError) as caught:
                _ = [item async for item in client.tokens.list("rg-ops", "harbourops")]
            return listed, one, maps, caught.value

    listed, one, maps, refused = asyncio.run(sdk(through, work))
    assert len(listed) == 8
    assert one.login_server == "harbourcore.azurecr.io"
    assert len(maps) == 4
    assert (refused.status_code, refused.error.code) == (403, "AuthorizationFailed")
    assert "'Microsoft.ContainerRegistry/registries/tokens/read'" in refused.message
    assert f"over scope '{BY_NAME['harbourops']['id']}'" in refused.message
    assert through.count(f"{PROD}/providers/{REGISTRIES}?") == 4, "four pages of two"
    assert set(through.proxy.hosts) == {"login.microsoftonline.com", "management.azure.com"}
    assert (through.forbidden, through.unexpected) == ([], [])


def test_the_sdk_reads_policy_states(through):
    through.state.states[PROD] = [
        {"resourceId": f"/x/{number}", "resourceType": f"/{REGISTRIES}", "complianceState": "NonCompliant", "policyAssignmentId": "/a"}
        for number in range(5)
    ] + [{"resourceId": "/y", "resourceType": "Microsoft.Storage/storageAccounts", "complianceState": "Compliant", "policyAssignmentId": "/a"}]  # fmt: skip

    async def work(credential):
        async with PolicyInsightsClient(credential, PROD, connection_verify=str(through.ca)) as client:
            options = QueryOptions(filter=f"resourceType eq '{REGISTRIES}'")
            rows = client.policy_states.list_query_results_for_subscription("latest", PROD, options)
            found = [row.resource_id async for row in rows]
            told = await client.policy_states.summarize_for_subscription("latest", PROD)
            return found, told.as_dict()["value"][0]["results"]["non_compliant_resources"]

    assert asyncio.run(sdk(through, work)) == ([f"/x/{number}" for number in range(5)], 5)
    assert through.count("POST management.azure.com/subscriptions") == 4


@pytest.mark.parametrize(
    ("tenant", "client", "secret", "words"),
    [
        (TENANT, CLIENT, "wrong", "AADSTS7000215"),
        (TENANT, "0b1e0000-0000-4000-8000-0000000000ff", SECRET, "AADSTS700016"),
        ("11111111-1111-4111-8111-111111111111", CLIENT, SECRET, "AADSTS90002"),
    ],
)
def test_entra_refuses_in_its_own_words(through, tenant, client, secret, words):
    async def work():
        async with ClientSecretCredential(
            tenant, client, secret, connection_verify=str(through.ca)
        ) as credential:
            await credential.get_token(f"{ARM}/.default")

    with pytest.raises(ClientAuthenticationError, match=words):
        asyncio.run(work())


# -- Azure Resource Manager ----------------------------------------------------------------------------------------


def test_everything_of_the_estate_can_be_read(wire):
    for one in list(wire.azure.state.resources.values()):
        kind = KINDS[one["type"].lower()]
        status, headers, body = wire.get(f"{one['id'].upper()}?api-version={kind.versions[-1]}")
        assert (status, body["id"]) == (200, one["id"])
        if one["id"].startswith("/subscriptions/"):
            assert headers["X-Ms-Ratelimit-Remaining-Subscription-Reads"].isdigit()


@pytest.mark.parametrize(
    ("path", "version", "status", "code"),
    [
        (f"/subscriptions/{PROD}/providers/{REGISTRIES}", "", 400, "MissingApiVersionParameter"),
        (f"/subscriptions/{PROD}/providers/{REGISTRIES}", "1999-01-01", 400, "NoRegisteredProviderFound"),
        (f"{BY_NAME['harbourdev']['id']}/tasks", "2025-11-01", 400, "NoRegisteredProviderFound"),
        ("/subscriptions", "1999-01-01", 400, "InvalidApiVersionParameter"),
        (f"{BY_NAME['harbourdev']['id']}x", "2025-11-01", 404, "ResourceNotFound"),
        (f"{BY_NAME['harbourdev']['id']}x/tokens", "2025-11-01", 404, "ResourceNotFound"),
        (f"/subscriptions/{PROD}/resourceGroups/no/providers/{REGISTRIES}", "2025-11-01", 404, "ResourceGroupNotFound"),
        (f"/subscriptions/{TWIN}/providers/{REGISTRIES}", "2025-11-01", 404, "SubscriptionNotFound"),
    ],
)  # fmt: skip
def test_what_is_not_there(wire, path, version, status, code):
    found, _, body = wire.get(f"{path}?api-version={version}" if version else path)
    assert (found, body["error"]["code"]) == (status, code)
    assert wire.azure.unexpected == []


def test_preview_keys_come_with_previews_only(wire):
    one = BY_NAME["harbourcore"]["id"]
    _, _, stable = wire.get(f"{one}?api-version=2025-11-01")
    _, _, preview = wire.get(f"{one}?api-version=2026-01-01-preview")
    assert set(preview["properties"]) - set(stable["properties"]) == {
        "endpointProtocol", "metadataSearch", "autoGeneratedDomainNameLabelScope",
    }  # fmt: skip
    assert "softDeletePolicy" in preview["properties"]["policies"]
    assert "softDeletePolicy" not in stable["properties"]["policies"]


def test_lists_of_authorization_hold_what_lies_above(wire):
    path = f"/subscriptions/{DEV}/providers/Microsoft.Authorization"
    roles = names(wire.pages(f"{path}/roleDefinitions?api-version=2022-04-01"))
    assert build.ROLE["Owner"] in roles
    rows = [row for page in wire.pages(f"{path}/roleAssignments?api-version=2022-04-01") for row in page]
    assert len(rows) == 7
    assert sum(row["id"].startswith("/providers/Microsoft.Management/") for row in rows) == 2
    narrow = f"{BY_NAME['harbourops']['id']}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01"
    assert len(names(wire.pages(narrow))) == 5, (
        "two of management groups, one of the subscription, two of its own"
    )


def test_a_filter_of_runs(wire):
    path = f"{BY_NAME['harbourbuild']['id']}/runs?api-version=2025-03-01-preview&$filter="
    assert names(wire.pages(path + "Status eq 'Queued' or Status eq 'Running'")) == ["cf1a"]
    assert wire.get(path + "Status gt 5")[0] == 400


def test_permissions_decide(wire):
    wire.azure.state.permissions[DEV] = [{"actions": ["Microsoft.ContainerRegistry/*/read"], "notActions": ["*/tokens/read"]}]  # fmt: skip
    group = BY_NAME["harbourdev"]["id"]
    assert wire.get(f"{group}/scopeMaps?api-version=2025-11-01")[0] == 200
    status, _, body = wire.get(f"{group}/tokens?api-version=2025-11-01")
    assert (status, body["error"]["code"]) == (403, "AuthorizationFailed")
    status, _, body = wire.get(
        f"/subscriptions/{DEV}/providers/Microsoft.Authorization/locks?api-version=2020-05-01"
    )
    assert status == 403
    assert (
        f"action 'Microsoft.Authorization/locks/read' over scope '/subscriptions/{DEV}'"
        in body["error"]["message"]
    )
    own = wire.get(
        f"/subscriptions/{DEV}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"
    )
    assert own[2]["value"] == wire.azure.state.permissions[DEV]
    assert len(wire.graph("authorizationresources | project id | order by id asc")[2]["data"]) == 19
    assert may([{"actions": ["*/read"]}], "Microsoft.X/y/READ")


def test_a_token_is_needed(wire):
    status, headers, body = wire.get(LIST, headers={"Accept": "*/*"})
    assert (status, body["error"]["code"]) == (401, "ExpiredAuthenticationToken")
    assert headers["WWW-Authenticate"].startswith("Bearer ")
    wire.azure.server.entra.expire()
    assert wire.get(LIST)[0] == 401


def test_reads_are_counted():
    with running(bucket=3, refill=0.5) as azure:
        wire = Wire(azure)
        left = [
            wire.get(LIST)[1]["x-ms-ratelimit-remaining-subscription-reads"] for _ in range(3)
        ]  # fmt: skip
        status, headers, _ = wire.get(LIST)
    assert left == ["2", "1", "0"]
    assert status == 429
    assert headers["Retry-After"] in ("1", "2")


def test_what_writes_or_reveals_is_recorded(wire):
    one = f"{BY_NAME['harbourdev']['id']}"
    assert wire("POST", f"{one}/listCredentials?api-version=2025-11-01")[0] == 403
    assert wire("DELETE", f"{one}?api-version=2025-11-01")[0] == 403
    assert [line.split()[0] for line in wire.azure.forbidden] == ["POST", "DELETE"]
    assert wire.azure.unexpected == []
    assert wire.get("/nothing?api-version=1")[0] == 404
    assert wire("OPTIONS", one)[0] == 405
    assert len(wire.azure.unexpected) == 2


def test_other_hosts_are_not_reached(wire):
    for host in ("https://evil.example", "https://a.b.azurecr.io"):
        with pytest.raises(aiohttp.ClientHttpProxyError) as caught:
            wire.get("/", host=host)
        assert caught.value.status == 502
    assert wire.azure.proxy.hosts == ["evil.example", "a.b.azurecr.io"]


# -- Resource Graph ------------------------------------------------------------------------------------------------


def test_graph_pages(wire):
    found, token = [], None
    while True:
        _, headers, body = wire.graph(top=5, **({"$skipToken": token} if token else {}))
        found += body["data"]
        assert (body["totalRecords"], body["count"]) == (13, len(body["data"]))
        assert headers["x-ms-user-quota-remaining"].isdigit()
        token = body.get("$skipToken")
        assert body["resultTruncated"] == ("true" if token else "false")
        if not token:
            break
    assert found == [{"id": one} for one in sorted(item["id"] for item in build.ESTATE)]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("resources | where type startswith 'microsoft.containerregistry/registries/' | project id", 6),
        ("resources | where type in~ ('Microsoft.Network/privateEndpoints', 'microsoft.network/routetables')", 2),
        ("resources | where type =~ 'microsoft.containerregistry/registries' and (name =~ 'HARBOURDEV' or name == 'harbourgeo')", 2),
        ("resources | where type =~ 'microsoft.containerregistry/registries' | limit 3", 3),
        ("resources | where properties has 'HARBOURPENDING/' | where type endswith 'privateEndpoints'", 0),
        ("resources | where properties has_any ('0.0.0.0/1', '198.51.100') | project name", 2),
        ("resources | where type has 'tokens' or type has 'scopemaps' or type has 'subnets'", 0),
        ("authorizationresources | where type startswith 'microsoft.authorization/roleassignments'", 15),
        ("authorizationresources | where type has 'denyassignments' or type has 'schedule'", 0),
        ("securityresources | where type =~ 'microsoft.security/pricings' and name in~ ('containers')", 2),
        ("resourcecontainers | project id, chain=properties.managementGroupAncestorsChain", 4),
        ("policyresources | where tolower(tostring(properties.resourceType)) endswith 'containerregistry/registries'", len(State().states[PROD])),
    ],
)  # fmt: skip
def test_graph_queries(wire, query, count):
    status, _, body = wire.graph(query)
    assert status == 200, body
    assert body["totalRecords"] == count


@pytest.mark.parametrize(
    "query",
    ["nothing", "resources | summarize count()", "resources | where size > 5", "resources | where name =~ 5", "resources | project nothing", "resources | where type =~ 'a' xor", "resources | project name | order by id asc"],
)  # fmt: skip
def test_graph_refuses_what_it_does_not_understand(wire, query):
    with pytest.raises(BadQueryError):
        parse(query)
    status, _, body = wire.graph(query)
    assert (status, body["error"]["code"]) == (400, "BadRequest")


def test_graph_scopes_and_columns(wire):
    above = "authorizationresources | where id startswith '/providers/Microsoft.Management' | project id"
    assert wire.graph(above)[2]["count"] == 0
    assert wire.graph(above, authorizationScopeFilter="AtScopeAboveAndBelow")[2]["count"] == 2
    assert wire.graph(body={"subscriptions": [DEV]})[2]["count"] == 5
    assert wire.graph(body={"managementGroups": ["platform"]})[2]["count"] == 13
    assert wire.graph(body={"managementGroups": ["nowhere"]})[2]["count"] == 0
    (row,) = wire.graph("resources | where name =~ 'harbourcore'")[2]["data"]
    assert (row["apiVersion"], row["resourceGroup"], row["subscriptionId"]) == ("2025-11-01", "rg-core", PROD)
    assert "endpointProtocol" not in row["properties"]
    assert {"tenantId", "kind", "sku", "identity", "tags", "systemData"} <= set(row)
    wire.azure.state.remove(row["id"])
    assert wire.graph()[2]["count"] == 12


def test_graph_quota():
    with running(quota=2, window=1.0) as azure:
        wire = Wire(azure)
        assert [wire.graph()[0] for _ in range(3)] == [200, 200, 429]
        status, headers, _ = wire.graph()
        assert (status, headers["x-ms-user-quota-remaining"]) == (429, "0")
        assert headers["x-ms-user-quota-resets-after"] == "00:00:01"
        assert "Retry-After" not in headers


def test_many_registries_are_quick():
    """10,000 through Resource Graph, encoded once."""
    state = State(10_000, 20)
    with running(state) as azure:
        start, body, rows = time.process_time(), {"query": ALL.replace("| project id ", "")}, 0
        for token in range(11):
            page = azure.server.graph.answer({**body, "options": {"$top": 1000, "$skipToken": str(token)}})
            rows += page.count(b'"loginServer"')
        assert rows == 10_013
        assert time.process_time() - start < 1.5


# -- states ----------------------------------------------------------------------------------------------------------


def test_options_of_the_state():
    with running(twins=True, disabled=True, visible=(PROD, TWIN, RETIRED), tenant="t") as azure:
        wire = Wire(azure)
        listed = wire.get("/subscriptions?api-version=2022-12-01")[2]["value"]
        assert {(one["displayName"], one["state"], one["tenantId"]) for one in listed} == {
            ("harbour-prod", "Enabled", "t"), ("harbour-dev", "Enabled", "t"), ("harbour-retired", "Disabled", "t"),
        }  # fmt: skip
        assert wire.get(LIST.replace(PROD, DEV))[0] == 403
        assert wire.graph()[2]["count"] == 8
    odd = State(odd_case=True)
    assert "/subscriptions/" + PROD + "/resourcegroups/RG-CORE/providers/microsoft.ContainerRegistry/registries/harbourcore" in [
        one["id"] for one in odd.of_type(REGISTRIES.lower())
    ]  # fmt: skip
    assert set(odd.resources) == set(State().resources)
    with pytest.raises(TypeError), running(State(), twins=True):
        pass


# -- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "Status401"), (403, "AuthorizationFailed"), (404, "ResourceNotFound"), (409, "MissingSubscriptionRegistration"), (429, "TooManyRequests"), (503, "ServiceUnavailable")],
)  # fmt: skip
def test_a_status(wire, status, code):
    moment = date_in(30)
    wire.azure.faults.append(Fault("GET management", "status", times=2, skip=1, status=status, headers={"Retry-After": moment}))  # fmt: skip
    found = [wire.get(LIST) for _ in range(4)]
    assert [one[0] for one in found] == [200, status, status, 200]
    assert found[1][2]["error"]["code"] == code
    assert parsedate_to_datetime(found[1][1]["Retry-After"]).timestamp() == pytest.approx(time.time() + 30, abs=3)  # fmt: skip
    assert ("WWW-Authenticate" in found[1][1]) == (status == 401)


def test_broken_connections(wire):
    wire.azure.faults[:] = [Fault("POST", "reset"), Fault("GET", "truncated")]
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        wire.graph()  # aiohttp itself repeats a GET
    with pytest.raises(aiohttp.ClientPayloadError):
        wire.get(LIST)
    assert wire.get(LIST)[0] == 200


def test_a_page_and_a_slow_body(wire):
    wire.azure.faults[:] = [Fault("GET", "html"), Fault("GET", "slow", seconds=0.2)]
    status, _, text = wire.get(LIST)
    assert (status, text[:6]) == (200, "<html>")
    start = time.monotonic()
    assert len(wire.get(LIST)[2]["value"]) == 2
    assert time.monotonic() - start >= 0.2


def test_a_loop(wire):
    wire.azure.state.states[PROD] *= 3
    wire.azure.faults.append(Fault("(GET|POST) management", "loop", times=ALWAYS))
    _, _, body = wire.get(LIST)
    assert body["nextLink"] == ARM + LIST
    _, _, body = wire("POST", STATES)
    assert body["@odata.nextLink"] == ARM + STATES
    _, _, body = wire.graph(**{"top": 5, "$skipToken": "1"})
    assert body["$skipToken"] == "1"


def test_a_page_that_comes_twice(wire):
    wire.azure.faults.append(Fault(r"registries\?.*skiptoken=2", "duplicate"))
    pages = wire.pages(LIST)
    assert len(pages) == 5
    assert pages[1] == pages[2]
    assert len(set(names(pages))) == 8


def test_a_page_that_shrinks(wire):
    wire.azure.faults.append(Fault(r"registries\?.*skiptoken", "shrink"))
    assert [len(page) for page in wire.pages(LIST)] == [2, 0]
    wire.azure.faults.append(Fault("ResourceGraph", "shrink"))
    _, _, body = wire.graph(**{"top": 5, "$skipToken": "1"})
    assert (body["data"], body["totalRecords"], body.get("$skipToken")) == ([], 13, None)


def test_another_body_and_more_headers(wire):
    wire.azure.faults[:] = [
        Fault("GET", "body", change=lambda body: {**body, "value": 5}),
        Fault("POST.*ResourceGraph", "header", headers={"x-ms-tenant-subscription-limit-hit": "true"}),
    ]
    assert wire.get(LIST)[2]["value"] == 5
    status, headers, body = wire.graph()
    assert (status, headers["x-ms-tenant-subscription-limit-hit"], body["count"]) == (200, "true", 13)
    assert "x-ms-user-quota-remaining" in headers


def test_named_faults_match_something():
    kinds = {"status", "reset", "truncated", "html", "slow", "loop", "duplicate", "shrink", "header"}
    assert {fault.kind for make in NAMED.values() for fault in make()} == kinds
