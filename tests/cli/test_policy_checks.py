"""`policy test` and `policy mutate` as a person runs them: what they print, where reports go, the code they leave with."""

from __future__ import annotations

import json
import subprocess

import pytest

from scanner import data
from scanner.cli.checked import percent
from scanner.cli.door import run
from scanner.cli.policy_mutate import base_of
from scanner.language.pack import load_pack, load_rule_file
from tests.workbench.packs import write
from tests.workbench.test_mutate import CHECK, GAP, GOOD


def invoke(capsys, *arguments):
    code = run(arguments)
    out = capsys.readouterr()
    return code, out.out, out.err


def test_the_shipped_pack_is_tested_to_the_last_branch(capsys):
    """Each inline test and fixture holds, and together they reach every branch that some case can reach."""
    code, out, err = invoke(capsys, "policy", "test", "--coverage", "--min-branch", "100")
    assert (code, err) == (0, "")
    passed, branches, impossible = out.splitlines()
    assert int(passed.removesuffix(" tests passed, 0 failed")) > 1_400
    assert "branches (100 %); 0 of " in branches
    assert impossible == "3 more cannot be reached: no case brings them about"


SAME = """\
the same rule ACR310 default "" dropped
the same rule ACR401 default 7 became 6
the same rule ACR401 default 7 became 8
the same rule ACR401 default 7 became 6
the same rule ACR401 default 7 became 8
the same rule ACR703 default "" dropped
the same rule ACR706 default Succeeded dropped
the same rule ACR712 default "" dropped
the same rule ACR712 default "" dropped
the same rule ACR808 default "" dropped
"""
"""Mutants of shipped rules that are the rule itself: defaults that tell the reader what absence means."""


def test_no_mutant_of_the_shipped_pack_survives(capsys):
    """In two processes: every mistake in a shipped rule is noticed by a test; those that are none are known by name."""
    code, out, _ = invoke(capsys, "policy", "mutate", "--jobs", "2", "-v")
    *lines, last = out.splitlines(keepends=True)
    assert [line for line in lines if not line.startswith(("killed ", "the same rule "))] == []
    assert code == 0
    assert "".join(line for line in lines if line.startswith("the same")) == SAME
    same = len(SAME.splitlines())
    killed = len(lines) - same
    assert killed > 2_000
    rules = sum(rule.check is not None for rule in load_pack(data.policies() / "acr").rules)
    assert last == (
        f"{rules} rules, {killed:,} mutants, 0 survived: score 100 % ({same} more said the same as the rule)\n"
    )


def test_a_gap_is_told_and_gates(capsys, tmp_path):
    """--coverage names the branch at its place and passes; --min-branch refuses, without rounding."""
    write(tmp_path, check=CHECK, tests="[{name: a, resource: {sku: {name: Basic}}, expect: fail}]")
    code, out, _ = invoke(capsys, "policy", "test", str(tmp_path), "--coverage")
    assert code == 0
    assert (
        "TST101-one-rule.yaml:12:9: TEST005 TST101: {field: sku.name, in: [Standard, Premium]} is never true"
        in out
    )
    assert "1 of 2 branches (50 %); 1 of 1 rules lack some" in out
    code, _, err = invoke(capsys, "policy", "test", str(tmp_path), "--min-branch", "50.01")
    assert (code, err) == (1, "exit 1: branch coverage 50 % is below 50.01 %\n")
    assert invoke(capsys, "policy", "test", str(tmp_path), "--min-branch", "50")[0] == 0
    assert invoke(capsys, "policy", "test", str(tmp_path), "--min-branch", "101")[0] == 2


def test_nothing_is_rounded_up():
    """99.995 is shown as 99.99, and all of it as 100."""
    assert percent(99_995, 100_000) == "99.99 %"
    assert percent(999_999, 1_000_000) == "99.99 %"
    assert percent(7, 7) == "100 %"
    assert percent(1, 200) == "0.50 %"
    assert percent(0, 0) == "0 %"


def test_failed_tests_no_tests_and_unknown_rules(capsys, tmp_path):
    """A failed test leaves with 1, no test with 2, an id that no pack has with 2 and a suggestion."""
    write(tmp_path, check=CHECK, tests="[{name: a, resource: {sku: {name: Basic}}, expect: pass}]")
    code, out, _ = invoke(capsys, "policy", "test", str(tmp_path))
    assert code == 1
    assert "TST101 'a': expected pass, got fail" in out
    write(tmp_path, check=CHECK)
    assert invoke(capsys, "policy", "test", str(tmp_path))[0] == 2
    code, _, err = invoke(capsys, "policy", "test", str(tmp_path), "--rule", "TST102")
    assert code == 2
    assert 'Did you mean "TST101"?' in err


def test_tests_are_chosen_by_name(capsys, tmp_path):
    """A pattern in any case; one that nothing has is no success; coverage of some tests would be a lie."""
    write(tmp_path, check=CHECK, tests=GOOD)
    code, out, _ = invoke(capsys, "policy", "test", str(tmp_path), "--name", "A", "--name", "c*", "-v")
    assert (code, out) == (0, "ok TST101 a\nok TST101 c\n2 tests passed, 0 failed\n")
    code, _, err = invoke(capsys, "policy", "test", str(tmp_path), "--name", "nobody")
    assert (code, err) == (2, "exit 2: 0 tests ran\n")
    code, _, err = invoke(capsys, "policy", "test", str(tmp_path), "--name", "a", "--min-branch", "1")
    assert code == 2
    assert "coverage is that of all tests" in err
    code, out, _ = invoke(capsys, "policy", "test", "--name", "closed registries*", "-v")
    assert code == 0
    assert {line.split(" ACR")[0] for line in out.splitlines() if " ACR" in line} == {
        "ok closed registries with replicas"
    }


def test_survivors_are_shown_with_the_test_that_is_missing(capsys, tmp_path):
    """The diff of the rule, the test to paste, the score, and 1."""
    write(tmp_path, check=CHECK, tests=GAP)
    code, out, err = invoke(capsys, "policy", "mutate", str(tmp_path), "-v")
    assert (code, err) == (1, "exit 1: mutation score 66.66 % is below 100 %\n")
    assert "TEST006 TST101: no test notices: Premium dropped from in\n" in out
    assert "  + {field: sku.name, in: [Standard]}\n" in out
    assert (
        '    - {name: "name this: Premium dropped from in", resource: {sku: {name: Premium}}, expect: pass}\n'
        in out
    )
    assert "killed TST101 in negated\n" in out
    assert "1 rule, 3 mutants, 1 survived: score 66.66 %" in out
    assert invoke(capsys, "policy", "mutate", str(tmp_path), "--min-score", "66.66")[0] == 0
    assert invoke(capsys, "policy", "mutate", str(tmp_path), "--min-score", "66.67")[0] == 1


def test_no_mutant_is_no_success(capsys, tmp_path):
    """A pack of manual rules has nothing to mutate: 2; a rule with a failing test: 1."""
    write(tmp_path, check="manual: Ask somebody.")
    code, _, err = invoke(capsys, "policy", "mutate", str(tmp_path))
    assert (code, err) == (2, "exit 2: 0 mutants\n")
    write(tmp_path, check=CHECK, tests=GOOD.replace("fail", "pass"))
    code, out, err = invoke(capsys, "policy", "mutate", str(tmp_path))
    assert code == 1
    assert "TEST000 TST101: the test 'c' fails on the rule itself: expected pass, got fail" in out


def commit(folder, *arguments):
    """Everything of the repository as it is now, committed."""
    for words in (["add", "-A"], ["commit", "--quiet", "--allow-empty", "-m", "x"], list(arguments)):
        subprocess.run(
            ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c", *words], check=True
        )


@pytest.fixture
def repository(tmp_path):
    """A repository: the tag `before` has no pack in it, `gap` a pack with a gap in its tests."""
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(tmp_path)], check=True)
    commit(tmp_path, "tag", "before")
    write(tmp_path / "pack", check=CHECK, tests=GAP)
    commit(tmp_path, "tag", "gap")
    return tmp_path


def test_only_rules_that_changed_since_a_reference(capsys, repository):
    """The pack at the reference decides which rules are looked at; an unchanged pack has nothing to do and says so."""
    pack = repository / "pack"
    asked = ("policy", "mutate", str(pack), "--changed-since")
    assert invoke(capsys, *asked, "gap")[:2] == (0, "no rule differs from gap\n")
    report = repository / "mutate.json"
    code, out, err = invoke(capsys, *asked, "gap", "-f", "json")
    assert (code, err) == (0, "no rule differs from gap\n")
    assert json.loads(out)["counts"] == {"rules": 0, "mutants": 0}
    assert invoke(capsys, *asked, "gap", "-f", "json", "-o", str(report))[0] == 0
    assert json.loads(report.read_text()) == json.loads(out)
    code, _, err = invoke(capsys, *asked, "before")
    assert code == 1
    assert "all rules are looked at: " in err
    code, _, err = invoke(capsys, *asked, "nowhere")
    assert code == 2
    assert "nowhere" in err
    write(pack, check=CHECK, tests=GOOD)
    commit(repository, "tag", "good")
    write(pack, check=CHECK, tests=GAP)
    assert invoke(capsys, *asked, "good")[0] == 1


def test_a_base_that_does_not_load_counts_as_changed(capsys, repository):
    """Said on stderr; a rule file is compared with the same file there, and one that is new has no base."""
    pack = repository / "pack"
    write(pack, check="assert: {nothing: true}")
    commit(repository, "tag", "broken")
    write(pack, check=CHECK, tests=GAP)
    assert base_of(load_pack(pack), "broken") is None
    assert "all rules are looked at, for those at broken do not load: " in capsys.readouterr().err
    one, _ = load_rule_file(pack / "TST101-one-rule.yaml")
    found = base_of(one, "gap")
    assert found is not None
    assert [rule.id for rule in found.rules] == ["TST101"]
    (pack / "TST101-one-rule.yaml").rename(pack / "TST101-older-name.yaml")
    commit(repository, "tag", "renamed")
    (pack / "TST101-older-name.yaml").rename(pack / "TST101-one-rule.yaml")
    assert base_of(one, "renamed") is None
