"""Generated files are up to date, and all reports of one scan carry the same numbers."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from scanner import formats
from scanner.cli.options import pack_from
from scanner.model.finding import Verdict
from scanner.workbench import docs
from tests.golden import FORMATS, sample_scan, schemas

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "reports" / "sample"
SCAN = sample_scan()


@pytest.mark.parametrize("name", FORMATS)
def test_sample_reports(name):
    """Each committed report is byte for byte what the format writes today (compressed blocks apart)."""
    out = io.BytesIO()
    formats.get(name).render(SCAN, out)
    committed = (SAMPLE / f"acrscan{formats.get(name).EXTENSION}").read_bytes()
    assert plain(out.getvalue()) == plain(committed), "run `make golden`"


def plain(content: bytes) -> bytes:
    """A report without its compressed block, whose bytes depend on the zlib build."""
    return re.sub(rb'(<script type="application/octet-stream"[^>]*>)[^<]*', rb"\1", content)


def test_schemas_and_pages():
    """Schemas, rule pages and the relations page."""
    for name, text in schemas().items():
        assert (ROOT / "policies" / "schemas" / name).read_text("utf-8") == text, "run `make golden`"
    pack = pack_from(None)
    assert (ROOT / "docs" / "rules" / "README.md").read_text("utf-8") == docs.index(pack)
    assert (ROOT / "docs" / "relations.md").read_text("utf-8") == docs.relations()
    for rule in pack.rules:
        assert (ROOT / "docs" / "rules" / f"{rule.id}.md").read_text("utf-8") == docs.page(rule)


def test_all_reports_count_alike():
    """JSON, stored scan, SARIF, HTML and console of the sample agree on findings and verdicts."""
    failed = sum(SCAN.tallies.findings.values())
    document = json.loads((SAMPLE / "acrscan.json").read_text("utf-8"))
    assert sum(row["verdict"] == "fail" for row in document["findings"]) == failed
    stored = [json.loads(line) for line in (SAMPLE / "acrscan.ndjson").read_text("utf-8").splitlines()]
    assert sum(row["record"] == "finding" and row["verdict"] == "fail" for row in stored) == failed
    sarif = json.loads((SAMPLE / "acrscan.sarif").read_text("utf-8"))
    results = sarif["runs"][0]["results"]
    assert (
        sum(
            row["properties"]["acrscan/verdict"] == "fail" and row.get("baselineState") != "absent"
            for row in results
        )
        == failed
    )
    assert f"{failed} findings" in (SAMPLE / "acrscan.txt").read_text("utf-8")
    total = SCAN.tallies.total()
    page = (SAMPLE / "acrscan.html").read_text("utf-8")
    for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN):
        assert str(total[verdict]) in page
