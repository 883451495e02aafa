"""Rules as Azure Policy definitions: a pack comes in, definitions and an initiative come out, with the rules that have none.

Nothing is sent to Azure. The definitions keep to property aliases of the regular form; Azure's table of aliases, where
given, says which of them exist and which can be modified.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from scanner import types
from scanner.engine.codegen.writer import reads_parameters
from scanner.engine.operators.row import kind
from scanner.engine.relations import relation
from scanner.language.azure_policy.expressing import Expresser, NotExpressible, element_scope, target_scope
from scanner.language.azure_policy.phrases import Json, escaped, negated
from scanner.model.condition import Condition, Leaf, Logic, Path, Quantifier, Ref, Related
from scanner.model.rule import Parameter, Rule, RulePack

SPACE = uuid.UUID("6f0c2c4e-5f3b-5b8e-9d57-5a1f0c7d9a11")
"""The namespace of the definitions' GUIDs: the same rule always gets the same one."""
CONTRIBUTOR = "/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c"
REGISTRIES = "Microsoft.ContainerRegistry/registries"
TYPES = {"string": "String", "integer": "Integer", "number": "Float", "boolean": "Boolean", "array": "Array"}
MAX_NAME, MAX_DESCRIPTION = 128, 512
"""Azure's limits for a display name and a description."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A definition. `file`: name without ending; `rule`: the id of the rule; `effects`: what its effect can be.

    `note`: why there is no Modify beside it, where the check alone would have one.
    """

    rule: str
    file: str
    name: str
    effects: tuple[str, ...]
    parameters: tuple[str, ...]
    content: Json
    note: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A rule without a definition, and why."""

    rule: str
    title: str
    reason: str


def export_rule(
    rule: Rule,
    pack: RulePack,
    table: Mapping[str, str] | None = None,
    fixed: Collection[str] = (),
) -> tuple[tuple[Exported, ...], str]:
    """(the definitions of a rule, why there is none).

    `table`: paths of Azure's aliases by lower-case name; `fixed`: those that a policy cannot change.
    """
    if rule.semantics != "native":
        return (), "it was imported from a definition"
    if rule.check is None:
        return (), "a person attests it"
    facts = types.facts_for(rule.target)
    if facts is None or facts.computed or rule.target.startswith("acrscan/"):
        return (), f"{rule.target} is no resource that Azure Policy sees"
    if rule.target.lower().startswith(f"{REGISTRIES}/repositories".lower()):
        return (), "Azure Policy does not see what lies in registries"
    parameters = {**pack.parameters, **rule.parameters}
    values = {name: _value_of(rule, pack, name) for name in parameters}
    try:
        return tuple(_definitions(rule, pack, parameters, values, table or {}, fixed)), ""
    except NotExpressible as no:
        return (), no.reason


def _definitions(
    rule: Rule,
    pack: RulePack,
    parameters: Mapping[str, Parameter],
    values: Mapping[str, Any],
    table: Mapping[str, str],
    fixed: Collection[str],
) -> list[Exported]:
    expresser = Expresser(rule.target, parameters, values, table)
    applies = [{"field": "type", "equals": expresser.facts.type}]
    if rule.when is not None:
        applies.append(expresser.condition(rule.when))
    check = rule.check
    while isinstance(check, Ref):
        check = check.condition
    if check is None:
        raise NotExpressible("it has no condition")
    if isinstance(check, Quantifier) and isinstance(check.of, Related):
        details = _existence(check, rule, table)
        effects = ("AuditIfNotExists", "Disabled")
        return [_definition(rule, pack, expresser, _all(applies), effects, details)]
    failing = negated(expresser.condition(check))
    condition = _all([*applies, failing])
    found = [_definition(rule, pack, expresser, condition, ("Audit", "Deny", "Disabled"), None)]
    operation = _operation(check, expresser)
    if operation is not None and operation["field"].lower() in fixed:
        note = f"no Modify of {rule.id}: Azure lets no policy change {operation['field']}"
        return [replace(found[0], note=note)]
    if operation is not None:
        changes = {
            "conflictEffect": "audit",
            "roleDefinitionIds": [CONTRIBUTOR],
            "operations": [operation],
        }
        found.append(_definition(rule, pack, expresser, condition, ("Modify", "Disabled"), changes))
    return found


def _all(parts: list[Json]) -> Json:
    return {"allOf": parts} if len(parts) > 1 else parts[0]


def _existence(check: Quantifier, rule: Rule, table: Mapping[str, str]) -> Json:
    """The details of an effect that looks for a related resource."""
    name = check.of.name if isinstance(check.of, Related) else ""
    row = relation(name, rule.target)
    facts = types.facts_for(row.element) if row is not None and row.element else None
    if check.kind != "some" or check.when_empty == "pass":
        raise NotExpressible(
            f"related.{name}: Azure can ask for one related resource that fits, and for nothing else"
        )
    if row is None or facts is None or facts.computed or row.kind not in ("children", "extension"):
        raise NotExpressible(f"related.{name} is no resource below the registry")
    inner = Expresser(facts.type, {}, {}, table)
    if reads_parameters(check.where):
        raise NotExpressible("parameters in the condition on a related resource")
    where = inner.condition(check.where, element_scope(check.var))
    return {"type": facts.type, "existenceCondition": where}


def _operation(check: Condition, expresser: Expresser) -> Json | None:
    """The change that mends a failing rule, where the check wants one property to have one value."""
    wanted: Any = None
    leaf = check.children[0] if isinstance(check, Logic) and check.kind == "not" else check
    while isinstance(leaf, Ref):
        leaf = leaf.condition
    if not isinstance(leaf, Leaf) or not isinstance(leaf.subject, Path) or leaf.operator != "equals":
        return None
    if leaf.subject.keys[:1] != ("properties",) or kind(leaf.operand) not in ("string", "number", "boolean"):
        return None
    if leaf is check or isinstance(check, Ref):
        wanted = leaf.operand
    elif isinstance(leaf.operand, bool):
        wanted = not leaf.operand
    else:
        fact = expresser.facts.fact(leaf.subject.keys)
        others = (
            [value for value in fact.enum if str(value).lower() != str(leaf.operand).lower()] if fact else []
        )
        if len(others) != 1:
            return None
        wanted = others[0]
    alias = expresser.alias(leaf.subject, target_scope())
    return {"operation": "addOrReplace", "field": alias, "value": escaped(wanted)}


def _definition(
    rule: Rule,
    pack: RulePack,
    expresser: Expresser,
    condition: Json,
    effects: tuple[str, ...],
    details: Json | None,
) -> Exported:
    """One definition; its name is a GUID that hangs on the pack, the rule and the sort of effect alone."""
    suffix = "" if "Audit" in effects else f"-{effects[0].lower()}"
    name = str(uuid.uuid5(SPACE, f"{pack.id}/{rule.id}{suffix}"))
    declared: Json = {
        "effect": {
            "type": "String",
            "allowedValues": list(effects),
            "defaultValue": effects[0],
            "metadata": {
                "displayName": "Effect",
                "description": "Enable or disable the execution of the policy",
            },
        }
    }
    for used in sorted(expresser.used):
        declared[used] = _declared(expresser.parameters[used], _value_of(rule, pack, used))
    if "effect" in expresser.used:
        raise NotExpressible("its own parameter is named effect")
    then: Json = {"effect": "[parameters('effect')]"}
    if details is not None:
        then["details"] = details
    verb = "Configure: " if "Modify" in effects else ""
    properties = {
        "displayName": _short(f"{verb}{rule.title} ({rule.id})", MAX_NAME),
        "policyType": "Custom",
        "mode": "Indexed" if rule.target.count("/") == 1 else "All",
        "description": _short(rule.rationale, MAX_DESCRIPTION),
        "metadata": {
            "version": pack.version or "1.0.0",
            "category": "Container Registry",
            "acrscan": {"rule": rule.id, "digest": rule.digest, "severity": rule.severity},
        },
        "parameters": declared,
        "policyRule": {"if": condition, "then": then},
    }
    content = {"name": name, "type": "Microsoft.Authorization/policyDefinitions", "properties": properties}
    file = f"{rule.id}-{rule.name}{suffix}"
    return Exported(rule.id, file, name, effects, tuple(sorted(expresser.used)), content)


def _value_of(rule: Rule, pack: RulePack, name: str) -> Any:
    """The effective value of a parameter: what a profile sets is what is exported."""
    own = f"{rule.id}.{name}" if name in rule.parameters else name
    if own in pack.values:
        return pack.values[own]
    return rule.parameters[name].default if name in rule.parameters else None


def _declared(parameter: Parameter, value: Any) -> Json:
    sort = next((TYPES[name] for name in parameter.types if name in TYPES), "")
    if not sort or value is None:
        raise NotExpressible(f"the parameter {parameter.name} has no counterpart")
    found: Json = {
        "type": sort,
        "defaultValue": escaped(value),
        "metadata": {
            "displayName": parameter.name,
            "description": _short(parameter.description, MAX_DESCRIPTION),
        },
    }
    if parameter.enum:
        found["allowedValues"] = escaped(parameter.enum)
    return found


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def initiative(pack: RulePack, exported: tuple[Exported, ...], scope: str) -> Json:
    """A policy set definition of all definitions that only look. `scope`: the id below which they are made."""
    looking = [one for one in exported if "Modify" not in one.effects]
    declared: Json = {}
    members = []
    for one in looking:
        properties = one.content["properties"]["parameters"]
        values: Json = {}
        for name, item in properties.items():
            key = f"{one.rule}_{name}"
            declared[key] = item
            values[name] = {"value": f"[parameters('{key}')]"}
        members.append(
            {
                "policyDefinitionId": f"{scope.rstrip('/')}/providers/Microsoft.Authorization/policyDefinitions/{one.name}",
                "policyDefinitionReferenceId": one.file,
                "parameters": values,
            }
        )
    return {
        "name": str(uuid.uuid5(SPACE, pack.id)),
        "type": "Microsoft.Authorization/policySetDefinitions",
        "properties": {
            "displayName": _short(f"acrscan {pack.id} {pack.version}", MAX_NAME),
            "policyType": "Custom",
            "description": f"The rules of the pack {pack.id} that Azure Policy can express.",
            "metadata": {"version": pack.version or "1.0.0", "category": "Container Registry"},
            "parameters": declared,
            "policyDefinitions": members,
        },
    }
