import shutil
from pathlib import Path

import pytest
from capcheck.registry.matches import Miss, PriceMatch
from capcheck.registry.prices import choose, instances, usd_per_hour
from capcheck.registry.specs import GpuSpec
from capcheck.registry.tables import Registry, load

REGISTRY = load()


def price_of(name: str, *, n_gpus: int = 1, **stated: str) -> PriceMatch | Miss:
    match = REGISTRY.gpu(name)
    return choose(REGISTRY, match.spec, n_gpus=n_gpus, variants=match.variants, **stated)


@pytest.mark.parametrize(
    ("gpu", "usd_per_gpu_hour", "kind", "captured"),
    [
        ("RTX 4080 12GB", 0.035, "amortised", "2026-08-22"),
        ("RTX 4060 8GB", 0.02, "amortised", "2026-09-05"),
        ("L4", 0.5, "marketplace", "2026-09-05"),
        ("H100 80GB", 2.5, "marketplace", "2026-09-05"),
        ("H100 PCIe", 2.5, "marketplace", "2026-09-05"),
        ("MI300X", 2.0, "marketplace", "2026-09-05"),
        ("RX 9070 XT", 0.0228, "amortised", "2026-09-25"),
    ],
)
def test_without_a_provider_the_newest_marketplace_or_amortised_row(
    gpu: str, usd_per_gpu_hour: float, kind: str, captured: str
):
    price = price_of(gpu).price
    assert (price.usd_per_gpu_hour, price.kind, price.captured) == (
        usd_per_gpu_hour,
        kind,
        captured,
    )


@pytest.mark.parametrize("spec", REGISTRY.gpus, ids=lambda spec: spec.name)
def test_without_a_provider_never_spot_fixture_approximate_or_undated(spec: GpuSpec):
    match = choose(REGISTRY, spec, n_gpus=1)
    if isinstance(match, PriceMatch):
        assert match.price.kind in {"marketplace", "amortised"}
        assert match.price.captured is not None
        assert match.price.gpu == spec.name


@pytest.mark.parametrize(
    ("gpu", "n_gpus", "stated", "instance_type", "usd_hour"),
    [
        ("L4", 1, {"provider": "aws"}, "g6.xlarge", 0.8048),
        ("L4", 2, {"provider": "AWS"}, "g6.12xlarge", 4.6016),
        ("L4", 8, {"provider": "aws"}, "g6.48xlarge", 13.3504),
        ("H100", 1, {"provider": "aws"}, "p5.4xlarge", 6.88),
        ("H100", 16, {"provider": "aws"}, "p5.48xlarge", 110.08),
        ("T4", 1, {"provider": "azure", "region": "eastus"}, "Standard_NC4as_T4_v3", 0.526),
        ("L4", 1, {"instance_type": "g6.2xlarge"}, "g6.2xlarge", 0.9776),
        ("RTX A6000", 3, {"provider": "lambda"}, "gpu_4x_a6000", 4.36),
        ("A100 80GB SXM", 4, {"provider": "crusoe"}, None, 7.8),
    ],
)
def test_of_a_provider_the_cheapest_instance_that_holds_the_gpus(
    gpu: str, n_gpus: int, stated: dict[str, str], instance_type: str | None, usd_hour: float
):
    price = price_of(gpu, n_gpus=n_gpus, **stated).price
    assert price.instance_type == instance_type
    assert usd_per_hour(price, n_gpus) == pytest.approx(usd_hour)


def test_capacity_type_chooses_the_kind():
    assert price_of("MI300X", provider="crusoe").price.usd_per_hour == 3.45
    assert price_of("MI300X", provider="crusoe", capacity_type="spot").price.usd_per_hour == 0.95
    assert isinstance(price_of("MI300X", provider="crusoe", capacity_type="reserved"), Miss)


def test_a_kind_alone_takes_its_newest_price_and_the_cheapest_of_a_day():
    price = price_of("L4", capacity_type="on-demand").price
    assert (price.instance_type, price.usd_per_hour) == ("g6.xlarge", 0.8048)


def registry_with_prices(folder: Path, *offers: str) -> Registry:
    """The registry with other prices: provider, instance, GPUs, USD per hour, date, kind."""
    header = "provider,instance_type,gpu,n_gpus,usd_per_hour,region,captured,kind,source"
    lines = [header]
    for offer in offers:
        provider, instance_type, n_gpus, usd, captured, kind = offer.split(",")
        lines.append(f"{provider},{instance_type},L4,{n_gpus},{usd},,{captured},{kind},list")
    shutil.copytree(REGISTRY.data, folder, dirs_exist_ok=True)
    (folder / "prices.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Registry(folder)


@pytest.mark.parametrize(
    ("offers", "provider", "usd_hour"),
    [
        # Undated rows are nobody's price unless the provider is named, and last even then.
        (("a,,1,1,,marketplace", "a,,1,2,2026-01-01,marketplace"), None, 2),
        (("a,x,1,1,,on-demand", "a,y,1,2,2026-01-01,on-demand"), "a", 2),
        (("a,x,1,1,,on-demand",), "a", 1),
        # The newest row of an offer replaces the older ones, whatever they cost.
        (("a,x,1,1,2026-01-01,on-demand", "a,x,1,3,2026-02-01,on-demand"), "a", 3),
        (("a,,1,1,2026-01-01,amortised", "a,,1,3,2026-02-01,marketplace"), None, 3),
        # A list price stands before a rounded one, even when it is dearer or older.
        (("a,x,1,5,2026-01-01,on-demand", "a,,1,1,2026-02-01,approximate"), "a", 5),
    ],
)
def test_which_of_several_offers(
    tmp_path: Path, offers: tuple[str, ...], provider: str | None, usd_hour: float
):
    registry = registry_with_prices(tmp_path, *offers)
    match = choose(registry, registry.gpu("L4").spec, n_gpus=1, provider=provider)
    assert isinstance(match, PriceMatch)
    assert match.price.usd_per_hour == usd_hour


def test_only_undated_prices_are_none_without_a_provider(tmp_path: Path):
    registry = registry_with_prices(tmp_path, "a,,1,1,,marketplace")
    assert isinstance(choose(registry, registry.gpu("L4").spec, n_gpus=1), Miss)


def test_whole_instances_are_billed():
    price = price_of("L4", n_gpus=2, provider="aws").price
    assert (instances(price, 1), instances(price, 4), instances(price, 5)) == (1, 1, 2)
    note = price_of("L4", n_gpus=2, provider="aws").note
    assert note == "g6.12xlarge is billed whole: 4 GPUs for 2"


def test_an_undated_price_and_a_rounded_one_are_noted():
    assert price_of("RTX A6000", provider="lambda").note == "the price is undated"
    assert "rounded catalogue figure" in price_of("L4", provider="gcp").note


def test_an_ambiguous_gpu_has_a_price_for_each_variant():
    match = price_of("A100 80GB", provider="crusoe")
    assert [(price.gpu, price.usd_per_hour) for price in match.variants] == [
        ("A100 80GB SXM", 1.95),
        ("A100 80GB PCIe", 1.65),
    ]
    assert match.price == match.variants[0]


def test_the_price_of_another_variant_is_noted():
    match = price_of("A100 40GB", provider="crusoe")
    assert match.price.gpu == "A100 40GB PCIe"
    assert match.note == "the price is that of A100 40GB PCIe"


@pytest.mark.parametrize(
    ("gpu", "stated", "text", "nearest", "reason"),
    [
        ("A10G", {}, "A10G 24GB", (), "no dated price of A10G 24GB: state usd_per_gpu_hour"),
        ("H100", {"provider": "azur"}, "azur", ("azure",), "no price of this provider"),
        (
            "L4",
            {"instance_type": "g6.2xlarg"},
            "g6.2xlarg",
            ("g6.2xlarge", "g6.12xlarge", "g6.24xlarge"),
            "no price of it with L4 24GB",
        ),
        (
            "L4",
            {"provider": "azure", "capacity_type": "spot"},
            "L4 24GB",
            (),
            "no dated price of L4 24GB for azure spot: state usd_per_gpu_hour",
        ),
    ],
)
def test_misses_say_why(
    gpu: str, stated: dict[str, str], text: str, nearest: tuple[str, ...], reason: str
):
    miss = price_of(gpu, **stated)
    assert miss == Miss("price", text, nearest, reason)
