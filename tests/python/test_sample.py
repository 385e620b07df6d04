"""The sample generator: same bytes again, exact counts, constant memory, days that continue each other.

The recount reads the files with the standard library only, judges the records as the tests' own computation
in plain Python does, and knows nothing of the generator or the loaders.
"""

import base64
import binascii
import csv
import gzip
import itertools
import json
import re
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from loaders.sample import Manifest, delivery, generate_sample, writer
from oracle.commerce import compute_commerce
from oracle.records import Event, Rejected, inner_record, read_event

FIRST = {"events": 20_000, "days": 6, "seed": 12}
NEXT = {"events": 9_000, "days": 3, "seed": 12, "first_day": 6}
HOUR = timedelta(hours=1)


# A simple reader --------------------------------------------------------------------------------------------


@dataclass
class Read:
    """A record as read: its text, the object it came from, and that object's time."""

    text: str
    source: str
    begin: datetime
    modified: datetime
    path: Path
    position: int


def refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


DECODER = json.JSONDecoder(parse_constant=refuse_constant)


def has_invalid_bytes(text: str) -> bool:
    return not text.isascii() and any("\udc80" <= character <= "\udcff" for character in text)


def object_at(text: str, position: int) -> int | None:
    """The end of the JSON object that starts at a position, or None."""
    try:
        value, end = DECODER.raw_decode(text, position)
    except ValueError:
        return None
    is_object = isinstance(value, dict) and not has_invalid_bytes(text[position:end])
    return end if is_object else None


def split_concatenated(text: str) -> Iterator[str]:
    position = 0
    while position < len(text):
        end = object_at(text, position)
        if end is None:
            # What stands as a value is a fragment of the broken record.
            begins = (match.start() for match in re.finditer("{", text[position:]))
            starts = (position + begin for begin in begins if begin)
            ends = (start for start in starts if text[:start].rstrip()[-1] not in ":,[")
            end = next((start for start in ends if object_at(text, start)), len(text))
        yield text[position:end]
        position = end


def texts_of(path: Path) -> tuple[list[str], int]:
    """The records of an object and its blank lines."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    text = content.decode("utf-8", "surrogateescape")
    if path.suffix == ".csv":
        rows = [row for row in csv.reader(text.splitlines(keepends=True)) if row]
        records = [json.dumps(dict(zip(rows[0], row, strict=True))) for row in rows[1:]]
        return records, sum(not line.strip() for line in text.splitlines())
    if path.suffix == ".json":
        return [json.dumps(element) for element in json.loads(text)], 0
    if "\n" not in text:
        return list(split_concatenated(text)), 0
    lines = text.removesuffix("\n").split("\n")
    return [line for line in lines if line.strip()], sum(not line.strip() for line in lines)


def modified_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def covered(path: Path) -> timedelta:
    """How much time an object covers."""
    if "archive" not in path.parts:
        return HOUR
    return 24 * HOUR if path.suffix == ".csv" else 6 * HOUR


def web_event_objects(directory: Path) -> list[Path]:
    paths = [path for folder in ("firehose", "archive") for path in (directory / folder).rglob("*")]
    return sorted(path for path in paths if path.is_file())


# The judgement of plain Python -----------------------------------------------------------------------------


def parsed(text: str) -> Any:
    if has_invalid_bytes(text):
        return None
    try:
        return json.loads(text, parse_constant=refuse_constant)
    except ValueError:
        return None


def in_envelope(text: str) -> str | None:
    """The base64 text of an envelope whose contents are text; None for any other record."""
    outer = parsed(text)
    data = text if outer is None else None
    if isinstance(outer, dict) and "type" not in outer and "event_type" not in outer:
        data = outer.get("data") or outer.get("kinesis", {}).get("data")
    if not isinstance(data, str):
        return None
    standard = data.replace("-", "+").replace("_", "/")
    try:
        base64.b64decode(standard + "=" * (-len(data) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return data


def raw_row(read: Read) -> dict[str, Any]:
    """The record as loaders put it into the raw table."""
    is_too_large = len(read.text) > 8 << 20
    return {
        "payload": read.text[:4096] if is_too_large else read.text,
        "payload_encoding": "base64" if has_invalid_bytes(read.text) else "utf8",
        "parse_error": "record too large: so many bytes" if is_too_large else None,
        "source": read.source,
        "source_uri": str(read.path),
        "source_position": read.position,
        "source_modified_at": read.modified.replace(tzinfo=None),
        "loaded_at": read.modified.replace(tzinfo=None),
    }


def contents_of(read: Read) -> dict[str, Any]:
    """The event's record as it was written, out of its envelope."""
    return json.loads(json.dumps(inner_record(read.text, "utf8")[0]))


@dataclass
class Copy:
    """A copy of an event."""

    read: Read
    event: Event
    record: dict[str, Any]

    @property
    def at(self) -> datetime:
        return self.event.event_timestamp.replace(tzinfo=UTC)

    @property
    def is_arrival(self) -> bool:
        return self.event.timestamp_source == "arrival"


@dataclass
class Recount:
    """What a directory holds, counted anew."""

    loaders: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    rejected: Counter[str] = field(default_factory=Counter)
    by_identity: dict[Any, list[Copy]] = field(default_factory=lambda: defaultdict(list))
    enveloped: int = 0
    blank_lines: int = 0
    dirt: Counter[str] = field(default_factory=Counter)

    def add(self, read: Read) -> None:
        is_too_large = len(read.text) > 8 << 20
        self.loaders[read.source]["records"] += 1
        self.loaders[read.source]["malformed"] += is_too_large or not isinstance(parsed(read.text), dict)
        if data := in_envelope(read.text):
            self.enveloped += 1
            self.dirt["url_safe_envelopes"] += bool(re.search("[-_]", data) or len(data) % 4)
        try:
            event = read_event(raw_row(read))
        except Rejected as rejection:
            self.rejected[str(rejection)] += 1
        else:
            self.by_identity[event.event_id, event.visitor_id].append(Copy(read, event, contents_of(read)))

    @cached_property
    def copies(self) -> list[list[Copy]]:
        """The copies of each event, in the order of their delivery."""
        events = []
        for same in self.by_identity.values():
            same.sort(key=lambda copy: copy.at)
            chain = same[:1]
            for copy in same[1:]:
                if copy.at.date() - chain[-1].at.date() > timedelta(days=1):
                    events.append(chain)
                    chain = []
                chain.append(copy)
            events.append(chain)
        return [sorted(event, key=lambda copy: (copy.read.modified, copy.read.position)) for event in events]

    def events(self) -> list[Copy]:
        """The copy of each event that was delivered first."""
        return [copies[0] for copies in self.copies]

    def all_dirt(self) -> Counter[str]:
        dirt = self.dirt.copy()
        for copies in self.copies:
            dirt.update(oddities_of(copies[0]))
            dirt["copies_over_midnight"] += len({copy.at.date() for copy in copies}) - 1
        visitors = Counter(event_id for event_id, _ in self.by_identity)
        dirt["ids_of_another_visitor"] = sum(count - 1 for count in visitors.values())
        return dirt


OWN_FORMATS = {"legacy", "nested", "commerce", "clickstream", "web_shop"}
MEANS_NOTHING = {
    "undefined",
    "null",
    "00000000-0000-0000-0000-000000000000",
    "0",
    "-1",
    "NaN",
    "[object Object]",
}


def texts_in(value: Any) -> Iterator[str]:
    """All texts of a record that are not blank."""
    for inner in value.values():
        if isinstance(inner, dict):
            yield from texts_in(inner)
        elif isinstance(inner, str) and inner.strip():
            yield inner


def oddities_of(copy: Copy) -> Iterator[str]:
    """What the manifest counts of an event of one of the trackers of one's own."""
    record, is_csv = copy.record, copy.read.path.suffix == ".csv"
    if copy.event.source_format not in OWN_FORMATS:
        return
    texts = list(texts_in(record))
    ids = {record.get(name) for name in ("messageId", "event_id", "click_id", "userId")}
    time = next((record[name] for name in ("event_timestamp", "timestamp") if record.get(name)), "")
    if ids & MEANS_NOTHING:
        yield "shared_ids"
    if "$numberInt" in json.dumps(record.get("__v")):
        yield "mongo_wrappers"
    if not is_csv and any(text.startswith("{") for text in texts):
        yield "json_as_text"
    if any(text != text.strip() for text in texts):
        yield "padded_values"
    if isinstance(time, dict):
        yield "time_objects"
    elif re.fullmatch("[0-9]{16}|[0-9]{19}", str(time).strip()):
        yield "micro_and_nanoseconds"
    elif str(time).strip().endswith(" UTC"):
        yield "utc_suffix"


def recount(directory: Path) -> Recount:
    result = Recount()
    for path in web_event_objects(directory):
        source = "historical" if "archive" in path.parts else "firehose"
        modified = modified_at(path)
        texts, blank_lines = texts_of(path)
        result.loaders[source]["objects"] += 1
        result.blank_lines += blank_lines
        for position, text in enumerate(texts):
            record = text.lstrip("\ufeff\0\x1e")
            result.dirt["separators"] += record != text
            result.add(Read(record, source, modified - covered(path), modified, path, position))
    return result


def session_of(record: dict[str, Any]) -> str | None:
    metadata = record.get("metadata")
    nested = metadata.get("sessionId") if isinstance(metadata, dict) else None
    return nested or record.get("sessionId") or record.get("session_id")


def user_agent(record: dict[str, Any]) -> str:
    properties = record.get("eventData", record)
    properties = properties.get("properties", {}) if isinstance(properties, dict) else {}
    return properties.get("userAgent", "") if isinstance(properties, dict) else ""


def is_crawler(agent: str) -> bool:
    marks = ("bot", "spider", "headless", "python-requests")
    return any(mark in agent.lower() for mark in marks)


# The samples ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("first")
    generate_sample(directory, **FIRST)
    return directory


@pytest.fixture(scope="module")
def following(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("following")
    generate_sample(directory, **NEXT)
    return directory


@pytest.fixture(scope="module")
def first_recount(first: Path) -> Recount:
    return recount(first)


@pytest.fixture(scope="module")
def following_recount(following: Path) -> Recount:
    return recount(following)


def files_of(directory: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(directory)): (
            path.read_bytes(),
            0 if path.name == "manifest.json" else path.stat().st_mtime_ns,
        )
        for path in directory.rglob("*")
        if path.is_file()
    }


def csv_rows(directory: Path, dataset: str) -> list[dict[str, str]]:
    rows = []
    for path in sorted((directory / dataset).iterdir()):
        with path.open(newline="", encoding="utf-8") as file:
            rows.extend(csv.DictReader(file))
    return rows


def catalog_of(path: Path) -> dict[str, dict[str, Any]]:
    entries = [line for line in path.read_text().splitlines() if '"updated_at"' in line]
    return {product["product_id"]: product for product in map(json.loads, entries)}


def shop_rows(directory: Path, dataset: str) -> list[dict[str, Any]]:
    """Raw rows of the shop's files, by Python's own readers."""
    rows = []
    for path in sorted((directory / dataset).iterdir()):
        payloads = path.read_text(encoding="utf-8").splitlines()
        if path.suffix == ".csv":
            with path.open(newline="", encoding="utf-8") as file:
                header, *records = csv.reader(file)
            payloads = [
                json.dumps(dict(zip(header, record, strict=True))) if len(record) == len(header) else "broken"
                for record in records
            ]
        rows += [
            {
                "payload": payload,
                "payload_encoding": "utf8",
                "parse_error": None,
                "source": "historical",
                "source_uri": str(path),
                "source_etag": "v1",
                "source_position": position,
                "source_modified_at": modified_at(path),
                "batch_id": dataset,
                "loaded_at": datetime(2026, 2, 1, tzinfo=UTC),
            }
            for position, payload in enumerate(payloads)
        ]
    return rows


# Tests ------------------------------------------------------------------------------------------------------


def test_the_same_arguments_give_the_same_bytes(first: Path, tmp_path: Path) -> None:
    generate_sample(tmp_path, **FIRST)
    assert files_of(tmp_path) == files_of(first)


def test_another_seed_gives_other_events(first: Path, tmp_path: Path) -> None:
    generate_sample(tmp_path, **(FIRST | {"seed": 13}))
    assert files_of(tmp_path).keys() != files_of(first).keys()


@pytest.mark.parametrize("name", ["first", "following"])
def test_the_manifest_equals_a_recount(name: str, request: pytest.FixtureRequest) -> None:
    manifest = Manifest.read(request.getfixturevalue(name))
    counted: Recount = request.getfixturevalue(f"{name}_recount")
    events = counted.events()
    copies = sum(map(len, counted.copies))

    for loader, counts in manifest.loaders.items():
        assert counts == {key: counted.loaders[loader][key] for key in counts}
    assert manifest.rejected == {reason: counted.rejected[reason] for reason in manifest.rejected}
    assert manifest.events == len(events)
    assert manifest.duplicates == copies - len(events)
    assert manifest.records == manifest.events + manifest.duplicates + sum(manifest.rejected.values())
    assert manifest.records == sum(counts["records"] for counts in counted.loaders.values())
    assert manifest.enveloped_records == counted.enveloped
    assert manifest.blank_lines == counted.blank_lines
    assert manifest.dirt == counted.all_dirt()
    assert manifest.events_by_format == Counter(copy.event.source_format for copy in events)
    assert manifest.arrival_time_events == sum(copy.is_arrival for copy in events)
    late = sum(copy.at < copy.read.begin for copy in events if not copy.is_arrival)
    assert manifest.late_events == late

    agents = [user_agent(copy.record) for copy in events]
    assert manifest.bot_events["crawler"] == sum(map(is_crawler, agents))
    users = Counter(copy.event.visitor_id for copy in events if copy.event.source_format == "clickstream")
    assert manifest.bot_events["scripted"] == users.most_common(1)[0][1]

    revenues = [copy.event.revenue for copy in events if copy.event.event_action == "purchase"]
    assert manifest.purchases == {
        "events": len(revenues),
        "revenue": str(sum(revenues, Decimal("0.00"))),
        "without_amount": revenues.count(Decimal(0)),
    }


@pytest.mark.parametrize("arguments", [FIRST, NEXT])
def test_as_many_events_as_asked_for(
    arguments: dict[str, int], first_recount: Recount, following_recount: Recount
) -> None:
    counted = following_recount if "first_day" in arguments else first_recount
    assert len(counted.copies) == arguments["events"]


def test_every_kind_of_dirt_occurs(first: Path) -> None:
    manifest = Manifest.read(first)
    counts = [manifest.duplicates, manifest.late_events, manifest.arrival_time_events, manifest.blank_lines]
    counts += [
        *manifest.rejected.values(),
        *manifest.bot_events.values(),
        *manifest.events_by_format.values(),
        *manifest.dirt.values(),
    ]
    assert all(counts), manifest
    # A small share: most of the sample is as plain as data of the real world.
    assert sum(manifest.dirt.values()) < manifest.records / 10
    exported = set(manifest.events_by_format) - OWN_FORMATS
    assert sum(manifest.events_by_format[name] for name in exported) < manifest.events / 10


@pytest.mark.parametrize("events", [1, 40])
def test_small_samples_are_complete(events: int, tmp_path: Path) -> None:
    assert generate_sample(tmp_path, events=events, days=10, seed=1).events == events
    assert len(recount(tmp_path).copies) == events


def test_objects_are_named_framed_and_dated_as_firehose_does(first: Path) -> None:
    framings = Counter()
    for path in (first / "firehose").rglob("web-events-1-*"):
        content = path.read_bytes()
        assert content.startswith(b"\x1f\x8b") == (path.suffix == ".gz")
        year, month, day, hour = map(int, path.parts[-5:-1])
        begin = datetime(year, month, day, hour, tzinfo=UTC)
        assert modified_at(path) == begin + HOUR
        assert path.name.startswith(f"web-events-1-{begin:%Y-%m-%d-%H}-")
        text = gzip.decompress(content) if path.suffix else content
        framings[path.suffix, b"\n" in text] += 1
    assert framings.keys() == {(".gz", True), (".gz", False), ("", True), ("", False)}
    assert framings.most_common(1)[0][0] == (".gz", False)


def test_the_archive_holds_the_first_third_of_the_first_call(first: Path, following: Path) -> None:
    assert sorted(path.name for path in (first / "archive").iterdir()) == ["2026-01-05", "2026-01-06"]
    suffixes = {"".join(path.suffixes) for path in (first / "archive").rglob("*.*")}
    assert suffixes == {".json.gz", ".json", ".csv"}
    assert not (first / "firehose" / "2026" / "01" / "06").exists()
    assert (first / "firehose" / "2026" / "01" / "07").exists()
    assert not (following / "archive").exists()


def test_an_event_without_time_is_delivered_once(first_recount: Recount) -> None:
    assert all(len(copies) == 1 for copies in first_recount.copies if copies[0].is_arrival)


def test_memory_does_not_grow_with_the_events(tmp_path: Path) -> None:
    peaks = []
    for events in (10_000, 50_000):
        tracemalloc.start()
        generate_sample(tmp_path / str(events), events=events, days=14, seed=5)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0], peaks


def test_long_objects_are_split_and_few_records_are_held_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_RECORDS_PER_OBJECT", 20)
    monkeypatch.setattr(delivery, "MAX_PARKED_RECORDS", 3)
    manifest = generate_sample(tmp_path, events=4_000, days=2, seed=1)
    counted = recount(tmp_path)
    assert len(counted.copies) == manifest.events
    assert len(web_event_objects(tmp_path)) == manifest.datasets["web_events"]["files"] > 100
    assert manifest.records == sum(counts["records"] for counts in counted.loaders.values())


def test_later_days_continue_the_same_world(
    first: Path, following: Path, first_recount: Recount, following_recount: Recount
) -> None:
    visitors = {copy.event.visitor_id for copy in first_recount.events()}
    returning = {copy.event.visitor_id for copy in following_recount.events()} & visitors
    assert len(returning) > 50
    assert not first_recount.by_identity.keys() & following_recount.by_identity.keys()
    begin = datetime(2026, 1, 11, tzinfo=UTC)
    assert all(copy.at >= begin for copy in following_recount.events())
    assert all(copy.at <= begin for copy in first_recount.events())

    dumps = sorted((first / "products").iterdir())
    catalog = catalog_of(dumps[0])
    for dump in dumps[1:]:
        changes = catalog_of(dump)
        assert len(changes) < len(catalog)
        catalog |= changes
    later = catalog_of(following / "products" / "products-2026-01-11.json")
    assert later.keys() == catalog.keys()
    changed = sum(
        {**later[product_id], "updated_at": ""} != {**catalog[product_id], "updated_at": ""}
        for product_id in catalog
    )
    assert 0 < changed < 60, "one day of changes lies between the two"


def test_both_calls_fit_into_one_directory(first: Path, following: Path, tmp_path: Path) -> None:
    generate_sample(tmp_path, **FIRST)
    generate_sample(tmp_path, **NEXT)
    both = files_of(first) | files_of(following)
    assert files_of(tmp_path) == both
    assert Manifest.read(tmp_path) == Manifest.read(following)


def test_journeys_have_the_gaps_that_sessions_turn_on(first_recount: Recount) -> None:
    times: dict[str, list[datetime]] = defaultdict(list)
    for copy in first_recount.events():
        if not copy.is_arrival and copy.event.source_format in OWN_FORMATS:
            times[session_of(copy.record) or copy.event.visitor_id].append(copy.at)
    gaps = Counter()
    crossing = 0
    for moments in times.values():
        moments.sort()
        gaps.update(after - before for before, after in itertools.pairwise(moments))
        crossing += moments[0].date() != moments[-1].date()
    limit = timedelta(minutes=30)
    assert gaps[limit] > 0
    assert any(limit < gap <= limit + timedelta(seconds=1) for gap in gaps)
    assert crossing > 0


def test_visitors_log_in_on_the_same_anonymous_id(first_recount: Recount) -> None:
    users: dict[str, set[str | None]] = defaultdict(set)
    for copy in first_recount.events():
        if copy.event.source_format in ("legacy", "nested"):
            users[copy.event.visitor_id].add(copy.event.user_id)
    kinds = Counter((None in ids, len(ids - {None})) for ids in users.values())
    assert kinds[True, 1] > 0, "anonymous first, known later"
    assert kinds[True, 2] + kinds[False, 2] > 0, "two users share a device"
    assert kinds[True, 0] > kinds[True, 1]


@pytest.mark.parametrize("name", ["first", "following"])
def test_the_files_of_the_shop_add_up(name: str, request: pytest.FixtureRequest) -> None:
    directory: Path = request.getfixturevalue(name)
    manifest = Manifest.read(directory)
    raw = {dataset: shop_rows(directory, dataset) for dataset in ("transactions", "reviews", "products")}
    shop = compute_commerce(raw["transactions"], raw["reviews"], raw["products"])
    rejected = Counter((row["dataset"], row["rejection_reason"]) for row in shop.rejected_commerce)
    for row in shop.commerce_reconciliation:
        dataset = row["dataset"]
        counts, reasons = manifest.datasets[dataset], manifest.rejected_commerce[dataset]
        assert counts["records"] == row["raw_records"] == len(raw[dataset])
        assert (counts["distinct"], counts["duplicates"]) == (row["kept"], row["duplicates"])
        assert reasons == {reason: rejected[dataset, reason] for reason in reasons}
        assert sum(reasons.values()) == row["rejected"]
    assert len(shop.fct_transactions) == manifest.purchases["events"]
    assert all(row["quantity"] * row["price"] == row["total_amount"] for row in shop.fct_transactions)
    assert len(shop.revenue_trends) == manifest.arguments["days"]


def test_every_kind_of_dirt_of_the_shop_occurs(first: Path) -> None:
    manifest = Manifest.read(first)
    for dataset, reasons in manifest.rejected_commerce.items():
        assert all(reasons.values()), (dataset, reasons)
        assert sum(reasons.values()) < manifest.datasets[dataset]["records"] / 5
        assert manifest.datasets[dataset]["duplicates"] > 0
    rows = csv_rows(first, "transactions")
    assert {"completed", "Completed", "returned", "refunded"} <= {row["status"] for row in rows}
    assert any(not row["total_amount"] for row in rows)


def test_progress_sums_up_to_the_events(tmp_path: Path) -> None:
    steps: list[int] = []
    generate_sample(tmp_path, events=3_000, days=2, seed=1, progress=steps.append)
    assert sum(steps) == 3_000
    assert len(steps) > 20


def test_the_manifest_survives_json(first: Path) -> None:
    manifest = Manifest.read(first)
    assert Manifest.from_json(manifest.to_json()) == manifest
    with pytest.raises(ValueError, match="not a sample manifest"):
        Manifest.from_json("{}")


@pytest.mark.parametrize(
    "arguments",
    [{"events": 0, "days": 1}, {"events": 1, "days": 0}, {"events": 1, "days": 1, "first_day": -1}],
)
def test_impossible_arguments_are_refused(arguments: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be 1 or more"):
        generate_sample(tmp_path, seed=1, **arguments)


def test_a_directory_with_other_data_is_refused(tmp_path: Path) -> None:
    generate_sample(tmp_path, events=50, days=2, seed=1)
    generate_sample(tmp_path, events=50, days=2, seed=1)
    with pytest.raises(FileExistsError, match="another sample"):
        generate_sample(tmp_path, events=60, days=2, seed=1)
    with pytest.raises(FileExistsError, match="another sample"):
        generate_sample(tmp_path, events=50, days=2, seed=2, first_day=2)
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(FileExistsError, match="without a manifest"):
        generate_sample(tmp_path, events=50, days=2, seed=1)
