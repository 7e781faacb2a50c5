"""zheng2021 built whole at tiny fidelity."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conftest import Workflow, build_paper, check_paper, plotted, raw
from irsrepro.config.strict_yaml import read_yaml

DATA = "results/preview/zheng2021/default"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    return build_paper(tmp_path_factory.mktemp("built"), "zheng2021")


def test_the_paper_is_whole(built: Workflow) -> None:
    check_paper(built, "zheng2021")


def test_a_plotted_number_follows_from_channels_and_solution(built: Workflow) -> None:
    """Fig. 9 by hand: links, reflections and receivers of eight users, eqs. (1), (9) and (53)."""
    channels = built.root / DATA / "channels/multipath/00000-00001.nc"
    solution = built.root / DATA / "fast/many_users/00000-00001.nc"
    source = read_yaml(built.root, "config/zheng2021.yaml")["parameters"]
    gain = source["subsurface_gain"]["value"]
    noise = 10 ** (source["noise_power"]["value"] / 10 - 3)

    def link(name: str) -> NDArray[Any]:
        return np.asarray(np.sqrt(raw(channels, f"{name}_gain")) * raw(channels, name))

    u, v = link("users_to_irs1")[:, :20, :8], link("users_to_irs2")[:, :20, :8]
    d, g1, g2 = (link(f"irs{a}_to_{b}") for a, b in ((1, "irs2"), (1, "bs"), (2, "bs")))
    d, g1, g2 = d[:, :20, :20], g1[:, :, :20], g2[:, :, :20]
    first, second, w = (
        raw(solution, f"ao_mmse/{name}") for name in ("reflection1", "reflection2", "receiver")
    )
    np.testing.assert_allclose(np.abs(first), 1.0)
    radiated = gain * first[..., None] * u
    h = g1 @ radiated + g2 @ (gain * second[..., None] * (d @ radiated + v))
    power = 10 ** (np.arange(5, 40, 5) / 10 - 3)[:, None, None]
    received = np.abs(w.conj().swapaxes(2, 3) @ h) ** 2
    signal = np.einsum("prkk->prk", received)
    unwanted = received.sum(axis=3) - signal
    sinr = power * signal / (power * unwanted + noise * (np.abs(w) ** 2).sum(axis=2))
    mean = np.log2(1 + sinr).min(axis=2).mean(axis=1)
    drawn = plotted(built.root / "figures/zheng2021/fig09.csv", "ao_mmse")
    np.testing.assert_allclose(drawn, mean, rtol=1e-6)


def test_timed_designs_are_told_in_seconds(built: Workflow) -> None:
    for scheme in ("sdr", "ao_single"):
        seconds = raw(built.root / DATA / "fast/cost/00000-00001.nc", f"{scheme}/seconds")
        assert seconds.shape == (1, 2) and (seconds > 0).all()
