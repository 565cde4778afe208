"""All predictors on one resolved deployment."""

from __future__ import annotations

from functools import lru_cache

from capcheck.estimate import Estimate
from capcheck.manifest.deployment import Slo
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.cost import cost
from capcheck.predict.forecast import Forecast, Quality
from capcheck.predict.latency.bounds import surely_breaks
from capcheck.predict.latency.ends import End
from capcheck.predict.latency.load import load, not_predicted
from capcheck.predict.memory.device import memory
from capcheck.predict.quality import quality as predict_quality
from capcheck.predict.safety import safety
from capcheck.predict.speed.engine_copy import Speed, decode_tok_s, prefill_tok_s, speed
from capcheck.records import dataclass, replace
from capcheck.resolution.resolved import Resolved

# The `chat` profile: single-stream rates of a deployment without traffic are quoted at it.
NOMINAL_PROMPT_TOKENS = 512.0
NOMINAL_OUTPUT_TOKENS = 256.0


@dataclass(frozen=True, slots=True)
class Unloaded:
    """A forecast without behaviour under load, and the speed that it takes to add it."""

    resolved: Resolved
    speed: Speed | Estimate
    forecast: Forecast

    def loaded(self, *, only: End | None = None) -> Forecast:
        """The forecast with behaviour at the stated traffic, and the costs that depend on it.

        `only` one end of the interval of speed is a third of the work.
        """
        behaviour = load(self.resolved, self.speed, self.forecast.memory, only=only)
        return replace(self.forecast, load=behaviour, cost=cost(self.resolved, behaviour))

    def surely_breaks(self, end: End, ignored: frozenset[str]) -> bool:
        """Whether one end surely breaks a limit of load but those on gates that are `ignored`.

        False says nothing: only `loaded` tells, for several times the work.
        """
        slo = self.resolved.deployment.slo
        asked = Slo(
            latency=tuple(limit for limit in slo.latency if limit.metric not in ignored),
            max_utilisation=None if "utilisation" in ignored else slo.max_utilisation,
            min_throughput_tok_s=None if "throughput" in ignored else slo.min_throughput_tok_s,
        )
        return surely_breaks(self.resolved, self.speed, self.forecast.memory, asked, end=end)


# The same on every GPU, at any rate.
_quality = lru_cache(maxsize=4096)(predict_quality)
_safety = lru_cache(maxsize=4096)(safety)


def forecast(resolved: Resolved, coefficients: Coefficients) -> Unloaded:
    """Everything but load; what cannot be predicted is an unknown estimate that says why."""
    engine_speed = speed(resolved, coefficients)
    prompt_tokens, output_tokens = _lengths(resolved)
    idle = not_predicted("load was not asked for")
    predicted = Forecast(
        memory=memory(resolved, coefficients),
        decode_tok_s=decode_tok_s(engine_speed, context_tokens=prompt_tokens + output_tokens / 2),
        prefill_tok_s=prefill_tok_s(engine_speed, prompt_tokens=prompt_tokens),
        load=idle,
        quality=quality(resolved, coefficients),
        safety=_safety(resolved.model, resolved.quant, resolved.backend),
        cost=cost(resolved, idle),
    )
    return Unloaded(resolved, engine_speed, predicted)


def quality(resolved: Resolved, coefficients: Coefficients) -> Quality:
    """The quality on the benchmark that the deployment asks for."""
    asked = resolved.deployment.quality
    return _quality(
        resolved.model,
        resolved.quant,
        benchmark=None if asked is None else asked.benchmark,
        backend=resolved.backend,
        coefficients=coefficients,
    )


def _lengths(resolved: Resolved) -> tuple[float, float]:
    """Mean prompt and output tokens of the stated traffic, else those of a nominal chat request."""
    traffic = resolved.deployment.traffic
    prompt = traffic.prompt_tokens if traffic is not None else None
    output = traffic.output_tokens if traffic is not None else None
    return (
        NOMINAL_PROMPT_TOKENS if prompt is None else prompt.mean,
        NOMINAL_OUTPUT_TOKENS if output is None else output.mean,
    )
