"""What an expression can see: one deployment's parameters, variables, functions and resources, each worked out when asked for.

A template with inner scope has a `Scope` of its own; one with outer scope shares the values of the template around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from scanner.inventory.arm_template import declared
from scanner.inventory.arm_template.evaluation import evaluate, looped, run
from scanner.inventory.arm_template.home import Home
from scanner.inventory.arm_template.positions import Document
from scanner.inventory.arm_template.syntax import Call
from scanner.inventory.arm_template.values import (
    ExpressionError,
    Hole,
    Mixed,
    lookup,
    render,
    runtime,
)
from scanner.model.values import ABSENT, Alternatives, Unknown

if TYPE_CHECKING:
    from scanner.inventory.arm_template.deployment import Instance
    from scanner.inventory.arm_template.evaluating import Run

NO_COPIES: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Use:
    """Something that a value was made of: where it is written, and what it is (`parameter default`, `variable` ...)."""

    document: Document
    path: tuple[str, ...]
    what: str


@dataclass(frozen=True, slots=True)
class Supplied:
    """What a parameter was given: raw JSON at `use`, run in `scope` (as it is where None). `secret`: from a Key Vault."""

    raw: Any
    use: Use | None = None
    scope: Scope | None = None
    copies: Mapping[str, Any] = field(default_factory=dict)
    lambdas: Mapping[str, Any] = field(default_factory=dict)
    secret: bool = False


_Found = tuple[Any, tuple[Use, ...]]


class Scope:
    """The values of one template in one evaluation. `path`: where the template stands in its document.

    `home`: what `resourceGroup()` and `subscription()` mean; `target`: where its resources are put; `outer`: the scope
    whose parameters and variables it uses instead of its own.
    """

    def __init__(
        self,
        run: Run,
        document: Document,
        template: Mapping[str, Any],
        path: tuple[str, ...],
        home: Home,
        supplied: Mapping[str, Supplied],
        *,
        target: Home | None = None,
        outer: Scope | None = None,
        name: Any = None,
    ) -> None:
        self.run = run
        self.document = document
        self.template = template
        self.path = path
        self.home = home
        self.target = target or home
        self.outer = outer
        self.at: tuple[str, ...] = path
        self.copies: Mapping[str, Any] = NO_COPIES
        self.lambdas: Mapping[str, Any] = NO_COPIES
        self.depth: int = 0 if outer is None else outer.depth + 1
        self.deployment_name = name if name is not None else runtime("deployment().name")
        self._supplied = supplied
        self._parameters: dict[str, _Found | None] = {}
        self._variables: dict[str, _Found | None] = {}
        self._instances: list[Instance] | None = None

    @contextmanager
    def framed(
        self,
        at: tuple[str, ...],
        copies: Mapping[str, Any] = NO_COPIES,
        lambdas: Mapping[str, Any] = NO_COPIES,
    ) -> Iterator[None]:
        """Work at another place of the document, with these loops."""
        held = self.at, self.copies, self.lambdas
        self.at, self.copies, self.lambdas = at, copies, lambdas
        try:
            yield
        finally:
            self.at, self.copies, self.lambdas = held

    @contextmanager
    def copying(self, name: str, index: Any) -> Iterator[None]:
        """One round of a loop; `copyIndex()` without a name means the innermost one."""
        held, at = self.copies, self.at
        self.copies = {**held, name: index, "": index}
        try:
            yield
        finally:
            self.copies, self.at = held, at

    def wrong(self, message: str) -> Unknown:
        """Note what is wrong in the expression at the current place; its value is not known."""
        self.run.note(self.document, self.at, message)
        return Unknown(f"an expression cannot be worked out: {message}", "error")

    def key_of(self, value: Any) -> str:
        """An object's key that is not known, as text."""
        return value.cause if isinstance(value, Alternatives) else render(value)

    @cached_property
    def declarations(self) -> Mapping[str, declared.Declaration]:
        """The parameters by lower-case name."""
        return declared.declarations(self.template)

    @property
    def supplied_names(self) -> frozenset[str]:
        """Lower-case names of the parameters that were given a value."""
        return frozenset(self._supplied)

    def parameter(self, name: str) -> Any:
        """The value of a parameter. Raises `ExpressionError` for one that is not declared or needs itself."""
        if self.outer is not None:
            return self.outer.parameter(name)
        return self._worked_out(name, self._parameters, self._parameter, "parameter")

    def variable(self, name: str) -> Any:
        """The value of a variable; errors as for parameters."""
        if self.outer is not None:
            return self.outer.variable(name)
        return self._worked_out(name, self._variables, self._variable, "variable")

    def _worked_out(self, name: str, held: dict[str, _Found | None], work: Any, what: str) -> Any:
        key = name.lower()
        if key not in held:
            held[key] = None
            trail = self.run.trail
            begun = len(trail)
            try:
                value = work(name)
                held[key] = (value, tuple(dict.fromkeys(trail[begun:])))
            finally:
                del trail[begun:]
                if held[key] is None:
                    del held[key]
        found = held[key]
        if found is None:
            raise ExpressionError(f"the {what} {name[:80]!r} needs itself")
        self.run.trail += found[1]
        return found[0]

    def _parameter(self, name: str) -> Any:
        declaration = self.declarations.get(name.lower())
        if declaration is None:
            raise ExpressionError(f"there is no parameter {name[:80]!r}")
        supplied = self._supplied.get(name.lower())
        value = ABSENT if supplied is None else self._given(supplied)
        if value is None and not (supplied is not None and supplied.secret):
            value = ABSENT
        if value is ABSENT:
            return self._default(declaration)
        return self._kept(declaration, value)

    def _given(self, supplied: Supplied) -> Any:
        if supplied.use is not None:
            self.run.trail.append(supplied.use)
        if supplied.secret:
            return Hole("a secret of a Key Vault", "secret")
        if supplied.scope is None:
            return supplied.raw
        at = supplied.use.path if supplied.use else supplied.scope.path
        with supplied.scope.framed(at, supplied.copies, supplied.lambdas):
            return evaluate(supplied.raw, supplied.scope)

    def _default(self, declaration: declared.Declaration) -> Any:
        at = (*self.path, "parameters", declaration.name)
        if declaration.has_default:
            at = (*at, "defaultValue")
            self.run.trail.append(Use(self.document, at, "parameter default"))
            with self.framed(at):
                value = evaluate(declaration.default, self)
            return self._kept(declaration, value)
        self.run.trail.append(Use(self.document, at, "parameter"))
        if declaration.nullable:
            return None
        return declared.open_value(declaration, self.run.where(self.path))

    def _kept(self, declaration: declared.Declaration, value: Any) -> Any:
        """The value, unless it is a secret (an empty one is none)."""
        if (
            not declaration.secure
            or value in (None, "", {})
            or (isinstance(value, Hole) and value.kind == "secret" and value.text)
        ):
            return value
        return Hole(f"parameter `{declaration.name}` is secure", "secret", declared.spelled(declaration.name))

    @cached_property
    def _variable_loops(self) -> Mapping[str, tuple[str, Any]]:
        """Loops of variables: lower-case name -> position in the list `copy`, loop."""
        variables = self.template.get("variables")
        loops = lookup(variables, "copy") if isinstance(variables, dict) else None
        if not isinstance(loops, list):
            return {}
        return {
            loop["name"].lower(): (str(at), loop)
            for at, loop in enumerate(loops)
            if isinstance(loop, dict)
            and isinstance(loop.get("name"), str)
            and "count" in loop
            and "input" in loop
        }

    @cached_property
    def _variable_names(self) -> Mapping[str, str]:
        variables = self.template.get("variables")
        return {name.lower(): name for name in variables} if isinstance(variables, dict) else {}

    def _variable(self, name: str) -> Any:
        base = (*self.path, "variables")
        loop = self._variable_loops.get(name.lower())
        if loop is not None:
            at = (*base, "copy", loop[0])
            self.run.trail.append(Use(self.document, at, "variable"))
            with self.framed(at):
                return looped(loop[1], self)
        written = self._variable_names.get(name.lower())
        if written is None:
            raise ExpressionError(f"there is no variable {name[:80]!r}")
        at = (*base, written)
        self.run.trail.append(Use(self.document, at, "variable"))
        with self.framed(at):
            return evaluate(self.template["variables"][written], self)

    @cached_property
    def functions(self) -> Mapping[str, tuple[tuple[str, ...], Mapping[str, Any]]]:
        """User functions: lower-case `namespace.name` -> where it stands, what it is."""
        found: dict[str, tuple[tuple[str, ...], Mapping[str, Any]]] = {}
        rooms = self.template.get("functions")
        for at, room in enumerate(rooms if isinstance(rooms, list) else ()):
            members = room.get("members") if isinstance(room, dict) else None
            for name, member in members.items() if isinstance(members, dict) else ():
                if isinstance(member, dict):
                    path = (*self.path, "functions", str(at), "members", name)
                    found[f"{room.get('namespace')}.{name}".lower()] = (path, member)
        return found

    def call_user(self, node: Call) -> Any:
        """Call a user function: it sees its parameters and the other functions, nothing else."""
        holder: Scope = self
        while node.name not in holder.functions and holder.outer is not None:
            holder = holder.outer
        if node.name not in holder.functions:
            raise ExpressionError(f"there is no function {node.written[:80]}")
        path, function = holder.functions[node.name]
        wanted = function.get("parameters")
        names = [item.get("name") if isinstance(item, dict) else None for item in wanted or ()]
        if len(names) < len(node.arguments):
            raise ExpressionError(f"{node.written[:80]} with {len(node.arguments)} arguments")
        output = function.get("output")
        if not isinstance(output, dict) or "value" not in output:
            raise ExpressionError(f"the function {node.written[:80]} has no output")
        given = [run(argument, self) for argument in node.arguments]
        template = {
            "parameters": {
                str(item["name"]): item for item in wanted or () if isinstance(item, dict) and "name" in item
            },
            "functions": holder.template.get("functions"),
            "definitions": holder.template.get("definitions"),
        }
        supplied = {str(name).lower(): Supplied(value) for name, value in zip(names, given, strict=False)}
        inner = Scope(self.run, holder.document, template, path, self.home, supplied)
        inner.__dict__["functions"] = holder.functions
        with inner.framed((*path, "output", "value")):
            return evaluate(output["value"], inner)

    @property
    def instances(self) -> list[Instance]:
        """The resources of the template: what is deployed, what exists already, and what is not deployed.

        While they are being worked out (a name that needs another resource) those that came first.
        """
        if self._instances is None:
            from scanner.inventory.arm_template.deployment import instances  # noqa: PLC0415 - it needs this module

            self._instances = []
            for one in instances(self):
                self._instances.append(one)
        return self._instances

    def find(self, name: Any) -> Instance | None:
        """The resource that `reference` means: a symbolic name, a name, or an id."""
        text = render(name) if isinstance(name, (str, Mixed, Hole)) else ""
        if not text:
            return None
        if not text.startswith("/"):
            for one in self.instances:
                if one.symbol == text:
                    return one
            lowered = text.lower()
            named = [one for one in self.instances if lowered in (one.symbol.lower(), one.shown_name.lower())]
            if named:
                return named[0]
            return self.outer.find(name) if self.outer is not None else None
        top: Scope = self
        while top.outer is not None:
            top = top.outer
        _ = top.instances, self.instances
        return self.run.by_id(text)

    def output(self, name: str) -> Any:
        """The value of an output of this template. Raises `ExpressionError` for one that is not declared."""
        outputs = self.template.get("outputs")
        output = lookup(outputs, name) if isinstance(outputs, dict) else ABSENT
        if not isinstance(output, dict):
            raise ExpressionError(f"the deployment has no output {name[:80]!r}")
        path = (*self.path, "outputs", name)
        if str(output.get("type", "")).lower() in declared.SECURE:
            return Hole(f"output `{name}` is secure", "secret", f"[outputs.{name}]")
        with self.framed((*path, "value")):
            loop = output.get("copy")
            if isinstance(loop, dict) and "count" in loop and "input" in loop:
                return looped({"name": name, **loop}, self)
            return evaluate(output.get("value"), self)
