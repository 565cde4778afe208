"""The curve of the manifests that ship as examples, and how it is shown."""

from pathlib import Path

import pytest
from capcheck.cli import cli
from capcheck.manifest.discover import read_manifest, reader_for
from capcheck.manifest.load import load
from capcheck.predict import coefficients
from capcheck.predict.compose import forecast
from capcheck.predict.latency.curve import SHARES, curve
from capcheck.registry.tables import Registry
from capcheck.report.curve import chart, rows
from capcheck.resolution.resolve import resolve
from click.testing import CliRunner

EXAMPLES = Path(__file__).parents[4] / "examples"
OPEN = EXAMPLES / "vllm-8b-l4.capcheck.yaml"
FLEET = EXAMPLES / "fleet.capcheck.yaml"


def deployments(path: Path, registry: Registry):
    found = load(read_manifest(path), path.as_posix(), read_file=reader_for(path.parent))
    return {
        one.name: (one, forecast(resolve(one, registry)[0], coefficients.load(None)))
        for one in found
    }


def test_latency_rises_with_the_rate(registry: Registry):
    deployment, unloaded = deployments(OPEN, registry)["chat"]
    points = curve(unloaded)
    assert len(points) == len(SHARES) + 1
    p95 = [point.load.latency_ms.p95.value for point in points]
    assert p95 == sorted(p95)
    marked = [row for row in rows(deployment, points) if row[-1] == "stated"]
    assert [row[0] for row in marked] == ["0.200"]


def test_a_closed_loop_is_drawn_over_agents(registry: Registry):
    deployment, unloaded = deployments(FLEET, registry)["notes"]
    points = curve(unloaded)
    assert [point.at for point in points] == [1.0, 2.0, 3.0, 4.0]
    assert rows(deployment, points)[0][0] == "agents"


def test_nothing_to_draw_without_a_speed(registry: Registry):
    path = EXAMPLES / "cannot-predict.capcheck.yaml"
    for _, unloaded in deployments(path, registry).values():
        assert curve(unloaded) == []


@pytest.mark.parametrize(("unicode", "marks"), [(True, "█░"), (False, "#-")])
def test_bars_are_as_long_as_their_latency(registry: Registry, unicode: bool, marks: str):
    _, unloaded = deployments(OPEN, registry)["chat"]
    points = curve(unloaded)
    lines = chart(points, unicode=unicode)
    lengths = [sum(line.count(mark) for mark in marks) for line in lines]
    assert lengths == sorted(lengths)
    assert lengths[-1] == 48
    assert all(line.split()[1].startswith(marks[0]) for line in lines)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ([str(OPEN)], 0, "p95 TTFT"),
        ([str(FLEET), "notes"], 0, "agents"),
        ([str(FLEET), "nobody"], 2, "there is no deployment 'nobody'"),
        ([str(FLEET), "--plot", "x.svg"], 2, "add its NAME"),
        ([str(EXAMPLES / "cannot-predict.capcheck.yaml")], 0, "no curve"),
    ],
)
def test_command(arguments: list[str], code: int, text: str):
    result = CliRunner().invoke(cli, ["curve", *arguments])
    assert result.exit_code == code
    assert text in result.output + result.stderr


def test_a_picture_is_drawn(tmp_path: Path):
    pytest.importorskip("matplotlib")
    target = tmp_path / "curve.svg"
    result = CliRunner().invoke(cli, ["curve", str(OPEN), "--plot", str(target)])
    assert result.exit_code == 0
    assert "<svg" in target.read_text(encoding="utf-8")
