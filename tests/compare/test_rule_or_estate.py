"""Two packs and two estates: a finding that came or went says whether the rule changed or the registry did."""

import pytest

from scanner import pipeline
from scanner.compare.against import Baseline, against
from scanner.language.pack import load_pack
from scanner.language.tailor import tailor
from tests.workbench.estates import NOW, inventory
from tests.workbench.repository import PACK, rule

OFF = "{field: properties.adminUserEnabled, equals: false}"
ON = {"one": {"adminUserEnabled": True}}
MENDED = {"one": {"adminUserEnabled": False}}
REPLACES = "replaces: [TST101]\n"


def pack_of(place, *texts):
    place.mkdir()
    (place / "pack.yaml").write_text(PACK)
    for number, text in enumerate(texts):
        (place / f"rules{number}.yaml").write_text(text)
    return load_pack(place)


def compared(tmp_path, before, after):
    """The newer scan against the older one; each side is (texts of rules, registries)."""
    scans = []
    for name, (texts, registries) in {"old": before, "new": after}.items():
        pack = pack_of(tmp_path / f"pack-{name}", *texts)
        scans.append(pipeline.scan(pack, inventory(tmp_path / name, registries), now=NOW, words=name))
    return against(scans[1], Baseline(scans[0], "old"))


def changes(scan):
    rows = [*scan.findings, *scan.earlier]
    return [(row.rule, row.change, row.why) for row in rows if row.verdict.value == "fail"]


@pytest.mark.parametrize(
    ("after", "registries", "expected"),
    [
        pytest.param(rule("TST101"), MENDED, ("TST101", "resolved", "resource"), id="mended"),
        pytest.param(
            rule("TST101").replace("title: The", "title: That the"),
            MENDED,
            ("TST101", "resolved", "resource"),
            id="mended, and the words of the rule changed",
        ),
        pytest.param(
            rule("TST101", assertion="{field: properties.adminUserEnabled, exists: true}"),
            ON,
            ("TST101", "resolved", "rule"),
            id="the condition changed",
        ),
        pytest.param(
            rule("TST199", name="rule-tst101", more=REPLACES),
            ON,
            ("TST199", "persisting", ""),
            id="renamed",
        ),
        pytest.param(
            rule("TST199", name="rule-tst101", more=REPLACES),
            MENDED,
            ("TST101", "resolved", "resource"),
            id="renamed, and mended",
        ),
        pytest.param(
            rule("TST199", assertion="{field: name, exists: true}", more=REPLACES),
            ON,
            ("TST101", "resolved", "rule"),
            id="renamed, and the condition changed",
        ),
        pytest.param(
            rule("TST101", assertion=f"{{allOf: [{OFF}, {{field: sku.name, equals: Basic}}]}}"),
            ON,
            ("TST101", "changed", "rule"),
            id="fails still, for more",
        ),
        pytest.param(
            rule("TST101", more="enabled: false\ndisabledReason: later\n") + "---\n" + rule("TST102", assertion="{field: name, exists: true}"),
            ON,
            ("TST101", "resolved", "rule"),
            id="switched off",
        ),
    ],
)  # fmt: skip
def test_why_a_finding_changed(tmp_path, after, registries, expected):
    """The digest of the condition decides, under whatever id the rule goes."""
    scan = compared(tmp_path, ([rule("TST101")], ON), ([after], registries))
    assert changes(scan) == [expected]


def test_a_renamed_rule_finds_what_the_estate_brought(tmp_path):
    """A new finding of a renamed rule with the same condition is the registry's doing."""
    renamed = rule("TST199", name="rule-tst101", more=REPLACES)
    scan = compared(tmp_path, ([rule("TST101")], MENDED), ([renamed], ON))
    assert changes(scan) == [("TST199", "new", "resource")]


def test_a_stricter_rule_finds_what_was_there(tmp_path):
    """A new finding of a changed condition on the same registry is the rule's doing."""
    strict = rule("TST101", assertion=f"{{allOf: [{OFF}, {{field: sku.name, equals: Basic}}]}}")
    scan = compared(tmp_path, ([rule("TST101")], MENDED), ([strict], MENDED))
    assert changes(scan) == [("TST101", "new", "rule")]


def test_a_split_rule_goes_on_in_its_parts(tmp_path):
    """No finding is resolved or new because one rule became two."""
    parts = [
        rule("TST201", name="one", more=REPLACES),
        rule("TST202", name="two", assertion="{field: name, exists: true}", more=REPLACES),
    ]
    scan = compared(tmp_path, ([rule("TST101")], ON), (parts, ON))
    assert changes(scan) == [("TST201", "persisting", "")]


def test_other_values_are_the_rules_doing(tmp_path):
    """A profile that asks for less resolves by the rule, not by the registry."""
    text = rule("TST101", assertion="{field: name, in: {param: names}}").replace(
        "severity: high", "severity: high\nparameters:\n  names: {type: array, items: {type: string}, default: [none], description: n}"
    )  # fmt: skip
    (tmp_path / "profile.yaml").write_text(
        "apiVersion: acrscan/v1\nprofile: {id: p}\nparameters: {TST101.names: [one]}\n"
    )
    pack = pack_of(tmp_path / "pack", text)
    found = inventory(tmp_path / "answers", ON)
    before = pipeline.scan(pack, found, now=NOW, words="old")
    after = pipeline.scan(tailor(pack, [tmp_path / "profile.yaml"]), found, now=NOW, words="new")
    assert changes(against(after, Baseline(before, "old"))) == [("TST101", "resolved", "rule")]
