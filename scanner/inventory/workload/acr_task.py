"""ACR task files: a tree comes in, what its steps build, push and run goes to `Facts`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from scanner.inventory.workload.calls import read_calls
from scanner.inventory.workload.docker_calls import At, options
from scanner.inventory.workload.facts import CONTAINERS, Facts, truth
from scanner.inventory.workload.images import Filled, shown
from scanner.inventory.workload.mounts import Host
from scanner.inventory.workload.shell_words import SH, Expressions, Scanner, Word
from scanner.inventory.workload.source import HOLE, Fragment
from scanner.inventory.workload.walking import label, place_of, texts
from scanner.inventory.workload.yaml_tree import Leaf, Listing, Node, Table, Tree, tables, text_of

_RUN = re.compile(r"\{\{([^{}\n]{0,200})\}\}")
_SWITCHES = frozenset({"--pull", "--no-cache", "--rm", "--quiet", "-q", "--force-rm"})
_OWN = ("{{.Run.Registry}}", "$Registry")
STEP_KINDS = ("build", "push", "cmd")


def is_task(document: Node) -> bool:
    """Whether a document is a task file: steps that build, push or run, and nothing that only pipelines have."""
    if not isinstance(document, Table) or not isinstance(document.items.get("steps"), Listing):
        return False
    steps = list(tables(document.items.get("steps")))
    version = text_of(document.items.get("version")) or ""
    return (
        bool(steps)
        and all(any(kind in step.items for kind in STEP_KINDS) for step in steps)
        and (version.startswith("v1") or not {"trigger", "pool", "jobs", "stages"} & document.items.keys())
    )


def read_task(facts: Facts, tree: Tree, document: Node) -> None:
    """Take in the steps of a task file."""
    assert isinstance(document, Table), "recognised before"
    facts.recognised = True
    values = document.get("alias", "values")
    known = (
        {name: Filled(leaf.text) for name, leaf in values.items.items() if isinstance(leaf, Leaf)}
        if isinstance(values, Table)
        else {}
    )
    steps = document.items.get("steps")
    for at, step in enumerate(steps.items if isinstance(steps, Listing) else ()):
        if isinstance(step, Table):
            _step(facts, tree, step, f"steps.{label(step, at)}", known)


def _expressions() -> Expressions:
    return Expressions(_RUN, lambda match: (None, f"{{{{{match[1].strip(' -')}}}}}"))


def _words(fragment: Fragment, known: Mapping[str, Filled]) -> list[Word]:
    commands = Scanner(fragment.text, SH, known, _expressions()).run()
    return [word for command in commands for word in command.words]


def _step(facts: Facts, tree: Tree, step: Table, path: str, known: Mapping[str, Filled]) -> None:
    build = step.items.get("build")
    if isinstance(build, Leaf):
        at = At(facts, tree.fragment(build), path)
        for name, value in options(_words(at.fragment, known), _SWITCHES):
            if name in ("-t", "--tag") and value is not None:
                _image(at, value, "build")
    for leaf in texts(step.items.get("push")):
        at = At(facts, tree.fragment(leaf), path)
        for word in _words(at.fragment, known)[:1]:
            _image(at, word, "push")
    command = step.items.get("cmd")
    if isinstance(command, Leaf) and not command.null:
        fragment = tree.fragment(command)
        _command(At(facts, fragment, path), step, known)
        read_calls(facts, fragment, path, SH, known, _expressions())


def _image(at: At, word: Word, use: str) -> str:
    """Note an image; the registry that runs the task is not part of its reference."""
    words = shown(word.text, word.names)
    place = at.fragment.place(word.start, word.end)
    own = word.text.startswith(f"{HOLE}/") and word.names[:1] and word.names[0].replace(" ", "") in _OWN
    if own or (
        use in ("build", "push") and "." not in word.text.partition("/")[0] and not word.text.startswith(HOLE)
    ):
        rest = Filled(word.text.removeprefix(f"{HOLE}/"), word.names[1:] if own else word.names)
        at.facts.image(rest, use, at.name(f"{use} {words}"), place, built_in=True)
    else:
        at.facts.image(word.filled, use, at.name(f"{use} {words}"), place)
    return words


def _command(at: At, step: Table, known: Mapping[str, Filled]) -> None:
    image = next(
        (value for name, value in options(_words(at.fragment, known), frozenset()) if not name), None
    )
    if image is None:
        return
    words = _image(at, image, "run")
    host = Host()
    privileged = text_of(step.items.get("privileged"))
    if privileged is not None:
        host.privileged = truth(privileged, "")
    if text_of(step.items.get("network")) == "host":
        host.namespaces.append("host network")
    place = place_of(at.facts.source, step.keys.get("privileged") or step)
    at.facts.row(CONTAINERS, at.name(f"cmd {words}"), place, container=words, **host.values())
