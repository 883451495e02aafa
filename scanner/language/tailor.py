"""Tailoring: a pack and profiles come in, a pack with other parameter values, severities and selections comes out.

A profile sets declared knobs and never touches a condition. Order: pack < profiles in the order given < `--param`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from scanner import __version__
from scanner.engine.operators.version import numbers
from scanner.errors import Problems, RuleError, ScannerError, UsageError
from scanner.language.form import Form
from scanner.language.pack import API_VERSION
from scanner.language.parameters import value_problem
from scanner.model.rule import SEVERITIES, Parameter, Rule, RulePack, ScopedValues
from scanner.text import Mapping as MappingNode
from scanner.text import Node, load_yaml, nearest, plain, read_text

_KEYS = ("apiVersion", "profile", "select", "deselect", "severity", "parameters", "scope")
_ABOUT = ("id", "description", "requires")
_SCOPES = ("resource", "resourceGroup", "subscription", "managementGroup", "tag")
_BOUND = re.compile(r"\s*(>=|<=|==|>|<)\s*([0-9][0-9A-Za-z.+-]*)\s*\Z")


def tailor(pack: RulePack, profiles: Iterable[Path], params: Mapping[str, str] | None = None) -> RulePack:
    """The pack with the profiles applied in order, then the `--param` values (text, read as YAML scalars).

    Raises `Problems` with every error of a profile at its place, `UsageError` for a wrong `--param`.
    """
    bytes_of = hashlib.sha256()
    for path in profiles:
        text = read_text(path)
        bytes_of.update(text.encode())
        pack = replace(_apply(pack, path, text), profile_digest=bytes_of.hexdigest())
    return _with_params(pack, params or {})


def check_engine(requires: str, what: str) -> None:
    """Refuse a pack or profile that asks for another engine version (`>=1.4,<2`)."""
    mine = numbers(__version__) or ()
    for bound in filter(None, requires.split(",")):
        found = _BOUND.match(bound)
        wanted = numbers(found.group(2)) if found else None
        if not found or wanted is None:
            raise RuleError(f"requires {requires!r} is no range of versions", what, "Write it as >=1.0,<2.")
        holds = {
            ">=": mine >= wanted,
            "<=": mine <= wanted,
            ">": mine > wanted,
            "<": mine < wanted,
            "==": mine == wanted,
        }
        if not holds[found.group(1)]:
            raise RuleError(
                f"needs acrscan {requires}, this is {__version__}", what, "Install a fitting version."
            )


def select(pack: RulePack, only: Iterable[str] = (), without: Iterable[str] = ()) -> RulePack:
    """The pack with only some rules enabled, by id. Raises `UsageError` for unknown ids or when none is left."""
    known = {rule.id: rule for rule in pack.rules}
    wanted, unwanted = {_known(known, name) for name in only}, {_known(known, name) for name in without}
    rules = tuple(
        replace(rule, enabled=False, disabled_reason="not selected on the command line")
        if rule.id in unwanted or (wanted and rule.id not in wanted)
        else (replace(rule, enabled=True) if rule.id in wanted else rule)
        for rule in pack.rules
    )
    if not any(rule.enabled for rule in rules):
        raise UsageError("0 rules are selected", "", "Loosen --rule and --skip-rule.")
    return replace(pack, rules=rules)


def _known(known: Mapping[str, Rule], name: str) -> str:
    identifier = name.strip().upper()
    if identifier not in known:
        raise UsageError(
            f"unknown rule {name!r}", "", nearest(identifier, known) or "`acrscan policy list` names all."
        )
    return identifier


def _apply(pack: RulePack, path: Path, text: str) -> RulePack:
    documents, source = load_yaml(text, str(path))
    form = Form(source)
    if len(documents) != 1:
        raise RuleError("a profile holds one document", str(path))
    body = form.mapping(documents[0], "a profile", _KEYS, ("apiVersion", "profile"))
    items = body.items
    version = form.text(items.get("apiVersion"), "apiVersion")
    if version and version != API_VERSION:
        form.report(f"apiVersion must be {API_VERSION}", items["apiVersion"].mark)
    about = form.mapping(items.get("profile"), "profile", _ABOUT, ("id",))
    requires = form.text(about.items.get("requires"), "requires")
    if requires:
        check_engine(requires, str(path))
    name = form.text(about.items.get("id"), "profile.id")
    rules = _selected(form, pack, items)
    rules = _severities(form, rules, items.get("severity"), name)
    declared = declared_by(pack)
    values = values_from(form, declared, items.get("parameters"), "parameters")
    scoped = tuple(_scopes(form, declared, items.get("scope")))
    if form.errors:
        raise Problems(form.errors)
    return replace(
        pack,
        rules=rules,
        profile=" + ".join(filter(None, (pack.profile, name))),
        values={**pack.values, **values},
        value_origins={**pack.value_origins, **dict.fromkeys(values, f"profile {name}")},
        scoped=(*pack.scoped, *scoped),
        merged={},
    )


def declared_by(pack: RulePack) -> dict[str, Parameter]:
    """Every parameter that can be set: the pack's by name, those of one rule as `RULEID.name`."""
    local = {
        f"{rule.id}.{name}": parameter for rule in pack.rules for name, parameter in rule.parameters.items()
    }
    return {**pack.parameters, **local}


def _selected(form: Form, pack: RulePack, items: Mapping[str, Node]) -> tuple[Rule, ...]:
    known = {rule.id for rule in pack.rules}
    chosen: dict[str, bool] = {}
    reasons: dict[str, str] = {}
    for key, enabled in (("select", True), ("deselect", False)):
        for node in form.items(items.get(key), key):
            named: Node | None = node
            if isinstance(node, MappingNode) and not enabled:
                body = form.mapping(node, "a deselected rule", ("id", "reason"), ("id", "reason"))
                named = body.items.get("id")
                why = form.text(body.items.get("reason"), "reason")
                reasons[form.text(named, key)] = f"deselected by the profile: {why}"
            identifier = form.text(named, key)
            if identifier not in known:
                form.report(f"unknown rule {identifier!r}", node.mark, nearest(identifier, known), "PROF001")
            elif chosen.setdefault(identifier, enabled) is not enabled:
                form.report(f"{identifier} is both selected and deselected", node.mark)
    return tuple(
        replace(
            rule,
            enabled=chosen.get(rule.id, rule.enabled),
            disabled_reason=reasons.get(rule.id, "deselected by the profile")
            if chosen.get(rule.id) is False
            else rule.disabled_reason,
        )
        for rule in pack.rules
    )


def _severities(form: Form, rules: tuple[Rule, ...], node: Node | None, profile: str) -> tuple[Rule, ...]:
    if node is None:
        return rules
    known = {rule.id: rule for rule in rules}
    body = form.mapping(node, "severity", node.items if isinstance(node, MappingNode) else ())
    levels: dict[str, str] = {}
    for identifier, item in body.items.items():
        if identifier not in known:
            advice = nearest(identifier, known)
            form.report(f"unknown rule {identifier!r}", body.keys[identifier].mark, advice, "PROF001")
        given = form.mapping(item, f"severity of {identifier}", ("level", "reason"), ("level", "reason"))
        level = form.choice(given.items.get("level"), "level", SEVERITIES, "")
        form.text(given.items.get("reason"), "reason")
        if level and identifier in known:
            levels[identifier] = level
    _ = profile
    return tuple(replace(rule, severity=levels.get(rule.id, rule.severity)) for rule in rules)


def values_from(
    form: Form, declared: Mapping[str, Parameter], node: Node | None, what: str
) -> dict[str, Any]:
    """The parameter values of a mapping; what is unknown or does not fit is reported at its place."""
    if node is None:
        return {}
    if not isinstance(node, MappingNode):
        form.report(f"{what} must be a mapping of names", node.mark)
        return {}
    found = {}
    for name, item in node.items.items():
        parameter = declared.get(name)
        if parameter is None:
            form.report(f"unknown parameter {name!r}", node.marks[name], nearest(name, declared), "PROF001")
            continue
        value = _frozen(plain(item))
        problem = value_problem(parameter, value)
        if problem:
            form.report(f"the parameter {name} {problem}", item.mark, parameter.description, "PROF003")
        found[name] = value
    return found


def _scopes(form: Form, declared: Mapping[str, Parameter], node: Node | None) -> list[ScopedValues]:
    blocks = []
    for item in form.items(node, "scope"):
        body = form.mapping(item, "a scope block", (*_SCOPES, "parameters"), ("parameters",))
        kinds = [key for key in body.items if key in _SCOPES]
        if len(kinds) != 1:
            form.report(f"a scope block names exactly one of {', '.join(_SCOPES)}", body.mark)
            continue
        scope = form.text(body.items[kinds[0]], kinds[0])
        if kinds[0] == "tag" and "=" not in scope:
            form.report("a tag scope is written name=value", body.items[kinds[0]].mark)
        values = values_from(form, declared, body.items.get("parameters"), "parameters")
        blocks.append(
            ScopedValues(kinds[0], _scope_id(kinds[0], scope), tuple(sorted(values.items())), body.mark)
        )
    return blocks


def _scope_id(kind: str, scope: str) -> str:
    if kind == "subscription" and not scope.startswith("/"):
        return f"/subscriptions/{scope}"
    if kind == "managementGroup" and not scope.startswith("/"):
        return f"/providers/Microsoft.Management/managementGroups/{scope}"
    return scope


def _with_params(pack: RulePack, params: Mapping[str, str]) -> RulePack:
    declared = declared_by(pack)
    values = {}
    errors: list[ScannerError] = []
    for name, text in params.items():
        parameter = declared.get(name)
        if parameter is None:
            errors.append(UsageError(f"--param {name}: unknown parameter", "", nearest(name, declared)))
            continue
        documents, _ = load_yaml(text, f"--param {name}")
        value = _frozen(plain(documents[0])) if documents else None
        if isinstance(value, str) and "array" in parameter.types and "string" not in parameter.types:
            value = tuple(part.strip() for part in value.split(",") if part.strip())
        problem = value_problem(parameter, value)
        if problem:
            errors.append(UsageError(f"--param {name} {problem}", "", parameter.description))
        values[name] = value
    if errors:
        raise Problems(errors)
    if not values:
        return pack
    return replace(
        pack,
        values={**pack.values, **values},
        value_origins={**pack.value_origins, **dict.fromkeys(values, "--param")},
        merged={},
    )


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
