"""The HTML report: its order, its safety, its numbers, its size; all by reading the file as a parser would."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
import tracemalloc
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import pytest

from scanner.formats import html
from scanner.formats.html import access, agreement, findings, registries, show, standing, words
from scanner.formats.html.columns import PREFIX, SEPARATOR
from scanner.formats.html.worst import Worst
from scanner.model.condition import Mark
from scanner.model.finding import Verdict
from scanner.model.rule import Control
from scanner.model.values import Hidden, Unknown, UnreadTail
from tests.formats import sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scanner.model.scan import Scan

VOID = {"meta", "link", "input", "rect", "path", "circle"}
TAGS = frozenset(
    re.findall(
        r"\w[\w-]*",
        "html head meta title link style body a header div p h1 h2 h3 h4 dl dt dd nav ol ul li span main section table caption thead "
        "tbody tfoot tr th td code pre time b i bdi svg desc rect text path circle figure figcaption details summary label input select option "
        "button dialog footer script",
    )
)
ATTRIBUTES = frozenset(
    re.findall(
        r"\w[\w-]*",
        "lang charset http-equiv content name rel href class id tabindex hidden role scope colspan rowspan datetime target type "
        "placeholder autocomplete spellcheck for value viewbox preserveaspectratio focusable x y width height text-anchor d cx cy r "
        "data-id data-rule data-label data-locale data-report data-framework data-control data-waiver data-attestation",
    )
)


@dataclass
class Page(HTMLParser):
    """What a parser finds: elements with their attributes, texts with the path to them."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    blocks: dict[str, list[str]] = field(default_factory=dict)
    stack: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: Any, attrs: Any) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.stack.append(tag)
        if tag in {"script", "style"}:
            self.blocks.setdefault(tag, []).append("")

    def handle_startendtag(self, tag: Any, attrs: Any) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: Any) -> None:
        assert self.stack, f"</{tag}> closes nothing"
        assert self.stack.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: Any) -> None:
        if self.stack and self.stack[-1] in {"script", "style"}:
            self.blocks[self.stack[-1]][-1] += data
        else:
            self.texts.append(data)

    def handle_comment(self, data: Any) -> None:
        raise AssertionError(f"a comment: {data}")

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.elements if name in attributes]


def written(scan: Scan) -> str:
    """The report as text."""
    out = io.BytesIO()
    html.render(scan, out)
    return out.getvalue().decode("utf-8")


def parsed(scan: Scan) -> Page:
    """The report as a parser sees it, with every element closed."""
    page = Page()
    page.feed(written(scan))
    page.close()
    assert not page.stack, "every element is closed"
    return page


def table(text: str) -> dict[str, Any]:
    """The decoded data of the script's table, its columns and pools as plain lists."""
    packed = re.search(r'id="table-data">([^<]*)<', text)
    assert packed
    return unpacked(gzip.decompress(base64.b64decode(packed[1])))


def unpacked(plain: bytes) -> dict[str, Any]:
    """What the page's script makes of the data: numbers again from their steps, rows again from columns."""
    document: dict[str, Any] = json.loads(plain)
    size = document["size"]
    document["text"] = document["text"].split(SEPARATOR)
    for name, column in document["columns"].items():
        document["columns"][name] = [column] * size if isinstance(column, int) else list(accumulate(column))
    for name in ("resources", "evidence", "origins"):
        document[name] = list(zip(*map(accumulate, document[name]), strict=True))
    for name in ("proofs", "lists"):
        items = accumulate(document[name]["items"])
        document[name] = [[next(items) for _ in range(length)] for length in document[name]["sizes"]]
    return document


def part(text: str, name: str) -> str:
    """One part of the report."""
    found = re.search(rf'<section id="{name}".*?</section>', text, re.DOTALL)
    assert found
    return found[0]


SCANS: dict[str, Callable[[], Scan]] = {
    "sample": sample.sample_scan,
    "hostile": sample.hostile_scan,
    "empty": sample.empty_scan,
    "large": lambda: sample.large_scan(2_500),
}


@pytest.fixture(params=list(SCANS), scope="module")
def each(request: Any) -> Scan:
    """Each of the scans in turn."""
    return SCANS[request.param]()


# ---- order and content ----------------------------------------------------------------------------------------------


def test_parts_come_in_the_order_of_trust() -> None:
    """Scope and completeness stand before any result, integrity comes last."""
    text = written(sample.sample_scan())
    places = [text.index(f'<section id="{name}"') for name in html.PARTS]
    assert places == sorted(places)
    assert html.PARTS[:3] == ("scope", "completeness", "summary")
    assert html.PARTS[-1] == "integrity"


def test_title_names_report_tool_pack_and_digests() -> None:
    """Before anything else a reader learns which inputs this report is of."""
    scan = sample.sample_scan()
    head = written(scan).partition("<main")[0]
    for wanted in (
        scan.header.pack_digest,
        scan.header.inventory_digest,
        "acrscan 0.1.0",
        "acr 1.0.0",
        "production",
        standing.report_id(scan.header),
    ):
        assert wanted in head


def test_completeness_tells_state_reason_and_fix() -> None:
    """Every collection with its state, every problem with its command, every rule not asked with its reason."""
    page = Page()
    page.feed(part(written(sample.sample_scan()), "completeness"))
    for wanted in (
        "This scan is incomplete",
        "21 of 27 evaluations decided",
        "Partial",
        "Failed",
        "Not asked for",
        "HTTP 403",
        "az role assignment create --assignee me",
        "timed out after 60 s",
        "data plane not asked for (--data-plane)",
        "ignored answers/notes.txt: not JSON",
        "1 of 10 enabled rules was not evaluated",
    ):
        assert wanted in page.text


def test_a_complete_scan_says_so() -> None:
    """Without problems and without unknowns the statement is positive."""
    lines = (replace(sample.LINES[0], letters="PPPPPPPPP"),)
    scan = sample.sample_scan(findings=(), resources=lines, runs=sample.header().runs[:1])
    assert "Everything that was asked for was read" in part(written(scan), "completeness")


def test_controls_show_disabled_and_manual_rules_and_their_worst_status() -> None:
    """A control is as good as its weakest rule, and what was switched off stays in sight."""
    text = part(written(sample.sample_scan()), "controls")
    for wanted in (
        "ACR902",
        "the profile development.yaml switches it off",
        "ACR801",
        "Manual",
        "ACR901",
        "NS-2",
    ):
        assert wanted in text


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({Verdict.PASS: 9, Verdict.UNKNOWN: 1}, "unknown"),
        ({Verdict.PASS: 9, Verdict.MANUAL: 1}, "manual"),
        ({Verdict.FAIL: 1, Verdict.ERROR: 5}, "fail"),
        ({Verdict.PASS: 1, Verdict.NOT_APPLICABLE: 7}, "pass"),
        ({Verdict.NOT_APPLICABLE: 7}, "notApplicable"),
        ({}, "notEvaluated"),
    ],
)
def test_a_status_is_never_better_than_its_worst_verdict(counts: Any, expected: Any) -> None:
    """One open evaluation among many passes is not a pass."""
    full = dict.fromkeys(Verdict, 0) | counts
    assert standing.status_of(sample.CARDS[0], full) == expected


def test_agreement_shows_four_parts_of_each_cell() -> None:
    """Configured, enforced, exempted, agrees: as signs and as words; then what differs, and the assignments."""
    page = Page()
    text = part(written(sample.sample_scan()), "agreement")
    page.feed(text)
    for wanted in (
        "Settings that both sides judged: 3. They agree on 1 and differ on 1; on 1 more",
        "Of 3 registries, 2 have an assignment",
        "Fail; Not enforced; Exempt; Differs",
        "Unknown; Enforcement not known; Exemption not known; Settling",
        "Pass; Enforced; Not exempt; Agrees",
        "left out of this scan's file",
        "1 registry without an assignment and without a state of these definitions is not listed.",
        "The scan keeps 4 of 6 rows",
        "Differs: Azure says Compliant, but asked of the settings that were read",
        sample.POLICY,
        "2026-12-31 00:00:00 UTC",
    ):
        assert wanted in page.text
    assert '<i class="F">✕</i><i class="N">□</i><i class="U">⊖</i><i class="F">≠</i>' in re.sub(
        r">\s+<", "><", text
    )
    matrix = text[text.index('<table class="matrix">') : text.index("</table>")]
    names = re.findall(r'<th scope="row"><span class="name"><bdi>([^<]*)<', matrix)
    assert names == ["contosoprod", "contosoeu"], (
        "those that differ first, without those that Azure does not know"
    )
    assert '<a href="#agreement">Agreement with Azure Policy</a> <span class="badge">1</span>' in written(
        sample.sample_scan()
    )


def test_agreement_without_a_comparison_says_why() -> None:
    """Nothing was read, or a stored scan of an older version."""
    page = Page()
    page.feed(part(written(sample.empty_scan()), "agreement"))
    assert "did not compare its results with Azure Policy. Reason: nothing was collected." in page.text
    page.feed(part(written(sample.large_scan(3)), "agreement"))
    assert "did not compare its results with Azure Policy." in page.text


def test_agreement_of_a_large_estate_is_bounded(monkeypatch: Any) -> None:
    """Caps keep what differs, and count the rest."""
    monkeypatch.setattr(agreement, "CELLS_SHOWN", 2)
    monkeypatch.setattr(agreement, "DIFFERENCES_SHOWN", 1)
    monkeypatch.setattr(agreement, "ASSIGNMENTS_SHOWN", 1)
    text = part(written(sample.sample_scan()), "agreement")
    assert "1 more registry, with fewer differences, is not listed" in text
    assert "1 more difference is not listed" in text
    assert "1 more assignment is not listed" in text
    assert "2 more assignments" not in text


def test_access_names_who_can_push_by_which_path() -> None:
    """Identities, doors, roles and scopes are in the report; strong rights are marked."""
    page = Page()
    page.feed(part(written(sample.sample_scan()), "access"))
    for wanted in (
        "build-agent",
        "Owner",
        "Anonymous access",
        "Admin account",
        "ci-token",
        "team/app, team/web",
        "eligible, not active",
    ):
        assert wanted in page.text
    assert [attributes.get("class") for tag, attributes in page.elements if tag == "li"].count("strong") == 7


def test_findings_hold_evidence_provenance_and_remediation() -> None:
    """Observed beside expected, the three ways of not being there, the call, the version, the commands."""
    page = Page()
    page.feed(part(written(sample.sample_scan()), "findings"))
    for wanted in (
        "properties.adminUserEnabled",
        "equals false",
        "(not set)",
        "(not read)",
        "(hidden)",
        "(error)",
        sample.CALL,
        "2025-11-01",
        "policies/acr/ACR101.yaml:14:5",
        "infra/registry.bicep:12:3",
        "az acr update --name contosoprod --admin-enabled false",
        sample.CONTOSOEU,
        "1 more resource is affected by the same cause",
        "settling",
        "W-12",
    ):
        assert wanted in page.text
    assert re.search(r"\b[0-9a-f]{64}\b", page.text)


def test_findings_are_ordered_worst_first() -> None:
    """Failures before the undecided, severe before mild, and the table has the order of the plain rows."""
    text = written(sample.sample_scan())
    rows = re.findall(
        r'<summary><span class="marks"><span class="mark v-(\w+)">.*?<span class="mark s-(\w+)">', text
    )
    assert len(rows) == 15
    ranked = [
        ([name.value for name in standing.ORDER].index(verdict), standing.grade(severity))
        for verdict, severity in rows
    ]
    assert ranked == sorted(ranked)
    data = table(text)
    assert [
        (data["verdicts"][verdict], data["severities"][severity])
        for verdict, severity in zip(data["columns"]["verdict"], data["columns"]["severity"], strict=True)
    ] == rows


def test_numbers_are_those_of_the_tallies(each: Any) -> None:
    """The summary table, the statement and the table's count agree with the scan."""
    text = written(each)
    total = each.tallies.total()
    assert table(text)["total"] == len(list(each.findings)) == table(text)["size"]
    if not sum(total.values()):
        return
    page = Page()
    page.feed(part(text, "summary"))
    for verdict, number in total.items():
        name = words.load().say(f"verdict.{verdict.value}")
        assert f"{name} {number:,} {show.percent(number, sum(total.values()))}" in page.text
    passed, failed = each.tallies.scored()
    assert f"{passed:,} passes of {passed + failed:,} evaluations" in page.text


def test_an_empty_scan_claims_nothing() -> None:
    """No resource means no result: no percentage and no pass anywhere in the summary."""
    text = written(sample.empty_scan())
    assert "Nothing was evaluated. This report says nothing about compliance." in part(text, "completeness")
    assert "%" not in part(text, "summary")
    assert 'id="rows"' not in part(text, "findings")


# ---- safety ---------------------------------------------------------------------------------------------------------


def test_the_policy_admits_the_two_blocks_and_nothing_else(each: Any) -> None:
    """The hashes in the policy are those of the only style and the only script of the page."""
    page = parsed(each)
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")

    def digest(block: str) -> str:
        return "sha256-" + base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()

    script = [a for tag, a in page.elements if tag == "script"]
    assert script == [{"type": "application/octet-stream", "id": "table-data"}, {}]
    assert policy == (
        f"default-src 'none'; script-src '{digest(page.blocks['script'][1])}'; style-src '{digest(page.blocks['style'][0])}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert len(page.blocks["style"]) == 1


def test_nothing_is_requested(each: Any) -> None:
    """No attribute and no rule of the style can load anything; links lead to listed https hosts or into the page."""
    page = parsed(each)
    for tag, attributes in page.elements:
        assert not {"src", "srcset", "action", "data", "poster", "ping", "background", "xlink:href"} & set(
            attributes
        ), tag
        target = attributes.get("href", "#")
        if tag == "link":
            assert target.startswith("data:image/svg+xml,")
        elif not target.startswith("#"):
            assert tag == "a"
            assert show.link(target) == target or target.startswith(show.PORTAL + "/")
            assert "noopener" in attributes["rel"]
    style = page.blocks["style"][0]
    assert "url(" not in style
    assert "@import" not in style
    script = page.blocks["script"][1]
    assert f"const PREFIX = {PREFIX};" in script
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "Function(",
        "XMLHttp",
        "import(",
        "DOMParser",
    ):
        assert forbidden not in script
    assert script.count("fetch(") == 1, "only for the file beside the page of four files"
    assert {"table-data"} == set(re.findall(r"const block = \$\(\"([\w-]+)\"\)", script))


def test_hostile_text_stays_text() -> None:
    """No text of the outside world becomes an element or an attribute, and none is lost."""
    page = parsed(sample.hostile_scan())
    assert {tag for tag, _ in page.elements} <= TAGS
    names = {name for _, attributes in page.elements for name in attributes}
    assert {name for name in names if not name.startswith("aria-")} <= ATTRIBUTES
    plain = parsed(sample.sample_scan())
    assert (
        [tag for tag, _ in page.elements].count("script")
        == [tag for tag, _ in plain.elements].count("script")
        == 2
    )
    for text in sample.HOSTILE:
        shown = re.sub(r"\s+", " ", show.visible(text)).strip()
        assert shown in page.text


def test_hostile_rule_text_stays_text() -> None:
    """Packs of strangers are no safer than resources: every text field of a rule card is hostile here."""
    for text in sample.HOSTILE:
        card = sample.card(
            text,
            text,
            text,
            text,
            rationale=text,
            effort=text,
            az=(text,),
            bicep=text,
            terraform=text,
            manual_remediation=text,
            manual=text,
            references=(text, "javascript:alert(1)", f"https://learn.microsoft.com/{text}"),
            reviewed=text,
            controls=(Control(text, text, text),),
            status=text,
            disabled_reason=text,
            digest=text,
            file=text,
            not_evaluated=text,
        )
        scan = sample.sample_scan(
            rules=(card, replace(card, enabled=False)),
            tool_version=text,
            pack_id=text,
            pack_version=text,
            pack_digest=text,
            profile=text,
            inventory=text,
            now=text,
        )
        page = parsed(scan)
        assert {tag for tag, _ in page.elements} <= TAGS
        assert {name for _, a in page.elements for name in a if not name.startswith("aria-")} <= ATTRIBUTES
        for target in page.attributes("href"):
            assert target.startswith(
                ("#", "data:image/svg+xml,", "https://learn.microsoft.com/", show.PORTAL)
            )


def test_deceiving_characters_are_written_out() -> None:
    """Controls and direction changes cannot make one name look like another."""
    assert show.visible("a\u202eb\x00\u200b") == "a⟨U+202E⟩b⟨U+0000⟩⟨U+200B⟩"
    assert show.visible("line\n\ttab é 日本語") == "line\n\ttab é 日本語"
    text = written(sample.hostile_scan())
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]", text)
    assert show.visible("\ud800") == "⟨U+D800⟩"


@pytest.mark.parametrize(
    ("address", "linked"),
    [
        ("https://learn.microsoft.com/azure/x?view=1#part", True),
        ("https://github.com/a/b", True),
        ("http://learn.microsoft.com/", False),
        ("https://learn.microsoft.com.evil.example/", False),
        ("https://evilmicrosoft.com/", False),
        ("https://learn.microsoft.com@evil.example/", False),
        ("https://evil.example/?https://learn.microsoft.com/", False),
        ("javascript:alert(1)//https://github.com/", False),
        ("https://github.com/\n", False),
        ("https://github.com/a b", False),
        ("https://github.com/\"onclick='x'", False),
        ("", False),
    ],
)
def test_links_lead_to_listed_hosts_only(address: Any, linked: Any) -> None:
    """Any other address is text."""
    assert show.link(address) == (address if linked else "")


def test_portal_links_stay_on_the_portal() -> None:
    """A resource id is a path of the portal whatever it holds, and other ids have no link."""
    assert show.portal("file:main.bicep#x") == ""
    assert (
        show.portal('/subscriptions/"><b>')
        == "https://portal.azure.com/#@/resource/subscriptions/%22%3E%3Cb%3E"
    )


# ---- values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part_", "whole", "expected"),
    [
        (0, 0, "\u2013"),
        (0, 5, "0.0 %"),
        (5, 5, "100.0 %"),
        (9999, 10000, "99.9 %"),
        (1, 100_000, "< 0.1 %"),
        (1, 3, "33.3 %"),
    ],
)
def test_shares_never_round_to_everything_or_nothing(part_: Any, whole: Any, expected: Any) -> None:
    """99.99 % is not 100 %."""
    assert show.percent(part_, whole) == expected


def test_markers_and_long_values_are_told() -> None:
    """What was not read or is hidden says so inside a value; a long value is cut with the rest counted."""
    catalogue = words.load()
    text = show.json_text(
        {"a": Unknown("403"), "b": [1, UnreadTail("429")], "c": Hidden("key"), "d": Mark("f", 1, 2)},
        catalogue,
    )
    assert text == '{"a": "(not read: 403)", "b": [1, "(not read: 429)"], "c": "(hidden: key)", "d": "f:1:2"}'
    assert "more characters" in show.json_text("x" * 5_000, catalogue)


def test_a_bar_shows_every_verdict_that_occurs() -> None:
    """One error among a million passes is still a visible segment, and the bar is full."""
    bar = standing.segments(dict.fromkeys(Verdict, 0) | {Verdict.PASS: 1_000_000, Verdict.ERROR: 1})
    assert [item.verdict for item in bar] == ["error", "pass"]
    assert bar[0].width > 5
    assert sum(item.width for item in bar) == pytest.approx(1000, abs=0.5)


def test_worst_keeps_the_highest_ranks_and_counts_the_rest() -> None:
    """Equal ranks keep the first; nothing beyond the room is held."""
    kept: Worst[str] = Worst(2)
    for rank, name in ((1, "a"), (3, "b"), (1, "c"), (2, "d")):
        kept.offer((rank,), name)
    assert kept.worst_first() == ["b", "d"]
    assert kept.left_out == 2


# ---- size -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counted:
    """Findings that count how often they were read."""

    inner: Any
    reads: list[int]

    def __iter__(self) -> Iterator[Any]:
        self.reads.append(1)
        return iter(self.inner)


def test_the_same_scan_gives_the_same_bytes(each: Any) -> None:
    """Rendering twice gives identical files."""
    assert written(each) == written(each)


def test_findings_are_read_twice_at_most() -> None:
    """A spool on disk is not read more often than needed."""
    scan = sample.sample_scan()
    counted = Counted(scan.findings, [])
    written(replace(scan, findings=counted))
    assert len(counted.reads) == 2


def test_ten_thousand_findings_stay_small() -> None:
    """Within 5 MB of file and 60 MB of memory, with exactly the rest counted."""
    scan = sample.large_scan(10_000)
    out = io.BytesIO()
    html.render(sample.large_scan(10), io.BytesIO())
    tracemalloc.start()
    html.render(scan, out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    text = out.getvalue().decode()
    assert len(out.getvalue()) < 5_000_000
    assert peak < 60_000_000
    assert text.count('<details class="finding">') == findings.STATIC_ROWS_OF_MANY
    assert "9,850 more findings are not listed as plain rows" in text
    assert "9,000 more registries" in text


def test_caps_keep_the_worst_and_count_the_rest(monkeypatch: Any) -> None:
    """Whatever does not fit is milder than what is shown, and its number is stated."""
    monkeypatch.setattr(findings, "STATIC_ROWS", 3)
    monkeypatch.setattr(findings, "STATIC_ROWS_OF_MANY", 3)
    monkeypatch.setattr(findings, "TABLE_ROWS", 10)
    monkeypatch.setattr(registries, "MATRIX_ROWS", 1)
    monkeypatch.setattr(access, "LINES_SHOWN", 3)
    text = written(sample.sample_scan())
    data = table(text)
    assert data["total"] == 15
    assert data["size"] == 10
    assert "12 more findings are not listed as plain rows" in text
    assert "5 more findings, milder than those here" in text
    assert "2 more registries, with fewer failures" in text
    assert 'data-id="' + sample.CONTOSOPROD in text
    assert "1 more path is not listed" in part(text, "access")
    assert re.findall(r'class="mark s-(\w+)"', part(text, "findings")) == ["critical", "critical", "high"]


def test_the_table_holds_what_the_rows_hold() -> None:
    """The columnar block can be followed back to each finding's texts."""
    scan = sample.sample_scan()
    data = table(written(scan))
    column, text = data["columns"], data["text"]
    left = {(finding.rule, finding.resource, finding.element): finding for finding in scan.findings}

    for row in range(data["size"]):
        resource = text[data["resources"][column["resource"][row]][0]]
        finding = left.pop((data["rules"][column["rule"][row]]["id"], resource, text[column["element"][row]]))
        assert text[column["message"][row]] == finding.message
        assert [text[data["evidence"][place][0]] for place in data["proofs"][column["evidence"][row]]] == [
            one.path for one in finding.evidence
        ]
        assert [text[place] for place in data["lists"][column["commands"][row]]] == [
            show.command(one) for one in finding.commands
        ]
        assert column["affectedCount"][row] == len(finding.affected)
        assert text[column["waiver"][row]] == (finding.waiver or "")
        assert data["prints"][row * PREFIX : (row + 1) * PREFIX] == finding.fingerprint[:PREFIX]
        assert data["whole"].get(str(row), finding.fingerprint) == finding.fingerprint
    assert not left


def test_fingerprints_that_the_page_cannot_work_out_go_out_whole() -> None:
    """Hostile text is written out differently in the page, so its fingerprints are not left to the page."""
    scan = sample.hostile_scan()
    data = table(written(scan))
    strange = {one.fingerprint for one in scan.findings}
    assert set(data["whole"].values()) == strange
    assert table(written(sample.sample_scan()))["whole"] == {}


def test_a_finding_of_an_unlisted_rule_still_shows() -> None:
    """An engine's own finding (no rule card) is no reason to fail."""
    stray = replace(sample.findings()[0], rule="INT001", severity="odd")
    data = table(written(sample.sample_scan(findings=(stray,))))
    assert data["rules"][data["columns"]["rule"][0]] == {"id": "INT001"}
    assert data["severities"][data["columns"]["severity"][0]] == "odd"


# ---- words, marks, contrast -------------------------------------------------------------------------------------------


def test_every_text_is_in_the_catalogue_and_used() -> None:
    """No key is missing, none is dead, and no label is written in a template."""
    folder = files("scanner.formats.html")
    sources = [item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith((".jinja", ".py"))]
    sources += [
        item.read_text("utf-8") for name in ("parts", "script") for item in folder.joinpath(name).iterdir()
    ]
    source = "\n".join(sources)
    catalogue = words.load().texts
    said = set(re.findall(r"""say\(\s*["']([\w.-]+\w)["'][,) ]""", source))
    said |= set(re.findall(r"""say\("[\w.-]+" if .*? else "([\w.-]+)"\)""", source))
    many = set(re.findall(r"""many\(\s*["']([\w.-]+)["'],""", source))
    assert said <= set(catalogue)
    assert {f"{key}.{form}" for key in many for form in ("one", "other")} <= {
        *catalogue,
        *(key.removeprefix("js.") for key in catalogue),
    }
    computed: tuple[str, ...] = (
        "verdict.",
        "severity.",
        "state.",
        "basis.",
        "framework.",
        "run.",
        "door.",
        "level.",
        "repositories.",
        "effort.",
    )
    computed += (
        "agreement.enforced",
        "agreement.exempt",
        "agreement.agrees",
        "qualifier.",
        "part.",
        "meaning.",
        "term.",
        "term-meaning.",
        "completeness.",
        "change.",
        "why.",
        "kind.",
        "entry.",
        "result.",
        "drift.means.",
        "drift.list.",
        "controls.share.",
        "format.",
        "js.standing.",
    )
    for key in catalogue:
        stem = re.sub(r"\.(one|other)$", "", key)
        short = key.removeprefix("js.")
        used = (
            key in said
            or stem in many
            or stem.removeprefix("js.") in many
            or key.startswith(computed)
            or f'"{short}"' in source
            or f"words.{short}" in source
        )
        assert used or f'"{key}"' in source or key.startswith("field."), f"{key} is not used"


def test_marks_for_assistive_technology() -> None:
    """Ids are unique, references resolve, headers have a scope, inputs have labels, regions can be focused."""
    page = parsed(sample.sample_scan())
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    for name in ("aria-labelledby", "for"):
        for value in page.attributes(name):
            assert set(value.split()) <= set(ids), value
    for tag, attributes in page.elements:
        if tag == "th":
            assert attributes.get("scope")
        if tag in {"input", "select"}:
            assert attributes["id"] in page.attributes("for")
        if attributes.get("role") == "region":
            assert attributes["tabindex"] == "0"
            assert "aria-label" in attributes or "aria-labelledby" in attributes
    for value in page.attributes("href"):
        if value.startswith("#"):
            assert value[1:] in ids, value
    assert {"header", "nav", "main", "footer"} <= {tag for tag, _ in page.elements}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1])
def test_contrast_is_enough_in_both_themes(theme: Any) -> None:
    """Every text colour reaches 4.5 to 1 on every ground that it is used on (WCAG AA)."""
    style = files("scanner.formats.html").joinpath("style/screen.css").read_text("utf-8")
    colours = dict(
        re.findall(r"--([\w-]+): (#[0-9a-f]{6});", style.split("@media screen")[theme].split("}")[0])
    )
    pairs = [(ink, ground) for ink in ("ink", "soft", "accent") for ground in ("paper", "sheet", "sunk")]
    pairs += [(name, f"{name}-bg") for name in ("pass", "fail", "unknown", "error", "manual", "none")]
    pairs += [
        (name, ground)
        for name in ("pass", "fail", "unknown", "error", "manual")
        for ground in ("paper", "sheet")
    ]
    pairs += [
        ("critical-ink", "critical-bg"),
        ("accent-ink", "accent"),
        ("ink", "accent-soft"),
        ("sheet", "pass"),
        ("sheet", "fail"),
    ]
    for ink, ground in pairs:
        high, low = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, f"{ink} on {ground}"
