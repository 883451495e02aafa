"""Which files hold what: paths come in, templates with their parameter files come out, and every file that cannot be used.

A file is recognised by what is in it (`$schema`, `resources`, `policyRule`), never by its name alone.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scanner.errors import InputError, ScannerError, UsageError
from scanner.inventory.arm_template.declared import declarations
from scanner.inventory.arm_template.positions import MAX_BYTES, Document, read_document
from scanner.inventory.tree import File

TEMPLATE, PARAMETERS, POLICY, OTHER = "template", "parameters", "policy", "other"
_MENTION = re.compile(rb"microsoft\.containerregistry", re.IGNORECASE)
_SUFFIXES = (".json", ".jsonc", ".bicep", ".bicepparam")


@dataclass
class Sorted:
    """Files by what they hold. `errors`: files that cannot be used; `notes`: what was left out and why."""

    templates: list[Document] = field(default_factory=list)
    parameters: list[Document] = field(default_factory=list)
    bicep: list[File] = field(default_factory=list)
    errors: list[ScannerError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    paths: dict[str, Path] = field(default_factory=dict)
    """Path of each document by its name."""


def is_wanted(name: str) -> bool:
    """Whether a file of this lower-case name may hold a template."""
    return name.endswith(_SUFFIXES)


def kind_of(value: Any) -> str:
    """What the JSON of a file is."""
    if not isinstance(value, Mapping):
        return OTHER
    properties = value.get("properties")
    if "policyRule" in value or (
        isinstance(properties, Mapping) and ({"policyRule", "policyDefinitions"} & properties.keys())
    ):
        return POLICY
    schema = str(value.get("$schema", "")).lower()
    if "deploymentparameters.json" in schema:
        return PARAMETERS
    if "deploymenttemplate.json" in schema:
        return TEMPLATE
    if isinstance(value.get("resources"), (list, Mapping)) and (
        "contentVersion" in value or "$schema" in value
    ):
        return TEMPLATE
    return OTHER


def sort(files: Iterable[File]) -> Sorted:
    """Read and classify files. One that mentions Container Registry and is nothing known is an error, never clean."""
    found = Sorted()
    for file in files:
        lowered = file.name.lower()
        if lowered.endswith((".bicep", ".bicepparam")):
            found.bicep.append(file)
            continue
        try:
            document = read_document(file.path, file.name)
        except InputError as error:
            if file.given or _mentions(file.path) or "deployment" in lowered:
                found.errors.append(error)
            else:
                found.notes.append(f"{error.where or file.name}: {error.what}; it was left out")
            continue
        found.paths.setdefault(file.name, file.path)
        _place(document, file, found)
    return found


def _place(document: Document, file: File, found: Sorted) -> None:
    match kind_of(document.value):
        case "template":
            found.templates.append(document)
        case "parameters":
            found.parameters.append(document)
        case "policy":
            found.notes.append(
                f"{file.name}: a policy definition; it describes no deployment and was left out"
            )
        case _ if file.given:
            found.errors.append(
                InputError("is no ARM template", file.name, "A template has a `$schema` and `resources`.")
            )
        case _ if (
            "microsoft.containerregistry" in document.text.lower() and '"apiversion"' in document.text.lower()
        ):
            found.errors.append(
                InputError(
                    "mentions Microsoft.ContainerRegistry but is no template that can be evaluated",
                    file.name,
                    "Add `$schema` if it is one; name the folders of the templates if it is not.",
                )
            )


def _mentions(path: Path) -> bool:
    """Whether a file that cannot be read as JSON speaks of Container Registry, or is too large to tell."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return True
        return _MENTION.search(path.read_bytes().replace(b"\x00", b"")) is not None
    except OSError:
        return True


def evaluations(
    found: Sorted, chosen: Sequence[Document]
) -> Iterator[tuple[Document, list[Document | None]]]:
    """Each template with the parameter files to evaluate it with; one evaluation without values where there are none.

    `chosen`: parameter files named by the user; each goes to the templates that declare all of its parameters, or to the only
    one. Raises `UsageError` for one that fits none.
    """
    fitting = {id(one): [template for template in found.templates if _fits(one, template)] for one in chosen}
    for one in chosen:
        if len(found.templates) == 1:
            fitting[id(one)] = list(found.templates)
        if not fitting[id(one)]:
            raise UsageError(
                f"no template declares the parameters of {one.name}",
                "",
                "Name the template that it belongs to.",
            )
    for template in found.templates:
        given = [one for one in chosen if any(template is other for other in fitting[id(one)])]
        beside = [] if chosen else [one for one in found.parameters if _belongs(one, template)]
        yield template, [*given, *beside] or [None]


def _fits(parameters: Document, template: Document) -> bool:
    given = parameters.value.get("parameters") if isinstance(parameters.value, Mapping) else None
    declared = declarations(template.value)
    return isinstance(given, Mapping) and all(name.lower() in declared for name in given)


def _belongs(parameters: Document, template: Document) -> bool:
    """Whether a parameter file lies beside its template: `main.parameters.json`, `main.parameters.prod.json`, or says so."""
    folder, _, name = template.name.rpartition("/")
    own_folder, _, own = parameters.name.rpartition("/")
    metadata = parameters.value.get("metadata")
    named = metadata.get("template") if isinstance(metadata, Mapping) else None
    if isinstance(named, str):
        wanted = posixpath.normpath(posixpath.join(own_folder, named.replace("\\", "/")))
        return wanted == template.name
    stem = name.rpartition(".")[0].lower()
    lowered = own.lower()
    if folder != own_folder or not lowered.startswith(f"{stem}."):
        return False
    return lowered.endswith(".bicepparam") or ".parameters." in f".{lowered.removeprefix(stem + '.')}"


def unmatched(found: Sorted, chosen: Sequence[Document]) -> Iterator[str]:
    """A note for each parameter file that no template was evaluated with."""
    for one in found.parameters if not chosen else ():
        if not any(_belongs(one, template) for template in found.templates):
            yield f"{one.name}: no template beside it has its name; it was left out (--parameters names it)"
