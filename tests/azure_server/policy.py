"""Policy Insights: a query over a scope comes in, a page of compliance states or their summary comes out."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.azure_server import odata
from tests.azure_server.answers import answer, error, refusal
from tests.azure_server.arm import Manager, query_of
from tests.azure_server.state import GROUPS, Json

if TYPE_CHECKING:
    from aiohttp import web

PATH = re.compile(r"(?P<scope>.*)/providers/microsoft\.policyinsights/policystates/(latest|default)/(?P<what>queryresults|summarize)")  # fmt: skip
_ACTION = "Microsoft.PolicyInsights/policyStates"


def query(request: web.Request, path: str, manager: Manager) -> web.Response:
    """Answer a POST to a path that `PATH` matches (lower case)."""
    match = PATH.fullmatch(path)
    assert match is not None
    scope, what = match.group("scope"), match.group("what")
    asked = query_of(request)
    home = scope.split("/")[2] if scope.startswith("/subscriptions/") else ""
    action = f"{_ACTION}/{'queryResults' if what == 'queryresults' else 'summarize'}/action"
    if home and f"/subscriptions/{home}" not in manager.state.resources:
        return error(404, "SubscriptionNotFound", f"The subscription '{home}' could not be found.")
    if home and not manager.state.may(home, f"{_ACTION}/queryResults/action"):
        return answer(refusal(request.path[: len(scope)], action), 403)
    if asked.get("api-version") not in ("2019-10-01", "2024-10-01"):
        return error(400, "InvalidApiVersionParameter", f"The api-version '{asked.get('api-version', '')}' is invalid. The supported versions are '2024-10-01, 2019-10-01'.")  # fmt: skip
    try:
        test = odata.parse(asked.get("$filter", ""))
    except ValueError as wrong:
        return error(400, "InvalidFilterInQueryString", f"Invalid $filter in query string: {wrong}")
    rows = [row for row in _rows(manager, scope) if test(row)]
    if (top := asked.get("$top", "")).isdigit():
        rows = rows[: int(top)]  # all that is given, over all pages
    if what == "summarize":
        return answer({"@odata.count": 1, "value": [_summary(rows)]})
    link = "@odata.nextLink"
    return manager.paged(request, asked, rows, {}, link=link, more={"@odata.count": len(rows)})


def _rows(manager: Manager, scope: str) -> list[Json]:
    """The states at or below a scope."""
    state = manager.state
    if scope.startswith(f"{GROUPS}/"):
        name = scope.removeprefix(f"{GROUPS}/")
        homes = [one for one in state.states if name in state.ancestors(one) and one not in state.hidden]
        return [row for home in homes for row in state.states[home]]
    rows = state.states.get(scope.split("/")[2], [])
    if scope.count("/") == 2:
        return rows
    return [row for row in rows if f"{row['resourceId'].lower()}/".startswith(f"{scope}/")]


def _summary(rows: list[Json]) -> Json:
    def results(some: list[Json]) -> Json:
        states: Counter[str] = Counter(row["complianceState"] for row in some)
        bad = {row["resourceId"].lower() for row in some if row["complianceState"] == "NonCompliant"}
        details: list[Any] = [
            {"complianceState": key.lower(), "count": states[key]} for key in sorted(states)
        ]
        return {
            "nonCompliantResources": len(bad),
            "nonCompliantPolicies": int(bool(bad)),
            "resourceDetails": details,
        }

    assignments = sorted({row["policyAssignmentId"] for row in rows})
    return {
        "results": results(rows),
        "policyAssignments": [
            {
                "policyAssignmentId": one,
                "results": results([row for row in rows if row["policyAssignmentId"] == one]),
            }
            for one in assignments
        ],
    }
