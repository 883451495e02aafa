"""Markdown for comments and job summaries: within its limits, counted, and nothing of the world becomes markup."""

import io
import re

import pytest
from markdown_it import MarkdownIt

from scanner.cli.demo import sampled
from scanner.formats import markdown
from scanner.formats._settings import Settings
from tests.formats.sample import empty_scan, hostile_scan, large_scan, sample_scan

DEMO = sampled()
SCANS = {"sample": sample_scan(), "hostile": hostile_scan(), "empty": empty_scan(), "demo": DEMO}
PARSER = MarkdownIt("gfm-like", {"linkify": False, "html": True})


def made(scan, kind="summary"):
    out = io.BytesIO()
    markdown.render(scan, out, Settings(markdown=kind))
    return out.getvalue().decode("utf-8")


def tokens(text):
    for token in PARSER.parse(text):
        yield token
        yield from token.children or ()


@pytest.mark.parametrize("name", SCANS)
@pytest.mark.parametrize("kind", ["summary", "comment"])
def test_nothing_of_the_world_becomes_markup(name, kind):
    """No link, image or HTML, no heading of others, every table row with its cells."""
    text = made(SCANS[name], kind)
    kinds = {token.type for token in tokens(text)}
    assert not kinds & {"link_open", "image", "html_inline", "html_block", "fence", "code_block"}
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    assert len(headings) == sum(token.type == "heading_open" for token in tokens(text))
    plain = "".join(token.content for token in tokens(text) if token.type == "text")  # code calls nobody
    assert not re.search(r"@\w", plain)
    assert not set(text) & set("\x00\x07\x1b\u202e\u2066\u200b\r")
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = [len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()]
        assert len(set(rows)) == 1, block[:300]


@pytest.mark.parametrize(("kind", "limit"), [("comment", 60_000), ("summary", 1_048_576)])
def test_limits_are_kept_and_what_is_left_out_is_counted(kind, limit):
    """Shown plus left out is everything."""
    text = made(large_scan(30_000), kind)
    assert len(text.encode()) <= limit
    shown = len(re.findall(r"^\| critical \| ACR101 \| reg", text, re.MULTILINE))
    left_out = int(re.findall(r"\*\*Truncated:\*\* ([\d,]+) more", text)[0].replace(",", ""))
    assert shown + left_out == 30_000
    assert shown > 100


def test_what_was_not_evaluated_comes_before_the_numbers():
    """And both before the findings."""
    text = made(DEMO)
    order = [
        "### Not evaluated",
        "### Numbers",
        "### Since",
        "### Waivers that need somebody",
        "### Failing rules",
        "### Open findings",
    ]
    assert sorted(order, key=text.index) == order


def test_the_numbers_are_the_scans():
    """Open, waived, by change, and the score before and after waivers."""
    text = made(DEMO)
    rows, waived = sum(DEMO.tallies.findings.values()), sum(DEMO.tallies.waived.values())
    assert f"## acrscan: {rows - waived} open findings" in text
    assert f"({waived} of {rows} waived)" in text
    assert DEMO.drift is not None
    for change, number in DEMO.drift.changes.items():
        assert f"| {change} | {number} |" in text
    passed, failed = DEMO.tallies.scored()
    assert f"{passed} of {passed + failed}" in text
    assert f"after waivers {passed + DEMO.tallies.accepted()} of {passed + failed}" in text


def test_new_findings_come_first_and_waived_ones_not_at_all():
    """What a reviewer of a change has to look at."""
    part = made(DEMO).split("### Open findings")[1]
    changes = re.findall(r"\| (new|changed|persisting) \|$", part, re.MULTILINE)
    first_old = changes.index("persisting")
    assert "new" not in changes[first_old:]
    assert "changed" not in changes[first_old:]
    assert "| ACR101 | harbourlegacy |" not in part
