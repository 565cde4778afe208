"""What a simulation leaves: the times of each request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from capcheck.predict.latency.server import Percentiles
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trace:
    """Times of each served request in ms, in order of arrival, and how long the GPU was busy."""

    sent_ms: Floats
    started_ms: Floats  # a slot was given
    first_token_ms: Floats
    finished_ms: Floats
    output_tokens: NDArray[np.int64]
    busy_ms: float
    lost: int
    host_delay_ms: float

    @property
    def queue_wait_ms(self) -> Floats:
        """Until a slot is given, the end of the running step included."""
        return self.started_ms - self.sent_ms - self.host_delay_ms

    @property
    def ttft_ms(self) -> Floats:
        """From sending to the first token."""
        return self.first_token_ms - self.sent_ms

    @property
    def latency_ms(self) -> Floats:
        """From sending to the last token."""
        return self.finished_ms - self.sent_ms

    @property
    def tpot_ms(self) -> Floats:
        """Of the requests with more than one output token."""
        many = self.output_tokens > 1
        decode = self.finished_ms[many] - self.first_token_ms[many]
        return decode / (self.output_tokens[many] - 1)

    def after(self, share: float) -> Trace:
        """The requests after the first `share` of them: what is left once warm."""
        skip = int(len(self.sent_ms) * share)
        return Trace(
            self.sent_ms[skip:],
            self.started_ms[skip:],
            self.first_token_ms[skip:],
            self.finished_ms[skip:],
            self.output_tokens[skip:],
            self.busy_ms,
            self.lost,
            self.host_delay_ms,
        )


def merged(traces: Sequence[Trace]) -> Trace:
    """The requests of several servers as one trace, in order of arrival."""
    sent = np.concatenate([trace.sent_ms for trace in traces])
    order = np.argsort(sent, kind="stable")

    def joined(of: Callable[[Trace], NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([of(trace) for trace in traces])[order]

    return Trace(
        sent[order],
        joined(lambda trace: trace.started_ms),
        joined(lambda trace: trace.first_token_ms),
        joined(lambda trace: trace.finished_ms),
        joined(lambda trace: trace.output_tokens),
        sum(trace.busy_ms for trace in traces),
        sum(trace.lost for trace in traces),
        traces[0].host_delay_ms,
    )


def percentiles_of(values: Floats) -> Percentiles:
    """Mean and percentiles of a sample."""
    p50, p90, p95, p99 = np.percentile(values, [50, 90, 95, 99])
    return Percentiles(float(values.mean()), float(p50), float(p90), float(p95), float(p99))
