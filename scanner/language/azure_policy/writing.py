"""Rule files for imported definitions: a definition comes in, YAML text that our own loader reads back comes out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from scanner.errors import InputError
from scanner.language.azure_policy.definition import Definition
from scanner.language.azure_policy.judging import Judged
from scanner.language.azure_policy.nodes import entry, word
from scanner.language.azure_policy.rule_key import KEY
from scanner.language.frameworks import load_framework
from scanner.language.pack import API_VERSION
from scanner.model.rule import Parameter
from scanner.text import load_yaml, plain

HEAD = "# Written by `acrscan policy import` from an Azure Policy definition; import it again rather than editing it.\n"
FRAMEWORK = "azure-policy"
PORTAL = "https://portal.azure.com/#view/Microsoft_Azure_Policy/PolicyDetailBlade/definitionId/"
PAGE = "https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-policy-rule"
MAX_TITLE = 120
MAX_TEXT = 10_000


_DUMPER: Any = type(
    "Dumper",
    (yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper,),
    {"ignore_aliases": lambda *_: True},
)
"""Writes every value where it is used: the dialect has no anchors."""


def dump(value: Any) -> str:
    """A value as YAML of our dialect. Raises `InputError` for text that YAML cannot hold."""
    text: str = yaml.dump(value, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=116)
    documents, _ = load_yaml(text, "the written rule")
    if len(documents) != 1 or plain(documents[0]) != value:
        raise InputError("cannot be written as YAML without loss", "", "Leave this definition out.")
    return text


def rule_text(
    definition: Definition,
    identifier: str,
    target: str,
    parameters: Mapping[str, Parameter],
    found: Judged | None,
    aliases: Mapping[str, str],
    reviewed: str,
    severity: str,
) -> tuple[str, str, str]:
    """(name, title, text of the file) of the rule; `found` None for one that only a person can answer."""
    title = title_of(definition)
    name = slug(definition.display_name or definition.name or identifier)
    reference = PORTAL + definition.id.replace("/", "%2F") if definition.id.startswith("/") else PAGE
    body: dict[str, Any] = {
        "id": identifier,
        "name": name,
        "title": title,
        "severity": severity,
        "target": target,
    }
    if found is None or found.manual:
        body["manual"] = _attest(definition)
    else:
        body["semantics"] = "azure"
        body[KEY] = _key(definition, parameters, aliases)
        body["message"] = _message(definition, parameters, found)
        if found.disabled:
            body |= {
                "enabled": False,
                "disabledReason": "The definition's effect is Disabled unless it is set",
            }
    body |= {
        "rationale": (definition.description or definition.display_name or "The definition says no more.")[
            :MAX_TEXT
        ],
        "remediation": {
            "effort": "low" if found is not None and found.effect_now == "modify" else "medium",
            "manual": _remedy(found),
        },
        "references": [reference],
        "reviewed": reviewed,
        "controls": {FRAMEWORK: [definition.guid]} if definition.guid else {},
    }
    return name, title, HEAD + dump(body)


def slug(text: str) -> str:
    """Lower-case words joined by dashes, of at most 80 characters."""
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return words[:80].strip("-") or "policy"


def title_of(definition: Definition) -> str:
    """One line of at most 120 characters without a full stop."""
    text = " ".join((definition.display_name or definition.name or "Imported policy").split()).rstrip(". ")
    return text if len(text) <= MAX_TITLE else text[: MAX_TITLE - 1].rstrip(". ") + "…"


def _attest(definition: Definition) -> str:
    details = entry(entry(definition.rule, "then"), "details")
    given = word(entry(details, "defaultState"))
    words = definition.description or definition.display_name or "The control is met."
    words = words[:MAX_TEXT]
    return f"{words}\n\nAzure's own default state is {given}." if given else words


def _message(definition: Definition, parameters: Mapping[str, Parameter], found: Judged) -> str:
    title = title_of(definition).replace("{{", "{ {").replace("}}", "} }")
    name = next((key for key in parameters if key == "effect"), "")
    if name:
        return f"{title}: not met (effect {{{{ param.{name} }}}})"
    return f"{title}: not met (effect {found.effect_now or 'open'})"


def _remedy(found: Judged | None) -> str:
    effect = found.effect_now if found is not None else ""
    if effect in ("modify", "deployifnotexists"):
        return "Assign the policy with a managed identity and start a remediation task, or make the change by hand."
    return "Make the change that the policy asks for; the proof names the property that decided."


def _key(
    definition: Definition, parameters: Mapping[str, Parameter], aliases: Mapping[str, str]
) -> dict[str, Any]:
    """What `azurePolicy` holds: as Azure wrote it, without the template that a deployment would use."""
    declared: dict[str, Any] = {}
    for name, node in definition.parameters.items():
        given = plain(node)
        value = _thawed(parameters[name].default)
        held = next((key for key in given if key.lower() == "defaultvalue"), "defaultValue")
        if value is not None:
            given[held] = value
        declared[name] = given
    rule = plain(definition.rule) if definition.rule is not None else {}
    rule = {key.lower(): item for key, item in rule.items() if key.lower() in ("if", "then")}
    then = rule.get("then")
    details = next((key for key in then if key.lower() == "details"), "") if isinstance(then, dict) else ""
    if isinstance(then, dict) and isinstance(then.get(details), dict):
        kept = {key: item for key, item in then[details].items() if key.lower() != "deployment"}
        rule["then"] = {**then, details: kept}
    found: dict[str, Any] = {}
    if definition.id:
        found["definition"] = definition.id
    if definition.mode:
        found["mode"] = definition.mode
    if declared:
        found["parameters"] = declared
    if aliases:
        found["aliases"] = dict(sorted(aliases.items()))
    return {**found, "policyRule": rule}


def _thawed(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_thawed(item) for item in value]
    return {key: _thawed(item) for key, item in value.items()} if isinstance(value, dict) else value


def pack_text() -> str:
    """The pack.yaml of a folder of imported rules."""
    about = {"id": "azure-policy-imported", "prefix": "AZP", "version": "1.0.0", "docs": PAGE}
    return HEAD + dump({"apiVersion": API_VERSION, "pack": about})


def catalogue(path: Path, titles: Mapping[str, str]) -> str:
    """The catalogue of imported definitions: those in the file at `path`, and these."""
    known = {one.id: one.title for one in load_framework(path).controls} if path.is_file() else {}
    about = {
        "id": FRAMEWORK,
        "title": "Azure Policy definitions that were imported",
        "source": PAGE,
        "mapping": "Each control is a definition; the rule of the same definition states it.",
    }
    controls = [{"id": key, "title": title} for key, title in sorted({**known, **titles}.items())]
    return HEAD + dump({"apiVersion": API_VERSION, "framework": about, "controls": controls})
