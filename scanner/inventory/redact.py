"""Secrets: a key, its value and what the specification says come in; the kind of secret comes out, or "".

Known properties are secret where the type facts say so. Unknown ones are judged by their name; any text by its shape.
"""

from __future__ import annotations

import re
from typing import Any

from scanner.types import Fact

_NAMES = {
    "password": "password",
    "passwd": "password",
    "pwd": "password",
    "secret": "secret",
    "clientsecret": "secret",
    "token": "token",
    "accesstoken": "token",
    "refreshtoken": "token",
    "idtoken": "token",
    "connectionstring": "connectionString",
    "accountkey": "key",
    "accesskey": "key",
    "apikey": "key",
    "sharedaccesskey": "key",
    "primarykey": "key",
    "secondarykey": "key",
    "privatekey": "key",
    "sastoken": "sas",
    "sasuri": "sas",
    "sasurl": "sas",
    "loglink": "sas",
    "logsasurl": "sas",
    "authorization": "header",
    "xapikey": "header",
}
"""Names of unknown properties, folded to letters, whose text is a secret."""

_SHAPES = (
    (re.compile(r"(?i)\b(?:AccountKey|SharedAccessKey|SharedAccessSignature)\s*="), "connectionString"),
    (re.compile(r"(?i)[?&]sig=[A-Za-z0-9%+/]{16,}"), "sas"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\."), "token"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"), "key"),
    (re.compile(r"(?i)^\s*(?:bearer|basic)\s+[A-Za-z0-9+/_=.-]{16,}\s*$"), "header"),
    (re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9_]{22,}\b"), "token"),
)
_SHORTEST = len("AccountKey=")
"""Characters below which no text has one of the shapes."""


def kind_of(key: str, value: Any, fact: Fact | None, siblings: dict[str, Any]) -> str:
    """The kind of secret that a value is, or "". Empty values are none: there is nothing to withhold."""
    if value is None or value in ("", [], {}):
        return ""
    if fact is not None and fact.secret and _applies(fact, siblings):
        return fact.secret
    if not isinstance(value, str):
        return ""
    if fact is None:
        named = _NAMES.get(re.sub(r"[^a-z]", "", key.lower()))
        if named:
            return named
    if len(value) < _SHORTEST:
        return ""
    return next((kind for shape, kind in _SHAPES if shape.search(value)), "")


_ENDINGS = (
    "password",
    "passwd",
    "pwd",
    "clientsecret",
    "accountkey",
    "accesskey",
    "apikey",
    "connectionstring",
)
_LOOSE = (*_ENDINGS, "secret", "token")


def secret_name(key: str, *, loose: bool = False) -> str:
    """The kind of secret that something of this name holds, or "". `loose`: names of settings, such as `REGISTRY_TOKEN`."""
    folded = re.sub(r"[^a-z]", "", key.lower())
    found = _NAMES.get(folded)
    if found is None and folded.endswith(_LOOSE if loose else _ENDINGS):
        found = "password" if folded.endswith(("password", "passwd", "pwd")) else "secret"
    return found or ""


def _applies(fact: Fact, siblings: dict[str, Any]) -> bool:
    """Whether a secret that depends on its neighbours is one here; a missing neighbour counts as fitting."""
    if fact.secret_when is None:
        return True
    lowered = {key.lower(): value for key, value in siblings.items()}
    return all(_same(lowered.get(key.lower(), wanted), wanted) for key, wanted in fact.secret_when.items())


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return value.lower() == wanted.lower()
    return bool(value == wanted)
