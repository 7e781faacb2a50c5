"""Zero forcing over distributed sites: the mean transmit powers it takes, by Monte Carlo.

With the composite channels H (all antennas of all sites, K users) the precoder W = H (H^H H)^-1
gives every user a received amplitude of exactly one, and site a spends sum_k ||W_ak||^2. Powers for
equal SINRs are these times the SINR, so one mean per site says which SINR a power limit allows.

**Fewer random numbers, the same distribution.** A surface of N elements turns the scattering Z of
the link to a site with M antennas (N x M numbers) into Z^H X, with X = Diag(phi)^* F the incident
channels of the K users. Given X, the rows of Z^H X are independent, Gaussian with covariance X^H X,
so they have the distribution of rows of K independent numbers times a Cholesky factor of X^H X:
M x K numbers and a K x K factorisation instead of M x N numbers and a product of N x M by N x K.

Of X itself only inner products count, among users and with the arrivals A of the lines of sight.
Since phi has modulus one, X is a mean plus independent numbers in any orthonormal basis. In a
space of dimension d that holds A and the mean, X has d x K coordinates; what is orthogonal to it is
noise, and enters X^H X as a Wishart matrix of N - d degrees of freedom, whose factor takes K^2
numbers. Both do for the K x N of X, however many elements there are. The direct links are drawn in
full: they are those of `draw_fading`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.channels.philox_normals import fill_normals
from irsrepro.channels.rician_network import (
    BEYOND_MEANS,
    DIRECT,
    INCIDENT,
    REFLECTED,
    Fading,
    RicianNetwork,
)
from irsrepro.channels.wishart import fill_wishart_factor
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.linear_algebra import squared_modulus

_RANK = 1e-13  # of a diagonal entry of a Gram matrix, below which its pivot is rounding


@dataclass(frozen=True)
class PrecoderPowers:
    """Sample means over T channels of R realisations.

    Attributes:
        mean: (realisation, site) mean of sum_k ||W_ak||^2, in W: transmit power for SINRs of 1.
        error: (realisation, site) standard error of `mean`.
        gain: (realisation, site, user) mean of ||h_ak||^2 in 1/W.
        gain_error: (realisation, site, user) standard error of `gain`.
    """

    mean: Real
    error: Real
    gain: Real
    gain_error: Real


def precoder_powers(network: RicianNetwork, reflection: Complex, channels: int) -> PrecoderPowers:
    """Estimate the mean powers of zero-forcing precoders, given long-term reflection coefficients.

    noh2022, delta of eq. (9), and E ||h||^2 of eq. (12). The direct links of channel t are those of
    `draw_fading`; what surfaces add is drawn after the reflection, which changes no distribution
    (see the module). The result of a realisation does not depend on the others.

    Args:
        network: R realisations.
        reflection: phi, (realisation, surface, element) of modulus one; all zero for a surface that
            is not there; a realisation that is not finite has no powers (NaN).
        channels: T, instantaneous channels per realisation, at least 2.

    Raises:
        ValueError: shapes that do not fit, another modulus, fewer antennas than users, too few
            channels.
    """
    count, sites, users, antennas = network.direct_mean.shape
    expected_shape = (count, *network.arrival.shape[2:])
    if reflection.shape != expected_shape:
        raise ValueError(f"reflection {reflection.shape} must be {expected_shape}")
    modulus = np.abs(reflection)
    designed = np.isfinite(modulus).all(axis=(1, 2))
    is_one_or_off = np.isclose(modulus, 1.0) | ~modulus.any(axis=2, keepdims=True)
    if not is_one_or_off[designed].all():
        raise ValueError("reflection must have modulus one, or be zero on all of a surface")
    if sites * antennas < users:
        raise ValueError(f"{sites} x {antennas} antennas cannot serve {users} users")
    if channels < 2:
        raise ValueError(f"channels {channels} must be at least 2")
    powers = np.full((count, 2, sites), np.nan)
    gains = np.full((count, 2, sites, users), np.nan)
    for r in np.flatnonzero(designed):
        _simulate(
            np.array(network.direct_mean[r], order="C"),
            np.array(network.direct_scatter[r], order="C"),
            np.array(network.arrival[r], order="C"),
            np.array(network.departure[r], order="C"),
            np.array(network.site_scatter[r], order="C"),
            np.array(network.surface_mean[r], order="C"),
            np.array(network.surface_scatter[r], order="C"),
            network.numbers,
            network.seeds[r],
            np.array(reflection[r], np.complex128, order="C"),
            channels,
            powers[r],
            gains[r],
        )
    power_error, gain_error = (
        np.sqrt(np.maximum(sums[:, 1] / channels - (sums[:, 0] / channels) ** 2, 0.0))
        / np.sqrt(channels - 1)
        for sums in (powers, gains)
    )
    return PrecoderPowers(powers[:, 0] / channels, power_error, gains[:, 0] / channels, gain_error)


def precoder_powers_of(fading: Fading, reflection: Complex) -> Real:
    """Powers of zero-forcing precoders of given channels: the definition, without short cuts.

    Args:
        fading: T channels of one realisation.
        reflection: phi, (surface, element).

    Returns:
        Array (channel, site) of sum_k ||W_ak||^2 in W.
    """
    composite = fading.composite(reflection[None])
    count, sites, antennas, users = composite.shape
    stacked = composite.reshape(count, sites * antennas, users)
    gram = stacked.conj().swapaxes(1, 2) @ stacked
    precoder = stacked @ np.linalg.inv(gram)
    powers: Real = (np.abs(precoder) ** 2).reshape(count, sites, -1).sum(axis=2)
    return powers


@kernel
def fill_gram(vectors: Complex, gram: Complex) -> None:
    """Upper triangle of the inner products V^H V of columns V (row, column); gram overwritten."""
    rows, columns = vectors.shape
    for k in range(columns):
        for j in range(k, columns):
            total = 0j
            for i in range(rows):
                total += vectors[i, k].conjugate() * vectors[i, j]
            gram[k, j] = total


@kernel
def factorise_gram(gram: Complex) -> None:
    """Upper factor R of a psd matrix = R^H R, in place, with zero rows where it is singular.

    Args:
        gram: (user, user), Hermitian; only the upper triangle is read. The lower one is set to 0.
    """
    size = gram.shape[0]
    for k in range(size):
        entry = gram[k, k].real
        for i in range(k):
            gram[k, i] = 0.0
        pivot = entry
        for i in range(k):
            pivot -= squared_modulus(gram[i, k])
        if pivot > _RANK * entry:
            root = sqrt(pivot)
            for j in range(k + 1, size):
                value = gram[k, j]
                for i in range(k):
                    value -= gram[i, k].conjugate() * gram[i, j]
                gram[k, j] = value / root
            gram[k, k] = root
        else:
            for j in range(k, size):
                gram[k, j] = 0.0


@kernel
def zero_forcing(stacked: Complex, gram: Complex, precoder: Complex) -> bool:
    """Precoder W = H (H^H H)^-1 of one channel.

    Args:
        stacked: H, (antenna of any site, user).
        gram: (user, user), overwritten.
        precoder: W, (antenna of any site, user), overwritten.

    Returns:
        Whether H has full rank; W is not finite otherwise.
    """
    rows, users = stacked.shape
    fill_gram(stacked, gram)
    factorise_gram(gram)
    full = True
    for k in range(users):
        full = full and gram[k, k].real > 0.0
    for i in range(rows):
        # w R^H R = h: first y = w R^H from y R = h, then w.
        for k in range(users):
            value = stacked[i, k]
            for j in range(k):
                value -= precoder[i, j] * gram[j, k]
            precoder[i, k] = value / gram[k, k]
        for k in range(users - 1, -1, -1):
            value = precoder[i, k]
            for j in range(k + 1, users):
                value -= precoder[i, j] * gram[k, j].conjugate()
            precoder[i, k] = value / gram[k, k]
    return full


@kernel
def find_coordinates(vectors: Complex, coordinates: Complex) -> int:
    """Vectors in an orthonormal basis of a space that holds them.

    Their span, by the factor R of their inner products, V = Q R; where that may be all there is,
    the space of the elements, since a factor of dependent vectors can have too many rows.

    Args:
        vectors: V, (element, vector).
        coordinates: (any, vector), as many as vectors, overwritten; zero from the dimension on.

    Returns:
        The dimension of the space, at most that of the elements.
    """
    elements, size = vectors.shape
    dimension = 0
    if elements <= size:
        dimension = elements
        assign(vectors, coordinates[:elements])
    else:
        fill_gram(vectors, coordinates)
        factorise_gram(coordinates)
        for i in range(size):
            if coordinates[i, i].real > 0.0:
                assign(coordinates[i], coordinates[dimension])
                dimension += 1
    coordinates[dimension:] = 0.0
    return dimension


@kernel
def draw_incident(
    seed: np.uint64,
    surface: int,
    channel: int,
    elements: int,
    scatter: Real,
    means: Complex,
    dimension: int,
    incident: Complex,
) -> None:
    """Incident channels X of the users: coordinates, and a factor of what is orthogonal to them.

    The inner products of these columns with each other, and with the coordinates of what lies in
    the space alone, have the distribution of those of the channels themselves.

    Args:
        seed: 64 random bits of the realisation.
        surface: its number.
        channel: number of the instantaneous channel.
        elements: N.
        scatter: s of the links to the users, (user,).
        means: coordinates of `find_coordinates`, (any, user).
        dimension: likewise.
        incident: (any and then as many as users, user), overwritten.
    """
    width, users = means.shape
    real, imag = np.empty((users, width)), np.empty((users, width))
    fill_normals(seed, INCIDENT, surface, 0, channel, real, imag)
    fill_wishart_factor(
        seed, BEYOND_MEANS, surface, channel, elements - dimension, incident[width:]
    )
    for k in range(users):
        for i in range(width):
            noise = complex(real[k, i], imag[k, i])
            incident[i, k] = means[i, k] + scatter[k] * noise if i < dimension else 0j
        for i in range(width, width + users):
            incident[i, k] *= scatter[k]


@kernel
def _simulate(
    direct_mean: Complex,
    direct_scatter: Real,
    arrival: Complex,
    departure: Complex,
    site_scatter: Real,
    surface_mean: Complex,
    surface_scatter: Real,
    numbers: NDArray[np.int64],
    seed: np.uint64,
    reflection: Complex,
    channels: int,
    powers: Real,
    gains: Real,
) -> None:
    """Sums, and sums of squares, of powers (2, site) and gains (2, site, user); overwritten."""
    sites, users, antennas = direct_mean.shape
    surfaces, elements = reflection.shape
    width = sites + users
    vectors = np.empty((elements, width), np.complex128)
    coordinates = np.empty((surfaces, width, width), np.complex128)
    dimensions = np.zeros(surfaces, np.int64)
    active, seen = np.zeros(surfaces, np.bool_), np.zeros((sites, surfaces), np.bool_)
    for s in range(surfaces):
        active[s] = np.any(reflection[s] != 0.0)
        for n in range(elements):
            for a in range(sites):
                vectors[n, a] = arrival[a, s, n]
            for k in range(users):
                vectors[n, sites + k] = surface_mean[s, k, n] * reflection[s, n].conjugate()
        dimensions[s] = find_coordinates(vectors, coordinates[s])
        for a in range(sites):
            seen[a, s] = site_scatter[a, s] != 0.0 or np.any(arrival[a, s] != 0.0)
    incident = np.empty((width + users, users), np.complex128)
    small_real, small_imag = np.empty((antennas, users)), np.empty((antennas, users))
    row_real, row_imag = np.empty((1, antennas)), np.empty((1, antennas))
    stacked = np.empty((sites * antennas, users), np.complex128)
    precoder = np.empty((sites * antennas, users), np.complex128)
    gram = np.empty((users, users), np.complex128)
    powers[:], gains[:] = 0.0, 0.0
    for t in range(channels):
        for a in range(sites):
            for k in range(users):
                fill_normals(seed, DIRECT, a, k, t, row_real, row_imag)
                for m in range(antennas):
                    stacked[a * antennas + m, k] = direct_mean[a, k, m] + direct_scatter[
                        a, k
                    ] * complex(row_real[0, m], row_imag[0, m])
        for s in range(surfaces):
            if not active[s]:
                continue
            draw_incident(
                seed,
                numbers[s],
                t,
                elements,
                surface_scatter[s],
                coordinates[s, :, sites:],
                dimensions[s],
                incident,
            )
            fill_gram(incident, gram)
            factorise_gram(gram)
            for a in range(sites):
                if not seen[a, s]:
                    continue
                fill_normals(seed, REFLECTED, a, numbers[s], t, small_real, small_imag)
                for k in range(users):
                    arriving = 0j
                    for i in range(width):
                        arriving += coordinates[s, i, a].conjugate() * incident[i, k]
                    for m in range(antennas):
                        random = 0j
                        for i in range(k + 1):
                            random += complex(small_real[m, i], small_imag[m, i]) * gram[i, k]
                        stacked[a * antennas + m, k] += (
                            departure[a, s, m].conjugate() * arriving + site_scatter[a, s] * random
                        )
        zero_forcing(stacked, gram, precoder)
        for a in range(sites):
            total = 0.0
            for k in range(users):
                gain = 0.0
                for m in range(antennas):
                    h, w = stacked[a * antennas + m, k], precoder[a * antennas + m, k]
                    gain += squared_modulus(h)
                    total += squared_modulus(w)
                gains[0, a, k] += gain
                gains[1, a, k] += gain * gain
            powers[0, a] += total
            powers[1, a] += total * total
