"""Image references taken apart, with what is not known in them."""

import pytest

from scanner.inventory.workload.images import Filled, is_acr, shown, split_reference, value_of
from scanner.inventory.workload.source import HOLE
from scanner.model.values import Partial, Unknown

H = HOLE


def parts(text, *names):
    return split_reference(Filled(text, names or ("$X",)))


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest", "acr"),
    [
        ("node", "docker.io", "node", None, None, False),
        ("node:22", "docker.io", "node", "22", None, False),
        ("team/app:1", "docker.io", "team/app", "1", None, False),
        ("localhost/app", "localhost", "app", None, None, False),
        ("localhost:5000/app:1", "localhost:5000", "app", "1", None, False),
        ("contoso.azurecr.io/team/app:1.2", "contoso.azurecr.io", "team/app", "1.2", None, True),
        ("Contoso.azurecr.io/App", "Contoso.azurecr.io", "App", None, None, True),
        ("contoso.azurecr.cn/a@sha256:00", "contoso.azurecr.cn", "a", None, "sha256:00", True),
        ("contoso.azurecr.us:443/a:1@sha256:00", "contoso.azurecr.us:443", "a", "1", "sha256:00", True),
        ("Team/app", "Team", "app", None, None, False),
        ("azurecr.io.example/app", "azurecr.io.example", "app", None, None, False),
        ("contoso.westeurope.data.azurecr.io/a", "contoso.westeurope.data.azurecr.io", "a", None, None, True),
    ],
)
def test_known_references(text, registry, repository, tag, digest, acr):
    """Server, repository, tag and digest as Docker takes them apart."""
    found = parts(text)
    assert (found["registry"], found["repository"], found.get("tag"), found.get("digest"), found["acr"]) == (
        registry,
        repository,
        tag,
        digest,
        acr,
    )


def test_a_tag_that_is_a_variable_is_unknown_and_the_rest_known():
    """What a variable holds may bring a digest too."""
    found = parts(f"contoso.azurecr.io/app:{H}", "$TAG")
    assert found["registry"] == "contoso.azurecr.io"
    assert found["repository"] == "app"
    assert isinstance(found["tag"], Unknown)
    assert "$TAG is not known here" in found["tag"].reason
    assert isinstance(found["digest"], Unknown)


def test_a_tag_with_a_known_start_is_partly_known():
    """`v${N}` is no `latest`."""
    found = parts(f"app:v{H}")
    assert found["tag"] == Partial(("v", None), "$X is not known here")


def test_a_server_with_a_variable_in_its_name_is_a_registry_in_azure():
    """The end of the name says so."""
    found = parts(f"{H}.azurecr.io/App")
    assert found["acr"] is True
    assert found["registry"] == Partial((None, ".azurecr.io"), "$X is not known here")
    assert found["repository"] == "App"


def test_a_variable_in_place_of_the_server_may_be_anything():
    """It can be a server, a server with a path, or a part of the repository's name."""
    found = parts(f"{H}/App:1")
    assert isinstance(found["registry"], Unknown)
    assert isinstance(found["acr"], Unknown)
    assert found["repository"] == Partial((None, "App"), "$X is not known here")
    assert found["tag"] == "1"


def test_a_reference_that_is_a_variable_is_unknown_in_every_part():
    """Nothing is guessed."""
    found = parts(H)
    assert all(isinstance(found[key], Unknown) for key in ("registry", "repository", "tag", "digest", "acr"))


def test_a_last_name_that_is_a_variable_may_bring_a_tag():
    """`contoso.azurecr.io/$IMAGE` is not a reference without a tag."""
    found = parts(f"contoso.azurecr.io/{H}")
    assert isinstance(found["tag"], Unknown)
    assert isinstance(found["digest"], Unknown)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("a.azurecr.io", True),
        ("a.AZURECR.IO", True),
        ("ghcr.io", False),
        (f"{H}.azurecr.us", True),
        (f"{H}.ghcr.io", False),
    ],
)
def test_servers_of_azure(host, expected):
    """All clouds, any casing."""
    assert is_acr(host, "r") is expected


@pytest.mark.parametrize("host", [H, f"contoso{H}", f"{H}.io"])
def test_servers_that_may_be_in_azure(host):
    """Unknown where a value could make it one."""
    assert isinstance(is_acr(host, "r"), Unknown)


def test_values_and_words():
    """A text with holes for the body and for people."""
    assert value_of("a", "r") == "a"
    assert value_of(H, "r") == Unknown("r", "parameter")
    assert value_of(f"a{H}{H}b", "r") == Partial(("a", None, "b"), "r")
    assert shown(f"a{H}b{H}", ("$X",)) == "a$Xb…"
    assert Filled(H, ("$A", "$B", "$A")).reason == "$A and $B are not known here"
