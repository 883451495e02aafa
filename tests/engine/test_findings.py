"""From judgements to findings: one per element, one per inherited cause, settling, fingerprints, commands."""

from __future__ import annotations

import pytest

from scanner import pipeline
from scanner.cli.options import pack_from
from scanner.engine.evaluate import Options
from scanner.model.finding import Verdict
from scanner.model.resource import Origin
from tests.engine.building import (
    ANN,
    APP,
    ASSIGNMENTS,
    BOB,
    CONTRIBUTOR,
    NOW,
    PUSH,
    REGISTRIES,
    SUB,
    assignment,
    inventory,
    registry,
)

COLLECTED = {ASSIGNMENTS, f"{REGISTRIES}/tokens", f"{REGISTRIES}/scopeMaps"}


def scan(rule, *resources, now=NOW, **options):
    return pipeline.scan(
        pack_from(None, rule=(rule,)),
        inventory(*resources, collected=COLLECTED),
        now=now,
        words="test",
        options=Options(check_every=1, **options),
    )


def test_each_offending_element_is_a_finding():
    """Two machines with Contributor on the registry: one failed evaluation, two findings, two fingerprints."""
    result = scan("ACR104", registry(), assignment(CONTRIBUTOR, APP), assignment(CONTRIBUTOR, APP, BOB, 2))
    found = list(result.findings)
    assert len({item.fingerprint for item in found}) == 2
    assert result.tallies.of_rule("ACR104")[Verdict.FAIL] == 1
    assert {item.element.split("|")[0] for item in found} == {ANN, BOB}
    assert all(item.commands[0][:4] == ("az", "role", "assignment", "delete") for item in found)


def test_one_cause_is_one_finding():
    """An assignment on the subscription fails three registries and is one finding that names the other two."""
    registries = [registry(f"{APP}{number}") for number in range(3)]
    result = scan("ACR104", *registries, assignment(CONTRIBUTOR, SUB))
    (found,) = result.findings
    assert result.tallies.of_rule("ACR104")[Verdict.FAIL] == 3
    assert found.resource == f"{APP}0"
    assert found.affected == (f"{APP}1", f"{APP}2")


def test_fingerprints_do_not_depend_on_the_rest():
    """The same finding among other resources, later, has the same fingerprint."""
    alone = next(iter(scan("ACR101", registry(adminUserEnabled=True)).findings))
    among = [
        item
        for item in scan(
            "ACR101", registry(f"{APP}0"), registry(adminUserEnabled=True), now="2027-01-01T00:00:00Z"
        ).findings
        if item.resource == APP
    ]
    assert [item.fingerprint for item in among] == [alone.fingerprint]


@pytest.mark.parametrize(
    ("modified", "qualifier"),
    [
        ("2026-11-25T01:55:00Z", "settling"),
        ("2026-11-25T01:45:00Z", ""),
        ("2026-11-25T02:30:00Z", ""),
        (None, ""),
    ],
)
def test_settling(modified, qualifier):
    """A network failure on a registry changed within ten minutes before its collection is marked, not excused."""
    changed = {"lastModifiedAt": modified} if modified else {}
    given = registry(publicNetworkAccess="Enabled", networkRuleSet={"defaultAction": "Allow"})
    given = type(given)(
        given.id,
        given.type,
        given.name,
        {**given.body, "systemData": changed},
        origin=Origin("arm", collected_at=NOW),
    )
    (found,) = scan("ACR201", given, now="2027-06-01T00:00:00Z").findings
    assert (found.verdict, found.qualifier) == (Verdict.FAIL, qualifier)


def test_role_changes_settle_by_the_assignments_own_age():
    """The assignment's updatedOn counts, not the registry's last change."""
    young = scan("ACR104", registry(), assignment(CONTRIBUTOR, APP, updatedOn="2026-11-25T01:58:00Z"))
    old = scan("ACR104", registry(), assignment(CONTRIBUTOR, APP, updatedOn="2026-11-01T00:00:00Z"))
    assert [item.qualifier for item in young.findings] == ["settling"]
    assert [item.qualifier for item in old.findings] == [""]


def test_unknown_findings_say_why():
    """Nothing collected: unknown, with the collection as the reason, never a pass."""
    pack = pack_from(None, rule=("ACR102",))
    result = pipeline.scan(pack, inventory(registry()), now=NOW, words="test")
    (found,) = result.findings
    assert found.verdict is Verdict.UNKNOWN
    assert "roleAssignments not collected" in found.reason


def test_details_off_counts_the_same():
    """Counting without findings gives the same verdicts."""
    resources = [registry(), registry(f"{APP}2", adminUserEnabled=True), assignment(PUSH, SUB)]
    pack = pack_from(None)
    full = pipeline.scan(
        pack, inventory(*resources, collected=COLLECTED), now=NOW, words="t", options=Options(check_every=1)
    )
    counted = pipeline.scan(
        pack,
        inventory(*resources, collected=COLLECTED),
        now=NOW,
        words="t",
        options=Options(details=False, check_every=0),
    )
    slow = pipeline.scan(
        pack,
        inventory(*resources, collected=COLLECTED),
        now=NOW,
        words="t",
        options=Options(reference_only=True),
    )
    assert full.tallies.verdicts == counted.tallies.verdicts == slow.tallies.verdicts
