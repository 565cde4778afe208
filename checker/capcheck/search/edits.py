"""The difference between two deployments as edits of the manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from capcheck.manifest.deployment import Deployment
from capcheck.search.alternative import Edit, Scalar

# Every field that an alternative may set, from the lightest change to the heaviest.
FIELDS: Mapping[str, Callable[[Deployment], Scalar | None]] = {
    "/serving/max_num_seqs": lambda one: one.serving.max_num_seqs,
    "/serving/max_model_len": lambda one: one.serving.max_model_len,
    "/serving/gpu_memory_utilization": lambda one: one.serving.gpu_memory_utilization,
    "/serving/kv_cache_dtype": lambda one: one.serving.kv_cache_dtype,
    "/replicas": lambda one: one.replicas.min if "/replicas" in one.places else None,
    "/replicas/min": lambda one: one.replicas.min,
    "/replicas/max": lambda one: one.replicas.max,
    "/quant": lambda one: one.quant,
    "/gpus_per_replica": lambda one: one.gpus_per_replica,
    "/serving/tensor_parallel_size": lambda one: one.serving.tensor_parallel_size,
    "/serving/pipeline_parallel_size": lambda one: one.serving.pipeline_parallel_size,
    "/usd_per_gpu_hour": lambda one: one.usd_per_gpu_hour,
    "/instance_type": lambda one: one.instance_type,
    "/gpu": lambda one: one.gpu,
    "/backend_version": lambda one: one.backend_version,
    "/backend": lambda one: one.backend,
    "/model": lambda one: one.model,
}
RANKS = {pointer: rank for rank, pointer in enumerate(FIELDS)}

# The rank of the heaviest edit, -1 without any, then the number of edits.
Disruption = tuple[int, int]
NO_DISRUPTION = (-1, 0)


def edits(today: Deployment, candidate: Deployment) -> tuple[Edit, ...]:
    """Every setting in which `candidate` differs, lightest first; pointers are from the root."""
    root = root_of_edits(today)
    found = []
    for pointer, field in FIELDS.items():
        previous, value = field(today), field(candidate)
        if pointer.startswith("/replicas"):
            if today.replicas == candidate.replicas or not _writes_replicas(today, pointer):
                continue
            value = candidate.replicas.max if pointer.endswith("max") else candidate.replicas.min
        if value is not None and value != previous:
            found.append(Edit(root + pointer, value, previous))
    return tuple(found)


def disruption(changes: tuple[Edit, ...], root: str) -> Disruption:
    """How much an alternative asks of its user.

    `root` is the deployment's JSON pointer.
    """
    if not changes:
        return NO_DISRUPTION
    return max(RANKS[edit.pointer.removeprefix(root)] for edit in changes), len(changes)


def _writes_replicas(today: Deployment, pointer: str) -> bool:
    """A stated range is edited at its ends, a number (or nothing) as one number."""
    is_range = "/replicas/min" in today.places or "/replicas/max" in today.places
    return is_range == (pointer != "/replicas")


def root_of_edits(deployment: Deployment) -> str:
    """Where a change of a deployment is written: an environment has a map of its own."""
    return deployment.root or root_of(deployment.name)


def root_of(name: str) -> str:
    """The JSON pointer of a deployment in its manifest; RFC 6901 escapes `~` and `/`."""
    return f"/deployments/{name.replace('~', '~0').replace('/', '~1')}"
