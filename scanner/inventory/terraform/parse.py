"""The text of a `.tf` or `.tfvars` file comes in, its blocks and attributes come out, or where it does not parse.

The grammar is tree-sitter's (exact positions, 1 ms a file); three things that it reads otherwise than Terraform are put
right here: chained conditionals lean right, whitespace at the rims of texts belongs to them, and two attributes on one line
are an error. https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from typing import Any

from scanner.errors import InputError
from scanner.inventory.terraform.syntax import (
    ELEMENT,
    Attribute,
    Binary,
    Block,
    Body,
    Call,
    Conditional,
    Expression,
    For,
    Get,
    Index,
    ListOf,
    Literal,
    Name,
    ObjectOf,
    Source,
    Span,
    Splat,
    Unary,
)
from scanner.inventory.terraform.texts import heredoc, quoted

MAX_DEPTH = 100
_EXPONENT = re.compile(rb"(?<![\w.])\d+[eE][+-]?\d+(?![\w.])")
MISSING = "reading Terraform needs the parser of the extra `terraform`, which is not installed"
ADVICE = "Install it with `pip install 'acrscan[terraform]'`, or give a plan (`terraform show -json`), which needs no parser."


@lru_cache(maxsize=1)
def _parser() -> Any:
    try:
        tree_sitter = import_module("tree_sitter")
        grammar = import_module("tree_sitter_hcl")
    except ImportError as error:
        raise InputError(MISSING, "", ADVICE) from error
    return tree_sitter.Parser(tree_sitter.Language(grammar.language()))


def parse(source: Source) -> Body:
    """The body of a file. Raises `InputError` with file:line:column where it does not parse."""
    root = _parser().parse(source.content).root_node
    if root.has_error and _EXPONENT.search(source.content):
        # The grammar knows no `1e9`: digits of the same length stand for it, the value is read from the source.
        root = _parser().parse(_EXPONENT.sub(lambda match: b"1" * len(match[0]), source.content)).root_node
    if root.has_error:
        bad = _first_error(root)
        line, column = source.position(bad.start_byte)
        what = f"{bad.type!r} is missing here" if bad.is_missing else "does not parse as Terraform"
        raise InputError(
            what,
            f"{source.file}:{line}:{column}",
            "Run `terraform validate`.",
            excerpt=_excerpt(source, line),
        )
    found = next((child for child in root.children if child.type == "body"), None)
    return _Reader(source).body(found, 0) if found is not None else Body()


def parse_expression(source: Source) -> Expression:
    """The one expression that a text holds, such as a template of a JSON file. Raises `InputError`."""
    whole = Source(source.file, b"x = " + source.content + b"\n")
    return parse(whole).attributes["x"].expression


def _first_error(node: Any) -> Any:
    """The innermost first error below a node."""
    while True:
        below = next((child for child in node.children if child.has_error or child.is_missing), None)
        if below is None or node.is_missing:
            return node
        node = below


def _excerpt(source: Source, line: int) -> str:
    text = source.content.split(b"\n")[line - 1].decode("utf-8", "replace")[:110]
    # A line of a broken file may hold a secret; only its shape is shown.
    shown = "".join(char if char.isprintable() else " " for char in text)
    return f"  | {shown.partition('=')[0].rstrip()}{' = ...' if '=' in shown else ''}"


def _named(node: Any) -> list[Any]:
    return [child for child in node.named_children if child.type != "comment"]


class _Reader:
    """Turns nodes of one file into syntax."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def text(self, node: Any) -> str:
        return self.source.content[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def error(self, what: str, node: Any, advice: str = "") -> InputError:
        line, column = self.source.position(node.start_byte)
        return InputError(what, f"{self.source.file}:{line}:{column}", advice)

    def body(self, node: Any, depth: int) -> Body:
        if depth > MAX_DEPTH:
            raise self.error(f"blocks are nested deeper than {MAX_DEPTH} levels", node)
        found = Body()
        ended = -1
        for child in _named(node):
            if child.start_point[0] == ended:
                raise self.error(
                    "two attributes or blocks stand on one line", child, "Put each on its own line."
                )
            ended = child.end_point[0]
            if child.type == "attribute":
                one = self.attribute(child)
                if one.name in found.attributes:
                    raise self.error(f"{one.name!r} is set twice", child, "Keep one of them.")
                found.attributes[one.name] = one
            else:
                found.blocks.append(self.block(child, depth))
        return found

    def attribute(self, node: Any) -> Attribute:
        name, value = _named(node)
        return Attribute(
            self.text(name),
            self.source,
            (node.start_byte, node.end_byte),
            (value.start_byte, value.end_byte),
            lambda: self.expression(value, 0),
        )

    def block(self, node: Any, depth: int) -> Block:
        kind, *rest = _named(node)
        labels = []
        body = Body()
        head = node.start_byte
        for child in rest:
            if child.type == "body":
                body = self.body(child, depth + 1)
            elif child.type == "string_lit":
                labels.append(
                    "".join(
                        self.text(part) for part in child.named_children if part.type == "template_literal"
                    )
                )
            elif child.type == "identifier":
                labels.append(self.text(child))
            elif child.type == "block_start":
                head = child.end_byte
        return Block(
            self.text(kind),
            tuple(labels),
            body,
            self.source,
            (node.start_byte, node.end_byte),
            (node.start_byte, head),
        )

    def expression(self, node: Any, depth: int) -> Expression:
        """The expression of an `expression` node: one operand with the steps behind it."""
        if depth > MAX_DEPTH:
            raise self.error(
                f"the expression is nested deeper than {MAX_DEPTH} levels", node, "Split it with locals."
            )
        return self.steps(_named(node), depth + 1)

    def steps(self, nodes: list[Any], depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise self.error(
                f"more than {MAX_DEPTH} operators in one expression", nodes[0], "Split it with locals."
            )
        found = self.operand(nodes[0], depth)
        return self.walk(found, nodes[1:], depth)

    def walk(self, found: Expression, nodes: list[Any], depth: int) -> Expression:
        """An expression with `.name`, `[key]` and splats behind it. An attribute splat takes what follows with it."""
        for at, node in enumerate(nodes):
            span = (found.span[0], node.end_byte)
            if node.type == "get_attr":
                found = Get(found, self.text(_named(node)[0]), span)
            elif node.type == "index":
                inner = node.named_children[0]
                found = Index(found, self.key(inner, depth), span)
            elif node.type == "splat":
                each = self.walk(Name(ELEMENT, span), _named(node.named_children[0]), depth)
                each = (
                    self.walk(each, nodes[at + 1 :], depth)
                    if node.named_children[0].type == "full_splat"
                    else each
                )
                whole = Splat(found, each, (found.span[0], nodes[-1].end_byte))
                if node.named_children[0].type == "full_splat":
                    return whole
                found = whole
            else:
                raise self.error(f"{node.type} is not understood", node)
        return found

    def key(self, node: Any, depth: int) -> Expression:
        if node.type == "legacy_index":
            return Literal(int(self.text(node).strip(". \t")), (node.start_byte, node.end_byte))
        return self.expression(_named(node)[0], depth)

    def operand(self, node: Any, depth: int) -> Expression:
        span = (node.start_byte, node.end_byte)
        kind = node.type
        if kind == "variable_expr":
            return Name(self.text(node), span)
        if kind == "literal_value":
            return self.literal(_named(node)[0], span)
        if kind == "expression":
            return self.expression(node, depth)
        if kind == "template_expr":
            inner = _named(node)[0]
            return (heredoc if inner.type == "heredoc_template" else quoted)(self, inner, span, depth)
        if kind == "function_call":
            return self.call(node, span, depth)
        if kind == "collection_value":
            return self.collection(_named(node)[0], span, depth)
        if kind == "operation":
            return self.operation(_named(node)[0], span, depth)
        if kind == "conditional":
            return self.conditional(node, span, depth)
        if kind == "for_expr":
            return self.comprehension(_named(node)[0], span, depth)
        raise self.error(f"{kind} is not understood", node)

    def literal(self, node: Any, span: Span) -> Expression:
        if node.type == "string_lit":
            return quoted(self, node, span, 0)
        text = self.text(node)
        if node.type == "numeric_lit":
            if len(text) > 100:
                raise self.error("the number has more than 100 digits", node)
            return Literal(int(text) if text.isdecimal() else float(text), span)
        return Literal({"true": True, "false": False, "null": None}[text], span)

    def call(self, node: Any, span: Span, depth: int) -> Expression:
        name, *rest = _named(node)
        children = _named(rest[0]) if rest else []
        spread = any(child.type == "ellipsis" for child in children)
        arguments = tuple(self.expression(child, depth) for child in children if child.type == "expression")
        return Call(self.text(name), arguments, spread, span)

    def collection(self, node: Any, span: Span, depth: int) -> Expression:
        children = _named(node)
        if node.type == "tuple":
            return ListOf(
                tuple(self.expression(child, depth) for child in children if child.type == "expression"), span
            )
        pairs = []
        for child in children:
            if child.type == "object_elem":
                key, value = (one for one in _named(child) if one.type == "expression")
                pairs.append(
                    (
                        self.object_key(key, depth),
                        self.expression(value, depth),
                        (child.start_byte, child.end_byte),
                    )
                )
        return ObjectOf(tuple(pairs), span)

    def object_key(self, node: Any, depth: int) -> Expression:
        """A bare word is a text here; in brackets it is a reference."""
        if node.child_count == 1 and node.children[0].type == "variable_expr":
            return Literal(self.text(node), (node.start_byte, node.end_byte))
        return self.expression(node, depth)

    def operation(self, node: Any, span: Span, depth: int) -> Expression:
        if node.type == "unary_operation":
            return Unary(
                self.text(node.children[0]), self.steps(self.side(node.children[1:]), depth + 1), span
            )
        cut = next(at for at, child in enumerate(node.children) if child.type in _OPERATORS)
        left = self.steps(self.side(node.children[:cut]), depth + 1)
        right = self.steps(self.side(node.children[cut + 1 :]), depth + 1)
        return Binary(node.children[cut].type, left, right, span)

    @staticmethod
    def side(nodes: list[Any]) -> list[Any]:
        """The operand and its steps, without brackets and comments."""
        return [child for child in nodes if child.is_named and child.type != "comment"]

    def conditional(self, node: Any, span: Span, depth: int) -> Expression:
        """`a ? b : c ? d : e` comes as `(a ? b : c) ? d : e` without the brackets; Terraform means `a ? b : (c ? d : e)`."""
        condition, then, other = (child for child in _named(node) if child.type == "expression")
        inner = _named(condition)
        last = Conditional
        if len(inner) == 1 and inner[0].type == "conditional" and condition.children[0].type != "(":
            parts = [child for child in _named(inner[0]) if child.type == "expression"]
            chain: list[Any] = [parts[2], then, other]
            head, first = parts[0], parts[1]
            while (
                len(below := _named(head)) == 1
                and below[0].type == "conditional"
                and head.children[0].type != "("
            ):
                parts = [child for child in _named(below[0]) if child.type == "expression"]
                chain = [parts[2], first, *chain]
                head, first = parts[0], parts[1]
            made = self.expression(chain.pop(), depth)
            while chain:
                value, test = chain.pop(), chain.pop()
                made = last(self.expression(test, depth), self.expression(value, depth), made, span)
            return last(self.expression(head, depth), self.expression(first, depth), made, span)
        return last(
            self.expression(condition, depth),
            self.expression(then, depth),
            self.expression(other, depth),
            span,
        )

    def comprehension(self, node: Any, span: Span, depth: int) -> Expression:
        children = _named(node)
        intro = next(child for child in children if child.type == "for_intro")
        names = [self.text(child) for child in intro.named_children if child.type == "identifier"]
        items = next(child for child in intro.named_children if child.type == "expression")
        results = [self.expression(child, depth) for child in children if child.type == "expression"]
        condition = next((child for child in children if child.type == "for_cond"), None)
        test = None
        if condition is not None:
            test = self.expression(next(c for c in condition.named_children if c.type == "expression"), depth)
        return For(
            names[0] if len(names) > 1 else "",
            names[-1],
            self.expression(items, depth),
            results[0] if len(results) > 1 else None,
            results[-1],
            test,
            any(child.type == "ellipsis" for child in children),
            span,
        )


_OPERATORS = frozenset({"+", "-", "*", "/", "%", "==", "!=", "<", ">", "<=", ">=", "&&", "||"})
