"""Transforms of fractional programming: their stationary auxiliaries."""

from math import sqrt

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.linear_algebra import squared_modulus


@kernel
def sinr_from_amplitudes(amplitudes: Complex, noise: Real, sinr: Real) -> None:
    """SINR_k = |a_kk|^2 / (sum_{i != k} |a_ik|^2 + noise_k), the stationary mu (he2020, (11)).

    Args:
        amplitudes: a, (source, destination).
        noise: (destination,), in the unit of |a|^2.
        sinr: (destination,), overwritten.
    """
    for k in range(noise.size):
        denominator = noise[k]
        for i in range(noise.size):
            if i != k:
                denominator += squared_modulus(amplitudes[i, k])
        sinr[k] = squared_modulus(amplitudes[k, k]) / denominator


@kernel
def quadratic_auxiliary(
    amplitudes: Complex, noise: Real, sinr: Real, rate_factor: float, auxiliary: Complex
) -> None:
    """beta_k = sqrt(w (1 + mu_k)) a_kk / (sum_i |a_ik|^2 + noise_k) (he2020, eq. (21)).

    Its modulus is the alpha of the power step (he2020, eq. (17)).

    Args:
        amplitudes: a, (source, destination).
        noise: (destination,), in the unit of |a|^2.
        sinr: mu, (destination,).
        rate_factor: w.
        auxiliary: beta, (destination,), overwritten.
    """
    for k in range(noise.size):
        received = noise[k]
        for i in range(noise.size):
            received += squared_modulus(amplitudes[i, k])
        auxiliary[k] = sqrt(rate_factor * (1.0 + sinr[k])) * amplitudes[k, k] / received
