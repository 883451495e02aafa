"""Loopback servers for the probe: each a thread with a TLS context and a script of answers. Real handshakes, real sockets."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

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


def offers_old(hello: bytes) -> bool:
    """Whether the start of a ClientHello offers nothing above TLS 1.1 (RFC 8446, 4.1.2: later ones say 0x0303 here)."""
    return len(hello) > 10 and hello[9:11] in (b"\x03\x01", b"\x03\x02")


class Server:
    """A listening thread. `tls` None: never a handshake, `greeting` is all it says (nothing: it hangs).

    `delay`: seconds before an answer; `drip`: seconds before each byte of it. `old`: what meets a ClientHello of TLS 1.0 or
    1.1 instead of a handshake: `reset` (as some front ends do), `close` or `hang` (as some middleboxes do).
    """

    def __init__(
        self,
        tls: ssl.SSLContext | None,
        script: Script = registry,
        *,
        delay: float = 0.0,
        drip: float = 0.0,
        greeting: bytes = b"",
        old: str = "",
    ) -> None:
        self._tls = tls
        self._script = script
        self._delay = delay
        self._drip = drip
        self._greeting = greeting
        self._old = old
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
                connection.sendall(self._greeting)
                self._ended.wait(0.1 if self._greeting else 5)
                return
            if self._old and offers_old(connection.recv(11, socket.MSG_PEEK | socket.MSG_WAITALL)):
                self._refuse(connection)
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
                self._answer(secure, self._script(host, method, path))

    def _refuse(self, connection: socket.socket) -> None:
        if self._old == "hang":
            self._ended.wait(5)
        elif self._old == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            connection.recv(4096)  # what is unread when a socket is closed would reset the connection

    def _answer(self, secure: ssl.SSLSocket, answer: bytes) -> None:
        if not self._drip:
            secure.sendall(answer)
            return
        for at in range(len(answer)):
            if self._ended.wait(self._drip):
                return
            secure.sendall(answer[at : at + 1])

    def close(self) -> None:
        """Stop listening."""
        self._ended.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that listens
        self._socket.close()
        for thread in self._threads:
            thread.join(6)


@contextmanager
def serving(tls: ssl.SSLContext | None, script: Script = registry, **options: Any) -> Iterator[Server]:
    """A server for the time of a test; `options` as of `Server`."""
    server = Server(tls, script, **options)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def dead_end() -> Iterator[Address]:
    """An address that neither accepts nor refuses: its queue is full, so what comes is dropped."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as listening, ExitStack() as waiting:
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(listening.getsockname())
        yield Address(socket.AF_INET, "127.0.0.1", listening.getsockname()[1])
