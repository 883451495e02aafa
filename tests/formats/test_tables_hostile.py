"""Tables under attack: whatever a text holds, no spreadsheet calculates it, and what is cut or left out is said."""

import csv
import io
import json
import unicodedata
import zipfile
from dataclasses import replace

import openpyxl
import pytest

from scanner.cli.outputs import check_formats
from scanner.errors import OutputError
from scanner.formats import csv as csv_format
from scanner.formats import gitlab, xlsx
from scanner.formats._columns import CELL, guarded
from scanner.formats._settings import Settings
from scanner.model.resource import Origin
from tests.formats.hostile_marks import hostile_marked, marked_scan
from tests.formats.sample import CONTOSOPROD, findings, hostile_scan, sample_scan

STARTS = "=+-@|%\t\r"


def made(module, scan):
    out = io.BytesIO()
    module.render(scan, out, Settings())
    return out.getvalue()


def table(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


def book(scan):
    return openpyxl.load_workbook(io.BytesIO(made(xlsx, scan)))


def messages(scan):
    titles, *rows = book(scan)["Findings"].iter_rows(values_only=True)
    return [row[titles.index("message")] for row in rows]


@pytest.mark.parametrize("make", [hostile_scan, hostile_marked])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_cell_starts_a_formula_whatever_separates_cells(make, delimiter):
    """Behind blanks and quotes no cell begins with a sign of formulas, also where semicolons split the line."""
    seen = 0
    for line in csv.reader(
        io.StringIO(made(csv_format, make()).decode("utf-8"), newline=""), delimiter=delimiter
    ):
        for cell in line:
            bare = cell.lstrip().lstrip(' "`\u00a0\u2018\u2019\u201c\u201d')
            if bare and not bare.replace(".", "", 1).lstrip("-+").isdigit():
                assert unicodedata.normalize("NFKC", bare[0])[0] not in STARTS, cell
                seen += 1
    assert seen > 100


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\ufe661", "'\ufe661"),
        ("\u22121", "'\u22121"),
        ("\u2003=1", "'\u2003=1"),
        ("\u201c=1", "'\u201c=1"),
        ("\u00ab=1", "'\u00ab=1"),
        ("a;=1", "a;'=1"),
        ('a; "=1;+2', "a; \"'=1;'+2"),
        ("-1e5", "'-1e5"),
        ("+\u0663", "'+\u0663"),
        ("plain; text = 1", "plain; text = 1"),
    ],
)
def test_less_common_starts(text, shown):
    """Small and full-width forms, typographic quotes, other blanks, other digits, and what follows a semicolon."""
    assert guarded(text) == shown


def test_cells_keep_to_what_a_spreadsheet_holds_and_say_what_is_left_out():
    """Ten thousand affected registries and a message of a megabyte are counted or cut in words."""
    big = replace(
        findings()[0],
        message="\u202e" * 500_000,
        reason="\U0001f469" * 20_000,
        affected=(CONTOSOPROD,) * 10_000,
    )
    (row,) = table(made(csv_format, sample_scan(findings=(big,))))
    assert all(len(cell.encode("utf-16-le")) // 2 <= CELL for cell in row.values())
    assert row["also affects"].endswith("more, see the JSON report")
    told = int(row["also affects"].rsplit("; and ", 1)[1].split(" ")[0].replace(",", ""))
    assert row["also affects"].count(CONTOSOPROD) + told == 10_000
    assert "cut, see the JSON report" in row["message"]
    assert messages(sample_scan(findings=(big,))) == [row["message"]]


def test_rows_of_the_earlier_scan_have_a_file_and_a_sheet_of_their_own():
    """Resolved and carried rows are neither counted among the scan's findings nor lost."""
    scan = marked_scan()
    assert csv_format.writers(sample_scan(), Settings()) == {}
    files = csv_format.writers(scan, Settings())
    assert list(files) == [".csv", ".earlier.csv"]
    out, main = io.BytesIO(), io.BytesIO()
    files[".earlier.csv"](scan, out)
    files[".csv"](scan, main)
    assert [(row["change"], row["why"]) for row in table(out.getvalue())] == [
        ("resolved", "resource"),
        ("persisting", "data"),
    ]
    assert main.getvalue() == made(csv_format, scan)
    titles, *rows = book(scan)["Earlier findings"].iter_rows(values_only=True)
    assert [row[titles.index("change")] for row in rows] == ["resolved", "persisting"]


def test_markup_of_the_xlsx_library_is_a_text():
    """The library has its own markup for rich texts; a message that looks like it must not become cells and formulas."""
    evil = '<r><t>x</t></r></is></c><c r="ZZ9" t="str"><f>1+1</f></c><c><is><r></r>'
    scan = sample_scan(findings=(replace(findings()[0], message=evil),))
    assert messages(scan) == [f"'{evil}"]
    assert all(cell.data_type != "f" for line in book(scan)["Findings"].iter_rows() for cell in line)


@pytest.mark.parametrize("make", [hostile_scan, hostile_marked])
def test_texts_that_begin_like_formulas_stay_texts_when_edited(make):
    """Their cells carry the apostrophe of spreadsheets; no sheet holds a formula or a link."""
    content = made(xlsx, make())
    seen = 0
    for sheet in openpyxl.load_workbook(io.BytesIO(content)).worksheets:
        for line in sheet.iter_rows():
            for cell in line:
                if isinstance(cell.value, str) and cell.value[:1] in set("=+-@\uff1d"):
                    assert cell.quotePrefix, (sheet.title, cell.coordinate, cell.value)
                    seen += 1
    assert seen > 20
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            assert b"<f>" not in archive.read(name)
            assert b"<hyperlink" not in archive.read(name)


def test_the_workbook_says_what_was_not_evaluated():
    """Counts before the numbers; subscriptions, rules and notes beside the collections."""
    found = book(marked_scan())
    said = {row[0]: row[1:3] for row in found["Summary"].iter_rows(values_only=True)}
    assert said["rules not asked"] == (2, 11)
    assert said["evaluations without an answer"] == (3, 27)
    order = list(said)
    assert order.index("evaluations without an answer") < order.index("evaluations: pass")
    reasons = {row[0]: row[4] for row in found["Completeness"].iter_rows(values_only=True)}
    assert reasons["subscription"] == "no right to read it"
    assert reasons["rule ACR901 Released images are signed"] == "data plane not asked for (--data-plane)"
    assert reasons["note"] == "ignored answers/notes.txt: not JSON"


def test_a_missing_package_is_told_before_any_work_is_done(monkeypatch):
    """Not after an hour of collecting."""
    monkeypatch.setitem(__import__("sys").modules, "xlsxwriter", None)
    with pytest.raises(OutputError, match="pip install"):
        check_formats(["json", "xlsx"], None)
    check_formats(["json", "csv"], None)


def test_gitlab_names_files_as_they_are():
    """A path with a blank or a letter beyond ASCII opens in the widget; hostile characters are visible."""
    for where, path in (("infra/a b é.bicep", "infra/a b é.bicep"), ("a/\u202ex.json", "a/\\u202ex.json")):
        row = replace(findings()[0], origin=Origin("arm", where, 3, 1))
        (found,) = json.loads(made(gitlab, sample_scan(findings=(row,))))
        assert found["location"] == {"path": path, "lines": {"begin": 3}}
