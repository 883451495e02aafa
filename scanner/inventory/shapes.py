"""The shapes in which answers are saved: a JSON value comes in, answers with their rows and their request come out.

ARM lists (`{"value": []}`), single objects, arrays, recorded exchanges (`{"interactions": []}`), Resource Graph answers
(objects or a table), errors (`{"error": {}}`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from scanner.errors import InputError
from scanner.json_text import parse_json

_NEXT = ("nextLink", "@odata.nextLink", "odata.nextLink")
_SKIP = ("$skipToken", "skipToken", "skip_token")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `path`: the request's path ("" unknown); `graph`: from Resource Graph, so it spans its whole scope.

    `more`: where the next page is, "" for none. `error`: why there are no rows, "" for none.
    """

    rows: list[Any] = field(default_factory=list)
    path: str = ""
    api_version: str | None = None
    collected_at: str | None = None
    graph: bool = False
    more: str = ""
    error: str = ""
    status: int | None = None
    listing: bool = True
    """Whether the answer lists a collection (an empty one then says that there is nothing)."""
    asked: str = ""
    """What tells this page from others: the request's whole address, or the skip token it sent."""


def answers(value: Any, where: str) -> Iterator[Answer]:
    """The answers in a saved value. Raises `InputError` for a value that is none of the shapes."""
    if isinstance(value, dict) and isinstance(value.get("interactions"), list):
        for number, item in enumerate(value["interactions"], 1):
            yield from _exchange(item, f"{where}: interaction {number}")
        return
    yield _answer(value, where)


def _exchange(item: Any, where: str) -> Iterator[Answer]:
    request = item.get("request") if isinstance(item, dict) else None
    response = item.get("response") if isinstance(item, dict) else None
    uri = request.get("uri") if isinstance(request, dict) else None
    if not isinstance(request, dict) or not isinstance(uri, str) or not isinstance(response, dict):
        raise InputError("is no recorded exchange (request.uri and response are needed)", where)
    split = urlsplit(uri)
    version = parse_qs(split.query).get("api-version", [None])[0]
    body = response.get("body")
    data = body.get("data") if isinstance(body, dict) and "data" in body else _text(body, where)
    status = response.get("status")
    code = status.get("code") if isinstance(status, dict) else status
    when = _date(response.get("headers"))
    code = code if isinstance(code, int) else None
    if data is None and code is not None and code < 400:
        return  # an answer without content, such as 204
    found = _answer(data if data is not None else {"error": {"message": f"status {code}"}}, where)
    if code is not None and code >= 400 and not found.error:
        found = Answer(error=f"status {code}")
    graph = found.graph or split.path.lower().endswith("microsoft.resourcegraph/resources")
    yield replace(
        found,
        path=unquote(split.path),
        api_version=None if graph else version,
        collected_at=when,
        graph=graph,
        status=code,
        asked=_skip_token(request.get("body")) if graph else uri,
    )


def _skip_token(body: Any) -> str:
    """The skip token that a Resource Graph request sent, or ""."""
    if isinstance(body, str):
        try:
            body = parse_json(body, "request body")
        except InputError:
            return ""
    options = body.get("options") if isinstance(body, dict) else None
    return (
        next((options[key] for key in _SKIP if isinstance(options.get(key), str)), "")
        if isinstance(options, dict)
        else ""
    )


def _text(body: Any, where: str) -> Any:
    text = body.get("string") if isinstance(body, dict) else body
    if isinstance(text, str) and text.strip():
        return parse_json(text, where)
    return text if isinstance(text, (dict, list)) else None


def _date(headers: Any) -> str | None:
    """The response's Date header as RFC 3339."""
    for name, value in headers.items() if isinstance(headers, dict) else ():
        text = value[0] if isinstance(value, list) and value else value
        if name.lower() == "date" and isinstance(text, str):
            try:
                return parsedate_to_datetime(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            except ValueError:
                return None
    return None


def _answer(value: Any, where: str) -> Answer:
    if isinstance(value, list):
        return Answer(value)
    if not isinstance(value, dict):
        raise InputError("holds neither an object nor a list", where, "Save what Azure answered, as JSON.")
    error = value.get("error")
    if isinstance(error, dict) and "id" not in value:
        text = ": ".join(str(error[key]) for key in ("code", "message") if error.get(key))
        return Answer(error=text or "an error without text")
    if isinstance(value.get("value"), list):
        more = next((value[key] for key in _NEXT if isinstance(value.get(key), str) and value[key]), "")
        wrapper = value.get("id")
        return Answer(value["value"], path=wrapper if isinstance(wrapper, str) else "", more=more)
    data = value.get("data")
    if isinstance(data, (list, dict)) and "id" not in value:
        more = next((value[key] for key in _SKIP if isinstance(value.get(key), str) and value[key]), "")
        if str(value.get("resultTruncated")).lower() == "true" and not more:
            more = "the answer was truncated"
        return Answer(_table(data, where) if isinstance(data, dict) else data, graph=True, more=more)
    if isinstance(value.get("id"), str) or isinstance(value.get("type"), str):
        return Answer([value], listing=False)
    raise InputError(
        "is no answer of Azure that we know",
        where,
        "Known: lists ({value: []}), single resources, arrays, recorded exchanges, Resource Graph answers.",
    )


def _table(data: dict[str, Any], where: str) -> list[Any]:
    """Rows of a Resource Graph table as objects; a `properties` column may hold JSON text."""
    columns, rows = data.get("columns"), data.get("rows")
    if not isinstance(columns, list) or not isinstance(rows, list):
        raise InputError("is no Resource Graph table (columns and rows are needed)", where)
    names = [column.get("name") if isinstance(column, dict) else None for column in columns]
    if not all(isinstance(name, str) for name in names):
        raise InputError("has a Resource Graph column without a name", where)
    found = []
    for row in rows:
        if not isinstance(row, list) or len(row) != len(names):
            raise InputError("has a Resource Graph row with another number of cells than columns", where)
        found.append({str(name): _cell(cell) for name, cell in zip(names, row, strict=True)})
    return found


def _cell(cell: Any) -> Any:
    if isinstance(cell, str) and re.match(r"\s*[\[{]", cell):
        try:
            return parse_json(cell, "a cell")
        except InputError:
            return cell
    return cell
