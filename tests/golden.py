"""Rewrites everything that is generated: schemas, rule pages, the sample estate and its reports.

Run by `make golden`; CI runs it and fails when a committed file changes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scanner import formats  # noqa: E402
from scanner.cli.config import KEYS, SCOPES  # noqa: E402
from scanner.cli.demo import sampled  # noqa: E402
from scanner.cli.options import pack_from  # noqa: E402
from scanner.engine.evaluate import Options  # noqa: E402
from scanner.language import schema  # noqa: E402
from scanner.model.scan import Scan  # noqa: E402
from scanner.waivers.schema import waiver_schema  # noqa: E402
from scanner.workbench import docs  # noqa: E402
from scanner.workbench.fixture_schema import fixture_schema  # noqa: E402
from scanner.workbench.lint import logic, memory  # noqa: E402
from scanner.workbench.lint import pages as lint_pages  # noqa: E402

FORMATS = (
    "console",
    "ndjson",
    "json",
    "sarif",
    "html",
    "csv",
    "markdown",
    "junit",
    "gitlab",
    "ocsf",
    "oscal",
)


def schemas() -> dict[str, str]:
    """File name -> text of every generated schema."""
    made = {
        "rule": schema.rule_schema(),
        "pack": schema.pack_schema(),
        "profile": schema.profile_schema(),
        "config": schema.config_schema(KEYS, SCOPES),
        "framework": schema.framework_schema(),
        "waivers": waiver_schema(),
        "fixture": fixture_schema(),
    }
    return {f"{name}.schema.json": json.dumps(value, indent=1) + "\n" for name, value in made.items()}


def sample_scan() -> Scan:
    """The scan of the sample estate, with every pass checked by the reference lane."""
    return sampled(Options(check_every=1))


def main() -> None:
    """Write all of it."""
    for name, text in schemas().items():
        (ROOT / "policies" / "schemas" / name).write_text(text, encoding="utf-8")
    pages = ROOT / "docs" / "rules"
    pages.mkdir(parents=True, exist_ok=True)
    for old in pages.glob("*.md"):
        old.unlink()
    pack = pack_from(None)
    (pages / "README.md").write_text(docs.index(pack), encoding="utf-8")
    for rule in pack.rules:
        (pages / f"{rule.id}.md").write_text(docs.page(rule), encoding="utf-8")
    (ROOT / "docs" / "relations.md").write_text(docs.relations(), encoding="utf-8")
    checks = ROOT / "docs" / "lint"
    checks.mkdir(parents=True, exist_ok=True)
    for old in checks.glob("*.md"):
        old.unlink()
    for name, text in lint_pages.pages().items():
        (checks / name).write_text(text, encoding="utf-8")
    memory.SHIPPED.write_text(logic.learned(ROOT / "policies" / "acr"), encoding="utf-8")
    sample = ROOT / "reports" / "sample"
    sample.mkdir(parents=True, exist_ok=True)
    scan = sample_scan()
    for name in FORMATS:
        module = formats.get(name)
        with (sample / f"acrscan{module.EXTENSION}").open("wb") as out:
            module.render(scan, out)


if __name__ == "__main__":
    main()
