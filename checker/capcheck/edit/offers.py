"""Alternatives as changes of their manifest's text, each proven by reading the changed text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
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
from capcheck.search.pareto import NO_FRONT

# The deployments that a text with this path states. Raises InputError.
Read = Callable[[str, str], Sequence[Entry]]

UNPROVEN = "the changed text would not say what the alternative means"
DRIFTS = "the value stands in a file that this one refers to: change it there"


# The changes that make edits, or why there are none.
Made = tuple[tuple[Change, ...], str | None]


class _Offer(NamedTuple):
    """One alternative of one deployment, by its index in the reports, and its changes."""

    report: int
    today: Deployment
    way: Alternative
    changes: tuple[Change, ...]

    @property
    def name(self) -> str:
        return self.today.name


def placed(
    reports: Sequence[DeploymentReport], texts: Mapping[str, str], read: Read
) -> tuple[DeploymentReport, ...]:
    """The reports with `changes` or `refused` in every alternative, and the smallest fix as patch.

    `texts` are the manifests by path. An alternative has changes only if the changed text, read
    again, states its edits and nothing else anew: the deployment that was judged for it, so that
    a check of that text gives its verdict and figures. What would be another one is not shown.
    """
    found = list(reports)
    for path, text in texts.items():
        own = [
            index
            for index, report in enumerate(reports)
            if report.resolved.deployment.path == path and report.ways
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
    ways = {index: tuple({way.edits: way for way in reports[index].ways}.values()) for index in own}
    made: dict[int, dict[tuple[Edit, ...], Made]] = {index: {} for index in own}
    for turn in range(max(map(len, ways.values()))):
        offers = []
        for index in own:
            if turn < len(ways[index]):
                way, today = ways[index][turn], reports[index].resolved.deployment
                made[index][way.edits] = _located(laid_out, text, way, today)
                offers.append(_Offer(index, today, way, made[index][way.edits][0]))
        located = [offer for offer in offers if offer.changes and offer.name in before]
        wrong = _wrong(located, text, before, lambda changed: read(changed, path))
        for offer in located:
            if offer.report in wrong:
                made[offer.report][offer.way.edits] = (), wrong[offer.report]
    for index in own:
        report = _with(reports[index], made[index])
        reports[index] = replace(report, patch=_patch(report, text, path))


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


def _wrong(
    offers: Sequence[_Offer],
    text: str,
    before: Mapping[str, Entry],
    read: Callable[[str], Sequence[Entry]],
) -> dict[int, str]:
    """Why offers do not do what they say, by report; none for those that do.

    Different deployments are changed, and read, at once.
    """
    if not offers:
        return {}
    after = _after(offers, text, read)
    edited = {offer.name for offer in offers}
    touches_others = set(after) != set(before) or any(
        differing(before[name], after[name]) for name in before if name not in edited
    )
    if not touches_others:
        said = {
            one.report: _other_than_said(one, before[one.name], after[one.name]) for one in offers
        }
        return {report: why for report, why in said.items() if why is not None}
    if len(offers) == 1:
        return {offers[0].report: UNPROVEN}
    half = len(offers) // 2
    return {
        **_wrong(offers[:half], text, before, read),
        **_wrong(offers[half:], text, before, read),
    }


def _after(
    offers: Sequence[_Offer], text: str, read: Callable[[str], Sequence[Entry]]
) -> dict[str, Entry]:
    """The deployments of the changed text; none when it can't be read."""
    try:
        changed = apply(text, [change for offer in offers for change in offer.changes])
        return {entry.stated.name: entry for entry in read(changed)}
    except (InputError, ValueError):
        return {}


def _other_than_said(offer: _Offer, old: Entry, new: Entry) -> str | None:
    root = root_of(offer.name)
    edited = {edit.pointer.removeprefix(root): edit.value for edit in offer.way.edits}
    if new.stated.native.displaced != old.stated.native.displaced:
        return DRIFTS
    states = set(differing(old, new)) <= set(edited) and all(
        new.stated.values.get(pointer) == value for pointer, value in edited.items()
    )
    is_meant = states and _is_meant(offer, old.deployment(), new.deployment())
    return None if is_meant else UNPROVEN


def _is_meant(offer: _Offer, old: Deployment, new: Deployment) -> bool:
    """Whether the changed text means what was judged for the offer.

    Of what the alternative changes it has to say the same; all else has to be as before, whatever
    limits of a policy or of base it was judged by.
    """
    today, judged = offer.today, offer.way.resolved.deployment
    compared = (field.name for field in fields(Deployment) if field.compare)
    return all(
        getattr(new, name) == getattr(old if kept else judged, name)
        for name in compared
        if name != "place"
        for kept in [getattr(judged, name) == getattr(today, name)]
    )


def _with(report: DeploymentReport, made: Mapping[tuple[Edit, ...], Made]) -> DeploymentReport:
    """The report with the changes of every way, without those that no text means."""

    def placed(way: Alternative) -> Alternative:
        changes, why = made[way.edits]
        edits = tuple(map(_with_previous, way.edits, changes)) if changes else way.edits
        return replace(way, edits=edits, changes=changes, refused=why)

    def shown(ways: Sequence[Alternative]) -> tuple[Alternative, ...]:
        return tuple(placed(way) for way in ways if made[way.edits][1] != UNPROVEN)

    is_whole = all(made[way.edits][1] != UNPROVEN for way in report.front.members)
    members = tuple(map(placed, report.front.members))
    likely = shown((report.likely,) if report.likely else ())
    alternatives, nothing = shown(report.alternatives), report.nothing_passes
    if report.alternatives and not alternatives and report.verdict != "pass":
        nothing = UNPROVEN
    return replace(
        report,
        alternatives=alternatives,
        near_misses=shown(report.near_misses),
        nothing_passes=nothing,
        relaxations=tuple(
            replace(one, by=placed(one.by))
            for one in report.relaxations
            if made[one.by.edits][1] != UNPROVEN
        ),
        likely=likely[0] if likely else None,
        front=replace(report.front, members=members) if is_whole else NO_FRONT,
        why_not=shown(report.why_not),
    )


def _with_previous(edit: Edit, change: Change) -> Edit:
    """Where something is inserted nothing was there: a default's value stands elsewhere."""
    return replace(edit, previous=None) if change.start == change.end else edit


def _patch(report: DeploymentReport, text: str, path: str) -> str | None:
    if report.verdict == "pass":
        return None
    fix = next((way for way in report.alternatives if way.changes), None)
    return None if fix is None else unified(text, fix.changes, path)
