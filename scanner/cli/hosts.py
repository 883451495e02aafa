"""The source `host` of `scan`: its options, and the lazy call that reads the roots of Docker hosts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scanner.cli.bundle import bundled
from scanner.errors import UsageError

if TYPE_CHECKING:
    from scanner.cli.described import Reading

HOST = "host"
"""Name of the source. It reads no PATH: without options it is about the machine that it runs on."""

_OPTIONS = (
    click.option("--home", multiple=True, metavar="DIR", help="Home on the host to look into (default: those of all users). Repeatable."),
    click.option("--root", multiple=True, metavar="DIR", help="Root of a Docker host: a mounted disk or an unpacked image (default: this machine). Repeatable."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hosts:
    """What the options say, as given."""

    root: tuple[str, ...] = ()
    home: tuple[str, ...] = ()

    def check(self, source: str, paths: tuple[str, ...]) -> None:
        """Raise `UsageError` for options that do not go with the source, and for a PATH that goes with none of these."""
        if source != HOST and (self.root or self.home):
            raise UsageError("--root and --home are for hosts", "", "Add --from host.")
        if source == HOST and paths:
            raise UsageError(
                "--from host reads no PATH",
                "",
                f"Write --root {Path(paths[0]).as_posix()} if that folder is a host's root.",
            )

    @property
    def words(self) -> tuple[str, ...]:
        """What is read, for reports."""
        return self.root or ("this machine",)


def host_options(command: Callable[..., Any]) -> Any:
    """The options of hosts; they arrive as `hosts`."""
    return bundled(command, _OPTIONS, tuple(Hosts.__dataclass_fields__), Hosts, "hosts")


def read(hosts: Hosts, *, now: str) -> Reading:
    """Read the roots. Raises `InputError` when none can be used."""
    from scanner.inventory.host.reading import Wanted, read_hosts  # noqa: PLC0415 - needed by this source alone

    return read_hosts(Wanted(tuple(Path(root) for root in hosts.root), hosts.home), now=now)
