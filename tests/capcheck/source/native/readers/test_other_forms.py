"""OCI AI Blueprints, Bento projects, templates and Terraform."""

from __future__ import annotations

import json

import pytest
from capcheck.source.native.registry import inspect
from hypothesis import given
from hypothesis import strategies as st

from tests.capcheck.source.native.conftest import Found, stated, waiting

RECIPE = {
    "recipe_id": "llm_inference_nvidia",
    "recipe_mode": "service",
    "deployment_name": "chat",
    "recipe_image_uri": "docker.io/vllm/vllm-openai:v0.9.1",
    "recipe_node_shape": "VM.GPU.A10.2",
    "recipe_container_env": [{"key": "model", "value": "org/m"}, {"key": "tp", "value": "2"}],
    "recipe_replica_count": 1,
    "recipe_nvidia_gpu_count": 2,
    "recipe_container_command_args": ["--model", "$(model)", "--tensor-parallel-size", "$(tp)"],
}
PROJECT = """\
[project]
name = "chat"
description = "vLLM behind BentoML"
readme = \"\"\"
[tool.bentoml.build.args]
model_id = "not/this"
\"\"\"

[tool.bentoml.build.args]
gpu_type = 'nvidia-h100-80gb'  # a comment
tp = 4
model_id = "org/m-AWQ"
max_model_len = 8192

[tool.bentoml.build.args.metadata]
model_id = "not/this/either"
"""


def test_a_recipe(found: Found) -> None:
    (chat,) = found(json.dumps(RECIPE, indent=1), "r.json").values()
    assert chat.address == "chat"
    assert stated(chat) == {
        "backend": "vllm",
        "model": "org/m",
        "gpu": "A10",
        "gpu_count": 2,
        "tp": 2,
        "replicas": 1,
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"mig_resource_request": "1g.20gb"}, {"gpu": "MIG-1g.20gb"}),
        ({"recipe_node_shape": "BM.GPU.H100.8"}, {"gpu": "H100-80GB"}),
        ({"multinode_num_nodes_to_use_from_shared_pool": 2}, {"gpu_count": 4}),
        ({"recipe_pod_autoscaling_params": {"min_replicas": 3}}, {"replicas": 3}),
        ({"recipe_node_shape": "VM.Standard.E5.Flex"}, {"gpu": "CPU", "gpu_count": 0}),
        (
            {"recipe_image_uri": "r.io/own:1", "recipe_id": "vllm_multinode_inference"},
            {"backend": "vllm"},
        ),
    ],
)
def test_variants(found: Found, change: dict[str, object], expected: dict[str, object]) -> None:
    (chat,) = found(json.dumps({**RECIPE, **change}), "r.json").values()
    assert {name: stated(chat)[name] for name in expected} == expected


def test_a_group_of_recipes_and_a_job(found: Found) -> None:
    other = {"recipe_id": "postgres", "recipe_image_uri": "postgres:16", "deployment_name": "db"}
    group = {"deployments": [{"recipe": RECIPE}, {"recipe": other}]}
    assert list(found(json.dumps({"deployment_group": group}), "g.json")) == ["chat"]
    assert found(json.dumps({**RECIPE, "recipe_mode": "job"}), "j.json") == {}


def test_a_bento_project(found: Found) -> None:
    (project,) = found(PROJECT, "pyproject.toml").values()
    assert project.address == "tool.bentoml.build.args"
    assert stated(project) == {
        "backend": "vllm",
        "model": "org/m-AWQ",
        "quant": "awq",
        "gpu": "H100-80GB",
        "tp": 4,
        "max_model_len": 8192,
    }
    place = project.facts["model"].place
    assert place is not None
    assert (place.line, place.column) == (12, 13)


def test_a_project_that_names_no_engine(found: Found) -> None:
    (project,) = found(PROJECT.replace("vLLM behind", "on"), "pyproject.toml").values()
    assert "backend" not in stated(project)
    assert project.expect == "partial"


@given(st.text(alphabet="[]\"'=#abt.\n ", max_size=120))
def test_any_project_is_read_or_refused(text: str) -> None:
    inspect({"pyproject.toml": f"[tool.bentoml.build.args]\n{text}"})


TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
{{- if .Values.x }}
  template: {spec: {
    containers: [{
      image: "vllm/vllm-openai:{{ .Values.tag }}"}]}}
{{- end }}
"""
TERRAFORM = """\
# vllm sglang ollama
resource "google_container_cluster" "c" {}
resource "kubernetes_manifest" "llm" {
  manifest = yamldecode(templatefile("${path.module}/vllm.yaml.tftpl", {}))
}
"""


@pytest.mark.parametrize(
    ("path", "text", "address", "backend"),
    [
        ("templates/d.yaml", TEMPLATE, "Deployment", "vllm"),
        ("d.yaml.tftpl", "kind: Pod\ncontainers:\n- image: ${image}\n", "Pod", None),
        (
            "sky.yaml.tpl",
            "resources:\n  image_id: docker:vllm/vllm-openai:v{v}\n{block}\nrun: |\n  {cmd}\n",
            "service",
            "vllm",
        ),
        ("main.tf", TERRAFORM, "kubernetes_manifest.llm", "vllm"),
    ],
)
def test_nothing_in_a_template_is_a_fact_but_its_engine(
    found: Found, path: str, text: str, address: str, backend: str | None
) -> None:
    (template,) = found(text, path).values()
    assert (template.address, template.expect) == (address, "template")
    assert stated(template) == ({"backend": backend} if backend else {})
    assert waiting(template) == {}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("main.tf", 'resource "aws_s3_bucket" "vllm" {}\n'),
        ("main.tf", 'resource "kubernetes_manifest" "web" {}\n'),
        ("d.yaml", "a: {{ x }}\nb: [\n"),
    ],
)
def test_templates_of_something_else(found: Found, path: str, text: str) -> None:
    assert found(text, path) == {}
