"""A real registry on loopback (Debian's docker-registry), with the token server it trusts, for as long as a test needs it."""

from __future__ import annotations

import base64
import functools
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509 import load_pem_x509_certificate

from tests.azure_server.ca import authority

PROGRAM = shutil.which("docker-registry")
PASSWORD = "open sesame"
HTPASSWD = "writer:$2b$04$FVcvDzSZiKZqxDlt23Ssh.v7X0.tbx2QQwz4tcly3MotaJHBxIBo.\n"
SERVICE = "test registry"
RIGHTS = {"writer": {"pull", "push"}, "reader": {"pull"}, "": set()}
"""What a user may do everywhere; "" is anybody."""


@dataclass(slots=True)
class Running:
    """A registry that runs. `asked`: (method, user, scope) of every request for a token."""

    host: str
    ca: Path
    folder: Path
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    identity_tokens: dict[str, str] = field(default_factory=dict)
    public: set[str] = field(default_factory=set)
    seconds: int = 300

    def blob(self, digest: str) -> Path:
        """The file of a blob in the registry's storage."""
        hexadecimal = digest.removeprefix("sha256:")
        return self.folder / "data/docker/registry/v2/blobs/sha256" / hexadecimal[:2] / hexadecimal / "data"


@contextmanager
def running(folder: Path, auth: str = "none", *, tls: bool = True) -> Iterator[Running]:
    """A registry. `auth`: none, basic (one user, `writer`), token (see `RIGHTS`)."""
    assert PROGRAM is not None
    ca = authority(folder)
    certificate, key = ca.issue(folder, "registry", ("localhost", "127.0.0.1"))
    port = _free()
    found = Running(f"127.0.0.1:{port}", ca.file, folder)
    with _tokens(found, certificate, key) as realm:
        settings: dict[str, Any] = {
            "version": "0.1",
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
            "http": {"addr": found.host},
        }
        if tls:
            settings["http"]["tls"] = {"certificate": str(certificate), "key": str(key)}
        if auth == "basic":
            (folder / "htpasswd").write_text(HTPASSWD)
            settings["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
        elif auth == "token":
            settings["auth"] = {
                "token": {
                    "realm": realm,
                    "service": SERVICE,
                    "issuer": "tests",
                    "rootcertbundle": str(ca.file),
                }
            }
        config = folder / "registry.json"
        config.write_text(json.dumps(settings))
        with (folder / "registry.log").open("wb") as log:
            process = subprocess.Popen([PROGRAM, "serve", str(config)], stdout=log, stderr=log)
            try:
                _wait(port, process, folder / "registry.log")
                yield found
            finally:
                process.terminate()
                process.wait(20)


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + 20
    while time.monotonic() < ends and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the registry does not run: {log.read_text()}")


@contextmanager
def _tokens(found: Running, certificate: Path, key: Path) -> Iterator[str]:
    """A token server; gives the realm."""
    signer = serialization.load_pem_private_key(key.read_bytes(), None)
    leaf = load_pem_x509_certificate(certificate.read_bytes()).public_bytes(serialization.Encoding.DER)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)

    sign = functools.partial(_jwt, signer, leaf)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            kind, _, packed = self.headers.get("Authorization", "").partition(" ")
            user, _, password = base64.b64decode(packed).decode().partition(":") if kind else ("", "", "")
            known = not kind or (user in RIGHTS and password == PASSWORD)
            self._answer("GET", user if known else None, query)

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._answer("POST", found.identity_tokens.get(form["refresh_token"][0]), form)

        def _answer(self, method: str, user: str | None, query: dict[str, list[str]]) -> None:
            scope = query["scope"][0]
            found.asked.append((method, user or "", scope))
            _, name, actions = scope.split(":")
            allowed = RIGHTS.get(user or "", set()) | ({"pull"} if name in found.public else set())
            granted = sorted(set(actions.split(",")) & allowed)
            if user is None or query["service"] != [SERVICE]:
                self._send(401, {"errors": [{"code": "UNAUTHORIZED", "message": "wrong password"}]})
                return
            claims = {
                "iss": "tests", "sub": user, "aud": SERVICE, "nbf": int(time.time()) - 60, "iat": int(time.time()),
                "exp": int(time.time()) + found.seconds, "jti": str(len(found.asked)),
                "access": [{"type": "repository", "name": name, "actions": granted}],
            }  # fmt: skip
            self._send(200, {"token": sign(claims)})

        def _send(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with serving(Handler, certificate, key) as port:
        yield f"https://127.0.0.1:{port}/token"


@contextmanager
def serving(
    handler: type[BaseHTTPRequestHandler], certificate: Path | None = None, key: Path | None = None
) -> Iterator[int]:
    """A server of one's own in a thread; gives its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if certificate is not None and key is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _jwt(signer: ec.EllipticCurvePrivateKey, leaf: bytes, claims: dict[str, Any]) -> str:
    head = {"typ": "JWT", "alg": "ES256", "x5c": [base64.b64encode(leaf).decode()]}
    signed = ".".join(_b64(json.dumps(part).encode()) for part in (head, claims))
    first, second = decode_dss_signature(signer.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{_b64(first.to_bytes(32, 'big') + second.to_bytes(32, 'big'))}"


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
