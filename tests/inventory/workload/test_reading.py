"""Trees of files: what is recognised, what is said, what is refused, and that no file hides another."""

import os

import pytest

from scanner.errors import InputError
from scanner.inventory.tree import Tree
from scanner.inventory.workload.facts import FILES, IMAGES
from scanner.inventory.workload.reading import read_workload
from scanner.model.values import Unknown
from tests.inventory.workload.trees import NOW, images, read, references, resources, rows, written

GOOD = {"good/Dockerfile": "FROM a.azurecr.io/good:1\n"}
SEEN = ["a.azurecr.io/good:1"]


def said(reading):
    return [f"{error.where}: {error.what}" for error in reading.errors]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bad.yaml", b"image: a.azurecr.io/x\n  b: [\n", "bad.yaml:2:4: is no YAML"),
        ("compose.yaml", b"services:\n\ta: {image: x}\n", "compose.yaml:2:1: is no YAML"),
        ("x.yaml", b"\x7fELF\x00\x00a.azurecr.io", "x.yaml:1:1: is no text"),
        ("x.yaml", b"apiVersion: v1\nkind: \xff\xfe a.azurecr.io\n", "x.yaml:2: is not UTF-8 text (byte 21)"),
        ("Dockerfile", b"FROM \xff\n", "Dockerfile:1: is not UTF-8 text (byte 5)"),
        ("run.sh", b"docker \x00", "run.sh:1:8: is no text"),
        ("big.yaml", b"# " + b"x" * 20_000_000, "big.yaml: has 20,000,002 bytes"),
        ("deep.yaml", b"image: " + b"[" * 1_000, "deep.yaml:1:"),
        (
            "bomb.yaml",
            b"services: {x: {image: y}}\na: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
            "once its aliases are written out",
        ),
        ("long.sh", b"docker " * 100_001, "more than 100,000 words"),
    ],
)
def test_a_bad_file_is_an_error_and_hides_no_other(tmp_path, name, content, words):
    """Each with its place; the rest of the tree is read."""
    reading = read(tmp_path, {name: content, **GOOD})
    assert words in said(reading)[0]
    assert len(reading.errors) == 1
    assert list(references(reading).values()) == SEEN


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.yaml", b"a: b: c\n"),
        ("data.json", b"{\n"),
        ("image.yaml", b"\x89PNG\x00"),
        ("big.json", b"x" * 6_000_000),
        ("x.yaml", b"%{ for x }\n"),
    ],
)
def test_files_that_have_nothing_to_do_with_it_are_left_out(tmp_path, name, content):
    """Data that is no YAML and names no registry is no error, and said where it could not be read."""
    reading = read(tmp_path, {name: content, **GOOD})
    assert reading.errors == []
    assert list(references(reading).values()) == SEEN
    assert len(reading.inventory.diagnostics) <= 1


def test_windows_files_are_read(tmp_path):
    """A byte order mark and CRLF, with the right places."""
    reading = read(tmp_path, {"compose.yaml": b"\xef\xbb\xbfservices:\r\n  a:\r\n    image: x:1\r\n"})
    place = resources(reading, IMAGES)[0].places[""][0]
    assert (place.line, place.column) == (3, 12)


def test_a_file_that_names_a_registry_and_gives_nothing_is_said(tmp_path):
    """With its place; a file without one is left out in silence."""
    reading = read(
        tmp_path,
        {"values.yaml": "x: 1\nimage: {repository: a.azurecr.io/x}\n", "other.yaml": "x: 1\n", **GOOD},
    )
    assert reading.inventory.diagnostics == (
        "values.yaml:2:23: names a registry in Azure, but nothing in the file was recognised; no rule looked at it",
    )
    assert reading.errors == []


def test_a_file_of_two_kinds_is_two_resources(tmp_path):
    """Each with an id of its own, and all of their images."""
    text = "services: {a: {image: x}}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: y}]}\n---\nservices: {b: {image: z}}\n"
    reading = read(tmp_path, {"a.yaml": text})
    assert len({one.id.lower() for one in resources(reading, FILES)}) == 2
    assert sorted(references(reading).values()) == ["x", "y", "z"]


def test_our_own_rules_are_no_workloads(tmp_path):
    """Their tests name registries all the time."""
    rule = "id: X1\nseverity: low\ntarget: a\nrationale: b\ntests: [{resource: {x: a.azurecr.io}}]\n"
    assert read(tmp_path, {"rule.yaml": rule}).inventory.diagnostics == ()


def test_a_file_that_the_user_names_has_to_be_a_workload(tmp_path):
    """Otherwise it is an error."""
    folder = written(tmp_path, {"values.yaml": "x: 1\n", "notes": "hello\n"})
    for name in ("values.yaml", "notes"):
        reading = read_workload(Tree.of([folder / name]), now=NOW)
        assert said(reading) == [f"{name}: holds nothing that is known of workloads"]


def test_files_of_any_name_are_known_by_their_content_when_named(tmp_path):
    """A script by its first line, a Dockerfile by `FROM`, YAML by its keys."""
    folder = written(
        tmp_path,
        {
            "run": "#!/usr/bin/env bash\ndocker push a/x\n",
            "build": "FROM b/y\n",
            "stack": "services: {a: {image: c/z}}\n",
        },
    )
    reading = read_workload(Tree.of([folder / name for name in ("run", "build", "stack")]), now=NOW)
    assert sorted(references(reading).values()) == ["a/x", "b/y", "c/z"]


HELM = (
    "apiVersion: v1\nkind: Pod\nspec:\n  {{- with .Values.x }}\n  containers: {{ toYaml . }}\n  {{- end }}\n"
)


def test_templates_of_a_chart_are_one_error_that_says_what_to_do(tmp_path):
    """Rendered, they are read."""
    reading = read(tmp_path, {"chart/templates/a.yaml": HELM, "chart/templates/b.yaml": HELM, **GOOD})
    assert said(reading) == ["chart/templates: 2 templates are not rendered"]
    assert "helm template chart" in reading.errors[0].advice
    assert list(references(reading).values()) == SEEN


def test_a_template_of_helm_elsewhere_is_an_error_of_its_own(tmp_path):
    """As it is when the user names it."""
    assert said(read(tmp_path, {"pod.yaml": HELM})) == ["pod.yaml: is a Helm template that is not rendered"]
    file = written(tmp_path, {"chart/templates/a.yaml": HELM}) / "chart/templates/a.yaml"
    reading = read_workload(Tree.of([file]), now=NOW)
    assert said(reading) == ["a.yaml: is a Helm template that is not rendered"]


def test_a_template_that_is_yaml_by_chance_is_read_with_holes(tmp_path):
    """Quoted placeholders are parts that are not known."""
    text = 'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: "a.azurecr.io/x:{{ .Values.tag }}"}]}\n'
    assert references(read(tmp_path, {"chart/templates/p.yaml": text})) == {"Pod/p/c": "a.azurecr.io/x:…"}


def test_links_are_not_followed_and_folders_left_out(tmp_path):
    """Neither out of the tree nor in a ring; `.git` and `node_modules` are no workloads."""
    outside = written(tmp_path / "outside", {"Dockerfile": "FROM a/outside\n"})
    tree = written(
        tmp_path / "tree",
        {**GOOD, ".git/Dockerfile": "FROM a/git\n", "node_modules/x/Dockerfile": "FROM a/node\n"},
    )
    (tree / "link").symlink_to(outside, target_is_directory=True)
    (tree / "loop").symlink_to(tree, target_is_directory=True)
    (tree / "Dockerfile").symlink_to(outside / "Dockerfile")
    assert list(references(read_workload(Tree.of([tree]), now=NOW)).values()) == SEEN


def test_several_folders_keep_their_files_apart(tmp_path, monkeypatch):
    """Names start with the folder; the same folder twice is read once."""
    written(tmp_path, {"a/Dockerfile": "FROM x/a\n", "b/Dockerfile": "FROM x/b\n"})
    monkeypatch.chdir(tmp_path)
    from pathlib import Path  # noqa: PLC0415 - relative to the folder above

    reading = read_workload(Tree.of([Path("a"), Path("b"), Path("a")]), now=NOW)
    assert sorted(one.name for one in resources(reading, FILES)) == ["a/Dockerfile", "b/Dockerfile"]


def test_names_that_differ_in_casing_only_are_an_error(tmp_path):
    """Ids have no casing; nothing is left out in silence."""
    folder = written(tmp_path, {"Dockerfile": "FROM x/a\n", "dockerfile": "FROM x/b\n"})
    if len(list(folder.iterdir())) < 2:
        pytest.skip("the file system has no casing")
    reading = read_workload(Tree.of([folder]), now=NOW)
    assert said(reading) == ["dockerfile: has the name of another file that was given"]


def test_paths_that_cannot_be_used(tmp_path):
    """What is not there, and what is neither a file nor a folder."""
    with pytest.raises(InputError, match="no such file or folder"):
        read_workload(Tree.of([tmp_path / "none"]), now=NOW)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert said(read_workload(Tree.of([tmp_path / "pipe"]), now=NOW)) == ["pipe: is no ordinary file"]
        os.mkfifo(tmp_path / "Dockerfile")
        assert read_workload(Tree.of([tmp_path]), now=NOW).errors == []


TEMPLATE = '{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "resources": [], "x": "a.azurecr.io/y"}'


def test_templates_are_left_to_their_own_source(tmp_path):
    """Said where only workloads are read; in a run over everything the other source tells of them."""
    folder = written(tmp_path, {"main.json": TEMPLATE, **GOOD})
    reading = read_workload(Tree.of([folder]), now=NOW)
    assert reading.inventory.diagnostics == (
        "main.json: a template or parameter file for Azure Resource Manager; --from arm reads it",
    )
    mixed = read_workload(Tree.of([folder], mixed=True), now=NOW)
    assert mixed.inventory.diagnostics == ()
    assert list(references(mixed).values()) == SEEN


def test_what_the_repository_ignores_is_left_out_when_asked(tmp_path):
    """As `acrscan check` asks."""
    folder = written(
        tmp_path, {".gitignore": "out/\n", "out/Dockerfile": "FROM a/out:1\n", ".git/HEAD": "", **GOOD}
    )
    assert (
        list(references(read_workload(Tree.of([folder], mixed=True, ignore=True), now=NOW)).values()) == SEEN
    )


def test_duplicate_keys_are_noted_where_the_file_counts(tmp_path):
    """The last one counts, as for the tools."""
    reading = read(
        tmp_path, {"compose.yaml": "services: {a: {image: x:1, image: x:2}}\n", "data.yaml": "a: 1\na: 2\n"}
    )
    assert list(references(reading).values()) == ["x:2"]
    assert reading.inventory.diagnostics == (
        "compose.yaml:1:28: the key 'image' stands there twice; the last one counts",
    )


def test_too_many_of_anything_is_said_and_open(tmp_path):
    """Images, rows."""
    text = "services:\n" + "".join(f"  s{at}: {{image: 'x:{at}'}}\n" for at in range(2_100))
    reading = read(tmp_path, {"compose.yaml": text})
    assert len(images(reading)) == 2_001
    assert all(
        isinstance(images(reading)["the rest"][key], Unknown) for key in ("use", "acr", "tag", "registry")
    )
    assert "more than 2,000 image references; the rest was not looked at" in reading.inventory.diagnostics[0]
    assert type(rows(reading, "hostAccess")[-1]).__name__ == "UnreadTail"


def test_what_is_described_and_what_is_not(tmp_path):
    """Workloads hold all there is of their own types and say nothing of registries."""
    runs = {run.collection: run.state for run in read(tmp_path, GOOD).inventory.runs}
    assert runs["acrscan/imageReferences"] == "complete"
    assert runs["acrscan/workloadFiles"] == "complete"
    assert runs["Microsoft.ContainerRegistry/registries"] == "not-asked"


def test_nothing_to_read_is_an_empty_inventory(tmp_path):
    """The command says that nothing was scanned."""
    reading = read(tmp_path, {"readme.md": "a.azurecr.io\n"})
    assert reading.inventory.parts == {}
    assert reading.errors == []
