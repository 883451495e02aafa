"""Where a finding is written: the decisive property, an element's own resource, or the nearest thing that is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.engine.findings import nearest
from scanner.model.finding import Verdict
from scanner.model.resource import Origin, Place
from tests.engine.building import APP, CONTRIBUTOR, assignment, registry, resource
from tests.engine.test_completions import one_of, row_of

HEAD = Place("main.json", 3, 5, 3, 9, "resource")
ADMIN = Place("main.json", 8, 9, 8, 27)
PARAMETER = Place("prod.parameters.json", 4, 7, what="parameter file")
RULES = Place("main.json", 12, 9)
SECOND = Place("main.json", 14, 11)


def declared(resource, places, optional=""):
    """The resource as a template declares it."""
    return replace(resource, origin=Origin("arm", "main.json", 3, 5), places=places, optional=optional)


def test_a_finding_stands_where_the_property_is_written():
    """Its file, line and column are those of the property, the chain of its value follows."""
    places = {"": (HEAD,), "/properties/adminUserEnabled": (ADMIN, PARAMETER)}
    _, row = row_of("ACR101", declared(registry(adminUserEnabled=True), places))
    assert row.places == (ADMIN, PARAMETER)
    assert (row.origin.where, row.origin.line, row.origin.column) == ("main.json", 8, 9)


def test_an_absent_property_leads_to_the_resource():
    """What is not written is missing from the thing around it: here anonymous access needs no property to be judged."""
    places = {"": (HEAD,), "/properties": (replace(HEAD, line=6, what="property"),)}
    _, row = row_of("ACR101", declared(registry(adminUserEnabled=one_of(True, False)), places))
    assert row.places[0].line == 6
    assert nearest({"": (HEAD,)}, ("properties", "adminUserEnabled")) == (HEAD,)
    assert nearest({}, ("properties",)) == ()


def test_an_element_of_a_list_has_its_own_place():
    """The second action of a scope map is the offender and is pointed at; where it has no place, the list is."""
    kind = "Microsoft.ContainerRegistry/registries/scopeMaps"
    actions = ["repositories/app/content/read", "repositories/*/content/delete"]
    scope_map = resource(
        kind, f"{APP}/scopeMaps/wide", properties={"type": "UserDefined", "actions": actions}
    )
    places = {"": (HEAD,), "/properties/actions": (RULES,), "/properties/actions/1": (SECOND,)}
    _, row = row_of("ACR120", declared(scope_map, places))
    assert row.verdict is Verdict.FAIL
    assert row.places == (SECOND,)
    del places["/properties/actions/1"]
    assert row_of("ACR120", declared(scope_map, places))[1].places == (RULES,)


def test_a_related_resource_keeps_its_findings_with_the_target_place():
    """Access is worked out from many resources; the finding stands at the registry."""
    places = {"": (HEAD,)}
    row = row_of("ACR104", declared(registry(), places), assignment(CONTRIBUTOR, APP))[1]
    assert row.places == (HEAD,)


@pytest.mark.parametrize("optional", ["", "condition `deployRegistry` is not known"])
def test_what_may_not_be_deployed_is_said(optional):
    """A finding on a resource whose condition is not known carries its qualifier."""
    _, row = row_of("ACR101", declared(registry(adminUserEnabled=True), {"": (HEAD,)}, optional))
    assert row.qualifier == ("ifDeployed" if optional else "")


def test_what_azure_said_has_no_places():
    """A live finding keeps the call that told it."""
    _, row = row_of("ACR101", registry(adminUserEnabled=True))
    assert row.places == ()
