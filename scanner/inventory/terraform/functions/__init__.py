"""Terraform's functions: a name comes in, what it does to values comes out. What is not here makes an unknown value.

`DEEP` functions need arguments that are known to their leaves; `SHALLOW` ones look at the outer list or map only, so that
one unknown element does not make the rest unknown. Reference: https://developer.hashicorp.com/terraform/language/functions
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from scanner.inventory.terraform.functions import collections, encoding, moments, networks, numbers, texts

Function = Callable[..., Any]

DEEP: Final[Mapping[str, Function]] = MappingProxyType(
    {**numbers.TABLE, **texts.TABLE, **encoding.TABLE, **moments.TABLE, **networks.TABLE, **collections.DEEP}
)
SHALLOW: Final[Mapping[str, Function]] = MappingProxyType(dict(collections.SHALLOW))

RANDOM: Final = frozenset({"uuid", "timestamp", "plantimestamp", "bcrypt", "rsadecrypt", "uuidv7"})
"""Functions whose value differs from run to run, or needs a key."""
