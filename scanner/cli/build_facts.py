"""What the environment tells of the checkout and the build: variables of the pipeline and git in, facts for formats out.

Nothing secret leaves: addresses of repositories lose user names, passwords, queries and fragments. A fact that nobody
knows is left out; a format that needs it says so.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

_SECONDS = 10
_SSH = re.compile(
    r"(?:ssh://|[^@/\s]+@|ssh://[^@/\s]+@)(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*)(?::\d+/|[:/])(?P<path>[^\r\n]+)"
)
_ELSE = {"definitionId": "BUILD_DEFINITIONID", "phaseId": "SYSTEM_JOBID", "phaseName": "SYSTEM_JOBNAME"}
"""Variables of Azure Pipelines that older agents set instead."""
_CHECKOUTS = ("GITHUB_WORKSPACE", "BUILD_SOURCESDIRECTORY", "CI_PROJECT_DIR")
"""Where pipelines say the checkout is; asked where git does not answer (another owner's folder in a container)."""
_AZURE_SSH = re.compile(r"v3/([^/]+)/([^/]+)/([^/]+)")


def build_facts(environment: Mapping[str, str] = os.environ, folder: Path | None = None) -> dict[str, str]:
    """The facts (see `formats._settings.Settings.pipeline`): what the pipeline says first, then what git knows.

    `folder`: where paths on the command line start from, the working folder if not given.
    """
    here = folder or Path.cwd()
    said = {**(_git(here) or _checkout(here, environment)), **_pipeline(environment)}
    said["repository"] = repository(said.get("repository", ""))
    return {key: value.strip() for key, value in said.items() if value and value.strip()}


def repository(address: str) -> str:
    """A repository's https address without anybody's name or password; "" for what is none."""
    text = address.strip()
    if "://" not in text or text.startswith("ssh://"):
        text = _from_ssh(text)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme != "https" or not parts.hostname:
        return ""
    host, path = parts.hostname, parts.path.rstrip("/").removesuffix(".git")
    if host.endswith(".visualstudio.com"):
        # The old address of an organisation: Azure DevOps takes the new one only.
        organisation = host.removesuffix(".visualstudio.com")
        host, path = "dev.azure.com", f"/{organisation}{path.removeprefix('/DefaultCollection')}"
    place = f"{host}:{port}" if port else host
    return urlunsplit(("https", place, quote(unquote(path), safe="/~"), "", ""))


def _from_ssh(text: str) -> str:
    match = _SSH.fullmatch(text)
    if match is None:
        return ""
    azure = _AZURE_SSH.fullmatch(match["path"])
    if azure:
        return f"https://dev.azure.com/{azure[1]}/{azure[2]}/_git/{azure[3]}"
    return f"https://{match['host']}/{match['path']}"


def _pipeline(environment: Mapping[str, str]) -> dict[str, str]:
    """What GitHub Actions, Azure Pipelines or GitLab say; {} elsewhere."""
    if environment.get("GITHUB_ACTIONS", "").lower() == "true":
        return _named(
            environment,
            repository=("GITHUB_SERVER_URL", "GITHUB_REPOSITORY"),
            revision=("GITHUB_SHA",),
            branch=("GITHUB_REF_NAME",),
        )
    if environment.get("TF_BUILD", "").lower() in ("true", "1"):
        found = _named(
            environment,
            repository=("BUILD_REPOSITORY_URI",),
            revision=("BUILD_SOURCEVERSION",),
            branch=("BUILD_SOURCEBRANCH",),
            project=("SYSTEM_TEAMPROJECTID",),
            definitionId=("SYSTEM_DEFINITIONID",),
            definitionName=("BUILD_DEFINITIONNAME",),
            phaseId=("SYSTEM_PHASEID",),
            phaseName=("SYSTEM_PHASENAME",),
            buildId=("BUILD_BUILDID",),
        )
        for fact, name in _ELSE.items():
            found.setdefault(fact, environment.get(name, ""))
        return {**found, "organisation": _organisation(environment.get("SYSTEM_COLLECTIONURI", ""))}
    if environment.get("GITLAB_CI", "").lower() == "true":
        return _named(
            environment,
            repository=("CI_PROJECT_URL",),
            revision=("CI_COMMIT_SHA",),
            branch=("CI_COMMIT_REF_NAME",),
        )
    return {}


def _named(environment: Mapping[str, str], **names: tuple[str, ...]) -> dict[str, str]:
    """Each fact from its variables, joined by slashes; those of which a variable is missing are left out."""
    found = {}
    for fact, variables in names.items():
        values = [environment.get(name, "").strip() for name in variables]
        if all(values):
            found[fact] = "/".join(values)
    return found


def _organisation(collection: str) -> str:
    """The organisation in the address of an Azure DevOps collection."""
    parts = urlsplit(collection.strip())
    host = (parts.hostname or "").lower()
    if host == "dev.azure.com":
        return parts.path.strip("/").split("/")[0]
    return host.removesuffix(".visualstudio.com") if host.endswith(".visualstudio.com") else ""


def _git(folder: Path) -> dict[str, str]:
    """What the checkout around a folder says of itself; {} without git or a checkout."""
    root = _ask(folder, "rev-parse", "--show-toplevel")
    if not root:
        return {}
    return {
        "root": root,
        "folder": _ask(folder, "rev-parse", "--show-prefix").rstrip("/"),
        "revision": _ask(folder, "rev-parse", "--verify", "--quiet", "HEAD"),
        "branch": _ask(folder, "symbolic-ref", "--quiet", "--short", "HEAD"),
        "repository": _ask(folder, "config", "--get", "remote.origin.url"),
    }


def _checkout(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The checkout that the pipeline names, if the folder lies in it."""
    for name in _CHECKOUTS:
        root = environment.get(name, "")
        if root and folder.is_relative_to(root):
            inner = folder.relative_to(root).as_posix()
            return {"root": root, "folder": "" if inner == "." else inner}
    return {}


def _ask(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            ["git", *words],  # noqa: S607 - the git of whoever runs this
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
