"""Report files: whole or absent, wherever they are asked for; one that fails does not lose the others."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.cli.door import run

ESTATE = Path(__file__).resolve().parent.parent / "estate"
SCAN = ["scan", str(ESTATE / "answers"), "--from", "saved", "-q", "--exit-zero"]


def call(capsys, *arguments):
    code = run([str(one) for one in arguments])
    told = capsys.readouterr()
    return code, told.out + told.err


def left(folder):
    """Everything in a folder, also hidden files that a broken write would leave."""
    return sorted(path.name for path in folder.iterdir())


def test_files_that_exist_are_replaced_and_others_stay(tmp_path, capsys):
    """A report takes the place of an older one."""
    (tmp_path / "acrscan.csv").write_text("old")
    (tmp_path / "mine.txt").write_text("mine")
    assert call(capsys, *SCAN, "-f", "csv", "-o", tmp_path)[0] == 0
    assert left(tmp_path) == ["acrscan.csv", "mine.txt"]
    assert (tmp_path / "acrscan.csv").read_text().startswith("rule,")


def test_a_folder_in_the_place_of_a_report(tmp_path, capsys):
    """That report is told, the others are written."""
    (tmp_path / "acrscan.csv").mkdir()
    code, told = call(capsys, *SCAN, "-f", "csv", "-f", "gitlab", "-o", tmp_path)
    assert code == 2
    assert f"{tmp_path / 'acrscan.csv'}: is a folder" in told
    assert left(tmp_path) == ["acrscan.csv", "acrscan.gitlab.json"]


def test_a_file_in_the_place_of_the_folder(tmp_path, capsys):
    """The output names something below a file."""
    (tmp_path / "reports").write_text("x")
    code, told = call(capsys, *SCAN, "-f", "csv", "-f", "gitlab", "-o", tmp_path / "reports" / "deep")
    assert code == 2
    for name in ("csv", "gitlab"):
        assert f"the {name} report was not written: Not a directory" in told
    assert (tmp_path / "reports").read_text() == "x"


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_folder_that_may_not_be_written(tmp_path):
    """The system's own reason, with a manifest asked for or not.

    Root may write everywhere, so it becomes nobody; by then a first run has loaded the modules, which only root may read.
    """
    folder = tmp_path / "reports"
    folder.mkdir()
    folder.chmod(0o555)
    code = (
        "import os, sys\n"
        "from scanner.cli.door import run\n"
        "words = sys.argv[2:]\n"
        "assert run([*words, '-o', sys.argv[1] + '/first']) == 0\n"
        "if os.geteuid() == 0:\n"
        "    os.setgroups([])\n"
        "    os.setgid(65534)\n"
        "    os.setuid(65534)\n"
        "assert run(['verify', sys.argv[1] + '/reports']) == 2\n"
        "sys.exit(run([*words, '-o', sys.argv[1] + '/reports']))\n"
    )
    for more in ([], ["--manifest"]):
        words = [sys.executable, "-c", code, str(tmp_path), *SCAN, "-f", "csv", *more]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 2, done.stderr
        assert "Permission denied" in done.stderr
        assert "internal error" not in done.stderr
        shutil.rmtree(tmp_path / "first")
    assert left(folder) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are set with setrlimit")
def test_a_full_disk_leaves_nothing_half_written(tmp_path):
    """What fits is written, what does not is absent and told; an older report stays as it was."""
    (tmp_path / "acrscan.json").write_text("older")
    code = (
        "import resource, signal, sys\n"
        "from scanner.cli.door import run\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    words = [sys.executable, "-c", code, *SCAN, "-f", "json", "-f", "gitlab", "-o", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "the json report was not written: File too large" in done.stderr
    assert left(tmp_path) == ["acrscan.gitlab.json", "acrscan.json"]
    assert (tmp_path / "acrscan.json").read_text() == "older"


def test_a_missing_extra_is_told_before_the_scan(tmp_path, capsys, monkeypatch):
    """With the command that installs it; nothing is written, so that nobody takes part of it for all."""
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    code, told = call(capsys, *SCAN, "-f", "xlsx", "-f", "csv", "-o", tmp_path)
    assert code == 2
    assert "acrscan[xlsx]" in told
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--waivers", "missing.yaml"], "missing.yaml"),
        (["--baseline", "missing.ndjson"], "missing.ndjson"),
        (["--baseline", str(ESTATE / "README.md")], "README.md"),
        (["--baseline", str(ESTATE / "answers" / "locks.json")], "locks.json"),
        (["--sarif-profile", "gitlub"], "gitlub"),
        (["--language", "xx"], "xx"),
    ],
)
def test_wrong_marks_are_told_before_any_work(tmp_path, capsys, arguments, words):
    """Nothing is written."""
    code, told = call(capsys, *SCAN, *arguments, "-f", "csv", "-o", tmp_path / "out")
    assert code == 2
    assert words in told
    assert not (tmp_path / "out").exists()


def test_a_report_may_replace_the_baseline_that_it_is_compared_with(tmp_path, capsys):
    """Night after night into one folder: every format still sees the rows of the night before."""
    snap, apart, same = tmp_path / "snap", tmp_path / "apart", tmp_path / "same"
    call(capsys, "collect", ESTATE / "answers", "--from", "saved", "--out", snap, "-q")
    scan = ["scan", snap, "-q", "--exit-zero"]
    first = [*scan, "--skip-rule", "ACR101", "--skip-rule", "ACR403"]
    assert call(capsys, *first, "-f", "ndjson", "-o", tmp_path / "before.ndjson")[0] == 0
    same.mkdir()
    shutil.copy(tmp_path / "before.ndjson", same / "acrscan.ndjson")
    formats = [word for name in ("ndjson", "json", "csv") for word in ("-f", name)]
    monkey = {"apart": tmp_path / "before.ndjson", "same": same / "acrscan.ndjson"}
    for folder, baseline in monkey.items():
        assert (
            call(
                capsys,
                *scan,
                "--skip-rule",
                "ACR102",
                "--baseline",
                baseline,
                *formats,
                "-o",
                tmp_path / folder,
            )[0]
            == 0
        )
    for name in ("acrscan.ndjson", "acrscan.json", "acrscan.csv"):
        one, other = (folder.joinpath(name).read_bytes() for folder in (apart, same))
        # The two differ in nothing but the name of the baseline, which counts in the digest of the rows.
        assert _without_names(one, monkey["apart"]) == _without_names(other, monkey["same"])


def _without_names(content, baseline):
    text = content.decode().replace(str(baseline), "BASELINE")
    return [line for line in text.splitlines() if '"record":"end"' not in line]


def test_a_stored_scan_may_be_rendered_over_itself(tmp_path, capsys):
    """The formats that come after it read what was there before."""
    assert call(capsys, *SCAN, "-f", "ndjson", "-o", tmp_path)[0] == 0
    waivers = ["--waivers", ESTATE / "acr-waivers.yaml"]
    stored = tmp_path / "acrscan.ndjson"
    code, told = call(
        capsys,
        "report",
        stored,
        *waivers,
        "-q",
        "--exit-zero",
        "-f",
        "ndjson",
        "-f",
        "json",
        "-f",
        "csv",
        "-o",
        tmp_path,
    )
    assert code == 0, told
    assert left(tmp_path) == ["acrscan.csv", "acrscan.json", "acrscan.ndjson"]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_reports_are_as_private_as_the_umask_says(tmp_path, capsys):
    """They name what is wrong; who replaces one keeps its permissions."""
    older = tmp_path / "acrscan.csv"
    older.write_text("old")
    older.chmod(0o640)
    mask = os.umask(0o077)
    try:
        assert call(capsys, *SCAN, "-f", "csv", "-f", "gitlab", "-o", tmp_path)[0] == 0
    finally:
        os.umask(mask)
    assert older.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "acrscan.gitlab.json").stat().st_mode & 0o777 == 0o600
