"""Docker's unit: the files of systemd come in, its command lines and the daemon's environment come out, with places.

Precedence as systemd has it: `/etc` before `/run` before `/usr`, drop-ins of all folders by name, an empty value starts a
list again, a link to /dev/null switches a file off.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from scanner.inventory.host.root import File, Root, Unreadable
from scanner.inventory.host.texts import assignments, decoded

_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
_UNIT = "docker.service"


@dataclass(frozen=True, slots=True)
class Written:
    """A text and where it stands in a file of the host (1-based)."""

    value: str
    path: str
    line: int
    column: int = 1
    text: str = ""
    """The line itself, to find a word in it."""


@dataclass
class Unit:
    """What starts the daemon. `environment`: the last value of each variable, None where it would have to be computed."""

    found: bool = False
    commands: list[Written] = field(default_factory=list)
    environment: dict[str, tuple[str | None, Written]] = field(default_factory=dict)
    gaps: list[Unreadable] = field(default_factory=list)

    def uses(self, variable: str) -> bool:
        """Whether a command line hands a variable on."""
        return any(f"${variable}" in one.value or f"${{{variable}}}" in one.value for one in self.commands)


def docker_unit(root: Root) -> Unit:
    """Read the unit and its drop-ins."""
    unit = Unit()
    files: list[tuple[str, bool]] = []
    for file in _files(root, unit):
        text = decoded(file)
        if isinstance(text, Unreadable):
            unit.gaps.append(text)
            continue
        unit.found = True
        for key, written in _service(text, file.path):
            _take(unit, key, written, files)
    for path, optional in files:
        _environment_file(root, unit, path, optional=optional)
    return unit


def _files(root: Root, unit: Unit) -> Iterator[File]:
    """The unit that counts, then its drop-ins in order."""
    for folder in _FOLDERS:
        found = root.read(f"{folder}/{_UNIT}")
        if isinstance(found, File):
            yield found
        elif found is None:
            continue
        elif not found.device:
            unit.gaps.append(found)
        break
    names: dict[str, str] = {}
    for folder in _FOLDERS:
        inside = f"{folder}/{_UNIT}.d"
        listed = root.list(inside)
        if isinstance(listed, Unreadable):
            unit.gaps.append(listed)
        for entry in listed if isinstance(listed, list) else ():
            if entry.name.endswith(".conf"):
                names.setdefault(entry.name, f"{inside}/{entry.name}")
    for _, path in sorted(names.items()):
        found = root.read(path)
        if isinstance(found, File):
            yield found
        elif found is not None and not found.device:
            unit.gaps.append(found)


def _service(text: str, path: str) -> Iterator[tuple[str, Written]]:
    """The settings of `[Service]` in order."""
    section = ""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        number, raw = at + 1, lines[at]
        at += 1
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        while line.endswith("\\") and at < len(lines):
            following = lines[at].strip()
            at += 1
            if following[:1] in ("#", ";"):
                continue
            line = f"{line[:-1].rstrip()} {following}"
        if line.startswith("["):
            section = line.strip("[]")
            continue
        key, equals, value = line.partition("=")
        if equals and section == "Service":
            yield key.strip(), Written(value.strip(), path, number, raw.find(key.strip()) + 1, raw)


def _take(unit: Unit, key: str, written: Written, files: list[tuple[str, bool]]) -> None:
    match key:
        case "ExecStart" if written.value:
            unit.commands.append(written)
        case "ExecStart":
            unit.commands.clear()
        case "Environment" if written.value:
            for word in words(written.value):
                name, equals, value = word.partition("=")
                if equals:
                    unit.environment[name] = (value, written)
        case "Environment":
            unit.environment.clear()
        case "EnvironmentFile" if written.value:
            files.append((written.value.removeprefix("-"), written.value.startswith("-")))
        case "EnvironmentFile":
            files.clear()
        case _:
            pass


def _environment_file(root: Root, unit: Unit, path: str, *, optional: bool) -> None:
    """Variables of a file; they go before those of the unit itself. Without it the daemon starts only if it is optional."""
    found = root.read(path)
    if isinstance(found, File):
        text = decoded(found)
        if isinstance(text, Unreadable):
            unit.gaps.append(text)
            return
        lines = text.splitlines()
        for one in assignments(text):
            unit.environment[one.name] = (
                one.value,
                Written(one.value or "", path, one.line, one.column, lines[one.line - 1]),
            )
    elif found is not None:
        unit.gaps.append(found)
    elif not optional:
        unit.gaps.append(Unreadable(path, f"{path} is not there, but the unit needs it"))


def words(text: str) -> list[str]:
    """The words of a command line; where a quoted text has no end, words between blanks."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
