"""The country of an IP address, by Python's own ipaddress and a look at every range."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

_IPV4_IN_IPV6 = int(ipaddress.IPv6Address("::ffff:0:0"))
_LOCAL = [
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.168.0.0/16", "224.0.0.0/3", "::/96", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
]
# The first characters of a text in which addresses are looked for.
_LOOKED_AT = 2000


@dataclass(frozen=True, slots=True)
class Range:
    """All addresses from the first to the last, as numbers of IPv6."""

    first: int
    last: int
    country: str


def ranges_of(
    rows: Iterable[Mapping[str, str | None]], country_code: Callable[[str | None], str | None]
) -> tuple[Range, ...]:
    """The ranges of a table (first_address, last_address, country) that can be read.

    country_code: the ISO 3166 alpha-2 code of a country as it is written; None when nobody knows it.
    """
    found = []
    for row in rows:
        country = country_code(row["country"])
        first, last = _ends(row["first_address"], row["last_address"])
        if country is not None and first is not None and last is not None and first <= last:
            found.append(Range(first, last, country))
    return tuple(found)


def country_of(text: str | None, ranges: Iterable[Range]) -> str | None:
    """The country of the first address in a text that is none of a private network; None without one."""
    for part in (text or "")[:_LOOKED_AT].split(","):
        number = number_of(part)
        if number is not None and not _is_local(number):
            return _innermost(number, ranges)
    return None


def number_of(text: str | None) -> int | None:
    """An address as a number of IPv6: without its port, brackets and zone; None when it is none."""
    text = (text or "").strip(" \t\r\n").lower()
    bracketed = re.fullmatch(r"\[(.*)\](:[0-9]+)?", text, re.DOTALL)
    if bracketed:
        text = bracketed[1]
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not re.fullmatch("[0-9]+", port):
            return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if bracketed and address.version == 4:
        return None
    return int(address) + (_IPV4_IN_IPV6 if address.version == 4 else 0)


def _ends(first: str | None, last: str | None) -> tuple[int | None, int | None]:
    address, slash, bits = (first or "").partition("/")
    if not slash:
        return number_of(first), number_of(last)
    try:
        network = ipaddress.ip_network((address.strip(), int(bits)), strict=False)
    except ValueError:
        return None, None
    return number_of(str(network[0])), number_of(str(network[-1]))


def _is_local(number: int) -> bool:
    for network in _LOCAL:
        first, last = number_of(str(network[0])), number_of(str(network[-1]))
        if first <= number <= last:
            return True
    return False


def _innermost(number: int, ranges: Iterable[Range]) -> str | None:
    """Of ranges within one another the one that begins last, then the shortest."""
    holding = [each for each in ranges if each.first <= number <= each.last]
    return max(holding, key=lambda each: (each.first, -each.last, each.country)).country if holding else None
