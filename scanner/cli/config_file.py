"""A configuration file comes in, its settings by key come out, or everything that is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scanner.cli.config import KEYS, NAME, PATHS, SCOPES
from scanner.errors import Problems
from scanner.language.form import Form
from scanner.text import Mapping as MappingNode
from scanner.text import Node, Scalar, Sequence, load_yaml, plain, read_text


def read_config(path: Path) -> dict[str, Any]:
    """The settings of a file by key, paths resolved against the file's folder."""
    documents, source = load_yaml(read_text(path), str(path))
    form = Form(source)
    if not documents:
        return {}
    body = form.mapping(documents[0], NAME, KEYS)
    found = {key: _value(form, key, node, path.parent) for key, node in body.items.items() if key in KEYS}
    if form.errors:
        raise Problems(form.errors)
    return found


def _value(form: Form, key: str, node: Node, folder: Path) -> Any:
    match KEYS[key][0]:
        case "flag":
            return form.flag(node, key, fallback=False)
        case "number":
            return form.whole(node, key)
        case "map":
            if not isinstance(node, MappingNode):
                form.report(f"{key} must be a mapping of names", node.mark)
                return {}
            return plain(node)
        case "scopes":
            body = form.mapping(node, key, SCOPES)
            return {
                name: _value_of_scope(form, name, item) for name, item in body.items.items() if name in SCOPES
            }
        case "texts":
            items = node if isinstance(node, Sequence) else Sequence([node], node.file, node.start)
            return [_resolved(key, text, folder) for text in form.texts(items, key)]
        case _:
            text = node.text if isinstance(node, Scalar) and key == "api-version" else form.text(node, key)
            return _resolved(key, text, folder)


def _value_of_scope(form: Form, name: str, node: Node) -> Any:
    if name == "tenant":
        return form.text(node, name)
    return form.texts(node if isinstance(node, Sequence) else Sequence([node], node.file, node.start), name)


def _resolved(key: str, text: str, folder: Path) -> str:
    if key not in PATHS:
        return text
    candidate = folder / text
    if "://" in text:
        return text
    return str(candidate) if key != "profile" or candidate.exists() else text
