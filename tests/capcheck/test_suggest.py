"""`capcheck suggest` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from capcheck.cli import cli
from click.testing import CliRunner

MANIFEST = """version: 1
deployments:
  it:
    model: llama3.2-3b
    quant: Q8_0
    backend: ollama
    gpu: RTX 4090 24GB
    traffic: {requests_per_second: 0.1, prompt_tokens: 256, output_tokens: 128}
    slo: {latency_p95: 20s}
    alternatives: {gpus: [RTX 4060 8GB, RTX 4090 24GB], quants: [Q4_K_M, Q8_0], backends: [ollama]}
"""


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    path = tmp_path / "capcheck.yaml"
    path.write_text(MANIFEST, encoding="utf-8")
    return str(path)


def suggest(*arguments: str):
    return CliRunner().invoke(cli, ["suggest", *arguments])


def test_everything_beside_the_alternatives(manifest):
    result = suggest(
        manifest, "--format", "json", "--energy", "0.2", "--api-price", "1/2", "--budget", "500"
    )
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    (deployment,) = document["deployments"]
    first = deployment["alternatives"][0]
    assert first["saving_usd_year"] == pytest.approx(12 * first["saving_usd_month"], rel=1e-5)
    assert deployment["pareto"]
    assert deployment["economics"]["energy_usd_month"]["value"] > 0
    assert deployment["economics"]["break_even_rps"]["value"] > 0
    assert document["plan"]["fits"] is True
    assert document["plan"]["budget_usd_month"] == 500


def test_every_edit_has_its_place_in_the_text(manifest):
    """Of whatever a report proposes, the plan for the fleet included."""
    document = json.loads(suggest(manifest, "--format", "json", "--budget", "1").stdout)
    (deployment,) = document["deployments"]
    found = [
        edit
        for key in ("alternatives", "near_misses", "relaxations", "pareto", "why_not")
        for way in (*deployment[key], *document["plan"]["choices"])
        for edit in way["edits"]
    ]
    assert found
    lines = MANIFEST.split("\n")
    for edit in found:
        assert edit["path"] == manifest
        assert edit["text"] is not None
        if edit["previous"] is not None:
            written = lines[edit["line"] - 1][edit["column"] - 1 : edit["end_column"] - 1]
            assert written == str(edit["previous"])


def test_the_policy_states_the_price_of_a_hosted_api(manifest, tmp_path):
    policy = tmp_path / "elsewhere" / "own.yaml"
    policy.parent.mkdir()
    policy.write_text(
        "version: 1\nprices:\n  hosted_api: {usd_per_million_input: 1, usd_per_million_output: 2}\n"
    )

    def economics(*arguments: str) -> dict:
        result = CliRunner().invoke(cli, ["check", manifest, "--format", "json", *arguments])
        return json.loads(result.stdout)["deployments"][0]["economics"]

    assert economics() is None
    found = economics("--policy", str(policy))
    each = (256 * 1 + 128 * 2) / 1e6
    assert found["api_usd_month"]["value"] == pytest.approx(0.1 * each * 730 * 3600, rel=1e-5)


def test_it_searches_by_the_policy_that_is_named(manifest, tmp_path):
    policy = tmp_path / "elsewhere" / "own.yaml"
    policy.parent.mkdir()
    policy.write_text("version: 1\nalternatives: {gpus: [RTX 4090 24GB], quants: [Q8_0]}\n")

    def offered(*arguments: str) -> list:
        document = json.loads(suggest(manifest, "--format", "json", *arguments).stdout)
        return document["deployments"][0]["alternatives"]

    assert offered()
    assert offered("--policy", str(policy)) == []


def test_what_stands_alone_has_its_place_too(tmp_path):
    """Nothing surely passes for less, so that only what is not sure is shown."""
    path = tmp_path / "capcheck.yaml"
    example = Path(__file__).parents[2] / "examples" / "hobby-ollama-rtx4060.capcheck.yaml"
    path.write_text(example.read_text(encoding="utf-8"), encoding="utf-8")
    document = json.loads(suggest(str(path), "--format", "json").stdout)
    (deployment,) = document["deployments"]
    assert deployment["alternatives"] == deployment["near_misses"] == []
    shown = [deployment["likely"], *deployment["why_not"]]
    assert any(shown)
    assert all(edit["text"] for way in shown if way for edit in way["edits"])


def test_a_page_says_why_not_for_less(manifest):
    path = Path(manifest)
    text = MANIFEST.replace("latency_p95: 20s", "latency_p95: 3s").replace(
        "second: 0.1", "second: 0.3"
    )
    path.write_text(text, encoding="utf-8")
    page = suggest(manifest, "--format", "markdown").stdout
    (deployment,) = json.loads(suggest(manifest, "--format", "json").stdout)["deployments"]
    assert deployment["why_not"]
    assert page.count("Why not for less:") == 1
    assert "from surely passing" in page


def test_a_check_looks_for_none_of_it(manifest):
    result = CliRunner().invoke(cli, ["check", manifest, "--format", "json"])
    document = json.loads(result.stdout)
    (deployment,) = document["deployments"]
    keys = ("likely", "pareto", "why_not", "economics")
    assert [deployment[key] for key in keys] == [None, [], [], None]
    assert document["plan"] is None


@pytest.mark.parametrize("price", ["x", "1/2/3", "-1", "nan", "", "1/"])
def test_a_price_that_is_none(manifest, price):
    result = suggest(manifest, "--api-price", price)
    assert result.exit_code == 2
    assert "0.15/0.60" in result.stderr


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_a_picture_of_the_front(manifest, tmp_path, ending):
    pytest.importorskip("matplotlib")
    picture = tmp_path / f"front.{ending}"
    assert suggest(manifest, "--plot", str(picture)).exit_code == 0
    assert picture.stat().st_size > 1000
    if ending == "svg":
        again = tmp_path / "again.svg"
        suggest(manifest, "--plot", str(again))
        assert again.read_text().count("<path") == picture.read_text().count("<path")


def test_a_picture_of_no_known_kind(manifest, tmp_path):
    pytest.importorskip("matplotlib")
    result = suggest(manifest, "--plot", str(tmp_path / "front.docx"))
    assert result.exit_code == 2
    assert "svg" in result.stderr


def test_processes_give_the_same_report_in_the_same_order(tmp_path):
    text = "version: 1\ndeployments:\n" + "".join(
        MANIFEST.split("deployments:\n")[1].replace("  it:", f"  it{index}:").replace("0.1", rate)
        for index, rate in enumerate(("0.1", "0.2", "0.3"))
    )
    path = tmp_path / "capcheck.yaml"
    path.write_text(text, encoding="utf-8")
    reports = [
        json.loads(suggest(str(path), "--format", "json", "--jobs", jobs).stdout)
        for jobs in ("1", "2")
    ]
    for report in reports:
        report["run"]["created"] = None
    assert reports[0] == reports[1]
    assert [one["name"] for one in reports[0]["deployments"]] == ["it0", "it1", "it2"]
