"""`policy impact`: what a change of rules does to an estate, and everything by which something that failed can now pass."""

import json
import re

import pytest

from scanner.cli.door import run
from scanner.workbench.impact.codes import MEANINGS
from tests.workbench.estates import stored
from tests.workbench.repository import PACK, Repository, rule

ON = {"adminUserEnabled": True}
ESTATE = {"alpha": ON, "beta": ON, "gamma": {}}
PARAMETERS = (
    "parameters:\n  tiers: {type: array, items: {type: string}, default: [Basic], description: tiers}\n"
)
TIERS = rule("TST103", assertion="{not: {field: sku.name, in: {param: tiers}}}").replace(
    "severity: high\n", "severity: high\n" + PARAMETERS
)
TESTS = """tests:
  - {name: on, resource: {properties: {adminUserEnabled: true}}, expect: fail}
  - {name: off, resource: {properties: {adminUserEnabled: false}}, expect: pass}
"""
BASE = {
    "acr/pack.yaml": PACK,
    "acr/TST101.yaml": rule("TST101", more=TESTS),
    "acr/TST102.yaml": rule("TST102", assertion="{field: sku.name, equals: Premium}"),
    "acr/TST103.yaml": TIERS,
}
WAIVERS = """apiVersion: acrscan/v1
waivers:
  - id: W-1
    rule: TST101
    resource: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/alpha
    kind: risk-accepted
    reason: printers
    owner: mira
    approver: ines
    created: 2026-11-01
    expires: 2026-12-31
"""


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with the base on main, a branch for the change, and a snapshot of three registries beside it."""
    found = Repository(tmp_path / "repo")
    found.commit(BASE)
    found.git("switch", "-q", "-c", "work")
    monkeypatch.chdir(found.place)
    stored(tmp_path / "night", ESTATE)
    return found


def impact(capsys, *more, form="json", base="main"):
    """The exit code, the report (parsed where it is JSON), and stderr."""
    code = run(
        ["policy", "impact", "--base", base, "--pack", "acr", "--snapshot", "../night", "-f", form, *more]
    )
    out, err = capsys.readouterr()
    return code, json.loads(out) if form == "json" and out else out, err


def loose(found):
    return {
        (one["code"], f"{one['file']}:{one['line']}:{one['column']}")
        for one in found["loosenings"]
        if one["level"] != "info"
    }


def figures(found, name):
    return next(one for one in found["rules"] if one["id"] == name)


def test_nothing_changed(repository, capsys):
    """The same pack on both sides: no difference, exit 0, and what fails is counted as the same."""
    code, found, _ = impact(capsys, "--no-loosening", "--max-new", "info=0")
    assert code == 0
    assert found["loosenings"] == []
    assert figures(found, "TST101")["same"] == 2
    assert found["score"]["before"] == found["score"]["after"] == {"pass": 7, "decided": 9, "share": 7 / 9}
    assert found["failNothing"] == ["TST102", "TST103"]


CHANGES = [
    pytest.param(
        {"acr/TST101.yaml": rule("TST101", assertion="{anyOf: [{field: properties.adminUserEnabled, equals: false}, {field: sku.name, equals: Premium}]}", more=TESTS)},
        {("LOOSE001", "acr/TST101.yaml:6:17")},
        id="condition",
    ),
    pytest.param(
        {"acr/TST101.yaml": rule("TST101", more=TESTS).replace("assert:", "when: {field: sku.name, equals: Basic}\nassert:")},
        {("LOOSE002", "acr/TST101.yaml:6:7")},
        id="when",
    ),
    pytest.param(
        {"acr/TST101.yaml": rule("TST101", more=TESTS).replace("severity: high", "severity: low")},
        {("LOOSE003", "acr/TST101.yaml:4:11")},
        id="severity",
    ),
    pytest.param({"acr/TST101.yaml": None}, {("LOOSE004", "acr/TST101.yaml:1:5")}, id="removed"),
    pytest.param(
        {"acr/TST101.yaml": rule("TST101", more=TESTS + "enabled: false\ndisabledReason: later\n")},
        {("LOOSE005", "acr/TST101.yaml:16:10")},
        id="off",
    ),
    pytest.param(
        {"acr/TST101.yaml": rule("TST101", more=TESTS + "settles: true\n")},
        {("LOOSE009", "acr/TST101.yaml:16:10")},
        id="settles",
    ),
    pytest.param(
        {"acr/TST101.yaml": rule("TST101").replace("Microsoft.ContainerRegistry/registries", "Microsoft.ContainerRegistry/registries/tokens").replace("properties.adminUserEnabled", "properties.status")
         .replace("equals: false", "equals: disabled")},
        {("LOOSE011", "acr/TST101.yaml:5:9")},
        id="target",
    ),
    pytest.param(
        {"acr/TST101.yaml": rule("TST101").replace("assert: {field: properties.adminUserEnabled, equals: false}", "manual: Ask Mira.").replace('message: "the admin user is {{ properties.adminUserEnabled }}"\n', "")},
        {("LOOSE012", "acr/TST101.yaml:6:9")},
        id="manual",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), CHANGES)
def test_each_loosening_has_its_name_and_place(repository, capsys, change, expected):
    """Every way to make a failure pass is named with the place in the changed file, and can be gated."""
    repository.commit(change)
    code, found, err = impact(capsys, "--no-loosening")
    assert loose(found) == expected
    assert code == 1
    assert err.splitlines()[-1] == "exit 1: 1 loosening (TST101)"
    assert impact(capsys)[0] == 0
    assert all("as of main" in one["detail"] for one in found["loosenings"])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"acr/TST101.yaml": rule("TST101", more=TESTS).replace("high", "critical")}, id="severity"),
        pytest.param({"acr/TST104.yaml": rule("TST104")}, id="new rule"),
        pytest.param(
            {"acr/TST101.yaml": rule("TST101", assertion="{allOf: [{field: properties.adminUserEnabled, equals: false}, {field: sku.name, equals: Basic}]}", more=TESTS)},
            id="stricter",
        ),
        pytest.param({"acr/TST101.yaml": rule("TST101", more=TESTS).replace("Shared", "Common")}, id="words"),
        pytest.param({"acr/TST101.yaml": rule("TST101", more=TESTS + "waivable: false\n")}, id="not waivable"),
        pytest.param(
            {"acr/TST101.yaml": None, "acr/TST199.yaml": rule("TST199", name="rule-tst101", more=TESTS + "replaces: [TST101]\n")},
            id="renamed",
        ),
    ],
)  # fmt: skip
def test_what_is_not_looser_is_not_called_so(repository, capsys, change):
    """Stricter, renamed, new and reworded rules pass the gate."""
    repository.commit(change)
    code, found, _ = impact(capsys, "--no-loosening")
    assert loose(found) == set()
    assert code == 0


def test_a_loosened_condition_comes_with_its_case(repository, capsys):
    """The case that shows it is a test that held before, ready to paste."""
    repository.commit(CHANGES[0].values[0])
    _, found, _ = impact(capsys)
    (one,) = found["loosenings"]
    assert "fail -> pass" in one["what"]
    assert re.search(r"- \{name: held before this change, resource: \{.*expect: fail\}", one["detail"])
    rules = figures(found, "TST101")
    assert rules["resolved"] == 2
    assert [(m["before"], m["after"], m["number"]) for m in rules["verdicts"]] == [("F", "P", 2)]
    assert [named["name"] for named in rules["topResolved"]] == ["alpha", "beta"]


def test_only_the_estate_shows_it(repository, capsys):
    """A rule without a test that shows the loosening: the registries do."""
    change = (
        BASE["acr/TST103.yaml"]
        .replace("tiers}}}", "tiers}}, default: x}")
        .replace("default: [Basic]", "default: [Basic]")
    )
    assert change != BASE
    stored(repository.place.parent / "basic", {"alpha": {"sku": "Basic"}})
    text = TIERS.replace(
        "assert: {not: {field: sku.name, in: {param: tiers}}}",
        "assert: {anyOf: [{not: {field: sku.name, in: {param: tiers}}}, {field: location, equals: westeurope}]}",
    )
    repository.commit({"acr/TST103.yaml": text})
    code = run(
        ["policy", "impact", "--base", "main", "--pack", "acr", "--snapshot", "../basic", "-f", "json"]
    )
    found = json.loads(capsys.readouterr().out)
    assert code == 0
    assert [one["code"] for one in found["loosenings"]] == ["LOOSE001"]
    assert found["loosenings"][0]["line"] == 8


def test_new_findings_and_their_gate(repository, capsys):
    """New findings are counted by severity and rule with the resources, and gate by number."""
    repository.commit({"acr/TST104.yaml": rule("TST104").replace("high", "critical")})
    code, found, err = impact(capsys, "--max-new", "critical=1", "--max-new", "high=0")
    assert found["newBySeverity"] == {"critical": 2, "high": 0, "medium": 0, "low": 0, "info": 0}
    assert code == 1
    assert err.splitlines()[-1] == "exit 1: 2 new critical findings (limit: 1)"
    assert impact(capsys, "--max-new", "critical=2")[0] == 0
    new = figures(found, "TST104")
    assert (new["kind"], new["new"]) == ("new", 2)
    assert new["topNew"][0]["message"] == "the admin user is true"


def test_a_higher_severity_is_new_at_that_severity(repository, capsys):
    """What failed as high and fails as critical counts against the limit of critical findings."""
    repository.commit(
        {"acr/TST101.yaml": rule("TST101", more=TESTS).replace("severity: high", "severity: critical")}
    )
    code, found, _ = impact(capsys, "--max-new", "critical=0")
    assert code == 1
    assert found["newBySeverity"]["critical"] == 2
    assert figures(found, "TST101")["changed"] == 2


def test_a_renamed_rule_has_no_new_and_no_resolved_findings(repository, capsys):
    """`replaces` carries findings over; without it they are resolved and new, and the advice names the key."""
    renamed = rule("TST199", name="rule-tst101", more=TESTS + "replaces: [TST101]\n")
    repository.commit({"acr/TST101.yaml": None, "acr/TST199.yaml": renamed})
    _, found, _ = impact(capsys)
    row = figures(found, "TST199")
    assert (row["was"], row["kind"], row["same"], row["new"], row["resolved"]) == (
        ["TST101"],
        "renamed",
        2,
        0,
        0,
    )
    repository.commit({"acr/TST199.yaml": renamed.replace("replaces: [TST101]\n", "")})
    code, found, _ = impact(capsys, "--no-loosening")
    assert code == 1
    assert figures(found, "TST101")["resolved"] == figures(found, "TST199")["new"] == 2
    (gone,) = found["loosenings"]
    assert "replaces: [TST101]" in gone["advice"]


def test_a_split_rule_must_fail_in_one_of_its_parts(repository, capsys):
    """Two parts that together fail what the one failed are no loosening; parts that let something through are."""
    one = rule("TST201", name="one", more=TESTS + "replaces: [TST101]\nenabled: true\n")
    two = rule(
        "TST202", name="two", assertion="{field: sku.name, equals: Premium}", more="replaces: [TST101]\n"
    )
    repository.commit({"acr/TST101.yaml": None, "acr/a.yaml": one + "---\n" + two})
    code, found, _ = impact(capsys, "--no-loosening")
    assert (code, loose(found)) == (0, set())
    assert sum(rule["new"] + rule["resolved"] for rule in found["rules"]) == 0
    less = one.replace("equals: false", "exists: true")
    repository.commit({"acr/a.yaml": less + "---\n" + two})
    code, found, _ = impact(capsys, "--no-loosening")
    assert code == 1
    assert {code for code, _ in loose(found)} == {"LOOSE001"}
    assert "together with TST202" in found["loosenings"][0]["what"]


def test_two_rules_that_became_one(repository, capsys):
    """The findings of both go on in the one that stands for them; the kind says so."""
    both = rule("TST105", assertion="{allOf: [{field: properties.adminUserEnabled, equals: false}, {field: sku.name, equals: Premium}]}", more=TESTS + "replaces: [TST101, TST102]\n")  # fmt: skip
    repository.commit({"acr/TST101.yaml": None, "acr/TST102.yaml": None, "acr/TST105.yaml": both})
    code, found, _ = impact(capsys, "--no-loosening")
    row = figures(found, "TST105")
    assert (row["kind"], row["was"], row["same"], row["new"]) == ("merged", ["TST101", "TST102"], 2, 0)
    assert (code, loose(found)) == (0, set())


def test_pass_to_unknown_is_a_regression(repository, capsys):
    """What was decided and is not any more is told with the resources, and ends in 3."""
    asked = rule("TST101", assertion="{none: {of: related.webhooks, as: hook, where: {field: $hook.name, exists: true}}}")  # fmt: skip
    repository.commit({"acr/TST101.yaml": asked})
    code, found, err = impact(capsys)
    verdicts = figures(found, "TST101")["verdicts"]
    assert {(m["before"], m["after"], m["number"], m["regression"]) for m in verdicts} == {
        ("F", "U", 2, True),
        ("P", "U", 1, True),
    }
    assert found["undecided"] == {"before": 0, "after": 3}
    assert code == 3
    assert "3 more evaluations of critical and high rules undecided" in err
    assert impact(capsys, "--max-unknown", "3")[0] == 0


def test_parameters_of_the_pack_and_of_profiles(repository, capsys):
    """A default, a profile's value and a scoped block that let something pass are named where they are written."""
    profile = "apiVersion: acrscan/v1\nprofile: {id: p}\nparameters:\n  TST103.tiers: [Basic, Standard]\n"
    test = "tests:\n  - {name: basic, resource: {sku: {name: Basic}}, expect: fail}\n  - {name: standard, resource: {sku: {name: Standard}}, expect: pass}\n"  # fmt: skip
    repository.git("switch", "-q", "main")
    repository.commit({"acr/TST103.yaml": TIERS + test, "p.yaml": profile})
    repository.git("switch", "-q", "work")
    repository.git("merge", "-q", "main")
    repository.commit({"acr/TST103.yaml": TIERS.replace("[Basic]", "[]") + test})
    _, found, _ = impact(capsys)
    assert loose(found) == {("LOOSE007", "acr/TST103.yaml:6:10")}
    assert "tiers [Basic] -> []" in found["loosenings"][0]["detail"]
    repository.commit(
        {"acr/TST103.yaml": TIERS + test, "p.yaml": profile.replace("[Basic, Standard]", "[Standard]")}
    )
    _, found, _ = impact(capsys, "--profile", "p.yaml")
    assert loose(found) == {("LOOSE007", "p.yaml:4:3")}
    scope = "scope:\n  - tag: exposure=public\n    parameters: {TST103.tiers: []}\n"
    repository.commit({"p.yaml": profile + scope})
    _, found, _ = impact(capsys, "--profile", "p.yaml")
    assert loose(found) == {("LOOSE007", "p.yaml:6:5")}


def test_profiles_that_select_and_weigh_less(repository, capsys):
    """A profile that deselects a rule or lowers its severity is a loosening at its own place."""
    profile = "apiVersion: acrscan/v1\nprofile: {id: p}\n"
    repository.git("switch", "-q", "main")
    repository.commit({"p.yaml": profile})
    repository.git("switch", "-q", "work")
    repository.git("merge", "-q", "main")
    repository.commit(
        {"p.yaml": profile + "deselect: [TST101]\nseverity:\n  TST102: {level: info, reason: small}\n"}
    )
    code, found, _ = impact(capsys, "--profile", "p.yaml", "--no-loosening")
    assert loose(found) == {("LOOSE005", "p.yaml:3:12"), ("LOOSE003", "p.yaml:5:3")}
    assert code == 1
    assert impact(capsys, "--no-loosening")[0] == 0
    code, _, err = impact(capsys, "--profile", "p.yaml", "--base-profile", "p.yaml", "--no-loosening")
    assert (code, err) == (0, err)


def test_waivers_added_widened_and_longer(repository, capsys):
    """Each change of the waiver file by which more is accepted is named at the entry, with what it touches here."""
    repository.git("switch", "-q", "main")
    repository.commit({"acr-waivers.yaml": WAIVERS})
    repository.git("switch", "-q", "work")
    repository.git("merge", "-q", "main")
    args = ("--waivers", "acr-waivers.yaml", "--no-loosening")
    assert impact(capsys, *args)[0] == 0
    longer = WAIVERS.replace("2026-12-31", "2027-06-30")
    wider = WAIVERS.replace("resource: /", "resourceGlob: /").replace("registries/alpha", "registries/*")
    added = WAIVERS + WAIVERS.partition("waivers:\n")[2].replace("W-1", "W-2").replace("alpha", "beta")
    other = WAIVERS.replace("TST101", "TST102")
    for text, place, words in (
        (longer, 3, "lasts until 2027-06-30, was 2026-12-31"),
        (wider, 3, "accepts TST101 on all of /subscriptions"),
        (added, 12, "is new: accepts TST101 on /subscriptions"),
        (other, 3, "accepts TST102, was TST101"),
    ):
        repository.commit({"acr-waivers.yaml": text})
        code, found, _ = impact(capsys, *args)
        assert code == 1
        assert loose(found) == {("LOOSE008", f"acr-waivers.yaml:{place}:5")}
        assert words in found["loosenings"][0]["what"]
    repository.commit({"acr-waivers.yaml": added})
    _, found, _ = impact(capsys, *args)
    (touched,) = found["waivers"]
    assert (touched["id"], touched["entered"], touched["coveredAfter"]) == ("W-2", 1, 1)
    repository.commit({"acr-waivers.yaml": WAIVERS.replace("2026-12-31", "2026-11-02")})
    code, found, _ = impact(capsys, "--waivers", "acr-waivers.yaml", "--max-new", "high=0")
    assert found["newBySeverity"]["high"] == 1
    assert found["waivers"][0]["left"] == 1
    assert code == 1


def test_a_waiver_follows_a_renamed_rule(repository, capsys):
    """An entry that names the new id is the entry that named the old one; `waivable` turned on is a loosening."""
    fixed = rule("TST101", more=TESTS + "waivable: false\n")
    repository.git("switch", "-q", "main")
    repository.commit({"acr-waivers.yaml": WAIVERS, "acr/TST101.yaml": fixed})
    repository.git("switch", "-q", "work")
    repository.git("merge", "-q", "main")
    renamed = rule("TST199", name="rule-tst101", more=TESTS + "replaces: [TST101]\nwaivable: false\n")
    repository.commit({"acr/TST101.yaml": None, "acr/TST199.yaml": renamed, "acr-waivers.yaml": WAIVERS.replace("TST101", "TST199")})  # fmt: skip
    args = ("--waivers", "acr-waivers.yaml", "--no-loosening")
    code, found, _ = impact(capsys, *args)
    assert (code, loose(found)) == (0, set())
    repository.commit({"acr/TST199.yaml": renamed.replace("waivable: false", "waivable: true")})
    code, found, _ = impact(capsys, *args)
    assert code == 1
    assert ("LOOSE006", "acr/TST199.yaml:17:11") in loose(found)
    assert ("LOOSE008", "acr-waivers.yaml:3:5") in loose(found)


def test_the_clock_is_one(repository, capsys):
    """What expires between the base and today is no impact: both sides have one clock."""
    repository.git("switch", "-q", "main")
    repository.commit({"acr-waivers.yaml": WAIVERS})
    repository.git("switch", "-q", "work")
    repository.git("merge", "-q", "main")
    code, found, _ = impact(capsys, "--waivers", "acr-waivers.yaml", "--now", "2027-05-01T00:00:00Z", "--max-new", "high=0")  # fmt: skip
    assert code == 0
    assert found["waivers"] == []


def test_a_new_pack(repository, capsys):
    """A pack that the base does not have: everything is new, and that is said."""
    repository.commit({"other/pack.yaml": PACK, "other/TST101.yaml": rule("TST101")})
    code = run(
        ["policy", "impact", "--base", "main", "--pack", "other", "--snapshot", "../night", "--no-loosening"]
    )
    out = capsys.readouterr().out
    assert code == 0
    assert "other is new: there is no pack at main" in out
    assert "+2 new" in out


def test_a_base_that_does_not_parse(repository, capsys):
    """Its errors are told with their places; on request the rest is compared, and the gap is named."""
    repository.git("switch", "-q", "main")
    repository.commit({"acr/TST101.yaml": rule("TST101") + "serverity: high\n"})
    repository.git("switch", "-q", "work")
    repository.git("merge", "-q", "main")
    repository.commit({"acr/TST101.yaml": rule("TST101"), "acr/TST102.yaml": BASE["acr/TST102.yaml"].replace("high", "low")})  # fmt: skip
    code, out, err = impact(capsys)
    assert (code, out) == (2, "")
    assert "acr/TST101.yaml:13:1" in err
    assert "(at main, not in the work tree)" in err
    assert "--base-broken ok" in err
    code, found, _ = impact(capsys, "--base-broken", "ok", "--no-loosening")
    assert code == 1
    assert loose(found) == {("LOOSE003", "acr/TST102.yaml:4:11")}
    assert found["notCompared"] == ["TST101"]
    assert figures(found, "TST101")["new"] == 0
    assert found["errors"][0]["level"] == "warning"


def test_a_broken_base_pack_file(repository, capsys):
    """When pack.yaml itself does not parse there is nothing to compare with, and nothing is called new."""
    repository.git("switch", "-q", "main")
    repository.commit({"acr/pack.yaml": "apiVersion: [\n"})
    repository.git("switch", "-q", "work")
    repository.git("merge", "-q", "main")
    repository.commit({"acr/pack.yaml": PACK})
    assert impact(capsys)[0] == 2
    code, found, err = impact(capsys, "--base-broken", "ok")
    assert code == 3
    assert "0 resources evaluated" in err
    assert found["notCompared"] == ["TST101", "TST102", "TST103"]
    assert all(one["new"] == 0 for one in found["rules"])


def test_a_broken_rule_here_stops_nothing(repository, capsys):
    """The error is told at its place with exit 2; the other rules are compared, the broken one is neither new nor gone."""
    repository.commit({"acr/TST101.yaml": rule("TST101") + "serverity: high\n", "acr/TST102.yaml": BASE["acr/TST102.yaml"].replace("high", "low")})  # fmt: skip
    code, found, err = impact(capsys, "--no-loosening")
    assert code == 2
    assert "2: 1 error in rule files; 1 loosening (TST102)" in err
    assert [(one["file"], one["line"], one["column"]) for one in found["errors"]] == [
        ("acr/TST101.yaml", 13, 1)
    ]
    assert loose(found) == {("LOOSE003", "acr/TST102.yaml:4:11")}
    assert figures(found, "TST101")["kind"] == "unread"


def test_another_folder_as_the_base(repository, capsys, tmp_path):
    """`--base ./old` compares two folders without git."""
    repository.write({name.replace("acr/", "old/"): text for name, text in BASE.items()})
    repository.commit({"acr/TST101.yaml": rule("TST101", more=TESTS).replace("high", "low")})
    code, found, _ = impact(capsys, base="./old")
    assert code == 0
    assert found["base"]["words"] == "folder old"
    assert loose(found) == {("LOOSE003", "acr/TST101.yaml:4:11")}
    assert "as of folder old: old/TST101.yaml:4:11" in found["loosenings"][0]["detail"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--max-new", "critcal=0"), 'Did you mean "critical"?'),
        (("--max-new", "critical"), "is not SEVERITY=N"),
        (("--max-new", "critical=-1"), "is not SEVERITY=N"),
        (("--max-new", "low=1", "--max-new", "low=2"), "names low twice"),
        (("--now", "yesterday"), "is no time"),
        (("--snapshot", "nowhere"), "add --estate synthetic"),
        (("--snapshot", "acr"), "is no snapshot"),
        (("--base", "mian"), 'Did you mean "main"?'),
        (("--base", "./nowhere"), "there is no such folder"),
        (("--profile", "nobody"), "Shipped profiles"),
        (("--waivers", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_bad_options(repository, capsys, more, words):
    """Each is refused with what to do, and code 2."""
    code, _, err = impact(capsys, *more)
    assert code == 2
    assert words in err


def test_a_snapshot_of_another_version(repository, capsys):
    """Its schema is named and nothing is compared."""
    manifest = repository.place.parent / "night" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("acrscan/snapshot/v1", "acrscan/snapshot/v9"))
    code, out, err = impact(capsys)
    assert (code, out) == (2, "")
    assert "has the schema acrscan/snapshot/v9, this version reads acrscan/snapshot/v1" in err


def test_a_fork_without_the_snapshot(repository, capsys):
    """It is told so, the sample estate is used, and the command at the end names that."""
    repository.commit({"acr/TST101.yaml": rule("TST101", more=TESTS).replace("high", "low")})
    code, out, _ = impact(capsys, "--snapshot", "../gone", "--estate", "synthetic", form="markdown")
    assert code == 0
    assert "The snapshot ../gone is not here" in out.replace("\\", "")
    assert "embedded sample estate" in out
    command = out.strip().splitlines()[-2]
    assert command.startswith(
        f"acrscan policy impact --base {repository.git('rev-parse', 'main')} --exact --pack acr"
    )
    assert "--estate synthetic --now" in command


def test_the_last_line_gives_the_same_again(repository, capsys):
    """The command in the comment, run as it stands, gives the same page."""
    import shlex  # noqa: PLC0415

    repository.commit(CHANGES[0].values[0])
    _, first, _ = impact(capsys, "--max-new", "critical=0", form="markdown")
    words = shlex.split(first.strip().splitlines()[-2])
    run([*words[1:], "-f", "markdown"])
    again = capsys.readouterr().out
    commit = repository.git("rev-parse", "main")[:12]
    assert again == first.replace(f"main ({commit})", commit)


def test_no_repository(tmp_path, capsys, monkeypatch):
    """Outside a clone the message offers a folder as the base."""
    (tmp_path / "acr").mkdir()
    (tmp_path / "acr/pack.yaml").write_text(PACK)
    (tmp_path / "acr/TST101.yaml").write_text(rule("TST101"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert run(["policy", "impact", "--base", "main", "--pack", "acr"]) == 2
    assert "--base ./old-pack" in capsys.readouterr().err


def test_an_empty_estate(repository, capsys, tmp_path):
    """No resource evaluated is incomplete, unless that is accepted."""
    only = rule("TST101").replace("registries\n", "registries/tokens\n").replace("adminUserEnabled", "status").replace("equals: false", "equals: disabled")  # fmt: skip
    repository.commit({"acr/TST101.yaml": None, "acr/TST102.yaml": None, "acr/TST103.yaml": only.replace("TST101", "TST103").replace("tst101", "tst103")})  # fmt: skip
    assert impact(capsys)[0] == 3
    assert impact(capsys, "--allow-empty")[0] == 0


@pytest.mark.parametrize("form", ["text", "markdown", "github", "sarif", "json"])
def test_every_format_names_it(repository, capsys, form):
    """Each writer tells the loosening with its code and place; the exit code does not depend on the format."""
    repository.commit(CHANGES[2].values[0])
    code, out, _ = impact(capsys, "--no-loosening", form=form)
    text = json.dumps(out) if form == "json" else out
    assert code == 1
    assert "LOOSE003" in text
    assert "TST101.yaml" in text


def test_the_summary_is_appended(repository, capsys, tmp_path):
    """The job summary keeps what earlier steps wrote; the report itself goes to a file."""
    summary = tmp_path / "summary.md"
    summary.write_text("# before\n")
    impact(capsys, "--summary", str(summary), "-o", str(tmp_path / "impact.txt"), form="text")
    assert summary.read_text().startswith("# before\n### What this change of rules does")
    assert (tmp_path / "impact.txt").read_text().startswith("impact of acr")


def test_every_code_has_a_meaning():
    """The codes that loosenings use are all in the table that documents them."""
    from pathlib import Path  # noqa: PLC0415

    import scanner.workbench.impact as room  # noqa: PLC0415

    used = set()
    for path in Path(room.__file__).parent.glob("*.py"):
        used |= set(re.findall(r"\"((?:LOOSE|IMPACT)\d{3})\"", path.read_text()))
    assert used == set(MEANINGS)
