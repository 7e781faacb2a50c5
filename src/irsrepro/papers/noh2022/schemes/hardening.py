"""Zero forcing checked on sampled channels: the hardening bound and the power allocation (III-A).

No scheme of the paper: it evaluates eq. (6) term by term for random phases, and lets a linear
program look for powers that serve the worst user better than equal ones.
"""

import numpy as np
import xarray as xr
from scipy.optimize import linprog

from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.channels.rician_network import draw_fading
from irsrepro.papers.noh2022.system import network, random_reflection, transmit_power


def design(problem: Problem) -> xr.Dataset:
    """Compare eq. (6) with eta / sigma^2, and equal powers with the best ones found.

    Args:
        problem: of the parameters, the sizes in use, Rician factors, ``noise_power``,
            ``transmit_power`` and ``hardening_channels`` (size of the sample).

    Returns:
        (realisation,) ``hardening_error``: largest relative difference over users of eq. (6) and
        the power over the noise; ``allocation_gain``: relative lead of the linear program's
        smallest SINR over that of equal powers.
    """
    parameters = problem.parameters
    links = network(problem.channels, parameters)
    reflection = random_reflection(problem.channels, parameters)
    limit = transmit_power(parameters)
    errors, gains = [], []
    for r in range(len(reflection)):
        fading = draw_fading(links, r, range(parameters["hardening_channels"]))
        channels = fading.composite(reflection[r : r + 1])
        count, sites, antennas, users = channels.shape
        stacked = channels.reshape(count, sites * antennas, users)
        precoder = np.linalg.pinv(stacked).mT.conj()
        powers = (np.abs(precoder.reshape(channels.shape)) ** 2).sum(axis=2).mean(axis=0)
        equal = limit / powers.sum(axis=1).max()
        received = np.sqrt(equal) * stacked.mT.conj() @ precoder
        signal = np.abs(np.einsum("tkk->tk", received).mean(axis=0)) ** 2
        total_power = (np.abs(received) ** 2).sum(axis=2).mean(axis=0)
        errors.append(np.abs(signal / (total_power - signal + 1.0) / equal - 1.0).max())
        # Variables are the users' powers and the smallest of them, in units of the equal one.
        smallest = np.hstack([-np.eye(users), np.ones((users, 1))])
        limits = np.hstack([equal / limit * powers, np.zeros((sites, 1))])
        result = linprog(
            -np.eye(users + 1)[-1],
            A_ub=np.vstack([smallest, limits]),
            b_ub=np.concatenate([np.zeros(users), np.ones(sites)]),
        )
        gains.append(-result.fun - 1.0 if result.success else np.nan)
    dims = ("realisation",)
    return xr.Dataset(
        {
            "hardening_error": variable(dims, errors, "relative error of eta / sigma^2", "1"),
            "allocation_gain": variable(dims, gains, "lead of other powers over equal ones", "1"),
        }
    )
