"""What changed about parameters: two declarations of one name come in, changes come out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scanner.language.parameters import value_problem
from scanner.model.condition import Mark
from scanner.model.rule import Parameter
from scanner.workbench.diff.change import Change
from scanner.workbench.flow import value_text


def of(
    rule: str,
    before: Mapping[str, Parameter],
    after: Mapping[str, Parameter],
    gone: Mark,
    *,
    moved_to: Mapping[str, Parameter] | None = None,
) -> Iterator[Change]:
    """Every change of the parameters of one rule, or of the pack (`rule` ""). `gone`: where one was that is gone.

    `moved_to`: parameters of the pack, which take over one of a rule under the same name: its profile key differs then.
    """
    for name in sorted(before.keys() - after.keys()):
        where = (
            "; the pack declares it now, so that profiles name it without the rule's id"
            if name in (moved_to or {})
            else ""
        )
        yield Change("DIFF009", rule, f"parameter {name} is gone{where}", gone, before[name].mark)
    for name in sorted(after.keys() - before.keys()):
        default = value_text(after[name].default)
        yield Change("DIFF011", rule, f"parameter {name} is new, default {default}", after[name].mark)
    for name in sorted(before.keys() & after.keys()):
        yield from _of(rule, name, before[name], after[name])


def _of(rule: str, name: str, before: Parameter, after: Parameter) -> Iterator[Change]:
    fewer, more = list(_fewer(before, after)), list(_fewer(after, before))
    if fewer:
        yield Change("DIFF010", rule, f"parameter {name}: {'; '.join(fewer)}", after.mark, before.mark)
    elif more:
        yield Change(
            "DIFF011", rule, f"parameter {name} takes more values: {_range(after)}", after.mark, before.mark
        )
    if before.default != after.default:
        words = f"parameter {name}: default {value_text(before.default)} -> {value_text(after.default)}"
        yield Change("DIFF012", rule, words, after.mark, before.mark)
    if before.description != after.description:
        yield Change("DIFF017", rule, f"parameter {name}: description", after.mark, before.mark)


def _fewer(before: Parameter, after: Parameter) -> Iterator[str]:
    """In which ways a value that was allowed is refused now."""
    lost = sorted(set(before.types) - set(after.types))
    if lost and not (lost == ["integer"] and "number" in after.types):
        yield f"type {' or '.join(before.types)} -> {' or '.join(after.types)}"
    if after.item_type is not None and after.item_type != before.item_type:
        yield f"items {before.item_type or 'of any type'} -> {after.item_type}"
    if after.item_format and after.item_format != before.item_format:
        yield f"items must be written as {after.item_format}"
    if after.minimum is not None and (before.minimum is None or before.minimum < after.minimum):
        yield f"minimum {_number(before.minimum)} -> {_number(after.minimum)}"
    if after.maximum is not None and (before.maximum is None or before.maximum > after.maximum):
        yield f"maximum {_number(before.maximum)} -> {_number(after.maximum)}"
    refused = [value for value in before.enum if after.enum and value not in after.enum]
    if refused or (after.enum and not before.enum):
        yield f"allowed values {_values(before.enum)} -> {_values(after.enum)}"
    if before.default is not None and not lost and value_problem(after, before.default):
        yield f"the older default {value_text(before.default)} is refused"


def _number(value: float | None) -> str:
    return "none" if value is None else value_text(int(value) if float(value).is_integer() else value)


def _values(values: tuple[Any, ...]) -> str:
    return value_text(list(values)) if values else "any"


def _range(one: Parameter) -> str:
    parts = [" or ".join(one.types)]
    if one.minimum is not None or one.maximum is not None:
        parts.append(f"{_number(one.minimum)} to {_number(one.maximum)}")
    if one.enum:
        parts.append(_values(one.enum))
    return ", ".join(parts)
