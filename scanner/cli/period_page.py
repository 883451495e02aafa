"""A period as one HTML page that needs nothing else: no script, no request, a policy that admits its own style alone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from scanner.cli.period_text import STATES, alone, lacking, stretch
from scanner.formats._text import moment, visible
from scanner.history import chart
from scanner.history.lines import ControlLine, Period
from scanner.history.nights import DEFINITION

if TYPE_CHECKING:
    import jinja2

SHOWN = 5_000
"""Registries, changes and gaps in the page at most; the rest is counted and in JSON and CSV."""
_BLOCKS = {"E": ("ok", 3, 8), "N": ("bad", 0, 14), "U": ("open", 10, 4), "-": ("none", 6, 2)}
"""Letters as blocks: told apart by their height, too, so that they read without colour."""


def render(found: Period, out: BinaryIO) -> None:
    """Write the page."""
    style = _file("period.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    rest = [line for line in found.population if line.reasons or line.last]
    page = _template().generate(
        p=found,
        style=style,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        definition=DEFINITION,
        lacking=lacking(found)[:SHOWN],
        more_lacking=max(len(lacking(found)) - SHOWN, 0),
        alone=alone(found),
        frameworks=_frameworks(found),
        always=sum(
            1 for line in found.rules if line.effective and not line.not_effective and not line.unknown
        ),
        ever_failed=sum(1 for line in found.rules if line.not_effective),
        rest=len(rest),
        shown=SHOWN,
    )
    out.writelines(part.encode("utf-8", "replace") for part in page)


def _frameworks(found: Period) -> list[tuple[str, list[ControlLine]]]:
    grouped: dict[str, list[ControlLine]] = {}
    for line in found.controls:
        grouped.setdefault(line.framework, []).append(line)
    return list(grouped.items())


def _strip(line: ControlLine) -> Any:
    import markupsafe  # noqa: PLC0415 - comes with jinja2, which only pages need

    words = ", ".join(f"{name}: {line.letters.count(letter)}" for letter, name in STATES.items())
    return markupsafe.Markup(chart.strip(line.letters, _BLOCKS, words))  # noqa: S704 - built from letters and numbers


def _block(letter: str) -> Any:
    import markupsafe  # noqa: PLC0415

    return markupsafe.Markup(chart.strip(letter, _BLOCKS, STATES[letter]))  # noqa: S704 - a letter of ours


def _template() -> jinja2.Template:
    import jinja2  # noqa: PLC0415 - only pages need it

    room = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    room.filters |= {
        "v": visible,
        "moment": moment,
        "stretch": stretch,
        "strip": _strip,
        "block": _block,
        "n": _number,
        "first": _first,
    }
    return room.from_string(_file("period.jinja"))


def _number(value: int) -> str:
    return f"{value:,}"


def _first(rows: Iterable[Any], number: int) -> list[Any]:
    return list(islice(rows, number))


def _file(name: str) -> str:
    return files("scanner.cli").joinpath(name).read_text("utf-8")
