"""Azure Policy exemptions become waivers and waivers exemptions; what cannot be carried over says why."""

from datetime import date
from pathlib import Path

import pytest

from scanner.cli.options import inventory_from
from scanner.model.resource import Inventory, Resource
from scanner.waivers.exemptions import People, exported, imported
from tests.waivers.building import waiver

ESTATE = Path(__file__).resolve().parent.parent / "estate"
TODAY = date(2026, 11, 25)
SUB = "/subscriptions/s1"
REGISTRY = f"{SUB}/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r1"
ASSIGNMENT = f"{SUB}/providers/Microsoft.Authorization/policyAssignments/deny"
ADMIN = "/providers/Microsoft.Authorization/policyDefinitions/DC921057-6b28-4fbe-9b83-f7bec05db6c2"
MENDS = "/providers/Microsoft.Authorization/policyDefinitions/79fdfe03-ffcb-4e55-b4d0-b925b8241759"
NETWORK = "/providers/Microsoft.Authorization/policyDefinitions/d0793b48-0edc-4296-a390-4c75d1bdfd71"
SET = f"{SUB}/providers/Microsoft.Authorization/policySetDefinitions/acr"
NOBODY = People()


def resource(identifier, kind, properties, **more):
    name = identifier.rpartition("/")[2]
    body = {"id": identifier, "name": name, "type": kind, "properties": properties, **more}
    return Resource(identifier, kind, name, body)


def inventory(definition=ADMIN, exemption=None, scope=REGISTRY, metadata=None, members=None, **more):
    """One assignment, one exemption of it."""
    about = {"policyDefinitionId": definition, "scope": SUB}
    given = {
        "policyAssignmentId": ASSIGNMENT.upper(),
        "exemptionCategory": "Waiver",
        "expiresOn": "2027-02-01T00:00:00Z",
        "description": "Vendor image",
        "metadata": {"requestedBy": "mira", "approvedBy": "tomas", "ticketRef": "OPS-7"}
        if metadata is None
        else metadata,
        **(exemption or {}),
    }
    identifier = f"{scope}/providers/Microsoft.Authorization/policyExemptions/ex"
    parts = {
        "microsoft.authorization/policyassignments": [
            resource(ASSIGNMENT, "Microsoft.Authorization/policyAssignments", about)
        ],
        "microsoft.authorization/policyexemptions": [
            resource(identifier, "Microsoft.Authorization/policyExemptions", given, **more)
        ],
        "microsoft.authorization/policysetdefinitions": [
            resource(
                SET, "Microsoft.Authorization/policySetDefinitions", {"policyDefinitions": members or []}
            )
        ],
    }
    return Inventory(parts, (), "", "2026-11-25T02:00:00Z")  # type: ignore[arg-type]  # lists serve as parts


def test_an_exemption_of_a_registry_is_an_exact_waiver():
    """Rule by the definition, people and ticket by the metadata, the last whole day before it ends."""
    found = imported(inventory(), TODAY, NOBODY)
    (one,) = found.waivers
    assert (one.covers.rule, one.covers.resource, one.covers.glob) == ("ACR101", REGISTRY, "")
    assert (one.owner, one.approver, one.ticket, one.reason) == ("mira", "tomas", "OPS-7", "Vendor image")
    assert (one.created, one.expires, one.kind) == ("2026-11-25", "2027-01-31", "risk-accepted")
    assert one.source.endswith("/policyExemptions/ex")
    assert found.left_out == []


def test_an_exemption_of_a_group_is_a_glob_and_mitigated_is_a_control():
    """Everything below the group, nothing beside it."""
    scope = f"{SUB}/resourceGroups/g"
    (one,) = imported(inventory(MENDS, {"exemptionCategory": "Mitigated"}, scope), TODAY, NOBODY).waivers
    assert (one.covers.glob, one.kind, one.covers.rule) == (f"{scope}/**", "compensating-control", "ACR101")


def test_members_of_an_initiative():
    """All of them, or only the references that the exemption names."""
    members = [
        {"policyDefinitionId": ADMIN, "policyDefinitionReferenceId": "admin"},
        {"policyDefinitionId": NETWORK, "policyDefinitionReferenceId": "network"},
    ]
    everything = imported(inventory(SET, members=members), TODAY, NOBODY)
    assert [one.covers.rule for one in everything.waivers] == ["ACR101", "ACR201"]
    some = imported(
        inventory(SET, {"policyDefinitionReferenceIds": ["NETWORK"]}, members=members), TODAY, NOBODY
    )
    assert [one.covers.rule for one in some.waivers] == ["ACR201"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"exemption": {"expiresOn": None}}, "no end"),
        ({"exemption": {"expiresOn": "2026-11-20T00:00:00Z"}}, "ended"),
        ({"exemption": {"policyAssignmentId": "/x"}}, "not in the inventory"),
        ({"exemption": {"exemptionCategory": "Other"}}, "category"),
        ({"metadata": {}}, "names nobody"),
        (
            {
                "definition": "/providers/Microsoft.Authorization/policyDefinitions/00000000-0000-0000-0000-000000000000"
            },
            "no rule",
        ),
        (
            {"definition": f"{SUB}/providers/Microsoft.Authorization/policySetDefinitions/unread"},
            "initiative was not read",
        ),
    ],
)
def test_what_is_left_out_says_why(changes, words):
    """Nothing is invented: no end, no person, no rule."""
    found = imported(inventory(**changes), TODAY, NOBODY)
    assert found.waivers == []
    assert words in found.left_out[0][1]


def test_options_stand_in_where_an_exemption_says_nothing():
    """Owner, approver and end come from the command line only then."""
    people = People("o", "a", "2027-05-01")
    (one,) = imported(inventory(exemption={"expiresOn": None}, metadata={}), TODAY, people).waivers
    assert (one.owner, one.approver, one.expires) == ("o", "a", "2027-05-01")
    (other,) = imported(inventory(), TODAY, people).waivers
    assert (other.owner, other.expires) == ("mira", "2027-01-31")


def test_there_and_back_again():
    """A waiver that was exported is imported as the same rule on the same resource until the same day."""
    given = waiver(resource=REGISTRY, expires="2027-03-31")
    (body,) = exported([given], inventory()).exemptions
    assert body["id"].startswith(f"{REGISTRY}/providers/Microsoft.Authorization/policyExemptions/")
    again = inventory(exemption=body["properties"])
    (one,) = imported(again, TODAY, NOBODY).waivers
    assert (one.covers, one.expires, one.owner, one.approver) == (
        given.covers,
        given.expires,
        given.owner,
        given.approver,
    )


def test_export_names_members_and_leaves_out_with_reason():
    """Initiatives by reference; globs, elements, rules without a definition and foreign places are told."""
    members = [{"policyDefinitionId": NETWORK, "policyDefinitionReferenceId": "network"}]
    found = exported(
        [
            waiver("W-1", "ACR201", resource=REGISTRY),
            waiver("W-2", "ACR101", glob="**"),
            waiver("W-3", "ACR402", resource=REGISTRY),
            waiver("W-4", "ACR201", resource=REGISTRY.replace("/s1/", "/s2/")),
            waiver("W-5", "ACR201", resource=REGISTRY, element="x"),
        ],
        inventory(SET, members=members),
    )
    assert [body["properties"]["policyDefinitionReferenceIds"] for body in found.exemptions] == [["network"]]
    assert [name for name, _ in found.left_out] == ["W-2", "W-3", "W-4", "W-5"]


def test_the_sample_estate_has_an_exemption():
    """Real shapes: read from saved answers."""
    saved = inventory_from((str(ESTATE / "answers"),), "saved", None, None, "2026-11-25T02:00:00Z")
    found = imported(saved, TODAY, People("o", "a", "2027-05-01"))
    assert [one.covers.rule for one in found.waivers] == ["ACR101"]
