"""Checks of claims against their experiments: completed, or refused in one line.

Loaded while the workflow is parsed, so no array library is imported here; ``claims`` evaluates.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic import TypeAdapter, ValidationError

from irsrepro.config.kinds import NAMES_OF_CURVES, AnyCheck, Check, OfSeveral
from irsrepro.config.problems import one_of, raise_config_error, raise_first

Plans = Mapping[str, Mapping[str, Any]]

_ANY_CHECK: TypeAdapter[AnyCheck] = TypeAdapter(Check, config={"defer_build": True})


@dataclass(frozen=True)
class Curve:
    """A scheme over the points of an experiment, or at one of them.

    Attributes:
        name: the curve as the check writes it.
        experiment: name of the experiment.
        scheme: name of the scheme.
        point: value of the swept parameter it is held at, or None for the whole sweep.
    """

    name: str
    experiment: str
    scheme: str
    point: float | None = None


def single_checks(checks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return checks of one experiment each, in place of those that list several."""
    return [
        {**check, "experiment": experiment}
        for check in checks
        for experiment in _as_list(check["experiment"])
    ]


def fewest_points(check: Mapping[str, Any]) -> int:
    """Return the number of points that a valid check needs at least."""
    return _ANY_CHECK.validate_python(check).fewest_points


def traces_of(check: Mapping[str, Any]) -> set[str]:
    """Return the names of what a valid check may look at per iteration."""
    model = _ANY_CHECK.validate_python(check)
    return {"trace", model.quantity or "trace"} if _is_traced(model) else set()


def experiments_of(check: Mapping[str, Any]) -> list[str]:
    """Return the names of the experiments that a valid check reads, its own first."""
    names = [check["experiment"]]
    for key in NAMES_OF_CURVES:
        for name in _as_list(check.get(key) or []):
            names.append(name.partition("/")[0] if "/" in name else check["experiment"])
    return list(dict.fromkeys(names))


def resolve(place: str, check: Mapping[str, Any], plans: Plans) -> dict[str, Any]:
    """Complete a check, and look whether its experiments have what it needs.

    Args:
        place: what errors name first: a claim, or a file and a place in it.
        check: the mapping of the configuration file, of one experiment.
        plans: of every experiment ``schemes`` (names), ``values`` (of the sweep) and ``trace``
            (whether there is one); if known also ``quantities`` and ``traces`` (names of variables)
            and ``iterations`` (length of the trace).

    Returns:
        Every argument of the kind, defaults filled in. A single ``scheme`` is under ``schemes`` for
        kinds that take several. Curves are ``Curve``, in lists where there may be several;
        ``points`` is the list of points, [None] if every curve is held at a point; an open end of a
        range is infinite.

    Raises:
        ConfigurationError: one line naming the place, the key, the value and what is expected.
    """
    try:
        model = _ANY_CHECK.validate_python(check)
    except ValidationError as error:
        raise_first(error, check, place)
    return _Resolution(place, plans, model).complete()


def curves_of(resolved: Mapping[str, Any]) -> list[Curve]:
    """Return every curve that a check names, completed by ``resolve``."""
    return [
        value
        for values in resolved.values()
        for value in _as_list(values)
        if isinstance(value, Curve)
    ]


@dataclass(frozen=True)
class _Resolution:
    """A check against its experiments.

    Attributes:
        place: what errors name first.
        plans: see ``resolve``.
        check: the check.
    """

    place: str
    plans: Plans
    check: AnyCheck

    def reject(self, key: str, value: Any, expected: str) -> NoReturn:
        raise_config_error(self.place, key, value, expected)

    def complete(self) -> dict[str, Any]:
        check = self.check
        resolved = {name: getattr(check, name) for name in type(check).model_fields}
        if isinstance(check, OfSeveral):
            resolved["schemes"] = resolved.pop("scheme") or check.schemes
        if not isinstance(check.experiment, str) or check.experiment not in self.plans:
            self.reject("experiment", check.experiment, one_of(self.plans))
        curves: list[Curve] = []
        for key in NAMES_OF_CURVES:
            if resolved.get(key) is not None:
                written_key = key if getattr(check, key) is not None else "scheme"
                key_curves = [self.curve(written_key, name) for name in _as_list(resolved[key])]
                resolved[key] = key_curves[0] if key in check.single else key_curves
                curves += key_curves
        self.check_variables(resolved, curves)
        points = resolved["points"] = self.points(curves)
        if len(points) < check.fewest_points and resolved.get("along", "point") == "point":
            self.reject("points", points, f"at least {check.fewest_points} points")
        if resolved.get("per") == "doubling":
            if resolved["along"] == "iteration":
                self.reject("per", "doubling", "unit, along iteration")
            if min(points) <= 0:
                self.reject("per", "doubling", "unit, with points of 0 or below")
        if resolved.get("along") == "scheme":
            self.check_chain(resolved)
        values = self.plans[str(check.experiment)]["values"]
        for point in _as_list(resolved.get("point", [])):
            if not _contains(values, point):
                self.reject("point", point, one_of(values))
        for name in ("bounds", "share", "between"):
            ends = resolved.get(name)
            if isinstance(ends, list) and any(isinstance(end, str) for end in ends):
                self.reject(name, ends, "numbers, which a reading gives")
        for name in ("bounds", "share"):
            if resolved.get(name) is not None:
                resolved[name] = _range(resolved[name])
        if "between" in resolved:
            low, high = _between(resolved["between"], points)
            if not 0 < sum(low <= point <= high for point in points) < len(points):
                self.reject("between", resolved["between"], "some points inside and some outside")
            resolved["between"] = (low, high)
        return resolved

    def curve(self, key: str, text: str) -> Curve:
        name, _, at = text.partition("@")
        experiment, _, scheme = name.rpartition("/")
        experiment = experiment or str(self.check.experiment)
        if experiment not in self.plans:
            self.reject(key, text, f"a curve of an experiment, {one_of(self.plans)}")
        plan = self.plans[experiment]
        if scheme not in plan["schemes"]:
            self.reject(key, text, f"a scheme of {experiment}, {one_of(plan['schemes'])}")
        if not at:
            return Curve(text, experiment, scheme)
        try:
            point = float(at)
        except ValueError:
            point = math.nan
        if not _contains(plan["values"], point):
            self.reject(key, text, f"a point of {experiment}, {one_of(plan['values'])}")
        return Curve(text, experiment, scheme, point)

    def points(self, curves: Sequence[Curve]) -> list[Any]:
        """Return the points that all curves not held at a point share, [None] if all are held."""
        selection = self.check.points
        swept = list(dict.fromkeys(curve.experiment for curve in curves if curve.point is None))
        if not swept:
            if selection is not None:
                self.reject("points", selection, "no points, since every curve is held at one")
            return [None]
        points = [float(value) for value in self.plans[swept[0]]["values"]]
        if isinstance(selection, str):
            third = math.ceil(len(points) / 3)
            parts = {"first": points[:1], "last": points[-1:], "last_third": points[-third:]}
            points = parts[selection]
        elif isinstance(selection, dict):
            self.reject("points", selection, "numbers, which a reading gives")
        elif selection is not None:
            points = [float(point) for point in selection]
        for experiment in swept:
            values = self.plans[experiment]["values"]
            for point in points:
                if not _contains(values, point):
                    expected = f"points of {experiment}, {one_of(values)}"
                    self.reject("points", selection or point, expected)
        return points

    def check_chain(self, resolved: Mapping[str, Any]) -> None:
        """Refuse a comparison along fewer than two schemes, or gaps without a partner."""
        key = "schemes" if "schemes" in resolved else "scheme"
        chain = [curve.name for curve in resolved[key]]
        if len(chain) < 2:
            self.reject(key, chain, "at least two curves, along scheme")
        if "over" in resolved and len(resolved["over"]) != len(chain):
            over = [curve.name for curve in resolved["over"]]
            self.reject("over", over, f"one curve for each of {', '.join(chain)}, along scheme")

    def check_variables(self, resolved: Mapping[str, Any], curves: Sequence[Curve]) -> None:
        traced = _is_traced(self.check)
        quantity = resolved["quantity"]
        for experiment in dict.fromkeys(curve.experiment for curve in curves):
            plan = self.plans[experiment]
            if traced and not plan.get("trace", False):
                traced_experiments = [
                    name for name, other in self.plans.items() if other.get("trace", False)
                ]
                self.reject(
                    "experiment", experiment, f"one with a trace, {one_of(traced_experiments)}"
                )
            names = plan.get("traces" if traced else "quantities")
            if names is not None and quantity is not None and quantity not in names:
                self.reject("quantity", quantity, f"what {experiment} has, {one_of(names)}")
            for iteration in _as_list(resolved.get("iteration", [])):
                if iteration >= plan.get("iterations", math.inf):
                    self.reject("iteration", iteration, f"at most {plan['iterations'] - 1}")


def _is_traced(check: AnyCheck) -> bool:
    """Whether a check looks at something per iteration."""
    return check.traced or getattr(check, "along", "") == "iteration"


def _contains(values: Sequence[float], point: float) -> bool:
    return any(math.isclose(value, point) for value in values)


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _range(bounds: Sequence[float | None]) -> tuple[float, float]:
    low, high = bounds
    return -math.inf if low is None else low, math.inf if high is None else high


def _between(between: Any, points: Sequence[Any]) -> tuple[float, float]:
    if between != "middle_third":
        return _range(between)
    third = (max(points) - min(points)) / 3
    return min(points) + third, max(points) - third
