"""Retention: what ended before a date goes, what is open stays, and the newest run of every scope stays with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from scanner.errors import InputError
from scanner.history.database import Database, clean
from scanner.history.record import newest


@dataclass(frozen=True, slots=True)
class Pruned:
    """How much was forgotten. `kept`: runs from before the date that the present still rests on."""

    runs: int
    findings: int
    counts: int
    registries: int
    kept: int


def prune(db: Database, before: date) -> Pruned:
    """Forget runs of earlier nights, and findings, counts and registries that ended before."""
    day = before.isoformat()
    with db.writing():
        kept = {
            one.run
            for (pack,) in db.run("SELECT DISTINCT pack FROM acrscan_runs")
            for one in newest(db, pack).values()
        }
        db.fill("acrscan_kept", ("id BIGINT",), ((run,) for run in sorted(kept)))
        old: int = db.run("SELECT COUNT(*) FROM acrscan_runs WHERE night < ?", (day,))[0][0]
        # What ended in a run of an earlier night is seen by no run that stays.
        ended = "SELECT id FROM acrscan_runs WHERE night < ?"
        findings = db.changed(
            "DELETE FROM acrscan_findings WHERE closed_run IS NOT NULL AND closed < ?", (f"{day}T00:00:00Z",)
        )
        db.run(f"DELETE FROM acrscan_waived WHERE to_run IN ({ended})", (day,))
        counts = db.changed(f"DELETE FROM acrscan_counts WHERE to_run IN ({ended})", (day,))
        registries = db.changed(f"DELETE FROM acrscan_registries WHERE to_run IN ({ended})", (day,))
        runs = db.changed(
            "DELETE FROM acrscan_runs WHERE night < ? AND id NOT IN (SELECT id FROM acrscan_kept)", (day,)
        )
        # The runs kept are what the next scan is compared with; what stood at their time is known no more.
        db.run("UPDATE acrscan_runs SET pruned = 1 WHERE night < ?", (day,))
        named = " UNION ".join(
            f"SELECT {column} FROM acrscan_runs" for column in ("scope", "rules", "parameters", "lacks")
        )
        db.run(f"DELETE FROM acrscan_documents WHERE digest NOT IN ({named})")
    db.shrink()
    return Pruned(runs, findings, counts, registries, old - runs)


def retire(db: Database, subscription: str, night: date, reason: str) -> int:
    """Close what is open of a subscription, and expect no scan of it from that night on."""
    with db.writing():
        runs = [
            one
            for (pack,) in db.run("SELECT DISTINCT pack FROM acrscan_runs")
            if (one := newest(db, pack).get(subscription)) is not None
        ]
        if not runs:
            raise InputError(
                f"holds no scan of the subscription {subscription[:80]!r}",
                db.words,
                "See acrscan history runs.",
            )
        newest_run = max(one.run for one in runs)
        # It is gone as of the first run of those nights, or of the next one that comes.
        run: int = db.run(
            "SELECT COALESCE(MIN(CASE WHEN night >= ? AND id > ? THEN id END), MAX(id) + 1) FROM acrscan_runs",
            (night.isoformat(), newest_run),
        )[0][0]
        last = max(one.now for one in runs)
        if last[:10] >= night.isoformat():
            raise InputError(
                f"the subscription was scanned at {last}, it cannot be gone since {night.isoformat()}",
                db.words,
                "Give a later night with --since.",
            )
        db.run(
            "INSERT INTO acrscan_retired (subscription, night, reason) VALUES (?, ?, ?) "
            "ON CONFLICT (subscription) DO UPDATE SET night = excluded.night, reason = excluded.reason",
            (subscription, night.isoformat(), clean(reason, 500)),
        )
        for table in ("acrscan_waived", "acrscan_counts"):
            db.run(
                f"UPDATE {table} SET to_run = ? WHERE subscription = ? AND to_run IS NULL",
                (run, subscription),
            )
        db.run(
            "UPDATE acrscan_registries SET to_run = ?, last = ? WHERE subscription = ? AND to_run IS NULL",
            (run, last, subscription),
        )
        return db.changed(
            "UPDATE acrscan_findings SET closed_run = ?, closed = ?, why = 'scope' "
            "WHERE subscription = ? AND closed_run IS NULL",
            (run, f"{night.isoformat()}T00:00:00Z", subscription),
        )
