"""The archive: the same bytes whatever the files' times, modes, order or the zlib at hand; a file for every reader."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import zlib

import pytest

from scanner.bundle.archive import packed, tar
from scanner.bundle.manifest import NAME
from tests.bundle.packs import FILES, files_of, write_pack, write_profile

GOLDEN = {
    ".tar": "f34a31e20f8c9becd600dff53ab52cc4b710aa86316e4cfd4d6755b408ada7cd",
    ".tar.gz": "6540b051237a4d22d26c39bc0f0ab94c06a2585da58e7db6ef98bbe730f263fa",
}


def names_in(plain):
    with tarfile.open(fileobj=io.BytesIO(plain)) as found:
        return found.getnames()


def test_golden_bytes(tmp_path):
    """The bundle of a fixed pack has the digest it had on the day this was written: nothing may change it."""
    folder = write_pack(tmp_path / "pack")
    files = files_of(folder, tmp_path / "scratch", write_profile(tmp_path))
    found = {
        suffix: hashlib.sha256(packed(files, compressed=suffix != ".tar")).hexdigest() for suffix in GOLDEN
    }
    assert found == GOLDEN


def test_two_machines_make_the_same_bytes(tmp_path):
    """Other times, permissions, umask and order of writing change nothing."""
    one = write_pack(tmp_path / "one")
    before = os.umask(0o077)
    try:
        two = tmp_path / "elsewhere" / "two"
        for name in reversed(FILES):
            path = two / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(FILES[name].encode())
            path.chmod(0o700)
            os.utime(path, (1, 1))
    finally:
        os.umask(before)
    first = packed(files_of(one, tmp_path / "a"), compressed=True)
    assert first == packed(files_of(two, tmp_path / "b"), compressed=True)


def test_order_of_files_is_by_name_after_the_manifest():
    """The manifest comes first, whatever the order given; all else is sorted."""
    names = ["pack/b.yaml", "profiles/a.yaml", NAME, "pack/B.yaml", "pack/a/z.yaml"]
    assert names_in(tar(dict.fromkeys(names, b"x"))) == [
        NAME,
        "pack/B.yaml",
        "pack/a/z.yaml",
        "pack/b.yaml",
        "profiles/a.yaml",
    ]


def test_other_readers_read_it(tmp_path):
    """Python's tarfile reads what was packed: names, contents, and nothing that tells of a machine."""
    files = files_of(write_pack(tmp_path / "pack"), tmp_path / "scratch")
    with tarfile.open(fileobj=io.BytesIO(packed(files, compressed=True)), mode="r:gz") as found:
        assert {one.name: found.extractfile(one).read() for one in found} == files  # type: ignore[union-attr]
        facts = {(one.mode, one.uid, one.gid, one.uname, one.gname, one.mtime, one.type) for one in found}
    assert facts == {(0o644, 0, 0, "", "", 0, tarfile.REGTYPE)}


@pytest.mark.parametrize("size", [0, 1, 65534, 65535, 65536, 131070, 200_001])
def test_stored_blocks_are_gzip(size):
    """Whatever the size, around the largest block too, gzip gives the content back, and knows no name and no time."""
    content = bytes(range(256)) * (size // 256 + 1)
    found = packed({"a": content[:size]}, compressed=True)
    assert gzip.decompress(found) == packed({"a": content[:size]}, compressed=False)
    assert found[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    assert zlib.decompressobj(31).decompress(found) == gzip.decompress(found)


def test_the_longest_name_fits(tmp_path):
    """A path as long as bundles allow is told by every reader as it is."""
    name = f"pack/{'a' * 48}/{'b' * 91}.yaml"
    assert len(name) == 150
    assert names_in(tar({name: b"x"})) == [name]
