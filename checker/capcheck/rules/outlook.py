"""What the search and the headroom say about a deployment that passes."""

from __future__ import annotations

from capcheck.rules.rule import Rule

RULES = (
    Rule(
        id="cheaper-alternative",
        title="Another configuration keeps every limit for much less",
        severity="note",
        why="The difference is paid every month.",
        how=(
            "The deployment passes, and the search found a configuration that surely passes for "
            "at least a fifth less."
        ),
        fix="Take the alternative that the finding names, or narrow `alternatives`.",
        failing="gpu: A100 80GB SXM",
        passing="gpu: A100 80GB SXM\nalternatives: {gpus: [A100 80GB SXM], quants: [BF16]}",
    ),
    Rule(
        id="headroom-below-factor",
        title="Little more traffic would break a limit",
        severity="note",
        why="Traffic grows, and a peak is above the mean.",
        how=(
            "The deployment passes, and the largest rate that keeps the limits on latency and "
            "utilisation is below 1.2 times the stated one."
        ),
        fix="One more replica, or a faster configuration.",
        failing="traffic: {requests_per_second: 1.9, profile: chat}",
        passing="traffic: {requests_per_second: 0.2, profile: chat}",
    ),
)
