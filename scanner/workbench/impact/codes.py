"""The stable ids of what an impact names, with one sentence each: reports, pages and SARIF rules say the same."""

from __future__ import annotations

LOOSE = {
    "LOOSE001": "the condition lets pass what failed or was not decided",
    "LOOSE002": "the rule applies to less: what failed is not asked any more",
    "LOOSE003": "the severity is lower",
    "LOOSE004": "the rule is gone",
    "LOOSE005": "the rule is switched off",
    "LOOSE006": "the rule may be waived",
    "LOOSE007": "a parameter's value lets pass what failed or was not decided",
    "LOOSE008": "a waiver accepts more",
    "LOOSE009": "failures of the rule may count as settling, which do not gate",
    "LOOSE010": "a change whose cases are too many to try all: only a sample was tried, and nothing in it got looser",
    "LOOSE011": "the rule asks another type of resource",
    "LOOSE012": "the rule is attested by a person and decides nothing any more",
}
UNPROVEN = "LOOSE010"
"""The one that names no loosening, but that none could be excluded."""
NEW, UNDECIDED, NOT_COMPARED, MOVED, POSSIBLE = (
    "IMPACT001",
    "IMPACT002",
    "IMPACT003",
    "IMPACT004",
    "IMPACT005",
)
IMPACT = {
    NEW: "new findings on this estate",
    UNDECIDED: "verdicts that were decided and no longer are",
    NOT_COMPARED: "a rule that could not be compared, for its file does not parse on one side",
    MOVED: "a rule that came, went, or stands for others",
    POSSIBLE: "a rule that can decide differently, though not looser, whether or not this estate shows it",
}
MEANINGS = {**LOOSE, **IMPACT}
