"""The policies of docs/policies allow each role what it asks of Athena, Glue and S3, and nothing else."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest
from athena_endpoint.calls import ACCOUNT, REGION, Call
from athena_warehouse import AthenaWarehouse

from loaders.lakehouse.settings import LANDING_BUCKET, PROJECT_ROOT

pytestmark = pytest.mark.athena

ROLES = ("loader", "transformer", "reader")
MARTS = "analytics_policies"
PLACEHOLDERS = {
    "REGION": REGION,
    "ACCOUNT": ACCOUNT,
    "WORK_GROUP": "tests",
    "LAKE_BUCKET": "athena",
    "LANDING_BUCKET": LANDING_BUCKET,
    "MARTS": MARTS,
}
# Granted, though nothing here asks for it.
NOT_SEEN = {
    "athena:StopQueryExecution": "a statement is stopped when its client is interrupted",
    "s3:AbortMultipartUpload": "only of uploads that break off",
    "s3:GetBucketLocation": "Athena looks up the region of a bucket",
    "s3:ListBucket": "without it a file that is not there is one that may not be read",
    "s3:ListBucketMultipartUploads": "only of uploads that break off",
    "s3:ListMultipartUploadParts": "only of uploads that break off",
}
DOCUMENTED = {
    # https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
    "DefaultDatabase": {"glue:CreateDatabase", "glue:GetDatabase", "glue:GetDatabases"},
    # https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html
    "Results": {"s3:GetObject"},
}


def statements(name: str) -> list[dict[str, Any]]:
    """The statements of a policy, with this endpoint's names."""
    text = (PROJECT_ROOT / "docs" / "policies" / f"{name}.json").read_text()
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    return json.loads(text)["Statement"]


def grants(name: str) -> set[Call]:
    """Each action of a policy with each pattern of resources that it is for."""
    return {
        Call(action, resource)
        for statement in statements(name)
        for action in _list(statement["Action"])
        for resource in _list(statement["Resource"])
    }


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def covers(grant: Call, call: Call) -> bool:
    return grant.action == call.action and fnmatchcase(call.resource, grant.resource)


@pytest.fixture(scope="module")
def calls(athena: AthenaWarehouse) -> dict[str, set[Call]]:
    """What each role asks for, here and in the tests before."""
    store = athena.endpoint.store.s3_client()
    record = athena.endpoint.calls
    rejected = "rejected_events"
    for number, options in enumerate((["+" + rejected], ["+" + rejected], [rejected, "--full-refresh"])):
        key = f"policies/2026/01/02/03/{number}.json"
        store.put_object(Bucket=LANDING_BUCKET, Key=key, Body=b'{"is": "no event"}')
        athena.load("firehose", f"s3://{LANDING_BUCKET}/policies/")
        athena.athena("run", "--select", *options, DBT_SCHEMA=MARTS)
    for role, table in (("loader", "raw.web_events"), ("transformer", f"{MARTS}.{rejected}")):
        for engine in ("pyiceberg", "athena"):
            command = ("python", "-m", "loaders", "maintain", table, "--engine", engine)
            with record.made_by(role), athena.endpoint.later(days=8):
                athena.command(*command, **athena.endpoint.environment())
    with record.made_by("reader"):
        client = athena.endpoint.client("athena")
        client.get_work_group(WorkGroup="tests")
        for sql in ("select * from rejected_events", f"show tables in {MARTS}", "describe rejected_events"):
            athena.run_statement(sql, MARTS, "s3://athena/results/")
    return {role: record.of(role) for role in ROLES}


def is_allowed(policy: str, call: Call) -> bool:
    return any(covers(grant, call) for grant in grants(policy))


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_it_does(calls: dict[str, set[Call]], role: str) -> None:
    assert len(calls[role]) > 10
    assert not {call for call in calls[role] if not is_allowed(role, call)}


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_granted_that_is_not_asked_for(calls: dict[str, set[Call]], role: str) -> None:
    unused = set()
    for statement in statements(role):
        needed = DOCUMENTED.get(statement["Sid"], set()) | NOT_SEEN.keys()
        for action in _list(statement["Action"]):
            used = any(
                covers(Call(action, resource), call)
                for resource in _list(statement["Resource"])
                for call in calls[role]
            )
            if action not in needed and not used:
                unused.add((statement["Sid"], action))
    assert not unused


@pytest.mark.parametrize("role", ROLES)
def test_what_athena_needs_of_the_database_default(role: str) -> None:
    for action in DOCUMENTED["DefaultDatabase"]:
        for resource in ("catalog", "database/default"):
            assert is_allowed(role, Call(action, f"arn:aws:glue:{REGION}:{ACCOUNT}:{resource}"))


def test_no_role_may_do_what_another_is_for(calls: dict[str, set[Call]]) -> None:
    raw = {call for call in calls["loader"] if _changes(call, "database/raw", "table/raw/", "athena/raw/")}
    models = {
        call
        for call in calls["transformer"]
        if _changes(call, "database/analytics", "table/analytics", "athena/tables/")
    }
    assert {call.action for call in raw} >= {"s3:PutObject", "s3:DeleteObject", "glue:UpdateTable"}
    assert {call.action for call in models} >= {"s3:PutObject", "s3:DeleteObject", "glue:DeleteTable"}
    assert not {call for call in raw if is_allowed("transformer", call) or is_allowed("reader", call)}
    assert not {call for call in models if is_allowed("loader", call) or is_allowed("reader", call)}
    landing = f"arn:aws:s3:::{LANDING_BUCKET}/x"
    assert not is_allowed("loader", Call("s3:DeleteObject", landing))
    for role in ("transformer", "reader"):
        assert not is_allowed(role, Call("s3:GetObject", landing))
    for name in ("database/raw", "table/raw/web_events", f"table/{MARTS}_staging/stg_web_events"):
        assert not is_allowed("reader", Call("glue:GetTable", f"arn:aws:glue:{REGION}:{ACCOUNT}:{name}"))


def _changes(call: Call, *places: str) -> bool:
    verbs = ("s3:Put", "s3:Delete", "glue:Create", "glue:Update", "glue:Delete")
    return call.action.startswith(verbs) and any(place in call.resource for place in places)


@pytest.mark.parametrize("role", ROLES)
def test_encryption_with_keys_of_ones_own(calls: dict[str, set[Call]], role: str) -> None:
    """What is read is decrypted; what is written needs a data key, and to be read for the next part of it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html,
    https://docs.aws.amazon.com/athena/latest/ug/encryption.html
    """
    actions = {"s3:GetObject": ["Decrypt"], "s3:PutObject": ["Decrypt", "GenerateDataKey"]}
    needed = {(f"kms:{action}", "CATALOG_KEY") for action in ("Decrypt", "Encrypt", "GenerateDataKey")}
    for call in calls[role]:
        is_landing = call.resource.startswith(f"arn:aws:s3:::{LANDING_BUCKET}/")
        key = "LANDING_KEY" if is_landing else "LAKE_KEY"
        needed |= {(f"kms:{action}", key) for action in actions.get(call.action, ())}
    granted = {(grant.action, grant.resource.rpartition("/")[2]) for grant in grants(f"{role}-kms")}
    assert granted == needed
