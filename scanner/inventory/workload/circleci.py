"""CircleCI: a configuration comes in, its images, logins and scripts go to `Facts`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from scanner.inventory.workload.addresses import host_of, stands_in_clear
from scanner.inventory.workload.calls import read_calls
from scanner.inventory.workload.facts import LOGINS, Facts
from scanner.inventory.workload.images import Filled, addressed, is_acr, shown
from scanner.inventory.workload.logins import judged
from scanner.inventory.workload.shell_words import SH, Expressions
from scanner.inventory.workload.walking import all_tables, fill, gather, label, place_of, settled
from scanner.inventory.workload.yaml_tree import Leaf, Listing, Node, Table, Tree, tables, text_of

_PARAMETER = re.compile(r"<<[ \t]{0,20}((?:pipeline|parameters|matrix)\.[\w.-]{1,200})[ \t]{0,20}>>")
_ORB = re.compile(r"azure-acr/|azure-aks/")


def is_circleci(document: Node, name: str) -> bool:
    """Whether a document is a configuration of CircleCI."""
    if not isinstance(document, Table):
        return False
    version = text_of(document.items.get("version")) or ""
    jobs = document.items.get("jobs")
    return version in ("2", "2.0", "2.1") and (
        isinstance(jobs, Table)
        or isinstance(document.items.get("workflows"), Table)
        or ".circleci/" in f"/{name}"
    )


def read_circleci(facts: Facts, tree: Tree, document: Node) -> None:
    """Take in a configuration."""
    assert isinstance(document, Table), "recognised before"
    facts.recognised = True
    known = settled(gather(_defaults(document)), _filled)
    variables = settled(gather(_environment(document)), _filled)
    expressions = Expressions(_PARAMETER, lambda match: _resolve(match, known))
    for path, table in all_tables(document):
        words = ".".join(path)
        for at, container in enumerate(tables(table.items.get("docker"))):
            _container(facts, tree, container, f"{words}.docker.{at}", known)
        steps = table.items.get("steps")
        for at, step in enumerate(steps.items if isinstance(steps, Listing) else ()):
            if not isinstance(step, Table):
                continue
            run = step.items.get("run")
            command = run.items.get("command") if isinstance(run, Table) else run
            named = label(run, at) if isinstance(run, Table) else str(at)
            retried = isinstance(run, Table) and "max_auto_reruns" in run.items
            if isinstance(command, Leaf):
                read_calls(
                    facts,
                    tree.fragment(command),
                    f"{words}.steps.{named}",
                    SH,
                    variables,
                    expressions,
                    retried=retried,
                )
    if _ORB.search(tree.source.text):
        reason = "orbs are not looked into"
        facts.unread(LOGINS, reason)


def _container(facts: Facts, tree: Tree, container: Table, path: str, known: Mapping[str, Filled]) -> None:
    image = container.items.get("image")
    if not isinstance(image, Leaf) or image.null:
        return
    filled = _filled(image.text, known)
    facts.image(filled, "run", path, place_of(tree.source, image))
    auth = container.items.get("auth")
    address = addressed(filled)
    host = Filled(address.text.partition("/")[0], address.names)
    acr = is_acr(host_of(host.text), host.reason)
    if isinstance(auth, Table) and acr is not False and "/" in address.text:
        user = auth.items.get("username")
        written = Filled(user.text) if isinstance(user, Leaf) and not user.text.startswith("$") else None
        how, long_lived = judged(written, host, (), given=True)
        place = place_of(tree.source, user if user is not None else auth)
        facts.row(
            LOGINS,
            f"{path}.auth",
            place,
            server=shown(host.text, host.names),
            how=how,
            acr=acr,
            longLived=long_lived,
        )
        password = auth.items.get("password")
        filled = _filled(password.text, known) if isinstance(password, Leaf) else Filled("")
        if password is not None and stands_in_clear(filled.text) and not filled.text.startswith("$"):
            words = shown(host.text, host.names)
            facts.literal(f"{path}.auth", place_of(tree.source, password), "password of a container", words)


def _defaults(document: Table) -> Iterator[tuple[str, Filled]]:
    """Defaults of parameters, with the prefixes that they are used with."""
    for path, table in all_tables(document):
        parameters = table.items.get("parameters")
        for name, one in parameters.items.items() if isinstance(parameters, Table) else ():
            default = one.items.get("default") if isinstance(one, Table) else None
            if isinstance(default, Leaf):
                yield (
                    (f"pipeline.parameters.{name}" if not path else f"parameters.{name}"),
                    Filled(default.text),
                )


def _environment(document: Table) -> Iterator[tuple[str, Filled]]:
    for _, table in all_tables(document):
        found = table.items.get("environment")
        for name, leaf in found.items.items() if isinstance(found, Table) else ():
            if isinstance(leaf, Leaf):
                yield name, Filled(leaf.text)


def _filled(text: str, known: Mapping[str, Filled]) -> Filled:
    return fill(text, _PARAMETER, lambda match: _resolve(match, known))


def _resolve(match: re.Match[str], known: Mapping[str, Filled]) -> tuple[str | None, str]:
    value = known.get(match[1])
    return (value.text, "") if value is not None and value.known else (None, match[0][:80])
