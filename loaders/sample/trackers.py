"""The events of a shopping session as other trackers write them: Segment, GA4, Snowplow, Amplitude, REES46.

They have the dirt that such exports have: texts that mean nothing, padded values, JSON held as text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from loaders.sample.clock import iso_z
from loaders.sample.journeys import ShopStep
from loaders.sample.world import Visitor

SHOP_URL = "https://shop.example.com"
SEGMENT, GA4, SNOWPLOW, AMPLITUDE, REES46 = "segment", "ga4", "snowplow", "amplitude", "rees46"
NOBODY = ("undefined", "null", "[object Object]", "00000000-0000-0000-0000-000000000000", "")
_SEGMENT_TOTAL_CENTS, _OTHER_TOTAL_CENTS = 999, 750


@dataclass(frozen=True)
class Visit:
    """A session of one visitor, to be written in a format."""

    key: str
    visitor: Visitor
    steps: list[ShopStep]
    nobody: str
    """What stands where there is no user: a text that means nothing."""
    without_time: frozenset[int] = frozenset()
    """Indexes of the steps whose records have no time."""

    def user(self, index: int) -> str:
        """The user of a step: known from the third on."""
        return self.visitor.user_ids[0] if index >= 2 else self.nobody


def records_of(name: str, visit: Visit) -> list[dict[str, Any]]:
    """The records of a visit in a format, one for each step."""
    return _RENDERERS[name](visit)


def purchase_cents(name: str, step: ShopStep) -> int | None:
    """What a purchase is worth, as its record says; None where it does not say."""
    assert step.product is not None, "a purchase without product"
    if name == REES46:
        return step.product.cents
    if name == AMPLITUDE:
        return step.product.cents * step.quantity if step.price and step.quantity else None
    if step.price:
        return step.product.cents * (step.quantity or 1)
    return _SEGMENT_TOTAL_CENTS if name == SEGMENT else _OTHER_TOTAL_CENTS


def _pages(visit: Visit) -> list[tuple[str, str]]:
    """Page and referrer of each step."""
    urls = [f"{SHOP_URL}{step.path}?step={index}" for index, step in enumerate(visit.steps)]
    return list(zip(urls, ["https://www.google.com/", *urls], strict=False))


def _price(step: ShopStep) -> float | None:
    return json.loads(step.price) if step.price else None


def _line(step: ShopStep, **names: str) -> dict[str, Any]:
    """The product of a step as a line of an order, its keys by their names in the format."""
    values = {
        "id": step.product.id if step.product else None,
        "name": step.product.name if step.product else None,
        "category": step.category,
        "price": _price(step),
        "quantity": step.quantity,
    }
    return {names.get(key, key): value for key, value in values.items() if value is not None}


_SEGMENT_NAMES = {
    "page_view": "Page Viewed",
    "search": "Products Searched",
    "product_view": "Product Viewed",
    "add_to_cart": "Product Added",
    "purchase": "Order Completed",
}


def _segment(visit: Visit) -> list[dict[str, Any]]:
    lines = []
    for index, (step, (url, referrer)) in enumerate(zip(visit.steps, _pages(visit), strict=True)):
        at = iso_z(step.at)
        line = _line(step, id="product_id")
        properties: dict[str, Any] = {"query": json.loads(step.query)} if step.query else dict(line)
        if step.event == "purchase":
            properties = {
                "order_id": f"{visit.key}-{index}",
                "products": [line],
                "total": _SEGMENT_TOTAL_CENTS / 100,
            }
        record: dict[str, Any] = {
            "type": "page" if step.event == "page_view" else "track",
            "messageId": f"seg-{visit.key}-{index}" if index % 3 or index in visit.without_time else "null",
            "anonymousId": visit.visitor.anonymous_id,
            "userId": visit.user(index),
            "originalTimestamp": at,
            "sentAt": at,
            "receivedAt": at,
            "channel": "client",
            "context": {
                "ip": "203.0.113.9",
                "userAgent": visit.visitor.user_agent,
                "page": {"url": url, "referrer": referrer},
                "campaign": {"name": "spring", "source": "newsletter", "medium": "email"},
            },
            "properties": json.dumps(properties) if index % 5 == 4 else properties,
            "integrations": {},
        }
        record |= {"name": "Page"} if step.event == "page_view" else {"event": _SEGMENT_NAMES[step.event]}
        if index in visit.without_time:
            record |= {"originalTimestamp": None, "sentAt": "undefined", "receivedAt": " "}
        elif index % 2:
            record["timestamp"] = at
        lines.append(record)
    return lines


_GA4_NAMES = {"product_view": "view_item", "search": "view_search_results"}


def _ga4(visit: Visit) -> list[dict[str, Any]]:
    lines = []
    for index, (step, (url, referrer)) in enumerate(zip(visit.steps, _pages(visit), strict=True)):
        parameters = [
            {"key": "ga_session_id", "value": _ga4_value("int_value", str(visit.steps[0].at // 1000))},
            {"key": "page_location", "value": _ga4_value("string_value", url)},
            {"key": "page_referrer", "value": _ga4_value("string_value", referrer)},
        ]
        if step.query:
            parameters.append(
                {"key": "search_term", "value": _ga4_value("string_value", json.loads(step.query))}
            )
        record: dict[str, Any] = {
            "event_date": iso_z(step.at)[:10].replace("-", ""),
            "event_timestamp": str(step.at * 1000),
            "event_name": _GA4_NAMES.get(step.event, step.event),
            "event_params": parameters,
            "user_pseudo_id": visit.visitor.anonymous_id,
            "user_id": visit.user(index) or None,
            "device": {"category": visit.visitor.device_type},
            "geo": {"country": visit.visitor.country},
            "batch_event_index": index,
        }
        if step.product:
            record["items"] = [
                _line(step, id="item_id", name="item_name", category="item_category"),
                {"item_id": "gift", "quantity": 1},
            ]
        if step.event == "purchase" and not step.price:
            record["ecommerce"] = {"purchase_revenue": _OTHER_TOTAL_CENTS / 100, "transaction_id": visit.key}
        if index in visit.without_time:
            record["event_timestamp"] = None
        lines.append(record)
    return lines


def _ga4_value(kind: str, value: str) -> dict[str, Any]:
    kinds = ("string_value", "int_value", "float_value", "double_value")
    return {name: value if name == kind else None for name in kinds}


_SNOWPLOW = "contexts_com_snowplowanalytics_snowplow_ecommerce_"
_SNOWPLOW_ACTION = "unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1"


def _snowplow(visit: Visit) -> list[dict[str, Any]]:
    lines = []
    for index, (step, (url, referrer)) in enumerate(zip(visit.steps, _pages(visit), strict=True)):
        at = iso_z(step.at)
        record: dict[str, Any] = {
            "app_id": "shop",
            "platform": "web",
            "collector_tstamp": at,
            "derived_tstamp": at if index % 2 else None,
            "event_id": f"sp-{visit.key}-{index}",
            "user_id": visit.user(index) or None,
            "domain_userid": visit.visitor.anonymous_id,
            "domain_sessionid": f"{visit.key}-s",
            "page_url": url,
            "page_referrer": referrer,
            "useragent": visit.visitor.user_agent,
            "user_ipaddress": "203.0.113.9",
            "geo_country": visit.visitor.country,
            "mkt_source": "newsletter",
            "mkt_medium": "email",
        }
        if step.event == "page_view":
            record |= {"event": "page_view", "event_name": "page_view"}
        elif step.event == "search":
            record |= {
                "event": "struct",
                "event_name": "event",
                "se_action": "search",
                "se_label": step.query,
            }
        else:
            kind = "transaction" if step.event == "purchase" else step.event
            record |= {"event": "unstruct", "event_name": "snowplow_ecommerce_action"}
            record[_SNOWPLOW_ACTION] = {"type": kind}
            record[f"{_SNOWPLOW}product_1"] = [_line(step)]
        if step.event == "purchase":
            record[f"{_SNOWPLOW}transaction_1"] = [
                {"transaction_id": visit.key, "revenue": _OTHER_TOTAL_CENTS / 100}
            ]
        if index in visit.without_time:
            record |= {"collector_tstamp": "", "derived_tstamp": "NaN"}
            # What makes it an event of Snowplow is still there.
        lines.append(record)
    return lines


def _amplitude(visit: Visit) -> list[dict[str, Any]]:
    lines = []
    for index, (step, (url, referrer)) in enumerate(zip(visit.steps, _pages(visit), strict=True)):
        properties: dict[str, Any] = {"[Amplitude] Page URL": url, "referrer": referrer}
        if step.product:
            line = _line(step, id="$productId", price="$price", quantity="$quantity")
            properties |= line
        if step.query:
            properties["search_query"] = f"  {json.loads(step.query)} "
        lines.append(
            {
                "amplitude_id": 1000 + index,
                "device_id": visit.visitor.anonymous_id,
                "user_id": visit.user(index) or None,
                "session_id": visit.steps[0].at if index % 7 else -1,
                "event_id": index,
                "event_type": "[Amplitude] Page Viewed" if step.event == "page_view" else step.event,
                "event_time": None
                if index in visit.without_time
                else f"{iso_z(step.at)[:10]} {iso_z(step.at)[11:23]}000",
                "event_properties": properties,
                "user_properties": {"plan": "pro" if index % 2 else "free"},
                "uuid": f"amp-{visit.key}-{index}",
                "ip_address": "203.0.113.9",
                "country": visit.visitor.country,
                "device_type": visit.visitor.device_type,
            }
        )
    return lines


REES46_COLUMNS = [
    "event_time", "event_type", "product_id", "category_id", "category_code", "brand", "price", "user_id",
    "user_session",
]  # fmt: skip
_REES46_NAMES = {"product_view": "view", "add_to_cart": "cart", "purchase": "purchase"}


def rees46_rows(visit: Visit) -> list[list[str]]:
    """The CSV fields of each step, in the order of REES46_COLUMNS."""
    return [
        [
            "" if index in visit.without_time else f"{iso_z(step.at)[:10]} {iso_z(step.at)[11:19]} UTC",
            _REES46_NAMES.get(step.event, step.event),
            step.product.id if step.product else "",
            "2053013555631882655",
            step.category or "NULL",
            step.product.brand if step.product else "nan",
            f" {step.product.cents / 100:.2f} " if step.product else r"\N",
            visit.visitor.user_ids[0],
            f"{visit.key}-r",
        ]
        for index, step in enumerate(visit.steps)
    ]


def _rees46(visit: Visit) -> list[dict[str, Any]]:
    return [dict(zip(REES46_COLUMNS, row, strict=True)) for row in rees46_rows(visit)]


_RENDERERS: dict[str, Callable[[Visit], list[dict[str, Any]]]] = {
    SEGMENT: _segment,
    GA4: _ga4,
    SNOWPLOW: _snowplow,
    AMPLITUDE: _amplitude,
    REES46: _rees46,
}
EXPORTED_FORMATS = tuple(_RENDERERS)
