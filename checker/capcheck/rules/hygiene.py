"""What a forecast rests on and a release should not: unpinned, unknown and abandoned engines."""

from __future__ import annotations

from capcheck.rules.rule import Rule

RULES = (
    Rule(
        id="backend-version-unpinned",
        title="The engine's version names no release",
        severity="note",
        why="`latest` is another engine after the next pull: defaults, memory and speed change.",
        how="backend_version holds no release number.",
        fix="Set backend_version to a release.",
        failing="backend_version: latest",
        passing='backend_version: "0.11.0"',
    ),
    Rule(
        id="backend-version-unknown",
        title="The engine's version is newer than any that was read",
        severity="note",
        why="Its defaults may differ from those that the forecast assumes.",
        how="backend_version is above the release that the engine's row was read from.",
        fix="Update capcheck, or state the settings that matter.",
        failing='backend_version: "9.0.0"',
        passing='backend_version: "0.11.0"',
    ),
    Rule(
        id="backend-end-of-life",
        title="The engine is no longer maintained",
        severity="warning",
        why="New models, GPUs and security fixes do not reach it.",
        how="The engine's row has a date of its end, with its source.",
        fix="Move to a maintained engine.",
        failing="backend: tgi",
        passing="backend: vllm",
    ),
    Rule(
        id="assumed-default-decides",
        title="A setting that nobody stated decides the verdict",
        severity="note",
        why="The default of another release, or one line in the manifest, turns the verdict.",
        how=(
            "A memory, latency or throughput gate does not pass, and the engine's default context "
            "or number of slots, which the manifest leaves out, is behind it."
        ),
        fix="State the setting.",
        failing="gpu: L4 24GB\nbackend: vllm",
        passing="gpu: L4 24GB\nserving: {max_model_len: 8192}",
    ),
)
