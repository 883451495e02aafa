"""A bench for lint checks: pieces of rules, packs, waivers and profiles go into files that are otherwise clean, and are checked.

A piece of a rule replaces the keys of the same names; after `---` comes another rule.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

from scanner.cli.policy_lint import _asked
from scanner.language.pack import read_pack
from scanner.model.framework import Framework, FrameworkControl
from scanner.workbench.lint.context import Beside, PackContext
from scanner.workbench.lint.run import run

TODAY = date(2026, 11, 26)
FAQ = Framework("faq", "FAQ", "https://example.com", "ours", (FrameworkControl("RM4", "Admin"),))
SCHEMA = "# yaml-language-server: $schema=../schemas/rule.schema.json\n"
MAIN = """\
# yaml-language-server: $schema=../schemas/pack.schema.json
apiVersion: acrscan/v1
pack: {id: acme, prefix: ACME, version: 1.0.0}
"""
RULE = """\
id: ACME101
name: admin-user-off
title: The admin user is off
severity: high
target: Microsoft.ContainerRegistry/registries
assert: {field: properties.adminUserEnabled, equals: false, default: false}
message: "Admin user is {{ properties.adminUserEnabled }}"
rationale: It is shared by all who know its password.
remediation: {effort: low, az: "az acr update --name {{ name }} --admin-enabled false"}
references: [https://learn.microsoft.com/azure/container-registry/container-registry-authentication]
reviewed: 2026-11-25
controls: {faq: [RM4]}
tests:
  - {name: switched off, resource: {properties: {adminUserEnabled: false}}, expect: pass}
  - {name: not set, resource: {properties: {}}, expect: pass}
  - {name: switched on, resource: {properties: {adminUserEnabled: true}}, expect: fail, messageContains: is true}
  - {name: not read, resource: {properties: {adminUserEnabled: !unknown "403"}}, expect: unknown}
"""
_KEY = re.compile(r"^([A-Za-z]+):", re.MULTILINE)
_ORDER = [
    "id",
    "name",
    "title",
    "severity",
    "target",
    "status",
    "enabled",
    "disabledReason",
    "settles",
    "waivable",
    "replaces",
    "semantics",
    "parameters",
    "when",
    "notApplicableMessage",
    "assert",
    "failIf",
    "manual",
    "message",
    "rationale",
    "remediation",
    "references",
    "reviewed",
    "controls",
    "tests",
]


def blocks(text):
    """The text of each top-level key, a key that stands twice as two."""
    found = list(_KEY.finditer(text))
    ends = [one.start() for one in found[1:]] + [len(text)]
    return [(one[1], text[one.start() : end]) for one, end in zip(found, ends, strict=False)]


def rule(piece="", *, together=False):
    """The clean rule with a piece in it; `together`: the piece stays in one block."""
    piece = piece if piece.endswith("\n") or not piece else f"{piece}\n"
    given = blocks(piece)
    names = {name for name, _ in given}
    if names & {"assert", "failIf", "manual"}:
        names |= {"assert", "failIf", "manual"}
    kept = [(name, text) for name, text in blocks(RULE) if name not in names]
    if together:
        first = min(_ORDER.index(name) for name in names)
        before = [text for name, text in kept if _ORDER.index(name) < first]
        after = [text for name, text in kept if _ORDER.index(name) > first]
        return SCHEMA + "".join(before) + piece + "".join(after)
    rank = {name: at for at, name in enumerate(_ORDER)}
    return SCHEMA + "".join(text for _, text in sorted([*kept, *given], key=lambda one: rank[one[0]]))


def write(folder: Path, piece="", *, kind="rule", main=MAIN):
    """A pack with one rule file in a folder, and what stands beside it; gives the last."""
    pieces = piece.split("---\n")
    text = rule()
    beside = Beside()
    if kind == "rule":
        text = "---\n".join(rule(one).removeprefix(SCHEMA) for one in pieces)
        text = SCHEMA + text
    elif kind == "keys":
        text = rule(piece, together=True)
    elif kind == "head":
        text = piece.split("id:", maxsplit=1)[0] + RULE
    elif kind == "pack":
        main = f"{main}{piece}\n"
    elif kind == "waivers":
        text = rule("severity: critical")
        (folder.parent / "acr-waivers.yaml").write_text(piece, "utf-8")
        beside = Beside(waivers=(folder.parent / "acr-waivers.yaml",))
    elif kind == "profile":
        piece_of_rule = (
            "severity: critical\nparameters:\n  limit: {type: integer, maximum: 9, default: 5, description: How many}\n"
            "assert: {count: {of: properties.networkRuleSet.ipRules}, lessOrEquals: {param: limit}}\nmessage: Too many"
        )
        text = rule(piece_of_rule)
        piece = piece.replace("parameters: {limit:", "parameters: {ACME101.limit:")
        (folder.parent / "mine.yaml").write_text(piece, "utf-8")
        beside = Beside(profiles=(folder.parent / "mine.yaml",))
    else:
        text = piece
    (folder / "pack.yaml").write_text(main, "utf-8")
    (folder / "ACME101-admin-user-off.yaml").write_text(text, "utf-8")
    return beside


def context(folder, beside=None):
    """The folder as checks see it."""
    reading = read_pack(folder)
    return PackContext(
        reading, replace(reading.pack, frameworks=(FAQ,)), TODAY, True, _asked(), beside or Beside()
    )


def lint(folder, piece="", *, kind="rule", main=MAIN, **which):
    """The report on a pack with the piece in it."""
    folder = folder / "pack"
    folder.mkdir(exist_ok=True)
    beside = write(folder, piece, kind=kind, main=main)
    return run([context(folder, beside)], **which)


def codes(report, *, least="info"):
    """The ids of the checks that spoke."""
    levels = ("error", "warning", "info")[: ("error", "warning", "info").index(least) + 1]
    return {one.code for one in report.problems if one.level in levels}
