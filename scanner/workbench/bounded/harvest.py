"""Values that the inline tests of rules already use: scopes and rules come in, values by place come out.

They are realistic (a pattern's matches, ids that belong together), so the domain tries them too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scanner.model.rule import Rule
from scanner.model.values import Unknown, UnreadTail
from scanner.workbench.bounded.scopes import Scope, Scopes

MOST = 6
"""Values kept per place."""


def harvested(scopes: Scopes, rules: Iterable[Rule]) -> tuple[dict[int, list[Any]], dict[str, list[Any]]]:
    """Values by id of the `Use`, and values by parameter."""
    found: dict[int, list[Any]] = {}
    params: dict[str, list[Any]] = {}
    for rule in rules:
        for test in rule.tests:
            _from(scopes.target, test.resource, found)
            for name, given in test.related.items():
                if name in scopes.related:
                    _from_items(scopes.related[name], given, found)
            for name, value in test.params.items():
                kept = params.setdefault(name, [])
                if value not in kept and len(kept) < MOST:
                    kept.append(value)
                if name in scopes.param_lists:
                    _from_items(scopes.param_lists[name], value, found)
    return found, params


def _from(scope: Scope, body: Any, found: dict[int, list[Any]]) -> None:
    for keys, use in scope.uses.items():
        value = _at(body, keys)
        if keys in scope.lists or value is None or isinstance(value, (dict, Unknown, UnreadTail)):
            continue
        if isinstance(value, list) and any(isinstance(item, (dict, Unknown, UnreadTail)) for item in value):
            continue
        kept = found.setdefault(id(use), [])
        if value not in kept and len(kept) < MOST:
            kept.append(value)
    for keys, inner in scope.lists.items():
        _from_items(inner, _at(body, keys), found)


def _from_items(scope: Scope, given: Any, found: dict[int, list[Any]]) -> None:
    if isinstance(given, dict):
        given = [{"key": key, "value": value} for key, value in given.items()]
    for item in given if isinstance(given, (list, tuple)) else ():
        if not isinstance(item, (Unknown, UnreadTail)):
            _from(scope, item, found)


def _at(body: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        if not isinstance(body, dict):
            return None
        body = body.get(key)
    return body
