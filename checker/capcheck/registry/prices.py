"""Which dated price applies to a GPU, and what whole instances cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from capcheck.registry.gpus import GpuNames, products
from capcheck.registry.matches import Miss, PriceMatch
from capcheck.registry.names import Vocabulary, key, nearest
from capcheck.registry.rows import Row, text
from capcheck.registry.specs import GpuSpec, Price

if TYPE_CHECKING:
    from capcheck.registry.tables import Registry

# The kind of an organisation's own price: it wins over every other.
OWN = "policy"

# Kinds that stand for what anybody pays, when the manifest names no provider.
_WITHOUT_PROVIDER = (OWN, "marketplace", "amortised")
# With a provider named: a list price first, a rounded catalogue figure last, and nothing else
# unless the manifest's capacity_type asks for it.
_OF_PROVIDER = (OWN, "on-demand", "marketplace", "amortised", "approximate")


def prices_of_rows(
    rows: Iterable[Row], gpus: GpuNames, discounts: Mapping[str, float] | None = None
) -> tuple[Price, ...]:
    """prices.csv, one price for each product that a row's GPU name may mean.

    A GPU that no table knows keeps its name as written. `discounts` are shares off what providers
    list; an organisation's own prices have theirs taken off already.
    """
    rows = tuple(rows)
    taken_off = {key(provider): share for provider, share in (discounts or {}).items()}
    spelled = {row["gpu"] for row in rows}
    meant = {name: [spec.name for spec in products(name, gpus)] or [name] for name in spelled}
    return tuple(
        Price(
            provider=row["provider"],
            instance_type=text(row["instance_type"]),
            gpu=name,
            n_gpus=int(row["n_gpus"]),
            usd_per_hour=float(row["usd_per_hour"]) * _paid(row, taken_off),
            region=text(row["region"]),
            captured=text(row["captured"]),
            kind=row["kind"],
            source=row["source"],
        )
        for row in rows
        for name in meant[row["gpu"]]
    )


def _paid(row: Row, taken_off: Mapping[str, float]) -> float:
    """The share of a listed price that is paid."""
    return 1.0 if row["kind"] == OWN else 1.0 - taken_off.get(key(row["provider"]), 0.0)


def instances(price: Price, n_gpus: int) -> int:
    """How many whole instances hold `n_gpus` GPUs."""
    return math.ceil(n_gpus / price.n_gpus)


def usd_per_hour(price: Price, n_gpus: int) -> float:
    """What `n_gpus` GPUs cost per hour when whole instances are billed."""
    return instances(price, n_gpus) * price.usd_per_hour


@lru_cache(maxsize=8192)
def choose(
    registry: Registry,
    gpu: GpuSpec,
    *,
    n_gpus: int,
    provider: str | None = None,
    instance_type: str | None = None,
    region: str | None = None,
    capacity_type: str | None = None,
    variants: tuple[GpuSpec, ...] = (),
) -> PriceMatch | Miss:
    """The price of `n_gpus` GPUs that reach each other, and that of every GPU variant.

    Without a provider or instance type: the newest marketplace or amortised row; never spot, test
    fixtures or undated rows, unless `capacity_type` names such a kind. With one: the cheapest
    instance that holds the GPUs, else the fewest whole instances.
    """
    stated = (provider, instance_type, region, capacity_type)
    found = []
    for variant in variants or (gpu,):
        price = _choose(registry.prices_of(variant.name), n_gpus, *stated)
        if price:
            found.append(price)
    if not found:
        return _miss(registry, gpu, *stated)
    return PriceMatch(found[0], tuple(found), _note(found[0], gpu, n_gpus))


def _choose(
    prices: Iterable[Price],
    n_gpus: int,
    provider: str | None,
    instance_type: str | None,
    region: str | None,
    capacity_type: str | None,
) -> Price | None:
    named = provider is not None or instance_type is not None
    offered = _OF_PROVIDER if named else _WITHOUT_PROVIDER
    kinds = [key(kind) for kind in ([capacity_type] if capacity_type else offered)]
    fitting = [
        price
        for price in prices
        if key(price.kind) in kinds
        and _is(price.provider, provider)
        and _is(price.instance_type, instance_type)
        and (_is(price.region, region) or price.region is None)
        and (named or price.captured is not None)
    ]
    if not named:
        return max(
            fitting,
            key=lambda price: (
                price.kind == OWN,
                price.captured or "",
                -usd_per_hour(price, n_gpus),
            ),
            default=None,
        )
    return min(
        _newest(fitting),
        key=lambda price: (
            kinds.index(key(price.kind)),
            price.captured is None,
            price.instance_type is not None and price.n_gpus < n_gpus,
            usd_per_hour(price, n_gpus),
        ),
        default=None,
    )


def _is(value: str | None, stated: str | None) -> bool:
    return stated is None or (value is not None and key(value) == key(stated))


def _newest(prices: Iterable[Price]) -> Iterable[Price]:
    """The last price captured of each offer."""
    offers: dict[tuple[object, ...], Price] = {}
    for price in prices:
        offer = (price.provider, price.instance_type, price.n_gpus, price.region, price.kind)
        kept = offers.get(offer)
        if kept is None or (price.captured or "") > (kept.captured or ""):
            offers[offer] = price
    return offers.values()


def _note(price: Price, gpu: GpuSpec, n_gpus: int) -> str | None:
    notes = []
    if price.gpu != gpu.name:
        notes.append(f"the price is that of {price.gpu}")
    billed = instances(price, n_gpus) * price.n_gpus
    if billed > n_gpus:
        whole = price.instance_type or "the instance"
        notes.append(f"{whole} is billed whole: {billed} GPUs for {n_gpus}")
    if price.captured is None:
        notes.append("the price is undated")
    if price.kind == "approximate":
        notes.append("a rounded catalogue figure per GPU, not the price of an instance")
    return "; ".join(notes) or None


def _miss(
    registry: Registry,
    gpu: GpuSpec,
    provider: str | None,
    instance_type: str | None,
    region: str | None,
    capacity_type: str | None,
) -> Miss:
    stated = " ".join(
        item for item in (provider, instance_type, region, capacity_type) if item is not None
    )
    offers = registry.prices
    if provider is not None and not any(_is(price.provider, provider) for price in offers):
        valid = Vocabulary([(price.provider, price.provider) for price in offers])
        return Miss("price", provider, nearest(provider, valid), "no price of this provider")
    if instance_type is not None:
        types = [price.instance_type for price in offers if price.instance_type]
        valid = Vocabulary([(name, name) for name in types])
        near = () if instance_type in types else nearest(instance_type, valid)
        return Miss("price", instance_type, near, f"no price of it with {gpu.name}")
    reason = f"no dated price of {gpu.name}" + (f" for {stated}" if stated else "")
    return Miss("price", gpu.name, (), f"{reason}: state usd_per_gpu_hour")
