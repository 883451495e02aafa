"""Structure: what keeps a rule from loading has its page here; what loads and is still misread is found here.

Most of these are reported by the language itself, at the place of the mistake.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from scanner import types
from scanner.engine import paths
from scanner.engine.relations import relation
from scanner.language.rules import RANKS
from scanner.model.azure import Policy
from scanner.model.condition import Condition, Count, Leaf, Logic, Path, Quantifier, Ref, Related
from scanner.text import Scalar
from scanner.workbench.lint import order
from scanner.workbench.lint.check import Check
from scanner.workbench.lint.context import Asked, PackContext, RuleContext, problem, scalars
from scanner.workbench.problem import Fix, Problem

YAML003 = Check(
    "YAML003",
    "warning",
    "Text that other readers take for something else is quoted",
    "A value without quotes that reads as text here and as a boolean or a number elsewhere (yes, no, on, off, 0o17, 017, 1_000), or a "
    "number where text is expected: 1.10 is the number 1.1.",
    "Rules go through editors, templates and other tools. Most of them read YAML 1.1, in which `no` is false and `017` is fifteen; what "
    "is meant must not depend on the reader.",
    "tests:\n  - {name: switched off, resource: {properties: {adminUserEnabled: false}}, expect: pass}\n"
    "  - {name: not set, resource: {properties: {}}, expect: pass}\n"
    "  - {name: switched on, resource: {tags: {backup: no}, properties: {adminUserEnabled: true}}, expect: fail, messageContains: is true}\n"
    '  - {name: not read, resource: {properties: {adminUserEnabled: !unknown "403"}}, expect: unknown}',
    "tests:\n  - {name: switched off, resource: {properties: {adminUserEnabled: false}}, expect: pass}\n"
    "  - {name: not set, resource: {properties: {}}, expect: pass}\n"
    '  - {name: switched on, resource: {tags: {backup: "no"}, properties: {adminUserEnabled: true}}, expect: fail, messageContains: is true}\n'
    '  - {name: not read, resource: {properties: {adminUserEnabled: !unknown "403"}}, expect: unknown}',
    fixed="quotes it",
)
SCH002 = Check(
    "SCH002",
    "info",
    "The keys of a rule stand in the usual order",
    "The keys stand in another order than in all other rules: who the rule is, where it applies, what must hold, what to say, why, how "
    "to mend, where the facts come from, tests.",
    "A reviewer reads many rules and looks for the assertion where it always stands; a diff shows what changed and not what moved.",
    "title: The admin user is off\nname: admin-user-off",
    "name: admin-user-off\ntitle: The admin user is off",
    file="keys",
    fixed="moves the keys with their comments",
)
SCH003 = Check(
    "SCH003",
    "info",
    "Editors know the schema of the file",
    "The file has no `yaml-language-server` comment that names the schema.",
    "With it an editor completes keys and shows mistakes while they are typed.",
    "id: ACME101",
    "# yaml-language-server: $schema=../schemas/rule.schema.json\nid: ACME101",
    file="head",
    fixed="adds the line that other files of the pack have",
)
SEM008 = Check(
    "SEM008",
    "error",
    "The rule can be decided by what is read",
    "Everything that the rule decides by is a property that no api-version in use returns, or a relation that no collection reads.",
    "Such a rule is unknown for every resource of a live scan, for ever: it looks like a control and is none. It happens when a property "
    "leaves the API, as `virtualNetworkRules` did.",
    "assert: {field: properties.networkRuleSet.virtualNetworkRules, empty: true}\n"
    'message: "Rules: {{ properties.networkRuleSet.virtualNetworkRules }}"',
    "assert: {field: properties.networkRuleSet.ipRules, empty: true}\n"
    'message: "Rules: {{ properties.networkRuleSet.ipRules }}"',
)
_LANGUAGE = (
    Check(
        "YAML000",
        "error",
        "The file is YAML",
        "The file does not parse, is no UTF-8 text, holds control characters, or is larger or nested deeper than is allowed.",
        "Nothing of it can be checked, and none of its rules runs.",
        "title: [The admin user is off",
        "title: The admin user is off",
    ),
    Check(
        "YAML001",
        "error",
        "A key stands once",
        "A mapping has the same key twice.",
        "Readers keep the last one without a word, so half of what a reviewer sees does not count.",
        "severity: high\nseverity: low",
        "severity: high",
    ),
    Check(
        "YAML002",
        "error",
        "No tabs, anchors, merge keys and tags",
        "A tab indents, an anchor, alias or merge key stands in the file, or a tag. `!unknown` and `!unread` may stand in tests only.",
        "What is written is what counts: with anchors a change of one line changes others that no diff shows.",
        "rationale: &why It is shared by all who know it.",
        "rationale: It is shared by all who know it.",
    ),
    Check(
        "SCH001",
        "error",
        "Every key and value is one that the language has",
        "An unknown key, a missing one, or a value of another type or beyond the allowed words.",
        "A key that nobody reads is a condition that nobody checks: peers ignore mistyped keys and pass.",
        "severity: hihg",
        "severity: high",
        fixed="corrects the case of a key (`failif`)",
    ),
    Check(
        "SEM001",
        "error",
        "A condition has exactly one operator",
        "A leaf without an operator, with two, or with one that the language does not have.",
        "Two operators in one leaf have no order and no meaning; an unknown one would be ignored.",
        "assert: {field: properties.adminUserEnabled, equals: false, exists: true}",
        "assert: {field: properties.adminUserEnabled, equals: false, default: false}",
        fixed="corrects the case of an operator (`Equals`)",
    ),
    Check(
        "SEM002",
        "error",
        "Parameters, definitions, relations and variables exist",
        "A name that nothing declares: a parameter, a definition, a relation of the target, an element variable.",
        "A condition on what does not exist decides nothing.",
        "assert: {ref: isClosedOff}",
        "assert: {field: properties.adminUserEnabled, equals: false, default: false}",
    ),
    Check(
        "SEM003",
        "error",
        "Definitions do not refer to each other in a circle",
        "A definition refers to itself, directly or through others.",
        "It has no value.",
        "definitions:\n  isOpen: {not: {ref: isClosed}}\n  isClosed: {not: {ref: isOpen}}",
        "definitions: {}",
        file="pack",
    ),
    Check(
        "SEM004",
        "error",
        "Placeholders of messages resolve",
        "A placeholder in a message or command names a path, parameter or variable that does not exist, or is not closed.",
        "A person would read `(not set)` where the reason should stand.",
        'message: "Admin user is {{ properties.adminUser }}"',
        'message: "Admin user is {{ properties.adminUserEnabled }}"',
    ),
    Check(
        "SEM005",
        "error",
        "Operators fit the property and their operand",
        "An operator that the property's type cannot have (`less` on text), or a literal of another type.",
        "The evaluation would be an error for every resource.",
        'assert: {field: properties.adminUserEnabled, equals: "false"}',
        "assert: {field: properties.adminUserEnabled, equals: false, default: false}",
    ),
    Check(
        "SEM006",
        "error",
        "Literals are values that the API knows",
        "A property with listed values is compared with one that is not among them.",
        "A misspelled value never occurs, so the rule passes or fails everything.",
        "assert: {field: sku.name, equals: Premiun}",
        "assert: {field: sku.name, equals: Premium}",
    ),
    Check(
        "SEM007",
        "error",
        "Property paths exist",
        "A path that the target type does not have, or a target without facts.",
        "A mistyped path is always absent; with a negated operator the rule passes everything.",
        "assert: {field: properties.adminUserEnabeld, equals: false, default: false}",
        "assert: {field: properties.adminUserEnabled, equals: false, default: false}",
    ),
)
CHECKS = (*_LANGUAGE, YAML003, SCH002, SCH003, SEM008)

_ELSEWHERE = re.compile(
    r"(?i:yes|no|on|off|y|n)\Z|[-+]?0o[0-7]+\Z|0x[0-9a-fA-F]+\Z|[-+]?0[0-7]+\Z|[-+]?[0-9]+(?:_[0-9]+)+\Z"
    r"|[-+]?(?:[0-9]+:[0-5]?[0-9])+\Z"
)
_CANDIDATE = re.compile(
    r"(?im)[-:\[{,]\s+(?:yes|no|on|off|y|n|[-+]?0[xo]?[0-9a-f]+|[-+]?[0-9]+(?:[_:][0-9]+)+)[ \t]*(?:[,\]}#\r\n]|\Z)"
    r"|[\[{,](?:yes|no|on|off|y|n|[-+]?0[xo]?[0-9a-f]+|[-+]?[0-9]+(?:[_:][0-9]+)+)[ \t]*[,\]}\r\n]"
)
"""Where in a text such a value may stand; values are looked at one by one only in files that have one."""
SCHEMA = re.compile(r"#\s*yaml-language-server:\s*\$schema=\S+")


def check(pack: PackContext) -> Iterator[Problem]:
    """Values that other readers take otherwise, the order of keys, the schema line, and rules that nothing can decide."""
    for file in pack.reading.files:
        for node in file.documents if _CANDIDATE.search(file.text) else ():
            for scalar in scalars(node):
                if scalar.plain and isinstance(scalar.value, str) and _ELSEWHERE.match(scalar.text):
                    what = f"{scalar.text} is text here and something else for other readers of YAML"
                    fix = quoted(file.source.file, scalar)
                    yield problem(YAML003, what, scalar, file.source, f'Quote it: "{scalar.text}"', fix=fix)
    yield from _schema_lines(pack)
    for rule in pack.rules:
        yield from _order(rule)
        if pack.asked is not None:
            yield from _undecidable(rule, pack.asked)


def quoted(file: str, scalar: Scalar) -> Fix | None:
    """A plain value in quotes; None where it spans lines."""
    if not scalar.plain or scalar.start.line != scalar.end.line:
        return None
    return Fix(file, scalar.start.index, scalar.start.index + len(scalar.text), f'"{scalar.text}"')


def _order(rule: RuleContext) -> Iterator[Problem]:
    ranks = [(RANKS[key], key) for key in rule.node.keys if key in RANKS]
    for (before, earlier), (rank, key) in itertools.pairwise(ranks):
        if rank < before:
            fix = order.moved(rule.file, rule.node)
            yield rule.problem(SCH002, f"{key} stands after {earlier}", rule.key(key), fix=fix)
            return


def _schema_lines(pack: PackContext) -> Iterator[Problem]:
    usual = next((found[0] for file in pack.reading.files[1:] if (found := SCHEMA.search(file.text))), "")
    for file in pack.reading.files:
        if not file.documents or SCHEMA.search(file.text):
            continue
        fix = None
        if usual and file is not pack.main and file.path.parent == pack.reading.files[-1].path.parent:
            newline = "\r\n" if "\r\n" in file.text else "\n"
            fix = Fix(file.source.file, 0, 0, f"{usual}{newline}")
        advice = "Begin it with # yaml-language-server: $schema=<path to rule.schema.json>"
        yield problem(
            SCH003, "no editor knows the schema of this file", file.documents[0], file.source, advice, fix=fix
        )


def _undecidable(rule: RuleContext, asked: Asked) -> Iterator[Problem]:
    target = rule.rule.target
    start = {paths.TARGET: paths.Variable(target, "")}
    for root in (rule.rule.when, rule.rule.check):
        reason = _never(root, start, target, asked) if root is not None else ""
        if reason and root is not None:
            at = rule.key("when") if root is rule.rule.when else root.mark
            what = f"no live scan can decide this: {reason}"
            yield rule.problem(SEM008, what, at, "Ask for something that is read, or retire the rule.")
            return


def _never(condition: Condition, scope: dict[str, paths.Variable], target: str, asked: Asked) -> str:
    """Why a condition is unknown for everything that is read live, or ""."""
    match condition:
        case Leaf():
            return _unreturned(condition.subject, scope, asked) if isinstance(condition.subject, Path) else ""
        case Logic():
            reasons = [_never(child, scope, target, asked) for child in condition.children]
            return reasons[0] if all(reasons) else ""
        case Ref():
            return _never(condition.condition, {paths.TARGET: scope[paths.TARGET]}, target, asked)
        case Quantifier() | Count():
            of = condition.of
            if isinstance(of, Related):
                row = relation(of.name, target)
                unread = [one for one in row.collections if one.lower() not in asked.types] if row else []
                return f"nothing reads {unread[0]} for related.{of.name}" if unread else ""
            return _unreturned(of, scope, asked) if isinstance(of, Path) else ""
        case Policy():
            return ""


def _unreturned(path: Path, scope: dict[str, paths.Variable], asked: Asked) -> str:
    holder = scope.get(path.var)
    versions = asked.versions.get(holder.type.lower(), ()) if holder is not None else ()
    if holder is None or not versions:
        return ""
    steps = {step.at for step in paths.plan(holder, path.keys).steps}
    for version in versions:
        lacking = types.absences(holder.type, version, "azure")
        if not any(reason.startswith("not returned") for at, reason in lacking.items() if at in steps):
            return ""
    return f"{path} is returned by none of the api-versions in use ({', '.join(versions)})"
