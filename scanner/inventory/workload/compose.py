"""Compose files: a tree comes in, the images and settings of its services go to `Facts`.

Variables are filled in as Compose does without an environment: from `.env` beside the file, then from the default in the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from scanner.inventory.workload.facts import CONTAINERS, SOCKETS, Facts, truth
from scanner.inventory.workload.images import Filled
from scanner.inventory.workload.mounts import Host, mount_source, socket_of
from scanner.inventory.workload.source import HOLE
from scanner.inventory.workload.walking import place_of, texts
from scanner.inventory.workload.yaml_tree import Leaf, Listing, Node, Table, Tree, text_of
from scanner.model.resource import Place
from scanner.model.values import Unknown

_VARIABLE = re.compile(r"\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])|\})|([A-Za-z_][A-Za-z0-9_]*))")
_NAMESPACES = {
    "pid": "host PIDs",
    "network_mode": "host network",
    "ipc": "host IPC",
    "uts": "host UTS",
    "userns_mode": "host users",
}
MOST_NESTED = 8
MOST_VALUE, MOST_TEXT = 1_000, 4_000


def is_compose(document: Node) -> bool:
    """Whether a document is a Compose file: services that have an image or are built."""
    services = document.get("services") if isinstance(document, Table) else None
    if not isinstance(services, Table) or "apiVersion" in _keys(document):
        return False
    known = {"image", "build", "extends"}
    return any(isinstance(one, Table) and known & one.items.keys() for one in services.items.values())


def _keys(document: Node) -> Mapping[str, Node]:
    """The keys of a table; none for others."""
    return document.items if isinstance(document, Table) else {}


def environment(text: str) -> dict[str, str]:
    """The variables of a `.env` file."""
    found = {}
    for line in text.split("\n")[:2_000]:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            value = value.strip()
            if value[:1] in ("'", '"') and value.find(value[0], 1) > 0:
                value = value[1 : value.index(value[0], 1)]
            else:
                value = value.partition(" #")[0].rstrip()
            if len(value) <= MOST_VALUE:
                found[name.strip()] = value
    return found


def interpolated(text: str, known: Mapping[str, str], depth: int = 0) -> Filled:
    """A text of a Compose file with its variables filled in."""
    made: list[str] = []
    names: list[str] = []
    at = length = 0
    while (match := _VARIABLE.search(text, at)) is not None:
        made.append(text[at : match.start()])
        at = match.end()
        if match[1]:
            made.append("$")
            continue
        name, operator = match[2] or match[4], match[3] or ""
        inner = Filled("")
        if operator:
            end = _closing(text, at)
            inner = (
                interpolated(text[at:end], known, depth + 1)
                if depth < MOST_NESTED
                else Filled(HOLE, (f"${name}",))
            )
            at = end + 1
        value = known.get(name)
        if operator.endswith("+"):
            unset = value is None or (operator == ":+" and not value)
            chosen = Filled(HOLE, (f"${name}",)) if value is None else Filled("") if unset else inner
        elif value is not None and (value or not operator.startswith(":")):
            chosen = Filled(value)
        elif operator.endswith("-"):
            chosen = inner
        else:
            chosen = Filled(HOLE, (f"${name}",))
        length += len(chosen.text)
        if length > MOST_TEXT:
            return Filled(HOLE, ("a text that is too long",))
        made.append(chosen.text)
        names += chosen.names
    made.append(text[at:])
    return Filled("".join(made), tuple(names))


def _closing(text: str, at: int) -> int:
    """Where the bracket around a default ends."""
    open_ones = 1
    for offset in range(at, len(text)):
        if text[offset] == "}":
            open_ones -= 1
            if open_ones == 0:
                return offset
        elif text.startswith("${", offset):
            open_ones += 1
    return len(text)


def read_compose(facts: Facts, tree: Tree, document: Node, known: Mapping[str, str]) -> None:
    """Take in the services of a Compose file. `known`: the variables of its `.env`."""
    services = document.get("services") if isinstance(document, Table) else None
    volumes = document.get("volumes") if isinstance(document, Table) else None
    if isinstance(services, Table):
        for name, service in services.items.items():
            if isinstance(service, Table):
                one = _Service(facts, tree, known, name, service, volumes)
                one.read(services.keys.get(name, service))


class _Service:
    def __init__(
        self,
        facts: Facts,
        tree: Tree,
        known: Mapping[str, str],
        name: str,
        service: Table,
        volumes: Node | None,
    ) -> None:
        self._facts = facts
        self._tree = tree
        self._known = known
        self._name = name
        self._service = service
        self._volumes = volumes
        self._host = Host()

    def read(self, head: Node) -> None:
        built = "build" in self._service.items
        image = self._service.items.get("image")
        if image is not None and not (isinstance(image, Leaf) and image.null):
            self._facts.image(
                self._filled(image),
                "build" if built else "run",
                f"services.{self._name}.image",
                self._place(image),
            )
        build = self._service.items.get("build")
        if isinstance(build, Table):
            for tag in texts(build.items.get("tags")):
                self._facts.image(
                    self._filled(tag), "build", f"services.{self._name}.build.tags", self._place(tag)
                )
        self._facts.recognised = True
        self._settings()
        self._mounts()
        place = self._place(self._service.keys.get("privileged") or head)
        where = f"services.{self._name}"
        self._facts.row(CONTAINERS, where, place, container=self._name, **self._host.values())

    def _settings(self) -> None:
        filled = self._text("privileged")
        if filled is not None:
            self._host.privileged = truth(filled.text, filled.reason)
        for key, words in _NAMESPACES.items():
            filled = self._text(key)
            if filled is None:
                continue
            if filled.text == "host":
                self._host.namespaces.append(words)
            elif not filled.known:
                self._host.open_namespaces = filled.reason
        for leaf in texts(self._service.items.get("security_opt")):
            self._host.security(self._filled(leaf).text)
        api = self._text("use_api_socket")
        if api is not None and truth(api.text, api.reason) is True:
            self._socket(self._service.keys["use_api_socket"], "/var/run/docker.sock", True)

    def _mounts(self) -> None:
        volumes = self._service.items.get("volumes")
        for item in volumes.items if isinstance(volumes, Listing) else ():
            if isinstance(item, Table):
                leaf: Node | None = item.items.get("source") or item.items.get("src")
                kind = text_of(item.items.get("type"))
                if kind not in ("bind", "npipe", "volume") or not isinstance(leaf, Leaf):
                    continue
                filled = self._filled(leaf)
                source = filled.text
                if kind == "volume" and (filled := self._device(source)).text == "":
                    continue
                source = filled.text
            elif isinstance(item, Leaf):
                leaf, filled = item, self._filled(item)
                source = mount_source(filled.text, keyed=False)
                if (device := self._device(source)).text:
                    filled, source = device, device.text
            else:
                continue
            socket = socket_of(source, filled.reason)
            if socket is not False:
                self._socket(leaf, source.replace(HOLE, "…"), socket)
            self._host.mount(source, filled.reason)

    def _device(self, name: str) -> Filled:
        """The path of the host behind a volume that has a name; an empty one where there is none."""
        options = self._volumes.get(name, "driver_opts") if isinstance(self._volumes, Table) else None
        if not isinstance(options, Table):
            return Filled("")
        how, device = options.items.get("o"), options.items.get("device")
        flags = self._filled(how).text.split(",") if how is not None else []
        bound = any(flag.strip() in ("bind", "rbind") for flag in flags)
        return self._filled(device) if bound and device is not None else Filled("")

    def _socket(self, leaf: Leaf, source: str, socket: bool | Unknown) -> None:
        where = f"services.{self._name}.volumes"
        self._facts.row(SOCKETS, where, self._place(leaf), container=self._name, source=source, socket=socket)

    def _text(self, key: str) -> Filled | None:
        found = self._service.items.get(key)
        return None if found is None or (isinstance(found, Leaf) and found.null) else self._filled(found)

    def _filled(self, leaf: Node) -> Filled:
        if not isinstance(leaf, Leaf):
            return Filled(HOLE, ("a template expression",))
        if leaf.tag:
            return Filled(HOLE, (f"the tag {leaf.tag}",))
        return interpolated(leaf.text, self._known)

    def _place(self, node: Node) -> Place:
        return place_of(self._tree.source, node)
