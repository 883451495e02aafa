"""Docker hosts as an inventory: folders that are roots of hosts come in, an `Inventory` with one resource each comes out.

The running host (`/`) is asked a little more than its files: `docker version`, and the environment of this process.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from scanner.errors import InputError, ScannerError
from scanner.inventory.host import rows
from scanner.inventory.host.certificates import read_certificates
from scanner.inventory.host.daemon import read_daemon
from scanner.inventory.host.homes import OLD_CONFIG, clean, find_homes, read_homes, read_sockets
from scanner.inventory.host.packages import Run, ask_docker, read_versions
from scanner.inventory.host.root import File, Root, Unreadable
from scanner.inventory.host.rows import TYPE, Facts
from scanner.inventory.host.sessions import read_sessions
from scanner.inventory.host.texts import assignments, decoded
from scanner.inventory.host.trust_keys import read_trust
from scanner.inventory.record import ListPart, digest
from scanner.model.resource import Inventory, Problem, Resource, SourceRun
from scanner.types import all_types

_RELEASES = ("/etc/os-release", "/usr/lib/os-release")
_HOSTNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}\Z")
_SHOWN = 5
_OF_USERS = (*rows.HOME_LISTS, *rows.DAEMON_LISTS, rows.CONTENT_TRUST)
"""What users' homes add to."""
_UNTOLD = Problem("", "a host was scanned (--from host), and it tells nothing about Azure", chosen=True)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read. `roots`: none = the running host; `homes`: none = those of all users that a host knows.

    `ask` and `environment` are for the running host alone.
    """

    roots: tuple[Path, ...] = ()
    homes: tuple[str, ...] = ()
    ask: Run = ask_docker
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)


@dataclass
class Reading:
    """What hosts gave. `errors`: roots that could not be used; the rest was read all the same."""

    inventory: Inventory
    errors: list[ScannerError] = field(default_factory=list)


def read_hosts(wanted: Wanted | None = None, *, now: str) -> Reading:
    """Read every root once. Raises `InputError` when none can be used, or no root has a home that was named.

    `now`: RFC 3339, the time that the inventory carries.
    """
    wanted = wanted or Wanted()
    found: dict[str, Resource] = {}
    errors: list[ScannerError] = []
    notes: list[str] = []
    missing = dict.fromkeys(wanted.homes)
    for folder in dict.fromkeys(wanted.roots or (Path(Path.cwd().anchor),)):
        try:
            root = Root(folder)
        except InputError as error:
            errors.append(error)
            continue
        with closing(root):
            for home in [one for one in missing if root.look(clean(one)) is not None]:
                del missing[home]
            facts = Facts(root)
            resource = _host(facts, wanted, now)
            found[resource.id] = resource
            notes += facts.notes
    if not found:
        raise errors[0]
    if missing:
        raise InputError(
            "no such folder in the root",
            next(iter(missing)),
            "--home names a folder as the host itself sees it.",
        )
    parts = {TYPE.lower(): ListPart(TYPE, found.values())}
    runs = [SourceRun("host", TYPE, "complete", len(found), collected_at=now)]
    runs += [
        SourceRun("host", kind, "not-asked", problems=(_UNTOLD,))
        for kind in all_types()
        if not kind.startswith("acrscan/")
    ]
    inventory = Inventory(
        parts=parts,
        runs=tuple(runs),
        digest=digest(parts),
        collected_at=now,
        diagnostics=tuple(dict.fromkeys(notes)),
    )
    return Reading(inventory, errors)


def _host(facts: Facts, wanted: Wanted, now: str) -> Resource:
    """Everything about one host."""
    root = facts.root
    own = wanted.environment if root.live else {}
    system = _system(facts)
    homes, gaps = find_homes(root, wanted.homes, own.get("HOME") or own.get("USERPROFILE") or "")
    for gap in gaps:
        facts.missed(gap, *_OF_USERS)
    looked = [(home, root.closed(home)) for home in homes]
    for _, shut in looked:
        if shut is not None:
            facts.missed(shut, *_OF_USERS)
    homes = [home for home, shut in looked if shut is None]
    facts.set("root", root.shown)
    facts.set("live", root.live)
    traces = read_versions(facts, wanted.ask if root.live else None)
    if read_daemon(facts, homes, system):
        traces.append("configuration of the daemon")
    chosen = own.get("DOCKER_CONFIG", "") if not wanted.homes else ""
    folders = read_homes(facts, homes, clean(str(Path(chosen).absolute())) if chosen else "")
    traces += folders
    read_trust(facts, [folder for folder in folders if not folder.endswith(OLD_CONFIG)])
    read_sockets(facts)
    read_sessions(facts, homes, own)
    read_certificates(facts)
    facts.set("docker.found", bool(traces))
    facts.set("docker.traces", sorted(dict.fromkeys(traces)))
    facts.set("docker.looked", _looked(traces, facts.unread_homes()))
    return facts.made(_name(root), now)


def _looked(traces: Sequence[str], unseen: Sequence[str]) -> str:
    """What speaks for Docker on the host, or that nothing does."""
    if traces:
        return f"found: {', '.join(sorted(dict.fromkeys(traces))[:_SHOWN])}"
    words = "no program, package, configuration or ~/.docker of it is there"
    more = " and more" if len(unseen) > _SHOWN else ""
    return f"{words}; not looked into: {', '.join(unseen[:_SHOWN])}{more}" if unseen else words


def _system(facts: Facts) -> str | None:
    """Note what the host runs; gives its ID (`ubuntu`, `rhel`), "" where nothing tells, None where that is unread."""
    for path in _RELEASES:
        file = facts.root.read(path)
        text = decoded(file) if isinstance(file, File) else file
        if isinstance(text, Unreadable):
            facts.unknown("platform", text.reason)
            return None
        if isinstance(text, str):
            told = {one.name: one.value for one in assignments(text)}
            facts.set("platform", told.get("PRETTY_NAME") or told.get("ID") or "unknown")
            return (told.get("ID") or "").lower()
    return ""


def _name(root: Root) -> str:
    """The host's own name, else that of the folder."""
    file = root.read("/etc/hostname")
    text = decoded(file) if isinstance(file, File) else ""
    name = "" if isinstance(text, Unreadable) else text.strip()
    if _HOSTNAME.match(name):
        return name
    return root.shown.rstrip("/").rpartition("/")[2] or "host"
