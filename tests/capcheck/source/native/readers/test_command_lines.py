"""Scripts, units, and files that configure an engine."""

from __future__ import annotations

from textwrap import dedent

import pytest
from capcheck.source.native.deployment import NativeDeployment, Stated, Unknown
from capcheck.source.native.registry import inspect

from tests.capcheck.source.native.conftest import stated, waiting

SCRIPT = """\
#!/bin/sh
MODEL="${MODEL:-org/m}"
if [ -n "$X" ]; then OPTS="--gpus all"; fi
sudo docker run -it $OPTS -e A=b --name c vllm/vllm-openai:v0.9.0 --model "$MODEL" \\
  --max-model-len 1k
docker exec c ollama pull m
exec vllm serve "$@"
"""
SWAP = """\
macros: {bin: "llama-server --port ${PORT}"}
models:
  a: {cmd: "${bin} -m m-Q4_K_M.gguf -c 4096", env: [A=b]}
"""
GALLERY = """\
name: chat
config_file: |
  backend: vllm
  context_size: 4096
  parameters: {model: m}
"""


def read(**texts: str) -> dict[str, NativeDeployment]:
    named = {name.replace("__", "/").replace("_", "."): text for name, text in texts.items()}
    inspection = inspect({path: dedent(text) for path, text in named.items()})
    return {deployment.address: deployment for deployment in inspection.deployments}


def script(text: str) -> NativeDeployment:
    return read(run_sh=text)["run.sh"]


def test_a_script_with_variables() -> None:
    one = script(
        """\
        #!/usr/bin/env bash
        set -e
        MODEL=${MODEL:-org/model-AWQ}
        exec vllm serve "$MODEL" \\
          --tensor-parallel-size 2 \\
          --max-num-seqs "$SEQS"
        """
    )
    assert stated(one) == {"backend": "vllm", "model": "org/model-AWQ", "quant": "awq", "tp": 2}
    assert waiting(one) == {"max_num_seqs": "unresolved variable SEQS"}
    assert str(one.facts["backend"].place) == "run.sh:4:6"


@pytest.mark.parametrize(
    ("options", "gpu", "count"),
    [
        ("--gpus all", None, "all"),
        ("--gpus=2", None, 2),
        ("--gpus '\"device=0,2\"'", None, 2),
        ("--gpus device=1", None, 1),
        ("--gpus '\"device=0,1\",capabilities=utility'", None, 2),
        ("--runtime nvidia", None, "all"),
        ("--runtime=nvidia -e NVIDIA_VISIBLE_DEVICES=0", None, 1),
        ("--device=/dev/kfd --device /dev/dri", "AMD", None),
        ("--device nvidia.com/gpu=all", None, "all"),
        ("--runtime=habana -e HABANA_VISIBLE_DEVICES=0,1", "Gaudi", 2),
        ("--ipc=host --shm-size 1g -v a:b -p8000:8000 -itd --rm", None, None),
        ("-e HF_TOKEN --env A=b --env-file x --name n --network host", None, None),
    ],
)
def test_docker_run(options: str, gpu: str | None, count: int | str | None) -> None:
    one = script(f"sudo docker run {options} vllm/vllm-openai:v0.9.0 --model m -tp 2\n")
    known = stated(one)
    assert (known.pop("gpu", None), known.pop("gpu_count", None)) == (gpu, count)
    assert known == {"backend": "vllm", "model": "m", "tp": 2}


def test_an_image_that_another_script_names() -> None:
    one = script(
        """\
        #!/bin/bash
        source common.sh
        args=(--detach --name "$N")
        docker run "${args[@]}" "$VLLM_IMAGE" --model /model --gpu-memory-utilization 0.9 "$A"
        """
    )
    assert stated(one) == {"backend": "vllm", "model": "/model", "gpu_memory_utilization": 0.9}


def test_containers_are_told_apart_by_their_names() -> None:
    known = read(
        run_sh="""\
        if [ "$1" = gpu ]; then
          docker run -d --name a --gpus all vllm/vllm-openai --model m --max-model-len 1024
        else
          docker run -d --name a vllm/vllm-openai --model m --max-model-len 2048
        fi
        podman run --name b ollama/ollama
        docker exec -it b ollama pull llama3
        docker run --name web nginx
        """
    )
    assert set(known) == {"run.sh#a", "run.sh#b"}
    assert stated(known["run.sh#a"]) == {"backend": "vllm", "model": "m"}
    assert stated(known["run.sh#b"])["model"] == "llama3"


@pytest.mark.parametrize(
    "text",
    [
        "docker run\n",
        "docker run --gpus all\n",
        "docker run $IMAGE\n",
        "docker run nginx\n",
        "docker ps\n",
        "ollama pull llama3\n",
        "echo vllm serve m\n",
    ],
)
def test_scripts_that_serve_nothing(text: str) -> None:
    assert read(run_sh=text) == {}


UNIT = """\
[Unit]
Description=vllm serve other

[Service]
Environment="MODEL=org/model" SEQS=8
EnvironmentFile=-/etc/llm/llm.env
ExecStart=-/opt/bin/vllm serve ${MODEL} \\
  # not this one
  --max-num-seqs $SEQS \\
  --max-model-len ${LEN}
"""


def test_a_unit_with_variables_continuations_and_drop_ins() -> None:
    one = read(llm_service=UNIT)["llm.service"]
    assert stated(one) == {"backend": "vllm", "model": "org/model", "max_num_seqs": 8}
    assert waiting(one) == {"max_model_len": "unresolved variable LEN"}
    over = "[Service]\nExecStart=\nExecStart=/opt/bin/vllm serve second -tp 2\n"
    known = read(llm_service=UNIT, llm_service_d__a_conf=over, llm_env="LEN=4096\n")
    assert set(known) == {"llm.service"}
    assert stated(known["llm.service"]) == {"backend": "vllm", "model": "second", "tp": 2}
    with_file = read(llm_service=UNIT, llm_env="LEN=4096\n")["llm.service"]
    assert stated(with_file)["max_model_len"] == 4096


def test_units_that_run_containers() -> None:
    one = read(
        a_service="[Service]\nExecStartPre=-/usr/bin/docker rm -f a\n"
        "ExecStart=/usr/bin/docker run --rm --gpus all vllm/vllm-openai --model m\n"
    )["a.service"]
    assert stated(one) == {"backend": "vllm", "model": "m", "gpu_count": "all"}
    quadlet = read(
        a_container="[Container]\nImage=docker.io/vllm/vllm-openai:v0.9.0\nAddDevice="
        "nvidia.com/gpu=all\nExec=--model m --max-model-len 1024\n"
    )["a.container"]
    assert stated(quadlet) == {
        "backend": "vllm",
        "model": "m",
        "gpu_count": "all",
        "max_model_len": 1024,
    }


def test_a_units_specifiers_are_unresolved() -> None:
    one = read(a_service="[Service]\nExecStart=llama-server -m /m/%i.gguf -c 4096\n")["a.service"]
    assert waiting(one) == {"model": "unresolved variable %i"}
    assert stated(one) == {"backend": "llama.cpp", "max_model_len": 4096}
    home = read(a_service="[Service]\nExecStart=llama-server -m %h/m-Q8_0.gguf\n")["a.service"]
    assert stated(home)["model"] == "%h/m-Q8_0.gguf"


@pytest.mark.parametrize(
    ("assigned", "count"),
    [("0", 1), ("0,1,2", 3), ("GPU-1a-2b", 1), ("", None), ("$GPUS", None), ("-1", None)],
)
def test_the_devices_that_an_engine_on_the_host_is_shown(assigned: str, count: int | None) -> None:
    one = script(f"#!/bin/sh\nexport CUDA_VISIBLE_DEVICES={assigned}\nvllm serve m\n")
    assert stated(one).get("gpu_count") == count


def test_a_path_below_the_home_folder_is_known() -> None:
    one = script("#!/bin/sh\nllama-server -m $HOME/m/a-Q4_0.gguf\n")
    assert (stated(one)["model"], one.expect) == ("$HOME/m/a-Q4_0.gguf", "ok")
    assert waiting(script("#!/bin/sh\nvllm serve $HOME\n")) == {"model": "unresolved variable HOME"}


def test_a_unit_whose_program_hides_the_engine_deploys_nothing() -> None:
    one = read(a_service="[Service]\nExecStart=/usr/local/bin/vllm-start\n")["a.service"]
    assert (one.expect, stated(one)) == ("none", {})
    named = read(vllm_service="[Service]\nExecStart=/opt/start.sh\n")["vllm.service"]
    assert named.expect == "none"
    assert read(vllm_service="[Service]\nRestart=always\n")["vllm.service"].expect == "none"
    assert read(a_service="[Service]\nExecStart=/usr/bin/nginx\n") == {}
    assert read(vllm_service="#!/bin/sh\nvllm_up\n") == {}


def test_a_configuration_file_of_an_engine() -> None:
    one = read(
        config_yaml="model: org/model-AWQ\nmax-model-len: 4096\ntensor_parallel_size: 2\n"
        "enable-prefix-caching: true\n"
    )["config.yaml"]
    assert stated(one) == {
        "backend": "vllm",
        "model": "org/model-AWQ",
        "quant": "awq",
        "tp": 2,
        "max_model_len": 4096,
    }
    assert one.expect == "ok"
    without = read(c_yaml="max-model-len: 4096\nenforce-eager: true\n")["c.yaml"]
    assert (without.expect, stated(without)) == (
        "runtime",
        {"backend": "vllm", "max_model_len": 4096},
    )
    sglang = read(c_yaml="model-path: m\ntp-size: 2\nmem-fraction-static: 0.8\n")["c.yaml"]
    assert stated(sglang) == {"backend": "sglang", "model": "m", "tp": 2}
    assert read(c_yaml="model: m\nport: 1\nhost: x\n") == {}
    assert read(c_yaml="max-model-len: 1\ntp: 2\nother: 3\n") == {}


def test_a_file_of_variables_is_partial() -> None:
    one = read(
        vllm_env="VLLM_MODEL=org/model\nVLLM_MAX_MODEL_LEN=4096 # comment\n"
        "VLLM_GPU_MEM_UTIL='0.8'\nHF_TOKEN=x\n"
    )["vllm.env"]
    assert stated(one) == {
        "backend": "vllm",
        "model": "org/model",
        "max_model_len": 4096,
        "gpu_memory_utilization": 0.8,
    }
    assert one.expect == "partial"
    named = read(vllm_env="MODEL_ID=org/m\nDRAFT_MODEL_ID=org/d\n")["vllm.env"]
    assert stated(named) == {"backend": "vllm", "model": "org/m"}
    assert read(vllm_env="JUDGE_MODEL=a\n") == {}
    assert read(a_env="MODEL=a\nMAX_MODEL_LEN=1\n") == {}
    assert read(a_env="VLLM_API_KEY=a\nOLLAMA_HOST=b\nMAX_MODEL_LEN=1\n") == {}


def test_llama_swap() -> None:
    known = read(
        config_yaml="""\
        macros:
          bin: /app/llama-server --port ${PORT}
        models:
          small:
            cmd: |
              ${bin}
              # a comment
              -m /models/m-Q4_K_M.gguf
              --ctx-size 4096
          docker:
            cmd: docker run --gpus all vllm/vllm-openai --model m
            env: [A=b]
          script: {cmd: "./serve.sh ${PORT}"}
          speech: {cmd: "whisper-server --model m.bin"}
        """
    )
    assert set(known) == {"models.small", "models.docker", "models.script"}
    assert known["models.script"].expect == "partial"
    assert waiting(known["models.script"]) == {"backend": "the command './serve.sh' is not known"}
    assert stated(known["models.small"]) == {
        "backend": "llama.cpp",
        "model": "/models/m-Q4_K_M.gguf",
        "quant": "gguf:Q4_K_M",
        "max_model_len": 4096,
    }
    assert stated(known["models.docker"])["gpu_count"] == "all"


def test_localai() -> None:
    one = read(
        m_yaml="""\
        name: chat
        backend: llama-cpp
        context_size: 8192
        parameters: {model: m-Q8_0.gguf}
        """
    )["chat"]
    assert stated(one) == {
        "backend": "llama.cpp",
        "model": "m-Q8_0.gguf",
        "quant": "gguf:Q8_0",
        "max_model_len": 8192,
    }
    gallery = read(
        m_yaml="""\
        name: chat
        config_file: |
          backend: vllm
          context_size: 4096
          parameters: {max_tokens: 1}
        """
    )["chat"]
    assert stated(gallery) == {"backend": "vllm", "max_model_len": 4096}
    assert str(gallery.facts["max_model_len"].place) == "m.yaml:4:17"
    assert gallery.expect == "partial"


def test_a_unit_that_a_script_writes_counts_as_started() -> None:
    one = script(
        """\
        #!/bin/bash
        MODEL=${MODEL:-org/model}
        ARGS="--max-model-len 4096"
        [[ -n "$MORE" ]] && ARGS+=" --max-num-seqs $MORE"
        cat <<EOF >/opt/llm/vllm.env
        ARGS=${ARGS}
        EOF
        cat > /etc/systemd/system/vllm.service <<EOF
        [Service]
        EnvironmentFile=/opt/llm/vllm.env
        ExecStart=/opt/vllm/bin/vllm serve ${MODEL} \\\\
            --tensor-parallel-size 2 \\$ARGS
        EOF
        cat > /etc/systemd/system/web.service <<EOF
        [Service]
        ExecStart=/opt/web serve
        EOF
        systemctl enable --now vllm
        """
    )
    assert (stated(one)["model"], stated(one)["tp"]) == ("org/model", 2)
    assert (stated(one)["max_model_len"], one.expect) == (4096, "ok")
    tp = one.facts["tp"]
    assert isinstance(tp, Stated)
    assert tp.place.line == 12


def test_a_script_and_a_compose_file_that_a_script_writes_are_told_apart() -> None:
    found = read(
        setup_sh="""\
        cat << 'EOF' | sudo tee /opt/run.sh > /dev/null
        #!/bin/sh
        exec vllm serve ${1:-org/a}
        EOF
        tee c/compose.yml <<EOF
        services:
          chat:
            image: vllm/vllm-openai:v0.9.0
            command: --model org/b
        EOF
        cat <<EOF
        vllm serve org/help
        EOF
        """
    )
    assert {address: stated(one)["model"] for address, one in found.items()} == {
        "setup.sh#run.sh": "org/a",
        "setup.sh#services.chat": "org/b",
    }


def test_a_file_that_branches_write_says_what_they_agree_on() -> None:
    one = script(
        """\
        if lspci | grep -q NVIDIA; then
        cat > vllm.service <<EOF
        [Service]
        ExecStart=vllm serve org/big --max-model-len 8192
        EOF
        else
        cat > vllm.service <<EOF
        [Service]
        ExecStart=vllm serve org/small --max-model-len 8192
        EOF
        fi
        """
    )
    assert stated(one)["max_model_len"] == 8192
    assert isinstance(one.facts["model"], Unknown)


def test_a_branch_may_add_to_a_file_of_variables() -> None:
    one = script(
        """\
        cat > a.env <<EOF
        MODEL=org/m
        LEN=1024
        EOF
        if lspci | grep -q NVIDIA; then
        cat >> a.env <<EOF
        LEN=2048
        EOF
        fi
        cat > vllm.service <<EOF
        [Service]
        EnvironmentFile=/etc/a.env
        ExecStart=vllm serve \\$MODEL --max-model-len \\$LEN
        EOF
        """
    )
    assert stated(one)["model"] == "org/m"
    assert isinstance(one.facts["max_model_len"], Unknown)


def test_a_written_unit_of_ollama_serves_what_the_script_pulls() -> None:
    one = script(
        """\
        cat > /etc/systemd/system/ollama.service << 'EOF'
        [Service]
        ExecStart=/usr/local/bin/ollama serve
        EOF
        systemctl restart ollama
        ollama pull qwen3:8b
        """
    )
    assert (stated(one)["backend"], stated(one)["model"]) == ("ollama", "qwen3:8b")


def test_what_a_script_hands_to_another_shell_is_run() -> None:
    one = script(
        """\
        setup() {
            ssh -o A=no root@"$IP" 'bash -s' << 'REMOTE'
                cat > /etc/systemd/system/vllm.service << 'UNIT'
        [Service]
        ExecStart=/opt/bin/vllm serve org/m --max-model-len 8192
        UNIT
                systemctl start vllm
        REMOTE
        }
        setup
        """
    )
    assert (stated(one)["model"], stated(one)["max_model_len"]) == ("org/m", 8192)


def test_two_files_that_a_script_writes() -> None:
    found = read(
        a_sh="""\
        sudo bash <<X
        vllm serve org/a
        X
        cat > b.service <<X
        [Service]
        ExecStart=vllm serve org/b
        X
        """
    )
    models = {address: stated(one)["model"] for address, one in found.items()}
    assert models == {"a.sh": "org/a", "a.sh#b.service": "org/b"}
