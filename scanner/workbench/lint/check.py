"""What a lint check is: its id, level and page. Each family lists its own; `catalogue` has all of them by id."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `title`: what is right, in a line; `finds` and `why`: the page's two paragraphs.

    `bad` and `good`: pieces of the file that `file` names, which the check speaks of and stays silent on. Tests run
    both: a piece of a rule replaces the keys of the same names in a rule without any problem.
    """

    code: str
    level: str
    title: str
    finds: str
    why: str
    bad: str
    good: str
    file: str = "rule"
    """rule, pack (pack.yaml), waivers, profile, text (a whole rule file), or "" where another command reports it."""
    fixed: str = ""
    """What `--fix` does about it, or ""."""
