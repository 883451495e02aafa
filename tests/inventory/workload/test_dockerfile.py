"""Dockerfiles: stages, arguments, copies, commands, texts inside the file."""

import pytest

from scanner.inventory.workload.facts import IMAGES
from scanner.model.values import Partial, Unknown
from tests.inventory.workload.trees import images, position, read, references, resources, rows


def dockerfile(tmp_path, text, name="Dockerfile"):
    return read(tmp_path, {name: text})


def test_base_images_of_stages(tmp_path):
    """Stages are no images, nor is scratch."""
    text = "FROM node:22 AS Build\nFROM build\nFROM scratch\nFROM --platform=$P nginx AS web\n"
    assert references(dockerfile(tmp_path, text)) == {"FROM build": "node:22", "FROM web": "nginx"}


def test_what_is_copied_from(tmp_path):
    """Other stages by name or number are no images."""
    text = (
        "FROM a:1 AS one\nFROM b:2\nCOPY --from=one /a /b\nCOPY --from=0 /a /b\nCOPY --chown=x --from=c:3 /a /b\n"
        "RUN --mount=type=cache,target=/x --mount=type=bind,from=d:4,target=/y make\n"
    )
    found = references(dockerfile(tmp_path, text))
    assert found == {
        "FROM one": "a:1",
        "FROM 2": "b:2",
        "COPY --from in stage 2": "c:3",
        "RUN --mount in stage 2": "d:4",
    }


def test_arguments_are_filled_in_and_told(tmp_path):
    """The default counts, and its place follows that of the reference."""
    text = "ARG REG=Contoso.azurecr.io\nARG TAG=1\nFROM ${REG}/base:$TAG AS a\n"
    reading = dockerfile(tmp_path, text)
    assert references(reading) == {"FROM a": "Contoso.azurecr.io/base:1"}
    places = resources(reading, IMAGES)[0].places[""]
    assert [(place.line, place.column, place.what) for place in places] == [
        (3, 6, "property"),
        (1, 5, "build argument default"),
        (2, 5, "build argument default"),
    ]


def test_an_argument_without_a_default_is_not_known(tmp_path):
    """Partly known, with the argument as the reason."""
    found = images(dockerfile(tmp_path, "ARG TAG\nFROM a.azurecr.io/base:${TAG} AS a\n"))["FROM a"]
    assert found["reference"] == Partial(("a.azurecr.io/base:", None), "build argument TAG is not known here")
    assert isinstance(found["tag"], Unknown)


def test_arguments_of_a_stage_are_its_own(tmp_path):
    """`ARG` inside a stage takes the default in, and is gone in the next `FROM`."""
    text = "ARG V=1\nFROM a:$V\nARG V\nARG W=2\nENV X=3 Y=4\nENV Z 5\nRUN docker pull b:$V$W$X$Y$Z\nFROM c:$W AS c\n"
    found = references(dockerfile(tmp_path, text))
    assert found["FROM c"] == "c:…"
    assert "b:12345" in found.values()


def test_defaults_in_the_text(tmp_path):
    """`${X:-y}`."""
    assert references(dockerfile(tmp_path, "FROM ${BASE:-node:22} AS a\n")) == {"FROM a": "node:22"}


def test_lines_that_go_on_and_comments_between(tmp_path):
    """As the builder reads them, also with the other escape character."""
    text = "FROM \\\n# comment\n  node:22 \\\n  AS a\nRUN a && \\\n  docker pull b:1\n"
    assert set(references(dockerfile(tmp_path, text)).values()) == {"node:22", "b:1"}
    text = "# escape=`\nFROM `\n  node:22 AS a\nCOPY C:\\a C:\\b\n"
    assert set(references(dockerfile(tmp_path / "b", text)).values()) == {"node:22"}


def test_texts_inside_the_file_are_no_instructions(tmp_path):
    """They are the script of `RUN`, or content of a file."""
    text = "FROM a:1\nRUN <<EOF\ndocker pull b:2\nFROM no\nEOF\nCOPY <<'X' /f\nFROM no\nX\nFROM c:3\n"
    reading = dockerfile(tmp_path, text)
    assert set(references(reading).values()) == {"a:1", "b:2", "c:3"}
    assert position(reading, "RUN in stage 1: docker pull b:2") == ("Dockerfile", 3, 13)


def test_a_text_without_an_end_hides_nothing(tmp_path):
    """What follows is read as instructions."""
    assert set(references(dockerfile(tmp_path, "FROM a:1\nRUN cat <<EOF\nFROM b:2\n")).values()) == {
        "a:1",
        "b:2",
    }


def test_commands_as_lists(tmp_path):
    """`RUN ["docker", ...]`."""
    reading = dockerfile(
        tmp_path,
        'FROM a\nRUN ["az", "acr", "credential", "show", "-n", "x"]\nRUN ["docker", "pull", "b:1"]\n',
    )
    assert "b:1" in references(reading).values()
    assert len(rows(reading, "logins")) == 1


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile",
        "Dockerfile.prod",
        "web.Dockerfile",
        "web.dockerfile",
        "Containerfile",
        "a/b/Dockerfile-x",
    ],
)
def test_names_of_dockerfiles(tmp_path, name):
    """By their names, in folders too."""
    assert references(dockerfile(tmp_path, "FROM node:22\n", name)) == {"FROM 1": "node:22"}


@pytest.mark.parametrize(
    "text",
    [
        "FROM\n",
        "FROM   \n",
        "",
        "RUN x\n",
        "FROM a\nRUN\n",
        "FROM a\n\\\n\\\n",
        "FROM a\nRUN [\n",
        "FROM a\nARG\nENV\nCOPY\n",
        "FROM a AS\n",
        "\ufefffrom a\n",
        'FROM "a b" c\n',
    ],
)
def test_odd_dockerfiles_are_read_to_their_end(tmp_path, text):
    """Nothing stops the rest of the tree."""
    reading = read(tmp_path, {"Dockerfile": text, "other/Dockerfile": "FROM node:22\n"})
    assert "node:22" in references(reading).values()
    assert reading.errors == []


def test_many_texts_without_an_end_take_no_time(tmp_path):
    """Each name is looked for once."""
    text = "FROM a:1\n" + "".join(f"RUN cat <<E{at % 7}\n" for at in range(20_000))
    assert references(dockerfile(tmp_path, text)) == {"FROM 1": "a:1"}
