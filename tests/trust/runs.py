"""What tests of manifests share: runs as a user asks for them, and a careful forger."""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson

from scanner import formats
from scanner.cli.door import run
from scanner.trust import manifest as manifests
from scanner.trust import statement as statements
from scanner.trust.files import Sealed, sums
from scanner.trust.manifest import read

ESTATE = Path(__file__).resolve().parent.parent / "estate"
FORMATS = [word for name in formats.names() if name != "console" for word in ("-f", name)]
TABLES = [word for name in ("json", "ndjson", "html", "sarif") for word in ("-f", name)]


def call(capsys, *arguments):
    code = run([str(one) for one in arguments])
    told = capsys.readouterr()
    return code, told.out + told.err


def scan(night, *more):
    return ["scan", str(night), "-q", "--exit-zero", *map(str, more)]


def forge(folder, **facts):
    """Rewrite manifest, statement and sums so that every digest is right again, with other facts in the manifest."""
    path = folder / manifests.NAME
    record = orjson.loads(path.read_bytes())
    record = {**record, **facts}
    for one in (*record["outputs"], *record["inputs"]):
        content = (folder / one["path"]).read_bytes()
        one["sha256"], one["size"] = hashlib.sha256(content).hexdigest(), len(content)
    path.write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
    found = read(path)
    (folder / statements.NAME).write_bytes(
        statements.written(found, hashlib.sha256(path.read_bytes()).hexdigest())
    )
    names = [manifests.NAME, statements.NAME]
    own = [Sealed("", one, hashlib.sha256((folder / one).read_bytes()).hexdigest(), 0) for one in names]
    (folder / "SHA256SUMS").write_bytes(sums([*found.outputs, *found.inputs, *own]))
    return found
