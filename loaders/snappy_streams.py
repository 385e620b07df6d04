"""The two streams of Snappy blocks that Firehose and Hadoop write, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import cramjam

from loaders.object_kinds import SNAPPY_IDENTIFIER, longest_snappy

_COMPRESSED, _UNCOMPRESSED, _FIRST_SKIPPABLE = 0x00, 0x01, 0x80
_LONGEST_FRAME = longest_snappy(64 << 10) + 4  # with its checksum
_FRAMES_AT_ONCE = 64
_LARGEST_CHUNK = 64 << 20
"""Hadoop's own have 256 KB; a larger one would only cost memory."""


class Source(Protocol):
    """Bytes to read."""

    def read(self, size: int, /) -> bytes:
        """Return so many bytes, fewer only at the end."""


def framed_blocks(source: Source) -> Iterator[bytes]:
    """Unpack a stream of the framing format, whose checksums are checked.

    https://github.com/google/snappy/blob/main/framing_format.txt

    Args:
        source: what begins with SNAPPY_IDENTIFIER.

    Raises:
        EOFError: it is cut.
        cramjam.DecompressionError: it is damaged.
    """
    frames: list[bytes] = []
    while header := source.read(4):
        _check_whole(header, 4)
        kind, size = header[0], int.from_bytes(header[1:], "little")
        is_data = kind in (_COMPRESSED, _UNCOMPRESSED)
        if not is_data and kind < _FIRST_SKIPPABLE:
            raise cramjam.DecompressionError(f"a frame of the unknown kind {kind}")
        if is_data and size > _LONGEST_FRAME:
            raise cramjam.DecompressionError(f"a frame of {size:,} bytes")
        content = _exactly(source, size)
        if is_data:
            frames.append(header + content)
        if len(frames) == _FRAMES_AT_ONCE:
            yield _unpack_frames(frames)
            frames = []
    if frames:
        yield _unpack_frames(frames)


def hadoop_blocks(source: Source) -> Iterator[bytes]:
    """Unpack the blocks of Hadoop's SnappyCodec: a length, then chunks that unpack to so many bytes.

    Args:
        source: what `packing_of` calls Hadoop-Snappy.

    Raises:
        EOFError: it is cut.
        cramjam.DecompressionError: it is damaged.
    """
    while header := source.read(4):
        _check_whole(header, 4)
        left = int.from_bytes(header, "big")
        while left:
            size = int.from_bytes(_exactly(source, 4), "big")
            if size > longest_snappy(min(left, _LARGEST_CHUNK)):
                raise cramjam.DecompressionError(f"a chunk of {size:,} bytes in a block of {left:,}")
            chunk = _exactly(source, size)
            unpacked_size = cramjam.snappy.decompress_raw_len(chunk)
            if not 0 < unpacked_size <= min(left, _LARGEST_CHUNK):
                raise cramjam.DecompressionError(f"a chunk of {unpacked_size:,} bytes in a block of {left:,}")
            yield bytes(cramjam.snappy.decompress_raw(chunk))
            left -= unpacked_size


def _unpack_frames(frames: list[bytes]) -> bytes:
    return bytes(cramjam.snappy.decompress(SNAPPY_IDENTIFIER + b"".join(frames)))


def _exactly(source: Source, size: int) -> bytes:
    content = source.read(size)
    _check_whole(content, size)
    return content


def _check_whole(content: bytes, size: int) -> None:
    if len(content) < size:
        raise EOFError("its end is missing")
