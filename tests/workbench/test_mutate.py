"""Mutation testing: killed, the same rule, or a survivor with the test that is missing; and which rules changed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from scanner.language.pack import load_pack
from scanner.model.values import UnreadTail
from scanner.text import load_yaml, plain
from scanner.workbench.bounded.moves import Example
from scanner.workbench.flow import condition_text, inline_test
from scanner.workbench.mutate import AZURE, SAMPLE, changed_rules, mutate, score_of
from tests.workbench.packs import PACK, load, write

CHECK = "assert: {field: sku.name, in: [Standard, Premium]}"
GOOD = """
  - {name: a, resource: {sku: {name: Standard}}, expect: pass}
  - {name: b, resource: {sku: {name: Premium}}, expect: pass}
  - {name: c, resource: {sku: {name: Basic}}, expect: fail}
"""
GAP = GOOD.replace("  - {name: b, resource: {sku: {name: Premium}}, expect: pass}\n", "")


def never(*_):
    """The `apart` of somebody who has tried everything and finds every mutant equal."""
    return None, True


def unsure(*_):
    """The `apart` of somebody who has tried a sample and found no difference."""
    return None, False


def asked(example):
    """An `apart` that gives one example and keeps what it was asked."""
    calls = []

    def apart(rule, mutant, values, mutant_values, declared):
        calls.append((rule, mutant, dict(values), dict(mutant_values)))
        assert set(declared) == {"limit", "names"}
        return example, True

    return apart, calls


def test_good_tests_kill_every_mutant(tmp_path):
    """All verdicts told apart: nobody is asked for an example and the score is 100."""
    pack, rule = load(tmp_path, check=CHECK, tests=GOOD)
    differ, calls = asked(None)
    found = mutate(pack, rule, differ)
    assert (len(found.killed), found.equivalent, found.survivors, calls) == (3, (), (), [])
    assert score_of([found]).share == 100


def test_a_survivor_brings_the_missing_test(tmp_path):
    """The example becomes a test that the rule passes and the mutant fails, at the mutated place, as a diff."""
    pack, rule = load(tmp_path, check=CHECK, tests=GAP)
    differ, calls = asked(Example({"sku": {"name": "Premium"}}))
    found = mutate(pack, rule, differ)
    (survivor,) = found.survivors
    ((asked_rule, mutant, values, mutant_values),) = calls
    assert asked_rule is rule
    assert mutant is survivor.mutant.rule
    assert values == mutant_values == pack.values
    (problem,) = found.problems
    assert (problem.code, problem.level, problem.rule) == ("TEST006", "warning", "TST101")
    assert problem.mark == rule.check.mark
    lines = problem.detail.splitlines()
    assert lines[:3] == [
        "- {field: sku.name, in: [Standard, Premium]}",
        "+ {field: sku.name, in: [Standard]}",
        "the test that is missing:",
    ]
    (node,), _ = load_yaml("tests:\n" + "\n".join(lines[3:]), "f", tags=True)
    (test,) = plain(node)["tests"]
    assert test == {
        "name": "name this: Premium dropped from in", "resource": {"sku": {"name": "Premium"}}, "expect": "pass",
    }  # fmt: skip
    mended, rule = load(tmp_path / "mended", check=CHECK, tests=GAP + "\n".join(lines[3:]) + "\n")
    assert not mutate(mended, rule, never).equivalent
    assert score_of([found]).share == Fraction(200, 3)


def test_a_mutant_that_nothing_tells_apart_is_the_rule_itself(tmp_path):
    """It is neither killed nor a survivor, and does not lower the score."""
    pack, rule = load(tmp_path, check=CHECK, tests=GAP)
    found = mutate(pack, rule, never)
    assert [mutant.what for mutant in found.equivalent] == ["Premium dropped from in"]
    assert score_of([found]).share == 100
    assert [case.problem for case in found.cases] == ["", ""]


def test_a_sample_calls_nothing_equal(tmp_path):
    """Where only a sample was tried the mutant survives, without a test, lowers the score and says so."""
    pack, rule = load(tmp_path, check=CHECK, tests=GAP)
    found = mutate(pack, rule, unsure)
    (survivor,) = found.survivors
    assert (survivor.test, survivor.why) == (None, SAMPLE)
    (problem,) = found.problems
    assert problem.detail.splitlines()[2:] == [SAMPLE]
    assert [case.problem for case in found.cases] == ["", "", "no test notices"]
    assert score_of([found]).share == Fraction(200, 3)


@pytest.mark.parametrize("inside", [False, True])
def test_a_part_with_few_cases_is_compared_by_itself(tmp_path, inside):
    """Where the rule has too many cases, the changed part alone may have few: the condition, or the list around it."""
    leaf = "{field: properties.adminUserEnabled, equals: true, default: false}"
    listed = f"{{some: {{of: properties.networkRuleSet.ipRules, as: r, where: {leaf}}}}}"
    part = listed if inside else leaf
    pack, rule = load(tmp_path, check=f"failIf: {{anyOf: [{{field: sku.name, equals: Basic}}, {part}]}}")
    parts = []

    def few(one, other, values, mutant_values, _declared):
        if one.check is rule.check:
            return None, False
        assert one.when is None
        assert values == mutant_values
        parts.append((condition_text(one.check), condition_text(other.check)))
        return None, parts[-1][0] == part

    found = mutate(pack, rule, few)
    assert (part, part.replace(", default: false", "")) in parts
    assert "drop default" in [one.operator for one in found.equivalent]
    assert "drop branch" in [one.mutant.operator for one in found.survivors]


def test_rules_of_azure_policy_are_not_enumerated(tmp_path):
    """The domain knows the own semantics only: a survivor of a rule with Azure's is never called equal."""
    pack, rule = load(tmp_path, check=CHECK, tests=GAP)
    azure = replace(rule, semantics="azure")
    found = mutate(replace(pack, rules=(azure,)), azure, never)
    assert found.equivalent == ()
    assert [one.why for one in found.survivors] == [AZURE]


def test_the_enumeration_finds_the_smallest_test(tmp_path):
    """Asked for real: the missing test is found, and once pasted the mutant dies."""
    pack, rule = load(tmp_path, check=CHECK, tests=GAP)
    (survivor,) = mutate(pack, rule).survivors
    assert survivor.test is not None
    assert (survivor.test.resource, survivor.test.expect) == ({"sku": {"name": "Premium"}}, "pass")
    lines = survivor.problem().detail.splitlines()[3:]
    mended, rule = load(tmp_path / "mended", check=CHECK, tests=GAP + "\n".join(lines) + "\n")
    found = mutate(mended, rule)
    assert (found.survivors, found.equivalent, len(found.killed)) == ((), (), 3)


def test_one_missing_test_serves_several_mutants(tmp_path):
    """A rule without tests: later survivors name the test of an earlier one instead of one more that does the same."""
    pack, rule = load(tmp_path, check=CHECK)
    found = mutate(pack, rule)
    assert (found.killed, found.equivalent, len(found.survivors)) == ((), (), 3)
    shared = [one for one in found.survivors if one.shared]
    assert shared
    own = [one.test for one in found.survivors if one.test is not None and not one.shared]
    assert all(one.test in own for one in shared)
    assert "the test that is missing (an earlier mutant lacks the same):" in shared[0].problem().detail
    text = "\n".join(inline_test(test) for test in own)
    mended, rule = load(tmp_path / "mended", check=CHECK, tests=f"\n{text}\n")
    assert mutate(mended, rule).survivors == ()


def test_a_mutant_that_is_the_rule_itself_is_found_out(tmp_path):
    """A default that says what absence says anyway: dropping it is no mistake that a test could notice."""
    tests = """
  - {name: a, resource: {properties: {adminUserEnabled: true}}, expect: fail}
  - {name: b, resource: {properties: {adminUserEnabled: false}}, expect: pass}
  - {name: c, resource: {properties: {}}, expect: pass}
"""
    check = "failIf: {field: properties.adminUserEnabled, equals: true, default: false}"
    pack, rule = load(tmp_path, check=check, tests=tests)
    found = mutate(pack, rule)
    assert found.survivors == ()
    assert [one.operator for one in found.equivalent] == ["drop default"]


def test_an_example_that_shows_nothing_is_no_missing_test(tmp_path):
    """What both decide alike is not offered as a test."""
    pack, rule = load(tmp_path, check=CHECK, tests=GAP)
    found = mutate(pack, rule, asked(Example({"sku": {"name": "Basic"}}))[0])
    assert [survivor.test for survivor in found.survivors] == [None]


def test_words_and_numbers_of_findings_kill_as_well(tmp_path):
    """A mutant with the same verdict is noticed by what it says and by how many findings it gives."""
    check = """\
failIf:
  some:
    of: properties.networkRuleSet.ipRules
    as: rule
    where: {field: $rule.value, in: [0.0.0.0/0, 0.0.0.0]}
"""
    resource = "{properties: {networkRuleSet: {ipRules: [{value: 0.0.0.0/0}, {value: 0.0.0.0}]}}}"
    for expectation, survivors in (("", 2), (", findings: 2", 0), (", messageContains: none", 2)):
        expect = expectation.replace("none", "'Public access'")
        tests = f"""
  - {{name: a, resource: {resource}, expect: fail{expect}}}
  - {{name: b, resource: {{properties: {{networkRuleSet: {{ipRules: [{{value: 10.0.0.0/8}}]}}}}}}, expect: pass}}
  - {{name: c, resource: {{properties: {{}}}}, expect: pass}}
"""
        pack, rule = load(tmp_path, check=check, tests=tests)
        assert not mutate(pack, rule, unsure).failing
        kept = [
            one.mutant.what
            for one in mutate(pack, rule, unsure).survivors
            if one.mutant.operator == "drop in"
        ]
        assert len(kept) == survivors, expectation


def test_parameters_of_the_pack_and_of_tests_are_one_off(tmp_path):
    """The boundary is tested from both sides with the tests' own value: both parameter mutants die; from one side, one lives."""
    check = "assert: {field: properties.policies.retentionPolicy.days, less: {param: limit}}"
    days = "resource: {{properties: {{policies: {{retentionPolicy: {{days: {0}}}}}}}}}, params: {{limit: 3}}"
    both = f"[{{name: a, {days.format(2)}, expect: pass}}, {{name: b, {days.format(3)}, expect: fail}}]"
    pack, rule = load(tmp_path, check=check, tests=both)
    assert mutate(pack, rule, unsure).survivors == ()
    pack, rule = load(tmp_path, check=check, tests=both.replace("days: 3", "days: 9"))
    differ, calls = asked(None)
    found = mutate(pack, rule, differ)
    assert "parameter limit is one more than it says" in [one.what for one in found.equivalent]
    assert [after["limit"] - before["limit"] for _, _, before, after in calls if before != after] == [1]


def test_a_list_that_only_tests_declare_is_compared_as_they_declare_it(tmp_path):
    """The enumeration gets the tests' list, and the missing test declares it."""
    check = "assert: {anyOf: [{param: names, exists: false}, {field: name, in: {param: names}}]}"
    tests = "[{name: a, resource: {name: a}, params: {names: [a, b]}, expect: pass}, {name: b, resource: {name: z}, params: {names: [a, b]}, expect: fail}]"
    pack, rule = load(tmp_path, check=check, tests=tests)
    differ, calls = asked(Example({"name": "b"}))
    found = mutate(pack, rule, differ)
    ((before, after),) = [
        (values["names"], changed["names"]) for _, _, values, changed in calls if values != changed
    ]
    assert (before, after) == (("a", "b"), ("a",))
    (test,) = [one.test for one in found.survivors if one.mutant.operator == "drop in"]
    assert test is not None
    assert (test.expect, test.params) == ("pass", {"names": ("a", "b")})


def test_lists_that_are_too_short_to_notice_prove_nothing(tmp_path):
    """Each of three names wants an element of its own, and lists of two are tried: a name less is not called the rule itself."""
    check = """\
assert:
  every:
    of: {param: names}
    as: name
    where: {some: {of: properties.networkRuleSet.ipRules, as: rule, where: {field: $rule.value, equals: {fieldRef: $name}}}}
    whenEmpty: pass
"""
    for names, survivors in (("[a, b, c]", 3), ("[a, b]", 0)):
        main = PACK.replace("default: null", f"default: {names}")
        pack, rule = load(tmp_path, check=check, main=main)
        found = mutate(pack, rule, never)
        assert [one.why for one in found.survivors] == [SAMPLE] * survivors, names


def test_a_dropped_where_is_noticed_by_an_element_that_does_not_meet_it(tmp_path):
    """The missing test of a rule without tests holds an object, not a text."""
    check = "assert: {none: {of: properties.networkRuleSet.ipRules, as: rule, where: {field: $rule.value, equals: a}}}"
    pack, rule = load(tmp_path, check=check)
    found = mutate(pack, rule)
    assert found.equivalent == ()
    (dropped,) = [one for one in found.survivors if one.mutant.operator == "drop where"]
    assert dropped.test is not None
    assert dropped.test.expect == "pass"


def test_markers_of_an_example_are_written_as_tags(tmp_path):
    """An unread tail of the example stands in the missing test."""
    check = "assert: {none: {of: related.locks, as: lock, where: {field: $lock.name, equals: a}}}"
    pack, rule = load(
        tmp_path, check=check, tests="[{name: a, resource: {}, related: {locks: []}, expect: pass}]"
    )
    found = mutate(
        pack, rule, asked(Example({}, {"locks": [{"name": "b"}, UnreadTail("a page is missing")]}))[0]
    )
    texts = [problem.detail for problem in found.problems]
    assert any('!unread "a page is missing"' in text and "expect: unknown" in text for text in texts)


def test_a_failing_test_judges_no_mutant(tmp_path):
    """A rule whose test fails is told as an error; it has neither killed nor surviving mutants."""
    pack, rule = load(
        tmp_path, check=CHECK, tests="[{name: a, resource: {sku: {name: Basic}}, expect: pass}]"
    )
    found = mutate(pack, rule, never)
    (problem,) = found.problems
    assert (problem.code, problem.level) == ("TEST000", "error")
    assert "expected pass, got fail" in problem.what
    assert (found.killed, found.survivors) == ((), ())


def test_each_evaluation_has_the_whole_budget(tmp_path, monkeypatch):
    """A test with a long list is not used up by the mutants before: what one looked at, the next may look at again."""
    items = ", ".join(f"{{value: v{number}}}" for number in range(60))
    names = ", ".join(f"w{number}" for number in range(20))
    check = f"assert: {{none: {{of: properties.networkRuleSet.ipRules, as: r, where: {{field: $r.value, in: [{names}]}}}}}}"
    resource = f"{{properties: {{networkRuleSet: {{ipRules: [{items}]}}}}}}"
    pack, rule = load(tmp_path, check=check, tests=f"[{{name: a, resource: {resource}, expect: pass}}]")
    monkeypatch.setattr("scanner.workbench.mutate.MAX_ELEMENTS", 100)
    found = mutate(pack, rule, unsure)
    assert not found.failing
    assert {one.mutant.operator for one in found.survivors} == {"drop in"}
    assert len(found.survivors) == 20


def test_rules_that_changed_since_a_base(tmp_path):
    """Condition, parameter, its value, and tests count; words and places do not; a new rule is a changed one."""
    pack, rule = load(tmp_path, check=CHECK, tests=GOOD)

    def changed(base):
        return changed_rules(pack, base)

    assert changed(None) == {"TST101"}
    moved = load_pack(write(tmp_path / "moved", check=CHECK, tests=GOOD, extra="settles: true\n# a line\n"))
    assert changed(moved) == set()
    assert changed(load_pack(write(tmp_path / "b", check=CHECK, tests=GAP))) == {"TST101"}
    assert changed(load_pack(write(tmp_path / "c", check=CHECK.replace("Premium", "Basic"), tests=GOOD))) == {
        "TST101"
    }
    assert changed(replace(pack, rules=(replace(rule, id="TST102"),))) == {"TST101"}
    reading, _ = load(
        tmp_path / "d", check="assert: {count: {of: properties.networkRuleSet.ipRules}, less: {param: limit}}"
    )
    assert changed_rules(reading, replace(reading, values={**reading.values, "limit": 6})) == {"TST101"}
    assert changed_rules(reading, replace(reading, values={**reading.values, "names": ("a",)})) == set()
