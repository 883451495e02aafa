"""In: the name of a resource type. Out: what the API specification says about it, read once from the JSON beside this file."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from scanner.errors import InputError
from scanner.model.resource import LIVE_SOURCES
from scanner.model.values import ABSENT

if TYPE_CHECKING:
    from collections.abc import Mapping

ELEMENT = "[]"
"""The key that stands for every element of an array."""
VALUE = "{}"
"""The key that stands for every value of a map."""
KINDS = frozenset({"string", "boolean", "integer", "number", "array", "object", "map", "any"})

_FOLDER = Path(__file__).parent
_FILE_KEYS = frozenset({"type", "source", "apiVersions", "computed", "key", "properties"})
_FACT_KEYS = frozenset({
    "type", "items", "enum", "default", "since", "stable", "until", "preview", "required", "secret", "secretWhen", "key", "source",
})  # fmt: skip
_VERSION = re.compile(r"(\d{4}-\d{2}-\d{2})(-.+)?")
_STEM = re.compile(r"[a-z0-9-]+")
_KEY = re.compile(r"\[\]|\{\}|[^.\[\]{}]+")
_NOT_API = frozenset({"arm", "terraform", "host", "workload"})
"""Sources that hold what a person wrote: a key missing there was left out, whatever the API would answer."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known about one property.

    `items`: the kind of the elements of an array or of the values of a map. `since`: the first api-version that has
    the key ("" = the oldest); `stable`: the first stable one where `since` is a preview; `until`: the first one
    without it; `preview`: no stable version has it. `secret`: the kind of secret it holds ("" = none), only where
    the siblings have the values of `secret_when`. `key`: the fields that identify an element of the array.
    """

    path: str
    keys: tuple[str, ...]
    kind: str
    items: str = ""
    enum: tuple[Any, ...] = ()
    default: Any = ABSENT
    since: str = ""
    stable: str = ""
    until: str = ""
    preview: bool = False
    required: bool = False
    secret: str = ""
    secret_when: Mapping[str, Any] | None = None
    key: tuple[str, ...] = ()
    source: str = ""

    @property
    def versions(self) -> tuple[str, str, str, bool]:
        """Everything that ties the key to api-versions."""
        return self.since, self.stable, self.until, self.preview

    @property
    def open(self) -> bool:
        """Whether any key may stand below this property without being listed."""
        return self.kind == "any" or (self.kind in {"array", "map"} and self.items == "any")


class Branch(NamedTuple):
    """A key of a body: its canonical spelling, its fact, and what lies below it by lower-case key."""

    key: str
    fact: Fact
    below: Mapping[str, Branch]


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """All that is known about one resource type.

    `facts` maps each canonical path to its fact; `tree` holds the same by lower-case key, level by level, with
    `[]` for the elements of an array and `{}` for the values of a map. `computed`: rows that acrscan derives itself;
    `key`: the fields that identify such a row.
    """

    type: str
    source: str
    api_versions: tuple[str, ...]
    computed: bool
    key: tuple[str, ...]
    facts: Mapping[str, Fact]
    tree: Mapping[str, Branch]

    def fact(self, keys: tuple[str, ...]) -> Fact | None:
        """Find the fact at `keys` in any casing, or None where nothing is listed (see `is_open`).

        An array is entered by `[]` or a decimal index, a map by `{}` or the key of a value.
        """
        branch = self._walk(keys)[-1]
        return branch.fact if branch else None

    def canonical(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Spell `keys` as the specification does; keys that nothing is known about stay as they are."""
        spelled = []
        for key, branch in zip(keys, self._walk(keys)[1:], strict=False):
            spelled.append(branch.key if branch and branch.key not in {ELEMENT, VALUE} else key)
        return (*spelled, *keys[len(spelled) :])

    def is_open(self, keys: tuple[str, ...]) -> bool:
        """Tell whether `keys` is allowed though nothing is listed for it: an ancestor may hold anything."""
        return any(branch is not None and branch.fact.open for branch in self._walk(keys))

    def secrets(self) -> tuple[Fact, ...]:
        """List the facts of all properties that hold a secret."""
        return tuple(fact for fact in self.facts.values() if fact.secret)

    def _walk(self, keys: tuple[str, ...]) -> list[Branch | None]:
        """None (the body itself), then the branch of each key as far as one is listed, with None where the walk ends."""
        walked: list[Branch | None] = [None]
        level = self.tree
        for key in keys:
            branch = level.get(key.lower())
            above = walked[-1]
            if branch is None and above is not None and above.fact.kind == "map":
                branch = level.get(VALUE)
            elif branch is None and key.isdecimal():
                branch = level.get(ELEMENT)
            walked.append(branch)
            if branch is None:
                break
            level = branch.below
        return walked


@lru_cache(maxsize=1)
def all_types() -> tuple[str, ...]:
    """List the names of all types that have facts, sorted without regard to case."""
    found = [_read(path)["type"] for path in _FOLDER.glob("*.json")]
    return tuple(sorted(found, key=str.lower))


def facts_for(type: str) -> TypeFacts | None:  # noqa: A002 - the word of the trade
    """Look up a type in any casing; None where there are no facts. Its file is read when first asked for."""
    return _facts_of(type.lower())


@lru_cache(maxsize=4096)
def absences(type: str, api_version: str | None, source: str) -> Mapping[str, str]:  # noqa: A002
    """Map each canonical path whose absence tells nothing to the reason why its value is unknown.

    A key that the API always returns is unknown when it is missing or null. A key that is newer than `api_version`,
    only in previews, or gone from it, is unknown when it is missing (null is an answer): in answers of the API, and
    in tests that name a version. Without a version every such key of an answer may be one that it does not return.
    What a person wrote (templates, plans) has no such paths. Of nodes that lack a version alike only the topmost is
    listed. A path applies where its parent is present: below an absent parent everything is absent. `[]` and `{}` in
    a path stand for each element and value.
    """
    facts = facts_for(type)
    if facts is None or source in _NOT_API:
        return MappingProxyType({})
    versioned = source in LIVE_SOURCES or (source == "test" and api_version is not None)
    found: dict[str, str] = {}
    for path, fact in facts.facts.items():
        parent = facts.fact(fact.keys[:-1])
        own = parent is None or fact.versions != parent.versions
        reason = _lacks(fact, api_version) if versioned and own else ""
        if reason:
            found[path] = reason
        elif fact.required:
            found[path] = "always returned by the API, yet missing"
    return MappingProxyType(found)


def version_key(api_version: str) -> tuple[str, int, str]:
    """Order api-versions by date; a preview comes before the stable version of the same date."""
    match = _VERSION.fullmatch(api_version.strip().lower())
    if match is None:
        raise InputError(
            f"'{api_version}' is not an api-version",
            advice="api-versions look like 2025-11-01 or 2026-01-01-preview",
        )
    return match[1], 0 if match[2] else 1, match[2] or ""


def _lacks(fact: Fact, api_version: str | None) -> str:
    """Say why answers of `api_version` may lack the key, or ""."""
    if not any(fact.versions):
        return ""
    if api_version is None:
        older = "newer versions lack the key" if fact.until else "key is newer than the oldest version"
        return f"api-version not known ({older})"
    asked = version_key(api_version)
    is_stable = not asked[2]
    first = fact.stable if is_stable and fact.stable else fact.since
    if fact.preview and is_stable:
        why = "preview versions only"
    elif first and asked < version_key(first):
        why = f"since {fact.since}" + (f", in stable versions since {fact.stable}" if fact.stable else "")
    elif fact.until and asked >= version_key(fact.until):
        why = f"until {fact.until}"
    else:
        return ""
    return f"not returned by api-version {api_version} ({why})"


@lru_cache(maxsize=256)
def _facts_of(lowered: str) -> TypeFacts | None:
    namespace, _, path = lowered.partition("/")
    stem = "-".join([namespace.rpartition(".")[2], *path.split("/")])
    file = _FOLDER / f"{stem}.json"
    if not path or not _STEM.fullmatch(stem) or not file.is_file():
        return None
    facts = _facts(file)
    return facts if facts.type.lower() == lowered else None


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text("utf-8"))
    unknown = content.keys() - _FILE_KEYS
    if unknown:
        raise InputError(f"unknown keys {sorted(unknown)}", file.name)
    return content


def _facts(file: Path) -> TypeFacts:
    content = _read(file)
    facts, tree = _grow(content["properties"], file.name)
    return TypeFacts(
        type=content["type"],
        source=content["source"],
        api_versions=tuple(content.get("apiVersions", ())),
        computed=content.get("computed", False),
        key=tuple(content.get("key", ())),
        facts=MappingProxyType(facts),
        tree=tree,
    )


def _grow(properties: Mapping[str, Any], where: str) -> tuple[dict[str, Fact], Mapping[str, Branch]]:
    """Read the flat facts and nest them; parents come before their children, which inherit the parent's versions.

    Elements and values without a fact of their own get one from the `items` of their array or map.
    """
    facts: dict[str, Fact] = {}
    known: dict[tuple[str, ...], Fact] = {}
    top: dict[str, Branch] = {}
    levels: dict[tuple[str, ...], dict[str, Branch]] = {(): top}
    for path, given in properties.items():
        fact = _fact(path, given, where)
        above = fact.keys[:-1]
        if above not in levels:
            raise InputError(f"'{path}' stands before or without the property that holds it", where)
        if above and not any(fact.versions):
            parent = known[above]
            fact = replace(
                fact, since=parent.since, stable=parent.stable, until=parent.until, preview=parent.preview
            )
        facts[path] = fact
        grown = [fact]
        if mark := {"array": ELEMENT, "map": VALUE}.get(fact.kind):
            grown.append(_element(fact, mark))
        for each in grown:
            below = levels.setdefault(each.keys, {})
            levels[each.keys[:-1]][each.keys[-1].lower()] = Branch(each.keys[-1], each, below)
            known[each.keys] = each
    return facts, top


def _element(fact: Fact, mark: str) -> Fact:
    keys = (*fact.keys, mark)
    bare = Fact(path=fact.path + mark, keys=keys, kind=fact.items)
    return replace(bare, since=fact.since, stable=fact.stable, until=fact.until, preview=fact.preview)


def _fact(path: str, given: dict[str, Any], where: str) -> Fact:
    unknown = given.keys() - _FACT_KEYS
    if unknown or given.get("type") not in KINDS or given.get("items", "any") not in KINDS:
        raise InputError(f"'{path}' has a wrong type or unknown keys {sorted(unknown)}", where)
    when = given.get("secretWhen")
    return Fact(
        path=path,
        keys=tuple(_KEY.findall(path)),
        kind=given["type"],
        items=given.get("items", "any" if given["type"] in {"array", "map"} else ""),
        enum=tuple(given.get("enum", ())),
        default=given.get("default", ABSENT),
        since=given.get("since", ""),
        stable=given.get("stable", ""),
        until=given.get("until", ""),
        preview=given.get("preview", False),
        required=given.get("required", False),
        secret=given.get("secret", ""),
        secret_when=MappingProxyType(when) if when else None,
        key=tuple(given.get("key", ())),
        source=given.get("source", ""),
    )
