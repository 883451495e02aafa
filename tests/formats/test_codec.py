"""Records: what a dataclass of a scan becomes in JSON and how it comes back."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.model import codec
from scanner.model.codec import (
    RecordError,
    decode,
    encode,
    from_header_record,
    from_record,
    header_record,
    to_record,
)
from scanner.model.finding import Evidence, Finding, Verdict
from scanner.model.resource import Origin, Problem, SourceRun
from scanner.model.scan import AccessLine, AgreementTally, ResourceLine, ScanHeader, Tallies
from scanner.model.values import ABSENT, Hidden, Unknown, UnreadTail
from tests.formats.sample import findings, hostile_scan, sample_scan

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
EVIDENCE = st.builds(Evidence, TEXT, TEXT, JSON, TEXT, JSON, TEXT, TEXT, st.none() | TEXT, TEXT)
ORIGIN = st.builds(
    Origin, TEXT, TEXT, st.none() | st.integers(1, 9), st.none() | st.integers(1, 9), st.none() | TEXT
)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
FINDING = st.builds(
    Finding,
    *[TEXT, TEXT, st.sampled_from(Verdict), *[TEXT] * 9],
    evidence=st.lists(EVIDENCE, max_size=2).map(tuple),
    fingerprint=TEXT,
    origin=ORIGIN,
    qualifier=TEXT,
    affected=TEXTS,
    commands=st.lists(TEXTS, max_size=2).map(tuple),
    api_version=st.none() | TEXT,
    waiver=st.none() | TEXT,
    change=st.none() | TEXT,
    first_seen=st.none() | TEXT,
)
RUN = st.builds(
    SourceRun,
    *[TEXT, TEXT, TEXT, st.integers(0, 2**40)],
    st.lists(st.builds(Problem, TEXT, TEXT, st.none() | st.integers(100, 599), TEXT, TEXT), max_size=2).map(
        tuple
    ),
    st.none() | TEXT,
)
COUNTS = st.dictionaries(TEXT, st.integers(0, 2**40), max_size=3)
TALLIES = st.builds(
    Tallies,
    st.dictionaries(
        TEXT,
        st.dictionaries(
            TEXT, st.dictionaries(st.sampled_from(Verdict), st.integers(0), max_size=3), max_size=2
        ),
        max_size=2,
    ),
    COUNTS,
    COUNTS,
)
ROWS = [
    FINDING,
    st.builds(ResourceLine, *[TEXT] * 8),
    st.builds(AccessLine, *[TEXT] * 5, TEXTS, *[TEXT] * 4, st.booleans(), st.booleans(), TEXT),
    RUN,
]


@given(st.one_of(ROWS))
def test_every_row_survives_the_way_through_bytes(row):
    """A row, encoded and decoded, equals itself."""
    assert from_record(type(row), decode(encode(to_record(row)))) == row


@given(TALLIES)
def test_tallies_survive_the_way_through_records(tallies):
    """Nested mappings keep their typed keys."""
    again = from_record(Tallies, json.loads(json.dumps(to_record(tallies))))
    assert again == tallies
    assert all(
        type(key) is Verdict for rule in again.verdicts.values() for counts in rule.values() for key in counts
    )


@pytest.mark.parametrize("scan", [sample_scan(), hostile_scan(), sample_scan(agreement=())])
def test_the_header_comes_back_with_tallies_and_agreement(scan):
    """Everything of a scan but its rows goes through one record."""
    record = decode(encode(header_record(scan)))
    bare = dataclasses.replace(scan, findings=(), resources=(), access=(), earlier=())
    assert from_header_record(record) == bare
    assert "tallies" in record
    del record["agreed"]  # a scan of an older version
    assert from_header_record(record).agreed == AgreementTally()


def test_keys_are_camel_case_and_complete():
    """A record has every field of the dataclass, under its JSON name."""
    record = to_record(findings()[0])
    assert len(record) == len(dataclasses.fields(Finding))
    assert {"resourceGroup", "apiVersion", "firstSeen"} <= record.keys()
    assert record["verdict"] == "fail"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"severity": 3}, "severity: must be text"),
        ({"verdict": "passed"}, "verdict: must be one of pass, fail"),
        ({"evidence": {}}, "evidence: must be a list"),
        ({"origin": []}, "origin: must be an object"),
        ({"origin": {"source": "azure", "line": True}}, "origin.line: must be a whole number"),
        ({"origin": {}}, 'origin: the key "source" is missing'),
        ({"colour": "red"}, 'the key "colour" is not known'),
    ],
)
def test_a_wrong_record_is_refused_with_its_place(change, said):
    """Types and keys are checked, and the message names the key."""
    record = {**to_record(findings()[0]), **change}
    with pytest.raises(RecordError, match=said):
        from_record(Finding, record)


def test_a_record_of_an_older_scan_may_lack_optional_keys():
    """Fields with a default came later; their absence is no error."""
    record = to_record(findings()[0])
    del record["qualifier"], record["waiver"]
    assert from_record(Finding, record).waiver is None


@pytest.mark.parametrize("record", [None, [], "text"])
def test_what_is_no_object_is_no_dataclass(record):
    """Anything but an object is refused."""
    with pytest.raises(RecordError):
        from_record(ScanHeader, record)
    with pytest.raises(RecordError):
        from_header_record({"tallies": record})


def test_a_header_needs_its_agreement():
    """The agreement is a list, even an empty one."""
    record = header_record(sample_scan())
    del record["agreement"]
    with pytest.raises(RecordError, match="agreement"):
        from_header_record(record)
    with pytest.raises(RecordError, match="agreement: the key"):
        from_header_record({**record, "agreement": [{"a": 1}]})


def test_markers_in_evidence_become_tagged_objects():
    """Hidden, unknown and unread values are told apart in JSON; absent is null."""
    line = encode([Hidden("password"), Unknown("HTTP 403"), UnreadTail("HTTP 429"), ABSENT])
    assert json.loads(line) == [
        {"$hidden": "password"},
        {"$unknown": "HTTP 403"},
        {"$unread": "HTTP 429"},
        None,
    ]


def test_what_json_cannot_carry_is_replaced():
    """Lone surrogates, huge integers and keys that are no text do not stop a report."""
    line = encode({"a\ud800": [2**70, True, (1.5, "\udfff")], 3: ABSENT})
    assert json.loads(line) == {"a?": [str(2**70), True, [1.5, "?"]], "3": None}


def test_a_foreign_object_is_a_programming_error():
    """Only JSON values and markers have a place in a record."""
    with pytest.raises(TypeError):
        encode(object())
    with pytest.raises(TypeError):
        codec._decoder(set[int])


def test_text_that_is_no_json_is_refused():
    """The reader says that the line is no JSON."""
    with pytest.raises(RecordError, match="not JSON"):
        decode(b"{")
