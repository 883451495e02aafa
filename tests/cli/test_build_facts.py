"""Facts of checkout and build: what each pipeline says, what git says, and that nothing secret gets out."""

import subprocess

import pytest

from scanner.cli.build_facts import build_facts, repository

SHA = "0123456789abcdef0123456789abcdef01234567"
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "contoso/registries",
    "GITHUB_SHA": SHA,
    "GITHUB_REF_NAME": "main",
    "GITHUB_TOKEN": "ghs_secret",
}
AZURE = {
    "TF_BUILD": "True",
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/contoso/",
    "SYSTEM_TEAMPROJECTID": "00000000-0000-0000-0000-0000000000aa",
    "SYSTEM_DEFINITIONID": "42",
    "SYSTEM_PHASEID": "3c9f4a0e-2f0e-5e44-9d38-0d3f5a1a9b10",
    "SYSTEM_PHASENAME": "scan",
    "BUILD_DEFINITIONNAME": "acr nightly",
    "BUILD_BUILDID": "1001",
    "BUILD_REPOSITORY_URI": "https://someone@dev.azure.com/contoso/platform/_git/registries",
    "BUILD_SOURCEVERSION": SHA,
    "BUILD_SOURCEBRANCH": "refs/heads/main",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_URL": "https://gitlab.example/contoso/registries",
    "CI_COMMIT_SHA": SHA,
    "CI_COMMIT_REF_NAME": "main",
}


@pytest.fixture
def checkout(tmp_path):
    """A git checkout with a folder in it."""
    root = tmp_path / "checkout"
    (root / "infra" / "prod").mkdir(parents=True)
    (root / "infra" / "prod" / "main.bicep").write_text("")

    def git(*words):
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True)

    git("init", "-q", "-b", "trunk")
    git("add", ".")
    git("commit", "-q", "-m", "x")
    git("remote", "add", "origin", "https://user:secret@github.com/contoso/registries.git")
    return root


def test_github_actions(tmp_path):
    """Repository, revision and branch; nothing else of its environment."""
    assert build_facts(GITHUB, tmp_path) == {
        "repository": "https://github.com/contoso/registries",
        "revision": SHA,
        "branch": "main",
    }


def test_azure_pipelines(tmp_path):
    """Everything that Azure DevOps wants to see again in a log."""
    assert build_facts(AZURE, tmp_path) == {
        "repository": "https://dev.azure.com/contoso/platform/_git/registries",
        "revision": SHA,
        "branch": "refs/heads/main",
        "organisation": "contoso",
        "project": "00000000-0000-0000-0000-0000000000aa",
        "definitionId": "42",
        "definitionName": "acr nightly",
        "phaseId": "3c9f4a0e-2f0e-5e44-9d38-0d3f5a1a9b10",
        "phaseName": "scan",
        "buildId": "1001",
    }


@pytest.mark.parametrize(
    ("collection", "organisation"),
    [
        ("https://contoso.visualstudio.com/", "contoso"),
        ("https://dev.azure.com/contoso", "contoso"),
        ("https://tfs.example/tfs/Default", None),
        ("", None),
    ],
)
def test_organisations(tmp_path, collection, organisation):
    """The old and the new address; a server of one's own has none."""
    facts = build_facts({**AZURE, "SYSTEM_COLLECTIONURI": collection}, tmp_path)
    assert facts.get("organisation") == organisation


def test_older_agents_name_the_job_instead_of_the_phase(tmp_path):
    """What stands in for what is missing, and never for what is there."""
    job = {"SYSTEM_JOBID": "job", "SYSTEM_JOBNAME": "name", "BUILD_DEFINITIONID": "7"}
    old = {key: value for key, value in AZURE.items() if key not in ("SYSTEM_PHASEID", "SYSTEM_PHASENAME")}
    facts = build_facts({**old, **job}, tmp_path)
    assert (facts["phaseId"], facts["phaseName"], facts["definitionId"]) == ("job", "name", "42")
    assert build_facts({**AZURE, **job}, tmp_path)["phaseName"] == "scan"


def test_gitlab(tmp_path):
    """Repository, revision and branch."""
    assert build_facts(GITLAB, tmp_path)["repository"] == "https://gitlab.example/contoso/registries"


def test_a_fact_nobody_knows_is_left_out(tmp_path):
    """No pipeline and no checkout: nothing; a pipeline that lacks a variable lacks that fact."""
    assert build_facts({}, tmp_path) == {}
    assert build_facts({"CI_COMMIT_SHA": SHA}, tmp_path) == {}
    assert "buildId" not in build_facts({**AZURE, "BUILD_BUILDID": " "}, tmp_path)
    assert "repository" not in build_facts({**GITHUB, "GITHUB_REPOSITORY": ""}, tmp_path)


def test_git_tells_the_rest(checkout):
    """Where the checkout is, where in it we are, and without its password whose it is."""
    facts = build_facts({}, checkout / "infra" / "prod")
    assert (facts["root"], facts["folder"], facts["branch"]) == (str(checkout), "infra/prod", "trunk")
    assert facts["repository"] == "https://github.com/contoso/registries"
    assert len(facts["revision"]) == 40
    assert "secret" not in str(facts)
    assert "folder" not in build_facts({}, checkout)
    assert build_facts(GITHUB, checkout)["revision"] == SHA


def test_without_git_the_pipeline_names_the_checkout(checkout, monkeypatch):
    """In a container git may be missing, or refuse another owner's folder."""
    monkeypatch.setenv("PATH", str(checkout))
    facts = build_facts({**GITHUB, "GITHUB_WORKSPACE": str(checkout)}, checkout / "infra")
    assert (facts["root"], facts["folder"]) == (str(checkout), "infra")
    assert "root" not in build_facts({**GITHUB, "GITHUB_WORKSPACE": "/elsewhere"}, checkout)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("git@github.com:contoso/r.git", "https://github.com/contoso/r"),
        ("ssh://git@gitlab.example:2222/contoso/r.git", "https://gitlab.example/contoso/r"),
        (
            "git@ssh.dev.azure.com:v3/contoso/my project/r",
            "https://dev.azure.com/contoso/my%20project/_git/r",
        ),
        (
            "https://contoso.visualstudio.com/DefaultCollection/p/_git/r",
            "https://dev.azure.com/contoso/p/_git/r",
        ),
        ("https://u:p@git.example:8443/r.git?token=x#y", "https://git.example:8443/r"),
        ("https://git.example:bad/r", ""),
        ("http://git.example/r", ""),
        ("file:///srv/r", ""),
        ("/srv/r.git", ""),
        ("../r", ""),
        ("C:/r", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_addresses_of_repositories(address, shown):
    """An https address without names, passwords, queries; or none."""
    assert repository(address) == shown
