"""One root module: its folder and the given values come in, resources in Azure's shape with everything unknown come out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from scanner.errors import InputError
from scanner.inventory.terraform.blocks import instance_of
from scanner.inventory.terraform.calling import Caller
from scanner.inventory.terraform.context import Budget
from scanner.inventory.terraform.evaluate import value_of
from scanner.inventory.terraform.file_rows import Rows
from scanner.inventory.terraform.folder import Written
from scanner.inventory.terraform.home import Home
from scanner.inventory.terraform.instance import Instance
from scanner.inventory.terraform.mapping import SILENT, TEMPLATES, is_registry_kind, wanted
from scanner.inventory.terraform.module import Module, World
from scanner.inventory.terraform.result import Evaluated, embedded, finish, note_error, problem_at
from scanner.inventory.terraform.syntax import Attribute, Block, Literal
from scanner.inventory.terraform.tree import Files
from scanner.inventory.terraform.variables import COMMAND_LINE, Argument, command_line_value, read_values
from scanner.inventory.terraform.versions import azurerm_version


def evaluate_root(
    files: Files,
    root: Path,
    values: Mapping[str, str],
    value_files: tuple[Path, ...],
    *,
    evaluation: str = "",
) -> Evaluated:
    """Everything that a root module describes. Raises `InputError` where its folder cannot be listed."""
    caller = Caller(files, root)
    written = caller.read(root)
    home = Home(files.name(root), evaluation)
    found = Evaluated(declared=frozenset(written.variables))
    world = World(files, Budget(), home, root, caller.open)
    top = Module(world, written, "", {})
    context = top.context()
    top.given = {
        name: Argument(attribute, context, what)
        for name, (attribute, what) in _given(files, home, written, values, value_files, found).items()
    }
    for provider in written.providers:
        if provider.labels[0] == "azurerm" and "alias" not in provider.body.attributes:
            given = provider.body.attributes.get("subscription_id")
            home.stands_for(value_of(given, context) if given is not None else None)
    instances = list(_instances(top, found, home))
    version, how = azurerm_version(files, root, caller.used.values())
    if how == "assumed" and any(one.kind == "azurerm_container_registry" for one in instances):
        found.notes.append(
            f"{home.file}: no version of the provider azurerm is named; {version[0]}.x is assumed"
        )
    finish(instances, version, home, found)
    _tell(world, caller, home, found)
    rows = Rows()
    for one in caller.used.values():
        rows.module(one)
    rows.values(written, (one.attribute for one in top.given.values()))
    found.files += rows.finished(home)
    return found


def _given(
    files: Files,
    home: Home,
    written: Written,
    values: Mapping[str, str],
    value_files: tuple[Path, ...],
    found: Evaluated,
) -> dict[str, tuple[Attribute, str]]:
    """The values of the root's variables in Terraform's order: what comes later wins.

    https://developer.hashicorp.com/terraform/language/values/variables#variable-definition-precedence
    """
    root = written.folder
    automatic = [root / "terraform.tfvars", root / "terraform.tfvars.json"]
    automatic += sorted(
        [*root.glob("*.auto.tfvars"), *root.glob("*.auto.tfvars.json")], key=lambda path: path.name
    )
    given: dict[str, tuple[Attribute, str]] = {}
    for path in [one for one in automatic if one.is_file()]:
        try:
            read = read_values(files, path)
        except InputError as error:
            note_error(home, error, found)
            continue
        given.update({name: (attribute, "variable file") for name, attribute in read.items()})
    for path in value_files:
        given.update(
            {name: (attribute, "variable file") for name, attribute in read_values(files, path).items()}
        )
    for name, text in values.items():
        block = written.variables.get(name)
        kind = block.body.attributes.get("type") if block is not None else None
        given[name] = (
            command_line_value(name, text, kind.expression if kind is not None else None),
            COMMAND_LINE,
        )
    others = [path for path in root.glob("*.tfvars") if path not in automatic and path not in value_files]
    if others and not value_files:
        names = ", ".join(sorted(path.name for path in others)[:5])
        found.notes.append(f"{files.name(root)}: values are not taken from {names}; name one with --var-file")
    return given


def _instances(module: Module, found: Evaluated, home: Home) -> Iterator[Instance]:
    """Every instance of a type that is looked at, in a module and what it calls."""
    for error in module.written.errors:
        note_error(home, error, found)
    for (kind, _), block in module.written.resources.items():
        if wanted(kind) or kind in TEMPLATES or _about_registries(kind, block):
            items = module.items(block)
            if not items and _about_registries(kind, block):
                found.empty.append(
                    f"{module.address(f'{kind}.{block.labels[1]}')} has no instances (count or for_each)"
                )
        if wanted(kind):
            yield from (instance_of(item) for item in items)
        elif kind in TEMPLATES:
            for item in items:
                embedded(item.key, item.argument("template_content"), home, found)
        elif is_registry_kind(kind) and kind not in SILENT:
            place = block.place()
            what = f"{kind} is not known to this version of acrscan"
            where = f"{place.file}:{place.line}:{place.column}"
            note_error(home, InputError(what, where, "Update acrscan, or scan a plan."), found)
    for child in module.children():
        yield from _instances(child, found, home)


def _about_registries(kind: str, block: Block) -> bool:
    """Whether a block describes a registry or a part of one."""
    if is_registry_kind(kind):
        return True
    given = block.body.attributes.get("type") if kind.startswith("azapi_") else None
    expression = given.expression if given is not None else None
    text = expression.value if isinstance(expression, Literal) else ""
    return isinstance(text, str) and text.lower().startswith("microsoft.containerregistry/")


def _tell(world: World, caller: Caller, home: Home, found: Evaluated) -> None:
    """What could not be looked into, and what speaks of registries without describing one."""
    for call in world.unresolved.values():
        where = f"{call.place.file}:{call.place.line}"
        if call.speaks:
            found.problems.append(problem_at(home, f"{where}: {call.reason}", call.address))
        else:
            found.notes.append(f"{where}: {call.reason}")
    found.notes += [note for note in world.budget.notes if note not in found.notes]
    if not found.resources and not found.problems and not found.empty:
        found.notes.append(f"{home.file}: no registry is described")
    found.speaks = any(one.speaks for one in caller.used.values()) or any(
        call.speaks for call in world.unresolved.values()
    )
    speaking = [name for written in caller.used.values() for name in written.speaks]
    reads = any(
        kind.startswith("azurerm_container_registry") for one in caller.used.values() for kind, _ in one.data
    )
    if speaking and not found.resources and not found.problems:
        if found.empty or reads:
            found.notes += found.empty or [f"{home.file}: registries are read from Azure, none is described"]
        else:
            what = "speaks of registries, yet nothing of it was understood"
            note_error(
                home, InputError(what, speaking[0], "Check that it is complete, or scan a plan."), found
            )
