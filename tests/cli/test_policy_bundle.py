"""`policy bundle`, `verify`, `push`, `pull` and `--pack FILE` as a user runs them: what is written, told, and left with."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tempfile

import orjson
import pytest

from scanner.bundle.archive import packed
from scanner.bundle.opening import opened
from scanner.cli.door import run
from tests.bundle.conftest import registry
from tests.bundle.packs import MAIN, RULE, write_pack, write_profile
from tests.conftest import ROOT

__all__ = ["registry"]
ANSWERS = ROOT / "tests" / "estate" / "answers"
COPY = f"{sys.executable} -c \"import shutil,sys; shutil.copy(sys.argv[1], sys.argv[1] + '.sig')\" {{file}}"
FAIL = f"{sys.executable} -c \"import sys; print('no good'); sys.exit(7)\" {{file}}"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A folder for what acrscan remembers between commands, away from the user's own."""
    return tmp_path_factory.mktemp("settings")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch, settings):
    """In a folder of its own, without the machine's logins."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(settings))
    monkeypatch.setenv("APPDATA", str(settings))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "nothing"))


@pytest.fixture
def pack(tmp_path):
    """The tiny pack in `pack/`."""
    return write_pack(tmp_path / "pack")


@pytest.fixture
def tiny(pack, tmp_path):
    """Its bundle with a profile, `tiny.tar.gz`."""
    write_profile(tmp_path)
    assert run(["policy", "bundle", "pack", "-o", "tiny.tar.gz", "--profile", "strict.yaml"]) == 0
    return tmp_path / "tiny.tar.gz"


def test_bundle_and_verify(tiny, capsys):
    """Bundled twice it is the same file; its digest is printed; it verifies, and says that nobody vouches for it."""
    assert run(["policy", "bundle", "pack", "-o", "again.tgz", "--profile", "strict.yaml"]) == 0
    told = capsys.readouterr()
    digest = hashlib.sha256(tiny.read_bytes()).hexdigest()
    assert told.out == f"tiny 1.4.0: 2 rules, 6 files, {tiny.stat().st_size:,} bytes, sha256:{digest}\n"
    assert told.err == "wrote again.tgz\n"
    assert (tiny.parent / "again.tgz").read_bytes() == tiny.read_bytes()
    capsys.readouterr()
    assert run(["policy", "verify", "tiny.tar.gz"]) == 0
    told = capsys.readouterr()
    assert [line[:11].strip() for line in told.out.splitlines()] == ["ok", "ok", "ok", "note"]
    assert "nothing says who made it" in told.out


def test_the_shipped_pack(capsys):
    """Without a folder it is the shipped pack; a plain tar where the name says so."""
    assert run(["policy", "bundle", "-o", "acr.tar"]) == 0
    assert capsys.readouterr().out.startswith("acr-core ")
    assert run(["policy", "verify", "acr.tar"]) == 0


def test_what_is_left_out_is_told(pack, capsys):
    """Files that no bundle holds are named."""
    (pack / "README.md").write_text("x")
    assert run(["policy", "bundle", "pack", "-o", "x.tar"]) == 0
    assert "left out, no YAML: README.md" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"TNY101-admin-off.yaml": RULE.replace("high", "hihg")}, "pack/TNY101-admin-off.yaml:4:11: SCH001 severity"),
        ({"TNY101-admin-off.yaml": RULE.replace("H1", "H9")}, "pack/TNY101-admin-off.yaml:12:20: META005 TNY101: "),
        ({"TNY101-admin-off.yaml": RULE.partition("tests:")[0]}, "pack/TNY101-admin-off.yaml:1:1: TEST001 TNY101: "),
        ({"pack.yaml": MAIN.replace(">=0.1,<1", ">=7")}, "needs acrscan >=7"),
        ({"frameworks/house.yaml": "apiVersion: acrscan/v1\n"}, "pack/frameworks/house.yaml:1:1"),
        ({"con.yaml": RULE}, "Windows keeps for a device"),
        ({"pack.yaml": None}, "is no folder with a pack.yaml"),
    ],
)  # fmt: skip
def test_packs_that_are_not_bundled(tmp_path, capsys, changed, words):
    """A pack that does not load, has lint errors, or asks for another engine: exit 2, its place, and no file."""
    write_pack(tmp_path / "pack", **changed)
    assert run(["policy", "bundle", "pack", "-o", "x.tar.gz"]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "x.tar.gz").exists()


def test_the_errors_are_those_of_lint(tmp_path, capsys):
    """What keeps a pack from being bundled is what `policy lint` calls an error, no more and no less, in every rule."""
    untested = RULE.partition("tests:")[0]
    never = RULE.replace(
        "severity: high",
        "severity: high\nwhen: {allOf: [{field: name, equals: a}, {field: name, equals: b}]}",
    )
    write_pack(
        tmp_path / "pack",
        **{
            "TNY101-admin-off.yaml": untested.replace("H1", "H9"),
            "more/TNY102-limit.yaml": never.replace("TNY101", "TNY102").replace("admin-off", "never"),
            "TNY103-same.yaml": RULE.replace("TNY101", "TNY103").replace("admin-off", "same"),
            "TNY104-same.yaml": RULE.replace("TNY101", "TNY104").replace("admin-off", "same-again"),
        },
    )  # fmt: skip
    assert run(["policy", "lint", "pack", "-f", "json", "--no-cache"]) == 2
    found = json.loads(capsys.readouterr().out)["problems"]
    wanted = {one["code"] for one in found if one["level"] == "error"}
    assert wanted >= {"TEST001", "META005", "LOG004"}
    assert {one["code"] for one in found} >= {"LOG005", "META010"}
    assert run(["policy", "bundle", "pack", "-o", "x.tar.gz"]) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("pack/")]
    assert sorted(line.split()[1] for line in told) == sorted(
        one["code"] for one in found if one["level"] == "error"
    )


def test_a_profile_that_does_not_fit(pack, tmp_path, capsys):
    """A profile of a parameter that the pack lacks keeps the bundle from being written."""
    (tmp_path / "odd.yaml").write_text(
        "apiVersion: acrscan/v1\nprofile: {id: odd}\nparameters: {nothing: 1}\n"
    )
    assert run(["policy", "bundle", "pack", "-o", "x.tar.gz", "--profile", "odd.yaml"]) == 2
    assert "nothing" in capsys.readouterr().err
    assert not (tmp_path / "x.tar.gz").exists()


@pytest.mark.parametrize("name", ["x.zip", "pack", "x"])
def test_names_of_bundles(pack, capsys, name):
    """The suffix says what is written; a folder is no name."""
    assert run(["policy", "bundle", "pack", "-o", name]) == 2
    assert "is no name of a bundle" in capsys.readouterr().err


def test_tampering_is_told_file_by_file(tiny, capsys):
    """Exit 1, with each file that differs, and no lock for what does not hold."""
    files = dict(opened(tiny).files)
    files["pack/TNY101-admin-off.yaml"] += b"\n"
    del files["profiles/strict.yaml"]
    files["pack/new.yaml"] = RULE.replace("TNY101", "TNY103").replace("admin-off", "new").encode()
    tiny.write_bytes(packed(files, compressed=True))
    assert run(["policy", "verify", "tiny.tar.gz", "--write-lock", "acrscan.lock"]) == 1
    told = capsys.readouterr()
    assert "FAILED      pack/TNY101-admin-off.yaml: was changed" in told.out
    assert "FAILED      profiles/strict.yaml: is missing" in told.out
    assert "FAILED      pack/new.yaml: is not in manifest.json" in told.out
    assert told.err.splitlines()[-1].startswith("exit 1: does not hold: pack/TNY101")
    assert not (tiny.parent / "acrscan.lock").exists()


def test_locks(tiny, pack, capsys):
    """A lock is written, holds for the bundle and for the pack's folder, and tells what changed; other packs in it stay."""
    (tiny.parent / "acrscan.lock").write_text(
        json.dumps(
            {"schema": "acrscan/lock/v1", "packs": {"other": {"version": "1", "digest": "", "files": {}}}}
        )
    )
    assert run(["policy", "verify", "tiny.tar.gz", "--write-lock", "acrscan.lock"]) == 0
    assert set(json.loads((tiny.parent / "acrscan.lock").read_text())["packs"]) == {"other", "tiny"}
    assert run(["policy", "verify", "tiny.tar.gz", "--lock", "acrscan.lock"]) == 0
    assert run(["policy", "verify", "pack", "--lock", "acrscan.lock"]) == 0
    (pack / "TNY101-admin-off.yaml").write_text(RULE.replace("high", "low"))
    capsys.readouterr()
    assert run(["policy", "verify", "pack", "--lock", "acrscan.lock"]) == 1
    assert (
        "FAILED      pack/TNY101-admin-off.yaml: was changed: its sha256 differs from the lock"
        in capsys.readouterr().out
    )
    assert run(["policy", "bundle", "pack", "-o", "tiny.tar.gz"]) == 0
    assert run(["policy", "verify", "tiny.tar.gz", "--lock", "acrscan.lock"]) == 1
    assert "profiles/strict.yaml: is missing; the lock has it" in capsys.readouterr().out
    assert run(["policy", "verify", "pack"]) == 2
    assert "only a lock can be checked" in capsys.readouterr().err


def test_signatures(tiny, capsys):
    """The user's signer runs on the bundle, the verifier too; a failing one is exit 2 of bundle and exit 1 of verify."""
    assert run(["policy", "bundle", "pack", "-o", "s.tar.gz", "--sign-command", COPY]) == 0
    assert (tiny.parent / "s.tar.gz.sig").read_bytes() == (tiny.parent / "s.tar.gz").read_bytes()
    assert run(["policy", "verify", "s.tar.gz", "--verify-command", COPY]) == 0
    told = capsys.readouterr()
    assert "ok          signature: the verifier accepts it" in told.out
    assert "who made it" not in told.out
    assert run(["policy", "verify", "s.tar.gz", "--verify-command", FAIL]) == 1
    told = capsys.readouterr()
    assert "FAILED      signature: the verifier failed with 7" in told.out
    assert "no good" in told.err
    assert run(["policy", "bundle", "pack", "-o", "s.tar.gz", "--sign-command", FAIL]) == 2
    assert "the signer failed with 7" in capsys.readouterr().err
    assert run(["policy", "verify", "s.tar.gz", "--verify-command", "true"]) == 2
    assert "--verify-command does not name {file}" in capsys.readouterr().err
    assert run(["policy", "verify", "pack", "--verify-command", COPY, "--lock", "x"]) == 2


def test_what_is_no_bundle(pack, tmp_path, capsys):
    """Nothing there, a folder that is neither, text, and options that contradict each other."""
    (tmp_path / "text.tar.gz").write_text("hello")
    (tmp_path / "empty").mkdir()
    for arguments, words in (
        (["none.tar.gz"], "is not there"),
        (["text.tar.gz"], "is no whole tar archive"),
        (["empty"], "holds no manifest.json"),
        (["pack", "--lock", "a", "--write-lock", "b"], "Use one of them"),
    ):
        assert run(["policy", "verify", *arguments]) == 2
        assert words in capsys.readouterr().err


def test_verify_of_an_unpacked_bundle(tiny, tmp_path, capsys):
    """The folder it was unpacked into is checked the same way."""
    for name, content in opened(tiny).files.items():
        path = tmp_path / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert run(["policy", "verify", "out"]) == 0
    (tmp_path / "out" / "pack" / "extra.txt").write_text("x")
    assert run(["policy", "verify", "out"]) == 1
    assert "pack/extra.txt: is not in manifest.json" in capsys.readouterr().out


def test_commands_take_a_bundle(tiny, tmp_path, capsys, monkeypatch):
    """`--pack FILE` is the pack in it; places in what is printed name the bundle, and the private copy is gone afterwards."""
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    capsys.readouterr()
    assert run(["policy", "list", "--pack", "tiny.tar.gz"]) == 0
    assert "2 rules" in capsys.readouterr().out
    arguments = ["explain", "TNY101", str(ANSWERS), "--from", "saved", "--pack", "tiny.tar.gz"]
    code = run([*arguments, "--resource", "harbourcore", "-f", "json"])
    assert code in (0, 1)
    assert "tiny.tar.gz!/TNY101-admin-off.yaml:6:" in capsys.readouterr().out
    digest = hashlib.sha256(tiny.read_bytes()).hexdigest()
    assert run(["policy", "list", "--pack", f"tiny.tar.gz@sha256:{digest}"]) == 0
    assert run(["policy", "list", "--pack", f"tiny.tar.gz@sha256:{'0' * 64}"]) == 2
    assert "not the one asked for" in capsys.readouterr().err
    assert list((tmp_path / "scratch").iterdir()) == []


def test_profiles_of_a_bundle(tiny, tmp_path, capsys):
    """A profile that came with the bundle is named like a shipped one, and only by a plain name."""
    (tmp_path / "strict.yaml").unlink()
    assert run(["policy", "list", "--pack", "tiny.tar.gz", "--profile", "strict"]) == 0
    capsys.readouterr()
    for name in ("nobody", "../profiles/strict", "../pack/pack"):
        assert run(["policy", "list", "--pack", "tiny.tar.gz", "--profile", name]) == 2
        assert "Profiles of the bundle: strict. Shipped profiles:" in capsys.readouterr().err


def test_a_bundle_that_does_not_hold_is_not_used(tiny, capsys):
    """A scan with a tampered bundle reads nothing of it: exit 2, every difference named."""
    files = dict(opened(tiny).files)
    files["pack/TNY101-admin-off.yaml"] = RULE.replace("equals: false", "equals: true").encode()
    tiny.write_bytes(packed(files, compressed=True))
    assert run(["scan", str(ANSWERS), "--from", "saved", "--pack", "tiny.tar.gz"]) == 2
    told = capsys.readouterr()
    assert "tiny.tar.gz: pack/TNY101-admin-off.yaml: was changed" in told.err
    assert told.out == ""


def test_a_manifest_that_lies_about_its_pack(tiny, capsys):
    """A bundle whose manifest tells of another pack is refused when the pack was loaded."""
    files = dict(opened(tiny).files)
    record = orjson.loads(files["manifest.json"])
    record["pack"]["version"] = "9.9.9"
    option = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    files["manifest.json"] = orjson.dumps(record, option=option)
    tiny.write_bytes(packed(files, compressed=True))
    assert run(["policy", "list", "--pack", "tiny.tar.gz"]) == 2
    assert "version '9.9.9', not '1.4.0'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pack/pack.yaml", "is a rule file; a pack is a folder or a bundle"),
        ("none.tar.gz", "is not a folder with a pack"),
        (f"pack@sha256:{'0' * 64}", "only a bundle's file can be pinned"),
    ],
)
def test_what_pack_cannot_name(pack, capsys, name, words):
    """Each with the next step."""
    assert run(["policy", "list", "--pack", name]) == 2
    assert words in capsys.readouterr().err


def test_a_sealed_scan_with_a_bundle_can_be_done_again(tiny, capsys):
    """`--manifest` copies the pack out of the bundle; `verify` repeats the scan without it, byte for byte."""
    arguments = [str(ANSWERS), "--from", "saved", "--now", "2026-11-25T02:00:00Z", "--fail-on", "never", "-q"]
    how = ["--pack", "tiny.tar.gz", "--profile", "strict", "-f", "json", "-f", "sarif", "-o", "out", "--manifest"]  # fmt: skip
    assert run(["scan", *arguments, *how, "--with-inventory"]) in (0, 3)
    sealed = json.loads((tiny.parent / "out" / "manifest.json").read_text())
    assert sealed["replay"]["packName"] == "tiny.tar.gz!"
    assert (tiny.parent / "out" / "inputs" / "pack" / "rules" / "TNY101-admin-off.yaml").is_file()
    tiny.unlink()
    capsys.readouterr()
    assert run(["verify", "out"]) == 0
    told = capsys.readouterr().out
    assert "acrscan.json came out the same, byte by byte" in told
    assert "acrscan-" not in (tiny.parent / "out" / "acrscan.json").read_text().replace("acrscan-access", "")


def test_push_and_pull_through_a_folder(tiny, capsys):
    """The OCI layout: pushed, pulled by tag and digest, the same bytes; a tag is moved only on demand."""
    assert run(["policy", "push", "tiny.tar.gz", "layout:1.4.0", "--oci-layout"]) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    reference, words = told.split(" ", 1)
    assert words == "pushed: tiny 1.4.0"
    assert run(["policy", "push", "tiny.tar.gz", "layout:1.4.0", "--oci-layout"]) == 0
    assert "was there already" in capsys.readouterr().out
    assert run(["policy", "push", "tiny.tar.gz", "layout:1.4.0", "--oci-layout", "--annotation", "a=b"]) == 2
    assert "--move-tag" in capsys.readouterr().err
    moved = ["--annotation", "a=b", "--created", "2026-11-25T02:00:00Z", "--move-tag"]
    assert run(["policy", "push", "tiny.tar.gz", "layout:1.4.0", "--oci-layout", *moved]) == 0
    assert run(["policy", "pull", "layout:1.4.0", "--oci-layout", "-o", "back.tar.gz"]) == 0
    assert run(["policy", "pull", reference, "--oci-layout", "-o", "old.tar.gz"]) == 0
    for name in ("back.tar.gz", "old.tar.gz"):
        assert (tiny.parent / name).read_bytes() == tiny.read_bytes()


def test_pull_with_a_lock(tiny, capsys):
    """A pack that is not the locked one does not land: exit 1 and the differences."""
    assert run(["policy", "verify", "tiny.tar.gz", "--write-lock", "acrscan.lock"]) == 0
    assert run(["policy", "push", "tiny.tar.gz", "layout:1", "--oci-layout"]) == 0
    arguments = ["policy", "pull", "layout:1", "--oci-layout", "-o", "back.tar.gz", "--lock", "acrscan.lock"]
    assert run(arguments) == 0
    (tiny.parent / "back.tar.gz").unlink()
    assert run(["policy", "bundle", "pack", "-o", "tiny.tar.gz"]) == 0
    assert run(["policy", "push", "tiny.tar.gz", "layout:1", "--oci-layout", "--move-tag"]) == 0
    assert run(arguments) == 1
    assert "profiles/strict.yaml: is missing; the lock has it" in capsys.readouterr().out
    assert not (tiny.parent / "back.tar.gz").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["push", "tiny.tar.gz", "acr:1"], "names no registry"),
        (["push", "none.tar.gz", "r.io/acr:1"], "cannot be read"),
        (["push", "tiny.tar.gz", "r.io/acr:1", "--username", "me"], "go together"),
        (["push", "tiny.tar.gz", "r.io/acr:1", "--password-stdin"], "go together"),
        (["push", "tiny.tar.gz", "x:1", "--oci-layout", "--plain-http"], "needs no login"),
        (["push", "tiny.tar.gz", "x:1", "--oci-layout", "--created", "today"], "is no time"),
        (["push", "tiny.tar.gz", "x:1", "--oci-layout", "--annotation", "a"], "is not KEY=VALUE"),
        (["push", "tiny.tar.gz", "x:1", "--oci-layout", "--annotation", "a=\udcff"], "is no text"),
        (["pull", "r.io/acr:1", "-o", "pack"], "is a folder"),
        (["pull", "r.io/acr:1", "-o", "x", "--lock", "none"], "cannot be read"),
        (["pull", "127.0.0.1:1/acr:1", "-o", "x"], "cannot be reached"),
    ],
)
def test_wrong_use(tiny, capsys, arguments, words):
    """Told before anything is sent, with exit code 2."""
    assert run(["policy", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_passwords_come_on_stdin(tiny, capsys, monkeypatch):
    """An empty password and a user with a colon are refused; neither is shown."""
    for user, given in (("me", "\n"), ("m:e", "hush")):
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        arguments = ["policy", "push", "tiny.tar.gz", "r.io/a:1", "--username", user, "--password-stdin"]
        assert run(arguments) == 2
        told = capsys.readouterr()
        assert "no password came on stdin" in told.err
        assert "hush" not in told.err + told.out


def test_a_password_that_is_no_text(tiny, capsys, monkeypatch):
    """Bytes that are no UTF-8 are an error with a next step, before anything is sent."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"hush\xff\n"), encoding="utf-8"))
    arguments = ["policy", "push", "tiny.tar.gz", "r.io/a:1", "--username", "me", "--password-stdin"]
    assert run(arguments) == 2
    told = capsys.readouterr()
    assert "the password on stdin is no text" in told.err
    assert "hush" not in told.err + told.out


@pytest.mark.parametrize("registry", [("token", True)], indirect=True)
def test_push_and_pull_through_a_registry(registry, tiny, capsys, monkeypatch):
    """The whole way with a real registry: a login on stdin pushes, Docker's configuration pulls, strangers leave with 4."""
    monkeypatch.setenv("SSL_CERT_FILE", str(registry.ca))
    place = f"{registry.host}/packs/tiny:1.4.0"
    monkeypatch.setattr(sys, "stdin", io.StringIO("open sesame\n"))
    assert run(["policy", "push", "tiny.tar.gz", place, "--username", "writer", "--password-stdin"]) == 0
    reference = capsys.readouterr().out.splitlines()[-1].split(" ")[0]
    assert reference.startswith(f"{place}@sha256:")
    assert run(["policy", "pull", place, "-o", "back.tar.gz"]) == 4
    assert "Log in with docker login" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", io.StringIO("wrong"))
    arguments = ["policy", "pull", place, "-o", "back.tar.gz", "--username", "reader", "--password-stdin"]
    assert run(arguments) == 4
    assert "refuses the login from --username" in capsys.readouterr().err
    assert not (tiny.parent / "back.tar.gz").exists()
    registry.identity_tokens["exposed"] = "reader"
    monkeypatch.setattr(sys, "stdin", io.StringIO("exposed\n"))
    nobody = ["--username", "00000000-0000-0000-0000-000000000000", "--password-stdin"]
    assert run(["policy", "pull", place, "-o", "exposed.tar.gz", *nobody]) == 0
    config = tiny.parent / "docker"
    config.mkdir()
    entry = {"username": "reader", "password": "open sesame"}
    (config / "config.json").write_text(json.dumps({"auths": {registry.host: entry}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(config))
    assert run(["policy", "pull", reference, "-o", "back.tar.gz"]) == 0
    assert (tiny.parent / "back.tar.gz").read_bytes() == tiny.read_bytes()
    assert run(["policy", "push", "tiny.tar.gz", f"{registry.host}/packs/tiny:2"]) == 4
