"""The schemes of schemes/*.m in GNU Octave, against schemes of the library on the same channels."""

import re
from collections.abc import Sequence

import numpy as np
import pytest
import xarray as xr

import octave
from conftest import ROOT
from irsrepro.build.exports import draw
from irsrepro.build.external import rejections, solve
from irsrepro.channels.streams import RandomStream
from irsrepro.config.loading import load_project
from irsrepro.config.paper import DEFAULT

SCRIPTS = sorted(ROOT.glob("schemes/*.m"))
PLACES = "{channels} {parameters} {solution}"


def compared(
    key: str, experiment: str, script: str, schemes: Sequence[str], values: list[float]
) -> dict[str, xr.Dataset]:
    """Solutions of two realisations by the script and by schemes of the library."""
    octave.needed()
    project = load_project(ROOT, {"fidelity": "preview", "realisations": 2})
    paper = project.papers[key]
    plan = paper.experiments[experiment]
    sweep = {"unit": "1", **plan["sweep"], "values": values}
    place = {"place": "CONFIG", "time_limit": 60.0, "listed": []}
    command = f"octave-cli --no-gui schemes/{script} {PLACES}"
    section = paper.external_parameters(DEFAULT, experiment)
    plans = {"mine": {"external": {"command": command, **place}, "section": section}}
    plans |= {name: paper.plan_of(DEFAULT, experiment, name) for name in schemes}
    return {
        name: solve(
            draw(project, key, plan["ensemble"]),
            RandomStream(1).child(name),
            each,
            f"irsrepro.papers.{key}.system",
            "fast",
            sweep,
        )
        for name, each in plans.items()
    }


def test_wmmse_is_near_the_best_of_zhang2022() -> None:
    """Two alternations from other starts end near each other, and above closed-form beams."""
    found = compared("zhang2022", "sum_antennas", "zhang2022_wmmse.m", ["domalo", "mmse"], [16])
    assert rejections(found["mine"]) == ""
    mine, domalo, mmse = (found[name]["sum_rate"].values for name in ("mine", "domalo", "mmse"))
    assert (mine > 0.85 * domalo).all() and mine.mean() > mmse.mean()


def test_power_is_between_random_phases_and_the_best_of_yu2020() -> None:
    """The targets are met, at a stationary point in the beams: SINRs equal to the target."""
    found = compared("yu2020", "target", "yu2020_power.m", ["random_phases", "riemannian",
                     "lower_bound"], [0, 10])  # fmt: skip
    assert rejections(found["mine"]) == ""
    power = {name: each["transmit_power_dbm"].values for name, each in found.items()}
    assert (power["mine"] > power["riemannian"] - 0.05).all()
    assert (power["mine"] > power["lower_bound"]).all()
    assert (power["mine"].mean(axis=1) < power["random_phases"].mean(axis=1)).all()
    targets = np.array([1.0, 10.0])[:, None, None]
    np.testing.assert_allclose(found["mine"]["sinr"].values / targets, 1.0, rtol=1e-6)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_has_nothing_that_only_octave_knows(path: str) -> None:
    """MATLAB is not here to try: no words, operators or comments of Octave alone."""
    lines = [line.partition("%")[0] for line in (ROOT / path).read_text().splitlines()]
    code = re.sub(r"'[^'\n]*'", "''", "\n".join(lines))
    only = r"\bend(if|for|while|function|_try_catch)\b|\bprintf\(|#|\+=|-=|\+\+|!|\"|\bargv\(\)\{"
    assert re.findall(only, code) == []
    assert not re.search(r"^\s*function\b", code, re.M), "a script with functions differs in both"
