"""Real answers of Azure, recorded by others: an extra check that needs ../shared/data and is left out visibly without it."""

from __future__ import annotations

import pytest

from scanner import pipeline
from scanner.cli.options import pack_from
from scanner.engine.evaluate import Options
from scanner.inventory import saved
from scanner.model.finding import LETTERS, Verdict
from tests.conftest import SHARED

RECORDINGS = SHARED / "data" / "recordings"
pytestmark = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason="extra check left out: ../shared/data is not present"
)


@pytest.fixture(scope="module")
def scan():
    """The whole pack over the recordings."""
    inventory = saved.collect([RECORDINGS], now="2026-11-25T02:00:00Z")
    return pipeline.scan(
        pack_from(None),
        inventory,
        now=inventory.collected_at,
        words="recordings",
        options=Options(check_every=1),
    )


def verdict(scan, rule, name):
    line = next(line for line in scan.resources if line.name == name)
    return LETTERS[line.letters[scan.header.order[line.type].index(rule)]]


REGISTRY = "cctestcontainerregistry"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("ACR101", Verdict.PASS),
        ("ACR201", Verdict.NOT_APPLICABLE),
        ("ACR205", Verdict.NOT_APPLICABLE),
        ("ACR103", Verdict.NOT_APPLICABLE),
        ("ACR108", Verdict.UNKNOWN),
        ("ACR111", Verdict.UNKNOWN),
        ("ACR307", Verdict.UNKNOWN),
    ],
)
def test_the_basic_registry_of_2017(scan, rule, expected):
    """Admin user off passes, Premium rules do not apply, keys that 2017-10-01 does not return are unknown."""
    assert verdict(scan, rule, REGISTRY) is expected


def test_the_retired_defender_plan_counts_for_nothing(scan):
    """`ContainerRegistry` is Standard, `Containers` is Free: the rule fails."""
    assert verdict(scan, "ACR301", "Containers") is Verdict.FAIL


def test_nothing_crashed(scan):
    """No verdict is an error, and the lanes agree everywhere."""
    assert scan.tallies.total()[Verdict.ERROR] == 0
