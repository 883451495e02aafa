"""One attempt at a unit of work: pages come in, rows go into the journal, and what was not read is written down.

Nothing is silently empty: what did not arrive becomes a problem that says what is missing, why, and the command that grants it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from shlex import quote
from typing import Any

from scanner.inventory import live, resource_graph
from scanner.inventory._azure.client import NotRead
from scanner.inventory.arm import Page
from scanner.inventory.journal import Journal, Unit
from scanner.inventory.making import make
from scanner.inventory.requests import Listed, canonical
from scanner.inventory.rows import identify
from scanner.model import ids
from scanner.model.resource import Origin, Problem, Resource

GRAPH, ARM, ARM_PREVIEW = 0, 1, 2
"""Ranks of sources, nearest to the truth last."""
PASSING = frozenset({"Deadline", "TooManyRequests"})
"""Failures that a later attempt may not meet."""
ROLE = "acrscan Reader"
"""The custom role of docs/permissions.md: what Reader lacks for a complete collection."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_PROVIDER = frozenset({"MissingSubscriptionRegistration", "SubscriptionNotRegistered"})

Tell = Callable[..., None]
"""`tell(event, **facts)`: progress, for whoever shows or logs it."""


class Books:
    """What every attempt needs: the journal, which resources belong to the scope, who we are, whom to tell."""

    def __init__(
        self, journal: Journal, takes: Callable[[str], bool], tell: Tell, opt_in: Sequence[str] = ()
    ) -> None:
        self.below = (live.CONNECTIONS, *(item.type for item in live.PER_REGISTRY), *opt_in)
        """Types of what lies below a registry and is not read where the registry is not."""
        self.journal = journal
        self.takes = takes
        self.tell = tell
        self.principal = ""

    def attempt(self) -> Attempt:
        """A new attempt."""
        return Attempt(self)

    def problem(self, kind: str, scope: str, error: NotRead) -> Problem:
        """What a report says about something that was not read."""
        denied = error.status in (401, 403)
        action = error.action or (live.read_action(kind) if denied else "")
        fix = self.grant(scope, action, error.principal) if denied else ""
        return Problem(scope, error.reason, error.status, action, fix)

    def grant(self, scope: str, action: str, principal: str = "") -> str:
        """The command that lets this identity read at a scope."""
        role = f'"{ROLE}"' if action.lower().endswith("/action") else "Reader"
        who = principal or self.principal or "<object id of the scanner>"
        return f"az role assignment create --assignee-object-id {who} --role {role} --scope {quote(scope)}"


class Attempt:
    """Rows, problems, notes and facts of one unit until it is committed."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.number = books.journal.begin()
        self.problems: list[tuple[str, Problem]] = []
        self.notes: list[str] = []
        self.facts: list[Any] = []
        self.again = False

    async def read(
        self,
        kind: str,
        scopes: Sequence[str],
        pages: AsyncIterator[Page],
        *,
        rank: int,
        version: str | None = None,
        seen: Callable[[Resource], Any] | None = None,
        graph: bool = False,
    ) -> None:
        """Read pages of one type to their end. `scopes`: where rows are missing if that fails; `seen` makes facts."""
        try:
            async for page in pages:
                for raw in page.rows:
                    resource = self._resource(raw, kind, scopes, page, version, graph=graph)
                    if resource is None or not self._books.takes(resource.id):
                        continue
                    self._books.journal.row(self.number, resource, rank)
                    if kind == live.REGISTRIES and rank == ARM:
                        self._connections(raw, resource.id, page, version)
                    fact = seen(resource) if seen else None
                    if fact is not None:
                        self.facts.append(fact)
        except NotRead as error:
            self.missed(kind, scopes, error)

    def missed(self, kind: str, scopes: Sequence[str], error: NotRead) -> None:
        """Write down that rows of a type are missing."""
        if error.code in _NO_PROVIDER and kind == live.REGISTRIES:
            self.notes.append(
                f"{ids.name_of(scopes[0])}: Microsoft.ContainerRegistry is not registered, so it has no registry"
            )
            return
        self.again = self.again or error.status is None or error.code in PASSING or error.status >= 500
        self.problems += [(kind, self._books.problem(kind, scope, error)) for scope in scopes]
        for below in self._books.below if kind == live.REGISTRIES else ():
            self.problems += [(below, self._books.problem(kind, scope, error)) for scope in scopes]
        self._books.tell("unread", collection=kind, scope=scopes[0], reason=error.reason)

    def _resource(
        self,
        raw: dict[str, Any],
        kind: str,
        scopes: Sequence[str],
        page: Page,
        version: str | None,
        *,
        graph: bool,
    ) -> Resource | None:
        """The resource of a row; one that cannot be used is missing."""
        body, given = resource_graph.plain(raw) if graph else (raw, version)
        found = identify(body, Listed(kind, scopes[0]))
        if found is None or not found[1] or _CONTROL.search(found[1]):
            self._unusable(kind, scopes, f"{page.where}: a row without a usable id was left out")
            return None
        of, identifier, content = found
        if canonical(of).lower() != kind.lower():
            self._unusable(kind, scopes, f"{page.where}: a row of type {of[:80]} was left out")
            return None
        try:
            return make(kind, identifier, content, Origin("azure", page.where, collected_at=page.at), given)
        except ValueError as error:
            self._unusable(kind, scopes, f"{page.where}: {error}")
            return None

    def _unusable(self, kind: str, scopes: Sequence[str], reason: str) -> None:
        self.problems += [(kind, Problem(scope, reason)) for scope in scopes]

    def _connections(self, raw: dict[str, Any], registry: str, page: Page, version: str | None) -> None:
        """Private endpoint connections lie in the bodies of registries; nobody need list them apart."""
        properties = raw.get("properties")
        items = properties.get("privateEndpointConnections") if isinstance(properties, dict) else None
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict):
                resource = self._resource(item, live.CONNECTIONS, [registry], page, version, graph=False)
                if resource is not None:
                    self._books.journal.row(self.number, resource, ARM)

    @property
    def principal(self) -> str:
        """Our own object id, "" where it is not known."""
        return self._books.principal

    def row(self, resource: Resource, rank: int) -> None:
        """Store one row."""
        self._books.journal.row(self.number, resource, rank)

    def unread(self, kind: str, problem: Problem) -> None:
        """Write down one thing that was not read; what failed on the server's side may pass when a run is resumed."""
        self.problems.append((kind, problem))
        self.again = self.again or problem.status == 429 or (problem.status or 0) >= 500
        self._books.tell("unread", collection=kind, scope=problem.scope, reason=problem.reason)

    def commit(self, name: str) -> Unit:
        """Finish the unit."""
        return self._books.journal.commit(
            self.number,
            name,
            problems=self.problems,
            notes=self.notes,
            facts=self.facts,
            again=self.again,
        )
