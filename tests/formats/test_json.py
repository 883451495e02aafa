"""The JSON document: one object with everything, the same counts as the scan, written row by row."""

import io
import json

import pytest

from scanner.errors import UsageError
from scanner.formats import get, names
from scanner.model.codec import to_record
from scanner.model.finding import Verdict
from tests.formats.sample import empty_scan, hostile_scan, large_scan, sample_scan


def document(scan):
    """The document as values."""
    out = io.BytesIO()
    get("json").render(scan, out)
    return json.loads(out.getvalue())


@pytest.mark.parametrize("make", [sample_scan, hostile_scan, empty_scan])
def test_the_document_holds_the_whole_scan(make):
    """Header and rows are the records of the stored scan."""
    scan = make()
    found = document(scan)
    assert found["schema"] == "acrscan/scan/v1+document"
    assert found["header"] == json.loads(json.dumps(to_record(scan.header)))
    assert found["findings"] == [json.loads(json.dumps(to_record(row))) for row in scan.findings]
    assert len(found["resources"]) == len(scan.resources)
    assert len(found["access"]) == len(scan.access)
    assert found["agreement"] == [json.loads(json.dumps(to_record(row))) for row in scan.agreement]
    assert found["agreed"] == to_record(scan.agreed)


def test_the_summary_counts_what_the_rows_count():
    """Verdicts add up, failures by severity are those of the rows, and the score shows its parts."""
    found = document(sample_scan())
    said = found["summary"]
    assert sum(said["verdicts"].values()) == said["evaluations"] == 27
    rows = [row for row in found["findings"] if row["verdict"] == "fail"]
    assert said["failRows"]["total"] == len(rows)
    for severity, number in said["failRows"]["bySeverity"].items():
        assert number == sum(row["severity"] == severity for row in rows)
    assert said["score"] == {
        "formula": "pass / (pass + fail)",
        "numerator": 10,
        "denominator": 19,
        "value": 0.526316,
    }
    assert [entry["rule"] for entry in said["rulesNotEvaluated"]] == ["ACR901", "ACR902"]
    assert "Microsoft.Authorization/locks" in said["collectionsIncomplete"]


def test_an_empty_scan_has_no_score():
    """Nothing decided is not 0 % and not 100 %."""
    said = document(empty_scan())["summary"]
    assert said["score"]["value"] is None
    assert set(said["verdicts"]) == {verdict.value for verdict in Verdict}


def test_bytes_are_the_same_every_time():
    """Rendering twice gives the same document."""
    one, two = io.BytesIO(), io.BytesIO()
    get("json").render(sample_scan(), one)
    get("json").render(sample_scan(), two)
    assert one.getvalue() == two.getvalue()


def test_rows_are_written_as_they_come():
    """No write is larger than a few rows, whatever the number of findings."""

    class Counting(io.BytesIO):
        largest = 0

        def write(self, data):
            self.largest = max(self.largest, len(data))
            return super().write(data)

    out = Counting()
    get("json").render(large_scan(2_000), out)
    assert out.largest < 20_000
    assert len(json.loads(out.getvalue())["findings"]) == 2_000


def test_the_folder_is_the_list_of_formats():
    """Every module without underscore is a format with what a format needs."""
    assert {"console", "json", "ndjson", "sarif"} <= set(names())
    for name in ("console", "json", "ndjson", "sarif"):
        found = get(name)
        assert found.EXTENSION
        assert callable(found.render)
        assert (found.__doc__ or "").split("\n")[0].endswith((".", ","))


def test_an_unknown_format_gets_a_hint():
    """The error names the nearest format and all of them."""
    with pytest.raises(UsageError) as caught:
        get("Jsn")
    assert 'Did you mean "json"?' in str(caught.value)
    assert "sarif" in str(caught.value)
    for name in ("_text", "", "json.decoder"):
        with pytest.raises(UsageError):
            get(name)
