"""Where a configuration's resources lie: names and parents come in, ids come out that join as ids of Azure do.

The folder (or plan) takes the place of the subscription. A part of an id that is not known keeps the expression that
would give it, so that two resources that use the same unknown name lie at the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from scanner.inventory.terraform.values import Choice, Secret, Sym, Text, choice, lift, spread, text
from scanner.inventory.terraform.ways import Ways
from scanner.model import ids
from scanner.types import built_in

SAFE = " !$()*,-.:;=@[]_~+"
R = "Microsoft.ContainerRegistry/registries"
Getter = Callable[[str], Any]


_ABOVE = "/subscriptions/"
_APPLIED = tuple(
    f"providers/microsoft.{namespace}/"
    for namespace in ("authorization", "insights", "policyinsights", "security")
)
"""What lies at a scope and says something about everything below it."""
_OPEN = "$%7b"
"""How the part of a lower-case id begins that is not known; see `render`."""


@dataclass(slots=True)
class Home:
    """One evaluation of a folder or plan. `aliases`: lower-case ids of Azure -> the id that stands for them here.

    Ids may name a subscription of which nobody says whether it is the one that this is for (`describes`).
    """

    file: str
    evaluation: str = ""
    aliases: dict[str, str] = field(default_factory=dict)
    _stated: bool = False
    _literal: bool = False
    _tails: frozenset[str] = frozenset()
    _theirs: frozenset[str] = frozenset()
    _others: frozenset[str] = frozenset()
    _leads: tuple[Ways, ...] = ()

    @property
    def subscription(self) -> str:
        """The id that stands for the subscription."""
        return ids.file_scope(self.file, "", self.evaluation).rpartition("/resourceGroups/")[0]

    @property
    def subscription_id(self) -> str:
        """What stands for the subscription's own id."""
        return self.subscription.rpartition("/")[2]

    def stands_for(self, subscription: Any) -> None:
        """Note which subscription of Azure the configuration is for: ids that name it are ids of what is described here.

        An expression that is not known will do: the same expression is the same subscription.
        """
        if subscription in (None, "") or (isinstance(subscription, str) and "/" in subscription):
            return
        self._stated = True
        self._literal = isinstance(subscription, str)
        rendered = render(text([_ABOVE, subscription])) if isinstance(subscription, (str, Text, Sym)) else ""
        if rendered:
            self.aliases[rendered.lower()] = self.subscription

    def describes(self, registries: Iterable[Any], others: Iterable[Any]) -> None:
        """Note the ids of the registries that are described, and those of everything else."""
        known = list(registries)
        leads = [self._ways(one) for one in known if isinstance(one, Choice)]
        leads = [one for one in leads if one.one]
        self._leads = (*leads, *(one.groups for one in leads if len(set(one.groups.ids)) > 1))
        own = self.subscription_id.lower()
        tails: set[str] = set()
        theirs: set[str] = set()
        for identifier in (way for one in known for way in self._ways(self.merged(one)).ids):
            subscription, tail = _split(identifier)
            if subscription == own:
                tails |= {tail, tail.partition("/providers/")[0]}
            elif subscription:
                theirs.add(f"{_ABOVE}{subscription}{tail}")
        self._tails, self._theirs = frozenset(tails), frozenset(theirs)
        self._others = frozenset(_split(way)[0] for one in others for way in self._ways(one).ids) - {own, ""}

    def _ways(self, identifier: Any) -> Ways:
        """The settled ids that a value may be."""
        ways = identifier.values if isinstance(identifier, Choice) else (identifier,)
        cause = identifier.cause if isinstance(identifier, Choice) else ""
        return Ways(cause, tuple(self.settled(render(way)) for way in ways))

    def merged(self, identifier: Any, *, own: bool = False) -> Any:
        """One id for an id of several ways that are those of a registry or its group; else the id as it is.

        `own`: it is the id of something that lies in one place whichever way its name goes.
        """
        if not isinstance(identifier, Choice):
            return identifier
        ways = self._ways(identifier)
        lead = next((one for one in self._leads if ways.follow(one)), None)
        placed = ways if lead is None else ways.moved(lead)
        if own and placed.one and len(set(placed.above.ids)) == 1:
            return placed.one
        return identifier if lead is None else choice(list(placed.ids), identifier.reason, identifier.cause)

    def group(self, name: Any) -> Any:
        """The id of a resource group."""
        if isinstance(name, Choice):
            return lift(self.group, name)
        return text([f"{self.subscription}/resourceGroups/", *_segment(name, "-")])

    def settled(self, rendered: str) -> str:
        """An id as it is told: what a plan knows from Azure is the same resource as here."""
        if not rendered.startswith("/"):
            return rendered
        lowered = rendered.lower()
        at = len(lowered)
        while at > 0:
            found = self.aliases.get(lowered[:at])
            if found is not None:
                return found + rendered[at:]
            at = lowered.rfind("/", 0, at)
        if self._reaches(lowered) is True:
            return self.subscription + rendered[len(_ABOVE) + len(_split(lowered)[0]) :]
        return rendered

    def unsure(self, rendered: str) -> str:
        """Where it would lie, if an id may be that of a registry here, of its group or subscription and nobody can tell; else ""."""
        lowered = self.settled(rendered).lower()
        if self._reaches(lowered) is not None:
            return ""
        _, tail = _split(lowered)
        here = f"{self.subscription.lower()}{tail}"
        places = {lead.one for lead in self._leads if self._may_be(here, lead)}
        return places.pop() if len(places) == 1 and self._place(tail) == "other" else self.subscription

    def _reaches(self, lowered: str) -> bool | None:
        """Whether an id with another subscription's name means what is described here; None where that is not known."""
        subscription, tail = _split(lowered)
        own = subscription == self.subscription_id.lower()
        if not self._tails or not subscription:
            return False
        if not own and (
            (self._literal and _OPEN not in subscription)
            or any(ids.within(lowered, one) for one in self._theirs)
        ):
            return False
        here = f"{self.subscription.lower()}{tail}"
        if any(self._may_be(here, lead) for lead in self._leads):
            return None
        if own:
            return False
        place = self._place(tail)
        if place != "above":
            return {"registry": True, "open": None}.get(place, False)
        alone = self._others <= {subscription} and not any(
            _split(one)[0] == subscription for one in self._theirs
        )
        return True if alone and not self._stated else None

    def _may_be(self, lowered: str, lead: Ways) -> bool:
        """Whether an id is at one of the ways of a registry or of its group, or says something about what is below it."""
        for way in lead.ids:
            rest = lowered.removeprefix(f"{way.lower()}/")
            if lowered == way.lower() or (
                rest != lowered and (R.lower() in way.lower() or rest.startswith(_APPLIED))
            ):
                return True
        return False

    def _place(self, tail: str) -> str:
        """What the rest of an id is here: a `registry`, `above` one, `other`; `open` where a name in it is not known."""
        group, rest = "", tail.removeprefix("/")
        if rest.startswith("resourcegroups/"):
            _, name, rest = [*rest.split("/", 2), ""][:3]
            group = f"/resourcegroups/{name}"
        if rest.startswith(f"providers/{R.lower()}/"):
            place = "/".join([group, *rest.split("/")[:4]])
            if place in self._tails:
                return "registry"
            return "open" if any(_OPEN in one for one in (place, *self._tails)) else "other"
        if rest and not rest.startswith(_APPLIED):
            return "other"
        if not group or group in self._tails:
            return "above"
        groups = (one for one in self._tails if "/providers/" not in one)
        return "open" if any(_OPEN in one for one in (group, *groups)) else "other"


def _split(identifier: str) -> tuple[str, str]:
    """The subscription of an id and what follows it, in lower case; "" where it has none."""
    lowered = identifier.lower()
    if not lowered.startswith(_ABOVE):
        return "", lowered
    subscription, slash, rest = lowered[len(_ABOVE) :].partition("/")
    return subscription, f"{slash}{rest}".rstrip("/")


def under(scope: Any, kind: str, *names: Any) -> Any:
    """The id of a resource of a type below a scope (or its last part below its parent). Choices are kept."""
    values = [scope, *names]
    lead, rows = spread(values)
    if lead is not None:
        if not rows:
            return Sym(f"{lead.reason} (too many ways)", "limit")
        ways = [under(row[0], kind, *row[1:]) for row in rows]
        return choice(ways, lead.reason, lead.cause if len(rows) == len(lead.values) else "")
    namespace, *kinds = kind.split("/")
    parts: list[Any] = [_scope(scope), f"/providers/{namespace}" if namespace else ""]
    for of, name in zip(kinds, names, strict=True):
        parts += [f"/{of}/", *_segment(name, of)]
    return text(parts)


def child(parent: Any, kind: str, name: Any) -> Any:
    """The id of a child: its type's last part and name below the parent's id."""
    return under(parent, f"/{kind}", name)


def _scope(value: Any) -> Any:
    if isinstance(value, str):
        return value.rstrip("/")
    if isinstance(value, (Text, Sym, Secret)):
        return value
    return Sym("the scope is no id", "error")


def _segment(value: Any, fallback: str) -> list[Any]:
    if isinstance(value, str) and value:
        return [quote(value, safe=SAFE)]
    if isinstance(value, (bool, int, float)):
        return [str(value)]
    if isinstance(value, Text):
        return [quote(part, safe=SAFE) if isinstance(part, str) else part for part in value.parts]
    if isinstance(value, (Sym, Secret)):
        return [value]
    return [Sym(f"the name of {fallback} is missing", "error", "-")] if fallback != "-" else ["-"]


def render(value: Any) -> str:
    """An id as one text: unknown parts as the expression that would give them, "" where even that is not known."""
    if isinstance(value, str):
        return value
    if isinstance(value, Sym):
        return quote(f"${{{value.key}}}", safe=SAFE) if value.key else ""
    if isinstance(value, Text):
        parts = [part if isinstance(part, str) else render(part) for part in value.parts]
        return "".join(parts) if all(parts) else ""
    return ""


def is_id(value: Any) -> bool:
    """Whether a value is an id, as far as it is known."""
    first = value.parts[0] if isinstance(value, Text) else value
    return isinstance(first, str) and first.lower().startswith(("/subscriptions/", "/providers/"))


GROUPED: Final[Mapping[str, str]] = {
    "azurerm_container_registry": R,
    "azurerm_private_endpoint": "Microsoft.Network/privateEndpoints",
    "azurerm_user_assigned_identity": "Microsoft.ManagedIdentity/userAssignedIdentities",
    "azurerm_log_analytics_workspace": "Microsoft.OperationalInsights/workspaces",
    "azurerm_storage_account": "Microsoft.Storage/storageAccounts",
    "azurerm_key_vault": "Microsoft.KeyVault/vaults",
    "azurerm_virtual_network": "Microsoft.Network/virtualNetworks",
    "azurerm_network_security_group": "Microsoft.Network/networkSecurityGroups",
    "azurerm_route_table": "Microsoft.Network/routeTables",
    "azurerm_private_dns_zone": "Microsoft.Network/privateDnsZones",
    "azurerm_kubernetes_cluster": "Microsoft.ContainerService/managedClusters",
    "azurerm_eventhub_namespace": "Microsoft.EventHub/namespaces",
}
"""Resources of a resource group: `resource_group_name` and `name` make their id."""

_NAMED: Final[Mapping[str, tuple[str, str]]] = {
    "azurerm_container_registry_webhook": ("registry_name", "webhooks"),
    "azurerm_container_registry_scope_map": ("container_registry_name", "scopeMaps"),
    "azurerm_container_registry_token": ("container_registry_name", "tokens"),
    "azurerm_container_registry_agent_pool": ("container_registry_name", "agentPools"),
}
"""Children that name their registry: (attribute with the registry's name, kind)."""

_PARENTED: Final[Mapping[str, tuple[str, str]]] = {
    "azurerm_container_registry_task": ("container_registry_id", "tasks"),
    "azurerm_container_registry_cache_rule": ("container_registry_id", "cacheRules"),
    "azurerm_container_registry_credential_set": ("container_registry_id", "credentialSets"),
    "azurerm_container_connected_registry": ("container_registry_id", "connectedRegistries"),
}
"""Children that name their registry's id: (attribute, kind)."""


def id_of(kind: str, get: Getter, home: Home) -> Any:
    """The id of a resource of a Terraform type, from its arguments; None where nothing is known of that type's ids."""
    if kind in GROUPED:
        return under(home.group(get("resource_group_name")), GROUPED[kind], get("name"))
    if kind in _NAMED:
        registry, child_kind = _NAMED[kind]
        return child(under(home.group(get("resource_group_name")), R, get(registry)), child_kind, get("name"))
    if kind in _PARENTED:
        parent, child_kind = _PARENTED[kind]
        return child(get(parent), child_kind, get("name"))
    match kind:
        case "azurerm_resource_group":
            return home.group(get("name"))
        case "azurerm_subscription":
            given = get("subscription_id")
            return f"/subscriptions/{given}" if isinstance(given, str) else home.subscription
        case "azurerm_management_group":
            return under("", "Microsoft.Management/managementGroups", get("name"))
        case "azurerm_subnet":
            network = under(
                home.group(get("resource_group_name")),
                "Microsoft.Network/virtualNetworks",
                get("virtual_network_name"),
            )
            return child(network, "subnets", get("name"))
        case "azurerm_role_definition":
            return _role(get("name"), get("role_definition_id"))
        case "azapi_resource":
            return _azapi(get, home)
        case _:
            return None


_MAY_BE_ABOVE: Final = (
    "azurerm_container_registry",
    "azurerm_management_group",
    "azurerm_subscription",
    "azurerm_resource_group",
)
_NO_PLACES: Final = ("azurerm_key_vault_", "azurerm_policy_", "azurerm_role_")
"""Their ids are addresses of a vault's contents, or definitions: nothing lies at them."""


def elsewhere(kind: str, address: str, home: Home) -> str | None:
    """What stands for the id of a resource of azurerm that is certainly no registry and lies above none; else None.

    A role assignment at a web app says nothing about registries, although the web app's id is not known yet.
    """
    if not kind.startswith("azurerm_") or kind.startswith((*_MAY_BE_ABOVE, *_NO_PLACES)):
        return None
    return f"{home.subscription}/resourceGroups/-/providers/Terraform/{kind}/{quote(address, safe=SAFE)}"


def _azapi(get: Getter, home: Home) -> Any:
    given = get("type")
    kind = given.partition("@")[0] if isinstance(given, str) else ""
    if kind.count("/") < 1:
        return None
    parent = get("parent_id")
    if kind.count("/") > 1:
        return child(parent, kind.rpartition("/")[2], get("name"))
    return under(parent if parent is not None else home.subscription, kind, get("name"))


def role_id(name: str) -> str:
    """The id of a built-in role by its name, or ""."""
    wanted = name.strip().lower()
    for guid, role in built_in.roles().items():
        if str(role.get("name", "")).lower() == wanted:
            return f"/providers/Microsoft.Authorization/roleDefinitions/{guid}"
    return ""


def _role(name: Any, guid: Any) -> Any:
    if isinstance(guid, str) and guid:
        return f"/providers/Microsoft.Authorization/roleDefinitions/{guid.rpartition('/')[2]}"
    if isinstance(name, str) and role_id(name):
        return role_id(name)
    return under("", "Microsoft.Authorization/roleDefinitions", name) if name is not None else None
