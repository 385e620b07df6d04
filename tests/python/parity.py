"""Records on which JSON readers, casts and regular expressions of two engines could disagree."""

from __future__ import annotations

import base64
import json
import os
import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from agent_lists import ODD
from pyiceberg.catalog import Catalog

from loaders.catalog import RAW_NAMESPACE
from loaders.ledger import LEDGER

MODIFIED_AT = datetime(2026, 1, 10, tzinfo=UTC)

# As they stand in the JSON text.
VALUES = r"""
5e-324 -5e-324 1e-323 4.9E-324
1.50 1e2 1E400 -1E400 1E+5 0.1e1 100000000.0 9999999.0 0.0001 0.001 -0 -0.0 0e5 1E-400 5e15 -7 007 +5 .5 5.
12345678901234567890 123456789012345678901234567890.5 123456789012345678901234567890 -12345678901234567890
18446744073709551615 18446744073709551616 -9223372036854775808 -9223372036854775809 100000000000000000000000
1.5e-5 1.5e-6 1.25e-7 -1.25e-6 1e20 1.5e20 1e21 -9.87654321e20 12345678.9 -123456789.123 9007199254740993
9223372036854775807 9223372036854775808 0.005 -0.005 2.675 1.005 99999999999999999.99 9999999999999999.994
9999999999999999.995 2.2250738585072014E-308 1.7976931348623157e308 1e22 2e23 123456789.123456789 true false
null NaN Infinity -Infinity {} [] [1] [[]] {"a":1} ["7"] {"$numberLong":"7"} {"price":7} "1,5" "7" "1.50"
"1e2" "1E2" "1e400" "NaN" "Infinity" "+5" "-5" "5." ".5" "0x10" "1_000" "007" "" "null" "true" "\t7" "7\n"
"\r7\r" "\u00a07" "\u30007" "7\u0000" "\uff17" "\u0667" "1e15" "99999999999999999999" "0.0000000001" "{}"
"[]" "{\"a\":1}" "\\" "\"" "\/" "\b\f\n\r\t" "\u0000" "\u001f\u001F" "\u007f\u0080\u0085\u009f"
"\u2028\u2029" "\ufeff" "\ufffd\uffff\ue000" "\u00e9" "\ud83d\ude00" "\uD83D\uDE00" "é" "e\u0301" "日本" "😀"
"\ud83d\ude00é\u00e9" "\ud800" "\udc00" "\ude00\ud83d" "\ud83d\ud83d\ude00" "\\ud800" "\\\ud83d\ude00"
"\\\\\ud800" "ud800" "?" "a?b#c" "https://h.example" "https://h.example?q" "//h/p" "/a\nb?c" "/a?b\nc"
"/a\rb?c\r" "/a?b\u2028c#" "HTTP://x/ä b"
"""

TIMES = r"""
"2026-01-02" "2026-01-02T10:00" "2026-01-02 10:00" "2026-01-02T10:00Z" "2026-01-02 10:00 Z"
"2026-01-02T10:00:00" "2026-01-02T10:00:00Z" "2026-01-02T10:00:00 Z" "2026-01-02t10:00:00z"
"2026-01-02T10:00:00.1Z" "2026-01-02T10:00:00.12" "2026-01-02T10:00:00.123" "2026-01-02T10:00:00.1234Z"
"2026-01-02T10:00:00.12345+00:00" "2026-01-02T10:00:00.123456Z" "2026-01-02T10:00:00.1234567Z"
"2026-01-02T10:00:00.12345678Z" "2026-01-02T10:00:00.123456789Z" "2026-01-02T23:59:59.9999999Z"
"2026-01-02T10:00:00.9999995 +02:00" "2026-01-02T10:00:00+02:00" "2026-01-02T10:00:00-0230"
"2026-01-02T10:00:00+05" "2026-01-02T10:00:00 -05:30" "2026-01-02T10:00+14:00" "2026-01-02T10:00:00+99:99"
"2026-01-02T00:30:00+01:00" "2026-01-02T24:00:00Z" "2026-01-02T23:60:00Z" "2026-01-02T10:00:60Z"
"2026-02-30" "2026-02-29" "2024-02-29T12:00:00Z" "2026-13-01" "2026-1-2" "20260102" "2026-01-02T"
"2026-01-02T10" "2026-01-02T10:00:00." "soon" "0000-01-01" "0001-01-01" "1969-12-31T23:59:59.999999Z"
"1970-01-01" "1999-12-31T23:59:59.999999Z" "2000-01-01T00:00:00Z" "1999-12-31T23:30:00-01:00"
"9999-12-31T23:59:59.9999999Z" "2026-01-11T00:00:00Z" "2026-01-11T00:00:00.000001Z" " 2026-01-02"
"2026-01-02 " "2026-01-02T10:00:00Z\n" "2026-01-02\n" "１026-01-02" "" " " "\t" "\u00a0" 1767322445
1767322445.5 1767322445.123456 1767322445.1234565 1767322445.1234575 "1767322445" "1767322445.25"
" 1767322445" 1767322445123 1767322445123.456 "1767322445123.4567" 1.767322445e9 "1.767322445E9"
1.767322445123E12 "1767322445123e0" 99999999999 99999999999.9999999 100000000000 946684799 946684799.999999
946684800 -1 -1.5 "-0.000001" 0 "0" -62135596800 -62135596801 253402300799 253402300799999 253402300800000
9999999999999999 99999999999999999 "9999999999999999e15" "9999999999999999e16" "9999999999999999e99" "1e10"
"1e-3" "1e5" "-1e12" "-9e15" 1e15 1e16 1E400 true null {} [] {"$date":"2026-01-02T10:00:00Z"}
{"$date":1767322445123} {"$date":{"$numberLong":"1767322445123"}} {"$date":{"$numberLong":1767322445123}}
{"$date":{}} {"$date":null} {"$date":""} {"$date":"2026-01-02T10:00:00.5+01:00"}
"""

# Whole records. Those without an id of their own are known by the hash of their canonical form.
RECORDS = r"""
{"type":"page","anonymousId":"r1","x":{"z":1,"y":[{"b":1,"a":2}],"y":[{"d":1,"c":2.50}]}}
{"anonymousId":"r1","x":{"y":[{"c":2.5,"d":1}],"z":1},"type":"page"}
{"type":"a","type":"page","anonymousId":"r2","anonymousId":"r3"}
{"Type":"page","type":"view","ANONYMOUSID":"r4","anonymousId":"r5","anonymousid":"r6"}
{"type":"page","anonymousId":"r7","properties":{"URL":"/a","url":"/b","Url":"/c"}}
{"Type":"page","anonymousId":"r8"}
{"type":"page","anonymousId":{"id":"r9"},"userId":["u"]}
{"type":"page","anonymousId":"","userId":" "}
{"type":"page","anonymousId":"\t\n","userId":"u10"}
{"type":"page","anonymousId":12,"userId":3.50}
{"type":"page","anonymousId":true,"userId":null}
{"type":"page","anonymousId":"r11","messageId":"","event_id":" ","click_id":"\u00a0"}
{"type":"page","anonymousId":"r11","messageId":{},"event_id":[],"click_id":7.0}
{"type":"page","anonymousId":"r12","\ud83d\ude00":1,"\uffff":2,"\ue000":3,"z":4,"é":5,"e":6}
{"type":"page","anonymousId":"r12","":1,"a b":2,"a.b":3,"a\"b":4,"$":5,"\u0000":6}
{"type":"page","anonymousId":"r13","x":"\ud800","x":1}
{"type":"page","anonymousId":"r13","\udc00":1}
{"type":"page","anonymousId":"r14","x":1E400,"x":1}
{"type":"page","anonymousId":"r14","x":"1E400 9e999 \" 1E400","y":[1e300,1e-999]}
{"type":"page","anonymousId":"r15","x":NaN}
{"type":"page","anonymousId":"r15"} trailing
{"type":"page","anonymousId":"r15"},
{"type":"page","anonymousId":"r15",}
{"type":"page","anonymousId":"r16","properties":{"coordinates":{"pitch":1.5,"yaw":-0,"hfov":"1e2"}}}
{"type":"page","anonymousId":"r16","properties":{"coordinates":{"pitch":"x"}}}
{"type":"page","anonymousId":"r16","properties":{"coordinates":[1,2]}}
{"type":"page","anonymousId":"r16","properties":[]}
{"type":"page","anonymousId":"r16","properties":null}
{"type":{},"anonymousId":"r17"}
{"type":[],"anonymousId":"r17"}
{"type":null,"anonymousId":"r17"}
{"type":"","anonymousId":"r17"}
{"type":0,"anonymousId":"r17"}
{"eventData":{"type":"page","userId":"u1"},"_id":{"$oid":"o1"},"metadata":{"anonymousId":"r18"}}
{"eventData":{"type":"page"},"_id":"o2","metadata":{"anonymousId":"r18"},"eventTimestamp":{"$date":"2026-01-02T00:00:00Z"}}
{"eventData":[],"type":"page","anonymousId":"r18"}
{"eventData":"text","event_type":"view","user_id":"r18"}
{"eventData":null,"action":"view","user_id":"r18"}
{"event_type":"purchase","user_id":"r19","price":"19.995","quantity":"3","page_url":null}
{"event_type":"purchase","user_id":"r19","price":9999999999999999.99,"quantity":9223372036854775807,"timestamp":"2026-01-03"}
{"event_type":"purchase","user_id":"r19","price":1e15,"quantity":11,"timestamp":"2026-01-03T01:00:00Z"}
{"event_type":"purchase","user_id":"r19","price":-5.5,"quantity":2,"customer_id":0}
{"event_type":"purchase","user_id":"r19","price":10,"quantity":2.0,"metadata":{"price":1.25,"quantity":"4"}}
{"event_type":"purchase","customer_id":"r20","page":"/buy?x#y","device":{}}
{}
[]
[{}]
"text"
null
12
{"a":1}
{"data":"text"}
{"data":""}
{"data":null,"kinesis":{"data":null}}
{"kinesis":{"data":{"data":"e30="}}}
{"kinesis":[]}
{ "type" : "page" , "anonymousId" : "r21" , "x" : [ ] }
"""

BASE64_TEXTS = [
    "",
    "=",
    "====",
    "QQ==",
    "QQ=",
    "QQ",
    "gICA",
    "7aCA",
    "77+9",
    "AAAA",
    "QU-_",
    "Q Q=",
    " e30=",
    "\\te30=\\t",
    "e30=\\u00a0",
    "e30=e30=",
    "e30=abcd",
    "e30== =",
    "e30=\\n",
    "e30=}",
]


def nasty_events() -> list[bytes]:
    """Every value at every kind of field, every time, every record, and envelopes around some of them."""
    lines = [record.encode() for record in RECORDS.strip().split("\n")]
    for number, value in enumerate(_words(VALUES)):
        lines.append(
            f'{{"type":"purchase","anonymousId":"v{number % 9}",'
            f'"timestamp":"2026-01-02T0{number % 9}:00:00Z","properties":{{'
            f'"price":{value},"quantity":{value},"url":{value},"category":{value},'
            f'"coordinates":{{"pitch":{value},"yaw":1}}}}}}'.encode()
        )
        lines.append(
            f'{{"event_type":"view","user_id":{value},"event_id":{value},"product_id":{value}}}'.encode()
        )
    for number, value in enumerate(_words(TIMES)):
        lines.append(f'{{"type":"page","anonymousId":"t{number % 5}","timestamp":{value}}}'.encode())
        lines.append(f'{{"action":"view","user_id":"t{number % 5}","event_timestamp":{value}}}'.encode())
    for text in BASE64_TEXTS:
        lines += [f'{{"data":"{text}"}}'.encode(), text.encode(), f'"{text}"'.encode()]
    for number, line in enumerate(lines[:40]):
        inner = base64.b64encode(line).decode()
        lines.append(json.dumps({"kinesis": {"data": inner}} if number % 2 else {"data": inner}).encode())
        lines += [inner.encode(), inner.rstrip("=").encode()]
    for depth in (3, 200, 250, 252, 254, 256, 300, 5_000):
        opened, closed = b'{"a":[' * (depth // 2), b"]}" * (depth // 2)
        lines.append(b'{"type":"page","anonymousId":"deep","x":' + opened + b"1" + closed + b"}")
    for number, agent in enumerate(ODD):
        lines.append(
            json.dumps({"type": "page", "anonymousId": f"u{number % 5}", "userAgent": agent}).encode()
        )
    many = b",".join([b"{}", b"[]"] * 300)
    lines.append(b'{"type":"page","anonymousId":"wide","x":"[[[{{{\\"","y":[' + many + b"]}")
    lines.append(b'{"type":"page","anonymousId":"bytes \xff"}')
    return lines


def nasty_products() -> list[bytes]:
    """Every value as each field of a product."""
    return [
        f'{{"product_id":"n{number}","name":{value},"price":{value},"stock":{value},"updated_at":{value}}}'.encode()
        for number, value in enumerate([*_words(VALUES), *_words(TIMES)])
    ]


def append_unit_test_records(catalog: Catalog, manifest: Path) -> int:
    """Load the records that the unit tests of staging give, as one batch.

    DuckDB's unit tests say what is right for them. An engine that has the same rows is right, too; to run
    these tests takes Trino ten seconds each, for planning.

    Args:
        catalog: of the raw tables.
        manifest: dbt's.

    Returns:
        How many records.
    """
    batch = {"batch_id": "unit-tests", "loaded_at": datetime.now(UTC).replace(microsecond=0, tzinfo=None)}
    rows, objects = [], defaultdict(list)
    for test in json.loads(manifest.read_text())["unit_tests"].values():
        given = [one["rows"] for one in test["given"] if one["input"] == "source('raw', 'web_events')"]
        for row in given[0] if test["model"] == "stg_web_events" else []:
            at = datetime.fromisoformat(row["source_modified_at"])
            place = {"source": "firehose", "source_uri": f"s3://unit-tests/{test['name']}/{at:%Y%m%dT%H%M%S}"}
            version = {**place, "source_etag": "1", "source_modified_at": at, **batch}
            text = {name: row.get(name) for name in ("payload", "payload_encoding", "parse_error")}
            rows.append({**text, "source_position": row["source_position"], **version})
            objects[place["source_uri"]].append(version)
    ledger = [
        {**versions[0], "dataset": "web_events", "record_count": len(versions), "malformed_count": 0}
        for versions in objects.values()
    ]
    for name, added in (("web_events", rows), (LEDGER, ledger)):
        table = catalog.load_table((RAW_NAMESPACE, name))
        table.append(pa.Table.from_pylist(added, schema=table.schema().as_arrow()))
    return len(rows)


def write_object(path: Path, lines: list[bytes], modified_at: datetime = MODIFIED_AT) -> None:
    """Write one object of the landing zone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\n".join(line for line in lines if line.strip()) + b"\n")
    os.utime(path, (modified_at.timestamp(), modified_at.timestamp()))


def _words(text: str) -> list[str]:
    """Words between white space; white space in strings belongs to them."""
    return re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^\s"])+', text)
