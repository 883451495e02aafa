"""Facts about the checkout and the build, from the variables that pipelines set and from git where it is at hand."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

_AZURE = {
    "project": "SYSTEM_TEAMPROJECT",
    "definitionId": "SYSTEM_DEFINITIONID",
    "definitionName": "BUILD_DEFINITIONNAME",
    "phaseId": "SYSTEM_PHASEID",
    "phaseName": "SYSTEM_PHASENAME",
    "branch": "BUILD_SOURCEBRANCH",
    "buildId": "BUILD_BUILDID",
    "revision": "BUILD_SOURCEVERSION",
}


def build_facts(environment: Mapping[str, str]) -> dict[str, str]:
    """What is known of repository, revision, branch and build; a key is missing where nobody says.

    Sources: the predefined variables of GitHub Actions, Azure Pipelines and GitLab CI.
    """
    if environment.get("GITHUB_ACTIONS") == "true":
        server, name = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
        return _known(
            repository=f"{server}/{name}" if server and name else "",
            revision=environment.get("GITHUB_SHA", ""),
            branch=environment.get("GITHUB_REF", ""),
        )
    if environment.get("TF_BUILD"):
        given = {fact: environment.get(name, "") for fact, name in _AZURE.items()}
        organisation = environment.get("SYSTEM_COLLECTIONURI", "").rstrip("/").rpartition("/")[2]
        repository = _plain(environment.get("BUILD_REPOSITORY_URI", ""))
        return _known(repository=repository, organisation=organisation, **given)
    if environment.get("GITLAB_CI"):
        return _known(
            repository=_plain(environment.get("CI_PROJECT_URL", "")),
            revision=environment.get("CI_COMMIT_SHA", ""),
            branch=environment.get("CI_COMMIT_REF_NAME", ""),
        )
    return _from_git()


def _known(**facts: str) -> dict[str, str]:
    return {key: value for key, value in facts.items() if value}


def _plain(address: str) -> str:
    """An address without user and password."""
    parts = urlsplit(address)
    if parts.scheme not in ("https", "http", "ssh"):
        return ""
    host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    return urlunsplit((parts.scheme, host, parts.path.removesuffix(".git"), "", ""))


def _from_git() -> dict[str, str]:
    """Remote, revision and branch of the checkout; {} where there is none or git is not installed."""
    if not shutil.which("git"):
        return {}
    revision = _git("rev-parse", "HEAD")
    if not revision:
        return {}
    remote = _git("config", "--get", "remote.origin.url")
    match = re.fullmatch(r"(?:[^@/]+@)([^:/]+):(.+)", remote)
    address = f"https://{match[1]}/{match[2]}" if match else remote
    branch = _git("rev-parse", "--abbrev-ref", "HEAD")
    return _known(repository=_plain(address), revision=revision, branch="" if branch == "HEAD" else branch)


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603, S607 - fixed words
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
