"""Markdown: within its limit, honest about what is missing, and nothing from outside becomes markup, link or mention."""

import io
import re
import tracemalloc
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from scanner.cli.demo import sampled
from scanner.formats import markdown
from scanner.formats._settings import Settings
from scanner.formats.markdown.paper import LIMITS, Paper
from scanner.model.finding import Verdict
from scanner.model.resource import Problem, SourceRun
from scanner.model.waiver import WaiverLine
from scanner.shown import JOINER, safe, visible
from tests.formats.hostile_marks import DRIFT, WAIVER, hostile_marked, marked_scan
from tests.formats.sample import (
    HOSTILE,
    REGISTRIES,
    empty_scan,
    findings,
    hostile_scan,
    large_scan,
    sample_scan,
)

KINDS = ("summary", "comment")
FORBIDDEN = {
    "link_open",
    "image",
    "html_inline",
    "html_block",
    "fence",
    "code_block",
    "code_inline",
    "em_open",
    "s_open",
}


def page(scan, kind="summary"):
    out = io.BytesIO()
    markdown.render(scan, out, Settings(markdown=kind))
    return out.getvalue().decode("utf-8")


def unwaived(scan):
    """The hostile scans have every row waived."""
    rows = tuple(replace(row, waiver=None) for row in scan.findings)
    return replace(scan, findings=rows)


def parser():
    """GitHub's dialect, with HTML allowed and bare addresses made links, as there."""
    return MarkdownIt("gfm-like", {"html": True, "linkify": True})


def tokens(text):
    for token in parser().parse(text):
        yield token
        yield from token.children or ()


def shown(text):
    """The plain text that a reader sees."""
    return "\n".join(
        "".join(child.content for child in token.children)
        for token in parser().parse(text)
        if token.type == "inline"
    )


SCANS = [
    sample_scan,
    marked_scan,
    sampled,
    empty_scan,
    lambda: unwaived(hostile_scan()),
    lambda: unwaived(hostile_marked()),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", SCANS)
def test_nothing_from_outside_is_markup(make, kind):
    """No link, image, HTML, code or emphasis comes out; our own markup is headings, lists, tables and bold."""
    text = page(make(), kind)
    assert not {token.type for token in tokens(text)} & FORBIDDEN
    seen = shown(text)
    assert not re.search(r"(?<![\w`])@[\w\"']", seen), "a mention"
    assert not re.search(r"#\d|(?i:\bgh-\d)|[!%&$^~][\w\"']", seen), "a reference"
    assert not re.search(r"(?i)\b[a-z][a-z0-9+.-]*://|\bwww\.", seen), "an address"
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\u2028]", text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", SCANS)
def test_tables_keep_their_columns(make, kind):
    """A pipe or line end in a text does not break a row; no row is longer or shorter than its header."""
    for block in re.split(r"\n\n+", page(make(), kind)):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        if lines:
            assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines}) == 1
    wide = 0
    for token in parser().parse(page(make(), kind)):
        wide = 0 if token.type == "tr_open" else wide + (token.type in {"td_open", "th_open"})
        if token.type == "tr_close":
            assert wide in {3, 4, 5, 6}


@pytest.mark.parametrize(
    "text",
    [
        *HOSTILE,
        "GH-12 and !3",
        "www.evil.example",
        "see evil.example/x and ftp://evil.example",
        "a@b.example",
        "1. x",
        "- x",
        "$1 %2 &3 ~x ^4",
    ],
)
def test_a_text_shows_as_it_is(text):
    """After rendering one reads the text itself, but for the joiners that keep services from linking."""
    for rendered in (shown(safe(text)), shown(f"| a |\n| --- |\n| {safe(text)} |\n").removeprefix("a\n")):
        assert rendered.replace(JOINER, "").strip() == visible(text)[:160].strip()
    assert not {token.type for token in tokens(f"{safe(text)}\n\n- {safe(text)}")} & FORBIDDEN


def test_a_text_that_is_cut_ends_with_an_ellipsis_and_no_half_escape():
    """The cut comes before the escaping."""
    cut = safe("|" * 500, 10)
    assert cut == "\\|" * 9 + "…"


def test_what_was_not_evaluated_comes_first():
    """Before the numbers: collections, subscriptions, rules and evaluations without an answer, each with its number."""
    seen = shown(page(marked_scan()))
    order = ["Not evaluated", "Numbers", "Changes since", "Waivers:", "Failing rules:", "Open findings:"]
    assert [seen.index(name) for name in order] == sorted(seen.index(name) for name in order)
    assert (
        "1 of 3 collections read completely; 2 of 11 rules not asked; 3 of 27 evaluations without an answer."
        in seen
    )
    assert "3 of 27 evaluations without an answer" in seen.split("Not evaluated")[0]
    assert "Subscription 00000000-0000-0000-0000-000000000003: no right to read it" in seen
    assert "needs Microsoft.Authorization/locks/read" in seen
    assert "2 without an answer: HTTP 403" in seen
    assert "1 rule not asked: data plane not asked for (--data-plane) (ACR901)" in seen
    assert "1 rule not asked: switched off by the pack or the profile (ACR902)" in seen


@pytest.mark.parametrize("make", [sample_scan, marked_scan, sampled, empty_scan])
@pytest.mark.parametrize("kind", KINDS)
def test_numbers_are_those_of_the_scan(make, kind):
    """Every verdict with its denominator; findings that are open, waived and listed add up."""
    scan = make()
    seen = shown(page(scan, kind))
    total = scan.tallies.total()
    for verdict in Verdict:
        word = "not applicable" if verdict is Verdict.NOT_APPLICABLE else verdict.value
        assert f"\n{word}\n{total[verdict]:,} of {sum(total.values()):,}\n" in seen
    opened = sum(row.gating for row in scan.findings)
    waived = sum(scan.tallies.waived.values())
    assert opened + waived == sum(scan.tallies.findings.values()) or make is sample_scan
    if opened:
        assert f"Open findings: {opened:,}" in seen


def test_changes_and_waivers():
    """New findings stand first, reasons are named, and waivers that end or do not count are listed."""
    seen = shown(page(marked_scan()))
    assert "Compared with the scan of a week before." in seen
    assert "1 new: 1 by the resource" in seen
    assert "1 still open: what they are about was not looked at this time" in seen
    assert "Waivers: 2 of 2 need somebody, 1 in force" in seen
    assert "W-9\nexpired: ended on 2026-11-01\nACR101\nowner@" in seen.replace(JOINER, "")
    assert "2026-11-01 (ended 22 days ago)" in seen
    assert "2026-12-01 (8 days left)" in seen
    table = seen.split("Open findings")[1]
    assert table.index("ACR101\ncontosoprod") < table.index("ACR101\ncontosodev") < table.index("ACR301")
    assert "1 of them new, reopened or changed; 1 waived ones not listed" in table
    assert "Waiver W-9 does not count." in table
    assert "At infra/registry.bicep:12:3, from parameter file infra/prod.bicepparam:4:7" in table
    assert "Also affects 1 more resource." in table


@pytest.mark.parametrize("kind", KINDS)
def test_large_scans_keep_the_limit_and_say_what_is_missing(kind):
    """Rows shown and rows counted as missing add up to all of them."""
    text = page(large_scan(20_000), kind)
    limit, size = LIMITS[kind]
    assert size(text) <= limit
    table = text.split("### Open findings")[1]
    rows = sum(line.startswith("| critical") for line in table.splitlines())
    (told,) = re.findall(r"\*\*Truncated: ([\d,]+) more open findings\*\*", table)
    missing = int(told.replace(",", ""))
    assert rows + missing == 20_000
    assert rows == markdown.sections.FINDINGS[kind] or limit - size(text) < 4_000
    assert text.rstrip().endswith(large_scan(1).header.inventory_digest)


@pytest.mark.parametrize("kind", KINDS)
def test_long_texts_everywhere_keep_the_limit(kind):
    """A thousand waivers, collections, rows and notes with texts that triple when escaped."""
    evil = "\u202e|@" * 2_000
    scan = hostile_marked()
    rows = tuple(
        replace(
            row,
            message=evil,
            element=f"x{evil}",
            resource_name=evil,
            resource_group=evil,
            lapsed=evil,
            was=evil,
            waiver=None,
        )
        for row in findings() * 100
    )
    entry = replace(WAIVER, id=evil, owner=evil, expires=evil, covers=replace(WAIVER.covers, rule=evil))
    runs = tuple(
        SourceRun("azure", f"{evil}{at}", "partial", 1, (Problem(evil, f"{at}{evil}", 403, ""),))
        for at in range(1_000)
    )
    cards = tuple(
        replace(card, id=f"R{at}{evil}", title=evil, not_evaluated=f"{at}{evil}")
        for at in range(300)
        for card in scan.header.rules[:1]
    )
    header = replace(
        scan.header,
        runs=runs,
        organisation=evil,
        inventory=evil,
        profile=evil,
        rules=(*scan.header.rules, *cards),
    )
    big = replace(
        scan,
        header=header,
        findings=rows,
        waivers=tuple(WaiverLine(entry, "expired", evil, -1, 1) for _ in range(1_000)),
        drift=replace(DRIFT, words=evil, notes=(evil,) * 1_000),
    )
    text = page(big, kind)
    limit, size = LIMITS[kind]
    assert size(text) <= limit
    assert not {token.type for token in tokens(text)} & FORBIDDEN
    opened = sum(row.gating for row in rows)
    assert f"### Open findings: {opened:,}" in text or "more open findings" in text
    assert "inventory sha256" in text


def test_new_findings_stand_before_worse_old_ones():
    """In a comparison a reviewer sees first what is his."""
    scan = marked_scan()
    rows = tuple(
        replace(row, change="new" if row.rule == "ACR402" else "persisting") for row in scan.findings
    )
    table = shown(page(replace(scan, findings=rows), "comment")).split("Open findings")[1]
    assert table.index("info\nACR402") < table.index("critical\nACR101")


def test_a_clean_scan_and_an_empty_one_are_told_apart():
    """Nothing decided is not the same as nothing wrong."""
    assert "**No rule was decided**" in page(empty_scan())
    assert "No score: nothing was decided." in page(empty_scan())
    line = replace(sample_scan().header, rules=(), runs=(SourceRun("azure", REGISTRIES, "complete", 1),))
    clean = sample_scan(findings=(), resources=())
    tallies = replace(clean.tallies, verdicts={"ACR101": {"": {Verdict.PASS: 4}}}, findings={})
    text = page(replace(clean, header=line, tallies=tallies))
    assert "**No rule fails**." in text
    assert "Nothing is missing." in text
    assert "pass / (pass + fail) = 4 / 4 = 100.0 %" in text


def test_a_list_that_does_not_fit_is_counted():
    """On a full paper no line is added, only the number of those left out."""
    paper = Paper("comment")
    paper.add("x" * (paper.room - 20))
    paper.points(["short", "y" * 100, "z"], 10, "lines")
    assert paper.text().endswith(
        "- short\n- **Truncated: 2 more lines** in the HTML, CSV and JSON reports of this run.\n"
    )
    assert paper.table(("a", "b"), [("1", "2")], 7, "rows") == 0
    assert "**Truncated: 7 more rows**" in paper.text()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_scan_gives_the_same_bytes(kind):
    """Twice rendered, once equal."""
    assert page(hostile_marked(), kind) == page(hostile_marked(), kind)


def test_memory_does_not_grow_with_the_rows():
    """A comment of thousands of findings holds two hundred of them."""

    def peak(number):
        scan = large_scan(number)
        tracemalloc.start()
        page(scan, "comment")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(10)
    small = peak(1_000)
    assert peak(6_000) < small * 1.5 + 200_000
