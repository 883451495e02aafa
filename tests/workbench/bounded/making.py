"""Rules for tests of the bounded domain: a few lines of a condition come in, a loaded rule comes out."""

from __future__ import annotations

from pathlib import Path

from scanner.engine.evaluate import rule_values
from scanner.language.pack import load_pack
from scanner.model.rule import Rule, RulePack
from scanner.workbench.bounded.moves import Side

HEAD = """\
id: TST{number}
name: rule-{number}
title: A rule
severity: {severity}
target: {target}
message: no
rationale: why
remediation: {{effort: low, manual: do}}
references: [https://example.com/page]
reviewed: 2026-11-25
controls: {{}}
"""
PACK = "apiVersion: acrscan/v1\npack: {id: t, prefix: TST, version: 1.0.0}\n"
REGISTRIES = "Microsoft.ContainerRegistry/registries"


def pack_of(folder: Path, *bodies: str, shared: str = "", target: str = REGISTRIES) -> RulePack:
    """A pack with one rule per body (TST101, TST102, ...)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pack.yaml").write_text(PACK + shared)
    for number, body in enumerate(bodies, 101):
        head = HEAD.format(number=number, severity="high", target=target)
        (folder / f"TST{number}.yaml").write_text(head + body)
    return load_pack(folder)


def rule_of(folder: Path, body: str, *, shared: str = "", target: str = REGISTRIES) -> tuple[RulePack, Rule]:
    """A pack of one rule, and the rule."""
    pack = pack_of(folder, body, shared=shared, target=target)
    return pack, pack.rules[0]


def side(pack: RulePack, rule: Rule) -> Side:
    """The rule with its effective values."""
    return Side(rule, rule_values(pack, rule, pack.values))
