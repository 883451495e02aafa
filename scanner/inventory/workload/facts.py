"""What was seen in one file: image references and rows come in, the resources that rules look at come out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scanner.errors import InputError
from scanner.inventory.workload.addresses import holds_password, host_of, without_user
from scanner.inventory.workload.images import (
    MOST_TEXT,
    Filled,
    addressed,
    is_acr,
    shown,
    split_reference,
    value_of,
)
from scanner.inventory.workload.source import HOLE, Text
from scanner.model import ids
from scanner.model.resource import Origin, Place, Resource
from scanner.model.values import Unknown, UnreadTail

IMAGES, FILES = "acrscan/imageReferences", "acrscan/workloadFiles"
SOCKETS, CONTAINERS, SECRETS, LOGINS, CALLS, GIT, LITERALS = (
    "socketMounts",
    "hostAccess",
    "pullSecrets",
    "logins",
    "registryCalls",
    "gitHistory",
    "literalCredentials",
)
LISTS = {
    "dockerfile": (SOCKETS, LOGINS, LITERALS),
    "compose": (SOCKETS, CONTAINERS),
    "kubernetes": (SOCKETS, CONTAINERS, SECRETS, LITERALS),
    "acrTask": (SOCKETS, CONTAINERS, LOGINS, LITERALS),
    "githubActions": (SOCKETS, CONTAINERS, SECRETS, LOGINS, CALLS, LITERALS),
    "azurePipelines": (SOCKETS, CONTAINERS, SECRETS, LOGINS, CALLS, LITERALS),
    "gitlab": (SOCKETS, CONTAINERS, SECRETS, LOGINS, CALLS, LITERALS),
    "circleci": (SOCKETS, CONTAINERS, SECRETS, LOGINS, CALLS, LITERALS),
    "script": (SOCKETS, CONTAINERS, SECRETS, LOGINS, CALLS, LITERALS),
    "dockerignore": (GIT,),
}
"""Kind of file -> the lists that such a file can fill; other lists are absent, and their rules do not apply."""
_ABOUT = re.compile(r"(?i)azurecr\.|\baz acr\b|ContainerRegistry|\bacr\b")
MOST_ROWS = 500
MOST_IMAGES = 2_000
MOST_CALLS = 100_000
MOST_WORDS = 300
REST = "the rest"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A pull secret that a pod or service account names. `acr`: whether what is pulled with it lies in Azure."""

    namespace: str
    name: str
    at: str
    place: Place
    acr: bool | Unknown


class Facts:
    """The facts of one file and kind; the same thing at the same place is one. `further`: the file has another kind before."""

    def __init__(self, source: Text, kind: str, *, further: bool = False) -> None:
        self._mark = f" ({kind})" if further else ""
        self.source = source
        self.kind = kind
        self.notes: list[str] = []
        self.secrets: dict[tuple[str, str], bool] = {}
        """(namespace or "", name) of pull secrets -> whether what they hold is described here, or kept elsewhere."""
        self.wanted: list[Wanted] = []
        """Pull secrets that pods here use."""
        self.recognised = False
        self._calls = 0
        self._numbers: dict[tuple[str, str], int] = {}
        self._taken: set[tuple[str, str]] = set()
        self._images: dict[str, tuple[dict[str, Any], tuple[Place, ...]]] = {}
        self._rows: dict[str, list[dict[str, Any]]] = {name: [] for name in LISTS[kind]}
        self._places: dict[str, tuple[Place, ...]] = {}
        self._open: dict[str, str] = {}

    def image(
        self,
        reference: Filled,
        use: str,
        at: str,
        *places: Place,
        built_in: bool = False,
        acr: Unknown | None = None,
    ) -> Mapping[str, Any]:
        """Note an image reference and give its properties.

        `use`: base, copy, run, pull, build or push. `at`: where it stands, in words that stay when lines move. `built_in`: it names
        what lies in a registry that is told elsewhere; `acr`: why it is not known whether that one is in Azure.
        """
        self._count()
        plain = reference.text.strip()
        if without_user(plain) != plain:
            reference = addressed(Filled(plain, reference.names))
            if places and holds_password(plain) and is_acr(host_of(plain), "") is not False:
                self.literal(at, places[0], "password in an image reference", host_of(plain))
        text = reference.text.strip()[:MOST_TEXT]
        if built_in and is_acr(text.partition("/")[0], "") is True:
            built_in = False  # its login server is written all the same
        written = text if not built_in else f"registry.azurecr.io/{text}"
        found = dict(split_reference(Filled(written, reference.names)))
        if built_in:
            found.pop("registry", None)
            found["acr"] = acr or True
        if not text or len(self._images) >= MOST_IMAGES:
            if text:
                self._rest()
            return found
        body = {
            "path": self.source.name,
            "kind": self.kind,
            "use": use,
            "at": at,
            "reference": value_of(text, reference.reason),
            **found,
        }
        key = self._unique(IMAGES, at)
        body["at"] = key
        self._images[key] = (body, places)
        return found

    def row(self, group: str, at: str, place: Place, /, **values: Any) -> dict[str, Any]:
        """Note a row of a list; `at` becomes unique in it."""
        self._count()
        if group not in self._rows:
            return {}
        rows = self._rows[group]
        if len(rows) >= MOST_ROWS:
            self._open[group] = f"more than {MOST_ROWS} rows"
            return {}
        key = self._unique(group, at)
        row = {**{name: value for name, value in values.items() if value is not None}, "at": key}
        self._places[f"/properties/{group}/{len(rows)}"] = (place,)
        rows.append(row)
        return row

    def _unique(self, group: str, at: str) -> str:
        """Words for a place that nothing else of a group has, in any casing, as ids have none."""
        words = at[:MOST_WORDS]
        key = words
        while (group, key.lower()) in self._taken:
            number = self._numbers.get((group, words.lower()), 1) + 1
            self._numbers[group, words.lower()] = number
            key = f"{words} ({number})"
        self._taken.add((group, key.lower()))
        return key

    def _count(self) -> None:
        self.recognised = True
        self._calls += 1
        if self._calls > MOST_CALLS:
            raise InputError(
                f"holds more than {MOST_CALLS:,} things to look at", self.source.name, "Split it."
            )

    def unread(self, name: str, reason: str) -> None:
        """Say that a list may hold more than could be read."""
        if name in self._rows:
            self._open.setdefault(name, reason)

    def login(
        self, at: str, place: Place, server: Filled | None, how: str, *, long_lived: Any, acr: Any = None
    ) -> None:
        """Note how something logs in to a registry.

        `server`: None where only `acr` is known; `long_lived`: None where the cause has a row of its own.
        """
        self.recognised = True
        if long_lived is None:
            return
        if acr is None and server is not None:
            acr = is_acr(host_of(server.text), server.reason)
        words = shown(server.text, server.names) if server is not None else None
        self.row(LOGINS, at, place, server=words, how=how, acr=acr, longLived=long_lived)

    def literal(self, at: str, place: Place, kind: str, name: str) -> None:
        """Note a credential that is written down; what it says is never kept."""
        self.row(LITERALS, at, place, kind=kind, name=name)

    def session(self, at: str, place: Place, how: str, *, long_lived: bool | Unknown) -> None:
        """Note how a pipeline or script logs in to Azure; it counts only where the file has to do with registries."""
        if self.about_registries:
            self.row(LOGINS, at, place, server="Azure", how=how, acr=True, longLived=long_lived)
        else:
            self.recognised = True

    @property
    def about_registries(self) -> bool:
        """Whether the file has to do with registries in Azure at all."""
        return _ABOUT.search(self.source.text) is not None

    def _rest(self) -> None:
        """Say that there are more references than are kept: one stands for all others, of which nothing is known."""
        words = f"more than {MOST_IMAGES:,} image references; the rest was not looked at"
        if self._images.keys() >= {REST}:
            return
        self.notes.append(f"{self.source.name}: {words}")
        open_keys = ("use", "reference", "acr", "registry", "repository", "tag", "digest")
        body = {key: Unknown(words, "limit") for key in open_keys}
        self._images[REST] = ({"path": self.source.name, "kind": self.kind, "at": REST, **body}, ())

    def resources(self) -> list[Resource]:
        """One resource for the file and one per image reference."""
        scope = ids.file_scope(self.source.name)
        origin = Origin("workload", self.source.name)
        properties: dict[str, Any] = {"kind": self.kind, "path": self.source.name}
        for name, rows in self._rows.items():
            tail = [UnreadTail(self._open[name])] if name in self._open else []
            properties[name] = [*rows, *tail]
        identifier = ids.file_id(scope, FILES, [self.source.name.rpartition("/")[2] + self._mark])
        body = {"id": identifier, "name": self.source.name, "type": FILES, "properties": properties}
        made = [
            Resource(
                id=identifier,
                type=FILES,
                name=self.source.name,
                body=body,
                origin=origin,
                places={"": (self.source.place(0, 0, "resource"),), **self._places},
            )
        ]
        for at, (found, places) in self._images.items():
            identifier = ids.file_id(scope, IMAGES, [at + self._mark])
            name = _name(found["reference"])
            made.append(
                Resource(
                    id=identifier,
                    type=IMAGES,
                    name=name,
                    body={"id": identifier, "name": name, "type": IMAGES, "properties": found},
                    origin=origin,
                    places={"": places} if places else {},
                )
            )
        return made


def _name(reference: Any) -> str:
    if isinstance(reference, str):
        return reference
    if isinstance(reference, Unknown):
        return "…"
    return "".join("…" if part is None else part for part in reference.parts)


def truth(text: str | None, reason: str) -> bool | Unknown | None:
    """A switch as files write it; None where nothing is written."""
    if text is None:
        return None
    if HOLE in text:
        return Unknown(reason, "parameter")
    return text.strip().lower() in ("true", "yes", "on", "1")
