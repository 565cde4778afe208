"""How a serving benchmark sends its requests, where its table does not say.

A benchmark starts its clients at once: the first request of each waits in a burst, and a mean over
few requests per client holds much of it. What is stated here is a property of the measurement, not
of an engine: traffic that nobody starts with a gong has none of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from capfit.data.setting import Setting


@dataclass(frozen=True, slots=True)
class Protocol:
    """One load generator.

    `rounds` is its requests per client, `shortest` the least length over the nominal one, between
    which lengths are uniform. Clients stay together in groups of `in_step` (1: each by itself).
    `polls_few` and `polls_many` are the decode steps after which the scheduler looks for
    requests, below 16 clients and from there. The client sees its first text with token
    `first_seen`, and counts all tokens but one after it.
    """

    rounds: float
    shortest: float = 1.0
    in_step: int = 1
    polls_few: int = 1
    polls_many: int = 1
    first_seen: int = 1

    @property
    def length_share(self) -> float:
        """Mean length over the nominal one."""
        return (1.0 + self.shortest) / 2.0

    def polls(self, clients: float) -> int:
        """Decode steps after which the scheduler looks for requests."""
        return self.polls_many if clients >= 16 else self.polls_few

    def poll_steps(self, clients: float) -> float:
        """Decode steps that a request waits for the scheduler to look, beyond the running one."""
        return (self.polls(clients) - 1) / 2.0


# SOURCE: InferenceMAX (InferenceX), benchmark client configuration: num-prompts 10 x concurrency,
# request rate inf, random-range-ratio 0.8; its SGLang servers run with scheduler-recv-interval 10,
# or 30 from 16 clients on (default 1), but for GLM-5, whose scripts leave it alone.
INFERENCE_MAX = Protocol(rounds=10.0, shortest=0.8)
INFERENCE_MAX_SGLANG = Protocol(rounds=10.0, shortest=0.8, polls_few=10, polls_many=30)

# The same with stream-interval 30: SGLang sends the first token at once, but what Qwen3.5 says
# first holds no text, so that 0.5.9 shows it with the next thirty: TTFT is about 30 steps longer
# than that of DeepSeek at every number of clients.
LATE_TEXT = Protocol(rounds=10.0, shortest=0.8, polls_few=10, polls_many=30, first_seen=31)

# TensorRT-LLM 1.0.0rc3 on H100 in the same collection: TTFT is that of four to five prompts from 8
# clients to 32, whatever their lengths, as if eight stayed together.
IN_STEP = Protocol(rounds=10.0, in_step=8)

# All requests at once, each counted once.
BURST = Protocol(rounds=1.0)

_INFERENCE_MAX = "aic_silicon"


def protocol_of(setting: Setting) -> Protocol:
    """The protocol behind a setting of the serving table with closed or burst arrivals."""
    if setting.source != _INFERENCE_MAX:
        return BURST
    if setting.version == "1.0.0rc3":
        return IN_STEP
    model = setting.model.name
    if setting.backend.name != "sglang" or model.startswith("glm-5"):
        return INFERENCE_MAX
    late = model.startswith("qwen3.5") and setting.version == "0.5.9"
    return LATE_TEXT if late else INFERENCE_MAX_SGLANG
