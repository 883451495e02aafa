"""Where the data of the project lies: found in a checkout, an editable install and an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

from scanner.errors import InputError

_PACKAGE = Path(__file__).resolve().parent


def _find(in_checkout: str, in_wheel: str) -> Path:
    for folder in (_PACKAGE / "_data" / in_wheel, _PACKAGE.parent / in_checkout):
        if folder.is_dir():
            return folder
    raise InputError(
        f"the folder {in_checkout!r} is missing from the installation", "", "Install acrscan again."
    )


def policies() -> Path:
    """The folder with packs, profiles, frameworks and schemas."""
    return _find("policies", "policies")


def hosts() -> Path:
    """The folder with `action.yml` and `integrations/`."""
    for folder in (_PACKAGE / "_data" / "integrations", _PACKAGE.parent):
        if (folder / "action.yml").is_file():
            return folder
    raise InputError("action.yml is missing from the installation", "", "Install acrscan again.")


def estate() -> Path:
    """The folder with the embedded sample estate."""
    return _find("tests/estate", "estate")
