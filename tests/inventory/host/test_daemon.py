"""How the daemon is set up, from every file that can say it; each row has its place, what cannot be read is unknown."""

from __future__ import annotations

import pytest

from scanner.model.values import Unknown, UnreadTail
from tests.inventory.host.building import DAEMON, DPKG, STATUS, properties, put, read, refuse, rows, verdict

UNIT = """[Unit]
Description=Docker
Environment=HTTP_PROXY=http://not-in-service:8888

[Service]
ExecStart=/usr/bin/dockerd -H fd:// \\
    $OPTIONS
"""
DROP_IN = "etc/systemd/system/docker.service.d"


@pytest.fixture
def root(tmp_path):
    """A host with a current Docker."""
    return put(tmp_path, {STATUS: DPKG})


def test_a_host_in_order_passes_every_rule_about_its_daemon(root):
    """Nothing is set: debug is off, nothing is pushed anywhere, no proxy reads along."""
    assert [verdict(root, rule) for rule in ("ACR801", "ACR802", "ACR803", "ACR809")] == ["pass"] * 4
    assert verdict(root, "ACR804") == "notApplicable"


def test_a_setting_of_daemon_json_has_its_line_and_column(root):
    """The finding stands at the key, whose value it covers; its file is the one that a reader can open."""
    put(root, {DAEMON: '{\n  "log-driver": "journald",\n  "debug": true\n}\n'})
    (row,) = rows(root, "ACR802")
    assert row.verdict.value == "fail"
    place = row.places[0]
    assert (place.file, place.line, place.column, place.end_column) == (
        f"{root.as_posix()}/{DAEMON}",
        3,
        3,
        16,
    )
    assert row.message == "The debug log is on: /etc/docker/daemon.json: debug"


def test_every_setting_of_daemon_json_is_read(root):
    """Registries and proxies each give a row; of a proxy's URL no user and no password stay."""
    put(
        root,
        {
            DAEMON: {
                "debug": False,
                "log-level": "debug",
                "allow-nondistributable-artifacts": ["contoso.azurecr.io", "0.0.0.0/0"],
                "insecure-registries": ["10.1.0.0/16"],
                "proxies": {
                    "http-proxy": "http://me:secret@127.0.0.1:8888",
                    "https-proxy": "https://proxy.contoso.com",
                },
            }
        },
    )
    found = properties(root)
    assert [row.get("enabled") for row in found["logging"]] == [False, None]
    assert [row["registry"] for row in found["nondistributable"]] == ["contoso.azurecr.io", "0.0.0.0/0"]
    assert found["insecureRegistries"] == [
        {"registry": "10.1.0.0/16", "at": "/etc/docker/daemon.json: insecure-registries"}
    ]
    assert [row["address"] for row in found["interception"]] == ["127.0.0.1:8888", "proxy.contoso.com:443"]
    assert "secret" not in repr(found)
    (row,) = rows(root, "ACR809")
    assert "address 127.0.0.1:8888" in row.message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"debug": true', "is not valid JSON: Expecting ',' delimiter at 1:15"),
        ('{"debug": true, // left on\n}', "is not valid JSON"),
        ("debug: true", "is not valid JSON"),
        ("", "is empty"),
        ("[]", "holds no JSON object"),
        (b"\xff\xfe\x00", "is not UTF-16 text"),
        (b'{"debug": \x80}', "is not UTF-8 text"),
        (b"{}\x00", "holds NUL bytes"),
        ("[" * 100_000, "nested"),
        (b" " * 20_000_000, "20,000,000 bytes"),
        ('{"debug": NaN}', "NaN"),
    ],
)
def test_a_daemon_json_that_cannot_be_read_leaves_everything_open(root, content, words):
    """No JSON, a wrong encoding, 20 MB, too deep: the rules do not know, and say why; they never pass."""
    put(root, {DAEMON: content})
    for rule in ("ACR802", "ACR803", "ACR809"):
        (row,) = rows(root, rule)
        assert row.verdict.value == "unknown"
        assert words in row.message
        assert "/etc/docker/daemon.json" in row.message


def test_bom_and_repeated_keys_are_read_as_docker_reads_them(root):
    """A BOM is dropped, of a repeated key the last one counts, and somebody is told."""
    put(root, {DAEMON: b'\xef\xbb\xbf{"debug": true, "debug": false}'})
    assert verdict(root, "ACR802") == "pass"
    put(root, {DAEMON: '{"debug": true, "debug": true}'.encode("utf-16")})
    assert verdict(root, "ACR802") == "fail"


def test_values_of_a_wrong_type_are_not_known(root):
    """Text for a switch, a number in a list, text for a list: unknown, never taken for off."""
    put(
        root,
        {
            DAEMON: {
                "debug": "yes",
                "log-level": 1,
                "allow-nondistributable-artifacts": "docker.io",
                "insecure-registries": [1],
                "proxies": [],
            }
        },
    )
    found = properties(root)
    assert isinstance(found["logging"][0]["enabled"], Unknown)
    assert isinstance(found["logging"][1]["level"], Unknown)
    assert isinstance(found["nondistributable"][0], UnreadTail)
    assert isinstance(found["insecureRegistries"][0]["registry"], Unknown)
    assert isinstance(found["interception"][0], UnreadTail)
    assert [verdict(root, rule) for rule in ("ACR802", "ACR803", "ACR809")] == ["unknown"] * 3


def test_a_daemon_json_that_leads_out_of_the_root_is_not_read(tmp_path):
    """The link is followed inside the root alone, where there is nothing."""
    root = put(tmp_path, {f"image/{STATUS}": DPKG, "daemon.json": {"debug": True}}) / "image"
    (root / "etc/docker").mkdir(parents=True)
    (root / DAEMON).symlink_to(tmp_path / "daemon.json")
    assert verdict(root, "ACR802") == "pass"
    (root / DAEMON).unlink()
    (root / DAEMON).symlink_to("daemon.json")
    assert verdict(root, "ACR802") == "unknown"


def test_a_daemon_json_that_may_not_be_read_is_unknown(root, monkeypatch):
    """Without privileges the rules do not know, and the reason says what to do."""
    put(root, {DAEMON: {"debug": False}})
    refuse(monkeypatch, "daemon.json")
    (row,) = rows(root, "ACR802")
    assert row.verdict.value == "unknown"
    assert "scan with the rights to read it" in row.message


@pytest.mark.parametrize(
    "path",
    [
        "home/ci/.config/docker/daemon.json",
        "root/.docker/daemon.json",
        "ProgramData/docker/config/daemon.json",
    ],
)
def test_daemons_of_users_and_of_windows_are_found(root, path):
    """Rootless daemons, Docker Desktop and Windows keep the file elsewhere."""
    put(root, {path: {"debug": True}})
    (row,) = rows(root, "ACR802")
    assert f"/{path}" in row.message


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--debug", "fail"),
        ("-D", "fail"),
        ("--debug=true", "fail"),
        ("-D=1", "fail"),
        ("--debug=false", "pass"),
        ("--log-level debug", "fail"),
        ("-l debug", "fail"),
        ("--log-level=info", "pass"),
        ("--debug=perhaps", "unknown"),
        ("--debugging", "pass"),
    ],
)
def test_options_of_the_command_line(root, words, expected):
    """Every way to write a switch is understood; what is neither true nor false is not known."""
    put(root, {"lib/systemd/system/docker.service": f"[Service]\nExecStart=/usr/bin/dockerd {words}\n"})
    assert verdict(root, "ACR802") == expected


def test_drop_ins_come_in_the_order_of_their_names(root):
    """An empty value starts again, a file of the same name in /etc counts alone, a link to /dev/null counts for nothing."""
    put(
        root,
        {
            "usr/lib/systemd/system/docker.service": "[Service]\nExecStart=/usr/bin/dockerd --debug\n",
            f"{DROP_IN}/20-quiet.conf": "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd\n",
        },
    )
    assert verdict(root, "ACR802") == "pass"
    put(root, {f"{DROP_IN}/30-debug.conf": "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd \\\n  -D\n"})
    (row,) = rows(root, "ACR802")
    assert row.places[0].file.endswith("30-debug.conf")
    assert row.places[0].line == 4
    put(
        root,
        {
            "usr/lib/systemd/system/docker.service.d/30-debug.conf": "[Service]\nExecStart=/usr/bin/dockerd --debug\n"
        },
    )
    put(root, {f"{DROP_IN}/30-debug.conf": ""})
    assert verdict(root, "ACR802") == "pass"
    put(root, {"etc/systemd/system/docker.service": "[Service]\nExecStart=/usr/bin/dockerd -D\n"})
    (root / f"{DROP_IN}/20-quiet.conf").unlink()
    assert verdict(root, "ACR802") == "fail"


def test_proxies_of_the_units_environment(root):
    """`Environment=` with and without quotes, an environment file over it, other sections not at all."""
    put(
        root,
        {
            "lib/systemd/system/docker.service": UNIT,
            f"{DROP_IN}/proxy.conf": '[Service]\n# Environment="HTTP_PROXY=http://x:8888"\nEnvironment="HTTPS_PROXY=http://10.0.75.1:8888/" "NO_PROXY=localhost"\n',
        },
    )
    (row,) = rows(root, "ACR809")
    assert "10.0.75.1:8888" in row.message
    place = row.places[0]
    assert (place.file, place.line, place.column) == (f"{root.as_posix()}/{DROP_IN}/proxy.conf", 3, 14)
    put(
        root,
        {
            f"{DROP_IN}/zz.conf": "[Service]\nEnvironmentFile=-/etc/docker/env\nEnvironmentFile=-/etc/none\n",
            "etc/docker/env": "HTTPS_PROXY=http://proxy:3128\n",
        },
    )
    assert verdict(root, "ACR809") == "pass"
    put(root, {f"{DROP_IN}/zz.conf": "[Service]\nEnvironmentFile=/etc/none\n"})
    assert verdict(root, "ACR809") == "fail"
    put(root, {f"{DROP_IN}/proxy.conf": "[Service]\nEnvironment=\n"})
    (row,) = rows(root, "ACR809")
    assert row.verdict.value == "unknown"
    assert "/etc/none is not there, but the unit needs it" in row.message


def test_units_of_users_and_patterns(root):
    """A rootless daemon has its unit in a home; files named by a pattern or a specifier are not read, which is said."""
    put(
        root,
        {
            "home/ci/.config/systemd/user/docker.service.d/p.conf": "[Service]\nEnvironment=https_proxy=http://127.0.0.1:8888\n"
        },
    )
    (row,) = rows(root, "ACR809")
    assert "/home/ci/.config/systemd/user/docker.service.d/p.conf: https_proxy" in row.message
    put(
        root, {"home/ci/.config/systemd/user/docker.service.d/p.conf": "[Service]\nEnvironmentFile=-%h/env\n"}
    )
    (row,) = rows(root, "ACR809")
    assert row.verdict.value == "unknown"
    assert "named by a pattern are not read" in row.message


def test_a_daemon_json_that_may_not_be_read_is_a_trace(tmp_path, monkeypatch):
    """Somebody set a daemon up, so its rules are not left out."""
    put(tmp_path, {DAEMON: "{}"})
    refuse(monkeypatch, "daemon.json")
    assert verdict(tmp_path, "ACR802") == "unknown"


def test_an_option_on_a_further_line_has_its_own_place(root):
    """Of a command over several lines the line of the option is told."""
    put(
        root,
        {
            "lib/systemd/system/docker.service": "[Service]\nExecStart=/usr/bin/dockerd \\\n  # why\n  -H fd:// \\\n  --debug\n"
        },
    )
    (row,) = rows(root, "ACR802")
    assert (row.places[0].line, row.places[0].column) == (5, 3)


def test_options_of_red_hats_file(tmp_path):
    """Its daemon verifies signatures unless OPTIONS says otherwise; the finding stands at the option or at its file."""
    release = 'ID="rhel"\nPRETTY_NAME="Red Hat Enterprise Linux Server 7.9"\n'
    root = put(
        tmp_path,
        {
            "etc/os-release": release,
            "etc/sysconfig/docker": "# options\nOPTIONS='--selinux-enabled \\\n  --log-driver=journald'\n",
        },
    )
    (row,) = rows(root, "ACR804")
    assert row.verdict.value == "fail"
    assert row.places[0].file.endswith("/etc/sysconfig/docker")
    put(root, {"etc/sysconfig/docker": "OPTIONS='--selinux-enabled --signature-verification=true'\n"})
    (row,) = rows(root, "ACR804")
    assert (row.places[0].line, row.places[0].column) == (1, 28)
    put(root, {"etc/sysconfig/docker": "OPTIONS='--selinux-enabled --signature-verification=false'\n"})
    assert verdict(root, "ACR804") == "pass"
    put(root, {"etc/sysconfig/docker": 'OPTIONS="--signature-verification=$VERIFY"\n'})
    assert verdict(root, "ACR804") == "unknown"
    put(root, {"etc/sysconfig/docker": "OPTIONS=--signature-verification=perhaps\n"})
    assert verdict(root, "ACR804") == "unknown"


def test_options_count_where_the_unit_hands_them_on(root):
    """The file of another init system is not the daemon's: only a variable that the command line names counts."""
    put(
        root,
        {
            "lib/systemd/system/docker.service": UNIT,
            "etc/sysconfig/docker": "OPTIONS=--debug\nhttp_proxy=http://127.0.0.1:8888\n",
        },
    )
    assert verdict(root, "ACR802") == "pass"
    put(root, {f"{DROP_IN}/a.conf": "[Service]\nEnvironmentFile=/etc/sysconfig/docker\n"})
    assert verdict(root, "ACR802") == "fail"
    assert verdict(root, "ACR809") == "fail"


def test_files_of_other_init_systems(root):
    """Without systemd the files of Debian's and Alpine's scripts count, with the proxies that they export."""
    put(
        root,
        {
            "etc/default/docker": 'DOCKER_OPTS="--dns 8.8.8.8 -D"\nexport http_proxy="http://127.0.0.1:8888/"\n'
        },
    )
    assert verdict(root, "ACR802") == "fail"
    (row,) = rows(root, "ACR809")
    assert (row.places[0].line, row.places[0].column) == (2, 8)
    put(
        root,
        {
            "etc/default/docker": "# nothing\n",
            "etc/conf.d/docker": "DOCKER_OPTS=--allow-nondistributable-artifacts=ghcr.io\n",
            STATUS: DPKG.replace("27.3.1", "20.10.7"),
        },
    )
    assert verdict(root, "ACR802") == "pass"
    (row,) = rows(root, "ACR803")
    assert row.verdict.value == "fail"
    assert "(20.10.7) pushes non-distributable layers to ghcr.io" in row.message


def test_units_as_distributions_ship_them(tmp_path):
    """Debian's hands on DOCKER_OPTS of its own file, that of Red Hat 7 several variables of several files."""
    debian = put(
        tmp_path / "debian",
        {
            STATUS: DPKG,
            "usr/lib/systemd/system/docker.service": "[Service]\nType=notify\nEnvironmentFile=-/etc/default/docker\n"
            "ExecStart=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS\n",
            "etc/default/docker": '# Use DOCKER_OPTS to modify the daemon startup options.\n#DOCKER_OPTS="--dns 8.8.8.8"\n',
        },
    )
    assert [verdict(debian, rule) for rule in ("ACR802", "ACR803", "ACR804", "ACR809")] == [
        "pass",
        "pass",
        "notApplicable",
        "pass",
    ]
    put(debian, {"etc/default/docker": 'DOCKER_OPTS="--dns 8.8.8.8 --debug"\n'})
    (row,) = rows(debian, "ACR802")
    assert (row.places[0].line, row.places[0].column) == (1, 28)
    red_hat = put(
        tmp_path / "rhel",
        {
            "etc/os-release": 'ID="rhel"\n',
            "var/lib/rpm/Packages": b"\x00",
            "usr/bin/docker": "",
            "usr/bin/dockerd-current": "",
            "usr/lib/systemd/system/docker.service": "[Service]\nEnvironmentFile=-/run/containers/registries.conf\n"
            "EnvironmentFile=-/etc/sysconfig/docker\nEnvironmentFile=-/etc/sysconfig/docker-network\n"
            "Environment=GOTRACEBACK=crash\nExecStart=/usr/bin/dockerd-current \\\n          $OPTIONS \\\n"
            "          $DOCKER_NETWORK_OPTIONS \\\n          $INSECURE_REGISTRY\n",
            "etc/sysconfig/docker": "OPTIONS='--selinux-enabled --log-driver=journald --signature-verification=false'\n"
            'if [ -z "${DOCKER_CERT_PATH}" ]; then\n    DOCKER_CERT_PATH=/etc/docker\nfi\n'
            "INSECURE_REGISTRY='--insecure-registry 10.0.0.0/8'\n",
        },
    )
    assert [verdict(red_hat, rule) for rule in ("ACR801", "ACR802", "ACR804")] == ["unknown", "pass", "pass"]
    assert [row["registry"] for row in properties(red_hat)["insecureRegistries"]] == ["10.0.0.0/8"]
    put(red_hat, {"etc/sysconfig/docker": "OPTIONS='--selinux-enabled'\n"})
    assert verdict(red_hat, "ACR804") == "fail"


def test_another_configuration_file_counts_alone(root):
    """`--config-file` names the file that is read instead of the usual one."""
    put(
        root,
        {
            "lib/systemd/system/docker.service": "[Service]\nExecStart=/usr/bin/dockerd --config-file /etc/d.json\n",
            DAEMON: {"debug": True},
            "etc/d.json": {},
        },
    )
    assert verdict(root, "ACR802") == "pass"
    put(root, {"etc/d.json": {"debug": True}})
    (row,) = rows(root, "ACR802")
    assert "/etc/d.json: debug" in row.message


def test_amazons_file_of_the_same_name_is_not_red_hats(tmp_path):
    """The file alone makes no daemon of Red Hat; its own programs do."""
    root = put(tmp_path, {"etc/os-release": "ID=amzn\n", "etc/sysconfig/docker": "OPTIONS=\n"})
    assert verdict(root, "ACR804") == "notApplicable"
    put(root, {"etc/os-release": "ID=centos\n"})
    assert verdict(root, "ACR804") == "fail"
    put(root, {STATUS: DPKG})
    assert verdict(root, "ACR804") == "notApplicable"
    put(root, {"etc/os-release": b"\xff", STATUS: ""})
    assert verdict(root, "ACR804") == "unknown"
    put(root, {"usr/bin/dockerd-current": ""})
    assert verdict(root, "ACR804") == "fail"


@pytest.mark.parametrize("url", ["http://", "::::", 7, ["a"], "http://[::1"])
def test_what_is_no_address_is_not_known(root, url):
    """A proxy that cannot be understood is there and unknown."""
    put(root, {DAEMON: {"proxies": {"https-proxy": url}}})
    assert isinstance(properties(root)["interception"][0]["address"], Unknown)
    assert verdict(root, "ACR809") == "unknown"


def test_an_ipv6_proxy_and_an_empty_one(root):
    """Brackets stay; an empty value switches proxies off."""
    put(root, {DAEMON: {"proxies": {"http-proxy": "", "https-proxy": "HTTP://[::1]:8888"}}})
    assert [row["address"] for row in properties(root)["interception"]] == ["[::1]:8888"]
    assert verdict(root, "ACR809") == "fail"


def test_a_flood_of_rows_is_bounded(root):
    """More rows than allowed leave the list open: what was not looked at does not pass."""
    put(
        root,
        {
            DAEMON: {
                "insecure-registries": [f"r{number}" for number in range(1_005)],
                "allow-nondistributable-artifacts": ["a.azurecr.io"] * 1_001,
            }
        },
    )
    found = read(root).body["properties"]
    assert len(found["insecureRegistries"]) == 1_001
    assert isinstance(found["insecureRegistries"][-1], UnreadTail)
