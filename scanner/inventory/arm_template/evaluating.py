"""One evaluation of one template: what all its deployments share comes together here (budget, resources by id, notes)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from scanner.inventory.arm_template import (
    functions_lambda,
    functions_lists,
    functions_logic,
    functions_resources,
    functions_text,
    functions_time,
)
from scanner.inventory.arm_template.evaluation import Budget, Function, run
from scanner.inventory.arm_template.positions import Document
from scanner.inventory.arm_template.scope import Scope, Use
from scanner.inventory.arm_template.syntax import Call
from scanner.inventory.arm_template.values import SAFE, Hole, LimitError, Open, distribute, render, unknown_of
from scanner.model import ids
from scanner.model.values import ABSENT, Alternatives, Unknown

if TYPE_CHECKING:
    from scanner.inventory.arm_template.deployment import Instance

FUNCTIONS: dict[str, Function] = {
    **functions_logic.TABLE,
    **functions_text.TABLE,
    **functions_lists.TABLE,
    **functions_lambda.TABLE,
    **functions_resources.TABLE,
    **functions_time.TABLE,
}
"""Every template function by lower-case name."""
MAX_NOTES = 50
MAX_INSTANCES = 20_000
"""Resources that one evaluation may have."""

Load = Callable[[Document, str], Document]
"""Reads a linked template: the document that links, and the path relative to it. Raises `InputError`."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something the reader of a template should know."""

    document: Document
    path: tuple[str, ...]
    message: str


class Run:
    """The state of one evaluation. `evaluation`: the name of its parameter file, or ""; `load`: reads linked templates."""

    def __init__(self, load: Load, *, cloud: str = "AzureCloud") -> None:
        self.load = load
        self.cloud = cloud
        self.budget = Budget()
        self.functions = FUNCTIONS
        self.trail: list[Use] = []
        self.notes: dict[tuple[str, tuple[str, ...], str], Note] = {}
        self.missing: list[tuple[str, str, Note]] = []
        """Deployments whose template is not there: scope id, reason, where."""
        self.linked: set[str] = set()
        """Names of the files that were read as linked templates."""
        self.instances = 0
        self.scopes: list[Scope] = []
        self._ids: dict[str, Instance] = {}

    def note(self, document: Document, path: tuple[str, ...], message: str) -> None:
        """Keep something that went wrong, once per place."""
        if len(self.notes) < MAX_NOTES:
            self.notes.setdefault((document.name, path, message), Note(document, path, message))

    def miss(self, scope: str, reason: str, document: Document, path: tuple[str, ...]) -> None:
        """Keep that a deployment's template is not there: what it deploys to `scope` is not known."""
        note = Note(document, path, reason)
        if note not in [held for _, _, held in self.missing]:
            self.missing.append((scope, reason, note))

    def count(self) -> None:
        """Count a resource. Raises `LimitError` for too many."""
        self.instances += 1
        if self.instances > MAX_INSTANCES:
            raise LimitError(f"the template has more than {MAX_INSTANCES:,} resources")

    def visited(self, scope: Scope) -> None:
        """Keep a template that was entered, so that its outputs are looked at."""
        self.scopes.append(scope)

    def where(self, path: tuple[str, ...]) -> str:
        """Words that say in which nested template a parameter is, "" for the outermost one."""
        return f" of the template at {'.'.join(path)}" if path else ""

    def register(self, one: Instance) -> None:
        """Make a resource known by its id; a deployed one takes the place of one that exists."""
        key = ids.normalise(one.id)
        held = self._ids.get(key)
        if held is None or (held.existing and not one.existing):
            self._ids[key] = one

    def by_id(self, identifier: str) -> Instance | None:
        """The resource of an id."""
        return self._ids.get(ids.normalise(identifier))

    def reference(self, scope: Scope, name: Any, *, full: bool) -> Any:
        """What `reference` gives: an open object of what the template says of the resource."""
        if isinstance(name, Alternatives):
            return distribute([name], lambda chosen: self.reference(scope, chosen[0], full=full))
        one = scope.find(name)
        if one is None:
            unknown = unknown_of(name)
            words = render(name) if isinstance(name, str) else (unknown.reason if unknown else "a resource")
            return Open(f"reference({words[:120]})", lambda _: ABSENT)
        return one.opened(full=full)

    def references(self, scope: Scope, loop: str, *, full: bool) -> Any:
        """What `references` gives: one object per instance of a loop."""
        found = [one for one in scope.instances if one.symbol.startswith(f"{loop}[")]
        if any(one.repeated for one in found):
            return Unknown(f"the number of {loop} is not known", "parameter")
        return [one.opened(full=full) for one in found]

    def listed(self, scope: Scope, node: Call) -> Hole:
        """A call of `listKeys` and its like: what Azure answers is a secret."""
        for argument in node.arguments:
            run(argument, scope)
        return Hole(
            f"the answer of {node.written} is a secret",
            "secret",
            f"[{quote(f'{node.written}()', safe=SAFE)}]",
        )

    def fresh(self, what: str, reason: str) -> Hole:
        """A value that is new with each deployment."""
        return Hole(reason, "runtime", f"[{what}()]")
