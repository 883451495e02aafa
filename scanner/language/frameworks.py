"""Control catalogues: a folder of framework files comes in, frameworks with their controls come out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from scanner.errors import Problems, RuleError, ScannerError
from scanner.language.form import Form
from scanner.language.pack import API_VERSION
from scanner.model.framework import Framework, FrameworkControl
from scanner.model.rule import Rule
from scanner.text import load_yaml, nearest, read_text

ORDER = ("faq", "azure-policy", "mcsb-v2", "mcsb-v1", "cis-azure-foundations", "nist-800-53", "iso-27001", "pci-dss", "soc-2")  # fmt: skip
"""How reports order frameworks: by the first of these that an id begins with; others follow by id."""
ABOUT = ("id", "title", "version", "source", "mapping", "note", "complete")
CONTROL = ("id", "title", "scanner", "untouched")


def load_framework(path: Path) -> Framework:
    """The framework in a file. Raises `Problems` with every error at its place."""
    text = read_text(path)
    documents, source = load_yaml(text, str(path))
    if len(documents) != 1:
        raise RuleError("a framework file holds one document", str(path))
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
    if form.errors:
        raise Problems(form.errors)
    return Framework(
        controls=controls, complete=complete, digest=hashlib.sha256(text.encode()).hexdigest(), **texts
    )


def _controls(form: Form, nodes: Iterable[object]) -> Iterator[FrameworkControl]:
    seen: set[str] = set()
    for node in nodes:
        item = form.mapping(node, "a control", CONTROL, ("id", "title"))  # type: ignore[arg-type]
        texts = {key: form.text(item.items.get(key), key) for key in CONTROL}
        if texts["id"] in seen:
            form.report(f"the control {texts['id']!r} stands twice", item.mark)
        seen.add(texts["id"])
        yield FrameworkControl(**texts)


def load_frameworks(folder: Path) -> tuple[Framework, ...]:
    """All frameworks of a folder in the order of reports; () where there is no such folder. Raises `Problems`."""
    if not folder.is_dir():
        return ()
    found: dict[str, Framework] = {}
    errors: list[ScannerError] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            one = load_framework(path)
        except Problems as problems:
            errors += problems.errors
            continue
        if one.id in found:
            errors.append(RuleError(f"the framework {one.id!r} has two files", str(path)))
        found[one.id] = one
    if errors:
        raise Problems(errors)
    return tuple(sorted(found.values(), key=lambda one: place(one.id)))


def place(identifier: str) -> tuple[int, str]:
    """A sort key: where reports show a framework."""
    for at, head in enumerate(ORDER):
        if identifier.startswith(head):
            return at, identifier
    return len(ORDER), identifier


def unknown_controls(
    rules: Iterable[Rule], frameworks: Iterable[Framework]
) -> Iterator[tuple[Rule, str, str]]:
    """(rule, what is wrong, advice) for each control that no catalogue holds."""
    known: Mapping[str, frozenset[str]] = {
        one.id: frozenset(control.id for control in one.controls) for one in frameworks
    }
    for rule in rules:
        for control in rule.controls:
            if control.framework not in known:
                yield rule, f"there is no catalogue {control.framework!r}", nearest(control.framework, known)
            elif control.id not in known[control.framework]:
                advice = nearest(control.id, known[control.framework])
                yield rule, f"{control.framework} has no control {control.id!r}", advice
