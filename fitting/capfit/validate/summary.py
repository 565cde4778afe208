"""The few figures of the record that the artifact carries: `capfit fit` copies them."""

from __future__ import annotations

from capfit.artifact.validation import Accuracy
from capfit.artifact.validation import Record as Carried
from capfit.validate.record import Record


def carried(record: Record) -> Carried:
    """One line per predictor, engine and what was held out, where an interval was stated."""
    entries = [
        Accuracy(
            predictor=table["predictor"],
            backend=table["backend"],
            metric=table["unit"],
            by=table["held_out"],
            n=table["n"],
            groups=table["groups"],
            mape=table["mean"] / 100.0,
            median=table["median"] / 100.0,
            bias=table["bias"] / 100.0,
            worst=abs(table["worst"]) / 100.0,
            coverage=table["coverage"] / 100.0,
            baselines={
                name: rule["median"] / 100.0
                for name, rule in table["baselines"].items()
                if rule["median"] is not None
            },
        )
        for table in record["tables"]
        if table["coverage"] is not None
    ]
    return Carried(record["hashes"]["data"], tuple(entries))
