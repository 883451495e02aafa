"""A parsed rule against the facts: unknown paths, relations, wrong operand types and misspelled enum values."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from scanner import types
from scanner.engine import paths
from scanner.engine.operators import OPERATORS
from scanner.engine.operators.row import kind
from scanner.engine.relations import relations_for
from scanner.language.form import Form
from scanner.model.condition import Condition, Count, Leaf, Logic, Mark, Path, Quantifier, Ref, Related
from scanner.model.rule import Message, Placeholder, Rule
from scanner.text import nearest

_JSON = {"integer": "number", "map": "object"}


class _Scope(NamedTuple):
    """What the walk knows: variables in sight and the element types of the target's relations."""

    variables: Mapping[str, paths.Variable]
    relations: Mapping[str, str]


def check_rule(form: Form, rule: Rule) -> None:
    """Report every path, relation, literal and placeholder of a rule that the facts do not know."""
    facts = types.facts_for(rule.target)
    if facts is None and rule.semantics == "azure":
        return  # nobody collects the type; its aliases were looked at when the rule was read
    if facts is None:
        known = types.all_types()
        advice = nearest(rule.target, known) or "`acrscan policy list --types` names the types with facts."
        form.report(f"unknown target type {rule.target!r}", rule.mark, advice, "SEM007")
        return
    checker = _Checker(form, {relation.name: relation.element for relation in relations_for(rule.target)})
    scope = {paths.TARGET: paths.Variable(facts.type, "")}
    for condition in (rule.when, rule.check):
        if condition is not None:
            checker.visit(condition, scope)
    for message in (rule.message, rule.not_applicable_message, *_words(rule)):
        checker.message(message, scope)


def _words(rule: Rule) -> Iterator[Message]:
    for command in rule.remediation.az:
        yield from command


class _Checker:
    def __init__(self, form: Form, relations: Mapping[str, str]) -> None:
        self.form = form
        self.relations = relations
        self.seen: dict[str, paths.Variable] = {}

    def visit(self, condition: Condition, scope: Mapping[str, paths.Variable]) -> None:
        match condition:
            case Leaf():
                self.leaf(condition, scope)
            case Logic():
                for child in condition.children:
                    self.visit(child, scope)
            case Ref():
                self.visit(condition.condition, {paths.TARGET: scope[paths.TARGET]})
            case Quantifier() | Count():
                variable = self.element(condition, scope)
                if condition.var and variable is not None:
                    self.seen.setdefault(condition.var, variable)
                    if condition.where is not None:
                        self.visit(condition.where, {**scope, condition.var: variable})

    def element(
        self, condition: Quantifier | Count, scope: Mapping[str, paths.Variable]
    ) -> paths.Variable | None:
        of = condition.of
        if isinstance(of, Related):
            if of.name not in self.relations:
                advice = (
                    nearest(of.name, self.relations) or f"Known here: {', '.join(sorted(self.relations))}."
                )
                self.form.report(
                    f"unknown relation {of.name!r} for this target", condition.mark, advice, "SEM002"
                )
                return None
            return paths.element_of(scope, of, self.relations)
        if isinstance(of, Path):
            way = self.path(of, condition.mark, scope)
            if way and way.fact and way.fact.kind not in ("array", "map", "any"):
                self.form.report(f"{of} is {way.fact.kind}, not a list", condition.mark, "", "SEM005")
                return None
            return paths.element_of(scope, of, self.relations)
        return paths.Variable("", "")

    def path(self, path: Path, mark: Mark, scope: Mapping[str, paths.Variable]) -> paths.Plan | None:
        holder = scope[path.var]
        if not holder.type and not holder.map:
            return None
        way = paths.plan(holder, path.keys)
        if not way.known and path.keys:
            self.form.report(f"unknown property path {str(path)!r}", mark, _suggest(holder, way), "SEM007")
            return None
        return way

    def leaf(self, leaf: Leaf, scope: Mapping[str, paths.Variable]) -> None:
        if isinstance(leaf.operand, Path):
            self.path(leaf.operand, leaf.mark, scope)
        if not isinstance(leaf.subject, Path):
            return
        way = self.path(leaf.subject, leaf.mark, scope)
        fact = way.fact if way else None
        if fact is None or fact.kind == "any":
            return
        found = _JSON.get(fact.kind, fact.kind)
        row = OPERATORS[leaf.operator]
        if "any" not in row.values and found not in row.values:
            self.form.report(
                f"{leaf.operator} does not fit {leaf.subject}, which is {fact.kind}", leaf.mark, "", "SEM005"
            )
            return
        literals = leaf.operand if isinstance(leaf.operand, tuple) else (leaf.operand,)
        for literal in (*literals, leaf.default):
            self.literal(leaf, fact, found, literal)

    def literal(self, leaf: Leaf, fact: types.Fact, found: str, literal: Any) -> None:
        if leaf.operator not in ("equals", "in") or kind(literal) not in ("string", "number", "boolean"):
            return
        if kind(literal) != found:
            self.form.report(
                f"{leaf.subject} is {fact.kind}, so it never equals {literal!r}",
                leaf.mark,
                "Mind the quotes.",
                "SEM005",
            )
        elif (
            fact.enum
            and isinstance(literal, str)
            and literal.casefold() not in {str(e).casefold() for e in fact.enum}
        ):
            advice = (
                nearest(literal, map(str, fact.enum)) or f"Known values: {', '.join(map(str, fact.enum))}."
            )
            self.form.report(f"{leaf.subject} is never {literal!r}", leaf.mark, advice, "SEM006")

    def message(self, message: Message, scope: Mapping[str, paths.Variable]) -> None:
        for part in message:
            if not isinstance(part, Placeholder):
                continue
            if part.kind == "field":
                path = Path("", part.keys)
                if not paths.plan(scope[paths.TARGET], path.keys).known:
                    way = paths.plan(scope[paths.TARGET], path.keys)
                    advice = _suggest(scope[paths.TARGET], way)
                    self.form.report(
                        f"the placeholder {{{{ {path} }}}} names an unknown path", part.mark, advice, "SEM004"
                    )
            elif part.kind == "matched" and len(part.keys) > 1:
                holder = self.seen.get(part.keys[0])
                if holder and (holder.type or holder.map) and not paths.plan(holder, part.keys[1:]).known:
                    self.form.report(
                        f"the placeholder {{{{ matched.{'.'.join(part.keys)} }}}} names an unknown path",
                        part.mark,
                        _suggest(holder, paths.plan(holder, part.keys[1:])),
                        "SEM004",
                    )


def _suggest(holder: paths.Variable, way: paths.Plan) -> str:
    facts = types.facts_for(holder.type)
    if facts is None or not way.steps:
        return ""
    wanted = way.steps[-1].at
    lowered = {path.lower(): path for path in facts.facts}
    close = difflib.get_close_matches(wanted.lower(), list(lowered), n=1, cutoff=0.6)
    if not close:
        return f"`{facts.type}` has no such property."
    found = lowered[close[0]]
    prefix = holder.prefix + (types.VALUE if holder.map else "")
    shown = found.removeprefix(prefix).lstrip(".") if prefix and found.startswith(prefix) else found
    return f'Did you mean "{shown}"?'
