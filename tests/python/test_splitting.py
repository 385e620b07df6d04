"""Splitting: whatever the framing, the records come back verbatim and in order."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import random
import time
from collections.abc import Iterable, Iterator

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders import reading, records, splitting
from loaders.errors import LoaderError
from loaders.records import Record

SEEDS = range(40)
_TEXTS = ("", "x", "}{", '"', "\\", "{", "[{", "}\n{", "é", "𝛑", "\x00", "\u2028", "null", "a" * 5000)
_GARBAGE = (
    "oops",
    "502 Bad Gateway",
    "<html>",
    "eyJhIjoxfQ==",
    "}",
    "]",
    ",",
    "1 2",
    '"a" "b"',
    "\x00",
    "--",
)


def read(content: bytes, uri: str = "file:///x") -> list[Record]:
    """The records of an object."""
    texts = reading.read_texts(uri, io.BytesIO(content), len(content))
    return _records(chunk for text in texts for chunk in reading.split_records(text.name, text.blocks))


def split_json(data: bytes, cuts: Iterable[int] = ()) -> list[Record]:
    """The records of a stream that comes in blocks, cut at these places."""
    places = [0, *sorted(cuts), len(data)]
    blocks = [data[start:end] for start, end in itertools.pairwise(places) if start < end]
    return _records(splitting.split_json("file:///x", blocks))


def split_csv(data: bytes) -> list[Record]:
    return read(data, "file:///x.csv")


def texts(data: bytes) -> list[str]:
    return [record.payload.decode() for record in split_json(data)]


def errors(data: bytes) -> list[str | None]:
    return [record.parse_error for record in split_json(data)]


def test_every_framing_gives_the_records_back() -> None:
    for seed in SEEDS:
        rng = random.Random(seed)
        records = [_dumps(rng, _random_object(rng)) for _ in range(rng.randrange(1, 30))]
        data = "".join(_framed(rng, records)).encode()
        assert texts(data) == records, seed
        assert errors(data) == [None] * len(records), seed


def test_a_malformed_line_costs_only_itself() -> None:
    for seed in SEEDS:
        rng = random.Random(seed)
        expected = []
        for _ in range(rng.randrange(2, 40)):
            if rng.random() < 0.4:
                expected.append(Record(_malformed_line(rng).encode(), "error"))
            else:
                expected.append(Record(_dumps(rng, _random_object(rng), indent=None).encode(), None))
        separators = [rng.choice(("\n", "\r\n", "\n\n", "\n \t\n")) for _ in expected]
        data = b"".join(
            record.payload + separator.encode()
            for record, separator in zip(expected, separators, strict=True)
        )
        found = [Record(record.payload, record.parse_error and "error") for record in split_json(data)]
        assert found == expected, seed


def test_without_delimiters_reading_resumes_as_the_rule_says() -> None:
    stretches = 0
    for seed in range(400):
        rng = random.Random(seed)
        text = "".join(
            _damaged(rng, json.dumps(_random_object(rng, flat_ascii=True)))
            if rng.random() < 0.5
            else f'{{"n":{n}}}'
            for n in range(rng.randrange(1, 12))
        )
        data = text.encode()
        expected = _resuming(text)
        assert [(r.payload.decode(), r.parse_error is None) for r in split_json(data)] == expected, seed
        stretches += sum(not is_object for _, is_object in expected)
    assert stretches > 400


def test_nothing_is_lost() -> None:
    """Of any bytes all but separators and the punctuation of arrays comes back, in order."""
    for seed in range(1000):
        rng = random.Random(seed)
        data = bytearray("".join(_framed(rng, [_dumps(rng, _random_object(rng)) for _ in range(8)])).encode())
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.choice(b'{}[]",:\n\x00\xff7n')
        _assert_all_is_there(bytes(data), split_json(bytes(data)))


# Property tests: neither the cuts between blocks nor the way that a record takes through the code may show.

_JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3),
    max_leaves=8,
)
_TROUBLE = st.sampled_from(["}{", '"', "\\", "{", "}\n{", "[{", "},", "\r\n", "\x00", "é𝛑", "\u2028"])
_OBJECTS = st.dictionaries(st.text(max_size=6) | _TROUBLE, _JSON_VALUES | _TROUBLE, max_size=4)
_DUMPED = st.builds(
    lambda value, ascii_only, spaced: json.dumps(
        value, ensure_ascii=ascii_only, separators=(", ", ": ") if spaced else (",", ":")
    ),
    _OBJECTS,
    st.booleans(),
    st.booleans(),
)
_FRAGMENTS = (
    *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\n", b"\r\n", b" ", b"x", b"1", b"NaN", b"null"),
    *(b'{"a":1}', b'{"b":[{"c":2}]}', b'"}{"', b'{"a":\n1}', b"\xff", b"\x00", b"\x1e", b"\n  {", b"{}"),
    *(b'{"p":{"q":', b'{"a":"\xff"}', b'{"s":"cut'),
)
_NO_PART_OF_RECORDS = b" \t\n\r\v\f\0\x1e[],"
_CUTS = st.lists(st.integers(0, 400), max_size=8)


@settings(max_examples=300, deadline=None)
@given(st.lists(_DUMPED, min_size=1, max_size=25), st.data(), _CUTS)
def test_any_records_in_any_framing_come_back_in_order(
    records: list[str], data: st.DataObject, cuts: list[int]
) -> None:
    separators = data.draw(
        st.lists(
            st.sampled_from(["", "\n", "\r\n", " ", "\n\n", "\n \t\n"]),
            min_size=len(records),
            max_size=len(records),
        )
        | st.sampled_from(["", "\n", "\r\n"]).map(lambda separator: [separator] * len(records))
    )
    stream = "".join(itertools.chain.from_iterable(zip(records, separators, strict=True))).encode()
    found = split_json(stream, [cut for cut in cuts if cut < len(stream)])
    assert [record.payload.decode() for record in found] == records
    assert {record.parse_error for record in found} == {None}


@settings(max_examples=150, deadline=None)
@given(st.lists(_DUMPED, min_size=1, max_size=25), st.sampled_from([",", ",\n", " , ", "\n,\n"]), _CUTS)
def test_any_array_of_objects_gives_its_elements(records: list[str], comma: str, cuts: list[int]) -> None:
    stream = f"[{comma.join(records)}]\n".encode()
    found = split_json(stream, [cut for cut in cuts if cut < len(stream)])
    assert [record.payload.decode() for record in found] == records


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.sampled_from(_FRAGMENTS),
        max_size=40,
    ).map(b"".join),
    _CUTS,
    st.integers(1, 4),
)
def test_of_any_bytes_the_cuts_change_nothing_and_nothing_is_lost(
    data: bytes, cuts: list[int], few: int
) -> None:
    whole = split_json(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splitting, "_SHORTEST_RUN", few)
        assert split_json(data, [cut for cut in cuts if cut < len(data)]) == whole
        patch.setattr(splitting, "_look_like_objects", lambda _, starts: np.zeros(len(starts) - 1, bool))
        assert split_json(data) == whole, "object by object"
    _assert_all_is_there(data, whole)


def _assert_all_is_there(data: bytes, records: list[Record]) -> None:
    """All but white space and the punctuation of arrays is in the records, in order."""
    position = 0
    for record in records:
        found = data.index(record.payload, position)
        assert not data[position:found].strip(_NO_PART_OF_RECORDS)
        position = found + len(record.payload)
    assert not data[position:].strip(_NO_PART_OF_RECORDS)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(st.text(max_size=8) | _TROUBLE, min_size=3, max_size=3), min_size=1, max_size=10),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_csv_comes_back_row_by_row(rows: list[list[str]], line_break: str) -> None:
    encodable = [[value.encode("utf-8", "replace").decode() for value in row] for row in rows]
    lines = [
        ",".join('"' + value.replace('"', '""') + '"' for value in row)
        for row in [["a", "b", "c"], *encodable]
    ]
    found = split_csv(line_break.join(lines).encode())
    assert [json.loads(record.payload) for record in found] == [
        dict(zip("abc", row, strict=True)) for row in encodable
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"a":1}{"b":2}', ['{"a":1}', '{"b":2}']),
        (b'{"a":1}{"bad": {"b":2}{"c":3}', ['{"a":1}', '{"bad": {"b":2}', '{"c":3}']),
        (b'{"a":1}cut {"b":2}', ['{"a":1}', "cut", '{"b":2}']),
        # A truncated line stays one record although objects in it parse.
        (b'{"a":{"b":1},"c":{"d":\n{"e":2}\n', ['{"a":{"b":1},"c":{"d":', '{"e":2}']),
        (b'2026-01-05 INFO {"a":1}\n{"b":2}', ['2026-01-05 INFO {"a":1}', '{"b":2}']),
        # `}{` only happens between records.
        (b'cut":1}{"a":1}{"b":2}\n{"c":3}\n', ['cut":1}', '{"a":1}', '{"b":2}', '{"c":3}']),
        (b'cut":1} {"a":1} {"b":2}\n{"c":3}\n', ['cut":1}', '{"a":1}', '{"b":2}', '{"c":3}']),
        (b'{"a":\n1}oops\n{"b":2}', ['{"a":\n1}', "oops", '{"b":2}']),
        (b'{\n"a":1\n}{\n"b":oops\n}{\n"c":1\n}', ['{\n"a":1\n}', "{", '"b":oops', "}", '{\n"c":1\n}']),
        (b'[{"a":1},\n {"b":[{"x":1}]}]\n{"c":3}', ['{"a":1}', '{"b":[{"x":1}]}', '{"c":3}']),
        (b'[{"a":1},5,"{}",[1]]', ['{"a":1}', "5", '"{}"', "[1]"]),
        (b'[5,{"a":1}]', ["5", '{"a":1}']),
        (b"[1,2]\n[]\n[[1]]\n", ["[1,2]", "[[1]]"]),
        (b'[2026-01-05] {"a":1}\n[{oops\n{"b":1}', ['[2026-01-05] {"a":1}', "[{oops", '{"b":1}']),
        (b'{"a":NaN}{"b":1}', ['{"a":NaN}', '{"b":1}']),
        # Values side by side are records of their own.
        (b'{"a":1}[1]"x"{"b":1}5', ['{"a":1}', "[1]", '"x"', '{"b":1}', "5"]),
        (b'oops{"a":NaN}{"b":1}', ["oops", '{"a":NaN}', '{"b":1}']),
        # A comma between objects is no sign of a fragment, unless there is a broken record before.
        (b'{"a":1},{"b":2} , {"c":3}', ['{"a":1}', ",", '{"b":2}', ",", '{"c":3}']),
        (b'{"l":[x{"a":1},{"b":2}]}{"c":3}', ['{"l":[x', '{"a":1}', ',{"b":2}]}', '{"c":3}']),
        # In an array the next element follows a comma.
        (b'[{"a":1},{"b":oops},{"c":"},{"}]', ['{"a":1}', '{"b":oops}', '{"c":"},{"}']),
        (b'[{"a":1},{"b":{"c":2},{"d":3}]{"e":4}', ['{"a":1}', '{"b":{"c":2},{"d":3}]', '{"e":4}']),
        # What is indented deeper than a broken line, and stands as a value, is no record.
        (
            b'{\n "a": x,\n "l": [\n  {"b":1},\n  {\n   "c":2}\n ]\n}\n{"d":1}\n',
            ["{", '"a": x,', '"l": [\n  {"b":1},\n  {', '"c":2}', "]", "}", '{"d":1}'],
        ),
        (b'[\n {"a":x,\n  "l":[\n   {"b":1},\n', ['[\n {"a":x,', '"l":[\n   {"b":1},']),
        (b'[\n {"a":x},\n {"b":1},\n {"c":1}\n]', ['{"a":x}', '{"b":1}', '{"c":1}']),
        (
            b'[\n {"a":1},\n {"l":[\n  {"b":1},\n  x\n ]},\n {"c":1}\n]',
            ['{"a":1}', '{"l":[\n  {"b":1},', "x", "},", '{"c":1}', "]"],
        ),
        (b'{"a":"' + b"x" * 2000 + b'{\n"b":1}\n', ['{"a":"' + "x" * 2000, '{\n"b":1}']),
        (b"\n \t\r\n\n", []),
        (b'"{\\"a\\":1}"', ['"{\\"a\\":1}"']),
    ],
)
def test_examples(data: bytes, expected: list[str]) -> None:
    assert texts(data) == expected
    assert [error is None for error in errors(data)] == [_is_object(text) for text in expected]


EVENT = '{"type":"track","userId":"u-9","at":{"$date":"x"}}'
NESTED = (
    f'{{"_id":{{"$oid":"1"}},"a\\"{{}}b": {EVENT},"list" : [ {EVENT} ,\t{EVENT},[{EVENT}]],'
    r'"text":"\"}{\u00e9\\",'
    f'"metadata":{{"more":{EVENT}}},"n":[1.5e3,true,null],"é":"日本"}}'
)


@pytest.mark.parametrize(
    ("data", "step"),
    [(NESTED, 1), (f"[{NESTED},{NESTED}]", 3), (json.dumps(json.loads(NESTED), indent=1), 2)],
)
def test_a_fragment_of_a_record_is_never_a_record(data: str, step: int) -> None:
    """Wherever a record is cut, nothing of it comes back but as a part of broken stretches."""
    sound, encoded = b'{"sound":1}', data.encode()
    whole = {NESTED, json.dumps(json.loads(NESTED), indent=1)}
    for cut in range(1, len(encoded), step):
        for stream in (
            sound + encoded[:cut] + sound + sound,
            sound + encoded[:cut] + encoded[:cut] + sound + sound,
            sound + encoded[:cut],
            sound + b"\n" + encoded[:cut] + b"\n" + sound + b"\n" + sound + b"\n",
            encoded[:cut] + b"\x1e" + sound,
        ):
            found = split_json(stream, (5, 40, 41, 200))
            objects = {record.payload.decode() for record in found if record.parse_error is None}
            # An object that is a text of a broken one: nobody can tell, and it is no event.
            assert objects <= {sound.decode(), "{}", *whole}, (cut, stream)
            assert sound in found[0] or stream.startswith(encoded[:1])
            if stream.endswith(sound + sound):
                assert found[-1] == Record(sound, None), "reading resumes"


def test_a_long_broken_stretch_is_one_record_in_linear_time() -> None:
    """100 MB of a truncated record that holds events, and a record behind it."""
    events = f"{EVENT}," * 20_000
    stretch = f'{{"cut":tru,"list":[{events * 100}'.encode()
    blocks = [stretch[start : start + (4 << 20)] for start in range(0, len(stretch), 4 << 20)]
    started = time.process_time()
    found = _records(splitting.split_json("file:///x", [*blocks, b'"x"{"sound":1}']))
    assert time.process_time() - started < 30
    assert len(stretch) > 100_000_000
    assert [record.payload[:10] for record in found] == [b'{"cut":tru', b'{"sound":1']
    assert f"{len(stretch) + 3} bytes at byte 0 of" in str(found[0].parse_error)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(_FRAGMENTS), max_size=60).map(b"".join), _CUTS, st.integers(10, 80))
def test_where_a_record_is_too_long_the_cuts_change_nothing(
    data: bytes, cuts: list[int], longest: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "LONGEST_RECORD", longest)
        patch.setattr(records, "KEPT_OF_LONGER", 8)
        whole = split_json(data)
        assert split_json(data, [cut for cut in cuts if cut < len(data)]) == whole
        patch.setattr(splitting, "_look_like_objects", lambda _, starts: np.zeros(len(starts) - 1, bool))
        assert split_json(data) == whole, "object by object"
    assert all(len(record.payload) <= longest for record in whole)


@pytest.mark.parametrize("rest", [b"", b"\n", b"\n{}\n", b" {}" * 9])
def test_a_record_that_is_a_little_too_long(rest: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the stream ends close behind it."""
    record = b'{"b":[{"c":2}]}'
    monkeypatch.setattr(records, "LONGEST_RECORD", len(record) - 1)
    first, *others = split_json(record + rest)
    assert str(first.parse_error).startswith("record too large: 15 bytes at byte 0 of ")
    assert others == [Record(b"{}", None)] * rest.count(b"{}")


@pytest.mark.parametrize("separator", ["\ufeff", "\0", "\0" * 5000, "\x1e", "\n\x1e", " \ufeff\x1e\0 "])
def test_what_stands_before_a_record_is_no_part_of_it(separator: str) -> None:
    kinds = ['{"a":1}', '"text"', '{"b":tru', '{"c":[1]}', "[2]"]
    for line_break in ("", "\n", "\r\n"):
        parts = [kind for kind in kinds if line_break or kind[0] == "{"]
        stream = line_break.join(separator + part for part in parts) + line_break + separator
        found = texts(stream.encode())
        assert [text.rstrip("\0\ufeff\x1e ") for text in found] == parts, line_break
    csv = "".join(f"{separator}{row}\n" for row in ("a,b", "1,2", "3,4"))
    assert [json.loads(record.payload) for record in split_csv(csv.encode())] == [
        {"a": "1", "b": "2"},
        {"a": "3", "b": "4"},
    ]


@pytest.mark.parametrize(
    ("number", "is_in_range"),
    [
        ("1e308", True),
        ("1e309", False),
        ("-1E+400", False),
        ("1e0400", False),
        ("0e999", True),
        ("1e-999", True),
        ("1" + "0" * 308, True),
        ("1" + "0" * 309, False),
        ("1" * 250 + "e99", False),
        ("0." + "1" * 400, True),
        ('"1e400"', True),
        ('": 1e400"', True),
        ('"' + "1" * 400 + '"', True),
        ('"550e8400-e29b-41d4-a716-446655440000"', True),
    ],
)
def test_a_number_out_of_range_is_told(number: str, is_in_range: bool) -> None:
    expected = None if is_in_range else "a number is out of range"
    for line_break in ("\n", ""):
        for text in (f'{{"a":{number}}}', f'{{"a": [0, {number} ], "b":"e"}}'):
            stream = line_break.join(['{"n":1}'] * 50 + [text] + ['{"n":1}'] * 50) + line_break
            found = split_json(stream.encode())
            assert found[50] == Record(text.encode(), expected)
            assert len(found) == 101


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[1]", "not a JSON object: array"),
        (b'"text"', "not a JSON object: string"),
        (b"null", "not a JSON object: null"),
        (b"-1.5e3", "not a JSON object: number"),
        (b"true", "not a JSON object: boolean"),
        (b'{"a":NaN}', "invalid JSON: unexpected character, expected a JSON value"),
        (b'{"a":"\\ud800"}', "invalid JSON: no low surrogate in string"),
        (b'{"a":"\xff"}', "invalid UTF-8"),
        (b"\xc3(", "invalid UTF-8"),
        (b"eyJhIjoxfQ==", "invalid JSON: unexpected character, expected a JSON value"),
    ],
)
def test_reasons(line: bytes, reason: str) -> None:
    assert split_json(line + b'\n{"a":1,"a":2}\n') == [
        Record(line, reason),
        Record(b'{"a":1,"a":2}', None),
    ]


@pytest.mark.parametrize(
    "piece",
    [
        b'{"a":{"b":\n',  # seems to hold all lines that follow
        b'{"a":[\n',
        b'{"a":{"b":',
        b"{",
        b'{"a":"x',
        b'{"a":1} ',
        b'{"a":1}x',
    ],
)
def test_long_broken_streams_take_linear_time(piece: bytes) -> None:
    data = piece * (400_000 // len(piece))
    started = time.process_time()
    assert split_json(data)
    assert time.process_time() - started < 10


def test_an_object_longer_than_any_window() -> None:
    big = orjson.dumps({"text": "x" * 300_000, "list": [{"n": n} for n in range(20_000)]})
    assert [record.payload for record in split_json(big + b" " + big + b"," + big)] == [big, big, b",", big]


def test_csv() -> None:
    data = (
        b'id,"the ""name""",id\r\n1,"a\nb",2\r\n\r\n3\r\n1,2,3,4\r\n"x"y,2,3\r\n5,\xff,6\r\n7,"open,8\r\n'
        + b"9,e,10"
    )
    assert split_csv(data) == [
        Record(b'{"id":"1","the \\"name\\"":"a\\nb","id":"2"}', None),
        Record(b'{"id":"3"}', None),
        Record(b"1,2,3,4", "invalid CSV: 4 fields, the header has 3"),
        Record(b'"x"y,2,3', "invalid CSV: broken quotes"),
        Record(b"5,\xff,6", "invalid UTF-8"),
        Record(b'7,"open,8', "invalid CSV: broken quotes"),
        Record(b'{"id":"9","the \\"name\\"":"e","id":"10"}', None),
    ]


def test_csv_round_trip() -> None:
    for seed in SEEDS:
        rng = random.Random(seed)
        rows = [[rng.choice((*_TEXTS[:-1], "a\r\nb", "1,5")) for _ in range(3)] for _ in range(20)]
        lines = [
            ",".join('"' + value.replace('"', '""') + '"' for value in row)
            for row in [["a", "b", "c"], *rows]
        ]
        records = split_csv(rng.choice(("\n", "\r\n")).join(lines).encode())
        assert [list(json.loads(record.payload).values()) for record in records] == rows, seed


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("members", [0, 1, 3])
def test_encodings_and_gzip(encoding: str, members: int) -> None:
    records = ['{"a":"é𝛑"}', '{"b":2}', "oops"]
    mark = "\ufeff" if encoding.endswith(("le", "be")) else ""
    data = (mark + "\n".join(records)).encode(encoding)
    cuts = [0, 5, 11, len(data)] if members == 3 else [0, len(data)]
    packed = b"".join(gzip.compress(data[a:b]) for a, b in itertools.pairwise(cuts)) if members else data
    assert [record.payload.decode() for record in read(packed)] == records


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b'{"a":1}' * 99)[:-9], "damaged or cut gzip"),
        (gzip.compress(b"{}")[:5], "damaged or cut gzip"),
        (gzip.compress(b"{}") + b"tail", "damaged or cut gzip"),
        (b"\xff\xfe{\x00}", "cut UTF-16"),
    ],
)
def test_unreadable_objects(content: bytes, message: str) -> None:
    with pytest.raises(LoaderError, match=message) as caught:
        read(content, "s3://bucket/key")
    assert "s3://bucket/key" in str(caught.value)
    assert "\n" not in str(caught.value)


def _records(chunks: Iterator[pa.StringArray | list[Record]]) -> list[Record]:
    found: list[Record] = []
    for chunk in chunks:
        sound = chunk.cast(pa.binary()).to_pylist() if isinstance(chunk, pa.Array) else []
        found += [Record(payload, None) for payload in sound] or chunk
    return found


def _is_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def _random_object(rng: random.Random, depth: int = 0, *, flat_ascii: bool = False) -> dict[str, object]:
    return {
        _random_text(rng, flat_ascii): _random_value(rng, depth, flat_ascii)
        for _ in range(rng.randrange(5 - depth))
    }


def _random_value(rng: random.Random, depth: int, flat_ascii: bool) -> object:
    kind = rng.randrange(5 if flat_ascii else 6)
    if depth < 3 and kind == 0:
        return _random_object(rng, depth + 1, flat_ascii=flat_ascii)
    if depth < 3 and kind == 5:
        return [_random_value(rng, depth + 1, flat_ascii) for _ in range(rng.randrange(4))]
    return rng.choice(
        (_random_text(rng, flat_ascii), rng.randrange(-(10**6), 10**6), rng.random(), True, None)
    )


def _random_text(rng: random.Random, flat_ascii: bool) -> str:
    return rng.choice(("a", "bc", "}{", "{", ":") if flat_ascii else _TEXTS)


def _dumps(rng: random.Random, value: object, indent: int | None = 2) -> str:
    return json.dumps(value, ensure_ascii=rng.random() < 0.5, indent=rng.choice((None, None, indent)))


def _framed(rng: random.Random, records: list[str]) -> list[str]:
    """Records with lines, nothing or space between them, or as elements of arrays."""
    parts: list[str] = []
    while records:
        count = rng.randrange(1, len(records) + 1)
        group, records = records[:count], records[count:]
        if rng.random() < 0.3:
            space = rng.choice(("", " ", "\n", "\r\n  "))
            parts += [f"{space}[{space}", f"{space},{space}".join(group), f"{space}]{space}"]
        else:
            separator = rng.choice(("\n", "", " ", "\r\n", "\n\n", "\n \t\n"))
            parts += [separator.join(group), rng.choice(("", separator))]
    return parts


def _malformed_line(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return rng.choice([text for text in _GARBAGE if text not in ("\x00",)])
    text = ""
    while not text or "}{" in text:
        text = json.dumps({"a": {"b": 1}, **_random_object(rng)})
    end = rng.randrange(len(text) - 2) + 1
    while text[:end].count('"') % 2 == 0 or text[end - 1] == "\\":
        end -= 1  # inside of a string, which no line break can end
        if end == 0:
            return "oops"
    return text[:end].rstrip() or "oops"


def _damaged(rng: random.Random, text: str) -> str:
    start = rng.randrange(len(text))
    return text[:start] + rng.choice(("", "x", '"', "{", "}")) + text[start + rng.randrange(4) :]


def _resuming(text: str) -> list[tuple[str, bool]]:
    """The rule, word by word and slowly."""
    records = []
    position = 0
    while position < len(text):
        if text[position] in " \x00\x1e\ufeff":
            position += 1
            continue
        start, end = position, _value_end(text, position)
        if end and text[start] != "{":
            following = text[end:].lstrip(" \x00\x1e\ufeff")
            if following and following[0] not in '{["':
                end = None
        while not end:
            start += 1
            can_begin = text[start:].startswith("{") and text[position:start].rstrip()[-1] not in ":,["
            end = _value_end(text, start) if can_begin else start == len(text)
        if start > position:
            records.append((text[position:start].rstrip(" \x1e"), False))
            position = start
        else:
            records.append((text[start:end], text[start] == "{"))
            position = end
    return records


def _value_end(text: str, start: int) -> int | None:
    try:
        return json.JSONDecoder().raw_decode(text, start)[1]
    except json.JSONDecodeError:
        return None
