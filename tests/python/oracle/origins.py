"""Where an event says that its visitor came from: campaign, click id, referrer."""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from oracle.knowledge import Knowledge
from oracle.records import UTM, Event
from oracle.values import lowered, trimmed

PAID_CLICK_IDS = ("gclid", "gbraid", "wbraid", "dclid", "msclkid")
SOCIAL_CLICK_IDS = ("ttclid", "fbclid", "li_fat_id", "twclid", "igshid")

_LOWER_CASE = ("utm_source", "utm_medium")
_WELL_FORMED = re.compile("(?:[^%]|%[0-9A-Fa-f]{2})*")
_AUTHORITY = re.compile("(?:[A-Za-z][A-Za-z0-9+.-]*:)?//([^/?#]*)")
_LONGEST_DECODED = 4096
_PORT = re.compile(r":[0-9]*\Z")


@dataclass(frozen=True, slots=True)
class Origin:
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    click_id_type: str | None = None
    referrer_host: str | None = None


def origin_of(event: Event, knowledge: Knowledge) -> Origin:
    """The page's address comes before the record's own fields."""
    utm: dict[str, str | None] = {}
    for name in UTM:
        value = query_parameter(event.page_url, name)
        utm[name] = event.own_utm[name] if value is None else value
    for name in _LOWER_CASE:
        utm[name] = None if (value := utm[name]) is None else lowered(value)
    return Origin(
        **utm,
        click_id_type=next(
            (name for name in PAID_CLICK_IDS + SOCIAL_CLICK_IDS if query_parameter(event.page_url, name)),
            None,
        ),
        referrer_host=_foreign_host(event, knowledge),
    )


def query_parameter(url: str | None, name: str) -> str | None:
    """The first value that is not empty of a parameter of an address, decoded as form data."""
    query = (url or "").partition("#")[0].partition("?")[2]
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if key == name and value:
            return trimmed(_decoded(value)) or None
    return None


def _decoded(value: str) -> str:
    """As it is written, when it is no form data."""
    if "%" in value and (len(value) > _LONGEST_DECODED or not _WELL_FORMED.fullmatch(value)):
        return value
    try:
        return unquote_to_bytes(value.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        return value


def host_of(url: str | None) -> str | None:
    """The host of an absolute address, in lower case, without user, port and `www.`."""
    match = _AUTHORITY.match(url or "")
    if match is None:
        return None
    host = _PORT.sub("", match[1].rpartition("@")[2])
    return lowered(host).removeprefix("www.") or None


def _foreign_host(event: Event, knowledge: Knowledge) -> str | None:
    host = host_of(event.referrer_url)
    if host is None or host == host_of(event.page_url) or knowledge.is_internal(host):
        return None
    return host
