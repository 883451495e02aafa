"""What the environment tells Docker's clients: files that sessions read, or the environment itself, come in, rows come out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scanner.inventory.host import rows
from scanner.inventory.host.daemon import PROXY_VARIABLES, proxy
from scanner.inventory.host.root import File, Unreadable
from scanner.inventory.host.rows import Facts
from scanner.inventory.host.systemd import docker_unit
from scanner.inventory.host.texts import assignments, decoded
from scanner.model.resource import Place
from scanner.model.values import Hidden

_FILES = ("/etc/environment", "/etc/profile", "/etc/bash.bashrc", "/etc/bashrc")
_FOLDERS = ("/etc/profile.d", "/etc/environment.d", "/usr/lib/environment.d")
_OF_HOMES = (".profile", ".bash_profile", ".bashrc", ".zshrc")
TRUST_VARIABLES = ("DOCKER_CONTENT_TRUST", "DOCKER_CONTENT_TRUST_SERVER")
_NAMES = (*PROXY_VARIABLES, "DOCKER_CONTENT_TRUST")
MAX_FILE = 200_000
MAX_TOGETHER = 2_000_000
_LISTS = (rows.CONTENT_TRUST, rows.TRUST, rows.INTERCEPTION)
_PASSPHRASES = (
    "DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE",
    "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE",
    "DOCKER_CONTENT_TRUST_OFFLINE_PASSPHRASE",
    "DOCKER_CONTENT_TRUST_TAGGING_PASSPHRASE",
)


def read_sessions(facts: Facts, homes: Iterable[str], environment: Mapping[str, str] | None) -> None:
    """Note variables about content trust and proxies. `environment`: that of this process, on the running host."""
    paths = list(_FILES)
    for folder in _FOLDERS:
        listed = facts.root.list(folder)
        if isinstance(listed, Unreadable):
            facts.missed(listed, *_LISTS)
        paths += [
            f"{folder}/{one.name}"
            for one in (listed if isinstance(listed, list) else ())
            if one.name.endswith((".sh", ".conf"))
        ]
    paths += [f"{home}/{name}" for home in homes for name in _OF_HOMES]
    left = MAX_TOGETHER
    for path in paths:
        left -= _file(facts, path)
        if left < 0:
            facts.gap(
                f"the files of sessions have more than the {MAX_TOGETHER:,} bytes allowed together", *_LISTS
            )
            break
    for name, (value, written) in docker_unit(facts.root).environment.items():
        place = facts.place(written.path, written.line, written.column)
        _trust(facts, name, value, place, f"{written.path}: {name}", stored=True)
    for name, value in sorted((environment or {}).items()):
        at = f"environment of this process: {name}"
        _trust(facts, name, value, None, at, stored=False)
        if name in PROXY_VARIABLES:
            proxy(facts, value, None, at)


def _file(facts: Facts, path: str) -> int:
    """Note what one file sets; gives the number of bytes that were looked at."""
    file = facts.root.read(path, MAX_FILE)
    text = decoded(file) if isinstance(file, File) else file
    if isinstance(text, Unreadable):
        facts.missed(text, *_LISTS)
    if not isinstance(text, str) or not any(name in text for name in _NAMES):
        return 0
    for one in assignments(text, _NAMES):
        place = facts.place(path, one.line, one.column, one.length)
        at = f"{path}: {one.name}"
        _trust(facts, one.name, one.value, place, at, stored=True)
        if one.name in PROXY_VARIABLES:
            proxy(facts, one.value, place, at)
    return len(text)


def _trust(facts: Facts, name: str, value: str | None, place: Place | None, at: str, *, stored: bool) -> None:
    """Note a variable of content trust. That a passphrase is written down is told; the passphrase is not copied."""
    if name in _PASSPHRASES:
        if stored and value != "":
            facts.row(
                rows.TRUST,
                {"kind": "passphrase", "variable": name, "value": Hidden("password"), "at": at},
                place,
            )
    elif name in TRUST_VARIABLES:
        known = Unreadable(at, f"{at} is computed when it is used") if value is None else value
        facts.row(rows.CONTENT_TRUST, {"variable": name, "value": known, "at": at}, place)
