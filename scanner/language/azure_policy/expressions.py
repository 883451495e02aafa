"""Template expressions: the text `[concat(field('name'), '*')]` comes in, a `Call` tree comes out."""

from __future__ import annotations

import re
from typing import NamedTuple

from scanner.engine.azure.functions import problem
from scanner.model.azure import Access, Call, Template

MAX_LENGTH = 81_920
MAX_DIGITS = 18
MAX_DEPTH = 64
"""Azure's own limits for one expression."""
_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_.]*?(?=\s*\()|[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<text>'(?:[^']|'')*')|(?P<mark>[()\[\],.]))"
)


class ExpressionProblem(Exception):
    """Why an expression cannot be taken: `what`, and the `construct` (a function's name, or `expression`)."""

    def __init__(self, what: str, construct: str = "expression") -> None:
        super().__init__(what)
        self.what = what
        self.construct = construct


class _Token(NamedTuple):
    kind: str
    text: str


def is_expression(text: str) -> bool:
    """Whether a text is an expression; `[[` begins text that starts with a bracket."""
    return text.startswith("[") and not text.startswith("[[") and text.rstrip().endswith("]")


def parse_text(text: str) -> Template:
    """The template of a text: an expression, or a literal with `[[` unescaped. Raises `ExpressionProblem`."""
    if text.startswith("[["):
        return text[1:]
    if not is_expression(text):
        return text
    if len(text) > MAX_LENGTH:
        raise ExpressionProblem(f"an expression has at most {MAX_LENGTH:,} characters")
    parser = _Parser(text.strip()[1:-1])
    found = parser.value(0)
    if parser.tokens[parser.at].kind != "end":
        raise ExpressionProblem(f"{parser.tokens[parser.at].text!r} is not expected after the expression")
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[_Token] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if not found or not found.lastgroup:
                raise ExpressionProblem(f"cannot read the expression at {text[at : at + 20]!r}")
            self.tokens.append(_Token(found.lastgroup, found[found.lastgroup]))
            at = found.end()
        self.tokens.append(_Token("end", "the end"))
        self.at = 0

    def take(self, wanted: str = "") -> _Token:
        token = self.tokens[self.at]
        if wanted and token.text != wanted:
            raise ExpressionProblem(f"expected {wanted!r}, found {token.text!r}")
        self.at += token.kind != "end"
        return token

    def value(self, depth: int) -> Template:
        if depth > MAX_DEPTH:
            raise ExpressionProblem(f"functions are nested deeper than {MAX_DEPTH}")
        token = self.take()
        found: Template
        match token.kind:
            case "text":
                found = token.text[1:-1].replace("''", "'")
            case "number":
                if len(token.text) > MAX_DIGITS:
                    raise ExpressionProblem(f"a number has at most {MAX_DIGITS} digits")
                found = float(token.text) if "." in token.text else int(token.text)
            case "name":
                found = self.call(token.text, depth)
            case _:
                if token.text == "(":  # a bracketed value; Microsoft's own examples have them
                    found = self.value(depth + 1)
                    self.take(")")
                else:
                    raise ExpressionProblem(f"expected a value, found {token.text!r}")
        return self.accesses(found, depth)

    def call(self, name: str, depth: int) -> Call:
        if self.tokens[self.at].text != "(":
            raise ExpressionProblem(f"{name!r} is no function call", name)
        self.take("(")
        arguments: list[Template] = []
        while self.tokens[self.at].text != ")":
            if arguments:
                self.take(",")
            arguments.append(self.value(depth + 1))
        self.take(")")
        wrong = problem(name, len(arguments))
        if wrong:
            raise ExpressionProblem(wrong, f"{name}()")
        return Call(name.lower(), tuple(arguments))

    def accesses(self, found: Template, depth: int) -> Template:
        while self.tokens[self.at].text in (".", "["):
            if self.take().text == ".":
                token = self.take()
                if token.kind != "name":
                    raise ExpressionProblem(f"expected a property's name, found {token.text!r}")
                found = Access(found, token.text)
            else:
                found = Access(found, self.value(depth + 1))
                self.take("]")
        return found


def calls(template: Template) -> list[Call]:
    """Every function call in a template."""
    found: list[Call] = []
    stack = [template]
    while stack:
        item = stack.pop()
        if isinstance(item, Call):
            found.append(item)
            stack += item.arguments
        elif isinstance(item, Access):
            stack += (item.of, item.key)
        elif isinstance(item, tuple):
            stack += item
    return found
