"""Climbing from a vector of unit-modulus entries by pymanopt's conjugate gradients."""

# mypy: disable-error-code="no-untyped-call, untyped-decorator"

import numpy as np

from irsrepro.array_types import Complex
from irsrepro.lazy_import import lazily
from irsrepro.optimize.reference.public_solvers import search_manifold
from irsrepro.optimize.rounding import NOT_A_SAMPLE, UnitModulusVectors
from irsrepro.optimize.sdp.instance import Instance
from irsrepro.optimize.sdp.problem import MaxMinProblem, scale_instance, smallest_value

pymanopt = lazily("pymanopt")

_SHARPNESS = (4.0, 16.0, 64.0, 256.0)  # of the soft minimum, over the smallest value at the start


def polish(
    problem: MaxMinProblem, vector: Complex, *, tolerance: float = 1e-4
) -> UnitModulusVectors:
    """Climb from each vector to a local optimum of the smallest value, never ending below it.

    The minimum is softened, -log sum_k exp(-s v_k) / s, with a sharpness s that rises in stages.

    Args:
        problem: R realisations.
        vector: x, (realisation, element) of unit modulus.
        tolerance: of the other implementation; this one stops at pymanopt's own criteria.

    Returns:
        Vectors of unit modulus, the last element 1, with their values.

    Raises:
        SolverError: pymanopt fails.
    """
    vectors = np.stack([_climb(problem, r, start) for r, start in enumerate(vector)])
    value = problem.values(vectors).min(axis=1)
    return UnitModulusVectors(vectors, value, np.full(len(vectors), NOT_A_SAMPLE))


def _climb(problem: MaxMinProblem, realisation: int, start: Complex) -> Complex:
    instance = scale_instance(problem.dense(), realisation).instance
    best, best_value = start, smallest_value(instance, start[:, None])
    point = start
    for sharpness in _SHARPNESS:
        point = _search(instance, point, sharpness / max(best_value, 1e-12))
        value = smallest_value(instance, point[:, None])
        if value > best_value:
            best, best_value = point, value
    return np.asarray(best * best[-1].conj())


def _search(instance: Instance, start: Complex, sharpness: float) -> Complex:
    manifold = pymanopt.manifolds.ComplexCircle(len(start))
    columns = instance.columns.local

    def parts(x: Complex) -> tuple[Complex, Complex, Complex, Complex]:
        image = columns.conj().T @ x
        powers = np.abs(image) ** 2
        top = instance.numerator @ powers + instance.numerator_constant
        bottom = instance.denominator @ powers + instance.denominator_constant
        return image, top, bottom, top / bottom

    @pymanopt.function.numpy(manifold)
    def cost(x: Complex) -> float:
        values = parts(x)[3].real
        smallest = values.min()
        return float(np.log(np.exp(-sharpness * (values - smallest)).sum()) / sharpness - smallest)

    @pymanopt.function.numpy(manifold)
    def euclidean_gradient(x: Complex) -> Complex:
        image, _, bottom, values = parts(x)
        shares = np.exp(-sharpness * (values - values.min()))
        shares = shares / shares.sum() / bottom
        weights = shares @ instance.numerator - (shares * values) @ instance.denominator
        gradient: Complex = -2.0 * columns @ (weights * image)
        return gradient

    program = pymanopt.Problem(manifold, cost, euclidean_gradient=euclidean_gradient)
    point: Complex = search_manifold(program, start, max_iterations=200).point
    return point
