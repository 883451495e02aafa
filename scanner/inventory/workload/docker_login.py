"""`docker login` and its like: the words of a command come in, its login and a password in clear go to `Facts`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from scanner.inventory.workload.addresses import holds_password
from scanner.inventory.workload.docker_calls import At, options
from scanner.inventory.workload.images import addressed, shown
from scanner.inventory.workload.logins import judged, server_in_azure, sources_of, written_down
from scanner.inventory.workload.shell import Variables
from scanner.inventory.workload.shell_words import POWERSHELL, Command, Word

_SWITCHES = frozenset({"--password-stdin", "--get-login", "-v", "--verbose", "--insecure"})
_FILTERS = frozenset({"tr", "cat", "base64", "xargs", "sed", "tee", "head", "cut", "awk"})
_PRINTERS = frozenset({"echo", "write-output", "write-host"})
_FORMAT = re.compile(r"%[-+ 0-9.]*[a-z]")
MOST_PIPES = 20


def docker_login(command: Command, words: Sequence[Word], variables: Variables, at: At) -> None:
    """Take in one login. `words`: what follows the verb."""
    server = user = password = None
    for name, value in options(words, _SWITCHES):
        if not name and server is None:
            server = value
        elif name in ("-u", "--username"):
            user = value
        elif name in ("-p", "--password"):
            password = value
    at.facts.recognised = True
    if server is None:
        return
    host = addressed(server.filled)
    acr = server_in_azure(host, sources_of(variables, server))
    if acr is False:
        return
    sources = sources_of(variables, user, password)
    given = user is not None or password is not None
    how, long_lived = judged(user.filled if user else None, host, sources, given=given)
    label = shown(host.text, host.names)
    where = at.name(f"docker login {label}")
    at.facts.login(
        where, at.fragment.place(server.start, server.end), host, how, long_lived=long_lived, acr=acr
    )
    if password is None and any(word.text == "--password-stdin" for word in words):
        password = _handed(command, at)
    if password is not None and written_down(password):
        place = at.fragment.place(password.start, password.end)
        at.facts.literal(where, place, "password of docker login", label)
    elif holds_password(server.text):
        place = at.fragment.place(server.start, server.end)
        at.facts.literal(where, place, "password in a registry's address", label)


def _handed(command: Command, at: At) -> Word | None:
    """What a command reads, as one word: a text in the script, or what the command before it prints."""
    for _ in range(MOST_PIPES):
        if command.here is not None:
            return command.here.word
        if command.piped is None:
            return None
        command = command.piped
        words = command.words
        first = words[0].text.rpartition("/")[2].lower()
        if first in _PRINTERS:
            shown_words = [word for word in words[1:] if not re.fullmatch(r"-[neE]+|-[A-Za-z]+", word.text)]
            return _joined(shown_words)
        if first == "printf":
            rest = words[2:] if len(words) > 2 and _FORMAT.search(words[1].text) else words[1:2]
            return _joined(rest)
        if at.dialect == POWERSHELL and len(words) == 1 and at.fragment.text[words[0].start] in "'\"$":
            return words[0]  # a text of its own is printed
        if first not in _FILTERS:
            return None
    return None


def _joined(words: Sequence[Word]) -> Word | None:
    if not words:
        return None
    names = tuple(name for word in words for name in word.names)
    inner = tuple(one for word in words for one in word.inner)
    return Word(" ".join(word.text for word in words), words[0].start, words[-1].end, names, inner)
