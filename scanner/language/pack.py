"""A pack: a folder with `pack.yaml` and rule files comes in, a `RulePack` comes out, or every error in it at once."""

from __future__ import annotations

import gc
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanner.errors import Problems, RuleError, ScannerError
from scanner.language.check import check_rule
from scanner.language.conditions import ConditionParser
from scanner.language.form import Form
from scanner.language.parameters import parse_parameters
from scanner.language.rules import parse_rule
from scanner.model.condition import Condition, Mark
from scanner.model.rule import Parameter, Rule, RulePack
from scanner.text import Mapping as MappingNode
from scanner.text import Node, Source, as_error, load_yaml, read_text

API_VERSION = "acrscan/v1"
MAX_FILES = 5_000
_PACK_KEYS = ("apiVersion", "pack", "parameters", "definitions")
_ABOUT_KEYS = ("id", "prefix", "version", "requires", "docs")
FRAMEWORKS = "frameworks"
"""The folder in a pack that holds catalogues, not rules."""
_PREFIX = re.compile(r"[A-Z]{2,8}\Z")
_SHARED = frozenset({"SEM002", "SEM004"})
"""Checks that cannot tell what is unknown from what stands in a `pack.yaml` that could not be read."""
_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)\Z")


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A file that was read: its path, its text (without a byte order mark), and the documents in it where it parses."""

    path: Path
    source: Source
    text: str
    documents: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read of a pack, and everything that is wrong with it.

    `pack`: with the rules that are right, maybe none. `places`: the document of each of them by rule id. `files`: all of
    them, `pack.yaml` first where there is one. `main`: whether `pack.yaml` could be read; where not, what rules take from it was
    not checked.
    """

    pack: RulePack
    errors: tuple[ScannerError, ...]
    files: tuple[RuleFile, ...]
    places: Mapping[str, tuple[RuleFile, MappingNode]]
    main: bool


def load_pack(folder: Path, *, name: str = "") -> RulePack:
    """Load a pack. Raises `Problems` with every `RuleError`, each with file:line:col; never returns an empty pack.

    `name`: how places in rules are written instead of the folder's own path, for a copy that stands in for another.
    """
    return _whole(
        read_pack(folder, name=name), "the pack holds no rule", "Add rule files, or name another folder."
    )


def read_pack(folder: Path, *, name: str = "") -> Reading:
    """Read what can be read of a pack: a broken file hides nothing of the others. `name`: as in `load_pack`.

    Raises `RuleError` only where there is no pack at all.
    """
    folder = Path(folder)

    def place(path: Path) -> str:
        return f"{name}/{path.relative_to(folder).as_posix()}" if name else shown(path)

    if not folder.is_dir():
        raise RuleError(
            "is not a folder with a pack", str(folder), "A pack is a folder that holds pack.yaml and rules."
        )
    main = folder / "pack.yaml"
    if not main.is_file():
        raise RuleError("no pack.yaml in the folder", str(folder), "Name the folder that holds pack.yaml.")
    with collector_paused():
        digest = hashlib.sha256()
        reader = _Reader(main, place(main))
        if reader.files:
            _add(digest, "pack.yaml", reader.files[0].text)
        for path in _files(folder):
            file = reader.rules(path, place(path))
            if file is not None:
                _add(digest, path.relative_to(folder).as_posix(), file.text)
        return reader.reading(str(folder), digest.hexdigest())


@contextmanager
def collector_paused() -> Iterator[None]:
    """Hold the cycle collector back: trees of nodes have no cycles, and looking for some costs a quarter of the reading.

    What was made meanwhile is counted as old afterwards, or the first thing made next would have all of it looked through.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def load_rule_file(path: Path, pack: Path | None = None) -> tuple[RulePack, tuple[Rule, ...]]:
    """The rules of one file, read with the pack it belongs to (`pack.yaml` beside or above it), or without any."""
    found = _whole(read_rule_file(path, pack), "the file holds no rule")
    return found, found.rules


def read_rule_file(path: Path, pack: Path | None = None) -> Reading:
    """Read what can be read of one file, with the pack it belongs to: see `load_rule_file` and `read_pack`."""
    path = Path(path)
    home = pack or next(
        (folder for folder in path.resolve().parents if (folder / "pack.yaml").is_file()), None
    )
    main = home / "pack.yaml" if home is not None else None
    reader = _Reader(main, shown(main) if main is not None else str(path))
    reader.rules(path, shown(path) if path.is_file() else str(path))
    return reader.reading(str(path), "")


def _whole(found: Reading, empty: str, advice: str = "") -> RulePack:
    """The pack of a reading without any error. Raises `Problems`, or `RuleError` where it holds no rule."""
    if found.errors:
        raise Problems(list(found.errors))
    if not found.pack.rules:
        raise RuleError(empty, found.pack.path, advice)
    return found.pack


class _Reader:
    """Reads rule files one by one with what their pack shares, and keeps every error."""

    def __init__(self, main: Path | None, name: str) -> None:
        self.errors: list[ScannerError] = []
        self.files: list[RuleFile] = []
        self.found: list[tuple[Rule, RuleFile, MappingNode]] = []
        self.main = True
        form = Form(Source(name, ()))
        documents: list[Node] = []
        if main is not None:
            try:
                text = read_text(main, shown=name)
                documents, source = load_yaml(text, name)
            except ScannerError as error:
                self.errors.append(as_error(error))
                self.main = False
            else:
                form = Form(source)
                if not documents:
                    form.report(
                        "pack.yaml is empty", Mark(name, 1, 1), f"Begin with apiVersion: {API_VERSION}"
                    )
                self.files.append(RuleFile(main, source, text, tuple(documents)))
        self.loaded = _Pack(form, documents)
        if main is not None and self.main:
            self.errors += form.errors

    def rules(self, path: Path, name: str) -> RuleFile | None:
        """Read one file; gives None where it is no text."""
        try:
            text = read_text(path, shown=name)
        except ScannerError as error:
            self.errors.append(as_error(error))
            return None
        try:
            documents, source = load_yaml(text, name, tags=True)
        except ScannerError as error:
            self.errors.append(as_error(error))
            file = RuleFile(path, Source(name, tuple(text.splitlines())), text)
            self.files.append(file)
            return file
        file = RuleFile(path, source, text, tuple(documents))
        self.files.append(file)
        form = Form(source)
        for node in documents:
            before = len(form.errors)
            _no_markers_outside_tests(form, node)
            rule = parse_rule(form, node, self.loaded.about["prefix"], self.loaded.parameters, self.loaded)
            if rule is None or not isinstance(node, MappingNode):
                continue
            check_rule(form, rule)
            if len(form.errors) == before:
                self.found.append((rule, file, node))
        self.errors += form.errors if self.main else (one for one in form.errors if one.code not in _SHARED)
        return file

    def reading(self, path: str, digest: str) -> Reading:
        """Everything that was read."""
        doubles, kept = _duplicates(self.found)
        rules = tuple(sorted((rule for rule, _, _ in kept), key=lambda rule: rule.id))
        about = self.loaded.about
        values = _defaults(self.loaded.parameters, rules)
        pack = RulePack(
            id=about["id"],
            prefix=about["prefix"],
            version=about["version"],
            requires=about["requires"],
            docs=about["docs"],
            parameters=self.loaded.parameters,
            definitions=self.loaded.definitions,
            rules=rules,
            digest=digest,
            path=path,
            values=values,
            value_origins=dict.fromkeys(values, "pack"),
        )
        places = {rule.id: (file, node) for rule, file, node in kept}
        return Reading(pack, (*self.errors, *doubles), tuple(self.files), places, self.main)


def _defaults(shared: Mapping[str, Parameter], rules: Iterable[Rule]) -> dict[str, Any]:
    """Every parameter's default; those of one rule are named `RULEID.name`."""
    values: dict[str, Any] = {name: parameter.default for name, parameter in shared.items()}
    for rule in rules:
        values.update({f"{rule.id}.{name}": parameter.default for name, parameter in rule.parameters.items()})
    return values


def shown(path: Path) -> str:
    """The path as errors print it: relative to the working folder where it lies below it."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def _files(folder: Path) -> list[Path]:
    found = sorted(
        path
        for pattern in ("*.yaml", "*.yml")
        for path in folder.rglob(pattern)
        if path.name != "pack.yaml"
        and not path.name.endswith((".test.yaml", ".test.yml"))
        and path.relative_to(folder).parts[0] != FRAMEWORKS
    )
    if len(found) > MAX_FILES:
        raise RuleError(f"more than {MAX_FILES:,} rule files", str(folder))
    return found


def _add(digest: hashlib._Hash, name: str, text: str) -> None:
    digest.update(f"{name}\0{len(text)}\0".encode())
    digest.update(text.encode())


def _no_markers_outside_tests(form: Form, node: Node) -> None:
    if not isinstance(node, MappingNode):
        return
    stack = [item for key, item in node.items.items() if key != "tests"]
    while stack:
        item = stack.pop()
        if isinstance(item, MappingNode):
            stack.extend(item.items.values())
        elif hasattr(item, "items"):
            stack.extend(item.items)
        elif not isinstance(item.value, (str, int, float, bool, type(None))):
            form.report("!unknown and !unread stand in tests only", item.mark, "", "YAML002")


def _duplicates(
    found: Iterable[tuple[Rule, RuleFile, MappingNode]],
) -> tuple[list[ScannerError], list[tuple[Rule, RuleFile, MappingNode]]]:
    """An error for each id and name that stands twice, and the rules without the later ones of the same id."""
    first: dict[str, Rule] = {}
    errors: list[ScannerError] = []
    kept = []
    for one in found:
        rule = one[0]
        errors += [_twice(key, rule, first[key]) for key in (rule.id, rule.name) if key in first]
        if rule.id not in first:
            kept.append(one)
        first.setdefault(rule.id, rule)
        first.setdefault(rule.name, rule)
    return errors, kept


def _twice(key: str, rule: Rule, first: Rule) -> RuleError:
    return RuleError(
        f"{key!r} is used twice", str(rule.mark), f"It stands first in {first.mark}.", code="META001"
    )


class _Pack:
    """What the rules of a pack share, with definitions resolved when first asked for."""

    def __init__(self, form: Form, documents: list[Node]) -> None:
        self.form = form
        node = documents[0] if documents else None
        if len(documents) > 1:
            form.report("pack.yaml holds one document", documents[1].mark)
        body = (
            form.mapping(node, "pack.yaml", _PACK_KEYS, ("apiVersion", "pack")) if node is not None else None
        )
        items = body.items if body else {}
        version = items.get("apiVersion")
        if version is not None and form.text(version, "apiVersion") != API_VERSION:
            form.report(
                f"apiVersion must be {API_VERSION}",
                version.mark,
                "This engine knows no other version of the language.",
            )
        self.about = self._about(items.get("pack"))
        self.parameters: dict[str, Parameter] = parse_parameters(form, items.get("parameters"), "parameters")
        holder = items.get("definitions")
        if holder is not None and not isinstance(holder, MappingNode):
            form.report("definitions must be a mapping of names", holder.mark)
        self.nodes: dict[str, Node] = dict(holder.items) if isinstance(holder, MappingNode) else {}
        self.definitions: dict[str, Condition] = {}
        self._used: dict[str, frozenset[str]] = {}
        self._open: list[str] = []
        for name, item in self.nodes.items():
            self.condition(name, item.mark)

    def _about(self, node: Node | None) -> dict[str, str]:
        if node is None:
            return dict.fromkeys(_ABOUT_KEYS, "")
        body = self.form.mapping(node, "pack", _ABOUT_KEYS, ("id", "prefix", "version"))
        about = {key: self.form.text(body.items.get(key), f"pack.{key}") for key in _ABOUT_KEYS}
        if about["prefix"] and not _PREFIX.match(about["prefix"]):
            self.form.report("pack.prefix must be 2 to 8 capitals", body.items["prefix"].mark)
        if about["version"] and not _SEMVER.match(about["version"]):
            self.form.report(
                "pack.version must be three numbers (semver)", body.items["version"].mark, "Such as 1.4.0."
            )
        return about

    def __contains__(self, name: object) -> bool:
        return name in self.nodes

    def __iter__(self) -> Iterator[str]:
        return iter(self.nodes)

    def condition(self, name: str, mark: Mark) -> Condition | None:
        """See `Definitions.condition`; a circle of definitions is reported where it closes."""
        if name in self.definitions:
            return self.definitions[name]
        if name in self._open:
            chain = " -> ".join([*self._open[self._open.index(name) :], name])
            self.form.report(f"definitions refer to each other in a circle: {chain}", mark, "", "SEM003")
            return None
        self._open.append(name)
        parser = ConditionParser(self.form, self.parameters, self)
        condition = parser.parse(self.nodes[name])
        self._open.pop()
        if condition is not None:
            self.definitions[name] = condition
            self._used[name] = frozenset(parser.used).union(
                *(self.parameters_of(other) for other in parser.refs)
            )
        return condition

    def parameters_of(self, name: str) -> frozenset[str]:
        """See `Definitions.parameters_of`."""
        return self._used.get(name, frozenset())
