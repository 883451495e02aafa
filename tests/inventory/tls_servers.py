"""Loopback servers for the probe: each a thread with a TLS context and a script of answers. Real handshakes, real sockets."""

from __future__ import annotations

import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scanner.inventory._handshake import Address

CHALLENGE = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm="https://%b/oauth2/token",service="%b"\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}'
Script = Callable[[str, str, str], bytes]


def registry(host: str, method: str, path: str) -> bytes:
    """What a registry answers to somebody without a token."""
    if path == "/v2/":
        return CHALLENGE % (host.encode(), host.encode())
    status = b"400 Bad Request" if method == "POST" else b"401 Unauthorized"
    return b"HTTP/1.1 %b\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}" % status


def plain(status: str, *, only: str = "/") -> Script:
    """A server that answers everything below a path alike; the rest like a registry."""

    def script(host: str, method: str, path: str) -> bytes:
        if path.startswith(only):
            return f"HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode()
        return registry(host, method, path)

    return script


def context(files: tuple[Path, Path], lowest: ssl.TLSVersion, highest: ssl.TLSVersion) -> ssl.SSLContext:
    """A server context that accepts these versions only."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*files)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version = lowest
        made.maximum_version = highest
    if lowest < ssl.TLSVersion.TLSv1_2:
        made.set_ciphers("ALL:@SECLEVEL=0")
    return made


class Server:
    """A listening thread. `delay`: seconds before an answer; `context` None: hangs without a handshake."""

    def __init__(self, tls: ssl.SSLContext | None, script: Script = registry, *, delay: float = 0.0) -> None:
        self._tls = tls
        self._script = script
        self._delay = delay
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self._ended = threading.Event()
        self.asked: list[str] = []
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._threads[0].start()

    @property
    def address(self) -> Address:
        """Where it listens."""
        return Address(socket.AF_INET, "127.0.0.1", self._socket.getsockname()[1])

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(5)
            if self._tls is None:
                self._ended.wait(5)
                return
            with self._tls.wrap_socket(connection, server_side=True) as secure:
                head = b""
                while b"\r\n\r\n" not in head:
                    data = secure.recv(4096)
                    if not data:
                        return
                    head += data
                time.sleep(self._delay)
                line, *headers = head.decode("latin-1").split("\r\n")
                method, path, _ = line.split(" ", 2)
                host = next(
                    item.partition(":")[2].strip() for item in headers if item.lower().startswith("host:")
                )
                self.asked.append(head.decode("latin-1"))
                secure.sendall(self._script(host, method, path))

    def close(self) -> None:
        """Stop listening."""
        self._ended.set()
        self._socket.close()
        for thread in self._threads:
            thread.join(6)


@contextmanager
def serving(tls: ssl.SSLContext | None, script: Script = registry, *, delay: float = 0.0) -> Iterator[Server]:
    """A server for the time of a test."""
    server = Server(tls, script, delay=delay)
    try:
        yield server
    finally:
        server.close()
