"""`acrscan policy bundle` and `verify`: a pack becomes one file with a manifest, and is checked before somebody trusts it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.cli.door import FINDINGS, INCOMPLETE, Outcome
from scanner.cli.options import pack_folder, profile_file
from scanner.cli.outputs import whole_file
from scanner.cli.proofs import safe
from scanner.cli.show import say
from scanner.cli.signing import run_on, words_of
from scanner.errors import InputError, OutputError, Problems, UsageError
from scanner.trust.check import FAILED, NOTE, OK, OPEN, Check

if TYPE_CHECKING:
    from scanner.bundle.check import Examined
    from scanner.bundle.lock import Lock, Locked
    from scanner.bundle.opening import Opened as Found
    from scanner.model.rule import RulePack

GLYPHS = {OK: "ok         ", FAILED: "FAILED     ", OPEN: "not checked", NOTE: "note       "}
_SUFFIXES = (".tar.gz", ".tgz", ".tar")
_SHOWN = 20


@click.command("bundle")
@click.argument("folder", required=False, metavar="[DIR]", type=click.Path())
@click.option("-o", "--output", required=True, metavar="FILE", help="The bundle: .tar.gz, .tgz or .tar.")
@click.option(
    "--profile", multiple=True, metavar="NAME|FILE", help="Put a profile into the bundle. Repeatable."
)
@click.option(
    "--sign-command",
    default="",
    metavar="COMMAND",
    help="Run this on the bundle afterwards; {file} stands for it.",
)
def bundle(folder: str | None, output: str, profile: tuple[str, ...], sign_command: str) -> Outcome:
    """Pack a pack (default: the shipped one) into one file: the same pack gives the same bytes everywhere.

    In it are the YAML files of the folder (pack.yaml, rules, tests, catalogues), the profiles that are named, and a manifest
    with the digest of each. A pack that does not load, or that lint finds an error in, is not bundled.

    \b
    Examples:
      acrscan policy bundle my-pack/ -o my-pack-1.4.0.tar.gz
      acrscan policy bundle my-pack/ -o my-pack.tar.gz --profile strict.yaml
      acrscan policy bundle my-pack/ -o my-pack.tar.gz --sign-command 'minisign -S -m {file}'
    """
    from scanner import __version__  # noqa: PLC0415
    from scanner.bundle.archive import packed  # noqa: PLC0415
    from scanner.bundle.gather import gather  # noqa: PLC0415
    from scanner.bundle.manifest import NAME, manifest_of, written  # noqa: PLC0415
    from scanner.bundle.opening import Opened  # noqa: PLC0415
    from scanner.language.pack import shown  # noqa: PLC0415

    signer = words_of(sign_command, "--sign-command")
    if not output.endswith(_SUFFIXES) or Path(output).is_dir():
        raise UsageError(f"-o {output} is no name of a bundle", "", f"End it with {', '.join(_SUFFIXES)}.")
    home = _pack_home(folder)
    profiles = [profile_file(one) for one in profile]
    gathered = gather(home, profiles)
    pack = _checked(Opened(shown(home), gathered.files, shown(home), shown(home)), profiles)
    manifest = written(manifest_of(pack, gathered.entries(), __version__))
    content = packed({**gathered.files, NAME: manifest}, compressed=not output.endswith(".tar"))
    if gathered.left_out:
        say(f"left out, no YAML: {_few(gathered.left_out)}")
    put(Path(output), content)
    outcome = Outcome()
    if signer and (problem := run_on(signer, Path(output), "the signer")):
        outcome.add(OutputError.exit_code, problem)
    click.echo(f"{pack.id} {pack.version}: {len(pack.rules)} rules, {len(gathered.files)} files, {len(content):,} bytes, {_digest(content)}")  # fmt: skip
    return outcome


def _pack_home(folder: str | None) -> Path:
    home = Path(folder) if folder else pack_folder(None)
    if not (home / "pack.yaml").is_file():
        raise UsageError("is no folder with a pack.yaml", str(home), "Name the folder that holds pack.yaml.")
    return home


def _checked(found: Found, profiles: Iterable[Path]) -> RulePack:
    """The pack as it will lie in the bundle. Raises `Problems` where it does not load, or lint finds errors."""
    from scanner.bundle.check import load  # noqa: PLC0415
    from scanner.bundle.names import PACK, PROFILES  # noqa: PLC0415
    from scanner.bundle.opening import unpack  # noqa: PLC0415
    from scanner.cli.policy_lint import errors_of  # noqa: PLC0415
    from scanner.language.tailor import check_engine, tailor  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="acrscan-", ignore_cleanup_errors=True) as temporary:
        unpack(found, Path(temporary))
        # Profiles are read where they lie, so that errors name their own files.
        shutil.rmtree(Path(temporary) / PROFILES, ignore_errors=True)
        loaded = load(found, Path(temporary))
        if loaded.pack is None:
            raise Problems(list(loaded.errors))
        wrong = errors_of(Path(temporary) / PACK, found.home)
    check_engine(loaded.pack.requires, f"{found.name}/pack.yaml")
    for profile in profiles:
        tailor(loaded.pack, [profile])
    if wrong:
        raise Problems(wrong)
    return loaded.pack


def put(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all, and say so."""
    try:
        with whole_file(path) as out:
            out.write(content)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", str(path)) from error
    say(f"wrote {path}")


def _digest(content: bytes) -> str:
    from scanner.bundle.artifact import digest_of  # noqa: PLC0415

    return digest_of(content)


def _few(names: Iterable[str]) -> str:
    shown = [safe(one) for one in names]
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")


@click.command("verify")
@click.argument("place", metavar="FILE|DIR", type=click.Path())
@click.option("--lock", metavar="FILE", help="Lock file whose digests the pack must have.")
@click.option("--write-lock", metavar="FILE", help="Write the digests of a pack that holds into a lock file.")
@click.option(
    "--verify-command",
    default="",
    metavar="COMMAND",
    help="Run this on the bundle to check its signature; {file} stands for it.",
)
def verify(place: str, lock: str | None, write_lock: str | None, verify_command: str) -> Outcome:
    """Check a bundle (or the folder it was unpacked into): manifest, files, engine, pack; a lock file, a signature.

    A bundle proves by itself only that it is whole. --lock says that it is the one that was reviewed, --verify-command who
    made it. The folder of a pack, without a manifest, is checked against a lock only.

    Leaves with 1 when something does not hold, with 2 when it is no bundle at all, or a hostile one.

    \b
    Examples:
      acrscan policy verify my-pack.tar.gz --write-lock acrscan.lock
      acrscan policy verify my-pack.tar.gz --lock acrscan.lock
      acrscan policy verify my-pack.tar.gz --verify-command 'minisign -V -p key.pub -m {file}'
      acrscan policy verify my-pack/ --lock acrscan.lock
    """
    path = Path(place)
    verifier = words_of(verify_command, "--verify-command")
    if verifier and not path.is_file():
        raise UsageError("--verify-command needs a bundle's file", place)
    if lock and write_lock:
        raise UsageError("--lock checks and --write-lock writes", "", "Use one of them.")
    if not path.exists():
        raise InputError("is not there", place, "Name a bundle, or a folder.")
    outcome = Outcome()
    bare = path.is_dir() and (path / "pack.yaml").is_file()
    identifier, locked, checks = _of_folder(path, lock, write_lock) if bare else _of_bundle(path)
    if verifier:
        problem = run_on(verifier, path, "the verifier")
        checks.append(Check("signature", FAILED if problem else OK, problem or "the verifier accepts it"))
    checks += _against(lock, identifier, locked, bare=bare)
    if not bare and not lock and not verifier:
        checks.append(Check("origin", NOTE, "nothing says who made it: give --lock or --verify-command"))
    tell(checks, outcome)
    if write_lock:
        if outcome.reasons:
            outcome.add(outcome.code, "no lock was written")
        else:
            _lock(Path(write_lock), identifier, locked)
    return outcome


def _of_bundle(path: Path) -> tuple[str, Locked, list[Check]]:
    from scanner.bundle.check import examine  # noqa: PLC0415
    from scanner.bundle.opening import opened  # noqa: PLC0415

    examined: Examined = examine(opened(path))
    for error in examined.errors[:_SHOWN]:
        click.echo(str(error))
    return examined.manifest.pack.id, examined.locked(), list(examined.checks)


def _of_folder(path: Path, lock: str | None, write_lock: str | None) -> tuple[str, Locked, list[Check]]:
    """A pack's folder as it lies there: only a lock can say something about it."""
    from scanner.bundle.gather import gather  # noqa: PLC0415
    from scanner.bundle.lock import locked  # noqa: PLC0415
    from scanner.language.pack import load_pack  # noqa: PLC0415

    if not lock and not write_lock:
        raise UsageError(
            "is a pack without a manifest: only a lock can be checked",
            str(path),
            "Give --lock or --write-lock.",
        )
    gathered = gather(path)
    pack = load_pack(path)
    found = Check("pack", OK, f"{pack.id} {pack.version}, {len(pack.rules)} rules, loads")
    return pack.id, locked(pack.version, pack.digest, gathered.files), [found]


def _against(lock: str | None, identifier: str, now: Locked, *, bare: bool) -> Iterator[Check]:
    if not lock:
        return
    from scanner.bundle.check import examine_lock  # noqa: PLC0415
    from scanner.bundle.lock import read  # noqa: PLC0415
    from scanner.bundle.names import PROFILES  # noqa: PLC0415

    kept: Lock = read(Path(lock))
    if bare and (known := kept.packs.get(identifier)):
        # Profiles lie in a bundle only.
        files = {name: one for name, one in known.files.items() if not name.startswith(f"{PROFILES}/")}
        kept = replace(kept, packs={**kept.packs, identifier: replace(known, files=files)})
    yield from examine_lock(kept, identifier, now)


def _lock(path: Path, identifier: str, now: Locked) -> None:
    from scanner.bundle.lock import read, with_pack, written  # noqa: PLC0415

    put(path, written(with_pack(read(path) if path.exists() else None, identifier, now)))


def tell(checks: Iterable[Check], outcome: Outcome) -> None:
    """Print the checks, each on a line, and what they mean for the exit code."""
    found = list(checks)
    for check in found:
        click.echo(f"{GLYPHS[check.state]} {safe(check.what)}: {safe(check.words)}")
    failed = list(dict.fromkeys(check.what for check in found if check.state == FAILED))
    unsure = list(dict.fromkeys(check.what for check in found if check.state == OPEN))
    if failed:
        outcome.add(FINDINGS, f"does not hold: {_few(failed)}")
    if unsure:
        outcome.add(INCOMPLETE, f"not checked: {_few(unsure)}")


COMMANDS = {"bundle": bundle, "verify": verify}
