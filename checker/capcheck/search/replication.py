"""How many replicas a search may try, and what they cost."""

from __future__ import annotations

import math
from dataclasses import field
from functools import cached_property

from capcheck.manifest.deployment import Replicas
from capcheck.predict.cost import HOURS_PER_MONTH
from capcheck.records import dataclass, replace
from capcheck.resolution.resolved import Resolved
from capcheck.rules.availability import MANY_REPLICAS
from capcheck.search.axes import fewest_replicas, replicas_are_fixed
from capcheck.search.edits import Disruption, disruption, edits, root_of_edits
from capcheck.search.hardware import Hardware

# TR133 SS10.1 searches 1 to 16 instances.
MAX_REPLICAS = 16

# A number of replicas that is this little above a whole one is that.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Replication:
    """What today's deployment allows; `ceiling_usd_month` is what all replicas may cost."""

    today: Resolved
    ceiling_usd_month: float = math.inf
    disruptions: dict[int, Disruption] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def fewest(self) -> int:
        """The fewest replicas that may be tried."""
        return fewest_replicas(self.today)

    @cached_property
    def limit(self) -> int:
        """The most replicas that may be tried."""
        if replicas_are_fixed(self.today):
            return self.today.replicas_min
        return self.today.deployment.alternatives.max_replicas or MAX_REPLICAS

    @cached_property
    def without_risk(self) -> int:
        """The most replicas that are no risk by their number alone."""
        most = self.limit
        while most > self.fewest and self.stated(most).max > MANY_REPLICAS:
            most -= 1
        return most

    def stated(self, replicas: int) -> Replicas:
        """As written: a stated range keeps its upper end unless that is below."""
        stated = self.today.deployment.replicas
        most = replicas if stated.min == stated.max else max(replicas, stated.max)
        return Replicas(replicas, most)

    def disruption(self, replicas: int) -> Disruption:
        """Of writing so many in place of today's."""
        if replicas not in self.disruptions:
            today = self.today.deployment
            changed = edits(today, replace(today, replicas=self.stated(replicas)))
            self.disruptions[replicas] = disruption(changed, root_of_edits(today))
        return self.disruptions[replicas]

    @cached_property
    def budget_usd_month(self) -> float:
        """What a month may cost by the budget; infinite without one.

        A price per token allows what all tokens that are asked for may cost.
        """
        budget, traffic = self.today.deployment.budget, self.today.deployment.traffic
        most_usd = math.inf if budget.monthly_usd is None else budget.monthly_usd
        each, rate = budget.usd_per_million_tokens, traffic and traffic.requests_per_second
        if each is None or not rate or traffic is None or traffic.output_tokens is None:
            return most_usd
        tokens = rate * traffic.output_tokens.mean * 3600.0 * HOURS_PER_MONTH
        return min(most_usd, each * tokens / 1e6)

    @cached_property
    def most_usd_month(self) -> float:
        """What a month may cost by ceiling and budget."""
        return min(self.ceiling_usd_month, self.budget_usd_month)

    @cached_property
    def busiest_rps(self) -> float:
        """The rate that asks for more replicas; 0 where none does."""
        traffic = self.today.deployment.traffic
        if traffic is None or traffic.requests_per_second is None or replicas_are_fixed(self.today):
            return 0.0
        return traffic.busiest_rps

    def affordable(self, hardware: Hardware) -> int:
        """The most replicas within ceiling and budget; any number without a price."""
        each = hardware.usd_month_each
        if not each:
            return self.limit if self.ceiling_usd_month == math.inf else 0
        if self.most_usd_month == math.inf:
            return self.limit
        return int(self.most_usd_month / each + ROUNDING) * hardware.replicas_each

    def over_budget(self, hardware: Hardware, replicas: int) -> float:
        """The share of the budget by which so many cost too much; 0 without a budget."""
        budget = self.budget_usd_month
        if not budget or budget == math.inf:
            return 0.0
        return max(0.0, hardware.usd_month(replicas) / budget - 1.0)

    def needed(self, each_rps: float | None, *, busy: float = 1.0) -> int:
        """The fewest that the stated rate keeps busy for no more than this share, when `each_rps`
        saturates one."""
        if not each_rps or not self.busiest_rps:
            return self.fewest
        return max(self.fewest, math.ceil(self.busiest_rps / (each_rps * busy) - ROUNDING))
