"""The long look: a rule over the bounded domain; what is found is in a form that can be remembered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scanner.engine.evaluate import rule_values
from scanner.engine.judge import judge
from scanner.model.condition import Leaf, Logic, Mark
from scanner.model.finding import Verdict
from scanner.model.rule import Parameter, Rule
from scanner.workbench.bounded.axes import Sampled
from scanner.workbench.bounded.beyond import beyond
from scanner.workbench.bounded.build import Domain
from scanner.workbench.bounded.compare import letters, sampled
from scanner.workbench.bounded.questions import (
    QUICK,
    WHOLE,
    dead,
    domain_of,
    idle_defaults,
)
from scanner.workbench.bounded.sites import Site
from scanner.workbench.flow import in_short
from scanner.workbench.lint.context import PackContext, RuleContext
from scanner.workbench.lint.memory import Said
from scanner.workbench.unit import case_of

_CONTRARY = "Look for parts that exclude each other; a test that shows the contrary is believed."


def said(
    code: str,
    context: RuleContext,
    mark: Mark,
    what: str,
    advice: str = "",
    *,
    beside: str = "",
    level: str = "",
) -> Said:
    """A finding of a rule; its place is in the rule's file or in the pack's."""
    home = context.rule.id if mark.file == context.file.source.file else ""
    return Said(code, what, advice, home, mark.line, mark.column, beside, level)


def declared(pack: PackContext, rule: Rule) -> Mapping[str, Parameter]:
    """The parameters that a rule can name."""
    return {**pack.pack.parameters, **rule.parameters}


def values(pack: PackContext, rule: Rule) -> Mapping[str, Any]:
    """Their defaults."""
    return rule_values(pack.pack, rule, pack.pack.values)


def _domain(rule: Rule, values: Mapping[str, Any], declared: Mapping[str, Parameter]) -> Domain:
    """A quick look first, then every combination; a sample where there are too many."""
    made = domain_of(rule, values, declared, QUICK)
    if made.complete:
        return made
    try:
        return domain_of(rule, values, declared, WHOLE)
    except Sampled:
        return made


def of_rule(context: RuleContext) -> Iterator[Said]:
    """What one rule can never be, and its parts that decide nothing. A test that shows the contrary is believed."""
    rule = context.rule
    made = _domain(rule, values(context.pack, rule), declared(context.pack, rule))
    found = letters(made, 0)
    subject = made.subjects[0]
    missing = f"in {sampled(made)}" if not made.complete else beyond(made.scopes)
    level = "warning" if missing else ""
    shown = _shown(context) if not (found["P"] and found["F"]) else frozenset()
    if not found["P"] | found["F"] | found["U"]:
        if not shown & {Verdict.PASS, Verdict.FAIL}:
            what = (
                f"`when` was true for nothing that was tried ({missing})"
                if missing
                else "`when` is never true"
            )
            advice = _CONTRARY if missing else ""
            yield said("LOG004", context, context.key("when"), f"{rule.id}: {what}", advice, level=level)
        return
    place = context.key("assert" if "assert" in context.node.items else "failIf")
    for code, letter, verdict, never, word in (
        ("LOG001", "F", Verdict.FAIL, "never fails: the condition is always true", "failed"),
        ("LOG002", "P", Verdict.PASS, "never passes: the condition is always false", "passed"),
    ):
        if not found[letter] and verdict not in shown:
            what = f"{word} nothing that was tried ({missing})" if missing else never
            advice = _CONTRARY if missing else "Look for parts that exclude each other."
            yield said(code, context, place, f"{rule.id} {what}", advice, level=level)
    if missing or not (found["F"] and found["P"]):
        return
    for site in dead(made):
        yield said(
            "LOG003",
            context,
            site.node.mark,
            f"{rule.id}: {in_short(site.node)} decides nothing",
            "Remove it, or mend what was meant.",
        )
    told = [leaf for root in subject.roots for leaf in _negated(root)]
    for leaf in idle_defaults(made):
        if not any(leaf is other for other in told):
            yield said(
                "LOG008",
                context,
                leaf.mark,
                f"{rule.id}: the default of {leaf.subject} changes nothing",
                "Leave it out.",
            )


def _shown(context: RuleContext) -> frozenset[Verdict]:
    """The verdicts that the rule's own tests bring about, whatever they expect."""
    rule, pack = context.rule, context.pack.pack
    return frozenset(judge(rule, case_of(pack, rule, test)).verdict for test in rule.tests)


def _negated(root: Site) -> Iterator[Leaf]:
    """The leaves right below a `not`."""
    for site in root.walk():
        parent = site.parent
        if (
            isinstance(site.node, Leaf)
            and parent is not None
            and isinstance(parent.node, Logic)
            and parent.node.kind == "not"
        ):
            yield site.node
