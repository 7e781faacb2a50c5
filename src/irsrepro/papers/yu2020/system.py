"""System model: one access point, one surface, single-antenna users, all targets to be met.

The reflection vector x holds the physical reflection coefficients e^{j theta}; user k hears
(h_k^H diag(x) F + d_k^H) w = [x; 1]^T H_k w, H_k being the cascade of eq. (9).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.metrics import received_sinr, watts
from irsrepro.optimize.result import status_legend
from irsrepro.papers.yu2020.algorithms.minimum_power_phases import optimality_residual

_MET = 1e-6  # relative shortfall of an SINR that counts as rounding
_ROUNDING, _VISIBLE = 1e-9, 1e-3  # relative rises of the power


class Downlink(NamedTuple):
    """Channels of one point of a sweep, as the algorithms take them.

    Attributes:
        responses: H, (realisation, user, element + 1, antenna): diag(h_k^H) F, then d_k^H, over the
            root of the noise power, so that |[x; 1]^T H_k w|^2 is a ratio to the noise with w in
            the root of W.
        target: gamma, linear.
        starting_reflection: x at the start, (realisation, element).
    """

    responses: NDArray[np.complex128]
    target: float
    starting_reflection: NDArray[np.complex128]


def downlink(channels: xr.Dataset, parameters: Mapping[str, Any]) -> Downlink:
    """Form the cascades of the first ``users``, ``elements`` and ``antennas``, eq. (9).

    Args:
        channels: what ``draw`` returned.
        parameters: the parameters of a solution.
    """
    selection = channels.isel(
        user=slice(0, parameters["users"]),
        element=slice(0, parameters["elements"]),
        antenna=slice(0, parameters["antennas"]),
    )
    incoming = selection["ap_to_irs"].transpose("realisation", "element", "antenna").values
    outgoing = selection["irs_to_user"].transpose("realisation", "user", "element").values
    direct = selection["direct"].transpose("realisation", "user", "antenna").values
    cascade = outgoing.conj()[..., None] * incoming[:, None]
    noise = watts(parameters["noise_power"])
    responses = np.concatenate([cascade, direct.conj()[:, :, None]], axis=2) / np.sqrt(noise)
    return Downlink(
        responses=np.ascontiguousarray(responses),
        target=10.0 ** (parameters["sinr_target"] / 10.0),
        starting_reflection=np.exp(1j * selection["starting_phase"].values),
    )


def design_variables(
    beamformer: NDArray[np.complex128], reflection: NDArray[np.complex128]
) -> xr.Dataset:
    """Lay out beamformers (realisation, user, antenna) and reflection vectors."""
    return xr.Dataset(
        {
            "beamformer": variable(
                ("realisation", "user", "antenna"), beamformer, "beamformer", "W^0.5"
            ),
            "reflection": variable(
                ("realisation", "element"), reflection, "reflection coefficient", "1"
            ),
        }
    )


def power_trace(power: NDArray[np.float64]) -> dict[str, Any]:
    """Lay out a power (realisation, iteration) in W along an algorithm.

    Returns:
        ``trace`` in dBm, and as shares of iterations (realisation,) those in which the power rises
        at all, and those in which it visibly rises, of all and of the last third.
    """
    dims = ("realisation",)
    with np.errstate(invalid="ignore"):
        change = power[:, 1:] / power[:, :-1] - 1.0
    last_third = change[:, -max(1, change.shape[1] // 3) :]
    variables = {
        "trace": variable((*dims, "iteration"), 30 + 10 * np.log10(power), "transmit power", "dBm")
    }
    for name, part, threshold, description in (
        ("rising_steps", change, _ROUNDING, "share of iterations in which the power rises"),
        ("visible_rises", change, _VISIBLE, "share in which it rises by more than 0.1 %"),
        ("late_visible_rises", last_third, _VISIBLE, "the same of the last third of iterations"),
    ):
        share = (part > threshold).sum(axis=1) / np.maximum(np.isfinite(part).sum(axis=1), 1)
        variables[name] = variable(dims, share, description, "1")
    return variables


def progress(
    status: NDArray[Any], iterations: NDArray[Any], residual: NDArray[np.float64], meaning: str
) -> dict[str, Any]:
    """Return status, iterations and a dimensionless residual of every realisation."""
    dims = ("realisation",)
    return {
        "status": variable(dims, np.asarray(status, np.int8), status_legend(), "1"),
        "iterations": variable(dims, iterations, "iterations", "1"),
        "residual": variable(dims, residual, meaning, "1"),
    }


def received_powers(
    responses: NDArray[np.complex128],
    beamformer: NDArray[np.complex128],
    reflection: NDArray[np.complex128],
) -> NDArray[np.float64]:
    """|[x; 1]^T H_k w_i|^2, (realisation, user k, user i)."""
    vector = np.concatenate([reflection, np.ones((len(reflection), 1))], axis=1)
    effective = np.einsum("rn,rkna->rka", vector, responses)
    amplitude = np.einsum("rka,ria->rki", effective, beamformer)
    received: NDArray[np.float64] = np.abs(amplitude) ** 2
    return received


def evaluate(problem: Problem, variables: xr.Dataset) -> xr.Dataset:
    """Evaluate beamformers and reflection vectors, eqs. (2), (3) and (19), or a lower bound.

    A design that misses a target has no power to compare: its metrics are nan, and so are those of
    a realisation whose scheme failed. A lower bound is evaluated from its certificate, a diagonal
    y_k that dominates H_k H_k^H: user k cannot receive more than sum_n y_kn for a unit of power.

    Returns:
        ``sinr`` (realisation, user); ``transmit_power`` in W, ``transmit_power_dbm`` in dBm,
        ``energy_efficiency`` in bit/J/Hz, ``targets_met`` and ``kkt_residual`` (realisation,). For
        a lower bound the two powers and the energy efficiency, an upper bound, only.
    """
    system = downlink(problem.channels, problem.parameters)
    if "certificate" in variables:
        power = certified_power(system, variables["certificate"].values)
        users = system.responses.shape[1]
        rate = np.full(len(power), users * np.log2(1.0 + system.target))
        return xr.Dataset(_metrics(power, rate, problem.parameters))
    beamformer = variables["beamformer"].values
    reflection = variables["reflection"].values
    sinr = received_sinr(received_powers(system.responses, beamformer, reflection))
    targets_met = (sinr >= (1.0 - _MET) * system.target).all(axis=1)
    power = np.where(targets_met, (np.abs(beamformer) ** 2).sum(axis=(1, 2)), np.nan)
    rate = np.log2(1.0 + sinr).sum(axis=1)
    optimality = optimality_residual(system.responses, system.target, reflection, beamformer)
    # Without a surface there are no phases to be optimal.
    reflects = (np.abs(reflection) > 0.5).all(axis=1)
    return xr.Dataset(
        {
            "sinr": variable(("realisation", "user"), sinr, "SINR", "1"),
            "targets_met": variable(
                ("realisation",),
                targets_met.astype(np.int8),
                "all SINR targets met (1) or not (0)",
                "1",
            ),
            "kkt_residual": variable(
                ("realisation",),
                np.where(targets_met & reflects, optimality.largest, np.nan),
                "KKT residual of problem (3): targets, least power at these phases, phases",
                "1",
            ),
            **_metrics(power, rate, problem.parameters),
        }
    )


def certified_power(system: Downlink, certificate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower bound on the power of (3) that a diagonal proves, whatever the diagonal.

    With s_k the largest eigenvalue of Diag(y_k)^-1/2 H_k H_k^H Diag(y_k)^-1/2, s_k Diag(y_k)
    dominates H_k H_k^H, so ||[x; 1]^T H_k||^2 <= s_k sum_n y_kn for all phases, and each user needs
    gamma over that, interference left out.

    Args:
        system: the channels.
        certificate: y, (realisation, user, element + 1), positive.

    Returns:
        Power (realisation,) in W.
    """
    scaled = system.responses / np.sqrt(certificate)[..., None]
    largest = np.linalg.svd(scaled, compute_uv=False)[..., 0] ** 2
    bound: NDArray[np.float64] = (system.target / (largest * certificate.sum(axis=2))).sum(axis=1)
    return bound


def _metrics(
    power: NDArray[np.float64], rate: NDArray[np.float64], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    dims = ("realisation",)

    consumed_power = (
        power / parameters["amplifier_efficiency"]
        + watts(parameters["static_power"])
        + parameters["antennas"] * watts(parameters["antenna_power"])
    )
    return {
        "transmit_power": variable(dims, power, "transmit power", "W"),
        "transmit_power_dbm": variable(
            dims, 30.0 + 10.0 * np.log10(power), "transmit power", "dBm"
        ),
        "energy_efficiency": variable(
            dims, rate / consumed_power, "energy efficiency, eq. (19)", "bit/J/Hz"
        ),
    }
