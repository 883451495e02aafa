"""Terraform: folders and plans come in, an `Inventory` of what they describe comes out, before anything is deployed.

A folder stands for a root module; folders below it that nobody calls are roots too. A broken file hides nothing that others
say: it is a part that was not read. Nothing is fetched, nothing is run, nothing outside of the given paths is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scanner.errors import InputError, Problems, ScannerError, ScopeError
from scanner.inventory import described
from scanner.inventory.record import ListPart, digest
from scanner.inventory.terraform.calling import source_of
from scanner.inventory.terraform.evaluation import evaluate_root
from scanner.inventory.terraform.folder import MENTIONS, read_folder
from scanner.inventory.terraform.parse import parse
from scanner.inventory.terraform.plan import evaluate_plan
from scanner.inventory.terraform.result import Evaluated
from scanner.inventory.terraform.syntax import Source
from scanner.inventory.terraform.tree import ENDINGS, Files, folders
from scanner.inventory.tree import Tree
from scanner.model.resource import Inventory, Part, Problem, Resource, SourceRun

SOURCE = "terraform"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user gives beside the paths: `values` (NAME=VALUE), files of values, and whether to read outside of the paths."""

    values: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    allow_outside: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """The inventory, and files that could not be used although the rest could."""

    inventory: Inventory
    errors: tuple[ScannerError, ...] = ()


def read_terraform(paths: Sequence[Path], wanted: Wanted, *, now: str) -> Reading:
    """The inventory of folders and plans. `now`: RFC 3339, the time of the reading.

    Raises `Problems` with every error where nothing could be read, `InputError` for variables that nobody declares,
    `ScopeError` where no path holds anything of Terraform.
    """
    files = Files([*paths, *wanted.files], Path.cwd(), allow_outside=wanted.allow_outside)
    values = dict(_pair(text) for text in wanted.values)
    results: list[Evaluated] = []
    errors: list[ScannerError] = []
    for path in paths:
        try:
            results += _evaluated(files, path, values, wanted)
        except InputError as error:
            errors.append(error)
    undeclared = [name for name in values if not any(name in one.declared for one in results)]
    if results and undeclared:
        raise InputError(
            f"no root module declares the variable {undeclared[0]!r}", "--var", "Check its name."
        )
    errors += [error for one in results for error in one.errors]
    if errors and not any(one.resources for one in results):
        raise Problems(list(_once(errors)))
    if not results:
        names = ", ".join(map(str, paths))
        raise ScopeError("nothing of Terraform is there", names, "Name a folder with .tf files, or a plan.")
    return Reading(_inventory(results, now), _once(errors))


def read_tree(tree: Tree, wanted: Wanted, *, now: str) -> Reading:
    """What a tree holds of Terraform.

    In a tree of files of any kind nothing has to be of Terraform, and what does not speak of registries is told at most.
    """
    if not tree.mixed:
        return read_terraform(tree.paths, wanted, now=now)
    found = [file.path for file in tree.files(lambda name: name.endswith((".tf", ".json")))]
    files = Files([*tree.paths, *wanted.files], Path.cwd(), allow_outside=wanted.allow_outside)
    written = [path for path in found if path.name.endswith(ENDINGS)]
    missing = _parser_missing() if written else None
    results: list[Evaluated] = []
    errors: list[ScannerError] = []
    notes: list[str] = []
    declared: set[str] = set()
    if missing is not None and any(files.mentions(path, MENTIONS) for path in written):
        errors.append(missing)
    elif missing is None and written:
        values = dict(_pair(text) for text in wanted.values)
        names = ",".join(file.name for file in wanted.files)
        for root in _uncalled(files, list(dict.fromkeys(path.parent for path in written))):
            try:
                one = evaluate_root(files, root, values, wanted.files, evaluation=names)
            except InputError as error:
                errors.append(error)
                continue
            declared |= one.declared
            if one.speaks:
                results.append(one)
            else:
                notes += [f"{error.where}: {error.what}" for error in one.errors]
        errors += [
            InputError(f"no root module declares the variable {name!r}", "--var", "Check its name.")
            for name in values
            if name not in declared
        ]
    for path in (path for path in found if path.suffix == ".json" and _is_plan(path)):
        try:
            results.append(evaluate_plan(files, path))
        except InputError as error:
            errors.append(error)
    errors += [error for one in results for error in one.errors]
    inventory = _inventory(results, now)
    return Reading(replace(inventory, diagnostics=(*inventory.diagnostics, *notes)), _once(errors))


def _parser_missing() -> InputError | None:
    try:
        parse(Source("", b""))
    except InputError as error:
        return error
    return None


def _is_plan(path: Path) -> bool:
    """Whether a JSON file begins as `terraform show -json` writes it."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    return b'"format_version"' in head and b'"terraform_version"' in head


def _once(errors: Sequence[ScannerError]) -> tuple[ScannerError, ...]:
    """Each error once: a broken module is used by several roots."""
    return tuple({str(error): error for error in errors}.values())


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InputError(f"--var {name!r} is not NAME=VALUE", "", "Write it as --var sku=Premium.")
    return name.strip(), value


def _evaluated(files: Files, path: Path, values: dict[str, str], wanted: Wanted) -> Iterator[Evaluated]:
    if not path.exists():
        raise InputError("no such file or folder", str(path), "Name a folder with .tf files, or a plan.")
    if path.is_dir():
        names = ",".join(file.name for file in wanted.files)
        for root in _roots(files, path):
            yield evaluate_root(files, root, values, wanted.files, evaluation=names)
    elif path.name.endswith(ENDINGS):
        raise InputError(
            "is one file of a module, which says little without the others",
            files.name(path),
            "Name its folder.",
        )
    else:
        yield evaluate_plan(files, path)


def _roots(files: Files, path: Path) -> list[Path]:
    """The folder itself where it holds files, and folders below it that no module calls."""
    found = list(folders(path))
    if not found:
        raise InputError(
            "the folder holds no .tf file", files.name(path), "Name a folder with .tf files, or a plan."
        )
    uncalled = _uncalled(files, found)
    return found if found == [path] else [folder for folder in found if folder == path or folder in uncalled]


def _uncalled(files: Files, found: list[Path]) -> list[Path]:
    """The folders that no module of the others calls; all of them where they call each other."""
    called: set[Path] = set()
    for folder in found:
        for block in read_folder(files, folder).modules.values():
            source = source_of(block)
            if source is not None and source.startswith("."):
                called.add((folder / source).resolve())
    return [folder for folder in found if folder.resolve() not in called] or found


def _inventory(results: list[Evaluated], now: str) -> Inventory:
    resources: dict[str, list[Resource]] = {}
    files = {row.name: row for one in results for row in one.files}
    for resource in (*(row for one in results for row in one.resources), *files.values()):
        resources.setdefault(resource.type.lower(), []).append(resource)
    parts: dict[str, Part] = {kind: ListPart(rows[0].type, rows) for kind, rows in resources.items()}
    problems = [problem for one in results for problem in one.problems]
    loose: dict[str, list[Problem]] = {}
    for one in results:
        for kind, found in one.loose.items():
            loose.setdefault(kind, []).extend(found)
    return Inventory(
        parts=parts,
        runs=tuple(_opened(run, problems, loose) for run in described.runs(SOURCE, parts, problems)),
        digest=digest(parts),
        collected_at=now,
        diagnostics=tuple(dict.fromkeys(note for one in results for note in one.notes)),
    )


def _opened(run: SourceRun, problems: list[Problem], loose: dict[str, list[Problem]]) -> SourceRun:
    """A run with what may lie anywhere. A part that was not read may also hold what else was found."""
    own = loose.get(run.collection.lower(), [])
    if run.state == "not-asked" and not own:
        return run
    if run.state == "not-asked":
        run = replace(run, state="complete", problems=())
    more = [*(problems if not run.problems else ()), *own]
    if not more or run.collection.startswith("acrscan/"):
        return run
    return replace(run, state="partial", problems=(*run.problems, *more))
