"""Proof trees as indented text and as JSON: which condition held, which value decided, which rule line asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scanner.engine import telling
from scanner.engine.case import Bound
from scanner.engine.judge import Judgement
from scanner.engine.proof import Proof, Truth
from scanner.engine.telling import jsonable, words

GLYPHS = {Truth.TRUE: "✓", Truth.FALSE: "✗", Truth.UNKNOWN: "?", Truth.ERROR: "!"}
PLAIN = {Truth.TRUE: "T", Truth.FALSE: "F", Truth.UNKNOWN: "?", Truth.ERROR: "!"}
MAX_ELEMENTS = 8


def lines(judgement: Judgement, *, unicode: bool = True) -> Iterator[str]:
    """The proof of a judgement, `when` first."""
    if judgement.when is not None:
        yield "when"
        yield from _tree(judgement.when, "  ", unicode)
    if judgement.proof is not None and judgement.proof is not judgement.when:
        yield "must hold"
        yield from _tree(judgement.proof, "  ", unicode)


def _tree(proof: Proof, indent: str, unicode: bool) -> Iterator[str]:
    glyph = (GLYPHS if unicode else PLAIN)[proof.truth]
    yield f"{indent}{glyph} {safe(_label(proof))}   [{proof.mark}]"
    shown = proof.children
    if len(shown) > MAX_ELEMENTS and shown[0].var:
        decisive = [child for child in shown if child.truth in (Truth.UNKNOWN, Truth.ERROR)]
        wanted = Truth.TRUE if proof.negated or proof.label.startswith("some") else Truth.FALSE
        decisive += [child for child in shown if child.truth is wanted]
        shown = (decisive or shown)[:MAX_ELEMENTS]
    for child in shown:
        yield from _tree(child, indent + "  ", unicode)
    if len(shown) < len(proof.children):
        yield f"{indent}  … {len(proof.children) - len(shown)} more elements"


def _label(proof: Proof) -> str:
    if proof.var:
        bound = proof.element
        value = bound.value if isinstance(bound, Bound) else bound
        name = telling.words(_short(value))
        return f"${proof.var} = {name}"
    if proof.operator or proof.path:
        text = proof.path or proof.label
        if proof.operator:
            text += f" {proof.operator} {words(proof.expected)}"
        observed = {
            "absent": "not set",
            "unread": "not read",
            "hidden": "hidden",
            "error": "cannot be judged",
        }
        seen = observed.get(proof.state) or words(proof.actual)
        note = f" ({proof.note})" if proof.note else ""
        return f"{text}: {seen}{note}"
    return proof.label


def _short(value: Any) -> Any:
    """The part of an element that names it."""
    if isinstance(value, dict):
        for key in ("id", "principalId", "name", "value", "key"):
            if isinstance(value.get(key), str):
                return value[key]
    return value


def safe(text: str) -> str:
    """Text without control characters, for a terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)


def as_json(judgement: Judgement, rule: str, resource: str) -> dict[str, Any]:
    """Verdict and proof as a JSON value."""
    return {
        "rule": rule,
        "resource": resource,
        "verdict": judgement.verdict.value,
        "message": judgement.message,
        "reason": judgement.reason,
        "when": _node(judgement.when) if judgement.when else None,
        "check": _node(judgement.proof)
        if judgement.proof and judgement.proof is not judgement.when
        else None,
    }


def _node(proof: Proof) -> dict[str, Any]:
    found: dict[str, Any] = {
        "truth": proof.truth.name.lower(),
        "label": proof.label,
        "place": str(proof.mark),
    }
    if proof.operator or proof.path:
        found |= {
            "path": proof.path,
            "state": proof.state,
            "actual": jsonable(proof.actual),
            "operator": proof.operator,
            "expected": jsonable(proof.expected),
        }
    if proof.note:
        found["note"] = proof.note
    if proof.var:
        bound = proof.element
        found["element"] = jsonable(bound.value if isinstance(bound, Bound) else bound)
    if proof.children:
        found["children"] = [_node(child) for child in proof.children]
    return found
