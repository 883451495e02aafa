"""Branch coverage: each outcome that no test brings about is told at its place, and nothing else is."""

from __future__ import annotations

import textwrap

import pytest

from scanner.engine.case import MAX_ELEMENTS
from scanner.model.condition import Count, Leaf, Quantifier
from scanner.workbench.coverage import EMPTY, FALSE, FILLED, TRUE, covered, outcomes, sites
from tests.workbench.packs import PACK, load

EVERY_BRANCH = """\
assert:
  anyOf:
    - {field: properties.publicNetworkAccess, equals: Disabled}
    - none:
        of: properties.networkRuleSet.ipRules
        as: rule
        where: {field: $rule.value, equals: 0.0.0.0/0}
"""


def missing(folder, **parts):
    """The missing outcomes by the text of the site's first line."""
    pack, rule = load(folder, **parts)
    found = covered(pack, rule)
    return {str(site.condition.mark): site.missing for site in found.sites if site.missing}, found


def rules_of(*values):
    items = ", ".join(f"{{value: {value}}}" for value in values)
    return f"{{properties: {{networkRuleSet: {{ipRules: [{items}]}}}}}}"


def test_all_branches_reached(tmp_path):
    """TRUE and FALSE of every node, an empty and a filled list: nothing is missing, and all are counted."""
    tests = f"""
      - {{name: a, resource: {{properties: {{publicNetworkAccess: Disabled}}}}, expect: pass}}
      - {{name: b, resource: {rules_of("0.0.0.0/0", "10.0.0.0/8")}, expect: fail}}
    """
    lacking, found = missing(
        tmp_path, check=EVERY_BRANCH, tests=textwrap.indent(textwrap.dedent(tests), "  ")
    )
    assert lacking == {}
    assert (found.seen, found.branches) == (10, 10)  # anyOf, two leaves: 2 each; the list: 4
    assert list(found.problems()) == []


def test_each_missing_outcome_is_told_at_its_place(tmp_path):
    """A single passing test leaves every FALSE, the empty list and the body's TRUE to be told."""
    tests = f"[{{name: a, resource: {rules_of('10.0.0.0/8')}, expect: pass}}]"
    _, found = missing(tmp_path, check=EVERY_BRANCH, tests=tests)
    told = [(problem.mark.line, problem.code, problem.level, problem.what) for problem in found.problems()]
    assert [line - told[0][0] for line, *_ in told] == [0, 0, 2, 4]
    assert {(code, level) for _, code, level, _ in told} == {("TEST005", "warning")}
    assert [what.rpartition("is never ")[2] for *_, what in told] == [
        "false",
        "true",
        "false and never asked of an empty list",
        "true",
    ]
    assert all(problem.rule == "TST101" for problem in found.problems())


def test_unknown_and_error_count_for_neither(tmp_path):
    """What was not read and what has the wrong type reach no branch."""
    tests = """
  - {name: a, resource: {properties: {publicNetworkAccess: !unknown "403"}}, expect: unknown}
  - {name: b, resource: {properties: {publicNetworkAccess: 7}}, expect: error}
"""
    _, found = missing(
        tmp_path, check="assert: {field: properties.publicNetworkAccess, equals: Disabled}", tests=tests
    )
    assert (found.seen, found.branches) == (0, 2)


def test_an_unread_list_is_neither_empty_nor_filled(tmp_path):
    """Only a list that is known to be empty is empty; elements before an unread tail are elements."""
    check = "assert: {none: {of: related.locks, as: lock, where: {field: $lock.properties.level, equals: CanNotDelete}}}"
    tests = """
  - {name: a, resource: {}, related: {locks: [!unread "429"]}, expect: unknown}
  - {name: b, resource: {}, related: {locks: !unknown "403"}, expect: unknown}
"""
    _, found = missing(tmp_path, check=check, tests=tests)
    assert found.seen == 0
    tests = '[{name: a, resource: {}, related: {locks: [{properties: {level: ReadOnly}}, !unread "429"]}, expect: unknown}]'
    _, found = missing(tmp_path, check=check, tests=tests)
    assert [site.missing for site in found.sites] == [(TRUE, FALSE, EMPTY), (TRUE,)]


def test_the_check_counts_only_where_when_is_true(tmp_path):
    """A resource that the rule does not apply to reaches `when` and the definition in it, never the check."""
    tests = "[{name: a, resource: {sku: {name: Basic}, properties: {publicNetworkAccess: Disabled}}, expect: notApplicable}]"
    check = "assert: {field: properties.publicNetworkAccess, equals: Disabled}"
    _, found = missing(tmp_path, check=check, when="{ref: isPremium}", tests=tests)
    assert [site.missing for site in found.sites] == [(TRUE,), (TRUE,), (TRUE, FALSE)]
    assert found.sites[1].condition.mark.file.endswith("pack.yaml")


def test_a_negated_spelling_and_a_fail_if_are_one_site(tmp_path):
    """`notEquals` and `failIf` put a `not` into the tree that nobody wrote: it is not counted; a written one is."""
    for check, number in (
        ("assert: {field: properties.publicNetworkAccess, notEquals: Enabled}", 1),
        ("failIf: {field: properties.publicNetworkAccess, equals: Enabled}", 1),
        ("assert: {not: {field: properties.publicNetworkAccess, equals: Enabled}}", 2),
    ):
        _, found = missing(tmp_path, check=check)
        assert (len(found.sites), found.branches, found.seen) == (number, 2 * number, 0), check


def test_counts_and_lists_of_parameters_are_lists(tmp_path):
    """A count has four outcomes with and without `where`; a list parameter can be empty."""
    check = """\
assert:
  allOf:
    - {count: {of: properties.networkRuleSet.ipRules}, less: 2}
    - {none: {of: {param: names}, as: name, where: {field: $name, equals: x}}}
"""
    tests = f"[{{name: a, resource: {rules_of('10.0.0.0/8')}, params: {{names: []}}, expect: pass}}]"
    _, found = missing(tmp_path, check=check, tests=tests)
    by_kind = {type(site.condition): site for site in found.sites}
    assert by_kind[Count].wanted == (TRUE, FALSE, EMPTY, FILLED)
    assert by_kind[Count].missing == (FALSE, EMPTY)
    assert by_kind[Quantifier].missing == (FALSE, FILLED)
    assert by_kind[Leaf].missing == (TRUE, FALSE)


def test_a_list_asked_of_its_own_elements_is_never_empty(tmp_path):
    """Inside an element of a list that same list has an element; another list, or the same one elsewhere, can be empty."""
    check = """\
assert:
  none:
    of: related.locks
    as: lock
    where:
      allOf:
        - some: {of: related.locks, as: other, where: {field: $other.name, equals: a}}
        - some: {of: related.pricings, as: plan, where: {field: $plan.name, equals: a}}
"""
    _, rule = load(tmp_path, check=check)
    wanted = [found for condition, found in sites(rule) if isinstance(condition, Quantifier)]
    assert [EMPTY in found for found in wanted] == [True, False, True]


def test_conditions_inside_elements_are_seen_whatever_comes_before_them(tmp_path):
    """The engine stops inside an element at what settles it; coverage does not depend on the order of branches."""
    for order in (
        "[{field: $r.value, equals: a}, {field: $r.action, exists: true}]",
        "[{field: $r.action, exists: true}, {field: $r.value, equals: a}]",
    ):
        check = (
            f"assert: {{none: {{of: properties.networkRuleSet.ipRules, as: r, where: {{allOf: {order}}}}}}}"
        )
        resource = "{properties: {networkRuleSet: {ipRules: [{value: c}]}}}"
        _, found = missing(tmp_path, check=check, tests=f"[{{name: a, resource: {resource}, expect: pass}}]")
        leaves = [site.missing for site in found.sites if isinstance(site.condition, Leaf)]
        assert leaves == [(TRUE,), (TRUE,)]


def test_what_cannot_be_is_left_out(tmp_path):
    """An outcome that somebody knows to be impossible counts neither as seen nor as missing; one that was seen stays."""
    pack, rule = load(
        tmp_path,
        check="assert: {field: properties.publicNetworkAccess, equals: Disabled}",
        tests="[{name: a, resource: {properties: {publicNetworkAccess: Disabled}}, expect: pass}]",
    )
    found = covered(pack, rule, lambda one, _condition, _outcome: one.id == "TST101")
    assert (found.branches, found.seen) == (1, 1)


def test_a_huge_list_ends(tmp_path):
    """Lists inside lists are looked at within the budget of one evaluation, and a node that is done is not asked again."""
    items = ", ".join(f"{{value: v{n}}}" for n in range(600))
    resource = f"{{properties: {{networkRuleSet: {{ipRules: [{items}]}}}}}}"
    inner = "{some: {of: properties.networkRuleSet.ipRules, as: s, where: {field: $s.value, equals: {fieldRef: $r.action}}}}"
    check = f"assert: {{none: {{of: properties.networkRuleSet.ipRules, as: r, where: {inner}}}}}"
    pack, rule = load(tmp_path, check=check, tests=f"[{{name: a, resource: {resource}, expect: pass}}]")
    assert MAX_ELEMENTS < 600 * 600
    found = covered(pack, rule)
    assert [site.missing for site in found.sites] == [(TRUE, FALSE, EMPTY), (TRUE,), (TRUE,)]


@pytest.mark.parametrize("definition", ["{ref: isPremium}", "{allOf: [{ref: isPremium}, {ref: isPremium}]}"])
def test_a_definition_is_one_site_however_often_it_is_named(tmp_path, definition):
    """Its condition is counted once for the rule; each `ref` is a condition of its own."""
    _, rule = load(tmp_path, check=f"assert: {definition}", main=PACK)
    found = [condition for condition, _ in sites(rule)]
    assert sum(condition.mark.file.endswith("pack.yaml") for condition in found) == 1
    assert all(outcomes(condition) == (TRUE, FALSE) for condition in found)
