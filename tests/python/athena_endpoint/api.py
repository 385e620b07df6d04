"""Athena's JSON protocol over HTTP.

Requests are POSTs with the operation's name in X-Amz-Target; see the API reference of each operation at
https://docs.aws.amazon.com/athena/latest/APIReference/. Signatures are not checked.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from athena_endpoint.calls import ACCOUNT, CallRecord
from athena_endpoint.executions import Execution, Executions
from athena_endpoint.statements import Context

# "The maximum allowed query string length is 262144 bytes, where the strings are encoded in UTF-8".
MAXIMUM_QUERY_BYTES = 262_144
# "MaxResults: … maximum value of 1000".
PAGE_ROWS = 1000
PREFIX = "AmazonAthena."
WORK_GROUP = "tests"
DATA_CATALOG = "AwsDataCatalog"

Request = dict[str, Any]
Response = dict[str, Any]


class ApiError(Exception):
    """An error that the API answers."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class AthenaApi:
    """The operations, by name."""

    def __init__(self, executions: Executions, calls: CallRecord) -> None:
        self._executions = executions
        self._calls = calls
        self._operations: dict[str, Callable[[Request], Response]] = {
            "StartQueryExecution": self._start,
            "GetQueryExecution": lambda request: {"QueryExecution": _describe(self._find(request))},
            "BatchGetQueryExecution": self._get_many,
            "ListQueryExecutions": self._list,
            "StopQueryExecution": self._stop,
            "GetQueryResults": self._results,
            "GetWorkGroup": self._work_group,
            "ListWorkGroups": lambda _: {"WorkGroups": [{"Name": WORK_GROUP, "State": "ENABLED"}]},
            "GetDataCatalog": self._data_catalog,
            "ListDataCatalogs": lambda _: {
                "DataCatalogsSummary": [{"CatalogName": DATA_CATALOG, "Type": "GLUE"}]
            },
        }

    def call(self, operation: str, request: Request) -> Response:
        """Answer one request.

        Raises:
            ApiError: the answer is an error.
        """
        if operation not in self._operations:
            raise ApiError("UnknownOperationException", f"not played by this endpoint for tests: {operation}")
        self._calls.add_athena(operation, WORK_GROUP)
        return self._operations[operation](request)

    def _find(self, request: Request) -> Execution:
        found = self._executions.by_id.get(request["QueryExecutionId"])
        if found is None:
            raise ApiError(
                "InvalidRequestException", f"QueryExecution {request['QueryExecutionId']} was not found"
            )
        return found

    def _start(self, request: Request) -> Response:
        if len(request["QueryString"].encode()) > MAXIMUM_QUERY_BYTES:
            raise ApiError(
                "InvalidRequestException",
                f"Your query has exceeded the maximum query length of {MAXIMUM_QUERY_BYTES} bytes.",
            )
        work_group = request.get("WorkGroup", WORK_GROUP)
        self._check_work_group(work_group)
        output = request.get("ResultConfiguration", {}).get("OutputLocation")
        if not output:
            raise ApiError("InvalidRequestException", "No output location provided")
        context = request.get("QueryExecutionContext", {})
        execution = Execution(
            sql=request["QueryString"],
            context=Context(context.get("Catalog", DATA_CATALOG).lower(), context.get("Database", "default")),
            work_group=work_group,
            output_location=output,
        )
        started = self._executions.start(execution, request.get("ClientRequestToken"))
        return {"QueryExecutionId": started.id}

    def _get_many(self, request: Request) -> Response:
        known, unknown = [], []
        for identifier in request["QueryExecutionIds"]:
            if identifier in self._executions.by_id:
                known.append(_describe(self._executions.by_id[identifier]))
            else:
                unknown.append(
                    {"QueryExecutionId": identifier, "ErrorCode": "INTERNAL_ERROR_QUERY_NOT_FOUND"}
                )
        return {"QueryExecutions": known, "UnprocessedQueryExecutionIds": unknown}

    def _list(self, request: Request) -> Response:
        return _page(list(reversed(self._executions.by_id)), request, "QueryExecutionIds", 50)

    def _stop(self, request: Request) -> Response:
        self._executions.stop(self._find(request))
        return {}

    def _results(self, request: Request) -> Response:
        execution = self._find(request)
        if execution.state != "SUCCEEDED":
            raise ApiError(
                "InvalidRequestException", f"Query has not yet finished. Current state: {execution.state}"
            )
        rows = [{"Data": [_datum(cell) for cell in row]} for row in execution.lines()]
        columns = execution.column_infos() if rows else []
        page = _page(rows, request, "Rows", PAGE_ROWS)
        response: Response = {
            "ResultSet": {"Rows": page["Rows"], "ResultSetMetadata": {"ColumnInfo": columns}},
        }
        if execution.update_count is not None:
            response["UpdateCount"] = execution.update_count
        if "NextToken" in page:
            response["NextToken"] = page["NextToken"]
        return response

    def _check_work_group(self, name: str) -> None:
        if name != WORK_GROUP:
            raise ApiError("InvalidRequestException", f"WorkGroup {name} is not found.")

    def _work_group(self, request: Request) -> Response:
        self._check_work_group(request["WorkGroup"])
        return {
            "WorkGroup": {
                "Name": WORK_GROUP,
                "State": "ENABLED",
                "Configuration": {
                    "EnforceWorkGroupConfiguration": False,
                    "ResultConfiguration": {},
                    "EngineVersion": {"EffectiveEngineVersion": "Athena engine version 3"},
                },
            }
        }

    def _data_catalog(self, request: Request) -> Response:
        if request["Name"].lower() != DATA_CATALOG.lower():
            raise ApiError("InvalidRequestException", f"Data catalog {request['Name']} was not found")
        return {
            "DataCatalog": {
                "Name": DATA_CATALOG,
                "Type": "GLUE",
                "Parameters": {"catalog-id": ACCOUNT},
            }
        }


def serve(api: AthenaApi) -> ThreadingHTTPServer:
    """A server of the API on a free port of the loopback interface; its caller runs and closes it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers.get("X-Amz-Target", "").removeprefix(PREFIX)
            status, answer = 200, {}
            try:
                answer = api.call(operation, json.loads(body or b"{}"))
            except ApiError as error:
                status, answer = 400, {"__type": error.kind, "message": str(error)}
            except Exception as error:
                status, answer = 500, {"__type": "InternalServerException", "message": repr(error)}
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def _page(items: list[Any], request: Request, name: str, most: int) -> Response:
    first = int(request.get("NextToken") or 0)
    after = first + min(int(request.get("MaxResults") or most), most)
    return {name: items[first:after], **({"NextToken": str(after)} if after < len(items) else {})}


def _datum(cell: str | None) -> dict[str, str]:
    """A Datum: no text at all for null."""
    return {} if cell is None else {"VarCharValue": cell}


def _describe(execution: Execution) -> Response:
    statement = execution.statement
    status: dict[str, Any] = {"State": execution.state, "SubmissionDateTime": execution.submitted_at}
    if execution.completed_at is not None:
        status["CompletionDateTime"] = execution.completed_at
    if execution.reason is not None:
        status["StateChangeReason"] = execution.reason
    if execution.error is not None:
        status["AthenaError"] = execution.error
    elapsed = (execution.completed_at or execution.submitted_at) - execution.submitted_at
    return {
        "QueryExecutionId": execution.id,
        "Query": execution.sql,
        "StatementType": statement.kind if statement else "DML",
        "SubstatementType": statement.substatement if statement else "SELECT",
        "ResultConfiguration": {"OutputLocation": execution.output_file},
        "QueryExecutionContext": {"Database": execution.context.schema, "Catalog": execution.context.catalog},
        "WorkGroup": execution.work_group,
        "EngineVersion": {"EffectiveEngineVersion": "Athena engine version 3"},
        "Status": status,
        "Statistics": {
            "DataScannedInBytes": execution.bytes_read,
            "EngineExecutionTimeInMillis": round(elapsed * 1000),
            "TotalExecutionTimeInMillis": round(elapsed * 1000),
        },
    }
