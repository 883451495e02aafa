"""How the daemon is set up: its JSON, options and environment come in, rows about logging, registries and proxies come out.

Sources: https://docs.docker.com/reference/cli/dockerd/ and https://docs.docker.com/engine/daemon/proxy/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from scanner.inventory.host import rows
from scanner.inventory.host.root import Entry, File, Unreadable
from scanner.inventory.host.rows import Facts
from scanner.inventory.host.systemd import Unit, docker_unit, words
from scanner.inventory.host.texts import Written, assignments, decoded, json_of
from scanner.model.resource import Place

DAEMON_JSON = "/etc/docker/daemon.json"
SYSCONFIG = "/etc/sysconfig/docker"
_MORE_JSON = ("/var/snap/docker/current/config/daemon.json", "/ProgramData/docker/config/daemon.json")
_USER_UNITS = ".config/systemd/user"
_OF_HOMES = (".config/docker/daemon.json", ".docker/daemon.json")
_STARTERS = (
    (SYSCONFIG, "OPTIONS"),
    ("/etc/default/docker", "DOCKER_OPTS"),
    ("/etc/conf.d/docker", "DOCKER_OPTS"),
)
"""Files of init scripts, and the variable in each that holds options."""
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
_SHORT = {"-D": "debug", "-l": "log-level"}
_SWITCHES = frozenset({"debug", "signature-verification"})
_WITH_VALUE = frozenset(
    {
        "log-level",
        "allow-nondistributable-artifacts",
        "insecure-registry",
        "http-proxy",
        "https-proxy",
        "config-file",
    }
)
_TRUE, _FALSE = frozenset({"1", "t", "true"}), frozenset({"0", "f", "false"})
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s:/\[\]]+)(?::(\d{1,5}))?\Z")
_RED_HAT = frozenset({"rhel", "centos", "scientific"})
_NOT_RED_HATS = ("docker-ce", "moby-engine", "docker-engine")
"""Packages of daemons that others build."""
_CURRENT = ("/usr/bin/dockerd-current", "/usr/libexec/docker/docker-runc-current")


def read_daemon(facts: Facts, homes: Iterable[str], system: str | None) -> bool:
    """Note how daemons are set up; whether anything was found. `system`: the ID of os-release, None unread."""
    unit = docker_unit(facts.root)
    found = unit.found | bool(unit.gaps) | _init_files(facts, unit)
    users = (docker_unit(facts.root, (f"{home}/{_USER_UNITS}",)) for home in homes)
    chosen = []
    for one in (unit, *users):
        for gap in one.gaps:
            facts.missed(gap, *rows.DAEMON_LISTS)
        chosen += _unit(facts, one)
        found |= one.found
    paths = [
        *(chosen or [DAEMON_JSON]),
        *_MORE_JSON,
        *(f"{home}/{path}" for home in homes for path in _OF_HOMES),
    ]
    for path in dict.fromkeys(paths):
        found |= _json(facts, path)
    _red_hat(facts, system)
    return found


def _unit(facts: Facts, unit: Unit) -> list[str]:
    """Note what a unit says; gives the files with settings that it names."""
    chosen = []
    for command in unit.commands:
        chosen += _flags(facts, command.value, command, f"{command.path}: ExecStart")
    for name, (value, written) in unit.environment.items():
        at = f"{written.path}: {name}"
        if unit.uses(name):
            chosen += _flags(facts, value, written, at)
        elif name in PROXY_VARIABLES:
            line, column = written.line, written.column
            rest = written.text.split("\n")[line - written.begins][column - 1 :]
            proxy(facts, value, facts.place(written.path, line, column, len(rest.rstrip())), at)
    return chosen


def _init_files(facts: Facts, unit: Unit) -> bool:
    """Note what the files of other init systems say; whether there is one.

    Where systemd starts the daemon, such a file counts only if the unit names it, and is read with the unit.
    """
    there = False
    for path, variable in _STARTERS:
        file = facts.root.read(path)
        there |= isinstance(file, File)
        text = decoded(file) if isinstance(file, File) else file
        if unit.commands or text is None:
            continue
        if isinstance(text, Unreadable):
            facts.missed(text, *rows.DAEMON_LISTS)
            continue
        for one in assignments(text):
            at = f"{path}: {one.name}"
            if one.name == variable:
                _flags(facts, one.value, one.written(path), at)
            elif one.name in PROXY_VARIABLES:
                proxy(facts, one.value, facts.place(path, one.line, one.column, one.length), at)
    return there


def _flags(facts: Facts, text: str | None, written: Written, at: str) -> list[str]:
    """Note the options in a command line that rules look at; gives the files with settings that it names."""
    if text is None:
        reason = f"{at} is computed when the daemon starts"
        facts.gap(reason, *rows.DAEMON_LISTS)
        facts.unknown("daemon.signatureVerification", reason)
        return []
    chosen = []
    given = words(text)
    for number, word in enumerate(given):
        flag, equals, value = word.partition("=")
        name = _SHORT.get(flag) or (flag[2:] if flag.startswith("--") else "")
        if name in _SWITCHES:
            known: str | None = value if equals else "true"
        elif name in _WITH_VALUE:
            known = value if equals else given[number + 1] if number + 1 < len(given) else None
        else:
            continue
        if name == "config-file":
            chosen += [known] if known else []
            continue
        line, column = written.spot(word)
        _option(facts, name, known, facts.place(written.path, line, column, len(word)), f"{at} {flag}")
    return chosen


def _option(facts: Facts, name: str, value: str | None, place: Place, at: str) -> None:
    """Note one option of the command line."""
    if name in _SWITCHES:
        lowered = (value or "").lower()
        known = True if lowered in _TRUE else False if lowered in _FALSE else None
        if name == "debug":
            on = Unreadable(at, f"{at}: {value!r} is neither true nor false") if known is None else known
            facts.row(rows.LOGGING, {"setting": "debug", "enabled": on, "at": at}, place)
        elif known is None:
            facts.unknown("daemon.signatureVerification", f"{at}: {value!r} is neither true nor false")
        else:
            facts.set("daemon.signatureVerification", known, place)
    elif name == "log-level":
        facts.row(rows.LOGGING, {"setting": "log-level", "level": value, "at": at}, place)
    elif name == "allow-nondistributable-artifacts":
        facts.row(rows.NONDISTRIBUTABLE, {"registry": value, "at": at}, place)
    elif name == "insecure-registry":
        facts.row(rows.INSECURE, {"registry": value, "at": at}, place)
    elif name in ("http-proxy", "https-proxy"):
        proxy(facts, value, place, at)


def _json(facts: Facts, path: str) -> bool:
    """Note the settings of one `daemon.json`; whether there is one."""
    file = facts.root.read(path)
    if not isinstance(file, File):
        if file is not None:
            facts.missed(file, *rows.DAEMON_LISTS)
        return file is not None and path in (DAEMON_JSON, *_MORE_JSON)
    document = json_of(facts.root, file)
    if isinstance(document, Unreadable) or not isinstance(document.value, Mapping):
        reason = document.reason if isinstance(document, Unreadable) else f"{path} holds no JSON object"
        facts.gap(reason, *rows.DAEMON_LISTS)
        facts.unknown("daemon.signatureVerification", reason)
        return True
    value = document.value

    def at(*keys: str) -> tuple[Place, str]:
        return document.place(keys, "property"), f"{path}: {'.'.join(keys)}"

    debug = value.get("debug")
    if debug is not None:
        place, where = at("debug")
        on = debug if isinstance(debug, bool) else Unreadable(path, f"{where} is neither true nor false")
        facts.row(rows.LOGGING, {"setting": "debug", "enabled": on, "at": where}, place)
    level = value.get("log-level")
    if level is not None:
        place, where = at("log-level")
        known = level if isinstance(level, str) else Unreadable(path, f"{where} is no text")
        facts.row(rows.LOGGING, {"setting": "log-level", "level": known, "at": where}, place)
    for key, name in (
        ("allow-nondistributable-artifacts", rows.NONDISTRIBUTABLE),
        ("insecure-registries", rows.INSECURE),
    ):
        _registries(facts, value.get(key), name, key, at)
    verification = value.get("signature-verification")
    if isinstance(verification, bool):
        facts.set("daemon.signatureVerification", verification, at("signature-verification")[0])
    proxies = value.get("proxies")
    if isinstance(proxies, Mapping):
        for key in ("http-proxy", "https-proxy"):
            if proxies.get(key) is not None:
                place, where = at("proxies", key)
                proxy(facts, proxies[key], place, where)
    elif proxies is not None:
        facts.gap(f"{path}: proxies is no object", rows.INTERCEPTION)
    _ = document.root  # notices repeated keys
    facts.notes += document.warnings
    return True


def _registries(facts: Facts, listed: Any, name: str, key: str, at: Any) -> None:
    if listed is None:
        return
    if not isinstance(listed, list):
        facts.gap(f"{at(key)[1]} is no list", name)
        return
    for number, one in enumerate(listed):
        place, _ = at(key, str(number))
        where = at(key)[1]
        registry = (
            one if isinstance(one, str) else Unreadable(where, f"{where} holds something that is no text")
        )
        facts.row(name, {"registry": registry, "at": where}, place)


def proxy(facts: Facts, url: object, place: Place | None, at: str) -> None:
    """Note a proxy by host and port alone: its URL may hold a password. An empty one switches proxies off."""
    if url == "":
        return
    address: str | Unreadable
    if url is None:
        address = Unreadable(at, f"{at} is computed when it is used")
    else:
        rest = str(url).partition("://")[2] or str(url)
        found = _ADDRESS.match(rest.partition("/")[0].rpartition("@")[2].strip())
        if found is None or not isinstance(url, str):
            address = Unreadable(at, f"{at} is no address of a proxy")
        else:
            address = (
                f"{found[1].lower()}:{found[2] or ('443' if url.lower().startswith('https:') else '80')}"
            )
    facts.row(rows.INTERCEPTION, {"kind": "proxy", "address": address, "at": at}, place)


def _red_hat(facts: Facts, system: str | None) -> None:
    """Note whether this is the daemon that Red Hat built: only that one verifies signatures by itself."""
    current = any(isinstance(facts.root.look(path), Entry) for path in _CURRENT)
    sysconfig = facts.root.look(SYSCONFIG)
    source = str(facts.value("daemon.source"))
    others = any(f"package {name} " in source for name in _NOT_RED_HATS)
    if system is None and sysconfig is not None and not current and not others:
        facts.unknown("daemon.redHat", "what system the host runs could not be read")
        return
    ours = current or (sysconfig is not None and system in _RED_HAT and not others)
    facts.set("daemon.redHat", ours)
    if ours and facts.value("daemon.signatureVerification") is None:
        if isinstance(sysconfig, Unreadable):
            facts.unknown("daemon.signatureVerification", sysconfig.reason)
        elif sysconfig is not None:
            facts.at("daemon", facts.place(SYSCONFIG, what="resource"))
