"""A condition as a tree of sites: every place where it can hold or not, each once, however often a definition is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from scanner.model.condition import Condition, Count, Logic, Quantifier, Ref
from scanner.model.rule import Rule


@dataclass(slots=True, eq=False)
class Site:
    """One node of a condition at one place. `children`: its parts; of a quantifier or count, its `where`."""

    node: Condition
    children: list[Site] = field(default_factory=list)
    parent: Site | None = None
    role: str = ""
    """`when` or `check`."""

    def walk(self) -> Iterator[Site]:
        """The site and all below it, outer ones first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def path(self) -> Iterator[Site]:
        """The site and what it stands in, up to the root."""
        site: Site | None = self
        while site is not None:
            yield site
            site = site.parent


def tree(condition: Condition, role: str, parent: Site | None = None) -> Site:
    """The sites of a condition."""
    site = Site(condition, parent=parent, role=role)
    match condition:
        case Logic():
            parts = list(condition.children)
        case Ref():
            parts = [condition.condition]
        case Quantifier() | Count() if condition.where is not None:
            parts = [condition.where]
        case _:
            parts = []
    site.children = [tree(part, role, site) for part in parts]
    return site


def sites_of(rule: Rule) -> tuple[Site | None, Site | None]:
    """The trees of a rule's `when` and check."""
    return (
        tree(rule.when, "when") if rule.when is not None else None,
        tree(rule.check, "check") if rule.check is not None else None,
    )
