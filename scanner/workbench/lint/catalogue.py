"""Every check by its id: the table that `--explain`, the pages and the reports read. The folder is the list of families."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.workbench.lint.check import Check

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

NO_FAMILY = frozenset(
    {
        "__init__",
        "catalogue",
        "check",
        "context",
        "walk",
        "order",
        "run",
        "pages",
        "fixes",
        "snippets",
        "known",
        "memory",
        "trying",
        "pairs",
        "unchanged",
    }
)
"""Modules of the folder that hold no checks."""


@cache
def families(but: frozenset[str] = frozenset()) -> tuple[ModuleType, ...]:
    """The modules that hold checks, by name; `but` those that have nothing to look at, which are not loaded then."""
    found = {path.stem for path in Path(__file__).parent.glob("*.py")}
    names = sorted(found - NO_FAMILY - but)
    return tuple(import_module(f"scanner.workbench.lint.{name}") for name in names)


@cache
def catalogue() -> Mapping[str, Check]:
    """Every check by id, in the order of ids."""
    found = {check.code: check for family in families() for check in family.CHECKS}
    return MappingProxyType(dict(sorted(found.items())))


def of(code: str) -> Check | None:
    """The check with an id, or None where a report names what is no lint check."""
    return catalogue().get(code)
