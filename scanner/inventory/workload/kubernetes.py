"""Kubernetes manifests: a document comes in, the pods and pull secrets it describes go to `Facts`.

A pod is found wherever it lies (Deployment, CronJob, List, a kind of somebody's own), by its list of containers.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from scanner.inventory.workload.addresses import bare, host_of
from scanner.inventory.workload.calls import read_words
from scanner.inventory.workload.facts import CONTAINERS, LISTS, SECRETS, SOCKETS, Facts, Wanted, truth
from scanner.inventory.workload.images import Filled, is_acr
from scanner.inventory.workload.logins import ADMIN, is_admin, written_down
from scanner.inventory.workload.mounts import Host, socket_of
from scanner.inventory.workload.shell_words import Word
from scanner.inventory.workload.source import HOLE
from scanner.inventory.workload.walking import all_tables, place_of, texts
from scanner.inventory.workload.yaml_tree import ODD_KEY, Leaf, Node, Table, Tree, tables, text_of
from scanner.model.resource import Place
from scanner.model.values import Unknown

_LISTS = ("containers", "initContainers", "ephemeralContainers")
_NAMESPACES = {"hostPID": "host PIDs", "hostNetwork": "host network", "hostIPC": "host IPC"}
_SEALED = ("SealedSecret", "ExternalSecret")
_DATA = (".dockerconfigjson", ".dockercfg")
_MOST_SECRET = 200_000
_DEFAULT = re.compile(r"(?s)(?<=\w)\s*:?[-=+?].*(?=\}\Z)")
"""What a variable is when it has no value: that may be secret, and is no part of its name."""
_MOST_VARIABLES, _MOST_VALUE = 1_000, 1_000
_OWN_VARIABLE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")
_REGISTRY_PASSWORD = re.compile(
    r"(?i)(?:acr|registry|docker(?!_?hub))[a-z0-9_]*(?:password|passwd|_pwd\Z|_pass\Z)"
)


def is_manifest(document: Node) -> bool:
    """Whether a document is an object of Kubernetes."""
    return (
        isinstance(document, Table)
        and text_of(document.items.get("apiVersion")) is not None
        and text_of(document.items.get("kind")) is not None
    )


def read_manifest(facts: Facts, tree: Tree, document: Table) -> None:
    """Take in one document; lists are taken apart."""
    facts.recognised = True
    for one in _objects(document):
        _Object(facts, tree, one).read()
    if any(ODD_KEY in table.keys for _, table in all_tables(document)):
        line, column = tree.source.lines.at(document.start)
        where = f"{tree.source.name}:{line}:{column}"
        facts.notes.append(
            f"{where}: holds template expressions that are not rendered; render it (helm template) and name the result"
        )
        for name in LISTS["kubernetes"]:
            facts.unread(name, "a template that is not rendered")


def _objects(document: Table) -> Iterator[Table]:
    kind = text_of(document.items.get("kind")) or ""
    if kind.endswith("List"):
        yield from list(tables(document.items.get("items")))[:20_000]
    else:
        yield document


class _Object:
    def __init__(self, facts: Facts, tree: Tree, document: Table) -> None:
        self._facts = facts
        self._tree = tree
        self._document = document
        self._kind = text_of(document.items.get("kind")) or "object"
        self._name = (
            text_of(document.get("metadata", "name"))
            or text_of(document.get("metadata", "generateName"))
            or "unnamed"
        )
        self._namespace = text_of(document.get("metadata", "namespace")) or ""

    def read(self) -> None:
        if self._kind == "Secret":
            self._secret()
        elif self._kind in _SEALED:
            self._facts.secrets[self._namespace, self._name] = False
        elif self._kind == "Kustomization":
            self._kustomization()
        elif self._kind == "ServiceAccount":
            self._pull_secrets(
                self._document, Unknown("pods that use the account are not looked for", "not-collected")
            )
        else:
            for _, table in all_tables(self._document):
                if any(key in table.items for key in ("containers", "initContainers")) and self._is_pod(
                    table
                ):
                    self._pod(table)

    @staticmethod
    def _is_pod(table: Table) -> bool:
        return any(
            "image" in one.items or "name" in one.items
            for key in _LISTS
            for one in tables(table.items.get(key))
        )

    def _pod(self, pod: Table) -> None:
        volumes = {text_of(one.items.get("name")): one for one in tables(pod.items.get("volumes"))}
        acr = [
            self._container(pod, container, volumes)
            for key in _LISTS
            for container in tables(pod.items.get(key))
        ]
        known: bool | Unknown = (
            True if True in acr else next((one for one in acr if isinstance(one, Unknown)), False)
        )
        if known is not False:
            self._pull_secrets(pod, known)

    def _container(self, pod: Table, container: Table, volumes: dict[str | None, Table]) -> Any:
        name = text_of(container.items.get("name")) or "unnamed"
        at = f"{self._kind}/{self._name}/{name}"
        acr: Any = False
        image = container.items.get("image")
        if image is not None and not (isinstance(image, Leaf) and image.null):
            acr = self._facts.image(_filled(image), "run", at, self._place(image)).get("acr", False)
        known = self._environment(container, at)
        leaves = [*texts(container.items.get("command")), *texts(container.items.get("args"))]
        read_words(self._facts, [_word(leaf, known) for leaf in leaves], at, known)
        host = Host()
        self._settings(host, pod, container)
        for mount in tables(container.items.get("volumeMounts")):
            volume = volumes.get(text_of(mount.items.get("name")))
            leaf = volume.get("hostPath", "path") if volume is not None else None
            if leaf is not None:
                filled = _filled(leaf)
                host.mount(filled.text, filled.reason)
                socket = socket_of(filled.text, filled.reason)
                if socket is not False:
                    source = filled.text.replace(HOLE, "…")
                    self._facts.row(
                        SOCKETS, at, self._place(leaf), container=name, source=source, socket=socket
                    )
        place = self._place(container.items.get("name") or container)
        self._facts.row(CONTAINERS, at, place, container=name, **host.values())
        return acr

    def _environment(self, container: Table, at: str) -> dict[str, Filled]:
        """The variables of a container; a password that is a registry's by its name is told."""
        known = {}
        for one in list(tables(container.items.get("env")))[:_MOST_VARIABLES]:
            name, value = text_of(one.items.get("name")), one.items.get("value")
            if name is None or not isinstance(value, Leaf):
                continue
            known[name] = filled = _filled(value)
            written = written_down(Word(filled.text, 0, 0))
            if written and _REGISTRY_PASSWORD.search(name) and self._facts.about_registries:
                words = f"{at}/env/{name}"
                self._facts.literal(words, self._place(value), "password of a registry in a variable", name)
        return known

    def _settings(self, host: Host, pod: Table, container: Table) -> None:
        privileged = container.get("securityContext", "privileged")
        if privileged is not None:
            filled = _filled(privileged)
            host.privileged = truth(filled.text, filled.reason) or False
        for key, words in _NAMESPACES.items():
            leaf = pod.items.get(key)
            if leaf is not None:
                filled = _filled(leaf)
                found = truth(filled.text, filled.reason)
                if found is True:
                    host.namespaces.append(words)
                elif isinstance(found, Unknown):
                    host.open_namespaces = filled.reason
        own = container.get("securityContext", "seccompProfile", "type")
        profile = own if own is not None else pod.get("securityContext", "seccompProfile", "type")
        if profile is not None:
            host.security(f"seccomp={_filled(profile).text}")
        for key in (
            "seccomp.security.alpha.kubernetes.io/pod",
            f"container.seccomp.security.alpha.kubernetes.io/{text_of(container.items.get('name'))}",
        ):
            if text_of(self._document.get("metadata", "annotations", key)) == "unconfined":
                host.unconfined = True

    def _pull_secrets(self, holder: Table, acr: bool | Unknown) -> None:
        for one in tables(holder.items.get("imagePullSecrets")):
            leaf = one.items.get("name")
            if isinstance(leaf, Leaf) and not leaf.null:
                at = f"{self._kind}/{self._name}/imagePullSecrets/{leaf.text}"
                self._facts.wanted.append(
                    Wanted(self._namespace, _filled(leaf).text, at, self._place(leaf), acr)
                )

    def _kustomization(self) -> None:
        for image in tables(self._document.items.get("images")):
            name, renamed = (
                text_of(image.items.get("name")),
                image.items.get("newName") or image.items.get("name"),
            )
            if name is None or not isinstance(renamed, Leaf):
                continue
            tag, digest = text_of(image.items.get("newTag")), text_of(image.items.get("digest"))
            text = (
                _filled(renamed).text
                + (f":{tag}" if tag else "")
                + (f"@{digest}" if digest else "" if tag else f":{HOLE}")
            )
            names = () if tag or digest else ("the tag",)
            self._facts.image(
                Filled(text, names), "run", f"Kustomization/images/{name}", self._place(renamed)
            )

    def _secret(self) -> None:
        for group in ("data", "stringData"):
            for key in _DATA:
                leaf = self._document.get(group, key)
                if isinstance(leaf, Leaf):
                    self._facts.secrets[self._namespace, self._name] = True
                    self._docker_config(leaf, encoded=group == "data", whole=key == ".dockerconfigjson")

    def _docker_config(self, leaf: Leaf, *, encoded: bool, whole: bool) -> None:
        at = f"Secret/{self._name}"
        place = place_of(self._tree.source, leaf)
        config = _decoded(leaf.text, encoded=encoded)
        auths = config.get("auths") if whole and isinstance(config, dict) else config
        if not isinstance(auths, dict):
            unknown = Unknown("the secret's content is filled in later", "parameter")
            self._facts.row(SECRETS, at, place, name=self._name, acr=unknown, admin=unknown)
            return
        for server, entry in list(auths.items())[:100]:
            host = bare(str(server))
            if not isinstance(entry, dict) or is_acr(host_of(host), "") is not True:
                continue
            user, password = _credential(entry)
            admin = is_admin(Filled(user) if user is not None else None, Filled(host))
            self._facts.row(
                SECRETS,
                f"{at}/{host}",
                place,
                name=self._name,
                server=host,
                acr=True,
                admin=admin,
                user=ADMIN if admin is True else "another user",
            )
            if password is not None and written_down(Word(password, 0, 0)):
                self._facts.literal(f"{at}/{host}", place, "password in a pull secret", host)

    def _place(self, node: Node) -> Place:
        return place_of(self._tree.source, node)


def _decoded(text: str, *, encoded: bool) -> Any:
    """The JSON of a pull secret, or None."""
    if len(text) > _MOST_SECRET:
        return None
    try:
        return json.loads(base64.b64decode("".join(text.split()), validate=True) if encoded else text)
    except (binascii.Error, ValueError, RecursionError):
        return None


def _credential(entry: dict[str, Any]) -> tuple[str | None, str | None]:
    """(user, password) of one server."""
    user, password = entry.get("username"), entry.get("password")
    auth = entry.get("auth")
    if isinstance(auth, str) and not isinstance(user, str):
        try:
            user, _, password = base64.b64decode(auth, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None, None
    return user if isinstance(user, str) else None, password if isinstance(password, str) else None


def _word(leaf: Leaf, known: Mapping[str, Filled]) -> Word:
    """A word of a command. Kubernetes fills in `$(NAME)`; other variables in a script are left to its shell."""
    script = any(character.isspace() for character in leaf.text) and "{{" not in leaf.text

    def one(match: re.Match[str]) -> str:
        value = known.get(match[1])
        if value is None or not value.known or len(value.text) > _MOST_VALUE:
            return match[0]
        return f"${{{match[1]}}}" if script else value.text

    text = _OWN_VARIABLE.sub(one, leaf.text)
    if script:
        return Word(text, leaf.start, leaf.end)
    filled = _filled(Leaf(text, leaf.style, leaf.plain, leaf.tag, leaf.start, leaf.end))
    return Word(filled.text, leaf.start, leaf.end, filled.names)


def _filled(leaf: Node) -> Filled:
    """Manifests have no variables of their own; what looks like one is filled in by another tool, `{{ x }}` before it is YAML."""
    if not isinstance(leaf, Leaf):
        return Filled(HOLE, ("a template expression",))
    if leaf.tag:
        return Filled(HOLE, (f"the tag {leaf.tag}",))
    if "$(" in leaf.text or "${" in leaf.text or "{{" in leaf.text:
        text = leaf.text
        names = []
        for opening, closing in (("${", "}"), ("$(", ")"), ("{{", "}}")):
            while (start := text.find(opening)) >= 0 and (end := text.find(closing, start)) >= 0:
                names.append(
                    _DEFAULT.sub("", text[start : end + len(closing)])
                    if opening == "${"
                    else text[start : end + len(closing)]
                )
                text = text[:start] + HOLE + text[end + len(closing) :]
        return Filled(text, tuple(names))
    return Filled(leaf.text)
