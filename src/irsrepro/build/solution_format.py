"""What a solution may hold: the variables of a paper, their axes and the limits that they obey.

Every paper declares its own in ``papers/KEY/solution.py``, once: the shapes that a file from
outside must have, the checks of what it holds, and the table in the documentation come from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from irsrepro.array_types import Real
from irsrepro.build.sweeps import Problem

TOLERANCE = 1e-6
"""By how much a limit may be exceeded, relative to it: what single precision leaves of a number."""

Sizes = Mapping[str, int | None]


class Limit(Protocol):
    """What the values of a variable must obey."""

    @property
    def about(self) -> str:
        """The limit in words, for the documentation."""

    def excess(self, values: NDArray[Any], parameters: Mapping[str, Any]) -> Real:
        """By how much realisations exceed it, (realisation,); nothing or less is allowed.

        Args:
            values: (realisation, ...).
            parameters: of the point.
        """

    def describe(self, excess: float) -> str:
        """An excess in words, ``its modulus is off 1 by 0.3``."""


@dataclass(frozen=True)
class UnitModulus:
    """Every entry has modulus one."""

    about: str = "modulus 1"

    def excess(self, values: NDArray[Any], parameters: Mapping[str, Any]) -> Real:
        """Largest distance of a modulus from one."""
        return np.asarray(_flat(np.abs(np.abs(values) - 1.0)).max(axis=1, initial=0.0))

    def describe(self, excess: float) -> str:
        """An excess in words."""
        return f"a modulus is off 1 by {excess:.3g}"


@dataclass(frozen=True)
class UnitDisc:
    """Every entry has at most modulus one."""

    about: str = "modulus at most 1"

    def excess(self, values: NDArray[Any], parameters: Mapping[str, Any]) -> Real:
        """What the largest modulus has beyond one."""
        return np.asarray(_flat(np.abs(values)).max(axis=1, initial=0.0) - 1.0)

    def describe(self, excess: float) -> str:
        """An excess in words."""
        return f"a modulus is {1.0 + excess:.6g}, at most 1 is allowed"


@dataclass(frozen=True)
class TotalPower:
    """The squared moduli of all entries of a realisation together are at most one."""

    about: str = "squared moduli sum to at most 1 over all axes"

    def excess(self, values: NDArray[Any], parameters: Mapping[str, Any]) -> Real:
        """What the sum has beyond one."""
        return np.asarray(_flat(np.abs(values) ** 2).sum(axis=1) - 1.0)

    def describe(self, excess: float) -> str:
        """An excess in words."""
        return f"the power is {1.0 + excess:.6g} times what is allowed"


@dataclass(frozen=True)
class PowerRange:
    """Every entry is a power between nothing and a limit.

    Attributes:
        most: the limit in W, from the parameters of a point.
        about: the limit in words.
    """

    most: Callable[[Mapping[str, Any]], float]
    about: str

    def excess(self, values: NDArray[Any], parameters: Mapping[str, Any]) -> Real:
        """What an entry is above the limit or below nothing, relative to the limit."""
        most = self.most(parameters)
        flat = _flat(values)
        above, below = flat.max(axis=1, initial=0.0) / most - 1.0, -flat.min(axis=1) / most
        return np.asarray(np.maximum(above, below))

    def describe(self, excess: float) -> str:
        """An excess in words."""
        return f"a power is outside its range by {excess:.3g} of the limit"


@dataclass(frozen=True)
class NotZero:
    """The entries along the first axis are not all zero."""

    about: str = "not zero"

    def excess(self, values: NDArray[Any], parameters: Mapping[str, Any]) -> Real:
        """One where a vector along the first axis is zero."""
        zero = np.abs(values).max(axis=1) == 0.0
        return np.asarray(zero.reshape(len(values), -1).any(axis=1).astype(float))

    def describe(self, excess: float) -> str:
        """An excess in words."""
        return "a vector is zero"


@dataclass(frozen=True)
class Variable:
    """A variable of a solution.

    Attributes:
        axes: after ``realisation``.
        unit: of its values.
        about: what it is.
        limit: what it must obey, None where anything finite is allowed.
        complex: whether its values are complex.
    """

    axes: tuple[str, ...]
    unit: str
    about: str
    limit: Limit | None = None
    complex: bool = True


@dataclass(frozen=True)
class Target:
    """A quantity of the system model that a design must reach.

    Attributes:
        least: the value, linear, from the parameters of a point.
        about: in words.
    """

    least: Callable[[Mapping[str, Any]], float]
    about: str


@dataclass(frozen=True)
class SolutionFormat:
    """What a solution of a paper holds.

    Attributes:
        variables: by their names.
        sizes: of all axes, from the parameters of a point; an axis of size None is left out.
        axes: what the axes are, for the documentation.
        model: how channels and variables go together, for the documentation, in Markdown.
        targets: quantities of the system model that must be reached.
        lower_is_better: the metrics of which less is better.
    """

    variables: Mapping[str, Variable]
    sizes: Callable[[Mapping[str, Any]], Sizes]
    axes: Mapping[str, str]
    model: str
    targets: Mapping[str, Target] = field(default_factory=dict)
    lower_is_better: tuple[str, ...] = ()

    def shape(self, name: str, parameters: Mapping[str, Any]) -> dict[str, int]:
        """Return the axes of a variable after ``realisation``, with their sizes, in order."""
        sizes = self.sizes(parameters)
        axes = {axis: sizes[axis] for axis in self.variables[name].axes}
        return {axis: size for axis, size in axes.items() if size is not None}

    def violations(self, problem: Problem, variables: xr.Dataset) -> dict[int, str]:
        """Return why realisations are no designs, by their positions: limits and numbers.

        Args:
            problem: what was solved.
            variables: as the system model takes them.
        """
        reasons: dict[int, str] = {}
        for name, variable in self.variables.items():
            values = variables[name].values
            finite = _flat(np.isfinite(values)).all(axis=1)
            reasons = {
                int(r): f"{name}: not a finite number" for r in np.flatnonzero(~finite)
            } | reasons
            if variable.limit is None:
                continue
            finite_values = np.where(finite.reshape(-1, *[1] * (values.ndim - 1)), values, 0.0)
            excess = variable.limit.excess(finite_values, problem.parameters)
            for r in np.flatnonzero(finite & (excess > TOLERANCE)):
                reasons.setdefault(int(r), f"{name}: {variable.limit.describe(float(excess[r]))}")
        return dict(sorted(reasons.items()))

    def misses(self, problem: Problem, quantities: xr.Dataset) -> dict[int, str]:
        """Return which realisations miss a target, by their positions, and by how much.

        Args:
            problem: what was solved.
            quantities: what the system model evaluated.
        """
        reasons: dict[int, str] = {}
        for name, target in self.targets.items():
            least = target.least(problem.parameters)
            values = _flat(quantities[name].values).min(axis=1)
            for r in np.flatnonzero(values < (1.0 - TOLERANCE) * least):
                with np.errstate(divide="ignore"):
                    shortfall = 10.0 * np.log10(least / values[r])
                reasons.setdefault(int(r), f"{name}: misses its target by {shortfall:.3g} dB")
        return dict(sorted(reasons.items()))


def solution_format(key: str) -> SolutionFormat:
    """Return what a solution of a paper holds."""
    spec: SolutionFormat = import_module(f"irsrepro.papers.{key}.solution").SOLUTION
    return spec


def _flat(values: NDArray[Any]) -> NDArray[Any]:
    return values.reshape(len(values), -1)
