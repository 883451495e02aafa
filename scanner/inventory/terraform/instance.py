"""One resource as it is configured, whether a folder or a plan tells it: what the mapping to Azure's shape starts from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from scanner.inventory.terraform.existence import When, words
from scanner.inventory.terraform.values import Choice, SetOf, Sym, Tail, items_of, lift
from scanner.model.resource import Place

Places: TypeAlias = dict[str, tuple[Place, ...]]
"""Path of an argument -> where it stands, then where its value comes from; "" is the resource's head."""


@dataclass(slots=True)
class Instance:
    """One instance of a resource. `kind`: its Terraform type; `values`: arguments, nested blocks as lists of objects.

    `when`: when it exists. `get`: an attribute as others see it, also what nobody wrote (`id`).
    `version`: of the provider.
    """

    address: str
    kind: str
    values: Mapping[str, Any]
    places: Places
    get: Callable[[str], Any]
    when: When = ()
    module: str = ""
    file: str = ""
    version: tuple[int, ...] = ()

    @property
    def optional(self) -> str:
        """Why it may not exist, or ""."""
        return words(self.when)

    def value(self, name: str, default: Any = None) -> Any:
        """An argument; what the provider sends where nothing is written."""
        found = self.values.get(name)
        if isinstance(found, Choice):
            return lift(lambda one: default if one is None else one, found)
        return default if found is None else found

    def has(self, name: str) -> bool:
        """Whether anything is written for an argument."""
        found = self.values.get(name)
        return found is not None and found != []

    def block(self, name: str) -> Any:
        """A nested block that stands at most once: an object, None where it is not there, or what is not known of it."""
        return lift(first, self.value(name))

    def blocks(self, name: str) -> Any:
        """Nested blocks: a list (perhaps with a Tail), or what is not known of it."""
        return self.value(name, [])


def first(value: Any) -> Any:
    """The only element of a list, or the value itself."""
    if isinstance(value, (list, SetOf)):
        found = list(items_of(value))
        if not found:
            return None
        return Sym(found[0].reason, "runtime") if isinstance(found[0], Tail) else found[0]
    return value
