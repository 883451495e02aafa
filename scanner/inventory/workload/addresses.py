"""Addresses of registries as people write them: a text comes in, its host comes out, and what is secret in it is told apart."""

from __future__ import annotations

import re

from scanner.inventory.workload.source import HOLE

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}://")
_USER = re.compile(r"[^/\s]{0,2000}@(?=[^@]{0,2000}[./])|[^\s]{0,2000}@(?=[^@/\s]{0,300}\.azurecr\.)")
_PLACEHOLDER = re.compile(r"(?i)\A(?:<.*>|\*+|x+|changeme|password|secret|your[-_ ].*|\.\.\.|…|_.*_)\Z")


def _parts(text: str) -> tuple[str, str, str]:
    """(scheme with its slashes, user info with its @, the rest). The @ of a digest is none of a user."""
    scheme = _SCHEME.match(text)
    begun = scheme.end() if scheme else 0
    user = _USER.match(text, begun)
    end = user.end() if user else begun
    rest = text[end:]
    if not scheme and ":" not in text[begun:end] and "/" not in rest and ".azurecr." not in rest:
        end = begun  # somebody's mail address
    return text[:begun], text[begun:end], text[end:]


def without_user(text: str) -> str:
    """An address without user name and password in it."""
    scheme, _, rest = _parts(text)
    return scheme + rest


def bare(text: str) -> str:
    """An address without scheme, user name and password."""
    return _parts(text)[2]


def host_of(text: str) -> str:
    """The host of an address: without scheme, user, port and path."""
    return bare(text).partition("/")[0].partition(":")[0]


def holds_password(text: str) -> bool:
    """Whether an address has a password in clear in front of its host."""
    _, colon, password = _parts(text)[1].removesuffix("@").partition(":")
    return bool(colon) and stands_in_clear(password)


def stands_in_clear(text: str) -> bool:
    """Whether a password is known as a whole, and no placeholder."""
    return bool(text.strip()) and HOLE not in text and not _PLACEHOLDER.match(text)
