"""Digests: a condition and its parameters come in, a sha256 that changes exactly when the decision can change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from scanner.model.azure import (
    Access,
    Call,
    Existence,
    Field,
    FieldCount,
    Group,
    Policy,
    Test,
    Value,
    ValueCount,
)
from scanner.model.condition import Condition, Count, Leaf, Logic, Param, Path, Quantifier, Ref, Related
from scanner.model.rule import Parameter, Rule, RulePack
from scanner.model.values import ABSENT


def shape(part: Any) -> Any:
    """A JSON value that tells conditions apart and knows nothing of places and names of definitions."""
    match part:
        case Leaf():
            found = [shape(part.subject), part.operator, shape(part.operand)]
            if part.default is not ABSENT:
                found.append({"default": part.default})
            return [*found, "case"] if part.case_sensitive else found
        case Logic():
            return [part.kind, *(shape(child) for child in part.children)]
        case Quantifier():
            return [part.kind, shape(part.of), part.var, shape(part.where), part.when_empty]
        case Count():
            return ["count", shape(part.of), part.var, shape(part.where), part.operator, shape(part.operand)]
        case Ref():
            return shape(part.condition)
        case Policy():
            return ["azure", part.target.lower(), _clause(part.clause), [list(pair) for pair in part.aliases]]
        case Path():
            return {"path": [part.var, *part.keys]}
        case Param():
            return {"param": part.name}
        case Related():
            return {"related": part.name}
        case tuple() | list():
            return [shape(item) for item in part]
        case _:
            return part


def _clause(part: Any) -> Any:
    """The shape of an imported condition, without places."""
    match part:
        case Call(name="parameters", arguments=(str() as name,)):
            return {"param": name}
        case (
            Call()
            | Access()
            | Field()
            | Value()
            | FieldCount()
            | ValueCount()
            | Test()
            | Group()
            | Existence()
        ):
            inside = [getattr(part, name) for name in part.__match_args__ if name != "mark"]
            return [type(part).__name__, *map(_clause, inside)]
        case tuple() | list():
            return [_clause(item) for item in part]
        case _:
            return part


def rule_digest(
    target: str,
    when: Condition | None,
    check: Condition | None,
    manual: str,
    parameters: Mapping[str, Parameter],
) -> str:
    """sha256 (hex) of what a rule can decide by; `parameters` are those it uses."""
    content = {
        "target": target.lower(),
        "when": shape(when),
        "check": shape(check),
        "manual": manual,
        "parameters": {name: [list(item.types), item.default] for name, item in sorted(parameters.items())},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def values_digest(pack: RulePack, rule: Rule) -> str:
    """sha256 (hex) of the effective values a rule decides with, scoped ones too; "" for a rule without parameters."""
    used = sorted({name for part in (rule.when, rule.check) for name in _params(shape(part))})
    if not used:
        return ""
    names = {name: f"{rule.id}.{name}" if name in rule.parameters else name for name in used}
    content = {
        "values": {name: pack.values.get(full) for name, full in names.items()},
        "scoped": [
            [block.kind, block.scope, name, value]
            for block in pack.scoped
            for name, value in block.values
            if name in names.values()
        ],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def _params(part: Any) -> Iterator[str]:
    """The names of parameters in a shape."""
    if isinstance(part, dict):
        if isinstance(part.get("param"), str):
            yield part["param"]
        for item in part.values():
            yield from _params(item)
    elif isinstance(part, list | tuple):
        for item in part:
            yield from _params(item)
