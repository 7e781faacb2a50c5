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
_SHORTFALL = 1e-4  # of a constraint in units of the noise, cheap or not
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


# Products as functions of their own: inlined in many places they take minutes to compile.


@njit(cache=True, error_model="numpy")
def _adjoint(matrix: Complex) -> Complex:
    rows, columns = matrix.shape
    result = np.empty((columns, rows), np.complex128)
    for i in range(rows):
        for j in range(columns):
            result[j, i] = matrix[i, j].conjugate()
    return result


@njit(cache=True, error_model="numpy")
def _times(left: Complex, right: Complex) -> Complex:
    product: Complex = np.dot(left, right)
    return product


@njit(cache=True, error_model="numpy")
def _apply(matrix: Complex, vector: Complex, result: Complex) -> None:
    for i in range(matrix.shape[0]):
        total = 0j
        for j in range(matrix.shape[1]):
            total += matrix[i, j] * vector[j]
        result[i] = total


@njit(cache=True, error_model="numpy")
def _inner(left: Complex, right: Complex) -> complex:
    total = 0j
    for i in range(left.size):
        total += left[i].conjugate() * right[i]
    return total


@njit(cache=True, error_model="numpy")
def _norm2(matrix: Complex) -> float:
    total = 0.0
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            total += matrix[i, j].real ** 2 + matrix[i, j].imag ** 2
    return total


@njit(cache=True, error_model="numpy")
def _beam_power(beams: Complex) -> float:
    total = 0.0
    for i in range(beams.shape[0]):
        total += _norm2(beams[i])
    return total


@njit(cache=True, error_model="numpy")
def _eigen(matrix: Complex) -> tuple[Real, Complex]:
    values, vectors = np.linalg.eigh(matrix)
    return values, vectors


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
    square = _times(_adjoint(factor), factor)
    norm = sqrt(_norm2(square))
    values, vectors = _eigen(square)
    main, top = np.empty(values.size, np.complex128), np.empty(factor.shape[0], np.complex128)
    for c in range(values.size):
        main[c] = vectors[c, values.size - 1] / sqrt(values[-1])
    _apply(factor, main, top)
    signs, beam_weight = np.empty((users, users)), np.empty((users, users))
    matrix_weight = np.zeros(users)
    turned = np.empty(gram.shape[1], np.complex128)
    for k in range(users):
        for i in range(users):
            form = 0.0
            for q in range(beams.shape[1]):
                _apply(gram[k], beams[i, q], turned)
                for t in range(beams.shape[1]):
                    form += abs(_inner(turned, beams[i, t])) ** 2
            signs[k, i] = -scale[k] / targets[k] if i == k else scale[k]
            size = sqrt(form)
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
    adjoint, old_adjoint = _adjoint(factor), _adjoint(problem.factor)
    streams, old_streams = beams.shape[1], problem.beams.shape[1]
    images = np.empty((users, users, streams, size), np.complex128)
    inner = np.empty((users, users, streams, rank), np.complex128)
    folded = np.empty((users, antennas, rank), np.complex128)
    turned = np.empty((users, users, streams, antennas), np.complex128)
    turned_old = np.empty((users, users, old_streams, antennas), np.complex128)
    form = np.empty((users, users, streams, streams), np.complex128)
    overlap = np.empty((users, users, old_streams, streams), np.complex128)
    square = _times(adjoint, factor)
    cross = _times(old_adjoint, factor)
    along = np.empty(rank, np.complex128)
    _apply(adjoint, problem.top, along)
    values = np.empty(users + 1)
    old_square = _times(old_adjoint, problem.factor)
    distance = _norm2(square) + _norm2(old_square) - 2.0 * _norm2(cross)
    for k in range(users):
        folded[k] = _times(problem.adjoint[k], factor)
        values[k] = problem.scale[k] + 0.5 * problem.matrix_weight[k] * distance
        for i in range(users):
            for q in range(streams):
                _apply(problem.channels[k], beams[i, q], images[k, i, q])
                _apply(adjoint, images[k, i, q], inner[k, i, q])
                _apply(problem.gram[k], beams[i, q], turned[k, i, q])
            moved = 0.0
            for q in range(old_streams):
                _apply(problem.gram[k], problem.beams[i, q], turned_old[k, i, q])
                for t in range(old_streams):
                    old = _inner(turned_old[k, i, q], problem.beams[i, t])
                    moved += old.real**2 + old.imag**2
                for t in range(streams):
                    both = _inner(turned_old[k, i, q], beams[i, t])
                    overlap[k, i, q, t] = both
                    moved -= 2.0 * (both.real**2 + both.imag**2)
            power = 0.0
            for q in range(streams):
                for t in range(streams):
                    both = _inner(turned[k, i, q], beams[i, t])
                    form[k, i, q, t] = both
                    moved += both.real**2 + both.imag**2
                for c in range(rank):
                    power += inner[k, i, q, c].real ** 2 + inner[k, i, q, c].imag ** 2
            values[k] += problem.signs[k, i] * power + 0.5 * problem.beam_weight[k, i] * moved
    gap = float(size)
    for c in range(rank):
        along[c] = along[c].conjugate()
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
    power = _beam_power(beams)
    gap = float(problem.channels.shape[1])
    for c in range(terms.along.size):
        gap -= terms.along[c].real ** 2 + terms.along[c].imag ** 2
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
def _gradients(problem: Subproblem, factor: Complex, beams: Complex, terms: Terms) -> Complex:
    """Gradients of the constraints and, in the last row, of the objective.

    Returns:
        (constraint + 1, coordinate), the coordinates those of Y by rows, then of w.
    """
    users, size, antennas = problem.channels.shape
    rank = factor.shape[1]
    streams, old_streams = beams.shape[1], problem.beams.shape[1]
    first = size * rank
    slopes = np.zeros((users + 2, first + users * streams * antennas), np.complex128)
    pull, old_pull = _times(factor, terms.square), _times(problem.factor, terms.cross)
    heard = np.empty(antennas, np.complex128)
    for k in range(users):
        for n in range(size):
            for c in range(rank):
                total = problem.matrix_weight[k] * (pull[n, c] - old_pull[n, c])
                for i in range(users):
                    for q in range(streams):
                        image = terms.images[k, i, q, n]
                        total += problem.signs[k, i] * image * terms.inner[k, i, q, c].conjugate()
                slopes[k, n * rank + c] = 2.0 * total
        for i in range(users):
            for q in range(streams):
                _apply(terms.folded[k], terms.inner[k, i, q], heard)
                for a in range(antennas):
                    near = 0j
                    for t in range(streams):
                        near += terms.form[k, i, t, q] * terms.turned[k, i, t, a]
                    for t in range(old_streams):
                        near -= terms.overlap[k, i, t, q] * terms.turned_old[k, i, t, a]
                    slopes[k, first + (i * streams + q) * antennas + a] = 2.0 * (
                        problem.signs[k, i] * heard[a] + problem.beam_weight[k, i] * near
                    )
    for n in range(size):
        for c in range(rank):
            value = -2.0 * problem.top[n] * terms.along[c]
            slopes[users, n * rank + c] = value
            slopes[users + 1, n * rank + c] = problem.penalty * value
    for i in range(users):
        for q in range(streams):
            for a in range(antennas):
                slopes[users + 1, first + (i * streams + q) * antennas + a] = 2.0 * beams[i, q, a]
    return slopes


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
    V, old = _times(factor, _adjoint(factor)), _times(problem.factor, _adjoint(problem.factor))
    streams, old_streams = beams.shape[1], problem.beams.shape[1]
    pull = 0.0
    for k in range(users):
        pull += active[k] * problem.matrix_weight[k]
    columns = np.empty((users * users * streams, size), np.complex128)
    weighted = np.empty((size, users * users * streams), np.complex128)
    T = np.zeros((users, antennas, antennas), np.complex128)
    for k in range(users):
        seen = _times(terms.folded[k], _adjoint(terms.folded[k]))
        for i in range(users):
            for q in range(streams):
                column, weight = (k * users + i) * streams + q, active[k] * problem.signs[k, i]
                for n in range(size):
                    columns[column, n] = terms.images[k, i, q, n].conjugate()
                    weighted[n, column] = weight * terms.images[k, i, q, n]
            for a in range(antennas):
                for b in range(antennas):
                    near = 0j
                    for q in range(streams):
                        near += terms.turned[k, i, q, a] * terms.turned[k, i, q, b].conjugate()
                    for q in range(old_streams):
                        last = terms.turned_old[k, i, q]
                        near -= last[a] * last[b].conjugate()
                    T[i, a, b] += active[k] * (
                        problem.signs[k, i] * seen[a, b] + problem.beam_weight[k, i] * near
                    )
    for i in range(users):
        for a in range(antennas):
            T[i, a, a] += 1.0
    S = _times(weighted, columns)
    pressure = problem.penalty + active[users]
    for n in range(size):
        for m in range(size):
            S[n, m] += pull * (V[n, m] - old[n, m])
            S[n, m] -= pressure * problem.top[n] * problem.top[m].conjugate()
    product = _times(S, factor)
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
    slopes: Complex,
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
        slopes: from `_gradients`.
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
    pull = 0.0
    for k in range(users):
        pull += 2.0 * active[k] * problem.matrix_weight[k]
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
    coordinates = slopes.view(np.float64)
    for k in range(users + 1):
        if curved[k] > 0.0:
            for p in range(2 * order):
                scaled = curved[k] * coordinates[k, p]
                for q in range(2 * order):
                    real[p, q] += scaled * coordinates[k, q]
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
        square = 0.0
        for c in range(width):
            square += vector[c] * vector[c]
        scale = sqrt(2.0 / square)
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


@njit(cache=True, error_model="numpy")
def _cholesky(matrix: Real, shift: float, factor: Real) -> bool:
    """Lower factor of matrix + shift; False unless that is positive definite.

    Column after column is taken off what remains, so that the inner loop vectorises as it stands.
    """
    order = matrix.shape[0]
    column = np.empty(order)
    for p in range(order):
        for q in range(p + 1):
            factor[p, q] = matrix[p, q]
    for t in range(order):
        pivot = factor[t, t] + shift
        if not pivot > 1e-14 * (abs(matrix[t, t]) + shift):
            return False
        root = sqrt(pivot)
        factor[t, t] = root
        for p in range(t + 1, order):
            factor[p, t] /= root
            column[p] = factor[p, t]
        for p in range(t + 1, order):
            weight = column[p]
            for q in range(t + 1, p + 1):
                factor[p, q] -= weight * column[q]
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
    new_factor, new_beams = factor.copy(), beams.copy()
    for n in range(size):
        norm = 0.0
        for c in range(rank):
            new_factor[n, c] += step * turn[n * rank + c]
            norm += new_factor[n, c].real ** 2 + new_factor[n, c].imag ** 2
        for c in range(rank):
            new_factor[n, c] /= sqrt(norm)
    users, streams, antennas = beams.shape
    for i in range(users):
        for q in range(streams):
            for a in range(antennas):
                place = size * rank + (i * streams + q) * antennas + a
                new_beams[i, q, a] += step * turn[place]
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
    direction = np.empty(gradient.size)
    norm, steps = inf, 0
    while True:
        slopes = _gradients(problem, factor, beams, terms)
        for k in range(users + 1):
            active[k], curved[k] = 0.0, 0.0
            if terms.values[k] > -inf and multipliers[k] + weights[k] * terms.values[k] > 0.0:
                active[k], curved[k] = multipliers[k] + weights[k] * terms.values[k], weights[k]
        coordinates = slopes.view(np.float64)
        square = 0.0
        for p in range(gradient.size):
            gradient[p] = coordinates[users + 1, p]
            for k in range(users + 1):
                gradient[p] += active[k] * coordinates[k, p]
            if p >= first:
                square += gradient[p] ** 2
        if not problem.frozen:
            for n in range(size):
                along, base = 0.0, 2 * n * rank
                for c in range(rank):
                    along += gradient[base + 2 * c] * factor[n, c].real
                    along += gradient[base + 2 * c + 1] * factor[n, c].imag
                for c in range(rank):
                    square += (gradient[base + 2 * c] - along * factor[n, c].real) ** 2
                    square += (gradient[base + 2 * c + 1] - along * factor[n, c].imag) ** 2
        norm = sqrt(square)
        if norm <= tolerance or steps == _NEWTON_STEPS:
            break
        S, T, diagonal = _derivative_matrices(problem, factor, beams, terms, active)
        matrix = _hessian(problem, factor, terms, slopes, active, curved, S, T, diagonal)
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
    z, weights = multipliers.copy(), np.empty(users + 1)
    image = np.empty(beams.shape[2], np.complex128)
    if not problem.slack < inf:
        z[users] = 0.0
    weight, near, steps, last = _WEIGHT, _LOOSE, 0, inf
    objective, gap = inf, inf
    status = ITERATION_LIMIT
    finest = 1e-3 * tolerance
    for _ in range(_ROUNDS):
        # A multiplier far above 1 belongs to a constraint that was scaled too small.
        for k in range(users + 1):
            weights[k] = weight * max(z[k], 1.0) ** 2
        factor, beams, terms, norm, count = _descend(problem, factor, beams, z, weights, near)
        steps += count
        violation, shortfall = 0.0, 0.0
        for k in range(users + 1):
            if terms.values[k] > -inf:
                miss = abs(max(terms.values[k], -z[k] / weights[k]))
                if k < users:
                    shortfall = max(shortfall, terms.values[k] / problem.scale[k])
                violation = max(violation, miss * max(z[k], 1.0))
                z[k] = max(0.0, z[k] + weights[k] * terms.values[k])
        if violation > 0.2 * last:
            weight = min(_GROWTH * weight, _HEAVIEST)
        last = violation
        near = max(finest, min(0.1 * near, 0.1 * violation))
        if violation > tolerance or norm > 10.0 * tolerance or shortfall > _SHORTFALL:
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
            values, vectors = _eigen(S)
            lowest = min(0.0, values[0])
        thin, hollow = 0.0, np.empty(users)
        directions = np.zeros((users, beams.shape[2]), np.complex128)
        for i in range(users):
            values, columns = _eigen(T[i])
            hollow[i] = -values[0]
            for a in range(beams.shape[2]):
                directions[i, a] = columns[a, 0]
            thin = max(thin, hollow[i])
            for q in range(beams.shape[1]):
                _apply(T[i], beams[i, q], image)
                loss += abs(_inner(beams[i, q], image).real)
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
    scale = _NEW_COLUMN * sqrt(size / _inner(vector, vector).real)
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
        scale = _NEW_COLUMN * sqrt(_norm2(beams[i])) if hollow[i] > least else 0.0
        for a in range(antennas):
            for q in range(streams):
                result[i, q, a] = beams[i, q, a]
            result[i, streams, a] = scale * directions[i, a]
    return result
