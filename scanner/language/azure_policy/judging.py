"""From a definition to what the engine judges: mode, effect and conditions come in, `when` and `check` come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from scanner.engine.azure.aliases import split
from scanner.engine.azure.values import decide
from scanner.engine.relations import relations_for
from scanner.language.azure_policy.clauses import ClauseParser, Reading, constant
from scanner.language.azure_policy.definition import RESOURCE_MODES
from scanner.language.azure_policy.nodes import entry, word
from scanner.model.azure import Call, Clause, Existence, Field, Group, Policy, Template, Test, Value
from scanner.model.condition import Condition, Logic, Mark
from scanner.model.rule import Parameter
from scanner.text import Mapping as MappingNode
from scanner.text import Node, Scalar, nearest, plain

DATA_MODES = (
    "Microsoft.Kubernetes.Data",
    "Microsoft.KeyVault.Data",
    "Microsoft.ManagedHSM.Data",
    "Microsoft.DataFactory.Data",
    "Microsoft.MachineLearningServices.v2.Data",
    "Microsoft.MachineLearningServices.Data",
    "Microsoft.Network.Data",
    "Microsoft.ContainerService.Data",
    "Microsoft.DataCatalog.Data",
    "Microsoft.LoadTestService.Data",
)
"""Modes in which a resource provider looks at its own objects; acrscan does not read those."""
IF_NOT_EXISTS = ("auditifnotexists", "deployifnotexists")
EFFECTS = (
    "addToNetworkGroup", "append", "audit", "auditIfNotExists", "deny", "denyAction", "deployIfNotExists", "disabled",
    "manual", "modify", "mutate",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """What an imported definition asks. `effect`: its template; `manual`: nothing but a person can answer.

    `disabled`: the effect is Disabled unless somebody sets it otherwise.
    """

    when: Condition | None
    check: Condition | None
    effect: Template
    effect_now: str
    manual: bool = False
    disabled: bool = False


def judged(
    reading: Reading,
    rule: Node,
    mode: str,
    parameters: Mapping[str, Parameter],
    target: str,
    definition: str,
) -> Judged | None:
    """The conditions of a policy rule for resources of type `target`; None when something could not be taken."""
    errors = len(reading.form.errors)
    _check_mode(reading, mode, rule.mark)
    defaults = {name: item.default for name, item in parameters.items()}
    then = entry(rule, "then")
    if not isinstance(then, MappingNode):
        reading.report("a policy rule has no `then`", rule.mark, "then")
        return None
    effect, effect_now, kinds = _effect(reading, then, parameters, defaults)
    if len(reading.form.errors) > errors:
        return None
    if "manual" in kinds:
        return Judged(None, None, effect, effect_now, manual=True)
    given = entry(rule, "if")
    if given is None:
        reading.report("a policy rule has no `if`", rule.mark, "if")
        return None
    clause = ClauseParser(reading, target, target).parse(given)
    details = entry(then, "details")
    existence: Existence | None = None
    if kinds & set(IF_NOT_EXISTS):
        existence = _existence(reading, details, then.mark, target)
    _note_deployment(reading, details)
    if clause is None or len(reading.form.errors) > errors:
        return None

    def policy(part: Clause) -> Policy:
        table = tuple(sorted((key, path) for key, path in reading.table.items()))
        return Policy(part, target, table, definition, part.mark)

    on = _enabled(effect, then.mark)
    if existence is not None:
        when = Group("allOf", (on, clause), clause.mark) if on else clause
        return Judged(policy(when), policy(existence), effect, effect_now, disabled=effect_now == "disabled")
    applies = applicable(clause, target)
    parts = [part for part in (on, applies) if part is not None]
    when_policy = policy(Group("allOf", tuple(parts), clause.mark)) if parts else None
    check = Logic("not", (policy(clause),), clause.mark)
    return Judged(when_policy, check, effect, effect_now, disabled=effect_now == "disabled")


def _check_mode(reading: Reading, mode: str, mark: Mark) -> None:
    if not mode or mode.lower() in RESOURCE_MODES:
        return
    if mode.lower() in {name.lower() for name in DATA_MODES}:
        reading.report(
            f"the mode {mode} is evaluated by its resource provider, on objects that acrscan does not read",
            mark, f"mode {mode}",
        )  # fmt: skip
        return
    advice = nearest(mode, (*DATA_MODES, "All", "Indexed"))
    reading.report(f"unknown mode {mode!r}", mark, f"mode {mode}", advice)


def _effect(
    reading: Reading, then: MappingNode, parameters: Mapping[str, Parameter], defaults: Mapping[str, Any]
) -> tuple[Template, str, set[str]]:
    """The effect's template, its value as things stand (lower case, "" = open), and the kinds it can have."""
    node = entry(then, "effect")
    if node is None:
        reading.report("`then` has no effect", then.mark, "then.effect")
        return "", "", set()
    template = reading.template(node, counting=False)
    now = constant(template, defaults)
    found = [now] if isinstance(now, str) else []
    if isinstance(template, Call) and template.name == "parameters" and template.arguments:
        name = str(template.arguments[0]).lower()
        for key, item in parameters.items():
            if key.lower() == name:
                found += [value for value in item.enum if isinstance(value, str)]
    known = {name.lower() for name in EFFECTS}
    for value in found:
        if value.lower() not in known:
            reading.report(f"unknown effect {value!r}", node.mark, f"effect {value}", nearest(value, EFFECTS))
    kinds = {value.lower() for value in found} - {"disabled"}
    if not kinds and word(entry(entry(then, "details"), "type")):
        kinds = {"auditifnotexists"}
    if kinds & set(IF_NOT_EXISTS) and kinds - set(IF_NOT_EXISTS):
        reading.report(
            "the effect may be of two sorts: one that looks for a related resource and one that does not",
            node.mark, "then.effect",
        )  # fmt: skip
    return template, now.lower() if isinstance(now, str) else "", kinds


def _enabled(effect: Template, mark: Mark) -> Clause | None:
    """The condition that the effect is not Disabled, where it can change; one that is written out needs none."""
    if isinstance(effect, str):
        return None
    return Test(Value(effect), "notEquals", "Disabled", mark)


def _note_deployment(reading: Reading, details: Node | None) -> None:
    for name in ("deployment", "operations"):
        node = entry(details, name)
        if node is not None:
            reading.notes.append(
                (node.mark, f"details.{name} is what Azure would change; it is not part of the check")
            )


def _existence(reading: Reading, details: Node | None, mark: Mark, target: str) -> Existence | None:
    node = entry(details, "type")
    kind = word(node)
    if not kind or "[" in kind:
        reading.report(
            "an effect that looks for a related resource needs details.type, written out",
            (node or details).mark if (node or details) is not None else mark,  # type: ignore[union-attr]
            "details.type",
        )
        return None
    relation = next((row for row in relations_for(target) if row.element.lower() == kind.lower()), None)
    below = kind.lower().startswith(target.lower() + "/") or (
        relation is not None and relation.kind in ("extension", "inherited")
    )
    if relation is None:
        reading.notes.append(
            (mark, f"acrscan relates no {kind} to {target}: where the policy applies, the verdict is unknown")
        )

    def template(name: str) -> Template:
        found = entry(details, name)
        return None if found is None else reading.template(found, counting=False)

    scope = word(entry(details, "existenceScope")).lower() or "resourcegroup"
    if scope not in ("resourcegroup", "subscription"):
        reading.report(f"unknown existenceScope {scope!r}", mark, "existenceScope")
        return None
    wanted: Literal["resourceGroup", "subscription"] = (
        "subscription" if scope == "subscription" else "resourceGroup"
    )
    condition = entry(details, "existenceCondition")
    where = None if condition is None else ClauseParser(reading, kind, target).parse(condition)
    if condition is not None and where is None:
        return None
    name = relation.name if relation is not None else ""
    return Existence(kind, name, below, template("name"), template("resourceGroupName"), wanted, where, mark)


def applicable(clause: Clause, target: str) -> Clause | None:
    """When the policy applies at all: Azure asks `name` and `kind` for that, and takes everything else as met.

    None: to every resource of the type. Source:
    https://learn.microsoft.com/azure/governance/policy/concepts/policy-applicability
    """
    if not _others(clause):
        return None
    found = _reduced(clause, target, positive=True)
    if isinstance(found, bool):
        return None if found else clause
    return found


def _others(clause: Clause) -> bool:
    """Whether any condition asks for something else than type, name and kind."""
    if isinstance(clause, Group):
        return any(_others(child) for child in clause.children)
    return not _about(clause, ("type", "name", "kind"))


def _about(clause: Clause, names: tuple[str, ...]) -> bool:
    return (
        isinstance(clause, Test)
        and isinstance(clause.subject, Field)
        and isinstance(clause.subject.name, str)
        and clause.subject.name.lower() in names
    )


def _reduced(clause: Clause, target: str, *, positive: bool) -> Clause | bool:
    if isinstance(clause, Test) and _about(clause, ("type",)):
        value = constant(clause.operand, {})
        answer = decide(clause.operator, target, value) if value is not None else clause
        return answer if isinstance(answer, bool) else clause
    if not isinstance(clause, Group):
        return clause if _about(clause, ("name", "kind")) else positive
    if clause.kind == "not":
        inner = _reduced(clause.children[0], target, positive=not positive)
        return (not inner) if isinstance(inner, bool) else replace(clause, children=(inner,))
    parts = [_reduced(child, target, positive=positive) for child in clause.children]
    settling = clause.kind == "anyOf"
    if settling in parts:
        return settling
    left = tuple(part for part in parts if not isinstance(part, bool))
    if not left:
        return not settling
    return left[0] if len(left) == 1 else replace(clause, children=left)


def types_of(clause: Clause, defaults: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The resource types for which a condition can hold, in the order of the text; None where any type may."""
    if isinstance(clause, Group):
        found = [types_of(child, defaults) for child in clause.children]
        if clause.kind == "not":
            return None
        if clause.kind == "anyOf":
            if any(item is None for item in found):
                return None
            return tuple(dict.fromkeys(name for item in found if item for name in item))
        lists = [item for item in found if item is not None]
        if not lists:
            return None
        rest = [{name.lower() for name in item} for item in lists[1:]]
        return tuple(name for name in lists[0] if all(name.lower() in item for item in rest))
    if not _about(clause, ("type",)) or not isinstance(clause, Test):
        return None
    value = constant(clause.operand, defaults)
    if clause.operator == "equals" and isinstance(value, str):
        return (value,)
    if clause.operator == "in" and isinstance(value, tuple):
        return tuple(item for item in value if isinstance(item, str))
    return None


def alias_table(reading: Reading, node: Node | None) -> dict[str, str]:
    """The paths of aliases as a rule file keeps them: {alias: path}, by lower-case alias."""
    found: dict[str, str] = {}
    if node is None:
        return found
    if not isinstance(node, MappingNode):
        reading.report("aliases must be a mapping of alias to path", node.mark, "aliases")
        return found
    for key, item in node.items.items():
        path = plain(item) if isinstance(item, Scalar) else None
        if not isinstance(path, str) or not split(path):
            reading.report(f"the path of the alias {key!r} cannot be read", item.mark, "aliases")
            continue
        found[key.lower()] = path
    return found
