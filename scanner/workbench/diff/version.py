"""The version of a pack: an older one and the largest change come in, the lowest version that tells it comes out.

MAJOR for what breaks waivers, profiles or links; MINOR for what can change a verdict, a finding's weight or a report's rows,
in either direction; PATCH for words, tests and conditions that decide alike. Below 1.0.0 nothing is promised yet, so that
MAJOR asks for a MINOR step there.
"""

from __future__ import annotations

from collections.abc import Iterable

from scanner.workbench.diff.change import STEPS, Change


def step_of(changes: Iterable[Change]) -> str:
    """The largest step that any change asks for, or "" where nothing changed."""
    found = {change.step for change in changes}
    return next((step for step in STEPS if step in found), "")


def numbers(version: str) -> tuple[int, int, int]:
    """The three numbers of a version; the loader has refused anything else."""
    major, minor, patch = (int(part) for part in version.split("."))
    return major, minor, patch


def required(version: str, step: str) -> str:
    """The lowest version that may follow `version` after changes that ask for `step`."""
    major, minor, patch = numbers(version)
    if step == "major" and major:
        return f"{major + 1}.0.0"
    if step in ("major", "minor"):
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}" if step else version


def too_low(version: str, wanted: str) -> bool:
    """Whether a version is lower than the wanted one."""
    return numbers(version) < numbers(wanted)
