"""Recording scans: what is new, persisting, reopened, resolved, and what stays open because nobody could look."""

from __future__ import annotations

import dataclasses
import multiprocessing
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner import history
from scanner.errors import InputError
from scanner.history.database import connect
from scanner.model.finding import Verdict, fingerprint
from scanner.model.resource import Origin, Problem, SourceRun
from scanner.model.waiver import PREFIX
from tests.formats.sample import REGISTRIES, hostile_scan, sample_scan
from tests.history.estate import CARDS, RULES, A, B, C, refused, registry, row, scan

ONE = {A: ["one", "two"], B: ["three"]}
FAILS = (("ACR101", A, "one"), ("ACR102", A, "two"), ("ACR101", B, "three"))


def counts(done):
    return (done.new, done.reopened, done.resolved, done.persisting, done.gaps)


def rows(address, sql):
    db = connect(address, write=False)
    try:
        return db.run(sql)
    finally:
        db.close()


def written(address):
    """Every row that a history keeps, by table."""
    tables = ("runs", "documents", "findings", "counts", "registries", "waived")
    return {name: sorted(map(repr, rows(address, f"SELECT * FROM acrscan_{name}"))) for name in tables}


def test_new_persisting_resolved_reopened(address):
    """A finding opens, stays without a write, closes when its registry passes, and opens again."""
    with history.open(address) as found:
        assert counts(found.record(scan("2026-07-01", ONE, fails=FAILS))) == (3, 0, 0, 0, 0)
        before = written(address)
        assert counts(found.record(scan("2026-07-02", ONE, fails=FAILS))) == (0, 0, 0, 3, 0)
        after = written(address)
        assert counts(found.record(scan("2026-07-03", ONE, fails=FAILS[1:]))) == (0, 0, 1, 2, 0)
        assert counts(found.record(scan("2026-07-04", ONE, fails=FAILS))) == (0, 1, 0, 2, 0)
    assert len(after.pop("runs")) == len(before.pop("runs")) + 1
    assert after == before  # a night on which nothing changes costs one row
    assert rows(address, "SELECT first_seen, times FROM acrscan_findings WHERE opened_run = 4") == [
        ("2026-07-01T02:00:00Z", 1)
    ]


def test_same_scan_twice_changes_nothing(address):
    """The second recording gives the first one's answer and writes nothing."""
    with history.open(address) as found:
        first = found.record(scan("2026-07-01", ONE, fails=FAILS))
        before = written(address)
        again = found.record(scan("2026-07-01", ONE, fails=FAILS))
    assert again == replace(first, again=True)
    assert written(address) == before


def test_older_scan_is_refused(address):
    """Only for subscriptions of which something newer is known; nothing is written."""
    with history.open(address) as found:
        found.record(scan("2026-07-05", {A: ["one"]}))
        before = written(address)
        with pytest.raises(InputError, match="already holds a newer scan") as caught:
            found.record(scan("2026-07-04", ONE))
        assert caught.value.advice
        assert written(address) == before
        assert found.record(scan("2026-07-04", {B: ["three"]})).run == 2


def test_shards_leave_each_other_alone(address):
    """Two jobs of one estate: neither closes what the other found, nor rows outside subscriptions."""
    waiver = "/acrscan/waivers/w1"
    outside = replace(
        row("ACR101", registry(A, "x")),
        rule=f"{PREFIX}005",
        resource=waiver,
        subscription="",
        fingerprint="f" * 64,
    )
    with history.open(address) as found:
        found.record(scan("2026-07-01", {A: ["one"]}, fails=FAILS[:1], extra=(outside,)))
        found.record(scan("2026-07-01", {B: ["three"]}, fails=FAILS[2:], extra=(outside,)))
        assert {line.key for line in found.ages() if line.group == "subscription"} == {
            A,
            B,
            "(outside subscriptions)",
        }
        assert counts(found.record(scan("2026-07-02", {A: ["one"]}))) == (0, 0, 2, 0, 0)
        assert counts(
            found.record(scan("2026-07-02", {B: ["three"]}, fails=FAILS[2:], extra=(outside,)))
        ) == (0, 0, 0, 2, 0)


def test_one_cause_in_two_subscriptions_counts_once(address):
    """A merged row is one finding; it closes in the subscription that a shard no longer sees it in."""
    ids = registry(A, "one"), registry(B, "three")
    shared = row("ACR102", ids[0], cause="/mg/assignment", affected=(ids[1],))
    alone = row("ACR102", ids[1], cause="/mg/assignment")
    with history.open(address) as found:
        assert counts(found.record(scan("2026-07-01", ONE, extra=(shared,)))) == (1, 0, 0, 0, 0)
        assert found.trend()[-1].open_findings == 1
        assert counts(found.record(scan("2026-07-02", {A: ["one"]}))) == (0, 0, 1, 0, 0)
        assert found.trend()[-1].open_findings == 1
        marked = found.mark(scan("2026-07-02", {B: ["three"]}, extra=(alone,)))
        assert [one.change for one in marked.findings] == ["persisting"]
        assert counts(found.record(scan("2026-07-02", {B: ["three"]}))) == (0, 0, 1, 0, 0)
        assert found.trend()[-1].open_findings == 0


def place(rule, scope):
    return replace(
        row(rule, registry(A, "x")),
        verdict=Verdict.UNKNOWN,
        resource=scope,
        fingerprint=fingerprint(rule, scope, "unread"),
    )


GAPS: dict[str, dict[str, Any]] = {
    "the verdict is unknown": {"letters": {(A, "one"): "UP"}},
    "the evaluation failed": {"letters": {(A, "one"): "EP"}},
    "the list was refused": {"estate": {A: [], B: ["three"]}, "runs": refused(A)},
    "the subscription was not read": {"unread": (A,)},
    "a row above says so": {
        "estate": {A: [], B: ["three"]},
        "extra": (place("ACR101", f"/subscriptions/{A}/resourceGroups/RG"),),
    },
    "the rule lacked its data": {
        "estate": {A: [], B: ["three"]},
        "cards": (replace(CARDS[0], not_evaluated="tokens not asked for"), CARDS[1]),
    },
}


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
def test_what_was_not_looked_at_stays_open(address, gap):
    """Nobody is told that something was mended when it was only not read."""
    change = dict(gap)
    estate = change.pop("estate", ONE)
    with history.open(address) as found:
        found.record(scan("2026-07-01", ONE, fails=FAILS[:1]))
        assert counts(found.record(scan("2026-07-02", estate, **change))) == (0, 0, 0, 0, 1)
        assert counts(found.record(scan("2026-07-03", ONE, fails=FAILS[:1]))) == (0, 0, 0, 1, 0)
        assert counts(found.record(scan("2026-07-04", ONE))) == (0, 0, 1, 0, 0)


CLOSED: dict[str, dict[str, Any]] = {
    "resource": {},
    "resource, gone": {"estate": {A: ["two"], B: ["three"]}},
    "rule, off": {"cards": (replace(CARDS[0], enabled=False), CARDS[1])},
    "rule, other condition": {"cards": (replace(CARDS[0], digest="other"), CARDS[1])},
    "rule, other values": {"cards": (replace(CARDS[0], values_digest="other"), CARDS[1])},
    "rule, gone": {"cards": CARDS[1:]},
}


@pytest.mark.parametrize("why", CLOSED)
def test_why_a_finding_closed(address, why):
    """The resource, or the rule: only the first counts as mended."""
    change = dict(CLOSED[why])
    estate = change.pop("estate", ONE)
    with history.open(address) as found:
        found.record(scan("2026-07-01", ONE, fails=FAILS[:1]))
        assert found.record(scan("2026-07-03", estate, **change)).resolved == 1
        line = found.time_to_fix()[0]
    assert rows(address, "SELECT why FROM acrscan_findings") == [(why.split(",")[0],)]
    mended = why.startswith("resource")
    assert (line.fixed, line.otherwise, line.median) == ((1, 0, 2.0) if mended else (0, 1, 0.0))


def test_candidates_in_batches(address, monkeypatch):
    """More missing findings than are held at a time are judged all the same."""
    monkeypatch.setattr("scanner.history.gaps.AT_ONCE", 3)
    names = [f"r{at}" for at in range(11)]
    with history.open(address) as found:
        found.record(scan("2026-07-01", {A: names}, fails=[("ACR101", A, name) for name in names]))
        letters = {(A, name): "UP" for name in names[:4]}
        assert counts(found.record(scan("2026-07-02", {A: names}, letters=letters))) == (0, 0, 7, 0, 4)


def test_severity_and_waivers_follow(address):
    """A changed severity is kept; accepted findings are open and not counted as such."""
    first = scan("2026-07-01", ONE, fails=FAILS)
    waived = replace(first.findings[0], waiver="W-1", severity="low")
    with history.open(address) as found:
        found.record(first)
        found.record(replace(scan("2026-07-02", ONE, fails=FAILS), findings=(waived, *first.findings[1:])))
        found.record(scan("2026-07-03", ONE, fails=FAILS))
        assert [one.open_findings for one in found.trend()] == [3, 2, 3]
        ages = {(line.group, line.key): line for line in found.ages()}
    assert ages["all", ""].waived == 0
    assert ages["severity", "critical"].open == 2
    assert rows(address, "SELECT waiver, from_run, to_run FROM acrscan_waived") == [("W-1", 2, 3)]


def test_marks_are_the_same_whenever_they_are_made(address):
    """Before recording, after it, and after later scans."""
    scans = [
        scan("2026-07-01", ONE, fails=FAILS[:2]),
        scan("2026-07-02", ONE, fails=FAILS[1:]),
        scan("2026-07-03", ONE, fails=FAILS),
    ]
    with history.open(address) as found:
        early = []
        for one in scans:
            early.append(found.mark(one))
            found.record(one)
        late = [found.mark(one) for one in scans]
    for before, after in zip(early, late, strict=True):
        assert list(before.findings) == list(after.findings)
        assert before.trend == after.trend
    assert [(one.rule, one.resource_name, one.change, one.first_seen) for one in late[2].findings] == [
        ("ACR101", "one", "reopened", "2026-07-01T02:00:00Z"),
        ("ACR102", "two", "persisting", "2026-07-01T02:00:00Z"),
        ("ACR101", "three", "persisting", "2026-07-02T02:00:00Z"),
    ]
    assert [point.open_findings for point in late[2].trend] == [2, 2, 3]


def test_marks_of_a_baseline_stand(address):
    """A row that was compared with a baseline keeps its change, and the earlier first sight wins."""
    told = replace(
        row("ACR101", registry(A, "one")), change="changed", why="rule", first_seen="2026-01-01T00:00:00Z"
    )
    marked = history.mark_and_record(scan("2026-07-01", ONE, extra=(told,)), address)
    assert [(one.change, one.first_seen) for one in marked.findings] == [("changed", "2026-01-01T00:00:00Z")]
    again = history.mark_and_record(scan("2026-07-02", ONE, fails=FAILS[:1]), address)
    assert [(one.change, one.first_seen) for one in again.findings] == [
        ("persisting", "2026-01-01T00:00:00Z")
    ]


def test_last_point_has_the_counts_of_the_scan(address):
    """A report and its own trend cannot contradict each other."""
    marked = history.mark_and_record(sample_scan(), address)
    assert marked.trend[-1].verdicts == {
        verdict.value: number for verdict, number in marked.tallies.total().items()
    }
    assert marked.trend[-1].open_findings == sum(one.gating for one in marked.findings)


def test_trend_of_shards_is_one_line(address):
    """Each night's point holds what stood in all subscriptions; each run's too."""
    with history.open(address) as found:
        for night, fails in (("2026-07-01", FAILS), ("2026-07-02", FAILS[1:])):
            for name in (A, B):
                found.record(scan(night, {name: ONE[name]}, fails=[one for one in fails if one[1] == name]))
        assert [one.open_findings for one in found.trend()] == [3, 2]
        assert [one.open_findings for one in found.trend(nightly=False)] == [2, 3, 2, 2]
        assert [one.open_findings for one in found.trend([B], nightly=False)] == [1, 1]
        assert [sum(one.verdicts.values()) for one in found.trend()] == [6, 6]
        assert len(found.trend(last=1)) == 1


def test_hostile_text_is_kept(address):
    """Every odd character, in both databases; and read back as a scan's marks."""
    odd = hostile_scan()
    first = next(iter(odd.findings))
    lone = replace(
        first,
        element="\ud800 nul\0",
        fingerprint="e" * 64,
        resource=first.resource + "\0\udfff",
    )
    odd = replace(odd, findings=(*odd.findings, lone))
    failing = sum(one.verdict is Verdict.FAIL for one in odd.findings)
    with history.open(address) as found:
        assert found.record(odd).new == failing
        assert {one.change for one in found.mark(odd).findings if one.verdict is Verdict.FAIL} == {"new"}
        assert (
            found.record(replace(odd, header=replace(odd.header, now="2027-01-01T00:00:00Z"))).persisting
            == failing
        )
        assert found.ages()
        assert list(found.period(date(2026, 11, 1), date(2026, 11, 30), today=date(2026, 12, 1)).population)


def test_population_keeps_registries_that_were_not_read(address):
    """A registry that is lost from sight is there with its reason; one that is gone has a last sight."""
    with history.open(address) as found:
        found.record(scan("2026-07-01", ONE))
        found.record(scan("2026-07-02", {A: [], B: ["three"]}, runs=refused(A)))
        found.record(scan("2026-07-03", {A: ["one"], B: ["three"]}))
        span = found.period(date(2026, 7, 1), date(2026, 7, 3), today=date(2026, 7, 4))
        told = {one.registry.rsplit("/")[-1]: one for one in span.population}
    assert told["one"].reasons == ("HTTP 403 (2026-07-02T02:00:00Z to 2026-07-02T02:00:00Z)",)
    assert (told["one"].first, told["one"].last) == ("2026-07-01T02:00:00Z", "")
    assert told["two"].last == "2026-07-02T02:00:00Z"
    assert told["three"].reasons == ()
    assert (span.registries, span.evaluated) == (3, 1)


def test_registry_that_is_known_and_lost(address):
    """A registry of which only the id came back is in the population with the reason."""
    lost = Problem(registry(B, "four"), "lost while reading", 404)
    runs = (SourceRun("azure", REGISTRIES, "partial", 1, (lost,)),)
    with history.open(address) as found:
        found.record(scan("2026-07-01", ONE, runs=runs))
        span = found.period(date(2026, 7, 1), date(2026, 7, 1), today=date(2026, 7, 4))
    assert [one.reasons for one in span.population if one.registry.endswith("four")] == [
        ("lost while reading (2026-07-01T02:00:00Z to the newest scan)",)
    ]


def work(address, subscription, name, start):
    start.wait()
    for day in range(1, 8):
        fails = [("ACR101", subscription, name)] if day % 2 else []
        with history.open(address) as found:
            found.record(scan(f"2026-07-0{day}", {subscription: [name]}, fails=fails))
            found.record(scan("2026-08-01", {C: ["same"]}, fails=[("ACR101", C, "same")]))


@pytest.mark.slow
def test_two_writers_at_once(address):
    """Two processes create and write one history: nothing is lost, mixed, or recorded twice."""
    room = multiprocessing.get_context("spawn")
    start = room.Event()
    jobs = [room.Process(target=work, args=(address, name, f"r{name[-1]}", start)) for name in (A, B)]
    for job in jobs:
        job.start()
    start.set()
    for job in jobs:
        job.join(120)
    assert [job.exitcode for job in jobs] == [0, 0]
    with history.open(address) as found:
        runs = found.runs()
    assert [one.run for one in runs] == list(range(1, 16))
    for name in (A, B):
        spans = rows(
            address,
            f"SELECT opened, closed, times FROM acrscan_findings WHERE subscription = '{name}' ORDER BY opened",
        )
        assert spans == [
            (f"2026-07-0{day}T02:00:00Z", f"2026-07-0{day + 1}T02:00:00Z" if day < 7 else None, at)
            for at, day in enumerate((1, 3, 5, 7))
        ]
    assert rows(address, f"SELECT COUNT(*) FROM acrscan_findings WHERE subscription = '{C}'") == [(1,)]


class Naive:
    """What a history must say, worked out with everything in memory and no cleverness."""

    def __init__(self):
        self.open = {}
        self.closed = {}
        self.first = {}

    def record(self, night, covered, failing, blind):
        """`failing`: keys of this scan; `blind`: keys that could not be looked at."""
        mine = {key for key in self.open if key[1] in covered}
        new = {key for key in failing if key not in self.open and key not in self.closed}
        reopened = {key for key in failing if key not in self.open and key in self.closed}
        gaps = {key for key in mine - failing if key in blind}
        resolved = mine - failing - gaps
        for key in failing - self.open.keys():
            self.open[key] = night
            self.first.setdefault(key, night)
        for key in resolved:
            self.closed[key] = self.open.pop(key)
        return len(new), len(reopened), len(resolved), len(failing - new - reopened), len(gaps)


KEYS = [(rule, subscription, name) for rule in RULES for subscription in (A, B) for name in ("x", "y")]
NIGHT = st.tuples(
    st.sampled_from([(A,), (B,), (A, B)]),
    st.frozensets(st.sampled_from(KEYS)),
    st.frozensets(st.sampled_from(KEYS), max_size=3),
    st.frozensets(st.sampled_from((A, B)), max_size=1),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NIGHT, min_size=1, max_size=9))
def test_any_sequence_is_told_as_a_naive_model_tells_it(tmp_path_factory, nights):
    """Random nights with shards, gaps and unread subscriptions: same counts, same marks, same trend."""
    check_sequence(str(tmp_path_factory.mktemp("h") / "h.db"), nights)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NIGHT, min_size=1, max_size=6))
def test_any_sequence_in_postgresql(server, nights):
    """The same in the other database."""
    check_sequence(server.schema(), nights)


def check_sequence(address, nights):
    naive = Naive()
    with history.open(address) as found:
        for day, (covered, failing, unknown, unread) in enumerate(nights, 1):
            read = {key for key in KEYS if key[1] in covered and key[1] not in unread}
            failing_now = {key for key in failing if key in read} - unknown
            letters = {
                (place, name): "".join("U" if (rule, place, name) in unknown else "P" for rule in RULES)
                for place in covered
                for name in ("x", "y")
            }
            one = scan(
                f"2026-07-{day:02d}", {place: ["x", "y"] for place in covered}, fails=failing_now, letters=letters,
                unread=tuple(unread & set(covered)),
            )  # fmt: skip
            known = dict(naive.first)
            before = dict(naive.open)
            blind = {key for key in KEYS if key in unknown or key not in read}
            wanted = naive.record(f"2026-07-{day:02d}T02:00:00Z", covered, failing_now, blind)
            assert counts(found.record(one)) == wanted
            for marked in found.mark(one).findings:
                key = (marked.rule, marked.subscription, marked.resource_name)
                change = "persisting" if key in before else "reopened" if key in known else "new"
                assert (marked.change, marked.first_seen) == (change, naive.first[key])
            assert found.trend(nightly=False, last=1)[0].open_findings == len(naive.open)
        ages = {(line.group, line.key): line.open for line in found.ages()} if naive.open else {}
    for rule in RULES:
        assert ages.get(("rule", rule), 0) == sum(key[0] == rule for key in naive.open)
    for place in (A, B):
        assert ages.get(("subscription", place), 0) == sum(key[1] == place for key in naive.open)


def test_recorded_adds_up_with_pairs(address):
    """new + reopened + persisting are the failing rows; open findings move by new + reopened - resolved."""
    estate = {A: ["x", "y"]}
    nights = [KEYS[:2], KEYS[1:2], [], KEYS[:2], KEYS[:1]]
    with history.open(address) as found:
        done = [
            found.record(scan(f"2026-07-0{day}", estate, fails=[key for key in fails if key[1] == A]))
            for day, fails in enumerate(nights, 1)
        ]
        points = [point.open_findings for point in found.trend()]
    for (before, after), one in zip(pairwise(points), done[1:], strict=True):
        assert after - before == one.new + one.reopened - one.resolved
    assert dataclasses.asdict(done[0])["new"] == points[0]
    assert Origin("azure").source == "azure"
