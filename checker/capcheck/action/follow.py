"""`workflow_run`: after a run on a pull request that may not write, by one that may.

The run that it follows keeps the verdict; this one only tells it, so its exit code says whether it
could, not what the verdict was.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from capcheck.action.deliver import deliver, judge
from capcheck.action.inputs import Inputs
from capcheck.action.posting import attempt
from capcheck.action.recompute import NotRecomputedError, laid_out
from capcheck.action.runner import say
from capcheck.action.suggesting import suggested
from capcheck.action.workflow import Workflow
from capcheck.exit_codes import ExitCode
from capcheck.git import GitError, repository_of
from capcheck.github import pulls
from capcheck.github.client import Client
from capcheck.github.errors import GitHubError
from capcheck.github.fetch import fetch
from capcheck.github.publish import publish
from capcheck.github.pulls import State
from capcheck.report.document import Document
from capcheck.report.summary import verdict_line


def follow(inputs: Inputs, workflow: Workflow, environ: Mapping[str, str]) -> ExitCode:
    """Comment on every pull request of the finished run's head; there is one for each base."""
    event = workflow.event
    if event.source is None or event.head_sha is None:
        say("notice", "capcheck: no comment", "The finished run has no branch of a repository.")
        return ExitCode.OK
    try:
        client = Client(token=inputs.token, api_url=workflow.api_url)
        source = event.source
        found = pulls.of_head(client, workflow.repository, owner=source.owner, branch=source.branch)
        current = [state for state in found if state.head_sha == event.head_sha]
        if not current:
            text = "No open pull request has this head any more; a newer run will tell."
            say("notice", "capcheck: no comment", text)
        for state in current:
            _tell(client, state, inputs, workflow, environ)
    except (GitHubError, GitError, NotRecomputedError) as error:
        say("warning", "capcheck: comment not posted", f"The pull request was not judged: {error}")
    return ExitCode.OK


def _tell(
    client: Client, state: State, inputs: Inputs, workflow: Workflow, environ: Mapping[str, str]
) -> None:
    base = pulls.merge_base(client, state)
    repository = repository_of(Path())
    if repository.commit(base) is None:
        fetch(repository.root, base, token=inputs.token, server_url=workflow.server_url)
    with laid_out(client, state, base=base, paths=inputs.paths) as folder, _inside(folder):
        judged = judge(inputs, base=base)
        style = suggested(workflow.style(inputs.comment_id), judged, state.pull, inputs, workflow)
    document = _at(state, judged.document)
    print(verdict_line(document))
    write = partial(publish, client, state.pull, document, style, when=inputs.comment)
    comment = attempt(write, is_limited=False)
    deliver(document, style, inputs, environ, comment=comment)


def _at(state: State, document: Document) -> Document:
    """The report names the commit that its manifests are from, which nobody checked out."""
    return {**document, "run": {**document["run"], "head": state.head_sha}}


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
