"""Inventories from files that describe resources: what each type's absence means there comes out as `SourceRun`s.

What a template or plan can say and does not say is not there; what only Azure knows was never asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from scanner.model import ids
from scanner.model.resource import Part, Problem, SourceRun
from scanner.types import all_types

_R = "Microsoft.ContainerRegistry/registries"
COMPLETE = frozenset(
    name.lower()
    for name in (
        _R,
        *(
            f"{_R}/{child}"
            for child in (
                "replications",
                "webhooks",
                "tokens",
                "scopeMaps",
                "cacheRules",
                "credentialSets",
                "connectedRegistries",
                "tasks",
                "taskRuns",
                "agentPools",
                "importPipelines",
                "exportPipelines",
                "privateEndpointConnections",
            )
        ),
        "Microsoft.Insights/diagnosticSettings",
        "Microsoft.Authorization/locks",
        "Microsoft.Network/privateEndpoints",
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
        "acrscan/templateFiles",
    )
)
"""Lower-case types that a file describes together with the registry: where it has none, there are none."""
_COMPUTED = "acrscan/"
_UNTOLD = Problem("", "not described by these files", chosen=True)


def runs(
    source: str,
    parts: Mapping[str, Part],
    missing: Iterable[Problem] = (),
    *,
    complete: frozenset[str] = COMPLETE,
) -> tuple[SourceRun, ...]:
    """One run per known type.

    `missing`: places below which more may be described than could be read; `complete`: lower-case types of which such files
    hold all there is.
    """
    problems = tuple(missing)
    found = []
    for kind in all_types():
        lowered = kind.lower()
        count = len(parts[lowered]) if lowered in parts else 0
        if lowered not in complete and not count:
            if not lowered.startswith(_COMPUTED):
                found.append(SourceRun(source, kind, "not-asked", problems=(_UNTOLD,)))
            continue
        own = problems if lowered.startswith(_R.lower()) else ()
        found.append(SourceRun(source, kind, "partial" if own else "complete", count, own))
    return tuple(found)


def unjudged(parts: Mapping[str, Part]) -> Iterator[str]:
    """Roles that files give on registries which they only refer to: no rule judges these, and that is said."""
    registries = {row.id.lower() for row in parts.get(_R.lower(), ())}
    for row in parts.get("microsoft.authorization/roleassignments", ()):
        registry = ids.registry_of(ids.scope_of(row.type, row.id, row.body))
        if registry and registry.lower() not in registries:
            place = f"{row.origin.where}:{row.origin.line}" if row.origin.line else row.origin.where
            yield f"{place}: gives a role on {ids.shown(registry)}, which these files only refer to; no rule judges who may use it"
