"""Control catalogues: a folder of framework files comes in, frameworks with their controls come out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from scanner.errors import Problems, RuleError, ScannerError
from scanner.language.form import Form
from scanner.language.pack import API_VERSION, FRAMEWORKS, shown
from scanner.language.rules import FRAMEWORK
from scanner.model.condition import Mark
from scanner.model.framework import Framework, FrameworkControl
from scanner.model.rule import Rule
from scanner.text import Node, load_yaml, nearest, read_text

ORDER = ("faq", "azure-policy", "mcsb", "cis-azure-foundations", "nist-800-53", "iso-27001", "pci-dss", "soc-2")  # fmt: skip
"""How reports order frameworks: by the first of these that an id begins with; others follow by id."""
ABOUT = ("id", "title", "version", "source", "mapping", "note", "complete")
CONTROL = ("id", "title", "scanner", "untouched")


def load_framework(path: Path) -> Framework:
    """The framework in a file. Raises `Problems` with every error at its place."""
    return _load(path)[0]


def _load(path: Path) -> tuple[Framework, Mark]:
    """The framework in a file, and where its id stands."""
    text = read_text(path)
    documents, source = load_yaml(text, shown(path))
    if len(documents) != 1:
        raise RuleError("a framework file holds one document", shown(path))
    form = Form(source)
    body = form.mapping(
        documents[0],
        "a framework",
        ("apiVersion", "framework", "controls"),
        ("apiVersion", "framework", "controls"),
    )
    form.choice(body.items.get("apiVersion"), "apiVersion", (API_VERSION,), API_VERSION)
    about = form.mapping(
        body.items.get("framework"), "framework", ABOUT, ("id", "title", "source", "mapping")
    )
    controls = tuple(_controls(form, form.items(body.items.get("controls"), "controls")))
    texts = {key: form.text(about.items.get(key), key) for key in ABOUT if key != "complete"}
    complete = form.flag(about.items.get("complete"), "complete", fallback=False)
    named = about.items.get("id")
    mark = named.mark if named is not None else about.mark
    if texts["id"] and not FRAMEWORK.match(texts["id"]):
        form.report(f"the id {texts['id']!r} must be lower-case words joined by dashes", mark)
    if form.errors:
        raise Problems(form.errors)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Framework(controls=controls, complete=complete, digest=digest, **texts), mark


def _controls(form: Form, nodes: Iterable[Node]) -> Iterator[FrameworkControl]:
    seen: dict[str, Mark] = {}
    for node in nodes:
        item = form.mapping(node, "a control", CONTROL, ("id", "title"))
        texts = {key: form.text(item.items.get(key), key) for key in CONTROL}
        if texts["id"] in seen:
            form.report(
                f"the control {texts['id']!r} stands twice", item.mark, f"First in {seen[texts['id']]}."
            )
        if texts["scanner"] and texts["untouched"]:
            form.report(
                f"the control {texts['id']!r} is proved by the scanner and untouched", item.mark, "Keep one."
            )
        seen.setdefault(texts["id"], item.mark)
        yield FrameworkControl(**texts)


def load_frameworks(folder: Path) -> tuple[Framework, ...]:
    """All frameworks of a folder in the order of reports; () where there is no such folder. Raises `Problems`."""
    if not folder.is_dir():
        return ()
    found: dict[str, tuple[Framework, Mark]] = {}
    errors: list[ScannerError] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            one, mark = _load(path)
        except Problems as problems:
            errors += problems.errors
            continue
        except ScannerError as error:
            errors.append(error)
            continue
        if one.id in found:
            first = found[one.id][1]
            errors.append(
                RuleError(
                    f"the framework {one.id!r} has two files", str(mark), f"It stands first in {first}."
                )
            )
        found[one.id] = one, mark
    if errors:
        raise Problems(errors)
    return tuple(sorted((one for one, _ in found.values()), key=lambda one: place(one.id)))


def of_pack(folder: Path, *standing_in: Path) -> tuple[Framework, ...]:
    """The catalogues in a pack's own `frameworks` folder; for ids it has none of, those of the folders given, the last first."""
    found: dict[str, Framework] = {}
    for one in (*standing_in, folder / FRAMEWORKS):
        found |= {framework.id: framework for framework in load_frameworks(one)}
    return tuple(sorted(found.values(), key=lambda one: place(one.id)))


def place(identifier: str) -> tuple[int, tuple[int, ...], str]:
    """A sort key: where reports show a framework. Of one framework the newest version comes first."""
    for at, head in enumerate(ORDER):
        if identifier.startswith(head):
            numbers = re.findall(r"\d+", identifier.removeprefix(head))
            return at, tuple(-int(number) for number in numbers), identifier
    return len(ORDER), (), identifier


def unknown_controls(
    rules: Iterable[Rule], frameworks: Iterable[Framework]
) -> Iterator[tuple[Rule, Mark, str, str]]:
    """(rule, place, what is wrong, advice) for each control that no catalogue holds."""
    known: Mapping[str, frozenset[str]] = {
        one.id: frozenset(control.id for control in one.controls) for one in frameworks
    }
    for rule in rules:
        for control, mark in zip(rule.controls, rule.control_marks, strict=True):
            if control.framework not in known:
                advice = nearest(control.framework, known) or f"Known here: {', '.join(known)}."
                yield rule, mark, f"there is no catalogue {control.framework!r}", advice
            elif control.id not in known[control.framework]:
                advice = nearest(control.id, known[control.framework])
                yield rule, mark, f"{control.framework} has no control {control.id!r}", advice
