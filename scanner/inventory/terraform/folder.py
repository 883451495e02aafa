"""A module as it is written: the files of a folder come in, its variables, locals, resources and calls by name come out.

A file that does not parse is an error of its own; what the other files say stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from scanner.errors import InputError
from scanner.inventory.terraform.json_syntax import parse_json_file
from scanner.inventory.terraform.parse import parse
from scanner.inventory.terraform.syntax import Attribute, Block, Body
from scanner.inventory.terraform.tree import Files, module_files

Key = TypeVar("Key")

MENTIONS = (b"azurerm_container_registry", b"Microsoft.ContainerRegistry", b"microsoft.containerregistry")
"""What a file holds that speaks of registries."""


@dataclass(slots=True)
class Written:
    """What a module's files say. `errors`: files that could not be used; `speaks`: files that speak of registries.

    `sources`: the names of all files that could be read.
    """

    folder: Path
    variables: dict[str, Block] = field(default_factory=dict)
    locals: dict[str, Attribute] = field(default_factory=dict)
    resources: dict[tuple[str, str], Block] = field(default_factory=dict)
    data: dict[tuple[str, str], Block] = field(default_factory=dict)
    modules: dict[str, Block] = field(default_factory=dict)
    outputs: dict[str, Block] = field(default_factory=dict)
    providers: list[Block] = field(default_factory=list)
    settings: list[Block] = field(default_factory=list)
    errors: list[InputError] = field(default_factory=list)
    speaks: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    files: int = 0


def read_folder(files: Files, folder: Path) -> Written:
    """The module in a folder. Raises `InputError` where it cannot be listed."""
    known: Written | None = files.folders.get(folder)
    if known is not None:
        return known
    found = files.folders[folder] = Written(folder)
    for path in sorted(module_files(folder), key=lambda path: (_overrides(path), path.name)):
        found.files += 1
        try:
            source = files.source(path)
            body = parse_json_file(source) if path.name.endswith(".json") else parse(source)
        except InputError as error:
            found.errors.append(error)
            if files.mentions(path, MENTIONS):
                found.speaks.append(files.name(path))
            continue
        found.sources.append(source.file)
        if any(mention in source.content for mention in MENTIONS):
            found.speaks.append(source.file)
        _gather(body, found, overrides=_overrides(path))
    return found


def _overrides(path: Path) -> bool:
    """Whether a file changes what others say: https://developer.hashicorp.com/terraform/language/files/override."""
    stem = path.name.removesuffix(".json").removesuffix(".tf")
    return stem == "override" or stem.endswith("_override")


def _gather(body: Body, found: Written, *, overrides: bool) -> None:
    for block in body.blocks:
        labels = block.labels
        match block.kind, len(labels):
            case "locals", 0:
                for name, attribute in block.body.attributes.items():
                    if name in found.locals and not overrides:
                        _twice(found, f"local.{name}", block)
                    found.locals[name] = attribute
            case "variable", 1:
                _keep(found.variables, labels[0], block, found, overrides=overrides)
            case "output", 1:
                _keep(found.outputs, labels[0], block, found, overrides=overrides)
            case "module", 1:
                _keep(found.modules, labels[0], block, found, overrides=overrides)
            case "resource", 2:
                _keep(found.resources, (labels[0], labels[1]), block, found, overrides=overrides)
            case "data", 2:
                _keep(found.data, (labels[0], labels[1]), block, found, overrides=overrides)
            case "provider", 1:
                found.providers.append(block)
            case "terraform", 0:
                found.settings.append(block)


def _keep(table: dict[Key, Block], key: Key, block: Block, found: Written, *, overrides: bool) -> None:
    first = table.get(key)
    if first is not None and overrides:
        table[key] = _merged(first, block)
    elif first is not None:
        _twice(found, f"{block.kind} {' '.join(block.labels)}", block)
    else:
        table[key] = block


def _twice(found: Written, what: str, block: Block) -> None:
    place = block.place()
    found.errors.append(
        InputError(
            f"{what} is declared twice", f"{place.file}:{place.line}:{place.column}", "Keep one of them."
        )
    )


def _merged(first: Block, second: Block) -> Block:
    """A block with what an override file says of it: attributes one by one, nested blocks kind by kind."""
    kinds = {block.kind for block in second.body.blocks}
    body = Body(
        {**first.body.attributes, **second.body.attributes},
        [block for block in first.body.blocks if block.kind not in kinds] + second.body.blocks,
    )
    return Block(first.kind, first.labels, body, first.source, first.span, first.head)
