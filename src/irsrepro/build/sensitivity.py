"""How much of a number is rounding: designs on channels disturbed in their last digits.

Algorithms that are not monotone amplify the last bit of their channels, so a machine that rounds
otherwise has other curves. For a sample of realisations every scheme designs once more, on channels
with a relative disturbance far below any physical accuracy. What this changes is taken for what
another rounding would change, realisation by realisation, independently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import xarray as xr

from irsrepro.array_types import Integers, Real
from irsrepro.build.experiments import compare
from irsrepro.channels.streams import RandomStream, children

DISTURBANCE = 1e-13
"""Relative standard deviation of the disturbance: some hundred times the unit of rounding."""

REPETITIONS = 40
_VERSIONS = 4  # of the experiments with every realisation changed
_SEED = 20_261_124
_NEGLIGIBLE = 1e-9  # of the largest value of a curve: what a comparison calls rounding


def disturb(channels: xr.Dataset, streams: Sequence[RandomStream]) -> xr.Dataset:
    """Return channels with every number multiplied by one plus a normal one.

    Args:
        channels: realisations of an ensemble.
        streams: one per realisation; the disturbance of each depends on its stream only.
    """
    result = channels.copy()
    for name, values in channels.data_vars.items():
        if values.dims[:1] != ("realisation",) or values.dtype.kind not in "fc":
            continue
        factors = [
            1.0 + DISTURBANCE * stream.generator().standard_normal(values.shape[1:])
            for stream in children(streams, "rounding", str(name))
        ]
        result[name] = values * np.stack(factors)
    return result


def differences(
    plain: Mapping[str, xr.Dataset], other: Mapping[str, xr.Dataset], metric: str
) -> xr.Dataset:
    """Return how much the disturbance changes what schemes reach.

    Args:
        plain: solutions by scheme, of all realisations or more than the sample.
        other: solutions of the same schemes on the disturbed channels of the sample.
        metric: the one of the experiment.

    Returns:
        The quantities that `experiments.compare` has, disturbed minus plain, on the sample.
    """
    sampled = {
        scheme: plain[scheme].sel(realisation=solution["realisation"])
        for scheme, solution in other.items()
    }
    before, after = compare(sampled, metric), compare(other, metric)
    variables = {
        str(name): (values.dims, after[name].values - before[name].values, values.attrs)
        for name, values in before.data_vars.items()
        if name in after and values.dtype.kind == "f" and values.shape == after[name].shape
    }
    coordinates = {name: before[name] for name in ("scheme", "point", "realisation")}
    return xr.Dataset(variables, coords=coordinates).assign(asked=before["asked"])


def spread(samples: xr.DataArray, changes: xr.DataArray, central: Callable[[Real], Real]) -> Real:
    """Return the half-width within which another rounding leaves an average, 95 %.

    Every realisation is changed by what was found for a random one of the sample, up or down, many
    times over.

    Args:
        samples: of one curve, (realisation, ...).
        changes: of the sample of realisations, in the same order of dimensions.
        central: maps (realisation, ...) to the average (...).

    Returns:
        (...,), NaN without a sample.
    """
    values, shifts = samples.values, changes.values
    finite = np.isfinite(shifts)
    if not finite.any():
        return np.full(values.shape[1:], np.nan)
    shifts = np.where(finite, shifts, 0.0)
    draws = np.random.default_rng(_SEED)
    averages = np.stack(
        [central(values + _random_changes(draws, shifts, len(values))) for _ in range(REPETITIONS)]
    )
    return np.asarray(1.96 * np.sqrt(((averages - central(values)) ** 2).mean(axis=0)))


def _random_changes(draws: np.random.Generator, changes: Real, count: int) -> Real:
    """Changes of random realisations of the sample, (realisation, ...), of random sign.

    Rounding has no preferred direction, and the mean of a small sample would show a spurious one.
    """
    rows, signs = _random_rows(draws, len(changes), count)
    return np.asarray(signs.reshape(-1, *[1] * (changes.ndim - 1)) * changes[rows])


def _random_rows(draws: np.random.Generator, size: int, count: int) -> tuple[Integers, Real]:
    """A realisation of the sample for each of a number of realisations, and a sign, at random."""
    return draws.integers(size, size=count), draws.choice([-1.0, 1.0], size=count)


def roundings(
    experiments: Mapping[str, xr.Dataset], changes: Mapping[str, xr.Dataset]
) -> list[dict[str, xr.Dataset]]:
    """Return experiments as other roundings might have left them.

    Args:
        experiments: collated experiments.
        changes: of some of them, see `differences`, and perhaps of others and more quantities.

    Returns:
        First the experiments with the sample as it is on disturbed channels; then with every
        realisation changed by what was found for a random one of the sample. Nothing if the
        disturbance changes no quantity by more than rounding.
    """
    relevant = {
        name: beyond_rounding
        for name, change in changes.items()
        if name in experiments and (beyond_rounding := _beyond_rounding(experiments[name], change))
    }
    if not relevant:
        return []
    draws = np.random.default_rng(_SEED)
    versions = [
        {name: _add_changes(experiments[name], change, None) for name, change in relevant.items()}
    ]
    for _ in range(_VERSIONS):
        versions.append(
            {
                name: _add_changes(experiments[name], change, draws)
                for name, change in relevant.items()
            }
        )
    return [{**experiments, **version} for version in versions]


def _beyond_rounding(table: xr.Dataset, changes: xr.Dataset) -> xr.Dataset:
    """Return the quantities that change by more than a comparison takes for rounding.

    Schemes that do not are left as they are, with changes of zero.
    """
    found = {}
    for name, change in changes.data_vars.items():
        if name == "asked" or name not in table:
            continue
        others = [dim for dim in change.dims if dim != "scheme"]
        matters = abs(change) > _NEGLIGIBLE * abs(table[name]).max(others)
        if matters.any():
            found[name] = change.where(matters.any(others), 0.0)
    return changes.drop_vars(set(changes.data_vars) - set(found)).assign(found)


def _add_changes(
    table: xr.Dataset, changes: xr.Dataset, draws: np.random.Generator | None
) -> xr.Dataset:
    numbers, sample = table["realisation"].values, changes["realisation"].values
    if draws is None:
        rows = np.searchsorted(sample, numbers).clip(max=len(sample) - 1)
        signs = np.where(sample[rows] == numbers, 1.0, 0.0)
    else:
        rows, signs = _random_rows(draws, len(sample), len(numbers))
    variables = {}
    for name, change in changes.transpose("scheme", ...).data_vars.items():
        axis = change.dims.index("realisation")
        weights = signs.reshape(-1, *[1] * (change.ndim - 1 - axis))
        known = np.where(np.isnan(change.values), 0.0, change.values)
        changed = known.reshape(len(known), -1).any(axis=1)
        values = table[name].transpose(*change.dims)
        moved = values.values.copy()
        moved[changed] += known[changed].take(rows, axis=axis) * weights
        variables[name] = (change.dims, moved, values.attrs)
    return table.assign(variables)
