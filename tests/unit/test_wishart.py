"""Factors of Wishart matrices: Bartlett's against the columns of noise that they stand for."""

import numpy as np
import pytest
import scipy.stats

from irsrepro.array_types import Complex
from irsrepro.channels.wishart import fill_wishart_factor
from irsrepro.compiled import kernel

KIND = 9
SAMPLES = 3000


def factors(columns: int, degrees: int, count: int = SAMPLES) -> Complex:
    """R of many channels, (channel, column, column)."""
    drawn = np.empty((count, columns, columns), np.complex128)
    _fill(degrees, drawn)
    return drawn


@kernel
def _fill(degrees: int, drawn: Complex) -> None:
    for t in range(len(drawn)):
        fill_wishart_factor(np.uint64(7), KIND, 3, t, degrees, drawn[t])


@pytest.mark.parametrize(("columns", "degrees"), [(3, 1), (3, 2), (3, 3), (4, 9), (2, 150)])
def test_inner_products_have_the_distribution_of_those_of_noise(columns: int, degrees: int) -> None:
    R = factors(columns, degrees)
    ours = R.conj().mT @ R
    rng = np.random.default_rng(degrees)
    parts = rng.standard_normal((2, SAMPLES, degrees, columns)) / np.sqrt(2.0)
    Z = parts[0] + 1j * parts[1]
    true = Z.conj().mT @ Z
    for i in range(columns):
        for j in range(i, columns):
            for part in (np.real, np.imag, np.abs):
                pair = part(ours[:, i, j]), part(true[:, i, j])
                if i != j or part is not np.imag:
                    assert scipy.stats.ks_2samp(*pair).pvalue > 1e-4
    # All entries together: the smallest eigenvalue sees how they hang together.
    smallest = [np.linalg.eigvalsh(m)[:, -min(columns, degrees)] for m in (ours, true)]
    assert scipy.stats.ks_2samp(*smallest).pvalue > 1e-4


@pytest.mark.parametrize("degrees", [1, 2, 5])
def test_the_diagonal_is_of_gamma_distributions(degrees: int) -> None:
    """From so many draws that a test which accepts too often or too seldom is seen."""
    R = factors(2, degrees, 300_000)
    for i in range(min(2, degrees)):
        law = scipy.stats.gamma(degrees - i)
        assert scipy.stats.kstest(R[:, i, i].real ** 2, law.cdf).pvalue > 1e-4
        assert (R[:, i, i].imag == 0.0).all()
    if degrees > 1:
        squares = np.abs(R[:, [0, 1, 0], [0, 1, 1]]) ** 2
        correlation = np.corrcoef(squares.T)[np.triu_indices(3, 1)]
        assert np.abs(correlation).max() < 5.0 / np.sqrt(len(R))


def test_rows_beyond_the_degrees_are_zero_and_without_any_all_are() -> None:
    assert (factors(4, 2, 50)[:, 2:] == 0.0).all()
    assert (factors(4, 0, 50) == 0.0).all()


def test_a_factor_of_fewer_columns_is_a_part() -> None:
    np.testing.assert_array_equal(factors(4, 6, 200)[:, :2, :2], factors(2, 6, 200))
