"""Errors that people read."""

from __future__ import annotations

_LONGEST_MESSAGE = 300


class LoaderError(Exception):
    """Something a person can act on: the message is one line that names the object and what to do."""


def one_line(error: BaseException) -> str:
    """The message of an error of another library on one line, shortened; its type when it has none."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"
