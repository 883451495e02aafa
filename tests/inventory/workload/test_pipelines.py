"""Pipelines of GitHub, Azure DevOps, GitLab and CircleCI, and ACR task files."""

import pytest

from scanner.inventory.workload.facts import FILES
from scanner.model.values import Unknown, UnreadTail
from tests.inventory.workload.trees import (
    images,
    plain,
    position,
    read,
    references,
    resources,
    row_position,
    rows,
)


def kinds(reading):
    return [one.body["properties"]["kind"] for one in resources(reading, FILES)]


def workflow(tmp_path, steps, *, env="", more="", name=".github/workflows/ci.yml"):
    text = f"on: push\n{env}jobs:\n  build:\n    runs-on: ubuntu-latest\n{more}    steps:\n{steps}"
    return read(tmp_path, {name: text})


# GitHub


def test_scripts_of_a_workflow(tmp_path):
    """With variables of `env`, expressions, and the place of the word."""
    steps = "      - name: push\n        run: |\n          echo hi\n          docker push $REG/app:${{ env.TAG }}-${{ github.sha }}\n"
    reading = workflow(tmp_path, steps, env="env: {REG: a.azurecr.io, TAG: v1}\n")
    assert references(reading) == {
        "jobs.build.steps.push: docker push a.azurecr.io/app:v1-${{ github.sha }}": "a.azurecr.io/app:v1-…"
    }
    assert row_position(reading, "registryCalls") == (".github/workflows/ci.yml", 10, 23)


def test_an_env_that_differs_between_jobs_is_not_known(tmp_path):
    """One name, two values."""
    text = "on: push\njobs:\n  a: {runs-on: x, env: {T: '1'}, steps: [{run: 'docker push r/a:$T'}]}\n  b: {runs-on: x, env: {T: '2'}, steps: []}\n"
    assert list(references(read(tmp_path, {".github/workflows/ci.yml": text})).values()) == ["r/a:…"]


def test_containers_of_jobs(tmp_path):
    """The job's own and those beside it, with options and volumes."""
    more = (
        "    container: {image: 'a.azurecr.io/ci:1', options: --privileged --pid host, volumes: ['/var/run/docker.sock:/x']}\n"
        "    services:\n      db: {image: 'postgres:17', options: '--security-opt seccomp=unconfined -v /:/h'}\n      cache: redis\n"
    )
    reading = workflow(tmp_path, "      - uses: docker://alpine:3\n", more=more)
    assert sorted(references(reading).values()) == ["a.azurecr.io/ci:1", "alpine:3", "postgres:17", "redis"]
    found = {row["container"]: row["settings"] for row in rows(reading, "hostAccess")}
    assert found["jobs.build.container"] == "privileged, host pid"
    assert found["jobs.build.services.db"] == "seccomp unconfined, the host's / mounted"
    assert [row["source"] for row in rows(reading, "socketMounts")] == ["/var/run/docker.sock"]


@pytest.mark.parametrize(
    ("step", "how", "long_lived"),
    [
        (
            "uses: azure/login@v2, with: {creds: '${{ secrets.C }}'}",
            "a client secret of a service principal (creds)",
            True,
        ),
        ("uses: Azure/login@v2, with: {client-id: a, tenant-id: b}", "federation", False),
        ("uses: azure/login@v2, with: {auth-type: IDENTITY}", "a managed identity", False),
        ("uses: azure/login@v2, with: {client-id: a}", "azure/login", None),
        (
            "uses: docker/login-action@v3, with: {registry: a.azurecr.io, username: a, password: '${{ secrets.P }}'}",
            "the registry's admin user",
            True,
        ),
        (
            "uses: docker/login-action@v3, with: {registry: a.azurecr.io, username: '${{ secrets.U }}', password: '${{ secrets.P }}'}",
            "a stored password",
            True,
        ),
        (
            "uses: docker/login-action@v3, with: {registry: a.azurecr.io, username: 00000000-0000-0000-0000-000000000000, password: '${{ steps.t.outputs.t }}'}",
            "a short-lived access token",
            False,
        ),
        (
            "uses: docker/login-action@v3, with: {registry: a.azurecr.io, username: x, password: '${{ steps.t.outputs.t }}'}",
            "a password of an earlier step",
            None,
        ),
        (
            "uses: azure/docker-login@v2, with: {login-server: a.azurecr.io, username: x, password: '${{ secrets.P }}'}",
            "a stored password",
            True,
        ),
        (
            "uses: azure/container-apps-deploy-action@v1, with: {acrName: a, acrUsername: x, acrPassword: '${{ secrets.P }}'}",
            "a stored password",
            True,
        ),
        ("run: az acr credential show -n a", "the admin password (az acr credential show)", True),
        (
            "uses: azure/cli@v2, with: {inlineScript: az acr credential show -n a}",
            "the admin password (az acr credential show)",
            True,
        ),
    ],
)
def test_logins_of_workflows(tmp_path, step, how, long_lived):
    """What each action logs in with."""
    reading = workflow(tmp_path, f"      - {{{step}}}\n      - run: az acr login -n a\n")
    row = next(row for row in rows(reading, "logins") if row["how"] == how)
    assert isinstance(row["longLived"], Unknown) if long_lived is None else row["longLived"] is long_lived


@pytest.mark.parametrize(
    "step",
    [
        "uses: docker/login-action@v3, with: {registry: ghcr.io, username: x, password: '${{ secrets.P }}'}",
        "uses: docker/login-action@v3, with: {username: x, password: y}",
    ],
)
def test_logins_of_other_registries_are_none_of_ours(tmp_path, step):
    """`ghcr.io`, and Docker Hub where none is written."""
    assert rows(workflow(tmp_path, f"      - {{{step}}}\n"), "logins") == []


def test_azure_login_counts_only_where_a_registry_is_meant(tmp_path):
    """A workflow that deploys something else is none of ours."""
    assert rows(workflow(tmp_path, "      - {uses: azure/login@v2, with: {creds: x}}\n"), "logins") == []


def test_a_password_in_a_workflow_is_written_down(tmp_path):
    """Not an expression."""
    step = "      - {uses: docker/login-action@v3, with: {registry: a.azurecr.io, username: x, password: S3cret!}}\n"
    assert len(rows(workflow(tmp_path, step), "literalCredentials")) == 1


def test_what_actions_build_and_run(tmp_path):
    """Tags one per line or with commas, names without tags."""
    steps = (
        "      - uses: docker/build-push-action@v6\n        with:\n          push: true\n          tags: |\n            a.azurecr.io/x:1\n            ${{ env.R }}/y:${{ github.sha }},z:2\n"
        "      - uses: docker/metadata-action@v5\n        with:\n          images: |\n            name=a.azurecr.io/m\n"
        "      - uses: azure/webapps-deploy@v3\n        with: {images: 'a.azurecr.io/w:1'}\n"
    )
    reading = workflow(tmp_path, steps, env="env: {R: a.azurecr.io}\n")
    assert sorted((one["use"], plain(one["reference"])) for one in images(reading).values()) == [
        ("build", "a.azurecr.io/m:…"),
        ("push", "a.azurecr.io/x:1"),
        ("push", "a.azurecr.io/y:…"),
        ("push", "z:2"),
        ("run", "a.azurecr.io/w:1"),
    ]
    assert position(reading, "jobs.build.steps.docker/build-push-action.tags a.azurecr.io/x:1") == (
        ".github/workflows/ci.yml",
        11,
        13,
    )


def test_a_step_that_is_tried_again(tmp_path):
    """The retry action."""
    step = "      - {uses: nick-fields/retry@v3, with: {max_attempts: 3, command: docker push a.azurecr.io/x:1}}\n"
    assert [row["retried"] for row in rows(workflow(tmp_path, step), "registryCalls")] == [True]


def test_composite_actions_and_powershell(tmp_path):
    """`runs.steps`, with the shell of the step."""
    text = "name: x\nruns:\n  using: composite\n  steps:\n    - shell: pwsh\n      run: |\n        $r = 'a.azurecr.io'\n        docker push \"$r/x:1\"\n"
    assert list(references(read(tmp_path, {"action.yml": text})).values()) == ["a.azurecr.io/x:1"]
    text = "runs: {using: docker, image: 'docker://a.azurecr.io/x:1'}\n"
    assert references(read(tmp_path / "b", {"action.yml": text})) == {"runs.image": "a.azurecr.io/x:1"}


def test_pull_secrets_made_by_an_action(tmp_path):
    """The user tells whose they are."""
    step = "      - {uses: azure/k8s-create-secret@v5, with: {secret-name: s, container-registry-url: a.azurecr.io, container-registry-username: a, container-registry-password: '${{ secrets.P }}'}}\n"
    assert [(row["name"], row["admin"]) for row in rows(workflow(tmp_path, step), "pullSecrets")] == [
        ("s", True)
    ]


# Azure Pipelines


def azure(tmp_path, text):
    return read(tmp_path, {"azure-pipelines.yml": text})


def test_scripts_of_azure_pipelines(tmp_path):
    """In steps, jobs and stages, with variables of either form, and tasks with a script."""
    text = (
        "variables: {reg: a.azurecr.io}\nstages:\n- stage: s\n  variables: [{name: tag, value: v1}]\n  jobs:\n  - job: j\n    steps:\n"
        "    - script: docker push $(reg)/one:$(Build.BuildId)\n    - bash: docker push $REG/two:$(tag)\n"
        '    - pwsh: docker push "$(reg)/three:$env:X"\n'
        "    - task: AzureCLI@2\n      inputs: {azureSubscription: x, scriptType: bash, inlineScript: az acr credential show -n a}\n"
        "    - ${{ if eq(variables.x, 'y') }}:\n      - script: docker push ${{ variables.reg }}/four:1\n"
    )
    reading = azure(tmp_path, text)
    assert sorted(references(reading).values()) == [
        "a.azurecr.io/four:1",
        "a.azurecr.io/one:…",
        "a.azurecr.io/three:…",
        "a.azurecr.io/two:v1",
    ]
    assert [(row["how"], type(row["longLived"])) for row in rows(reading, "logins")] == [
        ("the admin password (az acr credential show)", bool),
        ("a service connection", Unknown),
    ]
    assert kinds(reading) == ["azurePipelines"]


def test_docker_tasks_log_in_with_a_service_connection(tmp_path):
    """How that logs in is kept elsewhere: open, once per connection."""
    text = (
        "steps:\n"
        + "- task: Docker@2\n  inputs: {command: buildAndPush, containerRegistry: acr, repository: Team/App, tags: |\n    $(x)\n    latest}\n".replace(
            "|\n    $(x)\n    latest", '"$(x)\\nlatest"'
        )
        * 2
    )
    reading = azure(tmp_path, text + "# az acr\n")
    found = rows(reading, "logins")
    assert [row["server"] for row in found] == ["service connection acr"]
    assert isinstance(found[0]["longLived"], Unknown)
    assert {one["repository"] for one in images(reading).values()} == {"Team/App"}
    assert all(isinstance(one["acr"], Unknown) and "registry" not in one for one in images(reading).values())
    assert all(
        isinstance(row["acr"], Unknown) and row["retried"] is False for row in rows(reading, "registryCalls")
    )


def test_docker_tasks_that_write_the_server_are_known_to_push_there(tmp_path):
    """The repository's name says it."""
    text = "variables: {r: a.azurecr.io/x}\nsteps:\n- task: Docker@2\n  inputs: {command: push, containerRegistry: c, repository: $(r), tags: '1'}\n"
    reading = azure(tmp_path, text)
    assert [one["acr"] for one in images(reading).values()] == [True]
    assert [row["acr"] for row in rows(reading, "registryCalls")] == [True]
    assert [row["acr"] for row in rows(reading, "logins")] == [True]


def test_tasks_that_are_tried_again(tmp_path):
    """`retryCountOnTaskFailure`."""
    text = "steps:\n- {script: docker push a.azurecr.io/x, retryCountOnTaskFailure: 3}\n- {script: docker push a.azurecr.io/y, retryCountOnTaskFailure: 0}\n"
    assert [row["retried"] for row in rows(azure(tmp_path, text), "registryCalls")] == [True, False]


def test_containers_of_azure_pipelines(tmp_path):
    """Resources, jobs, aliases."""
    text = (
        "resources:\n  containers:\n  - {container: ci, image: 'a.azurecr.io/ci:1', endpoint: acr, options: --privileged --network host}\n"
        "jobs:\n- {job: a, container: ci, steps: [{script: x}]}\n- {job: b, container: 'ubuntu:24.04', steps: [{script: x}]}\n"
        "- {job: c, container: {image: 'b.azurecr.io/x:1'}, steps: [{script: x}]}\n"
    )
    reading = azure(tmp_path, text)
    assert sorted(references(reading).values()) == ["a.azurecr.io/ci:1", "b.azurecr.io/x:1", "ubuntu:24.04"]
    assert "privileged, host network" in [row["settings"] for row in rows(reading, "hostAccess")]


@pytest.mark.parametrize(
    ("container", "sockets"),
    [
        ("{image: x, mapDockerSocket: false}", []),
        ("{image: x, mapDockerSocket: true}", [True]),
        ("{image: x}", [None]),
        ("ci", [True]),
        ("ubuntu:24.04", [None]),
        ("{image: x, mapDockerSocket: false, volumes: ['/var/run/docker.sock:/x']}", [True]),
        ("", []),
    ],
)
def test_the_agents_socket(tmp_path, container, sockets):
    """Mounted where it is asked for; without a word the agent's version decides."""
    text = f"resources: {{containers: [{{container: ci, image: y, mapDockerSocket: true}}]}}\njobs:\n- job: a\n  container: {container}\n  steps: [{{script: x}}]\n"
    found = [
        None if isinstance(row["socket"], Unknown) else row["socket"]
        for row in rows(azure(tmp_path, text), "socketMounts")
    ]
    assert found == sockets


def test_containers_that_lie_in_a_registry_by_type(tmp_path):
    """`type: ACR` names subscription, registry and repository; the service connection is open."""
    text = "resources:\n  containers: [{container: c, type: ACR, azureSubscription: s, registry: r, repository: Team/App}]\nsteps: [{script: x}]\n"
    reading = azure(tmp_path, text)
    found = images(reading)["resources.containers.c"]
    assert (found["acr"], found["repository"]) == (True, "Team/App")
    assert [row["server"] for row in rows(reading, "logins")] == ["service connection s"]


def test_templates_and_manifests_of_azure_pipelines(tmp_path):
    """Parameters with a default, pull secrets of the Kubernetes task."""
    text = (
        "parameters:\n- {name: image, type: string, default: 'a.azurecr.io/x:1'}\nsteps:\n- script: docker pull ${{ parameters.image }}\n"
        "- task: KubernetesManifest@1\n  inputs: {action: createSecret, secretName: s, dockerRegistryEndpoint: acr}\n"
        "- task: KubernetesManifest@1\n  inputs: {action: deploy, containers: 'a.azurecr.io/y:$(Build.BuildId)'}\n"
    )
    reading = azure(tmp_path, text)
    assert sorted(references(reading).values()) == ["a.azurecr.io/x:1", "a.azurecr.io/y:…"]
    assert [row["name"] for row in rows(reading, "pullSecrets")] == ["s"]
    assert isinstance(rows(reading, "pullSecrets")[0]["admin"], Unknown)


# GitLab


def test_gitlab(tmp_path):
    """Images, services, scripts whose lines are one shell, variables, retry."""
    text = (
        "image: {name: '${REG}/ci:1'}\nvariables: {REG: a.azurecr.io}\ndefault: {services: ['docker:27-dind']}\nbuild:\n  retry: 2\n  before_script:\n"
        "    - docker login $REG -u $U -p $P\n  script:\n    - TAG=v1\n    - docker push $REG/app:$TAG\n    - - docker push $REG/nested:$CI_COMMIT_SHA\n"
        "pull:\n  image: $REG/other:$X\n  script: docker pull $REG/app:1\n.hidden: {image: 'x:1', script: [echo]}\n"
    )
    reading = read(tmp_path, {".gitlab-ci.yml": text})
    assert references(reading) == {
        "image": "a.azurecr.io/ci:1",
        "default.services.0": "docker:27-dind",
        "build.script: docker push a.azurecr.io/app:v1": "a.azurecr.io/app:v1",
        "build.script: docker push a.azurecr.io/nested:$CI_COMMIT_SHA": "a.azurecr.io/nested:…",
        "pull.image": "a.azurecr.io/other:…",
        "pull.script: docker pull a.azurecr.io/app:1": "a.azurecr.io/app:1",
        ".hidden.image": "x:1",
    }
    assert position(reading, "build.script: docker push a.azurecr.io/app:v1") == (".gitlab-ci.yml", 10, 19)
    assert [row["retried"] for row in rows(reading, "registryCalls")] == [True, True, False]
    assert [(row["server"], row["longLived"]) for row in rows(reading, "logins")] == [("a.azurecr.io", True)]


def test_inputs_of_gitlab_have_defaults(tmp_path):
    """Declared in a document before the pipeline."""
    text = "spec:\n  inputs:\n    image: {default: 'a.azurecr.io/x:1'}\n    other: {}\n---\na:\n  image: $[[ inputs.image ]]\n  script:\n    - docker pull $[[ inputs.image ]]\n    - docker pull $[[ inputs.other ]]\n"
    found = references(read(tmp_path, {".gitlab-ci.yml": text}))
    assert sorted(found.values()) == ["a.azurecr.io/x:1", "a.azurecr.io/x:1", "…"]


def test_gitlab_is_known_by_its_jobs(tmp_path):
    """In a file of any name."""
    assert kinds(
        read(
            tmp_path,
            {"ci/build.yml": "stages: [a]\nb:\n  stage: a\n  script: [docker push a.azurecr.io/x]\n"},
        )
    ) == ["gitlab"]


def test_references_of_gitlab_hide_nothing(tmp_path):
    """`!reference` in a script leaves the other lines as they are; a tag that nobody knows leaves the lists open."""
    text = "a:\n  script:\n    - !reference [.b, script]\n    - docker push a.azurecr.io/x:1\n"
    assert len(images(read(tmp_path, {".gitlab-ci.yml": text}))) == 1
    reading = read(tmp_path / "b", {".gitlab-ci.yml": text.replace("!reference", "!mine")})
    assert any(isinstance(row, UnreadTail) for row in rows(reading, "logins"))


# CircleCI


def test_circleci(tmp_path):
    """Executors, parameters, environments, commands, credentials of images."""
    text = (
        "version: 2.1\nexecutors:\n  e:\n    parameters: {tag: {type: string, default: '1'}}\n    docker:\n      - image: a.azurecr.io/ci:<< parameters.tag >>\n        auth: {username: a, password: $P}\n"
        "commands:\n  c:\n    steps:\n      - run: {name: push, command: docker push $REG/x:$CIRCLE_SHA1, environment: {REG: a.azurecr.io}}\n"
        "jobs:\n  j:\n    executor: e\n    steps:\n      - checkout\n      - run: |\n          docker pull a.azurecr.io/y:<<pipeline.parameters.z>>\n      - run: {command: docker pull a.azurecr.io/z:1, max_auto_reruns: 3}\n"
        "  k: {docker: [{image: 'cimg/base:2024.01'}], steps: [checkout]}\n"
    )
    reading = read(tmp_path, {".circleci/config.yml": text})
    assert sorted(references(reading).values()) == [
        "a.azurecr.io/ci:1",
        "a.azurecr.io/x:…",
        "a.azurecr.io/y:…",
        "a.azurecr.io/z:1",
        "cimg/base:2024.01",
    ]
    assert [(row["server"], row["how"]) for row in rows(reading, "logins")] == [
        ("a.azurecr.io", "the registry's admin user")
    ]
    assert sorted(row["retried"] for row in rows(reading, "registryCalls")) == [False, False, True]


def test_orbs_leave_logins_open(tmp_path):
    """What an orb does is not in the file."""
    text = "version: 2.1\norbs: {acr: circleci/azure-acr/x@1}\njobs: {j: {docker: [{image: x}], steps: [acr/build]}}\n"
    assert [type(row).__name__ for row in rows(read(tmp_path, {".circleci/config.yml": text}), "logins")] == [
        "UnreadTail"
    ]


# ACR tasks


def test_task_files(tmp_path):
    """Builds, pushes, commands; the registry that runs it is not part of the name."""
    text = (
        "version: v1.1.0\nalias: {values: {base: mcr.microsoft.com/tools}}\nsteps:\n"
        "  - id: one\n    build: -t {{.Run.Registry}}/Team/App:{{.Run.ID}} -t $Registry/b:1 -f Dockerfile .\n"
        "  - push: ['{{.Run.Registry}}/Team/App:{{.Run.ID}}']\n"
        "  - id: run\n    cmd: $base:1 --flag\n    privileged: true\n    network: host\n"
        "  - cmd: Docker.IO/library/bash echo hi\n"
    )
    reading = read(tmp_path, {"acr-task.yaml": text})
    found = images(reading)
    assert kinds(reading) == ["acrTask"]
    assert sorted((one["use"], plain(one["reference"])) for one in found.values()) == [
        ("build", "Team/App:…"),
        ("build", "b:1"),
        ("push", "Team/App:…"),
        ("run", "Docker.IO/library/bash"),
        ("run", "mcr.microsoft.com/tools:1"),
    ]
    assert [one["acr"] for one in found.values() if one["use"] != "run"] == [True, True, True]
    assert [row["settings"] for row in rows(reading, "hostAccess")] == [
        "privileged, host network",
        "nothing special",
    ]
    assert position(reading, "steps.run: run mcr.microsoft.com/tools:1") == ("acr-task.yaml", 8, 10)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            ".github/workflows/x.yml",
            "on: push\njobs: {a: 3, b: {runs-on: x, steps: [3, {run: [x]}, {uses: [x]}, {with: 3, uses: docker/login-action@v3}, {run: docker push a.azurecr.io/x}]}}\n",
        ),
        (
            "azure-pipelines.yml",
            "steps: [3, {task: [x]}, {task: Docker@2, inputs: 3}, {task: Docker@2, inputs: {repository: [x], tags: {a: b}}}, {script: docker push a.azurecr.io/x}]\n",
        ),
        (
            ".gitlab-ci.yml",
            "a: 3\nb: {script: {a: b}, image: [x], services: 3, retry: [x], variables: 3}\nc: {script: [3, null, docker push a.azurecr.io/x]}\n",
        ),
        (
            ".circleci/config.yml",
            "version: 2.1\njobs: {a: 3, b: {docker: 3, steps: 3}, c: {docker: [3, {image: [x]}], steps: [3, {run: [x]}, {run: docker push a.azurecr.io/x}]}}\n",
        ),
        (
            "acr-task.yaml",
            "version: v1.0.0\nsteps: [{build: [x]}, {push: {a: b}}, {cmd: [x]}, {push: [a.azurecr.io/x]}]\n",
        ),
    ],
)
def test_odd_pipelines_hide_nothing(tmp_path, name, text):
    """Whatever stands where something else should."""
    reading = read(tmp_path, {name: text})
    assert any("x" in reference for reference in references(reading).values())
    assert reading.errors == []
