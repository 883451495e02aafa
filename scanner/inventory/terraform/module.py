"""One module in use: what is written and what it was given come in, values of its names come out, worked out when asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scanner.inventory.terraform.context import Budget, Context
from scanner.inventory.terraform.evaluate import value_of
from scanner.inventory.terraform.existence import When
from scanner.inventory.terraform.expand import Entry, expand
from scanner.inventory.terraform.folder import Written
from scanner.inventory.terraform.home import Home, elsewhere, id_of
from scanner.inventory.terraform.reading import read
from scanner.inventory.terraform.syntax import Attribute, Block
from scanner.inventory.terraform.tree import Files
from scanner.inventory.terraform.values import EvaluationError, Sym, fits
from scanner.inventory.terraform.variables import Argument, variable_value
from scanner.model.resource import Place

MAX_MODULES = 16
_WORKSPACE = "the workspace is chosen when Terraform runs"


@dataclass(slots=True)
class World:
    """What all modules of one evaluation share. `call`: finds what a module call leads to."""

    files: Files
    budget: Budget
    home: Home
    root: Path
    open_call: Callable[[Module, Block, Entry], Module | Unresolved]
    unresolved: dict[str, Unresolved] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A module call that leads to nothing that can be read."""

    address: str
    source: str
    reason: str
    place: Place
    speaks: bool
    """Whether its name, source or arguments look like those of a registry."""

    @property
    def key(self) -> str:
        """Its address."""
        return self.address

    def get(self, name: str) -> Any:
        """An output: nobody knows."""
        return Sym(self.reason, "module", f"{self.address}.{name}")


class Module:
    """The names of a module. `path`: its address, "" for the root; `given`: arguments by name."""

    def __init__(
        self, world: World, written: Written, path: str, given: Mapping[str, Argument], depth: int = 0
    ) -> None:
        self.world = world
        self.written = written
        self.path = path
        self.given = given
        self.depth = depth
        self._values: dict[str, tuple[Any, tuple[Place, ...]]] = {}
        self._busy: set[str] = set()
        self._blocks: dict[str, tuple[list[Any], Any]] = {}
        self.when: When = ()
        """When the module is used."""

    def context(self, bound: Mapping[str, Any] | None = None) -> Context:
        """A context of this module."""
        return Context(self, self.world.budget, bound or {}, [])

    def address(self, name: str) -> str:
        """The address of something in this module."""
        return f"{self.path}.{name}" if self.path else name

    def lookup(self, name: str, context: Context) -> Any:
        """What the first word of a reference means. Raises `EvaluationError`."""
        match name:
            case "var":
                return Scope("var", lambda key: self.variable(key, context))
            case "local":
                return Scope("local", lambda key: self.local(key, context))
            case "module":
                return Scope("module", self.called)
            case "data":
                return Scope("data", self._data)
            case "path":
                return self._paths()
            case "terraform":
                return {"workspace": Sym(_WORKSPACE, "runtime", "terraform.workspace")}
            case "ephemeral":
                return Sym("an ephemeral value is never stored", "secret", "ephemeral")
            case "each" | "count" | "self":
                raise EvaluationError(f"{name} means nothing here")
        if any(kind == name for kind, _ in self.written.resources):
            return Scope(name, lambda key: self.resource("", name, key))
        raise EvaluationError(f"nothing is called {name!r}")

    def read(self, function: str, arguments: list[Any], context: Context) -> Any:
        """What a function of files gives. A relative path belongs to the root's folder, also in a module."""
        return read(function, arguments, context, self.world.files, self.world.root)

    def _paths(self) -> dict[str, str]:
        """`path`: the module's folder as seen from the root's, where Terraform runs; names never tell the machine's folders."""
        return {
            "module": Path(os.path.relpath(self.written.folder, self.world.root)).as_posix(),
            "root": ".",
            "cwd": Path(os.path.abspath(self.world.root)).as_posix(),  # noqa: PTH100 - links are not followed
        }

    def _data(self, kind: str) -> Any:
        return Scope(f"data.{kind}", lambda key: self.resource("data.", kind, key))

    def cached(self, key: str, context: Context, work: Callable[[Context], Any]) -> Any:
        """A value that is worked out once, with where it came from. Raises `EvaluationError` for circles."""
        if key not in self._values:
            if key in self._busy:
                raise EvaluationError(f"{key} refers to itself")
            self._busy.add(key)
            inner = self.context()
            try:
                found = work(inner)
                if not fits(found):
                    found = Sym(f"{self.address(key)} is too large", "limit", self.address(key))
                self._values[key] = (found, tuple(inner.trace))
            finally:
                self._busy.discard(key)
        value, places = self._values[key]
        context.came_from(places)
        return value

    def variable(self, name: str, context: Context) -> Any:
        """The value of a variable."""
        block = self.written.variables.get(name)
        if block is None:
            raise EvaluationError(f"there is no variable {name!r}")
        return self.cached(
            f"var.{name}",
            context,
            lambda inner: variable_value(block, self.given.get(name), inner, root=not self.path),
        )

    def local(self, name: str, context: Context) -> Any:
        """The value of a local."""
        attribute = self.written.locals.get(name)
        if attribute is None:
            raise EvaluationError(f"there is no local {name!r}")

        def work(inner: Context) -> Any:
            inner.came_from((attribute.place("local"),))
            return value_of(attribute, inner)

        return self.cached(f"local.{name}", context, work)

    def output(self, name: str) -> Any:
        """The value of an output."""
        block = self.written.outputs.get(name)
        attribute = block.body.attributes.get("value") if block is not None else None
        if attribute is None:
            raise EvaluationError(f"{self.path or 'the root'} has no output {name!r}")
        return self.cached(f"output.{name}", self.context(), lambda inner: value_of(attribute, inner))

    @property
    def key(self) -> str:
        """The address of this module."""
        return self.path

    def get(self, name: str) -> Any:
        """An output."""
        return self.output(name)

    def _expanded(self, key: str, block: Block, make: Callable[[Entry], Any]) -> tuple[list[Any], Any]:
        if key not in self._blocks:
            if key in self._busy:
                raise EvaluationError(f"{key} refers to itself")
            self._busy.add(key)
            try:
                self._blocks[key] = expand(block, self.context(), self.address(key), make)
            finally:
                self._busy.discard(key)
        return self._blocks[key]

    def resource(self, mode: str, kind: str, name: str) -> Any:
        """What a reference to a resource (`mode` "") or data source ("data.") gives."""
        block = (self.written.data if mode else self.written.resources).get((kind, name))
        if block is None:
            raise EvaluationError(f"there is no {mode}{kind}.{name}")
        return self._expanded(f"{mode}{kind}.{name}", block, lambda entry: Item(self, mode, block, entry))[1]

    def items(self, block: Block) -> list[Item]:
        """The instances of a resource's block."""
        kind, name = block.labels
        return self._expanded(f"{kind}.{name}", block, lambda entry: Item(self, "", block, entry))[0]

    def called(self, name: str) -> Any:
        """What a reference to a module call gives."""
        return self._call(name)[1]

    def _call(self, name: str) -> tuple[list[Any], Any]:
        block = self.written.modules.get(name)
        if block is None:
            raise EvaluationError(f"there is no module {name!r}")
        return self._expanded(f"module.{name}", block, lambda entry: self._opened(block, entry))

    def _opened(self, block: Block, entry: Entry) -> Any:
        found = self.world.open_call(self, block, entry)
        if isinstance(found, Unresolved):
            self.world.unresolved[found.address] = found
        else:
            found.when = (*self.when, *entry.when)
        return found

    def children(self) -> Iterator[Module]:
        """The modules that this one calls, as far as they can be read."""
        for name in self.written.modules:
            for one in self._call(name)[0]:
                if isinstance(one, Module):
                    yield one


@dataclass(frozen=True, slots=True)
class Scope:
    """`var`, `local`, `module`, `data`, or a resource type: something whose parts are asked for by name."""

    name: str
    part: Callable[[str], Any]

    @property
    def key(self) -> str:
        """The word."""
        return self.name

    def get(self, name: str) -> Any:
        """What it has under a name."""
        return self.part(name)


class Item:
    """One instance of a resource or data source."""

    def __init__(self, module: Module, mode: str, block: Block, entry: Entry) -> None:
        self.module = module
        self.mode = mode
        self.block = block
        self.entry = entry
        self.kind, self.name = block.labels
        self._own: dict[str, Any] = {}

    @property
    def key(self) -> str:
        """Its address."""
        return self.module.address(f"{self.mode}{self.kind}.{self.name}{self.entry.index}")

    def context(self) -> Context:
        """A context for what is written in it."""
        return self.module.context(self.entry.bound)

    def get(self, name: str) -> Any:
        """An attribute, as others see it: what is not written is known after deployment."""
        if name not in self._own:
            self._own[name] = Sym(f"{self.key}.{name} refers to itself", "error", f"{self.key}.{name}")
            found = self._worked_out(name)
            self._own[name] = found if fits(found) else Sym(f"{self.key}.{name} is too large", "limit")
        return self._own[name]

    def argument(self, name: str) -> Any:
        """What is written for an attribute; None where nothing is."""
        attribute: Attribute | None = self.block.body.attributes.get(name)
        return None if attribute is None else value_of(attribute, self.context())

    def _worked_out(self, name: str) -> Any:
        found = self.argument(name)
        if found is None and name in _FACTS.get(self.mode + self.kind, {}):
            found = _FACTS[self.mode + self.kind][name](self)
        if found is None and name in ("id", "resource_id"):
            found = id_of(self.kind, self.argument, self.module.world.home)
        if found is None and name == "id":
            found = elsewhere(self.kind, self.key, self.module.world.home)
        if found is not None:
            return found
        if self.block.body.of(name):
            return [
                Nested(f"{self.key}.{name}[{at}]", block, self)
                for at, block in enumerate(self.block.body.of(name))
            ]
        said = "is read from Azure" if self.mode else "is known after deployment"
        return Sym(f"{self.key}.{name} {said}", "runtime", f"{self.key}.{name}")


@dataclass(frozen=True, slots=True)
class Nested:
    """A block inside of a resource, as others see it."""

    address: str
    block: Block
    item: Item

    @property
    def key(self) -> str:
        """Its address."""
        return self.address

    def get(self, name: str) -> Any:
        """An attribute."""
        attribute = self.block.body.attributes.get(name)
        found = None if attribute is None else value_of(attribute, self.item.context())
        if found is not None:
            return found
        return Sym(f"{self.address}.{name} is known after deployment", "runtime", f"{self.address}.{name}")


def _subscription_id(item: Item) -> Any:
    return item.module.world.home.subscription_id


def _subscription(item: Item) -> Any:
    given = item.argument("subscription_id")
    return f"/subscriptions/{given}" if isinstance(given, str) else item.module.world.home.subscription


_FACTS: dict[str, dict[str, Callable[[Item], Any]]] = {
    "data.azurerm_client_config": {"subscription_id": _subscription_id},
    "data.azurerm_subscription": {"subscription_id": _subscription_id, "id": _subscription},
    "data.azapi_client_config": {
        "subscription_id": _subscription_id,
        "subscription_resource_id": _subscription,
    },
    "azurerm_role_definition": {"role_definition_resource_id": lambda item: item.get("id")},
}
"""What is known of attributes that nobody writes."""
