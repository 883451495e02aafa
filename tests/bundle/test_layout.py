"""OCI image layouts: the same manifests in a folder, read by others too; tags move, other entries stay, changes are found."""

from __future__ import annotations

import json

import oras.layout
import pytest

from scanner.bundle import transfer
from scanner.bundle.artifact import digest_of
from scanner.bundle.check import examine
from scanner.bundle.layout import Layout
from scanner.bundle.opening import from_bytes
from scanner.bundle.reference import layout_of
from scanner.errors import InputError, UsageError
from tests.bundle.packs import MAIN, write_bundle, write_pack


@pytest.fixture
def at(tmp_path):
    """A layout's folder under a tag or digest."""
    return lambda rest: Layout(layout_of(f"{tmp_path.as_posix()}/layout{rest}"))


def push(store, archive, **options):
    return transfer.push(store, archive, examine(from_bytes(archive, "x")), **options)


def test_a_round_trip(at, bundle, tmp_path):
    """What was pushed comes back, by tag and by digest; the oracle `oras` finds a valid layout with these blobs."""
    archive = bundle.read_bytes()
    digest, written = push(at(":1.4.0"), archive)
    assert written
    for rest in (":1.4.0", f"@{digest}"):
        assert transfer.pull(at(rest)).content == archive
    assert push(at(":1.4.0"), archive) == (digest, False)
    found = oras.layout.NewLayout(str(tmp_path / "layout"))
    assert set(found.get_ordered_blobs("1.4.0")) >= {digest, digest_of(archive)}
    assert json.loads((tmp_path / "layout" / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}


def test_two_tags(at, bundle, tmp_path):
    """Another tag is added and keeps the first; a tag is moved only when it is asked for."""
    first, _ = push(at(":1"), bundle.read_bytes())
    folder = write_pack(tmp_path / "next", **{"pack.yaml": MAIN.replace("1.4.0", "1.5.0")})
    other = write_bundle(tmp_path / "next.tar", folder, tmp_path / "next-scratch").read_bytes()
    second, _ = push(at(":2"), other)
    assert (at(":1").tagged("1"), at(":1").tagged("2")) == (first, second)
    with pytest.raises(UsageError, match="holds something else"):
        push(at(":1"), other)
    push(at(":1"), other, move=True)
    index = json.loads((tmp_path / "layout" / "index.json").read_text())
    assert [one["digest"] for one in index["manifests"]] == [second, second]


def test_changes_are_found(at, bundle, tmp_path):
    """A blob that is not what its name says, one that is gone, an index that is none, a tag nobody wrote."""
    archive = bundle.read_bytes()
    push(at(":1"), archive)
    with pytest.raises(InputError, match="no such pack"):
        transfer.pull(at(":2"))
    path = tmp_path / "layout" / "blobs" / "sha256" / digest_of(archive).removeprefix("sha256:")
    path.write_bytes(archive[:-1] + b"x")
    with pytest.raises(InputError, match="its digest differs"):
        transfer.pull(at(":1"))
    path.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        transfer.pull(at(":1"))
    index = tmp_path / "layout" / "index.json"
    for content in (
        "[]",
        '{"manifests": [{"digest": "../../x"}]}',
        '{"manifests": [{"annotations": 1}]}',
        "{",
    ):
        index.write_text(content)
        with pytest.raises(InputError):
            transfer.pull(at(":1"))


def test_an_index_that_cannot_be_kept(at, bundle, tmp_path):
    """Another tool's entry with a number that no JSON writer of ours takes: the push is refused and the index stays."""
    archive = bundle.read_bytes()
    push(at(":1"), archive)
    index = tmp_path / "layout" / "index.json"
    index.write_text(f'{{"manifests": [{{"digest": "sha256:{"0" * 64}", "size": 1{"0" * 40}}}]}}')
    before = index.read_bytes()
    with pytest.raises(InputError, match="cannot be kept") as caught:
        push(at(":2"), archive)
    assert caught.value.where == str(index)
    assert index.read_bytes() == before
