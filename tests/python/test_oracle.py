"""Hand-worked cases for the independent computation in `oracle`: a small table per rule."""

import base64
import json
import random
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from oracle import Oracle, Settings, compute, event_id_problems
from oracle.records import RawRow, Rejected, detect_format, read_event
from oracle.values import as_bigint, as_money, as_time, page_path, to_datetime

MODIFIED = datetime(2024, 1, 10, 12)
LOADED = datetime(2024, 1, 10, 13)
DAY_START = datetime(2024, 1, 10)


# Builders ---------------------------------------------------------------------------------------------------


def raw(record: Any, uri: str = "s3://landing/a", position: int = 0, **columns: Any) -> RawRow:
    """A raw row; text is taken as the payload itself, anything else is written as JSON."""
    defaults = {
        "payload": record if isinstance(record, str) else json.dumps(record),
        "payload_encoding": "utf8",
        "parse_error": None,
        "source": "firehose",
        "source_uri": uri,
        "source_etag": "v1",
        "source_position": position,
        "source_modified_at": MODIFIED,
        "batch_id": "b1",
        "loaded_at": LOADED,
    }
    return defaults | columns


def rows_of(records: Iterable[Any]) -> list[RawRow]:
    return [raw(record, position=position) for position, record in enumerate(records)]


def at(clock: str) -> str:
    """`10:00` or `10:00:30.5` as a timestamp of the test day."""
    return f"2024-01-10T{clock}Z"


def moment(clock: str) -> datetime:
    return datetime.fromisoformat(f"2024-01-10T{clock}")


def page(visitor: str, clock: str, url: str | None = None, **fields: Any) -> dict[str, Any]:
    """A legacy page event with its own id."""
    event_id = f"{visitor}-{clock}-{url}"
    record = {"type": "page", "anonymousId": visitor, "timestamp": at(clock), "messageId": event_id}
    return record | {"properties": {"url": url}} | fields


def shop(event_type: str, clock: str, product: str | None = None, **fields: Any) -> dict[str, Any]:
    """A commerce event."""
    record = {"timestamp": at(clock), "user_id": "u1", "event_type": event_type, "product_id": product}
    return record | fields


def encoded(record: Any) -> str:
    text = record if isinstance(record, str) else json.dumps(record)
    return base64.b64encode(text.encode()).decode()


def reason_of(record: Any, **columns: Any) -> str | None:
    try:
        read_event(raw(record, **columns))
    except Rejected as rejection:
        return str(rejection)
    return None


def positions(oracle: Oracle) -> list[tuple[str, int]]:
    return [(row["source_uri"], row["source_position"]) for row in oracle.events]


def pick(rows: list[dict[str, Any]], *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[column] for column in columns) for row in rows]


# Formats and envelopes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"type": "page"}, "legacy"),
        ({"type": None}, None),
        ({"eventData": {}}, "nested"),
        ({"eventData": {}, "event_type": "x", "page": "/"}, "nested"),
        ({"eventData": "text", "type": "page"}, "legacy"),
        ({"event_type": "view"}, "commerce"),
        ({"event_type": "view", "type": "page"}, "commerce"),
        ({"event_type": "view", "page_url": None, "device": None}, "commerce"),
        ({"event_type": "view", "page_url": "/"}, "clickstream"),
        ({"event_type": "view", "page_url": "/", "device": "mobile"}, "clickstream"),
        ({"action": "click"}, "clickstream"),
        ({"event_type": "view", "customer_id": "c"}, "web_shop"),
        ({"event_type": "view", "device": "mobile"}, "web_shop"),
        ({"page_url": "/", "customer_id": "c"}, None),
        ({"Type": "page"}, None),
        ({}, None),
    ],
)
def test_format(record: dict[str, Any], expected: str | None) -> None:
    assert detect_format(record) == expected


EVENT = {"type": "page", "anonymousId": "a"}


@pytest.mark.parametrize(
    ("payload", "is_enveloped"),
    [
        (EVENT, False),
        (encoded(EVENT), True),
        (f" {encoded(EVENT)}\n", True),
        (json.dumps(encoded(EVENT)), True),
        ({"data": encoded(EVENT)}, True),
        ({"kinesis": {"data": encoded(EVENT), "partitionKey": "1"}, "eventSource": "aws:kinesis"}, True),
        ({"data": None, "kinesis": {"data": encoded(EVENT)}}, True),
        # a recognised format is no envelope, whatever its keys are called
        (EVENT | {"data": encoded({"type": "other", "anonymousId": "b"})}, False),
        (EVENT | {"kinesis": {"data": "x"}}, False),
    ],
)
def test_envelope(payload: Any, is_enveloped: bool) -> None:
    event = read_event(raw(payload))
    assert (event.visitor_id, event.event_type, event.is_enveloped) == ("a", "page", is_enveloped)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("", "not_json_object"),
        ("hello", "not_json_object"),
        ("[1]", "not_json_object"),
        ("12", "not_json_object"),
        ("1234", "not_json_object"),
        ("null", "not_json_object"),
        ('{"type":"page","anonymousId":"a"} x', "not_json_object"),
        ('{"type":"page","anonymousId":NaN}', "not_json_object"),
        ('{"type":"page","anonymousId":-Infinity}', "not_json_object"),
        ('{"type":"page","anonymousId":"\\ud800"}', "not_json_object"),
        ('{"type":"page","anonymousId":"a","\\udc00":1}', "not_json_object"),
        ('{"type":"page","anonymousId":"\\ud800","anonymousId":"a"}', "not_json_object"),
        ('{"type":"page","anonymousId":"\\ud83d\\ude00"}', None),
        (r'{"type":"page","anonymousId":"\\ud800"}', None),
        ("[" * 100_000, "not_json_object"),
        # an envelope that holds none
        ({"data": ""}, "unknown_format"),
        ({"data": "no base64!"}, "not_json_object"),
        ({"data": encoded("[1]")}, "not_json_object"),
        ({"data": encoded(json.dumps(encoded(EVENT)))}, "not_json_object"),
        ({"data": base64.b64encode(b'{"type":"\xff"}').decode()}, "not_json_object"),
        ({"data": encoded('{"type":NaN}')}, "not_json_object"),
        (json.dumps(json.dumps(EVENT)), "not_json_object"),
        # only one envelope is opened, and only data that is text is one
        ({"data": encoded({"data": encoded(EVENT)})}, "unknown_format"),
        ({"data": EVENT}, "unknown_format"),
        ({"kinesis": {"data": None}}, "unknown_format"),
        ({"kinesis": encoded(EVENT)}, "unknown_format"),
        ({}, "unknown_format"),
    ],
)
def test_what_is_no_event(payload: Any, reason: str | None) -> None:
    assert reason_of(payload) == reason


def test_bytes_that_are_no_utf8_are_no_object_though_their_base64_looks_like_an_envelope() -> None:
    assert reason_of(encoded(EVENT), payload_encoding="base64") == "not_json_object"


def test_the_last_of_repeated_keys_counts() -> None:
    event = read_event(
        raw('{"type":"page","anonymousId":"first","anonymousId":"last","AnonymousId":"other"}')
    )
    assert event.visitor_id == "last"


# Visitors and ids -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "anonymous_id", "user_id", "visitor_id"),
    [
        ({"type": "p", "anonymousId": "a", "userId": "u"}, "a", "u", "a"),
        ({"type": "p", "anonymousId": " ", "userId": "u"}, None, "u", "u"),
        ({"type": "p", "anonymousId": 12, "userId": {"id": 1}}, "12", None, "12"),
        ({"eventData": {"userId": "u"}, "metadata": {"anonymousId": "a"}}, "a", "u", "a"),
        ({"eventData": {"anonymousId": "e"}, "metadata": {"anonymousId": ""}}, "e", None, "e"),
        ({"eventData": {"anonymousId": "e"}, "metadata": "text"}, "e", None, "e"),
        ({"event_type": "x", "user_id": "u", "anonymousId": "a"}, None, "u", "u"),
        ({"action": "x", "user_id": 7}, None, "7", "7"),
        ({"event_type": "x", "customer_id": "c", "user_id": "u"}, None, "c", "c"),
    ],
)
def test_visitor(record: Any, anonymous_id: str | None, user_id: str | None, visitor_id: str) -> None:
    event = read_event(raw(record))
    assert (event.anonymous_id, event.user_id, event.visitor_id) == (anonymous_id, user_id, visitor_id)


def test_a_number_as_id_keeps_its_spelling() -> None:
    assert read_event(raw('{"type":"p","anonymousId":1.50}')).visitor_id == "1.50"


@pytest.mark.parametrize(
    "record",
    [
        {"type": "p"},
        {"type": "p", "anonymousId": "", "userId": " \t"},
        {"type": "p", "anonymousId": ["a"]},
        {"event_type": "x", "device": "mobile", "user_id": "u"},
        {"eventData": {"type": "p"}, "anonymousId": "a"},
    ],
)
def test_no_visitor(record: Any) -> None:
    assert reason_of(record) == "no_visitor_id"


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ({"_id": {"$oid": "o"}, "messageId": "m", "event_id": "e", "click_id": "c"}, "o"),
        ({"_id": {"$oid": " "}, "messageId": "m", "event_id": "e"}, "m"),
        ({"_id": "plain", "messageId": None, "event_id": "e", "click_id": "c"}, "plain"),
        ({"_id": "undefined", "messageId": "0", "event_id": "NULL", "click_id": "-1"}, None),
        ({"messageId": {"a": 1}, "event_id": [], "click_id": 5}, "5"),
        ({"messageId": ""}, None),
    ],
)
def test_own_event_id(ids: dict[str, Any], expected: str | None) -> None:
    event = read_event(raw(EVENT | ids))
    assert (event.event_id if event.has_own_id else None) == expected


# Times ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-10T10:20:30Z", "2024-01-10T10:20:30"),
        ("2024-01-10T10:20:30", "2024-01-10T10:20:30"),
        ("2024-01-10 10:20:30", "2024-01-10T10:20:30"),
        (" 2024-01-10T10:20:30Z ", "2024-01-10T10:20:30"),
        ("2024-01-10T10:20:30+02:00", "2024-01-10T08:20:30"),
        ("2024-01-10T10:20:30-0530", "2024-01-10T15:50:30"),
        ("2024-01-10T10:20:30+0000", "2024-01-10T10:20:30"),
        ("2024-01-01T00:30:00+01:00", "2023-12-31T23:30:00"),
        ("2024-01-10T10:20:30.5Z", "2024-01-10T10:20:30.500000"),
        ("2024-01-10T10:20:30.123456789Z", "2024-01-10T10:20:30.123456"),
        ("2024-01-10T10:20Z", "2024-01-10T10:20:00"),
        ("2024-01-10", "2024-01-10T00:00:00"),
        ("2024-02-29", "2024-02-29T00:00:00"),
        ("1704880830", "2024-01-10T10:00:30"),
        ("1704880830.25", "2024-01-10T10:00:30.250000"),
        ("1704880830.1234567", "2024-01-10T10:00:30.123456"),
        ("1704880830000", "2024-01-10T10:00:30"),
        ("1704880830001.5", "2024-01-10T10:00:30.001500"),
        ("1.70488083e9", "2024-01-10T10:00:30"),
        ("0", "1970-01-01T00:00:00"),
        ("-1", "1969-12-31T23:59:59"),
        ("99999999999", "5138-11-16T09:46:39"),
        ("100000000000", "1973-03-03T09:46:40"),
        ("20240110", "1970-08-23T06:15:10"),
    ],
)
def test_time(text: str, expected: str) -> None:
    microseconds = as_time(text)
    assert microseconds is not None
    assert to_datetime(microseconds) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "true",
        "2023-02-29",
        "2024-13-01",
        "2024-00-10",
        "0000-01-01",
        "2024-01-10T24:00:00Z",
        "2024-01-10T10:60:00Z",
        "2024-01-10T10:00:60Z",
        "2024-01-10T10:00:00+24:00",
        "2024-01-10T10:00:00 CET",
        "2024-01-10T10:00:00+14:01",
        {},
        [2024, 1, 10],
        True,
        "2024-01-10T10",
        "2024-01-10T",
        "2024-1-10",
        "20240110T100000Z",
        "10/01/2024",
        "٢٠٢٤-01-10",
        "2024-01-10T10:00:00Z tail",
    ],
)
def test_unreadable_time(text: Any) -> None:
    assert as_time(text) is None
    assert reason_of(EVENT | {"timestamp": text}) == "unreadable_timestamp"


NESTED = {"eventData": {"type": "track", "userId": "u"}}
CLICK = {"action": "click", "user_id": "u"}
ARRIVAL = (MODIFIED, "arrival")
TEN = (datetime(2024, 1, 10, 10), "event")


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (EVENT | {"timestamp": at("10:00:00")}, TEN),
        (EVENT | {"timestamp": 1704880800}, TEN),
        (EVENT | {"timestamp": "1704880800000"}, TEN),
        (EVENT, ARRIVAL),
        (EVENT | {"timestamp": None}, ARRIVAL),
        (EVENT | {"timestamp": ""}, ARRIVAL),
        (EVENT | {"timestamp": {"$date": at("10:00:00")}}, TEN),
        (EVENT | {"timestamp": " NaT "}, ARRIVAL),
        (EVENT | {"timestamp": "2024-01-10T10:00:00 UTC"}, TEN),
        (EVENT | {"timestamp": 1704880800000000}, TEN),
        (EVENT | {"timestamp": "1704880800000000000"}, TEN),
        (EVENT | {"timestamp": {"_seconds": 1704880800, "_nanoseconds": 999}}, TEN),
        (EVENT | {"created_at": at("10:00:00"), "ts": at("11:00:00")}, TEN),
        (NESTED | {"eventTimestamp": {"$date": at("10:00:00")}}, TEN),
        (NESTED | {"eventTimestamp": {"$date": 1704880800000}}, TEN),
        (NESTED | {"eventTimestamp": {"$date": {"$numberLong": "1704880800000"}}}, TEN),
        (NESTED | {"eventTimestamp": at("10:00:00")}, TEN),
        (NESTED | {"eventTimestamp": {"$date": None}, "timestamp": at("10:00:00")}, TEN),
        (CLICK | {"event_timestamp": at("10:00:00"), "timestamp": at("11:00:00")}, TEN),
        (CLICK | {"event_timestamp": "", "timestamp": at("10:00:00")}, TEN),
        (shop("x", "10:00:00"), TEN),
        (shop("x", "10:00:00", customer_id="c"), TEN),
    ],
)
def test_event_time(record: Any, expected: tuple[datetime, str]) -> None:
    event = read_event(raw(record))
    assert (event.event_timestamp, event.timestamp_source) == expected


def test_an_unreadable_first_time_is_not_replaced_by_the_second() -> None:
    assert (
        reason_of(CLICK | {"event_timestamp": "soon", "timestamp": at("10:00:00")}) == "unreadable_timestamp"
    )


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        ("2024-01-11T12:00:00Z", None),
        ("2024-01-11T12:00:00.000001Z", "future_event"),
        ("2000-01-01T00:00:00Z", None),
        ("1999-12-31T23:59:59.999999Z", "before_2000"),
        ("2000-01-01T00:00:00+00:01", "before_2000"),
        (0, "before_2000"),
        (-1704880800, "before_2000"),
        (-1e20, "before_2000"),
        (-1e300, "unreadable_timestamp"),
        (99999999999999999, "future_event"),
        (100000000000000000, "before_2000"),
    ],
)
def test_bounds_of_time(time: Any, reason: str | None) -> None:
    assert reason_of(EVENT | {"timestamp": time}) == reason


def test_of_an_object_dated_before_2000_the_load_time_counts() -> None:
    undated = {"source_modified_at": datetime(1999, 12, 31, 23, 59, 59)}
    for time, reason in (
        (LOADED, None),
        (LOADED + timedelta(hours=24), None),
        (LOADED + timedelta(hours=24, seconds=1), "future_event"),
        (datetime(1999, 12, 31), "before_2000"),
    ):
        assert reason_of(EVENT | {"timestamp": time.isoformat()}, **undated) == reason
    (event,) = compute([raw(EVENT, **undated)]).events
    assert (event["event_timestamp"], event["timestamp_source"]) == (LOADED, "arrival")
    versions = [
        raw(EVENT, source_etag=etag, loaded_at=LOADED + timedelta(hours=hour), **undated)
        for etag, hour in (("v3", 0), ("v1", 2), ("v2", 1))
    ]
    oracle = compute(versions)
    assert (len(oracle.events), oracle.superseded) == (1, 2)
    assert oracle.events[0]["event_timestamp"] == LOADED + timedelta(hours=2), "the one that was loaded last"


def test_the_first_reason_that_applies_counts() -> None:
    record = {"type": "p", "timestamp": "soon"}
    assert reason_of(record) == "no_visitor_id"
    assert reason_of(record | {"anonymousId": "a"}) == "unreadable_timestamp"
    assert reason_of({"timestamp": "soon"}) == "unknown_format"


# Fields -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("29.99", "29.99"),
        ("29.995", "30.00"),
        ("29.9949999", "29.99"),
        ("-0.005", "-0.01"),
        ("1e2", "100.00"),
        (" 5 ", "5.00"),
        ("9999999999999999.99", "9999999999999999.99"),
        ("9999999999999999.995", None),
        ("10000000000000000", None),
        ("1e400", None),
        ("1,5", None),
        ("$5", None),
        ("NaN", None),
        ("true", None),
        (None, None),
    ],
)
def test_money(text: str | None, expected: str | None) -> None:
    assert as_money(text) == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", 3),
        ("-3", -3),
        ("2.0", 2),
        ("2.5", None),
        ("1e3", 1000),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        ("two", None),
        (None, None),
    ],
)
def test_quantity(text: str | None, expected: int | None) -> None:
    assert as_bigint(text) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com/viewer", "/viewer"),
        ("https://example.com/a/b/?q=1#top", "/a/b/"),
        ("HTTP://example.com:8080/a#x?y", "/a"),
        ("https://example.com", "/"),
        ("https://example.com?q=/x", "/"),
        ("/cart?step=2", "/cart"),
        ("/#top", "/"),
        ("?q=https://example.com/x", "/"),
        ("/go?to=https://example.com/x", "/go"),
        ("home", "home"),
        (None, None),
    ],
)
def test_page_path(url: str | None, expected: str | None) -> None:
    assert page_path(url) == expected


PRODUCT = {"product_id": "p", "category": "c", "price": 1.5, "quantity": 2}
SEEN = ("p", "c", Decimal("1.50"), 2)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (EVENT | {"properties": PRODUCT}, SEEN),
        (EVENT | {"properties": PRODUCT | {"productId": "camel"}}, ("camel", *SEEN[1:])),
        (EVENT | PRODUCT, (None, None, None, None)),
        ({"eventData": {"userId": "u", "properties": PRODUCT}}, SEEN),
        ({"event_type": "x", "user_id": "u"} | PRODUCT, SEEN),
        (CLICK | {"metadata": PRODUCT} | {"price": 9}, SEEN),
        ({"event_type": "x", "customer_id": "c"} | PRODUCT, SEEN),
        ({"event_type": "x", "user_id": "u"} | dict.fromkeys(PRODUCT, ""), (None, None, None, None)),
        ({"event_type": "x", "user_id": "u"} | {key: {} for key in PRODUCT}, (None, None, None, None)),
    ],
)
def test_product_fields(record: Any, expected: tuple[Any, ...]) -> None:
    event = read_event(raw(record))
    assert (event.product_id, event.category, event.price, event.quantity) == expected


@pytest.mark.parametrize(
    ("event_type", "price", "quantity", "revenue"),
    [
        ("purchase", "29.995", 2, "60.00"),
        ("purchase", 10, 0, "0.00"),
        ("purchase", None, 2, "0.00"),
        ("purchase", 10, "1.5", "0.00"),
        ("purchase", 10**15, 10**6, "0.00"),
        ("add_to_cart", 10, 2, None),
    ],
)
def test_revenue(event_type: str, price: Any, quantity: Any, revenue: str | None) -> None:
    event = read_event(raw(shop(event_type, "10:00:00", "p", price=price, quantity=quantity)))
    assert event.revenue == (None if revenue is None else Decimal(revenue))


@pytest.mark.parametrize(
    ("record", "event_type"),
    [
        ({"type": "page", "event": "Viewed", "anonymousId": "a"}, "page"),
        ({"eventData": {"type": "track", "event": "Viewed", "userId": "u"}, "type": "page"}, "track"),
        ({"eventData": {"userId": "u"}}, None),
        ({"event_type": "click", "action": "tap", "user_id": "u"}, "click"),
        ({"action": "tap", "user_id": "u"}, "tap"),
        ({"event_type": "page_view", "customer_id": "c", "type": "x"}, "page_view"),
    ],
)
def test_event_type(record: Any, event_type: str | None) -> None:
    assert read_event(raw(record)).event_type == event_type


# Duplicates, superseded objects, reconciliation -------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "days", "kept"),
    [
        ("u", (9, 10), [1]),
        ("u", (9, 10, 11), [2]),
        ("u", (9, 11), [0, 1]),
        ("u", (11, 8, 9), [0, 2]),
        ("another", (9, 10), [0, 1]),
        ("another", (9, 9), [0, 1]),
    ],
)
def test_copies_of_a_visitors_event_lie_on_days_that_follow_one_another(
    user: str, days: tuple[int, ...], kept: list[int]
) -> None:
    users = [user, *["u"] * (len(days) - 1)]
    events = [
        {"event_type": "x", "user_id": name, "event_id": "m", "timestamp": f"2024-01-{day:02}T10:00:00Z"}
        for name, day in zip(users, days, strict=True)
    ]
    oracle = compute(rows_of(events))
    assert positions(oracle) == [("s3://landing/a", number) for number in kept]
    assert oracle.duplicates == len(days) - len(kept)


@pytest.mark.parametrize(
    ("clock", "modified_at", "uri", "position"),
    [
        ("10:00:01", MODIFIED - timedelta(seconds=1), "s3://a", 0),
        ("10:00:00", MODIFIED + timedelta(microseconds=1), "s3://a", 0),
        ("10:00:00", MODIFIED, "s3://c", 0),
        ("10:00:00", MODIFIED, "s3://b", 2),
    ],
    ids=["later event", "newer object", "greater uri", "greater position"],
)
def test_which_copy_stays(clock: str, modified_at: datetime, uri: str, position: int) -> None:
    kept = raw(page("a", clock, messageId="m"), uri, position, source_modified_at=modified_at)
    other = raw(page("a", "10:00:00", messageId="m"), "s3://b", 1, loaded_at=LOADED + timedelta(days=1))
    for rows in ([kept, other], [other, kept]):
        oracle = compute(rows)
        assert (positions(oracle), oracle.duplicates) == ([(uri, position)], 1)


@pytest.mark.parametrize(
    ("first", "second", "events"),
    [
        ('{"type":"p","anonymousId":"a"}', '{ "anonymousId":"a", "type":"p" }', 1),
        ('{"type":"p","anonymousId":"a"}', encoded('{"anonymousId":"a","type":"p"}'), 1),
        ('{"type":"p","anonymousId":"a","properties":{"x":1,"y":[1,2]}}',
         '{"type":"p","anonymousId":"a","properties":{"y":[1,2],"x":1}}', 1),
        ('{"type":"p","anonymousId":"a","messageId":""}', '{"type":"p","anonymousId":"a"}', 2),
        ('{"type":"p","anonymousId":"a","x":[1,2]}', '{"type":"p","anonymousId":"a","x":[2,1]}', 2),
        ('{"type":"p","anonymousId":"a","x":1}', '{"type":"p","anonymousId":"a","x":"1"}', 2),
        ('{"type":"p","anonymousId":"a","x":1.5}', '{"type":"p","anonymousId":"a","x":1.50}', 1),
    ],
)  # fmt: skip
def test_identity_without_own_id(first: str, second: str, events: int) -> None:
    oracle = compute([raw(first, "s3://a"), raw(second, "s3://b")])
    assert (len(oracle.events), oracle.duplicates) == (events, 2 - events)


def test_arrival_times_tell_records_without_id_and_time_apart() -> None:
    later = MODIFIED + timedelta(seconds=1)
    rows = [raw(EVENT, "s3://a"), raw(EVENT, "s3://b", source_modified_at=later), raw(EVENT, "s3://c")]
    assert positions(compute(rows)) == [("s3://b", 0), ("s3://c", 0)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (("v2", MODIFIED), ("v1", MODIFIED + timedelta(seconds=1))),
        (("v1", MODIFIED), ("v2", MODIFIED)),
    ],
)
def test_only_the_newest_version_of_an_object_counts(old: tuple[str, Any], new: tuple[str, Any]) -> None:
    def version(etag_and_time: tuple[str, datetime], payloads: list[Any]) -> list[RawRow]:
        etag, modified_at = etag_and_time
        return [
            raw(p, position=n, source_etag=etag, source_modified_at=modified_at)
            for n, p in enumerate(payloads)
        ]

    # the old version holds a bad record and a later copy of the event: neither shows
    before = version(old, [page("a", "11:00:00", messageId="m"), "broken", page("b", "11:00:00")])
    after = version(new, [page("a", "10:00:00", messageId="m")])
    oracle = compute(before + after)
    assert (oracle.superseded, oracle.duplicates, oracle.rejected) == (3, 0, [])
    assert pick(oracle.events, "visitor_id", "event_timestamp") == [("a", moment("10:00:00"))]


def test_reconciliation() -> None:
    next_day = {"loaded_at": LOADED + timedelta(days=1)}
    event = EVENT | {"messageId": "m", "timestamp": at("10:00:00")}
    rows = [
        raw(event, "s3://a", 0),
        raw("broken", "s3://a", 1),
        raw("broken", "s3://a", 1, **next_day),  # the object was loaded twice: each copy counts
        raw(event, "s3://b", 0, source="historical", **next_day),
        raw(
            EVENT,
            "s3://c",
            0,
            source="historical",
            source_etag="old",
            source_modified_at=datetime(2024, 1, 1),
        ),
        raw(EVENT, "s3://c", 0, source="historical", **next_day),
    ]
    columns = ("load_date", "source", "raw_records", "events", "duplicates", "rejected", "superseded")
    oracle = compute(rows)
    assert pick(oracle.load_reconciliation, *columns) == [
        (date(2024, 1, 10), "firehose", 2, 0, 1, 1, 0),
        (date(2024, 1, 10), "historical", 1, 0, 0, 0, 1),
        (date(2024, 1, 11), "firehose", 1, 0, 0, 1, 0),
        (date(2024, 1, 11), "historical", 2, 2, 0, 0, 0),
    ]
    broken = {"source_uri": "s3://a", "source_position": 1, "reason": "not_json_object"}
    assert oracle.rejected == [broken, broken]


def test_of_two_loads_of_one_object_version_the_first_is_the_event() -> None:
    first, second = raw(EVENT), raw(EVENT, loaded_at=LOADED + timedelta(days=1))
    for rows in ([first, second], [second, first]):
        assert pick(compute(rows).load_reconciliation, "load_date", "events", "duplicates") == [
            (date(2024, 1, 10), 1, 0),
            (date(2024, 1, 11), 0, 1),
        ]


# Sessions and visitors --------------------------------------------------------------------------------------


def test_a_gap_of_exactly_thirty_minutes_is_the_same_session() -> None:
    clocks = ["10:00:00", "10:30:00", "11:00:00.000001"]
    oracle = compute(rows_of(page("a", clock) for clock in clocks))
    columns = (
        "session_number",
        "session_start_at",
        "session_end_at",
        "duration_seconds",
        "event_count",
        "is_bounce",
    )
    assert pick(oracle.sessions, *columns) == [
        (1, moment("10:00:00"), moment("10:30:00"), 1800, 2, False),
        (2, moment("11:00:00.000001"), moment("11:00:00.000001"), 0, 1, True),
    ]
    assert pick(oracle.events, "session_number", "is_session_start") == [(1, True), (1, False), (2, True)]


def test_the_inactivity_is_a_parameter() -> None:
    rows = rows_of(page("a", clock) for clock in ("10:00:00", "10:30:00"))
    assert len(compute(rows, settings=Settings(session_inactivity_minutes=29)).sessions) == 2


def test_midnight_splits_nothing() -> None:
    times = ["2024-01-09T23:50:00Z", "2024-01-10T00:10:00Z"]
    oracle = compute(rows_of(EVENT | {"timestamp": time} for time in times))
    assert pick(oracle.sessions, "session_date", "event_count") == [(date(2024, 1, 9), 2)]
    assert pick(oracle.user_activity, "event_date", "unique_users", "unique_sessions") == [
        (date(2024, 1, 9), 1, 1),
        (date(2024, 1, 10), 1, 1),
    ]


def test_session_columns() -> None:
    user = {"userId": "u1"}
    records = [
        page("a", "10:00:00", None),
        page("a", "10:01:00", "https://x.com/start?q", type="track", **user),
        page("a", "10:02:00", "https://x.com"),
        page("a", "10:02:59.9", None, type="purchase"),
        page("b", "10:00:00", None, type="track"),
    ]
    columns = ("visitor_id", "user_id", "duration_seconds", "event_count", "page_view_count")
    columns += ("entry_page", "exit_page", "is_bounce", "is_converted")
    assert pick(compute(rows_of(records)).sessions, *columns) == [
        ("a", "u1", 179, 4, 2, "/start", "/", False, True),
        ("b", None, 0, 1, 0, None, None, True, False),
    ]


def test_events_at_one_instant_are_ordered_by_their_id() -> None:
    def same_instant(event_id: str, url: str) -> dict[str, Any]:
        return page("a", "10:00:00", url, messageId=event_id)

    rows = rows_of([same_instant("2", "/two"), same_instant("10", "/ten"), same_instant("Z", "/zed")])
    assert pick(compute(rows).sessions, "entry_page", "exit_page") == [("/ten", "/zed")]
    # the lake's ids, where given, decide
    lake_ids = {("s3://landing/a", n): event_id for n, event_id in enumerate("acb")}
    assert pick(compute(rows, event_ids=lake_ids).sessions, "entry_page", "exit_page") == [("/two", "/ten")]


def test_visitors() -> None:
    records = [
        page("a", "10:00:00"),
        page("a", "10:01:00", userId="u1"),
        page("a", "12:00:00", userId="u2"),
        page("a", "12:01:00"),
        page("b", "10:00:00"),
        shop("view", "09:00:00"),
    ]
    columns = (
        "visitor_id",
        "person_id",
        "anonymous_id",
        "user_id",
        "session_count",
        "first_seen_at",
        "last_seen_at",
    )
    assert pick(compute(rows_of(records)).visitors, *columns) == [
        ("a", "u2", "a", "u2", 2, moment("10:00:00"), moment("12:01:00")),
        ("b", "b", "b", None, 1, moment("10:00:00"), moment("10:00:00")),
        ("u1", "u1", None, "u1", 1, moment("09:00:00"), moment("09:00:00")),
    ]


# Marts ------------------------------------------------------------------------------------------------------


def test_conversion_funnel() -> None:
    records = [
        shop("page_view", "10:00:00", "p1", category="a"),
        shop("product_view", "10:01:00", "p1", category="b"),
        shop("product_view", "10:02:00", "p1"),
        shop("add_to_cart", "10:03:00", "p1"),
        shop("add_to_cart", "10:04:00", "p1"),
        shop("purchase", "10:05:00", "p1"),
        shop("purchase", "10:06:00", "p2"),
        shop("wishlist", "10:07:00", "p3", category="z"),
        shop("page_view", "10:08:00", None, category="z"),
    ]
    columns = ("product_id", "category", "views", "add_to_carts", "purchases")
    ratios = ("view_to_cart_conversion", "view_to_purchase_conversion", "cart_to_purchase_conversion")
    oracle = compute(rows_of(records))
    assert pick(oracle.conversion_funnel, *columns) == [
        ("p1", "b", 3, 2, 1),
        ("p2", None, 0, 0, 1),
        ("p3", "z", 0, 0, 0),
    ]
    assert pick(oracle.conversion_funnel, *ratios) == [
        (Decimal("0.6667"), Decimal("0.3333"), Decimal("0.5000")),
        (None, None, None),
        (None, None, None),
    ]
    assert pick(oracle.top_products, "rank", "product_id", "category", "view_count") == [(1, "p1", "b", 3)]


def test_ratios_are_rounded_half_up() -> None:
    views = [shop("product_view", f"10:00:{n / 1000:09.6f}", "p") for n in range(160)]
    oracle = compute(rows_of([*views, shop("purchase", "10:01:00", "p")]))
    assert oracle.conversion_funnel[0]["view_to_purchase_conversion"] == Decimal("0.0063")  # 0.00625


def test_top_products_tie_by_product_id_and_are_ten() -> None:
    views = [shop("page_view", f"10:00:{n:02}", f"p{n:02}") for n in range(12)]
    oracle = compute(rows_of([*views, shop("page_view", "10:01:00", "p11")]))
    expected = [(1, "p11"), *((n + 2, f"p{n:02}") for n in range(9))]
    assert pick(oracle.top_products, "rank", "product_id") == expected


def test_hourly_revenue() -> None:
    records = [
        shop("purchase", "10:00:00", "p", price=10.10, quantity=2),
        shop("purchase", "10:59:59.999999", "p", price="0.05", quantity="1"),
        shop("purchase", "10:30:00", "p"),
        shop("purchase", "11:00:00", None, price=1, quantity=1),
        shop("add_to_cart", "12:00:00", "p", price=1, quantity=1),
    ]
    columns = ("event_date", "event_hour", "total_revenue", "transaction_count")
    assert pick(compute(rows_of(records)).hourly_revenue, *columns) == [
        (date(2024, 1, 10), 10, Decimal("20.25"), 3),
        (date(2024, 1, 10), 11, Decimal("1.00"), 1),
    ]


def test_category_performance_counts_all_events_with_a_category() -> None:
    records = [
        shop("search", "10:00:00", None, category="a"),
        shop("purchase", "11:00:00", "p", category="a"),
        shop("page_view", "11:00:00", "p", category="b"),
        shop("page_view", "12:00:00", "p", category=""),
    ]
    assert pick(compute(rows_of(records)).category_performance, "category", "event_count") == [
        ("a", 2),
        ("b", 1),
    ]


def test_user_activity() -> None:
    records = [page("a", "10:00:00"), page("a", "12:00:00"), page("b", "12:00:00", userId="u1")]
    activity = compute(rows_of(records)).user_activity
    assert pick(activity, "event_date", "unique_users", "unique_sessions") == [(date(2024, 1, 10), 2, 3)]


def test_marts_leave_bots_out_and_facts_keep_them() -> None:
    bot = shop("purchase", "10:00:00", "p", category="a", user_agent="Googlebot/2.1")
    oracle = compute(rows_of([bot, page("b", "10:00:00")]))
    assert (len(oracle.events), len(oracle.sessions), len(oracle.visitors)) == (2, 2, 2)
    assert (oracle.conversion_funnel, oracle.hourly_revenue, oracle.category_performance) == ([], [], [])
    assert pick(oracle.user_activity, "unique_users", "unique_sessions") == [(1, 1)]


def test_products() -> None:
    newer = {"source_modified_at": MODIFIED + timedelta(days=1)}
    products = [
        raw(
            {"product_id": "p1", "name": "New", "category": "c", "price": 9.995, "stock": 3},
            "s3://a",
            0,
            **newer,
        ),
        raw({"product_id": "p1", "name": "Old", "brand": "b", "price": "1"}, "s3://b", 9),
        raw({"product_id": "p2", "name": "First", "stock": "1"}, "s3://c", 0),
        raw({"product_id": "p2", "name": "Last", "stock": "2"}, "s3://c", 1),
        raw({"product_id": "p3", "name": "Withdrawn"}, "s3://d", 0),
        raw({"product_id": "p4", "name": "Corrected"}, "s3://d", 0, source_etag="v2", **newer),
        raw({"product_id": " ", "name": "Nobody"}, "s3://e", 0),
        raw("broken", "s3://e", 1),
    ]
    columns = ("product_id", "name", "category", "brand", "price", "stock")
    assert pick(compute([], products).dim_products, *columns) == [
        ("p1", "New", "c", None, Decimal("10.00"), 3),
        ("p2", "Last", None, None, None, 2),
        ("p4", "Corrected", None, None, None, None),
    ]


# The whole --------------------------------------------------------------------------------------------------


def mixed_rows(count: int, seed: int = 1) -> list[RawRow]:
    """Records of all formats with copies, bad ones and envelopes, in objects of 1,000."""
    random_source = random.Random(seed)
    records: list[Any] = []
    for n in range(count):
        second = random_source.randrange(86_400)
        time = (DAY_START + timedelta(seconds=second)).isoformat() + "Z"
        who = f"v{random_source.randrange(max(1, count // 20))}"
        product = {
            "product_id": f"p{second % 50}",
            "category": f"c{second % 7}",
            "price": 9.99,
            "quantity": 1,
        }
        event_type = random_source.choice(["page_view", "product_view", "add_to_cart", "purchase"])
        record = random_source.choice(
            [
                {"type": "page", "anonymousId": who, "timestamp": time, "messageId": f"m{n}"},
                {
                    "_id": {"$oid": f"{n:024x}"},
                    "eventTimestamp": {"$date": time},
                    "metadata": {"anonymousId": who},
                    "eventData": {"type": "track", "properties": product},
                },
                {"timestamp": time, "user_id": who, "event_type": event_type} | product,
                {"event_timestamp": time, "user_id": who, "event_type": event_type, "metadata": product},
                {"timestamp": time, "customer_id": who, "event_type": event_type, "page": "/x?y"},
            ]
        )
        kind = random_source.random()
        if kind < 0.05 and records:
            record = records[-1]
        elif kind < 0.10:
            record = encoded(record)
        elif kind < 0.12:
            record = "broken"
        records.append(record)
    return [raw(record, f"s3://landing/{n // 1000}", n % 1000) for n, record in enumerate(records)]


def test_the_order_of_loading_does_not_show() -> None:
    rows = mixed_rows(3_000)
    shuffled = random.Random(2).sample(rows, len(rows))
    assert compute(rows) == compute(shuffled)


def test_nothing_is_lost() -> None:
    rows = mixed_rows(3_000)
    oracle = compute(rows)
    assert len(rows) == len(oracle.events) + oracle.duplicates + len(oracle.rejected) + oracle.superseded
    assert sum(row["raw_records"] for row in oracle.load_reconciliation) == len(rows)
    assert sum(row["event_count"] for row in oracle.sessions) == len(oracle.events)
    assert sum(row["session_count"] for row in oracle.visitors) == len(oracle.sessions)


def test_event_id_problems() -> None:
    time = {"timestamp": at("10:00:00")}
    oracle = compute(rows_of([EVENT | time | {"messageId": "m"}, EVENT | time, EVENT | time | {"x": 1}]))
    first, second, third = positions(oracle)
    assert event_id_problems(oracle, {first: "m", second: "hash 1", third: "hash 2"}) == []
    assert event_id_problems(oracle, {first: "x", second: "hash", third: "hash"}) == [
        f"{first}: 'x' instead of its own id 'm'",
        f"{third}: 'hash' is also the id of {second}",
    ]
    assert event_id_problems(oracle, {first: "m", second: "hash 1"}) == [f"{third}: no id"]
