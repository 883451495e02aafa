"""Parameters as a template declares them: its JSON comes in, a `Declaration` each, and what a missing value can be, come out.

Types may come from `definitions` (`$ref`), as Bicep writes them. Source:
https://learn.microsoft.com/azure/azure-resource-manager/templates/parameters
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from scanner.inventory.arm_template.values import SAFE, Hole, same
from scanner.model.values import Alternatives

SECURE = frozenset({"securestring", "secureobject"})
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "securestring": (str,),
    "int": (int,),
    "bool": (bool,),
    "array": (list,),
    "object": (dict,),
    "secureobject": (dict,),
}
_MAX_REFERENCES = 16


@dataclass(frozen=True, slots=True)
class Declaration:
    """One parameter. `kind`: its type in lower case, "" where it does not tell."""

    name: str
    kind: str
    has_default: bool
    default: Any
    allowed: tuple[Any, ...]
    nullable: bool
    bounds: Mapping[str, Any]

    @property
    def secure(self) -> bool:
        """Whether its value is a secret."""
        return self.kind in SECURE


def declarations(template: Mapping[str, Any]) -> dict[str, Declaration]:
    """The parameters of a template by lower-case name."""
    raw = template.get("parameters")
    definitions = template.get("definitions")
    found = {}
    for name, item in raw.items() if isinstance(raw, dict) else ():
        if isinstance(item, dict):
            found[name.lower()] = _declaration(
                name, item, definitions if isinstance(definitions, dict) else {}
            )
    return found


def _declaration(name: str, item: Mapping[str, Any], definitions: Mapping[str, Any]) -> Declaration:
    chain = [item]
    while len(chain) < _MAX_REFERENCES and isinstance(chain[-1].get("$ref"), str):
        target = definitions.get(chain[-1]["$ref"].rpartition("/")[2])
        if not isinstance(target, dict):
            break
        chain.append(target)
    merged: dict[str, Any] = {}
    for level in reversed(chain):
        merged.update(
            {key: value for key, value in level.items() if key not in ("defaultValue", "metadata", "$ref")}
        )
    allowed = merged.get("allowedValues")
    return Declaration(
        name=name,
        kind=str(merged.get("type", "")).lower(),
        has_default="defaultValue" in item,
        default=item.get("defaultValue"),
        allowed=tuple(allowed) if isinstance(allowed, list) else (),
        nullable=any(level.get("nullable") is True for level in chain),
        bounds={
            key: merged[key]
            for key in ("minValue", "maxValue", "minLength", "maxLength")
            if isinstance(merged.get(key), int)
        },
    )


def spelled(name: str) -> str:
    """What stands for a parameter in ids."""
    words = quote(f"parameters('{name}')", safe=SAFE + "'")
    return f"[{words}]"


def open_value(declaration: Declaration, where: str) -> Any:
    """The value of a parameter that nobody gave: one of the allowed values, true or false, or not known at all."""
    reason = f"parameter `{declaration.name}`{where} has no value; pass --parameters FILE"
    cause = f"parameter {declaration.name}{where}"
    if declaration.secure:
        return Hole(f"parameter `{declaration.name}` is secure", "secret", spelled(declaration.name))
    choices: tuple[Any, ...] = declaration.allowed if declaration.kind != "array" else ()
    if declaration.kind == "bool" and not choices:
        choices = (True, False)
    if len(choices) == 1:
        return choices[0]
    if 1 < len(choices) <= 32:
        return Alternatives(choices, reason, cause)
    return Hole(reason, "parameter", spelled(declaration.name))


def objections(declaration: Declaration, value: Any) -> Iterator[str]:
    """What Resource Manager would refuse in a literal value."""
    kinds = _KINDS.get(declaration.kind)
    if value is None:
        return
    if kinds and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
        yield f"is no {declaration.kind}"
        return
    if declaration.allowed and not declaration.secure:
        chosen = value if declaration.kind == "array" and isinstance(value, list) else [value]
        if any(not any(_alike(one, item) for item in declaration.allowed) for one in chosen) and not any(
            same(value, item) for item in declaration.allowed
        ):
            yield "is not among the allowed values"
    size = value if isinstance(value, int) else len(value) if isinstance(value, (str, list, dict)) else 0
    for least, most in (("minValue", "maxValue"), ("minLength", "maxLength")):
        if isinstance(value, int) is (least == "minValue"):
            if size < declaration.bounds.get(least, size):
                yield f"is below {least} {declaration.bounds[least]}"
            if size > declaration.bounds.get(most, size):
                yield f"is above {most} {declaration.bounds[most]}"


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    return same(one, other)
