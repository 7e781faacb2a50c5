"""Algorithm 1 of he2020 line by line in NumPy, the phase step handed to a cone solver.

An independent second implementation of `algorithms.fractional_programming`: it shares
nothing with it but the type of the result.
"""

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.optimize.reference.unit_disc import solve_unit_disc, solve_unit_disc_ellipsoid
from irsrepro.papers.he2020.algorithms.fractional_programming import (
    PHASE_STEPS,
    PhaseStep,
    SumRateSolution,
)

_CIRCLE_SWEEPS, _CIRCLE_GAIN = 20, 1e-3


def maximise_sum_rate(
    responses: Complex,
    noise_gains: Real,
    noise_power: float,
    power_limit: float,
    powers: Real,
    reflection: Complex,
    *,
    update_powers: bool = True,
    update_reflection: bool = True,
    phase_step: PhaseStep = "exact",
    tolerance: float = 1e-4,
    max_iterations: int = 300,
    rate_factor: float = 0.5,
) -> SumRateSolution:
    """Maximise the sum-rate as `maximise_sum_rate` does, one realisation after another.

    Args:
        responses: v, (realisation, source, destination, element) complex amplitudes.
        noise_gains: c, (realisation, destination, element) in W.
        noise_power: noise of a destination in W.
        power_limit: largest power of a source in W.
        powers: (realisation, source) starting powers in W.
        reflection: (realisation, element) starting vector x, the conjugate of the paper's theta.
        update_powers: take lines (17) and (18).
        update_reflection: take lines (21) and (25).
        phase_step: "exact" calls a cone solver, "ellipsoid" is the method of the paper to a gap of
            1e-6, "sweep" is one pass of coordinate ascent,
            "unit_modulus" are passes over |x_n| = 1 until they add little.
        tolerance: increase of the sum-rate in bit/s/Hz at which to stop; 0 runs every iteration.
        max_iterations: largest number of iterations.
        rate_factor: share of the time a source transmits.

    Returns:
        The solution; a realisation with data that is not finite fails, with nan in its place.

    Raises:
        ValueError: an unknown phase step.
        SolverError: no solver answers a phase step.
    """
    if phase_step not in PHASE_STEPS:
        raise ValueError(f"phase_step {phase_step!r} must be one of {', '.join(PHASE_STEPS)}")
    count = len(powers)
    final_powers, final_theta = np.array(powers, float), np.conj(reflection).astype(complex)
    trace = np.zeros((count, max_iterations + 1))
    iterations, residual = np.zeros(count, np.int64), np.zeros(count)
    status = np.ones(count, np.int8)
    for r in range(count):
        v, c, p, theta = responses[r], noise_gains[r], final_powers[r], final_theta[r]
        if not all(np.isfinite(array).all() for array in (v, c, p, theta)):
            final_powers[r], final_theta[r], trace[r], residual[r] = (np.nan,) * 4
            status[r] = 2
            continue
        trace[r] = _sum_rate(_sinr(v, c, noise_power, p, theta), rate_factor)
        for t in range(1, max_iterations + 1):
            mu = _sinr(v, c, noise_power, p, theta)  # (11)
            if update_powers:
                effective = _effective(v, theta)
                direct = np.abs(np.diagonal(effective))
                received = _received(v, c, noise_power, p, theta)
                alpha = np.sqrt(2.0 * (1.0 + mu) * p) * direct / (2.0 * received)  # (17)
                price = np.abs(effective) ** 2 @ alpha**2
                positive = price > 0.0
                optimum = (
                    alpha**2 * (1.0 + mu) * direct**2 / (2.0 * np.where(positive, price, 1) ** 2)
                )
                p = np.where(positive, np.minimum(power_limit, optimum), p)  # (18)
            if update_reflection:
                amplitude = np.sqrt(2.0 * p * (1.0 + mu))
                received = _received(v, c, noise_power, p, theta)
                beta = amplitude * np.diagonal(_effective(v, theta)) / (2.0 * received)  # (21)
                matrix, linear = _phase_form(v, c, p, amplitude, beta)
                if phase_step == "exact":
                    theta = solve_unit_disc(matrix, linear)  # (25)
                elif phase_step == "ellipsoid":
                    candidate, _, _ = solve_unit_disc_ellipsoid(matrix, linear, accuracy=1e-6)
                    theta = candidate if _gain(matrix, linear, theta, candidate) >= 0.0 else theta
                elif phase_step == "sweep":
                    theta = _sweep(matrix, linear, theta)
                else:
                    theta = _circle_step(matrix, linear, theta)
            trace[r, t:] = _sum_rate(_sinr(v, c, noise_power, p, theta), rate_factor)
            iterations[r], residual[r] = t, trace[r, t] - trace[r, t - 1]
            if tolerance > 0.0 and residual[r] <= tolerance:
                status[r] = 0
                break
        final_powers[r], final_theta[r] = p, theta
    return SumRateSolution(
        powers=final_powers,
        reflection=final_theta.conj(),
        sum_rate=trace[:, -1].copy(),
        iterations=iterations,
        residual=residual,
        status=status,
        trace=trace,
    )


def _effective(v: Complex, theta: Complex) -> Complex:
    """Return theta^H v_{i,k}, (source, destination)."""
    product: Complex = v @ theta.conj()
    return product


def _received(v: Complex, c: Real, noise_power: float, p: Real, theta: Complex) -> Real:
    """Return B_k, the received power with the signal included."""
    power: Real = p @ np.abs(_effective(v, theta)) ** 2 + c @ np.abs(theta) ** 2 + noise_power
    return power


def _sinr(v: Complex, c: Real, noise_power: float, p: Real, theta: Complex) -> Real:
    """Return the SINR of (5), the noise of the surfaces by its mean."""
    gains = np.abs(_effective(v, theta)) ** 2
    interference = np.where(np.eye(len(p), dtype=bool), 0.0, p[:, None] * gains).sum(axis=0)
    ratio: Real = p * np.diagonal(gains) / (interference + c @ np.abs(theta) ** 2 + noise_power)
    return ratio


def _sum_rate(sinr: Real, rate_factor: float) -> float:
    return float(rate_factor * np.log2(1.0 + sinr).sum())


def _phase_form(
    v: Complex, c: Real, p: Real, amplitude: Real, beta: Complex
) -> tuple[Complex, Complex]:
    """Return A and u/2 of (25), theta being the variable."""
    size = v.shape[-1]
    matrix, linear = np.zeros((size, size), np.complex128), np.zeros(size, np.complex128)
    for k in range(len(p)):
        bracket = np.diag(c[k]).astype(np.complex128)
        for i in range(len(p)):
            bracket += p[i] * np.outer(v[i, k], v[i, k].conj())
        matrix += np.abs(beta[k]) ** 2 * bracket
        linear += amplitude[k] * beta[k].conj() * v[k, k]
    return matrix, linear / 2.0


def _gain(matrix: Complex, linear: Complex, theta: Complex, new_theta: Complex) -> float:
    """Return what the quadratic form gains from one vector to another."""
    return float(np.vdot(new_theta - theta, 2.0 * linear - matrix @ (new_theta + theta)).real)


def _sweep(matrix: Complex, linear: Complex, theta: Complex, *, circle: bool = False) -> Complex:
    """Maximise over one element after the other, in the disc or on the circle, the rest held."""
    theta = theta.copy()
    for n in range(theta.size):
        z = linear[n] - matrix[n] @ theta + matrix[n, n] * theta[n]
        divisor = abs(z) if circle else max(matrix[n, n].real, abs(z))
        theta[n] = z / divisor if divisor > 0.0 else theta[n]
    return theta


def _circle_step(matrix: Complex, linear: Complex, theta: Complex) -> Complex:
    """Sweep over the circle until a sweep gains no more than a share of what the first did."""
    gains: list[float] = []
    while len(gains) < _CIRCLE_SWEEPS:
        candidate = _sweep(matrix, linear, theta, circle=True)
        gain = _gain(matrix, linear, theta, candidate)
        if gain <= 0.0:
            break
        theta, gains = candidate, [*gains, gain]
        if len(gains) > 1 and gain <= _CIRCLE_GAIN * gains[0]:
            break
    return theta
