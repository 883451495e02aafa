"""Docker's unit: the files of systemd come in, its command lines and the daemon's environment come out, with places.

Precedence as systemd has it: `/etc` before `/run` before `/usr`, drop-ins of all folders by name, an empty value starts a
list again, a link to /dev/null switches a file off.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from scanner.inventory.host.root import File, Root, Unreadable
from scanner.inventory.host.texts import Written, assignments, decoded

SYSTEM = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
_UNIT = "docker.service"


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


def docker_unit(root: Root, folders: Sequence[str] = SYSTEM) -> Unit:
    """Read the unit and its drop-ins. `folders`: where the system, or the systemd of a user, looks for units."""
    unit = Unit()
    files: list[tuple[str, bool]] = []
    for file in _files(root, unit, folders):
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


def _files(root: Root, unit: Unit, folders: Sequence[str]) -> Iterator[File]:
    """The unit that counts, then its drop-ins in order."""
    for folder in folders:
        found = root.read(f"{folder}/{_UNIT}")
        if isinstance(found, File):
            yield found
        elif found is None:
            continue
        elif not found.device:
            unit.gaps.append(found)
        break
    names: dict[str, str] = {}
    for folder in folders:
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
    lines = text.replace("\r\n", "\n").split("\n")
    at = 0
    while at < len(lines):
        begins = at
        line = lines[at].strip()
        at += 1
        if not line or line[0] in "#;":
            continue
        while line.endswith("\\") and at < len(lines):
            following = lines[at].strip()
            at += 1
            if following[:1] not in ("#", ";"):
                line = f"{line[:-1].rstrip()} {following}"
        if line.startswith("["):
            section = line.strip("[]")
            continue
        key, equals, value = line.partition("=")
        if equals and section == "Service":
            column = lines[begins].find(key.strip()) + 1
            written = Written(
                value.strip(), path, begins + 1, column, "\n".join(lines[begins:at]), begins + 1
            )
            yield key.strip(), written


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
                    line, column = written.spot(f"{name}=")
                    place = Written(value, written.path, line, column, written.text, written.begins)
                    unit.environment[name] = (value, place)
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
    if any(sign in path for sign in "*?[%"):
        unit.gaps.append(
            Unreadable(path, f"{path}: files of a unit that are named by a pattern are not read")
        )
        return
    found = root.read(path)
    if isinstance(found, File):
        text = decoded(found)
        if isinstance(text, Unreadable):
            unit.gaps.append(text)
            return
        for one in assignments(text):
            unit.environment[one.name] = (one.value, one.written(path))
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
