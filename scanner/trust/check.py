"""A folder with a manifest comes in; what holds, what does not, and what could not be checked comes out, one by one."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scanner.errors import InputError
from scanner.trust import manifest as manifests
from scanner.trust import statement as statements
from scanner.trust.files import SUMS, inside, read_sums, sha256_of
from scanner.trust.manifest import Manifest

OK, FAILED, OPEN, NOTE = "ok", "failed", "not checked", "note"
LARGEST_TABLE = 400_000_000
INPUTS = "inputs"
_DATA = re.compile(rb'<script type="application/octet-stream" id="table-data">([A-Za-z0-9+/=\s]*)</script>')


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `state`: ok, failed, not checked, or note (worth knowing, nothing to check here)."""

    what: str
    state: str
    words: str = ""


def examine(folder: Path, previous: Sequence[Path]) -> Iterator[Check]:
    """Everything that the files of a folder can tell without doing the scan again.

    `previous`: manifests of runs before (or their folders), in any order.
    """
    found = manifests.read(folder / manifests.NAME)
    listed = dict(read_sums(folder / SUMS))
    yield from _files(folder, listed)
    yield from _agree(folder, found, listed)
    yield from _extra(folder, listed)
    yield _statement(folder, found)
    yield from _chain(found, previous)


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
    used = found.replay
    below = (used.pack, used.waivers, used.baseline, used.principals, *used.profiles)
    outside = [one.path for one in (*found.outputs, *found.inputs) if not inside(one.path)]
    outside += [one for one in below if one and not (one.startswith(f"{INPUTS}/") and inside(one))]
    if outside:
        yield Check("manifest", FAILED, f"it names files outside the folder: {', '.join(outside[:5])}")
    if not any((folder / one.path).is_file() for one in found.outputs):
        yield Check("outputs", FAILED, "no output of the run is there")
    absent = sorted(set(used.formats) - {one.format for one in found.outputs})
    if absent:
        yield Check("outputs", NOTE, f"asked for, but not written by the run: {', '.join(absent)}")


def _extra(folder: Path, listed: dict[str, str]) -> Iterator[Check]:
    there = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }
    more = there - listed.keys() - {SUMS}
    smuggled = {name for name in more if name.startswith(f"{INPUTS}/")}
    signatures = {name for name in more if name.startswith(f"{statements.NAME}.")}
    if smuggled:
        yield Check("other files", FAILED, f"among the inputs, but not of this run: {_few(smuggled)}")
    if signatures:
        yield Check("signature", NOTE, f"{_few(signatures)}: the tool that made it can check it")
    if rest := more - smuggled - signatures:
        yield Check("other files", OPEN, f"not of this run, nothing is said about them: {_few(rest)}")


def _few(names: set[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")


def _statement(folder: Path, found: Manifest) -> Check:
    path = folder / statements.NAME
    if not path.is_file():
        return Check("statement", FAILED, f"{statements.NAME} is missing")
    wanted = statements.written(found, sha256_of(folder / manifests.NAME))
    if path.read_bytes() != wanted:
        return Check("statement", FAILED, "it does not say what the manifest says")
    return Check("statement", OK, "the in-toto statement says what the manifest says")


def _chain(found: Manifest, previous: Sequence[Path]) -> Iterator[Check]:
    """Each run names the one before; those that are given are followed, the end of what is given is told."""
    paths = [path / manifests.NAME if path.is_dir() else path for path in previous]
    given = {sha256_of(path): path for path in paths}
    link, followed = found.predecessor, 0
    while link is not None and link.sha256 in given:
        before = manifests.read(given.pop(link.sha256))
        if before.now != link.now:
            yield Check("run before", FAILED, f"it is of {before.now}, not of {link.now}")
            return
        followed += 1
        yield Check("run before", OK, f"it follows the run of {link.now}")
        link = before.predecessor
    if given:
        yield Check(
            "run before", FAILED, f"not a run that this one follows: {', '.join(map(str, given.values()))}"
        )
    elif link is None:
        words = "that run" if followed else "the manifest"
        yield Check("run before", OK, f"{words} names none: it is the first of its chain")
    else:
        words = f"{link.now}, sha256 {link.sha256[:16]}...; give its manifest with --previous"
        yield Check("run before", NOTE if followed else OPEN, words)


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
    whole = reader.eof and not reader.unused_data
    if not whole or f">{digest}</code>".encode() not in content:
        return Check("table", FAILED, "its sha256 is not the one that the page states")
    return Check("table", OK, f"its sha256 is the one that the page states: {digest}")
