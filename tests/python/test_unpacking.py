"""What objects the loaders read: packing told by bytes, binary formats and bombs refused by name."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import json
import lzma
import random
import re
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import cramjam
import msgspec
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loaders import object_reader, unpacking
from loaders.errors import LoaderError
from loaders.lakehouse.settings import PROJECT_ROOT
from loaders.object_kinds import binary_kind, packing_of
from loaders.object_reader import Finished, Refused, Rows, reading
from loaders.objects import Listing, StoredObject
from loaders.reading import read_texts

URI = "s3://bucket/key"
_random = random.Random(11)
RECORDS = [json.dumps({"n": n, "id": f"{_random.getrandbits(64):x}", "text": "é𝛑" * 9}) for n in range(3000)]
TEXT = "\n".join(RECORDS).encode()


def stored(content: bytes, uri: str = URI) -> StoredObject:
    return StoredObject(uri, "etag", len(content), datetime(2026, 1, 1))


def read_all(contents: dict[str, bytes], **options: float) -> dict[str, list[tuple[int, str]] | str]:
    """The records of objects with their positions, or the error; one run of the loaders reads all."""
    found: dict[str, list[tuple[int, str]] | str] = {}
    objects = [stored(content, uri) for uri, content in contents.items()]
    rows: list[tuple[int, str]] = []
    listing = Listing(objects, lambda one: io.BytesIO(contents[one.uri]))
    with reading(listing, objects, "firehose", **options) as steps:
        for step in steps:
            if isinstance(step, Rows):
                columns = (step.rows["source_position"].to_pylist(), step.rows["payload"].to_pylist())
                rows += zip(*columns, strict=True)
                continue
            found[step.stored.uri] = rows if isinstance(step, Finished) else str(step.error)
            rows = []
    return found


def read(content: bytes, uri: str = URI, **options: float) -> list[str]:
    """The records of one object, whose positions count from 0; raises LoaderError when it is refused."""
    rows = read_all({uri: content}, **options)[uri]
    if isinstance(rows, str):
        raise LoaderError(rows)
    assert [position for position, _ in rows] == list(range(len(rows)))
    return [payload for _, payload in rows]


# What packs is another library than what unpacks, or written here from the format's description.


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def hadoop_snappy(content: bytes, block: int = 100_000, chunk: int = 30_000) -> bytes:
    """Blocks of some chunks each, as Hadoop's BlockCompressorStream writes them."""
    packed = b""
    for start in range(0, len(content), block):
        part = content[start : start + block]
        packed += struct.pack(">I", len(part))
        for position in range(0, len(part), chunk):
            one = pa.compress(part[position : position + chunk], codec="snappy", asbytes=True)
            packed += struct.pack(">I", len(one)) + one
    return packed


def framed_snappy(content: bytes) -> bytes:
    """Every other chunk as it is, with padding and another begin behind: all that the format allows."""
    packed = b"\xff\x06\x00\x00sNaPpY"
    for number, start in enumerate(range(0, len(content), 65536)):
        part = content[start : start + 65536]
        kind, body = (1, part) if number % 2 else (0, pa.compress(part, codec="snappy", asbytes=True))
        checksum = _crc32c(part)
        masked = ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF
        packed += struct.pack("<I", kind | len(body) + 4 << 8) + struct.pack("<I", masked) + body
        packed += b"\xfe\x03\x00\x00...\xff\x06\x00\x00sNaPpY"
    return packed


def _crc32c(content: bytes) -> int:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    checksum = 0xFFFFFFFF
    for byte in content:
        checksum = table[(checksum ^ byte) & 0xFF] ^ checksum >> 8
    return checksum ^ 0xFFFFFFFF


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": lambda content: bytes(cramjam.zstd.compress(content)),
    "bz2": bz2.compress,
    "lz4": lambda content: bytes(cramjam.lz4.compress(content)),
    "Snappy": framed_snappy,
    "Hadoop-Snappy": hadoop_snappy,
    "ZIP": lambda content: zipped({"events.json": content}),
}
PACKED = {name: pack(TEXT) for name, pack in PACKERS.items()}
per_packing = pytest.mark.parametrize("packing", PACKERS)


@per_packing
def test_each_packing_is_told_by_its_bytes(packing: str) -> None:
    assert packing_of(PACKED[packing]) == packing
    for name in (URI, "file:///x.json.gz", "file:///x.txt"):
        assert read(PACKED[packing], name) == RECORDS


@pytest.mark.parametrize("packing", sorted(PACKERS.keys() - {"ZIP"}))  # which has members instead
def test_packed_in_parts_one_behind_the_other(packing: str) -> None:
    halves = [PACKERS[packing](half) for half in (TEXT[:70_001], TEXT[70_001:])]
    assert read(b"".join(halves)) == RECORDS


@pytest.mark.parametrize(("inner", "outer"), list(itertools.product(PACKERS, PACKERS)))
def test_packed_twice_is_read_and_three_times_refused(inner: str, outer: str) -> None:
    twice = PACKERS[outer](PACKED[inner])
    assert read(twice) == RECORDS
    with pytest.raises(LoaderError, match="is packed more than twice") as caught:
        read(gzip.compress(twice))
    assert f"{inner} in {outer} in gzip" in str(caught.value)


@per_packing
def test_a_cut_is_noticed_wherever_it_is(packing: str) -> None:
    packed = PACKERS[packing](TEXT[:100_000])
    cuts = {*range(16, min(len(packed), 300)), *range(len(packed) - 100, len(packed) - 20)}
    cuts |= set(random.Random(1).sample(range(16, len(packed) - 20), 100))
    for cut in sorted(cuts):
        with pytest.raises(LoaderError, match=f"damaged or cut {packing} file"):
            list(_text(packed[:cut]))
    with pytest.raises(LoaderError, match=f"damaged or cut {packing} file") as caught:
        read(PACKERS["gzip"](packed[:-30]))
    assert str(caught.value).startswith(URI)
    assert "\n" not in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(
    packing=st.sampled_from(list(PACKERS)),
    places=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=5
    ),
    tail=st.binary(max_size=20),
)
def test_damage_is_an_error_of_the_object_and_nothing_else(
    packing: str, places: list[tuple[float, int]], tail: bytes
) -> None:
    packed = bytearray(SMALL[packing])
    for place, byte in places:
        packed[int(place * len(packed))] = byte
    try:
        text = b"".join(_text(bytes(packed) + tail))
    except LoaderError:
        return
    # lz4 and zstd need not have a checksum, Hadoop's Snappy has none; what begins otherwise is another kind.
    is_checked = packing in ("gzip", "bz2", "Snappy", "ZIP") and packing_of(bytes(packed)) == packing
    assert not is_checked or text == TEXT[:2000] or bytes(packed) == SMALL[packing]


SMALL = {name: pack(TEXT[:2000]) for name, pack in PACKERS.items()}


def _text(content: bytes) -> Iterator[bytes]:
    for text in read_texts(URI, io.BytesIO(content), len(content)):
        yield from text.blocks


def test_checksums_of_snappy_are_checked() -> None:
    packed = bytearray(framed_snappy(TEXT))
    packed[10 + 4] ^= 1
    with pytest.raises(LoaderError, match="damaged or cut Snappy file"):
        read(bytes(packed))


def test_members_of_a_zip_archive() -> None:
    archive = zipped(
        {
            "day 1/": b"",
            "day 1/a.json": b'{"a":1}\n{"a":2}',
            "__MACOSX/day 1/._a.json": b"\x00\x05\x16\x07\x00",
            "day 1/_SUCCESS": b"",
            "b.csv": b"\xef\xbb\xbfid,name\n1,x\n",
            "c.csv.gz": gzip.compress(b"name,id\ny,2\n"),
            "blank.json": b"\n",
            "_d.json": '\ufeff{"d":1}'.encode("utf-16-le"),
        }
    )
    expected = ['{"a":1}', '{"a":2}', '{"id":"1","name":"x"}', '{"name":"y","id":"2"}', '{"d":1}']
    assert read(archive) == expected
    assert read(zipped({"z.json": b"{}"}, zipfile.ZIP_STORED)) == ["{}"]
    assert read(zipped({})) == []


def test_zip_archives_that_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    encrypted = bytearray(zipped({"secret.json": b"{}"}))
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        place = encrypted.index(mark) + (6 if mark == b"PK\x03\x04" else 8)
        encrypted[place] |= 1
    refused = {
        "encrypted": (bytes(encrypted), "!/secret.json is encrypted"),
        "method": (zipped({"x.json": b"{}"}, zipfile.ZIP_BZIP2), "!/x.json is packed by method 12"),
        "office": (zipped({"[Content_Types].xml": b"<?xml?>"}), "is an Office document"),
        "binary": (zipped({"a.json": b"{}", "b\n.parquet": parquet()}), "!/b?.parquet is a Parquet file"),
    }
    found = read_all({name: content for name, (content, _) in refused.items()})
    for name, (_, message) in refused.items():
        assert message in found[name], name
    monkeypatch.setattr(unpacking, "_MEMBERS_BYTES", 1000)
    with pytest.raises(LoaderError, match="too many members"):
        read(zipped({f"{number}.json": b"{}" for number in range(30)}))


# What is no text


def parquet() -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"payload": RECORDS[:50]}), file, compression="none")
    return file.getvalue()


def _orc() -> bytes:
    file = io.BytesIO()
    pyarrow.orc.write_table(pa.table({"payload": RECORDS[:50]}), file)
    return file.getvalue()


def _arrow() -> bytes:
    file = io.BytesIO()
    table = pa.table({"payload": RECORDS[:50]})
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


def _tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("events.json")
        member.size = len(TEXT)
        archive.addfile(member, io.BytesIO(TEXT))
    return file.getvalue()


def _kpl() -> bytes:
    """A KPL aggregate: the magic, a Protocol Buffers message with JSON in it, its MD5 (here any 16 bytes)."""
    message = b"\x0a\x01k"
    for record in RECORDS[:3]:
        data = record.encode()
        body = b"\x08\x00\x1a" + _varint(len(data)) + data
        message += b"\x1a" + _varint(len(body)) + body
    return b"\xf3\x89\x9a\xc2" + message + bytes(range(100, 116))


def _varint(number: int) -> bytes:
    return (
        bytes([number | 0x80 if number > 127 else number])
        if number < 128
        else bytes([number & 0x7F | 0x80]) + _varint(number >> 7)
    )


def _bson() -> bytes:
    """Documents as mongodump writes them: lengths, types and names between zero bytes."""
    documents = b""
    for number in range(30):
        body = b"\x02type\x00\x05\x00\x00\x00page\x00\x10n\x00" + struct.pack("<i", number) + b"\x00"
        documents += struct.pack("<i", len(body) + 4) + body
    return documents


NO_TEXT = {
    "a Parquet file": parquet(),
    "an ORC file": _orc(),
    "an Avro file": b"Obj\x01\x04\x14avro.codec\x08null" + bytes(16) + TEXT[:500],
    "an Arrow file": _arrow(),
    "a KPL aggregate": _kpl(),
    "a tar archive": _tar(),
    "an xz file": lzma.compress(TEXT),
    "a zlib stream": zlib.compress(TEXT),
    "a Snappy file of snappy-java": b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01" + bytes(50),
    "UTF-32 text": TEXT.decode().encode("utf-32"),
    "UTF-16 text without a byte order mark": TEXT.decode().encode("utf-16-be"),
    "binary data": b"".join(msgspec.msgpack.encode(json.loads(record)) for record in RECORDS[:50]),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_what_is_no_text_is_refused_by_its_name(packed: bool) -> None:
    more = {
        "random": random.Random(2).randbytes(5000),
        "deflate": zlib.compress(TEXT, wbits=-15),
        "brotli": bytes(cramjam.brotli.compress(TEXT)),
        "raw Snappy": pa.compress(TEXT, codec="snappy", asbytes=True),
        "BSON": _bson(),
        "utf-16-le": "".join(RECORDS).encode("utf-16-le"),
    }
    kinds = {name: (name, content) for name, content in NO_TEXT.items()}
    kinds |= {name: ("UTF-16" if "utf" in name else "binary data", content) for name, content in more.items()}
    contents = {name: gzip.compress(content) if packed else content for name, (_, content) in kinds.items()}
    found = read_all({**contents, "sound": TEXT})
    assert len(found.pop("sound")) == len(RECORDS), "none keeps another object from being loaded"
    for name, (kind, _) in kinds.items():
        assert isinstance(found[name], str), f"{name}: loaded as scraps"
        assert re.match(f"{re.escape(name)} is {kind}.*: nothing of it was loaded", found[name])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n \t",
        b'{"a":"\x00\x01"}\n',
        b'{"a":"\xff\xfe"}\n{"b":1}\n',
        bytes(5000) + TEXT[:1000],
        TEXT[:1000] + bytes(50_000) + TEXT[:1000],
        b"".join(b"\x1e" + record.encode() + b"\n" for record in RECORDS[:20]),
        b"ORCID,PAR1\n1,2\n",
        "PAR1,ORC é\n".encode(),
        b"BZh9 is a word\n",
        b"PK,id\n1,2\n",
        b"x^2,y\n",
        "\n".join(RECORDS).replace("é", "ü").replace("𝛑", "").encode("latin-1"),
        "日本語,広い\n".encode() * 99,
        "\ufeff日本語".encode("utf-16-be"),
        b"(\xb5 is cut",
    ],
)
def test_text_is_no_binary_data(text: bytes) -> None:
    assert packing_of(text) is None
    assert binary_kind(text) is None


@settings(deadline=None)
@given(
    text=st.text(), start=st.sampled_from(["", "\t\n\r ", "\x00" * 5, "\x00\x00\x00{", "[", "\ufeff", "\x1e"])
)
@example(text="\n\n\n\n\t\t\t\t\U0001f600", start="")
@example(text='{"a":1}', start="\x00\x00\x00")
def test_no_text_is_taken_for_packed(text: str, start: str) -> None:
    # Text of more than one control character is not JSON or CSV of anybody.
    if not re.search("[\x00-\x08\x0e-\x1d\x1f\x7f]", text):
        assert packing_of((start + text).encode()) is None
        assert binary_kind((start + text).encode()) is None


# What is hostile


@per_packing
def test_a_bomb_is_refused_by_name_unless_the_ratio_is_raised(
    packing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "RATIO_COUNTS_FROM", 100_000)
    text = b'{"a":1}\n' * 60_000
    bomb = gzip.compress(PACKERS[packing](text))
    ratio = len(text) / len(bomb)
    assert ratio > 400
    found = read_all(
        {"bomb": bomb, "sound": TEXT, "small": gzip.compress(text[:80_000])}, max_ratio=ratio / 2
    )
    assert re.match("bomb unpacks to more than .* times its size, .* raise --max-ratio", found["bomb"])
    assert len(found["sound"]) == len(RECORDS), "what is not packed has no ratio"
    assert len(found["small"]) == 10_000, "small objects have none"
    # The layer between counts, too.
    assert len(read(bomb, max_ratio=ratio * 2)) == 60_000


def test_members_of_a_bomb_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "RATIO_COUNTS_FROM", 100_000)
    archive = zipped({f"{number}.json": b"{}\n" * 20_000 for number in range(20)})
    assert len(read(archive, max_ratio=1000)) == 400_000
    with pytest.raises(LoaderError, match="unpacks to more than 99 times its size"):
        read(archive, max_ratio=99)


# Each is made of what unpacks to some MB, over and over.
BOMBS = {
    # 3 MB, one line of 3 GB.
    "line.csv.gz": "gzip.compress(b'x' * (4 << 20)) * 750",
    "lines.json.zst": "pa.compress((b'{\"n\":%1017d}\\n' % 1) * 4096, codec='zstd', asbytes=True) * 1000",
    "twice.json.gz": "gzip.compress(gzip.compress(bytes(4 << 20)) * 750)",
    # A directory of two million members in 100 MB.
    "members.zip": "zip_of_members(2_000_000)",
}
MAKE_BOMBS = """
import gzip, struct, sys
import pyarrow as pa

def zip_of_members(count):
    entry = b"PK\\x01\\x02" + bytes(24) + struct.pack("<H", 4) + bytes(16) + b"name"
    end = b"PK\\x05\\x06" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, len(entry) * count, 4, 0)
    return b"PK\\x03\\x04" + entry * count + end
"""
READ_ONE = """
import resource, sys
from loaders.object_reader import Refused, reading
from loaders.objects import list_objects
listing = list_objects(sys.argv[1])
with reading(listing, listing.objects, "historical") as steps:
    (error,) = [step.error for step in steps if isinstance(step, Refused)]
usage = resource.getrusage(resource.RUSAGE_SELF)
print(usage.ru_maxrss // 1024, usage.ru_utime + usage.ru_stime, error)
"""


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_neither_memory_nor_time(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    make = f"{MAKE_BOMBS}\nopen(sys.argv[1], 'wb').write({BOMBS[name]})"
    subprocess.run([sys.executable, "-c", make, path], check=True)
    done = subprocess.run(
        # A process begins with the peak of the one that started it: so a small shell does, not this process.
        ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", READ_ONE, str(path)],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    peak_mb, seconds, error = done.stdout.split(maxsplit=2)
    assert name in error
    assert "unpacks to more than 250 times" in error or "too many members" in error
    assert int(peak_mb) < 1000
    assert float(seconds) < 30


class _Endless(io.RawIOBase):
    """A CSV file whose header is broken and that never ends."""

    def __init__(self) -> None:
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        content = (b"\xff,b\n" if not self.size else b"") + b"1,2\n" * (len(buffer) // 4)
        buffer[:] = content[: len(buffer)]
        self.size += len(buffer)
        return len(buffer)


def test_of_a_refused_object_the_rest_is_not_read() -> None:
    endless = _Endless()
    objects = [stored(b"", "endless.csv"), stored(TEXT, "sound.json")]
    listing = Listing(objects, lambda one: endless if "endless" in one.uri else io.BytesIO(TEXT))
    with reading(listing, objects, "historical") as steps:
        ends = [step for step in steps if not isinstance(step, Rows)]
    assert [type(end) for end in ends] == [Refused, Finished]
    assert endless.size < 100 << 20


@pytest.mark.parametrize("broken", ["read_texts", "split_records"])
def test_an_unexpected_error_costs_its_object_only(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = getattr(object_reader, broken)

    def fail(uri: str, *arguments: object) -> object:
        if uri == "bad":
            raise MemoryError
        return sound(uri, *arguments)

    monkeypatch.setattr(object_reader, broken, fail)
    found = read_all({"a": b"{}", "bad": b"{}", "c": b"{}"})
    assert found["a"] == found["c"] == [(0, "{}")]
    assert found["bad"].startswith("bad can't be read (MemoryError: MemoryError)")
