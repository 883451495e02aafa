"""Control catalogues: a framework's file comes in, its controls with our short titles come out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scanner.errors import Problems, RuleError
from scanner.language.form import Form
from scanner.text import load_yaml, read_text

_ABOUT = ("id", "title", "source", "mapping", "version")


@dataclass(frozen=True, slots=True)
class FrameworkControl:
    """One control. `scanner`: what proves it where it is a property of acrscan itself, or ""."""

    id: str
    title: str
    scanner: str = ""


@dataclass(frozen=True, slots=True)
class Framework:
    """A catalogue of controls. `mapping`: where the mapping of rules to controls comes from."""

    id: str
    title: str
    source: str
    mapping: str
    controls: tuple[FrameworkControl, ...]


def load_framework(path: Path) -> Framework:
    """The framework in a file. Raises `Problems` with every error at its place."""
    documents, source = load_yaml(read_text(path), str(path))
    if len(documents) != 1:
        raise RuleError("a framework file holds one document", str(path))
    form = Form(source)
    body = form.mapping(
        documents[0], "a framework", ("apiVersion", "framework", "controls"), ("framework", "controls")
    )
    about = form.mapping(body.items.get("framework"), "framework", _ABOUT, ("id", "title", "source"))
    controls = []
    seen: set[str] = set()
    for node in form.items(body.items.get("controls"), "controls"):
        item = form.mapping(node, "a control", ("id", "title", "scanner"), ("id", "title"))
        control = FrameworkControl(
            form.text(item.items.get("id"), "id"),
            form.text(item.items.get("title"), "title"),
            form.text(item.items.get("scanner"), "scanner"),
        )
        if control.id in seen:
            form.report(f"the control {control.id!r} stands twice", node.mark)
        seen.add(control.id)
        controls.append(control)
    if form.errors:
        raise Problems(form.errors)
    texts = {key: form.text(about.items.get(key), key) for key in _ABOUT}
    return Framework(texts["id"], texts["title"], texts["source"], texts["mapping"], tuple(controls))
