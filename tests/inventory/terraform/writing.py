"""Folders of Terraform files for tests: texts come in, what the scanner reads of them comes out."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from scanner.inventory.terraform.collecting import Reading, Wanted, read_terraform
from scanner.inventory.terraform.context import Budget, Context
from scanner.inventory.terraform.evaluate import evaluate
from scanner.inventory.terraform.folder import Written
from scanner.inventory.terraform.home import Home
from scanner.inventory.terraform.module import Module, World
from scanner.inventory.terraform.parse import parse_expression
from scanner.inventory.terraform.syntax import Source
from scanner.inventory.terraform.tree import Files
from scanner.inventory.terraform.values import SetOf, Sym, export
from scanner.model.resource import Resource

NOW = "2026-11-26T00:00:00Z"
R = "Microsoft.ContainerRegistry/registries"

REGISTRY = """
resource "azurerm_container_registry" "acr" {{
  name                = "acrone"
  resource_group_name = "rg"
  location            = "West Europe"
  sku                 = "Premium"
  {more}
}}
"""


def registry(more: str = "") -> str:
    """A registry with more arguments."""
    return REGISTRY.format(more=textwrap.dedent(more))


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write files into a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")
    return folder


def read(folder: Path, files: dict[str, str] | str, *values: str, var_files: tuple[str, ...] = ()) -> Reading:
    """What is read of a folder with these files; a text is its `main.tf`."""
    write(folder, {"main.tf": files} if isinstance(files, str) else files)
    wanted = Wanted(tuple(values), tuple(folder / name for name in var_files))
    return read_terraform([folder], wanted, now=NOW)


def rows(reading: Reading, kind: str) -> list[Resource]:
    """The resources of a type."""
    return list(reading.inventory.parts.get(kind.lower(), ()))


def one(reading: Reading, kind: str = R) -> Resource:
    """The only resource of a type."""
    found = rows(reading, kind)
    assert len(found) == 1, [row.id for row in found]
    return found[0]


def at(resource: Resource, path: str) -> Any:
    """A property of a body, None where it is not there."""
    node: Any = resource.body
    for key in path.split("."):
        if isinstance(node, list):
            node = node[int(key)]
        elif isinstance(node, dict):
            node = node.get(key)
        else:
            return None
    return node


def context(**names: Any) -> Context:
    """A context in which `names` are bound as they are."""
    folder = Path()
    world = World(Files([folder], folder), Budget(), Home("t"), folder, lambda *_: None)  # type: ignore[arg-type]
    module = Module(world, Written(folder), "", {})
    return Context(module, world.budget, names)


def value(text: str, **names: Any) -> Any:
    """The value of an expression; `names` are bound as they are."""
    return evaluate(parse_expression(Source("t.tf", text.encode())), context(**names))


def plain(text: str, **names: Any) -> Any:
    """The value of an expression as JSON; sets as lists."""
    found = value(text, **names)
    return list(found.items) if isinstance(found, SetOf) else export(found)


def unknown(name: str = "var.x", reason: str = "nobody knows") -> Sym:
    """A value that nobody knows."""
    return Sym(reason, "parameter", name)


def run(reading: Reading, kind: str) -> Any:
    """The run of a type."""
    return next(run for run in reading.inventory.runs if run.collection == kind)
