"""Any scheme of any paper on parameters of one's own, without Snakemake: channels, then a call."""

from __future__ import annotations

import irsrepro  # noqa: F401  before NumPy, whose BLAS then has one thread

# isort: split
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from importlib import import_module
from typing import Any

import xarray as xr

from irsrepro.build.jobs import keep_compiled_kernels
from irsrepro.build.sweeps import solve
from irsrepro.channels.ensembles import draw_realisations
from irsrepro.channels.streams import RandomStream
from irsrepro.config.loading import Project, load_project
from irsrepro.config.paper import DEFAULT
from timing import ROOT

keep_compiled_kernels(ROOT)
Sizes = Mapping[str, Any]
Call = Callable[[], xr.Dataset]


@lru_cache
def project() -> Project:
    """Return the configuration of this checkout, at paper fidelity."""
    return load_project(ROOT, {})


def prepared(
    key: str,
    experiment: str,
    scheme: str,
    realisations: int,
    *,
    sizes: Sizes | None = None,
    engine: str = "fast",
) -> Call:
    """Return a call that designs and evaluates; channels are drawn before.

    Args:
        key: of the paper.
        experiment: whose parameters and channels count.
        scheme: listed by the experiment.
        realisations: how many, from the first.
        sizes: parameters set on top; with them the sweep is left out and its parameter has the
            value of the default reading, unless it is among the sizes. Without them the whole
            sweep is run.
        engine: ``fast`` or ``reference``.
    """
    paper = project().papers[key]
    plan = paper.experiments[experiment]
    drawn = paper.channel_parameters(DEFAULT, plan["ensemble"])
    section = paper.solution_parameters(DEFAULT, experiment, scheme)
    sweep = dict(plan["sweep"])
    if sizes is not None:
        drawn |= {name: value for name, value in sizes.items() if name in drawn}
        swept = {sweep["parameter"]: paper.reading(DEFAULT)[sweep["parameter"]]}
        section |= swept | dict(sizes)
        name = next(iter(sizes))  # a sweep of one point, as `solve` wants one
        sweep = {"parameter": name, "values": [section.pop(name)]}
    sweep["unit"] = paper.parameters[sweep["parameter"]]["unit"]
    return partial(
        solve,
        _drawn(key, plan["ensemble"], drawn, realisations),
        _stream(key, plan["ensemble"]).child("scheme", scheme),
        paper.module(scheme),
        f"irsrepro.papers.{key}.system",
        section,
        engine,
        sweep,
    )


def ensemble_bytes(key: str, ensemble: str) -> int:
    """Return the bytes of one realisation of the channels of an ensemble."""
    drawn = project().papers[key].channel_parameters(DEFAULT, ensemble)
    return _drawn(key, ensemble, drawn, 1).nbytes


def _stream(key: str, ensemble: str) -> RandomStream:
    draws = project().papers[key].draws_of(ensemble)
    return RandomStream(project().seed).child(key, draws)


def _drawn(key: str, ensemble: str, parameters: Sizes, realisations: int) -> xr.Dataset:
    draw = import_module(f"irsrepro.papers.{key}.ensemble").draw
    return draw_realisations(draw, parameters, _stream(key, ensemble), range(realisations))
