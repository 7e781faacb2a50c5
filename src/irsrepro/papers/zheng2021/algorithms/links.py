"""Links over two surfaces in a row: the channel of a user, and its linear and bilinear parts.

With u the channel from the user to surface 1 and v to surface 2, D from surface 1 to surface 2, G1
and G2 from the surfaces to the receiver, and a_i what surface i radiates::

    a_1 = theta_1 o u,   a_2 = theta_2 o (D a_1 + v),   h = G1 a_1 + G2 a_2.              (H)
"""

from typing import NamedTuple

import numpy as np

from irsrepro.array_types import Complex


class Links(NamedTuple):
    """Channels of R realisations, amplitudes in any unit; either surface may have no elements.

    Attributes:
        first: u, (realisation, element of surface 1), user to surface 1; or of several users,
            (realisation, user, element of surface 1), where a function allows it.
        second: v, (realisation, [user,] element of surface 2), user to surface 2.
        between: D, (realisation, element of surface 2, element of surface 1).
        first_to_receiver: G1, (realisation, antenna, element of surface 1).
        second_to_receiver: G2, (realisation, antenna, element of surface 2).
    """

    first: Complex
    second: Complex
    between: Complex
    first_to_receiver: Complex
    second_to_receiver: Complex


def effective_channel(links: Links, reflection1: Complex, reflection2: Complex) -> Complex:
    """Channel h from the users to the receiver over the surfaces: (H), zheng2021, eq. (1).

    Args:
        links: the channels, of one user or several.
        reflection1: theta_1, (realisation, element of surface 1).
        reflection2: theta_2, (realisation, element of surface 2).

    Returns:
        (realisation, antenna) for one user, (realisation, antenna, user) for several.

    Raises:
        ValueError: shapes that do not fit.
    """
    u, v, d, g1, g2 = checked_links(links)
    theta1, theta2 = checked_reflections(links, reflection1, reflection2)
    single_user = u.ndim == 2
    u, v = (u[:, :, None], v[:, :, None]) if single_user else (u.mT, v.mT)
    radiated = theta1[:, :, None] * u
    channel = g1 @ radiated + g2 @ (theta2[:, :, None] * (d @ radiated + v))
    return channel[:, :, 0] if single_user else channel


def joint_cascade(links: Links) -> Complex:
    """Cascade R = [G1 diag(u), G2 diag(v)] of both surfaces taken as one (zheng2021, eq. (27)).

    Args:
        links: the channels of one user.

    Returns:
        (realisation, antenna, element), surface 1 first: R theta is the channel of the user without
        the path over both surfaces.

    Raises:
        ValueError: shapes that do not fit.
    """
    u, v, _, g1, g2 = checked_links(links, one_user=True)
    return np.concatenate([g1 * u[:, None], g2 * v[:, None]], axis=2)


def block_factors(
    links: Links, reflection1: Complex, reflection2: Complex
) -> tuple[Complex, Complex]:
    """Factors B_1 and B_2 with h = B_1 [theta_1; 1] = B_2 [theta_2; 1], either block being free.

    ||h||^2 = [theta; 1]^H B^H B [theta; 1] is the Hermitian form for a semidefinite relaxation over
    one block (zheng2021, eqs. (18), (19), (24), (25)). B_1 depends on reflection2 alone, B_2 on
    reflection1.

    Args:
        links: the channels of one user.
        reflection1: theta_1, (realisation, element of surface 1).
        reflection2: theta_2, (realisation, element of surface 2).

    Returns:
        B_1 (realisation, antenna, element of surface 1 + 1), B_2 likewise for surface 2.

    Raises:
        ValueError: shapes that do not fit.
    """
    u, v, d, g1, g2 = checked_links(links, one_user=True)
    theta1, theta2 = checked_reflections(links, reflection1, reflection2)
    outgoing, radiated = g2 * theta2[:, None], (theta1 * u)[:, :, None]
    incident = (d @ radiated)[:, :, 0] + v
    first = np.concatenate([(outgoing @ d + g1) * u[:, None], outgoing @ v[:, :, None]], axis=2)
    second = np.concatenate([g2 * incident[:, None], g1 @ radiated], axis=2)
    return first, second


def product_factors(links: Links) -> Complex:
    """Return A with h = A [vec(theta_2 theta_1^T); theta_2; theta_1], linear in products too.

    All entries of that vector have unit modulus, so the relaxation of max ||A x||^2 over such
    vectors bounds the gain of both reflections together from above.

    Args:
        links: the channels of one user.

    Returns:
        (realisation, antenna, M2 M1 + M2 + M1), products with the element of surface 1 running
        fastest.

    Raises:
        ValueError: shapes that do not fit.
    """
    u, v, d, g1, g2 = checked_links(links, one_user=True)
    products = g2[:, :, :, None] * (d * u[:, None])[:, None]
    flat = products.reshape(*g2.shape[:2], -1)
    return np.concatenate([flat, g2 * v[:, None], g1 * u[:, None]], axis=2)


def checked_links(links: Links, one_user: bool = False) -> Links:
    """Complex arrays of the channels; raises ValueError where their shapes do not fit."""
    links = Links(*(np.asarray(array, np.complex128) for array in links))
    u, _, d, g1, _ = shapes = [array.shape for array in links]
    count, size2, size1 = d if len(d) == 3 else (0, 0, 0)
    users, antennas = u[1:-1], g1[1:-1]
    expected_shapes = [(count, *users, size1), (count, *users, size2), (count, size2, size1)]
    expected_shapes += [(count, *antennas, size1), (count, *antennas, size2)]
    if (
        shapes != expected_shapes
        or len(users) > 1 - one_user
        or len(antennas) != 1
        or 0 in users + antennas
    ):
        user = "" if one_user else "[K,] "
        raise ValueError(
            f"links {', '.join(map(str, shapes))} must be (R, {user}M1), (R, {user}M2), "
            "(R, M2, M1), (R, N, M1), (R, N, M2) with K, N >= 1"
        )
    return links


def checked_reflections(links: Links, first: Complex, second: Complex) -> tuple[Complex, Complex]:
    """Return two reflections as arrays.

    Raises:
        ValueError: shapes that do not fit the links.
    """
    theta1, theta2 = np.asarray(first, np.complex128), np.asarray(second, np.complex128)
    count, size2, size1 = np.shape(links.between)
    shapes, expected_shapes = (theta1.shape, theta2.shape), ((count, size1), (count, size2))
    if shapes != expected_shapes:
        raise ValueError(f"reflections {shapes} must be {expected_shapes}")
    return theta1, theta2
