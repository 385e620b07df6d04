"""The tail of a Firehose stream: what is new is found without listing or reading the history.

Firehose names objects by the hour in which their records arrived, `YYYY/MM/DD/HH/…` in UTC. So objects that
come later have greater names, but for the late ones: Firehose tries for up to a day to deliver to S3. The
ledger knows the latest hour that was loaded, the checkpoint; objects are listed from some hours before it on.
https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pyiceberg.catalog import Catalog

from loaders.catalog import RAW_NAMESPACE, open_catalog
from loaders.errors import LoaderError
from loaders.ledger import Ledger, Version
from loaders.loading import BatchSize, Progress, Target, load, prepare, run, version_of
from loaders.objects import NoObjectsError, address, list_objects, relative_name
from loaders.summary import Summary
from loaders.unpacking import DEFAULT_MAX_RATIO

DATASET, SOURCE = "web_events", "firehose"
DEFAULT_LOOK_BACK = timedelta(hours=24)
DEFAULT_POLL_SECONDS = 30.0

# The hour's folders, also as Hive names them (`year=2026/month=01/…`, a custom prefix of Firehose).
_HOUR = re.compile(
    r"(?P<slash>/?)(?P<y>[a-z]+=)?(\d{4})/(?P<m>[a-z]+=)?(\d{2})/(?P<d>[a-z]+=)?(\d{2})/(?P<h>[a-z]+=)?(\d{2})/"
)
# How much of the ledger is read to find the latest hour: more only when nothing was loaded so recently.
_RECENT = (timedelta(days=2), timedelta(days=30), None)


def start_after(
    ledger: Ledger, uri: str, look_back: timedelta | None = DEFAULT_LOOK_BACK, now: datetime | None = None
) -> str:
    """Where to begin to list a stream's objects: `after` of `list_objects`.

    Args:
        ledger: knows the hours that were loaded.
        uri: what is listed; the folders of hours must lie right below it, else everything is listed.
        look_back: how long before the latest hour; None for everything.
        now: UTC, without zone; an hour in the future is not taken for the latest.

    Raises:
        LoaderError: the ledger can't be read.
    """
    if look_back is None:
        return ""
    now = now or datetime.now(UTC).replace(tzinfo=None)
    prefix = address(uri)
    for period in _RECENT:
        since = now - period if period else None
        uris = ledger.uris_since(DATASET, prefix, since)
        found = [_hour_of(relative_name(one, prefix)) for one in uris]
        hours = [hour for hour in found if hour and hour[0] <= now]
        if hours:
            latest, names = max(hours)
            return names.format(latest - look_back)
    return ""


def load_tail(
    uri: str,
    batch_size: BatchSize | None = None,
    look_back: timedelta | None = DEFAULT_LOOK_BACK,
    max_ratio: float = DEFAULT_MAX_RATIO,
    progress: Progress | None = None,
) -> Summary:
    """Load what Firehose has delivered since the last time.

    Args:
        uri: see `list_objects`.
        batch_size: when to commit.
        look_back: see `start_after`.
        max_ratio: see `unpack`.
        progress: hears of the progress.

    Returns:
        See `loading.run`.
    """
    return run(
        uri,
        dataset=DATASET,
        source=SOURCE,
        batch_size=batch_size,
        max_ratio=max_ratio,
        after=lambda ledger: start_after(ledger, uri, look_back),
        progress=progress,
    )


def follow(
    uri: str,
    *,
    stop: threading.Event,
    report: Callable[[Summary], None],
    batch_size: BatchSize | None = None,
    look_back: timedelta | None = DEFAULT_LOOK_BACK,
    max_ratio: float = DEFAULT_MAX_RATIO,
    poll_seconds: float = DEFAULT_POLL_SECONDS,
    namespace: str = RAW_NAMESPACE,
) -> None:
    """Load what Firehose delivers until told to stop.

    New objects are loaded together: when the oldest has waited as long as a batch may, or when all of them,
    as stored, have a batch's size.

    Args:
        uri: see `list_objects`.
        stop: when set, the batch that is being read is committed, and that's it.
        report: is told what each load has done or mended, and of errors; those don't end it.
        batch_size: when to load and commit.
        look_back: see `start_after`.
        max_ratio: see `unpack`.
        poll_seconds: how often to look.
        namespace: of the raw tables.
    """
    tail = _Tail(uri, batch_size or BatchSize(), look_back, max_ratio, namespace)
    while not stop.is_set():
        summary = Summary(DATASET)
        started = time.monotonic()
        try:
            tail.load_what_is_due(summary, stop)
        except LoaderError as error:
            summary.errors.append(error)
        summary.seconds = time.monotonic() - started
        if summary.loaded or summary.errors or summary.notes:
            report(summary)
        stop.wait(poll_seconds)


class _Tail:
    """Remembers between polls what is of no use to be tried again."""

    def __init__(
        self,
        uri: str,
        batch_size: BatchSize,
        look_back: timedelta | None,
        max_ratio: float,
        namespace: str,
    ) -> None:
        self._uri = uri
        self._batch_size = batch_size
        self._look_back = look_back
        self._max_ratio = max_ratio
        self._namespace = namespace
        self._catalog: Catalog | None = None
        self._refused: set[Version] = set()

    def load_what_is_due(self, summary: Summary, stop: threading.Event) -> None:
        if self._catalog is None:
            catalog = open_catalog()
            notes, errors = prepare(catalog, self._namespace)
            summary.notes += notes
            summary.errors += errors.values()
            self._catalog = catalog
        target = Target(self._catalog, self._namespace, DATASET, summary.notes)
        after = start_after(target.ledger, self._uri, self._look_back)
        try:
            listing = list_objects(self._uri, after=after)
        except NoObjectsError:
            return  # not yet
        target.catch_up(listing.objects)
        done = target.loaded | self._refused
        new = [stored for stored in listing.objects if version_of(stored) not in done]
        if not new or not self._is_due(sum(one.size for one in new), min(one.modified_at for one in new)):
            return
        load(
            self._catalog,
            listing,
            summary,
            source=SOURCE,
            batch_size=self._batch_size,
            max_ratio=self._max_ratio,
            namespace=self._namespace,
            ignored=self._refused,
            stop=stop,
        )
        self._refused |= summary.refused

    def _is_due(self, size: int, oldest: datetime) -> bool:
        waited = (datetime.now(UTC).replace(tzinfo=None) - oldest).total_seconds()
        return size >= self._batch_size.size or waited >= self._batch_size.seconds


def _hour_of(name: str) -> tuple[datetime, str] | None:
    """The hour in an object's name, and a format of such names without what follows the hour."""
    match = _HOUR.match(name)
    if not match:
        return None
    try:
        hour = datetime(*(int(match[group]) for group in (3, 5, 7, 9)))
    except ValueError:
        return None
    labels = [match[label] or "" for label in "ymdh"]
    parts = (
        label + code for label, code in zip(labels, ("{0:%Y}", "{0:%m}", "{0:%d}", "{0:%H}"), strict=True)
    )
    return hour, match["slash"] + "/".join(parts) + "/"
