"""Mutants on several processors: the same results in the same order, and a clear error when a process is gone."""

from __future__ import annotations

import os
from concurrent.futures.process import BrokenProcessPool

import pytest

from scanner.errors import InputError
from scanner.language.pack import load_pack
from scanner.workbench.processes import RULES_EACH, mutated, processes_for
from tests.workbench.packs import write
from tests.workbench.test_mutate import CHECK, GAP, GOOD


def told(chosen, jobs):
    """What became of each rule, as text."""
    with mutated(chosen, jobs) as results:
        return [
            (
                one.rule.id,
                [mutant.what for mutant in one.killed],
                [problem.detail for problem in one.problems],
            )
            for one in results
        ]


def test_several_processes_say_what_one_says(tmp_path):
    """Two packs with a rule of one id each, in two processes: each is judged by its own tests, in the order asked."""
    packs = [
        load_pack(write(tmp_path / "a", check=CHECK, tests=GAP)),
        load_pack(write(tmp_path / "b", check=CHECK, tests=GOOD)),
    ]
    chosen = [(pack, pack.rules[0]) for pack in (*packs, packs[0])]
    alone = told(chosen, 1)
    assert told(chosen, 2) == alone
    assert [len(problems) for _, _, problems in alone] == [1, 0, 1]


def test_a_process_that_was_ended_is_told(tmp_path):
    """Want of memory ends processes from outside: that is an error with advice, not a lost rule."""
    pack = load_pack(write(tmp_path, check=CHECK, tests=GOOD))
    chosen = [(pack, pack.rules[0])] * 2
    with pytest.raises(InputError, match="ended by the system"), mutated(chosen, 2):
        raise BrokenProcessPool


def test_few_rules_start_no_process(monkeypatch):
    """A start costs more than some rules; never more processes than processors."""
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert [processes_for(rules) for rules in (0, 1, 2 * RULES_EACH, 100 * RULES_EACH)] == [1, 1, 2, 4]
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processes_for(1000) == 1
