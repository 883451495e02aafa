"""For the tests of SARIF: scans that are compared and whole, logs as bytes and as values, the official schema and validator.

`python -m tests.formats.sarif_tools` rewrites the goldens.
"""

import io
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import jsonschema

from scanner.compare.against import Baseline, against
from scanner.formats import sarif
from scanner.formats._settings import Settings
from scanner.model.finding import Verdict
from scanner.model.resource import SourceRun
from scanner.model.waiver import Coverage, Register, Waiver
from scanner.waivers.apply import apply
from tests.formats.sample import CONTOSODEV, CONTOSOEU, CONTOSOPROD, LINES, REGISTRIES, findings, sample_scan

ROOT = Path(__file__).parents[2]
GOLDENS = Path(__file__).with_name("golden")
CONFIG = Path(__file__).with_name("sarif-multitool.xml")
PLATFORM = {"linux": "linux", "darwin": "darwin", "win32": "win32"}.get(sys.platform, "linux")
MULTITOOL = ROOT / "node_modules" / "@microsoft" / f"sarif-multitool-{PLATFORM}"
KINDS = {"generic": "Sarif", "github": "Sarif;Ghas", "azdo": "Sarif;GHAzDO"}
"""The rules of the official validator that each profile has to keep."""
EARLIER = "2026-11-16T02:00:00Z"
DONE = (SourceRun("azure", REGISTRIES, "complete", 3),)
_CHECKOUT = {"revision": "0123456789abcdef0123456789abcdef01234567", "branch": "refs/heads/main"}
_BUILD = {
    "organisation": "contoso",
    "project": "00000000-0000-0000-0000-0000000000aa",
    "definitionId": "42",
    "definitionName": "acr nightly",
    "phaseId": "3c9f4a0e-2f0e-5e44-9d38-0d3f5a1a9b10",
    "phaseName": "scan",
    "buildId": "1001",
}


def settings_of(profile="generic", **changes):
    """Settings with the facts that the profile's pipeline would give."""
    host = "dev.azure.com/contoso/platform/_git" if profile == "azdo" else "github.com/contoso"
    facts = {"repository": f"https://{host}/registries", **_CHECKOUT, **(_BUILD if profile == "azdo" else {})}
    return Settings(**{"sarif_profile": profile, "pipeline": facts, **changes})


def rendered(scan, settings=None):
    """The bytes of the log."""
    out = io.BytesIO()
    sarif.render(scan, out, settings or settings_of())
    return out.getvalue()


def run_of(scan, settings=None):
    """The one run of the log."""
    (run,) = json.loads(rendered(scan, settings))["runs"]
    return run


def results(run, **wanted):
    """Results of a run whose properties say so."""
    return [
        row
        for row in run["results"]
        if all(row["properties"].get(f"acrscan/{key}") == value for key, value in wanted.items())
    ]


def unmarked(rows=None):
    """The sample's rows without the marks it comes with."""
    return tuple(replace(row, change=None, waiver=None, first_seen=None) for row in rows or findings())


def whole_scan(**changes):
    """The sample with nothing unread and nothing undecided."""
    decided = tuple(row for row in unmarked() if row.verdict not in {Verdict.UNKNOWN, Verdict.ERROR})
    lines = tuple(replace(line, letters=line.letters.replace("U", "P").replace("E", "P")) for line in LINES)
    return sample_scan(**{"findings": decided, "resources": lines, "runs": DONE, **changes})


def waiver(name, rule, resource, expires, **changes):
    """An approved waiver."""
    base = Waiver(
        id=name,
        covers=Coverage(rule, resource),
        kind="risk-accepted",
        reason="The old terminal knows nothing else. [See](https://example.com/why) the ticket.",
        owner="Mira Solberg",
        ticket="PLAT-412",
        approver="Ines Dahl",
        created="2026-09-01",
        expires=expires,
        place="policy/acr-waivers.yaml:5:5",
    )
    return replace(base, **changes)


REGISTER = Register(
    waivers=(
        waiver("W-1", "ACR102", CONTOSOPROD, "2027-03-31"),
        waiver("W-2", "ACR101", CONTOSODEV, "2026-11-20", place="policy/acr-waivers.yaml:15:5"),
    ),
    words="policy/acr-waivers.yaml",
    digest="7f" * 32,
)
"""One waiver in force, one that expired."""


def waived_scan(scan=None):
    """A scan with the register applied."""
    return apply(scan or whole_scan(), REGISTER)


def earlier_scan():
    """What `compared_scan` is compared with."""
    before = tuple(
        replace(row, verdict=Verdict.FAIL, message="No lock guards it.", reason="")
        if (row.rule, row.resource) == ("ACR501", CONTOSOEU)
        else replace(row, evidence=(replace(row.evidence[0], actual="0.0.0.0/2"),))
        if row.element == "0.0.0.0/1"
        else row
        for row in unmarked()
        if (row.rule, row.resource) != ("ACR402", CONTOSODEV)
    )
    return whole_scan(findings=before, now=EARLIER)


def compared_scan():
    """A waived scan against an earlier one: a new, a changed, a persisting, a resolved and a carried finding."""
    now = whole_scan(
        findings=tuple(row for row in unmarked() if (row.rule, row.resource) != ("ACR401", CONTOSOPROD))
    )
    letters = {CONTOSOPROD: "FFFFPFUEM", CONTOSOEU: "PPPFPPUPM"}
    now = replace(
        now, resources=tuple(replace(line, letters=letters.get(line.id, line.letters)) for line in LINES)
    )
    return against(waived_scan(now), Baseline(earlier_scan(), "last.ndjson"))


def multitool(name):
    """A file of the official package; its place among the test's needs is told when it is missing."""
    path = MULTITOOL / name
    assert path.exists(), (
        "The official SARIF schema and validator are missing: run `npm ci` in the project's folder."
    )
    return path


@cache
def schema():
    """The official schema, loaded once."""
    loaded = json.loads(multitool("sarif-2.1.0.json").read_text(encoding="utf-8-sig"))
    return jsonschema.validators.validator_for(loaded)(loaded)


def binary():
    """The official tool, ready to run."""
    path = multitool("Sarif.Multitool.exe" if sys.platform == "win32" else "Sarif.Multitool")
    path.chmod(0o755)
    return path


def matched(data, before):
    """What the official matcher of results says of a log and the one before it: baseline state -> fingerprints."""
    with tempfile.TemporaryDirectory() as folder:
        now, then, out = (Path(folder) / name for name in ("now.sarif", "then.sarif", "out.sarif"))
        now.write_bytes(data)
        then.write_bytes(before)
        words = [binary(), "match-results-forward", now, "--previous", then, "-o", out]
        subprocess.run(words, capture_output=True, check=True, timeout=120)
        (run,) = json.loads(out.read_text(encoding="utf-8-sig"))["runs"]
    found: dict[str, set[str]] = {}
    for row in run["results"]:
        found.setdefault(row["baselineState"], set()).add(row["fingerprints"]["acrscan/v1"])
    return found


def validated(data, kinds):
    """The lines of the official validator that complain."""
    binary = multitool("Sarif.Multitool.exe" if sys.platform == "win32" else "Sarif.Multitool")
    binary.chmod(0o755)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.sarif"
        log.write_bytes(data)
        words = [binary, "validate", log, "-c", CONFIG, "--rule-kind", kinds, "--level", "Note;Warning;Error"]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    said = done.stdout + done.stderr
    assert "Analysis completed successfully" in said, said
    return [line for line in said.splitlines() if re.search(r": (note|warning|error) (?!WRN999)", line)]


def golden(profile):
    """The golden of a profile, as bytes."""
    return rendered(compared_scan(), settings_of(profile))


if __name__ == "__main__":
    GOLDENS.mkdir(exist_ok=True)
    for one in KINDS:
        (GOLDENS / f"{one}.sarif").write_bytes(golden(one))
