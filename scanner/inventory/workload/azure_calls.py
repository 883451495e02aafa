"""What `az` and its PowerShell twin are told to do: the words of a command come in, references and rows of `Facts` come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scanner.inventory.workload.addresses import host_of
from scanner.inventory.workload.docker_calls import At, options
from scanner.inventory.workload.facts import LOGINS
from scanner.inventory.workload.images import Filled, addressed, is_acr, shown
from scanner.inventory.workload.logins import judged, sources_of, written_down
from scanner.inventory.workload.shell import Variables
from scanner.inventory.workload.shell_words import Word
from scanner.inventory.workload.source import HOLE

_SERVICES = frozenset({"container", "containerapp", "webapp", "functionapp"})
_IMAGES = (
    "--image",
    "--container-image-name",
    "--deployment-container-image-name",
    "--docker-custom-image-name",
)
_REGISTRY_PASSWORDS = (
    "--registry-password",
    "--docker-registry-server-password",
    "--container-registry-password",
    "-p:registrypassword",
)
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


def azure(words: Sequence[Word], variables: Variables, at: At) -> None:
    """Take in one call of az. `words`: without the program."""
    if not words:
        return
    texts = [word.text for word in words]
    found = dict(options(words, _AZ_SWITCHES))
    match texts[:2]:
        case ["acr", "login"]:
            _acr_login(words, variables, at)
        case ["acr", "build"]:
            for name, value in options(words[2:], _AZ_SWITCHES):
                if name in ("-t", "--image") and value is not None:
                    place = at.fragment.place(value.start, value.end)
                    words_of = at.name(f"az acr build {shown(value.text, value.names)}")
                    at.facts.image(
                        value.filled,
                        "push",
                        words_of,
                        place,
                        built_in=True,
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
            _az_image(words, found, at)
            _az_password(words, found, variables, at)


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


def connect(words: Sequence[Word], at: At) -> None:
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


def _az_image(words: Sequence[Word], found: Mapping[str, Word | None], at: At) -> None:
    """The image that a service of Azure is told to run."""
    if words[0].text not in _SERVICES:
        return
    image = _first(found, *_IMAGES)
    if image is not None:
        words_of = at.name(f"az {words[0].text} {shown(image.text, image.names)}")
        at.facts.image(image.filled, "run", words_of, at.fragment.place(image.start, image.end))


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
    host = addressed(host)
    if is_acr(host_of(host.text), host.reason) is False:
        return
    how, long_lived = judged(
        user.filled if user else None, host, sources_of(variables, user, password), given=True
    )
    name = " ".join(word.text for word in words[:2])
    place = at.fragment.place(password.start, password.end)
    at.facts.login(at.name(f"az {name} --registry-password"), place, host, how, long_lived=long_lived)
    if written_down(password):
        at.facts.literal(at.name(f"az {name}"), place, "password of a registry", shown(host.text, host.names))
