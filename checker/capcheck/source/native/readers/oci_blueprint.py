"""OCI AI Blueprints: one recipe, or a deployment group of several, as JSON.

Source: OCI AI Blueprints API documentation (`recipe_*` fields).
"""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.source.native.container import Container
from capcheck.source.native.container import read as read_container
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
    merged,
)
from capcheck.source.native.fields import of_sku
from capcheck.source.native.pod import number, resolved, times
from capcheck.source.native.text import Text
from capcheck.source.native.tree import Document, Files, at, items, key_place, plain
from capcheck.source.nodes import Node, Scalar

NAME = "OCI AI Blueprint"

_ENGINES = ("vllm", "sglang", "ollama")


def recognises(document: Document) -> bool:
    """By the keys `recipe_id` and `recipe_image_uri`, or a group of such recipes."""
    return not document.kind and any(True for _ in _recipes(document.tree))


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment for each recipe that serves a model."""
    found = (_recipe(recipe, files) for recipe in _recipes(document.tree))
    return [deployment for deployment in found if deployment is not None]


def _recipes(tree: Node | None) -> Iterator[Node]:
    if tree is not None and at(tree, "recipe_id") and at(tree, "recipe_image_uri"):
        yield tree
    for item in items(at(tree, "deployment_group", "deployments")):
        recipe = at(item, "recipe")
        if recipe is not None and at(recipe, "recipe_image_uri"):
            yield recipe


def _recipe(recipe: Node, files: Files) -> NativeDeployment | None:
    if plain(at(recipe, "recipe_mode")) == "job":
        return None
    environment: dict[str, Text] = {}
    for variable in items(at(recipe, "recipe_container_env")):
        value = files.text(at(variable, "value"))
        if value is not None:
            environment[plain(at(variable, "key"))] = value
    container = Container(
        place=recipe.place,
        image=files.text(at(recipe, "recipe_image_uri")),
        command=resolved(files.texts(at(recipe, "recipe_container_command")), environment),
        arguments=resolved(files.texts(at(recipe, "recipe_container_command_args")), environment),
        environment=environment,
    )
    reading = read_container(container, implied=_implied(at(recipe, "recipe_id")))
    if reading is None:
        return None
    gpu, count = _accelerators(recipe)
    nodes = number(recipe, "multinode_num_nodes_to_use_from_shared_pool")
    settings = dict(reading.settings)
    if isinstance(nodes, Stated):
        settings["nodes"] = nodes
        count = times(count, int(nodes.value))
    lowest = number(at(recipe, "recipe_pod_autoscaling_params"), "min_replicas")
    replicas = lowest if isinstance(lowest, Stated) else number(recipe, "recipe_replica_count")
    own: dict[str, Fact] = {"gpu": gpu, "gpu_count": count, "replicas": replicas}
    return deployment(
        address=plain(at(recipe, "deployment_name")) or plain(at(recipe, "recipe_id")),
        kind=NAME,
        place=key_place(recipe, "deployment_name") or recipe.place,
        facts=merged(own, reading.facts),
        settings=settings,
    )


def _implied(node: Node | None) -> Stated | None:
    engine = next((engine for engine in _ENGINES if engine in plain(node).lower()), "")
    return Stated(engine, node.place, "field recipe_id") if node is not None and engine else None


def _accelerators(recipe: Node) -> tuple[Fact, Fact]:
    """The shape's GPU, and as many of them as the recipe asks for; a shape without is a CPU."""
    shape = at(recipe, "recipe_node_shape")
    gpu, _ = of_sku(shape, origin="field recipe_node_shape")
    count: Fact = Unknown()
    for key in ("recipe_nvidia_gpu_count", "recipe_amd_gpu_count"):
        if isinstance(count, Unknown) and count.place is None:
            count = number(recipe, key)
    mig = at(recipe, "mig_resource_request")
    if isinstance(mig, Scalar) and mig.text:
        return Stated(f"MIG-{mig.text[:20]}", mig.place, "field mig_resource_request"), count
    if isinstance(shape, Scalar) and ".gpu" not in shape.text.lower():
        origin = "field recipe_node_shape"
        return Stated("CPU", shape.place, origin), Stated(0, shape.place, origin)
    return gpu, count
