"""Values and derivatives of a subproblem of the inner approximation where V and W_i have rank one.

With V = y y^H, y_n of modulus 1, and W_i = w_i w_i^H the unknowns of the problem stated in
`subproblem` are the phases of y and the beams. All is about a subproblem that is posed about such a
point itself, without a bound on the rank gap.
"""

from typing import NamedTuple

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import kernel
from irsrepro.optimize.linear_algebra import squared_modulus
from irsrepro.papers.yu2020.algorithms.subproblem import (
    Subproblem,
    apply_matrix,
    inner_product,
    squared_norm,
)


class Point(NamedTuple):
    """What derivatives and certificate share at (y, w).

    Attributes:
        images: f_ki = H_k w_i, (user, user, element + 1).
        paths: q_ki = conj(y_n) f_kin, which add up to y^H H_k w_i.
        inner: p_ki = y^H H_k w_i, (user, user).
        adjoint_images: a_k = H_k^H y, (user, antenna).
        gram_beams: u_ki = Q_k w_i, Q_k = H_k^H H_k, (user, user, antenna).
        form: w_i^H Q_k w_i, (user, user).
        overlap: w'_i^H Q_k w_i, (user, user).
        agreement: conj(y'_n) y_n, (element + 1,).
        values: g, (user,).
        slopes: gradients of g, (user, coordinate), the coordinates being (re, im) of w by users,
            then the phases of y.
        objective: f.
    """

    images: Complex
    paths: Complex
    inner: Complex
    adjoint_images: Complex
    gram_beams: Complex
    form: Real
    overlap: Complex
    agreement: Complex
    values: Real
    slopes: Real
    objective: float


@kernel
def old_images(problem: Subproblem) -> tuple[Complex, Real]:
    """Q_k w'_i, (user, user, antenna), and w'_i^H Q_k w'_i, (user, user)."""
    users, _, antennas = problem.channels.shape
    gram_beams, form = np.empty((users, users, antennas), np.complex128), np.empty((users, users))
    for k in range(users):
        for i in range(users):
            apply_matrix(problem.gram[k], problem.beams[i, 0], gram_beams[k, i])
            form[k, i] = inner_product(gram_beams[k, i], problem.beams[i, 0]).real
    return gram_beams, form


@kernel
def evaluate_point(
    problem: Subproblem, old_gram_beams: Complex, form_old: Real, y: Complex, beams: Complex
) -> Point:
    """Values and gradients at a point of rank one.

    Args:
        problem: the subproblem, itself about a point of rank one.
        old_gram_beams: from `old_images`.
        form_old: likewise.
        y: (element + 1,) of modulus 1.
        beams: w, (user, antenna).
    """
    users, size, antennas = problem.channels.shape
    images = np.empty((users, users, size), np.complex128)
    paths = np.empty((users, users, size), np.complex128)
    inner = np.empty((users, users), np.complex128)
    adjoint_images = np.empty((users, antennas), np.complex128)
    gram_beams = np.empty((users, users, antennas), np.complex128)
    form = np.empty((users, users))
    overlap = np.empty((users, users), np.complex128)
    agreement = np.empty(size, np.complex128)
    values = np.empty(users)
    first = 2 * users * antennas
    slopes = np.zeros((users, first + size))
    total = 0j
    for n in range(size):
        agreement[n] = problem.factor[n, 0].conjugate() * y[n]
        total += agreement[n]
    agreement_power = squared_modulus(total)
    for k in range(users):
        apply_matrix(problem.adjoint[k], y, adjoint_images[k])
        matrix_weight = problem.matrix_weight[k]
        values[k] = problem.scale[k] + matrix_weight * (size**2 - agreement_power)
        slope = slopes[k]
        for n in range(size):
            e = agreement[n]
            slope[first + n] = 2.0 * matrix_weight * (total.real * e.imag - total.imag * e.real)
        for i in range(users):
            sign, beam_weight = problem.signs[k, i], problem.beam_weight[k, i]
            image, path = images[k, i], paths[k, i]
            apply_matrix(problem.channels[k], beams[i], image)
            p = 0j
            for n in range(size):
                path[n] = y[n].conjugate() * image[n]
                p += path[n]
            inner[k, i] = p
            for n in range(size):
                slope[first + n] += 2.0 * sign * (p.real * path[n].imag - p.imag * path[n].real)
            apply_matrix(problem.gram[k], beams[i], gram_beams[k, i])
            form[k, i] = inner_product(gram_beams[k, i], beams[i]).real
            o = inner_product(old_gram_beams[k, i], beams[i])
            overlap[k, i] = o
            beam_distance = form[k, i] ** 2 + form_old[k, i] ** 2 - 2.0 * squared_modulus(o)
            values[k] += sign * squared_modulus(p) + 0.5 * beam_weight * beam_distance
            for a in range(antennas):
                entry = 2.0 * (
                    sign * adjoint_images[k, a] * p
                    + beam_weight * (form[k, i] * gram_beams[k, i, a] - o * old_gram_beams[k, i, a])
                )
                place = 2 * (i * antennas + a)
                slope[place], slope[place + 1] = entry.real, entry.imag
    objective = squared_norm(beams) + problem.penalty * (size - agreement_power / size)
    return Point(
        images,
        paths,
        inner,
        adjoint_images,
        gram_beams,
        form,
        overlap,
        agreement,
        values,
        slopes,
        objective,
    )


@kernel
def lagrangian_gradient(problem: Subproblem, point: Point, beams: Complex, z: Real) -> Real:
    """Gradient of f + sum_k z_k g_k, (coordinate,).

    Args:
        problem: the subproblem.
        point: from `evaluate_point`.
        beams: w, (user, antenna).
        z: multipliers, (user,).
    """
    users, size, antennas = problem.channels.shape
    gradient = np.empty(point.slopes.shape[1])
    total = point.agreement.sum()
    price = 2.0 * problem.penalty / size
    first = 2 * users * antennas
    for n in range(size):
        e = point.agreement[n]
        gradient[first + n] = price * (total.real * e.imag - total.imag * e.real)
    for i in range(users):
        for a in range(antennas):
            place = 2 * (i * antennas + a)
            gradient[place] = 2.0 * beams[i, a].real
            gradient[place + 1] = 2.0 * beams[i, a].imag
    for k in range(users):
        for c in range(gradient.size):
            gradient[c] += z[k] * point.slopes[k, c]
    return gradient


@kernel
def lagrangian_hessian(
    problem: Subproblem, old_gram_beams: Complex, point: Point, y: Complex, z: Real, matrix: Real
) -> None:
    """Write the upper triangle of the Hessian of f + sum_k z_k g_k, in the coordinates of `Point`.

    A second derivative Re(a^H A a) by a beam has the real blocks below.

    Args:
        problem: the subproblem.
        old_gram_beams: from `old_images`.
        point: from `evaluate_point`.
        y: (element + 1,).
        z: multipliers, (user,).
        matrix: overwritten, at least (coordinate, coordinate); what is beyond is set to zero.
    """
    users, size, antennas = problem.channels.shape
    matrix[:] = 0.0
    first = 2 * users * antennas
    real, imag, diagonal = np.empty(size), np.empty(size), np.zeros(size)
    A = np.empty((antennas, antennas), np.complex128)
    for k in range(users):
        for i in range(users):
            weight = 2.0 * z[k] * problem.signs[k, i]
            _add_products(matrix, first, diagonal, point.paths[k, i], weight, real, imag)
            p = point.inner[k, i]
            for a in range(antennas):
                row = matrix[2 * (i * antennas + a)][first:]
                imag_row = matrix[2 * (i * antennas + a) + 1][first:]
                f, adjoint = point.adjoint_images[k, a], problem.adjoint[k, a]
                for n in range(size):
                    h = adjoint[n]
                    c = p * y[n]
                    # conj(c) conj(h) - conj(q_n) conj(f)
                    in_phase = c.real * h.real - c.imag * h.imag
                    quadrature = -c.real * h.imag - c.imag * h.real
                    in_phase -= real[n] * f.real - imag[n] * f.imag
                    quadrature += real[n] * f.imag + imag[n] * f.real
                    row[n] += weight * quadrature
                    imag_row[n] += weight * in_phase
    total_weight = problem.penalty / size
    for k in range(users):
        total_weight += z[k] * problem.matrix_weight[k]
    _add_products(matrix, first, diagonal, point.agreement, -2.0 * total_weight, real, imag)
    for n in range(size):
        matrix[first + n, first + n] -= diagonal[n]
    for i in range(users):
        A[:] = 0.0
        for a in range(antennas):
            A[a, a] = 2.0
        base = 2 * i * antennas
        for k in range(users):
            weight, beam_weight = (
                2.0 * z[k] * problem.signs[k, i],
                2.0 * z[k] * problem.beam_weight[k, i],
            )
            for a in range(antennas):
                response_weight, old = (
                    weight * point.adjoint_images[k, a],
                    beam_weight * old_gram_beams[k, i, a],
                )
                for b in range(a, antennas):
                    A[a, b] += response_weight * point.adjoint_images[k, b].conjugate()
                    A[a, b] += beam_weight * point.form[k, i] * problem.gram[k, a, b]
                    A[a, b] -= old * old_gram_beams[k, i, b].conjugate()
            for a in range(2 * antennas):
                u = point.gram_beams[k, i, a // 2]
                row_weight = 2.0 * beam_weight * (u.real if a % 2 == 0 else u.imag)
                for b in range(a, 2 * antennas):
                    v = point.gram_beams[k, i, b // 2]
                    matrix[base + a, base + b] += row_weight * (v.real if b % 2 == 0 else v.imag)
        for a in range(antennas):
            for b in range(a, antennas):
                row, column = base + 2 * a, base + 2 * b
                matrix[row, column] += A[a, b].real
                matrix[row, column + 1] -= A[a, b].imag
                matrix[row + 1, column] += A[a, b].imag
                matrix[row + 1, column + 1] += A[a, b].real


@kernel
def _add_products(
    matrix: Real,
    first: int,
    diagonal: Real,
    terms: Complex,
    weight: float,
    real: Real,
    imag: Real,
) -> None:
    """Add the second derivative by phases of weight / 2 |sum_n t_n|^2, but for its diagonal part.

    That is weight Re(conj(t_m) t_n), from row and column `first` on. What is left out,
    weight Re(conj(sum t) t_n), is added to `diagonal`.
    """
    size = terms.size
    a, b = 0.0, 0.0
    for n in range(size):
        real[n], imag[n] = terms[n].real, terms[n].imag
        a += real[n]
        b += imag[n]
    for n in range(size):
        diagonal[n] += weight * (a * real[n] + b * imag[n])
        c, d = weight * real[n], weight * imag[n]
        row, real_tail, imag_tail = matrix[first + n][first + n :], real[n:], imag[n:]
        for m in range(size - n):
            row[m] += c * real_tail[m] + d * imag_tail[m]
