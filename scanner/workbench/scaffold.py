"""First files of a pack: an id, a name, a target and a day come in, the text of a rule or of pack.yaml comes out.

The skeleton of a rule loads as it is, and each of its tests fails: none of them holds before a person has said what the
rule is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanner import types
from scanner.language.pack import API_VERSION, FRAMEWORKS
from scanner.text import Mapping, Scalar, Sequence, load_yaml, read_text
from scanner.types import Fact, TypeFacts

RESERVED = {
    "ACR": "the pack that ships with acrscan",
    "AZP": "imported definitions of Azure Policy",
    "INP": "acrscan's own findings about input",
    "WAV": "acrscan's own findings about waivers",
    "INT": "acrscan's own errors",
}
"""Prefixes of ids that a pack of one's own cannot have, and whose they are."""
_EASY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_MADE_UP = ("id", "name", "type")
"""What the resource of a test has without being told."""
_VALUES = {"string": "something", "boolean": "true", "integer": "1", "number": "1.5"}

_RULE = """\
{hint}id: {id}                                       # never used again, even when the rule is gone
name: {name}
title: Say in one line what holds when all is well
severity: medium                                  # critical, high, medium, low or info
target: {target}
# when: {{field: sku.name, equals: Premium}}        # where the rule applies; leave out if everywhere
assert: {{field: {path}, exists: true}}             # or failIf: what must not hold
message: "{path} is {{{{ {path} }}}}"
rationale: Say why it matters, in your own words.
remediation:
  effort: low                                     # low, medium or high
  manual: Say what to do.                         # and az, bicep, terraform where a command or a line mends it
references: [https://learn.microsoft.com/azure/container-registry/]   # the pages the facts come from
reviewed: {today}
controls: {{}}                                      # such as {{faq: [RM4], iso-27001: [A.8.20]}}
tests:                                            # each of these fails until it fits your rule
  - {{name: passes, resource: {without}, expect: pass}}
  - {{name: fails, resource: {with_value}, expect: fail, messageContains: "{path}"}}
  - {{name: not read, resource: {unread}, expect: pass}}
"""
_PACK = """\
{hint}apiVersion: {version}
pack:
  id: {id}
  prefix: {prefix}            # ids of its rules begin with it
  version: 0.1.0          # acrscan policy diff says when it must rise
# parameters:             # typed values that a profile may set
#   days: {{type: integer, default: 90, minimum: 1, description: Days that a password may last}}
# definitions:            # conditions that several rules share
#   isPremium: {{field: sku.name, equals: Premium}}
"""


@dataclass(frozen=True, slots=True)
class Used:
    """What the files of a pack name already: ids and names of rules with the file each stands in, replaced ids."""

    ids: dict[str, str]
    names: dict[str, str]
    replaced: dict[str, str]


def skeleton(rule: str, name: str, target: str, today: str, hint: str = "") -> str:
    """The text of a new rule file. `today`: YYYY-MM-DD; `hint`: the address of the schema for editors, or ""."""
    facts = types.facts_for(target)
    path, value = _sample(facts) if facts else ("tags.owner", "team")
    return _RULE.format(
        hint=hint_line(hint),
        id=rule,
        name=name,
        target=facts.type if facts else target,
        path=path,
        today=today,
        without=_nested(path, None),
        with_value=_nested(path, value),
        unread=_nested(path, '!unknown "403"'),
    )


def pack_text(identifier: str, prefix: str, hint: str = "") -> str:
    """The text of a new pack.yaml."""
    return _PACK.format(hint=hint_line(hint), version=API_VERSION, id=identifier, prefix=prefix)


def hint_line(schema: str) -> str:
    """The comment by which editors find the schema of a file; "" without an address."""
    return f"# yaml-language-server: $schema={schema}\n" if schema else ""


def used_in(folder: Path) -> Used:
    """What the rule files of a pack name, whether they are right or not. Raises `ScannerError` for YAML that does not parse."""
    found = Used({}, {}, {})
    for path in _rule_files(folder):
        where = path.relative_to(folder).as_posix()
        documents, _ = load_yaml(read_text(path), str(path), tags=True)
        for document in documents:
            if not isinstance(document, Mapping):
                continue
            for key, holder in (("id", found.ids), ("name", found.names)):
                node = document.items.get(key)
                if isinstance(node, Scalar):
                    holder.setdefault(str(node.value), where)
            older = document.items.get("replaces")
            for item in older.items if isinstance(older, Sequence) else ():
                if isinstance(item, Scalar):
                    found.replaced.setdefault(str(item.value), where)
    return found


def prefix_of(main: Path) -> str:
    """The prefix in a pack.yaml, or "" where it is missing. Raises `ScannerError` for YAML that does not parse."""
    documents, _ = load_yaml(read_text(main), str(main))
    about = documents[0].items.get("pack") if documents and isinstance(documents[0], Mapping) else None
    node = about.items.get("prefix") if isinstance(about, Mapping) else None
    return str(node.value) if isinstance(node, Scalar) and node.value is not None else ""


def _rule_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".yaml", ".yml") or path.name == "pack.yaml" or not path.is_file():
            continue
        if ".test" not in path.suffixes and path.relative_to(folder).parts[0] != FRAMEWORKS:
            yield path


def _sample(facts: TypeFacts) -> tuple[str, str]:
    """A property of a type to begin with and a value of it: the tag "owner", else one that may be missing, else any."""
    tags = facts.fact(("tags",))
    if tags is not None and tags.kind == "map":
        return "tags.owner", "team"
    plain = [
        fact
        for fact in facts.facts.values()
        if fact.kind in _VALUES
        and not fact.secret
        and fact.path not in _MADE_UP
        and all(map(_EASY.match, fact.keys))
    ]
    optional = [fact for fact in plain if not fact.required and not any(fact.versions)]
    chosen = next(iter([*optional, *plain]), None)
    return (".".join(chosen.keys), _value(chosen)) if chosen else ("name", "example")


def _value(fact: Fact) -> str:
    known: tuple[Any, ...] = fact.enum
    return str(known[0]) if known else _VALUES[fact.kind]


def _nested(path: str, value: str | None) -> str:
    """A resource in which only this property is set; None leaves it out and keeps what it stands in."""
    *above, last = path.split(".")
    text = "{}" if value is None else f"{{{last}: {value}}}"
    for key in reversed(above):
        text = f"{{{key}: {text}}}"
    return text
