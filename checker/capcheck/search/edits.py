"""The difference between two deployments as edits of the manifest."""

from __future__ import annotations

from operator import attrgetter

from capcheck.manifest.deployment import Deployment
from capcheck.search.alternative import Edit

# Every field that an alternative may set, from the lightest change to the heaviest; a deployment
# has it where its pointer says.
FIELDS = (
    "/serving/max_num_seqs",
    "/serving/max_model_len",
    "/serving/gpu_memory_utilization",
    "/serving/kv_cache_dtype",
    "/replicas",
    "/replicas/min",
    "/replicas/max",
    "/quant",
    "/gpus_per_replica",
    "/serving/tensor_parallel_size",
    "/serving/pipeline_parallel_size",
    "/usd_per_gpu_hour",
    "/instance_type",
    "/gpu",
    "/backend_version",
    "/backend",
    "/model",
)
RANKS = {pointer: rank for rank, pointer in enumerate(FIELDS)}

_values = attrgetter(*(pointer[1:].replace("/", ".") for pointer in FIELDS))

# The rank of the heaviest edit, -1 without any, then the number of edits.
Disruption = tuple[int, int]
NO_DISRUPTION = (-1, 0)


def edits(today: Deployment, candidate: Deployment) -> tuple[Edit, ...]:
    """Every setting in which `candidate` differs, lightest first; pointers are from the root."""
    root = root_of_edits(today)
    found = []
    for pointer, previous, value in zip(FIELDS, _values(today), _values(candidate), strict=True):
        if value is None or value == previous:
            continue
        if pointer.startswith("/replicas") and not _writes_replicas(today, pointer):
            continue
        if pointer == "/replicas":
            value, previous = value.min, previous.min if pointer in today.places else None
            if value == previous:
                continue
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
