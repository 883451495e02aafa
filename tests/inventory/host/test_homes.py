"""What users keep for Docker: credentials are told by registry and form and never copied; homes and sockets."""

from __future__ import annotations

import io
import socket
from contextlib import closing
from pathlib import Path

import pytest

from scanner import pipeline
from scanner.engine.evaluate import Options
from scanner.formats import get
from scanner.inventory.host.homes import find_homes, registry_of
from scanner.inventory.host.root import Root
from scanner.inventory.record import digest, to_record
from scanner.model.values import Hidden, Unknown, UnreadTail
from tests.inventory.host.building import (
    CONFIG,
    DPKG,
    NOW,
    PACK,
    SECRET,
    STATUS,
    auth,
    properties,
    put,
    read,
    reading,
    refuse,
    rows,
    verdict,
)

PASSWD = """root:x:0:0:root:/root:/bin/bash
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
jenkins:x:998:998::/var/lib/jenkins:/bin/sh
broken line
"""


@pytest.fixture
def root(tmp_path):
    """A host with a current Docker."""
    return put(tmp_path, {STATUS: DPKG})


def test_a_stored_password_is_told_and_not_copied(root):
    """The registry's name and the place are; the password and the user name are in nothing that comes out."""
    put(root, {CONFIG: {"auths": {"contoso.azurecr.io": {"auth": auth("deployer-x1", SECRET)}}}})
    resource = read(root)
    found = resource.body["properties"]["credentials"]
    assert found == [
        {
            "registry": "contoso.azurecr.io",
            "kind": "password",
            "adminUser": False,
            "value": Hidden("password"),
            "at": "/root/.docker/config.json: auths.contoso.azurecr.io",
        }
    ]
    assert resource.hidden == {"/properties/credentials/0/value": "password"}
    said = repr(resource) + repr(to_record(resource)) + repr(rows(root, "ACR811"))
    for secret in (SECRET, "deployer-x1", auth("deployer-x1", SECRET)):
        assert secret not in said


def test_the_finding_stands_at_the_registrys_key(root):
    """File, line and column lead to the entry; that it is the admin user is said."""
    put(root, {CONFIG: {"auths": {"contoso.azurecr.io": {"auth": auth("Contoso", SECRET)}}}})
    (row,) = rows(root, "ACR811")
    assert row.verdict.value == "fail"
    assert (row.places[0].file, row.places[0].line, row.places[0].column) == (
        f"{root.as_posix()}/{CONFIG}",
        3,
        5,
    )
    assert "the registry's admin user: true" in row.message


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"auth": auth("user", SECRET)}, "fail"),
        ({"username": "user", "password": SECRET}, "fail"),
        ({"auth": "not base64 !"}, "fail"),
        ({"auth": auth("user", SECRET)[:-3] + "\u00e9"}, "fail"),
        ({"auth": auth("00000000-0000-0000-0000-000000000000", SECRET)}, "pass"),
        ({"auth": auth("00000000-0000-0000-0000-000000000000", ""), "identitytoken": SECRET}, "pass"),
        ({"auth": auth("user", "")}, "pass"),
        ({}, "pass"),
        ({"auth": ""}, "pass"),
        ("text", "unknown"),
        (None, "unknown"),
    ],
)
def test_forms_of_credentials(root, entry, expected):
    """Passwords fail in every form, tokens of `az acr login` pass, an entry that a helper serves is none."""
    put(root, {CONFIG: {"auths": {"contoso.azurecr.io": entry}}})
    assert verdict(root, "ACR811") == expected


@pytest.mark.parametrize(
    ("server", "registry"),
    [
        ("contoso.azurecr.io", "contoso.azurecr.io"),
        ("https://Contoso.azurecr.io/v2/", "contoso.azurecr.io"),
        ("contoso-abc123.azurecr.io:443", "contoso-abc123.azurecr.io"),
        ("contoso.azurecr.cn", "contoso.azurecr.cn"),
        ("contoso.azurecr.us/v1/", "contoso.azurecr.us"),
        ("https://index.docker.io/v1/", ""),
        ("azurecr.io", ""),
        ("contoso.azurecr.io.evil.example", ""),
        ("", ""),
    ],
)
def test_registries_of_azure_are_recognised(server, registry):
    """In every way that Docker writes a server; other registries are not looked at."""
    assert registry_of(server) == registry


def test_passwords_of_other_registries_are_not_our_business(root):
    """They pass, and their names are not copied either."""
    put(root, {CONFIG: {"auths": {"https://index.docker.io/v1/": {"auth": auth("u", SECRET)}}}})
    assert verdict(root, "ACR811") == "pass"
    assert properties(root)["credentials"] == []


@pytest.mark.parametrize("content", ["{", "[]", '{"auths": []}', b"\x00\x01", '{"auths": "x"}'])
def test_a_config_that_cannot_be_read_is_unknown(root, content):
    """What is no JSON object leaves it open whether a password is stored."""
    put(root, {CONFIG: content})
    assert verdict(root, "ACR811") == "unknown"


def test_a_home_that_cannot_be_read_is_unknown_and_hides_no_finding(root, monkeypatch):
    """The other home's password is found all the same; the reason names the home and what to do."""
    put(root, {"home/a/.docker/config.json": {}, "home/b/.docker/config.json": {}})
    refuse(monkeypatch, "a")
    (row,) = rows(root, "ACR811")
    assert row.verdict.value == "unknown"
    assert (
        "/home/a cannot be read: Permission denied; scan with the rights to read it, or name the homes that matter with --home"
        in row.message
    )
    assert [verdict(root, rule) for rule in ("ACR802", "ACR808", "ACR809")] == ["unknown"] * 3
    put(root, {"home/b/.docker/config.json": {"auths": {"x.azurecr.io": {"auth": auth("u", SECRET)}}}})
    assert verdict(root, "ACR811") == "fail"
    assert [one.verdict.value for one in rows(root, "ACR811", homes=("/home/b",))] == ["fail"]
    put(root, {"home/b/.docker/config.json": {}})
    assert [one.verdict.value for one in rows(root, "ACR811", homes=("/home/b",))] == ["pass"]


def test_the_file_of_old_clients_is_read(root):
    """`.dockercfg` holds the same credentials, at its top."""
    put(root, {"home/ci/.dockercfg": {"https://x.azurecr.io": {"auth": auth("u", SECRET)}}})
    (row,) = rows(root, "ACR811")
    assert "/home/ci/.dockercfg: x.azurecr.io" in row.message
    assert row.places[0].line == 2
    (root / STATUS).unlink()
    assert verdict(root, "ACR811") == "fail"
    put(root, {"home/ci/.dockercfg": "["})
    assert verdict(root, "ACR811") == "unknown"
    put(root, {"home/ci/.dockercfg": "[]"})
    assert verdict(root, "ACR811") == "unknown"


def test_homes_are_those_of_all_users(root):
    """passwd(5), /home and /Users; service accounts without a home of their own are left out."""
    put(root, {"etc/passwd": PASSWD, "home/ci/x": "", "Users/dev/x": "", "home/file": ""})
    with closing(Root(root)) as opened:
        homes, gaps = find_homes(opened, (), "/home/me/")
        assert homes == ["/root", "/home/me", "/var/lib/jenkins", "/home/ci", "/Users/dev"]
        assert gaps == []
        assert find_homes(opened, ("home/x/", "C:\\Users\\y"), "/home/me") == (["/home/x", "/Users/y"], [])


def test_an_unreadable_list_of_users_is_said(root, monkeypatch):
    """Whose homes were missed is not known then."""
    put(root, {"etc/passwd": PASSWD, "home/ci/.docker/config.json": {}})
    refuse(monkeypatch, "passwd")
    assert verdict(root, "ACR811") == "unknown"


def test_homes_are_bounded(root, monkeypatch):
    """A list of users without end is cut, and the rest is said to be unread."""
    monkeypatch.setattr("scanner.inventory.host.homes.MAX_HOMES", 2)
    put(root, {"etc/passwd": PASSWD, "home/ci/x": ""})
    with closing(Root(root)) as opened:
        homes, gaps = find_homes(opened, ())
    assert homes == ["/root", "/var/lib/jenkins"]
    assert "name those that matter with --home" in gaps[0].reason


def test_a_home_that_is_a_link_is_followed_inside(root):
    """Homes on another disk are links; one that leads out of the root leads nowhere."""
    put(root, {"data/ci/.docker/config.json": {"auths": {"x.azurecr.io": {"auth": auth("u", SECRET)}}}})
    (root / "home").mkdir()
    (root / "home/ci").symlink_to("/data/ci")
    (root / "home/out").symlink_to("../../..")
    assert verdict(root, "ACR811") == "fail"


def test_helpers_proxies_and_permissions_of_a_config(root):
    """Which helper keeps credentials, who may read the file, and which proxies containers get."""
    put(
        root,
        {
            CONFIG: {
                "credsStore": "pass",
                "credHelpers": {"x.azurecr.io": "acr-env"},
                "proxies": {"default": {"httpProxy": "http://localhost:8888", "noProxy": "*"}},
            }
        },
    )
    (root / CONFIG).chmod(0o644)
    found = properties(root)
    assert found["dockerConfigs"] == [
        {
            "path": f"/{CONFIG}",
            "credsStore": "pass",
            "credHelpers": ["x.azurecr.io"],
            "mode": "0644",
            "ownerOnly": False,
        }
    ]
    (row,) = rows(root, "ACR809")
    assert "/root/.docker/config.json: proxies.default.httpProxy" in row.message
    assert row.places[0].line == 8


def test_repeated_keys_are_said(root):
    """Of two entries the last one counts, as for Docker; the diagnostics name the place."""
    put(root, {CONFIG: '{"auths": {"a.azurecr.io": {}, "a.azurecr.io": {"auth": "eDp5"}}}'})
    assert verdict(root, "ACR811") == "fail"
    notes = reading(root).inventory.diagnostics
    assert any("duplicate key" in note and "config.json:1:" in note for note in notes)


def test_a_socket_is_looked_at_and_told_with_its_group(root, monkeypatch):
    """Mode, owner and group as the host names it; everybody's access is told."""
    put(root, {"etc/group": "root:x:0:\ndocker:x:0:ci\nbad\n", "var/run/x": ""})
    with closing(socket.socket(socket.AF_UNIX)) as server:
        here = Path.cwd()
        monkeypatch.chdir(root / "var/run")
        server.bind("docker.sock")
        monkeypatch.chdir(here)
        (root / "var/run/docker.sock").chmod(0o666)
        found = properties(root)["sockets"]
    owner = (root / "var/run/docker.sock").stat().st_uid
    assert [(row["path"], row["mode"], row["owner"], row["everybody"]) for row in found] == [
        ("/var/run/docker.sock", "0666", owner, True)
    ]


def test_a_file_in_the_sockets_place_is_none(root):
    """Only a socket counts."""
    put(root, {"var/run/docker.sock": ""})
    assert properties(root)["sockets"] == []


def test_no_report_holds_a_secret(root):
    """Every kind of secret that a host holds is in no report, whatever the format."""
    put(
        root,
        {
            CONFIG: {
                "auths": {"x.azurecr.io": {"auth": auth("u", SECRET), "password": SECRET}},
                "proxies": {"default": {"httpProxy": f"http://u:{SECRET}@localhost:8888"}},
            },
            "etc/environment": f"DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE={SECRET}\nhttps_proxy=http://u:{SECRET}@127.0.0.1:8888\n",
            "root/.docker/trust/private/a.key": f"-----BEGIN PRIVATE KEY-----\nrole: root\n\n{SECRET}\n-----END PRIVATE KEY-----\n",
        },
    )
    inventory = reading(root).inventory
    scan = pipeline.scan(PACK, inventory, now=NOW, words="", options=Options(keep_passes=True))
    for name in ("json", "ndjson", "sarif", "html", "csv", "markdown", "junit", "console"):
        out = io.BytesIO()
        get(name).render(scan, out)
        said = out.getvalue().decode()
        assert "ACR811" in said
        for secret in (SECRET, auth("u", SECRET)):
            assert secret not in said, name
    assert digest(inventory.parts) == digest(reading(root).inventory.parts)


def test_what_is_not_known_is_marked(root):
    """Markers stand where values would: unknown kinds and open lists."""
    put(root, {CONFIG: {"auths": {"x.azurecr.io": 7}}})
    assert isinstance(properties(root)["credentials"][0]["kind"], Unknown)
    put(root, {CONFIG: {"auths": 7}})
    assert isinstance(properties(root)["credentials"][0], UnreadTail)
