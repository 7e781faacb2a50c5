"""The augmented Lagrangian of a subproblem of the inner approximation, and its derivatives.

In the factors V = Y Y^H (rows of unit norm) and W_i = sum_s w_is w_is^H of the problem stated in
`subproblem`, whose constraints g have multipliers z.
"""

from math import inf
from typing import NamedTuple

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.linear_algebra import squared_modulus
from irsrepro.papers.yu2020.algorithms.subproblem import (
    Subproblem,
    adjoint_of,
    apply_matrix,
    inner_product,
    squared_norm,
    times,
)


class Terms(NamedTuple):
    """What value, gradient and Hessian share at one point.

    Attributes:
        images: f_kis = H_k w_is, (user, user, stream, element + 1).
        inner: p_kis = Y^H f_kis, (user, user, stream, rank).
        adjoint_images: H_k^H Y, (user, antenna, rank).
        gram_beams: Q_k w_is, (user, user, stream, antenna).
        old_gram_beams: Q_k w'_is, (user, user, old stream, antenna).
        form: w_is^H Q_k w_it, (user, user, stream, stream).
        overlap: w'_is^H Q_k w_it, (user, user, old stream, stream).
        square: Y^H Y, (rank, rank).
        cross: Y'^H Y, (old rank, rank).
        top_image: l^H Y, (rank,).
        values: g, (constraint,): the users, then the slack.
    """

    images: Complex
    inner: Complex
    adjoint_images: Complex
    gram_beams: Complex
    old_gram_beams: Complex
    form: Complex
    overlap: Complex
    square: Complex
    cross: Complex
    top_image: Complex
    values: Real


@kernel
def _beam_power(beams: Complex) -> float:
    total = 0.0
    for i in range(beams.shape[0]):
        total += squared_norm(beams[i])
    return total


@kernel
def evaluate_terms(problem: Subproblem, factor: Complex, beams: Complex) -> Terms:
    """Evaluate all terms at a point.

    Args:
        problem: the subproblem.
        factor: Y, (element + 1, rank).
        beams: w, (user, stream, antenna).
    """
    users, size, antennas = problem.channels.shape
    rank = factor.shape[1]
    adjoint, old_adjoint = adjoint_of(factor), adjoint_of(problem.factor)
    streams, old_streams = beams.shape[1], problem.beams.shape[1]
    images = np.empty((users, users, streams, size), np.complex128)
    inner = np.empty((users, users, streams, rank), np.complex128)
    adjoint_images = np.empty((users, antennas, rank), np.complex128)
    gram_beams = np.empty((users, users, streams, antennas), np.complex128)
    old_gram_beams = np.empty((users, users, old_streams, antennas), np.complex128)
    form = np.empty((users, users, streams, streams), np.complex128)
    overlap = np.empty((users, users, old_streams, streams), np.complex128)
    square = times(adjoint, factor)
    cross = times(old_adjoint, factor)
    top_image = np.empty(rank, np.complex128)
    apply_matrix(adjoint, problem.top, top_image)
    values = np.empty(users + 1)
    old_square = times(old_adjoint, problem.factor)
    distance = squared_norm(square) + squared_norm(old_square) - 2.0 * squared_norm(cross)
    for k in range(users):
        assign(times(problem.adjoint[k], factor), adjoint_images[k])
        values[k] = problem.scale[k] + 0.5 * problem.matrix_weight[k] * distance
        for i in range(users):
            for q in range(streams):
                apply_matrix(problem.channels[k], beams[i, q], images[k, i, q])
                apply_matrix(adjoint, images[k, i, q], inner[k, i, q])
                apply_matrix(problem.gram[k], beams[i, q], gram_beams[k, i, q])
            beam_distance = 0.0
            for q in range(old_streams):
                apply_matrix(problem.gram[k], problem.beams[i, q], old_gram_beams[k, i, q])
                for t in range(old_streams):
                    old = inner_product(old_gram_beams[k, i, q], problem.beams[i, t])
                    beam_distance += squared_modulus(old)
                for t in range(streams):
                    product = inner_product(old_gram_beams[k, i, q], beams[i, t])
                    overlap[k, i, q, t] = product
                    beam_distance -= 2.0 * squared_modulus(product)
            power = 0.0
            for q in range(streams):
                for t in range(streams):
                    product = inner_product(gram_beams[k, i, q], beams[i, t])
                    form[k, i, q, t] = product
                    beam_distance += squared_modulus(product)
                for c in range(rank):
                    power += squared_modulus(inner[k, i, q, c])
            values[k] += (
                problem.signs[k, i] * power + 0.5 * problem.beam_weight[k, i] * beam_distance
            )
    gap = float(size)
    for c in range(rank):
        top_image[c] = top_image[c].conjugate()
        gap -= squared_modulus(top_image[c])
    values[users] = gap - problem.slack if problem.slack < inf else -inf
    return Terms(
        images,
        inner,
        adjoint_images,
        gram_beams,
        old_gram_beams,
        form,
        overlap,
        square,
        cross,
        top_image,
        values,
    )


@kernel
def power_and_penalty(problem: Subproblem, beams: Complex, terms: Terms) -> float:
    """Return the objective, sum_i tr W_i + chi (M + 1 - l^H V l), in units of the first power.

    Args:
        problem: the subproblem.
        beams: w, (user, stream, antenna).
        terms: from `evaluate_terms` there.
    """
    power = _beam_power(beams)
    gap = float(problem.channels.shape[1])
    for c in range(terms.top_image.size):
        gap -= terms.top_image[c].real ** 2 + terms.top_image[c].imag ** 2
    return float(power + problem.penalty * gap)


@kernel
def augmented_lagrangian(objective: float, values: Real, multipliers: Real, weights: Real) -> float:
    """Return p + sum_k (max(0, z_k + c_k g_k)^2 - z_k^2) / (2 c_k).

    Args:
        objective: p.
        values: g, (constraint,), minus infinity for one that is not there.
        multipliers: z, (constraint,).
        weights: c, (constraint,).
    """
    total = objective
    for k in range(values.size):
        if values[k] > -inf:
            active = max(0.0, multipliers[k] + weights[k] * values[k])
            total += (active**2 - multipliers[k] ** 2) / (2.0 * weights[k])
    return total


@kernel
def gradients(problem: Subproblem, factor: Complex, beams: Complex, terms: Terms) -> Complex:
    """Gradients of the constraints and, in the last row, of the objective.

    Args:
        problem: the subproblem.
        factor: Y, (element + 1, rank).
        beams: w, (user, stream, antenna).
        terms: from `evaluate_terms` there.

    Returns:
        (constraint + 1, coordinate), the coordinates those of Y by rows, then of w.
    """
    users, size, antennas = problem.channels.shape
    rank = factor.shape[1]
    streams, old_streams = beams.shape[1], problem.beams.shape[1]
    first = size * rank
    slopes = np.zeros((users + 2, first + users * streams * antennas), np.complex128)
    new_product, old_product = times(factor, terms.square), times(problem.factor, terms.cross)
    beam_slope = np.empty(antennas, np.complex128)
    for k in range(users):
        for n in range(size):
            for c in range(rank):
                total = problem.matrix_weight[k] * (new_product[n, c] - old_product[n, c])
                for i in range(users):
                    for q in range(streams):
                        image = terms.images[k, i, q, n]
                        total += problem.signs[k, i] * image * terms.inner[k, i, q, c].conjugate()
                slopes[k, n * rank + c] = 2.0 * total
        for i in range(users):
            for q in range(streams):
                apply_matrix(terms.adjoint_images[k], terms.inner[k, i, q], beam_slope)
                for a in range(antennas):
                    proximal = 0j
                    for t in range(streams):
                        proximal += terms.form[k, i, t, q] * terms.gram_beams[k, i, t, a]
                    for t in range(old_streams):
                        proximal -= terms.overlap[k, i, t, q] * terms.old_gram_beams[k, i, t, a]
                    slopes[k, first + (i * streams + q) * antennas + a] = 2.0 * (
                        problem.signs[k, i] * beam_slope[a] + problem.beam_weight[k, i] * proximal
                    )
    for n in range(size):
        for c in range(rank):
            value = -2.0 * problem.top[n] * terms.top_image[c]
            slopes[users, n * rank + c] = value
            slopes[users + 1, n * rank + c] = problem.penalty * value
    for i in range(users):
        for q in range(streams):
            for a in range(antennas):
                slopes[users + 1, first + (i * streams + q) * antennas + a] = 2.0 * beams[i, q, a]
    return slopes


@kernel
def derivative_matrices(
    problem: Subproblem, factor: Complex, beams: Complex, terms: Terms, active: Real
) -> tuple[Complex, Complex, Real]:
    """S, T and y: derivatives of the Lagrangian by V and W_i, and the multipliers of diag V = 1.

    Args:
        problem: the subproblem.
        factor: Y.
        beams: w.
        terms: from `evaluate_terms` there.
        active: multipliers of the constraints.

    Returns:
        S (element + 1, element + 1), T (user, antenna, antenna), y (element + 1,).
    """
    users, size, antennas = problem.channels.shape
    V, old = times(factor, adjoint_of(factor)), times(problem.factor, adjoint_of(problem.factor))
    streams, old_streams = beams.shape[1], problem.beams.shape[1]
    matrix_weight = 0.0
    for k in range(users):
        matrix_weight += active[k] * problem.matrix_weight[k]
    columns = np.empty((users * users * streams, size), np.complex128)
    weighted = np.empty((size, users * users * streams), np.complex128)
    T = np.zeros((users, antennas, antennas), np.complex128)
    for k in range(users):
        image_gram = times(terms.adjoint_images[k], adjoint_of(terms.adjoint_images[k]))
        for i in range(users):
            for q in range(streams):
                column, weight = (k * users + i) * streams + q, active[k] * problem.signs[k, i]
                for n in range(size):
                    columns[column, n] = terms.images[k, i, q, n].conjugate()
                    weighted[n, column] = weight * terms.images[k, i, q, n]
            for a in range(antennas):
                for b in range(antennas):
                    proximal = 0j
                    for q in range(streams):
                        proximal += (
                            terms.gram_beams[k, i, q, a] * terms.gram_beams[k, i, q, b].conjugate()
                        )
                    for q in range(old_streams):
                        last = terms.old_gram_beams[k, i, q]
                        proximal -= last[a] * last[b].conjugate()
                    T[i, a, b] += active[k] * (
                        problem.signs[k, i] * image_gram[a, b]
                        + problem.beam_weight[k, i] * proximal
                    )
    for i in range(users):
        for a in range(antennas):
            T[i, a, a] += 1.0
    S = times(weighted, columns)
    pressure = problem.penalty + active[users]
    for n in range(size):
        for m in range(size):
            S[n, m] += matrix_weight * (V[n, m] - old[n, m])
            S[n, m] -= pressure * problem.top[n] * problem.top[m].conjugate()
    product = times(S, factor)
    diagonal = np.zeros(size)
    for n in range(size):
        for c in range(factor.shape[1]):
            p, f = product[n, c], factor[n, c]
            diagonal[n] += p.real * f.real + p.imag * f.imag
    return S, T, diagonal


@kernel
def riemannian_hessian(
    problem: Subproblem,
    factor: Complex,
    terms: Terms,
    slopes: Complex,
    active: Real,
    curvatures: Real,
    S: Complex,
    T: Complex,
    diagonal: Real,
) -> Real:
    """Riemannian Hessian of the augmented Lagrangian, before the projection to tangent spaces.

    As a real form of the coordinates (re, im) of Y by rows, then w. A second derivative
    Re(a^H A b) + Re(a^T B b) has the real blocks below. Only the lower triangle is set, with whole
    blocks of a row of Y on its diagonal.

    Args:
        problem: the subproblem.
        factor: Y.
        terms: from `evaluate_terms`.
        slopes: from `gradients`.
        active: multipliers of the first-order terms.
        curvatures: weight of the augmentation where it is active, else 0.
        S: from `derivative_matrices`.
        T: likewise.
        diagonal: likewise.
    """
    users, size, antennas = problem.channels.shape
    rank = factor.shape[1]
    streams = terms.images.shape[2]
    first = size * rank
    order = first + users * streams * antennas
    A = np.zeros((order, order), np.complex128)
    B = np.zeros((order, order), np.complex128)
    matrix_weight = 0.0
    for k in range(users):
        matrix_weight += 2.0 * active[k] * problem.matrix_weight[k]
    for n in range(size):
        for m in range(size):
            entry = 2.0 * S[n, m]
            if n == m:
                entry -= 2.0 * diagonal[n]
            for c in range(rank):
                A[n * rank + c, m * rank + c] += entry
                for d in range(rank):
                    B[n * rank + c, m * rank + d] += (
                        matrix_weight * factor[n, d].conjugate() * factor[m, c].conjugate()
                    )
        for c in range(rank):
            for d in range(rank):
                A[n * rank + c, n * rank + d] += matrix_weight * terms.square[d, c]
    for u in range(users):
        for s in range(streams):
            base = first + (u * streams + s) * antennas
            for k in range(users):
                weight = 2.0 * active[k] * problem.signs[k, u]
                for n in range(size):
                    image = weight * terms.images[k, u, s, n].conjugate()
                    for c in range(rank):
                        inner = weight * terms.inner[k, u, s, c].conjugate()
                        for a in range(antennas):
                            A[n * rank + c, base + a] += inner * problem.channels[k, n, a]
                            B[n * rank + c, base + a] += (
                                image * terms.adjoint_images[k, a, c].conjugate()
                            )
                beam_weight = 2.0 * active[k] * problem.beam_weight[k, u]
                for t in range(streams):
                    column_base = first + (u * streams + t) * antennas
                    overlap = beam_weight * terms.form[k, u, t, s]
                    for a in range(antennas):
                        turn = beam_weight * terms.gram_beams[k, u, t, a].conjugate()
                        for b in range(antennas):
                            A[base + a, column_base + b] += overlap * problem.gram[k, a, b]
                            B[base + a, column_base + b] += (
                                turn * terms.gram_beams[k, u, s, b].conjugate()
                            )
            for a in range(antennas):
                for b in range(antennas):
                    A[base + a, base + b] += 2.0 * T[u, a, b]
    real = np.empty((2 * order, 2 * order))
    ends = np.empty(order, np.int64)
    for p in range(order):
        ends[p] = min((p // rank + 1) * rank, first) if p < first else p + 1
        for q in range(ends[p]):
            if q < first <= p:
                a, b = A[q, p].conjugate(), B[q, p]
            else:
                a, b = A[p, q], B[p, q]
            real[2 * p, 2 * q] = a.real + b.real
            real[2 * p, 2 * q + 1] = -a.imag - b.imag
            real[2 * p + 1, 2 * q] = a.imag - b.imag
            real[2 * p + 1, 2 * q + 1] = a.real - b.real
    coordinates = slopes.view(np.float64)
    for k in range(users + 1):
        if curvatures[k] > 0.0:
            for p in range(2 * order):
                scaled = curvatures[k] * coordinates[k, p]
                for q in range(2 * ends[p // 2]):
                    real[p, q] += scaled * coordinates[k, q]
    return real
