"""A PostgreSQL server of its own for the tests: Debian's programs, a temporary folder, a free port of the loopback."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Server:
    """A running server. `url(schema)`: the address of an empty schema in it."""

    def __init__(self, bin_: Path, folder: Path, user: str | None) -> None:
        self._bin, self._folder, self._user = bin_, folder, user
        self.port = _free_port()
        self.password = secrets.token_hex(8)
        self._schemas = 0

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._bin / program), *arguments],
            user=self._user,
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # no pipe: the server would hold it open
            stderr=subprocess.DEVNULL,
            timeout=120,
        )

    def prepare(self) -> None:
        word = self._folder / "password"
        word.write_text(self.password)
        if self._user:
            shutil.chown(word, self._user)
        self._run(
            "initdb",
            *("-D", str(self._folder / "data"), "-U", "tester", "-E", "UTF8", "--locale=C.UTF-8"),
            *("--auth=scram-sha-256", f"--pwfile={word}", "--no-sync"),
        )

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self._run(
            "pg_ctl",
            *(
                "-D",
                str(self._folder / "data"),
                "-l",
                str(self._folder / "log"),
                "-w",
                "-o",
                options,
                "start",
            ),
        )

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")

    def address(self, user: str = "tester", password: str | None = None, query: str = "") -> str:
        word = self.password if password is None else password
        return f"postgresql://{user}:{word}@127.0.0.1:{self.port}/postgres{query}"

    def run(self, sql: str) -> None:
        """A statement as the owner of everything."""
        import psycopg  # noqa: PLC0415 - missing where there is no server either

        with psycopg.connect(self.address(), autocommit=True) as link:
            link.execute(sql.encode())

    def schema(self) -> str:
        """The address of a schema that nobody used yet."""
        self._schemas += 1
        name = f"t{self._schemas}"
        self.run(f"CREATE SCHEMA {name}")
        return self.address(query=f"?options=-csearch_path%3D{name}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def programs() -> Path | None:
    """The folder with initdb and pg_ctl, the newest version's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    named = shutil.which("initdb")
    return Path(named).resolve().parent if named else None


@contextmanager
def running() -> Iterator[Server]:
    """A server, started and thrown away."""
    bin_ = programs()
    assert bin_ is not None
    user = None
    if os.geteuid() == 0:  # the server refuses to run as root
        user = next(one for one in ("postgres", "nobody") if _known(one))
    folder = Path(tempfile.mkdtemp(prefix="acrscan-pg-"))
    try:
        if user:
            shutil.chown(folder, user)
        server = Server(bin_, folder, user)
        server.prepare()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
