"""Keys of content trust: private ones by place, role and mode, public ones by thumbprint and expiry."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from scanner.language.tailor import tailor
from scanner.model.values import Unknown, UnreadTail
from tests.inventory.host import building
from tests.inventory.host.building import (
    DPKG,
    SECRET,
    STATUS,
    certificate,
    properties,
    put,
    refuse,
    rows,
    verdict,
)

KEY = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nrole: {role}\n{more}\nMIHu{secret}\n-----END ENCRYPTED PRIVATE KEY-----\n"
PRIVATE = "root/.docker/trust/private"
METADATA = "root/.docker/trust/tuf/contoso.azurecr.io/team/app/metadata"
ONE, TWO, THREE = "1" * 64, "2" * 64, "3" * 64


def key(role, more=""):
    """A private key's file."""
    return KEY.format(role=role, more=more, secret=SECRET)


def root_json(**more):
    """A `root.json` with two keys, one of them in a certificate."""
    public = base64.b64encode(certificate("contoso.azurecr.io/team/app", **more)).decode()
    return {
        "signed": {
            "_type": "Root",
            "expires": "2034-05-30T15:25:21Z",
            "keys": {
                ONE: {"keytype": "ecdsa-x509", "keyval": {"private": None, "public": public}},
                TWO: {"keytype": "ecdsa", "keyval": {"private": None, "public": "eA=="}},
            },
            "roles": {
                "root": {"keyids": [ONE], "threshold": 1},
                "targets": {"keyids": [TWO], "threshold": 1},
                "snapshot": {"keyids": [TWO], "threshold": 1},
            },
        },
        "signatures": [],
    }


def targets_json():
    """A `targets.json` with one delegation."""
    return {
        "signed": {
            "_type": "Targets",
            "expires": "2027-05-30T15:25:21Z",
            "delegations": {
                "keys": {THREE: {"keytype": "ecdsa", "keyval": {"private": None, "public": "eA=="}}},
                "roles": [{"name": "targets/releases", "keyids": [THREE], "threshold": 1}],
            },
        }
    }


@pytest.fixture
def root(tmp_path):
    """A host with a current Docker and one well kept key of a repository."""
    put(
        tmp_path, {STATUS: DPKG, f"{PRIVATE}/{TWO}.key": key("targets", "gun: contoso.azurecr.io/team/app\n")}
    )
    (tmp_path / f"{PRIVATE}/{TWO}.key").chmod(0o600)
    return tmp_path


def test_a_well_kept_key_passes_and_nothing_of_it_is_kept(root):
    """Place, role, repository and mode are told, the key is not."""
    found = properties(root)["trust"]
    assert found == [
        {
            "kind": "privateKey",
            "path": f"/{PRIVATE}/{TWO}.key",
            "keyId": TWO,
            "role": "targets",
            "repository": "contoso.azurecr.io/team/app",
            "mode": "0600",
            "ownerOnly": True,
            "at": f"/{PRIVATE}/{TWO}.key",
        }
    ]
    assert SECRET not in repr(found)
    assert verdict(root, "ACR808") == "pass"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o602, 0o610])
def test_a_key_that_others_may_use_fails(root, mode):
    """Any right of group or others is one too many."""
    (root / f"{PRIVATE}/{TWO}.key").chmod(mode)
    (row,) = rows(root, "ACR808")
    assert row.verdict.value == "fail"
    assert f"mode {mode:04o}" in row.message
    assert row.places[0].file == f"{root.as_posix()}/{PRIVATE}/{TWO}.key"


@pytest.mark.parametrize("path", [f"{PRIVATE}/{ONE}.key", f"{PRIVATE}/root_keys/{ONE}.key"])
def test_the_root_key_belongs_elsewhere(root, path):
    """Told by the key itself, or by the folder in which older clients kept it."""
    put(root, {path: key("root") if "root_keys" not in path else "-----BEGIN EC PRIVATE KEY-----\n"})
    (root / path).chmod(0o600)
    (row,) = rows(root, "ACR808")
    assert "role root" in row.message


def test_a_key_that_cannot_be_opened_is_judged_by_its_place(root, monkeypatch):
    """Its mode is known without opening it, its role is not."""
    (root / f"{PRIVATE}/{TWO}.key").chmod(0o600)
    refuse(monkeypatch, f"{TWO}.key")
    found = properties(root)["trust"][0]
    assert isinstance(found["role"], Unknown)
    assert found["ownerOnly"] is True
    assert verdict(root, "ACR808") == "unknown"
    (root / f"{PRIVATE}/{TWO}.key").chmod(0o644)
    assert verdict(root, "ACR808") == "fail"


def test_a_key_without_a_role_is_unknown(root):
    """It may be the root key."""
    put(root, {f"{PRIVATE}/{ONE}.key": "-----BEGIN PRIVATE KEY-----\nMIHu\n-----END PRIVATE KEY-----\n"})
    (root / f"{PRIVATE}/{ONE}.key").chmod(0o600)
    assert verdict(root, "ACR808") == "unknown"


def test_public_keys_are_told_with_role_and_expiry(root):
    """From `root.json`, and those of delegations from their parent's file; only certificates end."""
    put(
        root,
        {
            f"{METADATA}/root.json": root_json(),
            f"{METADATA}/targets.json": targets_json(),
            f"{METADATA}/snapshot.json": "{",
        },
    )
    found = [row for row in properties(root)["trust"] if row["kind"] != "privateKey"]
    told = [(row["kind"], row.get("keyId", "")[:1], row.get("role"), row.get("expires")) for row in found]
    assert told == [
        ("metadata", "", "root", "2034-05-30T15:25:21Z"),
        ("publicKey", "1", "root", "2030-01-01T00:00:00Z"),
        ("publicKey", "2", "targets, snapshot", None),
        ("metadata", "", "targets", "2027-05-30T15:25:21Z"),
        ("publicKey", "3", "targets/releases", None),
    ]
    assert {row["repository"] for row in found} == {"contoso.azurecr.io/team/app"}
    assert verdict(root, "ACR808") == "pass"


def test_an_ended_certificate_fails_at_its_key(root):
    """The finding stands at the thumbprint in `root.json`."""
    content = root_json(ends=datetime(2026, 11, 25, tzinfo=UTC))
    put(root, {f"{METADATA}/root.json": content})
    (row,) = rows(root, "ACR808")
    assert "expires 2026-11-25T00:00:00Z" in row.message
    line = json.dumps(content, indent=2).splitlines()[row.places[0].line - 1]
    assert ONE in line


def test_an_ended_file_of_metadata_fails(root):
    """Clients refuse it, whatever its keys say."""
    content = targets_json()
    content["signed"]["expires"] = "2026-01-01T00:00:00Z"
    put(root, {f"{METADATA}/targets.json": content})
    assert "expires 2026-01-01T00:00:00Z" in rows(root, "ACR808")[0].message


def test_thumbprints_are_compared_with_the_declared_ones(root, monkeypatch):
    """A key that nobody declared is a finding of its own."""
    put(root, {f"{METADATA}/root.json": root_json(), f"{METADATA}/targets.json": targets_json()})
    rule = next(rule for rule in building.PACK.rules if rule.id == "ACR808")
    monkeypatch.setattr(building, "PACK", with_declared(building.PACK, [ONE, TWO.upper()]))
    found = rows(root, rule.id)
    assert [(row.verdict.value, THREE in row.message) for row in found] == [("fail", True)]


def with_declared(pack, keys):
    """The pack with thumbprints that a profile declares."""
    return tailor(pack, [], {"ACR808.declaredTrustKeys": json.dumps(keys)})


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("{", UnreadTail),
        ("[]", UnreadTail),
        ({"signed": []}, UnreadTail),
        ({"signed": {"expires": "2034-01-01T00:00:00Z", "keys": []}}, UnreadTail),
        ({"signed": {"keys": {}}}, Unknown),
    ],
)
def test_metadata_that_cannot_be_read_is_unknown(root, content, kind):
    """No JSON, no signed part, no keys, no end: the rule does not know."""
    put(root, {f"{METADATA}/root.json": content})
    assert verdict(root, "ACR808") == "unknown"
    values = [
        value
        for row in properties(root)["trust"]
        for value in ([row] if isinstance(row, UnreadTail) else row.values())
    ]
    assert any(isinstance(value, kind) for value in values)


@pytest.mark.parametrize("public", ["", "!!", 7, None, base64.b64encode(b"no certificate").decode()])
def test_a_certificate_that_cannot_be_read_is_unknown(root, public):
    """When it ends cannot be told then."""
    content = root_json()
    content["signed"]["keys"][ONE]["keyval"]["public"] = public
    put(root, {f"{METADATA}/root.json": content})
    assert verdict(root, "ACR808") == "unknown"


def test_links_and_depth_below_the_folder_are_bounded(root, monkeypatch):
    """A link to a folder is not walked into, so a loop ends; too many files leave the list open."""
    (root / f"{PRIVATE}/again").symlink_to("..")
    assert verdict(root, "ACR808") == "pass"
    monkeypatch.setattr("scanner.inventory.host.trust_keys.MAX_FILES", 2)
    put(root, {f"{PRIVATE}/{number}.txt": "" for number in range(3)})
    assert verdict(root, "ACR808") == "unknown"


def test_a_folder_that_cannot_be_listed_is_unknown(root, monkeypatch):
    """Keys may lie in it."""
    refuse(monkeypatch, "private")
    assert verdict(root, "ACR808") == "unknown"


def test_a_thumbprint_that_is_none_is_unknown(root):
    """A key id is 64 hexadecimal digits."""
    content = root_json()
    content["signed"]["keys"] = {"x" * 600: {"keytype": "ecdsa", "keyval": {}}, "y": None}
    put(root, {f"{METADATA}/root.json": content})
    found = [row for row in properties(root)["trust"] if row["kind"] == "publicKey"]
    assert [isinstance(row["keyId"], Unknown) for row in found] == [True, True]
    assert all(len(str(value)) < 700 for row in found for value in row.values())
