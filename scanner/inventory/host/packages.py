"""Which versions of Docker and of the Azure CLI are installed: package databases and, on the running host, `docker version`.

dpkg and apk keep their databases as text, rpm in SQLite. Older forms of rpm's are not read: what is known from nothing else is unknown then.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from scanner.inventory.host.root import File, Root, Unreadable
from scanner.inventory.host.rows import Facts
from scanner.inventory.host.rpm import rpm_packages
from scanner.model.resource import Place

MAX_DATABASE = 64_000_000
MAX_RPM = 250_000_000
SECONDS = 10.0
"""How long `docker version` may take; a daemon that hangs does not answer at all."""

_DPKG = "/var/lib/dpkg/status"
_DPKG_PARTS = "/var/lib/dpkg/status.d"
_APK = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
_RPM = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
_RPM_FILES = frozenset({"Packages", "Packages.db"})
CLIENTS = (
    "docker-ce-cli",
    "moby-cli",
    "docker-cli",
    "docker-client",
    "docker-ce",
    "docker.io",
    "docker-engine",
    "docker",
)
DAEMONS = ("docker-ce", "moby-engine", "docker.io", "docker-engine", "docker")
AZURE_CLI = "azure-cli"
_SOCKET = "/var/run/docker.sock"
_EMULATION = "podman-docker"
_WANTED = frozenset((*CLIENTS, *DAEMONS, AZURE_CLI, _EMULATION))
_NO_CLIENT = frozenset({("apk", "docker-engine")})
"""Packages of Alpine that hold the daemon alone."""
_OTHERS = frozenset({("dpkg", "docker")})
"""Packages that are no Docker in spite of their name: Debian's was a dock for icons."""
CLIENT_FILES = (
    "/usr/bin/docker",
    "/usr/local/bin/docker",
    "/snap/bin/docker",
    "/bin/docker",
    "/usr/bin/docker-current",
    "/Program Files/Docker/Docker/resources/bin/docker.exe",
    "/Applications/Docker.app",
)
DAEMON_FILES = (
    "/usr/bin/dockerd",
    "/usr/local/bin/dockerd",
    "/usr/sbin/dockerd",
    "/usr/bin/dockerd-current",
    "/snap/bin/docker.dockerd",
    "/Program Files/Docker/dockerd.exe",
)
_SITES = ("/opt/az/lib", "/usr/lib64/az/lib", "/usr/lib", "/usr/local/lib", "/usr/lib64")
_DIST = re.compile(
    r"azure[_-]cli(?P<acr>[_-]acr)?-(?P<version>\d+(?:\.\d+)*)[^-]*(?:\.dist-info|-py[\d.]+\.egg-info|\.egg-info)\Z"
)
_NUMBER = re.compile(r"(?:\d+:)?(\d+(?:\.\d+)+)")


class Package(NamedTuple):
    """An installed package. `kind`: dpkg, apk or rpm; `version`: without epoch and revision, "" where it has no such form; `line` 0: no text."""

    kind: str
    name: str
    version: str
    written: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program said: its exit code, standard output and error."""

    code: int
    out: str
    err: str


Run = Callable[[], Answer | str | None]
"""Asks `docker version`: an answer, why there is none, or None where the program is not there."""


def installed(facts: Facts) -> tuple[dict[str, Package], list[str]]:
    """The packages that matter by name, and why others may be missing."""
    found: dict[str, Package] = {}
    gaps = []
    root = facts.root
    parts = root.list(_DPKG_PARTS)
    more = (
        [f"{_DPKG_PARTS}/{entry.name}" for entry in parts if entry.kind == "file"]
        if isinstance(parts, list)
        else []
    )
    if isinstance(parts, Unreadable):
        gaps.append(parts.reason)
    for kind, path in (("dpkg", _DPKG), *(("dpkg", one) for one in more), *(("apk", one) for one in _APK)):
        file = root.read(path, MAX_DATABASE)
        if isinstance(file, Unreadable):
            gaps.append(file.reason)
        elif file is not None:
            for one in _packages(kind, file):
                found.setdefault(one.name, one)
    for one in _rpm(root, gaps):
        found.setdefault(one.name, one)
    return found, gaps


def _rpm(root: Root, gaps: list[str]) -> list[Package]:
    """The wanted packages of rpm; what cannot be read goes to `gaps`."""
    for folder in _RPM:
        path = f"{folder}/rpmdb.sqlite"
        file = root.read(path, MAX_RPM)
        log = root.read(f"{path}-wal", 0)
        if isinstance(file, File):
            if isinstance(log, Unreadable):
                gaps.append(f"changes beside {path} are not read; end what installs packages, and scan again")
            try:
                found = rpm_packages(file.data, sorted(_WANTED))
            except ValueError as error:
                gaps.append(f"{path} cannot be read: {error}")
                return []
            return [
                Package("rpm", name, _number(version), f"{version}-{release}", path, 0)
                for name, version, release in found
            ]
        names = root.list(folder)
        other = isinstance(names, list) and _RPM_FILES & {one.name for one in names}
        if isinstance(file, Unreadable):
            gaps.append(file.reason)
        elif isinstance(names, Unreadable):
            gaps.append(names.reason)
        elif other:
            gaps.append(
                f"the database of rpm in {folder} has an old form, which is not read; scan the running host, or ask `rpm -q docker-ce-cli docker-ce`"
            )
        else:
            continue
        return []
    return []


def _number(written: str) -> str:
    """The numbers of a version, without epoch and revision; "" where it has none."""
    found = _NUMBER.match(written)
    return found[1] if found else ""


def _packages(kind: str, file: File) -> Iterable[Package]:
    """The wanted packages of a database."""
    name_key, version_key, state_key = (
        (b"Package", b"Version", b"Status") if kind == "dpkg" else (b"P", b"V", b"-")
    )
    line = 1
    for stanza in file.data.split(b"\n\n"):
        fields = {}
        for number, text in enumerate(stanza.split(b"\n")):
            key, colon, value = text.partition(b":")
            if colon and key in (name_key, version_key, state_key):
                fields[key] = (value.strip().decode("utf-8", "replace"), line + number)
        name = fields.get(name_key, ("", 0))[0]
        state = fields.get(state_key, ("install ok installed", 0))[0]
        if name in _WANTED and (kind, name) not in _OTHERS and state.endswith(" installed"):
            written, at = fields.get(version_key, ("", line))
            yield Package(kind, name, _number(written), written, file.path, at)
        line += stanza.count(b"\n") + 2


def read_versions(facts: Facts, ask: Run | None) -> list[str]:
    """Note the versions of client, daemon and Azure CLI; gives the traces of Docker that were seen."""
    packages, gaps = installed(facts)
    traces = [
        f"package {one.name} {one.written}" for one in packages.values() if one.name in (*CLIENTS, *DAEMONS)
    ]
    seen = {path: facts.root.look(path) for path in dict.fromkeys((*CLIENT_FILES, *DAEMON_FILES))}
    there = [path for path, one in seen.items() if one is not None and not isinstance(one, Unreadable)]
    emulated = _EMULATION in packages
    answer = None if ask is None or emulated else ask()
    said = _said(answer)
    if said is not None and isinstance(answer, Answer):
        emulated = "podman" in answer.err.lower() or "ApiVersion" not in said["Client"]
    if emulated:
        there = [path for path in there if path not in CLIENT_FILES]
    traces += there
    for what, names, files in (("client", CLIENTS, CLIENT_FILES), ("daemon", DAEMONS, DAEMON_FILES)):
        chosen = next(
            (
                packages[name]
                for name in names
                if name in packages and (what == "daemon" or (packages[name].kind, name) not in _NO_CLIENT)
            ),
            None,
        )
        if chosen is not None:
            _note(facts, what, chosen)
        elif any(path in there for path in files):
            path = next(path for path in files if path in there)
            reason = gaps[0] if gaps else "no package that was read brought it"
            facts.unknown(f"{what}.version", f"the version of {path} is not known: {reason}")
            facts.set(f"{what}.source", path)
    if emulated:
        facts.notes.append(
            f"{facts.root.shown}: docker is the command of podman here; it is no client of Docker"
        )
    elif answer is not None:
        traces.append("docker version")
        _asked(facts, answer, said)
    _azure_cli(facts, packages.get(AZURE_CLI), gaps)
    return traces


def _note(facts: Facts, what: str, one: Package) -> None:
    facts.set(f"{what}.source", f"{one.kind} package {one.name} {one.written}")
    if one.version:
        facts.set(f"{what}.version", one.version, _place(facts, one))
    else:
        facts.unknown(
            f"{what}.version", f"the package {one.name} has the version {one.written!r}, which is no number"
        )


def _place(facts: Facts, one: Package) -> Place | None:
    """The line of the version; a database that is no text has none."""
    return facts.place(one.path, one.line) if one.line else None


def _said(answer: Answer | str | None) -> Mapping[str, Any] | None:
    """What `docker version` said, where it is an object with a client in it."""
    if not isinstance(answer, Answer):
        return None
    try:
        said = json.loads(answer.out)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, Mapping) and isinstance(said.get("Client"), Mapping) else None


def _asked(facts: Facts, answer: Answer | str, said: Mapping[str, Any] | None) -> None:
    """Note what `docker version` says; it knows better than packages."""
    if isinstance(answer, str):
        facts.unknown("daemon.answers", answer)
        return
    if said is None:
        first = (answer.err or answer.out).strip().partition("\n")[0][:200]
        facts.unknown(
            "daemon.answers", f"`docker version` gave no JSON: {first or f'exit code {answer.code}'}"
        )
        return
    _version(facts, "client", said["Client"])
    server = said.get("Server")
    if isinstance(server, Mapping):
        _version(facts, "daemon", server)
        facts.set("daemon.answers", value=True)
    else:
        facts.set("daemon.answers", value=False)
        facts.set("daemon.error", answer.err.strip().partition("\n")[0][:200])
        if facts.value("daemon.version") is None and (
            facts.value("daemon.source") or facts.root.look(_SOCKET)
        ):
            facts.unknown(
                "daemon.version",
                f"the daemon did not answer: {answer.err.strip().partition(chr(10))[0][:200]}",
            )


def _version(facts: Facts, what: str, said: Mapping[str, Any]) -> None:
    version = said.get("Version")
    found = _NUMBER.match(version) if isinstance(version, str) else None
    if found is None:
        facts.unknown(f"{what}.version", f"`docker version` says {str(version)[:40]!r}, which is no version")
        return
    facts.set(f"{what}.version", found[1])
    facts.set(f"{what}.source", "docker version")


def _azure_cli(facts: Facts, package: Package | None, gaps: list[str]) -> None:
    """Note the version of the Azure CLI, and of its module for registries where that was a package of its own (before 2.0.68)."""
    if package is not None and package.version:
        facts.set("cli.found", value=True)
        facts.set("cli.version", package.version, _place(facts, package))
        facts.set("cli.source", f"{package.kind} package {package.name} {package.written}")
    for folder in _site_packages(facts.root):
        names = facts.root.list(folder)
        for entry in names if isinstance(names, list) else ():
            found = _DIST.match(entry.name)
            if found is None:
                continue
            facts.set("cli.found", value=True)
            if found["acr"]:
                facts.set("cli.acrVersion", found["version"])
            elif facts.value("cli.version") is None:
                facts.set("cli.version", found["version"])
                facts.set("cli.source", f"{folder}/{entry.name}")
    if facts.value("cli.found") is None:
        look = [facts.root.look(path) for path in ("/usr/bin/az", "/usr/local/bin/az", "/opt/az/bin/az")]
        there = any(one is not None and not isinstance(one, Unreadable) for one in look)
        facts.set("cli.found", there)
        if there:
            facts.unknown(
                "cli.version",
                gaps[0]
                if gaps
                else "az is there, but neither a package nor its Python files tell the version",
            )


def _site_packages(root: Root) -> Iterable[str]:
    for above in _SITES:
        names = root.list(above)
        for entry in names if isinstance(names, list) else ():
            if entry.name.startswith("python3"):
                yield from (f"{above}/{entry.name}/site-packages", f"{above}/{entry.name}/dist-packages")


def ask_docker(program: str = "docker", seconds: float = SECONDS) -> Answer | str | None:
    """Run `docker version` against this host's own daemon, whatever the environment names; nothing else is run."""
    kept = {
        key: value for key, value in os.environ.items() if key not in ("DOCKER_HOST", "DOCKER_TLS_VERIFY")
    }
    kept["DOCKER_CONTEXT"] = "default"
    try:
        done = subprocess.run(  # noqa: S603 - fixed words; the program is found as the user's shell would
            [program, "version", "--format", "{{json .}}"],
            capture_output=True,
            check=False,
            env=kept,
            stdin=subprocess.DEVNULL,
            timeout=seconds,
        )
    except FileNotFoundError:
        return None
    except subprocess.TimeoutExpired:
        return f"`docker version` did not answer within {seconds:g} seconds"
    except OSError as error:
        return f"docker could not be run: {error.strerror or error}"
    return Answer(
        done.returncode,
        done.stdout[:1_000_000].decode("utf-8", "replace"),
        done.stderr[:10_000].decode("utf-8", "replace"),
    )
