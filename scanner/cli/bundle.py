"""Groups of options: a command gets each group as one value, so that commands with many options stay readable."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def bundled(
    command: Callable[..., Any], options: tuple[Any, ...], names: tuple[str, ...], make: Any, key: str
) -> Any:
    """A command whose listed options arrive as one value, made by `make` and named `key`."""

    @functools.wraps(command)
    def wrapped(**given: Any) -> Any:
        return command(**{key: make(**{name: given.pop(name) for name in names})}, **given)

    found: Any = wrapped
    for option in options:
        found = option(found)
    return found
