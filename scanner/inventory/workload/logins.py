"""How something proves who it is: a user name, a password and a server come in, what that says of the login comes out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from uuid import UUID

from scanner.inventory.workload.addresses import host_of, stands_in_clear
from scanner.inventory.workload.images import Filled, is_acr
from scanner.inventory.workload.shell import Variables
from scanner.inventory.workload.shell_words import Command, Word
from scanner.inventory.workload.source import HOLE
from scanner.model.values import Unknown

TOKEN_USER = str(UUID(int=0))
"""The user name that goes with an access token of Entra ID."""
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
ADMIN, TOKEN, UNSAID = "the registry's admin user", "a short-lived access token", "a stored password"


def is_admin(user: Filled | None, server: Filled) -> bool | Unknown:
    """Whether a user is the admin user, whose name is that of the registry."""
    if user is None:
        return Unknown("the user name is not written here", "parameter")
    label = host_of(server.text).lower().partition(".")[0]
    name = user.text.strip().lower()
    if name == TOKEN_USER or _GUID.match(name):
        return False
    if HOLE not in name and HOLE not in label:
        return label == name or label.startswith(f"{name}-")
    return Unknown(Filled("", (*user.names, *server.names)).reason, "parameter")


def server_in_azure(server: Filled, sources: Iterable[Command]) -> bool | Unknown:
    """Whether a server is a registry in Azure: by its name, or because its name was asked of Azure."""
    found = is_acr(host_of(server.text), server.reason)
    if isinstance(found, Unknown) and any(_asks_name(one) for one in sources):
        return True
    return found


def _asks_name(command: Command) -> bool:
    words = [word.text.lower() for word in command.words]
    return (
        words[:3] in (["az", "acr", "show"], ["az", "acr", "list"]) or "get-azcontainerregistry" in words[:1]
    )


def reads_admin(command: Command) -> str:
    """How a command reads the password of the admin user, or ""."""
    words = [word.text.lower() for word in command.words]
    if words[:1] and words[0].rpartition("/")[2] in ("az", "az.cmd"):
        if words[1:3] == ["acr", "credential"] and words[3:4] and words[3] in ("show", "renew"):
            return f"az acr credential {words[3]}"
        if words[1:3] in (["acr", "update"], ["acr", "create"]) and _switched_on(words):
            return f"az acr {words[2]} --admin-enabled true"
    for at, word in enumerate(words):
        if word in ("get-azcontainerregistrycredential", "update-azcontainerregistrycredential"):
            return command.words[at].text
        if word == "-enableadminuser" and any("azcontainerregistry" in other for other in words):
            return f"{command.words[0].text} -EnableAdminUser"
        if re.search(r"/listcredentials\b|/regeneratecredential\b", word) or (
            word in ("listcredentials", "regeneratecredential")
            and at
            and words[at - 1] in ("-action", "--action")
        ):
            return "listCredentials" if "list" in word else "regenerateCredential"
    return ""


def _switched_on(words: Sequence[str]) -> bool:
    for at, word in enumerate(words):
        if word.startswith("--admin-enabled"):
            value = word.partition("=")[2] or (words[at + 1] if at + 1 < len(words) else "true")
            return value == "true" or value.startswith("--")
    return False


def gives_token(command: Command) -> bool:
    """Whether a command prints a short-lived token."""
    words = [word.text.lower() for word in command.words]
    return (
        words[:3] == ["az", "acr", "login"] and any(word in ("-t", "--expose-token") for word in words)
    ) or words[:3] == [
        "az",
        "account",
        "get-access-token",
    ]


def judged(
    user: Filled | None, server: Filled, sources: Iterable[Command], *, given: bool
) -> tuple[str, bool | Unknown | None]:
    """(how in words, whether what it proves itself with is long-lived; None where reading it has a row of its own).

    `sources`: commands that the user or password come from; `given`: whether anything is written of them at all.
    """
    found = list(sources)
    if any(reads_admin(one) for one in found):
        return ADMIN, None
    if (user is not None and user.text.strip() == TOKEN_USER) or any(gives_token(one) for one in found):
        return TOKEN, False
    if is_admin(user, server) is True:
        return ADMIN, True
    if not given:
        return "a login that is not written here", Unknown("who logs in is not written here", "parameter")
    return UNSAID, True


def written_down(word: Word | None) -> bool:
    """Whether a password stands there in clear: known as a whole, and no placeholder."""
    return word is not None and stands_in_clear(word.text)


def sources_of(variables: Variables, *words: Word | None) -> list[Command]:
    """The commands whose output is in words."""
    return [command for word in words if word is not None for command in variables.sources_of(word)]
