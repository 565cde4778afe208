"""Which deployment became which."""

import pytest
from capcheck.compare import pairing
from capcheck.compare.pairing import pair

from tests.capcheck.compare.conftest import entry

SMALL = "model: m, quant: q, gpu: g, backend: b"
LARGE = "model: n, quant: r, gpu: h, backend: b"

# (name, file, fields) of head and of base; for each of head the index in base.
CASES = [
    ([("a", "x", SMALL)], [("a", "x", SMALL)], [0]),
    ([("a", "x", SMALL)], [("a", "x", LARGE)], [0]),
    ([("a", "x", SMALL)], [], [None]),
    ([], [("a", "x", SMALL)], []),
    # Another name, another file.
    ([("b", "x", SMALL)], [("a", "x", SMALL)], [0]),
    ([("a", "y", SMALL)], [("a", "x", SMALL)], [0]),
    ([("b", "y", SMALL)], [("a", "x", SMALL)], [0]),
    # Too little in common.
    ([("b", "x", SMALL)], [("a", "x", LARGE)], [None]),
    ([("a", "y", SMALL)], [("a", "x", LARGE)], [None]),
    ([("b", "y", SMALL)], [("a", "x", SMALL.replace("gpu: g", "gpu: h"))], [None]),
    # The same file and name first, however alike another one is.
    ([("a", "x", LARGE), ("b", "x", SMALL)], [("a", "x", SMALL)], [0, None]),
    ([("a", "x", SMALL), ("a", "y", SMALL)], [("a", "x", SMALL)], [0, None]),
    # Of several the most alike; of equals the one that shares name or file.
    ([("c", "x", SMALL)], [("a", "x", LARGE), ("b", "x", SMALL)], [1]),
    ([("b", "y", SMALL)], [("a", "x", SMALL), ("b", "x", SMALL)], [1]),
    # Two that changed places.
    ([("a", "y", SMALL), ("b", "x", LARGE)], [("a", "x", SMALL), ("b", "y", LARGE)], [0, 1]),
    # Limits are no disguise.
    ([("b", "x", SMALL)], [("a", "x", f"{SMALL}, slo: {{latency_p95: 1s, ttft_p95: 1s}}")], [0]),
]


@pytest.mark.parametrize(("heads", "bases", "expected"), CASES)
@pytest.mark.parametrize("most", [pairing.MOST_COMPARED, 0])
def test_pairs(
    heads: list[tuple[str, str, str]],
    bases: list[tuple[str, str, str]],
    expected: list[int | None],
    most: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pairing, "MOST_COMPARED", most)
    old = [entry(fields, name=name, path=path) for name, path, fields in bases]
    new = [entry(fields, name=name, path=path) for name, path, fields in heads]
    pairs = pair(new, old)
    assert [head for head, _ in pairs.paired] == new
    found = [None if base is None else old.index(base) for _, base in pairs.paired]
    if most == 0:
        # Of too many, only those of one name are compared.
        same = [
            index if index is None or heads[at][0] == bases[index][0] else None
            for at, index in enumerate(expected)
        ]
        assert found == same
    else:
        assert found == expected
    assert len(pairs.removed) == len(old) - sum(index is not None for index in found)


def test_tens_of_thousands() -> None:
    many = [entry(SMALL, name=f"n{index}", path="x") for index in range(400)]
    moved = [entry(SMALL, name=f"n{index}", path="y") for index in range(400)]
    pairs = pair(moved, many)
    assert all(
        base is not None and base.stated.name == head.stated.name for head, base in pairs.paired
    )
