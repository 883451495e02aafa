"""Policy Insights: a subscription comes in, page by page the latest compliance states of its registries come out.

Sent through the client of azure-mgmt-policyinsights. The pages of a query are POSTed one after the other.
Source: https://learn.microsoft.com/rest/api/policyinsights/policy-states/list-query-results-for-subscription
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from scanner.inventory._azure.client import Client
from scanner.inventory.arm import Page, pages
from scanner.inventory.live import STATES_VERSION

_OF_REGISTRIES = "resourceType eq 'Microsoft.ContainerRegistry/registries'"


def states(client: Client, subscription: str) -> AsyncIterator[Page]:
    """The pages; raises `NotRead`. `subscription` is an id."""
    path = (
        f"/subscriptions/{subscription}/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults"
    )
    return pages(client, path, STATES_VERSION, f"policy {subscription}", where=_OF_REGISTRIES, method="POST")
