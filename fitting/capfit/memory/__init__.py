"""The memory fit: what engines take of a GPU, by backend.

    from capfit.memory import fit, hold_out, outcomes
    fit(data)                   # the artifact's `memory` section
    hold_out(data)              # HeldOut rows: predicted, low, high, measured, baselines
    outcomes(data)              # what it says of configurations that ran, spilled or ran out

`data` is `capfit.data.tables.read(folder)`.
"""

from capfit.memory.section import Forms
from capfit.memory.validate import Outcome, fit, hold_out, outcomes

__all__ = ["Forms", "Outcome", "fit", "hold_out", "outcomes"]
