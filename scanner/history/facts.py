"""What a run is known by: a scan's header comes in, digests and documents go out.

Documents (scope, rules, parameters, what was not read) are kept once, by the digest of their text; a night in which
nothing of them changes writes none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from scanner.errors import InputError
from scanner.history.database import Database, clean
from scanner.model import codec, ids
from scanner.model.finding import Finding
from scanner.model.resource import SourceRun
from scanner.model.scan import RuleCard, Scan, ScanHeader
from scanner.model.summary import lacks

OUTSIDE = "*"
"""What stands before a subscription for rows outside every subscription (the waiver file, a management group): they are
told apart by the first subscription of the run, so that shards of one estate do not close each other's."""
NOTHING_THERE = "in the inventory"
"""How the engine ends the reason of a rule that was asked of nothing because there is nothing of that type."""
KEPT = 50
"""Kinds of missing data that are kept for a run; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A run before it is recorded. `named`: subscriptions in scope -> (name, why not wholly looked at, or "")."""

    digest: str
    now: str
    complete: bool
    named: Mapping[str, tuple[str, str]]
    rules: str
    parameters: str
    lacks: str

    @property
    def outside(self) -> str:
        """Where rows outside every subscription belong."""
        return OUTSIDE + min(self.named, default="")

    def scope(self, more: Iterable[str] = ()) -> str:
        """The document of the scope, with subscriptions that only rows name."""
        places = {**dict.fromkeys(more, ("", "")), self.outside: ("", ""), **self.named}
        return _text([[name, *places[name]] for name in sorted(places)])

    def place(self, resource: str, subscription: str = "") -> str:
        """The subscription that a resource counts in."""
        return clean(ids.subscription_of(resource) or subscription.lower()) or self.outside


def facts_of(scan: Scan) -> Facts:
    """The facts of a scan. Raises `InputError` where its time is none."""
    header = scan.header
    named = {clean(name.lower()): (clean(words, 200), "") for name, words in header.subscriptions.items()}
    for by_subscription in scan.tallies.verdicts.values():
        for name in by_subscription:
            if name:
                named.setdefault(clean(name.lower()), ("", ""))
    for line in header.scope:
        known = named.get(clean(line.subscription.lower()), ("", ""))
        named[clean(line.subscription.lower())] = (
            clean(line.name, 200) or known[0],
            clean(line.reason, 500),
        )
    missing = _missing(header.runs)
    return Facts(
        digest=digest_of(
            codec.encode([codec.to_record(header), codec.to_record(scan.tallies)]).decode("utf-8", "replace")
        ),
        now=instant(header.now),
        complete=not missing and not any(reason for _, reason in named.values()),
        named=named,
        rules=_rules(header),
        parameters=_text({clean(one.name): [one.value, clean(one.origin)] for one in header.parameters}),
        lacks=_text(missing),
    )


def instant(text: str) -> str:
    """An RFC 3339 time as UTC with whole seconds, so that texts sort as times do."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"the scan's time {text[:40]!r} is none", "header.now") from error
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def earlier(text: str | None, now: str) -> str:
    """The earlier of a row's own first sight, where it has a usable one, and `now`."""
    if not text:
        return now
    try:
        return min(instant(text), now)
    except InputError:
        return now


def digest_of(text: str) -> str:
    """sha256 (hex) of a text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def keep(db: Database, kind: str, text: str) -> str:
    """Keep a document once; its digest."""
    digest = digest_of(text)
    db.run(
        "INSERT INTO acrscan_documents (digest, kind, body) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING",
        (digest, kind, text),
    )
    return digest


class Documents:
    """Documents of a history, each read once."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._read: dict[str, Any] = {}
        self._scopes: dict[str, dict[str, tuple[str, str]]] = {}

    def get(self, digest: str) -> Any:
        """The value of a document. Raises `InputError` where it is gone or broken."""
        if digest not in self._read:
            rows = self._db.run("SELECT body FROM acrscan_documents WHERE digest = ?", (digest,))
            if not rows or digest_of(rows[0][0]) != digest:
                raise InputError(
                    f"is damaged: the document {digest[:12]} is missing or was changed",
                    self._db.words,
                    "Restore it from a backup.",
                )
            self._read[digest] = codec.decode(rows[0][0].encode())
        return self._read[digest]

    def scope(self, digest: str) -> dict[str, tuple[str, str]]:
        """Subscription -> (name, why not wholly looked at), places outside subscriptions included."""
        if digest not in self._scopes:
            self._scopes[digest] = {name: (words, reason) for name, words, reason in self.get(digest)}
        return self._scopes[digest]


def asked(rule: Mapping[str, Any]) -> str:
    """Why a rule of a document was asked of nothing although it might have found something, or ""."""
    if not rule["enabled"]:
        return "rule switched off"
    return "" if not rule["reason"] or str(rule["reason"]).endswith(NOTHING_THERE) else "data not read"


def _rules(header: ScanHeader) -> str:
    wanted = {(one.framework, one.id) for card in header.rules for one in card.controls}
    return _text(
        {
            "rules": {clean(card.id, 100): _card(card) for card in header.rules},
            "frameworks": {
                clean(one.id, 100): {
                    "title": clean(one.title, 200),
                    "controls": {
                        control.id: clean(control.title, 300)
                        for control in one.controls
                        if (one.id, control.id) in wanted
                    },
                }
                for one in header.frameworks
            },
        }
    )


def _card(card: RuleCard) -> dict[str, Any]:
    return {
        "title": clean(card.title, 300),
        "severity": clean(card.severity, 40),
        "digest": clean(card.digest, 200),
        "values": clean(card.values_digest, 200),
        "enabled": card.enabled,
        "why": clean(card.disabled_reason, 300),
        "reason": clean(card.not_evaluated, 300),
        "controls": [[clean(one.framework, 100), clean(one.id, 100)] for one in card.controls],
    }


def _missing(runs: Iterable[SourceRun]) -> list[list[str]]:
    """What was asked for and not read, as (what and where, why); at most `KEPT`, the rest counted."""
    unread = []
    for run in runs:
        problems = tuple(one for one in run.problems if not one.chosen)
        if run.state in ("partial", "failed") and (problems or not run.problems):
            unread.append(replace(run, problems=problems))
    found = [[clean(one.words, 500), clean(one.reason, 500)] for one in lacks(unread)]
    found += [
        [clean(run.collection, 500), f"{run.state}, no reason told"] for run in unread if not run.problems
    ]
    if len(found) > KEPT:
        found = [*found[:KEPT], [f"{len(found) - KEPT} more", "not listed here"]]
    return found


def _text(value: Any) -> str:
    return clean(codec.encode(value).decode("utf-8", "replace"), 100_000_000)


def resources_by_place(row: Finding, facts: Facts) -> dict[str, str]:
    """The subscriptions that a row concerns, each with its first resource there."""
    found: dict[str, str] = {}
    for resource in row.resources:
        place = facts.place(resource, row.subscription if resource == row.resource else "")
        found.setdefault(place, resource)
    return found
