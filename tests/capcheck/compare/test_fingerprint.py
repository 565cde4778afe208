"""Fingerprints: the same finding wherever it stands, and no two alike."""

from dataclasses import replace

import pytest
from capcheck.compare.fingerprint import fingerprints, key
from capcheck.finding import Finding
from capcheck.place import Place

from tests.capcheck.compare.conftest import entry

CHAT = entry("model: m, serving: {max_num_seqs: 4}").deployment()
FOUND = Finding("setting-ignored", "warning", "pass", "text", CHAT.places["/serving/max_num_seqs"])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (FOUND, "setting-ignored/chat/serving.max_num_seqs"),
        (replace(FOUND, gate="latency"), "setting-ignored/chat/latency"),
        (replace(FOUND, gate="latency", subject="latency_p50"), "setting-ignored/chat/latency_p50"),
        (replace(FOUND, place=CHAT.place), "setting-ignored/chat"),
        (replace(FOUND, place=Place("else.yaml", 1, 1, 2)), "setting-ignored/chat"),
    ],
)
def test_what_it_is_about(found: Finding, expected: str) -> None:
    assert fingerprints([(found, CHAT)]) == [expected]


def test_neither_line_nor_file_matters() -> None:
    moved = entry("gpu: g, model: m, serving: {max_num_seqs: 4}", path="b.yaml").deployment()
    there = replace(FOUND, place=moved.places["/serving/max_num_seqs"])
    assert there.place != FOUND.place
    assert key(there, moved) == key(FOUND, CHAT)


def test_two_of_one_name_are_told_apart() -> None:
    assert fingerprints([(FOUND, CHAT), (FOUND, CHAT)]) == [
        "setting-ignored/chat/serving.max_num_seqs",
        "setting-ignored/chat/serving.max_num_seqs#2",
    ]
