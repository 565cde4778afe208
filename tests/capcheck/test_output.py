"""Files appear whole or not at all; colour follows the documented order of precedence."""

import os
from pathlib import Path

import pytest
from capcheck.output import Color, OutputError, check_writable, use_color, write_file


@pytest.mark.parametrize(
    ("choice", "environ", "is_terminal", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_use_color(
    choice: Color, environ: dict[str, str], is_terminal: bool, expected: bool
) -> None:
    assert use_color(choice, environ, is_terminal=is_terminal) is expected


def test_write_file_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    write_file(path, "new – é\n")
    assert path.read_bytes() == "new – é\n".encode()
    assert os.listdir(tmp_path) == ["report.json"]


def test_write_file_keeps_the_umask(tmp_path: Path) -> None:
    (plain := tmp_path / "plain").write_text("")
    write_file(tmp_path / "report.json", "")
    assert (tmp_path / "report.json").stat().st_mode == plain.stat().st_mode


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")

    def disk_full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", disk_full)
    with pytest.raises(OutputError, match=r"cannot write .*report\.json: No space left on device"):
        write_file(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.json"]


def test_write_file_follows_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_file(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


@pytest.mark.skipif(os.name == "nt", reason="a POSIX device")
def test_write_file_does_not_replace_a_device(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_file(pipe, "to the reader")
    assert os.read(reader, 100) == b"to the reader"
    assert pipe.is_fifo()
    os.close(reader)


def test_write_file_escapes_a_file_name_that_is_not_utf8(tmp_path: Path) -> None:
    write_file(tmp_path / "report", "name \udcff")
    assert (tmp_path / "report").read_bytes() == b"name \\udcff"


def test_check_writable(tmp_path: Path) -> None:
    check_writable(tmp_path / "report.json")
    with pytest.raises(OutputError, match="it is a directory"):
        check_writable(tmp_path)
    with pytest.raises(OutputError, match=r"there is no directory .*missing"):
        check_writable(tmp_path / "missing" / "report.json")
