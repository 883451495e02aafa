"""What a changed rule can decide differently is said with a case also where the estate shows nothing, and how much was tried."""

import json
from dataclasses import replace

import pytest

from scanner.cli.door import run
from scanner.language.pack import load_pack
from scanner.language.tailor import tailor
from scanner.workbench.impact.trials import Trials
from scanner.workbench.sides import Sides
from scanner.workbench.unit import run_tests
from tests.workbench.estates import stored
from tests.workbench.repository import PACK, Repository, rule

PLAIN = "{field: properties.adminUserEnabled, equals: false}"
WITH_DEFAULT = "{field: properties.adminUserEnabled, equals: false, default: false}"
TIERS = rule("TST103", assertion="{not: {field: sku.name, in: {param: tiers}}}").replace(
    "severity: high\n",
    "severity: high\nparameters:\n  tiers: {type: array, items: {type: string}, default: [Basic], description: tiers}\n",
)
SEVERAL = ", ".join(
    f"{{some: {{of: properties.networkRuleSet.ipRules, as: one{at}, where: {{field: $one{at}.value, equals: 10.0.0.{at}}}}}}}"
    for at in range(9)
)
LISTS = f"{{allOf: [{SEVERAL}]}}"
BASE = {
    "acr/pack.yaml": PACK,
    "acr/TST101.yaml": rule("TST101", assertion=WITH_DEFAULT),
    "acr/TST102.yaml": rule("TST102", assertion=LISTS),
    "acr/TST103.yaml": TIERS,
}
PROFILE = "apiVersion: acrscan/v1\nprofile: {id: p}\n"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with the base on main, a branch for the change, and an estate in which nothing is odd."""
    found = Repository(tmp_path / "repo")
    found.commit({**BASE, "p.yaml": PROFILE})
    found.git("switch", "-q", "-c", "work")
    monkeypatch.chdir(found.place)
    stored(tmp_path / "night", {"alpha": {}})
    return found


def asked(capsys, *more, command="impact", form="json"):
    """What the command prints, parsed where it is JSON, and the exit code."""
    estate = ("--snapshot", "../night") if command == "impact" else ()
    code = run(["policy", command, "--base", "main", "--pack", "acr", *estate, "-f", form, *more])
    out = capsys.readouterr().out
    return (json.loads(out) if form == "json" else out), code


def tried(found, name):
    (one,) = next(row["tried"] for row in found["rules"] if row["id"] == name)
    return one


def moves(one):
    return {(move["before"], move["after"]) for move in one["moves"]}


def test_a_stricter_rule_is_told_where_the_estate_shows_nothing(repository, capsys):
    """No finding changes, and still the report names the verdict that can become another, at the condition, with a case."""
    repository.commit({"acr/TST101.yaml": rule("TST101", assertion=PLAIN)})
    found, code = asked(capsys, "--no-loosening")
    row = next(row for row in found["rules"] if row["id"] == "TST101")
    assert (code, row["new"], row["resolved"], row["verdicts"], found["loosenings"]) == (0, 0, 0, [], [])
    one = tried(found, "TST101")
    assert (moves(one), one["complete"]) == ({("P", "F")}, True)
    assert (one["file"], one["line"], one["column"]) == ("acr/TST101.yaml", 6, 9)
    for form in ("text", "markdown"):
        out, _ = asked(capsys, form=form)
        assert "can decide differently on another" in out
        assert "every combination of the values that matter was tried" in out
        assert one["moves"][0]["case"].strip() in out
    out, _ = asked(capsys, form="github")
    (line,) = out.strip().splitlines()[:1]
    assert line.startswith("::notice file=acr/TST101.yaml,line=6,col=9")
    assert "IMPACT005" in line


@pytest.mark.parametrize("command", ["impact", "diff"])
def test_the_case_is_a_test_that_held_before_and_fails_now(repository, capsys, command):
    """Put into both versions of the rule, the printed case passes in the older one and fails in the newer one."""
    repository.commit({"acr/TST101.yaml": rule("TST101", assertion=PLAIN)})
    found, _ = asked(capsys, command=command)
    rows = tried(found, "TST101")["moves"] if command == "impact" else found["changes"][0]["moves"]
    case = f"tests:\n{rows[0]['case']}\n"
    for assertion, holds in ((WITH_DEFAULT, True), (PLAIN, False)):
        repository.write({"acr/TST101.yaml": rule("TST101", assertion=assertion, more=case)})
        pack = load_pack(repository.place / "acr")
        (result,) = run_tests(pack, lambda one: one.id == "TST101")
        assert (result.problem == "") is holds


def test_a_condition_that_is_only_written_differently(repository, capsys):
    """Both decide alike in every case: that is said, and nothing else."""
    repository.commit(
        {"acr/TST101.yaml": rule("TST101", assertion=f"{{allOf: [{WITH_DEFAULT}, {WITH_DEFAULT}]}}")}
    )
    found, _ = asked(capsys)
    one = tried(found, "TST101")
    assert (one["moves"], one["complete"], one["note"]) == ([], True, "")
    out, _ = asked(capsys, form="text")
    assert "TST101: decides alike; every combination" in out
    assert out.count("Nothing on this estate changes, and nothing got looser.") == 1
    assert "IMPACT005" not in asked(capsys, form="github")[0]


def test_what_did_not_change_is_not_tried(repository, capsys):
    """Words, tests and severities are no reason to try a rule."""
    repository.commit({"acr/TST101.yaml": rule("TST101", assertion=WITH_DEFAULT).replace("high", "low")})
    found, _ = asked(capsys)
    assert [row["id"] for row in found["rules"] if row["tried"]] == []


@pytest.mark.parametrize("command", ["impact", "diff"])
def test_a_sample_is_called_one(repository, capsys, command):
    """Where the combinations are too many, the report says that only a sample was tried, in each place."""
    repository.commit({"acr/TST102.yaml": rule("TST102", assertion=LISTS.replace("10.0.0.8", "10.0.0.9"))})
    found, _ = asked(capsys, command=command)
    one = tried(found, "TST102") if command == "impact" else found["changes"][0]
    assert one["complete"] is False
    out, _ = asked(capsys, command=command, form="text")
    assert "only a sample was tried" in out
    assert "every combination" not in out
    out, _ = asked(capsys, command=command, form="markdown")
    assert "only a sample was tried" in out


def test_a_value_in_one_scope_only(repository, capsys):
    """A scoped block of a profile that makes a rule stricter is named as the origin of the values in the case."""
    scope = "scope:\n  - tag: exposure=public\n    parameters: {TST103.tiers: [Basic, Standard]}\n"
    repository.commit({"p.yaml": PROFILE + scope})
    found, _ = asked(capsys, "--profile", "p.yaml")
    one = tried(found, "TST103")
    assert moves(one) == {("P", "F")}
    assert one["moves"][0]["where"] == "p.yaml:4:5"
    assert (one["file"], one["line"]) == ("p.yaml", 4)


def test_many_blocks_with_few_values_are_tried_once_for_each_value(repository, tmp_path):
    """Two thousand scopes that give three sets of values are three comparisons, not two thousand."""
    blocks = "".join(
        f"  - resourceGroup: rg{at}\n    parameters: {{TST103.tiers: [{('Basic', 'Standard', 'Premium')[at % 3]}]}}\n"
        for at in range(2_000)
    )
    profile = tmp_path / "many.yaml"
    profile.write_text(PROFILE + "scope:\n" + blocks)
    with Sides() as sides:
        base = sides.head(repository.place / "acr")
        pack = tailor(base.pack, [profile])
    head = replace(base, pack=pack)
    (before,) = (one for one in base.pack.rules if one.id == "TST103")
    trials = Trials(base, head).of(before, (before,))
    assert [list(trial.after.values()) for trial in trials] == [[("Standard",)], [("Premium",)]]


def test_a_split_is_tried_as_a_whole(repository, capsys):
    """Two rules that stand for one are put together; the first tells what differs, the other does not tell it again."""
    one = rule("TST201", name="one", assertion=WITH_DEFAULT, more="replaces: [TST101]\n")
    two = rule(
        "TST202", name="two", assertion="{field: sku.name, equals: Premium}", more="replaces: [TST101]\n"
    )
    repository.commit({"acr/TST101.yaml": None, "acr/a.yaml": f"{one}---\n{two}"})
    found, _ = asked(capsys)
    assert ("P", "F") in moves(tried(found, "TST201"))
    assert tried(found, "TST201")["was"] == "TST101"
    assert [row["id"] for row in found["rules"] if row["tried"]] == ["TST201"]


def test_rules_that_became_one_are_tried_one_by_one(repository, capsys):
    """The rule that stands for two tells for each of them what can differ."""
    both = rule("TST105", assertion=f"{{allOf: [{WITH_DEFAULT}, {{field: sku.name, equals: Premium}}]}}", more="replaces: [TST101, TST104]\n")  # fmt: skip
    repository.git("switch", "-q", "main")
    repository.commit({"acr/TST104.yaml": rule("TST104", assertion="{field: sku.name, equals: Premium}")})
    repository.git("switch", "-q", "work")
    repository.git("merge", "-q", "main")
    repository.commit({"acr/TST101.yaml": None, "acr/TST104.yaml": None, "acr/TST105.yaml": both})
    found, _ = asked(capsys)
    (row,) = (row for row in found["rules"] if row["id"] == "TST105")
    assert [one["was"] for one in row["tried"]] == ["TST101", "TST104"]
    assert all(("P", "F") in moves(one) for one in row["tried"])


def test_diff_tells_how_much_was_tried_of_verdicts_only(repository, capsys):
    """Alike in every case is `complete`; a change of words has no cases, and so nothing that could be complete."""
    same = rule("TST101", assertion=f"{{allOf: [{WITH_DEFAULT}, {WITH_DEFAULT}]}}")
    repository.commit({"acr/TST101.yaml": same.replace("Shared passwords", "Passwords")})
    found, _ = asked(capsys, command="diff")
    assert {one["code"]: (one["moves"], one["complete"]) for one in found["changes"]} == {
        "DIFF006": ([], True),
        "DIFF017": ([], None),
    }


def test_a_large_change_is_tried_with_fewer_combinations(repository, monkeypatch, capsys):
    """After as many comparisons as are affordable the others are sampled, which is said; nothing is left out."""
    monkeypatch.setattr("scanner.workbench.moving.THOROUGH", 0)
    leaves = ", ".join(f"{{field: tags.k{at}, equals: v}}" for at in range(8))
    one, other = (rule("TST104", assertion=f"{{anyOf: [{leaves}, {{field: tags.last, equals: {value}}}]}}") for value in "ab")  # fmt: skip
    repository.git("switch", "-q", "main")
    repository.commit({"acr/TST104.yaml": one})
    repository.git("switch", "-q", "work")
    repository.git("merge", "-q", "main")
    repository.commit({"acr/TST104.yaml": other})
    found, _ = asked(capsys)
    few = tried(found, "TST104")
    monkeypatch.undo()
    monkeypatch.chdir(repository.place)
    found, _ = asked(capsys)
    many = tried(found, "TST104")
    assert {("P", "F"), ("F", "P")} <= moves(few) <= moves(many)
    assert (few["complete"], many["complete"]) == (False, True)
