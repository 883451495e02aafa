"""Logins in every place where people write them, and the passwords that stand there in clear."""

import pytest

from tests.inventory.workload.trees import read, row_position, rows


def told(tmp_path, name, text):
    """(servers of logins, kinds of written passwords); what a password says is nowhere."""
    reading = read(tmp_path, {name: text})
    everything = [(one.id, one.name, one.body) for part in reading.inventory.parts.values() for one in part]
    assert "S3cret" not in str(everything)
    return (
        [row["server"] for row in rows(reading, "logins")],
        [row["kind"] for row in rows(reading, "literalCredentials")],
    )


def steps(text):
    """A workflow with these steps."""
    return f"on: push\njobs:\n  j:\n    runs-on: x\n    steps:\n{text}"


WORKFLOW = ".github/workflows/a.yml"


@pytest.mark.parametrize("scheme", ["", "https://", "http://"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.sh", "docker login {}a.azurecr.io -u a -p S3cret\n"),
        (
            WORKFLOW,
            steps(
                "    - uses: docker/login-action@v3\n      with: {{registry: '{}a.azurecr.io', username: a, password: S3cret}}\n"
            ),
        ),
        (
            WORKFLOW,
            steps(
                "    - uses: azure/docker-login@v2\n      with: {{login-server: '{}a.azurecr.io', username: a, password: S3cret}}\n"
            ),
        ),
        (
            "a.sh",
            "az containerapp create --registry-server {}a.azurecr.io --registry-username a --registry-password S3cret\n",
        ),
    ],
)
def test_a_server_with_a_scheme(tmp_path, name, text, scheme):
    """`https://` in front of the registry changes nothing."""
    logins, literals = told(tmp_path, name, text.format(scheme))
    assert logins == ["a.azurecr.io"]
    assert len(literals) == 1


def test_the_user_with_the_name_of_a_registry_that_has_a_scheme_is_its_admin(tmp_path):
    """The name is compared with the host."""
    found = rows(read(tmp_path, {"a.sh": "docker login https://a.azurecr.io -u a -p $P\n"}), "logins")
    assert [row["how"] for row in found] == ["the registry's admin user"]


@pytest.mark.parametrize(
    ("env", "value", "number"),
    [
        ("", "S3cret", 1),
        ("env: {PW: S3cret}\n", "${{ env.PW }}", 1),
        ("", "${{ secrets.PW }}", 0),
        ("", "changeme", 0),
    ],
)
@pytest.mark.parametrize("beside", [False, True])
def test_credentials_of_containers(tmp_path, env, value, number, beside):
    """The job's container and those beside it, with variables of `env` filled in."""
    own = f"{{image: 'a.azurecr.io/x:1', credentials: {{username: a, password: '{value}'}}}}"
    holder = f"services: {{s: {own}}}" if beside else f"container: {own}"
    text = f"on: push\n{env}jobs:\n  j:\n    runs-on: x\n    {holder}\n    steps: [{{run: 'true'}}]\n"
    logins, literals = told(tmp_path, WORKFLOW, text)
    assert logins == ["a.azurecr.io"]
    assert literals == ["password of a container"] * number


def test_credentials_of_a_container_from_elsewhere_are_none_of_ours(tmp_path):
    """Another registry's password is not told."""
    text = "on: push\njobs:\n  j:\n    runs-on: x\n    container: {image: 'ghcr.io/a/x:1', credentials: {username: a, password: S3cret}}\n    steps: []\n"
    assert told(tmp_path, WORKFLOW, text) == ([], [])


def test_a_password_of_an_action_that_is_a_variable_of_the_file(tmp_path):
    """An expression whose value is written in `env` is a written password."""
    text = "env: {PW: S3cret}\n" + steps(
        "    - uses: docker/login-action@v3\n      with: {registry: a.azurecr.io, username: a, password: '${{ env.PW }}'}\n"
    )
    assert told(tmp_path, WORKFLOW, text)[1] == ["password of docker/login-action"]
    assert row_position(read(tmp_path, {WORKFLOW: text}), "literalCredentials")[0] == WORKFLOW
