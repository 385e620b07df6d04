"""Events with a hostile value at one of the places that staging reads: any value, at any path of any format.

Which places there are the project says itself, so a format or a field is covered from its first day.
"""

from __future__ import annotations

import base64
import csv
import gzip
import io
import itertools
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from warehouse import Warehouse

from loaders.lakehouse.json_functions import LONGEST_KEY
from loaders.sample import DEFAULT_START, generate_sample
from loaders.sample.exports import write_exports
from oracle.records import detect_format, opened

MODIFIED_AT = datetime(2026, 1, 10, tzinfo=UTC)
MEGABYTE = 1 << 20
_PLACE = "the hostile value"
_PLACE_JSON = json.dumps(_PLACE)
_ENVELOPE_SHARE = 0.1
_VISITORS = 97

# As they stand in the JSON text.
VALUES = {
    "empty": ['""'],
    "blanks": ['" "', r'"\t\r\n  "', r'"\u00a0\u3000\u200b"', r'" \t padded \n"'],
    "NUL": [r'"\u0000"', r'"a\u0000b"', r'"\u0000\u0000a"', r'"\u0001\u001b[2J\u007f\u0085"'],
    "line breaks": [r'"a\nb"', r'"a\r\nb\r"', r'"\n/a?b\n#c"', r'"\u2028\u2029\u000b\u000c"'],
    "quotes": [
        r'"\""', r'"it\u0027s"', '"\'; drop table raw.web_events; --"', r'"\\"', r'"\\\"\\\\"', '"`$(x)`"',
    ],
    "paths": [
        '"../../../etc/passwd"', '"/"', '"//"', '"."', '".."', '"a/b=c/d"', r'"..\\..\\"',
        '"' + "x/" * 600 + '"',
    ],
    "percent": ['"%2F"', '"%2e%2e%2f"', '"%"', '"%zz%00"', '"100%25"', '"+ &=?#;,:@"'],
    "emoji": [
        '"😀"', r'"\ud83d\ude00"', '"👩‍👩‍👧‍👦🏳️‍🌈"', r'"e\u0301"', r'"\u202eabc\ufeff\uffff"',
        '"' + "広" * 400 + '"',
    ],
    "lone surrogates": [r'"\ud800"', r'"\udc00\ud800"', r'"a\ud83d"'],
    "numbers as text": [
        '"0"', '"-1"', '"007"', '"1e400"', '"-1E-400"', '"NaN"', '"-Infinity"', '"0x10"', '"1_000"', '"1,5"',
        '"٣"', '"99999999999999999999"', '"9223372036854775808"', '"1e9999"', '"-62135596801"',
        '"253402300800000"', '"1767322445.1234567"', '"' + "9" * 400 + '"', '"0.' + "1" * 400 + '"',
    ],
    "numbers": [
        "0", "-0.0", "1e308", "5e-324", "12345678901234567890", "1" * 200, "1e400", "253402300800000",
    ],
    "other kinds": ["true", "false", "null"],
    "times": [
        '"0000-00-00"', '"0001-01-01T00:00:00Z"', '"9999-12-31T23:59:59.9999999-14:00"',
        '"2026-01-02T24:00:00Z"', '{"$date":{"$numberLong":"9223372036854775807"}}',
        '{"seconds":"999999999999","nanos":"999999999"}', '{"$timestamp":{"t":-1}}',
    ],
    "missing": [
        '"undefined"', r'"\\N"', '"00000000-0000-0000-0000-000000000000"', '"__HIVE_DEFAULT_PARTITION__"',
    ],
    "nesting": [
        "{}", "[]", "[[[]]]", '[{"key":"a","value":{"key":"b"}}]', '[null,{"a":[{"a":1}]}]',
        '{"a":{"":{".":[0]}}}', '{"$oid":"x"}', '{"$oid":{"$oid":1}}', '{"$numberDecimal":"NaN"}',
        '{"$binary":{"base64":"AA==","subType":"04"}}', '{"a":[' * 100 + "1" + "]}" * 100,
        "[" * 300 + "]" * 300,
    ],
    "nesting as text": [
        '"{}"', '"[]"', '"{"', '"[{"', r'"{\"a\":{\"b\":\"{\\\"c\\\":1}\"}}"', r'"{\"$oid\":\"x\"}"',
        r'"[{\"key\":\"a\",\"value\":1}]"', r'"{\"a\":\"\\ud800\"}"', '"' + "[" * 300 + "]" * 300 + '"',
        '"' + r'{\"a\":' * 260 + "1" + "}" * 260 + '"',
    ],
    "base64": ['"e30="', '"eyJ0eXBlIjoicGFnZSJ9"', '"H4sIAAAA"', '"gICA"', '"===="'],
}  # fmt: skip
LONG_VALUES = tuple(
    f'"{part * (MEGABYTE // len(part.encode()) + 1)}"' for part in ("x", "😀", "a/%2F'" + "\\\\")
)


@dataclass(frozen=True)
class Places:
    """Where staging looks for values."""

    by_format: dict[str, dict[str, list[str]]]
    """{format: {field: JSON paths}}; the paths of lists end in the key of a line."""

    def of(self, name: str) -> list[str]:
        """All paths of a format."""
        return [path for paths in self.by_format[name].values() for path in paths]


@dataclass
class Landing:
    """The objects that were written."""

    json_lines: dict[Path, list[str]] = field(default_factory=dict)
    csv_rows: dict[Path, list[dict[str, str]]] = field(default_factory=dict)

    def payloads(self) -> Iterator[tuple[str, int, Any]]:
        """Address, position, and what the record is: its text, or the cells of its row."""
        for path, records in (self.json_lines | self.csv_rows).items():
            for position, record in enumerate(records):
                yield path.as_uri(), position, record


def read_places(warehouse: Warehouse) -> Places:
    """Ask the project which paths each format has, own columns and times included."""
    question = "{{ tojson([event_formats(), line_paths(), other_event_times()]) }}"
    answer = warehouse.dbt("--quiet", "compile", "--inline", question).stdout
    formats, line_keys, times = json.loads(answer)
    for fields in formats.values():
        lists = fields.get("lines", [])
        fields["lines"] = lists + [f"{path}[0].{key}" for path in lists for key in line_keys]
        fields["event_time"] += [path for path in times if path not in fields["event_time"]]
    return Places(formats)


def valid_records(directory: Path, places: Places) -> dict[str, dict[str, Any]]:
    """A valid record of each format, out of sample data: the one that fills the most of its format's paths.

    Args:
        directory: where to write the sample data.
        places: which formats there are.
    """
    generate_sample(directory / "sample", events=600, days=2, seed=5)
    write_exports(directory / "exports", events=150, seed=5, start=DEFAULT_START)
    best: dict[str, tuple[int, dict[str, Any]]] = {}
    for record in _sample_records(directory):
        name = detect_format(opened(record))
        if name in places.by_format and not any(_is_json(value) for value in record.values()):
            filled = sum(_holds(record, path) for path in places.of(name))
            if filled > best.get(name, (0, {}))[0]:
                best[name] = (filled, record)
    lacking = places.by_format.keys() - best.keys()
    assert not lacking, f"no sample data of {', '.join(sorted(lacking))}: add it to loaders/sample"
    return {name: best[name][1] for name in places.by_format}


def write_hostile(
    directory: Path,
    places: Places,
    templates: dict[str, dict[str, Any]],
    *,
    per_path: int = len(VALUES),
    long: int = 8,
) -> Landing:
    """Write records of each format with one hostile value each, as JSON Lines and as CSV.

    Args:
        directory: gets `events` (JSON) and `csv`.
        places: where values go.
        templates: a valid record of each format.
        per_path: how many values each path gets, each of another kind; by default one of every kind.
        long: how many fields get a value of a megabyte.

    Returns:
        What was written.
    """
    rng = Random(17)
    landing = Landing()
    long_places = _long_places(rng, places, long)
    number = 0
    for name, template in templates.items():
        lines: list[str] = []
        tables: dict[tuple[str, ...], list[dict[str, str]]] = {}
        for turn, path in enumerate(places.of(name)):
            chosen = _chosen(rng, per_path, turn)
            in_csv = set(rng.sample(range(len(chosen)), max(len(chosen) // 5, 1)))
            chosen += [rng.choice(LONG_VALUES)] * ((name, path) in long_places)
            for index, value in enumerate(chosen):
                number += 1
                record = _marked(template, places.by_format[name], path, number)
                lines.append(_line(rng, record, value))
                if index in in_csv:
                    row = _row(record, value)
                    tables.setdefault(tuple(row), []).append(row)
        landing.json_lines[directory / "events" / f"{name}.json"] = lines
        for table, rows in enumerate(tables.values()):
            landing.csv_rows[directory / "csv" / f"{name}-{table}.csv"] = rows
    landing.json_lines[directory / "events" / "envelopes.json"] = list(_envelopes())
    landing.json_lines[directory / "events" / "keys.json"] = list(_keys(templates))
    landing.json_lines[directory / "events" / "long.json"] = list(_long_records(places, templates))
    for path, records in landing.json_lines.items():
        _write(path, "".join(f"{line}\n" for line in records))
    for path, rows in landing.csv_rows.items():
        _write(path, _csv(rows))
    return landing


def all_values() -> list[str]:
    """Every value but those of a megabyte."""
    return [value for values in VALUES.values() for value in values]


def _chosen(rng: Random, kinds: int, turn: int) -> list[str]:
    """Values of some kinds; from turn to turn each kind goes through its values."""
    return [VALUES[kind][turn % len(VALUES[kind])] for kind in rng.sample(sorted(VALUES), kinds)]


def _long_places(rng: Random, places: Places, count: int) -> set[tuple[str, str]]:
    """One path of each field, in any format, up to a number of fields."""
    by_field: dict[str, list[tuple[str, str]]] = {}
    for name, fields in places.by_format.items():
        for field_name, paths in fields.items():
            by_field.setdefault(field_name, []).extend((name, path) for path in paths)
    chosen = rng.sample(sorted(by_field), min(count, len(by_field)))
    return {rng.choice(by_field[field_name]) for field_name in chosen}


def _sample_records(directory: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(directory.rglob("*")):
        if path.is_dir() or not {"firehose", "events", "csv"} & set(path.parts):
            continue
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8", "replace")
        if path.suffix == ".csv":
            yield from csv.DictReader(io.StringIO(text))
            continue
        for line in text.replace("}{", "}\n{").splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record


def _is_json(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("{", "["))


def _steps(path: str) -> list[str | int]:
    """`a.b[0]` as `a`, `b`, 0."""
    steps: list[str | int] = []
    for key in path.split("."):
        match = re.fullmatch(r"(.+)\[([0-9]+)\]", key)
        steps += [match[1], int(match[2])] if match else [key]
    return steps


def _holds(record: Any, path: str) -> bool:
    for step in _steps(path):
        if isinstance(record, list) and isinstance(step, str):
            record = {pair.get("key"): pair.get("value") for pair in record if isinstance(pair, dict)}
        try:
            record = record[step]
        except (KeyError, IndexError, TypeError):
            return False
    return record is not None


def _marked(template: dict[str, Any], fields: dict[str, list[str]], path: str, number: int) -> dict[str, Any]:
    """A record that is an event of its own, of one of some visitors, with a mark at a path."""
    record = json.loads(json.dumps(template))
    put(record, fields["own_event_id"][0], f"hostile-{number}")
    visitor = fields.get("anonymous_id") or fields["user_id"]
    put(record, visitor[0], f"visitor-{number % _VISITORS}")
    put(record, path, _PLACE)
    return record


def put(record: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a path; objects and lists on the way are made where they are missing."""
    steps = _steps(path)
    parent: Any = record
    for step, following in itertools.pairwise(steps):
        child = _child(parent, step)
        if not _can_hold(child, following):
            child = [None] if isinstance(following, int) else {}
            _set(parent, step, child)
        parent = child
    _set(parent, steps[-1], value)


def _can_hold(parent: Any, step: str | int) -> bool:
    """Whether something is an object for a key, or a list of keys and values; or a list for a position."""
    if isinstance(parent, list) and isinstance(step, str):
        return bool(parent) and all(isinstance(pair, dict) and "key" in pair for pair in parent)
    return isinstance(parent, dict if isinstance(step, str) else list)


def _child(parent: Any, step: str | int) -> Any:
    if isinstance(parent, dict):
        return parent.get(step)
    if isinstance(step, int):
        return parent[step]
    return next((pair["value"] for pair in parent if pair["key"] == step), None)


def _set(parent: Any, step: str | int, value: Any) -> None:
    if isinstance(parent, list) and isinstance(step, str):
        parent[:] = [pair for pair in parent if pair["key"] != step]
        parent.append({"key": step, "value": {"string_value": value}})
    else:
        parent[step] = value


def _line(rng: Random, record: dict[str, Any], value: str) -> str:
    """The record with the value at its mark, some in an envelope."""
    line = json.dumps(record, ensure_ascii=False).replace(_PLACE_JSON, value)
    if rng.random() < _ENVELOPE_SHARE:
        return json.dumps({"data": base64.b64encode(line.encode()).decode()})
    return line


def _row(record: dict[str, Any], value: str) -> dict[str, str]:
    """The record as a row of CSV: objects and lists are JSON text, and so is what no CSV can hold."""
    text = json.loads(value) if value.startswith('"') else value
    if any("\ud800" <= character <= "\udfff" for character in text):
        text = value
    row = {}
    for key, cell in record.items():
        if isinstance(cell, (dict, list)):
            row[key] = json.dumps(cell, ensure_ascii=False).replace(_PLACE_JSON, value)
        else:
            row[key] = text if cell == _PLACE else "" if cell is None else str(cell)
    return row


def _envelopes() -> Iterator[str]:
    for value in all_values():
        yield f'{{"data":{value}}}'
        yield f'{{"kinesis":{{"data":{value}}}}}'
        yield f'{{"batch":{value}}}'
        if value.startswith('"'):
            yield value
        yield base64.b64encode(value.encode()).decode()


def _keys(templates: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Records with a hostile key beside the others, and in each of their objects."""
    keys = [value for value in all_values() if value.startswith('"')]
    for name, template in templates.items():
        for number, key in enumerate(keys):
            record = json.loads(json.dumps(template)) | {_PLACE: name, "messageId": f"key-{name}-{number}"}
            for child in record.values():
                if isinstance(child, dict):
                    child[_PLACE] = 1
            yield json.dumps(record, ensure_ascii=False).replace(_PLACE_JSON, key)
    for length in (LONGEST_KEY, LONGEST_KEY + 1, MEGABYTE):
        yield json.dumps(template | {"k" * length: 1})


def _long_records(places: Places, templates: dict[str, dict[str, Any]]) -> Iterator[str]:
    """What is put together of a record: its hash, JSON held as text, the list of its keys, its envelope."""
    name, record = next(iter(templates.items()))
    for path in places.by_format[name]["own_event_id"]:
        record = {key: value for key, value in record.items() if key != path}
    yield json.dumps(record | {"x": "x" * MEGABYTE})
    text = json.dumps({"x": "😀" * (MEGABYTE // 3)}, ensure_ascii=False)
    yield json.dumps(record | {"properties": text, "metadata": text}, ensure_ascii=False)
    yield json.dumps(record | {"properties": {f"{number:0{LONGEST_KEY}}": 1 for number in range(22)}})
    yield json.dumps(record | {"timestamp": f"1.{'1' * MEGABYTE}E5"})
    whole = json.dumps(record | {"x": "y" * MEGABYTE})
    for contents in (whole, f"[{whole}]", f"{whole} {whole}", "z" * MEGABYTE):
        yield json.dumps({"data": base64.b64encode(contents.encode()).decode()})


def _csv(rows: Iterable[dict[str, str]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for number, row in enumerate(rows):
        if not number:
            writer.writerow(row)
        writer.writerow(row.values())
    return buffer.getvalue()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    os.utime(path, (MODIFIED_AT.timestamp(), MODIFIED_AT.timestamp()))
