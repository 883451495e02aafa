"""The files that a repository begins with: what was asked for comes in, paths and texts come out; and writing them.

Texts are made from the tables that read them, so that no key is missing and each says what it means.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scanner import __version__, data
from scanner.cli.config import KEYS, NAME, SCOPES
from scanner.cli.outputs import whole_file
from scanner.cli.schemas import FOLDER, texts
from scanner.errors import OutputError
from scanner.language.pack import API_VERSION
from scanner.model.waiver import WaiverPolicy
from scanner.waivers.read import NAME as WAIVERS
from scanner.workbench.scaffold import hint_line, pack_text

HOSTS = ("github", "azure-devops", "gitlab", "none")
ACTIVE = {"waivers": WAIVERS, "fail-on": "high"}
"""Keys of the configuration that are set from the start."""
EXAMPLES = {
    "pack": "policies/acme",
    "profile": "[production]",
    "param": "{declaredPushers: [00000000-0000-0000-0000-000000000000]}",
    "rule": "[ACR101]",
    "skip-rule": "[ACR408]",
    "format": "[sarif, html]",
    "output": "reports",
    "max-unknown": "0",
    "strict-settling": "false",
    "strict-unknown": "false",
    "baseline": "last.ndjson",
    "history": "nights.db",
    "fail-on-new": "true",
    "organisation": "Contoso",
    "language": "en",
    "sarif-profile": "github",
    "principals": "principals.json",
    "api-version": "2025-11-01",
    "color": "auto",
    "scopes": "",
    "auth": "default",
    "client-id": "00000000-0000-0000-0000-000000000000",
    "cloud": "AzureCloud",
    "authority": "https://login.microsoftonline.com",
    "resource-manager": "https://management.azure.com",
    "data-plane": "false",
    "probe": "false",
    "log-format": "text",
    **ACTIVE,
}
"""A value for each key, to begin with."""
_SCOPE_EXAMPLES = {
    "tenant": "00000000-0000-0000-0000-000000000000",
    "management-groups": "[platform]",
    "subscriptions": "[production]",
    "resource-groups": "[production/registries]",
    "registries": "[contosoprod]",
    "exclude": '["sandbox-*"]',
    "expect": "[production]",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `acrscan init` was asked for. `pack`: folder of one's own pack as it is written in files, "" for none."""

    ci: str = "github"
    pack: str = ""
    prefix: str = ""
    gitlab: bool = True
    """Whether to write the pipeline itself; one that is there already includes the component by hand."""


def files(wanted: Wanted) -> dict[str, str]:
    """Relative path -> text of every file, in the order in which a person reads them."""
    found = {NAME: config_text(), WAIVERS: waivers_text()}
    if wanted.pack:
        name = PurePosixPath(wanted.pack).name
        up = "../" * len(PurePosixPath(wanted.pack).parts)
        found[f"{wanted.pack}/pack.yaml"] = pack_text(
            identifier(name), wanted.prefix, f"{up}{FOLDER}/pack.schema.json"
        )
    found |= _HOST_FILES[wanted.ci](wanted)
    found |= {f"{FOLDER}/{name}": text for name, text in texts().items()}
    return found


def identifier(name: str) -> str:
    """A pack's id from the name of its folder: lower-case words joined by dashes."""
    words = "".join(char if char.isascii() and char.isalnum() else " " for char in name.lower()).split()
    return "-".join(words) or "my-pack"


def config_text() -> str:
    """The text of acrscan.yaml: every key with its meaning; `#key:` is one that is not set."""
    lines = [
        hint_line(f"{FOLDER}/config.schema.json").rstrip(),
        "# Settings of acrscan for this folder and those below it. Options of the command line and variables",
        "# (ACRSCAN_SCAN_FAIL_ON) come before this file; relative paths are relative to it. Every key stands here: remove",
        "# the # in front of those that you set.",
    ]
    for key, (_, words) in KEYS.items():
        lines += ["", f"# {words}"]
        if key == "scopes":
            lines.append("#scopes:")
            lines += [f"#  {name}: {_SCOPE_EXAMPLES[name]}   # {text}" for name, (_, text) in SCOPES.items()]
        else:
            lines.append(f"{'' if key in ACTIVE else '#'}{key}: {EXAMPLES[key]}")
    return "\n".join(lines) + "\n"


def waivers_text() -> str:
    """The text of a waiver file without entries, with one of each kind to copy."""
    policy = WaiverPolicy()
    return f"""\
{hint_line(f"{FOLDER}/waivers.schema.json")}\
# What was accepted (waivers) and what people vouch for (attestations). A waiver changes no verdict: the finding stays and
# is marked. `acrscan waiver add` writes an entry for a finding; `acrscan waiver check {WAIVERS}` checks the file.
apiVersion: {API_VERSION}
policy: {{maximumDays: {policy.maximum_days}, soonDays: {policy.soon_days}, broad: {policy.broad}}}    # longest life, days of warning, resources that are too many
waivers: []
#  - id: W-2026-001
#    rule: ACR101
#    resource: /subscriptions/.../registries/contosoprod    # or resourceGlob, or fingerprint
#    kind: risk-accepted             # or false-positive, compensating-control
#    reason: Why, in words that an auditor understands.
#    owner: Who carries the risk
#    approver: Somebody else than the owner
#    ticket: OPS-1                   # optional
#    created: 2026-01-15
#    expires: 2026-07-15             # the last day on which it counts (UTC)
attestations: []
#  - id: A-2026-001
#    rule: ACR906
#    resourceGlob: "**"
#    result: met                     # or not-met
#    evidence: https://intranet.example/controls/registries
#    reason: What was looked at.
#    owner: Who vouches
#    approver: Somebody else than the owner
#    created: 2026-01-15
#    expires: 2026-07-15
"""


def _github(wanted: Wanted) -> dict[str, str]:
    home = data.hosts()
    action = ".github/actions/acrscan"
    parts = ("action.yml", "integrations/github/run.sh", "integrations/github/counts.py")
    return {
        ".github/workflows/acrscan.yml": _WORKFLOW.format(
            pack=f"          pack: {wanted.pack}\n" if wanted.pack else "",
            waivers=WAIVERS,
            version=__version__,
        ),
        **{f"{action}/{part}": (home / part).read_text("utf-8") for part in parts},
    }


def _azure(wanted: Wanted) -> dict[str, str]:
    template = (data.hosts() / "integrations" / "azure-devops" / "acrscan.yml").read_text("utf-8")
    return {
        "azure-pipelines-acrscan.yml": _PIPELINE.format(
            pack=f"          pack: {wanted.pack}\n" if wanted.pack else "",
            waivers=WAIVERS,
            version=__version__,
        ),
        ".azuredevops/acrscan.yml": template,
    }


def _gitlab(wanted: Wanted) -> dict[str, str]:
    component = (data.hosts() / "integrations" / "gitlab" / "acrscan.yml").read_text("utf-8")
    found = {".gitlab/acrscan.yml": component}
    return {".gitlab-ci.yml": gitlab_include(wanted.pack), **found} if wanted.gitlab else found


def _none(_: Wanted) -> dict[str, str]:
    return {}


def gitlab_include(pack: str) -> str:
    """What a GitLab pipeline says to have the checks."""
    own = f"      pack: {pack}\n" if pack else ""
    return f'include:\n  - local: .gitlab/acrscan.yml\n    inputs:\n{own}      waivers: {WAIVERS}\n      version: "{__version__}"\n'


def put(path: Path, text: str) -> None:
    """Write a file whole, with the folders above it. Raises `OutputError` for what the system refuses."""
    try:
        with whole_file(path) as out:
            out.write(text.encode("utf-8"))
        if path.suffix == ".sh":
            path.chmod(path.stat().st_mode | 0o111)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", path.as_posix()) from error


_HOST_FILES = {"github": _github, "azure-devops": _azure, "gitlab": _gitlab, "none": _none}
_WORKFLOW = """\
# Written by `acrscan init`. Pull requests: the checks of policy files. Every night: a scan of the registries.
# The scan logs in without a secret: set the variables AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_SUBSCRIPTION_ID of this
# repository to an application with a federated credential for it and the role Reader. Until then that job fails.
# The action is the copy in this repository. On github.com `$/.github/actions/acrscan` names it too, without a checkout.
name: acrscan

on:
  pull_request:
  push:
    branches: [main]
  schedule:
    - cron: "17 3 * * *"
  workflow_dispatch:

permissions: {{}}

jobs:
  policies:
    name: Policy files
    if: github.event_name == 'pull_request' || github.event_name == 'push'
    runs-on: ubuntu-latest
    permissions:
      contents: read
      security-events: write # code scanning
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          fetch-depth: 0 # the base of the pull request
          persist-credentials: false
      - uses: ./.github/actions/acrscan # zizmor: ignore[self-repository]
        with:
{pack}          waivers: {waivers}
          version: "{version}"

  registries:
    name: Registries
    if: github.event_name == 'schedule' || github.event_name == 'workflow_dispatch'
    runs-on: ubuntu-latest
    permissions:
      contents: read
      security-events: write # code scanning
      id-token: write # the login
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
      - uses: azure/login@a457da9ea143d694b1b9c7c869ebb04ebe844ef5 # v2.3.0
        with:
          client-id: ${{{{ vars.AZURE_CLIENT_ID }}}}
          tenant-id: ${{{{ vars.AZURE_TENANT_ID }}}}
          subscription-id: ${{{{ vars.AZURE_SUBSCRIPTION_ID }}}}
      - id: scan
        uses: ./.github/actions/acrscan # zizmor: ignore[self-repository]
        with:
          command: scan
          waivers: {waivers}
          version: "{version}"
      - uses: actions/upload-artifact@b7c566a772e6b6bfb58ed0dc250532a479d7789f # v6.0.0
        if: always() && steps.scan.outputs.reports != ''
        with:
          name: acrscan
          path: ${{{{ steps.scan.outputs.reports }}}}
"""
_PIPELINE = """\
# Written by `acrscan init`. Pull requests: the checks of policy files. Every night: a scan of the registries, with the
# service connection that you name below (workload identity federation, role Reader).
# In Azure Repos pull requests start a pipeline through a branch policy (build validation), not through this file.
trigger: [main]
pr: [main]
schedules:
  - cron: "17 3 * * *"
    displayName: Every night
    branches: {{include: [main]}}
    always: true

pool: {{vmImage: ubuntu-latest}}

jobs:
  - job: policies
    condition: ne(variables['Build.Reason'], 'Schedule')
    steps:
      - checkout: self
        fetchDepth: 0 # the base of the pull request
      - template: .azuredevops/acrscan.yml
        parameters:
{pack}          waivers: {waivers}
          version: "{version}"

  - job: registries
    condition: eq(variables['Build.Reason'], 'Schedule')
    steps:
      - checkout: self
      - template: .azuredevops/acrscan.yml
        parameters:
          command: scan
          waivers: {waivers}
          version: "{version}"
          serviceConnection: acrscan # yours
"""
