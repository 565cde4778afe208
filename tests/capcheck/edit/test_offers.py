"""Alternatives as changes of a text: proven by reading it again."""

from dataclasses import replace
from functools import partial

import pytest
from capcheck.check import check
from capcheck.edit import offers
from capcheck.edit.change import apply
from capcheck.edit.offers import UNPROVEN, placed
from capcheck.judge import Context
from capcheck.manifest.deployment import Replicas
from capcheck.manifest.load import entries
from capcheck.report.model import DeploymentReport
from capcheck.search.alternative import Edit
from capcheck.search.wanted import Wanted

PATH = "m.yaml"
REST = (
    "    traffic: {requests_per_second: 0.05, prompt_tokens: 256, output_tokens: 64}\n"
    "    alternatives: {quants: [Q4_K_M], backends: [ollama], gpus: [RTX 4060 8GB], "
    "keep: [gpus_per_replica]}\n"
)
TWO = (
    "version: 1\ndeployments:\n"
    "  a: # one\n    model: llama3.1-8b\n    quant: &q 'FP16'\n    backend: ollama\n"
    "    gpu: RTX 4060 8GB\n" + REST + "  b:\n    model: llama3.1-8b\n    quant: FP16\n"
    "    backend: ollama\n    gpu: RTX 4060 8GB\n" + REST
)


@pytest.fixture(scope="module")
def context() -> Context:
    from datetime import date

    from capcheck.predict import coefficients
    from capcheck.registry import tables

    return Context(tables.load(), coefficients.load(), date(2026, 11, 23))


def read(text: str, path: str):
    return entries(text.encode(), path)


def reports(text: str, context: Context) -> tuple[DeploymentReport, ...]:
    found = [check(one.deployment(), context) for one in read(text, PATH)]
    return placed(found, {PATH: text}, read)


def test_each_deployment_gets_its_own_changes(context: Context) -> None:
    one, two = reports(TWO, context)
    for report in (one, two):
        for way in report.alternatives:
            assert len(way.changes) == len(way.edits) > 0
            assert way.refused is None
            changed = read(apply(TWO, way.changes), PATH)
            (again,) = (
                entry.deployment()
                for entry in changed
                if entry.stated.name == report.resolved.deployment.name
            )
            assert replace(again, place=way.resolved.deployment.place) == way.resolved.deployment
    assert one.patch is not None
    assert "-    quant: &q 'FP16'\n+    quant: &q 'Q4_K_M'\n" in one.patch
    assert two.patch is not None
    assert one.patch != two.patch


def test_every_alternative_judged_from_its_text_is_what_it_said(context: Context) -> None:
    (one, _) = reports(TWO, context)
    for way in one.alternatives:
        (again, _) = read(apply(TWO, way.changes), PATH)
        judged = check(again.deployment(), context, alternatives=False)
        assert judged.verdict == way.verdict == "pass"
        assert judged.forecast == way.forecast


def test_a_shared_value_is_refused_and_the_others_are_not(context: Context) -> None:
    shared = TWO.replace("quant: FP16\n", "quant: *q\n")
    one, two = reports(shared, context)
    assert one.alternatives[0].changes == ()
    assert one.alternatives[0].refused == (
        "deployments.a.quant is the anchor &q, which line 12 shares"
    )
    assert one.patch is None
    assert two.alternatives[0].refused is None


def test_what_a_bad_change_would_do_is_noticed(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof does not trust who made the change: wrong text, broken text, another's text."""
    found = [check(one.deployment(), context) for one in read(TWO, PATH)]
    genuine = offers.changes

    def wrong(layout, edits, *, text: str):
        made = genuine(layout, edits)
        if "/deployments/a/" in edits[0].pointer:
            return (replace(made[0], text=text), *made[1:])
        return made

    for text in ("'Q8_0'", "'Q4_K_M'\n    replicas: 2", "{", "'Q4_K_M'\n  c: {gpu: L4}"):
        monkeypatch.setattr(offers, "changes", partial(wrong, text=text))
        one, two = placed(found, {PATH: TWO}, read)
        assert (one.alternatives, one.nothing_passes) == ((), UNPROVEN)
        assert two.alternatives[0].refused is None


def test_a_deployment_that_passes_has_no_patch(context: Context) -> None:
    (one, _) = reports(TWO.replace("&q 'FP16'", "Q4_K_M"), context)
    assert one.verdict == "pass"
    assert one.patch is None


def test_a_deployment_of_another_file_is_refused(context: Context) -> None:
    (report, _) = (check(one.deployment(), context) for one in read(TWO, PATH))
    elsewhere = Edit("/deployments/c/quant", "Q4_K_M", None)
    moved = replace(report, alternatives=(replace(report.alternatives[0], edits=(elsewhere,)),))
    (one,) = placed([moved], {PATH: TWO}, read)
    assert one.alternatives[0].refused == "deployments has no c in this file"


def test_what_the_text_would_not_mean_is_not_shown(context: Context) -> None:
    """The edits are stated, but something else was judged for them."""
    (report, _) = (check(one.deployment(), context) for one in read(TWO, PATH))
    way = report.alternatives[0]
    other = replace(way.resolved.deployment, replicas=Replicas(3, 3))
    judged = replace(way, resolved=replace(way.resolved, deployment=other))
    (one,) = placed([replace(report, alternatives=(judged,))], {PATH: TWO}, read)
    assert (one.alternatives, one.patch, one.nothing_passes) == ((), None, UNPROVEN)


def test_every_way_that_is_shown_has_its_changes(context: Context) -> None:
    """Those of the front, of what is likely and of why not as well: one text, one set of edits."""
    found = [
        check(one.deployment(), context, wanted=Wanted(thorough=True)) for one in read(TWO, PATH)
    ]
    one, _ = placed(found, {PATH: TWO}, read)
    assert one.front.members
    for way in (*one.front.members, *one.why_not, *(limit.by for limit in one.relaxations)):
        assert len(way.changes) == len(way.edits)


INHERITED = """version: 1
defaults:
  quant: FP16
  serving: {max_model_len: 32768}
deployments:
  a:
    model: llama3.1-8b
    backend: ollama
    gpu: RTX 4060 8GB
    serving: {max_num_seqs: 1}
    traffic: {requests_per_second: 0.05, prompt_tokens: 256, output_tokens: 64}
    alternatives: {quants: [Q4_K_M], backends: [ollama], gpus: [RTX 4060 8GB]}
"""


def test_what_is_inherited_was_not_there(context: Context) -> None:
    """The edit writes it into the deployment; what `defaults` says stays as it is."""
    (report,) = reports(INHERITED, context)
    previous = {
        (edit.pointer.removeprefix("/deployments/a"), edit.previous)
        for way in report.alternatives
        for edit in way.edits
    }
    assert {value for pointer, value in previous if pointer != "/serving/max_num_seqs"} == {None}
    assert ("/quant", None) in previous
