"""Parameters in the domain: effective values come in, the values that are tried, and what each rule reads then, come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scanner.language.parameters import value_problem
from scanner.model.rule import Parameter
from scanner.workbench.bounded.axes import SCOPES, TEXTS, UUIDS
from scanner.workbench.bounded.scopes import Use

MAX_TRIED = 6
"""Values tried for one parameter."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of one or two rules. `values`: what each rule has; `free`: they vary within what `declared` allows."""

    values: Sequence[Mapping[str, Any]]
    declared: Mapping[str, Parameter]
    free: bool

    def tried(self, name: str, use: Use, given: list[Any]) -> list[Any]:
        """The values that are tried; where nothing varies, those that the rules have. `given`: values of inline tests."""
        own = self._own(name)
        if self._fixed(own):
            return own
        parameter = self.declared.get(name)
        found: list[Any] = []
        for value in (own[0], *given, *_imagined(use, parameter, own[0])):
            frozen = tuple(value) if isinstance(value, list) else value
            if frozen not in found and (parameter is None or not value_problem(parameter, frozen)):
                found.append(frozen)
        return found[:MAX_TRIED]

    def read_by(self, at: int, tried: Mapping[str, list[Any]]) -> dict[str, tuple[Any, ...]]:
        """What a rule reads for each tried value: the value itself, or the number that it is shifted to."""
        found = {}
        for name, values in tried.items():
            own = self._own(name)
            if self._fixed(own):
                found[name] = (own[at],)
                continue
            step = own[at] - own[0] if is_number(own[0]) else 0
            found[name] = tuple(value + step if step and is_number(value) else value for value in values)
        return found

    def _own(self, name: str) -> list[Any]:
        """The value of each rule; a rule that knows no such parameter does not care."""
        known = next((values[name] for values in self.values if name in values), None)
        return [values.get(name, known) for values in self.values]

    def _fixed(self, own: list[Any]) -> bool:
        """Whether the rules keep their values. Two numbers are one that varies: the second rule is a mutant that reads its neighbour."""
        return not self.free or any(
            other != own[0] and not (is_number(own[0]) and is_number(other)) for other in own
        )


def is_number(value: Any) -> bool:
    """Whether a value is a number, and no truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _imagined(use: Use, parameter: Parameter | None, own: Any) -> list[Any]:
    """Values for a parameter by how it is used."""
    if isinstance(own, bool) or (parameter is not None and "boolean" in parameter.types):
        return [True, False]
    if parameter is not None and parameter.enum:
        return list(parameter.enum)
    found: list[Any] = [None] if parameter is None or "null" in parameter.types else []
    if is_number(own):
        return [*found, own + 1, own - 1, 1, 2]
    operators = {operator.removeprefix("of ") for operator, _ in use.partners}
    tokens: tuple[str, ...] = TEXTS
    if parameter is not None and parameter.item_format == "uuid":
        tokens = UUIDS
    elif "idWithin" in operators or (parameter is not None and parameter.item_format == "scope"):
        tokens = SCOPES
    elif parameter is not None and parameter.item_format == "region":
        tokens = ("northeurope", "westeurope")
    elif "cidrWithin" in operators:
        tokens = ("10.0.0.0/8", "192.168.0.0/16")
    if isinstance(own, (tuple, list)) or parameter is None or "array" in parameter.types:
        found += [(), (tokens[0],), tokens]
    if isinstance(own, str) or (parameter is not None and "string" in parameter.types):
        found.append(tokens[0])
    return found
