"""The page about testing rules: its examples work as they stand, and its table names every kind of mistake."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from scanner import data
from scanner.cli.door import run
from scanner.engine.evaluate import rule_values
from scanner.language.pack import load_pack
from scanner.workbench.mutants import mutants
from tests.workbench.packs import write
from tests.workbench.test_mutate import CHECK, GAP

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "testing-rules.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)


def test_the_inline_tests_hold(capsys, tmp_path):
    """The tests of the page are tests of a rule about the admin user."""
    text = next(block for _, block in BLOCKS if block.startswith("tests:\n"))
    check = (
        "assert: {allOf: [{field: properties.adminUserEnabled, equals: false, default: false},"
        " {none: {of: related.locks, as: lock, where: {field: $lock.name, equals: b}}}]}"
    )
    lines = [
        line if "related" in line else line.replace("expect", "related: {locks: []}, expect")
        for line in text.removeprefix("tests:").splitlines()
    ]
    folder = write(tmp_path, check=check, tests="\n".join(lines))
    rule = folder / "TST101-one-rule.yaml"
    rule.write_text(
        rule.read_text().replace(
            "Public access is {{ properties.publicNetworkAccess }}",
            "Admin user is {{ properties.adminUserEnabled }}",
        )
    )
    assert run(["policy", "test", str(folder)]) == 0
    assert capsys.readouterr().out == "4 tests passed, 0 failed\n"


def test_the_fixture_holds(capsys, tmp_path):
    """The estate of the page, beside the shipped pack."""
    text = next(block for _, block in BLOCKS if "\nexpect:" in block)
    shutil.copytree(data.policies() / "acr", tmp_path / "acr")
    file = tmp_path / "acr" / "page.test.yaml"
    file.write_text(text, encoding="utf-8")
    assert run(["policy", "test", str(file)]) == 0
    assert capsys.readouterr().out == "2 tests passed, 0 failed\n"


def test_the_survivor_is_shown_as_the_page_shows_it(capsys, tmp_path):
    """What `policy mutate` prints of a gap."""
    shown = next(block for kind, block in BLOCKS if not kind)
    write(tmp_path, check=CHECK, tests=GAP)
    assert run(["policy", "mutate", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert out.split(": ", 1)[1].replace("TST101", "ACME101") == shown.split(": ", 1)[1]


def test_every_kind_of_mistake_is_on_the_page():
    """The twelve kinds, by the names that reports give them."""
    pack = load_pack(data.policies() / "acr")
    kinds = {
        one.operator for rule in pack.rules for one in mutants(rule, rule_values(pack, rule, pack.values))
    }
    assert len(kinds) == 12
    table = PAGE.split("| mistake |")[1].split("A test notices")[0]
    assert [kind for kind in sorted(kinds) if kind not in table] == []
