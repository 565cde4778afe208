"""`capfit validate` where it does not take minutes."""

import json
from functools import partial

import pytest
from capfit.cli import cli
from capfit.validate import fast, record
from click.testing import CliRunner


def run(*arguments: str):
    return CliRunner().invoke(cli, ["validate", *arguments])


def test_fast_is_for_checking():
    result = run("--fast")
    assert result.exit_code == 2
    assert "--fast needs --check" in result.stderr


def test_pages_need_a_repository_to_be_written_to(tmp_path):
    result = run("--root", str(tmp_path))
    assert result.exit_code == 2
    assert "has no docs folder" in result.stderr


@pytest.mark.parametrize("option", ["--check", "--pages"])
def test_what_reads_a_record_says_where_there_is_none(option, tmp_path):
    result = run(option, "--record", str(tmp_path / "none.json"))
    assert result.exit_code == 2
    assert "`capfit validate` writes it" in result.stderr


@pytest.fixture
def stale(committed, tmp_path, monkeypatch):
    """A record whose coefficients were others, and one of whose points was."""
    changed = json.loads(json.dumps(committed))
    changed["hashes"]["coefficients"] = "0" * 64
    key = next(key for key in changed["points"] if key.startswith("latency of an open loop"))
    changed["points"][key][0][0] *= 1.1
    path = tmp_path / "validation.json"
    record.write(changed, path)
    monkeypatch.setattr(fast, "drift", partial(fast.drift, groups=()))
    return path, key


def test_a_stale_record_fails_with_what_to_do(stale):
    path, key = stale
    result = run("--check", "--fast", "--record", str(path))
    assert result.exit_code == 1
    assert "the coefficients changed since the record was made" in result.stdout
    assert key in result.stdout
    assert result.stdout.endswith("the record is out of date: run `capfit validate`\n")
