"""Measurements as typed rows, and the cells that fits are made on.

    from capfit.data.tables import read
    from capfit.data.rows import Decode, Memory

    data = read(Path("fitting/data"))
    data.rows(Memory)           # tuple[Memory, ...], every row of memory.csv
    data.cells(Decode).kept     # tuple[Cell, ...]; also .labels, .rejected, .unresolved
    data.scores(Quality).kept   # tuple[ScoreCell, ...]

A `Cell` is one metric of one `Setting` (resolved model, quant, backend and GPU; load; conditions;
source and session): the median over the rows that repeat it. A `Label` is what became of a setting
in memory: fits, spill, oom, or how a start-up ended. What is `Rejected` keeps its row and reason.
"""
