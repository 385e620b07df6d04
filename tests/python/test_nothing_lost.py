"""Every byte of every object ends up in a raw row, or in an error that names the object: dirt by dirt."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from pyiceberg.catalog import Catalog, load_catalog

from loaders import loading
from loaders.lakehouse.settings import PROJECT_ROOT
from loaders.lakehouse.store import Store
from loaders.objects import list_objects
from loaders.records import KEPT_OF_LONGER, LONGEST_RECORD
from loaders.summary import Summary

Expected = list[tuple[str, str | None]]
"""Payloads (base64 where they are no UTF-8) and parse errors, in order."""

INVALID = base64.b64encode(b'{"a":"\xff\xfe"}').decode()
DEPTH_LIMIT = "invalid JSON: depth limit exceeded"
DEEP = '{"a":' + "[" * 2000 + "]" * 2000 + "}"
MONGO = '{"_id":{"$oid":"65a0"},"at":{"$date":"2026-01-05T10:00:00Z"},"n":{"$numberLong":"5"}}'
MONGO_PRETTY = '{\n  "_id": {\n    "$oid": "65a1"\n  },\n  "tags": [\n    "{",\n    "}{"\n  ]\n}'

FRAGMENTS = '{"t":{"type":"track","userId":"u-9"},"list": [{"type":"page"} , {"type":"page"}],"cut":"a'

# Name of the object, its bytes, the rows that it must become.
OBJECTS: tuple[tuple[str, bytes, Expected], ...] = (
    ("invalid-utf8.json", b'{"a":"\xff\xfe"}\n{"b":1}\n', [(INVALID, "invalid UTF-8"), ('{"b":1}', None)]),
    (
        "nul.json",
        b'\0\0\0{"a":"\\u0000"}\n{"a":"\x00"}\n\0\0\nx\x00\n\0\0\0',
        [
            ('{"a":"\\u0000"}', None),
            ('{"a":"\x00"}', "invalid JSON: unexpected control character in string"),
            ("x\x00", "invalid JSON: unexpected character, expected a JSON value"),
        ],
    ),
    ("crlf.json", b'{"a":1}\r\n{"a":"\\r\\n"}\r\n', [('{"a":1}', None), ('{"a":"\\r\\n"}', None)]),
    (
        "deep.json",
        f'{DEEP}\n{{"b":1}}\n'.encode(),
        [(DEEP, DEPTH_LIMIT), ('{"b":1}', None)],
    ),
    ("duplicate-keys.json", b'{"a":1,"a":2}', [('{"a":1,"a":2}', None)]),
    (
        "nan.json",
        b'{"a":NaN}\n{"a":-Infinity}\n{"a":1e999}\n',
        [
            ('{"a":NaN}', "invalid JSON: unexpected character, expected a JSON value"),
            ('{"a":-Infinity}', "invalid JSON: no digit after sign"),
            ('{"a":1e999}', "a number is out of range"),
        ],
    ),
    ("bom.json", b'\xef\xbb\xbf{"a":1}\n{"b":2}\n', [('{"a":1}', None), ('{"b":2}', None)]),
    ("boms.json", b'\xef\xbb\xbf{"a":1}\n\xef\xbb\xbf{"b":2}\n', [('{"a":1}', None), ('{"b":2}', None)]),
    (
        "rfc7464.json",
        b'\x1e{"a":1}\n\x1e{"b":\x1e{"c":3}\n',
        [('{"a":1}', None), ('{"b":', "invalid JSON: unexpected end of data"), ('{"c":3}', None)],
    ),
    (
        "fragments",
        FRAGMENTS.encode() + b'{"a":1}{"b":"\xff"}{"c":1}',
        [
            (FRAGMENTS, "invalid JSON: unexpected end of data"),
            ('{"a":1}', None),
            (base64.b64encode(b'{"b":"\xff"}').decode(), "invalid UTF-8"),
            ('{"c":1}', None),
        ],
    ),
    (
        "utf16-le.json",
        '\ufeff{"a":"é𝛑"}\n{"b":2}'.encode("utf-16-le"),
        [('{"a":"é𝛑"}', None), ('{"b":2}', None)],
    ),
    ("utf16-be.json", '\ufeff{"a":"é"}\r\n'.encode("utf-16-be"), [('{"a":"é"}', None)]),
    ("empty-lines.json", b'\n\n{"a":1}\n \t\n\r\n{"b":2}\n\n', [('{"a":1}', None), ('{"b":2}', None)]),
    (
        "array.json",
        b'[{"a":1}, {"b":[2]},\n{"c":{}}]\n',
        [('{"a":1}', None), ('{"b":[2]}', None), ('{"c":{}}', None)],
    ),
    (
        "braces-in-strings.json",
        b'{"a":"}{"}{"b":"{\\"}{"}{"c":"\\\\"}{"d":"}"}',
        [('{"a":"}{"}', None), ('{"b":"{\\"}{"}', None), ('{"c":"\\\\"}', None), ('{"d":"}"}', None)],
    ),
    ("mongoexport.json", f"{MONGO}\n{MONGO}\n".encode(), [(MONGO, None)] * 2),
    ("mongoexport-array.json", f"[{MONGO},{MONGO},\n{MONGO}]".encode(), [(MONGO, None)] * 3),
    (
        "mongoexport-pretty.json",
        f"[\n{MONGO_PRETTY},\n{MONGO_PRETTY}\n]\n".encode(),
        [(MONGO_PRETTY, None)] * 2,
    ),
    (
        "quoted.csv",
        b'id,text\r\n1,"two\r\nlines, ""quoted"""\r\n2,\r\n3,a,too,many\r\n4,"open\r\n5,\xff\r\n',
        [
            ('{"id":"1","text":"two\\r\\nlines, \\"quoted\\""}', None),
            ('{"id":"2","text":""}', None),
            ("3,a,too,many", "invalid CSV: 4 fields, the header has 2"),
            ('4,"open', "invalid CSV: broken quotes"),
            (base64.b64encode(b"5,\xff").decode(), "invalid UTF-8"),
        ],
    ),
    (
        "log-lines.json",
        b'2026-01-05 ERROR {"a":1}\n{"b":2}\ncut off {"c":\n{"d":4',
        [
            ('2026-01-05 ERROR {"a":1}', "invalid JSON: unexpected content after document"),
            ('{"b":2}', None),
            ('cut off {"c":', "invalid JSON: unexpected character, expected a JSON value"),
            ('{"d":4', "invalid JSON: unexpected end of data"),
        ],
    ),
)


def test_dirt_by_dirt(either: dict[str, str], namespace: str, tmp_path: Path) -> None:
    """Plain objects with one catalog, gzip with the other."""
    catalog, is_zipped = load_catalog("default", **either), either["type"] == "glue"
    expected = {}
    for name, content, rows in OBJECTS:
        path = tmp_path / (f"{name}.gz" if is_zipped else name)
        path.write_bytes(gzip.compress(content) if is_zipped else content)
        expected[path.as_uri()] = rows
    (tmp_path / "cut.json.gz").write_bytes(gzip.compress(b'{"a":1}\n' * 50_000)[:-9])
    (tmp_path / "odd.json").write_bytes("\ufeff{}".encode("utf-16-le") + b"\x00")

    summary = Summary("web_events")
    loading.load(catalog, list_objects(str(tmp_path)), summary, source="historical", namespace=namespace)

    assert sorted(str(error).split(" ")[0].rsplit("/")[-1] for error in summary.errors) == [
        "cut.json.gz",
        "odd.json",
    ], "refused as a whole, and said so"
    raw = catalog.load_table((namespace, "web_events")).scan().to_arrow().to_pylist()
    found: dict[str, Expected] = {}
    for row in sorted(raw, key=lambda row: (row["source_uri"], row["source_position"])):
        found.setdefault(row["source_uri"], []).append((row["payload"], row["parse_error"]))
        is_invalid = row["parse_error"] == "invalid UTF-8"
        assert row["payload_encoding"] == ("base64" if is_invalid else "utf8")
    for uri, rows in expected.items():
        assert found.pop(uri) == rows, uri
    assert found == {}


def test_large_objects_and_lines_in_bounded_memory(
    lakehouse: Store, catalog: Catalog, namespace: str, tmp_path: Path
) -> None:
    """Lines of 100 MB, sound and broken, and an object of 300 MB without delimiter: all rows, no hoarding."""
    big = json.dumps({"big": "x" * 100_000_000})
    lines, joined = tmp_path / "lines", tmp_path / "joined"
    lines.mkdir()
    joined.mkdir()
    (lines / "sound.json").write_text(f'{{"n":1}}\n{big}\n{{"n":2}}\n')
    (lines / "broken.json").write_text(f'{{"n":3}}\n{big[:-2]}\n{{"n":4}}\n')
    record = json.dumps({"n": 5, "text": "y" * 1000})
    with gzip.open(joined / "joined.json.gz", "wb", compresslevel=1) as stream:
        for _ in range(300):
            stream.write(record.encode() * 1000)
    program = (
        "import resource, sys; from loaders import loading; from loaders.catalog import open_catalog;"
        "from loaders.objects import list_objects; from loaders.summary import Summary;"
        "summary = Summary('web_events');"
        "loading.load(open_catalog(), list_objects(sys.argv[1]), summary, source='historical',"
        " namespace=sys.argv[2]);"
        "print(summary.records, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )

    def records_and_peak_mb(folder: Path) -> list[int]:
        # A process begins with the peak of the one that started it: so a small shell does, not this process.
        done = subprocess.run(
            ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", program, str(folder), namespace],
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return list(map(int, done.stdout.split()))

    records, peak_mb = records_and_peak_mb(joined)
    assert records == 300_000
    assert peak_mb < 500  # about 0.3 GB
    records, peak_mb = records_and_peak_mb(lines)
    assert records == 3 + 3
    assert peak_mb < 500
    scan = catalog.load_table((namespace, "web_events")).scan(row_filter="payload != ''")
    lengths: Counter[tuple[int, str | None]] = Counter()
    for batch in scan.to_arrow_batch_reader():
        lengths.update(
            zip(map(len, batch["payload"].to_pylist()), batch["parse_error"].to_pylist(), strict=True)
        )
    assert lengths == {
        (7, None): 4,
        (KEPT_OF_LONGER, too_large(len(big), "byte 8", lines / "sound.json")): 1,
        (KEPT_OF_LONGER, too_large(len(big) - 2, "byte 8", lines / "broken.json")): 1,
        (len(record), None): 300_000,
    }


def too_large(size: int, where: str, path: Path) -> str:
    reason = f"record too large: {size} bytes at {where} of {path.as_uri()}, more than 8388608"
    return f"{reason}; only its start was loaded"


def test_a_record_that_no_row_can_hold(catalog: Catalog, namespace: str, tmp_path: Path) -> None:
    """It becomes a row that says so; the others of its object are loaded, and the limit is exact."""
    longest = '{"a":"' + "é" * ((LONGEST_RECORD - 8) // 2) + '"}'
    longer = longest.replace("é", "xé", 1)
    objects = {
        "lines.json": (f'{{"n":1}}\n{longest}\n{longer}\n{{"n":2}}\n', "byte 8388617"),
        "joined.json": (f'{{"n":1}}{longest}{longer}{{"n":2}}', "byte 8388615"),
        "array.json": (f'[{{"n":1}},{longest},{longer},{{"n":2}}]', "byte 8388618"),
        "rows.csv": (f"a\n1\n{longest[6:-2]}\n{longer[6:-2]}\n2\n", "line 4"),
    }
    for name, (text, _) in objects.items():
        (tmp_path / name).write_text(text)
    summary = Summary("web_events")
    loading.load(catalog, list_objects(str(tmp_path)), summary, source="historical", namespace=namespace)
    assert (summary.errors, summary.records, summary.malformed) == ([], 16, 4)
    raw = catalog.load_table((namespace, "web_events")).scan().to_arrow().to_pylist()
    found: dict[str, list[tuple[int, str | None]]] = {}
    for row in sorted(raw, key=lambda row: (row["source_uri"], row["source_position"])):
        size = len(row["payload"].encode())
        found.setdefault(row["source_uri"], []).append((size, row["parse_error"]))
        assert row["payload_encoding"] == "utf8"
    for name, (_, where) in objects.items():
        rows = found[(tmp_path / name).as_uri()]
        short = len('{"a":"1"}') if name == "rows.csv" else len('{"n":1}')
        reason = too_large(LONGEST_RECORD + 1, where, tmp_path / name)
        # A character of two bytes does not fit any more.
        assert rows == [(short, None), (LONGEST_RECORD, None), (KEPT_OF_LONGER - 1, reason), (short, None)]
    # Base64 makes it longer by a third; an event may have one text in three columns.
    assert 3 * LONGEST_RECORD < 32_000_000, "what a row of Athena may have"
