"""Names and groups of object ids: a JSON file comes in, principals by object id come out.

Accepted: a list (or `{"value": [...]}`) of objects with `id` (or `objectId`), `name` or `displayName`, `type`, and
`groups` or `memberOf` (ids, or objects with `id`), as Microsoft Graph and `az ad ... -o json` write them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scanner.errors import InputError
from scanner.json_text import read_json
from scanner.model.resource import Principal

_TYPES = {
    "serviceprincipal": "ServicePrincipal",
    "user": "User",
    "group": "Group",
    "application": "ServicePrincipal",
}


def read_principals(path: Path) -> dict[str, Principal]:
    """Principals by lower-case object id; raises `InputError` for anything that is no list of them."""
    content = read_json(path)
    rows = content.get("value") if isinstance(content, dict) else content
    if not isinstance(rows, list):
        raise InputError(
            "holds no list of principals", str(path), 'Write [{"id": "...", "name": "...", "groups": []}].'
        )
    found: dict[str, Principal] = {}
    for number, row in enumerate(rows, 1):
        identifier = _first(row, "id", "objectId") if isinstance(row, dict) else ""
        if not identifier:
            raise InputError(f"principal {number} has no id", str(path))
        kind = _first(row, "type", "principalType", "@odata.type", "objectType").rpartition(".")[2]
        found[identifier.lower()] = Principal(
            id=identifier,
            name=_first(row, "name", "displayName", "userPrincipalName", "appDisplayName"),
            type=_TYPES.get(kind.lower(), kind),
            groups=tuple(_ids(row.get("groups") or row.get("memberOf") or row.get("transitiveMemberOf"))),
        )
    return found


def _first(row: dict[str, Any], *names: str) -> str:
    return next((row[name] for name in names if isinstance(row.get(name), str) and row[name]), "")


def _ids(value: Any) -> list[str]:
    if not isinstance(value, list):
        return []
    found = [item.get("id") if isinstance(item, dict) else item for item in value]
    return [item for item in found if isinstance(item, str)]
