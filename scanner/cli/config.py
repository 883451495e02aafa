"""The configuration file `acrscan.yaml`: found upwards to the repository's root, closed keys, defaults for options.

Precedence: command line > environment (`ACRSCAN_<COMMAND>_<OPTION>`) > file > built-in default. Relative paths in
the file are relative to the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scanner.errors import InputError

NAME = "acrscan.yaml"
PATHS = frozenset({"pack", "profile", "principals", "output", "waivers", "baseline", "history"})
KEYS: dict[str, tuple[str, str]] = {
    "pack": ("text", "Folder or bundle of the pack to use instead of the shipped one"),
    "profile": ("texts", "Profile files, or names of shipped profiles, applied in order"),
    "param": ("map", "Parameter values by name"),
    "rule": ("texts", "Ids of the only rules to evaluate"),
    "skip-rule": ("texts", "Ids of rules to leave out"),
    "format": ("texts", "Report formats to write"),
    "output": ("text", "Folder for reports"),
    "fail-on": (
        "text",
        "Lowest severity that makes the exit code 1: critical, high, medium, low, info or never",
    ),
    "max-unknown": ("number", "Undecided evaluations of critical and high rules that are tolerated"),
    "strict-settling": ("flag", "Let findings that are still settling fail the run"),
    "strict-unknown": ("flag", "Let findings on resources that may never be deployed fail the run"),
    "waivers": ("text", "File with waivers and attestations"),
    "baseline": ("text", "Earlier scan to compare with: a stored scan or SARIF"),
    "history": ("text", "SQLite file or postgresql:// URL in which scans are recorded"),
    "fail-on-new": ("flag", "Let only findings count that are new, came back or changed"),
    "organisation": ("text", "Whose reports they are"),
    "language": ("text", "Language of the HTML report: en or id"),
    "sarif-profile": ("text", "generic, github or azdo"),
    "principals": ("text", "JSON file with names and groups of object ids"),
    "api-version": ("text", "Api-version of saved answers that do not tell it"),
    "color": ("text", "auto, always or never"),
    "scopes": ("scopes", "What is scanned in Azure, and which subscriptions are expected to be there"),
    "auth": ("text", "How to log in to Azure (see acrscan scan --help)"),
    "client-id": ("text", "Application or managed identity that logs in"),
    "cloud": ("text", "AzureCloud, AzureUSGovernment or AzureChinaCloud"),
    "authority": ("text", "Authority that gives tokens"),
    "resource-manager": ("text", "Endpoint of Azure Resource Manager"),
    "data-plane": ("flag", "Read repositories, tags and manifests too"),
    "probe": ("flag", "Try DNS, TCP and TLS of the registries' endpoints too"),
    "log-format": ("text", "text or json"),
}
"""Key -> kind and description; the schema for editors is generated from it."""

SCOPES = {
    "tenant": ("tenant", "Only subscriptions of this tenant"),
    "management-groups": ("management_groups", "Only subscriptions below these management groups"),
    "subscriptions": ("subscriptions", "Only these subscriptions (ids or names)"),
    "resource-groups": ("resource_groups", "Only these resource groups ([subscription/]group)"),
    "registries": ("registries", "Only these registries (names or ids)"),
    "exclude": ("exclude", "Patterns of subscriptions, subscription/group or registries to leave out"),
    "expect": ("expect", "Subscriptions that must be visible; one that is not makes the scan incomplete"),
}
"""Key below `scopes` -> option and description."""


def find(start: Path) -> Path | None:
    """The nearest `acrscan.yaml`, looked for upwards to the root of the repository and never above it."""
    for folder in (start, *start.parents):
        candidate = folder / NAME
        if candidate.is_file():
            return candidate
        if (folder / ".git").exists():
            return None
    return None


def load_defaults(given: str | None, command: str) -> dict[str, Any]:
    """Defaults for a command's options, as click wants them. Raises `Problems` for anything wrong in the file."""
    path = Path(given) if given else find(Path.cwd())
    if path is None:
        return {}
    if not path.is_file():
        raise InputError("no such configuration file", str(path), "Check --config.")
    from scanner.cli.config_file import read_config  # noqa: PLC0415 - most runs have no such file

    values = read_config(path)
    options: dict[str, Any] = {key.replace("-", "_"): value for key, value in values.items()}
    if "param" in options:
        options["param"] = [f"{name}={_yaml(value)}" for name, value in options["param"].items()]
    for key, value in options.pop("scopes", {}).items():
        options[SCOPES[key][0]] = value
    if "format" in options:
        options["formats"] = options.pop("format")
    history = {"history": options["history"]} if "history" in options else {}
    names = ("record", "runs", "trend", "age", "fixed", "retire", "prune")
    return {
        command: options,
        "policy": dict.fromkeys(("list", "show", "lint", "test"), options),
        "history": dict.fromkeys(names, history),
    }


def _yaml(value: Any) -> str:
    return "[" + ", ".join(map(_yaml, value)) + "]" if isinstance(value, list) else str(value)
