"""Metrics of the semantic models, asked for as their users do: MetricFlow writes the SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import duckdb
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow.sql.render.trino import TrinoSqlPlanRenderer
from metricflow.validation.data_warehouse_model_validator import DataWarehouseModelValidator
from metricflow_semantic_interfaces.validations.semantic_manifest_validator import SemanticManifestValidator
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup
from warehouse import Row, Warehouse


class _DuckDB:
    """What MetricFlow asks of an engine: its dialect, and whether a query could run."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()

    def __init__(self, lake: duckdb.DuckDBPyConnection) -> None:
        self.lake = lake

    def dry_run(self, stmt: str, sql_bind_parameter_set: object = None) -> None:
        self.lake.execute(f"explain {stmt}")


class _Trino:
    sql_engine_type = SqlEngine.TRINO
    sql_plan_renderer = TrinoSqlPlanRenderer()


class Metrics:
    """The metrics that dbt parsed last, over the tables of a lakehouse."""

    def __init__(self, warehouse: Warehouse, lake: duckdb.DuckDBPyConnection) -> None:
        """`lake` is a connection to the warehouse's lakehouse."""
        self.manifest = parse_manifest_from_dbt_generated_manifest(
            warehouse.manifest.with_name("semantic_manifest.json").read_text()
        )
        self.names = [metric.name for metric in self.manifest.metrics]
        self._duckdb = _DuckDB(lake)
        lookup = SemanticManifestLookup(self.manifest)
        self._engine = MetricFlowEngine(lookup, self._duckdb)
        self._trino_engine = MetricFlowEngine(lookup, _Trino())

    def problems(self) -> list[str]:
        """What `mf validate-configs` would find: in the definitions, and in their SQL on the tables."""
        results = [SemanticManifestValidator().validate_semantic_manifest(self.manifest)]
        tables = DataWarehouseModelValidator(self._duckdb)
        for check in (
            tables.validate_semantic_models,
            tables.validate_dimensions,
            tables.validate_entities,
            tables.validate_simple_metrics,
            tables.validate_metrics,
        ):
            results.append(check(self.manifest))
        return [issue.as_readable_str() for result in results for issue in result.all_issues]

    def sql(self, metrics: Sequence[str], group_by: Iterable[str] = (), *, trino: bool = False) -> str:
        """The query for some metrics, in all or by dimensions.

        Args:
            metrics: their names.
            group_by: dimensions as MetricFlow names them, such as `metric_time__day` or `session__channel`.
            trino: whether it is for Trino; else it is for DuckDB.
        """
        request = MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=list(group_by))
        engine = self._trino_engine if trino else self._engine
        return engine.explain(request).sql_statement.sql

    def rows(self, metrics: Sequence[str], group_by: Iterable[str] = ()) -> list[Row]:
        """Their values on DuckDB."""
        result = self._duckdb.lake.execute(self.sql(metrics, group_by))
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def values(self) -> dict[str, Any]:
        """The value of each metric over everything, on DuckDB."""
        (row,) = self.rows(self.names)
        return row
