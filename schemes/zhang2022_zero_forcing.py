"""Zero forcing at random phases for zhang2022, with NumPy and netCDF4 and nothing of this project.

    python schemes/zhang2022_zero_forcing.py CHANNELS PARAMETERS SOLUTION

Where users outnumber the rank of their channel there is no such beam: the realisation is NaN.
"""

import json
import sys
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np


def channel(stored: Any, name: str) -> Any:
    """Return a complex variable, whose last dimension is (real, imaginary)."""
    parts = np.ma.getdata(stored[name][...])
    return parts[..., 0] + 1j * parts[..., 1]


def main(channels: str, parameters: str, solution: str) -> None:
    """Read channels and parameters, write beams and reflections."""
    asked = json.loads(Path(parameters).read_text())
    sizes, elements = asked["sizes"], asked["parameters"]["elements"]
    count, users, antennas = sizes["realisation"], sizes["beam"], sizes["antenna"]
    with netCDF4.Dataset(channels) as stored:
        rows = np.concatenate(
            [channel(stored, f"irs{i}_to_users")[:, :users, :elements] for i in (1, 2)], axis=2
        )
        station = np.concatenate(
            [channel(stored, f"bs_to_irs{i}")[:, :elements, :antennas] for i in (1, 2)], axis=1
        )
    turns = [np.random.default_rng(seed).random(2 * elements) for seed in asked["seeds"]]
    reflection = np.exp(2j * np.pi * np.array(turns))
    effective = np.einsum("rkn,rn,rnm->rkm", rows, reflection, station)
    beams = np.full((count, users, antennas), np.nan, complex)
    for r in range(count):
        if np.linalg.matrix_rank(effective[r]) == users:
            forcing = np.linalg.pinv(effective[r]).T
            forcing /= np.linalg.norm(forcing, axis=1, keepdims=True)
            beams[r] = forcing / np.sqrt(users)
    with netCDF4.Dataset(solution, "w") as stored:
        stored.problem = asked["problem"]
        for name, size in {**sizes, "part": 2}.items():
            stored.createDimension(name, size)
        for name, axes, values in (
            ("beams", ("realisation", "beam", "antenna", "part"), beams),
            ("reflection", ("realisation", "element", "part"), reflection),
        ):
            parts = np.stack([values.real, values.imag], axis=-1)
            stored.createVariable(name, "f8", axes)[...] = parts


if __name__ == "__main__":
    main(*sys.argv[1:])
