"""The stored scan: what `-f ndjson` writes, `stored.read` gives back, and nothing that was cut or changed."""

import io
import json
import re

import pytest

from scanner import stored
from scanner.errors import InputError
from scanner.formats import get
from tests.formats.sample import empty_scan, findings, hostile_scan, large_scan, sample_scan


def rendered(scan, name="ndjson"):
    """The bytes of a scan in a format."""
    out = io.BytesIO()
    get(name).render(scan, out)
    return out.getvalue()


def same(one, other):
    """Two scans are equal as values."""
    assert one.header == other.header
    assert one.tallies == other.tallies
    assert one.agreement == other.agreement
    assert one.agreed == other.agreed
    for rows in ("findings", "resources", "access"):
        assert tuple(getattr(one, rows)) == tuple(getattr(other, rows)), rows


@pytest.fixture
def file(tmp_path):
    """The stored sample."""
    path = tmp_path / "scan.ndjson"
    path.write_bytes(rendered(sample_scan()))
    return path


@pytest.mark.parametrize("scan", [sample_scan(), hostile_scan(), empty_scan(), large_scan(300)])
def test_a_stored_scan_reads_back_as_itself(scan, tmp_path):
    """Header, tallies, agreement and all rows come back equal, and rendering them again gives the same bytes."""
    path = tmp_path / "scan.ndjson"
    path.write_bytes(rendered(scan))
    again = stored.read(path)
    same(scan, again)
    same(scan, again)
    assert rendered(again) == path.read_bytes()


def test_rows_know_their_number_without_being_read(file):
    """The number of rows is known from the check."""
    scan = stored.read(file)
    assert isinstance(scan.findings, stored.Rows)
    assert len(scan.findings) == len(findings())


def test_lines_are_records_with_an_end(file):
    """Each line is one record; the last one counts them."""
    records = [json.loads(line) for line in file.read_bytes().splitlines()]
    kinds = [record["record"] for record in records]
    assert kinds == ["header"] + ["resource"] * 3 + ["finding"] * 15 + ["access"] * 5 + ["end"]
    assert records[0]["schema"] == "acrscan/scan/v1"
    assert records[-1]["counts"] == {"resource": 3, "finding": 15, "access": 5, "earlier": 0}


def refused(path, said, line):
    """Reading fails with these words and this place."""
    with pytest.raises(InputError) as caught:
        stored.read(path)
    assert re.search(said, str(caught.value)), str(caught.value)
    assert caught.value.where == (f"{path}:{line}" if line else str(path))
    assert caught.value.exit_code == 2


def test_every_truncation_is_noticed(file):
    """A file cut anywhere, in a line or between two, is refused."""
    whole = file.read_bytes()
    for cut in [*range(0, len(whole), 997), len(whole) - 1, whole.rindex(b"\n", 0, -1) + 1]:
        file.write_bytes(whole[:cut])
        with pytest.raises(InputError):
            stored.read(file)


def test_a_file_without_its_end_says_so(file):
    """The message tells what is missing and in which line."""
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]))
    refused(file, "end record is missing", len(lines) - 1)
    file.write_bytes(b"".join(lines[:4]) + lines[4][:50])
    refused(file, "the line is cut", 5)


def test_an_edited_value_is_noticed(file):
    """A change that is still a valid record does not match the sha256."""
    file.write_bytes(file.read_bytes().replace(b'"severity":"critical"', b'"severity":"low"'))
    refused(file, "changed after it was written", 25)


def test_an_edit_that_breaks_a_record_is_found_in_its_line(file):
    """Where a row itself is wrong, its own line is named."""
    lines = file.read_bytes().splitlines(keepends=True)
    lines[6] = re.sub(rb'"verdict":"\w+"', b'"verdict":"green"', lines[6])
    file.write_bytes(b"".join(lines))
    refused(file, "verdict: must be one of", 7)
    lines[6] = b"{oops\n"
    file.write_bytes(b"".join(lines))
    refused(file, "not JSON", 7)
    lines[6] = b"[]\n"
    file.write_bytes(b"".join(lines))
    refused(file, "is no record", 7)


def test_missing_added_and_moved_rows_are_noticed(file):
    """The counts and the order are checked."""
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:7] + lines[8:]))
    refused(file, "counts differ", 24)
    file.write_bytes(b"".join([lines[0], lines[7], *lines[1:7], *lines[8:]]))
    refused(file, "has no place here", 3)
    file.write_bytes(b"".join([*lines, lines[7]]))
    refused(file, "after the end record", 26)


def test_a_newer_schema_asks_for_a_newer_version(file):
    """A stored scan of a later schema is not guessed at."""
    file.write_bytes(file.read_bytes().replace(b"acrscan/scan/v1", b"acrscan/scan/v2", 1))
    refused(file, "acrscan/scan/v2", 1)
    with pytest.raises(InputError, match="newer acrscan"):
        stored.read(file)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not a stored scan"),
        (b"\x00\xff\xfe\n", "is not a stored scan"),
        (b'{"$schema":"x","version":"2.1.0"}\n', "is not a stored scan"),
        (b"[1]\n", "is not a stored scan"),
        (b'{"record":"header","schema":"other/v1"}\n', "unknown schema"),
        (b'{"record":"header","schema":"acrscan/scan/v1"}\n', "end record is missing"),
    ],
)
def test_foreign_files_are_refused(file, content, said):
    """What another program wrote is named as such."""
    file.write_bytes(content)
    refused(file, said, 1)


def test_a_header_of_another_shape_is_refused(file):
    """The header is checked like every row."""
    file.write_bytes(file.read_bytes().replace(b'"profile":"production"', b'"profile":7', 1))
    refused(file, "profile: must be text", 1)


def test_a_missing_file_is_an_input_error(tmp_path):
    """No traceback for a wrong path."""
    refused(tmp_path / "none.ndjson", "cannot be read", 0)


def test_a_file_that_changes_while_it_is_read_is_noticed(file):
    """Rows are read later; a file that was cut meanwhile is refused then."""
    scan = stored.read(file)
    file.write_bytes(file.read_bytes()[:9_000])
    with pytest.raises(InputError):
        list(scan.findings)
