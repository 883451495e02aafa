"""The catalogue of interface texts: from a key to the words a reader sees, so that a translation is one file.

The machine's own values (ids, digests, times, JSON) never come from here and are never translated; neither are texts of
the rule pack, of Azure and of the waiver file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from scanner.formats.html import show

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE_PREFIX = "js."
"""Texts that the page's script needs; they travel in its data block."""
SHARED = (
    "verdict.",
    "severity.",
    "state.",
    "framework.",
    "basis.",
    "field.",
    "effort.",
    "qualifier.",
    "change.",
    "why.",
    "kind.",
    "entry.",
    "result.",
    "days.",
)
"""Texts that templates and script both say."""


@dataclass(frozen=True, slots=True)
class Words:
    """One language. An unknown key is an error of ours and raises."""

    language: str
    texts: Mapping[str, str]

    def say(self, key: str, **values: object) -> str:
        """The text of a key with its `{placeholders}` filled in."""
        text = self.texts[key]
        for name, value in values.items():
            text = text.replace(
                "{" + name + "}", self.number(value) if isinstance(value, int) else str(value)
            )
        return text

    def many(self, key: str, n: int, **values: object) -> str:
        """The singular or plural text (`key.one`, `key.other`) with `{n}` filled in."""
        return self.say(f"{key}.{'one' if n == 1 else 'other'}", n=n, **values)

    def or_raw(self, prefix: str, raw: str) -> str:
        """The text of `prefix.raw`, or `raw` itself where the catalogue has none (a framework, a state)."""
        return self.texts.get(f"{prefix}.{raw}", raw)

    def number(self, value: int) -> str:
        """An integer with the language's separators between the thousands."""
        return f"{value:,}".replace(",", self.texts["format.thousands"])

    def percent(self, part: int, whole: int) -> str:
        """A share with one decimal and the language's decimal sign."""
        return show.percent(part, whole).replace(".", self.texts["format.decimal"])

    def for_page(self) -> dict[str, str]:
        """What the script says, without the prefix, and what it shares with the templates."""
        own = {
            key.removeprefix(PAGE_PREFIX): text
            for key, text in self.texts.items()
            if key.startswith(PAGE_PREFIX)
        }
        return own | {key: text for key, text in self.texts.items() if key.startswith(SHARED)}


@lru_cache(maxsize=4)
def load(language: str = "en") -> Words:
    """Read the catalogue of a language that ships with the package."""
    text = files(__package__).joinpath(f"{language}.json").read_text("utf-8")
    return Words(language, json.loads(text))
