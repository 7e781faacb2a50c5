"""The unit-diagonal relaxations of many elements by pymanopt, with a dual certificate.

Cone solvers take minutes and gigabytes beyond some tens of elements. V = Y Y^H with rows of Y on
the unit sphere is a real oblique manifold; a soft minimum of the users' values is maximised over it
in rounds, between which the weights of the users are set to what they are in its gradient, so that
they tend to dual multipliers: with

    C = sum_k w_k (N_k - t D_k),   y = diag Re(C V),   b = 1^T y + w.(n - t d) + N max(0, -l),

l the smallest eigenvalue of Diag(y) - C, no V reaches more than t + b / (w.d), which is computed
with a dense eigenvalue decomposition and holds however well the search went.
"""

# mypy: disable-error-code="no-untyped-call, untyped-decorator"

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.lazy_import import lazily
from irsrepro.optimize.reference.public_solvers import search_manifold
from irsrepro.optimize.sdp.instance import Instance
from irsrepro.optimize.sdp.problem import MaxMinProblem, scale_instance, smallest_value

pymanopt = lazily("pymanopt")

_RANK = 8
_SHARPNESS = (4.0, 16.0, *[64.0] * 30)  # of the rounds, over the value reached
_STEPS = 1000  # of a round
_LEAST = 1e-12  # share below which no weight falls, so that it can rise again


class LowRank(NamedTuple):
    """What was found for one realisation, in the unit of the problem.

    Attributes:
        factor: Y, (element, rank), rows of unit norm.
        value: smallest of the users' values at V = Y Y^H.
        bound: no V exceeds it.
        iterations: of conjugate gradients, over all rounds.
    """

    factor: Complex
    value: float
    bound: float
    iterations: int


def relax_low_rank(problem: MaxMinProblem, realisation: int, tolerance: float) -> LowRank:
    """Maximise the smallest value over psd V with unit diagonal.

    Args:
        problem: linear values or ratios.
        realisation: which one.
        tolerance: relative gap between bound and value at which the rounds end.

    Raises:
        SolverError: pymanopt fails.
    """
    scaled = scale_instance(problem.dense(), realisation)
    instance = scaled.instance
    size = len(instance.columns.local)
    rank = min(_RANK, size)
    point = _start(size, rank)
    best, best_value, bound, iterations = point, _value(instance, point), np.inf, 0
    weights = np.full(len(scaled.shares), 1.0 / len(scaled.shares))
    for sharpness in _SHARPNESS:
        rate = sharpness / max(abs(best_value), scaled.floor) if scaled.linear else sharpness
        soft_minimum = _SoftMinimum(instance, scaled.linear, rate, weights)
        result = search_manifold(
            soft_minimum.problem(rank),
            point,
            max_iterations=_STEPS,
            min_gradient_norm=1e-9,
            min_step_size=1e-14,
        )
        point, iterations = result.point, iterations + result.iterations
        value = _value(instance, point)
        if value > best_value:
            best, best_value = point, value
        _, slopes, shares = soft_minimum.at(_factor(point))
        weights = np.maximum(shares, _LEAST)
        bound = min(bound, _bound(instance, _factor(point), slopes))
        if bound - best_value <= tolerance * max(abs(best_value), scaled.floor):
            break
    unit = scaled.unit
    return LowRank(_factor(best), unit * best_value, unit * max(bound, best_value), iterations)


def _start(size: int, rank: int) -> Real:
    """A fixed point without structure, (2 rank, element), columns of unit norm."""
    values = np.random.default_rng(size).standard_normal((2 * rank, size))
    return np.asarray(values / np.linalg.norm(values, axis=0))


def _factor(point: Real) -> Complex:
    """Y (element, rank) of a point, whose halves are real and imaginary parts."""
    rank = len(point) // 2
    return np.asarray((point[:rank] + 1j * point[rank:]).T)


def _value(instance: Instance, point: Real) -> float:
    return smallest_value(instance, _factor(point))


def _parts(instance: Instance, Y: Complex) -> tuple[Complex, Real, Real]:
    """F^H Y, and numerators and denominators of the users' values."""
    image = instance.columns.local.conj().T @ Y
    powers = (np.abs(image) ** 2).sum(axis=1)
    top = instance.numerator @ powers + instance.numerator_constant
    return image, top, instance.denominator @ powers + instance.denominator_constant


class _SoftMinimum(NamedTuple):
    """-log sum_k u_k exp(-s v_k) / s, of linear values v or of logarithms of ratios.

    Attributes:
        instance: the users' values.
        linear: whether these are linear.
        rate: s.
        weights: u, (user,).
    """

    instance: Instance
    linear: bool
    rate: float
    weights: Real

    def at(self, Y: Complex) -> tuple[float, Real, Real]:
        """The soft minimum, its slopes in N_k - v_k D_k, and the shares of the users in it."""
        _, top, bottom = _parts(self.instance, Y)
        values = top / bottom if self.linear else np.log(np.maximum(top, 1e-300) / bottom)
        smallest = values.min()
        shares = self.weights * np.exp(-self.rate * (values - smallest))
        total = shares.sum()
        shares = shares / total
        slopes = shares / (bottom if self.linear else np.maximum(top, 1e-300))
        return float(smallest - np.log(total) / self.rate), slopes, shares

    def problem(self, rank: int) -> object:
        """Its maximisation, as a pymanopt problem."""
        instance = self.instance
        manifold = pymanopt.manifolds.Oblique(2 * rank, len(instance.columns.local))

        @pymanopt.function.numpy(manifold)
        def cost(point: Real) -> float:
            return -self.at(_factor(point))[0]

        @pymanopt.function.numpy(manifold)
        def gradient(point: Real) -> Real:
            Y = _factor(point)
            image, top, bottom = _parts(instance, Y)
            w = self.at(Y)[1]
            forms = w @ instance.numerator - (w * top / bottom) @ instance.denominator
            slope = (-2.0 * instance.columns.local @ (forms[:, None] * image)).T
            return np.concatenate([slope.real, slope.imag])

        return pymanopt.Problem(manifold, cost, euclidean_gradient=gradient)


def _bound(instance: Instance, Y: Complex, w: Real) -> float:
    """Upper bound of the value from weights of the users at a factor."""
    image, top, bottom = _parts(instance, Y)
    level = float((top / bottom).min())
    weights = w @ (instance.numerator - level * instance.denominator)
    y = ((instance.columns.local @ (weights[:, None] * image)) * Y.conj()).sum(axis=1).real
    slack = np.diag(y) - (instance.columns.local * weights) @ instance.columns.local.conj().T
    lowest = np.linalg.eigvalsh(slack)[0]
    constant = w @ (instance.numerator_constant - level * instance.denominator_constant)
    excess = y.sum() + constant + len(y) * max(0.0, -lowest)
    return level + max(0.0, float(excess)) / float(w @ instance.denominator_constant)
