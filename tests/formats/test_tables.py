"""CSV, XLSX, GitLab and the register of exceptions: read back by other programs, whole, and with nothing that runs."""

import csv
import io
import json
import sys
import tracemalloc
import zipfile
from dataclasses import replace

import openpyxl
import pytest
from markdown_it import MarkdownIt

from scanner.cli.demo import sampled
from scanner.errors import OutputError
from scanner.formats import _exceptions, gitlab, xlsx
from scanner.formats import csv as csv_format
from scanner.formats._columns import COLUMNS, guarded
from scanner.formats._settings import Settings
from scanner.model.finding import Verdict
from scanner.waivers.apply import apply
from tests.formats.sample import HOSTILE, empty_scan, hostile_scan, large_scan, sample_scan
from tests.waivers.building import attestation, register, waiver

DEMO = sampled()


def made(module, scan, **settings):
    out = io.BytesIO()
    module.render(scan, out, Settings(**settings))
    return out.getvalue()


def table(scan):
    """The CSV as rows of title -> cell."""
    return list(csv.DictReader(io.StringIO(made(csv_format, scan).decode("utf-8"), newline="")))


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1+1",
        "-cmd",
        "@x",
        "\tx",
        "\rx",
        "|x",
        "%x",
        "\uff1dx",
        "\uff0bx",
        "\uff0dx",
        "\uff20x",
        " =1",
        '"=1',
        "'=1",
        "\u00a0=1",
        "-",
        "=",
        "+1 1",
    ],
)
def test_what_could_be_a_formula_is_guarded(text):
    """Whatever stands before the start of it."""
    assert guarded(text) == "'" + text


@pytest.mark.parametrize("text", ["", "a=b", "-1", "+1.5", "-0.25", "0", "a", "1-2", "'a", "(not set)"])
def test_other_texts_and_numbers_stay(text):
    """A number may have a sign."""
    assert guarded(text) == text


@pytest.mark.parametrize(
    "scan", [sample_scan(), hostile_scan(), empty_scan(), DEMO], ids=["sample", "hostile", "empty", "demo"]
)
def test_csv_has_every_row_once(scan):
    """Rows, columns and counts come back; lines end as RFC 4180 wants."""
    rows = table(scan)
    findings = list(scan.findings)
    assert [row["fingerprint"] for row in rows] == [row.fingerprint for row in findings]
    assert sum(row["verdict"] == "fail" for row in rows) == sum(scan.tallies.findings.values())
    assert all(set(row) == set(COLUMNS) for row in rows)
    assert b"\n" not in made(csv_format, scan).replace(b"\r\n", b"")


def test_csv_cells_are_harmless():
    """No formula, no control, no character that reorders a line, in any cell."""
    for row in table(hostile_scan()):
        for cell in row.values():
            assert cell.startswith("'") or guarded(cell) == cell
            assert not set(cell) & set("\x00\x07\x1b\u202e\u2066\u200b\r\n")


def test_csv_tells_waivers_and_changes():
    """Who accepted it until when, what changed and why."""
    rows = {(row["rule"], row["name"]): row for row in table(DEMO)}
    row = rows["ACR101", "harbourlegacy"]
    assert (row["waiver"], row["waiver owner"], row["waiver expires"]) == (
        "W-2026-014",
        "Mira Solberg",
        "2027-03-31",
    )
    assert rows["ACR103", "harbourlegacy"]["waiver not counting"] == "W-2026-008"
    assert (rows["ACR201", "harbourfresh"]["change"], rows["ACR201", "harbourfresh"]["why"]) == (
        "new",
        "resource",
    )
    assert "faq RM4" in row["controls"]


def test_csv_can_begin_with_a_byte_order_mark():
    """For spreadsheets that take UTF-8 for something else without it."""
    assert made(csv_format, sample_scan(), csv_bom=True).startswith(b"\xef\xbb\xbfrule,")
    assert made(csv_format, sample_scan()).startswith(b"rule,")


def test_csv_keeps_little_in_memory():
    """Fifty thousand rows need hardly more than five hundred."""

    class Sink(io.RawIOBase):
        def write(self, data):
            return len(data)

    peaks = []
    for number in (500, 50_000):
        tracemalloc.start()
        csv_format.render(large_scan(number), Sink())  # type: ignore[arg-type]
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2_000_000


def book(scan):
    return openpyxl.load_workbook(io.BytesIO(made(xlsx, scan)))


@pytest.mark.parametrize(
    "scan", [sample_scan(), hostile_scan(), empty_scan(), DEMO], ids=["sample", "hostile", "empty", "demo"]
)
def test_xlsx_has_a_sheet_for_each_view_and_no_formula(scan):
    """Every text is a text; the same scan gives the same bytes."""
    found = book(scan)
    assert found.sheetnames == [
        "Summary",
        "Findings",
        "Rules",
        "Controls",
        "Registries",
        "Waivers",
        "Completeness",
        *(["Earlier findings"] if scan.drift else []),
    ]
    for sheet in found:
        assert sheet.freeze_panes == "B2"
        for line in sheet.iter_rows():
            for cell in line:
                assert cell.data_type in ("s", "n"), cell.coordinate
                assert cell.hyperlink is None
    assert found["Findings"].max_row - 1 == len(list(scan.findings))
    assert made(xlsx, scan) == made(xlsx, scan)


def test_xlsx_counts_are_the_scans():
    """Numbers of the summary and of the sheets."""
    found = book(DEMO)
    verdicts = [line[3].value for line in found["Findings"].iter_rows(min_row=2)]
    assert verdicts.count("fail") == sum(DEMO.tallies.findings.values())
    summary = {line[0].value: line[1].value for line in found["Summary"].iter_rows(min_row=2)}
    assert summary["findings waived"] == sum(DEMO.tallies.waived.values())
    assert summary["evaluations: fail"] == DEMO.tallies.total()[Verdict.FAIL]
    assert found["Waivers"].max_row - 1 == len(DEMO.waivers) + len(DEMO.attestations)
    assert found["Registries"].max_row - 1 == len(list(DEMO.resources))


def test_xlsx_goes_on_in_a_next_sheet(monkeypatch):
    """A table that is longer than a sheet loses nothing."""
    monkeypatch.setattr(xlsx, "ROWS", 6)
    found = book(sample_scan())
    parts = [found[name] for name in found.sheetnames if name.startswith("Findings")]
    assert [sheet.title for sheet in parts] == ["Findings", "Findings 2", "Findings 3"]
    assert [sheet.max_row for sheet in parts] == [6, 6, 6]
    prints = [line[-1].value for sheet in parts for line in sheet.iter_rows(min_row=2)]
    assert prints == [row.fingerprint for row in sample_scan().findings]
    assert all(sheet["A1"].value == "rule" and sheet.auto_filter.ref for sheet in parts)


def test_xlsx_without_its_package_says_how_to_get_it(monkeypatch):
    """An extra: the error names the command."""
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(OutputError) as caught:
        made(xlsx, sample_scan())
    assert "acrscan[xlsx]" in str(caught.value)


def test_xlsx_is_a_plain_workbook():
    """No macros, no external links, no connections."""
    names = zipfile.ZipFile(io.BytesIO(made(xlsx, hostile_scan()))).namelist()
    assert not [name for name in names if any(word in name for word in ("vba", "externalLink", "connection"))]


@pytest.mark.parametrize(
    "scan", [sample_scan(), hostile_scan(), empty_scan(), DEMO], ids=["sample", "hostile", "empty", "demo"]
)
def test_gitlab_has_the_open_findings(scan):
    """Unwaived failures, each with a relative path, a line and a fingerprint of its own."""
    rows = json.loads(made(gitlab, scan))
    gating = [row for row in scan.findings if row.gating]
    assert [row["fingerprint"] for row in rows] == [row.fingerprint for row in gating]
    assert len({row["fingerprint"] for row in rows}) == len(rows)
    for row in rows:
        assert row["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert row["location"]["lines"]["begin"] >= 1
        assert not row["location"]["path"].startswith(("/", ".."))
        assert row["description"].isprintable()


def test_gitlab_points_at_the_file_of_a_template():
    """Where the resource is declared."""
    rows = json.loads(made(gitlab, sample_scan()))
    assert {"path": "infra/registry.bicep", "lines": {"begin": 12}} in [row["location"] for row in rows]


@pytest.mark.parametrize("form", _exceptions.FORMS)
def test_the_register_of_exceptions(form):
    """Every waiver and attestation, in force or not."""
    entries = [waiver("W-1"), waiver("W-2", expires="2026-11-02"), attestation()]
    text = _exceptions.written(apply(sample_scan(), register(*entries)), form).decode()
    for name in ("W-1", "W-2", "A-1", "expired"):
        assert name in text


def test_the_register_is_harmless():
    """CSV cannot run, Markdown cannot link, whatever reasons and owners hold."""
    entries = [waiver(f"W-{at}", reason=text, owner=text, ticket=text) for at, text in enumerate(HOSTILE)]
    scan = apply(sample_scan(), register(*entries))
    rows = list(csv.reader(io.StringIO(_exceptions.written(scan, "csv").decode(), newline="")))
    assert len(rows) == len(HOSTILE) + 1
    assert all(cell.startswith("'") or guarded(cell) == cell for row in rows for cell in row)
    text = _exceptions.written(scan, "markdown").decode()
    assert len(text.splitlines()) == len(HOSTILE) + 2
    kinds = {
        child.type
        for token in MarkdownIt("gfm-like", {"linkify": False}).parse(text)
        for child in token.children or ()
    }
    assert kinds <= {"text", "text_special"}


def test_a_report_of_a_replaced_waiver_has_no_owner():
    """A stored row may name a waiver that the scan does not hold: the cell stays empty, nothing fails."""
    scan = sample_scan(findings=tuple(replace(row, waiver="W-0") for row in sample_scan().findings))
    assert {row["waiver owner"] for row in table(scan)} == {""}
