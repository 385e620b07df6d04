"""`maintain --engine athena`: the statements on an endpoint that speaks Athena's API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from athena_warehouse import GLUE, AthenaWarehouse

pytestmark = pytest.mark.athena


def test_small_loads_become_one_file(athena: AthenaWarehouse, tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.json").write_text(f'{{"n":{number}}}\n' * 10)
        athena.load("firehose", tmp_path)
    before = athena.rows("raw.web_events", catalog=GLUE)
    done = athena.command(
        *("python", "-m", "loaders", "maintain", "raw.web_events", "raw.load_batches"),
        *("--engine", "athena", "--keep-snapshots", "0s", "--force", "--json"),
        **athena.endpoint.environment(),
    )
    for report in json.loads(done.stdout):
        assert report["error"] is None
        # And whatever earlier tests have loaded.
        assert report["data_files"] >= 5
        assert (report["data_files_after"], report["snapshots_after"]) == (1, 1)
    after = athena.rows("raw.web_events", catalog=GLUE)
    assert sorted(map(str, after)) == sorted(map(str, before))
    assert athena.load("firehose", tmp_path)["skipped"] == 5
