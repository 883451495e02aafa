"""SARIF 2.1.0 for code scanning: one run of `acrscan-lint` (or -test, -mutate ...), each problem in its place of the policy file.

Columns are UTF-16 units, as the standard has it by default and as services count them. Rules carry the text of the
check's page; nothing in them depends on the files that were checked.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Mapping
from string import ascii_uppercase
from typing import Any, TextIO
from urllib.parse import quote, urlsplit

from scanner import __version__
from scanner.shown import code_span, inert_json, markdown, one_line, visible
from scanner.text import encodable
from scanner.workbench.lint import catalogue
from scanner.workbench.lint.check import Check
from scanner.workbench.problem import CASE_CODES, Problem, Report
from scanner.workbench.writers import path_of

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME = "https://learn.microsoft.com/azure/container-registry/container-registry-intro"
BASE = "SRCROOT"
NAMESPACE = uuid.UUID("7d0f1f0c-52d5-5f0e-8c0a-0a3b7f6a2f11")
LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_SEVERITY = {"error": "error", "warning": "warning", "info": "recommendation"}
_TOOLS = {
    "lint": "checks policy files without evaluating them",
    "test": "runs the tests of policy files",
    "mutate": "changes rules and tells what no test notices",
    "impact": "tells what a change of rules does to an inventory",
    "diff": "tells what changed between two packs",
}
_REPOSITORY = (
    (("GITHUB_SERVER_URL", "GITHUB_REPOSITORY"), "GITHUB_SHA", "GITHUB_REF"),
    (("BUILD_REPOSITORY_URI",), "BUILD_SOURCEVERSION", "BUILD_SOURCEBRANCH"),
    (("CI_PROJECT_URL",), "CI_COMMIT_SHA", "CI_COMMIT_REF_NAME"),
)
"""Variables of GitHub Actions, Azure Pipelines and GitLab: the repository's address, the commit, the branch."""
MOST = 25_000
"""A log may hold so many results for GitHub's code scanning; the worst are kept."""
TEMPLATES = {
    "default": "The check found '{0}'.",
    "advised": "The check found '{0}'; what to do next: '{1}'.",
}
"""What is in quotes comes from the file."""
_LINK = re.compile(r"\]\s*\(")
_DRIVE = re.compile(r"[A-Za-z]:/")


def write(report: Report, out: TextIO) -> None:
    """Write the log. Problems beyond what services take are counted in a notification, the mildest first to go."""
    told = report.told()
    kept = told
    if len(told) > MOST:
        worst = sorted(told, key=lambda one: list(LEVELS).index(one.level))[:MOST]
        kept = tuple(sorted(worst, key=lambda one: one.sort_key))
    levels = {one.code: one.level for one in reversed(kept)}
    asked = (
        catalogue.catalogue()
        if report.tool == "lint"
        else (CASE_CODES.get(report.tool, report.tool.upper()),)
    )
    codes = sorted({*asked, *levels})
    name = f"acrscan-{report.tool}"
    invocation: dict[str, Any] = {"executionSuccessful": True}
    if len(told) > len(kept):
        words = f"{len(told) - len(kept)} milder results are left out, for services take {MOST} at most."
        invocation["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": words}}]
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": name,
                "fullName": f"acrscan {_TOOLS.get(report.tool, 'checks policy files')}",
                "version": __version__,
                "semanticVersion": __version__,
                "informationUri": HOME,
                "rules": [_rule(code, levels.get(code, "error")) for code in codes],
            }
        },
        "automationDetails": {
            "id": f"{name}/",
            "description": {"text": "Check of the policy files of Azure container registries."},
        },
        "originalUriBaseIds": {
            BASE: {"description": {"text": "The repository that the policy files belong to."}}
        },
        "invocations": [invocation],
        "columnKind": "utf16CodeUnits",
        "properties": {
            "acrscan/counts": {visible(key): number for key, number in sorted(report.counts.items())}
        },
        "results": [_result(one, codes.index(one.code)) for one in kept],
    }
    if provenance := _provenance(os.environ):
        run["versionControlProvenance"] = [provenance]
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    out.write(inert_json(json.dumps(log, indent=1, ensure_ascii=True)) + "\n")


def _provenance(environment: Mapping[str, str]) -> dict[str, Any]:
    """The repository, commit and branch that the build service names, for the mapping of relative paths."""
    for repository, commit, branch in _REPOSITORY:
        address = environment.get(repository[-1], "")
        if len(repository) > 1:
            address = f"{environment.get(repository[0], '')}/{address}"
        parts = urlsplit(address)
        if parts.scheme != "https" or not parts.hostname or not parts.path.strip("/"):
            continue
        made: dict[str, Any] = {
            "repositoryUri": f"https://{parts.hostname}{quote(parts.path)}",
            "mappedTo": {"uriBaseId": BASE},
        }
        if re.fullmatch(r"[0-9a-f]{40,64}", environment.get(commit, "")):
            made["revisionId"] = environment[commit]
        if named := visible(environment.get(branch, "")):
            made["branch"] = named
        return made
    return {}


def _rule(code: str, level: str) -> dict[str, Any]:
    check = catalogue.of(code)
    title = _plain(check.title) if check else f"Check {visible(code)} of policy files"
    described: dict[str, Any] = {
        "id": visible(code),
        "name": _pascal(check.title if check else f"check {code}"),
        "shortDescription": {"text": _sentence(title)},
        "fullDescription": {"text": _sentence(_plain(check.finds if check else title, 900))},
        "messageStrings": {kind: {"text": text} for kind, text in TEMPLATES.items()},
        "help": {"text": _help(check) if check else _sentence(title)},
        "helpUri": HOME,
        "defaultConfiguration": {"level": LEVELS[check.level if check else level]},
        "properties": {
            "tags": ["policy-as-code", "azure", "container-registry"],
            "precision": "very-high",
            "problem.severity": _SEVERITY[check.level if check else level],
        },
    }
    if check:
        described["help"]["markdown"] = _page(check)
    return described


def _help(check: Check) -> str:
    parts = [_sentence(_plain(check.finds)), _sentence(_plain(check.why))]
    if check.fixed:
        parts.append(_sentence(f"--fix {_plain(check.fixed)}"))
    return "\n".join(parts)


def _page(check: Check) -> str:
    blocks = [f"**{markdown(check.title)}**", markdown(check.finds), markdown(check.why)]
    for title, example in (("Bad", check.bad), ("Good", check.good)):
        if example:
            body = "\n".join(one_line(line) for line in example.strip().splitlines())
            blocks.append(f"**{title}:**\n\n```yaml\n{body}\n```")
    blocks.append(f"{code_span(f'acrscan policy lint --explain {check.code}')} prints this page.")
    return "\n\n".join(blocks)


def _result(one: Problem, rule: int) -> dict[str, Any]:
    named = f"{one.rule}: " if one.rule and one.rule not in one.what else ""
    arguments = [_plain(f"{named}{one.what}").rstrip(".")]
    arguments += [_plain(one.advice).rstrip(".")] if one.advice else []
    kind = "advised" if one.advice else "default"
    text = re.sub(r"\{(\d)\}", lambda found: arguments[int(found[1])], TEMPLATES[kind])
    rich = markdown(f"{named}{one.what}") + (f" {markdown(one.advice)}" if one.advice else "")
    if one.detail:
        body = "\n".join(one_line(line) for line in one.detail.splitlines())[:8_000]
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", body)), default=0))
        rich += f"\n\n{fence}\n{body}\n{fence}"
    made: dict[str, Any] = {
        "ruleId": visible(one.code),
        "ruleIndex": rule,
        "level": LEVELS[one.level],
        "message": {"id": kind, "arguments": arguments, "text": text, "markdown": rich},
        "locations": [{"physicalLocation": _place(one)}],
        "partialFingerprints": {"acrscan/v1": _fingerprint(one)},
    }
    if one.rule:
        made["locations"][0]["logicalLocations"] = [
            {"name": visible(one.rule), "fullyQualifiedName": visible(one.rule), "kind": "member"}
        ]
    return made


def _fingerprint(one: Problem) -> str:
    """The same for the same problem of a rule wherever its line moves; of a file where no rule is known."""
    about = one.rule or path_of(one.mark.file)
    words = f"{one.code}\x1f{about}\x1f{one.what}"
    return str(uuid.uuid5(NAMESPACE, encodable(words)))


def _place(one: Problem) -> dict[str, Any]:
    start, end = one.units if one.units[0] else (one.mark.column, one.end_column)
    line, start = max(one.mark.line, 1), max(start, 1)
    region: dict[str, Any] = {"startLine": line, "startColumn": start, "endLine": line}
    region["endColumn"] = end if end > start else start + 1
    shown = next((text for text in one.excerpt.splitlines() if text.strip(" |^~")), "")
    told = f"Line {line} of '{_plain(path_of(one.mark.file))}'."
    snippet = {"text": one_line(shown.removeprefix("  | "))} if shown else {"rendered": {"text": told}}
    region["snippet"] = snippet
    context = {"startLine": line, "endLine": line, "snippet": snippet}
    return {"artifactLocation": _address(one.mark.file), "region": region, "contextRegion": context}


def _address(file: str) -> dict[str, str]:
    """A relative address: what lies outside the checkout is named by its file name, for a reader refuses other logs."""
    path = path_of(file)
    if path.startswith("/") or _DRIVE.match(path) or not path:
        path = f"outside/{path.rsplit('/', 1)[-1] or 'none'}"
    parts = (f"_{part}" if part in {".", ".."} else part for part in path.split("/") if part)
    encoded = "/".join(quote(part.encode("utf-8", "replace"), safe="") for part in parts)
    return {"uri": encoded, "uriBaseId": BASE}


def _plain(text: str, limit: int = 2_000) -> str:
    shown = visible(text, limit)
    return shown.replace("[", "\\[").replace("]", "\\]") if _LINK.search(shown) else shown


def _sentence(text: str) -> str:
    joined = text.strip() or "No text"
    return joined if joined.endswith((".", "!", "?")) else f"{joined}."


def _pascal(title: str) -> str:
    """A title as one word the validator takes: no capital stands alone, none follows another, no digit leads."""
    words: list[str] = []
    for word in re.findall(
        r"[A-Za-z0-9]+", title.replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
    ):
        if word.lower() in {"a", "an", "the"}:
            continue
        if words and len(word) == 1:
            words[-1] += word.lower()
        else:
            words.append(word[:1].upper() + word[1:].lower())
    joined = "".join(words)[:100].rstrip(ascii_uppercase)
    return joined if joined[:1].isalpha() and joined[1:2].islower() else f"Check{joined.lower()}"
