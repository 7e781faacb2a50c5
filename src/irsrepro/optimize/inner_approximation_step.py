"""One convex subproblem of the inner approximation, in low-rank factors, with a certificate.

User k hears v^H H_k w_i; V stands for v v^H, W_i for w_i w_i^H, B_ki = H_k W_i H_k^H, noise 1. The
targets are bilinear in V and W. With any c_ki > 0 yu2020's expansion (11) and the bounds (12) turn
them into convex constraints (13), which, collected, are the bilinear ones plus proximal terms about
the last iterate (V', W'):

    g_k = 1 + sum_i [m_ki tr(V B_ki) + |m_ki| (c_ki^2 / 2 ||V - V'||^2
                                               + 1 / (2 c_ki^2) ||B_ki - B'_ki||^2)] <= 0,
    m_ki = 1 for i != k and -1 / gamma_k for i = k.

They are used times the user's share of the uplink power, which brings their multipliers near 1: the
gains of users differ by many orders. The subproblem (17), with l the top eigenvector of V' and
chi >= 0, e >= 0,

    minimise   sum_i tr W_i + chi (M + 1 - l^H V l)
    subject to g_k <= 0,   M + 1 - l^H V l <= e,   diag V = 1,   V, W_i psd,

is solved in factors V = Y Y^H (rows of unit norm) and W_i = sum_s w_is w_is^H, of one column to
begin with: an augmented Lagrangian with multipliers z of the constraints, Newton's method on the
product of spheres and the beams. With S and T_i the derivatives of the Lagrangian by V and W_i and
y_k = Re (S V)_kk, the factors solve the convex problem if S - Diag(y) and all T_i are psd. Where
one has a negative eigenvalue, its eigenvector becomes a column more. That happens to W_i too:
yu2020's Theorem 1 holds at a fixed point, where the proximal terms have no gradient, but a
subproblem away from one can have solutions of higher rank only.

Since the Lagrangian is convex in (V, W), its linearisation at any point bounds the optimum from
below:

    p - sum_k z_k |g_k| - (M + 1) max(0, -lowest(S - Diag y)) - p max(0, -lowest(T)) - rest.
"""

# mypy: disable-error-code="untyped-decorator"

from math import inf, sqrt
from typing import NamedTuple

import numpy as np
from numba import njit

from irsrepro.optimize.receivers import Complex, Real
from irsrepro.optimize.status import CONVERGED, ITERATION_LIMIT

_SMALLEST = 1e-12  # power at a user over noise that is taken for the size of B
_WEIGHT = 100.0  # of the augmentation; the multipliers are about 1
_GROWTH = 5.0
_HEAVIEST = 1e5
_ROUNDS = 40
_NEWTON_STEPS = 60
_LOOSE = 3e-3  # gradient at which the first multiplier step is taken
_SHIFT = 1e-11  # of the largest diagonal entry of the Hessian, against its flat directions
_SUFFICIENT = 1e-4
_SHORTEST = 1e-6  # length factor of a step
_ROUNDING = 1e-15  # of the augmented Lagrangian
_NEW_COLUMN = 0.05  # root mean square of its entries


class Subproblem(NamedTuple):
    """Data of one subproblem; powers in units of the first power, noise 1.

    Attributes:
        channels: H, (user, element + 1, antenna).
        adjoint: H^H, (user, antenna, element + 1).
        gram: Q_k = H_k^H H_k, (user, antenna, antenna).
        scale: (user,) factor of the constraint, contained in the next three.
        signs: m, (user, user).
        matrix_weight: sum_i |m_ki| c_ki^2, (user,).
        beam_weight: |m_ki| / c_ki^2, (user, user).
        factor: Y', (element + 1, rank).
        beams: w', (user, stream, antenna).
        top: l, (element + 1,).
        penalty: chi.
        slack: e, or infinity without the constraint.
        frozen: whether V is kept at V'.
    """

    channels: Complex
    adjoint: Complex
    gram: Complex
    scale: Real
    signs: Real
    matrix_weight: Real
    beam_weight: Real
    factor: Complex
    beams: Complex
    top: Complex
    penalty: float
    slack: float
    frozen: bool


class Terms(NamedTuple):
    """What value, gradient and Hessian share at one point.

    Attributes:
        images: f_kis = H_k w_is, (user, user, stream, element + 1).
        inner: p_kis = Y^H f_kis, (user, user, stream, rank).
        folded: H_k^H Y, (user, antenna, rank).
        turned: Q_k w_is, (user, user, stream, antenna).
        turned_old: Q_k w'_is, (user, user, old stream, antenna).
        form: w_is^H Q_k w_it, (user, user, stream, stream).
        overlap: w'_is^H Q_k w_it, (user, user, old stream, stream).
        square: Y^H Y, (rank, rank).
        cross: Y'^H Y, (old rank, rank).
        along: l^H Y, (rank,).
        values: g, (constraint,): the users, then the slack.
    """

    images: Complex
    inner: Complex
    folded: Complex
    turned: Complex
    turned_old: Complex
    form: Complex
    overlap: Complex
    square: Complex
    cross: Complex
    along: Complex
    values: Real


@njit(cache=True, error_model="numpy")
def make_subproblem(
    channels: Complex,
    adjoint: Complex,
    gram: Complex,
    targets: Real,
    scale: Real,
    factor: Complex,
    beams: Complex,
    balance: float,
    penalty: float,
    slack: float,
    frozen: bool,
) -> Subproblem:
    """Subproblem about an iterate, with c_ki^2 = balance^2 ||B'_ki|| / ||V'|| for every pair.

    Args:
        channels: H, (user, element + 1, antenna).
        adjoint: H^H.
        gram: H_k^H H_k.
        targets: gamma, (user,).
        scale: (user,) positive, about the multiplier of the unscaled constraint.
        factor: Y', (element + 1, rank), rows of unit norm.
        beams: w', (user, stream, antenna).
        balance: rho.
        penalty: chi, in units of the power.
        slack: e, or infinity.
        frozen: keep V.
    """
    users = targets.size
    square = np.dot(factor.conj().T.copy(), factor)
    norm = sqrt((square.real**2 + square.imag**2).sum())
    values, vectors = np.linalg.eigh(square)
    top = np.dot(factor, vectors[:, -1].copy()) / sqrt(values[-1])
    signs, beam_weight = np.empty((users, users)), np.empty((users, users))
    matrix_weight = np.zeros(users)
    for k in range(users):
        for i in range(users):
            signs[k, i] = -scale[k] / targets[k] if i == k else scale[k]
            form = np.dot(beams[i].conj(), np.dot(gram[k], beams[i].T.copy()))
            size = sqrt((form.real**2 + form.imag**2).sum())
            ratio = balance**2 * max(size, _SMALLEST) / norm
            matrix_weight[k] += abs(signs[k, i]) * ratio
            beam_weight[k, i] = abs(signs[k, i]) / ratio
    return Subproblem(
        channels,
        adjoint,
        gram,
        scale,
        signs,
        matrix_weight,
        beam_weight,
        factor,
        beams,
        top,
        penalty,
        slack,
        frozen,
    )


@njit(cache=True, error_model="numpy")
def _evaluate(problem: Subproblem, factor: Complex, beams: Complex) -> Terms:
    """All terms at a point."""
    users, size, antennas = problem.channels.shape
    rank = factor.shape[1]
    adjoint = factor.conj().T.copy()
    streams, old_streams = beams.shape[1], problem.beams.shape[1]
    images = np.empty((users, users, streams, size), np.complex128)
    inner = np.empty((users, users, streams, rank), np.complex128)
    folded = np.empty((users, antennas, rank), np.complex128)
    turned = np.empty((users, users, streams, antennas), np.complex128)
    turned_old = np.empty((users, users, old_streams, antennas), np.complex128)
    form = np.empty((users, users, streams, streams), np.complex128)
    overlap = np.empty((users, users, old_streams, streams), np.complex128)
    square = np.dot(adjoint, factor)
    cross = np.dot(problem.factor.conj().T.copy(), factor)
    along = np.dot(adjoint, problem.top).conj()
    values = np.empty(users + 1)
    old_adjoint = problem.factor.conj().T.copy()
    old_square = np.dot(old_adjoint, problem.factor)
    distance = 0.0
    for c in range(rank):
        for d in range(rank):
            distance += square[c, d].real ** 2 + square[c, d].imag ** 2
    for c in range(old_square.shape[0]):
        for d in range(old_square.shape[0]):
            distance += old_square[c, d].real ** 2 + old_square[c, d].imag ** 2
        for d in range(rank):
            distance -= 2.0 * (cross[c, d].real ** 2 + cross[c, d].imag ** 2)
    for k in range(users):
        folded[k] = np.dot(problem.adjoint[k], factor)
        values[k] = problem.scale[k] + 0.5 * problem.matrix_weight[k] * distance
        for i in range(users):
            for q in range(streams):
                images[k, i, q] = np.dot(problem.channels[k], beams[i, q])
                inner[k, i, q] = np.dot(adjoint, images[k, i, q])
                turned[k, i, q] = np.dot(problem.gram[k], beams[i, q])
            moved = 0.0
            for q in range(old_streams):
                turned_old[k, i, q] = np.dot(problem.gram[k], problem.beams[i, q])
                for t in range(old_streams):
                    old = np.vdot(turned_old[k, i, q], problem.beams[i, t])
                    moved += old.real**2 + old.imag**2
                for t in range(streams):
                    both = np.vdot(turned_old[k, i, q], beams[i, t])
                    overlap[k, i, q, t] = both
                    moved -= 2.0 * (both.real**2 + both.imag**2)
            power = 0.0
            for q in range(streams):
                for t in range(streams):
                    both = np.vdot(turned[k, i, q], beams[i, t])
                    form[k, i, q, t] = both
                    moved += both.real**2 + both.imag**2
                for c in range(rank):
                    power += inner[k, i, q, c].real ** 2 + inner[k, i, q, c].imag ** 2
            values[k] += problem.signs[k, i] * power + 0.5 * problem.beam_weight[k, i] * moved
    gap = float(size)
    for c in range(rank):
        gap -= along[c].real ** 2 + along[c].imag ** 2
    values[users] = gap - problem.slack if problem.slack < inf else -inf
    return Terms(
        images,
        inner,
        folded,
        turned,
        turned_old,
        form,
        overlap,
        square,
        cross,
        along,
        values,
    )


@njit(cache=True, error_model="numpy")
def _objective(problem: Subproblem, beams: Complex, terms: Terms) -> float:
    """Power and penalty."""
    power = (beams.real**2 + beams.imag**2).sum()
    gap = problem.channels.shape[1] - (terms.along.real**2 + terms.along.imag**2).sum()
    return float(power + problem.penalty * gap)


@njit(cache=True, error_model="numpy")
def _augmented(objective: float, values: Real, multipliers: Real, weights: Real) -> float:
    """The augmented Lagrangian."""
    total = objective
    for k in range(values.size):
        if values[k] > -inf:
            active = max(0.0, multipliers[k] + weights[k] * values[k])
            total += (active**2 - multipliers[k] ** 2) / (2.0 * weights[k])
    return total


@njit(cache=True, error_model="numpy")
def _gradients(
    problem: Subproblem, factor: Complex, beams: Complex, terms: Terms
) -> tuple[Complex, Complex]:
    """Gradients of the constraints and, in the last row, of the objective.

    Returns:
        By Y, (constraint + 1, element + 1, rank), and w, (constraint + 1, user, stream, antenna).
    """
    users, size, antennas = problem.channels.shape
    rank = factor.shape[1]
    by_factor = np.zeros((users + 2, size, rank), np.complex128)
    streams, old_streams = beams.shape[1], problem.beams.shape[1]
    by_beams = np.zeros((users + 2, users, streams, antennas), np.complex128)
    pull = np.dot(factor, terms.square) - np.dot(problem.factor, terms.cross)
    for k in range(users):
        for n in range(size):
            for c in range(rank):
                total = problem.matrix_weight[k] * pull[n, c]
                for i in range(users):
                    for q in range(streams):
                        image = terms.images[k, i, q, n]
                        total += problem.signs[k, i] * image * terms.inner[k, i, q, c].conjugate()
                by_factor[k, n, c] = 2.0 * total
        for i in range(users):
            for q in range(streams):
                heard = np.dot(terms.folded[k], terms.inner[k, i, q])
                for a in range(antennas):
                    near = 0j
                    for t in range(streams):
                        near += terms.form[k, i, t, q] * terms.turned[k, i, t, a]
                    for t in range(old_streams):
                        near -= terms.overlap[k, i, t, q] * terms.turned_old[k, i, t, a]
                    by_beams[k, i, q, a] = 2.0 * (
                        problem.signs[k, i] * heard[a] + problem.beam_weight[k, i] * near
                    )
    for n in range(size):
        for c in range(rank):
            value = -2.0 * problem.top[n] * terms.along[c]
            by_factor[users, n, c] = value
            by_factor[users + 1, n, c] = problem.penalty * value
    by_beams[users + 1] = 2.0 * beams
    return by_factor, by_beams


@njit(cache=True, error_model="numpy")
def _derivative_matrices(
    problem: Subproblem, factor: Complex, beams: Complex, terms: Terms, active: Real
) -> tuple[Complex, Complex, Real]:
    """S, T and y: derivatives of the Lagrangian by V and W_i, and the multipliers of diag V = 1.

    Args:
        problem: the subproblem.
        factor: Y.
        beams: w.
        terms: from `_evaluate` there.
        active: multipliers of the constraints.

    Returns:
        S (element + 1, element + 1), T (user, antenna, antenna), y (element + 1,).
    """
    users, size, antennas = problem.channels.shape
    S = np.dot(factor, factor.conj().T.copy())
    S -= np.dot(problem.factor, problem.factor.conj().T.copy())
    S *= (active[:users] * problem.matrix_weight).sum()
    streams, old_streams = beams.shape[1], problem.beams.shape[1]
    columns = terms.images.copy().reshape(users * users * streams, size)
    weights = np.empty(users * users * streams)
    T = np.zeros((users, antennas, antennas), np.complex128)
    for k in range(users):
        seen = np.dot(terms.folded[k], terms.folded[k].conj().T.copy())
        for i in range(users):
            for q in range(streams):
                weights[(k * users + i) * streams + q] = active[k] * problem.signs[k, i]
            for a in range(antennas):
                for b in range(antennas):
                    near = 0j
                    for q in range(streams):
                        near += terms.turned[k, i, q, a] * terms.turned[k, i, q, b].conjugate()
                    for q in range(old_streams):
                        old = terms.turned_old[k, i, q]
                        near -= old[a] * old[b].conjugate()
                    T[i, a, b] += active[k] * (
                        problem.signs[k, i] * seen[a, b] + problem.beam_weight[k, i] * near
                    )
    for i in range(users):
        for a in range(antennas):
            T[i, a, a] += 1.0
    weighted = columns.copy()
    for q in range(weights.size):
        for n in range(size):
            weighted[q, n] *= weights[q]
    S += np.dot(weighted.T.copy(), columns.conj())
    pressure = problem.penalty + active[users]
    for n in range(size):
        for m in range(size):
            S[n, m] -= pressure * problem.top[n] * problem.top[m].conjugate()
    product = np.dot(S, factor)
    diagonal = np.zeros(size)
    for n in range(size):
        for c in range(factor.shape[1]):
            p, f = product[n, c], factor[n, c]
            diagonal[n] += p.real * f.real + p.imag * f.imag
    return S, T, diagonal


@njit(cache=True, error_model="numpy")
def _hessian(
    problem: Subproblem,
    factor: Complex,
    terms: Terms,
    by_factor: Complex,
    by_beams: Complex,
    active: Real,
    curved: Real,
    S: Complex,
    T: Complex,
    diagonal: Real,
) -> Real:
    """Riemannian Hessian of the augmented Lagrangian, before the projection to tangent spaces.

    As a real form of the coordinates (re, im) of Y by rows, then w. A second derivative
    Re(a^H A b) + Re(a^T B b) has the real blocks below.

    Args:
        problem: the subproblem.
        factor: Y.
        terms: from `_evaluate`.
        by_factor: from `_gradients`.
        by_beams: from `_gradients`.
        active: multipliers of the first-order terms.
        curved: weight of the augmentation where it is active, else 0.
        S: from `_derivative_matrices`.
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
    pull = 2.0 * (active[:users] * problem.matrix_weight).sum()
    for n in range(size):
        for m in range(size):
            entry = 2.0 * S[n, m]
            if n == m:
                entry -= 2.0 * diagonal[n]
            for c in range(rank):
                A[n * rank + c, m * rank + c] += entry
                for d in range(rank):
                    B[n * rank + c, m * rank + d] += (
                        pull * factor[n, d].conjugate() * factor[m, c].conjugate()
                    )
        for c in range(rank):
            for d in range(rank):
                A[n * rank + c, n * rank + d] += pull * terms.square[d, c]
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
                            B[n * rank + c, base + a] += image * terms.folded[k, a, c].conjugate()
                near = 2.0 * active[k] * problem.beam_weight[k, u]
                for t in range(streams):
                    other = first + (u * streams + t) * antennas
                    overlap = near * terms.form[k, u, t, s]
                    for a in range(antennas):
                        turn = near * terms.turned[k, u, t, a].conjugate()
                        for b in range(antennas):
                            A[base + a, other + b] += overlap * problem.gram[k, a, b]
                            B[base + a, other + b] += turn * terms.turned[k, u, s, b].conjugate()
            for a in range(antennas):
                for b in range(antennas):
                    A[base + a, base + b] += 2.0 * T[u, a, b]
    real = np.empty((2 * order, 2 * order))
    for p in range(order):
        for q in range(order):
            if q < first <= p:
                a, b = A[q, p].conjugate(), B[q, p]
            else:
                a, b = A[p, q], B[p, q]
            real[2 * p, 2 * q] = a.real + b.real
            real[2 * p, 2 * q + 1] = -a.imag - b.imag
            real[2 * p + 1, 2 * q] = a.imag - b.imag
            real[2 * p + 1, 2 * q + 1] = a.real - b.real
    slope = np.empty(2 * order)
    for k in range(users + 1):
        if curved[k] > 0.0:
            slope[: 2 * first] = by_factor[k].copy().view(np.float64).reshape(2 * first)
            slope[2 * first :] = by_beams[k].copy().view(np.float64).reshape(2 * (order - first))
            for p in range(2 * order):
                scaled = curved[k] * slope[p]
                for q in range(2 * order):
                    real[p, q] += scaled * slope[q]
    return real


@njit(cache=True, error_model="numpy")
def _reflect_rows(factor: Complex, matrix: Real, gradient: Real, reflectors: Real) -> None:
    """Turn the coordinates of each row of Y so that the first one is along the row.

    Householder reflections, applied to both sides of the Hessian and to the gradient.
    """
    size, rank = factor.shape
    width = 2 * rank
    order = matrix.shape[0]
    for n in range(size):
        base = n * width
        vector = reflectors[n]
        for c in range(rank):
            vector[2 * c] = factor[n, c].real
            vector[2 * c + 1] = factor[n, c].imag
        vector[0] += 1.0 if vector[0] >= 0.0 else -1.0
        scale = sqrt(2.0 / (vector * vector).sum())
        for c in range(width):
            vector[c] *= scale
        along = 0.0
        for c in range(width):
            along += vector[c] * gradient[base + c]
        for c in range(width):
            gradient[base + c] -= along * vector[c]
        for q in range(order):
            along = 0.0
            for c in range(width):
                along += vector[c] * matrix[base + c, q]
            for c in range(width):
                matrix[base + c, q] -= along * vector[c]
        for p in range(order):
            along = 0.0
            for c in range(width):
                along += vector[c] * matrix[p, base + c]
            for c in range(width):
                matrix[p, base + c] -= along * vector[c]


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc"})
def _cholesky(matrix: Real, shift: float, factor: Real) -> bool:
    """Lower factor of matrix + shift; False unless that is positive definite."""
    order = matrix.shape[0]
    for p in range(order):
        for q in range(p + 1):
            total = matrix[p, q]
            for t in range(q):
                total -= factor[p, t] * factor[q, t]
            if q < p:
                factor[p, q] = total / factor[q, q]
            else:
                total += shift
                if not total > 1e-14 * (abs(matrix[p, p]) + shift):
                    return False
                factor[p, p] = sqrt(total)
    return True


@njit(cache=True, error_model="numpy")
def _newton_direction(
    problem: Subproblem, factor: Complex, matrix: Real, gradient: Real, direction: Real
) -> float:
    """Direction -(Hessian + shift)^-1 gradient on the tangent space, and the slope along it.

    The shift grows from nearly nothing until the matrix is positive definite.
    """
    size, rank = factor.shape
    width, order = 2 * rank, gradient.size
    reflectors = np.empty((size, width))
    _reflect_rows(factor, matrix, gradient, reflectors)
    kept = np.empty(order, np.int64)
    count = 0
    for p in range(order):
        if p >= size * width or (not problem.frozen and p % width != 0):
            kept[count] = p
            count += 1
    small = np.empty((count, count))
    right = np.empty(count)
    largest = 0.0
    for p in range(count):
        right[p] = -gradient[kept[p]]
        for q in range(count):
            small[p, q] = matrix[kept[p], kept[q]]
        largest = max(largest, abs(small[p, p]))
    triangle = np.empty((count, count))
    shift = _SHIFT * largest
    while not _cholesky(small, shift, triangle):
        shift *= 10.0
        if not shift < 1e12 * largest:
            direction[:] = 0.0
            return 0.0
    slope = 0.0
    step = right.copy()
    for p in range(count):
        for t in range(p):
            step[p] -= triangle[p, t] * step[t]
        step[p] /= triangle[p, p]
    for p in range(count - 1, -1, -1):
        for t in range(p + 1, count):
            step[p] -= triangle[t, p] * step[t]
        step[p] /= triangle[p, p]
    direction[:] = 0.0
    for p in range(count):
        slope -= right[p] * step[p]
        direction[kept[p]] = step[p]
    for n in range(size):
        along = 0.0
        for c in range(width):
            along += reflectors[n, c] * direction[n * width + c]
        for c in range(width):
            direction[n * width + c] -= along * reflectors[n, c]
    return slope


@njit(cache=True, error_model="numpy")
def _move(factor: Complex, beams: Complex, direction: Real, step: float) -> tuple[Complex, Complex]:
    """Point along a direction, rows of Y back on their spheres."""
    size, rank = factor.shape
    turn = direction.view(np.complex128)
    new_factor = factor + step * turn[: size * rank].copy().reshape(size, rank)
    for n in range(size):
        norm = 0.0
        for c in range(rank):
            norm += new_factor[n, c].real ** 2 + new_factor[n, c].imag ** 2
        for c in range(rank):
            new_factor[n, c] /= sqrt(norm)
    new_beams = beams + step * turn[size * rank :].copy().reshape(beams.shape)
    return new_factor, new_beams


@njit(cache=True, error_model="numpy")
def _descend(
    problem: Subproblem,
    factor: Complex,
    beams: Complex,
    multipliers: Real,
    weights: Real,
    tolerance: float,
) -> tuple[Complex, Complex, Terms, float, int]:
    """Newton's method on the augmented Lagrangian; returns the point, its gradient norm, steps."""
    users, size, _ = problem.channels.shape
    rank = factor.shape[1]
    first = 2 * size * rank
    terms = _evaluate(problem, factor, beams)
    value = _augmented(_objective(problem, beams, terms), terms.values, multipliers, weights)
    active, curved = np.zeros(users + 1), np.zeros(users + 1)
    gradient = np.empty(first + 2 * beams.size)
    direction = gradient.copy()
    norm, steps = inf, 0
    while True:
        by_factor, by_beams = _gradients(problem, factor, beams, terms)
        for k in range(users + 1):
            active[k], curved[k] = 0.0, 0.0
            if terms.values[k] > -inf and multipliers[k] + weights[k] * terms.values[k] > 0.0:
                active[k], curved[k] = multipliers[k] + weights[k] * terms.values[k], weights[k]
        slope_factor, slope_beams = by_factor[users + 1].copy(), by_beams[users + 1].copy()
        for k in range(users + 1):
            slope_factor += active[k] * by_factor[k]
            slope_beams += active[k] * by_beams[k]
        gradient[:first] = slope_factor.view(np.float64).reshape(first)
        gradient[first:] = slope_beams.view(np.float64).reshape(gradient.size - first)
        square = (gradient[first:] ** 2).sum()
        if not problem.frozen:
            for n in range(size):
                along = 0.0
                for c in range(rank):
                    g, f = slope_factor[n, c], factor[n, c]
                    along += g.real * f.real + g.imag * f.imag
                for c in range(rank):
                    across = slope_factor[n, c] - along * factor[n, c]
                    square += across.real**2 + across.imag**2
        norm = sqrt(square)
        if norm <= tolerance or steps == _NEWTON_STEPS:
            break
        S, T, diagonal = _derivative_matrices(problem, factor, beams, terms, active)
        matrix = _hessian(
            problem, factor, terms, by_factor, by_beams, active, curved, S, T, diagonal
        )
        slope = _newton_direction(problem, factor, matrix, gradient, direction)
        step, moved = 1.0, False
        while step >= _SHORTEST and slope < 0.0:
            trial_factor, trial_beams = _move(factor, beams, direction, step)
            trial = _evaluate(problem, trial_factor, trial_beams)
            trial_value = _augmented(
                _objective(problem, trial_beams, trial), trial.values, multipliers, weights
            )
            if trial_value <= value + _SUFFICIENT * step * slope + _ROUNDING * abs(value):
                factor, beams, terms, value = trial_factor, trial_beams, trial, trial_value
                moved = True
                break
            step *= 0.5
        steps += 1
        if not moved:
            break
    return factor, beams, terms, norm, steps


@njit(cache=True, error_model="numpy")
def solve_subproblem(
    problem: Subproblem, multipliers: Real, tolerance: float, rank_limit: int
) -> tuple[Complex, Complex, Real, float, float, int, int]:
    """Solve one subproblem from its own centre.

    Args:
        problem: from `make_subproblem`.
        multipliers: z at the start, (user + 1,); the last belongs to the slack.
        tolerance: certified gap to reach, relative to the objective.
        rank_limit: largest number of columns of Y.

    Returns:
        Y, (element + 1, rank); w, (user, stream, antenna); z; the objective; the gap between it and
        the certified bound, relative to it; Newton steps; the status.
    """
    users, size, _ = problem.channels.shape
    factor, beams = problem.factor.copy(), problem.beams.copy()
    z = multipliers.copy()
    if not problem.slack < inf:
        z[users] = 0.0
    weight, near, steps, last = _WEIGHT, _LOOSE, 0, inf
    objective, gap = inf, inf
    status = ITERATION_LIMIT
    finest = 1e-3 * tolerance
    for _ in range(_ROUNDS):
        # A multiplier far above 1 belongs to a constraint that was scaled too small.
        weights = weight * np.maximum(z, 1.0) ** 2
        factor, beams, terms, norm, count = _descend(problem, factor, beams, z, weights, near)
        steps += count
        violation = 0.0
        for k in range(users + 1):
            if terms.values[k] > -inf:
                miss = abs(max(terms.values[k], -z[k] / weights[k]))
                violation = max(violation, miss * max(z[k], 1.0))
                z[k] = max(0.0, z[k] + weights[k] * terms.values[k])
        if violation > 0.2 * last:
            weight = min(_GROWTH * weight, _HEAVIEST)
        last = violation
        near = max(finest, min(0.1 * near, 0.1 * violation))
        if violation > tolerance or norm > 10.0 * tolerance:
            continue
        objective = _objective(problem, beams, terms)
        S, T, diagonal = _derivative_matrices(problem, factor, beams, terms, z)
        loss = 0.0
        for k in range(users + 1):
            if terms.values[k] > -inf:
                loss += z[k] * abs(terms.values[k])
        lowest, vectors = 0.0, S
        if not problem.frozen:
            for n in range(size):
                S[n, n] -= diagonal[n]
            values, vectors = np.linalg.eigh(S)
            lowest = min(0.0, values[0])
        thin, hollow = 0.0, np.empty(users)
        directions = np.zeros_like(beams[:, 0])
        for i in range(users):
            values, columns = np.linalg.eigh(T[i])
            hollow[i] = -values[0]
            directions[i] = columns[:, 0]
            thin = max(thin, hollow[i])
            for q in range(beams.shape[1]):
                loss += abs(np.vdot(beams[i, q], np.dot(T[i], beams[i, q])).real)
        gap = (loss - size * lowest + thin * objective) / objective
        if gap <= tolerance:
            status = CONVERGED
            break
        flat = -size * lowest > max(0.3 * gap * objective, 10.0 * norm)
        # Eigenvalues that a gradient not quite zero explains ask for more rounds, not more columns.
        stretched = thin > max(0.3 * gap, 10.0 * norm)
        if flat and factor.shape[1] < rank_limit:
            factor = _extended(factor, vectors[:, 0].copy())
        elif stretched and beams.shape[1] < problem.channels.shape[2]:
            beams = _extended_beams(beams, directions, hollow, 0.3 * gap)
        elif flat or stretched:
            break
        else:
            continue
        near, weight, last = 0.1 * _LOOSE, _WEIGHT, inf
    return factor, beams, z, objective, gap, steps, status


@njit(cache=True, error_model="numpy")
def _extended(factor: Complex, vector: Complex) -> Complex:
    """Y with a column more, along the vector."""
    size, rank = factor.shape
    scale = _NEW_COLUMN * sqrt(size / (vector.real**2 + vector.imag**2).sum())
    result = np.empty((size, rank + 1), np.complex128)
    for n in range(size):
        norm = 1.0 + (scale * abs(vector[n])) ** 2
        for c in range(rank):
            result[n, c] = factor[n, c] / sqrt(norm)
        result[n, rank] = scale * vector[n] / sqrt(norm)
    return result


@njit(cache=True, error_model="numpy")
def _extended_beams(beams: Complex, directions: Complex, hollow: Real, least: float) -> Complex:
    """Beams with a stream more, of zeros where the derivative by W_i is not negative enough."""
    users, streams, antennas = beams.shape
    result = np.zeros((users, streams + 1, antennas), np.complex128)
    for i in range(users):
        power = (beams[i].real ** 2 + beams[i].imag ** 2).sum()
        result[i, :streams] = beams[i]
        if hollow[i] > least:
            result[i, streams] = _NEW_COLUMN * sqrt(power) * directions[i]
    return result
