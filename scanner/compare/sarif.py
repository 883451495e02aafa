"""A SARIF file of ours as a baseline: its results come back as rows, as far as SARIF keeps them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from scanner.compare.against import OPEN, Baseline
from scanner.errors import InputError
from scanner.json_text import read_json
from scanner.model import ids
from scanner.model.finding import Evidence, Finding, Verdict, order
from scanner.model.resource import Origin
from scanner.model.scan import RuleCard, Scan, ScanHeader, Tallies

FINGERPRINT = "acrscan/v1"
_ARGUMENTS = 2
_LINK = re.compile(r"\]\s*\(")
_CHANGES = {"absent": "resolved"}
_NOTE = "the baseline is a SARIF file, which tells no passes: some reasons are less certain than with a stored scan"


def baseline_of(path: Path) -> Baseline:
    """The baseline in a file. Raises `InputError` for another tool's file, another version, or a broken one."""
    document = read_json(path)
    runs = document.get("runs") if isinstance(document, dict) else None
    if not isinstance(runs, list) or document.get("version") != "2.1.0" or not runs:
        _refuse(path, "is no SARIF 2.1.0 file with a run")
    rows: list[Finding] = []
    headers = []
    for run in runs:
        driver = _object(_object(run.get("tool") if isinstance(run, dict) else None).get("driver"))
        if driver.get("name") != "acrscan":
            _refuse(path, f"was written by {str(driver.get('name'))[:60]!r}, not by acrscan")
        headers.append(_header(path, run, driver))
        rows += _rows(path, run)
    header, profile = headers[0]
    found = [row for row in rows if row.change != "resolved"]
    scan = Scan(
        header=header,
        tallies=Tallies({}, {}, {}),
        findings=tuple(sorted(found, key=order)),
        resources=(),
        earlier=tuple(sorted((row for row in rows if row.change == "resolved"), key=order)),
    )
    notes = (_NOTE, *_lacks(runs, profile))
    return Baseline(scan, str(path), lines=False, notes=notes, blind=any(_blind(run) for run in runs))


def _blind(run: Mapping[str, Any]) -> bool:
    """Whether the run says that not everything was looked at, and that nothing was carried on."""
    said = _object(run.get("properties"))
    return bool(said.get("acrscan/gaps")) and "acrscan/drift" not in said


def _lacks(runs: list[Any], profile: str) -> Iterator[str]:
    """What the file itself says that it leaves out."""
    if profile == "github":
        yield "it has the profile github, which leaves waived findings out"
    left = [_object(_object(run.get("properties")).get("acrscan/leftOut")).get("limit") for run in runs]
    number = sum(count for one in left for count in _object(one).values() if isinstance(count, int))
    if number:
        yield f"its limit of results left {number:,} findings out, which seem new now"


def _header(path: Path, run: Mapping[str, Any], driver: Mapping[str, Any]) -> tuple[ScanHeader, str]:
    said = _object(run.get("properties"))
    pack, inventory = _object(said.get("acrscan/pack")), _object(said.get("acrscan/inventory"))
    invocations = run.get("invocations")
    first = _object(invocations[0] if isinstance(invocations, list) and invocations else None)
    now = first.get("endTimeUtc")
    rules = driver.get("rules")
    if not isinstance(now, str) or not isinstance(rules, list):
        _refuse(path, "lacks what acrscan writes into SARIF (invocations, rules)")
    header = ScanHeader(
        tool_version=_text(driver.get("semanticVersion")),
        pack_id=_text(pack.get("id")),
        pack_version=_text(pack.get("version")),
        pack_digest=_text(pack.get("sha256")),
        profile=_text(said.get("acrscan/profile")),
        parameters=(),
        rules=tuple(_card(rule) for rule in rules if isinstance(rule, dict)),
        order={},
        runs=(),
        inventory_digest=_text(inventory.get("sha256")),
        inventory=_text(inventory.get("source")),
        now=now,
        subscriptions={key: _text(name) for key, name in _object(said.get("acrscan/subscriptions")).items()},
    )
    return header, _text(said.get("acrscan/sarifProfile"))


def _card(rule: Mapping[str, Any]) -> RuleCard:
    said = _object(rule.get("properties"))
    default = _object(rule.get("defaultConfiguration"))
    return RuleCard(
        id=_text(rule.get("id")),
        name=_text(rule.get("name")),
        title=_text(_object(rule.get("shortDescription")).get("text")),
        severity=_text(said.get("acrscan/severity")),
        target=_text(said.get("acrscan/target")),
        rationale="",
        effort="",
        az=(),
        bicep="",
        terraform="",
        manual_remediation="",
        manual="",
        references=(),
        reviewed="",
        controls=(),
        status="stable",
        enabled=default.get("enabled") is not False,
        disabled_reason="",
        digest=_text(said.get("acrscan/sha256")),
        file="",
        line=0,
        values_digest=_text(said.get("acrscan/valuesSha256")),
    )


def _rows(path: Path, run: Mapping[str, Any]) -> Iterator[Finding]:
    results, places = run.get("results"), run.get("logicalLocations")
    if not isinstance(results, list) or not isinstance(places, list):
        _refuse(path, "lacks its results or its logical locations")
    for number, result in enumerate(results):
        try:
            yield _row(result, places)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            _refuse(path, f"result {number} is not one that acrscan wrote ({error})")


def _row(result: Mapping[str, Any], places: list[Any]) -> Finding:
    said = _object(result.get("properties"))
    place = result["locations"][0]["logicalLocations"][0]
    resource = place["fullyQualifiedName"]
    kind = _object(_object(places[place["index"]]).get("properties")).get("acrscan/type")
    state = result.get("baselineState")
    return Finding(
        rule=str(result["ruleId"]),
        severity=str(said["acrscan/severity"]),
        verdict=Verdict(said["acrscan/verdict"]),
        resource=str(resource),
        resource_type=str(kind or ids.type_of(resource)),
        resource_name=_text(places[place["index"]].get("name")),
        subscription=ids.subscription_of(resource),
        resource_group=ids.resource_group_of(resource),
        location=_text(said.get("acrscan/location")),
        message=_said(_object(result.get("message"))),
        reason=_text(said.get("acrscan/reason")),
        element=_text(said.get("acrscan/element")),
        evidence=tuple(_evidence(item) for item in said.get("acrscan/evidence", ())),
        fingerprint=str(result["fingerprints"][FINGERPRINT]),
        origin=_origin(result["locations"][0], said),
        qualifier=_text(said.get("acrscan/qualifier")),
        affected=tuple(str(item) for item in said.get("acrscan/affected", ())),
        commands=tuple(tuple(str(word) for word in words) for words in said.get("acrscan/commands", ())),
        api_version=_text(said.get("acrscan/apiVersion")) or None,
        waiver=_text(said.get("acrscan/waiver")) or None,
        change=_CHANGES.get(str(state), OPEN),
        first_seen=_text(said.get("acrscan/firstSeen")) or None,
        cause=_text(said.get("acrscan/cause")),
    )


def _said(message: Mapping[str, Any]) -> str:
    """The row's own words: the last argument of the rule's template, with the brackets of links as they were."""
    arguments = message.get("arguments")
    if not isinstance(arguments, list) or len(arguments) != _ARGUMENTS:
        return _text(message.get("text"))
    words = _text(arguments[1])
    return words.replace("\\[", "[").replace("\\]", "]") if _LINK.search(words) else words


def _origin(place: Mapping[str, Any], said: Mapping[str, Any]) -> Origin:
    """Where the row came from; what was declared in a file keeps its line, so that it can be told again."""
    where, at = _text(said.get("acrscan/source")), _text(said.get("acrscan/collectedAt")) or None
    declared = _text(said.get("acrscan/declaredIn"))
    if not declared:
        return Origin("sarif", where, collected_at=at)
    region = _object(_object(place.get("physicalLocation")).get("region"))
    return Origin(declared, where, int(region["startLine"]), int(region["startColumn"]), at)


def _evidence(item: Mapping[str, Any]) -> Evidence:
    return Evidence(
        str(item["path"]),
        str(item["state"]),
        item.get("actual"),
        str(item["operator"]),
        item.get("expected"),
        _text(item.get("rulePlace")),
        _text(item.get("source")),
        _text(item.get("collectedAt")) or None,
        _text(item.get("note")),
    )


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _refuse(path: Path, what: str) -> NoReturn:
    raise InputError(
        what, str(path), "A baseline is a stored scan (-f ndjson) or a SARIF file that acrscan wrote."
    )
