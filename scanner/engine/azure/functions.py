"""The table of template functions that a policy rule may call, and those that it may not.

Source: https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-policy-rule (policy functions) and
https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from scanner.engine.azure import list_functions as lists
from scanner.engine.azure import network_functions as network
from scanner.engine.azure import number_functions as numbers
from scanner.engine.azure import text_functions as texts
from scanner.engine.azure import time_functions as times

MANY = 128
"""The most arguments of any function (Azure's own limit)."""


class Function(NamedTuple):
    """How many arguments a function takes, and what it does; None for those that see the resource or choose lazily."""

    least: int
    most: int
    call: Callable[..., Any] | None


SPECIAL: Mapping[str, Function] = {
    name: Function(least, most, None)
    for name, least, most in (
        ("parameters", 1, 1),
        ("field", 1, 1),
        ("current", 0, 1),
        ("subscription", 0, 0),
        ("resourcegroup", 0, 0),
        ("requestcontext", 0, 0),
        ("policy", 0, 0),
        ("utcnow", 0, 1),
        ("if", 3, 3),
        ("and", 2, MANY),
        ("or", 2, MANY),
        ("coalesce", 1, MANY),
    )
}
PLAIN: Mapping[str, Function] = {
    name: Function(least, most, call)
    for table in (texts.TABLE, lists.TABLE, numbers.TABLE, times.TABLE, network.TABLE)
    for name, (least, most, call) in table.items()
}
FUNCTIONS: Mapping[str, Function] = {**SPECIAL, **PLAIN}
"""Every function by its name in lower case."""

REFUSED = frozenset(
    {
        "copyindex", "datetimeadd", "datetimefromepoch", "datetimetoepoch", "deployment", "environment",
        "extensionresourceid", "lambda", "lambdavariables", "filter", "map", "mapvalues", "reduce", "sort", "toobject",
        "groupby", "listaccountsas", "listkeys", "listsecrets", "managementgroup", "newguid", "pickzones", "providers",
        "reference", "resourceid", "subscriptionresourceid", "tenantresourceid", "managementgroupresourceid", "tenant",
        "variables",
    }
)  # fmt: skip
"""Functions of templates that Azure itself refuses in policy rules."""


def problem(name: str, given: int) -> str:
    """Why a function cannot be called with that many arguments, or ""."""
    lowered = name.lower()
    found = FUNCTIONS.get(lowered)
    if found is None:
        if lowered in REFUSED or lowered.startswith("list"):
            return f"Azure does not allow the function {name}() in policy rules"
        return f"the function {name}() is not supported"
    if not found.least <= given <= found.most:
        wanted = str(found.least) if found.least == found.most else f"{found.least} to {found.most}"
        return f"{name}() takes {wanted} argument{'' if wanted == '1' else 's'}, not {given}"
    return ""
