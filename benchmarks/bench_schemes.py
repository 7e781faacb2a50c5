"""The main algorithms of every paper beside the same scheme by public solvers.

Both ways are the scheme on the paper's own channels, channels drawn before; they have equal and few
iterations, since the public ones take minutes. Alternations over semidefinite relaxations are left
out, as even one round of them does: see `solve_diagonal_sdp` among the kernels.

Run `pytest benchmarks/bench_schemes.py`.
"""

from __future__ import annotations

import irsrepro  # noqa: F401  before NumPy, whose BLAS then has one thread

# isort: split
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from irsrepro.channels.rician_network import draw_fading
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.config.paper import DEFAULT
from irsrepro.papers.noh2022 import ensemble, system
from irsrepro.papers.noh2022.algorithms.zero_forcing import precoder_powers, precoder_powers_of
from schemes import prepared, project

PUBLIC = "the same scheme by public solvers"


class Scheme(NamedTuple):
    """A scheme of an experiment with some parameters set, on so many realisations of ours."""

    experiment: str
    sizes: dict[str, Any]
    ours: int = 8


SCHEMES = {
    "he2020 joint": Scheme("irs_count", {"irss": 4, "tolerance": 0.0, "max_iterations": 20}, 32),
    "he2020 phase": Scheme("irs_count", {"irss": 4, "tolerance": 0.0, "max_iterations": 20}, 32),
    "noh2022 proposed": Scheme("near", {"elements": 2, "surfaces": 4}),
    "noh2022 sum_rate_max": Scheme(
        "power_instantaneous",
        {"elements": 2, "instantaneous_channels": 1, "sum_rate_tolerance": 1e-2},
    ),
    "yu2020 inner_approximation": Scheme(
        "target", {"elements": 10, "users": 2, "tolerance": 0.0, "max_iterations": 2}
    ),
    "yu2020 alternating_minimisation": Scheme(
        "target", {"elements": 10, "alternation_tolerance": 0.0, "alternation_max_iterations": 2}
    ),
    "yu2020 riemannian": Scheme("target", {"elements": 20, "riemannian_max_iterations": 100}),
    "zhang2022 domalo": Scheme("sum_elements", {"elements": 40, "outer_iterations": 5}),
    "zhang2022 sdomalo": Scheme("min_elements", {"elements": 40, "outer_iterations": 5}),
    "zhang2022 aif": Scheme("sum_elements", {"elements": 20, "aif_iterations": 5}),
    "zheng2021 ao_single": Scheme("power", {"subsurfaces": 40}, 100),
    "zheng2021 single": Scheme("power", {"subsurfaces": 40}, 100),
    "zheng2021 bound": Scheme("power", {"subsurfaces": 20}),
    "zheng2021 dft_mmse": Scheme("several_power", {"subsurfaces": 40}),
}


@pytest.mark.parametrize("name", SCHEMES)
def bench_scheme(name: str, beside: Callable[..., None]) -> None:
    """Measure a scheme by either engine."""
    key, scheme = name.split()
    asked = SCHEMES[name]
    where = key, asked.experiment, scheme
    ours = prepared(*where, asked.ours, sizes=asked.sizes)
    obvious = prepared(*where, 1, sizes=asked.sizes, engine="reference")
    beside("schemes", name, ours, obvious, way=PUBLIC, many=asked.ours)


def bench_zero_forcing(beside: Callable[..., None]) -> None:
    """Mean powers of zero forcing in noh2022: our kernel draws the few numbers that count."""
    paper = project().papers["noh2022"]
    parameters = paper.reading(DEFAULT) | {"antennas": 4, "elements": 100}
    streams = realisation_streams(RandomStream(1), range(2))
    channels = ensemble.draw(parameters, streams)
    links = system.network(channels, parameters)
    reflection = np.exp(1j * channels["random_phase"].values[:, :, :100])
    beside(
        "schemes",
        "noh2022 zero forcing",
        lambda: precoder_powers(links, reflection, 200),
        lambda: precoder_powers_of(draw_fading(links, 0, range(100)), reflection[0]),
        way="NumPy, every number of a channel drawn",
        many=400,
        few=100,
    )
