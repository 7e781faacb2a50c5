"""Weighted rates as functions of responses, and the smooth costs that stand for them.

With responses s_kj = e_k w_j, noise of power one, SINRs gamma_k and factors c_k or weights omega_k,

    f = -sum_k c_k |s_kk|^2 / (sum_j |s_kj|^2 + 1),                       (zhang2022, eq. (10))
    f = mu ln sum_k exp(-f_k / mu),
    f_k = omega_k |s_kk|^2 - lam (sum_{j != k} |s_kj|^2 + 1).             (eq. (36))

The slope Z = 2 df/dconj(s) gives every gradient: where s = A x + b, that in x is A^H Z.
"""

from math import exp, inf, log, log2

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.linear_algebra import squared_modulus

SUM_RATE, MIN_RATE = range(2)
OBJECTIVES = ("sum-rate", "min-rate")


@kernel(allocates=False)
def _squares(responses: Complex, k: int) -> tuple[float, float]:
    """Power of the own beam and of the others at user k; responses are (beam, user)."""
    interference = 0.0
    for j in range(responses.shape[0]):
        if j != k:
            interference += squared_modulus(responses[j, k])
    return squared_modulus(responses[k, k]), interference


@kernel(allocates=False)
def cost(
    objective: int, responses: Complex, factors: Real, level: float, smoothing: float, shares: Real
) -> float:
    """Return (10) or (36) at responses s.

    Args:
        objective: `SUM_RATE` or `MIN_RATE`.
        responses: s, (beam, user).
        factors: c or omega, (user,).
        level: lam, of (36).
        smoothing: mu, of (36).
        shares: (user,), overwritten by exp(-f_k / mu) over their sum, for (36).
    """
    users = factors.size
    if objective == SUM_RATE:
        total = 0.0
        for k in range(users):
            signal, interference = _squares(responses, k)
            total -= factors[k] * signal / (signal + interference + 1.0)
        return total
    lowest = inf
    for k in range(users):
        signal, interference = _squares(responses, k)
        shares[k] = factors[k] * signal - level * (interference + 1.0)
        lowest = min(lowest, shares[k])
    total = 0.0
    for k in range(users):
        shares[k] = exp((lowest - shares[k]) / smoothing)
        total += shares[k]
    for k in range(users):
        shares[k] /= total
    return float(smoothing * log(total) - lowest)


@kernel(allocates=False)
def sensitivity(
    objective: int, responses: Complex, factors: Real, level: float, shares: Real, out: Complex
) -> None:
    """Set Z = 2 df/dconj(s), (beam, user), after `cost` at the same responses."""
    users = factors.size
    for k in range(users):
        if objective == SUM_RATE:
            signal, interference = _squares(responses, k)
            total_power = signal + interference + 1.0
            interference_slope = 2.0 * factors[k] * signal / total_power**2
            signal_slope = -2.0 * factors[k] * (interference + 1.0) / total_power**2
        else:
            interference_slope = 2.0 * shares[k] * level
            signal_slope = -2.0 * shares[k] * factors[k]
        for j in range(users):
            out[j, k] = (signal_slope if j == k else interference_slope) * responses[j, k]


@kernel(allocates=False)
def ratios(responses: Complex, sinr: Real) -> None:
    """Set the SINR of every user, (user,)."""
    for k in range(sinr.size):
        signal, interference = _squares(responses, k)
        sinr[k] = signal / (interference + 1.0)


@kernel(allocates=False)
def weighted_rate(objective: int, sinr: Real, weights: Real) -> float:
    """Weighted sum-rate or smallest weighted rate in bit/s/Hz."""
    total, lowest = 0.0, inf
    for k in range(sinr.size):
        rate = weights[k] * log2(1.0 + sinr[k])
        total += rate
        lowest = min(lowest, rate)
    return total if objective == SUM_RATE else lowest


@kernel(allocates=False)
def weighted_level(sinr: Real, weights: Real) -> float:
    """Smallest weighted SINR."""
    lowest = inf
    for k in range(sinr.size):
        lowest = min(lowest, weights[k] * sinr[k])
    return lowest
