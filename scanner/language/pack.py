"""A pack: a folder with `pack.yaml` and rule files comes in, a `RulePack` comes out, or every error in it at once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
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
from scanner.text import Node, as_error, load_yaml, read_text

API_VERSION = "acrscan/v1"
MAX_FILES = 5_000
_PACK_KEYS = ("apiVersion", "pack", "parameters", "definitions")
_ABOUT_KEYS = ("id", "prefix", "version", "requires", "docs")
FRAMEWORKS = "frameworks"
"""The folder in a pack that holds catalogues, not rules."""
_PREFIX = re.compile(r"[A-Z]{2,8}\Z")
_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)\Z")


def load_pack(folder: Path, *, name: str = "") -> RulePack:
    """Load a pack. Raises `Problems` with every `RuleError`, each with file:line:col; never returns an empty pack.

    `name`: how places in rules are written instead of the folder's own path, for a copy that stands in for another.
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
    errors: list[ScannerError] = []
    text = read_text(main)
    digest = hashlib.sha256()
    _add(digest, "pack.yaml", text)
    documents, source = load_yaml(text, place(main))
    form = Form(source)
    loaded = _Pack(form, documents)
    errors += form.errors
    rules: list[Rule] = []
    for path in _files(folder):
        try:
            text = read_text(path)
            _add(digest, path.relative_to(folder).as_posix(), text)
            found, problems = _rules(place(path), text, loaded)
        except ScannerError as error:
            errors.append(as_error(error))
            continue
        rules += found
        errors += problems
    errors += _duplicates(rules)
    if errors:
        raise Problems(errors)
    if not rules:
        raise RuleError("the pack holds no rule", str(folder), "Add rule files, or name another folder.")
    return RulePack(
        id=loaded.about["id"],
        prefix=loaded.about["prefix"],
        version=loaded.about["version"],
        requires=loaded.about["requires"],
        docs=loaded.about["docs"],
        parameters=loaded.parameters,
        definitions=loaded.definitions,
        rules=tuple(sorted(rules, key=lambda rule: rule.id)),
        digest=digest.hexdigest(),
        path=str(folder),
        values=(values := _defaults(loaded.parameters, rules)),
        value_origins=dict.fromkeys(values, "pack"),
    )


def load_rule_file(path: Path, pack: Path | None = None) -> tuple[RulePack, tuple[Rule, ...]]:
    """The rules of one file, read with the pack it belongs to (`pack.yaml` beside or above it), or without any."""
    path = Path(path)
    home = pack or next(
        (folder for folder in path.resolve().parents if (folder / "pack.yaml").is_file()), None
    )
    if home is not None:
        main = home / "pack.yaml"
        documents, source = load_yaml(read_text(main), shown(main))
        form = Form(source)
        loaded = _Pack(form, documents)
    else:
        form = Form(load_yaml("", str(path))[1])
        loaded = _Pack(form, [])
        form.errors.clear()
    rules, problems = _rules(shown(path), read_text(path), loaded)
    errors = [*form.errors, *problems, *_duplicates(rules)]
    if errors:
        raise Problems(errors)
    if not rules:
        raise RuleError("the file holds no rule", str(path))
    values = _defaults(loaded.parameters, rules)
    about = loaded.about
    holder = RulePack(
        about["id"],
        about["prefix"],
        about["version"],
        about["requires"],
        about["docs"],
        loaded.parameters,
        loaded.definitions,
        tuple(rules),
        "",
        str(path),
        values,
        dict.fromkeys(values, "pack"),
    )
    return holder, tuple(rules)


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


def _rules(name: str, text: str, loaded: _Pack) -> tuple[list[Rule], list[ScannerError]]:
    documents, source = load_yaml(text, name, tags=True)
    form = Form(source)
    rules = []
    for node in documents:
        _no_markers_outside_tests(form, node)
        rule = parse_rule(form, node, loaded.about["prefix"], loaded.parameters, loaded)
        if rule is not None:
            check_rule(form, rule)
            rules.append(rule)
    return rules, form.errors


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


def _duplicates(rules: Iterable[Rule]) -> list[ScannerError]:
    first: dict[str, Rule] = {}
    errors: list[ScannerError] = []
    for rule in rules:
        errors += [_twice(key, rule, first[key]) for key in (rule.id, rule.name) if key in first]
        first.setdefault(rule.id, rule)
        first.setdefault(rule.name, rule)
    return errors


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
