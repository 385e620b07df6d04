"""Random events of a few visitors, for tests of what any history of batches must end in."""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 3, 1, 20, tzinfo=UTC)
TYPES = [
    *["page_view", "product_view", "add_to_cart", "purchase"] * 2,
    "space_view",
    "room_view",
    "search",
    "lead",
    "sign_up",
    "checkout_start",
    "dance",
]
# A person's, and a program's that makes bots of the sessions in which it comes.
AGENTS = [
    None,
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile",
]
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
QUERIES = ["", "", "?utm_source=news&utm_medium=email", "?gclid=1", "?utm_medium=cpc&utm_source=youtube"]
REFERRERS = [
    None,
    None,
    "https://www.google.com/",
    "https://example.com/page-1",
    "https://blog.example.org/x",
]


def random_events(chance: random.Random) -> list[dict]:
    """Events of a few visitors: gaps at the session limit, midnights, ids that two visitors share."""
    events = []
    for visitor in range(10):
        moment = START + timedelta(minutes=chance.randrange(2000))
        for number in range(chance.randrange(1, 40)):
            gap = chance.choice([0, 1, 300, 1799, 1800, 1800, 1801, 1801, 3600, 40_000])
            moment += timedelta(seconds=gap)
            kind = chance.choice(TYPES)
            events.append(
                {
                    "type": kind,
                    "anonymousId": f"visitor-{visitor}",
                    "userId": chance.choice([None, None, f"user-{visitor % 4}"]),
                    # A few ids are used by two visitors: the copy with the greater time stays.
                    "messageId": chance.choice(
                        [f"m-{visitor}-{number}", f"m-{visitor}-{number}", f"m-{number}", None]
                    ),
                    "timestamp": moment.isoformat(),
                    "userAgent": chance.choice([*AGENTS * 5, BOT]),
                    "properties": {
                        "url": f"https://example.com/page-{number % 5}{chance.choice(QUERIES)}",
                        "referrer": chance.choice(REFERRERS),
                        "country": chance.choice(["de", "France", None]),
                        "spaceId": chance.choice(["s-1", "s-2", None]),
                        "roomId": chance.choice(["r-1", None, None]),
                        "spaceType": chance.choice(["flat", "house", None]),
                        "productId": f"p-{chance.randrange(6)}",
                        "category": chance.choice(["a", "b", None]),
                        "price": "9.99",
                        "quantity": chance.randrange(3),
                    },
                }
            )
    return events


def write_object(path: Path, events: list[dict | str], modified_at: datetime) -> None:
    """Write events, and texts as they are, as an object of that age."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(event if isinstance(event, str) else json.dumps(event) for event in events))
    os.utime(path, (modified_at.timestamp(), modified_at.timestamp()))
