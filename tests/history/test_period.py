"""A period: nights of each control, gaps, changes and population; compared with a naive count of the same scans."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner import history
from scanner.cli import period_page, period_text
from scanner.errors import UsageError
from scanner.history import calendar
from scanner.model.framework import Framework, FrameworkControl
from scanner.model.scan import Effective, ScopeLine
from tests.formats.sample import hostile_scan
from tests.history.estate import CARDS, RULES, A, B, refused, row, scan
from tests.history.estate import registry as named

ONE = {A: ["one", "two"], B: ["three"]}
FAILS = (("ACR101", A, "one"), ("ACR102", B, "three"))
END = date(2026, 8, 1)


def told(found, start, end, today=END):
    span = found.period(date.fromisoformat(start), date.fromisoformat(end), today=today)
    return span, {line.id: line for line in span.rules}


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-Q3", "2026-07-01", "2026-09-30"),
        ("2026-q4", "2026-10-01", "2026-12-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2026-12", "2026-12-01", "2026-12-31"),
        ("2026-07-14", "2026-07-14", "2026-07-14"),
        ("2026-07-01..2026-09-30", "2026-07-01", "2026-09-30"),
        ("2026-Q1..2026-Q2", "2026-01-01", "2026-06-30"),
    ],
)
def test_words_of_a_period(text, first, last):
    """Years, quarters, months, days and spans of them."""
    assert calendar.parse(text) == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Q3",
        "2026-Q5",
        "2026-13",
        "2026-02-30",
        "26-Q1",
        "2026-Q3..",
        "2026-09..2026-07",
        "0001..9999",
        "2026-07-01..soon",
    ],
)
def test_words_that_are_no_period(text):
    """Each is refused with the forms that are known."""
    with pytest.raises(UsageError, match="is no period") as caught:
        calendar.parse(text)
    assert "2026-Q3" in caught.value.advice


def test_each_kind_of_night(address):
    """Effective, failed, waived, unknown, without a run, not scanned, nothing to evaluate; the numbers add up."""
    with history.open(address) as found:
        found.record(scan("2026-07-01", ONE))
        found.record(scan("2026-07-02", ONE, fails=FAILS))
        waived = scan("2026-07-03", ONE, fails=FAILS[:1])
        accepted = {"ACR101": {A: 1}}
        found.record(replace(waived, tallies=replace(waived.tallies, waived_evaluations=accepted)))
        found.record(scan("2026-07-04", ONE, letters={(A, "one"): "UM"}))
        found.record(scan("2026-07-06", {A: ONE[A]}, fails=FAILS[:1]))
        found.record(
            scan("2026-07-07", ONE, letters={(A, "one"): "NP", (A, "two"): "NP", (B, "three"): "NP"})
        )
        found.record(scan("2026-07-08", ONE, unread=(B,), fails=FAILS[:1]))
        found.record(scan("2026-07-09", {A: [], B: []}))
        found.record(scan("2026-07-10", ONE, fails=FAILS))
        found.record(scan("2026-07-10", ONE, at="23:00:00"))
        span, rules = told(found, "2026-07-01", "2026-07-10")
    assert rules["ACR101"].letters == "ENEUUN-N-E"
    assert rules["ACR102"].letters == "ENEUUUEU-E"
    assert rules["ACR102"].why == {
        "a subscription was not read wholly": 1,
        "a subscription was not scanned": 1,
        "an evaluation was undecided": 1,
        "no scan that night": 1,
    }
    for line in (*span.rules, *span.controls):
        assert line.effective + line.not_effective + line.unknown + line.nothing == 10 == len(line.letters)
    assert (span.with_runs, len(span.runs), span.superseded) == (9, 10, 1)
    assert [(one.first, one.nights) for one in span.no_run] == [("2026-07-05", 1)]
    controls = {(line.framework, line.id): line for line in span.controls}
    assert controls["mcsb", "IM-1"].letters == "ENEUUNENu-E".replace("u", "")
    assert controls["cis", "9"].letters == rules["ACR102"].letters
    missing = {line.subscription: line for line in span.subscriptions}[B]
    assert (missing.due, missing.scanned, missing.whole) == (10, 8, 7)
    assert missing.reasons == {"not allowed": 1}


def test_attested_manual_evaluations(address):
    """A manual rule is effective where somebody vouches for all of it, and unknown otherwise."""
    manual = {(A, "one"): "MP", (A, "two"): "MP"}
    with history.open(address) as found:
        for day, attested in ((1, 1), (2, 2)):
            one = scan(f"2026-07-0{day}", {A: ONE[A]}, letters=manual)
            found.record(replace(one, tallies=replace(one.tallies, attested={"ACR101": {A: attested}})))
        assert told(found, "2026-07-01", "2026-07-02")[1]["ACR101"].letters == "UE"


def test_rules_that_were_off_new_or_without_data(address):
    """What was not asked is unknown, with the reason; what there is none of is not."""
    without = (CARDS[0], replace(CARDS[1], not_evaluated="data plane not asked for (--data-plane)"))
    nothing = (CARDS[0], replace(CARDS[1], not_evaluated="no Microsoft.X/y in the inventory"))

    def only_first(one):
        return replace(one, tallies=replace(one.tallies, verdicts={"ACR101": one.tallies.verdicts["ACR101"]}))

    with history.open(address) as found:
        found.record(only_first(scan("2026-07-01", ONE, cards=CARDS[:1])))
        found.record(only_first(scan("2026-07-02", ONE, cards=(CARDS[0], replace(CARDS[1], enabled=False)))))
        found.record(only_first(scan("2026-07-03", ONE, cards=without)))
        found.record(only_first(scan("2026-07-04", ONE, cards=nothing)))
        found.record(scan("2026-07-05", ONE))
        line = told(found, "2026-07-01", "2026-07-05")[1]["ACR102"]
    assert line.letters == "UUU-E"
    assert line.why == {"data not read": 1, "rule switched off": 1, "the rule was not part of the pack": 1}


def test_nights_that_are_not_over(address):
    """Tonight counts once it was scanned; later nights never do; nights before the history are gaps."""
    with history.open(address) as found:
        found.record(scan("2026-07-02", ONE))
        span, rules = told(found, "2026-07-01", "2026-07-31", today=date(2026, 7, 3))
        assert (span.nights, span.pending, span.begins) == (("2026-07-01", "2026-07-02"), 29, "2026-07-02")
        assert rules["ACR101"].letters == "UE"
        found.record(scan("2026-07-03", ONE))
        assert told(found, "2026-07-01", "2026-07-31", today=date(2026, 7, 3))[1]["ACR101"].letters == "UEE"
        with pytest.raises(UsageError, match="after 2026-07-03"):
            told(found, "2026-08-01", "2026-08-31", today=date(2026, 7, 3))


def test_subscription_that_is_gone(address):
    """It stays expected until it is retired; its findings close because of the scope, not as mended."""
    with history.open(address) as found:
        found.record(scan("2026-07-01", ONE, fails=FAILS))
        found.record(scan("2026-07-02", {A: ONE[A]}))
        found.record(scan("2026-07-03", {A: ONE[A]}))
        assert told(found, "2026-07-01", "2026-07-03")[1]["ACR101"].letters == "NUU"
        assert found.retire(B, date(2026, 7, 2), "sold") == 1
        span, rules = told(found, "2026-07-01", "2026-07-03")
        assert rules["ACR101"].letters == "NEE"
        assert [line.retired for line in span.subscriptions] == ["", "2026-07-02: sold"]
        assert (rules["ACR102"].mended, rules["ACR102"].otherwise, rules["ACR102"].open_at_end) == (0, 1, 0)
        assert found.trend()[-1].open_findings == 0
        found.record(scan("2026-07-05", ONE))
        assert told(found, "2026-07-01", "2026-07-05")[1]["ACR101"].letters == "NUUUE"


def test_who_changed_what(address):
    """Rules, parameters, profile, waiver file, pack and tool, each between two runs of the same subscriptions."""
    with history.open(address) as found:
        found.record(scan("2026-06-30", ONE))
        found.record(scan("2026-07-01", ONE))
        cards = (
            replace(CARDS[0], digest="new"),
            replace(CARDS[1], severity="low"),
            replace(CARDS[1], id="ACR103"),
        )
        changed = scan(
            "2026-07-02", {A: ONE[A]}, cards=cards, profile="prod", profile_digest="d" * 64, waiver_file="w.yaml",
            waiver_digest="e" * 64, pack_version="2", pack_digest="p2", tool_version="2", identity="application 42",
            parameters=(Effective("limit", 2, "--param"), Effective("places", ["x"], "pack")),
        )  # fmt: skip
        found.record(changed)
        found.record(replace(changed, header=replace(changed.header, now="2026-07-03T02:00:00Z")))
        span, _ = told(found, "2026-07-01", "2026-07-03")
    assert {(one.run, one.since, one.subscriptions, one.identity) for one in span.changes} == {
        (3, 2, 1, "application 42")
    }
    assert [(one.kind, one.what, one.how) for one in span.changes] == [
        ("rule", "ACR101", "condition changed"),
        ("rule", "ACR102", "severity changed"),
        ("rule", "ACR103", "added"),
        ("profile", "prod", "another profile"),
        ("parameter", "limit", "changed"),
        ("parameter", "places", "added"),
        ("waivers", "w.yaml", "another file"),
        ("pack", "", "another version"),
        ("tool", "acrscan", "another version"),
    ]
    limit = next(one for one in span.changes if one.what == "limit")
    assert (limit.before, limit.after) == ("1", "2")


def test_change_against_the_run_before_the_period(address):
    """What changed on the first night of a quarter is told, too."""
    with history.open(address) as found:
        found.record(scan("2026-06-30", ONE))
        found.record(
            scan(
                "2026-07-01",
                ONE,
                cards=(replace(CARDS[0], enabled=False, disabled_reason="too loud"), CARDS[1]),
            )
        )
        span, _ = told(found, "2026-07-01", "2026-07-01")
    assert [(one.how, one.before, one.after) for one in span.changes] == [
        ("switched off: too loud", "on", "off")
    ]


def test_gaps_in_reading(address):
    """Runs that did not read everything are listed with what and why; chosen omissions are not."""
    with history.open(address) as found:
        found.record(scan("2026-07-01", ONE, runs=refused(A, "Microsoft.Authorization/locks")))
        found.record(scan("2026-07-02", ONE, runs=refused(A, "Microsoft.Authorization/locks")))
        chosen = refused(B)[0]
        chosen = replace(chosen, problems=(replace(chosen.problems[0], chosen=True),))
        found.record(scan("2026-07-03", ONE, runs=(chosen,)))
        span, _ = told(found, "2026-07-01", "2026-07-03")
        assert [point.complete for point in found.trend()] == [False, False, True]
    assert [one.run for one in span.incomplete] == [1, 2]
    grouped = period_text.lacking(span)
    assert [(one.words, one.runs) for one in grouped] == [(f"locks of /subscriptions/{A}: HTTP 403", 2)]


def test_flows_of_findings(address):
    """Opened, opened again, mended and open at the end, inside the period alone."""
    key = [("ACR101", A, "one")]
    with history.open(address) as found:
        for night, fails in (
            ("06-30", key),
            ("07-01", []),
            ("07-02", key),
            ("07-03", []),
            ("07-04", key),
            ("08-01", []),
        ):
            found.record(scan(f"2026-{night}", {A: ["one"]}, fails=fails))
        line = told(found, "2026-07-01", "2026-07-31")[1]["ACR101"]
    assert (line.opened, line.reopened, line.mended, line.otherwise, line.open_at_end) == (0, 2, 2, 0, 1)


LETTERS = st.sampled_from(["PP", "FP", "UP", "NP", "MP", "EP"])
RUN = st.tuples(
    st.integers(0, 2),
    st.sampled_from([(A,), (B,), (A, B)]),
    st.dictionaries(st.sampled_from([(A, "one"), (A, "two"), (B, "three")]), LETTERS),
    st.booleans(),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(RUN, min_size=1, max_size=8))
def test_letters_are_those_of_a_naive_count(tmp_path_factory, runs):
    """Any sequence of runs with holes, shards and mixed verdicts."""
    nights: dict[int, dict[str, set[str]]] = {}
    day, scans = 1, []
    for at, (step, covered, letters, whole) in enumerate(runs):
        day += step
        unwhole = tuple(ScopeLine(one, "", 0, "" if whole else "partly") for one in covered)
        failing = {(RULES[0], *key) for key, word in letters.items() if word[0] == "F" and key[0] in covered}
        one = scan(
            f"2026-07-{day:02d}", {name: ONE[name] for name in covered}, at=f"02:00:{at:02d}", fails=failing, scope=unwhole,
            letters={key: word.replace("F", "P") for key, word in letters.items()},
        )  # fmt: skip
        scans.append(one)
        for name in covered:
            verdicts = {letters.get((name, resource), "PP")[0] for resource in ONE[name]}
            nights.setdefault(day, {})[name] = verdicts | (set() if whole else {"U"})
    wanted = ""
    for night in range(1, day + 1):
        expected = {name for past, told_ in nights.items() if past <= night for name in told_}
        mine = nights.get(night, {})
        seen = set().union(*mine.values()) if mine else set()
        lost = not mine or expected - mine.keys()
        wanted += "N" if "F" in seen else "U" if lost or seen & set("UME") else "E" if "P" in seen else "-"
    with history.open(str(tmp_path_factory.mktemp("h") / "h.db")) as found:
        for one in scans:
            found.record(one)
        assert told(found, "2026-07-01", f"2026-07-{day:02d}")[1]["ACR101"].letters == wanted


def rendered(write):
    out = io.BytesIO()
    write(out)
    return out.getvalue().decode()


@pytest.fixture
def hostile_span(tmp_path):
    """A period in which every text of the world is hostile."""
    framework = Framework(
        "mcsb", "<b>MCSB</b>", "", "", (FrameworkControl("IM-1", "<script>alert(1)</script>"),)
    )
    with history.open(str(tmp_path / "h.db")) as found:
        odd = hostile_scan()
        header = replace(
            odd.header, frameworks=(framework,), profile="=1+1", identity="<img src=x onerror=alert(1)>"
        )
        found.record(odd)
        cards = tuple(
            replace(one, title=f"<script>{one.title}", digest=f"\u202e{one.digest}") for one in header.rules
        )
        found.record(replace(odd, header=replace(header, now="2026-11-24T02:00:00Z", rules=cards)))
        return found.period(date(2026, 11, 20), date(2026, 11, 25), today=date(2026, 11, 26))


def test_page_is_safe_and_whole(hostile_span):
    """Escaped, one style admitted by its hash, no script, no address that is loaded, nothing invisible."""
    page = rendered(lambda out: period_page.render(hostile_span, out))
    assert "<script" not in page
    assert "<img" not in page
    assert not re.search(r"(?:src|href|style)\s*=", re.sub(r">[^<]*<", "><", page))
    assert "\u202e" not in page
    assert "default-src 'none'; style-src 'sha256-" in page.replace("&#39;", "'")
    assert page.count("<style>") == 1
    assert [
        page.index(f'id="{name}"')
        for name in (
            "definition",
            "scanning",
            "reading",
            "controls",
            "rules",
            "changes",
            "population",
            "runs",
        )
    ] == sorted(
        page.index(f'id="{name}"')
        for name in (
            "definition",
            "scanning",
            "reading",
            "controls",
            "rules",
            "changes",
            "population",
            "runs",
        )
    )


def test_console_json_and_csv_agree(hostile_span):
    """The same numbers everywhere; cells are no formulas; lines hold no control characters."""
    record = json.loads(rendered(lambda out: period_text.json(hostile_span, out)))
    assert record["schema"] == "acrscan/period/v1"
    assert len(record["population"]) == record["registries"] == hostile_span.registries
    tables = {
        name: rendered(lambda out, table=table: period_text.write_table(table, out))
        for name, table in period_text.tables(hostile_span).items()
    }
    assert len(tables["-controls.csv"].splitlines()) == 1 + len(record["controls"]) + len(record["rules"])
    lines = len(record["controls"]) + len(record["rules"])
    assert len(tables["-nights.csv"].splitlines()) == 1 + lines * len(record["nights"])
    assert len(tables["-population.csv"].splitlines()) == 1 + record["registries"]
    assert len(tables["-changes.csv"].splitlines()) == 1 + len(record["changes"])
    for text in tables.values():
        assert not re.search(r'(?:^|,)"?[=+@]', text, re.MULTILINE)
    shown = "\n".join(period_text.console(hostile_span))
    assert all(char.isprintable() or char == "\n" for char in shown)
    for line in hostile_span.rules:
        assert re.search(
            rf"{line.id}\s+{line.effective}\s+{line.not_effective}\s+{line.unknown}\s+{line.nothing}\s", shown
        )


def test_same_period_same_bytes(address):
    """Two readings of one history give the same page and the same JSON."""
    with history.open(address) as found:
        found.record(scan("2026-07-01", ONE, fails=FAILS, extra=(row("ACR102", named(A, "one")),)))
        found.record(scan("2026-07-02", ONE))
        pages = []
        for _ in range(2):
            span = told(found, "2026-07-01", "2026-07-31")[0]
            pages.append(
                (
                    rendered(lambda out, one=span: period_page.render(one, out)),
                    rendered(lambda out, one=span: period_text.json(one, out)),
                )
            )
    assert pages[0] == pages[1]


def test_rules_that_are_off_do_not_decide_a_control(address):
    """A control with one rule off is decided by the others, and names it; with all rules off it is unknown."""
    cards = (CARDS[0], replace(CARDS[1], enabled=False))
    one = scan("2026-07-01", ONE, cards=cards)
    with history.open(address) as found:
        found.record(
            replace(one, tallies=replace(one.tallies, verdicts={"ACR101": one.tallies.verdicts["ACR101"]}))
        )
        span, _ = told(found, "2026-07-01", "2026-07-01")
    controls = {(line.framework, line.id): line for line in span.controls}
    mixed, alone = controls["mcsb", "IM-1"], controls["cis", "9"]
    assert (mixed.letters, mixed.rules, mixed.off) == ("E", ("ACR101",), ("ACR102",))
    assert (alone.letters, alone.rules, alone.off, alone.why) == (
        "U",
        (),
        ("ACR102",),
        {"rule switched off": 1},
    )


def test_reasons_of_a_control_are_those_of_its_unknown_nights(address):
    """A night that fails is known, whatever one of its rules lacked."""
    with history.open(address) as found:
        found.record(scan("2026-07-01", ONE, fails=FAILS[:1], letters={(B, "three"): "PU"}))
        found.record(scan("2026-07-02", ONE, letters={(B, "three"): "UU"}))
        span, rules = told(found, "2026-07-01", "2026-07-02")
    assert [line.letters for line in span.rules] == ["NU", "UU"]
    assert rules["ACR102"].why == {"an evaluation was undecided": 2}
    assert {line.id: (line.letters, line.why) for line in span.controls}["IM-1"] == (
        "NU",
        {"an evaluation was undecided": 1},
    )
