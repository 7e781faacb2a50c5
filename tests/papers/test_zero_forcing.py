"""Zero-forcing Monte Carlo: the definition, equality in distribution, independence of batches."""

import numpy as np
import pytest
import scipy.stats
from numpy.typing import NDArray

from irsrepro.channels.rician_network import RicianNetwork, draw_fading
from irsrepro.papers.noh2022.algorithms.zero_forcing import (
    PrecoderPowers,
    draw_incident,
    factorise_gram,
    find_coordinates,
    precoder_powers,
    precoder_powers_of,
)

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]


def random_network(
    count: int,
    sites: int = 2,
    antennas: int = 2,
    users: int = 3,
    surfaces: int = 2,
    elements: int = 6,
    scatter: float = 0.7,
    same: bool = False,
) -> RicianNetwork:
    """Links of random means and powers; with `same` only the fading differs."""
    rng = np.random.default_rng(5)
    many = 1 if same else count

    def gaussian(*shape: int) -> Complex:
        parts = rng.standard_normal((2, many, *shape))
        return np.repeat((parts[0] + 1j * parts[1]) / np.sqrt(2), count // many, axis=0)

    def spread(*shape: int) -> Real:
        drawn: Real = scatter * rng.uniform(0.5, 1.5, (many, *shape))
        return np.repeat(drawn, count // many, axis=0)

    blocked = np.ones((sites, surfaces))
    blocked[0, 0] = 0.0
    return RicianNetwork(
        gaussian(sites, users, antennas),
        spread(sites, users),
        blocked[..., None] * gaussian(sites, surfaces, elements),
        gaussian(sites, surfaces, antennas),
        blocked * spread(sites, surfaces),
        gaussian(surfaces, users, elements),
        spread(surfaces, users),
        np.arange(0, 2 * surfaces, 2),
        rng.integers(2**63, size=count).astype(np.uint64),
    )


def phases(network: RicianNetwork, same: bool = False) -> Complex:
    shape = (len(network.seeds), *network.arrival.shape[2:])
    turns = np.random.default_rng(6).random(shape[1:] if same else shape)
    return np.broadcast_to(np.exp(2j * np.pi * turns), shape)


def test_the_definition_gives_every_user_one_and_no_other_user_anything() -> None:
    """Powers of the pseudo-inverse, site by site."""
    network = random_network(1)
    reflection = phases(network)[0]
    fading = draw_fading(network, 0, range(4))
    powers = precoder_powers_of(fading, reflection)
    for t in range(4):
        h = np.stack(
            [
                np.concatenate(
                    [
                        fading.direct[t, a, k]
                        + sum(
                            fading.site_to_surface[t, a, s].conj().T
                            @ np.diag(reflection[s]).conj().T
                            @ fading.surface_to_user[t, s, k]
                            for s in range(2)
                        )
                        for a in range(2)
                    ]
                )
                for k in range(3)
            ],
            axis=1,
        )
        precoder = np.linalg.pinv(h.conj().T)
        np.testing.assert_allclose(h.conj().T @ precoder, np.eye(3), atol=1e-10)
        expected = (np.abs(precoder) ** 2).reshape(2, 2, 3).sum(axis=(1, 2))
        np.testing.assert_allclose(powers[t], expected, rtol=1e-9)


@pytest.mark.parametrize("case", ["no surfaces", "surfaces without scattering"])
def test_without_scattering_to_reduce_the_channels_are_those_of_the_definition(case: str) -> None:
    network = random_network(3)
    reflection = phases(network)
    if case == "no surfaces":
        reflection = 0.0 * reflection
    else:
        network = network._replace(
            site_scatter=0.0 * network.site_scatter, surface_scatter=0.0 * network.surface_scatter
        )
    found = precoder_powers(network, reflection, 50)
    for r in range(3):
        fading = draw_fading(network, r, range(50))
        plain = precoder_powers_of(fading, reflection[r])
        gain = (np.abs(fading.composite(reflection[r][None])) ** 2).sum(axis=2)
        np.testing.assert_allclose(found.mean[r], plain.mean(axis=0), rtol=1e-8)
        error = plain.std(axis=0, ddof=1) / np.sqrt(50)
        np.testing.assert_allclose(found.error[r], error, rtol=1e-6)
        np.testing.assert_allclose(found.gain[r], gain.mean(axis=0), rtol=1e-10)
        error = gain.std(axis=0, ddof=1) / np.sqrt(50)
        np.testing.assert_allclose(found.gain_error[r], error, rtol=1e-6)


@pytest.mark.parametrize("elements", [2, 6, 15])
def test_the_reduction_changes_no_distribution(elements: int) -> None:
    """Two samples of the same network: reduced, and with every number drawn.

    With 2 elements and 3 users the reflected scattering has a singular covariance, and arrivals and
    means span all there is; with 6, one dimension is left for noise alone, with 15 ten are.
    """
    count = 1500
    network = random_network(count, elements=elements, same=True)
    reflection = phases(network, same=True)
    reduced = precoder_powers(network, reflection, 2)
    fresh = network._replace(seeds=network.seeds + np.uint64(1))
    full = np.stack(
        [
            precoder_powers_of(draw_fading(fresh, r, range(2)), reflection[r]).mean(axis=0)
            for r in range(count)
        ]
    )
    gains = np.stack(
        [
            (np.abs(draw_fading(fresh, r, range(2)).composite(reflection[:1])) ** 2)
            .sum(axis=2)
            .mean(axis=0)
            for r in range(count)
        ]
    )
    for a in range(2):
        assert scipy.stats.ks_2samp(reduced.mean[:, a], full[:, a]).pvalue > 1e-3
        for k in range(3):
            pair = reduced.gain[:, a, k], gains[:, a, k]
            assert scipy.stats.ks_2samp(*pair).pvalue > 1e-3
            # The product of two users' gains sees the covariance between them.
            products = [g[:, a, k] * g[:, a, (k + 1) % 3] for g in (reduced.gain, gains)]
            assert scipy.stats.ks_2samp(*products).pvalue > 1e-3


def statistics_of(*parts: Complex) -> Real:
    """Products of one, two and three entries of samples (draw, ...), one row per draw."""
    flat = np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)
    x = np.concatenate([flat.real, flat.imag], axis=1)
    i, j = np.triu_indices(x.shape[1])
    return np.concatenate([x, x[:, i] * x[:, j], x**3], axis=1)


def largest_z(first: Real, second: Real) -> float:
    """Largest distance of the means of two samples (draw, statistic), in standard errors."""
    error = np.sqrt(first.var(axis=0) / len(first) + second.var(axis=0) / len(second))
    difference = np.abs(first.mean(axis=0) - second.mean(axis=0))
    return float((difference / np.where(error > 0.0, error, 1.0)).max())


@pytest.mark.parametrize("elements", [2, 5, 6, 9, 15])
def test_inner_products_of_incident_channels_have_the_distribution_of_the_definition(
    elements: int,
) -> None:
    """X^H X and A^H X of two surfaces, also where all their moments hang together."""
    draws, sites, users, surfaces = 10_000, 2, 3, 2
    rng = np.random.default_rng(elements)
    parts = rng.standard_normal((2, surfaces, sites + users, elements)) / np.sqrt(2.0)
    arrivals, means = np.split(parts[0] + 1j * parts[1], [sites], axis=1)
    arrivals[0, 0] = 0.0  # a blocked site
    scatter = rng.uniform(0.5, 1.5, (surfaces, users))
    size = sites + users
    incident = np.empty((draws, surfaces, size + users, users), np.complex128)
    arriving = np.empty((draws, surfaces, sites, users), np.complex128)
    for s in range(surfaces):
        coordinates = np.empty((size, size), np.complex128)
        vectors = np.concatenate([arrivals[s], means[s]]).T.copy()
        dimension = find_coordinates(vectors, coordinates)
        assert dimension == min(elements, size - (s == 0 and elements > size))
        for t in range(draws):
            draw_incident(np.uint64(3), 2 * s, t, elements, scatter[s], coordinates[:, sites:],
                          dimension, incident[t, s])  # fmt: skip
        arriving[:, s] = coordinates[:, :sites].conj().T @ incident[:, s, :size]
    gram = np.triu(incident.conj().mT @ incident)
    noise = rng.standard_normal((2, draws, surfaces, users, elements)) / np.sqrt(2.0)
    X = means + scatter[..., None] * (noise[0] + 1j * noise[1])
    true_gram = np.triu(X.conj() @ X.mT)
    true_arriving = arrivals.conj() @ X.mT
    assert largest_z(statistics_of(gram, arriving), statistics_of(true_gram, true_arriving)) < 5.0


def test_nearly_parallel_arrivals_leave_no_dimension_too_many() -> None:
    """With fewer elements than vectors, rounding may look like one more dimension."""
    rng = np.random.default_rng(8)
    for elements in range(1, 12):
        for exponent in np.linspace(-1.0, -7.0, 13):
            parts = rng.standard_normal((2, 6, elements))
            vectors = parts[0] + 1j * parts[1]
            vectors[1] = vectors[0] + 10.0**exponent * vectors[1]
            vectors[2] = vectors[0] + 10.0**exponent * vectors[2]
            coordinates = np.empty((6, 6), np.complex128)
            dimension = find_coordinates(vectors.T.copy(), coordinates)
            assert dimension <= elements
            assert (coordinates[dimension:] == 0.0).all()
            products = vectors.conj() @ vectors.T
            np.testing.assert_allclose(coordinates.conj().T @ coordinates, products, atol=1e-5)


def test_sites_scatter_independently() -> None:
    """Gains of two sites hang together by the users' links only, as in the definition."""
    count = 4000
    network = random_network(count, elements=3, same=True)
    network = network._replace(
        direct_mean=0.1 * network.direct_mean,
        direct_scatter=0.1 * network.direct_scatter,
        arrival=np.zeros_like(network.arrival),
        site_scatter=np.ones_like(network.site_scatter),
    )
    reflection = phases(network, same=True)
    ours = precoder_powers(network, reflection, 2).gain
    fresh = network._replace(seeds=network.seeds + np.uint64(1))
    true = np.stack([
        (np.abs(draw_fading(fresh, r, range(2)).composite(reflection[:1])) ** 2)
        .sum(axis=2).mean(axis=0) for r in range(count)
    ])  # fmt: skip
    pair = [statistics_of(np.log(gain)) for gain in (ours, true)]
    assert largest_z(*pair) < 5.0


def test_the_two_sample_test_would_notice_independent_users() -> None:
    """A reduction that forgets the covariance between users is told from the right one."""
    network = random_network(1, same=True, scatter=0.3)
    fading = draw_fading(network, 0, range(3000))
    reflection = phases(network)[0]
    incident = (reflection.conj()[:, None, :] * network.surface_mean[0])[1]
    gram = incident.conj() @ incident.T
    rng = np.random.default_rng(0)
    draws = rng.standard_normal((2, 3000, 3))
    z = (draws[0] + 1j * draws[1]) / np.sqrt(2)
    factor = gram.copy()
    expected = factor.copy()
    factorise_gram(factor)
    np.testing.assert_allclose(factor.conj().T @ factor, expected, atol=1e-12)
    right, wrong = z @ factor, z * np.sqrt(np.diag(expected).real)
    scattered = (
        fading.site_to_surface[:, 1, 1, :, 0]
        - network.arrival[0, 1, 1] * (network.departure[0, 1, 1, 0])
    )
    scattered /= network.site_scatter[0, 1, 1]
    true = scattered.conj() @ incident.T
    pairs = [np.abs(sample[:, 0] + sample[:, 1] * 1j) ** 2 for sample in (true, right, wrong)]
    assert scipy.stats.ks_2samp(pairs[0], pairs[1]).pvalue > 1e-3
    assert scipy.stats.ks_2samp(pairs[0], pairs[2]).pvalue < 1e-6


def test_a_singular_gram_matrix_has_a_factor() -> None:
    rng = np.random.default_rng(1)
    thin = rng.standard_normal((2, 4)) + 1j * rng.standard_normal((2, 4))
    gram = thin.conj().T @ thin
    factor = gram.copy()
    factorise_gram(factor)
    np.testing.assert_allclose(factor.conj().T @ factor, gram, atol=1e-6)
    assert (np.tril(factor, -1) == 0.0).all()


def fields(found: PrecoderPowers, r: int) -> list[bytes]:
    return [np.asarray(part[r]).tobytes() for part in vars(found).values()]


def test_a_realisation_does_not_depend_on_its_batch() -> None:
    network = random_network(4)
    reflection = phases(network)
    whole = precoder_powers(network, reflection, 10)
    order = [2, 0]
    per_realisation = [name for name in network._fields if name != "numbers"]
    part = precoder_powers(
        network._replace(**{name: getattr(network, name)[order] for name in per_realisation}),
        reflection[order],
        10,
    )
    assert fields(part, 0) == fields(whole, 2)
    assert fields(part, 1) == fields(whole, 0)


def test_fading_of_a_larger_network_begins_with_that_of_the_smaller() -> None:
    large = random_network(1, 3, 4, 3, 4, 7)
    small = RicianNetwork(
        large.direct_mean[:, :2, :2, :3],
        large.direct_scatter[:, :2, :2],
        large.arrival[:, :2, ::2, :5],
        large.departure[:, :2, ::2, :3],
        large.site_scatter[:, :2, ::2],
        large.surface_mean[:, ::2, :2, :5],
        large.surface_scatter[:, ::2, :2],
        large.numbers[::2],
        large.seeds,
    )
    whole, part = draw_fading(large, 0, range(5)), draw_fading(small, 0, range(3, 5))
    np.testing.assert_array_equal(part.direct, whole.direct[3:, :2, :2, :3])
    np.testing.assert_array_equal(part.site_to_surface, whole.site_to_surface[3:, :2, ::2, :5, :3])
    np.testing.assert_array_equal(part.surface_to_user, whole.surface_to_user[3:, ::2, :2, :5])


def test_a_realisation_without_a_design_has_no_powers_and_the_others_do() -> None:
    network = random_network(2)
    reflection = phases(network).copy()
    reflection[0, 1, 2] = np.nan
    found = precoder_powers(network, reflection, 5)
    assert np.isnan(found.mean[0]).all() and np.isnan(found.gain_error[0]).all()
    assert np.isfinite(found.mean[1]).all() and np.isfinite(found.gain_error[1]).all()


def test_what_cannot_be_is_refused_in_one_line() -> None:
    network = random_network(2)
    with pytest.raises(ValueError, match=r"reflection .* must be \(2, 2, 6\)"):
        precoder_powers(network, phases(network)[:, :1], 5)
    with pytest.raises(ValueError, match="modulus one"):
        precoder_powers(network, 0.9 * phases(network), 5)
    with pytest.raises(ValueError, match="channels 1 must be at least 2"):
        precoder_powers(network, phases(network), 1)
    many = random_network(1, sites=1, antennas=2, users=3)
    with pytest.raises(ValueError, match="1 x 2 antennas cannot serve 3 users"):
        precoder_powers(many, phases(many), 5)
