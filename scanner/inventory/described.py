"""Files that describe registries before they are deployed: the table of their kinds, and what such a description tells.

In: the name of a source and what a user gives for it. Out: the module that reads it, and one run per resource type that
says whether the description speaks of that type at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from scanner.inventory import collections as table
from scanner.model.resource import Inventory, Problem, SourceRun

READERS: Final[Mapping[str, str]] = MappingProxyType({"terraform": "scanner.inventory.terraform.collecting"})
"""Source -> module with `collect(paths, given)`; loaded when it is asked for."""

_R = "Microsoft.ContainerRegistry/registries"
_A = "Microsoft.Authorization"

DESCRIBED: Final = (
    _R,
    *(
        f"{_R}/{child}"
        for child in (
            "replications", "webhooks", "tokens", "scopeMaps", "cacheRules", "credentialSets", "connectedRegistries",
            "privateEndpointConnections", "tasks", "agentPools", "importPipelines", "exportPipelines",
        )
    ),
    "Microsoft.Insights/diagnosticSettings",
    f"{_A}/locks",
    "Microsoft.Network/privateEndpoints",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
)  # fmt: skip
"""What the description of a registry tells by leaving it out: a registry without a lock has none, as described."""

ELSEWHERE: Final = (
    *(
        f"{_A}/{kind}"
        for kind in (
            "roleAssignments", "roleDefinitions", "denyAssignments", "roleEligibilityScheduleInstances",
            "roleAssignmentScheduleInstances", "policyAssignments", "policyExemptions", "policySetDefinitions",
            "policyDefinitions",
        )
    ),
    "Microsoft.Security/pricings",
    "Microsoft.ContainerService/managedClusters",
    "Microsoft.Network/virtualNetworks/subnets",
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/routeTables",
    "Microsoft.Management/managementGroups",
    "Microsoft.Resources/subscriptions",
    "Microsoft.Resources/resourceGroups",
)  # fmt: skip
"""What mostly stands elsewhere: told where the description holds at least one, else not asked for."""

LIVE_ONLY: Final = (
    *(f"{_R}/{child}" for child in ("usages", "runs", "taskRuns")),
    *table.OPT_IN,
    "Microsoft.Security/assessments",
    "Microsoft.PolicyInsights/policyStates",
)
"""What exists in Azure only; rules about it do not apply to a description."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a user gives beside the paths.

    `now`: RFC 3339. `values`: NAME=VALUE of single variables or parameters, `files`: files of them. `allow_outside`: read
    what files name outside of the given paths too.
    """

    now: str
    values: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    allow_outside: bool = False


class Reader(Protocol):
    """What a module of the table offers."""

    def collect(self, paths: Sequence[Path], given: Given) -> Inventory:
        """The inventory that the files describe; raises `Problems` where nothing of it can be used."""
        ...


def reader(source: str) -> Reader:
    """The reader of a source of the table."""
    found: Reader = import_module(READERS[source])  # type: ignore[assignment]
    return found


def runs(
    source: str,
    counts: Mapping[str, int],
    problems: Iterable[Problem],
    now: str,
    loose: Mapping[str, Sequence[Problem]] = MappingProxyType({}),
) -> tuple[SourceRun, ...]:
    """One run per type. `counts`: resources by type; `problems`: parts of the description that could not be read.

    A part that could not be read may hold resources of every type. `loose`: by lower-case type, resources of which it is not
    known where they belong.
    """
    broken = tuple(problems)
    found = []
    for kind in (*DESCRIBED, *ELSEWHERE):
        count = counts.get(kind, 0)
        if kind in ELSEWHERE and not count:
            found.append(_not_asked(source, kind, f"the files describe no {_leaf(kind)}"))
        else:
            missing = (*broken, *loose.get(kind.lower(), ()))
            state = "complete" if not missing else "partial" if count else "failed"
            found.append(SourceRun(source, kind, state, count, missing, now))
    found += [_not_asked(source, kind, f"{_leaf(kind)} exist in Azure only") for kind in LIVE_ONLY]
    return tuple(sorted(found, key=lambda run: run.collection.lower()))


def _not_asked(source: str, kind: str, reason: str) -> SourceRun:
    return SourceRun(source, kind, "not-asked", problems=(Problem("", reason, chosen=True),))


def _leaf(kind: str) -> str:
    return kind.rpartition("/")[2]
