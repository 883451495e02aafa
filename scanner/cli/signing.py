"""Other people's signers: a command of the user and a file come in, what it printed goes to stderr, whether it worked comes out.

Used for the statement of a run (`--manifest`) and for bundles of packs.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from scanner.cli.show import say
from scanner.errors import UsageError

SECONDS = 300


def words_of(command: str, option: str) -> list[str]:
    """The words of a command that names {file}, [] for none. On Windows a backslash is part of a path."""
    lexer = shlex.shlex(command, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    if os.name == "nt":
        lexer.escape = ""
    try:
        words = list(lexer)
    except ValueError as error:
        raise UsageError(f"{option} cannot be split into words: {error}") from error
    if command and not any("{file}" in word for word in words):
        raise UsageError(f"{option} does not name {{file}}", "", "Write {file} where the file goes.")
    return words


def run_on(words: list[str], file: Path, who: str) -> str:
    """Run a command on a file, without a shell; "" where it worked, else why it did not. `who`: the signer, the verifier."""
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command
            [word.replace("{file}", str(file)) for word in words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{who} did not run: {error}"
    for line in (done.stdout + done.stderr).splitlines():
        say(line)
    return f"{who} failed with {done.returncode}" if done.returncode else ""
