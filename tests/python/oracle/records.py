"""One raw record: the envelope around it, its format, its fields, and why it is rejected."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from oracle.values import (
    DAY,
    NotJson,
    Path,
    as_bigint,
    as_money,
    as_text,
    as_time,
    at_path,
    canonical,
    first_text,
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


class Fields(NamedTuple):
    """Where a format keeps its fields: for each the paths to try, in this order."""

    time: tuple[Path, ...]
    event_type: tuple[Path, ...]
    user_id: tuple[Path, ...]
    anonymous_id: tuple[Path, ...] = ()
    page_url: tuple[Path, ...] = ()
    product_id: tuple[Path, ...] = ()
    category: tuple[Path, ...] = ()
    price: tuple[Path, ...] = ()
    quantity: tuple[Path, ...] = ()


def _product_paths(*parent: str) -> dict[str, tuple[Path, ...]]:
    return {name: ((*parent, name),) for name in ("product_id", "category", "price", "quantity")}


def _properties_paths(*parent: str) -> dict[str, tuple[Path, ...]]:
    """Product and page of the two tracker formats."""
    product_id = ((*parent, "productId"), (*parent, "product_id"))
    return _product_paths(*parent) | {"product_id": product_id, "page_url": ((*parent, "url"),)}


FORMATS = {
    "legacy": Fields(
        time=(("timestamp",),),
        event_type=(("type",),),
        anonymous_id=(("anonymousId",),),
        user_id=(("userId",),),
        **_properties_paths("properties"),
    ),
    "nested": Fields(
        time=(("eventTimestamp", "$date", "$numberLong"), ("eventTimestamp", "$date"), ("eventTimestamp",)),
        event_type=(("eventData", "type"),),
        anonymous_id=(("metadata", "anonymousId"), ("eventData", "anonymousId")),
        user_id=(("eventData", "userId"),),
        **_properties_paths("eventData", "properties"),
    ),
    "commerce": Fields(
        time=(("timestamp",),),
        event_type=(("event_type",),),
        user_id=(("user_id",),),
        **_product_paths(),
    ),
    "clickstream": Fields(
        time=(("event_timestamp",), ("timestamp",)),
        event_type=(("event_type",), ("action",)),
        user_id=(("user_id",),),
        page_url=(("page_url",),),
        **_product_paths("metadata"),
    ),
    "web_shop": Fields(
        time=(("timestamp",),),
        event_type=(("event_type",),),
        user_id=(("customer_id",),),
        page_url=(("page",),),
        product_id=(("product_id",),),
    ),
}

_OWN_ID: tuple[Path, ...] = (("_id", "$oid"), ("messageId",), ("event_id",), ("click_id",))
_CLICKSTREAM_MARKS = ("event_timestamp", "device_type", "page_url", "referrer_url", "metadata", "action")
_WEB_SHOP_MARKS = ("customer_id", "page", "device")


def detect_format(record: dict[str, Any]) -> str | None:
    def has(*keys: str) -> bool:
        return any(record.get(key) is not None for key in keys)

    if isinstance(record.get("eventData"), dict):
        return "nested"
    if has("event_type", "action") and has(*_CLICKSTREAM_MARKS):
        return "clickstream"
    if has("event_type") and has(*_WEB_SHOP_MARKS):
        return "web_shop"
    if has("event_type"):
        return "commerce"
    if has("type"):
        return "legacy"
    return None


# Envelope ---------------------------------------------------------------------------------------------------


def inner_record(payload: str | None, payload_encoding: str) -> tuple[dict[str, Any], bool]:
    """The JSON object of a record without its Kinesis envelope, and whether it had one; else NotJson."""
    if payload is None or payload_encoding != "utf8":
        raise NotJson("not UTF-8 text")
    try:
        outer = parse_json(payload)
    except NotJson:
        outer = None
    if isinstance(outer, dict):
        data = None if detect_format(outer) else _envelope_data(outer)
    else:
        data = outer if type(outer) is str else payload
    record = outer if data is None else parse_json(_decoded(data))
    if not isinstance(record, dict):
        raise NotJson("not an object")
    return record, data is not None


def _envelope_data(outer: dict[str, Any]) -> str | None:
    candidates = (at_path(outer, path) for path in (("data",), ("kinesis", "data")))
    return next((data for data in candidates if type(data) is str), None)


def _decoded(data: str) -> str:
    try:
        return base64.b64decode(trimmed(data), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise NotJson("not base64 of UTF-8 text") from error


# Events -----------------------------------------------------------------------------------------------------


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
    source_format: str
    is_enveloped: bool
    anonymous_id: str | None
    user_id: str | None
    visitor_id: str
    page_url: str | None
    page_path: str | None
    product_id: str | None
    category: str | None
    price: Decimal | None
    quantity: int | None
    revenue: Decimal | None

    @property
    def event_date(self) -> date:
        return self.event_timestamp.date()

    @property
    def position(self) -> Position:
        return self.source_uri, self.source_position

    @property
    def identity(self) -> tuple[bool, str, date]:
        """Copies of one event share it. An own id never equals a hash."""
        return self.has_own_id, self.event_id, self.event_date

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
    record, is_enveloped = _object_of(row)
    source_format = detect_format(record)
    if source_format is None:
        raise Rejected("unknown_format")
    fields = FORMATS[source_format]
    anonymous_id = first_text(record, fields.anonymous_id)
    user_id = first_text(record, fields.user_id)
    visitor_id = user_id if anonymous_id is None else anonymous_id
    if visitor_id is None:
        raise Rejected("no_visitor_id")
    modified_at = believed_modified_at(row)
    at, timestamp_source = _event_time(first_text(record, fields.time), modified_at)

    own_id = first_text(record, _OWN_ID)
    event_type = first_text(record, fields.event_type)
    page_url = first_text(record, fields.page_url)
    price = as_money(first_text(record, fields.price))
    quantity = as_bigint(first_text(record, fields.quantity))
    loaded_at = from_datetime(row["loaded_at"])
    return Event(
        source=row["source"],
        source_uri=row["source_uri"],
        source_position=row["source_position"],
        source_modified_at=modified_at,
        load_date=to_datetime(loaded_at).date(),
        loaded_at=loaded_at,
        event_id=_hashed_id(record, at) if own_id is None else own_id,
        has_own_id=own_id is not None,
        at=at,
        event_timestamp=to_datetime(at),
        timestamp_source=timestamp_source,
        event_type=event_type,
        source_format=source_format,
        is_enveloped=is_enveloped,
        anonymous_id=anonymous_id,
        user_id=user_id,
        visitor_id=visitor_id,
        page_url=page_url,
        page_path=page_path(page_url),
        product_id=first_text(record, fields.product_id),
        category=first_text(record, fields.category),
        price=price,
        quantity=quantity,
        revenue=_revenue(price, quantity) if event_type == "purchase" else None,
    )


def _is_too_large(row: RawRow) -> bool:
    """Only the start of the record is in the lake: what that says by itself does not count."""
    return (row.get("parse_error") or "").startswith("record too large: ")


def _object_of(row: RawRow) -> tuple[dict[str, Any], bool]:
    try:
        return inner_record(row["payload"], row["payload_encoding"])
    except NotJson as error:
        raise Rejected("not_json_object") from error


def _event_time(text: str | None, modified_at: int) -> tuple[int, str]:
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


def _revenue(price: Decimal | None, quantity: int | None) -> Decimal:
    """What a purchase adds; nothing if it is unknown or does not fit decimal(18,2)."""
    if price is None or quantity is None:
        return Decimal("0.00")
    return fit_money(price * quantity) or Decimal("0.00")


# Products ---------------------------------------------------------------------------------------------------


def read_product(row: RawRow) -> dict[str, Any] | None:
    """The catalogue entry of a raw row; None if it is no JSON object or names no product."""
    try:
        is_text = row["payload_encoding"] == "utf8" and not _is_too_large(row)
        record = parse_json(row["payload"]) if is_text else None
    except NotJson:
        return None
    if not isinstance(record, dict) or as_text(record.get("product_id")) is None:
        return None
    product: dict[str, Any] = {
        key: as_text(record.get(key)) for key in ("product_id", "name", "category", "brand")
    }
    product["price"] = as_money(as_text(record.get("price")))
    product["stock"] = as_bigint(as_text(record.get("stock")))
    return product
