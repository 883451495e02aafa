"""Logins as Docker keeps them: passwords, identity tokens, helpers; nothing is invented, secrets are never shown."""

from __future__ import annotations

import base64
import json
import sys

import pytest

from scanner.bundle.credentials import Login, basic, config_file, stored, token_in
from scanner.errors import AuthenticationError, InputError

PACKED = base64.b64encode(b"me:pa:ss").decode()


@pytest.fixture
def config(tmp_path):
    """Write a configuration and read the login for r.io."""

    def make(content, registry="r.io"):
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / "config.json").write_text(text)
        return stored(registry, {"DOCKER_CONFIG": str(tmp_path)})

    return make


def test_kinds_of_entries(config):
    """A packed user and password (which may hold a colon), plain ones, an identity token beside an empty password."""
    assert (found := config({"auths": {"r.io": {"auth": PACKED}}})).username == "me"
    assert found.password == "pa:ss"
    assert basic(found) == f"Basic {PACKED}"
    assert config({"auths": {"https://r.io": {"username": "a", "password": "b"}}}).password == "b"
    nobody = base64.b64encode(b"00000000-0000-0000-0000-000000000000:").decode()
    found = config({"auths": {"r.io": {"auth": nobody, "identitytoken": "token"}}})
    assert (found.identity_token, found.username, found.password) == ("token", "", "")
    packed = base64.b64encode(b"00000000-0000-0000-0000-000000000000:token").decode()
    assert config({"auths": {"r.io": {"auth": packed}}}).identity_token == "token"
    assert not config({"auths": {"r.io": {"auth": nobody}}})


def test_nothing_is_no_login(config, tmp_path):
    """No file, another registry, an entry without a secret: an empty login, which says so."""
    assert not stored("r.io", {"DOCKER_CONFIG": str(tmp_path / "nothing")})
    contents: list[object] = [
        {},
        {"auths": {"r.io.evil": {"auth": PACKED}}},
        {"auths": {"r.io": {}}},
        {"auths": []},
    ]
    for content in contents:
        assert not config(content)


def test_secrets_are_not_shown():
    """A login in an error or a log shows no secret."""
    assert "hush" not in repr(Login("me", "hush", "hush", "x"))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("{", InputError),
        ({"auths": {"r.io": {"auth": "%%%"}}}, AuthenticationError),
        ({"auths": {"r.io": {"auth": "\u00e9\u00e9\u00e9\u00e9"}}}, AuthenticationError),
        ({"auths": {"r.io": {"auth": "/////w=="}}}, AuthenticationError),
        ({"auths": {"r.io": {"username": "me", "password": "\ud800"}}}, AuthenticationError),
        ({"auths": {"r.io": {"identitytoken": "\ud800"}}}, AuthenticationError),
    ],
)
def test_damaged_configurations(config, content, kind):
    """Told as what they are, not taken for no login."""
    with pytest.raises(kind):
        config(content)


def test_where_it_lies(tmp_path, monkeypatch):
    """DOCKER_CONFIG names the folder; without it the home folder has it."""
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path)
    assert config_file({}) == tmp_path / ".docker" / "config.json"
    assert config_file({"DOCKER_CONFIG": "/x"}).as_posix() == "/x/config.json"


@pytest.mark.skipif(sys.platform == "win32", reason="the helper is a shell script")
@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ('read host; echo "{\\"Username\\": \\"me\\", \\"Secret\\": \\"$host\\"}"', ("me", "r.io", "")),
        ('cat >/dev/null; echo "{\\"Username\\": \\"<token>\\", \\"Secret\\": \\"t\\"}"', ("", "", "t")),
        ("cat >/dev/null; echo credentials not found in native keychain; exit 1", ("", "", "")),
        ("cat >/dev/null; echo locked; exit 1", "failed: locked"),
        ("cat >/dev/null; echo '{}'", "gave no login"),
        ('cat >/dev/null; printf \'{"Username": "me", "Secret": "\\377"}\'', "is no text"),
        (None, "did not run"),
    ],
)
@pytest.mark.parametrize("key", ["credHelpers", "credsStore"])
def test_helpers(config, tmp_path, monkeypatch, key, script, wanted):
    """A helper is asked for the registry; what it does not know is no login, what it fails at is an error."""
    if script is not None:
        program = tmp_path / "docker-credential-test"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    content = {key: {"r.io": "test"} if key == "credHelpers" else "test"}
    if isinstance(wanted, str):
        with pytest.raises(AuthenticationError, match=wanted):
            config(content)
    else:
        found = config(content)
        assert (found.username, found.password, found.identity_token) == wanted


def test_a_helper_that_is_a_path(config):
    """A name that leads elsewhere is refused before anything runs."""
    with pytest.raises(AuthenticationError, match="is no name of a credential helper"):
        config({"credsStore": "../../bin/sh"})


@pytest.mark.parametrize(
    ("content", "token"),
    [
        (b'{"token": "a"}', "a"),
        (b'{"access_token": "b", "token": "a"}', "b"),
        (b"{}", ""),
        (b"<html>", ""),
        (b"[]", ""),
        (b'{"token": 7}', ""),
        (b'{"token": "a\\r\\nHost: evil"}', ""),
    ],
)
def test_tokens_of_answers(content, token):
    """Only a token that can stand in a header is one."""
    assert token_in(content) == token
