"""DOMALO and S-DOMALO on the manifolds and the solver of pymanopt, gradients by hand.

The same algorithms as `manifold_alternation`, from the same starts; the conjugate gradients and
their line search are those of pymanopt.
"""

# mypy: disable-error-code="untyped-decorator,no-any-return"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from irsrepro.array_types import Complex, Real
from irsrepro.lazy_import import lazily
from irsrepro.optimize.reference.public_solvers import search_manifold
from irsrepro.optimize.result import CONVERGED, ITERATION_LIMIT, NO_CHANNEL, NO_INVERSE
from irsrepro.papers.zhang2022.algorithms.manifold_alternation import SETTLED, Alternation
from irsrepro.papers.zhang2022.algorithms.surface_downlink import (
    SurfaceLinks,
    checked_links,
    composite_channel,
)

pymanopt = lazily("pymanopt")

Smooth = Callable[[Complex], tuple[float, Complex]]


def alternate(
    links: SurfaceLinks,
    reflection: Complex,
    weights: ArrayLike = 1.0,
    *,
    objective: str,
    beams: str = "search",
    update_reflection: bool = True,
    max_iterations: int,
    beam_steps: int = 10,
    reflection_steps: int = 10,
    tolerance: float = 1e-6,
    smoothing: float = 0.1,
    shrink: float = 0.5,
    floor: float = 1e-4,
    share_smoothing: bool = False,
    auxiliary_updates: int = 1,
    levels: int = 0,
    quantisation: str = "never",
) -> Alternation:
    """Alternate between beams and reflections; arguments and result as `alternate`."""
    links = checked_links(links)
    count, users, elements = links.outgoing.shape
    first = links.first
    omega = np.broadcast_to(np.asarray(weights, float), (users,))
    W = np.zeros((count, users, links.incoming.shape[2]), np.complex128)
    x = np.array(reflection, np.complex128)
    traces = np.zeros((count, max_iterations + 1))
    iterations, residual = np.zeros(count, np.int64), np.zeros(count)
    status = np.full(count, ITERATION_LIMIT, np.int8)
    joint = links.irs1_to_irs2.size == 0 and links.irs2_to_irs1.size == 0
    blocks = [slice(0, elements)] if joint else [slice(0, first), slice(first, elements)]

    def rate(sinr: Real) -> float:
        rates = omega * np.log2(1.0 + sinr)
        return float(rates.sum() if objective == "sum-rate" else rates.min())

    for r in range(count):
        realisation_links = links.of(slice(r, r + 1))

        def channel_at(
            phi: Complex, realisation_links: SurfaceLinks = realisation_links
        ) -> Complex:
            return composite_channel(realisation_links, phi[None])[0]

        phi = x[r]
        channel = channel_at(phi)
        start = linear_beams_reference("mrt", channel)
        if start is None:
            status[r] = NO_CHANNEL
            continue
        max_signal_power = (np.abs(np.diag(channel @ start.T)) ** 2).max()
        mu = np.full(3, smoothing * max_signal_power)
        closed_form_beams = start if beams == "search" else linear_beams_reference(beams, channel)
        if closed_form_beams is None:
            status[r] = NO_INVERSE
            W[r], traces[r], residual[r] = np.nan, np.nan, np.nan
            continue
        w = closed_form_beams
        sinr = _sinr(channel @ w.T)
        level = float((omega * sinr).min())
        traces[r] = rate(sinr)
        for iteration in range(1, max_iterations + 1):
            alpha = sinr
            if beams == "search":

                def of_beams(
                    v: Complex, channel: Complex = channel, alpha: Real = alpha,
                    level: float = level, mu: float = mu[0],
                ) -> tuple[float, Complex]:  # fmt: skip
                    value, slope = _cost(objective, channel @ v.T, omega, alpha, level, mu)
                    return value, slope.T @ channel.conj()

                new = _minimise_on_sphere(of_beams, w, beam_steps, tolerance)
                new_level = float((omega * _sinr(channel @ new.T)).min())
                if objective == "sum-rate" or new_level >= level:
                    w, level = new, new_level
                else:
                    mu[slice(None) if share_smoothing else 0] *= shrink
            if update_reflection:
                if auxiliary_updates > 1:
                    alpha = _sinr(channel @ w.T)
                previous_reflection, previous_rate = phi.copy(), rate(_sinr(channel @ w.T))
                for index, block in enumerate(blocks):
                    zero, basis = phi.copy(), np.eye(block.stop - block.start)
                    zero[block] = 0.0
                    rest = channel_at(zero) @ w.T
                    # The response is affine in the block: a column of A for every element.
                    probes = np.repeat(zero[None], len(basis), axis=0)
                    probes[:, block] += basis
                    repeated_links = [
                        np.broadcast_to(channels[0], (len(basis), *channels.shape[1:]))
                        for channels in realisation_links[:5]
                    ]
                    probe_links = SurfaceLinks(
                        repeated_links[0],
                        repeated_links[1],
                        repeated_links[2],
                        repeated_links[3],
                        repeated_links[4],
                        first,
                    )
                    A = composite_channel(probe_links, probes) @ w.T - rest

                    def of_reflection(
                        v: Complex, A: Complex = A, rest: Complex = rest, alpha: Real = alpha,
                        level: float = level, mu: float = mu[1 + index],
                    ) -> tuple[float, Complex]:  # fmt: skip
                        s = np.tensordot(v, A, 1) + rest
                        value, slope = _cost(objective, s, omega, alpha, level, mu)
                        return value, np.einsum("nkj,kj->n", A.conj(), slope)

                    part = _minimise_on_circles(
                        of_reflection, phi[block], reflection_steps, tolerance
                    )
                    if quantisation.startswith("inside"):
                        part = _nearest(part, levels)
                    if objective == "min-rate":
                        s = np.tensordot(part, A, 1) + rest
                        new_level = float((omega * _sinr(s)).min())
                        if new_level < level:
                            mu[slice(None) if share_smoothing else 1 + index] *= shrink
                            continue
                        level = new_level
                    phi[block] = part
                channel = channel_at(phi)
                if quantisation == "inside, kept" and rate(_sinr(channel @ w.T)) < previous_rate:
                    phi[:] = previous_reflection
                    channel = channel_at(phi)
                if beams != "search":
                    closed_form_beams = linear_beams_reference(beams, channel)
                    if closed_form_beams is None:
                        status[r] = NO_INVERSE
                        break
                    w = closed_form_beams
            sinr = _sinr(channel @ w.T)
            level = float((omega * sinr).min())
            traces[r, iteration:] = rate(sinr)
            iterations[r] = iteration
            last = traces[r, iteration]
            residual[r] = (last - traces[r, iteration - 1]) / last if last > 0.0 else 0.0
            if objective == "min-rate" and mu.min() < floor * smoothing * max_signal_power:
                status[r] = CONVERGED
                break
        W[r] = w
        if status[r] == NO_INVERSE:
            W[r], traces[r], residual[r] = np.nan, np.nan, np.nan
        if quantisation == "after":
            phi[:] = _nearest(phi, levels)
    converged = (status == ITERATION_LIMIT) & (np.abs(residual) <= SETTLED)
    status[converged] = CONVERGED
    return Alternation(W, x, trace=traces, iterations=iterations, residual=residual, status=status)


def linear_beams_reference(kind: str, channel: Complex) -> Complex | None:
    """Beams (user, antenna) of eqs. (49) to (51), None where there are none."""
    users = len(channel)
    gram = channel @ channel.conj().T
    if kind == "zf":
        if np.linalg.matrix_rank(channel, rtol=1e-6) < users:
            return None
        beams = np.linalg.inv(gram).T @ channel.conj()
    elif kind == "mmse":
        beams = np.linalg.inv(gram + users * np.eye(users)).T @ channel.conj()
    else:
        beams = channel.conj()
    norm = np.linalg.norm(beams)
    return beams / norm if norm > 0.0 else None


def _sinr(responses: Complex) -> Real:
    """SINRs from responses (user, beam)."""
    received = np.abs(responses) ** 2
    signal = received.diagonal()
    return signal / (received.sum(axis=1) - signal + 1.0)


def _cost(
    objective: str, s: Complex, omega: Real, alpha: Real, level: float, mu: float
) -> tuple[float, Complex]:
    """Cost (10) or (36) and 2 df/dconj(s), s (user, beam)."""
    received = np.abs(s) ** 2
    signal, total = received.diagonal(), received.sum(axis=1) + 1.0
    eye = np.eye(len(s))
    if objective == "sum-rate":
        c = omega * (1.0 + alpha)
        weights = (c * signal / total**2)[:, None] - eye * (c / total)[:, None]
        return -float((c * signal / total).sum()), 2.0 * weights * s
    f = omega * signal - level * (total - signal)
    low = f.min()
    shares = np.exp((low - f) / mu)
    value = mu * np.log(shares.sum()) - low
    shares = (shares / shares.sum())[:, None]
    return float(value), 2.0 * shares * (level * (1.0 - eye) - omega[:, None] * eye) * s


def _run(manifold: Any, smooth: Smooth, pack: Any, unpack: Any, start: Any, limit: int,
         tolerance: float) -> Any:  # fmt: skip
    @pymanopt.function.numpy(manifold)
    def cost(point: Any) -> float:
        return smooth(unpack(point))[0]

    @pymanopt.function.numpy(manifold)
    def gradient(point: Any) -> Any:
        return pack(smooth(unpack(point))[1])

    problem: Any = pymanopt.Problem(manifold, cost, euclidean_gradient=gradient)
    first = manifold.norm(start, problem.riemannian_gradient(start))
    if not first > 0.0 or limit == 0:
        return start
    return search_manifold(
        problem,
        start,
        beta_rule="PolakRibiere",
        max_iterations=limit,
        min_gradient_norm=tolerance * first,
        min_step_size=1e-14,
        max_time=float("inf"),
    ).point


def _minimise_on_sphere(smooth: Smooth, start: Complex, limit: int, tolerance: float) -> Complex:
    def pack(v: Complex) -> Real:
        return np.stack([v.real, v.imag])

    def unpack(point: Real) -> Complex:
        return point[0] + 1j * point[1]

    manifold = pymanopt.manifolds.Sphere(2, *start.shape)
    solution = _run(manifold, smooth, pack, unpack, pack(start), limit, tolerance)
    return unpack(solution)


def _minimise_on_circles(smooth: Smooth, start: Complex, limit: int, tolerance: float) -> Complex:
    if start.size == 0:
        return start.copy()
    manifold = pymanopt.manifolds.ComplexCircle(start.size)
    point = _run(manifold, smooth, lambda v: v, lambda v: v, start.copy(), limit, tolerance)
    return point / np.abs(point)


def _nearest(phi: Complex, levels: int) -> Complex:
    angles = 2.0 * np.pi * np.arange(levels) / levels
    grid = np.exp(1j * angles)
    return grid[np.abs(phi[:, None] - grid).argmin(axis=1)]
