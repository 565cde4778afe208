"""How a batch step grows with the agents: TR130's closed loops, whose load generator slowed too.

from capfit.scaling import client_limited, hold_out
client_limited(data)        # the artifact's step.client_limited
hold_out(data)              # HeldOut rows: rate of each agent, predicted from other models
"""

from capfit.scaling.growth import GROWTHS, Growth, client_limited, hold_out

__all__ = ["GROWTHS", "Growth", "client_limited", "hold_out"]
