"""Input for the load benchmark: the same records as JSON Lines, and without delimiter as of Firehose."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

OBJECTS = 20


def make(folder: Path, records: int) -> None:
    """Write `lines/` and `joined/` with this many records each in 20 gzip objects, unless they are there.

    A record is an event of the nested format, about 360 bytes, some of it not ASCII.
    """
    if (folder / "complete").exists():
        return
    rng = random.Random(1)
    for layout in ("lines", "joined"):
        (folder / layout).mkdir(parents=True, exist_ok=True)
    for number in range(OBJECTS):
        share = range(number * records // OBJECTS, (number + 1) * records // OBJECTS)
        texts = [_record(rng, index) for index in share]
        for layout, content in (("lines", "\n".join(texts) + "\n"), ("joined", "".join(texts))):
            path = folder / layout / f"{number:02}.json.gz"
            path.write_bytes(gzip.compress(content.encode(), 6))
    (folder / "complete").touch()


def _record(rng: random.Random, index: int) -> str:
    day, hour, minute, second = rng.randint(1, 28), rng.randrange(24), rng.randrange(60), rng.randrange(60)
    time = f"2026-01-{day:02}T{hour:02}:{minute:02}:{second:02}.{rng.randrange(1000):03}Z"
    event = {
        "_id": {"$oid": f"{index * 2654435761 % 2**90:024x}"},
        "eventTimestamp": {"$date": time},
        "metadata": {"anonymousId": f"{rng.randrange(50000):08x}-{rng.randrange(9999):04x}", "appId": "tour"},
        "eventData": {
            "type": "track",
            "event": "room_view",
            "userId": None,
            "properties": {
                "page": rng.choice(("/home", "/tour/1", "/tour/2", "/shop/cart", "/products/12")),
                "space": f"S{rng.randrange(900)}",
                "room": f"R{rng.randrange(30)}",
                "title": "Größe & Maß",
                "coordinates": {
                    "pitch": round(rng.uniform(-90, 90), 3),
                    "yaw": round(rng.uniform(-180, 180), 3),
                    "hfov": 90,
                },
            },
        },
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))
