"""Hosts as an inventory: one resource per root, what a machine without Docker gives, and what cannot be used at all."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from scanner import pipeline
from scanner.cli.options import pack_from
from scanner.engine.evaluate import Options
from scanner.errors import InputError
from scanner.formats import get
from scanner.inventory.host.packages import Answer
from scanner.inventory.host.reading import Wanted, read_hosts
from scanner.inventory.record import digest, from_record, to_record
from scanner.model import ids
from scanner.types import facts_for
from tests.inventory.host.building import (
    CONFIG,
    DAEMON,
    DPKG,
    NOW,
    PACK,
    RULES,
    STATUS,
    auth,
    no_docker,
    properties,
    put,
    read,
    reading,
    refuse,
    rows,
    verdict,
)


def test_a_machine_without_docker_is_not_applicable_with_a_reason(tmp_path):
    """Every rule says so; what users keep elsewhere is not Docker's."""
    put(
        tmp_path,
        {"etc/os-release": "ID=debian\n", "home/ci/.bashrc": "export HTTPS_PROXY=http://127.0.0.1:8888\n"},
    )
    found = pipeline.scan(
        PACK, reading(tmp_path).inventory, now=NOW, words="", options=Options(keep_passes=True)
    )
    assert {row.rule: row.verdict.value for row in found.findings} == dict.fromkeys(RULES, "notApplicable")
    assert all(len(row.message) > 20 for row in found.findings)
    assert (
        "no program, package, configuration or ~/.docker of it is there"
        in rows(tmp_path, "ACR802")[0].message
    )


def test_homes_that_were_not_looked_into_are_named(tmp_path, monkeypatch):
    """Without any other trace of Docker it is said where one could still be."""
    put(tmp_path, {"root/x": "", "home/a/x": ""})
    refuse(monkeypatch, "root", "a")
    (row,) = rows(tmp_path, "ACR811")
    assert row.verdict.value == "notApplicable"
    assert "not looked into: /home/a, /root" in row.message


def test_a_docker_folder_alone_is_a_trace(tmp_path):
    """Credentials count where the programs were removed."""
    put(tmp_path, {CONFIG: {"auths": {"x.azurecr.io": {"auth": auth("x", "y")}}}})
    assert verdict(tmp_path, "ACR811") == "fail"
    assert verdict(tmp_path, "ACR801") == "notApplicable"
    assert properties(tmp_path)["docker"]["traces"] == ["/root/.docker"]


def test_one_resource_per_root(tmp_path):
    """Named by the host itself, told apart by the root; the same root twice is one."""
    one = put(tmp_path / "a", {STATUS: DPKG, "etc/hostname": "build-1\n"})
    two = put(tmp_path / "b", {STATUS: DPKG, "etc/hostname": "build-1\n"})
    found = list(reading(one, two, one).inventory.parts["acrscan/hosts"])
    assert [resource.name for resource in found] == ["build-1", "build-1"]
    assert len({resource.id for resource in found}) == 2
    assert ids.shown(found[0].id) == f"file:{one.as_posix()}#acrscan/hosts/build-1"
    assert {resource.origin.where for resource in found} == {one.as_posix(), two.as_posix()}


@pytest.mark.parametrize("name", ["", "\n", "a/b", "x" * 300, "-a", "\u00e9"])
def test_a_name_that_is_none_is_the_folders(tmp_path, name):
    """What is no host name does not get into ids."""
    put(tmp_path / "rootfs", {"etc/hostname": name})
    assert read(tmp_path / "rootfs").name == "rootfs"


def test_the_platform_is_told(tmp_path):
    """From either place of os-release; the link in /etc leads inside."""
    put(tmp_path, {"usr/lib/os-release": 'ID=alpine\nPRETTY_NAME="Alpine Linux v3.20"\n'})
    assert properties(tmp_path)["platform"] == "Alpine Linux v3.20"
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").symlink_to("../usr/lib/os-release")
    assert properties(tmp_path)["platform"] == "Alpine Linux v3.20"


def test_a_root_that_cannot_be_used_does_not_hide_the_others(tmp_path):
    """It is an error beside the inventory; with no other root it is the answer."""
    good = put(tmp_path / "a", {STATUS: DPKG})
    found = reading(tmp_path / "none", good)
    assert len(found.inventory.parts["acrscan/hosts"]) == 1
    assert [str(error) for error in found.errors] == [
        f"{tmp_path.as_posix()}/none: cannot be used as a root: No such file or directory\n  Name a folder: /, a mounted disk or an unpacked image."
    ]
    with pytest.raises(InputError, match="cannot be used as a root"):
        reading(tmp_path / "none")


def test_a_home_that_no_root_has_is_an_error(tmp_path):
    """A mistyped home would be a home without credentials."""
    one, two = put(tmp_path / "a", {"home/ci/x": ""}), put(tmp_path / "b", {"x": ""})
    assert len(reading(one, two, homes=("/home/ci",)).inventory.parts["acrscan/hosts"]) == 2
    with pytest.raises(InputError, match="no such folder in the root"):
        reading(one, two, homes=("/home/ci", "/home/cii"))


def test_everything_of_azure_was_not_asked_for(tmp_path):
    """Rules about registries are left out with a reason, and the whole pack runs."""
    put(tmp_path, {STATUS: DPKG})
    inventory = reading(tmp_path).inventory
    found = pipeline.scan(pack_from(None), inventory, now=NOW, words="", options=Options(keep_passes=True))
    assert {run.state for run in inventory.runs} == {"complete", "not-asked"}
    assert {row.rule for row in found.findings} == set(RULES)
    assert {row.resource_type for row in found.findings} == {"acrscan/hosts"}


def test_a_resource_survives_its_record(tmp_path, monkeypatch):
    """Stored and read again it has the same body, markers and digest."""
    put(
        tmp_path,
        {
            STATUS: DPKG,
            DAEMON: {"debug": "x"},
            CONFIG: {"auths": {"x.azurecr.io": {"auth": auth("x", "y")}}},
            "home/a/x": "",
        },
    )
    refuse(monkeypatch, "a")
    resource = read(tmp_path)
    assert resource.unread
    assert resource.hidden
    again = from_record(json.loads(json.dumps(to_record(resource))))
    assert again.body == resource.body
    assert digest(reading(tmp_path).inventory.parts) == reading(tmp_path).inventory.digest


def test_the_facts_of_the_type_name_everything_that_is_collected(tmp_path):
    """A property without a fact could be in no rule."""
    facts = facts_for("acrscan/hosts")
    assert facts is not None
    put(
        tmp_path,
        {
            STATUS: DPKG + "\nPackage: azure-cli\nStatus: install ok installed\nVersion: 2.64.0\n",
            DAEMON: {
                "debug": True,
                "log-level": "info",
                "allow-nondistributable-artifacts": ["a"],
                "insecure-registries": ["b"],
                "proxies": {"http-proxy": "http://c"},
            },
            CONFIG: {
                "credsStore": "pass",
                "credHelpers": {"x.azurecr.io": "acr"},
                "auths": {"x.azurecr.io": {"auth": auth("x", "y")}},
            },
            "etc/environment": "DOCKER_CONTENT_TRUST=1\nDOCKER_CONTENT_TRUST_ROOT_PASSPHRASE=x\n",
            "root/.docker/trust/private/a.key": "role: root\n",
        },
    )

    def paths(value, keys):
        if isinstance(value, dict):
            for key, item in value.items():
                yield from paths(item, (*keys, key))
        elif isinstance(value, list):
            for item in value:
                yield from paths(item, (*keys, "[]"))
        yield keys

    found = {keys for keys in paths(read(tmp_path).body, ()) if keys}
    assert len(found) > 50
    assert [keys for keys in found if facts.fact(keys) is None] == []


def test_the_running_host_is_asked_and_other_roots_are_not(tmp_path, monkeypatch):
    """Its docker, its environment and the home of who scans it; nothing of the kind for a mounted disk."""
    calls = []

    def ask():
        calls.append("asked")
        return Answer(
            0,
            json.dumps({"Client": {"Version": "28.2.2", "ApiVersion": "1.50"}, "Server": None}),
            "no daemon",
        )

    here = put(tmp_path, {"me/.docker/config.json": {"auths": {"x.azurecr.io": {"auth": auth("x", "y")}}}})
    environment = {"HOME": f"{here.as_posix()}/me", "HTTPS_PROXY": "http://127.0.0.1:8888"}
    found = read_hosts(Wanted(homes=(environment["HOME"],), ask=ask, environment=environment), now=NOW)
    (resource,) = found.inventory.parts["acrscan/hosts"]
    assert calls == ["asked"]
    told = resource.body["properties"]
    assert told["live"] is True
    assert told["client"]["version"] == "28.2.2"
    assert [row["registry"] for row in told["credentials"]] == ["x.azurecr.io"]
    assert "environment of this process: HTTPS_PROXY" in [
        row["at"] for row in told["interception"] if isinstance(row, dict)
    ]
    read_hosts(Wanted((tmp_path,), ask=ask, environment=environment), now=NOW)
    assert calls == ["asked"]


def test_docker_config_names_another_folder(tmp_path):
    """On the running host the variable leads to a folder that is in no home."""
    put(tmp_path, {"ci/config.json": {"auths": {"x.azurecr.io": {"auth": auth("x", "y")}}}, "me/x": ""})
    environment = {"HOME": f"{tmp_path.as_posix()}/me", "DOCKER_CONFIG": f"{tmp_path.as_posix()}/ci/"}
    found = read_hosts(Wanted(ask=no_docker, environment=environment), now=NOW)
    (resource,) = found.inventory.parts["acrscan/hosts"]
    ours = [
        row
        for row in resource.body["properties"]["credentials"]
        if isinstance(row, dict) and str(tmp_path) in row["at"]
    ]
    assert [row["registry"] for row in ours] == ["x.azurecr.io"]


def test_names_that_no_report_can_say_are_replaced(tmp_path):
    """File names are bytes: what is no UTF-8, or would move a terminal's cursor, comes out harmless in every format."""
    folder = tmp_path / "ho\udcfft"
    put(folder, {STATUS: DPKG, "root/.docker/trust/private/\x1b[31m\n\udc80.key": "role: root\n"})
    inventory = reading(folder).inventory
    found = pipeline.scan(PACK, inventory, now=NOW, words="", options=Options())
    for name in ("json", "ndjson", "sarif", "html", "csv", "markdown", "junit", "console"):
        out = io.BytesIO()
        get(name).render(found, out)
        assert "ACR808" in out.getvalue().decode("utf-8")
        assert b"\x1b[31m" not in out.getvalue()


def test_a_relative_root_is_shown_as_it_was_given(tmp_path, monkeypatch):
    """Places are what a reader of the report can open from the same folder."""
    put(tmp_path / "image", {STATUS: DPKG, DAEMON: {"debug": True}})
    monkeypatch.chdir(tmp_path)
    (row,) = rows(Path("image"), "ACR802")
    assert row.places[0].file == "image/etc/docker/daemon.json"
    assert row.origin.source == "host"
