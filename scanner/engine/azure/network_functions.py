"""Template functions on IP addresses: ipRangeContains and the CIDR functions."""

from __future__ import annotations

import ipaddress
from typing import Any

from scanner.engine.azure.failing import EvaluationFailed
from scanner.engine.azure.text_functions import Table, text, whole


def _span(value: Any) -> tuple[int, int, int]:
    """(version, first, last) of an address, a CIDR range or `first-last`."""
    given = text(value, "ipRangeContains").strip()
    first, dash, last = given.partition("-")
    try:
        if dash:
            start, end = ipaddress.ip_address(first.strip()), ipaddress.ip_address(last.strip())
            if start.version == end.version and int(start) <= int(end):
                return start.version, int(start), int(end)
        else:
            found = ipaddress.ip_network(given, strict=False)
            return found.version, int(found.network_address), int(found.broadcast_address)
    except ValueError:
        pass
    raise EvaluationFailed(f"ipRangeContains() cannot read the range {given[:60]!r}")


def _contains(outer: Any, inner: Any) -> bool:
    one, two = _span(outer), _span(inner)
    if one[0] != two[0]:
        raise EvaluationFailed("ipRangeContains() of IPv4 and IPv6 mixed")
    return one[1] <= two[1] and two[2] <= one[2]


def _network(value: Any, name: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text(value, name).strip(), strict=False)
    except ValueError as error:
        raise EvaluationFailed(f"{name}() needs a range such as 10.0.0.0/16") from error


def _parse(value: Any) -> dict[str, Any]:
    found = _network(value, "parseCidr")
    single = found.prefixlen >= found.max_prefixlen - 1
    return {
        "network": str(found.network_address),
        "netmask": str(found.netmask),
        "broadcast": str(found.broadcast_address),
        "firstUsable": str(found.network_address if single else found.network_address + 1),
        "lastUsable": str(found.broadcast_address if single else found.broadcast_address - 1),
        "cidr": found.prefixlen,
    }


def _subnet(value: Any, length: Any, index: Any) -> str:
    found, bits, at = _network(value, "cidrSubnet"), whole(length, "cidrSubnet"), whole(index, "cidrSubnet")
    if not found.prefixlen <= bits <= found.max_prefixlen or not 0 <= at < 2 ** (bits - found.prefixlen):
        raise EvaluationFailed("cidrSubnet() reaches beyond the range")
    start = found.network_address + at * 2 ** (found.max_prefixlen - bits)
    return f"{start}/{bits}"


def _host(value: Any, index: Any) -> str:
    found, at = _network(value, "cidrHost"), whole(index, "cidrHost")
    if not 0 <= at < found.num_addresses - 1:
        raise EvaluationFailed("cidrHost() reaches beyond the range")
    return str(found.network_address + at + 1)


TABLE: Table = {
    "iprangecontains": (2, 2, _contains),
    "parsecidr": (1, 1, _parse),
    "cidrsubnet": (3, 3, _subnet),
    "cidrhost": (2, 2, _host),
}
