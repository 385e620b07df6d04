"""Random events of a few visitors, for tests of what any history of batches must end in."""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 3, 1, 20, tzinfo=UTC)
TYPES = ["page_view", "product_view", "add_to_cart", "purchase"]


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
                    "properties": {
                        "url": f"https://example.com/page-{number % 5}",
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
