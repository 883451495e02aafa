"""Plans: the JSON of `terraform show -json` comes in, what would exist after applying it comes out.

`after_unknown` makes unknown values, `after_sensitive` secrets. References of the configuration join what has no id yet.
https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from scanner.errors import InputError
from scanner.inventory.terraform.beside import Beside
from scanner.inventory.terraform.file_rows import Rows
from scanner.inventory.terraform.home import Home, elsewhere, id_of, render
from scanner.inventory.terraform.instance import Instance
from scanner.inventory.terraform.mapping import SILENT, TEMPLATES, is_registry_kind, wanted
from scanner.inventory.terraform.plan_values import join_references, list_of, merge, object_of, version_of
from scanner.inventory.terraform.result import Evaluated, embedded, finish, note_error
from scanner.inventory.terraform.tree import Files
from scanner.inventory.terraform.values import Sym
from scanner.inventory.terraform.versions import NEWEST, Version
from scanner.json_text import parse_json
from scanner.model import ids
from scanner.model.resource import Place

MAX_RESOURCES = 100_000
_FORMAT = re.compile(r"[01]\.\d+")
_CLAUSE = re.compile(r"\d+(?:\.\d+){0,2}")
_GONE = (["delete"], ["forget"])
Row = Mapping[str, Any]


def evaluate_plan(files: Files, path: Path) -> Evaluated:
    """Everything that a plan describes. Raises `InputError` for what is no plan."""
    name = files.name(path)
    if _begins(path, name) == b"PK":
        raise InputError("is a binary plan", name, "Write `terraform show -json FILE > plan.json`.")
    source = files.source(path)
    content = parse_json(source.content.decode("utf-8"), name)
    _check(content, name)
    home = Home(name)
    found = Evaluated()
    plan = _Plan(content, home, name, Beside(files, path.parent))
    if content.get("errored") is True:
        found.notes.append(f"{name}: the plan ended with an error, so it may be incomplete")
    instances = list(plan.instances(found))
    finish(instances, plan.version(), home, found)
    rows = Rows()
    rows.plan(name, content)
    found.files += rows.finished(home)
    if (
        not found.resources
        and not found.problems
        and b"azurerm_container_registry" in source.content
        and not plan.gone
    ):
        what = "speaks of registries, yet nothing of it was understood"
        note_error(home, InputError(what, name, "Write the plan again with `terraform show -json`."), found)
    return found


def _begins(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(2)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", name) from error


def _check(content: Any, name: str) -> None:
    if not isinstance(content, dict) or "terraform_version" not in content:
        raise InputError("is no plan of Terraform", name, "Write `terraform show -json FILE > plan.json`.")
    version = content.get("format_version")
    if not isinstance(version, str) or not _FORMAT.fullmatch(version):
        raise InputError(
            f"has the format {str(version)[:20]!r}, which is not known",
            name,
            "Versions 0.x and 1.x are read.",
        )
    if "resource_changes" not in content and "planned_values" not in content and "values" not in content:
        raise InputError(
            "holds no changes and no values", name, "Write `terraform show -json FILE > plan.json`."
        )


@dataclass(slots=True)
class _Written:
    """A resource of the configuration: what its arguments refer to."""

    expressions: Row
    provider: str


@dataclass(slots=True)
class _Plan:
    """A plan whose parts refer to one another."""

    content: Row
    home: Home
    name: str
    beside: Beside
    gone: int = 0
    _rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    _written: dict[tuple[str, str], _Written] = field(default_factory=dict)
    _calls: dict[str, Row] = field(default_factory=dict)
    _outputs: dict[tuple[str, str], Row] = field(default_factory=dict)

    def instances(self, found: Evaluated) -> Iterator[Instance]:
        """Every instance of a type that is looked at."""
        self._configured(object_of(object_of(self.content.get("configuration")).get("root_module")), "")
        for row in self._changes():
            self._rows[str(row["address"])] = row
        self.home.stands_for(self._subscription())
        for row in self._rows.values():
            identifier = object_of(row["values"]).get("id")
            own = id_of(
                row["type"],
                partial(self._argument, row),
                self.home,
            )
            if isinstance(identifier, str) and identifier.startswith("/") and own is not None and render(own):
                self.home.aliases[identifier.lower()] = render(own)
        for address, row in self._rows.items():
            if row["mode"] != "managed":
                continue
            if wanted(row["type"]):
                yield self._instance(address, row)
            elif row["type"] in TEMPLATES:
                embedded(address, object_of(row["values"]).get("template_content"), self.home, found)
            elif is_registry_kind(row["type"]) and row["type"] not in SILENT:
                what = f"{row['type']} is not known to this version of acrscan"
                note_error(self.home, InputError(what, f"{self.name} {address}", "Update acrscan."), found)

    def _subscription(self) -> str:
        """The subscription of Azure that the plan is for: the provider's, that of the login, or the only one that occurs."""
        for config in object_of(object_of(self.content.get("configuration")).get("provider_config")).values():
            if not str(object_of(config).get("full_name", "")).endswith("hashicorp/azurerm") or object_of(
                config
            ).get("alias"):
                continue
            given = object_of(object_of(object_of(config).get("expressions")).get("subscription_id"))
            if isinstance(given.get("constant_value"), str):
                return str(given["constant_value"])
            for reference in list_of(given.get("references")):
                variable = object_of(
                    object_of(self.content.get("variables")).get(str(reference).removeprefix("var."))
                )
                if isinstance(variable.get("value"), str):
                    return str(variable["value"])
        before = object_of(object_of(self.content.get("prior_state")).get("values"))
        for row in [*self._values(object_of(before.get("root_module"))), *self._rows.values()]:
            if row["mode"] == "data" and row["type"] in ("azurerm_client_config", "azurerm_subscription"):
                found = object_of(row["values"]).get("subscription_id")
                if isinstance(found, str):
                    return found
        held = {
            ids.subscription_of(str(object_of(row["values"]).get("id", ""))) for row in self._rows.values()
        } - {""}
        return held.pop() if len(held) == 1 else ""

    def version(self) -> Version:
        """The version of azurerm, from the configuration's constraint."""
        for config in object_of(object_of(self.content.get("configuration")).get("provider_config")).values():
            if not isinstance(config, dict) or not str(config.get("full_name", "")).endswith(
                "hashicorp/azurerm"
            ):
                continue
            numbers = _CLAUSE.search(str(config.get("version_constraint", "")))
            if numbers:
                return tuple(int(part) for part in numbers[0].split("."))
        for row in self._rows.values():
            if row["type"] == "azurerm_container_registry":
                return version_of(object_of(row["values"]))
        return NEWEST

    def _changes(self) -> Iterator[dict[str, Any]]:
        """(address, type, values with what is unknown and secret) of what will exist."""
        changes = self.content.get("resource_changes")
        if not isinstance(changes, list):
            yield from self._values(object_of(self._root_values()))
            return
        if len(changes) > MAX_RESOURCES:
            raise InputError(f"more than {MAX_RESOURCES:,} changes", self.name)
        for number, row in enumerate(changes):
            change = row.get("change") if isinstance(row, dict) else None
            if (
                not isinstance(change, dict)
                or not isinstance(row.get("address"), str)
                or not isinstance(row.get("type"), str)
            ):
                raise InputError(f"change {number + 1} is no change of a resource", self.name)
            if change.get("actions") in _GONE:
                self.gone += 1
                continue
            if row.get("deposed"):
                continue
            after = change.get("after")
            values = merge(
                after if isinstance(after, dict) else {},
                change.get("after_unknown"),
                change.get("after_sensitive"),
                row["address"],
            )
            yield {**row, "values": values, "mode": row.get("mode", "managed")}

    def _root_values(self) -> Any:
        planned = self.content.get("planned_values", self.content.get("values"))
        return object_of(planned).get("root_module")

    def _values(self, module: Row) -> Iterator[dict[str, Any]]:
        """Resources of a state, or of a plan without changes."""
        stack = [module]
        while stack:
            one = stack.pop()
            for row in list_of(one.get("resources")):
                if (
                    isinstance(row, dict)
                    and isinstance(row.get("address"), str)
                    and isinstance(row.get("type"), str)
                ):
                    values = merge(
                        object_of(row.get("values")), None, row.get("sensitive_values"), row["address"]
                    )
                    yield {
                        **row,
                        "values": values,
                        "mode": row.get("mode", "managed"),
                        "module_address": one.get("address", ""),
                    }
            stack += [child for child in list_of(one.get("child_modules")) if isinstance(child, dict)]

    def _configured(self, module: Row, path: str, depth: int = 0) -> None:
        if depth > 32:
            raise InputError("modules are nested deeper than 32 levels", self.name)
        for row in list_of(module.get("resources")):
            if isinstance(row, dict) and isinstance(row.get("address"), str):
                written = _Written(object_of(row.get("expressions")), str(row.get("provider_config_key", "")))
                self._written[path, row["address"]] = written
        for name, output in object_of(module.get("outputs")).items():
            self._outputs[path, name] = object_of(object_of(output).get("expression"))
        for name, call in object_of(module.get("module_calls")).items():
            below = f"{path}.module.{name}" if path else f"module.{name}"
            self._calls[below] = object_of(object_of(call).get("expressions"))
            self._configured(object_of(object_of(call).get("module")), below, depth + 1)

    def _instance(self, address: str, row: Row) -> Instance:
        place = Place(self.name, 1, 1, 0, 0, "resource")
        values = dict(object_of(row["values"]))
        written = self._written.get((_module_of(row), _config_address(row)))
        if written is not None:
            join_references(
                values,
                written.expressions,
                lambda references: self.referred(_module_of(row), references, row),
            )
        return Instance(
            address=address,
            kind=row["type"],
            values=values,
            places=self.beside.places(_module_of(row), row["type"], str(row.get("name", "")))
            or {"": (place,)},
            get=lambda name: self._attribute(address, row, name),
            module=str(row.get("module_address") or ""),
            file=self.name,
        )

    def _argument(self, row: Row, name: str) -> Any:
        """An argument, also one that refers to what has no value yet."""
        value = object_of(row["values"]).get(name)
        if isinstance(value, Sym):
            written = self._written.get((_module_of(row), _config_address(row)))
            expression = object_of(written.expressions.get(name)) if written is not None else {}
            found = self.referred(_module_of(row), list_of(expression.get("references")), row)
            return value if found is None else found
        return value

    def _attribute(self, address: str, row: Row, name: str) -> Any:
        value = self._argument(row, name)
        if name == "id":
            own = id_of(row["type"], partial(self._argument, row), self.home)
            if own is not None:
                return own
        if value is not None and not (name == "id" and isinstance(value, Sym)):
            return value
        other = elsewhere(row["type"], address, self.home) if name == "id" else None
        if other is not None:
            return other
        return Sym(f"{address}.{name} is known after apply", "runtime", f"{address}.{name}")

    def referred(self, module: str, references: list[Any], user: Row, depth: int = 0) -> Any:
        """What references lead to, where it is one attribute of one resource; None where that cannot be told."""
        names = [one for one in references if isinstance(one, str)]
        if not names or depth > 16:
            return None
        longest = names[0]
        if any(not longest.startswith(other) for other in names[1:]):
            return None
        kind, _, rest = longest.partition(".")
        if kind == "var":
            call = object_of(self._calls.get(module, {})).get(rest.partition(".")[0])
            parent = module.rpartition("module.")[0].rstrip(".")
            return self.referred(parent, list_of(object_of(call).get("references")), user, depth + 1)
        if kind == "module":
            called, _, output = _INDEX.sub("", rest).partition(".")
            below = f"{module}.module.{called}" if module else f"module.{called}"
            expression = self._outputs.get((below, output.partition(".")[0]))
            return (
                None
                if expression is None
                else self.referred(below, list_of(expression.get("references")), user, depth + 1)
            )
        return self._of_resource(module, longest, user)

    def _of_resource(self, module: str, reference: str, user: Row) -> Any:
        parts = _INDEX.sub("", reference).split(".")
        data = parts[0] == "data"
        start = 1 if data else 0
        if len(parts) < start + 3:
            return None
        base = ".".join(parts[: start + 2])
        attribute = parts[start + 2]
        fitting = [
            (address, row)
            for address, row in self._rows.items()
            if _module_of(row) == module and _config_address(row) == base
        ]
        if len(fitting) > 1:
            same = [
                (address, row)
                for address, row in fitting
                if row.get("index") == user.get("index") is not None
            ]
            beside = [(address, row) for address, row in same or fitting if _place_of(row) == _place_of(user)]
            fitting = beside or same
        if len(fitting) != 1:
            return None
        address, row = fitting[0]
        return (
            self._attribute(address, row, attribute)
            if len(parts) == start + 3
            else Sym(f"{reference} is known after apply", "runtime", f"{module}.{reference}".lstrip("."))
        )


_INDEX = re.compile(r"\[(?:[^\[\]\"]|\"(?:[^\"\\]|\\.)*\")*\]")


def _place_of(row: Row) -> str:
    return str(row.get("module_address") or "")


def _module_of(row: Row) -> str:
    """The path of a module in the configuration: without indices."""
    return _INDEX.sub("", str(row.get("module_address") or ""))


def _config_address(row: Row) -> str:
    mode = "data." if row.get("mode") == "data" else ""
    return f"{mode}{row['type']}.{row.get('name', '')}"
