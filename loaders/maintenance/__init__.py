"""Maintenance of Iceberg tables: compaction, snapshot expiry, orphan files."""

from loaders.maintenance.run import Options, TableReport, maintain, maintain_table

__all__ = ["Options", "TableReport", "maintain", "maintain_table"]
