"""The catalogues of the HTML report: every language says everything, with the same placeholders, in its own number format."""

from __future__ import annotations

import io
import json
import re
from importlib.resources import files
from typing import Any

import pytest

from scanner.formats import html
from scanner.formats._settings import LANGUAGES, Settings
from scanner.formats.html import words
from tests.formats import marked, sample
from tests.formats.test_html import Page, table

SAME = re.compile(
    r"framework\.|format\.|title\.kicker|severity\.info|door\.token|field\.(az|bicep|terraform|id|status)|scope\.tenant|access\.pushers|verdict\.manual"
)
"""Texts that may be the same in both languages: names, and words that both have."""


def placeholders(text: str) -> list[str]:
    """The names in braces, sorted."""
    return sorted(re.findall(r"\{(\w+)\}", text))


def rendered(language: str) -> str:
    """The marked sample in a language."""
    out = io.BytesIO()
    html.render(marked.marked_scan(), out, Settings(language=language))
    return out.getvalue().decode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogues_hold_the_same_keys_in_the_same_order(language: Any) -> None:
    """A key twice, missing or too many is told; the same order makes two files easy to compare."""
    text = files(html.__package__ or "scanner.formats.html").joinpath(f"{language}.json").read_text("utf-8")
    pairs = json.loads(text, object_pairs_hook=list)
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys))
    assert keys == list(words.load("en").texts)


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_translations_keep_placeholders_and_are_translations(language: Any) -> None:
    """Each text fills in what the English one fills in, and says it in other words."""
    english, other = words.load("en").texts, words.load(language).texts
    for key, text in english.items():
        assert placeholders(other[key]) == placeholders(text), key
        assert other[key].strip(), key
        assert other[key] != text or SAME.match(key), f"{key} is not translated"


def test_numbers_and_shares_are_written_as_the_language_does() -> None:
    """Separators differ; a machine's values do not."""
    english, indonesian = words.load("en"), words.load("id")
    assert english.number(1_234_567) == "1,234,567"
    assert indonesian.number(1_234_567) == "1.234.567"
    assert english.percent(1, 3) == "33.3 %"
    assert indonesian.percent(1, 3) == "33,3 %"
    assert indonesian.say("summary.of", part=1_500, whole=2_000) == "1.500 dari 2.000"


def test_the_indonesian_page_is_indonesian_throughout() -> None:
    """Language, parts, verdicts and the script's own words; ids, times and texts of rules stay as they are."""
    text = rendered("id")
    page = Page()
    page.feed(text)
    assert '<html lang="id" data-locale="id-ID"' in text
    for wanted in (
        "Cakupan dan periode",
        "Kelengkapan pengumpulan data",
        "Gagal, berdispensasi",
        "lewat 6 hari",
        "52,6 %",
    ):
        assert wanted in page.text
    assert '<time datetime="2026-11-23T02:01:12Z">2026-11-23 02:01:12 UTC</time>' in text
    assert "Admin user is disabled" in page.text
    assert table(text)["words"]["shown"] == "{n} dari {total} temuan ditampilkan"
    for english in ("Completeness of collection", "not stated", "Skip to the report", "Waivers"):
        assert english not in page.text


def test_both_languages_tell_the_same_scan() -> None:
    """The data of the table differ in words alone, and the report has one name."""
    english, indonesian = table(rendered("en")), table(rendered("id"))
    assert english.keys() == indonesian.keys()
    assert english["report"] == indonesian["report"]
    for key in ("size", "total", "prints", "resources", "waivers", "whole"):
        assert english[key] == indonesian[key]


def test_an_unknown_key_is_an_error_of_ours() -> None:
    """No page goes out with a hole in it."""
    with pytest.raises(KeyError):
        words.load("id").say("no.such.key")
    assert sample.NOW in rendered("id")
