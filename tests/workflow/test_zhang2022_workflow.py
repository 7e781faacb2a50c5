"""zhang2022 built whole at tiny fidelity."""

import numpy as np
import pytest

from conftest import Workflow, build_paper, check_paper, plotted, raw
from irsrepro.config.strict_yaml import read_yaml

DATA = "results/preview/zhang2022/default"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    return build_paper(tmp_path_factory.mktemp("built"), "zhang2022")


def test_the_paper_is_whole(built: Workflow) -> None:
    check_paper(built, "zhang2022")


def test_a_plotted_number_follows_from_channels_and_solution(built: Workflow) -> None:
    """Fig. 16 by hand: links, reflection and beams of four users, eqs. (3) and (4)."""
    channels = built.root / DATA / "channels/open/00000-00001.nc"
    solution = built.root / DATA / "fast/min_power/00000-00001.nc"
    source = read_yaml(built.root, "config/zhang2022.yaml")
    noise = 10 ** (source["parameters"]["noise_power"]["value"] / 10 - 3)
    power = 10 ** (np.array(source["experiments"]["min_power"]["sweep"]["values"]) / 10 - 3)
    w, x = raw(solution, "sdomalo/beams"), raw(solution, "sdomalo/reflection")
    np.testing.assert_allclose(np.abs(x), 1.0)
    np.testing.assert_allclose((np.abs(w) ** 2).sum(axis=(2, 3)), 1.0)
    channel = 0.0
    for i, part in ((1, x[..., :40]), (2, x[..., 40:])):
        row = raw(channels, f"irs{i}_to_users")[:, :4, :40]
        incoming = raw(channels, f"bs_to_irs{i}")[:, :40, :16]
        channel = channel + np.einsum("rkn,prn,rnm->prkm", row, part, incoming)
    heard = power[:, None, None, None] * np.abs(np.einsum("prkm,prjm->prkj", channel, w)) ** 2
    own = np.einsum("prkk->prk", heard)
    sinr = own / (heard.sum(axis=3) - own + noise)
    mean = np.log2(1 + sinr).min(axis=2).mean(axis=1)
    drawn = plotted(built.root / "figures/zhang2022/fig16.csv", "sdomalo")
    np.testing.assert_allclose(drawn, mean, rtol=1e-6)


def test_zero_forcing_beyond_the_rank_is_no_number(built: Workflow) -> None:
    path = built.root / DATA / "fast/sum_users/00000-00001.nc"
    rate, users = raw(path, "zf/sum_rate"), raw(path, "zf/point")
    np.testing.assert_array_equal(np.isnan(rate).all(axis=1), users > 8)
