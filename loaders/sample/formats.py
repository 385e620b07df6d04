"""Write the events of a session in its format: JSON texts, or CSV rows for the archive."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import cast

from loaders.sample.journeys import ShopStep
from loaders.sample.oddities import ID_OF_ANOTHER, odd
from loaders.sample.sessions import CLICKSTREAM, COMMERCE, LEGACY, NESTED, WEB_SHOP, Session
from loaders.sample.trackers import (
    EXPORTED_FORMATS,
    NOBODY,
    REES46,
    REES46_COLUMNS,
    SHOP_URL,
    Visit,
    records_of,
    rees46_rows,
)

CSV_COLUMNS: dict[str, list[str]] = {
    CLICKSTREAM: [
        "click_id", "user_id", "session_id", "event_type", "event_timestamp", "device_type", "page_url",
        "referrer_url", "metadata",
    ],
    WEB_SHOP: ["session_id", "customer_id", "event_type", "page", "timestamp", "device"],
    REES46: REES46_COLUMNS,
}  # fmt: skip


def render(session: Session) -> list[str]:
    """The JSON text of each event of a session, without envelope, in the order of its steps."""
    texts = _RENDERERS[session.format](session)
    if session.oddity and session.oddity != ID_OF_ANOTHER:
        return [odd(session.oddity, text, index) for index, text in enumerate(texts)]
    return texts


def render_csv(session: Session) -> list[list[str]]:
    """The CSV fields of each event, in the order of `CSV_COLUMNS`, whose formats alone have them."""
    if session.format == REES46:
        return rees46_rows(_visit(session))
    times = [time.strip('"') for time in _times(session)]
    if session.no_time_index >= 0:
        times[session.no_time_index] = ""
    if session.format == WEB_SHOP:
        return _web_shop_rows(session, times)
    return _clickstream_rows(session, times)


def in_bare_envelope(text: str) -> str:
    """A record as base64 text."""
    return base64.b64encode(text.encode()).decode()


def in_data_envelope(text: str) -> str:
    """A record as `{"data": base64}`."""
    return f'{{"data":"{in_bare_envelope(text)}"}}'


def in_url_safe_envelope(text: str) -> str:
    """A record as `{"data": base64}` with URL-safe letters and without padding."""
    return f'{{"data":"{base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")}"}}'


def in_kinesis_envelope(text: str) -> str:
    """A record as `{"kinesis": {"data": base64}}` with a partition key."""
    return (
        f'{{"kinesis":{{"kinesisSchemaVersion":"1.0","partitionKey":"shard-{len(text) % 8}",'
        f'"data":"{in_bare_envelope(text)}"}}}}'
    )


def _times(session: Session) -> list[str]:
    """The time of each step as JSON text."""
    spelling = session.spelling
    return [spelling(step.at) for step in session.steps]


def _time_members(session: Session, name: str) -> list[str]:
    """The time of each step as a member of a JSON object, with the comma after it."""
    members = [f'"{name}":{time},' for time in _times(session)]
    if session.no_time_index >= 0:
        members[session.no_time_index] = f'"{name}":{session.no_time},' if session.no_time else ""
    return members


def _pages(session: Session) -> list[tuple[str, str]]:
    """Page and referrer of each step of a tour: the referrer of a page is the one before it."""
    pages = []
    referrer, query = session.referrer, session.query
    for step in session.steps:
        pages.append((step.url + query, referrer))
        referrer, query = step.url, ""
    return pages


def _properties(session: Session) -> list[str]:
    """The `properties` object of each step of a tour, as JSON text."""
    tail = f'"userAgent":"{session.visitor.user_agent}","country":"{session.visitor.country}"}}'
    texts = []
    for step, (url, referrer) in zip(session.steps, _pages(session), strict=True):
        place = f"{step.space.properties}," if step.space else ""
        if step.room:
            place = f"{place}{step.room.properties},"
            if step.coordinates:
                place = f'{place}"coordinates":{step.coordinates},'
        texts.append(f'{{{place}"url":"{url}","referrer":"{referrer}",{tail}')
    return texts


def _legacy(session: Session) -> list[str]:
    known = f'"userId":"{session.user_id}",' if session.user_id else ""
    head = f'"anonymousId":"{session.visitor.anonymous_id}","sessionId":"{session.key}",'
    own_id, known_from = session.own_id, session.known_from
    id_key = session.ids_of or session.key
    texts = []
    parts = zip(session.steps, _time_members(session, "timestamp"), _properties(session), strict=True)
    for index, (step, time, properties) in enumerate(parts):
        kind = f'"type":"track","event":"{step.event}",' if step.event else '"type":"page",'
        user = known if index >= known_from else ""
        message_id = f'"messageId":"m-{id_key}-{index}",' if own_id else ""
        texts.append(f'{{{kind}{head}{user}{time}{message_id}"properties":{properties}}}')
    return texts


def _nested(session: Session) -> list[str]:
    known = f'"userId":"{session.user_id}",' if session.user_id else ""
    known_from = session.known_from
    metadata = (
        f'"metadata":{{"anonymousId":"{session.visitor.anonymous_id}","sessionId":"{session.key}",'
        f'"appId":"web-viewer"}},'
    )
    times = [f'"eventTimestamp":{{"$date":{time}}},' for time in _times(session)]
    if session.no_time_index >= 0:
        times[session.no_time_index] = f'"eventTimestamp":{session.no_time},' if session.no_time else ""
    object_id = f"{session.steps[0].at // 1_000:08x}{session.key}"
    texts = []
    for index, (step, time, properties) in enumerate(
        zip(session.steps, times, _properties(session), strict=True)
    ):
        kind = f'"type":"track","event":"{step.event}",' if step.event else '"type":"page",'
        user = known if index >= known_from else ""
        texts.append(
            f'{{"_id":{{"$oid":"{object_id}{index:06x}"}},{time}{metadata}'
            f'"eventData":{{{kind}{user}"properties":{properties}}}}}'
        )
    return texts


def _commerce(session: Session) -> list[str]:
    head = f'"user_id":"{session.user_id}","session_id":"s_{session.key}",'
    texts = []
    for index, (step, time) in enumerate(
        zip(session.steps, _time_members(session, "timestamp"), strict=True)
    ):
        product_id = f'"{step.product.id}"' if step.product else "null"
        category = f'"{step.category}"' if step.category else "null"
        event_id = f'"event_id":"e-{session.key}-{index}",' if session.own_id else ""
        texts.append(
            f'{{{event_id}{time}{head}"event_type":"{step.event}","product_id":{product_id},'
            f'"quantity":{step.quantity or "null"},"price":{step.price or "null"},"category":{category},'
            f'"search_query":{step.query or "null"}}}'
        )
    return texts


def _shop_pages(session: Session) -> list[tuple[str, str]]:
    """Page and referrer of each step in the shop."""
    pages = []
    referrer, query = session.referrer, session.query
    for step in session.steps:
        url = SHOP_URL + step.path
        pages.append((url + query, referrer))
        referrer, query = url, ""
    return pages


def _clickstream(session: Session) -> list[str]:
    visitor = session.visitor
    head = f'"user_id":"{session.user_id}","session_id":"s_{session.key}",'
    about = f'"country":"{visitor.country}","signup_date":"{visitor.signup_date}"'
    kind = "action" if session.key[-1] in "048c" else "event_type"
    is_priced = session.is_priced
    times = _time_members(session, "event_timestamp")
    texts = []
    parts = zip(session.steps, times, _shop_pages(session), strict=True)
    for index, (step, time, (url, referrer)) in enumerate(parts):
        metadata = about
        if step.product:
            metadata = f'{about},"product_id":"{step.product.id}","category":"{step.category}"'
            if is_priced and step.price:
                metadata = f'{metadata},"price":{step.price}'
            if is_priced and step.quantity:
                metadata = f'{metadata},"quantity":{step.quantity}'
        elif step.query:
            metadata = f'{about},"search_query":{step.query}'
        click_id = f'"click_id":"c-{session.key}-{index}",' if session.own_id else ""
        texts.append(
            f'{{{click_id}{head}"{kind}":"{step.event}",{time}"device_type":"{visitor.device_type}",'
            f'"page_url":"{url}","referrer_url":"{referrer}","metadata":{{{metadata}}}}}'
        )
    return texts


def _clickstream_rows(session: Session, times: list[str]) -> list[list[str]]:
    visitor = session.visitor
    metadata = json.dumps({"country": visitor.country, "signup_date": visitor.signup_date})
    rows = []
    parts = zip(session.steps, times, _shop_pages(session), strict=True)
    for index, (step, time, (url, referrer)) in enumerate(parts):
        click_id = f"c-{session.key}-{index}" if session.own_id else ""
        rows.append(
            [click_id, session.user_id or "", f"s_{session.key}", step.event, time, visitor.device_type, url,
             referrer, metadata]
        )  # fmt: skip
    return rows


def _web_shop(session: Session) -> list[str]:
    head = f'"session_id":"s_{session.key}","customer_id":"{session.user_id}",'
    tail = f'"device":"{session.visitor.device_type}"}}'
    times = _time_members(session, "timestamp")
    return [
        f'{{{head}"event_type":"{step.event}","page":"{step.path}",{time}{tail}'
        for step, time in zip(session.steps, times, strict=True)
    ]


def _web_shop_rows(session: Session, times: list[str]) -> list[list[str]]:
    device = session.visitor.device_type
    return [
        [f"s_{session.key}", session.user_id or "", step.event, step.path, time, device]
        for step, time in zip(session.steps, times, strict=True)
    ]


def _visit(session: Session) -> Visit:
    steps = cast("list[ShopStep]", session.steps)
    without_time = frozenset([session.no_time_index]) if session.no_time_index >= 0 else frozenset()
    nobody = NOBODY[int(session.key[-2:], 16) % len(NOBODY)]
    return Visit(session.key, session.visitor, steps, nobody, without_time)


def _exported(session: Session) -> list[str]:
    records = records_of(session.format, _visit(session))
    return [json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records]


_RENDERERS: dict[str, Callable[[Session], list[str]]] = {
    **dict.fromkeys(EXPORTED_FORMATS, _exported),
    LEGACY: _legacy,
    NESTED: _nested,
    COMMERCE: _commerce,
    CLICKSTREAM: _clickstream,
    WEB_SHOP: _web_shop,
}
