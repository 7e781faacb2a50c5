"""Networks of Rician links, direct and through surfaces: their statistics and their channels.

The channel of site a (M antennas) and user k is, with the reflection coefficients phi of all
surfaces l (N elements each),

    h_ak = d_ak + sum_l G_al^H Diag(phi_l)^* f_lk,

and every link is a known mean plus independent scattering,

    d_ak = mean + s_ak z,   G_al = arrival departure^T + s_al Z,   f_lk = mean + s_lk z,

with z, Z of independent CN(0, 1) entries. Powers are relative to the noise of a user, so that a
channel of norm 1 turns 1 W into an SNR of 1. The numbers z and Z are drawn by position, see
`philox_normals`: by realisation, channel, link and entry, and by nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.channels.philox_normals import normals

# Kinds of links, and of what may be drawn in place of them, which key their numbers.
DIRECT, SITE_TO_SURFACE, SURFACE_TO_USER, REFLECTED, INCIDENT, BEYOND_MEANS = range(6)


class RicianNetwork(NamedTuple):
    """Statistics of R realisations; amplitudes in the root of 1/W.

    Attributes:
        direct_mean: mean of d, (realisation, site, user, antenna).
        direct_scatter: s of d, (realisation, site, user).
        arrival: of the mean of G, (realisation, site, surface, element).
        departure: of the mean of G, (realisation, site, surface, antenna).
        site_scatter: s of G, (realisation, site, surface); a link that is blocked has an arrival
            and a scattering of zero.
        surface_mean: mean of f, (realisation, surface, user, element).
        surface_scatter: s of f, (realisation, surface, user).
        numbers: which surface of the ensemble each one is, (surface,).
        seeds: 64 random bits that key the fading, (realisation,).
    """

    direct_mean: Complex
    direct_scatter: Real
    arrival: Complex
    departure: Complex
    site_scatter: Real
    surface_mean: Complex
    surface_scatter: Real
    numbers: NDArray[np.int64]
    seeds: NDArray[np.uint64]


class Fading(NamedTuple):
    """Instantaneous channels of one realisation, in the root of 1/W.

    Attributes:
        direct: d, (channel, site, user, antenna).
        site_to_surface: G, (channel, site, surface, element, antenna).
        surface_to_user: f, (channel, surface, user, element).
    """

    direct: Complex
    site_to_surface: Complex
    surface_to_user: Complex

    def composite(self, reflection: Complex) -> Complex:
        """Return the channels h for reflection coefficients.

        Args:
            reflection: phi, (channel or 1, surface, element).

        Returns:
            Array (channel, site, antenna, user).
        """
        incident = reflection.conj()[:, :, None, :] * self.surface_to_user
        reflected = np.einsum(
            "talnm,tlkn->tamk", self.site_to_surface.conj(), incident, optimize=True
        )
        channels: Complex = self.direct.swapaxes(2, 3) + reflected
        return channels

    def stacked(self) -> tuple[Complex, Complex, Complex]:
        """Return the links with all antennas, and all elements, in one row.

        Returns:
            d (channel, antenna, user), G (channel, element, antenna) and f (channel, element,
            user), contiguous.
        """
        count, _, users, _ = self.direct.shape
        direct = self.direct.transpose(0, 1, 3, 2)
        incoming = self.site_to_surface.transpose(0, 2, 3, 1, 4)
        outgoing = self.surface_to_user.transpose(0, 1, 3, 2)
        rows, columns = incoming.shape[1] * incoming.shape[2], direct.shape[1] * direct.shape[2]
        return (
            np.ascontiguousarray(direct.reshape(count, columns, users)),
            np.ascontiguousarray(incoming.reshape(count, rows, columns)),
            np.ascontiguousarray(outgoing.reshape(count, rows, users)),
        )


def draw_fading(network: RicianNetwork, realisation: int, channels: range) -> Fading:
    """Draw instantaneous channels of one realisation, the same ones on every call.

    More channels, users, antennas, elements or surfaces contain the fewer.

    Args:
        network: statistics.
        realisation: index into the network, not part of the key.
        channels: numbers of the channels.
    """
    r = realisation
    seed = int(network.seeds[r])
    _, sites, users, antennas = network.direct_mean.shape
    surfaces, elements = network.arrival.shape[2:]
    direct = np.empty((len(channels), sites, users, antennas), np.complex128)
    incoming = np.empty((len(channels), sites, surfaces, elements, antennas), np.complex128)
    outgoing = np.empty((len(channels), surfaces, users, elements), np.complex128)
    for t, channel in enumerate(channels):
        for a in range(sites):
            for k in range(users):
                direct[t, a, k] = normals(seed, DIRECT, a, k, channel, 1, antennas)[0]
            for s, number in enumerate(network.numbers):
                # By antennas first: a counter serves two neighbours of a row.
                samples = normals(seed, SITE_TO_SURFACE, a, number, channel, antennas, elements)
                incoming[t, a, s] = samples.T
        for s, number in enumerate(network.numbers):
            for k in range(users):
                samples = normals(seed, SURFACE_TO_USER, number, k, channel, 1, elements)
                outgoing[t, s, k] = samples[0]
    mean = network.arrival[r][..., None] * network.departure[r][..., None, :]
    return Fading(
        network.direct_mean[r] + network.direct_scatter[r][..., None] * direct,
        mean + network.site_scatter[r][..., None, None] * incoming,
        network.surface_mean[r] + network.surface_scatter[r][..., None] * outgoing,
    )
