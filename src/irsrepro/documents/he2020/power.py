"""Power Optimization: powers only, with the starting phases kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from irsrepro.documents.he2020.alternation import alternate


def solve(channels: xr.Dataset, parameters: Mapping[str, Any], engine: str) -> xr.Dataset:
    """Solve every realisation of a chunk; see ``alternate``."""
    return alternate(channels, parameters, engine, update_powers=True, update_reflection=False)
