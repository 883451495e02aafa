"""Conditions by bounded enumeration: each rule is tried with every value that it can tell apart; what it can never be comes out."""

from __future__ import annotations

from collections.abc import Iterator

from scanner.model.condition import Mark
from scanner.workbench.lint.check import Check
from scanner.workbench.lint.context import PackContext, RuleContext
from scanner.workbench.lint.memory import Said
from scanner.workbench.problem import Problem

LOG001 = Check(
    "LOG001",
    "error",
    "A rule can fail",
    "An `assert` (or `failIf`) that no resource fails, whatever its properties are. Lists are tried empty, with one element and with two; "
    "each property is tried absent, with every literal of the rule, with its neighbours and with something else.",
    "The rule passes everything and looks like assurance. Mostly two conditions that exclude each other were joined by `anyOf`.",
    "assert: {anyOf: [{field: sku.name, equals: Premium}, {field: sku.name, notEquals: premium}]}\nmessage: The tier is wrong",
    "assert: {field: sku.name, equals: Premium}\nmessage: The tier is wrong",
)
LOG002 = Check(
    "LOG002",
    "error",
    "A rule can pass",
    "An `assert` (or `failIf`) that no resource passes.",
    "Nobody can mend a finding of such a rule. Mostly two conditions that exclude each other were joined by `allOf`.",
    "assert:\n  allOf:\n    - {field: properties.policies.retentionPolicy.days, less: 5}\n"
    "    - {field: properties.policies.retentionPolicy.days, greater: 7}\nmessage: The days are wrong",
    "assert:\n  allOf:\n    - {field: properties.policies.retentionPolicy.days, less: 7}\n"
    "    - {field: properties.policies.retentionPolicy.days, greater: 5}\nmessage: The days are wrong",
)
LOG003 = Check(
    "LOG003",
    "warning",
    "Each part of a condition decides something",
    "A part of a condition that changes no verdict: put to true or to false, the rule decides as before. Reported only where every "
    "combination was tried.",
    "A reader believes that the part matters. Mostly another part says the same already, or a literal has a spelling that never occurs.",
    "assert:\n  anyOf:\n    - {field: properties.publicNetworkAccess, equals: Disabled}\n    - allOf:\n"
    "        - {field: properties.publicNetworkAccess, equals: disabled}\n        - {field: sku.name, equals: Premium}\n"
    "message: It is open",
    "assert:\n  anyOf:\n    - {field: properties.publicNetworkAccess, equals: Disabled}\n    - allOf:\n"
    "        - {field: properties.publicNetworkAccess, equals: Enabled}\n        - {field: sku.name, equals: Premium}\n"
    "message: It is open",
)
LOG004 = Check(
    "LOG004",
    "error",
    "A rule applies somewhere",
    "A `when` that no resource meets.",
    "The rule is never asked, and its absence from reports looks like a clean estate.",
    "when: {allOf: [{field: sku.name, equals: Premium}, {field: sku.name, equals: Basic}]}\n"
    "assert: {field: properties.adminUserEnabled, equals: false}\nmessage: The admin user is on\n"
    "tests:\n  - {name: switched off, resource: {sku: {name: Premium}, properties: {adminUserEnabled: false}}, expect: pass}\n"
    "  - {name: switched on, resource: {sku: {name: Premium}, properties: {adminUserEnabled: true}}, expect: fail, messageContains: is on}\n"
    "  - {name: elsewhere, resource: {sku: {name: Standard}, properties: {}}, expect: notApplicable}\n"
    '  - {name: not read, resource: {sku: !unknown "403", properties: {}}, expect: unknown}',
    "when: {anyOf: [{field: sku.name, equals: Premium}, {field: sku.name, equals: Basic}]}\n"
    "assert: {field: properties.adminUserEnabled, equals: false}\nmessage: The admin user is on\n"
    "tests:\n  - {name: switched off, resource: {sku: {name: Premium}, properties: {adminUserEnabled: false}}, expect: pass}\n"
    "  - {name: switched on, resource: {sku: {name: Premium}, properties: {adminUserEnabled: true}}, expect: fail, messageContains: is on}\n"
    "  - {name: elsewhere, resource: {sku: {name: Standard}, properties: {}}, expect: notApplicable}\n"
    '  - {name: not read, resource: {sku: !unknown "403", properties: {}}, expect: unknown}',
)
LOG005 = Check(
    "LOG005",
    "warning",
    "No two rules ask the same",
    "Two rules that are on, with one target, that fail for exactly the same resources.",
    "Every failure is told twice, waived twice and counted twice.",
    "severity: high\n---\nid: ACME102\nname: no-admin-user\n"
    "assert: {not: {field: properties.adminUserEnabled, equals: true, default: false}}\nmessage: The admin user is on",
    "severity: high\n---\nid: ACME102\nname: premium\nassert: {field: sku.name, equals: Premium}\nmessage: The tier is wrong",
)
LOG006 = Check(
    "LOG006",
    "warning",
    "No rule is only a part of another",
    "Two rules that are on, with one target, of which one fails wherever the other does.",
    "Each failure of the narrower rule is a second finding of the same fault. A profile can choose between a strict and a mild rule: turn one "
    "of them off by default.",
    "severity: high\n---\nid: ACME102\nname: no-admin-user-and-premium\nassert:\n  allOf:\n"
    "    - {field: properties.adminUserEnabled, equals: false, default: false}\n    - {field: sku.name, equals: Premium}\n"
    "message: The admin user is on or the tier is wrong",
    "severity: high\n---\nid: ACME102\nname: premium\nassert: {field: sku.name, equals: Premium}\nmessage: The tier is wrong",
)
LOG008 = Check(
    "LOG008",
    "info",
    "A default does something",
    "A `default` without which the rule decides alike everywhere: absence already means what it says. A default under a negated operator is "
    "not reported: there it tells the reader what absence means (LOG007).",
    "It is one more thing to read and to keep right.",
    "assert: {field: properties.adminUserEnabled, equals: true, default: false}\nmessage: The admin user is off",
    "assert: {field: properties.adminUserEnabled, equals: false, default: false}\nmessage: The admin user is on",
)
CHECKS = (LOG001, LOG002, LOG003, LOG004, LOG005, LOG006, LOG008)
_BY_CODE = {check.code: check for check in CHECKS}


def check(pack: PackContext) -> Iterator[Problem]:
    """Every finding about the rules of a pack; findings of files that did not change come from the memory, where there is one."""
    for rule in pack.rules:
        if rule.rule.check is not None and rule.rule.semantics == "native":
            key = pack.memory.key("rule", *_texts(rule))
            for said in pack.memory.recall(key, lambda rule=rule: _tried(rule)):  # type: ignore[misc]
                yield _problem(rule, said)
    if pack.whole:
        yield from _pairs(pack)


def _texts(rule: RuleContext) -> Iterator[str]:
    """What a rule's findings depend on: its file and its pack's."""
    yield rule.rule.id
    yield "\n".join(rule.file.source.lines)
    main = rule.pack.main
    yield "\n".join(main.source.lines) if main is not None else ""


def _problem(rule: RuleContext, said: Said) -> Problem:
    return rule.problem(_BY_CODE[said.code], said.what, Mark(said.file, said.line, said.column), said.advice)


def _pairs(pack: PackContext) -> Iterator[Problem]:
    """Rules that are on and tell of one fault twice."""
    contexts = {
        rule.rule.id: rule
        for rule in pack.rules
        if rule.rule.enabled and rule.rule.check is not None and rule.rule.semantics == "native"
    }
    key = pack.memory.key("pairs", *(text for rule in contexts.values() for text in _texts(rule)))
    for said in pack.memory.recall(key, lambda: _tried_together(pack, contexts)):
        yield _problem(contexts[said.what.split(" ", 1)[0]], said)


def _tried(rule: RuleContext) -> Iterator[Said]:
    from scanner.workbench.lint.trying import of_rule  # noqa: PLC0415 - heavy, and mostly remembered

    return of_rule(rule)


def _tried_together(pack: PackContext, contexts: dict[str, RuleContext]) -> Iterator[Said]:
    from scanner.workbench.lint.trying import of_pairs  # noqa: PLC0415 - heavy, and mostly remembered

    return of_pairs(pack, contexts)
