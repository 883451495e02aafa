"""Workloads as an inventory: files and folders come in, an `Inventory` and what could not be used come out.

A file that cannot be read never hides another. One that names a registry in Azure and gives nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scanner.errors import InputError, ScannerError
from scanner.inventory.described import runs
from scanner.inventory.record import ListPart, digest
from scanner.inventory.tree import File, Tree
from scanner.inventory.workload import kinds
from scanner.inventory.workload.calls import read_calls
from scanner.inventory.workload.compose import environment, read_compose
from scanner.inventory.workload.dockerfile import is_dockerfile, read_dockerfile
from scanner.inventory.workload.dockerignore import read_dockerignore
from scanner.inventory.workload.facts import FILES, IMAGES, SECRETS, Facts
from scanner.inventory.workload.shell_words import POWERSHELL, SH
from scanner.inventory.workload.source import MAX_BYTES, Text, read_text, whole
from scanner.inventory.workload.yaml_tree import load_tree
from scanner.model.resource import Inventory, Part, Resource
from scanner.model.values import Unknown

DESCRIBED = frozenset({FILES.lower(), IMAGES.lower()})
_MENTION = re.compile(r"(?i)azurecr\.(?:io|cn|us|de)\b")
_HELM = re.compile(r"\{\{-?\s*(?:\.|include|template|range|if|with|end|toYaml|define|-)")
_LIKELY = re.compile(
    r"(?m)^[ \t]*(?:-[ \t]+)?[\"']?(?:image|apiVersion|services|jobs|steps|stages|script)[\"']?[ \t]*:"
)
_GO_ON = "Render it (helm template CHART > rendered.yaml) and name the result."


@dataclass
class Reading:
    """What workloads gave. `errors`: files that could not be used; the rest was read all the same."""

    inventory: Inventory
    errors: list[ScannerError] = field(default_factory=list)


def read_workload(tree: Tree, *, now: str) -> Reading:
    """Read all files of a tree. Raises `InputError` where there are too many. `now`: RFC 3339."""
    reader = _Reader(mixed=tree.mixed)
    for file in tree.files(kinds.is_wanted):
        reader.file(file)
    resources = reader.settle()
    parts = _parts(resources)
    inventory = Inventory(
        parts=parts,
        runs=runs("workload", parts, complete=DESCRIBED),
        digest=digest(parts),
        collected_at=now,
        diagnostics=tuple(dict.fromkeys(reader.notes)),
    )
    return Reading(inventory, reader.errors)


def _parts(resources: Iterable[Resource]) -> Mapping[str, Part]:
    by_type: dict[str, list[Resource]] = {}
    for resource in resources:
        by_type.setdefault(resource.type.lower(), []).append(resource)
    return {kind: ListPart(rows[0].type, rows) for kind, rows in by_type.items()}


class _Reader:
    """Reads files one by one; pull secrets are looked up when all are read."""

    def __init__(self, *, mixed: bool) -> None:
        self._mixed = mixed
        self._paths: set[Path] = set()
        self.errors: list[ScannerError] = []
        self.notes: list[str] = []
        self._facts: list[Facts] = []
        self._charts: dict[str, int] = {}
        self._names: set[str] = set()
        self._elsewhere: set[str] = set()

    def file(self, file: File) -> None:
        """Read one file; a file that was given twice is read once."""
        resolved = file.path.resolve()
        if resolved in self._paths:
            return
        self._paths.add(resolved)
        if file.name.lower() in self._names:
            advice = "Names of files may not differ in capital letters only; scan one of the two by itself."
            self.errors.append(InputError("has the name of another file that was given", file.name, advice))
            return
        self._names.add(file.name.lower())
        kind = kinds.by_name(file.name)
        try:
            source = read_text(file.path, file.name)
        except InputError as error:
            self._unusable(error, file, kind, "")
            return
        try:
            found = self._read(file, source, kind)
        except InputError as error:
            self._unusable(error, file, kind, source.text)
            return
        for one in found:
            self.notes += one.notes
        self._facts += found
        if not any(one.recognised for one in found):
            self._nothing(file, source)

    def _read(self, file: File, source: Text, kind: str) -> list[Facts]:
        if kind == kinds.OTHER:
            kind = kinds.by_content(source)
        match kind:
            case kinds.DOCKERFILE:
                if not is_dockerfile(source):
                    return []
                facts = Facts(source, kind)
                read_dockerfile(facts)
            case kinds.DOCKERIGNORE:
                facts = Facts(source, kind)
                read_dockerignore(facts)
            case kinds.SCRIPT:
                facts = Facts(source, kind)
                dialect = POWERSHELL if file.name.lower().endswith((".ps1", ".psm1")) else SH
                read_calls(facts, whole(source), "", dialect)
                return [facts] if facts.recognised else []
            case kinds.YAML:
                return self._yaml(file, source)
            case _:
                return []
        return [facts]

    def _yaml(self, file: File, source: Text) -> list[Facts]:
        if file.name.lower().endswith(".json"):
            if not file.given and '"kind"' not in source.text and _MENTION.search(source.text) is None:
                return []
            source = Text(source.name, source.text.replace("\t", " "))
        tree = load_tree(source)
        if any(kinds.is_template(document) for document in tree.documents):
            self._template(file)
        if tree.documents and all(kinds.is_rule(document) for document in tree.documents):
            self._elsewhere.add(file.name)
        by_kind: dict[str, Facts] = {}
        for document in tree.documents:
            kind = kinds.kind_of(document, file.name)
            if kind == kinds.OTHER:
                continue
            facts = by_kind.setdefault(kind, Facts(source, kind, further=bool(by_kind)))
            if kind == "compose":
                read_compose(facts, tree, document, self._environment(file))
            else:
                kinds.READERS[kind](facts, tree, document)
        if by_kind:
            self.notes += tree.notes
        return list(by_kind.values())

    def _environment(self, file: File) -> Mapping[str, str]:
        """The variables of `.env` beside a Compose file; links are not followed."""
        beside = file.path.parent / ".env"
        if beside.is_symlink() or not beside.is_file():
            return {}
        try:
            return environment(read_text(beside, f"{file.name.rpartition('/')[0]}/.env".lstrip("/")).text)
        except InputError as error:
            self.notes.append(f"{error.where}: {error.what}; its variables are not known")
            return {}

    def _unusable(self, error: InputError, file: File, kind: str, text: str) -> None:
        """A file that could not be read: an error where it may matter, else a note."""
        if text and _HELM.search(text) and kind == kinds.YAML:
            self._helm(file)
            return
        named = kind in (kinds.DOCKERFILE, kinds.DOCKERIGNORE, kinds.SCRIPT)
        large = (
            not text
            and kind == kinds.YAML
            and not file.name.lower().endswith(".json")
            and _is_large(file.path)
        )
        likely = kind == kinds.YAML and (_LIKELY.search(text) or _MENTION.search(text))
        if file.given or named or large or likely or (not text and _mentions(file.path)):
            self.errors.append(error)
        else:
            self.notes.append(f"{error.where or file.name}: {error.what}; it was left out")

    def _template(self, file: File) -> None:
        """A description for Azure Resource Manager, which another source reads."""
        self._elsewhere.add(file.name)
        words = f"{file.name}: a template or parameter file for Azure Resource Manager; --from arm reads it"
        if not self._mixed and not file.given:
            self.notes.append(words)

    def _helm(self, file: File) -> None:
        """A template of a chart: its values are not filled in, so that it is no YAML yet."""
        folder, found, _ = file.name.rpartition("templates/")
        if file.given or not found:
            self.errors.append(InputError("is a Helm template that is not rendered", file.name, _GO_ON))
            return
        self._charts[folder.rstrip("/") or "."] = self._charts.get(folder.rstrip("/") or ".", 0) + 1

    def _nothing(self, file: File, source: Text) -> None:
        """A file that gave nothing."""
        if _HELM.search(source.text) and kinds.by_name(file.name) == kinds.YAML and "templates/" in file.name:
            self._helm(file)
            return
        if file.given:
            advice = (
                "Dockerfiles, Compose files, Kubernetes manifests, ACR tasks, pipelines and scripts are read."
            )
            self.errors.append(InputError("holds nothing that is known of workloads", file.name, advice))
        elif file.name not in self._elsewhere and (match := _MENTION.search(source.text)) is not None:
            line, column = source.lines.at(match.start())
            self.notes.append(
                f"{file.name}:{line}:{column}: names a registry in Azure, but nothing in the file was recognised; no rule looked at it"
            )

    def settle(self) -> list[Resource]:
        """Look up the pull secrets that pods use, and give all resources."""
        for chart, number in sorted(self._charts.items()):
            files = f"{number} templates are" if number > 1 else "1 template is"
            self.errors.append(
                InputError(
                    f"{files} not rendered",
                    f"{chart}/templates",
                    f"Render the chart (helm template {chart} > rendered.yaml) and name the result.",
                )
            )
        described: dict[str, set[str]] = {}
        for facts in self._facts:
            for (namespace, name), here in facts.secrets.items():
                if here:
                    described.setdefault(name, set()).add(namespace)
        for facts in self._facts:
            for wanted in facts.wanted:
                spaces = described.get(wanted.name, set())
                if wanted.namespace in spaces or "" in spaces or (not wanted.namespace and spaces):
                    continue
                reason = f"the pull secret {wanted.name} is described in none of these files"
                facts.row(
                    SECRETS,
                    wanted.at,
                    wanted.place,
                    name=wanted.name,
                    acr=wanted.acr,
                    admin=Unknown(reason, "not-collected"),
                )
        return [resource for facts in self._facts for resource in facts.resources()]


def _is_large(path: Path) -> bool:
    try:
        return path.stat().st_size > MAX_BYTES
    except OSError:
        return True


def _mentions(path: Path) -> bool:
    """Whether a file that is no text names a registry in Azure all the same."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return False
        return (
            re.search(rb"(?i)azurecr\.(?:io|cn|us|de)", path.read_bytes().replace(b"\x00", b"")) is not None
        )
    except OSError:
        return True
