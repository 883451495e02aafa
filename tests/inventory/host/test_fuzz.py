"""Whatever lies in the files of a host, a resource comes out of it that can be stored, and no rule is left without a verdict."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner import pipeline
from scanner.engine.evaluate import Options
from scanner.inventory.record import from_record, to_record
from tests.inventory.host.building import CONFIG, DAEMON, NOW, PACK, RULES, STATUS, put, reading

TRUST = "root/.docker/trust/tuf/x.azurecr.io/a/metadata"
TEXTS = (
    "etc/environment",
    "etc/sysconfig/docker",
    "etc/default/docker",
    "etc/profile.d/a.sh",
    "etc/passwd",
    "etc/group",
    "etc/hostname",
    "etc/os-release",
    "etc/systemd/system/docker.service",
    "etc/systemd/system/docker.service.d/a.conf",
    "usr/local/share/ca-certificates/a.crt",
    "root/.docker/trust/private/a.key",
    "var/lib/rpm/rpmdb.sqlite",
    "lib/apk/db/installed",
    STATUS,
)
JSONS = (DAEMON, CONFIG, f"{TRUST}/root.json", f"{TRUST}/targets.json", "home/a/.dockercfg")
KEYS = [
    "debug",
    "log-level",
    "proxies",
    "http-proxy",
    "https-proxy",
    "insecure-registries",
    "allow-nondistributable-artifacts",
    "auths",
    "auth",
    "signature-verification",
    "x.azurecr.io",
    "identitytoken",
    "username",
    "password",
    "credHelpers",
    "credsStore",
    "default",
    "httpProxy",
    "signed",
    "expires",
    "keys",
    "roles",
    "keyids",
    "keyval",
    "public",
    "keytype",
    "delegations",
    "name",
]
PIECES = st.sampled_from(
    (
        "[Service]\n", "ExecStart=", "dockerd ", "--debug", "--log-level", " ", "$OPTIONS", "\\\n", "\n", "'", '"', "#",
        "Environment=", "EnvironmentFile=", "HTTPS_PROXY=", "http://u:p@127.0.0.1:8888", "OPTIONS=", "export ", "=", ":",
        "root:x:0:0::/root:/bin/sh", "Package: docker-ce\n", "Version: 1\n", "P:docker\n", "DOCKER_CONTENT_TRUST=1",
        "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "mitmproxy", "\r", "\x00", "\x1b[2J", "\u2028", "é", "/../",
    )
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(("debug", "docker.io", "127.0.0.1:8888", "ecdsa-x509", "0.0.0.0/0")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip
SOME = st.binary(max_size=60) | st.lists(PIECES, max_size=12).map("".join)


@settings(deadline=None, max_examples=150)
@given(
    st.dictionaries(st.sampled_from(TEXTS), SOME, max_size=6),
    st.dictionaries(st.sampled_from(JSONS), VALUES | SOME, max_size=4),
)
def test_no_file_of_a_host_ends_a_scan(texts, objects):
    """Bytes, texts and objects of any shape, in every file that is read."""
    with tempfile.TemporaryDirectory() as folder:
        root = put(Path(folder), {"usr/bin/docker": "", **texts, **objects})
        inventory = reading(root).inventory
        (resource,) = inventory.parts["acrscan/hosts"]
        again = from_record(json.loads(json.dumps(to_record(resource))))
        assert again.body == resource.body
        found = pipeline.scan(PACK, inventory, now=NOW, words="", options=Options(keep_passes=True))
        assert {row.rule for row in found.findings} == set(RULES)
