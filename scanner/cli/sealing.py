"""`--manifest`: once the reports are written, what they were made of is copied beside them, and all of it is named with digests."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from scanner import data
from scanner.cli.bundle import bundled
from scanner.cli.door import Outcome
from scanner.cli.outputs import whole_file
from scanner.cli.show import say
from scanner.errors import OutputError, UsageError
from scanner.language.pack import FRAMEWORKS
from scanner.model.scan import Scan
from scanner.trust import manifest as manifests
from scanner.trust import statement as statements
from scanner.trust.files import SUMS, Sealed, sealed, sha256_of, sums
from scanner.trust.manifest import Predecessor, Replay

INPUTS = "inputs"
_OPTIONS = (
    click.option("--sign-command", default="", metavar="COMMAND", help="Run this on the statement afterwards; {file} stands for it."),
    click.option("--with-inventory", is_flag=True, help="Copy the snapshot or the saved answers beside the reports too."),
    click.option("--previous-manifest", metavar="FILE", help="Manifest of the run before (default: the one that lies in the output folder)."),
    click.option("--manifest", is_flag=True, help="Write manifest.json, SHA256SUMS and an in-toto statement, with copies of pack, profiles, waivers and baseline."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seal:
    """What the options say, as given."""

    manifest: bool = False
    previous_manifest: str | None = None
    with_inventory: bool = False
    sign_command: str = ""

    def check(self, output: str | None, formats: tuple[str, ...]) -> None:
        """Refuse what cannot be sealed, before any work is done."""
        if not self.manifest and (self.previous_manifest or self.with_inventory or self.sign_command):
            raise UsageError("--previous-manifest, --with-inventory and --sign-command need --manifest")
        if self.manifest and (output == "-" or not formats):
            raise UsageError(
                "--manifest needs reports in a folder", "", "Name formats with -f and a folder with -o."
            )


@dataclass(frozen=True, slots=True)
class Source:
    """What went into a run, for the manifest. Paths as given; `pack` is the folder that was used.

    `inventory`: the snapshot, the saved answers or the stored scan; () where Azure itself was read and nothing kept.
    """

    replay: Replay
    pack: Path | None = None
    profiles: tuple[Path, ...] = ()
    waivers: str | None = None
    baseline: str | None = None
    principals: str | None = None
    inventory: tuple[str, ...] = ()


def seal(scan: Scan, written: list[Path], outcome: Outcome, *, source: Source, how: Seal) -> None:
    """Copy the inputs, write manifest, statement and sums into the folder of the reports, and have it signed."""
    if not written:
        return
    folder = written[0].parent
    try:
        before = _before(folder, how)
        replay, inputs = _inputs(folder, source, how)
        outputs = tuple(sealed("output", path, folder) for path in sorted(set(written)))
        made = manifests.manifest_of(scan, outputs, inputs, replay, before)
        _put(folder / manifests.NAME, manifests.written(made))
        digest = sha256_of(folder / manifests.NAME)
        _put(folder / statements.NAME, statements.written(made, digest))
        own = [sealed("manifest", folder / name, folder) for name in (manifests.NAME, statements.NAME)]
        _put(folder / SUMS, sums([*outputs, *inputs, *own]))
    except OSError as error:
        failed = OutputError(f"the manifest was not written: {error.strerror or error}", str(folder))
        say(str(failed))
        outcome.add(failed.exit_code, failed.what)
        return
    if how.sign_command:
        _sign(how.sign_command, folder / statements.NAME, outcome)


def _put(path: Path, content: bytes) -> None:
    with whole_file(path) as out:
        out.write(content)
    say(f"wrote {path}")


def _before(folder: Path, how: Seal) -> Predecessor | None:
    path = Path(how.previous_manifest) if how.previous_manifest else folder / manifests.NAME
    if not how.previous_manifest and not path.is_file():
        return None
    return Predecessor(sha256_of(path), manifests.read(path).now)


def _inputs(folder: Path, source: Source, how: Seal) -> tuple[Replay, tuple[Sealed, ...]]:
    """Copies of the small inputs below `inputs/`; the replay with the paths of the copies."""
    home = folder / INPUTS
    shutil.rmtree(home, ignore_errors=True)
    found: list[Sealed] = []
    replay = source.replay

    def keep(role: str, path: Path, *below: str) -> str:
        """Copy a file or a folder; gives its path from the folder of the reports."""
        target = home.joinpath(role, *below)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(path, target)
        files = sorted(one for one in target.rglob("*") if one.is_file()) if target.is_dir() else [target]
        found.extend(sealed(role, one, folder) for one in files)
        return target.relative_to(folder).as_posix()

    if source.pack is not None:
        replay = replace(replay, pack=keep("pack", source.pack, source.pack.resolve().name))
        # The shipped catalogues of this day; those of the pack itself were copied with it.
        keep("pack", data.policies() / FRAMEWORKS, FRAMEWORKS)
    profiles = tuple(keep("profile", path, f"{at}-{path.name}") for at, path in enumerate(source.profiles))
    replay = replace(replay, profiles=profiles)
    if source.waivers:
        replay = replace(replay, waivers=keep("waivers", Path(source.waivers), "acr-waivers.yaml"))
    if source.baseline:
        path = Path(source.baseline)
        replay = replace(replay, baseline=keep("baseline", path, f"baseline{path.suffix}"))
    if source.principals:
        replay = replace(replay, principals=keep("principals", Path(source.principals), "principals.json"))
    if source.inventory and (how.with_inventory or replay.source == "stored"):
        copies = [
            keep("inventory", Path(one), f"{at}-{Path(one).name or 'inventory'}")
            for at, one in enumerate(source.inventory)
        ]
        replay = replace(replay, paths=tuple(copies))
    else:
        replay = replace(replay, paths=tuple(_from(folder, Path(one)) for one in source.inventory))
    return replay, tuple(found)


def _from(folder: Path, path: Path) -> str:
    """A path as seen from the folder of the reports, so that both can be moved together."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        return path.resolve().as_posix()


def _sign(command: str, file: Path, outcome: Outcome) -> None:
    """Run the user's signer, without a shell; what it prints goes to stderr."""
    words = [word.replace("{file}", str(file)) for word in shlex.split(command)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603 - the user's own command
    except (OSError, subprocess.TimeoutExpired) as error:
        outcome.add(OutputError.exit_code, f"the signer did not run: {error}")
        return
    for line in (done.stdout + done.stderr).splitlines():
        say(line)
    if done.returncode:
        outcome.add(OutputError.exit_code, f"the signer failed with {done.returncode}")


def seal_options(command: Callable[..., Any]) -> Any:
    """What to write beside the reports so that they can be checked; they arrive as `how`."""
    return bundled(command, _OPTIONS, tuple(Seal.__dataclass_fields__), Seal, "how")
