"""A run that can be checked years later: every kind of tampering is found, and the scan comes out the same again."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from scanner.cli.door import run
from scanner.errors import InputError
from scanner.formats import html
from scanner.trust.check import page
from scanner.trust.files import inside, read_sums
from scanner.trust.manifest import read
from tests.formats.sample import hostile_scan, sample_scan

ESTATE = Path(__file__).resolve().parent.parent / "estate"
SAVED = (
    "scan",
    str(ESTATE / "answers"),
    "--from",
    "saved",
    "--principals",
    str(ESTATE / "principals.json"),
    "-q",
    "--exit-zero",
)


def call(capsys, *arguments):
    code = run([str(one) for one in arguments])
    told = capsys.readouterr()
    return code, told.out + told.err


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A snapshot, a baseline, and a sealed run over both with waivers and a profile."""
    home = tmp_path_factory.mktemp("run")
    night, out = home / "night", home / "reports"
    assert run(
        [
            "collect",
            str(ESTATE / "answers"),
            "--from",
            "saved",
            "--principals",
            str(ESTATE / "principals.json"),
            "--out",
            str(night),
            "-q",
        ]
    ) in (0, 3)
    assert (
        run(["scan", str(night), "-q", "--exit-zero", "-f", "ndjson", "-o", str(home / "last.ndjson")]) == 0
    )
    assert run([
        "scan", str(night), "-q", "--exit-zero", "--profile", "production", "--waivers", str(ESTATE / "acr-waivers.yaml"),
        "--baseline", str(home / "last.ndjson"), "--organisation", 'Contoso "é" <b>', "--param", "ACR403.quotaPercent=80",
        "-f", "json", "-f", "ndjson", "-f", "html", "-f", "csv", "-o", str(out), "--manifest",
    ]) == 0  # fmt: skip
    return home


@pytest.fixture
def copy(made, tmp_path):
    """A copy that a test may spoil."""
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy"


def test_a_run_holds_and_comes_out_the_same(made, capsys):
    """Files, manifest, statement, chain, and both reports that hold everything."""
    code, told = call(capsys, "verify", made / "reports")
    assert code == 0, told
    assert "acrscan.json came out the same, byte by byte" in told
    assert "acrscan.ndjson came out the same, byte by byte" in told
    assert "FAILED" not in told


def test_it_holds_wherever_the_folders_lie(copy, capsys, monkeypatch):
    """Moved together, and looked at from somewhere else."""
    monkeypatch.chdir(copy / "night")
    assert call(capsys, "verify", copy / "reports")[0] == 0
    shutil.move(str(copy / "night"), str(copy / "archive"))
    code, told = call(capsys, "verify", copy / "reports")
    assert code == 3
    assert "--snapshot" in told
    assert call(capsys, "verify", copy / "reports", "--snapshot", copy / "archive")[0] == 0


def test_sha256sum_alone_can_check_it(made):
    """No acrscan needed."""
    done = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=made / "reports", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == len(list(read_sums(made / "reports" / "SHA256SUMS")))


@pytest.mark.parametrize(
    "name",
    [
        "acrscan.json",
        "acrscan.csv",
        "acrscan.html",
        "manifest.json",
        "acrscan.intoto.json",
        "inputs/waivers/acr-waivers.yaml",
        "inputs/pack/rules/pack.yaml",
    ],
)
def test_a_changed_file_is_found(copy, capsys, name):
    """Any file, by one byte."""
    path = copy / "reports" / name
    content = path.read_bytes()
    path.write_bytes(content.replace(b"a", b"b", 1))
    code, told = call(capsys, "verify", copy / "reports", "--no-replay")
    assert code in (1, 2), told
    assert name in told or "manifest" in told


@pytest.mark.parametrize(
    "name", ["acrscan.ndjson", "acrscan.intoto.json", "inputs/profile/0-production.yaml", "SHA256SUMS"]
)
def test_a_missing_file_is_found(copy, capsys, name):
    """Also the list itself."""
    (copy / "reports" / name).unlink()
    code, told = call(capsys, "verify", copy / "reports", "--no-replay")
    assert code in (1, 2)
    assert name in told


def test_a_file_beside_them_is_told_but_nothing_is_said_about_it(copy, capsys):
    """Somebody may have put it there."""
    (copy / "reports" / "note.txt").write_text("x")
    code, told = call(capsys, "verify", copy / "reports")
    assert code == 3
    assert "note.txt" in told


def test_everything_rewritten_alike_still_fails_the_replay(copy, capsys):
    """Who changes a report and all digests of it cannot change what the scan gives."""
    reports = copy / "reports"
    path = reports / "acrscan.json"
    old, new = path.read_bytes(), path.read_bytes().replace(b"harbourlegacy", b"harbourlegady")
    swap(reports, {"acrscan.json": (old, new)})
    code, told = call(capsys, "verify", reports)
    assert code == 1
    assert "acrscan.json came out different" in told
    assert "acrscan.ndjson came out the same" in told


def test_a_changed_rule_fails_the_replay(copy, capsys):
    """The copy of the pack is what decides."""
    reports = copy / "reports"
    name = "inputs/pack/rules/ACR101-admin-user-disabled.yaml"
    old = (reports / name).read_bytes()
    swap(reports, {name: (old, old.replace(b"severity: high", b"severity: low"))})
    code, told = call(capsys, "verify", reports)
    assert code == 1
    assert "came out different" in told


def swap(reports, changes):
    """Put other content into files, and their digests into every list, as a careful forger would."""
    digests = {}
    for name, (old, new) in changes.items():
        assert old != new
        (reports / name).write_bytes(new)
        digests[hashlib.sha256(old).hexdigest()] = hashlib.sha256(new).hexdigest()
    for name in ("manifest.json", "acrscan.intoto.json", "SHA256SUMS"):
        path = reports / name
        before = path.read_bytes()
        after = before
        for old, new in digests.items():
            after = after.replace(old.encode(), new.encode())
        if name == "manifest.json":
            record = orjson.loads(after)
            for one in (*record["outputs"], *record["inputs"]):
                one["size"] = (reports / one["path"]).stat().st_size
            after = orjson.dumps(
                record, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
            )
        path.write_bytes(after)
        digests[hashlib.sha256(before).hexdigest()] = hashlib.sha256(after).hexdigest()


def test_the_manifest_says_what_decided(made):
    """Inventory, pack, profile, waivers, clock, inputs by role; and nothing of this machine."""
    found = read(made / "reports" / "manifest.json")
    document = json.loads((made / "reports" / "acrscan.json").read_text("utf-8"))
    head = document["header"]
    assert (found.inventory_digest, found.pack_digest, found.waiver_digest, found.profile_digest) == (
        head["inventoryDigest"], head["packDigest"], head["waiverDigest"], head["profileDigest"],
    )  # fmt: skip
    assert found.summary == document["summary"]
    (profile,) = (one.sha256 for one in found.inputs if one.role == "profile")
    assert found.profile_digest == profile
    assert {one.role for one in found.inputs} == {"pack", "profile", "waivers", "baseline"}
    assert found.replay.paths == ("../night",)
    statement = json.loads((made / "reports" / "acrscan.intoto.json").read_text("utf-8"))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    names = {one["name"] for one in statement["subject"]}
    assert names == {"manifest.json", *(one.path for one in found.outputs)}


def test_each_night_names_the_one_before(tmp_path, capsys):
    """A chain of three; a forged link is found, one that nobody gives is not called checked."""
    nights: list[Path] = []
    for at in range(3):
        out = tmp_path / f"night-{at}"
        before = ["--previous-manifest", str(nights[-1] / "manifest.json")] if nights else []
        assert run([*SAVED, "-f", "json", "-o", str(out), "--manifest", *before]) == 0
        nights.append(out)
    code, told = call(capsys, "verify", nights[2], "--previous", nights[1], "--no-replay")
    assert "ok          run before" in told
    assert code == 3
    assert call(capsys, "verify", nights[2], "--no-replay")[1].count("not checked run before") == 1
    code, told = call(capsys, "verify", nights[2], "--previous", nights[0], "--no-replay")
    assert code == 1
    assert "FAILED      run before" in told


def test_the_same_folder_night_after_night_is_a_chain_too(tmp_path, capsys):
    """The manifest that lies there is the predecessor, and its inputs go."""
    out = tmp_path / "reports"
    assert (
        run(
            [
                *SAVED,
                "-f",
                "json",
                "-o",
                str(out),
                "--manifest",
                "--waivers",
                str(ESTATE / "acr-waivers.yaml"),
            ]
        )
        == 0
    )
    first = (out / "manifest.json").read_bytes()
    assert run([*SAVED, "-f", "json", "-o", str(out), "--manifest"]) == 0
    assert not (out / "inputs" / "waivers").exists()
    (tmp_path / "first.json").write_bytes(first)
    code, told = call(capsys, "verify", out, "--previous", tmp_path / "first.json")
    assert code == 0, told


def test_saved_answers_can_be_copied_beside_the_reports(tmp_path, capsys):
    """Then the folder alone is enough."""
    out = tmp_path / "reports"
    assert run([*SAVED, "-f", "json", "-o", str(out), "--manifest", "--with-inventory"]) == 0
    moved = tmp_path / "elsewhere"
    shutil.move(str(out), str(moved))
    assert call(capsys, "verify", moved)[0] == 0


def test_a_rendered_report_is_sealed_as_well(made, tmp_path, capsys):
    """Its input is the stored scan."""
    out = tmp_path / "again"
    assert (
        run(
            [
                "report",
                str(made / "reports" / "acrscan.ndjson"),
                "-q",
                "--exit-zero",
                "-f",
                "json",
                "-o",
                str(out),
                "--manifest",
            ]
        )
        == 0
    )
    code, told = call(capsys, "verify", out)
    assert code == 0, told
    assert "came out the same" in told


def test_a_signer_gets_the_statement(tmp_path, capsys):
    """Any command, without a shell; one that fails is told."""
    out = tmp_path / "reports"
    script = tmp_path / "sign.py"
    script.write_text(
        "import sys, pathlib\np = pathlib.Path(sys.argv[1])\npathlib.Path(sys.argv[1] + '.sig').write_text('signed ' + p.name)\n"
    )
    command = f"{sys.executable} {script} {{file}}"
    assert run([*SAVED, "-f", "json", "-o", str(out), "--manifest", "--sign-command", command]) == 0
    assert (out / "acrscan.intoto.json.sig").read_text() == "signed acrscan.intoto.json"
    code, told = call(
        capsys,
        *SAVED,
        "-f",
        "json",
        "-o",
        out,
        "--manifest",
        "--sign-command",
        f"{sys.executable} -c 'raise SystemExit(3)' {{file}}",
    )
    assert code == 2
    assert "the signer failed with 3" in told
    assert (
        "did not run"
        in call(
            capsys, *SAVED, "-f", "json", "-o", out, "--manifest", "--sign-command", "no-such-signer {file}"
        )[1]
    )


def test_options_that_need_each_other(capsys):
    """Told before any work."""
    assert call(capsys, *SAVED, "--manifest")[0] == 2
    assert call(capsys, *SAVED, "-f", "json", "-o", "-", "--manifest")[0] == 2
    assert call(capsys, *SAVED, "--with-inventory")[0] == 2
    assert call(capsys, "verify", ESTATE)[0] == 2


@pytest.mark.parametrize("scan", [sample_scan(), hostile_scan()], ids=["sample", "hostile"])
def test_a_page_is_checked_by_its_own_digest(tmp_path, scan):
    """Another table, or another digest, does not hold; what is no page is an error."""
    out = io.BytesIO()
    html.render(scan, out)
    path = tmp_path / "report.html"
    path.write_bytes(out.getvalue())
    assert page(path).state == "ok"
    other = io.BytesIO()
    html.render(sample_scan(findings=tuple(scan.findings)[:3]), other)
    start, end = b'id="table-data">', b"</script>"
    table = other.getvalue().split(start)[1].split(end)[0]
    head, tail = out.getvalue().split(start)
    path.write_bytes(head + start + table + end + tail.split(end, 1)[1])
    assert page(path).state == "failed"
    path.write_bytes(head + start + b"AAAA" + end + tail.split(end, 1)[1])
    assert page(path).state == "failed"
    path.write_text("<html>")
    with pytest.raises(InputError):
        page(path)


@pytest.mark.parametrize(
    ("path", "good"),
    [
        ("a/b", True),
        ("/a", False),
        ("../a", False),
        ("a/../b", False),
        ("C:/a", False),
        ("a\\..\\b", False),
        ("", False),
    ],
)
def test_paths_stay_inside(path, good):
    """On every platform."""
    assert inside(path) is good


@pytest.mark.parametrize(
    "content",
    [b"{}", b"[]", b'{"schema": "acrscan/manifest/v2"}', b'{"schema": "acrscan/manifest/v1"}', b"nope"],
)
def test_what_is_no_manifest(tmp_path, content):
    """A clear error."""
    path = tmp_path / "manifest.json"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read(path)


def test_sums_that_lead_elsewhere_are_refused(tmp_path):
    """A list is data of others."""
    path = tmp_path / "SHA256SUMS"
    path.write_text("0" * 64 + "  ../../etc/passwd\n")
    with pytest.raises(InputError):
        list(read_sums(path))
