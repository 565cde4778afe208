"""An engine's configuration file that a pod mounts from a ConfigMap among the files.

vLLM and SGLang take `--config`, whose flags yield to those of the command line; the options file of
TensorRT-LLM outranks the command line. Source: vLLM and SGLang server arguments, TensorRT-LLM
`update_llm_args_with_extra_options`; Kubernetes ConfigMap volumes (`items`, `subPath`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from capcheck.source.native.command.facts import of_config, with_quant_of_name
from capcheck.source.native.container import Reading
from capcheck.source.native.deployment import Fact, merged
from capcheck.source.native.text import Text
from capcheck.source.native.tree import Files, at, entries, items, plain
from capcheck.source.nodes import Mapping, Node

_FILE_OUTRANKS = "trtllm"
# Engines whose `--config` or options file holds flags, and the setting with its path.
_SETTINGS = {"vllm": "config_file", "sglang": "config_file", "trtllm": "engine_config_file"}
_MOST = 500


def configured(reading: Reading, container: Node, pod: Node | None, files: Files) -> Reading:
    """The reading with what its mounted configuration file states; as it is without one."""
    path = reading.settings.get(_SETTINGS.get(reading.engine, ""))
    if path is None:
        return reading
    pairs = list(_pairs(files, files.embedded(_held(str(path.value), container, pod, files))))
    if not pairs:
        return reading
    sheet = of_config(pairs[:_MOST], reading.engine)
    own: dict[str, Fact] = dict(reading.facts)
    if reading.engine == _FILE_OUTRANKS:
        facts = merged(sheet.facts, own)
        settings = {**reading.settings, **sheet.settings}
    else:
        facts = merged(own, sheet.facts)
        settings = {**sheet.settings, **reading.settings}
    with_quant_of_name(facts)
    return replace(reading, facts=facts, settings=settings)


def _held(path: str, container: Node, pod: Node | None, files: Files) -> Node | None:
    """The value of a ConfigMap that stands at a path of the container."""
    volumes = {plain(at(volume, "name")): volume for volume in items(at(pod, "volumes"))}
    best: tuple[int, Node | None] = (-1, None)
    for mount in items(at(container, "volumeMounts")):
        where, only = plain(at(mount, "mountPath")).rstrip("/"), plain(at(mount, "subPath"))
        volume = volumes.get(plain(at(mount, "name")))
        within = path == where if only else path.startswith(f"{where}/")
        if where and within and len(where) > best[0]:
            name = only or path[len(where) + 1 :]
            best = (len(where), _value(volume, name, files))
    return best[1]


def _value(volume: Node | None, name: str, files: Files) -> Node | None:
    source = at(volume, "configMap")
    found = files.find("ConfigMap", plain(at(source, "name"))) if source is not None else None
    for item in items(at(source, "items")):
        if plain(at(item, "path")) == name:
            name = plain(at(item, "key"))
    return at(found.tree, "data", name) if found else None


def _pairs(files: Files, node: Node | None, prefix: str = "") -> Iterator[tuple[str, Text]]:
    """The keys of a file with their values; those of a map inside it as `outer.inner`."""
    for key, value in entries(node):
        text = files.text(value)
        if text is not None:
            yield prefix + key, text
        elif isinstance(value, Mapping) and not prefix:
            yield from _pairs(files, value, f"{key}.")
