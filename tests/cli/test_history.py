"""`acrscan history` and `acrscan report --period` as a person runs them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from scanner.cli.door import run
from scanner.formats import ndjson
from tests.history.estate import A, B, scan

ESTATE = {A: ["one", "two"], B: ["three"]}
KEYS = [("ACR101", A, "one"), ("ACR102", B, "three")]


def invoke(capsys, *arguments):
    code = run([str(one) for one in arguments])
    out = capsys.readouterr()
    return code, out.out, out.err


@pytest.fixture
def nights(tmp_path, capsys):
    """A history of three nights, and their stored scans."""
    paths = []
    for day, fails in (("01", KEYS), ("02", KEYS[:1]), ("04", KEYS[:1])):
        path = tmp_path / f"{day}.ndjson"
        with path.open("wb") as out:
            ndjson.render(scan(f"2026-07-{day}", ESTATE, fails=fails), out)
        paths.append(path)
    place = tmp_path / "nights.db"
    code, _, err = invoke(capsys, "history", "record", *reversed(paths), "--history", place)
    assert code == 0
    told = [line.partition(": ")[2] for line in err.splitlines()]
    assert told[0] == "2 new, 0 reopened, 0 persisting, 0 resolved, 0 not looked at and still open"
    assert told[1] == "0 new, 0 reopened, 1 persisting, 1 resolved, 0 not looked at and still open"
    return place


def test_recording_again_says_so(capsys, nights):
    """The same file a second time: success, and no further run."""
    code, _, err = invoke(capsys, "history", "record", nights.with_name("04.ndjson"), "--history", nights)
    assert code == 0
    assert "as run 3 (was recorded before)" in err


def test_each_question_has_an_answer(capsys, nights):
    """Tables for people, JSON for programs, SVG for pages."""
    for command, key, lines in (
        ("runs", "runs", 3),
        ("trend", "trend", 3),
        ("age", "ages", 5),
        ("fixed", "timeToFix", 6),
    ):
        code, out, _ = invoke(capsys, "history", command, "--history", nights)
        assert (code, len(out.splitlines())) == (0, lines + 1)
        code, out, _ = invoke(capsys, "history", command, "--history", nights, "-f", "json")
        assert (code, len(json.loads(out)[key])) == (0, lines)
        if command != "runs":
            code, out, _ = invoke(capsys, "history", command, "--history", nights, "-f", "svg")
            assert code == 0
            assert ET.fromstring(out).tag.endswith("svg")
    trend = json.loads(invoke(capsys, "history", "trend", "--history", nights, "-f", "json")[1])["trend"]
    assert [one["openFindings"] for one in trend] == [2, 1, 1]


def test_prune_and_retire(capsys, nights):
    """Both say what they did."""
    code, _, err = invoke(capsys, "history", "prune", "--before", "2026-07-03", "--history", nights)
    assert (code, "forgot 2 runs, 1 closed findings" in err) == (0, True)
    code, _, err = invoke(
        capsys, "history", "retire", A, "--since", "2026-07-05", "--reason", "sold", "--history", nights
    )
    assert (code, "1 findings closed because of the scope" in err) == (0, True)


def test_period_in_every_format(capsys, nights, tmp_path):
    """The console and eight files, all of them whole, with the same nights."""
    out = tmp_path / "out"
    code, shown, err = invoke(
        capsys,
        "report",
        "--period",
        "2026-07",
        "--today",
        "2026-07-05",
        "--history",
        nights,
        "-f",
        "json",
        "-f",
        "html",
        "-f",
        "csv",
        "-o",
        out,
    )
    assert code == 0
    assert "no scan: 2026-07-03" in shown
    assert "27 more to come" in shown
    names = ("-controls.csv", "-nights.csv", "-changes.csv", "-gaps.csv", "-population.csv", ".html", ".json")
    assert sorted(path.name for path in out.iterdir()) == sorted(f"acrscan-period{name}" for name in names)
    assert err.count("wrote ") == len(names)
    record = json.loads((out / "acrscan-period.json").read_text())
    assert [line["letters"] for line in record["rules"]] == ["NNUN", "NEUE"]
    code, text, _ = invoke(
        capsys,
        "report",
        "--period",
        "2026-07",
        "--today",
        "2026-07-05",
        "--history",
        nights,
        "-f",
        "json",
        "-o",
        "-",
    )
    assert (code, json.loads(text)) == (0, record)


def test_one_file_that_cannot_be_written_keeps_the_others(capsys, nights, tmp_path):
    """A folder in the way of one file: its error, exit 2, and all the rest."""
    out = tmp_path / "out"
    (out / "acrscan-period.html").mkdir(parents=True)
    code, _, err = invoke(
        capsys,
        "report",
        "-q",
        "--period",
        "2026-07",
        "--history",
        nights,
        "-f",
        "html",
        "-f",
        "json",
        "-o",
        out,
    )
    assert code == 2
    assert "acrscan-period.html: is a folder" in err
    assert json.loads((out / "acrscan-period.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["report"], "no stored scan named"),
        (["report", "--period", "2026-07"], "--period needs --history"),
        (["report", "x.ndjson", "--period", "2026-07", "--history", "{}"], "not from a stored scan"),
        (["report", "--period", "Q3", "--history", "{}"], "is no period"),
        (["report", "--period", "2026-07", "--history", "{}", "-f", "sarif"], "a period has no format 'sarif'"),
        (["report", "--period", "2026-07", "--history", "{}", "-f", "csv", "-o", "-"], "prints one file"),
        (["report", "--period", "2026-07", "--history", "{}", "--today", "soon"], "is no date"),
        (["report", "--period", "2026-07", "--history", "gone.db"], "does not exist"),
        (["history", "trend"], "no history named"),
        (["history", "trend", "--history", "gone.db"], "does not exist"),
        (["history", "trend", "--history", "redis://x"], "begins with 'redis'"),
        (["history", "trend", "--history", "{}", "--pack-id", "other"], "no scan with the pack 'other'"),
        (["history", "prune", "--history", "{}"], "exactly one of"),
        (["history", "prune", "--history", "{}", "--before", "then"], "is no date"),
        (["history", "retire", "nobody", "--since", "2026-08-01", "--history", "{}"], "holds no scan of the subscription"),
        (["history", "age", "--history", "{}", "--now", "then"], "is none"),
        (["history", "recrod"], "record"),
    ],
)  # fmt: skip
def test_errors_are_one_clear_line(capsys, nights, arguments, words):
    """What is wrong and what to do next, exit 2."""
    code, out, err = invoke(capsys, *(one.replace("{}", str(nights)) for one in arguments))
    assert code == 2
    assert words in out + err
    assert "Traceback" not in err


def test_a_scan_is_recorded_and_its_reports_do_not_depend_on_it(capsys, tmp_path):
    """`report --history` marks rows; a history that is none is told after the reports are written."""
    stored, place = tmp_path / "one.ndjson", tmp_path / "h.db"
    with stored.open("wb") as out:
        ndjson.render(scan("2026-07-01", ESTATE, fails=KEYS), out)
    code, text, _ = invoke(
        capsys, "report", stored, "--history", place, "-f", "json", "-o", "-", "--exit-zero"
    )
    assert code == 0
    assert {one["change"] for one in json.loads(text)["findings"]} == {"new"}
    broken = tmp_path / "broken.db"
    broken.write_text("no database, whatever its name says" * 100)
    target = tmp_path / "report.json"
    code, _, err = invoke(
        capsys, "report", stored, "--history", broken, "-f", "json", "-o", target, "--exit-zero"
    )
    assert code == 2
    assert "is not a database" in err
    assert len(json.loads(target.read_text())["findings"]) == 2


def test_configuration_names_the_history(capsys, nights, tmp_path, monkeypatch):
    """`history:` in acrscan.yaml serves `history` commands and periods."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "acrscan.yaml").write_text(f"history: {nights}\n")
    monkeypatch.chdir(folder)
    assert invoke(capsys, "history", "runs")[0] == 0
    assert invoke(capsys, "report", "--period", "2026-07", "--today", "2026-07-05")[0] == 0
