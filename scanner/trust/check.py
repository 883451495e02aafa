"""A folder with a manifest comes in; what holds, what does not, and what could not be checked comes out, one by one."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scanner.errors import InputError
from scanner.trust import manifest as manifests
from scanner.trust import statement as statements
from scanner.trust.files import SUMS, inside, read_sums, sha256_of
from scanner.trust.manifest import Manifest

OK, FAILED, OPEN = "ok", "failed", "not checked"
LARGEST_TABLE = 400_000_000
_DATA = re.compile(rb'<script type="application/octet-stream" id="table-data">([A-Za-z0-9+/=\s]*)</script>')


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `state`: ok, failed or not checked."""

    what: str
    state: str
    words: str = ""


def examine(folder: Path, previous: Path | None) -> Iterator[Check]:
    """Everything that the files of a folder can tell without doing the scan again."""
    found = manifests.read(folder / manifests.NAME)
    listed = dict(read_sums(folder / SUMS))
    yield from _files(folder, listed)
    yield from _agree(folder, found, listed)
    yield from _extra(folder, listed)
    yield _statement(folder, found)
    yield _before(found, previous)


def _files(folder: Path, listed: dict[str, str]) -> Iterator[Check]:
    bad = 0
    for name, digest in listed.items():
        path = folder / name
        if not path.is_file() or path.is_symlink():
            bad += 1
            yield Check(name, FAILED, "is missing" if not path.is_symlink() else "is a link")
        elif sha256_of(path) != digest:
            bad += 1
            yield Check(name, FAILED, "was changed: its sha256 differs from SHA256SUMS")
    if not bad:
        yield Check("files", OK, f"{len(listed)} files are as SHA256SUMS says")


def _agree(folder: Path, found: Manifest, listed: dict[str, str]) -> Iterator[Check]:
    wrong = [one.path for one in (*found.outputs, *found.inputs) if listed.get(one.path) != one.sha256]
    wrong += [name for name in (manifests.NAME, statements.NAME) if name not in listed]
    known = {one.path for one in (*found.outputs, *found.inputs)} | {manifests.NAME, statements.NAME}
    wrong += sorted(listed.keys() - known)
    if wrong:
        yield Check("manifest", FAILED, f"it and SHA256SUMS differ about {', '.join(wrong[:5])}")
    else:
        yield Check("manifest", OK, "it names every file with the digest of SHA256SUMS")
    outside = [one.path for one in (*found.outputs, *found.inputs) if not inside(one.path)]
    if outside:
        yield Check("manifest", FAILED, f"it names files outside the folder: {', '.join(outside[:5])}")
    if not any((folder / one.path).is_file() for one in found.outputs):
        yield Check("outputs", FAILED, "no output of the run is there")


def _extra(folder: Path, listed: dict[str, str]) -> Iterator[Check]:
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    more = sorted(there - listed.keys() - {SUMS})
    if more:
        shown = ", ".join(more[:5]) + (f" and {len(more) - 5} more" if len(more) > 5 else "")
        yield Check("other files", OPEN, f"not of this run, nothing is said about them: {shown}")


def _statement(folder: Path, found: Manifest) -> Check:
    path = folder / statements.NAME
    if not path.is_file():
        return Check("statement", FAILED, f"{statements.NAME} is missing")
    wanted = statements.written(found, sha256_of(folder / manifests.NAME))
    if path.read_bytes() != wanted:
        return Check("statement", FAILED, "it does not say what the manifest says")
    return Check("statement", OK, "the in-toto statement says what the manifest says")


def _before(found: Manifest, previous: Path | None) -> Check:
    before = found.predecessor
    if before is None:
        return Check("run before", OK, "the manifest names none: it is the first of its chain")
    if previous is None:
        return Check(
            "run before",
            OPEN,
            f"{before.now}, sha256 {before.sha256[:16]}...; give its manifest with --previous",
        )
    path = previous / manifests.NAME if previous.is_dir() else previous
    if sha256_of(path) != before.sha256:
        return Check("run before", FAILED, f"{path} is not the manifest that this run follows")
    return Check("run before", OK, f"it follows the run of {before.now}")


def page(path: Path) -> Check:
    """Whether the table inside a one-file HTML report is the one whose digest the page states."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", str(path)) from error
    match = _DATA.search(content)
    if match is None:
        raise InputError(
            "is no one-file HTML report of acrscan",
            str(path),
            "Reports of --html-mode split are checked by their manifest.",
        )
    try:
        reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
        plain = reader.decompress(base64.b64decode(match[1], validate=False), LARGEST_TABLE)
    except (ValueError, zlib.error) as error:
        return Check("table", FAILED, f"it cannot be unpacked: {error}")
    digest = hashlib.sha256(plain).hexdigest()
    if reader.unconsumed_tail or digest.encode() not in content:
        return Check("table", FAILED, "its sha256 is not the one that the page states")
    return Check("table", OK, f"sha256 {digest} is stated in the page")
