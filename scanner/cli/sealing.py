"""`--manifest`: what a run was made of is copied beside its reports, all of it is named with digests, and signed if asked.

A command calls `Seal.begin` before it reads anything; `Sealing.ready` runs when all reports are ready and none is in
its place, `Sealing.seal` when they are.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from scanner import data
from scanner.cli.bundle import bundled
from scanner.cli.door import Outcome
from scanner.cli.keeping import INPUTS, Inputs, check_place, told
from scanner.cli.outputs import main_file, whole_file
from scanner.cli.show import say
from scanner.cli.signing import run_on, words_of
from scanner.errors import InputError, OutputError, UsageError
from scanner.inventory.snapshot import MANIFEST
from scanner.language.pack import FRAMEWORKS
from scanner.model.scan import Scan
from scanner.text import encodable
from scanner.trust import manifest as manifests
from scanner.trust import statement as statements
from scanner.trust.files import SUMS, Sealed, sealed, sha256_of, sums
from scanner.trust.manifest import Predecessor, Replay

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

    def begin(self, output: str | None, formats: tuple[str, ...], sources: Sources) -> Sealing | None:
        """Check what can be checked and copy the small inputs, before any work is done; None without `--manifest`."""
        if not self.manifest:
            if self.previous_manifest or self.with_inventory or self.sign_command:
                raise UsageError("--previous-manifest, --with-inventory and --sign-command need --manifest")
            return None
        if output == "-" or not formats:
            raise UsageError(
                "--manifest needs reports in a folder", "", "Name formats with -f and a folder with -o."
            )
        main = main_file(formats[0], output, alone=len(set(formats)) == 1)
        try:
            return self._begun(main, formats, sources)
        except OSError as error:
            raise told(error, main.parent) from error

    def _begun(self, main: Path, formats: tuple[str, ...], sources: Sources) -> Sealing:
        signer = words_of(self.sign_command, "--sign-command")
        check_place(main.parent)
        before = _before(main.parent, self.previous_manifest)
        temporary = click.get_current_context().with_resource(
            tempfile.TemporaryDirectory(prefix="acrscan-", ignore_cleanup_errors=True)
        )
        inputs = Inputs(Path(temporary))
        replay = replace(sources.kept(inputs), formats=tuple(dict.fromkeys(formats)))
        if main != main_file(formats[0], str(main.parent), alone=False):
            replay = replace(replay, file=encodable(main.name))
        return Sealing(main.parent, inputs, replay, before, signer, with_inventory=self.with_inventory)


@dataclass(frozen=True, slots=True)
class Sources:
    """The small inputs of a run, paths as given; another kind of input is one more field and one more line in `kept`."""

    pack: Path | None = None
    profiles: tuple[Path, ...] = ()
    waivers: str | None = None
    baseline: str | None = None
    principals: str | None = None

    def kept(self, inputs: Inputs) -> Replay:
        """Copy them; gives a replay that names the copies."""
        replay = Replay("")
        if self.pack is not None:
            replay = replace(replay, pack=inputs.yaml("pack", self.pack, "rules"))
            # The shipped catalogues of this day; those of the pack itself were copied with it.
            inputs.yaml("pack", data.policies() / FRAMEWORKS, FRAMEWORKS)
        names = tuple(
            inputs.file("profile", path, f"{at}-{path.name}") for at, path in enumerate(self.profiles)
        )
        replay = replace(replay, profiles=names)
        if self.waivers:
            replay = replace(replay, waivers=inputs.file("waivers", Path(self.waivers), "acr-waivers.yaml"))
        if self.baseline:
            path = Path(self.baseline)
            suffix = ".ndjson" if path.suffix == ".ndjson" else ".sarif"
            replay = replace(replay, baseline=inputs.file("baseline", path, f"baseline{suffix}"))
        if self.principals:
            path = Path(self.principals)
            replay = replace(replay, principals=inputs.file("principals", path, "principals.json"))
        return replace(
            replay, waivers_name=encodable(self.waivers or ""), baseline_name=encodable(self.baseline or "")
        )


@dataclass(slots=True)
class Sealing:
    """A run that will get a manifest.

    `run` is called by the command once it knows what it did: `asked` holds the fields of the replay that only it knows,
    `inventory` the snapshot, the saved answers or the stored scan (() where Azure was read and nothing kept).
    """

    folder: Path
    inputs: Inputs
    replay: Replay
    before: Predecessor | None
    signer: list[str]
    with_inventory: bool
    inventory: tuple[str, ...] = ()
    snapshot: str = ""
    trouble: list[OSError | InputError | UsageError] = field(default_factory=list)

    def run(self, inventory: tuple[str, ...], **asked: Any) -> None:
        """Say what was run, and over what."""
        self.inventory = inventory
        self.replay = replace(self.replay, **asked)

    def ready(self) -> None:
        """Copy the inventory where it is wanted, before reports take any file's place."""
        home = (self.folder / INPUTS).resolve()
        inside = any(Path(one).resolve().is_relative_to(home) for one in self.inventory)
        try:
            if self.with_inventory or inside or self.replay.source == "stored":
                paths = tuple(
                    self.inputs.tree("inventory", Path(one), f"{at}-{Path(one).name or 'inventory'}")
                    for at, one in enumerate(self.inventory)
                )
            else:
                paths = tuple(_from(self.folder, Path(one)) for one in self.inventory)
            self.replay = replace(self.replay, paths=paths)
            if self.replay.source == "snapshot":
                self.snapshot = sha256_of(Path(self.inventory[0]) / MANIFEST)
        except (OSError, InputError, UsageError) as error:
            self.trouble.append(error)

    def seal(
        self, scan: Scan, written: Mapping[Path, str], outcome: Outcome, settings: Mapping[str, Any]
    ) -> None:
        """Write the inputs, the manifest, the statement and the sums into the folder of the reports; have it signed."""
        if not written:
            outcome.add(OutputError.exit_code, "no manifest: no report was written")
            return
        folder = self.folder
        replay = replace(self.replay, settings=settings, organisation=scan.header.organisation)
        try:
            for error in self.trouble:
                raise error
            inputs = self.inputs.place(folder)
            outputs = tuple(
                replace(sealed("output", path, folder), format=name) for path, name in sorted(written.items())
            )
            made = manifests.manifest_of(scan, outputs, inputs, replay, self.before)
            made = replace(made, snapshot_sha256=self.snapshot)
            self._write(made, outputs, inputs)
        except (OSError, InputError, UsageError) as error:
            self.inputs.withdraw(folder)
            failed = told(error, folder)
            say(str(failed))
            outcome.add(failed.exit_code, failed.what)
            return
        if self.signer and (problem := run_on(self.signer, folder / statements.NAME, "the signer")):
            outcome.add(OutputError.exit_code, problem)

    def _write(
        self, made: manifests.Manifest, outputs: tuple[Sealed, ...], inputs: tuple[Sealed, ...]
    ) -> None:
        folder = self.folder
        _put(folder / manifests.NAME, manifests.written(made))
        digest = sha256_of(folder / manifests.NAME)
        _put(folder / statements.NAME, statements.written(made, digest))
        own = [sealed("manifest", folder / name, folder) for name in (manifests.NAME, statements.NAME)]
        _put(folder / SUMS, sums([*outputs, *inputs, *own]))


def _put(path: Path, content: bytes) -> None:
    with whole_file(path) as out:
        out.write(content)
    say(f"wrote {path}")


def _before(folder: Path, given: str | None) -> Predecessor | None:
    path = Path(given) if given else folder / manifests.NAME
    if not given and not path.is_file():
        return None
    if path.is_dir():
        path = path / manifests.NAME
    return Predecessor(sha256_of(path), manifests.read(path).now)


def _from(folder: Path, path: Path) -> str:
    """A path as seen from the folder of the reports, so that both can be moved together."""
    try:
        return encodable(Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix())
    except ValueError:  # another drive
        return encodable(path.resolve().as_posix())


def seal_options(command: Callable[..., Any]) -> Any:
    """What to write beside the reports so that they can be checked; they arrive as `how`."""
    return bundled(command, _OPTIONS, tuple(Seal.__dataclass_fields__), Seal, "how")
