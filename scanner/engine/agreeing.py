"""One registry and one built-in definition: what each side says comes in, a row with its sentence comes out.

Azure and this scan agree where the definition, asked of the settings that were read, gives what Policy Insights says;
that is what rule ACR503 asks too. Whether an assignment acts is worked out by `engine.enforcement`.
Sources: https://learn.microsoft.com/azure/governance/policy/concepts/compliance-states (states),
https://learn.microsoft.com/azure/governance/policy/concepts/effect-basics (effects),
https://learn.microsoft.com/azure/governance/policy/concepts/assignment-structure (enforcementMode)
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from scanner.engine.findings import settling
from scanner.engine.operators.time import instant
from scanner.model import ids
from scanner.model.finding import Verdict
from scanner.model.resource import Resource
from scanner.model.scan import AgreementRow, Assigned, Stated
from scanner.model.values import Unknown, UnreadTail

ASSIGNMENTS_KEPT = 10
"""Assignments named in one row, those that decide first; the rest is counted."""
AGREES, DIFFERS, SETTLING, NOT_COMPARABLE = "agrees", "differs", "settling", "notComparable"
RANKS = (DIFFERS, SETTLING, AGREES, NOT_COMPARABLE)
"""What a row with several assignments says: the first that one of them says."""

_ENFORCING = frozenset({"deny", "modify", "deployifnotexists", "append"})
"""Effects that refuse or mend a setting; the others only tell."""
_DECIDED = {"compliant": Verdict.PASS, "noncompliant": Verdict.FAIL}
_STRONG = ("yes", "unknown", "no")
_HERE = {Verdict.PASS: "Compliant", Verdict.FAIL: "NonCompliant"}


class Answer(NamedTuple):
    """What a definition says of the settings that were read, and why it says nothing."""

    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Mirror:
    """A built-in definition that the pack mirrors; `definitions`: itself and those that mend what it audits."""

    guid: str
    name: str
    rule: str
    definitions: tuple[str, ...]
    of_registries: bool
    """Whether the definition judges registries; else it judges what lies in them, one by one."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One registry as both sides see it; everything by the GUID of a definition. `now`: seconds since 1970.

    `policies`: rows of the relation `enforcement`; `said`: bodies of the states; `here`: what the definitions say of the
    settings that were read, at least those with a state. `policies_unread`, `states_unread`: why some may be missing.
    """

    resource: Resource
    now: float
    policies: Mapping[str, Sequence[Mapping[str, Any]]]
    policies_unread: str
    said: Mapping[str, Sequence[Mapping[str, Any]]]
    states_unread: str
    here: Mapping[str, Answer]

    @property
    def quiet(self) -> bool:
        """Whether Azure Policy has nothing to do with the registry, and that is known."""
        return not (self.policies or self.said or self.policies_unread or self.states_unread)


def by_definition(rows: Any, guids: Container[str]) -> tuple[Mapping[str, list[Mapping[str, Any]]], str]:
    """The rows about these definitions by GUID, and why more of them may exist ("": they do not).

    `rows`: of the relation `enforcement` (objects) or `policyStates` (resources), or Unknown.
    """
    found: dict[str, list[Mapping[str, Any]]] = {}
    if isinstance(rows, Unknown):
        return found, rows.reason
    unread = ""
    for row in rows:
        if isinstance(row, UnreadTail):
            unread = unread or row.reason
            continue
        if isinstance(row, Resource):
            named = row.body.get("policyDefinitionId")
            body, guid = row.body, ids.name_of(named).lower() if isinstance(named, str) else ""
        else:
            body, guid = row, row["definitionId"]
        if guid in guids:
            found.setdefault(guid, []).append(body)
    return found, unread


def row_of(mirror: Mirror, seen: Seen, configured: str) -> AgreementRow:
    """The row. `configured`: the verdict of our rule in words, or `off`."""
    answer = seen.here.get(mirror.guid)
    stated = sorted(_stated(mirror, seen, answer), key=lambda one: RANKS.index(one.agrees))
    assigned = sorted(_assigned(mirror, seen), key=lambda one: _STRONG.index(one.enforces))
    agrees = stated[0].agrees if stated else NOT_COMPARABLE
    azure = _azure(mirror, seen, stated, assigned)
    exempt = _unless_unread(_any(one.exempt for one in assigned), seen.policies_unread)
    return AgreementRow(
        registry=seen.resource.id,
        definition=mirror.guid,
        definition_name=mirror.name,
        rule=mirror.rule,
        configured=configured,
        here=_HERE.get(answer.verdict, "Unknown") if answer and stated else "",
        azure=azure,
        stated=tuple(stated[:ASSIGNMENTS_KEPT]),
        enforced=_unless_unread(_any(one.enforces for one in assigned), seen.policies_unread),
        assigned=tuple(assigned[:ASSIGNMENTS_KEPT]),
        exempt=exempt,
        until=_until(assigned) if exempt == "yes" else "",
        agrees=agrees,
        why=(
            _told(mirror, stated[0], answer, configured)
            if stated
            else _silence(seen, azure, assigned=bool(assigned))
        ),
        more=max(len(stated), len(assigned), ASSIGNMENTS_KEPT) - ASSIGNMENTS_KEPT,
    )


def _any(answers: Iterable[str]) -> str:
    """`yes` where one says so, else `unknown` where one does, else `no`."""
    return min(answers, key=_STRONG.index, default="no")


def _stated(mirror: Mirror, seen: Seen, answer: Answer | None) -> Iterator[Stated]:
    """One for each assignment.

    An initiative may bring a definition twice: then the first state that differs, else the newest one that says
    something of the settings, else the newest. ACR503 takes them in the same way.
    """
    found: dict[str, tuple[tuple[int, float], Stated]] = {}
    for state in seen.said.get(mirror.guid, ()):
        name, value, at = (state.get(key) for key in ("policyAssignmentId", "complianceState", "timestamp"))
        one = Stated(
            name if isinstance(name, str) else "",
            value if isinstance(value, str) else "Unknown",
            at if isinstance(at, str) else "",
            _agrees(mirror, seen, state, answer),
        )
        if one.agrees in (DIFFERS, SETTLING):
            rank = (2, 0.0)
        else:
            rank = (int(one.agrees == AGREES), instant(one.at) or 0.0)
        known = found.get(ids.normalise(one.assignment))
        if known is None or known[0] < rank:
            found[ids.normalise(one.assignment)] = (rank, one)
    return (one for _, one in found.values())


def _agrees(mirror: Mirror, seen: Seen, state: Mapping[str, Any], answer: Answer | None) -> str:
    value = state.get("complianceState")
    theirs = _DECIDED.get(value.lower()) if isinstance(value, str) else None
    if not mirror.of_registries or theirs is None or answer is None or answer.verdict not in _HERE:
        return NOT_COMPARABLE
    if theirs is answer.verdict:
        return AGREES
    return SETTLING if settling(seen.resource, seen.now, state) else DIFFERS


def _assigned(mirror: Mirror, seen: Seen) -> Iterator[Assigned]:
    for row in (row for guid in mirror.definitions for row in seen.policies.get(guid, ())):
        effect, mode, exempt, until = (
            row.get(key) for key in ("effect", "enforcementMode", "exempt", "exemptUntil")
        )
        yield Assigned(
            assignment=row["assignmentId"],
            definition=row["definitionId"],
            effect=effect if isinstance(effect, str) else "",
            mode=mode if isinstance(mode, str) else "",
            enforces=_enforces(effect, mode, exempt),
            exempt="unknown" if isinstance(exempt, Unknown) else "yes" if exempt else "no",
            until=until if isinstance(until, str) else "",
        )


def _enforces(effect: Any, mode: Any, exempt: Any) -> str:
    """Whether the effect acts: an enforcing one, in mode Default, on a registry that is not exempt."""
    acts = (
        effect.lower() in _ENFORCING if isinstance(effect, str) else None,
        mode.lower() == "default" if isinstance(mode, str) else None,
        None if isinstance(exempt, Unknown) else not exempt,
    )
    return "no" if False in acts else "unknown" if None in acts else "yes"


def _unless_unread(found: str, unread: str) -> str:
    """The answer, open where a `no` could come from assignments that were not read."""
    return "unknown" if found == "no" and unread else found


def _until(assigned: Sequence[Assigned]) -> str:
    """When the first exemption from one of the assignments ends; "" where none has an end."""
    return min((one.until for one in assigned if one.exempt == "yes" and one.until), default="")


def _azure(mirror: Mirror, seen: Seen, stated: Sequence[Stated], assigned: Sequence[Assigned]) -> str:
    """What Azure says in one word."""
    values = {one.state.lower(): one.state for one in stated}
    if values:
        return next(iter(values.values())) if len(values) == 1 else "mixed"
    if seen.states_unread or not mirror.of_registries:
        return "notRead"
    return "noState" if assigned or seen.policies_unread else "noAssignment"


def _told(mirror: Mirror, first: Stated, answer: Answer | None, configured: str) -> str:
    """The sentence about the state that decides a row."""
    told = f"Azure says {first.state}" + (f" ({first.at})" if first.at else "")
    if not mirror.of_registries:
        return f"{told}; the definition judges what lies in a registry, one by one, so the two cannot be compared"
    if first.state.lower() not in _DECIDED:
        return f"{told}, which says nothing about the settings"
    if answer is None or answer.verdict not in _HERE:
        reason = answer.reason if answer else "the rules have no condition for this definition"
        return f"{told}; what the definition says of the settings that were read is not known: {reason}"
    ours = f"asked of the settings that were read, the definition says {_HERE[answer.verdict]}"
    if first.agrees == AGREES:
        return f"{told}; {ours} too{_note(mirror, answer, configured)}"
    if first.agrees == SETTLING:
        return f"{told}, but {ours}; the registry changed lately, and Azure may not have looked since"
    return f"{told}, but {ours}"


def _silence(seen: Seen, azure: str, *, assigned: bool) -> str:
    """Why Azure says nothing."""
    if azure == "notRead":
        if seen.states_unread:
            return f"Compliance states were not read: {seen.states_unread}"
        return "The definition judges what lies in a registry, one by one; compliance states are read of registries only"
    if azure == "noAssignment":
        return "No assignment of this definition covers the registry"
    if not assigned:
        return (
            f"Azure has no state of the registry, and assignments were not all read: {seen.policies_unread}"
        )
    return "An assignment covers the registry, but Azure has no state of it (not evaluated yet, or it only mends)"


def _note(mirror: Mirror, answer: Answer, configured: str) -> str:
    """Where our rule and the definition ask for different things, so that nobody takes that for a difference."""
    if configured in ("pass", "fail") and configured != answer.verdict.value:
        return f" (rule {mirror.rule} asks for something else and says {configured})"
    return ""
