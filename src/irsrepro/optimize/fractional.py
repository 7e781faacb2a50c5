"""Transforms of fractional programming: their stationary auxiliaries."""

from math import sqrt

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel


@kernel
def sinr_from_amplitudes(amplitudes: Complex, noise: Real, sinr: Real) -> None:
    """SINR_k = |a_kk|^2 / (sum_{i != k} |a_ik|^2 + noise_k), the stationary mu (he2020, (11)).

    Args:
        amplitudes: a, (source, destination).
        noise: (destination,), in the unit of |a|^2.
        sinr: (destination,), overwritten.
    """
    for k in range(noise.size):
        unwanted = noise[k]
        for i in range(noise.size):
            if i != k:
                unwanted += amplitudes[i, k].real ** 2 + amplitudes[i, k].imag ** 2
        sinr[k] = (amplitudes[k, k].real ** 2 + amplitudes[k, k].imag ** 2) / unwanted


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
            received += amplitudes[i, k].real ** 2 + amplitudes[i, k].imag ** 2
        auxiliary[k] = sqrt(rate_factor * (1.0 + sinr[k])) * amplitudes[k, k] / received
