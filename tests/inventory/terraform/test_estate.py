"""The sample estate as Terraform gives the verdicts that its live answers give, but for what no configuration can tell."""

from __future__ import annotations

from collections import Counter

from scanner import pipeline
from scanner.data import policies
from scanner.engine.evaluate import Options
from scanner.inventory import saved
from scanner.inventory.terraform.collecting import Wanted, read_terraform
from scanner.language.pack import load_pack
from tests.estate import terraform as estate

NOW = "2026-11-25T02:00:00Z"
ABOVE = {"ACR107": "roles at management groups", "ACR116": "standing roles at management groups"}
LIVE = {
    "ACR511": "the state of a registry",
    "ACR512": "a key that only preview versions return",
    "ACR704": "object ids of identities",
}
WAITING = "harbourpending"
"""Its connection waits for approval although nobody asked for that; a configuration says only whether it has to wait."""


def verdicts(inventory):
    """(type, name, rule) -> letter."""
    pack = load_pack(policies() / "acr")
    scan = pipeline.scan(pack, inventory, now=NOW, words="t", options=Options())
    return {
        (one.type, one.name, rule): letter
        for one in scan.resources
        if one.type != "acrscan/templateFiles"
        for rule, letter in zip(scan.header.order[one.type], one.letters, strict=True)
    }


def test_the_estate_as_terraform(tmp_path):
    """Thirteen registries with all that belongs to them: every decided verdict is that of the live answers."""
    estate.write(tmp_path)
    reading = read_terraform([tmp_path], Wanted(), now=NOW)
    assert not reading.errors
    assert reading.inventory.diagnostics == ()
    principals = estate.HERE / "principals.json"
    live = verdicts(saved.collect([estate.HERE / "answers"], principals=principals, now=NOW))
    described = verdicts(reading.inventory)
    compared = {
        key: letter
        for key, letter in described.items()
        if letter != "N" and key[2] not in {**ABOVE, **LIVE} and key[1] != WAITING
    }
    assert {key: live.get(key) for key in compared} == compared
    counts = Counter(compared.values())
    assert counts["F"] > 80
    assert counts["P"] > 150
    assert counts["U"] == counts["E"] == 0


def test_what_the_answers_fail_is_not_passed_over(tmp_path):
    """Failures of the live answers that the configuration does not show are those that it cannot show."""
    estate.write(tmp_path)
    described = verdicts(read_terraform([tmp_path], Wanted(), now=NOW).inventory)
    live = verdicts(
        saved.collect([estate.HERE / "answers"], principals=estate.HERE / "principals.json", now=NOW)
    )
    missed = {key[2] for key, letter in live.items() if letter == "F" and described.get(key) == "P"}
    assert missed <= {*ABOVE, *LIVE, "ACR205", "ACR210"}
