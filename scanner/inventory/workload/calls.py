"""Commands of scripts: a script comes in, what its calls of docker, az, kubectl and their like do goes to `Facts`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from scanner.inventory.workload.azure_calls import azure, connect
from scanner.inventory.workload.docker_calls import TOOLS, At, docker, options, without_global
from scanner.inventory.workload.docker_login import docker_login
from scanner.inventory.workload.facts import LOGINS, SECRETS, Facts
from scanner.inventory.workload.images import Filled, addressed, shown
from scanner.inventory.workload.logins import (
    ADMIN,
    UNSAID,
    is_admin,
    reads_admin,
    server_in_azure,
    sources_of,
    written_down,
)
from scanner.inventory.workload.shell import Variables, read_script
from scanner.inventory.workload.shell_words import POWERSHELL, SH, Command, Expressions, Word
from scanner.inventory.workload.source import HOLE, Fragment, whole
from scanner.model.values import Unknown

_WRAPPERS = frozenset(
    {
        "sudo",
        "env",
        "exec",
        "command",
        "nohup",
        "winpty",
        "eval",
        "call",
        "start-process",
        "time",
        "&",
        "if",
        "elif",
        "while",
        "until",
        "!",
        "then",
        "do",
        "else",
    }
)
_NAMED = re.compile(r"(?i)(?:-n|--?name|-registryname)(?:([=:])|\Z)")
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "pwsh", "powershell", "cmd", "ssh"})
_SCRIPT = re.compile(r"(?i)-[a-z]*c|-command|/c")
MOST_SHELLS = 4
_LOGIN_TOOLS: Mapping[str, tuple[str, ...]] = {
    "oras": ("login",),
    "helm": ("registry", "login"),
    "crane": ("auth", "login"),
    "skopeo": ("login",),
    "cosign": ("login",),
    "buildah": ("login",),
    "regctl": ("registry", "login"),
    "notation": ("login",),
}


def read_calls(
    facts: Facts,
    fragment: Fragment,
    path: str,
    dialect: str = SH,
    given: Mapping[str, Filled] | None = None,
    expressions: Expressions | None = None,
    *,
    retried: bool = False,
) -> None:
    """Take in a script. `path`: where it stands, in words; `given`: variables set around it; `retried`: the step is repeated."""
    if not _worth(fragment.text):
        return
    commands, variables = read_script(fragment, dialect, given, expressions)
    at = At(facts, fragment, path, retried, dialect=dialect)
    for command in commands:
        one_call(command, variables, at)


def read_words(facts: Facts, words: list[Word], path: str, given: Mapping[str, Filled]) -> None:
    """Take in a command as a list of words with offsets in the file (`command: [sh, -c, "..."]`). `given`: its environment."""
    if words and _worth(" ".join(word.text for word in words)):
        one_call(Command(words, "", 0, ()), Variables(dict(given)), At(facts, whole(facts.source), path))


_WORTH = (
    *TOOLS,
    *_LOGIN_TOOLS,
    "az ",
    "az.cmd",
    "kubectl",
    "credential",
    "containerregistry",
    "connect-azaccount",
)


def _worth(text: str) -> bool:
    """Whether a script can hold a call that matters at all; most do not."""
    lowered = text.lower()
    return any(name in lowered for name in _WORTH)


def one_call(command: Command, variables: Variables, at: At) -> None:
    """Take in one command, without what wraps it."""
    words, retried = _unwrapped(command.words)
    if not words:
        return
    inner = replace(at, retried=at.retried or retried or (at.depth > 0 and command.retried))
    program = _program(words[0])
    bare = replace(command, words=words)
    how = reads_admin(bare)
    if how:
        place = at.fragment.place(words[0].start, words[-1].end)
        at.facts.row(
            LOGINS,
            at.name(how),
            place,
            server=_named(words),
            how=f"the admin password ({how})",
            acr=True,
            longLived=True,
        )
    if program in TOOLS:
        rest = words[1:]
        verb = without_global(rest)
        if verb and verb[0].text == "login":
            docker_login(bare, verb[1:], variables, inner)
        else:
            docker(bare, rest, inner)
    elif program in _LOGIN_TOOLS:
        steps = _LOGIN_TOOLS[program]
        if tuple(word.text for word in words[1 : 1 + len(steps)]) == steps:
            docker_login(bare, words[1 + len(steps) :], variables, inner)
    elif program == "az":
        azure(words[1:], variables, inner)
    elif program == "kubectl":
        _kubectl(words[1:], variables, inner)
    elif program in _SHELLS:
        _quoted_script(words, variables, inner)
    elif program == "connect-azaccount":
        connect(words, at)


def _program(word: Word) -> str:
    """The name of a program, without its folder."""
    name = word.text.lstrip("@+-").replace("\\", "/").rpartition("/")[2].lower()
    return name.removesuffix(".exe").removesuffix(".cmd")


def _named(words: Sequence[Word]) -> str:
    """The registry that a call names, for people."""
    for at, word in enumerate(words):
        if match := _NAMED.match(word.text):  # no `options`: PowerShell has long names behind one dash
            if match[1]:
                return shown(word.text[match.end() :], word.names)
            if words[at + 1 :]:
                return shown(words[at + 1].text, words[at + 1].names)
    return "a registry"


def _unwrapped(words: Sequence[Word]) -> tuple[list[Word], bool]:
    """The words of the program itself, and whether a wrapper repeats it."""
    rest, retried = list(words), False
    while rest:
        text = rest[0].text
        lowered = text.lower()
        if lowered == "eval" and len(rest) == 2:  # a script in one word, as for `sh -c`
            return [
                Word("sh", rest[0].start, rest[0].end),
                Word("-c", rest[0].end, rest[0].end),
                rest[1],
            ], retried
        if text == HOLE and rest[1:2] and rest[1].text == "=":  # PowerShell: $name = command
            rest = rest[2:]
            continue
        if "retry" in lowered and "=" not in text:
            retried = True
            known = next(
                (at for at, word in enumerate(rest[1:], 1) if word.text in (*TOOLS, *_SHELLS, "az")),
                len(rest),
            )
            rest = rest[known:]
        elif lowered in _WRAPPERS or ("=" in text and text.partition("=")[0].replace("_", "a").isalnum()):
            rest.pop(0)
            while rest and lowered in ("sudo", "env", "time") and rest[0].text.startswith("-"):
                rest.pop(0)
        elif lowered == "timeout":
            rest = rest[2:]
        else:
            break
    return rest, retried


def _quoted_script(words: Sequence[Word], variables: Variables, at: At) -> None:
    """The script that a shell is given as a word; `words`: those of the shell. Shells in shells are followed so far."""
    program = _program(words[0])
    given = next((number for number, word in enumerate(words) if _SCRIPT.fullmatch(word.text)), None)
    word = words[given + 1] if given is not None and len(words) > given + 1 else None
    if program == "ssh":
        word = words[-1]
    if word is None or at.depth >= MOST_SHELLS or not _worth(word.text):
        return
    dialect = POWERSHELL if program in ("pwsh", "powershell") else SH
    fragment = at.fragment.within(word.start, word.end, word.text)
    commands, own = read_script(fragment, dialect, variables.known)
    inner = Variables(own.known, {**variables.sources, **own.sources})
    for command in commands:
        one_call(command, inner, replace(at, fragment=fragment, depth=at.depth + 1, dialect=dialect))


def _kubectl(words: Sequence[Word], variables: Variables, at: At) -> None:
    given = list(options(words, frozenset({"--rm", "-i", "-t", "-it", "--local", "--all"})))
    found = dict(given)
    plain = [value for name, value in given if not name and value is not None]
    texts = [word.text for word in plain]
    if texts[:3] == ["create", "secret", "docker-registry"]:
        _pull_secret(plain[3] if len(plain) > 3 else words[0], found, variables, at)
    elif texts[:1] == ["run"] and (image := found.get("--image")) is not None:
        words_of = at.name(f"kubectl run {shown(image.text, image.names)}")
        at.facts.image(image.filled, "run", words_of, at.fragment.place(image.start, image.end))
    elif texts[:2] == ["set", "image"]:
        for word in plain[2:]:
            _, equals, reference = word.text.partition("=")
            if equals:
                place = at.fragment.place(max(word.end - len(reference), word.start), word.end)
                words_of = at.name(f"kubectl set image {shown(reference, word.names)}")
                at.facts.image(Filled(reference, word.names), "run", words_of, place)


def _pull_secret(name: Word, found: Mapping[str, Word | None], variables: Variables, at: At) -> None:
    server, user, password = (found.get(f"--docker-{part}") for part in ("server", "username", "password"))
    if server is None:
        return
    host = addressed(server.filled)
    acr = server_in_azure(host, sources_of(variables, server))
    if acr is False:
        at.facts.recognised = True
        at.facts.secrets["", name.text] = True
        return
    sources = sources_of(variables, user, password)
    admin: bool | Unknown = (
        True if any(reads_admin(one) for one in sources) else is_admin(user.filled if user else None, host)
    )
    place = at.fragment.place(name.start, name.end)
    at.facts.secrets["", name.text] = True
    at.facts.row(
        SECRETS,
        at.name(f"kubectl create secret docker-registry {shown(name.text, name.names)}"),
        place,
        name=shown(name.text, name.names),
        server=shown(host.text, host.names),
        acr=acr,
        admin=admin,
        user=ADMIN if admin is True else shown(user.text, user.names) if user is not None else UNSAID,
    )
    if password is not None and written_down(password):
        at.facts.literal(
            at.name("kubectl create secret"),
            at.fragment.place(password.start, password.end),
            "password of a pull secret",
            shown(host.text, host.names),
        )
