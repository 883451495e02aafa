"""Packs of one rule for the tests of the workbench: conditions and tests as text come in, a loaded pack comes out."""

from __future__ import annotations

from scanner.language.pack import load_pack

PACK = """\
apiVersion: acrscan/v1
pack: {id: test, prefix: TST, version: 1.0.0}
parameters:
  limit: {type: integer, default: 5, description: a limit}
  names: {type: [array, "null"], items: {type: string}, default: null, description: a list}
definitions:
  isPremium: {field: sku.name, equals: Premium}
"""
RULE = """\
id: TST101
name: one-rule
title: One rule
severity: high
target: Microsoft.ContainerRegistry/registries
message: "Public access is {{ properties.publicNetworkAccess }}"
rationale: It is a test.
remediation: {effort: low, manual: Mend it.}
references: [https://learn.microsoft.com/azure/container-registry/]
reviewed: 2026-11-25
controls: {}
"""


def write(folder, *, check, tests="[]", when="", extra="", main=PACK):
    """Write a pack whose one rule has this check (`assert: ...` or `failIf: ...`) and these tests (flow or block YAML)."""
    folder.mkdir(exist_ok=True)
    (folder / "pack.yaml").write_text(main)
    condition = f"when: {when}\n" if when else ""
    (folder / "TST101-one-rule.yaml").write_text(f"{RULE}{extra}{condition}{check}\ntests: {tests}\n")
    return folder


def load(folder, **parts):
    """The loaded pack and its one rule."""
    pack = load_pack(write(folder, **parts))
    return pack, pack.rules[0]
