"""What lint says about rules that load: errors in what they name, and warnings that are advice. Neither keeps a pack from running."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scanner.errors import RuleError
from scanner.language.frameworks import unknown_controls
from scanner.model.finding import Verdict
from scanner.model.rule import Rule, RulePack


def warnings(pack: RulePack) -> Iterator[RuleError]:
    """Every warning, rule by rule, with the rule's place and the check's id."""
    for rule in pack.rules:
        for code, what, advice in _of_rule(rule):
            yield RuleError(f"{rule.id}: {what}", str(rule.mark), advice, code=code)


def errors(pack: RulePack) -> Iterator[RuleError]:
    """Every control that no catalogue holds, at its place. A pack without any catalogue at hand has none."""
    for rule, mark, what, advice in unknown_controls(pack.rules, pack.frameworks) if pack.frameworks else ():
        yield RuleError(f"{rule.id}: {what}", str(mark), advice, code="META005")


def _of_rule(rule: Rule) -> Iterator[tuple[str, str, str]]:
    yield from _tests(rule)
    if not rule.controls:
        yield "META004", "names no control", "Add `controls`, at least the FAQ entry it comes from."
    if not rule.remediation.az and not rule.remediation.manual:
        yield "META002", "has no command and no manual step", "Add `az` or `manual` to the remediation."
    file = Path(rule.mark.file).name
    if file and rule.id not in file and not file.startswith("rules"):
        yield (
            "META009",
            f"stands in {file}, which does not name it",
            f"Rename it to {rule.id}-{rule.name}.yaml.",
        )


def _tests(rule: Rule) -> Iterator[tuple[str, str, str]]:
    if rule.check is None:
        return
    expected = {test.expect for test in rule.tests}
    if not rule.tests:
        yield "TEST001", "has no test", "Add `tests` with at least one that passes and one that fails."
        return
    for verdict in (Verdict.PASS, Verdict.FAIL):
        if verdict.value not in expected:
            yield "TEST002", f"has no test that expects {verdict.value}", ""
    if rule.when is not None and Verdict.NOT_APPLICABLE.value not in expected:
        yield "TEST005", "has no test for where it does not apply", ""
    if Verdict.UNKNOWN.value not in expected:
        yield "TEST004", "has no test with something unread", 'Add a test with !unknown "reason".'
