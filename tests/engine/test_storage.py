"""Storage by layers: what is shared, what a clean-up frees, and that one unread manifest leaves the figures open."""

from __future__ import annotations

import pytest

from scanner.engine.storage import Storage
from scanner.model.resource import Resource
from scanner.model.values import Unknown

R = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r/repositories"
KIND = "Microsoft.ContainerRegistry/registries/repositories/manifests"


def manifest(repository, digest, *layers, **more):
    identifier = f"{R}/{repository}/manifests/{digest}"
    body = {"digest": digest, "layers": [{"digest": name, "size": size} for name, size in layers], **more}
    return Resource(identifier, KIND, digest, body)


def figures(rows, repository="a", gap="", own=""):
    target = Resource(f"{R}/{repository}", KIND.rpartition("/")[0], repository, {})
    found = Storage(rows, gap).row(target, own)
    return tuple(found[key] for key in ("uniqueBytes", "sharedBytes", "untaggedBytes", "freeableBytes"))


def test_an_empty_repository():
    assert figures([]) == (0, 0, 0, 0)


def test_a_layer_counts_once_however_often_it_is_named():
    rows = [
        manifest("a", "1", ("base", 100), ("x", 1), tags=["v1"]),
        manifest("a", "2", ("base", 100), ("y", 2), tags=["v2"]),
    ]
    assert figures(rows) == (103, 0, 0, 0)


def test_untagged_manifests_free_only_what_nobody_else_names():
    rows = [manifest("a", "1", ("base", 100), tags=["v1"]), manifest("a", "2", ("base", 100), ("old", 7))]
    assert figures(rows) == (107, 0, 107, 7)


def test_layers_shared_with_another_repository():
    rows = [manifest("a", "1", ("base", 100), ("own", 5)), manifest("b", "2", ("base", 100), tags=["v1"])]
    assert figures(rows) == (5, 100, 105, 5)
    assert figures(rows, "b") == (0, 100, 0, 0)


def test_waste_that_two_repositories_share_is_not_kept_by_either():
    rows = [manifest("a", "1", ("base", 100)), manifest("b", "2", ("base", 100))]
    assert figures(rows) == (0, 100, 100, 100)


def test_platforms_of_a_kept_index_and_what_refers_to_kept_manifests_stay():
    rows = [
        manifest("a", "index", tags=["v1"], references=[{"digest": "amd"}]),
        manifest("a", "amd", ("amd layer", 10)),
        manifest("a", "signature", ("sig", 1), subject={"digest": "amd"}),
    ]
    assert figures(rows) == (11, 0, 0, 0)


def test_what_refers_to_waste_goes_with_it():
    rows = [
        manifest("a", "image", ("x", 10)),
        manifest("a", "signature", ("sig", 1), subject={"digest": "image"}),
        manifest("a", "signature of it", ("sig2", 2), subject={"digest": "signature"}),
    ]
    assert figures(rows) == (13, 0, 13, 13)


def test_what_refers_to_a_manifest_that_is_gone_is_no_waste():
    """`acr purge` takes no manifest with a subject."""
    rows = [
        manifest("a", "sbom of nothing", ("sbom", 2), subject={"digest": "deleted"}),
        manifest("a", "signature of it", ("sig", 3), subject={"digest": "sbom of nothing"}),
    ]
    assert figures(rows) == (5, 0, 0, 0)


def test_an_untagged_index_goes_with_its_platforms():
    rows = [manifest("a", "index", references=[{"digest": "amd"}]), manifest("a", "amd", ("amd layer", 10))]
    assert figures(rows) == (10, 0, 10, 10)


def test_manifests_that_lead_in_a_circle_end():
    rows = [
        manifest("a", "1", ("x", 1), tags=["v"], references=[{"digest": "2"}]),
        manifest("a", "2", ("y", 1), references=[{"digest": "1"}], subject={"digest": "1"}),
    ]
    assert figures(rows) == (2, 0, 0, 0)


def test_foreign_layers_take_no_room():
    rows = [manifest("a", "1", tags=["v"], layers=[{"digest": "w", "size": 9, "urls": ["https://x"]}])]
    assert figures(rows) == (0, 0, 0, 0)


@pytest.mark.parametrize("key", ["layers", "config", "subject", "references", "tags"])
def test_an_unread_manifest_elsewhere_leaves_open_what_is_shared(key):
    rows = [manifest("a", "1", ("x", 5)), manifest("b", "2", **{key: Unknown("429")})]
    unique, shared, untagged, freeable = figures(rows)
    assert all(isinstance(one, Unknown) and one.reason == "429" for one in (unique, shared, freeable))
    assert untagged == 5


def test_an_unread_manifest_of_its_own_leaves_open_everything():
    assert all(isinstance(one, Unknown) for one in figures([manifest("a", "1", layers=Unknown("403"))]))


def test_an_incomplete_list_leaves_open_what_depends_on_all():
    unique, _, untagged, _ = figures([manifest("a", "1", ("x", 5))], gap="page missing")
    assert isinstance(unique, Unknown)
    assert untagged == 5


def test_an_incomplete_list_of_its_own_leaves_open_everything():
    found = figures([manifest("a", "1", ("x", 5))], gap="page missing", own="page missing")
    assert all(isinstance(one, Unknown) and one.reason == "page missing" for one in found)


def test_a_manifest_of_which_only_the_row_is_known_is_not_guessed():
    """So they come from `az acr manifest list-metadata`: without layers, which are not none."""
    row = Resource(f"{R}/a/manifests/1", KIND, "1", {"digest": "sha256:1", "imageSize": 5})
    assert all(isinstance(one, Unknown) for one in figures([row]))


def test_configurations_count_and_are_shared_like_layers():
    config = {"config": {"digest": "c", "size": 3}}
    assert figures([manifest("a", "1", ("x", 5), **config)]) == (8, 0, 8, 8)
    assert figures([manifest("a", "1", **config), manifest("b", "2", tags=["v"], **config)]) == (0, 3, 3, 0)


def test_layers_of_another_repository_s_waste_are_freed_only_with_both():
    """Deleting in this repository alone leaves the layer; both are waste, so a clean-up of the registry frees it."""
    rows = [manifest("a", "1", ("x", 5)), manifest("b", "2", ("x", 5)), manifest("b", "3", tags=["v"])]
    assert figures(rows) == (0, 5, 5, 5)


@pytest.mark.parametrize("size", [None, "5", True, -1, 5.0])
def test_a_size_that_is_none(size):
    rows = [manifest("a", "1", layers=[{"digest": "x", "size": size}])]
    assert isinstance(figures(rows)[0], Unknown)


def test_a_layer_without_a_size_is_not_guessed():
    assert isinstance(figures([manifest("a", "1", layers=[{"digest": "x"}])])[0], Unknown)
