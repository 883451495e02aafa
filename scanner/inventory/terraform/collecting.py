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
from scanner.inventory.terraform.folder import read_folder
from scanner.inventory.terraform.plan import evaluate_plan
from scanner.inventory.terraform.result import Evaluated
from scanner.inventory.terraform.tree import ENDINGS, Files, folders
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
        raise Problems(list(dict.fromkeys(errors)))
    if not results:
        names = ", ".join(map(str, paths))
        raise ScopeError("nothing of Terraform is there", names, "Name a folder with .tf files, or a plan.")
    return Reading(_inventory(results, now), tuple(dict.fromkeys(errors)))


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
    if found == [path]:
        return found
    called: set[Path] = set()
    for folder in found:
        for block in read_folder(files, folder).modules.values():
            source = source_of(block)
            if source is not None and source.startswith("."):
                called.add((folder / source).resolve())
    return [folder for folder in found if folder == path or folder.resolve() not in called]


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
