"""`LLMConfig` of Ray Serve, as YAML or as Python's literal arguments, to facts."""

from __future__ import annotations

from capcheck.source.native import gpus
from capcheck.source.native.command import facts as command_facts
from capcheck.source.native.command.facts import Sheet, with_quant_of_name
from capcheck.source.native.deployment import Fact, Stated, Unknown, merged
from capcheck.source.native.fields import flags, model
from capcheck.source.native.pod import number
from capcheck.source.native.tree import Files, at, entries, items, place_of, plain
from capcheck.source.nodes import Mapping, Node, Scalar

# Variables by which programs of Serve are told what `LLMConfig` has fields for. Source: KubeRay's
# samples and their copies.
_VARIABLES = {
    "MODEL_ID": "model",
    "MODEL_NAME": "model",
    "MODEL": "model",
    "HF_MODEL_ID": "model",
    "TENSOR_PARALLELISM": "tp",
    "TENSOR_PARALLEL_SIZE": "tp",
    "PIPELINE_PARALLELISM": "pp",
    "PIPELINE_PARALLEL_SIZE": "pp",
    "MAX_MODEL_LEN": "max_model_len",
    "MAX_NUM_SEQS": "max_num_seqs",
    "MAX_NUM_SEQ": "max_num_seqs",
    "MODEL_PATH": "model",
    "TP_SIZE": "tp",
    "PP_SIZE": "pp",
    "GPU_MEMORY_UTILIZATION": "gpu_memory_utilization",
}
_TYPES = {"model": "text", "gpu_memory_utilization": "number", "max_model_len": "length"}
# Words of a program, its packages or its image, and the engine that they mean.
_ENGINES = {"vllm": "vllm", "sglang": "sglang", "ray-llm": "vllm", "llama_cpp": "llama.cpp"}
# The origin of a number of GPUs that the parallel sizes tell.
BY_SIZES = "tensor times pipeline parallel size"


def of_config(config: Node, files: Files) -> tuple[dict[str, Fact], dict[str, Stated]]:
    """What one LLMConfig states; one that is a path refers to a file of its own."""
    if isinstance(config, Scalar):
        held = _file(config, files)
        if held is None:
            reason = f"{config.text[:80]!r} is not among the files"
            return {"model": Unknown(reason, config.place)}, {}
        config = held
    engine_node = at(config, "llm_engine")
    engine = plain(engine_node).lower() or "vllm"
    kwargs = at(config, "engine_kwargs")
    sheet = command_facts.of_config(flags(files, kwargs), engine)
    own: dict[str, Fact] = {
        "backend": Stated(
            engine,
            place_of(engine_node or config),
            "field llm_engine" if engine_node else "Ray Serve LLM",
        ),
        "model": _model(config, files),
        "gpu": _gpu(at(config, "accelerator_type")),
        "replicas": _replicas(at(config, "deployment_config")),
    }
    facts = merged(own, sheet.facts)
    facts["gpu_count"] = _gpus_of(config, facts, sheet)
    with_quant_of_name(facts)
    settings = dict(sheet.settings)
    scaling = at(config, "deployment_config", "autoscaling_config")
    for key in ("max_replicas", "target_ongoing_requests"):
        stated = number(scaling, key)
        if isinstance(stated, Stated):
            settings[key] = stated
    return facts, settings


def of_program(
    application: Node, files: Files, *, service: Node | None = None
) -> tuple[dict[str, Fact], dict[str, Stated]] | None:
    """What an application that is somebody's program is told; None where nothing names an engine.

    `service` is the Anyscale service around it, whose image, name and variables count too. The
    program itself is not read: the variables are what it is handed.
    """
    path = at(application, "import_path")
    given = (at(application, "runtime_env", "env_vars"), at(service, "env_vars"))
    deployments = items(at(application, "deployments"))
    engine = _engine_of(application, service, deployments)
    if not engine or path is None:
        return None
    sheet = Sheet({"backend": Stated(engine, path.place, "field import_path")})
    for name, value in (pair for environment in given for pair in entries(environment)):
        meaning = _VARIABLES.get(name)
        text = files.text(value)
        if meaning and text and meaning not in sheet.facts:
            type_ = _TYPES.get(meaning, "integer")
            command_facts.state(sheet, meaning, text, type_=type_, origin=f"env {name}")
    facts = sheet.facts
    counts = [number(node, "num_replicas") for node in deployments]
    scaled = [number(at(node, "autoscaling_config"), "min_replicas") for node in deployments]
    asked = [number(at(node, "ray_actor_options"), "num_gpus") for node in deployments]
    for name, found in (("replicas", (*counts, *scaled)), ("gpu_count", asked)):
        stated = [fact for fact in found if isinstance(fact, Stated)]
        if len(stated) == 1:
            facts[name] = stated[0]
    if "tp" in facts:
        facts["gpu_count"] = _product(facts)
    if "model" not in facts:
        facts["model"] = Unknown(f"the program {plain(path)[:80]!r} names it", path.place)
    with_quant_of_name(facts)
    return facts, sheet.settings


def _engine_of(application: Node, service: Node | None, deployments: tuple[Node, ...]) -> str:
    """The engine that the names around a program speak of."""
    texts = [
        plain(at(application, "import_path")),
        plain(at(service, "image_uri")),
        plain(at(service, "name")),
        *(plain(package) for package in items(at(application, "runtime_env", "pip"))),
        *(name for name, _ in entries(at(application, "runtime_env", "env_vars"))),
        *(plain(at(node, "name")) for node in deployments),
    ]
    hints = " ".join(texts).lower()
    return next((engine for hint, engine in _ENGINES.items() if hint in hints), "")


def _file(config: Scalar, files: Files) -> Node | None:
    name = config.text.removeprefix("./")
    found = [
        document.tree
        for document in files.documents
        if document.tree is not None
        and (document.path == name or document.path.endswith(f"/{name}"))
        and at(document.tree, "model_loading_config") is not None
    ]
    return found[0] if len(found) == 1 else None


def _model(config: Node, files: Files) -> Fact:
    """Where the weights come from, else the name, which is then a repository too."""
    source = at(config, "model_loading_config", "model_source")
    if isinstance(source, Mapping):
        return model(files, source, "bucket_uri")
    if source is not None:
        return model(files, config, "model_loading_config", "model_source")
    return model(files, config, "model_loading_config", "model_id")


def _gpu(node: Node | None) -> Fact:
    known = gpus.named(plain(node)) if node is not None else None
    return Stated(known[0], node.place, "field accelerator_type") if node and known else Unknown()


def _replicas(hosted: Node | None) -> Fact:
    lowest = number(at(hosted, "autoscaling_config"), "min_replicas")
    return lowest if isinstance(lowest, Stated) else number(hosted, "num_replicas")


def _gpus_of(config: Node, facts: dict[str, Fact], sheet: Sheet) -> Fact:
    """Of a replica: the bundles of its placement group, else tensor times pipeline parallel."""
    data = sheet.settings.get("data_parallel_size")
    if data is not None and str(data.value) != "1":
        return Unknown()
    bundles = items(at(config, "placement_group_config", "bundles"))
    asked = [number(bundle, "GPU") for bundle in bundles]
    if asked and all(isinstance(fact, Stated) for fact in asked):
        total = sum(int(fact.value) for fact in asked if isinstance(fact, Stated))
        return Stated(total, bundles[0].place, "field placement_group_config")
    if not isinstance(facts.get("tp"), Stated) and not isinstance(facts.get("pp"), Stated):
        waiting = facts.get("tp", Unknown())
        return waiting if isinstance(waiting, Unknown) else Unknown()
    return _product(facts)


def _product(facts: dict[str, Fact]) -> Fact:
    """Tensor times pipeline parallel size, one where the file has none of it."""
    factor, place = 1, None
    for name in ("pp", "tp"):
        fact = facts.get(name, Unknown())
        if isinstance(fact, Stated) and isinstance(fact.value, int):
            factor *= fact.value
            place = fact.place
        elif isinstance(fact, Stated) or fact.place is not None:
            return Unknown()
    return Stated(factor, place, BY_SIZES) if place else Unknown()
