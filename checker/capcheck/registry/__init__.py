"""Models, GPUs, quants, backends and prices: tables with sources, and lookup by any alias."""
