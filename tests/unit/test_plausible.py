"""What is plausible besides the value of a parameter: said for all, computable together."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from conftest import ROOT
from irsrepro.channels.streams import RandomStream, realisation_streams
from irsrepro.config.loading import load_paper, paper_keys
from irsrepro.config.paper import DEFAULT, Paper

KEYS = paper_keys(ROOT)
SETTLED = ("stated", "derived")


@pytest.fixture(scope="module")
def papers() -> dict[str, Paper]:
    return {key: load_paper(ROOT, key) for key in KEYS}


def varied(paper: Paper) -> Iterator[tuple[str, list[Any]]]:
    """Yield the parameters of which more than the default is plausible, with those values."""
    for name, entry in paper.parameters.items():
        plausible = entry.get("plausible", {})
        if values := plausible.get("values") or plausible.get("between"):
            yield name, values


@pytest.mark.parametrize("key", KEYS)
def test_it_is_said_of_every_parameter_that_the_paper_does_not_settle(
    key: str, papers: dict[str, Paper]
) -> None:
    silent = [
        name
        for name, entry in papers[key].parameters.items()
        if entry["origin"] not in SETTLED and "plausible" not in entry
    ]
    assert not silent


@pytest.mark.parametrize("key", KEYS)
def test_what_is_varied_has_an_influence(key: str, papers: dict[str, Paper]) -> None:
    paper = papers[key]
    jobs = [
        (experiment, scheme)
        for experiment, plan in paper.experiments.items()
        for scheme in plan["schemes"]
    ]
    for name, values in varied(paper):
        other = next(value for value in values if value != paper.parameters[name]["value"])
        changed = replace(paper, readings={DEFAULT: {}, "other": {name: other}})
        assert any(changed.holder("other", *job) == "other" for job in jobs), name


@pytest.mark.parametrize("end", [0, -1], ids=["lower", "upper"])
@pytest.mark.parametrize("key", KEYS)
def test_values_fit_together_and_channels_can_be_drawn(
    key: str, end: int, papers: dict[str, Paper]
) -> None:
    corner = {name: values[end] for name, values in varied(papers[key])}
    paper = load_paper(ROOT, key, "corner", corner)
    draw = import_module(f"irsrepro.papers.{key}.ensemble").draw
    for ensemble in paper.ensembles:
        streams = realisation_streams(RandomStream(1).child(key, ensemble), [0])
        channels = draw(paper.channel_parameters("corner", ensemble), streams)
        for name, values in channels.data_vars.items():
            assert np.isfinite(values).all(), name
