"""A reader that closes what is missing must not get a file about half an estate: when to refuse it, and with which words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.errors import PartialError
from scanner.formats._text import visible
from scanner.model.gaps import gaps

if TYPE_CHECKING:
    from scanner.model.scan import Scan

SHOWN = 5


def closing(scan: Scan, subscription: str | None = None) -> list[str]:
    """What a reader would take for mended although nobody looked; [] where everything was looked at or is carried on.

    With a baseline everything that was not looked at is carried on. What a first, partial baseline did not see itself
    cannot be; the comparison notes that.
    """
    return gaps(scan, subscription) if scan.drift is None else []


def refuse(found: dict[str, list[str]]) -> PartialError:
    """The error for files that would close alerts: name of each -> its gaps."""
    lines = [gap for one in found.values() for gap in one]
    shown = [visible(line, 200) for line in dict.fromkeys(lines)]
    more = f"; and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    names = [visible(name, 60) for name in found if name]
    where = f" of {', '.join(names[:SHOWN])}" if names else ""
    further = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return PartialError(
        f"not everything{where}{further} was looked at, and code scanning would close the alerts of what is missing: "
        + "; ".join(shown[:SHOWN])
        + more,
        "--sarif-profile github",
        "Give the scan of the last upload (-f ndjson) with --baseline: what was open there and could not be looked at now is "
        "then carried on as open.",
    )
