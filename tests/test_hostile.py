"""Hostile and broken resources through the whole flow: a verdict that names the place, never a traceback or a pass."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from scanner import formats, pipeline
from scanner.cli.options import pack_from
from scanner.engine.evaluate import Options
from scanner.inventory import saved
from scanner.model.finding import LETTERS, Verdict

ID = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/oneacr"
GOOD: dict[str, Any] = {
    "id": ID,
    "name": "oneacr",
    "type": "Microsoft.ContainerRegistry/registries",
    "location": "westeurope",
    "sku": {"name": "Premium"},
    "properties": {"loginServer": "oneacr.azurecr.io", "provisioningState": "Succeeded", "adminUserEnabled": False, "publicNetworkAccess": "Enabled", "networkRuleSet": {"defaultAction": "Deny", "ipRules": []}},
}  # fmt: skip
PACK = pack_from(None)


@pytest.fixture
def scan(tmp_path):
    """Scan one registry with changes."""

    def go(**changes):
        (tmp_path / "r.json").write_text(json.dumps([{**GOOD, **changes}]))
        found = saved.collect([tmp_path], now="2026-11-25T02:00:00Z", api_version="2025-11-01")
        return pipeline.scan(PACK, found, now=found.collected_at, words="t", options=Options(check_every=1))

    return go


def verdict(result, rule):
    line = next(line for line in result.resources if line.type.endswith("/registries"))
    return LETTERS[line.letters[result.header.order[line.type].index(rule)]]


@pytest.mark.parametrize(
    ("changes", "rule", "expected"),
    [
        ({}, "ACR101", Verdict.PASS),
        ({"sku": []}, "ACR201", Verdict.ERROR),
        ({"sku": "Premium"}, "ACR201", Verdict.ERROR),
        ({"sku": None}, "ACR201", Verdict.UNKNOWN),
        ({"properties": None}, "ACR101", Verdict.UNKNOWN),
        ({"properties": []}, "ACR101", Verdict.ERROR),
        ({"properties": {"adminUserEnabled": "false"}}, "ACR101", Verdict.ERROR),
        ({"properties": {"adminUserEnabled": 0}}, "ACR101", Verdict.ERROR),
        ({"type": "MICROSOFT.CONTAINERREGISTRY/registries"}, "ACR101", Verdict.PASS),
        ({"properties": {**GOOD["properties"], "networkRuleSet": {"defaultAction": "Deny", "ipRules": "all"}}}, "ACR201", Verdict.ERROR),
        ({"properties": {**GOOD["properties"], "networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"value": "not an address"}]}}}, "ACR201", Verdict.ERROR),
    ],
)  # fmt: skip
def test_odd_bodies(scan, changes, rule, expected):
    """Wrong types are errors, missing ones unknown; neither passes."""
    assert verdict(scan(**changes), rule) is expected


def test_an_error_names_the_place(scan):
    """The message says which property and what was wrong with it."""
    (found,) = [item for item in scan(sku=[]).findings if item.rule == "ACR201"]
    assert "sku" in found.message
    assert "list" in found.message or "array" in found.message


def test_ten_thousand_ip_rules_end(scan):
    """A quadratic rule over 10,000 elements is cut off and still decided where the answer is certain."""
    rules = [{"action": "Allow", "value": f"10.{number // 256}.{number % 256}.1"} for number in range(10_000)]
    result = scan(
        properties={**GOOD["properties"], "networkRuleSet": {"defaultAction": "Deny", "ipRules": rules}}
    )
    assert verdict(result, "ACR211") is Verdict.FAIL


def test_hostile_text_reaches_no_report_as_code(scan):
    """Markup, formulas, terminal escapes and bidi controls in names and tags: every report stays what it is."""
    evil = "</script><img src=x onerror=alert(1)>\u202e\x1b[31m=HYPERLINK(1)"
    result = scan(tags={evil: evil}, name=evil, properties={**GOOD["properties"], "provisioningState": evil})
    for name in formats.names():
        out = io.BytesIO()
        formats.get(name).render(result, out)
        if name == "xlsx":  # a packed workbook; tests/formats/test_tables.py reads it back
            continue
        text = out.getvalue().decode("utf-8")
        if name == "html":
            assert "<img src=x" not in text
        if name == "console":
            assert "\x1b" not in text
            assert "\u202e" not in text
        if name in ("json", "sarif"):
            json.loads(text)
