"""From a relaxed matrix V = Y Y^H to a vector of unit-modulus entries, and on to a local optimum.

`gaussian_randomisation` draws xi = Y z with z standard complex normal, so that E[xi xi^H] = V,
takes the phases x_i = exp(j arg(xi_i / xi_N)) relative to the last element, the reference that
stands for the constant part of an affine problem, and keeps the best sample. It is what the papers
prescribe (zheng2021 after eq. (44), noh2022 after eq. (14), yu2020 after eq. (6)). `randomise`
takes z from random streams.

`polish` climbs from a vector to a local optimum by Riemannian conjugate gradients on the complex
circle, with the soft minimum and multipliers of `sdp.low_rank` at rank 1. 200 samples and a polish
beat 100 000 samples in time and in value: offer the former as the better scheme and say which one a
figure uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irsrepro.array_types import Complex, Real
from irsrepro.channels.fading import rayleigh
from irsrepro.channels.streams import RandomStream
from irsrepro.optimize.samples import finalists, user_values
from irsrepro.optimize.sdp.low_rank import low_rank
from irsrepro.optimize.sdp.problem import MaxMinProblem, scale_instance, smallest_value

NOT_A_SAMPLE = -1

_NEGLIGIBLE = 1e-9  # share of tr V that a column of Y must have to count
_POLISH_ROUNDS = 100
_TIE = 1e-12  # relative difference of values that is put down to rounding


@dataclass(frozen=True)
class UnitModulusVectors:
    """Vectors for R realisations and what they reach.

    Attributes:
        vector: x, (realisation, element) complex of unit modulus, the last element 1.
        value: (realisation,) the smallest of the users' values at `vector`.
        sample: (realisation,) index of the draw chosen, or `NOT_A_SAMPLE`.

    """

    vector: Complex
    value: Real
    sample: NDArray[np.int64]


def gaussian_randomisation(
    problem: MaxMinProblem, factor: Complex, draws: Complex, *, incumbent: Complex | None = None
) -> UnitModulusVectors:
    """Best of many random vectors with the covariance V.

    Samples are compared in single precision through the columns of the problem, and the best few in
    double precision. The result of a realisation does not depend on the others.

    Args:
        problem: R realisations.
        factor: Y, (realisation, element, rank), columns by falling norm.
        draws: z, (realisation, sample, at least the rank in use) standard complex normal, of
            variance 1; a draw belongs to the column of Y with the same index.
        incumbent: (realisation, element) vector of unit modulus that a sample must beat to be
            taken, which makes an alternating optimisation monotone.

    Raises:
        ValueError: shapes that do not fit, too few draws, no sample and no incumbent.

    Example:
        >>> problem = norm_problem(np.array([[[1.0], [1.0j], [1.0]]]))
        >>> draws = np.ones((1, 5, 1), complex)  # of rank one, any sample is the best
        >>> gaussian_randomisation(problem, problem.columns, draws).value.round(6)
        array([9.])

    """
    if draws.ndim != 3 or draws.shape[0] != problem.columns.shape[0]:
        raise ValueError(f"draws {draws.shape} must be ({problem.columns.shape[0]}, samples, rank)")
    return _best_samples(problem, factor, draws, incumbent)


def randomise(
    problem: MaxMinProblem,
    factor: Complex,
    streams: Sequence[RandomStream],
    samples: int,
    *,
    incumbent: Complex | None = None,
) -> UnitModulusVectors:
    """`gaussian_randomisation` with numbers of its own, one realisation at a time.

    A hundred thousand samples of many realisations would fill the memory. Every column has one run
    of numbers, so that a factor of fewer columns takes the same ones. A single column makes the
    same vector of all samples, so that one is drawn.

    Args:
        problem: R realisations.
        factor: Y, (realisation, element, rank), columns by falling norm.
        streams: one per realisation.
        samples: number of random vectors.
        incumbent: as in `gaussian_randomisation`.

    Raises:
        ValueError: as `gaussian_randomisation`.

    Example:
        >>> problem = norm_problem(np.array([[[1.0], [1.0j], [1.0]]]))
        >>> from irsrepro.channels.streams import RandomStream
        >>> randomise(problem, problem.columns, [RandomStream(seed=1)], samples=5).value.round(6)
        array([9.])

    """
    draws = (
        rayleigh([stream], (rank, samples if rank > 1 else min(samples, 1)))[0].T
        for stream, rank in zip(streams, map(_rank, factor), strict=True)
    )
    return _best_samples(problem, factor, draws, incumbent)


def _best_samples(
    problem: MaxMinProblem, factor: Complex, draws: Iterable[Complex], incumbent: Complex | None
) -> UnitModulusVectors:
    """`gaussian_randomisation` with draws (sample, rank) made one realisation after the other."""
    realisations, size, _ = problem.columns.shape
    if factor.ndim != 3 or factor.shape[:2] != (realisations, size):
        raise ValueError(f"factor {factor.shape} must be ({realisations}, {size}, rank)")
    if incumbent is not None and incumbent.shape != (realisations, size):
        raise ValueError(f"incumbent {incumbent.shape} must be ({realisations}, {size})")
    vectors = np.empty((realisations, size), np.complex128)
    sample_indices = np.full(realisations, NOT_A_SAMPLE)
    for r, z in enumerate(draws):
        if incumbent is None and not len(z):
            raise ValueError("there must be samples or an incumbent")
        instance = scale_instance(problem, r).instance
        rank = _rank(factor[r])
        if z.shape[1] < rank:
            raise ValueError(f"draws {z.shape} have fewer columns than the rank {rank}")
        Y, z = factor[r, :, :rank], z[:, :rank]
        if rank == 1:
            z = z[:1]  # the same vector, whatever is drawn
        best = -np.inf
        if incumbent is not None:
            vectors[r] = _rotate_to_reference(incumbent[r])
            best = smallest_value(instance, vectors[r, :, None])
        candidates = finalists(instance, Y, z, best)
        if candidates.size:
            values = user_values(instance, Y @ z[candidates].T).min(axis=0)
            # At rank one all are equal: the first is taken, whatever rounding makes of the others.
            ties = values >= values.max() - _TIE * abs(values.max())
            winner = int(np.flatnonzero(ties)[0])
            if values[winner] > best:
                sample_indices[r] = candidates[winner]
                vectors[r] = _rotate_to_reference(Y @ z[sample_indices[r]])
    return UnitModulusVectors(vectors, problem.values(vectors).min(axis=1), sample_indices)


def polish(
    problem: MaxMinProblem, vector: Complex, *, tolerance: float = 1e-4
) -> UnitModulusVectors:
    """Local optimum near each vector, never below it. The realisations do not interact.

    Args:
        problem: R realisations.
        vector: x, (realisation, element) complex without zeros; only the phases count.
        tolerance: relative gain over several rounds below which to stop.

    Raises:
        ValueError: shapes that do not fit, a vector with zeros or values that are not finite.

    Example:
        >>> problem = norm_problem(np.array([[[1.0], [1.0j], [1.0]]]))
        >>> polish(problem, np.array([[1.0, 1.0, 1.0]])).value.round(3)  # 5 before
        array([9.])

    """
    vector = np.asarray(vector, np.complex128)
    if vector.shape != problem.columns.shape[:2]:
        raise ValueError(f"vector {vector.shape} must be {problem.columns.shape[:2]}")
    if not (np.isfinite(vector).all() and np.abs(vector).all()):
        raise ValueError("vector must be finite and without zeros")
    vectors = np.empty_like(vector)
    for r in range(vector.shape[0]):
        scaled = scale_instance(problem, r)
        start = _rotate_to_reference(vector[r])
        users = np.ones(scaled.shares.size)
        factor = low_rank(
            scaled.instance,
            scaled.linear,
            np.ascontiguousarray(start[:, None]),
            users,
            tolerance,
            scaled.floor,
            _POLISH_ROUNDS,
            1,
            False,
            np.inf,
        )[0]
        candidate = _rotate_to_reference(factor[:, 0])
        start_value, candidate_value = (
            smallest_value(scaled.instance, x[:, None]) for x in (start, candidate)
        )
        vectors[r] = candidate if candidate_value > start_value else start
    value = problem.values(vectors).min(axis=1)
    return UnitModulusVectors(vectors, value, np.full(len(vector), NOT_A_SAMPLE))


def _rank(factor: Complex) -> int:
    """Return the number of columns up to the last that counts, of a factor (element, column)."""
    norms = (np.abs(factor) ** 2).sum(axis=0)
    return 1 + int(np.flatnonzero(norms > _NEGLIGIBLE * len(factor)).max())


def _rotate_to_reference(vector: Complex) -> Complex:
    """Phases relative to the last element; a zero takes the phase 0."""
    phases = np.where(vector == 0.0, 1.0, vector)
    phases = phases / np.abs(phases)
    phases *= phases[-1].conj()
    return np.asarray(phases / np.abs(phases))
