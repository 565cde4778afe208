"""Configuration files that pods mount."""

from __future__ import annotations

from tests.capcheck.source.native.conftest import Found, stated


def pod(command: str, mount: str, volume: str, data: str) -> str:
    return (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: chat}\nspec:\n  template:\n"
        "    spec:\n      containers:\n      - name: engine\n        image: example.com/engine\n"
        f"        command: {command}\n        volumeMounts:\n        - {mount}\n"
        f"      volumes:\n      - {volume}\n---\n"
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata:\n{data}"
    )


def test_flags_of_the_command_outrank_the_file_of_vllm(found: Found) -> None:
    text = pod(
        "[vllm, serve, org/model, --max-model-len, '4096', --config, /etc/engine/vllm.yaml]",
        "{name: c, mountPath: /etc/engine}",
        "{name: c, configMap: {name: settings}}",
        "  vllm.yaml: |\n    max-model-len: 8192\n    tensor-parallel-size: 2\n",
    )
    chat = found(text)["Deployment/chat"]
    facts = stated(chat)
    assert (facts["max_model_len"], facts["tp"]) == (4096, 2)
    assert chat.facts["tp"].place is not None
    assert chat.facts["tp"].place.line == 22


def test_the_options_file_of_tensorrt_llm_outranks_its_command(found: Found) -> None:
    text = pod(
        "[trtllm-serve, org/model, --tp_size, '2', --extra_llm_api_options, /o/options.yaml]",
        "{name: c, mountPath: /o/options.yaml, subPath: options.yaml}",
        "{name: c, configMap: {name: settings, items: [{key: k, path: options.yaml}]}}",
        "  k: |\n    tensor_parallel_size: 4\n    max_seq_len: 9000\n"
        "    kv_cache_config: {dtype: fp8, free_gpu_memory_fraction: 0.8}\n",
    )
    chat = found(text)["Deployment/chat"]
    facts = stated(chat)
    assert (facts["tp"], facts["max_model_len"], facts["kv_cache_dtype"]) == (4, 9000, "fp8")
    assert chat.settings["kv_cache_free_gpu_memory_fraction"].value == 0.8


def test_a_file_that_no_volume_holds_is_left_alone(found: Found) -> None:
    text = pod(
        "[vllm, serve, org/model, --config, /elsewhere/vllm.yaml]",
        "{name: c, mountPath: /etc/engine}",
        "{name: c, configMap: {name: settings}}",
        "  vllm.yaml: |\n    tensor-parallel-size: 2\n",
    )
    assert "tp" not in stated(found(text)["Deployment/chat"])
