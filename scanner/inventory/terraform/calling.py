"""Module calls: a call's block comes in, the module that it leads to comes out, or why it leads nowhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

from scanner.errors import InputError
from scanner.inventory.terraform.context import Context
from scanner.inventory.terraform.expand import Entry
from scanner.inventory.terraform.folder import Written, read_folder
from scanner.inventory.terraform.module import MAX_MODULES, Module, Unresolved
from scanner.inventory.terraform.syntax import Block, Literal
from scanner.inventory.terraform.tree import Files
from scanner.inventory.terraform.variables import Argument
from scanner.json_text import parse_json

_CALL = frozenset({"source", "version", "providers", "count", "for_each", "depends_on"})
_INDEX = re.compile(r"\[(?:[^\[\]\"]|\"(?:[^\"\\]|\\.)*\")*\]")
_REGISTRIES = re.compile(r"container.?registr|(^|[^a-z])acr([^a-z]|$)|azurecr", re.IGNORECASE)
MANIFEST = Path(".terraform") / "modules" / "modules.json"


class Caller:
    """Opens module calls of one root; each folder is read once. `used`: everything that was read."""

    def __init__(self, files: Files, root: Path) -> None:
        self._files = files
        self._root = root
        self._manifest: dict[str, Path] | None = None
        self.used: dict[Path, Written] = {}

    def read(self, folder: Path) -> Written:
        """The module in a folder. Raises `InputError`."""
        if folder not in self.used:
            self.used[folder] = read_folder(self._files, folder)
        return self.used[folder]

    def open(self, parent: Module, block: Block, entry: Entry) -> Module | Unresolved:
        """The module that a call leads to."""
        address = parent.address(f"module.{block.labels[0]}{entry.index}")
        source = source_of(block)
        if source is None:
            return self._nowhere(address, "", block, "its source is no literal text")
        if parent.depth + 1 > MAX_MODULES:
            return self._nowhere(
                address, source, block, f"modules call each other more than {MAX_MODULES} deep"
            )
        folder = self._folder(parent, address, source)
        if isinstance(folder, str):
            return self._nowhere(address, source, block, folder)
        try:
            written = self.read(folder)
        except InputError as error:
            return self._nowhere(address, source, block, error.what)
        if not written.files:
            return self._nowhere(
                address, source, block, f"{self._files.name(folder)} holds no Terraform files"
            )
        context = Context(parent, parent.world.budget, entry.bound, [])
        given = {
            name: Argument(attribute, context, "module argument")
            for name, attribute in block.body.attributes.items()
            if name not in _CALL
        }
        for name in given:
            if name not in written.variables:
                place = block.body.attributes[name].place()
                parent.world.budget.notes[
                    f"{place.file}:{place.line}:{place.column}: {address} has no variable {name!r}"
                ] = None
        return Module(parent.world, written, address, given, parent.depth + 1)

    def _folder(self, parent: Module, address: str, source: str) -> Path | str:
        """The folder of a source, or why there is none."""
        if source.startswith(("./", "../", ".\\", "..\\")):
            folder = Path(os.path.normpath(parent.written.folder / source.replace("\\", "/")))
            if not self._files.inside(folder):
                return f"{self._files.name(folder)} lies outside of the folders that were named (--allow-outside-root)"
            return folder if folder.is_dir() else f"there is no folder {self._files.name(folder)}"
        found = self._fetched().get(_INDEX.sub("", address).replace("module.", ""))
        if found is None:
            return f"its source {source} is not here; run `terraform init` first, or scan a plan"
        if not self._files.inside(found):
            return f"{self._files.name(found)} lies outside of the folders that were named (--allow-outside-root)"
        return found if found.is_dir() else f"there is no folder {self._files.name(found)}"

    def _fetched(self) -> dict[str, Path]:
        """What `terraform init` fetched: key of a call -> folder."""
        if self._manifest is None:
            self._manifest = manifest(self._files, self._root) if (self._root / MANIFEST).is_file() else {}
        return self._manifest

    def _nowhere(self, address: str, source: str, block: Block, why: str) -> Unresolved:
        names = [block.labels[0], source, *block.body.attributes]
        speaks = [name for name in names if _REGISTRIES.search(name)]
        words = (
            f" ({', '.join(name for name in block.body.attributes if _REGISTRIES.search(name))})"
            if speaks
            else ""
        )
        words = "" if words == " ()" else words
        return Unresolved(
            address,
            source,
            f"{address} cannot be looked into: {why}{words}",
            block.place("module"),
            bool(speaks),
        )


def manifest(files: Files, root: Path) -> dict[str, Path]:
    """Key of a module call -> the folder that `terraform init` fetched it into."""
    try:
        source = files.source(root / MANIFEST)
        content = parse_json(source.content.decode("utf-8"), source.file)
    except InputError:
        return {}  # Modules then count as not resolved, which is told.
    rows = content.get("Modules") if isinstance(content, dict) else None
    return {
        row["Key"]: Path(os.path.normpath(root / row["Dir"]))
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and isinstance(row.get("Key"), str) and isinstance(row.get("Dir"), str)
    }


def source_of(block: Block) -> str | None:
    """The source of a call, where it is a plain text."""
    attribute = block.body.attributes.get("source")
    expression = attribute.expression if attribute is not None else None
    return expression.value if isinstance(expression, Literal) and isinstance(expression.value, str) else None
