"""Registers and waiver files for tests."""

from scanner.model.waiver import Attestation, Coverage, Register, Waiver, WaiverPolicy
from tests.formats.sample import CONTOSOPROD


def waiver(name="W-1", rule="ACR101", **changes):
    """A waiver in force on contosoprod; `resource`, `glob`, `fingerprint`, `element` change what it covers."""
    target = {key: changes.pop(key) for key in ("resource", "glob", "fingerprint") if key in changes}
    covers = Coverage(rule, element=changes.pop("element", ""), **(target or {"resource": CONTOSOPROD}))
    given = {
        "kind": "risk-accepted",
        "reason": "partner needs it",
        "owner": "mira",
        "ticket": "OPS-1",
        "approver": "tomas",
        "created": "2026-11-01",
        "expires": "2027-03-31",
        "place": "acr-waivers.yaml:4:5",
        **changes,
    }
    return Waiver(id=name, covers=covers, **given)


def attestation(name="A-1", rule="ACR801", **changes):
    """An attestation in force for every registry."""
    given = {
        "result": "met",
        "reason": "reviewed",
        "owner": "mira",
        "approver": "tomas",
        "evidence": "https://example.com/review",
        "created": "2026-11-01",
        "expires": "2027-03-31",
        "place": "acr-waivers.yaml:20:5",
        "covers": Coverage(rule, glob="**"),
        **changes,
    }
    return Attestation(id=name, **given)


def register(*entries, **policy):
    """A register of these entries."""
    return Register(
        waivers=tuple(entry for entry in entries if isinstance(entry, Waiver)),
        attestations=tuple(entry for entry in entries if isinstance(entry, Attestation)),
        policy=WaiverPolicy(**policy),
        words="acr-waivers.yaml",
        digest="d" * 64,
    )
