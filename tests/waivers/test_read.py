"""Waiver files: the good one is read, every mistake has its place, and a wrong file gives nothing."""

import json

import jsonschema
import pytest
import yaml

from scanner.errors import ScannerError
from scanner.waivers.read import parse, read
from scanner.waivers.schema import waiver_schema

GOOD = """\
apiVersion: acrscan/v1
policy: {maximumDays: 180, soonDays: 14, broad: 5}
waivers:
  - id: W-1
    rule: ACR101
    resource: /subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r
    element: "20.0.0.0/8"
    kind: risk-accepted
    reason: Partner needs it
    owner: mira
    ticket: OPS-1
    approver: tomas
    created: 2026-11-01
    expires: 2027-01-31
attestations:
  - id: A-1
    rule: ACR902
    resourceGlob: "**"
    result: met
    reason: Read with counsel
    owner: mira
    approver: tomas
    evidence: https://example.com/minutes
    created: 2026-11-01
    expires: 2027-01-31
"""


def test_a_good_file(tmp_path):
    """Everything arrives, with its place and the file's digest."""
    path = tmp_path / "acr-waivers.yaml"
    path.write_text(GOOD, "utf-8")
    found = read(path, {"ACR101", "ACR902"})
    assert found.policy.maximum_days == 180
    assert found.waivers[0].covers.element == "20.0.0.0/8"
    assert found.waivers[0].place == f"{path}:4:5"
    assert found.attestations[0].covers.glob == "**"
    assert len(found.digest) == 64


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("    owner: mira\n", "", 4, "no 'owner'"),
        ("expires: 2027-01-31", "expires: 31.01.2027", 14, "YYYY-MM-DD"),
        ("expires: 2027-01-31", "expires: 2027-02-30", 14, "day that exists"),
        ("expires: 2027-01-31", "expires: 20270131", 14, "YYYY-MM-DD"),
        ("expires: 2027-01-31", "expires: 2026-10-01", 14, "before it was created"),
        ("    kind: risk-accepted\n", "    kind: risk-acepted\n", 8, "risk-accepted"),
        ("    reason: Partner needs it\n", "    reason: ''\n", 9, "empty"),
        ("rule: ACR101", "rule: ACR110", 5, "no rule"),
        ("    rule: ACR101\n", "    rule: ACR101\n    rule: ACR101\n", 6, "rule"),
        ("    resource: /sub", "    resource: sub", 6, "no resource id"),
        ("registries/r\n", "registries/*\n", 6, "resourceGlob"),
        ("    element:", "    resourceGlob: x\n    element:", 7, "exactly one"),
        ("    ticket:", "    tickett:", 11, "ticket"),
        ("id: A-1", "id: w-1", 16, "stands twice"),
        ("policy: {maximumDays: 180", "policy: {maximumDays: many", 2, "whole number"),
        ("apiVersion: acrscan/v1\n", "apiVersion: acrscan/v9\n", 1, "acrscan/v1"),
        ("waivers:\n", "waivers: &a\n", 3, "anchor"),
    ],
)
def test_a_mistake_is_told_with_its_place(old, new, line, words):
    """File, line, and what is wrong; nothing of the file counts."""
    assert old in GOOD
    with pytest.raises(ScannerError) as caught:
        parse(GOOD.replace(old, new, 1), "w.yaml", {"ACR101", "ACR902"})
    text = str(caught.value)
    assert f"w.yaml:{line}:" in text
    assert words in text


def test_all_mistakes_are_told_at_once():
    """One run shows every one of them."""
    bad = GOOD.replace("    owner: mira\n", "").replace("kind: risk-accepted", "kind: x")
    with pytest.raises(ScannerError) as caught:
        parse(bad, "w.yaml")
    assert str(caught.value).count("w.yaml:") >= 3


@pytest.mark.parametrize("text", ["", "[]", "a: b: c", "apiVersion: acrscan/v1\nwaivers: {}\n", "\x00"])
def test_what_is_no_waiver_file(text):
    """A clear error, never an empty register."""
    with pytest.raises(ScannerError):
        parse(text, "w.yaml")


def test_schema_and_reader_agree():
    """Editors accept the good file and refuse what the reader refuses (dates aside, which JSON Schema knows by shape)."""
    validator = jsonschema.Draft202012Validator(waiver_schema())
    good = yaml.load(GOOD, yaml.BaseLoader)
    good["policy"] = {key: int(value) for key, value in good["policy"].items()}
    assert not list(validator.iter_errors(good))
    for change in ({"owner": None}, {"tickett": "x"}, {"kind": "x"}, {"resourceGlob": "**"}, {"id": "a b"}):
        bad = json.loads(json.dumps(good))
        for key, value in change.items():
            if value is None:
                del bad["waivers"][0][key]
            else:
                bad["waivers"][0][key] = value
        assert list(validator.iter_errors(bad)), change
