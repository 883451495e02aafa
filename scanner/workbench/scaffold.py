"""The skeleton of a rule file: an id, a name and a target come in, YAML text comes out."""

from __future__ import annotations

_TEXT = """\
# yaml-language-server: $schema=policies/schemas/rule.schema.json
id: {id}
name: {name}
title: Say in one line what holds when all is well
severity: medium
target: {target}
# when: {{field: sku.name, equals: Premium}}        # where the rule applies; leave out if everywhere
assert: {{field: tags.owner, exists: true}}
message: "The tag owner is {{{{ tags.owner }}}}"
rationale: Say why it matters, in your own words.
remediation:
  effort: low
  manual: Say what to do.
references: [https://learn.microsoft.com/azure/container-registry/]
reviewed: {today}
controls: {{}}
tests:                                              # each of these fails until it fits your rule
  - {{name: passes, resource: {{tags: {{}}}}, expect: pass}}
  - {{name: fails, resource: {{tags: {{owner: team}}}}, expect: fail}}
  - {{name: not read, resource: {{tags: !unknown "403"}}, expect: pass}}
"""


def skeleton(rule: str, name: str, target: str, today: str = "2026-11-25") -> str:
    """The text of a new rule file."""
    return _TEXT.format(id=rule, name=name, target=target, today=today)
