"""The page about pull requests says what the code says: every id with its meaning and step, every option."""

import re
from pathlib import Path

import pytest

from scanner.cli.policy_diff import diff
from scanner.cli.policy_impact import impact
from scanner.workbench.diff.change import KINDS, UNREAD
from scanner.workbench.diff.change import MEANINGS as OF_DIFF
from scanner.workbench.impact.codes import MEANINGS as OF_IMPACT

PAGE = (Path(__file__).resolve().parents[2] / "docs/pull-requests.md").read_text()


def test_every_id_is_on_the_page():
    """With the meaning and the step that the code has; and the page has no other ids."""
    rows = dict(re.findall(r"^\| ((?:LOOSE|IMPACT)\d{3}) \| (.*) \|$", PAGE, re.MULTILINE))
    assert rows == OF_IMPACT
    steps = {code: (step, words) for code, step, words in re.findall(r"^\| (DIFF\d{3}) \| (\w+) \| (.*) \|$", PAGE, re.MULTILINE)}  # fmt: skip
    wanted = {code: (kind.step, kind.meaning) for code, kind in KINDS.items()}
    assert steps == {**wanted, UNREAD: ("none", OF_DIFF[UNREAD])}


@pytest.mark.parametrize("command", [impact, diff], ids=lambda one: one.name)
def test_every_option_on_the_page_exists(command):
    """What the page writes as an option of a command line is one."""
    known = {option for one in (impact, diff) for parameter in one.params for option in parameter.opts}
    elsewhere = {"--baseline", "--unshallow"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) - elsewhere <= known
    assert command.help
    assert "Examples:" in command.help
