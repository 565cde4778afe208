"""Alternatives as changes of their manifest's text, each proven by reading the changed text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from capcheck.compare.edits import differing
from capcheck.edit.change import Change, apply
from capcheck.edit.diff import unified
from capcheck.edit.layout import Layout, layout
from capcheck.edit.locate import NotEditableError, changes
from capcheck.edit.native import native_changes
from capcheck.errors import InputError
from capcheck.manifest.deployment import Deployment
from capcheck.manifest.load import Entry
from capcheck.report.model import DeploymentReport
from capcheck.search.alternative import Alternative, Edit
from capcheck.search.edits import root_of

# The deployments that a text with this path states. Raises InputError.
Read = Callable[[str, str], Sequence[Entry]]

UNPROVEN = "the changed text would not say what the alternative means"


class _Offer(NamedTuple):
    """One alternative of one deployment: where it is in the reports, and its changes."""

    report: int
    way: int
    name: str
    edits: tuple[Edit, ...]
    changes: tuple[Change, ...]


def placed(
    reports: Sequence[DeploymentReport], texts: Mapping[str, str], read: Read
) -> tuple[DeploymentReport, ...]:
    """The reports with `changes` or `refused` in every alternative, and the smallest fix as patch.

    `texts` are the manifests by path. An alternative has changes only if the changed text, read
    again, states its edits and nothing else anew.
    """
    found = list(reports)
    for path, text in texts.items():
        own = [
            index
            for index, report in enumerate(reports)
            if report.resolved.deployment.path == path and _ways(report)
        ]
        if own:
            _place(found, own, text, path, read)
    return tuple(found)


def _place(
    reports: list[DeploymentReport], own: Sequence[int], text: str, path: str, read: Read
) -> None:
    before = {entry.stated.name: entry for entry in read(text, path)}
    is_native = any(entry.is_native for entry in before.values())
    laid_out = None if is_native else layout(text)
    most = max(len(_ways(reports[index])) for index in own)
    for way in range(most):
        offers = []
        for index in own:
            ways = _ways(reports[index])
            if way < len(ways):
                deployment = reports[index].resolved.deployment
                name = deployment.name
                made, why = _located(laid_out, text, ways[way], deployment)
                offers.append(_Offer(index, way, name, ways[way].edits, made))
                reports[index] = _with(reports[index], way, (), why)
        located = [offer for offer in offers if offer.changes and offer.name in before]
        kept = _proven(located, text, before, lambda changed: read(changed, path))
        proven = {offer.report for offer in kept}
        for offer in located:
            made, why = (offer.changes, None) if offer.report in proven else ((), UNPROVEN)
            reports[offer.report] = _with(reports[offer.report], way, made, why)
    for index in own:
        reports[index] = replace(reports[index], patch=_patch(reports[index], text, path))


def _located(
    laid_out: Layout | None, text: str, way: Alternative, deployment: Deployment
) -> tuple[tuple[Change, ...], str | None]:
    """The changes of a manifest, or where there is no layout those of a native file."""
    try:
        if laid_out is None:
            return native_changes(text, way.edits, deployment), None
        return changes(laid_out, way.edits), None
    except NotEditableError as error:
        return (), str(error)


def _proven(
    offers: Sequence[_Offer],
    text: str,
    before: Mapping[str, Entry],
    read: Callable[[str], Sequence[Entry]],
) -> list[_Offer]:
    """The offers that do what they say. Different deployments are changed, and read, at once."""
    if not offers:
        return []
    after = _after(offers, text, read)
    edited = {offer.name for offer in offers}
    touches_others = set(after) != set(before) or any(
        differing(before[name], after[name]) for name in before if name not in edited
    )
    if not touches_others:
        return [offer for offer in offers if _says(offer, before[offer.name], after[offer.name])]
    if len(offers) == 1:
        return []
    half = len(offers) // 2
    return [
        *_proven(offers[:half], text, before, read),
        *_proven(offers[half:], text, before, read),
    ]


def _after(
    offers: Sequence[_Offer], text: str, read: Callable[[str], Sequence[Entry]]
) -> dict[str, Entry]:
    """The deployments of the changed text; none when it can't be read."""
    try:
        changed = apply(text, [change for offer in offers for change in offer.changes])
        return {entry.stated.name: entry for entry in read(changed)}
    except (InputError, ValueError):
        return {}


def _says(offer: _Offer, old: Entry, new: Entry) -> bool:
    root = root_of(offer.name)
    edited = {edit.pointer.removeprefix(root): edit.value for edit in offer.edits}
    if new.stated.native.displaced != old.stated.native.displaced:
        return False
    return set(differing(old, new)) <= set(edited) and all(
        new.stated.values.get(pointer) == value for pointer, value in edited.items()
    )


def _ways(report: DeploymentReport) -> tuple[Alternative, ...]:
    return (*report.alternatives, *report.near_misses)


def _with(
    report: DeploymentReport, way: int, made: tuple[Change, ...], why: str | None
) -> DeploymentReport:
    ways = list(_ways(report))
    ways[way] = replace(ways[way], changes=made, refused=why)
    many = len(report.alternatives)
    return replace(report, alternatives=tuple(ways[:many]), near_misses=tuple(ways[many:]))


def _patch(report: DeploymentReport, text: str, path: str) -> str | None:
    if report.verdict == "pass":
        return None
    fix = next((way for way in report.alternatives if way.changes), None)
    return None if fix is None else unified(text, fix.changes, path)
