"""Conditions by bounded enumeration: each rule is tried with every value that it can tell apart; what it can never be comes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

from scanner.language.pack import read_pack
from scanner.model.condition import Mark
from scanner.workbench.lint.check import Check
from scanner.workbench.lint.context import PackContext, RuleContext
from scanner.workbench.lint.memory import Said, key
from scanner.workbench.lint.walk import visits
from scanner.workbench.problem import Problem

LOG001 = Check(
    "LOG001",
    "error",
    "A rule can fail",
    "An `assert` (or `failIf`) that no resource fails, whatever its properties are. Lists are tried empty, with one element and with two; "
    "each property is tried absent, with every literal of the rule, with its neighbours and with something else. A warning where that is "
    "not all there is (a sample, more elements, several patterns); never told where a test of the rule fails.",
    "The rule passes everything and looks like assurance. Mostly two conditions that exclude each other were joined by `anyOf`.",
    "assert: {anyOf: [{field: sku.name, equals: Premium}, {field: sku.name, notEquals: premium}]}\nmessage: The tier is wrong",
    "assert: {field: sku.name, equals: Premium}\nmessage: The tier is wrong",
)
LOG002 = Check(
    "LOG002",
    "error",
    "A rule can pass",
    "An `assert` (or `failIf`) that no resource passes. Tried as for LOG001; never told where a test of the rule passes.",
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
    "A `when` that no resource meets. Tried as for LOG001; never told where a test of the rule shows the contrary.",
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
    contexts = {
        rule.rule.id: rule
        for rule in pack.rules
        if rule.rule.check is not None and rule.rule.semantics == "native"
    }
    digests = {name: key("rule", *_texts(rule)) for name, rule in contexts.items()}
    shared: list[tuple[str, Said]] = []
    for name, rule in contexts.items():
        for said in pack.memory.recall(digests[name], lambda rule=rule: _tried(rule)):  # type: ignore[misc]
            if said.rule:
                yield _problem(contexts, said, name)
            else:
                shared.append((name, said))
    if pack.whole:
        yield from _in_definitions(contexts, shared)
        on = {name: digest for name, digest in digests.items() if contexts[name].rule.enabled}
        among = {name: contexts[name] for name in on}
        about = key("pairs", *_shared(pack))
        for said in pack.memory.recall_pairs(about, on, lambda known: _tried_together(pack, among, known)):
            yield _problem(contexts, said, said.rule)


def _in_definitions(
    contexts: Mapping[str, RuleContext], found: Iterable[tuple[str, Said]]
) -> Iterator[Problem]:
    """Findings in what rules share: only what holds for every rule that uses it, and that once."""
    by_place: dict[tuple[str, int, int], dict[str, Said]] = {}
    for name, said in found:
        by_place.setdefault((said.code, said.line, said.column), {})[name] = said
    for (_, line, column), told in by_place.items():
        if all(name in told or not _uses(rule, line, column) for name, rule in contexts.items()):
            name, said = next(iter(told.items()))
            yield _problem(contexts, said, name)


def _uses(rule: RuleContext, line: int, column: int) -> bool:
    """Whether a rule decides by the condition at a place of `pack.yaml`."""
    own = rule.file.source.file
    return any(
        (mark.line, mark.column) == (line, column) and mark.file != own
        for mark in (visit.condition.mark for visit in visits(rule))
    )


def learned(folder: Path) -> str:
    """What a memory knows after a look at a pack with none: the text of `shipped.json`, made by `make golden`."""
    reading = read_pack(folder)
    pack = PackContext(reading, reading.pack, date.min)
    for _ in check(pack):
        pass  # what is found is in the memory
    return pack.memory.text(None)


def _texts(rule: RuleContext) -> Iterator[str]:
    """What a rule's findings depend on: its file and its pack's."""
    yield rule.rule.id
    yield rule.file.text
    yield from _shared(rule.pack)


def _shared(pack: PackContext) -> Iterator[str]:
    yield pack.main.text if pack.main is not None else ""


def _problem(contexts: Mapping[str, RuleContext], said: Said, about: str) -> Problem:
    """A finding at its place, told with today's names of files."""
    rule = contexts[about]
    main = rule.pack.main
    home = contexts.get(said.rule)
    source = home.file.source if home is not None else main.source if main is not None else None
    mark = Mark(source.file if source is not None else "", said.line, said.column)
    beside = f"{said.beside} stands in {contexts[said.beside].rule.mark}." if said.beside else ""
    return rule.problem(_BY_CODE[said.code], said.what, mark, said.advice or beside, level=said.level)


def _tried(rule: RuleContext) -> Iterator[Said]:
    from scanner.workbench.lint.trying import of_rule  # noqa: PLC0415 - heavy, and mostly remembered

    return of_rule(rule)


def _tried_together(
    pack: PackContext, contexts: Mapping[str, RuleContext], known: frozenset[str]
) -> Iterator[Said]:
    from scanner.workbench.lint.pairs import of_pairs  # noqa: PLC0415 - heavy, and mostly remembered

    return of_pairs(pack, contexts, known)
