"""What a container may do to its host: sources of mounts and settings come in, the values of `hostAccess` rows come out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from scanner.inventory.workload.source import HOLE
from scanner.model.values import Unknown

_SOCKET = re.compile(r"(?i)(?:^|/|\\)(?:docker|podman|containerd|crio)(?:\.sock|_engine)\Z")
_SOCKET_FOLDERS = frozenset({"/var/run", "/run"})
_ENDS = ("docker.sock", "podman.sock", "containerd.sock", "crio.sock", "docker_engine", "/run")


def mount_source(text: str, *, keyed: bool) -> str:
    """The source of `-v SOURCE:TARGET` or, `keyed`, of `--mount type=bind,source=SOURCE,...`; "" for volumes with no name."""
    if keyed:
        for part in text.split(","):
            name, equals, value = part.partition("=")
            if equals and name.strip().lower() in ("source", "src"):
                return value
        return ""
    if re.match(r"[A-Za-z]:[\\/]", text):
        return text[:2] + text[2:].split(":", 1)[0]
    source, colon, _ = text.partition(":")
    return source if colon else ""


def folded(path: str) -> str:
    """A path without what does not matter: repeated and closing slashes, `//./pipe` in either spelling."""
    found = re.sub(r"/{2,}", "/", path.strip().replace("\\", "/"))
    return found.rstrip("/") or ("/" if found else "")


def socket_of(source: str, reason: str) -> bool | Unknown:
    """Whether a mounted path is the socket of a container engine, or a folder that holds it. A path with holes may be."""
    path = folded(source)
    if _SOCKET.search(path) or path in _SOCKET_FOLDERS:
        return True
    if HOLE in path and not _known_elsewhere(path):
        return Unknown(reason, "parameter")
    return False


def _known_elsewhere(path: str) -> bool:
    """Whether the known start or end of a path leaves no room for a socket."""
    head, tail = path.partition(HOLE)[0], path.rpartition(HOLE)[2].lower()
    if head and not any(
        folder.startswith(head) or head.startswith(folder) for folder in ("/var/run", "/run")
    ):
        return True
    return bool(tail) and not any(end.endswith(tail) or tail.endswith(end) for end in _ENDS)


@dataclass
class Host:
    """Settings of one container. Unknown values stand for variables."""

    privileged: Any = False
    namespaces: list[str] = field(default_factory=list)
    open_namespaces: str = ""
    unconfined: Any = False
    root: Any = False
    sockets: list[Any] = field(default_factory=list)

    def mount(self, source: str, reason: str = "") -> None:
        """Note the source of a bind mount."""
        path = folded(source)
        if path == "/" or re.fullmatch(r"[A-Za-z]:", path):
            self.root = True
        elif self.root is not True and path and not path.strip(HOLE):
            self.root = Unknown(reason or "the mounted path is not known here", "parameter")

    def security(self, text: str) -> None:
        """Note a `--security-opt`."""
        name, _, value = text.replace(":", "=", 1).partition("=")
        if name.strip() == "seccomp":
            if value.strip().lower() == "unconfined":
                self.unconfined = True
            elif HOLE in value and self.unconfined is not True:
                self.unconfined = Unknown("the seccomp profile is not known here", "parameter")

    def values(self) -> dict[str, Any]:
        """The values of its row; `settings` says in words what it has."""
        shown = []
        if self.privileged is True:
            shown.append("privileged")
        shown += sorted(set(self.namespaces))
        if self.unconfined is True:
            shown.append("seccomp unconfined")
        if self.root is True:
            shown.append("the host's / mounted")
        namespace: Any = bool(self.namespaces)
        if not namespace and self.open_namespaces:
            namespace = Unknown(self.open_namespaces, "parameter")
        return {
            "privileged": self.privileged,
            "hostNamespace": namespace,
            "seccompUnconfined": self.unconfined,
            "rootMounted": self.root,
            "settings": ", ".join(shown) or "nothing special",
        }
