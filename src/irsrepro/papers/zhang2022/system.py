"""System model: a base station serves users over two surfaces, singly and perhaps doubly reflected.

Channels are divided by the root of noise over transmit power, so that noise and power are one, and
multiplied by the amplitude of every reflection on their way, so that a reflection vector is one of
phases; the kernels and `evaluate` work on the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from irsrepro.array_types import Complex, Real
from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.channels.blockage import blockage_probability
from irsrepro.errors import ConfigurationError
from irsrepro.metrics import received_sinr, watts
from irsrepro.optimize.result import NO_INVERSE, status_legend
from irsrepro.papers.zhang2022.algorithms.manifold_alternation import Alternation
from irsrepro.papers.zhang2022.algorithms.surface_downlink import SurfaceLinks, composite_channel

ONE = ("realisation",)
WITHOUT, WITH = "without inter-IRS", "with inter-IRS"
BLOCKABLE = {
    "none": (),
    "crossed": ("bs_to_irs2", "irs1_to_users"),
    "station": ("bs_to_irs2",),
    "users": ("irs1_to_users",),
}
"""Links that may be blocked, by the value of ``blocked_links``; "all" stands for every link."""


def surfaces(parameters: Mapping[str, Any]) -> tuple[int, int]:
    """Return the numbers of elements N1 and N2 in use.

    Raises:
        ConfigurationError: a surface has more than the ensemble draws, or fewer than none.
    """
    if "total_elements" not in parameters:
        return parameters["elements"], parameters["elements"]
    total, first = parameters["total_elements"], parameters["elements1"]
    if parameters["deployment"] == "co-located":
        return total, 0
    first = total // 2 if first == "half" else int(first)
    if not 0 <= first <= total:
        raise ConfigurationError(
            f"config/zhang2022.yaml: parameters.elements1: {first} is not allowed; 0 to {total}, "
            "the total, is"
        )
    return first, int(total - first)


def open_links(problem: Problem, name: str) -> Real:
    """Return 1 where a link is open and 0 where it is blocked, eq. (52), (realisation, ...)."""
    parameters, channels = problem.parameters, problem.channels
    chance = channels[f"{name}_chance"].values
    blocked = parameters.get("blocked_links", "none")
    if blocked != "all" and name not in BLOCKABLE[blocked]:
        return np.ones_like(chance)
    own_distance = parameters["blockage_distance"] == "own"
    length = channels[f"{name}_length" if own_distance else "irs1_to_irs2_length"].values
    probability = blockage_probability(
        length, parameters["blockage"], parameters["blockage_stretch"]
    )
    return np.asarray((chance >= probability).astype(float))


def surface_links(problem: Problem, model: str) -> SurfaceLinks:
    """Return the channels of a model for the sizes in use, relative to noise over power.

    Args:
        problem: what a scheme is given.
        model: ``without inter-IRS``, eq. (4), or ``with inter-IRS``, eq. (6).

    Raises:
        ConfigurationError: the ensemble draws fewer elements than are used.
    """
    parameters, channels = problem.parameters, problem.channels
    counts = surfaces(parameters)
    users, antennas = parameters["users"], parameters["antennas"]
    drawn_elements = channels.sizes["irs1_element"]
    if max(counts) > drawn_elements:
        raise ConfigurationError(
            f"config/zhang2022.yaml: parameters.total_elements: {max(counts)} elements on one "
            f"surface is not allowed; at most {drawn_elements}, what the ensemble draws, is"
        )
    scale = np.sqrt(watts(parameters["transmit_power"]) / watts(parameters["noise_power"]))

    def link(name: str, shape: tuple[int, ...]) -> Complex:
        """The first entries of a link, zero where it is blocked."""
        full_channel = channels[name].values[(slice(None), *(slice(size) for size in shape))]
        is_open = open_links(problem, name)
        is_open = is_open[:, : shape[0]] if is_open.ndim == 2 else is_open[:, None]
        return np.asarray(full_channel * is_open[..., None])

    amplitude = parameters["amplitude"]
    incoming = [link(f"bs_to_irs{i}", (counts[i - 1], antennas)) for i in (1, 2)]
    outgoing = [amplitude * link(f"irs{i}_to_users", (users, counts[i - 1])) for i in (1, 2)]
    empty = np.empty((len(incoming[0]), 0, 0), np.complex128)
    irs1_to_irs2 = irs2_to_irs1 = empty
    if model == WITH:
        irs1_to_irs2 = amplitude * link("irs1_to_irs2", (counts[1], counts[0]))
        if parameters["inter_irs_directions"] == "both":
            irs2_to_irs1 = irs1_to_irs2.mT
    direct = empty
    if "bs_to_users" in channels:
        direct = scale * channels["bs_to_users"].values[:, :users, :antennas]
    return SurfaceLinks(
        np.concatenate(outgoing, axis=2),
        scale * np.concatenate(incoming, axis=1),
        irs1_to_irs2,
        irs2_to_irs1,
        direct,
        counts[0],
    )


def user_weights(parameters: Mapping[str, Any]) -> Real:
    """Return omega, (user,): the weights of the configuration, repeated from user to user."""
    return np.resize(np.asarray(parameters["weights"], float), parameters["users"])


def random_reflection(problem: Problem) -> Complex:
    """Return the random phases of an ensemble for the sizes in use, (realisation, element)."""
    counts = surfaces(problem.parameters)
    phases = [problem.channels[f"irs{i}_random_phase"].values[:, : counts[i - 1]] for i in (1, 2)]
    return np.asarray(np.exp(1j * np.concatenate(phases, axis=1)))


def sinr(channel: Complex, beams: Complex) -> Real:
    """Return the SINR of every user, eq. (4), noise and power being one.

    Args:
        channel: effective row channels (realisation, user, antenna).
        beams: (realisation, user, antenna).
    """
    return received_sinr(np.abs(np.einsum("rkm,rjm->rkj", channel, beams)) ** 2)


def evaluate(problem: Problem, variables: xr.Dataset) -> xr.Dataset:
    """Evaluate a design by eqs. (3), (4), (6) and the sums and minima of (7) and (32).

    Args:
        problem: what the scheme was given.
        variables: ``beams`` and ``reflection``.

    Returns:
        ``sum_rate`` and ``min_rate`` (realisation,), weighted, in bit/s/Hz, on the channels the
        scheme is verified with, and ``rank`` (realisation,) of the effective channel.
    """
    links = surface_links(problem, problem.parameters["verified_with"])
    channel = composite_channel(links, variables["reflection"].values)
    rates = user_weights(problem.parameters) * np.log2(
        1.0 + sinr(channel, variables["beams"].values)
    )
    metrics = {
        "sum_rate": variable(ONE, rates.sum(axis=1), "weighted sum-rate", "bit/s/Hz"),
        "min_rate": variable(ONE, rates.min(axis=1), "weighted minimal rate", "bit/s/Hz"),
        "rank": variable(ONE, np.linalg.matrix_rank(channel), "rank of the users' channel", "1"),
    }
    return xr.Dataset(metrics)


def design_variables(beams: Complex, reflection: Complex) -> xr.Dataset:
    """Lay out a design; beams are relative to the root of the transmit power."""
    dims = (*ONE, "beam", "antenna")
    return xr.Dataset(
        {
            "beams": variable(dims, beams, "beam of a user, of total power one", "1"),
            "reflection": variable(
                (*ONE, "element"),
                reflection,
                "reflection coefficient over its amplitude, IRS 1 first",
                "1",
            ),
        }
    )


def progress(solution: Alternation, of: str) -> dict[str, Any]:
    """Lay out how an algorithm ended; ``of`` is what its trace is of."""
    return {
        "status": variable(ONE, solution.status, status_legend(NO_INVERSE), "1"),
        "iterations": variable(ONE, solution.iterations, "iterations", "1"),
        "residual": variable(ONE, solution.residual, "last relative change of the rate", "1"),
        "trace": variable((*ONE, "iteration"), solution.trace, f"{of} per iteration", "bit/s/Hz"),
    }
