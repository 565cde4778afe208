"""The review of TR133: nothing is left out, and what is called corrected differs."""

import re
from pathlib import Path

import pytest
from capfit.data.tables import read
from capfit.tr133.review import claims, cross_checks, examples, page, spot_checks, tables
from capfit.tr133.review.finding import entry
from capfit.validate import record


@pytest.fixture(scope="module")
def data():
    return read(Path("fitting/data"))


@pytest.fixture(scope="module")
def committed():
    return record.read()


@pytest.fixture(scope="module")
def text(data, committed):
    return page.page(committed, data)


def test_every_target_claim_check_and_cross_check_is_there(data, committed):
    assert len(list(claims.targets(data, committed))) == 5
    assert [one.section for one in claims.claims(data, committed)] == [
        f"claim {number}" for number in range(1, 9)
    ]
    assert [one.section for one in spot_checks.findings()] == [
        f"SS12 {number}" for number in range(1, 11)
    ]
    assert [one.section for one in cross_checks.findings(data, committed)] == [
        f"SS17.{number}" for number in range(1, 5)
    ]
    assert [one.section for one in examples.findings()] == [
        *(f"SS13b {number}" for number in range(1, 5)),
        *("SS13c budget", "SS13c quality", "SS13c latency"),
    ]


def test_the_count_is_that_of_the_rows(text):
    total, reproduced, corrected, untestable = map(
        int,
        re.findall(
            r"Of (\d+) statements: (\d+) reproduced, (\d+) corrected, (\d+) cannot be tested", text
        )[0],
    )
    rows = [line for line in text.splitlines() if line.startswith(("| SS", "| claim", "| App"))]
    assert total == reproduced + corrected + untestable == len(rows)
    assert untestable == sum("| cannot be tested |" in row for row in rows)


@pytest.mark.parametrize(
    "figure",
    [
        "RMSE 1.07 GB, bias -0.76 GB",  # SS4.4 says 1.71 and +0.25
        "4 of them follow from the printed formula",
        "149.1 GB",  # SS4.5 says 45.5
        "140.7 GB by the printed formula",  # SS17.2 says 12.40
        "476 tok/s by the formula as stated, 559 measured",  # SS17.4 says 169
        "9 from 1/(1 + s (N−1))",
        "$25.55",
        "10 / 6 / 1",  # SS15.1 says 10 / 5 / 2
        "432 GB/s",
    ],
)
def test_corrections_that_follow_from_print_alone(text, figure):
    assert figure in text


def test_spot_checks_that_are_arithmetic_are_reproduced():
    found = {one.section: one.status for one in spot_checks.findings()}
    assert [section for section, status in found.items() if status == "reproduced"] == [
        *("SS12 6", "SS12 8", "SS12 9"),
    ]


def test_the_deltas_of_its_matrix_are_its_means(data, committed):
    (deltas,) = [one for one in tables.findings(data, committed) if one.section == "SS7.4"]
    assert deltas.evidence.startswith("from its own matrix (four models): 6 of 6 means")


def test_an_entry_that_is_not_in_the_record_is_an_error(committed):
    with pytest.raises(LookupError, match="no decode of nothing"):
        entry(committed, "decode of nothing", "model", "all")
