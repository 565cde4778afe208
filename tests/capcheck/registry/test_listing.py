import json

import pytest
from capcheck.registry.listing import COLUMNS, KINDS, Kind, list_rows
from capcheck.registry.tables import load

REGISTRY = load()


@pytest.mark.parametrize("kind", KINDS)
def test_rows_have_the_tables_columns_and_are_plain(kind: Kind):
    rows = list_rows(REGISTRY, kind)
    for row in rows:
        assert set(COLUMNS[kind]) <= set(row)
        assert row["source"]
    assert json.loads(json.dumps(rows)) == [dict(row) for row in rows]


def test_every_model_is_listed_even_without_a_parameter_count():
    rows = {row["name"]: row for row in list_rows(REGISTRY, "models")}
    assert len(rows) == len(REGISTRY.rows("models"))
    assert rows["gemma3n-e4b"]["params_b"] is None
    assert rows["llama3.2-3b"]["params_b"] == 3.213
    assert rows["qwen3-30b-a3b"]["active_params_b"] == 3.353


def test_a_price_is_listed_once_however_many_products_its_gpu_may_mean():
    rows = list_rows(REGISTRY, "prices")
    assert len(rows) == len(REGISTRY.rows("prices"))
    assert {
        "provider": "aws",
        "gpu": "H100 80GB",
        "n_gpus": 8,
        "usd_per_gpu_hour": 6.88,
    }.items() <= next(row.items() for row in rows if row["instance_type"] == "p5.48xlarge")
