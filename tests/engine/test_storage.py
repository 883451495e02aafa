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


def figures(rows, repository="a", gap=""):
    target = Resource(f"{R}/{repository}", KIND.rpartition("/")[0], repository, {})
    found = Storage(rows, gap).row(target)
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
        manifest("a", "sbom of nothing", ("sbom", 2), subject={"digest": "deleted"}),
    ]
    assert figures(rows) == (13, 0, 2, 2)


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


@pytest.mark.parametrize("key", ["layers", "config", "subject", "references"])
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


def test_a_layer_without_a_size_is_not_guessed():
    assert isinstance(figures([manifest("a", "1", layers=[{"digest": "x"}])])[0], Unknown)
