"""Variables of sessions: content trust and proxies from the files that shells read, and from the environment itself."""

from __future__ import annotations

import time

import pytest

from scanner.inventory.host.reading import Wanted, read_hosts
from scanner.inventory.host.texts import assignments
from scanner.model.values import Unknown
from tests.inventory.host.building import DPKG, NOW, SECRET, STATUS, properties, put, refuse, rows, verdict


@pytest.fixture
def root(tmp_path):
    """A host with a current Docker."""
    return put(tmp_path, {STATUS: DPKG})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A=1", [("A", "1", 1, 1)]),
        ("# A=1\n\n  export A='b c' # why", [("A", "b c", 3, 10)]),
        ('export A=1 B="2"', [("A", "1", 1, 8), ("B", "2", 1, 12)]),
        ("A=$B", [("A", None, 1, 1)]),
        ("A=`date`", [("A", None, 1, 1)]),
        ("A=1 command --with B=2", []),
        ("if true; then\n  A=1\nfi", [("A", "1", 2, 3)]),
        ("A='x\ny'\nB=2", [("A", "x\ny", 1, 1), ("B", "2", 3, 1)]),
        ("A=x \\\n  B=y", [("A", "x", 1, 1), ("B", "y", 2, 3)]),
        ("A='never closed\nB=2", [("B", "2", 2, 1)]),
        ("A=b#c # d", [("A", "b#c", 1, 1)]),
        ("A='b # c'", [("A", "b # c", 1, 1)]),
        ('A="b\\"c"', [("A", 'b"c', 1, 1)]),
        ("A=1\r\nB=2\r\n", [("A", "1", 1, 1), ("B", "2", 2, 1)]),
        ("A=1\\", []),
        ("A=b\\'c\nB=2", [("A", "b'c", 1, 1), ("B", "2", 2, 1)]),
        ("x() {\n# A=1 '\nB=2 # it's\n}", [("B", "2", 3, 1)]),
        ("A", []),
        ("=1\n1A=2\na-b=3", []),
        ("A=", [("A", "", 1, 1)]),
        ("", []),
    ],
)
def test_assignments_of_shell_files(text, found):
    """Plain ones with their place; what is computed is not known, what is for one command alone is none."""
    assert [(one.name, one.value, one.line, one.column) for one in assignments(text)] == found


def test_a_file_that_never_closes_a_quote_ends(root):
    """However quotes open and close, a file of the largest size is read in the time of its length."""
    for line in ("A='\n", 'A="\\\n', "A=\"'\n", "'\"\n", "\\\n", "#\n", 'A="\\"\n'):
        begun = time.perf_counter()
        text = line * (100_000 // len(line))
        assert all(one.name == "A" for one in assignments(text))
        assert list(assignments(text, ("B",))) == []
        assert time.perf_counter() - begun < 10
    put(root, {"etc/profile": "A='\n" * 20_000})
    assert verdict(root, "ACR809") == "pass"


@pytest.mark.parametrize(
    "path",
    [
        "etc/environment",
        "etc/profile.d/docker.sh",
        "etc/environment.d/50.conf",
        "etc/profile",
        "root/.bashrc",
    ],
)
def test_variables_of_sessions(root, path):
    """Wherever a session may get it from: content trust is told, a proxy is judged, at its line."""
    put(root, {path: "# set\nexport DOCKER_CONTENT_TRUST=1\nexport HTTPS_PROXY=http://localhost:8888\n"})
    assert properties(root)["contentTrust"] == [
        {"variable": "DOCKER_CONTENT_TRUST", "value": "1", "at": f"/{path}: DOCKER_CONTENT_TRUST"}
    ]
    (row,) = rows(root, "ACR809")
    assert row.verdict.value == "fail"
    place = row.places[0]
    assert (place.file, place.line, place.column, place.end_column) == (f"{root.as_posix()}/{path}", 3, 8, 41)


def test_shell_files_are_bounded_one_by_one_and_together(root, monkeypatch):
    """What is larger than allowed is said to be unread."""
    put(root, {"etc/profile": "#" * 200_001})
    assert verdict(root, "ACR809") == "unknown"
    put(root, {"etc/profile": "", "root/.bashrc": "# HTTP_PROXY " + "#" * 1_000})
    assert verdict(root, "ACR809") == "pass"
    monkeypatch.setattr("scanner.inventory.host.sessions.MAX_TOGETHER", 1_000)
    (row,) = rows(root, "ACR809")
    assert row.verdict.value == "unknown"
    assert "more than the 1,000 bytes allowed together" in row.message


def test_a_variable_that_is_computed_is_unknown(root):
    """Nothing of a host is run to find out."""
    put(
        root,
        {"etc/profile.d/a.sh": "export HTTP_PROXY=http://$GATEWAY:8888\nexport DOCKER_CONTENT_TRUST=$(on)\n"},
    )
    assert verdict(root, "ACR809") == "unknown"
    assert isinstance(properties(root)["contentTrust"][0]["value"], Unknown)


def test_a_passphrase_in_a_file_fails_and_is_not_copied(root):
    """It opens the keys for everybody who reads the file."""
    put(root, {"etc/environment": f"DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE={SECRET}\n"})
    (row,) = rows(root, "ACR808")
    assert "passphrase at /etc/environment: DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE" in row.message
    assert SECRET not in repr(properties(root))
    put(root, {"etc/environment": "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE=\n"})
    assert verdict(root, "ACR808") == "pass"


def test_the_units_environment_tells_content_trust(root):
    """A drop-in of the daemon's unit may set it too."""
    put(
        root,
        {
            "etc/systemd/system/docker.service.d/a.conf": "[Service]\nEnvironment=DOCKER_CONTENT_TRUST_SERVER=https://notary\n"
        },
    )
    assert properties(root)["contentTrust"][0]["value"] == "https://notary"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"A=\x80", b"A=\x00"])
def test_files_that_are_no_text_are_unknown(root, content):
    """They may set a proxy."""
    put(root, {"etc/environment": content})
    assert verdict(root, "ACR809") == "unknown"
    assert verdict(root, "ACR808") == "unknown"


def test_a_folder_that_cannot_be_listed_is_unknown(root, monkeypatch):
    """Files in it may set a proxy."""
    put(root, {"etc/profile.d/a.sh": ""})
    refuse(monkeypatch, "profile.d")
    assert verdict(root, "ACR809") == "unknown"


def test_the_environment_counts_on_the_running_host_alone(root):
    """A mounted disk has nothing to do with the variables of the machine that scans it."""
    environment = {"HTTPS_PROXY": "http://localhost:8888", "DOCKER_CONTENT_TRUST": "1", "HOME": "/nowhere"}
    found = read_hosts(Wanted((root,), environment=environment), now=NOW)
    (resource,) = found.inventory.parts["acrscan/hosts"]
    assert resource.body["properties"]["interception"] == []
    assert resource.body["properties"]["contentTrust"] == []
