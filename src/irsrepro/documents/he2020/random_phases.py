"""Nothing optimised: the starting phases, with every source at full power."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from irsrepro.documents.he2020.alternation import alternate


def solve(channels: xr.Dataset, parameters: Mapping[str, Any], engine: str) -> xr.Dataset:
    """Evaluate every realisation of a chunk at its starting point; see ``alternate``."""
    unmoved = {**parameters, "tolerance": 0.0, "iteration_limit": 0}
    return alternate(channels, unmoved, engine, update_powers=False, update_reflection=False)
