"""Downlink over two reflecting surfaces: the channel of the users, and its affine parts.

User k hears e_k w_j of the beam of user j, with the effective channel

    e_k = d_k + o_k1 X1 G1 + o_k2 X2 G2 + o_k2 X2 F X1 G1 + o_k1 X1 B X2 G2,  Xi = Diag(x_i),  (E)

o_ki the row channel from surface i to user k, Gi from the station to surface i, F from surface 1 to
surface 2, B back, and d_k the direct link (zhang2022, eqs. (2) and (5), o = h^H, which have neither
B nor d). F, B and d may each be absent; without F and B, e_k = d_k + o_k Diag(x) G with the
surfaces stacked, eq. (4). For given beams the response is affine in either reflection vector,

    e_k w_j = sum_n a_n,jk x_n + b_jk,

eqs. (19) and (25) to (28). The functions here are compiled, for one realisation, for use in other
compiled loops; amplitudes are relative to the noise of a user, so that noise has power one.
"""

from math import pi
from typing import NamedTuple

import numpy as np

from irsrepro.array_types import Complex
from irsrepro.compiled import kernel

BOTH, FIRST, SECOND = range(3)
"""What is free: both surfaces as one (possible without a path between them), or one of them."""


class SurfaceLinks(NamedTuple):
    """Channels of R realisations, or of one without the first axis; relative to a user's noise.

    Attributes:
        outgoing: o, (realisation, user, element), the elements of surface 1 first.
        incoming: G, (realisation, element, antenna).
        irs1_to_irs2: F, (realisation, element of surface 2, element of surface 1), or (R, 0, 0)
            where no wave goes from surface 1 to surface 2.
        irs2_to_irs1: B, (realisation, element of surface 1, element of surface 2), or (R, 0, 0).
        direct: d, (realisation, user, antenna), or (R, 0, 0) where the direct link is blocked.
        first: number of elements of surface 1.
    """

    outgoing: Complex
    incoming: Complex
    irs1_to_irs2: Complex
    irs2_to_irs1: Complex
    direct: Complex
    first: int

    def of(self, realisations: slice | int) -> "SurfaceLinks":
        """Return the channels of some realisations, or of one without the first axis."""
        o, g, f, b, d = (channels[realisations] for channels in self[:5])
        return SurfaceLinks(o, g, f, b, d, self.first)


class Responses(NamedTuple):
    """The affine part of (E) for given beams, arranged for products with the BLAS.

    Attributes:
        forward: a, (element, beam x user).
        backward: its adjoint, (beam x user, element).
        rest: b, (beam, user).
    """

    forward: Complex
    backward: Complex
    rest: Complex


def checked_links(links: SurfaceLinks) -> SurfaceLinks:
    """Return contiguous arrays.

    Raises:
        ValueError: shapes that do not fit each other.
    """
    o, g, f, b, d = (np.ascontiguousarray(array, np.complex128) for array in links[:5])
    first = int(links.first)
    if o.ndim != 3 or g.ndim != 3 or o.shape[0] != g.shape[0] or o.shape[2] != g.shape[1]:
        raise ValueError(f"outgoing {o.shape} and incoming {g.shape} must be (R, K, N), (R, N, M)")
    second = o.shape[2] - first
    if not 0 <= first <= o.shape[2]:
        raise ValueError(f"first {first} must be within the {o.shape[2]} elements")
    for name, array, expected_shape in (
        ("irs1_to_irs2", f, (second, first)),
        ("irs2_to_irs1", b, (first, second)),
        ("direct", d, (o.shape[1], g.shape[2])),
    ):
        if array.shape not in ((len(o), *expected_shape), (len(o), 0, 0)):
            raise ValueError(
                f"{name} {array.shape} must be {(len(o), *expected_shape)} or (R, 0, 0)"
            )
    return SurfaceLinks(o, g, f, b, d, first)


def composite_channel(links: SurfaceLinks, reflection: Complex) -> Complex:
    """Effective channel (E) of all users, zhang2022, eqs. (4) and (6).

    Args:
        links: R realisations.
        reflection: x, (realisation, element), surface 1 first.

    Returns:
        e, (realisation, user, antenna).
    """
    o, g, f, b, d, first = links
    radiated = o * reflection[:, None]
    total = radiated
    if f.size or b.size:
        total = radiated.copy()
        if f.size:
            total[..., :first] += (radiated[..., first:] @ f) * reflection[:, None, :first]
        if b.size:
            total[..., first:] += (radiated[..., :first] @ b) * reflection[:, None, first:]
    channel: Complex = total @ g
    if d.size:
        channel += d
    return channel


@kernel
def effective_channel(links: SurfaceLinks, reflection: Complex) -> Complex:
    """Return (E), (user, antenna), of one realisation."""
    irs1_to_irs2, irs2_to_irs1, direct, first = (
        links.irs1_to_irs2,
        links.irs2_to_irs1,
        links.direct,
        links.first,
    )
    users, elements = links.outgoing.shape
    radiated = np.empty((users, elements), np.complex128)
    for k in range(users):
        for n in range(elements):
            radiated[k, n] = links.outgoing[k, n] * reflection[n]
    total = radiated
    if irs1_to_irs2.size > 0 or irs2_to_irs1.size > 0:
        total = radiated.copy()
        if irs1_to_irs2.size > 0:
            inter_surface = np.dot(np.ascontiguousarray(radiated[:, first:]), irs1_to_irs2)
            for k in range(users):
                for n in range(first):
                    total[k, n] += inter_surface[k, n] * reflection[n]
        if irs2_to_irs1.size > 0:
            inter_surface = np.dot(np.ascontiguousarray(radiated[:, :first]), irs2_to_irs1)
            for k in range(users):
                for n in range(elements - first):
                    total[k, first + n] += inter_surface[k, n] * reflection[first + n]
    channel: Complex = np.dot(total, links.incoming)
    add(channel, direct)
    return channel


@kernel(allocates=False)
def add(numbers: Complex, rest: Complex) -> None:
    """Add two matrices in place; the second may be empty where it is zero."""
    for j in range(rest.shape[0]):
        for k in range(rest.shape[1]):
            numbers[j, k] += rest[j, k]


@kernel
def affine_responses(
    free: int, links: SurfaceLinks, reflection: Complex, beams: Complex
) -> Responses:
    """Return a and b for one realisation and given beams.

    Args:
        free: `BOTH`, which leaves paths between the surfaces out, `FIRST` or `SECOND`.
        links: of one realisation.
        reflection: x, (element,); that of the free surface does not matter.
        beams: w, (beam, antenna).
    """
    outgoing, first = links.outgoing, links.first
    users, elements = outgoing.shape
    count = beams.shape[0]
    columns = np.ascontiguousarray(beams.T)
    incident = np.dot(links.incoming, columns)
    rest = np.zeros((count, users), np.complex128)
    if links.direct.size > 0:
        rest += np.dot(links.direct, columns).T
    if free == BOTH:
        begin, end = 0, elements
    elif free == FIRST:
        begin, end = 0, first
    else:
        begin, end = first, elements
    effective_outgoing = np.ascontiguousarray(outgoing[:, begin:end])
    scattered = np.empty((0, 0), np.complex128)
    if free != BOTH:
        # What the other surface radiates to the users and, lit by the station, to this one.
        start, stop = (first, elements) if free == FIRST else (0, first)
        radiated = np.empty((users, stop - start), np.complex128)
        reflected = np.empty((stop - start, count), np.complex128)
        for n in range(start, stop):
            for k in range(users):
                radiated[k, n - start] = outgoing[k, n] * reflection[n]
            for j in range(count):
                reflected[n - start, j] = reflection[n] * incident[n, j]
        rest += np.dot(radiated, np.ascontiguousarray(incident[start:stop])).T
        outbound, inbound = links.irs1_to_irs2, links.irs2_to_irs1
        if free == SECOND:
            outbound, inbound = inbound, outbound
        if outbound.size > 0:
            effective_outgoing = effective_outgoing + np.dot(radiated, outbound)
        if inbound.size > 0:
            scattered = np.dot(inbound, reflected)
    size = end - begin
    forward = np.empty((size, count * users), np.complex128)
    backward = np.empty((count * users, size), np.complex128)
    for n in range(size):
        for j in range(count):
            for k in range(users):
                value = effective_outgoing[k, n] * incident[begin + n, j]
                if scattered.size > 0:
                    value += outgoing[k, begin + n] * scattered[n, j]
                forward[n, j * users + k] = value
                backward[j * users + k, n] = value.conjugate()
    return Responses(forward, backward, rest)


@kernel
def nearest_levels(reflection: Complex, levels: int) -> None:
    """Turn every phase to the nearest of 2 pi q / levels (zhang2022, eq. (31)), in place."""
    step = 2.0 * pi / levels
    for n in range(reflection.size):
        turn = step * np.rint(np.angle(reflection[n]) / step)
        reflection[n] = complex(np.cos(turn), np.sin(turn))
