import numpy as np
import pytest
from capfit.data.cells import Cell
from capfit.speed.forms import SCALE, SHIPPED, Form
from capfit.speed.joint import Joint, by_gpu, by_model, weights
from capfit.speed.points import points


@pytest.fixture(scope="module")
def joint(few_cells: list[Cell]) -> Joint:
    return Joint(points(few_cells))


@pytest.fixture(scope="module")
def theta(joint: Joint) -> np.ndarray:
    return joint.fit()


def test_the_fit_explains_what_it_saw(joint: Joint, theta: np.ndarray):
    measured = np.array([p.ms for p in joint.points])
    assert np.median(np.abs(joint.predict(theta) / measured - 1)) < 0.05


def test_a_held_out_group_is_predicted_without_it(joint: Joint, theta: np.ndarray):
    """Doubling a group's times must not move what the others say of it."""
    out = np.array([by_gpu(p) == "RTX 4090 24GB" for p in joint.points])
    assert 0 < out.sum() < len(out)
    changed = Joint(joint.points)
    changed.target = np.where(out, joint.target + np.log(2), joint.target)
    one, other = (j.fit(without=out, start=theta, iterations=2) for j in (joint, changed))
    assert one == pytest.approx(other)


def test_one_newton_step_comes_close_to_a_refit(joint: Joint, theta: np.ndarray):
    quick = joint.hold_out_quickly(theta, by_gpu)
    slow = joint.hold_out(theta, by_gpu, iterations=6)
    assert np.median(np.abs(np.log(quick / slow))) < 0.02


def test_a_sweep_counts_as_the_root_of_its_size(joint: Joint):
    share = weights(joint.points)
    sweep = joint.points[0].sweep
    mine = [w for p, w in zip(joint.points, share, strict=True) if p.sweep == sweep]
    assert sum(mine) == pytest.approx(len(mine) ** 0.5)


def test_more_shrinkage_leaves_smaller_deviations(few_cells: list[Cell]):
    found = [
        np.abs(Joint(points(few_cells), Form("trial", shrinkage=s)).fit()).sum() for s in (0.3, 3.0)
    ]
    assert found[0] < found[1]


def test_forms_bound_shares(joint: Joint, theta: np.ndarray):
    wild = [value + 50.0 for value in joint.design.values(theta)]
    assert np.isfinite(SHIPPED.ms(wild, joint.facts)).all()


def test_groups_are_names(joint: Joint):
    assert by_model(joint.points[0]) == joint.points[0].model.name


def test_a_form_says_from_which_residual_on_a_point_counts_less(few_cells: list[Cell]):
    form = Form("trial", widths={"prefill": 0.5})
    assert (form.scale("prefill"), form.scale("ttft")) == (0.5, SCALE["ttft"])
    scale = {
        p.kind: s
        for p, s in zip(points(few_cells), Joint(points(few_cells), form).scale, strict=True)
    }
    assert scale["prefill"] == 0.5


def test_attention_without_a_fused_kernel_moves_its_scores(few_cells: list[Cell]):
    found = points(few_cells)
    moved = Joint(found).facts.unfused_ms
    unfused = [p.cell.setting.condition("flash_attention") is False for p in found]
    assert [ms > 0 for ms in moved] == [
        it and p.traits.engine == "llama.cpp" and p.prompt > 0
        for it, p in zip(unfused, found, strict=True)
    ]
