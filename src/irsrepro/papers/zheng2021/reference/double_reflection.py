"""Closed-form alternation over one or two surfaces, equation by equation in NumPy.

An independent second implementation of `algorithms.double_reflection`: it shares nothing
with it but the types of channels and result and the choice among results. One realisation after
another.
"""

import numpy as np

from irsrepro.array_types import Complex
from irsrepro.papers.zheng2021.algorithms.double_reflection import Alternation, best_of
from irsrepro.papers.zheng2021.algorithms.links import Links


def alternate_double_reflection(
    links: Links,
    reflection1: Complex,
    reflection2: Complex,
    receiver: Complex | None = None,
    *,
    max_iterations: int = 50,
    tolerance: float = 0.0,
) -> Alternation:
    """Maximise the gain as `alternate_double_reflection`, one realisation after another.

    Args:
        links: the channels of one user.
        reflection1: start of theta_1, (realisation, element of surface 1).
        reflection2: start of theta_2, (realisation, element of surface 2).
        receiver: start of w, (realisation, antenna); h / ||h|| without it.
        max_iterations: largest number of iterations.
        tolerance: relative increase of the gain at which to stop; 0 runs every iteration.

    Returns:
        The solution. Channels that are zero or not finite are not provided for.
    """
    count = len(reflection1)
    theta1, theta2 = np.array(reflection1, complex), np.array(reflection2, complex)
    w = np.zeros(links.first_to_receiver.shape[:2], complex)
    trace, residual = np.zeros((count, max_iterations + 1)), np.zeros(count)
    steps, status = np.zeros(count, np.int64), np.ones(count, np.int8)
    for r in range(count):
        u, v, d, g1, g2 = (array[r] for array in links)
        h = channel(u, v, d, g1, g2, theta1[r], theta2[r])
        w[r] = (h if receiver is None else receiver[r]).copy()
        w[r] /= np.linalg.norm(w[r])
        trace[r] = abs(np.vdot(w[r], h)) ** 2
        for t in range(1, max_iterations + 1):
            a2 = (w[r].conj() @ g2) * (d @ (theta1[r] * u) + v)  # (19)
            c2 = w[r].conj() @ g1 @ (theta1[r] * u)
            theta2[r] = aligned_reflection(a2, c2, theta2[r])  # (23)
            a1 = (w[r].conj() @ (g2 * theta2[r]) @ d + w[r].conj() @ g1) * u  # (24)
            c1 = w[r].conj() @ g2 @ (theta2[r] * v)
            theta1[r] = aligned_reflection(a1, c1, theta1[r])  # (25)
            h = channel(u, v, d, g1, g2, theta1[r], theta2[r])
            w[r] = h / np.linalg.norm(h)  # (26)
            trace[r, t:] = np.linalg.norm(h) ** 2
            steps[r], residual[r] = t, 1.0 - trace[r, t - 1] / trace[r, t]
            if tolerance > 0.0 and residual[r] <= tolerance:
                status[r] = 0
                break
    return Alternation(
        reflection1=theta1,
        reflection2=theta2,
        receiver=w,
        gain=trace[:, -1].copy(),
        trace=trace,
        iterations=steps,
        residual=residual,
        status=status,
    )


def channel(
    u: Complex, v: Complex, d: Complex, g1: Complex, g2: Complex, theta1: Complex, theta2: Complex
) -> Complex:
    """Return h (antenna,) of zheng2021, eq. (1), with its diagonal matrices written out.

    Args:
        u: user to surface 1, (element of surface 1,).
        v: user to surface 2, (element of surface 2,).
        d: (element of surface 2, element of surface 1).
        g1: (antenna, element of surface 1).
        g2: (antenna, element of surface 2).
        theta1: reflection of surface 1, (element,).
        theta2: reflection of surface 2, (element,).
    """
    phi1, phi2 = np.diag(theta1), np.diag(theta2)
    h: Complex = g2 @ phi2 @ d @ phi1 @ u + g2 @ phi2 @ v + g1 @ phi1 @ u
    return h


def aligned_reflection(coefficients: Complex, constant: Complex, old: Complex) -> Complex:
    """Return the reflection that turns every term to the phase of the constant.

    Args:
        coefficients: of the reflection, (element,).
        constant: the term without reflection.
        old: (element,), kept where a coefficient is zero.
    """
    reflection = np.exp(1j * (np.angle(constant) - np.angle(coefficients)))
    return np.where(coefficients == 0.0, old, reflection)


def alternate_single_reflection(
    cascaded: Complex,
    starts: Complex | None = None,
    *,
    max_iterations: int = 50,
    tolerance: float = 0.0,
) -> Alternation:
    """Maximise ||R theta||^2 over one surface as `alternate_single_reflection` does.

    Args:
        cascaded: R, (realisation, antenna, element).
        starts: (realisation, start, element), all ones without it; the best column of the DFT
            matrix and the phases of the dominant right singular vector are added.
        max_iterations: largest number of iterations from each start.
        tolerance: relative increase of the gain at which to stop; 0 runs every iteration.
    """
    size = cascaded.shape[2]
    first_starts = np.ones_like(cascaded[:, :1]) if starts is None else starts
    columns = np.exp(-2j * np.pi * np.outer(np.arange(size), np.arange(size)) / size)
    added = []
    for matrix in cascaded:
        best = columns[:, np.linalg.norm(matrix @ columns, axis=0).argmax()]
        dominant = np.linalg.svd(matrix)[2][0].conj()
        added.append([best, np.exp(1j * np.angle(dominant))])
    all_starts = np.concatenate([first_starts, np.array(added)], axis=1)
    return single_reflection_from(
        cascaded, all_starts, max_iterations=max_iterations, tolerance=tolerance
    )


def single_reflection_from(
    cascaded: Complex, starts: Complex, *, max_iterations: int = 50, tolerance: float = 0.0
) -> Alternation:
    """Maximise ||R theta||^2 from the given starts only, (realisation, start, element).

    Returns:
        The solution from the best start, with theta as `reflection1` and an empty `reflection2`.
    """
    empty, users = cascaded[:, 0, :0], np.ones_like(cascaded[:, 0])
    links = Links(users, empty, cascaded[:, :0], cascaded, cascaded[:, :, :0])
    solutions = [
        alternate_double_reflection(
            links, start, empty, max_iterations=max_iterations, tolerance=tolerance
        )
        for start in starts.swapaxes(0, 1)
    ]
    return best_of(solutions)
