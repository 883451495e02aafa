"""Kubernetes manifests: pods of all kinds, mounts, settings, pull secrets."""

import base64
import json

import pytest

from scanner.model.values import Unknown
from tests.inventory.workload.trees import position, read, references, row_position, rows

POD = "containers: [{name: c, image: a.azurecr.io/x:1}]"


def manifest(tmp_path, text, name="m.yaml", **more):
    return read(tmp_path, {name: text, **more})


def pod(spec, kind="Pod", name="p"):
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Pod", POD),
        ("Deployment", f"template: {{spec: {{{POD}}}}}"),
        ("CronJob", f"jobTemplate: {{spec: {{template: {{spec: {{{POD}}}}}}}}}"),
        ("PodTemplate", POD),
        ("Rollout", f"template: {{spec: {{{POD}}}}}"),
        ("Service", f"template: {{spec: {{{POD}}}}}"),
    ],
)
def test_pods_are_found_in_every_kind(tmp_path, kind, spec):
    """Also in kinds of somebody's own."""
    assert references(manifest(tmp_path, pod(spec, kind))) == {f"{kind}/p/c": "a.azurecr.io/x:1"}


def test_init_and_ephemeral_containers(tmp_path):
    """All of them pull."""
    found = references(
        manifest(
            tmp_path,
            pod(
                "containers: [{name: a, image: x}], initContainers: [{name: b, image: y}], ephemeralContainers: [{name: c, image: z}]"
            ),
        )
    )
    assert set(found.values()) == {"x", "y", "z"}


def test_several_documents_and_lists(tmp_path):
    """A stream, a List, and a list of a kind; one odd document hides no other."""
    text = (
        "---\n" + pod(POD, name="a") + "---\nfoo: bar\n---\napiVersion: v1\nkind: List\nitems:\n"
        "- {apiVersion: v1, kind: Pod, metadata: {name: b}, spec: {" + POD + "}}\n- 3\n"
        "---\napiVersion: v1\nkind: PodList\nitems: [{kind: Pod, metadata: {name: c}, spec: {" + POD + "}}]\n"
    )
    assert sorted(references(manifest(tmp_path, text))) == ["Pod/a/c", "Pod/b/c", "Pod/c/c"]


def test_json_manifests_with_tabs(tmp_path):
    """JSON is YAML, but for the tabs."""
    content = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "c", "image": "x"}]},
        },
        indent="\t",
    )
    reading = manifest(tmp_path, content, "m.json")
    assert references(reading) == {"Pod/p/c": "x"}
    assert position(reading, "Pod/p/c")[1] > 5


def test_variables_of_other_tools_are_open(tmp_path):
    """`envsubst`, Flux and their like."""
    assert references(manifest(tmp_path, pod('containers: [{name: c, image: "${REG}/x:$(TAG)"}]'))) == {
        "Pod/p/c": "…/x:…"
    }


def test_images_of_kustomizations(tmp_path):
    """New names and tags."""
    text = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nimages:\n- {name: a, newName: r.azurecr.io/a, newTag: '1'}\n- {name: b, digest: 'sha256:0'}\n- {name: c, newName: d}\n"
    assert references(manifest(tmp_path, text)) == {
        "Kustomization/images/a": "r.azurecr.io/a:1",
        "Kustomization/images/b": "b@sha256:0",
        "Kustomization/images/c": "d:…",
    }


@pytest.mark.parametrize(
    ("path", "socket"),
    [
        ("/var/run/docker.sock", True),
        ("/run/containerd/containerd.sock", True),
        ("/var/run/", True),
        ("/data", False),
        ("${SOCK}", None),
    ],
)
def test_sockets(tmp_path, path, socket):
    """Through the volume that a container mounts, with the place of the path."""
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: x\n    volumeMounts: [{name: v, mountPath: /s}]\n  volumes:\n  - name: v\n    hostPath:\n      path: "
        + path
        + "\n"
    )
    reading = manifest(tmp_path, text)
    found = rows(reading, "socketMounts")
    if socket is False:
        assert found == []
        return
    assert isinstance(found[0]["socket"], Unknown) if socket is None else found[0]["socket"] is True
    assert row_position(reading, "socketMounts") == ("m.yaml", 12, 13)


def test_a_volume_that_nothing_mounts_is_no_finding(tmp_path):
    """Only containers reach it."""
    assert (
        rows(
            manifest(tmp_path, pod(POD + ", volumes: [{name: v, hostPath: {path: /run/docker.sock}}]")),
            "socketMounts",
        )
        == []
    )


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            "hostPID: true, containers: [{name: c, image: x, securityContext: {privileged: true}}]",
            {"privileged": True, "hostNamespace": True, "settings": "privileged, host PIDs"},
        ),
        (
            "hostNetwork: true, hostIPC: true, containers: [{name: c, image: x}]",
            {"privileged": False, "hostNamespace": True, "settings": "host IPC, host network"},
        ),
        (
            "hostPID: false, containers: [{name: c, image: x, securityContext: {privileged: false}}]",
            {"privileged": False, "hostNamespace": False},
        ),
        (
            "securityContext: {seccompProfile: {type: Unconfined}}, containers: [{name: c, image: x}]",
            {"seccompUnconfined": True},
        ),
        (
            "securityContext: {seccompProfile: {type: Unconfined}}, containers: [{name: c, image: x, securityContext: {seccompProfile: {type: RuntimeDefault}}}]",
            {"seccompUnconfined": False},
        ),
        (
            "containers: [{name: c, image: x, volumeMounts: [{name: v}]}], volumes: [{name: v, hostPath: {path: /}}]",
            {"rootMounted": True},
        ),
        ("hostPID: '${X}', containers: [{name: c, image: x}]", {"hostNamespace": None}),
    ],
)
def test_settings(tmp_path, spec, expected):
    """Of the container, of its pod, and of what it mounts."""
    row = rows(manifest(tmp_path, pod(spec)), "hostAccess")[0]
    for key, value in expected.items():
        assert isinstance(row[key], Unknown) if value is None else row[key] == value


def test_old_annotations_switch_seccomp_off(tmp_path):
    """As clusters before 1.27 took them."""
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {seccomp.security.alpha.kubernetes.io/pod: unconfined}}\nspec: {"
        + POD
        + "}\n"
    )
    assert rows(manifest(tmp_path, text), "hostAccess")[0]["seccompUnconfined"] is True


def secret(auths, *, encoded=False, kind="Secret", name="s"):
    content = json.dumps({"auths": auths})
    if encoded:
        return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\ntype: kubernetes.io/dockerconfigjson\ndata:\n  .dockerconfigjson: {base64.b64encode(content.encode()).decode()}\n"
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\ntype: kubernetes.io/dockerconfigjson\nstringData:\n  .dockerconfigjson: '{content}'\n"


@pytest.mark.parametrize("encoded", [True, False])
@pytest.mark.parametrize(
    ("entry", "admin"),
    [
        ({"username": "a", "password": "hunter22"}, True),
        ({"auth": base64.b64encode(b"a:hunter22").decode()}, True),
        ({"username": "11111111-2222-3333-4444-555555555555", "password": "hunter22"}, False),
        ({"auth": "%%%"}, None),
    ],
)
def test_pull_secrets_that_are_written_down(tmp_path, encoded, entry, admin):
    """Whose password they hold; what it is is never kept."""
    reading = manifest(
        tmp_path,
        secret(
            {"https://a.azurecr.io": entry, "ghcr.io": {"username": "x", "password": "y"}}, encoded=encoded
        ),
    )
    found = rows(reading, "pullSecrets")
    assert [row["server"] for row in found] == ["a.azurecr.io"]
    assert isinstance(found[0]["admin"], Unknown) if admin is None else found[0]["admin"] is admin
    assert len(rows(reading, "literalCredentials")) == (0 if admin is None else 1)
    assert "hunter22" not in str([one.body for part in reading.inventory.parts.values() for one in part])


@pytest.mark.parametrize("content", ["'${DOCKER_CONFIG}'", "'{'", "'[]'", "'" + "[" * 5_000 + "'"])
def test_pull_secrets_whose_content_comes_later_are_open(tmp_path, content):
    """Neither admin nor not."""
    text = (
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n  .dockerconfigjson: {content}\n"
    )
    found = rows(manifest(tmp_path, text), "pullSecrets")
    assert isinstance(found[0]["admin"], Unknown)


def test_pods_find_their_pull_secrets_in_other_files(tmp_path):
    """Described: the secret's own row tells. Not described: open, with the name."""
    uses = "imagePullSecrets: [{name: s}, {name: other}], " + POD
    reading = manifest(
        tmp_path,
        pod(uses),
        **{"z/secret.yaml": secret({"a.azurecr.io": {"username": "a", "password": "p4ssw0rd"}})},
    )
    found = rows(reading, "pullSecrets")
    assert [(row["name"], row["at"]) for row in found] == [
        ("other", "Pod/p/imagePullSecrets/other"),
        ("s", "Secret/s/a.azurecr.io"),
    ]
    assert isinstance(found[0]["admin"], Unknown)
    assert "other is described in none of these files" in found[0]["admin"].reason


def test_a_secret_of_another_namespace_does_not_count(tmp_path):
    """A pod takes secrets of its own namespace."""
    uses = pod("imagePullSecrets: [{name: s}], " + POD).replace("{name: p}", "{name: p, namespace: one}")
    other = secret({"a.azurecr.io": {"username": "x", "password": "p"}}).replace(
        "{name: s}", "{name: s, namespace: two}"
    )
    found = rows(manifest(tmp_path, uses, **{"s.yaml": other}), "pullSecrets")
    assert sorted(row["at"] for row in found) == ["Pod/p/imagePullSecrets/s", "Secret/s/a.azurecr.io"]


@pytest.mark.parametrize(
    "other",
    [
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: s}\n",
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: s}\n",
    ],
)
def test_secrets_that_are_kept_elsewhere_are_open(tmp_path, other):
    """Sealed and external ones: what is in them is not seen, which is said once, at the pod."""
    found = rows(
        manifest(tmp_path, pod("imagePullSecrets: [{name: s}], " + POD), **{"s.yaml": other}), "pullSecrets"
    )
    assert [row["at"] for row in found] == ["Pod/p/imagePullSecrets/s"]
    assert isinstance(found[0]["admin"], Unknown)


def test_pull_secrets_of_other_registries_are_none_of_ours(tmp_path):
    """No container of the pod pulls from Azure."""
    assert (
        rows(
            manifest(
                tmp_path, pod("imagePullSecrets: [{name: s}], containers: [{name: c, image: ghcr.io/x}]")
            ),
            "pullSecrets",
        )
        == []
    )


def test_service_accounts_name_pull_secrets_too(tmp_path):
    """For pods that are not looked for."""
    found = rows(
        manifest(
            tmp_path,
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: sa}\nimagePullSecrets: [{name: s}]\n",
        ),
        "pullSecrets",
    )
    assert [row["at"] for row in found] == ["ServiceAccount/sa/imagePullSecrets/s"]
    assert isinstance(found[0]["acr"], Unknown)


@pytest.mark.parametrize(
    "spec",
    [
        "containers: 3",
        "containers: [3, null]",
        "containers: [{image: [x], name: {a: b}}]",
        "containers: [{name: c, image: x, volumeMounts: x, securityContext: 3}], volumes: 3",
        "imagePullSecrets: [x, {name: }]",
    ],
)
def test_odd_pods_do_not_hide_others(tmp_path, spec):
    """Whatever stands in them."""
    text = pod(spec, name="odd") + "---\n" + pod(POD, name="good")
    assert references(manifest(tmp_path, text))["Pod/good/c"] == "a.azurecr.io/x:1"


def test_expressions_that_are_yaml_by_chance_leave_everything_open(tmp_path):
    """`{{ x }}` is a mapping to YAML: nothing in such a file passes, and the report says what to do."""
    spec = "hostPID: {{ .Values.pid }}, containers: [{name: c, image: {{ .Values.image }}, securityContext: {privileged: {{ .Values.p }}}}]"
    reading = manifest(tmp_path, pod(spec))
    assert references(reading) == {"Pod/p/c": "…"}
    row, tail = rows(reading, "hostAccess")
    assert isinstance(row["privileged"], Unknown)
    assert isinstance(row["hostNamespace"], Unknown)
    assert type(tail).__name__ == "UnreadTail"
    assert "not rendered; render it" in reading.inventory.diagnostics[0]
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: {{ .Values.all }}\n"
    assert [type(one).__name__ for one in rows(manifest(tmp_path / "b", text), "socketMounts")] == [
        "UnreadTail"
    ]


def test_texts_with_braces_are_no_templates(tmp_path):
    """A ConfigMap may hold templates of another program."""
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  a: |\n    {{ .Labels }}\n"
    reading = manifest(tmp_path, text)
    assert rows(reading, "hostAccess") == []
    assert reading.inventory.diagnostics == ()
