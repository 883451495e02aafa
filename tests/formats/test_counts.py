"""All formats of one scan carry the same counts: each is read back by a counter of its own, and none may lack one."""

import base64
import csv
import io
import json
import re
import xml.etree.ElementTree as ET
import zlib
from collections import Counter
from dataclasses import replace
from itertools import accumulate

import openpyxl
import pytest

from scanner import formats
from scanner.cli.demo import sampled
from scanner.compare.against import Baseline, against
from scanner.errors import PartialError
from scanner.formats import sarif
from scanner.formats._settings import Settings
from scanner.model.finding import Verdict
from scanner.model.ids import subscription_of
from scanner.waivers.apply import apply
from tests.formats.marked import marked_scan
from tests.formats.sample import LINES, empty_scan, finding, hostile_scan, large_scan, sample_scan
from tests.waivers.building import attestation, register, waiver


def carried_over():
    """A scan that could not look at a failure of the baseline, and one that is gone."""
    kept, gone = (finding("ACR101", line, Verdict.FAIL, "on") for line in (LINES[1], LINES[0]))
    before = sample_scan(findings=(gone, kept), now="2026-11-22T02:00:00Z")
    lines = (LINES[0], replace(LINES[1], letters="U" + LINES[1].letters[1:]), LINES[2])
    return against(sample_scan(findings=(), resources=lines), Baseline(before, "x"))


SCANS = {
    "sample": sample_scan(),
    "hostile": hostile_scan(),
    "empty": empty_scan(),
    "waived": apply(
        sample_scan(), register(waiver(), waiver("W-2", "ACR402", expires="2026-11-02"), attestation())
    ),
    "marked": marked_scan(),
    "carried": carried_over(),
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
        if row["properties"]["acrscan/verdict"] == "fail"
        and row.get("baselineState") != "absent"
        and not row["properties"].get("acrscan/carriedForward")
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
    endings = [case[0] for case in ET.fromstring(content).iter("testcase") if len(case)]
    waived = sum(one.tag == "skipped" and one.get("message", "").startswith("waived") for one in endings)
    assert cases["failure"] + waived == total[Verdict.FAIL]
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
    """Without the baseline's rows: closed ones, and those that were not looked at this time."""
    rows = [json.loads(line)["unmapped"] for line in content.splitlines()]
    states = [json.loads(line)["status_id"] for line in content.splitlines()]
    fails = [
        (row, state)
        for row, state in zip(rows, states, strict=True)
        if row["verdict"] == "fail"
        and row.get("change") != "resolved"
        and (row.get("change") != "persisting" or row.get("why") not in ("data", "scope"))
    ]
    return {"fail": len(fails), "waived": sum(state == 3 for _, state in fails)}


def of_oscal(content, scan):
    """Without the risks that are carried over; resources hold all evaluations, those that passed too."""
    (result,) = json.loads(content)["assessment-results"]["results"]
    risks = [
        one for one in result.get("risks", ()) if not any(prop["name"] == "carried" for prop in one["props"])
    ]
    said = {one["name"]: int(one["value"]) for one in result["props"]}
    verdicts = {verdict.value: said[f"evaluations-{verdict.value}"] for verdict in Verdict}
    accepted = sum(one["status"] in ("deviation-approved", "closed") for one in risks)
    return {"fail": len(risks), "waived": accepted, "verdicts": verdicts}


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


def rendered(name, scan, **settings):
    """The bytes of a report."""
    out = io.BytesIO()
    formats.get(name).render(scan, out, Settings(**settings))
    return out.getvalue()


@pytest.mark.parametrize("scan", SCANS)
@pytest.mark.parametrize("name", formats.names())
def test_every_format_carries_the_scans_counts(name, scan):
    """Whatever a format tells is what the scan holds; a format without a counter fails here."""
    told = COUNTERS[name](rendered(name, SCANS[scan]), SCANS[scan])
    expected = counts(SCANS[scan])
    assert told == {key: expected[key] for key in told}


def test_extensions_are_apart():
    """Reports of one scan never overwrite each other."""
    found = [formats.get(name).EXTENSION for name in formats.names()]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("scan", ["empty", "marked", "carried", "demo"])
@pytest.mark.parametrize("limit", [5, 5_000])
def test_sarif_for_github_and_what_it_left_out_are_the_scan(scan, limit):
    """That profile shows a part: open failures up to a limit. It counts the rest by reason."""
    content = rendered("sarif", SCANS[scan], sarif_profile="github", sarif_limit=limit)
    (run,) = json.loads(content)["runs"]
    left = dict(run["properties"].get("acrscan/leftOut", {}))
    left.update({f"limit {severity}": number for severity, number in left.pop("limit", {}).items()})
    rows = [*SCANS[scan].findings, *SCANS[scan].earlier]
    assert len(run["results"]) == min(limit, sum(row.gating and row.change != "resolved" for row in rows))
    assert len(run["results"]) + sum(left.values()) == len(rows)
    assert left.get("waived", 0) == sum(row.verdict is Verdict.FAIL and bool(row.waiver) for row in rows)


def test_sarif_for_github_refuses_what_would_close_alerts():
    """A scan that did not look at everything and has no baseline to carry on gives no file, not a smaller one."""
    with pytest.raises(PartialError):
        rendered("sarif", SCANS["sample"], sarif_profile="github")


@pytest.mark.parametrize("kind", ["summary", "comment"])
def test_markdown_that_is_full_counts_what_it_left_out(kind):
    """The head tells everything, each list how many more there are."""
    scan = large_scan(20_000)
    content = rendered("markdown", scan, markdown=kind)
    assert of_markdown(content, scan)["fail"] == 20_000
    (more,) = re.findall(r"\*\*Truncated: ([\d,]+) more open findings", content.decode())
    listed = content.decode().count("| critical | ACR101 | reg")
    assert listed + int(more.replace(",", "")) == 20_000


@pytest.mark.parametrize("scan", ["sample", "marked", "demo"])
def test_split_sarif_is_the_scan(scan):
    """A row stands in the file of each subscription that it is about, and in no other."""
    told: Counter[str] = Counter()
    for write in sarif.writers(SCANS[scan], Settings(sarif_split=True)).values():
        out = io.BytesIO()
        write(SCANS[scan], out)
        (run,) = json.loads(out.getvalue())["runs"]
        told.update(row["fingerprints"]["acrscan/v1"] for row in run["results"])
    expected: Counter[str] = Counter()
    for row in (*SCANS[scan].findings, *SCANS[scan].earlier):
        expected[row.fingerprint] += len({subscription_of(one) for one in row.resources})
    assert told == expected
