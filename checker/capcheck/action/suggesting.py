"""Suggestions on the lines of the pull request; where they can't be written, the comment is all."""

from __future__ import annotations

from dataclasses import replace

from capcheck.action.deliver import Judged
from capcheck.action.inputs import Inputs
from capcheck.action.runner import say
from capcheck.action.workflow import Workflow
from capcheck.github import pulls
from capcheck.github.client import Client
from capcheck.github.errors import GitHubError, NotPermittedError
from capcheck.github.pulls import Pull
from capcheck.github.suggestions import publish, suggestions
from capcheck.recheck import passing
from capcheck.report.figures import plural
from capcheck.report.style import Style


def suggested(
    style: Style, judged: Judged, pull: Pull | None, inputs: Inputs, workflow: Workflow
) -> Style:
    """Write what can be suggested, and the style with links to it. Never changes the verdict."""
    if pull is None or not inputs.suggestions or workflow.event.is_limited:
        return style

    def passes(path: str, text: str, name: str) -> bool:
        return name in passing(path, text, judged.options)

    try:
        client = Client(token=inputs.token, api_url=workflow.api_url)
        broken = any(one["verdict"] != "pass" for one in judged.document["deployments"])
        wanted = suggestions(
            judged.document,
            judged.texts,
            pulls.files(client, pull) if broken else (),
            identity=inputs.comment_id,
            passes=passes,
        )
        urls = publish(client, pull, wanted, style.marker)
    except NotPermittedError:
        # The comment, which needs the same permission, says what to do.
        return style
    except GitHubError as error:
        say("warning", "capcheck: no suggestions", f"The comment has the patches. GitHub: {error}")
        return style
    if urls:
        print(f"capcheck: {plural(len(urls), 'suggestion')} on the lines of the diff")
    return replace(style, links=replace(style.links, suggestions=urls))
