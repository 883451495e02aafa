"""A waiver file comes in, its entries come out; every mistake is reported with file:line:column, and then nothing counts.

The shape: `apiVersion`, optional `policy`, and the lists `waivers` and `attestations`. Dates are YYYY-MM-DD.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from scanner.errors import Problems, RuleError
from scanner.language.form import Form
from scanner.language.pack import API_VERSION
from scanner.model.condition import Mark
from scanner.model.waiver import KINDS, RESULTS, Attestation, Coverage, Register, Waiver, WaiverPolicy
from scanner.text import Mapping, Node, Scalar, load_yaml, nearest, read_text

NAME = "acr-waivers.yaml"
MAX_ENTRIES = 20_000
MAX_GLOB = 1_000
POLICY = {"maximumDays": "maximum_days", "soonDays": "soon_days", "broad": "broad"}
TARGETS = ("resource", "resourceGlob", "fingerprint")
_SHARED = ("id", "rule", *TARGETS, "reason", "owner", "approver", "created", "expires")
WAIVER_KEYS = (*_SHARED, "element", "kind", "ticket", "exemption")
ATTESTATION_KEYS = (*_SHARED, "result", "evidence")
REQUIRED = ("id", "rule", "reason", "owner", "approver", "created", "expires")
_MISSING = dict.fromkeys(("reason", "owner", "approver"), "WAIV003")
"""The check of `policy lint` that a missing key belongs to."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_PRINT = re.compile(r"[0-9a-f]{64}")


def read(path: Path, rules: Collection[str] | None = None) -> Register:
    """The entries of a file. `rules`: ids that may be named (also replaced ones); None = any.

    Raises `Problems` with every mistake: unknown or missing keys, wrong dates, two entries with one id, unknown rules.
    """
    return parse(read_text(path), str(path), rules)


def parse(text: str, name: str, rules: Collection[str] | None = None) -> Register:
    """The entries in a text; `name` is the file it is from."""
    documents, source = load_yaml(text, name)
    if len(documents) != 1:
        raise RuleError("a waiver file holds one document", name, f"Begin with apiVersion: {API_VERSION}")
    form = Form(source)
    body = form.mapping(
        documents[0], "a waiver file", ("apiVersion", "policy", "waivers", "attestations"), ("apiVersion",)
    )
    form.choice(body.items.get("apiVersion"), "apiVersion", (API_VERSION,), API_VERSION)
    found = entries(form, body, rules)
    if len(found.waivers) + len(found.attestations) > MAX_ENTRIES:
        form.report(f"a waiver file holds at most {MAX_ENTRIES:,} entries", body.mark)
    if form.errors:
        raise Problems(form.errors)
    return replace(found, words=name, digest=hashlib.sha256(text.encode()).hexdigest())


def entries(form: Form, body: Mapping, rules: Collection[str] | None = None) -> Register:
    """The entries in a mapping that holds `policy`, `waivers` and `attestations` as a waiver file does.

    Mistakes are in the form; then the register is not to be used.
    """
    reader = _Reader(form, rules)
    return Register(
        waivers=tuple(reader.waiver(node) for node in form.items(body.items.get("waivers"), "waivers")),
        attestations=tuple(
            reader.attestation(node) for node in form.items(body.items.get("attestations"), "attestations")
        ),
        policy=_policy(form, body.items.get("policy")),
        words="",
        digest="",
    )


def _policy(form: Form, node: Node | None) -> WaiverPolicy:
    if node is None:
        return WaiverPolicy()
    body = form.mapping(node, "policy", tuple(POLICY))
    given = {}
    for key, name in POLICY.items():
        value = form.whole(body.items.get(key), key)
        if value is not None:
            given[name] = value
    return WaiverPolicy(**given)


class _Reader:
    """Reads entries of one file; knows the ids seen so far."""

    def __init__(self, form: Form, rules: Collection[str] | None) -> None:
        self._form = form
        self._rules = rules
        self._seen: dict[str, Mark] = {}

    def waiver(self, node: Node) -> Waiver:
        body = self._form.mapping(node, "a waiver", WAIVER_KEYS, (*REQUIRED, "kind"), _MISSING)
        texts = self._texts(body, "ticket", "exemption")
        kind = self._form.choice(body.items.get("kind"), "kind", KINDS, KINDS[0])
        return Waiver(kind=kind, ticket=texts["ticket"], source=texts["exemption"], **self._shared(body))

    def attestation(self, node: Node) -> Attestation:
        required = (*REQUIRED, "result", "evidence")
        body = self._form.mapping(node, "an attestation", ATTESTATION_KEYS, required, _MISSING)
        result = self._form.choice(body.items.get("result"), "result", RESULTS, RESULTS[1])
        evidence = self._texts(body, "evidence")["evidence"]
        return Attestation(result=result, evidence=evidence, **self._shared(body))

    def _shared(self, body: Mapping) -> dict[str, Any]:
        """What both kinds of entries have."""
        created, expires = self._span(body)
        return {
            "id": self._id(body),
            "covers": self._covers(body),
            **self._texts(body, "reason", "owner", "approver"),
            "created": created,
            "expires": expires,
            "place": _place(body.mark),
        }

    def _texts(self, body: Mapping, *keys: str) -> dict[str, str]:
        return {key: self._form.text(body.items.get(key), key) for key in keys}

    def _id(self, body: Mapping) -> str:
        node = body.items.get("id")
        found = self._form.text(node, "id")
        if node is not None and found and not _ID.fullmatch(found):
            self._form.report(f"id {found!r} must be letters, digits, dots, dashes, at most 80", node.mark)
        if node is not None and found.lower() in self._seen:
            first = self._seen[found.lower()]
            self._form.report(f"the id {found!r} stands twice, first in line {first.line}", node.mark)
        elif node is not None:
            self._seen[found.lower()] = node.mark
        return found

    def _covers(self, body: Mapping) -> Coverage:
        form = self._form
        rule_node = body.items.get("rule")
        rule = form.text(rule_node, "rule")
        if rule and rule_node is not None and self._rules is not None and rule not in self._rules:
            advice = nearest(rule, self._rules) or "acrscan policy list shows the rules."
            form.report(f"there is no rule {rule!r}", rule_node.mark, advice, "WAIV005")
        given = [key for key in TARGETS if key in body.items]
        if len(given) != 1:
            form.report(
                f"an entry needs exactly one of {', '.join(TARGETS)}",
                body.marks[given[1]] if len(given) > 1 else body.mark,
                "resource is one exact id; resourceGlob may have * (within a segment) and ** (any).",
            )
        text = {key: form.text(body.items.get(key), key) for key in (*TARGETS, "element")}
        self._check_target(body, text)
        return Coverage(rule, text["resource"], text["resourceGlob"], text["fingerprint"], text["element"])

    def _check_target(self, body: Mapping, text: dict[str, str]) -> None:
        report = self._form.report
        if text["resource"] and "*" in text["resource"]:
            report(
                "a resource is one exact id", body.items["resource"].mark, "Patterns go into resourceGlob."
            )
        elif text["resource"] and not text["resource"].startswith(("/", "file:")):
            report(
                f"{text['resource'][:80]!r} is no resource id",
                body.items["resource"].mark,
                "It begins with /subscriptions/...",
            )
        if len(text["resourceGlob"]) > MAX_GLOB:
            report(f"a glob has at most {MAX_GLOB:,} characters", body.items["resourceGlob"].mark)
        if text["fingerprint"] and not _PRINT.fullmatch(text["fingerprint"]):
            report("a fingerprint is 64 hexadecimal digits", body.items["fingerprint"].mark)

    def _span(self, body: Mapping) -> tuple[str, str]:
        created, expires = (self._date(body, key) for key in ("created", "expires"))
        if created and expires and expires < created:
            self._form.report(f"expires on {expires}, before it was created", body.items["expires"].mark)
        return created, expires

    def _date(self, body: Mapping, key: str) -> str:
        node = body.items.get(key)
        if node is None:
            return ""
        text = node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
        if not _is_day(text):
            self._form.report(f"{key} must be a day that exists, written YYYY-MM-DD", node.mark)
            return ""
        return text


def _is_day(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _place(mark: Mark) -> str:
    return f"{mark.file}:{mark.line}:{mark.column}"
