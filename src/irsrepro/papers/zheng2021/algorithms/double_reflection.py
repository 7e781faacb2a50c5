"""One user received over two reflecting surfaces and the path over both: closed-form alternation.

With h as in (H) of ``links``, the gain |w^H h|^2 is to be maximised over a unit-norm receiver w and
unit-modulus theta_1, theta_2.
With two of the three held, w^H h = sum_m b_m theta_m + c in a reflection vector, so that
theta = exp(j (arg c - arg b)) maximises over it, and w = h / ||h|| over the receiver (zheng2021,
eqs. (18) to (26)): the gain never falls. b and c are products of w, G1, G2 and D with vectors; the
matrices that belong to single elements of surface 1 are never formed. Either surface may be empty.
"""

# mypy: disable-error-code="untyped-decorator"

from dataclasses import dataclass, fields
from math import nan, sqrt

import numpy as np
from numba import njit
from numpy.typing import NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.linear_algebra import squared_modulus
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT, TracedSolution
from irsrepro.papers.zheng2021.algorithms.links import (
    Links,
    checked_links,
    checked_reflections,
    effective_channel,
    joint_cascade,
)

_TINY = 1e-290  # squared modulus of a coefficient that has no phase any more


@dataclass(frozen=True)
class Alternation(TracedSolution):
    """Reflections and receivers of R realisations.

    The residual is the increase of the gain in the last iteration, relative to the gain.

    Attributes:
        reflection1: theta_1, (realisation, element of surface 1), unit modulus.
        reflection2: theta_2, (realisation, element of surface 2), unit modulus.
        receiver: w, (realisation, antenna), unit norm.
        gain: (realisation,) |w^H h|^2 at these variables, ||h||^2 after one iteration or more.
    """

    reflection1: Complex
    reflection2: Complex
    receiver: Complex
    gain: Real


# Helpers are inlined by numba: linked, they round otherwise when read from its cache than when just
# compiled. Products are left to BLAS, whose kernels are fixed: sums that a compiler may reorder
# differ in their last bits with what the process has compiled before.
@njit(inline="always")
def _align(weights: Complex, signal: Complex, constant: complex, reflection: Complex) -> None:
    """Turn each b_m = weights_m signal_m to the phase of c, in place.

    Elements that contribute nothing keep their phase; where c is zero, its phase counts as zero.
    """
    power = squared_modulus(constant)
    scale = 1.0 / sqrt(max(power, _TINY))
    real, imag = (scale * constant.real, scale * constant.imag) if power > _TINY else (1.0, 0.0)
    for m in range(signal.size):
        x = weights[m].real * signal[m].real - weights[m].imag * signal[m].imag
        y = weights[m].real * signal[m].imag + weights[m].imag * signal[m].real
        power = x * x + y * y
        if power > _TINY:
            scale = 1.0 / sqrt(power)
            reflection[m] = complex(scale * (real * x + imag * y), scale * (imag * x - real * y))


@njit(inline="always")
def _inner(left: Complex, right: Complex) -> complex:
    """Sum of left_m right_m, without a conjugate."""
    real, imag = 0.0, 0.0
    for m in range(left.size):
        real += left[m].real * right[m].real - left[m].imag * right[m].imag
        imag += left[m].real * right[m].imag + left[m].imag * right[m].real
    return complex(real, imag)


@njit(inline="always")
def _receive(h: Complex, conjugate: Complex, match: bool) -> float:
    """Gain |w^H h|^2 of the receiver whose conjugate is given, after matching it to h."""
    power = 0.0
    for k in range(h.size):
        power += squared_modulus(h[k])
    if match and power > 0.0:
        for k in range(h.size):
            conjugate[k] = complex(h[k].real / sqrt(power), -h[k].imag / sqrt(power))
    received = _inner(conjugate, h)
    return squared_modulus(received)


@kernel
def _alternate(
    links: tuple[Complex, ...],
    reflections: tuple[Complex, Complex],
    conjugates: Complex,
    tolerance: float,
    trace: Real,
    iterations: NDArray[np.int64],
    residual: Real,
    status: NDArray[np.int8],
) -> None:
    """Alternate over theta_1, theta_2 and conj(w), all (realisation, ...), in place."""
    for r in range(trace.shape[0]):
        u, v, d, g1, g2 = links[0][r], links[1][r], links[2][r], links[3][r], links[4][r]
        theta1, theta2, conjugate = reflections[0][r], reflections[1][r], conjugates[r]
        a1, a2, incident = u.copy(), v.copy(), v.copy()
        h, gain = conjugate.copy(), 0.0
        for t in range(trace.shape[1]):
            if t > 0:
                weights1, weights2 = np.dot(conjugate, g1), np.dot(conjugate, g2)
                _align(weights2, incident, _inner(weights1, a1), theta2)
                combined_weights = weights2 * theta2
                weights1 += np.dot(combined_weights, d)
                _align(weights1, u, _inner(combined_weights, v), theta1)
            a1 = theta1 * u
            incident = np.dot(d, a1) + v
            a2 = theta2 * incident
            h = np.dot(g1, a1) + np.dot(g2, a2)
            previous, gain = gain, _receive(h, conjugate, t > 0)
            iterations[r] = t
            for i in range(t, trace.shape[1]):
                trace[r, i] = gain
            if t > 0 and gain > 0.0:
                residual[r] = (gain - previous) / gain
            if t > 0 and residual[r] <= tolerance and tolerance > 0.0:
                status[r] = CONVERGED
                break


def alternate_double_reflection(
    links: Links,
    reflection1: Complex,
    reflection2: Complex,
    receiver: Complex | None = None,
    *,
    max_iterations: int = 50,
    tolerance: float = 0,
) -> Alternation:
    """Maximise the gain over both reflections and the receiver by closed-form alternation.

    zheng2021, III-A: theta_2 by eq. (23), theta_1 by (25), w by (26). The gain never falls. An
    element that contributes nothing keeps its phase. The result of a realisation does not depend on
    the others, bitwise. The SNR is the gain times transmit power over noise power.

    Args:
        links: the channels of one user.
        reflection1: start of theta_1, (realisation, element of surface 1), unit modulus.
        reflection2: start of theta_2, (realisation, element of surface 2), unit modulus.
        receiver: start of w, (realisation, antenna), of any norm; h / ||h|| without it; the first
            antenna where that is zero.
        max_iterations: largest number of iterations.
        tolerance: relative increase of the gain at which to stop; 0 runs every iteration.

    Returns:
        The solution; a realisation with data that is not finite fails, with nan in its place.

    Raises:
        ValueError: shapes that do not fit, several users, or a value out of its range.
    """
    links = checked_links(links, one_user=True)
    theta1, theta2 = checked_reflections(links, reflection1, reflection2)
    if any((np.abs(np.abs(theta) - 1.0) > 1e-9).any() for theta in (theta1, theta2)):
        raise ValueError("reflection coefficients must have unit modulus")
    if not (max_iterations >= 0 and tolerance >= 0.0):
        raise ValueError("max_iterations and tolerance must be >= 0")
    h = effective_channel(links, theta1, theta2)
    w = h.copy() if receiver is None else np.array(receiver, np.complex128)
    if w.shape != h.shape:
        raise ValueError(f"receiver {w.shape} must be {h.shape}")
    w[np.linalg.norm(w, axis=1) == 0.0, 0] = 1.0
    norm = np.linalg.norm(w, axis=1, keepdims=True)
    w /= norm
    theta1, theta2, conjugate = theta1.copy(), theta2.copy(), w.conj()
    trace, residual = np.zeros((len(w), max_iterations + 1)), np.zeros(len(w))
    steps, status = np.zeros(len(w), np.int64), np.full(len(w), ITERATION_LIMIT, np.int8)
    contiguous = tuple(np.ascontiguousarray(link) for link in links)
    _alternate(
        contiguous, (theta1, theta2), conjugate, float(tolerance), trace, steps, residual, status
    )
    status[~np.isfinite(np.hstack([h, norm, trace])).all(axis=1)] = FAILURE
    for values in (theta1, theta2, conjugate, trace, residual):
        values[status == FAILURE] = nan
    gain = trace[:, -1].copy()
    return Alternation(
        theta1,
        theta2,
        conjugate.conj(),
        gain,
        iterations=steps,
        residual=residual,
        status=status,
        trace=trace,
    )


def alternate_single_reflection(
    cascaded: Complex,
    starts: Complex | None = None,
    *,
    max_iterations: int = 50,
    tolerance: float = 0,
) -> Alternation:
    """Maximise ||R theta||^2 over the reflection of one surface, alternating with the receiver.

    theta = exp(-j arg(w^H R)), w = R theta / ||R theta|| from each of several starts; the best is
    kept. After those handed in come the best column of the DFT matrix and the phases of the
    dominant right singular vector of R. The single-surface design of zheng2021, eq. (12), K = 1.

    Args:
        cascaded: R, (realisation, antenna, element), amplitudes in any unit.
        starts: (realisation, start, element), unit modulus; all ones without it.
        max_iterations: largest number of iterations from each start.
        tolerance: relative increase of the gain at which to stop; 0 runs every iteration.

    Returns:
        The solution from the best start, with theta as `reflection1` and an empty `reflection2`.
        Failure and errors as in `alternate_double_reflection`.
    """
    cascade = np.asarray(cascaded, np.complex128)
    if cascade.ndim != 3 or 0 in cascade.shape[1:]:
        raise ValueError(f"cascaded {cascade.shape} must be (R, N, M) with N, M >= 1")
    count, _, size = cascade.shape
    first_starts = np.ones((count, 1, size)) if starts is None else np.asarray(starts)
    if first_starts.ndim != 3 or (first_starts.shape[0], first_starts.shape[2]) != (
        count,
        size,
    ):
        raise ValueError(f"starts {first_starts.shape} must be {(count, 'S', size)}")
    empty = cascade[:, 0, :0]
    links = Links(np.ones_like(cascade[:, 0]), empty, cascade[:, :0], cascade, cascade[:, :, :0])
    solutions = [
        alternate_double_reflection(
            links, theta, empty, max_iterations=max_iterations, tolerance=tolerance
        )
        for theta in (*first_starts.swapaxes(0, 1), *single_reflection_starts(cascade))
    ]
    return best_of(solutions)


def single_reflection_starts(cascaded: Complex) -> tuple[Complex, Complex]:
    """Two good reflections of one surface to start from.

    Args:
        cascaded: R, (realisation, antenna, element).

    Returns:
        Each (realisation, element): the column of the DFT matrix with the largest gain, and the
        phases of the dominant right singular vector of R.
    """
    largest = np.abs(cascaded).max(axis=(1, 2), keepdims=True)
    valid = (largest > 0.0) & (largest < np.inf)
    scaled = np.where(valid, cascaded, 0.0) / np.where(valid, largest, 1.0)
    best_column = (np.abs(np.fft.fft(scaled)) ** 2).sum(axis=1).argmax(axis=1)
    dominant = np.linalg.eigh(scaled @ scaled.mT.conj())[1][:, :, -1:]
    aligned = np.exp(1j * np.angle(scaled.mT.conj() @ dominant))[:, :, 0]
    return dft_column(cascaded.shape[2], best_column), aligned


def best_of(solutions: list[Alternation]) -> Alternation:
    """Return of several solutions the one with the largest gain, realisation by realisation."""
    gains = np.stack([np.nan_to_num(solution.gain, nan=-1.0) for solution in solutions])
    best = gains.argmax(axis=0), np.arange(gains.shape[1])
    names = [field.name for field in fields(Alternation)]
    return Alternation(
        **{
            name: np.stack([getattr(solution, name) for solution in solutions])[best]
            for name in names
        }
    )


def combine_single_surface(
    links: Links, reflection: Complex, receiver: Complex
) -> tuple[Complex, Complex, Real]:
    """Make a start for two surfaces from the solution of one (zheng2021, eqs. (27) to (30)).

    A common rotation by psi turns the single reflections by psi and the double one by 2 psi, which
    brings their amplitudes s and q at the receiver into phase: the gain (|q| + |s|)^2 at the start
    is at least the |s|^2 of the single surface (Proposition 1).

    Args:
        links: the channels of one user.
        reflection: theta, (realisation, element), unit modulus, for the `joint_cascade` of `links`.
        receiver: w, (realisation, antenna), the receiver that goes with it and with the start.

    Returns:
        theta_1, theta_2, psi (realisation,) in radians. Raises ValueError where shapes do not fit.
    """
    links = checked_links(links, one_user=True)
    cascade = joint_cascade(links)
    theta, w = np.asarray(reflection, np.complex128), np.asarray(receiver, np.complex128)
    if theta.shape != cascade[:, 0].shape or w.shape != cascade[:, :, 0].shape:
        raise ValueError(f"reflection {theta.shape}, receiver {w.shape} do not fit {cascade.shape}")
    theta1, theta2 = np.split(theta, [links.first.shape[1]], axis=1)
    double_path = links.between @ (theta1 * links.first)[:, :, None] * theta2[:, :, None]
    paths = cascade @ theta[:, :, None], links.second_to_receiver @ double_path
    s, q = ((w.conj() * path[:, :, 0]).sum(axis=1) for path in paths)
    psi = np.angle(s) - np.angle(q)
    rotation = np.exp(1j * psi)[:, None]
    return rotation * theta1, rotation * theta2, psi


def dft_column(size: int, index: NDArray[np.int64]) -> Complex:
    """Columns exp(-2 pi j m i / size), (..., element), of the DFT matrix for indices i (...)."""
    return np.exp(-2j * np.pi * (np.multiply.outer(index, np.arange(size)) % size) / max(size, 1))
