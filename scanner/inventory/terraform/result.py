"""From instances to resources: what a folder or plan is configured with comes in, the model's resources come out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from scanner.errors import InputError
from scanner.inventory.terraform.existence import hangs_on, words
from scanner.inventory.terraform.home import Home, R, render
from scanner.inventory.terraform.instance import Instance
from scanner.inventory.terraform.joining import join
from scanner.inventory.terraform.mapping import JOINED, drafts_of
from scanner.inventory.terraform.mapping.draft import Draft
from scanner.inventory.terraform.values import Choice, first_unknown
from scanner.inventory.terraform.versions import Version
from scanner.model import ids
from scanner.model.resource import Problem, Resource
from scanner.types import facts_for

_RETIRED = (
    ("trust_policy_enabled", (5,), "was removed in 5.0"),
    ("trust_policy", (4,), "was removed in 4.0"),
    ("retention_policy", (4,), "was removed in 4.0"),
    ("georeplication_locations", (3,), "was removed in 3.0"),
)
"""Arguments of registries that newer versions of the provider refuse: (argument, version, words)."""


@dataclass(slots=True)
class Evaluated:
    """What one root or plan gives.

    `errors`: files that could not be used; `problems`: parts that could not be read; `loose`: by lower-case type, what may lie anywhere; `declared`: the variables
    of the root; `empty`: blocks about registries that have no instance.
    """

    resources: list[Resource] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    loose: dict[str, list[Problem]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    declared: frozenset[str] = frozenset()
    empty: list[str] = field(default_factory=list)
    speaks: bool = True
    """Whether anything of it is about registries."""
    errors: list[InputError] = field(default_factory=list)
    files: list[Resource] = field(default_factory=list)
    """One row per file, for rules about what is written."""


def problem_at(home: Home, reason: str, name: str = "") -> Problem:
    """A part that could not be read. `name`: what it is called, for a part that has a name of its own."""
    if not name:
        return Problem(home.subscription, reason)
    return Problem(ids.file_id(f"{home.subscription}/resourceGroups/-", "Terraform/modules", [name]), reason)


def note_error(home: Home, error: InputError, found: Evaluated) -> None:
    """A file that could not be used: an error to tell, and a part that was not read."""
    if any(str(one) == str(error) for one in found.errors):
        return
    found.errors.append(error)
    found.problems.append(problem_at(home, f"{error.where}: {error.what}" if error.where else error.what))


def embedded(address: str, template: Any, home: Home, found: Evaluated) -> None:
    """An ARM template inside of a configuration: a part that was not read, unless it certainly holds no registry."""
    if isinstance(template, str) and "microsoft.containerregistry" not in template.lower():
        return
    what = "holds registries" if isinstance(template, str) else "may hold registries"
    reason = f"{address} deploys an ARM template that {what}; scan it by itself (--from arm)"
    found.problems.append(problem_at(home, reason, address))


def finish(instances: Iterable[Instance], version: Version, home: Home, found: Evaluated) -> None:
    """Map, join and settle instances; results are added to `found`."""
    drafts: list[Draft] = []
    others: list[Instance] = []
    for instance in instances:
        instance.version = version
        if instance.kind in JOINED:
            others.append(instance)
            continue
        if instance.kind == "azurerm_container_registry":
            _check(instance, found)
        drafts += drafts_of(instance, home)
    home.describes(
        [draft.id for draft in drafts if draft.kind == R], [draft.id for draft in drafts if draft.kind != R]
    )
    for draft in drafts:
        draft.id = home.merged(draft.id, own=True)
    joined = [draft for draft in join(drafts, others, home) if facts_for(draft.kind) is not None]
    registries = [draft for draft in joined if draft.kind == R]
    for draft in joined:
        _settle(draft, registries, home, found)


def _settle(draft: Draft, registries: list[Draft], home: Home, found: Evaluated) -> None:
    ways = [render(way) for way in _ways(draft)]
    if draft.kind != R and not all(way.startswith("/") for way in ways):
        reason = f"{draft.instance.address}: where it belongs is not known: {_why(draft.id)}"
        found.loose.setdefault(draft.kind.lower(), []).append(Problem(home.subscription, reason))
    elif draft.kind != R:
        reason = f"{draft.instance.address}: whether its scope holds what is described here is not known"
        for place in sorted({home.unsure(way) for way in ways} - {""}):
            found.loose.setdefault(draft.kind.lower(), []).append(Problem(place, reason))
    for resource, when in draft.finished(home):
        above = _registry_of(resource, registries)
        if not when:
            found.resources.append(resource)
        elif above is not None and hangs_on(when, above.when):
            # It is there whenever its registry is: a child is as optional as that, a lock counts.
            optional = words(above.when) if draft.kind.startswith(R) else ""
            found.resources.append(replace(resource, optional=optional))
        elif draft.kind.startswith(R):
            found.resources.append(resource)
        else:
            # It applies to others, which cannot count on it, nor on its absence.
            reason = f"{draft.instance.address} may not be deployed: {resource.optional}"
            found.loose.setdefault(draft.kind.lower(), []).append(Problem(_scope(resource), reason))


def _ways(draft: Draft) -> tuple[Any, ...]:
    """The ids that a draft may have."""
    return draft.id.values if isinstance(draft.id, Choice) else (draft.id,)


def _registry_of(resource: Resource, registries: list[Draft]) -> Draft | None:
    """The registry that a resource lies at or below, where just one can be meant."""
    found = [one for one in registries if (own := render(one.id)) and resource.id.startswith(f"{own}/")]
    return found[0] if len(found) == 1 else None


def _scope(resource: Resource) -> str:
    scope = ids.scope_of(resource.type, resource.id, resource.body)
    return ids.parent_of(resource.id) if scope == resource.id else scope


def _why(value: Any) -> str:
    unknown = first_unknown([value])
    return unknown.reason if unknown is not None else "its scope is no id"


_KNOWN = frozenset(
    {
        "name", "resource_group_name", "location", "tags", "sku", "admin_enabled", "public_network_access_enabled",
        "anonymous_pull_enabled", "data_endpoint_enabled", "export_policy_enabled", "quarantine_policy_enabled",
        "retention_policy", "retention_policy_in_days", "trust_policy", "trust_policy_enabled",
        "azuread_authentication_as_arm_policy_enabled", "role_assignment_mode", "network_rule_bypass_option",
        "network_rule_bypass_for_tasks_enabled", "network_rule_set", "encryption", "zone_redundancy_enabled", "identity",
        "georeplications", "georeplication_locations", "login_server", "admin_username", "admin_password",
        "data_endpoint_host_names", "storage_account_id", "storage_account", "timeouts", "id",
    }
)  # fmt: skip
"""Arguments and attributes of registries that some version of the provider has."""


def _check(instance: Instance, found: Evaluated) -> None:
    for argument in instance.values:
        if argument not in _KNOWN:
            place = (instance.places.get(argument) or instance.places[""])[0]
            where = f"{place.file}:{place.line}:{place.column}"
            found.notes.append(
                f"{where}: the argument {argument} is not known to acrscan, it was not looked at"
            )
    for argument, version, what in _RETIRED:
        if instance.version >= version and instance.values.get(argument) not in (None, []):
            place = (instance.places.get(argument) or instance.places[""])[0]
            found.notes.append(
                f"{place.file}:{place.line}:{place.column}: {argument} {what}, yet azurerm {instance.version[0]}.x is used"
            )
