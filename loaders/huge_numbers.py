"""Whether JSON text may hold a number that no double holds: a look at many records at once."""

from __future__ import annotations

import numpy as np

_MOST_DIGITS = 200
"""A number of fewer is in range whatever two digits its exponent has: a double goes up to 1.8e308."""
_STRIDE = 20
_LOWER_CASE, _E, _PLUS, _MINUS, _POINT = 0x20, *b"e+-."
_BEFORE_NUMBER = np.zeros(256, bool)
_BEFORE_NUMBER[list(b" \t\n\r:,[")] = True


def may_have_huge_number(text: np.ndarray) -> bool:
    """Whether there is something like `1e300` or a number of many digits, be it inside of a string.

    Args:
        text: of JSON objects, as bytes.
    """
    return _has_large_exponent(text) or _has_many_digits(text)


def _is_digit(characters: np.ndarray) -> np.ndarray:
    return (characters - np.uint8(48)) < 10


def _has_large_exponent(text: np.ndarray) -> bool:
    """Of three digits, and what stands before the `e` looks like a number outside of a string."""
    places = np.flatnonzero((text | _LOWER_CASE) == _E)
    # The text ends with a bracket, so that no place is the last one.
    places = places[_is_digit(text[places - 1])]
    ends = places + 1 + (text[places + 1] == _PLUS)
    for _ in range(3):
        is_digit = _is_digit(text[np.minimum(ends, len(text) - 1)])
        places, ends = places[is_digit], ends[is_digit] + 1
    places = places - 1
    while len(places):
        character = text[places]
        is_part = _is_digit(character) | (character == _POINT) | (character == _MINUS)
        if _BEFORE_NUMBER[character[~is_part]].any():
            return True
        places = places[is_part] - 1
    return False


def _has_many_digits(text: np.ndarray) -> bool:
    """So many side by side; most texts are done with a look at each twentieth character."""
    is_digit = _is_digit(text[::_STRIDE])
    samples = _MOST_DIGITS // _STRIDE - 1
    if len(is_digit) < samples:
        return False
    starts = is_digit[: len(is_digit) - samples + 1].copy()
    for shift in range(1, samples):
        starts &= is_digit[shift : len(is_digit) - samples + 1 + shift]
    places = np.flatnonzero(starts) * _STRIDE
    for offset in range(1, (samples - 1) * _STRIDE):
        if not len(places):
            return False
        places = places[_is_digit(text[places + offset])]
    return len(places) > 0
