"""Commands of scripts: a script comes in, what its calls of docker, az, kubectl and their like do goes to `Facts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scanner.inventory.workload.docker_calls import TOOLS, At, docker, login, options
from scanner.inventory.workload.facts import LOGINS, SECRETS, Facts
from scanner.inventory.workload.images import Filled, is_acr, shown
from scanner.inventory.workload.logins import (
    ADMIN,
    UNSAID,
    is_admin,
    judged,
    reads_admin,
    sources_of,
    written_down,
)
from scanner.inventory.workload.shell import Variables, read_script
from scanner.inventory.workload.shell_words import SH, Command, Expressions, Word
from scanner.inventory.workload.source import HOLE, Fragment
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
_REGISTRY_PASSWORDS = (
    "--registry-password",
    "--docker-registry-server-password",
    "--container-registry-password",
    "-p:registrypassword",
)


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
    at = At(facts, fragment, path, retried)
    for command in commands:
        one_call(command, variables, at)


def _worth(text: str) -> bool:
    """Whether a script can hold a call that matters at all; most do not."""
    lowered = text.lower()
    return any(
        name in lowered
        for name in ("docker", "podman", "nerdctl", "az ", "az.cmd", "kubectl", "credential", *_LOGIN_TOOLS)
    )


def one_call(command: Command, variables: Variables, at: At) -> None:
    """Take in one command, without what wraps it."""
    words, retried = _unwrapped(command.words)
    if not words:
        return
    inner = At(at.facts, at.fragment, at.path, at.retried or retried)
    program = (
        words[0].text.replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe").removesuffix(".cmd")
    )
    bare = Command(words, command.before, command.depth, command.loops)
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
        if rest and rest[0].text == "login":
            _docker_login(bare, rest[1:], variables, inner)
        else:
            docker(bare, rest, inner)
    elif program in _LOGIN_TOOLS:
        steps = _LOGIN_TOOLS[program]
        if tuple(word.text for word in words[1 : 1 + len(steps)]) == steps:
            _docker_login(bare, words[1 + len(steps) :], variables, inner)
    elif program == "az":
        _az(bare, words[1:], variables, inner)
    elif program == "kubectl":
        _kubectl(words[1:], variables, inner)
    elif program == "connect-azaccount":
        _connect(words, at)


def _named(words: Sequence[Word]) -> str:
    """The registry that a call names, for people."""
    for name, value in options(words[1:], frozenset()):
        if value is not None and name.lower() in ("-n", "--name", "-name", "-registryname"):
            return shown(value.text, value.names)
    return "a registry"


def _unwrapped(words: Sequence[Word]) -> tuple[list[Word], bool]:
    """The words of the program itself, and whether a wrapper repeats it."""
    rest, retried = list(words), False
    while rest:
        text = rest[0].text
        lowered = text.lower()
        if "retry" in lowered and "=" not in text:
            retried = True
            known = next(
                (at for at, word in enumerate(rest[1:], 1) if word.text in (*TOOLS, "az")), len(rest)
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


def _docker_login(command: Command, words: Sequence[Word], variables: Variables, at: At) -> None:
    def credential(
        user: Word | None, password: Word | None, server: Filled | None
    ) -> tuple[str, bool | Unknown | None, bool]:
        assert server is not None, "a login without a server is not for a registry of ours"
        how, long_lived = judged(
            user.filled if user else None,
            server,
            sources_of(variables, user, password),
            given=user is not None or password is not None,
        )
        return how, long_lived, written_down(password)

    login(command, words, at, credential)


def _az(command: Command, words: Sequence[Word], variables: Variables, at: At) -> None:
    texts = [word.text for word in words]
    found = dict(options(words, _AZ_SWITCHES))
    match texts[:2]:
        case ["acr", "login"]:
            _acr_login(words, variables, at)
        case ["acr", "build"]:
            registry = _first(found, "-r", "--registry")
            for name, value in options(words[2:], _AZ_SWITCHES):
                if name in ("-t", "--image") and value is not None:
                    place = at.fragment.place(value.start, value.end)
                    words_of = at.name(f"az acr build {shown(value.text, value.names)}")
                    at.facts.image(
                        value.filled,
                        "push",
                        words_of,
                        place,
                        built_in=registry.filled if registry else Filled(HOLE),
                    )
        case ["acr", "import"]:
            source = _first(found, "--source")
            if source is not None and "/" in source.text:
                place = at.fragment.place(source.start, source.end)
                at.facts.image(
                    source.filled, "pull", at.name(f"az acr import {shown(source.text, source.names)}"), place
                )
        case ["login", *_]:
            _az_login(words, at)
        case _:
            _az_password(words, found, variables, at)
    del command


_AZ_SWITCHES = frozenset(
    {
        "--expose-token",
        "--service-principal",
        "--identity",
        "--no-wait",
        "--no-push",
        "--no-logs",
        "--no-format",
        "--force",
        "--yes",
        "-y",
        "--allow-no-subscriptions",
        "--only-show-errors",
        "--debug",
        "--verbose",
        "-i",
    }
)


def _first(found: Mapping[str, Word | None], *names: str) -> Word | None:
    return next((found[name] for name in names if name in found), None)


def _acr_login(words: Sequence[Word], variables: Variables, at: At) -> None:
    found = dict(options(words, _AZ_SWITCHES | {"-t"}))
    name = _first(found, "-n", "--name")
    user, password = _first(found, "-u", "--username"), _first(found, "-p", "--password")
    place = at.fragment.place(words[0].start, words[-1].end)
    label = shown(name.text, name.names) if name is not None else "a registry"
    if user is None and password is None:
        at.facts.row(
            LOGINS,
            at.name(f"az acr login {label}"),
            place,
            server=label,
            how="the session of az",
            acr=True,
            longLived=False,
        )
        return
    server = Filled(f"{name.text}.azurecr.io", name.names) if name is not None else Filled(HOLE)
    how, long_lived = judged(
        user.filled if user else None, server, sources_of(variables, user, password), given=True
    )
    if long_lived is None:
        return
    at.facts.row(
        LOGINS, at.name(f"az acr login {label}"), place, server=label, how=how, acr=True, longLived=long_lived
    )
    if password is not None and written_down(password):
        at.facts.literal(
            at.name(f"az acr login {label}"),
            at.fragment.place(password.start, password.end),
            "password of az acr login",
            label,
        )


def _az_login(words: Sequence[Word], at: At) -> None:
    """`az login` counts where the file has to do with registries; `Facts` sees to that."""
    found = dict(options(words, _AZ_SWITCHES))
    place = at.fragment.place(words[0].start, words[-1].end)
    if "--service-principal" not in found:
        if "--identity" in found or "-i" in found:
            at.facts.session(at.name("az login"), place, "a managed identity", long_lived=False)
        return
    if "--federated-token" in found:
        at.facts.session(at.name("az login"), place, "federation", long_lived=False)
        return
    password = _first(found, "-p", "--password")
    at.facts.session(
        at.name("az login"), place, "a client secret or certificate of a service principal", long_lived=True
    )
    if password is not None and written_down(password) and not password.text.endswith((".pem", ".pfx")):
        at.facts.literal(
            at.name("az login"),
            at.fragment.place(password.start, password.end),
            "client secret of az login",
            "a service principal",
        )


def _connect(words: Sequence[Word], at: At) -> None:
    """`Connect-AzAccount`."""
    texts = {word.text.lower() for word in words}
    place = at.fragment.place(words[0].start, words[-1].end)
    if "-identity" in texts or "-federatedtoken" in texts:
        at.facts.session(
            at.name("Connect-AzAccount"), place, "a managed identity or federation", long_lived=False
        )
    elif "-serviceprincipal" in texts:
        how = "a client secret or certificate of a service principal"
        at.facts.session(at.name("Connect-AzAccount"), place, how, long_lived=True)


def _az_password(
    words: Sequence[Word], found: Mapping[str, Word | None], variables: Variables, at: At
) -> None:
    """Passwords of a registry that are handed to a service, such as `az containerapp create --registry-password`."""
    password = _first(found, *_REGISTRY_PASSWORDS)
    if password is None:
        return
    server = _first(
        found,
        "--registry-server",
        "--docker-registry-server-url",
        "--container-registry-url",
        "--registry-login-server",
    )
    user = _first(found, "--registry-username", "--docker-registry-server-user", "--container-registry-user")
    host = server.filled if server is not None else Filled(HOLE, ("the server",))
    host = Filled(host.text.removeprefix("https://"), host.names)
    if is_acr(host.text.partition("/")[0], host.reason) is False:
        return
    how, long_lived = judged(
        user.filled if user else None, host, sources_of(variables, user, password), given=True
    )
    name = " ".join(word.text for word in words[:2])
    place = at.fragment.place(password.start, password.end)
    at.facts.login(at.name(f"az {name} --registry-password"), place, host, how, long_lived=long_lived)
    if written_down(password):
        at.facts.literal(at.name(f"az {name}"), place, "password of a registry", shown(host.text, host.names))


def _kubectl(words: Sequence[Word], variables: Variables, at: At) -> None:
    texts = [word.text for word in words if not word.text.startswith("-")]
    found = dict(options(words, frozenset({"--rm", "-i", "-t", "-it", "--dry-run"})))
    if texts[:2] == ["create", "secret"] and texts[2:3] == ["docker-registry"]:
        plain = [value for name, value in options(words, frozenset()) if not name and value is not None]
        name = plain[3] if len(plain) > 3 else words[0]
        _pull_secret(name, found, variables, at)
    elif texts[:1] == ["run"] and (image := _first(found, "--image")) is not None:
        words_of = at.name(f"kubectl run {shown(image.text, image.names)}")
        at.facts.image(image.filled, "run", words_of, at.fragment.place(image.start, image.end))
    elif texts[:2] == ["set", "image"]:
        for word in words:
            target, equals, reference = word.text.partition("=")
            if equals and not target.startswith("-"):
                begun = word.end - len(reference)
                at.facts.image(
                    Filled(reference, word.names),
                    "run",
                    at.name(f"kubectl set image {shown(reference, word.names)}"),
                    at.fragment.place(max(begun, word.start), word.end),
                )


def _pull_secret(name: Word, found: Mapping[str, Word | None], variables: Variables, at: At) -> None:
    server, user, password = (found.get(f"--docker-{part}") for part in ("server", "username", "password"))
    if server is None:
        return
    host = Filled(server.text.removeprefix("https://"), server.names)
    acr = is_acr(host.text.partition("/")[0], host.reason)
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
