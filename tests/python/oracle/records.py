"""One raw record: the envelope around it, its format, its fields, and why it is rejected."""

import base64
import binascii
import csv
import hashlib
import json
import pathlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from loaders.lakehouse.settings import PROJECT_ROOT
from oracle.values import (
    DAY,
    JsonNumber,
    NotJson,
    Path,
    as_bigint,
    as_double,
    as_money,
    as_text,
    as_time,
    at_path,
    canonical,
    fit_money,
    from_datetime,
    page_path,
    parse_json,
    to_datetime,
    trimmed,
)

RawRow = Mapping[str, Any]
Position = tuple[str, int]
"""(source_uri, source_position): which record of the lake it is."""

_YEAR_2000 = from_datetime(datetime(2000, 1, 1))


# Formats ----------------------------------------------------------------------------------------------------


UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


def _paths(text: str) -> tuple[Path, ...]:
    """`a.b c[0].d` as paths: names between dots, paths between blanks, a position in brackets."""
    paths = []
    for path in text.split("|"):
        keys: list[str | int] = []
        for name in path.split("."):
            if match := re.fullmatch(r"(.+)\[([0-9]+)\]", name):
                keys += [match[1], int(match[2])]
            else:
                keys.append(name)
        paths.append(tuple(keys))
    return tuple(paths)


def _fields(**texts: str) -> dict[str, tuple[Path, ...]]:
    """Where a format keeps its fields: for each the paths to try, in this order."""
    return {name: _paths(text) for name, text in texts.items()}


def _shop(**texts: str) -> dict[str, tuple[Path, ...]]:
    plain = {name: name for name in ("product_id", "category", "price", "quantity")}
    common = {
        "order_value": "revenue|total|value",
        "lines": "products|items",
        "user_agent": "user_agent",
        "source_session_id": "session_id",
        "source_country": "country",
    }
    return _fields(**plain | common | texts)


def _tracker(parent: str, **texts: str) -> dict[str, tuple[Path, ...]]:
    inside = {
        "page_url": "url",
        "product_id": "productId|product_id",
        "category": "category",
        "price": "price",
        "quantity": "quantity",
        "order_value": "revenue|total|value",
        "lines": "products|items",
        "user_agent": "userAgent",
        "space_id": "spaceId",
        "room_id": "roomId",
        "referrer_url": "referrer",
        "source_device_type": "deviceType",
        "source_country": "country",
        "pitch": "coordinates.pitch",
        "yaw": "coordinates.yaw",
    } | {utm: utm for utm in UTM}
    below = {name: "|".join(f"{parent}.{key}" for key in keys.split("|")) for name, keys in inside.items()}
    return _fields(**below | texts)


_SNOWPLOW = "contexts_com_snowplowanalytics_snowplow_"
_SNOWPLOW_EVENT = "unstruct_event_com_snowplowanalytics_snowplow_"

FORMATS = {
    "legacy": _tracker(
        "properties",
        time="timestamp",
        event_type="type",
        event_name="event|name",
        anonymous_id="anonymousId",
        user_id="userId",
        user_agent="userAgent|properties.userAgent",
        source_session_id="sessionId",
    ),
    "nested": _tracker(
        "eventData.properties",
        time="eventTimestamp",
        event_type="eventData.type",
        event_name="eventData.event|eventData.name",
        anonymous_id="metadata.anonymousId|eventData.anonymousId",
        user_id="eventData.userId",
        user_agent="metadata.userAgent|eventData.properties.userAgent",
        source_session_id="metadata.sessionId|eventData.sessionId|eventData.properties.sessionId",
        source_device_type="metadata.deviceType|eventData.properties.deviceType",
        source_country="metadata.country|eventData.properties.country",
    ),
    "commerce": _shop(
        time="timestamp",
        event_type="event_type",
        user_id="user_id",
        page_url="page_url",
        referrer_url="referrer_url",
    ),
    "clickstream": _shop(
        time="event_timestamp|timestamp",
        event_type="event_type|action",
        user_id="user_id",
        page_url="page_url",
        product_id="metadata.product_id|product_id",
        category="metadata.category|category",
        price="metadata.price|price",
        quantity="metadata.quantity|quantity",
        order_value="metadata.revenue|metadata.total|metadata.value|revenue|total|value",
        user_agent="user_agent|metadata.user_agent",
        referrer_url="referrer_url",
        source_device_type="device_type",
        source_country="metadata.country|country",
    ),
    "web_shop": _shop(
        time="timestamp",
        event_type="event_type",
        user_id="customer_id",
        page_url="page",
        referrer_url="referrer",
        source_device_type="device",
    ),
    "segment": _tracker(
        "properties",
        own_id="messageId|message_id",
        time="timestamp|originalTimestamp|original_timestamp|sentAt|sent_at|receivedAt|received_at",
        event_type="type",
        event_name="event|name",
        anonymous_id="anonymousId|anonymous_id",
        user_id="userId|user_id",
        page_url="properties.url|context.page.url|context_page_url",
        user_agent="properties.userAgent|context.userAgent|context_user_agent",
        ip_address="context.ip|context_ip",
        source_session_id="sessionId|properties.sessionId|context.sessionId|context.session_id",
        referrer_url="properties.referrer|context.page.referrer|context_page_referrer",
        source_device_type="properties.deviceType|context.device.type|context_device_type",
        source_country="properties.country|context.location.country|context_location_country",
        utm_source="properties.utm_source|context.campaign.source|context_campaign_source",
        utm_medium="properties.utm_medium|context.campaign.medium|context_campaign_medium",
        utm_campaign="properties.utm_campaign|context.campaign.name|context_campaign_name",
        utm_term="properties.utm_term|context.campaign.term|context_campaign_term",
        utm_content="properties.utm_content|context.campaign.content|context_campaign_content",
    ),
    "ga4": _fields(
        time="event_timestamp",
        event_type="event_name",
        anonymous_id="user_pseudo_id",
        user_id="user_id",
        page_url="event_params.page_location",
        source_session_id="event_params.ga_session_id",
        referrer_url="event_params.page_referrer",
        source_device_type="device.category",
        source_country="geo.country",
        utm_source="collected_traffic_source.manual_source|event_params.source",
        utm_medium="collected_traffic_source.manual_medium|event_params.medium",
        utm_campaign="collected_traffic_source.manual_campaign_name|event_params.campaign",
        utm_term="collected_traffic_source.manual_term|event_params.term",
        utm_content="collected_traffic_source.manual_content|event_params.content",
        order_value="ecommerce.purchase_revenue|event_params.value",
        lines="items",
    ),
    "snowplow": _fields(
        time="derived_tstamp|dvce_created_tstamp|collector_tstamp|etl_tstamp",
        event_type="event",
        event_name=f"{_SNOWPLOW_EVENT}ecommerce_snowplow_ecommerce_action_1.type|se_action|event_name",
        anonymous_id=f"domain_userid|{_SNOWPLOW}client_session_1[0].userId|network_userid",
        user_id="user_id",
        page_url="page_url",
        user_agent="useragent",
        ip_address="user_ipaddress",
        source_session_id=f"domain_sessionid|{_SNOWPLOW}client_session_1[0].sessionId",
        referrer_url="page_referrer",
        source_device_type="dvce_type",
        source_country="geo_country",
        utm_source="mkt_source",
        utm_medium="mkt_medium",
        utm_campaign="mkt_campaign",
        utm_term="mkt_term",
        utm_content="mkt_content",
        product_id=f"ti_sku|{_SNOWPLOW_EVENT}add_to_cart_1.sku",
        category=f"ti_category|{_SNOWPLOW_EVENT}add_to_cart_1.category",
        quantity=f"ti_quantity|{_SNOWPLOW_EVENT}add_to_cart_1.quantity",
        price=f"ti_price|{_SNOWPLOW_EVENT}add_to_cart_1.unitPrice",
        order_value=f"{_SNOWPLOW}ecommerce_transaction_1[0].revenue|tr_total",
        lines=f"{_SNOWPLOW}ecommerce_product_1",
    ),
    "amplitude": _fields(
        own_id="$insert_id|uuid|insert_id",
        time="event_time|client_event_time|server_received_time",
        event_type="event_type",
        anonymous_id="device_id|amplitude_id",
        user_id="user_id",
        page_url="event_properties.[Amplitude] Page URL|event_properties.page_url|event_properties.url",
        user_agent="user_agent|event_properties.user_agent",
        ip_address="ip_address",
        product_id="event_properties.$productId|event_properties.product_id|event_properties.productId",
        category="event_properties.category",
        quantity="event_properties.$quantity|event_properties.quantity",
        price="event_properties.$price|event_properties.price",
        order_value="event_properties.$revenue|event_properties.revenue|event_properties.total|event_properties.value",
        lines="event_properties.products|event_properties.items",
        space_id="event_properties.spaceId|event_properties.space_id",
        room_id="event_properties.roomId|event_properties.room_id",
        source_session_id="session_id",
        referrer_url="event_properties.referrer|event_properties.[Amplitude] Referrer"
        "|event_properties.page_referrer",
        source_device_type="device_type|device_family",
        source_country="country",
        **{utm: f"event_properties.{utm}|user_properties.{utm}" for utm in UTM},
    ),
    "rees46": _fields(
        time="event_time",
        event_type="event_type",
        user_id="user_id",
        source_session_id="user_session",
        product_id="product_id",
        category="category_code|category_id",
        price="price",
        quantity="quantity",
    ),
}

_LONGEST_ID = 1024
_OWN_ID = _paths("_id|messageId|event_id|click_id")
_TIMES = _paths(
    "timestamp|event_timestamp|eventTimestamp|event_time|eventTime|originalTimestamp|created_at|time|ts"
    "|sentAt|receivedAt|collector_tstamp"
)
_TIME_KEYS = {path[0] for path in _TIMES} | {
    path[0] for fields in FORMATS.values() for path in fields["time"] if len(path) == 1
}
_LINE = _fields(
    product_id="product_id|productId|item_id|sku|id",
    name="name|item_name",
    category="category|item_category",
    price="price|item_price|unitPrice",
    quantity="quantity",
)
_CLICKSTREAM_MARKS = ("event_timestamp", "device_type", "page_url", "referrer_url", "metadata")
_WEB_SHOP_MARKS = ("customer_id", "page", "device")
_SEGMENT_MARKS = (
    "context", "originalTimestamp", "original_timestamp", "sentAt", "sent_at", "receivedAt", "received_at",
    "integrations",
)  # fmt: skip


def detect_format(record: dict[str, Any]) -> str | None:
    def has(*keys: str) -> bool:
        return any(record.get(key) is not None for key in keys)

    if isinstance(record.get("eventData"), dict):
        return "nested"
    if has("collector_tstamp") and has("event", "event_name"):
        return "snowplow"
    if has("event_name") and has("event_params", "user_pseudo_id"):
        return "ga4"
    if has("event_type") and has("amplitude_id", "event_properties", "$insert_id"):
        return "amplitude"
    if has("event_type", "user_session") and has("event_type") and has("user_session"):
        return "rees46"
    if has("action") or (has("event_type") and has(*_CLICKSTREAM_MARKS)):
        return "clickstream"
    if has("event_type"):
        return "web_shop" if has(*_WEB_SHOP_MARKS) else "commerce"
    if has("type"):
        return "segment" if has(*_SEGMENT_MARKS) else "legacy"
    return None


# What is inside of a record ---------------------------------------------------------------------------------

_NUMBER_WRAPPER = re.compile(r"\$number(Int|Long|Double|Decimal)")
_WRAPPER = re.compile(r"\$(oid|date|uuid|symbol)")
_PLAIN = re.compile(r'[^"\\\x00-\x1f\U00010000-\U0010ffff]*')
_TYPED = ("string_value", "int_value", "float_value", "double_value")


def opened(record: dict[str, Any]) -> dict[str, Any]:
    """A record as its fields are read: JSON out of texts, MongoDB's wrappers and objects of times gone."""
    record = json_copy(record)
    _open_members(record, 0)
    for key in _TIME_KEYS:
        if isinstance(record.get(key), dict):
            record[key] = _seconds(record[key])
    return {key: _unwrapped(value) for key, value in record.items()}


def json_copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: json_copy(item) for key, item in value.items()}
    return [json_copy(item) for item in value] if isinstance(value, list) else value


# Where objects and lists are expected: names of the record's own members, of theirs, and of theirs again.
_OBJECTS = (
    {
        "metadata", "properties", "eventData", "context", "traits", "event_properties", "user_properties",
        "event_params", "device", "geo", "collected_traffic_source", "ecommerce", "products", "items",
        f"{_SNOWPLOW}client_session_1", f"{_SNOWPLOW}ecommerce_transaction_1",
        f"{_SNOWPLOW}ecommerce_product_1",
        f"{_SNOWPLOW_EVENT}ecommerce_snowplow_ecommerce_action_1", f"{_SNOWPLOW_EVENT}add_to_cart_1",
        f"{_SNOWPLOW_EVENT}site_search_1",
    },
    {"properties", "coordinates", "page", "device", "location", "campaign", "products", "items"},
    {"coordinates", "products", "items"},
)  # fmt: skip


def _open_members(parent: dict[str, Any], depth: int) -> None:
    for name in _OBJECTS[depth] & parent.keys():
        parent[name] = _keyed(_parsed(parent[name]))
        if isinstance(parent[name], dict) and depth + 1 < len(_OBJECTS):
            _open_members(parent[name], depth + 1)


def _parsed(value: Any) -> Any:
    if type(value) is not str or value[:1] not in ("{", "["):
        return value
    try:
        return parse_json(value)
    except NotJson:
        return value


def _keyed(value: Any) -> Any:
    is_keyed = (
        isinstance(value, list)
        and value
        and all(isinstance(pair, dict) and type(pair.get("key")) is str for pair in value)
    )
    return {pair["key"]: _typed(pair.get("value")) for pair in value} if is_keyed else value


def _typed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return next((value[name] for name in _TYPED if value.get(name) is not None), None)


def _seconds(value: dict[str, Any]) -> Any:
    stamp = value.get("$timestamp")
    seconds = [
        value.get("_seconds"),
        value.get("seconds"),
        stamp.get("t") if isinstance(stamp, dict) else None,
    ]
    nanos = [value.get(name) for name in ("_nanoseconds", "nanos", "nanoseconds")]
    second = next((str(item) for item in seconds if isinstance(item, str)), "")
    nano = next((str(item) for item in nanos if isinstance(item, str)), "")
    if not re.fullmatch("-?[0-9]{1,12}", second):
        return value
    return f"{second}.{int(nano) // 1000 if re.fullmatch('[0-9]{1,9}', nano) else 0:06d}"


def _unwrapped(value: Any) -> Any:
    """Without wrappers: numbers first, then what may hold one (`{"$date": {"$numberLong": "7"}}`)."""
    return _without_wrappers(_without_wrappers(value, _NUMBER_WRAPPER), _WRAPPER)


def _without_wrappers(value: Any, wrapper: re.Pattern[str]) -> Any:
    if isinstance(value, list):
        return [_without_wrappers(item, wrapper) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (key, inner), *_ = value.items()
        if wrapper.fullmatch(key) and (inner is None or (isinstance(inner, str) and _PLAIN.fullmatch(inner))):
            return inner
        if key == "$binary" and isinstance(inner, dict) and set(inner) == {"base64", "subType"}:
            return inner["base64"]
    return {key: _without_wrappers(item, wrapper) for key, item in value.items()}


# The seeds: what means "missing", what an event is about --------------------------------------------------


SEEDS = PROJECT_ROOT / "seeds"


def seed_of_rows(name: str, directory: pathlib.Path = SEEDS) -> list[dict[str, str]]:
    with (directory / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


_MISSING: dict[str, set[str]] = {}
for _row in seed_of_rows("missing_values"):
    _MISSING.setdefault(_row["missing_for"], set()).add(_row["missing_text"][1:-1])


def _spelling(text: str | None) -> str:
    return "".join(filter(str.isalnum, (text or "").lower()))


_ACTIONS = {
    (_spelling(row["event_type"]), _spelling(row["event_name"])): row["event_action"]
    for row in seed_of_rows("event_actions")
}


def event_action(
    event_type: str | None, event_name: str | None, space_id: str | None, room_id: str | None
) -> str | None:
    """What an event is about."""
    kind, name = _spelling(event_type), _spelling(event_name)
    keys = [(kind, name), ("", name), (kind, "")] if event_name else [(kind, ""), ("", kind)]
    action = next((_ACTIONS[key] for key in keys if key != ("", "") and key in _ACTIONS), None)
    if action in ("page_view", "screen_view", "space_view") and room_id is not None:
        return "room_view"
    if action == "page_view" and space_id is not None:
        return "space_view"
    return action


def _text_at(record: dict[str, Any], paths: Iterable[Path], missing_for: str = "") -> str | None:
    """The first of the paths that holds text, other than one that means nothing."""
    nothing = _MISSING["everything"] | _MISSING.get(missing_for, set())
    for path in paths:
        value = at_path(record, path)
        text = as_text(value)
        is_nothing = text in _MISSING["everything"] and not isinstance(value, JsonNumber)
        if text is not None and not is_nothing and text not in nothing - _MISSING["everything"]:
            return text
    return None


# Envelope ---------------------------------------------------------------------------------------------------

_BINARY = (
    b"\x1f\x8b\x08", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda", b"\x28\xb5\x2f\xfd", b"BZh",
    b"\xfd7zXZ", b"\x04\x22\x4d", b"\xff\x06\x00\x00sNaP", b"PK\x03", b"\xf3\x89\x9a\xc2",
)  # fmt: skip


class NotOne(NotJson):
    """An envelope holds something else than one JSON object; the message is the reason to reject."""


def inner_record(payload: str | None, payload_encoding: str) -> tuple[dict[str, Any], bool]:
    """The JSON object of a record without its Kinesis envelope, and whether it had one; else NotJson."""
    if payload is None or payload_encoding != "utf8":
        raise NotJson("not UTF-8 text")
    try:
        outer = parse_json(payload)
    except NotJson:
        outer = None
    if isinstance(outer, dict):
        data = None if detect_format(opened(outer)) else _envelope_data(outer)
    else:
        data = outer if type(outer) is str else payload
    record = outer if data is None else _enveloped(data)
    if not isinstance(record, dict):
        raise NotJson("not an object")
    return record, data is not None


def _envelope_data(outer: dict[str, Any]) -> str | None:
    candidates = (at_path(outer, path) for path in (("data",), ("kinesis", "data")))
    return next((text for data in candidates if (text := as_text(data)) is not None), None)


def _enveloped(data: str) -> Any:
    letters = re.sub("[\r\n]", "", trimmed(data)).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        content = base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotJson("not base64") from error
    try:
        text = content.decode("utf-8")
        record = parse_json(text)
    except (ValueError, NotJson):
        record = None
    if isinstance(record, dict):
        return record
    if content.startswith(_BINARY):
        raise NotOne("unsupported_envelope")
    if record is None:
        records = _several(content)
        if records > 1:
            raise NotOne("several_events_in_envelope")
    elif isinstance(record, list) and record and isinstance(record[0], dict):
        raise NotOne("several_events_in_envelope")
    raise NotJson("not an object")


def _several(content: bytes) -> int:
    """How many JSON objects stand side by side; 0 when it is anything else."""
    try:
        text = content.decode("utf-8")
    except ValueError:
        return 0
    decoder, count, at = json.JSONDecoder(), 0, 0
    while text[at:].strip(" \t\r\n"):
        at += len(text[at:]) - len(text[at:].lstrip(" \t\r\n"))
        try:
            value, at = decoder.raw_decode(text, at)
        except ValueError:
            return 0
        if not isinstance(value, dict):
            return 0
        count += 1
    return count


# Events -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A product that an event concerns."""

    product_id: str | None
    name: str | None
    category: str | None
    price: Decimal | None
    quantity: int | None


@dataclass(frozen=True, slots=True)
class Event:
    source: str
    source_uri: str
    source_position: int
    source_modified_at: int
    load_date: date
    loaded_at: int
    event_id: str
    has_own_id: bool
    at: int
    event_timestamp: datetime
    timestamp_source: str
    event_type: str | None
    event_name: str | None
    event_action: str | None
    source_format: str
    is_enveloped: bool
    anonymous_id: str | None
    user_id: str | None
    visitor_id: str
    page_url: str | None
    page_path: str | None
    referrer_url: str | None
    user_agent: str | None
    ip_address: str | None
    source_session_id: str | None
    source_device_type: str | None
    source_country: str | None
    own_utm: dict[str, str | None]
    space_id: str | None
    room_id: str | None
    pitch: float | None
    yaw: float | None
    product_id: str | None
    category: str | None
    price: Decimal | None
    quantity: int | None
    revenue: Decimal | None
    lines: tuple["Line", ...]

    @property
    def event_date(self) -> date:
        return self.event_timestamp.date()

    @property
    def position(self) -> Position:
        return self.source_uri, self.source_position

    @property
    def identity(self) -> tuple[bool, str, str]:
        """Copies of one event share it, on days that follow one another. An own id never equals a hash."""
        return self.has_own_id, self.event_id, self.visitor_id

    @property
    def copy_rank(self) -> tuple[int, int, str, int, int]:
        """Of several copies the greatest stays. The last part only tells two loads of one object version
        apart: the reconciliation counts the first of them as the event; nothing else can show it."""
        return self.at, self.source_modified_at, self.source_uri, self.source_position, -self.loaded_at


class Rejected(Exception):
    """The record is no event; the message is the reason."""


def believed_modified_at(row: RawRow) -> int:
    """When the object was last modified; nobody believes a date before 2000, so then when it was loaded."""
    said = from_datetime(row["source_modified_at"])
    return said if said >= _YEAR_2000 else from_datetime(row["loaded_at"])


def read_event(row: RawRow) -> Event:
    """The event of a raw row; raises Rejected with the first reason that applies."""
    if _is_too_large(row):
        raise Rejected("record_too_large")
    raw_record, is_enveloped = _object_of(row)
    record = opened(raw_record)
    source_format = detect_format(record)
    if source_format is None:
        raise Rejected(
            "several_events_in_record" if isinstance(record.get("batch"), list) else "unknown_format"
        )
    fields = FORMATS[source_format]

    def text_of(field: str, missing_for: str = "") -> str | None:
        return _text_at(record, fields.get(field, ()), missing_for)

    anonymous_id = text_of("anonymous_id", "visitor_id")
    user_id = text_of("user_id", "visitor_id")
    visitor_id = user_id if anonymous_id is None else anonymous_id
    if visitor_id is None:
        raise Rejected("no_visitor_id")
    own_id = _text_at(record, (*fields.get("own_id", ()), *_OWN_ID), "event_id")
    if any(len(text or "") > _LONGEST_ID for text in (anonymous_id, user_id, own_id)):
        raise Rejected("identifier_too_long")
    modified_at = believed_modified_at(row)
    at, timestamp_source = _event_time(record, (*fields["time"], *_TIMES), modified_at)

    event_type, event_name = text_of("event_type"), text_of("event_name")
    space_id, room_id = text_of("space_id"), text_of("room_id")
    action = event_action(event_type, event_name, space_id, room_id)
    page_url = text_of("page_url")
    product_id, category, price = text_of("product_id"), text_of("category"), as_money(text_of("price"))
    quantity = as_bigint(text_of("quantity") or ("1" if source_format == "rees46" else None))
    lines = _lines(record, fields.get("lines", ()))
    if not lines and (product_id is not None or price is not None):
        lines = [Line(product_id, None, category, price, quantity)]
    loaded_at = from_datetime(row["loaded_at"])
    return Event(
        source=row["source"],
        source_uri=row["source_uri"],
        source_position=row["source_position"],
        source_modified_at=modified_at,
        load_date=to_datetime(loaded_at).date(),
        loaded_at=loaded_at,
        event_id=_hashed_id(raw_record, at) if own_id is None else own_id,
        has_own_id=own_id is not None,
        at=at,
        event_timestamp=to_datetime(at),
        timestamp_source=timestamp_source,
        event_type=event_type,
        event_name=event_name,
        event_action=action,
        source_format=source_format,
        is_enveloped=is_enveloped,
        anonymous_id=anonymous_id,
        user_id=user_id,
        visitor_id=visitor_id,
        page_url=page_url,
        page_path=page_path(page_url),
        referrer_url=text_of("referrer_url"),
        user_agent=text_of("user_agent"),
        ip_address=text_of("ip_address"),
        source_session_id=text_of("source_session_id", "session_id"),
        source_device_type=text_of("source_device_type"),
        source_country=text_of("source_country"),
        own_utm={utm: text_of(utm) for utm in UTM},
        space_id=space_id,
        room_id=room_id,
        pitch=as_double(text_of("pitch")),
        yaw=as_double(text_of("yaw")),
        product_id=product_id,
        category=category,
        price=price,
        quantity=quantity,
        revenue=_revenue(record, fields, lines) if action == "purchase" else None,
        lines=tuple(lines),
    )


def _is_too_large(row: RawRow) -> bool:
    """Only the start of the record is in the lake: what that says by itself does not count."""
    return (row.get("parse_error") or "").startswith("record too large: ")


def _object_of(row: RawRow) -> tuple[dict[str, Any], bool]:
    try:
        return inner_record(row["payload"], row["payload_encoding"])
    except NotOne as error:
        raise Rejected(str(error)) from error
    except NotJson as error:
        raise Rejected("not_json_object") from error


def _event_time(record: dict[str, Any], paths: Iterable[Path], modified_at: int) -> tuple[int, str]:
    text = _text_at(record, paths)
    if text is None and any(isinstance(record.get(key), dict | list) for key in _TIME_KEYS):
        raise Rejected("unreadable_timestamp")
    at, timestamp_source = (modified_at, "arrival") if text is None else (as_time(text), "event")
    if at is None:
        raise Rejected("unreadable_timestamp")
    if at > modified_at + DAY:
        raise Rejected("future_event")
    if at < _YEAR_2000:
        raise Rejected("before_2000")
    return at, timestamp_source


def _hashed_id(record: dict[str, Any], at: int) -> str:
    return hashlib.sha256(f"{at} {canonical(record)}".encode()).hexdigest()


def _revenue(record: dict[str, Any], fields: dict[str, tuple[Path, ...]], lines: list[Line]) -> Decimal:
    """What a purchase is worth: its lines; without a price, what the record says of the whole."""
    amounts = [
        fit_money(line.price * line.quantity) if line.quantity is not None else None
        for line in lines
        if line.price is not None
    ]
    total = (
        fit_money(sum((amount or Decimal("0.00") for amount in amounts), Decimal("0.00")))
        if amounts
        else None
    )
    if total is None:
        total = as_money(_text_at(record, fields.get("order_value", ())))
    return Decimal("0.00") if total is None else total


def _lines(record: dict[str, Any], paths: Iterable[Path]) -> list[Line]:
    """Each line of the first list that holds an object."""
    for path in paths:
        listed = at_path(record, path)
        lines = [line for line in listed if isinstance(line, dict)] if isinstance(listed, list) else []
        if lines:
            return [_line(line) for line in lines]
    return []


def _line(line: dict[str, Any]) -> Line:
    price, quantity = as_money(_text_at(line, _LINE["price"])), _text_at(line, _LINE["quantity"])
    return Line(
        product_id=_text_at(line, _LINE["product_id"]),
        name=_text_at(line, _LINE["name"]),
        category=_text_at(line, _LINE["category"]),
        price=price,
        quantity=as_bigint(quantity or ("1" if price is not None else None)),
    )


# Products ---------------------------------------------------------------------------------------------------


def read_product(row: RawRow) -> dict[str, Any] | None:
    """The catalogue entry of a raw row; None if it is no JSON object or names no product."""
    try:
        is_text = row["payload_encoding"] == "utf8" and not _is_too_large(row)
        record = parse_json(row["payload"]) if is_text else None
    except NotJson:
        return None
    if not isinstance(record, dict):
        return None
    texts = {
        key: _text_at(record, ((key,),))
        for key in ("product_id", "name", "category", "brand", "price", "stock")
    }
    if texts["product_id"] is None:
        return None
    return texts | {"price": as_money(texts["price"]), "stock": as_bigint(texts["stock"])}
