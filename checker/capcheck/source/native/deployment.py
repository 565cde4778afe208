"""What a native file says of one deployment: facts with places, or why they are unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from capcheck.place import Place
from capcheck.records import dataclass

# The facts that every reader is asked for, in the order in which they are shown.
FACTS = (
    "backend",
    "model",
    "quant",
    "gpu",
    "gpu_count",
    "tp",
    "pp",
    "replicas",
    "max_model_len",
    "gpu_memory_utilization",
    "max_num_seqs",
    "kv_cache_dtype",
)

# ok: checkable. partial: something needed stands elsewhere. runtime: an engine without a model.
# template: must be rendered first. none: nothing is deployed.
Expect = Literal["ok", "partial", "runtime", "template", "none"]
Value = str | int | float

NOT_STATED = "the file does not say"
# Settings: the container of a pod that serves, and others in it that serve too.
CONTAINER, OTHER_CONTAINERS = "container", "other_containers"
# The origin of an engine that only its flags tell.
BY_FLAGS = "flags"


@dataclass(frozen=True, slots=True)
class Stated:
    """A fact with where it stands and what states it: `--max-model-len`, `env MODEL_ID`, ...

    Of an accelerator also what the file tells beyond its type: `product`, its full name,
    `provider`, the cloud whose it is, and `machine`, the cloud's name of the machine it is in.
    """

    value: Value
    place: Place
    origin: str
    product: str = ""
    provider: str = ""
    machine: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A fact that the file does not give. `place` is that of the variable or reference, if any."""

    reason: str = NOT_STATED
    place: Place | None = None


Fact = Stated | Unknown
Facts = Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something a reader noticed that is no fact."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class NativeDeployment:
    """One deployment of a native file.

    `address` is its locator inside the file (`Deployment/chat`, `services.vllm`, `Kind/name#role`).
    `facts` holds every name of FACTS. `settings` holds what else the file states, by canonical name
    (`max_num_batched_tokens`, `dtype`, `served_model_name`, `engine_version`, `nodes` ...).
    `alternatives` are the accelerators to choose from, each `(type, count)`.
    """

    address: str
    kind: str
    place: Place
    facts: Facts
    expect: Expect = "ok"
    role: str = ""
    settings: Mapping[str, Stated] = field(default_factory=dict)
    alternatives: tuple[tuple[str, int], ...] = ()
    remarks: tuple[Remark, ...] = ()


def deployment(
    *,
    address: str,
    kind: str,
    place: Place,
    facts: Facts,
    expect: Expect | None = None,
    role: str = "",
    settings: Mapping[str, Stated] | None = None,
    alternatives: tuple[tuple[str, int], ...] = (),
    remarks: tuple[Remark, ...] = (),
) -> NativeDeployment:
    """A deployment whose missing facts are filled with Unknown and whose `expect` follows.

    Without `expect` it is `ok` when backend and model are stated and no fact waits for a variable
    or another file, `partial` otherwise; an engine that only its flags tell is no statement.
    """
    complete = {name: facts.get(name, Unknown()) for name in FACTS}
    if expect is None:
        waits = any(isinstance(fact, Unknown) and fact.place for fact in complete.values())
        known = all(isinstance(complete[name], Stated) for name in ("backend", "model"))
        backend = complete["backend"]
        guessed = isinstance(backend, Stated) and backend.origin == BY_FLAGS
        expect = "ok" if known and not waits and not guessed else "partial"
    return NativeDeployment(
        address=address,
        kind=kind,
        place=place,
        facts=complete,
        expect=expect,
        role=role,
        settings=settings or {},
        alternatives=alternatives,
        remarks=remarks,
    )


def only_stated(facts: Facts) -> dict[str, Stated]:
    """Those that are known."""
    return {name: fact for name, fact in facts.items() if isinstance(fact, Stated)}


def merged(*layers: Facts) -> dict[str, Fact]:
    """The facts of several layers, the strongest first: what one states, the later ones do not.

    An Unknown with a place (an unresolved variable) outranks a weaker layer's value: what will be
    used is not what the weaker layer says.
    """
    result: dict[str, Fact] = {}
    for layer in layers:
        for name, fact in layer.items():
            settled = result.get(name)
            if settled is None or (isinstance(settled, Unknown) and settled.place is None):
                result[name] = fact
    return result
