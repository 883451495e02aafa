"""A folder as it was at a git reference: what is found, what is refused, and what the messages say."""

import os
import subprocess
from pathlib import Path

import pytest

from scanner.errors import InputError, Problems, RuleError, ScannerError, UsageError
from scanner.workbench.revision import (
    PackAbsentError,
    file_at,
    is_folder,
    load_at,
    pack_at,
    revision,
)
from tests.workbench.repository import ENVIRONMENT, PACK, Repository, rule


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository whose main has a pack with two rules, and a branch `work` with one of them changed."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    found = Repository(tmp_path / "repo")
    found.commit(
        {
            "rules/acr/pack.yaml": PACK,
            "rules/acr/TST101.yaml": rule("TST101"),
            "rules/acr/deep/TST102.yaml": rule("TST102"),
            "rules/acr/notes.txt": "not a rule",
        }
    )
    found.git("switch", "-q", "-c", "work")
    found.commit({"rules/acr/TST101.yaml": rule("TST101").replace("severity: high", "severity: low")})
    return found


def test_the_folder_is_copied_as_it_was(repository):
    """Only YAML files, in their folders; the work tree keeps its own content, and the copy goes away."""
    folder = repository.place / "rules/acr"
    before = (folder / "TST101.yaml").read_text()
    with pack_at("main", folder) as copy:
        names = sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file())
        assert names == ["TST101.yaml", "deep/TST102.yaml", "pack.yaml"]
        assert "severity: high" in (copy / "TST101.yaml").read_text()
    assert not copy.exists()
    assert (folder / "TST101.yaml").read_text() == before
    assert repository.git("status", "--porcelain") == ""


def test_places_name_the_files_of_the_repository(repository, monkeypatch):
    """Rules of the base side have the marks that the same files have in the work tree."""
    monkeypatch.chdir(repository.place)
    pack = load_at("main", Path("rules/acr"))
    assert [str(one.mark) for one in pack.rules] == [
        "rules/acr/TST101.yaml:1:1",
        "rules/acr/deep/TST102.yaml:1:1",
    ]
    assert pack.rules[0].severity == "high"
    assert load_at("HEAD", Path("rules/acr")).rules[0].severity == "low"


def test_the_base_is_where_the_branch_left(repository):
    """What main got later does not count as a change of this branch, unless the reference itself is asked for."""
    fork = repository.git("rev-parse", "main")
    repository.git("switch", "-q", "main")
    tip = repository.commit({"rules/acr/TST103.yaml": rule("TST103")})
    repository.git("switch", "-q", "work")
    folder = repository.place / "rules/acr"
    assert revision("main", folder).commit == fork
    assert "where this branch left main" in revision("main", folder).words
    assert revision("main", folder, exact=True).commit == tip
    assert len(load_at("main", folder).rules) == 2
    assert len(load_at("main", folder, exact=True).rules) == 3


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("--output=/tmp/x", "is no git reference"),
        ("-h", "is no git reference"),
        ("", "is no git reference"),
        ("main:rules", "is no git reference"),
        ("main\nx", "is no git reference"),
        ("main..work", "is a range"),
        ("a" * 300, "is no git reference"),
        ("mian", 'Did you mean "main"'),
        ("0123456789abcdef0123456789abcdef01234567", "has no branch, tag or commit"),
    ],
)
def test_what_is_no_reference_is_refused(repository, ref, words):
    """Options, ranges, paths and unknown names never get through, and the message helps."""
    with pytest.raises(UsageError) as caught:
        revision(ref, repository.place / "rules/acr")
    assert words in str(caught.value)


@pytest.mark.parametrize("ref", ["HEAD~1", "work^", "v1", "work@{0}", "main^{commit}"])
def test_other_spellings_of_commits_are_taken(repository, ref):
    """Ancestors, tags and reflog entries."""
    repository.git("tag", "-a", "v1", "-m", "first", "main")
    assert len(revision(ref, repository.place / "rules/acr", exact=True).commit) == 40


def test_a_plain_word_is_never_a_folder(repository, monkeypatch):
    """A folder that somebody names like the base branch is not taken for it."""
    monkeypatch.chdir(repository.place)
    repository.write({"release/pack.yaml": PACK, "release/TST1.yaml": rule("TST101")})
    assert [is_folder(one) for one in ("main", "origin/main", "./main", "../x", "/tmp/x", "..", "C:\\x")] == [
        False, False, True, True, True, True, True,
    ]  # fmt: skip
    with pytest.raises(UsageError, match="has no branch") as caught:
        load_at("release", Path("rules/acr"))
    assert "A folder is written as a path: ./release." in str(caught.value)
    assert len(load_at("./release", Path("rules/acr")).rules) == 1


def test_a_branch_that_only_the_remote_has(repository, tmp_path):
    """As in a pull-request job: only origin/main exists, and `main` finds it."""
    clone = Repository(tmp_path / "clone")
    clone.git("remote", "add", "origin", str(repository.place))
    clone.git("fetch", "-q", "origin")
    clone.git("checkout", "-q", "--detach", "origin/work")
    found = revision("main", clone.place / "rules/acr")
    assert found.commit == repository.git("rev-parse", "main")
    assert "origin/main" in found.words


def test_several_remotes_with_the_branch_are_told(repository, tmp_path):
    """Without an origin, two remotes with the branch cannot be told apart."""
    clone = Repository(tmp_path / "clone")
    for name in ("one", "two"):
        clone.git("remote", "add", name, str(repository.place))
        clone.git("fetch", "-q", name)
    clone.git("checkout", "-q", "--detach", "one/work")
    with pytest.raises(UsageError, match="several remotes have 'main'") as caught:
        revision("main", clone.place / "rules/acr")
    assert "one/main, two/main" in str(caught.value)


def shallow(repository, place, *more):
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", *more, f"file://{repository.place}", str(place)],
        check=True,
        env={**os.environ, **ENVIRONMENT},
    )
    return place / "rules/acr"


def test_a_shallow_clone_without_the_base(repository, tmp_path):
    """The message says how to get the history, for Actions and by hand."""
    folder = shallow(repository, tmp_path / "shallow", "--branch", "work")
    with pytest.raises(InputError, match="is not in this shallow clone") as caught:
        revision("main", folder)
    assert "fetch-depth: 0" in str(caught.value)
    assert "git fetch --unshallow" in str(caught.value)


def test_a_shallow_clone_with_both_tips(repository, tmp_path):
    """Both tips are there and where they met is not: that is said, and the tips can be compared as they are."""
    repository.git("switch", "-q", "main")
    repository.commit({"rules/acr/TST103.yaml": rule("TST103")})
    repository.git("switch", "-q", "work")
    folder = shallow(repository, tmp_path / "shallow", "--no-single-branch", "--branch", "work")
    with pytest.raises(InputError, match="does not reach back to where the branch left 'main'") as caught:
        revision("main", folder)
    assert "fetch-depth: 0" in str(caught.value)
    assert len(load_at("main", folder, exact=True).rules) == 3


def test_histories_that_never_met(repository):
    """Without a common ancestor the reference itself is the base."""
    repository.git("switch", "-q", "--orphan", "other")
    repository.commit({"rules/acr/pack.yaml": PACK, "rules/acr/TST101.yaml": rule("TST101")})
    found = revision("main", repository.place / "rules/acr")
    assert found.commit == repository.git("rev-parse", "main")


def test_no_repository_and_no_git(tmp_path, monkeypatch, repository):
    """Both are told with what to do instead."""
    (tmp_path / "loose").mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(InputError, match="is in no git repository") as caught:
        revision("main", tmp_path / "loose")
    assert "--base ./old-pack" in str(caught.value)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="git is not installed"):
        revision("main", repository.place)


def test_the_pack_is_not_there(repository):
    """A folder that is new since the reference, also one without its pack.yaml then."""
    repository.commit({"rules/new/pack.yaml": PACK, "rules/new/TST1.yaml": rule("TST101")})
    with pytest.raises(PackAbsentError, match="there is no pack at"):
        load_at("main", repository.place / "rules/new")
    with pytest.raises(PackAbsentError), pack_at("main", repository.place / "rules"):
        pass
    with pytest.raises(PackAbsentError), pack_at("main", repository.place / "rules/acr/pack.yaml/x"):
        pass


def test_a_base_that_does_not_parse(repository, monkeypatch):
    """Its errors have the places of the base's files, and say that they are there."""
    monkeypatch.chdir(repository.place)
    repository.git("switch", "-q", "main")
    repository.commit({"rules/acr/TST101.yaml": rule("TST101") + "serverity: high\n"})
    repository.write({"rules/acr/TST101.yaml": rule("TST101")})
    with pytest.raises(Problems) as caught:
        load_at("main", Path("rules/acr"))
    (error,) = caught.value.errors
    assert error.where == "rules/acr/TST101.yaml:13:1"
    assert "(at main, not in the work tree)" in error.what
    assert "acrscan-" not in str(caught.value)


def test_links_submodules_and_odd_names_are_refused(repository, tmp_path):
    """Nothing that a tree can hold leads out of the copy, and nothing is left out silently."""
    folder = repository.place / "rules/acr"
    (folder / "TST109.yaml").symlink_to("/etc/passwd")
    repository.commit({})
    with pytest.raises(RuleError, match="symbolic link at HEAD"):
        load_at("HEAD", folder)
    other = Repository(tmp_path / "other")
    other.commit({"TST110.yaml": rule("TST110")})
    (folder / "TST109.yaml").unlink()
    repository.git("submodule", "--quiet", "add", str(other.place), "rules/acr/sub")
    repository.commit({})
    with pytest.raises(RuleError, match="submodule at HEAD"):
        load_at("HEAD", folder)
    repository.git("rm", "-q", "-f", "rules/acr/sub")
    repository.commit({"rules/acr/a\\..\\b.yaml": rule("TST111")})
    with pytest.raises(RuleError, match="no pack may have"):
        load_at("HEAD", folder)


def test_large_files_are_refused(repository):
    """A file over the limit of a rule file is told with its size before it is read."""
    repository.commit({"rules/acr/TST199.yaml": "# " + "x" * 2_000_001})
    with pytest.raises(RuleError, match="2,000,003 bytes at HEAD"):
        load_at("HEAD", repository.place / "rules/acr")


def test_attributes_and_hook_variables_change_nothing(repository, monkeypatch):
    """export-ignore does not hide a rule, and what a hook sets for its own repository is not taken over."""
    repository.commit({".gitattributes": "*.yaml export-ignore filter=broken\n"})
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert len(load_at("HEAD", repository.place / "rules/acr").rules) == 2


def test_other_files_of_the_repository(repository):
    """A waiver file as it was; None where it was not there; nothing from outside."""
    repository.commit({"waivers.yaml": "a: 1\n"})
    folder = repository.place / "rules/acr"
    now, before = revision("HEAD", folder), revision("main", folder)
    assert file_at(now, repository.place / "waivers.yaml") == b"a: 1\n"
    assert file_at(before, repository.place / "waivers.yaml") is None
    with pytest.raises(InputError, match="not in the repository"):
        file_at(now, Path("/etc/passwd"))


def test_a_folder_that_only_the_base_has(repository):
    """The pack was removed here: the base's is still found."""
    repository.git("rm", "-q", "-r", "rules")
    repository.commit({"README.md": "gone"})
    assert len(load_at("main", repository.place / "rules/acr").rules) == 2


@pytest.mark.parametrize(
    "ref", ["\udcff", "@{", "HEAD^{tree}", "refs/heads/*", "^main", "main@{99}", "main^^^^^^", "~1", " main"]
)
def test_every_refusal_is_one_of_ours(repository, ref):
    """No reference that somebody makes up ends in anything but a `ScannerError`."""
    with pytest.raises(ScannerError) as caught:
        load_at(ref, repository.place / "rules/acr")
    assert str(caught.value)
