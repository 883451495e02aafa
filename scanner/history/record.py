"""A finished scan comes in, what changed since the last one of its subscriptions is written; the rest costs nothing.

All of it is one transaction, of which there is one at a time: a scan is recorded wholly or not at all, whoever else
writes. Rows go to temporary tables first, so that memory stays flat and the others wait for little.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scanner.errors import InputError
from scanner.history.database import Database, clean
from scanner.history.facts import OUTSIDE, Documents, Facts, earlier, facts_of, keep, resources_by_place
from scanner.history.gaps import GAP, Judge, changed_rules, problems_at
from scanner.model import ids
from scanner.model.finding import Verdict
from scanner.model.scan import Scan

REGISTRIES = "microsoft.containerregistry/registries"
COUNTS = ("passed", "failed", "undecided", "errors", "skipped", "manual", "waived", "attested")
"""The columns of counts; the first six are the verdicts, in the order of `VERDICTS`."""
VERDICTS = tuple(
    verdict.value
    for verdict in (
        *(Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.ERROR),
        *(Verdict.NOT_APPLICABLE, Verdict.MANUAL),
    )
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording a scan did. Findings are failing rows, each counted once.

    `new`, `reopened` and `persisting` add up to the failing rows of the scan; `resolved`: gone from the estate or from
    the questions; `gaps`: not in the scan, but not looked at either, so still open. `again`: it was recorded before.
    """

    new: int
    reopened: int
    resolved: int
    persisting: int
    gaps: int
    run: int
    again: bool = False


@dataclass(frozen=True, slots=True)
class Before:
    """The newest run of a subscription."""

    run: int
    now: str
    rules: str


def record(db: Database, scan: Scan) -> Recorded:
    """Record a scan; the same one again changes nothing. Raises `InputError` for one that is older than what is known."""
    facts = facts_of(scan)
    found = recorded(db, facts)
    if found is not None:
        return found
    _fill(db, scan, facts)
    more = [row[0] for row in db.run("SELECT DISTINCT subscription FROM acrscan_seen")]
    scope = facts.scope(more)
    with db.writing():
        found = recorded(db, facts)  # another process may have been faster
        return found if found is not None else _written(db, scan, facts, scope)


def recorded(db: Database, facts: Facts) -> Recorded | None:
    """What was noted when the scan was recorded before, or None."""
    rows = db.run(
        "SELECT opened, reopened, resolved, persisting, gaps, id FROM acrscan_runs WHERE digest = ?",
        (facts.digest,),
    )
    if not rows:
        return None
    opened, reopened, resolved, persisting, gaps, run = rows[0]
    return Recorded(opened, reopened, resolved, persisting, gaps, run, again=True)


def newest(db: Database, pack: str) -> dict[str, Before]:
    """The newest run of each subscription."""
    documents = Documents(db)
    found: dict[str, Before] = {}
    for run, now, scope, rules in db.run(
        "SELECT id, now, scope, rules FROM acrscan_runs WHERE id IN "
        "(SELECT MAX(id) FROM acrscan_runs WHERE pack = ? GROUP BY scope) ORDER BY id",
        (pack,),
    ):
        for subscription in documents.scope(scope):
            found[subscription] = Before(run, now, rules)
    return found


def _written(db: Database, scan: Scan, facts: Facts, scope: str) -> Recorded:
    header = scan.header
    pack = clean(header.pack_id)
    documents = Documents(db)
    rules = keep(db, "rules", facts.rules)
    scope_digest = keep(db, "scope", scope)
    covered = documents.scope(scope_digest)
    before = {name: run for name, run in newest(db, pack).items() if name in covered}
    _refuse_older(db, facts, before)
    db.fill("acrscan_covered", ("subscription TEXT",), ([name] for name in covered))
    run: int = db.run("SELECT COALESCE(MAX(id), 0) + 1 FROM acrscan_runs")[0][0]
    after = documents.get(rules)["rules"]
    steps = {one.rules: changed_rules(documents.get(one.rules)["rules"], after) for one in before.values()}
    judge = Judge(scan, {name: steps[one.rules] for name, one in before.items()})
    counts = _findings(db, pack, run, facts.now, judge)
    _waived(db, pack, run)
    _counts(db, pack, run)
    _registries(db, pack, run, facts.now, judge, before)
    db.run(
        "INSERT INTO acrscan_runs (id, digest, now, night, tool, pack, pack_version, pack_digest, profile, profile_digest,"
        " waiver_file, waiver_digest, inventory, inventory_digest, complete, scope, rules, parameters, lacks,"
        " opened, reopened, resolved, persisting, gaps, identity) VALUES (" + ", ".join("?" * 25) + ")",
        (
            run,
            facts.digest,
            facts.now,
            facts.now[:10],
            *map(clean, (header.tool_version, header.pack_id, header.pack_version, header.pack_digest)),
            *map(clean, (header.profile, header.profile_digest, header.waiver_file, header.waiver_digest)),
            *map(clean, (header.inventory, header.inventory_digest)),
            int(facts.complete),
            scope_digest,
            rules,
            keep(db, "parameters", facts.parameters),
            keep(db, "lacks", facts.lacks),
            *counts,
            clean(header.identity),
        ),
    )
    return Recorded(*counts, run=run)


def _refuse_older(db: Database, facts: Facts, before: dict[str, Before]) -> None:
    later = [name for name, one in sorted(before.items()) if one.now > facts.now]
    if later:
        more = f" and {len(later) - 1} more" if len(later) > 1 else ""
        name = "what lies outside subscriptions" if later[0].startswith(OUTSIDE) else later[0]
        raise InputError(
            f"already holds a newer scan: {name}{more} was scanned at {before[later[0]].now}, this scan is of {facts.now}",
            db.words,
            "Scans are recorded in the order of their times; leave this one out.",
        )


def _fill(db: Database, scan: Scan, facts: Facts) -> None:
    """The scan in temporary tables."""
    db.fill(
        "acrscan_seen",
        (
            *("fingerprint TEXT", "subscription TEXT", "rule TEXT", "severity TEXT", "resource TEXT"),
            *("type TEXT", "element TEXT", "waiver TEXT", "shared BIGINT", "first_seen TEXT"),
        ),
        _seen(scan, facts),
    )
    db.run("CREATE INDEX acrscan_seen_by ON acrscan_seen (fingerprint, subscription)")
    db.fill(
        "acrscan_told",
        ("rule TEXT", "subscription TEXT", *(f"{name} BIGINT" for name in COUNTS)),
        _told(scan, facts),
    )
    db.run("CREATE INDEX acrscan_told_by ON acrscan_told (rule, subscription)")
    db.fill("acrscan_here", ("id TEXT", "subscription TEXT", "reason TEXT"), _here(scan, facts))
    db.run("CREATE INDEX acrscan_here_by ON acrscan_here (id)")


def _seen(scan: Scan, facts: Facts) -> Iterator[tuple[Any, ...]]:
    for row in scan.findings:
        if row.verdict is not Verdict.FAIL:
            continue
        for place, resource in resources_by_place(row, facts).items():
            yield (
                clean(row.fingerprint),
                place,
                clean(row.rule, 100),
                clean(row.severity, 40),
                clean(resource),
                clean(row.resource_type, 300),
                clean(row.element),
                clean(row.waiver or "", 300),
                int(bool(row.cause or row.affected)),
                earlier(row.first_seen, facts.now),
            )


def _told(scan: Scan, facts: Facts) -> Iterator[tuple[Any, ...]]:
    tallies = scan.tallies
    for rule, by_subscription in tallies.verdicts.items():
        places: dict[str, Counter[str]] = {}  # subscriptions that differ in case alone are one
        for name, counts in by_subscription.items():
            place = places.setdefault(clean(name.lower()) or facts.outside, Counter())
            place.update({verdict.value: number for verdict, number in counts.items()})
            place["waived"] += tallies.waived_evaluations.get(rule, {}).get(name, 0)
            place["attested"] += tallies.attested.get(rule, {}).get(name, 0)
        for name, numbers in places.items():
            yield (clean(rule, 100), name, *(numbers[key] for key in (*VERDICTS, "waived", "attested")))


def _here(scan: Scan, facts: Facts) -> Iterator[tuple[str, str, str]]:
    """Registries that are there, each once: evaluated ones, and those of which only the id is known."""
    lost = dict(problems_at(scan, REGISTRIES))
    for line in scan.resources:
        if line.type.lower() == REGISTRIES:
            name = ids.normalise(clean(line.id))
            yield name, facts.place(line.id, line.subscription), lost.pop(name, "")
    for name, reason in lost.items():
        yield name, facts.place(name), reason or "not read"


_OPEN = "f.pack = ? AND f.fingerprint = s.fingerprint AND f.subscription = s.subscription AND f.closed_run IS NULL"
_COVERED = "subscription IN (SELECT subscription FROM acrscan_covered)"


def _findings(db: Database, pack: str, run: int, now: str, judge: Judge) -> tuple[int, int, int, int, int]:
    """Open, close and reopen findings; the counts: new, reopened, resolved, persisting, gaps."""
    total: int = db.run("SELECT COUNT(DISTINCT fingerprint) FROM acrscan_seen")[0][0]
    persisting: int = db.run(
        "SELECT COUNT(DISTINCT s.fingerprint) FROM acrscan_seen s "
        f"WHERE EXISTS (SELECT 1 FROM acrscan_findings f WHERE {_OPEN})",
        (pack,),
    )[0][0]
    known: int = db.run(
        "SELECT COUNT(DISTINCT s.fingerprint) FROM acrscan_seen s WHERE EXISTS (SELECT 1 FROM acrscan_findings f "
        "WHERE f.pack = ? AND f.fingerprint = s.fingerprint AND f.subscription = s.subscription)",
        (pack,),
    )[0][0]
    resolved, gaps = _close(db, pack, run, now, judge)
    db.run(
        "UPDATE acrscan_findings SET severity = (SELECT MIN(s.severity) FROM acrscan_seen s WHERE "
        " s.fingerprint = acrscan_findings.fingerprint AND s.subscription = acrscan_findings.subscription) "
        "WHERE pack = ? AND closed_run IS NULL AND EXISTS (SELECT 1 FROM acrscan_seen s WHERE "
        " s.fingerprint = acrscan_findings.fingerprint AND s.subscription = acrscan_findings.subscription"
        " AND s.severity <> acrscan_findings.severity)",
        (pack,),
    )
    db.run(
        "INSERT INTO acrscan_findings (pack, fingerprint, subscription, opened_run, opened, first_seen, rule, severity,"
        " resource, type, element, shared, times) "
        "SELECT CAST(? AS TEXT), s.fingerprint, s.subscription, CAST(? AS BIGINT), CAST(? AS TEXT), COALESCE((SELECT MIN(f.first_seen)"
        " FROM acrscan_findings f WHERE f.pack = ? AND f.fingerprint = s.fingerprint AND f.subscription = s.subscription),"
        " MIN(s.first_seen)), MIN(s.rule), MIN(s.severity), MIN(s.resource), MIN(s.type), MIN(s.element), MAX(s.shared),"
        " (SELECT COUNT(*) FROM acrscan_findings f"
        "  WHERE f.pack = ? AND f.fingerprint = s.fingerprint AND f.subscription = s.subscription) "
        f"FROM acrscan_seen s WHERE NOT EXISTS (SELECT 1 FROM acrscan_findings f WHERE {_OPEN}) "
        "GROUP BY s.fingerprint, s.subscription",
        (pack, run, now, pack, pack, pack),
    )
    return total - known, known - persisting, resolved, persisting, gaps


def _close(db: Database, pack: str, run: int, now: str, judge: Judge) -> tuple[int, int]:
    """Close what the scan looked at and does not have; how many findings, and how many stay open unseen."""
    missing = db.stream(
        "SELECT f.fingerprint, f.subscription, f.opened_run, f.rule, f.resource, f.type FROM acrscan_findings f "
        f"WHERE f.pack = ? AND f.closed_run IS NULL AND f.{_COVERED} AND NOT EXISTS (SELECT 1 FROM acrscan_seen s "
        " WHERE s.fingerprint = f.fingerprint AND s.subscription = f.subscription)",
        (pack,),
    )
    columns = ("fingerprint TEXT", "subscription TEXT", "opened_run BIGINT", "why TEXT")
    judged = ((row[0], row[1], row[2], why) for row, why in judge.of(missing))
    # Judged into a table first: nobody may write to a table from which he is still reading.
    db.pour("acrscan_gone", columns, judged)
    elsewhere = "NOT EXISTS (SELECT 1 FROM acrscan_seen s WHERE s.fingerprint = g.fingerprint)"
    gaps: int = db.run(
        f"SELECT COUNT(DISTINCT g.fingerprint) FROM acrscan_gone g WHERE g.why = ? AND {elsewhere}", (GAP,)
    )[0][0]
    resolved: int = db.run(
        f"SELECT COUNT(DISTINCT g.fingerprint) FROM acrscan_gone g WHERE g.why <> ? AND {elsewhere} AND NOT EXISTS"
        " (SELECT 1 FROM acrscan_gone o WHERE o.fingerprint = g.fingerprint AND o.why = ?)",
        (GAP, GAP),
    )[0][0]
    db.run("CREATE INDEX acrscan_gone_by ON acrscan_gone (fingerprint, subscription)")
    same = "g.fingerprint = acrscan_findings.fingerprint AND g.subscription = acrscan_findings.subscription AND g.opened_run = acrscan_findings.opened_run"
    db.run(
        f"UPDATE acrscan_findings SET closed_run = ?, closed = ?, why = (SELECT g.why FROM acrscan_gone g WHERE {same}) "
        f"WHERE pack = ? AND closed_run IS NULL AND {_COVERED}"
        f" AND EXISTS (SELECT 1 FROM acrscan_gone g WHERE g.why <> ? AND {same})",
        (run, now, pack, GAP),
    )
    return resolved, gaps


def _waived(db: Database, pack: str, run: int) -> None:
    """Which waiver covers which open finding, where that changed."""
    same = "s.fingerprint = acrscan_waived.fingerprint AND s.subscription = acrscan_waived.subscription"
    db.run(
        f"UPDATE acrscan_waived SET to_run = ? WHERE pack = ? AND to_run IS NULL AND {_COVERED} AND ("
        f"EXISTS (SELECT 1 FROM acrscan_seen s WHERE {same} AND s.waiver <> acrscan_waived.waiver) OR NOT EXISTS "
        "(SELECT 1 FROM acrscan_findings f WHERE f.pack = acrscan_waived.pack AND f.closed_run IS NULL"
        " AND f.fingerprint = acrscan_waived.fingerprint AND f.subscription = acrscan_waived.subscription))",
        (run, pack),
    )
    db.run(
        "INSERT INTO acrscan_waived (pack, fingerprint, subscription, from_run, waiver, shared) "
        "SELECT CAST(? AS TEXT), s.fingerprint, s.subscription, CAST(? AS BIGINT), MIN(s.waiver), MAX(s.shared) FROM acrscan_seen s "
        "WHERE s.waiver <> '' AND NOT EXISTS (SELECT 1 FROM acrscan_waived w WHERE w.pack = ? AND w.to_run IS NULL"
        " AND w.fingerprint = s.fingerprint AND w.subscription = s.subscription) GROUP BY s.fingerprint, s.subscription",
        (pack, run, pack),
    )


def _counts(db: Database, pack: str, run: int) -> None:
    """Verdict counts, where they changed."""
    equal = " AND ".join(f"t.{name} = acrscan_counts.{name}" for name in COUNTS)
    db.run(
        f"UPDATE acrscan_counts SET to_run = ? WHERE pack = ? AND to_run IS NULL AND {_COVERED} AND NOT EXISTS "
        "(SELECT 1 FROM acrscan_told t WHERE t.rule = acrscan_counts.rule"
        f" AND t.subscription = acrscan_counts.subscription AND {equal})",
        (run, pack),
    )
    db.run(
        f"INSERT INTO acrscan_counts (pack, rule, subscription, from_run, {', '.join(COUNTS)}) "
        f"SELECT CAST(? AS TEXT), t.rule, t.subscription, CAST(? AS BIGINT), {', '.join('t.' + name for name in COUNTS)} FROM acrscan_told t "
        "WHERE NOT EXISTS (SELECT 1 FROM acrscan_counts c WHERE c.pack = ? AND c.to_run IS NULL"
        " AND c.rule = t.rule AND c.subscription = t.subscription)",
        (pack, run, pack),
    )


def _registries(db: Database, pack: str, run: int, now: str, judge: Judge, before: dict[str, Before]) -> None:
    """The population, where it changed: registries that came, went, or could not be evaluated this time."""
    missing = db.stream(
        f"SELECT id, subscription FROM acrscan_registries WHERE pack = ? AND to_run IS NULL AND {_COVERED}"
        " AND NOT EXISTS (SELECT 1 FROM acrscan_here h WHERE h.id = acrscan_registries.id)",
        (pack,),
    )
    unread = ((name, place, judge.unread(name, REGISTRIES)) for name, place in missing)
    db.pour("acrscan_lost", ("id TEXT", "subscription TEXT", "reason TEXT"), unread)
    db.run("INSERT INTO acrscan_here SELECT id, subscription, reason FROM acrscan_lost WHERE reason <> ''")
    ended = (
        "UPDATE acrscan_registries SET to_run = ?, last = ? WHERE pack = ? AND to_run IS NULL AND subscription = ? AND "
        "NOT EXISTS (SELECT 1 FROM acrscan_here h WHERE h.id = acrscan_registries.id AND h.reason = acrscan_registries.reason)"
    )
    db.many(ended, ((run, one.now, pack, name) for name, one in before.items()))
    db.run(
        "INSERT INTO acrscan_registries (pack, id, subscription, from_run, first, reason) "
        "SELECT CAST(? AS TEXT), h.id, MIN(h.subscription), CAST(? AS BIGINT), CAST(? AS TEXT), MIN(h.reason) FROM acrscan_here h WHERE NOT EXISTS "
        "(SELECT 1 FROM acrscan_registries r WHERE r.pack = ? AND r.id = h.id AND r.to_run IS NULL) GROUP BY h.id",
        (pack, run, now, pack),
    )
