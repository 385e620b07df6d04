"""The way of a record to the loaders: producers put it into Kinesis, Firehose stores it in S3."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from ministack_server import NotAvailableError, ministack
from warehouse import Warehouse

from loaders.lakehouse.store import Store, ensure_running

STREAM, BUCKET = "web-events", "delivered"
AWS = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}


def test_kinesis_firehose_s3_loader(warehouse: Warehouse, tmp_path: Path) -> None:
    """Records go through the AWS protocols; each is in raw once, also when the loader runs again."""
    records = [json.dumps({"n": number, "text": "}{ é"}, ensure_ascii=False) for number in range(60)]
    try:
        with ministack(tmp_path) as endpoint:
            _create(endpoint)
            kinesis = boto3.client("kinesis", endpoint_url=endpoint, **AWS)
            loaded = []
            for part in (records[:25], records[25:]):
                answer = kinesis.put_records(
                    StreamName=STREAM,
                    Records=[{"Data": text.encode(), "PartitionKey": str(i)} for i, text in enumerate(part)],
                )
                assert answer["FailedRecordCount"] == 0
                loaded.append(_load(warehouse, endpoint)["records"])
            assert loaded == [25, 35]
            assert _load(warehouse, endpoint)["records"] == 0
    except NotAvailableError as reason:
        pytest.skip(str(reason))
    raw = warehouse.rows("raw.web_events", "payload, parse_error, source, source_uri")
    assert sorted(row["payload"] for row in raw) == sorted(records)
    assert {(row["parse_error"], row["source"]) for row in raw} == {(None, "firehose")}
    hour = f"{datetime.now(UTC):%Y/%m/%d/}"
    assert all(row["source_uri"].startswith(f"s3://{BUCKET}/events/{hour}") for row in raw)


def test_objects_as_firehose_writes_them(warehouse: Warehouse) -> None:
    """Buffered by size and time, GZIP, named by the hour, no delimiter; some records are in an envelope."""
    store = ensure_running(warehouse.settings)
    records = [json.dumps({"n": number, "text": "x" * (number % 50)}) for number in range(3000)]
    envelope = json.dumps({"data": base64.b64encode(records[0].encode()).decode()})
    records.append(envelope)
    delivered = _deliver(store, records)
    assert len(delivered) > 10
    summary = warehouse.load("firehose", "s3://landing/clicks/", **store.aws_environment())
    assert (summary["records"], summary["malformed"]) == (len(records), 0)

    latest = datetime.strptime(delivered[-1].removeprefix("clicks/")[:13], "%Y/%m/%d/%H")
    late = latest - timedelta(hours=20)
    client = store.s3_client()
    client.put_object(Bucket="landing", Key=_key(late, 99), Body=gzip.compress(b'{"late":1}{"late":2}'))
    again = warehouse.load("firehose", "s3://landing/clicks/", **store.aws_environment())
    assert (again["records"], again["objects"] < len(delivered)) == (2, True), "only the look-back is listed"
    assert again["listed_after"] == f"{latest - timedelta(hours=24):%Y/%m/%d/%H}/"

    raw = warehouse.rows("raw.web_events", "payload, source_uri, source_position")
    found = sorted(raw, key=lambda row: (row["source_uri"], row["source_position"]))
    assert [row["payload"] for row in found if "late" not in row["payload"]] == records
    positions: dict[str, list[int]] = {}
    for row in found:
        positions.setdefault(row["source_uri"], []).append(row["source_position"])
    assert all(numbers == list(range(len(numbers))) for numbers in positions.values())


def _create(endpoint: str) -> None:
    boto3.client("s3", endpoint_url=endpoint, **AWS).create_bucket(Bucket=BUCKET)
    kinesis = boto3.client("kinesis", endpoint_url=endpoint, **AWS)
    kinesis.create_stream(StreamName=STREAM, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=STREAM, WaiterConfig={"Delay": 1})
    arn = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamARN"]
    iam = boto3.client("iam", endpoint_url=endpoint, **AWS)
    policy = {"Version": "2012-10-17", "Statement": []}
    role = iam.create_role(RoleName="delivery", AssumeRolePolicyDocument=json.dumps(policy))["Role"]["Arn"]
    boto3.client("firehose", endpoint_url=endpoint, **AWS).create_delivery_stream(
        DeliveryStreamName=STREAM,
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": arn, "RoleARN": role},
        ExtendedS3DestinationConfiguration={
            "RoleARN": role,
            "BucketARN": f"arn:aws:s3:::{BUCKET}",
            "Prefix": "events/!{timestamp:yyyy/MM/dd/HH}/",
            "ErrorOutputPrefix": "failed/",
        },
    )


def _load(warehouse: Warehouse, endpoint: str) -> dict[str, Any]:
    return warehouse.load(
        "firehose",
        f"s3://{BUCKET}/events/",
        AWS_ENDPOINT_URL_S3=endpoint,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_REGION="us-east-1",
    )


def _deliver(store: Store, records: list[str]) -> list[str]:
    """Write records as Firehose does: what has come within the buffer's size goes into one object."""
    client = store.s3_client()
    hour = datetime(2026, 1, 2, 20)
    keys = []
    while records:
        buffered, size = [], 0
        while records and size < 5000:
            size += len(records[0])
            buffered.append(records[0])
            records = records[1:]
        keys.append(_key(hour, len(keys)))
        client.put_object(Bucket="landing", Key=keys[-1], Body=gzip.compress("".join(buffered).encode()))
        hour += timedelta(hours=3)
    return keys


def _key(hour: datetime, number: int) -> str:
    return f"clicks/{hour:%Y/%m/%d/%H}/clicks-1-{hour:%Y-%m-%d-%H}-{number:04}-0a1b2c3d.gz"
