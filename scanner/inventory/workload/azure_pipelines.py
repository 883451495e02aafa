"""Azure Pipelines: a pipeline or template comes in, its images, logins and scripts go to `Facts`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from scanner.inventory.workload.calls import read_calls
from scanner.inventory.workload.facts import CALLS, CONTAINERS, LOGINS, SECRETS, SOCKETS, Facts, truth
from scanner.inventory.workload.github import container_options
from scanner.inventory.workload.images import Filled
from scanner.inventory.workload.mounts import Host, mount_source, socket_of
from scanner.inventory.workload.shell_words import POWERSHELL, SH, Expressions
from scanner.inventory.workload.source import HOLE
from scanner.inventory.workload.walking import all_tables, fill, gather, label, place_of, settled, texts
from scanner.inventory.workload.yaml_tree import Leaf, Listing, Node, Table, Tree, tables, text_of
from scanner.model.values import Unknown

MACRO = re.compile(
    r"\$\(([A-Za-z_][A-Za-z0-9_.]*)\)|\$\{\{((?:[^{}\n]|\{[^{}\n]{0,50}\}){0,500})\}\}|\$\[([^\[\]\n]{0,500})\]"
)
_VARIABLE = re.compile(r"(?:variables|parameters)(?:\.([A-Za-z_][\w.]*)|\[\s*'([^']+)'\s*\])\Z")
_STEPS = frozenset(
    {
        "script",
        "bash",
        "pwsh",
        "powershell",
        "task",
        "checkout",
        "download",
        "publish",
        "template",
        "getPackage",
        "reviewApp",
        "downloadBuild",
    }
)
_REGISTRY = re.compile(r"(?i)\baz\s+acr\b|azurecr\.|containerregistry|\bdocker\b")
_SCRIPT_TASKS = {
    "azurecli": ("inlineScript", "scriptType"),
    "bash": ("script", ""),
    "powershell": ("script", "powershell"),
    "cmdline": ("script", ""),
    "shellscript": ("", ""),
    "azurepowershell": ("Inline", "powershell"),
    "kubernetes": ("", ""),
}


def is_pipeline(document: Node) -> bool:
    """Whether a document is a pipeline or a template of one."""
    if not isinstance(document, Table):
        return False
    keys = document.items.keys()
    if isinstance(document.items.get("stages"), Listing) and any(
        {"stage", "template", "jobs"} & one.items.keys() or _conditional(one)
        for one in tables(document.items["stages"])
    ):
        return True
    if isinstance(document.items.get("jobs"), Listing):
        return any(
            {"job", "deployment", "template"} & one.items.keys() or _conditional(one)
            for one in tables(document.items["jobs"])
        )
    if isinstance(document.items.get("steps"), Listing):
        return any(_STEPS & one.items.keys() or _conditional(one) for one in tables(document.items["steps"]))
    return "extends" in keys and bool({"trigger", "resources", "pr", "schedules"} & keys)


def _conditional(one: Table) -> bool:
    return any(key.startswith("${{") for key in one.items)


def read_pipeline(facts: Facts, tree: Tree, document: Node) -> None:
    """Take in a pipeline."""
    assert isinstance(document, Table), "recognised before"
    facts.recognised = True
    _Pipeline(facts, tree, document).read()


def _variables(document: Table) -> Iterator[tuple[str, Filled]]:
    """Variables and defaults of parameters, wherever they are set."""
    for _, table in all_tables(document):
        for group in ("variables", "parameters"):
            found = table.items.get(group)
            if isinstance(found, Table):
                for name, leaf in found.items.items():
                    if isinstance(leaf, Leaf) and not leaf.null:
                        yield name, Filled(leaf.text)
            for one in tables(found):
                named = text_of(one.items.get("name"))
                value = one.items.get("value") if group == "variables" else one.items.get("default")
                if named and isinstance(value, Leaf) and not value.null:
                    yield named, Filled(value.text)


class _Pipeline:
    def __init__(self, facts: Facts, tree: Tree, document: Table) -> None:
        self._facts = facts
        self._tree = tree
        self._document = document
        self._known = settled(
            gather(_variables(document)),
            lambda text, known: fill(text, MACRO, lambda match: _resolve(match, known)),
        )
        self._expressions = Expressions(MACRO, lambda match: _resolve(match, self._known))
        self._shell = {name.upper().replace(".", "_"): value for name, value in self._known.items()}
        self._connections: set[str] = set()

    def _filled(self, text: str) -> Filled:
        return fill(text, MACRO, lambda match: _resolve(match, self._known))

    def read(self) -> None:
        for path, table in all_tables(self._document):
            steps = table.items.get("steps")
            for at, step in enumerate(steps.items if isinstance(steps, Listing) else ()):
                if isinstance(step, Table):
                    self._step(step, ".".join((*path, "steps", label(step, at))))
            if "container" in table.items and path[-1:] != ("resources",):
                self._container(table, ".".join(path))
        for at, container in enumerate(tables(self._document.get("resources", "containers"))):
            self._resource(
                container, f"resources.containers.{text_of(container.items.get('container')) or at}"
            )

    def _step(self, step: Table, path: str) -> None:
        if _conditional(step):
            for key, inner in step.items.items():
                for at, one in enumerate(tables(inner)):
                    self._step(one, f"{path}.{key[:40]}.{label(one, at)}")
            return
        retried = (text_of(step.items.get("retryCountOnTaskFailure")) or "0") not in ("0", "")
        for key, dialect in (("script", SH), ("bash", SH), ("pwsh", POWERSHELL), ("powershell", POWERSHELL)):
            leaf = step.items.get(key)
            if isinstance(leaf, Leaf):
                self._script(leaf, path, dialect, retried=retried)
        task = step.items.get("task")
        inputs = step.items.get("inputs")
        if isinstance(task, Leaf) and isinstance(inputs, Table):
            self._task(task, inputs, path, retried=retried)

    def _script(self, leaf: Leaf, path: str, dialect: str, *, retried: bool) -> None:
        read_calls(
            self._facts,
            self._tree.fragment(leaf),
            path,
            dialect,
            self._shell,
            self._expressions,
            retried=retried,
        )

    def _task(self, task: Leaf, inputs: Table, path: str, *, retried: bool) -> None:
        name = task.text.partition("@")[0].lower()
        lowered = {key.lower(): value for key, value in inputs.items.items()}
        if name in _SCRIPT_TASKS:
            key, kind = _SCRIPT_TASKS[name]
            leaf = lowered.get(key.lower())
            if isinstance(leaf, Leaf):
                written = text_of(lowered.get("scripttype")) or ""
                dialect = POWERSHELL if kind == "powershell" or written.lower() in ("pscore", "ps") else SH
                self._script(leaf, path, dialect, retried=retried)
                if _REGISTRY.search(leaf.text):
                    self._connection(lowered.get("azuresubscription"), path, acr=True)
        if name == "docker":
            self._docker(task, lowered, path, retried=retried)
        elif name in ("kubernetesmanifest", "kubernetes"):
            self._manifest(task, lowered, path)
        elif name in ("azurewebappcontainer", "azurefunctionappcontainer", "azurecontainerapps"):
            for key in ("containers", "imagename", "imagetodeploy", "imagetobuild"):
                self._images(lowered.get(key), f"{path}.{key}", "run")
            if "acrpassword" in lowered:
                place = place_of(self._tree.source, lowered["acrpassword"])
                self._facts.row(
                    LOGINS,
                    path,
                    place,
                    server=text_of(lowered.get("acrname")),
                    how="a stored password",
                    acr=True,
                    longLived=True,
                )

    def _images(self, node: Node | None, path: str, use: str) -> None:
        if isinstance(node, Leaf) and not node.null:
            fragment = self._tree.fragment(node)
            for match in re.finditer(r"(?:\$\([^()\n]{0,200}\)|\$\{\{[^{}\n]{0,500}\}\}|[^\s,])+", node.text):
                filled = self._filled(match[0])
                if filled.text.strip(HOLE):
                    self._facts.image(filled, use, path, fragment.place(match.start(), match.end()))

    def _docker(self, task: Leaf, inputs: Mapping[str, Node], path: str, *, retried: bool) -> None:
        """`Docker@2`, which logs in with a service connection that only Azure DevOps knows."""
        command = (text_of(inputs.get("command")) or "buildAndPush").lower()
        connection = inputs.get("containerregistry") or inputs.get("azurecontainerregistry")
        repository = inputs.get("repository") or inputs.get("imagename")
        reason = "which registry the service connection is for is kept in Azure DevOps"
        found: Mapping[str, object] = {}
        if isinstance(repository, Leaf) and command in ("build", "push", "buildandpush"):
            name = self._filled(repository.text.strip())
            tags = inputs.get("tags") or inputs.get("tag")
            written = tags.text.split() if isinstance(tags, Leaf) else ["$(Build.BuildId)"]
            for tag in written[:50]:
                filled = self._filled(tag)
                text = Filled(f"{name.text}:{filled.text}", (*name.names, *filled.names))
                place = place_of(self._tree.source, repository)
                use = "build" if command == "build" else "push"
                found = self._facts.image(
                    text,
                    use,
                    f"{path} {tag}",
                    place,
                    built_in=connection is not None,
                    acr=Unknown(reason, "runtime") if connection is not None else None,
                )
        self._connection(connection, path, acr=True if found.get("acr") is True else None)
        if command in ("push", "buildandpush"):
            place = place_of(self._tree.source, task)
            acr = found.get("acr", Unknown(reason, "runtime"))
            self._facts.row(CALLS, path, place, call=f"{task.text} {command}", acr=acr, retried=retried)

    def _connection(self, node: Node | None, path: str, *, acr: bool | None = None) -> None:
        """A service connection, once per file. `acr`: whether it is known to be used for a registry in Azure."""
        if not isinstance(node, Leaf) or node.null or node.text in self._connections:
            return
        self._connections.add(node.text)
        name = self._filled(node.text.strip()).text.replace(HOLE, "…")
        kept = Unknown(f"how the service connection {name} logs in is kept in Azure DevOps", "runtime")
        self._facts.row(
            LOGINS,
            path,
            place_of(self._tree.source, node),
            server=f"service connection {name}",
            how="a service connection",
            acr=kept if acr is None else acr,
            longLived=kept,
        )

    def _manifest(self, task: Leaf, inputs: Mapping[str, Node], path: str) -> None:
        self._images(inputs.get("containers"), f"{path}.containers", "run")
        if (text_of(inputs.get("action")) or "").lower() == "createsecret" or "secretname" in inputs:
            name = text_of(inputs.get("secretname")) or "unnamed"
            self._facts.secrets["", name] = True
            connection = inputs.get("dockerregistryendpoint") or inputs.get("dockerregistryconnection")
            unknown = Unknown("what the service connection logs in with is kept in Azure DevOps", "runtime")
            place = place_of(self._tree.source, connection if connection is not None else task)
            self._facts.row(SECRETS, path, place, name=name, acr=unknown, admin=unknown)

    def _container(self, table: Table, path: str) -> None:
        """The container of a job: an image, an alias of `resources`, or a table with both."""
        node = table.items["container"]
        settings: Node | None = node
        if isinstance(node, Table):
            self._resource(node, f"{path}.container")
        elif isinstance(node, Leaf) and not node.null and "image" not in table.items:
            aliases = {
                text_of(one.items.get("container")): one
                for one in tables(self._document.get("resources", "containers"))
            }
            settings = aliases.get(node.text)
            if settings is None and (":" in node.text or "/" in node.text):
                place = place_of(self._tree.source, node)
                self._facts.image(self._filled(node.text), "run", f"{path}.container", place)
        else:
            return
        if ("steps" in table.items or "strategy" in table.items) and not (
            isinstance(node, Leaf) and node.null
        ):
            self._engine(settings, node, f"{path}.container")

    def _engine(self, settings: Node | None, node: Node, path: str) -> None:
        """Whether the agent gives a job's container its own socket; without a word its version decides."""
        written = text_of(settings.items.get("mapDockerSocket")) if isinstance(settings, Table) else None
        reason = "without mapDockerSocket the agent's version decides whether its socket is mounted"
        socket = truth(written, reason) if written is not None else Unknown(reason, "runtime")
        if socket is not False:
            place = place_of(self._tree.source, node)
            self._facts.row(
                SOCKETS, path, place, container=path, source="/var/run/docker.sock", socket=socket
            )

    def _resource(self, container: Table, path: str) -> None:
        source = self._tree.source
        image = container.items.get("image")
        if isinstance(image, Leaf) and not image.null:
            self._facts.image(self._filled(image.text), "run", path, place_of(source, image))
        repository = container.items.get("repository")
        if isinstance(repository, Leaf) and (text_of(container.items.get("type")) or "").upper() == "ACR":
            text = self._filled(f"{repository.text}:{HOLE}")
            self._facts.image(text, "run", path, place_of(source, repository), built_in=True)
            self._connection(container.items.get("azureSubscription"), path, acr=True)
        self._connection(container.items.get("endpoint"), path)
        host = Host()
        for leaf in texts(container.items.get("volumes")):
            filled = self._filled(mount_source(leaf.text, keyed=False))
            host.mount(filled.text, filled.reason)
            socket = socket_of(filled.text, filled.reason)
            if socket is not False:
                shown_source = filled.text.replace(HOLE, "…")
                self._facts.row(
                    SOCKETS, path, place_of(source, leaf), container=path, source=shown_source, socket=socket
                )
        option = container.items.get("options")
        if isinstance(option, Leaf):
            container_options(self._facts, host, self._tree.fragment(option), path, self._expressions)
        place = place_of(source, option if option is not None else container)
        self._facts.row(CONTAINERS, path, place, container=path, **host.values())


def _resolve(match: re.Match[str], known: Mapping[str, Filled]) -> tuple[str | None, str]:
    """The value of `$(name)`, `${{ variables.name }}`, `${{ parameters.name }}`."""
    name = match[1]
    if name is None:
        found = _VARIABLE.match((match[2] or match[3] or "").strip())
        name = (found[1] or found[2]) if found else ""
    value = known.get(name)
    if value is None:
        lowered = name.lower()
        value = next((one for key, one in known.items() if key.lower() == lowered), None) if name else None
    return (value.text, "") if value is not None and value.known else (None, match[0][:80])
