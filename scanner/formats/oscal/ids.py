"""UUIDs of a document: one function for each kind of thing, so that references need not be held.

What OSCAL follows from one document to the next (risks, findings of controls, resources, people) has the same id in every
scan; what belongs to one scan has an id of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.formats.sarif.texts import identifier
from scanner.model.ids import normalise

if TYPE_CHECKING:
    from scanner.model.finding import Finding
    from scanner.model.scan import Scan

TOOL = identifier("tool", "acrscan")


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids that belong to one scan."""

    base: str

    @classmethod
    def of(cls, scan: Scan) -> Ids:
        """The same for the same scan."""
        head = scan.header
        facts = (head.inventory_digest, head.pack_digest, head.profile, head.waiver_digest, head.now)
        return cls(identifier("oscal", *facts))

    def run(self, *parts: str) -> str:
        """Of something of this scan."""
        return identifier(self.base, *parts)

    def row(self, row: Finding, *, carried: bool = False) -> str:
        """Of the observation of a row."""
        return self.run("carried" if carried else "row", row.fingerprint, row.verdict.value)

    def rule(self, rule: str) -> str:
        """Of the observation of a rule with its counts."""
        return self.run("rule", rule)


def resource(kind: str, identity: str) -> str:
    """Of an inventory item; what could not be read of several types stands for each at the same place."""
    return identifier("resource", kind.lower(), normalise(identity))


def person(name: str) -> str:
    """Of a party that is a person."""
    return identifier("party", "person", name)


def organisation(name: str) -> str:
    """Of a party that is an organisation."""
    return identifier("party", "organisation", name)


def risk(row: Finding, *parts: str) -> str:
    """Of a risk, or of what belongs to it."""
    return identifier("risk", row.fingerprint, *parts)


def control(framework: str, name: str) -> str:
    """Of the finding of a control."""
    return identifier("control", framework, name)
