"""Versions: package databases, `docker version` with a limit of time, and what tells the Azure CLI's version."""

from __future__ import annotations

import json
import stat
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scanner.inventory.host.packages import Answer, ask_docker, read_versions
from scanner.inventory.host.root import Root
from scanner.inventory.host.rows import Facts
from scanner.model.values import Unknown
from tests.inventory.host.building import DPKG, NOW, STATUS, properties, put, reading, refuse, rows, verdict

APK = "P:musl\nV:1.2.4-r2\n\nP:docker-cli\nV:25.0.5-r1\n\nP:docker-engine\nV:25.0.4-r1\n"
BOTH = {
    "Client": {"Version": "28.2.2", "ApiVersion": "1.50"},
    "Server": {"Version": "26.1.0", "ApiVersion": "1.45"},
}


def asked(root: Path, answer: Answer | str | None) -> Any:
    """The properties after `docker version` gave an answer."""
    with closing(Root(root)) as opened:
        facts = Facts(opened)
        read_versions(facts, lambda: answer)
        return facts.made("host", NOW).body["properties"]


def test_packages_of_debian_tell_both_versions(tmp_path):
    """Without epoch and revision; the place is the version's line."""
    put(tmp_path, {STATUS: DPKG})
    found = properties(tmp_path)
    assert found["client"] == {
        "version": "27.3.1",
        "source": "dpkg package docker-ce-cli 5:27.3.1-1~ubuntu.22.04~jammy",
    }
    assert found["daemon"]["version"] == "27.3.1"
    assert found["docker"]["found"] is True


@pytest.mark.parametrize(
    ("name", "written", "version"),
    [
        ("docker.io", "24.0.7-0ubuntu2~22.04.1", "24.0.7"),
        ("moby-cli", "20.10.25+azure-ubuntu22.04u1", "20.10.25"),
        ("docker-ce", "18.03.1~ce-0~ubuntu", "18.03.1"),
        ("docker-engine", "17.05.0~ce-0~debian-jessie", "17.05.0"),
        ("docker-cli", "26.1.5+dfsg1-9", "26.1.5"),
    ],
)
def test_forms_of_versions(tmp_path, name, written, version):
    """As Debian, Ubuntu, Microsoft and Docker write them."""
    put(tmp_path, {STATUS: f"Package: {name}\nStatus: install ok installed\nVersion: {written}\n"})
    assert properties(tmp_path)["client"]["version"] == version


def test_an_old_client_fails_at_its_line(tmp_path):
    """The finding stands in the database, where the version is."""
    put(tmp_path, {STATUS: DPKG.replace("5:27.3.1", "17.12.1")})
    (row,) = rows(tmp_path, "ACR801")
    assert row.verdict.value == "fail"
    assert (row.places[0].file, row.places[0].line) == (f"{tmp_path.as_posix()}/{STATUS}", 11)


def test_a_removed_package_is_not_installed(tmp_path):
    """What is left of its configuration says nothing of a version."""
    put(tmp_path, {STATUS: DPKG.replace("install ok installed", "deinstall ok config-files")})
    assert verdict(tmp_path, "ACR801") == "notApplicable"


def test_a_version_that_is_no_number_is_unknown(tmp_path):
    """The package is there all the same."""
    put(tmp_path, {STATUS: "Package: docker.io\nStatus: install ok installed\nVersion: master\n"})
    assert isinstance(properties(tmp_path)["client"]["version"], Unknown)
    assert verdict(tmp_path, "ACR801") == "unknown"


def test_images_without_a_package_manager_keep_a_file_per_package(tmp_path):
    """The form of distroless images."""
    put(tmp_path, {"var/lib/dpkg/status.d/docker": "Package: docker.io\nVersion: 20.10.5+dfsg1-1\n"})
    assert properties(tmp_path)["client"]["version"] == "20.10.5"


@pytest.mark.parametrize("path", ["lib/apk/db/installed", "usr/lib/apk/db/installed"])
def test_packages_of_alpine(tmp_path, path):
    """Client and daemon are packages of their own."""
    put(tmp_path, {path: APK})
    found = properties(tmp_path)
    assert (found["client"]["version"], found["daemon"]["version"]) == ("25.0.5", "25.0.4")
    put(tmp_path, {path: "P:docker-engine\nV:25.0.4-r1\n"})
    found = properties(tmp_path)
    assert "client" not in found
    assert found["daemon"]["version"] == "25.0.4"


@pytest.mark.parametrize("path", ["var/lib/rpm/Packages", "usr/lib/sysimage/rpm/Packages.db"])
def test_old_databases_of_rpm_are_unknown(tmp_path, path):
    """The programs are there, their version is not known, and the reason says what to do."""
    put(tmp_path, {path: b"\x00", "usr/bin/docker": "", "usr/bin/dockerd": ""})
    (row,) = rows(tmp_path, "ACR801")
    assert row.verdict.value == "unknown"
    assert "the database of rpm in" in row.message
    assert "rpm -q" in row.message


def test_programs_without_a_package_are_unknown(tmp_path):
    """Somebody copied them there."""
    put(tmp_path, {"usr/local/bin/docker": ""})
    (row,) = rows(tmp_path, "ACR801")
    assert "no package that was read brought it" in row.message


def test_a_database_that_cannot_be_read_is_said(tmp_path, monkeypatch):
    """The program's version is not known then, and why."""
    put(tmp_path, {STATUS: DPKG, "usr/bin/docker": ""})
    refuse(monkeypatch, "status")
    (row,) = rows(tmp_path, "ACR801")
    assert "/var/lib/dpkg/status cannot be read" in row.message


@pytest.mark.parametrize(
    "content",
    [
        b"\x00" * 10_000,
        b"Package: docker-ce\n" * 10_000,
        b"\n" * 100_000,
        "Package: docker-ce\nVersion: " + "1" * 100_000,
    ],
)
def test_hostile_databases_end(tmp_path, content):
    """They are read without a crash, and what they name is told in bounds."""
    put(tmp_path, {STATUS: content})
    assert all(len(str(value)) < 700 for value in properties(tmp_path).get("client", {}).values())


def test_podmans_docker_is_no_docker(tmp_path):
    """Its version numbers are others: judged by them it would be too old for ever."""
    put(
        tmp_path,
        {
            STATUS: "Package: podman-docker\nStatus: install ok installed\nVersion: 4.9.3\n",
            "usr/bin/docker": "",
        },
    )
    assert verdict(tmp_path, "ACR801") == "notApplicable"
    assert any("podman" in note for note in reading(tmp_path).inventory.diagnostics)
    told = {"Client": {"Version": "4.9.3", "APIVersion": "4.9.3"}}
    found = asked(put(tmp_path / "b", {"usr/bin/docker": ""}), Answer(0, json.dumps(told), ""))
    assert "client" not in found


def test_debians_dock_for_icons_is_no_docker(tmp_path):
    """Its package had the name first."""
    put(tmp_path, {STATUS: "Package: docker\nStatus: install ok installed\nVersion: 1.5-2\n"})
    assert verdict(tmp_path, "ACR801") == "notApplicable"


def test_what_docker_says_counts_before_packages(tmp_path):
    """The running client and daemon know better than a database."""
    put(tmp_path, {STATUS: DPKG})
    found = asked(tmp_path, Answer(0, json.dumps(BOTH), ""))
    assert found["client"] == {"version": "28.2.2", "source": "docker version"}
    assert found["daemon"]["version"] == "26.1.0"
    assert found["daemon"]["answers"] is True


def test_a_daemon_that_does_not_answer_keeps_the_packages_version(tmp_path):
    """That it does not answer is a fact of its own, with the first line of what docker said."""
    put(tmp_path, {STATUS: DPKG})
    told = Answer(1, json.dumps({"Client": BOTH["Client"], "Server": None}), "Cannot connect\nmore")
    found = asked(tmp_path, told)
    assert found["daemon"]["version"] == "27.3.1"
    assert (found["daemon"]["answers"], found["daemon"]["error"]) == (False, "Cannot connect")
    put(tmp_path, {STATUS: "", "usr/bin/dockerd": ""})
    assert isinstance(asked(tmp_path, told)["daemon"]["version"], Unknown)
    (tmp_path / "usr/bin/dockerd").unlink()
    assert "version" not in asked(tmp_path, told)["daemon"]


@pytest.mark.parametrize(
    "answer",
    [
        "`docker version` did not answer within 10 seconds",
        Answer(125, "", "unknown flag"),
        Answer(0, "[]", ""),
        Answer(0, "[" * 100_000, ""),
        Answer(0, '{"Client": 7}', ""),
    ],
)
def test_answers_that_say_nothing_are_unknown(tmp_path, answer):
    """Whether the daemon answers is not known; versions of packages stay."""
    put(tmp_path, {STATUS: DPKG})
    found = asked(tmp_path, answer)
    assert isinstance(found["daemon"]["answers"], Unknown)
    assert found["client"]["version"] == "27.3.1"


@pytest.mark.parametrize("version", [None, 7, "dev", "../../x"])
def test_a_version_that_docker_does_not_know_is_unknown(tmp_path, version):
    """Builds of one's own say `dev`."""
    put(tmp_path, {"x": ""})
    told = {"Client": {"Version": version, "ApiVersion": "1.50"}}
    assert isinstance(asked(tmp_path, Answer(0, json.dumps(told), ""))["client"]["version"], Unknown)


def program(folder: Path, text: str) -> str:
    """A program named docker that a shell runs."""
    put(folder, {"docker": f"#!/bin/sh\n{text}\n"})
    (folder / "docker").chmod((folder / "docker").stat().st_mode | stat.S_IXUSR)
    return str(folder / "docker")


def test_docker_is_asked_about_this_host(tmp_path, monkeypatch):
    """A remote daemon that the environment names is not this host's."""
    monkeypatch.setenv("DOCKER_HOST", "ssh://elsewhere")
    monkeypatch.setenv("DOCKER_CONTEXT", "elsewhere")
    found = ask_docker(program(tmp_path, 'echo "$@ [$DOCKER_HOST] [$DOCKER_CONTEXT]"; echo no >&2; exit 3'))
    assert found == Answer(3, "version --format {{json .}} [] [default]\n", "no\n")


def test_a_docker_that_hangs_is_left(tmp_path):
    """After the limit of time it is said that nothing was answered."""
    begun = time.perf_counter()
    found = ask_docker(program(tmp_path, "exec sleep 30"), seconds=0.3)
    assert found == "`docker version` did not answer within 0.3 seconds"
    assert time.perf_counter() - begun < 10


def test_no_docker_and_one_that_is_no_program(tmp_path):
    """None where it is not there, a reason where it cannot be run."""
    assert ask_docker(str(tmp_path / "none")) is None
    put(tmp_path, {"docker": b"\x7fELF broken"})
    (tmp_path / "docker").chmod(0o755)
    assert "docker could not be run" in str(ask_docker(str(tmp_path / "docker")))


CLI = "Package: azure-cli\nStatus: install ok installed\nVersion: {}-1~jammy\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "notApplicable"),
        ({STATUS: CLI.format("2.64.0")}, "pass"),
        ({STATUS: CLI.format("2.0.66")}, "fail"),
        (
            {
                STATUS: CLI.format("2.0.66"),
                "opt/az/lib/python3.6/site-packages/azure_cli_acr-2.2.9.dist-info/METADATA": "",
            },
            "pass",
        ),
        ({"opt/az/lib/python3.11/site-packages/azure_cli-2.64.0.dist-info/METADATA": ""}, "pass"),
        ({"usr/lib/python3/dist-packages/azure_cli-2.0.50-py3.6.egg-info/PKG-INFO": ""}, "fail"),
        (
            {"usr/lib64/az/lib/python3.9/site-packages/azure_cli_core-2.64.0.dist-info/METADATA": ""},
            "notApplicable",
        ),
        ({"usr/bin/az": ""}, "unknown"),
    ],
)
def test_versions_of_the_azure_cli(tmp_path, files, expected):
    """From the package, or from its Python files; a program alone does not tell."""
    assert verdict(put(tmp_path, {"etc/hostname": "a", **files}), "ACR813") == expected
