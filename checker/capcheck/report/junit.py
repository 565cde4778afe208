"""JUnit's XML, as Ant and most CI servers read it: a suite a manifest, a test a gate.

The schema of Windy Road (https://github.com/windyroad/JUnit-Schema) says what may stand where.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from capcheck.records import dataclass
from capcheck.report.compared import is_old
from capcheck.report.document import Deployment, Document, Finding, Gate
from capcheck.report.escape import NAME_LENGTH, SENTENCE_LENGTH, clip, xml
from capcheck.report.figures import Figure, about, gate_of, spoken
from capcheck.report.style import Style

Outcome = Literal["passed", "failure", "error", "skipped"]

# The schema wants a date; a report without one has none to give.
_NO_DATE = "1970-01-01T00:00:00"


@dataclass(frozen=True, slots=True)
class Case:
    """One test; `kind` is the failure's type, `message` one line, `body` all that is known."""

    owner: str
    name: str
    outcome: Outcome = "passed"
    kind: str = ""
    message: str = ""
    body: str = ""


def render(document: Document, style: Style) -> str:
    """What makes the run fail is a failure, and nothing else: a red report is a red check.

    A file that could not be read is an error. What cannot be predicted, or is no worse than on
    base, or is waived, is skipped where it does not make the run fail.
    """
    created = (document["run"]["created"] or _NO_DATE)[:19]
    suites = [
        _suite(index, path, list(cases), created)
        for index, (path, cases) in enumerate(_by_path(document).items())
    ]
    return "".join(('<?xml version="1.0" encoding="UTF-8"?>\n', "<testsuites>\n", *suites)) + (
        "</testsuites>\n"
    )


def _by_path(document: Document) -> dict[str, list[Case]]:
    """Every test by its suite's name, the manifest."""
    suites: dict[str, list[Case]] = {}
    for problem in document["problems"]:
        near = f"; did you mean {problem['nearest']!r}?" if problem["nearest"] else ""
        place = f"{problem['path']}:{problem['line']}:{problem['column']}"
        message = f"found {problem['found']}, expected {problem['expected']}{near}"
        case = Case(place, problem["code"], "error", problem["code"], message, place)
        suites.setdefault(problem["path"], []).append(case)
    for deployment in document["deployments"]:
        suites.setdefault(deployment["path"], []).extend(_cases(deployment, document))
    for found in document["findings"]:
        if not found["deployment"] and found["verdict"] != "pass":
            suites.setdefault(found["path"], []).append(
                _without_gate(about(found), found, document)
            )
    if not suites and document["exit_code"]:
        suites["capcheck"] = [
            Case("capcheck", "manifests", "error", "no-manifest", "no manifest was found")
        ]
    return suites


def _cases(deployment: Deployment, document: Document) -> Iterator[Case]:
    """The gates by name, then what decides without one."""
    deciding = [found for found in deployment["findings"] if found["verdict"] != "pass"]
    gates = [(found, _gate(found, deployment)) for found in deciding]
    for name, gate in sorted(deployment["gates"].items()):
        own = [found for found, decided in gates if decided == name]
        lowered = [one for one in deployment["findings"] if one["gate"] == name and one not in own]
        if gate["verdict"] != "pass" and lowered and not own:
            # A waiver, or a severity, took its say away.
            message, told = lowered[0]["message"], "\n".join(map(_told, lowered))
            yield Case(deployment["name"], gate["label"], "skipped", gate["verdict"], message, told)
        else:
            yield _case(deployment, gate, own, document)
    for found, decided in gates:
        if decided is None:
            yield _without_gate(deployment["name"], found, document)


def _without_gate(owner: str, found: Finding, document: Document) -> Case:
    counts = found["verdict"] in document["run"]["fail_on"] and not _is_settled(found)
    outcome: Outcome = "failure" if counts else "skipped"
    message = f"{_why_not(found)}{found['message']}"
    return Case(owner, found["rule"], outcome, found["verdict"], message, _told(found))


def _gate(found: Finding, deployment: Deployment) -> str | None:
    """The name of the gate that a finding decides; one of an older report by its place."""
    if found["gate"] is not None:
        return found["gate"] if found["gate"] in deployment["gates"] else None
    judged = gate_of(found, deployment)
    return next((name for name, gate in deployment["gates"].items() if gate is judged), None)


def _case(
    deployment: Deployment, gate: Gate, findings: Sequence[Finding], document: Document
) -> Case:
    owner, verdict = deployment["name"], gate["verdict"]
    if verdict == "pass":
        return Case(owner, gate["label"])
    counts = verdict in document["run"]["fail_on"] and deployment["blocking"]
    fresh = [found for found in findings if not _is_settled(found)]
    message = _message(gate, findings)
    body = "\n".join(_told(found) for found in findings) or message
    if counts and (fresh or not findings):
        return Case(owner, gate["label"], "failure", verdict, message, body)
    if verdict == "borderline":
        return Case(owner, gate["label"], body=message)
    why = "" if fresh or not findings else _why_not(findings[0])
    return Case(owner, gate["label"], "skipped", verdict, f"{why}{message}", body)


def _is_settled(found: Finding) -> bool:
    """Whether it does not count: base has it too, or somebody has waived it."""
    return is_old(found) or found["waived"] is not None


def _why_not(found: Finding) -> str:
    if found["waived"]:
        return f"waived until {found['waived']['expires']} ({found['waived']['reason']}): "
    return "as on base: " if is_old(found) else ""


def _message(gate: Gate, findings: Sequence[Finding]) -> str:
    if findings:
        return findings[0]["message"]
    return spoken(Figure(gate["label"], gate, gate["unit"], gate))


def _told(found: Finding) -> str:
    cause = f"\n{found['cause']['message']}" if found["cause"] else ""
    fix = f"\nfix: {found['fix']}" if found["fix"] else ""
    place = f"{found['path']}:{found['line']}:{found['column']}"
    return f"{place}: {found['verdict']} [{found['rule']}]{cause}\n{found['message']}{fix}"


def _suite(index: int, path: str, cases: Sequence[Case], created: str) -> str:
    counted = {kind: sum(case.outcome == kind for case in cases) for kind in _COUNTED}
    numbers = " ".join(f'{_COUNTED[kind]}="{count}"' for kind, count in counted.items())
    remarks = [
        f"{case.owner}: {case.body}" for case in cases if case.outcome == "passed" and case.body
    ]
    return (
        f'<testsuite id="{index}" package="capcheck" name="{_name(path)}" tests="{len(cases)}" '
        f'{numbers} time="0" timestamp="{created}" hostname="localhost">\n'
        "<properties/>\n"
        + "".join(map(_written, cases))
        + f"<system-out>{_lines(remarks)}</system-out>\n<system-err/>\n</testsuite>\n"
    )


_COUNTED: dict[Outcome, str] = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def _written(case: Case) -> str:
    start = f'<testcase classname="{_name(case.owner)}" name="{_name(case.name)}" time="0"'
    if case.outcome == "passed":
        return f"{start}/>\n"
    kind = "" if case.outcome == "skipped" else f' type="{xml(case.kind)}"'
    message = xml(clip(case.message, SENTENCE_LENGTH))
    inner = f'<{case.outcome}{kind} message="{message}">{_lines(case.body.split(chr(10)))}'
    return f"{start}>{inner}</{case.outcome}></testcase>\n"


def _name(text: str) -> str:
    return xml(clip(text, NAME_LENGTH)) or "unnamed"


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(xml(clip(line, SENTENCE_LENGTH)) for line in lines)
