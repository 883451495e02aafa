"""Metadata, remediations, tests, waivers and profiles: each check at its edges."""

from __future__ import annotations

import pytest

from scanner.workbench.lint.context import Beside
from scanner.workbench.lint.run import run
from scanner.workbench.lint.waivers import _ENTRY, _GLOB
from tests.workbench.lint.bench import MAIN, RULE, codes, context, lint, rule, write


def levels(report, code):
    """The levels of a check's problems."""
    return [one.level for one in report.problems if one.code == code]


def words(report, code):
    """What a check said, and its advice."""
    return " | ".join(f"{one.what} {one.advice}" for one in report.problems if one.code == code)


@pytest.mark.parametrize(
    ("severity", "level"), [("critical", "error"), ("high", "error"), ("low", "warning")]
)
def test_a_missing_remediation_is_worse_for_worse_rules(tmp_path, severity, level):
    """META002 is an error for critical and high rules."""
    piece = f'severity: {severity}\nremediation: {{effort: low, bicep: "properties: {{ adminUserEnabled: false }}"}}'
    assert levels(lint(tmp_path, piece), "META002") == [level]


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("rationale", "META003"),
        ("references", "META003"),
        ("remediation", "META002"),
        ("controls", "META004"),
    ],
)
def test_missing_keys_belong_to_their_check(tmp_path, key, code):
    """A key that is not there is told by the check about what it is for, and keeps the rule from loading."""
    text = "".join(line for line in rule().splitlines(keepends=True) if not line.startswith(f"{key}:"))
    report = lint(tmp_path, text, kind="text")
    assert codes(report) == {code}
    assert report.counts == {"rules": 0}


@pytest.mark.parametrize(
    ("reviewed", "spoken"),
    [("2025-11-26", False), ("2025-11-25", True), ("2026-11-27", False), ("2026-11-28", True)],
)
def test_reviews_of_today(tmp_path, reviewed, spoken):
    """META014: 365 days back are fine, 366 are not; a day ahead is another time zone, two are a mistake."""
    assert ("META014" in codes(lint(tmp_path, f"reviewed: {reviewed}"))) is spoken


def test_replaced_rules(tmp_path):
    """META008 and META015 are two sides: a deprecated rule may be replaced, a living one may not."""
    heir = "---\nid: ACME102\nname: other\ntitle: Other\nreplaces: [ACME101]"
    assert codes(lint(tmp_path, f"status: deprecated\n{heir}")) == set()
    assert codes(lint(tmp_path, f"status: preview\n{heir}")) == {"META015"}


def test_unused_parameters_and_definitions(tmp_path):
    """META010 counts what conditions, messages and commands use; of a broken pack nothing is said to be unused."""
    main = (
        f"{MAIN}parameters:\n  a: {{type: integer, default: 1, description: x}}\n"
        "  b: {type: integer, default: 1, description: x}\n  c: {type: integer, default: 1, description: x}\n"
        "definitions:\n  used: {field: name, equals: x}\n  unused: {ref: used}\n"
    )
    piece = 'assert: {ref: used}\nmessage: "{{ param.a }}"\nremediation: {effort: low, az: "az acr show --name {{ param.b }}"}'
    found = lint(tmp_path, piece, main=main)
    assert "no rule uses the parameter c" in words(found, "META010")
    assert "no rule uses the definition unused" in words(found, "META010")
    assert len(levels(found, "META010")) == 2
    assert "META010" not in codes(lint(tmp_path, f"{piece}\nseverity: hihg", main=main))


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA PRIVATE KEY-----\\nMIIEpAIBAAKCAQEA7bq3V0mJ4Xk2nZp9Yw8sTt1uLrQeFgHiDjKcBvNxMzAo",
        "DefaultEndpointsProtocol=https;AccountKey=Zq3V0mJ4Xk2nZp9Yw8sTt1uLrQeFgHiDjKcBvNxMzAoPq==",
        "ghp_" + "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6.eyJzdWIiOiIxMjM0NTY3ODkwIiwi.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV",
        "Zq3V0mJ4Xk2nZp9Yw8sTt1uLrQeFgHiDjKcBvNxMzA+ACRDq3V0m",
        "abc8Q~Zq3V0mJ4Xk2nZp9Yw8sTt1uLrQeFgHiDjK",
    ],
)
def test_secrets_are_found_and_not_shown(tmp_path, text):
    """META013 names the kind and the place; no report repeats the secret. It looks at tests and keys as well."""
    piece = f'remediation: {{effort: low, manual: "Use {text} there"}}'
    report = lint(tmp_path, piece)
    assert codes(report) == {"META013"}
    assert text[:12] not in str(report)


def test_made_up_secrets_are_none(tmp_path):
    """Examples in tests of rules about secrets do not look random."""
    fake = "ghp_" + "A" * 36
    piece = f'remediation: {{effort: low, manual: "Never write {fake} or -----BEGIN PRIVATE KEY----- here"}}'
    assert codes(lint(tmp_path, piece)) == set()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("az acr update --name x --admin-enabled false", ""),
        ("az acr update -n x -g y --set properties.a=b", ""),
        ("az acr run --registry x --cmd true /dev/null", ""),
        ("az acr update --nmae x", "has no option --nmae"),
        ("az acr upgrade --name x", "there is no command az acr upgrade"),
        (
            "az acr task update --registry x --name y --comit-trigger-enabled false",
            "--commit-trigger-enabled",
        ),
        ("az role assignment delete --id x", "has no option --id"),
        (
            "az network nsg rule create --nsg-name x --name y --priority 1 --sorce-port-ranges 1",
            "--source-port-ranges",
        ),
        ("az aks update --whatever", ""),
        ("curl --proto =https x", ""),
        ("az acr update --name {{ name }} --sku -1", ""),
    ],
)
def test_commands(tmp_path, command, said):
    """META012 knows options and commands of `az acr` and its neighbours, suggests the nearest, and leaves others alone."""
    report = lint(tmp_path, f'remediation: {{effort: low, az: "{command}"}}')
    assert said in words(report, "META012")
    assert ("META012" in codes(report)) is bool(said)


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("bicep", "properties: { adminUserEnabled: false }", ""),
        (
            "bicep",
            "properties: { networkRuleSet: { ipRules: [ { action: 'Allow', value: '1.2.3.4' } ] } }",
            "",
        ),
        ("bicep", "properties: { adminUserEnabeld: false }", "properties.adminUserEnabled"),
        ("bicep", "properties: { networkRuleSet: { ipRules: [ { aktion: 'Allow' } ] } }", "ipRules[].aktion"),
        (
            "bicep",
            "properties: { networkRuleSet: { ipRules: [ { action: 'Allow' } ], nothing: 1 } }",
            "networkRuleSet.nothing",
        ),
        ("bicep", "properties: { adminUserEnabled: false", "is not closed"),
        ("bicep", "properties: { publicNetworkAccess: 'Disabled }", "a quote is not closed"),
        ("bicep", "name: 'a${'}'}b' // it's a comment {", ""),
        ("bicep", "text: '''it's {'''", ""),
        ("bicep", "x: [1)", "closes nothing"),
        ("terraform", "admin_enabled = false", ""),
        ("terraform", "admin_enable = false", "admin_enabled"),
        (
            "terraform",
            'resource "azurerm_container_registry" "a" {\n  sku = "Premium"\n  identity { type = "SystemAssigned" }\n}',
            "",
        ),
        ("terraform", 'resource "aws_ecr" "a" { scan = true }', ""),
        ("terraform", 'tags = { owner = "x", anything = "y" }', ""),
        ("terraform", 'georeplications {\n  lokation = "x"\n}', "location"),
        ("terraform", 'sku = "Premium', "a quote is not closed"),
        ("terraform", "identity { # a } here\n}", ""),
        ("terraform", "identity {", "is not closed"),
    ],
)
def test_snippets(tmp_path, kind, text, said):
    """META012: brackets and quotes close outside strings and comments; names are those of the target and of azurerm."""
    indented = text.replace("\n", "\n    ")
    report = lint(tmp_path, f"remediation:\n  effort: low\n  manual: Do it\n  {kind}: |\n    {indented}\n")
    assert said in words(report, "META012")
    assert ("META012" in codes(report)) is bool(said)


def with_tests(old, new):
    """The clean rule's tests with a change."""
    piece = RULE[RULE.index("tests:") :]
    assert old in piece
    return piece.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("properties: {}", "properties: {adminUserEnabled: null}", set()),
        ("resource: {properties: {}}", "resource: {}", set()),
        ("resource: {properties: {}}", "resource: {properties: {adminUserEnabled: false}}", {"TEST003"}),
        ("adminUserEnabled: true", "ADMINUSERENABLED: true", set()),
        ("adminUserEnabled: true", "adminUserEnabled: true, networkRuleSet: {ipRules: [{valeu: x}]}", {"TEST007"}),
        ("adminUserEnabled: true", "adminUserEnabled: true, networkRuleSet: {ipRules: [{value: x}]}", set()),
        ("{properties: {adminUserEnabled: true}}", "{apiVersion: 2025-11-01, tags: {any: x}, properties: {adminUserEnabled: true}}", set()),
        ("{properties: {adminUserEnabled: true}}", "{proprties: {adminUserEnabled: true}}", {"TEST007"}),
        ("resource: {properties: {}},", "resource: {properties: {}}, related: {lokcs: []},", {"TEST007", "TEST004"}),
        ("resource: {properties: {}},", "resource: {properties: {}}, related: {locks: [{properties: {levl: x}}]},", {"TEST007", "TEST004"}),
        ("resource: {properties: {}},", 'resource: {properties: {}}, related: {locks: [!unread "page 2"]},', set()),
    ],
)  # fmt: skip
def test_tests(tmp_path, old, new, wanted):
    """Absent is missing or null, names are known in any casing, related rows are looked at, unread tails count."""
    report = lint(tmp_path, with_tests(old, new))
    assert codes(report) == wanted, words(report, "TEST007")


def test_manual_rules_need_no_tests(tmp_path):
    """What a person attests has nothing to run."""
    text = "".join(
        line
        for line in rule().splitlines(keepends=True)
        if not line.startswith(("assert", "message", "tests", "  -"))
    )
    assert codes(lint(tmp_path, f"{text}", kind="text")) != set()
    text = text.replace("rationale:", "manual: Ask the network team.\nrationale:")
    assert codes(lint(tmp_path, text, kind="text")) == set()


def test_a_rule_that_only_dead_data_decides(tmp_path):
    """SEM008: one live leaf in an anyOf keeps the rule alive; a `when` that nothing decides kills it."""
    dead = "{field: properties.networkRuleSet.virtualNetworkRules, empty: true}"
    live = "{field: properties.adminUserEnabled, equals: false, default: false}"
    when = f"when: {dead}\nmessage: It is open\nnotApplicableMessage: It is closed"
    quiet = with_tests(
        "expect: unknown}",
        "expect: unknown}\n  - {name: elsewhere, resource: {properties: {}}, expect: notApplicable}",
    )
    assert codes(lint(tmp_path, f"assert: {{anyOf: [{dead}, {live}]}}\nmessage: It is open")) == set()
    assert codes(lint(tmp_path, f"assert: {{not: {{allOf: [{dead}, {dead}]}}}}\nmessage: It is open")) == {
        "SEM008"
    }
    report = lint(tmp_path, f"{when}\n{quiet}")
    assert codes(report) == {"SEM008"}
    assert "2026-01-01-preview" in words(report, "SEM008")


@pytest.mark.parametrize(
    ("old", "new", "code", "level", "said"),
    [
        ("2027-03-01", "2026-11-25", "WAIV001", "error", "expired on 2026-11-25"),
        ("2027-03-01", "2026-11-26", "WAIV007", "info", "ends in 0 days"),
        (
            "apiVersion: acrscan/v1\n",
            "apiVersion: acrscan/v1\npolicy: {maximumDays: 90}\n",
            "WAIV002",
            "error",
            "151 days, at most 90",
        ),
        ("    ticket: PLAT-412\n", "", "WAIV003", "warning", "names no ticket"),
        ("    reason: The", "    raeson: The", "WAIV003", "error", "no 'reason'"),
        ("rule: ACME101", "rule: ACME201", "WAIV005", "error", "ACME101"),
        ("Mira Solberg", "INES DAHL", "WAIV008", "warning", "owner and approver"),
    ],
)
def test_waivers(tmp_path, old, new, code, level, said):
    """Each check of the waiver file, at its entry, with the level of the contract."""
    report = lint(tmp_path, _ENTRY.replace(old, new), kind="waivers")
    assert level in levels(report, code)
    assert said in words(report, code)
    assert all(one.mark.file.endswith("acr-waivers.yaml") and one.mark.line > 1 for one in report.problems)


def test_patterns_of_waivers(tmp_path):
    """A glob over a critical rule is an error; over another rule only one that names nothing of its own, as a warning."""
    assert levels(lint(tmp_path, _GLOB, kind="waivers"), "WAIV006") == ["error"]
    loose = _GLOB.replace("/subscriptions/**/registries/*", "**")
    folder = tmp_path / "pack"
    beside = write(folder, loose, kind="waivers")
    (folder / "ACME101-admin-user-off.yaml").write_text(rule("severity: low"), "utf-8")
    assert levels(run([context(folder, beside)]), "WAIV006") == ["warning"]
    (tmp_path / "acr-waivers.yaml").write_text(
        loose.replace('"**"', "/subscriptions/s/resourceGroups/rg-dev/**"), "utf-8"
    )
    assert codes(run([context(folder, beside)])) == set()


def test_waivers_that_cover_nothing_need_a_scan(tmp_path):
    """WAIV004 is said of the entries that the stored scan says it of, and never without one."""
    folder = tmp_path / "pack"
    folder.mkdir()
    beside = write(folder, _ENTRY, kind="waivers")
    assert codes(run([context(folder, beside)])) == set()
    unused = Beside(beside.waivers, (), frozenset({"W-1"}))
    assert levels(run([context(folder, unused)]), "WAIV004") == ["warning"]
    other = Beside(beside.waivers, (), frozenset({"W-2"}))
    assert codes(run([context(folder, other)])) == set()


HEAD = "apiVersion: acrscan/v1\nprofile: {id: mine}\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("severity: {ACME101: {level: low, reason: The registry is shut down in March}}", set()),
        ("severity: {ACME101: {level: low, reason: TODO}}", {"PROF002"}),
        ("severity: {ACME101: {level: critical, reason: TODO}}", set()),
        ("severity: {ACME999: {level: low, reason: why not}}", {"PROF001"}),
        ("deselect:\n  - {id: ACME101, reason: n/a}", {"PROF002"}),
        ("deselect:\n  - {id: ACME101}", {"SCH001"}),
        ("parameters: {limit: few}", {"PROF003"}),
        ("parameters: {limmit: 3}", {"PROF001"}),
        ("select: [", {"YAML000"}),
    ],
)
def test_profiles(tmp_path, text, wanted):
    """What tailoring refuses is told at its place; loosening a critical rule needs words that say something."""
    report = lint(tmp_path, HEAD + text, kind="profile")
    assert codes(report) == wanted
    assert all(one.mark.file.endswith("mine.yaml") and one.mark.line >= 3 for one in report.problems)
