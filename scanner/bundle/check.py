"""An opened bundle comes in; what holds, what does not, and what could not be checked comes out, one by one."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scanner.bundle.gather import role_of
from scanner.bundle.lock import Lock, Locked, differences, locked
from scanner.bundle.manifest import ARTIFACT_TYPE, NAME, Manifest, facts_of, read, written
from scanner.bundle.names import PACK, PROFILES
from scanner.bundle.opening import Opened, unpack
from scanner.errors import InputError, Problems, RuleError, ScannerError
from scanner.language.frameworks import load_frameworks
from scanner.language.pack import API_VERSION, FRAMEWORKS, load_pack, shown
from scanner.language.tailor import check_engine, tailor
from scanner.model.rule import RulePack
from scanner.trust.check import FAILED, OK, Check
from scanner.trust.files import Sealed


@dataclass(frozen=True, slots=True)
class Loaded:
    """The pack of a bundle, or the errors that keep it from loading."""

    pack: RulePack | None
    errors: tuple[ScannerError, ...] = ()


@dataclass(frozen=True, slots=True)
class Examined:
    """A bundle that was looked at. `errors`: those of a pack that does not load, each with its place."""

    found: Opened
    manifest: Manifest
    checks: tuple[Check, ...]
    errors: tuple[ScannerError, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing failed."""
        return all(check.state != FAILED for check in self.checks)

    def locked(self) -> Locked:
        """What a lock keeps of it."""
        files = {name: content for name, content in self.found.files.items() if name != NAME}
        return locked(self.manifest.pack.version, self.manifest.pack.digest, files)

    def refuse(self) -> None:
        """Raise `Problems` for everything that failed: for those who want to use a bundle, not to hear about it."""
        failed: list[ScannerError] = [
            InputError(f"{check.what}: {check.words}", self.found.name, "Get the bundle again from where it was made.")
            for check in self.checks
            if check.state == FAILED
        ]  # fmt: skip
        if failed:
            raise Problems([*failed, *self.errors])


def examine(found: Opened) -> Examined:
    """Everything that a bundle tells by itself; its pack is loaded from a private folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="acrscan-", ignore_cleanup_errors=True) as temporary:
        checks = examine_content(found)
        unpack(found, Path(temporary))
        loaded = load(found, Path(temporary))
    return Examined(found, checks.manifest, (*checks.checks, examine_pack(checks.manifest, loaded)), loaded.errors)  # fmt: skip


def examine_content(found: Opened) -> Examined:
    """The same without loading the pack: for a command that loads it anyway."""
    manifest = read(found.files[NAME], f"{found.top}/{NAME}")
    return Examined(found, manifest, (*examine_files(found, manifest), examine_engine(manifest)))


def examine_files(found: Opened, manifest: Manifest) -> Iterator[Check]:
    """The files against the manifest: each that differs by name; then the form of both."""
    listed: dict[str, Sealed] = {}
    bad = 0
    for one in manifest.files:
        if one.path in listed:
            bad += 1
            yield Check(one.path, FAILED, "stands twice in the manifest")
        listed[one.path] = one
    for path in sorted(listed.keys() | found.files.keys() - {NAME}):
        if problem := _problem(path, listed.get(path), found.files.get(path)):
            bad += 1
            yield Check(path, FAILED, problem)
    if not bad:
        yield Check("files", OK, f"{len(listed)} files are as {NAME} says")
    if manifest.artifact_type != ARTIFACT_TYPE:
        yield Check(NAME, FAILED, f"calls itself {manifest.artifact_type[:80]!r}, not {ARTIFACT_TYPE}")
    if written(manifest) != found.files[NAME]:
        yield Check(NAME, FAILED, "is not written as `policy bundle` writes it: it was edited")
    if not found.exact:
        yield Check("archive", FAILED, "is not the one that these files are packed into: another tool packed it, or something was added")  # fmt: skip


def _problem(path: str, entry: Sealed | None, content: bytes | None) -> str:
    if entry is None:
        return f"is not in {NAME}: it was added"
    if content is None:
        return f"is missing; {NAME} names it"
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        return f"was changed: its sha256 differs from {NAME}"
    if len(content) != entry.size:
        return f"has {len(content):,} bytes, {NAME} says {entry.size:,}"
    if entry.role != role_of(path):
        return f"is called {entry.role[:40]!r} in {NAME}, and is {role_of(path)!r}"
    return ""


def examine_engine(manifest: Manifest) -> Check:
    """Whether this version of acrscan may use the pack."""
    facts = manifest.pack
    if facts.api_version != API_VERSION:
        return Check("engine", FAILED, f"it is written in {facts.api_version[:60]!r}, this engine reads {API_VERSION}")  # fmt: skip
    try:
        check_engine(facts.requires, "pack.yaml")
    except RuleError as error:
        return Check("engine", FAILED, error.what[:300])
    return Check("engine", OK, f"it reads {API_VERSION}, and the pack asks for {facts.requires[:80] or 'no version'}")  # fmt: skip


def load(found: Opened, folder: Path) -> Loaded:
    """The pack, its catalogues and the profiles beside it, from the folder that `opening.unpack` wrote."""
    home = folder / PACK
    errors: list[ScannerError] = []
    pack = None
    try:
        pack = load_pack(home, name=found.home)
        load_frameworks(home / FRAMEWORKS)
        for path in sorted((folder / PROFILES).glob("*.yaml")):
            tailor(pack, [path])
    except Problems as problems:
        errors += problems.errors
    except ScannerError as error:
        errors.append(error)
    return Loaded(None if errors else pack, tuple(renamed(error, found, folder) for error in errors))


def renamed(error: ScannerError, found: Opened, folder: Path) -> ScannerError:
    """The same error with its place in the bundle instead of in the folder it was unpacked into."""
    where = error.where
    for spelled in sorted({folder.as_posix(), folder.resolve().as_posix(), str(folder), shown(folder)}, key=len, reverse=True):  # fmt: skip
        where = where.replace(f"{spelled}/{PACK}", found.home).replace(spelled, found.top)
    return type(error)(error.what, where, error.advice, excerpt=error.excerpt, code=error.code)


def examine_pack(manifest: Manifest, loaded: Loaded) -> Check:
    """Whether the pack loads, and is the one that the manifest tells of."""
    if loaded.pack is None:
        number = len(loaded.errors)
        return Check("pack", FAILED, f"does not load: {number} error{'s' if number != 1 else ''}")
    mine, theirs = facts_of(loaded.pack), manifest.pack
    wrong = [
        f"{key} {str(stated)[:80]!r}, not {str(real)[:80]!r}"
        for key, stated, real in (
            ("id", theirs.id, mine.id),
            ("version", theirs.version, mine.version),
            ("prefix", theirs.prefix, mine.prefix),
            ("requires", theirs.requires, mine.requires),
            ("digest", theirs.digest, mine.digest),
            ("rules", theirs.rules, mine.rules),
        )
        if stated != real
    ]
    if wrong:
        return Check("pack", FAILED, f"is not what {NAME} says: {'; '.join(wrong)}")
    return Check("pack", OK, f"{mine.id} {mine.version}, {mine.rules} rules, loads")


def examine_lock(lock: Lock, identifier: str, now: Locked) -> Iterator[Check]:
    """Each difference from the lock."""
    found = [Check(what, FAILED, words) for what, words in differences(lock, identifier, now)]
    yield from found or [Check("lock", OK, f"{len(now.files)} files are as the lock says")]
