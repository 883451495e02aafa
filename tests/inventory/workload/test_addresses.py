"""Addresses of registries in every spelling."""

import pytest

from scanner.inventory.workload.addresses import bare, holds_password, host_of, without_user
from scanner.inventory.workload.images import Filled, addressed, shown
from scanner.inventory.workload.source import HOLE
from tests.inventory.workload.trees import read, references, rows


@pytest.mark.parametrize(
    "text",
    [
        "a.azurecr.io",
        "https://a.azurecr.io",
        "http://a.azurecr.io:443/v2/",
        "u:p@a.azurecr.io/x:1",
        "https://u:p@ss@a.azurecr.io/x",
        "https://u:pa/ss@a.azurecr.io",
    ],
)
def test_the_host_of_an_address(text):
    """Without scheme, user, port and path."""
    assert host_of(text) == "a.azurecr.io"


@pytest.mark.parametrize(
    "text",
    [
        "a@sha256:00ff",
        "a.azurecr.io/x/y:1@sha256:00ff",
        f"a.azurecr.io/x@{HOLE}",
        "/data/@scope/x",
        "a/x:1",
        "me@example.com",
        "",
    ],
)
def test_a_digest_is_no_user(text):
    """An @ behind the name stays, and so does a mail address."""
    assert without_user(text) == bare(text) == text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("u:S3cret@a.azurecr.io/x", True),
        ("u@a.azurecr.io/x", False),
        (f"u:{HOLE}@a.azurecr.io/x", False),
        ("u:changeme@a.azurecr.io/x", False),
        ("a.azurecr.io:443/x", False),
    ],
)
def test_a_password_in_an_address(text, found):
    """Only one that is known and no placeholder."""
    assert holds_password(text) is found


def test_names_of_holes_go_with_what_is_left_out():
    """What remains keeps its own names, in reports as well."""
    address = Filled(f"https://u:{HOLE}@{HOLE}.azurecr.io/x", ("$P", "$R"))
    assert addressed(address) == Filled(f"{HOLE}.azurecr.io/x", ("$R",))
    assert shown(address.text, address.names) == "https://$R.azurecr.io/x"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run.sh", "docker push https://u:S3cret@a.azurecr.io/x:1\n"),
        (
            "run.sh",
            "docker login https://u:S3cret@a.azurecr.io -u u --password-stdin\ndocker push a.azurecr.io/x:1\n",
        ),
        (
            "pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: 'u:S3cret@a.azurecr.io/x:1'}]}\n",
        ),
        ("Dockerfile", "FROM u:S3cret@a.azurecr.io/x:1\n"),
    ],
)
def test_a_password_in_an_address_is_told_and_never_shown(tmp_path, name, text):
    """It is a written password; the reference is kept without it."""
    reading = read(tmp_path, {name: text})
    assert list(references(reading).values()) == ["a.azurecr.io/x:1"]
    assert len(rows(reading, "literalCredentials")) == 1
    everything = [(one.id, one.name, one.body) for part in reading.inventory.parts.values() for one in part]
    assert "S3cret" not in str(everything)
