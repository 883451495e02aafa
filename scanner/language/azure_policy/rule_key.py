"""The key `azurePolicy` of a rule file: its node comes in, conditions and parameters come out.

    azurePolicy: {definition, mode, parameters, aliases, policyRule}

`parameters` and `policyRule` are as Azure writes them; `aliases` holds paths that somebody looked up.
"""

from __future__ import annotations

from dataclasses import dataclass

from scanner.language.azure_policy.clauses import Reading
from scanner.language.azure_policy.definition import read_parameters
from scanner.language.azure_policy.judging import Judged, alias_table, judged
from scanner.language.form import Form
from scanner.model.rule import Parameter
from scanner.text import Mapping as MappingNode
from scanner.text import Node

KEY = "azurePolicy"
KEYS = ("definition", "mode", "parameters", "aliases", "policyRule")


@dataclass(frozen=True, slots=True)
class Keyed:
    """What the key holds."""

    judged: Judged
    parameters: dict[str, Parameter]


def parse_key(form: Form, node: Node, target: str) -> Keyed | None:
    """The conditions and parameters of an imported rule, or None when something is wrong (see `form.errors`)."""
    before = len(form.errors)
    body = form.mapping(node, KEY, KEYS, ("policyRule",))
    items = body.items
    declared = items.get("parameters")
    nodes = dict(form.mapping(declared, "parameters", _names(declared)).items) if declared is not None else {}
    parameters = read_parameters(form, nodes)
    reading = Reading(form, tuple(parameters), {})
    reading.table = alias_table(reading, items.get("aliases"))
    mode = form.text(items.get("mode"), "mode")
    definition = form.text(items.get("definition"), "definition")
    rule = items.get("policyRule")
    if rule is None or not target or len(form.errors) > before:
        return None
    found = judged(reading, rule, mode, parameters, target, definition)
    if found is None or len(form.errors) > before:
        return None
    if found.manual:
        form.report("a policy that a person attests is written with `manual`", rule.mark)
        return None
    return Keyed(found, parameters)


def _names(node: Node | None) -> tuple[str, ...]:
    return tuple(node.items) if isinstance(node, MappingNode) else ()
