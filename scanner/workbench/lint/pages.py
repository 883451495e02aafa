"""Pages about checks: a check comes in; its page in Markdown, its text for a terminal, and the index of all come out."""

from __future__ import annotations

from collections.abc import Mapping

from scanner.errors import UsageError
from scanner.text import nearest
from scanner.workbench.lint.catalogue import catalogue
from scanner.workbench.lint.check import Check

_FAMILIES = {
    "YAML": "Structure: the file",
    "SCH": "Structure: the language's form",
    "SEM": "Structure: what is named",
    "LOG": "Logic",
    "META": "Metadata",
    "TEST": "Tests",
    "WAIV": "Waivers",
    "PROF": "Profiles",
}
_WHERE = {
    "pack": "In `pack.yaml`",
    "waivers": "In a waiver file",
    "scan": "In a waiver file, beside a stored scan",
    "profile": "In a profile",
}


def page(check: Check) -> str:
    """The page `docs/lint/<CODE>.md`."""
    blocks = [
        f"# {check.code}: {check.title}",
        f"Level: {check.level}." + (f" `--fix` {check.fixed}." if check.fixed else ""),
        f"**What it finds.** {check.finds}",
        f"**Why it matters.** {check.why}",
    ]
    where = _WHERE.get(check.file, "In a rule")
    if check.file == "scan":
        blocks.append(f"{where}:\n\n```yaml\n{check.bad.strip()}\n```")
    elif check.bad:
        blocks.append(f"{where}, bad:\n\n```yaml\n{check.bad.strip()}\n```")
        blocks.append(f"Good:\n\n```yaml\n{check.good.strip()}\n```")
    blocks.append("[All checks](README.md)")
    return "\n\n".join(blocks) + "\n"


def index() -> str:
    """The page `docs/lint/README.md`: every check with its level, family by family."""
    checks = catalogue()
    lines = [
        "# Checks of policy files",
        "",
        "`acrscan policy lint [PATH]` checks packs and rule files, with `--waivers FILE` and `--profile FILE` also those. Errors end with exit",
        "code 2; `--fail-on warning` makes warnings end with 1. `--explain CODE` prints a page, `--skip CODE` leaves a check out (not one that keeps",
        "a rule from loading), `--fix` mends what can be mended without loss, `-f github|sarif|json|junit|markdown` is for build services.",
        "",
        "A run over files that did not change is told from memory: the key is the content of every file that is read, the day, the options and",
        "the checks themselves. What was found by trying single rules (LOG001 to LOG008) is remembered by rule; for the shipped pack it ships",
        "with acrscan. The memory lies in the user's cache folder and may be deleted; `--no-cache`, `--fix` and `--scan` do without it.",
        "",
        "This page and the pages it names are generated from the checks (`make golden`); the examples on them are run by the tests.",
    ]
    for head, title in _FAMILIES.items():
        rows = [check for check in checks.values() if check.code.rstrip("0123456789") == head]
        if rows:
            lines += ["", f"## {title}", "", "| check | level | what is right |", "|---|---|---|"]
            lines += [
                f"| [{one.code}]({one.code}.md) | {one.level}{_star(one)} | {one.title} |" for one in rows
            ]
    lines += ["", "\\* mended by `--fix`."]
    return "\n".join(lines) + "\n"


def _star(check: Check) -> str:
    return " \\*" if check.fixed else ""


def pages() -> Mapping[str, str]:
    """File name -> text of every page."""
    return {"README.md": index(), **{f"{code}.md": page(check) for code, check in catalogue().items()}}


def explained(code: str) -> str:
    """The page of a check as plain text. Raises `UsageError` for an id that no check has."""
    check = catalogue().get(code.strip().upper())
    if check is None:
        advice = nearest(code.strip().upper(), catalogue()) or "docs/lint/README.md lists all checks."
        raise UsageError(f"there is no check {code!r}", "--explain", advice)
    return page(check).removesuffix("[All checks](README.md)\n").rstrip().replace("**", "") + "\n"
