"""What an object is, told by its first bytes: packed text, text, or a format that holds no text."""

from __future__ import annotations

import codecs
import re

import cramjam

SNAPPY_IDENTIFIER = b"\xff\x06\x00\x00sNaPpY"
"""How a framed Snappy stream begins: https://github.com/google/snappy/blob/main/framing_format.txt"""

_SAMPLE_BYTES = 16 << 10

_PACKINGS = (
    ("gzip", re.compile(rb"\x1f\x8b")),
    # zstd may begin with skippable frames (RFC 8878, 3.1.2).
    ("zstd", re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")),
    # Behind the level a block begins, or the end of a stream without one.
    ("bz2", re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)")),
    ("lz4", re.compile(rb"\x04\x22\x4d\x18")),
    ("Snappy", re.compile(re.escape(SNAPPY_IDENTIFIER))),
    # A member, none at all, or a volume of several.
    ("ZIP", re.compile(rb"PK(?:\x03\x04|\x05\x06|\x07\x08)")),
)

# What can't be read, but named. None of it begins as text can; of Parquet and ORC the zero bytes tell.
_BINARY_KINDS = (
    ("a Parquet file", re.compile(rb"PAR[1E].*?\x00", re.DOTALL)),
    ("an ORC file", re.compile(rb"ORC.*?\x00", re.DOTALL)),
    ("an Avro file", re.compile(rb"Obj\x01")),
    # https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
    ("a KPL aggregate", re.compile(rb"\xf3\x89\x9a\xc2")),
    ("an Arrow file", re.compile(rb"ARROW1\x00\x00")),
    ("a Hadoop sequence file", re.compile(rb"SEQ[\x00-\x08]")),
    ("a tar archive", re.compile(rb".{257}ustar[\x00 ]", re.DOTALL)),
    ("an xz file", re.compile(rb"\xfd7zXZ\x00")),
    ("a 7z archive", re.compile(rb"7z\xbc\xaf\x27\x1c")),
    ("a RAR archive", re.compile(rb"Rar!\x1a\x07")),
    ("a file of Unix compress", re.compile(rb"\x1f\x9d")),
    ("an lzop file", re.compile(rb"\x89LZO\x00")),
    ("an LZ4 file of the legacy format", re.compile(rb"\x02\x21\x4c\x18")),
    ("a Snappy file of snappy-java", re.compile(rb"\x82SNAPPY\x00")),
    ("a zlib stream", re.compile(rb"\x78\x9c")),
    ("UTF-32 text", re.compile(re.escape(codecs.BOM_UTF32_LE) + b"|" + re.escape(codecs.BOM_UTF32_BE))),
)

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NUL_RUN = re.compile(rb"\x00{8,}")
# What no text has: but for white space, and the separator of RFC 7464.
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1e")) + b"\x7f"
_FEW_BYTES = 16
_MOST_CONTROLS, _MOST_NO_TEXT, _MOST_NO_TEXT_BEHIND_A_BAD_START = 0.05, 0.3, 0.02

# Hadoop writes what it is given at once as one block; Firehose buffers at most 128 MiB. And so the first byte
# of the length is one that text does not begin with.
_LARGEST_HADOOP_BLOCK = 144 << 20


def packing_of(head: bytes) -> str | None:
    """How an object is packed.

    Args:
        head: its first bytes, a few hundred at least where it has so many.

    Returns:
        `gzip`, `zstd`, `bz2`, `lz4`, `Snappy` (framed), `Hadoop-Snappy` or `ZIP`; None when it is not.
    """
    for name, pattern in _PACKINGS:
        if pattern.match(head):
            return name
    return "Hadoop-Snappy" if _is_hadoop_snappy(head) else None


def binary_kind(head: bytes) -> str | None:
    """What an unpacked object is that holds no text, with its article; None for text.

    Text in UTF-8 may have broken bytes, and runs of NUL. It is none when of its first 16 KB more than 5 % are
    control characters, or more than 30 % are no text of any kind (2 % where it begins so).

    Args:
        head: its first bytes.
    """
    sample = head[:_SAMPLE_BYTES]
    for name, pattern in _BINARY_KINDS:
        if pattern.match(sample):
            return name
    if sample.startswith(_UTF16_MARKS):
        return None
    if b"\x00" in sample and _is_utf16(sample):
        return "UTF-16 text without a byte order mark"
    return "binary data" if _is_mostly_no_text(sample) else None


def longest_snappy(size: int) -> int:
    """What this many bytes are packed by Snappy, at the most (`MaxCompressedLength` of snappy.cc)."""
    return 32 + size + size // 6


def _is_mostly_no_text(sample: bytes) -> bool:
    if b"\x00" in sample:
        sample = _NUL_RUN.sub(b"", sample)
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    no_text = controls + len(sample) - len(sample.decode("utf-8", "ignore").encode())
    if no_text < _FEW_BYTES:
        return False
    first = sample[:4].decode("utf-8", "ignore")[:1].encode()
    starts_badly = not first or first in _CONTROLS or not sample.startswith(first)
    most_no_text = _MOST_NO_TEXT_BEHIND_A_BAD_START if starts_badly else _MOST_NO_TEXT
    return controls > _MOST_CONTROLS * len(sample) or no_text > most_no_text * len(sample)


def _is_utf16(sample: bytes) -> bool:
    """Whether most characters of one byte order are of ASCII, and none of the other."""
    few, many = sorted((sample[0::2].count(0), sample[1::2].count(0)))
    return many >= _FEW_BYTES and many > len(sample) * 0.2 and few * 16 < many


def _is_hadoop_snappy(head: bytes) -> bool:
    """Whether the lengths that a block begins with fit each other: of the block, of its first chunk packed
    (both with four bytes, the highest first) and of that chunk unpacked, as Snappy begins with it.

    https://github.com/apache/hadoop/blob/trunk/hadoop-common-project/hadoop-common/src/main/java/org/apache/hadoop/io/compress/BlockCompressorStream.java
    """
    block, packed = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big")
    if not 0 < block <= _LARGEST_HADOOP_BLOCK or not packed:
        return False
    try:
        unpacked = cramjam.snappy.decompress_raw_len(head[8:13])
    except cramjam.DecompressionError:
        return False
    return 0 < unpacked <= block and packed <= longest_snappy(unpacked)
