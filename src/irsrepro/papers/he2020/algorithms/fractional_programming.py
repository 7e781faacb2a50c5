"""Fractional programming for the sum-rate of pairs that communicate through reflecting surfaces.

The received amplitude of source i at destination k is a_ik = sqrt(p_i) h_ik with the effective
channel h_ik = sum_n x_n v_ikn, x the reflection vector. With w the rate factor,

    SINR_k = |a_kk|^2 / (sum_{i != k} |a_ik|^2 + noise_k),  rate = w sum_k log2(1 + SINR_k).

The Lagrangian dual transform takes the ratio out of the logarithm through mu, the quadratic
transform the numerator from the denominator through beta (he2020, eqs. (10) to (21), w = 1/2)::

    f1 = w sum_k [ln(1 + mu_k) - mu_k + (1 + mu_k) |a_kk|^2 / B_k],  B_k = sum_i |a_ik|^2 + noise_k,
    g = sum_k [2 sqrt(w (1 + mu_k)) Re(conj(beta_k) a_kk) - |beta_k|^2 B_k].

With mu and beta at their maxima the bound touches the sum-rate (in nats). It is concave in sqrt(p)
and in x, so each step of the alternation raises the sum-rate or leaves it.
"""

from dataclasses import dataclass
from math import isfinite, log, nan, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.fractional import quadratic_auxiliary, sinr_from_amplitudes
from irsrepro.optimize.linear_algebra import squared_modulus
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT, TracedSolution
from irsrepro.optimize.unit_disc.circle import circle_sweep
from irsrepro.optimize.unit_disc.dense import (
    Workspace,
    coordinate_sweep,
    dual_newton,
    starting_multipliers,
    workspace,
)
from irsrepro.optimize.unit_disc.ellipsoid import dual_ellipsoid

_PHASE_ACCURACY = 1e-13  # nats an exact phase step may leave: x is then good to its square root
_SMALLEST_GAP = 1e-14  # relative, what double precision can certify
_NEWTON_STEPS = 200
_RIDGE = 1e-13  # proximal weight relative to the trace of A
_CIRCLE_SWEEPS = 20  # at most, of one phase step on the circle
_CIRCLE_GAIN = 1e-3  # of the first sweep's increase: a sweep that adds less is the last

_ELLIPSOID_GAP = 1e-6  # relative, of the method of the text
_CUTS = 200_000

PhaseStep = Literal["exact", "ellipsoid", "sweep", "unit_modulus"]
PHASE_STEPS: tuple[PhaseStep, ...] = ("exact", "ellipsoid", "sweep", "unit_modulus")
_EXACT, _ELLIPSOID, _SWEEP, _UNIT_MODULUS = range(4)


@dataclass(frozen=True)
class SumRateSolution(TracedSolution):
    """Variables and sum-rate of R realisations.

    The residual is the increase of the sum-rate in the last iteration, in bit/s/Hz.

    Attributes:
        powers: (realisation, source) transmit powers in W.
        reflection: (realisation, element) reflection vector x, |x_n| <= 1.
        sum_rate: (realisation,) in bit/s/Hz, evaluated at `powers` and `reflection`.
    """

    powers: Real
    reflection: Complex
    sum_rate: Real


@kernel
def power_step(
    channel: Complex,
    auxiliary: Complex,
    sinr: Real,
    rate_factor: float,
    power_limit: float,
    powers: Real,
) -> None:
    """Powers that maximise g at fixed mu and alpha = |beta| (he2020, eqs. (16) and (18)).

    p_k = min(P, w (1 + mu_k) alpha_k^2 |h_kk|^2 / (sum_i alpha_i^2 |h_ki|^2)^2). A source that no
    served destination hears keeps its power, which g does not contain.

    Args:
        channel: h, (source, destination).
        auxiliary: beta at the old powers, (destination,).
        sinr: mu, (destination,).
        rate_factor: w.
        power_limit: P, in W.
        powers: (source,) in W, overwritten.
    """
    for k in range(powers.size):
        price = 0.0
        for i in range(powers.size):
            price += (abs(auxiliary[i]) * abs(channel[k, i])) ** 2
        if price > 0.0:
            root = abs(auxiliary[k]) * abs(channel[k, k]) / price
            powers[k] = min(power_limit, rate_factor * (1.0 + sinr[k]) * root * root)


@kernel
def _received(
    responses: Complex,
    noise_gains: Real,
    powers: Real,
    reflection: Complex,
    channel: Complex,
    amplitudes: Complex,
    noise: Real,
) -> None:
    """Effective channels, received amplitudes and noise, the destination's own noise being one."""
    pairs, elements = noise_gains.shape
    for k in range(pairs):
        noise[k] = 1.0
        for n in range(elements):
            noise[k] += noise_gains[k, n] * squared_modulus(reflection[n])
        for i in range(pairs):
            total = 0j
            for n in range(elements):
                total += responses[i, k, n] * reflection[n]
            channel[i, k] = total
            amplitudes[i, k] = sqrt(powers[i]) * total


@kernel
def _phase_problem(
    responses: Complex,
    noise_gains: Real,
    powers: Real,
    sinr: Real,
    auxiliary: Complex,
    rate_factor: float,
    matrix: Complex,
    linear: Complex,
) -> None:
    """Form A and u of g = 2 Re(x^H u) - x^H A x - sum_k |beta_k|^2 (he2020, (20), (25)).

    A = sum_k |beta_k|^2 (sum_i p_i conj(v_ik) v_ik^T + Diag c_k),
    u = sum_k sqrt(w (1 + mu_k) p_k) beta_k conj(v_kk); x is the conjugate of the paper's theta.
    """
    pairs, elements = noise_gains.shape
    matrix[:], linear[:] = 0.0, 0.0
    for k in range(pairs):
        weight = squared_modulus(auxiliary[k])
        gain = sqrt(rate_factor * (1.0 + sinr[k]) * powers[k]) * auxiliary[k]
        for n in range(elements):
            matrix[n, n] += weight * noise_gains[k, n]
            linear[n] += gain * responses[k, k, n].conjugate()
        for i in range(pairs):
            for m in range(elements):
                row = weight * powers[i] * responses[i, k, m].conjugate()
                for n in range(m, elements):
                    matrix[m, n] += row * responses[i, k, n]
    for m in range(elements):
        matrix[m, m] = matrix[m, m].real
        for n in range(m):
            matrix[m, n] = matrix[n, m].conjugate()


@kernel
def _increase(matrix: Complex, linear: Complex, vector: Complex, new_vector: Complex) -> float:
    """q(new_vector) - q(vector), q(x) = 2 Re(x^H u) - x^H A x, without cancelling large values."""
    value = 0.0
    for n in range(vector.size):
        slope = 2.0 * linear[n]
        for m in range(vector.size):
            slope -= matrix[n, m] * (vector[m] + new_vector[m])
        value += ((new_vector[n] - vector[n]).conjugate() * slope).real
    return value


@kernel
def _exact_phase_step(
    matrix: Complex,
    linear: Complex,
    vector: Complex,
    candidate: Complex,
    multipliers: Real,
    warm: bool,
    accuracy: float,
    scratch: Workspace,
) -> None:
    """Maximise q over the unit disc, in place; keep `vector` where rounding would lower q."""
    total = np.trace(matrix).real
    if not total > 0.0:
        return
    # A is singular where the surfaces add no noise: a proximal term, which costs no monotonicity,
    # holds x where q is flat.
    for n in range(vector.size):
        matrix[n, n] += _RIDGE * total
        linear[n] += _RIDGE * total * vector[n]
        candidate[n] = vector[n]
    if not warm:
        starting_multipliers(matrix, linear, candidate, multipliers, scratch)
    dual_newton(matrix, linear, candidate, multipliers, accuracy, _NEWTON_STEPS, scratch)
    if _increase(matrix, linear, vector, candidate) >= 0.0:
        assign(candidate, vector)


@kernel
def _circle_phase_step(
    matrix: Complex, linear: Complex, vector: Complex, candidate: Complex
) -> None:
    """Raise q over |x_n| = 1, in place, by sweeps until these add little.

    That is not convex, and need not end at the maximum of q, but q never falls. A hundred sweeps
    instead of twenty change the mean sum-rate by less than 1 % at twice the time.
    """
    first = 0.0
    for sweep in range(_CIRCLE_SWEEPS):
        assign(vector, candidate)
        circle_sweep(matrix, linear, candidate)
        gain = _increase(matrix, linear, vector, candidate)
        if not gain > 0.0:  # no more than rounding
            break
        assign(candidate, vector)
        if sweep == 0:
            first = gain
        elif gain <= _CIRCLE_GAIN * first:
            break


@kernel
def _sum_rate(sinr: Real, rate_factor: float) -> float:
    return float(rate_factor * np.log1p(sinr).sum() / log(2.0))


@kernel
def _alternate(
    responses: Complex,
    noise_gains: Real,
    powers: Real,
    reflection: Complex,
    update_powers: bool,
    update_reflection: bool,
    phase_step: int,
    tolerance: float,
    rate_factor: float,
    trace: Real,
    iterations: NDArray[np.int64],
    residual: Real,
    status: NDArray[np.int8],
) -> None:
    """Algorithm 1 of he2020, one realisation after another, noise and power limit being one."""
    pairs, elements = noise_gains.shape[1:]
    channel = np.empty((pairs, pairs), np.complex128)
    amplitudes = np.empty((pairs, pairs), np.complex128)
    noise, sinr, multipliers = np.empty(pairs), np.empty(pairs), np.empty(elements)
    auxiliary = np.empty(pairs, np.complex128)
    matrix = np.empty((elements, elements), np.complex128)
    linear, candidate = np.empty(elements, np.complex128), np.empty(elements, np.complex128)
    scratch = workspace(elements)
    for r in range(powers.shape[0]):
        v, c, p, x = responses[r], noise_gains[r], powers[r], reflection[r]
        _received(v, c, p, x, channel, amplitudes, noise)
        sinr_from_amplitudes(amplitudes, noise, sinr)
        rate = _sum_rate(sinr, rate_factor)
        trace[r, 0] = rate
        status[r] = ITERATION_LIMIT
        multipliers[:] = 0.0
        for t in range(1, trace.shape[1] if isfinite(rate) else 1):
            if update_powers:
                quadratic_auxiliary(amplitudes, noise, sinr, rate_factor, auxiliary)
                power_step(channel, auxiliary, sinr, rate_factor, 1.0, p)
                _received(v, c, p, x, channel, amplitudes, noise)
            if update_reflection:
                quadratic_auxiliary(amplitudes, noise, sinr, rate_factor, auxiliary)
                _phase_problem(v, c, p, sinr, auxiliary, rate_factor, matrix, linear)
                if phase_step == _EXACT:
                    # The form at its maximum is of the order of the sum of mu.
                    accuracy = max(_SMALLEST_GAP, _PHASE_ACCURACY / (1.0 + sinr.sum()))
                    _exact_phase_step(
                        matrix, linear, x, candidate, multipliers, t > 1, accuracy, scratch
                    )
                elif phase_step == _ELLIPSOID:
                    assign(x, candidate)
                    dual_ellipsoid(matrix, linear, candidate, _ELLIPSOID_GAP, _CUTS, scratch)
                    if _increase(matrix, linear, x, candidate) >= 0.0:
                        assign(candidate, x)
                elif phase_step == _SWEEP:
                    coordinate_sweep(matrix, linear, x)
                else:
                    _circle_phase_step(matrix, linear, x, candidate)
                _received(v, c, p, x, channel, amplitudes, noise)
            sinr_from_amplitudes(amplitudes, noise, sinr)
            previous, rate = rate, _sum_rate(sinr, rate_factor)
            trace[r, t], iterations[r], residual[r] = rate, t, rate - previous
            if not isfinite(rate):
                break
            if tolerance > 0.0 and residual[r] <= tolerance:
                status[r] = CONVERGED
                break
        for t in range(iterations[r] + 1, trace.shape[1]):
            trace[r, t] = rate
        if not isfinite(rate):
            status[r] = FAILURE
            trace[r, :], residual[r], p[:], x[:] = nan, nan, nan, nan


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
    """Maximise the sum-rate over powers and reflection vector by fractional programming.

    Algorithm 1 of he2020 (eqs. (11), (17), (18), (21), (25)), or one half of it. The sum-rate never
    decreases. The result of a realisation does not depend on the others, bitwise.

    Args:
        responses: v, (realisation, source, destination, element), amplitudes: the effective channel
            is sum_n x_n v[..., n], x the conjugate of the paper's theta.
        noise_gains: c, (realisation, destination, element) in W: the surfaces add the noise
            sum_n c_kn |x_n|^2.
        noise_power: noise of a destination in W.
        power_limit: largest power of a source in W.
        powers: (realisation, source) starting powers in W.
        reflection: (realisation, element) starting vector x, |x_n| <= 1.
        update_powers: take the power step.
        update_reflection: take the phase step.
        phase_step: "exact" maximum of the quadratic form, the same to a gap of 1e-6 by the
            "ellipsoid" method of the paper, or one coordinate "sweep";
            "unit_modulus" keeps |x_n| = 1 and raises the form by coordinate ascent on the circle.
        tolerance: increase of the sum-rate in bit/s/Hz at which to stop; 0 runs every iteration.
        max_iterations: largest number of iterations.
        rate_factor: share of the time a source transmits.

    Returns:
        The solution; a realisation with data that is not finite fails, with nan in its place.

    Raises:
        ValueError: shapes that do not fit, or a value out of its range.
    """
    if not (0.0 < noise_power < np.inf and 0.0 < power_limit < np.inf):
        raise ValueError("noise_power and power_limit must be positive and finite")
    if not (tolerance >= 0.0 and max_iterations >= 0 and rate_factor > 0.0):
        raise ValueError("tolerance and max_iterations must be >= 0 and rate_factor > 0")
    if phase_step not in PHASE_STEPS:
        raise ValueError(f"phase_step {phase_step!r} must be one of {', '.join(PHASE_STEPS)}")
    v, c, p, x = _checked(responses, noise_gains, powers, reflection, power_limit)
    on_circle = phase_step == "unit_modulus" and update_reflection
    if on_circle and (np.abs(np.abs(x) - 1.0) > 1e-9).any():
        raise ValueError("unit_modulus: reflection coefficients must start at modulus one")
    with np.errstate(over="ignore"):  # ends as a numerical failure
        v, c = v * sqrt(power_limit / noise_power), c / noise_power
    p = np.minimum(p / power_limit, 1.0)
    for array in (v, c, x):
        p[~np.isfinite(array).reshape(len(p), -1).all(axis=1)] = nan
    count = len(p)
    trace, residual = np.zeros((count, max_iterations + 1)), np.zeros(count)
    iterations, status = np.zeros(count, np.int64), np.zeros(count, np.int8)
    _alternate(
        v, c, p, x, update_powers, update_reflection, PHASE_STEPS.index(phase_step),
        tolerance, rate_factor, trace, iterations, residual, status,
    )  # fmt: skip
    return SumRateSolution(
        p * power_limit,
        x,
        trace[:, -1].copy(),
        iterations=iterations,
        residual=residual,
        status=status,
        trace=trace,
    )


def _checked(
    responses: Complex, noise_gains: Real, powers: Real, reflection: Complex, power_limit: float
) -> tuple[Complex, Real, Real, Complex]:
    """Contiguous copies, checked but for values that are not finite: these fail one by one."""
    v, x = (np.array(values, np.complex128, order="C") for values in (responses, reflection))
    c, p = (np.array(values, np.float64, order="C") for values in (noise_gains, powers))
    if v.ndim != 4 or 0 in v.shape[1:] or v.shape[1] != v.shape[2]:
        raise ValueError(f"responses {v.shape} must be (R, K, K, N) with K, N >= 1")
    shapes = v.shape[:1] + v.shape[2:], v.shape[:2], (v.shape[0], v.shape[3])
    names = "noise_gains", "powers", "reflection"
    for name, array, shape in zip(names, (c, p, x), shapes, strict=True):
        if array.shape != shape:
            raise ValueError(f"{name} {array.shape} must be {shape} to fit responses {v.shape}")
    if (c < 0.0).any() or (p < 0.0).any() or (p > power_limit * (1.0 + 1e-9)).any():
        raise ValueError(f"noise_gains must be >= 0 and powers in [0, power_limit = {power_limit}]")
    if (np.abs(x) > 1.0 + 1e-9).any():
        raise ValueError("reflection coefficients must lie in the unit disc")
    return v, c, p, x
