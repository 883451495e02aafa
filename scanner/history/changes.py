"""What of the rules, profile, parameters, waivers and tool differs between a run and the one before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scanner.history.facts import Documents
from scanner.model import codec

KINDS = ("rule", "profile", "parameter", "waivers", "pack", "tool")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run is compared by. `rules` and `parameters`: digests of documents."""

    run: int
    now: str
    night: str
    scope: str
    complete: int
    """1 or 0, as databases keep it."""
    lacks: str
    tool: str
    pack_version: str
    pack_digest: str
    profile: str
    profile_digest: str
    waiver_file: str
    waiver_digest: str
    rules: str
    parameters: str
    identity: str
    digest: str
    pruned: int


RUN_COLUMNS = (
    "id, now, night, scope, complete, lacks, tool, pack_version, pack_digest, profile, profile_digest, waiver_file,"
    " waiver_digest, rules, parameters, identity, digest, pruned"
)
RUN_FIELDS = tuple(RunFacts.__dataclass_fields__)
"""The fields in the order of the columns."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was decided differently from a run on. `before`, `after`: digests or values, "" where there was none.

    `kind`: one of `KINDS`; `what`: which rule, parameter or file; `run`/`now`: the first run with it; `since`/`since_now`:
    the last one without; `identity`: who collected that run; `subscriptions`: how many the two runs have in common.
    """

    kind: str
    what: str
    how: str
    before: str
    after: str
    run: int
    now: str
    since: int
    since_now: str
    identity: str
    subscriptions: int


def between(documents: Documents, pairs: Iterable[tuple[RunFacts, RunFacts, int]]) -> Iterator[Change]:
    """The changes of pairs (before, after, subscriptions in common)."""
    for old, new, common in pairs:
        for kind, what, how, before, after in _differences(documents, old, new):
            yield Change(
                kind, what, how, before, after, new.run, new.now, old.run, old.now, new.identity, common
            )


Told = tuple[str, str, str, str, str]


def _differences(documents: Documents, old: RunFacts, new: RunFacts) -> Iterator[Told]:
    if old.rules != new.rules:
        yield from _of_rules(documents.get(old.rules)["rules"], documents.get(new.rules)["rules"])
    if (old.profile, old.profile_digest) != (new.profile, new.profile_digest):
        how = "another profile" if old.profile != new.profile else "its content changed"
        what = new.profile or "no profile"
        yield (
            "profile",
            what,
            how,
            _named(old.profile, old.profile_digest),
            _named(new.profile, new.profile_digest),
        )
    if old.parameters != new.parameters:
        yield from _of_parameters(documents.get(old.parameters), documents.get(new.parameters))
    if (old.waiver_file, old.waiver_digest) != (new.waiver_file, new.waiver_digest):
        how = "its content changed" if old.waiver_file == new.waiver_file else "another file"
        what = new.waiver_file or "no waiver file"
        yield (
            *("waivers", what, how),
            *(_named(old.waiver_file, old.waiver_digest), _named(new.waiver_file, new.waiver_digest)),
        )
    if old.pack_digest != new.pack_digest:
        how = "another version" if old.pack_version != new.pack_version else "the same version, other content"
        yield (
            *("pack", "", how),
            *(_named(old.pack_version, old.pack_digest), _named(new.pack_version, new.pack_digest)),
        )
    if old.tool != new.tool:
        yield "tool", "acrscan", "another version", old.tool, new.tool


def _of_rules(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Told]:
    for rule in sorted(old.keys() | new.keys()):
        before, after = old.get(rule), new.get(rule)
        if before is None or after is None:
            how = "added" if before is None else "removed"
            yield "rule", rule, how, _digest(before), _digest(after)
            continue
        if before["enabled"] != after["enabled"]:
            why = f": {after['why']}" if after["why"] else ""
            how = "switched on" if after["enabled"] else f"switched off{why}"
            yield "rule", rule, how, _on(before), _on(after)
        for key, how in (("digest", "condition changed"), ("values", "parameter values changed")):
            if before[key] != after[key]:
                yield "rule", rule, how, str(before[key]), str(after[key])
        if before["severity"] != after["severity"]:
            yield "rule", rule, "severity changed", str(before["severity"]), str(after["severity"])


def _digest(card: Mapping[str, Any] | None) -> str:
    return "" if card is None else str(card["digest"])


def _on(card: Mapping[str, Any]) -> str:
    return "on" if card["enabled"] else "off"


def _of_parameters(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Told]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if before is not None and after is not None and before[0] == after[0]:
            yield "parameter", name, "the same value from elsewhere", str(before[1]), str(after[1])
            continue
        how = (
            "changed"
            if before is not None and after is not None
            else "added"
            if before is None
            else "removed"
        )
        yield "parameter", name, how, _value(before), _value(after)


def _value(entry: Any) -> str:
    if entry is None:
        return ""
    text = codec.encode(entry[0]).decode("utf-8", "replace")
    return (
        text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ... ({len(text) - _LONGEST} more characters)"
    )


def _named(name: str, digest: str) -> str:
    return f"{name} sha256:{digest}" if name and digest else name or (f"sha256:{digest}" if digest else "")
