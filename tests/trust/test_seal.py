"""What a manifest takes in, what it leaves alone, and how it is written, signed and done again."""

from __future__ import annotations

import errno
import re
import shutil
import subprocess
import sys

import orjson
import pytest

from scanner.cli import sealing
from scanner.cli.door import run
from scanner.errors import InputError
from scanner.trust import manifest as manifests
from scanner.trust.files import read_sums
from scanner.trust.manifest import read
from tests.azure_server import running
from tests.inventory.live import command
from tests.trust.runs import ESTATE, FORMATS, TABLES, call, scan


def test_every_format_comes_out_the_same(night, tmp_path, capsys):
    """Not only those that are data; also reports of several files."""
    out = tmp_path / "all"
    options = ["--sarif-split", "--html-mode", "split", "--csv-bom", "--language", "id", "--sarif-limit", 7]
    assert run(scan(night, *FORMATS, *options, "-o", out, "--manifest")) == 0
    code, told = call(capsys, "verify", out)
    assert code == 0, told
    outputs = read(out / manifests.NAME).outputs
    assert len(outputs) > len(FORMATS) / 2
    for one in outputs:
        assert f"{one.path} came out the same, byte by byte" in told


def test_a_report_with_a_name_of_its_own(night, tmp_path, capsys):
    """`-o` may name the file."""
    assert run(scan(night, "-f", "csv", "-o", tmp_path / "mine" / "tonight.csv", "--manifest")) == 0
    code, told = call(capsys, "verify", tmp_path / "mine")
    assert code == 0, told
    assert "tonight.csv came out the same" in told


@pytest.mark.parametrize("content", [b"{}", b"not json", b'{"schema": "acrscan/snapshot/v1"}', b"[1]"])
def test_a_manifest_of_others_is_never_replaced(night, tmp_path, capsys, content):
    """Many tools have a `manifest.json`; nothing is done, not even the reports."""
    path = tmp_path / "manifest.json"
    path.write_bytes(content)
    code, told = call(capsys, *scan(night, "-f", "json", "-o", tmp_path, "--manifest"))
    assert code == 2
    assert str(path) in told
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"manifest.json": content}


@pytest.mark.parametrize("name", ["inputs/mine.txt", "SHA256SUMS", "acrscan.intoto.json"])
def test_files_of_others_are_never_removed(night, tmp_path, capsys, name):
    """A folder `inputs` may be anybody's."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    code, told = call(capsys, *scan(night, "-f", "json", "-o", tmp_path, "--manifest"))
    assert code == 2
    assert "no manifest of acrscan beside it" in told
    assert path.read_text() == "mine"


def test_a_file_put_among_the_copies_stays(night, reports, capsys):
    """The next run refuses to go on over it."""
    mine = reports / "inputs" / "waivers" / "mine.yaml"
    mine.write_text("mine")
    code, told = call(capsys, *scan(night, "-f", "json", "-o", reports, "--manifest"))
    assert code == 2
    assert "would be removed" in told
    assert mine.read_text() == "mine"


def test_a_file_that_comes_among_the_copies_during_the_run_stays(night, reports, capsys, monkeypatch):
    """It was not there when the run began; the reports are written, the manifest is not."""
    mine = reports / "inputs" / "mine.txt"
    ready = sealing.Sealing.ready

    def later(self):
        mine.write_text("mine")
        ready(self)

    monkeypatch.setattr(sealing.Sealing, "ready", later)
    code, told = call(capsys, *scan(night, "-f", "json", "-o", reports, "--manifest"))
    assert code == 2
    assert "would be removed" in told
    assert mine.read_text() == "mine"
    assert (reports / "inputs" / "waivers" / "acr-waivers.yaml").is_file()


def test_reports_beside_a_snapshot_do_not_replace_its_manifest(reports, capsys):
    """`-o` names the snapshot itself."""
    folder = reports.parent / "night"
    before = (folder / "manifest.json").read_bytes()
    assert call(capsys, *scan(folder, "-f", "json", "-o", folder, "--manifest"))[0] == 2
    assert (folder / "manifest.json").read_bytes() == before


def test_a_run_over_its_own_copies(reports, capsys):
    """Waivers, pack and inventory that lie below `inputs/` survive the run that replaces them."""
    inputs = reports / "inputs"
    first = scan(reports.parent / "night", *TABLES, "-o", reports, "--manifest", "--with-inventory")
    assert call(capsys, *first, "--waivers", inputs / "waivers" / "acr-waivers.yaml")[0] == 0
    again = scan(inputs / "inventory" / "0-night", *TABLES, "-o", reports, "--manifest")
    code, told = call(capsys, *again, "--pack", inputs / "pack" / "rules")
    assert code == 0, told
    code, told = call(capsys, "verify", reports)
    assert code == 3
    assert "not checked: run before" in told
    assert "FAILED" not in told


def test_a_baseline_that_the_report_replaces(night, tmp_path, capsys):
    """The copy is of what was there before."""
    out = tmp_path / "reports"
    assert run(scan(night, "-f", "ndjson", "-o", out, "--skip-rule", "ACR101")) == 0
    before = (out / "acrscan.ndjson").read_bytes()
    again = scan(
        night, "--baseline", out / "acrscan.ndjson", "-f", "ndjson", "-f", "json", "-o", out, "--manifest"
    )
    assert run(again) == 0
    assert (out / "inputs" / "baseline" / "baseline.ndjson").read_bytes() == before
    code, told = call(capsys, "verify", out)
    assert code == 0, told


def test_a_stored_scan_that_the_report_replaces(kept, tmp_path, capsys):
    """Rendered over itself, with marks that change what is counted."""
    shutil.copy(kept / "acrscan.ndjson", tmp_path)
    words = [
        "report",
        tmp_path / "acrscan.ndjson",
        "-q",
        "--exit-zero",
        "--baseline",
        kept / "acrscan.ndjson",
    ]
    code, told = call(capsys, *words, *TABLES, "-o", tmp_path, "--manifest")
    assert code == 0, told
    code, told = call(capsys, "verify", tmp_path)
    assert code == 0, told


def test_the_pack_is_copied_and_nothing_else_that_lies_there(night, tmp_path, capsys):
    """No secret beside it, no program, no history of versions."""
    pack = tmp_path / "our pack"
    shutil.copytree(ESTATE.parent.parent / "policies" / "acr", pack)
    (pack / ".env").write_text("PASSWORD=hunter2")
    (pack / ".git").mkdir()
    (pack / ".git" / "config").write_text("token")
    out = tmp_path / "reports"
    assert run(scan(night, "-f", "json", "--pack", pack, "-o", out, "--manifest")) == 0
    copied = [path for path in (out / "inputs").rglob("*") if path.is_file()]
    assert {path.suffix for path in copied} == {".yaml"}
    assert call(capsys, "verify", out)[0] == 0


def test_names_of_copies_can_be_written_everywhere(kept):
    """Also on Windows: no device, no colon, no dot or space at the end."""
    for one in (*read(kept / manifests.NAME).outputs, *read(kept / manifests.NAME).inputs):
        for part in one.path.split("/"):
            assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*[A-Za-z0-9]", part), one.path


def test_odd_names_of_answers_can_be_checked_by_sha256sum(tmp_path, capsys):
    """A line's end and a backslash in a name are escaped as `sha256sum` does it."""
    answers = tmp_path / "answers"
    answers.mkdir()
    for at, name in enumerate(("a\nb.json", "c\\d.json", "e f=.json")):
        row = {"id": f"/subscriptions/{at}/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r", "name": "r", "type": "Microsoft.ContainerRegistry/registries", "location": "x", "properties": {}}  # fmt: skip
        (answers / name).write_bytes(orjson.dumps({"value": [row]}))
    out = tmp_path / "out"
    words = ["--from", "saved", "--now", "2026-11-25T02:00:00Z", "-f", "json", "-o", out, "--manifest"]
    code, told = call(capsys, *scan(answers, *words, "--with-inventory"))
    assert code == 0, told
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=out, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert call(capsys, "verify", out)[0] == 0


def test_sums_name_each_file_once(tmp_path):
    """The tool would check both lines, a reader only one."""
    path = tmp_path / "SHA256SUMS"
    path.write_text(f"{'0' * 64}  a\n{'1' * 64}  a\n")
    with pytest.raises(InputError, match="twice"):
        list(read_sums(path))


def test_a_signature_is_no_stranger_and_is_not_called_checked(night, tmp_path, capsys):
    """Its own tool checks it."""
    out = tmp_path / "with space"
    script = tmp_path / "sign.py"
    script.write_text("import sys, pathlib\npathlib.Path(sys.argv[1] + '.sig').write_text(sys.argv[2])\n")
    signer = f"'{sys.executable}' '{script}' {{file}} '$(id); `id` \"x\"'"
    assert run(scan(night, "-f", "json", "-o", out, "--manifest", "--sign-command", signer)) == 0
    assert (out / "acrscan.intoto.json.sig").read_text() == '$(id); `id` "x"'
    code, told = call(capsys, "verify", out)
    assert code == 0
    assert "note        signature: acrscan.intoto.json.sig" in told


@pytest.mark.parametrize("signer", ['"', "true", "cosign 'x"])
def test_a_signer_that_cannot_work_is_refused_first(night, tmp_path, capsys, signer):
    """Before anything is read or written."""
    out = tmp_path / "out"
    assert call(capsys, *scan(night, "-f", "json", "-o", out, "--manifest", "--sign-command", signer))[0] == 2
    assert not out.exists()


def test_a_manifest_that_cannot_be_written_loses_no_report(night, tmp_path, capsys, monkeypatch):
    """The disk is full: told, no half of it stays, and the next run can go on."""

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    words = scan(night, "-f", "json", "-o", tmp_path, "--manifest")
    with monkeypatch.context() as patched:
        patched.setattr(sealing, "_put", lambda *_: full())
        code, told = call(capsys, *words)
    assert code == 2
    assert "the manifest was not written: No space left on device" in told
    assert [one.name for one in tmp_path.iterdir()] == ["acrscan.json"]
    assert call(capsys, *words)[0] == 0
    assert call(capsys, "verify", tmp_path)[0] == 0


def test_a_report_that_was_not_written_is_named(night, tmp_path, capsys):
    """The manifest holds for the others, and says what is missing."""
    (tmp_path / "acrscan.csv").mkdir()
    code, _ = call(capsys, *scan(night, "-f", "json", "-f", "csv", "-o", tmp_path, "--manifest"))
    assert code == 2
    code, told = call(capsys, "verify", tmp_path)
    assert code == 0
    assert "asked for, but not written by the run: csv" in told


def test_live_scans(tmp_path, capsys):
    """With its snapshot it can be done again; without one, nobody claims so."""
    with running() as server:
        for name, more in (("with", ["--snapshot", tmp_path / "live"]), ("without", [])):
            done = command(
                server, "scan", "-q", "--exit-zero", *more, "-f", "json", "-o", tmp_path / name, "--manifest"
            )
            assert done.returncode == 0, done.stderr
    code, told = call(capsys, "verify", tmp_path / "with")
    assert code == 0, told
    assert "acrscan.json came out the same" in told
    code, told = call(capsys, "verify", tmp_path / "without")
    assert code == 3
    assert "not checked replay: Azure itself was read" in told


def test_a_run_with_a_history_is_never_called_checked_altogether(night, tmp_path, capsys):
    """What the history knew that night is no input; the rest comes out the same."""
    words = ["--history", tmp_path / "nights.db", *TABLES, "--manifest"]
    assert run(scan(night, *words, "-o", tmp_path / "first", "--skip-rule", "ACR101")) == 0
    assert run(scan(night, *words, "-o", tmp_path / "second")) == 0
    code, told = call(capsys, "verify", tmp_path / "second")
    assert code == 3, told
    assert "acrscan.json came out the same but for what the history adds" in told
    assert "acrscan.html came out different, and so it may" in told
    assert "nights.db" not in (tmp_path / "second" / "manifest.json").read_text("utf-8")


def test_a_period_has_no_manifest(tmp_path, capsys):
    """Said, not left out silently."""
    words = ["report", "--period", "2026-11", "--history", tmp_path / "nights.db", "-f", "json", "--manifest"]
    code, told = call(capsys, *words, "-o", tmp_path / "out")
    assert code == 2
    assert "a period has no manifest" in told
