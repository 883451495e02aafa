"""The runner of inline tests: it catches wrong verdicts, missing words and wrong numbers of findings."""

from __future__ import annotations

import pytest

from scanner import data
from scanner.language.pack import load_pack
from scanner.workbench.unit import run_tests

ACR = load_pack(data.policies() / "acr")
RESULTS = list(run_tests(ACR))


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: f"{result.rule}-{result.name}")
def test_shipped_rules(result):
    """Every inline test of the shipped pack passes, in both lanes."""
    assert result.problem == ""


def test_every_decidable_rule_has_the_needed_tests():
    """Pass, fail and unknown for each; notApplicable where there is a `when`."""
    for rule in ACR.rules:
        if rule.check is None:
            continue
        expected = {test.expect for test in rule.tests}
        assert {"pass", "fail", "unknown"} <= expected, rule.id
        assert rule.when is None or "notApplicable" in expected, rule.id


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("expect: fail", "expected fail, got pass"),
        ("expect: pass, messageContains: nowhere", "no message holds"),
        ("expect: pass, findings: 7", "expected 7 findings"),
    ],
)
def test_a_wrong_test_is_told(tmp_path, change, problem):
    """The runner fails a test whose expectation does not fit, and says how."""
    (tmp_path / "pack.yaml").write_text(
        "apiVersion: acrscan/v1\npack: {id: t, prefix: TST, version: 1.0.0}\n"
    )
    from tests.language.test_pack import RULE  # noqa: PLC0415

    tests = f"tests:\n  - {{name: off, resource: {{properties: {{adminUserEnabled: false}}}}, {change}}}\n"
    (tmp_path / "TST101.yaml").write_text(RULE + tests)
    results = list(run_tests(load_pack(tmp_path)))
    assert problem in results[0].problem
