"""Templates that nobody would write: whatever stands in them, reading ends, the same each time, and only in errors for people."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from scanner.errors import ScannerError
from scanner.inventory.arm_template.evaluating import FUNCTIONS
from tests.inventory.arm_template.compiled import FULL, compiled
from tests.inventory.arm_template.expanding import expanded

BASE = compiled()
NAMES = sorted(FUNCTIONS)
ATOMS = (
    "'a'", "1", "null()", "true()", "parameters('name')", "parameters('lock')", "variables('identity')", "copyIndex()",
    "createArray(1, 'b', null())", "createObject('a', 1)", "reference('registry').x", "parameters('publicNetworkAccess')",
    "resourceGroup()", "utcNow()", "lambda('x', lambdaVariables('x'))",
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None, 1, "x", [], {}, [{}], True, "[x", "[[y]", -1, 1.5, "[parameters('nope')]",
    {"copy": [{"name": "a", "count": 2, "input": "[copyIndex('a')]"}]},
)  # fmt: skip


def _expression(dice: random.Random, depth: int = 0) -> str:
    if depth > 4 or dice.random() < 0.4:
        return dice.choice(ATOMS)
    arguments = ",".join(_expression(dice, depth + 1) for _ in range(dice.randint(0, 3)))
    return f"{dice.choice(NAMES)}({arguments}){dice.choice(('', '', '.a', '[0]', '.?b'))}"


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _paths(item, (*path, key))


PATHS = list(_paths(BASE))


def _changed(dice: random.Random) -> tuple[dict[str, Any], dict[str, Any] | None]:
    content = copy.deepcopy(BASE)
    for _ in range(dice.randint(1, 6)):
        *above, last = dice.choice(PATHS)
        node: Any = content
        for key in above:
            inside = isinstance(node, dict) and key in node
            inside = inside or (isinstance(node, list) and isinstance(key, int) and key < len(node))
            node = node[key] if inside else None
        if isinstance(node, list) and isinstance(last, int) and last < len(node):
            node[last] = f"[{_expression(dice)}]"
        elif isinstance(node, dict) and dice.random() < 0.25:
            node.pop(last, None)
        elif isinstance(node, dict):
            node[last] = f"[{_expression(dice)}]" if dice.random() < 0.6 else dice.choice(ODD)
    values = copy.deepcopy(FULL)
    for _ in range(dice.randint(0, 3)):
        values[dice.choice(sorted(values))] = dice.choice((None, 1, "x", [], {}, True, [None], [{}]))
    return content, values if dice.random() < 0.7 else None


@pytest.mark.parametrize("seed", range(60))
def test_a_template_with_anything_anywhere(seed: int):
    """Random changes end in resources, notes or a clear error; the places of everything can be worked out; twice is the same."""
    content, values = _changed(random.Random(seed))
    text = json.dumps(content, indent=1)
    outcomes = []
    for _ in range(2):
        try:
            found = expanded(text, values)
        except ScannerError as error:
            outcomes.append(str(error))
            continue
        for resource in found.resources:
            assert all(resource.places[pointer][0].line >= 1 for pointer in resource.places)
        outcomes.append(
            repr([(one.id, one.body, one.optional) for one in found.resources]) + repr(found.notes)
        )
    assert outcomes[0] == outcomes[1]
