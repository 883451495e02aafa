"""Functions of address ranges."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from scanner.inventory.terraform.functions.numbers import whole
from scanner.inventory.terraform.functions.texts import text
from scanner.inventory.terraform.values import EvaluationError

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(value: Any) -> _Network:
    try:
        return ipaddress.ip_network(text(value), strict=False)
    except ValueError as error:
        raise EvaluationError("no address range in CIDR notation") from error


def _subnet(prefix: Any, bits: Any, number: Any) -> str:
    base, more, at = _network(prefix), whole(bits), whole(number)
    length = base.prefixlen + more
    if more < 0 or length > base.max_prefixlen or not 0 <= at < 2**more:
        raise EvaluationError("cidrsubnet: the range has no such part")
    start = int(base.network_address) + (at << (base.max_prefixlen - length))
    return f"{base.network_address.__class__(start)}/{length}"


def _subnets(prefix: Any, *bits: Any) -> list[str]:
    base = _network(prefix)
    at = int(base.network_address)
    found = []
    for more in bits:
        length = base.prefixlen + whole(more)
        if not base.prefixlen <= length <= base.max_prefixlen:
            raise EvaluationError("cidrsubnets: the range has no such part")
        size = 1 << (base.max_prefixlen - length)
        at = (at + size - 1) // size * size
        if at + size - 1 > int(base.broadcast_address):
            raise EvaluationError("cidrsubnets: the range is used up")
        found.append(f"{base.network_address.__class__(at)}/{length}")
        at += size
    return found


def _host(prefix: Any, number: Any) -> str:
    base, at = _network(prefix), whole(number)
    if not -base.num_addresses <= at < base.num_addresses:
        raise EvaluationError("cidrhost: the range has no such address")
    return str(base[at])


def _mask(prefix: Any) -> str:
    base = _network(prefix)
    if base.version != 4:
        raise EvaluationError("cidrnetmask: only for IPv4")
    return str(base.netmask)


TABLE: dict[str, Callable[..., Any]] = {
    "cidrhost": _host,
    "cidrnetmask": _mask,
    "cidrsubnet": _subnet,
    "cidrsubnets": _subnets,
}
