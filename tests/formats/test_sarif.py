"""SARIF: valid by the official schema and validator, complete, deterministic, and harmless to its viewers."""

import hashlib
import io
import re
import subprocess
import sys
import uuid
from collections import Counter
from dataclasses import replace
from urllib.parse import unquote

import pytest

from scanner.formats import sarif
from scanner.formats.html import show
from scanner.formats.sarif.document import SMALL_UP_TO
from scanner.formats.sarif.place import inventory_uri
from scanner.formats.sarif.texts import pascal, plain
from scanner.model import ids
from scanner.model.finding import Verdict
from scanner.model.resource import Origin
from scanner.model.rule import Control
from tests.formats.sample import (
    CARDS,
    CONTOSOPROD,
    DEV,
    HOSTILE,
    LINES,
    PLACES,
    PROD,
    empty_scan,
    finding,
    fingerprint,
    hostile_scan,
    large_scan,
    sample_scan,
)
from tests.formats.sarif_tools import ROOT, rendered, run_of


def texts_of(value):
    """Every text of the log but those of property bags."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key != "properties":
                yield from texts_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("make", [sample_scan, hostile_scan])
def test_every_result_has_what_code_scanning_asks_for(make):
    """Texts, one relative place with a region, few tags, no empty strings: also where everything is written."""
    run = run_of(make())
    driver = run["tool"]["driver"]
    for rule in driver["rules"]:
        assert re.fullmatch(r"[A-Z]+\d+", rule["id"])
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]*", rule["name"])
        assert rule["shortDescription"]["text"].endswith(".")
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert rule["properties"]["tags"][0] == "security"
        assert len(rule["properties"]["tags"]) <= 10
    for result in run["results"]:
        assert result["message"]["text"]
        (place,) = result["locations"]
        uri = place["physicalLocation"]["artifactLocation"]["uri"]
        assert not re.match(r"[a-z]+:|/|\.\.", uri)
        assert ".." not in unquote(uri).split("/")
        assert set(place["physicalLocation"]["region"]) >= {
            "startLine",
            "startColumn",
            "endLine",
            "endColumn",
        }
    assert run["automationDetails"]["id"].count("/") == 2
    assert "" not in set(texts_of(run))


def test_verdicts_become_kinds_and_severities_levels():
    """Fail by severity; open for what could not be judged; review for people; informational for info."""
    found = {(row["properties"]["acrscan/verdict"], row["properties"]["acrscan/severity"], row["kind"], row["level"])
             for row in run_of(sample_scan())["results"]}  # fmt: skip
    assert found == {
        ("fail", "critical", "fail", "error"),
        ("fail", "high", "fail", "error"),
        ("fail", "medium", "fail", "warning"),
        ("fail", "low", "fail", "note"),
        ("fail", "info", "informational", "none"),
        ("unknown", "medium", "open", "none"),
        ("error", "medium", "open", "none"),
        ("manual", "medium", "review", "none"),
    }


def test_kept_passes_become_results_too():
    """Rows of pass and notApplicable keep their kind."""
    rows = (
        finding("ACR101", LINES[0], Verdict.PASS, "The admin user is disabled."),
        finding("ACR201", LINES[0], Verdict.NOT_APPLICABLE, "Premium only.", reason="the SKU is Basic"),
    )
    run = run_of(sample_scan(findings=rows))
    assert [(row["kind"], row["level"]) for row in run["results"]] == [
        ("pass", "none"),
        ("notApplicable", "none"),
    ]
    assert (
        run["results"][1]["message"]["text"]
        == "The rule does not apply to resource 'contosoeu': 'the SKU is Basic'."
    )


def test_the_counts_are_those_of_the_scan():
    """Results by verdict, and the summary, agree with rows and tallies."""
    scan = sample_scan()
    run = run_of(scan)
    rows = Counter(row.verdict.value for row in scan.findings)
    assert Counter(row["properties"]["acrscan/verdict"] for row in run["results"]) == rows
    summary = run["properties"]["acrscan/summary"]
    assert summary["verdicts"] == {verdict.value: number for verdict, number in scan.tallies.total().items()}
    assert summary["failRows"]["total"] == rows["fail"]


@pytest.mark.parametrize("make", [sample_scan, hostile_scan])
def test_message_by_id_and_spelled_out_are_the_same(make):
    """The rule's template with the arguments gives the text."""
    run = run_of(make())
    rules = run["tool"]["driver"]["rules"]
    for row in run["results"]:
        message = row["message"]
        assert rules[row["ruleIndex"]]["id"] == row["ruleId"]
        template = rules[row["ruleIndex"]]["messageStrings"][message["id"]]["text"]
        parts = re.split(r"\{(\d)\}", template)
        spelled = "".join(
            message["arguments"][int(part)] if at % 2 else part for at, part in enumerate(parts)
        )
        assert spelled == message["text"]
        assert message["text"].endswith(".")


def test_rules_do_not_depend_on_what_was_scanned():
    """The driver is the same for the sample, hostile and empty scan."""
    assert run_of(sample_scan())["tool"] == run_of(hostile_scan())["tool"] == run_of(empty_scan())["tool"]


def test_rules_carry_severity_controls_and_help():
    """Security severity off the edges, controls through taxonomies, remediation in the help."""
    run = run_of(sample_scan())
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    said = {number: rule["properties"].get("security-severity") for number, rule in rules.items()}
    assert (said["ACR101"], said["ACR102"], said["ACR201"], said["ACR401"], said["ACR402"]) == (
        "9.5", "8.0", "5.5", "3.0", None,
    )  # fmt: skip
    assert rules["ACR902"]["defaultConfiguration"]["enabled"] is False
    assert list(rules["ACR801"]["messageStrings"]) == ["manual"]
    assert "```sh\naz acr update" in rules["ACR101"]["help"]["markdown"]
    assert "Replace the assignment" in rules["ACR301"]["help"]["text"]
    for rule in rules.values():
        for relation in rule["relationships"]:
            target = relation["target"]
            taxonomy = run["taxonomies"][target["toolComponent"]["index"]]
            assert taxonomy["name"] == target["toolComponent"]["name"]
            assert taxonomy["taxa"][target["index"]]["id"] == target["id"]
            assert relation["properties"]["acrscan/basis"] in {"stated", "derived"}
    assert [one["guid"] for one in run["tool"]["driver"]["supportedTaxonomies"]] == [
        one["guid"] for one in run["taxonomies"]
    ]


def test_rules_without_controls_need_no_taxonomies():
    """Neither taxonomies nor references to them are written."""
    run = run_of(sample_scan(rules=tuple(replace(card, controls=()) for card in CARDS)))
    assert "taxonomies" not in run
    assert "supportedTaxonomies" not in run["tool"]["driver"]


def test_markdown_of_rules_is_escaped():
    """Titles, controls and references cannot mark anything up; code stays in its fence."""
    card = replace(
        CARDS[0],
        title="Use [this](http://evil.example) @team",
        rationale="<img src=x onerror=alert(1)>\n# heading",
        az=("echo ```\n```\n# out of the fence",),
        controls=(Control("a|b", "<b>"),),
        references=("https://ok.example/a_b", "https://evil.example/ <script>", "javascript:alert(1)"),
    )
    run = run_of(sample_scan(rules=(card,), findings=()))
    (rule,) = run["tool"]["driver"]["rules"]
    shown = rule["help"]["markdown"]
    assert "\\[this\\](http\\://evil.example)" in shown
    assert "\\<img" in shown
    assert "\n# heading" not in shown
    assert "| a\\|b | \\<b\\> |" in shown
    assert "````sh\necho ```\n```\n# out of the fence\n````" in shown
    assert "- <https://ok.example/a_b>" in shown
    assert "- `https://evil.example/ <script>`" in shown
    assert "- `javascript:alert(1)`" in shown
    assert rule["helpUri"] == "https://ok.example/a_b"
    assert rule["shortDescription"]["text"] == "Use \\[this\\](http://evil.example) @team."


def test_hostile_text_makes_no_link_and_no_control_character():
    """Plain texts hold no SARIF link and no character that hides or reorders."""
    scan = hostile_scan()
    text = rendered(scan).decode()
    for raw in ("\\u0000", "\\u001b", "\u202e", "\u2066", "\x9b", "\u2028", "\ufeff"):
        assert raw not in text.replace("\\\\u", "")
    for row in run_of(scan)["results"]:
        assert not re.search(r"(?<!\\)\]\(", row["message"]["text"])
        assert not any(re.search(r"(?<!\\)\]\(", one) for one in row["message"]["arguments"])
        assert not re.search(r"(?<!\\)<(?!https)", row["message"]["markdown"])
    assert plain("[x] (y) and [a](b)") == "\\[x\\] (y) and \\[a\\](b)"
    assert plain("list[0]") == "list[0]"


def test_a_cloud_resource_has_an_inventory_address_and_its_real_id():
    """Lower case, percent-encoded, and the id in the table of logical locations."""
    run = run_of(sample_scan())
    seen = []
    for row in run["results"]:
        (place,) = row["locations"]
        (reference,) = place["logicalLocations"]
        entry = run["logicalLocations"][reference["index"]]
        assert entry["fullyQualifiedName"] == reference["fullyQualifiedName"]
        assert entry["kind"] == "resource"
        seen.append(reference["index"])
    assert sorted(set(seen)) == list(range(len(run["logicalLocations"]))) == [0, 1, 2]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == {
        "uri": f"inventory/{PROD}/rg-prod/contosoeu.json",
        "uriBaseId": "SRCROOT",
        "index": 0,
    }
    assert run["artifacts"][0]["location"]["uri"] == f"inventory/{PROD}/rg-prod/contosoeu.json"
    assert run["artifacts"][0]["roles"] == ["resultFile"]
    assert run["logicalLocations"][0]["properties"]["acrscan/portal"].startswith(
        "https://portal.azure.com/#@/resource/sub"
    )


@pytest.mark.parametrize(
    ("resource", "uri"),
    [
        (CONTOSOPROD.upper(), f"inventory/{PROD}/rg-prod/contosoprod.json"),
        (f"{CONTOSOPROD}/tokens/ci", f"inventory/{PROD}/rg-prod/contosoprod.json"),
        (f"/subscriptions/{DEV}", f"inventory/subscriptions/{DEV}.json"),
        (
            f"/subscriptions/{DEV}/resourceGroups/A b(c)",
            f"inventory/subscriptions/{DEV}/resourcegroups/a%20b%28c%29.json",
        ),
        (f"/subscriptions/{DEV}/../../etc", f"inventory/subscriptions/{DEV}/_../_../etc.json"),
        ("/", "inventory/tenant.json"),
        ("registry.example:5000", "inventory/registry.example%3A5000.json"),
    ],
)
def test_inventory_addresses(resource, uri):
    """Stable, relative, and never climbing."""
    assert inventory_uri(resource) == uri


@pytest.mark.parametrize(
    ("where", "artifact"),
    [
        ("infra/My App/main.bicep", {"uri": "infra/My%20App/main.bicep", "uriBaseId": "SRCROOT"}),
        ("./infra\\main.tf", {"uri": "infra/main.tf", "uriBaseId": "SRCROOT"}),
        ("../x.tf", {"uri": "_../x.tf", "uriBaseId": "SRCROOT"}),
        ("/src/x.tf", {"uri": "file:///src/x.tf"}),
        ("C:\\src\\x.tf", {"uri": "file:///C:/src/x.tf"}),
    ],
)
def test_a_template_resource_has_its_file_and_line(where, artifact):
    """The real place, and no hash of the line where the uploader finds the file and makes that one itself."""
    row = finding("ACR101", LINES[1], Verdict.FAIL, "x", origin=Origin("terraform", where, 12, 3))
    run = run_of(sample_scan(findings=(row,)))
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {**artifact, "index": 0}
    assert run["artifacts"][0]["location"] == artifact
    said = {"rendered": {"text": "Declares 'contosoprod'."}}
    assert place["region"] == {
        "startLine": 12,
        "startColumn": 3,
        "endLine": 12,
        "endColumn": 4,
        "snippet": said,
    }
    assert place["contextRegion"] == {"startLine": 12, "endLine": 12, "snippet": said}
    checked_out = "uriBaseId" in artifact and not artifact["uri"].startswith("_..")
    assert ("primaryLocationLineHash" in result["partialFingerprints"]) is not checked_out


def test_fingerprints_are_stable_and_told_apart():
    """Ours, one by rule and resource, the uploader's for places without a file, and guids that follow from them."""
    run = run_of(sample_scan())
    later = run_of(sample_scan(now="2026-11-24T02:00:00Z"))
    for row, again in zip(run["results"], later["results"], strict=True):
        mark = row["fingerprints"]["acrscan/v1"]
        assert row["correlationGuid"] == again["correlationGuid"]
        assert row["guid"] != again["guid"]
        assert uuid.UUID(row["guid"]).version == uuid.UUID(row["correlationGuid"]).version == 5
        if "primaryLocationLineHash" in row["partialFingerprints"]:
            assert row["partialFingerprints"]["primaryLocationLineHash"] == f"{mark[:16]}:1"
    assert len({row["guid"] for row in run["results"]}) == len(run["results"])
    prod = [row for row in run["results"] if row["ruleId"] == "ACR201"]
    assert len({row["partialFingerprints"]["acrscan/ruleAndResource/v1"] for row in prod}) == 1
    assert prod[0]["fingerprints"]["acrscan/v1"] == fingerprint("ACR201", CONTOSOPROD, "0.0.0.0/1")
    assert run["automationDetails"]["correlationGuid"] == later["automationDetails"]["correlationGuid"]
    assert run["automationDetails"]["guid"] != later["automationDetails"]["guid"]


def test_what_was_not_read_is_notified():
    """Each problem of a collection with status, action and fix; undecided rules; rules not asked; notes."""
    run = run_of(sample_scan())
    (call,) = run["invocations"]
    by_kind = Counter(one["descriptor"]["id"] for one in call["toolExecutionNotifications"])
    assert by_kind == {"ACRN001": 2, "ACRN002": 1, "ACRN003": 1, "ACRN005": 1}
    first = call["toolExecutionNotifications"][0]
    assert first["message"]["text"] == (
        "Collection 'Microsoft.Authorization/locks' is 'partial': 'the caller may not list locks'."
    )
    assert first["properties"]["acrscan/httpStatus"] == 403
    assert first["properties"]["acrscan/fix"].startswith("az role assignment create")
    assert [one["associatedRule"]["id"] for one in call["toolConfigurationNotifications"]] == [
        "ACR901",
        "ACR902",
    ]
    names = run["tool"]["driver"]["notifications"]
    for one in (*call["toolExecutionNotifications"], *call["toolConfigurationNotifications"]):
        assert names[one["descriptor"]["index"]]["id"] == one["descriptor"]["id"]
    assert call["properties"]["acrscan/coverage"] == {
        "resourcesDiscovered": 3,
        "collectionsAsked": 3,
        "collectionsComplete": 1,
        "collectionsNotAsked": ["Microsoft.ContainerRegistry/registries/repositories"],
        "ruleEvaluationsPlanned": 27,
        "ruleEvaluationsDone": 24,
    }


def test_a_finding_of_an_unknown_rule_speaks_for_itself():
    """Internal findings have no rule in the driver, so no template is referred to."""
    row = finding("INT001", LINES[1], Verdict.ERROR, "Two lanes disagree.", reason="two lanes disagree")
    (result,) = run_of(sample_scan(findings=(row,)))["results"]
    assert "ruleIndex" not in result
    assert set(result["message"]) == {"text", "markdown"}


def test_the_category_names_the_only_subscription():
    """One subscription has its own category; several share one."""
    assert run_of(sample_scan())["automationDetails"]["id"].startswith("acrscan/estate/")
    assert run_of(sample_scan(subscriptions={PROD: ""}))["automationDetails"]["id"].startswith(
        f"acrscan/{PROD}/"
    )


def test_bytes_are_the_same_every_time():
    """No clock, no randomness, no order of sets."""
    assert rendered(sample_scan()) == rendered(sample_scan())
    golden = hashlib.sha256(rendered(sample_scan())).hexdigest()
    code = "import hashlib, tests.formats.test_sarif as t; print(hashlib.sha256(t.rendered(t.sample_scan())).hexdigest())"
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == golden


def test_large_logs_are_written_row_by_row_and_without_snippets():
    """Constant memory: no write is large; above the limit snippets go."""

    class Counting(io.BytesIO):
        largest = 0

        def write(self, data):
            self.largest = max(self.largest, len(data))
            return super().write(data)

    out = Counting()
    sarif.render(large_scan(SMALL_UP_TO + 1), out)
    assert out.largest < 60_000
    assert b'"snippet"' not in out.getvalue()
    assert b'"snippet"' in rendered(large_scan(2))


def test_names_are_pascal_case():
    """Whatever separates words in a rule's name."""
    assert pascal("admin-user-disabled") == "AdminUserDisabled"
    assert pascal("CMK enabled") == "CMKEnabled"
    assert pascal("--") == "Rule"


def test_every_hostile_text_is_still_found_in_the_log():
    """Neutralising loses no plain letters: every resource can be found by its name."""
    texts = {row["message"]["arguments"][0] for row in run_of(hostile_scan())["results"]}
    assert len(texts) == len(HOSTILE)


def test_a_value_is_followed_to_where_it_comes_from():
    """The region is the property's, from its first to behind its last character; parameter file and module are related."""
    row = finding(
        "ACR101", LINES[1], Verdict.FAIL, "x", origin=Origin("arm", PLACES[0].file, 12, 3), places=PLACES
    )
    (result,) = run_of(sample_scan(findings=(row,)))["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert {key: region[key] for key in region if key != "snippet"} == {
        "startLine": 12,
        "startColumn": 3,
        "endLine": 12,
        "endColumn": 27,
    }
    told = [
        (
            one["id"],
            one["message"]["text"],
            one["physicalLocation"]["artifactLocation"]["uri"],
            one["physicalLocation"]["region"],
        )
        for one in result["relatedLocations"]
    ]
    assert told == [
        (
            1,
            "Comes from this parameter file.",
            "infra/prod.bicepparam",
            {"startLine": 4, "startColumn": 7, "endLine": 4, "endColumn": 11},
        ),
        (
            2,
            "Comes from this module argument.",
            "infra/main.bicep",
            {"startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 2},
        ),
    ]


def test_what_a_file_describes_is_not_in_the_portal():
    """Its id begins like one of Azure, and there is no page of it."""
    described = ids.file_id(ids.file_scope("infra/main.json"), LINES[1].type, ["acrshop"])
    rows = [finding("ACR101", LINES[1], Verdict.FAIL, "x", resource=one) for one in (LINES[1].id, described)]
    places = run_of(sample_scan(findings=tuple(rows)))["logicalLocations"]
    assert ["acrscan/portal" in place["properties"] for place in places] == [
        not place["fullyQualifiedName"].startswith("/subscriptions/file:") for place in places
    ]
    assert len(places) >= 2
    assert show.portal(described) == ""
    assert show.portal(LINES[1].id).endswith("/contosoprod")
