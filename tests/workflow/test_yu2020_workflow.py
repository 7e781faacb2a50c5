"""yu2020 built whole at tiny fidelity."""

import numpy as np
import pytest

from conftest import Workflow, build_paper, check_paper, plotted, raw

DATA = "results/preview/yu2020/default"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    return build_paper(tmp_path_factory.mktemp("built"), "yu2020")


def test_the_paper_is_whole(built: Workflow) -> None:
    check_paper(built, "yu2020")


@pytest.mark.parametrize("scheme", ["inner_approximation", "alternating_minimisation", "no_irs"])
def test_a_plotted_number_follows_from_channels_and_solution(built: Workflow, scheme: str) -> None:
    """Fig. 3 by hand: SINRs of eq. (2) meet every target, and the power is that of the beams."""
    channels = built.root / DATA / "channels/sector/00000-00001.nc"
    solution = built.root / DATA / "fast/target/00000-00001.nc"
    f = raw(channels, "ap_to_irs")[:, :20, :4]
    h = raw(channels, "irs_to_user")[:, :, :20]
    d = raw(channels, "direct")[:, :, :4]
    w, x = raw(solution, f"{scheme}/beamformer"), raw(solution, f"{scheme}/reflection")
    seen = np.einsum("rkn,prn,rna->prka", h.conj(), x, f) + d.conj()
    received = np.abs(np.einsum("prka,pria->prki", seen, w)) ** 2
    signal = np.einsum("prkk->prk", received)
    sinr = signal / (received.sum(axis=3) - signal + 1e-12)
    target = 10 ** (np.arange(0, 17.5, 2.5) / 10)
    np.testing.assert_allclose(sinr, np.broadcast_to(target[:, None, None], sinr.shape), rtol=1e-5)
    power = 30 + 10 * np.log10((np.abs(w) ** 2).sum(axis=(2, 3)))
    drawn = plotted(built.root / "figures/yu2020/fig03a.csv", scheme)
    np.testing.assert_allclose(drawn, power.mean(axis=1), rtol=1e-9)


def test_an_upper_axis_and_the_snapshot_are_drawn(built: Workflow) -> None:
    text = (built.root / "figures/yu2020/fig04.svg").read_text()
    assert "Number of antennas" in text and "Number of elements" in text
    snapshot = plotted(built.root / "figures/yu2020/fig02a.csv", "inner_approximation")
    trace = raw(built.root / DATA / "fast/convergence/00000-00001.nc", "inner_approximation/trace")
    np.testing.assert_allclose(snapshot[:101], trace[0, 0, :101], rtol=1e-12)
