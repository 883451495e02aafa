"""Waiver files beside a pack: the checks that `acrscan waiver check` and the scan make, as problems at their lines.

Reading, dates and the file's own policy are those of `scanner.waivers`; nothing is decided twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from scanner.errors import ScannerError
from scanner.language.pack import shown
from scanner.model.condition import Mark
from scanner.model.rule import Rule
from scanner.model.waiver import Attestation, Register, Waiver
from scanner.text import Source, read_text
from scanner.waivers.matching import loose
from scanner.waivers.read import parse
from scanner.waivers.standing import standing
from scanner.workbench.lint.check import Check
from scanner.workbench.lint.context import PackContext, placed, problem
from scanner.workbench.problem import Problem, as_problems, mark_of

_ENTRY = """apiVersion: acrscan/v1
waivers:
  - id: W-1
    rule: ACME101
    resource: /subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r
    kind: risk-accepted
    reason: The label printers know nothing but a user name and a password.
    owner: Mira Solberg
    approver: Ines Dahl
    ticket: PLAT-412
    created: 2026-10-01
    expires: 2027-03-01
"""
_GLOB = _ENTRY.replace(
    "resource: /subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r",
    'resourceGlob: "/subscriptions/**/registries/*"',
)

WAIV001 = Check(
    "WAIV001",
    "error",
    "Waivers have not expired",
    "A waiver or attestation whose last day has passed.",
    "It does not count: what it covered fails again. Left in the file it hides that nobody decided anew.",
    _ENTRY.replace("2027-03-01", "2026-11-01"),
    _ENTRY,
    file="waivers",
)
WAIV002 = Check(
    "WAIV002",
    "error",
    "The policy allows the waiver",
    "A waiver that lasts longer than the file's policy allows (365 days where it says nothing), or for a rule that may not be waived; an "
    "attestation of what the scanner decides itself.",
    "It does not count, and its owner believes that it does.",
    _ENTRY.replace("2027-03-01", "2029-03-01"),
    _ENTRY,
    file="waivers",
)
WAIV003 = Check(
    "WAIV003",
    "error",
    "A waiver says why, by whom and where it was discussed",
    "No reason, owner or approver. A waiver without a ticket is a warning.",
    "Whoever meets it in a year must be able to ask somebody.",
    _ENTRY.replace("    owner: Mira Solberg\n", ""),
    _ENTRY,
    file="waivers",
)
WAIV004 = Check(
    "WAIV004",
    "warning",
    "Every waiver covers a finding",
    "A waiver in force that covers nothing in the stored scan that `--scan` names. Without a scan nothing is said.",
    "It would silently cover the next finding of its kind.",
    _ENTRY,
    _ENTRY,
    file="scan",
)
WAIV005 = Check(
    "WAIV005",
    "error",
    "Waivers name rules that exist",
    "A waiver or attestation for a rule that is neither in the pack nor replaced by one of its rules.",
    "A typing error in the id waives nothing.",
    _ENTRY.replace("ACME101", "ACME999"),
    _ENTRY,
    file="waivers",
)
WAIV006 = Check(
    "WAIV006",
    "error",
    "No pattern waives a critical rule",
    "A glob on a critical rule; for other rules a glob that names no subscription, group or registry is a warning.",
    "It accepts findings of registries that do not exist yet, which nobody has looked at.",
    _GLOB,
    _ENTRY,
    file="waivers",
)
WAIV007 = Check(
    "WAIV007",
    "info",
    "Waivers do not end soon",
    "A waiver or attestation that ends within the days that the file's policy gives (30 where it says nothing).",
    "What it covers fails on the day after; mending takes longer than a day.",
    _ENTRY.replace("2027-03-01", "2026-12-01"),
    _ENTRY,
    file="waivers",
)
WAIV008 = Check(
    "WAIV008",
    "warning",
    "Two people agree on a waiver",
    "The approver is the owner.",
    "A risk that one accepts alone is a risk that nobody weighed.",
    _ENTRY.replace("Ines Dahl", "mira solberg"),
    _ENTRY,
    file="waivers",
)
_ID = re.compile(r"^id:[ \t]*[\"']?([A-Z]{2,8}[0-9]+)\b", re.MULTILINE)
CHECKS = (WAIV001, WAIV002, WAIV003, WAIV004, WAIV005, WAIV006, WAIV007, WAIV008)


def check(pack: PackContext) -> Iterator[Problem]:
    """Every waiver file that stands beside the pack."""
    for path in pack.beside.waivers:
        yield from _file(pack, path)


def _file(pack: PackContext, path: Path) -> Iterator[Problem]:
    name = shown(path)
    rules = {rule.id: rule for rule in pack.pack.rules}
    known = {*rules, *(old for rule in pack.pack.rules for old in rule.replaces)}
    if pack.reading.errors:  # a rule that could not be read is not unknown for that
        known |= {found[1] for file in pack.reading.files for found in _ID.finditer(file.text)}
    source = None
    try:
        text = read_text(path, shown=name)
        source = Source(name, tuple(text.splitlines()))
        register = parse(text, name, known)
    except ScannerError as error:
        yield from (placed(one, source) for one in as_problems(error))
        return
    yield from _entries(pack, register, rules, source)


def _entries(
    pack: PackContext, register: Register, rules: Mapping[str, Rule], source: Source
) -> Iterator[Problem]:
    for entry in register.entries:
        mark = mark_of(entry.place)
        found = standing(entry, rules, register.policy, pack.today)
        if found.state == "expired":
            yield _problem(
                WAIV001,
                entry,
                f"expired on {entry.expires}",
                mark,
                source,
                "Remove it, or have it approved anew.",
            )
        elif found.state == "refused":
            yield _problem(WAIV002, entry, found.why, mark, source, "Shorten it, or remove it.")
        elif found.state == "expires-soon":
            days = "day" if found.days_left == 1 else "days"
            yield _problem(
                WAIV007, entry, f"ends in {found.days_left} {days}, on {entry.expires}", mark, source
            )
        if entry.owner.casefold() == entry.approver.casefold():
            yield _problem(WAIV008, entry, f"{entry.owner} is owner and approver", mark, source)
        if isinstance(entry, Waiver):
            yield from _waiver(pack, entry, rules.get(entry.covers.rule), mark, source)


def _waiver(
    pack: PackContext, entry: Waiver, rule: Rule | None, mark: Mark, source: Source
) -> Iterator[Problem]:
    if not entry.ticket and not entry.source:
        what = "names no ticket"
        yield _problem(WAIV003, entry, what, mark, source, "Add `ticket`.", level="warning")
    glob = entry.covers.glob
    if glob and rule is not None and rule.severity == "critical":
        yield _problem(
            WAIV006,
            entry,
            f"a pattern waives {rule.id}, which is critical",
            mark,
            source,
            "Name each resource.",
        )
    elif glob and loose(glob):
        advice = "Name a subscription, a group or a registry in it."
        yield _problem(
            WAIV006, entry, "its pattern names nothing of its own", mark, source, advice, level="warning"
        )
    if pack.beside.unused is not None and entry.id in pack.beside.unused:
        advice = "Remove it (acrscan waiver prune), or correct its rule, resource or element."
        yield _problem(WAIV004, entry, "covers nothing in the stored scan", mark, source, advice)


def _problem(
    check: Check,
    entry: Waiver | Attestation,
    what: str,
    mark: Mark,
    source: Source,
    advice: str = "",
    *,
    level: str = "",
) -> Problem:
    return problem(check, f"{entry.id} {what}", mark, source, advice, rule=entry.covers.rule, level=level)
