"""`policy diff`: what changed between two packs by what it means, and the version that this asks for."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.cli.door import run
from scanner.language.pack import load_pack
from scanner.workbench.diff.change import KINDS, MEANINGS, STEPS
from scanner.workbench.diff.version import numbers, required, too_low
from scanner.workbench.unit import run_tests
from tests.workbench.repository import PACK, Repository, rule

TESTS = """tests:
  - {name: on, resource: {properties: {adminUserEnabled: true}}, expect: fail}
  - {name: off, resource: {properties: {adminUserEnabled: false}}, expect: pass}
"""
OWN = "parameters:\n  days: {type: integer, minimum: 1, maximum: 90, default: 30, description: d}\n"
AGED = rule("TST103", assertion="{field: properties.creationDate, newerThanDays: {param: days}}").replace(
    "severity: high\n", "severity: high\n" + OWN
)
SHARED = (
    PACK + "parameters:\n  tiers: {type: array, items: {type: string}, default: [Basic], description: t}\n"
)
BASE = {
    "acr/pack.yaml": SHARED,
    "acr/TST101.yaml": rule("TST101", more=TESTS),
    "acr/TST102.yaml": rule("TST102", assertion="{not: {field: sku.name, in: {param: tiers}}}"),
    "acr/TST103.yaml": AGED,
}
ONE = BASE["acr/TST101.yaml"]


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with the base on main and a branch for the change."""
    found = Repository(tmp_path / "repo")
    found.commit(BASE)
    found.git("switch", "-q", "-c", "work")
    monkeypatch.chdir(found.place)
    return found


def diff(capsys, *more, form="json", base="main"):
    """The exit code, the report (parsed where it is JSON), and stderr."""
    code = run(["policy", "diff", "--base", base, "--pack", "acr", "-f", form, *more])
    out, err = capsys.readouterr()
    return code, json.loads(out) if form == "json" and out else out, err


def changed(name, old, new):
    assert old in BASE[f"acr/{name}.yaml"]
    return {f"acr/{name}.yaml": BASE[f"acr/{name}.yaml"].replace(old, new)}


CHANGES = [
    pytest.param({"acr/TST101.yaml": None}, {("DIFF001", "acr/TST101.yaml:1:5")}, "major", id="removed"),
    pytest.param({"acr/TST104.yaml": rule("TST104")}, {("DIFF002", "acr/TST104.yaml:1:5")}, "minor", id="new"),
    pytest.param(
        {"acr/TST101.yaml": None, "acr/TST199.yaml": rule("TST199", name="rule-tst101", more=TESTS + "replaces: [TST101]\n")},
        {("DIFF003", "acr/TST199.yaml:1:5")},
        "major",
        id="renamed",
    ),
    pytest.param(
        {"acr/TST103.yaml": AGED.replace("registries\n", "registries/tokens\n").replace("{{ properties.adminUserEnabled }}", "{{ name }}")},
        {("DIFF004", "acr/TST103.yaml:7:9"), ("DIFF017", "acr/TST103.yaml:9:10")},
        "major",
        id="target",
    ),
    pytest.param(changed("TST101", "equals: false", "equals: true"), {("DIFF005", "acr/TST101.yaml:6:9")}, "minor", id="verdicts"),
    pytest.param(
{"acr/TST101.yaml": ONE.replace("equals: false}\n", "equals: false}]}\n", 1).replace("assert: {field", "assert: {allOf: [{field: properties.adminUserEnabled, exists: true}, {field")},
        {("DIFF006", "acr/TST101.yaml:6:17")},
        "patch",
        id="alike",
    ),
    pytest.param(changed("TST101", "severity: high", "severity: low"), {("DIFF008", "acr/TST101.yaml:4:11")}, "minor", id="severity"),
    pytest.param(
        {"acr/TST102.yaml": BASE["acr/TST102.yaml"].replace("{param: tiers}", "[Basic]"), "acr/pack.yaml": PACK},
        {("DIFF009", "acr/pack.yaml:1:1"), ("DIFF006", "acr/TST102.yaml:6:15")},
        "major",
        id="parameter gone",
    ),
    pytest.param(changed("TST103", "maximum: 90", "maximum: 60"), {("DIFF010", "acr/TST103.yaml:6:9")}, "major", id="narrower"),
    pytest.param(changed("TST103", "type: integer", "type: number"), {("DIFF011", "acr/TST103.yaml:6:9")}, "minor", id="number"),
    pytest.param(changed("TST103", "maximum: 90", "maximum: 99"), {("DIFF011", "acr/TST103.yaml:6:9")}, "minor", id="wider"),
    pytest.param(
        changed("TST103", "default: 30", "default: 31"),
        {("DIFF012", "acr/TST103.yaml:6:9"), ("DIFF005", "acr/TST103.yaml:6:9")},
        "minor",
        id="default",
    ),
    pytest.param(
        {"acr/TST101.yaml": ONE + "enabled: false\ndisabledReason: later\n"},
        {("DIFF013", "acr/TST101.yaml:16:10"), ("DIFF017", "acr/TST101.yaml:17:17")},
        "minor",
        id="off",
    ),
    pytest.param({"acr/TST101.yaml": ONE + "waivable: false\n"}, {("DIFF014", "acr/TST101.yaml:16:11")}, "minor", id="waivable"),
    pytest.param({"acr/TST101.yaml": ONE + "settles: true\n"}, {("DIFF014", "acr/TST101.yaml:16:10")}, "minor", id="settles"),
    pytest.param(changed("TST101", "controls: {}", "controls: {faq: [RM4]}"), {("DIFF016", "acr/TST101.yaml:12:1")}, "minor", id="controls"),
    pytest.param(changed("TST101", "Shared", "Common"), {("DIFF017", "acr/TST101.yaml:8:12")}, "patch", id="words"),
    pytest.param(changed("TST101", "Switch it off.", "Disable it."), {("DIFF017", "acr/TST101.yaml:9:1")}, "patch", id="remediation"),
    pytest.param(changed("TST101", "name: on", "name: in use"), {("DIFF018", "acr/TST101.yaml:13:1")}, "patch", id="tests"),
    pytest.param({"acr/TST101.yaml": ONE + "status: deprecated\n"}, {("DIFF019", "acr/TST101.yaml:16:9")}, "minor", id="status"),
    pytest.param({"acr/pack.yaml": SHARED.replace("id: t,", "id: u,")}, {("DIFF020", "acr/pack.yaml:2:12")}, "major", id="pack"),
    pytest.param({"acr/pack.yaml": SHARED.replace("1.0.0}", "1.0.0, requires: '>=0.1'}")}, {("DIFF021", "acr/pack.yaml:2:54")}, "minor", id="engine"),
    pytest.param({"acr/TST101.yaml": None, "acr/sub/TST101.yaml": ONE}, {("DIFF022", "acr/sub/TST101.yaml:1:1")}, "patch", id="moved"),
    pytest.param({"acr/TST101.yaml": "# a comment\n" + ONE}, set(), "", id="comment"),
]  # fmt: skip
VERSIONS = {"major": "2.0.0", "minor": "1.1.0", "patch": "1.0.1", "": "1.0.0"}


@pytest.mark.parametrize(("change", "expected", "step"), CHANGES)
def test_each_kind_of_change(repository, capsys, change, expected, step):
    """Its code, its place in the newer pack, and the version that it asks for; a lower one is META006 with exit 2."""
    repository.commit(change)
    code, found, err = diff(capsys)
    assert {
        (one["code"], f"{one['file']}:{one['line']}:{one['column']}") for one in found["changes"]
    } == expected
    assert (found["step"], found["wantedVersion"]) == (step, VERSIONS[step])
    assert found["tooLow"] is bool(step)
    assert code == (2 if step else 0)
    wanted = VERSIONS[step]
    main = (repository.place / "acr/pack.yaml").read_text()
    repository.commit({"acr/pack.yaml": main.replace("version: 1.0.0", f"version: {wanted}")})
    code, found, err = diff(capsys)
    assert (code, found["tooLow"], err) == (0, False, "")


def test_the_place_of_a_version_that_is_too_low(repository, capsys):
    """META006 stands at pack.version and says which changes ask for more."""
    repository.commit(changed("TST101", "severity: high", "severity: low"))
    code, out, _ = diff(capsys, form="text")
    assert code == 2
    first = out.splitlines()[0]
    assert first == "acr/pack.yaml:2:37: META006 pack.version 1.0.0 is lower than 1.1.0, which a minor change asks for since 1.0.0"  # fmt: skip


def test_moves_come_with_cases_that_are_tests(repository, capsys, tmp_path):
    """Each case shown holds as a test of the older rule and fails as a test of the newer one."""
    stricter = ONE.replace(
        "{field: properties.adminUserEnabled, equals: false}", "{field: sku.name, equals: Premium}"
    )
    repository.commit({"acr/TST101.yaml": stricter})
    _, found, _ = diff(capsys)
    (change,) = [one for one in found["changes"] if one["code"] == "DIFF005"]
    assert "fail -> pass" in change["what"]
    assert "pass -> fail" in change["what"]
    assert "- assert: {field: properties.adminUserEnabled, equals: false}" in change["detail"]
    blocks = change["detail"].split("now:\n")[1:]
    cases = [block.partition("\na case")[0].replace("held before this change", f"case {number}") for number, block in enumerate(blocks)]  # fmt: skip
    assert len(cases) == 2
    for name, text, problems in (("old", ONE, 0), ("new", stricter, 2)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "pack.yaml").write_text(PACK)
        (folder / "TST101.yaml").write_text(
            text.partition("tests:")[0] + "tests:\n" + "\n".join(cases) + "\n"
        )
        results = list(run_tests(load_pack(folder)))
        assert len(results) == 2
        assert sum(bool(one.problem) for one in results) == problems


def test_a_shared_default_is_told_for_the_rules_that_it_moves(repository, capsys):
    """Another default of a pack's parameter changes verdicts of rules that use it, and of no others."""
    repository.commit({"acr/pack.yaml": SHARED.replace("[Basic]", "[Standard]")})
    _, found, _ = diff(capsys)
    assert {(one["code"], one["rule"], one["step"]) for one in found["changes"]} == {
        ("DIFF012", "", "patch"),
        ("DIFF005", "TST102", "minor"),
    }


def test_an_unused_default_is_a_patch(repository, capsys):
    """A parameter that decides nothing changes nothing but itself."""
    repository.git("switch", "-q", "main")
    repository.commit({"acr/pack.yaml": SHARED + "  idle: {type: integer, default: 1, description: i}\n"})
    repository.git("switch", "-q", "work")
    repository.git("merge", "-q", "main")
    repository.commit({"acr/pack.yaml": SHARED + "  idle: {type: integer, default: 2, description: i}\n"})
    _, found, _ = diff(capsys)
    assert found["step"] == "patch"


def test_a_changed_definition_is_told_where_it_stands(repository, capsys):
    """The place of the difference is in pack.yaml, and every rule that refers to it is named."""
    definition = "definitions:\n  off: {field: properties.adminUserEnabled, equals: false}\n"
    uses = rule("TST104", assertion="{ref: off}")
    repository.git("switch", "-q", "main")
    repository.commit({"acr/pack.yaml": SHARED + definition, "acr/TST104.yaml": uses})
    repository.git("switch", "-q", "work")
    repository.git("merge", "-q", "main")
    repository.commit({"acr/pack.yaml": SHARED + definition.replace("equals: false", "exists: true")})
    _, found, _ = diff(capsys)
    (change,) = found["changes"]
    assert (change["code"], change["rule"], change["file"], change["line"]) == (
        "DIFF005",
        "TST104",
        "acr/pack.yaml",
        6,
    )


def test_a_split_is_compared_as_a_whole(repository, capsys):
    """Two parts that together decide as the one did: the ids differ, the verdicts do not."""
    one = rule("TST201", name="one", more=TESTS + "replaces: [TST101]\n")
    two = rule("TST202", name="two", assertion="{field: properties.adminUserEnabled, exists: true}", more="replaces: [TST101]\n")  # fmt: skip
    repository.commit({"acr/TST101.yaml": None, "acr/a.yaml": one + "---\n" + two})
    _, found, _ = diff(capsys)
    codes = [(one["code"], one["rule"]) for one in found["changes"]]
    assert ("DIFF003", "TST201") in codes
    assert ("DIFF003", "TST202") in codes
    assert "DIFF005" not in {code for code, _ in codes}


def test_a_rule_that_became_manual(repository, capsys):
    """A person attests what the scanner decided: told once, at the new key."""
    manual = ONE.replace("assert: {field: properties.adminUserEnabled, equals: false}", "manual: Ask Mira.")
    manual = manual.partition("tests:")[0].replace(
        'message: "the admin user is {{ properties.adminUserEnabled }}"\n', ""
    )
    repository.commit({"acr/TST101.yaml": manual})
    _, found, _ = diff(capsys)
    assert [one["code"] for one in found["changes"]] == ["DIFF015", "DIFF017", "DIFF018"]
    assert (found["changes"][0]["line"], found["step"]) == (6, "minor")


def test_a_broken_rule_is_neither_removed_nor_new(repository, capsys):
    """It is an error at its place; the other changes are told beside it, and the version is still judged."""
    repository.commit({"acr/TST101.yaml": ONE + "serverity: high\n"} | changed("TST102", "severity: high", "severity: low"))  # fmt: skip
    code, found, err = diff(capsys)
    assert code == 2
    assert [(one["code"], one["rule"]) for one in found["changes"]] == [("DIFF008", "TST102")]
    assert found["notCompared"] == ["TST101"]
    assert [(one["file"], one["line"], one["column"]) for one in found["errors"]] == [
        ("acr/TST101.yaml", 16, 1)
    ]
    assert "1 error in rule files" in err


def test_a_broken_base(repository, capsys):
    """Exit 2 with the base's places, unless the rest is to be compared."""
    repository.git("switch", "-q", "main")
    repository.commit({"acr/TST101.yaml": ONE + "serverity: high\n"})
    repository.git("switch", "-q", "work")
    repository.git("merge", "-q", "main")
    repository.commit({"acr/TST101.yaml": ONE})
    code, _, err = diff(capsys)
    assert code == 2
    assert "acr/TST101.yaml:16:1" in err
    code, found, _ = diff(capsys, "--base-broken", "ok")
    assert (code, found["changes"], found["notCompared"]) == (0, [], ["TST101"])


def test_a_new_pack(repository, capsys):
    """A pack that the base lacks asks for no version."""
    repository.commit({"new/pack.yaml": PACK, "new/TST1.yaml": rule("TST101")})
    code = run(["policy", "diff", "--base", "main", "--pack", "new"])
    assert code == 0
    assert "new 1.0.0 is new: there is no pack at main" in capsys.readouterr().out


def test_a_version_that_went_down(repository, capsys):
    """A lower version than the base's is too low without any change."""
    repository.commit({"acr/pack.yaml": SHARED.replace("1.0.0", "0.9.0")})
    code, _, err = diff(capsys)
    assert code == 2
    assert "0.9.0 is lower than 1.0.0" in err


def test_the_changelog_section(repository, capsys):
    """Groups as in keepachangelog.com, breaking changes marked, words and tests only named."""
    repository.commit(
        {"acr/TST101.yaml": None, "acr/TST104.yaml": rule("TST104")} | changed("TST102", "Shared", "Common"),
        "x",
    )
    _, out, _ = diff(capsys, "--changelog", form="text")
    assert out.startswith(
        "### Rules\n\n#### Removed\n\n- **Breaking:** TST101: removed (high): The admin user is off"
    )
    assert "#### Added\n\n- TST104: new (high): The admin user is off\n" in out
    assert out.endswith("Words without another verdict: TST102.\n")


@pytest.mark.parametrize("form", ["text", "markdown", "json", "github", "sarif"])
def test_every_format_names_it(repository, capsys, form):
    """Each writer tells the change with its code or words and place, and the version; the exit code is the same."""
    repository.commit(changed("TST101", "severity: high", "severity: low"))
    code, out, _ = diff(capsys, form=form)
    text = json.dumps(out) if form == "json" else out
    assert code == 2
    assert "TST101.yaml" in text
    assert "severity high" in text


def test_hostile_words_stay_words(repository, capsys):
    """A title cannot end a table, call people, run a build command or hide itself, in any format."""
    title = "title: 'x | <img src=x> @all #1 ##[error]y ::error::z ``` \u202e end'"
    repository.commit({"acr/TST104.yaml": rule("TST104").replace("title: The admin user is off", title)})
    for form in ("text", "github", "markdown"):
        _, out, _ = diff(capsys, form=form)
        assert "\u202e" not in out
        assert "##[error]" not in out
        assert not any(line.startswith("::error::z") for line in out.splitlines())
    assert not re.search(r"(?<!\\)<img", out)
    assert "@all" not in out
    assert "\\| \\<img" in out


@given(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), st.sampled_from(["", *STEPS]))
def test_versions_only_grow(version, step):
    """The version that a step asks for is higher than the old one exactly where something changed."""
    old = ".".join(map(str, version))
    wanted = required(old, step)
    assert too_low(old, wanted) is bool(step)
    assert numbers(wanted) >= numbers(old)
    if step == "major" and version[0]:
        assert numbers(wanted) == (version[0] + 1, 0, 0)


def test_every_kind_is_documented():
    """Each code has a meaning and a step."""
    assert set(KINDS) <= set(MEANINGS)
    assert {kind.step for kind in KINDS.values()} == set(STEPS)
