"""Whether an operand can fit an operator: kinds of literals, of parameters, and each operator's own check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanner.engine.operators import OPERATORS
from scanner.engine.operators.row import kind
from scanner.model.condition import Param, Path
from scanner.model.rule import Parameter


def operand_problem(name: str, operand: Any, parameters: Mapping[str, Parameter]) -> str:
    """Why an operand cannot fit an operator, or ""."""
    row = OPERATORS[name]
    if isinstance(operand, Path):
        return "takes no fieldRef" if name in ("exists", "empty", "matches", "format") else ""
    if isinstance(operand, Param):
        declared = parameters[operand.name]
        kinds = {_kind_of(name, declared) for name in declared.types} - {"null"}
        return (
            ""
            if kinds & _allowed(row.operands)
            else f"the parameter {operand.name} is no {_spoken(row.operands)}"
        )
    found = kind(operand)
    if found == "array":
        items = {kind(item) for item in operand}
        fits = (
            ("scalars" in row.operands and items <= {"string", "number", "boolean", "null"})
            or ("strings" in row.operands and items <= {"string"})
            or ("numbers" in row.operands and items <= {"number"})
        )
        if not fits:
            return f"needs {_spoken(row.operands)}, not a list"
    elif found not in _allowed(row.operands):
        return f"needs {_spoken(row.operands)}, not {found}"
    return row.check(operand) if row.check else ""


def _kind_of(name: str, declared: Parameter) -> str:
    if name == "array":
        return {"string": "strings", "integer": "numbers", "number": "numbers"}.get(
            declared.item_type or "string", "scalars"
        )
    return "number" if name == "integer" else name


def _allowed(operands: frozenset[str]) -> set[str]:
    allowed = set(operands)
    if "scalar" in allowed:
        allowed |= {"string", "number", "boolean", "null"}
    if "scalars" in allowed:
        allowed |= {"strings", "numbers"}
    return allowed


def _spoken(operands: frozenset[str]) -> str:
    words = {
        "scalar": "a single value",
        "scalars": "a list of values",
        "strings": "a list of texts",
        "numbers": "a list of numbers",
        "string": "text",
        "number": "a number",
        "boolean": "true or false",
    }
    return " or ".join(words[name] for name in sorted(operands))
