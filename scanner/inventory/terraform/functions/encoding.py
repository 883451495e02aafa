"""Functions that encode, decode and hash."""

from __future__ import annotations

import base64
import binascii
import csv
import gzip
import hashlib
import io
import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote_plus

import yaml

from scanner.errors import InputError, ScannerError
from scanner.inventory.terraform.functions.texts import text
from scanner.inventory.terraform.values import EvaluationError, SetOf
from scanner.json_text import parse_json
from scanner.text import load_yaml, plain


def _plain(value: Any) -> Any:
    if isinstance(value, SetOf):
        return [_plain(item) for item in value.items]
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in sorted(value.items())}
    return value


def json_of(value: Any) -> str:
    """JSON as Terraform writes it: keys sorted, no spaces, `<`, `>` and `&` escaped."""
    found = json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False)
    return found.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _json(string: Any) -> Any:
    try:
        return parse_json(text(string), "jsondecode")
    except InputError as error:
        raise EvaluationError("jsondecode: no valid JSON") from error


def _yaml(string: Any) -> Any:
    try:
        documents, _ = load_yaml(text(string), "yamldecode")
    except ScannerError as error:
        raise EvaluationError("yamldecode: no YAML that can be read") from error
    if len(documents) > 1:
        raise EvaluationError("yamldecode: more than one document")
    return plain(documents[0]) if documents else None


def _base64(string: Any) -> str:
    try:
        return base64.b64decode(text(string), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise EvaluationError("base64decode: no Base64 of a text") from error


def _csv(string: Any) -> list[dict[str, str]]:
    try:
        rows = list(csv.reader(io.StringIO(text(string)), strict=True))
    except csv.Error as error:
        raise EvaluationError("csvdecode: no CSV") from error
    return [dict(zip(rows[0], row, strict=False)) for row in rows[1:]] if rows else []


def _hashed(name: str, string: Any) -> bytes:
    return hashlib.new(name, text(string).encode(), usedforsecurity=False).digest()


_NAMESPACES = {
    "dns": uuid.NAMESPACE_DNS,
    "url": uuid.NAMESPACE_URL,
    "oid": uuid.NAMESPACE_OID,
    "x500": uuid.NAMESPACE_X500,
}


def _uuid(namespace: Any, name: Any) -> str:
    given = text(namespace)
    try:
        home = _NAMESPACES.get(given) or uuid.UUID(given)
    except ValueError as error:
        raise EvaluationError("uuidv5: no namespace") from error
    return str(uuid.uuid5(home, text(name)))


TABLE: dict[str, Callable[..., Any]] = {
    "base64decode": _base64,
    "base64encode": lambda string: base64.b64encode(text(string).encode()).decode(),
    "base64gzip": lambda string: base64.b64encode(gzip.compress(text(string).encode(), mtime=0)).decode(),
    "base64sha256": lambda string: base64.b64encode(_hashed("sha256", string)).decode(),
    "base64sha512": lambda string: base64.b64encode(_hashed("sha512", string)).decode(),
    "csvdecode": _csv,
    "jsondecode": _json,
    "jsonencode": json_of,
    "md5": lambda string: _hashed("md5", string).hex(),
    "sha1": lambda string: _hashed("sha1", string).hex(),
    "sha256": lambda string: _hashed("sha256", string).hex(),
    "sha512": lambda string: _hashed("sha512", string).hex(),
    "urldecode": lambda string: unquote_plus(text(string)),
    "urlencode": lambda string: quote(text(string), safe="-_.~").replace("%20", "+"),
    "uuidv5": _uuid,
    "yamldecode": _yaml,
    "yamlencode": lambda value: yaml.safe_dump(_plain(value), default_flow_style=False, allow_unicode=True),
}
