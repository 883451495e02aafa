"""Every call that the hosts' scripts make is one that acrscan understands: its command, its options, their values."""

from __future__ import annotations

import re

import click
import pytest

from scanner.cli.commands import COMMANDS, POLICY, WAIVER, LazyGroup
from tests.integrations import templates
from tests.integrations.test_github import LINT, TEST

HOSTS = ("github", "azure", "gitlab")
CHECKS = {
    "pack": "p", "base": "main", "release": "v1", "base_broken": "ok", "snapshot": "night", "waivers": "w.yaml", "fail_on": "warning",
    "min_branch": "99.5", "min_score": "90", "max_new": "critical=0\nhigh=3", "no_loosening": "true", "profile": "a\nb",
}  # fmt: skip
SCAN = {
    "command": "scan", "paths": "saved", "pack": "p", "profile": "a\nb", "waivers": "w.yaml", "baseline": "b.ndjson",
    "snapshot": "night", "fail_on": "high",
}  # fmt: skip


def run(machine, host, inputs, *, fork=False):
    """Run a host's script with inputs as the action spells them; gives the calls."""
    given = {"version": "installed", **inputs}
    if host == "github":
        machine.run(**given, fork=fork)
        return machine.calls()
    given["profiles"] = given.pop("profile")
    environment = (
        {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "1", "CI_MERGE_REQUEST_PROJECT_ID": "2"} if fork else {}
    )
    if host == "gitlab":
        templates.gitlab(machine, environment=environment, **given)
    else:
        environment = {"SYSTEM_PULLREQUEST_ISFORK": "True"} if fork else {}
        camel = {re.sub(r"_(\w)", lambda one: one[1].upper(), name): value for name, value in given.items()}
        templates.azure(machine, environment=environment, **camel)
    return machine.calls()


def read(call):
    """Read a call as acrscan would, without carrying it out; "" or the command that is not there."""
    group, table = {"policy": ("policy", POLICY), "waiver": ("waiver", WAIVER)}.get(call[0], ("", COMMANDS))
    name, *arguments = call[1:] if group else call
    command = LazyGroup(name=group, table=table).get_command(click.Context(click.Group(group)), name)
    if command is None:
        return f"{group} {name}"
    command.make_context(name, list(arguments))
    return ""


@pytest.mark.parametrize("host", HOSTS)
def test_checks_of_a_fork(machine, host):
    """All checks with every input: no option that a command has not, no format it cannot write, no value it refuses."""
    machine.fake(policy_lint={"files": LINT}, policy_test={"files": TEST})
    calls = run(machine, host, CHECKS, fork=True)
    assert {tuple(call[:2]) for call in calls} == {
        ("policy", "lint"), ("policy", "test"), ("policy", "mutate"), ("policy", "diff"), ("policy", "impact"), ("waiver", "check"),
    }  # fmt: skip
    assert any("--estate=synthetic" in call for call in calls)
    assert {read(call) for call in calls} == {""}


@pytest.mark.parametrize("host", HOSTS)
def test_scans(machine, host):
    """A scan with every input."""
    machine.fake()
    (call,) = run(machine, host, SCAN)
    assert read(call) == ""


def test_the_reader_refuses_what_is_wrong():
    """The check itself: an option, a value and a command that do not exist."""
    for call in (["policy", "lint", "--sever"], ["scan", "--fail-on=awful"]):
        with pytest.raises(click.ClickException):
            read(call)
    assert read(["policy", "polish"]) == "policy polish"
