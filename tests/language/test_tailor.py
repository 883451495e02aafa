"""Tailoring: profiles set declared knobs only, the narrowest block wins, and every mistake has its place."""

from __future__ import annotations

import pytest

from scanner import data, pipeline
from scanner.engine.evaluate import Options
from scanner.errors import Problems, RuleError, UsageError
from scanner.language.pack import load_pack
from scanner.language.tailor import check_engine, select, tailor
from scanner.model.finding import Verdict
from tests.engine.building import APP, GROUP, NOW, SUB, inventory, registry

ACR = load_pack(data.policies() / "acr")
HEAD = "apiVersion: acrscan/v1\nprofile: {id: mine}\n"


def profile(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(HEAD + text)
    return path


def rule(pack, identifier):
    return next(item for item in pack.rules if item.id == identifier)


@pytest.mark.parametrize(
    "path", sorted((data.policies() / "profiles").glob("*.yaml")), ids=lambda path: path.stem
)
def test_shipped_profiles_apply(path):
    """Each shipped profile fits the shipped pack and changes something."""
    tailored = tailor(ACR, [path])
    assert tailored.profile == path.stem
    assert tailored.rules != ACR.rules or tailored.values != ACR.values


def test_knobs(tmp_path):
    """Selection, severity with a reason, values of shared and rule-local parameters, with their origin."""
    text = (
        "select: [ACR202]\ndeselect: [ACR108]\nseverity: {ACR108: {level: low, reason: why}}\n"
        "parameters: {declaredPushers: [], ACR211.ipRulesMax: 5}\n"
    )
    tailored = tailor(ACR, [profile(tmp_path, text)])
    assert rule(tailored, "ACR202").enabled
    assert not rule(tailored, "ACR108").enabled
    assert rule(tailored, "ACR108").severity == "low"
    assert tailored.values["declaredPushers"] == ()
    assert tailored.value_origins["ACR211.ipRulesMax"] == "profile mine"
    assert rule(tailored, "ACR211").check == rule(ACR, "ACR211").check


def test_later_profiles_and_params_win(tmp_path):
    """Profile over pack, --param over profile; lists replace."""
    path = profile(tmp_path, "parameters: {ACR211.ipRulesMax: 5}\n")
    tailored = tailor(
        ACR,
        [path],
        {"ACR211.ipRulesMax": "7", "requiredTags": "x"}
        if "requiredTags" in ACR.parameters
        else {"ACR211.ipRulesMax": "7"},
    )
    assert tailored.values["ACR211.ipRulesMax"] == 7
    assert tailored.value_origins["ACR211.ipRulesMax"] == "--param"
    assert tailor(ACR, [], {"declaredPushers": "[]"}).values["declaredPushers"] == ()


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("select: [ACR999]", "PROF001", "unknown rule"),
        ("parameters: {declaredPushrs: []}", "PROF001", "unknown parameter"),
        ("parameters: {ACR211.ipRulesMax: 100000}", "PROF003", "at most"),
        ("parameters: {declaredPushers: [bob]}", "PROF003", "object ids"),
        ("severity: {ACR101: {level: low}}", "SCH001", "no 'reason'"),
        ("select: [ACR202]\ndeselect: [ACR202]", "SCH001", "both selected"),
        ("scope: [{subscription: s, tag: a=b, parameters: {}}]", "SCH001", "exactly one"),
        ("rules: []", "SCH001", "unknown key"),
    ],
)
def test_mistakes(tmp_path, text, code, words):
    """Unknown rules and parameters, values out of bounds, severities without a reason."""
    with pytest.raises(Problems) as caught:
        tailor(ACR, [profile(tmp_path, text)])
    (error,) = caught.value.errors
    assert (error.code, words in error.what) == (code, True)
    assert "mine.yaml:" in error.where


def limit(tmp_path, blocks, *registries):
    """Verdicts of ACR211 with a limit of 5 rules, and blocks that change it."""
    pack = tailor(ACR, [profile(tmp_path, f"parameters: {{ACR211.ipRulesMax: 5}}\nscope:\n{blocks}")])
    pack = select(pack, ["ACR211"])
    result = pipeline.scan(pack, inventory(*registries), now=NOW, words="t", options=Options(check_every=1))
    return [line.letters for line in result.resources]


RULES = {
    "networkRuleSet": {
        "defaultAction": "Deny",
        "ipRules": [{"value": f"203.0.113.{number}"} for number in range(3)],
    }
}


def test_the_narrowest_block_wins(tmp_path):
    """resource > group > subscription; segments, not prefixes."""
    wide = f"  - {{subscription: {SUB.rpartition('/')[2]}, parameters: {{ACR211.ipRulesMax: 2}}}}\n"
    narrow = f"  - {{resource: {APP}, parameters: {{ACR211.ipRulesMax: 3}}}}\n"
    both = [registry(**RULES), registry(f"{APP}2", **RULES)]
    assert limit(tmp_path, wide, *both) == ["F", "F"]
    assert limit(tmp_path, wide + narrow, *both) == ["P", "F"]
    assert limit(
        tmp_path, f"  - {{resourceGroup: {GROUP}, parameters: {{ACR211.ipRulesMax: 2}}}}\n", *both
    ) == ["F", "F"]


def test_blocks_by_tag_and_ties(tmp_path):
    """A tag block holds for its resources; two blocks of one kind that disagree are an error."""
    tagged = registry(f"{APP}2", **RULES)
    tagged = type(tagged)(
        tagged.id, tagged.type, tagged.name, {**tagged.body, "tags": {"Tier": "Dev"}}, origin=tagged.origin
    )
    one = "  - {tag: tier=dev, parameters: {ACR211.ipRulesMax: 2}}\n"
    assert limit(tmp_path, one, registry(**RULES), tagged) == ["P", "F"]
    with pytest.raises(RuleError, match="different values"):
        limit(tmp_path, one + "  - {tag: TIER=dev, parameters: {ACR211.ipRulesMax: 3}}\n", tagged)


def test_engine_versions():
    """A pack for another engine is refused; a wrong range is no range."""
    check_engine(">=0.1,<1", "x")
    with pytest.raises(RuleError, match="needs acrscan"):
        check_engine(">=99", "x")
    with pytest.raises(RuleError, match="no range"):
        check_engine("newest", "x")


def test_selection():
    """Only what is named, also when it ships off; nothing left is an error."""
    chosen = select(ACR, ["acr202"])
    assert [item.id for item in chosen.rules if item.enabled] == ["ACR202"]
    with pytest.raises(UsageError, match="0 rules"):
        select(ACR, ["ACR101"], ["ACR101"])
    with pytest.raises(UsageError, match="unknown rule"):
        select(ACR, ["ACR999"])


def test_scores_do_not_change_for_others(tmp_path):
    """A block for one registry leaves the verdicts of all other rules alone."""
    result = pipeline.scan(tailor(ACR, [profile(tmp_path, "")]), inventory(registry()), now=NOW, words="t")
    plain = pipeline.scan(ACR, inventory(registry()), now=NOW, words="t")
    assert result.tallies.verdicts == plain.tallies.verdicts
    assert plain.tallies.of_rule("ACR101")[Verdict.PASS] == 1
