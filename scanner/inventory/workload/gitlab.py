"""GitLab CI: a file comes in, its images, logins and scripts go to `Facts`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from scanner.inventory.workload.calls import read_calls
from scanner.inventory.workload.facts import CALLS, LOGINS, Facts
from scanner.inventory.workload.images import Filled
from scanner.inventory.workload.shell_words import SH, Expressions
from scanner.inventory.workload.source import Fragment, joined
from scanner.inventory.workload.walking import fill, gather, place_of, settled, texts
from scanner.inventory.workload.yaml_tree import Leaf, Listing, Node, Table, Tree, text_of

_INPUT = re.compile(r"\$\[\[([^\[\]\n]{0,500})\]\]")
_VARIABLE = re.compile(r"\$\[\[([^\[\]\n]{0,500})\]\]|\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)")
_SCRIPTS = ("before_script", "script", "after_script")
_NO_JOBS = frozenset(
    {
        "variables",
        "stages",
        "include",
        "workflow",
        "image",
        "services",
        "cache",
        "spec",
        "pages:deploy",
    }
)


def is_gitlab(document: Node, name: str) -> bool:
    """Whether a document is a pipeline of GitLab: by its name, or by its jobs."""
    if not isinstance(document, Table):
        return False
    if name.lower().endswith((".gitlab-ci.yml", ".gitlab-ci.yaml")):
        return True
    jobs = [job for job in document.items.values() if isinstance(job, Table) and "script" in job.items]
    return bool(jobs) and (
        "stages" in document.items
        or any({"stage", "rules", "only", "image"} & job.items.keys() for job in jobs)
    )


def read_gitlab(facts: Facts, tree: Tree, document: Node) -> None:
    """Take in a pipeline."""
    assert isinstance(document, Table), "recognised before"
    facts.recognised = True
    _Pipeline(facts, tree, document).read()


class _Pipeline:
    def __init__(self, facts: Facts, tree: Tree, document: Table) -> None:
        self._facts = facts
        self._tree = tree
        self._document = document
        pairs = []
        for holder in (document, *(job for job in document.items.values() if isinstance(job, Table))):
            variables = holder.items.get("variables")
            for name, node in variables.items.items() if isinstance(variables, Table) else ():
                leaf = node.items.get("value") if isinstance(node, Table) else node
                if isinstance(leaf, Leaf) and not leaf.tag:
                    pairs.append((name, Filled(leaf.text)))
        self._inputs = dict(_inputs(tree))
        self._known = {**settled(gather(pairs), self._settle), **self._inputs}
        self._expressions = Expressions(_INPUT, lambda match: _resolve(match, self._inputs))

    def _settle(self, text: str, known: Mapping[str, Filled]) -> Filled:
        return _filled(text, {**known, **self._inputs})

    def read(self) -> None:
        self._job("", self._document)
        for name, holder in self._document.items.items():
            if isinstance(holder, Table) and name not in _NO_JOBS:
                self._job(name, holder)

    def _job(self, name: str, job: Table) -> None:
        prefix = f"{name}." if name else ""
        self._image(job.items.get("image"), f"{prefix}image")
        services = job.items.get("services")
        for at, one in enumerate(services.items if isinstance(services, Listing) else ()):
            self._image(one, f"{prefix}services.{at}")
        retry = job.items.get("retry")
        number = text_of(retry.items.get("max")) if isinstance(retry, Table) else text_of(retry)
        for key in _SCRIPTS:
            script = job.items.get(key)
            if script is None or (not name and key == "script"):
                continue
            lines = []
            for leaf in texts(script):
                if leaf.tag:
                    self._tagged(leaf.tag)
                elif (fragment := self._tree.fragment(leaf)).exact:
                    lines.append(fragment)
                else:
                    self._script(fragment, prefix + key, number)
            if lines:
                self._script(joined(lines), prefix + key, number)
            for one in script.items if isinstance(script, Listing) else ():
                if isinstance(one, Listing) and one.tag:
                    self._tagged(one.tag)

    def _script(self, fragment: Fragment, path: str, retries: str | None) -> None:
        """The lines of a script, which run in one shell."""
        retried = retries not in (None, "0")
        read_calls(self._facts, fragment, path, SH, self._known, self._expressions, retried=retried)

    def _tagged(self, tag: str) -> None:
        """`!reference` puts in what stands elsewhere; where that is another file, nothing is known of it."""
        for name in (LOGINS, CALLS):
            if tag != "!reference":
                self._facts.unread(name, f"the tag {tag} is not resolved")

    def _image(self, node: Node | None, at: str) -> None:
        leaf = node.items.get("name") if isinstance(node, Table) else node
        if isinstance(leaf, Leaf) and not leaf.null and not leaf.tag:
            self._facts.image(_filled(leaf.text, self._known), "run", at, place_of(self._tree.source, leaf))


def _inputs(tree: Tree) -> Iterator[tuple[str, Filled]]:
    """Defaults of inputs, which a document before the pipeline declares."""
    for document in tree.documents:
        declared = document.get("spec", "inputs") if isinstance(document, Table) else None
        for name, one in declared.items.items() if isinstance(declared, Table) else ():
            default = one.items.get("default") if isinstance(one, Table) else None
            if isinstance(default, Leaf) and not default.tag:
                yield f"inputs.{name}", Filled(default.text)


def _filled(text: str, known: Mapping[str, Filled]) -> Filled:
    return fill(text, _VARIABLE, lambda match: _resolve(match, known))


def _resolve(match: re.Match[str], known: Mapping[str, Filled]) -> tuple[str | None, str]:
    name = next((one for one in match.groups() if one is not None), "").strip()
    value = known.get(name)
    return (value.text, "") if value is not None and value.known else (None, match[0][:80])
