"""Framework catalogues: read with every mistake at its place; the shipped ones hold what the rules name, and say why not."""

import json
import re
import time

import jsonschema
import pytest
import yaml

from scanner import data
from scanner.cli.demo import sampled
from scanner.cli.door import run
from scanner.cli.options import pack_from
from scanner.cli.policy_coverage import covered
from scanner.errors import Problems, RuleError
from scanner.language.frameworks import load_framework, load_frameworks, place, unknown_controls
from scanner.language.schema import framework_schema
from tests.conftest import SHARED

PACK = pack_from(None)
FRAMEWORKS = {one.id: one for one in PACK.frameworks}
RULE = "ACR101-admin-user-disabled.yaml"
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
        ("id: own", "id: Our Own", "own.yaml:2:17: .*joined by dashes"),
        ("untouched: about", "scanner: a test, untouched: about", "own.yaml:5:5: .*untouched"),
        ("id: A-2", "id: 2.1", "own.yaml:5:.*text"),
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
    text = str(caught.value)
    assert re.search(r"b\.yaml:2:17: the framework 'own' has two files", text)
    assert re.search(r"It stands first in \S*a\.yaml:2:17", text)
    assert "titel" in text
    assert load_frameworks(tmp_path / "missing") == ()


def test_every_control_that_a_rule_names_is_in_a_catalogue():
    """Nothing is left for META005."""
    assert list(unknown_controls(PACK.rules, PACK.frameworks)) == []


def pack(tmp_path, *changes, name="own"):
    """A pack of one rule, changed."""
    folder = tmp_path / name
    folder.mkdir()
    shipped = data.policies() / "acr"
    text = (shipped / RULE).read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / RULE).write_text(text, "utf-8")
    (folder / "pack.yaml").write_text((shipped / "pack.yaml").read_text("utf-8"), "utf-8")
    return folder


def place_of(folder, word):
    """line:column of a word in the pack's rule."""
    lines = (folder / RULE).read_text("utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if word in line)
    return f"{at + 1}:{lines[at].index(word) + 1}"


@pytest.mark.parametrize("whole", [True, False], ids=["pack", "file"])
def test_lint_fails_where_a_control_is_in_no_catalogue(tmp_path, capsys, whole):
    """An error at the control's own place, with what may have been meant; the pack still loads and scans."""
    folder = pack(tmp_path, ("faq: [RM4]", "faq: [RM44]"), ("mcsb-v2: [IM-1", "mcsb-v22: [IM-11"))
    assert run(["policy", "lint", str(folder if whole else folder / RULE)]) == 2
    out = capsys.readouterr().out
    assert f"{RULE}:{place_of(folder, 'RM44')}: error META005 ACR101: faq has no control 'RM44'" in out
    assert 'Did you mean "RM4"?' in out
    assert (
        f"{RULE}:{place_of(folder, 'IM-11')}: error META005 ACR101: there is no catalogue 'mcsb-v22'" in out
    )
    assert 'Did you mean "mcsb-v2"?' in out
    assert "1 rules checked, 4 errors" in out
    assert [rule.id for rule in pack_from(str(folder)).rules] == ["ACR101"]


def test_a_rule_that_names_a_control_twice_does_not_load(tmp_path):
    """At the second place."""
    folder = pack(tmp_path, ("faq: [RM4]", "faq: [RM4, {id: RM4, basis: derived}]"))
    with pytest.raises(Problems) as caught:
        pack_from(str(folder))
    assert f":{place_of(folder, '{id: RM4')}: META005 the control 'RM4' of faq stands twice" in str(
        caught.value
    )


def test_a_pack_brings_its_own_catalogues(tmp_path, capsys):
    """A folder in the pack: no rules, above the shipped ones; with it lint has nothing to say."""
    folder = pack(tmp_path, ("faq: [RM4]", "faq: [RM4]\n  own: [A-1]"))
    assert run(["policy", "lint", str(folder)]) == 2
    (folder / "frameworks").mkdir()
    written(folder / "frameworks", GOOD)
    written(folder / "frameworks", GOOD.replace("id: own", "id: faq").replace("A-1", "RM4"), "faq.yaml")
    assert run(["policy", "lint", str(folder)]) == 0
    found = {one.id: one for one in pack_from(str(folder)).frameworks}
    assert found["own"].title == "Our own"
    assert found["faq"].title == "Our own"
    assert found["mcsb-v2"] == FRAMEWORKS["mcsb-v2"]
    assert list(found)[-1] == "own"
    capsys.readouterr()
    assert run(["policy", "coverage", "--framework", "own", "--pack", str(folder)]) == 0
    assert "1 rules, 0 manual, 0 scanner, 1 untouched, 0 open" in capsys.readouterr().out


def test_a_folder_beside_a_pack_is_not_read(tmp_path):
    """What lies there may be anything, and large."""
    folder = pack(tmp_path)
    (tmp_path / "frameworks").mkdir()
    (tmp_path / "frameworks" / "left-pad.yaml").write_text("- not: ours", "utf-8")
    assert "own" not in {one.id for one in pack_from(str(folder)).frameworks}


def test_a_pack_without_any_catalogue_is_not_wrong(tmp_path, capsys, monkeypatch):
    """Only the frameworks at hand can say that a control is unknown."""
    folder = pack(tmp_path, ("faq: [RM4]", "faq: [RM4]\n  own: [A-1]"))
    monkeypatch.setattr("scanner.cli.options.catalogues", lambda _: ())
    assert run(["policy", "lint", str(folder)]) == 0
    assert "0 errors" in capsys.readouterr().out


def test_no_control_is_left_without_a_word():
    """But for FAQ entries that need sources of later versions, a control has a rule, a proof or a reason."""
    for one in PACK.frameworks:
        states = {row.state for row in covered(one, PACK.rules)}
        assert "open" not in states or one.id == "faq", one.id


def test_frameworks_come_in_one_order():
    """The FAQ first, then Azure's own, then the standards; of each the newest version first; then what others bring."""
    ids = [one.id for one in PACK.frameworks]
    assert ids[:5] == ["faq", "azure-policy", "mcsb-v2", "mcsb-v1", "cis-azure-foundations-6.0"]
    assert ids[-5:] == ["cis-azure-foundations-1", "nist-800-53-r5", "iso-27001", "pci-dss-4", "soc-2"]
    assert sorted(["zz", "cis-azure-foundations-10.0", "aa", *ids], key=place)[-2:] == ["aa", "zz"]
    assert place("cis-azure-foundations-10.0") < place("cis-azure-foundations-6.0")


def test_a_scan_carries_the_catalogues_that_its_rules_name():
    """In that order, each with its digest."""
    found = sampled().header.frameworks
    assert [one.id for one in found] == [one.id for one in PACK.frameworks]
    assert len({one.digest for one in found}) == len(found)


def test_all_catalogues_are_read_in_a_moment():
    """Every command that loads a pack pays for it: about 6 ms here; ten times as much is a mistake."""
    started = time.process_time()
    load_frameworks(data.policies() / "frameworks")
    assert time.process_time() - started < 0.3


def test_what_no_initiative_holds_is_said():
    """Anonymous pull, tokens, ARM audience, export and cache rules are in no regulatory initiative."""
    for name in ("azure-policy", "mcsb-v1", "mcsb-v2", "nist-800-53-r5", "pci-dss-4", "soc-2", "iso-27001"):
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


def test_coverage_tells_each_control_and_the_counts(capsys):
    """Text for people, JSON for programs, the same numbers in both."""
    assert run(["policy", "coverage", "--framework", "iso-27001"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("ISO/IEC 27001:2022")
    assert re.search(r"^A\.5\.32 .*ACR902 \(manual, derived\)$", out, re.MULTILINE)
    assert re.search(
        r"^9\.1 .*Defender for Containers; that the plan is on does not show it$", out, re.MULTILINE
    )
    assert run(["policy", "coverage", "--framework", "iso-27001", "-f", "json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    by_id = {row["id"]: row for row in record["controls"]}
    assert by_id["A.5.32"]["state"] == "manual"
    assert by_id["A.5.32"]["rules"] == [{"id": "ACR902", "basis": "derived", "enabled": True, "manual": True}]
    assert sum(record["counts"].values()) == len(by_id) == len(FRAMEWORKS["iso-27001"].controls)
    assert record["complete"] is False
    words = ", ".join(f"{number} {state}" for state, number in record["counts"].items())
    off = sum(
        row["state"] == "rules" and not any(one["enabled"] and not one["manual"] for one in row["rules"])
        for row in by_id.values()
    )
    assert off
    assert out.splitlines()[-1].endswith(f"{words}; {off} only by rules that are off by default")
    assert run(["policy", "coverage", "--all", "-f", "json"]) == 0
    assert [one["id"] for one in json.loads(capsys.readouterr().out)] == list(FRAMEWORKS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--faq, --framework ID or --all"),
        (("--faq", "--all"), "--faq, --framework ID or --all"),
        (("--framework", "iso-27002"), 'Did you mean "iso-27001"?'),
        (("--framework", "hipaa"), "Frameworks: faq, azure-policy"),
    ],
)
def test_coverage_of_nothing_known(capsys, words, said):
    """Exit 2, with what is known."""
    assert run(["policy", "coverage", *words]) == 2
    assert said in capsys.readouterr().err


def test_coverage_shows_hostile_words_as_text(tmp_path, capsys):
    """A catalogue of others writes no escapes to the terminal."""
    folder = pack(tmp_path)
    (folder / "frameworks").mkdir()
    text = GOOD.replace("title: First", 'title: "\\e[31mred\\u202e"').replace(
        "mapping: by us", 'mapping: "\\ax"'
    )
    written(folder / "frameworks", text)
    assert run(["policy", "coverage", "--framework", "own", "--pack", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "red" in out
    assert not set(out) & {"\x1b", "\x07", "\u202e"}


def test_a_control_that_the_catalogue_lacks_is_still_told(tmp_path, capsys):
    """A tolerant load hides nothing."""
    folder = pack(tmp_path, ("faq: [RM4]", "faq: [RM4, RM44]"))
    assert run(["policy", "coverage", "--faq", "--pack", str(folder)]) == 0
    assert re.search(r"^RM44 +\(not in the catalogue\) +ACR101$", capsys.readouterr().out, re.MULTILINE)


SOURCES = {
    "mcsb-v1": r"Security Center/AzureSecurityCenter\.json",
    "mcsb-v2": r"Security Center/MCSBv2\.json",
    "nist-800-53-r5": r"Regulatory Compliance/NIST_SP_800-53_R5(\.1\.1)?\.json",
    "iso-27001": r"Regulatory Compliance/ISO_IEC_2700[12]_2022\.json",
    "pci-dss-4": r"Regulatory Compliance/PCI_DSS_(V4\.0|v4\.0\.1)\.json",
    "soc-2": r"Regulatory Compliance/SOC_(2|2023)\.json",
    "cis-azure-foundations-1": r"Regulatory Compliance/CISv1_[134]_0\.json",
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
    if framework == "cis-azure-foundations-1":
        return f"{identifier.split('_')[2].removesuffix('.0')}-{tail}"
    if framework == "nist-800-53-r5" and "R5.1.1" in identifier:
        family, number, *rest = tail.split(".")
        return f"{family}-{number}" + "".join(f"({part})" for part in rest)
    if framework == "iso-27001" and "27002" in identifier:
        return f"A.{tail}"
    return tail


def stated_by_sources():
    """(framework, built-in) -> the controls under which an initiative named as a source holds it."""
    content = json.loads((SHARED / "data" / "policy-frameworks.json").read_text("utf-8"))
    stated: dict[tuple[str, str], set[str]] = {}
    for key, guid in POLICIES.items():
        for file, _, _, controls, *_ in content[key]:
            for framework, pattern in SOURCES.items():
                if re.fullmatch(pattern, file):
                    ids = {short(framework, one) for one in controls or ()}
                    stated.setdefault((framework, guid), set()).update(ids)
    return stated


def mirrored(rule):
    """The built-ins that ask for what the rule asks for."""
    return {one.id[:8] for one in rule.controls if one.framework == "azure-policy" and one.basis == "stated"}


PEERS = {
    "cis-azure-foundations-2.1": {"2.1.8"},
    "cis-azure-foundations-4.0": {"2.1.1.2.1", "2.2.1.1", "2.2.1.2", "2.2.2.1", "9.1.4.1"},
    "cis-azure-foundations-5.0": {"8.1.4.1"},
    "cis-azure-foundations-6.0": {"8.1.4.1"},
}
"""What peers state, and no initiative."""


def test_what_is_stated_has_a_source():
    """Each stated control is of the FAQ or a built-in, or of a framework whose source a test compares, or a peer's."""
    for rule in PACK.rules:
        for control in rule.controls:
            if control.basis == "stated" and control.framework not in ("faq", "azure-policy", *SOURCES):
                assert control.id in PEERS[control.framework], (rule.id, control)


def test_a_rule_about_assignments_mirrors_no_definition():
    """That a policy is assigned, or agrees, is not what the policy asks of a registry."""
    for rule in PACK.rules:
        if rule.id in {"ACR501", "ACR503", "ACR510"}:
            assert mirrored(rule) == set()


extra = pytest.mark.skipif(
    not (SHARED / "data").is_dir(), reason="extra check left out: ../shared/data is not present"
)


@extra
def test_stated_controls_are_stated_by_the_source():
    """For each: the initiative holds the built-in definition that the rule mirrors, under that control."""
    stated = stated_by_sources()
    for rule in PACK.rules:
        for control in rule.controls:
            if control.framework in SOURCES and control.basis == "stated":
                assert any(
                    control.id in stated.get((control.framework, guid), ()) for guid in mirrored(rule)
                ), (rule.id, control)


@extra
def test_what_a_source_states_is_named_or_left_alone_with_a_reason():
    """Nothing is passed over in silence: each rule that mirrors a built-in states it too, or the catalogue says why not."""
    reasons = {(one.id, control.id): control.untouched for one in PACK.frameworks for control in one.controls}
    for (framework, guid), ids in stated_by_sources().items():
        assert {(framework, control) for control in ids} <= reasons.keys(), (framework, guid)
        for rule in PACK.rules:
            said = {one.id for one in rule.controls if (one.framework, one.basis) == (framework, "stated")}
            if guid in mirrored(rule):
                assert all(reasons[framework, one] for one in ids - said), (rule.id, framework, ids - said)


@extra
def test_the_sources_name_the_versions_they_have():
    """The initiative's version stands in the catalogue's words, so that a reader can look it up."""
    content = json.loads((SHARED / "data" / "policy-frameworks.json").read_text("utf-8"))
    for key in POLICIES:
        for file, _, version, *_ in content[key]:
            for framework, pattern in SOURCES.items():
                if re.fullmatch(pattern, file):
                    assert f" {version}" in FRAMEWORKS[framework].mapping, (framework, file, version)


@extra
def test_the_built_ins_are_all_there():
    """Every definition of category Container Registry, by its id."""
    held = {one.id for one in FRAMEWORKS["azure-policy"].controls}
    files = list((SHARED / "data" / "azure-policy").glob("*.json"))
    assert len(files) == 18
    for path in files:
        assert json.loads(path.read_text("utf-8"))["name"] in held, path.name
