"""A measured setting as the deployment that a user would write down."""

from __future__ import annotations

from capcheck.manifest.deployment import Deployment, Serving, Tokens, Traffic
from capcheck.place import Place
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.compose import Unloaded, forecast
from capcheck.registry.tables import Registry
from capcheck.resolution.resolve import resolve

from capfit.data.launch import (
    batched_tokens_of,
    kv_cache_dtype_of,
    mem_fraction_static_of,
    prefix_hit_rate_of,
    slots_of,
)
from capfit.data.setting import Setting


def unloaded(setting: Setting, registry: Registry, coefficients: Coefficients) -> Unloaded | None:
    """What the checker says of a setting before its load; None without lengths or a load."""
    prompt, output = setting.prompt_tokens, setting.output_tokens
    at_rate = setting.arrival == "poisson"
    stated_load = setting.request_rate_rps if at_rate else setting.concurrency
    if not prompt or not output or not stated_load:
        return None
    stated = Deployment(
        name="measured",
        path="serving.csv",
        place=Place("serving.csv", 1, 1, 2),
        model=setting.model.name,
        quant=setting.quant.name,
        backend=setting.backend.name,
        backend_version=setting.version,
        gpu=setting.gpu.name,
        gpus_per_replica=setting.n_gpus,
        serving=_serving(setting),
        traffic=Traffic(
            requests_per_second=setting.request_rate_rps if at_rate else None,
            agents=None if at_rate else setting.concurrency,
            prompt_tokens=Tokens(prompt),
            output_tokens=Tokens(output),
            prefix_cache_hit_rate=prefix_hit_rate_of(setting),
        ),
    )
    return forecast(resolve(stated, registry)[0], coefficients)


def _serving(setting: Setting) -> Serving:
    """The engine's settings.

    Attention in data-parallel ranks whose experts are spread over all GPUs reads each weight of an
    expert once, like tensor parallelism: the nearest that a manifest can say.
    """
    tensor, sharding = setting.tensor_parallel_size, setting.condition("sharding")
    if setting.condition("attention_data_parallel_size"):
        tensor = setting.n_gpus
    rest = setting.n_gpus // tensor
    return Serving(
        tensor_parallel_size=tensor,
        pipeline_parallel_size=rest if sharding == "pipeline" else None,
        data_parallel_size=rest if sharding == "data" else None,
        max_num_seqs=slots_of(setting) or max(256, setting.concurrency or 0),
        max_num_batched_tokens=batched_tokens_of(setting),
        mem_fraction_static=mem_fraction_static_of(setting),
        kv_cache_dtype=kv_cache_dtype_of(setting),
    )
