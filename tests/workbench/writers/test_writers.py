"""Writers of the workbench: every problem with its place, nothing outside text can do, nothing dropped without a word."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from scanner.errors import UsageError
from scanner.model.condition import Mark
from scanner.workbench import writers
from scanner.workbench.lint.catalogue import catalogue
from scanner.workbench.problem import Problem, Report
from tests.formats.sarif_tools import schema, validated
from tests.workbench.writers.samples import ORDINARY, cases, hostile, many


def written(name, report):
    """The report in a format."""
    out = io.StringIO()
    writers.get(name)(report, out)
    return out.getvalue()


def test_the_folder_is_the_list_of_formats():
    """Six formats; another name is a usage error that suggests the nearest."""
    assert writers.names() == ("github", "json", "junit", "markdown", "sarif", "text")
    with pytest.raises(UsageError, match="unknown format 'sarf'") as caught:
        writers.get("sarf")
    assert "sarif" in caught.value.advice


@pytest.mark.parametrize("name", writers.names())
@pytest.mark.parametrize("report", [ORDINARY, cases()], ids=["problems", "cases"])
def test_every_problem_is_told_everywhere(name, report):
    """Each problem's file, line and words are in each format, and so are those of cases that did not hold."""
    text = written(name, report)
    for one in report.told():
        assert one.mark.file.rsplit("/", 1)[-1] in text
        assert str(one.mark.line) in text
        bare = re.sub(r"[\\\u2060]|&\w+;|%\w\w", "", text)
        assert re.sub(r"[^a-z]+", "", one.what.lower())[-16:] in re.sub(r"[^a-z]+", "", bare.lower())


def test_text_shows_place_line_caret_and_advice():
    """The whole of a problem as a person reads it; the caret is drawn to the end of the region."""
    text = written("text", ORDINARY)
    assert text.startswith(
        "b.yaml:3:3: info TEST008 a failing test says nothing of the message\n"
        "policies/acr/ACR101.yaml:8:12: error SEM007 ACR101: unknown property path 'properties.adminUserEnable'\n"
        "  | assert: {field: properties.adminUserEnable, equals: false}\n"
        "  |            ^~~~~~~~~~~~~~~~~~~~~~~~~~\n"
        '  = Did you mean "properties.adminUserEnabled"?\n'
    )
    assert text.endswith("2 rules checked, 1 error, 1 warning, 1 note\n")


def test_nothing_looked_at_is_said():
    """A report without counts does not read like a success."""
    assert written("text", Report("lint", ())) == "nothing checked, 0 errors, 0 warnings\n"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def test_colours_only_on_a_terminal_and_not_with_no_color(monkeypatch):
    """Escape codes are for terminals whose user did not refuse them."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" not in written("text", ORDINARY)
    coloured, refused = Terminal(), Terminal()
    writers.get("text")(ORDINARY, coloured)
    monkeypatch.setenv("NO_COLOR", "1")
    writers.get("text")(ORDINARY, refused)
    assert "\x1b[1;31merror SEM007\x1b[0m" in coloured.getvalue()
    assert refused.getvalue() == written("text", ORDINARY)


def test_github_commands_are_spelled_as_the_runner_reads_them():
    """Properties and data are escaped, the region goes along, the level is the command."""
    report = replace(
        ORDINARY,
        problems=(
            Problem("A", "error", "100%: a, b", Mark("x,y:z.yaml", 2, 3), "next\nline", "R1", end_column=9),
        ),
    )
    first, last = written("github", report).splitlines()
    assert (
        first
        == "::error file=x%2Cy%3Az.yaml,line=2,col=3,endColumn=9,title=A R1 (error)::R1: 100%25: a, b%0Anext line"
    )
    assert last == "2 rules checked, 1 error, 0 warnings"
    assert (
        written("github", ORDINARY)
        .splitlines()[1]
        .startswith("::warning file=policies/acr/ACR102.yaml,line=40,col=1,")
    )


def test_github_keeps_to_the_limits_and_names_the_rest():
    """Ten of each level and not one more; the worst first; one closing notice counts what is missing by file."""
    lines = written("github", many(12, 30, 11)).splitlines()
    commands = [line.split(" ")[0] for line in lines if line.startswith("::")]
    assert commands == ["::error"] * 10 + ["::warning"] * 10 + ["::notice"] * 10
    assert "2 errors, 20 warnings, 2 notes more than GitHub shows" in lines[29]
    assert "pack/1.yaml (19), pack/0.yaml (5)" in lines[29]
    exactly = written("github", many(10, 10, 10)).splitlines()
    assert sum(line.startswith("::") for line in exactly) == 30
    assert not any("more than GitHub shows" in line for line in exactly)


@pytest.mark.parametrize("name", ["text", "github"])
def test_no_line_of_a_log_is_a_command_of_outside_text(name):
    """Neither GitHub's `::` after blanks nor `##[` nor `##vso[` anywhere; no control character, no hidden direction."""
    text = written(name, hostile())
    for line in text.splitlines():
        if name == "text" or "own" not in line.split("::")[-1]:
            assert not line.lstrip().startswith("::") or re.match(r"::(error|notice) (file|title)=", line)
        if not line.startswith("::"):  # the runner reads such a line as this command and looks for no other
            assert not re.search(r"##\[|##vso\[", line, re.IGNORECASE)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", line)
    if name == "github":
        commands = [line for line in text.splitlines() if line.lstrip().startswith("::")]
        assert len(commands) == len(hostile().told())


@pytest.mark.parametrize("name", ["json", "sarif", "junit", "markdown"])
def test_formats_that_are_printed_are_obeyed_by_no_log(name):
    """These go to standard output where no file is named: no command stands in them, and no hidden direction."""
    text = written(name, hostile())
    assert not re.search(r"##\[|##vso\[|[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", text, re.IGNORECASE)
    assert not re.search(r"^\s*::", text, re.MULTILINE)
    assert "group" in text


def test_json_has_all_of_it_as_it_is():
    """Strings come back unchanged; numbers of levels and cases agree with the report."""
    report = hostile()
    found = json.loads(written("json", report))
    assert found["problems"][0]["what"] == report.told()[0].what
    assert found["found"] == {"error": 2, "warning": 0, "info": 0}
    assert [case["held"] for case in json.loads(written("json", cases()))["cases"]] == [True, False, False]


def test_json_survives_names_of_another_encoding():
    """A file name that is no UTF-8 does not stop the report."""
    text = written("json", Report("lint", (Problem("A", "error", "x", Mark("bad\udcff.yaml", 1, 1)),)))
    assert json.loads(text.encode("utf-8"))["problems"][0]["file"] == "bad?.yaml"


def test_junit_has_cases_and_problems_once_each():
    """A case that a problem names is not counted twice; notes are skipped; clean files are passing cases."""
    suites = ET.fromstring(written("junit", cases()))
    assert [(s.get("name"), s.get("tests"), s.get("failures")) for s in suites] == [("T1", "3", "2")]
    suites = ET.fromstring(written("junit", ORDINARY))
    assert suites.attrib == {
        "name": "acrscan lint",
        "tests": "4",
        "failures": "2",
        "errors": "0",
        "skipped": "1",
    }
    by_name = {case.get("name"): case for case in suites.iter("testcase")}
    assert list(by_name["ACR102"]) == []
    assert by_name["TEST008 line 3:3"].find("skipped") is not None
    failure = by_name["SEM007 ACR101 line 8:12"].find("failure")
    assert failure is not None
    assert failure.get("type") == "error"
    assert "policies/acr/ACR101.yaml:8: unknown property path" in (failure.text or "")


def test_junit_of_hostile_text_parses_and_shows_it():
    """Controls and markup are written out, so that any XML reader takes the file."""
    suites = ET.fromstring(written("junit", hostile()))
    assert "<img src=x onerror" in (next(suites.iter("failure")).text or "")


def test_markdown_fits_a_comment_and_counts_what_does_not():
    """Ten thousand long problems stay below the limit, and the number of the missing ones is right."""
    report = many(10_000, 0, 0)
    report = replace(report, problems=tuple(replace(one, detail="-a\n+b\n" * 900) for one in report.problems))
    text = written("markdown", report)
    assert len(text) <= 60_000
    rows = sum(line.startswith("| ❌") for line in text.splitlines())
    assert f"**{10_000 - rows:,} more problems left out" in text
    details = text.count("<details>")
    assert f"{rows - details:,} more details left out" in text
    assert details >= 1


def test_markdown_of_hostile_text_is_text():
    """No image, link, mention or HTML of outside text comes through; the fence of a detail holds."""
    text = written("markdown", hostile())
    html = MarkdownIt("gfm-like").render(text)
    assert "<img" not in html
    assert "<a " not in html
    assert not re.search(
        r"@octocat|(?<!&)#1", re.sub(r"<pre>.*?</pre>|<code>.*?</code>", "", html, flags=re.DOTALL)
    )
    assert html.count("<details>") == html.count("</details>") == 2
    assert html.count("<td") == 8


@pytest.mark.parametrize("report", [ORDINARY, hostile(), many(3, 3, 3), cases(), Report("lint", ())])
def test_sarif_is_what_the_official_tool_takes(report, monkeypatch):
    """The schema and the official validator with GitHub's rules have nothing to say."""
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "contoso/policies")
    monkeypatch.setenv("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567")
    text = written("sarif", report)
    schema().validate(json.loads(text))
    assert validated(text.encode(), "Sarif;Ghas") == []


def test_sarif_names_of_all_checks_are_pascal_case():
    """Apostrophes and single letters give no capital that stands alone; the official validator (SARIF2012) agrees."""
    codes = [*sorted(catalogue()), "T1", "\u2019", "9-a b"]
    report = replace(
        ORDINARY, problems=tuple(Problem(code, "error", "x", Mark("a.yaml", 2, 4)) for code in codes)
    )
    text = written("sarif", report)
    rules = {one["id"]: one["name"] for one in json.loads(text)["runs"][0]["tool"]["driver"]["rules"]}
    assert len(rules) == len(codes)
    assert {one for one in rules.values() if not re.fullmatch(r"([A-Z][a-z0-9]+)+", one)} == set()
    assert rules["LOG009"] == "DefaultIsApisOwn"
    assert [one for one in validated(text.encode(), "Sarif") if "SARIF2012" in str(one)] == []


def test_sarif_counts_columns_in_utf16_units():
    """Where characters beyond U+FFFF stand before a problem its units are taken, and the log says which they are."""
    one = Problem("A", "error", "x", Mark("a b.yaml", 2, 4), end_column=6, units=(5, 7))
    (run,) = json.loads(written("sarif", Report("lint", (one,))))["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert run["columnKind"] == "utf16CodeUnits"
    region = {key: value for key, value in place["region"].items() if key != "snippet"}
    assert region == {"startLine": 2, "startColumn": 5, "endLine": 2, "endColumn": 7}
    assert place["artifactLocation"] == {"uri": "a%20b.yaml", "uriBaseId": "SRCROOT"}


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b"}, "https://github.com/a/b"),
        (
            {"BUILD_REPOSITORY_URI": "https://who:secret@dev.azure.com/o/p/_git/r"},
            "https://dev.azure.com/o/p/_git/r",
        ),
        ({"CI_PROJECT_URL": "https://gitlab.com/g/p"}, "https://gitlab.com/g/p"),
        ({"CI_PROJECT_URL": "javascript:alert(1)"}, None),
    ],
)
def test_sarif_names_the_repository_without_credentials(environment, address, monkeypatch):
    """Build services name the repository in different variables; a password in an address is not passed on."""
    for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "BUILD_REPOSITORY_URI", "CI_PROJECT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (run,) = json.loads(written("sarif", ORDINARY))["runs"]
    found = [one["repositoryUri"] for one in run.get("versionControlProvenance", [])]
    assert found == ([address] if address else [])


@pytest.mark.parametrize("file", ["/etc/x.yaml", "C:\\packs\\x.yaml", "../x.yaml", ""])
def test_sarif_addresses_stay_relative(file):
    """A file outside the checkout gets no absolute or climbing address, for services refuse the whole log then."""
    (run,) = json.loads(written("sarif", Report("lint", (Problem("A", "error", "x", Mark(file, 1, 1)),))))[
        "runs"
    ]
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert not uri.startswith(("/", "..", "C:", "file:"))


def test_sarif_fingerprints_follow_the_rule():
    """A problem that moves to another line keeps its print; another rule's has another one."""

    def prints(**changes):
        base = Problem("A", "error", "x", Mark("a.yaml", 1, 1), rule="R1")
        (run,) = json.loads(written("sarif", Report("lint", (replace(base, **changes),))))["runs"]
        return run["results"][0]["partialFingerprints"]["acrscan/v1"]

    assert prints() == prints(mark=Mark("b.yaml", 9, 9))
    assert prints() != prints(rule="R2")


def test_sarif_beyond_what_services_take_keeps_the_worst(monkeypatch):
    """The mildest go first and are counted in a notification."""
    from scanner.workbench.writers import sarif  # noqa: PLC0415

    monkeypatch.setattr(sarif, "MOST", 4)
    (run,) = json.loads(written("sarif", many(3, 3, 3)))["runs"]
    assert [one["level"] for one in run["results"]].count("error") == 3
    assert len(run["results"]) == 4
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"].startswith("5 milder results")
