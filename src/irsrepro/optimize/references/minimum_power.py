"""Least transmit power by public means: a second-order cone program, and pymanopt over the phases.

Second implementations of `irsrepro.optimize.minimum_power` and `minimum_power_phases`; they share
nothing with them but the types of the results.
"""

# mypy: disable-error-code="attr-defined, untyped-decorator"

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irsrepro.lazily import lazily
from irsrepro.optimize.minimum_power import MinimumPowerSolution
from irsrepro.optimize.minimum_power_phases import MinimumPowerPhases
from irsrepro.optimize.status import CONVERGED, FAILURE, ITERATION_LIMIT

cp = lazily("cvxpy")
pymanopt = lazily("pymanopt")

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

_FIXED_POINT_STEPS = 20_000
_ACCURACY = 1e-12


def minimum_power_beamforming_cvxpy(
    channel: Complex, targets: Real, noise: float = 1.0
) -> MinimumPowerSolution:
    """Minimise the transmit power for SINR targets with cvxpy and Clarabel (yu2020, eq. (4)).

    Args:
        channel: e, (realisation, user, antenna): user k hears e_k w.
        targets: gamma, (realisation, user), linear.
        noise: noise power of a user.

    Returns:
        As `minimum_power_beamforming`, the uplink powers from the multipliers of the cones.
    """
    count, users, antennas = channel.shape
    beams = np.full((count, users, antennas), np.nan, np.complex128)
    power, uplink = np.full(count, np.nan), np.full((count, users), np.nan)
    iterations, status = np.zeros(count, np.int64), np.full(count, FAILURE, np.int8)
    for r in range(count):
        # Unit gains: without, the solver stops at powers of the size of its tolerances.
        size = np.linalg.norm(channel[r], axis=1).min() / np.sqrt(noise)
        e = channel[r] / np.sqrt(noise) / size
        W: Any = cp.Variable((antennas, users), complex=True)
        heard = e @ W
        cones: list[Any] = []
        for k in range(users):
            # Real parts by hand: cvxpy returns no multipliers of complex cones.
            parts = (cp.real, cp.imag)
            others = [part(heard[k, i]) for i in range(users) if i != k for part in parts]
            amplitude = cp.real(heard[k, k]) / np.sqrt(targets[r, k])
            cones.append(cp.SOC(amplitude, cp.hstack([*others, 1.0])))
        program: Any = cp.Problem(cp.Minimize(cp.sum_squares(W)), cones)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                program.solve(solver=cp.CLARABEL)
        except cp.SolverError:
            continue
        if program.status not in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE):
            continue
        beams[r] = W.value.T / size
        power[r] = (np.abs(beams[r]) ** 2).sum()
        # The multiplier t of amplitude >= norm is that of the roots; squares double it.
        for k in range(users):
            amplitude = abs(e[k] @ W.value[:, k]) / np.sqrt(targets[r, k])
            dual = float(np.ravel(cones[k].dual_value[0])[0])
            uplink[r, k] = dual / (2.0 * amplitude) / size**2
        iterations[r] = program.solver_stats.num_iters
        status[r] = CONVERGED
    residual = np.abs(uplink.sum(axis=1) / power - 1.0)
    return MinimumPowerSolution(beams, power, uplink / noise, iterations, residual, status)


def uplink_fixed_point(channel: Complex, targets: Real) -> Real | None:
    """Uplink powers of one instance by the plain fixed point, noise 1; None where it diverges.

    Args:
        channel: e, (user, antenna).
        targets: gamma, (user,).
    """
    powers = np.zeros(len(targets))
    for _ in range(_FIXED_POINT_STEPS):
        covariance = np.eye(channel.shape[1]) + (channel.conj().T * powers) @ channel
        seen = np.einsum("ka,ab,kb->k", channel, np.linalg.inv(covariance), channel.conj()).real
        new = 1.0 / ((1.0 + 1.0 / targets) * seen)
        if np.abs(new - powers).max() <= _ACCURACY * new.max():
            return np.asarray(new)
        if not new.max() < 1e100:
            break
        powers = new
    return None


def downlink_beams(channel: Complex, targets: Real, uplink: Real) -> Complex:
    """Beamformers (user, antenna) of one instance from the uplink powers, noise 1.

    Args:
        channel: (user, antenna).
        targets: gamma, (user,).
        uplink: lam, (user,).
    """
    covariance = np.eye(channel.shape[1]) + (channel.conj().T * uplink) @ channel
    directions = np.linalg.solve(covariance, channel.conj().T)
    directions = directions / np.linalg.norm(directions, axis=0)
    received = np.abs(channel @ directions) ** 2
    matrix = -received
    np.fill_diagonal(matrix, received.diagonal() / targets)
    beams: Complex = (directions * np.sqrt(np.linalg.solve(matrix, np.ones(len(targets))))).T
    return beams


def minimum_power_over_phases_pymanopt(
    channels: Complex,
    targets: Real,
    starts: Complex,
    *,
    tolerance: float = 1e-6,
    iteration_limit: int = 2000,
) -> MinimumPowerPhases:
    """Minimise the power over beamformers and phases with pymanopt, noise 1, one start each.

    Args:
        channels: H, (realisation, user, element + 1, antenna).
        targets: gamma, (realisation, user).
        starts: x, (realisation, element).
        tolerance: norm of the Riemannian gradient of ln P at which to stop.
        iteration_limit: largest number of iterations.
    """
    count, users, size, antennas = channels.shape
    reflection = np.full((count, size - 1), np.nan, np.complex128)
    beams = np.full((count, users, antennas), np.nan, np.complex128)
    power, uplink = np.full(count, np.nan), np.full((count, users), np.nan)
    residual = np.full(count, np.nan)
    iterations, status = np.zeros(count, np.int64), np.full(count, FAILURE, np.int8)
    manifold = pymanopt.manifolds.ComplexCircle(size)
    for r in range(count):
        H, gamma = channels[r], targets[r]

        @pymanopt.function.numpy(manifold)
        def cost(u: Complex, H: Complex = H, gamma: Real = gamma) -> float:
            powers = uplink_fixed_point(np.einsum("n,kna->ka", u, H), gamma)
            return float("inf") if powers is None else float(np.log(powers.sum()))

        @pymanopt.function.numpy(manifold)
        def gradient(u: Complex, H: Complex = H, gamma: Real = gamma) -> Complex:
            e = np.einsum("n,kna->ka", u, H)
            powers = uplink_fixed_point(e, gamma)
            assert powers is not None
            w = downlink_beams(e, gamma, powers)
            weights = powers[:, None] * (1.0 - np.diag(1.0 + 1.0 / gamma))
            amplitudes = weights * (e @ w.T)
            slope = np.einsum("ki,kna,ia->n", amplitudes, H.conj(), w.conj())
            return np.asarray(2.0 * slope / powers.sum())

        start = np.append(starts[r], 1.0)
        if not np.isfinite(cost(start)):
            continue
        problem: Any = pymanopt.Problem(manifold, cost, euclidean_gradient=gradient)
        optimizer = pymanopt.optimizers.ConjugateGradient(
            verbosity=0,
            max_iterations=iteration_limit,
            min_gradient_norm=tolerance,
            min_step_size=1e-14,
            max_time=float("inf"),
        )
        result = optimizer.run(problem, initial_point=start)
        u = result.point * result.point[-1].conj()
        e = np.einsum("n,kna->ka", u, H)
        found = uplink_fixed_point(e, gamma)
        if found is None:
            continue
        reflection[r], beams[r] = u[:-1] / np.abs(u[:-1]), downlink_beams(e, gamma, found)
        uplink[r], power[r] = found, found.sum()
        residual[r], iterations[r] = result.gradient_norm, result.iterations
        done = residual[r] <= 100.0 * tolerance
        status[r] = CONVERGED if done else ITERATION_LIMIT
    return MinimumPowerPhases(
        reflection,
        beams,
        power,
        uplink,
        iterations,
        residual,
        status,
        np.zeros(count, np.int64),
    )
