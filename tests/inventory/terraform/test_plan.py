"""Plans: what would exist after applying them, with what is not known yet and what is secret, joined by references."""

from __future__ import annotations

import json

import pytest

from scanner.errors import Problems
from scanner.inventory.terraform.collecting import Wanted, read_terraform
from scanner.model.values import Hidden, Unknown
from tests.inventory.terraform.writing import NOW, R, at, one, registry, rows, run, write

P = "properties."
REAL = f"/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/{R}/acrone"
VALUES = {
    "name": "acrone",
    "resource_group_name": "rg",
    "location": "westeurope",
    "sku": "Premium",
    "admin_enabled": True,
    "public_network_access_enabled": True,
    "retention_policy_in_days": 0,
    "trust_policy_enabled": False,
    "network_rule_set": [],
    "georeplications": [
        {"location": "northeurope", "zone_redundancy_enabled": False, "regional_endpoint_enabled": True}
    ],
    "encryption": [],
    "identity": [],
}


def change(
    kind,
    name,
    after,
    unknown=None,
    sensitive=None,
    actions=("create",),
    module="",
    index=None,
    mode="managed",
):
    """A row of `resource_changes`."""
    address = f"{module + '.' if module else ''}{'data.' if mode == 'data' else ''}{kind}.{name}"
    row = {
        "address": address + ("" if index is None else f"[{json.dumps(index)}]"),
        "mode": mode,
        "type": kind,
        "name": name,
        "provider_name": "registry.terraform.io/hashicorp/azurerm",
        "change": {
            "actions": list(actions),
            "before": None,
            "after": after,
            "after_unknown": unknown or {},
            "after_sensitive": sensitive or {},
        },
    }
    if module:
        row["module_address"] = module
    if index is not None:
        row["index"] = index
    return row


def plan(*changes, root=None, version="4.81.0", **more):
    """A plan."""
    return {
        "format_version": "1.2",
        "terraform_version": "1.13.0",
        "resource_changes": list(changes),
        "configuration": {
            "provider_config": {
                "azurerm": {
                    "name": "azurerm",
                    "full_name": "registry.terraform.io/hashicorp/azurerm",
                    "version_constraint": version,
                }
            },
            "root_module": root or {},
        },
        **more,
    }


def read(folder, content):
    """What is read of a plan."""
    path = folder / "plan.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return read_terraform([path], Wanted(), now=NOW)


def refers(address, **arguments):
    """A resource of the configuration."""
    return {
        "address": address,
        "expressions": {name: {"references": list(names)} for name, names in arguments.items()},
    }


def test_a_plan_gives_what_will_exist(tmp_path):
    """Values after the change, replicas as children; nothing of it is unknown."""
    reading = read(
        tmp_path,
        plan(change("azurerm_container_registry", "acr", VALUES, {"id": True, "login_server": True})),
    )
    found = one(reading)
    assert at(found, P + "adminUserEnabled") is True
    assert at(found, P + "policies.retentionPolicy.status") == "disabled"
    assert at(found, P + "networkRuleSet") is None
    assert one(reading, f"{R}/replications").id == found.id + "/replications/northeurope"
    assert found.origin.where == found.places[""][0].file
    assert found.origin.where.endswith("plan.json")


def test_what_is_not_known_yet_is_unknown(tmp_path):
    """`after_unknown` at every depth; what is known beside it stays."""
    after = VALUES | {"network_rule_set": [{"default_action": "Deny", "ip_rule": [{"action": "Allow"}]}]}
    del after["admin_enabled"]
    unknown = {"admin_enabled": True, "network_rule_set": [{"ip_rule": [{"ip_range": True}]}]}
    found = one(read(tmp_path, plan(change("azurerm_container_registry", "acr", after, unknown))))
    assert isinstance(at(found, P + "adminUserEnabled"), Unknown)
    assert "known after apply" in at(found, P + "adminUserEnabled").reason
    assert at(found, P + "networkRuleSet.defaultAction") == "Deny"
    assert isinstance(at(found, P + "networkRuleSet.ipRules.0.value"), Unknown)
    whole = one(
        read(
            tmp_path,
            plan(
                change("azurerm_container_registry", "acr", VALUES, {"network_rule_set": True, "tags": True})
            ),
        )
    )
    assert isinstance(at(whole, P + "networkRuleSet"), Unknown)
    assert isinstance(whole.body["tags"], Unknown)


def test_secrets_of_a_plan_stay_secret(tmp_path):
    """`after_sensitive` values are there and never shown."""
    after = {
        "name": "w",
        "registry_name": "acrone",
        "resource_group_name": "rg",
        "location": "westeurope",
        "service_uri": "https://u:hunter2@x/",
        "actions": ["push"],
        "status": "enabled",
        "scope": "",
    }
    reading = read(
        tmp_path, plan(change("azurerm_container_registry_webhook", "w", after, {}, {"service_uri": True}))
    )
    found = one(reading, f"{R}/webhooks")
    assert isinstance(at(found, P + "serviceUri"), Hidden)
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("actions", "number"),
    [
        (["delete"], 0),
        (["forget"], 0),
        (["no-op"], 1),
        (["update"], 1),
        (["delete", "create"], 1),
        (["create", "delete"], 1),
    ],
)
def test_what_will_be_gone_is_not_there(tmp_path, actions, number):
    """Deleted resources do not exist afterwards; unchanged ones do."""
    kept = change("azurerm_container_registry", "kept", VALUES | {"name": "kept"})
    other = change(
        "azurerm_container_registry", "acr", VALUES if actions != ["delete"] else None, actions=actions
    )
    assert len(rows(read(tmp_path, plan(kept, other)), R)) == 1 + number


def test_references_join_what_has_no_id_yet(tmp_path):
    """A lock on a registry that is yet to be made belongs to it."""
    lock = change(
        "azurerm_management_lock",
        "l",
        {"name": "l", "lock_level": "CanNotDelete"},
        {"id": True, "scope": True},
    )
    root = {
        "resources": [
            refers(
                "azurerm_management_lock.l",
                scope=["azurerm_container_registry.acr.id", "azurerm_container_registry.acr"],
            )
        ]
    }
    reading = read(
        tmp_path, plan(change("azurerm_container_registry", "acr", VALUES, {"id": True}), lock, root=root)
    )
    assert one(reading, "Microsoft.Authorization/locks").id.startswith(one(reading).id + "/")


def test_references_lead_through_modules(tmp_path):
    """From an argument through a variable and an output to the registry in another module, instance by instance."""
    first = change("azurerm_container_registry", "acr", VALUES, {"id": True}, module='module.acr["a"]')
    second = change(
        "azurerm_container_registry",
        "acr",
        VALUES | {"name": "acrtwo"},
        {"id": True},
        module='module.acr["b"]',
    )
    lock = change(
        "azurerm_management_lock",
        "l",
        {"name": "l", "lock_level": "ReadOnly"},
        {"scope": True},
        module="module.lock",
    )
    root = {
        "module_calls": {
            "acr": {
                "module": {
                    "outputs": {
                        "id": {
                            "expression": {
                                "references": [
                                    "azurerm_container_registry.acr.id",
                                    "azurerm_container_registry.acr",
                                ]
                            }
                        }
                    },
                    "resources": [refers("azurerm_container_registry.acr")],
                }
            },
            "lock": {
                "expressions": {"scope": {"references": ["module.acr.id", "module.acr"]}},
                "module": {"resources": [refers("azurerm_management_lock.l", scope=["var.scope"])]},
            },
        }
    }
    single = read(tmp_path, plan(first, lock, root=root))
    assert one(single, "Microsoft.Authorization/locks").id.startswith(one(single).id + "/")
    both = read(tmp_path, plan(first, second, lock, root=root))
    assert "where it belongs is not known" in run(both, "Microsoft.Authorization/locks").problems[0].reason


def test_instances_join_by_their_key(tmp_path):
    """Of many instances the one with the same key is meant."""
    found = [
        change("azurerm_container_registry", "acr", VALUES | {"name": f"acr{key}"}, {"id": True}, index=key)
        for key in ("a", "b")
    ]
    locks = [
        change(
            "azurerm_management_lock",
            "l",
            {"name": key, "lock_level": "ReadOnly"},
            {"scope": True},
            index=key,
        )
        for key in ("a", "b")
    ]
    references = ["azurerm_container_registry.acr.id", "azurerm_container_registry.acr"]
    root = {"resources": [refers("azurerm_management_lock.l", scope=references)]}
    reading = read(tmp_path, plan(*found, *locks, root=root))
    assert [
        row.id.partition("/providers/Microsoft.Authorization")[0]
        for row in rows(reading, "Microsoft.Authorization/locks")
    ] == [row.id for row in rows(reading, R)]


def test_ids_of_azure_are_the_same_resource(tmp_path):
    """What exists already has its real id: what names it joins."""
    existing = change("azurerm_container_registry", "acr", VALUES | {"id": REAL}, actions=["no-op"])
    lock = change(
        "azurerm_management_lock",
        "l",
        {
            "name": "l",
            "scope": REAL.upper().replace("SUBSCRIPTIONS", "subscriptions"),
            "lock_level": "ReadOnly",
        },
    )
    reading = read(tmp_path, plan(existing, lock))
    assert one(reading, "Microsoft.Authorization/locks").id.startswith(one(reading).id + "/")


@pytest.mark.parametrize(
    ("values", "status"),
    [
        (
            {"trust_policy": [{"enabled": False}], "retention_policy": [{"enabled": True, "days": 7}]},
            "disabled",
        ),
        ({}, None),
    ],
)
def test_the_version_shows_in_the_schema(tmp_path, values, status):
    """A plan without a constraint tells the version by the attributes that it has."""
    after = {
        name: value for name, value in VALUES.items() if not name.startswith(("trust", "retention"))
    } | values
    content = plan(change("azurerm_container_registry", "acr", after))
    del content["configuration"]["provider_config"]
    assert at(one(read(tmp_path, content)), P + "policies.trustPolicy.status") == status


SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
HOW = [
    {"configuration": {"provider_config": {"azurerm": {"full_name": "registry.terraform.io/hashicorp/azurerm", "expressions": {"subscription_id": {"constant_value": SUBSCRIPTION}}}}}},
    {
        "variables": {"sub": {"value": SUBSCRIPTION}},
        "configuration": {"provider_config": {"azurerm": {"full_name": "registry.terraform.io/hashicorp/azurerm", "expressions": {"subscription_id": {"references": ["var.sub"]}}}}},
    },
    {
        "prior_state": {
            "values": {"root_module": {"resources": [{"address": "data.azurerm_client_config.c", "mode": "data", "type": "azurerm_client_config", "name": "c", "values": {"subscription_id": SUBSCRIPTION}}]}}
        }
    },
    {"resource_changes": [change("azurerm_virtual_network", "v", {"id": REAL.replace(R, "Microsoft.Network/virtualNetworks")}, actions=["no-op"])]},
    {},
]  # fmt: skip


@pytest.mark.parametrize("how", HOW)
def test_ids_of_the_plans_subscription_are_ids_of_the_plan(tmp_path, how):
    """A lock on a group that is named by its real id lies above the registry, also where nothing else tells the subscription."""
    lock = change(
        "azurerm_management_lock",
        "l",
        {"name": "l", "scope": REAL.partition("/providers/")[0], "lock_level": "ReadOnly"},
    )
    content = plan(change("azurerm_container_registry", "acr", VALUES), lock)
    changes = content["resource_changes"] + how.get("resource_changes", [])
    reading = read(tmp_path, content | how | {"resource_changes": changes})
    above = one(reading, "Microsoft.Authorization/locks").id.partition("/providers/")[0]
    assert one(reading).id.startswith(above + "/")


def test_a_state_is_read_too(tmp_path):
    """`terraform show -json` without a plan shows a state."""
    content = {
        "format_version": "1.0",
        "terraform_version": "1.9.0",
        "values": {
            "root_module": {
                "resources": [],
                "child_modules": [
                    {
                        "address": "module.m",
                        "resources": [
                            {
                                "address": "module.m.azurerm_container_registry.acr",
                                "mode": "managed",
                                "type": "azurerm_container_registry",
                                "name": "acr",
                                "values": VALUES,
                            }
                        ],
                    }
                ],
            }
        },
    }
    assert at(one(read(tmp_path, content)), P + "adminUserEnabled") is True


def test_places_come_from_the_files_beside_the_plan(tmp_path):
    """Where the configuration lies beside the plan, findings lead into it."""
    write(
        tmp_path,
        {"main.tf": registry('admin_enabled = true\n  georeplications {\n    location = "northeurope"\n  }')},
    )
    reading = read(tmp_path, plan(change("azurerm_container_registry", "acr", VALUES)))
    found = one(reading)
    assert (found.places[""][0].line, found.places["/properties/adminUserEnabled"][0].line) == (2, 7)
    assert found.places[""][0].file.endswith("main.tf")
    assert one(reading, f"{R}/replications").places["/location"][0].line == 9


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not valid JSON"),
        ("[]", "no plan of Terraform"),
        ("{}", "no plan of Terraform"),
        ('{"terraform_version": "1", "format_version": "2.0"}', "format '2.0'"),
        ('{"terraform_version": "1"}', "format 'None'"),
        ('{"terraform_version": "1", "format_version": "1.0"}', "no changes and no values"),
        (
            '{"terraform_version": "1", "format_version": "1.0", "resource_changes": [1]}',
            "change 1 is no change",
        ),
        (
            '{"terraform_version": "1", "format_version": "1.0", "resource_changes": [{"address": "a", "type": "azurerm_container_registry"}]}',
            "change 1",
        ),
        ('{"terraform_version": "1", "terraform_version": "2"}', "duplicate key"),
        ("", "is empty"),
        ("[" * 5000, "nested deeper"),
    ],
)
def test_what_is_no_plan_is_told(tmp_path, content, words):
    """One clear error for each."""
    with pytest.raises(Problems, match=words):
        read(tmp_path, content)


def test_a_binary_plan_is_told_how_to_show_it(tmp_path):
    """A plan file itself is a ZIP."""
    path = tmp_path / "tfplan"
    path.write_bytes(b"PK\x03\x04\xff\x00rest")
    with pytest.raises(Problems, match="terraform show -json"):
        read_terraform([path], Wanted(), now=NOW)


def test_a_plan_that_only_speaks_of_registries_is_an_error(tmp_path):
    """A registry in the configuration without a change is never clean."""
    root = {"resources": [refers("azurerm_container_registry.acr")]}
    with pytest.raises(Problems, match="speaks of registries"):
        read(tmp_path, plan(root=root))


def test_an_unknown_type_of_registries_is_an_error(tmp_path):
    """A newer resource is not skipped in silence."""
    reading = read(
        tmp_path,
        plan(
            change("azurerm_container_registry", "acr", VALUES),
            change("azurerm_container_registry_magic", "m", {}),
        ),
    )
    assert "azurerm_container_registry_magic is not known" in str(reading.errors[0])


def test_an_errored_plan_is_told(tmp_path):
    """A plan that ended early may lack resources."""
    reading = read(tmp_path, plan(change("azurerm_container_registry", "acr", VALUES), errored=True))
    assert any("incomplete" in note for note in reading.inventory.diagnostics)
