"""A fixture file (`*.test.yaml`) comes in, the estates it describes and what is expected of them come out.

A file is a stream of YAML documents, one fixture each. Every mistake is reported at its place, all of them in one run.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanner.engine.operators.time import instant
from scanner.engine.relations import PROBED
from scanner.errors import Problems, RuleError
from scanner.language.form import Form
from scanner.language.pack import API_VERSION, shown
from scanner.language.rules import EXPECTATIONS, RULE_ID
from scanner.model.condition import Mark
from scanner.model.resource import Principal
from scanner.text import Mapping as MappingNode
from scanner.text import Node, load_yaml, nearest, plain, read_text
from scanner.types import all_types, facts_for
from scanner.workbench.unit import NOW

KEYS = (
    "apiVersion", "name", "now", "profile", "params", "rules", "waivers", "attestations",
    "inventory", "resources", "principals", "unread", "asked", "expect",
)  # fmt: skip
REQUIRED = ("apiVersion", "name", "expect")
EXPECT_KEYS = ("rule", "resource", "verdict", "element", "messageContains", "findings", "waived")
EXPECT_REQUIRED = ("rule", "resource", "verdict")
UNREAD_KEYS = ("type", "scope", "reason")
PRINCIPAL_KEYS = ("id", "name", "type", "groups")
ENDINGS = (".test.yaml", ".test.yml")
MAX_FILES = 2_000


@dataclass(frozen=True, slots=True)
class Given:
    """One resource as the fixture writes it: its type, its ARM body (markers stand in it) and its place."""

    type: str
    body: Mapping[str, Any]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Unread:
    """A collection that was not read, everywhere (`scope` "") or at and below a scope."""

    type: str
    scope: str
    reason: str


@dataclass(frozen=True, slots=True)
class Expected:
    """One line of `expect`. `resource`: an id or a name; `element` None and `message_contains` "" stand for any."""

    rule: str
    resource: str
    verdict: str
    element: str | None
    message_contains: str
    findings: int | None
    waived: bool | None
    mark: Mark

    @property
    def words(self) -> str:
        """The expectation as reports name it."""
        element = f" [{self.element}]" if self.element is not None else ""
        return f"{self.rule} {self.verdict} on {self.resource}{element}"


@dataclass(frozen=True, slots=True)
class Fixture:
    """One estate and all that is expected of it. `inventory`: saved answers or a snapshot beside the fixture, or None.

    `params` and `accepted` (the mapping with `waivers` and `attestations`, or None) are YAML nodes: only the pack knows what
    fits. `asked`: opt-in collections that were read although they
    hold nothing.
    """

    name: str
    file: Path
    now: str
    profile: tuple[str, ...]
    params: Node | None
    rules: tuple[str, ...]
    accepted: MappingNode | None
    inventory: Path | None
    resources: tuple[Given, ...]
    principals: tuple[Principal, ...]
    unread: tuple[Unread, ...]
    asked: tuple[str, ...]
    expect: tuple[Expected, ...]
    mark: Mark
    form: Form


def is_fixture(path: Path) -> bool:
    """Whether a file is one by its name."""
    return path.name.endswith(ENDINGS)


def fixture_files(folder: Path) -> list[Path]:
    """The fixture files at and below a folder, in order."""
    found = sorted(path for ending in ENDINGS for path in folder.rglob(f"*{ending}") if path.is_file())
    if len(found) > MAX_FILES:
        raise RuleError(f"more than {MAX_FILES:,} fixture files", shown(folder))
    return found


def load(path: Path) -> tuple[Fixture, ...]:
    """The fixtures of a file. Raises `Problems` with every mistake in it; never gives none."""
    documents, source = load_yaml(read_text(path), shown(path), tags=True)
    form = Form(source)
    found = [_fixture(form, node, path) for node in documents]
    names: set[str] = set()
    for one in found:
        if one.name in names:
            form.report(f"two fixtures are named {one.name!r}", one.mark)
        names.add(one.name)
    if form.errors:
        raise Problems(form.errors)
    if not found:
        raise RuleError("the file holds no fixture", shown(path), "Write one, or remove the file.")
    return tuple(found)


def _fixture(form: Form, node: Node, path: Path) -> Fixture:
    body = form.mapping(node, "a fixture", KEYS, REQUIRED)
    items = body.items
    version = items.get("apiVersion")
    if version is not None and form.text(version, "apiVersion") != API_VERSION:
        form.report(f"apiVersion must be {API_VERSION}", version.mark)
    if isinstance(node, MappingNode) and ("inventory" in items) == ("resources" in items):
        form.report("a fixture has either resources or an inventory", node.mark)
    return Fixture(
        name=form.text(items.get("name"), "name"),
        file=path,
        now=_time(form, items.get("now")),
        profile=tuple(_texts(form, items.get("profile"), "profile")),
        params=items.get("params"),
        rules=tuple(_rule(form, item) for item in form.items(items.get("rules"), "rules")),
        accepted=body if "waivers" in items or "attestations" in items else None,
        inventory=_beside(form, items.get("inventory"), "inventory", path),
        resources=tuple(
            one
            for item in form.items(items.get("resources"), "resources")
            if (one := _given(form, item)) is not None
        ),
        principals=tuple(
            _principal(form, item) for item in form.items(items.get("principals"), "principals")
        ),
        unread=tuple(_unread(form, item) for item in form.items(items.get("unread"), "unread")),
        asked=tuple(_type(form, item, "asked") for item in form.items(items.get("asked"), "asked")),
        expect=tuple(_expected(form, item) for item in form.items(items.get("expect"), "expect")),
        mark=node.mark,
        form=form,
    )


def _time(form: Form, node: Node | None) -> str:
    text = form.text(node, "now")
    if node is not None and text and instant(text) is None:
        form.report(f"now {text!r} is no time", node.mark, "Write it as 2026-11-25T02:00:00Z.")
    return text or NOW


def _texts(form: Form, node: Node | None, what: str) -> Iterator[str]:
    """One text or a list of them."""
    if node is None:
        return
    if isinstance(plain(node), list):
        yield from form.texts(node, what)
    else:
        yield form.text(node, what)


def _rule(form: Form, node: Node | None) -> str:
    text = form.text(node, "a rule's id")
    if node is not None and text and not RULE_ID.match(text):
        form.report(f"{text!r} is no rule id", node.mark, "Such as ACR101.")
    return text


def _beside(form: Form, node: Node | None, what: str, path: Path) -> Path | None:
    """A file or folder at or below the fixture's own folder."""
    text = form.text(node, what)
    if node is None or not text:
        return None
    home = path.parent.resolve()
    found = (home / text).resolve()
    if Path(text).is_absolute() or "\\" in text or not found.is_relative_to(home) or found == home:
        form.report(
            f"{what} {text!r} does not lie beside the fixture", node.mark, "Name it relative to this file."
        )
        return None
    if not found.exists():
        form.report(f"{what}: there is no {text!r} beside the fixture", node.mark)
        return None
    return path.parent / text


def _given(form: Form, node: Node) -> Given | None:
    if not isinstance(node, MappingNode):
        form.report("a resource is a mapping: type, id or name, and what ARM says of it", node.mark)
        return None
    kind = form.text(node.items.get("type"), "type")
    if "type" not in node.items:
        form.report("a resource has no 'type'", node.mark, "Such as Microsoft.ContainerRegistry/registries.")
    if not kind:
        return None
    facts = facts_for(kind)
    lowered = {one.lower(): one for one in all_types()}
    near = difflib.get_close_matches(kind.lower(), lowered, n=1, cutoff=0.9) if facts is None else []
    if near:  # other types are welcome: rules may ask about resources that there are no facts of
        form.report(f"unknown type {kind!r}", node.items["type"].mark, f'Did you mean "{lowered[near[0]]}"?')
    if facts is not None and facts.computed and facts.type != PROBED:
        form.report(
            f"{kind} is worked out by the engine", node.items["type"].mark, "Give what it comes from."
        )
    return Given(facts.type if facts else kind, plain(node), node.mark)


def _type(form: Form, node: Node | None, what: str) -> str:
    kind = form.text(node, what)
    facts = facts_for(kind) if kind else None
    if node is not None and kind and facts is None:
        form.report(
            f"{what}: unknown type {kind!r}",
            node.mark,
            nearest(kind, all_types()) or "See `acrscan policy list --types`.",
        )
    return facts.type if facts else kind


def _principal(form: Form, node: Node) -> Principal:
    items = form.mapping(node, "a principal", PRINCIPAL_KEYS, ("id", "name")).items
    return Principal(
        form.text(items.get("id"), "id"),
        form.text(items.get("name"), "name"),
        form.text(items.get("type"), "type"),
        form.texts(items.get("groups"), "groups"),
    )


def _unread(form: Form, node: Node) -> Unread:
    items = form.mapping(node, "an unread collection", UNREAD_KEYS, ("type", "reason")).items
    scope = form.text(items.get("scope"), "scope")
    if scope and not scope.startswith("/"):
        form.report(
            f"the scope {scope!r} is no id",
            items["scope"].mark,
            "It starts with /subscriptions/ or /providers/.",
        )
    return Unread(_type(form, items.get("type"), "type"), scope, form.text(items.get("reason"), "reason"))


def _expected(form: Form, node: Node) -> Expected:
    items = form.mapping(node, "an expectation", EXPECT_KEYS, EXPECT_REQUIRED).items
    waived = form.flag(items["waived"], "waived", fallback=False) if "waived" in items else None
    return Expected(
        rule=_rule(form, items.get("rule")),
        resource=form.text(items.get("resource"), "resource"),
        verdict=form.choice(items.get("verdict"), "verdict", EXPECTATIONS, "fail"),
        element=form.text(items["element"], "element", empty=True) if "element" in items else None,
        message_contains=form.text(items.get("messageContains"), "messageContains"),
        findings=form.whole(items.get("findings"), "findings"),
        waived=waived,
        mark=node.mark,
    )
