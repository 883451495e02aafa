"""GitLab Code Quality: what its documentation asks of a report, and only open failures."""

import io
import json
import re
import tracemalloc
import unicodedata
from collections import Counter
from dataclasses import replace

import jsonschema
import pytest

from scanner.cli.demo import sampled
from scanner.formats import gitlab
from scanner.formats.sarif.place import inventory_uri
from scanner.model.finding import Verdict
from scanner.model.resource import Origin
from tests.formats.marked import hostile_marked, marked_scan
from tests.formats.sample import (
    CONTOSOPROD,
    HOSTILE,
    PROD,
    empty_scan,
    findings,
    hostile_scan,
    large_scan,
    sample_scan,
)

SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^/.]"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""The keys that GitLab's page "Code Quality report format" lists, and their values."""


def rendered(scan):
    out = io.BytesIO()
    gitlab.render(scan, out)
    return out.getvalue()


def read(scan):
    return json.loads(rendered(scan))


def unwaived(scan):
    """The hostile scans have every row waived."""
    return replace(scan, findings=tuple(replace(row, waiver=None) for row in scan.findings))


SCANS = [
    sample_scan,
    marked_scan,
    sampled,
    empty_scan,
    lambda: unwaived(hostile_scan()),
    lambda: unwaived(hostile_marked()),
]


@pytest.mark.parametrize("make", SCANS)
def test_the_report_is_what_gitlab_reads(make):
    """Valid, fingerprints once each, paths relative and without a way up."""
    found = read(make())
    jsonschema.validate(found, SCHEMA)
    prints = Counter(one["fingerprint"] for one in found)
    assert not prints or max(prints.values()) == 1
    assert not any(".." in one["location"]["path"].split("/") for one in found)


@pytest.mark.parametrize("make", SCANS)
def test_every_open_failure_and_nothing_else(make):
    """Neither waived nor undecided nor manual rows are degradations."""
    scan = make()
    assert [one["fingerprint"] for one in read(scan)] == [
        row.fingerprint for row in scan.findings if row.gating
    ]


def test_the_count_is_that_of_the_tallies():
    """Findings of the sample estate less the waived ones."""
    scan = sampled()
    waived = sum(scan.tallies.waived.values())
    assert waived > 0
    assert len(read(scan)) == sum(scan.tallies.findings.values()) - waived
    by_severity = Counter(one["severity"] for one in read(scan))
    for ours, theirs in gitlab.SEVERITIES.items():
        assert by_severity[theirs] == scan.tallies.findings[ours] - scan.tallies.waived[ours]


def test_a_degradation_says_rule_resource_and_message():
    """And how many share its cause; the place is the inventory address, or the file."""
    shared, *_ = read(sample_scan())
    assert shared["check_name"] == "ACR301"
    assert shared["severity"] == "critical"
    assert (
        "contosoeu (and 1 more resource with the same cause): The service principal" in shared["description"]
    )
    assert shared["location"] == {"path": f"inventory/{PROD}/rg-prod/contosoeu.json", "lines": {"begin": 1}}
    in_file = next(one for one in read(sample_scan()) if one["location"]["path"].endswith(".bicep"))
    assert in_file["location"] == {"path": "infra/registry.bicep", "lines": {"begin": 12}}


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ("./a b/x.tf", "a b/x.tf"),
        ("/builds/group/x.tf", "builds/group/x.tf"),
        ("C:\\work\\x.json", "work/x.json"),
        ("../x.json", "_../x.json"),
        ("a/\u202ex.json", "a/\\u202ex.json"),
    ],
)
def test_paths_of_files(where, path):
    """Relative, with slashes, visible."""
    row = replace(findings()[0], origin=Origin("arm", where, 3, 1))
    assert read(sample_scan(findings=(row,)))[0]["location"] == {"path": path, "lines": {"begin": 3}}


@pytest.mark.parametrize("make", [hostile_scan, hostile_marked])
def test_hostile_text_is_visible(make):
    """No control or bidirectional character in any value, addresses as in SARIF."""
    scan = unwaived(make())
    found = read(scan)
    text = json.dumps(found, ensure_ascii=False)
    assert not {char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert {one["location"]["path"] for one in found} == {
        inventory_uri(f"{CONTOSOPROD}{text}") for text in HOSTILE
    }
    assert all(re.fullmatch(r"[!-~]+", one["location"]["path"]) for one in found)


def test_an_empty_scan_is_an_empty_list():
    """GitLab takes that for a report without problems."""
    assert rendered(empty_scan()) == b"[\n]\n"


def test_other_verdicts_stay_out():
    """A row that passes is none."""
    rows = tuple(
        replace(findings()[0], verdict=verdict) for verdict in Verdict if verdict is not Verdict.FAIL
    )
    assert read(sample_scan(findings=rows)) == []


def test_the_same_scan_gives_the_same_bytes_in_constant_memory():
    """Rows are written as they come."""
    assert rendered(sampled()) == rendered(sampled())

    class Sink(io.RawIOBase):
        rows = 0

        def writable(self):
            return True

        def write(self, data):
            self.rows += bytes(data).count(b'"check_name"')
            return len(data)

    def peak(number):
        sink = Sink()
        scan = large_scan(number)
        tracemalloc.start()
        with io.BufferedWriter(sink) as out:
            gitlab.render(scan, out)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert sink.rows == number
        return found

    peak(10)
    small = peak(1_000)
    assert peak(6_000) < small * 1.5 + 200_000
