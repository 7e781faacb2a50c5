"""Joint Optimization: powers and reflection vector in turn (Algorithm 1)."""

import xarray as xr

from irsrepro.build.sweeps import Problem
from irsrepro.papers.he2020.alternation import best_per_realisation, run, solution_variables
from irsrepro.papers.he2020.system import network


def design(problem: Problem) -> xr.Dataset:
    """Run Algorithm 1 from the starting phases, and from the phase-only design for ``starts: two``.

    Of two runs the one with the higher sum-rate counts, realisation by realisation.

    Returns:
        See ``alternation.solution_variables``.
    """
    system = network(problem.channels, problem.parameters)
    solution = run(problem, system, update_powers=True, update_reflection=True)
    if problem.parameters["starts"] == "two":
        phases = run(problem, system, update_powers=False, update_reflection=True).reflection
        second = run(problem, system, update_powers=True, update_reflection=True, reflection=phases)
        solution = best_per_realisation(solution, second)
    return solution_variables(problem, system, solution)
