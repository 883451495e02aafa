"""Places for plans, which have none: the folder beside a plan comes in, where each resource is written comes out."""

from __future__ import annotations

import os
from pathlib import Path

from scanner.errors import InputError
from scanner.inventory.terraform.calling import MANIFEST, manifest, source_of
from scanner.inventory.terraform.folder import Written, read_folder
from scanner.inventory.terraform.instance import Places
from scanner.inventory.terraform.syntax import Block
from scanner.inventory.terraform.tree import Files, module_files

MAX_DEPTH = 16


class Beside:
    """The configuration that lies beside a plan, as far as it can be read: it only tells places."""

    def __init__(self, files: Files, folder: Path) -> None:
        self._files = files
        self._folder = folder
        self._modules: dict[str, Written | None] = {}
        self._fetched = manifest(files, folder) if (folder / MANIFEST).is_file() else {}

    def places(self, module: str, kind: str, name: str) -> Places:
        """The places of a resource by its module's path without indices; {} where it is not written here."""
        written = self._module(module)
        block = written.resources.get((kind, name)) if written is not None else None
        if block is None:
            return {}
        found: Places = {"": (block.place(),)}
        _add(block, "", found)
        return found

    def _module(self, path: str) -> Written | None:
        if path not in self._modules:
            self._modules[path] = None
            folder = self._place_of(path)
            if folder is not None:
                try:
                    self._modules[path] = read_folder(self._files, folder) if module_files(folder) else None
                except InputError:
                    return None  # Without places the plan says all the same.
        return self._modules[path]

    def _place_of(self, path: str) -> Path | None:
        if not path:
            return self._folder
        if path.count("module.") > MAX_DEPTH:
            return None
        above, _, name = path.rpartition("module.")
        parent = self._module(above.rstrip("."))
        block = parent.modules.get(name) if parent is not None else None
        source = source_of(block) if block is not None else None
        if parent is None or source is None:
            return None
        if source.startswith(("./", "../")):
            folder: Path | None = Path(os.path.normpath(parent.folder / source))
        else:
            folder = self._fetched.get(path.replace("module.", ""))
        return folder if folder is not None and folder.is_dir() and self._files.inside(folder) else None


def _add(block: Block, prefix: str, found: Places) -> None:
    for name, attribute in block.body.attributes.items():
        found[f"{prefix}{name}"] = (attribute.place(),)
    numbers: dict[str, int] = {}
    for inner in block.body.blocks:
        if inner.kind == "dynamic":
            for content in inner.body.of("content"):
                found.setdefault(f"{prefix}{inner.labels[0]}", (content.place("property"),))
            continue
        at = numbers[inner.kind] = numbers.get(inner.kind, -1) + 1
        found.setdefault(f"{prefix}{inner.kind}", (inner.place("property"),))
        if not any(other.kind == "dynamic" and other.labels[0] == inner.kind for other in block.body.blocks):
            found[f"{prefix}{inner.kind}/{at}"] = (inner.place("property"),)
            _add(inner, f"{prefix}{inner.kind}/{at}/", found)
