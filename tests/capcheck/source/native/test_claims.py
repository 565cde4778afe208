"""Accelerators that pods claim."""

from __future__ import annotations

import pytest

from tests.capcheck.source.native.conftest import Found, stated

POD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat}
spec:
  template:
    spec:
      resourceClaims:
      - {name: gpus, resourceClaimTemplateName: some-gpus}
      - {name: net, resourceClaimTemplateName: some-net}
      containers:
      - name: engine
        image: vllm/vllm-openai
        args: [org/model]
        resources: {claims: [{name: gpus}, {name: net}]}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: some-net}
spec: {spec: {devices: {requests: [{name: n, exactly: {deviceClassName: rdma.example.com}}]}}}
"""


@pytest.mark.parametrize(
    ("request_", "gpu", "count"),
    [
        ("exactly: {deviceClassName: gpu.nvidia.com, count: 2}", None, 2),
        ("deviceClassName: gpu.nvidia.com", None, 1),
        ("exactly: {deviceClassName: gaudi.intel.com, count: 4}", "Gaudi", 4),
        ("exactly: {deviceClassName: gpu.nvidia.com, allocationMode: All}", None, None),
        ("exactly: {deviceClassName: unheard.example.com}", None, None),
        (
            "exactly: {deviceClassName: gpu.nvidia.com, selectors: [{cel: {expression: "
            '\'device.attributes["gpu.nvidia.com"].productName == "NVIDIA L40S"\'}}]}',
            "L40S",
            1,
        ),
        (
            "exactly: {deviceClassName: gpu.nvidia.com, selectors: [{cel: {expression: "
            '\'device.attributes["gpu.nvidia.com"].productName != "NVIDIA L40S"\'}}]}',
            None,
            1,
        ),
    ],
)
def test_a_claim_by_a_template_of_the_same_file(
    request_: str, gpu: str | None, count: int | None, found: Found
) -> None:
    template = (
        "---\napiVersion: resource.k8s.io/v1\nkind: ResourceClaimTemplate\n"
        "metadata: {name: some-gpus}\n"
        f"spec:\n  spec:\n    devices:\n      requests:\n      - name: g\n        {request_}\n"
    )
    facts = stated(found(POD + template)["Deployment/chat"])
    assert (facts.get("gpu"), facts.get("gpu_count")) == (gpu, count)


def test_a_claim_whose_template_is_elsewhere_says_nothing(found: Found) -> None:
    chat = found(POD)["Deployment/chat"]
    assert {"gpu", "gpu_count"}.isdisjoint(stated(chat))


def test_a_nim_service_has_claims_created(found: Found) -> None:
    text = """\
    apiVersion: apps.nvidia.com/v1alpha1
    kind: NIMService
    metadata: {name: n}
    spec:
      image: {repository: nvcr.io/nim/meta/some-model, tag: "1"}
      replicas: 1
      draResources:
      - claimCreationSpec:
          devices:
          - name: gpu
            deviceClassName: gpu.nvidia.com
            count: 2
            celExpressions:
            - d.productName.lowerAscii().matches("^.*h100.*$") || d.productName.matches(".*h200.*")
    """
    facts = stated(found(text)["NIMService/n"])
    assert (facts["gpu"], facts["gpu_count"]) == ("H100|H200", 2)
