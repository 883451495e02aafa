"""Rows of a running scan: they come in one by one, and can be read again and again afterwards, in order.

Findings with one inherited cause are merged into one row that names the other resources it affects.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from scanner.engine.counting import Counted
from scanner.engine.evaluate import Row
from scanner.engine.unread import Place
from scanner.model.finding import LETTERS, Finding, Verdict, order
from scanner.model.rule import SEVERITIES
from scanner.model.scan import ResourceLine, Tallies
from scanner.rows import IN_MEMORY, Rows


class Spool:
    """Findings and resource lines of one scan."""

    def __init__(self, limit: int = IN_MEMORY) -> None:
        self._findings: Rows[Finding] = Rows(Finding, limit)
        self._resources: Rows[ResourceLine] = Rows(ResourceLine, limit)
        self._caused: dict[str, tuple[Finding, list[str]]] = {}

    def add(self, row: Row) -> None:
        """Keep a row; one whose cause was seen already only adds its resource to the first."""
        if isinstance(row, ResourceLine):
            self._resources.add(row)
            return
        if isinstance(row, Place):
            return
        finding, cause = row
        if not cause:
            self._findings.add(finding)
            return
        first = self._caused.get(finding.fingerprint)
        if first is None:
            self._caused[finding.fingerprint] = (finding, [])
        else:
            first[1].append(finding.resource)

    def findings(self) -> Iterable[Finding]:
        """All findings in order, to be iterated as often as needed."""
        return _Merged(self._findings, self._caused)

    def resources(self) -> Iterable[ResourceLine]:
        """All resource lines in order."""
        return self._resources


class _Merged:
    """Single findings and merged ones, in one order."""

    def __init__(self, single: Rows[Finding], caused: Mapping[str, tuple[Finding, list[str]]]) -> None:
        self._single = single
        merged = [replace(finding, affected=tuple(others)) for finding, others in caused.values()]
        self._caused = sorted(merged, key=order)

    def __len__(self) -> int:
        return len(self._single) + len(self._caused)

    def __iter__(self) -> Iterator[Finding]:
        if not self._caused:
            return iter(self._single)
        return heapq.merge(self._single, self._caused, key=order)


class Tally:
    """Counts verdicts by rule and subscription while rows pass by."""

    def __init__(self) -> None:
        self.resources: Counter[str] = Counter()
        self.homes: Counter[tuple[str, str]] = Counter()
        """Resources by type and subscription."""
        self.seen = 0
        """Resources counted one by one so far."""
        self._lines: Counter[tuple[tuple[str, ...], str, str]] = Counter()
        """Numbers by the rules that letters stand for, subscription, and letters."""

    def add(self, row: Row, orders: Mapping[str, tuple[str, ...]]) -> None:
        """Count a resource line or an unread place; findings are counted at the end, after merging."""
        if isinstance(row, Place):
            self._lines[orders[row.type], row.subscription, row.letters] += 1
        if isinstance(row, ResourceLine):
            self.resources[row.type] += 1
            self.homes[row.type, row.subscription] += 1
            self.seen += 1
            self._lines[orders[row.type], row.subscription, row.letters] += 1

    def count(self, counted: Counted) -> None:
        """Add a number of resources at once."""
        self._lines[counted.rules, counted.subscription, counted.letters] += counted.number
        if counted.first:
            self.resources[counted.type] += counted.number
            self.homes[counted.type, counted.subscription] += counted.number

    def subscriptions(self) -> list[str]:
        """The subscriptions of everything that was evaluated."""
        return sorted({subscription for _, subscription, _ in self._lines if subscription})

    def finished(self, spool: Spool) -> Tallies:
        """The tallies."""
        verdicts: dict[str, dict[str, Counter[Verdict]]] = {}
        for (rules, subscription, letters), number in sorted(self._lines.items()):
            for rule, letter in zip(rules, letters, strict=True):
                verdicts.setdefault(rule, {}).setdefault(subscription, Counter())[LETTERS[letter]] += number
        findings = dict.fromkeys(SEVERITIES, 0)
        for finding in spool.findings():
            if finding.verdict is Verdict.FAIL:
                findings[finding.severity] += 1
        plain = {
            rule: {subscription: dict(counts) for subscription, counts in by_subscription.items()}
            for rule, by_subscription in sorted(verdicts.items())
        }
        return Tallies(plain, findings, dict(sorted(self.resources.items())))
