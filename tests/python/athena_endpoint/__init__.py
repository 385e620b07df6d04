"""An Athena for tests: speaks Athena's API to boto3 and to dbt-athena, and lets a real Trino do the work.

| module | its job |
|---|---|
| endpoint | starts and stops all of it, says which environment points clients to it |
| api | HTTP: Athena's JSON protocol |
| executions | one statement: its states, its result, its errors and the bytes it read |
| statements | which statement is it, does Athena take it, and what does Trino have to be told for it |
| rules | what Trino takes and Athena refuses |
| rewriting | which files OPTIMIZE rewrites |
| row_sizes | rows that are too large |
| results | values as the text and types that Athena gives |
| external_tables | CSV in S3 as a table, for seeds |
| glue | Glue, played by moto, with the optimistic locking that moto lacks |
| s3 | the lakehouse's S3, on a port where requests are noted |
| calls | every call to Athena, Glue and S3, as IAM names it |

What the tables are made of is real: Iceberg in the local lakehouse's S3, its catalog Glue's API.
"""

from athena_endpoint.endpoint import CATALOG, AthenaEndpoint

__all__ = ["CATALOG", "AthenaEndpoint"]
