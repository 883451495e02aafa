"""Whole-estate fixtures: expectations that are met, missed, unused or lacking; and every way a file can be wrong."""

from __future__ import annotations

import json

import jsonschema
import pytest

from scanner import data
from scanner.cli.door import run
from scanner.cli.options import profile_file
from scanner.errors import Problems, RuleError
from scanner.inventory import saved, snapshot
from scanner.language.pack import load_pack
from scanner.model.values import Hidden
from scanner.text import load_yaml, plain
from scanner.workbench.estate import inventory_of
from scanner.workbench.fixture import fixture_files, load
from scanner.workbench.fixture_schema import fixture_schema
from scanner.workbench.fixtures import run_fixtures

ACR = load_pack(data.policies() / "acr")
HEAD = "apiVersion: acrscan/v1\nname: one\n"
REGISTRY = "  - {type: Microsoft.ContainerRegistry/registries, name: %s, location: westeurope, sku: {name: Premium}, properties: {%s}}\n"
BASE = "loginServer: a.azurecr.io, provisioningState: Succeeded"


def registry(name="oneacr", extra=""):
    return REGISTRY % (name, ", ".join(filter(None, (BASE, extra))))


def written(folder, expect, *, resources=None, extra="rules: [ACR101]\n", name="a.test.yaml"):
    """A fixture file with these expectations (a list of flow mappings)."""
    listed = "resources:\n" + (registry() if resources is None else resources) if resources != "" else ""
    lines = "".join(f"  - {{{one}}}\n" for one in expect)
    path = folder / name
    path.write_text(f"{HEAD}{extra}{listed}expect:{' []' if not lines else ''}\n{lines}")
    return path


def cases(folder, expect, **parts):
    return list(run_fixtures(ACR, [written(folder, expect, **parts)], profile=profile_file))


def problems(folder, expect, **parts):
    return [case.problem for case in cases(folder, expect, **parts) if case.problem]


def errors(folder, text):
    """The errors of a file, each as (line, text)."""
    path = folder / "bad.test.yaml"
    path.write_text(text)
    with pytest.raises((Problems, RuleError)) as caught:
        list(run_fixtures(ACR, [path], profile=profile_file))
    found = caught.value.errors if isinstance(caught.value, Problems) else [caught.value]
    assert all("bad.test.yaml" in one.where for one in found), [str(one) for one in found]
    return [str(one) for one in found]


def test_the_shipped_fixtures_hold_and_are_no_rules():
    """Every case of the shipped pack's fixtures holds, and the pack loads as if they were not there."""
    files = fixture_files(data.policies() / "acr")
    assert len(files) >= 2
    found = list(run_fixtures(ACR, files, profile=profile_file))
    assert [case for case in found if case.problem] == []
    assert len(found) > 20
    assert not any("test.yaml" in rule.mark.file for rule in ACR.rules)


def test_a_pack_ignores_fixtures(tmp_path):
    """Digest and rules of a pack are the same with a fixture in it, even with one that does not parse."""
    from tests.workbench.packs import write  # noqa: PLC0415

    write(tmp_path, check="assert: {field: sku.name, equals: Premium}")
    before = load_pack(tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "a.test.yaml").write_text("nothing: [")
    after = load_pack(tmp_path)
    assert (before.digest, before.rules) == (after.digest, after.rules)


def test_each_expectation_and_the_rest_is_a_case(tmp_path):
    """What is expected is found: one case each and one that nothing else was."""
    found = cases(
        tmp_path,
        ["rule: ACR101, resource: oneacr, verdict: fail, messageContains: is true"],
        resources=registry(extra="adminUserEnabled: true"),
    )
    assert [(case.suite, case.name, case.problem) for case in found] == [
        ("one", "ACR101 fail on oneacr", ""),
        ("one", "nothing else is found", ""),
    ]
    assert found[0].mark.line == 7


def test_an_unexpected_finding_is_told(tmp_path):
    """A failure, an unknown and an error that nobody expected fail the fixture, with their messages."""
    for value, word in (
        ("true", "Admin user is true"),
        ('!unknown "403 here"', "403 here"),
        ('"yes"', "boolean"),
    ):
        (found,) = problems(tmp_path, [], resources=registry(extra=f"adminUserEnabled: {value}"))
        assert found.startswith("not expected: ")
        assert word in found


@pytest.mark.parametrize(
    ("expectation", "problem"),
    [
        ("verdict: fail", "expected fail, got pass"),
        ("verdict: unknown", "expected unknown, got pass"),
        ("verdict: notApplicable", "expected notApplicable, got pass"),
        ("verdict: pass, messageContains: nowhere", "no message with 'nowhere'"),
        ("verdict: pass, element: x", "no element 'x'"),
        ("verdict: pass, findings: 2", "expected 2 findings, got 1"),
        ("verdict: pass, waived: true", "no row that is waived"),
    ],
)
def test_an_unused_expectation_is_told(tmp_path, expectation, problem):
    """An expectation that no row meets fails, and says what there was."""
    found = problems(tmp_path, [f"rule: ACR101, resource: oneacr, {expectation}"])
    assert [problem in one for one in found] == [True]


@pytest.mark.parametrize(
    ("expectation", "problem"),
    [
        ("rule: ACR101, resource: elsewhere, verdict: pass", "looked at no resource named 'elsewhere'"),
        ("rule: ACR102, resource: oneacr, verdict: pass", "no rule of this scan"),
        ("rule: ACR999, resource: oneacr, verdict: pass", "no rule of this scan"),
        ("rule: ACR101, resource: twinacr, verdict: pass", "names 2 resources"),
    ],
)
def test_an_expectation_about_nothing_is_told(tmp_path, expectation, problem):
    """A resource or rule that the scan does not have, and a name that two resources have."""
    twins = "".join(
        registry("twinacr").replace("name: twinacr", f"id: /subscriptions/{number}/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/twinacr, name: twinacr")
        for number in (1, 2)
    )  # fmt: skip
    found = problems(tmp_path, [expectation], resources=registry() + twins)
    assert [problem in one for one in found] == [True]


def test_each_element_is_a_row_of_its_own(tmp_path):
    """Two open rules are two findings; one expectation with an element leaves the other unexpected."""
    resources = registry(
        extra="networkRuleSet: {ipRules: [{value: 10.0.0.0/9}, {value: 11.0.0.0/9}, {value: 12.0.0.1}, {value: 12.0.0.2}]}"
    )
    rule = next(rule for rule in ACR.rules if rule.id == "ACR211")
    seen = cases(tmp_path, [], resources=resources, extra="rules: [ACR211]\n")
    assert rule.target.endswith("registries")
    unexpected = [case for case in seen if case.problem]
    assert unexpected
    told = [case.name.rpartition("[")[2].rstrip("]") for case in unexpected]
    if len(told) > 1:
        left = problems(
            tmp_path,
            [f"rule: ACR211, resource: oneacr, verdict: fail, element: {told[0]}"],
            resources=resources,
            extra="rules: [ACR211]\n",
        )
        assert len(left) == len(told) - 1


def test_rows_that_share_a_cause_are_expected_on_each_resource(tmp_path):
    """One assignment on the subscription is one row about two registries; both must be expected."""
    scope = "/subscriptions/00000000-0000-0000-0000-000000000001"
    role = f"{scope}/providers/Microsoft.Authorization/roleDefinitions/8311e382-0749-4cb8-b61a-304f252e45ec"
    resources = (
        registry("oneacr")
        + registry("twoacr")
        + f"  - {{type: Microsoft.Authorization/roleDefinitions, id: {role}, properties: {{roleName: AcrPush, type: BuiltInRole, permissions: [{{actions: [Microsoft.ContainerRegistry/registries/push/write]}}]}}}}\n"
        + f"  - {{type: Microsoft.Authorization/roleAssignments, scope: {scope}, name: a1, properties: {{scope: {scope}, roleDefinitionId: {role}, principalId: p1, principalType: User}}}}\n"
    )
    extra = "rules: [ACR116]\n"
    one = "rule: ACR116, resource: oneacr, verdict: fail, findings: 1"
    (left,) = [case for case in cases(tmp_path, [one], resources=resources, extra=extra) if case.problem]
    assert "twoacr" in left.name
    assert problems(tmp_path, [one, one.replace("oneacr", "twoacr")], resources=resources, extra=extra) == []


def test_what_is_not_named_was_read_and_what_is_unread_is_unknown(tmp_path):
    """No resource of a type is an empty list; an unread one is unknown, everywhere or below its scope only."""
    other = registry("twoacr").replace(
        "name: twoacr",
        "id: /subscriptions/2/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/twoacr, name: twoacr",
    )
    both = registry() + other
    extra = "rules: [ACR116]\n"
    assert problems(tmp_path, [], resources=both, extra=extra) == []
    unread = "unread: [{type: Microsoft.Authorization/roleAssignments, %sreason: 403 there}]\n"
    everywhere = problems(tmp_path, [], resources=both, extra=extra + unread % "")
    assert ["403 there" in one for one in everywhere] == [True, True]
    below = cases(tmp_path, [], resources=both, extra=extra + unread % "scope: /subscriptions/2, ")
    assert ["twoacr" in case.name for case in below] == [True]
    targets = problems(
        tmp_path,
        [],
        resources=both,
        extra='rules: [ACR101]\nunread: [{type: Microsoft.ContainerRegistry/registries, scope: /subscriptions/3, reason: "429"}]\n',
    )
    assert ["429" in one for one in targets] == [True]


def test_opt_in_sources_are_not_asked_for_unless_the_fixture_holds_them(tmp_path):
    """Data plane and probe are not asked for; `asked` makes an empty one an answer, and so does a repository."""

    def states(**parts):
        (fixture,) = load(written(tmp_path, [], **parts))
        plane = ("acrscan/endpoints", "Microsoft.ContainerRegistry/registries/repositories/manifests")
        return [run.state for run in inventory_of(fixture).runs if run.collection in plane]

    assert states() == ["not-asked", "not-asked"]
    assert states(extra="asked: [acrscan/endpoints]\n") == ["complete", "not-asked"]
    repository = "  - {type: Microsoft.ContainerRegistry/registries/repositories, name: oneacr/app, properties: {imageName: app}}\n"
    both = registry() + repository
    assert states(resources=both) == ["not-asked", "complete"]
    passes = ["rule: ACR402, resource: oneacr/app, verdict: pass"]
    assert problems(tmp_path, passes, resources=both, extra="rules: [ACR402]\n") == []


def test_profile_and_params_and_disabled_rules(tmp_path):
    """A profile ships or lies beside; parameters are the pack's or one rule's; a rule that is off can be asked for."""
    (tmp_path / "mine.yaml").write_text(
        "apiVersion: acrscan/v1\nprofile: {id: mine}\nparameters: {ACR409.allowedRegions: [eastus]}\n"
    )
    fails = ["rule: ACR409, resource: oneacr, verdict: fail"]
    assert problems(tmp_path, fails, extra="rules: [ACR409]\nprofile: mine.yaml\n") == []
    passes = ["rule: ACR409, resource: oneacr, verdict: pass"]
    both = (
        "rules: [ACR409]\nprofile: [production, mine.yaml]\nparams: {ACR409.allowedRegions: [westeurope]}\n"
    )
    assert problems(tmp_path, passes, extra=both) == []
    off = next(rule for rule in ACR.rules if rule.id == "ACR202")
    assert not off.enabled
    assert (
        problems(tmp_path, ["rule: ACR202, resource: oneacr, verdict: fail"], extra="rules: [ACR202]\n") == []
    )


WAIVER = """\
waivers:
  - {id: W-1, rule: ACR101, resource: %s, kind: risk-accepted, reason: until then, owner: a, approver: b, created: 2026-11-01, expires: %s}
"""
PLACE = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/example/providers/Microsoft.ContainerRegistry/registries/oneacr"


def test_waivers_count_as_in_a_scan(tmp_path):
    """A waived row is still FAIL and must be expected; an expired waiver is a finding of its own."""
    parts = {"resources": registry(extra="adminUserEnabled: true")}
    row = "rule: ACR101, resource: oneacr, verdict: fail, waived: %s"
    good = "rules: [ACR101]\n" + WAIVER % (PLACE, "2026-12-31")
    assert problems(tmp_path, [row % "true"], extra=good, **parts) == []
    assert [
        "no row that is not waived" in one for one in problems(tmp_path, [row % "false"], extra=good, **parts)
    ] == [True, False]
    expired = "rules: [ACR101]\n" + WAIVER % (PLACE, "2026-11-20")
    left = [case.name for case in cases(tmp_path, [row % "false"], extra=expired, **parts) if case.problem]
    assert ["WAV" in name for name in left] == [True]


def test_bodies_are_normalised_and_secrets_redacted(tmp_path):
    """A body in `az` form is read as a collection reads it; what is secret is hidden, markers are noted by their place."""
    text = """\
  - {type: microsoft.containerregistry/REGISTRIES, name: oneacr, LOCATION: westeurope, adminUserEnabled: true, ipRules: [], networkRuleSet: {ipRules: [{value: 10.0.0.1}, !unread "page 2"]}, tags: !unknown "403"}
  - {type: Microsoft.ContainerRegistry/registries/tasks, name: oneacr/build, properties: {step: {type: Docker}, credentials: {customRegistries: {docker.io: {password: {value: hunter2, type: Opaque}}}}}}
"""
    (fixture,) = load(written(tmp_path, [], resources=text))
    inventory = inventory_of(fixture)
    (one,) = inventory.parts["microsoft.containerregistry/registries"]
    assert one.id == PLACE
    assert one.body["properties"]["adminUserEnabled"] is True
    assert one.unread == {"/properties/networkRuleSet/ipRules/-": "page 2", "/tags": "403"}
    (task,) = inventory.parts["microsoft.containerregistry/registries/tasks"]
    assert task.id == f"{PLACE}/tasks/build"
    assert "hunter2" not in repr(task.body)
    assert Hidden in {
        type(value)
        for value in task.body["properties"]["credentials"]["customRegistries"]["docker.io"][
            "password"
        ].values()
    }
    assert list(task.hidden)


def test_an_inventory_beside_the_fixture(tmp_path):
    """Saved answers and a snapshot in a folder beside it are read as a scan reads them; `unread` takes away."""
    answers = tmp_path / "answers"
    answers.mkdir()
    row = {"id": PLACE, "name": "oneacr", "type": "Microsoft.ContainerRegistry/registries", "location": "westeurope", "sku": {"name": "Premium"}, "properties": {"loginServer": "a", "provisioningState": "Succeeded", "adminUserEnabled": True}}  # fmt: skip
    (answers / "registries.json").write_text(json.dumps({"value": [row]}))
    found = saved.collect([answers], now="2026-11-25T00:00:00Z")
    snapshot.write(
        found,
        tmp_path / "night",
        tool_version="1",
        started="2026-11-25T00:00:00Z",
        ended="2026-11-25T00:00:00Z",
    )
    fails = ["rule: ACR101, resource: oneacr, verdict: fail"]
    for name in ("answers", "night"):
        extra = f"rules: [ACR101]\ninventory: {name}\n"
        assert problems(tmp_path, fails, resources="", extra=extra) == [], name
        unread = f"rules: [ACR116]\ninventory: {name}\nunread: [{{type: Microsoft.Authorization/roleAssignments, reason: 403 there}}]\n"
        assert ["403 there" in one for one in problems(tmp_path, [], resources="", extra=unread)] == [True], (
            name
        )


def test_an_estate_without_a_target_is_no_success(tmp_path):
    """Rules that look at nothing fail the fixture."""
    resources = "  - {type: Microsoft.Storage/storageAccounts, name: other, properties: {}}\n"
    assert problems(tmp_path, [], resources=resources) == [
        "no resource was evaluated: the rules look at other types"
    ]


def test_principals_are_known_by_name_and_group(tmp_path):
    """Names and groups of principals reach the inventory as a file of principals would bring them."""
    extra = "rules: [ACR101]\nprincipals: [{id: P1, name: ci, type: ServicePrincipal, groups: [G1]}]\n"
    (fixture,) = load(written(tmp_path, [], extra=extra))
    (principal,) = inventory_of(fixture).principals.items()
    assert (principal[0], principal[1].name, principal[1].groups) == ("p1", "ci", ("G1",))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ["holds no fixture"]),
        ("- a", ["must be a mapping"]),
        (f"{HEAD}resources: []\n", ["has no 'expect'"]),
        ("name: one\nresources: []\nexpect: []\n", ["has no 'apiVersion'"]),
        (f"{HEAD}expect: []\n", ["either resources or an inventory"]),
        (f"{HEAD}resources: []\ninventory: x\nexpect: []\n", ["either resources or an inventory", "there is no 'x' beside"]),
        (f"{HEAD}resorces: []\nexpect: []\n", ['Did you mean "resources"?', "either resources"]),
        (HEAD.replace("v1", "v9") + "resources: []\nexpect: []\n", ["apiVersion must be acrscan/v1"]),
        (f"{HEAD}now: yesterday\nresources: []\nexpect: []\n", ["'yesterday' is no time"]),
        (f"{HEAD}inventory: ../x\nexpect: []\n", ["does not lie beside the fixture"]),
        (f"{HEAD}inventory: /etc\nexpect: []\n", ["does not lie beside the fixture"]),
        (f"{HEAD}inventory: .\nexpect: []\n", ["does not lie beside the fixture"]),
        (f"{HEAD}inventory: a\\b\nexpect: []\n", ["does not lie beside the fixture"]),
        (f"{HEAD}rules: [nope]\nresources: []\nexpect: []\n", ["'nope' is no rule id"]),
        (f"{HEAD}rules: [ACR999]\nresources: []\nexpect: []\n", ["unknown rule 'ACR999'"]),
        (f"{HEAD}profile: nowhere\nresources: []\nexpect: []\n", ["no profile file 'nowhere'"]),
        (f"{HEAD}params: {{limit: 3}}\nresources: []\nexpect: []\n", ["unknown parameter 'limit'"]),
        (f"{HEAD}params: {{declaredPushers: 3}}\nresources: []\nexpect: []\n", ["must be array or null"]),
        (f"{HEAD}resources: [{{name: a}}]\nexpect: []\n", ["a resource has no 'type'"]),
        (f"{HEAD}resources: [a]\nexpect: []\n", ["a resource is a mapping"]),
        (f"{HEAD}resources: [{{type: Microsoft.ContainerRegistry/registrys, name: a}}]\nexpect: []\n", ['Did you mean "Microsoft.ContainerRegistry/registries"?']),
        (f"{HEAD}resources: [{{type: acrscan/access, name: a}}]\nexpect: []\n", ["worked out by the engine"]),
        (f"{HEAD}resources: [{{type: Microsoft.ContainerRegistry/registries}}]\nexpect: []\n", ["needs an id or a name"]),
        (f"{HEAD}resources: [{{type: Microsoft.ContainerRegistry/registries, id: 7}}]\nexpect: []\n", ["needs an id or a name"]),
        (f"{HEAD}resources: [{{type: Microsoft.ContainerRegistry/registries, id: a}}]\nexpect: []\n", ["does not start with /"]),
        (f"{HEAD}resources: [{{type: Microsoft.ContainerRegistry/registries, id: /a, scope: /b}}]\nexpect: []\n", ["an id or a scope, not both"]),
        (f"{HEAD}resources: [{{type: Microsoft.ContainerRegistry/registries, name: a, scope: b}}]\nexpect: []\n", ["is no id"]),
        (f"{HEAD}resources: [{{type: Microsoft.ContainerRegistry/registries/tokens, name: a}}]\nexpect: []\n", ["is written <registries>/<tokens>"]),
        (f"{HEAD}resources:\n{registry()}{registry()}expect: []\n", ["stands twice"]),
        (f"{HEAD}resources: []\nexpect: [{{rule: ACR101, resource: a}}]\n", ["has no 'verdict'"]),
        (f"{HEAD}resources: []\nexpect: [{{rule: ACR101, resource: a, verdict: failed}}]\n", ['Did you mean "fail"?']),
        (f"{HEAD}resources: []\nexpect: [{{rule: ACR101, resource: a, verdict: fail, message: b}}]\n", ["unknown key 'message'"]),
        (f"{HEAD}resources: []\nunread: [{{type: Microsoft.Nowhere/x, reason: a}}]\nexpect: []\n", ["unknown type 'Microsoft.Nowhere/x'"]),
        (f"{HEAD}resources: []\nunread: [{{type: Microsoft.ContainerRegistry/registries, scope: a, reason: b}}]\nexpect: []\n", ["is no id"]),
        (f"{HEAD}resources: []\nprincipals: [{{id: a}}]\nexpect: []\n", ["has no 'name'"]),
        (f"{HEAD}resources: []\nexpect: []\n---\n{HEAD}resources: []\nexpect: []\n", ["two fixtures are named 'one'"]),
        (f"{HEAD}rules: [ACR101]\nwaivers: [{{id: W}}]\nresources:\n{registry()}expect: []\n", ["has no 'rule'"]),
        (f"{HEAD}resources: {'[' * 70}{']' * 70}\nexpect: []\n", ["nested deeper than"]),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_at_its_place(tmp_path, text, told):
    """Each mistake is an error that names the file and what is wrong; nothing is skipped."""
    found = "\n".join(errors(tmp_path, text))
    for words in told:
        assert words in found


def test_the_command_runs_fixtures_of_a_pack_and_alone(capsys, tmp_path):
    """`policy test` of the pack runs them after the inline tests; a fixture alone runs with its pack; --rule narrows both."""
    file = str(data.policies() / "acr" / "tests" / "closed-registry.test.yaml")
    assert run(["policy", "test", file, "-v"]) == 0
    out = capsys.readouterr().out
    assert "ok closed registries with replicas ACR201 pass on closedacr\n" in out
    assert "disabled" not in out
    assert run(["policy", "test", file, "--rule", "ACR201", "-v"]) == 0
    out = capsys.readouterr().out
    assert "ok closed registries with replicas nothing else is found\n4 tests passed, 0 failed\n" in out
    assert run(["policy", "test", file, "--rule", "ACR101"]) == 2
    assert capsys.readouterr().err == "exit 2: 0 tests ran\n"


def test_a_missed_expectation_gates(capsys, tmp_path):
    """The place of the expectation, what was found, and 1."""
    from tests.workbench.packs import write  # noqa: PLC0415

    write(
        tmp_path,
        check="assert: {field: sku.name, equals: Premium}",
        tests="[{name: a, resource: {sku: {name: Premium}}, expect: pass}]",
    )
    written(tmp_path, ["rule: TST101, resource: oneacr, verdict: fail"], extra="")
    assert run(["policy", "test", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "a.test.yaml:6:5: one 'TST101 fail on oneacr': expected fail, got pass\n" in out
    assert "2 tests passed, 1 failed" in out


def test_schema_and_reader_agree():
    """The schema takes the shipped fixtures, is the committed file, and refuses what the reader refuses."""
    schema = fixture_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads((data.policies() / "schemas" / "fixture.schema.json").read_text()) == schema
    validator = jsonschema.Draft202012Validator(schema)
    for path in fixture_files(data.policies() / "acr"):
        documents, _ = load_yaml(path.read_text(), "f", tags=True)
        for document in documents:
            assert list(validator.iter_errors(plain(document))) == []
    for text in (
        "expect: []\n",
        "resources: []\nexpect: [{rule: ACR101, resource: a}]\n",
        "resources: []\nexpect: []\nmore: 1\n",
        "resources: [{name: a}]\nexpect: []\n",
        "resources: []\ninventory: a\nexpect: []\n",
    ):
        (document,), _ = load_yaml(HEAD + text, "f")
        assert not validator.is_valid(plain(document)), text
