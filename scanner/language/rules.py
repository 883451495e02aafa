"""One rule: a YAML document comes in, a `Rule` comes out; mistakes are reported at their place, all of them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from scanner.language.azure_policy.rule_key import KEY, Keyed, parse_key
from scanner.language.conditions import ConditionParser, Definitions, negated
from scanner.language.digest import rule_digest
from scanner.language.form import Form
from scanner.language.messages import parse_commands, parse_message
from scanner.language.parameters import parse_parameters, value_problem
from scanner.model.condition import Condition, Mark
from scanner.model.finding import Verdict
from scanner.model.rule import SEVERITIES, Control, Message, Parameter, Remediation, Rule, RuleTest
from scanner.text import Mapping as MappingNode
from scanner.text import Node, Scalar, nearest, plain

RULE_ID = re.compile(r"[A-Z]{2,8}[0-9]{3,10}\Z")
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
TARGET = re.compile(r"(?:[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)+|acrscan)(?:/[A-Za-z0-9]+){1,4}\Z")
FRAMEWORK = re.compile(r"[a-z0-9]+(-[a-z0-9.]+)*\Z")
STATUSES = ("stable", "preview", "deprecated")
EFFORTS = ("low", "medium", "high")
EXPECTATIONS = tuple(verdict.value for verdict in Verdict)
REMEDIATION_KEYS = ("effort", "az", "bicep", "terraform", "manual")
TEST_KEYS = ("name", "resource", "related", "params", "now", "expect", "messageContains", "findings")
REQUIRED = (
    "id",
    "name",
    "title",
    "severity",
    "target",
    "rationale",
    "remediation",
    "references",
    "reviewed",
    "controls",
)
OPTIONAL = (
    "when",
    "notApplicableMessage",
    "assert",
    "failIf",
    "manual",
    "azurePolicy",
    "parameters",
    "message",
    "status",
    "enabled",
    "disabledReason",
    "settles",
    "waivable",
    "replaces",
    "semantics",
    "tests",
)
KEYS = REQUIRED + OPTIONAL
_ORDER = (
    ("id",),
    ("name",),
    ("title",),
    ("severity",),
    ("target", "status", "enabled", "disabledReason"),
    ("settles", "waivable", "replaces", "semantics", "parameters", "when", "notApplicableMessage"),
    ("assert", "failIf", "manual"),
    ("message",),
    ("rationale",),
    ("remediation",),
    ("references",),
    ("reviewed",),
    ("controls",),
    ("tests",),
)  # fmt: skip
RANKS = {key: rank for rank, keys in enumerate(_ORDER) for key in keys}
"""Where each key usually stands; keys of one rank in any order."""
MISSING = {
    "rationale": "META003",
    "references": "META003",
    "remediation": "META002",
    "controls": "META004",
}
"""The checks that a missing key belongs to."""


def parse_rule(
    form: Form,
    node: Node,
    prefix: str,
    shared: Mapping[str, Parameter],
    definitions: Definitions,
) -> Rule | None:
    """The rule in a document, or None when something is wrong with it (see `form.errors`)."""
    before = len(form.errors)
    body = form.mapping(node, "a rule", KEYS, REQUIRED, MISSING)
    if not isinstance(node, MappingNode):
        return None
    items = body.items
    identifier = _identifier(form, items.get("id"), prefix)
    keyed = _imported(form, body)
    local = _local_parameters(form, items.get("parameters"), shared)
    if keyed is not None:
        local = keyed.parameters
    parameters = {**shared, **local}
    parser = ConditionParser(form, parameters, definitions)
    when = parser.parse(items.get("when"))
    check, manual = _check(form, body, parser)
    used = parser.used.union(*(definitions.parameters_of(name) for name in parser.refs))
    if keyed is not None:
        when, check, used = keyed.judged.when, keyed.judged.check, set(local)
    variables = parser.variables
    message, other = _messages(form, body, variables, parameters, manual=bool(manual))
    controls = _controls(form, items.get("controls"))
    rule = Rule(
        id=identifier,
        name=_matching(form, items.get("name"), "name", NAME, "lower-case words joined by dashes"),
        title=_title(form, items.get("title")),
        severity=form.choice(items.get("severity"), "severity", SEVERITIES, "medium"),
        target=_matching(
            form,
            items.get("target"),
            "target",
            TARGET,
            "an ARM type such as Microsoft.ContainerRegistry/registries",
        ),
        when=when,
        check=check,
        manual=manual,
        message=message,
        not_applicable_message=other,
        parameters=local,
        rationale=form.text(items.get("rationale"), "rationale"),
        remediation=_remediation(form, items.get("remediation"), variables, parameters),
        references=_references(form, items.get("references")),
        reviewed=_date(form, items.get("reviewed"), "reviewed"),
        controls=tuple(controls),
        status=form.choice(items.get("status"), "status", STATUSES, "stable"),
        enabled=form.flag(items.get("enabled"), "enabled", fallback=True),
        disabled_reason=form.text(items.get("disabledReason"), "disabledReason"),
        settles=form.flag(items.get("settles"), "settles", fallback=False),
        waivable=form.flag(items.get("waivable"), "waivable", fallback=True),
        replaces=form.texts(items.get("replaces"), "replaces"),
        semantics=form.choice(items.get("semantics"), "semantics", ("native", "azure"), "native"),
        tests=_tests(form, items.get("tests"), parameters),
        mark=node.mark,
        control_marks=tuple(controls.values()),
        digest=rule_digest(
            form.text(items.get("target"), "target") if isinstance(items.get("target"), Scalar) else "",
            when,
            check,
            manual,
            {name: parameters[name] for name in used if name in parameters},
        ),
    )
    _consistent(form, body, rule)
    return rule if len(form.errors) == before and not parser.broken else None


def _identifier(form: Form, node: Node | None, prefix: str) -> str:
    text = form.text(node, "id")
    if node is None or not text:
        return ""
    if not RULE_ID.match(text):
        form.report(
            f"the id {text!r} must be 2 to 8 capitals and 3 to 10 digits", node.mark, "Such as ACR101."
        )
    elif prefix and not re.fullmatch(re.escape(prefix) + r"[0-9]+", text):
        form.report(
            f"the id {text!r} does not start with the pack's prefix {prefix}", node.mark, "", "META009"
        )
    return text


def _matching(form: Form, node: Node | None, what: str, pattern: re.Pattern[str], wanted: str) -> str:
    text = form.text(node, what)
    if node is not None and text and not pattern.match(text):
        form.report(f"{what} {text!r} must be {wanted}", node.mark)
    return text


def _title(form: Form, node: Node | None) -> str:
    text = form.text(node, "title")
    if node is not None and (len(text) > 120 or text.endswith(".") or "\n" in text):
        form.report(
            "a title is one line of at most 120 characters without a full stop", node.mark, "", "META007"
        )
    return text


def _local_parameters(form: Form, node: Node | None, shared: Mapping[str, Parameter]) -> dict[str, Parameter]:
    local = parse_parameters(form, node, "parameters")
    for name, parameter in local.items():
        if name in shared:
            form.report(
                f"the parameter {name!r} is declared by the pack already",
                parameter.mark,
                "Choose another name.",
            )
    return local


def _imported(form: Form, body: MappingNode) -> Keyed | None:
    """What `azurePolicy` holds; it brings the rule's conditions and parameters along."""
    semantics = body.items.get("semantics")
    azure = isinstance(semantics, Scalar) and semantics.value == "azure"
    node = body.items.get(KEY)
    if node is None:
        if azure and semantics is not None:
            form.report(f"semantics: azure needs {KEY}", semantics.mark, "The native language has its own.")
        return None
    if not azure:
        form.report(f"{KEY} needs `semantics: azure`", body.marks[KEY])
    for key in ("when", "parameters"):
        if key in body.items:
            form.report(f"{key} stands inside {KEY}, not beside it", body.marks[key])
    target = body.items.get("target")
    name = target.value if isinstance(target, Scalar) and isinstance(target.value, str) else ""
    return parse_key(form, node, name.strip())


def _check(form: Form, body: MappingNode, parser: ConditionParser) -> tuple[Condition | None, str]:
    present = [key for key in ("assert", "failIf", "manual", KEY) if key in body.items]
    if len(present) != 1:
        form.report(
            f"a rule has exactly one of assert, failIf, manual and {KEY}, not {' and '.join(present) or 'none'}",
            body.mark,
        )
        return None, ""
    if present[0] == KEY:
        return None, ""
    node = body.items[present[0]]
    if present[0] == "manual":
        return None, form.text(node, "manual")
    condition = parser.parse(node)
    if condition is not None and present[0] == "failIf":
        condition = negated(condition)
    return condition, ""


def _messages(
    form: Form, body: MappingNode, variables: list[str], parameters: Mapping[str, Parameter], *, manual: bool
) -> tuple[Message, Message]:
    found = []
    for key in ("message", "notApplicableMessage"):
        node = body.items.get(key)
        text = form.text(node, key)
        found.append(parse_message(form, text, node.mark, variables, parameters) if node is not None else ())
    if not found[0] and not manual:
        form.report("a rule has no 'message'", body.mark)
    return found[0], found[1]


def _remediation(
    form: Form, node: Node | None, variables: list[str], parameters: Mapping[str, Parameter]
) -> Remediation:
    body = form.mapping(node, "remediation", REMEDIATION_KEYS, ("effort",))
    items = body.items
    az = items.get("az")
    commands = (
        parse_commands(form, form.text(az, "az"), az.mark, variables, parameters) if az is not None else ()
    )
    if node is not None and len(items) < 2:
        form.report("a remediation says what to do: az, bicep, terraform or manual", body.mark, "", "META002")
    return Remediation(
        effort=form.choice(items.get("effort"), "effort", EFFORTS, "medium"),
        az=commands,
        bicep=form.text(items.get("bicep"), "bicep"),
        terraform=form.text(items.get("terraform"), "terraform"),
        manual=form.text(items.get("manual"), "manual"),
    )


def _references(form: Form, node: Node | None) -> tuple[str, ...]:
    found = form.texts(node, "references")
    if node is not None and not found:
        form.report("references name at least one page", node.mark, "", "META003")
    for text in found:
        if node is not None and not re.match(r"https://[^\s/]+/\S*\Z", text):
            form.report(f"the reference {text!r} is no https address", node.mark, "", "META003")
    return found


def _date(form: Form, node: Node | None, what: str) -> str:
    text = form.text(node, what)
    if node is not None and text:
        try:
            dt.date.fromisoformat(text)
        except ValueError:
            form.report(f"{what} {text!r} is no date", node.mark, "Write it as 2026-11-25.")
    return text


def _controls(form: Form, node: Node | None) -> dict[Control, Mark]:
    """Each control that the rule names, with its place."""
    if node is None:
        return {}
    if not isinstance(node, MappingNode):
        form.report("controls must be a mapping of frameworks", node.mark)
        return {}
    found: dict[tuple[str, str], tuple[Control, Mark]] = {}
    for framework, items in node.items.items():
        if not FRAMEWORK.match(framework):
            form.report(
                f"the framework {framework!r} must be lower-case words joined by dashes",
                node.marks[framework],
            )
        for item in form.items(items, f"controls.{framework}"):
            basis = "stated"
            named: Node | None = item
            if isinstance(item, MappingNode):
                body = form.mapping(item, "a control", ("id", "basis"), ("id",))
                basis = form.choice(body.items.get("basis"), "basis", ("stated", "derived"), "stated")
                named = body.items.get("id")
            control = Control(framework, form.text(named, "a control's id"), basis)
            if (framework, control.id) in found:
                form.report(
                    f"the control {control.id!r} of {framework} stands twice", item.mark, "", "META005"
                )
            found[framework, control.id] = control, item.mark
    return dict(found.values())


def _tests(form: Form, node: Node | None, parameters: Mapping[str, Parameter]) -> tuple[RuleTest, ...]:
    found = []
    names: set[str] = set()
    for item in form.items(node, "tests"):
        body = form.mapping(item, "a test", TEST_KEYS, ("name", "resource", "expect"))
        items = body.items
        name = form.text(items.get("name"), "a test's name")
        if name in names:
            form.report(f"two tests are named {name!r}", body.mark)
        names.add(name)
        related = items.get("related")
        params = items.get("params")
        found.append(
            RuleTest(
                name=name,
                resource=plain(items["resource"]) if "resource" in items else {},
                related=plain(form.mapping(related, "related", _any_of(related))) if related else {},
                params=_test_params(form, params, parameters),
                now=form.text(items.get("now"), "now"),
                expect=form.choice(items.get("expect"), "expect", EXPECTATIONS, "pass"),
                message_contains=_loose_text(form, items.get("messageContains")),
                findings=form.whole(items.get("findings"), "findings"),
                mark=item.mark,
            )
        )
    return tuple(found)


def _loose_text(form: Form, node: Node | None) -> str:
    if isinstance(node, Scalar) and isinstance(node.value, (int, float)):
        return node.text
    return form.text(node, "messageContains")


def _any_of(node: Node) -> tuple[str, ...]:
    return tuple(node.items) if isinstance(node, MappingNode) else ()


def _test_params(form: Form, node: Node | None, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    if node is None:
        return {}
    body = form.mapping(node, "params", parameters)
    found = {}
    for name, item in body.items.items():
        if name not in parameters:
            continue
        value = plain(item)
        value = tuple(value) if isinstance(value, list) else value
        problem = value_problem(parameters[name], value)
        if problem:
            form.report(f"the parameter {name} {problem}", item.mark, "", "PROF003")
        found[name] = value
    return found


def _consistent(form: Form, body: MappingNode, rule: Rule) -> None:
    if not rule.enabled and not rule.disabled_reason:
        form.report("a rule with enabled: false needs a disabledReason", body.mark)
    if rule.when is None and rule.not_applicable_message:
        form.report("notApplicableMessage without `when` is never shown", body.marks["notApplicableMessage"])
    for identifier in rule.replaces:
        if not RULE_ID.match(identifier):
            form.report(
                f"replaces: {identifier!r} is no rule id", body.marks["replaces"], nearest(identifier, ())
            )
