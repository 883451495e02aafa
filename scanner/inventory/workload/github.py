"""GitHub Actions: a workflow or action comes in, its images, logins and scripts go to `Facts`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from scanner.inventory.workload.addresses import host_of, stands_in_clear
from scanner.inventory.workload.calls import read_calls
from scanner.inventory.workload.docker_calls import TOOLS, options
from scanner.inventory.workload.facts import CONTAINERS, LOGINS, SECRETS, SOCKETS, Facts
from scanner.inventory.workload.images import Filled, addressed, is_acr, shown
from scanner.inventory.workload.logins import ADMIN, TOKEN_USER, is_admin, judged
from scanner.inventory.workload.mounts import Host, mount_source, socket_of
from scanner.inventory.workload.shell_words import POWERSHELL, SH, Expressions, Scanner
from scanner.inventory.workload.source import HOLE, Fragment
from scanner.inventory.workload.walking import all_tables, fill, gather, label, place_of, settled, texts
from scanner.inventory.workload.yaml_tree import Leaf, Listing, Node, Table, Tree, text_of
from scanner.model.values import Unknown

_INNER = r"(?:[^{}\n]|\{[^{}\n]{0,50}\}){0,500}"
EXPRESSION = re.compile(rf"\$\{{\{{({_INNER})\}}\}}")
_ITEM = rf"(?:\$\{{\{{{_INNER}\}}\}}|[^\s,])+"
_NAMES = re.compile(rf"(?m)^[ \t]*(?:name=)?({_ITEM})")
_ENV = re.compile(r"env\.([A-Za-z_][A-Za-z0-9_]*)\Z")
_FROM_STEP = re.compile(r"\b(?:steps|needs)\.")
_FEDERATED = ("client-id", "tenant-id")


def is_workflow(document: Node, name: str) -> bool:
    """Whether a document is a workflow or the definition of an action."""
    if not isinstance(document, Table):
        return False
    runs = document.items.get("runs")
    if isinstance(runs, Table) and "using" in runs.items:
        return True
    jobs = document.items.get("jobs")
    if not isinstance(jobs, Table) or not ("on" in document.items or ".github/workflows/" in f"/{name}"):
        return False
    return any(
        isinstance(job, Table) and {"runs-on", "uses", "steps"} & job.items.keys()
        for job in jobs.items.values()
    )


def read_workflow(facts: Facts, tree: Tree, document: Node) -> None:
    """Take in a workflow or action."""
    assert isinstance(document, Table), "recognised before"
    facts.recognised = True
    _Workflow(facts, tree, document).read()


class _Workflow:
    def __init__(self, facts: Facts, tree: Tree, document: Table) -> None:
        self._facts = facts
        self._tree = tree
        self._document = document
        written = gather(
            (name, Filled(leaf.text))
            for _, table in all_tables(document)
            if isinstance(env := table.items.get("env"), Table)
            for name, leaf in env.items.items()
            if isinstance(leaf, Leaf)
        )
        self._env = settled(
            written, lambda text, known: fill(text, EXPRESSION, lambda match: _resolve(match, known))
        )
        self._expressions = Expressions(EXPRESSION, lambda match: _resolve(match, self._env))

    def filled(self, text: str) -> Filled:
        """A text with its expressions filled in."""
        return fill(text, EXPRESSION, lambda match: _resolve(match, self._env))

    def read(self) -> None:
        jobs = self._document.items.get("jobs")
        for name, job in jobs.items.items() if isinstance(jobs, Table) else ():
            if isinstance(job, Table):
                self._job(name, job)
        runs = self._document.items.get("runs")
        if isinstance(runs, Table):
            image = runs.items.get("image")
            if isinstance(image, Leaf) and image.text.startswith("docker://"):
                self._image(image, "runs.image")
            self._steps(runs, "runs")

    def _job(self, name: str, job: Table) -> None:
        path = f"jobs.{name}"
        self._container(job.items.get("container"), f"{path}.container")
        services = job.items.get("services")
        for service, settings in services.items.items() if isinstance(services, Table) else ():
            self._container(settings, f"{path}.services.{service}")
        self._steps(job, path)

    def _steps(self, holder: Table, path: str) -> None:
        steps = holder.items.get("steps")
        for at, step in enumerate(steps.items if isinstance(steps, Listing) else ()):
            if isinstance(step, Table):
                self._step(step, f"{path}.steps.{label(step, at)}")

    def _step(self, step: Table, path: str) -> None:
        run = step.items.get("run")
        if isinstance(run, Leaf):
            shell = (
                text_of(step.items.get("shell"))
                or text_of(self._document.get("defaults", "run", "shell"))
                or ""
            ).lower()
            dialect = POWERSHELL if shell.startswith(("pwsh", "powershell")) else SH
            self._script(self._tree.fragment(run), path, dialect)
        uses = step.items.get("uses")
        if not isinstance(uses, Leaf):
            return
        if uses.text.startswith("docker://"):
            self._image(uses, f"{path}.uses")
            return
        given = step.items.get("with")
        inputs = given if isinstance(given, Table) else Table("", step.start)
        action = uses.text.partition("@")[0].lower()
        match action:
            case "azure/login":
                self._azure_login(inputs, uses, path)
            case "docker/login-action" | "redhat-actions/podman-login":
                self._login(inputs, uses, path, ("registry", "username", "password"))
            case "azure/docker-login":
                self._login(inputs, uses, path, ("login-server", "username", "password"))
            case "azure/container-apps-deploy-action":
                self._login(inputs, uses, path, ("acrName", "acrUsername", "acrPassword"))
                self._images(inputs, path, ("imageToDeploy", "imageToBuild"), "run")
            case "azure/aci-deploy":
                keys = ("registry-login-server", "registry-username", "registry-password")
                self._login(inputs, uses, path, keys)
                self._images(inputs, path, ("image",), "run")
            case "azure/webapps-deploy":
                self._images(inputs, path, ("images",), "run")
            case "azure/k8s-deploy":
                self._images(inputs, path, ("images",), "run")
            case "azure/k8s-create-secret":
                self._pull_secret(inputs, uses, path)
            case "docker/build-push-action":
                pushed = (text_of(inputs.items.get("push")) or "").lower() == "true"
                self._images(inputs, path, ("tags",), "push" if pushed else "build")
            case "docker/metadata-action":
                self._names(inputs, path)
            case "nick-fields/retry" | "nick-invision/retry" | "wandalen/wretry.action":
                command = inputs.items.get("command")
                if isinstance(command, Leaf):
                    self._script(self._tree.fragment(command), path, SH, retried=True)
            case "azure/cli" | "azure/powershell":
                script = inputs.items.get("inlineScript") or inputs.items.get("inlinescript")
                if isinstance(script, Leaf):
                    dialect = POWERSHELL if action.endswith("powershell") else SH
                    self._script(self._tree.fragment(script), path, dialect)
            case _:
                pass

    def _script(self, fragment: Fragment, path: str, dialect: str, *, retried: bool = False) -> None:
        read_calls(self._facts, fragment, path, dialect, self._env, self._expressions, retried=retried)

    def _image(self, leaf: Leaf, path: str) -> None:
        filled = self.filled(leaf.text.removeprefix("docker://"))
        self._facts.image(filled, "run", path, place_of(self._tree.source, leaf))

    def _images(self, inputs: Table, path: str, keys: tuple[str, ...], use: str) -> None:
        """Images in inputs, one per line or with commas between them."""
        for key in keys:
            leaf = inputs.items.get(key)
            if isinstance(leaf, Leaf) and not leaf.null:
                fragment = self._tree.fragment(leaf)
                for match in re.finditer(_ITEM, leaf.text):
                    filled = self.filled(match[0])
                    if filled.text.strip(HOLE):
                        at = f"{path}.{key} {shown(filled.text, filled.names)}"
                        self._facts.image(filled, use, at, fragment.place(match.start(), match.end()))

    def _names(self, inputs: Table, path: str) -> None:
        """Names without tags, which the action makes."""
        leaf = inputs.items.get("images")
        if not isinstance(leaf, Leaf) or leaf.null:
            return
        fragment = self._tree.fragment(leaf)
        for match in _NAMES.finditer(leaf.text):
            filled = self.filled(match[1])
            text = Filled(f"{filled.text}:{HOLE}", (*filled.names, "the tag"))
            self._facts.image(
                text,
                "build",
                f"{path}.images {shown(filled.text, filled.names)}",
                fragment.place(match.start(1), match.end(1)),
            )

    def _container(self, node: Node | None, path: str) -> None:
        """The container of a job, or one beside it."""
        if isinstance(node, Leaf) and not node.null:
            self._image(node, path)
        if not isinstance(node, Table):
            return
        image = node.items.get("image")
        if isinstance(image, Leaf) and not image.null:
            self._image(image, path)
            credentials = node.items.get("credentials")
            if isinstance(credentials, Table):
                self._credentials(credentials, self.filled(image.text), f"{path}.credentials")
        host = Host()
        for leaf in texts(node.items.get("volumes")):
            self._mount(host, mount_source(leaf.text, keyed=False), leaf, path)
        option = node.items.get("options")
        if isinstance(option, Leaf):
            container_options(self._facts, host, self._tree.fragment(option), path, self._expressions)
        self._facts.row(
            CONTAINERS,
            path,
            place_of(self._tree.source, option if option is not None else node),
            container=path,
            **host.values(),
        )

    def _mount(self, host: Host, text: str, leaf: Leaf, path: str) -> None:
        filled = self.filled(text)
        host.mount(filled.text, filled.reason)
        socket = socket_of(filled.text, filled.reason)
        if socket is not False:
            place = place_of(self._tree.source, leaf)
            self._facts.row(
                SOCKETS, path, place, container=path, source=shown(filled.text, filled.names), socket=socket
            )

    def _credentials(self, credentials: Table, image: Filled, path: str) -> None:
        address = addressed(image)
        server = Filled(address.text.partition("/")[0], address.names)
        if "/" not in address.text or is_acr(host_of(server.text), server.reason) is False:
            return
        user = credentials.items.get("username")
        filled = self.filled(user.text) if isinstance(user, Leaf) else None
        how, long_lived = judged(filled, server, (), given=True)
        self._facts.login(
            path,
            place_of(self._tree.source, user if user is not None else credentials),
            server,
            how,
            long_lived=long_lived,
        )
        password = credentials.items.get("password")
        if isinstance(password, Leaf) and stands_in_clear(self.filled(password.text).text):
            place = place_of(self._tree.source, password)
            self._facts.literal(path, place, "password of a container", shown(server.text, server.names))

    def _azure_login(self, inputs: Table, uses: Leaf, path: str) -> None:
        creds = inputs.items.get("creds")
        place = place_of(self._tree.source, creds if isinstance(creds, Leaf) else uses)
        if creds is not None:
            self._facts.session(
                path, place, "a client secret of a service principal (creds)", long_lived=True
            )
        elif (text_of(inputs.items.get("auth-type")) or "").upper() == "IDENTITY":
            self._facts.session(path, place, "a managed identity", long_lived=False)
        elif all(key in inputs.items for key in _FEDERATED):
            self._facts.session(path, place, "federation", long_lived=False)
        else:
            unknown = Unknown("the action's inputs do not say how it logs in", "parameter")
            self._facts.session(path, place, "azure/login", long_lived=unknown)

    def _login(self, inputs: Table, uses: Leaf, path: str, keys: tuple[str, str, str]) -> None:
        server, user, password = (inputs.items.get(key) for key in keys)
        if not isinstance(server, Leaf) or not isinstance(password, Leaf):
            return
        host = addressed(self.filled(server.text))
        if keys[0] == "acrName":
            host = Filled(f"{host.text}.azurecr.io", host.names)
        acr = is_acr(host_of(host.text), host.reason)
        if acr is False:
            return
        filled = self.filled(user.text) if isinstance(user, Leaf) else None
        how, long_lived = judged(filled, host, (), given=True)
        if (
            long_lived is True
            and how != ADMIN
            and _FROM_STEP.search(password.text)
            and not (filled and filled.text == TOKEN_USER)
        ):
            how, long_lived = (
                "a password of an earlier step",
                Unknown("the password comes from an earlier step", "runtime"),
            )
        place = place_of(self._tree.source, password)
        self._facts.row(
            LOGINS,
            path,
            place,
            server=shown(host.text, host.names),
            how=how,
            acr=acr,
            longLived=long_lived,
        )
        if stands_in_clear(self.filled(password.text).text):
            self._facts.literal(
                path, place, f"password of {uses.text.partition('@')[0]}", shown(host.text, host.names)
            )

    def _pull_secret(self, inputs: Table, uses: Leaf, path: str) -> None:
        server, user = (
            inputs.items.get("container-registry-url"),
            inputs.items.get("container-registry-username"),
        )
        name = text_of(inputs.items.get("secret-name")) or "unnamed"
        self._facts.secrets["", name] = True
        if not isinstance(server, Leaf):
            return
        host = addressed(self.filled(server.text))
        acr = is_acr(host_of(host.text), host.reason)
        if acr is False:
            return
        filled = self.filled(user.text) if isinstance(user, Leaf) else None
        admin = is_admin(filled, host)
        place = place_of(self._tree.source, user if user is not None else uses)
        self._facts.row(
            SECRETS,
            path,
            place,
            name=name,
            server=shown(host.text, host.names),
            acr=acr,
            admin=admin,
            user=ADMIN if admin is True else shown(filled.text, filled.names) if filled else None,
        )
        password = inputs.items.get("container-registry-password")
        if isinstance(password, Leaf) and stands_in_clear(self.filled(password.text).text):
            place = place_of(self._tree.source, password)
            self._facts.literal(path, place, "password of a pull secret", shown(host.text, host.names))


def container_options(
    facts: Facts, host: Host, fragment: Fragment, path: str, expressions: Expressions | None
) -> None:
    """Options as `docker create` takes them, in one text."""
    words = [word for command in Scanner(fragment.text, SH, {}, expressions).run() for word in command.words]
    for name, value in options(words, frozenset({"--privileged", "--init", "--rm", *TOOLS})):
        if name == "--privileged" and value is None:
            host.privileged = True
        elif value is None:
            continue
        elif name in ("-v", "--volume", "--mount"):
            source = mount_source(value.text, keyed=name == "--mount")
            host.mount(source, value.filled.reason)
            socket = socket_of(source, value.filled.reason)
            if socket is not False:
                facts.row(
                    SOCKETS,
                    path,
                    fragment.place(value.start, value.end),
                    container=path,
                    source=shown(source, value.names),
                    socket=socket,
                )
        elif name in ("--pid", "--network", "--net", "--ipc", "--uts", "--userns") and value.text == "host":
            host.namespaces.append(f"host {name.strip('-')}")
        elif name == "--security-opt":
            host.security(value.text)


def _resolve(match: re.Match[str], env: Mapping[str, Filled]) -> tuple[str | None, str]:
    """The value of an expression: variables of `env`, and texts in quotes."""
    inner = match[1].strip()
    if len(inner) > 1 and inner[0] == inner[-1] == "'" and "'" not in inner[1:-1]:
        return inner[1:-1], inner
    name = _ENV.match(inner)
    value = env.get(name[1]) if name else None
    if value is not None and value.known:
        return value.text, inner
    return None, f"${{{{ {inner[:80]} }}}}"
