"""Numbers as files hold them: 6 significant digits, what two machines agree on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capfit.speed.section import rounded


def shortened(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value with every number to 6 significant digits."""
    if isinstance(value, Mapping):
        return {key: shortened(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shortened(item) for item in value]
    return rounded(value) if isinstance(value, float) else value
