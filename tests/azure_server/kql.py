"""The small part of KQL that is understood: a query's text comes in, a `Plan` comes out, or `BadQueryError`.

table | where <conditions> | project id, x=tostring(properties.y) | order by id asc | limit 10. Conditions: `=~`, `==`,
`startswith`, `endswith`, `has` with a text; `in~`, `has_any` with a list; `and`, `or`, parentheses. `has` finds any part
of the JSON of a value, without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.azure_server.kinds import TABLES

Json = dict[str, Any]
Value = Callable[[Json], Any]
Test = Callable[[Json], bool]
COLUMNS = (
    "id", "name", "type", "tenantId", "kind", "location", "resourceGroup", "subscriptionId", "managedBy", "sku", "plan",
    "properties", "tags", "identity", "zones", "extendedLocation", "apiVersion", "systemData",
)  # fmt: skip
_TOKEN = re.compile(r"\s*('[^']*'|\"[^\"]*\"|in~|=~|==|[A-Za-z_][\w.]*|\d+|[|(),=]|$)")


class BadQueryError(Exception):
    """A query that is not understood."""


@dataclass(slots=True)
class Plan:
    """What a query asks for. `columns`: name -> value of a row; `order`: (column, descending)."""

    table: str
    tests: list[Test] = field(default_factory=list)
    columns: dict[str, Value] = field(default_factory=dict)
    order: list[tuple[str, bool]] = field(default_factory=list)
    limit: int | None = None

    def run(self, rows: list[Json]) -> list[Json]:
        """The answer over the rows of the table."""
        columns = list(self.columns.items())
        found = [
            {name: value(row) for name, value in columns}
            for row in rows
            if all(test(row) for test in self.tests)
        ]
        for name, descending in reversed(self.order):
            found.sort(key=lambda row: str(row[name]), reverse=descending)
        return found if self.limit is None else found[: self.limit]


def parse(text: str) -> Plan:
    """The plan of a query."""
    return _Parser(text).plan()


class _Parser:
    def __init__(self, text: str) -> None:
        self._words: list[str] = []
        at, text = 0, text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise BadQueryError(f"no token at {text[at : at + 20]!r}")
            self._words.append(match.group(1))
            at = match.end()
        self._at = 0

    def plan(self) -> Plan:
        plan = Plan(self._next().lower())
        if plan.table not in TABLES:
            raise BadQueryError(f"'{plan.table}' is no table")
        plan.columns = {name: self._column(name) for name in COLUMNS}
        while self._at < len(self._words):
            self._expect("|")
            match self._next():
                case "where":
                    plan.tests.append(self._any())
                case "project":
                    plan.columns = dict(self._projected())
                case "order" | "sort":
                    plan.order = list(self._order(plan))
                case "limit" | "take":
                    plan.limit = self._number()
                case word:
                    raise BadQueryError(f"operator '{word}' is not understood")
        return plan

    def _peek(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    def _next(self) -> str:
        word = self._peek()
        self._at += 1
        return word

    def _accept(self, word: str) -> bool:
        found = self._peek() == word
        self._at += found
        return found

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise BadQueryError(f"'{word}' expected instead of '{self._peek()}'")

    def _number(self) -> int:
        word = self._next()
        if not word.isdigit():
            raise BadQueryError(f"'{word}' is no number")
        return int(word)

    def _text(self) -> str:
        word = self._next()
        if word[:1] not in ("'", '"'):
            raise BadQueryError(f"'{word}' is no text")
        return word[1:-1]

    def _texts(self) -> list[str]:
        self._expect("(")
        found = [self._text()]
        while self._accept(","):
            found.append(self._text())
        self._expect(")")
        return found

    def _projected(self) -> list[tuple[str, Value]]:
        found = []
        while True:
            name = self._next()
            value = self._value() if self._accept("=") else self._column(name)
            found.append((name.replace(".", "_"), value))
            if not self._accept(","):
                return found

    def _order(self, plan: Plan) -> list[tuple[str, bool]]:
        self._expect("by")
        found = []
        while True:
            name = self._next()
            if name not in plan.columns:
                raise BadQueryError(f"no column '{name}' to order by")
            descending = not self._accept("asc")  # Kusto's own default is descending
            if descending:
                self._accept("desc")
            found.append((name, descending))
            if not self._accept(","):
                return found

    def _column(self, path: str) -> Value:
        first, *rest = path.split(".")
        if first not in COLUMNS:
            raise BadQueryError(f"failed to resolve column '{path}'")
        if not rest:
            return lambda row: row.get(first)

        def inside(row: Json) -> Any:
            value = row.get(first)
            for part in rest:
                value = value.get(part) if isinstance(value, dict) else None
            return value

        return inside

    def _value(self) -> Value:
        word = self._next()
        if word in ("tostring", "tolower"):
            self._expect("(")
            inner = self._value()
            self._expect(")")
            return (lambda row: _string(inner(row))) if word == "tostring" else (lambda row: _string(inner(row)).lower())  # fmt: skip
        return self._column(word)

    def _any(self) -> Test:
        tests = [self._all()]
        while self._accept("or"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._accept("and"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self._accept("("):
            inner = self._any()
            self._expect(")")
            return inner
        value = self._value()
        word = self._next()
        if word in ("in~", "has_any"):
            texts = [one.lower() for one in self._texts()]
            names = frozenset(texts)
            if word == "in~":
                return lambda row: _string(value(row)).lower() in names
            return lambda row: any(one in _string(value(row)).lower() for one in texts)
        text = self._text()
        lowered = text.lower()
        match word:
            case "==":
                return lambda row: _string(value(row)) == text
            case "=~":
                return lambda row: _string(value(row)).lower() == lowered
            case "startswith":
                return lambda row: _string(value(row)).lower().startswith(lowered)
            case "endswith":
                return lambda row: _string(value(row)).lower().endswith(lowered)
            case "has":
                return lambda row: lowered in _string(value(row)).lower()
        raise BadQueryError(f"operator '{word}' is not understood")


def _string(value: Any) -> str:
    """What `tostring` makes of a value."""
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()
