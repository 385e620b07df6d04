"""Time spans on the command line."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Duration(click.ParamType):
    """A time span such as 90s, 30m, 12h or 7d."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Parse the text of an option."""
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"(\d+)([smhd])", value)
        if not match:
            self.fail(f"{value!r} is no time span: write for example 90s, 30m, 12h or 7d", param, ctx)
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
