"""Accelerators that a pod claims (dynamic resource allocation) instead of asking for a resource.

A claim's requests name a device class, a number (1 unless it says another) and, in CEL, products.
Device classes are rows of data/gpu_resources.csv. Source: Kubernetes resource.k8s.io API,
ResourceClaim (`devices.requests[].exactly`; `deviceClassName` stood on the request itself before
v1beta2); NIM Operator API, `draResources`.
"""

from __future__ import annotations

import re

from capcheck.place import Place
from capcheck.source.native.deployment import Fact, Stated, Unknown
from capcheck.source.native.gpus import Requested, gpu_of_label, named, resource
from capcheck.source.native.tree import Files, at, items, plain
from capcheck.source.nodes import Node

# What an expression compares a product's name with: an equality, or a search for one name.
_PRODUCT = re.compile(
    r"""productName(?:\.lowerAscii\(\))?\s*
    (?:==\s*|\.(?:matches|contains|startsWith)\(\s*)["']([^"']{1,80})["']""",
    re.VERBOSE,
)
_WILD = re.compile(r"[\^$]|\.\*|\(\?i\)")


def claimed(pod: Node | None, resources: Node | None, files: Files) -> Requested | None:
    """The accelerators of the claims that a container's resources name, by their templates."""
    wanted = {plain(at(claim, "name")) for claim in items(at(resources, "claims"))}
    requests: list[Node] = []
    for claim in items(at(pod, "resourceClaims")):
        if plain(at(claim, "name")) in wanted:
            requests += items(at(_spec(claim, files), "devices", "requests"))
    return _together(requests)


def created(spec: Node | None, files: Files) -> Requested | None:
    """The accelerators that a NIMService has claims created for, or claims by a template."""
    requests: list[Node] = []
    for claim in items(at(spec, "draResources")):
        requests += items(at(claim, "claimCreationSpec", "devices"))
        requests += items(at(_spec(claim, files), "devices", "requests"))
    return _together(requests)


def _spec(claim: Node, files: Files) -> Node | None:
    template = plain(at(claim, "resourceClaimTemplateName"))
    if template:
        held = files.find("ResourceClaimTemplate", template)
        return at(held.tree, "spec", "spec") if held else None
    held = files.find("ResourceClaim", plain(at(claim, "resourceClaimName")))
    return at(held.tree, "spec") if held else None


def _together(requests: list[Node]) -> Requested | None:
    """The sum of the requests for one kind of accelerator; None where there are none or several."""
    found = [asked for request in requests if (asked := _request(request)) is not None]
    if not found or len({asked.type for asked in found}) > 1:
        return None
    first = found[0]
    counts = [asked.count for asked in found]
    count: Fact = first.count
    if len(counts) > 1:
        numbers = [int(c.value) for c in counts if isinstance(c, Stated)]
        complete = isinstance(count, Stated) and len(numbers) == len(counts)
        count = Stated(sum(numbers), first.place, "claims") if complete else Unknown()
    return Requested(first.type, count, first.resource, first.place)


def _request(request: Node) -> Requested | None:
    body = at(request, "exactly") or request
    class_ = plain(at(body, "deviceClassName"))
    row = resource(class_)
    if row is None:
        return None
    return Requested(_product(body) or row["gpu"], _count(body, request.place), class_, body.place)


def _count(body: Node, place: Place) -> Fact:
    written = at(body, "count")
    text = plain(written)
    if plain(at(body, "allocationMode")) == "All" or (text and not text.isdecimal()):
        return Unknown("the claim takes what the node has", place)
    return Stated(int(text[:5] or 1), (written or body).place, "claim count" if text else "claim")


def _product(body: Node) -> str:
    """The products that the selectors allow, joined by `|`; empty where they rule any out."""
    expressions = [plain(expression) for expression in items(at(body, "celExpressions"))]
    expressions += [plain(at(one, "cel", "expression")) for one in items(at(body, "selectors"))]
    found: dict[str, None] = {}
    for expression in expressions:
        if "!" in expression:
            return ""
        for name in _PRODUCT.findall(expression):
            gpu = _gpu(_WILD.sub("", name).strip())
            if gpu is None:
                return ""
            found[gpu] = None
    return "|".join(found)


def _gpu(name: str) -> str | None:
    known = named(name)
    return known[0] if known else gpu_of_label("nvidia.com/gpu.product", name.replace(" ", "-"))
