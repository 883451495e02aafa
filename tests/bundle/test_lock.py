"""Lock files: what differs from the pack that was trusted is named, file by file; other packs in the file stay."""

from __future__ import annotations

import pytest

from scanner.bundle.check import examine
from scanner.bundle.lock import Lock, differences, locked, read, with_pack, written
from scanner.bundle.opening import opened
from scanner.errors import InputError

FILES = {"pack/pack.yaml": b"a", "pack/x.yaml": b"b"}


def test_a_lock_goes_around(tmp_path):
    """Written and read it is the same, sorted and ending in a newline."""
    lock = with_pack(with_pack(None, "tiny", locked("1.0.0", "d", FILES)), "other", locked("2.0.0", "e", {}))
    path = tmp_path / "acrscan.lock"
    path.write_bytes(written(lock))
    assert read(path) == lock
    assert written(read(path)) == path.read_bytes()
    assert path.read_bytes().endswith(b"}\n")


def test_differences_are_named():
    """Changed, missing and new files, another version, and a lock whose digests do not belong together."""
    lock = with_pack(None, "tiny", locked("1.0.0", "d", FILES))
    now = locked("1.1.0", "e", {"pack/pack.yaml": b"A", "pack/new.yaml": b"c"})
    assert list(differences(lock, "tiny", now)) == [
        ("tiny", "has the version 1.1.0, the lock has 1.0.0"),
        ("pack/new.yaml", "is new; the lock does not have it"),
        ("pack/pack.yaml", "was changed: its sha256 differs from the lock"),
        ("pack/x.yaml", "is missing; the lock has it"),
    ]
    assert list(differences(lock, "tiny", locked("1.0.0", "d", FILES))) == []
    ((what, words),) = differences(lock, "tiny", locked("1.0.0", "other", FILES))
    assert what == "tiny"
    assert "it was edited" in words


def test_a_pack_that_is_not_locked():
    """An id the lock does not know is a difference, never nothing to check."""
    ((what, words),) = differences(Lock("acrscan/lock/v1", {}), "tiny", locked("1.0.0", "d", FILES))
    assert what == "tiny"
    assert "no pack of this id (its packs: none)" in words


def test_what_a_bundle_locks(bundle):
    """Every file but the manifest, which tells of the tool that wrote it and not of the pack."""
    found = examine(opened(bundle)).locked()
    assert set(found.files) == {
        "pack/pack.yaml", "pack/TNY101-admin-off.yaml", "pack/TNY101.test.yaml", "pack/more/TNY102-limit.yaml",
        "pack/frameworks/house.yaml", "profiles/strict.yaml",
    }  # fmt: skip
    assert found.version == "1.4.0"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[]", "is no lock file"),
        (b'{"schema": "acrscan/bundle/v1"}', "is no lock file"),
        (b'{"schema": "acrscan/lock/v2", "packs": {}}', "this version reads acrscan/lock/v1"),
        (b'{"schema": "acrscan/lock/v1"}', "is no lock file of this version"),
        (b'{"schema": "acrscan/lock/v1", "packs": {}, "more": 1}', "is no lock file of this version"),
        (b'{"schema": "acrscan/lock/v1", "packs": {"a": {}}}', "is no lock file of this version"),
        (b'{"schema": "acrscan/lock/v1", "packs": {"a": 1}}', "is no lock file of this version"),
        (
            b'{"schema": "acrscan/lock/v1", "packs": {"\\ud800": {"version": "1", "digest": "", "files": {}}}}',
            "is no lock file of this version",
        ),
    ],
)
def test_what_is_no_lock(tmp_path, content, words):
    """Each with its file."""
    path = tmp_path / "acrscan.lock"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read(path)
