"""Azure itself: scopes and a way to log in come in, an `Inventory` comes out that says what could not be read.

scopes -> journal (Graph, subscriptions, registries, what they lead to) -> sorted parts, one record per resource -> Inventory
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scanner.errors import OutputError
from scanner.inventory import collections as table
from scanner.inventory import live, lost, scopes
from scanner.inventory._azure.client import Client
from scanner.inventory._azure.clouds import Cloud, cloud_of
from scanner.inventory._azure.credentials import Credential, Login, claims_of
from scanner.inventory._azure.deadlines import Deadlines
from scanner.inventory._azure.pacing import Clock, Told
from scanner.inventory.attempt import ARM, ARM_PREVIEW, GRAPH, Books, Tell
from scanner.inventory.collecting import Collector, Extra
from scanner.inventory.following import follow
from scanner.inventory.journal import Journal, Row
from scanner.inventory.lost import Predecessor
from scanner.inventory.principals import read_principals
from scanner.inventory.record import digest
from scanner.inventory.scopes import Scope, Wanted
from scanner.model import ids
from scanner.model.resource import Facts, Inventory, Part, Problem, SourceRun


@dataclass(frozen=True, slots=True)
class Options:
    """How to collect.

    `folder`: where the journal lies; `resume`: go on with what lies there. `previous`: an earlier inventory to compare
    scopes with. `extras`: makes what else is done for each registry, from the open client. `opt_in`: the collections
    that those answer for.
    """

    folder: Path
    login: Login = field(default_factory=Login)
    cloud: Cloud = field(default_factory=cloud_of)
    wanted: Wanted = field(default_factory=Wanted)
    resume: bool = False
    principals: Path | None = None
    previous: Predecessor | None = None
    extras: Callable[[Client], Extra] | None = None
    opt_in: tuple[str, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)
    """What bounds the extras; a journal of other limits is not gone on with."""
    deadlines: Deadlines = field(default_factory=Deadlines)
    clock: Clock | None = None
    credential: Credential | None = None


@dataclass(frozen=True, slots=True)
class Collected:
    """An inventory, and what was seen of throttling and failures on the way.

    `interrupted`: the user stopped it; `unfinished`: something failed that a resumed collection may still read.
    """

    inventory: Inventory
    interrupted: bool
    unfinished: bool
    told: Told
    failures: Mapping[str, int]
    journal: Journal
    started: str


def collect(options: Options, tell: Tell = lambda *_args, **_facts: None) -> Collected:
    """Collect. Ctrl-C ends with what was read, the rest marked as unread.

    Raises `AuthenticationError` and `ScopeError` where there is nothing to begin with, `OutputError` where the
    journal cannot be written (what was read stays in it), `UsageError` for settings of TLS that cannot be used.
    """
    return asyncio.run(_collect(options, tell))


async def _collect(options: Options, tell: Tell) -> Collected:
    client = Client(
        options.cloud,
        options.login,
        deadlines=options.deadlines,
        clock=options.clock,
        credential=options.credential,
    )
    async with client:
        started = _now(client)
        claims = claims_of(await client.token(options.cloud.scope))
        principal = claims.get("oid")
        tell("scope", words="finding out what is visible")
        scope = await scopes.resolve(client, options.wanted)
        tell("scoped", subscriptions=len(scope.subscriptions), visible=len(scope.visible))
        plan = {
            "cloud": options.cloud.name,
            "principal": str(principal or ""),
            "optIn": sorted(options.opt_in),
            "limits": dict(options.limits),
            **options.wanted.record(),
        }
        journal = Journal(options.folder, plan, resume=options.resume)
        with ExitStack() as stack:
            stack.callback(journal.close)
            books = Books(journal, scope.takes, tell, options.opt_in)
            books.principal = principal if isinstance(principal, str) else ""
            collector = Collector(client, scope, books, options.extras(client) if options.extras else None)
            interrupted = await _work(collector)
            losses = await lost.compare(collector, options.previous, interrupted=interrupted)
            inventory = replace(
                _inventory(options, scope, collector, losses, interrupted=interrupted),
                facts=_facts(claims, started, scope),
            )
            stack.pop_all()
    return Collected(
        inventory,
        interrupted,
        journal.unfinished,
        client.pacing.told,
        client.failures.counts,
        journal,
        started,
    )


def _facts(claims: Mapping[str, Any], started: str, scope: Scope) -> Facts:
    """Who collected, by the claims of the token (unchecked: they only say who we are), and what was left out."""
    texts = {key: value for key, value in claims.items() if isinstance(value, str)}
    application = texts.get("appid") or texts.get("azp", "")
    # Older tokens do not say what they are for; only those of people have scopes (applications have roles).
    if texts.get("idtyp") == "user" or {"upn", "unique_name", "scp"} & texts.keys():
        identity = f"user {texts.get('oid', '')}"
    elif "xms_mirid" in texts:
        identity = f"managed identity {application or texts.get('oid', '')}"
    else:
        identity = f"application {application}" if application else ""
    chosen = {one.id for one in scope.subscriptions}
    left = {
        one.id: one.name
        for one in scope.visible
        if one.id not in chosen and scopes.excluded(one, scope.wanted)
    }
    return Facts(started, texts.get("tid", ""), identity.strip(), left)


async def _work(collector: Collector) -> bool:
    """Do everything; True where the user (or the system) asked to stop before the end."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    if sys.platform != "win32" and task is not None:
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await collector.graph()
        await collector.subscriptions()
        await follow(collector)
    except asyncio.CancelledError:
        if task is not None:
            task.uncancel()
        return True
    return False


def _inventory(
    options: Options, scope: Scope, collector: Collector, losses: lost.Losses, *, interrupted: bool
) -> Inventory:
    """The inventory of a journal."""
    journal = collector.books.journal
    gone = collector.gone
    problems: dict[str, list[Problem]] = {}
    cut = {one.id for one in scope.subscriptions} if interrupted else set()  # told once for each of these
    for registry in collector.unlooked():
        for kind in collector.books.below if ids.subscription_of(registry) not in cut else ():
            problems.setdefault(kind.lower(), []).append(Problem(registry, "nothing below it was read"))
    parts = journal.parts(lambda kind, rows: combine(kind, rows, gone))
    notes = list(scope.notes)
    for unit in journal.units:
        notes += unit.notes
        for kind, problem in unit.problems:
            problems.setdefault(kind.lower(), []).append(problem)
    notes += losses.notes
    problems.setdefault(live.REGISTRIES.lower(), []).extend(_unmatched(scope, parts))
    for problem in losses.problems:
        for kind in (*live.COLLECTED, *options.opt_in):
            problems.setdefault(kind.lower(), []).append(problem)
    if interrupted:
        _cut_short(scope, journal, problems, (*live.COLLECTED, *options.opt_in))
    if not sum(len(part) for part in parts.values() if part.type == live.REGISTRIES):
        notes.append("no registry was found in any of the scanned subscriptions")
    now = _now(collector.client)
    runs = _runs(parts, problems, options.opt_in, now)
    return Inventory(
        parts=parts,
        runs=tuple(runs),
        digest=digest(parts),
        collected_at=now,
        principals=read_principals(options.principals) if options.principals else {},
        diagnostics=tuple(notes),
    )


def _unmatched(scope: Scope, parts: Mapping[str, Part]) -> Iterable[Problem]:
    """A problem for each registry or resource group that the user names and nothing was found of."""
    if not (scope.wanted.registries or scope.wanted.resource_groups):
        return
    found = [ids.segments(item.id) for item in parts.get(live.REGISTRIES.lower(), ())]
    for name in scope.wanted.registries:
        wanted = ids.segments(name)
        if not any(one == wanted if len(wanted) > 1 else one[-1:] == wanted for one in found):
            yield Problem("", f"registry {name} was not found, or is not visible to this identity")
    for name in scope.wanted.resource_groups:
        group = name.rpartition("/")[2].lower()
        if not any(len(one) > 3 and one[3] == group for one in found):
            yield Problem(
                "", f"no registry was found in resource group {name}, or it is not visible to this identity"
            )


def _cut_short(
    scope: Scope, journal: Journal, problems: dict[str, list[Problem]], kinds: Iterable[str]
) -> None:
    """Everything that was not finished when the user stopped is unread."""
    reason = "the collection was interrupted"
    for kind in kinds:
        problems.setdefault(kind.lower(), []).extend(
            Problem(f"/subscriptions/{one.id}", reason)
            for one in scope.subscriptions
            if not (kind == live.REGISTRIES and journal.done(f"registries/{one.id}"))
        )


def _runs(
    parts: Mapping[str, Part], problems: Mapping[str, list[Problem]], opt_in: tuple[str, ...], now: str
) -> Iterable[SourceRun]:
    """One run per type that a live collection answers for, and one per opt-in type that nobody asked for."""
    for kind in (*live.COLLECTED, *opt_in):
        part = parts.get(kind.lower())
        count = len(part) if part is not None else 0
        missing = tuple(dict.fromkeys(problems.get(kind.lower(), ())))
        state = "complete" if not missing else "partial" if count else "failed"
        yield SourceRun("azure", kind, state, count, missing, now)
    for kind in table.OPT_IN:
        if kind not in opt_in:
            yield SourceRun("azure", kind, "not-asked")


def combine(kind: str, rows: list[Row], gone: set[str]) -> dict[str, Any] | None:
    """One record of all that sources say about one id: the best one, with the keys that only others have where these add.

    A registry's preview list adds keys that only previews have; Resource Graph adds a subscription's management groups.
    """
    if ids.normalise(ids.registry_of(rows[0].record["id"])) in gone:
        return None
    by_rank = {row.rank: row.record for row in rows}
    best = by_rank[max(by_rank)]
    other: dict[str, Any] | None = None
    if kind == live.REGISTRIES and ARM in by_rank:
        best, other = by_rank[ARM], by_rank.get(ARM_PREVIEW)
    elif kind == live.SUBSCRIPTIONS and ARM in by_rank:
        best, other = by_rank[ARM], by_rank.get(GRAPH)
    if other is None:
        return best
    version = other["apiVersion"] if kind == live.REGISTRIES else best["apiVersion"]
    return {
        **best,
        "apiVersion": version,
        "body": added(best["body"], other["body"]),
        "hidden": {**other["hidden"], **best["hidden"]},
    }


def added(base: Any, more: Any) -> Any:
    """`base` with the keys that only `more` has, at every depth of objects."""
    if not isinstance(base, dict) or not isinstance(more, dict):
        return base
    return {
        **{key: value for key, value in more.items() if key not in base},
        **{key: added(value, more[key]) if key in more else value for key, value in base.items()},
    }


def _now(client: Client) -> str:
    return client.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def locked(folder: Path) -> Any:
    """A lock on a folder, so that two runs do not write one snapshot. Raises `OutputError` where another run holds it."""
    from filelock import FileLock, Timeout  # noqa: PLC0415

    lock = FileLock(folder.parent / f".{folder.name}.lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except OSError as error:
        if not isinstance(error, Timeout):
            raise OutputError(f"cannot be written: {error.strerror or error}", str(folder)) from error
        raise OutputError(
            "another run is writing it", str(folder), "Wait for it to end, or name another folder."
        ) from error
    return lock
