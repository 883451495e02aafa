"""Whatever stands in a file: it is read or refused with its place, and every place lies inside the file."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.errors import InputError
from tests.inventory.workload.trees import read

SAMPLES = {
    "Dockerfile": '# escape=`\nARG A=x\nFROM ${A:-y} AS b\nRUN <<EOF\ndocker run -v /:/x $A\nEOF\nCOPY --from=c:1 /a /b\nRUN ["docker", "pull", "x"]\n',
    ".dockerignore": "*\n!.git/**\n# x\n![\n",
    "compose.yaml": "x: &x {privileged: true}\nservices:\n  a: {<<: *x, image: '${R:-${S}}/a:${T}', volumes: ['/:/h', {type: bind, source: /run/docker.sock}]}\n",
    "pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  imagePullSecrets: [{name: s}]\n  containers: [{name: c, image: a.azurecr.io/x, securityContext: {privileged: true}}]\n---\napiVersion: v1\nkind: Secret\ndata: {.dockerconfigjson: e30=}\n",
    ".github/workflows/w.yml": "on: push\nenv: {R: a}\njobs:\n  a:\n    runs-on: x\n    container: {image: x, options: --privileged}\n    steps:\n      - run: |\n          docker push ${{ env.R }}/x:$T && az acr credential show -n a\n      - {uses: docker/login-action@v3, with: {registry: a.azurecr.io, username: a, password: b}}\n",
    "azure-pipelines.yml": "variables: {a: b}\nsteps:\n- script: docker push $(a)/x\n- task: Docker@2\n  inputs: {containerRegistry: c, repository: $(a), tags: |\n    x}\n",
    ".gitlab-ci.yml": "image: $X/y\na:\n  script:\n    - !reference [b, c]\n    - docker login a.azurecr.io -u a -p $P\n  retry: 2\n",
    ".circleci/config.yml": "version: 2.1\njobs: {a: {docker: [{image: 'x:<< parameters.t >>', auth: {username: a}}], steps: [{run: docker push a.azurecr.io/x}]}}\n",
    "acr-task.yaml": "version: v1.1.0\nsteps:\n- build: -t {{.Run.Registry}}/a:$ID .\n- cmd: $Registry/a --x\n",
    "run.sh": 'A=$(az acr credential show -n a)\nfor i in 1 2; do docker push "$A/x:${B:-1}" && break; done <<X\ny\nX\nkubectl create secret docker-registry s --docker-server=a.azurecr.io\n',
    "run.ps1": '$a = az acr credential show -n a\nif ($x) { docker run --privileged --pid host "$a/x:$($y.z)" `\n  y }\n',
}
ODD = [
    "\t",
    "\n",
    "\r",
    '"',
    "'",
    "`",
    "$(",
    "${",
    "${{",
    "}}",
    "{{",
    "[",
    "]",
    "{",
    "}",
    "<<",
    "*x",
    "&x ",
    "!t ",
    ": ",
    "- ",
    "#",
    "\\",
    "|",
    ">",
    "\x00",
    "\ufeff",
    "\u2028",
    "😀",
    "é",
    "a" * 300,
    "docker push ",
    "null",
    "~",
]


@st.composite
def broken(draw: st.DrawFn) -> tuple[str, str]:
    """A sample with a few places cut, doubled or filled with something odd."""
    name = draw(st.sampled_from(sorted(SAMPLES)))
    text = SAMPLES[name]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        filling = draw(st.sampled_from([*ODD, text[start:end] * 2, text[:end]]))
        text = text[:start] + filling + text[end:]
    return name, text


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(broken())
def test_broken_files_are_read_or_refused(sample: tuple[str, str]) -> None:
    """No other error than that of an input; the file beside it is always read; places exist."""
    name, text = sample
    with tempfile.TemporaryDirectory() as folder:
        reading = read(Path(folder), {name: text, "z/Dockerfile": "FROM good:1\n"})
        assert all(isinstance(error, InputError) for error in reading.errors)
        lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
        found = [one for part in reading.inventory.parts.values() for one in part]
        assert any(one.name == "good:1" for one in found)
        for one in found:
            for places in one.places.values():
                for place in places:
                    if place.file == name:
                        assert 1 <= place.line <= len(lines)
                        assert 1 <= place.column <= len(lines[place.line - 1].encode("utf-16-le")) // 2 + 1
                        assert (place.end_line, place.end_column) >= (place.line, place.column)
