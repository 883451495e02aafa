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


@pytest.mark.parametrize(
    "options",
    ["--config ./c", "--config=./c", "-H tcp://h:2375", "-D", "--tls --context c", "--log-level debug"],
)
def test_options_of_docker_before_login(tmp_path, options):
    """What comes before the verb is no verb."""
    logins, literals = told(tmp_path, "a.sh", f"docker {options} login a.azurecr.io -u a -p S3cret\n")
    assert logins == ["a.azurecr.io"]
    assert literals == ["password of docker login"]


STDIN = "docker login a.azurecr.io -u a --password-stdin"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (f"echo S3cret | {STDIN}", 1),
        (f"echo -n 'S3cret' | sudo {STDIN}", 1),
        (f"printf '%s' S3cret | {STDIN}", 1),
        (f"printf S3cret | {STDIN}", 1),
        (f"echo S3cret | tr -d x | base64 -d | {STDIN}", 1),
        (f'{STDIN} <<< "S3cret"', 1),
        (f"{STDIN} <<EOF\nS3cret\nEOF", 1),
        (f"cat <<EOF | {STDIN}\nS3cret\nEOF", 1),
        (f'PW=S3cret\necho "$PW" | {STDIN}', 1),
        ('PW=S3cret\ndocker login a.azurecr.io -u a -p "$PW"', 1),
        ("echo S3cret | helm registry login a.azurecr.io -u a --password-stdin", 1),
        (f'echo "$PW" | {STDIN}', 0),
        (f"echo changeme | {STDIN}", 0),
        (f"echo S3cret; {STDIN}", 0),
        (f"echo S3cret | cat\n{STDIN}", 0),
        (f"cat pw.txt | {STDIN}", 0),
        (f"get-password S3cret | {STDIN}", 0),
        (f"'./get-password' | {STDIN}", 0),
        (f"pass | {STDIN}", 0),
        (f"{STDIN} < S3cret", 0),
        (f"{STDIN} <<EOF\n$PW\nEOF", 0),
        ("echo S3cret | docker login ghcr.io -u a --password-stdin", 0),
        ("echo S3cret | docker login a.azurecr.io -u a -p $P", 0),
    ],
)
def test_passwords_that_are_handed_over(tmp_path, text, number):
    """Printed by the command before, or a text in the script itself; what is not known is no written password."""
    assert told(tmp_path, "a.sh", text + "\n")[1] == ["password of docker login"] * number


@pytest.mark.parametrize(
    ("text", "number"), [("'S3cret'", 1), ("$pw = 'S3cret'\n$pw", 1), ("Get-Password", 0), ("$env:PW", 0)]
)
def test_passwords_that_powershell_hands_over(tmp_path, text, number):
    """A bare text is printed; a bare word is a command."""
    assert told(tmp_path, "a.ps1", f"{text} | {STDIN}\n")[1] == ["password of docker login"] * number


def test_the_place_of_a_password_that_is_handed_over(tmp_path):
    """The word itself, or the text behind the line."""
    reading = read(tmp_path, {"a.sh": f"echo -n S3cret | {STDIN}\n{STDIN} <<EOF\nS3cret\nEOF\n"})
    assert row_position(reading, "literalCredentials") == ("a.sh", 1, 9)
    assert row_position(reading, "literalCredentials", 1) == ("a.sh", 3, 1)


LOGIN = "docker login a.azurecr.io -u a -p S3cret"


@pytest.mark.parametrize(
    "text",
    [
        f'bash -c "{LOGIN}"',
        f"sh -c '{LOGIN}'",
        f"/bin/sh -ec '{LOGIN}'",
        f'eval "{LOGIN}"',
        f"eval {LOGIN}",
        f"retry 3 bash -c '{LOGIN}'",
        f"sudo bash -lc 'set -e; {LOGIN}'",
        f"bash -c \"sh -c '{LOGIN}'\"",
        f"pwsh -Command '{LOGIN}'",
        f"P=S3cret\nsh -c '{LOGIN.replace('S3cret', '$P')}'",
    ],
)
def test_scripts_that_shells_are_given(tmp_path, text):
    """What stands in quotes is read as a script."""
    assert told(tmp_path, "a.sh", text + "\n") == (["a.azurecr.io"], ["password of docker login"])


def test_shells_in_shells_end_somewhere(tmp_path):
    """Four levels are read; deeper ones are not."""
    found = [told(tmp_path / str(depth), "a.sh", _nested(depth)) for depth in (4, 5)]
    assert [len(literals) for _, literals in found] == [1, 0]


def _nested(depth):
    text = LOGIN
    for _ in range(depth):
        text = "sh -c " + "\\ ".join(text.replace("\\", "\\\\").split(" "))
    return text + "\n"


@pytest.mark.parametrize(
    "text", [f"echo '{LOGIN}'", f"bash '{LOGIN}'", "bash -c", "sh -c 'docker login $R -p $P' ", "eval"]
)
def test_what_no_shell_runs_tells_no_password(tmp_path, text):
    """Words that are only printed, and shells without a script."""
    assert told(tmp_path, "a.sh", text + "\n")[1] == []


def test_the_place_of_a_script_in_quotes(tmp_path):
    """The word in it where it stands as it is, else the start of the whole."""
    reading = read(tmp_path, {"a.sh": f"true\nsh -c '{LOGIN}'\nsh -c 'true\n{LOGIN}'\n"})
    assert row_position(reading, "literalCredentials") == ("a.sh", 2, 8 + LOGIN.index("S3cret"))
    assert row_position(reading, "literalCredentials", 1) == ("a.sh", 3, 7)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.ps1", "Get-AzContainerRegistryCredential -Name contoso -ResourceGroupName r"),
        ("a.ps1", "Get-AzContainerRegistryCredential -ResourceGroupName r -name:contoso"),
        ("a.ps1", "Get-AzContainerRegistryCredential -RegistryName contoso"),
        ("a.sh", "az acr credential show -g r -n contoso"),
        ("a.sh", "az acr credential show --name=contoso"),
    ],
)
def test_the_registry_that_a_call_names(tmp_path, name, text):
    """PowerShell's long names behind one dash are names."""
    assert told(tmp_path, name, text + "\n")[0] == ["contoso"]


def pod(container):
    """A pod with one container."""
    return f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n  - {container}\n"


@pytest.mark.parametrize(
    ("container", "number"),
    [
        (f"{{name: c, command: [sh, -c, '{LOGIN}']}}", 1),
        (f"{{name: c, command: [/bin/bash], args: [-ec, '{LOGIN}']}}", 1),
        (f"{{name: c, args: [{', '.join(LOGIN.split())}]}}", 1),
        (f"{{name: c, command: [sh, -c, 'echo S3cret | {STDIN}']}}", 1),
        (
            "{name: c, env: [{name: X, value: S3cret}], command: [sh, -c, 'docker login a.azurecr.io -u a -p $X']}",
            1,
        ),
        (
            "{name: c, env: [{name: X, value: S3cret}], command: [sh, -c, 'docker login a.azurecr.io -u a -p $(X)']}",
            1,
        ),
        (
            "{name: c, env: [{name: X, value: S3cret}], command: [docker, login, a.azurecr.io, -u, a, -p, $(X)]}",
            1,
        ),
        ("{name: c, command: [docker, login, a.azurecr.io, -u, a, -p, $(X)]}", 0),
        ("{name: c, command: [docker, login, a.azurecr.io, -u, a, -p, '{{ .Values.x }}']}", 0),
        ("{name: c, command: [sh, -c, 'docker login a.azurecr.io -u a -p $(X)']}", 0),
        ("{name: c, command: [sh, -c, 'docker login ghcr.io -u a -p S3cret']}", 0),
        (f"{{name: c, command: [echo, '{LOGIN}']}}", 0),
        ("{name: c, image: a.azurecr.io/x, env: [{name: ACR_PASSWORD, value: S3cret}]}", 1),
        ("{name: c, image: a.azurecr.io/x, env: [{name: REGISTRY_PASSWORD, value: $(X)}]}", 0),
        ("{name: c, image: a.azurecr.io/x, env: [{name: DB_PASSWORD, value: S3cret}]}", 0),
        ("{name: c, image: a.azurecr.io/x, env: [{name: DOCKER_HUB_PASSWORD, value: S3cret}]}", 0),
        ("{name: c, image: ghcr.io/x, env: [{name: REGISTRY_PASSWORD, value: S3cret}]}", 0),
        ("{name: c, image: a.azurecr.io/x, env: [{name: ACR_PASSWORD, valueFrom: {}}]}", 0),
    ],
)
def test_passwords_in_pods(tmp_path, container, number):
    """In the command of a container and in variables that are a registry's by their name."""
    assert len(told(tmp_path, "pod.yaml", pod(container))[1]) == number


def test_the_place_of_a_password_in_a_pod(tmp_path):
    """The word in the script of the command."""
    text = pod(f"{{name: c, command: [sh, -c, '{LOGIN}']}}")
    line = text.split("\n")[5]
    found = row_position(read(tmp_path, {"pod.yaml": text}), "literalCredentials")
    assert found == ("pod.yaml", 6, line.index("S3cret") + 1)


@pytest.mark.parametrize(
    ("command", "number"),
    [
        (LOGIN, 1),
        (f"bash -c '{LOGIN}'", 1),
        ("docker login {{.Run.Registry}} -u a -p S3cret", 1),
        ("docker login a.azurecr.io -u a -p {{.Values.p}}", 0),
        ("docker login ghcr.io -u a -p S3cret", 0),
    ],
)
def test_logins_of_task_steps(tmp_path, command, number):
    """A step that runs docker or a shell logs in as a script does."""
    text = f"version: v1.1.0\nsteps:\n- cmd: {command}\n"
    logins, literals = told(tmp_path, "acr-task.yaml", text)
    assert literals == ["password of docker login"] * number
    assert len(logins) == (0 if "ghcr" in command else 1)


@pytest.mark.parametrize(
    "step",
    [
        "redhat-actions/podman-login@v1\n      with: {registry: a.azurecr.io, username: a, password: VALUE}",
        "azure/aci-deploy@v1\n      with: {image: 'a.azurecr.io/x:1', registry-login-server: a.azurecr.io, registry-username: a, registry-password: VALUE}",
        "azure/k8s-create-secret@v4\n      with: {container-registry-url: a.azurecr.io, container-registry-username: a, container-registry-password: VALUE}",
    ],
)
@pytest.mark.parametrize(("value", "number"), [("S3cret", 1), ("'${{ secrets.P }}'", 0)])
def test_passwords_of_further_actions(tmp_path, step, value, number):
    """Actions that log in for podman, container instances and pull secrets."""
    text = steps(f"    - uses: {step.replace('VALUE', value)}\n")
    assert len(told(tmp_path, WORKFLOW, text)[1]) == number


def test_a_script_for_another_machine(tmp_path):
    """What `ssh` is told to run there."""
    assert told(tmp_path, "a.sh", f'ssh host "{LOGIN}"\n') == (["a.azurecr.io"], ["password of docker login"])


@pytest.mark.parametrize(("value", "number"), [("S3cret", 1), ("other", 0)])
def test_a_variable_that_is_set_around_and_in_a_script(tmp_path, value, number):
    """The same value twice is known; two values are not."""
    text = f"env: {{PW: {value}}}\n" + steps(
        "    - run: |\n        PW='S3cret'\n        docker login a.azurecr.io -u a -p \"$PW\"\n"
    )
    assert len(told(tmp_path, WORKFLOW, text)[1]) == number


@pytest.mark.parametrize(
    ("image", "value", "number"),
    [
        ("a.azurecr.io/x:1", "S3cret", 1),
        ("u@a.azurecr.io/x:1", "S3cret", 1),
        ("a.azurecr.io/x:1", "$P", 0),
        ("ghcr.io/a/x:1", "S3cret", 0),
    ],
)
def test_credentials_of_containers_of_circleci(tmp_path, image, value, number):
    """A variable of the project is no written password."""
    own = f"{{image: '{image}', auth: {{username: a, password: {value}}}}}"
    text = f"version: 2.1\njobs: {{j: {{docker: [{own}], steps: [checkout]}}}}\n"
    assert told(tmp_path, ".circleci/config.yml", text)[1] == ["password of a container"] * number


@pytest.mark.parametrize("variable", ["${T:-S3cret}", "${T-S3cret}", "${T:=S3cret}"])
def test_the_default_of_a_variable_is_no_part_of_its_name(tmp_path, variable):
    """A reason names the variable, not what may be secret in its default."""
    reading = read(tmp_path, {"pod.yaml": pod(f"{{name: c, image: 'a.azurecr.io/x:{variable}'}}")})
    text = str([one.body for part in reading.inventory.parts.values() for one in part])
    assert "S3cret" not in text
    assert "${T} is not known here" in text
