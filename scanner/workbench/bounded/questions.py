"""What a rule can and cannot be: a rule comes in; outcomes that no case brings about, parts that decide nothing come out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scanner.model.condition import Leaf
from scanner.model.rule import Parameter, Rule
from scanner.model.values import ABSENT
from scanner.workbench.bounded.axes import USUAL, Limits, Sampled
from scanner.workbench.bounded.beyond import beyond
from scanner.workbench.bounded.build import Domain, domain
from scanner.workbench.bounded.compare import letters
from scanner.workbench.bounded.masks import Forced, Masks
from scanner.workbench.bounded.scopes import collect
from scanner.workbench.bounded.sites import Site, sites_of

TRUE, FALSE, EMPTY, FILLED = "true", "false", "empty", "filled"


QUICK = Limits(elements=96, pairs=400, rows=4_000)
"""For questions about every rule of a pack at each keystroke."""
WHOLE = Limits(whole=True)
"""For questions that only every case answers."""
_GLANCE = Limits(elements=24, pairs=60, rows=400)


def domain_of(
    rule: Rule, values: Mapping[str, Any], declared: Mapping[str, Parameter], limits: Limits = USUAL
) -> Domain:
    """The domain of one rule in which its parameters vary."""
    return domain([rule], [values], declared, free=True, limits=limits)


def reachable(made: Domain, at: int = 0) -> dict[int, set[str]]:
    """For each condition of a rule (by id) the outcomes that some case brings about where the engine asks it.

    Outcomes: true, false; of lists also empty and filled. Meaningless where the domain is not complete.
    """
    found: dict[int, set[str]] = {}
    subject = made.subjects[at]
    masks = subject.masks
    asked = made.possible & masks.of(subject.when)[0] if subject.when is not None else made.possible
    if subject.check is not None:
        masks.of(subject.check)
    for site, *rows in masks.seen(made.possible):
        within = asked if site.role == "check" else made.possible
        outcomes = zip((TRUE, FALSE, EMPTY, FILLED), rows, strict=True)
        found.setdefault(id(site.node), set()).update(name for name, where in outcomes if where & within)
    return found


def dead(made: Domain, at: int = 0) -> Iterator[Site]:
    """The outermost sites that decide nothing: put to true or false, every verdict stays."""
    subject = made.subjects[at]
    for root in subject.roots:
        waiting = list(root.children)
        while waiting:
            site = waiting.pop(0)
            if _idle(made, at, site):
                yield site
            else:
                waiting = [*site.children, *waiting]


def _idle(made: Domain, at: int, site: Site) -> bool:
    high, low = (letters(made, at, Forced(site, holds)) for holds in (True, False))
    return all(high[letter] == low[letter] for letter in "PFN")


def idle_defaults(made: Domain, at: int = 0) -> Iterator[Leaf]:
    """The leaves whose `default` changes no verdict."""
    subject, before = made.subjects[at], letters(made, at)
    leaves: dict[int, Leaf] = {}
    for root in subject.roots:
        for site in root.walk():
            if isinstance(site.node, Leaf) and site.node.default is not ABSENT:
                leaves.setdefault(id(site.node), site.node)
    own = subject.masks
    for known, leaf in leaves.items():
        subject.masks = Masks(made.space, made.oracle, subject.params)
        subject.masks.unset = frozenset({known})
        after = letters(made, at)
        if all(before[letter] == after[letter] for letter in "PFN"):
            yield leaf
    subject.masks = own


def reads(rule: Rule) -> frozenset[str]:
    """The places that a rule reads: paths of the target, lists in it, relations."""
    roots = [site for site in sites_of(rule) if site is not None]
    found = collect(roots, rule.target, {})
    own = (*found.target.uses, *found.target.lists)
    return frozenset(
        {"target." + ".".join(keys) for keys in own} | {f"related.{name}" for name in found.related}
    )


def fails_where(
    one: Rule,
    other: Rule,
    values: tuple[Mapping[str, Any], Mapping[str, Any]],
    declared: Mapping[str, Parameter],
) -> tuple[bool, bool]:
    """Whether the other rule fails wherever the first does, and the first wherever the other does.

    A few cases refute it; only every case shows it: (False, False) where there are too many to try.
    """
    for limits in (_GLANCE, WHOLE):
        try:
            made = domain([one, other], values, declared, free=True, limits=limits)
        except Sampled:
            return False, False
        first, second = letters(made, 0)["F"], letters(made, 1)["F"]
        forth, back = bool(first) and not first & ~second, bool(second) and not second & ~first
        if not (forth or back):
            return forth, back
        if made.complete:
            return (False, False) if beyond(made.scopes) else (forth, back)
    return False, False
