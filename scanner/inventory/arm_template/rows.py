"""What rules on template files look at: expanded resources come in, one `acrscan/templateFiles` resource per file comes out.

Rows tell where a credential is read, written down, given away or passed on in clear, and which api-versions are named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scanner.inventory.arm_template.body import Places
from scanner.inventory.arm_template.declared import SECURE, declarations
from scanner.inventory.arm_template.deployment import Instance
from scanner.inventory.arm_template.positions import Document
from scanner.inventory.arm_template.scope import Scope, Use
from scanner.inventory.arm_template.syntax import Call, Literal, is_expression, nodes, parse
from scanner.inventory.arm_template.values import ExpressionError, Hole, first_secret, lookup
from scanner.inventory.redact import secret_name
from scanner.model import ids
from scanner.model.resource import Origin, Resource
from scanner.model.values import Alternatives, Hidden, Unknown, UnreadTail
from scanner.types import facts_for

TYPE = "acrscan/templateFiles"
READS, LITERALS, HOME, VERSIONS, OUTPUTS, PLAIN = (
    "credentialReads",
    "literalCredentials",
    "homeReplications",
    "apiVersions",
    "outputSecrets",
    "plainSecrets",
)
LISTS = (READS, LITERALS, HOME, VERSIONS, OUTPUTS, PLAIN)
_R = "microsoft.containerregistry/registries"
_OWN_RULES = (f"{_R}/tasks", f"{_R}/webhooks")
"""Types most of whose secrets have rules of their own."""
_ARGUMENT = re.compile(r"/(?:arguments|values)/\d+/value$")
_SECRETS = frozenset({"password", "secret", "token", "key", "connectionString", "sas", "header"})
_BY_PLACE = re.compile(r"/secrets/\d+/value$|/securevalue$")
"""Pointers at which a resource holds a secret under whatever name: secrets of container apps, `secureValue` of containers."""
_MOST = 500
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(?:-\w+)?")


class Rows:
    """The rows of one file, over all its evaluations; the same thing at the same place is one row."""

    def __init__(self, document: Document, kind: str) -> None:
        self._document = document
        self._kind = kind
        self._rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {name: {} for name in LISTS}
        self._places: dict[
            tuple[str, tuple[Any, ...]], tuple[Document, tuple[str, ...], tuple[Use, ...]]
        ] = {}
        self._open: dict[str, str] = {}
        self._registries: dict[str, Instance] = {}
        self._replications: list[tuple[Instance, Resource]] = []
        self.static(document)

    def _add(
        self,
        name: str,
        document: Document,
        path: tuple[str, ...],
        row: Mapping[str, Any],
        uses: tuple[Use, ...] = (),
    ) -> None:
        rows = self._rows[name]
        if len(rows) >= _MOST:
            self._open[name] = f"more than {_MOST} rows"
            return
        key = (document.name, path, tuple(sorted((item, str(value)) for item, value in row.items())))
        at = ".".join(path)
        rows.setdefault(key, {**row, "at": at if document is self._document else f"{document.name}: {at}"})
        self._places[name, key] = (document, path, uses)

    def static(self, document: Document) -> None:
        """Take in what a text shows without being run: `listCredentials` anywhere, also where nothing uses it."""
        if "listcredentials" in document.text.lower():
            self._reads(document)
        declared = document.value.get("parameters") if isinstance(document.value, Mapping) else None
        if isinstance(declared, Mapping):
            self._defaults(document, declared, ())

    def _reads(self, document: Document) -> None:
        stack: list[tuple[Any, tuple[str, ...]]] = [(document.value, ())]
        while stack:
            node, path = stack.pop()
            if isinstance(node, Mapping):
                stack += [(item, (*path, key)) for key, item in node.items()]
            elif isinstance(node, list):
                stack += [(item, (*path, str(at))) for at, item in enumerate(node)]
            elif isinstance(node, str) and "listcredentials" in node.lower() and is_expression(node):
                for call in _calls(node):
                    self._add(READS, document, path, {"function": call.written})
                    version = call.arguments[1] if len(call.arguments) > 1 else None
                    if isinstance(version, Literal) and _VERSION.fullmatch(str(version.value)):
                        row = {"type": "Microsoft.ContainerRegistry/registries", "apiVersion": version.value}
                        self._add(VERSIONS, document, path, row)

    def _defaults(self, document: Document, declared: Mapping[str, Any], base: tuple[str, ...]) -> None:
        """Secure parameters with a default that stands in the file."""
        for name, item in declared.items():
            kind = str(item.get("type", "")).lower() if isinstance(item, Mapping) else ""
            default = item.get("defaultValue") if isinstance(item, Mapping) else None
            if kind in SECURE and default not in (None, "", {}) and not _computed(default):
                path = (*base, "parameters", name, "defaultValue")
                self._add(LITERALS, document, path, {"kind": "default of a secure parameter", "name": name})

    def given(self, parameters: Document, template: Mapping[str, Any]) -> None:
        """Values of secure parameters that stand in a parameter file."""
        values = parameters.value.get("parameters") if isinstance(parameters.value, Mapping) else None
        declared = declarations(template)
        for name, item in values.items() if isinstance(values, Mapping) else ():
            declaration = declared.get(name.lower())
            value = item.get("value") if isinstance(item, Mapping) else None
            if declaration is not None and declaration.secure and value not in (None, "", {}):
                path = ("parameters", name, "value")
                self._add(
                    LITERALS, parameters, path, {"kind": "secure parameter in a parameter file", "name": name}
                )

    def version(self, one: Instance) -> None:
        """The api-version of a resource of Container Registry."""
        if one.api_version:
            self._add(
                VERSIONS, one.scope.document, one.path, {"type": one.kind, "apiVersion": one.api_version}
            )

    def resource(self, one: Instance, resource: Resource) -> None:
        """Secrets in a resource, and replications at home."""
        lowered = one.kind.lower()
        if lowered == _R:
            self._registries[ids.normalise(resource.id)] = one
        elif lowered == f"{_R}/replications":
            self._replications.append((one, resource))
        for pointer, name, value in _secrets(resource):
            if lowered not in _OWN_RULES or _beside_rules(pointer.lower(), value):
                self._secret(one, resource, pointer, name, value)

    def _secret(self, one: Instance, resource: Resource, pointer: str, name: str, value: Any) -> None:
        places = resource.places
        document, path, uses = (
            places.trace(pointer) if isinstance(places, Places) else (one.scope.document, one.path, ())
        )
        if isinstance(value, (str, Hidden, Alternatives)):
            self._add(LITERALS, document, path, {"kind": resource.type, "name": name}, uses)
        elif isinstance(value, Unknown) and value.kind == "parameter":
            used = next(
                (
                    use.path[-2 if use.path[-1] == "defaultValue" else -1]
                    for use in uses
                    if "parameters" in use.path
                ),
                "",
            )
            self._add(
                PLAIN,
                document,
                path,
                {"name": name, "parameter": used, "why": "a parameter that is not secure"},
                uses,
            )

    def deployment(self, one: Instance) -> None:
        """Secrets that a nested deployment writes into the history of deployments."""
        if not one.deployed:
            return
        nested = one.nested()
        if nested is None:
            return
        if nested.outer is not None:
            self._outer(nested)
            return
        if nested.document is not one.scope.document:
            self.static(nested.document)
        for name, declaration in nested.declarations.items():
            if declaration.secure or name not in nested.supplied_names:
                continue
            try:
                value = nested.parameter(name)
            except ExpressionError:
                continue
            secret = first_secret(value)
            if secret is not None:
                path = (*one.path, "properties", "parameters", declaration.name)
                row = {
                    "name": declaration.name,
                    "parameter": declaration.name,
                    "why": f"{secret.reason}, and the parameter of the nested deployment is not secure",
                }
                self._add(PLAIN, one.scope.document, path, row)
        for name, declaration in nested.declarations.items():
            if (
                declaration.secure
                and declaration.has_default
                and declaration.default not in (None, "", {})
                and not _computed(declaration.default)
            ):
                path = (*nested.path, "parameters", declaration.name, "defaultValue")
                self._add(
                    LITERALS, nested.document, path, {"kind": "default of a secure parameter", "name": name}
                )

    def _outer(self, nested: Scope) -> None:
        """Secure values used in the template of a deployment with outer scope stand in clear in its history."""
        holder = nested
        while holder.outer is not None:
            holder = holder.outer
        stack: list[tuple[Any, tuple[str, ...]]] = [
            (nested.template.get("resources"), (*nested.path, "resources"))
        ]
        while stack:
            node, path = stack.pop()
            if isinstance(node, Mapping):
                stack += [(item, (*path, key)) for key, item in node.items()]
            elif isinstance(node, list):
                stack += [(item, (*path, str(at))) for at, item in enumerate(node)]
            elif isinstance(node, str) and is_expression(node):
                for words in _secret_calls(node, holder):
                    row = {
                        "name": path[-1],
                        "parameter": words,
                        "why": "a nested deployment with outer scope",
                    }
                    self._add(PLAIN, nested.document, path, row)

    def outputs(self, scope: Scope) -> None:
        """Secrets that a template gives away."""
        outputs = scope.template.get("outputs")
        for name, output in outputs.items() if isinstance(outputs, Mapping) else ():
            if not isinstance(output, Mapping) or str(output.get("type", "")).lower() in SECURE:
                continue
            begun = len(scope.run.trail)
            try:
                secret = first_secret(scope.output(name))
            except ExpressionError:
                secret = None
            uses = tuple(dict.fromkeys(scope.run.trail[begun:]))
            del scope.run.trail[begun:]
            if secret is not None:
                path = (*scope.path, "outputs", name)
                self._add(OUTPUTS, scope.document, path, {"name": name, "why": secret.reason}, uses)

    def end(self) -> None:
        """Settle what needs all resources of an evaluation."""
        for one, resource in self._replications:
            self._home(one, resource)
        self._replications.clear()
        self._registries.clear()

    def _home(self, one: Instance, resource: Resource) -> None:
        registry = self._registries.get(ids.normalise(ids.registry_of(resource.id)))
        if registry is None:
            return
        home, own = registry.value("location"), one.value("location")
        if isinstance(home, Hole) and isinstance(own, Hole):
            if home != own:
                self._open[HOME] = f"the location of {resource.name} is not known: {own.reason}"
                return
        elif not (isinstance(home, str) and isinstance(own, str)):
            known = next((item for item in (own, home) if not isinstance(item, str)), None)
            reason = known.reason if isinstance(known, (Unknown, Alternatives)) else "not given"
            self._open[HOME] = f"the location of {resource.name} or of its registry is not known: {reason}"
            return
        elif _folded(home) != _folded(own):
            return
        if resource.optional:
            self._open[HOME] = f"{resource.name}: {resource.optional}"
            return
        words = own if isinstance(own, str) else "the registry's own location"
        row = {"registry": registry.shown_name, "location": words}
        self._add(HOME, one.scope.document, one.path, row)

    def made(self) -> Resource:
        """The resource that template rules look at."""
        scope = ids.file_scope(self._document.name)
        identifier = ids.file_id(scope, TYPE, [self._document.name.rpartition("/")[2]])
        trace: dict[str, Any] = {"": (self._document, (), ())}
        properties: dict[str, Any] = {"kind": self._kind, "path": self._document.name}
        for name in LISTS:
            rows: list[Any] = []
            for at, (key, row) in enumerate(self._rows[name].items()):
                rows.append(row)
                trace[f"/properties/{name}/{at}".lower()] = self._places[name, key]
            if name in self._open:
                rows.append(UnreadTail(self._open[name]))
            properties[name] = rows
        return Resource(
            id=identifier,
            type=TYPE,
            name=self._document.name,
            body={"id": identifier, "name": self._document.name, "type": TYPE, "properties": properties},
            origin=Origin("arm", self._document.name),
            places=Places(trace, ""),
        )


def _calls(text: str) -> Iterator[Call]:
    """Calls of `listCredentials` in an expression."""
    try:
        found = [node for node in nodes(parse(text)) if isinstance(node, Call)]
    except ExpressionError:
        return
    for node in found:
        if node.name == "listcredentials":
            about = node.arguments[0] if node.arguments else None
            if not (
                isinstance(about, Literal)
                and "/providers/" in str(about.value).lower()
                and "microsoft.containerregistry" not in str(about.value).lower()
            ):
                yield node


def _secret_calls(text: str, scope: Scope) -> Iterator[str]:
    """Secure parameters and list functions that an expression uses."""
    try:
        found = [node for node in nodes(parse(text)) if isinstance(node, Call)]
    except ExpressionError:
        return
    for node in found:
        if node.name == "parameters" and node.arguments and isinstance(node.arguments[0], Literal):
            declaration = scope.declarations.get(str(node.arguments[0].value).lower())
            if declaration is not None and declaration.secure:
                yield declaration.name
        elif node.name.startswith("list") and node.name not in scope.run.functions:
            yield node.written


def _computed(value: Any) -> bool:
    return isinstance(value, str) and is_expression(value)


def _secrets(resource: Resource) -> Iterator[tuple[str, str, Any]]:
    """(pointer, name, value) of everything in a body that holds a secret by its name, its facts or its shape."""
    facts = facts_for(resource.type)
    known = (
        {"/" + "/".join(fact.keys).lower() for fact in facts.secrets() if fact.secret in _SECRETS}
        if facts
        else set()
    )
    vault = resource.type.lower() == "microsoft.keyvault/vaults/secrets"
    stack: list[tuple[Any, str, str]] = [(resource.body, "", "")]
    while stack:
        node, pointer, key = stack.pop()
        if isinstance(node, Mapping):
            pair = _pair(node)
            for name, item in node.items():
                below = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
                secret = secret_name(name) or (pair and name.lower() == "value") or below.lower() in known
                placed = _BY_PLACE.search(below.lower()) is not None
                secret = secret or (vault and below == "/properties/value") or placed
                if secret and not isinstance(item, (Mapping, list)):
                    if _held(item):
                        own = lookup(node, "name") if placed else None
                        yield below, pair or (own if isinstance(own, str) else name), item
                elif isinstance(item, Hidden):
                    if item.kind in _SECRETS or _ARGUMENT.search(below.lower()):
                        yield below, pair or name, item
                else:
                    stack.append((item, below, name))
        elif isinstance(node, list):
            for at, item in enumerate(node):
                if isinstance(item, Hidden) and item.kind in _SECRETS:
                    yield f"{pointer}/{at}", key, item
                else:
                    stack.append((item, f"{pointer}/{at}", key))


def _beside_rules(pointer: str, value: Any) -> bool:
    """Secrets of tasks that no rule on tasks speaks of: the token of the context, and arguments that are declared secret."""
    return pointer.endswith("/contextaccesstoken") or (
        isinstance(value, Hidden) and _ARGUMENT.search(pointer) is not None
    )


def _pair(node: Mapping[str, Any]) -> str:
    """The name of a `{name, value}` pair that holds a secret, or ""."""
    name = lookup(node, "name")
    return name if isinstance(name, str) and secret_name(name, loose=True) else ""


def _held(value: Any) -> bool:
    """Whether a value is a secret that is there: not empty, no reference to a Key Vault, no placeholder."""
    if isinstance(value, str):
        return bool(value.strip()) and not value.startswith(("@Microsoft.KeyVault", "<", "{{", "${", "$("))
    if isinstance(value, Alternatives):
        return any(_held(item) for item in value.values)
    return isinstance(value, (Hidden, Unknown))


def _folded(location: str) -> str:
    return location.replace(" ", "").lower()
