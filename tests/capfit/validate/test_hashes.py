from pathlib import Path

import pytest
from capfit.validate.hashes import code_hash

PARTS = {
    "checker/capcheck/predict/speed/roofline.py": "a = 1\n",
    "checker/capcheck/data/models.csv": "name\n",
    "checker/capcheck/data/prices.csv": "price\n",
    "checker/capcheck/data/coefficients.json": "{}\n",
    "checker/capcheck/report/terminal.py": "b = 1\n",
    "fitting/capfit/speed/forms.py": "c = 1\n",
    "fitting/capfit/tr133/planner.py": "d = 1\n",
    "fitting/capfit/tr133/review/page.py": "e = 1\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in PARTS.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    source = Path("fitting/capfit/validate")
    copy = tmp_path / source
    copy.mkdir(parents=True)
    for path in source.glob("*.py"):
        (copy / path.name).write_bytes(path.read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("name", "matters"),
    [
        ("checker/capcheck/predict/speed/roofline.py", True),
        ("checker/capcheck/data/models.csv", True),
        ("fitting/capfit/speed/forms.py", True),
        ("fitting/capfit/tr133/planner.py", True),
        ("fitting/capfit/validate/gate.py", True),
        ("fitting/capfit/validate/page.py", False),
        ("fitting/capfit/tr133/review/page.py", False),
        ("checker/capcheck/data/prices.csv", False),
        ("checker/capcheck/report/terminal.py", False),
        ("checker/capcheck/data/coefficients.json", False),  # it has a hash of its own
    ],
)
def test_what_predicts_and_fits_matters(root, name, matters):
    before = code_hash(root)
    with (root / name).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert (code_hash(root) != before) is matters


def test_line_endings_do_not_matter(root):
    before = code_hash(root)
    path = root / "fitting/capfit/speed/forms.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert code_hash(root) == before


def test_a_new_file_matters(root):
    before = code_hash(root)
    (root / "fitting/capfit/speed/new.py").write_text("f = 1\n", encoding="utf-8")
    assert code_hash(root) != before
