"""Questions that only every case answers, asked with patience: what tells a mutant from its rule; which outcomes no case has.

A quick look comes first; where it was only a sample that showed nothing, every case is tried as long as there are not too
many. Where there are, nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scanner.engine.evaluate import rule_values
from scanner.model.condition import Condition, Count, Path, Quantifier
from scanner.model.rule import Parameter, Rule, RulePack
from scanner.workbench.bounded.axes import Limits, Sampled
from scanner.workbench.bounded.compare import differ
from scanner.workbench.bounded.moves import Example
from scanner.workbench.bounded.questions import EMPTY, FILLED, domain_of, reachable
from scanner.workbench.bounded.sites import sites_of

THOROUGH = Limits(elements=20_000, pairs=50_000, rows=2_000_000, whole=True)
"""Some seconds and some hundred megabytes at the most."""


def declared_in(pack: RulePack, rule: Rule) -> Mapping[str, Parameter]:
    """The declarations of every parameter that a rule can name; its own ones hide those of the pack."""
    return {**pack.parameters, **rule.parameters}


def apart(
    rule: Rule,
    mutant: Rule,
    values: Mapping[str, Any],
    mutant_values: Mapping[str, Any],
    declared: Mapping[str, Parameter],
) -> tuple[Example | None, bool]:
    """The smallest case that the two decide differently, or None; and whether it is certain that there is no other.

    `(None, True)`: they are one rule. `(None, False)`: a sample showed no difference, and that is all that is known.
    """
    found, complete = differ(rule, mutant, values, mutant_values, declared)
    if found is None and not complete:
        try:
            return differ(rule, mutant, values, mutant_values, declared, THOROUGH)
        except Sampled:
            return None, False
    return found, complete


class Reach:
    """Which outcomes of the conditions of a pack's rules some case brings about. Each rule is tried once, when first asked."""

    def __init__(self, pack: RulePack) -> None:
        self.pack = pack
        self._known: dict[str, dict[int, set[str]] | None] = {}

    def impossible(self, rule: Rule, condition: Condition, outcome: str) -> bool | None:
        """Whether no case at all brings about an outcome of a condition of a rule; None where that is not known."""
        if rule.id not in self._known:
            self._known[rule.id] = self._of(rule)
        found = self._known[rule.id]
        if found is None and isinstance(condition, (Quantifier, Count)) and outcome in (EMPTY, FILLED):
            # How long a list can be where `when` holds does not hang on the check, which may have too many cases.
            bare = Count(condition.of, condition.var, None, "greater", 0, condition.mark)
            inner = isinstance(condition.of, Path) and condition.of.var
            when, _ = sites_of(rule)
            early = when is not None and any(site.node is condition for site in when.walk())
            found = None if inner or early else self._of(replace(rule, check=bare, tests=()))
            return None if found is None else outcome not in found[id(bare)]
        if found is None or id(condition) not in found:
            return None
        return outcome not in found[id(condition)]

    def _of(self, rule: Rule) -> dict[int, set[str]] | None:
        if rule.semantics != "native":
            return None
        values, declared = rule_values(self.pack, rule, self.pack.values), declared_in(self.pack, rule)
        made = domain_of(rule, values, declared)
        if not made.complete:
            try:
                made = domain_of(rule, values, declared, THOROUGH)
            except Sampled:
                return None
        return reachable(made) if made.complete else None
