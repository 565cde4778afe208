from capfit.data.names import Names
from capfit.data.score_rows import Quality, Safety
from capfit.data.scores import scores
from capfit.data.tables import Data


def quality(value: float, **given) -> Quality:
    common = {
        "line": 2,
        "collection": "tr",
        "source": "TR125 phase2",
        "location": "table 1",
        "model": "llama3.2-3b",
        "backend": "ollama",
        "quant": "Q4_K_M",
        "metric": "mmlu_rescored_acc",
        "value": value,
        "n_items": 285,
        "group": "rescored_benchmark",
        "variant": "instruct",
    }
    return Quality(**(common | given))


def test_repeats_are_one_cell(names: Names):
    (cell,) = scores([quality(0.5), quality(0.52), quality(0.6)], names).kept
    assert (cell.value, cell.n_items, len(cell.rows)) == (0.52, 285, 3)
    assert cell.subject.backend is not None
    assert cell.subject.backend.name == "ollama"


def test_groups_and_variants_never_mix(names: Names):
    rows = [quality(0.5), quality(0.5, group="raw_benchmark"), quality(0.5, variant="base")]
    assert len(scores(rows, names).kept) == 3


def test_reasons(names: Names):
    rows = [
        quality(0.5, excluded="derived"),
        quality(0.5, trust="C"),
        quality(0.5, model="no-such-model-9b"),
        quality(0.5, backend="no-such-engine"),
    ]
    found = scores(rows, names)
    assert [one.reason for one in found.rejected] == ["derived", "trust C", *["unresolved"] * 2]
    assert {name.kind for name in found.unresolved} == {"model", "backend"}


def test_third_party_scores_keep_reference_and_method(data: Data):
    third = [cell for cell in data.scores(Quality).kept if cell.subject.group == "third-party"]
    awq = [cell for cell in third if cell.subject.quant.name == "AWQ" and cell.reference]
    assert awq
    assert all(cell.subject.method for cell in third)


def test_refusals_by_agents(data: Data):
    counts = {cell.subject.concurrency for cell in data.scores(Safety).kept}
    assert counts == {None, 1, 2, 4, 8}
