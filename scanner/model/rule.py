"""Rules and packs as values: what the language room hands to everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scanner.model.condition import NOWHERE, Condition, Mark
from scanner.model.framework import Framework

SEVERITIES = ("critical", "high", "medium", "low", "info")
"""From worst to mildest; the order reports sort by."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A typed knob. `types` holds JSON type names; `default` may be None where `null` is among them."""

    name: str
    types: tuple[str, ...]
    default: Any
    description: str = ""
    minimum: float | None = None
    maximum: float | None = None
    enum: tuple[Any, ...] = ()
    item_type: str | None = None
    item_format: str | None = None
    mark: Mark = NOWHERE


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`{{ path }}` in a message. `kind`: field, param, count, matched or fixed; `keys` the path below it."""

    kind: str
    keys: tuple[str, ...]
    mark: Mark = NOWHERE


Message = tuple[str | Placeholder, ...]
"""Text and placeholders in turn; no logic."""


@dataclass(frozen=True, slots=True)
class Remediation:
    """How to mend a failure. `az`: commands, each already split into words (words are messages)."""

    effort: str
    az: tuple[tuple[Message, ...], ...] = ()
    bicep: str = ""
    terraform: str = ""
    manual: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """A control of a framework; `basis` is `stated` (by the framework's mapping source) or `derived` (by us)."""

    framework: str
    id: str
    basis: str = "stated"


@dataclass(frozen=True, slots=True)
class RuleTest:
    """An inline test. `resource`, `related` may hold markers; `now` is RFC 3339 or "" for the default clock."""

    name: str
    resource: Any
    related: Mapping[str, Any]
    params: Mapping[str, Any]
    now: str
    expect: str
    message_contains: str
    findings: int | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `check` must hold (a `failIf` is already negated); it is None exactly for manual rules."""

    id: str
    name: str
    title: str
    severity: str
    target: str
    when: Condition | None
    check: Condition | None
    manual: str
    message: Message
    not_applicable_message: Message
    parameters: Mapping[str, Parameter]
    rationale: str
    remediation: Remediation
    references: tuple[str, ...]
    reviewed: str
    controls: tuple[Control, ...]
    status: str = "stable"
    enabled: bool = True
    disabled_reason: str = ""
    settles: bool = False
    waivable: bool = True
    replaces: tuple[str, ...] = ()
    semantics: str = "native"
    tests: tuple[RuleTest, ...] = ()
    mark: Mark = NOWHERE
    control_marks: tuple[Mark, ...] = ()
    """Where each of `controls` stands, in the same order."""
    digest: str = ""
    """sha256 of the condition and its parameters: changes exactly when the rule can decide differently."""


@dataclass(frozen=True, slots=True)
class ScopedValues:
    """A block of a profile: parameter values for what lies in a scope.

    `kind`: resource, resourceGroup, subscription, managementGroup (then `scope` is an id) or tag (`name=value`).
    """

    kind: str
    scope: str
    values: tuple[tuple[str, Any], ...]
    mark: Mark = NOWHERE


@dataclass(frozen=True, slots=True)
class RulePack:
    """A folder of rules with what they share. `rules` are sorted by id; disabled ones are included."""

    id: str
    prefix: str
    version: str
    requires: str
    docs: str
    parameters: Mapping[str, Parameter]
    definitions: Mapping[str, Condition]
    rules: tuple[Rule, ...]
    digest: str
    path: str
    values: Mapping[str, Any] = field(default_factory=dict)
    """Effective parameter values after tailoring (pack-level names; rule-local ones as `RULEID.name`)."""
    value_origins: Mapping[str, str] = field(default_factory=dict)
    """Where each effective value came from: pack, the profile's file, or `--param`."""
    profile: str = ""
    profile_digest: str = ""
    """sha256 over the profiles' texts in their order, or ""."""
    scoped: tuple[ScopedValues, ...] = ()
    frameworks: tuple[Framework, ...] = ()
    """The catalogues at hand, in the order of reports; also those that no rule names."""
    merged: dict[tuple[ScopedValues, ...], Mapping[str, Any]] = field(default_factory=dict, compare=False)
    """Values for combinations of scoped blocks, worked out when first needed."""
