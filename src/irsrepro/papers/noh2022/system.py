"""System model: access points serve users jointly, directly and through surfaces, by zero forcing.

A reflection coefficient phi of the paper multiplies the wave from an access point; the relaxation
works with its conjugate u, so that the line-of-sight channel is linear, h = d + Q u (eq. (15)).
Everything is divided by the noise power of a user: squared amplitudes are in 1/W.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import ndtr

from irsrepro.array_types import Complex, Real
from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.channels.fading import rician_amplitudes
from irsrepro.channels.rician_network import RicianNetwork, draw_fading
from irsrepro.errors import ConfigurationError
from irsrepro.metrics import interference, received_sinr, watts
from irsrepro.optimize.sdp.problem import MaxMinProblem
from irsrepro.papers.noh2022.algorithms.zero_forcing import precoder_powers


def network(channels: xr.Dataset, parameters: Mapping[str, Any]) -> RicianNetwork:
    """Form the statistics of all links for the sizes in use, eqs. (3) and (4).

    Surfaces are every ``irs_sites / surfaces``-th of those drawn: 1 and 5, or 1, 3, 5 and 7, or all
    of 8. Both the line of sight and the scattering of a blocked link vanish.

    Args:
        channels: what ``draw`` returned.
        parameters: the parameters of a solution.

    Raises:
        ConfigurationError: the surfaces do not divide the sites.
    """
    sites, surfaces = channels.sizes["irs"], parameters["surfaces"]
    if surfaces < 1 or sites % surfaces:
        raise ConfigurationError(
            f"config/noh2022.yaml: parameters.surfaces: {surfaces} must divide irs_sites = {sites}"
        )
    selection = channels.isel(
        irs=slice(0, None, sites // surfaces),
        element=slice(0, parameters["elements"]),
        antenna=slice(0, parameters["antennas"]),
        user=slice(0, parameters["users"]),
        access_point=slice(0, parameters["access_points"]),
    )
    direct_los, direct_nlos = rician_amplitudes(parameters["direct_rician_factor"])
    reflected_los, reflected_nlos = rician_amplitudes(parameters["reflected_rician_factor"])
    noise = watts(parameters["noise_power"])
    visibility = selection["visible"].values.astype(float)
    direct = np.sqrt(selection["direct_gain"].values / noise)
    incoming = np.sqrt(visibility * selection["ap_irs_gain"].values / noise)
    outgoing = np.sqrt(selection["irs_user_gain"].values)
    departure = selection["ap_irs_departure"].values
    return RicianNetwork(
        direct_mean=direct_los * direct[..., None] * selection["direct_response"].values,
        direct_scatter=direct_nlos * direct,
        arrival=reflected_los * incoming[..., None] * selection["ap_irs_arrival"].values,
        departure=np.broadcast_to(departure, (len(direct), *departure.shape)).copy(),
        site_scatter=reflected_nlos * incoming,
        surface_mean=reflected_los * outgoing[..., None] * selection["irs_user_response"].values,
        surface_scatter=reflected_nlos * outgoing,
        numbers=np.arange(0, sites, sites // surfaces),
        seeds=selection["fading_seed"].values.astype(np.uint64),
    )


def random_reflection(channels: xr.Dataset, parameters: Mapping[str, Any]) -> Complex:
    """Return random coefficients of modulus one (realisation, surface, element), one per drop."""
    step = channels.sizes["irs"] // parameters["surfaces"]
    phases = channels["random_phase"].isel(
        irs=slice(0, None, step), element=slice(0, parameters["elements"])
    )
    reflection: Complex = np.exp(1j * phases.values)
    return reflection


def scattered_gain(links: RicianNetwork, reflection: Complex) -> Real:
    """Return the mean gain that scattering adds, the last two terms of eq. (16).

    With coefficients of modulus one it does not depend on them.

    Args:
        links: statistics.
        reflection: phi, (realisation, surface, element).

    Returns:
        Array (realisation, access point, user) in 1/W.
    """
    antennas = links.departure.shape[-1]
    power = (np.abs(reflection) ** 2)[:, None, :, None, :]
    mean_incoming = (np.abs(links.arrival) ** 2)[:, :, :, None, :]
    mean_outgoing = (np.abs(links.surface_mean) ** 2)[:, None]
    random_in = (links.site_scatter**2)[..., None, None]
    random_out = (links.surface_scatter**2)[:, None, ..., None]
    mixed = mean_incoming * random_out + random_in * (mean_outgoing + random_out)
    reflected: Real = antennas * (power * mixed).sum(axis=(2, 4))
    total: Real = antennas * links.direct_scatter**2 + reflected
    return total


def average_gain(links: RicianNetwork, reflection: Complex) -> Real:
    """Return the mean channel gain E ||h||^2 in closed form, eqs. (16) to (18).

    Args:
        links: statistics.
        reflection: phi, (realisation, surface, element), amplitude at most one.

    Returns:
        Array (realisation, access point, user) in 1/W: SNR at 1 W and matched filtering.
    """
    # d + Q u, without the large Q.
    incident = (links.surface_mean * reflection.conj()[:, :, None]).swapaxes(2, 3)
    scalars = (links.arrival.conj().swapaxes(1, 2) @ incident).swapaxes(1, 2)
    reflected = links.departure.conj().swapaxes(2, 3) @ scalars
    mean = links.direct_mean + reflected.swapaxes(2, 3)
    mean_gain: Real = (np.abs(mean) ** 2).sum(axis=-1)
    return mean_gain + scattered_gain(links, reflection)


def smallest_gain_problem(links: RicianNetwork) -> MaxMinProblem:
    """Form the max-min problem in the mean gains, eqs. (11) to (14).

    A cascade is of rank one, departure^* (arrival^H Diag(f) u): surfaces are blocks of elements,
    with a column for every user and every site that they see, and the antennas mix these.

    Returns:
        The problem in x = [u; t], whose last element stands for the direct channels; columns are
        the antennas of all access points, for one user after the other.
    """
    count, sites, surfaces, antennas = links.departure.shape
    users, elements = links.surface_mean.shape[2:]
    # The same in all realisations. Every surface has room for as many sites, those it sees first.
    visible = (links.arrival != 0.0).any(axis=(0, 3))
    max_sites = max(1, int(visible.sum(axis=0).max()))
    site_order = np.argsort(~visible, axis=0, kind="stable")[:max_sites]
    columns = np.zeros((count, surfaces * elements + 1, max_sites * users), np.complex128)
    mixing = np.zeros(
        (count, surfaces + 1, max_sites, users, users, sites, antennas), np.complex128
    )
    blocks = columns[:, :-1].reshape(count, surfaces, elements, max_sites, users)
    for s in range(surfaces):
        for j, a in enumerate(site_order[:, s]):
            blocks[:, s, :, j] = (links.arrival[:, a, s, None] * links.surface_mean[:, s].conj()).mT
            for k in range(users):
                mixing[:, s, j, k, k, a] = links.departure[:, a, s]
    columns[:, -1, 0] = 1.0
    mixing[:, -1, 0, 0] = links.direct_mean.conj().swapaxes(1, 2)
    weights = np.repeat(np.eye(users), sites * antennas, axis=1)
    ones = np.ones((count, surfaces, elements), np.complex128)
    return MaxMinProblem(
        columns=columns,
        weights=np.broadcast_to(weights, (count, *weights.shape)),
        constants=scattered_gain(links, ones).sum(axis=1),
        mixing=mixing.reshape(count, -1, weights.shape[1]),
        sizes=(elements,) * surfaces + (1,),
    )


def transmit_power(parameters: Mapping[str, Any]) -> float:
    """Return the power limit of an access point in W."""
    return watts(parameters["transmit_power"])


def reflection_variable(
    reflection: Complex, *, channel: bool = False
) -> tuple[Sequence[str], NDArray[Any], dict[str, str]]:
    """Lay out reflection coefficients (realisation, [channel,] surface, element)."""
    dims = ("realisation", *(("channel",) if channel else ()), "irs", "element")
    return variable(dims, reflection, "reflection coefficient", "1")


def statistics(problem: Problem, variables: xr.Dataset) -> xr.Dataset:
    """Sample what a design takes whatever the transmit power: the powers of zero forcing.

    Args:
        problem: as of ``evaluate``.
        variables: likewise.

    Returns:
        For a ``reflection`` (realisation, irs, element): ``precoder_power`` (realisation,
        access_point), sigma^2 delta in W, with ``precoder_power_error``, its standard error; and
        ``average_gain`` (realisation, user) in 1/W by the closed form, its smallest entry,
        ``gain_deviation`` (realisation, access_point, user), by how many standard errors the sample
        mean of ||h||^2 lies above it, its largest modulus, and ``gain_p_value``, the probability
        that chance alone makes that larger (Sidak's, over all links of the drop; a sample mean of
        few skewed gains is not quite normal, which makes it smaller at times). Nothing for others.
    """
    if "reflection" not in variables or "channel" in variables["reflection"].dims:
        return xr.Dataset()
    links = network(problem.channels, problem.parameters)
    reflection = variables["reflection"].values
    estimate = precoder_powers(links, reflection, problem.parameters["channels_per_drop"])
    closed_form = average_gain(links, reflection)
    user_gain = closed_form.sum(axis=1)
    deviation = (estimate.gain - closed_form) / estimate.gain_error
    worst = np.abs(deviation).max(axis=(1, 2))
    dims = ("realisation",)
    site, link = (*dims, "access_point"), (*dims, "access_point", "user")
    return xr.Dataset(
        {
            "precoder_power": variable(site, estimate.mean, "transmit power for SINRs of one", "W"),
            "precoder_power_error": variable(
                site, estimate.error, "standard error of the transmit power for SINRs of one", "W"
            ),
            "average_gain": variable(
                (*dims, "user"), user_gain, "mean channel gain over noise", "1/W"
            ),
            "smallest_average_gain": variable(
                dims, user_gain.min(axis=1), "smallest mean channel gain over noise", "1/W"
            ),
            "gain_deviation": variable(
                link, deviation, "sample mean above the closed form, in standard errors", "1"
            ),
            "largest_gain_deviation": variable(
                dims,
                worst,
                "largest distance of sample mean and closed form, in standard errors",
                "1",
            ),
            "gain_p_value": variable(
                dims,
                -np.expm1(deviation[0].size * np.log1p(-2.0 * ndtr(-worst))),
                "probability that chance makes the largest distance larger",
                "1",
            ),
        }
    )


def evaluate(problem: Problem, variables: xr.Dataset) -> xr.Dataset:
    """Evaluate a design on the instantaneous channels of every drop.

    A reflection vector that holds for the whole drop is used with zero forcing and one power for
    all users, which the power limits of the access points allow on average: the smallest rate is
    log2(1 + P / (sigma^2 max_a delta_a)), eqs. (8) and (9). Where the variables are different for
    every channel (``precoder`` and ``reflection`` with a dimension ``channel``), expectations are
    means over these channels.

    Args:
        problem: what the scheme was given; of the parameters, the sizes in use, Rician factors,
            ``noise_power``, ``transmit_power`` and ``channels_per_drop``.
        variables: ``reflection`` (realisation, irs, element), or as above; without any there is
            nothing to evaluate. What ``statistics`` returned is used where it is there.

    Returns:
        (realisation,) in bit/s/Hz: ``min_rate``, the smallest achievable rate as the paper has it,
        the hardening bound (6), for users who know the mean of their channel only;
        ``min_mean_rate``, the smallest of the users' mean rates, and ``mean_min_rate``, the mean
        over channels of the smallest rate, for users who know every channel. With zero forcing and
        long-term powers the three are equal. ``min_rate_error``, the standard error of the first
        relative to it; ``user_rate`` (realisation, user), of which it is the smallest;
        ``channel_scalars`` and ``fronthaul_scalars``, see `signalling`; ``largest_precoder_power``
        in W of a long-term design; and what ``statistics`` returns, unless it was there.
    """
    if "reflection" not in variables:
        return xr.Dataset()
    links = network(problem.channels, problem.parameters)
    if "channel" in variables["reflection"].dims:
        return _evaluate_instantaneous(links, variables)
    sampled = {} if "precoder_power" in variables else statistics(problem, variables).data_vars
    variables = variables.assign(sampled)
    powers = variables["precoder_power"].values
    sites = np.arange(len(powers)), powers.argmax(axis=1)
    largest, error = powers[sites], variables["precoder_power_error"].values[sites]
    sinr = transmit_power(problem.parameters) / largest
    rate = np.log2(1.0 + sinr)
    rate_error = sinr / (1.0 + sinr) * (error / largest) / (np.log(2.0) * rate)
    users = np.repeat(rate[:, None], links.direct_mean.shape[2], axis=1)
    return xr.Dataset(
        {
            **sampled,
            **_rates(rate, rate, rate, rate_error, users),
            **signalling(links, instantaneous=False),
            "largest_precoder_power": variable(
                ("realisation",), largest, "largest transmit power for SINRs of one", "W"
            ),
        }
    )


def _evaluate_instantaneous(links: RicianNetwork, variables: xr.Dataset) -> xr.Dataset:
    order = ("realisation", "channel", "access_point", "antenna", "user")
    precoders = variables["precoder"].transpose(*order).values
    reflections = variables["reflection"].transpose(*order[:2], "irs", "element").values
    amplitudes = np.stack(
        [
            np.einsum(
                "tamk,tamj->tkj",
                draw_fading(links, r, range(len(precoder))).composite(reflection).conj(),
                precoder,
            )
            for r, (precoder, reflection) in enumerate(zip(precoders, reflections, strict=True))
        ]
    )
    rates = np.log2(1.0 + received_sinr(np.abs(amplitudes) ** 2))
    bound = hardening_rates(amplitudes)
    worst = np.arange(len(bound)), bound.argmin(axis=1)
    # Jackknife over channels: the bound is a function of means.
    count = amplitudes.shape[1]
    without = np.stack(
        [hardening_rates(np.delete(amplitudes, t, axis=1))[worst] for t in range(count)]
    )
    error = np.sqrt((count - 1) * without.var(axis=0)) / bound[worst]
    smallest_mean, mean_smallest = rates.mean(axis=1).min(axis=1), rates.min(axis=2).mean(axis=1)
    return xr.Dataset(
        {
            **_rates(bound[worst], smallest_mean, mean_smallest, error, bound),
            **signalling(links, instantaneous=True),
        }
    )


def hardening_rates(amplitudes: Complex) -> Real:
    """Return the hardening bound (6) with means over channels for expectations.

    The phase of a precoder is free in every channel; here it makes what a user wants real and
    positive, which makes its mean the largest.

    Args:
        amplitudes: h_k^H w_j, (realisation, channel, user k, beam j).

    Returns:
        Array (realisation, user) in bit/s/Hz.
    """
    powers = np.abs(amplitudes) ** 2
    signal = np.abs(np.einsum("rtkk->rtk", amplitudes))
    interference_power = signal.var(axis=1) + interference(powers).mean(axis=1)
    rates: Real = np.log2(1.0 + signal.mean(axis=1) ** 2 / (interference_power + 1.0))
    return rates


def signalling(links: RicianNetwork, *, instantaneous: bool) -> dict[str, Any]:
    """Count what a coherence block costs, data and noise power left out.

    Zero forcing needs the effective channels, A M K complex numbers, and its precoders go to the
    access points, as many. A design that follows the channels needs every link by itself, those of
    blocked access points excepted, and sends L N phases to the surfaces too.

    Args:
        links: statistics, for the sizes and the links that are not blocked.
        instantaneous: whether phases are designed for every channel.

    Returns:
        ``channel_scalars``, real numbers of instantaneous channel knowledge, and
        ``fronthaul_scalars``, real numbers from the processing unit to access points and surfaces,
        both (realisation,).
    """
    count, sites, users, antennas = links.direct_mean.shape
    surfaces, elements = links.arrival.shape[2:]
    visible_links = (np.abs(links.arrival).max(axis=3, initial=0.0) > 0.0).sum(axis=(1, 2))
    channel_scalars = np.full(count, 2 * sites * antennas * users)
    fronthaul_scalars = channel_scalars.copy()
    if instantaneous:
        channel_scalars += 2 * elements * (antennas * visible_links + surfaces * users)
        fronthaul_scalars += surfaces * elements
    dims = ("realisation",)
    return {
        "channel_scalars": variable(
            dims,
            channel_scalars,
            "real numbers of instantaneous channel knowledge per coherence block",
            "1",
        ),
        "fronthaul_scalars": variable(
            dims,
            fronthaul_scalars,
            "real numbers over fronthaul links per coherence block, without data",
            "1",
        ),
    }


def _rates(
    smallest: Real, smallest_mean: Real, mean_smallest: Real, error: Real, users: Real
) -> dict[str, Any]:
    dims = ("realisation",)
    return {
        "min_rate": variable(dims, smallest, "minimum achievable rate", "bit/s/Hz"),
        "min_mean_rate": variable(
            dims, smallest_mean, "smallest of the users' mean rates", "bit/s/Hz"
        ),
        "mean_min_rate": variable(
            dims, mean_smallest, "mean of the smallest rate of a channel", "bit/s/Hz"
        ),
        "min_rate_error": variable(dims, error, "relative standard error of the rate", "1"),
        "user_rate": variable((*dims, "user"), users, "achievable rate of a user", "bit/s/Hz"),
    }
