"""The committed record and pages are what the data, the code and the coefficients give.

Anything red here is mended by one command: `capfit validate`.
"""

from pathlib import Path

import pytest
from capfit.tr133.review import page as tr133
from capfit.validate import fast, headline, page
from capfit.validate.hashes import hashes
from capfit.validate.page import PICTURES

ROOT = Path(__file__).parents[3]
MEND = "docs/accuracy.md is out of date: run `capfit validate`"


@pytest.mark.parametrize("name", ["data", "code", "coefficients"])
def test_the_record_stands_on_this_tree(committed, name):
    now = hashes(ROOT, ROOT / "fitting" / "data")[name]
    assert committed["hashes"][name] == now, f"the {name} changed. {MEND}"


def test_a_few_groups_predict_what_the_record_says(committed):
    found = list(fast.drift(committed, ROOT / "fitting" / "data"))
    assert found == [], MEND


@pytest.mark.parametrize("change", [1.01, 0.99])
def test_a_few_groups_would_notice(committed, change):
    """One percent on one held-out group is seen."""
    key = next(k for k in committed["points"] if k.startswith("scaling"))
    points = {
        **committed["points"],
        key: [[change * one[0], *one[1:]] for one in committed["points"][key]],
    }
    found = list(fast.drift({**committed, "points": points}, ROOT / "fitting" / "data", groups=()))
    assert len(found) == len(points[key])
    assert all(key in text for text in found)


def test_the_page_is_the_record(committed):
    assert (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8") == page.accuracy(
        committed
    ), MEND


def test_the_readme_quotes_the_record(committed):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert headline.with_rows(readme, committed) == readme, MEND


def test_the_review_of_tr133_is_what_code_and_record_say(committed, data):
    found = (ROOT / "docs" / "tr133.md").read_text(encoding="utf-8")
    assert found == tr133.page(committed, data), MEND


@pytest.mark.parametrize("name", [*(name for name, _ in PICTURES), "simulation"])
def test_every_picture_is_there(name):
    path = ROOT / "docs" / "accuracy" / f"{name}.png"
    assert path.read_bytes().startswith(b"\x89PNG")


def test_bad_rows_are_on_the_page(committed):
    """What is missed is said where the reader looks first."""
    text = headline.readme_rows(committed)
    for predictor in ("TTFT under load", "prefill, one prompt", "decode, one stream"):
        assert f"| {predictor} | model |" in text
