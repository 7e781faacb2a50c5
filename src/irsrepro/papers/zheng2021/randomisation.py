"""A reflection step as the paper takes it: semidefinite relaxation, then Gaussian randomisation."""

from irsrepro.array_types import Complex, Real
from irsrepro.build.sweeps import Problem
from irsrepro.channels.streams import children
from irsrepro.optimize.rounding import randomise
from irsrepro.optimize.sdp.problem import MaxMinProblem
from irsrepro.optimize.sdp.solver import solve_diagonal_sdp


def relax_and_round(
    problem: Problem, step: MaxMinProblem, incumbent: Complex, iteration: int, surface: int
) -> tuple[Complex, Real]:
    """Solve the relaxation of a reflection step and take the best of many random vectors.

    Args:
        problem: what the scheme was given.
        step: the smallest value as a function of [theta; 1].
        incumbent: the vector in use, (realisation, element); it is kept where no sample is better,
            unless the parameters say otherwise.
        iteration: number of the iteration, which with the surface keys the samples.
        surface: the one whose reflection is sought.

    Returns:
        The vector (realisation, element) and the certified upper bound (realisation,) of the
        smallest value, which the reference engine has from its solver, without a certificate.
    """
    accuracy = problem.parameters["sdr_tolerance"]
    relaxed = problem.solver(solve_diagonal_sdp)(step, tolerance=accuracy)
    keys = children(problem.streams, "randomisation", iteration, surface)
    fallback = incumbent if problem.parameters["keep_incumbent"] else None
    samples = problem.parameters["randomisations"]
    rounded = randomise(step, relaxed.factor, keys, samples, incumbent=fallback)
    return rounded.vector, relaxed.upper_bound
