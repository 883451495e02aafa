"""Reading below a root: nothing outside is read, nothing but regular files is opened, everything is bounded."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from scanner.errors import InputError
from scanner.inventory.host import root as rooms
from scanner.inventory.host.root import ByDescriptor, ByPath, Entry, File, Root, Unreadable
from tests.inventory.host.building import put, refuse


@pytest.fixture(params=[ByDescriptor, ByPath])
def make(request, tmp_path):
    """Roots on `tmp_path/root`, walked in each of the two ways; beside it lies a secret."""
    put(tmp_path, {"outside": "secret", "root/etc/a.json": "{}", "root/etc/deep/b": "b"})
    opened = []

    def made() -> Root:
        opened.append(Root(tmp_path / "root", steps=request.param()))
        return opened[-1]

    yield made
    for one in opened:
        one.close()


def test_a_regular_file_is_read_with_its_mode(make, tmp_path):
    """Bytes, path as asked and permission bits come back."""
    (tmp_path / "root/etc/a.json").chmod(0o640)
    assert make().read("/etc/a.json") == File("/etc/a.json", b"{}", 0o640)


@pytest.mark.parametrize("path", ["/etc/none", "/none/a", "/etc/a.json/below", "/" + "x" * 5_000])
def test_what_is_not_there_is_none(make, path):
    """A missing file is no error, and neither is a path through a file or one that no system takes."""
    assert make().read(path) is None
    assert make().look(path) is None
    assert make().list(path) is None


@pytest.mark.parametrize(
    "target", ["../../outside", "/outside", "../../../../../../outside", "deep/../../../outside"]
)
def test_a_link_out_of_the_root_leads_to_the_root(make, tmp_path, target):
    """What lies outside is never read: `..` stops at the root, and `/` is the root."""
    (tmp_path / "root/etc/link").symlink_to(target)
    assert make().read("/etc/link") is None
    put(tmp_path, {"root/outside": "inside after all"})
    found = make().read("/etc/link")
    assert isinstance(found, File)
    assert found.data == b"inside after all"


def test_a_path_with_dots_stays_inside(make):
    """The path that is asked for cannot leave either."""
    assert make().read("/../../outside") is None
    assert isinstance(make().read("/etc/../etc/./a.json"), File)


def test_links_inside_are_followed_as_the_host_does(make, tmp_path):
    """Relative and absolute links to files and folders lead to what the host would read."""
    (tmp_path / "root/run").symlink_to("/etc/deep")
    (tmp_path / "root/etc/c").symlink_to("../run/b")
    found = make().read("/etc/c")
    assert isinstance(found, File)
    assert found.data == b"b"
    listed = make().list("/run")
    assert isinstance(listed, list)
    assert [entry.name for entry in listed] == ["b"]


def test_a_loop_of_links_is_unreadable(make, tmp_path):
    """Two links that lead to each other end, with a reason."""
    (tmp_path / "root/one").symlink_to("two")
    (tmp_path / "root/two").symlink_to("/one")
    found = make().read("/one")
    assert isinstance(found, Unreadable)
    assert "links lead to each other" in found.reason


def test_a_link_to_its_own_folder_ends(make, tmp_path):
    """A path that grows by its own link is bounded by the number of links."""
    (tmp_path / "root/self").symlink_to("self/self")
    assert isinstance(make().read("/self/x"), Unreadable)


def test_nothing_but_regular_files_is_opened(make, tmp_path):
    """A FIFO nobody writes to would block for ever; a folder and a socket are no files either."""
    os.mkfifo(tmp_path / "root/fifo")
    with closing(socket.socket(socket.AF_UNIX)) as server:
        here = Path.cwd()
        os.chdir(tmp_path / "root")  # a socket's path is short
        try:
            server.bind("sock")
        finally:
            os.chdir(here)
        for name in ("fifo", "etc", "sock"):
            found = make().read(f"/{name}")
            assert isinstance(found, Unreadable)
            assert "no regular file" in found.reason
        seen = make().look("/sock")
        assert isinstance(seen, Entry)
        assert seen.kind == "socket"


def test_a_device_is_told_apart(tmp_path):
    """A unit that is a link to /dev/null is switched off, so devices are known as such."""
    with closing(Root(Path("/"))) as root:
        found = root.read("/dev/null")
    assert isinstance(found, Unreadable)
    assert found.device


def test_sizes_and_lists_are_bounded(make, tmp_path, monkeypatch):
    """A file of 20 MB and a folder with too many names are unreadable, with the figure that was exceeded."""
    with (tmp_path / "root/large").open("wb") as file:
        file.truncate(20_000_000)
    found = make().read("/large")
    assert isinstance(found, Unreadable)
    assert "20,000,000 bytes" in found.reason
    monkeypatch.setattr(rooms, "MAX_ENTRIES", 2)
    put(tmp_path, {f"root/many/{number}": "" for number in range(3)})
    listed = make().list("/many")
    assert isinstance(listed, Unreadable)
    assert "more than the 2 names" in listed.reason
    assert isinstance(make().list("/etc"), list)


def test_depth_is_bounded(make, tmp_path, monkeypatch):
    """A path that goes deeper than allowed holds no more folders open."""
    monkeypatch.setattr(rooms, "MAX_DEPTH", 3)
    put(tmp_path, {"root/a/b/c/d": "1", "root/a/b/e": "2"})
    assert isinstance(make().read("/a/b/c/d"), File)
    put(tmp_path, {"root/a/b/c/f/g": "1"})
    assert isinstance(make().read("/a/b/c/f/g"), Unreadable)


def test_a_file_that_grows_is_cut(make, tmp_path):
    """Files that tell no size, or grow while they are read, give no more than the limit."""
    put(tmp_path, {"root/ten": "0123456789"})
    assert isinstance(make().read("/ten", 9), Unreadable)
    assert isinstance(make().read("/ten", 10), File)


def test_what_may_not_be_read_says_what_to_do(tmp_path, monkeypatch):
    """Permission denied is a reason, with advice, for files, for folders and for what is in them."""
    put(tmp_path, {"etc/a.json": "{}", "etc/deep/b": "b"})
    refuse(monkeypatch, "a.json", "deep")
    with closing(Root(tmp_path)) as root:
        found = root.read("/etc/a.json")
        assert isinstance(found, Unreadable)
        assert "Permission denied; scan with the rights to read it" in found.reason
        assert isinstance(root.list("/etc/deep"), Unreadable)
        assert isinstance(root.look("/etc/deep/b"), Unreadable)


def test_a_path_with_a_nul_is_no_path(make):
    """What no system call takes is a reason, not a crash."""
    for found in (make().read("/a\0b"), make().look("/a\0b"), make().list("/a\0b")):
        assert isinstance(found, Unreadable)


def test_the_root_itself_may_be_a_link_and_must_be_a_folder(tmp_path):
    """The user named it; a file or nothing at all is an error that says what to name."""
    put(tmp_path, {"root/etc/a": "a", "file": ""})
    (tmp_path / "link").symlink_to("root")
    for steps in (ByDescriptor(), ByPath()):
        with closing(Root(tmp_path / "link", steps=steps)) as root:
            assert isinstance(root.read("/etc/a"), File)
        for name in ("file", "none"):
            with pytest.raises(InputError, match="cannot be used as a root"):
                Root(tmp_path / name, steps=steps)


def test_names_in_reports_are_what_a_reader_can_open(tmp_path):
    """Files of the running host have their own path, those of another root the root's before it."""
    with closing(Root(Path("/"))) as root:
        assert root.live
        assert root.name("/etc/a") == "/etc/a"
    with closing(Root(tmp_path)) as root:
        assert not root.live
        assert root.name("/etc/a") == f"{tmp_path.as_posix()}/etc/a"


def test_a_listed_link_is_a_link(make, tmp_path):
    """Lists say what a name is without following it, so that walking never leaves a folder."""
    (tmp_path / "root/etc/link").symlink_to("/etc/deep")
    listed = make().list("/etc")
    assert isinstance(listed, list)
    assert {entry.name: entry.kind for entry in listed} == {
        "a.json": "file",
        "deep": "folder",
        "link": "link",
    }
