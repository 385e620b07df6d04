"""Errors that people read."""

from __future__ import annotations


class LoaderError(Exception):
    """Something a person can act on: the message is one line that names the object and what to do."""
