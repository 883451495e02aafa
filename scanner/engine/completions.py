"""Values that can be one of several: a case comes in, the cases that it can turn into come out.

Places with the same cause go together: a parameter has one value wherever it is used.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from scanner.engine.case import Case, case_for
from scanner.model.resource import LIVE_SOURCES, Resource
from scanner.model.values import ABSENT, Alternatives, Partial, Unknown

MOST = 64
"""Cases that are tried; where there are more, nothing is said."""
Key: TypeAlias = tuple[Any, int]


def completions(case: Case, relations: Iterable[str]) -> list[tuple[Case, tuple[str, ...]]] | None:
    """Every case with what was chosen in it, in words; [] where nothing is open, None where there are too many."""
    if case.resource.origin.source in LIVE_SOURCES:
        return []
    found: dict[Key, Alternatives] = {}
    related = {name: case.related(name) for name in relations}
    for value in (case.resource.body, *related.values()):
        for one in _open(value):
            found.setdefault(_key(one), one)
    if not found:
        return []
    total = 1
    for one in found.values():
        total *= len(one.values)
    if total > MOST:
        return None
    cases = []
    for chosen in itertools.product(*(range(len(one.values)) for one in found.values())):
        choice = dict(zip(found, chosen, strict=True))
        names = tuple(
            f"{one.cause or one.reason} {_words(one.values[at])}"
            for one, at in zip(found.values(), chosen, strict=True)
        )
        cases.append((_chosen_case(case, related, choice), names))
    return cases


def closed(case: Case) -> Case:
    """The case with every open or partly known value as one that is not known, for semantics that have no completions."""
    if case.resource.origin.source in LIVE_SOURCES:
        return case
    resource = replace(case.resource, body=_closed(case.resource.body))
    return case_for(
        resource, lambda name: _closed(case.related(name)), case.element_types, case.params, case.now
    )


def _closed(value: Any) -> Any:
    if isinstance(value, (Alternatives, Partial)):
        return Unknown(value.reason)
    if isinstance(value, Resource):
        return replace(value, body=_closed(value.body))
    if isinstance(value, Mapping):
        return {key: _closed(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_closed(inner) for inner in value]
    return value


def _chosen_case(case: Case, related: Mapping[str, Any], choice: Mapping[Key, int]) -> Case:
    resource = replace(case.resource, body=_chosen(case.resource.body, choice))
    lists = {name: _chosen(rows, choice) for name, rows in related.items()}
    find: Callable[[str], Any] = lambda name: lists[name] if name in lists else case.related(name)  # noqa: E731
    return case_for(resource, find, case.element_types, case.params, case.now)


def _key(one: Alternatives) -> Key:
    return (one.cause, len(one.values)) if one.cause else (id(one), len(one.values))


def _open(value: Any) -> Iterator[Alternatives]:
    if isinstance(value, Alternatives):
        yield value
        for inner in value.values:
            yield from _open(inner)
    elif isinstance(value, Resource):
        yield from _open(value.body)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _open(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _open(inner)


def _chosen(value: Any, choice: Mapping[Key, int]) -> Any:
    if isinstance(value, Alternatives):
        return _chosen(value.values[choice[_key(value)]], choice)
    if isinstance(value, Resource):
        return replace(value, body=_chosen(value.body, choice))
    if isinstance(value, Mapping):
        chosen = {key: _chosen(inner, choice) for key, inner in value.items()}
        return {key: None if inner is ABSENT else inner for key, inner in chosen.items()}
    if isinstance(value, (list, tuple)):
        return [_chosen(inner, choice) for inner in value]
    return value


def _words(value: Any) -> str:
    if value is ABSENT or value is None:
        return "not set"
    return str(value) if isinstance(value, (str, int, float, bool)) else "…"
