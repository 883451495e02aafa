"""The console report: what a person reads, at every width, with nothing a terminal would obey."""

import io
import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.compare.against import Baseline, against
from scanner.formats import console
from scanner.formats._pen import Pen, cells, wrap
from scanner.formats._text import code_span, markdown, percent, visible
from scanner.model.finding import Verdict
from scanner.model.scan import AgreementTally
from scanner.waivers.apply import apply
from tests.formats.sample import (
    CARDS,
    CONTOSOPROD,
    HOSTILE,
    LINES,
    empty_scan,
    finding,
    header,
    hostile_scan,
    large_scan,
    sample_scan,
)
from tests.waivers.building import attestation, register, waiver

STYLE = re.compile(r"\x1b\[[0-9;]+m")


def shown(scan, *, color=False, unicode=True, width=100):
    """The text for a terminal."""
    out = io.StringIO()
    console.render_text(scan, out, color=color, unicode=unicode, width=width)
    return out.getvalue()


def test_completeness_stands_before_results_and_the_summary_after():
    """The order of a reader: what was looked at, what is missing, what fails, what is open, how much, what next."""
    text = shown(sample_scan())
    headings = [
        "Scope",
        "Completeness",
        "Findings",
        "Unknown",
        "Errors",
        "To attest by hand",
        "Summary",
        "Next",
    ]
    places = [text.index(f"\n{heading}") for heading in headings]
    assert places == sorted(places)


def test_what_could_not_be_read_is_said_with_reason_and_fix():
    """Partial, failed and unasked collections, and the rules that were not evaluated."""
    text = shown(sample_scan(), width=200)
    assert "Microsoft.Authorization/locks: partial, 2 read" in text
    assert "the caller may not list locks (HTTP 403)" in text
    assert "needs Microsoft.Authorization/locks/read" in text
    assert "fix: az role assignment create --assignee me --role Reader" in text
    assert "Microsoft.Security/assessments: not read" in text
    assert "not asked for: Microsoft.ContainerRegistry/registries/repositories" in text
    assert "ACR901 Released images are signed: data plane not asked for (--data-plane)" in text
    assert "ACR902 Production registries are geo-replicated: switched off" in text


def test_findings_say_rule_message_element_and_what_else_is_affected():
    """Everything a person needs to start mending."""
    text = shown(sample_scan(), width=200)
    assert "CRITICAL  ACR101  Admin user is disabled" in text
    assert "The admin user is enabled. [new]" in text
    assert "[waived: W-12]" in text
    assert "[settling: changed shortly before it was read]" in text
    assert "[if this is deployed]" in text
    assert "at infra/registry.bicep:12" in text
    assert "element /subscriptions/" in text
    assert "also affects 1 registry: contosoprod" in text
    assert "fix: az acr update --name contosoprod --admin-enabled false" in text


def test_registries_group_findings_from_worst_to_mildest():
    """Within a registry the severities fall, what is waived comes last; the registry with the worst finding comes first."""
    text = shown(sample_scan())
    part = text[text.index("\ncontosoprod  ") : text.index("\ncontosodev  ")]
    assert re.findall(r"^  (CRITICAL|HIGH|MEDIUM|LOW|INFO) ", part, re.MULTILINE) == [
        "CRITICAL",
        "MEDIUM",
        "LOW",
        "INFO",
        "HIGH",
    ]
    assert text.index("\ncontosodev  ") < text.index("\ncontosoeu  ")


def test_waivers_and_changes_are_told():
    """What is accepted stands over all findings, what needs somebody is named; changes come with their reason."""
    known = apply(
        sample_scan(), register(waiver(), waiver("W-2", "ACR402", expires="2026-11-10"), attestation())
    )
    text = shown(against(known, Baseline(sample_scan(now="2026-11-22T02:00:00Z"), "last.ndjson")))
    assert "1 of 10 findings accepted by 1 waivers in force" in text
    assert "expired: W-2 for ACR402, mira, ended 13 days ago" in text
    assert "[waived: W-1]" in text
    assert "[W-2 does not count]" in text
    assert re.search(r"after waivers +\S+ %, with 1 accepted failure as passed", text)
    assert "since 2026-11-22 02:00:00 UTC (last.ndjson)" in text
    assert re.search(r"  2 +changed: 2 by a waiver", text)
    assert "A restore was rehearsed (3 attested)" in text


def test_undecided_evaluations_are_grouped_by_reason():
    """One line for each reason with its number, rules and an example."""
    text = shown(sample_scan())
    assert re.search(r"  2 +HTTP 403: Microsoft.Authorization/locks/read is missing", text)
    assert "ACR501; for example on contosoeu" in text


def test_the_summary_shows_all_six_verdicts_with_denominators():
    """Every count stands over the number of evaluations, the score over what was decided."""
    text = shown(sample_scan())
    for verdict, number in sample_scan().tallies.total().items():
        word = "not applicable" if verdict is Verdict.NOT_APPLICABLE else verdict.value
        assert re.search(rf"^  {word} +{number} of 27 ", text, re.MULTILINE)
    assert "pass/(pass+fail) = 10/(10+9) = 52.6 %" in text
    assert "8 evaluations without pass or fail not counted in it" in text


def test_findings_and_failed_evaluations_are_told_apart():
    """Where one evaluation names two elements, the text says why the numbers differ."""
    rows = (
        *sample_scan().findings,
        finding("ACR201", LINES[1], Verdict.FAIL, "One more.", element="8.0.0.0/8"),
    )
    assert "10 findings from 9 failed evaluations" in shown(sample_scan(findings=rows))


def test_azure_policy_is_two_lines():
    """Comparisons and differences, coverage and exemptions; one line where Azure Policy knows no registry."""
    text = shown(sample_scan())
    assert "Azure Policy\n" in text
    assert "3 comparisons, 1 differ and 1 may settle" in text
    assert "1 of 3 registries covered by an enforcing policy, 1 exempt from one" in text
    quiet = shown(sample_scan(agreed=AgreementTally(rows=10, not_comparable=10, registries=1)))
    assert "no registry has an assignment of a built-in definition" in quiet
    assert "Azure Policy" not in shown(empty_scan())


def test_nothing_decided_is_not_a_clean_bill():
    """An empty scan has no score and no green tick."""
    text = shown(empty_scan())
    assert "No rule was decided." in text
    assert "none: nothing was decided" in text
    assert "100" not in text


def test_a_clean_complete_scan_says_so():
    """All passes: no findings, nothing missing."""
    cards = tuple(card for card in header().rules if card.enabled and not card.not_evaluated)
    lines = LINES[:1]
    scan = sample_scan(findings=(), resources=lines, rules=cards, runs=header().runs[:1], diagnostics=())
    text = shown(scan)
    assert "Nothing is missing." in text
    assert "No rule fails." in text


def test_long_lists_are_capped_with_the_number_left_out():
    """A large estate stays readable; nothing is left out silently."""
    text = shown(large_scan(400))
    assert f"... {400 - console.FAILURES_SHOWN} more findings in the HTML and JSON reports" in text
    assert text.count("CRITICAL") == console.FAILURES_SHOWN
    rows = tuple(
        finding("ACR201", LINES[1], Verdict.FAIL, f"Rule {at}.", element=str(at)) for at in range(12)
    )
    assert f"... {12 - console.ELEMENTS_SHOWN} more of this rule" in shown(sample_scan(findings=rows))
    unknown = tuple(
        finding("ACR501", LINES[1], Verdict.UNKNOWN, "m", reason=f"reason {at}") for at in range(700)
    )
    text = shown(sample_scan(findings=unknown))
    assert "... 490 more for other reasons" in text
    assert "... 200 more undecided" in text


def test_the_worst_findings_are_the_ones_shown():
    """The cap keeps by severity, whatever the order of the scan."""
    low = [
        finding("ACR401", LINES[1], Verdict.FAIL, f"Low {at}.") for at in range(console.FAILURES_SHOWN + 5)
    ]
    text = shown(
        sample_scan(findings=(*low, finding("ACR101", LINES[1], Verdict.FAIL, "The last and worst.")))
    )
    assert "The last and worst." in text


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("make", [sample_scan, hostile_scan, empty_scan])
def test_lines_fit_the_terminal_but_for_commands(make, width):
    """Everything wraps at the width; commands stay on one line to be copied."""
    for line in shown(make(), width=width).splitlines():
        if " fix: " not in line:
            assert cells(line) <= max(width, 48), line


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("color", [True, False])
def test_hostile_text_cannot_command_the_terminal(color, unicode):
    """Besides our own styles no control, bidirectional or invisible character reaches the terminal."""
    text = shown(hostile_scan(), color=color, unicode=unicode)
    bare = STYLE.sub("", text) if color else text
    assert "\x1b" not in bare
    for char in bare:
        assert char == "\n" or unicodedata.category(char) not in {"Cc", "Cf", "Zl", "Zp", "Cs"}
    assert all(style in STYLE.findall(text) for style in ("\x1b[0m", "\x1b[1m")) == color
    if not unicode:
        assert text.isascii()


def test_colour_changes_nothing_but_colour():
    """Without its escapes the coloured text is the plain one."""
    assert STYLE.sub("", shown(sample_scan(), color=True)) == shown(sample_scan())


def test_render_writes_utf8_without_colour_and_leaves_the_stream_open():
    """The bytes of `-f console` are those of the plain text."""
    out = io.BytesIO()
    console.render(sample_scan(), out)
    assert out.getvalue().decode() == shown(sample_scan())
    assert not out.closed


def test_a_resource_below_a_registry_is_shown_under_it():
    """Tokens and scope maps belong to their registry; other resources stand alone."""
    token = f"{CONTOSOPROD}/tokens/ci"
    row = finding("ACR101", LINES[1], Verdict.FAIL, "The token never expires.")
    below = finding_on(row, token, "ci", "Microsoft.ContainerRegistry/registries/tokens")
    alone = finding_on(row, "file:main.tf#x", "x", "Microsoft.ContainerRegistry/registries")
    text = shown(sample_scan(findings=(below, alone)))
    assert "\ncontosoprod  " in text
    assert "on ci" in text
    assert "\nx  " in text


def finding_on(row, resource, name, kind):
    """The finding moved to another resource."""
    return replace(row, resource=resource, resource_name=name, resource_type=kind)


@given(st.text(max_size=60), st.integers(8, 40))
def test_wrapping_keeps_the_text_and_the_width(text, room):
    """No character is lost and no line is wider than the room."""
    clean = visible(text)
    lines = wrap(clean, room)
    assert "".join(lines).replace(" ", "") == clean.replace(" ", "")
    assert all(cells(line) <= room for line in lines)


@given(st.text(max_size=60) | st.sampled_from(HOSTILE))
def test_visible_text_is_one_harmless_line(text):
    """Nothing in it controls, hides or reorders; printable ASCII is left as it is."""
    found = visible(text)
    assert found.isprintable() or all(
        unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in found
    )
    assert visible(found) == found


def test_long_text_is_cut_with_the_rest_counted():
    """A megabyte in a tag does not fill the screen."""
    assert visible("x" * 5_000) == "x" * 2_000 + " ... (3000 more characters)"


def test_percentages_never_round_up_to_all_or_down_to_nothing():
    """Only everything is 100 %, only nothing is 0 %."""
    assert percent(99_999, 100_000) == "99.9 %"
    assert percent(1, 100_000) == "< 0.1 %"
    assert (percent(0, 5), percent(5, 5), percent(0, 0)) == ("0.0 %", "100.0 %", "-")


def test_markdown_text_marks_nothing_up():
    """Links, code, mentions, tables and HTML lose their meaning."""
    assert markdown("[a](b) `c` @team #1 |x| <b>") == (
        "\\[a\\](b) \\`c\\` \\@\u2060team \\#\u20601 \\|x\\| \\<b\\>"
    )
    assert markdown("- item") == "\\- item"
    assert markdown("1. item") == "1\\. item"
    assert code_span("a``b") == "```a``b```"
    assert code_span("`") == "`` ` ``"


def test_a_narrow_pen_still_writes():
    """Even a terminal of no width gets every word."""
    out = io.StringIO()
    Pen(out, color=False, unicode=True, width=1).hang("lead", "日本語日本語日本語日本語 text", indent=2)
    assert "text" in out.getvalue()


def test_rules_with_one_reason_are_told_together():
    """Five rules that ask for what only Azure knows are one line with their ids; two keep a line each with their titles."""
    told = "not described by these files"
    cards = [replace(CARDS[0], id=f"ACR9{number:02}", not_evaluated=told) for number in range(5)]
    few = [
        replace(CARDS[0], id=f"ACR8{number:02}", not_evaluated="probe not asked for") for number in range(2)
    ]
    scan = sample_scan()
    text = " ".join(shown(replace(scan, header=replace(scan.header, rules=(*cards, *few)))).split())
    assert f"5 {told}: ACR900, ACR901, ACR902, ACR903, ACR904" in text
    for card in few:
        assert f"{card.id} {card.title}: probe not asked for" in text
