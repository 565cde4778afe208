"""Deployments that ask for the same work sort next to each other."""

from __future__ import annotations

from capcheck.check import likeness
from capcheck.manifest.load import load

FLEET = """
version: 1
deployments:
  a: {model: qwen2.5-7b, gpu: L4, traffic: {requests_per_second: 2, profile: rag}}
  b: {model: llama3.1-8b, gpu: L4, traffic: {requests_per_second: 1, profile: chat}}
  c: {model: qwen2.5-7b, gpu: L4, traffic: {requests_per_second: 1, profile: chat}}
  d:
    model: llama3.1-8b
    gpu: L4
    traffic: {requests_per_second: 1, profile: chat}
    slo: {latency_p95: 3s}
    budget: {monthly_usd: 500}
  e: {model: qwen2.5-7b, gpu: L4, traffic: {requests_per_second: 1, profile: rag}}
"""


def test_families_then_lengths_then_rates():
    deployments = load(FLEET.encode(), "capcheck.yaml")
    names = [one.name for one in sorted(deployments, key=likeness)]
    assert names == ["b", "d", "e", "a", "c"]
    by_name = {one.name: likeness(one) for one in deployments}
    assert by_name["b"] == by_name["d"]  # limits are not what takes time
    assert len(set(by_name.values())) == 4
