"""Metadata: who a rule is, why it is there, what it maps to, what it leaves behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import PurePosixPath
from typing import Any

from scanner.language.digest import shape
from scanner.language.frameworks import unknown_controls
from scanner.model.condition import Ref
from scanner.model.rule import Message, Placeholder
from scanner.text import Mapping as MappingNode
from scanner.text import Node, Sequence
from scanner.workbench.lint.check import Check
from scanner.workbench.lint.context import PackContext, RuleContext, problem
from scanner.workbench.lint.walk import visits
from scanner.workbench.problem import Problem

META002 = Check(
    "META002",
    "warning",
    "A rule says how to mend a failure",
    "A rule without a command (`az`) and without a manual step; an error for critical and high rules.",
    "A finding that nobody knows how to mend stays open.",
    'severity: medium\nremediation: {effort: low, bicep: "properties: { adminUserEnabled: false }"}',
    "severity: medium\nremediation: {effort: low, manual: Switch the admin user off.}",
)
META003 = Check(
    "META003",
    "warning",
    "A rule says why, and where its facts come from",
    "A rationale that repeats the title. A missing rationale or reference, or one that is no https address, keeps the rule from loading.",
    "Without a reason nobody can weigh a waiver; without a source nobody can check whether the rule is still right.",
    "rationale: The admin user is off.",
    "rationale: It is shared by all who know its password.",
)
META004 = Check(
    "META004",
    "warning",
    "A rule maps to a control",
    "`controls` is empty.",
    "Reports by framework leave the rule out, and no auditor sees it.",
    "controls: {}",
    "controls: {faq: [RM4]}",
)
META005 = Check(
    "META005",
    "error",
    "Controls are in their catalogue",
    "A framework or a control id that no catalogue holds.",
    "A typing error in a control id claims something that nobody asked for.",
    "controls: {faq: [RM99]}",
    "controls: {faq: [RM4]}",
)
META008 = Check(
    "META008",
    "warning",
    "A deprecated rule names its successor",
    "`status: deprecated` on a rule that no other rule `replaces`.",
    "Whoever relied on the rule does not learn what looks at it now, and its waivers end with it.",
    "status: deprecated",
    "status: stable",
)
META009 = Check(
    "META009",
    "warning",
    "A file is named after its rule",
    "A file with one rule whose name does not begin with the rule's id. An id without the pack's prefix keeps the rule from loading.",
    "People look for a rule by its id.",
    "id: ACME102",
    "id: ACME101",
)
META010 = Check(
    "META010",
    "warning",
    "Parameters and definitions are used",
    "A parameter or definition that no rule uses. Told only where all rules of the pack are there and load.",
    "A knob that turns nothing makes people believe that they have set something.",
    "parameters:\n  limit: {type: integer, default: 5, description: How many}",
    "parameters: {}",
)
META013 = Check(
    "META013",
    "error",
    "No secret stands in a file",
    "Text that has the shape of a secret: a private key, a token, an account key, a shared access signature, a password of a registry.",
    "Policy files are read by many and never forget; what stood in one commit is known.",
    'remediation: {effort: low, az: "az acr login --name {{ name }} --username u --password", '
    'manual: "Use https://x.blob.core.windows.net/c?sv=2024-01-01&sig=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6"}',
    'remediation: {effort: low, manual: "Use a shared access signature"}',
)
META014 = Check(
    "META014",
    "warning",
    "The facts of a rule were checked within a year",
    "`reviewed` lies more than 365 days back, or in the future.",
    "Clouds change; rules rot unseen: limits, defaults and property names of last year are often wrong today.",
    "reviewed: 2020-01-31",
    "reviewed: 2026-11-25",
)
META015 = Check(
    "META015",
    "error",
    "`replaces` names rules that are gone",
    "`replaces` names a rule of the pack that is not deprecated.",
    "Waivers and baselines of the named rule would count for both.",
    "replaces: [ACME101]\nid: ACME101",
    "replaces: [ACME100]\nid: ACME101",
)
_LANGUAGE = (
    Check(
        "META001",
        "error",
        "An id and a name stand once",
        "Two rules of a pack with one id or one name.",
        "Waivers, baselines and reports name rules by their id; with two of one id nobody knows which was meant.",
        "title: The admin user is off\n---\nid: ACME101\nname: another",
        "title: The admin user is off",
    ),
    Check(
        "META006",
        "error",
        "The pack's version says how much changed",
        "`pack.version` is lower than what `acrscan policy diff` computes from the changes. Reported by that command.",
        "Who pins a pack by its major version must not get rules that can newly fail.",
        "",
        "",
        file="",
    ),
    Check(
        "META007",
        "error",
        "A title is one short line",
        "A title of more than 120 characters, of several lines, or with a full stop.",
        "Titles stand in tables, alerts and subject lines. It says what holds when all is well.",
        "title: The admin user is off.",
        "title: The admin user is off",
    ),
    Check(
        "META011",
        "error",
        "A parameter's default fits its own declaration",
        "The default of a parameter has another type, or lies outside its minimum, maximum or enum.",
        "The rule would run with a value that no profile may set.",
        "parameters:\n  limit: {type: integer, maximum: 5, default: 9, description: How many}",
        "parameters: {}",
    ),
)
CHECKS = (
    META002,
    META003,
    META004,
    META005,
    META008,
    META009,
    META010,
    META013,
    META014,
    META015,
    *_LANGUAGE,
)

MAX_AGE = 365
_DIFFERENT = 9
"""Characters of a secret's last 32 that differ; 32 random ones of 64 have some 25."""
SECRETS = (
    (
        ("private key",),
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/=\s]{40,}"),
        "a private key",
    ),
    (("accountkey",), re.compile(r"(?i)\bAccountKey\s*=\s*[A-Za-z0-9+/]{20,}={0,2}"), "an account key"),
    (
        ("sharedaccesskey",),
        re.compile(r"(?i)\bSharedAccessKey\s*=\s*[A-Za-z0-9+/]{20,}={0,2}"),
        "an access key",
    ),
    (("sig=",), re.compile(r"(?i)[?&]sig=[A-Za-z0-9%+/]{16,}"), "a shared access signature"),
    (("eyj",), re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\."), "a token"),
    (
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
        re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,}\b"),
        "a token of GitHub",
    ),
    (("github_pat_",), re.compile(r"\bgithub_pat_[A-Za-z0-9_]{22,}\b"), "a token of GitHub"),
    (("glpat-",), re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}\b"), "a token of GitLab"),
    (("npm_",), re.compile(r"\bnpm_[A-Za-z0-9]{36}\b"), "a token of npm"),
    (("+acr",), re.compile(r"\b[A-Za-z0-9+/]{42}\+ACR[A-Za-z0-9+/]{6}\b"), "a password of a registry"),
    (("8q~",), re.compile(r"\b[A-Za-z0-9_~.-]{3}8Q~[A-Za-z0-9_~.-]{34}\b"), "a client secret of Entra ID"),
)
"""What one of must stand in the text in lower case (to look no further where none does), the shape, and what it is of. Shapes whose
characters show what they are: https://learn.microsoft.com/purview/sit-defn-all-creds, and the prefixes that
GitHub, GitLab and npm document for their tokens."""


def check(pack: PackContext) -> Iterator[Problem]:
    """Everything about a rule but what it decides."""
    replaced = {old for rule in pack.rules for old in rule.rule.replaces}
    all_here = pack.whole and not pack.reading.errors
    living = {rule.rule.id: rule for rule in pack.rules if rule.rule.status != "deprecated"}
    for rule in pack.rules:
        yield from _words(rule)
        yield from _reviewed(rule, pack.today)
        if all_here and rule.rule.status == "deprecated" and rule.rule.id not in replaced:
            advice = f"Give its successor replaces: [{rule.rule.id}]."
            yield rule.problem(META008, "is deprecated and nothing replaces it", rule.key("status"), advice)
        for old in rule.rule.replaces:
            if old in living:
                yield rule.problem(META015, f"replaces {old}, which is alive", rule.key("replaces"))
        if len(rule.file.documents) == 1 and not PurePosixPath(rule.file.path.name).name.startswith(
            rule.rule.id
        ):
            name = f"{rule.rule.id}-{rule.rule.name}.yaml"
            what = f"stands in {rule.file.path.name}, which is not named after it"
            yield rule.problem(META009, what, rule.key("id"), f"Rename it to {name}.")
    if pack.pack.frameworks:
        by_id = {rule.rule.id: rule for rule in pack.rules}
        for one, mark, what, advice in unknown_controls(pack.pack.rules, pack.pack.frameworks):
            yield by_id[one.id].problem(META005, what, mark, advice)
    yield from _unused(pack)
    yield from _secrets(pack)


def _words(rule: RuleContext) -> Iterator[Problem]:
    own = rule.rule
    if not own.remediation.az and not own.remediation.manual and not own.manual:
        level = "error" if own.severity in ("critical", "high") else ""
        advice = "Add `az` or `manual` to the remediation."
        what = "has no command and no manual step"
        yield rule.problem(META002, what, rule.key("remediation"), advice, level=level)
    if _bare(own.rationale) == _bare(own.title):
        yield rule.problem(
            META003, "the rationale repeats the title", rule.key("rationale"), "Say why it matters."
        )
    if not own.controls:
        advice = "Name at least the FAQ entry it comes from."
        yield rule.problem(META004, "maps to no control", rule.key("controls"), advice)


def _bare(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().casefold()


def _reviewed(rule: RuleContext, today: date) -> Iterator[Problem]:
    days = (today - date.fromisoformat(rule.rule.reviewed)).days
    node = rule.part("reviewed")
    at = node if node is not None else rule.node
    if days > MAX_AGE:
        advice = "Read its references again, correct it, and set the date."
        yield rule.problem(META014, f"was reviewed {days} days ago", at, advice)
    elif days < -1:
        yield rule.problem(META014, f"is reviewed {-days} days from now", at, "Write the day of the review.")


def _unused(pack: PackContext) -> Iterator[Problem]:
    names: set[str] = set()
    definitions: set[str] = set()
    for rule in pack.rules:
        used = set(_parameters(rule))
        for visit in visits(rule):
            if isinstance(visit.condition, Ref):
                definitions.add(visit.condition.name)
        for name, parameter in rule.rule.parameters.items():
            if name not in used:
                yield rule.problem(
                    META010,
                    f"nothing uses the parameter {name}",
                    _key(rule.part("parameters"), name) or parameter.mark,
                )
        names |= used
    if not pack.whole or pack.reading.errors:
        return
    for kind, known in (("parameters", names), ("definitions", definitions)):
        holder = pack.part(kind)
        for name in holder.items if holder is not None else ():
            if name not in known and holder is not None:
                yield pack.shared(META010, f"no rule uses the {kind[:-1]} {name}", holder.keys[name])


def _key(holder: Node | None, name: str) -> Node | None:
    return holder.keys.get(name) if isinstance(holder, MappingNode) else None


def _parameters(rule: RuleContext) -> Iterator[str]:
    own = rule.rule
    for condition in (own.when, own.check):
        yield from _named(shape(condition))
    messages: list[Message] = [own.message, own.not_applicable_message]
    messages += [word for command in own.remediation.az for word in command]
    for message in messages:
        for part in message:
            if isinstance(part, Placeholder) and part.kind == "param":
                yield part.keys[0]


def _named(part: Any) -> Iterator[str]:
    """The names of parameters in a shape."""
    if isinstance(part, dict):
        if isinstance(part.get("param"), str):
            yield part["param"]
        for item in part.values():
            yield from _named(item)
    elif isinstance(part, list | tuple):
        for item in part:
            yield from _named(item)


def _secrets(pack: PackContext) -> Iterator[Problem]:
    of = {id(rule.node): rule.rule.id for rule in pack.rules}
    for file in pack.reading.files:
        lowered = file.text.lower()
        if not any(hint in lowered for hints, _, _ in SECRETS for hint in hints):
            continue
        for node in file.documents:
            for one in _texts(node):
                kind = _secret(one.text)
                if kind:
                    what = f"this has the shape of {kind}"
                    advice = "Take it out, and renew it: what stood in a commit is known."
                    # The line is not shown: reports go to more people than the file does.
                    yield problem(META013, what, one.mark, None, advice, rule=of.get(id(node), ""))


def _secret(text: str) -> str:
    """What kind of secret a text holds, or "". Made-up ones (`ghp_AAAA...`) have few different characters."""
    for _, pattern, kind in SECRETS:
        found = pattern.search(text)
        if found and len(set(found[0][-32:])) >= _DIFFERENT:
            return kind
    return ""


def _texts(node: Node) -> Iterator[Any]:
    """Every value and key."""
    stack: list[Any] = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, MappingNode):
            stack.extend(one.keys.values())
            stack.extend(one.items.values())
        elif isinstance(one, Sequence):
            stack.extend(one.items)
        else:
            yield one
