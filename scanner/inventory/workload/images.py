"""Image references as people write them: a text with holes comes in, its registry, repository, tag and digest come out.

A hole (`source.HOLE`) is a variable or build argument without a known value. What stands around it is kept, so that a rule can
decide where every value leads to the same answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from scanner.inventory.workload.addresses import bare, without_user
from scanner.inventory.workload.source import HOLE
from scanner.model.values import ABSENT, Partial, Unknown

_ACR = re.compile(r"\.azurecr\.(?:io|cn|us|de)\Z", re.IGNORECASE)
_ACR_AT_END = re.compile(r"(?i)azurecr\.(?:io|cn|us|de)\Z")
DOCKER_HUB = "docker.io"
MOST_TEXT = 1_000


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with holes; `names`: what was not known, as words, in order."""

    text: str
    names: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether nothing is open."""
        return HOLE not in self.text

    @property
    def reason(self) -> str:
        """Why the holes are open."""
        names = list(dict.fromkeys(self.names))
        return f"{' and '.join(names[:3]) or 'a part'} {'are' if len(names) > 1 else 'is'} not known here"


def value_of(text: str, reason: str) -> Any:
    """A text with holes as a body holds it: known, partly known or unknown."""
    if HOLE not in text:
        return text
    if not text.strip(HOLE):
        return Unknown(reason, "parameter")
    parts = [None if part[0] == HOLE else part for part in re.split(f"({HOLE}+)", text) if part]
    return Partial(tuple(parts), reason)


def shown(text: str, names: Iterable[str] = ()) -> str:
    """A text with holes for people: the names of what is open, or an ellipsis. Passwords in an address are left out."""
    public = without_user(text)
    left = iter(tuple(names)[text.count(HOLE) - public.count(HOLE) :])
    return "".join(next(left, "…") if character == HOLE else character for character in public)


def addressed(address: Filled) -> Filled:
    """An address without scheme, user name and password."""
    text = bare(address.text)
    return Filled(text, address.names[address.text.count(HOLE) - text.count(HOLE) :])


def is_acr(host: str, reason: str) -> bool | Unknown:
    """Whether a host is the login server of a registry in Azure."""
    if _ACR.search(host):
        return True
    if HOLE not in host:
        return False
    tail = host.rpartition(HOLE)[2]
    if _ACR_AT_END.search(tail):
        return True
    if tail and not any(name.endswith(tail.lower()) for name in ("azurecr.io", "azurecr.cn", "azurecr.us")):
        return False
    return Unknown(reason, "parameter")


def split_reference(reference: Filled) -> Mapping[str, Any]:
    """The properties of a reference; ABSENT ones are left out."""
    reason = reference.reason
    text, _, digest = reference.text.partition("@")
    found: dict[str, Any] = {}
    host, slash, rest = text.partition("/")
    named = bool(slash) and ("." in host or ":" in host or host == "localhost" or host != host.lower())
    if named or not slash:
        repository = rest if named else text
        registry: Any = value_of(host, reason) if named else DOCKER_HUB
        acr: bool | Unknown = is_acr(host.partition(":")[0], reason) if named else False
        if not named and HOLE in text:  # the hole may hold a whole reference, host and all
            registry = Unknown(reason, "parameter")
            acr = Unknown(reason, "parameter")
    elif HOLE in host:
        repository = HOLE + rest if host.strip(HOLE) == "" else text
        registry, acr = Unknown(reason, "parameter"), Unknown(reason, "parameter")
    else:
        repository, registry, acr = text, DOCKER_HUB, False
    head, _, last = repository.rpartition("/")
    last, colon, tag = last.partition(":")
    repository = f"{head}/{last}" if head else last
    found["registry"] = registry
    found["acr"] = acr
    found["repository"] = value_of(repository, reason)
    open_end = Unknown(reason, "parameter")
    found["tag"] = value_of(tag, reason) if colon else (open_end if HOLE in last and not digest else ABSENT)
    found["digest"] = (
        value_of(digest, reason)
        if digest
        else (open_end if (tag or last).endswith(HOLE) or (not colon and HOLE in last) else ABSENT)
    )
    return {key: value for key, value in found.items() if value is not ABSENT}
