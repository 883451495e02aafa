"""What a file is: its name and content come in, its kind comes out, or why nothing is known of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from scanner.inventory.workload import (
    acr_task,
    azure_pipelines,
    circleci,
    compose,
    github,
    gitlab,
    kubernetes,
)
from scanner.inventory.workload.source import Text
from scanner.inventory.workload.yaml_tree import Node, Table, text_of

DOCKERFILE, DOCKERIGNORE, SCRIPT, YAML, OTHER = "dockerfile", "dockerignore", "script", "yaml", ""
_DOCKERFILE = re.compile(r"(?i)(?:dockerfile|containerfile)(?:[.-].+)?\Z|.+\.(?:dockerfile|containerfile)\Z")
_SCRIPTS = (".sh", ".bash", ".zsh", ".ksh", ".ps1", ".psm1", ".mk")
_MAKE = frozenset({"makefile", "gnumakefile"})
_YAML = (".yml", ".yaml", ".json")
_NO_DOCKERFILE = (
    ".dockerignore",
    ".md",
    ".txt",
    ".sh",
    ".py",
    ".go",
    ".js",
    ".ts",
    ".rs",
    ".j2",
    ".tmpl",
    ".tpl",
    ".yml",
    ".yaml",
    ".json",
)
_SHEBANG = re.compile(r"\A#!\s*\S*\b(?:ba|da|z|k)?sh\b|\A#!\s*\S*\benv\s+(?:-S\s+)?(?:ba|da|z|k)?sh\b")

Reader = Callable[..., None]


def by_name(name: str) -> str:
    """What a file is by its name: one of the constants above; OTHER for what is not read."""
    last = name.rpartition("/")[2].lower()
    if last == ".dockerignore" or last.endswith(".dockerignore"):
        return DOCKERIGNORE
    if _DOCKERFILE.match(last) and not last.endswith(_NO_DOCKERFILE):
        return DOCKERFILE
    if last.endswith(_SCRIPTS) or last in _MAKE:
        return SCRIPT
    return YAML if last.endswith(_YAML) else OTHER


def is_wanted(name: str) -> bool:
    """Whether a file of this lower-case name may hold a workload."""
    return by_name(name) != OTHER


def by_content(source: Text) -> str:
    """What a file that was named by the user is, where its name does not tell."""
    if _SHEBANG.match(source.text):
        return SCRIPT
    if re.search(r"(?im)^[ \t]*FROM[ \t]+\S+", source.text):
        return DOCKERFILE
    return (
        YAML
        if re.search(r"(?m)^[\w\"'-]+:(?:\s|$)", source.text) or source.text.lstrip()[:1] == "{"
        else OTHER
    )


def kind_of(document: Node, name: str) -> str:
    """The kind of a YAML document, or OTHER. The more telling forms come first."""
    if kubernetes.is_manifest(document):
        return "kubernetes"
    if compose.is_compose(document):
        return "compose"
    if github.is_workflow(document, name):
        return "githubActions"
    if circleci.is_circleci(document, name):
        return "circleci"
    if acr_task.is_task(document):
        return "acrTask"
    if azure_pipelines.is_pipeline(document):
        return "azurePipelines"
    if gitlab.is_gitlab(document, name):
        return "gitlab"
    return OTHER


READERS: Mapping[str, Reader] = {
    "kubernetes": kubernetes.read_manifest,
    "githubActions": github.read_workflow,
    "circleci": circleci.read_circleci,
    "acrTask": acr_task.read_task,
    "azurePipelines": azure_pipelines.read_pipeline,
    "gitlab": gitlab.read_gitlab,
}
"""Kind -> what takes in `(facts, tree, document)`; Compose wants its variables too."""


def is_rule(document: Node) -> bool:
    """Whether a document is a rule of ours, whose tests are full of registries."""
    return isinstance(document, Table) and {"id", "severity", "target", "rationale"} <= document.items.keys()


def is_template(document: Node) -> bool:
    """Whether a document is a template or parameter file for Azure Resource Manager."""
    schema = text_of(document.items.get("$schema")) if isinstance(document, Table) else None
    return schema is not None and "schema.management.azure.com" in schema.lower()
