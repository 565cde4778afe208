"""The speed fit: decode steps, prefills and served loads, in one model.

    from capfit.speed import fit, hold_out
    fit(cells)                          # the artifact's sections: decode, step, prefill, engines
    hold_out(cells, by="gpu")           # HeldOut rows: predicted, measured, low, high

`cells` are those of the decode, prefill and serving tables together.
"""

from capfit.speed.validate import BY, HeldOut, fit, hold_out

__all__ = ["BY", "HeldOut", "fit", "hold_out"]
