"""The quadratic form of the phase step over vectors of modulus one, by coordinate ascent."""

from irsrepro.array_types import Complex
from irsrepro.compiled import kernel


@kernel
def circle_sweep(matrix: Complex, linear: Complex, vector: Complex) -> None:
    """One cyclic coordinate ascent sweep of q over |x_n| = 1, in place: never decreases q.

    On the circle x_n^* A_nn x_n is constant, so an element held by the others is best in phase with
    z = u_n - sum_{m != n} A_nm x_m: x_n <- z / |z|. Where z vanishes every phase is as good.

    Args:
        matrix: A, (element, element) Hermitian.
        linear: u, (element,).
        vector: x, (element,) of modulus one, overwritten.
    """
    size = vector.size
    for n in range(size):
        target = linear[n] + matrix[n, n].real * vector[n]
        for m in range(size):
            target -= matrix[n, m] * vector[m]
        magnitude = abs(target)
        if magnitude > 0.0:
            vector[n] = target / magnitude
