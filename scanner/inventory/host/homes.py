"""What users keep for Docker: homes come in, stored credentials, helpers, proxies and sockets come out.

Of a credential it is told that it is stored, for which registry and in which form; its value and user name stay where they are.
Sources: https://docs.docker.com/reference/cli/docker/login/ and https://learn.microsoft.com/azure/container-registry/container-registry-authentication
"""

from __future__ import annotations

import base64
import binascii
import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from scanner.inventory.arm_template.positions import Document
from scanner.inventory.host import rows
from scanner.inventory.host.daemon import proxy
from scanner.inventory.host.root import Entry, File, Root, Unreadable
from scanner.inventory.host.rows import Facts
from scanner.inventory.host.texts import decoded, json_of
from scanner.model.values import Hidden

MAX_HOMES = 2_000
_NO_USER = "00000000-0000-0000-0000-000000000000"
"""The user name with which `az acr login` stores its token."""
_REGISTRIES = (".azurecr.io", ".azurecr.us", ".azurecr.cn", ".azurecr.de")
_NOT_HOMES = frozenset(
    {"", "/", "/nonexistent", "/dev/null", "/dev", "/proc", "/bin", "/sbin", "/usr/sbin", "/usr/bin"}
)
_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")
OLD_CONFIG = "/.dockercfg"
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_GROUPS_LIMIT = 2_000_000


def find_homes(root: Root, given: Sequence[str], own: str = "") -> tuple[list[str], list[Unreadable]]:
    """Folders in which users keep their files: those that were named, else those of all users that the host knows.

    `own`: the home of the user who scans the running host.
    """
    if given:
        return [clean(path) for path in given], []
    found = dict.fromkeys(["/root", *([clean(own)] if own else [])])
    gaps = []
    passwd = root.read("/etc/passwd", _GROUPS_LIMIT)
    text = decoded(passwd) if isinstance(passwd, File) else passwd
    if isinstance(text, Unreadable):
        gaps.append(text)
    for line in text.splitlines() if isinstance(text, str) else ():
        fields = line.split(":")
        if len(fields) == 7 and fields[5].startswith("/"):
            found.setdefault(clean(fields[5]), None)
    for above in ("/home", "/Users"):
        listed = root.list(above)
        if isinstance(listed, Unreadable):
            gaps.append(listed)
        for entry in listed if isinstance(listed, list) else ():
            if entry.kind in ("folder", "link"):
                found.setdefault(f"{above}/{entry.name}", None)
    homes = [path for path in found if path not in _NOT_HOMES]
    if len(homes) > MAX_HOMES:
        gaps.append(
            Unreadable("/etc/passwd", f"more than {MAX_HOMES:,} homes; name those that matter with --home")
        )
    return homes[:MAX_HOMES], gaps


def clean(path: str) -> str:
    """A path of the host from its root on; the drive of Windows is the root."""
    if _DRIVE.match(path):
        path = path[2:].replace("\\", "/")
    return posixpath.normpath("/" + path.lstrip("/"))


def read_homes(facts: Facts, homes: Sequence[str], config: str = "") -> list[str]:
    """Note what the Docker folders of homes hold; gives what is there. `config`: the folder that DOCKER_CONFIG names."""
    traces = []
    for folder in dict.fromkeys([*(f"{home}/.docker" for home in homes), *([config] if config else [])]):
        seen = facts.root.look(folder)
        if isinstance(seen, Unreadable):
            facts.missed(seen, *rows.HOME_LISTS)
            continue
        if folder.endswith("/.docker") and _old_config(facts, folder.removesuffix("/.docker") + OLD_CONFIG):
            traces.append(folder.removesuffix("/.docker") + OLD_CONFIG)
        if seen is None or seen.kind != "folder":
            continue
        traces.append(folder)
        _config(facts, f"{folder}/config.json")
    return traces


def _old_config(facts: Facts, path: str) -> bool:
    """Note the credentials of the file that Docker kept before 1.7, and build tools still write; whether there is one."""
    file = facts.root.read(path)
    document = json_of(facts.root, file) if isinstance(file, File) else file
    if isinstance(document, Unreadable):
        facts.missed(document, rows.CREDENTIALS)
    elif document is not None:
        _credentials(facts, document, path, ())
    return document is not None


def _config(facts: Facts, path: str) -> None:
    """Note one `config.json`."""
    file = facts.root.read(path)
    names = (rows.CREDENTIALS, rows.CONFIGS, rows.INTERCEPTION)
    if not isinstance(file, File):
        if file is not None:
            facts.missed(file, *names)
        return
    document = json_of(facts.root, file)
    if isinstance(document, Unreadable):
        facts.missed(document, *names)
        return
    value = document.value
    if not isinstance(value, Mapping):
        facts.gap(f"{path} holds no JSON object", *names)
        return
    helpers = value.get("credHelpers")
    row = {
        "path": path,
        "credsStore": value.get("credsStore") if isinstance(value.get("credsStore"), str) else None,
        "credHelpers": sorted(str(name) for name in helpers) if isinstance(helpers, Mapping) else None,
        **permissions(file.mode),
    }
    facts.row(rows.CONFIGS, row, document.place((), "resource"))
    _credentials(facts, document, path, ("auths",))
    proxies = value.get("proxies")
    for name, one in proxies.items() if isinstance(proxies, Mapping) else ():
        for key in ("httpProxy", "httpsProxy", "allProxy"):
            if isinstance(one, Mapping) and one.get(key) is not None:
                place = document.place(("proxies", name, key), "property")
                proxy(facts, one[key], place, f"{path}: proxies.{name}.{key}")
    _ = document.root  # notices repeated keys
    facts.notes += document.warnings


def _credentials(facts: Facts, document: Document, path: str, base: tuple[str, ...]) -> None:
    """Note each registry of Azure that a credential is written down for, in the object at `base`."""
    auths = document.value
    for key in base:
        auths = auths.get(key)
    if auths is None:
        return
    if not isinstance(auths, Mapping):
        facts.gap(f"{path}: {'.'.join(base) or 'the file'} is no object", rows.CREDENTIALS)
        return
    for server, one in auths.items():
        registry = registry_of(server)
        if not registry:
            continue
        place = document.place((*base, server), "property")
        at = f"{path}: {'.'.join((*base, registry))}"
        if not isinstance(one, Mapping):
            unclear = Unreadable(path, f"{at} is no object")
            facts.row(rows.CREDENTIALS, {"registry": registry, "kind": unclear, "at": at}, place)
            continue
        kind, admin = _form(one, registry)
        if kind:
            row = {
                "registry": registry,
                "kind": kind,
                "adminUser": admin,
                "value": Hidden("password"),
                "at": at,
            }
            facts.row(rows.CREDENTIALS, row, place)


def registry_of(server: str) -> str:
    """The login server in a key of `auths` (`https://name.azurecr.io/v2/`), "" where it is no registry of Azure."""
    host = server.partition("://")[2] or server
    host = host.partition("/")[0].rpartition("@")[2].partition(":")[0].lower()
    return host if host.endswith(_REGISTRIES) else ""


def _form(one: Mapping[str, Any], registry: str) -> tuple[str, bool | None]:
    """The form of a stored credential ("" = none is stored, a helper has it) and whether it is the registry's admin user.

    Every form but a token of `az acr login` counts as a password: what cannot be decoded is not taken for harmless.
    """
    user, secret = "", False
    auth = one.get("auth")
    if isinstance(auth, str) and auth:
        secret = True
        try:
            user, _, password = base64.b64decode(auth, validate=True).decode().partition(":")
            secret = bool(password)
        except (binascii.Error, UnicodeDecodeError, ValueError):
            user = ""
    if isinstance(one.get("username"), str):
        user = one["username"]
    written = secret or bool(one.get("password"))
    token = bool(one.get("identitytoken") or one.get("registrytoken"))
    if token or (written and user == _NO_USER):
        return "token", False
    if not written:
        return "", None
    return "password", user.lower() == registry.partition(".")[0] if user else None


def permissions(mode: int | None) -> dict[str, Any]:
    """The permissions of a file as rules see them."""
    if mode is None:
        return {"ownerOnly": Unreadable("", "permissions are not read on this system")}
    return {"mode": f"{mode:04o}", "ownerOnly": not mode & 0o077}


def read_sockets(facts: Facts) -> None:
    """Note who may use the daemon's socket; it is looked at, never opened."""
    groups = _groups(facts.root)
    seen: set[tuple[int, int, int | None]] = set()
    for path in _SOCKETS:
        one = facts.root.look(path)
        if isinstance(one, Unreadable):
            facts.missed(one, rows.SOCKETS)
        elif isinstance(one, Entry) and one.kind == "socket" and (one.owner, one.group, one.mode) not in seen:
            seen.add((one.owner, one.group, one.mode))
            mode = one.mode or 0
            row = {
                "path": path,
                "mode": f"{mode:04o}",
                "owner": one.owner,
                "group": groups.get(one.group, str(one.group)),
                "everybody": bool(mode & 0o002),
            }
            facts.row(rows.SOCKETS, row)


def _groups(root: Root) -> Mapping[int, str]:
    file = root.read("/etc/group", _GROUPS_LIMIT)
    text = decoded(file) if isinstance(file, File) else None
    found = {}
    for line in text.splitlines() if isinstance(text, str) else ():
        fields = line.split(":")
        if len(fields) == 4 and fields[2].isdecimal() and len(fields[2]) < 12:
            found[int(fields[2])] = fields[0]
    return found
