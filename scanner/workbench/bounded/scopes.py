"""What conditions read, and where: sites come in, a tree of scopes comes out (the target, lists in it, relations, parameters).

All quantifiers over one list share its scope, whatever they call its elements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from scanner.engine import paths
from scanner.model.condition import Count, Leaf, ListSource, Param, Path, Quantifier, Ref, Related
from scanner.workbench.bounded.sites import Site

Keys: TypeAlias = tuple[str, ...]


@dataclass(slots=True, eq=False)
class Use:
    """A place of values: a property path, or a parameter. `leaves` read it, `partners` are compared with it."""

    leaves: list[Leaf] = field(default_factory=list)
    partners: list[tuple[str, Use]] = field(default_factory=list)
    """Operator and the other place."""
    counts: list[Count] = field(default_factory=list)
    """Counts that are compared with it (parameters)."""


@dataclass(slots=True, eq=False)
class Scope:
    """The target, or the elements of one list. `uses`: what is read of it by path; `lists`: lists in it."""

    variable: paths.Variable
    uses: dict[Keys, Use] = field(default_factory=dict)
    lists: dict[Keys, Scope] = field(default_factory=dict)
    wheres: list[Site] = field(default_factory=list)
    """The sites of what is asked of its elements."""
    counted: list[Count] = field(default_factory=list)
    together: int = 1
    """How many of its elements one condition looks at together: quantifiers over it stand in a quantifier over it."""

    def use(self, keys: Keys) -> Use:
        """The place of a path, made when first asked for."""
        return self.uses.setdefault(keys, Use())


@dataclass(slots=True)
class Scopes:
    """Everything that a set of rules reads."""

    target: Scope
    element_types: Mapping[str, str]
    related: dict[str, Scope] = field(default_factory=dict)
    params: dict[str, Use] = field(default_factory=dict)
    param_lists: dict[str, Scope] = field(default_factory=dict)

    def param(self, name: str) -> Use:
        """The place of a parameter."""
        return self.params.setdefault(name, Use())

    def all(self) -> Iterator[Scope]:
        """Every scope."""
        waiting = [self.target, *self.related.values(), *self.param_lists.values()]
        while waiting:
            scope = waiting.pop()
            yield scope
            waiting.extend(scope.lists.values())


def collect(roots: list[Site], target: str, element_types: Mapping[str, str]) -> Scopes:
    """The scopes of what the sites read."""
    scopes = Scopes(Scope(paths.Variable(target, "")), element_types)
    for root in roots:
        _visit(root, scopes, {paths.TARGET: scopes.target})
    return scopes


def _visit(site: Site, scopes: Scopes, env: Mapping[str, Scope]) -> None:
    node = site.node
    match node:
        case Leaf():
            _leaf(node, scopes, env)
        case Ref():
            for child in site.children:
                _visit(child, scopes, {paths.TARGET: env[paths.TARGET]})
        case Quantifier() | Count():
            scope = scope_of(node.of, scopes, env)
            if isinstance(node, Count):
                scope.counted.append(node)
                if isinstance(node.operand, Param):
                    scopes.param(node.operand.name).counts.append(node)
            scope.together += scope in env.values()
            for child in site.children:
                scope.wheres.append(child)
                _visit(child, scopes, {**env, node.var: scope})
        case _:
            for child in site.children:
                _visit(child, scopes, env)


def scope_of(of: ListSource, scopes: Scopes, env: Mapping[str, Scope]) -> Scope:
    """The scope of a list's elements."""
    if isinstance(of, Related):
        variable = paths.Variable(scopes.element_types.get(of.name, ""), "", related=of.name)
        return scopes.related.setdefault(of.name, Scope(variable))
    if isinstance(of, Param):
        scopes.param(of.name)
        return scopes.param_lists.setdefault(of.name, Scope(paths.Variable("", "")))
    holder = env[of.var]
    if of.keys not in holder.lists:
        variables = {name: scope.variable for name, scope in env.items()}
        holder.lists[of.keys] = Scope(paths.element_of(variables, of, scopes.element_types))
    return holder.lists[of.keys]


def _place(subject: Path | Param, scopes: Scopes, env: Mapping[str, Scope]) -> Use:
    return scopes.param(subject.name) if isinstance(subject, Param) else env[subject.var].use(subject.keys)


def _leaf(leaf: Leaf, scopes: Scopes, env: Mapping[str, Scope]) -> None:
    use = _place(leaf.subject, scopes, env)
    use.leaves.append(leaf)
    if isinstance(leaf.operand, (Path, Param)):
        other = _place(leaf.operand, scopes, env)
        use.partners.append((leaf.operator, other))
        other.partners.append((f"of {leaf.operator}", use))
