"""The text of a suggestion, and of the patch that takes its place."""

from collections.abc import Callable

import pytest
from capcheck.report import to_document
from capcheck.report.fix import smallest_fix
from capcheck.report.model import Report
from capcheck.report.suggestion import marked, patch_block, render

from tests.capcheck.report.samples_against_base import SAMPLES as AGAINST_BASE

LINES = {"ways-to-pass": "    quant: awq-int4   # 漢字", "hostile": "    quant: `````x # @everyone"}


@pytest.mark.parametrize("name", LINES)
def test_text(
    name: str, samples: dict[str, Callable[[], Report]], golden: Callable[[str, str], None]
) -> None:
    (entry,) = to_document(samples[name]())["deployments"]
    fix, lines = entry["alternatives"][0], [LINES[name]]
    golden(f"suggestion-{name}.md", render(entry, fix, lines, marked("default", entry, lines)))


def test_what_passes_has_no_fix(samples: dict[str, Callable[[], Report]]) -> None:
    for name in ("pass", "cheaper", "cannot-predict", "nothing-passes"):
        (entry,) = to_document(samples[name]())["deployments"]
        assert smallest_fix(entry) is None
        assert patch_block(entry) == ""


def test_what_cannot_be_written_is_passed_over(samples: dict[str, Callable[[], Report]]) -> None:
    (entry,) = to_document(samples["ways-to-pass"]())["deployments"]
    first, refused = entry["alternatives"]
    assert smallest_fix(entry) is first
    assert smallest_fix({**entry, "alternatives": [refused, first]}) is first
    assert smallest_fix({**entry, "alternatives": [refused]}) is None


def test_base_is_not_blamed_on_the_change() -> None:
    """The finding that is told is one that is new here."""
    for made in AGAINST_BASE.values():
        for entry in to_document(made())["deployments"]:
            for way in entry["alternatives"]:
                text = render(entry, way, ["x"], marked("default", entry, ["x"]))
                old = [one["message"] for one in entry["findings"] if one["change"] == "unchanged"]
                assert not any(f": {message}.**" in text for message in old)
