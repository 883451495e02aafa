"""`acrscan init` and `acrscan schema`: first files that are right as they are, and nothing that is replaced unasked."""

from __future__ import annotations

import json
import os
import re
from pathlib import PurePosixPath

import jsonschema
import pytest
import yaml

from scanner import __version__, data
from scanner.cli.config import KEYS, SCOPES, load_defaults
from scanner.cli.door import run
from scanner.cli.first_files import EXAMPLES, HOSTS, config_text
from scanner.text import load_yaml, plain
from scanner.waivers.read import read as read_waivers

FORCED = ["--ci", "none"]


def call(capsys, *arguments):
    code = run([str(one) for one in arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def left(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def schema(name):
    return json.loads((data.policies() / "schemas" / f"{name}.schema.json").read_text("utf-8"))


def document(path):
    """The one document of a file, as the schema sees it."""
    (node,) = load_yaml(path.read_text("utf-8"), path.name)[0]
    return plain(node)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty repository as working folder."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(path):
    """What a configuration file gives a command."""
    return load_defaults(str(path), "scan")["scan"]


def test_the_configuration_is_right_as_it_is(here, capsys):
    """It loads, follows its schema, and every key stands in it with its meaning."""
    assert call(capsys, "init", *FORCED)[0] == 0
    path = here / "acrscan.yaml"
    assert settings(path) == {"fail_on": "high", "waivers": str(here / "acr-waivers.yaml")}
    jsonschema.validate(document(path), schema("config"))
    text = path.read_text("utf-8")
    for key, (_, words) in KEYS.items():
        assert re.search(rf"^# {re.escape(words)}\n#?{key}:", text, re.MULTILINE), key
    for key, (_, words) in SCOPES.items():
        assert re.search(rf"^#  {key}: .*# {re.escape(words)}$", text, re.MULTILINE), key


def test_every_key_of_the_configuration_can_be_set(here):
    """With every # removed the file still loads and follows its schema: the examples are values that count."""
    assert set(EXAMPLES) == set(KEYS)
    path = here / "acrscan.yaml"
    path.write_text(re.sub(r"^#(?! )|^#(?=  )", "", config_text(), flags=re.MULTILINE))
    options = {key.replace("-", "_") for key in KEYS} - {"scopes", "format"} | {"formats"}
    assert set(settings(path)) == options | {option for option, _ in SCOPES.values()}
    jsonschema.validate(document(path), schema("config"))


def test_the_waiver_file_is_right_as_it_is(here, capsys):
    """Empty but valid; with the examples filled in it still is, and `waiver check` takes it."""
    call(capsys, "init", *FORCED)
    path = here / "acr-waivers.yaml"
    register = read_waivers(path)
    assert (register.waivers, register.attestations) == ((), ())
    jsonschema.validate(document(path), schema("waivers"))
    assert call(capsys, "waiver", "check", path)[0] == 0
    text = path.read_text("utf-8")
    text = re.sub(r"^#(?=  )", "", text.replace(": []\n", ":\n"), flags=re.MULTILINE)
    path.write_text(
        text.replace(
            "/subscriptions/.../", "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/"
        )
    )
    register = read_waivers(path)
    assert [one.id for one in register.waivers] == ["W-2026-001"]
    assert [one.id for one in register.attestations] == ["A-2026-001"]
    jsonschema.validate(document(path), schema("waivers"))


@pytest.mark.parametrize("ci", HOSTS)
def test_editors_find_the_schema_of_each_file(here, capsys, ci):
    """Every file with a schema line names a file that is there, relative to itself."""
    code, _, _ = call(capsys, "init", "--ci", ci, "--pack", "policies/acme", "--prefix", "ACME")
    assert code == 0
    call(capsys, "policy", "new", "ACME101", "--name", "one", "--into", "policies/acme")
    hinted = {}
    for name, content in left(here).items():
        match = re.match(rb"# yaml-language-server: \$schema=(\S+)\n", content)
        if match:
            hinted[name] = os.path.normpath(PurePosixPath(name).parent / match[1].decode())
    assert hinted == {
        "acrscan.yaml": ".acrscan/schemas/config.schema.json",
        "acr-waivers.yaml": ".acrscan/schemas/waivers.schema.json",
        "policies/acme/pack.yaml": ".acrscan/schemas/pack.schema.json",
        "policies/acme/ACME101-one.yaml": ".acrscan/schemas/rule.schema.json",
    }
    for target in hinted.values():
        kind = PurePosixPath(target).name.removesuffix(".schema.json")
        assert json.loads((here / target).read_text("utf-8")) == schema(kind)


def test_what_is_there_stays(here, capsys):
    """One file in the way: it is named, and nothing at all is written."""
    (here / "acrscan.yaml").write_text("fail-on: low\n")
    code, _, err = call(capsys, "init", *FORCED)
    assert code == 2
    assert "acrscan.yaml" in err
    assert "Nothing was written" in err
    assert left(here) == {"acrscan.yaml": b"fail-on: low\n"}
    code, _, err = call(capsys, "init", "--force", *FORCED)
    assert code == 0
    assert "replaced acrscan.yaml" in err
    assert "wrote acr-waivers.yaml" in err


def test_twice_is_as_once(here, capsys):
    """A second run finds everything as it would write it."""
    call(capsys, "init")
    before = left(here)
    code, _, err = call(capsys, "init")
    assert code == 0
    assert left(here) == before
    assert set(re.findall(r"^(\w+) ", err, re.MULTILINE)) == {"unchanged"}


def test_a_broken_configuration_can_be_replaced(here, capsys):
    """`init` reads no configuration: a broken one does not stand in the way of its replacement."""
    (here / "acrscan.yaml").write_text("nonsense: [\n")
    assert call(capsys, "init", "--force", *FORCED)[0] == 0
    assert settings(here / "acrscan.yaml")["fail_on"] == "high"


def test_a_pack_of_ones_own(here, capsys):
    """The next command is printed, and it works; what it writes is a pack that loads."""
    code, _, err = call(
        capsys, "init", "--dir", "sub", "--pack", "policies/our rules".replace(" ", "-"), "--prefix", "ACME"
    )
    assert code == 0
    assert err.splitlines()[-1] == "next: acrscan policy new ACME101 --name my-rule --into policies/our-rules"
    os.chdir(here / "sub")
    assert call(capsys, *err.splitlines()[-1].split()[2:])[0] == 0
    code, out, _ = call(capsys, "policy", "test", "policies/our-rules")
    assert code == 1
    assert "0 tests passed, 3 failed" in out
    about = yaml.safe_load((here / "sub/policies/our-rules/pack.yaml").read_text("utf-8"))["pack"]
    assert about == {"id": "our-rules", "prefix": "ACME", "version": "0.1.0"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--pack", "p"], "belong together"),
        (["--prefix", "ACME"], "belong together"),
        (["--pack", "p", "--prefix", "acme"], "2 to 8 capitals"),
        (["--pack", "p", "--prefix", "ACR"], "the pack that ships with acrscan"),
        (["--pack", "../p", "--prefix", "ACME"], "no folder below --dir"),
        (["--pack", "/p", "--prefix", "ACME"], "no folder below --dir"),
        (["--pack", ".", "--prefix", "ACME"], "no folder below --dir"),
        (["--pack", "p: {x", "--prefix", "ACME"], "need quoted"),
        (["--pack", "a/-p", "--prefix", "ACME"], "need quoted"),
        (["--ci", "jenkins"], "jenkins"),
    ],
)
def test_options_that_make_no_sense(here, capsys, options, words):
    """Each is refused with its reason, and nothing is written."""
    code, _, err = call(capsys, "init", *options)
    assert code == 2
    assert words in err
    assert left(here) == {}


def test_places_that_cannot_be_written(here, capsys):
    """A file where a folder must be, a folder where a file must be: an error with the place, no internal error."""
    (here / "file").write_text("x")
    code, _, err = call(capsys, "init", "--dir", "file/sub", *FORCED)
    assert code == 2
    assert "file/sub" in err
    (here / "acrscan.yaml").mkdir()
    code, _, err = call(capsys, "init", *FORCED)
    assert code == 2
    assert "acrscan.yaml: is a folder" in err


def test_a_gitlab_pipeline_that_is_there_already(here, capsys):
    """It is left alone; what to add to it is printed."""
    (here / ".gitlab-ci.yml").write_text("mine: {}\n")
    code, _, err = call(capsys, "init", "--ci", "gitlab")
    assert code == 0
    assert (here / ".gitlab-ci.yml").read_text() == "mine: {}\n"
    assert "  - local: .gitlab/acrscan.yml" in err
    assert (here / ".gitlab/acrscan.yml").is_file()


@pytest.mark.parametrize(
    ("ci", "name"),
    [
        ("github", ".github/workflows/acrscan.yml"),
        ("azure-devops", "azure-pipelines-acrscan.yml"),
        ("gitlab", ".gitlab-ci.yml"),
    ],
)
@pytest.mark.parametrize("pack", [[], ["--pack", "policies/acme", "--prefix", "ACME"]])
def test_pipelines_ask_for_what_the_template_takes(here, capsys, ci, name, pack):
    """Each pipeline is YAML, names this version, and hands over only inputs that its template or action has."""
    assert call(capsys, "init", "--ci", ci, *pack)[0] == 0
    text = (here / name).read_text("utf-8")
    pipeline = yaml.safe_load(text)
    if ci == "github":
        steps = [step for job in pipeline["jobs"].values() for step in job["steps"]]
        given = [step["with"] for step in steps if step.get("uses") == "./.github/actions/acrscan"]
        known = set(
            yaml.safe_load((here / ".github/actions/acrscan/action.yml").read_text("utf-8"))["inputs"]
        )
        assert os.access(here / ".github/actions/acrscan/integrations/github/run.sh", os.X_OK)
    elif ci == "azure-devops":
        given = [
            step["parameters"] for job in pipeline["jobs"] for step in job["steps"] if "template" in step
        ]
        known = {
            one["name"]
            for one in yaml.safe_load((here / ".azuredevops/acrscan.yml").read_text("utf-8"))["parameters"]
        }
    else:
        given = [pipeline["include"][0]["inputs"]]
        known = set(
            next(yaml.safe_load_all((here / ".gitlab/acrscan.yml").read_text("utf-8")))["spec"]["inputs"]
        )
    assert given
    for one in given:
        assert set(one) <= known
        assert one["version"] == __version__
    assert [one["pack"] for one in given if "pack" in one] == (["policies/acme"] if pack else [])


def test_schemas_are_printed_and_written(here, capsys):
    """By name to stdout, all into a folder; a name that is none is met with the nearest one."""
    code, out, _ = call(capsys, "schema", "rule")
    assert code == 0
    assert json.loads(out) == schema("rule")
    listed = call(capsys, "schema")[1].split()
    assert set(listed) >= {"config", "framework", "pack", "profile", "rule", "waivers"}
    code, _, err = call(capsys, "schema", "rules")
    assert code == 2
    assert 'Did you mean "rule"?' in err
    (here / "s").mkdir()
    (here / "s" / "rule.schema.json").write_text("older")
    assert call(capsys, "schema", "--into", "s")[0] == 0
    assert json.loads((here / "s/rule.schema.json").read_text("utf-8")) == schema("rule")
    assert {path.name for path in (here / "s").iterdir()} == {f"{name}.schema.json" for name in listed}
