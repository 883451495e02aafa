"""Small scans for the tests of the history: what fails where on which night is said in a few words."""

from __future__ import annotations

from dataclasses import replace

from scanner.model.finding import Finding, Verdict, fingerprint
from scanner.model.resource import Origin, Problem, SourceRun
from scanner.model.rule import Control
from scanner.model.scan import Effective, ResourceLine, Scan, ScanHeader, ScopeLine
from tests.formats.sample import REGISTRIES, card, tally

A, B, C = (f"00000000-0000-0000-0000-00000000000{one}" for one in "abc")
RULES = ("ACR101", "ACR102")
CARDS = (
    card(
        "ACR101",
        "admin-user-disabled",
        "critical",
        "Admin user is disabled",
        controls=(Control("mcsb", "IM-1"),),
    ),
    card(
        "ACR102",
        "anonymous-pull-disabled",
        "high",
        "Anonymous pull is disabled",
        controls=(Control("mcsb", "IM-1"), Control("cis", "9")),
    ),
)


def registry(subscription, name):
    return f"/subscriptions/{subscription}/resourceGroups/rg/providers/{REGISTRIES}/{name}"


def row(rule, resource, **changes):
    subscription = resource.split("/")[2]
    severity = "critical" if rule == "ACR101" else "high"
    base = Finding(
        rule, severity, Verdict.FAIL, resource, REGISTRIES, resource.rsplit("/")[-1], subscription, "rg", "", "Bad.",
        "", "", (), fingerprint(rule, changes.get("cause") or resource, str(changes.get("element", ""))), Origin("azure"),
    )  # fmt: skip
    return replace(base, **changes)


def scan(
    night,
    estate,
    *,
    at="02:00:00",
    fails=(),
    letters=None,
    extra=(),
    unread=(),
    scope=None,
    runs=None,
    cards=CARDS,
    **header,
):
    """A scan. `estate`: subscription -> registry names; `fails`: (rule, subscription, name); `extra`: further rows.

    `letters`: (subscription, name) -> verdict letters that are no failures; `unread`: subscriptions that were not read.
    """
    lines = []
    found = list(extra)
    failing = set(fails)
    for subscription, names in estate.items():
        if subscription in unread:
            continue
        for name in names:
            mine = list((letters or {}).get((subscription, name), "P" * len(RULES)))
            for at_rule, rule in enumerate(RULES):
                if (rule, subscription, name) in failing:
                    mine[at_rule] = "F"
                    found.append(row(rule, registry(subscription, name)))
            lines.append(
                ResourceLine(
                    registry(subscription, name), REGISTRIES, name, subscription, "rg", "", "", "".join(mine)
                )
            )
    for finding in extra:
        if finding.verdict is Verdict.FAIL:
            for at_line, line in enumerate(lines):
                if line.id in finding.resources:
                    place = RULES.index(finding.rule)
                    lines[at_line] = replace(
                        line, letters=line.letters[:place] + "F" + line.letters[place + 1 :]
                    )
    order: dict[str, tuple[str, ...]] = {REGISTRIES: RULES}
    lines.sort(key=lambda line: line.id)
    found.sort(key=lambda one: (one.resource, one.rule))
    head = ScanHeader(
        tool_version="1", pack_id="acr", pack_version="1", pack_digest="p1", profile="", parameters=(Effective("limit", 1, "pack"),),
        rules=cards, order=order, runs=runs or (SourceRun("azure", REGISTRIES, "complete", len(lines)),), inventory_digest="i",
        inventory="azure", now=f"{night}T{at}Z", subscriptions={line.subscription: "" for line in lines},
        scope=scope if scope is not None else tuple(
            ScopeLine(one, f"sub {one[-1]}", 0, "not allowed" if one in unread else "") for one in sorted(estate)
        ),
    )  # fmt: skip
    head = replace(head, **header)
    return Scan(head, tally(lines, found, order), tuple(found), tuple(lines))


def refused(subscription, kind=REGISTRIES):
    """The runs of a scan that could not list one type in a subscription."""
    problem = Problem(f"/subscriptions/{subscription}", "HTTP 403", 403, f"{kind}/read")
    return (SourceRun("azure", kind, "partial", 0, (problem,)),)
