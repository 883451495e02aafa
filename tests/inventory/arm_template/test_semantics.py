"""The rules of template evaluation that are easy to get wrong, one test each."""

from __future__ import annotations

import pytest

from scanner.model import ids
from scanner.model.values import ABSENT, Alternatives, Partial, Unknown
from tests.inventory.arm_template.expanding import (
    REGISTRY,
    by_name,
    expanded,
    nested,
    only,
    registry,
    template,
)

NESTED_SKU = {"sku": {"type": "string", "defaultValue": "Premium"}}


def test_null_for_a_nested_parameter_means_its_default():
    """A parameter that is handed over as null takes its default, as Azure does."""
    inner = registry(properties={"publicNetworkAccess": "[parameters('access')]"})
    content = template(
        [
            nested(
                [inner],
                parameters={"access": {"type": "string", "defaultValue": "Disabled"}},
                values={"access": "[tryGet(parameters('settings'), 'access')]"},
            )
        ],
        parameters={"settings": {"type": "object", "defaultValue": {}}},
    )
    assert only(content).body["properties"]["publicNetworkAccess"] == "Disabled"
    given = only(content, {"settings": {"access": "Enabled"}})
    assert given.body["properties"]["publicNetworkAccess"] == "Enabled"


def test_null_for_a_nullable_parameter_stays_null():
    """Without a default a nullable parameter is null, and coalesce goes on."""
    content = template(
        [registry(properties={"anonymousPullEnabled": "[coalesce(parameters('anonymous'), true())]"})],
        parameters={"anonymous": {"type": "bool", "nullable": True}},
    )
    assert only(content).body["properties"]["anonymousPullEnabled"] is True


def test_json_text_may_hold_comments_and_trailing_commas():
    """`json()` reads what loadJsonContent embeds, comments and trailing commas included."""
    content = template(
        [registry(name="[json(variables('$fxv#0')).names.acr]")],
        variables={"$fxv#0": '{\n  // the names\n  "names": {"acr": "acr7", /* more */ },\n}'},
    )
    assert only(content).name == "acr7"


def test_a_template_may_be_an_expression():
    """The template of a nested deployment may be a text that gives it."""
    content = template(
        [
            {
                "type": "Microsoft.Resources/deployments",
                "apiVersion": "2022-09-01",
                "name": "n",
                "properties": {
                    "expressionEvaluationOptions": {"scope": "inner"},
                    "template": "[variables('$fxv#0')]",
                },
            }
        ],
        variables={"$fxv#0": template([registry(name="embedded")])},
    )
    assert only(content).name == "embedded"


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("[if(true(), 'a', parameters('none').b.c)]", "a"),
        ("[if(false(), parameters('none').b, 'b')]", "b"),
        ("[if(and(false(), equals(parameters('none').x, 1)), 'a', 'b')]", "b"),
        ("[if(or(true(), equals(parameters('none').x, 1)), 'a', 'b')]", "a"),
        ("[coalesce(null(), 'c', parameters('none').x)]", "c"),
    ],
)
def test_only_the_branch_that_is_taken_is_run(expression: str, wanted: str):
    """`if`, `and`, `or` and `coalesce` do not look at what they do not need."""
    found = expanded(
        template(
            [registry(tags={"t": expression})],
            parameters={"none": {"type": "object", "defaultValue": {}}},
        )
    )
    assert found.resources[0].body["tags"]["t"] == wanted
    assert found.notes == []


def test_reference_to_a_resource_of_the_template_is_an_open_object():
    """Known keys come from the template, every other key at every depth is known after deployment only."""
    parts = {
        "sku": "[reference('acr', '2023-07-01', 'full').sku.name]",
        "principal": "[reference('acr', '2023-07-01', 'full').identity.principalId]",
        "admin": "[reference('acr').adminUserEnabled]",
        "server": "[reference('acr').loginServer]",
        "guid": "[guid(reference('acr', '2023-07-01', 'full').identity.principalId, 'x')]",
    }
    found = expanded(
        template(
            {
                "acr": registry(identity={"type": "SystemAssigned"}, properties={"adminUserEnabled": False}),
                "hook": {
                    "type": f"{REGISTRY}/webhooks",
                    "apiVersion": "2023-07-01",
                    "name": "acr1/hook",
                    "tags": parts,
                },
            },
            languageVersion="2.0",
        )
    )
    tags = by_name(found)["webhooks/hook"].body["tags"]
    assert tags["sku"] == "Premium"
    assert tags["admin"] is False
    assert tags["principal"] == Unknown(
        "reference(acr).identity.principalId is known after deployment only", "runtime"
    )
    assert isinstance(tags["server"], Unknown)
    assert isinstance(tags["guid"], str)
    assert found.notes == []


def test_a_property_that_is_null_is_absent():
    """null on a property is the same as leaving it out; `empty(null)` is true, `length(null)` wrong."""
    found = expanded(
        template(
            [
                registry(
                    properties={"publicNetworkAccess": None, "adminUserEnabled": "[null()]"},
                    tags={"e": "[empty(null())]", "l": "[length(null())]"},
                )
            ]
        )
    )
    body = found.resources[0].body
    assert body["properties"]["publicNetworkAccess"] is None
    assert body["properties"]["adminUserEnabled"] is None
    assert body["tags"]["e"] is True
    assert isinstance(body["tags"]["l"], Unknown)
    assert body["tags"]["l"].kind == "error"
    assert len(found.notes) == 1
    assert found.notes[0].startswith("main.json:")
    assert "length" in found.notes[0]


def test_two_brackets_stand_for_one():
    """`[[` at the start of a text is no expression."""
    assert only(template([registry(tags={"t": "[[not run]"})])).body["tags"]["t"] == "[not run]"


def test_functions_parameters_and_keys_in_any_casing():
    """Names of functions, parameters, variables and object keys are compared without regard to case."""
    content = template(
        [
            {
                "Type": "microsoft.containerregistry/REGISTRIES",
                "ApiVersion": "2023-07-01",
                "Name": "[ToLower(Parameters('NAME'))]",
                "Properties": {"AdminUserEnabled": "[Variables('V').INNER]"},
            }
        ],
        parameters={"name": {"type": "string", "defaultValue": "ACR1"}},
        variables={"v": {"Inner": True}},
    )
    found = only(content)
    assert found.type == REGISTRY
    assert found.name == "acr1"
    assert found.body["properties"]["adminUserEnabled"] is True
    assert found.api_version == "2023-07-01"


def test_keys_of_objects_may_be_expressions():
    """An object's key may be an expression, as for user-assigned identities."""
    content = template(
        [
            registry(
                identity={
                    "type": "UserAssigned",
                    "userAssignedIdentities": {
                        "[resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', 'id1')]": {}
                    },
                }
            )
        ]
    )
    keys = list(only(content).body["identity"]["userAssignedIdentities"])
    assert keys[0].endswith("/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id1")


def test_copies_of_a_resource():
    """A loop gives one resource per round, with `copyIndex` by name and with an offset."""
    content = template(
        [
            registry(
                name="[format('acr{0}', copyIndex('regs', 3))]",
                tags={"n": "[string(copyIndex())]"},
                copy={"name": "regs", "count": "[length(parameters('list'))]"},
            )
        ],
        parameters={"list": {"type": "array", "defaultValue": ["a", "b"]}},
    )
    found = by_name(expanded(content))
    assert sorted(found) == ["registries/acr3", "registries/acr4"]
    assert found["registries/acr4"].body["tags"]["n"] == "1"


def test_copies_within_properties_variables_and_outputs():
    """Loops of properties and variables give lists."""
    content = template(
        [
            registry(
                properties={
                    "networkRuleSet": {
                        "defaultAction": "Deny",
                        "copy": [
                            {
                                "name": "ipRules",
                                "count": "[length(variables('ranges'))]",
                                "input": {
                                    "action": "Allow",
                                    "value": "[variables('ranges')[copyIndex('ipRules')]]",
                                },
                            }
                        ],
                    }
                }
            )
        ],
        variables={
            "copy": [
                {"name": "ranges", "count": 2, "input": "[format('10.0.{0}.0/24', copyIndex('ranges'))]"}
            ]
        },
    )
    rules = only(content).body["properties"]["networkRuleSet"]["ipRules"]
    assert rules == [
        {"action": "Allow", "value": "10.0.0.0/24"},
        {"action": "Allow", "value": "10.0.1.0/24"},
    ]


def test_a_copy_count_that_is_not_known_gives_one_symbolic_resource():
    """Where nobody knows how often, one resource stands for all, and says that there may be none."""
    content = template(
        [
            registry(
                name="[parameters('names')[copyIndex()]]",
                copy={"name": "regs", "count": "[length(parameters('names'))]"},
                properties={"adminUserEnabled": True},
            )
        ],
        parameters={"names": {"type": "array"}},
    )
    found = only(content)
    assert "how often it is deployed is not known" in found.optional
    assert "parameter `names` has no value" in found.optional
    assert found.body["properties"]["adminUserEnabled"] is True
    assert isinstance(found.body["name"], Unknown)


def test_nested_templates_with_outer_scope_see_the_values_around_them():
    """Without inner scope the parameters and variables of the outer template count."""
    inner = registry(name="[parameters('name')]", sku={"name": "[variables('sku')]"})
    content = template(
        [
            nested(
                [inner],
                inner=False,
                parameters={"name": {"type": "string", "defaultValue": "wrong"}},
                variables={"sku": "Basic"},
            )
        ],
        parameters={"name": {"type": "string", "defaultValue": "right"}},
        variables={"sku": "Premium"},
    )
    found = only(content)
    assert (found.name, found.body["sku"]["name"]) == ("right", "Premium")


def test_nested_templates_with_inner_scope_see_their_own_values():
    """With inner scope only what is handed over counts."""
    inner = registry(name="[parameters('name')]", sku={"name": "[variables('sku')]"})
    content = template(
        [
            nested(
                [inner],
                parameters={"name": {"type": "string", "defaultValue": "right"}},
                variables={"sku": "Basic"},
            )
        ],
        parameters={"name": {"type": "string", "defaultValue": "wrong"}},
        variables={"sku": "Premium"},
    )
    found = only(content)
    assert (found.name, found.body["sku"]["name"]) == ("right", "Basic")


def test_a_deployment_to_another_group_changes_ids():
    """`resourceGroup` and `subscriptionId` of a deployment move its resources and what `resourceId` gives."""
    inner = registry(tags={"own": f"[resourceId('{REGISTRY}', 'acr1')]"})
    found = only(template([nested([inner], resourceGroup="rg-images", subscriptionId="11111111-0000")]))
    assert ids.resource_group_of(found.id) == "rg-images"
    assert "11111111-0000" in found.id
    assert found.body["tags"]["own"] == found.id
    assert ids.file_of(found.id) == "main.json"


def test_children_inherit_type_and_name():
    """A child inside a resource has the type and name of its parent in front."""
    content = template(
        [
            registry(
                name="[parameters('n')]",
                resources=[
                    {
                        "type": "replications",
                        "apiVersion": "2023-07-01",
                        "name": "eastus",
                        "location": "eastus",
                    },
                    {
                        "type": f"{REGISTRY}/webhooks",
                        "apiVersion": "2023-07-01",
                        "name": "[concat(parameters('n'), '/hook')]",
                    },
                ],
            )
        ],
        parameters={"n": {"type": "string"}},
    )
    found = by_name(expanded(content, {"n": "acr1"}))
    assert sorted(found) == ["registries/acr1", "replications/eastus", "webhooks/hook"]
    home = found["registries/acr1"].id
    assert found["replications/eastus"].id == f"{home}/replications/eastus"
    assert found["webhooks/hook"].id == f"{home}/webhooks/hook"


def test_ids_join_although_the_name_is_not_known():
    """A child refers to its parent by the same unknown name and gets an id below it."""
    content = template(
        [
            registry(name="[parameters('n')]"),
            {
                "type": f"{REGISTRY}/tokens",
                "apiVersion": "2023-07-01",
                "name": "[format('{0}/{1}', parameters('n'), 'build')]",
                "properties": {
                    "scopeMapId": f"[resourceId('{REGISTRY}/scopeMaps', parameters('n'), 'pull')]"
                },
            },
            {
                "type": f"{REGISTRY}/scopeMaps",
                "apiVersion": "2023-07-01",
                "name": "[concat(parameters('n'), '/pull')]",
            },
        ],
        parameters={"n": {"type": "string"}},
    )
    found = by_name(expanded(content))
    home = found["registries/[parameters('n')]"].id
    assert found["tokens/build"].id == f"{home}/tokens/build"
    assert found["tokens/build"].body["properties"]["scopeMapId"] == found["scopeMaps/pull"].id


def test_existing_resources_are_not_deployed_but_can_be_referred_to():
    """`existing` gives no resource of its own; children and extensions of it are."""
    found = expanded(
        template(
            {
                "acr": {"existing": True, "type": REGISTRY, "apiVersion": "2023-07-01", "name": "old"},
                "lock": {
                    "type": "Microsoft.Authorization/locks",
                    "apiVersion": "2020-05-01",
                    "scope": "[resourceId('Microsoft.ContainerRegistry/registries', 'old')]",
                    "name": "keep",
                    "properties": {"level": "CanNotDelete", "notes": "[reference('acr').loginServer]"},
                },
            },
            languageVersion="2.0",
        )
    )
    assert [one.type for one in found.resources] == ["Microsoft.Authorization/locks"]
    assert isinstance(found.resources[0].body["properties"]["notes"], Unknown)
    assert found.resources[0].id.endswith("/registries/old/providers/Microsoft.Authorization/locks/keep")


@pytest.mark.parametrize(
    "scope",
    [
        f"[format('{REGISTRY}/{{0}}', parameters('n'))]",
        f"[resourceId('{REGISTRY}', parameters('n'))]",
        f"[concat('{REGISTRY}/', parameters('n'))]",
    ],
)
def test_extensions_by_full_and_relative_scope(scope: str):
    """The scope of an extension may be a full id, or type and name in the same group."""
    content = template(
        [
            registry(name="[parameters('n')]"),
            {
                "type": "Microsoft.Insights/diagnosticSettings",
                "apiVersion": "2021-05-01-preview",
                "scope": scope,
                "name": "audit",
                "properties": {},
            },
        ],
        parameters={"n": {"type": "string"}},
    )
    for values in (None, {"n": "acr1"}):
        found = by_name(expanded(content, values))
        home = next(one.id for key, one in found.items() if key.startswith("registries/"))
        assert found["diagnosticSettings/audit"].id.startswith(f"{home}/providers/Microsoft.Insights/")


def test_extensions_in_their_old_form():
    """`registries/providers/locks` with the namespace in the name is a lock on the registry."""
    content = template(
        [
            {
                "type": f"{REGISTRY}/providers/locks",
                "apiVersion": "2016-09-01",
                "name": "acr1/Microsoft.Authorization/keep",
                "properties": {"level": "CanNotDelete"},
            }
        ]
    )
    found = only(content)
    assert found.type == "Microsoft.Authorization/locks"
    assert found.id.endswith(
        "/Microsoft.ContainerRegistry/registries/acr1/providers/Microsoft.Authorization/locks/keep"
    )


def test_an_unknown_condition_keeps_both_branches():
    """Of an `if` whose condition is not known both branches stay possible; equal ones are certain."""
    content = template(
        [
            registry(
                properties={
                    "publicNetworkAccess": "[if(equals(parameters('p'), 'x'), 'Disabled', 'Enabled')]",
                    "adminUserEnabled": "[if(equals(parameters('p'), 'x'), false(), false())]",
                    "anonymousPullEnabled": "[if(equals(parameters('p'), 'x'), null(), true())]",
                }
            )
        ],
        parameters={"p": {"type": "string"}},
    )
    found = only(content).body["properties"]
    assert found["adminUserEnabled"] is False
    assert isinstance(found["publicNetworkAccess"], Alternatives)
    assert found["publicNetworkAccess"].values == ("Disabled", "Enabled")
    assert found["anonymousPullEnabled"].values == (ABSENT, True)
    assert found["publicNetworkAccess"].cause == found["anonymousPullEnabled"].cause


def test_secrets_are_unknown_and_never_shown():
    """Secure parameters, defaults of them, list functions and Key Vault references are secret unknowns."""
    content = template(
        [
            registry(
                tags={
                    "default": "[parameters('a')]",
                    "given": "[parameters('b')]",
                    "vault": "[parameters('c')]",
                    "list": "[listCredentials(resourceId('Microsoft.ContainerRegistry/registries', 'acr1'), '2023-07-01').passwords[0].value]",
                    "mixed": "[concat('https://u:', parameters('b'), '@x')]",
                    "member": "[parameters('d').key]",
                }
            )
        ],
        parameters={
            "a": {"type": "secureString", "defaultValue": "hunter2"},
            "b": {"type": "securestring"},
            "c": {"type": "string"},
            "d": {"type": "secureObject"},
        },
    )
    found = expanded(
        content, {"b": "tr0ub4dor", "c": {"$reference": True}, "d": {"key": "s3cret"}}
    ).resources[0]
    for tag in found.body["tags"].values():
        assert isinstance(tag, Unknown)
        assert tag.kind == "secret"
    assert not any(secret in repr(found) for secret in ("hunter2", "tr0ub4dor", "s3cret"))


def test_an_empty_secure_parameter_is_no_secret():
    """An empty default of a secure parameter is known to be empty."""
    content = template(
        [registry(tags={"t": "[empty(parameters('a'))]"})],
        parameters={"a": {"type": "securestring", "defaultValue": ""}},
    )
    assert only(content).body["tags"]["t"] is True


def test_made_up_names_are_equal_for_equal_things():
    """`uniqueString` and `guid` give the same for the same arguments, known or not, and differ for others."""
    found = only(
        template(
            [
                registry(
                    tags={
                        "a": "[uniqueString(resourceGroup().id, parameters('p'))]",
                        "b": "[uniqueString(resourceGroup().id, parameters('p'))]",
                        "c": "[uniqueString(resourceGroup().id, parameters('q'))]",
                        "g": "[guid('x')]",
                        "h": "[guid('x')]",
                        "i": "[guid('y')]",
                    }
                )
            ],
            parameters={"p": {"type": "string"}, "q": {"type": "string"}},
        )
    ).body["tags"]
    assert found["a"] == found["b"] != found["c"]
    assert found["g"] == found["h"] != found["i"]
    assert len(found["a"]) == 13


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("[utcNow()]", "runtime"),
        ("[newGuid()]", "runtime"),
        ("[deployment().properties.templateLink.uri]", "runtime"),
        ("[deployer().objectId]", "runtime"),
        ("[pickZones('Microsoft.Compute', 'virtualMachines', 'westeurope')]", "runtime"),
        ("[providers('Microsoft.Storage', 'storageAccounts').apiVersions[0]]", "function"),
        ("[somethingNew('x')]", "function"),
        ("[field('location')]", "parameter"),
    ],
)
def test_what_only_azure_knows_is_unknown(expression: str, kind: str):
    """Values of the deployment itself, and functions that are not supported, are unknown values, no failures."""
    found = only(template([registry(tags={"t": expression})])).body["tags"]["t"]
    assert isinstance(found, Unknown)
    assert found.kind == kind


def test_a_parameter_without_a_value_is_one_of_its_allowed_values():
    """One allowed value is certain, several are alternatives, none is unknown with the advice to pass a file."""
    content = template(
        [
            registry(
                name="[parameters('name')]",
                sku={"name": "[parameters('sku')]"},
                properties={
                    "publicNetworkAccess": "[parameters('pna')]",
                    "adminUserEnabled": "[parameters('admin')]",
                },
            )
        ],
        parameters={
            "name": {"type": "string"},
            "sku": {"type": "string", "allowedValues": ["Premium"]},
            "pna": {"type": "string", "allowedValues": ["Enabled", "Disabled"]},
            "admin": {"type": "bool"},
        },
    )
    found = only(content)
    assert found.body["sku"]["name"] == "Premium"
    assert found.body["properties"]["publicNetworkAccess"].values == ("Enabled", "Disabled")
    assert found.body["properties"]["adminUserEnabled"].values == (True, False)
    assert found.body["name"] == Unknown("parameter `name` has no value; pass --parameters FILE", "parameter")


def test_partly_known_texts_keep_their_parts():
    """A text with an unknown part keeps the known ones."""
    content = template(
        [
            registry(
                name="[concat('acr', parameters('n'), '01')]",
                tags={"t": "[format('{0}-x', parameters('n'))]"},
            ),
        ],
        parameters={"n": {"type": "string"}},
    )
    found = only(content)
    assert isinstance(found.body["name"], Partial)
    assert found.body["name"].parts == ("acr", None, "01")
    assert found.body["tags"]["t"].parts == (None, "-x")


def test_a_linked_template_that_is_not_there_leaves_its_scope_open():
    """What a linked template deploys is not known: a problem for the scope it deploys to, never silence."""
    content = template(
        [
            registry(),
            {
                "type": "Microsoft.Resources/deployments",
                "apiVersion": "2022-09-01",
                "name": "linked",
                "properties": {"templateLink": {"uri": "https://example.com/t.json"}},
            },
        ]
    )
    found = expanded(content)
    assert len(found.resources) == 1
    assert len(found.missing) == 1
    assert "https://example.com/t.json is not in the tree" in found.missing[0].reason
    assert found.missing[0].scope == "/subscriptions/file:main.json/resourceGroups/-"


def test_outputs_of_nested_deployments_are_values():
    """`reference(deployment).outputs.x.value` gives what the nested template puts out."""
    inner = nested(
        [],
        parameters={"p": {"type": "string"}},
        values={"p": "weu"},
        outputs={"name": {"type": "string", "value": "[concat('acr', parameters('p'))]"}},
    )
    content = template(
        {"names": inner, "acr": registry(name="[reference('names').outputs.name.value]")},
        languageVersion="2.0",
    )
    assert only(content).name == "acrweu"


def test_user_functions():
    """A user function sees its parameters and other functions."""
    content = template(
        [registry(name="[contoso.twice('ab')]")],
        functions=[
            {
                "namespace": "contoso",
                "members": {
                    "once": {
                        "parameters": [{"name": "x", "type": "string"}],
                        "output": {"type": "string", "value": "[toUpper(parameters('x'))]"},
                    },
                    "twice": {
                        "parameters": [{"name": "x", "type": "string"}],
                        "output": {
                            "type": "string",
                            "value": "[concat(contoso.once(parameters('x')), parameters('x'))]",
                        },
                    },
                },
            }
        ],
    )
    assert only(content).name == "ABab"


@pytest.mark.parametrize(
    ("condition", "count", "optional"),
    [
        (True, 1, ""),
        (False, 0, ""),
        ("[parameters('on')]", 1, "its condition depends on parameter on"),
        ("[equals(parameters('n'), 'x')]", 1, "its condition is not known: parameter `n`"),
        ("[not(true())]", 0, ""),
    ],
)
def test_conditions(condition: object, count: int, optional: str):
    """A false condition deploys nothing, also no children; an unknown one leaves the resource optional."""
    child = {"type": "replications", "apiVersion": "2023-07-01", "name": "eastus", "location": "eastus"}
    content = template(
        [registry(condition=condition, resources=[child])],
        parameters={"on": {"type": "bool"}, "n": {"type": "string"}},
    )
    found = expanded(content).resources
    assert len(found) == 2 * count
    assert all(one.optional.startswith(optional) and bool(one.optional) is bool(optional) for one in found)


def test_array_and_symbolic_form_give_the_same():
    """The list form and the form with symbolic names describe the same resources."""
    rows = {
        "acr": registry(properties={"adminUserEnabled": True}),
        "rep": {
            "type": f"{REGISTRY}/replications",
            "apiVersion": "2023-07-01",
            "name": "acr1/eastus",
            "location": "eastus",
        },
    }
    old = expanded(template(list(rows.values())))
    new = expanded(template(rows, languageVersion="2.0"))
    assert [(one.id, one.body) for one in old.resources] == [(one.id, one.body) for one in new.resources]
