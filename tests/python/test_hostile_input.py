"""Whatever the bytes are, reading takes time in proportion to them, and memory that has a limit."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from loaders import envelope, reading
from loaders.lakehouse.settings import PROJECT_ROOT
from loaders.objects import StoredObject

# What an object starts with, and what it then repeats.
JSON_INPUTS = {
    "line breaks": (b"", b"\n"),
    "CRLF": (b"", b"\r\n"),
    "blanks": (b"{}", b" "),
    "NUL": (b"", b"\0"),
    "record separators": (b"", b"\x1e\n"),
    "byte order marks": (b"", b"\xef\xbb\xbf"),
    "short broken lines": (b"", b"x\n"),
    "short objects on lines": (b"", b"{}\n"),
    "objects among empty lines": (b"", b"{}\n\n\n"),
    "objects without delimiter": (b"", b"{}"),
    "objects among blanks": (b"", b"{} "),
    "objects among commas": (b"", b'{"a":1},'),
    "objects among scraps": (b"", b'{"a":1}x'),
    "scraps among objects": (b"", b"x{}"),
    "objects behind separators": (b"", b'\x1e{"a":1}\n'),
    "objects behind byte order marks": (b"", b'\xef\xbb\xbf{"a":1}\n'),
    "opening braces": (b"", b"{"),
    "opening brackets": (b"", b"["),
    "closing braces": (b"", b"}"),
    "braces among blanks": (b"", b"{   "),
    "open objects": (b"", b'{"a":'),
    "open objects on lines": (b"", b'{"a":{"b":\n'),
    "open arrays on lines": (b"", b'{"a":[\n'),
    "open arrays of numbers on lines": (b"", b"[1,\n"),
    "open arrays of objects": (b"", b'[{"a":1},'),
    "open arrays of objects on lines": (b"", b'[{"a":1},\n'),
    "quotes": (b"", b'"'),
    "keys cut": (b"", b'{"'),
    "texts cut": (b"", b'{"a":"x'),
    "objects that parse from two places": (b'{"a":"{"', b',":":","'),
    "escaped quotes": (b'{"a":"', b'\\"{'),
    "backslashes": (b'{"a":"', b"\\"),
    "truncated records": (b"", b'{"t":"a","p":{"u":"v","q":[{"a":1},{"b":'),
    "truncated records on lines": (b"", b'{"t":"a","p":{"u":"v","q":[{"a":1},{"b":\n'),
    "broken elements": (b"[{},", b"{x},"),
    "cut elements": (b"[{},", b"{x,"),
    "cut elements that open": (b"[{},", b"{x{},"),
    "texts that hold elements": (b"[{},", b'"{x",'),
    "cut elements on lines": (b"[{},\n", b'{"b":[\n'),
    "values on lines": (b"{\n", b'  "a": [\n    {"x":1},\n'),
    "no UTF-8": (b"", b'{"a":"\xff"}'),
    "no UTF-8 on lines": (b"", b'{"a":"\xff"}\n'),
    "numbers out of range": (b"", b'{"a":1e999}\n'),
    "texts like numbers out of range": (b"", b'{"a":" 1e999"}\n'),
    "many digits": (b"", b'{"a":' + b"1" * 199 + b"}\n"),
    "values after a scrap": (b"x", b":{"),
    "log lines": (b"", b'INFO {"a":{"b":1}} {}\n'),
    "one text": (b'{"a":"', b"x"),
    "one number": (b'{"a":', b"1"),
    "one array": (b'{"a":[', b"1,"),
    "values side by side": (b"", b'[1]["x"]'),
    "wrapped records": (b'{"Records":[', b'{"a":1},'),
    "wrapped records on lines": (b'{"Records":[\n', b'{"a":1},\n'),
    "deep arrays": (b"", b"[" * 2000 + b"\n"),
    "deep objects": (b"", b'{"a":' * 1500 + b"\n"),
    "a bracket too many": (b"", b'{"a":1}}\n'),
}
CSV_INPUTS = {
    "quotes open at the end": (b"a,b\n", b'a","\n'),
    "quotes open and close": (b"a,b\n", b'","\n'),
    "line breaks": (b"a,b\n", b"\n"),
    "carriage returns": (b"a,b\n", b"\r"),
    "quotes on lines": (b"a,b\n", b'"\n'),
    "lines in quotes": (b'a,b\n"', b"x\n"),
    "broken quotes": (b"a,b\n", b'"x"y\n'),
    "one line": (b"a,b\n", b"a,"),
    "one text in quotes": (b'a,b\n"', b"a"),
    "short rows": (b"a,b\n", b"1\n"),
    "too many fields": (b"a\n", b"1,2\n"),
    "a header without end": (b"", b"a,"),
}
INPUTS = [(name, "json", *parts) for name, parts in JSON_INPUTS.items()] + [
    (name, "csv", *parts) for name, parts in CSV_INPUTS.items()
]
SMALL, TIMES = 30_000, 4
NOISE_SECONDS = 0.05

# Name, what it starts with, what it repeats, and how many MB of that.
LARGE_INPUTS = (
    ("lines.json", b"", b"\n", 256),
    ("text.json", b'{"a":"', b"x", 256),
    ("scrap.json", b"", b"x", 256),
    ("objects.json", b"", b"{}\n", 24),
    ("arrays.json", b'{"a":[', b"[],", 16),
    ("records.json", b'{"Records":[', b'{"a":1},', 16),
    ("spaced.json", b"", b"{} ", 4),
    ("line.csv", b"a,b\n", b"a,", 256),
    ("quote.csv", b'a,b\n"', b"a", 256),
    ("quotes.csv", b"a,b\n", b'a","\n', 9),
)


def seconds_of(kind: str, data: bytes) -> float:
    """Processor time that the splitting of an object takes."""
    stored = StoredObject(f"file:///x.{kind}", "e" * 64, len(data), datetime(2026, 1, 1))
    started = time.process_time()
    try:
        for text in reading.read_texts(stored.uri, io.BytesIO(data), len(data)):
            records = reading.split_records(text.name, text.blocks)
            for _ in envelope.object_rows(records, "historical", stored):
                pass
    except reading.LoaderError:
        assert kind == "csv"
    return time.process_time() - started


@pytest.mark.parametrize(
    ("kind", "start", "repeated"),
    [one[1:] for one in INPUTS],
    ids=[f"{kind}: {name}" for name, kind, *_ in INPUTS],
)
def test_time_is_in_proportion_to_the_bytes(kind: str, start: bytes, repeated: bytes) -> None:
    small, large = (start + repeated * (size // len(repeated)) for size in (SMALL, TIMES * SMALL))
    # Quadratic time is 16 times as much in each measurement; one may be off on a busy machine.
    ratios = []
    while len(ratios) < 5 and min(ratios, default=2 * TIMES) >= 2 * TIMES:
        ratios.append(seconds_of(kind, large) / max(seconds_of(kind, small), NOISE_SECONDS))
    assert min(ratios) < 2 * TIMES, ratios


def test_memory_has_a_limit(tmp_path: Path) -> None:
    """Of objects of up to 256 MB that are a few KB as they are stored."""
    for name, start, repeated, megabytes in LARGE_INPUTS:
        with gzip.open(tmp_path / f"{name}.gz", "wb", compresslevel=1) as stream:
            stream.write(start)
            for _ in range(megabytes):
                stream.write(repeated * ((1 << 20) // len(repeated)))
    program = (
        "import resource, sys; from pathlib import Path;"
        "from loaders.object_reader import reading; from loaders.objects import list_objects;"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "for path in sorted(Path(sys.argv[1]).iterdir()):\n"
        "    listing = list_objects(str(path))\n"
        "    with reading(listing, listing.objects, 'historical', 1e9) as steps:\n"
        "        rows = sum(len(step.rows) for step in steps if hasattr(step, 'rows'))\n"
        "    print(path.name, rows, peak())"
    )
    # A process begins with the peak of the one that started it: so a small shell does, not this process.
    done = subprocess.run(
        ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", program, str(tmp_path)],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = {name: (int(rows), int(peak)) for name, rows, peak in map(str.split, done.stdout.splitlines())}
    assert len(found) == len(LARGE_INPUTS)
    for name in ("text.json.gz", "scrap.json.gz", "arrays.json.gz", "records.json.gz", "line.csv.gz"):
        assert found[name][0] == 1, "a record that is too large"
    assert max(peak for _, peak in found.values()) < 1000, done.stdout
