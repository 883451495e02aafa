"""Hostile archives: each is refused for what it is, nothing of it is ever written or unpacked beyond the bounds."""

from __future__ import annotations

import gzip
import io
import sys
import tarfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.bundle import opening
from scanner.bundle.archive import packed, tar
from scanner.bundle.opening import from_bytes, opened, unpack
from scanner.errors import InputError
from tests.bundle.packs import files_of, write_pack

FILES = {"manifest.json": b"{}", "pack/pack.yaml": b"x: 1\n"}


def archive(*members, head=FILES):
    """A tar stream by Python's own writer: the usual files, then (name, type, content) or whole headers."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as made:
        for name, content in head.items():
            one = tarfile.TarInfo(name)
            one.size = len(content)
            made.addfile(one, io.BytesIO(content))
        for name, kind, content in members:
            one = tarfile.TarInfo(name)
            one.type, one.size, one.linkname = kind, len(content), "pack/pack.yaml"
            made.addfile(one, io.BytesIO(content))
    return out.getvalue()


def refusal(content):
    with pytest.raises(InputError) as caught:
        from_bytes(content, "x.tar.gz")
    return str(caught.value)


@pytest.mark.parametrize("compressed", [True, False])
def test_what_was_packed_opens(tmp_path, compressed):
    """The files come back, and the archive is known for the exact one."""
    files = files_of(write_pack(tmp_path / "pack"), tmp_path / "scratch")
    found = from_bytes(packed(files, compressed=compressed), "x")
    assert found.files == files
    assert found.exact


@pytest.mark.parametrize(
    "name",
    [
        "../evil.yaml", "pack/../../evil.yaml", "/etc/evil.yaml", "pack//evil.yaml", "C:/evil.yaml", "pack/./x.yaml",
        "pack\\..\\evil.yaml", "pack/con.yaml", "pack/COM1", "pack/nul.tar.gz", "pack/evil.yaml.", "pack/evil.yaml ",
        "pack/a:b.yaml", "pack/a\x1b[2J.yaml", "pack/~", "pack/-rf.yaml", "pack/a*.yaml", "pack/\xe9.yaml", "pack/.hid.yaml",
    ],
)  # fmt: skip
def test_names(name):
    """Paths that lead out, absolute ones, drives, devices of Windows, controls: each is refused, and shown harmlessly."""
    words = refusal(archive((name, tarfile.REGTYPE, b"x")))
    assert words.startswith("x.tar.gz!/")
    assert "\x1b" not in words


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (tarfile.SYMTYPE, "a symbolic link"),
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.CHRTYPE, "a character device"),
        (tarfile.BLKTYPE, "a block device"),
        (tarfile.FIFOTYPE, "a pipe"),
        (tarfile.DIRTYPE, "a folder"),
        (tarfile.CONTTYPE, "a contiguous file"),
        (tarfile.GNUTYPE_LONGNAME, "a GNU long name"),
        (tarfile.GNUTYPE_SPARSE, "a sparse file"),
        (tarfile.XHDTYPE, "a pax header"),
        (tarfile.XGLTYPE, "a pax header"),
        (b"Z", "of an unknown kind"),
    ],
)
def test_kinds(kind, words):
    """Nothing but plain files: links, devices and headers that carry names or sizes of their own are refused by name."""
    assert f"is {words}; a bundle holds plain files only" in refusal(archive(("pack/x.yaml", kind, b"")))


def test_two_files_of_one_name():
    """The second cannot take the place of the first, in any case of letters."""
    assert "two files of one name" in refusal(archive(("pack/pack.yaml", tarfile.REGTYPE, b"y")))
    assert "one name on some platforms" in refusal(archive(("pack/PACK.yaml", tarfile.REGTYPE, b"y")))
    assert "one name on some platforms" in refusal(
        archive(("pack/a", tarfile.REGTYPE, b"y"), ("pack/a/b", tarfile.REGTYPE, b"y"))
    )


def test_places_of_their_own():
    """Beside the manifest there are the pack and the profiles, nothing else."""
    assert "lies neither in pack/" in refusal(archive(("more/x.yaml", tarfile.REGTYPE, b"y")))
    assert "holds no manifest.json" in refusal(archive(head={"pack/pack.yaml": b"x"}))
    assert "holds no pack/pack.yaml" in refusal(archive(head={"manifest.json": b"x"}))


def test_compression_bombs(monkeypatch):
    """A gzip that would fill the memory is unpacked to the bound and no further; so is an archive that is large itself."""
    bomb = gzip.compress(bytes(opening.MOST_BYTES + 10), 9)
    assert len(bomb) < 200_000
    assert "unpacks to more than" in refusal(bomb)
    monkeypatch.setattr(opening, "MOST_BYTES", 100)
    assert "unpacks to more than" in refusal(packed(FILES, compressed=True))


def test_sizes_that_lie():
    """A header with a negative, a base-256, a huge or a false size is no reason to read on."""
    for field in (b"-0000000001\0", b"\x80" + bytes(10) + b"\x05", b"77777777777\0", b"zzzzzzzzzzz\0"):
        head = bytearray(archive(("pack/x.yaml", tarfile.REGTYPE, b"abc")))
        at = 4 * 512
        head[at + 124 : at + 136] = field
        _sum(head, at)
        assert "has more than the 2,000,000 bytes" in refusal(bytes(head))


def _sum(raw, at):
    raw[at + 148 : at + 156] = b" " * 8
    raw[at + 148 : at + 156] = b"%06o\0 " % sum(raw[at : at + 512])


def test_many_files(monkeypatch):
    """The number of members is bounded before their contents are kept."""
    monkeypatch.setattr(opening, "MAX_FILES", 5)
    assert "holds more than 5 files" in refusal(tar({f"pack/{at}.yaml": b"" for at in range(9)}))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "ends too early"),
        (b"\x1f\x8b", "is cut off"),
        (b"\x1f\x8b" + b"x" * 100, "is no gzip file"),
        (b"PK\x03\x04" + bytes(600), "no tar archive of the form"),
        (b"\0" * 1024, "holds no manifest.json"),
        (tar(FILES)[:700], "ends too early"),
        (packed(FILES, compressed=True)[:-3], "is cut off"),
    ],
)
def test_what_is_no_archive(content, words):
    """Each is told apart, so that a reader knows whether to download again."""
    assert words in refusal(content)


def test_a_damaged_header():
    """A flipped bit in a header is seen by its checksum."""
    raw = bytearray(tar(FILES))
    raw[110] ^= 1
    assert "checksum does not fit" in refusal(bytes(raw))


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain + b"\0" * 512,
        lambda plain: plain + b"hidden",
        lambda plain: archive(head=FILES),
        lambda plain: tar(dict(FILES)) + tar({"pack/x.yaml": b"x"}),
    ],
)
def test_what_is_not_exactly_ours_is_known(change):
    """Anything after the end, or another writer's padding and times, opens and is known for not being the exact archive."""
    assert from_bytes(tar(FILES), "x").exact
    assert not from_bytes(change(tar(FILES)), "x").exact


def test_other_compression_is_known():
    """A gzip by another tool holds the same files and is not the exact archive; so is one with something behind it."""
    assert not from_bytes(gzip.compress(tar(FILES)), "x").exact
    assert not from_bytes(packed(FILES, compressed=True) + b"tail", "x").exact


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 4000), mask=st.integers(1, 255), cut=st.integers(0, 4000))
def test_flipped_and_cut_bytes(at, mask, cut):
    """Whatever byte changes, the bundle is refused, or known for not exact, or its files differ: never taken for itself."""
    whole = packed(FILES, compressed=True)
    raw = bytearray(whole)
    raw[at % len(raw)] ^= mask
    for content in (bytes(raw), whole[: cut % len(whole)]):
        try:
            found = from_bytes(content, "x")
        except InputError:
            continue
        assert not found.exact or found.files != FILES


def test_folders(tmp_path):
    """A folder it was unpacked into opens too; links in it, and what no bundle may hold, are refused."""
    files = files_of(write_pack(tmp_path / "pack"), tmp_path / "scratch")
    home = tmp_path / "unpacked"
    unpack(from_bytes(packed(files, compressed=False), "x"), home)
    assert opened(home).files == files
    if sys.platform != "win32":
        (home / "pack" / "link.yaml").symlink_to("/etc/passwd")
        with pytest.raises(InputError, match=r"link\.yaml: is a link"):
            opened(home)
        (home / "pack" / "link.yaml").unlink()
        (home / "pack" / "away").symlink_to("/etc")
        with pytest.raises(InputError, match="away: is a link"):
            opened(home)
        (home / "pack" / "away").unlink()
    (home / "more").mkdir()
    (home / "more" / "x.yaml").write_text("x")
    with pytest.raises(InputError, match="neither in pack/"):
        opened(home)


def test_a_file_that_is_too_large(tmp_path, monkeypatch):
    """The archive's own size is looked at before it is read whole."""
    monkeypatch.setattr(opening, "MOST_BYTES", 10)
    (tmp_path / "x.tar").write_bytes(b"x" * 11)
    with pytest.raises(InputError, match="more than the 10 bytes"):
        opened(tmp_path / "x.tar")
    with pytest.raises(InputError, match="cannot be read"):
        opened(tmp_path / "none.tar")


def test_zlib_errors_are_ours():
    """A damaged stream inside a good head is an error of ours with a place."""
    raw = bytearray(gzip.compress(tar(FILES)))
    raw[40:60] = bytes(20)
    assert "x.tar.gz: is no gzip file" in refusal(bytes(raw))
    assert zlib.ZLIB_VERSION
