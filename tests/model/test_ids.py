"""Ids of what files describe: they join as ids of Azure do, and people can read them."""

from __future__ import annotations

from scanner.model import ids

SCOPE = ids.file_scope("infra/a b/main.json", "rg-1", "prod.parameters.json")
REGISTRY = ids.file_id(SCOPE, "Microsoft.ContainerRegistry/registries", ["acr/${name}"])
TOKEN = ids.file_id(SCOPE, "Microsoft.ContainerRegistry/registries/tokens", ["acr/${name}", "ci"])


def test_children_join_their_registry():
    """Whatever stands in names, segments stay segments."""
    assert ids.within(TOKEN, REGISTRY)
    assert ids.registry_of(TOKEN) == REGISTRY
    assert ids.type_of(TOKEN) == "Microsoft.ContainerRegistry/registries/tokens"
    assert ids.resource_group_of(TOKEN) == "rg-1"


def test_the_file_comes_back():
    """Path and evaluation are read back from the id, blanks and slashes included."""
    assert ids.file_of(TOKEN) == "infra/a b/main.json"
    assert ids.shown(REGISTRY) == (
        "file:infra/a b/main.json (prod.parameters.json)#Microsoft.ContainerRegistry/registries/acr/${name}"
    )


def test_two_evaluations_are_two_scopes():
    """The same file with another parameter file joins nothing of the first."""
    other = ids.file_scope("infra/a b/main.json", "rg-1", "dev.parameters.json")
    assert not ids.within(TOKEN, other)


def test_ids_of_azure_stay():
    """What lies in Azure is no file."""
    assert ids.file_of("/subscriptions/1/resourceGroups/g") == ""
    assert ids.shown("/subscriptions/1/resourceGroups/g") == "/subscriptions/1/resourceGroups/g"


def test_a_file_without_a_group_has_none():
    """The stand-in of an id is no group's name; a group that a template names is."""
    for group in ("", "rg-shop"):
        scope = ids.file_scope("main.json", group)
        assert (
            ids.resource_group_of(ids.file_id(scope, "Microsoft.ContainerRegistry/registries", ["a"]))
            == group
        )
    assert ids.resource_group_of("/subscriptions/s/resourceGroups/-/providers/x/y/z") == "-"
