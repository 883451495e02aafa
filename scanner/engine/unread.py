"""Places at which targets themselves were not read: a rule about tokens says of such a registry that it does not know.

Without these rows a registry whose tokens were refused would have no verdict on tokens at all, and nobody would miss it.
"""

from __future__ import annotations

from typing import NamedTuple

from scanner.engine.completeness import Completeness
from scanner.engine.findings import Caused
from scanner.model import ids
from scanner.model.finding import Finding, Verdict, fingerprint
from scanner.model.resource import Origin
from scanner.model.rule import Rule


class Place(NamedTuple):
    """A scope below which resources of a type may exist that were not read. `letters`: one per rule of the type."""

    type: str
    id: str
    reason: str
    letters: str

    @property
    def subscription(self) -> str:
        """The subscription, "" above subscriptions."""
        return ids.subscription_of(self.id)

    def finding(self, rule: Rule) -> Caused:
        """What a rule says of the place."""
        leaf = self.type.rpartition("/")[2]
        name = ids.name_of(self.id) or "the whole scope"
        found = Finding(
            rule=rule.id,
            severity=rule.severity,
            verdict=Verdict.UNKNOWN,
            resource=self.id,
            resource_type=self.type,
            resource_name=name,
            subscription=self.subscription,
            resource_group=ids.resource_group_of(self.id),
            location="",
            message=f"{leaf} of {name} not read: {self.reason}",
            reason=self.reason,
            element="",
            evidence=(),
            fingerprint=fingerprint(rule.id, self.id, f"unread {self.type.lower()}"),
            origin=Origin("azure"),
        )
        return Caused(found, "")


def places(completeness: Completeness, kind: str, letters: str) -> list[Place]:
    """The places of a type, in the order of their ids; none for what a user left out on purpose.

    A problem about one resource that is there all the same (a registry that was lost) is told by that resource.
    """
    found = {
        ids.normalise(problem.scope or ids.ROOT): problem
        for problem in reversed(completeness.problems(kind))
        if not problem.chosen and ids.type_of(problem.scope).lower() != kind.lower()
    }
    ordered = sorted(found.items(), key=lambda item: ids.order_key(item[0]))
    return [Place(kind, problem.scope or ids.ROOT, problem.reason, letters) for _, problem in ordered]
