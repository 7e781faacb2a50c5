"""The inner approximation as its authors would run it: subproblems handed to cvxpy and Clarabel.

An independent second implementation of `algorithms.inner_approximation`: full matrices, the
constraints (13) with half squares as rotated cones (as sums of squares they make the solver fail on
larger instances). The squares are taken about the iterate, where they vanish: as printed, terms of
a hundred and more cancel, which costs the solver one to four digits and half of its time.
"""

# mypy: disable-error-code="attr-defined"

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from irsrepro.array_types import Complex, Real
from irsrepro.lazy_import import lazily
from irsrepro.optimize.reference.minimum_power import downlink_beams, uplink_fixed_point
from irsrepro.optimize.reference.public_solvers import (
    FIRST_ORDER,
    Attempt,
    entries,
    optimise_program,
    parts,
)
from irsrepro.optimize.result import CONVERGED, FAILURE, ITERATION_LIMIT
from irsrepro.papers.yu2020.algorithms.inner_approximation import (
    RISE,
    InnerApproximation,
    RankMode,
    rank_terms,
)

cp = lazily("cvxpy")


_SOLVER_ACCURACY = 1e-8


class ReferenceStep(NamedTuple):
    """Solution of one subproblem.

    Attributes:
        matrix: V, (element + 1, element + 1).
        beams: W, (user, antenna, antenna).
        objective: power and penalty.
        status: what the solver said.
    """

    matrix: Complex
    beams: Complex
    objective: float
    status: str


class ReferenceSubproblem:
    """yu2020's (17) of one realisation, noise 1 and powers of about 1.

    The iterate is a parameter: cvxpy takes several times longer to read the program than to solve
    it.

    Args:
        channels: H, (user, element + 1, antenna).
        targets: gamma, (user,).
        scaling: rho in c_ki^2 = rho^2 ||B'_ki|| / ||V'||.
        penalty: chi of the linearised rank gap.
        slack: what the linearised rank gap may reach, the right side of (16); None without it.
        accuracy: tolerance of the solver.
    """

    def __init__(
        self,
        channels: Complex,
        targets: Real,
        *,
        scaling: float,
        penalty: float,
        slack: float | None,
        accuracy: float = _SOLVER_ACCURACY,
    ) -> None:
        users, size, antennas = channels.shape
        self._channels, self._scaling = channels, scaling
        # Of user k's constraint, in units of its target, as all are then of the order of one.
        self._weights = np.where(np.eye(users), 1.0 / targets[:, None], 1.0)
        self._signs = np.where(np.eye(users), -1.0, 1.0)
        self._V = cp.Variable((size, size), hermitian=True)
        self._W = [cp.Variable((antennas, antennas), hermitian=True) for _ in range(users)]
        self._top = cp.Parameter(size**2)  # the dominant eigenvector's matrix
        self._balance = cp.Parameter((users, users), pos=True)  # c
        self._opposite = cp.Parameter((users, users))  # -1 / c of a user's own beam, 1 / c
        self._middles = cp.Parameter((users, users * size**2))  # of the squares, which vanish there
        self._slope = cp.Parameter((users, size**2))  # of the lines in V
        self._beam_slope = cp.Parameter((users, users * antennas**2))  # of the lines in W
        self._constant = cp.Parameter(users)
        gap = size - self._top @ entries(self._V)
        power = sum(cp.real(cp.trace(w)) for w in self._W)
        squares = cp.Variable((users, users))
        lines = self._slope @ entries(self._V) + self._beam_slope @ cp.hstack(
            [entries(w) for w in self._W]
        )
        curved = cp.sum(cp.multiply(0.5 * self._weights, squares), axis=1)
        constraints: list[Any] = [
            self._V >> 0,
            cp.real(cp.diag(self._V)) == 1,
            *(w >> 0 for w in self._W),
            curved + lines + self._constant <= 0,
        ]
        if slack is not None:
            constraints.append(gap <= slack)
        for k in range(users):
            for i in range(users):
                B = channels[k] @ self._W[i] @ channels[k].conj().T
                joint = self._balance[k, i] * entries(self._V)
                joint += self._opposite[k, i] * entries(B)
                joint -= self._middles[k, i * size**2 : (i + 1) * size**2]
                # |x|^2 <= square * 1 as a rotated cone.
                square = squares[k, i]
                constraints.append(cp.SOC(square + 1.0, cp.hstack([2.0 * joint, square - 1.0])))
        self._program: Any = cp.Problem(cp.Minimize(power + penalty * gap), constraints)
        tolerances = ("tol_gap_abs", "tol_gap_rel", "tol_feas")
        self._attempts: list[Attempt] = [
            ("CLARABEL", dict.fromkeys(tolerances, each)) for each in (accuracy, 100.0 * accuracy)
        ]
        if slack != 0.0:  # where the feasible set is a point, a first-order method ends beside it
            self._attempts.append(FIRST_ORDER)

    def solve(self, matrix: Complex, beams: Complex) -> ReferenceStep:
        """Solve it about an iterate.

        Args:
            matrix: V', (element + 1, element + 1).
            beams: W', (user, antenna, antenna).

        Raises:
            SolverError: no solver returns matrices.
        """
        H, users = self._channels, len(self._channels)
        top = np.linalg.eigh(matrix)[1][:, -1]
        images = np.einsum("kma,iab,knb->kimn", H, beams, H.conj(), optimize=True)  # B'
        sizes = np.linalg.norm(images, axis=(2, 3))
        balance = self._scaling * np.sqrt(sizes / np.linalg.norm(matrix))  # c
        # With x = c V + s B / c and x' at the iterate, (13) holds |x - x'|^2 / 2 + s L, where
        # L = <V', B> + <B', V> - <V', B'> is the product <V, B> to first order.
        signed = self._weights * self._signs
        middles = balance[..., None] * parts(matrix)
        middles += (self._signs / balance)[..., None] * parts(images)
        pulled_back = np.einsum("kma,mn,knb->kab", H.conj(), matrix, H, optimize=True)
        self._top.value = parts(np.outer(top, top.conj()))
        self._balance.value = balance
        self._opposite.value = self._signs / balance
        self._middles.value = middles.reshape(users, -1)
        self._slope.value = np.einsum("ki,kim->km", signed, parts(images))
        slopes = signed[..., None] * parts(pulled_back)[:, None]
        self._beam_slope.value = slopes.reshape(users, -1)
        products = np.einsum("mn,kinm->ki", matrix, images).real  # <V', B'>
        self._constant.value = 1.0 - (signed * products).sum(axis=1)
        status = optimise_program(self._program, self._attempts)
        return ReferenceStep(
            np.asarray(self._V.value),
            np.stack([np.asarray(w.value) for w in self._W]),
            float(self._program.value),
            status,
        )


def inner_approximation(
    channels: Complex,
    targets: ArrayLike,
    starts: Complex,
    noise: float = 1.0,
    *,
    rank_mode: RankMode = "penalty",
    penalty: float = 0.03,
    slack: float = 0.005,
    scaling: float = 0.35,
    tolerance: float = 1e-4,
    max_iterations: int = 3000,
    accuracy: float = 1e-5,
) -> InnerApproximation:
    """Run the inner approximation one realisation after another.

    With a slack of 0 the rank constraint is imposed as printed, although the feasible set is then a
    point.

    Args:
        channels: H, (realisation, user, element + 1, antenna).
        targets: gamma, (realisation, user), or one for all.
        starts: x, (realisation, element).
        noise: noise power of a user.
        rank_mode: as in `inner_approximation`.
        penalty: likewise.
        slack: likewise.
        scaling: likewise.
        tolerance: likewise.
        max_iterations: likewise.
        accuracy: certified relative gap of a subproblem; the solver's tolerances are smaller.

    Raises:
        SolverError: no solver answers a subproblem.
    """
    count, users, size, antennas = channels.shape
    channels = channels / np.sqrt(noise)
    targets = np.broadcast_to(np.asarray(targets, float), (count, users))
    reflection = np.full((count, size - 1), np.nan, np.complex128)
    best_beams = np.full((count, users, antennas), np.nan, np.complex128)
    traces = np.full((5, count, max_iterations + 1), np.nan)
    power, residual = np.full(count, np.nan), np.full(count, np.nan)
    iterations, status = np.zeros(count, np.int64), np.full(count, FAILURE, np.int8)
    chi, rank_slack = rank_terms(rank_mode, penalty, slack, size)
    for r in range(count):

        def project(u: Complex, r: int = r) -> tuple[float, Complex]:
            e = np.einsum("n,kna->ka", u, channels[r])
            uplink = uplink_fixed_point(e, targets[r])
            if uplink is None:
                return np.inf, np.full((users, antennas), np.nan, np.complex128)
            return float(uplink.sum()), downlink_beams(e, targets[r], uplink)

        u = np.append(starts[r], 1.0)
        first, w = project(u)
        if not np.isfinite(first):
            continue
        best = (first, u, w)
        subproblem = ReferenceSubproblem(
            channels[r] * np.sqrt(first),
            targets[r],
            scaling=scaling,
            penalty=chi,
            slack=rank_slack if rank_slack < np.inf else None,
            accuracy=min(accuracy, _SOLVER_ACCURACY),
        )
        V = np.outer(u.conj(), u)
        W = np.einsum("ka,kb->kab", w, w.conj()) / first
        objective, status[r] = 1.0, ITERATION_LIMIT
        traces[:, r, :] = np.array([first, first, first, 0.0, 0.0])[:, None]
        for t in range(1, max_iterations + 1):
            step = subproblem.solve(V, W)
            values, vectors = np.linalg.eigh(step.matrix)
            gap = max(0.0, float(np.trace(step.matrix).real - values[-1]))
            lifted = float(np.einsum("kaa->", step.beams).real)
            new = lifted + chi * gap
            iterations[r] = t
            if tolerance > 0.0 and not new <= objective * (1.0 + RISE):
                traces[0, r, t:], residual[r], status[r] = first * new, 0.0, CONVERGED
                break
            V, W = step.matrix, step.beams
            u = vectors[:, -1].conj()
            u = u / np.abs(u)
            new_power, w = project(u)
            if new_power < best[0]:
                best = (new_power, u, w)
            eigenvalues = np.linalg.eigvalsh(W)
            ratio = float(max(0.0, (eigenvalues[:, -2] / eigenvalues[:, -1]).max()))
            traces[:, r, t:] = np.array([first * new, first * lifted, new_power, gap, ratio])[
                :, None
            ]
            residual[r] = (objective - new) / objective
            objective = new
            if tolerance > 0.0 and residual[r] <= tolerance:
                status[r] = CONVERGED
                break
        power[r], u, w = best
        reference = u[-1]
        reflection[r], best_beams[r] = u[:-1] * reference.conj(), w * reference
    return InnerApproximation(
        reflection=reflection,
        beamformer=best_beams,
        power=power,
        objective=traces[0],
        lifted_power=traces[1],
        projected_power=traces[2],
        rank_gap=traces[3],
        beam_rank=traces[4],
        accuracy=np.full(count, min(accuracy, _SOLVER_ACCURACY)),
        iterations=iterations,
        residual=residual,
        status=status,
    )
