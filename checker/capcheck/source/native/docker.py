"""The accelerators that Docker hands to a container, for `docker run` and Compose alike.

Sources: Docker "Runtime options: GPUs", Compose "Enable GPU access", NVIDIA Container Toolkit
(`NVIDIA_VISIBLE_DEVICES`, CDI device names), ROCm and Gaudi container guides.
"""

from __future__ import annotations

from collections.abc import Sequence

from capcheck.place import Place
from capcheck.records import dataclass
from capcheck.source.native.command.facts import typed, unresolved
from capcheck.source.native.command.variables import Environment
from capcheck.source.native.container import Container, Reading
from capcheck.source.native.deployment import Fact, Stated, Unknown, merged
from capcheck.source.native.pod import of_reading
from capcheck.source.native.text import Text

ALL = "all"
_CDI = {"nvidia.com/gpu": "", "amd.com/gpu": "AMD", "habana.ai/gaudi": "Gaudi"}
_DRIVERS = {"nvidia": "", "cdi": "", "amd": "AMD", "amdgpu": "AMD", "habana": "Gaudi"}
# A runtime, whose accelerators it hands over, and the variable that says which of them.
_RUNTIMES = {
    "nvidia": ("", "NVIDIA_VISIBLE_DEVICES"),
    "habana": ("Gaudi", "HABANA_VISIBLE_DEVICES"),
    "amd": ("AMD", "AMD_VISIBLE_DEVICES"),
}
_NOT_SAID = Unknown()
_NO_DEVICES = frozenset(("none", "void"))


@dataclass(frozen=True, slots=True)
class Request:
    """One request for devices: how many, or which; all of them where neither is said."""

    place: Place
    origin: str
    count: Text | None = None
    ids: tuple[Text, ...] = ()
    driver: Text | None = None


@dataclass(frozen=True, slots=True)
class Devices:
    """What a container is given. `asked` says whether anything hints at an accelerator.

    `ids` are the devices' own names, where the request has them instead of a number.
    """

    gpu: Fact = _NOT_SAID
    count: Fact = _NOT_SAID
    asked: bool = False
    ids: tuple[str, ...] = ()


def devices(
    requests: Sequence[Request],
    paths: Sequence[Text],
    runtime: Text | None,
    environment: Environment,
) -> Devices:
    """The accelerators of one container. `paths` are its `--device` or `devices:` entries."""
    if requests:
        vendors = {_DRIVERS.get(r.driver.value, "") if r.driver else "" for r in requests}
        vendor = vendors.pop() if len(vendors) == 1 else ""
        first = requests[0]
        gpu: Fact = Stated(vendor, first.place, first.origin) if vendor else Unknown()
        count = _sum([_requested(request) for request in requests])
        return Devices(gpu, count, True, _names([id_ for r in requests for id_ in r.ids]))
    named = [path for path in paths if path.value.partition("=")[0] in _CDI]
    if named:
        place, vendor = named[0].place, _CDI[named[0].value.partition("=")[0]]
        gpu = Stated(vendor, place, "device") if vendor and place else Unknown()
        ids = tuple(path[path.value.find("=") + 1 :] for path in named)
        return Devices(gpu, _of_ids(ids, "device"), True)
    if runtime is not None and runtime.value in _RUNTIMES and runtime.place is not None:
        vendor, variable = _RUNTIMES[runtime.value]
        gpu = Stated(vendor, runtime.place, "runtime") if vendor else Unknown()
        visible = environment.get(variable)
        seen = _names([visible] if visible is not None else [])
        return Devices(gpu, _visible(visible, variable, runtime), True, seen)
    if kfd := next((path for path in paths if path.value.startswith("/dev/kfd")), None):
        return Devices(Stated("AMD", kfd.place, "device") if kfd.place else Unknown(), asked=True)
    hinted = any(path.value.startswith(("/dev/dri", "/dev/nvidia", "/dev/accel")) for path in paths)
    return Devices(asked=hinted or bool(runtime and runtime.unresolved))


def accelerators(running: Container, reading: Reading, given: Devices) -> dict[str, Fact]:
    """What a container is given, else what its image is built for.

    An image that is built elsewhere, or that a variable chooses, may be one for a GPU.
    """
    built = of_reading(running, reading, None, None)
    if given.asked:
        on_cpu = isinstance(built.gpu, Stated) and built.gpu.value == "CPU"
        asked: dict[str, Fact] = {"gpu": given.gpu, "gpu_count": given.count}
        return merged(asked, {} if on_cpu else {"gpu": built.gpu})
    image = running.image
    if image is None or ((image.variables or image.unresolved) and not reading.device):
        return {}
    return {"gpu": built.gpu, "gpu_count": built.gpu_count}


def gpus_option(value: Text) -> Request | None:
    """The value of `docker run --gpus`: `all`, a number, or `device=0,1` among other settings."""
    place = value.place
    if place is None:
        return None
    text = value.value.strip("'\"")
    value = value[value.value.find(text) :][: len(text)]
    at = text.find("device=")
    if at >= 0:
        ids = value[at + len("device=") :]
        # `"device=0,1",capabilities=utility`: the list ends where its quotes do, or at a new key.
        end = min((n for n in (ids.value.find('"'), ids.value.find(",cap")) if n >= 0), default=-1)
        return Request(place, "--gpus", ids=(ids[:end] if end >= 0 else ids,))
    if text.startswith("count="):
        return Request(place, "--gpus", count=value[len("count=") :])
    return Request(place, "--gpus", count=value)


def _requested(request: Request) -> Fact:
    if request.count is not None:
        text = request.count.value.strip().lower()
        if text in (ALL, "-1") and request.count.place is not None:
            return Stated(ALL, request.count.place, request.origin)
        return typed(request.count, "integer", request.origin)
    if request.ids:
        return _of_ids(request.ids, request.origin)
    return Stated(ALL, request.place, request.origin)


def _of_ids(ids: Sequence[Text], origin: str) -> Fact:
    """How many devices a list of ids names; an id may be several behind commas."""
    hidden = next((text for text in ids if text.unresolved), None)
    if hidden is not None:
        return unresolved(hidden)
    place = ids[0].place
    names = _names(ids)
    if place is None or not names:
        return Unknown()
    is_all = any(name.strip().rpartition("=")[2] == ALL for name in names)
    return Stated(ALL if is_all else len(names), place, origin)


def _names(ids: Sequence[Text]) -> tuple[str, ...]:
    """The devices that ids name; one may be several behind commas."""
    return tuple(name.strip() for text in ids for name in text.value.split(",") if name.strip())


def _visible(value: Text | None, variable: str, runtime: Text) -> Fact:
    place = runtime.place
    if value is None and place is not None:
        return Stated(ALL, place, "runtime")
    if value is None or value.value in _NO_DEVICES:
        return Unknown()
    return _of_ids((value,), f"env {variable}") if value.value else Unknown()


def _sum(counts: Sequence[Fact]) -> Fact:
    unknown = next((count for count in counts if isinstance(count, Unknown)), None)
    if unknown is not None:
        return unknown
    stated = [count for count in counts if isinstance(count, Stated)]
    whole = next((count for count in stated if count.value == ALL), None)
    if whole is not None or len(stated) == 1:
        return whole or stated[0]
    return Stated(sum(int(c.value) for c in stated), stated[0].place, stated[0].origin)
