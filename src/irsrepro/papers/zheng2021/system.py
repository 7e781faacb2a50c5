"""System model: users reach a base station over two surfaces, singly and doubly reflected.

Channels are divided by the noise amplitude of an antenna, so that noise has power one and gains are
SNRs per watt. The single-IRS baseline stands beside the double system.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.channels.fading import rician
from irsrepro.errors import ConfigurationError
from irsrepro.metrics import watts
from irsrepro.optimize.beamforming.receivers import linear_receivers, receive_sinr
from irsrepro.optimize.result import status_legend
from irsrepro.papers.zheng2021.algorithms.double_reflection import Alternation
from irsrepro.papers.zheng2021.algorithms.links import Links, effective_channel, joint_cascade
from irsrepro.papers.zheng2021.ensemble import links as links_of

ONE = ("realisation",)


def surfaces(parameters: Mapping[str, Any]) -> tuple[int, int]:
    """Return the numbers of subsurfaces M_1 and M_2 of the two surfaces.

    Raises:
        ConfigurationError: a surface has more of them than the ensemble draws, or fewer than none.
    """
    total, first = parameters["subsurfaces"], parameters["subsurfaces1"]
    first = total // 2 if first == "half" else int(first)
    largest = parameters["largest_surface"]
    if not (0 <= first <= largest and 0 <= total - first <= largest):
        raise ConfigurationError(
            f"config/zheng2021.yaml: parameters.subsurfaces1: {first} of {total} subsurfaces is "
            f"not allowed; a surface has 0 to {largest}, what the ensemble draws"
        )
    return first, int(total) - first


def double_reflection(problem: Problem) -> Links:
    """Return the channels of the double system, eq. (1), for the sizes in use.

    A subsurface reflects with an amplitude of its own; a path over both surfaces has it twice. A
    system of one user has no user axis. With ``paths: double`` only the path over both is there.
    """
    parameters = problem.parameters
    first, second = surfaces(parameters)
    counts = {"user": parameters["users"], "irs1_element": first, "irs2_element": second}
    amplitude, noise = parameters["subsurface_gain"], _noise_amplitude(parameters)

    def link(name: str) -> Complex:
        return _link(problem, name, counts)

    channels = Links(
        first=_users(link("users_to_irs1"), parameters),
        second=_users(link("users_to_irs2"), parameters),
        between=amplitude * link("irs1_to_irs2"),
        first_to_receiver=amplitude / noise * link("irs1_to_bs"),
        second_to_receiver=amplitude / noise * link("irs2_to_bs"),
    )
    if parameters.get("paths") == "double":
        channels = channels._replace(
            second=0.0 * channels.second, first_to_receiver=0.0 * channels.first_to_receiver
        )
    return channels


def with_user_axis(links: Links) -> Links:
    """Return the channels with an axis of users, (realisation, user, element), also for one."""
    if links.first.ndim == 3:
        return links
    return links._replace(first=links.first[:, None], second=links.second[:, None])


def single_reflection(problem: Problem) -> Links:
    """Return the channels of the single-IRS baseline as those of a surface 2 without a surface 1.

    One user has the cascades of both surfaces side by side (assumption A1, eq. (27)); several have
    channels of their own with as many paths (assumption A2).

    Raises:
        ConfigurationError: the surface has more subsurfaces than the ensemble draws.
    """
    parameters = problem.parameters
    if parameters["fading"] == "rician":
        cascade = joint_cascade(double_reflection(problem))
        users, receiver = np.ones_like(cascade[:, 0]), cascade
    else:
        size, largest = parameters["subsurfaces"], parameters["largest_surface"]
        if size > largest:
            raise ConfigurationError(
                f"config/zheng2021.yaml: parameters.subsurfaces: {size} is not allowed; a single "
                f"IRS has at most largest_surface = {largest}, what the ensemble draws"
            )
        counts = {"user": parameters["users"], "single_element": size}
        users = _users(_link(problem, "users_to_single", counts), parameters)
        receiver = (
            parameters["subsurface_gain"]
            / _noise_amplitude(parameters)
            * _link(problem, "single_to_bs", counts)
        )
    return Links(users[..., :0], users, receiver.mT[..., :0], receiver[..., :0], receiver)


def transmit_power(parameters: Mapping[str, Any]) -> float:
    """Return the transmit power of a user in W."""
    return watts(parameters["transmit_power"])


def smallest_rate(sinr: Real) -> Real:
    """Return min_k log2(1 + SINR_k) in bit/s/Hz, eq. (53), from (realisation, ..., user)."""
    rate: Real = np.log2(1.0 + sinr).min(axis=-1)
    return rate


def evaluate(problem: Problem, variables: xr.Dataset) -> xr.Dataset:
    """Evaluate a design by eqs. (1), (9), (12), (13) and (53).

    Args:
        problem: what the scheme was given.
        variables: ``reflection1`` and ``reflection2`` of the double system or ``reflection`` of the
            single one, and ``receiver``; or ``gain_bound``, which no design exceeds; or ranks,
            which have no rate.

    Returns:
        ``rate`` (realisation,): the smallest of the users' rates in bit/s/Hz; and for several users
        ``rank`` (realisation,) of their channel and, where a scheme with MMSE receivers knows how
        zero forcing is meant, ``zf_share``: what zero forcing reaches of its rate with the same
        reflections.
    """
    parameters = problem.parameters
    power = transmit_power(parameters)
    if not {"receiver", "gain_bound"} & set(variables):
        return xr.Dataset()
    if "gain_bound" in variables:
        bound = np.log2(1.0 + power * variables["gain_bound"].values)
        return xr.Dataset({"rate": variable(ONE, bound, "bound of the rate", "bit/s/Hz")})
    if "reflection" in variables:
        system, reflection = single_reflection(problem), variables["reflection"].values
        channel = effective_channel(system, reflection[:, :0], reflection)
    else:
        pair = (variables[name].values for name in ("reflection1", "reflection2"))
        channel = effective_channel(double_reflection(problem), *pair)
    receiver = variables["receiver"].values
    if channel.ndim == 2:
        channel, receiver = channel[..., None], receiver[..., None]
    metrics = {}
    if parameters["fading"] == "multipath":
        rank = np.linalg.matrix_rank(channel)
        metrics["rank"] = variable(ONE, rank, "rank of the users' channel", "1")
        if "zf_beyond_rank" in parameters:
            forcing = _zero_forcing(channel, rank, parameters["zf_beyond_rank"])
            if parameters["receiver"] == "zf":
                singular = np.less(rank, channel.shape[-1]).reshape(-1, 1, 1)
                receiver = np.where(singular, forcing, receiver)
            else:
                reference_rate = _rate(channel, receiver, power)
                share = _rate(channel, forcing, power) / reference_rate
                description = "rate of zero forcing over that of MMSE, same reflections"
                metrics["zf_share"] = variable(ONE, share, description, "1")
    rate = _rate(channel, receiver, power)
    metrics["rate"] = variable(ONE, rate, "smallest rate of the users", "bit/s/Hz")
    return xr.Dataset(metrics)


def _rate(channel: Complex, receivers: Complex, power: float) -> Real:
    """Return the smallest rate (realisation,); NaN for receivers that are NaN."""
    valid = np.isfinite(receivers).all(axis=(1, 2), keepdims=True)
    rate = smallest_rate(receive_sinr(channel, np.where(valid, receivers, 0.0), power, 1.0))
    return np.where(valid.reshape(-1), rate, np.nan)


def _zero_forcing(channel: Complex, rank: NDArray[np.int64], rule: str) -> Complex:
    """Return the receivers of eq. (49), (realisation, antenna, user).

    Where users outnumber the rank, H^H H has no inverse: there are the receivers of the
    pseudo-inverse, NaN (``invalid``), or what comes out when the matrix, which is singular but for
    rounding, is inverted nevertheless (``literal``).
    """
    receivers = linear_receivers(channel, "zf")[0]
    singular = np.flatnonzero(rank < channel.shape[-1])
    if rule == "invalid":
        receivers[singular] = np.nan
    elif rule == "literal" and len(singular):
        deficient = channel[singular]
        receivers[singular] = deficient @ np.linalg.inv(deficient.mT.conj() @ deficient)
    return receivers


def progress(
    status: NDArray[np.int8],
    iterations: NDArray[np.int64],
    residual: Real,
    trace: Real,
    of: str = "smallest rate",
    unit: str = "bit/s/Hz",
) -> dict[str, Any]:
    """Lay out how an algorithm ended.

    Args:
        status: (realisation,) of `Ending`.
        iterations: (realisation,).
        residual: (realisation,) last relative increase of what is maximised.
        trace: (realisation, iteration).
        of: what the trace is of.
        unit: its unit.
    """
    return {
        "status": variable(ONE, status, status_legend(), "1"),
        "iterations": variable(ONE, iterations, "iterations", "1"),
        "residual": variable(ONE, residual, "last relative increase", "1"),
        "trace": variable((*ONE, "iteration"), trace, f"{of} per iteration", unit),
    }


def gain_progress(solution: Alternation) -> dict[str, Any]:
    """Lay out how a single-user algorithm ended; its trace does not depend on transmit power."""
    return progress(
        solution.status,
        solution.iterations,
        solution.residual,
        solution.trace,
        "SNR per watt",
        "1/W",
    )


def rank_variables(
    double_channel: Complex,
    single_channel: Complex,
    first: Complex,
    to_receiver: Complex,
    paths: int,
) -> xr.Dataset:
    """Lay out ranks and compare them with Proposition 2.

    rank(H) >= rank(H_S) + min(rank(U_1), rank(G_1)) as printed in eq. (52), and the same capped by
    the numbers of users and antennas; and with the rank that generic phases have,
    min(K, N, r_G1 + r_G2).

    Args:
        double_channel: H of the double system, (realisation, antenna, user).
        single_channel: H_S of the single one.
        first: U_1 transposed, (realisation, user, element of surface 1).
        to_receiver: G_1, (realisation, antenna, element of surface 1).
        paths: r_G1 + r_G2, as the channels were drawn.
    """
    ranks = [
        np.linalg.matrix_rank(matrix)
        for matrix in (double_channel, single_channel, first, to_receiver)
    ]
    promised_rank = ranks[1] + np.minimum(ranks[2], ranks[3])
    capped_rank = np.minimum(promised_rank, min(double_channel.shape[1:]))
    generic = min(*double_channel.shape[1:], paths)
    return xr.Dataset(
        {
            name: variable(ONE, values, description, "1")
            for name, values, description in (
                ("double_rank", ranks[0], "rank of the double system's channel"),
                ("single_rank", ranks[1], "rank of the single system's channel"),
                (
                    "printed_excess",
                    ranks[0] - promised_rank,
                    "rank above the one promised as printed",
                ),
                ("capped_excess", ranks[0] - capped_rank, "rank above the one promised, capped"),
                ("generic_excess", ranks[0] - generic, "rank above that of generic phases"),
            )
        }
    )


def double_variables(reflection1: Complex, reflection2: Complex, receiver: Complex) -> xr.Dataset:
    """Lay out a design of the double system."""
    variables = {
        f"reflection{irs}": variable(
            (*ONE, f"irs{irs}_element"), values, f"reflection coefficient of IRS {irs}", "1"
        )
        for irs, values in ((1, reflection1), (2, reflection2))
    }
    return xr.Dataset(variables | _receiver(receiver))


def single_variables(reflection: Complex, receiver: Complex) -> xr.Dataset:
    """Lay out a design of the single-IRS baseline."""
    name = "reflection coefficient of the single IRS"
    variables = {"reflection": variable((*ONE, "element"), reflection, name, "1")}
    return xr.Dataset(variables | _receiver(receiver))


def _receiver(receiver: Complex) -> dict[str, Any]:
    dims = (*ONE, "antenna", "user")[: receiver.ndim]
    return {"receiver": variable(dims, receiver, "receive beamformer", "1")}


def _noise_amplitude(parameters: Mapping[str, Any]) -> float:
    return float(np.sqrt(watts(parameters["noise_power"])))


def _users(channel: Complex, parameters: Mapping[str, Any]) -> Complex:
    """Put users first: (realisation, user, element), or drop the axis of the only user."""
    return channel[..., 0] if parameters["fading"] == "rician" else channel.swapaxes(1, 2)


def _link(problem: Problem, name: str, counts: Mapping[str, int]) -> Complex:
    """Return a link (realisation, receiving, sending) for the sizes in use."""
    parameters, channels = problem.parameters, problem.channels

    def part(name: str) -> Complex:
        sizes = {dim: slice(size) for dim, size in counts.items() if dim in channels[name].dims}
        return np.asarray(channels[name].isel(sizes).values)

    amplitude = float(np.sqrt(channels[f"{name}_gain"]))
    if parameters["fading"] == "multipath":
        return amplitude * part(name)
    is_near = links_of(parameters)[name].near
    factor = parameters["near_rician_factor" if is_near else "far_rician_factor"]
    return amplitude * rician(part(f"{name}_direct"), part(f"{name}_scattered"), factor)
