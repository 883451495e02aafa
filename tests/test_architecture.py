"""Who may import whom, read from the imports themselves; and what a start of the command may load."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

SCANNER = Path(__file__).resolve().parent.parent / "scanner"
INNER = {"model", "errors"}
MAY = {
    "model": set(),
    "errors": set(),
    "text": INNER,
    "file_text": INNER,
    "json_text": INNER | {"text", "file_text"},
    "shown": set(),
    "data": {"errors"},
    "types": INNER,
    "engine": INNER | {"types"},
    "language": INNER | {"text", "json_text", "types", "engine"},
    "inventory": INNER | {"text", "json_text", "file_text", "types"},
    "formats": INNER | {"shown"},
    "rows": INNER,
    "waivers": INNER | {"text", "types", "language", "engine", "rows"},
    "trust": INNER | {"json_text"},
    "bundle": INNER | {"text", "json_text", "language", "trust"},
    "compare": INNER | {"json_text", "rows"},
    "history": INNER | {"rows", "compare"},
    "spool": INNER | {"engine", "rows"},
    "stored": INNER | {"json_text"},
    "workbench": INNER
    | {"text", "json_text", "shown", "types", "language", "engine", "rows", "spool", "pipeline", "stored"}
    | {"inventory", "waivers", "compare"},
    "pipeline": INNER | {"text", "types", "language", "engine", "inventory", "spool", "rows"},
}
"""The table of docs/map.md; `cli` may import everything."""


def imports(path):
    """The rooms of ours that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "scanner":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("scanner.")}
    return found - {"__version__"}


def modules():
    for path in sorted(SCANNER.rglob("*.py")):
        parts = path.relative_to(SCANNER).parts
        room = parts[0].removesuffix(".py")
        if room not in ("__init__", "__main__", "cli", "_data"):
            yield pytest.param(room, path, id="/".join(parts))


@pytest.mark.parametrize(("room", "path"), list(modules()))
def test_imports_keep_their_direction(room, path):
    """A module imports only from the rooms that its own may know."""
    assert imports(path) - {room} <= MAY[room]


@pytest.mark.parametrize("path", sorted(SCANNER.rglob("*.py")), ids=str)
def test_modules_stay_small_and_say_what_they_are(path):
    """Under 400 lines, with a docstring."""
    text = path.read_text("utf-8")
    assert text.count("\n") <= 400
    assert ast.get_docstring(ast.parse(text)) or not text.strip()


def test_no_broad_except_and_no_guessing_getattr():
    """`except Exception` stands at the door only; nobody asks an object for an attribute it may not have."""
    broad, guessing = [], []
    for path in sorted(SCANNER.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None
                or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))
            ):
                broad.append(path.relative_to(SCANNER).as_posix())
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "getattr"
                and len(node.args) == 3
            ):
                guessing.append(path.relative_to(SCANNER).as_posix())
    assert sorted(set(broad)) == ["cli/door.py", "cli/outputs.py"]
    assert sorted(set(guessing)) == ["cli/door.py", "text.py"]  # stream.reconfigure, the C YAML loader


def test_help_loads_nothing_heavy():
    """`acrscan --help` loads no Azure package, template engine, schema library or terminal library."""
    code = (
        "import sys, json\n"
        "from scanner.cli.door import run\n"
        "run(['--help'])\n"
        "print('\\n' + json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not loaded & {"azure", "jinja2", "jsonschema", "rich", "re2", "yaml", "aiohttp", "requests"}
