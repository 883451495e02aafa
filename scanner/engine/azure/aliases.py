"""Fields and aliases: the text of a condition's `field` comes in, the steps to walk or what is wrong with it comes out.

`T/a.b[*].c` names a property of the type T. Where type facts list T's properties, the path is looked up in them (with
`properties` put in where the specification has it) and an alias that leads nowhere is an error. Without facts the path
is worked out on the body itself; Azure's own table of aliases, where somebody gives it, comes before both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from scanner import types

EACH = "[*]"
"""The step into every element of an array."""
PLAIN = ("name", "kind", "type", "location", "id", "identity.type", "tags")
"""Fields that are no aliases and stand in the body under their own names; `fullName` is worked out."""
MAX_ALIAS = 1024
_TAG = re.compile(
    r"tags(?:\.(?P<dot>.+)|\[\s*'''(?P<odd>.*)'''\s*\]|\[\s*'(?P<quoted>.*)'\s*\]|\[(?P<bare>.*)\])\Z",
    re.IGNORECASE | re.DOTALL,
)
_STEP = re.compile(r"(?P<each>\[\*\])|\[(?P<at>\d{1,6})\]|\['(?P<quoted>[^'\]]+)'\]|[./]?(?P<key>[^./\[\]]+)")


@dataclass(frozen=True, slots=True)
class Alias:
    """Where a field's values stand. `steps`: keys, `[*]` and array positions (`#0`).

    `guessed`: nobody knows the path; it is looked for below `properties` and beside it while the body is read.
    `foreign`: the alias belongs to another type, so the resource has no such value. `full`: the field is `fullName`.
    """

    text: str
    steps: tuple[str, ...]
    guessed: bool = False
    foreign: bool = False
    full: bool = False

    @property
    def many(self) -> bool:
        """Whether it selects a collection."""
        return EACH in self.steps


def resolve(text: str, target: str, table: Mapping[str, str]) -> Alias | str:
    """The alias for a resource of type `target`, or a sentence that says why there is none.

    `table`: property path by lower-case alias, as Azure's providers give them.
    """
    return _resolved(text, target, table.get(text.lower(), ""))


@lru_cache(maxsize=65_536)
def _resolved(text: str, target: str, given: str) -> Alias | str:
    lowered = text.lower()
    if lowered == "fullname":
        return Alias(text, (), full=True)
    for name in PLAIN:
        if lowered == name:
            return Alias(text, tuple(name.split(".")))
    tag = _TAG.match(text)
    if tag:
        key = next(part for part in tag.groups() if part is not None)
        return Alias(text, ("tags", key)) if key else f"the field {text!r} names no tag"
    if len(text) > MAX_ALIAS:
        return f"an alias has at most {MAX_ALIAS} characters"
    if given:
        steps = split(given)
        return Alias(text, steps) if steps else f"the path {given!r} of the alias {text!r} cannot be read"
    if "/" not in text:
        return f"unknown field {text!r}"
    return _of_type(text, target)


def _of_type(text: str, target: str) -> Alias | str:
    if not text.lower().startswith(target.lower() + "/"):
        if not other_type(text, target):
            return f"unknown alias {text!r}: its path is not known from its form; --aliases FILE names it"
        return Alias(text, (), foreign=True)
    steps = split(text[len(target) + 1 :])
    if not steps:
        return f"the alias {text!r} cannot be read"
    facts = types.facts_for(target)
    if facts is None:
        return Alias(text, steps, guessed=True)
    found = _along(facts, steps)
    if found is not None:
        return Alias(text, found)
    if other_type(text, target):
        return Alias(text, (), foreign=True)
    return f"unknown alias {text!r}: {facts.type} has no such property"


def other_type(text: str, target: str) -> bool:
    """Whether an alias plainly belongs to another type, of another provider or known from its facts."""
    namespace = text.partition("/")[0].lower()
    if namespace != target.partition("/")[0].lower():
        return "." in namespace and text.count("/") >= 2
    own = target.lower() + "/"
    return any(
        text.lower().startswith(name.lower() + "/")
        for name in types.all_types()
        if name.lower() != target.lower() and not own.startswith(name.lower() + "/")
    )


def split(path: str) -> tuple[str, ...]:
    """The steps of a path such as `networkRuleSet.ipRules[*].value`; () for what is no path."""
    steps: list[str] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if not found or (at == 0 and path[0] in "./["):
            return ()
        if found["each"]:
            steps.append(EACH)
        elif found["at"]:
            steps.append(f"#{int(found['at'])}")
        else:
            steps.append(found["quoted"] or found["key"])
        at = found.end()
    return tuple(steps)


def _along(facts: types.TypeFacts, steps: tuple[str, ...]) -> tuple[str, ...] | None:
    """The steps with `properties` put in where the type has it, spelled as the specification does; None if nowhere."""
    found: list[str] = []
    level = facts.tree
    holder: types.Fact | None = None
    for number, step in enumerate(steps):
        if holder is not None and holder.open and not level:
            return (*found, *steps[number:])
        if step == EACH or step.startswith("#"):
            branch = level.get(types.ELEMENT) if holder is not None and holder.kind == "array" else None
            if branch is None:
                return None
            found.append(step)
        else:
            inner = level.get("properties")
            below = inner.below.get(step.lower()) if inner else None
            branch = level.get(step.lower())
            if below is not None and (branch is None or number == 0) and inner is not None:
                found += [inner.key, below.key]
                branch = below
            elif branch is not None:
                found.append(branch.key)
            elif holder is not None and holder.kind == "map":
                branch = level.get(types.VALUE)
                found.append(step)
            if branch is None:
                return None
        holder, level = branch.fact, branch.below
    return tuple(found)
