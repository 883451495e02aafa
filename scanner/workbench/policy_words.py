"""An imported condition in words: clauses come in, indented lines come out, in Azure's own spelling."""

from __future__ import annotations

from collections.abc import Iterator

from scanner.model.azure import (
    Access,
    Call,
    Clause,
    Existence,
    Field,
    FieldCount,
    Group,
    Template,
    Test,
    Value,
    ValueCount,
)


def policy_sentences(clause: Clause, indent: str = "") -> Iterator[str]:
    """A clause as indented lines."""
    match clause:
        case Group():
            yield indent + {"allOf": "all of", "anyOf": "any of", "not": "not"}[clause.kind]
            for child in clause.children:
                yield from policy_sentences(child, indent + "  ")
        case Existence():
            place = "below it" if clause.below else f"in the same {clause.scope}"
            name = "" if clause.name is None else f" named {written(clause.name)}"
            yield f"{indent}there is a {clause.type}{name} {place}"
            if clause.where is not None:
                yield f"{indent}  where"
                yield from policy_sentences(clause.where, indent + "    ")
        case Test():
            yield f"{indent}{_subject(clause)} {clause.operator} {written(clause.operand)}"
            where = clause.subject.where if isinstance(clause.subject, FieldCount | ValueCount) else None
            if where is not None:
                yield f"{indent}  where"
                yield from policy_sentences(where, indent + "    ")


def _subject(test: Test) -> str:
    match test.subject:
        case Field():
            return (
                written(test.subject.name)
                if isinstance(test.subject.name, str)
                else f"field {written(test.subject.name)}"
            )
        case Value():
            return f"value {written(test.subject.template)}"
        case FieldCount():
            return f"count of {test.subject.alias}"
        case ValueCount():
            return f"count of {written(test.subject.template)} as {test.subject.name}"


def written(template: Template) -> str:
    """A template as Azure writes it; literals bare."""
    if isinstance(template, Call | Access):
        return f"[{_inner(template)}]"
    if isinstance(template, tuple):
        return "[" + ", ".join(map(written, template)) + "]"
    if isinstance(template, bool):
        return "true" if template else "false"
    return "null" if template is None else str(template)


def _inner(template: Template) -> str:
    if isinstance(template, Call):
        return f"{template.name}({', '.join(map(_inner, template.arguments))})"
    if isinstance(template, Access):
        key = template.key
        of = _inner(template.of)
        return f"{of}.{key}" if isinstance(key, str) and key.isidentifier() else f"{of}[{_inner(key)}]"
    return "'" + template.replace("'", "''") + "'" if isinstance(template, str) else written(template)
