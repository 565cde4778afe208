"""SARIF 2.1.0, for code scanning: every finding with its place, its limit and its fix.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; what GitHub reads of it and its
limits: https://docs.github.com/code-security/reference/code-scanning/sarif-files/sarif-support
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from capcheck.compare.model import Standing
from capcheck.finding import Severity
from capcheck.report.compared import is_old
from capcheck.report.document import (
    Alternative,
    Deployment,
    Document,
    Edit,
    NamedFinding,
    Problem,
    Spot,
)
from capcheck.report.escape import SENTENCE_LENGTH, clip, plain
from capcheck.report.figures import about, change, limit_spot, saving
from capcheck.report.fix import smallest_fix
from capcheck.report.style import Style
from capcheck.rules.catalogue import RULES_BY_ID
from capcheck.rules.reference import help_text
from capcheck.source.problems import CODES

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT = "capcheck/v1"

# GitHub refuses a file with more results in a run, or more than this when compressed.
MAX_RESULTS = 25_000
MAX_GZIPPED_BYTES = 10_000_000

ROOT = "%SRCROOT%"

# SARIF's words for how a finding stands against base.
BASELINE: Mapping[Standing, str] = {"new": "new", "worse": "updated", "unchanged": "unchanged"}
LEVELS: Mapping[Severity, str] = {"error": "error", "warning": "warning", "note": "note"}

Json = dict[str, Any]


def render(document: Document, style: Style) -> str:
    """Bad input first, then findings, the worst first; what GitHub would refuse is left out."""
    results = [*map(_bad_input, document["problems"]), *_results(document)]
    most = min(len(results), MAX_RESULTS)
    while True:
        text = _encoded(document, results, most)
        # Compression is slow, and what is small before is small after.
        if len(text) <= MAX_GZIPPED_BYTES or not most or _gzipped(text) <= MAX_GZIPPED_BYTES:
            return text
        most //= 2


def _gzipped(text: str) -> int:
    return len(gzip.compress(text.encode("utf-8", "backslashreplace"), compresslevel=6))


def _encoded(document: Document, results: Sequence[Json], most: int) -> str:
    shown = results[:most]
    driver = {
        "name": "capcheck",
        "semanticVersion": document["tool"]["version"],
        "rules": list(_rules(shown)),
    }
    invocation: Json = {"executionSuccessful": not document["problems"]}
    if left := len(results) - most:
        text = (
            f"{left:,} of {len(results):,} results left out, the least severe: code scanning takes "
            f"{MAX_RESULTS:,} results and {MAX_GZIPPED_BYTES:,} bytes. The JSON report has all."
        )
        invocation["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": text}}]
    run: Json = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "results": shown,
    }
    if document["run"]["created"]:
        invocation["endTimeUtc"] = document["run"]["created"]
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


def _rules(results: Iterable[Json]) -> Iterator[Json]:
    """What each rule that occurs is about; a problem's code is a rule too."""
    seen: dict[str, Json] = {}
    for result in results:
        seen.setdefault(result["ruleId"], result)
    for rule, first in sorted(seen.items()):
        known = RULES_BY_ID.get(rule)
        if known is None:
            title, text = rule.replace("-", " "), CODES.get(rule, first["message"]["text"])
            yield {"id": rule, "shortDescription": {"text": title}, "help": {"text": text}}
            continue
        text = help_text(rule)
        yield {
            "id": rule,
            "shortDescription": {"text": known.title},
            "help": {"text": text, "markdown": text},
        }


def _bad_input(problem: Problem) -> Json:
    near = f" Did you mean {problem['nearest']!r}?" if problem["nearest"] else ""
    text = f"Found {problem['found']}, expected {problem['expected']}.{near}"
    identity = f"{problem['code']}/{problem['path']}/{problem['found']}"
    return _result(problem["code"], "error", text, problem, identity)


def _results(document: Document) -> Iterator[Json]:
    homes = {
        found["fingerprint"]: deployment
        for deployment in document["deployments"]
        for found in deployment["findings"]
    }
    for found in document["findings"]:
        yield _finding(found, homes.get(found["fingerprint"]))


def _finding(found: NamedFinding, deployment: Deployment | None) -> Json:
    """One about the run has no deployment."""
    text = f"{clip(about(found))}: {found['message']}."
    if found["cause"]:
        text = f"{found['cause']['message']}. {text}"
    if found["fix"]:
        text += f" Fix: {found['fix']}."
    result = _result(found["rule"], LEVELS[found["severity"]], text, found, found["fingerprint"])
    if found["related"]:
        is_limit = deployment is not None and limit_spot(found, deployment)
        what = "limit" if is_limit else "because of this"
        result["relatedLocations"] = [{**_location(found["related"]), "message": {"text": what}}]
    if found["change"]:
        result["baselineState"] = BASELINE[found["change"]]
    if waived := found["waived"]:
        until = waived["expires"] and f"until {waived['expires']}"
        terms = ", ".join(filter(None, (waived["owner"], until)))
        why = f"{waived['reason']} ({terms})" if terms else waived["reason"]
        result["suppressions"] = [{"kind": "external", "justification": plain(why)}]
    decides = found["verdict"] != "pass" and not is_old(found)
    if deployment is not None and decides and (fix := smallest_fix(deployment)):
        result["fixes"] = [_fix(fix)]
    return result


def _result(rule: str, level: str, text: str, spot: Spot, identity: str) -> Json:
    return {
        "ruleId": rule,
        "level": level,
        "message": {"text": plain(clip(text, 2 * SENTENCE_LENGTH))},
        "locations": [_location(spot)],
        "partialFingerprints": {FINGERPRINT: plain(identity)},
    }


def _location(spot: Spot) -> Json:
    region = {
        "startLine": spot["line"],
        "startColumn": spot["column"],
        "endLine": spot["line"],
        "endColumn": spot["end_column"],
    }
    return {"physicalLocation": {"artifactLocation": _artifact(spot["path"]), "region": region}}


def _artifact(path: str) -> Json:
    """A path as a URI; one from the current directory is relative to the repository's root."""
    uri = quote(path.replace("\\", "/").removeprefix("./").encode("utf-8", "backslashreplace"))
    return {"uri": f"file://{uri}"} if uri.startswith("/") else {"uri": uri, "uriBaseId": ROOT}


def _fix(fix: Alternative) -> Json:
    money = f", {saving(fix)}" if saving(fix) else ""
    asks = "".join(f"; needs {what}" for what in fix["needs"])
    by_path: dict[str, list[Json]] = {}
    for edit in fix["edits"]:
        by_path.setdefault(edit["path"], []).extend(_replacement(edit))
    return {
        "description": {"text": plain(clip(f"{change(fix['edits'])}{money}{asks}"))},
        "artifactChanges": [
            {"artifactLocation": _artifact(path), "replacements": replacements}
            for path, replacements in by_path.items()
        ],
    }


def _replacement(edit: Edit) -> Iterator[Json]:
    """None for an edit whose text stands in the one before."""
    region = {
        "startLine": edit["line"],
        "startColumn": edit["column"],
        "endLine": edit["end_line"],
        "endColumn": edit["end_column"],
    }
    if edit["text"]:
        yield {"deletedRegion": region, "insertedContent": {"text": edit["text"]}}
