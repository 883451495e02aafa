"""Loading packs: every mistake at its place, several in one run, with a suggestion; never an empty pack."""

from __future__ import annotations

import gc
import textwrap

import pytest

from scanner.errors import Problems, RuleError
from scanner.language.pack import collector_paused, load_pack, load_rule_file

PACK = """\
apiVersion: acrscan/v1
pack: {id: test, prefix: TST, version: 1.0.0}
parameters:
  limit: {type: integer, minimum: 1, maximum: 9, default: 5, description: a limit}
  declared: {type: [array, "null"], items: {type: string, format: uuid}, default: null, description: a list}
definitions:
  isPremium: {field: sku.name, equals: Premium}
"""
RULE = """\
id: TST101
name: admin-off
title: The admin user is off
severity: high
target: Microsoft.ContainerRegistry/registries
assert: {field: properties.adminUserEnabled, equals: false}
message: "Admin user is {{ properties.adminUserEnabled }}"
rationale: It is shared.
remediation: {effort: low, az: "az acr update --name {{ name }} --admin-enabled false"}
references: [https://learn.microsoft.com/azure/container-registry/]
reviewed: 2026-11-25
controls: {faq: [RM4]}
"""


@pytest.fixture
def pack(tmp_path):
    """Write a pack with one rule file and load it."""

    def make(rule=RULE, main=PACK):
        (tmp_path / "pack.yaml").write_text(main)
        (tmp_path / "TST101-admin-off.yaml").write_text(textwrap.dedent(rule))
        return load_pack(tmp_path)

    return make


def errors_of(pack, *args, **kwargs):
    with pytest.raises((Problems, RuleError)) as caught:
        pack(*args, **kwargs)
    return caught.value.errors if isinstance(caught.value, Problems) else [caught.value]


def test_a_good_pack_loads(pack):
    """Ids, parameters and digests are there."""
    loaded = pack()
    assert [rule.id for rule in loaded.rules] == ["TST101"]
    assert loaded.values == {"limit": 5, "declared": None}
    assert len(loaded.digest) == len(loaded.rules[0].digest) == 64


@pytest.mark.parametrize(
    ("old", "new", "code", "what", "advice"),
    [
        ("severity: high", "severity: hihg", "SCH001", "severity cannot be 'hihg'", '"high"'),
        ("rationale:", "rational:", "SCH001", "unknown key 'rational'", '"rationale"'),
        ("equals: false", "equal: false", "SEM001", "unknown operator or key 'equal'", '"equals"'),
        ("equals: false", "equals: false, in: [true]", "SEM001", "exactly one operator", ""),
        ("field: properties.adminUserEnabled", "field: properties.adminUserEnabeld", "SEM007", "unknown property path", '"properties.adminUserEnabled"'),
        ("equals: false", 'equals: "false"', "SEM005", "never equals", "quotes"),
        ("field: properties.adminUserEnabled, equals: false", "field: sku.name, equals: Premiun", "SEM006", "never 'Premiun'", '"Premium"'),
        ("field: properties.adminUserEnabled, equals: false", "field: sku.name, less: 5", "SEM005", "does not fit", ""),
        ("equals: false", "equals: {param: limt}", "SEM002", "unknown parameter 'limt'", '"limit"'),
        ("assert: {field: properties.adminUserEnabled, equals: false}", "assert: {ref: isPremum}", "SEM002", "unknown definition", '"isPremium"'),
        ("assert: {field: properties.adminUserEnabled, equals: false}", "assert: {none: {of: related.acess, as: g, where: {field: $g.can, equals: push}}}", "SEM002", "unknown relation 'acess'", '"access"'),
        ("assert: {field: properties.adminUserEnabled, equals: false}", "assert: {field: $g.can, equals: push}", "SEM002", "unknown element variable", ""),
        ("{{ properties.adminUserEnabled }}", "{{ properties.adminUser }}", "SEM004", "unknown path", "adminUserEnabled"),
        ("{{ properties.adminUserEnabled }}", "{{ matched.rule.value }}", "SEM004", "unknown element variable", ""),
        ("{{ properties.adminUserEnabled }}", "{{ properties.adminUserEnabled", "SEM004", "not closed", ""),
        ("field: properties.adminUserEnabled", 'field: "properties.ipRules[*].value"', "SEM007", "one value", ""),
        ("id: TST101", "id: ABC101", "META009", "prefix TST", ""),
        ("id: TST101", "id: tst1", "SCH001", "capitals", ""),
        ("reviewed: 2026-11-25", "reviewed: 25.11.2026", "SCH001", "no date", ""),
        ("https://learn", "http://learn", "META003", "https", ""),
        ("registries\nassert", "registry\nassert", "SEM007", "unknown target type", "registries"),
        ("assert: {field", "manual: x\nassert: {field", "SCH001", "exactly one of", ""),
        ('"az acr update', '"az acr \'update', "META012", "quotation", ""),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_place_and_suggestion(pack, old, new, code, what, advice):
    """Each mistake: the check's id, file:line:column, what is wrong, and the nearest right word."""
    assert old in RULE
    errors = errors_of(pack, RULE.replace(old, new))
    found = [error for error in errors if error.code == code and what.lower() in error.what.lower()]
    assert found, [str(error) for error in errors]
    assert advice in found[0].advice
    file, line, column = found[0].where.rsplit(":", 2)
    assert file.endswith("TST101-admin-off.yaml")
    assert int(line) >= 1
    assert int(column) >= 1
    assert "^" in found[0].excerpt


def test_several_errors_in_one_run(pack):
    """A file with three mistakes shows three errors."""
    rule = (
        RULE.replace("severity: high", "severity: bad")
        .replace("effort: low", "effort: none")
        .replace("RM4]", "RM4], Bad: [x]")
    )
    assert len(errors_of(pack, rule)) == 3


def test_a_broken_file_does_not_hide_another(pack, tmp_path):
    """YAML that does not parse in one file, a wrong key in the other: both are reported."""
    (tmp_path / "TST102-x.yaml").write_text("a: [1,")
    errors = errors_of(pack, RULE.replace("severity:", "sevrity:"))
    assert {error.where.split(":")[0].rsplit("/")[-1] for error in errors} == {
        "TST102-x.yaml",
        "TST101-admin-off.yaml",
    }


def test_duplicate_ids(pack, tmp_path):
    """One id in two files names both places."""
    (tmp_path / "TST101-b.yaml").write_text(RULE.replace("admin-off", "other"))
    errors = errors_of(pack)
    assert errors[0].code == "META001"
    assert "TST101-admin-off.yaml" in errors[0].advice + errors[0].where


def test_definitions_in_a_circle(pack):
    """A circle is named, and nothing loops."""
    main = PACK + "  a: {ref: b}\n  b: {not: {ref: a}}\n"
    assert any(error.code == "SEM003" and "a -> b -> a" in error.what for error in errors_of(pack, main=main))


def test_markers_stand_in_tests_only(pack):
    """!unknown in a condition is an error."""
    errors = errors_of(pack, RULE.replace("equals: false", 'equals: !unknown "x"'))
    assert any(error.code in ("YAML002", "SEM005") for error in errors)


@pytest.mark.parametrize(("depth", "width"), [(40, 1), (2, 600)])
def test_size_of_a_condition_is_bounded(pack, depth, width):
    """Conditions nested too deep or too many are refused."""
    leaf = "{field: sku.name, equals: Basic}"
    text = (
        "{anyOf: [" + ", ".join([leaf] * width) + "]}" if width > 1 else "{not: " * depth + leaf + "}" * depth
    )
    errors = errors_of(pack, RULE.replace("{field: properties.adminUserEnabled, equals: false}", text))
    assert any("at most 500" in error.what for error in errors)


def test_empty_packs_are_errors(tmp_path):
    """No folder, no pack.yaml, no rules: each says so."""
    with pytest.raises(RuleError, match="not a folder"):
        load_pack(tmp_path / "none")
    with pytest.raises(RuleError, match=r"no pack\.yaml"):
        load_pack(tmp_path)
    (tmp_path / "pack.yaml").write_text(PACK)
    with pytest.raises(RuleError, match="holds no rule"):
        load_pack(tmp_path)


def test_a_huge_rule_file_is_refused(pack, tmp_path):
    """10 MB of YAML is not read."""
    (tmp_path / "TST103-big.yaml").write_text("a: " + "x" * 10_000_000)
    assert any("bytes" in error.what for error in errors_of(pack))


def test_the_digest_follows_the_decision(pack):
    """A new title keeps the digest, a new condition or default changes it; formatting and definitions' names do not."""
    base = pack().rules[0].digest
    assert pack(RULE.replace("is off", "is not on")).rules[0].digest == base
    assert pack(RULE.replace("equals: false}", "equals: false, default: false}")).rules[0].digest != base
    by_name = pack(RULE.replace("{field: properties.adminUserEnabled, equals: false}", "{ref: isPremium}"))
    written = pack(
        RULE.replace(
            "{field: properties.adminUserEnabled, equals: false}", "{field: sku.name, equals: Premium}"
        )
    )
    assert by_name.rules[0].digest == written.rules[0].digest


def test_one_rule_file_without_a_pack(tmp_path):
    """A file that stands alone loads for `policy try`."""
    path = tmp_path / "alone.yaml"
    path.write_text(RULE)
    _, rules = load_rule_file(path)
    assert rules[0].id == "TST101"


def test_the_collector_is_left_as_it_was():
    """Off while a pack is read, then as before, also after an error; what was made does not wait among the young."""
    assert gc.isenabled()
    with pytest.raises(KeyError), collector_paused():
        raise KeyError(gc.isenabled())
    assert gc.isenabled()
    with collector_paused():
        assert not gc.isenabled()
        made: list[list[int]] = [[] for _ in range(5_000)]
    assert gc.get_count()[0] < 5_000
    assert gc.get_freeze_count() == 0
    gc.disable()
    try:
        with collector_paused():
            made.append([])
        assert not gc.isenabled()
    finally:
        gc.enable()
