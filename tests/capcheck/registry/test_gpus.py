import pytest
from capcheck.registry.matches import GpuMatch, Miss
from capcheck.registry.rows import several
from capcheck.registry.tables import load
from hypothesis import given
from hypothesis import strategies as st

REGISTRY = load()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("RTX 4080", "RTX 4080 16GB"),
        ("RTX 4080 12GB", "RTX 4080 Laptop 12GB"),
        ("NVIDIA GeForce RTX 4080 Laptop GPU", "RTX 4080 Laptop 12GB"),
        ("rtx4090", "RTX 4090 24GB"),
        ("nvidia-l4", "L4 24GB"),
        ("L4-24GB", "L4 24GB"),
        ("NVIDIA-H100-80GB-HBM3", "H100 80GB SXM"),
        ("H100 SXM", "H100 80GB SXM"),
        ("H100-NVL", "H100 94GB NVL"),
        ("NVIDIA A100-PCIE-40GB", "A100 40GB PCIe"),
        ("Tesla-V100-SXM2-32GB", "V100 32GB SXM2"),
        ("A10G", "A10G 24GB"),
        ("A10", "A10 24GB"),
        ("nvidia-tesla-t4", "T4 16GB"),
        ("AMD Instinct MI300X", "MI300X 192GB"),
        ("Apple M3 Max 40c", "Apple M3 Max 40c"),
        ("M4 Pro 20-core", "Apple M4 Pro 20c"),
        ("strix halo", "Ryzen AI Max+ 395 128GB"),
        ("DGX Spark", "DGX Spark GB10 128GB"),
        ("RTX 4060 8GB (reported total 8.00GiB)", "RTX 4060 8GB"),
    ],
)
def test_exact_names(text: str, name: str):
    match = REGISTRY.gpu(text)
    assert [spec.name for spec in match.variants] == [name]
    assert (match.note, match.count) == (None, None)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("H100", ["H100 80GB SXM", "H100 80GB PCIe", "H100 94GB NVL"]),
        ("H100 80GB", ["H100 80GB SXM", "H100 80GB PCIe"]),
        ("A100 80GB", ["A100 80GB SXM", "A100 80GB PCIe"]),
        ("A100", ["A100 80GB SXM", "A100 40GB SXM", "A100 80GB PCIe", "A100 40GB PCIe"]),
        ("NVIDIA A100 40GB", ["A100 40GB SXM", "A100 40GB PCIe"]),
        ("RTX 4060 Ti", ["RTX 4060 Ti 8GB", "RTX 4060 Ti 16GB"]),
        ("m3 max", ["Apple M3 Max 40c", "Apple M3 Max 30c"]),
    ],
)
def test_ambiguous_names_take_the_commoner_first_and_say_how_to_be_exact(
    text: str, names: list[str]
):
    match = REGISTRY.gpu(text)
    assert [spec.name for spec in match.variants] == names
    assert match.spec.name == names[0]
    assert match.note == (
        f"{text} may be {names[0]} (assumed) or {', '.join(names[1:])}: write the one you have"
    )


@pytest.mark.parametrize(
    ("text", "name", "count"),
    [
        ("8x H100 SXM", "H100 80GB SXM", 8),
        ("2 x RTX 3090", "RTX 3090 24GB", 2),
        ("L4 x4", "L4 24GB", 4),
        ("4×A10G", "A10G 24GB", 4),
    ],
)
def test_counts(text: str, name: str, count: int):
    match = REGISTRY.gpu(text)
    assert (match.spec.name, match.count) == (name, count)


def test_every_name_of_every_row_finds_its_row():
    for row in REGISTRY.rows("gpus"):
        for name in (row["name"], *several(row["aliases"])):
            assert [spec.name for spec in REGISTRY.gpu(name).variants] == [row["name"]], name
        for name in several(row["shared_names"]):
            assert row["name"] in {spec.name for spec in REGISTRY.gpu(name).variants}, name


@pytest.mark.parametrize(
    ("text", "nearest"),
    [("RTX 409", "RTX 4090 24GB"), ("H10O SXM", "H100 80GB SXM"), ("RTX 5090D", "RTX 5090 32GB")],
)
def test_nearest_gpu(text: str, nearest: str):
    miss = REGISTRY.gpu(text)
    assert isinstance(miss, Miss)
    assert nearest in miss.nearest
    assert len(miss.nearest) <= 3


@pytest.mark.parametrize("text", ["", "gpu", "nvidia", "8x", "2x CUDA", "GTX 970", "x" * 5_000])
def test_what_is_no_gpu(text: str):
    assert isinstance(REGISTRY.gpu(text), Miss)


@given(st.text(max_size=250))
def test_look_ups_never_raise(text: str):
    assert isinstance(REGISTRY.gpu(text), (GpuMatch, Miss))
