"""What is found on a host, fact by fact, comes in; one `acrscan/hosts` resource with the place of each fact comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanner.inventory.host.root import Root, Unreadable
from scanner.model import ids
from scanner.model.resource import Origin, Place, Resource, plant, pointer
from scanner.model.values import Hidden
from scanner.text import encodable

TYPE = "acrscan/hosts"
LOGGING, NONDISTRIBUTABLE, INSECURE, INTERCEPTION, CONTENT_TRUST, TRUST, CREDENTIALS, CONFIGS, SOCKETS = (
    "logging",
    "nondistributable",
    "insecureRegistries",
    "interception",
    "contentTrust",
    "trust",
    "credentials",
    "dockerConfigs",
    "sockets",
)
LISTS = (
    LOGGING,
    NONDISTRIBUTABLE,
    INSECURE,
    INTERCEPTION,
    CONTENT_TRUST,
    TRUST,
    CREDENTIALS,
    CONFIGS,
    SOCKETS,
)
DAEMON_LISTS = (LOGGING, NONDISTRIBUTABLE, INSECURE, INTERCEPTION)
HOME_LISTS = (TRUST, CREDENTIALS, CONFIGS, INTERCEPTION)
MAX_ROWS = 1_000
LONGEST = 500


class Facts:
    """Gathers the facts of one root. What cannot be read leaves a reason where it would have stood."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.notes: list[str] = []
        self._values: dict[str, Any] = {}
        self._rows: dict[str, list[dict[str, Any]]] = {name: [] for name in LISTS}
        self._open: dict[str, list[str]] = {}
        self._homes: set[str] = set()
        self._unread: dict[str, str] = {}
        self._hidden: dict[str, str] = {}
        self._places: dict[str, tuple[Place, ...]] = {}

    def place(
        self, path: str, line: int = 1, column: int = 1, length: int = 0, what: str = "property"
    ) -> Place:
        """A place in a file of the host."""
        return Place(self.root.name(path), line, column, line, column + length, what)

    def set(self, path: str, value: Any, place: Place | None = None) -> None:
        """Note one value, such as `client.version`."""
        keys = ("properties", *path.split("."))
        node = self._values
        for key in keys[1:-1]:
            node = node.setdefault(key, {})
        node[keys[-1]] = _short(value)
        self._places.pop(pointer(keys), None)
        if place is not None:
            self._places[pointer(keys)] = (place,)

    def at(self, path: str, place: Place) -> None:
        """Note where something stands that has no value of its own."""
        self._places[pointer(("properties", *path.split(".")))] = (place,)

    def unknown(self, path: str, reason: str) -> None:
        """Note why a value is not known, unless another source tells it."""
        self._unread[pointer(("properties", *path.split(".")))] = _short(reason)

    def row(self, name: str, row: Mapping[str, Any], place: Place | None = None) -> None:
        """Note one element of a list; values that are `Hidden` stay out, values that are not known are `Unreadable`."""
        rows = self._rows[name]
        if len(rows) >= MAX_ROWS:
            self.gap(f"more than {MAX_ROWS:,} of them", name)
            return
        at = ("properties", name, str(len(rows)))
        kept = {}
        for key, value in row.items():
            if isinstance(value, Unreadable):
                self._unread[pointer((*at, key))] = _short(value.reason)
            elif isinstance(value, Hidden):
                self._hidden[pointer((*at, key))] = value.kind
            elif value is not None:
                kept[key] = _short(value)
        rows.append(kept)
        if place is not None:
            self._places[pointer(at)] = (place,)

    def gap(self, reason: str, *names: str) -> None:
        """Note that lists may have elements that were not read."""
        for name in names:
            reasons = self._open.setdefault(name, [])
            if reason not in reasons:
                reasons.append(reason)

    def missed(self, one: Unreadable, *names: str) -> None:
        """The same for what is there and cannot be read."""
        self.gap(one.reason, *names)
        if CREDENTIALS in names:
            self._homes.add(one.path)

    def unread_homes(self) -> list[str]:
        """What users keep and could not be looked into."""
        return sorted(self._homes)

    def value(self, path: str) -> Any:
        """A value that was noted, or None."""
        node: Any = self._values
        for key in path.split("."):
            node = node.get(key) if isinstance(node, dict) else None
        return node

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The elements that were noted."""
        return self._rows[name]

    def made(self, name: str, collected_at: str) -> Resource:
        """The resource of the host."""
        identifier = ids.file_id(ids.file_scope(self.root.shown), TYPE, [name])
        properties: dict[str, Any] = {**self._values, **{key: list(rows) for key, rows in self._rows.items()}}
        unread = {
            where: reason
            for where, reason in self._unread.items()
            if where.count("/") > 3
            or self.value(where.removeprefix("/properties/").replace("/", ".")) is None
        }
        for key, reasons in self._open.items():
            more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
            unread[pointer(("properties", key, "-"))] = _short(reasons[0]) + more
        body = {"id": identifier, "name": name, "type": TYPE, "properties": properties}
        return Resource(
            id=identifier,
            type=TYPE,
            name=name,
            body=plant(body, unread, self._hidden),
            unread=unread,
            hidden=dict(self._hidden),
            origin=Origin("host", self.root.shown, collected_at=collected_at),
            places=self._places,
        )


def _short(value: Any) -> Any:
    """Text from a host in bounds and as UTF-8 can say it."""
    if isinstance(value, str):
        text = encodable(value)
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return value
