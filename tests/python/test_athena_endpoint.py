"""The Athena endpoint for tests: it speaks Athena's API, and it refuses what Athena refuses."""

from __future__ import annotations

import csv
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from athena_warehouse import AthenaWarehouse
from botocore.exceptions import ClientError
from pyiceberg.catalog import load_catalog

pytestmark = pytest.mark.athena

SCHEMA = "analytics_endpoint"


class Client:
    """Statements through boto3's own client."""

    def __init__(self, warehouse: AthenaWarehouse) -> None:
        self.endpoint = warehouse.endpoint
        self.athena = warehouse.endpoint.client("athena")
        self.glue = warehouse.endpoint.client("glue")

    def start(self, sql: str, **more: Any) -> str:
        request = {
            "QueryString": sql,
            "QueryExecutionContext": {"Catalog": "awsdatacatalog", "Database": SCHEMA},
            "ResultConfiguration": {"OutputLocation": "s3://athena/staging/"},
            **more,
        }
        return self.athena.start_query_execution(**request)["QueryExecutionId"]

    def wait(self, identifier: str) -> dict[str, Any]:
        while True:
            execution = self.athena.get_query_execution(QueryExecutionId=identifier)["QueryExecution"]
            if execution["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
                return execution
            time.sleep(0.02)

    def run(self, sql: str) -> dict[str, Any]:
        """Run a statement that succeeds."""
        execution = self.wait(self.start(sql))
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
        return execution

    def refusal(self, sql: str) -> str:
        """Run a statement that fails; returns why."""
        status = self.wait(self.start(sql))["Status"]
        assert status["State"] == "FAILED", f"taken: {sql}"
        assert status["AthenaError"]["ErrorMessage"] == status["StateChangeReason"]
        return status["StateChangeReason"]

    def rows(self, sql: str) -> list[list[str | None]]:
        """All rows of a query, through boto3's paginator, without the header."""
        identifier = self.run(sql)["QueryExecutionId"]
        pages = self.athena.get_paginator("get_query_results").paginate(QueryExecutionId=identifier)
        rows = [row for page in pages for row in page["ResultSet"]["Rows"]]
        return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows][1:]

    def create(self, query: str, partitioning: str = "") -> str:
        """CREATE TABLE AS as dbt-athena writes it; returns the table's name."""
        name = f"t_{uuid.uuid4().hex[:12]}"
        self.run(self.create_sql(name, query, partitioning))
        return name

    def create_sql(self, name: str, query: str, partitioning: str = "") -> str:
        by = f"partitioning=ARRAY['{partitioning}']," if partitioning else ""
        return (
            f'create table "awsdatacatalog"."{SCHEMA}"."{name}" with (table_type=\'iceberg\', '
            f"is_external=false, location='s3://athena/tables/{name}', {by} format='parquet') as {query}"
        )


@pytest.fixture(scope="module")
def client(athena: AthenaWarehouse) -> Client:
    client = Client(athena)
    client.run(f"create schema if not exists `{SCHEMA}`")
    return client


def test_results_come_in_pages_with_one_header(client: Client) -> None:
    identifier = client.run("select n from unnest(sequence(1, 2500)) as numbers (n)")["QueryExecutionId"]
    pages = list(client.athena.get_paginator("get_query_results").paginate(QueryExecutionId=identifier))
    assert [len(page["ResultSet"]["Rows"]) for page in pages] == [1000, 1000, 501]
    cells = [row["Data"][0]["VarCharValue"] for page in pages for row in page["ResultSet"]["Rows"]]
    assert cells == ["n", *map(str, range(1, 2501))]


def test_values_are_athenas_texts(client: Client) -> None:
    sql = """
        select
            cast(row(1.5e0, 'x') as row(pitch double, name varchar)) as of_row,
            array[1, null, 3] as of_array,
            map(array['a'], array[date '2026-01-02']) as of_map,
            decimal '1.50' as of_decimal,
            timestamp '2026-01-02 03:04:05.123456' as of_timestamp,
            true as of_boolean,
            1.5e8 as large,
            x'00ff' as of_bytes,
            cast(null as bigint) as of_null,
            'é' as of_text
    """
    identifier = client.run(sql)["QueryExecutionId"]
    result = client.athena.get_query_results(QueryExecutionId=identifier)["ResultSet"]
    assert [cell.get("VarCharValue") for cell in result["Rows"][1]["Data"]] == [
        "{pitch=1.5, name=x}",
        "[1, null, 3]",
        "{a=2026-01-02}",
        "1.50",
        "2026-01-02 03:04:05.123456",
        "true",
        "1.5E8",
        "00 ff",
        None,
        "é",
    ]
    columns = result["ResultSetMetadata"]["ColumnInfo"]
    types = "row array map decimal timestamp boolean double varbinary bigint varchar"
    assert " ".join(column["Type"] for column in columns) == types
    assert (columns[3]["Precision"], columns[3]["Scale"]) == (3, 2)


def test_a_statement_can_be_stopped(client: Client) -> None:
    slow = "select count(*) from unnest(sequence(1, 10000)) cross join unnest(sequence(1, 10000)) cross join "
    identifier = client.start(f"{slow} unnest(sequence(1, 10000))")
    running = "select count(*) from system.runtime.queries where state = 'RUNNING'"
    deadline = time.monotonic() + 60
    while client.endpoint.trino.query(running) != [[2]]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    status = client.athena.get_query_execution(QueryExecutionId=identifier)["QueryExecution"]["Status"]
    assert status["State"] == "RUNNING"
    with pytest.raises(ClientError, match="has not yet finished"):
        client.athena.get_query_results(QueryExecutionId=identifier)
    client.athena.stop_query_execution(QueryExecutionId=identifier)
    assert client.wait(identifier)["Status"]["State"] == "CANCELLED"
    assert client.endpoint.trino.query(running) == [[1]]


def test_a_repeated_request_starts_one_statement(client: Client) -> None:
    token = str(uuid.uuid4())
    assert len({client.start("select 1", ClientRequestToken=token) for _ in range(3)}) == 1


def test_requests_that_are_no_good_are_errors(client: Client) -> None:
    with pytest.raises(ClientError, match="WorkGroup nowhere is not found"):
        client.start("select 1", WorkGroup="nowhere")
    with pytest.raises(ClientError, match="No output location"):
        client.start("select 1", ResultConfiguration={})
    with pytest.raises(ClientError, match="was not found"):
        client.athena.get_query_execution(QueryExecutionId=str(uuid.uuid4()))
    with pytest.raises(ClientError, match="not played by this endpoint"):
        client.athena.list_named_queries()


def test_errors_of_a_statement_have_their_name(client: Client) -> None:
    assert client.refusal("select * from nothing_here").startswith("TABLE_NOT_FOUND: ")
    assert client.refusal("select").startswith("SYNTAX_ERROR: ")


@pytest.mark.parametrize(
    "sql",
    [
        "create or replace table t with (format = 'PARQUET') as select 1 as a",
        "create table t (like other)",
        "create table t like other",
        "truncate table t",
        "comment on table t is 'x'",
        "call system.sync_partition_metadata('a', 'b', 'FULL')",
        "set session task_max_writer_count = '4'",
        "use d",
        "grant select on t to someone",
        "analyze t",
        "start transaction",
        "refresh materialized view t",
        "alter table t execute optimize",
        "alter table t add column a varchar",
        "alter table t set location 's3://athena/elsewhere/'",
        "alter table t touch",
        "alter table t not clustered",
        "alter table t exchange partition (a = 1) with table u",
        "alter table t partition (a = 1) compact 'major'",
        "alter table t set serdeproperties ('a' = 'b')",
        "create index i on table t (a) as 'compact'",
        "create role r",
        "create temporary macro m(x int) x + 1",
        "describe database d",
        "drop role r",
        "lock table t shared",
        "rollback",
        "show locks",
        "show roles",
        "show transactions",
        "describe output q",
        "show stats for t",
        "select 1; select 2",
        "with function f(x bigint) returns bigint return x + 1 select f(1)",
        "select array_first(array[1])",
        "select * from a natural join b",
        "select regexp_instr('a', 'a')",
        f"select array[{', '.join(['1'] * 128)}]",
        f"select concat({', '.join(['chr(1)'] * 128)})",
    ],
    ids=lambda sql: sql[:40],
)
def test_statements_outside_athenas_are_refused(client: Client, sql: str) -> None:
    assert not client.refusal(sql).startswith("NOT_PLAYED")


def test_a_statement_has_262144_bytes_at_most(client: Client) -> None:
    room = 262_144 - len("select length('')")
    assert client.rows(f"select length('{'x' * room}')") == [[str(room)]]
    for text in ("x" * (room + 1), "é" * (room // 2 + 1)):
        with pytest.raises(ClientError, match=r"InvalidRequest.*maximum query length of 262144 bytes"):
            client.start(f"select length('{text}')")


def test_every_statement_asks_for_the_database_default(client: Client) -> None:
    with client.endpoint.calls.made_by("someone"):
        client.run("select 1")
    asked = {
        call.resource.rpartition(":")[2]
        for call in client.endpoint.calls.of("someone")
        if "GetDatabase" in call.action
    }
    assert asked == {"catalog", "database/default"}
    assert client.glue.get_database(Name="default")


def test_results_are_files_in_the_output_location(client: Client) -> None:
    at = client.run("select 'a \"b\"' as word, cast(null as bigint) as n")["ResultConfiguration"][
        "OutputLocation"
    ]
    bucket, _, key = at.removeprefix("s3://").partition("/")
    body = client.endpoint.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert body == '"word","n"\n"a ""b""",\n'


def test_a_row_of_more_than_32_megabytes_is_refused(client: Client) -> None:
    name = f"t_{uuid.uuid4().hex[:12]}"
    catalog = load_catalog("rows", **client.endpoint.catalog_properties())
    half = "x" * (16 << 20)
    rows = pa.table({"a": [half, "short", None], "b": [half, "short", half]})
    table = catalog.create_table((SCHEMA, name), rows.schema)
    table.append(rows)
    assert client.rows(f"select sum(length(a) + length(b)) from {name}") == [[str((32 << 20) + 10)]]
    table.append(pa.table({"a": [half], "b": [half + "x"]}))
    for sql in (f"select length(a) from {name}", f"delete from {name} where a = 'x'"):
        assert "over 32 MB" in client.refusal(sql)


def test_what_looks_like_too_many_arguments_is_none(client: Client) -> None:
    many = ", ".join(map(str, range(300)))
    assert client.rows(f"select 1 where 7 in ({many})") == [["1"]]
    assert client.rows(
        f"select count(*) from (values {', '.join(f'({n})' for n in range(300))}) as v (n)"
    ) == [["300"]]


@pytest.mark.parametrize(
    "value",
    [
        "current_timestamp",
        "timestamp '2026-01-02 03:04:05 UTC'",
        "timestamp '2026-01-02 03:04:05'",
        "timestamp '2026-01-02 03:04:05.123'",
        "timestamp '2026-01-02 03:04:05.123456789'",
        "cast(null as timestamp)",
        "array[timestamp '2026-01-02 03:04:05']",
        "cast(row(timestamp '2026-01-02 03:04:05') as row(at timestamp(3)))",
        "time '03:04:05.123456'",
        "uuid()",
        "json '{}'",
        "cast(1 as smallint)",
        "interval '1' day",
    ],
)
def test_types_that_iceberg_columns_lack_are_refused(client: Client, value: str) -> None:
    assert "not supported for Iceberg" in client.refusal(client.create_sql("refused", f"select {value} as a"))


def test_more_than_100_partitions_are_refused_in_one_write(client: Client) -> None:
    def numbers(first: int, last: int) -> str:
        return f"select n, n as part from unnest(sequence({first}, {last})) as numbers (n)"

    name = client.create(numbers(1, 100), "part")
    too_many = "ICEBERG_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100"
    assert client.refusal(client.create_sql("refused", numbers(1, 101), "part")).startswith(too_many)
    assert client.refusal(f"insert into {name} {numbers(101, 201)}").startswith(too_many)
    assert client.refusal(
        f"merge into {name} as old using ({numbers(101, 201)}) as new on old.n = new.n "
        "when not matched then insert (n, part) values (new.n, new.part)"
    ).startswith(too_many)
    client.run(f"insert into {name} {numbers(101, 200)}")
    assert client.rows(f"select count(*), count(distinct part) from {name}") == [["200", "200"]]


def test_a_row_that_merge_meets_twice_is_refused(client: Client) -> None:
    name = client.create("select 1 as id, 'old' as text")
    merge = (
        f"merge into {name} as old using (values (1, 'a'), (1, 'b')) as new (id, text) on old.id = new.id "
        "when matched then update set text = new.text"
    )
    assert client.refusal(merge).startswith("MERGE_TARGET_ROW_MULTIPLE_MATCHES: ")
    assert client.rows(f"select text from {name}") == [["old"]]


def test_of_writers_at_once_one_wins_and_the_others_fail(client: Client) -> None:
    name = client.create("select 0 as n")
    outcomes = []
    for _ in range(3):
        with ThreadPoolExecutor(4) as pool:
            started = list(pool.map(client.start, [f"update {name} set n = n + 1"] * 4))
        outcomes += [client.wait(identifier)["Status"] for identifier in started]
    failed = [status for status in outcomes if status["State"] == "FAILED"]
    assert failed, "no two statements ran at once"
    assert all(status["StateChangeReason"].startswith("ICEBERG_COMMIT_ERROR: ") for status in failed)
    # What dbt-athena looks at before it tries again.
    assert {status["AthenaError"]["ErrorType"] for status in failed} == {233}
    assert client.rows(f"select n from {name}") == [[str(len(outcomes) - len(failed))]]


def test_glue_refuses_an_update_of_an_older_version(client: Client) -> None:
    name = client.create("select 1 as a")
    table = client.glue.get_table(DatabaseName=SCHEMA, Name=name)["Table"]
    kept = {key: table[key] for key in ("Name", "StorageDescriptor", "Parameters", "TableType")}
    client.glue.update_table(DatabaseName=SCHEMA, TableInput=kept, VersionId=table["VersionId"])
    with pytest.raises(ClientError, match="ConcurrentModificationException"):
        client.glue.update_table(DatabaseName=SCHEMA, TableInput=kept, VersionId=table["VersionId"])


def test_columns_are_added_changed_and_dropped_as_hive_says_it(client: Client) -> None:
    name = client.create("select 1 as a")
    client.run(
        f"alter table `{SCHEMA}`.`{name}` add columns (`at` timestamp, b string, c struct<x:double,y:int>)"
    )
    client.run(f"alter table awsdatacatalog.{SCHEMA}.{name} change column a a bigint")
    client.run(f"alter table {SCHEMA}.{name} change column b text string")
    client.run(
        f"insert into {name} values (5000000000, timestamp '2026-01-02 03:04:05.123456', 't', row(1.5, 2))"
    )
    rows = client.rows(f'select * from "awsdatacatalog"."{SCHEMA}"."{name}" where "at" is not null')
    assert rows == [["5000000000", "2026-01-02 03:04:05.123456", "t", "{x=1.5, y=2}"]]
    client.run(f"alter table {SCHEMA}.{name} drop column c")
    columns = client.glue.get_table(DatabaseName=SCHEMA, Name=name)["Table"]["StorageDescriptor"]["Columns"]
    current = [column for column in columns if column["Parameters"].get("iceberg.field.current") != "false"]
    assert [(column["Name"], column["Type"]) for column in current] == [
        ("a", "bigint"),
        ("at", "timestamp"),
        ("text", "string"),
    ]
    client.run(f"alter table `{SCHEMA}`.`{name}` rename to `{SCHEMA}`.`{name}_renamed`")
    assert client.rows(f"select count(*) from ({SCHEMA}.{name}_renamed)") == [["2"]]


def test_optimize_waits_for_five_files_or_two_deletes_of_one(client: Client) -> None:
    """The defaults of optimize_rewrite_data_file_threshold and optimize_rewrite_delete_file_threshold."""
    name = client.create("select 'few' as part, 0 as n", "part")
    for part, files in (("few", 3), ("many", 5)):
        for number in range(files):
            client.run(f"insert into {name} values ('{part}', {number + 1})")
    by_part = f'select partition.part, file_count from "{SCHEMA}"."{name}$partitions" order by 1'
    optimize = f"OPTIMIZE {SCHEMA}.{name} REWRITE DATA USING BIN_PACK"
    client.run(optimize)
    assert client.rows(by_part) == [["few", "4"], ["many", "1"]]

    deletes = f'select count(*) from "{SCHEMA}"."{name}$files" where content <> 0'
    for number in (1, 2):
        client.run(f"delete from {name} where part = 'many' and n = {number}")
        client.run(optimize)
        assert client.rows(deletes) == [["1" if number == 1 else "0"]]
    assert client.rows(by_part) == [["few", "4"], ["many", "1"]]
    assert client.rows(f"select count(*), sum(n) from {name}") == [["7", "18"]]

    client.run(
        f"alter table {SCHEMA}.{name} set tblproperties ('optimize_rewrite_data_file_threshold' = '2')"
    )
    client.run(f"{optimize} where part = 'few'")
    assert client.rows(by_part) == [["few", "1"], ["many", "1"]]


def test_vacuum_goes_by_the_age_of_snapshots(client: Client) -> None:
    name = client.create("select 0 as n")
    client.run(f"insert into {name} values 1")
    client.run(f"delete from {name} where n = 0")
    client.run(
        f"alter table {SCHEMA}.{name} set tblproperties ('optimize_rewrite_delete_file_threshold' = '1')"
    )
    client.run(f"OPTIMIZE {SCHEMA}.{name} REWRITE DATA USING BIN_PACK")
    snapshots = f'select count(*) from "{SCHEMA}"."{name}$snapshots"'
    with client.endpoint.later(seconds=3600):
        client.run(f"vacuum {SCHEMA}.{name}")
        assert client.rows(snapshots) != [["1"]], "five days are kept by default"
        client.run(
            f"alter table {SCHEMA}.{name} set tblproperties ('vacuum_max_snapshot_age_seconds' = '60')"
        )
        client.run(f"vacuum {SCHEMA}.{name}")
    assert client.rows(snapshots) == [["1"]]
    stored = client.endpoint.client("s3").list_objects_v2(Bucket="athena", Prefix=f"tables/{name}/data/")
    assert stored["KeyCount"] == 1
    assert client.rows(f"select n from {name}") == [["1"]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vacuum_max_snapshot_age_seconds", "59"),
        ("vacuum_max_snapshot_age_seconds", "5d"),
        ("vacuum_min_snapshots_to_keep", "0"),
        ("optimize_rewrite_data_file_threshold", "0"),
        ("optimize_rewrite_delete_file_threshold", "-1"),
        ("write.target-file-size-bytes", "1000000"),
    ],
)
def test_properties_that_athena_does_not_take_are_refused(client: Client, name: str, value: str) -> None:
    table = client.create("select 1 as a")
    assert name in client.refusal(f"alter table {SCHEMA}.{table} set tblproperties ('{name}' = '{value}')")


def test_seeds_become_iceberg_tables(athena: AthenaWarehouse, client: Client, tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (tmp_path / "dbt_project.yml").write_text(
        "name: seeds\nprofile: web_events_lakehouse\nseeds:\n  +table_type: iceberg\n"
    )
    records = [
        {"word": "plain", "weight": "3", "since": "2026-01-02", "share": "0.5"},
        {"word": 'quoted "x", comma', "weight": "", "since": "", "share": "12.25"},
        {"word": "é 日本 ; 'single'", "weight": "-7", "since": "1969-12-31", "share": "1.0"},
    ]
    with (seeds / "words.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, records[0])
        writer.writeheader()
        writer.writerows(records)
    for _ in range(2):
        athena.athena("seed", "--project-dir", str(tmp_path), DBT_SCHEMA=SCHEMA)
    table = client.glue.get_table(DatabaseName=SCHEMA, Name="words")["Table"]
    assert table["Parameters"]["table_type"].lower() == "iceberg"
    expected = [[record[name] or None for name in record] for record in records]
    assert sorted(client.rows("select * from words"), key=str) == sorted(expected, key=str)
    assert "words__dbt_tmp" not in {
        t["Name"] for t in client.glue.get_tables(DatabaseName=SCHEMA)["TableList"]
    }
