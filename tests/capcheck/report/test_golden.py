"""Every sample in every format for people, byte for byte; `pytest --update-golden` rewrites."""

from collections.abc import Callable

import pytest
from capcheck.report import FORMATS, Style, to_document
from capcheck.report.model import Report

Sample = tuple[str, Report]
Golden = Callable[[str, str], None]

SOURCE = """\
version: 1
deployments:
  chat-prod:
    model: meta-llama/Llama-3.1-8B-Instruct
    quant: bf16   # 漢字
    backend: vllm
    gpu: nvidia-l4
    replicas: 2
    traffic: {requests_per_second: 0.4, prompt_tokens: 512, output_tokens: 220}
    slo:
      # users wait
      latency_p95: 9s
""".splitlines()
SOURCES = {"deploy/chat.yaml": SOURCE, "::error::dir/a|b,c%\n`d`.yaml": SOURCE}

SUFFIXES = {
    "terminal": "txt",
    "github": "github",
    "markdown": "md",
    "json": "json",
    "sarif": "sarif",
    "junit": "xml",
    "codequality": "codequality.json",
}
MACHINES = ("sarif", "junit", "codequality")


def render(output_format: str, report: Report, style: Style) -> str:
    # The command line writes lone surrogates in the same way.
    text = FORMATS[output_format](to_document(report), style)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@pytest.mark.parametrize("output_format", ["terminal", "github", "markdown"])
def test_sample(output_format: str, sample: Sample, golden: Golden) -> None:
    name, report = sample
    golden(
        f"{name}.{SUFFIXES[output_format]}", render(output_format, report, Style(sources=SOURCES))
    )


@pytest.mark.parametrize("output_format", MACHINES)
@pytest.mark.parametrize(
    "name",
    [
        "pass",
        "ways-to-pass",
        "borderline",
        "cannot-predict",
        "mixed",
        "bad-input",
        "hostile",
        "empty",
    ],
)
def test_for_machines(
    name: str, output_format: str, samples: dict[str, Callable[[], Report]], golden: Golden
) -> None:
    golden(f"{name}.{SUFFIXES[output_format]}", render(output_format, samples[name](), Style()))


@pytest.mark.parametrize("name", ["cannot-predict", "ways-to-pass", "bad-input"])
def test_json(name: str, samples: dict[str, Callable[[], Report]], golden: Golden) -> None:
    golden(f"{name}.json", render("json", samples[name](), Style()))


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("color", Style(sources=SOURCES, color=True)),
        ("ascii", Style(sources=SOURCES, unicode=False)),
        ("verbose", Style(sources=SOURCES, detail="verbose")),
        ("quiet", Style(sources=SOURCES, detail="quiet")),
    ],
)
def test_terminal_styles(
    name: str, style: Style, samples: dict[str, Callable[[], Report]], golden: Golden
) -> None:
    golden(f"ways-to-pass-{name}.txt", render("terminal", samples["ways-to-pass"](), style))
