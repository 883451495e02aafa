"""Template functions on dates and address ranges.

Sources: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-date and ...-cidr
"""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from scanner.inventory.arm_template import checks
from scanner.inventory.arm_template.evaluation import Function
from scanner.inventory.arm_template.values import Hole, fail

if TYPE_CHECKING:
    from scanner.inventory.arm_template.scope import Scope

_DURATION = re.compile(
    r"(-)?P(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?"
)
_FORMAT = re.compile(
    r"yyyy|yy|MMMM|MMM|MM|M|dddd|ddd|dd|d|HH|H|hh|h|mm|m|ss|s|f{1,6}|tt|zzz|K|'[^']*'|\\.|.", re.DOTALL
)
_CODES = {
    "yyyy": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "dddd": "%A", "ddd": "%a", "dd": "%d",
    "HH": "%H", "hh": "%I", "mm": "%M", "ss": "%S", "tt": "%p",
}  # fmt: skip
_STANDARD = {
    "d": "MM/dd/yyyy", "D": "dddd, dd MMMM yyyy", "s": "yyyy-MM-ddTHH:mm:ss", "u": "yyyy-MM-dd HH:mm:ssZ",
    "o": "yyyy-MM-ddTHH:mm:ss.ffffff0Z", "O": "yyyy-MM-ddTHH:mm:ss.ffffff0Z", "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
}  # fmt: skip


def instant(value: Any) -> datetime:
    """The moment of a text; without a zone it is UTC."""
    given = checks.text(value).strip()
    if re.fullmatch(r"\d{8}T\d{6}Z", given):
        given = f"{given[:4]}-{given[4:6]}-{given[6:8]}T{given[9:11]}:{given[11:13]}:{given[13:15]}Z"
    given = re.sub(r"(\.\d{6})\d+", r"\1", given)
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        return fail("no date that can be read")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def written(moment: datetime, form: str) -> str:
    """A moment in a format of .NET."""
    found = []
    for token in _FORMAT.findall(_STANDARD.get(form, form)):
        if token in _CODES:
            found.append(moment.strftime(_CODES[token]).rjust(4 if token == "yyyy" else 0, "0"))  # noqa: S105
        elif token in ("M", "d", "H", "h", "m", "s"):
            found.append(str(int(moment.strftime(_CODES[token * 2]))))
        elif token.startswith("f"):
            found.append(f"{moment.microsecond:06d}"[: len(token)])
        elif token == "zzz":  # noqa: S105
            found.append("+00:00")
        elif token == "K":  # noqa: S105
            found.append("Z")
        else:
            found.append(token.strip("'") if token.startswith("'") else token.removeprefix("\\"))
    return "".join(found)


def date_add(_: Scope, items: list[Any]) -> str:
    """A moment and a duration of ISO 8601."""
    moment = instant(items[0])
    match = _DURATION.fullmatch(checks.text(items[1]).strip())
    if not match or not any(match.groups()[1:]):
        return fail("no duration that can be read")
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
    sign = -1 if match[1] else 1
    total = moment.year * 12 + moment.month - 1 + sign * (12 * years + months)
    if not 12 <= total < 12 * 9999:
        return fail("a date beyond the calendar")
    year, month = divmod(total, 12)
    last = (datetime(year + month // 11, (month + 1) % 12 + 1, 1, tzinfo=UTC) - timedelta(days=1)).day
    moved = moment.replace(year=year, month=month + 1, day=min(moment.day, last))
    try:
        moved += sign * timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        return fail("a date beyond the calendar")
    return written(moved, checks.text(items[2]) if len(items) > 2 else "yyyy-MM-ddTHH:mm:ssZ")


def from_epoch(_: Scope, items: list[Any]) -> str:
    """A moment of seconds since 1970."""
    try:
        return written(datetime.fromtimestamp(checks.whole(items[0]), UTC), "yyyy-MM-ddTHH:mm:ssZ")
    except (OverflowError, OSError, ValueError):
        return fail("a date beyond the calendar")


def now(scope: Scope, items: list[Any]) -> Hole:
    """The time of the deployment."""
    form = checks.text(items[0]) if items else ""
    return scope.run.fresh("utcNow", f"the time of the deployment {form}".strip())


def _network(value: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(checks.text(value), strict=False)
    except ValueError:
        return fail("no address range")


def parse_cidr(_: Scope, items: list[Any]) -> dict[str, Any]:
    """The parts of a range."""
    net = _network(items[0])
    found: dict[str, Any] = {"network": str(net.network_address), "netmask": str(net.netmask)}
    if net.version == 4:
        found["broadcast"] = str(net.broadcast_address)
    hosts = net.version == 4 and net.prefixlen < 31
    found["firstUsable"] = str(net.network_address + (1 if hosts else 0))
    found["lastUsable"] = str(net.broadcast_address - (1 if hosts else 0))
    return {**found, "cidr": net.prefixlen}


def cidr_subnet(_: Scope, items: list[Any]) -> str:
    """The n-th subnet of that size."""
    net, size, number = _network(items[0]), checks.whole(items[1]), checks.whole(items[2])
    if not net.prefixlen <= size <= net.max_prefixlen or not 0 <= number < 2 ** (size - net.prefixlen):
        return fail("no such subnet")
    start = int(net.network_address) + number * 2 ** (net.max_prefixlen - size)
    return f"{ipaddress.ip_address(start) if net.version == 4 else ipaddress.IPv6Address(start)}/{size}"


def cidr_host(_: Scope, items: list[Any]) -> str:
    """The n-th host of a range."""
    net, number = _network(items[0]), checks.whole(items[1])
    if not 0 <= number < net.num_addresses - (2 if net.version == 4 and net.prefixlen < 31 else 0):
        return fail("no such host")
    return str(net.network_address + number + (1 if net.version == 4 and net.prefixlen < 31 else 0))


TABLE = {
    "datetimeadd": Function(date_add, 2, 3),
    "datetimefromepoch": Function(from_epoch),
    "datetimetoepoch": Function(lambda _, items: int(instant(items[0]).timestamp())),
    "utcnow": Function(now, 0, 1),
    "parsecidr": Function(parse_cidr),
    "cidrsubnet": Function(cidr_subnet, 3, 3),
    "cidrhost": Function(cidr_host, 2, 2),
}
