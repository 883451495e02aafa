"""A scratch git repository for tests: files are written, committed and branched; nobody's own settings count."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

PACK = "apiVersion: acrscan/v1\npack: {id: t, prefix: TST, version: 1.0.0}\n"
ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Mira",
    "GIT_AUTHOR_EMAIL": "mira@example.com",
    "GIT_COMMITTER_NAME": "Mira",
    "GIT_COMMITTER_EMAIL": "mira@example.com",
}


def rule(identifier, *, name="", assertion="{field: properties.adminUserEnabled, equals: false}", more=""):
    """The text of a small rule with a test that passes and one that fails."""
    return f"""id: {identifier}
name: {name or "rule-" + identifier.lower()}
title: The admin user is off
severity: high
target: Microsoft.ContainerRegistry/registries
assert: {assertion}
message: "the admin user is {{{{ properties.adminUserEnabled }}}}"
rationale: Shared passwords cannot be traced to anybody.
remediation: {{effort: low, manual: Switch it off.}}
references: [https://learn.microsoft.com/azure/container-registry/container-registry-authentication]
reviewed: 2026-11-25
controls: {{}}
{more}"""


class Repository:
    """A work tree with a branch `main`."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        """What git prints."""
        done = subprocess.run(
            ["git", "-C", str(self.place), "-c", "protocol.file.allow=always", *arguments],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **ENVIRONMENT},
        )
        return done.stdout.strip()

    def write(self, files: dict[str, str | None]) -> None:
        """Write files; None removes one."""
        for name, text in files.items():
            path = self.place / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def commit(self, files: dict[str, str | None], message: str = "change") -> str:
        """Write files and commit them; the commit's hash."""
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")
