"""Pages of checks: the examples on them are true, the table is whole, and each check speaks alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scanner.errors import UsageError
from scanner.workbench.lint.catalogue import catalogue, families
from scanner.workbench.lint.pages import explained, pages
from scanner.workbench.problem import LEVELS
from tests.workbench.lint.bench import codes, lint

ROOT = Path(__file__).resolve().parents[3]
SHOWN = [check for check in catalogue().values() if check.bad and check.file != "scan"]
ALSO = {"LOG015": {"LOG001"}}
"""What an example cannot but say too: a threshold that every number passes makes a rule that never fails."""
CONTRACT = "YAML001-003 SCH001 SEM001-008 LOG001-016 META001-015 TEST001-008 WAIV001-007 PROF001-003"


def test_the_clean_bench_is_clean(tmp_path):
    """Without a piece nothing is found, or no example could prove anything."""
    assert lint(tmp_path).problems == ()


@pytest.mark.parametrize("check", SHOWN, ids=lambda check: check.code)
def test_the_bad_example_makes_exactly_this_check_speak(check, tmp_path):
    """The example on the page is found by its check, and by no other."""
    report = lint(tmp_path, check.bad, kind=check.file)
    assert codes(report) - ALSO.get(check.code, set()) == {check.code}, [str(one) for one in report.problems]


@pytest.mark.parametrize("check", SHOWN, ids=lambda check: check.code)
def test_the_good_example_is_clean(check, tmp_path):
    """What the page recommends is recommended by all checks."""
    report = lint(tmp_path, check.good, kind=check.file)
    assert codes(report) == set(), [str(one) for one in report.problems]


@pytest.mark.parametrize("check", SHOWN, ids=lambda check: check.code)
def test_a_problem_has_a_place_and_the_level_of_its_check(check, tmp_path):
    """File, line and column of the mistake; the page's level, unless the page says when it is another."""
    for one in lint(
        tmp_path, check.bad, kind=check.file, skip=frozenset(ALSO.get(check.code, set()))
    ).problems:
        assert one.mark.file.endswith(".yaml")
        assert one.mark.line >= 1
        assert one.mark.column >= 1
        assert one.level == check.level or one.code in ("YAML003", "META002", "META003", "WAIV003", "WAIV006")
        assert one.code == "META013" or one.end_column > one.mark.column


def test_every_check_of_the_contract_is_there():
    """All ids of the contract's list ."""
    wanted = set()
    for part in CONTRACT.split():
        named = re.fullmatch(r"([A-Z]+)(\d+)(?:-(\d+))?", part)
        assert named is not None
        head, first, last = named.groups()
        wanted |= {f"{head}{number:03}" for number in range(int(first), int(last or first) + 1)}
    assert wanted <= set(catalogue())


def test_ids_are_given_once_and_levels_are_known():
    """One id, one check."""
    listed = [check.code for family in families() for check in family.CHECKS]
    assert len(listed) == len(set(listed))
    assert {check.level for check in catalogue().values()} == set(LEVELS)


def test_committed_pages_are_the_generated_ones():
    """`make golden` was run."""
    found = {path.name: path.read_text("utf-8") for path in (ROOT / "docs" / "lint").glob("*.md")}
    assert found == dict(pages())


def test_explain_prints_a_page_and_suggests_another():
    """Any casing; an unknown id is a usage error with the nearest one."""
    assert explained("sem007").startswith("# SEM007: Property paths exist")
    with pytest.raises(UsageError) as caught:
        explained("SEM017")
    assert "SEM0" in caught.value.advice
