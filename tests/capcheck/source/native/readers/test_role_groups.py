"""Roles that are groups of pods."""

from __future__ import annotations

import pytest

from tests.capcheck.source.native.conftest import Found, stated

GROUP = """\
apiVersion: workloads.x-k8s.io/v1alpha2
kind: RoleBasedGroup
metadata: {name: pd}
spec:
  roleTemplates:
  - name: base
    template:
      spec:
        containers:
        - {name: aide, image: busybox}
        - name: engine
          image: lmsysorg/sglang:v0.5.9
          resources: {limits: {nvidia.com/gpu: 2, memory: 1Gi}}
  roles:
  - name: router
    replicas: 1
    standalonePattern:
      template:
        spec:
          containers:
          - name: r
            image: lmsysorg/sglang-router:v0.2.4
            command: [python3, -m, sglang_router.launch_router]
  - name: prefill
    replicas: 2
    leaderWorkerPattern:
      size: 4
      templateRef:
        name: base
        patch:
          spec:
            containers:
            - name: engine
              command: [python3, -m, sglang.launch_server, --model-path, org/m, --tp-size, "8"]
      leaderTemplatePatch: {metadata: {labels: {role: leader}}}
  - name: decode
    replicas: 3
    standalonePattern:
      templateRef:
        name: base
        patch:
          spec:
            containers:
            - name: engine
              command: [python3, -m, sglang.launch_server, --model-path, org/m, --tp-size, "1"]
              resources: {limits: {nvidia.com/gpu: 1}}
"""


def test_a_roles_pods_are_made_of_a_template_and_patches(found: Found) -> None:
    read = found(GROUP)
    assert sorted(read) == ["RoleBasedGroup/pd#decode", "RoleBasedGroup/pd#prefill"]
    prefill = read["RoleBasedGroup/pd#prefill"]
    assert stated(prefill) == {
        "backend": "sglang",
        "model": "org/m",
        "gpu_count": 8,
        "tp": 8,
        "replicas": 2,
    }
    assert prefill.settings["nodes"].value == 4
    decode = stated(read["RoleBasedGroup/pd#decode"])
    assert (decode["gpu_count"], decode["tp"], decode["replicas"]) == (1, 1, 3)


def test_a_set_of_groups_has_its_roles_once_for_each(found: Found) -> None:
    inner = GROUP.partition("spec:\n")[2]
    indented = "".join(f"    {line}\n" for line in inner.splitlines())
    text = (
        "apiVersion: workloads.x-k8s.io/v1alpha2\n"
        "kind: RoleBasedGroupSet\n"
        "metadata: {name: pd}\n"
        "spec:\n"
        "  replicas: 5\n"
        "  groupTemplate:\n"
        "    spec:\n"
    ) + indented
    assert stated(found(text)["RoleBasedGroupSet/pd#prefill"])["replicas"] == 10


def test_the_first_form_of_a_role_group_patches_the_leader(found: Found) -> None:
    text = """\
    apiVersion: workloads.x-k8s.io/v1alpha1
    kind: RoleBasedGroup
    metadata: {name: big}
    spec:
      roles:
      - name: decode
        replicas: 1
        leaderWorkerSet:
          size: 4
          patchLeaderTemplate:
            spec:
              containers:
              - name: sglang
                command: [sh, -c, "python3 -m sglang.launch_server --model-path /work/m --tp 32"]
        template:
          spec:
            containers:
            - name: sglang
              image: lmsysorg/sglang:v0.5.1
              resources: {limits: {nvidia.com/gpu: "8"}}
    """
    decode = stated(found(text)["RoleBasedGroup/big#decode"])
    assert (decode["gpu_count"], decode["tp"], decode["model"]) == (32, 32, "/work/m")


@pytest.mark.parametrize("spec", ["", "spec: "])
def test_the_roles_of_a_disaggregated_set_are_leader_worker_sets(spec: str, found: Found) -> None:
    fields = (
        "{replicas: 2, leaderWorkerTemplate: {size: 2, workerTemplate: {spec: {containers: ["
        "{name: v, image: 'vllm/vllm-openai:v0.11.0', args: [--model, org/m, -tp, '16'],"
        " resources: {limits: {nvidia.com/gpu: 8}}}]}}}}"
    )
    role = f"{{name: decode, spec: {fields}}}" if spec else f"{{name: decode, {fields[1:]}"
    text = (
        "apiVersion: disaggregatedset.x-k8s.io/v1\nkind: DisaggregatedSet\n"
        f"metadata: {{name: ds}}\nspec: {{slices: 3, roles: [{role}]}}\n"
    )
    decode = stated(found(text)["DisaggregatedSet/ds#decode"])
    assert (decode["gpu_count"], decode["tp"], decode["replicas"]) == (16, 16, 6)
