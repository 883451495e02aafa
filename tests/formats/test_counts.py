"""All formats of one scan carry the same counts: each is read back by a counter of its own, and none may lack one."""

import base64
import csv
import io
import json
import re
import xml.etree.ElementTree as ET
import zlib
from collections import Counter
from itertools import accumulate

import openpyxl
import pytest

from scanner import formats
from scanner.cli.demo import sampled
from scanner.formats._settings import Settings
from scanner.model.finding import Verdict
from scanner.waivers.apply import apply
from tests.formats.sample import empty_scan, hostile_scan, sample_scan
from tests.waivers.building import attestation, register, waiver

SCANS = {
    "sample": sample_scan(),
    "hostile": hostile_scan(),
    "empty": empty_scan(),
    "waived": apply(
        sample_scan(), register(waiver(), waiver("W-2", "ACR402", expires="2026-11-02"), attestation())
    ),
    "demo": sampled(),
}


def counts(scan):
    """What every format has to agree on: failing rows, waived ones among them, and evaluations by verdict."""
    rows = list(scan.findings)
    return {
        "fail": sum(row.verdict is Verdict.FAIL for row in rows),
        "waived": sum(row.verdict is Verdict.FAIL and bool(row.waiver) for row in rows),
        "verdicts": {verdict.value: number for verdict, number in scan.tallies.total().items()},
    }


def of_json(content, _):
    document = json.loads(content)
    rows = document["findings"]
    return _of_records(rows) | {"verdicts": document["summary"]["verdicts"]}


def of_ndjson(content, scan):
    records = [json.loads(line) for line in content.splitlines()]
    rows = [row for row in records if row["record"] == "finding"]
    letters: Counter[str] = Counter()
    for row in records:
        if row["record"] == "header":
            for by_subscription in row["tallies"]["verdicts"].values():
                for numbers in by_subscription.values():
                    letters.update(numbers)
    return _of_records(rows) | {"verdicts": {verdict.value: letters[verdict.value] for verdict in Verdict}}


def _of_records(rows):
    fails = [row for row in rows if row["verdict"] == "fail"]
    return {"fail": len(fails), "waived": sum(bool(row["waiver"]) for row in fails)}


def of_sarif(content, scan):
    (run,) = json.loads(content)["runs"]
    fails = [
        row
        for row in run["results"]
        if row["properties"]["acrscan/verdict"] == "fail" and row.get("baselineState") != "absent"
    ]
    accepted = [
        row for row in fails if any(one["status"] == "accepted" for one in row.get("suppressions", ()))
    ]
    return {
        "fail": len(fails),
        "waived": len(accepted),
        "verdicts": run["properties"]["acrscan/summary"]["verdicts"],
    }


def of_csv(content, scan):
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    fails = [row for row in rows if row["verdict"] == "fail"]
    return {"fail": len(fails), "waived": sum(bool(row["waiver"]) for row in fails)}


def of_xlsx(content, scan):
    book = openpyxl.load_workbook(io.BytesIO(content))
    said = {row[0].value: row[1].value for row in book["Summary"].iter_rows(min_row=2)}
    titles = [cell.value for cell in book["Findings"][1]]
    rows = [[cell.value for cell in row] for row in book["Findings"].iter_rows(min_row=2)]
    fails = [row for row in rows if row[titles.index("verdict")] == "fail"]
    verdicts = {verdict.value: said[f"evaluations: {verdict.value}"] for verdict in Verdict}
    return {
        "fail": len(fails),
        "waived": sum(bool(row[titles.index("waiver")]) for row in fails),
        "verdicts": verdicts,
    }


def of_junit(content, scan):
    """Test cases are evaluations: passes, and undecided ones as errors, can be told apart; the rest adds up."""
    cases = Counter(
        case[0].tag if len(case) else "passed" for case in ET.fromstring(content).iter("testcase")
    )
    total = scan.tallies.total()
    assert cases["passed"] == total[Verdict.PASS]
    assert cases["error"] == total[Verdict.UNKNOWN] + total[Verdict.ERROR]
    assert cases.total() == sum(total.values())
    return {}


def of_markdown(content, scan):
    text = content.decode()
    opened = int(re.findall(r"## acrscan: ([\d,]+) open", text)[0].replace(",", ""))
    waived = re.search(r"\(([\d,]+) of [\d,]+ waived\)", text)
    accepted = int(waived[1].replace(",", "")) if waived else 0
    names = {"not applicable": "notApplicable"}
    verdicts = {
        names.get(name, name): int(number.replace(",", ""))
        for name, number in re.findall(
            r"^\| (pass|fail|unknown|error|not applicable|manual) \| ([\d,]+) of", text, re.MULTILINE
        )
    }
    return {"fail": opened + accepted, "waived": accepted, "verdicts": verdicts}


def of_gitlab(content, scan):
    """Open ones only, by contract."""
    expected = counts(scan)
    assert len(json.loads(content)) == expected["fail"] - expected["waived"]
    return {}


def of_ocsf(content, scan):
    rows = [json.loads(line) for line in content.splitlines()]
    carried = {row.fingerprint for row in scan.earlier}
    fails = [
        row
        for row in rows
        if row["unmapped"]["verdict"] == "fail" and row["finding_info"]["uid"] not in carried
    ]
    return {"fail": len(fails), "waived": sum(row["status_id"] == 3 for row in fails)}


def of_oscal(content, scan):
    (result,) = json.loads(content)["assessment-results"]["results"]
    risks = result.get("risks", [])
    said = {one["name"]: int(one["value"]) for one in result["props"]}
    verdicts = {verdict.value: said[f"evaluations-{verdict.value}"] for verdict in Verdict}
    return {"fail": len(risks), "waived": sum(one["status"] != "open" for one in risks), "verdicts": verdicts}


def of_console(content, scan):
    text = content.decode()
    head = re.search(r"^Findings  ([\d,]+): .*?(?:\(([\d,]+) of them waived\))?$", text, re.MULTILINE)
    fail = int(head[1].replace(",", "")) if head else 0
    waived = int(head[2].replace(",", "")) if head and head[2] else 0
    names = {"not applicable": "notApplicable"}
    verdicts = {
        names.get(name.strip(), name.strip()): int(number.replace(",", ""))
        for name, number in re.findall(
            r"^  (pass|fail|unknown|error|not applicable|manual) +([\d,]+) of", text, re.MULTILINE
        )
    }
    return {"fail": fail, "waived": waived, "verdicts": verdicts}


def of_html(content, scan):
    """The page's own table, unpacked: columns of steps, or one number where a column holds nothing else."""
    packed = re.findall(rb'id="table-data">([^<]*)<', content)[0]
    table = json.loads(zlib.decompress(base64.b64decode(packed), zlib.MAX_WBITS | 16))
    rows = table["total"]
    verdicts, waivers = (_column(table["columns"][name], rows) for name in ("verdict", "waiver"))
    fails = [at for at, verdict in enumerate(verdicts) if table["verdicts"][verdict] == "fail"]
    return {"fail": len(fails), "waived": sum(bool(waivers[at]) for at in fails)}


def _column(column, rows):
    return list(accumulate(column)) if isinstance(column, list) else [column] * rows


COUNTERS = {
    name.removeprefix("of_"): counter for name, counter in dict(globals()).items() if name.startswith("of_")
}


@pytest.mark.parametrize("scan", SCANS)
@pytest.mark.parametrize("name", formats.names())
def test_every_format_carries_the_scans_counts(name, scan):
    """Whatever a format tells is what the scan holds; a format without a counter fails here."""
    out = io.BytesIO()
    formats.get(name).render(SCANS[scan], out, Settings())
    told = COUNTERS[name](out.getvalue(), SCANS[scan])
    expected = counts(SCANS[scan])
    assert told == {key: expected[key] for key in told}


def test_extensions_are_apart():
    """Reports of one scan never overwrite each other."""
    found = [formats.get(name).EXTENSION for name in formats.names()]
    assert len(set(found)) == len(found)
