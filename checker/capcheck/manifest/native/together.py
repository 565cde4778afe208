"""What the deployments of some native files show when they are seen together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from capcheck.manifest.deployment import Observed
from capcheck.manifest.native.model import is_place_of_weights
from capcheck.source.native.deployment import NativeDeployment, Stated

_COMPOSE = "docker-compose"


def together(found: Sequence[NativeDeployment]) -> dict[int, list[Observed]]:
    """Observations by the `id` of the deployment that they are told of."""
    observed: dict[int, list[Observed]] = {}
    for one, other in combinations(found, 2):
        for what in _roles(one, other):
            observed.setdefault(id(other), []).append(what)
    for index, one in enumerate(found):
        for what in _shared(one, found[:index], found[index + 1 :]):
            observed.setdefault(id(one), []).append(what)
    return observed


def _roles(one: NativeDeployment, other: NativeDeployment) -> Iterator[Observed]:
    """Prefill hands its KV cache to decode: both must run the same model."""
    if _object(one) != _object(other) or {_phase(one), _phase(other)} != {"prefill", "decode"}:
        return
    mine, theirs = one.facts["model"], other.facts["model"]
    if not isinstance(mine, Stated) or not isinstance(theirs, Stated):
        return
    names = [str(fact.value) for fact in (mine, theirs)]
    if any(map(is_place_of_weights, names)) or names[0].casefold() == names[1].casefold():
        return
    message = f"{one.role} serves {names[0][:100]}, {other.role} serves {names[1][:100]}"
    yield Observed("roles-differ", message, theirs.place, mine.place)


def _object(one: NativeDeployment) -> tuple[str, str]:
    return one.place.path, one.address.partition("#")[0]


def _phase(one: NativeDeployment) -> str:
    words = f"{one.role} {one.address.partition('#')[2]}".lower()
    return next((phase for phase in ("prefill", "decode") if phase in words), "")


def _shared(
    one: NativeDeployment,
    above: Sequence[NativeDeployment],
    below: Sequence[NativeDeployment],
) -> Iterator[Observed]:
    """Services on one device whose shares of it add up to more than all of it, told of the last.

    Docker hands the first N devices to every service that asks for a number of them.
    """
    mine = _share(one)
    beside = [it for it in above if _meet(one, it)]
    if mine is None or not beside or any(_meet(one, it) for it in below):
        return
    shares = [share for it in beside if (share := _share(it)) is not None]
    total = sum(float(share.value) for share in (*shares, mine))
    if total > 1:
        names = " and ".join(
            f"{it.address.rpartition('.')[2]} {share.value}"
            for it, share in zip((*beside, one), (*shares, mine), strict=True)
        )
        message = (
            f"{names} of the same GPU make {total:.2f} of it: is one of them meant for another?"
        )
        yield Observed("gpu-shared", message, mine.place, shares[0].place)


def _share(one: NativeDeployment) -> Stated | None:
    """The share of its GPUs that a service of a Compose file takes."""
    fact = one.facts["gpu_memory_utilization"]
    return fact if one.kind == _COMPOSE and isinstance(fact, Stated) else None


def _meet(one: NativeDeployment, other: NativeDeployment) -> bool:
    """Whether two services take shares of one device at the same time."""
    return (
        one.place.path == other.place.path
        and _share(other) is not None
        and _run_together(one, other)
        and bool(_devices(one) & _devices(other))
    )


def _run_together(one: NativeDeployment, other: NativeDeployment) -> bool:
    mine, theirs = (_words(it, "profiles") for it in (one, other))
    return not mine or not theirs or bool(mine & theirs)


def _devices(one: NativeDeployment) -> frozenset[str]:
    """The devices by number, where ids or a number of them say so."""
    if "device_ids" in one.settings:
        return _words(one, "device_ids")
    count = one.facts["gpu_count"]
    if isinstance(count, Stated) and isinstance(count.value, int) and 0 < count.value <= 64:
        return frozenset(map(str, range(count.value)))
    return frozenset()


def _words(one: NativeDeployment, setting: str) -> frozenset[str]:
    found = one.settings.get(setting)
    return frozenset(str(found.value).split(",")) if found else frozenset()
