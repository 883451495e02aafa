"""`acrscan policy lint` as a person runs it: what it prints, what it writes, what it remembers, and the code it leaves with."""

from __future__ import annotations

import json
import os
import random
import shutil
import string
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from scanner import data
from scanner.cli import policy_lint
from scanner.cli.door import run
from scanner.workbench.lint.catalogue import catalogue
from scanner.workbench.lint.waivers import _ENTRY
from tests.workbench.lint.bench import MAIN, RULE, rule

ROOT = Path(__file__).resolve().parents[2]
MILD = rule("reviewed: 2020-01-01")
WRONG = rule("assert: {field: properties.adminUserEnabeld, equals: false, default: false}")
FILE = "ACME101-admin-user-off.yaml"


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    """Nothing is remembered from another test, and places are told from here."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pack(tmp_path):
    """A clean pack of one rule."""
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "pack.yaml").write_text(MAIN, "utf-8")
    (folder / FILE).write_text(rule(), "utf-8")
    shutil.copytree(data.policies() / "frameworks", folder / "frameworks")
    return folder


@pytest.fixture
def lint(capsys):
    """Run the command; gives its exit code, stdout and stderr."""

    def work(*words):
        code = run(["policy", "lint", *map(str, words)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return work


def refuse(*given, **named):
    raise AssertionError((given, named))


def test_the_shipped_pack_is_clean(lint):
    """No problem of any level, and it says how much it looked at."""
    code, out, err = lint()
    assert (code, err) == (0, "")
    assert out.endswith("rules checked, 0 errors, 0 warnings\n")
    assert int(out.split()[0]) >= 90


def test_a_mistake_is_told_with_place_caret_and_suggestion(lint, pack):
    """File, line, column, the line with a caret, what is meant; errors leave with 2."""
    (pack / FILE).write_text(WRONG, "utf-8")
    code, out, err = lint("pack")
    line = next(number for number, text in enumerate(WRONG.splitlines(), 1) if "Enabeld" in text)
    assert code == 2
    assert out.startswith(f"pack/{FILE}:{line}:")
    assert ": error SEM007 " in out
    assert "^~~~" in out
    assert 'Did you mean "properties.adminUserEnabled"?' in out
    assert "0 rules were checked" in err


def test_levels_and_limits(lint, pack):
    """What is shown, what fails, and what may not be asked for together."""
    (pack / FILE).write_text(MILD, "utf-8")
    code, out, _ = lint("pack")
    assert (code, "META014" in out) == (0, True)
    code, _, err = lint("pack", "--fail-on", "warning")
    assert (code, "1 problem at or above" in err) == (1, True)
    code, out, err = lint("pack", "--level", "error")
    assert (code, "META014" in out) == (0, False)
    assert "1 milder problem is not shown" in err
    code, _, err = lint("pack", "--level", "error", "--fail-on", "info")
    assert (code, "would fail on what" in err) == (2, True)


def test_single_checks(lint, pack):
    """--check and --skip in any casing; a name that is none is refused with the nearest."""
    (pack / FILE).write_text(MILD, "utf-8")
    assert "META014" in lint("pack", "--check", "meta014")[1]
    assert "META014" not in lint("pack", "--check", "META008")[1]
    assert "META014" not in lint("pack", "--skip", "META014")[1]
    code, _, err = lint("pack", "--skip", "META14")
    assert (code, "there is no check 'META14'" in err, "META014" in err) == (2, True, True)
    (pack / FILE).write_text(WRONG, "utf-8")
    assert "SEM007" in lint("pack", "--skip", "SEM007")[1], "what keeps a rule from loading is always told"


@pytest.mark.parametrize("shape", ["github", "sarif", "json", "junit", "markdown", "text"])
def test_formats(lint, pack, shape, tmp_path):
    """Every format names the check and its place, on the terminal and in a file."""
    (pack / FILE).write_text(MILD, "utf-8")
    _, out, _ = lint("pack", "-f", shape)
    assert "META014" in out
    assert FILE in out
    target = tmp_path / "report"
    _, nothing, _ = lint("pack", "-f", shape, "-o", target)
    assert nothing == ""
    assert target.read_text("utf-8") == out
    if shape in ("sarif", "json"):
        assert json.loads(out)
    if shape == "junit":
        assert ET.fromstring(out).attrib["tests"] == "2"


def test_explain_needs_no_pack(lint):
    """The page of a check; an unknown one is refused."""
    assert lint("--explain", "sem007")[1].startswith("# SEM007")
    assert lint("--explain", "SEM0077")[0] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing-here",), "cannot be read"),
        (("pack", "-f", "html"), "unknown format"),
        (("pack", "--now", "yesterday"), "is no date"),
        (("pack", "--fix", "-o", "gone/x"), "cannot be written"),
        (("--fix",), "needs a PATH"),
        (("pack", "pack", "--waivers", "w.yaml"), "Name one PATH"),
        (("pack", "--scan", "s.ndjson"), "Name the waiver file"),
        ((f"pack/{FILE}", "--waivers", "w.yaml"), "Name the folder of the pack"),
        ((f"pack/{FILE}", "--profile", "production"), "Name the folder of the pack"),
        (("pack", "--profile", "producton"), "no profile file"),
        (("home",), "no pack.yaml"),
    ],
)
def test_wrong_requests(lint, pack, tmp_path, words, said):
    """Each ends with exit code 2, in words, with nothing remembered."""
    (tmp_path / "home").mkdir()
    code, out, err = lint(*words)
    assert code == 2
    assert said in out + err
    assert "internal error" not in err


def test_a_pack_without_rules_is_no_success(lint, tmp_path):
    """Nothing looked at is nothing proved."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "pack.yaml").write_text(MAIN, "utf-8")
    code, out, err = lint("empty")
    assert (code, "0 rules were checked" in err) == (2, True)
    assert out.startswith("0 rules checked")


def test_fix_mends_and_says_so(lint, pack):
    """Files change, the report is that of the mended files, and a second run has nothing to do."""
    (pack / FILE).write_text(rule().replace("equals: false", "Equals: false"), "utf-8")
    code, out, err = lint("pack", "--fix")
    assert (code, "1 file mended" in err) == (0, True), out
    assert (pack / FILE).read_text("utf-8") == rule()
    assert "0 files mended" in lint("pack", "--fix")[2]


def test_fix_of_one_file_leaves_its_pack_alone(lint, pack):
    """Only the file that was named changes."""
    other = rule("id: ACME102\nname: other\ntitle: Other").replace("equals: false", "Equals: false")
    (pack / "ACME102-other.yaml").write_text(other, "utf-8")
    (pack / FILE).write_text(rule().replace("equals: false", "Equals: false"), "utf-8")
    lint(f"pack/{FILE}", "--fix")
    assert (pack / FILE).read_text("utf-8") == rule()
    assert (pack / "ACME102-other.yaml").read_text("utf-8") == other


def test_one_file_is_not_blamed_for_what_is_not_here(lint, pack):
    """A deprecated rule whose successor lies in another file, or in one that is broken; what nobody else could use."""
    (pack / FILE).write_text(rule("status: deprecated"), "utf-8")
    assert "META008" in lint("pack")[1]
    assert "META008" not in lint(f"pack/{FILE}")[1]
    heir = rule("id: ACME102\nname: other\ntitle: Other\nreplaces: [ACME101]")
    (pack / "ACME102-other.yaml").write_text(heir, "utf-8")
    assert lint("pack")[1] == "2 rules checked, 0 errors, 0 warnings\n"
    (pack / "ACME102-other.yaml").write_text(heir + "severity: [", "utf-8")
    assert "META008" not in lint("pack")[1]


def test_a_waiver_of_a_broken_rule_is_not_called_unknown(lint, pack, tmp_path):
    """The rule is there, it only cannot be read; one that is nowhere is unknown all the same."""
    (tmp_path / "w.yaml").write_text(_ENTRY, "utf-8")
    assert "WAIV005" not in lint("pack", "--waivers", "w.yaml", "--now", "2026-11-26")[1]
    (pack / FILE).write_text(WRONG, "utf-8")
    assert "WAIV005" not in lint("pack", "--waivers", "w.yaml", "--now", "2026-11-26")[1]
    (tmp_path / "w.yaml").write_text(_ENTRY.replace("ACME101", "ACME109"), "utf-8")
    assert "WAIV005" in lint("pack", "--waivers", "w.yaml", "--now", "2026-11-26")[1]


def test_the_second_run_reads_no_rule(lint, pack, monkeypatch):
    """The same files, day and options: the report is told from memory, in every format and at every level."""
    (pack / FILE).write_text(MILD, "utf-8")
    first = lint("pack")
    monkeypatch.setattr(policy_lint, "_made", refuse)
    assert lint("pack") == first
    assert lint("pack", "-f", "json")[0] == 0
    assert lint("pack", "--fail-on", "warning")[0] == 1


@pytest.mark.parametrize(
    "words",
    [
        ("pack", "--no-cache"),
        ("pack", "--fix"),
        ("pack", "--skip", "META001"),
        ("pack", "--now", "2026-01-01"),
    ],
)
def test_other_requests_are_not_told_from_memory(lint, pack, monkeypatch, words):
    """What changes files, asks for other checks or another day, or wants to see it again, is done again."""
    lint("pack")
    monkeypatch.setattr(policy_lint, "_made", refuse)
    assert lint(*words)[0] == 5


def test_an_edit_is_never_overlooked(lint, pack):
    """Right, wrong, right again: each run tells of the file as it is."""
    assert lint("pack")[0] == 0
    (pack / FILE).write_text(WRONG, "utf-8")
    assert lint("pack")[0] == 2
    assert lint("pack")[0] == 2
    (pack / FILE).write_text(rule(), "utf-8")
    assert lint("pack")[0] == 0


def test_files_that_change_while_they_are_read_are_not_remembered(lint, pack, monkeypatch, tmp_path):
    """A report of the old content is not kept under the new one."""
    honest = policy_lint._made

    def changing(request):
        report = honest(request)
        (pack / FILE).write_text(WRONG, "utf-8")
        return report

    monkeypatch.setattr(policy_lint, "_made", changing)
    assert lint("pack")[0] == 0
    monkeypatch.setattr(policy_lint, "_made", honest)
    assert not list((tmp_path / "home").rglob("lint/*.json"))
    assert lint("pack")[0] == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no such device")
def test_a_home_that_cannot_be_written_changes_nothing(lint, pack, monkeypatch):
    """The run is slower and the same."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert lint("pack")[0] == lint("pack")[0] == 0


def test_waivers_and_profiles_beside_a_pack(lint, pack, tmp_path):
    """Both are checked, remembered, and seen when they change."""
    (tmp_path / "w.yaml").write_text("apiVersion: [\n", "utf-8")
    code, out, _ = lint("pack", "--waivers", "w.yaml")
    assert (code, "w.yaml:" in out) == (2, True)
    (tmp_path / "p.yaml").write_text(
        "apiVersion: acrscan/v1\nprofile: {id: mine}\ndeselect:\n  - {id: ACME999, reason: It is gone}\n",
        "utf-8",
    )
    code, out, _ = lint("pack", "--profile", "p.yaml")
    assert (code, "PROF001" in out) == (2, True)
    (tmp_path / "p.yaml").write_text("apiVersion: acrscan/v1\nprofile: {id: mine}\n", "utf-8")
    assert lint("pack", "--profile", "p.yaml")[0] == 0


def test_the_command_loads_no_parser_for_what_it_remembers(pack):
    """A second run imports neither YAML nor the language: that is what makes it quick."""
    program = (
        "import sys\nfrom scanner.cli.door import run\ncode = run(['policy', 'lint', 'pack'])\n"
        "print(code, [one for one in ('yaml', 'scanner.language.pack', 'scanner.engine.paths', 're2') if one in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    told = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=pack.parent,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert told[0].splitlines()[0] == told[1].splitlines()[0]
    assert told[0].splitlines()[1].startswith("0 ['yaml'")
    assert told[1].splitlines()[1] == "0 []"


HOSTILE = {
    "empty": b"",
    "only a comment": b"# nothing\n",
    "null bytes": b"id: ACME101\x00\n",
    "another encoding": "id: ACME101\ntitle: näh\n".encode("latin-1"),
    "utf-16": "id: ACME101\n".encode("utf-16"),
    "a lone surrogate": b"id: \xed\xa0\x80\n",
    "a number": b"42\n",
    "a list": b"- id: ACME101\n",
    "deep lists": b"a: " + b"[" * 5_000,
    "deep mappings": b"a: " + b"{a: " * 5_000,
    "a deep condition": RULE.replace(
        "{field: properties.adminUserEnabled, equals: false, default: false}",
        "{not: " * 60 + "{field: name, equals: x}" + "}" * 60,
    ).encode(),
    "anchors that explode": b"a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]\n",
    "a tag that makes objects": b"id: !!python/object/apply:os.system [id]\n",
    "a merge key": b"<<: {a: b}\nid: ACME101\n",
    "too large": b"# " + b"x" * 2_100_000 + b"\n",
    "too many values": b"a: [" + b"1," * 210_000 + b"1]\n",
    "a workflow command": RULE.replace(
        "title: The admin user is off", 'title: "::error::gone\\r\\n##[error]gone \\u202e \\e[31m"'
    ).encode(),
    "a path above": RULE.replace("id: ACME101", 'id: "../../etc/passwd"').encode(),
    "a pattern that never ends": RULE.replace("equals: false, default: false}", "matches: '^(a+)+$'}")
    .replace("properties.adminUserEnabled", "name")
    .encode(),
    "many documents": b"---\n".join([RULE.encode()] * 50),
    "windows line ends": RULE.replace("\n", "\r\n").encode(),
    "old line ends": RULE.replace("\n", "\r").encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_told_in_words(lint, pack, name):
    """Whatever stands in a rule file: a clear message with its place, never an internal error, nothing that a log obeys."""
    (pack / FILE).write_bytes(HOSTILE[name])
    for shape in ("text", "github", "sarif", "json", "junit", "markdown"):
        code, out, err = lint("pack", "-f", shape)
        assert code in (0, 2), (code, err)
        assert "internal error" not in err
        assert FILE in out or code == 0 or "0 rules" in err
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert not [line for line in out.splitlines() if line.lstrip().startswith("::error::")]
        assert shape == "github" or "##[" not in out
    assert lint("pack", "--fix")[0] in (0, 2)


def test_the_name_of_a_file_is_text(lint, pack):
    """Names with blanks, quotes, controls and commands are shown, and obeyed by nobody."""
    for name in ("a b.yaml", "::error::x.yaml", "näh\u202e.yaml", "'\"`$(id).yaml", "-x.yaml"):
        (pack / name).write_text("severity: hihg\n", "utf-8")
    for shape in ("text", "github", "sarif", "json", "junit", "markdown"):
        code, out, err = lint("pack", "-f", shape)
        assert code == 2
        assert "internal error" not in err
        assert "\u202e" not in out
        assert not [line for line in out.splitlines() if line.startswith("::error::")]


def test_broken_rules_never_break_the_command(lint, pack):
    """Small accidents to a good file: each run tells something, none ends in an internal error."""
    chance = random.Random(20261126)
    text = rule()
    pieces = [
        *string.punctuation,
        "\n",
        "  ",
        "\t",
        "no",
        "{{",
        "!unknown",
        "null",
        "\U0001d499",
        "- ",
        "assert:",
        "1e999",
    ]
    for _ in range(60):
        broken = text
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(broken))
            kind = chance.randrange(3)
            cut = at + chance.randint(1, 30) if kind else at
            broken = broken[:at] + (chance.choice(pieces) if kind != 1 else "") + broken[cut:]
        (pack / FILE).write_text(broken, "utf-8")
        code, out, err = lint("pack", "--no-cache")
        assert code in (0, 1, 2), (broken, err)
        assert "internal error" not in err, (broken, err)
        assert out


def test_every_check_can_be_left_out(lint):
    """The table of checks and the options know the same names."""
    words = [word for code in catalogue() for word in ("--skip", code)]
    assert lint(*words)[0] == 0
