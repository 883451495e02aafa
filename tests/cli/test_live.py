"""`scan`, `collect`, `doctor` and `storage` against the loopback Azure, as a user runs them: processes, signals, exit codes."""

from __future__ import annotations

import json
import re
import signal
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from scanner.inventory import snapshot
from tests.azure_server import running
from tests.azure_server.ca import authority
from tests.azure_server.faults import Fault, throttled
from tests.azure_server.server import SECRET
from tests.estate import build
from tests.inventory.live import command

REGISTRIES = "microsoft.containerregistry/registries"


@pytest.fixture
def server():
    with running() as found:
        yield found
        assert found.server.forbidden == []


def last(text):
    return text.strip().splitlines()[-1]


def test_scan_reports_and_says_what_is_missing(server, tmp_path):
    """The whole way: SARIF and HTML are written, the completeness table names the permission and its command."""
    done = command(server, "scan", "-f", "sarif", "-f", "html", "-f", "json", "-o", tmp_path / "out")
    assert done.returncode == 1, done.stderr
    assert "not read" in done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "acrscan.sarif",
        "acrscan.html",
        "acrscan.json",
    }
    told = json.loads((tmp_path / "out" / "acrscan.json").read_text())
    runs = {run["collection"]: run for run in told["header"]["runs"]}
    (problem,) = runs["Microsoft.ContainerRegistry/registries/tokens"]["problems"]
    assert problem["action"] == "Microsoft.ContainerRegistry/registries/tokens/read"
    assert "az role assignment create" in done.stdout
    assert "Microsoft.ContainerRegistry/registries/tokens/read" in done.stdout
    sarif = json.loads((tmp_path / "out" / "acrscan.sarif").read_text())
    notifications = sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert any("tokens" in item["message"]["text"] for item in notifications)


def test_what_stays_undecided_ends_with_three(server, tmp_path):
    server.faults.append(Fault("POST.*ResourceGraph", "status", times=-1, status=403))
    done = command(server, "scan", "--fail-on", "never", "-q")
    assert done.returncode == 3
    assert "undecided" in last(done.stderr)


def test_secrets_never_reach_a_file_or_a_line(server, tmp_path):
    done = command(
        server,
        "scan",
        "--snapshot",
        tmp_path / "night",
        "-f",
        "json",
        "-o",
        tmp_path / "out",
        "--log-format",
        "json",
    )
    everything = (
        done.stdout
        + done.stderr
        + "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    )
    for word in (SECRET, "not-a-real-password-1234", *server.server.tokens):
        assert word not in everything


def test_json_logs_are_lines_of_json(server, tmp_path):
    done = command(server, "collect", "--out", tmp_path / "night", "--log-format", "json")
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    events = [line["event"] for line in lines]
    assert events[0] == "scope"
    assert "finished" in events
    assert all(re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", line["time"]) for line in lines)
    (unread,) = [line for line in lines if line["event"] == "unread"]
    assert unread["level"] == "warning"


def test_throttling_is_told(server, tmp_path):
    server.faults.append(throttled("1", times=3))
    done = command(server, "collect", "--out", tmp_path / "night")
    assert "3 throttled" in done.stderr


# -- going on --------------------------------------------------------------------------------------------------------


def interrupted(server, number, *arguments):
    """(the ended process, its stderr): a command that got a signal after sixty slow requests."""
    server.faults.append(Fault("GET management", "slow", times=-1, seconds=0.15))
    before = len(server.requests)
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:  # a shell that runs the tests in the background ignores Ctrl-C, and what is started from there would too
        process = command(server, *arguments, wait=False)
    finally:
        signal.signal(signal.SIGINT, earlier)
    while len(server.requests) - before < 60 and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(number)
    return process, process.communicate(timeout=60)[1]


@pytest.fixture
def whole(server, tmp_path):
    """The digest of a collection that nobody disturbed."""
    command(server, "collect", "--out", tmp_path / "whole")
    return snapshot.collect(tmp_path / "whole").digest


@pytest.mark.parametrize("after", [5, 40, 70, 100, 130])
def test_killed_anywhere_and_resumed_it_ends_with_the_same_snapshot(server, tmp_path, whole, after):
    """SIGKILL leaves no chance to tidy up; what was finished is not asked for again."""
    server.faults.append(Fault(".", "slow", times=-1, seconds=0.01))
    before = len(server.requests)
    process = command(server, "collect", "--out", tmp_path / "night", wait=False)
    while len(server.requests) - before < after and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.communicate()
    asked = len(server.requests)
    done = command(server, "collect", "--out", tmp_path / "night", "--resume")
    assert snapshot.collect(tmp_path / "night").digest == whole, done.stderr
    if after >= 40:
        assert len(server.requests) - asked < before, "the finished part is not read again"
    assert not (tmp_path / "night.journal").exists()


def test_ctrl_c_leaves_a_valid_partial_snapshot(server, tmp_path, whole):
    process, errors = interrupted(server, signal.SIGINT, "collect", "--out", tmp_path / "night")
    assert process.returncode == 130, errors
    assert "--resume goes on" in last(errors)
    partial = snapshot.collect(tmp_path / "night")
    assert any(
        problem.reason == "the collection was interrupted" for run in partial.runs for problem in run.problems
    )
    del server.faults[:]
    command(server, "collect", "--out", tmp_path / "night", "--resume")
    assert snapshot.collect(tmp_path / "night").digest == whole


def test_an_interrupted_run_does_not_replace_an_older_snapshot(server, tmp_path, whole):
    """It lies beside until the run has been gone on with."""
    process, errors = interrupted(server, signal.SIGINT, "collect", "--out", tmp_path / "whole")
    assert process.returncode == 130, errors
    assert snapshot.collect(tmp_path / "whole").digest == whole
    assert snapshot.collect(tmp_path / "whole.partial").runs
    del server.faults[:]
    command(server, "collect", "--out", tmp_path / "whole", "--resume")
    assert snapshot.collect(tmp_path / "whole").digest == whole
    assert not (tmp_path / "whole.partial").exists()


def test_a_scan_that_is_interrupted_reports_what_it_has(server, tmp_path):
    process, errors = interrupted(server, signal.SIGTERM, "scan", "-f", "json", "-o", tmp_path / "out")
    assert process.returncode == 130, errors
    told = json.loads((tmp_path / "out" / "acrscan.json").read_text())
    assert told["tallies"]


def test_two_runs_at_once_are_locked_out(server, tmp_path):
    server.faults.append(Fault("GET management", "slow", times=-1, seconds=0.15))
    first = command(server, "collect", "--out", tmp_path / "night", wait=False)
    while len(server.requests) < 5:
        time.sleep(0.005)
    second = command(server, "collect", "--out", tmp_path / "night")
    assert second.returncode == 2
    assert "another run is writing it" in second.stderr
    first.communicate(timeout=60)
    assert first.returncode == 3


def test_a_folder_that_holds_something_else_is_told_before_azure_is_asked(server, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    done = command(server, "collect", "--out", tmp_path)
    assert done.returncode == 2
    assert "holds something that is no snapshot" in done.stderr
    assert server.requests == []


def test_a_folder_that_cannot_be_made_is_one_clear_line(server, tmp_path):
    (tmp_path / "file").write_text("")
    done = command(server, "collect", "--out", tmp_path / "file" / "night")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert server.requests == []


# -- an estate that shrinks ------------------------------------------------------------------------------------------


def test_a_subscription_that_is_no_longer_visible_is_not_resolved(server, tmp_path):
    night = tmp_path / "night"
    command(server, "collect", "--out", night)
    server.state.remove(f"/subscriptions/{build.DEV}")
    done = command(server, "scan", "--snapshot", night, "-f", "json", "-o", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "acrscan.json").read_text())
    lost = {
        item["resource"]
        for item in told["findings"]
        if item["verdict"] == "unknown" and "scope lost" in item["reason"]
    }
    assert {build.BY_NAME[name]["id"] for name in ("harbourdev", "harbourbuild", "harbourtokens")} <= lost
    assert not [
        item
        for item in told["findings"]
        if f"/{build.DEV}/" in item["resource"] and item["verdict"] == "fail"
    ]
    assert done.returncode in (1, 3)


def test_a_registry_that_was_deleted_is_gone(server, tmp_path):
    night = tmp_path / "night"
    command(server, "collect", "--out", night)
    server.state.remove(build.BY_NAME["harbourdev"]["id"])
    command(server, "collect", "--out", night)
    found = snapshot.collect(night)
    assert "harbourdev" not in [item.name for item in found.parts[REGISTRIES]]
    assert any("harbourdev: deleted since" in note for note in found.diagnostics)


def test_a_registry_that_may_no_longer_be_read_is_kept_as_unknown(server, tmp_path):
    night = tmp_path / "night"
    command(server, "collect", "--out", night)
    victim = build.BY_NAME["harbourdev"]["id"]
    held = server.state.resources[victim.lower()]
    server.state.remove(victim)
    server.state.refuse(victim, "Microsoft.ContainerRegistry/registries/read")
    done = command(
        server, "scan", "--snapshot", night, "--rule", "ACR101", "-f", "json", "-o", "-", "--exit-zero"
    )
    told = json.loads(done.stdout)
    (one,) = [item for item in told["findings"] if item["resource"] == victim]
    assert one["verdict"] == "unknown"
    assert "scope lost" in one["reason"]
    assert held["name"] == "harbourdev"


def test_asking_for_less_is_no_loss(server, tmp_path):
    command(server, "collect", "--out", tmp_path / "all")
    done = command(
        server,
        "collect",
        "--subscription",
        "harbour-prod",
        "--previous",
        tmp_path / "all",
        "--out",
        tmp_path / "less",
    )
    assert "scope lost" not in done.stderr
    assert len(snapshot.collect(tmp_path / "less").parts[REGISTRIES]) == 8


def test_expected_scopes_of_the_configuration(server, tmp_path):
    config = tmp_path / "acrscan.yaml"
    config.write_text(
        "scopes:\n  subscriptions: [harbour-dev]\n  expect: [harbour-dev, harbour-gone]\nauth: client-secret\n"
    )
    done = command(
        server, "--config", config, "scan", "-q", "--fail-on", "never", "-f", "json", "-o", tmp_path / "out"
    )
    assert done.returncode == 3, done.stderr
    told = json.loads((tmp_path / "out" / "acrscan.json").read_text())
    assert "Azure: harbour-dev" in told["header"]["inventory"]
    problems = [problem for run in told["header"]["runs"] for problem in run["problems"]]
    assert any("scopes.expect names it" in problem["reason"] for problem in problems)


# -- verification ----------------------------------------------------------------------------------------------------


def test_verify_looks_up_what_fails_at_its_provider(server, tmp_path):
    """Resource Graph still has a task with a readable token; the provider does not."""
    task = next(one for one in server.state.of_type(f"{REGISTRIES}/tasks") if one["name"] == "web")
    stale = command(server, "scan", "--rule", "ACR712", "-q", "-f", "json", "-o", "-")
    assert any(item["verdict"] == "fail" for item in json.loads(stale.stdout)["findings"])
    fixed = json.loads(json.dumps(task))
    fixed["properties"]["step"]["arguments"] = []
    server.faults.append(Fault(r"GET management.*/tasks/web\?", "body", times=-1, change=lambda _: fixed))
    done = command(server, "scan", "--rule", "ACR712", "--verify", "-f", "json", "-o", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "acrscan.json").read_text())
    assert not [item for item in told["findings"] if item["verdict"] == "fail"]
    assert "1 differ" in done.stderr
    assert "verified" in told["header"]["inventory"]


def test_verify_drops_what_is_gone(server, tmp_path):
    victim = build.BY_NAME["harbourlegacy"]["id"]
    server.faults.append(Fault(rf"GET management.*{victim}\?", "status", times=-1, status=404))
    done = command(
        server, "scan", "--rule", "ACR101", "--verify", "-f", "json", "-o", tmp_path / "out", "--exit-zero"
    )
    told = json.loads((tmp_path / "out" / "acrscan.json").read_text())
    assert victim not in {item["resource"] for item in told["findings"]}
    assert "1 are gone" in done.stderr


# -- doctor ----------------------------------------------------------------------------------------------------------


def checks(done):
    return {item["name"]: item for item in json.loads(done.stdout)}


def test_doctor_finds_nothing_wrong(server):
    done = command(server, "doctor", "-f", "json")
    assert done.returncode == 0, done.stderr
    found = checks(done)
    assert {item["state"] for item in found.values()} == {"ok"}
    assert "0b1e0000-0000-4000-8000-0000000000ab" in found["credential"]["words"]
    assert found["Resource Graph"]["words"].startswith("13 registries")
    assert "249" in found["throttling"]["words"] or "x-ms-ratelimit" in found["throttling"]["words"]


def test_doctor_names_missing_actions_with_the_command(server):
    server.state.permissions[build.DEV] = [
        {"actions": ["*/read"], "notActions": ["Microsoft.Authorization/*/read"]}
    ]
    server.state.permissions[build.PROD] = [{"actions": ["*/read"], "notActions": []}]
    done = command(server, "doctor", "-f", "json")
    assert done.returncode == 3
    found = checks(done)
    assert "Microsoft.Authorization/roleAssignments/read" in found["permissions on harbour-dev"]["words"]
    assert f"--role Reader --scope /subscriptions/{build.DEV}" in found["permissions on harbour-dev"]["fix"]
    assert "policyStates/queryResults/action" in found["permissions on harbour-prod"]["words"]
    assert '--role "acrscan Reader"' in found["permissions on harbour-prod"]["fix"]


def test_doctor_warns_of_an_identity_that_may_read_passwords(server):
    server.state.permissions[build.DEV] = [{"actions": ["*"], "notActions": []}]
    found = checks(command(server, "doctor", "-f", "json"))
    assert found["permissions on harbour-dev"]["state"] == "warning"
    assert "listCredentials" in found["permissions on harbour-dev"]["words"]


def test_doctor_without_a_credential_says_what_was_tried(server):
    done = command(server, "doctor", AZURE_CLIENT_SECRET="wrong")
    assert done.returncode == 4
    assert "AADSTS7000215" in done.stdout
    assert "FAILED  credential" in done.stdout


@pytest.mark.parametrize(
    ("minutes", "state", "words"),
    [(10, "failed", "behind Azure"), (-10, "failed", "ahead of Azure"), (1, "ok", "behind Azure")],
)
def test_doctor_compares_clocks(server, minutes, state, words):
    when = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    server.faults.append(
        Fault(r"GET management.azure.com/subscriptions\?", "headers", times=1, headers={"Date": when})
    )
    clock = checks(command(server, "doctor", "-f", "json"))["clock"]
    assert clock["state"] == state
    assert words in clock["words"]


def test_doctor_hides_the_password_of_a_proxy(server):
    port = server.proxy.port
    done = command(server, "doctor", HTTPS_PROXY=f"http://user:hunter2@127.0.0.1:{port}")
    assert "hunter2" not in done.stdout + done.stderr
    assert "***@" in done.stdout


def test_doctor_lists_subscriptions_that_share_a_name(server):
    server.state.put({**server.state.resources[f"/subscriptions/{build.DEV}"], "displayName": "harbour-prod"})
    found = checks(command(server, "doctor", "-f", "json"))
    assert "share a name" in found["names"]["words"]


# -- what stands in the way ------------------------------------------------------------------------------------------


def test_an_authority_that_is_not_trusted(server, tmp_path):
    other = authority(tmp_path, "unknown")
    done = command(server, "scan", SSL_CERT_FILE=str(other.file), REQUESTS_CA_BUNDLE=str(other.file))
    assert done.returncode == 4
    assert "certificate verify failed" in done.stderr.lower()


def test_a_bundle_that_is_no_file(server):
    done = command(server, "scan", SSL_CERT_FILE="/nowhere/ca.pem")
    assert done.returncode == 2
    assert "SSL_CERT_FILE=/nowhere/ca.pem" in done.stderr


def test_a_proxy_that_is_not_there(server):
    done = command(server, "scan", HTTPS_PROXY="http://127.0.0.1:9")
    assert done.returncode == 4
    assert "127.0.0.1" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["scan", "--cloud", "AzureMoon"], "no cloud 'AzureMoon'"),
        (["scan", "--resource-manager", "http://x"], "is no https address"),
        (["scan", "--auth", "magic"], "no way to log in called 'magic'"),
        (["collect", "--out", "{tmp}/x", "--from", "azure", "file.json"], "reads no files"),
        (["scan", "--resume"], "--resume needs the folder"),
    ],
)
def test_options_that_make_no_sense(server, tmp_path, arguments, words):
    done = command(server, *[item.replace("{tmp}", str(tmp_path)) for item in arguments])
    assert done.returncode == 2
    assert words in done.stderr


def test_storage_of_a_snapshot(server, tmp_path):
    command(server, "collect", "--registry", "harbourgeo", "--data-plane", "--out", tmp_path / "night")
    done = command(server, "storage", tmp_path / "night", "-f", "json")
    rows = {row["repository"]: row for row in json.loads(done.stdout)}
    assert rows["shop/web"]["freeableBytes"] == 3 * (1_000_000 + 1000)
    shown = command(server, "storage", tmp_path / "night").stdout
    assert "harbourgeo/shop/web" in shown.splitlines()[1]


def test_storage_without_a_data_plane(server, tmp_path):
    command(server, "collect", "--registry", "harbourgeo", "--out", tmp_path / "night")
    done = command(server, "storage", tmp_path / "night")
    assert done.returncode == 3
    assert "data plane not asked for" in last(done.stderr)
