from capcheck.predict.speed.effects import Effects, effects


def test_traits_add_up_and_an_unseen_one_adds_nothing():
    coefficient = Effects(1.0, {"engine=vllm": 0.5, "gpu=L4 24GB": -0.2})
    assert coefficient.of(["engine=vllm", "gpu=L4 24GB"]) == 1.3
    assert coefficient.of(["engine=vllm", "gpu=never measured"]) == 1.5
    assert coefficient.of([]) == 1.0


def test_the_artifact_table_is_read_as_it_stands():
    assert effects({"mean": 2, "deviations": {"eager": 0.25}}) == Effects(2.0, {"eager": 0.25})
