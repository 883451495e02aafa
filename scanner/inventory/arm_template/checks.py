"""What functions ask of their arguments: a value comes in, the same value as its type comes out, or `ExpressionError`."""

from __future__ import annotations

from typing import Any

from scanner.inventory.arm_template.values import MAX_ITEMS, MAX_TEXT, LimitError, fail


def text(value: Any, what: str = "a text") -> str:
    """A str."""
    return value if isinstance(value, str) else fail(f"{what} expected, not {named(value)}")


def whole(value: Any, what: str = "a number") -> int:
    """An int."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return (
        value
        if isinstance(value, int) and not isinstance(value, bool)
        else fail(f"{what} expected, not {named(value)}")
    )


def boolean(value: Any) -> bool:
    """A bool."""
    return value if isinstance(value, bool) else fail(f"true or false expected, not {named(value)}")


def array(value: Any) -> list[Any]:
    """A list."""
    return value if isinstance(value, list) else fail(f"a list expected, not {named(value)}")


def mapping(value: Any) -> dict[str, Any]:
    """An object."""
    return value if isinstance(value, dict) else fail(f"an object expected, not {named(value)}")


def grown(value: str) -> str:
    """A text that is not too long."""
    if len(value) > MAX_TEXT:
        raise LimitError(f"the text grows beyond {MAX_TEXT:,} characters")
    return value


def counted(value: list[Any]) -> list[Any]:
    """A list that is not too long."""
    if len(value) > MAX_ITEMS:
        raise LimitError(f"the list grows beyond {MAX_ITEMS:,} items")
    return value


def named(value: Any) -> str:
    """The kind of a value, for messages (never the value: it may be a secret)."""
    if isinstance(value, bool):
        return "true or false"
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        int: "a number",
        float: "a number",
        type(None): "null",
    }
    return names.get(type(value), "a value that is not known")
