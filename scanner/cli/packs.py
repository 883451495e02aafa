"""`--pack`: what the option names comes in, a folder with a pack comes out; of a bundle, a private copy for this command.

A bundle is checked against its manifest before anything of it is used. `FILE@sha256:...` also pins the file itself.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.errors import InputError, Problems, ScannerError, UsageError

if TYPE_CHECKING:
    from scanner.bundle.check import Examined
    from scanner.model.rule import RulePack

_PINNED = re.compile(r"(.+)@sha256:([0-9a-fA-F]{64})")
_META = "scanner.cli.packs"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pack lies. `name`: how its places are written instead, for a bundle (`acr.tar.gz!`); "" for a folder."""

    folder: Path
    name: str = ""
    profiles: Path | None = None
    bundle: Examined | None = None

    @contextmanager
    def named(self) -> Iterator[None]:
        """Errors from inside name their place in the bundle, not in its copy."""
        try:
            yield
        except ScannerError as error:
            if self.bundle is None:
                raise
            from scanner.bundle.check import renamed  # noqa: PLC0415

            found, home = self.bundle.found, self.folder.parent
            if isinstance(error, Problems):
                raise Problems([renamed(one, found, home) for one in error.errors]) from error
            raise renamed(error, found, home) from error

    def agree(self, pack: RulePack) -> None:
        """Refuse a pack that is not what the manifest of its bundle says."""
        if self.bundle is None:
            return
        from scanner.bundle.check import Loaded, examine_pack  # noqa: PLC0415
        from scanner.trust.check import FAILED  # noqa: PLC0415

        check = examine_pack(self.bundle.manifest, Loaded(pack))
        if check.state == FAILED:
            raise InputError(f"the pack {check.words}", self.bundle.found.name, "Get the bundle again from where it was made.")  # fmt: skip


def place_of(pack: str | None) -> Place:
    """The place of the pack that an option names, or of the shipped one. A bundle is unpacked once for a command."""
    from scanner import data  # noqa: PLC0415

    if not pack:
        return Place(data.policies() / "acr")
    pinned = _PINNED.fullmatch(pack)
    path, wanted = (Path(pinned[1]), pinned[2].lower()) if pinned else (Path(pack), "")
    if not path.is_file():
        if wanted and not Path(pack).exists():
            raise UsageError("only a bundle's file can be pinned by @sha256:...", str(path), "`acrscan policy bundle` writes one.")  # fmt: skip
        return Place(Path(pack))
    context = click.get_current_context().find_root()
    known: dict[str, Place] = context.meta.setdefault(_META, {})
    if pack not in known:
        temporary = tempfile.TemporaryDirectory(prefix="acrscan-", ignore_cleanup_errors=True)
        known[pack] = _unpacked(path, wanted, Path(context.with_resource(temporary)))
    return known[pack]


def _unpacked(path: Path, wanted: str, folder: Path) -> Place:
    from scanner.bundle.check import examine_content  # noqa: PLC0415
    from scanner.bundle.opening import from_bytes, read_bounded, unpack  # noqa: PLC0415
    from scanner.language.pack import shown  # noqa: PLC0415

    if path.suffix in (".yaml", ".yml"):
        raise UsageError("is a rule file; a pack is a folder or a bundle", shown(path), "Name the folder that holds pack.yaml.")  # fmt: skip
    content = read_bounded(path)
    digest = hashlib.sha256(content).hexdigest()
    if wanted and digest != wanted:
        raise InputError(f"has the sha256 {digest}, not the one asked for", shown(path), "It is another bundle than the one that was pinned.")  # fmt: skip
    found = examine_content(from_bytes(content, shown(path)))
    found.refuse()
    home = unpack(found.found, folder)
    return Place(home, found.found.home, folder / "profiles", found)
