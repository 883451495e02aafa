"""Native conditions in Azure Policy's language: a condition comes in, a JSON condition that holds for the same bodies comes out.

The two languages differ where a value is absent, null or of another type. Each operator is written so that wherever the
native condition is true or false, Azure's is too; whatever cannot be written so raises `NotExpressible`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from scanner import types
from scanner.engine.azure.aliases import EACH, Alias, resolve, split
from scanner.engine.operators import OPERATORS, Options
from scanner.engine.operators.row import kind
from scanner.language.azure_policy import phrases
from scanner.language.azure_policy.phrases import Json, escaped, negated, read
from scanner.model.azure import Policy
from scanner.model.condition import (
    Condition,
    Count,
    Leaf,
    ListSource,
    Logic,
    Param,
    Path,
    Quantifier,
    Ref,
)
from scanner.model.rule import Parameter
from scanner.model.values import ABSENT

MAX_RANGES = 50
MAX_COUNTS = 5
"""Counts over one array that Azure allows in a rule."""
PLAIN = (("name",), ("type",), ("location",), ("id",), ("kind",), ("identity", "type"), ("tags",))
SIMPLE = ("less", "lessOrEquals", "greater", "greaterOrEquals", "containsKey")


class NotExpressible(Exception):
    """Why a condition cannot be written in Azure Policy's language."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _At(NamedTuple):
    """What a variable stands for: its keys from the body (with `[*]`), and the alias of it ("" = the resource)."""

    keys: tuple[str, ...]
    alias: str


class Expresser:
    """Writes conditions on resources of one type.

    `values`: the parameters' effective values; `table`: Azure's aliases where known; `used`: parameters met; `standing`: lists whose
    elements an enclosing count goes through.
    """

    def __init__(
        self,
        target: str,
        parameters: Mapping[str, Parameter],
        values: Mapping[str, Any],
        table: Mapping[str, str],
    ) -> None:
        facts = types.facts_for(target)
        if facts is None:
            raise NotExpressible(f"nothing is known of {target}")
        self.facts = facts
        self.parameters = parameters
        self.values = values
        self.table = table
        self.used: set[str] = set()
        self.standing: list[tuple[str, ...]] = []
        self.counts: Counter[str] = Counter()

    def condition(self, condition: Condition, env: Mapping[str, _At] | None = None) -> Json:
        """The JSON condition."""
        scope = target_scope() if env is None else env
        match condition:
            case Leaf():
                return self._leaf(condition, scope)
            case Logic(kind="not"):
                return negated(self.condition(condition.children[0], scope))
            case Logic():
                return {condition.kind: [self.condition(child, scope) for child in condition.children]}
            case Ref():
                return self.condition(condition.condition, {"": scope[""]})
            case Quantifier():
                return self._quantifier(condition, scope)
            case Count():
                return self._counted(condition, scope)
            case Policy():
                raise NotExpressible("it is an imported definition already")

    def alias(self, path: Path, env: Mapping[str, _At]) -> str:
        """The field of a path; raises `NotExpressible` where no alias of the regular form leads there."""
        if path.var not in env:
            raise NotExpressible(f"{path} is outside the related resource")
        return self._name((*env[path.var].keys, *path.keys), str(path))

    def _name(self, keys: tuple[str, ...], shown: str) -> str:
        if keys in PLAIN:
            return ".".join(keys)
        if keys[0] == "tags" and len(keys) == 2:
            if "'" in keys[1] or "]" in keys[1]:
                raise NotExpressible(f"the tag {keys[1]!r} cannot be named in a field")
            return f"tags['{keys[1]}']"
        holder: tuple[str, ...] = ()
        parts: list[str] = []
        for number, key in enumerate(keys):
            above = self.facts.fact(tuple(types.ELEMENT if one == EACH else one for one in holder))
            if above is not None and above.kind == "map":
                raise NotExpressible(f"{shown} is the key of a map, for which Azure has no alias")
            skipped = key == "properties" and (number == 0 or keys[number - 1] == EACH)
            if not skipped:
                parts.append(key if key == EACH or not parts else f".{key}")
            holder = (*holder, key)
        text = f"{self.facts.type}/{''.join(parts)}"
        found = resolve(text, self.facts.type, self.table)
        if not parts or not isinstance(found, Alias) or found.steps != keys:
            raise NotExpressible(f"no alias of the regular form leads to {shown}")
        if self.table and split(self.table.get(text.lower(), "")) != keys:
            raise NotExpressible(f"Azure's table has no alias {text}")
        return text

    def _fact(self, path: Path, env: Mapping[str, _At]) -> types.Fact | None:
        keys = (*env[path.var].keys, *path.keys) if path.var in env else path.keys
        return self.facts.fact(tuple(types.ELEMENT if key == EACH else key for key in keys))

    def parameter(self, name: str) -> str:
        """The expression for a parameter's value; an undeclared list has no counterpart."""
        if self.values.get(name) is None:
            raise NotExpressible(f"the parameter {name} is not declared; a profile can declare it")
        self.used.add(name)
        return f"parameters('{name}')"

    def _operand(self, operand: Any, env: Mapping[str, _At]) -> Any:
        if isinstance(operand, Param):
            return f"[{self.parameter(operand.name)}]"
        if isinstance(operand, Path):
            return f"[{read(self.alias(operand, env))}]"
        return escaped(operand)

    def _leaf(self, leaf: Leaf, env: Mapping[str, _At]) -> Json:
        if leaf.case_sensitive:
            raise NotExpressible("a comparison with regard to case")
        if isinstance(leaf.subject, Param):
            return self._of_parameter(leaf, leaf.subject.name)
        keys = leaf.subject.keys
        if keys and keys[-1] == "location" and (keys != ("location",) or leaf.subject.var):
            raise NotExpressible(f"{leaf.subject} compares as a region, which Azure does for `location` only")
        name = self.alias(leaf.subject, env)
        test = self._test(leaf, name, env)
        if leaf.default is ABSENT:
            return test
        return self._with_default(leaf, name, test)

    def _of_parameter(self, leaf: Leaf, name: str) -> Json:
        call = self.parameter(name)
        if leaf.operator == "exists":
            return {"value": True, "equals": leaf.operand}  # it has a value, or it would not be exported
        if leaf.operator == "empty":
            return {"value": f"[empty({call})]", "equals": leaf.operand}
        if leaf.operator == "equals" and leaf.operand is not None:
            return {"value": f"[{call}]", "equals": self._operand(leaf.operand, {})}
        raise NotExpressible(f"{leaf.operator} on the parameter {name}")

    def _with_default(self, leaf: Leaf, name: str, test: Json) -> Json:
        """A value that stands for an absent one: what it decides is known now."""
        if isinstance(leaf.operand, (Param, Path)):
            raise NotExpressible("a default compared with something that varies")
        if leaf.operator in phrases.DATED:
            raise NotExpressible("a default that is compared with the clock")
        answer = OPERATORS[leaf.operator].decide(leaf.default, leaf.operand, Options(0.0))
        if not isinstance(answer, bool):
            raise NotExpressible("a default that its operator cannot judge")
        if leaf.operator in ("empty", "exists") or OPERATORS[leaf.operator].absent(leaf.operand):
            present = {"allOf": [{"field": name, "exists": True}, test]}
        else:
            present = test
        return {"anyOf": [{"field": name, "exists": False}, present]} if answer else present

    def _test(self, leaf: Leaf, name: str, env: Mapping[str, _At]) -> Json:
        operator, operand = leaf.operator, leaf.operand
        if operator == "exists":
            return {"field": name, "exists": operand}
        if operator == "empty":
            return self._empty(leaf, name, env)
        if operator == "equals":
            return self._equals(name, operand, env)
        if operator == "in":
            return self._in(name, operand, env)
        if operator in SIMPLE:
            if isinstance(operand, Path):
                raise NotExpressible(f"{operator} between two properties")
            return {"field": name, operator: self._operand(operand, env)}
        if operator == "like" and isinstance(operand, str):
            return self._like(name, operand)
        if operator == "likeAny" and isinstance(operand, tuple):
            choices = [self._like(name, item) for item in operand]
            if choices:
                return {"anyOf": choices}
        if operator == "contains":
            return self._contains(leaf, name, env)
        if operator == "cidrPrefixLess":
            return self._prefix_less(name, operand)
        if operator == "cidrWithin":
            return self._within(name, operand)
        if operator in phrases.DATED:
            return self._days_back(name, operator, operand)
        raise NotExpressible(
            f"{operator} has no counterpart" if operator != "like" else "like with a parameter"
        )

    def _equals(self, name: str, operand: Any, env: Mapping[str, _At]) -> Json:
        if operand is None:
            return {"field": name, "exists": False}
        test = {"field": name, "equals": self._operand(operand, env)}
        if isinstance(operand, Path):
            other = {"field": self.alias(operand, env), "exists": True}
            return {"allOf": [{"field": name, "exists": True}, other, test]}
        if operand == "" or isinstance(operand, Param):
            return {"allOf": [{"field": name, "exists": True}, test]}  # null equals "" in Azure
        return test

    def _in(self, name: str, operand: Any, env: Mapping[str, _At]) -> Json:
        if not isinstance(operand, tuple):
            return {"field": name, "in": self._operand(operand, env)}
        values = [item for item in operand if item is not None]
        if len({kind(item) for item in values}) > 1:
            raise NotExpressible("a list of several kinds of values, which Azure would convert")
        test = {"field": name, "in": escaped(tuple(values))}
        return {"anyOf": [{"field": name, "exists": False}, test]} if len(values) < len(operand) else test

    def _like(self, name: str, pattern: str) -> Json:
        if pattern.count("*") > 1 or "?" in pattern:
            raise NotExpressible(f"the pattern {pattern!r}: Azure knows one * and gives ? a meaning")
        return (
            {"field": name, "like": escaped(pattern)} if "*" in pattern else self._equals(name, pattern, {})
        )

    def _contains(self, leaf: Leaf, name: str, env: Mapping[str, _At]) -> Json:
        fact = self._fact(leaf.subject, env) if isinstance(leaf.subject, Path) else None
        held = (
            fact.items if fact is not None and fact.kind == "array" else fact.kind if fact is not None else ""
        )
        operand = leaf.operand
        if not isinstance(operand, str) or not operand or "*" in operand or held != "string":
            raise NotExpressible(f"contains on {leaf.subject}: Azure would convert what it compares")
        if isinstance(leaf.subject, Path) and fact is not None and fact.kind == "array":
            where = {"field": self._elements(leaf.subject, env).alias, "equals": escaped(operand)}
            return self._count(leaf.subject, env, where, "greater", 0)
        return {"field": name, "contains": escaped(operand)}

    def _prefix_less(self, name: str, operand: Any) -> Json:
        bounds = operand if isinstance(operand, tuple) else (operand,)
        if isinstance(operand, Path) or not 1 <= len(bounds) <= 2:
            raise NotExpressible("cidrPrefixLess between two properties")
        told = [self.parameter(one.name) if isinstance(one, Param) else str(int(one)) for one in bounds]
        return phrases.prefix_less(read(name), told)

    def _within(self, name: str, operand: Any) -> Json:
        if isinstance(operand, Param):
            call = self.parameter(operand.name)
            if isinstance(self.values[operand.name], (tuple, list)):
                return phrases.within_any(read(name), call)
            return phrases.within(read(name), [call])
        if isinstance(operand, Path):
            raise NotExpressible("cidrWithin between two properties")
        texts = operand if isinstance(operand, tuple) else (operand,)
        if not 1 <= len(texts) <= MAX_RANGES:
            raise NotExpressible(f"cidrWithin a list of {len(texts)} ranges (a parameter can hold them)")
        return phrases.within(read(name), [phrases.quoted(text) for text in texts])

    def _days_back(self, name: str, operator: str, operand: Any) -> Json:
        if isinstance(operand, Param):
            return phrases.days_back(name, operator, f"sub(0, {self.parameter(operand.name)})")
        if not isinstance(operand, (int, float)) or operand != int(operand):
            raise NotExpressible(f"{operator} with anything but whole days")
        return phrases.days_back(name, operator, str(-int(operand)))

    def _empty(self, leaf: Leaf, name: str, env: Mapping[str, _At]) -> Json:
        fact = self._fact(leaf.subject, env) if isinstance(leaf.subject, Path) else None
        match fact.kind if fact is not None else "":
            case "string":
                test: Json = {"anyOf": [{"field": name, "exists": False}, {"field": name, "equals": ""}]}
            case "array":
                if not isinstance(leaf.subject, Path):
                    raise NotExpressible("empty on a parameter")
                test = self._count(leaf.subject, env, None, "equals", 0)
            case "boolean" | "integer" | "number":
                test = {"field": name, "exists": False}
            case "object" | "map" if EACH not in name:
                test = {"value": f"[empty({read(name)})]", "equals": True}
            case _:
                raise NotExpressible(f"empty on {leaf.subject}, of which the kind is not known")
        return test if leaf.operand is True else negated(test)

    def _quantifier(self, condition: Quantifier, env: Mapping[str, _At]) -> Json:
        of = self._listed(condition.of)
        where = self._where(condition.where, condition.var, of, env)
        if condition.kind == "every":
            test = self._count(of, env, negated(where), "equals", 0)
        else:
            operator = "equals" if condition.kind == "none" else "greater"
            test = self._count(of, env, where, operator, 0)
        if condition.when_empty is None:
            return test
        if condition.when_empty == "pass":
            return (
                {"anyOf": [self._count(of, env, None, "equals", 0), test]}
                if condition.kind == "some"
                else test
            )
        return (
            {"allOf": [self._count(of, env, None, "greater", 0), test]} if condition.kind != "some" else test
        )

    def _counted(self, condition: Count, env: Mapping[str, _At]) -> Json:
        of = self._listed(condition.of)
        if isinstance(condition.operand, Path):
            raise NotExpressible("a count compared with a property")
        where = None
        if condition.where is not None:
            where = self._where(condition.where, condition.var, of, env)
        return self._count(of, env, where, condition.operator, self._operand(condition.operand, env))

    def _where(self, condition: Condition, var: str, of: Path, env: Mapping[str, _At]) -> Json:
        """The condition on the elements of a list."""
        at = self._elements(of, env)
        self.standing.append(at.keys)
        found = self.condition(condition, {**env, var: at})
        self.standing.pop()
        return found

    def _listed(self, of: ListSource) -> Path:
        if not isinstance(of, Path):
            name = of.name if isinstance(of, Param) else f"related.{of.name}"
            raise NotExpressible(f"{name} is no property of the resource")
        return of

    def _elements(self, of: Path, env: Mapping[str, _At]) -> _At:
        fact = self._fact(of, env)
        if fact is None or fact.kind != "array":
            held = (
                "a map, through which Azure cannot go"
                if fact and fact.kind == "map"
                else "not known to be a list"
            )
            raise NotExpressible(f"{of} is {held}")
        if of.var not in env:
            raise NotExpressible(f"{of} is outside the related resource")
        keys = (*env[of.var].keys, *of.keys, EACH)
        for outer in self.standing:
            if keys[: len(outer)] == outer and env[of.var].keys[: len(outer)] != outer:
                raise NotExpressible(
                    f"two elements of {of} at a time: in a count Azure sees the one it stands at"
                )
        return _At(keys, self._name(keys, f"{of}[*]"))

    def _count(
        self, of: Path, env: Mapping[str, _At], where: Json | None, operator: str, number: Any
    ) -> Json:
        alias = self._elements(of, env).alias
        self.counts[alias] += 1
        if self.counts[alias] > MAX_COUNTS:
            raise NotExpressible(f"more than {MAX_COUNTS} counts over {of}, the most that Azure allows")
        body: Json = {"field": alias}
        if where is not None:
            body["where"] = where
        return {"count": body, operator: number}


def target_scope() -> Mapping[str, _At]:
    """The scope in which the target alone is known."""
    return {"": _At((), "")}


def element_scope(var: str) -> Mapping[str, _At]:
    """The scope of an existence condition: the related resource alone is known, as a variable."""
    return {var: _At((), "")}
