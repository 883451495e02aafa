"""Imported rules in the workbench: nothing there enumerates, mutates or writes them as native rules, and it says so."""

from __future__ import annotations

from scanner.language.digest import shape
from scanner.text import load_yaml, plain
from scanner.workbench.bounded.compare import compare, differ
from scanner.workbench.bounded.moves import Side
from scanner.workbench.docs import page
from scanner.workbench.flow import condition_text
from scanner.workbench.mutants import mutants
from tests.language.azure_policy.asking import REGISTRIES, rule_of

DEFINITION = {
    "policyRule": {
        "if": {
            "allOf": [
                {"field": "type", "equals": REGISTRIES},
                {"count": {"field": f"{REGISTRIES}/networkRuleSet.ipRules[*]", "where": {"value": "[current()]", "equals": 'a"b'}}, "greater": 0},
            ]
        },
        "then": {"effect": "audit"},
    }
}  # fmt: skip


def test_two_imported_rules_are_not_called_alike():
    """A comparison finds no difference where it cannot look, but never says that it looked at everything."""
    one, values = rule_of(DEFINITION)
    other, _ = rule_of({"policyRule": {"if": {"field": "name", "like": "x*"}, "then": {"effect": "deny"}}})
    moves = compare(Side(one, values), Side(other, values))
    assert not moves.complete
    assert "imported conditions" in moves.note
    found, whole = differ(one, other, values, values)
    assert (found, whole) == (None, False)
    assert shape(one.check) != shape(other.check)


def test_an_imported_condition_in_words():
    """Diffs and pages show it in Azure's spelling; the diff is YAML."""
    rule, _ = rule_of(DEFINITION)
    assert rule.check is not None
    text = condition_text(rule.check)
    (document,), _ = load_yaml(text, "a")
    assert "ipRules[*] greater 0" in plain(document)["not"]["azurePolicy"]
    assert "count of" in page(rule)


def test_an_imported_condition_has_no_mutants():
    """Mistakes are made in native conditions only."""
    assert list(mutants(*rule_of(DEFINITION))) == []
