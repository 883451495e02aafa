"""Many definitions: files and folders come in, one result after the other comes out; nothing is held but counts and ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scanner.errors import InputError, ScannerError
from scanner.language.azure_policy.clauses import Reading
from scanner.language.azure_policy.definition import definitions_in, kind_of, read_definition
from scanner.language.azure_policy.importing import Converted, Left, Made, Options, convert
from scanner.language.azure_policy.initiatives import Initiative, read_initiative
from scanner.language.azure_policy.nodes import read_nodes
from scanner.language.form import Form
from scanner.language.pack import shown
from scanner.text import Node, Source

MAX_FILES = 50_000


@dataclass(slots=True)
class Bulk:
    """An import. `initiative`: import its members only, with the values it gives them.

    `files`: how many were read; `taken`: the place of each id and name; `constructs`: how often each was left.
    """

    options: Options
    initiative: Initiative | None = None
    files: int = 0
    seen: int = 0
    imported: int = 0
    manual: int = 0
    taken: dict[str, str] = field(default_factory=dict)
    constructs: Counter[str] = field(default_factory=Counter)
    met: set[int] = field(default_factory=set)
    """Positions of the initiative's members whose definitions were among the files."""

    def run(self, paths: Sequence[Path]) -> Iterator[Converted]:
        """The result of each definition in the files, in the order of the paths."""
        for path in files_in(paths):
            self.files += 1
            name = shown(path)
            try:
                node, source = read_nodes(path, name)
            except InputError as error:
                yield self._counted(Converted(left=[Left(error.where or name, "", "file", _words(error))]))
                continue
            found = list(definitions_in(node))
            if not found:
                yield self._counted(Converted(left=[Left(name, "", "file", "holds no policy definition")]))
            for item in found:
                yield from self._one(item, source, name)
        for number, member in enumerate(self.initiative.members if self.initiative else ()):
            if number not in self.met:
                reason = f"the definition {member.definition} is not among the files"
                yield self._counted(Converted(left=[Left(str(member.mark), "", "initiative member", reason)]))

    def _one(self, node: Node, source: Source, name: str) -> Iterator[Converted]:
        if kind_of(node) == "initiative":
            if self.initiative is None:
                reason = "an initiative: --initiative FILE imports its members with the values it gives them"
                yield self._counted(Converted(notes=[Left(name, "", "initiative", reason)]))
            return
        self.seen += 1
        if self.initiative is None:
            yield self._kept(self._converted(node, source), name)
            return
        definition = read_definition(node)
        key = definition.guid or definition.name.lower()
        members = [
            (number, member)
            for number, member in enumerate(self.initiative.members)
            if member.definition == key
        ]
        for order, (number, member) in enumerate(members):
            self.met.add(number)
            reference = (member.reference or str(number)) if order else ""
            result = self._converted(node, source, member.values, reference)
            result.notes += [
                Left(
                    str(member.mark),
                    f"parameters.{key}",
                    "parameter",
                    f"{key} has no value until it is assigned",
                )
                for key in member.open
            ]
            yield self._kept(result, name)

    def _converted(
        self, node: Node, source: Source, values: Mapping[str, Any] | None = None, reference: str = ""
    ) -> Converted:
        try:
            return convert(node, source, self.options, values, reference)
        except ScannerError as error:
            return Converted(left=[Left(error.where or source.file, "", "definition", _words(error))])

    def _kept(self, result: Converted, name: str) -> Converted:
        made = result.made
        if made is None:
            return self._counted(result)
        if made.id in self.taken:
            reason = f"its id {made.id} is that of {self.taken[made.id]}"
            result.made = None
            result.left.append(Left(name, "", "id", reason))
            return self._counted(result)
        if made.name in self.taken:
            suffix = made.id.removeprefix("AZP").lower()
            result.made = _renamed(made, f"{made.name}-{suffix}")
        self.taken[made.id] = name
        self.taken[made.name] = name
        self.imported += 1
        self.manual += made.manual
        return self._counted(result)

    def _counted(self, result: Converted) -> Converted:
        self.constructs.update({left.construct for left in result.left})
        return result


def _renamed(made: Made, name: str) -> Made:
    return replace(made, name=name, text=made.text.replace(f"\nname: {made.name}\n", f"\nname: {name}\n", 1))


def _words(error: ScannerError) -> str:
    return f"{error.what} ({error.advice})" if error.advice else error.what


def files_in(paths: Sequence[Path]) -> Iterator[Path]:
    """The JSON files of files and folders, sorted within each folder. Raises `InputError` for what is not there."""
    number = 0
    for path in paths:
        if path.is_dir():
            found = sorted(one for one in path.rglob("*.json") if one.is_file())
        elif path.is_file():
            found = [path]
        else:
            raise InputError(
                "is no file or folder", str(path), "Name definitions (JSON) or a folder with them."
            )
        number += len(found)
        if number > MAX_FILES:
            raise InputError(f"more than {MAX_FILES:,} files", str(path), "Import them in parts.")
        yield from found


def load_initiative(path: Path) -> Initiative:
    """The initiative in a file. Raises `InputError` when it is none or something is wrong with it."""
    node, source = read_nodes(path, shown(path))
    held = [item for item in definitions_in(node) if kind_of(item) == "initiative"]
    if len(held) != 1:
        raise InputError("holds no initiative (policySetDefinition)", str(path))
    form = Form(source)
    found = read_initiative(Reading(form, (), {}), held[0])
    if found is None or form.errors:
        first = form.errors[0]
        raise InputError(first.what, first.where, first.advice, excerpt=first.excerpt)
    return found
