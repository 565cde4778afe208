"""Python programs that deploy an engine: Ray Serve LLM, Modal and BentoML.

Only literal values are read (see `python_source`): the arguments of `LLMConfig`, of a Modal
function's decorator, of vLLM's engine classes, and commands as lists or strings. Sources: Ray
`ray.serve.llm.LLMConfig`; Modal documentation, "GPU acceleration"; BentoML documentation, "Define
the runtime environment" and `bentoml.use_arguments`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import islice

from capcheck.source.native import gpus
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
    merged,
)
from capcheck.source.native.fields import field, model
from capcheck.source.native.pod import number
from capcheck.source.native.python_engine import engine_in
from capcheck.source.native.python_source import (
    Source,
    calls,
    imports,
    name_of,
    parse,
    place_of,
)
from capcheck.source.native.ray_llm import of_config
from capcheck.source.native.tree import Document, Files, at, plain
from capcheck.source.nodes import Entry, Mapping, Node, Scalar, Sequence

NAME = "Python program"

_FRAMEWORK = re.compile(r"^[ \t]*(?:import|from)[ \t]+(?:ray|modal|bentoml)\b", re.MULTILINE)
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
# Deployments of one program: more than anybody writes, few enough to be read in no time.
_MOST = 50
# A field of the arguments of a Bento, and the fact that it states.
_BENTO = (("tp", "tp", "integer"), ("max_model_len", "max_model_len", "length"))


def recognises(document: Document) -> bool:
    """By its name, and a framework that it imports."""
    return document.path.endswith(".py") and _FRAMEWORK.search(document.text) is not None


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment for each configuration, function or service that starts an engine."""
    source = parse(document.text, document.path)
    if source is None:
        return []
    used = imports(source)
    found = list(_ray(source, files))
    if not found and "modal" in used:
        found = list(_modal(source, files))
    if not found and "bentoml" in used:
        found = list(_bento(source, files))
    if not found and any(name.startswith("ray.serve") for name in used):
        engine = engine_in(source, source.module, files)
        if engine is not None:
            found = [_deployment("ray.serve", source.module.body[0], source, engine, {})]
    return found


def _deployment(
    address: str,
    node: ast.expr | ast.stmt,
    source: Source,
    engine: tuple[dict[str, Fact], dict[str, Stated]],
    own: dict[str, Fact],
    *,
    alternatives: tuple[tuple[str, int], ...] = (),
) -> NativeDeployment:
    return deployment(
        address=address,
        kind=NAME,
        place=place_of(node, source.path),
        facts=merged(own, engine[0]),
        settings=engine[1],
        alternatives=alternatives,
    )


def _ray(source: Source, files: Files) -> Iterator[NativeDeployment]:
    named = (call for call in calls(source) if name_of(call.func).endswith("LLMConfig"))
    for call in islice(named, _MOST):
        config = source.arguments(call)
        identity = plain(at(config, "model_loading_config", "model_id"))
        engine = of_config(config, files)
        yield _deployment(f"llm_configs[{identity}]", call, source, engine, {})


def _modal(source: Source, files: Files) -> Iterator[NativeDeployment]:
    """`@app.function(gpu=...)` or `@app.cls(gpu=...)` on what starts the engine."""
    decorated = list(islice(_decorated(source, ("function", "cls")), _MOST))
    on_gpu = [scope for scope, decorator in decorated if _given(decorator) is not None]
    for scope, decorator in decorated:
        engine = engine_in(source, scope, files)
        if engine is None and on_gpu == [scope]:
            engine = engine_in(source, source.module, files)  # what it calls starts the engine
        if engine is None:
            continue
        options = source.arguments(decorator)
        given = _given(decorator)
        gpu, count, alternatives = _gpu(source, given, at(options, "gpu"))
        own: dict[str, Fact] = {"gpu": gpu, "gpu_count": count}
        for key in ("min_containers", "keep_warm"):
            own = merged(own, {"replicas": number(options, key)})
        address = f"{scope.name}"
        yield _deployment(address, scope, source, engine, own, alternatives=alternatives)


def _given(decorator: ast.Call) -> ast.expr | None:
    return next((word.value for word in decorator.keywords if word.arg == "gpu"), None)


def _gpu(
    source: Source, given: ast.expr | None, node: Node | None
) -> tuple[Fact, Fact, tuple[tuple[str, int], ...]]:
    """`"H100:2"`, a list of such to fall back on, or the older `modal.gpu.H100(count=2)`."""
    written = [node] if isinstance(node, Scalar) else []
    if isinstance(node, Sequence):
        written = [item for item in node.items if isinstance(item, Scalar)]
    if isinstance(given, ast.Call) and ".gpu." in f".{name_of(given.func)}":
        name = name_of(given.func).rpartition(".")[2]
        options = source.arguments(given)
        size, count = plain(at(options, "size")), plain(at(options, "count")) or "1"
        place = place_of(given, source.path)
        whole = f"{name}-{size}" if size else name
        written = [Scalar(f"{whole}:{count}", f"{whole}:{count}", place)]
    found: list[tuple[str, int]] = []
    for item in written:
        name, _, count = item.text.partition(":")
        known = gpus.named(name.rstrip("+"))
        if known is None or not (count or "1").isascii() or not (count or "1").isdigit():
            return Unknown(), Unknown(), ()
        found.append((known[0], int((count or "1")[:4])))
    if not found:
        return Unknown(), Unknown(), ()
    place, origin = written[0].place, "argument gpu"
    number_of: Fact = Unknown()
    if len({count for _, count in found}) == 1:
        number_of = Stated(found[0][1], place, origin)
    if len(found) == 1:
        return Stated(found[0][0], place, origin), number_of, ()
    types = "|".join(f"{gpu}:{count}" for gpu, count in found)
    return Stated(types, place, origin), number_of, tuple(found)


def _bento(source: Source, files: Files) -> Iterator[NativeDeployment]:
    """The defaults of `use_arguments`, which a build may replace, or a service's resources."""
    whole = engine_in(source, source.module, files)
    for call in calls(source):
        if name_of(call.func).rpartition(".")[2] == "use_arguments" and call.args:
            defaults = _defaults(source, name_of(call.args[0]))
            if defaults is None or whole is None:
                return
            facts = {"backend": whole[0]["backend"], **bento_facts(files, defaults)}
            yield deployment(
                address=f"{source.path.rpartition('/')[2]} defaults",
                kind=NAME,
                place=place_of(call, source.path),
                facts=facts,
                expect="template",
            )
            return
    for scope, decorator in islice(_decorated(source, ("service",)), _MOST):
        engine = engine_in(source, scope, files) or whole
        if engine is None:
            continue
        resources = at(source.arguments(decorator), "resources")
        known = gpus.named(plain(at(resources, "gpu_type")))
        kind = at(resources, "gpu_type")
        own: dict[str, Fact] = {"gpu_count": number(resources, "gpu")}
        if known is not None and kind is not None:
            own["gpu"] = Stated(known[0], kind.place, "argument gpu_type")
        yield _deployment(scope.name, scope, source, engine, own)


def bento_facts(files: Files, arguments: Node | None) -> dict[str, Fact]:
    """What the arguments of a Bento state: model, GPU and how it is split."""
    facts: dict[str, Fact] = {"model": model(files, arguments, "model_id")}
    for key, name, type_ in _BENTO:
        facts[name] = field(files, arguments, key, type_=type_)
    facts["kv_cache_dtype"] = field(files, arguments, "kv_cache_dtype")
    kind = at(arguments, "gpu_type")
    known = gpus.named(plain(kind))
    if known is not None and kind is not None:
        facts["gpu"] = Stated(known[0], kind.place, "field gpu_type")
    return facts


def _defaults(source: Source, name: str) -> Mapping | None:
    """The literal defaults of a class's fields."""
    for node in ast.walk(source.module):
        if isinstance(node, ast.ClassDef) and node.name == name:
            entries: dict[str, Entry] = {}
            for line in node.body:
                if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name):
                    continue
                if line.value is not None:
                    key = line.target.id
                    place = place_of(line.target, source.path)
                    entries[key] = Entry(Scalar(key, key, place), source.value(line.value))
            return Mapping(entries, place_of(node, source.path))
    return None


def _decorated(source: Source, names: tuple[str, ...]) -> Iterator[tuple[_Function, ast.Call]]:
    for node in ast.walk(source.module):
        for decorator in node.decorator_list if isinstance(node, _Function) else ():
            called = decorator.func if isinstance(decorator, ast.Call) else None
            if called is not None and name_of(called).rpartition(".")[2] in names:
                assert isinstance(node, _Function)  # noqa: S101
                assert isinstance(decorator, ast.Call)  # noqa: S101
                yield node, decorator
