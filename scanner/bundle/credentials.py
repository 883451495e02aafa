"""Who we are for a registry: what `docker login`, `oras login` or `az acr login` kept comes in, a login comes out.

Docker's configuration is read, never written: `auths` with a password or an identity token, `credHelpers`, `credsStore`.
Sources: https://docs.docker.com/reference/cli/docker/login/#credential-stores,
https://github.com/docker/docker-credential-helpers (protocol; a user `<token>` means that the secret is an identity token)
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scanner.errors import AuthenticationError
from scanner.json_text import parse_json, read_json
from scanner.text import encodable

_HELPER = re.compile(r"[A-Za-z0-9._-]+")
_SECONDS = 60
_TOKEN = "<token>"  # noqa: S105 - the word that stands for no user name
_NOBODY = "00000000-0000-0000-0000-000000000000"
"""The user name beside a refresh token of an Azure registry.

Source: https://learn.microsoft.com/azure/container-registry/container-registry-authentication#az-acr-login-with---expose-token
"""


@dataclass(frozen=True, slots=True)
class Login:
    """A user with a password, or an identity token. Neither is ever shown."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    source: str = ""
    """Where it comes from, for messages."""

    def __post_init__(self) -> None:
        words = f"{self.username}\n{self.password}\n{self.identity_token}"
        if encodable(words) != words:
            raise AuthenticationError("holds a login that is no text", self.source, "Log in again.")

    def __bool__(self) -> bool:
        return bool(self.password or self.identity_token)


def login_of(username: str, password: str, source: str) -> Login:
    """The login of a user; where the user is nobody, the password is an identity token (as `az acr login` gives it)."""
    if username in (_TOKEN, _NOBODY) and password:
        return Login(identity_token=password, source=source)
    return Login(username, password, source=source)


def config_file(environment: Mapping[str, str]) -> Path:
    """Docker's configuration file: in DOCKER_CONFIG, or in the home folder."""
    folder = environment.get("DOCKER_CONFIG")
    return (Path(folder) if folder else Path.home() / ".docker") / "config.json"


def stored(registry: str, environment: Mapping[str, str] | None = None) -> Login:
    """The login that is kept for a registry; an empty one where there is none.

    Raises `InputError` for a configuration that cannot be read, `AuthenticationError` for a helper that does not work.
    """
    environment = os.environ if environment is None else environment
    path = config_file(environment)
    if not path.is_file():
        return Login()
    record = read_json(path)
    helper = _of(_of(record, "credHelpers"), registry) or _of(record, "credsStore")
    entry = _of(_of(record, "auths"), registry) or _of(_of(record, "auths"), f"https://{registry}")
    if isinstance(entry, dict) and (found := _entry(entry, str(path))):
        return found
    return _asked(helper, registry) if isinstance(helper, str) and helper else Login()


def _of(record: Any, key: str) -> Any:
    return record.get(key) if isinstance(record, dict) else None


def _entry(entry: Mapping[str, Any], where: str) -> Login:
    token = entry.get("identitytoken")
    if isinstance(token, str) and token:
        return Login(identity_token=token, source=where)
    username, password = entry.get("username"), entry.get("password")
    packed = entry.get("auth")
    if isinstance(packed, str) and packed:
        try:
            username, _, password = base64.b64decode(packed, validate=True).decode().partition(":")
        except ValueError as error:
            raise AuthenticationError(
                "holds a login that cannot be read", where, "Log in again with docker login."
            ) from error
    if not isinstance(username, str) or not isinstance(password, str):
        return Login()
    return login_of(username, password.rstrip("\0"), where)


def _asked(helper: str, registry: str) -> Login:
    """What a credential helper answers; an empty login where it knows none."""
    program = f"docker-credential-{helper}"
    if not _HELPER.fullmatch(helper):
        raise AuthenticationError(f"{helper!a} is no name of a credential helper", "", "Look at Docker's configuration.")  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603 - named by the user's own configuration, as Docker does it
            [program, "get"],
            input=registry,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AuthenticationError(
            f"the credential helper {program} did not run: {error}",
            "",
            "Use --username and --password-stdin.",
        ) from error
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        if "not found" in said.lower():
            return Login()
        raise AuthenticationError(
            f"the credential helper {program} failed: {said[:300]}",
            "",
            "Use --username and --password-stdin.",
        )
    answer = parse_json(done.stdout, program)
    username, secret = _of(answer, "Username"), _of(answer, "Secret")
    if not isinstance(username, str) or not isinstance(secret, str) or not secret:
        raise AuthenticationError(f"the credential helper {program} gave no login", "", "Log in again.")
    return login_of(username, secret, program)


def basic(login: Login) -> str:
    """The header's value."""
    return "Basic " + base64.b64encode(f"{login.username}:{login.password}".encode()).decode()


def token_in(content: bytes) -> str:
    """The token that a token server's answer holds, or ""."""
    try:
        answer = json.loads(content)
    except ValueError:
        return ""
    found = _of(answer, "access_token") or _of(answer, "token")
    return found if isinstance(found, str) and found.isascii() and found.isprintable() else ""
