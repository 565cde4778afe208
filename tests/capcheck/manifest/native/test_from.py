"""`from`, `command`, `vars` and `env_files` of a manifest."""

from __future__ import annotations

from pathlib import Path

import pytest
from capcheck.errors import InputError
from capcheck.manifest.deployment import Blank, Displaced
from capcheck.manifest.load import entries
from capcheck.place import Place

from tests.capcheck.manifest.native.conftest import CHAT, Repository

CHAT_FROM = "from: ../k8s/chat.yaml#Deployment/chat"


def test_facts_keep_their_places_and_origins(repository: Repository):
    (entry,) = repository.manifest(CHAT_FROM)
    deployment = entry.deployment()
    assert (deployment.model, deployment.backend, deployment.gpu, deployment.gpus_per_replica) == (
        "meta-llama/Llama-3.1-8B-Instruct",
        "vllm",
        "L4",
        1,
    )
    assert deployment.backend_version == "0.11.0"
    assert (deployment.replicas.min, deployment.replicas.max) == (2, 2)
    assert deployment.at("/serving/max_model_len") == Place("k8s/chat.yaml", 16, 27, 31)
    assert deployment.place.path == "ops/capcheck.yaml"
    assert deployment.native.origins["/serving/max_model_len"] == "--max-model-len"
    assert deployment.native.blanks == {
        "/serving/max_num_seqs": Blank(
            "unresolved variable SEQS", Place("k8s/chat.yaml", 17, 26, 33)
        )
    }


@pytest.mark.parametrize(
    "address",
    [
        "",
        "#Deployment/chat",
        "#Deployment/prod/chat",
        "#Deployment/chat?container=vllm",
        "#Deployment/prod/chat?container=vllm",
    ],
)
def test_spellings_of_an_address(repository: Repository, address: str):
    (entry,) = repository.manifest(f'from: "../k8s/chat.yaml{address}"')
    assert entry.stated.values["/serving/max_model_len"] == 8192


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("../k8s/chat.yaml#Deployment/caht", "no-such-address"),
        ("../k8s/two.yaml", "ambiguous-address"),
        ("../k8s/two.yaml#Deployment/chat", "ambiguous-address"),
        ("../k8s/gone.yaml", "path-not-found"),
        ("/k8s/chat.yaml", "bad-value"),
        ("../k8s/service.yaml", "not-recognised"),
        ("../k8s/template.yaml", "needs-rendering"),
    ],
)
def test_nothing_or_two_matching_is_an_error(repository: Repository, reference: str, code: str):
    repository.write("k8s/two.yaml", CHAT + "---\n" + CHAT)
    repository.write("k8s/service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n")
    repository.write(
        "k8s/template.yaml", "kind: Deployment\nspec:\n{{ if .x }}\n  containers: []\n{{ end }}\n"
    )
    assert repository.problems(f'model: x\nfrom: "{reference}"') == [(code, 5)]


OTHER_FORMS = {
    "compose.yaml": "services: {vllm: {image: 'vllm/vllm-openai:v0.11.0', command: --model a/b}}",
    "values.yaml": "servingEngineSpec: {modelSpec: [{name: a, modelURL: a/b}]}",
    "release.yaml": (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: llm}\n"
        "spec: {values: {controllers: {main: {containers: {app: {image: {repository: "
        "vllm/vllm-openai, tag: v0.11.0}, args: [--model, a/b]}}}}}}"
    ),
    "roles.yaml": (
        "apiVersion: nvidia.com/v1alpha1\nkind: DynamoGraphDeployment\n"
        "metadata: {name: g, namespace: prod}\nspec: {services: {"
        + ", ".join(
            f"{role}: {{extraPodSpec: {{mainContainer: {{args: "
            "[python3, -m, dynamo.vllm, --model, a/b]}}}"
            for role in ("decode", "prefill")
        )
        + "}}"
    ),
    "sky.yaml": "resources: {accelerators: 'L4:1'}\nrun: vllm serve a/b\n",
    "vllm.service": "[Service]\nExecStart=/usr/bin/vllm serve a/b\n",
    "serve.sh": "#!/bin/sh\nvllm serve a/b\n",
    "config.yaml": "model: a/b\ntensor-parallel-size: 1\nmax-model-len: 4096\n",
}


@pytest.mark.parametrize(
    "reference",
    [
        "compose.yaml#services.vllm",
        "values.yaml#modelSpec.a",
        "values.yaml#modelSpec[a]",
        "release.yaml#HelmRelease/llm#controllers.main",
        "release.yaml#HelmRelease/llm/controllers.main",
        "roles.yaml#DynamoGraphDeployment/g#decode",
        "roles.yaml#DynamoGraphDeployment/g/decode",
        "roles.yaml#DynamoGraphDeployment/prod/g/prefill",
        "roles.yaml#DynamoGraphDeployment/prod/g#prefill",
        "sky.yaml",
        "vllm.service",
        "serve.sh",
        "config.yaml",
    ],
)
def test_addresses_of_other_forms(repository: Repository, reference: str):
    for path, text in OTHER_FORMS.items():
        repository.write(f"k8s/{path}", text)
    (entry,) = repository.manifest(f'from: "../k8s/{reference}"')
    assert entry.stated.values["/model"] == "a/b"


@pytest.mark.parametrize(
    ("reference", "near"),
    [
        ("compose.yaml#services.vlm", "services.vllm"),
        ("values.yaml#modelspec.a", "modelSpec[a]"),
        ("roles.yaml#DynamoGraphDeployment/g#decoder", "DynamoGraphDeployment/g#decode"),
        ("chat.yaml#Deployment/test/chat", "Deployment/chat"),
        ("chat.yaml#Deployment/chat?container=vlm", "Deployment/chat?container=vllm"),
        ("two.yaml#Deployment/chat?container=smal", "Deployment/chat?container=small"),
    ],
)
def test_the_nearest_address_is_named(repository: Repository, reference: str, near: str):
    for path, text in OTHER_FORMS.items():
        repository.write(f"k8s/{path}", text)
    repository.write("k8s/two.yaml", TWO)
    with pytest.raises(InputError) as caught:
        repository.manifest(f'from: "../k8s/{reference}"')
    assert [(one.code, one.nearest) for one in caught.value.problems] == [("no-such-address", near)]


TWO = CHAT.replace(
    "      - name: vllm\n",
    "      - {name: small, image: 'vllm/vllm-openai:v0.11.0', args: [--model=Qwen/Qwen3-0.6B]}\n"
    "      - {name: proxy, image: nginx}\n"
    "      - name: large\n",
)


def test_two_containers_that_serve_are_two_deployments(repository: Repository):
    repository.write("two.yaml", TWO)
    found = repository.entries("two.yaml")
    assert [(one.address, one.stated.name, one.stated.values["/model"]) for one in found] == [
        ("Deployment/chat#small", "chat-small", "Qwen/Qwen3-0.6B"),
        ("Deployment/chat#large", "chat-large", "meta-llama/Llama-3.1-8B-Instruct"),
    ]
    repository.write("k8s/two.yaml", TWO)
    assert repository.problems('model: x\nfrom: "../k8s/two.yaml#Deployment/chat"') == [
        ("ambiguous-address", 5)
    ]
    (entry,) = repository.manifest('from: "../k8s/two.yaml#Deployment/prod/chat?container=large"')
    assert entry.stated.values["/serving/max_model_len"] == 8192


def test_a_namespace_tells_two_apart(repository: Repository):
    other = CHAT.replace("namespace: prod", "namespace: test").replace("8192", "4096")
    repository.write("k8s/two.yaml", CHAT + "---\n" + other)
    (entry,) = repository.manifest("from: ../k8s/two.yaml#Deployment/test/chat")
    assert entry.stated.values["/serving/max_model_len"] == 4096


def test_a_link_out_of_the_repository_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from capcheck.manifest.discover import reader_for

    inside = tmp_path / "repo"
    inside.mkdir()
    (tmp_path / "secret.yaml").write_text(CHAT)
    (inside / "chat.yaml").symlink_to(tmp_path / "secret.yaml")
    monkeypatch.chdir(inside)
    text = b"version: 1\ndeployments:\n  chat:\n    from: chat.yaml\n"
    with pytest.raises(InputError) as caught:
        entries(text, "capcheck.yaml", read_file=reader_for(inside))
    assert [one.code for one in caught.value.problems] == ["path-outside-repository"]


def test_what_the_manifest_says_wins_and_the_rest_is_kept_beside(repository: Repository):
    (entry,) = repository.manifest(f"{CHAT_FROM}\nserving: {{max_model_len: 4096}}\nreplicas: 3")
    stated = entry.stated
    assert stated.values["/serving/max_model_len"] == 4096
    assert stated.places["/serving/max_model_len"].path == "ops/capcheck.yaml"
    assert stated.native.displaced == {
        "/replicas": Displaced(2, Place("k8s/chat.yaml", 7, 13, 14)),
        "/serving/max_model_len": Displaced(8192, Place("k8s/chat.yaml", 16, 27, 31)),
    }


def test_what_the_manifest_says_fills_what_is_open(repository: Repository):
    (entry,) = repository.manifest(f"{CHAT_FROM}\nserving: {{max_num_seqs: 8}}")
    assert entry.stated.native.blanks == {}
    assert entry.stated.native.displaced == {}


def test_the_last_file_wins_and_is_no_drift(repository: Repository):
    repository.write("k8s/short.yaml", CHAT.replace("8192", "2048"))
    (entry,) = repository.manifest(
        "from: [../k8s/chat.yaml#Deployment/chat, ../k8s/short.yaml#Deployment/chat]"
    )
    assert entry.stated.values["/serving/max_model_len"] == 2048
    assert entry.stated.native.displaced == {}


def test_a_file_may_be_there_to_be_joined(repository: Repository):
    repository.write(
        "k8s/config.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sizes}\ndata: {LEN: '1024'}\n",
    )
    repository.write(
        "k8s/joined.yaml",
        CHAT.replace("=8192", "=$(LEN)").replace(
            "        args:", "        envFrom: [{configMapRef: {name: sizes}}]\n        args:"
        ),
    )
    (entry,) = repository.manifest("from: [../k8s/config.yaml, ../k8s/joined.yaml#Deployment/chat]")
    assert entry.stated.values["/serving/max_model_len"] == 1024
    assert entry.stated.places["/serving/max_model_len"].path == "k8s/config.yaml"


def test_variables_of_the_manifest_and_of_env_files(repository: Repository):
    repository.write("ops/prod.env", "# sizes\nSEQS=16\nOTHER=1\n")
    (entry,) = repository.manifest(f"{CHAT_FROM}\nenv_files: [prod.env]")
    assert entry.stated.values["/serving/max_num_seqs"] == 16
    assert entry.stated.places["/serving/max_num_seqs"] == Place("ops/prod.env", 2, 6, 8)
    (entry,) = repository.manifest(f"{CHAT_FROM}\nenv_files: [prod.env]\nvars: {{SEQS: 32}}")
    assert entry.stated.values["/serving/max_num_seqs"] == 32
    assert entry.stated.places["/serving/max_num_seqs"] == Place("ops/capcheck.yaml", 6, 18, 20)
    assert entry.stated.native.blanks == {}


def test_variables_of_an_environment(repository: Repository):
    repository.write(
        "ops/capcheck.yaml",
        f"""\
        version: 1
        vars: {{SEQS: 4}}
        environments:
          prod: {{vars: {{SEQS: 64}}}}
        deployments:
          chat: {{{CHAT_FROM}}}
        """.replace("chat: {from: ", 'chat: {from: "').replace("/chat}", '/chat"}'),
    )
    (everywhere,) = repository.entries("ops/capcheck.yaml")
    (prod,) = repository.entries("ops/capcheck.yaml", "prod")
    sizes = [one.stated.values["/serving/max_num_seqs"] for one in (everywhere, prod)]
    assert sizes == [4, 64]


@pytest.mark.parametrize(
    "command",
    [
        "command: vllm serve Qwen/Qwen3-8B --max-model-len 4096 -tp 2",
        "command: [vllm, serve, Qwen/Qwen3-8B, --max-model-len, 4096, -tp, 2]",
        "command: vllm serve Qwen/Qwen3-8B --max-model-len ${LEN} -tp 2\nvars: {LEN: 4096}",
    ],
)
def test_a_command_line(repository: Repository, command: str):
    (entry,) = repository.manifest(command)
    values = entry.stated.values
    assert (values["/model"], values["/backend"]) == ("Qwen/Qwen3-8B", "vllm")
    assert values["/serving/max_model_len"] == 4096
    assert values["/serving/tensor_parallel_size"] == 2


def test_a_command_that_starts_no_engine(repository: Repository):
    assert repository.problems("command: sleep 5") == [("not-recognised", 4)]
    assert repository.problems("command: vllm serve a\nfrom: b") == [
        ("conflict", 4),
        ("path-not-found", 5),
    ]
