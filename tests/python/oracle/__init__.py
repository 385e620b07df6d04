"""An independent plain-Python computation of what the dbt marts must hold.

It is written from the design text alone, knows no SQL, and is plain on purpose: the end-to-end test reads
the raw tables, calls `compute`, and compares the result with the lake row by row.
"""

from oracle.computation import Oracle, compute, event_id_problems
from oracle.drift import schema_drift
from oracle.knowledge import Knowledge, knowledge_of
from oracle.settings import Settings

__all__ = ["Knowledge", "Oracle", "Settings", "compute", "event_id_problems", "knowledge_of", "schema_drift"]
