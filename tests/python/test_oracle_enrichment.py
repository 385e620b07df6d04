"""Hand-worked cases for what `oracle` finds out about events, sessions, visitors and persons.

They bring seeds of their own, so that what the project's seeds say today decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from oracle import Knowledge, Oracle, Settings, compute, knowledge_of
from oracle.channels import channel_of
from oracle.knowledge import Goal
from oracle.origins import Origin, host_of, origin_of, query_parameter
from oracle.quality import PASSES, quality_of
from oracle.records import RawRow, read_event

MODIFIED = datetime(2024, 1, 12, 12)
DAY_START = datetime(2024, 1, 10, 10)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/120.0.0.0 Safari/537.36"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

SEEDS = {
    "referrer_sources": """\
host,source,source_kind
google.com,google,search
bing.com,bing,search
news.google.com,google news,social
facebook.com,facebook,social
youtube.com,youtube,video
mail.google.com,gmail,email
chatgpt.com,chatgpt,ai_assistant
shopping.example,shopping example,shopping
""",
    "internal_hosts": """\
host
intern.example
""",
    "conversion_goals": """\
priority,conversion_goal,event_action,event_name,page_path_prefix,conversion_value
30,lead,lead,,,
20,brochure,lead,Request Info,,12.5
10,purchase,purchase,,,
40,thanks,page_view,,/thanks,0
50,contact,,,/contact,3
""",
    "quality_rules": """\
priority,rule,event_action,weight,description
20,has_own_time,,2,
10,has_own_id,,1,
30,time_is_plausible,,1,
40,arrived_in_time,,1,
50,has_user_agent,,1,
60,has_source_session,,1,
70,has_page,page_view,1,
71,has_page,product_view,1,
72,has_page,product_list_view,1,
73,has_page,space_view,1,
80,has_space,space_view,2,
81,has_space,room_view,2,
90,has_coordinates,room_view,1,
100,has_product,product_view,2,
101,has_product,add_to_cart,2,
102,has_product,remove_from_cart,2,
103,has_product,purchase,2,
110,has_price,purchase,2,
120,has_quantity,add_to_cart,1,
121,has_quantity,purchase,1,
""",
    "countries": """\
spelling,country_code
germany,DE
de,DE
deu,DE
france,FR
fr,FR
""",
}


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    return knowledge_in(tmp_path_factory.mktemp("seeds"))


def knowledge_in(directory: Path, **seeds: str) -> Knowledge:
    for name, text in (SEEDS | seeds).items():
        (directory / f"{name}.csv").write_text(text, encoding="utf-8")
    return knowledge_of(directory)


# Builders ---------------------------------------------------------------------------------------------------


def raw(record: dict[str, Any], position: int = 0, modified_at: datetime = MODIFIED) -> RawRow:
    return {
        "payload": json.dumps(record),
        "payload_encoding": "utf8",
        "parse_error": None,
        "source": "firehose",
        "source_uri": "s3://landing/a",
        "source_etag": "v1",
        "source_position": position,
        "source_modified_at": modified_at,
        "batch_id": "b1",
        "loaded_at": MODIFIED + timedelta(hours=1),
    }


def event(
    seconds: float = 0, visitor: str = "v", event_type: str = "page", name: str | None = None, **fields: Any
) -> dict[str, Any]:
    """A legacy event so many seconds after ten; fields other than the tracker's own are properties."""
    own = {key: fields.pop(key) for key in ("messageId", "userId", "userAgent", "sessionId") if key in fields}
    time = (DAY_START + timedelta(seconds=seconds)).isoformat() + "Z"
    return {
        "type": event_type,
        "event": name,
        "anonymousId": visitor,
        "timestamp": time,
        "properties": fields,
    } | own


def track(action: str, seconds: float = 0, visitor: str = "v", **fields: Any) -> dict[str, Any]:
    return event(seconds, visitor, "track", action, **fields)


def computed(records: Iterable[dict[str, Any]], knowledge: Knowledge, **settings: int) -> Oracle:
    rows = [raw(record, position) for position, record in enumerate(records)]
    return compute(rows, settings=Settings(**settings), knowledge=knowledge)


def only_session(records: Iterable[dict[str, Any]], knowledge: Knowledge, **settings: int) -> dict[str, Any]:
    (session,) = computed(records, knowledge, **settings).sessions
    return session


def origin(knowledge: Knowledge, url: str | None = None, referrer: str | None = None, **own: str) -> Origin:
    return origin_of(read_event(raw(event(url=url, referrer=referrer, **own))), knowledge)


def moment(seconds: float) -> datetime:
    return DAY_START + timedelta(seconds=seconds)


def pick(rows: list[dict[str, Any]], *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[column] for column in columns) for row in rows]


# Where fields are -------------------------------------------------------------------------------------------

UTM = {f"utm_{name}": name for name in ("source", "medium", "campaign", "term", "content")}
VISIT = ("sess", "https://from.example", "tablet", "Germany", *UTM.values())


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            {"type": "page", "anonymousId": "a", "sessionId": "sess"}
            | {"properties": {"referrer": VISIT[1], "deviceType": "tablet", "country": "Germany"} | UTM},
            VISIT,
        ),
        (
            {
                "metadata": {
                    "anonymousId": "a",
                    "sessionId": "sess",
                    "deviceType": "tablet",
                    "country": "Germany",
                },
                "eventData": {"type": "page", "properties": {"referrer": VISIT[1], "country": "no"} | UTM},
            },
            VISIT,
        ),
        (
            {
                "event_type": "x",
                "user_id": "u",
                "session_id": "sess",
                "page_url": "/",
                "device_type": "tablet",
            }
            | {"referrer_url": VISIT[1], "metadata": {"country": "Germany"}, "country": "no"},
            (*VISIT[:4], *[None] * 5),
        ),
        (
            {
                "event_type": "x",
                "customer_id": "u",
                "session_id": "sess",
                "referrer": VISIT[1],
                "country": "Germany",
            }
            | {"device": "tablet"},
            (*VISIT[:4], *[None] * 5),
        ),
        (
            {
                "event_type": "x",
                "user_id": "u",
                "session_id": "-1",
                "referrer_url": VISIT[1],
                "country": "Germany",
            },
            (None, VISIT[1], None, "Germany", *[None] * 5),
        ),
        (
            {
                "type": "page",
                "anonymousId": "a",
                "context": {
                    "sessionId": "sess",
                    "page": {"referrer": VISIT[1]},
                    "device": {"type": "tablet"},
                    "location": {"country": "Germany"},
                    "campaign": {"name": "campaign"}
                    | {n: n for n in ("source", "medium", "term", "content")},
                },
            },
            VISIT,
        ),
        (
            {
                "event_name": "page_view",
                "user_pseudo_id": "a",
                "event_params": [
                    {"key": "ga_session_id", "value": {"string_value": "sess"}},
                    {"key": "page_referrer", "value": {"string_value": VISIT[1]}},
                    {"key": "medium", "value": {"string_value": "medium"}},
                ],
                "device": {"category": "tablet"},
                "geo": {"country": "Germany"},
                "collected_traffic_source": {
                    "manual_source": "source",
                    "manual_campaign_name": "campaign",
                    "manual_term": "term",
                    "manual_content": "content",
                },
            },
            VISIT,
        ),
        (
            {
                "collector_tstamp": "2024-01-10",
                "event": "page_view",
                "domain_userid": "a",
                "domain_sessionid": "sess",
            }
            | {"page_referrer": VISIT[1], "dvce_type": "tablet", "geo_country": "Germany"}
            | {name.replace("utm", "mkt"): value for name, value in UTM.items()},
            VISIT,
        ),
        (
            {"event_type": "x", "device_id": "a", "session_id": "sess", "device_family": "tablet"}
            | {
                "country": "Germany",
                "user_properties": UTM,
                "event_properties": {"[Amplitude] Referrer": VISIT[1]},
            },
            VISIT,
        ),
        ({"event_type": "view", "user_id": "u", "user_session": "sess"}, ("sess", *[None] * 8)),
    ],
    ids=[
        "legacy",
        "nested",
        "clickstream",
        "web_shop",
        "commerce",
        "segment",
        "ga4",
        "snowplow",
        "amplitude",
        "rees46",
    ],
)
def test_fields_of_formats(record: dict[str, Any], expected: tuple[Any, ...]) -> None:
    read = read_event(raw(record))
    found = (read.source_session_id, read.referrer_url, read.source_device_type, read.source_country)
    assert (*found, *read.own_utm.values()) == expected


# Origins ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?utm_source=a", "a"),
        ("?x=1&utm_source=a&utm_source=b", "a"),
        ("?utm_source=&utm_source=b", "b"),
        ("?utm_source", None),
        ("?utm_source=", None),
        ("?UTM_SOURCE=a", None),
        ("?my_utm_source=a", None),
        ("?x=utm_source=a", None),
        ("?utm_source=a=b", "a=b"),
        ("?utm_source=a?b", "a?b"),
        ("?utm_source=a%26b%3D", "a&b="),
        ("?utm_source=one+two%20three", "one two three"),
        ("?utm_source=%2B", "+"),
        ("?utm_source=+%09a+", "a"),
        ("?utm_source=+", None),
        ("?utm_source=M%C3%BCnchen", "München"),
        ("?utm_source=M%FCnchen+x", "M%FCnchen+x"),
        ("?utm_source=50%+off", "50%+off"),
        ("?utm_source=%zz%20", "%zz%20"),
        ("?utm_source=%C3", "%C3"),
        ("?utm_source=%ED%A0%80", "%ED%A0%80"),
        ("?utm_source=%F0%9F%98%80", "😀"),
        ("#?utm_source=a", None),
        ("?x=1#&utm_source=a", None),
        ("?utm_source=a#b", "a"),
        ("&utm_source=a", None),
    ],
)
def test_query_parameters(query: str, expected: str | None) -> None:
    for address in ("https://shop.example/path", "/path", ""):
        assert query_parameter(address + query, "utm_source") == expected


def test_no_address_has_no_parameters() -> None:
    assert query_parameter(None, "utm_source") is None


def test_the_address_comes_before_the_records_own_fields(knowledge: Knowledge) -> None:
    found = origin(
        knowledge, "/?utm_source=URL&utm_medium=&utm_campaign=Spring", utm_source="Own", utm_medium="CPC"
    )
    assert found == Origin(utm_source="url", utm_medium="cpc", utm_campaign="Spring")
    own = origin(knowledge, utm_term="Shoes", utm_content="Left")
    assert own == Origin(utm_term="Shoes", utm_content="Left")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("fbclid=1&gclid=2", "gclid"),
        ("msclkid=1&dclid=2&wbraid=3&gbraid=4", "gbraid"),
        ("msclkid=1&dclid=2&wbraid=3", "wbraid"),
        ("msclkid=1&dclid=2", "dclid"),
        ("msclkid=1&ttclid=1", "msclkid"),
        ("igshid=1&twclid=2&li_fat_id=3&fbclid=4&ttclid=5", "ttclid"),
        ("igshid=1&twclid=2&li_fat_id=3&fbclid=4", "fbclid"),
        ("igshid=1&twclid=2&li_fat_id=3", "li_fat_id"),
        ("igshid=1&twclid=2", "twclid"),
        ("igshid=1", "igshid"),
        ("gclid=&fbclid=1", "fbclid"),
        ("GCLID=1", None),
    ],
)
def test_click_ids(knowledge: Knowledge, query: str, expected: str | None) -> None:
    assert origin(knowledge, f"https://shop.example/?{query}").click_id_type == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.Google.com/search?q=1", "google.com"),
        ("HTTPS://WWW.GOOGLE.COM", "google.com"),
        ("//news.example/a", "news.example"),
        ("https://user:pa@ss@news.example:8080/a@b", "news.example"),
        ("https://news.example:/", "news.example"),
        ("https://news.example?x=//other.example", "news.example"),
        ("https://news.example#top", "news.example"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("http://[::1]:8080/", "[::1]"),
        ("https://www.www.example", "www.example"),
        ("https://www./", None),
        ("https:///path", None),
        ("news.example/a", None),
        ("/a?u=https://news.example", None),
        ("mailto:a@news.example", None),
        (None, None),
    ],
)
def test_hosts(url: str | None, expected: str | None) -> None:
    assert host_of(url) == expected


@pytest.mark.parametrize(
    ("page", "referrer", "expected"),
    [
        ("https://shop.example/a", "https://www.google.com/", "google.com"),
        ("https://shop.example/a", "https://www.shop.example/b", None),
        ("https://www.shop.example:443/a", "http://Shop.Example:80", None),
        ("https://shop.example/a", "https://blog.shop.example/", "blog.shop.example"),
        ("/a", "https://shop.example/b", "shop.example"),
        (None, "https://shop.example/b", "shop.example"),
        ("/a", "https://intern.example/", None),
        ("/a", "https://www.intern.example/", None),
        ("/a", "https://deep.down.intern.example/", None),
        ("/a", "https://notintern.example/", "notintern.example"),
        ("/a", "/b", None),
    ],
)
def test_referrer_hosts(knowledge: Knowledge, page: str | None, referrer: str, expected: str | None) -> None:
    assert origin(knowledge, page, referrer).referrer_host == expected


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("google.com", "search"),
        ("maps.google.com", "search"),
        ("news.google.com", "social"),
        ("de.news.google.com", "social"),
        ("notgoogle.com", None),
        ("com", None),
        ("google.com.example", None),
        (None, None),
    ],
)
def test_hosts_match_their_subdomains(knowledge: Knowledge, host: str | None, kind: str | None) -> None:
    assert knowledge.kind_of_host(host) == kind


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("google", "search"),
        ("google news", "social"),
        ("www.google.com", "search"),
        ("chatgpt.com", "ai_assistant"),
        ("googles", None),
        (None, None),
    ],
)
def test_sources_match_by_name_or_as_hosts(
    knowledge: Knowledge, source: str | None, kind: str | None
) -> None:
    assert knowledge.kind_of_source(source) == kind


# Channels ---------------------------------------------------------------------------------------------------

GOOGLE, FACEBOOK, YOUTUBE = "https://www.google.com/", "https://m.facebook.com/", "https://youtube.com/"
GMAIL, CHATGPT = "https://mail.google.com/", "https://chatgpt.com/"
MARKET, OTHER = "https://shopping.example/", "https://blog.example/"


@pytest.mark.parametrize(
    ("query", "referrer", "channel"),
    [
        # paid by a click id
        ("gclid=1", None, "Paid Search"),
        ("gbraid=1", None, "Paid Search"),
        ("wbraid=1", None, "Paid Search"),
        ("msclkid=1", None, "Paid Search"),
        ("dclid=1", None, "Display"),
        ("dclid=1", GOOGLE, "Paid Search"),
        ("dclid=1&utm_source=nobody", GOOGLE, "Display"),
        ("gclid=1", YOUTUBE, "Paid Video"),
        ("gclid=1&utm_source=facebook", GOOGLE, "Paid Social"),
        ("gclid=1&utm_source=nobody", YOUTUBE, "Paid Search"),
        ("gclid=1", GMAIL, "Paid Other"),
        ("gclid=1&utm_medium=email", None, "Paid Search"),
        ("gclid=1&fbclid=1", None, "Paid Search"),
        # paid by its medium
        ("utm_medium=cpc&utm_source=google", None, "Paid Search"),
        ("utm_medium=CPC&utm_source=Google", None, "Paid Search"),
        ("utm_medium=ppc&utm_source=facebook", None, "Paid Social"),
        ("utm_medium=cpv&utm_source=youtube", None, "Paid Video"),
        ("utm_medium=retargeting&utm_source=shopping.example", None, "Paid Shopping"),
        ("utm_medium=paid", None, "Paid Other"),
        ("utm_medium=paid_social", FACEBOOK, "Paid Social"),
        ("utm_medium=paidsearch&utm_source=nobody", GOOGLE, "Paid Other"),
        ("utm_medium=cpc", GOOGLE, "Paid Search"),
        ("utm_medium=cpc", MARKET, "Paid Shopping"),
        ("utm_medium=cpc&utm_source=chatgpt.com", None, "Paid Other"),
        ("utm_medium=cpc&fbclid=1", None, "Paid Social"),
        ("utm_medium=cpc&fbclid=1&utm_source=google", None, "Paid Search"),
        ("utm_medium=unpaid", None, "Unassigned"),
        ("utm_medium=cpcs", None, "Unassigned"),
        # display, email, affiliates, sms, push
        ("utm_medium=display", None, "Display"),
        ("utm_medium=banner&utm_source=email", None, "Display"),
        ("utm_medium=cpm", GOOGLE, "Display"),
        ("utm_medium=email", GOOGLE, "Email"),
        ("utm_medium=e-mail", None, "Email"),
        ("utm_medium=newsletter", None, "Email"),
        ("utm_source=email", None, "Email"),
        ("utm_source=e-mail", None, "Email"),
        ("utm_source=newsletter&utm_medium=affiliate", None, "Email"),
        ("utm_source=gmail", None, "Email"),
        ("", GMAIL, "Email"),
        ("utm_medium=affiliate", GOOGLE, "Affiliates"),
        ("utm_medium=affiliates", None, "Affiliates"),
        ("utm_source=affiliate", None, "Unassigned"),
        ("utm_medium=sms", None, "SMS"),
        ("utm_source=sms&utm_medium=push", None, "SMS"),
        ("utm_medium=push", None, "Mobile Push Notifications"),
        ("utm_medium=web_push", None, "Mobile Push Notifications"),
        ("utm_source=push", GOOGLE, "Mobile Push Notifications"),
        ("utm_source=web_push&utm_medium=organic", None, "Mobile Push Notifications"),
        # by the medium, whatever the source
        ("utm_medium=organic&utm_source=facebook", None, "Organic Search"),
        ("utm_medium=social", GOOGLE, "Organic Social"),
        ("utm_medium=social-network", None, "Organic Social"),
        ("utm_medium=social-media", CHATGPT, "Organic Social"),
        ("utm_medium=sm", None, "Organic Social"),
        ("utm_medium=video&utm_source=google", None, "Organic Video"),
        # by kinds, of source and referrer
        ("", CHATGPT, "AI Assistants"),
        ("utm_source=chatgpt.com", GOOGLE, "AI Assistants"),
        ("utm_source=google", CHATGPT, "AI Assistants"),
        ("", GOOGLE, "Organic Search"),
        ("utm_source=bing", FACEBOOK, "Organic Search"),
        ("utm_source=nobody", GOOGLE, "Organic Search"),
        ("fbclid=1", GOOGLE, "Organic Search"),
        ("", FACEBOOK, "Organic Social"),
        ("", "https://news.google.com/", "Organic Social"),
        ("fbclid=1", None, "Organic Social"),
        ("igshid=1", YOUTUBE, "Organic Social"),
        ("utm_source=facebook&utm_medium=post", YOUTUBE, "Organic Social"),
        ("", YOUTUBE, "Organic Video"),
        ("utm_source=youtube", MARKET, "Organic Video"),
        ("", MARKET, "Organic Shopping"),
        ("utm_source=shopping+example", None, "Organic Shopping"),
        # the rest
        ("", OTHER, "Referral"),
        ("utm_medium=referral", None, "Referral"),
        ("utm_source=nobody&utm_medium=thing", OTHER, "Referral"),
        ("utm_source=nobody", None, "Unassigned"),
        ("utm_medium=thing", None, "Unassigned"),
        ("utm_campaign=spring", None, "Unassigned"),
        ("utm_term=shoes", None, "Unassigned"),
        ("utm_content=left", None, "Unassigned"),
        ("utm_id=7", None, "Direct"),
        ("", "https://shop.example/before", "Direct"),
        ("", "https://intern.example/", "Direct"),
        ("", "not a host", "Direct"),
        ("", None, "Direct"),
    ],
)
def test_channels(knowledge: Knowledge, query: str, referrer: str | None, channel: str) -> None:
    assert channel_of(origin(knowledge, f"https://shop.example/?{query}", referrer), knowledge) == channel


def test_the_first_event_with_a_page_or_a_referrer_decides(knowledge: Knowledge) -> None:
    columns = ("channel", "utm_source", "utm_campaign", "click_id_type", "referrer_host")
    cases: list[tuple[list[dict[str, Any]], tuple[str | None, ...]]] = [
        # an event without either is no beginning, even with a campaign of its own
        (
            [event(0, utm_source="email"), event(1, url="/?utm_source=google&fbclid=1"), event(2, url="/")],
            ("Organic Search", "google", None, "fbclid", None),
        ),
        # a page without a source decides too
        ([event(0, url="/"), event(1, url="/?gclid=1&utm_campaign=c")], ("Direct", *[None] * 4)),
        (
            [event(0, referrer=GOOGLE), event(1, url="/?gclid=1")],
            ("Organic Search", *[None] * 3, "google.com"),
        ),
        ([event(0, referrer="/own"), event(1, referrer=GOOGLE)], ("Direct", *[None] * 4)),
        ([event(0, utm_source="email")], ("Direct", *[None] * 4)),
        # at one instant the id decides, whatever the order of the records
        (
            [event(0, url="/?utm_source=b", messageId="b"), event(0, url="/?utm_source=a", messageId="a")],
            ("Unassigned", "a", None, None, None),
        ),
    ]
    for records, expected in cases:
        oracle = computed(records, knowledge)
        assert pick(oracle.sessions, *columns) == [expected]
        assert {row["channel"] for row in oracle.events} == {expected[0]}


def test_events_keep_their_own_campaign(knowledge: Knowledge) -> None:
    oracle = computed([event(0, url="/"), event(1, url="/?utm_source=google&gclid=1")], knowledge)
    assert pick(oracle.events, "channel", "utm_source", "click_id_type") == [
        ("Direct", None, None),
        ("Direct", "google", "gclid"),
    ]


# Devices and countries --------------------------------------------------------------------------------------


def test_device_types(knowledge: Knowledge) -> None:
    records = [
        event(0),
        event(1, deviceType="Smart TV"),
        event(2, deviceType="Tablet", userAgent=CHROME),
        event(3, deviceType="mobile"),
    ]
    oracle = computed(records, knowledge)
    assert pick(oracle.events, "device_type") == [(None,), ("smart tv",), ("desktop",), ("mobile",)]
    assert pick(oracle.sessions, "device_type") == [("smart tv",)]


def test_countries(knowledge: Knowledge) -> None:
    spellings = [None, "Atlantis", " GERMANY", "fra", "fr", "DEU"]
    oracle = computed((event(n, country=text) for n, text in enumerate(spellings)), knowledge)
    assert pick(oracle.events, "country") == [(None,), (None,), ("DE",), (None,), ("FR",), ("DE",)]
    assert pick(oracle.sessions, "country") == [("DE",)]
    assert pick(oracle.visitors, "country") == [("DE",)]


# Bots -------------------------------------------------------------------------------------------------------


def spread(count: int, last: float) -> list[dict[str, Any]]:
    """So many events until the last second, each a little later after the one before: no regular pace."""
    times = [last * (n * (n + 1)) / ((count - 1) * count) for n in range(count)]
    return [event(time) for time in times]


def reasons(records: Iterable[dict[str, Any]], knowledge: Knowledge, **settings: int) -> set[str | None]:
    oracle = computed(records, knowledge, **settings)
    assert all(row["is_bot"] == (row["bot_reason"] is not None) for row in oracle.events)
    assert {row["is_bot"] for row in oracle.sessions} == {row["is_bot"] for row in oracle.events}
    return {row["bot_reason"] for row in oracle.events}


def test_one_agent_of_a_bot_makes_the_session_a_bots(knowledge: Knowledge) -> None:
    assert reasons([event(0), event(1, userAgent=GOOGLEBOT)], knowledge) == {"user_agent"}
    assert reasons([event(0), event(1, userAgent=CHROME)], knowledge) == {None}
    # only that session
    assert reasons([event(0), event(9_000, userAgent=GOOGLEBOT)], knowledge) == {"user_agent", None}


@pytest.mark.parametrize(
    ("count", "seconds", "reason"),
    [
        (29, 1, None),
        (30, 1, "event_rate"),
        (30, 6, None),
        (30, 5.999999, "event_rate"),
        (31, 6, "event_rate"),
        (35, 7, None),
        (29, 0, None),
        (30, 0, "event_rate"),
    ],
)
def test_event_rate(knowledge: Knowledge, count: int, seconds: float, reason: str | None) -> None:
    records = [record | {"messageId": str(n)} for n, record in enumerate(spread(count, seconds))]
    assert reasons(records, knowledge) == {reason}


def test_events_at_one_instant_count_as_within_a_second(knowledge: Knowledge) -> None:
    records = [event(0, messageId=str(n)) for n in range(5)]
    assert reasons(records, knowledge, bot_min_events=2, bot_events_per_second=5) == {None}
    assert reasons(records, knowledge, bot_min_events=2, bot_events_per_second=4) == {"event_rate"}


@pytest.mark.parametrize(
    ("gaps", "reason"),
    [
        ([1.0] * 20, "regular_pace"),
        ([1.0] * 19, None),
        ([1.0] * 19 + [1.02], "regular_pace"),
        ([1.0] * 19 + [1.020001], None),
        ([0.98] + [1.0] * 20, "regular_pace"),
        ([0.979999] + [1.0] * 20, None),
        ([0.01] * 19 + [0.0], None),
        ([600.0] * 20, "regular_pace"),
    ],
)
def test_regular_pace(knowledge: Knowledge, gaps: list[float], reason: str | None) -> None:
    microseconds = [0]
    for gap in gaps:
        microseconds.append(microseconds[-1] + round(gap * 1_000_000))
    records = [event(at / 1_000_000, messageId=str(n)) for n, at in enumerate(microseconds)]
    assert reasons(records, knowledge) == {reason}


@pytest.mark.parametrize(
    ("count", "seconds", "reason"),
    [
        (1001, 12 * 3600 + 0.000001, "endless"),
        (1000, 12 * 3600 + 0.000001, None),
        (1001, 12 * 3600, None),
    ],
)
def test_endless(knowledge: Knowledge, count: int, seconds: float, reason: str | None) -> None:
    assert reasons(spread(count, seconds), knowledge) == {reason}


def test_the_first_reason_counts(knowledge: Knowledge) -> None:
    fast = [event(n / 10) for n in range(40)]
    assert reasons(fast, knowledge) == {"event_rate"}
    assert reasons([*fast, event(5, userAgent=GOOGLEBOT)], knowledge) == {"user_agent"}
    endless = [event(n * 60) for n in range(1001)]
    assert reasons(endless, knowledge) == {"regular_pace"}
    assert reasons([*endless, event(60_090)], knowledge) == {"endless"}


def test_marts_leave_bots_out(knowledge: Knowledge) -> None:
    sold = {"productId": "p", "category": "c", "price": 5, "quantity": 1}
    oracle = computed(
        [
            track("purchase", 0, "robot", userAgent=GOOGLEBOT, **sold),
            track("product_view", 1, "robot", **sold),
            track("Unheard Of", 2, "robot"),
            track("purchase", 0, "human", **(sold | {"price": 7})),
            track("product_view", 1, "human", **sold),
        ],
        knowledge,
    )
    assert pick(oracle.event_products, "visitor_id", "is_bot") == [
        ("robot", True), ("robot", True), ("human", False), ("human", False),
    ]  # fmt: skip
    assert pick(oracle.conversion_funnel, "views", "purchases") == [(1, 1)]
    assert pick(oracle.hourly_revenue, "total_revenue", "transaction_count") == [(Decimal("7.00"), 1)]
    assert pick(oracle.top_products, "view_count") == [(1,)]
    assert pick(oracle.category_performance, "event_count") == [(2,)]
    assert pick(oracle.user_activity, "unique_users", "unique_sessions") == [(1, 1)]
    assert oracle.unknown_events == []
    # facts and dimensions keep them
    assert pick(oracle.visitors, "visitor_id", "session_count", "lifetime_revenue") == [
        ("human", 1, Decimal("7.00")),
        ("robot", 1, Decimal("5.00")),
    ]


def test_unknown_events(knowledge: Knowledge) -> None:
    records = [track("Door Opened", 5), track("Door Opened", 1, "w"), track("door_opened", 2), event(3)]
    columns = ("event_type", "event_name", "first_seen_at", "last_seen_at", "event_count")
    assert pick(computed(records, knowledge).unknown_events, *columns) == [
        ("track", "Door Opened", moment(1), moment(5), 2),
        ("track", "door_opened", moment(2), moment(2), 1),
    ]


# Quality ----------------------------------------------------------------------------------------------------

GOOD = {"messageId": "m", "userAgent": CHROME, "sessionId": "s", "url": "/"}


def quality(knowledge: Knowledge, record: dict[str, Any], **columns: Any) -> tuple[str, str]:
    found = quality_of(read_event(raw(record, **columns)), knowledge.rules)
    return str(found.score), found.failed_rules


def test_rules_for_all_events(knowledge: Knowledge) -> None:
    assert quality(knowledge, track("scroll", **GOOD)) == ("1.0000", "")
    without = {key: value for key, value in GOOD.items() if key != "messageId"}
    assert quality(knowledge, track("scroll", **without)) == ("0.8571", "has_own_id")
    assert quality(knowledge, track("scroll")) == ("0.5714", "has_own_id,has_user_agent,has_source_session")
    assert quality(knowledge, track("scroll", **GOOD) | {"timestamp": ""}) == ("0.7143", "has_own_time")
    assert quality(knowledge, track("Unheard Of", **GOOD)) == ("1.0000", "")
    # seven of eight, and halves up: 0.875
    assert quality(knowledge, event(**GOOD | {"url": None})) == ("0.8750", "has_page")


@pytest.mark.parametrize(
    ("offset", "failed"),
    [
        (timedelta(minutes=5), ""),
        (timedelta(minutes=5, microseconds=1), "time_is_plausible"),
        (timedelta(hours=-72), ""),
        (timedelta(hours=-72, microseconds=-1), "arrived_in_time"),
    ],
)
def test_times_of_arrival(knowledge: Knowledge, offset: timedelta, failed: str) -> None:
    record = track("scroll", **GOOD) | {"timestamp": (MODIFIED + offset).isoformat()}
    assert quality(knowledge, record)[1] == failed


@pytest.mark.parametrize(
    ("record", "failed"),
    [
        (event(**GOOD | {"url": None}), "has_page"),
        (track("product_list_view", **GOOD | {"url": None}), "has_page"),
        (track("product_view", **GOOD | {"url": None, "productId": "p"}), "has_page"),
        (track("product_view", **GOOD), "has_product"),
        (track("product_view", **GOOD | {"price": 1}), "has_product"),
        (event(**GOOD | {"url": None, "spaceId": "s"}), "has_page"),
        (track("space_view", **GOOD), "has_space"),
        (track("room_view", **GOOD), "has_space,has_coordinates"),
        (track("room_view", **GOOD | {"spaceId": "s", "coordinates": {"pitch": 0, "yaw": 0}}), ""),
        (
            track("room_view", **GOOD | {"spaceId": "s", "coordinates": {"pitch": 0, "yaw": "x"}}),
            "has_coordinates",
        ),
        (
            track("room_view", **GOOD | {"spaceId": "s", "coordinates": {"pitch": 0, "hfov": 9}}),
            "has_coordinates",
        ),
        (track("room_view", **GOOD | {"spaceId": "s", "coordinates": {"yaw": 0}}), "has_coordinates"),
        (track("add_to_cart", **GOOD), "has_product,has_quantity"),
        (track("add_to_cart", **GOOD | {"productId": "p"}), "has_quantity"),
        (track("add_to_cart", **GOOD | {"productId": "p", "quantity": 0}), "has_quantity"),
        (track("add_to_cart", **GOOD | {"productId": "p", "quantity": 1}), ""),
        (track("remove_from_cart", **GOOD), "has_product"),
        (track("remove_from_cart", **GOOD | {"productId": "p"}), ""),
        (track("purchase", **GOOD), "has_product,has_price,has_quantity"),
        (track("purchase", **GOOD | {"productId": "p", "price": 0, "quantity": 1}), "has_price"),
        (
            track("purchase", **GOOD | {"productId": "p", "price": -1, "quantity": -1}),
            "has_price,has_quantity",
        ),
        (track("purchase", **GOOD | {"products": [{"id": "p", "price": "0.01"}]}), ""),
        (track("purchase", **GOOD | {"products": [{"id": "p", "price": 1}, {"price": 2}]}), ""),
        (
            track("purchase", **GOOD | {"products": [{"id": "p", "price": 1}, {"id": "q", "quantity": 1}]}),
            "has_price",
        ),
        (
            track("purchase", **GOOD | {"products": [{"price": 1}, {"price": 2, "quantity": 0}]}),
            "has_product,has_quantity",
        ),
    ],
)
def test_rules_for_actions(knowledge: Knowledge, record: dict[str, Any], failed: str) -> None:
    assert quality(knowledge, record)[1] == failed


def test_scores_are_weights(knowledge: Knowledge) -> None:
    # 7 for all events, 5 for a purchase, of which 2 + 2 + 1 fail
    assert quality(knowledge, track("purchase", **GOOD))[0] == "0.5833"
    # 7 and 3, of which all of a room's fail
    assert quality(knowledge, track("room_view", **GOOD))[0] == "0.7000"
    oracle = computed([track("purchase", **GOOD)], knowledge)
    assert pick(oracle.events, "data_quality_score", "failed_rules") == [
        (Decimal("0.5833"), "has_product,has_price,has_quantity")
    ]


def test_without_rules_there_is_no_score(tmp_path: Path) -> None:
    empty = knowledge_in(tmp_path, quality_rules="priority,rule,event_action,weight,description\n")
    found = quality_of(read_event(raw(event())), empty.rules)
    assert (found.score, found.failed_rules) == (None, "")


# Goals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "goal", "value"),
    [
        (track("purchase", productId="p", price=10, quantity=2), "purchase", "20.00"),
        (track("purchase"), "purchase", "0.00"),
        # the first of the seed, by priority: a purchase on a page of another goal stays a purchase
        (track("purchase", url="/contact", revenue=4), "purchase", "4.00"),
        (event(0, "v", "lead"), "lead", None),
        (event(0, "v", "lead", "Request Info"), "brochure", "12.50"),
        (event(0, "v", "lead", "request info"), "lead", None),
        (event(url="https://shop.example/thanks/you?x"), "thanks", "0.00"),
        (event(url="/thank"), None, None),
        (event(url="/x/thanks"), None, None),
        (event(), None, None),
        (track("scroll", url="/thanks"), None, None),
        (track("Unheard Of", url="/contact"), "contact", "3.00"),
    ],
)
def test_goals(knowledge: Knowledge, record: dict[str, Any], goal: str | None, value: str | None) -> None:
    oracle = computed([record], knowledge)
    expected = None if value is None else Decimal(value)
    assert pick(oracle.events, "conversion_goal", "conversion_value") == [(goal, expected)]
    assert pick(oracle.sessions, "is_converted") == [(goal is not None,)]


# Sessions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "tier"),
    [
        ([0], "bounce"),
        ([0, 59.999999], "low"),
        ([0, 60], "medium"),
        ([0, 599.999999], "medium"),
        ([0, 600], "high"),
        ([0, 1, 2, 3], "low"),
        ([0, 1, 2, 3, 5], "medium"),
        ([n * n / 100 for n in range(19)], "medium"),
        ([n * n / 100 for n in range(20)], "high"),
    ],
)
def test_engagement_tiers(knowledge: Knowledge, times: list[float], tier: str) -> None:
    session = only_session([event(time) for time in times], knowledge)
    assert (session["engagement_tier"], session["is_bounce"]) == (tier, len(times) == 1)


@pytest.mark.parametrize(
    ("records", "journey"),
    [
        ([event(url="/")], "browse"),
        ([event(0, spaceId="s"), event(1)], "tour"),
        ([event(0, roomId="r")], "browse"),
        ([event(0, productId="p")], "shop"),
        ([track("purchase", products=[{"sku": "p"}])], "shop"),
        ([track("purchase", products=[{"price": 1}], productId="p")], "browse"),
        ([event(0, price=5, category="c")], "browse"),
        ([event(0, spaceId="s"), event(1, productId="p")], "tour_and_shop"),
    ],
)
def test_journey_types(knowledge: Knowledge, records: list[dict[str, Any]], journey: str) -> None:
    assert only_session(records, knowledge)["journey_type"] == journey


@pytest.mark.parametrize(
    ("records", "is_engaged"),
    [
        ([event(0)], False),
        ([event(0), event(1)], True),
        ([event(0), track("scroll", 1)], False),
        ([event(0, spaceId="s"), event(1, "v", "screen")], True),
        ([event(0, spaceId="s", roomId="r"), event(1)], False),
        ([track("scroll", 0), track("scroll", 9.999999)], False),
        ([track("scroll", 0), track("scroll", 10)], True),
        ([event(0, "v", "lead")], True),
    ],
)
def test_engaged_sessions(knowledge: Knowledge, records: list[dict[str, Any]], is_engaged: bool) -> None:
    assert only_session(records, knowledge)["is_engaged"] == is_engaged


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        ([0], "0.00"),
        ([0, 60], "60.00"),
        ([0, 59.99], "59.99"),
        ([0, 60.01], "60.00"),
        ([0, 100, 130.5, 1000], "150.50"),
        ([0, 0.004], "0.00"),
        ([0, 0.005], "0.01"),
        # rounded once: not gap by gap
        ([0, 0.004, 0.008], "0.01"),
    ],
)
def test_engaged_seconds(knowledge: Knowledge, times: list[float], seconds: str) -> None:
    records = [event(time) for time in times]
    assert only_session(records, knowledge)["engaged_seconds"] == Decimal(seconds)


def test_the_gap_that_counts_is_a_setting(knowledge: Knowledge) -> None:
    session = only_session([event(0), event(90)], knowledge, engaged_gap_seconds=75)
    assert session["engaged_seconds"] == Decimal("75.00")


def test_sums_and_counts_of_a_session(knowledge: Knowledge) -> None:
    records = [
        track("Unheard Of", 0),
        track("search", 1, url="/find?q=1"),
        event(2, url="/p"),
        track("purchase", 3, productId="p", price="0.10", quantity=3),
        track("purchase", 4.9, products=[{"sku": "a", "price": 2}, {"sku": "b", "price": 1, "quantity": 2}]),
        track("refund", 5.9, revenue=100, url="/done#x"),
    ]
    columns = ("revenue", "purchase_count", "search_count", "page_view_count", "event_count")
    columns += ("first_event_action", "last_event_action", "entry_page", "exit_page", "duration_seconds")
    session = only_session(records, knowledge)
    assert pick([session], *columns) == [(Decimal("4.30"), 2, 1, 1, 6, None, "refund", "/find", "/done", 5)]
    assert only_session([event()], knowledge)["revenue"] == Decimal("0.00")


# Visitors and persons ---------------------------------------------------------------------------------------

HOUR = 3600


def test_visitors(knowledge: Knowledge) -> None:
    records = [
        event(0, referrer=GOOGLE, userAgent=GOOGLEBOT),
        track("purchase", 2 * HOUR, productId="p", price=3, quantity=1, url="/?gclid=1", country="fr"),
        track("purchase", 4 * HOUR, productId="p", price=4, quantity=1, country="de", deviceType="tv"),
        event(0, "w", deviceType=" "),
        event(2 * HOUR, "w"),
        event(2 * HOUR + 1, "w", deviceType="TV"),
    ]
    columns = ("visitor_id", "first_channel", "first_device_type", "country", "lifetime_revenue")
    columns += ("session_count",)
    oracle = computed(records, knowledge)
    # bots included
    assert pick(oracle.visitors, *columns) == [
        ("v", "Organic Search", "bot", "FR", Decimal("7.00"), 3),
        ("w", "Direct", "tv", None, Decimal("0.00"), 2),
    ]


def test_persons(knowledge: Knowledge) -> None:
    sold = {"productId": "p", "price": 5, "quantity": 1}
    records = [
        # anna's telephone: the first session is nobody's, the last of its visitor's users claims it
        event(0, "phone", deviceType="mobile"),
        track("purchase", 2 * HOUR, "phone", userId="anna", deviceType="mobile", country="fr", **sold),
        # her computer, where ben was logged in before her
        event(1 * HOUR, "desk", userId="ben", deviceType="desktop", country="de"),
        track("sign_up", 3 * HOUR, "desk", userId="anna", deviceType="desktop"),
        track("sign_up", 30 * HOUR, "desk", userId="anna", deviceType="desktop", **sold),
        # nobody ever logged in
        track("sign_up", 0, "alone"),
        track("purchase", 26 * HOUR, "alone", **sold),
    ]
    columns = (
        "person_id",
        "country",
        "signup_date",
        "device_preferences",
        "session_count",
        "lifetime_revenue",
    )
    oracle = computed(records, knowledge)
    assert pick(oracle.dim_users, *columns) == [
        ("alone", None, date(2024, 1, 10), None, 2, Decimal("5.00")),
        ("anna", "FR", date(2024, 1, 10), "desktop", 4, Decimal("5.00")),
        ("ben", "DE", None, "desktop", 1, Decimal("0.00")),
    ]
    assert pick(oracle.dim_users, "first_seen", "last_seen") == [
        (moment(0), moment(26 * HOUR)),
        (moment(0), moment(30 * HOUR)),
        (moment(HOUR), moment(HOUR)),
    ]


@pytest.mark.parametrize(
    ("devices", "preferred"),
    [
        (["tv", "mobile"], "mobile"),
        (["tv", "mobile", "tv"], "tv"),
        (["tv", None, None], "tv"),
        ([None], None),
    ],
)
def test_the_device_of_most_sessions(
    knowledge: Knowledge, devices: list[str | None], preferred: str | None
) -> None:
    records = [event(n * HOUR, deviceType=device) for n, device in enumerate(devices)]
    assert pick(computed(records, knowledge).dim_users, "device_preferences") == [(preferred,)]


def test_a_users_session_counts_for_the_last_user_in_it(knowledge: Knowledge) -> None:
    records = [event(0, userId="a"), event(1, userId="b"), event(2), event(2 * HOUR, userId="a")]
    oracle = computed(records, knowledge)
    assert pick(oracle.dim_users, "person_id", "session_count") == [("a", 1), ("b", 1)]
    assert pick(oracle.visitors, "person_id") == [("a",)]


# Lines ------------------------------------------------------------------------------------------------------


def test_lines_have_a_name(knowledge: Knowledge) -> None:
    records = [track("purchase", products=[{"sku": "a", "item_name": "Chair"}, {"name": "Lamp"}])]
    columns = ("line_number", "product_id", "name", "event_action", "is_bot")
    assert pick(computed(records, knowledge).event_products, *columns) == [
        (0, "a", "Chair", "purchase", False),
        (1, None, "Lamp", "purchase", False),
    ]


# Seeds ------------------------------------------------------------------------------------------------------


def test_seeds(knowledge: Knowledge) -> None:
    assert knowledge.goals[0] == Goal("purchase", "purchase", None, None, None)
    assert [goal.name for goal in knowledge.goals] == ["purchase", "brochure", "lead", "thanks", "contact"]
    assert [rule.name for rule in knowledge.rules[:3]] == ["has_own_id", "has_own_time", "time_is_plausible"]


@pytest.mark.parametrize(
    "hosts",
    ["google.com,google,search\ngoogle.com,google,social\n", "a.com,google,search\nb.com,google,video\n"],
)
def test_a_source_of_two_kinds_is_refused(tmp_path: Path, hosts: str) -> None:
    with pytest.raises(ValueError, match="both search and"):
        knowledge_in(tmp_path, referrer_sources=f"host,source,source_kind\n{hosts}")


def test_the_projects_seeds_can_be_read() -> None:
    seeds = knowledge_of()
    assert {"purchase", "lead"} <= {goal.event_action for goal in seeds.goals}
    record = track("purchase", **GOOD, productId="p", price=1, quantity=1)
    assert quality(seeds, record) == ("1.0000", ""), "only rules that are known here"
    assert {rule.name for rule in seeds.rules} == PASSES.keys()
