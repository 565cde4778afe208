"""How engines slow down with the agents: TR130's batch steps, and Ollama's turns on one slot.

TR130's load generator slowed too.

from capfit.scaling import client_limited, hold_out
client_limited(data)        # the artifact's step.client_limited
hold_out(data)              # HeldOut rows: rate of each agent, predicted from other models
"""

from capfit.scaling.growth import GROWTHS, Growth, client_limited, hold_out
from capfit.scaling.turns import OVERHEADS, Overhead, hosts

__all__ = ["GROWTHS", "OVERHEADS", "Growth", "Overhead", "client_limited", "hold_out", "hosts"]
