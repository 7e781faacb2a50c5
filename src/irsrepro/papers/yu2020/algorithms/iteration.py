"""One iteration of the inner approximation: the subproblem, and the design at its phases."""

from math import inf, sqrt

import numpy as np

from irsrepro.array_types import Complex, Real
from irsrepro.compiled import assign, kernel
from irsrepro.optimize.beamforming.minimum_power import form_beams, meet_targets, new_duality
from irsrepro.optimize.linear_algebra import squared_modulus
from irsrepro.papers.yu2020.algorithms.minimum_power_phases import Response, effective_channel
from irsrepro.papers.yu2020.algorithms.prediction import (
    Memory,
    extrapolate,
    forget,
    predict_iterate,
    remember,
)
from irsrepro.papers.yu2020.algorithms.primal_dual import solve_from_guess
from irsrepro.papers.yu2020.algorithms.rank_one import solve_at_rank_one
from irsrepro.papers.yu2020.algorithms.subproblem import (
    inner_product,
    make_subproblem,
    squared_norm,
)
from irsrepro.papers.yu2020.algorithms.subproblem_solver import solve_subproblem

_ACCURACY = 1e-12
_STEPS = 500
_LOOSE = 1e-2  # certified gap of a guess
_NEGLIGIBLE = 1e-10  # share of tr V of a column of Y that is dropped


@kernel
def _compress_factor(factor: Complex) -> Complex:
    """Y with orthogonal columns by falling norm, negligible ones dropped, rows of unit norm."""
    size = factor.shape[0]
    values, vectors = np.linalg.eigh(np.dot(factor.conj().T.copy(), factor))
    rank = 0
    for c in range(values.size):
        if values[c] > _NEGLIGIBLE * size:
            rank += 1
    rotated_factor = np.dot(factor, vectors)
    result = np.empty((size, rank), np.complex128)
    for n in range(size):
        norm = 0.0
        for c in range(rank):
            result[n, c] = rotated_factor[n, values.size - 1 - c]
            norm += squared_modulus(result[n, c])
        for c in range(rank):
            result[n, c] /= sqrt(norm)
    return result


@kernel
def _compress_streams(beams: Complex) -> tuple[Complex, float]:
    """Orthogonal beams of every user by falling power, and the largest second over first power.

    Streams that are negligible for every user are dropped.
    """
    users, streams, antennas = beams.shape
    result = np.empty((users, streams, antennas), np.complex128)
    ratio, stream_count = 0.0, 1
    for i in range(users):
        values, vectors = np.linalg.eigh(np.dot(beams[i].conj(), beams[i].T.copy()))
        for q in range(streams):
            share = values[streams - 1 - q] / values[-1]
            if q == 1:
                ratio = max(ratio, share)
            if share > _NEGLIGIBLE:
                stream_count = max(stream_count, q + 1)
            assign(np.dot(vectors[:, streams - 1 - q].copy(), beams[i]), result[i, q])
    return result[:, :stream_count].copy(), ratio


@kernel
def _principal(factor: Complex) -> tuple[Complex, float]:
    """Conjugate of the principal eigenvector of V = Y Y^H, and tr V less its eigenvalue."""
    if factor.shape[1] == 1:
        return factor[:, 0].conj(), 0.0
    values, rotation = np.linalg.eigh(np.dot(factor.conj().T.copy(), factor))
    eigenvector = rotation[:, values.size - 1].copy()
    return np.dot(factor, eigenvector).conj(), max(0.0, factor.shape[0] - values[-1])


@kernel
def project(
    response: Response, targets: Real, vector: Complex, uplink: Real, best: float, beams: Complex
) -> float:
    """Least power at the phases of a vector u, whose entries are scaled to modulus 1.

    Args:
        response: of the channels.
        targets: gamma, (user,).
        vector: u, (element + 1,), overwritten.
        uplink: lam to start from, overwritten by the solution.
        best: a power; below it the beamformers are formed.
        beams: (user, antenna), overwritten then.
    """
    users, antennas = beams.shape
    for n in range(vector.size):
        size = abs(vector[n])
        vector[n] = vector[n] / size if size > 0.0 else 1.0
    channel = np.empty((users, antennas), np.complex128)
    gram = np.empty((users, users), np.complex128)
    work = new_duality(users)
    assign(uplink, work.uplink)
    effective_channel(vector, response, channel, gram)
    power = float(meet_targets(gram, targets, _ACCURACY, _STEPS, work)[0])
    assign(work.uplink, uplink)
    if power < best:
        form_beams(channel, work, beams)
    return power


@kernel
def iterate_once(
    units: tuple[Complex, Complex, Complex],
    response: Response,
    targets: Real,
    scale: Real,
    factor: Complex,
    streams: Complex,
    multipliers: Real,
    memory: Memory,
    previous: tuple[Complex, Complex, Real],
    weights: tuple[float, float, float],
    accuracy: float,
    max_rank: int,
    uplink: Real,
    best_power: float,
    vector: Complex,
    beams: Complex,
) -> tuple[Complex, Complex, Real, tuple[float, float, float, float, float]]:
    """One subproblem, and the design at the phases of its solution.

    Args:
        units: H, H^H and H_k^H H_k in units of the first power.
        response: of the channels in their own.
        targets: gamma, (user,).
        scale: of the constraints, (user,).
        factor: Y, (element + 1, rank).
        streams: w, (user, stream, antenna).
        multipliers: z to start from.
        memory: of the iterates before.
        previous: see `extrapolate`.
        weights: rho, chi and e.
        accuracy: certified relative gap of a subproblem.
        max_rank: largest rank of V.
        uplink: as in `project`.
        best_power: likewise.
        vector: (element + 1,), overwritten by the phases.
        beams: as in `project`.

    Returns:
        Y, w and z; the power of w, the rank gap, the largest second over first eigenvalue of a W_k,
        the certified gap and the projected power.
    """
    balance, penalty, slack = weights
    problem = make_subproblem(*units, targets, scale, factor, streams, balance, penalty, slack)
    ratio, converged, bounded = 0.0, False, slack < inf
    # A bound on the rank gap that was not reached last will not be in most cases.
    if factor.shape[1] == 1 and streams.shape[1] == 1 and multipliers[-1] == 0.0:
        y, w, z = predict_iterate(memory, factor[:, 0], streams[:, 0], multipliers, scale)
        y, w, z, _, gap, _, converged = solve_at_rank_one(problem, y, w, z, accuracy)
        if not converged and not bounded:
            # Fast turns of the first iterations: a guess from the general method.
            new_factor, new_streams, guess, _, _, _, _ = solve_subproblem(
                problem, multipliers, max(accuracy, _LOOSE), 1
            )
            if new_streams.shape[1] == 1:
                y, w, z = new_factor[:, 0].copy(), new_streams[:, 0].copy(), guess[:-1]
                y, w, z, _, gap, _, converged = solve_at_rank_one(problem, y, w, z, accuracy)
        elif converged and squared_modulus(inner_product(problem.top, y)) < y.size - slack:
            converged = False
    if converged:
        factor, streams = y.reshape((y.size, 1)), w.reshape(streams.shape)
        multipliers = np.append(z, 0.0)
        remember(memory, y, w, z * scale)
    else:
        if bounded:
            near = extrapolate(previous, factor, streams, multipliers, scale)
            new_factor, new_streams, z, gap, converged = solve_from_guess(problem, *near, accuracy)
        if not converged:
            new_factor, new_streams, z, _, gap, _, _ = solve_subproblem(
                problem, multipliers, accuracy, max_rank
            )
        multipliers = z
        factor = _compress_factor(new_factor)
        streams, ratio = _compress_streams(new_streams)
        forget(memory)
    eigenvector, rank_gap = _principal(factor)
    assign(eigenvector, vector)
    lifted = 0.0
    for i in range(streams.shape[0]):
        lifted += squared_norm(streams[i])
    projected = project(response, targets, vector, uplink, best_power, beams)
    return factor, streams, multipliers, (lifted, rank_gap, ratio, gap, projected)
