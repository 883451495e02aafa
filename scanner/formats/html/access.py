"""Effective access: from the access lines to one group for each registry, the strongest rights first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.formats.html.worst import Worst
from scanner.model.ids import name_of

if TYPE_CHECKING:
    from scanner.model.scan import AccessLine, Scan

LINES_SHOWN = 500
REGISTRIES_SHOWN = 150
STRONG = (
    "push",
    "delete",
    "grant",
    "credentials",
    "mint",
    "sign",
    "configure",
    "tasks",
    "exfiltrate",
    "deleteReplication",
)
"""Capabilities that change what others pull, or hand out rights; they are set apart and sorted first."""
COUNTED = ("push", "delete", "grant", "pull")
"""Capabilities whose identities the overview counts."""
NAMED = 5
"""Identities that can push which are named before a registry's paths are unfolded."""


@dataclass(slots=True)
class RegistryAccess:
    """The paths into one registry: identities for each counted capability, lines shown, lines in all."""

    registry: str
    anchor: str
    name: str
    paths: int = 0
    identities: dict[str, set[str]] = field(
        default_factory=lambda: {capability: set() for capability in COUNTED}
    )
    anonymous: bool = False
    pushers: list[str] = field(default_factory=list)
    """The first `NAMED` of those who can push, each with the role or door it pushes through."""
    lines: list[AccessLine] = field(default_factory=list)

    @property
    def left_out(self) -> int:
        """Paths that are counted but not listed."""
        return self.paths - len(self.lines)


@dataclass(frozen=True, slots=True)
class Access:
    """The registries shown, those with the most ways to push first where not all are; how many have paths in all."""

    groups: tuple[RegistryAccess, ...]
    total: int

    @property
    def left_out(self) -> int:
        """Registries with paths that are not shown."""
        return self.total - len(self.groups)


def by_registry(scan: Scan) -> Access:
    """Group the lines by registry in the order of the scan; list at most `LINES_SHOWN`, strongest first."""
    groups: dict[str, RegistryAccess] = {}
    kept: Worst[AccessLine] = Worst(LINES_SHOWN)
    for line in scan.access:
        group = groups.get(line.registry)
        if group is None:
            group = RegistryAccess(
                line.registry, f"access-{len(groups)}", name_of(line.registry) or line.registry
            )
            groups[line.registry] = group
        group.paths += 1
        group.anonymous = group.anonymous or line.door == "anonymous"
        who = line.principal or line.door
        if "push" in line.can and who not in group.identities["push"] and len(group.pushers) < NAMED:
            through = line.role or line.door
            name = line.principal_name or line.principal or line.door
            group.pushers.append(f"{name} ({through})" if through.lower() not in name.lower() else name)
        for capability in COUNTED:
            if capability in line.can:
                group.identities[capability].add(who)
        kept.offer(_rank(line), line)
    for line in kept.worst_first():
        groups[line.registry].lines.append(line)
    shown = list(groups.values())
    if len(shown) > REGISTRIES_SHOWN:
        shown = sorted(shown, key=_weight, reverse=True)[:REGISTRIES_SHOWN]
    return Access(tuple(shown), len(groups))


def _weight(group: RegistryAccess) -> tuple[int, ...]:
    return (int(group.anonymous), *(len(group.identities[capability]) for capability in COUNTED))


def _rank(line: AccessLine) -> tuple[int, ...]:
    return (
        int("push" in line.can),
        int(line.door in {"anonymous", "admin"}),
        sum(capability in line.can for capability in STRONG),
        len(line.can),
    )


def strong_first(can: tuple[str, ...]) -> list[tuple[str, bool]]:
    """Capabilities with whether each is a strong one, the strong ones first."""
    return [(name, True) for name in STRONG if name in can] + [
        (name, False) for name in can if name not in STRONG
    ]
