"""Template expressions without a policy around them."""

from __future__ import annotations

from scanner.engine.azure.fields import Asked
from scanner.engine.azure.template import Scene, evaluate
from scanner.engine.case import case_for
from scanner.model.azure import Group, Policy
from scanner.model.condition import NOWHERE
from scanner.model.resource import Resource
from scanner.model.values import Unknown

THING = Resource(
    "/subscriptions/s/resourceGroups/g/providers/Contoso.Test/things/t", "Contoso.Test/things", "t", {}
)


def value_of(template):
    """What an expression gives on a bare resource."""
    case = case_for(THING, lambda _: Unknown("none"), {}, {}, 0.0)
    asked = Asked(THING, {})
    policy = Policy(Group("allOf", (), NOWHERE), THING.type, (), "", NOWHERE)
    return evaluate(template, Scene(policy, case, asked, asked, {}, [10_000]))
