"""CSV: every finding once, every column, nothing that a spreadsheet calculates, constant memory."""

import csv
import io
import tracemalloc
import unicodedata
from collections import Counter
from dataclasses import replace

import pytest

from scanner.cli.demo import sampled
from scanner.formats import csv as table
from scanner.formats._columns import CELL, COLUMNS
from scanner.formats._settings import Settings
from scanner.model.finding import Verdict
from tests.formats.marked import hostile_marked, marked_scan
from tests.formats.sample import (
    CALL,
    CONTOSOPROD,
    NOW,
    empty_scan,
    findings,
    hostile_scan,
    large_scan,
    sample_scan,
)

STARTS = "=+-@|%\t\r"


class Sink(io.RawIOBase):
    """Takes bytes and keeps none."""

    def writable(self):
        return True

    def write(self, data):
        return len(data)


def rendered(scan, **settings):
    out = io.BytesIO()
    table.render(scan, out, Settings(**settings))
    return out.getvalue()


def read(content, delimiter=","):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""), delimiter=delimiter))


def cells(content, delimiter):
    for line in csv.reader(io.StringIO(content.decode("utf-8"), newline=""), delimiter=delimiter):
        yield from line


@pytest.mark.parametrize(
    "make",
    [sample_scan, hostile_scan, marked_scan, hostile_marked, empty_scan, sampled],
    ids=lambda one: one.__name__,
)
def test_every_finding_is_a_row_and_the_counts_are_the_scans(make):
    """Rows stand in the scan's order with their fingerprints; failures by severity are those of the tallies."""
    scan = make()
    rows = read(rendered(scan))
    assert [row["fingerprint"] for row in rows] == [row.fingerprint for row in scan.findings]
    assert all(None not in row and None not in row.values() for row in rows)
    failed = Counter(row["severity"] for row in rows if row["verdict"] == "fail")
    assert failed == Counter({name: number for name, number in scan.tallies.findings.items() if number})
    opened = sum(row["standing"] == "open" for row in rows)
    assert opened == sum(row.gating for row in scan.findings)


@pytest.mark.parametrize("make", [hostile_scan, hostile_marked])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_cell_starts_a_formula(make, delimiter):
    """Whatever separator a spreadsheet assumes: behind spaces and quotes no cell begins with a sign of formulas."""
    seen = 0
    for cell in cells(rendered(make()), delimiter):
        bare = cell.lstrip().lstrip(' "`\u00a0\u2018\u2019\u201c\u201d')
        if bare and not bare.replace(".", "", 1).lstrip("-+").isdigit():
            assert unicodedata.normalize("NFKC", bare[0])[0] not in STARTS, cell
            seen += 1
    assert seen > 100


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(1)", "'@SUM(1)"),
        ("|cmd", "'|cmd"),
        ("%0A=1", "'%0A=1"),
        ("\uff1d1", "'\uff1d1"),
        ("\ufe661", "'\ufe661"),
        ("\u22121", "'\u22121"),
        ("  \u00a0=1", "'  \u00a0=1"),
        ('"=1', "'\"=1"),
        ("'=1", "''=1"),
        ("\u201c=1", "'\u201c=1"),
        ("a;=1", "a;'=1"),
        ('a; "=1;+2', "a; \"'=1;'+2"),
        ("-12", "-12"),
        ("+1.5", "+1.5"),
        ("-1e5", "'-1e5"),
        ("--", "'--"),
        ("plain; text = 1", "plain; text = 1"),
        ("", ""),
        (-3, -3),
    ],
)
def test_what_is_guarded(text, shown):
    """The rule of the apostrophe: first sign, behind spaces and quotes, after semicolons; numbers are exempt."""
    assert table.guarded(text) == shown


@pytest.mark.parametrize("make", [hostile_scan, hostile_marked])
def test_texts_are_visible_and_lines_end_as_rfc_4180_says(make):
    """No control, format or bidirectional character but the line ends, which are CRLF."""
    content = rendered(make())
    text = content.decode("utf-8")
    assert content.count(b"\n") == content.count(b"\r\n") == len(list(make().findings)) + 1
    bad = {
        char
        for char in text.replace("\r\n", "")
        if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    }
    assert bad == set()
    assert "\\u202e" in text
    assert "\\x00" in text


def test_a_row_says_all_that_an_auditor_asks():
    """Rule, place, observed and expected, source, waiver and controls of one failure."""
    rows = read(rendered(marked_scan()))
    waived = next(row for row in rows if row["waiver"])
    assert waived["rule"] == "ACR102"
    assert waived["title"] == "Anonymous pull is disabled"
    assert waived["standing"] == "waived"
    assert waived["registry"] == "contosoprod"
    assert waived["subscription name"] == "Contoso production"
    assert waived["path"] == "properties.anonymousPullEnabled"
    assert (waived["observed"], waived["operator"], waived["expected"]) == ("true", "equals", "false")
    assert waived["evidence source"] == CALL
    assert (waived["api version"], waived["collected at"]) == ("2025-11-01", NOW)
    assert waived["waiver"] == "W-12"
    assert waived["waiver owner"] == "owner@contoso.example"
    assert waived["waiver expires"] == "2026-12-01"
    assert waived["controls"] == "acr-faq admin-user; mcsb IM-1 (derived)"
    assert waived["resource"] == CONTOSOPROD
    fixable = next(row for row in rows if row["remediation"])
    assert fixable["remediation"] == "az acr update --name contosoprod --admin-enabled false"
    assert fixable["first seen"] == "2026-11-20T02:01:12Z"
    assert fixable["change"] == "new"
    lapsed = next(row for row in rows if row["waiver that does not count"])
    assert lapsed["standing"] == "open"
    assert lapsed["why it does not count"] == "expired: ended on 2026-11-01"
    assert lapsed["declared at"] == "infra/registry.bicep:12"
    vouched = next(row for row in rows if row["attestation"])
    assert (vouched["standing"], vouched["attestation result"]) == ("attested", "met")
    shared = next(row for row in rows if row["also affects"] != "0")
    assert shared["affected resources"] == CONTOSOPROD
    hidden = next(row for row in rows if "(hidden)" in row["observed"])
    assert hidden["observed"] == "(absent) | (hidden) (keyId)"
    assert hidden["path"].count(" | ") == 1


def test_cells_keep_to_what_a_spreadsheet_holds_and_say_what_is_left_out():
    """A row with 10,000 affected registries and a message of a megabyte is cut in words."""
    row = findings()[0]
    big = replace(row, message="é\U0001f469" * 500_000, affected=(CONTOSOPROD,) * 10_000)
    (found,) = read(rendered(sample_scan(findings=(big,))))
    assert found["also affects"] == "10000"
    assert all(len(cell.encode("utf-16-le")) // 2 <= CELL for cell in found.values())
    assert found["affected resources"].endswith("more in the JSON report")
    assert "cut, see the JSON report" in found["message"]


def test_a_byte_order_mark_on_request():
    """`csv_bom` only adds three bytes."""
    assert rendered(sample_scan(), csv_bom=True) == b"\xef\xbb\xbf" + rendered(sample_scan())


def test_an_empty_scan_is_a_header():
    """No finding, no row."""
    assert rendered(empty_scan()).decode().strip().split(",") == [column.name for column in COLUMNS]


def test_rows_of_the_earlier_scan_stand_in_a_file_of_their_own():
    """They do not count among the scan's findings, and are not lost."""
    scan = marked_scan()
    assert table.writers(sample_scan(), Settings()) == {}
    files = table.writers(scan, Settings())
    assert list(files) == [".csv", ".earlier.csv"]
    out = io.BytesIO()
    files[".earlier.csv"](scan, out)
    rows = read(out.getvalue())
    assert [(row["change"], row["change by"], row["standing"]) for row in rows] == [
        ("resolved", "resource", "resolved"),
        ("persisting", "data", "undecided"),
    ]
    main = io.BytesIO()
    files[".csv"](scan, main)
    assert main.getvalue() == rendered(scan)


def test_the_same_scan_gives_the_same_bytes():
    """Twice rendered, once equal."""
    assert rendered(hostile_marked()) == rendered(hostile_marked())


def test_memory_does_not_grow_with_the_rows():
    """Rows are written as they come: ten times as many take no more room."""

    def peak(number):
        scan = large_scan(number)
        tracemalloc.start()
        table.render(scan, io.BufferedWriter(Sink()))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    small = peak(500)
    assert peak(5_000) < small * 1.5 + 200_000


def test_fifty_thousand_rows_are_all_there():
    """None is lost on the way."""

    class Count(Sink):
        lines = 0

        def write(self, data):
            self.lines += bytes(data).count(b"\r\n")
            return len(data)

    sink = Count()
    table.render(large_scan(50_000), io.BufferedWriter(sink))
    assert sink.lines == 50_001


def test_verdicts_have_their_words():
    """Undecided, manual and passing rows are told apart."""
    rows = {
        row["verdict"]: row["standing"] for row in read(rendered(sample_scan())) if row["rule"] != "ACR102"
    }
    assert rows == {"fail": "open", "unknown": "undecided", "error": "undecided", "manual": "to attest"}
    kept = replace(findings()[0], verdict=Verdict.PASS)
    assert read(rendered(sample_scan(findings=(kept,))))[0]["standing"] == "nothing to do"
