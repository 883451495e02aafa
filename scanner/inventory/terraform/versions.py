"""Which version of the azurerm provider a module uses: lock file, constraint, or what is written come in, a version comes out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from scanner.errors import InputError
from scanner.inventory.terraform.folder import Written
from scanner.inventory.terraform.parse import parse
from scanner.inventory.terraform.syntax import Expression, Literal, ObjectOf
from scanner.inventory.terraform.tree import Files

NEWEST = (5, 2, 0)
"""The newest version whose schema was looked at: https://registry.terraform.io/providers/hashicorp/azurerm/latest"""
_MAJORS = ((5, 2, 0), (4, 81, 0), (3, 117, 0), (2, 99, 0))
LOCK = ".terraform.lock.hcl"
_CLAUSE = re.compile(r"\s*(=|!=|>=|<=|>|<|~>)?\s*v?(\d+(?:\.\d+){0,2})(?:-[\w.]+)?\s*")

Version = tuple[int, ...]


def azurerm_version(files: Files, root: Path, modules: Iterable[Written]) -> tuple[Version, str]:
    """(version, how it is known). The lock file of the root wins; else constraints; else what the blocks look like."""
    written = list(modules)
    locked = _locked(files, root)
    if locked:
        return locked, "locked"
    constraints = [text for one in written for text in _constraints(one)]
    fitting = [version for version in _MAJORS if all(_allows(text, version) for text in constraints)]
    if constraints and fitting:
        return fitting[0], "constraint"
    exact = [_numbers(text.strip().lstrip("=").strip()) for text in constraints if _exact(text)]
    if exact:
        return exact[0], "constraint"
    seen = _evidence(written)
    return (seen, "arguments") if seen else (NEWEST, "assumed")


def _locked(files: Files, root: Path) -> Version:
    path = root / LOCK
    if not path.is_file():
        return ()
    try:
        body = parse(files.source(path))
    except InputError:
        return ()  # A broken lock file is no reason not to look at the configuration; Terraform tells about it.
    for block in body.of("provider"):
        if block.labels and block.labels[0].endswith("hashicorp/azurerm"):
            version = block.body.attributes.get("version")
            value = version.expression if version is not None else None
            return (
                _numbers(value.value) if isinstance(value, Literal) and isinstance(value.value, str) else ()
            )
    return ()


def _numbers(text: str) -> Version:
    match = _CLAUSE.fullmatch(text)
    return tuple(int(part) for part in match[2].split(".")) if match else ()


def _constraints(written: Written) -> Iterable[str]:
    for settings in written.settings:
        for block in settings.body.of("required_providers"):
            attribute = block.body.attributes.get("azurerm")
            if attribute is not None and (text := _text(attribute.expression)):
                yield text
    for provider in written.providers:
        if provider.labels[0] == "azurerm" and "version" in provider.body.attributes:
            text = _text(provider.body.attributes["version"].expression)
            if text:
                yield text


def _text(expression: Expression) -> str:
    if isinstance(expression, Literal):
        return expression.value if isinstance(expression.value, str) else ""
    if isinstance(expression, ObjectOf):
        for key, value, _ in expression.pairs:
            if isinstance(key, Literal) and key.value == "version":
                return _text(value)
    return ""


def _exact(text: str) -> bool:
    match = _CLAUSE.fullmatch(text)
    return match is not None and match[1] in (None, "=")


def _allows(constraint: str, version: Version) -> bool:
    """Whether a constraint allows a version.

    https://developer.hashicorp.com/terraform/language/expressions/version-constraints
    """
    return all(_clause(part, version) for part in constraint.split(","))


def _clause(text: str, version: Version) -> bool:
    match = _CLAUSE.fullmatch(text)
    if match is None:
        return True
    operator, wanted = match[1] or "=", tuple(int(part) for part in match[2].split("."))
    padded = (*wanted, 0, 0, 0)[:3]
    if operator == "~>":
        # Of a major version its newest looked-at minor stands for all; `~> 4.2.0` allows another one of the same major.
        return version[: max(1, min(len(wanted) - 1, 1))] == wanted[: max(1, min(len(wanted) - 1, 1))]
    if operator in ("=", "<", "<=") and version[0] == padded[0]:
        return operator != "<" or padded[1:] != (0, 0)
    return {
        "=": version == padded,
        "!=": version != padded,
        ">": version > padded,
        ">=": version >= padded or version[0] == padded[0],
        "<": version < padded,
        "<=": version <= padded,
    }[operator]


def _evidence(modules: Iterable[Written]) -> Version:
    """The version that arguments of registries tell, () where they tell nothing."""
    for written in modules:
        for (kind, _), block in written.resources.items():
            if kind != "azurerm_container_registry":
                continue
            names = {*block.body.attributes, *(one.kind for one in block.body.blocks)}
            names |= {one.labels[0] for one in block.body.blocks if one.kind == "dynamic" and one.labels}
            if names & {"retention_policy", "trust_policy"}:
                return _MAJORS[2]
            if names & {"trust_policy_enabled", "retention_policy_in_days"}:
                return _MAJORS[1] if "trust_policy_enabled" in names else ()
            for replica in block.body.of("georeplications"):
                if "regional_endpoint_enabled" in replica.body.attributes:
                    return _MAJORS[1]
    return ()
