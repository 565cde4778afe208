"""A manifest judged anew with another text: what nobody has written yet."""

from __future__ import annotations

from dataclasses import replace

from capcheck.run import Options, run


def passing(path: str, text: str, options: Options) -> frozenset[str]:
    """The names of the deployments that pass once the manifest `path` has this text.

    Everything is judged as it was, limits of base included; only alternatives are not looked for.
    """
    options = replace(options, alternatives=False)
    report = run((path,), options, instead={path: text}).report
    return frozenset(
        one.resolved.deployment.name
        for one in report.deployments
        if one.verdict == "pass" and one.resolved.deployment.path == path
    )
