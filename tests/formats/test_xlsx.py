"""XLSX: read back with openpyxl; texts stay texts, sheets say what they must, nothing is cut in silence."""

import builtins
import io
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import replace

import openpyxl
import pytest

from scanner.cli.demo import sampled
from scanner.cli.outputs import check_formats
from scanner.errors import UsageError
from scanner.formats import xlsx
from scanner.formats._columns import CELL, COLUMNS
from scanner.formats.xlsx import book
from scanner.model.finding import Verdict
from tests.formats.marked import hostile_marked, marked_scan
from tests.formats.sample import empty_scan, findings, hostile_scan, large_scan, sample_scan

SHEETS = ["Summary", "Findings", "Rules", "Controls", "Registries", "Waivers", "Completeness"]


def rendered(scan):
    out = io.BytesIO()
    xlsx.render(scan, out)
    return out.getvalue()


def opened(scan):
    return openpyxl.load_workbook(io.BytesIO(rendered(scan)))


def rows_of(sheet):
    """The rows below the header as dicts."""
    head, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def facts(sheet):
    """First cell -> second cell, of every row of the summary."""
    return {row[0]: row[1:] for row in sheet.iter_rows(values_only=True) if row[0]}


@pytest.mark.parametrize(
    "make",
    [sample_scan, hostile_scan, marked_scan, hostile_marked, empty_scan, sampled],
    ids=lambda one: one.__name__,
)
def test_every_finding_is_a_row_and_the_counts_are_the_scans(make):
    """The sheet of findings and the summary count as the scan does."""
    scan = make()
    found = opened(scan)
    assert [name for name in found.sheetnames if name in SHEETS] == SHEETS
    rows = rows_of(found["Findings"])
    assert [row["fingerprint"] for row in rows] == [row.fingerprint for row in scan.findings]
    failed = Counter(row["severity"] for row in rows if row["verdict"] == "fail")
    assert failed == Counter({name: number for name, number in scan.tallies.findings.items() if number})
    said = facts(found["Summary"])
    total = scan.tallies.total()
    for verdict in Verdict:
        assert said[verdict.value][:2] == (total[verdict], sum(total.values()))
    assert said["all"][0] == sum(scan.tallies.findings.values())
    assert said["Findings"][0] == len(rows)
    by_rule = {row["rule"]: row for row in rows_of(found["Rules"])}
    for card in scan.header.rules:
        counts = scan.tallies.of_rule(card.id)
        assert {name.value: by_rule[card.id][name.value] for name in Verdict} == {
            name.value: counts[name] for name in Verdict
        }


@pytest.mark.parametrize("make", [hostile_scan, hostile_marked])
def test_no_formula_no_link_no_number_comes_from_outside(make):
    """Every cell is a text or one of our own counts; what begins like a formula carries the apostrophe of its cell."""
    content = rendered(make())
    seen = 0
    for sheet in openpyxl.load_workbook(io.BytesIO(content)).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type in {"s", "n", "inlineStr"}, cell.coordinate
                assert cell.hyperlink is None
                if isinstance(cell.value, str) and cell.value[:1] in set("=+-@\uff1d"):
                    assert cell.quotePrefix, (sheet.title, cell.coordinate, cell.value)
                    seen += 1
    assert seen > 20
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not any("externalLink" in name or "vba" in name for name in archive.namelist())
        for name in archive.namelist():
            text = archive.read(name).decode("utf-8")
            assert "<f>" not in text
            assert "<hyperlink" not in text


def test_markup_of_the_library_itself_is_a_text():
    """The writer has its own markup for rich texts; a message that looks like it must not become cells."""
    evil = '<r><t>x</t></r></is></c><c r="A9" t="str"><f>1+1</f></c><c><is><r></r>'
    row = replace(findings()[0], message=evil)
    found = opened(sample_scan(findings=(row,)))
    assert rows_of(found["Findings"])[0]["message"] == f"'{evil}"
    assert all(cell.data_type != "f" for line in found["Findings"].iter_rows() for cell in line)


def test_an_escape_of_the_file_format_is_a_text():
    """`_x0041_` means the letter A inside the file; a name that is written so stays as it is."""
    row = replace(findings()[0], message="_x0041_ and _x000D_")
    with zipfile.ZipFile(io.BytesIO(rendered(sample_scan(findings=(row,))))) as archive:
        assert b"_x005F_x0041_ and _x005F_x000D_" in archive.read("xl/worksheets/sheet2.xml")


def test_sheets_stay_readable():
    """Headers are frozen and filtered, columns are wide enough."""
    found = opened(marked_scan())
    for name in SHEETS[1:]:
        sheet = found[name]
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == sheet.dimensions
    assert [cell.value for cell in found["Findings"][1]] == [column.name for column in COLUMNS]
    assert found["Findings"].column_dimensions["B"].width > 30


def test_what_was_not_evaluated_is_counted_first():
    """Collections, rules and evaluations without an answer come before the numbers, with what they are a part of."""
    found = opened(marked_scan())
    said = [row[0] for row in found["Summary"].iter_rows(values_only=True)]
    assert said.index("Not evaluated") < said.index("Evaluations") < said.index("Findings")
    numbers = facts(found["Summary"])
    assert numbers["Collections not complete or not asked for"][:2] == (3, 4)
    assert numbers["Rules not asked at all"][:2] == (2, 11)
    assert numbers["Evaluations without an answer"][:2] == (3, 27)
    gaps = rows_of(found["Completeness"])
    assert {row["about"] for row in gaps} == {"collection", "subscription", "rule", "note"}
    (denied,) = [row for row in gaps if row["http status"] == 403]
    assert denied["missing permission"] == "Microsoft.Authorization/locks/read"
    assert denied["fix"].startswith("az role assignment create")
    (unread,) = [row for row in gaps if row["reason"] == "no right to read it"]
    assert unread["state"] == "not looked at"


def test_waivers_controls_registries_and_changes():
    """Each sheet says what its reader comes for."""
    found = opened(marked_scan())
    waiver, lapsed = rows_of(found["Waivers"])
    assert (waiver["waiver"], waiver["owner"], waiver["days left"]) == ("W-12", "owner@contoso.example", 8)
    assert (lapsed["state"], lapsed["why"]) == ("expired", "ended on 2026-11-01")
    (attested,) = rows_of(found["Attestations"])
    assert attested["evidence"] == "https://wiki.contoso.example/restore"
    controls = rows_of(found["Controls"])
    assert [row["no rule because"] for row in controls if row["control"] == "IR-1"] == ["it is about people"]
    ours = [row for row in controls if (row["control"], row["rule"]) == ("NS-2", "ACR201")]
    assert [(row["control title"], row["fail"], row["basis"]) for row in ours] == [
        ("Closed networks", 1, "stated")
    ]
    registries = rows_of(found["Registries"])
    assert [row["name"] for row in registries] == ["contosoeu", "contosoprod", "contosodev"]
    assert registries[1]["failing rules"] == "ACR101, ACR102, ACR201, ACR301, ACR401, ACR402"
    assert registries[1]["undecided rules"] == "ACR501, ACR601"
    assert [row["change"] for row in rows_of(found["Earlier findings"])] == ["resolved", "persisting"]
    said = facts(found["Summary"])
    assert said["resolved"][0] == 1
    assert said["still open, not looked at this time"][0] == 1
    assert said["failing and waived altogether"][:2] == (1, 9)


def test_other_resources_have_a_sheet():
    """Waivers are resources of their own type; so are tokens and others."""
    found = opened(sampled())
    kinds = {row["type"] for row in rows_of(found["Other resources"])}
    assert "acrscan/waivers" in kinds
    assert "Microsoft.ContainerRegistry/registries" not in kinds


def test_a_table_longer_than_a_sheet_goes_on_in_the_next(monkeypatch):
    """Nothing is lost, and the summary counts the rows of each part."""
    monkeypatch.setattr(book, "ROWS", 7)
    found = opened(sample_scan())
    names = [name for name in found.sheetnames if name.startswith("Findings")]
    assert names == ["Findings", "Findings 2", "Findings 3"]
    rows = [row for name in names for row in rows_of(found[name])]
    assert [row["fingerprint"] for row in rows] == [row.fingerprint for row in sample_scan().findings]
    said = facts(found["Summary"])
    assert [said[name][0] for name in names[1:]] == [6, 3]
    assert all(found[name].freeze_panes == "A2" for name in names)


def test_a_text_longer_than_a_cell_says_so():
    """A megabyte of message is cut in words."""
    row = replace(findings()[0], message="\U0001f469" * 500_000)
    message = rows_of(opened(sample_scan(findings=(row,)))["Findings"])[0]["message"]
    assert message.endswith("(cut, see the JSON report)")
    assert len(message.encode("utf-16-le")) // 2 <= CELL


def test_the_same_scan_gives_the_same_bytes(tmp_path):
    """Also under another time zone, file mode and clock: the archive is dated by the scan."""
    code = (
        "import io, os, sys, hashlib; os.umask(0o077)\n"
        "from scanner.formats import xlsx\n"
        "from tests.formats.marked import marked_scan\n"
        "out = io.BytesIO(); xlsx.render(marked_scan(), out)\n"
        "sys.stdout.buffer.write(out.getvalue())"
    )
    root = str(book.__file__).split("/scanner/")[0]
    env = {"TZ": "Asia/Tokyo", "PYTHONPATH": root, "PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=env, cwd=root)
    assert done.stdout == rendered(marked_scan())
    created = opened(marked_scan()).properties.created
    assert created.isoformat() == "2026-11-23T02:01:12"
    assert list(tmp_path.iterdir()) == []


def test_a_stream_that_cannot_seek_will_do():
    """`-o -` writes to a pipe."""

    class Pipe(io.RawIOBase):
        def __init__(self):
            self.got = b""

        def writable(self):
            return True

        def write(self, data):
            self.got += bytes(data)
            return len(data)

    pipe = Pipe()
    with io.BufferedWriter(pipe) as out:
        xlsx.render(sample_scan(), out)
    assert len(rows_of(openpyxl.load_workbook(io.BytesIO(pipe.got))["Findings"])) == 15


def test_without_the_package_one_is_told_what_to_install(monkeypatch):
    """The extra is named; nothing is written."""
    real = builtins.__import__

    def without(name, *rest, **kwargs):
        if name.split(".")[0] == "xlsxwriter":
            raise ImportError(name)
        return real(name, *rest, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    out = io.BytesIO()
    with pytest.raises(UsageError, match="pip install 'acrscan\\[xlsx\\]'"):
        xlsx.render(sample_scan(), out)
    assert out.getvalue() == b""
    with pytest.raises(UsageError, match="pip install"):
        check_formats(["json", "xlsx"], None)


@pytest.mark.slow
def test_many_rows_take_little_memory():
    """Fifty thousand rows: the process stays within what the same code needs for two thousand, and a little."""
    code = (
        "import io, resource, sys\n"
        "from scanner.formats import xlsx\n"
        "from tests.formats.sample import large_scan\n"
        "out = open(sys.argv[2], 'wb'); xlsx.render(large_scan(int(sys.argv[1])), out)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    root = str(book.__file__).split("/scanner/")[0]

    def peak(number):
        words = [sys.executable, "-c", code, str(number), "/dev/null"]
        return int(subprocess.run(words, capture_output=True, check=True, cwd=root).stdout)

    assert peak(50_000) < peak(2_000) + 40_000


def test_many_rows_are_all_there():
    """Every row of a few thousand can be read back."""
    content = io.BytesIO(rendered(large_scan(3_000)))
    sheet = openpyxl.load_workbook(content, read_only=True)["Findings"]
    assert sum(1 for _ in sheet.iter_rows(values_only=True)) == 3_001
