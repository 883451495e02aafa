"""What scripts do: images, logins, pull secrets, calls, containers."""

import pytest

from scanner.model.values import Unknown
from tests.inventory.workload.trees import images, plain, read, references, row_position, rows


def script(tmp_path, text, name="run.sh"):
    return read(tmp_path, {name: text})


def uses(reading):
    return {(one["use"], plain(one["reference"])) for one in images(reading).values()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docker pull a.azurecr.io/x:1", {("pull", "a.azurecr.io/x:1")}),
        ("docker image pull -q a.azurecr.io/x:1", {("pull", "a.azurecr.io/x:1")}),
        ("docker -H tcp://x pull --platform linux/arm64 a/x", {("pull", "a/x")}),
        ("sudo -E docker push a.azurecr.io/x", {("push", "a.azurecr.io/x")}),
        ("A=b /usr/bin/docker push a.azurecr.io/x", {("push", "a.azurecr.io/x")}),
        ("podman push a.azurecr.io/x", {("push", "a.azurecr.io/x")}),
        ("docker build -t a:1 --tag=b:2 --build-arg X=y -f D .", {("build", "a:1"), ("build", "b:2")}),
        ("docker buildx build --push -ta:1 .", {("push", "a:1")}),
        ("docker tag x a.azurecr.io/x:1", {("build", "a.azurecr.io/x:1")}),
        ("docker run -it --rm -v /a:/b --name n -e A=b a/x:1 --privileged", {("run", "a/x:1")}),
        ("docker run -d a/x", {("run", "a/x")}),
        ("docker container create -p 80:80 a/x cmd", {("run", "a/x")}),
        ("az acr build -r contoso -t app:1 --image b:2 .", {("push", "app:1"), ("push", "b:2")}),
        ("az acr import -n contoso --source mcr.microsoft.com/a:1", {("pull", "mcr.microsoft.com/a:1")}),
        ("az acr build -r a -t a.azurecr.io/app:1 .", {("push", "a.azurecr.io/app:1")}),
        ("az container create -n x --image a.azurecr.io/x:1", {("run", "a.azurecr.io/x:1")}),
        (
            "az webapp config container set --docker-custom-image-name a.azurecr.io/x:1",
            {("run", "a.azurecr.io/x:1")},
        ),
        ("az vm create --image Ubuntu2204", set()),
        ("kubectl run x --image=a/x:1", {("run", "a/x:1")}),
        ("kubectl -n y set image deploy/x c=a/x:2", {("run", "a/x:2")}),
        ("if docker pull a/x; then b; fi", {("pull", "a/x")}),
        ("X=$(docker pull a/x)", {("pull", "a/x")}),
        ("echo docker pull a/x", set()),
        ("docker ps; docker buildx ls; docker; docker login", set()),
        ("docker push", set()),
        (
            "az\nkubectl\nhelm\noras login\nsudo\nretry\ntimeout\naz acr\naz login\nkubectl create secret docker-registry",
            set(),
        ),
    ],
)
def test_images_of_scripts(tmp_path, text, expected):
    """What is pulled, pushed, built, tagged and run."""
    assert uses(script(tmp_path, text)) == expected


def test_an_image_that_azure_builds_has_no_written_server(tmp_path):
    """`az acr build -t app` names what lies in the registry."""
    found = images(script(tmp_path, "az acr build --registry Contoso --image App:1 ."))["az acr build App:1"]
    assert found["acr"] is True
    assert "registry" not in found
    assert found["repository"] == "App"


def test_powershell_and_makefiles_are_read(tmp_path):
    """By their names."""
    reading = read(
        tmp_path,
        {
            "a.ps1": '$r = "a.azurecr.io"\ndocker push "$r/x:$env:TAG"\n',
            "Makefile": "push:\n\t@docker push a.azurecr.io/y:1\n",
            "b.psm1": "Connect-AzContainerRegistry -Name a\n",
        },
    )
    assert set(references(reading)) == {"docker push a.azurecr.io/x:$TAG", "docker push a.azurecr.io/y:1"}


@pytest.mark.parametrize(
    ("text", "server", "how", "long_lived"),
    [
        ("docker login a.azurecr.io -u a -p $P", "a.azurecr.io", "the registry's admin user", True),
        ("docker login a.azurecr.io -u x -p $P", "a.azurecr.io", "a stored password", True),
        (
            "docker login -u a --password-stdin a-h4sh.azurecr.io",
            "a-h4sh.azurecr.io",
            "the registry's admin user",
            True,
        ),
        (
            "docker login a.azurecr.io -u 00000000-0000-0000-0000-000000000000 -p $T",
            "a.azurecr.io",
            "a short-lived access token",
            False,
        ),
        (
            "T=$(az acr login -n a --expose-token)\ndocker login a.azurecr.io -u x -p $T",
            "a.azurecr.io",
            "a short-lived access token",
            False,
        ),
        (
            "echo $P | helm registry login a.azurecr.io -u $U --password-stdin",
            "a.azurecr.io",
            "a stored password",
            True,
        ),
        ("oras login a.azurecr.io -u x -p $P", "a.azurecr.io", "a stored password", True),
        ("crane auth login a.azurecr.io -u x -p $P", "a.azurecr.io", "a stored password", True),
        ("az acr login -n a", "a", "the session of az", False),
        ("az acr login --name a -u b -p $P", "a", "a stored password", True),
        ("az acr login --name a -u a -p $P", "a", "the registry's admin user", True),
        (
            "az login --service-principal -u x -p $P -t y; az acr login -n a",
            "Azure",
            "a client secret or certificate of a service principal",
            True,
        ),
        (
            "az login --service-principal -u x --federated-token $T; az acr login -n a",
            "Azure",
            "federation",
            False,
        ),
        ("az login --identity; az acr login -n a", "Azure", "a managed identity", False),
        ("az acr credential show --name a", "a", "the admin password (az acr credential show)", True),
        (
            "az acr credential renew -n a --password-name password",
            "a",
            "the admin password (az acr credential renew)",
            True,
        ),
        (
            "az acr update -n a --admin-enabled true",
            "a",
            "the admin password (az acr update --admin-enabled true)",
            True,
        ),
        (
            "az acr create -n a --admin-enabled",
            "a",
            "the admin password (az acr create --admin-enabled true)",
            True,
        ),
        (
            "az containerapp create -n x --registry-server a.azurecr.io --registry-username a --registry-password $P",
            "a.azurecr.io",
            "the registry's admin user",
            True,
        ),
        (
            "az rest --method post --url https://x/registries/a/listCredentials?api-version=1",
            "a registry",
            "the admin password (listCredentials)",
            True,
        ),
    ],
)
def test_logins_of_scripts(tmp_path, text, server, how, long_lived):
    """Who proves what with which secret."""
    found = {(row["server"], row["how"], row["longLived"]) for row in rows(script(tmp_path, text), "logins")}
    assert (server, how, long_lived) in found
    assert all(row["acr"] is True for row in rows(script(tmp_path / "again", text), "logins"))


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("$user = az acr credential show --name a --query username -o tsv", "az acr credential show"),
        ("Get-AzContainerRegistryCredential -Name a", "Get-AzContainerRegistryCredential"),
        ("Invoke-AzResourceAction -Action listCredentials -ResourceName a -Force", "listCredentials"),
        (
            "Update-AzContainerRegistryCredential -Name a -PasswordName Password",
            "Update-AzContainerRegistryCredential",
        ),
        ("New-AzContainerRegistry -Name a -EnableAdminUser", "New-AzContainerRegistry -EnableAdminUser"),
    ],
)
def test_the_admin_password_read_by_powershell(tmp_path, text, call):
    """With the module and with the bare action."""
    assert [row["how"] for row in rows(script(tmp_path, text, "a.ps1"), "logins")] == [
        f"the admin password ({call})"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "docker login -u x -p y",
        "docker login ghcr.io -u x -p $P",
        "az login --service-principal -u x -p $P -t y",
        "az acr update -n a --admin-enabled false",
        "az acr show -n a",
        "az containerapp create --registry-server ghcr.io --registry-password $P",
    ],
)
def test_logins_that_are_none_of_ours(tmp_path, text):
    """Other registries, and Azure where the file has to do with none."""
    assert rows(script(tmp_path, text), "logins") == []


def test_a_server_that_is_a_variable_leaves_it_open(tmp_path):
    """It may be a registry in Azure."""
    row = rows(script(tmp_path, "docker login $REG -u x -p $P"), "logins")[0]
    assert isinstance(row["acr"], Unknown)
    assert row["server"] == "$REG"


def test_a_login_with_the_admin_password_that_is_read_is_one_row(tmp_path):
    """Reading it is the cause; the login that follows is not told again."""
    text = 'P=$(az acr credential show -n a --query "passwords[0].value" -o tsv)\ndocker login a.azurecr.io -u a -p "$P"\n'
    found = rows(script(tmp_path, text), "logins")
    assert [row["how"] for row in found] == ["the admin password (az acr credential show)"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("docker login a.azurecr.io -u a -p S3cret!", 1),
        ("az login --service-principal -u x -p S3cret! -t y; az acr login -n a", 1),
        ("az acr login -n a -u a -p S3cret!", 1),
        (
            "kubectl create secret docker-registry x --docker-server=a.azurecr.io --docker-username=a --docker-password=S3cret!",
            1,
        ),
        (
            "az webapp config container set --docker-registry-server-url https://a.azurecr.io --docker-registry-server-password S3cret!",
            1,
        ),
        ("docker login a.azurecr.io -u a -p $P", 0),
        ("docker login a.azurecr.io -u a -p <password>", 0),
        ("docker login a.azurecr.io -u a -p changeme", 0),
        ("docker login ghcr.io -u a -p S3cret!", 0),
        ("az login --service-principal -u x -p cert.pem -t y; az acr login -n a", 0),
    ],
)
def test_passwords_that_are_written_down(tmp_path, text, number):
    """Told with their place, never with what they say."""
    reading = script(tmp_path, text)
    found = rows(reading, "literalCredentials")
    assert len(found) == number
    assert "S3cret" not in str([one.body for part in reading.inventory.parts.values() for one in part])


@pytest.mark.parametrize(
    ("text", "admin"),
    [
        ("--docker-username=a --docker-password=$P", True),
        ("--docker-username=x --docker-password=$(az acr credential show -n a -o tsv)", True),
        ("--docker-username=11111111-2222-3333-4444-555555555555 --docker-password=$P", False),
        ("--docker-username=other --docker-password=$P", False),
        ("--docker-username=$U --docker-password=$P", None),
        ("--docker-password=$P", None),
    ],
)
def test_pull_secrets_made_by_scripts(tmp_path, text, admin):
    """The admin user has the registry's name, or its password is read on the spot."""
    row = rows(
        script(tmp_path, f"kubectl create secret docker-registry pull --docker-server=a.azurecr.io {text}"),
        "pullSecrets",
    )[0]
    assert row["name"] == "pull"
    assert isinstance(row["admin"], Unknown) if admin is None else row["admin"] is admin


def test_a_server_that_azure_was_asked_for_is_a_registry_there(tmp_path):
    """`az acr show` gives its name."""
    text = "S=$(az acr show -n a --query loginServer -o tsv)\ndocker login $S -u x -p $P\nkubectl create secret docker-registry s --docker-server=$S --docker-username=x\n"
    reading = script(tmp_path, text)
    assert [row["acr"] for group in ("logins", "pullSecrets") for row in rows(reading, group)] == [True, True]


def test_a_pull_secret_for_another_registry_is_none_of_ours(tmp_path):
    """Nothing is told of it."""
    reading = script(
        tmp_path, "kubectl create secret docker-registry pull --docker-server=ghcr.io --docker-username=x"
    )
    assert rows(reading, "pullSecrets") == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--privileged --pid=host", {"privileged": True, "hostNamespace": True}),
        ("--privileged=false --net host", {"privileged": False, "hostNamespace": True}),
        ("--security-opt seccomp=unconfined", {"seccompUnconfined": True}),
        ("--security-opt=seccomp:unconfined", {"seccompUnconfined": True}),
        ("-v /:/host", {"rootMounted": True}),
        ("--mount type=bind,source=/,target=/host", {"rootMounted": True}),
        ("-v C:\\:C:\\host", {"rootMounted": True}),
        (
            "-v /data:/data --security-opt no-new-privileges",
            {"rootMounted": False, "seccompUnconfined": False},
        ),
    ],
)
def test_containers_that_reach_their_host(tmp_path, options, expected):
    """The FAQ's way to the daemon's log, in parts."""
    row = rows(script(tmp_path, f"docker run {options.replace(chr(92), chr(92) * 2)} a/x"), "hostAccess")[0]
    assert {key: row[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("mount", "socket"),
    [
        ("-v /var/run/docker.sock:/var/run/docker.sock", True),
        ("-v //var/run/docker.sock:/x", True),
        ("--volume=/run/podman/podman.sock:/x:ro", True),
        ("--mount type=bind,src=/run/containerd/containerd.sock,dst=/x", True),
        ("-v /var/run:/var/run", True),
        ("-v $SOCK:/x", None),
        ("-v /var/run/$X:/x", None),
        ("-v $PWD/data:/x", False),
        ("-v /srv/$X:/x", False),
        ("-v name:/var/run/docker.sock", False),
        ("-v /data", False),
    ],
)
def test_sockets_that_scripts_mount(tmp_path, mount, socket):
    """What is mounted counts, not where; a variable leaves it open unless the rest says otherwise."""
    found = rows(script(tmp_path, f"docker run {mount} a/x"), "socketMounts")
    if socket is False:
        assert found == []
    else:
        assert isinstance(found[0]["socket"], Unknown) if socket is None else found[0]["socket"] is True


@pytest.mark.parametrize(
    ("text", "retried"),
    [
        ("docker push a.azurecr.io/x", False),
        ("retry 3 docker push a.azurecr.io/x", True),
        ("until docker pull a.azurecr.io/x; do sleep 1; done", True),
    ],
)
def test_calls_that_are_tried_again(tmp_path, text, retried):
    """A loop or a wrapper."""
    assert [row["retried"] for row in rows(script(tmp_path, text), "registryCalls")] == [retried]


def test_rows_and_images_have_their_place(tmp_path):
    """File, line and column of the words."""
    text = "#!/bin/sh\n\ndocker run -v /var/run/docker.sock:/x a.azurecr.io/x\naz acr credential show -n a\n"
    reading = script(tmp_path, text)
    assert row_position(reading, "socketMounts") == ("run.sh", 3, 15)
    assert row_position(reading, "logins") == ("run.sh", 4, 1)


def test_the_same_call_twice_is_two(tmp_path):
    """Told apart by a number, in any casing."""
    found = images(script(tmp_path, "docker push a/x\ndocker push a/x\ndocker push A/x\n"))
    assert sorted(found) == ["docker push A/x (3)", "docker push a/x", "docker push a/x (2)"]
