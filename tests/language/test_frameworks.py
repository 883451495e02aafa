"""Framework catalogues: read with every mistake at its place; the shipped ones hold what the rules name, and say why not."""

import json
import re

import jsonschema
import pytest
import yaml

from scanner import data
from scanner.cli.options import pack_from
from scanner.cli.policy_coverage import covered
from scanner.errors import Problems, RuleError
from scanner.language.frameworks import load_framework, load_frameworks, unknown_controls
from scanner.language.schema import framework_schema
from scanner.workbench.lint import warnings
from tests.conftest import SHARED

PACK = pack_from(None)
FRAMEWORKS = {one.id: one for one in PACK.frameworks}
GOOD = """\
apiVersion: acrscan/v1
framework: {id: own, title: Our own, source: "https://example.com", mapping: by us}
controls:
  - {id: A-1, title: First}
  - {id: A-2, title: Second, untouched: about people}
"""


def written(tmp_path, text, name="own.yaml"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def test_a_good_file(tmp_path):
    """Controls with titles, the reason where nothing touches one, and the file's digest."""
    found = load_framework(written(tmp_path, GOOD))
    assert [(one.id, one.title, one.untouched) for one in found.controls] == [
        ("A-1", "First", ""),
        ("A-2", "Second", "about people"),
    ]
    assert len(found.digest) == 64
    assert found.complete is False


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("id: A-2", "id: A-1", "own.yaml:5:.*stands twice"),
        ("title: First", "titel: First", "own.yaml:4:.*titel"),
        ("{id: A-1, title: First}", "A-1", "own.yaml:4:.*mapping"),
        ("mapping: by us", "mapping: ''", "own.yaml:2:.*empty"),
        (", mapping: by us", "", "own.yaml:2:.*mapping"),
        ("acrscan/v1", "acrscan/v2", "own.yaml:1:.*apiVersion"),
    ],
)
def test_a_mistake_has_its_place(tmp_path, old, new, words):
    """File, line and what is wrong."""
    with pytest.raises(Problems) as caught:
        load_framework(written(tmp_path, GOOD.replace(old, new, 1)))
    assert re.search(words, str(caught.value))


def test_a_folder_tells_all_mistakes_and_ids_that_stand_twice(tmp_path):
    """One run shows everything."""
    written(tmp_path, GOOD, "a.yaml")
    written(tmp_path, GOOD, "b.yaml")
    written(tmp_path, GOOD.replace("title: First", "titel: First"), "c.yaml")
    with pytest.raises(Problems) as caught:
        load_frameworks(tmp_path)
    assert "two files" in str(caught.value)
    assert "titel" in str(caught.value)
    assert load_frameworks(tmp_path / "missing") == ()


def test_every_control_that_a_rule_names_is_in_a_catalogue():
    """Lint says so too: nothing is left for META005."""
    assert list(unknown_controls(PACK.rules, PACK.frameworks)) == []
    assert [str(one) for one in warnings(PACK) if "META005" in str(one)] == []


def test_lint_names_an_unknown_control_with_a_suggestion(tmp_path):
    """The rule's place, and what may have been meant."""
    folder = tmp_path / "packs" / "own"
    folder.mkdir(parents=True)
    shipped = data.policies() / "acr"
    for name in ("pack.yaml", "ACR101-admin-user-disabled.yaml"):
        (folder / name).write_text(
            (shipped / name)
            .read_text("utf-8")
            .replace("faq: [RM4]", "faq: [RM44]")
            .replace("mcsb-v2:", "mcsb-v22:"),
            "utf-8",
        )
    found = [str(one) for one in warnings(pack_from(str(folder))) if "META005" in str(one)]
    assert any("RM44" in one and "RM4" in one and "ACR101" in one for one in found)
    assert any("mcsb-v22" in one and "mcsb-v2" in one for one in found)


def test_catalogues_beside_a_pack_stand_above_the_shipped_ones(tmp_path):
    """A company can map its own controls."""
    folder = tmp_path / "own"
    folder.mkdir()
    (tmp_path / "frameworks").mkdir()
    written(tmp_path / "frameworks", GOOD)
    shipped = data.policies() / "acr"
    for name in ("pack.yaml", "ACR101-admin-user-disabled.yaml"):
        (folder / name).write_text((shipped / name).read_text("utf-8"), "utf-8")
    ids = [one.id for one in pack_from(str(folder)).frameworks]
    assert "own" in ids
    assert "mcsb-v2" in ids


def test_no_control_is_left_without_a_word():
    """But for FAQ entries that need sources of later versions, a control has a rule, a proof or a reason."""
    for one in PACK.frameworks:
        states = {row.state for row in covered(one, PACK.rules)}
        assert "open" not in states or one.id == "faq", one.id


def test_reports_get_the_frameworks_that_rules_name_in_one_order():
    """The FAQ first, then Azure's own, then the standards."""
    ids = [one.id for one in PACK.frameworks]
    assert ids[:4] == ["faq", "azure-policy", "mcsb-v2", "mcsb-v1"]
    assert {"nist-800-53-r5", "iso-27001", "pci-dss-4", "soc-2"} <= set(ids)


def test_what_no_initiative_holds_is_said():
    """Anonymous pull, tokens, ARM audience, export and cache rules are in no regulatory initiative."""
    for name in ("mcsb-v1", "mcsb-v2", "nist-800-53-r5", "pci-dss-4", "soc-2", "iso-27001"):
        assert "no regulatory initiative" in FRAMEWORKS[name].note
    for rule in PACK.rules:
        if rule.id in {"ACR103", "ACR111", "ACR119", "ACR306", "ACR310"}:
            assert {one.basis for one in rule.controls if one.framework not in ("faq", "azure-policy")} <= {
                "derived"
            }, rule.id


def test_the_schema_accepts_the_shipped_catalogues_and_refuses_mistakes():
    """For editors."""
    validator = jsonschema.Draft202012Validator(framework_schema())
    for path in (data.policies() / "frameworks").glob("*.yaml"):
        body = yaml.safe_load(path.read_text("utf-8"))
        assert not list(validator.iter_errors(body)), path
        body["controls"][0]["titel"] = "x"
        assert list(validator.iter_errors(body)), path


def test_a_framework_file_that_is_none(tmp_path):
    """Two documents, or nothing."""
    for text in ("", "---\na: 1\n---\nb: 1\n"):
        with pytest.raises(RuleError):
            load_framework(written(tmp_path, text))


SOURCES = {
    "mcsb-v1": r"Security Center/AzureSecurityCenter\.json",
    "mcsb-v2": r"Security Center/MCSBv2\.json",
    "nist-800-53-r5": r"Regulatory Compliance/NIST_SP_800-53_R5(\.1\.1)?\.json",
    "iso-27001": r"Regulatory Compliance/ISO_IEC_2700[12]_2022\.json",
    "pci-dss-4": r"Regulatory Compliance/PCI_DSS_(V4\.0|v4\.0\.1)\.json",
    "soc-2": r"Regulatory Compliance/SOC_2\.json",
    "cis-azure-foundations-2.0": r"Regulatory Compliance/CISv2_0_0\.json",
    "cis-azure-foundations-3.0": r"Regulatory Compliance/CIS_Azure_Foundations_v3\.0\.0\.json",
}
"""Framework -> the initiative files that its catalogue names as the source of its mapping."""
POLICIES = {
    "NetworkRules": "d0793b48", "PublicNet": "0fdf0491", "SkuPL": "bd560fc0", "PrivateLink": "e8eef0a8", "CMK": "5b9159ae",
    "DefContainers": "1c988dd6", "VulnMDVM": "090c7b07", "AdminUser": "dc921057", "SvcEndpoint": "c4857be7",
    "CustomRBAC": "a451c1ef",
}  # fmt: skip


def short(framework, identifier):
    """The control id as our catalogues write it."""
    tail = identifier.rpartition("_")[2]
    if framework == "nist-800-53-r5" and "R5.1.1" in identifier:
        family, number, *rest = tail.split(".")
        return f"{family}-{number}" + "".join(f"({part})" for part in rest)
    if framework == "iso-27001" and "27002" in identifier:
        return f"A.{tail}"
    return tail


@pytest.mark.skipif(
    not (SHARED / "data").is_dir(), reason="extra check left out: ../shared/data is not present"
)
def test_stated_controls_are_stated_by_the_source():
    """For each: the initiative holds the built-in definition that the rule mirrors, under that control."""
    content = json.loads((SHARED / "data" / "policy-frameworks.json").read_text("utf-8"))
    stated: dict = {}
    named: dict = {}
    for key, guid in POLICIES.items():
        for file, _, _, controls, *_ in content[key]:
            for framework, pattern in SOURCES.items():
                if re.fullmatch(pattern, file):
                    ids = {short(framework, one) for one in controls or ()}
                    stated.setdefault((framework, guid), set()).update(ids)
                    named.setdefault(framework, set()).update(ids)
    for framework, ids in named.items():
        assert ids <= {one.id for one in FRAMEWORKS[framework].controls}, framework
    for rule in PACK.rules:
        mirrored = {
            one.id[:8] for one in rule.controls if one.framework == "azure-policy" and one.basis == "stated"
        }
        for control in rule.controls:
            if control.framework in SOURCES and control.basis == "stated":
                assert any(control.id in stated.get((control.framework, guid), ()) for guid in mirrored), (
                    rule.id,
                    control,
                )
