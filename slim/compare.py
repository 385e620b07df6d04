"""Two tables compared in DuckDB: rows added, removed and changed, and what changed in each column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

# When a row was written is not what it says.
LOAD_TIME_COLUMNS = frozenset(
    {
        "processed_timestamp",
        "taken_up_run",
        "dbt_updated_at",
        "dbt_valid_from",
        "dbt_valid_to",
        "dbt_scd_id",
    }
)
FLOAT_TOLERANCE = 1e-9
"""Of the larger of two values, or of 1: the last digits of a sum depend on the order of its rows."""

_FLOATS = ("FLOAT", "DOUBLE")
_CURRENT_STATE = "dbt_valid_to"

Example = tuple[dict[str, Any], Any, Any]


@dataclass(frozen=True)
class ColumnChange:
    """How many rows have another value in a column, and a few of them: key, before, after."""

    rows: int
    examples: list[Example]


@dataclass
class Comparison:
    """What became of a table."""

    rows_before: int
    rows_after: int
    key: tuple[str, ...] | None
    """None where no key holds: rows are compared as a whole, and none counts as changed."""
    added: int = 0
    removed: int = 0
    changed: int = 0
    columns: dict[str, ColumnChange] = field(default_factory=dict)
    added_rows: list[dict[str, Any]] = field(default_factory=list)
    """Examples: their keys, or whole rows where there is no key."""
    removed_rows: list[dict[str, Any]] = field(default_factory=list)
    new_columns: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Name, type, and how many rows have a value."""
    lost_columns: dict[str, str] = field(default_factory=dict)
    """Name and type."""
    other_types: dict[str, tuple[str, str]] = field(default_factory=dict)
    current_states_only: bool = False
    """A history: what it says of the past depends on when it was built."""

    @property
    def is_equal(self) -> bool:
        """Whether both hold the same rows in the same columns."""
        return not (
            self.added
            or self.removed
            or self.changed
            or self.new_columns
            or self.lost_columns
            or self.other_types
        )


def compare(
    connection: duckdb.DuckDBPyConnection,
    before: str,
    after: str,
    keys: Sequence[tuple[str, ...]],
    examples: int,
) -> Comparison:
    """Compare two tables in all columns that both have, but for load times.

    Args:
        connection: reads both; its temporary tables `before_rows`, `after_rows` and `joined` are replaced.
        before: the relation of the old table, quoted.
        after: that of the new one.
        keys: candidates, of which the first counts that is one of both tables.
        examples: how many rows to show of each kind at most.
    """
    types: list[dict[str, str]] = []
    for name, relation in (("before_rows", before), ("after_rows", after)):
        types.append(
            {column: kind for column, kind, *_ in connection.execute(f"describe {relation}").fetchall()}
        )
        where = f" where {_CURRENT_STATE} is null" if _CURRENT_STATE in types[-1] else ""
        connection.execute(f"create or replace temporary table {name} as select * from {relation}{where}")
    old, new = types
    shared = [name for name in new if name in old and name not in LOAD_TIME_COLUMNS]
    found = Comparison(
        rows_before=_count(connection, "before_rows"),
        rows_after=_count(connection, "after_rows"),
        key=next((key for key in keys if set(key) <= set(shared) and _is_key(connection, key)), None),
        new_columns={
            name: (kind, _count(connection, "after_rows", f"{_quoted(name)} is not null"))
            for name, kind in new.items()
            if name not in old
        },
        lost_columns={name: kind for name, kind in old.items() if name not in new},
        other_types={name: (old[name], new[name]) for name in shared if old[name] != new[name]},
        current_states_only=_CURRENT_STATE in new,
    )
    if found.key:
        _by_key(connection, found, shared, new, examples)
    else:
        _as_multisets(connection, found, shared, new, examples)
    return found


def _by_key(
    connection: duckdb.DuckDBPyConnection,
    found: Comparison,
    shared: Sequence[str],
    types: dict[str, str],
    examples: int,
) -> None:
    assert found.key
    compared = [name for name in shared if name not in found.key]
    key = [_quoted(name) for name in found.key]
    on = " and ".join(f"b.{name} is not distinct from a.{name}" for name in key)
    listed = [f"coalesce(b.{name}, a.{name}) as {name}" for name in key]
    for number, name in enumerate(compared):
        one, other = f"b.{_quoted(name)}", f"a.{_quoted(name)}"
        differs = _differs(one, other, types[name], name in found.other_types)
        listed += [
            f"{one} as before_{number}",
            f"{other} as after_{number}",
            f"{differs} as differs_{number}",
        ]
    connection.execute(
        f"create or replace temporary table joined as select {', '.join(listed)}, "
        "a.is_there is null as is_removed, b.is_there is null as is_added "
        "from (select *, true as is_there from before_rows) as b "
        f"full outer join (select *, true as is_there from after_rows) as a on {on}"
    )
    in_both = "not is_added and not is_removed"
    differs = [f"differs_{number}" for number in range(len(compared))]
    counts = ["is_added", "is_removed", f"{in_both} and ({' or '.join(differs) or 'false'})"]
    counts += [f"{in_both} and {one}" for one in differs]
    numbers = connection.execute(
        "select " + ", ".join(f"count(*) filter (where {one})" for one in counts) + " from joined"
    ).fetchone()
    assert numbers
    found.added, found.removed, found.changed, *of_columns = numbers
    order = f"order by {', '.join(key)} limit {examples:d}"
    for number, (name, rows) in enumerate(zip(compared, of_columns, strict=True)):
        if rows:
            shown = connection.execute(
                f"select {', '.join(key)}, before_{number}, after_{number} from joined "
                f"where {in_both} and differs_{number} {order}"
            ).fetchall()
            pairs = [(dict(zip(found.key, row, strict=False)), row[-2], row[-1]) for row in shown]
            found.columns[name] = ColumnChange(rows, pairs)
    for condition, into in (("is_added", found.added_rows), ("is_removed", found.removed_rows)):
        into += _rows(connection, f"select {', '.join(key)} from joined where {condition} {order}")


def _as_multisets(
    connection: duckdb.DuckDBPyConnection,
    found: Comparison,
    shared: Sequence[str],
    types: dict[str, str],
    examples: int,
) -> None:
    """Count the rows of each side without an equal on the other; a row counts as often as it is there."""
    floats = [name for name in shared if types[name] in _FLOATS and name not in found.other_types]
    exact = [name for name in shared if name not in floats]
    # The same types on both sides.
    listed = ", ".join(
        f"cast({_quoted(name)} as varchar) as {_quoted(name)}" if name in found.other_types else _quoted(name)
        for name in shared
    )
    for one, other in (("before", "after"), ("after", "before")):
        connection.execute(
            f"create or replace temporary table only_{one} as "
            f"select {listed} from {one}_rows except all select {listed} from {other}_rows"
        )
    unmatched = {one: f"only_{one}" for one in ("before", "after")}
    if floats:
        # Rows that are equal but for the last digits of floats: paired in the order of these.
        partition = f"partition by {', '.join(map(_quoted, exact))} " if exact else ""
        numbered = (
            f"select *, row_number() over ({partition}order by {', '.join(map(_quoted, floats))}) as nth from"
        )
        equal = [f"b.{_quoted(name)} is not distinct from a.{_quoted(name)}" for name in exact]
        equal += [
            f"not ({_differs(f'b.{_quoted(name)}', f'a.{_quoted(name)}', types[name], False)})"
            for name in floats
        ]
        for one, other in (("before", "after"), ("after", "before")):
            unmatched[one] = (
                f"(select * exclude (nth) from ({numbered} only_{one}) as b where not exists (select 1 from "
                f"({numbered} only_{other}) as a where {' and '.join(['a.nth = b.nth', *equal])}))"
            )
    found.removed, found.added = (_count(connection, unmatched[one]) for one in ("before", "after"))
    for one, into in (("after", found.added_rows), ("before", found.removed_rows)):
        into += _rows(connection, f"select * from {unmatched[one]} as rows order by all limit {examples:d}")


def _differs(one: str, other: str, kind: str, has_other_type: bool) -> str:
    """A condition, never null: two values are not the same."""
    if has_other_type:
        return f"(cast({one} as varchar) is distinct from cast({other} as varchar))"
    differs = f"({one} is distinct from {other})"
    if kind not in _FLOATS:
        return differs
    # Of infinity and of no number nothing is near.
    finite = f"isfinite({one}) and isfinite({other})"
    near = f"abs({one} - {other}) <= {FLOAT_TOLERANCE} * greatest(1, abs({one}), abs({other}))"
    return f"({differs} and not coalesce({finite} and {near}, false))"


def _is_key(connection: duckdb.DuckDBPyConnection, key: Sequence[str]) -> bool:
    columns = ", ".join(_quoted(name) for name in key)
    return all(
        not connection.execute(
            f"select 1 from {table} group by {columns} having count(*) > 1 limit 1"
        ).fetchall()
        for table in ("before_rows", "after_rows")
    )


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    result = connection.execute(query)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _count(connection: duckdb.DuckDBPyConnection, table: str, where: str = "true") -> int:
    row = connection.execute(f"select count(*) from {table} where {where}").fetchone()
    assert row
    return row[0]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
