"""What the common phase of Proposition 1 does for several users: the least gain of any of them.

Under assumption A1 the single IRS has the cascades of both surfaces, which is the double system
without the path over both. Its design is taken over and turned by a common phase psi, eq. (28): one
user gains at the best phase, several need not gain at once.
"""

import numpy as np
import xarray as xr

from irsrepro.build.storage import variable
from irsrepro.build.sweeps import Problem
from irsrepro.optimize.beamforming.receivers import receiver_sinr
from irsrepro.optimize.rounding import polish
from irsrepro.papers.zheng2021.algorithms.codebook import search_codebooks
from irsrepro.papers.zheng2021.algorithms.links import effective_channel
from irsrepro.papers.zheng2021.algorithms.max_min_reflection import alternate_max_min
from irsrepro.papers.zheng2021.system import double_reflection, progress, transmit_power

PHASES = 360


def design(problem: Problem) -> xr.Dataset:
    """Design the single IRS, then turn its reflections by the phase that is best for the worst off.

    Returns:
        ``worst_ratio`` (realisation,): over common phases the largest value of the smallest ratio,
        over users, of the SINR with the path over both surfaces to that without it, MMSE receivers
        for either; and how the design of the single IRS ended.
    """
    parameters = problem.parameters
    power, links = transmit_power(parameters), double_reflection(problem)
    separate_links = links._replace(between=0.0 * links.between)
    words = problem.solver(search_codebooks)(separate_links, receiver="mmse", powers=power)
    solution = alternate_max_min(
        separate_links,
        words.reflection1,
        words.reflection2,
        lambda step, incumbent, *_: problem.solver(polish)(step, incumbent).vector,
        receiver="mmse",
        power=power,
        max_iterations=parameters["iterations"],
        tolerance=parameters["tolerance"],
    )
    single_channel = effective_channel(separate_links, solution.reflection1, solution.reflection2)
    double_channel = (
        effective_channel(links, solution.reflection1, solution.reflection2) - single_channel
    )
    reference_sinr = receiver_sinr(single_channel, "mmse", power)
    ratios = [
        (
            receiver_sinr(single_channel + np.exp(1j * psi) * double_channel, "mmse", power)
            / reference_sinr
        ).min(axis=1)
        for psi in 2.0 * np.pi * np.arange(PHASES) / PHASES
    ]
    description = "SINR of the user that gains least, over that of the single IRS"
    worst = variable(("realisation",), np.max(ratios, axis=0), description, "1")
    trace = np.log2(1.0 + solution.trace)
    progress_variables = progress(solution.status, solution.iterations, solution.residual, trace)
    return xr.Dataset({"worst_ratio": worst} | progress_variables)
