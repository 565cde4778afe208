import csv
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import capcheck
import pytest
from capcheck.manifest.deployment import Deployment
from capcheck.predict.footprint.weights import read_bytes
from capcheck.predict.speed.measured import measured_stream
from capcheck.registry.tables import Registry
from capcheck.resolution.resolve import resolve

Stated = Callable[[Mapping[str, Any]], Deployment]
TABLE = Path(capcheck.__file__).parent / "data" / "measured.csv"
CELL = {
    "/model": "llama3.1-8b",
    "/quant": "Q8_0",
    "/backend": "ollama",
    "/gpu": "RTX 4080 Laptop 12GB",
}


def test_a_cell_is_found_by_model_quant_backend_and_gpu(stated: Stated, registry: Registry):
    found = measured_stream(resolve(stated(CELL), registry)[0])
    assert found is not None
    assert found.decode_tok_s == 46.48
    assert found.basis.startswith("measured: ollama_quant_bench 2025-09-30")


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/model", "llama3.2-3b"),
        ("/quant", "Q6_K"),
        ("/backend", "llama.cpp"),
        ("/gpu", "RTX 4090 24GB"),
    ],
)
def test_a_near_miss_is_not_a_measurement(
    stated: Stated, registry: Registry, pointer: str, value: str
):
    assert measured_stream(resolve(stated(CELL | {pointer: value}), registry)[0]) is None


def test_a_cache_of_another_type_is_not_what_was_measured(stated: Stated, registry: Registry):
    resolved = resolve(stated(CELL), registry)[0]
    assert resolved.engine is not None
    other = replace(resolved, engine=replace(resolved.engine, kv_bytes_per_element=1.0))
    assert measured_stream(other) is None


def test_used_cells_are_named_in_the_registry_unique_and_physical(registry: Registry):
    with TABLE.open(encoding="utf-8", newline="") as lines:
        used = [row for row in csv.DictReader(lines) if row["used"] == "yes"]
    cells = [(row["model"], row["quant"], row["backend"], row["gpu"]) for row in used]
    assert len(set(cells)) == len(cells)
    for row in used:
        model, gpu = registry.model(row["model"]).spec, registry.gpu(row["gpu"]).variants[0]
        quant = registry.quant(row["quant"], backend=row["backend"]).spec
        assert (model.name, quant.name, gpu.name) == (row["model"], row["quant"], row["gpu"])
        needed = read_bytes(model, quant, sequences=1) * float(row["decode_tok_s"])
        assert needed <= gpu.bandwidth_gb_s * 1e9


def test_rejected_rows_keep_their_reason():
    with TABLE.open(encoding="utf-8", newline="") as lines:
        assert all(row["notes"] for row in csv.DictReader(lines) if row["used"] == "no")
