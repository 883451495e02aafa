"""ARM templates as an inventory: files, folders and parameter files come in, an `Inventory` and what could not be used come out.

Every template is evaluated once per parameter file. A file that speaks of Container Registry and gives nothing is an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scanner.errors import InputError, ScannerError
from scanner.inventory.arm_template import bicep, files
from scanner.inventory.arm_template.expansion import Expansion, expand
from scanner.inventory.arm_template.functions_resources import CLOUDS
from scanner.inventory.arm_template.positions import Document, read_document
from scanner.inventory.arm_template.rows import Rows
from scanner.inventory.described import runs
from scanner.inventory.record import ListPart, digest
from scanner.inventory.tree import Tree
from scanner.model.resource import Inventory, Part, Problem, Resource

MENTION = "microsoft.containerregistry"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to read. `parameters`: parameter files; `bicep_cli`: an installed compiler; `cloud`: what `environment()` means."""

    parameters: tuple[Path, ...] = ()
    bicep_cli: str | None = None
    cloud: str = CLOUDS[0]


@dataclass
class Reading:
    """What templates gave. `errors`: files that could not be used; the rest was read all the same."""

    inventory: Inventory
    errors: list[ScannerError] = field(default_factory=list)


def read_arm(tree: Tree, wanted: Wanted | None = None, *, now: str) -> Reading:
    """Read and evaluate all templates of files and folders.

    Raises `InputError` or `UsageError` for paths and parameter files that cannot be used at all. `now`: RFC 3339.
    """
    wanted = wanted or Wanted()
    found = files.sort(tree.files(files.is_wanted))
    compiled = bicep.compile_all(found, wanted.bicep_cli)
    found.templates += compiled.templates
    found.parameters += compiled.parameters
    chosen = [_parameters(path) for path in wanted.parameters]
    reader = _Reader(wanted, found, tree.paths)
    for template, values in files.evaluations(found, chosen):
        reader.template(template, values)
    reader.settle()
    notes = [*found.notes, *compiled.notes, *files.unmatched(found, chosen), *reader.notes]
    parts = _parts(reader.resources())
    inventory = Inventory(
        parts=parts,
        runs=runs("arm", parts, reader.missing),
        digest=digest(parts),
        collected_at=now,
        diagnostics=tuple(dict.fromkeys(notes)),
    )
    return Reading(inventory, [*found.errors, *compiled.errors, *reader.errors])


def _parameters(path: Path) -> Document:
    """A parameter file that the user names."""
    document = read_document(path, path.as_posix() if not path.is_absolute() else path.name)
    value = document.value
    if not isinstance(value, Mapping) or not isinstance(value.get("parameters"), Mapping):
        raise InputError(
            "is no parameter file", document.name, 'It holds {"parameters": {"name": {"value": ...}}}.'
        )
    return document


def _parts(resources: Sequence[Resource]) -> Mapping[str, Part]:
    by_type: dict[str, list[Resource]] = {}
    for resource in resources:
        by_type.setdefault(resource.type.lower(), []).append(resource)
    return {kind: ListPart(rows[0].type, rows) for kind, rows in by_type.items()}


class _Reader:
    """Evaluates templates one by one; those that others link are left to these."""

    def __init__(self, wanted: Wanted, found: files.Sorted, paths: Sequence[Path]) -> None:
        self._wanted = wanted
        self._found = found
        self._roots = [path.resolve() if path.is_dir() else path.resolve().parent for path in paths]
        self._documents: dict[Path, Document] = {}
        self._links: dict[str, set[str]] = {}
        self._kept: list[tuple[str, list[Expansion], Resource, bool]] = []
        self.errors: list[ScannerError] = []
        self.notes: list[str] = []
        self.missing: list[Problem] = []
        self._results: list[Resource] = []

    def template(self, document: Document, values: Sequence[Document | None]) -> None:
        """Evaluate one template with each of its parameter files."""
        kind = "bicep" if bicep.by_bicep(document.value) else "arm"
        rows = Rows(document, kind)
        expansions = []
        for parameters in values:
            if parameters is not None:
                rows.given(parameters, document.value)
            expansions.append(expand(document, parameters, rows, self._load, cloud=self._wanted.cloud))
            self._links.setdefault(document.name, set()).update(expansions[-1].linked)
        self._kept.append((document.name, expansions, rows.made(), any(values)))
        self.notes += document.warnings

    def settle(self) -> None:
        """Drop templates that others link, and say which ones gave nothing."""
        texts = {document.name: document.text for document in self._found.templates}
        reached = self._reached()
        for name, expansions, about, given in self._kept:
            if name in reached and not given:
                continue
            self._results.append(about)
            for expansion in expansions:
                self._results += expansion.resources
                self.notes += expansion.notes
                self.missing += expansion.missing
            nothing = not any(one.resources or one.seen or one.missing for one in expansions)
            if nothing and MENTION in texts[name].lower():
                self.errors.append(
                    InputError(
                        "mentions Microsoft.ContainerRegistry but no resource could be evaluated",
                        name,
                        "Look at the messages about this file, or leave it out.",
                    )
                )

    def _reached(self) -> set[str]:
        """Templates that are evaluated as part of others. Of those that link each other in a ring one stays by itself."""
        reached: set[str] = set()
        linked = {name for around, names in self._links.items() for name in names if name != around}
        for root in sorted(self._links, key=lambda name: (name in linked, name)):
            if root in reached:
                continue
            stack = [root]
            while stack:
                new = self._links.get(stack.pop(), set()) - reached - {root}
                reached |= new
                stack += new
        return reached

    def resources(self) -> list[Resource]:
        """Everything that was found."""
        return self._results

    def _load(self, around: Document, relative: str) -> Document:
        """A linked template inside the given folders. Raises `InputError`."""
        home = self._found.paths.get(around.name)
        if home is None:
            raise InputError("is not beside a file")
        target = home.parent / relative
        resolved = target.resolve()
        root = next((root for root in self._roots if resolved.is_relative_to(root)), None)
        if root is None:
            raise InputError("lies outside the folder that was given", relative)
        if not resolved.is_file():
            raise InputError("is not there", relative)
        if resolved not in self._documents:
            name = next((name for name, path in self._found.paths.items() if path.resolve() == resolved), "")
            self._documents[resolved] = read_document(resolved, name or resolved.relative_to(root).as_posix())
            self._found.paths.setdefault(self._documents[resolved].name, resolved)
        return self._documents[resolved]
