"""What rules on template files look at: modules as they are written come in, one `acrscan/templateFiles` row per file comes out.

Rows tell where the admin password is read, where a credential is written down, given out or handed on in clear, and which
api-versions are named. Nothing is worked out here: what is written is enough, and a secret's value never gets into a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scanner.errors import InputError
from scanner.inventory.redact import secret_name
from scanner.inventory.terraform.folder import Written
from scanner.inventory.terraform.home import Home
from scanner.inventory.terraform.instance import Places
from scanner.inventory.terraform.syntax import (
    Attribute,
    Block,
    Expression,
    Get,
    Index,
    Literal,
    Name,
    ObjectOf,
)
from scanner.inventory.terraform.walking import nodes
from scanner.model import ids
from scanner.model.resource import Origin, Place, Resource
from scanner.model.values import UnreadTail

TYPE = "acrscan/templateFiles"
READS, LITERALS, HOME, VERSIONS, OUTPUTS, PLAIN = (
    "credentialReads",
    "literalCredentials",
    "homeReplications",
    "apiVersions",
    "outputSecrets",
    "plainSecrets",
)
LISTS = (READS, LITERALS, HOME, VERSIONS, OUTPUTS, PLAIN)
MAX_ROWS = 500
_OWN_RULES = frozenset({"azurerm_container_registry_task", "azurerm_container_registry_webhook"})
"""Types whose secrets have rules of their own."""
_NO_SECRETS = ("_id", "_name", "_url", "_uri", "_enabled", "_type", "_version", "_days", "_length", "_policy")

_REGISTRY = re.compile(r"(?:data\.)?azurerm_container_registry\.[\w-]+")
_INDEX = re.compile(r"\[[^\]]*\]")


@dataclass(slots=True)
class _File:
    rows: dict[str, list[tuple[Place, dict[str, Any]]]] = field(
        default_factory=lambda: {name: [] for name in LISTS}
    )


class Rows:
    """The rows of all files of one root."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}

    def module(self, written: Written) -> None:
        """Take in a module."""
        for name in written.sources:
            self._files.setdefault(name, _File())
        described = (*written.resources.values(), *written.data.values(), *written.modules.values())
        for block in (*described, *written.providers):
            self._block(block, written)
        for attribute in written.locals.values():
            self._reads(attribute, f"local.{attribute.name}")
        for block in written.outputs.values():
            self._output(block)
        for block in written.variables.values():
            self._variable(block)

    def values(self, written: Written, given: Iterable[Attribute]) -> None:
        """Take in a file of variables: values of sensitive ones that stand in it."""
        for attribute in given:
            block = written.variables.get(attribute.name)
            if block is not None and _is_sensitive(block) and _literal(attribute):
                row = {"kind": "sensitive variable in a file of variables", "name": attribute.name}
                self._add(LITERALS, attribute.place("variable file"), row)

    def plan(self, file: str, content: Mapping[str, Any]) -> None:
        """Take in a plan: its configuration tells what refers to what."""
        self._files.setdefault(file, _File())
        place = Place(file, 1, 1, 0, 0, "resource")
        stack: list[tuple[Any, str]] = [(content.get("configuration"), "")]
        while stack:
            node, path = stack.pop()
            if isinstance(node, list):
                stack += [(one, path) for one in node]
            if not isinstance(node, Mapping):
                continue
            own = node.get("address") or node.get("name")
            references = node.get("references")
            for one in references if isinstance(references, list) else ():
                if (
                    isinstance(one, str)
                    and one.endswith(".admin_password")
                    and "azurerm_container_registry." in one
                ):
                    self._add(READS, place, {"function": _INDEX.sub("", one), "in": path.strip(".")})
                    if path.startswith(".outputs."):
                        words = "the password is kept in clear in Terraform's state"
                        self._add(OUTPUTS, place, {"name": path.split(".")[2], "why": words})
            skipped = (
                "root_module",
                "configuration",
                "expressions",
                "expression",
                "resources",
                "module",
                "module_calls",
            )
            for key, inner in node.items():
                named = f"{path}.{own}" if isinstance(own, str) and key == "expressions" else path
                stack.append((inner, named if key in skipped else f"{named}.{key}"))

    def _add(self, name: str, place: Place, row: dict[str, Any]) -> None:
        rows = self._files.setdefault(place.file, _File()).rows[name]
        row = {**row, "at": f"{place.file}:{place.line}"}
        if row not in (found for _, found in rows):
            rows.append((place, row))

    def _block(self, block: Block, written: Written) -> None:
        kind = block.labels[0]
        if kind.startswith("azapi"):
            self._azapi(block)
        for attribute, path in _attributes(block):
            self._reads(attribute, path)
            if kind not in _OWN_RULES:
                for name, place, expression in _secrets(attribute, _holds(kind, path)):
                    self._secret(name, place, expression, kind, written)

    def _reads(self, attribute: Attribute, path: str) -> bool:
        """The admin password, wherever it is used."""
        if "admin_password" not in _written(attribute):
            return False
        found = False
        for node in _expressions(attribute):
            reference = _reference(node)
            if reference.endswith(".admin_password") and "azurerm_container_registry." in reference:
                place = attribute.source.place(node.span) if attribute.value != (0, 0) else attribute.place()
                self._add(READS, place, {"function": reference, "in": path})
                found = True
        return found

    def _azapi(self, block: Block) -> None:
        attributes = block.body.attributes
        given = attributes.get("type")
        value = given.expression if given is not None else None
        text = value.value if isinstance(value, Literal) and isinstance(value.value, str) else ""
        kind, _, version = text.partition("@")
        if given is None or not kind.lower().startswith("microsoft.containerregistry/"):
            return
        if version:
            self._add(VERSIONS, given.place(), {"type": kind, "apiVersion": version})
        action = attributes.get("action")
        called = action.expression if action is not None else None
        if (
            action is not None
            and isinstance(called, Literal)
            and str(called.value).lower() == "listcredentials"
        ):
            self._add(
                READS,
                action.place(),
                {"function": "listCredentials", "in": f"{block.labels[0]}.{block.labels[1]}"},
            )

    def _secret(self, name: str, place: Place, expression: Expression, kind: str, written: Written) -> None:
        if isinstance(expression, Literal):
            if (
                isinstance(expression.value, str)
                and expression.value.strip()
                and not expression.value.startswith("@")
            ):
                self._add(LITERALS, place, {"kind": kind, "name": name})
        elif isinstance(expression, Get) and isinstance(expression.of, Name) and expression.of.name == "var":
            block = written.variables.get(expression.name)
            if block is not None and not _is_sensitive(block):
                row = {"name": name, "parameter": expression.name, "why": "a variable that is not sensitive"}
                self._add(PLAIN, place, row)
        elif (
            isinstance(expression, Get) and isinstance(expression.of, Name) and expression.of.name == "local"
        ):
            local = written.locals.get(expression.name)
            if local is not None and _literal(local):
                self._add(LITERALS, local.place("local"), {"kind": kind, "name": name})

    def _output(self, block: Block) -> None:
        attribute = block.body.attributes.get("value")
        if attribute is None or not self._gives_secret(attribute, block.labels[0]):
            return
        row = {"name": block.labels[0], "why": "the password is kept in clear in Terraform's state"}
        self._add(OUTPUTS, attribute.place(), row)

    def _gives_secret(self, attribute: Attribute, name: str) -> bool:
        found = self._reads(attribute, f"output.{name}")
        parts = list(_expressions(attribute))
        inner = {id(node.of) for node in parts if isinstance(node, (Get, Index))}
        for node in parts:
            reference = _reference(node)
            if _REGISTRY.fullmatch(reference) and id(node) not in inner:
                return True  # the whole registry, its password with it
            if reference.startswith("azurerm_container_registry_token_password.") and reference.endswith(
                ".value"
            ):
                return True
        return found

    def _variable(self, block: Block) -> None:
        default = block.body.attributes.get("default")
        if default is not None and _is_sensitive(block) and _literal(default):
            row = {"kind": "default of a sensitive variable", "name": block.labels[0]}
            self._add(LITERALS, default.place("variable default"), row)

    def finished(self, home: Home) -> Iterator[Resource]:
        """One resource per file."""
        for name, file in self._files.items():
            inner = name.removeprefix(f"{home.file}/")
            identifier = ids.file_id(ids.file_scope(home.file, "", home.evaluation), TYPE, [inner])
            properties: dict[str, Any] = {"kind": "terraform", "path": name}
            places: Places = {"": (Place(name, 1, 1, 0, 0, "resource"),)}
            for kind in LISTS:
                rows = file.rows[kind]
                properties[kind] = [row for _, row in rows[:MAX_ROWS]]
                if len(rows) > MAX_ROWS:
                    properties[kind].append(UnreadTail(f"more than {MAX_ROWS} rows"))
                for at, (place, _) in enumerate(rows[:MAX_ROWS]):
                    places[f"/properties/{kind}/{at}"] = (place,)
            body = {"id": identifier, "name": name, "type": TYPE, "properties": properties}
            yield Resource(identifier, TYPE, name, body, origin=Origin("terraform", name), places=places)


def _attributes(block: Block, above: str = "") -> Iterator[tuple[Attribute, str]]:
    path = above or ".".join((block.kind, *block.labels)).removeprefix("resource.")
    for name, attribute in block.body.attributes.items():
        yield attribute, f"{path}.{name}"
    for inner in block.body.blocks:
        yield from _attributes(inner, f"{path}.{inner.kind}")


def _written(attribute: Attribute) -> str:
    """The text of an attribute; of the whole file where it has no place of its own (JSON)."""
    nowhere = attribute.value == (0, 0)
    return (
        attribute.source.content.decode("utf-8", "replace")
        if nowhere
        else attribute.source.text(attribute.value)
    )


def _expressions(attribute: Attribute) -> Iterator[Expression]:
    try:
        yield from nodes(attribute.expression)
    except InputError:
        return  # Nested too deep: whoever needs the value is told.


def _holds(kind: str, path: str) -> bool:
    """Whether a resource holds a secret there, whatever it is called: Key Vault, container apps, values that Helm hides."""
    if kind == "azurerm_key_vault_secret":
        return path.count(".") == 2 and path.endswith(".value")
    return path.endswith((".secret.value", ".set_sensitive.value")) and kind.startswith(
        ("azurerm_container_app", "helm_release")
    )


def _secrets(attribute: Attribute, held: bool) -> Iterator[tuple[str, Place, Expression]]:
    """(name, place, expression) of what an attribute sets that has the name of a secret, also as a key of a map.

    `held`: the attribute is a secret whatever its name.
    """
    if held or _is_secret(attribute.name):
        try:
            yield attribute.name, attribute.place(), attribute.expression
        except InputError:
            return
    text = _written(attribute)
    if not text.startswith(("{", "merge(")) or not any(
        word in text.lower() for word in ("password", "secret", "token", "key")
    ):
        return
    for node in _expressions(attribute):
        if isinstance(node, ObjectOf):
            for key, value, span in node.pairs:
                if (
                    isinstance(key, Literal)
                    and isinstance(key.value, str)
                    and _is_secret(key.value, loose=True)
                ):
                    yield key.value, attribute.source.place(span), value


def _is_secret(name: str, *, loose: bool = False) -> bool:
    lowered = name.lower()
    return not lowered.endswith(_NO_SECRETS) and bool(secret_name(name, loose=loose))


def _is_sensitive(block: Block) -> bool:
    attribute = block.body.attributes.get("sensitive")
    value = attribute.expression if attribute is not None else None
    return isinstance(value, Literal) and value.value is True


def _literal(attribute: Attribute) -> bool:
    """Whether a text stands there that is not empty."""
    try:
        value = attribute.expression
    except InputError:
        return False
    return isinstance(value, Literal) and isinstance(value.value, str) and bool(value.value.strip())


def _reference(node: Expression) -> str:
    """A reference as it is written, without indices but those that name an attribute; "" for anything else."""
    names = []
    below = node
    while isinstance(below, (Get, Index)):
        if isinstance(below, Get):
            names.append(below.name)
        elif isinstance(below.key, Literal) and below.key.value == "admin_password":
            names.append("admin_password")
        below = below.of
    return ".".join([below.name, *reversed(names)]) if names and isinstance(below, Name) else ""
