"""SARIF of what was only partly looked at: what is refused, and what is left out on purpose."""

import io
from dataclasses import replace

import pytest

from scanner.errors import PartialError, UsageError
from scanner.formats import sarif
from scanner.model.gaps import gaps
from scanner.model.resource import Problem, SourceRun
from scanner.model.scan import ScopeLine
from tests.formats.github_ingestion import category, complaints
from tests.formats.sample import DEV, LINES, PROD, REGISTRIES
from tests.formats.sarif_tools import DONE, rendered, run_of, settings_of, unmarked, whole_scan

GITHUB = settings_of("github")
PURPOSE = ScopeLine("00000000-0000-0000-0000-000000000009", "Sandbox", 0, "left out on purpose")
SCOPE = (ScopeLine(PROD, "Contoso production", 2), ScopeLine(DEV, "", 1), PURPOSE)


def test_what_was_left_out_on_purpose_is_no_gap():
    """An exclusion of the user does not refuse the file, whether it is a subscription or a part of a collection."""
    chosen = SourceRun(
        "azure", REGISTRIES, "partial", 3, (Problem(LINES[0].id, "not included", chosen=True),)
    )
    scan = whole_scan(scope=SCOPE, runs=(chosen,))
    assert gaps(scan) == []
    assert complaints(rendered(scan, GITHUB)) == []


def test_a_subscription_left_out_on_purpose_gets_no_empty_file():
    """It would close every alert of its category."""
    files = sarif.writers(whole_scan(scope=SCOPE), replace(GITHUB, sarif_split=True))
    assert list(files) == [".no-subscription.sarif", f".{PROD}.sarif", f".{DEV}.sarif"]


def test_a_subscription_that_was_not_wholly_read_is_a_gap():
    """Its own line says so, even if no collection does."""
    unread = replace(SCOPE[1], reason="HTTP 403")
    scan = whole_scan(scope=(SCOPE[0], unread, PURPOSE))
    assert gaps(scan) == [f"subscription {DEV}: HTTP 403"]
    assert gaps(scan, PROD) == []
    files = sarif.writers(scan, replace(GITHUB, sarif_split=True))
    assert list(files)[-1] == f".{DEV}.sarif"
    with pytest.raises(PartialError, match=DEV):
        files[f".{DEV}.sarif"](scan, io.BytesIO())


@pytest.mark.parametrize("findings", [(), unmarked()])
def test_a_check_of_files_never_has_the_category_of_a_scan_of_azure(findings):
    """Also without a single finding: an empty log in the other's category would close all of its alerts."""
    files = whole_scan(runs=(SourceRun("terraform", REGISTRIES, "complete", 3),), findings=findings)
    azure = whole_scan(runs=DONE, findings=findings)
    assert category(run_of(files, GITHUB)).startswith("acrscan-files/")
    assert category(run_of(azure, GITHUB)).startswith("acrscan/")


def test_the_profile_of_azure_devops_refuses_another_host():
    """The service drops runs whose repository is not its own."""
    settings = settings_of("azdo")
    facts = {**settings.pipeline, "repository": "https://github.com/contoso/registries"}
    with pytest.raises(UsageError, match="repositories of Azure DevOps"):
        rendered(whole_scan(), replace(settings, pipeline=facts))
    rendered(whole_scan(), settings)
