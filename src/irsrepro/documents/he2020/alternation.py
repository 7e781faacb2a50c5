"""Algorithm 1 and its two halves: fractional programming over powers and reflection vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.documents.he2020.system import Network, network
from irsrepro.metrics import interference_sinr, sum_rate
from irsrepro.optimize.fractional_programming import STATUS, SumRateSolution, maximise_sum_rate
from irsrepro.optimize.references.fractional_programming import maximise_sum_rate_reference
from irsrepro.storage import variable

HALF_DUPLEX = 0.5  # two hops share the time, eq. (6)


def alternate(
    channels: xr.Dataset,
    parameters: Mapping[str, Any],
    engine: str,
    *,
    update_powers: bool,
    update_reflection: bool,
) -> xr.Dataset:
    """Run Algorithm 1 from full power and the starting phases of the ensemble.

    Args:
        channels: the ensemble.
        parameters: the parameters of the solution.
        engine: ``fast`` or ``reference``.
        update_powers: take steps (17) and (18).
        update_reflection: take steps (21) and (25).

    Returns:
        The solution of every realisation, see ``solution``.
    """
    system = network(channels, parameters)
    maximise = maximise_sum_rate if engine == "fast" else maximise_sum_rate_reference
    result = maximise(
        system.responses,
        system.noise_gains,
        system.noise_power,
        system.power_limit,
        full_power(system),
        system.reflection,
        update_powers=update_powers,
        update_reflection=update_reflection,
        phase_step=parameters.get("phase_step", "exact"),
        tolerance=parameters["tolerance"],
        iteration_limit=parameters["iteration_limit"],
        rate_factor=HALF_DUPLEX,
    )
    return solution(system, parameters, result)


def full_power(system: Network) -> NDArray[np.float64]:
    """Return the power limit for every source, (realisation, source) in W."""
    return np.full(system.responses.shape[:2], system.power_limit)


def solution(system: Network, parameters: Mapping[str, Any], result: SumRateSolution) -> xr.Dataset:
    """Evaluate the returned variables and lay them out for storage.

    Both readings of the amplitude constraint are evaluated: coefficients inside the unit disc as
    optimised, and projected to modulus one.

    Returns:
        ``power`` (realisation, source) in W, ``reflection`` (realisation, irs, element), ``sinr``
        (realisation, destination), ``sum_rate`` and ``sum_rate_unit_modulus`` (realisation,) in
        bit/s/Hz, status, iterations, residual and trace.
    """

    def sinr_of(reflection: NDArray[np.complex128]) -> NDArray[np.float64]:
        return interference_sinr(
            system.responses, system.noise_gains, system.noise_power, result.powers, reflection
        )

    projected = np.exp(1j * np.angle(result.reflection))
    projected_sinr = sinr_of(projected)
    if parameters["amplitude"] == "one":
        reflection, sinr = projected, projected_sinr
    else:
        reflection, sinr = result.reflection, sinr_of(result.reflection)
    one = ("realisation",)
    data = {
        "power": variable(("realisation", "source"), result.powers, "transmit power", "W"),
        "reflection": variable(
            ("realisation", "irs", "element"),
            reflection.reshape(len(reflection), system.surfaces, -1),
            "reflection coefficient",
            "1",
        ),
        "sinr": variable(("realisation", "destination"), sinr, "SINR", "1"),
        "sum_rate": variable(one, sum_rate(sinr, HALF_DUPLEX), "sum-rate", "bit/s/Hz"),
        "sum_rate_unit_modulus": variable(
            one,
            sum_rate(projected_sinr, HALF_DUPLEX),
            "sum-rate with every reflection coefficient projected to modulus one",
            "bit/s/Hz",
        ),
        "status": variable(
            one,
            result.status,
            "status: " + ", ".join(f"{code} {meaning}" for code, meaning in enumerate(STATUS)),
            "1",
        ),
        "iterations": variable(one, result.iterations, "iterations", "1"),
        "residual": variable(one, result.residual, "last increase of the sum-rate", "bit/s/Hz"),
    }
    if result.trace.shape[1] > 1:
        data["trace"] = variable(
            ("realisation", "iteration"), result.trace, "sum-rate per iteration", "bit/s/Hz"
        )
    return xr.Dataset(data)
