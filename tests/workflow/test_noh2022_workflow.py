"""noh2022 built whole at tiny fidelity."""

import numpy as np
import pytest
import xarray as xr

from conftest import Workflow, build_paper, check_paper, plotted, raw
from irsrepro.build.storage import read_dataset
from irsrepro.channels.rician_network import draw_fading
from irsrepro.papers.noh2022.system import network

DATA = "results/preview/noh2022/default"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    return build_paper(tmp_path_factory.mktemp("built"), "noh2022")


def test_the_paper_is_whole(built: Workflow) -> None:
    check_paper(built, "noh2022")


def test_a_plotted_number_follows_from_channels_and_solution(built: Workflow) -> None:
    """Fig. 4 by hand at 25 elements: fading drawn again, zero forcing, eqs. (3), (8) and (9).

    The figure's own average draws fewer, other numbers with the same distribution.
    """
    solution = built.root / DATA / "fast/near/00000-00001.nc"
    channels: xr.Dataset = read_dataset(built.root / DATA / "channels/near/00000-00001.nc")
    sizes = {"surfaces": 8, "elements": 25, "antennas": 4, "users": 4, "access_points": 4}
    powers = {"direct_rician_factor": -3, "reflected_rician_factor": 3, "noise_power": -94}
    links = network(channels, sizes | powers)
    reflection = raw(solution, "proposed/reflection")[0, :, :, :25]
    np.testing.assert_allclose(np.abs(reflection), 1.0)
    rates, errors = [], []
    for drop in range(2):
        fading = draw_fading(links, drop, range(1500))
        h = fading.composite(reflection[drop : drop + 1])
        stacked = h.reshape(1500, 16, 4)
        precoder = np.linalg.pinv(stacked).swapaxes(1, 2).conj()
        spent = (np.abs(precoder.reshape(h.shape)) ** 2).sum(axis=(2, 3))
        worst = spent.mean(axis=0).argmax()
        delta = spent[:, worst].mean()
        rates.append(np.log2(1 + 0.1 / delta))
        errors.append(spent[:, worst].std() / np.sqrt(1500) / delta)
    drawn = plotted(built.root / "figures/noh2022/fig04a.csv", "near/proposed")[0]
    assert drawn == pytest.approx(np.median(rates), abs=8 * max(errors) / np.log(2))


def test_a_costly_scheme_stands_beside_the_others_with_both_its_rates(built: Workflow) -> None:
    for panel, power in zip("abc", (10, 20, 30), strict=True):
        table = built.root / f"figures/noh2022/fig03{panel}.csv"
        drawn = [
            plotted(table, f"power_instantaneous/sum_rate_max{quantity}@{power}")
            for quantity in ("", " min_mean_rate")
        ]
        for values in drawn:
            assert len(values) == 2 and values[0] <= values[1]
        # What users know who know every channel is never worth less than the bound.
        assert all(bound <= mean for bound, mean in zip(*drawn, strict=True))


def test_hotspots_share_their_draws(built: Workflow) -> None:
    near, far = (
        read_dataset(built.root / DATA / f"channels/{name}/00000-00001.nc")
        for name in ("near", "far")
    )
    np.testing.assert_array_equal(near["fading_seed"], far["fading_seed"])
    np.testing.assert_array_equal(near["random_phase"], far["random_phase"])
