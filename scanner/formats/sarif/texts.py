"""The words of a SARIF run: message templates for each verdict, help in plain text and Markdown, severities as levels.

Templates hold nothing from a resource; what does is an argument in quotes. Plain SARIF text knows links
(`[text](target)`), so brackets that would make one are escaped, in text and in arguments alike.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from scanner.formats._text import code_span, markdown, visible
from scanner.model.finding import Verdict
from scanner.model.waiver import PREFIX

if TYPE_CHECKING:
    from scanner.model.scan import RuleCard

NAMESPACE = uuid.UUID("2ad4a9f4-6a5c-5a4b-9d59-6a3b0d8a5a0e")
"""The fixed namespace of every UUIDv5 that acrscan writes."""

LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "none"}
RANKS = {"critical": 95.0, "high": 80.0, "medium": 55.0, "low": 30.0, "info": 5.0}
SECURITY_SEVERITY = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0"}
PROBLEM_SEVERITY = {
    "error": "error",
    "warning": "warning",
    "note": "recommendation",
    "none": "recommendation",
}
KINDS = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "fail",
    Verdict.UNKNOWN: "open",
    Verdict.ERROR: "open",
    Verdict.NOT_APPLICABLE: "notApplicable",
    Verdict.MANUAL: "review",
}
CARRIED, RESOLVED = "carried", "resolved"
"""What rows of the baseline are: open then and not looked at this time; or not there any more."""
TEMPLATES: dict[str, str] = {
    Verdict.PASS: "Resource '{0}' meets the rule: '{1}'.",
    Verdict.FAIL: "Resource '{0}' breaks the rule: '{1}'.",
    Verdict.UNKNOWN: "Resource '{0}' could not be judged, data is missing: '{1}'.",
    Verdict.ERROR: "Resource '{0}' could not be judged, the evaluation failed: '{1}'.",
    Verdict.NOT_APPLICABLE: "The rule does not apply to resource '{0}': '{1}'.",
    Verdict.MANUAL: "Resource '{0}' has to be judged by a person: '{1}'.",
    CARRIED: "Resource '{0}' broke the rule when it was last looked at, which was not this time: '{1}'.",
    RESOLVED: "Resource '{0}' is not found to break the rule any more; before: '{1}'.",
}
"""{0} is the resource's name, {1} the message or reason."""

_LONGEST = 900
"""Services cut or refuse full descriptions above 1024 characters; the rest stands in the help."""

_REGISTRIES = "https://learn.microsoft.com/azure/container-registry/container-registry-intro"
_WAIVERS = "https://learn.microsoft.com/azure/governance/policy/concepts/exemption-structure"
"""Background for rules without a reference of their own; for checks of waivers what Azure's own exemptions are like."""

_LINK = re.compile(r"\]\s*\(")


def identifier(*parts: str) -> str:
    """A UUIDv5 of the parts: the same for the same parts, on every machine."""
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(parts)))


def plain(text: str, limit: int = 2_000) -> str:
    """Outside text for a SARIF text or argument: visible, and without links."""
    shown = visible(text, limit)
    return shown.replace("[", "\\[").replace("]", "\\]") if _LINK.search(shown) else shown


def sentence(text: str, limit: int = 2_000) -> str:
    """The text on one line with a full stop at its end."""
    joined = plain(text, limit).strip() or "No text"
    return joined if joined.endswith((".", "!", "?")) else f"{joined}."


def message(kind: str, arguments: list[str], *, rich: bool = True) -> dict[str, Any]:
    """A result's message: the rule's template by id with arguments, and the same spelled out; `rich`: as Markdown too."""
    name, what = arguments
    head, tail = TEMPLATES[kind].split("'{0}'")
    middle = tail.split("'{1}'")[0]
    shown = [plain(name), plain(what).rstrip(".")]
    text = f"{head}'{shown[0]}'{middle}'{shown[1]}'."
    found: dict[str, Any] = {"id": str(kind), "arguments": shown, "text": text}
    if rich:
        found["markdown"] = f"{head}**{markdown(name)}**{middle}{markdown(what.rstrip('.'))}."
    return found


def rule_descriptor(card: RuleCard, level: str, relationships: list[dict[str, Any]]) -> dict[str, Any]:
    """The rule as a SARIF reporting descriptor; nothing in it depends on what was scanned. `level`: of its failures."""
    asked = (Verdict.MANUAL.value,) if card.manual else tuple(TEMPLATES)
    described: dict[str, Any] = {
        "id": card.id,
        "name": pascal(card.name or card.id),
        "shortDescription": {"text": sentence(card.title)},
        "fullDescription": {"text": sentence(card.rationale or card.title, _LONGEST)},
        "help": {"text": _help_text(card), "markdown": _help_markdown(card)},
        "messageStrings": {str(kind): {"text": TEMPLATES[kind]} for kind in asked},
        "defaultConfiguration": {
            "enabled": card.enabled,
            "level": level,
            "rank": RANKS.get(card.severity, 50.0),
        },
        "relationships": relationships,
        "properties": _rule_properties(card, level),
    }
    background = _WAIVERS if card.id.startswith(PREFIX) else _REGISTRIES
    described["helpUri"] = next((url for url in card.references if url.startswith("https://")), background)
    return described


def pascal(name: str) -> str:
    """`admin-user-disabled` as `AdminUserDisabled`; articles go, for two capitals in a row make a name no Pascal case."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word.lower() not in {"a", "an", "the"}]
    return "".join(word[:1].upper() + word[1:] for word in words) or "Rule"


def _rule_properties(card: RuleCard, level: str) -> dict[str, Any]:
    tags = ["security", "azure", "container-registry"]
    tags += ["manual"] if card.manual else []
    tags += ["experimental"] if card.status == "experimental" else []
    found: dict[str, Any] = {
        "tags": tags,
        "precision": "very-high" if card.status == "stable" else "medium",
        "problem.severity": PROBLEM_SEVERITY[level],
    }
    if card.severity in SECURITY_SEVERITY:
        found["security-severity"] = SECURITY_SEVERITY[card.severity]
    found["acrscan/severity"] = visible(card.severity)
    found["acrscan/target"] = visible(card.target)
    found["acrscan/reviewed"] = visible(card.reviewed)
    found["acrscan/sha256"] = visible(card.digest)
    if card.values_digest:
        found["acrscan/valuesSha256"] = visible(card.values_digest)
    return found


def _help_text(card: RuleCard) -> str:
    lines = [sentence(card.manual or card.manual_remediation or card.rationale or card.title)]
    lines += [f"Azure CLI: {visible(command)}" for command in card.az]
    lines += [f"See {visible(url)}" for url in card.references]
    return "\n".join(line if line.endswith(".") else plain(line) for line in lines)


def _help_markdown(card: RuleCard) -> str:
    """The whole card as Markdown: why, how to mend in each tool, controls, references."""
    blocks = [f"**{markdown(card.title)}**", markdown(card.rationale)]
    if card.manual:
        blocks.append(f"**To attest:** {markdown(card.manual)}")
    if card.manual_remediation:
        blocks.append(f"**To mend:** {markdown(card.manual_remediation)}")
    blocks += _fenced("Azure CLI", "sh", "\n".join(card.az))
    blocks += _fenced("Bicep", "bicep", card.bicep)
    blocks += _fenced("Terraform", "hcl", card.terraform)
    if card.controls:
        rows = (
            f"| {markdown(one.framework)} | {markdown(one.id)} | {markdown(one.basis)} |"
            for one in card.controls
        )
        blocks.append("\n".join(["| Framework | Control | Basis |", "|---|---|---|", *rows]))
    if card.references:
        blocks.append("\n".join(f"- {_reference(url)}" for url in card.references))
    return "\n\n".join(block for block in blocks if block)


def _reference(url: str) -> str:
    return f"<{url}>" if re.fullmatch(r"https://[!-;=?-~]+", url) else code_span(url)


def _fenced(title: str, language: str, code: str) -> list[str]:
    if not code.strip():
        return []
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", code)), default=0))
    body = "\n".join(visible(line, 10_000) for line in code.strip().splitlines())
    return [f"**{title}**\n\n{fence}{language}\n{body}\n{fence}"]
