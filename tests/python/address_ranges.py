"""A made-up table of ranges of IP addresses, addresses at their edges, and texts that are none."""

from __future__ import annotations

import ipaddress
import random
import re
from collections.abc import Iterable
from pathlib import Path

import duckdb
from warehouse import Row, Warehouse

from oracle.addresses import Range

TABLE = "reference.ip_ranges"
# For the command line of dbt.
VARIABLES = {"address_ranges": TABLE}

# First address, last address, country. Ranges next to one another, within one another, gaps between them.
RANGES = [
    ("11.0.0.0", "11.0.0.255", "DE"),
    ("11.0.1.0", "11.0.1.255", "France"),
    ("11.0.3.0", "11.0.3.0", "esp"),
    ("11.0.5.0", "11.9.255.255", "NO"),
    ("11.1.0.0/16", None, "DK"),
    ("11.1.128.0/18", None, "SE"),
    ("11.1.255.0", "11.1.255.255", "FI"),
    ("11.1.200.0", "11.1.200.7", "ZZ"),
    ("203.0.113.0/28", None, "pt"),
    ("203.0.113.200", "203.0.113.100", "IT"),
    ("203.0.113.300", "203.0.114.1", "IT"),
    ("2001:db8::", "2001:db8:0:ffff:ffff:ffff:ffff:ffff", "NL"),
    ("2001:db8:0:1::/65", None, "BE"),
    ("2001:DB8:ffff::", "2001:db8:ffff::1", "LU"),
    ("10.0.0.0/8", None, "US"),
]

# What stands where an address is expected.
ODD = [
    *("", " ", "x", "unknown", "1.2.3", "11.0.0", "11.0.0.1.5", "256.1.1.1", "011.0.0.1", "11.0.0.1/24"),
    *("11.0.0.1:", "11.0.0.1:443", " 11.0.0.1\t", "11.0.0.1\n", "11.0.0.١", "[11.0.0.1]:80", "0.0.0.0"),
    *("::", "::1", ":::", "::11.0.0.1", "::ffff:11.0.0.1", "::FFFF:0B00:0001", "::ffff:11.0.0.300"),
    *("0:0:0:0:0:ffff:11.0.0.1", "1:0:0:0:0:0:ffff:11.0.0.1", "2001:db8::1::2", "2001:db8:0:0:0:0:0:0"),
    *("2001:db8:0:0:0:0:0:0:0", "2001:db8:0:0:0:0:0::", "::2001:db8:0:0:0:0:0:0", "2001:db8::1%eth0"),
    *("2001:db8::12345", "2001:db8:0:1::%25en0", "[2001:db8::1]", "[2001:db8::1]:443", "2001:db8::g", ":1::"),
    *("11.0.0.1, 11.0.1.1", "10.1.2.3, 11.0.1.1", "192.168.1.1,fe80::1, fd00::1,127.0.0.1,11.0.1.1,11.0.0.1"),
    *("11.0.2.1, 11.0.0.1", "unknown, 11.0.1.1", ",,11.0.0.1", "10.0.0.1", "100.64.0.1, 172.31.0.1"),
    *("x" * 3000, "10.0.0.1," * 300 + "11.0.0.1"),
]  # fmt: skip


def as_rows(ranges: Iterable[tuple[str, str | None, str]]) -> list[Row]:
    """The rows of a table of ranges."""
    return [dict(zip(("first_address", "last_address", "country"), one, strict=True)) for one in ranges]


def create_table(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the table of RANGES in the lakehouse that the connection has as `lake`."""
    connection.execute("create schema if not exists lake.reference")
    fill(connection, f"lake.{TABLE}", RANGES)


def fill(
    connection: duckdb.DuckDBPyConnection, table: str, ranges: Iterable[tuple[str, str | None, str]]
) -> None:
    """Create a table of ranges."""
    connection.execute(f"create table {table} (first_address varchar, last_address varchar, country varchar)")
    connection.executemany(f"insert into {table} values (?, ?, ?)", list(ranges))


def at_edges(ranges: Iterable[Range]) -> list[str]:
    """The first and last addresses of ranges, those before and after them, and one between."""
    numbers = set()
    for each in ranges:
        numbers |= {each.first - 1, each.first, (each.first + each.last) // 2, each.last, each.last + 1}
    return [as_text(number) for number in sorted(numbers) if 0 <= number < 2**128]


def as_text(number: int, chance: random.Random | None = None) -> str:
    """A number of IPv6 as an address is written, in any way if `chance` is given."""
    six = ipaddress.IPv6Address(number)
    if six.ipv4_mapped is None:
        ways = [six.compressed, six.exploded, six.compressed.upper(), f"[{six}]:443", f"{six}%eth0"]
    else:
        four = str(six.ipv4_mapped)
        ways = [four, f"{four}:443", f"::ffff:{four}", six.exploded]
    return chance.choice(ways) if chance else ways[0]


def random_ranges(chance: random.Random) -> list[tuple[str, str | None, str]]:
    """Networks, many of them within one another, as such or by their ends."""
    networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
    for _ in range(chance.randrange(1, 25)):
        if networks and chance.random() < 0.5:
            outer = chance.choice(networks)
            bits = min(outer.prefixlen + chance.randrange(9), outer.max_prefixlen)
            number = int(outer.network_address) + chance.randrange(outer.num_addresses)
        elif chance.random() < 0.5:
            outer, bits, number = (
                ipaddress.IPv4Network("0.0.0.0/0"),
                chance.randrange(8, 33),
                chance.getrandbits(32),
            )
        else:
            outer, bits, number = (
                ipaddress.IPv6Network("::/0"),
                chance.randrange(3, 129),
                chance.getrandbits(128),
            )
        networks.append(type(outer)((number, bits), strict=False))
    countries = ("DE", "deu", "France", "NO", "es", "-")
    return [
        (str(one), None, chance.choice(countries))
        if chance.random() < 0.5
        else (str(one[0]), str(one[-1]), chance.choice(countries))
        for one in networks
    ]


def selects(warehouse: Warehouse, relations: dict[str, str]) -> tuple[str, str]:
    """The SELECTs of int_address_ranges and int_address_countries as dbt rendered them last.

    Args:
        warehouse: where dbt did.
        relations: {the name of a table that they read: what to read instead}.
    """
    folder = (
        Path(warehouse.environment["DBT_TARGET_PATH"])
        / "compiled/web_events_lakehouse/models/intermediate/web"
    )
    found = []
    for model in ("int_address_ranges", "int_address_countries"):
        sql = (folder / f"{model}.sql").read_text()
        for name, relation in relations.items():
            sql = re.sub(rf'"\w+"\."\w+"\."{name}"', relation, sql)
        found.append(sql)
    return found[0], found[1]
