"""`acrscan policy new`: a skeleton that loads for every type, tests that fail until filled in, ids that are used once."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from scanner import types
from scanner.cli.door import run
from scanner.language.pack import load_pack
from scanner.workbench.unit import run_tests

PACK = "apiVersion: acrscan/v1\npack: {id: acme, prefix: ACME, version: 0.1.0}\n"


def call(capsys, *arguments):
    code = run([str(one) for one in arguments])
    told = capsys.readouterr()
    return code, told.out + told.err


@pytest.fixture
def pack(tmp_path, monkeypatch):
    """A repository with a pack that has no rule yet, as working folder."""
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "rules" / "acme"
    folder.mkdir(parents=True)
    (folder / "pack.yaml").write_text(PACK)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.parametrize("target", types.all_types())
def test_a_skeleton_loads_and_none_of_its_tests_holds(pack, capsys, target):
    """For every type that has facts; the day is that of the clock."""
    asked = ("policy", "new", "ACME101", "--name", "one", "--into", pack, "--now", "2027-02-28T23:59:59Z")
    assert call(capsys, *asked, "--target", target.upper())[0] == 0
    loaded = load_pack(pack)
    (rule,) = loaded.rules
    assert (rule.id, rule.name, rule.target, rule.reviewed) == ("ACME101", "one", target, "2027-02-28")
    results = list(run_tests(loaded))
    assert len(results) == 3
    assert all(result.problem for result in results)


def test_without_a_folder_the_nearest_pack_is_meant(pack, capsys, monkeypatch):
    """From a folder below the pack; the rule lands beside pack.yaml."""
    (pack / "deep").mkdir()
    monkeypatch.chdir(pack / "deep")
    assert call(capsys, "policy", "new", "ACME101", "--name", "one")[0] == 0
    assert (pack / "ACME101-one.yaml").is_file()


def test_an_id_is_enough(pack, capsys, monkeypatch):
    """Within a pack: the name is made from the number, the file from both, and the rule loads with failing tests."""
    monkeypatch.chdir(pack)
    code, told = call(capsys, "policy", "new", "ACME007")
    assert code == 0
    assert "wrote ACME007-rule-007.yaml" in told
    assert [(rule.id, rule.name) for rule in load_pack(pack).rules] == [("ACME007", "rule-007")]
    assert all(result.problem for result in run_tests(load_pack(pack)))
    assert "2 to 8 capitals" in call(capsys, "policy", "new", "007")[1]


def test_today_comes_from_the_clock(pack, capsys):
    """No date is built in."""
    before = datetime.now(UTC).date()
    call(capsys, "policy", "new", "ACME101", "--name", "one", "--into", pack)
    (rule,) = load_pack(pack).rules
    assert rule.reviewed in (before.isoformat(), datetime.now(UTC).date().isoformat())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["acme101", "--name", "x"], "2 to 8 capitals"),
        (["ACME101", "--name", "My Rule"], "lower-case words"),
        (["CORP101", "--name", "x"], "ids of this pack begin with ACME, not with CORP"),
        (["ACME101", "--name", "x", "--target", "Microsoft.ContainerRegistry/registry"], 'Did you mean "Microsoft.ContainerRegistry/registries"?'),
        (["ACME101", "--name", "x", "--target", "webhook"], 'Did you mean "Microsoft.ContainerRegistry/registries/webhooks"?'),
        (["ACME101", "--name", "x", "--target", "zzz"], "Known: acrscan/"),
        (["ACME101", "--name", "x", "--new-pack"], "there is a pack already"),
        (["ACME101", "--name", "x", "--now", "tomorrow"], "is no time"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(pack, capsys, given, words):
    """With the reason and what would fit; nothing is written."""
    code, told = call(capsys, "policy", "new", *given, "--into", pack)
    assert code == 2
    assert words in told
    assert [path.name for path in pack.iterdir()] == ["pack.yaml"]


def test_an_id_is_used_once(pack, capsys):
    """One that a rule has, one that another replaces, a name: refused with the file that has it and an id that is free."""
    call(capsys, "policy", "new", "ACME007", "--name", "one", "--into", pack)
    path = pack / "ACME007-one.yaml"
    path.write_text(path.read_text("utf-8") + "replaces: [ACME005, ACME012]\n")
    code, told = call(capsys, "policy", "new", "ACME007", "--name", "two", "--into", pack)
    assert code == 2
    assert "rules/acme/ACME007-one.yaml: a rule has the id ACME007" in told
    assert "ACME013 is free." in told
    code, told = call(capsys, "policy", "new", "ACME005", "--name", "two", "--into", pack)
    assert code == 2
    assert "a rule once had the id ACME005" in told
    code, told = call(capsys, "policy", "new", "ACME008", "--name", "one", "--into", pack)
    assert code == 2
    assert "a rule has the name 'one'" in told


def test_other_rules_may_be_wrong_but_must_be_yaml(pack, capsys):
    """A rule in the making does not stop the next one; a file whose ids cannot be read does, with its place."""
    (pack / "ACME101-draft.yaml").write_text("id: ACME101\ntitle: no more yet\n")
    assert call(capsys, "policy", "new", "ACME102", "--name", "two", "--into", pack)[0] == 0
    (pack / "ACME103-broken.yaml").write_text("id: [\n")
    code, told = call(capsys, "policy", "new", "ACME104", "--name", "four", "--into", pack)
    assert code == 2
    assert re.search(r"ACME103-broken.yaml:\d+:\d+: ", told)


def test_no_pack(tmp_path, capsys, monkeypatch):
    """Where there is none: packs below are named, --new-pack begins one; a prefix of acrscan's own is refused."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    code, told = call(capsys, "policy", "new", "ACME101", "--name", "x")
    assert code == 2
    assert "begin one with --new-pack" in told
    code, told = call(capsys, "policy", "new", "WAV101", "--name", "x", "--new-pack", "--into", "p")
    assert code == 2
    assert "findings about waivers" in told
    assert call(capsys, "policy", "new", "ACME101", "--name", "x", "--new-pack", "--into", "My Pack")[0] == 0
    loaded = load_pack(tmp_path / "My Pack")
    assert (loaded.id, loaded.prefix, [rule.id for rule in loaded.rules]) == ("my-pack", "ACME", ["ACME101"])
    assert (tmp_path / ".acrscan/schemas/rule.schema.json").is_file()
    first = (tmp_path / "My Pack" / "ACME101-x.yaml").read_text("utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=../.acrscan/schemas/rule.schema.json"
    code, told = call(capsys, "policy", "new", "ACME102", "--name", "y")
    assert "Packs below it: My Pack. Name one with --into." in told


def test_outside_of_a_repository_schemas_lie_in_the_pack(tmp_path, capsys, monkeypatch):
    """No file is written above the folder that was named."""
    folder = tmp_path / "p"
    monkeypatch.chdir(tmp_path)
    assert call(capsys, "policy", "new", "ACME101", "--name", "x", "--new-pack", "--into", "p")[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["p"]
    assert (folder / ".acrscan/schemas/pack.schema.json").is_file()
    assert load_pack(folder).rules
