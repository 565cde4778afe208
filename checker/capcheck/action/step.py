"""What the action's step does; `action.sh` calls `main`.

Annotations go to standard output, Markdown to the job summary, the JSON report to a file, its path
and the verdict to the step's outputs, and the comment to the pull request if the token may write.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

from capcheck.action import base, inputs, runner, workflow
from capcheck.action.deliver import deliver, judge
from capcheck.action.follow import follow
from capcheck.action.inputs import ActionInputError, Inputs
from capcheck.action.posting import attempt
from capcheck.action.suggesting import suggested
from capcheck.action.workflow import Workflow
from capcheck.exit_codes import ExitCode
from capcheck.git import GitError
from capcheck.github.client import Client
from capcheck.github.comments import Posted
from capcheck.github.fetch import fetch
from capcheck.github.publish import publish
from capcheck.github.pulls import Pull
from capcheck.report import FORMATS, Document, Style
from capcheck.report.summary import verdict_line


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Check, report, and return the exit code of the step."""
    try:
        return _step(environ)
    except ActionInputError as error:
        runner.say("error", "capcheck: wrong input of the action", str(error))
        return ExitCode.BAD_INPUT
    except Exception:
        runner.report_crash()
        return ExitCode.INTERNAL


def _step(environ: Mapping[str, str]) -> int:
    asked, run = inputs.read(environ), workflow.read(environ)
    if run.event.name == "pull_request_target":
        # What is checked out there is base: everything would be unchanged, and pass.
        raise ActionInputError(
            "the event pull_request_target does not check out the pull request; use pull_request, "
            "and docs/forks.md for comments on forks"
        )
    if run.event.name == "workflow_run":
        return follow(asked, run, environ)
    judged = judge(asked, base=_base(asked, run))
    document = judged.document
    style = suggested(run.style(asked.comment_id), judged, _pull(run), asked, run)
    print(FORMATS["github"](document, style), end="")
    print(verdict_line(document))
    comment = _comment(document, style, asked, run)
    deliver(document, style, asked, environ, comment=comment)
    return document["exit_code"]


def _base(asked: Inputs, run: Workflow) -> str | None:
    bring = partial(fetch, token=asked.token, server_url=run.server_url)
    try:
        return base.choose(run.event, asked.base, fetch=bring)
    except GitError as error:
        text = f"Nothing was compared, and every finding counts: {error}"
        runner.say("warning", "capcheck: no comparison", text)
        return None


def _pull(run: Workflow) -> Pull | None:
    return None if run.event.pull is None else Pull(run.repository, run.event.pull)


def _comment(document: Document, style: Style, asked: Inputs, run: Workflow) -> str:
    """The comment's URL; empty when there is none."""
    pull = _pull(run)
    if pull is None or asked.comment == "never":
        return ""

    def write() -> Posted:
        client = Client(token=asked.token, api_url=run.api_url)
        return publish(client, pull, document, style, when=asked.comment)

    return attempt(write, is_limited=run.event.is_limited)
