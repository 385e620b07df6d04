"""Records with a personal value at every place that staging reads, and what a masked table has instead.

What is planted can be found again: it holds `quibble`, or is an address of 198.51.100.0/24.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hostile_values import Places, put
from warehouse import Row

KEY = "0123456789abcdef" * 4
"""A key of the tests' own."""
MARKS = ("quibble", "198.51.100.")
MODIFIED_AT = datetime(2026, 1, 10, tzinfo=UTC)

HASHED = frozenset(
    {
        "anonymous_id",
        "user_id",
        "visitor_id",
        "customer_id",
        "source_session_id",
        "user_agent",
        "ip_address",
        "search_query",
    }
)
URLS = frozenset({"page_url", "referrer_url"})
# What every planted event has, where its format has it.
_USUAL = frozenset({"anonymous_id", "user_id", "user_agent", "ip_address", "search_query", "page_url"})

_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 "
    "Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.2 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
)
_ADDRESS = re.compile(r"[\w.+-]+(?:@|%(?:25)?40)[\w.-]*\w")
_CAMPAIGN = re.compile(r"utm_(source|medium|campaign|term|content)=")


def personal(field: str, number: int) -> str:
    """A person's value for a field of staging."""
    address = f"quibble.{number}@example.com"
    match field:
        case "user_agent":
            return f"{_AGENTS[number % len(_AGENTS)]} quibble/{number}"
        case "ip_address":
            return f"198.51.100.{number % 250}"
        case "search_query":
            return f"quibble {number}"
        case "page_url" | "referrer_url":
            encoded = address.replace("@", "%40")
            return (
                f"https://quibble:{number}@shop.example/u/{encoded}/x?q=quibble+{number}&email={address}"
                f"&utm_source=news&utm_content={encoded.replace('%', '%25')}&gclid=quibble{number}"
                f"&utm_medium=cpc#quibble-{number}"
            )
        case "user_id" | "customer_id":
            return f"quibble-user-{number % 40}"
        case "anonymous_id" | "source_session_id":
            return f"quibble-{field}-{number // 4}"
        case "own_event_id" | "product_id" | "transaction_id" | "review_id":
            return address
        case _:
            return f"by {address}, copied to <o.quibble%40example.org>."


def planted_events(places: Places, templates: dict[str, dict[str, Any]]) -> Iterator[str]:
    """One record per format and path with a personal value there, beside those that every event has."""
    start, number = datetime(2026, 1, 5, tzinfo=UTC), 0
    for name, template in templates.items():
        fields = places.by_format[name]
        for field, paths in fields.items():
            for path in paths:
                number += 1
                record = json.loads(json.dumps(template))
                put(record, fields["event_time"][0], (start + timedelta(seconds=97 * number)).isoformat())
                if number % 3:
                    put(record, fields["own_event_id"][0], f"event-{number}")
                for usual in (
                    "anonymous_id",
                    "user_id",
                    "user_agent",
                    "ip_address",
                    "search_query",
                    "page_url",
                ):
                    if usual in fields:
                        put(record, fields[usual][0], personal(usual, number))
                put(record, path, personal(field, number))
                line = json.dumps(record)
                if number % 7 == 0:
                    line = json.dumps({"data": base64.b64encode(line.encode()).decode()})
                yield line
    yield json.dumps(template | {personal("own_event_id", number): 1, "messageId": "event-with-a-key"})
    yield '{"broken": "' + personal("user_id", number)
    yield json.dumps({"unknown": personal("search_query", number)})


def planted_shop() -> dict[str, list[dict[str, Any]]]:
    """Records of each of the shop's datasets, good ones and such that are rejected."""
    numbers = range(60)
    return {
        "transactions": [
            {
                "transaction_id": personal("transaction_id", number) if number % 5 == 0 else f"sale-{number}",
                "customer_id": personal("customer_id", number),
                "product_id": personal("product_id", number % 3),
                "quantity": 1,
                "price": f"{number}.50",
                "transaction_date": "2026-01-05",
                "status": personal("status", number) if number % 11 == 0 else "completed",
            }
            for number in numbers
        ],
        "reviews": [
            {
                "review_id": personal("review_id", number) if number % 5 == 0 else f"review-{number}",
                "product_id": personal("product_id", number % 3),
                "customer_id": personal("customer_id", number),
                "rating": 9 if number % 11 == 0 else 1 + number % 5,
                "review_text": personal("review_text", number),
                "review_date": "2026-01-06",
            }
            for number in numbers
        ],
        "products": [
            {
                "product_id": personal("product_id", number),
                "name": personal("name", number),
                "category": personal("category", number),
                "brand": personal("brand", number),
                "price": "1.50",
            }
            for number in range(3)
        ]
        + [{"name": personal("name", 0)}],
    }


def write(path: Path, lines: Iterable[str]) -> Path:
    """Write an object of lines, last modified at MODIFIED_AT."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    os.utime(path, (MODIFIED_AT.timestamp(), MODIFIED_AT.timestamp()))
    return path


def keyed_hash(text: str) -> str:
    """What a masked table has in place of a personal value."""
    return hmac.new(KEY.encode(), text.encode(), "sha256").hexdigest()[:32]


def masked_text(text: str) -> str:
    """A text whose addresses are masked."""
    return _ADDRESS.sub(lambda address: keyed_hash(address[0]), text)


def masked_url(url: str) -> str:
    """A URL of which the page stays, and what its query says of the campaign."""
    page, _, query = url.partition("#")[0].partition("?")
    scheme, slashes, rest = page.partition("//")
    if slashes:
        host, slash, path = rest.partition("/")
        page = scheme + slashes + host.rpartition("@")[2] + slash + path
    kept = []
    for parameter in query.split("&"):
        name, equals, value = parameter.partition("=")
        if _CAMPAIGN.match(parameter):
            kept.append(parameter)
        elif equals and name in ("gclid", "fbclid", "msclkid", "ttclid"):
            kept.append(f"{name}={value[:1]}")
    return masked_text(page) + ("?" + masked_text("&".join(kept)) if kept else "")


def masked_row(row: Row) -> Row:
    """A row of staging as a masked table has it; what has no value of a person stays."""
    return {name: _masked(name, value) for name, value in row.items()}


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [masked_row(element) for element in value]
    if not isinstance(value, str):
        return value
    if name in HASHED:
        return keyed_hash(value)
    if name in URLS:
        return masked_url(value)
    return f"(masked: {len(value)} characters)" if name == "payload" else masked_text(value)
