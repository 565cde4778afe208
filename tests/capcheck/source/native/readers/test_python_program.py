"""Python programs: Ray Serve LLM, Modal, BentoML. Nothing in them is run."""

from __future__ import annotations

from textwrap import dedent

import pytest
from capcheck.source.native.registry import inspect
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.capcheck.source.native.conftest import Found, stated, waiting

RAY = """\
import os
from ray.serve.llm import LLMConfig, build_openai_app

SIZE = 4
config = LLMConfig(
    model_loading_config=dict(model_id="chat", model_source="org/m"),
    accelerator_type="A100-40G",
    deployment_config={"autoscaling_config": {"min_replicas": 1, "max_replicas": 2}},
    engine_kwargs=dict(
        tensor_parallel_size=SIZE,
        max_model_len=int(os.environ.get("LENGTH", "8192")),
        hf_token=os.environ["HF_TOKEN"],
    ),
)
app = build_openai_app({"llm_configs": [config]})
"""
MODAL = """\
import subprocess
import modal

MODEL = "org/m-FP8"
N_GPU = 2
FAST = True
app = modal.App("x")

@app.function(gpu=f"H100:{N_GPU}", min_containers=1)
@modal.web_server(port=8000)
def serve():
    cmd = ["vllm", "serve", "--uvicorn-log-level=info", MODEL, "--port", str(8000)]
    cmd += ["--enforce-eager" if FAST else "--no-enforce-eager"]
    cmd += ["--tensor-parallel-size", str(N_GPU)]
    if FAST:
        cmd += ["--max-model-len", "1"]
    subprocess.Popen(" ".join(cmd), shell=True)
"""
BENTO = """\
import bentoml, pydantic

class Args(pydantic.BaseModel):
    tp: int = 2
    gpu_type: str = "nvidia-h100-80gb"
    model_id: str = "org/m"
    max_model_len: int | None = None

args = bentoml.use_arguments(Args)

@bentoml.service(resources={"gpu": args.tp})
class LLM:
    def __command__(self):
        return ["vllm", "serve", self.hf, "--port", str(args.port)]
"""
BENTO_LITERAL = """\
import bentoml
ENGINE = {"model": "org/m-AWQ", "max_model_len": 2048}

@bentoml.service(resources={"gpu": 1, "gpu_type": "nvidia-l4"}, traffic={"timeout": 300})
class VLLM:
    def __init__(self):
        from vllm import AsyncEngineArgs, AsyncLLMEngine
        self.engine = AsyncLLMEngine.from_engine_args(AsyncEngineArgs(**ENGINE))
"""


def test_ray_serve_llm(found: Found) -> None:
    (chat,) = found(RAY, "app/serve.py").values()
    assert chat.address == "llm_configs[chat]"
    assert stated(chat) == {
        "backend": "vllm",
        "model": "org/m",
        "gpu": "A100-40GB",
        "gpu_count": 4,
        "tp": 4,
        "replicas": 1,
        "max_model_len": 8192,
    }
    model = chat.facts["model"].place
    assert model is not None
    assert (model.path, model.line, model.column) == ("app/serve.py", 6, 62)


def test_a_value_of_the_run_is_unknown(found: Found) -> None:
    (chat,) = found(RAY.replace('"org/m"', "pick()"), "serve.py").values()
    assert "model" not in stated(chat)
    assert "model" in waiting(chat)
    assert chat.expect == "partial"


def test_a_name_with_two_values_is_unknown(found: Found) -> None:
    (chat,) = found(RAY.replace("SIZE = 4\n", "SIZE = 4\nSIZE = 8\n"), "serve.py").values()
    assert "tp" not in stated(chat)
    (inner,) = found(RAY + "\ndef f(SIZE):\n    return SIZE\n", "serve.py").values()
    assert "tp" not in stated(inner)


def test_modal(found: Found) -> None:
    (serve,) = found(MODAL, "m.py").values()
    assert serve.address == "serve"
    assert stated(serve) == {
        "backend": "vllm",
        "model": "org/m-FP8",
        "quant": "fp8",
        "gpu": "H100",
        "gpu_count": 2,
        "tp": 2,
        "replicas": 1,
    }


@pytest.mark.parametrize(
    ("gpu", "type_", "count"),
    [
        ('"A100-80GB"', "A100-80GB", 1),
        ('"H100!"', "H100", 1),
        ('["H100", "A100-40GB"]', "H100:1|A100-40GB:1", 1),
        ("modal.gpu.A100(size='80GB', count=2)", "A100-80GB", 2),
        ('"any"', None, None),
        ("pick()", None, None),
    ],
)
def test_gpus_of_modal(found: Found, gpu: str, type_: str | None, count: int | None) -> None:
    (serve,) = found(MODAL.replace('f"H100:{N_GPU}"', gpu), "m.py").values()
    assert (stated(serve).get("gpu"), stated(serve).get("gpu_count")) == (type_, count)


def test_a_shell_line_in_a_string(found: Found) -> None:
    text = """\
    import subprocess
    import modal
    MODEL = "org/m"
    app = modal.App()

    @app.function(gpu="L4")
    def serve():
        subprocess.Popen(f"python -m vllm.entrypoints.openai.api_server --model {MODEL}", shell=True)
    """  # noqa: E501
    (serve,) = found(dedent(text), "m.py").values()
    assert stated(serve)["model"] == "org/m"


def test_strings_behind_one_another_are_one(found: Found) -> None:
    text = MODAL.replace(
        'MODEL = "org/m-FP8"', 'FOLDER = "/models"\nMODEL = FOLDER + "/" + "m-FP8"'
    )
    (serve,) = found(text, "m.py").values()
    assert stated(serve)["model"] == "/models/m-FP8"


def test_the_only_function_on_a_gpu_runs_the_programs_engine(found: Found) -> None:
    text = """\
    import modal
    from vllm import AsyncEngineArgs
    from elsewhere import app

    def engine(path):
        return AsyncEngineArgs(model=path, tensor_parallel_size=1, max_model_len=8096)

    @app.function(gpu="l40s")
    def serve():
        return engine(pick())

    @app.function()
    def front():
        pass
    """
    (serve,) = found(dedent(text), "m.py").values()
    assert (serve.address, serve.expect) == ("serve", "partial")
    assert stated(serve) == {
        "backend": "vllm",
        "gpu": "L40S",
        "gpu_count": 1,
        "tp": 1,
        "max_model_len": 8096,
    }


def test_defaults_of_a_bento_are_a_template(found: Found) -> None:
    (service,) = found(BENTO, "bento/service.py").values()
    assert (service.address, service.expect) == ("service.py defaults", "template")
    assert stated(service) == {"backend": "vllm", "model": "org/m", "gpu": "H100-80GB", "tp": 2}


def test_a_bento_with_literals(found: Found) -> None:
    (service,) = found(BENTO_LITERAL, "service.py").values()
    assert stated(service) == {
        "backend": "vllm",
        "model": "org/m-AWQ",
        "quant": "awq",
        "gpu": "L4",
        "gpu_count": 1,
        "max_model_len": 2048,
    }


def test_an_attribute_and_a_sum(found: Found) -> None:
    text = """\
import bentoml
from bentoml.models import HuggingFaceModel
LENGTH = 200 * 1024
GPUS = 2

@bentoml.service(resources={"gpu": GPUS, "gpu_type": "nvidia-a100-80gb"})
class VLLM:
    ref = HuggingFaceModel("org/m")

    def __init__(self):
        from vllm import AsyncEngineArgs
        self.args = AsyncEngineArgs(model=self.ref, max_model_len=LENGTH, tensor_parallel_size=GPUS)
"""
    (service,) = found(text, "service.py").values()
    assert stated(service) == {
        "backend": "vllm",
        "model": "org/m",
        "gpu": "A100-80GB",
        "gpu_count": 2,
        "tp": 2,
        "max_model_len": 204800,
    }


def test_names_that_double_end(found: Found) -> None:
    lists = "".join(f"a{n} = [{', '.join([f'a{n - 1}'] * 10)}]\n" for n in range(1, 25))
    strings = "".join(f"s{n} = f'{{s{n - 1}}}{{s{n - 1}}}'\n" for n in range(1, 25))
    text = f"import modal\na0 = ['x']\ns0 = 'xx'\n{lists}{strings}"
    body = MODAL.replace("import modal\n", text).replace('MODEL = "org/m-FP8"', "MODEL = s24")
    (serve,) = found(body.replace("str(8000)]", "str(8000), *a24, a24]"), "m.py").values()
    assert "model" in waiting(serve)


@pytest.mark.parametrize(
    "text",
    [
        "import ray\nprint(1)\n",
        "import modal\napp = modal.App()\n@app.function(gpu='T4')\ndef f():\n    train()\n",
        "import modal\nthis is not python(\n",
        "import bentoml\n\x00\n",
        "import requests\nLLMConfig(model_loading_config={'model_id': 'm'})\n",
        "import ray\nx = " + "(" * 5000 + ")" * 5000,
        "import ray\nx = " + "-" * 50_000 + "1",
    ],
)
def test_what_gives_no_deployment(found: Found, text: str) -> None:
    assert found(text, "a.py") == {}


@settings(max_examples=150)
@given(
    st.sampled_from((RAY, MODAL, BENTO, BENTO_LITERAL)),
    st.lists(
        st.tuples(
            st.integers(0, 900),
            st.sampled_from(("(", ")", "[", "'", '"', "**", "=", "f'", "\n", "{", "}", "*x", "\\")),
        ),
        max_size=4,
    ),
)
def test_mutated_programs_are_read_or_refused(text: str, changes: list[tuple[int, str]]) -> None:
    for at, written in changes:
        text = text[:at] + written + text[at + 1 :]
    for deployment in inspect({"a.py": text}).deployments:
        assert len(deployment.facts) == 12
