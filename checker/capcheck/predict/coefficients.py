"""The fitted artifact: one JSON file with every number that the predictors do not derive."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from functools import lru_cache
from pathlib import Path
from typing import Any

from capcheck.records import Keyed, dataclass

SCHEMA = "capcheck.coefficients/v1"
BUILT_IN = Path(__file__).parent.parent / "data" / "coefficients.json"


class CoefficientsError(Exception):
    """The coefficients file cannot be used: missing, not JSON, another schema, no such section."""


@dataclass(frozen=True, slots=True)
class Coefficients(Keyed):
    """The artifact's version, the SHA-256 of its bytes, and its sections by predictor."""

    version: str
    sha256: str
    sections: Mapping[str, Any] = field(hash=False, repr=False)

    def section(self, name: str) -> Mapping[str, Any]:
        """The coefficients of one predictor (`decode`, `step`, `prefill`, `vram`, ...).

        Raises CoefficientsError when the artifact has no such section.
        """
        try:
            section: Mapping[str, Any] = self.sections[name]
        except KeyError:
            known = ", ".join(sorted(self.sections)) or "none"
            raise CoefficientsError(
                f"coefficients {self.version} have no section {name!r} (they have: {known})"
            ) from None
        return section


def load(path: Path | None = None) -> Coefficients:
    """Read the artifact at `path`, or the one that this version of capcheck ships.

    Raises CoefficientsError when the file is missing, is not JSON, or has another schema version.
    """
    return _read(BUILT_IN if path is None else path)


@lru_cache(maxsize=4)
def _read(path: Path) -> Coefficients:
    try:
        content = path.read_bytes()
        document = json.loads(content)
    except OSError as error:
        raise CoefficientsError(f"cannot read coefficients {path}: {error.strerror}") from error
    except ValueError as error:
        raise CoefficientsError(f"coefficients {path} are not JSON: {error}") from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise CoefficientsError(f"coefficients {path} have schema {schema!r}, expected {SCHEMA!r}")
    sections = {key: value for key, value in document.items() if isinstance(value, dict)}
    return Coefficients(
        str(document.get("version", "unversioned")), hashlib.sha256(content).hexdigest(), sections
    )
