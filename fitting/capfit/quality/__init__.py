"""The quality fit: what a weight format costs a model.

    from capfit.quality import fit, hold_out
    fit(data)                   # the artifact's `quality` section
    hold_out(data)              # HeldOut rows: predicted, low, high, measured, baselines

`data` is `capfit.data.tables.read(folder)`.
"""

from capfit.quality.section import FORMS, Form
from capfit.quality.validate import fit, hold_out

__all__ = ["FORMS", "Form", "fit", "hold_out"]
