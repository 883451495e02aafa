"""What `docker` and its like are told to do: the words of a command come in, references and rows of `Facts` come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from scanner.inventory.workload.facts import CALLS, CONTAINERS, SOCKETS, Facts, truth
from scanner.inventory.workload.images import shown
from scanner.inventory.workload.mounts import Host, mount_source, socket_of
from scanner.inventory.workload.shell_words import SH, Command, Word
from scanner.inventory.workload.source import HOLE, Fragment

TOOLS = frozenset({"docker", "podman", "nerdctl"})
_GLOBAL = frozenset(
    {
        "-H",
        "--host",
        "-l",
        "--log-level",
        "-c",
        "--context",
        "--config",
        "--tlscacert",
        "--tlscert",
        "--tlskey",
        "-n",
        "--namespace",
    }
)
_SWITCHES = frozenset(
    {
        "-d",
        "--detach",
        "-i",
        "--interactive",
        "-t",
        "--tty",
        "-P",
        "--publish-all",
        "--rm",
        "--privileged",
        "--init",
        "--read-only",
        "--oom-kill-disable",
        "--no-healthcheck",
        "--disable-content-trust",
        "--sig-proxy",
        "-q",
        "--quiet",
        "--help",
        "--use-api-socket",
        "--replace",
    }
)
_BUILD_SWITCHES = frozenset(
    {
        "--pull",
        "--push",
        "--load",
        "--no-cache",
        "-q",
        "--quiet",
        "--rm",
        "--force-rm",
        "--squash",
        "--compress",
        "--check",
        "-D",
        "--debug",
        "--disable-content-trust",
        "--help",
    }
)
_PULL_SWITCHES = frozenset({"-a", "--all-tags", "-q", "--quiet", "--disable-content-trust", "--help"})
_NAMESPACES = {
    "--pid": "host PIDs",
    "--network": "host network",
    "--net": "host network",
    "--ipc": "host IPC",
    "--uts": "host UTS",
    "--userns": "host users",
}


@dataclass(frozen=True, slots=True)
class At:
    """Where commands stand. `path`: the step or file, in words; `retried`: the step as a whole is repeated when it fails.

    `depth`: shells around the commands, as in `bash -c`.
    """

    facts: Facts
    fragment: Fragment
    path: str
    retried: bool = False
    depth: int = 0
    dialect: str = SH

    def name(self, words: str) -> str:
        """Words for one thing here."""
        return f"{self.path}: {words}" if self.path else words


def options(words: Sequence[Word], switches: frozenset[str]) -> Iterator[tuple[str, Word | None]]:
    """(option, value) of each option and ("", word) of each other word. `switches`: options that take no value.

    Short switches may be joined (`-it`); everything else takes the next word or what follows `=`.
    """
    at = 0
    while at < len(words):
        word = words[at]
        text = word.text
        at += 1
        if text == "--":
            for rest in words[at:]:
                yield "", rest
            return
        if not text.startswith("-") or text == "-":
            yield "", word
            continue
        name, equals, value = text.partition("=")
        if equals:
            begun = word.end - len(value)
            yield (
                name,
                Word(
                    value,
                    max(word.start, begun),
                    word.end,
                    word.names[-value.count(HOLE) or len(word.names) :],
                    word.inner,
                ),
            )
        elif text in switches or (
            not text.startswith("--") and len(text) > 2 and all(f"-{one}" in switches for one in text[1:])
        ):
            yield text, None
        elif not text.startswith("--") and len(text) > 2:
            yield text[:2], Word(text[2:], word.start + 2, word.end, word.names, word.inner)
        elif at < len(words):
            yield text, words[at]
            at += 1


def without_global(words: Sequence[Word]) -> list[Word]:
    """The words of a call from its verb on."""
    rest = list(words)
    while rest and rest[0].text.startswith("-"):
        rest = rest[2:] if rest[0].text in _GLOBAL else rest[1:]
    return rest


def docker(command: Command, words: Sequence[Word], at: At) -> None:
    """Take in one call. `words`: without the program."""
    rest = without_global(words)
    if not rest:
        return
    verb = rest.pop(0).text
    if verb in ("image", "container", "buildx", "builder") and rest:
        verb = rest.pop(0).text
        verb = {"bake": ""}.get(verb, verb)
    action = _ACTIONS.get(verb)
    if action is not None:
        action(command, rest, at)


def _pull(command: Command, words: Sequence[Word], at: At) -> None:
    _transfer(command, words, at, "pull")


def _push(command: Command, words: Sequence[Word], at: At) -> None:
    _transfer(command, words, at, "push")


def _transfer(command: Command, words: Sequence[Word], at: At, use: str) -> None:
    word = next((value for name, value in options(words, _PULL_SWITCHES) if not name and value), None)
    if word is None:
        return
    found = at.facts.image(
        word.filled,
        use,
        at.name(f"docker {use} {shown(word.text, word.names)}"),
        at.fragment.place(word.start, word.end),
    )
    call(command, at, f"docker {use}", word, found.get("acr"))


def call(command: Command, at: At, words: str, word: Word, acr: object) -> None:
    """Note a call to a registry, and whether it is tried again when it fails."""
    at.facts.row(
        CALLS,
        at.name(f"{words} {shown(word.text, word.names)}"),
        at.fragment.place(word.start, word.end),
        call=words,
        acr=acr,
        retried=at.retried or command.retried,
    )


def _build(command: Command, words: Sequence[Word], at: At) -> None:
    del command
    found = list(options(words, _BUILD_SWITCHES))
    pushed = any(name == "--push" for name, _ in found)
    for name, value in found:
        if name in ("-t", "--tag") and value is not None:
            at.facts.image(
                value.filled,
                "push" if pushed else "build",
                at.name(f"docker build {shown(value.text, value.names)}"),
                at.fragment.place(value.start, value.end),
            )


def _tag(command: Command, words: Sequence[Word], at: At) -> None:
    del command
    if len(words) == 2:
        word = words[1]
        at.facts.image(
            word.filled,
            "build",
            at.name(f"docker tag {shown(word.text, word.names)}"),
            at.fragment.place(word.start, word.end),
        )


def _run(command: Command, words: Sequence[Word], at: At) -> None:
    del command
    host = Host()
    sockets: list[tuple[Word, str]] = []
    image: Word | None = None
    for name, value in options(words, _SWITCHES):
        if not name:
            image = value
            break
        if name == "--privileged":
            host.privileged = True if value is None else truth(value.text, value.filled.reason)
        elif value is None:
            continue
        elif name in ("-v", "--volume", "--mount"):
            source = mount_source(value.text, keyed=name == "--mount")
            socket = socket_of(source, value.filled.reason)
            if socket is not False:
                sockets.append((value, source))
                host.sockets.append(socket)
            host.mount(source)
        elif name in _NAMESPACES and value.text == "host":
            host.namespaces.append(_NAMESPACES[name])
        elif name == "--security-opt":
            host.security(value.text)
    shown_image = shown(image.text, image.names) if image is not None else "a container"
    where = at.name(f"docker run {shown_image}")
    if image is not None:
        place = at.fragment.place(image.start, image.end)
        at.facts.image(image.filled, "run", where, place)
    for (value, source), socket in zip(sockets, host.sockets, strict=True):
        at.facts.row(
            SOCKETS,
            where,
            at.fragment.place(value.start, value.end),
            container=shown_image,
            source=shown(source, value.names),
            socket=socket,
        )
    first = words[0] if words else None
    if first is not None:
        at.facts.row(
            CONTAINERS,
            where,
            at.fragment.place(first.start, first.end),
            container=shown_image,
            **host.values(),
        )


_ACTIONS: dict[str, Callable[[Command, Sequence[Word], At], None]] = {
    "pull": _pull,
    "push": _push,
    "build": _build,
    "b": _build,
    "tag": _tag,
    "run": _run,
    "create": _run,
}
