"""The page of a rule: a rule comes in, Markdown comes out. Pages are generated, never edited."""

from __future__ import annotations

from collections.abc import Iterator

from scanner.engine.relations import TABLE, relations_for
from scanner.model.azure import Policy
from scanner.model.condition import (
    Condition,
    Count,
    Leaf,
    ListSource,
    Logic,
    Param,
    Path,
    Quantifier,
    Ref,
    Related,
)
from scanner.model.rule import Rule, RulePack
from scanner.model.values import ABSENT
from scanner.types import facts_for
from scanner.workbench.policy_words import policy_sentences


def page(rule: Rule) -> str:
    """The page of one rule."""
    return "\n".join(_lines(rule)) + "\n"


def index(pack: RulePack) -> str:
    """The page that lists all rules."""
    lines = ["# Rules", "", f"Pack `{pack.id}` {pack.version}: {len(pack.rules)} rules.", ""]
    lines += ["| rule | severity | target | what holds |", "|---|---|---|---|"]
    for rule in pack.rules:
        state = "" if rule.enabled else " (off)"
        target = rule.target.removeprefix("Microsoft.")
        lines.append(
            f"| [{rule.id}]({rule.id}.md){state} | {rule.severity} | {target} | {_cell(rule.title)} |"
        )
    return "\n".join(lines) + "\n"


def relations() -> str:
    """The page that lists all relations, by target."""
    lines = [
        "# Relations",
        "",
        "What `related.<name>` gives in a rule, by target type. ARM relations give whole resources, `acrscan/...` ones flat rows",
        "(fields in `scanner/types/`). A relation whose collections were not read is unknown, never an empty list.",
    ]
    targets = sorted({target for row in TABLE for target in row.of})
    for target in targets:
        facts = facts_for(target)
        lines += [
            "",
            f"## {facts.type if facts else target}",
            "",
            "| relation | elements | identified by | what it is |",
        ]
        lines.append("|---|---|---|---|")
        lines += [
            f"| {row.name} | {row.element or 'several types'} | {', '.join(row.key)} | {row.doc} |"
            for row in relations_for(target)
        ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _lines(rule: Rule) -> Iterator[str]:
    yield f"# {rule.id} {rule.name}"
    yield ""
    yield f"**{rule.title}**"
    yield ""
    state = "on" if rule.enabled else f"off: {rule.disabled_reason}"
    yield f"- Severity: {rule.severity}"
    yield f"- Target: `{rule.target}`"
    yield f"- State: {rule.status}, {state}"
    yield f"- Facts last checked: {rule.reviewed}"
    controls = [
        f"{item.framework} {item.id}" + (" (derived)" if item.basis == "derived" else "")
        for item in rule.controls
    ]
    yield f"- Controls: {', '.join(controls) or 'none'}"
    yield ""
    yield "## Why"
    yield ""
    yield rule.rationale
    if rule.check is None:
        yield ""
        yield "## To attest"
        yield ""
        yield rule.manual
    else:
        yield ""
        yield "## What is checked"
        yield ""
        yield "```text"
        if rule.when is not None:
            yield "applies when"
            yield from sentences(rule.when, "  ")
        if rule.check is not None:
            yield "must hold"
            yield from sentences(rule.check, "  ")
        yield "```"
    yield from _remedy(rule)
    if rule.parameters:
        yield ""
        yield "## Parameters"
        yield ""
        for parameter in rule.parameters.values():
            yield f"- `{parameter.name}` (default {_value(parameter.default)}): {parameter.description}"
    if rule.tests:
        yield ""
        yield "## Tested cases"
        yield ""
        for test in rule.tests:
            yield f"- {test.name}: {test.expect}"
    yield ""
    yield "## Sources"
    yield ""
    for reference in rule.references:
        yield f"- <{reference}>"


def _remedy(rule: Rule) -> Iterator[str]:
    remedy = rule.remediation
    yield ""
    yield f"## Remediation (effort {remedy.effort})"
    if remedy.manual:
        yield ""
        yield remedy.manual
    commands = "\n".join(
        " ".join(
            "".join(
                part if isinstance(part, str) else "{{ " + ".".join(_names(part.kind, part.keys)) + " }}"
                for part in word
            )
            for word in command
        )
        for command in remedy.az
    )
    for language, text in (("sh", commands), ("bicep", remedy.bicep), ("terraform", remedy.terraform)):
        if text:
            yield ""
            yield f"```{language}"
            yield text
            yield "```"


def _names(kind: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    return (kind, *keys) if kind in ("param", "matched") else keys or (kind,)


def sentences(condition: Condition, indent: str = "") -> Iterator[str]:
    """A condition as indented lines."""
    match condition:
        case Leaf():
            default = (
                "" if condition.default is ABSENT else f" (not set counts as {_value(condition.default)})"
            )
            yield f"{indent}{_subject(condition.subject)} {condition.operator} {_value(condition.operand)}{default}"
        case Logic(kind="not"):
            yield f"{indent}not"
            yield from sentences(condition.children[0], indent + "  ")
        case Logic():
            yield f"{indent}{'all of' if condition.kind == 'allOf' else 'any of'}"
            for child in condition.children:
                yield from sentences(child, indent + "  ")
        case Ref():
            yield from sentences(condition.condition, indent)
        case Quantifier():
            yield f"{indent}{condition.kind} of {_subject(condition.of)} as ${condition.var} where"
            yield from sentences(condition.where, indent + "  ")
        case Count():
            yield f"{indent}count of {_subject(condition.of)} {condition.operator} {_value(condition.operand)}"
            if condition.where is not None:
                yield f"{indent}  where"
                yield from sentences(condition.where, indent + "    ")
        case Policy():
            yield from policy_sentences(condition.clause, indent)


def _subject(subject: ListSource) -> str:
    match subject:
        case Path():
            return str(subject)
        case Param():
            return f"parameter {subject.name}"
        case Related():
            return f"related.{subject.name}"


def _value(value: object) -> str:
    match value:
        case Param():
            return f"parameter {value.name}"
        case Path():
            return str(value)
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case tuple():
            return "[" + ", ".join(map(_value, value)) + "]"
        case _:
            return str(value)
