"""What a property can be besides a JSON value: absent, unknown, hidden, or a list with an unread tail.

These markers stand *inside* a resource body at the place they describe. They are planted by the room that
reads the world (`resource.plant`), so the engine meets them on its way and never has to look anything up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final


class _Absent:
    """The type of `ABSENT`; there is one instance."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        """What another process gets is its own `ABSENT`: conditions ask by identity."""
        return "ABSENT"


ABSENT: Final = _Absent()
"""The property is missing or JSON null."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The value could not be read. `reason` is a sentence fragment for people, `kind` groups reasons.

    Kinds: `unread` (call failed), `not-collected` (nobody called), `api-version` (that version does not return
    the key), `required` (the API always returns it, yet it is missing), `limit`; in templates `parameter` (nobody gave it a
    value), `runtime` (known after deployment only), `secret`, `function` (not supported), `module` (not resolved), `error`.
    """

    reason: str
    kind: str = "unread"


@dataclass(frozen=True, slots=True)
class Hidden:
    """The value is present but withheld: a secret, redacted before storage. `kind` says which sort."""

    kind: str


@dataclass(frozen=True, slots=True)
class UnreadTail:
    """Last item of a list of which more elements exist that could not be read (any number of them).

    `known`: what all of these elements have in common all the same, as (top-level key, value) pairs.
    """

    reason: str
    known: tuple[tuple[str, Any], ...] = field(default=(), hash=False)


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The value is one of these (JSON values or ABSENT); which one, is not known before deployment.

    `cause` names what decides, such as `parameter sku`: two places with the same cause and as many values go together.
    """

    values: tuple[Any, ...]
    reason: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Partial:
    """A text of which only some parts are known; None stands for any text. `("acr", None)` is a text that starts with acr."""

    parts: tuple[str | None, ...]
    reason: str


Json = Any
"""A JSON value; may contain the markers above anywhere inside."""
