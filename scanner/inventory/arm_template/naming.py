"""Types and names of resources: what a template writes comes in, the full type and one name per segment come out."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from scanner.inventory.arm_template.home import split_names
from scanner.inventory.arm_template.values import SAFE, Hole, Mixed, alternatives, parts_of, plain, same
from scanner.model.values import ABSENT, Alternatives, Unknown


def split_type(kind: Any, api_version: Any) -> tuple[str, str | None]:
    """A type and its api-version; `Namespace/type@version` holds both. "" for a type that is not known."""
    if not isinstance(kind, str) or not kind.strip("/"):
        return "", None
    name, _, version = kind.strip().strip("/").partition("@")
    return name, version or (api_version if isinstance(api_version, str) else None)


def full_type(kind: str, parent: str) -> str:
    """The full type of a child: `replications` in a registry; a type with a namespace is full already."""
    first = kind.partition("/")[0]
    if not parent or ("." in first and "/" in kind):
        return kind
    return f"{parent}/{kind}"


def joined_names(kind: str, name: Any, parents: list[Any]) -> list[Any]:
    """One name per segment of the type; `parents`: the names of the parent, for a child that has its own name alone."""
    count = kind.count("/")
    own = _segments(name, count - len(parents))
    if parents and len(own) > count - len(parents) and len(own) == count:
        return own
    found = [*parents, *own]
    return found if len(found) == count else _segments(name, count)


def _segments(name: Any, count: int) -> list[Any]:
    if count < 1:
        return []
    if isinstance(name, Alternatives):
        rows = [_segments(plain(value), count) for value in name.values]
        return [_one_of([row[at] for row in rows], name) for at in range(count)]
    if name is None or name is ABSENT or isinstance(name, (dict, list, bool)):
        name = Hole("the name of the resource is not known", "error", "[name]")
    elif not isinstance(name, (str, Mixed, Hole, int, float)):
        reason = name.reason if isinstance(name, Unknown) else "the name of the resource is not known"
        name = Hole(reason, "runtime", f"[{quote(reason[:120], safe=SAFE)}]")
    return split_names(str(name) if isinstance(name, (int, float)) else name, count)


def _one_of(values: list[Any], among: Alternatives) -> Any:
    if all(same(value, values[0]) for value in values[1:]):
        return values[0]
    return alternatives(values, among.reason, among.cause)


def shown(name: Any) -> str:
    """A name as a segment of an id; what is not known in it as its expression."""
    if isinstance(name, Alternatives):
        return (
            "[" + quote("|".join(shown(plain(value)) for value in name.values)[:200], safe=SAFE + "|%") + "]"
        )
    if isinstance(name, Unknown) and not isinstance(name, Hole):
        return f"[{quote(name.reason[:120], safe=SAFE)}]"
    return "".join(
        quote(part, safe=SAFE + "%") if isinstance(part, str) else part.text for part in parts_of(name)
    )
