"""Compose files: images, variables, mounts, settings."""

import pytest

from scanner.inventory.workload.compose import environment, interpolated
from scanner.inventory.workload.source import HOLE
from scanner.model.values import Unknown
from tests.inventory.workload.trees import images, position, read, references, row_position, rows


def compose(tmp_path, text, **more):
    return read(tmp_path, {"compose.yaml": text, **more})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:${T}", f"a:{HOLE}"),
        ("a:$T", f"a:{HOLE}"),
        ("a:${K}", "a:v"),
        ("a:$K.x", "a:v.x"),
        ("a:${T:-1}${T-2}", "a:12"),
        ("a:${K:-1}${E:-1}${E-2}", "a:v1"),
        ("a:${T:-${K:-z}}", "a:v"),
        ("a:${T:-${U:-z}}y", "a:zy"),
        ("a:${T:?must}${T?must}", f"a:{HOLE}{HOLE}"),
        ("a:${K:+y}${E:+y}", "a:y"),
        ("a:${T:+y}", f"a:{HOLE}"),
        ("a$$b$", "a$b$"),
        ("a:${T:-1", "a:1"),
        ("${A:-" * 50, f"{HOLE}"),
    ],
)
def test_variables(text, expected):
    """As Compose fills them in, without an environment."""
    assert interpolated(text, {"K": "v", "E": ""}).text == expected


def test_the_file_of_variables():
    """Comments, quotes, `export`."""
    found = environment("# x\nA=1\nexport B='2 3'\nC=\"4\" # x\nD=5 # x\nE\nF=\n")
    assert found == {"A": "1", "B": "2 3", "C": "4", "D": "5", "F": ""}


def test_images_and_what_is_built(tmp_path):
    """An image beside `build` is the name of what is built."""
    text = "services:\n  a:\n    image: ${REG}/a:${TAG}\n  b: {image: b:1, build: .}\n  c: {build: {context: ., tags: [c:1, c:2]}}\n"
    reading = compose(tmp_path, text, **{".env": "REG=a.azurecr.io\n"})
    assert references(reading) == {
        "services.a.image": "a.azurecr.io/a:…",
        "services.b.image": "b:1",
        "services.c.build.tags": "c:1",
        "services.c.build.tags (2)": "c:2",
    }
    assert [one["use"] for one in images(reading).values()] == ["run", "build", "build", "build"]
    assert position(reading, "services.a.image") == ("compose.yaml", 3, 12)


def test_a_link_in_place_of_the_file_of_variables_is_not_followed(tmp_path):
    """It may lead outside the tree."""
    (tmp_path / "secret").write_text("REG=a\n")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / ".env").symlink_to(tmp_path / "secret")
    assert references(compose(tmp_path / "tree", "services: {a: {image: $REG}}\n")) == {
        "services.a.image": "…"
    }


@pytest.mark.parametrize(
    ("volume", "socket"),
    [
        ("/var/run/docker.sock:/var/run/docker.sock:ro", True),
        ("{type: bind, source: /run/docker.sock, target: /x}", True),
        ("{type: npipe, source: '\\\\.\\pipe\\docker_engine', target: x}", True),
        ("//./pipe/docker_engine://./pipe/docker_engine", True),
        ("${SOCK:-/var/run/docker.sock}:/x", True),
        ("${SOCK}:/x", None),
        ("data:/var/lib", False),
        ("./docker.sock.d:/x", False),
        ("{type: volume, source: docker.sock, target: /x}", False),
        ("/data", False),
    ],
)
def test_sockets(tmp_path, volume, socket):
    """In the short and the long form."""
    found = rows(
        compose(tmp_path, f"services:\n  a:\n    image: x\n    volumes:\n      - {volume}\n"), "socketMounts"
    )
    if socket is False:
        assert found == []
    else:
        assert len(found) == 1
        assert isinstance(found[0]["socket"], Unknown) if socket is None else found[0]["socket"] is True


def test_the_engines_api_asked_for(tmp_path):
    """`use_api_socket` mounts it too."""
    assert (
        len(rows(compose(tmp_path, "services: {a: {image: x, use_api_socket: true}}\n"), "socketMounts")) == 1
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            "privileged: true, pid: host",
            {"privileged": True, "hostNamespace": True, "settings": "privileged, host PIDs"},
        ),
        ("privileged: true, network_mode: host", {"privileged": True, "hostNamespace": True}),
        (
            "privileged: false, ipc: host, uts: host, userns_mode: host",
            {"privileged": False, "hostNamespace": True},
        ),
        ("security_opt: ['seccomp:unconfined']", {"seccompUnconfined": True}),
        ("security_opt: [seccomp=unconfined]", {"seccompUnconfined": True}),
        ("volumes: ['/:/host']", {"rootMounted": True}),
        ("volumes: [{type: bind, source: /, target: /h}]", {"rootMounted": True}),
        ("network_mode: bridge", {"hostNamespace": False, "settings": "nothing special"}),
    ],
)
def test_settings(tmp_path, settings, expected):
    """What reaches the host."""
    row = rows(compose(tmp_path, f"services:\n  a: {{image: x, {settings}}}\n"), "hostAccess")[0]
    assert {key: row[key] for key in expected} == expected


def test_settings_that_are_variables_are_not_known(tmp_path):
    """Privileged and the namespace."""
    row = rows(
        compose(
            tmp_path,
            "services: {a: {image: x, privileged: $P, pid: $Q, security_opt: ['seccomp=$S'], volumes: ['$R:/x']}}\n",
        ),
        "hostAccess",
    )[0]
    assert all(
        isinstance(row[key], Unknown)
        for key in ("privileged", "hostNamespace", "seccompUnconfined", "rootMounted")
    )


def test_merged_settings_count(tmp_path):
    """With the place of where they are written."""
    text = "x-b: &b\n  privileged: true\n  pid: host\nservices:\n  a:\n    <<: *b\n    image: x\n"
    reading = compose(tmp_path, text)
    assert rows(reading, "hostAccess")[0]["settings"] == "privileged, host PIDs"
    assert row_position(reading, "hostAccess") == ("compose.yaml", 2, 3)


@pytest.mark.parametrize(
    "text",
    [
        "services: {a: {image: [x]}, b: {image: x:1}}\n",
        "services: {a: x, b: {image: x:1, volumes: x, security_opt: {a: b}, privileged: [1]}}\n",
        "services:\n  a: {image: !reset null}\n  b: {image: x:1}\n",
        "services:\n  a: {image: !Sub '${X}'}\n  b: {image: x:1, ports: !override [1]}\n",
        "services: {a: {image: null}, b: {image: x:1, volumes: [[x], 1, null]}}\n",
    ],
)
def test_odd_services_do_not_hide_others(tmp_path, text):
    """Whatever stands in one."""
    assert references(compose(tmp_path, text))["services.b.image"] == "x:1"


def test_expressions_that_are_yaml_by_chance_are_not_known(tmp_path):
    """`{{ x }}` of another tool."""
    reading = compose(tmp_path, "services: {a: {image: {{ x }}, privileged: {{ y }}}, b: {image: z}}\n")
    assert references(reading)["services.a.image"] == "…"
    assert isinstance(rows(reading, "hostAccess")[0]["privileged"], Unknown)


def test_an_image_under_a_tag_is_not_known(tmp_path):
    """Told as open, not left out."""
    assert (
        references(compose(tmp_path, "services: {a: {image: !Sub 'x'}, b: {image: x}}\n"))["services.a.image"]
        == "…"
    )


@pytest.mark.parametrize("mount", ["sock:/x", "{type: volume, source: sock, target: /x}"])
@pytest.mark.parametrize(
    ("options", "source"),
    [
        ("{type: none, o: bind, device: /var/run/docker.sock}", "/var/run/docker.sock"),
        ("{type: none, o: 'ro,rbind', device: '${S:-/run/docker.sock}'}", "/run/docker.sock"),
        ("{type: none, o: bind, device: /srv/data}", None),
        ("{type: nfs, o: addr=1.2.3.4, device: ':/var/run/docker.sock'}", None),
        ("{type: tmpfs, device: /var/run/docker.sock}", None),
    ],
)
def test_volumes_that_are_bound_to_a_path(tmp_path, mount, options, source):
    """A volume with a name may stand for the socket of the host."""
    text = f"services: {{a: {{image: x, volumes: ['{mount}']}}}}\nvolumes: {{sock: {{driver_opts: {options}}}}}\n"
    found = rows(compose(tmp_path, text.replace("'{", "{").replace("}']", "}]")), "socketMounts")
    assert [row["source"] for row in found] == ([source] if source else [])


def test_a_volume_that_is_bound_to_the_root(tmp_path):
    """The host's file system under a name."""
    text = "services: {a: {image: x, volumes: ['sock:/x']}}\nvolumes: {sock: {driver_opts: {o: bind, device: /}}}\n"
    assert [row["rootMounted"] for row in rows(compose(tmp_path, text), "hostAccess")] == [True]
