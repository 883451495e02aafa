"""What the tools of remediations know: commands of the Azure CLI with their options, attributes of Terraform's azurerm resources.

The data lies in `known.json` with the pages it is from. Only what rules about registries use is there: a command that
is not there is not judged, except below `az acr`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Known(NamedTuple):
    """`commands`: command (without `az`) -> its options and those that every command takes; `azurerm`: attributes and blocks."""

    commands: dict[str, frozenset[str]]
    azurerm: frozenset[str]


@cache
def known() -> Known:
    """The data, read when first needed."""
    body = json.loads((Path(__file__).parent / "known.json").read_text("utf-8"))
    everywhere = frozenset(body["everywhere"].split())
    commands = {name: everywhere.union(options.split()) for name, options in body["commands"].items()}
    return Known(commands, frozenset(body["azurerm"].split()))
