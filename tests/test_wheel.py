"""The wheel as a stranger gets it: built, installed into a clean environment, `acrscan demo` runs offline from it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_what_is_inside(wheel):
    """Rules, schemas, facts, templates and the estate are in the wheel; tests and benchmarks are not."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "scanner/_data/policies/acr/ACR101-admin-user-disabled.yaml" in names
    assert "scanner/_data/policies/schemas/rule.schema.json" in names
    assert "scanner/types/containerregistry-registries.json" in names
    assert "scanner/formats/html/shell.jinja" in names
    assert "scanner/_data/integrations/action.yml" in names
    assert "scanner/_data/integrations/integrations/github/run.sh" in names
    assert any(name.startswith("scanner/_data/estate/answers/") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


def test_demo_from_the_wheel(wheel, tmp_path):
    """Installed apart from the checkout, with its network unusable, the demo writes its reports, `init` its files."""
    place = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", str(place)], check=True)
    python = place / "bin" / "python"
    # The dependencies come from this environment; acrscan itself from the wheel alone.
    packages = subprocess.run(
        [sys.executable, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    target = tmp_path / "site"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            "--target",
            str(target),
            str(wheel),
        ],
        check=True,
    )
    code = (
        "import socket, sys\n"
        "def refuse(*_): raise OSError('no network')\n"
        "socket.socket.connect = refuse\n"
        f"sys.path[:0] = [{str(target)!r}]\n"
        f"sys.path.append({packages!r})\n"
        "import scanner; assert scanner.__file__.startswith(sys.path[0]), scanner.__file__\n"
        "from scanner.cli.door import run\n"
        "sys.exit(run(['demo', '-o', 'out']) or run(['init', '--dir', 'repository']))"
    )
    done = subprocess.run(
        [str(python), "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".html", ".sarif", ".json"}
    written = {
        path.relative_to(tmp_path / "repository").as_posix()
        for path in (tmp_path / "repository").rglob("*.*")
    }
    assert {
        "acrscan.yaml",
        ".github/actions/acrscan/action.yml",
        ".acrscan/schemas/rule.schema.json",
    } <= written
