"""The fields that say what is deployed: model, hardware, prices, engine settings."""

from __future__ import annotations

from capcheck.manifest.field import Field
from capcheck.manifest.kinds import (
    choice,
    flag,
    list_of,
    number,
    one_or_more,
    ratio,
    text,
    tree,
    usd,
    variables,
    version,
    whole,
)

SOURCES = (
    Field(
        "/from",
        one_or_more("path#address of a deployment in a native file"),
        "Native files to take facts from: paths relative to the manifest, inside the repository; "
        "`capcheck inspect` prints the addresses. Of several files the last one wins.",
        foreign="file source sources include extends native",
    ),
    Field(
        "/command",
        one_or_more("command line of a serving engine, one string or its words"),
        "An engine's command line to take facts from.",
        foreign="cmd cli entrypoint",
    ),
    Field(
        "/vars",
        variables(),
        "Values of the variables that native files leave open.",
        foreign="variables env environment_variables",
    ),
    Field(
        "/env_files",
        list_of(text("the path of an env file"), "env files"),
        "Files of `NAME=value` lines with such values; `vars` wins over them.",
        foreign="env_file dotenv",
    ),
)

MODEL = (
    Field(
        "/model",
        text("a model name"),
        "Registry name, Hugging Face id or Ollama tag (which also fixes the quant).",
        foreign="model_id model_name model_path model_uri hf_model checkpoint repo_id",
    ),
    Field(
        "/architecture",
        tree("a map with the keys of a Hugging Face config.json"),
        "The model's config.json, for a model that the registry lacks.",
        "registry",
        foreign="arch model_architecture",
    ),
    Field(
        "/model_config",
        text("the path of a config.json"),
        "A config.json to read the architecture from; relative to the manifest, inside the "
        "repository.",
        "registry",
        foreign="config config_json hf_config model_config_path",
    ),
    Field(
        "/quant",
        text("a weight format"),
        "Weight format by any usual name, resolved together with the backend.",
        "the checkpoint's own, or the Ollama tag's",
        foreign="quantization quantisation quantize dtype torch_dtype weight_dtype precision "
        "quant_type weight_format",
    ),
    Field(
        "/backend",
        text("a serving engine"),
        "The serving engine: vllm, sglang, tgi, tensorrt-llm, ollama, llama.cpp, transformers.",
        foreign="engine runtime server framework inference_engine serving_engine inference_server",
    ),
    Field(
        "/backend_version",
        version(),
        "The engine's version: its defaults and speed depend on it.",
        "the version the registry knows",
        foreign="engine_version vllm_version runtime_version image_tag",
    ),
)

HARDWARE = (
    Field(
        "/replicas",
        whole(10_000),
        "Machines that share the traffic: one number, or a range.",
        "1",
        foreign="num_replicas replica_count instances machines",
    ),
    Field(
        "/replicas/min",
        whole(10_000, minimum=0),
        "Fewest replicas: checked against the SLOs; 0 counts as 1.",
        foreign="min_replicas",
        required=True,
    ),
    Field(
        "/replicas/max",
        whole(10_000),
        "Most replicas: checked against the budget.",
        foreign="max_replicas",
        required=True,
    ),
    Field(
        "/gpu",
        text("a GPU name"),
        "GPU by any usual spelling; say SXM or PCIe where both exist.",
        foreign="gpu_type gpu_name gpu_model accelerator accelerator_type device hardware",
    ),
    Field(
        "/gpus_per_replica",
        whole(1024),
        "GPUs of one replica.",
        "tensor × pipeline × data parallel size",
        foreign="gpus num_gpus n_gpus gpu_count gpus_per_node accelerators accelerator_count",
    ),
    Field(
        "/vram_gib",
        number(10_000, above=True, unit="GiB"),
        "Memory of one GPU that the engine can use, where the registry's figure is wrong.",
        "registry",
        foreign="vram vram_gb gpu_memory gpu_memory_gib gpu_memory_gb memory memory_gib",
    ),
    Field(
        "/reserved_gib",
        number(10_000, unit="GiB"),
        "Memory of one GPU that something else holds.",
        "0",
        foreign="reserved reserved_memory overhead_gib",
    ),
)

PRICE = (
    Field(
        "/usd_per_gpu_hour",
        usd(),
        "Your price of one GPU for one hour; wins over the price table.",
        "price table",
        foreign="price gpu_price price_per_hour cost_per_hour hourly_usd hourly_cost usd_per_hour "
        "usd_per_gpu_hr",
    ),
    Field(
        "/provider",
        text("a provider"),
        "Whose price to take from the table.",
        "the newest marketplace or amortised price",
        foreign="cloud cloud_provider",
    ),
    Field(
        "/instance_type",
        text("an instance type"),
        "Instance to rent; whole instances are billed.",
        "the cheapest that holds the GPUs",
        foreign="instance sku vm_size machine_type node_type",
    ),
    Field("/region", text("a region"), "The provider's region.", "any", foreign="zone location"),
    Field(
        "/capacity_type",
        choice("on-demand", "spot", "marketplace", "amortised"),
        "Kind of price.",
        "never spot",
        foreign="pricing purchase_option price_kind spot",
    ),
)

SERVING = (
    Field(
        "/serving",
        None,
        "Engine settings, under one name for every engine.",
        "the engine's own",
        foreign="engine_args extra_args args parameters settings",
    ),
    Field(
        "/serving/tensor_parallel_size",
        whole(1024),
        "GPUs that share each layer.",
        "1",
        foreign="tp tp_size tensor_parallel tensor_parallelism num_shard",
    ),
    Field(
        "/serving/pipeline_parallel_size",
        whole(1024),
        "Stages that the layers are split into.",
        "1",
        foreign="pp pp_size pipeline_parallel pipeline_parallelism",
    ),
    Field(
        "/serving/data_parallel_size",
        whole(1024),
        "Copies of the model inside one replica.",
        "1",
        foreign="dp dp_size data_parallel",
    ),
    Field(
        "/serving/max_model_len",
        whole(2**31 - 1, unit="tokens"),
        "Longest sequence of one request, prompt and output.",
        "the engine's own",
        foreign="context context_len context_length context_size context_window ctx ctx_size n_ctx "
        "num_ctx max_context max_context_length max_seq_len max_sequence_length max_total_tokens "
        "ollama_context_length",
    ),
    Field(
        "/serving/max_num_seqs",
        whole(65_536),
        "Requests that one copy of the engine runs at the same time.",
        "the engine's own",
        foreign="max_batch_size batch_size max_running_requests max_concurrent_requests "
        "max_concurrency num_parallel ollama_num_parallel parallel slots",
    ),
    Field(
        "/serving/max_num_batched_tokens",
        whole(2**31 - 1, unit="tokens"),
        "Token budget of one engine step.",
        "the engine's own",
        foreign="max_num_tokens chunked_prefill_size max_batch_prefill_tokens max_batched_tokens",
    ),
    Field(
        "/serving/gpu_memory_utilization",
        ratio(above=True),
        "vLLM: share of the device's total memory.",
        "the engine's own",
        foreign="gpu_memory_utilisation gpu_memory_util gpu_mem_util",
    ),
    Field(
        "/serving/mem_fraction_static",
        ratio(above=True),
        "SGLang: share of the total for weights and KV pool.",
        "the engine's own",
        foreign="mem_fraction",
    ),
    Field(
        "/serving/kv_cache_free_gpu_memory_fraction",
        ratio(above=True),
        "TensorRT-LLM: share of the memory that is free once the weights are loaded.",
        "the engine's own",
        foreign="free_gpu_memory_fraction kv_cache_free_gpu_mem_fraction",
    ),
    Field(
        "/serving/cuda_memory_fraction",
        ratio(above=True),
        "TGI: share of the device's memory.",
        "the engine's own",
    ),
    Field(
        "/serving/kv_cache_dtype",
        text("a KV cache type such as fp8 or q8_0"),
        "Number format of the KV cache.",
        "the engine's own",
        foreign="kv_dtype cache_dtype kv_cache_type cache_type_k kv_quant ollama_kv_cache_type",
    ),
    Field(
        "/serving/enable_prefix_caching",
        flag(),
        "Whether equal prompt beginnings are computed once.",
        "the engine's own",
        foreign="prefix_caching prefix_cache",
    ),
    Field(
        "/serving/enable_chunked_prefill",
        flag(),
        "Whether long prompts are computed in pieces between decode steps.",
        "the engine's own",
        foreign="chunked_prefill",
    ),
    Field(
        "/serving/enforce_eager",
        flag(),
        "Whether CUDA graphs are off.",
        "the engine's own",
        foreign="eager disable_cuda_graph",
    ),
    Field(
        "/serving/max_queue",
        whole(2**31 - 1, minimum=0),
        "Requests that may wait for a slot of one copy; more are refused.",
        "the engine's own",
        foreign="ollama_max_queue max_queued_requests max_queue_size queue_limit queue_size",
    ),
)
